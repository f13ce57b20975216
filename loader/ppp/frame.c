/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PPP header as it stands in an L2TP data message: no flags, no FCS (PPP-FR-1). */
#include "loader/ppp/ppp.h"

#include "loader/base/bytes.h"

#define ALL_STATIONS 0xff
#define UI 0x03

/* LACs of several makers mix all four forms in one session, whatever LCP agreed on
 * (PPP-FR-2, Q-14). The low bit of a protocol number's last octet is 1 and that of its
 * first is 0 (RFC 1661 section 2), which is how the one-octet form is told. */
size_t ppp_header_parse(const uint8_t *frame, size_t len, uint16_t *ret_protocol)
{
	struct reader r = reader_of(frame, len);
	uint16_t protocol;

	if (len >= 2 && frame[0] == ALL_STATIONS && frame[1] == UI)
		reader_take(&r, 2);
	protocol = reader_u8(&r);
	/* 00ff is reserved so that FF is always an address field (RFC 1661 section 6.5). */
	if (protocol == ALL_STATIONS)
		return 0;
	if (!(protocol & 1))
		protocol = (uint16_t)(protocol << 8 | reader_u8(&r));
	if (r.bad || !(protocol & 1))
		return 0;
	*ret_protocol = protocol;
	return len - r.left;
}
