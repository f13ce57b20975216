/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attribute-value pairs (RFC 2661 section 4): walking over them, and what is known about
 * each as data: name, bits for sending, length, the messages that list it.
 */
#ifndef L2XDP_L2TP_AVP_H
#define L2XDP_L2TP_AVP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/base/bytes.h"

#define L2TP_AVP_HEADER 6
#define L2TP_AVP_MAX 1023
#define L2TP_AVP_VALUE_MAX (L2TP_AVP_MAX - L2TP_AVP_HEADER)
#define L2TP_AVP_M 0x8000
#define L2TP_AVP_H 0x4000
#define L2TP_AVP_RESERVED 0x3c00
#define L2TP_AVP_LENGTH 0x03ff

enum l2tp_message_type {
	L2TP_SCCRQ = 1,
	L2TP_SCCRP = 2,
	L2TP_SCCCN = 3,
	L2TP_STOPCCN = 4,
	L2TP_HELLO = 6,
	L2TP_OCRQ = 7,
	L2TP_OCRP = 8,
	L2TP_OCCN = 9,
	L2TP_ICRQ = 10,
	L2TP_ICRP = 11,
	L2TP_ICCN = 12,
	L2TP_CDN = 14,
	L2TP_WEN = 15,
	L2TP_SLI = 16,
	L2TP_MESSAGE_LIMIT
};

enum l2tp_avp_type {
	L2TP_AVP_MESSAGE_TYPE = 0,
	L2TP_AVP_RESULT_CODE = 1,
	L2TP_AVP_PROTOCOL_VERSION = 2,
	L2TP_AVP_FRAMING_CAPABILITIES = 3,
	L2TP_AVP_BEARER_CAPABILITIES = 4,
	L2TP_AVP_TIE_BREAKER = 5,
	L2TP_AVP_FIRMWARE_REVISION = 6,
	L2TP_AVP_HOST_NAME = 7,
	L2TP_AVP_VENDOR_NAME = 8,
	L2TP_AVP_ASSIGNED_TUNNEL_ID = 9,
	L2TP_AVP_RECEIVE_WINDOW_SIZE = 10,
	L2TP_AVP_CHALLENGE = 11,
	L2TP_AVP_Q931_CAUSE_CODE = 12,
	L2TP_AVP_CHALLENGE_RESPONSE = 13,
	L2TP_AVP_ASSIGNED_SESSION_ID = 14,
	L2TP_AVP_CALL_SERIAL_NUMBER = 15,
	L2TP_AVP_MINIMUM_BPS = 16,
	L2TP_AVP_MAXIMUM_BPS = 17,
	L2TP_AVP_BEARER_TYPE = 18,
	L2TP_AVP_FRAMING_TYPE = 19,
	L2TP_AVP_CALLED_NUMBER = 21,
	L2TP_AVP_CALLING_NUMBER = 22,
	L2TP_AVP_SUB_ADDRESS = 23,
	L2TP_AVP_TX_CONNECT_SPEED = 24,
	L2TP_AVP_PHYSICAL_CHANNEL_ID = 25,
	L2TP_AVP_FIRST_LCP_CONFREQ = 26,
	L2TP_AVP_SENT_LCP_CONFREQ = 27,
	L2TP_AVP_RECEIVED_LCP_CONFREQ = 28,
	L2TP_AVP_PROXY_AUTHEN_TYPE = 29,
	L2TP_AVP_PROXY_AUTHEN_NAME = 30,
	L2TP_AVP_PROXY_AUTHEN_CHALLENGE = 31,
	L2TP_AVP_PROXY_AUTHEN_ID = 32,
	L2TP_AVP_PROXY_AUTHEN_RESPONSE = 33,
	L2TP_AVP_CALL_ERRORS = 34,
	L2TP_AVP_ACCM = 35,
	L2TP_AVP_RANDOM_VECTOR = 36,
	L2TP_AVP_PRIVATE_GROUP_ID = 37,
	L2TP_AVP_RX_CONNECT_SPEED = 38,
	L2TP_AVP_SEQUENCING_REQUIRED = 39,
	L2TP_AVP_PPP_DISCONNECT_CAUSE = 46,
	L2TP_AVP_ECN_CAPABILITY = 103,
	L2TP_AVP_LIMIT
};

#define L2TP_VENDOR_IETF 0
#define L2TP_VENDOR_DRAFT_CAUSE 43 /* carried AVP 46 before RFC 3145 (V2-EXT-2) */
#define L2TP_VENDOR_BROADBAND_FORUM 3561 /* access lines, RFC 5515 */

struct l2tp_avp {
	bool mandatory, hidden, reserved; /* the bits as they came */
	uint16_t vendor, type;
	const uint8_t *value; /* inside the message */
	size_t len;
};

/* The next AVP. False at the end of the message; false with r->bad when its structure
 * is lost (V2-AVP-4). */
bool l2tp_avp_next(struct reader *r, struct l2tp_avp *ret);

/* The structure of a whole message: AVPs that fill it, Message Type first, in clear and
 * of length 8 (V2-AVP-4, V2-AVP-5). */
bool l2tp_avps_valid(const uint8_t *p, size_t len);

#define L2TP_IN(message) (1u << (message))

struct l2tp_avp_rule {
	const char *name; /* NULL: not known */
	uint16_t min, max; /* octets of the value, before hiding */
	bool mandatory; /* M when we send it */
	bool may_hide; /* H allowed when we send it */
	bool nonzero; /* u16 that must not be 0 */
	uint32_t listed, required; /* messages, as L2TP_IN */
};

/* NULL: an AVP nobody here knows. */
const struct l2tp_avp_rule *l2tp_avp_rule(uint16_t vendor, uint16_t type);
/* IETF types only; for loops over required AVPs. name is NULL in gaps. */
extern const struct l2tp_avp_rule l2tp_avp_rules[L2TP_AVP_LIMIT];

/* "SCCRQ" and so on; NULL if unknown. */
const char *l2tp_message_name(uint16_t type);
/* Session scope (a fault ends the call), else tunnel scope. */
bool l2tp_message_is_session(uint16_t type);

#endif
