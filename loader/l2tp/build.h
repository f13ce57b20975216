/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Writing control messages: AVPs with the bits that the table of avp.h asks for, hidden
 * where that is wanted and allowed (V2-HID-*), and each message that we send.
 */
#ifndef L2XDP_L2TP_BUILD_H
#define L2XDP_L2TP_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/base/bytes.h"
#include "loader/base/ids.h"
#include "loader/l2tp/auth.h"
#include "loader/l2tp/avp.h"
#include "loader/l2tp/l2tp.h"

/* What outer path and peers will take without fragments: optional AVPs that would go
 * beyond are left out (V2-REL-16). */
#define L2TP_BUILD_SOFT_MAX 1380
#define L2TP_VECTOR_LEN 16

/* How to write for one peer. */
struct l2tp_style {
	const uint8_t *secret; /* NULL: nothing can be hidden */
	size_t secret_len;
	bool hide; /* all that may be */
	random_fn *random;
	void *ctx;
};

struct l2tp_build {
	struct writer w;
	struct l2tp_style style;
	bool has_vector;
	uint8_t vector[L2TP_VECTOR_LEN]; /* one a message, fresh (V2-HID-7) */
	uint8_t buf[L2TP_MAX_MESSAGE];
};

/* IDs are the peer's. Then AVPs, then l2tp_build_end: octets in b->buf, 0 when they did
 * not fit. */
void l2tp_build_begin(struct l2tp_build *b, const struct l2tp_style *style, uint16_t tunnel_id,
		      uint16_t session_id, enum l2tp_message_type type);
void l2tp_build_bytes(struct l2tp_build *b, enum l2tp_avp_type type, const void *value, size_t len);
/* Hidden whatever the style says; there must be a secret. */
void l2tp_build_hidden(struct l2tp_build *b, enum l2tp_avp_type type, const void *value,
		       size_t len);
void l2tp_build_u16(struct l2tp_build *b, enum l2tp_avp_type type, uint16_t v);
void l2tp_build_u32(struct l2tp_build *b, enum l2tp_avp_type type, uint32_t v);
size_t l2tp_build_end(struct l2tp_build *b);

/* SCCRQ and SCCRP. NULL or 0: left out. */
struct l2tp_start {
	const char *hostname;
	uint16_t tunnel_id; /* ours */
	uint16_t window;
	const uint8_t *tie_breaker; /* 8 octets */
	const uint8_t *challenge; /* L2TP_CHALLENGE_LEN octets */
	const uint8_t *response; /* L2TP_RESPONSE_LEN octets */
};

size_t l2tp_build_sccrq(struct l2tp_build *b, const struct l2tp_style *style,
			const struct l2tp_start *s);
size_t l2tp_build_sccrp(struct l2tp_build *b, const struct l2tp_style *style, uint16_t peer_id,
			const struct l2tp_start *s);
size_t l2tp_build_scccn(struct l2tp_build *b, const struct l2tp_style *style, uint16_t peer_id,
			const uint8_t *response);
/* tunnel_id, session_id: ours, as assigned. */
size_t l2tp_build_stopccn(struct l2tp_build *b, uint16_t peer_id, uint16_t tunnel_id,
			  const struct l2tp_reason *why);
size_t l2tp_build_hello(struct l2tp_build *b, uint16_t peer_id);
size_t l2tp_build_icrq(struct l2tp_build *b, const struct l2tp_style *style, uint16_t peer_id,
		       uint16_t session_id, const struct l2tp_call_info *info);
size_t l2tp_build_icrp(struct l2tp_build *b, const struct l2tp_style *style, uint16_t peer_id,
		       uint16_t peer_session_id, uint16_t session_id);
size_t l2tp_build_iccn(struct l2tp_build *b, const struct l2tp_style *style, uint16_t peer_id,
		       uint16_t peer_session_id, const struct l2tp_call_info *info);
size_t l2tp_build_cdn(struct l2tp_build *b, const struct l2tp_style *style, uint16_t peer_id,
		      uint16_t peer_session_id, uint16_t session_id, const struct l2tp_reason *why);

#endif
