/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tunnel authentication (RFC 2661 section 5.1.1; V2-AUTH-*). */
#ifndef L2XDP_L2TP_AUTH_H
#define L2XDP_L2TP_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define L2TP_CHALLENGE_LEN 16 /* octets of those that we send (V2-AUTH-4) */
#define L2TP_RESPONSE_LEN 16

/* `id` is the Message Type of the message that carries the response (V2-AUTH-1). */
void l2tp_auth_response(uint8_t id, const uint8_t *secret, size_t secret_len,
			const uint8_t *challenge, size_t challenge_len,
			uint8_t ret[L2TP_RESPONSE_LEN]);

/* Is this the response to our challenge? In constant time (V2-AUTH-3); octets after the
 * first 16 are padding (V2-AUTH-5). */
bool l2tp_auth_check(uint8_t id, const uint8_t *secret, size_t secret_len,
		     const uint8_t challenge[L2TP_CHALLENGE_LEN], const uint8_t *response,
		     size_t response_len);

#endif
