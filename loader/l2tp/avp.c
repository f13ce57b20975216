/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loader/l2tp/avp.h"

bool l2tp_avp_next(struct reader *r, struct l2tp_avp *ret)
{
	uint16_t flags, length;
	struct l2tp_avp avp;

	if (r->bad || !r->left)
		return false;
	flags = reader_u16(r);
	avp.vendor = reader_u16(r);
	avp.type = reader_u16(r);
	length = flags & L2TP_AVP_LENGTH;
	if (length < L2TP_AVP_HEADER) /* V2-AVP-4 */
		r->bad = true;
	avp.mandatory = flags & L2TP_AVP_M;
	avp.hidden = flags & L2TP_AVP_H;
	avp.reserved = flags & L2TP_AVP_RESERVED;
	avp.len = length - L2TP_AVP_HEADER;
	avp.value = reader_take(r, avp.len);
	if (r->bad)
		return false;
	*ret = avp;
	return true;
}

bool l2tp_avps_valid(const uint8_t *p, size_t len)
{
	struct reader r = reader_of(p, len);
	struct l2tp_avp avp;

	if (!l2tp_avp_next(&r, &avp) || avp.vendor != L2TP_VENDOR_IETF ||
	    avp.type != L2TP_AVP_MESSAGE_TYPE || avp.hidden || avp.reserved || avp.len != 2)
		return false;
	while (l2tp_avp_next(&r, &avp))
		;
	return !r.bad;
}

#define ANY 0xffffffffu
#define STRING_MAX L2TP_AVP_VALUE_MAX
#define IN(m) L2TP_IN(L2TP_##m)
#define START (IN(SCCRQ) | IN(SCCRP))
#define CALL_IDS (IN(ICRQ) | IN(ICRP) | IN(OCRQ) | IN(OCRP) | IN(CDN))
/* clang-format off */
#define ROW(n, lo, hi, m, h, nz, in, must) \
	{ .name = (n), .min = (lo), .max = (hi), .mandatory = (m), .may_hide = (h), \
	  .nonzero = (nz), .listed = (in) | (must), .required = (must) }

/* docs/protocol/l2tpv2.md section 5. AVPs of failover and tunnel switching are left out:
 * not known here, so that one with M refuses what we could not do. */
const struct l2tp_avp_rule l2tp_avp_rules[L2TP_AVP_LIMIT] = {
	/*    name                         octets      M  H  != 0  listed in     required in */
	[0] = ROW("Message Type",          2, 2,          1, 0, 0, ANY, 0),
	[1] = ROW("Result Code",           2, STRING_MAX, 1, 0, 0, 0, IN(STOPCCN) | IN(CDN)),
	[2] = ROW("Protocol Version",      2, 2,          1, 0, 0, 0, START),
	[3] = ROW("Framing Capabilities",  4, 4,          1, 1, 0, 0, START),
	[4] = ROW("Bearer Capabilities",   4, 4,          1, 1, 0, START, 0),
	[5] = ROW("Tie Breaker",           8, 8,          0, 0, 0, IN(SCCRQ), 0),
	[6] = ROW("Firmware Revision",     2, 2,          0, 1, 0, START, 0),
	[7] = ROW("Host Name",             1, STRING_MAX, 1, 0, 0, 0, START),
	[8] = ROW("Vendor Name",           0, STRING_MAX, 0, 1, 0, START, 0),
	[9] = ROW("Assigned Tunnel ID",    2, 2,          1, 1, 1, 0, START | IN(STOPCCN)),
	[10] = ROW("Receive Window Size",  2, 2,          1, 0, 1, START, 0),
	[11] = ROW("Challenge",            1, STRING_MAX, 1, 1, 0, START, 0),
	[12] = ROW("Q.931 Cause Code",     3, STRING_MAX, 1, 0, 0, IN(CDN), 0),
	/* one vendor pads the response (V2-AUTH-5) */
	[13] = ROW("Challenge Response",   16, STRING_MAX, 1, 1, 0, IN(SCCRP) | IN(SCCCN), 0),
	[14] = ROW("Assigned Session ID",  2, 2,          1, 1, 1, 0, CALL_IDS),
	[15] = ROW("Call Serial Number",   4, 4,          1, 1, 0, 0, IN(ICRQ) | IN(OCRQ)),
	[16] = ROW("Minimum BPS",          4, 4,          1, 1, 0, 0, IN(OCRQ)),
	[17] = ROW("Maximum BPS",          4, 4,          1, 1, 0, 0, IN(OCRQ)),
	[18] = ROW("Bearer Type",          4, 4,          1, 1, 0, IN(ICRQ), IN(OCRQ)),
	[19] = ROW("Framing Type",         4, 4,          1, 1, 0, 0, IN(ICCN) | IN(OCRQ) | IN(OCCN)),
	[21] = ROW("Called Number",        0, STRING_MAX, 1, 1, 0, IN(ICRQ), IN(OCRQ)),
	[22] = ROW("Calling Number",       0, STRING_MAX, 1, 1, 0, IN(ICRQ), 0),
	[23] = ROW("Sub-Address",          0, STRING_MAX, 1, 1, 0, IN(ICRQ) | IN(OCRQ), 0),
	[24] = ROW("Tx Connect Speed",     4, 4,          1, 1, 0, 0, IN(ICCN) | IN(OCCN)),
	[25] = ROW("Physical Channel ID",  4, 4,          0, 1, 0, IN(ICRQ) | IN(OCRP), 0),
	[26] = ROW("Initial Received LCP CONFREQ", 0, STRING_MAX, 0, 1, 0, IN(ICCN), 0),
	[27] = ROW("Last Sent LCP CONFREQ", 0, STRING_MAX, 0, 1, 0, IN(ICCN), 0),
	[28] = ROW("Last Received LCP CONFREQ", 0, STRING_MAX, 0, 1, 0, IN(ICCN), 0),
	[29] = ROW("Proxy Authen Type",    2, 2,          0, 1, 0, IN(ICCN), 0),
	[30] = ROW("Proxy Authen Name",    0, STRING_MAX, 0, 1, 0, IN(ICCN), 0),
	[31] = ROW("Proxy Authen Challenge", 0, STRING_MAX, 0, 1, 0, IN(ICCN), 0),
	[32] = ROW("Proxy Authen ID",      2, 2,          0, 1, 0, IN(ICCN), 0),
	[33] = ROW("Proxy Authen Response", 0, STRING_MAX, 0, 1, 0, IN(ICCN), 0),
	[34] = ROW("Call Errors",          26, 26,        1, 1, 0, IN(WEN), 0),
	[35] = ROW("ACCM",                 10, 10,        1, 1, 0, IN(SLI), 0),
	[36] = ROW("Random Vector",        0, STRING_MAX, 1, 0, 0, ANY, 0),
	[37] = ROW("Private Group ID",     0, STRING_MAX, 0, 1, 0, IN(ICCN), 0),
	[38] = ROW("Rx Connect Speed",     4, 4,          0, 1, 0, IN(ICCN) | IN(OCCN), 0),
	[39] = ROW("Sequencing Required",  0, 0,          1, 0, 0, IN(ICCN) | IN(OCCN), 0),
	[40] = ROW("Rx Minimum BPS",       4, 4,          0, 1, 0, IN(OCRQ), 0),
	[41] = ROW("Rx Maximum BPS",       4, 4,          0, 1, 0, IN(OCRQ), 0),
	[42] = ROW("Service Category",     2, 2,          0, 1, 0, IN(ICRQ) | IN(OCRQ), 0),
	[43] = ROW("Service Name",         1, STRING_MAX, 0, 1, 0, IN(ICRQ) | IN(OCRQ), 0),
	[44] = ROW("Calling Sub-Address",  20, 20,        0, 1, 0, IN(ICRQ), 0),
	[45] = ROW("VPI/VCI",              4, 4,          0, 1, 0, IN(ICRQ) | IN(OCRP), 0),
	[46] = ROW("PPP Disconnect Cause", 5, STRING_MAX, 0, 1, 0, IN(CDN), 0),
	[47] = ROW("CCDS",                 2, 2,          0, 1, 0, START, 0),
	[48] = ROW("SDS",                  2, 2,          0, 1, 0, CALL_IDS & ~IN(CDN), 0),
	[49] = ROW("LCP Want Options",     0, STRING_MAX, 0, 1, 0, IN(ICCN) | IN(OCCN), 0),
	[50] = ROW("LCP Allow Options",    0, STRING_MAX, 0, 1, 0, IN(ICCN) | IN(OCCN), 0),
	[51] = ROW("LNS Last Sent LCP CONFREQ", 0, STRING_MAX, 0, 1, 0, IN(SLI), 0),
	[52] = ROW("LNS Last Received LCP CONFREQ", 0, STRING_MAX, 0, 1, 0, IN(SLI), 0),
	[103] = ROW("ECN Capability",      0, 0,          0, 1, 0, START, 0),
};
/* clang-format on */

/* Known so far that M does not refuse them; nothing here reads their values. */
static const struct l2tp_avp_rule access_line = { .name = "access line", .max = STRING_MAX };

static bool is_access_line(uint16_t type)
{
	return type == 1 || type == 2 || (type >= 129 && type <= 142) || type == 144 ||
	       type == 145 || type == 254;
}

const struct l2tp_avp_rule *l2tp_avp_rule(uint16_t vendor, uint16_t type)
{
	/* Vendor first: its numbers are its own (V2-AVP-2, Q-5). */
	if (vendor == L2TP_VENDOR_BROADBAND_FORUM)
		return is_access_line(type) ? &access_line : NULL;
	if (vendor == L2TP_VENDOR_DRAFT_CAUSE)
		return type == L2TP_AVP_PPP_DISCONNECT_CAUSE ? &l2tp_avp_rules[type] : NULL;
	if (vendor != L2TP_VENDOR_IETF || type >= L2TP_AVP_LIMIT || !l2tp_avp_rules[type].name)
		return NULL;
	return &l2tp_avp_rules[type];
}

static const char *const message_names[L2TP_MESSAGE_LIMIT] = {
	[L2TP_SCCRQ] = "SCCRQ",     [L2TP_SCCRP] = "SCCRP", [L2TP_SCCCN] = "SCCCN",
	[L2TP_STOPCCN] = "StopCCN", [L2TP_HELLO] = "HELLO", [L2TP_OCRQ] = "OCRQ",
	[L2TP_OCRP] = "OCRP",       [L2TP_OCCN] = "OCCN",   [L2TP_ICRQ] = "ICRQ",
	[L2TP_ICRP] = "ICRP",       [L2TP_ICCN] = "ICCN",   [L2TP_CDN] = "CDN",
	[L2TP_WEN] = "WEN",         [L2TP_SLI] = "SLI",
};

const char *l2tp_message_name(uint16_t type)
{
	return type < L2TP_MESSAGE_LIMIT ? message_names[type] : NULL;
}

bool l2tp_message_is_session(uint16_t type)
{
	return type >= L2TP_OCRQ && type < L2TP_MESSAGE_LIMIT;
}
