/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of sessions become events of one session, or of none (RFC 3931 section 7.3;
 * docs/protocol/l2tpv3.md section 8). Here it is decided whether what a message asks for can
 * be; whether it is wanted, the caller says (call_request).
 */
#include <string.h>

#include "loader/l2tp3/call_parts.h"

/* ---- finding ---- */

uint64_t call3_hash_peer(const struct l2tp3_tunnel *t, uint32_t peer_id)
{
	uint32_t key[2] = { t->id, peer_id };

	return hash_of(t->ep->seed, key, sizeof(key));
}

struct l2tp3_call *call3_find_by_peer(const struct l2tp3_tunnel *t, uint32_t peer_id)
{
	struct hashnode *node = hashtab_first(&t->ep->calls_by_peer, call3_hash_peer(t, peer_id));

	for (; node; node = hashtab_next(node)) {
		struct l2tp3_call *c = container_of(node, struct l2tp3_call, by_peer);

		if (c->tunnel == t && c->info.peer.id == peer_id)
			return c;
	}
	return NULL;
}

/* V3-AVP-4: by what the peer calls ours; by what is its own while it does not know that. */
static struct l2tp3_call *addressed(const struct l2tp3_tunnel *t, const struct l2tp3_message *m)
{
	struct l2tp3_call *c;

	if (l2tp3_has(m, L2TP3_AVP_REMOTE_ID) && m->remote_id) {
		c = call3_by_id(t->ep, m->remote_id);
		return c && c->tunnel == t ? c : NULL;
	}
	if (l2tp3_has(m, L2TP3_AVP_LOCAL_ID) && m->local_id)
		return call3_find_by_peer(t, m->local_id);
	return NULL;
}

static bool same_end(const struct l2tp3_call *c, const struct l2tp3_message *m)
{
	return c->info.end_id_len == m->end_id.left &&
	       !memcmp(c->info.end_id, m->end_id.p, m->end_id.left);
}

/* A request of ours that this one crosses. */
static struct l2tp3_call *crossing(const struct l2tp3_tunnel *t, const struct l2tp3_message *m)
{
	if (!t->asking_calls || !l2tp3_has(m, L2TP3_AVP_END_ID))
		return NULL;
	for (struct l2tp3_call *c = t->first_call; c; c = c->next)
		if (c->state == L2TP3_CS_WAIT_REPLY && c->info.initiator &&
		    c->outgoing == (m->type == L2TP_OCRQ) && same_end(c, m))
			return c;
	return NULL;
}

/* ---- judging ---- */

bool call3_learn(struct l2tp3_end *peer, const struct l2tp3_message *m, struct l2tp_reason *ret_why)
{
	if (m->fault) {
		reason3_set(ret_why, L2TP_CDN_ERROR, m->fault, "%s", m->fault_text);
		return false;
	}
	if (l2tp3_has(m, L2TP3_AVP_COOKIE)) {
		peer->cookie_len = m->cookie_len;
		memcpy(peer->cookie, m->cookie, sizeof(peer->cookie));
	}
	/* The last values count (V3-SES-4). */
	if (l2tp3_has(m, L2TP3_AVP_SUBLAYER)) {
		if (m->sublayer > 1) {
			reason3_set(ret_why, L2TP_CDN_ERROR, L2TP_ERR_RANGE,
				    "L2-Specific Sublayer %u is not supported", m->sublayer);
			return false;
		}
		peer->sublayer = m->sublayer;
	}
	if (l2tp3_has(m, L2TP3_AVP_SEQUENCING)) {
		if (m->sequencing > L2TP3_SEQ_ALL) {
			reason3_set(ret_why, L2TP_CDN_ERROR, L2TP_ERR_RANGE,
				    "Data Sequencing %u is not known", m->sequencing);
			return false;
		}
		peer->sequencing = (uint8_t)m->sequencing;
	}
	if (peer->sequencing && !peer->sublayer) { /* V3-SUB-5 */
		reason3_set(ret_why, L2TP3_CDN_NO_SUBLAYER, 0,
			    "sequence numbers are asked for without a sublayer to carry them");
		return false;
	}
	if (l2tp3_has(m, L2TP3_AVP_CIRCUIT))
		peer->circuit = l2tp3_circuit_of_peer(m->circuit);
	return true;
}

static bool new_id(const struct l2tp3_tunnel *t, const struct l2tp3_message *m,
		   struct l2tp_reason *ret_why)
{
	if (!m->local_id)
		reason3_set(ret_why, L2TP_CDN_ERROR, L2TP_ERR_RANGE, "Local Session ID 0");
	else if (call3_find_by_peer(t, m->local_id))
		reason3_set(ret_why, L2TP_CDN_ERROR, L2TP_ERR_RANGE,
			    "Local Session ID %u is in use", m->local_id);
	else
		return true;
	return false;
}

static bool judge_request(const struct l2tp3_tunnel *t, const struct l2tp3_message *m,
			  struct l2tp3_end *ret, struct l2tp_reason *ret_why)
{
	struct l2tp3_endpoint *ep = t->ep;

	if (!call3_learn(ret, m, ret_why) || !new_id(t, m, ret_why))
		return false;
	ret->id = m->local_id;
	/* V3-SES-2: these are what we advertise */
	if (m->pw_type != L2TP3_PW_ETHERNET && m->pw_type != L2TP3_PW_VLAN)
		reason3_set(
			ret_why, L2TP3_CDN_PW_TYPE, 0,
			"pseudowire type %u is not offered here: only 5 (Ethernet) and 4 (VLAN)",
			m->pw_type);
	else if (m->end_id.left > L2TP3_MAX_END_ID)
		reason3_set(ret_why, L2TP_CDN_PERMANENT, 0,
			    "no circuit has a Remote End ID of %zu octets", m->end_id.left);
	else if (ep->n_calls >= ep->limits.calls)
		reason3_set(ret_why, L2TP_CDN_TEMPORARY, 0, "too many sessions: %u", ep->n_calls);
	else if (t->half_open_calls >= CALL3_HALF_OPEN)
		reason3_set(ret_why, L2TP_CDN_TEMPORARY, 0,
			    "%u requests of this connection wait to be confirmed already",
			    t->half_open_calls);
	else
		return true;
	return false;
}

/* ICRP, OCRP, ICCN, OCCN, where they are awaited. */
static bool judge_answer(const struct l2tp3_call *c, const struct l2tp3_message *m,
			 struct l2tp_reason *ret_why)
{
	struct l2tp3_end peer = c->info.peer;

	if (!call3_learn(&peer, m, ret_why))
		return false;
	if (c->state == L2TP3_CS_WAIT_REPLY)
		return new_id(c->tunnel, m, ret_why);
	if (m->local_id == peer.id)
		return true;
	reason3_set(ret_why, L2TP_CDN_ERROR, L2TP_ERR_RANGE,
		    "the Local Session ID has changed from %u to %u", peer.id, m->local_id);
	return false;
}

/* ---- events ---- */

static bool is_request(uint16_t type)
{
	return type == L2TP_ICRQ || type == L2TP_OCRQ;
}

/* As it is where the message is acceptable. */
static enum l2tp3_call_event event_of(uint16_t type)
{
	switch (type) {
	case L2TP_ICRQ:
	case L2TP_OCRQ:
		return L2TP3_CE_REQUEST;
	case L2TP_ICRP:
	case L2TP_OCRP:
		return L2TP3_CE_REPLY;
	case L2TP_ICCN:
	case L2TP_OCCN:
		return L2TP3_CE_CONNECT;
	case L2TP_CDN:
		return L2TP3_CE_CDN;
	case L2TP_SLI:
		return L2TP3_CE_SLI;
	}
	return L2TP3_CE_NOTICE;
}

static bool of_other_kind(const struct l2tp3_call *c, uint16_t type)
{
	bool outgoing = type == L2TP_OCRQ || type == L2TP_OCRP || type == L2TP_OCCN;
	bool incoming = type == L2TP_ICRQ || type == L2TP_ICRP || type == L2TP_ICCN;

	return c->outgoing ? incoming : outgoing;
}

static void cdn(struct l2tp3_call *c, msec_t now, const struct l2tp3_message *m)
{
	struct l2tp_reason why = m->reason;

	why.from_peer = true;
	if (!l2tp3_has(m, L2TP_AVP_RESULT_CODE)) /* ends it however malformed it is */
		reason3_set(&why, L2TP_CDN_ERROR, 0, "CDN without a reason");
	why.from_peer = true;
	call3_event(c, now, L2TP3_CE_CDN, m, &why);
}

/* A message that is not as it should be, or does not say what it may: the event next to that of a
 * good one. */
static void bad(struct l2tp3_call *c, msec_t now, const struct l2tp3_message *m,
		const struct l2tp_reason *why)
{
	switch (event_of(m->type)) {
	case L2TP3_CE_REQUEST:
		call3_event(c, now, L2TP3_CE_REQUEST_BAD, m, why);
		break;
	case L2TP3_CE_REPLY:
		call3_event(c, now, L2TP3_CE_REPLY_BAD, m, why);
		break;
	case L2TP3_CE_CONNECT:
		call3_event(c, now, L2TP3_CE_CONNECT_BAD, m, why);
		break;
	default:
		call3_event(c, now, L2TP3_CE_FAULT, m, why);
		break;
	}
}

static void to_call(struct l2tp3_call *c, msec_t now, const struct l2tp3_message *m)
{
	enum l2tp3_call_event event = event_of(m->type);
	bool awaited = (event == L2TP3_CE_REPLY && c->state == L2TP3_CS_WAIT_REPLY) ||
		       (event == L2TP3_CE_CONNECT && c->state == L2TP3_CS_WAIT_CONNECT);
	struct l2tp_reason why;

	if (event == L2TP3_CE_CDN) {
		cdn(c, now, m);
	} else if (of_other_kind(c, m->type)) {
		call3_event(c, now, L2TP3_CE_OTHER, m, NULL);
	} else if (m->fault) {
		reason3_set(&why, L2TP_CDN_ERROR, m->fault, "%s", m->fault_text);
		bad(c, now, m, &why);
	} else if (awaited && !judge_answer(c, m, &why)) {
		bad(c, now, m, &why);
	} else {
		call3_event(c, now, event, m, NULL);
	}
}

/* True: theirs is to be judged like any other. */
static bool tie(struct l2tp3_tunnel *t, msec_t now, const struct l2tp3_message *m,
		struct l2tp3_call *c)
{
	enum l2tp3_call_event event = l2tp3_call_tie(
		c->has_tie ? c->tie : NULL, l2tp3_has(m, L2TP_AVP_TIE_BREAKER) ? m->tie : NULL);
	struct l2tp_reason why;

	l2tp3_count(t->ep, L2TP3_C_TIE);
	reason3_set(&why, L2TP3_CDN_TIE_LOST, 0, "%s",
		    event == L2TP3_CE_TIE_WON
			    ? "both ends asked for this session: the other request goes on"
		    : event == L2TP3_CE_TIE_LOST
			    ? "both ends asked for this session: the peer's request goes on"
			    : "both ends asked for this session, and neither request goes before");
	if (event != L2TP3_CE_TIE_LOST)
		call3_send_cdn(t, now, call3_new_id(t->ep, now, 0, 0), m->local_id, &why);
	call3_event(c, now, event, m, &why);
	return event == L2TP3_CE_TIE_LOST && !t->gone;
}

static void request(struct l2tp3_tunnel *t, msec_t now, const struct l2tp3_message *m)
{
	enum l2tp3_role role = m->type == L2TP_OCRQ ? L2TP3_ROLE_DIALLED : L2TP3_ROLE_CALLED;
	struct l2tp3_call *c = m->fault || !m->local_id ? NULL : crossing(t, m);
	struct l2tp3_end peer = { 0 };
	struct l2tp_reason why;
	bool good;

	if (!m->local_id) { /* there is no telling whom to refuse */
		l2tp3_count(t->ep, L2TP3_C_BAD_AVP);
		return;
	}
	if (c && !tie(t, now, m, c))
		return;
	good = judge_request(t, m, &peer, &why);
	if (l2tp3_call_step(role, L2TP3_CS_IDLE, good ? L2TP3_CE_REQUEST : L2TP3_CE_REQUEST_BAD)
		    .action == L2TP3_CA_ACCEPT)
		call3_accept(t, now, m, &peer);
	else
		call3_refuse(t, now, m, &why);
}

/* A message for no session of ours: idle's cells. */
static void stray(struct l2tp3_tunnel *t, msec_t now, const struct l2tp3_message *m)
{
	/* What crosses a CDN of ours was sent to who asked. */
	bool ended = l2tp3_rests(&t->ep->resting_calls, m->remote_id, now);
	struct l2tp_step step = l2tp3_call_step(
		ended ? L2TP3_ROLE_CALLER : L2TP3_ROLE_CALLED, L2TP3_CS_IDLE,
		m->fault && event_of(m->type) == L2TP3_CE_REPLY ? L2TP3_CE_REPLY_BAD
								: event_of(m->type));
	struct l2tp_reason why;

	if (step.action != L2TP3_CA_REFUSE || !m->local_id) {
		l2tp3_count(t->ep, L2TP3_C_UNKNOWN_SESSION);
		return;
	}
	reason3_set(&why, L2TP_CDN_ERROR, L2TP_ERR_SESSION, "%s for no session of ours",
		    l2tp_message_name(m->type));
	call3_refuse(t, now, m, &why);
}

void call3_input(struct l2tp3_tunnel *t, msec_t now, const struct l2tp3_message *m)
{
	struct l2tp3_call *c = addressed(t, m);

	if (m->type == L2TP_SLI)
		l2tp3_count(t->ep, L2TP3_C_RX_SLI);
	if (c)
		to_call(c, now, m);
	else if (is_request(m->type))
		request(t, now, m);
	else
		stray(t, now, m);
}
