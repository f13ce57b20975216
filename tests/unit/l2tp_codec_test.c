/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Header, AVPs, hiding, authentication: against the vectors, and cell by cell. */
#include <errno.h>
#include <jansson.h>

#include "loader/l2tp/hide.h"
#include "tests/unit/l2tp_world.h"

static json_t *crypto, *packets;

static size_t unhex(const char *hex, uint8_t *out, size_t cap)
{
	size_t n = strlen(hex) / 2;

	assert_true(n <= cap);
	for (size_t i = 0; i < n; i++) {
		char two[3] = { hex[2 * i], hex[2 * i + 1], 0 };

		out[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	return n;
}

static size_t field(const json_t *o, const char *key, uint8_t *out, size_t cap)
{
	const char *hex = json_string_value(json_object_get(o, key));

	assert_non_null(hex);
	return unhex(hex, out, cap);
}

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/* The UDP payload of a frame of packets.json; 0: not whole. */
static size_t payload(const json_t *v, uint8_t *out, size_t cap)
{
	uint8_t frame[2048];
	size_t n = field(v, "frame", frame, sizeof(frame)), at = 12, len;

	while (frame[at] == 0x81 || frame[at] == 0x88)
		at += 4;
	at += 2;
	at += frame[at] >> 4 == 4 ? (frame[at] & 15u) * 4 : 40;
	if (at + 8 > n)
		return 0;
	len = (size_t)(frame[at + 4] << 8 | frame[at + 5]);
	if (len < 8 || at + len > n || len - 8 > cap)
		return 0;
	memcpy(out, frame + at + 8, len - 8);
	return len - 8;
}

/* V2-HDR-1, V2-HDR-11, DP-V2-1: all sixteen forms, the payload where the vector has it. */
static void every_form_of_data_is_read(void **state)
{
	unsigned int forms = 0;
	size_t i;
	json_t *v;

	(void)state;
	json_array_foreach(json_object_get(packets, "vectors"), i, v)
	{
		const json_t *want = json_object_get(json_object_get(v, "tshark"), "fields");
		struct l2tp_header h;
		uint8_t p[2048];
		size_t n;

		if (strncmp(text(v, "name"), "v2d-", 4))
			continue;
		n = payload(v, p, sizeof(p));
		assert_int_equal(l2tp_header_parse(p, n, &h), L2TP_H_OK);
		assert_int_equal(h.tunnel_id, 4660);
		assert_int_equal(h.session_id, 22136);
		assert_int_equal(h.has_seq,
				 json_integer_value(json_object_get(want, "l2tp.seq_bit")));
		if (h.has_seq)
			assert_int_equal(h.ns,
					 json_integer_value(json_object_get(want, "l2tp.Ns")));
		assert_ptr_equal(h.payload + h.payload_len, p + n);
		assert_true(h.payload[0] == 0xff || h.payload[0] == 0 || h.payload[0] == 0x21);
		forms++;
	}
	assert_int_equal(forms, 16);
}

static enum l2tp_header_error parse_named(const char *name, struct l2tp_header *h, size_t *ret_len)
{
	static uint8_t p[2048];
	size_t i;
	json_t *v;

	json_array_foreach(json_object_get(packets, "vectors"), i, v)
	{
		if (strcmp(text(v, "name"), name))
			continue;
		*ret_len = payload(v, p, sizeof(p));
		return l2tp_header_parse(p, *ret_len, h);
	}
	fail_msg("no vector %s", name);
	return L2TP_H_SHORT;
}

static void broken_headers_are_told_apart(void **state)
{
	struct l2tp_header h;
	size_t n;

	(void)state;
	assert_int_equal(parse_named("v2x-len-over", &h, &n), L2TP_H_SHORT); /* V2-HDR-4 */
	assert_int_equal(parse_named("v2x-len-short", &h, &n), L2TP_H_SHORT);
	assert_int_equal(parse_named("v2x-offset-over", &h, &n), L2TP_H_SHORT);
	assert_int_equal(parse_named("v2x-runt", &h, &n), L2TP_H_SHORT);
	assert_int_equal(parse_named("v2x-ver1-l2f", &h, &n), L2TP_H_VERSION); /* V2-HDR-2 */
	assert_int_equal(parse_named("v2x-ver4", &h, &n), L2TP_H_VERSION);
	assert_int_equal(parse_named("v2c-n1-t1-noL", &h, &n), L2TP_H_CONTROL_BITS);
	assert_int_equal(parse_named("v2c-n2-offset", &h, &n), L2TP_H_CONTROL_BITS);
	assert_int_equal(parse_named("v2r-reserved-bits", &h, &n), L2TP_H_OK); /* V2-HDR-3 */
	assert_int_equal(parse_named("v2r-len-trailer", &h, &n), L2TP_H_OK); /* V2-HDR-6 */
	assert_int_equal((size_t)h.payload_len, n - 8 - 4);
}

static void control_has_one_form(void **state)
{
	uint8_t p[L2TP_CONTROL_HEADER] = { 0, 0, 0, 12 };
	struct l2tp_header h;

	(void)state;
	for (unsigned int flags = 0x8000; flags <= 0xffff; flags++) {
		enum l2tp_header_error want = L2TP_H_OK;

		if ((flags & 0xf) != 2)
			want = L2TP_H_VERSION;
		else if ((flags & 0xcb0f) != 0xc802) /* V2-HDR-5 */
			want = L2TP_H_CONTROL_BITS;
		p[0] = (uint8_t)(flags >> 8);
		p[1] = (uint8_t)flags;
		assert_int_equal(l2tp_header_parse(p, sizeof(p), &h), want);
	}
	p[0] = 0xc8;
	p[1] = 0x02;
	for (size_t n = 0; n < sizeof(p); n++) /* cut at every octet */
		assert_int_equal(l2tp_header_parse(p, n, &h), L2TP_H_SHORT);
	p[3] = 11;
	assert_int_equal(l2tp_header_parse(p, sizeof(p), &h), L2TP_H_SHORT);
}

static void our_transmit_forms(void **state)
{
	static const uint8_t plain[] = { 0, 2, 0x0a, 0x0b, 0x0c, 0x0d };
	static const uint8_t seq[] = { 8, 2, 0x0a, 0x0b, 0x0c, 0x0d, 0xff, 0xfe, 0, 0 };
	uint8_t p[L2TP_DATA_HEADER_MAX];

	(void)state;
	assert_int_equal(l2tp_data_header_len(false), 6); /* DP-TX-1 */
	l2tp_data_header_put(p, 0x0a0b, 0x0c0d, false, 5);
	assert_memory_equal(p, plain, sizeof(plain));
	assert_int_equal(l2tp_data_header_len(true), 10); /* DP-TX-2 */
	l2tp_data_header_put(p, 0x0a0b, 0x0c0d, true, 0xfffe);
	assert_memory_equal(p, seq, sizeof(seq));
}

/* ---- hiding (V2-HID-1 to V2-HID-4) ---- */

static void hiding_vector(const char *name)
{
	const json_t *v = json_object_get(crypto, name),
		     *common = json_object_get(crypto, "common");
	uint8_t secret[64], rv[64], sub[256], wire[256], work[256], plain[256];
	struct l2tp_hide_key key = { .secret = secret, .vector = rv };
	uint16_t type = (uint16_t)json_integer_value(json_object_get(v, "attribute"));
	size_t n, wire_len, len = 0;

	key.secret_len = field(common, "secret", secret, sizeof(secret));
	key.vector_len = field(common, "random_vector", rv, sizeof(rv));
	wire_len = field(v, "avp_on_wire", wire, sizeof(wire));
	n = field(v, "subformat", sub, sizeof(sub));
	assert_int_equal(n, wire_len - 6);
	memcpy(work, sub, n);
	l2tp_hide(type, &key, work, n);
	assert_memory_equal(work, wire + 6, n);
	assert_int_equal(l2tp_unhide(type, &key, wire + 6, n, work, &len), 0);
	assert_int_equal(len, field(v, "plain_value", plain, sizeof(plain)));
	assert_memory_equal(work + 2, plain, len);
}

static void hiding_agrees_with_the_vectors(void **state)
{
	(void)state;
	hiding_vector("v2_hide_short");
	hiding_vector("v2_hide_short_padded");
	hiding_vector("v2_hide_two_blocks");
	hiding_vector("v2_hide_three_blocks");
	hiding_vector("v2_hide_empty");
}

static void a_hidden_length_beyond_the_avp_is_refused(void **state)
{
	const json_t *v = json_object_get(crypto, "v2_hide_bad_length");
	const json_t *common = json_object_get(crypto, "common");
	uint8_t secret[64], rv[64], wire[64], out[64];
	struct l2tp_hide_key key = { .secret = secret, .vector = rv };
	size_t n, len = 99;

	(void)state;
	key.secret_len = field(common, "secret", secret, sizeof(secret));
	key.vector_len = field(common, "random_vector", rv, sizeof(rv));
	n = field(v, "avp_on_wire", wire, sizeof(wire));
	assert_int_equal(l2tp_unhide(9, &key, wire + 6, n - 6, out, &len), -EBADMSG);
	assert_int_equal(l2tp_unhide(9, &key, wire + 6, 1, out, &len), -EBADMSG);
	assert_int_equal(l2tp_unhide(9, &key, wire + 6, 0, out, &len), -EBADMSG);
	assert_int_equal(len, 99);
}

/* ---- authentication (V2-AUTH-1, V2-AUTH-3, V2-AUTH-5) ---- */

static void responses_agree_with_the_vectors(void **state)
{
	static const char *const names[] = { "v2_challenge_response_sccrp",
					     "v2_challenge_response_scccn" };
	uint8_t secret[64], challenge[16], response[32] = { 0 }, got[16];
	size_t secret_len = field(json_object_get(crypto, "common"), "secret", secret, 64);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		const json_t *v = json_object_get(crypto, names[i]);
		uint8_t id = (uint8_t)json_integer_value(json_object_get(v, "id"));

		field(v, "challenge", challenge, sizeof(challenge));
		field(v, "response", response, 16);
		l2tp_auth_response(id, secret, secret_len, challenge, 16, got);
		assert_memory_equal(got, response, 16);
		assert_true(l2tp_auth_check(id, secret, secret_len, challenge, response, 16));
		assert_true(l2tp_auth_check(id, secret, secret_len, challenge, response, 22));
		assert_false(l2tp_auth_check(id, secret, secret_len, challenge, response, 15));
		assert_false(l2tp_auth_check(id + 1, secret, secret_len, challenge, response, 16));
		for (unsigned int bit = 0; bit < 128; bit++) {
			response[bit / 8] ^= (uint8_t)(1 << bit % 8);
			assert_false(
				l2tp_auth_check(id, secret, secret_len, challenge, response, 16));
			response[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

/* ---- messages ---- */

/* The whole dialogue of the vectors is understood, and no positive one has a fault. */
static void control_vectors_are_read(void **state)
{
	static const uint8_t secret[] = "l2tp-secret";
	unsigned int n = 0;
	size_t i;
	json_t *v;

	(void)state;
	json_array_foreach(json_object_get(packets, "vectors"), i, v)
	{
		const json_t *want = json_object_get(json_object_get(v, "tshark"), "fields");
		const char *name = text(v, "name");
		struct l2tp_message m;
		struct l2tp_header h;
		uint8_t p[2048];
		size_t len;

		if (strncmp(name, "v2c-", 4) || name[4] == 'n')
			continue;
		len = payload(v, p, sizeof(p));
		assert_int_equal(l2tp_header_parse(p, len, &h), L2TP_H_OK);
		assert_int_equal(h.ns, json_integer_value(json_object_get(want, "l2tp.Ns")));
		assert_int_equal(h.nr, json_integer_value(json_object_get(want, "l2tp.Nr")));
		n++;
		if (!h.payload_len)
			continue;
		assert_int_equal(l2tp_message_parse(h.payload, h.payload_len, secret, 11, &m), 0);
		assert_int_equal(
			m.type, json_integer_value(json_object_get(want, "l2tp.avp.message_type")));
		assert_int_equal(m.fault.error, L2TP_ERR_NONE);
		if (!strcmp(name, "v2c-07-iccn")) { /* hidden by the vector's author */
			struct l2tp_call_info info = { 0 };

			info_read(&m, &info);
			assert_int_equal(info.proxy_auth_type, 2);
			assert_int_equal(info.proxy_id, 0x2a);
			assert_int_equal(info.proxy_response_len, 16);
			assert_memory_equal(info.proxy_name, "user@example.net", 16);
			assert_int_equal(info.first_lcp_len, 10);
		}
		if (!strcmp(name, "v2c-18-cdn-error")) {
			struct l2tp_reason why;

			l2tp_message_reason(&m, &why);
			assert_int_equal(why.result, 2);
			assert_int_equal(why.error, 6);
			assert_string_equal(why.text, "link lost");
			assert_int_equal(why.ppp_cause, 3); /* V2-EXT-1 */
			assert_int_equal(why.ppp_direction, 1);
		}
	}
	assert_int_equal(n, 20);
}

/* One AVP after a Message Type; m: 0x8000 for M. */
static uint16_t fault_of(enum l2tp_message_type type, uint16_t flags, uint16_t vendor, uint16_t avp,
			 const char *hex, bool secret, char text_out[80])
{
	struct l2tp_message m;
	struct l2tp_build b;
	uint8_t value[1100];
	size_t n = unhex(hex, value, sizeof(value));

	l2tp_build_begin(&b, NULL, 1, 0, type);
	writer_u16(&b.w, (uint16_t)(flags | (6 + n)));
	writer_u16(&b.w, vendor);
	writer_u16(&b.w, avp);
	writer_bytes(&b.w, value, n);
	assert_int_equal(l2tp_message_parse(b.buf + 12, b.w.len - 12,
					    secret ? (const uint8_t *)"s" : NULL, secret, &m),
			 0);
	if (text_out)
		memcpy(text_out, m.fault.text, sizeof(m.fault.text));
	return m.fault.error;
}

static void m_decides_what_an_unknown_avp_does(void **state)
{
	char why[80];

	(void)state;
	assert_int_equal(fault_of(L2TP_HELLO, 0x8000, 0, 1911, "78", false, why),
			 L2TP_ERR_UNKNOWN_AVP); /* V2-AVP-9 */
	assert_string_equal(why, "AVP vendor 0 type 1911: unknown");
	assert_int_equal(fault_of(L2TP_HELLO, 0, 0, 1911, "78", false, NULL), 0);
	assert_int_equal(fault_of(L2TP_HELLO, 0x8000, 9, 9, "0102", false, why),
			 L2TP_ERR_UNKNOWN_AVP); /* V2-AVP-2, Q-5 */
	assert_string_equal(why, "AVP vendor 9 type 9: unknown");
	assert_int_equal(fault_of(L2TP_HELLO, 0, 9, 9, "0102", false, NULL), 0);
	/* reserved bits: as if unknown (V2-AVP-3) */
	assert_int_equal(fault_of(L2TP_HELLO, 0x9000, 0, 8, "78", false, NULL),
			 L2TP_ERR_UNKNOWN_AVP);
	assert_int_equal(fault_of(L2TP_HELLO, 0x1000, 0, 8, "78", false, NULL), 0);
	/* recognised, in the wrong message, M as it likes (V2-AVP-7, V2-AVP-8) */
	assert_int_equal(fault_of(L2TP_HELLO, 0x8000, 0, 22, "78", false, NULL), 0);
	/* access lines of RFC 5515 are known (V2-EXT-5) */
	assert_int_equal(fault_of(L2TP_HELLO, 0x8000, 3561, 129, "78", false, NULL), 0);
	assert_int_equal(fault_of(L2TP_HELLO, 0x8000, 3561, 128, "78", false, NULL),
			 L2TP_ERR_UNKNOWN_AVP);
	/* AVPs of L2TPv3 in L2TPv2 */
	assert_int_equal(fault_of(L2TP_HELLO, 0x8000, 0, 59, "00", false, NULL),
			 L2TP_ERR_UNKNOWN_AVP);
	assert_int_equal(fault_of(L2TP_HELLO, 0, 0, 73, "00", false, NULL), 0);
	/* hidden without a secret, without a vector (V2-HID-5) */
	assert_int_equal(fault_of(L2TP_STOPCCN, 0xc000, 0, 9, "00021234", false, why),
			 L2TP_ERR_UNKNOWN_AVP);
	assert_string_equal(why, "AVP vendor 0 type 9: hidden without a secret");
	assert_int_equal(fault_of(L2TP_STOPCCN, 0xc000, 0, 9, "00021234", true, why),
			 L2TP_ERR_UNKNOWN_AVP);
	assert_string_equal(why, "AVP vendor 0 type 9: hidden without Random Vector");
}

/* Every known AVP, one octet too short and, where it is fixed, one too long (V2-AVP-6). */
static void lengths_are_checked_for_every_avp(void **state)
{
	unsigned int checked = 0;

	(void)state;
	for (unsigned int type = 1; type < L2TP_AVP_LIMIT; type++) {
		const struct l2tp_avp_rule *rule = &l2tp_avp_rules[type];
		char hex[128];

		if (!rule->name || type == L2TP_AVP_RANDOM_VECTOR)
			continue;
		for (unsigned int t = 1; t < L2TP_MESSAGE_LIMIT; t++) {
			if (!(rule->listed & L2TP_IN(t)) || !l2tp_message_name((uint16_t)t))
				continue;
			memset(hex, 'f', sizeof(hex));
			if (rule->min) {
				hex[2 * (rule->min - 1)] = 0;
				assert_int_equal(
					fault_of(t, 0x8000, 0, (uint16_t)type, hex, false, NULL),
					L2TP_ERR_LENGTH);
				checked++;
			}
			memset(hex, 'f', sizeof(hex));
			if (rule->max < 60) {
				hex[2 * (rule->max + 1)] = 0;
				assert_int_equal(
					fault_of(t, 0x8000, 0, (uint16_t)type, hex, false, NULL),
					L2TP_ERR_LENGTH);
				/* M=0: that AVP alone is passed over */
				assert_int_not_equal(
					fault_of(t, 0, 0, (uint16_t)type, hex, false, NULL),
					L2TP_ERR_LENGTH);
				checked++;
			}
		}
	}
	assert_true(checked > 60);
}

/* V2-AVP-11 with section 5's sets: each required one left out in turn. */
static void every_required_avp_is_missed(void **state)
{
	unsigned int checked = 0;

	(void)state;
	for (unsigned int t = 1; t < L2TP_MESSAGE_LIMIT; t++) {
		for (unsigned int out = 0; out < L2TP_AVP_LIMIT; out++) {
			uint8_t value[64];
			struct l2tp_message m;
			struct l2tp_build b;
			bool required = l2tp_avp_rules[out].required & L2TP_IN(t);

			if (!l2tp_message_name((uint16_t)t) || (out && !required))
				continue;
			memset(value, 1, sizeof(value));
			l2tp_build_begin(&b, NULL, 1, 0, t);
			for (unsigned int i = 1; i < L2TP_AVP_LIMIT; i++)
				if ((l2tp_avp_rules[i].required & L2TP_IN(t)) && i != out)
					l2tp_build_bytes(&b, i, value, l2tp_avp_rules[i].min);
			assert_int_equal(l2tp_message_parse(b.buf + 12, b.w.len - 12, NULL, 0, &m),
					 0);
			assert_int_equal(m.fault.error, required ? L2TP_ERR_RANGE : 0);
			if (required) {
				assert_non_null(strstr(m.fault.text, l2tp_avp_rules[out].name));
				checked++;
			}
		}
	}
	/* SCCRQ, SCCRP 4 each, StopCCN 2, ICRQ 2, ICRP 1, ICCN 2, OCRQ 7, OCRP 1, OCCN 2,
	 * CDN 2; of WEN and SLI none */
	assert_int_equal(checked, 27);
}

static void lost_structure_is_no_message(void **state)
{
	static const char *const broken[] = {
		"", /* nothing */
		"8008", /* cut */
		"80080000000000", /* one octet of two */
		"c00800000000000a", /* hidden Message Type (V2-AVP-5) */
		"9008000000000006", /* with reserved bits */
		"80090000000000060a", /* of length 9 */
		"8008000900000006", /* of a vendor */
		"8008000000070006", /* another AVP first */
		"800800000000000680050000000a", /* V2-AVP-4: length 5 */
		"8008000000000006800000000000", /* length 0 */
		"8008000000000006800800000008", /* beyond the message */
		"800800000000000680", /* rest of one octet */
	};
	struct l2tp_message m;
	uint8_t p[64];

	(void)state;
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		assert_int_equal(l2tp_message_parse(p, unhex(broken[i], p, sizeof(p)), NULL, 0, &m),
				 -EBADMSG);
}

/* V2-RES-1, V2-RES-2, Q-1, Q-2 */
static void result_codes_of_all_kinds(void **state)
{
	static const struct {
		const char *value;
		uint16_t result, error;
		const char *text;
	} cases[] = {
		{ "0003", 3, 0, "" }, /* MikroTik, Android: 8 octets */
		{ "00020006", 2, 6, "" }, { "000200066b616c", 2, 6, "kal" },
		{ "03000600", 3, 6, "" }, /* Apple: swapped */
		{ "0300", 3, 0, "" },     { "0002000625730a22", 2, 6, "%s\\x0a\\x22" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct l2tp_message m;
		struct l2tp_reason why;
		struct l2tp_build b;
		uint8_t value[32];

		l2tp_build_begin(&b, NULL, 1, 0, L2TP_CDN);
		l2tp_build_bytes(&b, L2TP_AVP_RESULT_CODE, value,
				 unhex(cases[i].value, value, sizeof(value)));
		assert_int_equal(l2tp_message_parse(b.buf + 12, b.w.len - 12, NULL, 0, &m), 0);
		l2tp_message_reason(&m, &why);
		assert_int_equal(why.result, cases[i].result);
		assert_int_equal(why.error, cases[i].error);
		assert_string_equal(why.text, cases[i].text);
		assert_true(why.from_peer);
	}
}

static void of_duplicates_the_first_counts(void **state)
{
	struct l2tp_message m;
	struct l2tp_build b;

	(void)state;
	l2tp_build_begin(&b, NULL, 1, 0, L2TP_ICRQ);
	l2tp_build_u16(&b, L2TP_AVP_ASSIGNED_SESSION_ID, 7);
	l2tp_build_u16(&b, L2TP_AVP_ASSIGNED_SESSION_ID, 8);
	l2tp_build_u32(&b, L2TP_AVP_CALL_SERIAL_NUMBER, 1);
	assert_int_equal(l2tp_message_parse(b.buf + 12, b.w.len - 12, NULL, 0, &m), 0);
	assert_int_equal(l2tp_u16(&m, L2TP_AVP_ASSIGNED_SESSION_ID), 7); /* V2-AVP-8 */
}

/* Proxy values too long to be kept are left out whole. */
static void long_proxy_values_are_left_out(void **state)
{
	struct l2tp_call_info info = { 0 };
	uint8_t long_value[L2TP_MAX_PROXY + 1] = { 0 };
	struct l2tp_message m;
	struct l2tp_build b;

	(void)state;
	l2tp_build_begin(&b, NULL, 1, 1, L2TP_ICCN);
	l2tp_build_u32(&b, L2TP_AVP_TX_CONNECT_SPEED, 100000000); /* V2-QRK-7 */
	l2tp_build_u32(&b, L2TP_AVP_FRAMING_TYPE, 3);
	l2tp_build_bytes(&b, L2TP_AVP_FIRST_LCP_CONFREQ, long_value, 10);
	l2tp_build_bytes(&b, L2TP_AVP_SENT_LCP_CONFREQ, long_value, sizeof(long_value));
	l2tp_build_u16(&b, L2TP_AVP_PROXY_AUTHEN_TYPE, 3);
	l2tp_build_bytes(&b, L2TP_AVP_PROXY_AUTHEN_NAME, long_value, L2TP_MAX_PROXY);
	l2tp_build_bytes(&b, L2TP_AVP_PROXY_AUTHEN_RESPONSE, long_value, sizeof(long_value));
	assert_int_equal(l2tp_message_parse(b.buf + 12, b.w.len - 12, NULL, 0, &m), 0);
	info_read(&m, &info);
	assert_false(info.has_proxy_auth);
	assert_int_equal(info.first_lcp_len + info.sent_lcp_len + info.proxy_name_len, 0);
	assert_int_equal(info.rx_speed, info.tx_speed);
}

static int load(void **state)
{
	(void)state;
	crypto = json_load_file("tests/vectors/crypto.json", 0, NULL);
	packets = json_load_file("tests/vectors/packets.json", 0, NULL);
	return crypto && packets ? 0 : -1;
}

static int unload(void **state)
{
	(void)state;
	json_decref(crypto);
	json_decref(packets);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_form_of_data_is_read),
		cmocka_unit_test(broken_headers_are_told_apart),
		cmocka_unit_test(control_has_one_form),
		cmocka_unit_test(our_transmit_forms),
		cmocka_unit_test(hiding_agrees_with_the_vectors),
		cmocka_unit_test(a_hidden_length_beyond_the_avp_is_refused),
		cmocka_unit_test(responses_agree_with_the_vectors),
		cmocka_unit_test(control_vectors_are_read),
		cmocka_unit_test(m_decides_what_an_unknown_avp_does),
		cmocka_unit_test(lengths_are_checked_for_every_avp),
		cmocka_unit_test(every_required_avp_is_missed),
		cmocka_unit_test(lost_structure_is_no_message),
		cmocka_unit_test(result_codes_of_all_kinds),
		cmocka_unit_test(of_duplicates_the_first_counts),
		cmocka_unit_test(long_proxy_values_are_left_out),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
