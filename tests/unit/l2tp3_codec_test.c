/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Header, AVPs, digests and hiding of version 3: against the vectors, and cell by cell. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "loader/l2tp/hide.h"
#include "loader/l2tp3/avps.h"

#define M L2TP_AVP_M
#define H L2TP_AVP_H

static json_t *crypto;
static const char secret[] = "l2tp-secret";
static struct l2tp3_message msg;

static size_t field(const char *name, const char *key, uint8_t *out, size_t cap)
{
	const char *hex = json_string_value(json_object_get(json_object_get(crypto, name), key));
	size_t n;

	assert_non_null(hex);
	n = strlen(hex) / 2;
	assert_true(n <= cap);
	for (size_t i = 0; i < n; i++) {
		char two[3] = { hex[2 * i], hex[2 * i + 1], 0 };

		out[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	return n;
}

static void fill(uint8_t *p, uint8_t first, size_t n)
{
	for (size_t i = 0; i < n; i++)
		p[i] = (uint8_t)(first + i);
}

/* Of the initiator of the vectors, or the responder. */
static struct l2tp3_auth auth_of(bool initiator)
{
	struct l2tp3_auth a = { .n_keys = 1, .nonces = true, .peer_len = 16 };

	l2tp3_keys_derive((const uint8_t *)secret, sizeof(secret) - 1, &a.keys[0]);
	fill(a.ours, initiator ? 0x30 : 0x40, 16);
	fill(a.peer, initiator ? 0x40 : 0x30, 16);
	return a;
}

static void predictable(void *ctx, void *buf, size_t n)
{
	(void)ctx;
	fill(buf, 0, n);
}

/* In a buffer of just that size, so that an octet read beyond is found. */
static enum l2tp3_parsed parse_tight(const uint8_t *p, size_t len, const struct l2tp3_auth *auth,
				     bool drafts)
{
	uint8_t *tight = malloc(len ? len : 1);
	enum l2tp3_parsed ret;

	assert_non_null(tight);
	if (len)
		memcpy(tight, p, len);
	ret = l2tp3_parse(tight + (len ? 0 : 1), len, auth, drafts, &msg);
	free(tight);
	return ret;
}

/* ---- messages by hand ---- */

struct raw {
	uint8_t b[4096];
	size_t len;
};

static void raw_avp(struct raw *r, uint16_t flags, uint16_t vendor, uint16_t type, const void *v,
		    size_t len)
{
	struct writer w = writer_of(r->b + r->len, sizeof(r->b) - r->len);

	writer_u16(&w, (uint16_t)(flags | (L2TP_AVP_HEADER + len)));
	writer_u16(&w, vendor);
	writer_u16(&w, type);
	writer_bytes(&w, v, len);
	assert_false(w.bad);
	r->len += w.len;
	r->b[2] = (uint8_t)(r->len >> 8);
	r->b[3] = (uint8_t)r->len;
}

static void raw_begin(struct raw *r, uint8_t version, uint16_t type)
{
	const uint8_t v[2] = { (uint8_t)(type >> 8), (uint8_t)type };

	memset(r, 0, sizeof(*r));
	r->b[0] = 0xc8;
	r->b[1] = version;
	r->len = L2TP3_HEADER;
	raw_avp(r, M, 0, 0, v, 2);
}

/* A value that is right for every AVP: numbers are 1. */
static const uint8_t *value_of(size_t len)
{
	static uint8_t v[L2TP_AVP_VALUE_MAX + 2];

	memset(v, 0, sizeof(v));
	if (len)
		v[len - 1] = 1;
	return v;
}

/* All that the message has to have, but for one. */
static void raw_required(struct raw *r, uint16_t type, uint16_t but)
{
	raw_begin(r, 3, type);
	for (uint16_t t = 1; t < L2TP3_AVP_LIMIT; t++) {
		const struct l2tp3_avp_rule *rule = l2tp3_avp_rule(t);

		if (rule && (rule->required & L2TP_IN(type)) && t != but)
			raw_avp(r, M, 0, t, value_of(rule->min), rule->min);
	}
}

static const struct l2tp3_auth no_auth;

static void parse_ok(const struct raw *r)
{
	assert_int_equal(parse_tight(r->b, r->len, &no_auth, false), L2TP3_P_OK);
}

static const uint16_t types[] = { L2TP_SCCRQ, L2TP_SCCRP, L2TP_SCCCN, L2TP_STOPCCN, L2TP_HELLO,
				  L2TP_OCRQ,  L2TP_OCRP,  L2TP_OCCN,  L2TP_ICRQ,    L2TP_ICRP,
				  L2TP_ICCN,  L2TP_CDN,   L2TP_WEN,   L2TP_SLI,     L2TP3_ACK };
#define N_TYPES (sizeof(types) / sizeof(types[0]))

/* ---- header ---- */

static void the_header_has_one_form(void **state)
{
	uint8_t p[L2TP3_HEADER] = { 0, 0, 0, 12, 1, 2, 3, 4, 5, 6, 7, 8 };
	struct l2tp3_header h;

	(void)state;
	for (unsigned int flags = 0; flags <= 0xffff; flags++) {
		bool v3 = (flags & 0xc80f) == 0xc803, v2 = (flags & 0xcb0f) == 0xc802;

		p[0] = (uint8_t)(flags >> 8);
		p[1] = (uint8_t)flags;
		assert_int_equal(l2tp3_header_parse(p, sizeof(p), &h), v3 || v2 ? 0 : -EBADMSG);
	}
	p[0] = 0xc8;
	p[1] = 3;
	assert_int_equal(l2tp3_header_parse(p, sizeof(p), &h), 0);
	assert_int_equal(h.version, 3);
	assert_int_equal(h.ccid, 0x01020304);
	assert_int_equal(h.ns, 0x0506);
	assert_int_equal(h.nr, 0x0708);
	assert_true(h.zlb);
	for (size_t n = 0; n < sizeof(p); n++)
		assert_int_equal(parse_tight(p, n, &no_auth, false), L2TP3_P_HEADER);
	p[3] = 11;
	assert_int_equal(l2tp3_header_parse(p, sizeof(p), &h), -EBADMSG);
	p[3] = 13;
	assert_int_equal(l2tp3_header_parse(p, sizeof(p), &h), -EBADMSG);
}

/* V3-REL-7 */
static void a_zlb_counts_without_authentication_alone(void **state)
{
	const uint8_t p[] = { 0xc8, 3, 0, 12, 0, 0, 0, 9, 0, 1, 0, 2, 0xff };
	struct l2tp3_auth a = auth_of(true);

	(void)state;
	assert_int_equal(parse_tight(p, sizeof(p), &no_auth, false), L2TP3_P_OK);
	assert_int_equal(msg.type, 0);
	assert_true(msg.h.zlb);
	assert_int_equal(parse_tight(p, sizeof(p), &a, false), L2TP3_P_NO_DIGEST);
	a.nonces = false;
	assert_int_equal(parse_tight(p, sizeof(p), &a, false), L2TP3_P_OK);
}

/* ---- keys, digests, hiding: the vectors ---- */

static void keys_agree_with_the_vectors(void **state)
{
	struct l2tp3_keys k;
	uint8_t want[L2TP3_KEY];

	(void)state;
	l2tp3_keys_derive((const uint8_t *)secret, sizeof(secret) - 1, &k);
	field("v3_keys", "hide_key_hmac_md5_secret_01", want, sizeof(want));
	assert_memory_equal(k.hide, want, sizeof(want));
	field("v3_keys", "auth_key_hmac_md5_secret_02", want, sizeof(want));
	assert_memory_equal(k.digest, want, sizeof(want));
	l2tp3_keys_derive(NULL, 0, &k);
	field("v3_integrity_only_key", "auth_key_hmac_md5_empty_02", want, sizeof(want));
	assert_memory_equal(k.digest, want, sizeof(want));
}

static const struct {
	const char *name;
	bool initiator; /* who sends */
	uint16_t type;
} vectors[] = {
	{ "v3_sccrq_digest_md5", true, L2TP_SCCRQ },  { "v3_sccrp_digest_md5", false, L2TP_SCCRP },
	{ "v3_hello_digest_md5", true, L2TP_HELLO },  { "v3_ack_digest_md5", true, L2TP3_ACK },
	{ "v3_sccrq_digest_sha1", true, L2TP_SCCRQ }, { "v3_sccrp_digest_sha1", false, L2TP_SCCRP },
	{ "v3_hello_digest_sha1", true, L2TP_HELLO }, { "v3_ack_digest_sha1", true, L2TP3_ACK },
	{ "v3_hello_two_digests", true, L2TP_HELLO },
};
#define N_VECTORS (sizeof(vectors) / sizeof(vectors[0]))

/* V3-AUTH-3, V3-AUTH-4: as sent, signed from zeros and over what stood there before; and read. */
static void digests_agree_with_the_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_VECTORS; i++) {
		struct l2tp3_auth from = auth_of(vectors[i].initiator);
		struct l2tp3_auth to = auth_of(!vectors[i].initiator);
		uint8_t wire[256], p[256];
		size_t len = field(vectors[i].name, "message_on_wire", wire, sizeof(wire));

		assert_int_equal(field(vectors[i].name, "message_zeroed_digest", p, sizeof(p)),
				 len);
		l2tp3_sign(p, len, &from);
		assert_memory_equal(p, wire, len);
		l2tp3_sign(p, len, &from);
		assert_memory_equal(p, wire, len);
		if (vectors[i].type == L2TP_SCCRP || vectors[i].type == L2TP_SCCRQ)
			to.peer_len = 0; /* it is in the message */
		assert_int_equal(parse_tight(wire, len, &to, false), L2TP3_P_OK);
		assert_int_equal(msg.type, vectors[i].type);
		assert_int_equal(msg.fault, 0);
	}
}

/* HELLO and ACK: nothing in them is ours to choose. */
static void whole_messages_are_built_as_the_vectors(void **state)
{
	static const struct {
		const char *name;
		uint16_t type;
		uint8_t ns, nr;
		enum l2tp3_digest digest;
	} cases[] = {
		{ "v3_hello_digest_md5", L2TP_HELLO, 2, 1, L2TP3_MD5 },
		{ "v3_ack_digest_md5", L2TP3_ACK, 2, 2, L2TP3_MD5 },
		{ "v3_hello_digest_sha1", L2TP_HELLO, 2, 1, L2TP3_SHA1 },
		{ "v3_ack_digest_sha1", L2TP3_ACK, 2, 2, L2TP3_SHA1 },
	};
	struct l2tp3_builder b;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct l2tp3_auth a = auth_of(true);
		uint8_t want[256];
		size_t len = field(cases[i].name, "message_on_wire", want, sizeof(want));

		a.digest = cases[i].digest;
		l2tp3_build(&b, 3, cases[i].type, 0x1234, &a);
		assert_int_equal(l2tp3_build_end(&b), 0);
		b.buf[9] = cases[i].ns;
		b.buf[11] = cases[i].nr;
		l2tp3_sign(b.buf, b.w.len, &a);
		assert_int_equal(b.w.len, len);
		assert_memory_equal(b.buf, want, len);
	}
}

/* V3-HID-1: the AVPs of the vectors in an ICRQ. */
static void hidden_avps_agree_with_the_vectors(void **state)
{
	static const uint8_t zeros[17];
	struct l2tp3_auth from = auth_of(true), to = auth_of(false);
	struct raw r;
	uint8_t v[64];
	size_t n;

	(void)state;
	raw_begin(&r, 3, L2TP_ICRQ);
	raw_avp(&r, M, 0, L2TP3_AVP_DIGEST, zeros, sizeof(zeros));
	n = field("common", "random_vector_avp", v, sizeof(v));
	memcpy(r.b + r.len, v, n);
	r.len += n;
	n = field("v3_hide_short", "avp_on_wire", v, sizeof(v));
	memcpy(r.b + r.len, v, n);
	r.len += n;
	n = field("v3_hide_cookie_padded", "avp_on_wire", v, sizeof(v));
	memcpy(r.b + r.len, v, n);
	r.len += n;
	raw_avp(&r, M, 0, L2TP_AVP_CALL_SERIAL_NUMBER, value_of(4), 4);
	raw_avp(&r, M, 0, L2TP3_AVP_REMOTE_ID, value_of(4), 4);
	raw_avp(&r, M, 0, L2TP3_AVP_END_ID, "x", 1);
	raw_avp(&r, M, 0, L2TP3_AVP_PW_TYPE, value_of(2), 2);
	raw_avp(&r, M, 0, L2TP3_AVP_CIRCUIT, value_of(2), 2);
	l2tp3_sign(r.b, r.len, &from);
	assert_int_equal(parse_tight(r.b, r.len, &to, false), L2TP3_P_OK);
	assert_int_equal(msg.fault, 0);
	assert_int_equal(msg.local_id, 0x0a0b0c0d);
	assert_int_equal(msg.cookie_len, 8);
	assert_memory_equal(msg.cookie, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
}

/* ---- authentication ---- */

/* V3-AUTH-5: one bit of anything, and it is not believed. */
static void every_flipped_bit_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_VECTORS; i++) {
		struct l2tp3_auth to = auth_of(!vectors[i].initiator);
		uint8_t p[256];
		size_t len = field(vectors[i].name, "message_on_wire", p, sizeof(p));
		bool two = strstr(vectors[i].name, "two");

		for (size_t bit = 0; bit < len * 8; bit++) {
			enum l2tp3_parsed got;

			p[bit / 8] ^= (uint8_t)(1u << bit % 8);
			got = parse_tight(p, len, &to, false);
			p[bit / 8] ^= (uint8_t)(1u << bit % 8);
			/* of two digests either may be spoilt, but for its type */
			if (two && ((bit / 8 >= 27 && bit / 8 < 43) || bit / 8 >= 50))
				assert_int_equal(got, L2TP3_P_OK);
			else
				assert_int_not_equal(got, L2TP3_P_OK);
		}
	}
}

static void every_cut_is_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_VECTORS; i++) {
		struct l2tp3_auth to = auth_of(!vectors[i].initiator);
		uint8_t p[256];
		size_t len = field(vectors[i].name, "message_on_wire", p, sizeof(p));

		for (size_t n = 0; n < len; n++) {
			assert_int_equal(parse_tight(p, n, &to, false), L2TP3_P_HEADER);
			assert_int_equal(parse_tight(p, n, NULL, true), L2TP3_P_HEADER);
		}
		/* and with a Length that says so */
		for (size_t n = L2TP3_HEADER; n < len; n++) {
			p[2] = (uint8_t)(n >> 8);
			p[3] = (uint8_t)n;
			assert_int_not_equal(parse_tight(p, n, &to, false), L2TP3_P_OK);
			parse_tight(p, n, NULL, true);
			parse_tight(p, n, &no_auth, true);
		}
	}
}

static void a_digest_is_required_with_authentication(void **state)
{
	struct l2tp3_auth a = auth_of(false);
	struct raw r;

	(void)state;
	for (size_t i = 0; i < N_TYPES; i++) {
		raw_required(&r, types[i], 0);
		assert_int_equal(parse_tight(r.b, r.len, &a, false), L2TP3_P_NO_DIGEST);
		assert_int_equal(msg.type, types[i]);
	}
	/* a good digest of who announces no authentication (V3-AUTH-6) */
	raw_begin(&r, 3, L2TP_SCCRQ);
	raw_avp(&r, M, 0, L2TP3_AVP_DIGEST, value_of(0), 17);
	l2tp3_sign(r.b, r.len, &a);
	assert_int_equal(parse_tight(r.b, r.len, &a, false), L2TP3_P_NO_DIGEST);
}

/* V3-AUTH-2: a digest that is elsewhere, hidden, cut or of another kind proves nothing. */
static void a_digest_has_its_place_and_form(void **state)
{
	struct l2tp3_auth from = auth_of(true), to = auth_of(false);
	static const uint8_t zeros[21], sha[21] = { 1 }, odd[17] = { 2 };
	struct raw r;

	(void)state;
	raw_begin(&r, 3, L2TP_HELLO);
	raw_avp(&r, 0, 0, L2TP3_AVP_LANGUAGE, "de", 2);
	raw_avp(&r, M, 0, L2TP3_AVP_DIGEST, zeros, 17);
	l2tp3_sign(r.b, r.len, &from);
	assert_int_equal(parse_tight(r.b, r.len, &to, false), L2TP3_P_NO_DIGEST);
	for (unsigned int i = 0; i < 5; i++) {
		raw_begin(&r, 3, L2TP_HELLO);
		raw_avp(&r, (uint16_t)(i == 0 ? M | H : M), 0, L2TP3_AVP_DIGEST,
			i == 1   ? sha
			: i == 2 ? odd
				 : zeros,
			i == 3   ? 16
			: i == 4 ? 21
				 : 17);
		l2tp3_sign(r.b, r.len, &from);
		assert_int_equal(parse_tight(r.b, r.len, &to, false), L2TP3_P_DIGEST);
	}
	raw_begin(&r, 3, L2TP_HELLO);
	raw_avp(&r, M, 0, L2TP3_AVP_DIGEST, zeros, 0);
	l2tp3_sign(r.b, r.len, &from);
	assert_int_equal(parse_tight(r.b, r.len, &to, false), L2TP3_P_DIGEST);
	/* the second one alone is good; the third one does not count, and its octets neither */
	raw_begin(&r, 3, L2TP_HELLO);
	raw_avp(&r, M, 0, L2TP3_AVP_DIGEST, odd, 17);
	raw_avp(&r, M, 0, L2TP3_AVP_DIGEST, sha, 21);
	raw_avp(&r, M, 0, L2TP3_AVP_DIGEST, zeros, 17);
	l2tp3_sign(r.b, r.len, &from);
	r.b[r.len - 1] ^= 1;
	assert_int_equal(parse_tight(r.b, r.len, &to, false), L2TP3_P_OK);
}

/* V3-AUTH-7, V3-HDR-12 */
static void without_nonces_a_digest_is_a_checksum(void **state)
{
	struct l2tp3_auth a = { .n_keys = 1 };
	struct l2tp3_builder b;

	(void)state;
	l2tp3_keys_derive(NULL, 0, &a.keys[0]);
	l2tp3_build(&b, 3, L2TP_HELLO, 0x12345, &a);
	assert_int_equal(l2tp3_build_end(&b), 0);
	l2tp3_sign(b.buf, b.w.len, &a);
	assert_int_equal(parse_tight(b.buf, b.w.len, &a, false), L2TP3_P_OK);
	assert_int_equal(parse_tight(b.buf, b.w.len, &no_auth, false), L2TP3_P_OK);
	b.buf[9] ^= 1;
	assert_int_equal(parse_tight(b.buf, b.w.len, &a, false), L2TP3_P_DIGEST);
	l2tp3_build(&b, 3, L2TP_HELLO, 0x12345, NULL);
	assert_int_equal(l2tp3_build_end(&b), 0);
	assert_int_equal(parse_tight(b.buf, b.w.len, &a, false), L2TP3_P_OK);
}

/* Secrets are changed one end after the other (V3-AUTH-5). */
static void two_secrets_are_signed_with_and_tried(void **state)
{
	struct l2tp3_auth both = auth_of(true), old = auth_of(false), new = auth_of(false), other;
	struct l2tp3_builder b;

	(void)state;
	both.n_keys = 2;
	both.keys[1] = both.keys[0];
	l2tp3_keys_derive((const uint8_t *)"new", 3, &both.keys[0]);
	new.keys[0] = both.keys[0];
	other = new;
	other.keys[0].digest[0] ^= 1;
	for (unsigned int i = 0; i < 2; i++) {
		both.digest = i ? L2TP3_SHA1 : L2TP3_MD5;
		l2tp3_build(&b, 3, L2TP_HELLO, 1, &both);
		assert_int_equal(l2tp3_build_end(&b), 0);
		assert_int_equal(b.w.len, 20 + 2 * (i ? 27 : 23));
		l2tp3_sign(b.buf, b.w.len, &both);
		assert_int_equal(parse_tight(b.buf, b.w.len, &old, false), L2TP3_P_OK);
		assert_int_equal(parse_tight(b.buf, b.w.len, &new, false), L2TP3_P_OK);
		assert_int_equal(parse_tight(b.buf, b.w.len, &other, false), L2TP3_P_DIGEST);
	}
	for (unsigned int i = 0; i < 2; i++) { /* the other way: each alone, to who has both */
		const struct l2tp3_auth *from = i ? &old : &new;

		l2tp3_build(&b, 3, L2TP_HELLO, 1, from);
		assert_int_equal(l2tp3_build_end(&b), 0);
		l2tp3_sign(b.buf, b.w.len, from);
		assert_int_equal(parse_tight(b.buf, b.w.len, &both, false), L2TP3_P_OK);
		assert_int_equal(msg.verified, i);
	}
}

static enum l2tp3_parsed refused(const struct l2tp3_auth *from, const struct l2tp3_auth *to,
				 uint16_t type)
{
	const struct l2tp_reason why = { .result = L2TP_STOP_NOT_AUTHORISED };
	struct l2tp3_builder b;

	l2tp3_build(&b, 3, type, 1, from);
	l2tp3_put_result(&b, &why);
	assert_int_equal(l2tp3_build_end(&b), 0);
	l2tp3_sign(b.buf, b.w.len, from);
	return parse_tight(b.buf, b.w.len, to, false);
}

/* Who refuses an SCCRQ has told no nonce of its own, and signs with ours alone or with none. */
static void a_refusal_before_nonces_is_verified(void **state)
{
	struct l2tp3_auth we = auth_of(true), they = auth_of(false);

	(void)state;
	they.ours_unknown = true;
	for (unsigned int i = 0; i < 2; i++) {
		they.nonces = !i;
		we.peer_len = 0;
		assert_int_equal(refused(&they, &we, L2TP_STOPCCN), L2TP3_P_OK);
		assert_int_equal(msg.reason.result, L2TP_STOP_NOT_AUTHORISED);
		/* no other message, and not any more when it has */
		assert_int_equal(refused(&they, &we, L2TP_CDN), i ? L2TP3_P_DIGEST : L2TP3_P_OK);
		we.peer_len = 16;
		assert_int_equal(refused(&they, &we, L2TP_STOPCCN), L2TP3_P_DIGEST);
	}
	/* and who gives up before it knows ours */
	we.peer_len = 0;
	they = auth_of(false);
	assert_int_equal(refused(&we, &they, L2TP_STOPCCN), L2TP3_P_DIGEST);
	they.ours_unknown = true;
	assert_int_equal(refused(&we, &they, L2TP_STOPCCN), L2TP3_P_OK);
}

/* ---- round trips ---- */

static void put_request(struct l2tp3_builder *b)
{
	l2tp3_put_u32(b, L2TP3_AVP_LOCAL_ID, 0x11223344);
	l2tp3_put_u32(b, L2TP3_AVP_REMOTE_ID, 0);
	l2tp3_put_u32(b, L2TP_AVP_CALL_SERIAL_NUMBER, 7);
	l2tp3_put_u16(b, L2TP3_AVP_PW_TYPE, L2TP3_PW_ETHERNET);
	l2tp3_put_bytes(b, L2TP3_AVP_END_ID, "site-a", 6);
	l2tp3_put_bytes(b, L2TP3_AVP_COOKIE, "cookie78", 8);
	l2tp3_put_u16(b, L2TP3_AVP_SUBLAYER, 1);
	l2tp3_put_u16(b, L2TP3_AVP_SEQUENCING, L2TP3_SEQ_ALL);
	l2tp3_put_u16(b, L2TP3_AVP_CIRCUIT, L2TP3_CIRCUIT_ACTIVE | L2TP3_CIRCUIT_NEW);
	l2tp3_put_bytes(b, L2TP_AVP_TIE_BREAKER, "tietie78", 8);
	l2tp3_put_u64(b, L2TP3_AVP_TX_SPEED, UINT64_C(10000000000));
	l2tp3_put_u64(b, L2TP3_AVP_RX_SPEED, UINT64_C(1000000000));
}

static void expect_request(const struct l2tp3_message *m)
{
	assert_int_equal(m->fault, 0);
	assert_int_equal(m->type, L2TP_ICRQ);
	assert_int_equal(m->local_id, 0x11223344);
	assert_int_equal(m->remote_id, 0);
	assert_true(l2tp3_has(m, L2TP3_AVP_REMOTE_ID));
	assert_int_equal(m->serial, 7);
	assert_int_equal(m->pw_type, L2TP3_PW_ETHERNET);
	assert_int_equal(m->end_id.left, 6);
	assert_memory_equal(m->end_id.p, "site-a", 6);
	assert_int_equal(m->cookie_len, 8);
	assert_memory_equal(m->cookie, "cookie78", 8);
	assert_int_equal(m->sublayer, 1);
	assert_int_equal(m->sequencing, L2TP3_SEQ_ALL);
	assert_int_equal(m->circuit, 3);
	assert_memory_equal(m->tie, "tietie78", 8);
	assert_int_equal(m->tx_speed, UINT64_C(10000000000));
	assert_int_equal(m->rx_speed, UINT64_C(1000000000));
	assert_false(l2tp3_has(m, L2TP3_AVP_CCID));
}

/* Plain, signed, hidden, with either secret, with and without drafts. */
static void a_request_comes_back_as_it_was_put(void **state)
{
	struct l2tp3_builder b;

	(void)state;
	for (unsigned int i = 0; i < 32; i++) {
		struct l2tp3_auth from = auth_of(true), to = auth_of(false);
		bool hide = i & 4;

		from.n_keys = to.n_keys = i & 1 ? i & 2 ? 2 : 1 : 0;
		l2tp3_keys_derive((const uint8_t *)"new", 3, &from.keys[1]);
		to.keys[1] = from.keys[1];
		from.hide_key = !!(i & 8);
		l2tp3_build(&b, 3, L2TP_ICRQ, 5, &from);
		if (hide)
			l2tp3_build_hide(&b, predictable, NULL);
		b.drafts = i & 16;
		put_request(&b);
		assert_int_equal(l2tp3_build_end(&b), 0);
		assert_int_equal(!memmem(b.buf, b.w.len, "cookie78", 8), hide && from.n_keys);
		l2tp3_sign(b.buf, b.w.len, &from);
		assert_int_equal(l2tp3_parse(b.buf, b.w.len, &to, i & 16, &msg), L2TP3_P_OK);
		expect_request(&msg);
		/* who does not know them passes them over */
		assert_int_equal(l2tp3_parse(b.buf, b.w.len, &to, false, &msg), L2TP3_P_OK);
		expect_request(&msg);
	}
}

static void a_start_comes_back_as_it_was_put(void **state)
{
	struct l2tp3_auth from = auth_of(true), to = auth_of(false);
	struct l2tp3_builder b;

	(void)state;
	to.peer_len = 0;
	l2tp3_build(&b, 3, L2TP_SCCRQ, 0, &from);
	l2tp3_put_bytes(&b, L2TP_AVP_HOST_NAME, "pe1", 3);
	l2tp3_put_bytes(&b, L2TP_AVP_VENDOR_NAME, "l2xdp", 5);
	l2tp3_put_u32(&b, L2TP3_AVP_ROUTER_ID, 0xc0000201);
	l2tp3_put_u32(&b, L2TP3_AVP_CCID, 0xfffefdfc);
	l2tp3_put_bytes(&b, L2TP3_AVP_PW_CAPS, "\0\5\0\4", 4);
	l2tp3_put_bytes(&b, L2TP3_AVP_NONCE, from.ours, 16);
	l2tp3_put_u16(&b, L2TP_AVP_RECEIVE_WINDOW_SIZE, 16);
	l2tp3_put_bytes(&b, L2TP_AVP_TIE_BREAKER, "tietie78", 8);
	assert_int_equal(l2tp3_build_end(&b), 0);
	l2tp3_sign(b.buf, b.w.len, &from);
	assert_int_equal(l2tp3_parse(b.buf, b.w.len, &to, false, &msg), L2TP3_P_OK);
	assert_int_equal(msg.fault, 0);
	assert_memory_equal(msg.host_name.p, "pe1", 3);
	assert_int_equal(msg.vendor_name.left, 5);
	assert_int_equal(msg.router_id, 0xc0000201);
	assert_int_equal(msg.ccid, 0xfffefdfc);
	assert_int_equal(msg.n_caps, 2);
	assert_int_equal(msg.caps[0], L2TP3_PW_ETHERNET);
	assert_int_equal(msg.nonce.left, 16);
	assert_memory_equal(msg.nonce.p, from.ours, 16);
	assert_int_equal(msg.window, 16);
	/* before a secret is known (V3-AUTH-9) */
	b.buf[40] ^= 1;
	assert_int_equal(l2tp3_parse(b.buf, b.w.len, NULL, false, &msg), L2TP3_P_OK);
	assert_int_equal(msg.host_name.left, 3);
	assert_int_equal(msg.router_id, 0xc0000201);
	assert_int_equal(msg.ccid, 0xfffefdfc);
	assert_true(l2tp3_has(&msg, L2TP3_AVP_NONCE) && l2tp3_has(&msg, L2TP3_AVP_PW_CAPS));
	assert_int_equal(msg.n_caps, 0);
}

static void results_come_back_as_they_were_put(void **state)
{
	static const struct l2tp_reason cases[] = {
		{ .result = 1 },
		{ .result = 2, .error = 8, .text = "AVP 999" },
		{ .result = 5, .text = "no such site" },
	};
	struct l2tp3_builder b;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		l2tp3_build(&b, 3, L2TP_CDN, 5, NULL);
		l2tp3_put_result(&b, &cases[i]);
		l2tp3_put_u32(&b, L2TP3_AVP_LOCAL_ID, 0); /* that of a refused request */
		l2tp3_put_u32(&b, L2TP3_AVP_REMOTE_ID, 9);
		assert_int_equal(l2tp3_build_end(&b), 0);
		assert_int_equal(parse_tight(b.buf, b.w.len, &no_auth, false), L2TP3_P_OK);
		assert_int_equal(msg.fault, 0);
		assert_true(msg.reason.from_peer);
		assert_int_equal(msg.reason.result, cases[i].result);
		assert_int_equal(msg.reason.error, cases[i].error);
		assert_string_equal(msg.reason.text, cases[i].text);
	}
}

static void what_does_not_fit_is_no_message(void **state)
{
	struct l2tp3_builder b;

	(void)state;
	l2tp3_build(&b, 3, L2TP_ICRQ, 5, NULL);
	for (unsigned int i = 0; i < 5; i++)
		l2tp3_put_bytes(&b, L2TP3_AVP_END_ID, value_of(1000), 1000);
	assert_int_equal(l2tp3_build_end(&b), -EMSGSIZE);
	l2tp3_build(&b, 3, L2TP_ICRQ, 5, NULL);
	l2tp3_put_bytes(&b, L2TP3_AVP_LOCAL_ID, value_of(5), 5);
	assert_int_equal(l2tp3_build_end(&b), -EMSGSIZE);
	l2tp3_build(&b, 3, L2TP_ICRQ, 5, NULL);
	l2tp3_put_u16(&b, L2TP_AVP_PROTOCOL_VERSION, 0x0100); /* version 2 alone has it */
	assert_int_equal(l2tp3_build_end(&b), -EMSGSIZE);
}

/* ---- AVPs ---- */

static void check_length(uint16_t message, uint16_t type, size_t len, bool good)
{
	const struct l2tp3_avp_rule *rule = l2tp3_avp_rule(type);
	bool required = rule->required & L2TP_IN(message), nonce = type == L2TP3_AVP_NONCE;
	struct raw r;

	raw_required(&r, message, type);
	raw_avp(&r, M, 0, type, value_of(len), len);
	parse_ok(&r);
	assert_int_equal(msg.fault, good ? 0 : L2TP_ERR_LENGTH);
	assert_int_equal(l2tp3_has(&msg, type), good);
	assert_int_equal(!!msg.fault_text[0], !good);
	/* not mandatory: passed over, and perhaps missed */
	raw_required(&r, message, type);
	raw_avp(&r, 0, 0, type, value_of(len), len);
	parse_ok(&r);
	assert_int_equal(l2tp3_has(&msg, type), good);
	assert_int_equal(msg.fault, good       ? 0
				    : nonce    ? L2TP_ERR_LENGTH
				    : required ? L2TP_ERR_RANGE
					       : 0);
}

/* V3-AVP-2, V3-HDR-8: at, below and above what an AVP may have, in each message that lists it. */
static void lengths_are_checked_for_every_avp(void **state)
{
	unsigned int cells = 0;

	(void)state;
	for (uint16_t t = 1; t < L2TP3_AVP_LIMIT; t++) {
		const struct l2tp3_avp_rule *rule = l2tp3_avp_rule(t);

		if (!rule || t == L2TP_AVP_RANDOM_VECTOR || t == L2TP3_AVP_DIGEST)
			continue;
		for (size_t i = 0; i < N_TYPES; i++) {
			if (!(rule->listed & L2TP_IN(types[i])))
				continue;
			if (rule->min)
				check_length(types[i], t, rule->min - 1u, false);
			check_length(types[i], t, rule->min, true);
			if (t != L2TP3_AVP_PW_CAPS)
				check_length(types[i], t, rule->max, true);
			if (rule->max < L2TP_AVP_VALUE_MAX)
				check_length(types[i], t, rule->max + 1u, false);
			cells++;
		}
	}
	assert_true(cells > 80);
	for (size_t n = 0; n <= 9; n++)
		check_length(L2TP_ICRQ, L2TP3_AVP_COOKIE, n, n == 0 || n == 4 || n == 8);
	for (size_t n = 1; n <= 9; n++)
		check_length(L2TP_SCCRQ, L2TP3_AVP_PW_CAPS, n, n % 2 == 0);
	for (size_t n = 18; n <= 26; n++)
		check_length(L2TP_WEN, L2TP_AVP_CALL_ERRORS, n, n == 18 || n == 26);
}

static void every_required_avp_is_missed(void **state)
{
	struct raw r;

	(void)state;
	for (size_t i = 0; i < N_TYPES; i++) {
		raw_required(&r, types[i], 0);
		parse_ok(&r);
		assert_int_equal(msg.fault, 0);
		for (uint16_t t = 1; t < L2TP3_AVP_LIMIT; t++) {
			const struct l2tp3_avp_rule *rule = l2tp3_avp_rule(t);

			if (!rule || !(rule->required & L2TP_IN(types[i])))
				continue;
			raw_required(&r, types[i], t);
			parse_ok(&r);
			assert_int_equal(msg.fault, L2TP_ERR_RANGE);
			assert_non_null(strstr(msg.fault_text, rule->name));
		}
	}
}

static void numbers_that_must_not_be_zero(void **state)
{
	static const struct {
		uint16_t message, type, len;
		bool good;
	} cases[] = {
		{ L2TP_SCCRQ, L2TP3_AVP_CCID, 4, false },
		{ L2TP_SCCRP, L2TP3_AVP_CCID, 4, false },
		{ L2TP_STOPCCN, L2TP3_AVP_CCID, 4, true },
		{ L2TP_SCCRQ, L2TP_AVP_RECEIVE_WINDOW_SIZE, 2, false },
		{ L2TP_ICRQ, L2TP3_AVP_LOCAL_ID, 4, false },
		{ L2TP_CDN, L2TP3_AVP_LOCAL_ID, 4, true },
		{ L2TP_ICRQ, L2TP3_AVP_REMOTE_ID, 4, true },
	};
	static const uint8_t zeros[4];
	struct raw r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		raw_required(&r, cases[i].message, cases[i].type);
		raw_avp(&r, M, 0, cases[i].type, zeros, cases[i].len);
		parse_ok(&r);
		assert_int_equal(msg.fault, cases[i].good ? 0 : L2TP_ERR_RANGE);
	}
}

/* Passed over they would be read wrongly: whatever their M. */
static void foreign_formats_of_frames_are_faults(void **state)
{
	static const uint16_t avps[] = { L2TP3_AVP_SUBLAYER, L2TP3_AVP_SEQUENCING };
	struct raw r;

	(void)state;
	for (unsigned int i = 0; i < 2; i++)
		for (uint8_t v = 0; v < 5; v++) {
			const uint8_t be[2] = { 0, v };

			raw_required(&r, L2TP_ICRQ, 0);
			raw_avp(&r, 0, 0, avps[i], be, 2);
			parse_ok(&r);
			assert_int_equal(msg.fault, v > 1 + i ? L2TP_ERR_RANGE : 0);
		}
}

/* V3-AVP-2, V3-AVP-3 */
static void m_decides_what_an_unknown_avp_does(void **state)
{
	static const struct {
		uint16_t vendor, type;
		const char *text;
	} cases[] = {
		{ 0, 999, "AVP 999 of vendor 0 is mandatory and not known" },
		{ 0, L2TP3_AVP_EXTENDED_VENDOR, "AVP 58 of vendor 0 is mandatory and not known" },
		{ 0, L2TP_AVP_PROTOCOL_VERSION, "AVP 2 of vendor 0 is mandatory and not known" },
		{ 9, 3, "AVP 3 of vendor 9 is mandatory and not known" },
		{ 65535, 65535, "AVP 65535 of vendor 65535 is mandatory and not known" },
	};
	struct raw r;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (unsigned int k = 0; k < 4; k++) {
			uint16_t flags = (uint16_t)((k & 1 ? M : 0) | (k & 2 ? H : 0));

			raw_required(&r, L2TP_ICRQ, 0);
			raw_avp(&r, flags, cases[i].vendor, cases[i].type, "12345678", 8);
			parse_ok(&r);
			assert_int_equal(msg.fault, k & 1 ? L2TP_ERR_UNKNOWN_AVP : 0);
			assert_string_equal(msg.fault_text, k & 1 ? cases[i].text : "");
			assert_int_equal(msg.local_id, 1); /* so that the call can be ended */
		}
	for (unsigned int k = 0; k < 2; k++) { /* of messages too */
		raw_begin(&r, 3, 99);
		if (!k)
			r.b[L2TP3_HEADER] &= 0x7f;
		parse_ok(&r);
		assert_int_equal(msg.type, 99);
		assert_int_equal(msg.fault, k ? L2TP_ERR_UNKNOWN_AVP : 0);
	}
}

/* V3-AVP-1, and M of what is known (V3-AVP-2): nobody looks at them. */
static void reserved_bits_and_m_of_the_known_are_ignored(void **state)
{
	struct raw r;

	(void)state;
	raw_required(&r, L2TP_ICRQ, L2TP3_AVP_PW_TYPE);
	raw_avp(&r, 0x3c00, 0, L2TP3_AVP_PW_TYPE, value_of(2), 2);
	raw_avp(&r, M, 0, L2TP3_AVP_TX_SPEED, value_of(8), 8);
	r.b[L2TP3_HEADER] |= 0x3c;
	parse_ok(&r);
	assert_int_equal(msg.fault, 0);
	assert_int_equal(msg.pw_type, 1);
	assert_int_equal(msg.tx_speed, 1);
}

static void of_duplicates_the_first_counts(void **state)
{
	struct raw r;

	(void)state;
	raw_required(&r, L2TP_ICRQ, 0);
	raw_avp(&r, M, 0, L2TP3_AVP_LOCAL_ID, "\0\0\0\2", 4);
	raw_avp(&r, M, 0, L2TP3_AVP_COOKIE, "1234", 4);
	raw_avp(&r, M, 0, L2TP3_AVP_COOKIE, "12345678", 8);
	raw_avp(&r, M, 0, 0, "\0\1", 2);
	raw_avp(&r, M, 0, L2TP_AVP_RESULT_CODE, "\0\1", 2); /* not in this message */
	parse_ok(&r);
	assert_int_equal(msg.fault, 0);
	assert_int_equal(msg.type, L2TP_ICRQ);
	assert_int_equal(msg.local_id, 1);
	assert_int_equal(msg.cookie_len, 4);
	assert_false(l2tp3_has(&msg, L2TP_AVP_RESULT_CODE));
}

static void long_lists_are_cut(void **state)
{
	uint8_t caps[200];
	struct raw r;

	(void)state;
	fill(caps, 1, sizeof(caps));
	raw_required(&r, L2TP_SCCRQ, L2TP3_AVP_PW_CAPS);
	raw_avp(&r, M, 0, L2TP3_AVP_PW_CAPS, caps, sizeof(caps));
	parse_ok(&r);
	assert_int_equal(msg.fault, 0);
	assert_int_equal(msg.n_caps, L2TP3_MAX_CAPS);
	assert_int_equal(msg.caps[L2TP3_MAX_CAPS - 1], 0x3f40);
}

static void lost_structure_is_no_message(void **state)
{
	struct raw r;

	(void)state;
	raw_required(&r, L2TP_ICRQ, 0);
	for (unsigned int length = 0; length < 8; length++) { /* of the Message Type */
		r.b[L2TP3_HEADER + 1] = (uint8_t)length;
		assert_int_equal(parse_tight(r.b, r.len, &no_auth, false), L2TP3_P_AVPS);
	}
	raw_begin(&r, 3, L2TP_HELLO);
	r.b[L2TP3_HEADER] |= 0x40; /* hidden */
	assert_int_equal(parse_tight(r.b, r.len, &no_auth, false), L2TP3_P_AVPS);
	raw_begin(&r, 3, 0);
	assert_int_equal(parse_tight(r.b, r.len, &no_auth, false), L2TP3_P_AVPS);
	raw_begin(&r, 3, L2TP_HELLO);
	r.b[L2TP3_HEADER + 5] = L2TP_AVP_HOST_NAME; /* another one first */
	assert_int_equal(parse_tight(r.b, r.len, &no_auth, false), L2TP3_P_AVPS);
	raw_begin(&r, 3, L2TP_HELLO);
	raw_avp(&r, 0, 0, 999, "abcd", 4);
	r.b[21] = 11; /* one octet beyond the message */
	assert_int_equal(parse_tight(r.b, r.len, &no_auth, false), L2TP3_P_AVPS);
	r.b[21] = 5;
	assert_int_equal(parse_tight(r.b, r.len, &no_auth, false), L2TP3_P_AVPS);
}

/* Cut anywhere, with a Length that fits: no fault of ours. */
static void cut_messages_are_read_within_bounds(void **state)
{
	struct l2tp3_auth a = auth_of(false);
	struct raw r;

	(void)state;
	a.n_keys = 0;
	for (size_t i = 0; i < N_TYPES; i++) {
		raw_required(&r, types[i], 0);
		for (size_t n = L2TP3_HEADER; n < r.len; n++) {
			r.b[2] = (uint8_t)(n >> 8);
			r.b[3] = (uint8_t)n;
			parse_tight(r.b, n, &a, true);
			parse_tight(r.b, n, NULL, true);
		}
	}
}

/* ---- hidden ---- */

/* Signed, with an AVP that claims to be hidden. */
static void signed_icrq(struct raw *r, const struct l2tp3_auth *from, bool vector, uint16_t flags,
			const void *v, size_t len)
{
	static const uint8_t zeros[17];

	raw_begin(r, 3, L2TP_ICRQ);
	raw_avp(r, M, 0, L2TP3_AVP_DIGEST, zeros, sizeof(zeros));
	for (uint16_t t = 1; t < L2TP3_AVP_LIMIT; t++) {
		const struct l2tp3_avp_rule *rule = l2tp3_avp_rule(t);

		if (rule && (rule->required & L2TP_IN(L2TP_ICRQ)))
			raw_avp(r, M, 0, t, value_of(rule->min), rule->min);
	}
	if (vector)
		raw_avp(r, M, 0, L2TP_AVP_RANDOM_VECTOR, "0123456789abcdef", 16);
	raw_avp(r, (uint16_t)(flags | H), 0, L2TP3_AVP_COOKIE, v, len);
	l2tp3_sign(r->b, r->len, from);
}

static void what_cannot_be_revealed_is_malformed(void **state)
{
	struct l2tp3_auth from = auth_of(true), to = auth_of(false);
	const struct l2tp_hide_key key = { from.keys[0].hide, (const uint8_t *)"0123456789abcdef",
					   L2TP3_KEY, 16 };
	struct raw r;

	(void)state;
	for (unsigned int length = 0; length < 70000; length = length * 3 + 1) {
		for (unsigned int mandatory = 0; mandatory < 2; mandatory++) {
			uint8_t v[26] = { (uint8_t)(length >> 8), (uint8_t)length };
			bool good = length == 0 || length == 4;

			l2tp_hide(L2TP3_AVP_COOKIE, &key, v, sizeof(v));
			signed_icrq(&r, &from, true, mandatory ? M : 0, v, sizeof(v));
			assert_int_equal(parse_tight(r.b, r.len, &to, false), L2TP3_P_OK);
			assert_int_equal(l2tp3_has(&msg, L2TP3_AVP_COOKIE), good);
			assert_int_equal(msg.fault, good || !mandatory ? 0 : L2TP_ERR_LENGTH);
		}
	}
	for (size_t len = 0; len < 2; len++) { /* no room for a length */
		signed_icrq(&r, &from, true, M, "x", len);
		assert_int_equal(parse_tight(r.b, r.len, &to, false), L2TP3_P_OK);
		assert_int_equal(msg.fault, L2TP_ERR_LENGTH);
	}
	signed_icrq(&r, &from, false, M, "0123456789abcdef", 16);
	assert_int_equal(parse_tight(r.b, r.len, &to, false), L2TP3_P_OK);
	assert_int_equal(msg.fault, L2TP_ERR_UNKNOWN_AVP);
	/* only with authentication (V3-HID-1) */
	assert_int_equal(parse_tight(r.b, r.len, &no_auth, false), L2TP3_P_OK);
	assert_int_equal(msg.fault, L2TP_ERR_UNKNOWN_AVP);
}

/* More than there is room for: a fault, not an overrun. */
static void hidden_values_have_their_room(void **state)
{
	static const uint16_t avps[] = { L2TP3_AVP_END_ID, L2TP_AVP_VENDOR_NAME };
	struct l2tp3_auth from = auth_of(true), to = auth_of(false);
	struct l2tp3_builder b;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		l2tp3_build(&b, 3, i ? L2TP_SCCRQ : L2TP_ICRQ, 0, &from);
		l2tp3_build_hide(&b, predictable, NULL);
		if (i)
			l2tp3_put_bytes(&b, L2TP3_AVP_NONCE, from.ours, 16);
		l2tp3_put_bytes(&b, avps[i], value_of(900), 900);
		l2tp3_put_bytes(&b, i ? L2TP3_AVP_PW_CAPS : L2TP3_AVP_COOKIE, value_of(8), 8);
		l2tp3_put_bytes(&b, i ? L2TP3_AVP_LANGUAGE : L2TP3_AVP_TX_SPEED,
				value_of(i ? 900 : 8), i ? 900 : 8);
		assert_int_equal(l2tp3_build_end(&b), 0);
		l2tp3_sign(b.buf, b.w.len, &from);
		assert_int_equal(parse_tight(b.buf, b.w.len, &to, false), L2TP3_P_OK);
		assert_true(l2tp3_has(&msg, avps[i]));
		assert_true(l2tp3_has(&msg, i ? L2TP3_AVP_PW_CAPS : L2TP3_AVP_COOKIE));
		assert_int_equal(l2tp3_has(&msg, L2TP3_AVP_LANGUAGE), false);
	}
}

/* ---- version 2 and drafts ---- */

/* What both versions may answer (V3-FB-1, V3-FB-3, V3-AVP-6). */
static void an_offer_of_both_versions_is_read(void **state)
{
	struct l2tp3_auth from = auth_of(true), to = auth_of(false);
	struct l2tp3_builder b;
	struct reader r;
	struct l2tp_avp avp;

	(void)state;
	l2tp3_build(&b, 2, L2TP_SCCRQ, 0, &from);
	l2tp3_put_u16(&b, L2TP_AVP_PROTOCOL_VERSION, 0x0100);
	l2tp3_put_u32(&b, L2TP_AVP_FRAMING_CAPABILITIES, 3);
	l2tp3_put_u16(&b, L2TP_AVP_ASSIGNED_TUNNEL_ID, 77);
	l2tp3_put_bytes(&b, L2TP_AVP_CHALLENGE, value_of(16), 16);
	l2tp3_put_bytes(&b, L2TP_AVP_HOST_NAME, "pe1", 3);
	l2tp3_put_u32(&b, L2TP3_AVP_ROUTER_ID, 9);
	l2tp3_put_u32(&b, L2TP3_AVP_CCID, 0x10001);
	l2tp3_put_bytes(&b, L2TP3_AVP_PW_CAPS, "\0\5", 2);
	l2tp3_put_bytes(&b, L2TP3_AVP_NONCE, from.ours, 16);
	assert_int_equal(l2tp3_build_end(&b), 0);
	l2tp3_sign(b.buf, b.w.len, &from);
	assert_int_equal(b.buf[1], 2);
	r = reader_of(b.buf + L2TP3_HEADER, b.w.len - L2TP3_HEADER);
	while (l2tp_avp_next(&r, &avp))
		assert_int_equal(avp.mandatory, avp.type < L2TP3_AVP_EXTENDED_VENDOR);
	assert_false(r.bad);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(parse_tight(b.buf, b.w.len, i ? &to : NULL, false), L2TP3_P_OK);
		assert_int_equal(msg.fault, 0);
		assert_int_equal(msg.h.version, 2);
		assert_int_equal(msg.v2_tunnel_id, 77);
		assert_int_equal(msg.ccid, 0x10001);
		assert_true(l2tp3_has(&msg, L2TP_AVP_ASSIGNED_TUNNEL_ID));
	}
	b.buf[1] = 3; /* the same is refused as one of version 3 */
	l2tp3_sign(b.buf, b.w.len, &from);
	assert_int_equal(parse_tight(b.buf, b.w.len, &to, false), L2TP3_P_OK);
	assert_int_equal(msg.fault, L2TP_ERR_UNKNOWN_AVP);
}

static void few_messages_may_be_of_version_2(void **state)
{
	struct raw r;

	(void)state;
	for (size_t i = 0; i < N_TYPES; i++) {
		bool good = types[i] == L2TP_SCCRQ || types[i] == L2TP_SCCRP ||
			    types[i] == L2TP_STOPCCN;

		raw_begin(&r, 2, types[i]);
		raw_avp(&r, M, 0, L2TP_AVP_ASSIGNED_TUNNEL_ID, "\0\7", 2);
		assert_int_equal(parse_tight(r.b, r.len, &no_auth, false),
				 good ? L2TP3_P_OK : L2TP3_P_HEADER);
		if (good && types[i] != L2TP_SCCRQ) {
			assert_int_equal(msg.fault, 0);
			assert_int_equal(msg.v2_tunnel_id, 7);
		}
	}
}

/* a peer that knows vendor 9 alone. */
static void drafts_stand_for_what_they_became(void **state)
{
	struct raw r;

	(void)state;
	raw_begin(&r, 3, L2TP_ICRQ);
	raw_avp(&r, M, 9, 3, "\0\0\0\5", 4);
	raw_avp(&r, M, 9, 4, "\0\0\0\0", 4);
	raw_avp(&r, M, 9, 5, "abcd", 4);
	raw_avp(&r, M, 9, 6, "site", 4);
	raw_avp(&r, M, 9, 7, "\0\5", 2);
	raw_avp(&r, M, 9, 8, "\0\1", 2);
	raw_avp(&r, M, 9, 9, "12345678", 8);
	raw_avp(&r, M, 9, 10, "\0\1", 2);
	raw_avp(&r, 0, 0, L2TP_AVP_CALL_SERIAL_NUMBER, value_of(4), 4);
	assert_int_equal(parse_tight(r.b, r.len, &no_auth, true), L2TP3_P_OK);
	assert_int_equal(msg.fault, 0);
	assert_int_equal(msg.local_id, 5);
	assert_int_equal(msg.cookie_len, 4);
	assert_int_equal(msg.pw_type, 5);
	assert_int_equal(msg.circuit, 1);
	assert_memory_equal(msg.tie, "12345678", 8);
	assert_int_equal(parse_tight(r.b, r.len, &no_auth, false), L2TP3_P_OK);
	assert_int_equal(msg.fault, L2TP_ERR_UNKNOWN_AVP);
	raw_avp(&r, M, 9, 77, "x", 1);
	assert_int_equal(parse_tight(r.b, r.len, &no_auth, true), L2TP3_P_OK);
	assert_int_equal(msg.fault, L2TP_ERR_UNKNOWN_AVP);
	raw_begin(&r, 3, L2TP_SCCRQ);
	raw_avp(&r, M, 9, 1, "\0\1\0\5", 4);
	raw_avp(&r, M, 9, 2, "\0\5", 2);
	assert_int_equal(parse_tight(r.b, r.len, NULL, true), L2TP3_P_OK);
	assert_int_equal(msg.ccid, 0x10005);
	assert_true(l2tp3_has(&msg, L2TP3_AVP_PW_CAPS));
}

static int load(void **state)
{
	(void)state;
	crypto = json_load_file("tests/vectors/crypto.json", 0, NULL);
	return crypto ? 0 : -1;
}

static int unload(void **state)
{
	(void)state;
	json_decref(crypto);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_header_has_one_form),
		cmocka_unit_test(a_zlb_counts_without_authentication_alone),
		cmocka_unit_test(keys_agree_with_the_vectors),
		cmocka_unit_test(digests_agree_with_the_vectors),
		cmocka_unit_test(whole_messages_are_built_as_the_vectors),
		cmocka_unit_test(hidden_avps_agree_with_the_vectors),
		cmocka_unit_test(every_flipped_bit_is_refused),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(a_digest_is_required_with_authentication),
		cmocka_unit_test(a_digest_has_its_place_and_form),
		cmocka_unit_test(without_nonces_a_digest_is_a_checksum),
		cmocka_unit_test(two_secrets_are_signed_with_and_tried),
		cmocka_unit_test(a_refusal_before_nonces_is_verified),
		cmocka_unit_test(a_request_comes_back_as_it_was_put),
		cmocka_unit_test(a_start_comes_back_as_it_was_put),
		cmocka_unit_test(results_come_back_as_they_were_put),
		cmocka_unit_test(what_does_not_fit_is_no_message),
		cmocka_unit_test(lengths_are_checked_for_every_avp),
		cmocka_unit_test(every_required_avp_is_missed),
		cmocka_unit_test(numbers_that_must_not_be_zero),
		cmocka_unit_test(foreign_formats_of_frames_are_faults),
		cmocka_unit_test(m_decides_what_an_unknown_avp_does),
		cmocka_unit_test(reserved_bits_and_m_of_the_known_are_ignored),
		cmocka_unit_test(of_duplicates_the_first_counts),
		cmocka_unit_test(long_lists_are_cut),
		cmocka_unit_test(lost_structure_is_no_message),
		cmocka_unit_test(cut_messages_are_read_within_bounds),
		cmocka_unit_test(what_cannot_be_revealed_is_malformed),
		cmocka_unit_test(hidden_values_have_their_room),
		cmocka_unit_test(an_offer_of_both_versions_is_read),
		cmocka_unit_test(few_messages_may_be_of_version_2),
		cmocka_unit_test(drafts_stand_for_what_they_became),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
