/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control connections of L2TPv3: every cell of their automaton, against what docs/protocol/l2tpv3.md
 * section 7 asks for, written down here independently; ties of every kind; those that end before the
 * other side has an ID or a nonce of them; what replaces what; identifiers that rest.
 */
#include "tests/unit/l2tp3_world.h"

#include "loader/l2tp3/engine.h"

static const struct l2tp_reason done = { .result = L2TP_STOP_GENERAL, .text = "done" };

/* ---- the table ---- */

/* In the order of the events: what is done, and where it ends. NULL: count, stay. */
struct cell {
	enum l2tp3_tunnel_action action;
	enum l2tp3_tunnel_state next;
};
#define C(action, next)                                                                            \
	{                                                                                          \
		L2TP3_TA_##action, L2TP3_T_##next                                                  \
	}
#define STOP C(STOP, STOPPED)
#define FSM C(STOP_FSM, STOPPED)
#define CLEAR C(CLEAR, STOPPED)
#define FORGET C(FORGET, STOPPED)
#define STAY(state) C(NOTHING, state)

static const struct cell wanted[L2TP3_T_STATES][L2TP3_TE_EVENTS] = {
	[L2TP3_T_IDLE] = { [L2TP3_TE_OPEN] = C(SEND_SCCRQ, WAIT_REPLY),
			   [L2TP3_TE_SCCRQ] = C(ACCEPT, WAIT_CONN),
			   [L2TP3_TE_SCCRQ_BAD] = C(REFUSE, IDLE) },
	[L2TP3_T_WAIT_REPLY] = { [L2TP3_TE_SCCRP] = C(CONFIRM, ESTABLISHED),
				 [L2TP3_TE_SCCRP_BAD] = STOP,
				 [L2TP3_TE_SCCRQ] = FSM,
				 [L2TP3_TE_SCCCN] = FSM,
				 [L2TP3_TE_TIE_LOST] = FORGET,
				 [L2TP3_TE_ABORT] = FORGET,
				 [L2TP3_TE_STOPCCN] = CLEAR,
				 [L2TP3_TE_FAULT] = STOP,
				 [L2TP3_TE_UNKNOWN] = STAY(WAIT_REPLY),
				 [L2TP3_TE_CLOSE] = STOP,
				 [L2TP3_TE_TIMEOUT] = STOP,
				 [L2TP3_TE_DEAD] = FORGET,
				 [L2TP3_TE_REPLACED] = STOP },
	[L2TP3_T_WAIT_CONN] = { [L2TP3_TE_SCCCN] = C(UP, ESTABLISHED),
				[L2TP3_TE_SCCRQ] = FSM,
				[L2TP3_TE_SCCRP] = FSM,
				[L2TP3_TE_STOPCCN] = CLEAR,
				[L2TP3_TE_FAULT] = STOP,
				[L2TP3_TE_UNKNOWN] = STAY(WAIT_CONN),
				[L2TP3_TE_CLOSE] = STOP,
				[L2TP3_TE_TIMEOUT] = STOP,
				[L2TP3_TE_DEAD] = FORGET },
	[L2TP3_T_ESTABLISHED] = { [L2TP3_TE_SCCRQ] = FSM,
				  [L2TP3_TE_SCCRP] = FSM,
				  [L2TP3_TE_SCCCN] = FSM,
				  [L2TP3_TE_STOPCCN] = CLEAR,
				  [L2TP3_TE_HELLO] = STAY(ESTABLISHED),
				  [L2TP3_TE_CALL] = C(CALL, ESTABLISHED),
				  [L2TP3_TE_FAULT] = STOP,
				  [L2TP3_TE_UNKNOWN] = STAY(ESTABLISHED),
				  [L2TP3_TE_CLOSE] = STOP,
				  [L2TP3_TE_DEAD] = FORGET,
				  [L2TP3_TE_REPLACED] = STOP },
	[L2TP3_T_STOPPED] = { [L2TP3_TE_STOPCCN] = STAY(STOPPED),
			      [L2TP3_TE_HELLO] = STAY(STOPPED),
			      [L2TP3_TE_CALL] = STAY(STOPPED),
			      [L2TP3_TE_SCCRP] = STAY(STOPPED),
			      [L2TP3_TE_SCCCN] = STAY(STOPPED),
			      [L2TP3_TE_FAULT] = STAY(STOPPED),
			      [L2TP3_TE_UNKNOWN] = STAY(STOPPED) },
};

static void every_cell(void **state)
{
	(void)state;
	for (unsigned int s = 0; s < L2TP3_T_STATES; s++)
		for (unsigned int e = 0; e < L2TP3_TE_EVENTS; e++) {
			struct l2tp_step have = l2tp3_tunnel_step(s, e);
			struct cell want = wanted[s][e];

			if (want.action == L2TP3_TA_UNEXPECTED)
				want.next = s;
			if (have.action != want.action || have.next != want.next)
				fail_msg("%s, %s: \"%s\" and %s", l2tp3_tunnel_state_names[s],
					 l2tp3_tunnel_event_names[e],
					 l2tp3_tunnel_action_names[have.action],
					 l2tp3_tunnel_state_names[have.next]);
		}
}

/* ---- ties ---- */

/* AVP 5 of an SCCRQ becomes `tie` of its sender; 0: another type, that nobody knows. */
struct ties {
	uint8_t tie[2];
	bool none[2];
};

static size_t with_ties(struct world *w, unsigned int from, uint16_t type, uint8_t *msg, size_t len)
{
	const struct ties *t = w->user;
	size_t at;

	if (type != L2TP_SCCRQ)
		return len;
	at = wire_find(msg, len, 0, 5, 0, NULL);
	assert_int_not_equal(at, 0);
	if (t->none[from]) {
		msg[at - 6] &= 0x7f;
		wire_u16(msg, at - 2, 99);
	}
	return len;
}

static void with_random(void *ctx, void *buf, size_t n)
{
	struct side *s = ctx;
	const struct ties *t = s->world->user;

	side_random(ctx, buf, n);
	if (n == L2TP3_TIE)
		memset(buf, t->tie[s->index], n);
}

/* Both dial at once; winner 2: neither. */
static void cross(const struct ties *t, unsigned int winner)
{
	struct world *w = world_new();

	w->user = (void *)t;
	w->network = with_ties;
	w->side[LEFT].ops.random = w->side[RIGHT].ops.random = with_random;
	world_open(w, LEFT);
	world_open(w, RIGHT);
	world_run(w, 40000);
	assert_true(counter(&w->side[LEFT], L2TP3_C_TIE) > 0);
	assert_true(counter(&w->side[RIGHT], L2TP3_C_TIE) > 0);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(w->side[i].tunnels_gone, i != winner);
		assert_int_equal(w->side[i].tunnels_up, winner < 2);
		if (i != winner)
			assert_int_equal(w->side[i].tunnel_why.result, L2TP_STOP_EXISTS);
	}
	if (winner < 2) {
		world_agrees(w, 0);
		assert_true(l2tp3_tunnel_is_initiator(side_tunnel(&w->side[winner])));
	} else {
		world_run(w, 200000);
		world_is_empty(w);
	}
	world_free(w);
}

static void who_wins_a_tie(void **state)
{
	(void)state;
	cross(&(struct ties){ .tie = { 1, 2 } }, LEFT);
	cross(&(struct ties){ .tie = { 0xff, 0x7f } }, RIGHT); /* without a sign */
	cross(&(struct ties){ .tie = { 7, 7 } }, 2);
}

/* What has none loses against what has one (V3-CC-1), and is told so. */
static void who_has_no_tie_breaker_loses(void **state)
{
	static const struct ties t = { .tie = { 9, 1 }, .none = { false, true } };
	struct world *w = world_new();
	struct packet *p;

	(void)state;
	w->user = (void *)&t;
	w->network = with_ties;
	world_open(w, RIGHT);
	side_commit(&w->side[RIGHT]);
	p = packet_new(LEFT, &w->packets->path, w->packets->data, w->packets->len);
	world_drop_packets(w);
	w->capture = true;
	world_open(w, LEFT);
	side_give(&w->side[LEFT], &p->path, p->data, p->len);
	assert_int_equal(w->side[LEFT].tunnels_gone, 0);
	assert_int_equal(w->seen[LEFT][L2TP_STOPCCN], 1);
	assert_int_equal(w->last_stop.result, L2TP_STOP_EXISTS);
	assert_int_equal(counter(&w->side[LEFT], L2TP3_C_TIE), 1);
	free(p);
	world_free(w);
}

/* ---- ends before the beginning ---- */

/* The first two SCCRP are lost, and every StopCCN if w->user says so. */
static size_t lossy(struct world *w, unsigned int from, uint16_t type, uint8_t *msg, size_t len)
{
	(void)from;
	(void)msg;
	if (type == L2TP_STOPCCN && w->user)
		return 0;
	return type == L2TP_SCCRP && w->seen[RIGHT][L2TP_SCCRP] <= 2 ? 0 : len;
}

/* Who dialled gives up before SCCRP has come: its StopCCN has no CCID, and still the other one
 * understands, and what that kept is for 31 s the memory of it and no more. */
static void a_stop_before_the_answer(const char *secret, bool hide, bool ip)
{
	struct world *w = world_new();

	if (ip)
		world_over_ip(w);
	world_secret(w, secret, secret);
	w->side[LEFT].peer.hide = hide;
	w->network = lossy;
	world_open(w, LEFT);
	world_run(w, 100);
	assert_int_equal(w->seen[RIGHT][L2TP_SCCRP], 1);
	assert_int_equal(w->side[RIGHT].n_records, 2);
	l2tp3_tunnel_close(w->side[LEFT].tunnel, w->now, &done);
	world_run(w, 5000);
	assert_int_equal(w->seen[LEFT][L2TP_STOPCCN], 1);
	assert_int_equal(w->seen[RIGHT][ACK], 1 + !secret);
	assert_int_equal(l2tp3_unacknowledged(w->side[LEFT].ep), 0);
	assert_int_equal(counter(&w->side[RIGHT], L2TP3_C_UNKNOWN_CONNECTION), 0);
	assert_int_equal(w->side[LEFT].tunnels_gone, 1);
	assert_int_equal(w->side[RIGHT].tunnels_gone, 0); /* it was never told of it */
	world_run(w, 200000);
	world_is_empty(w);
	world_free(w);
}

static void stops_before_the_answer(void **state)
{
	(void)state;
	a_stop_before_the_answer(NULL, false, false);
	a_stop_before_the_answer(NULL, false, true);
	a_stop_before_the_answer("s", false, false);
	a_stop_before_the_answer("s", true, true);
}

/* Somebody else's StopCCN, for a connection in set-up whose CCID it has seen. */
static void a_forged_stop_before_the_answer(void **state)
{
	struct world *w = world_new();
	struct packet *p;

	(void)state;
	world_secret(w, "s", "s");
	w->network = lossy;
	world_open(w, LEFT);
	world_run(w, 100);
	w->user = w;
	l2tp3_tunnel_close(w->side[LEFT].tunnel, w->now, &done);
	world_run(w, 5000);
	p = w->kept[LEFT][L2TP_STOPCCN];
	assert_non_null(p);
	for (size_t at = HEADER; at < p->len; at++) {
		p->data[at] ^= 0x20;
		side_give(&w->side[RIGHT], &p->path, p->data, p->len);
		p->data[at] ^= 0x20;
	}
	assert_int_equal(w->side[RIGHT].n_records, 2);
	assert_int_equal(w->seen[RIGHT][ACK], 0);
	side_give(&w->side[RIGHT], &p->path, p->data, p->len);
	assert_int_equal(w->seen[RIGHT][ACK], 1);
	world_free(w);
}

/* StopCCN crosses SCCRP: then its sender does know whom to acknowledge. */
static void a_stop_that_crosses_the_answer(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct world *w = world_new();

		if (i)
			world_secret(w, "s", "s");
		world_open(w, LEFT);
		world_run(w, 7); /* the answer is on its way */
		l2tp3_tunnel_close(w->side[LEFT].tunnel, w->now, &done);
		world_run(w, 5000);
		assert_int_equal(w->side[RIGHT].tunnels_up, 0);
		assert_int_equal(l2tp3_unacknowledged(w->side[LEFT].ep), 0);
		world_run(w, 200000);
		world_is_empty(w);
		world_free(w);
	}
}

/* A refusal instead of SCCRP is signed, and believed at once. */
static void a_refusal_is_understood(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct world *w = world_new();

		world_secret(w, "s", "s");
		w->side[RIGHT].peer.expect_hostname = "somebody";
		w->side[LEFT].peer.hide = i;
		world_open(w, LEFT);
		world_run(w, 100);
		assert_int_equal(w->side[LEFT].tunnels_gone, 1);
		assert_true(w->side[LEFT].tunnel_why.from_peer);
		assert_int_equal(w->side[LEFT].tunnel_why.result, L2TP_STOP_NOT_AUTHORISED);
		assert_int_equal(w->side[RIGHT].n_records, 0);
		world_free(w);
	}
}

/* ---- what replaces what ---- */

/* A peer that has forgotten all dials anew: what it had goes as soon as it has proved itself. */
static void a_newer_one_replaces(const char *secret)
{
	struct world *w = world_new();
	uint32_t old;

	world_secret(w, secret, secret);
	world_up(w, LEFT);
	world_call_open(w, LEFT, "a");
	world_run(w, 500);
	old = l2tp3_tunnel_id(side_tunnel(&w->side[RIGHT]));
	l2tp3_endpoint_free(w->side[LEFT].ep);
	side_start(&w->side[LEFT]);
	world_open(w, LEFT);
	world_run(w, 500);
	assert_int_equal(w->side[RIGHT].tunnels_up, 2);
	assert_int_equal(w->side[RIGHT].tunnels_gone, 1);
	assert_int_equal(w->side[RIGHT].tunnel_why.result, L2TP_STOP_EXISTS);
	assert_int_equal(w->side[RIGHT].calls_down, 1);
	assert_int_not_equal(l2tp3_tunnel_id(side_tunnel(&w->side[RIGHT])), old);
	world_agrees(w, 0);
	world_free(w);
}

static void a_newer_connection_replaces_the_older(void **state)
{
	(void)state;
	a_newer_one_replaces(NULL);
	a_newer_one_replaces("s");
}

/* Another LCCE behind the same address, as its Router ID tells, replaces nothing. */
static void another_router_replaces_nothing(void **state)
{
	struct world *w = world_new();

	(void)state;
	world_secret(w, "s", "s");
	world_up(w, LEFT);
	w->side[LEFT].peer.router_id++;
	world_open(w, LEFT);
	world_run(w, 500);
	assert_int_equal(side_tunnels(&w->side[RIGHT]), 2);
	assert_int_equal(w->side[RIGHT].tunnels_gone, 0);
	world_free(w);
}

/* ---- identifiers ---- */

static void identifiers_rest(void **state)
{
	static struct l2tp3_rest rest;

	(void)state;
	assert_false(l2tp3_rests(&rest, 77, 1000000));
	l2tp3_rest(&rest, 77, 1000000);
	assert_true(l2tp3_rests(&rest, 77, 1000000));
	assert_true(l2tp3_rests(&rest, 77, 1030999));
	assert_false(l2tp3_rests(&rest, 77, 1031000));
	assert_false(l2tp3_rests(&rest, 78, 1000000));
	for (uint32_t i = 0; i < L2TP3_RESTING - 1; i++)
		l2tp3_rest(&rest, 1000 + i, 1000000);
	assert_true(l2tp3_rests(&rest, 77, 1000001));
	l2tp3_rest(&rest, 5, 1000000); /* one more than there is room for: the oldest goes */
	assert_false(l2tp3_rests(&rest, 77, 1000001));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell),
		cmocka_unit_test(who_wins_a_tie),
		cmocka_unit_test(who_has_no_tie_breaker_loses),
		cmocka_unit_test(stops_before_the_answer),
		cmocka_unit_test(a_forged_stop_before_the_answer),
		cmocka_unit_test(a_stop_that_crosses_the_answer),
		cmocka_unit_test(a_refusal_is_understood),
		cmocka_unit_test(a_newer_connection_replaces_the_older),
		cmocka_unit_test(another_router_replaces_nothing),
		cmocka_unit_test(identifiers_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
