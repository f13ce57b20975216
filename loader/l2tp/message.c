/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loader/l2tp/message.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "loader/base/log.h"
#include "loader/l2tp/hide.h"

/* Secret and the closest Random Vector so far (V2-HID-1). */
struct context {
	struct l2tp_message *m;
	struct l2tp_hide_key key;
};

__attribute__((format(printf, 3, 4))) static void fault(struct l2tp_message *m,
							enum l2tp_error error, const char *fmt, ...)
{
	va_list ap;

	if (m->fault.error)
		return;
	m->fault.error = (uint16_t)error;
	va_start(ap, fmt);
	vsnprintf(m->fault.text, sizeof(m->fault.text), fmt, ap);
	va_end(ap);
}

/* Nobody here knows it: M decides (V2-AVP-9). */
static void unrecognised(struct l2tp_message *m, const struct l2tp_avp *avp, const char *why)
{
	if (avp->mandatory)
		fault(m, L2TP_ERR_UNKNOWN_AVP, "AVP vendor %u type %u: %s", avp->vendor, avp->type,
		      why);
}

/* Known, but its value is not: M decides (V2-AVP-6). */
static void bad_value(struct l2tp_message *m, const struct l2tp_avp *avp, enum l2tp_error error,
		      const char *name, const char *why)
{
	if (avp->mandatory)
		fault(m, error, "%s (AVP %u): %s", name, avp->type, why);
}

/* The value in clear, in *avp. */
static bool reveal(struct context *c, struct l2tp_avp *avp, const char *name)
{
	struct l2tp_message *m = c->m;
	uint8_t *out = m->revealed + m->revealed_len;
	size_t value_len;

	if (!c->key.secret || !c->key.vector) { /* V2-HID-5 */
		unrecognised(m, avp,
			     c->key.secret ? "hidden without Random Vector"
					   : "hidden without a secret");
		return false;
	}
	if (avp->len > sizeof(m->revealed) - m->revealed_len ||
	    l2tp_unhide(avp->type, &c->key, avp->value, avp->len, out, &value_len) < 0) {
		bad_value(m, avp, L2TP_ERR_LENGTH, name, "hidden length, or another secret");
		return false;
	}
	m->revealed_len += avp->len;
	avp->value = out + 2;
	avp->len = value_len;
	return true;
}

static void take(struct context *c, struct l2tp_avp *avp)
{
	struct l2tp_message *m = c->m;
	const struct l2tp_avp_rule *rule = l2tp_avp_rule(avp->vendor, avp->type);

	if (avp->reserved) { /* V2-AVP-3 */
		unrecognised(m, avp, "reserved bits");
		return;
	}
	if (!rule) {
		unrecognised(m, avp, "unknown");
		return;
	}
	/* In a message that does not list it, nobody reads it (V2-AVP-8). */
	if (!(rule->listed & L2TP_IN(m->type)))
		return;
	if (avp->type == L2TP_AVP_RANDOM_VECTOR) {
		c->key.vector = avp->value;
		c->key.vector_len = avp->len;
		return;
	}
	if (avp->hidden && !reveal(c, avp, rule->name))
		return;
	if (avp->len < rule->min || avp->len > rule->max) {
		bad_value(m, avp, L2TP_ERR_LENGTH, rule->name, "length");
		return;
	}
	if (rule->nonzero && !avp->value[0] && !avp->value[1]) {
		bad_value(m, avp, L2TP_ERR_RANGE, rule->name, "must not be 0");
		return;
	}
	if (!m->v[avp->type].p) /* the first one wins (V2-AVP-8) */
		m->v[avp->type] = (struct l2tp_value){ avp->value, avp->len };
}

static void require(struct l2tp_message *m)
{
	for (unsigned int type = 0; type < L2TP_AVP_LIMIT; type++) {
		const struct l2tp_avp_rule *rule = &l2tp_avp_rules[type];

		if ((rule->required & L2TP_IN(m->type)) && !m->v[type].p)
			fault(m, L2TP_ERR_RANGE, "%s without %s (AVP %u)",
			      l2tp_message_name(m->type), rule->name, type);
	}
}

int l2tp_message_parse(const uint8_t *p, size_t len, const uint8_t *secret, size_t secret_len,
		       struct l2tp_message *ret)
{
	struct context c = { .m = ret, .key = { .secret = secret, .secret_len = secret_len } };
	struct reader r = reader_of(p, len);
	struct l2tp_avp avp;

	if (len > L2TP_MAX_MESSAGE || !l2tp_avps_valid(p, len))
		return -EBADMSG;
	memset(ret, 0, offsetof(struct l2tp_message, revealed));
	l2tp_avp_next(&r, &avp);
	ret->type = (uint16_t)(avp.value[0] << 8 | avp.value[1]);
	ret->mandatory = avp.mandatory;
	ret->known = l2tp_message_name(ret->type);
	ret->v[L2TP_AVP_MESSAGE_TYPE] = (struct l2tp_value){ avp.value, avp.len };
	if (!ret->known) { /* V2-AVP-10 */
		if (avp.mandatory)
			fault(ret, L2TP_ERR_UNKNOWN_AVP, "unknown message type %u", ret->type);
		return 0;
	}
	while (l2tp_avp_next(&r, &avp))
		take(&c, &avp);
	require(ret); /* V2-AVP-11 */
	return 0;
}

void l2tp_message_wipe(struct l2tp_message *m)
{
	explicit_bzero(m->revealed, m->revealed_len);
	m->revealed_len = 0;
}

uint16_t l2tp_u16(const struct l2tp_message *m, enum l2tp_avp_type type)
{
	struct reader r = reader_of(m->v[type].p, m->v[type].len);

	return reader_u16(&r);
}

uint32_t l2tp_u32(const struct l2tp_message *m, enum l2tp_avp_type type)
{
	struct reader r = reader_of(m->v[type].p, m->v[type].len);

	return reader_u32(&r);
}

/* Apple's order of octets: no code is that large (Q-1, V2-RES-2). */
static uint16_t host_code(uint16_t code)
{
	return code > 0xff && !(code & 0xff) ? (uint16_t)(code >> 8) : code;
}

void l2tp_message_reason(const struct l2tp_message *m, struct l2tp_reason *ret)
{
	const struct l2tp_value *cause = &m->v[L2TP_AVP_PPP_DISCONNECT_CAUSE];
	struct reader r = reader_of(m->v[L2TP_AVP_RESULT_CODE].p, m->v[L2TP_AVP_RESULT_CODE].len);

	memset(ret, 0, sizeof(*ret));
	ret->from_peer = true;
	ret->result = host_code(reader_u16(&r));
	if (r.left >= 2) { /* V2-RES-1: the error code is optional */
		ret->error = reader_u16(&r);
		if (m->type != L2TP_STOPCCN || ret->result != L2TP_STOP_VERSION)
			ret->error = host_code(ret->error); /* else it is a version (V2-CC-2) */
		log_quote(r.p, r.left, ret->text, sizeof(ret->text));
	}
	if (cause->p) {
		r = reader_of(cause->p, cause->len);
		ret->ppp_cause = reader_u16(&r);
		ret->ppp_proto = reader_u16(&r);
		ret->ppp_direction = reader_u8(&r);
	}
}
