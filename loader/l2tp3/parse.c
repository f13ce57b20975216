/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "loader/base/log.h"
#include "loader/l2tp/hide.h"
#include "loader/l2tp3/avps.h"

struct context {
	struct l2tp3_message *m;
	const struct l2tp3_auth *auth;
	unsigned int keys; /* a bit for each that the message proved to be of */
	bool drafts;
	const uint8_t *vector; /* the closest Random Vector so far; NULL: none */
	size_t vector_len, used; /* of m->room */
};

__attribute__((format(printf, 3, 4))) static void fault(struct l2tp3_message *m,
							enum l2tp_error error, const char *fmt, ...)
{
	va_list ap;

	if (m->fault)
		return;
	m->fault = (uint16_t)error;
	va_start(ap, fmt);
	vsnprintf(m->fault_text, sizeof(m->fault_text), fmt, ap);
	va_end(ap);
}

static uint16_t u16_of(const struct l2tp_avp *avp)
{
	struct reader r = reader_of(avp->value, avp->len);

	return reader_u16(&r);
}

static uint32_t u32_of(const struct l2tp_avp *avp)
{
	struct reader r = reader_of(avp->value, avp->len);

	return reader_u32(&r);
}

static uint64_t u64_of(const struct l2tp_avp *avp)
{
	struct reader r = reader_of(avp->value, avp->len);

	return reader_u64(&r);
}

static void mark(struct l2tp3_message *m, uint16_t type)
{
	m->has[type / 64] |= UINT64_C(1) << (type % 64);
}

/* ---- what is wrong ---- */

/* Beside a header of version 2, what only that version knows is passed over, whatever its M
 * (V3-AVP-6). */
static bool of_version_2(struct l2tp3_message *m, const struct l2tp_avp *avp)
{
	if (m->h.version != 2 || !l2tp_avp_rule(avp->vendor, avp->type))
		return false;
	if (avp->vendor == L2TP_VENDOR_IETF && avp->type == L2TP_AVP_ASSIGNED_TUNNEL_ID &&
	    !avp->hidden && avp->len == 2 && !l2tp3_has(m, avp->type)) {
		m->v2_tunnel_id = u16_of(avp);
		mark(m, avp->type);
	}
	return true;
}

/* Nobody here knows it: M decides (V3-AVP-2). */
static void unrecognised(struct l2tp3_message *m, const struct l2tp_avp *avp)
{
	if (avp->mandatory)
		fault(m, L2TP_ERR_UNKNOWN_AVP, "AVP %u of vendor %u is mandatory and not known",
		      avp->type, avp->vendor);
}

/* Known, but its value is not: M decides as well. */
static void malformed(struct l2tp3_message *m, const struct l2tp_avp *avp, enum l2tp_error error,
		      const char *name, const char *why)
{
	if (avp->mandatory)
		fault(m, error, "%s (AVP %u): %s", name, avp->type, why);
}

/* ---- hidden values ---- */

/* Its length is the only sign of the right key. */
static bool reveal_with(struct context *c, unsigned int key, const struct l2tp3_avp_rule *rule,
			struct l2tp_avp *avp)
{
	const struct l2tp_hide_key with = { .secret = c->auth->keys[key].hide,
					    .secret_len = L2TP3_KEY,
					    .vector = c->vector,
					    .vector_len = c->vector_len };
	uint8_t *out = c->m->room + c->used;
	size_t len;

	if (l2tp_unhide(avp->type, &with, avp->value, avp->len, out, &len) < 0)
		return false;
	if (len < rule->min || len > rule->max) {
		explicit_bzero(out, avp->len);
		return false;
	}
	c->used += avp->len;
	avp->value = out + 2;
	avp->len = len;
	return true;
}

/* The value in clear, in *avp. In a message that two keys signed, either may have hidden it. */
static bool reveal(struct context *c, const struct l2tp3_avp_rule *rule, struct l2tp_avp *avp)
{
	if (!c->auth->nonces || !c->keys || !c->vector) { /* V3-HID-1 */
		malformed(c->m, avp, L2TP_ERR_UNKNOWN_AVP, rule->name,
			  c->vector ? "hidden without a secret" : "hidden without Random Vector");
		return false;
	}
	if (avp->len <= sizeof(c->m->room) - c->used)
		for (unsigned int k = 0; k < L2TP3_SECRETS; k++)
			if ((c->keys >> k & 1) && reveal_with(c, k, rule, avp))
				return true;
	malformed(c->m, avp, L2TP_ERR_LENGTH, rule->name, "length of what is hidden");
	return false;
}

/* ---- values ---- */

static void store_reason(struct l2tp3_message *m, const struct l2tp_avp *avp)
{
	struct reader r = reader_of(avp->value, avp->len);

	m->reason.from_peer = true;
	m->reason.result = reader_u16(&r);
	if (r.left < 2)
		return;
	m->reason.error = reader_u16(&r);
	log_quote(r.p, r.left, m->reason.text, sizeof(m->reason.text));
}

static void store_caps(struct l2tp3_message *m, const struct l2tp_avp *avp)
{
	struct reader r = reader_of(avp->value, avp->len);

	while (r.left && m->n_caps < L2TP3_MAX_CAPS)
		m->caps[m->n_caps++] = reader_u16(&r);
}

static void store_cookie(struct l2tp3_message *m, const struct l2tp_avp *avp)
{
	m->cookie_len = (uint8_t)avp->len;
	if (avp->len)
		memcpy(m->cookie, avp->value, avp->len);
}

/* Numbers. False: it is none of them. */
static bool store_number(struct l2tp3_message *m, uint16_t type, const struct l2tp_avp *avp)
{
	switch (type) {
	case L2TP_AVP_RECEIVE_WINDOW_SIZE:
		m->window = u16_of(avp);
		return true;
	case L2TP_AVP_CALL_SERIAL_NUMBER:
		m->serial = u32_of(avp);
		return true;
	case L2TP3_AVP_ROUTER_ID:
		m->router_id = u32_of(avp);
		return true;
	case L2TP3_AVP_CCID:
		m->ccid = u32_of(avp);
		return true;
	case L2TP3_AVP_LOCAL_ID:
		m->local_id = u32_of(avp);
		return true;
	case L2TP3_AVP_REMOTE_ID:
		m->remote_id = u32_of(avp);
		return true;
	case L2TP3_AVP_PW_TYPE:
		m->pw_type = u16_of(avp);
		return true;
	case L2TP3_AVP_SUBLAYER:
		m->sublayer = u16_of(avp);
		return true;
	case L2TP3_AVP_SEQUENCING:
		m->sequencing = u16_of(avp);
		return true;
	case L2TP3_AVP_CIRCUIT:
		m->circuit = u16_of(avp);
		return true;
	case L2TP3_AVP_TX_SPEED:
		m->tx_speed = u64_of(avp);
		return true;
	case L2TP3_AVP_RX_SPEED:
		m->rx_speed = u64_of(avp);
		return true;
	default:
		return false;
	}
}

static void store(struct l2tp3_message *m, uint16_t type, const struct l2tp_avp *avp)
{
	mark(m, type);
	if (store_number(m, type, avp))
		return;
	switch (type) {
	case L2TP_AVP_RESULT_CODE:
		store_reason(m, avp);
		break;
	case L2TP_AVP_TIE_BREAKER:
		memcpy(m->tie, avp->value, L2TP3_TIE);
		break;
	case L2TP_AVP_HOST_NAME:
		m->host_name = reader_of(avp->value, avp->len);
		break;
	case L2TP_AVP_VENDOR_NAME:
		m->vendor_name = reader_of(avp->value, avp->len);
		break;
	case L2TP3_AVP_PW_CAPS:
		store_caps(m, avp);
		break;
	case L2TP3_AVP_COOKIE:
		store_cookie(m, avp);
		break;
	case L2TP3_AVP_END_ID:
		m->end_id = reader_of(avp->value, avp->len);
		break;
	case L2TP3_AVP_NONCE:
		m->nonce = reader_of(avp->value, avp->len);
		break;
	default:
		break; /* that it is there is all */
	}
}

static bool good_length(uint16_t type, const struct l2tp3_avp_rule *rule, size_t len)
{
	if (len < rule->min || len > rule->max)
		return false;
	switch (type) {
	case L2TP3_AVP_PW_CAPS:
		return len % 2 == 0;
	case L2TP3_AVP_COOKIE:
		return len % 4 == 0; /* 0, 4, 8 (V3-HDR-8) */
	case L2TP_AVP_CALL_ERRORS:
		return len == rule->min || len == rule->max;
	default:
		return true;
	}
}

static bool good_number(const struct l2tp3_message *m, const struct l2tp3_avp_rule *rule,
			const struct l2tp_avp *avp)
{
	uint32_t v = avp->len == 2 ? u16_of(avp) : u32_of(avp);

	return v || !(rule->nonzero & L2TP_IN(m->type));
}

/* A format of frames that is not ours. Passing it over would be to read them wrongly, so that M does
 * not matter. */
static bool foreign(uint16_t type, const struct l2tp_avp *avp)
{
	return (type == L2TP3_AVP_SUBLAYER && u16_of(avp) > 1) ||
	       (type == L2TP3_AVP_SEQUENCING && u16_of(avp) > L2TP3_SEQ_ALL);
}

/* ---- AVPs ---- */

#define NO_TYPE UINT16_MAX

/* Its number among those of the IETF, or NO_TYPE. */
static uint16_t ietf_type(const struct l2tp_avp *avp, bool drafts)
{
	uint16_t type = 0;

	if (avp->vendor == L2TP_VENDOR_IETF)
		return avp->type;
	if (drafts && avp->vendor == L2TP3_VENDOR_CISCO)
		type = l2tp3_draft_type(avp->type);
	return type ? type : NO_TYPE;
}

/* They have to do with the message, not with what it says. True: it was one of them. */
static bool take_envelope(struct context *c, uint16_t type, const struct l2tp_avp *avp)
{
	if (type == L2TP3_AVP_DIGEST) { /* it has been looked at, where it counts */
		mark(c->m, type);
		return true;
	}
	if (type != L2TP_AVP_RANDOM_VECTOR)
		return false;
	if (avp->hidden) {
		malformed(c->m, avp, L2TP_ERR_LENGTH, "Random Vector", "hidden");
		return true;
	}
	c->vector = avp->value;
	c->vector_len = avp->len;
	return true;
}

static void take_value(struct context *c, uint16_t type, const struct l2tp3_avp_rule *rule,
		       struct l2tp_avp *avp)
{
	struct l2tp3_message *m = c->m;

	if (type == L2TP3_AVP_NONCE)
		avp->mandatory = true; /* without it nothing could be verified any more */
	if (avp->hidden && type == L2TP3_AVP_NONCE)
		malformed(m, avp, L2TP_ERR_LENGTH, rule->name, "hidden");
	else if (avp->hidden && !reveal(c, rule, avp))
		return;
	else if (!good_length(type, rule, avp->len))
		malformed(m, avp, L2TP_ERR_LENGTH, rule->name, "length");
	else if (!good_number(m, rule, avp))
		malformed(m, avp, L2TP_ERR_RANGE, rule->name, "must not be 0");
	else if (foreign(type, avp))
		fault(m, L2TP_ERR_RANGE, "%s (AVP %u): %u is not supported", rule->name, avp->type,
		      u16_of(avp));
	else
		store(m, type, avp);
}

/* Reserved bits are ignored (V3-AVP-1), and M where it is known and well (V3-AVP-2). */
static void take(struct context *c, struct l2tp_avp *avp)
{
	uint16_t type = ietf_type(avp, c->drafts);
	const struct l2tp3_avp_rule *rule = l2tp3_avp_rule(type);

	if (!rule) {
		if (avp->vendor == L2TP3_VENDOR_CISCO && c->drafts &&
		    l2tp3_draft_passed_over(avp->type))
			return;
		if (!of_version_2(c->m, avp))
			unrecognised(c->m, avp);
		return;
	}
	if (take_envelope(c, type, avp))
		return;
	/* In a message that does not list it nobody reads it, and of several the first one counts:
	 * drafts stand behind what they stand for. */
	if ((rule->listed & L2TP_IN(c->m->type)) && !l2tp3_has(c->m, type))
		take_value(c, type, rule, avp);
}

static void require(struct l2tp3_message *m)
{
	/* of what a peer of version 2 answers, the header is all we need */
	if (m->h.version == 2 && m->type != L2TP_SCCRQ)
		return;
	for (unsigned int type = 0; type < L2TP3_AVP_LIMIT; type++) {
		const struct l2tp3_avp_rule *rule = l2tp3_avp_rule((uint16_t)type);

		if (rule && (rule->required & L2TP_IN(m->type)) && !l2tp3_has(m, type))
			fault(m, L2TP_ERR_RANGE, "%s without %s (AVP %u)",
			      l2tp3_message_name(m->type), rule->name, type);
	}
}

static void take_all(struct context *c, struct reader r)
{
	struct l2tp_avp avp;

	l2tp_avp_next(&r, &avp);
	mark(c->m, L2TP_AVP_MESSAGE_TYPE);
	if (!l2tp3_message_name(c->m->type)) {
		if (avp.mandatory)
			fault(c->m, L2TP_ERR_UNKNOWN_AVP, "unknown message type %u", c->m->type);
		return;
	}
	while (l2tp_avp_next(&r, &avp))
		take(c, &avp);
	require(c->m);
}

/* ---- before a secret is known ---- */

static void survey_value(struct l2tp3_message *m, uint16_t type, const struct l2tp_avp *avp)
{
	const struct l2tp3_avp_rule *rule = l2tp3_avp_rule(type);

	if (m->type != L2TP_SCCRQ || avp->hidden)
		return;
	if (type == L2TP_AVP_ASSIGNED_TUNNEL_ID)
		of_version_2(m, avp);
	else if ((type == L2TP_AVP_HOST_NAME || type == L2TP3_AVP_ROUTER_ID ||
		  type == L2TP3_AVP_CCID) &&
		 good_length(type, rule, avp->len))
		store(m, type, avp);
}

/* V3-AUTH-9: nothing of it is believed. */
static void survey(struct context *c, struct reader r)
{
	struct l2tp_avp avp;

	while (l2tp_avp_next(&r, &avp)) {
		uint16_t type = ietf_type(&avp, c->drafts);

		if (type >= 128 || l2tp3_has(c->m, type))
			continue;
		survey_value(c->m, type, &avp);
		mark(c->m, type);
	}
}

/* ---- the whole message ---- */

/* AVPs that fill it, Message Type first, in clear (V3-AVP-1). 0: they do not. */
static uint16_t message_type(struct reader r)
{
	struct l2tp_avp first, avp;

	if (!l2tp_avp_next(&r, &first) || first.vendor != L2TP_VENDOR_IETF ||
	    first.type != L2TP_AVP_MESSAGE_TYPE || first.hidden || first.len != 2)
		return 0;
	while (l2tp_avp_next(&r, &avp))
		;
	return r.bad ? 0 : u16_of(&first);
}

/* What may have a header of version 2: an offer of both versions, and what answers it (V3-FB-2). */
static bool good_version(const struct l2tp3_message *m)
{
	return m->h.version == 3 || m->type == L2TP_SCCRQ || m->type == L2TP_SCCRP ||
	       m->type == L2TP_STOPCCN;
}

static unsigned int lowest(unsigned int keys)
{
	return keys ? (unsigned int)__builtin_ctz(keys) : 0;
}

enum l2tp3_parsed l2tp3_parse(const uint8_t *p, size_t len, const struct l2tp3_auth *auth,
			      bool drafts, struct l2tp3_message *ret)
{
	struct context c = { .m = ret, .auth = auth, .drafts = drafts };
	enum l2tp3_parsed verdict;
	struct reader r;

	memset(ret, 0, offsetof(struct l2tp3_message, room));
	if (l2tp3_header_parse(p, len, &ret->h) < 0 || ret->h.len > L2TP_MAX_MESSAGE)
		return L2TP3_P_HEADER;
	r = reader_of(p + L2TP3_HEADER, ret->h.len - L2TP3_HEADER);
	if (!ret->h.zlb) {
		ret->type = message_type(r);
		if (!ret->type)
			return L2TP3_P_AVPS;
		if (!good_version(ret))
			return L2TP3_P_HEADER;
	}
	if (!auth) {
		survey(&c, r);
		return L2TP3_P_OK;
	}
	verdict = l2tp3_verify(p, ret->h.len, ret->type, auth, &c.keys); /* V3-AUTH-5 */
	if (verdict != L2TP3_P_OK || ret->h.zlb)
		return verdict;
	ret->verified = (uint8_t)lowest(c.keys);
	take_all(&c, r);
	return L2TP3_P_OK;
}
