/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loader/l2tp/auth.h"

#include <nettle/md5.h>
#include <nettle/memops.h>
#include <string.h>

void l2tp_auth_response(uint8_t id, const uint8_t *secret, size_t secret_len,
			const uint8_t *challenge, size_t challenge_len,
			uint8_t ret[L2TP_RESPONSE_LEN])
{
	struct md5_ctx md5;

	md5_init(&md5);
	md5_update(&md5, 1, &id);
	md5_update(&md5, secret_len, secret);
	md5_update(&md5, challenge_len, challenge);
	md5_digest(&md5, L2TP_RESPONSE_LEN, ret);
	explicit_bzero(&md5, sizeof(md5));
}

bool l2tp_auth_check(uint8_t id, const uint8_t *secret, size_t secret_len,
		     const uint8_t challenge[L2TP_CHALLENGE_LEN], const uint8_t *response,
		     size_t response_len)
{
	uint8_t want[L2TP_RESPONSE_LEN];
	bool same;

	if (response_len < L2TP_RESPONSE_LEN)
		return false;
	l2tp_auth_response(id, secret, secret_len, challenge, L2TP_CHALLENGE_LEN, want);
	same = memeql_sec(want, response, L2TP_RESPONSE_LEN);
	explicit_bzero(want, sizeof(want));
	return same;
}
