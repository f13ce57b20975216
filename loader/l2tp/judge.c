/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Acceptable or not: the messages that set a control connection up. Each function says
 * no with the StopCCN result, error and text that go back to the peer.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "loader/l2tp/engine.h"

#define HIGHEST_VERSION 0x0100 /* as the AVP would say it (V2-CC-2) */

void reason_set(struct l2tp_reason *ret, uint16_t result, uint16_t error, const char *fmt, ...)
{
	va_list ap;

	memset(ret, 0, sizeof(*ret));
	ret->result = result;
	ret->error = error;
	va_start(ap, fmt);
	vsnprintf(ret->text, sizeof(ret->text), fmt, ap);
	va_end(ap);
}

/* Version first: another version may well have other AVPs. */
static bool judge_form(const struct l2tp_message *m, struct l2tp_reason *ret_why)
{
	const struct l2tp_value *version = &m->v[L2TP_AVP_PROTOCOL_VERSION];

	if (version->p && version->p[0] != 1) { /* any revision (V2-CC-2) */
		reason_set(ret_why, L2TP_STOP_VERSION, HIGHEST_VERSION, "protocol version %u",
			   version->p[0]);
		return false;
	}
	if (m->fault.error) {
		reason_set(ret_why, L2TP_STOP_ERROR, m->fault.error, "%s", m->fault.text);
		return false;
	}
	return true;
}

static bool judge_name(const struct l2tp_peer *peer, const struct l2tp_message *m,
		       struct l2tp_reason *ret_why)
{
	const struct l2tp_value *name = &m->v[L2TP_AVP_HOST_NAME];
	const char *want = peer->expect_hostname; /* */
	char quoted[LOG_QUOTE_LEN];

	if (!want || (name->len == strlen(want) && !memcmp(name->p, want, name->len)))
		return true;
	reason_set(ret_why, L2TP_STOP_NOT_AUTHORISED, 0,
		   "host name %.64s is not the one that is configured here",
		   log_quote(name->p, name->len, quoted, sizeof(quoted)));
	return false;
}

/* One that we sent ourselves and that waits for an answer comes back: who sends it has us
 * compute the answer for him (V2-AUTH-4). */
static bool is_reflection(struct l2tp_endpoint *ep, const struct l2tp_value *challenge)
{
	struct hashnode *node;

	if (challenge->len != L2TP_CHALLENGE_LEN)
		return false;
	node = hashtab_first(&ep->challenges,
			     endpoint_hash_challenge(ep, challenge->p, challenge->len));
	for (; node; node = hashtab_next(node)) {
		struct l2tp_setup *s = container_of(node, struct l2tp_setup, challenges);

		if (!memcmp(s->challenge, challenge->p, L2TP_CHALLENGE_LEN))
			return true;
	}
	return false;
}

static bool judge_challenge(struct l2tp_endpoint *ep, const struct l2tp_peer *peer,
			    const struct l2tp_message *m, struct l2tp_reason *ret_why)
{
	const struct l2tp_value *challenge = &m->v[L2TP_AVP_CHALLENGE];

	if (!challenge->p)
		return true;
	if (peer->secret && !is_reflection(ep, challenge))
		return true;
	reason_set(ret_why, L2TP_STOP_NOT_AUTHORISED, 0,
		   peer->secret ? "challenge is ours" : "challenge, but no secret here");
	endpoint_count(ep, L2TP_C_AUTH_FAILED);
	return false;
}

/* The answer to our challenge, if we sent one (V2-AUTH-2). */
static bool judge_response(struct l2tp_tunnel *t, const struct l2tp_message *m,
			   struct l2tp_reason *ret_why)
{
	const struct l2tp_value *response = &m->v[L2TP_AVP_CHALLENGE_RESPONSE];

	if (!t->setup || !t->setup->has_challenge)
		return true;
	if (response->p && l2tp_auth_check((uint8_t)m->type, t->peer->secret, t->peer->secret_len,
					   t->setup->challenge, response->p, response->len))
		return true;
	reason_set(ret_why, L2TP_STOP_NOT_AUTHORISED, 0,
		   response->p ? "wrong challenge response" : "no challenge response");
	endpoint_count(t->ep, L2TP_C_AUTH_FAILED);
	return false;
}

bool judge_sccrq(struct l2tp_endpoint *ep, msec_t now, const struct path *path,
		 const struct l2tp_peer *peer, const struct l2tp_message *m,
		 struct l2tp_reason *ret_why)
{
	int result;

	if (!judge_form(m, ret_why) || !judge_name(peer, m, ret_why) ||
	    !judge_challenge(ep, peer, m, ret_why))
		return false;
	if (ep->shutting_down) {
		reason_set(ret_why, L2TP_STOP_SHUTDOWN, 0, "shutting down");
		return false;
	}
	/* V2-RES-4; half-open ones make room (sources.c) */
	if (ep->live.n - ep->half_open >= ep->limits.tunnels ||
	    !share_of_tunnels(ep, now, &path->peer)) {
		reason_set(ret_why, L2TP_STOP_ERROR, L2TP_ERR_RESOURCES, "too many tunnels");
		return false;
	}
	if (!ep->ops->tunnel_request)
		return true;
	memset(ret_why, 0, sizeof(*ret_why));
	result = ep->ops->tunnel_request(ep->ctx, peer, path, ret_why);
	if (result)
		ret_why->result = (uint16_t)result;
	return !result;
}

bool judge_sccrp(struct l2tp_tunnel *t, const struct l2tp_message *m, struct l2tp_reason *ret_why)
{
	return judge_form(m, ret_why) && judge_name(t->peer, m, ret_why) &&
	       judge_response(t, m, ret_why) && judge_challenge(t->ep, t->peer, m, ret_why);
}

bool judge_scccn(struct l2tp_tunnel *t, const struct l2tp_message *m, struct l2tp_reason *ret_why)
{
	return judge_form(m, ret_why) && judge_response(t, m, ret_why);
}
