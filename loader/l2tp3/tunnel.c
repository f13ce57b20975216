/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * L2TPv3 control connections (RFC 3931), and with them the essay of this room.
 *
 * The way of a message, all of it without sockets and clocks:
 *
 *   l2tp3_input         header; which connection, and may it come this way? (endpoint.c; contact.c
 *                       for those that begin)
 *   l2tp3_parse         the digest first: what does not verify is not looked at further, neither
 *                       its numbers nor its acknowledgement (V3-AUTH-5)
 *   l2tp/reliable.c     duplicate, in order, ahead? what does its Nr acknowledge?
 *   conn_message        event = message + judgement (judge.c); table below; action
 *   call3_input         the same for messages of a session (call.c), its own tables
 *   conn_build, _send   what we answer; it is signed anew each time it leaves (V3-AUTH-8)
 *
 * Duplicates never reach a table (V3-CC-2). When a connection ends, for the caller it is gone at
 * once; in state "stopped" it acknowledges, and sends StopCCN again, for 31 s (V3-REL-4). What is
 * refused before it became a connection leaves nothing here.
 *
 * Nonces. A peer's nonce comes in its SCCRQ or SCCRP. A StopCCN that stands for SCCRP, or that an
 * initiator sends before it has got one, is of an end whose nonce, or whose partner's nonce, the
 * other one cannot know; the text does not say how to sign it. We count that nonce as empty.
 *
 * Memory goes only when no op and no public function runs (l2tp3_leave), so an op may close
 * what it is told about.
 */
#include <string.h>

#include "loader/l2tp3/engine.h"

#define VENDOR_NAME "l2xdp"
#define OLD_VERSION 0x0100 /* AVP 2: version 1, revision 0, as version 2 has it */
#define OLD_FRAMING 3u /* AVP 3: synchronous, asynchronous */
#define LOG_TUNNELS 1000u /* lines of connections that come, each at once; then one in */
#define LOG_TUNNEL_MS 20

#define X(NAME, name) [L2TP3_T_##NAME] = name,
const char *const l2tp3_tunnel_state_names[] = { L2TP3_TUNNEL_STATES(X) };
#undef X
#define X(NAME, name) [L2TP3_TE_##NAME] = name,
const char *const l2tp3_tunnel_event_names[] = { L2TP3_TUNNEL_EVENTS(X) };
#undef X
#define X(NAME, name) [L2TP3_TA_##NAME] = name,
const char *const l2tp3_tunnel_action_names[] = { L2TP3_TUNNEL_ACTIONS(X) };
#undef X

#define ROW(state, event, action, next)                                                            \
	{                                                                                          \
		L2TP3_T_##state, L2TP3_TE_##event, L2TP3_TA_##action, L2TP3_T_##next               \
	}

/* RFC 3931 section 7.2; docs/protocol/l2tpv3.md section 7. "Stopped" is the RFC's idle with the
 * memory of having been something. SCCRQ has no CCID, so it is of idle alone; ties and repeated
 * ones are contact.c's. */
static const struct l2tp_step steps[] = {
	ROW(IDLE, OPEN, SEND_SCCRQ, WAIT_REPLY),
	ROW(IDLE, SCCRQ, ACCEPT, WAIT_CONN),
	ROW(IDLE, SCCRQ_BAD, REFUSE, IDLE),

	ROW(WAIT_REPLY, SCCRP, CONFIRM, ESTABLISHED),
	ROW(WAIT_REPLY, SCCRP_BAD, STOP, STOPPED),
	ROW(WAIT_REPLY, SCCRQ, STOP_FSM, STOPPED),
	ROW(WAIT_REPLY, SCCCN, STOP_FSM, STOPPED),
	ROW(WAIT_REPLY, TIE_LOST, FORGET, STOPPED),
	ROW(WAIT_REPLY, ABORT, FORGET, STOPPED),
	ROW(WAIT_REPLY, STOPCCN, CLEAR, STOPPED),
	ROW(WAIT_REPLY, FAULT, STOP, STOPPED),
	ROW(WAIT_REPLY, UNKNOWN, NOTHING, WAIT_REPLY),
	ROW(WAIT_REPLY, CLOSE, STOP, STOPPED),
	ROW(WAIT_REPLY, TIMEOUT, STOP, STOPPED),
	ROW(WAIT_REPLY, DEAD, FORGET, STOPPED),
	ROW(WAIT_REPLY, REPLACED, STOP, STOPPED),

	ROW(WAIT_CONN, SCCCN, UP, ESTABLISHED),
	ROW(WAIT_CONN, SCCRQ, STOP_FSM, STOPPED),
	ROW(WAIT_CONN, SCCRP, STOP_FSM, STOPPED),
	ROW(WAIT_CONN, STOPCCN, CLEAR, STOPPED),
	ROW(WAIT_CONN, FAULT, STOP, STOPPED),
	ROW(WAIT_CONN, UNKNOWN, NOTHING, WAIT_CONN),
	ROW(WAIT_CONN, CLOSE, STOP, STOPPED),
	ROW(WAIT_CONN, TIMEOUT, STOP, STOPPED),
	ROW(WAIT_CONN, DEAD, FORGET, STOPPED),

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
	ROW(ESTABLISHED, REPLACED, STOP, STOPPED),

	ROW(STOPPED, STOPCCN, NOTHING, STOPPED), /* both said it */
	ROW(STOPPED, HELLO, NOTHING, STOPPED),
	ROW(STOPPED, CALL, NOTHING, STOPPED), /* crossed our StopCCN */
	ROW(STOPPED, SCCRP, NOTHING, STOPPED),
	ROW(STOPPED, SCCCN, NOTHING, STOPPED),
	ROW(STOPPED, FAULT, NOTHING, STOPPED),
	ROW(STOPPED, UNKNOWN, NOTHING, STOPPED),
};

struct l2tp_step l2tp3_tunnel_step(unsigned int state, unsigned int event)
{
	return l2tp_step_of((struct l2tp_steps)L2TP_STEPS(steps), state, event,
			    L2TP3_TA_UNEXPECTED);
}

/* ---- actions ---- */

/* What SCCRQ and SCCRP tell alike. */
static void put_ourselves(struct l2tp3_tunnel *t, struct l2tp3_builder *b)
{
	static const uint8_t caps[] = { 0, L2TP3_PW_VLAN, 0, L2TP3_PW_ETHERNET };
	const struct l2tp3_peer *peer = t->peer;

	l2tp3_put_bytes(b, L2TP_AVP_HOST_NAME, peer->hostname, strlen(peer->hostname));
	l2tp3_put_bytes(b, L2TP_AVP_VENDOR_NAME, VENDOR_NAME, strlen(VENDOR_NAME));
	l2tp3_put_u16(b, L2TP_AVP_RECEIVE_WINDOW_SIZE, t->rel.window);
	l2tp3_put_u32(b, L2TP3_AVP_ROUTER_ID, peer->router_id);
	l2tp3_put_u32(b, L2TP3_AVP_CCID, t->id);
	l2tp3_put_bytes(b, L2TP3_AVP_PW_CAPS, caps, sizeof(caps));
	if (t->auth.nonces)
		l2tp3_put_bytes(b, L2TP3_AVP_NONCE, t->auth.ours, sizeof(t->auth.ours));
}

/* With two secrets nothing in it is hidden: which of them the peer has we do not know yet. */
static void send_sccrq(struct l2tp3_tunnel *t, msec_t now)
{
	bool old = t->peer->v2_fallback && t->path.peer_port; /* V3-FB-1, V3-FB-4 */
	struct l2tp3_builder b;

	l2tp3_build(&b, old ? 2 : 3, L2TP_SCCRQ, 0, t->signs ? &t->auth : NULL);
	b.drafts = t->peer->cisco_drafts;
	if (t->peer->hide && t->auth.nonces && t->auth.n_keys == 1 && !old)
		l2tp3_build_hide(&b, t->ep->ops->random, t->ep->ctx);
	if (old) {
		l2tp3_put_u16(&b, L2TP_AVP_PROTOCOL_VERSION, OLD_VERSION);
		l2tp3_put_u32(&b, L2TP_AVP_FRAMING_CAPABILITIES, OLD_FRAMING);
		l2tp3_put_u16(&b, L2TP_AVP_ASSIGNED_TUNNEL_ID, (uint16_t)(t->id >> 16));
	}
	if (t->has_tie)
		l2tp3_put_bytes(&b, L2TP_AVP_TIE_BREAKER, t->tie, sizeof(t->tie));
	put_ourselves(t, &b);
	conn_send(t, now, &b);
}

static void accept_sccrq(struct l2tp3_tunnel *t, msec_t now, const struct l2tp3_message *m)
{
	struct l2tp3_builder b;

	conn_learn(t, m);
	conn_build(t, &b, L2TP_SCCRP);
	put_ourselves(t, &b);
	conn_send(t, now, &b);
}

/* What somebody else has opened: the connection before it ends, and there is room for it. */
static void settle(struct l2tp3_tunnel *t, msec_t now)
{
	struct l2tp_reason why;

	conn_replace_older(t, now);
	if (t->gone || source3_share(t, now) || t->gone)
		return;
	t->announced = false; /* nobody has heard of it */
	reason3_set(&why, L2TP_STOP_ERROR, L2TP_ERR_RESOURCES,
		    "too many control connections of this peer");
	conn_event(t, now, L2TP3_TE_CLOSE, NULL, &why);
}

static void up(struct l2tp3_tunnel *t, msec_t now)
{
	struct l2tp3_endpoint *ep = t->ep;
	struct log_who who = conn_who(t);
	char at[PATH_STRLEN];

	if (!t->initiator)
		source3_proven(ep, &t->path.peer);
	conn_set_half_open(t, false);
	t->announced = true;
	t->proven = t->auth.nonces;
	t->since = now;
	conn_timer_start(t, now);
	if (!t->initiator)
		settle(t, now);
	if (t->gone)
		return;
	if (log_allowed(&ep->log_up, now, LOG_TUNNELS, LOG_TUNNEL_MS))
		log_info(&who,
			 "up, version 3%s: host name \"%s\", vendor \"%s\", at %s, its Control "
			 "Connection ID %u",
			 t->proven ? ", authenticated" : "", l2tp3_tunnel_hostname(t),
			 l2tp3_tunnel_vendor(t), endpoint_str(&t->path.peer, t->path.peer_port, at),
			 t->peer_id);
	if (ep->ops->tunnel_up)
		ep->ops->tunnel_up(ep->ctx, t);
}

static void confirm(struct l2tp3_tunnel *t, msec_t now, const struct l2tp3_message *m)
{
	struct l2tp3_builder b;

	conn_learn(t, m);
	conn_build(t, &b, L2TP_SCCCN);
	conn_send(t, now, &b);
	if (!t->gone)
		up(t, now);
}

static void unexpected(struct l2tp3_tunnel *t, msec_t now, unsigned int event, unsigned int state)
{
	struct log_who who = conn_who(t);

	l2tp3_count(t->ep, L2TP3_C_UNEXPECTED);
	if (log_allowed(&t->ep->log_unexpected, now, 10, 1000))
		log_info(&who, "%s in state %s", l2tp3_tunnel_event_names[event],
			 l2tp3_tunnel_state_names[state]);
}

static void stop_fsm(struct l2tp3_tunnel *t, msec_t now, const struct l2tp_step *step)
{
	struct l2tp_reason why;

	reason3_set(&why, L2TP_STOP_FSM, 0, "%s in state %s", l2tp3_tunnel_event_names[step->event],
		    l2tp3_tunnel_state_names[step->state]);
	conn_gone(t, now, &why, L2TP3_FAREWELL_STOPCCN);
}

void conn_event(struct l2tp3_tunnel *t, msec_t now, enum l2tp3_tunnel_event event,
		const struct l2tp3_message *m, const struct l2tp_reason *why)
{
	struct l2tp_step step = l2tp3_tunnel_step(t->state, event);

	t->state = step.next;
	switch ((enum l2tp3_tunnel_action)step.action) {
	case L2TP3_TA_SEND_SCCRQ:
		send_sccrq(t, now);
		break;
	case L2TP3_TA_ACCEPT:
		accept_sccrq(t, now, m);
		break;
	case L2TP3_TA_CONFIRM:
		confirm(t, now, m);
		break;
	case L2TP3_TA_UP:
		up(t, now);
		break;
	case L2TP3_TA_CALL:
		call3_input(t, now, m);
		break;
	case L2TP3_TA_STOP:
		conn_gone(t, now, why, L2TP3_FAREWELL_STOPCCN);
		break;
	case L2TP3_TA_STOP_FSM:
		stop_fsm(t, now, &step);
		break;
	case L2TP3_TA_CLEAR:
		conn_gone(t, now, why, L2TP3_FAREWELL_STAY);
		break;
	case L2TP3_TA_FORGET:
		conn_gone(t, now, why, L2TP3_FAREWELL_NONE);
		break;
	case L2TP3_TA_NOTHING:
		break;
	case L2TP3_TA_REFUSE: /* of idle alone, where there is no connection: contact.c */
	case L2TP3_TA_UNEXPECTED:
	case L2TP3_TA_ACTIONS:
		unexpected(t, now, event, step.state);
		break;
	}
}

/* ---- messages to events ---- */

static enum l2tp3_tunnel_event event_of(struct l2tp3_tunnel *t, const struct l2tp3_message *m,
					struct l2tp_reason *ret_why)
{
	if (m->type == L2TP_STOPCCN) { /* ends it however malformed it is */
		*ret_why = m->reason;
		ret_why->from_peer = true;
		return L2TP3_TE_STOPCCN;
	}
	if (l2tp_message_is_session(m->type))
		return L2TP3_TE_CALL;
	switch (m->type) {
	case L2TP_SCCRQ:
		return L2TP3_TE_SCCRQ;
	case L2TP_SCCRP:
		if (t->state != L2TP3_T_WAIT_REPLY)
			return L2TP3_TE_SCCRP;
		return judge3_sccrp(t->peer, m, ret_why) ? L2TP3_TE_SCCRP : L2TP3_TE_SCCRP_BAD;
	}
	if (m->fault) { /* V3-AVP-2 */
		reason3_set(ret_why, L2TP_STOP_ERROR, m->fault, "%s", m->fault_text);
		return L2TP3_TE_FAULT;
	}
	if (m->type == L2TP_SCCCN)
		return L2TP3_TE_SCCCN;
	return m->type == L2TP_HELLO ? L2TP3_TE_HELLO : L2TP3_TE_UNKNOWN;
}

void conn_message(struct l2tp3_tunnel *t, msec_t now, const struct l2tp3_message *m)
{
	struct l2tp_reason why;
	enum l2tp3_tunnel_event event = event_of(t, m, &why);

	conn_event(t, now, event, m, &why);
}
