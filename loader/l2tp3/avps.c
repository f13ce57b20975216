/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loader/l2tp3/avps.h"

#define ANY 0xffffffffu
#define VALUE_MAX L2TP_AVP_VALUE_MAX
#define IN(m) L2TP_IN(L2TP_##m)
#define START (IN(SCCRQ) | IN(SCCRP))
#define REQUESTS (IN(ICRQ) | IN(OCRQ))
#define REPLIES (IN(ICRP) | IN(OCRP))
#define CONNECTED (IN(ICCN) | IN(OCCN))
#define SET_UP (REQUESTS | REPLIES | CONNECTED)
#define NOTICES (IN(WEN) | IN(SLI))
#define SESSION (SET_UP | NOTICES | IN(CDN))
/* clang-format off */
#define ROW(n, lo, hi, m, h, nz, in, must) \
	{ .name = (n), .min = (lo), .max = (hi), .mandatory = (m), .may_hide = (h), \
	  .nonzero = (nz), .listed = (in) | (must), .required = (must) }

/* docs/protocol/l2tpv3.md section 6. Those of failover are left out, as in version 2: one with M
 * refuses what we could not do. */
static const struct l2tp3_avp_rule rules[L2TP3_AVP_LIMIT] = {
	/*    name                         octets        M  H  != 0 in  listed in  required in */
	[0] = ROW("Message Type",          2, 2,         1, 0, 0, ANY, 0),
	[1] = ROW("Result Code",           2, VALUE_MAX, 1, 0, 0, 0, IN(STOPCCN) | IN(CDN)),
	[5] = ROW("Tie Breaker",           8, 8,         1, 0, 0, IN(SCCRQ) | REQUESTS, 0),
	[7] = ROW("Host Name",             1, VALUE_MAX, 1, 0, 0, 0, START),
	[8] = ROW("Vendor Name",           0, VALUE_MAX, 0, 1, 0, START, 0),
	[10] = ROW("Receive Window Size",  2, 2,         1, 0, ANY, START, 0),
	[15] = ROW("Serial Number",        4, 4,         0, 1, 0, 0, REQUESTS),
	[25] = ROW("Physical Channel ID",  4, 4,         0, 1, 0, IN(ICRQ) | REPLIES, 0),
	/* 4 counters as the figure has them, or 6 as the length says (V3-DEF) */
	[34] = ROW("Circuit Errors",       18, 26,       0, 1, 0, 0, IN(WEN)),
	[36] = ROW("Random Vector",        0, VALUE_MAX, 1, 0, 0, ANY, 0),
	[59] = ROW("Message Digest",       17, 21,       1, 0, 0, ANY, 0),
	[60] = ROW("Router ID",            4, 4,         1, 0, 0, 0, START),
	[61] = ROW("Assigned Control Connection ID",
					   4, 4,         1, 1, START, IN(STOPCCN), START),
	[62] = ROW("PW Capabilities List", 2, VALUE_MAX, 1, 1, 0, 0, START),
	/* one that refuses a request may have none to tell */
	[63] = ROW("Local Session ID",     4, 4,         1, 1, ~IN(CDN), 0, SESSION),
	[64] = ROW("Remote Session ID",    4, 4,         1, 1, 0, 0, SESSION),
	[65] = ROW("Assigned Cookie",      0, 8,         1, 1, 0, REQUESTS | REPLIES, 0),
	[66] = ROW("Remote End ID",        0, VALUE_MAX, 1, 1, 0, 0, REQUESTS),
	[68] = ROW("Pseudowire Type",      2, 2,         1, 1, 0, 0, REQUESTS),
	[69] = ROW("L2-Specific Sublayer", 2, 2,         1, 1, 0, SET_UP, 0),
	[70] = ROW("Data Sequencing",      2, 2,         1, 1, 0, SET_UP, 0),
	[71] = ROW("Circuit Status",       2, 2,         1, 1, 0, CONNECTED | IN(SLI), REQUESTS | REPLIES),
	[72] = ROW("Preferred Language",   0, VALUE_MAX, 0, 1, 0, START, 0),
	[73] = ROW("Nonce",                1, L2TP3_MAX_NONCE, 1, 0, 0, START, 0),
	[74] = ROW("Tx Connect Speed",     8, 8,         0, 1, 0, SET_UP, 0),
	[75] = ROW("Rx Connect Speed",     8, 8,         0, 1, 0, SET_UP, 0),
	[91] = ROW("Interface MTU",        0, VALUE_MAX, 0, 1, 0, 0, 0), /* RFC 4667: nobody reads it */
	[103] = ROW("ECN Capability",      0, 0,         0, 1, 0, START, 0),
};
/* clang-format on */

const struct l2tp3_avp_rule *l2tp3_avp_rule(uint16_t type)
{
	return type < L2TP3_AVP_LIMIT && rules[type].name ? &rules[type] : NULL;
}

const char *l2tp3_message_name(uint16_t type)
{
	return type == L2TP3_ACK ? "ACK" : l2tp_message_name(type);
}
