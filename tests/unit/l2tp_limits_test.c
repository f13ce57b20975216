/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Limits: what a flood, a spoofer or a greedy peer may cost, and that a true peer gets what
 * it needs meanwhile.
 */
#include "tests/unit/l2tp_world.h"

/* An SCCRQ with a forged source address, that of the LAC plus `host`. */
static void forged_sccrq(struct world *w, uint32_t source, uint16_t id)
{
	struct l2tp_start start = { .hostname = "raw", .tunnel_id = id, .window = 4 };
	struct path path = world_path(w, LNS);
	struct l2tp_build b;
	size_t len = l2tp_build_sccrq(&b, &raw_style, &start);

	path.peer = addr_from_v4(source);
	l2tp_input(w->side[LNS].ep, w->now, &path, b.buf, len);
}

#define LAC_NET 0xc0000200u /* 192.0.2.0/24: the LAC is .10 */

/* Forged SCCRQ inside the true peer's network, as fast as the set-up rate lets them in and
 * faster: the true one still comes up, since the oldest go for it. */
static void spoofed_sccrq_do_not_lock_the_true_peer_out(void **state)
{
	struct l2tp_limits limits = { .setup_rate = 100000 };
	struct world *w = world_new(&limits);
	struct side *s = &w->side[LNS];
	uint16_t id = 1;

	(void)state;
	w->delay = 20;
	for (unsigned int ms = 0; ms < 1000; ms++) {
		for (unsigned int i = 0; i < 4; i++, id++)
			forged_sccrq(w, LAC_NET + 20 + id % 200, id);
		if (ms == 500)
			assert_non_null(world_open(w, LAC));
		world_run(w, 1);
	}
	assert_int_equal(w->side[LAC].tunnels_up, 1);
	assert_int_equal(s->tunnels_up, 1);
	assert_in_range(s->ep->half_open, 1, 256);
	assert_true(counter(s, L2TP_C_EVICTED) > 3000);
	assert_int_equal(counter(s, L2TP_C_HALF_OPEN_LIMIT), 0);
	/* what is evicted does not use the identifiers up */
	assert_true(ids_ready(s->ep->tunnel_ids, w->now) > L2TP_IDS - 300);
	world_free(w);
}

/* At the limit of all it is the greediest network that pays. */
static void the_greediest_source_makes_room(void **state)
{
	struct l2tp_limits limits = { .half_open = 100, .half_open_source = 80 };
	struct world *w = world_new(&limits);
	struct side *s = &w->side[LNS];

	(void)state;
	w->capture = true;
	for (uint16_t i = 0; i < 20; i++) /* one each, the oldest of all */
		forged_sccrq(w, 0x0a000000u + i * 256u, 1);
	for (uint16_t i = 0; i < 80; i++)
		forged_sccrq(w, 0x0b000000u + i % 200, (uint16_t)(i + 1));
	assert_int_equal(s->ep->half_open, 100);
	assert_int_equal(counter(s, L2TP_C_EVICTED), 0);
	for (uint16_t i = 0; i < 30; i++)
		forged_sccrq(w, 0x0c000000u + i * 256u, 1);
	assert_int_equal(s->ep->half_open, 100);
	assert_int_equal(counter(s, L2TP_C_EVICTED), 30);
	for (const struct l2tp_tunnel *t = s->ep->live.first; t; t = t->next) {
		uint32_t from = addr_v4(&t->path.peer);

		/* of the greedy one the first thirty are gone */
		if (from >> 24 == 0x0b)
			assert_in_range(t->peer_id, 31, 80);
	}
	assert_int_equal(s->tunnels_gone, 30);
	world_free(w);
}

/* A limit of tunnels that forged ones have filled is no limit for a true one. */
static void half_open_ones_make_room_below_the_limit_of_tunnels(void **state)
{
	struct l2tp_limits limits = { .tunnels = 10 };
	struct world *w = world_new(&limits);

	(void)state;
	for (uint16_t i = 0; i < 50; i++)
		forged_sccrq(w, 0x0a000000u + i * 256u, 1);
	assert_int_equal(w->side[LNS].ep->live.n, 10);
	world_up(w);
	world_free(w);
}

static void sccrq_beyond_the_rate_get_no_answer(void **state)
{
	struct l2tp_limits limits = { .setup_rate = 10, .half_open_source = 20 };
	struct world *w = world_new(&limits);
	struct side *s = &w->side[LNS];
	unsigned int sent;

	(void)state;
	w->capture = true;
	for (uint16_t i = 1; i <= 50; i++)
		forged_sccrq(w, LAC_NET + i, i);
	assert_int_equal(s->tunnels_new, 20); /* at once */
	assert_int_equal(counter(s, L2TP_C_SETUP_RATE_LIMIT), 30);
	sent = s->sent;
	forged_sccrq(w, LAC_NET + 77, 99);
	assert_int_equal(s->sent, sent);
	forged_sccrq(w, 0xc6336401u, 99); /* another network has its own */
	assert_int_equal(s->tunnels_new, 21);
	w->now += 1000;
	for (uint16_t i = 101; i <= 150; i++)
		forged_sccrq(w, LAC_NET + 1, i);
	assert_int_equal(s->tunnels_new, 21 + 10);
	world_free(w);
}

/* One prefix is a /56 of IPv6. */
static void an_ipv6_source_is_a_56(void **state)
{
	struct world *w = world_new(NULL);
	struct ipaddr a, b, c;

	(void)state;
	addr_parse("2001:db8:1:1100::1", &a);
	addr_parse("2001:db8:1:11ff:5::9", &b);
	addr_parse("2001:db8:1:1200::1", &c);
	assert_ptr_equal(source_get(w->side[LNS].ep, &a), source_get(w->side[LNS].ep, &b));
	assert_ptr_not_equal(source_get(w->side[LNS].ep, &a), source_get(w->side[LNS].ep, &c));
	world_free(w);
}

/* However many there are, the table has its size, and the newest are in it. */
static void sources_are_bounded(void **state)
{
	struct l2tp_limits limits = { .half_open = 16 };
	struct world *w = world_new(&limits);
	struct l2tp_sources *ss = &w->side[LNS].ep->sources;
	struct ipaddr a;

	(void)state;
	w->cut = true;
	for (uint32_t i = 0; i < 20000; i++)
		forged_sccrq(w, 0x0a000000u + i * 256u, 1);
	assert_int_equal(ss->used, ss->n);
	assert_int_equal(ss->table.n, ss->n);
	assert_int_equal(w->side[LNS].ep->half_open, 16);
	a = addr_from_v4(0x0a000000u + 19999 * 256u);
	assert_int_equal(source_get(w->side[LNS].ep, &a)->n, 1);
	world_free(w);
}

/* A LAC that opens 256 at once, and one that opens thousands one after the other. */
static void a_true_lac_is_not_hindered(void **state)
{
	struct world *w = world_new(NULL);
	struct side *s = &w->side[LNS];

	(void)state;
	w->delay = 50;
	for (unsigned int i = 0; i < 256; i++)
		assert_non_null(world_open(w, LAC));
	world_run(w, 400);
	assert_int_equal(s->tunnels_up, 256);
	for (unsigned int i = 0; i < 3000; i++) {
		assert_non_null(world_open(w, LAC));
		if (i % 100 == 99)
			world_run(w, 200);
	}
	assert_int_equal(s->tunnels_up, 3256);
	assert_int_equal(counter(s, L2TP_C_SETUP_RATE_LIMIT) + counter(s, L2TP_C_EVICTED) +
				 counter(s, L2TP_C_HALF_OPEN_LIMIT) +
				 counter(s, L2TP_C_FAIR_SHARE_LIMIT),
			 0);
	world_free(w);
}

/* ---- calls ---- */

/* Calls of a peer played by the test, whose acknowledgements keep our queue empty. */
static void raw_icrq(struct world *w, struct l2tp_tunnel *t, uint16_t id)
{
	raw_simple(w, LNS, t, 0, L2TP_ICRQ, id);
	world_drop_packets(w);
}

static void calls_beyond_the_rate_are_put_off(void **state)
{
	struct l2tp_limits limits = { .call_rate = 50 };
	struct world *w = world_new(&limits);
	struct l2tp_tunnel *t = raw_up(w);
	struct side *s = &w->side[LNS];

	(void)state;
	for (uint16_t i = 1; i <= 150; i++)
		raw_icrq(w, t, i);
	assert_int_equal(s->calls_asked, 100); /* two seconds' worth */
	assert_int_equal(counter(s, L2TP_C_CALL_RATE_LIMIT), 50);
	assert_int_equal(w->last_stop.result, L2TP_CDN_TEMPORARY);
	assert_string_equal(w->last_stop.text, "more than 50 calls a second");
	w->now += 1000;
	for (uint16_t i = 151; i <= 250; i++)
		raw_icrq(w, t, i);
	assert_int_equal(s->calls_asked, 150);
	world_free(w);
}

static void sixty_five_thousand_calls_at_five_thousand_a_second(void **state)
{
	struct world *w = world_new(NULL);
	struct l2tp_tunnel *t = raw_up(w);
	struct side *s = &w->side[LNS];

	(void)state;
	for (unsigned int i = 1; i <= 65000; i++) {
		raw_icrq(w, t, (uint16_t)i);
		w->now += i % 5 == 0;
	}
	assert_int_equal(s->calls_asked, 65000);
	assert_int_equal(counter(s, L2TP_C_SENT_CDN), 0);
	world_free(w);
}

/* A second peer's tunnel, up; from another address. */
static struct l2tp_tunnel *other_up(struct world *w, uint16_t id)
{
	struct side *s = &w->side[LNS];
	struct l2tp_build b;

	forged_sccrq(w, 0xcb007105u, id);
	raw_send(w, LNS, s->tunnel, &b, l2tp_build_scccn(&b, &raw_style, 0, NULL), 0);
	world_drop_packets(w);
	return s->tunnel;
}

/* Makes and ends calls as fast as it can, on one tunnel after the other: the identifiers that
 * rest for it are its own. */
static void a_greedy_peer_leaves_others_their_sessions(void **state)
{
	struct world *w = world_new(NULL);
	struct l2tp_tunnel *t = raw_up(w), *other = other_up(w, 88);
	struct side *s = &w->side[LNS];
	unsigned int i, asked;

	(void)state;
	for (i = 1; i <= 80000; i++) {
		raw_icrq(w, t, 9);
		if (s->call)
			raw_simple(w, LNS, t, 0, L2TP_CDN, 9);
		world_drop_packets(w);
		w->now += i % 10 == 0;
	}
	/* all but a quarter of them */
	assert_in_range(s->calls_asked, L2TP_IDS * 3 / 4, L2TP_IDS * 3 / 4 + 2);
	assert_true(counter(s, L2TP_C_FAIR_SHARE_LIMIT) > 30000);
	assert_int_equal(w->last_stop.result, L2TP_CDN_TEMPORARY);
	asked = s->calls_asked;
	for (i = 1; i <= 10000; i++)
		raw_icrq(w, other, (uint16_t)i);
	assert_int_equal(s->calls_asked, asked + 10000);
	assert_int_equal(other->n_calls, 10000);
	w->now += 40000; /* all have rested */
	raw_icrq(w, t, 9);
	assert_int_equal(s->calls_asked, asked + 10001);
	/* and its share tells of what it has now: one call */
	assert_int_equal(s->ep->shards[0].shares.of[share_slot(s->ep, &t->path.peer)].held, 1);
	assert_int_equal(s->ep->shards[0].shares.n, 2);
	world_free(w);
}

/* The same with tunnels. */
static void a_greedy_peer_leaves_others_their_tunnels(void **state)
{
	struct world *w = world_new(NULL);
	struct side *s = &w->side[LNS];
	unsigned int i;

	(void)state;
	other_up(w, 88);
	w->capture = true;
	for (i = 0; i < 60000; i++) {
		struct l2tp_tunnel *last = s->tunnel;
		struct l2tp_build b;

		raw_sccrq(w, LNS, 77, NULL);
		world_drop_packets(w);
		if (s->tunnel == last || !s->tunnel)
			continue;
		raw_send(w, LNS, s->tunnel, &b, l2tp_build_scccn(&b, &raw_style, 0, NULL), 0);
		raw_simple(w, LNS, s->tunnel, 0, L2TP_STOPCCN, 77);
		world_drop_packets(w);
		w->now += i % 10 == 0;
	}
	assert_in_range(s->tunnels_up, L2TP_IDS * 3 / 4, L2TP_IDS * 3 / 4 + 2);
	assert_true(counter(s, L2TP_C_FAIR_SHARE_LIMIT) > 100);
	other_up(w, 89);
	assert_string_equal(l2tp_tunnel_state(s->tunnel), "established");
	world_free(w);
}

/* ---- authentication ---- */

static void wrong_scccn(struct world *w, uint16_t id)
{
	static const uint8_t wrong[16] = { 1, 2, 3 };
	struct side *s = &w->side[LNS];
	unsigned int before = s->tunnels_new;
	struct l2tp_build b;

	raw_sccrq(w, LNS, id, NULL);
	if (s->tunnels_new > before)
		raw_send(w, LNS, s->tunnel, &b, l2tp_build_scccn(&b, &raw_style, 0, wrong), 0);
	world_drop_packets(w);
}

static void failures_in_a_row_are_answered_no_more(void **state)
{
	struct world *w = world_new(NULL);
	struct side *s = &w->side[LNS];
	unsigned int sent;

	(void)state;
	world_secret(w, "s", "s");
	world_up(w);
	w->capture = true;
	for (uint16_t i = 100; i < 110; i++)
		wrong_scccn(w, i);
	assert_int_equal(s->tunnels_new, 11);
	sent = s->sent;
	for (uint16_t i = 110; i < 120; i++)
		wrong_scccn(w, i);
	assert_int_equal(s->tunnels_new, 11);
	assert_int_equal(s->sent, sent);
	assert_int_equal(counter(s, L2TP_C_AUTH_PENALTY), 10);
	/* what is established goes on */
	w->capture = false;
	world_call(w, w->side[LAC].ep->live.first);
	assert_int_equal(s->calls_up, 1);
	world_run(w, 60000);
	w->side[LAC].tunnels_up = 0;
	world_open(w, LAC);
	world_run(w, 500);
	assert_int_equal(w->side[LAC].tunnels_up, 1);
	world_free(w);
}

static void a_success_ends_the_row(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	world_secret(w, "s", "s");
	for (unsigned int round = 0; round < 5; round++) {
		w->capture = true;
		for (uint16_t i = 0; i < 9; i++)
			wrong_scccn(w, (uint16_t)(100 + round * 10 + i));
		w->capture = false;
		world_open(w, LAC);
		world_run(w, 500);
		assert_int_equal(w->side[LAC].tunnels_up, round + 1);
	}
	assert_int_equal(counter(&w->side[LNS], L2TP_C_AUTH_PENALTY), 0);
	world_free(w);
}

/* Who forges the peer's address does not see our SCCRP, and so tries tunnel IDs: hits, but
 * misses between them. */
static void a_blind_spoofer_cannot_have_the_peer_shut_out(void **state)
{
	static const uint8_t wrong[16] = { 1, 2, 3 };
	struct world *w = world_new(NULL);
	struct side *s = &w->side[LNS];
	struct path path = world_path(w, LNS);
	struct l2tp_build b;
	size_t len;

	(void)state;
	world_secret(w, "s", "s");
	w->capture = true;
	for (uint16_t i = 1; i <= 200; i++)
		raw_sccrq(w, LNS, i, NULL);
	len = l2tp_build_scccn(&b, &raw_style, 0, wrong);
	writer_patch_u16(&b.w, 8, 1);
	writer_patch_u16(&b.w, 10, 1);
	for (unsigned int id = 1; id < 65535; id++) {
		writer_patch_u16(&b.w, 4, (uint16_t)id);
		l2tp_input(s->ep, w->now, &path, b.buf, len);
	}
	assert_int_equal(counter(s, L2TP_C_AUTH_FAILED), 200);
	assert_int_equal(counter(s, L2TP_C_AUTH_PENALTY), 0);
	w->capture = false;
	world_drop_packets(w);
	w->now += 3000;
	world_open(w, LAC);
	world_run(w, 1000);
	assert_int_equal(w->side[LAC].tunnels_up, 1);
	world_free(w);
}

/* ---- what the caller does not want ---- */

static int drained(void *ctx, const struct l2tp_peer *peer, const struct path *path,
		   struct l2tp_reason *why)
{
	(void)ctx;
	(void)peer;
	(void)path;
	reason_set(why, 0, L2TP_ERR_TRY_ANOTHER, "maintenance");
	return L2TP_STOP_ERROR;
}

static void a_tunnel_that_is_not_wanted_is_told_why(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	w->side[LNS].ops.tunnel_request = drained;
	world_open(w, LAC);
	world_run(w, 500);
	assert_int_equal(w->side[LAC].tunnels_gone, 1);
	assert_int_equal(w->side[LAC].tunnel_why.result, L2TP_STOP_ERROR);
	assert_int_equal(w->side[LAC].tunnel_why.error, L2TP_ERR_TRY_ANOTHER);
	assert_string_equal(w->side[LAC].tunnel_why.text, "maintenance");
	assert_int_equal(w->side[LNS].tunnels_new, 0);
	world_free(w);
}

/* A tunnel's sessions are all in the shard that its ID names: sixteen fat ones need sixteen. */
static void fat_tunnels_do_not_share_a_shard(void **state)
{
	const struct l2tp_limits limits = { .shards = 16 };
	struct world *w = world_new(&limits);
	bool taken[16] = { false };

	(void)state;
	w->capture = true;
	for (unsigned int i = 0; i < 16; i++) {
		uint16_t shard;

		raw_sccrq(w, LNS, (uint16_t)(i + 1), NULL);
		shard = w->side[LNS].tunnel->id & 15;
		assert_false(taken[shard]);
		taken[shard] = true;
	}
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fat_tunnels_do_not_share_a_shard),
		cmocka_unit_test(spoofed_sccrq_do_not_lock_the_true_peer_out),
		cmocka_unit_test(the_greediest_source_makes_room),
		cmocka_unit_test(half_open_ones_make_room_below_the_limit_of_tunnels),
		cmocka_unit_test(sccrq_beyond_the_rate_get_no_answer),
		cmocka_unit_test(an_ipv6_source_is_a_56),
		cmocka_unit_test(sources_are_bounded),
		cmocka_unit_test(a_true_lac_is_not_hindered),
		cmocka_unit_test(calls_beyond_the_rate_are_put_off),
		cmocka_unit_test(sixty_five_thousand_calls_at_five_thousand_a_second),
		cmocka_unit_test(a_greedy_peer_leaves_others_their_sessions),
		cmocka_unit_test(a_greedy_peer_leaves_others_their_tunnels),
		cmocka_unit_test(failures_in_a_row_are_answered_no_more),
		cmocka_unit_test(a_success_ends_the_row),
		cmocka_unit_test(a_blind_spoofer_cannot_have_the_peer_shut_out),
		cmocka_unit_test(a_tunnel_that_is_not_wanted_is_told_why),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
