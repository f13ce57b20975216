/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Initiator and responder against each other, over a good and over a bad network. */
#include "tests/unit/l2tp_world.h"

static const struct l2tp_reason clear = { .result = L2TP_STOP_GENERAL, .text = "done" };
static const struct l2tp_reason admin = { .result = L2TP_CDN_ADMIN, .text = "enough" };

static void a_tunnel_and_a_call_come_up_and_go(void **state)
{
	struct world *w = world_new(NULL);
	struct l2tp_tunnel *t = world_up(w);
	struct l2tp_call *c;

	(void)state;
	assert_string_equal(l2tp_tunnel_hostname(t), "lns.example");
	assert_string_equal(l2tp_tunnel_hostname(w->side[LNS].tunnel), "lac.example");
	assert_string_equal(l2tp_tunnel_vendor(w->side[LNS].tunnel), "l2xdp");
	assert_true(l2tp_tunnel_peer_ecn(t)); /* V2-EXT-6 */
	assert_int_equal(l2tp_tunnel_id(t), l2tp_tunnel_peer_id(w->side[LNS].tunnel));
	assert_int_equal(l2tp_tunnel_id(w->side[LNS].tunnel), l2tp_tunnel_peer_id(t));
	c = world_call(w, t);
	assert_int_equal(w->side[LAC].calls_up, 1);
	assert_int_equal(w->side[LNS].calls_up, 1);
	assert_int_equal(l2tp_call_id(c), l2tp_call_peer_id(w->side[LNS].call));
	assert_int_equal(w->side[LNS].info.tx_speed, 100000000);
	assert_int_equal(w->side[LNS].info.serial, 7); /* V2-CALL-9 */
	assert_int_equal(l2tp_call_info(w->side[LNS].call)->serial, 7);
	l2tp_call_close(w->side[LNS].call, w->now, &admin);
	world_run(w, 500);
	assert_int_equal(w->side[LAC].calls_down, 1);
	assert_string_equal(w->side[LAC].call_why.text, "enough");
	assert_int_equal(w->side[LAC].call_why.result, L2TP_CDN_ADMIN);
	assert_true(w->side[LAC].call_why.from_peer);
	l2tp_tunnel_close(t, w->now, &clear);
	assert_int_equal(l2tp_unacknowledged(w->side[LAC].ep), 1);
	world_run(w, 500);
	assert_int_equal(w->side[LNS].tunnels_gone, 1);
	assert_true(w->side[LNS].tunnel_why.from_peer);
	assert_int_equal(l2tp_unacknowledged(w->side[LAC].ep), 0);
	/* nothing is kept after 31 s (V2-REL-14, V2-TEAR-2) */
	world_run(w, 32000);
	assert_int_equal(w->side[LAC].ep->n_stopped + w->side[LNS].ep->n_stopped, 0);
	world_free(w);
}

/* V2-REL-*: what is lost, doubled and out of order arrives once and in order. */
static void thousand_calls_over_a_bad_network(void **state)
{
	struct world *w = world_new(NULL);
	struct l2tp_call_info info = { .framing = 1 };
	struct l2tp_tunnel *t = world_open(w, LAC);

	(void)state;
	w->loss = 5;
	w->duplicate = 3;
	w->reorder = 10;
	for (unsigned int i = 0; i < 1000; i++) {
		info.serial = i;
		assert_non_null(l2tp_call_open(t, w->now, &info, NULL));
	}
	world_run(w, 600000);
	assert_int_equal(w->side[LAC].calls_up, 1000);
	assert_int_equal(w->side[LNS].calls_up, 1000);
	assert_int_equal(w->side[LNS].calls_asked, 1000);
	assert_int_equal(l2tp_tunnel_calls(t), 1000);
	assert_true(counter(&w->side[LNS], L2TP_C_DUPLICATE) > 0);
	assert_true(counter(&w->side[LNS], L2TP_C_OUT_OF_ORDER) > 0);
	assert_true(counter(&w->side[LAC], L2TP_C_RETRANSMIT) > 0);
	assert_int_equal(w->side[LNS].ep->env.held, 0);
	l2tp_shutdown(w->side[LNS].ep, w->now);
	assert_int_equal(w->side[LNS].calls_down, 1000);
	world_run(w, 60000);
	assert_int_equal(w->side[LAC].calls_down, 1000);
	assert_int_equal(w->side[LAC].tunnels_gone, 1);
	assert_int_equal(w->side[LAC].tunnel_why.result, L2TP_STOP_SHUTDOWN);
	assert_int_equal(w->side[LAC].tunnel_why.from_peer, true);
	world_free(w);
}

static void thousand_tunnels_of_one_call(void **state)
{
	struct l2tp_limits limits = { .half_open = 2000, .half_open_source = 2000, .shards = 4 };
	struct world *w = world_new(&limits);
	struct l2tp_call_info info = { .framing = 1 };

	(void)state;
	w->loss = 2;
	for (unsigned int i = 0; i < 1000; i++)
		assert_non_null(l2tp_call_open(world_open(w, LAC), w->now, &info, NULL));
	world_run(w, 60000);
	assert_int_equal(w->side[LAC].tunnels_up, 1000);
	assert_int_equal(w->side[LNS].tunnels_up, 1000);
	assert_int_equal(w->side[LNS].calls_up, 1000);
	assert_int_equal(w->side[LNS].ep->half_open, 0);
	l2tp_shutdown(w->side[LAC].ep, w->now);
	world_run(w, 60000);
	assert_int_equal(w->side[LNS].tunnels_gone, 1000);
	assert_int_equal(w->side[LNS].calls_down, 1000);
	assert_int_equal(w->side[LNS].ep->n_stopped, 0);
	world_free(w);
}

static void a_call_is_small(void **state)
{
	(void)state;
	/* with its share of l2tp_call_info that is kept */
	assert_true(sizeof(struct l2tp_call) + offsetof(struct l2tp_call_info, first_lcp) < 460);
	assert_true(sizeof(struct l2tp_tunnel) < 640);
}

static int refuse_call(struct side *s, struct l2tp_call *c, struct l2tp_reason *why)
{
	(void)s;
	(void)c;
	reason_set(why, 0, 0, "no address is free");
	return L2TP_CDN_TEMPORARY;
}

static void a_refused_call_says_why_and_leaves_nothing(void **state)
{
	struct world *w = world_new(NULL);
	struct l2tp_tunnel *t = world_up(w);
	uint16_t id;

	(void)state;
	w->side[LNS].on_call_request = refuse_call;
	world_call(w, t);
	assert_int_equal(w->side[LAC].call_why.result, L2TP_CDN_TEMPORARY);
	assert_string_equal(w->side[LAC].call_why.text, "no address is free");
	assert_int_equal(w->side[LNS].calls_down, 0);
	assert_int_equal(l2tp_tunnel_calls(w->side[LNS].tunnel), 0);
	/* nobody saw its ID: the next call gets it, so refusals do not use the pool up */
	id = w->side[LNS].ep->shards[0].spare;
	assert_int_not_equal(id, 0);
	world_call(w, t);
	assert_int_equal(w->side[LNS].ep->shards[0].spare, id);
	assert_int_equal(ids_in_use(w->side[LNS].ep->shards[0].ids), 1);
	world_free(w);
}

/* V2-TEAR-4 */
static void call_down_runs_before_cdn_leaves(void **state)
{
	struct world *w = world_new(NULL);
	struct l2tp_tunnel *t = world_up(w);
	unsigned int before;

	(void)state;
	world_call(w, t);
	before = w->side[LNS].sent;
	l2tp_call_close(w->side[LNS].call, w->now, &admin);
	assert_int_equal(w->side[LNS].sent_at_call_down, before);
	assert_int_equal(w->side[LNS].sent, before + 1);
	assert_int_equal(w->seen[LNS][L2TP_CDN], 1);
	world_free(w);
}

static void close_call(struct side *s, struct l2tp_call *c)
{
	l2tp_call_close(c, s->world->now, &admin);
}

static void close_its_tunnel(struct side *s, struct l2tp_call *c)
{
	l2tp_tunnel_close(l2tp_call_tunnel(c), s->world->now, &clear);
}

static void close_tunnel(struct side *s, struct l2tp_tunnel *t)
{
	l2tp_tunnel_close(t, s->world->now, &clear);
}

static int close_in_request(struct side *s, struct l2tp_call *c, struct l2tp_reason *why)
{
	(void)why;
	l2tp_call_close(c, s->world->now, &admin);
	return 0;
}

static int close_tunnel_in_request(struct side *s, struct l2tp_call *c, struct l2tp_reason *why)
{
	(void)why;
	l2tp_tunnel_close(l2tp_call_tunnel(c), s->world->now, &clear);
	return 0;
}

static void ops_may_close_what_they_are_told_of(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 16; i++) {
		struct world *w = world_new(NULL);
		struct side *s = &w->side[i & 1];
		struct l2tp_call_info info = { .framing = 1 };
		struct l2tp_tunnel *t;

		if (i / 2 == 0)
			s->on_call_up = close_call;
		if (i / 2 == 1)
			s->on_call_up = close_its_tunnel;
		if (i / 2 == 2)
			s->on_call_down = close_its_tunnel;
		if (i / 2 == 3)
			s->on_tunnel_new = close_tunnel;
		if (i / 2 == 4)
			s->on_tunnel_up = close_tunnel;
		if (i / 2 == 5)
			w->side[LNS].on_call_request = close_in_request;
		if (i / 2 == 6)
			w->side[LNS].on_call_request = close_tunnel_in_request;
		if (i / 2 == 7)
			s->on_call_down = close_call; /* nothing more happens */
		t = world_open(w, LAC);
		for (unsigned int j = 0; t && j < 3; j++)
			l2tp_call_open(t, w->now, &info, NULL);
		world_run(w, 100000);
		if (i / 2 == 2)
			l2tp_shutdown(w->side[LAC].ep, w->now);
		world_run(w, 100000);
		for (unsigned int side = 0; side < 2 && i / 2 != 7; side++) {
			assert_int_equal(w->side[side].tunnels_new,
					 w->side[side].tunnels_gone + w->side[side].ep->live.n);
			assert_true(w->side[side].calls_up <= w->side[side].calls_down);
		}
		world_free(w);
	}
}

static bool close_visited(void *arg, struct l2tp_tunnel *t)
{
	struct world *w = arg;

	l2tp_tunnel_close(t, w->now, &clear);
	return true;
}

static bool close_visited_call(void *arg, struct l2tp_call *c)
{
	struct world *w = arg;

	l2tp_call_close(c, w->now, &admin);
	return true;
}

static void visitors_may_close(void **state)
{
	struct world *w = world_new(NULL);
	struct l2tp_tunnel *t = NULL;

	(void)state;
	for (unsigned int i = 0; i < 10; i++)
		t = world_open(w, LAC);
	world_run(w, 1000);
	for (unsigned int i = 0; i < 10; i++)
		world_call(w, t);
	assert_int_equal(w->side[LAC].calls_up, 10);
	l2tp_calls_visit(t, close_visited_call, w);
	assert_int_equal(w->side[LAC].calls_down, 10);
	l2tp_tunnels_visit(w->side[LAC].ep, close_visited, w);
	assert_int_equal(w->side[LAC].tunnels_gone, 10);
	assert_null(l2tp_tunnel_find(w->side[LAC].ep, l2tp_tunnel_id(t)));
	world_free(w);
}

/* ---- Hello, idle, silence ---- */

static void hello_only_when_the_path_is_silent(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	w->side[LNS].peer.hello_ms = 60000;
	world_up(w);
	world_run(w, 59000);
	assert_int_equal(w->seen[LNS][L2TP_HELLO], 0);
	world_run(w, 2000);
	assert_int_equal(w->seen[LNS][L2TP_HELLO], 1); /* V2-HELLO-1 */
	world_run(w, 600000);
	assert_in_range(w->seen[LNS][L2TP_HELLO], 9, 11);
	w->side[LNS].data_alive = true; /* what the data path sees counts */
	world_run(w, 600000);
	assert_in_range(w->seen[LNS][L2TP_HELLO], 9, 12);
	assert_int_equal(w->seen[LAC][L2TP_HELLO], 0); /* hello_ms 0: never */
	assert_int_equal(w->side[LNS].tunnels_gone, 0);
	world_free(w);
}

static void a_silent_peer_is_given_up(void **state)
{
	struct world *w = world_new(NULL);
	msec_t before;

	(void)state;
	w->side[LNS].peer.hello_ms = 60000;
	world_call(w, world_up(w));
	w->cut = true;
	before = w->now;
	while (!w->side[LNS].tunnels_gone)
		assert_true(world_step(w, before + 200000));
	/* 60 s of silence, then the 31 s of V2-REL-7 with the cap of 8 s */
	assert_in_range(w->now - before, 89000, 92000);
	assert_true(w->side[LNS].tunnel_why.timeout);
	assert_string_equal(w->side[LNS].tunnel_why.text, "no answer to HELLO");
	assert_int_equal(w->side[LNS].calls_down, 1);
	assert_true(w->side[LNS].call_why.timeout);
	assert_int_equal(w->seen[LNS][L2TP_STOPCCN], 0);
	assert_int_equal(w->side[LNS].ep->n_stopped, 0); /* V2-REL-8: all is cleared */
	world_free(w);
}

static bool no_hello(struct world *w, unsigned int from, uint16_t type, const uint8_t *msg,
		     size_t len)
{
	(void)w;
	(void)from;
	(void)msg;
	(void)len;
	return type != L2TP_HELLO;
}

/* Q-3, V2-HELLO-5: Android, Xiaomi and Huawei phones. */
static void a_phone_that_ignores_hello_lives_by_its_data(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	w->side[LNS].peer.hello_ms = 60000;
	world_up(w);
	w->filter = no_hello;
	world_run(w, 60400);
	assert_int_equal(w->seen[LNS][L2TP_HELLO], 1);
	w->side[LNS].data_alive = true;
	world_run(w, 600000);
	assert_int_equal(w->side[LNS].tunnels_gone, 0);
	w->side[LNS].data_alive = false;
	world_run(w, 20000);
	assert_int_equal(w->side[LNS].tunnels_gone, 1);
	world_free(w);
}

/* V2-HELLO-4 */
static void no_hello_while_another_message_probes(void **state)
{
	struct world *w = world_new(NULL);
	struct l2tp_tunnel *t = world_up(w);
	struct l2tp_call_info info = { .framing = 1 };

	(void)state;
	w->side[LAC].peer.hello_ms = 10000;
	world_call(w, t);
	w->cut = true;
	world_run(w, 5000);
	l2tp_call_open(t, w->now, &info, NULL);
	world_run(w, 20000);
	assert_int_equal(w->seen[LAC][L2TP_HELLO], 0);
	world_free(w);
}

/* V2-CC-11 */
static void a_tunnel_without_calls_closes_when_idle(void **state)
{
	struct world *w = world_new(NULL);
	struct l2tp_call *c;

	(void)state;
	w->side[LNS].peer.idle_ms = 60000;
	c = world_call(w, world_up(w));
	world_run(w, 200000);
	assert_int_equal(w->side[LNS].tunnels_gone, 0);
	l2tp_call_close(c, w->now, &admin);
	world_run(w, 59000);
	assert_int_equal(w->side[LNS].tunnels_gone, 0);
	world_run(w, 2000);
	assert_int_equal(w->side[LNS].tunnels_gone, 1);
	assert_string_equal(w->side[LAC].tunnel_why.text, "idle");
	world_free(w);
}

/* ---- crossings (Q-16) ---- */

static void stopccn_of_both_sides_cross(void **state)
{
	struct world *w = world_new(NULL);
	struct l2tp_tunnel *t = world_up(w);

	(void)state;
	l2tp_tunnel_close(t, w->now, &clear);
	l2tp_tunnel_close(w->side[LNS].tunnel, w->now, &clear);
	world_run(w, 500);
	assert_int_equal(l2tp_unacknowledged(w->side[LAC].ep), 0);
	assert_int_equal(l2tp_unacknowledged(w->side[LNS].ep), 0);
	assert_int_equal(w->seen[LAC][L2TP_STOPCCN], 1);
	assert_int_equal(w->seen[LNS][L2TP_STOPCCN], 1);
	world_free(w);
}

static void cdn_of_both_sides_cross(void **state)
{
	struct world *w = world_new(NULL);
	struct l2tp_tunnel *t = world_up(w);
	struct l2tp_call *c = world_call(w, t);

	(void)state;
	l2tp_call_close(c, w->now, &admin);
	l2tp_call_close(w->side[LNS].call, w->now, &admin);
	world_run(w, 500);
	assert_int_equal(w->side[LAC].calls_down, 1);
	assert_int_equal(w->side[LNS].calls_down, 1);
	assert_int_equal(counter(&w->side[LNS], L2TP_C_UNKNOWN_SESSION), 1); /* V2-CALL-3 */
	world_call(w, t);
	assert_int_equal(w->side[LNS].calls_up, 2);
	world_free(w);
}

/* V2-CALL-2: it has no session ID of ours yet, only the AVP. */
static void cdn_crosses_icrp(void **state)
{
	struct world *w = world_new(NULL);
	struct l2tp_tunnel *t = world_up(w);
	struct l2tp_call_info info = { .framing = 1 };
	struct l2tp_call *c = l2tp_call_open(t, w->now, &info, NULL);

	(void)state;
	world_run(w, 7); /* ICRP is on its way */
	assert_int_equal(w->seen[LNS][L2TP_ICRP], 1);
	l2tp_call_close(c, w->now, &admin);
	world_run(w, 500);
	assert_int_equal(w->side[LNS].calls_down, 1);
	assert_int_equal(w->side[LNS].call_why.result, L2TP_CDN_ADMIN);
	assert_int_equal(w->seen[LAC][L2TP_CDN], 1); /* and none for the stray ICRP */
	assert_int_equal(w->side[LAC].tunnels_gone + w->side[LNS].tunnels_gone, 0);
	world_free(w);
}

static void stopccn_crosses_sccrp(void **state)
{
	struct world *w = world_new(NULL);
	struct l2tp_tunnel *t = world_open(w, LAC);

	(void)state;
	world_run(w, 7);
	assert_int_equal(w->seen[LNS][L2TP_SCCRP], 1);
	l2tp_tunnel_close(t, w->now, &clear); /* tunnel ID 0 (V2-CC-5) */
	world_run(w, 500);
	assert_int_equal(w->side[LNS].tunnels_gone, 1);
	assert_true(w->side[LNS].tunnel_why.from_peer);
	assert_int_equal(l2tp_unacknowledged(w->side[LAC].ep), 0);
	world_free(w);
}

/* ---- ties (V2-CC-7) ---- */

static unsigned int ties(bool lac_has, bool lns_has, const uint8_t *same)
{
	struct world *w = world_new(NULL);
	unsigned int up;

	w->side[LAC].peer.single_tunnel = lac_has;
	w->side[LNS].peer.single_tunnel = lns_has;
	for (unsigned int i = 0; i < 2; i++) {
		w->random_fixed = same;
		w->random_fixed_len = L2TP_TIE_LEN;
		world_open(w, i);
	}
	world_run(w, 500);
	assert_int_equal(w->side[LAC].ep->live.n, w->side[LNS].ep->live.n);
	up = w->side[LAC].ep->live.n;
	assert_int_equal(w->side[LAC].tunnels_up, up);
	if (lac_has != lns_has) {
		assert_int_equal(w->side[LAC].tunnel->initiator, lac_has);
		assert_int_equal(w->side[LNS].tunnel->initiator, lns_has);
		assert_string_equal(w->side[lac_has ? LNS : LAC].tunnel_why.text, "tie lost");
	}
	assert_int_equal(w->seen[LAC][L2TP_STOPCCN] + w->seen[LNS][L2TP_STOPCCN], 0);
	world_free(w);
	return up;
}

static void ties_are_broken(void **state)
{
	static const uint8_t same[L2TP_TIE_LEN] = { 1, 2, 3, 4, 5, 6, 7, 8 };

	(void)state;
	assert_int_equal(ties(false, false, NULL), 2); /* neither: two tunnels */
	assert_int_equal(ties(true, false, NULL), 1); /* one side: it wins */
	assert_int_equal(ties(false, true, NULL), 1);
	assert_int_equal(ties(true, true, NULL), 1); /* the lower one wins */
	assert_int_equal(ties(true, true, same), 0); /* equal: both go */
}

static void the_lower_tie_breaker_wins(void **state)
{
	static const uint8_t low[L2TP_TIE_LEN] = { 0, 0, 0, 0, 0, 0, 1, 0 };
	static const uint8_t high[L2TP_TIE_LEN] = { 0, 0, 0, 0, 0, 1, 0, 0 };
	struct world *w = world_new(NULL);

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		w->side[i].peer.single_tunnel = true;
		w->random_fixed = i == LNS ? low : high;
		w->random_fixed_len = L2TP_TIE_LEN;
		world_open(w, i);
	}
	world_run(w, 500);
	assert_true(w->side[LNS].tunnel->initiator);
	assert_false(w->side[LAC].tunnel->initiator);
	world_free(w);
}

/* ---- shutdown ---- */

static void shutdown_retransmits_until_acknowledged(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	world_call(w, world_up(w));
	w->cut = true;
	l2tp_shutdown(w->side[LNS].ep, w->now);
	assert_int_equal(w->side[LNS].tunnels_gone, 1);
	assert_int_equal(w->side[LNS].calls_down, 1);
	assert_int_equal(w->seen[LNS][L2TP_CDN], 0); /* V2-TEAR-1 */
	assert_int_equal(l2tp_unacknowledged(w->side[LNS].ep), 1);
	world_run(w, 2500);
	assert_int_equal(w->seen[LNS][L2TP_STOPCCN], 2);
	w->cut = false;
	world_run(w, 1000);
	assert_int_equal(l2tp_unacknowledged(w->side[LNS].ep), 0);
	assert_int_equal(w->side[LAC].tunnels_gone, 1);
	assert_null(world_open(w, LNS));
	/* whoever comes now is told */
	world_open(w, LAC);
	world_run(w, 500);
	assert_int_equal(w->side[LAC].tunnel_why.result, L2TP_STOP_SHUTDOWN);
	world_free(w);
}

static void a_peer_that_never_answers_is_left_after_63_s_without_a_cap(void **state)
{
	struct l2tp_limits limits = { .shards = 1, .retransmit_cap_ms = 1000000 };
	struct world *w = world_new(&limits);
	msec_t before = w->now;

	(void)state;
	w->cut = true;
	world_open(w, LAC);
	while (!w->side[LAC].tunnels_gone)
		assert_true(world_step(w, before + 200000));
	/* the set-up timer of 60 s is first */
	assert_int_equal(w->now - before, 60000);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tunnel_and_a_call_come_up_and_go),
		cmocka_unit_test(thousand_calls_over_a_bad_network),
		cmocka_unit_test(thousand_tunnels_of_one_call),
		cmocka_unit_test(a_call_is_small),
		cmocka_unit_test(a_refused_call_says_why_and_leaves_nothing),
		cmocka_unit_test(call_down_runs_before_cdn_leaves),
		cmocka_unit_test(ops_may_close_what_they_are_told_of),
		cmocka_unit_test(visitors_may_close),
		cmocka_unit_test(hello_only_when_the_path_is_silent),
		cmocka_unit_test(a_silent_peer_is_given_up),
		cmocka_unit_test(a_phone_that_ignores_hello_lives_by_its_data),
		cmocka_unit_test(no_hello_while_another_message_probes),
		cmocka_unit_test(a_tunnel_without_calls_closes_when_idle),
		cmocka_unit_test(stopccn_of_both_sides_cross),
		cmocka_unit_test(cdn_of_both_sides_cross),
		cmocka_unit_test(cdn_crosses_icrp),
		cmocka_unit_test(stopccn_crosses_sccrp),
		cmocka_unit_test(ties_are_broken),
		cmocka_unit_test(the_lower_tie_breaker_wins),
		cmocka_unit_test(shutdown_retransmits_until_acknowledged),
		cmocka_unit_test(a_peer_that_never_answers_is_left_after_63_s_without_a_cap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
