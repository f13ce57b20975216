/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Router advertisements and neighbour discovery as a PPP client and an LNS read them. The
 * input is tried as a whole packet, and as the body of one whose checksum is right.
 */
#include <stdlib.h>

#include "loader/ppp/icmp6.h"

static void check(bool good)
{
	if (!good)
		abort();
}

static void parse_body(const uint8_t *data, size_t size)
{
	struct icmp6_ra ra;

	if (!icmp6_ra_parse(reader_of(data, size), &ra))
		return;
	check(ra.prefix.len == 0 || ra.prefix.len == 64);
	check(!ra.prefix.len || ra.valid);
	for (unsigned int i = 8; i < 16; i++)
		check(ra.prefix.addr.b[i] == 0);
}

/* What is built is parsed again, to the same octets. */
static void round_trip(const uint8_t *data, size_t size)
{
	static const uint8_t src[16] = { 0xfe, 0x80, [15] = 1 };
	uint8_t packet[2048], type = size ? data[0] : 0;
	struct writer w = writer_of(packet, sizeof(packet));
	struct icmp6 m;

	size = size < 1900 ? size : 1900;
	icmp6_build(&w, src, icmp6_all_nodes, type, data, size);
	check(!w.bad && icmp6_parse(packet, w.len, &m));
	check(m.type == type && m.body.left == size);
	check(!size || !memcmp(m.body.p, data, size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct icmp6 m;

	if (icmp6_parse(data, size, &m))
		parse_body(m.body.p, m.body.left);
	parse_body(data, size);
	round_trip(data, size);
	return 0;
}
