/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions of L2TPv3: every cell of every automaton, against what docs/protocol/l2tpv3.md section 8
 * asks for, written down here independently; each cell that a message reaches, by that message;
 * ties, Session IDs, what is refused, circuits, time, records.
 */
#include "tests/unit/l2tp3_call_world.h"

/* ---- tables ---- */

/* One line a state, one word an event, in the order of the enums: what is done, and where it
 * ends. "." is: count, stay. */
static void check_line(const char *line, enum l2tp3_role role, unsigned int state)
{
	char copy[2048], *save = NULL, *word;
	unsigned int event = 0;

	strncpy(copy, line, sizeof(copy) - 1);
	copy[sizeof(copy) - 1] = 0;
	for (word = strtok_r(copy, "|", &save); word; word = strtok_r(NULL, "|", &save)) {
		struct l2tp_step s = l2tp3_call_step(role, state, event);
		char have[128];

		if (s.action == L2TP3_CA_UNEXPECTED)
			snprintf(have, sizeof(have), "%s",
				 s.next == state ? "." : "count but moves");
		else
			snprintf(have, sizeof(have), "%s>%s", l2tp3_call_action_names[s.action],
				 l2tp3_call_state_names[s.next]);
		if (strcmp(have, word))
			fail_msg("role %u state %s event %s: table says %s, expected %s", role,
				 l2tp3_call_state_names[state], l2tp3_call_event_names[event], have,
				 word);
		event++;
	}
	assert_int_equal(event, L2TP3_CE_EVENTS);
}

#define CDN "send CDN, clean>idle"
#define GO "clean>idle"
#define NONE ".|.|.|.|.|.|.|.|.|.|.|.|.|.|.|.|.|.|.|."
/* OPEN TUNNEL_UP REQUEST BAD REPLY BAD CONNECT BAD PLACED TIE_LOST WON BOTH CDN SLI NOTICE OTHER
 * FAULT CLOSE TIMEOUT TUNNEL_DOWN */
#define OPENING "wait>wait-control-conn|.|.|.|.|.|.|.|.|.|.|.|.|.|.|.|.|.|.|."
#define IN_CONN ".|send request>wait-reply|.|.|.|.|.|.|.|.|.|.|.|.|.|.|.|" GO "|" GO "|" GO
#define ASKED(next)                                                                                \
	".|.|send reply>" next "|send CDN for theirs>idle|send CDN for theirs>idle|"               \
	"send CDN for theirs>idle|.|.|.|.|.|.|.|.|.|.|.|.|.|."
#define TAIL(state) "circuit status>" state "|acknowledge>" state "|.|" CDN "|" CDN
#define UP                                                                                         \
	".|.|" CDN "|" CDN "|" CDN "|" CDN "|" CDN "|" CDN "|.|.|.|.|" GO                          \
	"|" TAIL("established") "|.|" GO
#define CONNECTING                                                                                 \
	".|.|" CDN "|" CDN "|" CDN "|" CDN "|up>established|" CDN "|.|.|.|.|" GO                   \
	"|" TAIL("wait-connect") "|" CDN "|" GO
#define TIES "|.|" GO "|send CDN for theirs>wait-reply|" CDN "|" GO "|" TAIL("wait-reply")

static void every_cell(void **state)
{
	static const char *const want[L2TP3_ROLES][L2TP3_CS_STATES] = {
		[L2TP3_ROLE_CALLER] = { OPENING, IN_CONN,
					".|.|" CDN "|" CDN "|send connect, up>established|" CDN
					"|" GO "|" GO TIES "|" CDN "|" GO,
					NONE, NONE, UP },
		[L2TP3_ROLE_CALLED] = { ASKED("wait-connect"), NONE, NONE, CONNECTING, NONE, UP },
		[L2TP3_ROLE_DIALLER] = { OPENING, IN_CONN,
					 ".|.|" CDN "|" CDN "|expect connect>wait-connect|" CDN
					 "|" CDN "|" CDN TIES "|" CDN "|" GO,
					 CONNECTING, NONE, UP },
		[L2TP3_ROLE_DIALLED] = { ASKED("wait-cs-answer"), NONE, NONE, NONE,
					 ".|.|" CDN "|" CDN "|" CDN "|" CDN "|" CDN "|" CDN
					 "|send connect, up>established|.|.|.|" GO
					 "|" TAIL("wait-cs-answer") "|" CDN "|" GO,
					 UP },
	};

	(void)state;
	for (unsigned int r = 0; r < L2TP3_ROLES; r++)
		for (unsigned int s = 0; s < L2TP3_CS_STATES; s++)
			check_line(want[r][s], r, s);
}

/* ---- by messages ---- */

static unsigned int event_of(enum l2tp3_role role, uint16_t type)
{
	static const uint8_t events[L2TP_MESSAGE_LIMIT] = {
		[L2TP_OCRQ] = L2TP3_CE_REQUEST, [L2TP_OCRP] = L2TP3_CE_REPLY,
		[L2TP_OCCN] = L2TP3_CE_CONNECT, [L2TP_ICRQ] = L2TP3_CE_REQUEST,
		[L2TP_ICRP] = L2TP3_CE_REPLY,   [L2TP_ICCN] = L2TP3_CE_CONNECT,
		[L2TP_CDN] = L2TP3_CE_CDN,      [L2TP_WEN] = L2TP3_CE_NOTICE,
		[L2TP_SLI] = L2TP3_CE_SLI,
	};
	bool out = type >= L2TP_OCRQ && type <= L2TP_OCCN;

	if (type <= L2TP_ICCN && out != outgoing(role))
		return L2TP3_CE_OTHER;
	return events[type];
}

static unsigned int bad_of(unsigned int event)
{
	if (event == L2TP3_CE_REQUEST || event == L2TP3_CE_REPLY || event == L2TP3_CE_CONNECT)
		return event + 1;
	return event == L2TP3_CE_CDN || event == L2TP3_CE_OTHER ? event : L2TP3_CE_FAULT;
}

static void one_cell(enum l2tp3_role role, unsigned int s, uint16_t type, bool fault)
{
	struct world *w = world_new();
	struct l2tp3_call *c = call_in(w, role, s);
	unsigned int event = event_of(role, type), cdns = w->sent[L2TP_CDN];
	struct l2tp_step step;
	struct l2tp3_message m;
	bool cdn, ends;

	if (!c)
		goto out;
	step = l2tp3_call_step(role, s, fault ? bad_of(event) : event);
	cdn = step.action == L2TP3_CA_DISCONNECT;
	ends = cdn || step.action == L2TP3_CA_CLEAN;
	m = message(type, PEER_ID, c->info.ours.id);
	m.fault = fault ? L2TP_ERR_UNKNOWN_AVP : 0;
	give(w, m);
	assert_int_equal(w->down, ends);
	assert_int_equal(w->sent[L2TP_CDN] - cdns, cdn);
	assert_int_equal(w->ep.counters[L2TP3_C_SENT_CDN], cdn);
	if (cdn) {
		assert_int_equal(w->last_cdn.reason.result, fault ? L2TP_CDN_ERROR : L2TP3_CDN_FSM);
		assert_int_equal(w->last_cdn.remote_id, s == L2TP3_CS_WAIT_REPLY ? 0 : PEER_ID);
	}
	if (type == L2TP_CDN)
		assert_true(w->why.from_peer && w->why.result == L2TP_CDN_ADMIN);
	assert_int_equal(w->t.n_calls, !ends);
	if (!ends)
		assert_int_equal(w->t.first_call->state, step.next);
	assert_int_equal(w->ep.counters[L2TP3_C_UNEXPECTED], step.action == L2TP3_CA_UNEXPECTED);
out:
	world_free(w);
}

static void every_message_in_every_state(void **state)
{
	(void)state;
	for (unsigned int role = 0; role < L2TP3_ROLES; role++)
		for (unsigned int s = L2TP3_CS_WAIT_REPLY; s < L2TP3_CS_STATES; s++)
			for (unsigned int type = L2TP_OCRQ; type < L2TP_MESSAGE_LIMIT; type++)
				for (unsigned int fault = 0; fault < 2; fault++)
					if (l2tp_message_name((uint16_t)type))
						one_cell(role, s, (uint16_t)type, fault);
}

static void every_message_for_no_session(void **state)
{
	(void)state;
	for (unsigned int type = L2TP_OCRQ; type < L2TP_MESSAGE_LIMIT; type++) {
		bool reply = type == L2TP_ICRP || type == L2TP_OCRP;
		struct world *w;

		if (!l2tp_message_name((uint16_t)type) || type == L2TP_ICRQ || type == L2TP_OCRQ)
			continue;
		w = world_new();
		give_plain(w, (uint16_t)type, PEER_ID, 4711);
		assert_int_equal(w->sent[L2TP_CDN], reply);
		assert_int_equal(w->ep.counters[L2TP3_C_UNKNOWN_SESSION], !reply);
		if (reply)
			assert_int_equal(w->last_cdn.remote_id, PEER_ID);
		world_free(w);
	}
}

/* what crossed our CDN is let be. */
static void a_reply_that_crosses_cdn(void **state)
{
	struct world *w = world_new();
	struct l2tp3_call *c = call_in(w, L2TP3_ROLE_CALLER, L2TP3_CS_WAIT_REPLY);
	struct l2tp_reason why = { .result = L2TP_CDN_ADMIN };
	uint32_t id = c->info.ours.id;

	(void)state;
	l2tp3_call_close(c, w->now, &why);
	assert_int_equal(w->sent[L2TP_CDN], 1);
	give_plain(w, L2TP_ICRP, PEER_ID, id);
	assert_int_equal(w->sent[L2TP_CDN], 1);
	world_free(w);
}

/* ---- set-up, as it should be ---- */

static void asking(void **state)
{
	struct world *w = world_new();
	struct l2tp3_message m;
	struct l2tp3_call *c;

	(void)state;
	w->cfg.sublayer = true;
	w->cfg.sequencing = L2TP3_SEQ_ALL;
	c = l2tp3_call_open(&w->t, w->now, &w->cfg);
	assert_string_equal(l2tp3_call_state(c), "wait-reply");
	assert_ptr_equal(l2tp3_call_user(c), w);
	assert_int_equal(w->last.type, L2TP_ICRQ);
	assert_int_equal(w->last.h.ccid, 0x66003344);
	assert_int_equal(w->last.remote_id, 0);
	assert_int_equal(w->last.local_id, c->info.ours.id);
	assert_int_equal(w->last.pw_type, L2TP3_PW_ETHERNET);
	assert_int_equal(w->last.cookie_len, 8);
	assert_memory_equal(w->last.cookie, c->info.ours.cookie, 8);
	assert_int_equal(w->last.sublayer, 1);
	assert_int_equal(w->last.sequencing, 2);
	assert_int_equal(w->last.serial, 1);
	assert_int_equal(w->last.circuit, L2TP3_CIRCUIT_ACTIVE | L2TP3_CIRCUIT_NEW); /* V3-ETH-3 */
	assert_true(l2tp3_has(&w->last, L2TP_AVP_TIE_BREAKER));
	assert_int_equal(w->news, 0);
	m = message(L2TP_ICRP, PEER_ID, c->info.ours.id);
	m.cookie_len = 4;
	memcpy(m.cookie, "abcd", 4);
	has(&m, L2TP3_AVP_COOKIE);
	m.sublayer = 1;
	has(&m, L2TP3_AVP_SUBLAYER);
	give(w, m);
	assert_int_equal(w->last.type, L2TP_ICCN);
	assert_int_equal(w->last.remote_id, PEER_ID);
	assert_int_equal(w->last.circuit, L2TP3_CIRCUIT_ACTIVE);
	assert_int_equal(w->news, 1);
	assert_true(w->info.ready && w->info.established && w->info.peer.sublayer);
	assert_int_equal(w->info.peer.cookie_len, 4);
	assert_int_equal(w->info.peer.id, PEER_ID);
	assert_int_equal(w->info.peer.circuit, L2TP3_CIRCUIT_ACTIVE);
	run(w, 100000);
	assert_int_equal(w->down, 0);
	world_free(w);
}

static void being_asked(void **state)
{
	struct world *w = world_new();
	struct l2tp3_message m = message(L2TP_ICRQ, PEER_ID, 0);
	struct l2tp3_call *c;

	(void)state;
	m.sublayer = 1;
	has(&m, L2TP3_AVP_SUBLAYER);
	w->cfg.cookie_len = 0;
	w->cfg.active = false;
	give(w, m);
	assert_int_equal(w->asked, 1);
	assert_int_equal(w->info.end_id_len, 4);
	assert_memory_equal(w->info.end_id, "wire", 4);
	assert_int_equal(w->last.type, L2TP_ICRP);
	assert_int_equal(w->last.remote_id, PEER_ID);
	assert_false(l2tp3_has(&w->last, L2TP3_AVP_COOKIE));
	assert_int_equal(w->last.circuit,
			 L2TP3_CIRCUIT_RX_FAULT | L2TP3_CIRCUIT_TX_FAULT | L2TP3_CIRCUIT_NEW);
	assert_int_equal(w->news, 1); /* frames may come from now on (V3-SES-3) */
	assert_true(w->info.ready && !w->info.established);
	c = w->call;
	assert_ptr_equal(l2tp3_call_user(c), w);
	/* the last values count (V3-SES-4) */
	m = message(L2TP_ICCN, PEER_ID, c->info.ours.id);
	m.sequencing = L2TP3_SEQ_NON_IP;
	has(&m, L2TP3_AVP_SEQUENCING);
	give(w, m);
	assert_int_equal(w->news, 2);
	assert_true(w->info.established && w->info.peer.sublayer);
	assert_int_equal(w->info.peer.sequencing, L2TP3_SEQ_NON_IP);
	world_free(w);
}

static void outgoing_calls(void **state)
{
	struct world *w = world_new();
	struct l2tp3_call *c = call_in(w, L2TP3_ROLE_DIALLER, L2TP3_CS_WAIT_CONNECT);

	(void)state;
	assert_int_equal(w->sent[L2TP_OCRQ], 1);
	assert_false(c->info.ready); /* no data before OCCN (V3-SES-3) */
	give_plain(w, L2TP_OCCN, PEER_ID, c->info.ours.id);
	assert_true(w->info.ready && w->info.established);
	world_free(w);

	w = world_new();
	assert_non_null(call_in(w, L2TP3_ROLE_DIALLED, L2TP3_CS_ESTABLISHED));
	assert_int_equal(w->sent[L2TP_OCRP], 1);
	assert_int_equal(w->last.type, L2TP_OCCN);
	assert_int_equal(w->news, 1);
	world_free(w);
}

/* ---- ties ---- */

static void ties_as_such(void **state)
{
	static const uint8_t low[L2TP3_TIE] = { 0, 0, 0, 0, 0, 0, 0, 1 };
	static const uint8_t high[L2TP3_TIE] = { 0x80 };

	(void)state;
	assert_int_equal(l2tp3_call_tie(low, high), L2TP3_CE_TIE_WON);
	assert_int_equal(l2tp3_call_tie(high, low), L2TP3_CE_TIE_LOST);
	assert_int_equal(l2tp3_call_tie(low, low), L2TP3_CE_TIE_BOTH);
	assert_int_equal(l2tp3_call_tie(NULL, low), L2TP3_CE_TIE_LOST);
	assert_int_equal(l2tp3_call_tie(high, NULL), L2TP3_CE_TIE_WON);
	assert_int_equal(l2tp3_call_tie(NULL, NULL), L2TP3_CE_TIE_BOTH);
}

/* V3-SES-1, for both kinds of calls. tie: theirs; NULL: none. */
static struct world *crossing(bool out, const uint8_t *tie, bool ours_has, const char *end_id)
{
	enum l2tp3_role role = out ? L2TP3_ROLE_DIALLER : L2TP3_ROLE_CALLER;
	struct world *w = world_new();
	struct l2tp3_call *c = call_in(w, role, L2TP3_CS_WAIT_REPLY);
	struct l2tp3_message m = message(out ? L2TP_OCRQ : L2TP_ICRQ, PEER_ID, 0);

	if (!c)
		abort();
	memset(c->tie, 0x55, sizeof(c->tie));
	c->has_tie = ours_has;
	m.end_id = reader_of(end_id, strlen(end_id));
	if (tie) {
		memcpy(m.tie, tie, sizeof(m.tie));
		has(&m, L2TP_AVP_TIE_BREAKER);
	}
	give(w, m);
	return w;
}

static void ties_of_requests(void **state)
{
	static const uint8_t low[L2TP3_TIE] = { 0x54, 0xff }, high[L2TP3_TIE] = { 0x56 };
	uint8_t same[L2TP3_TIE];

	(void)state;
	memset(same, 0x55, sizeof(same));
	for (unsigned int out = 0; out < 2; out++) {
		struct world *w = crossing(out, low, true, "wire"); /* lost */

		assert_int_equal(w->ep.counters[L2TP3_C_TIE], 1);
		assert_int_equal(w->down, 1);
		assert_int_equal(w->why.result, L2TP3_CDN_TIE_LOST);
		assert_int_equal(w->sent[L2TP_CDN], 0);
		assert_int_equal(w->asked, 1);
		assert_int_equal(w->sent[out ? L2TP_OCRP : L2TP_ICRP], 1);
		assert_int_equal(w->t.n_calls, 1);
		world_free(w);
		for (unsigned int none = 0; none < 2; none++) {
			w = crossing(out, none ? NULL : high, true, "wire"); /* won */
			assert_int_equal(w->down + w->asked, 0);
			assert_int_equal(w->last_cdn.reason.result, L2TP3_CDN_TIE_LOST);
			assert_int_equal(w->last_cdn.remote_id, PEER_ID);
			assert_int_equal(w->t.first_call->state, L2TP3_CS_WAIT_REPLY);
			world_free(w);
			w = crossing(out, none ? NULL : same, !none, "wire"); /* neither */
			assert_int_equal(w->down, 1);
			assert_int_equal(w->asked, 0);
			assert_int_equal(w->sent[L2TP_CDN], 2);
			assert_int_equal(w->t.n_calls, 0);
			world_free(w);
		}
		w = crossing(out, high, true, "another"); /* no tie at all */
		assert_int_equal(w->ep.counters[L2TP3_C_TIE], 0);
		assert_int_equal(w->t.n_calls, 2);
		world_free(w);
	}
}

/* ---- refusals ---- */

static void refused(struct world *w, const struct l2tp3_message *m, uint16_t result)
{
	unsigned int before = w->sent[L2TP_CDN];

	give(w, *m);
	assert_int_equal(w->sent[L2TP_CDN], before + 1);
	assert_int_equal(w->last_cdn.reason.result, result);
	assert_true(w->last_cdn.reason.text[0]);
	assert_int_equal(w->last_cdn.remote_id, m->local_id);
	assert_int_equal(w->down, 0);
}

static void requests_that_cannot_be(void **state)
{
	struct world *w = world_new();
	struct l2tp3_message m;
	char long_end[L2TP3_MAX_END_ID + 1];

	(void)state;
	m = message(L2TP_ICRQ, PEER_ID, 0);
	m.pw_type = 7;
	refused(w, &m, L2TP3_CDN_PW_TYPE);
	m = message(L2TP_ICRQ, PEER_ID, 0);
	m.sequencing = L2TP3_SEQ_ALL;
	has(&m, L2TP3_AVP_SEQUENCING);
	refused(w, &m, L2TP3_CDN_NO_SUBLAYER);
	m.sequencing = 3;
	refused(w, &m, L2TP_CDN_ERROR);
	m = message(L2TP_ICRQ, PEER_ID, 0);
	m.sublayer = 2;
	has(&m, L2TP3_AVP_SUBLAYER);
	refused(w, &m, L2TP_CDN_ERROR);
	m = message(L2TP_ICRQ, PEER_ID, 0);
	memset(long_end, 'x', sizeof(long_end));
	m.end_id = reader_of(long_end, sizeof(long_end));
	refused(w, &m, L2TP_CDN_PERMANENT);
	m = message(L2TP_ICRQ, PEER_ID, 0);
	m.fault = L2TP_ERR_UNKNOWN_AVP;
	snprintf(m.fault_text, sizeof(m.fault_text), "AVP 999");
	refused(w, &m, L2TP_CDN_ERROR);
	assert_int_equal(w->last_cdn.reason.error, L2TP_ERR_UNKNOWN_AVP);
	assert_int_equal(w->asked, 0);
	w->result = L2TP_CDN_PERMANENT;
	m = message(L2TP_ICRQ, PEER_ID, 0);
	refused(w, &m, L2TP_CDN_PERMANENT);
	assert_int_equal(w->asked, 1);
	assert_int_equal(w->ep.counters[L2TP3_C_CALL_REFUSED], 7);
	/* there is no telling whom to answer */
	give_plain(w, L2TP_ICRQ, 0, 0);
	assert_int_equal(w->sent[L2TP_CDN], 7);
	assert_int_equal(w->ep.counters[L2TP3_C_BAD_AVP], 1);
	world_free(w);
}

static void answers_that_cannot_be(void **state)
{
	struct world *w = world_new();
	struct l2tp3_call *c = call_in(w, L2TP3_ROLE_CALLER, L2TP3_CS_WAIT_REPLY);
	struct l2tp3_message m = message(L2TP_ICRP, PEER_ID, c->info.ours.id);

	(void)state;
	m.sequencing = L2TP3_SEQ_ALL;
	has(&m, L2TP3_AVP_SEQUENCING);
	give(w, m);
	assert_int_equal(w->why.result, L2TP3_CDN_NO_SUBLAYER);
	assert_int_equal(w->last_cdn.reason.result, L2TP3_CDN_NO_SUBLAYER);
	/* an ID that another session of the peer's has */
	call_in(w, L2TP3_ROLE_CALLED, L2TP3_CS_ESTABLISHED);
	c = l2tp3_call_open(&w->t, w->now, &w->cfg);
	give_plain(w, L2TP_ICRP, PEER_ID, c->info.ours.id);
	assert_int_equal(w->why.result, L2TP_CDN_ERROR);
	assert_int_equal(w->t.n_calls, 1);
	world_free(w);
	/* and one that changes */
	w = world_new();
	c = call_in(w, L2TP3_ROLE_CALLED, L2TP3_CS_WAIT_CONNECT);
	give_plain(w, L2TP_ICCN, PEER_ID + 1, c->info.ours.id);
	assert_int_equal(w->why.result, L2TP_CDN_ERROR);
	world_free(w);
}

static void limits(void **state)
{
	struct world *w = world_new();
	struct l2tp3_message m = message(L2TP_ICRQ, 500, 0);

	(void)state;
	w->ep.limits.calls = 3;
	for (uint32_t i = 1; i <= 3; i++)
		give_plain(w, L2TP_ICRQ, i, 0);
	assert_int_equal(w->t.half_open_calls, 3);
	refused(w, &m, L2TP_CDN_TEMPORARY);
	assert_null(l2tp3_call_open(&w->t, w->now, &w->cfg));
	w->ep.limits.calls = 100000;
	for (uint32_t i = 1000; w->t.n_calls < CALL3_HALF_OPEN; i++)
		give_plain(w, L2TP_ICRQ, i, 0);
	refused(w, &m, L2TP_CDN_TEMPORARY);
	give_plain(w, L2TP_ICCN, 1, w->t.first_call->info.ours.id);
	give(w, m);
	assert_int_equal(w->t.n_calls, CALL3_HALF_OPEN + 1);
	world_free(w);
}

static void what_is_not_to_be_opened(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->cfg.sequencing = L2TP3_SEQ_ALL; /* without sublayer */
	assert_null(l2tp3_call_open(&w->t, w->now, &w->cfg));
	w->cfg.sequencing = 0;
	w->cfg.cookie_len = 5;
	assert_null(l2tp3_call_open(&w->t, w->now, &w->cfg));
	w->cfg.cookie_len = 4;
	w->t.state = L2TP3_T_WAIT_REPLY;
	assert_null(l2tp3_call_open(&w->t, w->now, &w->cfg));
	w->t.state = L2TP3_T_ESTABLISHED;
	w->t.gone = true;
	assert_null(l2tp3_call_open(&w->t, w->now, &w->cfg));
	w->t.gone = false;
	/* V3-SES-2 */
	w->cfg.pw_type = L2TP3_PW_VLAN;
	assert_non_null(l2tp3_call_open(&w->t, w->now, &w->cfg));
	assert_int_equal(w->down, 0);
	run(w, 0);
	assert_int_equal(w->down, 1);
	assert_int_equal(w->why.result, L2TP3_CDN_PW_TYPE);
	assert_int_equal(w->sent[L2TP_ICRQ] + w->sent[L2TP_CDN], 0);
	world_free(w);
}

static void a_connection_that_is_lost(void **state)
{
	(void)state;
	/* while a request, a reply or a connect is sent */
	for (unsigned int n = 1; n <= 2; n++) {
		struct world *w = world_new();
		struct l2tp3_call *c;

		w->dead_links = n;
		c = l2tp3_call_open(&w->t, w->now, &w->cfg);
		if (n == 2)
			give_plain(w, L2TP_ICRP, PEER_ID, c->info.ours.id);
		else
			assert_null(c);
		assert_int_equal(w->down, 1);
		assert_int_equal(w->news, 0);
		assert_int_equal(w->why.result, L2TP_STOP_GENERAL);
		world_free(w);
		w = world_new();
		w->dead_links = n;
		give_plain(w, n == 1 ? L2TP_ICRQ : L2TP_OCRQ, PEER_ID, 0);
		assert_int_equal(w->down, 1);
		assert_int_equal(w->news, 0);
		world_free(w);
	}
}

static void lose_connection(struct world *w)
{
	struct l2tp_reason why = { .result = L2TP_STOP_SHUTDOWN };

	w->t.gone = true;
	calls3_down(&w->t, w->now, &why);
}

static void close_others(struct world *w)
{
	struct l2tp_reason why = { .result = L2TP_CDN_ADMIN };

	while (w->t.first_call)
		l2tp3_call_close(w->t.first_call, w->now, &why);
}

static void the_caller_may_close_in_call_request(void **state)
{
	struct world *w = world_new();

	(void)state;
	call_in(w, L2TP3_ROLE_CALLED, L2TP3_CS_ESTABLISHED);
	w->on_request = close_others;
	give_plain(w, L2TP_ICRQ, PEER_ID + 1, 0);
	assert_int_equal(w->down, 1);
	assert_int_equal(w->t.n_calls, 1);
	assert_int_equal(w->t.first_call->info.peer.id, PEER_ID + 1);
	/* the connection itself: what was taken is told to be down */
	w->on_request = lose_connection;
	give_plain(w, L2TP_ICRQ, PEER_ID + 2, 0);
	assert_int_equal(w->down, 3);
	assert_int_equal(w->t.n_calls, 0);
	world_free(w);
}

/* ---- circuits ---- */

static void what_a_status_means(void **state)
{
	(void)state;
	assert_int_equal(l2tp3_circuit_of_peer(0x0003), 0x0001);
	assert_int_equal(l2tp3_circuit_of_peer(0x0002), 0);
	for (uint16_t fault = 0x04; fault <= 0x20; fault = (uint16_t)(fault << 1))
		assert_int_equal(l2tp3_circuit_of_peer(fault | 1), fault); /* V3-CS-2 */
	assert_int_equal(l2tp3_circuit_of_peer(0x0041), 0x0041);
	assert_int_equal(l2tp3_circuit_of_ours(true), 0x0001);
	assert_int_equal(l2tp3_circuit_of_ours(false), 0x000c);
}

static void circuits_of_the_peer(void **state)
{
	struct world *w = world_new();
	struct l2tp3_call *c = call_in(w, L2TP3_ROLE_CALLED, L2TP3_CS_WAIT_CONNECT);
	struct l2tp3_message m = message(L2TP_SLI, PEER_ID, 0); /* before it has ICRP */

	(void)state;
	assert_int_equal(w->news, 1);
	give(w, m);
	assert_int_equal(w->news, 1); /* none: N alone does not count */
	m.circuit = L2TP3_CIRCUIT_RX_FAULT | L2TP3_CIRCUIT_ACTIVE;
	give(w, m);
	assert_int_equal(w->news, 2);
	assert_int_equal(w->info.peer.circuit, L2TP3_CIRCUIT_RX_FAULT);
	assert_int_equal(w->ep.counters[L2TP3_C_RX_SLI], 2);
	m.local_id++; /* nobody's */
	give(w, m);
	assert_int_equal(w->ep.counters[L2TP3_C_UNKNOWN_SESSION], 1);
	give_plain(w, L2TP_WEN, PEER_ID, c->info.ours.id);
	assert_int_equal(w->news, 2);
	/* to one that asks, ahead of ICRP */
	w->cfg.end_id[0] = 'W';
	c = l2tp3_call_open(&w->t, w->now, &w->cfg);
	give_plain(w, L2TP_SLI, PEER_ID + 7, c->info.ours.id);
	assert_int_equal(w->news, 3);
	assert_int_equal(c->info.peer.id, 0);
	give_plain(w, L2TP_ICRP, PEER_ID + 7, c->info.ours.id);
	assert_true(w->info.established);
	world_free(w);
}

static void circuits_of_ours(void **state)
{
	struct world *w = world_new();
	struct l2tp3_call *c = call_in(w, L2TP3_ROLE_CALLER, L2TP3_CS_WAIT_REPLY);

	(void)state;
	l2tp3_call_circuit(c, w->now, false);
	assert_int_equal(w->sent[L2TP_SLI], 0); /* ICCN will tell */
	give_plain(w, L2TP_ICRP, PEER_ID, c->info.ours.id);
	assert_int_equal(w->last.type, L2TP_ICCN);
	assert_int_equal(w->last.circuit, L2TP3_CIRCUIT_RX_FAULT | L2TP3_CIRCUIT_TX_FAULT);
	l2tp3_call_circuit(c, w->now, false);
	assert_int_equal(w->sent[L2TP_SLI], 0);
	l2tp3_call_circuit(c, w->now, true);
	assert_int_equal(w->sent[L2TP_SLI], 1);
	assert_int_equal(w->last.circuit, L2TP3_CIRCUIT_ACTIVE);
	assert_int_equal(w->last.remote_id, PEER_ID);
	assert_int_equal(w->ep.counters[L2TP3_C_SENT_SLI], 1);
	world_free(w);
	/* of one that dials, where no message of its own follows OCRP */
	w = world_new();
	c = call_in(w, L2TP3_ROLE_DIALLER, L2TP3_CS_WAIT_REPLY);
	l2tp3_call_circuit(c, w->now, false);
	assert_int_equal(w->sent[L2TP_SLI], 0);
	give_plain(w, L2TP_OCRP, PEER_ID, c->info.ours.id);
	assert_int_equal(w->sent[L2TP_SLI], 1);
	world_free(w);
}

/* ---- Session IDs ---- */

static void ids(void **state)
{
	struct world *w = world_new();
	uint32_t id, other;

	(void)state;
	for (unsigned int i = 0; i < 100; i++) {
		id = call3_new_id(&w->ep, w->now, 0x2a, 7);
		assert_int_equal(id & 0x7f, 0x2a);
	}
	assert_int_equal(call3_new_id(&w->ep, w->now, 0x80, 7), 0); /* no such place */
	assert_int_equal(call3_new_id(&w->ep, w->now, 0, 32), 0);
	/* one of two is left, or none; 0 is none */
	for (unsigned int i = 0; i < 20; i++)
		assert_int_equal(call3_new_id(&w->ep, w->now, 0, 31), 0x80000000u);
	w->cfg.place = 5;
	w->cfg.place_bits = 31;
	id = l2tp3_call_open(&w->t, w->now, &w->cfg)->info.ours.id;
	other = l2tp3_call_open(&w->t, w->now, &w->cfg)->info.ours.id;
	assert_int_equal(id ^ other, 0x80000000u);
	assert_null(l2tp3_call_open(&w->t, w->now, &w->cfg));
	/* both rest, so the place has to do with one of them */
	close_others(w);
	assert_true(l2tp3_rests(&w->ep.resting_calls, id, w->now));
	assert_non_null(l2tp3_call_open(&w->t, w->now, &w->cfg));
	close_others(w);
	/* one that rests is not taken while there is another */
	w->cfg.place_bits = 30;
	for (unsigned int i = 0; i < 3; i++) {
		id = l2tp3_call_open(&w->t, w->now, &w->cfg)->info.ours.id;
		close_others(w);
		other = call3_new_id(&w->ep, w->now, 5, 30);
		assert_true(i == 2 || other != id);
	}
	/* those of others are not ours */
	w->taken_mask = 0x80000000u;
	w->taken_value = 0x80000000u;
	for (unsigned int i = 0; i < 50; i++)
		assert_false(call3_new_id(&w->ep, w->now, 0, 0) & 0x80000000u);
	world_free(w);
}

/* ---- time ---- */

static void time_limits(void **state)
{
	static const struct {
		enum l2tp3_role role;
		unsigned int state;
		const char *text;
	} waits[] = {
		{ L2TP3_ROLE_CALLER, L2TP3_CS_WAIT_REPLY, "no ICRP within 60 s" },
		{ L2TP3_ROLE_CALLED, L2TP3_CS_WAIT_CONNECT, "no ICCN within 60 s" },
		{ L2TP3_ROLE_DIALLER, L2TP3_CS_WAIT_REPLY, "no OCRP within 60 s" },
		{ L2TP3_ROLE_DIALLER, L2TP3_CS_WAIT_CONNECT, "no OCCN within 60 s" },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
		struct world *w = world_new();

		assert_non_null(call_in(w, waits[i].role, waits[i].state));
		run(w, 300000); /* it stands in our queue: not the peer's delay */
		assert_int_equal(w->down, 0);
		w->t.rel.done = w->t.rel.taken;
		run(w, 59000);
		assert_int_equal(w->down, 0);
		run(w, 7000);
		assert_int_equal(w->down, 1);
		assert_int_equal(w->why.result, L2TP3_CDN_FSM);
		assert_true(w->why.timeout);
		assert_string_equal(w->why.text, waits[i].text);
		assert_int_equal(w->last_cdn.reason.result, L2TP3_CDN_FSM);
		world_free(w);
	}
}

/* ---- records ---- */

static int restore(struct world *w, uint32_t id, const uint8_t *rec, size_t len)
{
	struct reader r = reader_of(rec, len);

	if (reader_u8(&r) != L2TP3_RECORD_VERSION)
		return -EBADMSG;
	return call3_restore(&w->ep, w->now, id, &r);
}

static void records(void **state)
{
	(void)state;
	for (unsigned int role = 0; role < L2TP3_ROLES; role++) {
		for (unsigned int s = L2TP3_CS_WAIT_REPLY; s < L2TP3_CS_STATES; s++) {
			struct world *w = world_new(), *again = world_new();
			struct l2tp3_call *c = call_in(w, role, s), *r;
			uint8_t rec[L2TP_MAX_RECORD], copy[L2TP_MAX_RECORD];
			size_t len;

			if (c) {
				len = call3_save(c, rec, sizeof(rec));
				assert_true(len > 0);
				assert_int_equal(call3_save(c, copy, len - 1), 0);
				assert_int_equal(restore(again, c->info.ours.id, rec, len), 0);
				r = again->t.first_call;
				if (!r)
					abort();
				assert_true(r->saved && !r->user);
				assert_memory_equal(&r->info, &c->info, sizeof(r->info));
				assert_memory_equal(r->tie, c->tie, sizeof(r->tie));
				assert_int_equal(call3_save(r, copy, sizeof(copy)), len);
				assert_memory_equal(copy, rec, len);
				assert_int_equal(again->t.half_open_calls, w->t.half_open_calls);
				assert_int_equal(again->t.asking_calls, w->t.asking_calls);
				assert_int_equal(restore(again, c->info.ours.id, rec, len),
						 -EEXIST);
				call3_resume(r, again->now);
				again->t.rel.done = r->ticket;
				run(again, 66000);
				assert_int_equal(again->down, s != L2TP3_CS_ESTABLISHED);
			}
			world_free(w);
			world_free(again);
		}
	}
}

static void damaged_records(void **state)
{
	struct world *w = world_new();
	struct l2tp3_call *c = call_in(w, L2TP3_ROLE_CALLED, L2TP3_CS_ESTABLISHED);
	uint8_t rec[L2TP_MAX_RECORD];
	size_t len = call3_save(c, rec, sizeof(rec));
	uint32_t id = c->info.ours.id;

	(void)state;
	for (size_t n = 0; n < len; n++) {
		struct world *again = world_new();
		uint8_t *tight = malloc(n ? n : 1);

		assert_non_null(tight);
		memcpy(tight, rec, n);
		assert_int_equal(restore(again, id, tight, n), -EBADMSG);
		free(tight);
		world_free(again);
	}
	for (size_t bit = 0; bit < 8 * len; bit++) {
		struct world *again = world_new();

		rec[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (!restore(again, id, rec, len))
			call3_resume(again->t.first_call, again->now);
		rec[bit / 8] ^= (uint8_t)(1 << bit % 8);
		world_free(again);
	}
	/* of a connection that is gone */
	w->t.gone = true;
	assert_int_equal(restore(w, id, rec, len), -EBADMSG);
	w->t.gone = false;
	world_free(w);
}

static bool count_two(void *arg, struct l2tp3_call *c)
{
	unsigned int *n = arg;
	struct l2tp_reason why = { .result = L2TP_CDN_ADMIN };

	l2tp3_call_close(c, 2000000, &why);
	return ++*n < 2;
}

static void visits(void **state)
{
	struct world *w = world_new();
	unsigned int n = 0;

	(void)state;
	for (uint32_t i = 1; i <= 3; i++)
		give_plain(w, L2TP_ICRQ, i, 0);
	l2tp3_calls_visit(&w->t, count_two, &n);
	assert_int_equal(n, 2);
	assert_int_equal(w->down, 2);
	assert_int_equal(w->t.n_calls, 1);
	assert_int_equal(w->t.first_call->info.peer.id, 3);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_cell),
		cmocka_unit_test(every_message_in_every_state),
		cmocka_unit_test(every_message_for_no_session),
		cmocka_unit_test(a_reply_that_crosses_cdn),
		cmocka_unit_test(asking),
		cmocka_unit_test(being_asked),
		cmocka_unit_test(outgoing_calls),
		cmocka_unit_test(ties_as_such),
		cmocka_unit_test(ties_of_requests),
		cmocka_unit_test(requests_that_cannot_be),
		cmocka_unit_test(answers_that_cannot_be),
		cmocka_unit_test(limits),
		cmocka_unit_test(what_is_not_to_be_opened),
		cmocka_unit_test(a_connection_that_is_lost),
		cmocka_unit_test(the_caller_may_close_in_call_request),
		cmocka_unit_test(what_a_status_means),
		cmocka_unit_test(circuits_of_the_peer),
		cmocka_unit_test(circuits_of_ours),
		cmocka_unit_test(ids),
		cmocka_unit_test(time_limits),
		cmocka_unit_test(records),
		cmocka_unit_test(damaged_records),
		cmocka_unit_test(visits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
