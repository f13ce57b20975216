/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys and Message Digests (V3-AUTH-1 to V3-AUTH-8). */
#include <nettle/hmac.h>
#include <nettle/memops.h>
#include <string.h>

#include "loader/l2tp3/avps.h"

#define MAX_DIGEST SHA1_DIGEST_SIZE
#define MAX_DIGESTS 2 /* that count, of a message */

static void derive(const uint8_t *secret, size_t len, uint8_t what, uint8_t ret[L2TP3_KEY])
{
	struct hmac_md5_ctx mac;

	hmac_md5_set_key(&mac, len, len ? secret : (const uint8_t *)"");
	hmac_md5_update(&mac, 1, &what);
	hmac_md5_digest(&mac, L2TP3_KEY, ret);
	explicit_bzero(&mac, sizeof(mac));
}

void l2tp3_keys_derive(const uint8_t *secret, size_t len, struct l2tp3_keys *ret)
{
	derive(secret, len, 2, ret->digest); /* V3-AUTH-1 */
	derive(secret, len, 1, ret->hide); /* V3-HID-1 */
}

/* What stands before the message: the sender's nonce, then that of who receives (V3-AUTH-3). */
struct nonces {
	const uint8_t *sender, *receiver;
	size_t sender_len, receiver_len;
};

struct mac {
	bool sha1;
	union {
		struct hmac_md5_ctx md5;
		struct hmac_sha1_ctx sha;
	};
};

static void update(struct mac *m, const uint8_t *p, size_t len)
{
	if (!len)
		return;
	if (m->sha1)
		hmac_sha1_update(&m->sha, len, p);
	else
		hmac_md5_update(&m->md5, len, p);
}

static void update_zeros(struct mac *m, size_t len)
{
	static const uint8_t zeros[64];

	for (; len > sizeof(zeros); len -= sizeof(zeros))
		update(m, zeros, sizeof(zeros));
	update(m, zeros, len);
}

static bool is_digest(const struct l2tp_avp *avp)
{
	return avp->vendor == L2TP_VENDOR_IETF && avp->type == L2TP3_AVP_DIGEST;
}

static struct reader avps_of(const uint8_t *msg, size_t len)
{
	return reader_of(msg + L2TP3_HEADER, len - L2TP3_HEADER);
}

/* The message as it is, but for the digest octets of every AVP 59, which count as 0 (V3-AUTH-3):
 * what they hold does not matter, for who signs or who verifies. */
static void update_message(struct mac *m, const uint8_t *msg, size_t len)
{
	struct reader r = avps_of(msg, len);
	const uint8_t *from = msg;
	struct l2tp_avp avp;

	while (l2tp_avp_next(&r, &avp)) {
		if (!is_digest(&avp) || !avp.len)
			continue;
		update(m, from, (size_t)(avp.value + 1 - from));
		update_zeros(m, avp.len - 1);
		from = avp.value + avp.len;
	}
	update(m, from, (size_t)(msg + len - from));
}

static size_t digest_size(bool sha1)
{
	return sha1 ? SHA1_DIGEST_SIZE : MD5_DIGEST_SIZE;
}

static void compute(bool sha1, const uint8_t key[L2TP3_KEY], const struct nonces *n,
		    const uint8_t *msg, size_t len, uint8_t ret[MAX_DIGEST])
{
	struct mac m = { .sha1 = sha1 };

	if (sha1)
		hmac_sha1_set_key(&m.sha, L2TP3_KEY, key);
	else
		hmac_md5_set_key(&m.md5, L2TP3_KEY, key);
	update(&m, n->sender, n->sender_len);
	update(&m, n->receiver, n->receiver_len);
	update_message(&m, msg, len);
	if (sha1)
		hmac_sha1_digest(&m.sha, SHA1_DIGEST_SIZE, ret);
	else
		hmac_md5_digest(&m.md5, MD5_DIGEST_SIZE, ret);
	explicit_bzero(&m, sizeof(m));
}

/* A digest: length and algorithm belong together, and it is never hidden (V3-AUTH-2, V3-DEF). */
static bool usable(const struct l2tp_avp *avp)
{
	return !avp->hidden && avp->len && avp->value[0] <= L2TP3_SHA1 &&
	       avp->len == 1 + digest_size(avp->value[0] == L2TP3_SHA1);
}

/* Those directly behind Message Type, which has been looked at. How many: some may not be usable. */
static unsigned int digests(const uint8_t *msg, size_t len, struct l2tp_avp ret[MAX_DIGESTS])
{
	struct reader r = avps_of(msg, len);
	unsigned int n = 0;
	struct l2tp_avp avp;

	if (!l2tp_avp_next(&r, &avp))
		return 0;
	while (n < MAX_DIGESTS && l2tp_avp_next(&r, &avp) && is_digest(&avp))
		ret[n++] = avp;
	return n;
}

/* ---- verifying ---- */

/* The keys that one of the digests is of. */
static unsigned int matching(const uint8_t *msg, size_t len, const struct l2tp3_auth *auth,
			     const struct nonces *nonces, const struct l2tp_avp *avps,
			     unsigned int n)
{
	unsigned int keys = 0;
	uint8_t want[MAX_DIGEST];

	for (unsigned int i = 0; i < n; i++) {
		if (!usable(&avps[i]))
			continue;
		for (unsigned int k = 0; k < auth->n_keys && k < L2TP3_SECRETS; k++) {
			bool sha1 = avps[i].value[0] == L2TP3_SHA1;

			compute(sha1, auth->keys[k].digest, nonces, msg, len, want);
			if (memeql_sec(want, avps[i].value + 1, digest_size(sha1)))
				keys |= 1u << k;
		}
	}
	explicit_bzero(want, sizeof(want));
	return keys;
}

/* Of SCCRQ and SCCRP: the sender's own. False: it announces no authentication (V3-AUTH-6). */
static bool nonce_within(const uint8_t *msg, size_t len, struct nonces *ret)
{
	struct reader r = avps_of(msg, len);
	struct l2tp_avp avp;

	while (l2tp_avp_next(&r, &avp)) {
		if (avp.vendor != L2TP_VENDOR_IETF || avp.type != L2TP3_AVP_NONCE || avp.hidden ||
		    !avp.len)
			continue;
		ret->sender = avp.value;
		ret->sender_len = avp.len;
		return true;
	}
	return false;
}

enum l2tp3_parsed l2tp3_verify(const uint8_t *msg, size_t len, uint16_t type,
			       const struct l2tp3_auth *auth, unsigned int *ret_keys)
{
	static const struct nonces none;
	struct nonces nonces = { .sender = auth->peer,
				 .sender_len = auth->peer_len,
				 .receiver = auth->ours,
				 .receiver_len = auth->ours_unknown ? 0 : sizeof(auth->ours) };
	struct l2tp_avp avps[MAX_DIGESTS];
	unsigned int n = digests(msg, len, avps);

	*ret_keys = 0;
	if (!auth->n_keys)
		return L2TP3_P_OK;
	if (!n)
		return auth->nonces ? L2TP3_P_NO_DIGEST : L2TP3_P_OK;
	if (auth->nonces && (type == L2TP_SCCRQ || type == L2TP_SCCRP) &&
	    !nonce_within(msg, len, &nonces))
		return L2TP3_P_NO_DIGEST;
	if (type == L2TP_SCCRQ || !auth->nonces) /* V3-AUTH-4, V3-AUTH-7 */
		nonces = none;
	*ret_keys = matching(msg, len, auth, &nonces, avps, n);
	/* Who refuses our SCCRQ has not told us a nonce, and may count none at all. */
	if (!*ret_keys && auth->nonces && type == L2TP_STOPCCN && !auth->peer_len)
		*ret_keys = matching(msg, len, auth, &none, avps, n);
	return *ret_keys ? L2TP3_P_OK : L2TP3_P_DIGEST;
}

/* ---- signing ---- */

static uint16_t type_of(const uint8_t *msg, size_t len)
{
	struct reader r = avps_of(msg, len);
	struct l2tp_avp avp;
	struct reader value;

	if (!l2tp_avp_next(&r, &avp))
		return 0;
	value = reader_of(avp.value, avp.len);
	return reader_u16(&value);
}

void l2tp3_sign(uint8_t *msg, size_t len, const struct l2tp3_auth *auth)
{
	struct nonces nonces = { .sender = auth->ours,
				 .sender_len = auth->ours_unknown ? 0 : sizeof(auth->ours),
				 .receiver = auth->peer,
				 .receiver_len = auth->peer_len };
	struct l2tp_avp avps[MAX_DIGESTS];
	unsigned int n;

	if (!auth->n_keys || len < L2TP3_HEADER)
		return;
	n = digests(msg, len, avps);
	if (!auth->nonces || type_of(msg, len) == L2TP_SCCRQ)
		nonces = (struct nonces){ 0 };
	for (unsigned int i = 0; i < n; i++) {
		/* fewer keys than there were when it was built: the last one signs the rest */
		unsigned int k = i < auth->n_keys ? i : auth->n_keys - 1;
		uint8_t digest[MAX_DIGEST];
		bool sha1;

		if (!usable(&avps[i]))
			continue;
		sha1 = avps[i].value[0] == L2TP3_SHA1;
		compute(sha1, auth->keys[k].digest, &nonces, msg, len, digest);
		memcpy(msg + (avps[i].value + 1 - msg), digest, digest_size(sha1));
	}
}
