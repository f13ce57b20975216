/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Within the codec alone: what its files know of each other. */
#ifndef L2XDP_L2TP3_AVPS_H
#define L2XDP_L2TP3_AVPS_H

#include "loader/l2tp3/codec.h"

/* Vendor of the drafts before the RFC. */
#define L2TP3_VENDOR_CISCO 9

struct l2tp3_avp_rule {
	const char *name; /* NULL: not known */
	uint16_t min, max; /* octets of the value, before hiding */
	bool mandatory; /* M when we send it */
	bool may_hide; /* H allowed when we send it */
	uint32_t listed, required; /* messages, as L2TP_IN */
	uint32_t nonzero; /* messages in which the number must not be 0 */
};
/* NULL: an IETF type that version 3 does not know. */
const struct l2tp3_avp_rule *l2tp3_avp_rule(uint16_t type);
/* "SCCRQ", "ACK" and so on; NULL if unknown. */
const char *l2tp3_message_name(uint16_t type);

/* drafts.c: the IETF's type of one of vendor 9, 0: there is none. */
uint16_t l2tp3_draft_type(uint16_t draft);
/* The reverse. */
uint16_t l2tp3_draft_of(uint16_t type);
/* Of vendor 9, nothing here reads it, and M does not refuse it. */
bool l2tp3_draft_passed_over(uint16_t draft);

/* digest.c: V3-AUTH-3 to V3-AUTH-7. Of a message whose structure holds; ret_keys: a bit for each
 * key that a digest was of. */
enum l2tp3_parsed l2tp3_verify(const uint8_t *msg, size_t len, uint16_t type,
			       const struct l2tp3_auth *auth, unsigned int *ret_keys);

#endif
