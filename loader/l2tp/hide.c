/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loader/l2tp/hide.h"

#include <errno.h>
#include <nettle/md5.h>
#include <stdbool.h>
#include <string.h>

#define BLOCK MD5_DIGEST_SIZE

/* b1 = MD5(type, secret, vector); b(i) = MD5(secret, c(i-1)) (V2-HID-3). `in` may be
 * `out`: the ciphertext block is kept apart before it is overwritten. */
static void transform(uint16_t type, const struct l2tp_hide_key *key, const uint8_t *in, size_t len,
		      uint8_t *out, bool encrypt)
{
	const uint8_t type_be[2] = { (uint8_t)(type >> 8), (uint8_t)type };
	uint8_t pad[BLOCK], cipher[BLOCK];
	struct md5_ctx md5;

	md5_init(&md5);
	md5_update(&md5, sizeof(type_be), type_be);
	md5_update(&md5, key->secret_len, key->secret);
	md5_update(&md5, key->vector_len, key->vector);
	md5_digest(&md5, BLOCK, pad);
	for (size_t at = 0; at < len; at += BLOCK) {
		size_t n = len - at < BLOCK ? len - at : BLOCK;

		if (at) {
			md5_update(&md5, key->secret_len, key->secret);
			md5_update(&md5, BLOCK, cipher);
			md5_digest(&md5, BLOCK, pad);
		}
		for (size_t i = 0; i < n; i++) {
			uint8_t from = in[at + i];

			out[at + i] = from ^ pad[i];
			cipher[i] = encrypt ? out[at + i] : from;
		}
	}
	explicit_bzero(pad, sizeof(pad));
	explicit_bzero(&md5, sizeof(md5));
}

void l2tp_hide(uint16_t type, const struct l2tp_hide_key *key, uint8_t *p, size_t len)
{
	transform(type, key, p, len, p, true);
}

int l2tp_unhide(uint16_t type, const struct l2tp_hide_key *key, const uint8_t *in, size_t len,
		uint8_t *out, size_t *ret_value_len)
{
	size_t value_len;

	if (len < 2)
		return -EBADMSG;
	transform(type, key, in, len, out, false);
	value_len = (size_t)(out[0] << 8 | out[1]);
	if (value_len > len - 2) {
		explicit_bzero(out, len);
		return -EBADMSG;
	}
	*ret_value_len = value_len;
	return 0;
}
