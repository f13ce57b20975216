/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two daemons' wires joined in memory: what they agree on is what their data paths are given. */
#include <unistd.h>

#include "tests/unit/wires_world.h"

/* ---- set-up ---------------------------------------------------------------------------- */

static void expect_joined(const struct site *a, unsigned int i, const struct site *b,
			  unsigned int k)
{
	const struct pw_session *x = &a->pw[i].session, *y = &b->pw[k].session;

	assert_true(a->pw[i].set);
	assert_true(b->pw[k].set);
	assert_int_not_equal(x->id, 0);
	assert_int_equal(x->id & ((1u << INDEX_BITS) - 1), i + INDEX_FROM);
	assert_int_equal(x->id, y->peer_id);
	assert_int_equal(y->id, x->peer_id);
	assert_int_equal(x->cookie.len, 8);
	assert_memory_equal(&x->cookie, &y->peer_cookie, sizeof(x->cookie));
	assert_memory_equal(&y->cookie, &x->peer_cookie, sizeof(x->cookie));
	assert_int_equal(x->sublayer, y->peer_sublayer);
	assert_int_equal(x->seq_send, y->seq_receive);
	assert_true(addr_eq(&x->path.peer, &y->path.local));
	assert_true(x->send);
	assert_true(y->send);
}

static void expect_same(const struct pw_session *x, const struct pw_session *y)
{
	assert_int_equal(x->id, y->id);
	assert_int_equal(x->peer_id, y->peer_id);
	assert_memory_equal(&x->cookie, &y->cookie, sizeof(x->cookie));
	assert_memory_equal(&x->peer_cookie, &y->peer_cookie, sizeof(x->cookie));
	assert_true(path_eq(&x->path, &y->path));
	assert_int_equal(x->send, y->send);
}

static void one_dials_and_frames_may_flow(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->b.wire.dial = false;
	world_begin(w);
	world_run(w, 1000);
	expect_joined(&w->a, 0, &w->b, 0);
	expect_joined(&w->a, 1, &w->b, 1);
	assert_int_equal(tunnels_of(&w->a), 1);
	world_free(w);
}

/* An attempt that gives way is no failure that people would have to look after. */
static void expect_no_reason(const struct site *s)
{
	for (unsigned int i = 0; i < LINES; i++)
		assert_null(strstr(s->pw[i].why, "both "));
	assert_string_equal(s->lns.wires->wire[0].why, "");
}

static void both_dial_and_one_is_left(void **state)
{
	struct world *w = world_new();

	(void)state;
	world_begin(w);
	for (unsigned int i = 0; i < 2000; i++) {
		world_run(w, 10);
		expect_no_reason(&w->a);
		expect_no_reason(&w->b);
	}
	assert_true(counter(&w->a, L2TP3_C_TIE) + counter(&w->b, L2TP3_C_TIE) > 0);
	expect_joined(&w->a, 0, &w->b, 0);
	expect_joined(&w->a, 1, &w->b, 1);
	assert_int_equal(tunnels_of(&w->a), 1);
	assert_int_equal(tunnels_of(&w->b), 1);
	world_free(w);
}

static void directly_over_ip(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->a.wire.path.local_port = w->a.wire.path.peer_port = 0;
	w->b.wire.path.local_port = w->b.wire.path.peer_port = 0;
	world_begin(w);
	world_run(w, 20000);
	expect_joined(&w->a, 0, &w->b, 0);
	assert_int_equal(w->a.pw[0].session.path.peer_port, 0);
	world_free(w);
}

static void numbers_are_asked_for(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->a.pseudowires[0].sublayer = w->a.pseudowires[0].seq_receive = true;
	world_begin(w);
	world_run(w, 20000);
	expect_joined(&w->a, 0, &w->b, 0);
	assert_true(w->a.pw[0].session.seq_receive);
	assert_true(w->b.pw[0].session.seq_send);
	assert_false(w->b.pw[0].session.seq_receive);
	world_free(w);
}

/* ---- refusals ----------------------------------------------------------------------------- */

static void unknown_end_is_told_on_both_sides(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->b.wire.dial = false;
	memcpy(w->a.signals[1].end_id, "elsewhere", 9);
	w->a.signals[1].end_id_len = 9;
	world_begin(w);
	world_run(w, 30000);
	expect_joined(&w->a, 0, &w->b, 0);
	assert_false(w->a.pw[1].set);
	assert_non_null(strstr(w->a.pw[1].why, "no pseudowire has remote-end-id elsewhere"));
	assert_int_equal(tunnels_of(&w->a), 1);
	/* tried again, and ever more seldom */
	assert_in_range(counter(&w->b, L2TP3_C_CALL_REFUSED), 4, 8);
	world_free(w);
}

/* 77 and "77" are two; nothing is escaped on its way, and nothing cut in a word. */
static void end_ids_are_told_as_people_write_them(void **state)
{
	static const uint8_t number[4] = { 0, 0, 0, 77 };
	char text[WIRE_END_ID];
	struct world *w = world_new();

	(void)state;
	w->b.wire.dial = false;
	w->a.signals[0].end_id_len = w->b.signals[1].end_id_len = 4;
	memcpy(w->a.signals[0].end_id, number, 4);
	memcpy(w->b.signals[1].end_id, (const uint8_t[4]){ 0, 0, 0, 78 }, 4);
	w->b.signals[0].end_id_len = w->a.signals[1].end_id_len = 2;
	memcpy(w->b.signals[0].end_id, "77", 2);
	memcpy(w->a.signals[1].end_id, "78", 2);
	world_begin(w);
	world_run(w, 5000);
	assert_string_equal(
		w->a.pw[0].why,
		"the peer says: no pseudowire has remote-end-id number 77, but the text "
		"of these digits is one (they differ) (result 5, error 0)");
	assert_string_equal(w->a.pw[1].why,
			    "the peer says: no pseudowire has remote-end-id 78, but the number of "
			    "these digits is one (they differ) (result 5, error 0)");
	assert_string_equal(wires_end_id(number, 4, text), "number 77");
	assert_string_equal(wires_end_id((const uint8_t *)"a 77", 4, text), "\"a 77\"");
	assert_string_equal(wires_end_id((const uint8_t *)"a\n7", 3, text), "octets 610a37");
	assert_string_equal(wires_end_id(NULL, 0, text), "without octets");
	world_free(w);
}

static void other_type_is_refused(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->b.wire.dial = false;
	w->b.signals[0].pw_type = L2TP3_PW_VLAN;
	world_begin(w);
	world_run(w, 2000);
	assert_false(w->a.pw[0].set);
	assert_non_null(strstr(w->a.pw[0].why, "pseudowire type 4 (vlan), not 5 (ethernet)"));
	assert_non_null(strstr(w->a.pw[0].why, "make `type` the same on both sides"));
	expect_joined(&w->a, 1, &w->b, 1);
	world_free(w);
}

static void another_secret_is_told(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->b.wire.dial = false;
	w->b.wire.l2tp.secret[0].b = (const uint8_t *)"elsewise";
	world_begin(w);
	world_run(w, 6000);
	assert_non_null(strstr(w->a.pw[0].why, "secret"));
	world_run(w, 100000);
	assert_false(w->a.pw[0].set);
	assert_non_null(strstr(w->a.pw[0].why, "secret"));
	assert_int_equal(tunnels_of(&w->b), 0);
	world_free(w);
}

static void drained_takes_nothing_new(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->b.wire.dial = false;
	w->b.lns.drain_all = true;
	world_begin(w);
	world_run(w, 10000);
	assert_false(w->a.pw[0].set);
	assert_non_null(strstr(w->a.pw[0].why, "drained for maintenance"));
	assert_non_null(strstr(w->a.pw[0].why, "result 2, error 7"));
	/* at the request: no connection was ever there */
	assert_int_equal(counter(&w->a, L2TP3_C_SENT_STOPCCN), 0);
	assert_true(counter(&w->b, L2TP3_C_SENT_STOPCCN) > 0);
	assert_int_equal(counter(&w->b, L2TP3_C_TX), counter(&w->b, L2TP3_C_SENT_STOPCCN));
	assert_int_equal(w->b.n_records, 0);
	w->b.lns.drain_all = false;
	world_run(w, 60000);
	expect_joined(&w->a, 0, &w->b, 0);
	world_free(w);
}

/* ---- whose it is ----------------------------------------------------------------------------- */

static void name_and_longest_prefix_choose(void **state)
{
	struct world *w = world_new();
	struct config_wire wires[3];
	struct l2tp3_who who = { .hostname = "a" };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		wires[i] = w->b.wire;
		wires[i].path.peer = (struct ipaddr){ 0 };
		wires[i].l2tp.user = &wires[i];
	}
	assert_int_equal(prefix_parse("0.0.0.0/0", &wires[0].peer), 0);
	assert_int_equal(prefix_parse("192.0.2.0/24", &wires[1].peer), 0);
	assert_int_equal(prefix_parse("192.0.2.0/25", &wires[2].peer), 0);
	wires[0].l2tp.expect_hostname = "named";
	w->b.cfg.wires = wires;
	w->b.cfg.n_wires = 3;
	site_start(&w->b);
	assert_ptr_equal(site_finds(&w->b, "192.0.2.1", &who), &wires[2].l2tp);
	assert_ptr_equal(site_finds(&w->b, "192.0.2.200", &who), &wires[1].l2tp);
	assert_null(site_finds(&w->b, "203.0.113.1", &who));
	who.hostname = "named";
	assert_ptr_equal(site_finds(&w->b, "192.0.2.1", &who), &wires[0].l2tp);
	assert_ptr_equal(site_finds(&w->b, "203.0.113.1", &who), &wires[0].l2tp);
	world_free(w);
}

/* ---- circuits ---------------------------------------------------------------------------------- */

static void circuit_travels(void **state)
{
	struct world *w = world_new();

	(void)state;
	world_begin(w);
	world_run(w, 20000);
	site_circuit(&w->a, 0, false);
	world_run(w, 500);
	assert_true(w->b.pw[0].set);
	assert_false(w->b.pw[0].session.send);
	assert_true(w->b.pw[1].session.send);
	site_circuit(&w->a, 0, true);
	world_run(w, 500);
	assert_true(w->b.pw[0].session.send);
	world_free(w);
}

/* At once at first; then one a second, and the last word is right. */
static void flapping_circuit_is_damped(void **state)
{
	struct world *w = world_new();
	uint64_t before;

	(void)state;
	world_begin(w);
	world_run(w, 20000);
	before = counter(&w->a, L2TP3_C_SENT_SLI);
	for (unsigned int i = 0; i < 100; i++) {
		site_circuit(&w->a, 0, i % 2);
		world_run(w, 50);
	}
	assert_in_range(counter(&w->a, L2TP3_C_SENT_SLI) - before, 5, 12);
	site_circuit(&w->a, 0, false);
	world_run(w, 2000);
	assert_false(w->b.pw[0].session.send);
	world_free(w);
}

/* ---- silence and return -------------------------------------------------------------------------- */

static void dead_peer_is_dialled_until_it_is_back(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->b.wire.dial = false;
	world_begin(w);
	world_run(w, 1000);
	w->cut = true;
	world_run(w, 200000);
	assert_false(w->a.pw[0].set);
	assert_non_null(strstr(w->a.pw[0].why, "does not answer"));
	site_forget(&w->b);
	site_start(&w->b);
	w->cut = false;
	world_run(w, 100000);
	expect_joined(&w->a, 0, &w->b, 0);
	world_free(w);
}

static void no_route_is_not_silence(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->b.wire.dial = false;
	w->cut = true;
	world_begin(w);
	world_run(w, 1000);
	wires_unsent(w->a.lns.wires, &w->b.wire.path, -EPERM); /* somebody else's */
	wires_unsent(w->a.lns.wires, &w->a.wire.path, -ENETUNREACH);
	world_run(w, 5000);
	assert_string_equal(w->a.pw[0].why,
			    "nothing can be sent to 192.0.2.2: Network is unreachable");
	world_run(w, 100000); /* it is dialled again, and that was sent */
	assert_non_null(strstr(w->a.pw[0].why, "does not answer"));
	w->cut = false;
	world_run(w, 100000);
	expect_joined(&w->a, 0, &w->b, 0);
	world_free(w);
}

static void rebooted_peer_replaces_what_it_forgot(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->a.wire.dial = false;
	world_begin(w);
	world_run(w, 1000);
	expect_joined(&w->a, 0, &w->b, 0);
	site_forget(&w->b);
	site_start(&w->b);
	wires_begin(w->b.lns.wires);
	world_run(w, 5000);
	expect_joined(&w->a, 0, &w->b, 0);
	assert_int_equal(tunnels_of(&w->a), 1);
	world_free(w);
}

static void farewell_is_followed_by_a_dial(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->b.wire.dial = false;
	world_begin(w);
	world_run(w, 1000);
	wires_shutdown(w->b.lns.wires);
	world_run(w, 500);
	assert_false(w->a.pw[0].set);
	assert_int_equal(l2tp3_unacknowledged(w->b.lns.wires->ep), 0);
	site_forget(&w->b);
	site_start(&w->b);
	world_run(w, 5000);
	expect_joined(&w->a, 0, &w->b, 0);
	world_free(w);
}

static void keepalive_tells_of_a_static_one(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->a.signals[1].keepalive = w->b.signals[1].keepalive = true;
	world_begin(w);
	world_run(w, 20000);
	assert_true(w->a.pw[1].alive);
	assert_false(w->a.pw[1].set);
	w->cut = true;
	world_run(w, 200000);
	assert_false(w->a.pw[1].alive);
	assert_non_null(strstr(w->a.pw[1].why, "does not answer on its control connection"));
	w->cut = false;
	world_run(w, 100000);
	assert_true(w->a.pw[1].alive);
	wires_shutdown(w->b.lns.wires);
	world_run(w, 30000);
	assert_false(w->a.pw[1].alive);
	assert_non_null(strstr(w->a.pw[1].why, "has closed its control connection"));
	world_free(w);
}

/* ---- the store ------------------------------------------------------------------------------------- */

static void restart_keeps_sessions(void **state)
{
	struct world *w = world_new();
	struct pw_session before;
	unsigned int closed;

	(void)state;
	world_begin(w);
	world_run(w, 20000);
	before = w->a.pw[0].session;
	site_stop(&w->a);
	site_start(&w->a);
	assert_int_equal(site_restore(&w->a, &closed), 2);
	assert_int_equal(closed, 0);
	assert_true(w->a.pw[0].set);
	expect_same(&w->a.pw[0].session, &before);
	wires_begin(w->a.lns.wires);
	world_run(w, 100000);
	expect_joined(&w->a, 0, &w->b, 0);
	expect_same(&w->a.pw[0].session, &before);
	assert_int_equal(tunnels_of(&w->b), 1);
	world_free(w);
}

/* The ID by which the hook knows a connection's messages: of no tunnel, over restarts too, and back
 * when the connection is gone. */
static void connection_has_a_lane(void **state)
{
	struct world *w = world_new();
	unsigned int closed;
	uint16_t lane;

	(void)state;
	w->b.wire.dial = false;
	world_begin(w);
	world_run(w, 1000);
	lane = w->a.lane[0];
	assert_true(lane && w->b.lane[0]);
	assert_true(path_eq(&w->a.lane_path[0], &w->a.wire.path));
	assert_false(l2tp_id_claim(w->a.lns.l2tp, lane));
	site_stop(&w->a);
	site_start(&w->a);
	assert_int_equal(site_restore(&w->a, &closed), 2);
	assert_int_equal(w->a.lane[0], lane);
	assert_false(l2tp_id_claim(w->a.lns.l2tp, lane));
	site_stop(&w->a);
	site_start(&w->a);
	assert_true(l2tp_id_claim(w->a.lns.l2tp, lane)); /* a tunnel of version 2 has it now */
	assert_int_equal(site_restore(&w->a, &closed), 2);
	assert_int_equal(w->a.lane[0], 0);
	wires_begin(w->a.lns.wires);
	world_run(w, 1000);
	lns_enter(&w->a.lns);
	wires_shutdown(w->a.lns.wires);
	visit_commit(&w->a.lns);
	world_run(w, 40000);
	assert_false(l2tp_id_claim(w->a.lns.l2tp, lane)); /* still the tunnel's */
	assert_int_equal(w->b.lane[0], 0);
	world_free(w);
}

static void changed_one_gets_another_session(void **state)
{
	struct world *w = world_new();
	struct checked_wires check;
	char text[4096];
	unsigned int closed;

	(void)state;
	world_begin(w);
	world_run(w, 20000);
	site_stop(&w->a);
	assert_int_equal(site_check(&w->a, text, sizeof(text), &check), 0);
	assert_int_equal(check.kept, 2);
	w->a.signals[1].cookie_len = 4;
	assert_int_equal(site_check(&w->a, text, sizeof(text), &check), -EBUSY);
	assert_int_equal(check.kept, 1);
	assert_int_equal(check.anew, 1);
	assert_non_null(strstr(text, "pseudowire two has other cookies"));
	site_start(&w->a);
	assert_int_equal(site_restore(&w->a, &closed), 1);
	assert_int_equal(closed, 1);
	wires_begin(w->a.lns.wires);
	world_run(w, 20000);
	expect_joined(&w->a, 0, &w->b, 0);
	assert_true(w->a.pw[1].set);
	assert_int_equal(w->a.pw[1].session.cookie.len, 4);
	world_free(w);
}

/* A request in the store, hidden with a secret that is not ours any more, is not said again. */
static void unanswered_dial_is_made_anew(void **state)
{
	struct world *w = world_new();
	unsigned int closed;

	(void)state;
	w->b.wire.dial = false;
	w->a.wire.l2tp.hide = w->b.wire.l2tp.hide = true;
	w->a.wire.l2tp.secret[0].b = (const uint8_t *)"elsewise";
	world_begin(w);
	world_run(w, 5000);
	assert_false(w->a.pw[0].set);
	site_stop(&w->a);
	w->a.wire.l2tp.secret[0].b = (const uint8_t *)"s3cret-s";
	site_start(&w->a);
	assert_int_equal(site_restore(&w->a, &closed), 0);
	wires_begin(w->a.lns.wires);
	world_run(w, 1000);
	expect_joined(&w->a, 0, &w->b, 0);
	world_free(w);
}

static void removed_one_is_closed(void **state)
{
	struct world *w = world_new();
	struct checked_wires check;
	char text[4096];
	unsigned int closed;

	(void)state;
	world_begin(w);
	world_run(w, 20000);
	site_stop(&w->a);
	w->a.cfg.datapath.n_pseudowires = w->a.wire.n_pw = 1;
	assert_int_equal(site_check(&w->a, text, sizeof(text), &check), -EBUSY);
	assert_int_equal(check.gone, 1);
	assert_non_null(strstr(text, "pseudowire two is not in the configuration"));
	assert_non_null(strstr(text, "its session will be closed"));
	/* who removes this one asks for it */
	assert_int_equal(wires_check(&w->a.cfg, w->a.lns.store, "two", text, sizeof(text), &check),
			 0);
	assert_int_equal(
		wires_check(&w->a.cfg, w->a.lns.store, "three", text, sizeof(text), &check),
		-EBUSY);
	site_start(&w->a);
	assert_int_equal(site_restore(&w->a, &closed), 1);
	assert_int_equal(closed, 1);
	wires_begin(w->a.lns.wires);
	world_run(w, 5000);
	assert_false(w->b.pw[1].set);
	expect_joined(&w->a, 0, &w->b, 0);
	world_free(w);
}

static void another_path_is_not_taken_up(void **state)
{
	struct world *w = world_new();
	struct checked_wires check;
	char text[4096];
	unsigned int closed;

	(void)state;
	world_begin(w);
	world_run(w, 20000);
	site_stop(&w->a);
	assert_int_equal(addr_parse("203.0.113.9", &w->a.wire.path.peer), 0);
	w->a.wire.peer.addr = w->a.wire.path.peer;
	assert_int_equal(site_check(&w->a, text, sizeof(text), &check), -EBUSY);
	assert_int_equal(check.anew, 2);
	site_start(&w->a);
	assert_int_equal(site_restore(&w->a, &closed), 0);
	world_free(w);
}

/* 1 + 2 + 4 + 8 s behind the last Hello, which comes within 20 s; else 71 s. */
static void retransmits_tell_when_a_peer_is_dead(void **state)
{
	static const struct {
		unsigned int retransmits, still_ms, gone_ms;
	} cases[] = { { 3, 15000, 36000 }, { 0, 71000, 92000 } };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct world *w = world_new();

		w->b.wire.dial = false;
		w->a.cfg.limits3.retransmits = cases[i].retransmits;
		world_begin(w);
		world_run(w, 5000);
		w->cut = true;
		world_run(w, cases[i].still_ms);
		assert_true(w->a.pw[0].set);
		world_run(w, cases[i].gone_ms - cases[i].still_ms);
		assert_false(w->a.pw[0].set);
		assert_non_null(strstr(w->a.pw[0].why, "does not answer"));
		world_free(w);
	}
}

/* Who comes next does not know their secrets: whoever goes says it, and answers nobody any more. */
static void old_process_says_goodbye(void **state)
{
	const struct l2tp3_who who = { .hostname = "" };
	struct world *w = world_new();
	struct config without;
	uint8_t leaving[8];
	unsigned int closed;

	(void)state;
	world_begin(w);
	world_run(w, 20000);
	wires_leaving(&w->a.cfg, &w->a.cfg, leaving, 64);
	assert_int_equal(leaving[0], 0);
	assert_int_equal(wires_leave(w->a.lns.wires, leaving, 64), 0);
	world_run(w, 1000);
	expect_joined(&w->a, 0, &w->b, 0);
	without = w->a.cfg;
	without.n_wires = 0;
	wires_leaving(&w->a.cfg, &without, leaving, 64);
	assert_int_equal(leaving[0], 1);
	lns_enter(&w->a.lns);
	assert_int_equal(wires_leave(w->a.lns.wires, leaving, 64), 1);
	visit_commit(&w->a.lns);
	world_run(w, 100);
	assert_false(w->a.pw[0].set);
	assert_false(w->b.pw[0].set);
	assert_non_null(strstr(w->b.pw[0].why, "not configured like this any more"));
	assert_int_equal(l2tp3_unacknowledged(w->a.lns.wires->ep), 0);
	assert_null(site_finds(&w->a, "192.0.2.2", &who));
	world_run(w, 5000); /* site B dials, and site A does not */
	assert_int_equal(tunnels_of(&w->a), 0);
	assert_int_equal(tunnels_of(&w->b), 1);
	/* what is left in the store stands for nothing */
	site_stop(&w->a);
	w->a.cfg.n_wires = 0;
	site_start(&w->a);
	assert_int_equal(site_restore(&w->a, &closed), 0);
	assert_int_equal(closed, 0);
	assert_int_equal(w->a.n_records, 0);
	w->a.cfg.n_wires = 1;
	site_stop(&w->a);
	world_free(w);
}

static void expect_leaving(const struct world *w, const struct config_wire *wires, unsigned int n,
			   bool leaving)
{
	struct config next = w->a.cfg;
	uint8_t bits[8];

	next.wires = (struct config_wire *)(uintptr_t)wires;
	next.n_wires = n;
	wires_leaving(&w->a.cfg, &next, bits, 64);
	assert_int_equal(bits[0], leaving);
}

static void what_goes_on_and_what_leaves(void **state)
{
	struct world *w = world_new();
	struct config_wire c = w->a.wire;

	(void)state;
	expect_leaving(w, &c, 1, false);
	c.name = (char *)"two"; /* the one that it was called after is gone */
	expect_leaving(w, &c, 1, false);
	c.l2tp.secret[0].len = 0;
	expect_leaving(w, &c, 1, true);
	c = w->a.wire;
	c.path.local_port = c.path.peer_port = 0;
	expect_leaving(w, &c, 1, true);
	c = w->a.wire;
	assert_int_equal(addr_parse("192.0.2.3", &c.path.peer), 0);
	c.peer.addr = c.path.peer;
	expect_leaving(w, &c, 1, true);
	/* a range: as long as anybody of it may go on */
	assert_int_equal(addr_parse("192.0.2.0", &w->a.wire.peer.addr), 0);
	w->a.wire.peer.len = 24;
	memset(&w->a.wire.path.peer, 0, sizeof(w->a.wire.path.peer));
	c = w->a.wire;
	expect_leaving(w, &c, 1, false);
	assert_int_equal(addr_parse("192.0.2.128", &c.peer.addr), 0);
	c.peer.len = 25;
	expect_leaving(w, &c, 1, false);
	assert_int_equal(addr_parse("198.51.100.0", &c.peer.addr), 0);
	expect_leaving(w, &c, 1, true);
	expect_leaving(w, &c, 0, true);
	world_free(w);
}

static void records_go_with_what_they_tell_of(void **state)
{
	struct world *w = world_new();

	(void)state;
	world_begin(w);
	world_run(w, 20000);
	assert_int_equal(w->a.n_records, 3);
	wires_shutdown(w->a.lns.wires);
	world_run(w, 60000);
	assert_int_equal(w->a.n_records, 0);
	world_free(w);
}

/* ---- what people see ----------------------------------------------------------------------------- */

/* What the daemon's log says meanwhile. */
struct ear {
	FILE *f;
	int stderr_fd;
	char text[4096];
};

static void ear_open(struct ear *e)
{
	e->f = tmpfile();
	assert_non_null(e->f);
	e->stderr_fd = dup(STDERR_FILENO);
	assert_true(dup2(fileno(e->f), STDERR_FILENO) >= 0);
	log_open(LOG_INFO);
}

static const char *ear_close(struct ear *e)
{
	size_t n;

	log_open(LOG_ERROR);
	dup2(e->stderr_fd, STDERR_FILENO);
	close(e->stderr_fd);
	rewind(e->f);
	n = fread(e->text, 1, sizeof(e->text) - 1, e->f);
	e->text[n] = '\0';
	fclose(e->f);
	return e->text;
}

/* "Up" is what the data path says: here it is a session, told when it is new, and its end only
 * where no frames flowed. */
static void sessions_are_logged_as_such(void **state)
{
	struct world *w = world_new();
	unsigned int closed;
	struct ear ear;

	(void)state;
	w->b.wire.dial = false;
	w->a.pw[1].circuit_down = w->b.pw[1].circuit_down = true;
	ear_open(&ear);
	world_begin(w);
	world_run(w, 5000);
	ear_close(&ear);
	assert_non_null(strstr(ear.text, "of pseudowire one is there: the peer's is "));
	assert_null(strstr(ear.text, "pseudowire one is up"));
	site_stop(&w->a);
	ear_open(&ear);
	site_start(&w->a);
	assert_int_equal(site_restore(&w->a, &closed), 2);
	wires_begin(w->a.lns.wires);
	world_run(w, 5000);
	assert_null(strstr(ear_close(&ear), "is there"));
	ear_open(&ear);
	wires_shutdown(w->a.lns.wires);
	world_run(w, 50);
	ear_close(&ear);
	assert_null(strstr(ear.text, "pseudowire one"));
	assert_non_null(strstr(ear.text, "of pseudowire two has ended: "));
	world_free(w);
}

static void who_may_dial_is_shown(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->b.wire.dial = false;
	memset(&w->b.wire.path.peer, 0, sizeof(w->b.wire.path.peer));
	assert_int_equal(prefix_parse("198.51.100.0/24", &w->b.wire.peer), 0);
	w->b.wire.l2tp.expect_hostname = "branch9";
	world_begin(w);
	assert_string_equal(w->b.pw[0].why,
			    "nobody of 198.51.100.0/24 with host name branch9 has dialled yet");
	world_free(w);
}

static void signal_info_tells(void **state)
{
	struct world *w = world_new();
	struct lns_signal_info info;

	(void)state;
	world_begin(w);
	w->cut = true;
	world_run(w, 1000);
	assert_true(lns_signal(&w->a.lns, 0, &info));
	assert_false(info.session);
	assert_string_equal(info.end_id, "one");
	w->cut = false;
	world_run(w, 60000);
	assert_true(lns_signal(&w->a.lns, 0, &info));
	assert_true(info.session);
	assert_true(info.ready);
	assert_int_equal(info.id, w->a.pw[0].session.id);
	assert_true(info.tunnel_id >= L2TP3_CCID_MIN);
	assert_string_equal(info.state, "established");
	assert_null(info.why);
	assert_int_equal(wires_clear(w->a.lns.wires, 1,
				     &(struct l2tp_reason){ .result = L2TP_STOP_GENERAL }),
			 -ENOENT);
	assert_int_equal(wires_clear(w->a.lns.wires, info.tunnel_id,
				     &(struct l2tp_reason){ .result = L2TP_STOP_GENERAL }),
			 0);
	assert_false(w->a.pw[0].set);
	world_run(w, 10000);
	expect_joined(&w->a, 0, &w->b, 0);
	world_free(w);
}

static void version_chooses_the_room(void **state)
{
	const uint8_t v2[12] = { 0xc8, 2, 0, 12 }, v3[12] = { 0xc8, 3, 0, 12 };
	struct world *w = world_new();
	struct path udp = w->a.wire.path, ip = w->a.wire.path;

	(void)state;
	site_start(&w->a);
	ip.local_port = ip.peer_port = 0;
	assert_false(wires_input(w->a.lns.wires, &udp, v2, sizeof(v2)));
	assert_true(wires_input(w->a.lns.wires, &udp, v3, sizeof(v3)));
	assert_true(wires_input(w->a.lns.wires, &ip, v2, sizeof(v2)));
	assert_false(wires_input(w->a.lns.wires, &udp, v3, 1));
	w->a.cfg.n_wires = 0;
	assert_false(wires_input(w->a.lns.wires, &udp, v3, sizeof(v3)));
	assert_true(wires_input(w->a.lns.wires, &ip, v3, sizeof(v3)));
	w->a.cfg.n_wires = 1;
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_dials_and_frames_may_flow),
		cmocka_unit_test(both_dial_and_one_is_left),
		cmocka_unit_test(directly_over_ip),
		cmocka_unit_test(numbers_are_asked_for),
		cmocka_unit_test(unknown_end_is_told_on_both_sides),
		cmocka_unit_test(end_ids_are_told_as_people_write_them),
		cmocka_unit_test(other_type_is_refused),
		cmocka_unit_test(another_secret_is_told),
		cmocka_unit_test(drained_takes_nothing_new),
		cmocka_unit_test(name_and_longest_prefix_choose),
		cmocka_unit_test(circuit_travels),
		cmocka_unit_test(flapping_circuit_is_damped),
		cmocka_unit_test(dead_peer_is_dialled_until_it_is_back),
		cmocka_unit_test(no_route_is_not_silence),
		cmocka_unit_test(rebooted_peer_replaces_what_it_forgot),
		cmocka_unit_test(farewell_is_followed_by_a_dial),
		cmocka_unit_test(keepalive_tells_of_a_static_one),
		cmocka_unit_test(restart_keeps_sessions),
		cmocka_unit_test(connection_has_a_lane),
		cmocka_unit_test(changed_one_gets_another_session),
		cmocka_unit_test(unanswered_dial_is_made_anew),
		cmocka_unit_test(removed_one_is_closed),
		cmocka_unit_test(another_path_is_not_taken_up),
		cmocka_unit_test(retransmits_tell_when_a_peer_is_dead),
		cmocka_unit_test(old_process_says_goodbye),
		cmocka_unit_test(what_goes_on_and_what_leaves),
		cmocka_unit_test(records_go_with_what_they_tell_of),
		cmocka_unit_test(sessions_are_logged_as_such),
		cmocka_unit_test(who_may_dial_is_shown),
		cmocka_unit_test(signal_info_tells),
		cmocka_unit_test(version_chooses_the_room),
	};

	log_open(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
