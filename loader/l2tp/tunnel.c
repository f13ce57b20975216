/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * L2TPv2 control connections (RFC 2661), and with them the essay of this room.
 *
 * Two roles. As responder (LNS) we are sent SCCRQ, answer SCCRP and are up with SCCCN;
 * calls then arrive as ICRQ, ICRP, ICCN. As initiator (LAC, client) we send what the other
 * one receives. Both run here, even in one endpoint; who sent ICRQ is the LAC of that call.
 *
 * The way of a datagram, all of it without sockets and clocks:
 *
 *   l2tp_input          header (header.c); which tunnel, and does its path fit? (endpoint.c,
 *                       contact.c for those that begin)
 *   reliable.c          duplicate, in order, ahead? what does its Nr acknowledge?
 *   message.c, avp.c    all AVPs, hidden ones revealed (hide.c), against one table of rules
 *   tunnel_message      event = message + judgement (judge.c, auth.c); table below; action
 *   call_message        the same for messages of a call (call.c), two tables
 *   build.c             what we answer; it goes through reliable.c to ops->send
 *
 * Duplicates never reach a table (V2-CC-1). A tunnel in set-up has a struct l2tp_setup; it
 * is what limits half-open ones, by source and together. When a tunnel ends, for the
 * caller it is gone at once; in state "stopped" it acknowledges, and sends StopCCN again,
 * for 31 s (V2-REL-14, V2-TEAR-2), found only by messages that bear its ID and path.
 * What is refused before it became a tunnel leaves nothing here: the answer is made from
 * the SCCRQ alone, and the peer's own retransmission asks for it again.
 *
 * Memory goes only when no op and no public function runs (endpoint_leave), so an op may
 * close what it is told about.
 */
#include <stdlib.h>
#include <string.h>

#include "loader/l2tp/engine.h"

#define X(NAME, name) [L2TP_T_##NAME] = name,
const char *const l2tp_tunnel_state_names[] = { L2TP_TUNNEL_STATES(X) };
#undef X
#define X(NAME, name) [L2TP_TE_##NAME] = name,
const char *const l2tp_tunnel_event_names[] = { L2TP_TUNNEL_EVENTS(X) };
#undef X
#define X(NAME, name) [L2TP_TA_##NAME] = name,
const char *const l2tp_tunnel_action_names[] = { L2TP_TUNNEL_ACTIONS(X) };
#undef X

#define ROW(state, event, action, next)                                                            \
	{                                                                                          \
		L2TP_T_##state, L2TP_TE_##event, L2TP_TA_##action, L2TP_T_##next                   \
	}

/* RFC 2661 section 7.2.1; docs/protocol/l2tpv2.md section 9. "Stopped" is the RFC's idle
 * with the memory of having been something. */
static const struct l2tp_step steps[] = {
	ROW(IDLE, OPEN, SEND_SCCRQ, WAIT_REPLY),
	ROW(IDLE, SCCRQ, ACCEPT, WAIT_CONN),
	ROW(IDLE, SCCRQ_BAD, REFUSE, IDLE),
	ROW(IDLE, SCCRP, REFUSE, IDLE),
	ROW(IDLE, SCCRP_BAD, REFUSE, IDLE),

	ROW(WAIT_REPLY, SCCRP, CONFIRM, ESTABLISHED),
	ROW(WAIT_REPLY, SCCRP_BAD, STOP, STOPPED),
	ROW(WAIT_REPLY, SCCRQ, STOP_FSM, STOPPED),
	ROW(WAIT_REPLY, SCCCN, STOP_FSM, STOPPED),
	ROW(WAIT_REPLY, TIE_LOST, FORGET, STOPPED),
	ROW(WAIT_REPLY, STOPCCN, CLEAR, STOPPED),
	ROW(WAIT_REPLY, FAULT, STOP, STOPPED),
	ROW(WAIT_REPLY, UNKNOWN, NOTHING, WAIT_REPLY),
	ROW(WAIT_REPLY, CLOSE, STOP, STOPPED),
	ROW(WAIT_REPLY, TIMEOUT, STOP, STOPPED),
	ROW(WAIT_REPLY, DEAD, FORGET, STOPPED),

	ROW(WAIT_CONN, SCCCN, UP, ESTABLISHED),
	ROW(WAIT_CONN, SCCCN_BAD, STOP, STOPPED),
	ROW(WAIT_CONN, SCCRQ, STOP_FSM, STOPPED),
	ROW(WAIT_CONN, SCCRP, STOP_FSM, STOPPED),
	ROW(WAIT_CONN, STOPCCN, CLEAR, STOPPED),
	ROW(WAIT_CONN, FAULT, STOP, STOPPED),
	ROW(WAIT_CONN, UNKNOWN, NOTHING, WAIT_CONN),
	ROW(WAIT_CONN, CLOSE, STOP, STOPPED),
	ROW(WAIT_CONN, TIMEOUT, STOP, STOPPED),
	ROW(WAIT_CONN, DEAD, FORGET, STOPPED),
	ROW(WAIT_CONN, REPLACED, FORGET, STOPPED),

	ROW(ESTABLISHED, SCCRQ, STOP_FSM, STOPPED),
	ROW(ESTABLISHED, SCCRP, STOP_FSM, STOPPED),
	ROW(ESTABLISHED, SCCCN, STOP_FSM, STOPPED),
	ROW(ESTABLISHED, STOPCCN, CLEAR, STOPPED),
	ROW(ESTABLISHED, HELLO, NOTHING, ESTABLISHED),
	ROW(ESTABLISHED, CALL, CALL, ESTABLISHED),
	ROW(ESTABLISHED, FAULT, STOP, STOPPED),
	ROW(ESTABLISHED, UNKNOWN, NOTHING, ESTABLISHED),
	ROW(ESTABLISHED, CLOSE, STOP, STOPPED),
	ROW(ESTABLISHED, DEAD, FORGET, STOPPED),
	ROW(ESTABLISHED, REPLACED, FORGET, STOPPED),

	ROW(STOPPED, STOPCCN, NOTHING, STOPPED), /* both said it */
	ROW(STOPPED, HELLO, NOTHING, STOPPED),
	ROW(STOPPED, CALL, NOTHING, STOPPED), /* crossed our StopCCN */
	ROW(STOPPED, SCCRP, NOTHING, STOPPED),
	ROW(STOPPED, SCCCN, NOTHING, STOPPED),
	ROW(STOPPED, FAULT, NOTHING, STOPPED),
	ROW(STOPPED, UNKNOWN, NOTHING, STOPPED),
};

struct l2tp_step l2tp_tunnel_step(unsigned int state, unsigned int event)
{
	return l2tp_step_of((struct l2tp_steps)L2TP_STEPS(steps), state, event, L2TP_TA_UNEXPECTED);
}

/* ---- actions ---- */

/* Everything that SCCRQ and SCCRP tell about the peer. */
static void learn(struct l2tp_tunnel *t, const struct l2tp_message *m)
{
	char name[LOG_QUOTE_LEN];
	const struct l2tp_value *host = &m->v[L2TP_AVP_HOST_NAME];
	const struct l2tp_value *vendor = &m->v[L2TP_AVP_VENDOR_NAME];

	t->hostname = strdup(log_quote(host->p, host->len, name, L2TP_MAX_NAME + 1));
	if (vendor->p)
		t->vendor = strdup(log_quote(vendor->p, vendor->len, name, L2TP_MAX_NAME + 1));
	t->peer_ecn = l2tp_has(m, L2TP_AVP_ECN_CAPABILITY);
	reliable_set_peer_window(&t->rel, l2tp_has(m, L2TP_AVP_RECEIVE_WINDOW_SIZE)
						  ? l2tp_u16(m, L2TP_AVP_RECEIVE_WINDOW_SIZE)
						  : REL_DEFAULT_PEER_WINDOW);
}

/* The answer to the peer's challenge, in the message of this type; NULL: none asked. */
static const uint8_t *respond(const struct l2tp_tunnel *t, const struct l2tp_message *m,
			      enum l2tp_message_type in, uint8_t buf[L2TP_RESPONSE_LEN])
{
	const struct l2tp_value *challenge = &m->v[L2TP_AVP_CHALLENGE];

	if (!challenge->p)
		return NULL;
	l2tp_auth_response((uint8_t)in, t->peer->secret, t->peer->secret_len, challenge->p,
			   challenge->len, buf);
	return buf;
}

static struct l2tp_start start_of(const struct l2tp_tunnel *t)
{
	const struct l2tp_setup *s = t->setup;

	return (struct l2tp_start){
		.hostname = t->peer->hostname,
		.tunnel_id = t->id,
		.window = t->rel.window,
		.challenge = s->has_challenge ? s->challenge : NULL,
		.tie_breaker = s->has_tie ? s->tie : NULL,
	};
}

static void send_sccrq(struct l2tp_tunnel *t, msec_t now)
{
	struct l2tp_style style = tunnel_style(t);
	struct l2tp_start start = start_of(t);
	struct l2tp_build b;

	tunnel_announce(t);
	if (!t->gone)
		tunnel_send(t, now, &b, l2tp_build_sccrq(&b, &style, &start));
}

static void accept_sccrq(struct l2tp_tunnel *t, msec_t now, const struct l2tp_message *m)
{
	struct l2tp_style style = tunnel_style(t);
	struct l2tp_start start = start_of(t);
	uint8_t response[L2TP_RESPONSE_LEN];
	struct l2tp_build b;

	learn(t, m);
	tunnel_announce(t);
	if (t->gone)
		return;
	start.response = respond(t, m, L2TP_SCCRP, response);
	tunnel_send(t, now, &b, l2tp_build_sccrp(&b, &style, t->peer_id, &start));
}

static void up(struct l2tp_tunnel *t, msec_t now)
{
	char at[PATH_STRLEN];

	source_proven(t);
	share_tunnel_up(t);
	tunnel_setup_done(t);
	t->since = t->idle_since = now;
	tunnel_tick_set(t, now);
	tunnel_replace_older(t, now);
	if (log_allowed(&t->ep->log_up, now, LOG_TUNNELS, LOG_TUNNEL_MS))
		log_info(&(struct log_who){ .tunnel = t->id, .peer = t->peer->name },
			 "up: host name \"%s\", vendor \"%s\", at %s, its tunnel ID %u",
			 l2tp_tunnel_hostname(t), l2tp_tunnel_vendor(t),
			 endpoint_str(&t->path.peer, t->path.peer_port, at), t->peer_id);
	if (t->ep->ops->tunnel_up)
		t->ep->ops->tunnel_up(t->ep->ctx, t);
	if (!t->gone)
		calls_tunnel_up(t, now);
}

static void confirm(struct l2tp_tunnel *t, msec_t now, const struct l2tp_message *m)
{
	struct l2tp_style style = tunnel_style(t);
	uint8_t response[L2TP_RESPONSE_LEN];
	struct l2tp_build b;
	size_t len;

	learn(t, m);
	len = l2tp_build_scccn(&b, &style, t->peer_id, respond(t, m, L2TP_SCCCN, response));
	tunnel_send(t, now, &b, len);
	if (!t->gone)
		up(t, now);
}

static void unexpected(struct l2tp_tunnel *t, msec_t now, unsigned int event, unsigned int state)
{
	endpoint_count(t->ep, L2TP_C_UNEXPECTED);
	if (log_allowed(&t->ep->log_unexpected, now, 10, 1000))
		log_info(&(struct log_who){ .tunnel = t->id, .peer = t->peer->name },
			 "%s in state %s", l2tp_tunnel_event_names[event],
			 l2tp_tunnel_state_names[state]);
}

void tunnel_event(struct l2tp_tunnel *t, msec_t now, enum l2tp_tunnel_event event,
		  const struct l2tp_arrival *a, const struct l2tp_reason *why)
{
	struct l2tp_step step = l2tp_tunnel_step(t->state, event);
	struct l2tp_reason fsm;

	t->state = step.next;
	switch ((enum l2tp_tunnel_action)step.action) {
	case L2TP_TA_SEND_SCCRQ:
		send_sccrq(t, now);
		break;
	case L2TP_TA_ACCEPT:
		accept_sccrq(t, now, a->m);
		break;
	case L2TP_TA_CONFIRM:
		confirm(t, now, a->m);
		break;
	case L2TP_TA_UP:
		up(t, now);
		break;
	case L2TP_TA_CALL:
		call_message(t, now, a->h, a->m);
		break;
	case L2TP_TA_STOP:
		tunnel_gone(t, now, why, L2TP_FAREWELL_STOPCCN);
		break;
	case L2TP_TA_STOP_FSM:
		reason_set(&fsm, L2TP_STOP_FSM, 0, "%s in state %s", l2tp_tunnel_event_names[event],
			   l2tp_tunnel_state_names[step.state]);
		tunnel_gone(t, now, &fsm, L2TP_FAREWELL_STOPCCN);
		break;
	case L2TP_TA_CLEAR:
		tunnel_gone(t, now, why, L2TP_FAREWELL_STAY);
		break;
	case L2TP_TA_FORGET:
		tunnel_gone(t, now, why, L2TP_FAREWELL_NONE);
		break;
	case L2TP_TA_NOTHING:
		break;
	case L2TP_TA_REFUSE: /* of idle alone, where there is no tunnel: endpoint.c */
	case L2TP_TA_UNEXPECTED:
	case L2TP_TA_ACTIONS:
		unexpected(t, now, event, step.state);
		break;
	}
}

/* ---- messages to events ---- */

static enum l2tp_tunnel_event event_of(struct l2tp_tunnel *t, msec_t now,
				       const struct l2tp_message *m, struct l2tp_reason *ret_why)
{
	if (m->type == L2TP_STOPCCN) { /* ends it however malformed it is */
		l2tp_message_reason(m, ret_why);
		return L2TP_TE_STOPCCN;
	}
	if (l2tp_message_is_session(m->type))
		return L2TP_TE_CALL;
	switch (m->type) {
	case L2TP_SCCRQ:
		return L2TP_TE_SCCRQ;
	case L2TP_SCCRP:
		if (t->state != L2TP_T_WAIT_REPLY)
			return L2TP_TE_SCCRP;
		/* A refusal, too, goes to the ID that it assigned. */
		if (l2tp_has(m, L2TP_AVP_ASSIGNED_TUNNEL_ID) &&
		    tunnel_set_peer_id(t, l2tp_u16(m, L2TP_AVP_ASSIGNED_TUNNEL_ID)) < 0) {
			reason_set(ret_why, L2TP_STOP_ERROR, L2TP_ERR_RESOURCES, "no memory");
			return L2TP_TE_SCCRP_BAD;
		}
		return judge_sccrp(t, m, ret_why) ? L2TP_TE_SCCRP : L2TP_TE_SCCRP_BAD;
	case L2TP_SCCCN:
		if (t->state != L2TP_T_WAIT_CONN)
			return L2TP_TE_SCCCN;
		if (judge_scccn(t, m, ret_why))
			return L2TP_TE_SCCCN;
		if (ret_why->result == L2TP_STOP_NOT_AUTHORISED)
			source_failed(t, now);
		return L2TP_TE_SCCCN_BAD;
	}
	if (m->fault.error) { /* V2-AVP-9, V2-AVP-10 */
		reason_set(ret_why, L2TP_STOP_ERROR, m->fault.error, "%s", m->fault.text);
		return L2TP_TE_FAULT;
	}
	return m->known ? L2TP_TE_HELLO : L2TP_TE_UNKNOWN;
}

void tunnel_message(struct l2tp_tunnel *t, msec_t now, const struct l2tp_header *h,
		    const struct l2tp_message *m)
{
	struct l2tp_arrival a = { .m = m, .h = h };
	struct l2tp_reason why;
	enum l2tp_tunnel_event event = event_of(t, now, m, &why);

	tunnel_event(t, now, event, &a, &why);
}
