/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "loader/l2tp/hide.h"
#include "loader/l2tp3/avps.h"

#define LENGTH_OFFSET 2
#define FLAGS 0xc800 /* T, L, S (V3-HDR-4) */
#define BLOCK 16u

/* ---- one AVP ---- */

/* Octets, M and H of an AVP; NULL: not one that we send. A message of version 2 may also have those
 * of that version. */
struct form {
	uint16_t min, max;
	bool mandatory, may_hide;
};

static bool form_of(const struct l2tp3_builder *b, uint16_t type, struct form *ret)
{
	const struct l2tp3_avp_rule *rule = l2tp3_avp_rule(type);
	const struct l2tp_avp_rule *v2 =
		b->version == 2 ? l2tp_avp_rule(L2TP_VENDOR_IETF, type) : NULL;

	if (rule)
		*ret = (struct form){ rule->min, rule->max, rule->mandatory, rule->may_hide };
	else if (v2)
		*ret = (struct form){ v2->min, v2->max, v2->mandatory, false };
	else
		return false;
	if (b->version == 2) /* who knows that version alone must not stumble (V3-FB-1) */
		ret->mandatory = v2 && v2->mandatory;
	return true;
}

/* Room for a value, behind its header; NULL when full. */
static uint8_t *avp_room(struct l2tp3_builder *b, uint16_t flags, uint16_t vendor, uint16_t type,
			 size_t len)
{
	if (len > L2TP_AVP_VALUE_MAX)
		b->w.bad = true;
	writer_u16(&b->w, (uint16_t)(flags | (L2TP_AVP_HEADER + len)));
	writer_u16(&b->w, vendor);
	writer_u16(&b->w, type);
	return writer_room(&b->w, len);
}

static void put_clear(struct l2tp3_builder *b, bool mandatory, uint16_t vendor, uint16_t type,
		      const void *v, size_t len)
{
	uint8_t *p = avp_room(b, mandatory ? L2TP_AVP_M : 0, vendor, type, len);

	if (p && len)
		memcpy(p, v, len);
}

/* One for the whole message: no type of ours stands twice in it (V3-HID-1). */
static void put_vector(struct l2tp3_builder *b)
{
	struct form f = { 0 };

	if (b->has_vector)
		return;
	b->random(b->ctx, b->vector, sizeof(b->vector));
	b->has_vector = true;
	form_of(b, L2TP_AVP_RANDOM_VECTOR, &f);
	put_clear(b, f.mandatory, L2TP_VENDOR_IETF, L2TP_AVP_RANDOM_VECTOR, b->vector,
		  sizeof(b->vector));
}

static void put_hidden(struct l2tp3_builder *b, bool mandatory, uint16_t vendor, uint16_t type,
		       const void *v, size_t len)
{
	const struct l2tp3_keys *keys =
		&b->auth->keys[b->auth->hide_key < b->auth->n_keys ? b->auth->hide_key : 0];
	const struct l2tp_hide_key key = { .secret = keys->hide,
					   .secret_len = L2TP3_KEY,
					   .vector = b->vector,
					   .vector_len = sizeof(b->vector) };
	/* padded to whole blocks, so that a length tells little */
	size_t padded = (len + 2 + BLOCK - 1) / BLOCK * BLOCK;
	uint8_t *p;

	if (padded > L2TP_AVP_VALUE_MAX)
		padded = len + 2;
	put_vector(b);
	p = avp_room(b, (uint16_t)((mandatory ? L2TP_AVP_M : 0) | L2TP_AVP_H), vendor, type,
		     padded);
	if (!p)
		return;
	p[0] = (uint8_t)(len >> 8);
	p[1] = (uint8_t)len;
	if (len)
		memcpy(p + 2, v, len);
	if (padded > len + 2)
		b->random(b->ctx, p + 2 + len, padded - len - 2);
	l2tp_hide(type, &key, p, padded);
}

void l2tp3_put_bytes(struct l2tp3_builder *b, uint16_t type, const void *v, size_t len)
{
	uint16_t draft = b->drafts ? l2tp3_draft_of(type) : 0;
	struct form f;

	if (!form_of(b, type, &f) || len < f.min || len > f.max) {
		b->w.bad = true;
		return;
	}
	if (b->hide && f.may_hide) {
		put_hidden(b, f.mandatory, L2TP_VENDOR_IETF, type, v, len);
		if (draft)
			put_hidden(b, false, L2TP3_VENDOR_CISCO, draft, v, len);
		return;
	}
	put_clear(b, f.mandatory, L2TP_VENDOR_IETF, type, v, len);
	if (draft)
		put_clear(b, false, L2TP3_VENDOR_CISCO, draft, v, len);
}

void l2tp3_put_u16(struct l2tp3_builder *b, uint16_t type, uint16_t v)
{
	uint8_t be[2];
	struct writer w = writer_of(be, sizeof(be));

	writer_u16(&w, v);
	l2tp3_put_bytes(b, type, be, sizeof(be));
}

void l2tp3_put_u32(struct l2tp3_builder *b, uint16_t type, uint32_t v)
{
	uint8_t be[4];
	struct writer w = writer_of(be, sizeof(be));

	writer_u32(&w, v);
	l2tp3_put_bytes(b, type, be, sizeof(be));
}

void l2tp3_put_u64(struct l2tp3_builder *b, uint16_t type, uint64_t v)
{
	uint8_t be[8];
	struct writer w = writer_of(be, sizeof(be));

	writer_u64(&w, v);
	l2tp3_put_bytes(b, type, be, sizeof(be));
}

/* Two octets when there is nothing to add, as the RFC allows. */
void l2tp3_put_result(struct l2tp3_builder *b, const struct l2tp_reason *why)
{
	uint8_t v[4 + sizeof(why->text)];
	struct writer w = writer_of(v, sizeof(v));
	size_t text = strnlen(why->text, sizeof(why->text));

	writer_u16(&w, why->result);
	if (why->error || text) {
		writer_u16(&w, why->error);
		writer_bytes(&w, why->text, text);
	}
	l2tp3_put_bytes(b, L2TP_AVP_RESULT_CODE, v, w.len);
}

/* ---- the message ---- */

/* Zeros, until it is signed. One for each secret (V3-AUTH-2, V3-AUTH-5). */
static void put_digests(struct l2tp3_builder *b)
{
	for (unsigned int k = 0; b->auth && k < b->auth->n_keys && k < L2TP3_SECRETS; k++) {
		uint8_t v[21] = { (uint8_t)b->auth->digest };

		l2tp3_put_bytes(b, L2TP3_AVP_DIGEST, v,
				b->auth->digest == L2TP3_SHA1 ? sizeof(v) : 17);
	}
}

void l2tp3_build(struct l2tp3_builder *b, uint8_t version, uint16_t type, uint32_t ccid,
		 const struct l2tp3_auth *auth)
{
	b->w = writer_of(b->buf, sizeof(b->buf));
	b->auth = auth;
	b->version = version;
	b->hide = b->drafts = b->has_vector = false;
	b->random = NULL;
	writer_u16(&b->w, FLAGS | version);
	writer_u16(&b->w, 0); /* Length, at the end */
	writer_u32(&b->w, ccid);
	writer_u32(&b->w, 0); /* Ns and Nr, as it leaves */
	if (!type) /* a ZLB */
		return;
	l2tp3_put_u16(b, L2TP_AVP_MESSAGE_TYPE, type);
	put_digests(b);
}

void l2tp3_build_hide(struct l2tp3_builder *b, void (*random)(void *, void *, size_t), void *ctx)
{
	b->random = random;
	b->ctx = ctx;
	/* only with authentication (V3-HID-1) */
	b->hide = random && b->auth && b->auth->n_keys && b->auth->nonces;
}

int l2tp3_build_end(struct l2tp3_builder *b)
{
	writer_patch_u16(&b->w, LENGTH_OFFSET, (uint16_t)b->w.len);
	return b->w.bad ? -EMSGSIZE : 0;
}
