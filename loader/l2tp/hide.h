/* SPDX-License-Identifier: GPL-2.0-or-later */
/* AVP hiding (RFC 2661 section 4.3; V2-HID-2 to V2-HID-4). */
#ifndef L2XDP_L2TP_HIDE_H
#define L2XDP_L2TP_HIDE_H

#include <stddef.h>
#include <stdint.h>

struct l2tp_hide_key {
	const uint8_t *secret, *vector; /* the tunnel's secret, the value of AVP 36 */
	size_t secret_len, vector_len;
};

/* Turns `len` octets of subformat (length, value, padding) at p into ciphertext, in
 * place. */
void l2tp_hide(uint16_t type, const struct l2tp_hide_key *key, uint8_t *p, size_t len);

/* The reverse, from `in` to `out`, which has room for len octets. The value stands at
 * out + 2. -EBADMSG when the recovered length does not fit (V2-HID-4). */
int l2tp_unhide(uint16_t type, const struct l2tp_hide_key *key, const uint8_t *in, size_t len,
		uint8_t *out, size_t *ret_value_len);

#endif
