/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Arithmetic of sizes. See mtu.h. */
#include <stddef.h>

#include "loader/datapath/mtu.h"

#define UDP_HEADER 8
#define PPP_ACF2 4

static uint16_t outer_headers(bool outer6)
{
	return (uint16_t)((outer6 ? 40 : 20) + UDP_HEADER);
}

uint16_t mtu_overhead(bool outer6, bool seq, bool acfc)
{
	return (uint16_t)(outer_headers(outer6) + (seq ? 10 : 6) + (acfc ? 2 : PPP_ACF2));
}

static uint16_t least(uint32_t a, uint32_t b)
{
	return (uint16_t)(a < b ? a : b);
}

uint16_t mtu_session(uint16_t way, uint16_t peer_mru, uint16_t limit, bool outer6, bool seq,
		     bool acfc)
{
	uint16_t overhead = mtu_overhead(outer6, seq, acfc);
	uint16_t mtu = least(way > overhead ? way - overhead : 0, peer_mru ? peer_mru : 1500);

	return limit ? least(mtu, limit) : mtu;
}

uint16_t mtu_mru(uint16_t way, uint16_t limit, bool outer6)
{
	uint16_t worst = (uint16_t)(outer_headers(outer6) + 8 + PPP_ACF2); /* L=1, S=0 */
	uint16_t mru = least(way > worst ? way - worst : 0, 1500);

	return limit ? least(mru, limit) : mru;
}

uint16_t mtu_pw_overhead(bool outer6, bool udp, uint8_t cookie, bool sublayer)
{
	uint16_t flags = 4, session = 4, word = sublayer ? 4 : 0;

	return (uint16_t)((udp ? outer_headers(outer6) + flags
			       : outer_headers(outer6) - UDP_HEADER) +
			  session + cookie + word);
}

/* RFC 1191 section 7.1 */
static const uint16_t plateaus[] = { 32000, 17914, 8166, 4352, 2002, 1492, 1006, 576 };

uint16_t mtu_believe(uint16_t now, uint32_t reported, bool outer6)
{
	uint32_t floor = outer6 ? MTU_MIN6 : MTU_MIN4;

	if (outer6 && reported < MTU_MIN6)
		return 0; /* RFC 8201 section 4 */
	if (!outer6 && reported == 0) {
		for (size_t i = 0; i < sizeof(plateaus) / sizeof(plateaus[0]); i++)
			if (plateaus[i] < now)
				return plateaus[i];
		return 0;
	}
	if (!outer6 && reported < 68)
		return 0; /* RFC 1191 section 3 */
	if (reported < floor)
		reported = floor;
	return reported < now ? (uint16_t)reported : 0;
}
