/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One control message of version 3: as it came, or mended and signed here first, so that what
 * stands behind the digest is reached.
 *
 * Input: a byte of how (enum how), then the message.
 */
#include <stdlib.h>
#include <string.h>

#include "loader/l2tp/hide.h"
#include "loader/l2tp3/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum how {
	WITH_AUTH = 0x01, /* else before a secret is known */
	WITH_NONCES = 0x02,
	TWO_KEYS = 0x04,
	NO_KEYS = 0x08,
	DRAFTS = 0x10,
	MEND = 0x20, /* the header is made good */
	SIGN = 0x40, /* a digest is put behind Message Type; sent by who has the last key */
	HIDE = 0x80, /* values with H are taken for clear ones, and hidden */
};
#define MESSAGE_TYPE_END (L2TP3_HEADER + 8)

static struct l2tp3_message m;

static struct l2tp3_auth auth_of(uint8_t how)
{
	struct l2tp3_auth a = { .nonces = how & WITH_NONCES, .peer_len = 16 };

	a.n_keys = how & NO_KEYS ? 0 : how & TWO_KEYS ? 2 : 1;
	l2tp3_keys_derive((const uint8_t *)"l2tp-secret", 11, &a.keys[0]);
	l2tp3_keys_derive((const uint8_t *)"new", 3, &a.keys[1]);
	for (uint8_t i = 0; i < 16; i++) {
		a.ours[i] = (uint8_t)(0x30 + i);
		a.peer[i] = (uint8_t)(0x40 + i);
	}
	return a;
}

/* As the other end has it, with one key. */
static struct l2tp3_auth theirs(const struct l2tp3_auth *a)
{
	struct l2tp3_auth t = { .n_keys = 1, .nonces = a->nonces, .peer_len = 16 };

	t.keys[0] = a->keys[a->n_keys > 1];
	memcpy(t.ours, a->peer, 16);
	memcpy(t.peer, a->ours, 16);
	return t;
}

static void mend(uint8_t *p, size_t len)
{
	if (len < L2TP3_HEADER || len > 0xffff)
		return;
	p[0] = 0xc8;
	p[1] = p[1] & 1 ? 3 : 2;
	p[2] = (uint8_t)(len >> 8);
	p[3] = (uint8_t)len;
}

static void hide(uint8_t *p, size_t len, const struct l2tp3_auth *from)
{
	struct reader r = reader_of(p + L2TP3_HEADER, len - L2TP3_HEADER);
	struct l2tp_hide_key key = { .secret = from->keys[0].hide, .secret_len = L2TP3_KEY };
	struct l2tp_avp avp;

	while (l2tp_avp_next(&r, &avp)) {
		if (avp.vendor == L2TP_VENDOR_IETF && avp.type == L2TP_AVP_RANDOM_VECTOR) {
			key.vector = avp.value;
			key.vector_len = avp.len;
		} else if (avp.hidden && key.vector) {
			l2tp_hide(avp.type, &key, p + (avp.value - p), avp.len);
		}
	}
}

/* The message as it is parsed, in a buffer of its size. */
static uint8_t *prepare(uint8_t how, const uint8_t *data, size_t *len, const struct l2tp3_auth *a)
{
	static const uint8_t digest[23] = { 0x80, 23, 0, 0, 0, L2TP3_AVP_DIGEST };
	const struct l2tp3_auth from = theirs(a);
	bool sign = (how & SIGN) && *len >= MESSAGE_TYPE_END;
	size_t at = sign ? MESSAGE_TYPE_END : 0, n = sign ? sizeof(digest) : 0;
	uint8_t *p = malloc(*len + n + 1);

	if (!p)
		abort();
	memcpy(p, data, at);
	memcpy(p + at, digest, n);
	memcpy(p + at + n, data + at, *len - at);
	*len += n;
	if (how & MEND || sign)
		mend(p, *len);
	if ((how & HIDE) && *len >= L2TP3_HEADER)
		hide(p, *len, &from);
	if (sign)
		l2tp3_sign(p, *len, &from);
	return p;
}

static void check_text(const char *s, size_t cap)
{
	size_t n = strnlen(s, cap);

	if (n == cap)
		abort();
	for (size_t i = 0; i < n; i++)
		if (s[i] < 0x20 || s[i] > 0x7e)
			abort();
}

static void check_reader(const struct reader *r, const uint8_t *p, size_t len)
{
	bool clear = r->p >= p && r->p + r->left <= p + len;
	bool revealed = r->p >= m.room && r->p + r->left <= m.room + sizeof(m.room);

	if (r->bad || (r->p && !clear && !revealed))
		abort();
}

static void check(const uint8_t *p, size_t len, bool believed)
{
	check_text(m.fault_text, sizeof(m.fault_text));
	check_text(m.reason.text, sizeof(m.reason.text));
	check_reader(&m.host_name, p, len);
	check_reader(&m.vendor_name, p, len);
	check_reader(&m.end_id, p, len);
	check_reader(&m.nonce, p, len);
	if (m.n_caps > L2TP3_MAX_CAPS || m.nonce.left > L2TP3_MAX_NONCE || m.sublayer > 1 ||
	    m.sequencing > L2TP3_SEQ_ALL || m.verified >= L2TP3_SECRETS)
		abort();
	if (m.cookie_len && m.cookie_len != 4 && m.cookie_len != 8)
		abort();
	if (believed && l2tp3_has(&m, L2TP3_AVP_CCID) && !m.ccid && m.type != L2TP_STOPCCN)
		abort();
	if (!m.fault != !m.fault_text[0])
		abort();
}

/* What we have signed is refused only for what it lacks. */
static void check_signed(enum l2tp3_parsed verdict)
{
	if (verdict == L2TP3_P_NO_DIGEST && m.type != L2TP_SCCRQ && m.type != L2TP_SCCRP)
		abort();
	/* an SCCRP has its sender's nonce in it, which need not be the one we signed with */
	if (verdict == L2TP3_P_DIGEST && m.type != L2TP_SCCRP)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum l2tp3_parsed verdict;
	struct l2tp3_auth auth;
	uint8_t *p, how;
	size_t len;

	if (!size)
		return 0;
	how = data[0];
	len = size - 1;
	auth = auth_of(how);
	p = prepare(how, data + 1, &len, &auth);
	verdict = l2tp3_parse(p, len, how & WITH_AUTH ? &auth : NULL, how & DRAFTS, &m);
	if ((how & SIGN) && size - 1 >= MESSAGE_TYPE_END)
		check_signed(verdict);
	if (verdict == L2TP3_P_OK)
		check(p, len, how & WITH_AUTH);
	free(p);
	return 0;
}
