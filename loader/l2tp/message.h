/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One control message, read whole: AVPs found, revealed, checked against the table of
 * avp.h, before anything acts on it (V2-AVP-13).
 */
#ifndef L2XDP_L2TP_MESSAGE_H
#define L2XDP_L2TP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/l2tp/avp.h"
#include "loader/l2tp/l2tp.h"

struct l2tp_value {
	const uint8_t *p; /* NULL: absent */
	size_t len;
};

/* What is wrong with a message although its structure holds. */
struct l2tp_fault {
	uint16_t error; /* enum l2tp_error; L2TP_ERR_NONE: nothing */
	char text[80];
};

struct l2tp_message {
	uint16_t type;
	bool mandatory; /* M of the Message Type AVP */
	bool known;
	struct l2tp_fault fault; /* the first one that may not be passed over */
	struct l2tp_value v[L2TP_AVP_LIMIT]; /* by IETF type: listed, and of good length */
	size_t revealed_len;
	uint8_t revealed[L2TP_MAX_MESSAGE]; /* values that were hidden */
};

/* p is the message after its header. 0, or -EBADMSG when the structure is lost: then
 * nothing may be acknowledged. Values point into p or into *ret, which is not to be
 * moved. `secret` may be NULL. */
int l2tp_message_parse(const uint8_t *p, size_t len, const uint8_t *secret, size_t secret_len,
		       struct l2tp_message *ret);
/* Forgets what was hidden. */
void l2tp_message_wipe(struct l2tp_message *m);

static inline bool l2tp_has(const struct l2tp_message *m, enum l2tp_avp_type type)
{
	return m->v[type].p;
}
/* 0 if absent: ask l2tp_has where that matters. */
uint16_t l2tp_u16(const struct l2tp_message *m, enum l2tp_avp_type type);
uint32_t l2tp_u32(const struct l2tp_message *m, enum l2tp_avp_type type);

/* Result Code and PPP Disconnect Cause, with the codes of those who swap them put right
 * (V2-RES-1, V2-RES-2, Q-1, Q-2). `from_peer` is set. */
void l2tp_message_reason(const struct l2tp_message *m, struct l2tp_reason *ret);

#endif
