/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CHAP with MD5 (RFC 1994 section 4.1) and MS-CHAPv2 (RFC 2759 section 8), both ways: the
 * authenticator checks, the client answers. The algorithms are nettle's.
 */
#include "loader/ppp/link.h"

#include <nettle/des.h>
#include <nettle/md4.h>
#include <nettle/md5.h>
#include <nettle/memops.h>
#include <nettle/sha1.h>
#include <stdlib.h>

#define NT_HASH_LEN 16
#define NT_RESPONSE_LEN 24
#define CHALLENGE_HASH_LEN 8
/* RFC 2759 section 5: a password has at most 256 characters. */
#define MAX_PASSWORD 256

/* Where the fields of an MS-CHAPv2 Response stand (RFC 2759 section 4). */
#define RESPONSE_NT_AT 24

bool crypto_equal(const void *a, const void *b, size_t n)
{
	return memeql_sec(a, b, n);
}

void free_wiped(void *p, size_t len)
{
	if (p)
		explicit_bzero(p, len);
	free(p);
}

void crypto_chap_md5(uint8_t id, const char *secret, size_t len, const uint8_t *challenge,
		     size_t challenge_len, uint8_t ret[CHAP_MD5_LEN])
{
	struct md5_ctx ctx;

	md5_init(&ctx);
	md5_update(&ctx, 1, &id);
	md5_update(&ctx, len, (const uint8_t *)secret);
	md5_update(&ctx, challenge_len, challenge);
	md5_digest(&ctx, CHAP_MD5_LEN, ret);
	explicit_bzero(&ctx, sizeof(ctx));
}

/* One character of UTF-8; 0 with *used 0 if it is none. */
static uint32_t utf8_next(const uint8_t *p, size_t left, size_t *used)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	unsigned int more = p[0] < 0x80 ? 0 : p[0] >= 0xf0 ? 3 : p[0] >= 0xe0 ? 2 : 1;
	uint32_t c = more ? p[0] & (0x3fu >> more) : p[0];

	*used = 0;
	if ((p[0] >= 0x80 && p[0] < 0xc2) || p[0] > 0xf4 || more >= left)
		return 0;
	for (unsigned int i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*used = more + 1;
	return c;
}

static void put_utf16(struct writer *w, uint32_t unit)
{
	writer_u8(w, (uint8_t)unit);
	writer_u8(w, (uint8_t)(unit >> 8));
}

/* The password as the peer's Unicode has it. A file that is not UTF-8 is read as Latin-1,
 * octet by octet, as pppd reads every file. */
static void to_utf16(const char *text, size_t len, struct writer *w)
{
	const uint8_t *p = (const uint8_t *)text;
	bool utf8 = true;
	size_t used;

	for (size_t i = 0; i < len && utf8; i += used) {
		utf8_next(p + i, len - i, &used);
		utf8 = used != 0;
	}
	for (size_t i = 0; i < len; i += used) {
		uint32_t c = p[i];

		used = 1;
		if (utf8)
			c = utf8_next(p + i, len - i, &used);
		if (c >= 0x10000) {
			c -= 0x10000;
			put_utf16(w, 0xd800 | c >> 10);
			c = 0xdc00 | (c & 0x3ff);
		}
		put_utf16(w, c);
	}
}

void crypto_nt_hash(const char *password, size_t len, uint8_t ret[NT_HASH_LEN])
{
	uint8_t unicode[2 * MAX_PASSWORD];
	struct writer w = writer_of(unicode, sizeof(unicode));
	struct md4_ctx ctx;

	to_utf16(password, len, &w);
	md4_init(&ctx);
	md4_update(&ctx, w.len, unicode);
	md4_digest(&ctx, NT_HASH_LEN, ret);
	explicit_bzero(&ctx, sizeof(ctx));
	explicit_bzero(unicode, sizeof(unicode));
}

void crypto_challenge_hash(const char *user, const uint8_t *challenge,
			   const uint8_t *peer_challenge, uint8_t ret[CHALLENGE_HASH_LEN])
{
	const char *domain_end = strrchr(user, '\\');
	const char *name = domain_end ? domain_end + 1 : user;
	struct sha1_ctx ctx;

	sha1_init(&ctx);
	sha1_update(&ctx, CHALLENGE_LEN, peer_challenge);
	sha1_update(&ctx, CHALLENGE_LEN, challenge);
	sha1_update(&ctx, strlen(name), (const uint8_t *)name);
	sha1_digest(&ctx, CHALLENGE_HASH_LEN, ret);
}

/* Seven octets of key, spread over eight whose low bits are parity (RFC 2759 section 8.6). */
static void des_with(const uint8_t key[7], const uint8_t in[8], uint8_t out[8])
{
	uint8_t spread[DES_KEY_SIZE];
	struct des_ctx ctx;

	spread[0] = key[0];
	for (unsigned int i = 1; i < 7; i++)
		spread[i] = (uint8_t)(key[i - 1] << (8 - i) | key[i] >> i);
	spread[7] = (uint8_t)(key[6] << 1);
	des_fix_parity(sizeof(spread), spread, spread);
	des_set_key(&ctx, spread); /* says that a key is weak, and takes it */
	des_encrypt(&ctx, DES_BLOCK_SIZE, out, in);
	explicit_bzero(&ctx, sizeof(ctx));
	explicit_bzero(spread, sizeof(spread));
}

static void nt_response(const uint8_t hash[NT_HASH_LEN],
			const uint8_t challenge[CHALLENGE_HASH_LEN], uint8_t ret[NT_RESPONSE_LEN])
{
	uint8_t key[21] = { 0 };

	memcpy(key, hash, NT_HASH_LEN);
	for (unsigned int i = 0; i < 3; i++)
		des_with(key + 7 * i, challenge, ret + 8 * i);
	explicit_bzero(key, sizeof(key));
}

/* RFC 2759 section 8.7, with its two magic constants. */
static void authenticator_response(const uint8_t hash[NT_HASH_LEN],
				   const uint8_t nt[NT_RESPONSE_LEN],
				   const uint8_t challenge[CHALLENGE_HASH_LEN], char ret[41])
{
	static const char magic1[] = "Magic server to client signing constant";
	static const char magic2[] = "Pad to make it do more than one iteration";
	uint8_t hash_hash[NT_HASH_LEN], digest[SHA1_DIGEST_SIZE];
	struct md4_ctx md4;
	struct sha1_ctx ctx;

	md4_init(&md4);
	md4_update(&md4, NT_HASH_LEN, hash);
	md4_digest(&md4, NT_HASH_LEN, hash_hash);
	sha1_init(&ctx);
	sha1_update(&ctx, NT_HASH_LEN, hash_hash);
	sha1_update(&ctx, NT_RESPONSE_LEN, nt);
	sha1_update(&ctx, sizeof(magic1) - 1, (const uint8_t *)magic1);
	sha1_digest(&ctx, sizeof(digest), digest);
	sha1_update(&ctx, sizeof(digest), digest);
	sha1_update(&ctx, CHALLENGE_HASH_LEN, challenge);
	sha1_update(&ctx, sizeof(magic2) - 1, (const uint8_t *)magic2);
	sha1_digest(&ctx, sizeof(digest), digest);
	for (unsigned int i = 0; i < sizeof(digest); i++) {
		ret[2 * i] = "0123456789ABCDEF"[digest[i] >> 4];
		ret[2 * i + 1] = "0123456789ABCDEF"[digest[i] & 15];
	}
	ret[AUTHENTICATOR_RESPONSE_LEN] = 0;
	explicit_bzero(&md4, sizeof(md4));
	explicit_bzero(hash_hash, sizeof(hash_hash));
}

void crypto_mschapv2(const char *user, const char *password, size_t len, const uint8_t *challenge,
		     const uint8_t *peer_challenge, uint8_t ret_nt[NT_RESPONSE_LEN],
		     char ret_expected[AUTHENTICATOR_RESPONSE_LEN + 1])
{
	uint8_t hash[NT_HASH_LEN], short_challenge[CHALLENGE_HASH_LEN];

	crypto_nt_hash(password, len, hash);
	crypto_challenge_hash(user, challenge, peer_challenge, short_challenge);
	nt_response(hash, short_challenge, ret_nt);
	authenticator_response(hash, ret_nt, short_challenge, ret_expected);
	explicit_bzero(hash, sizeof(hash));
}

/* ---- checks ---- */

/* Digests are compared, as the texts may differ in length and that is nobody's business. */
static bool check_pap(const struct ppp_credentials *cred, const char *password, size_t len)
{
	uint8_t theirs[SHA1_DIGEST_SIZE], ours[SHA1_DIGEST_SIZE];
	struct sha1_ctx ctx;
	bool same;

	sha1_init(&ctx);
	sha1_update(&ctx, cred->response_len, cred->response);
	sha1_digest(&ctx, sizeof(theirs), theirs);
	sha1_update(&ctx, len, (const uint8_t *)password);
	sha1_digest(&ctx, sizeof(ours), ours);
	same = crypto_equal(theirs, ours, sizeof(ours));
	explicit_bzero(&ctx, sizeof(ctx));
	explicit_bzero(theirs, sizeof(theirs));
	explicit_bzero(ours, sizeof(ours));
	return same;
}

static bool check_md5(const struct ppp_credentials *cred, const char *password, size_t len)
{
	uint8_t expected[CHAP_MD5_LEN];

	if (cred->response_len != sizeof(expected))
		return false;
	crypto_chap_md5(cred->id, password, len, cred->challenge, cred->challenge_len, expected);
	return crypto_equal(expected, cred->response, sizeof(expected));
}

/* PPP-MS2-1, PPP-MS2-2; the octet of flags at the end is not looked at (PPP-QRK-10). */
static bool check_mschapv2(const struct ppp_credentials *cred, const char *password, size_t len,
			   char ret_response[41])
{
	uint8_t expected[NT_RESPONSE_LEN];
	char response[41];
	bool same;

	if (cred->response_len != MSCHAPV2_LEN || cred->challenge_len != CHALLENGE_LEN)
		return false;
	crypto_mschapv2(cred->user, password, len, cred->challenge, cred->response, expected,
			response);
	same = crypto_equal(expected, cred->response + RESPONSE_NT_AT, sizeof(expected));
	if (same)
		memcpy(ret_response, response, sizeof(response));
	explicit_bzero(response, sizeof(response));
	explicit_bzero(expected, sizeof(expected));
	return same;
}

bool ppp_check_password(const struct ppp_credentials *cred, const char *password, size_t len,
			char ret_authenticator_response[41])
{
	ret_authenticator_response[0] = 0;
	switch (cred->method) {
	case PPP_AUTH_PAP:
		return check_pap(cred, password, len);
	case PPP_AUTH_CHAP_MD5:
		return check_md5(cred, password, len);
	case PPP_AUTH_MSCHAPV2:
		return check_mschapv2(cred, password, len, ret_authenticator_response);
	case PPP_AUTH_NONE:
		break;
	}
	return false;
}
