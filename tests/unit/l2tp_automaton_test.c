/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every cell of every automaton, twice: the tables against what docs/protocol/l2tpv2.md
 * sections 9 and 10 ask for, written down here independently; and each cell that a
 * message reaches, by that message, at an endpoint that stands in that state.
 */
#include <stdio.h>

#include "tests/unit/l2tp_world.h"

/* One line a state, one word an event, in the order of the enums: what is done, and where
 * it ends. "." is: count, stay. */
static void check_line(const char *line, unsigned int state, unsigned int events,
		       struct l2tp_step (*step)(unsigned int state, unsigned int event),
		       const char *const *actions, const char *const *states)
{
	char copy[1024], *save = NULL, *word;
	unsigned int event = 0;

	strncpy(copy, line, sizeof(copy) - 1);
	copy[sizeof(copy) - 1] = 0;
	for (word = strtok_r(copy, "|", &save); word; word = strtok_r(NULL, "|", &save)) {
		struct l2tp_step s = step(state, event);
		char have[128];

		if (!strcmp(actions[s.action], "count"))
			snprintf(have, sizeof(have), "%s",
				 s.next == state ? "." : "count but moves");
		else
			snprintf(have, sizeof(have), "%s>%s", actions[s.action], states[s.next]);
		if (strcmp(have, word))
			fail_msg("state %s event %u: table says %s, expected %s", states[state],
				 event, have, word);
		event++;
	}
	assert_int_equal(event, events);
}

static void every_cell_of_the_tunnel_table(void **state)
{
	static const char *const want[L2TP_T_STATES] = {
		/* OPEN SCCRQ BAD SCCRP BAD SCCCN BAD STOPCCN HELLO CALL FAULT UNKNOWN CLOSE
		 * TIMEOUT DEAD TIE_LOST REPLACED */
		[L2TP_T_IDLE] = "send SCCRQ>wait-ctl-reply|send SCCRP>wait-ctl-conn|"
				"refuse without state>idle|refuse without state>idle|"
				"refuse without state>idle|.|.|.|.|.|.|.|.|.|.|.|.",
		[L2TP_T_WAIT_REPLY] =
			".|send StopCCN 7, clean>stopped|.|send SCCCN, up>established|"
			"send StopCCN, clean>stopped|send StopCCN 7, clean>stopped|.|"
			"acknowledge, clean>stopped|.|.|send StopCCN, clean>stopped|"
			"acknowledge>wait-ctl-reply|send StopCCN, clean>stopped|"
			"send StopCCN, clean>stopped|clean silently>stopped|"
			"clean silently>stopped|.",
		[L2TP_T_WAIT_CONN] =
			".|send StopCCN 7, clean>stopped|.|send StopCCN 7, clean>stopped|.|"
			"up>established|send StopCCN, clean>stopped|acknowledge, clean>stopped|.|"
			".|send StopCCN, clean>stopped|acknowledge>wait-ctl-conn|"
			"send StopCCN, clean>stopped|send StopCCN, clean>stopped|"
			"clean silently>stopped|.|clean silently>stopped",
		[L2TP_T_ESTABLISHED] =
			".|send StopCCN 7, clean>stopped|.|send StopCCN 7, clean>stopped|.|"
			"send StopCCN 7, clean>stopped|.|acknowledge, clean>stopped|"
			"acknowledge>established|to the call>established|"
			"send StopCCN, clean>stopped|acknowledge>established|"
			"send StopCCN, clean>stopped|.|clean silently>stopped|.|"
			"clean silently>stopped",
		[L2TP_T_STOPPED] = ".|.|.|acknowledge>stopped|.|acknowledge>stopped|.|"
				   "acknowledge>stopped|acknowledge>stopped|acknowledge>stopped|"
				   "acknowledge>stopped|acknowledge>stopped|.|.|.|.|.",
	};

	(void)state;
	for (unsigned int s = 0; s < L2TP_T_STATES; s++)
		check_line(want[s], s, L2TP_TE_EVENTS, l2tp_tunnel_step, l2tp_tunnel_action_names,
			   l2tp_tunnel_state_names);
}

static struct l2tp_step lac_step(unsigned int state, unsigned int event)
{
	return l2tp_call_step(true, state, event);
}

static struct l2tp_step lns_step(unsigned int state, unsigned int event)
{
	return l2tp_call_step(false, state, event);
}

#define CDN "send CDN, clean>idle"
#define GO "clean>idle"

static void every_cell_of_the_call_tables(void **state)
{
	/* OPEN TUNNEL_UP ICRQ BAD ICRP BAD ICCN BAD CDN NOTICE OUTGOING FAULT CLOSE TIMEOUT
	 * TUNNEL_DOWN */
	static const char none[] = ".|.|.|.|.|.|.|.|.|.|.|.|.|.|.";
	static const char *const lac[L2TP_CS_STATES] = {
		[L2TP_CS_IDLE] = "wait for the tunnel>wait-tunnel|.|.|.|acknowledge>idle|"
				 "acknowledge>idle|.|.|.|.|.|.|.|.|.",
		[L2TP_CS_WAIT_TUNNEL] = ".|send ICRQ>wait-reply|.|.|.|.|.|.|.|.|.|.|" GO "|.|" GO,
		[L2TP_CS_WAIT_REPLY] =
			".|.|" CDN "|" CDN "|send ICCN, up>established|" CDN "|" GO "|" GO "|" GO
			"|acknowledge>wait-reply|.|" CDN "|" CDN "|" CDN "|" GO,
		[L2TP_CS_WAIT_CONNECT] = none,
		[L2TP_CS_ESTABLISHED] = ".|.|" CDN "|" CDN "|" CDN "|" CDN "|" CDN "|" CDN "|" GO
					"|acknowledge>established|.|" CDN "|" CDN "|.|" GO,
	};
	static const char *const lns[L2TP_CS_STATES] = {
		[L2TP_CS_IDLE] = ".|.|send ICRP>wait-connect|send CDN>idle|send CDN>idle|"
				 "send CDN>idle|.|.|.|.|.|.|.|.|.",
		[L2TP_CS_WAIT_TUNNEL] = none,
		[L2TP_CS_WAIT_REPLY] = none,
		[L2TP_CS_WAIT_CONNECT] =
			".|.|" CDN "|" CDN "|" CDN "|" CDN "|up>established|" CDN "|" GO
			"|acknowledge>wait-connect|.|" CDN "|" CDN "|" CDN "|" GO,
		[L2TP_CS_ESTABLISHED] = ".|.|" CDN "|" CDN "|" CDN "|" CDN "|" CDN "|" CDN "|" GO
					"|acknowledge>established|.|" CDN "|" CDN "|.|" GO,
	};

	(void)state;
	for (unsigned int s = 0; s < L2TP_CS_STATES; s++) {
		check_line(lac[s], s, L2TP_CE_EVENTS, lac_step, l2tp_call_action_names,
			   l2tp_call_state_names);
		check_line(lns[s], s, L2TP_CE_EVENTS, lns_step, l2tp_call_action_names,
			   l2tp_call_state_names);
	}
}

/* ---- by messages ---- */

/* An endpoint of ours whose only tunnel is in this state. */
static struct world *tunnel_in(enum l2tp_tunnel_state s, unsigned int *ret_side,
			       struct l2tp_tunnel **ret)
{
	struct world *w = world_new(NULL);

	w->capture = true;
	*ret_side = s == L2TP_T_WAIT_REPLY ? LAC : LNS;
	if (s == L2TP_T_WAIT_REPLY) {
		*ret = world_open(w, LAC);
	} else {
		raw_sccrq(w, LNS, 77, NULL);
		*ret = w->side[LNS].tunnel;
	}
	if (s == L2TP_T_ESTABLISHED || s == L2TP_T_STOPPED) {
		struct l2tp_build b;

		raw_send(w, LNS, *ret, &b, l2tp_build_scccn(&b, &raw_style, 0, NULL), 0);
	}
	if (s == L2TP_T_STOPPED)
		raw_simple(w, LNS, *ret, 0, L2TP_STOPCCN, 77);
	assert_int_equal((*ret)->state, s);
	return w;
}

static void every_message_in_every_tunnel_state(void **state)
{
	(void)state;
	for (unsigned int s = L2TP_T_WAIT_REPLY; s < L2TP_T_STATES; s++) {
		for (unsigned int type = 1; type < L2TP_MESSAGE_LIMIT; type++) {
			unsigned int side, stops, event = L2TP_TE_CALL, sent, gone;
			struct l2tp_tunnel *t;
			struct l2tp_step step;
			struct world *w;
			bool stop;

			if (!l2tp_message_name((uint16_t)type))
				continue;
			w = tunnel_in(s, &side, &t);
			if (type == L2TP_SCCRQ)
				event = L2TP_TE_SCCRQ;
			if (type == L2TP_SCCRP)
				event = L2TP_TE_SCCRP;
			if (type == L2TP_SCCCN)
				event = L2TP_TE_SCCCN;
			if (type == L2TP_STOPCCN)
				event = L2TP_TE_STOPCCN;
			if (type == L2TP_HELLO)
				event = L2TP_TE_HELLO;
			step = l2tp_tunnel_step(s, event);
			stops = w->seen[side][L2TP_STOPCCN];
			sent = w->side[side].sent;
			gone = w->side[side].tunnels_gone;
			raw_simple(w, side, t, 0, type, 88);
			stop = step.action == L2TP_TA_STOP || step.action == L2TP_TA_STOP_FSM;
			/* no message goes unanswered, were it only by a ZLB */
			assert_true(w->side[side].sent > sent);
			assert_int_equal(w->seen[side][L2TP_STOPCCN] - stops, stop);
			if (stop)
				assert_int_equal(w->last_stop.result, L2TP_STOP_FSM);
			assert_int_equal(w->side[side].tunnels_gone - gone,
					 s != L2TP_T_STOPPED && step.next == L2TP_T_STOPPED);
			assert_int_equal(t->state, step.next);
			world_free(w);
		}
	}
}

/* An endpoint with one call in this state, as LAC or as LNS. */
static struct world *call_in(bool lac, enum l2tp_call_state s, struct l2tp_call **ret)
{
	struct l2tp_call_info info = { .framing = 1 };
	struct world *w = world_new(NULL);
	struct l2tp_tunnel *t = raw_up(w);

	if (lac) {
		*ret = l2tp_call_open(t, w->now, &info, NULL);
		if (s == L2TP_CS_ESTABLISHED)
			raw_simple(w, LNS, t, (*ret)->id, L2TP_ICRP, 5);
	} else {
		*ret = raw_call(w, t, 5, s == L2TP_CS_ESTABLISHED);
	}
	assert_int_equal((*ret)->state, s);
	return w;
}

static unsigned int call_event_of(unsigned int type)
{
	switch (type) {
	case L2TP_ICRQ:
		return L2TP_CE_ICRQ;
	case L2TP_ICRP:
		return L2TP_CE_ICRP;
	case L2TP_ICCN:
		return L2TP_CE_ICCN;
	case L2TP_CDN:
		return L2TP_CE_CDN;
	case L2TP_WEN:
	case L2TP_SLI:
		return L2TP_CE_NOTICE;
	}
	return L2TP_CE_OUTGOING;
}

static void every_message_in_every_call_state(void **state)
{
	static const struct {
		bool lac;
		enum l2tp_call_state s;
	} at[] = { { true, L2TP_CS_WAIT_REPLY },
		   { true, L2TP_CS_ESTABLISHED },
		   { false, L2TP_CS_WAIT_CONNECT },
		   { false, L2TP_CS_ESTABLISHED } };

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		for (unsigned int type = L2TP_OCRQ; type < L2TP_MESSAGE_LIMIT; type++) {
			struct l2tp_step step;
			struct l2tp_call *c;
			struct world *w;
			struct side *s;
			unsigned int downs, cdns, ups;
			bool ends, cdn;

			if (!l2tp_message_name((uint16_t)type))
				continue;
			w = call_in(at[i].lac, at[i].s, &c);
			s = &w->side[LNS];
			step = l2tp_call_step(at[i].lac, at[i].s, call_event_of(type));
			cdn = step.action == L2TP_CA_DISCONNECT;
			ends = cdn || step.action == L2TP_CA_CLEAN;
			downs = s->calls_down;
			cdns = w->seen[LNS][L2TP_CDN];
			ups = s->calls_up;
			raw_simple(w, LNS, s->tunnel, c->id, type, 5);
			assert_int_equal(s->calls_down - downs, ends);
			assert_int_equal(counter(s, L2TP_C_SENT_CDN), cdn);
			if (cdns != w->seen[LNS][L2TP_CDN])
				assert_int_equal(w->last_stop.result, L2TP_CDN_ERROR);
			assert_int_equal(s->calls_up - ups, step.action == L2TP_CA_UP ||
								    step.action == L2TP_CA_CONNECT);
			assert_int_equal(l2tp_tunnel_calls(s->tunnel), !ends);
			assert_int_equal(s->tunnels_gone, 0);
			world_free(w);
		}
	}
}

/* V2-CALL-3, and OCRQ, which is refused */
static void every_message_for_no_call(void **state)
{
	(void)state;
	for (unsigned int type = L2TP_OCRQ; type < L2TP_MESSAGE_LIMIT; type++) {
		struct world *w;
		struct l2tp_tunnel *t;

		if (!l2tp_message_name((uint16_t)type) || type == L2TP_ICRQ)
			continue;
		w = world_new(NULL);
		t = raw_up(w);
		raw_simple(w, LNS, t, type == L2TP_OCRQ ? 0 : 4711, type, 9);
		if (type == L2TP_OCRQ || type == L2TP_ICRP) {
			assert_int_equal(counter(&w->side[LNS], L2TP_C_SENT_CDN), 1);
		} else {
			assert_int_equal(counter(&w->side[LNS], L2TP_C_SENT_CDN), 0);
			assert_int_equal(counter(&w->side[LNS], L2TP_C_UNKNOWN_SESSION), 1);
		}
		assert_int_equal(w->side[LNS].tunnels_gone, 0);
		world_free(w);
	}
}

static void a_call_that_does_not_get_on_ends_after_60_s(void **state)
{
	struct world *w = world_new(NULL);
	struct l2tp_tunnel *t = raw_up(w);
	struct l2tp_build b;

	(void)state;
	raw_call(w, t, 5, false);
	/* the peer has acknowledged ICRP, and is silent */
	raw_send(w, LNS, t, &b, raw_message(&b, 0, L2TP_HELLO, 0), 0);
	world_run(w, 59000);
	assert_int_equal(w->side[LNS].calls_down, 0);
	world_run(w, 2000);
	assert_int_equal(w->side[LNS].calls_down, 1); /* V2-CALL-5 */
	assert_int_equal(w->side[LNS].call_why.result, L2TP_CDN_TIMEOUT);
	assert_true(w->side[LNS].call_why.timeout);
	assert_int_equal(counter(&w->side[LNS], L2TP_C_SENT_CDN), 1);
	world_free(w);
}

static void a_tunnel_that_does_not_get_on_ends_after_60_s(void **state)
{
	struct world *w = world_new(NULL);
	struct l2tp_build b;

	(void)state;
	w->capture = true;
	raw_sccrq(w, LNS, 77, NULL);
	raw_send(w, LNS, w->side[LNS].tunnel, &b, raw_message(&b, 0, L2TP_HELLO, 0), 0);
	world_run(w, 61000);
	assert_int_equal(w->side[LNS].tunnels_gone, 1);
	assert_true(w->side[LNS].tunnel_why.timeout);
	assert_int_equal(w->side[LNS].ep->half_open, 0);
	world_free(w);
}

/* What is owed at the end of a batch is one acknowledgement a tunnel, and none where a message of
 * ours has carried it. */
static void acknowledgements_of_a_batch_are_one(void **state)
{
	struct world *w = world_new(NULL);
	struct l2tp_tunnel *t = raw_up(w);
	struct side *lns = &w->side[LNS];
	uint64_t before = counter(lns, L2TP_C_TX_ZLB);
	struct l2tp_build b;

	(void)state;
	raw_simple(w, LNS, t, 0, L2TP_HELLO, 0);
	assert_int_equal(counter(lns, L2TP_C_TX_ZLB), before + 1);
	l2tp_batch_acks(lns->ep);
	for (unsigned int i = 0; i < 5; i++)
		raw_simple(w, LNS, t, 0, L2TP_HELLO, 0);
	assert_int_equal(counter(lns, L2TP_C_TX_ZLB), before + 1);
	l2tp_acknowledge(lns->ep);
	assert_int_equal(counter(lns, L2TP_C_TX_ZLB), before + 2);
	l2tp_acknowledge(lns->ep);
	assert_int_equal(counter(lns, L2TP_C_TX_ZLB), before + 2);
	/* ICRP acknowledges ICRQ */
	raw_call(w, t, 5, false);
	l2tp_acknowledge(lns->ep);
	assert_int_equal(counter(lns, L2TP_C_TX_ZLB), before + 2);
	/* a retransmission is answered, too */
	raw_send(w, LNS, t, &b, raw_message(&b, 0, L2TP_HELLO, 0), -1);
	l2tp_acknowledge(lns->ep);
	assert_int_equal(counter(lns, L2TP_C_TX_ZLB), before + 3);
	/* one that is gone is owed nothing more than its end has said */
	raw_simple(w, LNS, t, 0, L2TP_HELLO, 0);
	l2tp_endpoint_free(lns->ep);
	lns->ep = NULL;
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(acknowledgements_of_a_batch_are_one),
		cmocka_unit_test(every_cell_of_the_tunnel_table),
		cmocka_unit_test(every_cell_of_the_call_tables),
		cmocka_unit_test(every_message_in_every_tunnel_state),
		cmocka_unit_test(every_message_in_every_call_state),
		cmocka_unit_test(every_message_for_no_call),
		cmocka_unit_test(a_call_that_does_not_get_on_ends_after_60_s),
		cmocka_unit_test(a_tunnel_that_does_not_get_on_ends_after_60_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
