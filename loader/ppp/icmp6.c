/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loader/ppp/icmp6.h"

#define IPV6_HEADER_LEN 40
#define NEXT_HEADER_ICMP6 58
#define ICMP6_HEADER_LEN 4
#define SRC_AT 8
#define DST_AT 24

/* Options of RFC 4861 section 4.6 and RFC 8106 section 5.1; lengths in units of 8. */
enum nd_option { ND_PREFIX = 3, ND_RDNSS = 25 };
#define ND_PREFIX_UNITS 4
#define PREFIX_AUTONOMOUS 0x40 /* L (0x80) is not set: on a PPP link nobody is a neighbour */
#define CURRENT_HOP_LIMIT 64

const uint8_t icmp6_all_nodes[16] = { 0xff, 0x02, [15] = 1 };
const uint8_t icmp6_all_routers[16] = { 0xff, 0x02, [15] = 2 };
static const uint8_t unspecified[16];

bool icmp6_is_link_local(const uint8_t addr[16])
{
	return addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80;
}

bool icmp6_is_unspecified(const uint8_t addr[16])
{
	return !memcmp(addr, unspecified, sizeof(unspecified));
}

void icmp6_link_local(const uint8_t interface_id[8], uint8_t ret[16])
{
	memset(ret, 0, 8);
	ret[0] = 0xfe;
	ret[1] = 0x80;
	memcpy(ret + 8, interface_id, 8);
}

/* RFC 1071 over the pseudo-header (RFC 8200 section 8.1) and the message. `addrs` are
 * source and destination, as they stand in the header. */
static uint16_t checksum(const uint8_t *addrs, const uint8_t *message, size_t len)
{
	uint32_t sum = (uint32_t)len + NEXT_HEADER_ICMP6;

	for (size_t i = 0; i < 32; i += 2)
		sum += (uint32_t)(addrs[i] << 8 | addrs[i + 1]);
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(message[i] << 8 | message[i + 1]);
	if (len & 1)
		sum += (uint32_t)message[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

bool icmp6_parse(const uint8_t *packet, size_t len, struct icmp6 *ret)
{
	struct reader r = reader_of(packet, len);
	uint32_t first = reader_u32(&r);
	size_t payload = reader_u16(&r);
	uint8_t next = reader_u8(&r), hops = reader_u8(&r);
	const uint8_t *src = reader_take(&r, 16), *dst = reader_take(&r, 16);
	struct reader message = reader_sub(&r, payload);
	struct icmp6 m = { .src = src, .dst = dst };

	if (message.bad || first >> 28 != 6 || next != NEXT_HEADER_ICMP6 || hops != ICMP6_HOP_LIMIT)
		return false;
	if (!icmp6_is_link_local(src) && !icmp6_is_unspecified(src))
		return false;
	/* A checksum over what it is part of comes out as zero. */
	if (payload < ICMP6_HEADER_LEN || checksum(src, message.p, payload) != 0)
		return false;
	m.type = reader_u8(&message);
	if (reader_u8(&message) != 0)
		return false;
	reader_take(&message, 2);
	m.body = message;
	*ret = m;
	return true;
}

void icmp6_build(struct writer *w, const uint8_t src[16], const uint8_t dst[16], uint8_t type,
		 const uint8_t *body, size_t len)
{
	size_t start = w->len;

	writer_u32(w, 6u << 28);
	writer_u16(w, (uint16_t)(ICMP6_HEADER_LEN + len));
	writer_u8(w, NEXT_HEADER_ICMP6);
	writer_u8(w, ICMP6_HOP_LIMIT);
	writer_bytes(w, src, 16);
	writer_bytes(w, dst, 16);
	writer_u8(w, type);
	writer_u8(w, 0);
	writer_u16(w, 0);
	writer_bytes(w, body, len);
	if (w->bad)
		return;
	writer_patch_u16(w, start + IPV6_HEADER_LEN + 2,
			 checksum(w->start + start + SRC_AT, w->start + start + IPV6_HEADER_LEN,
				  ICMP6_HEADER_LEN + len));
}

/* ---- router advertisements ---- */

/* RFC 4862 section 5.5.3: link-local prefixes and other lengths are not for addresses. */
static void take_prefix(struct reader o, struct icmp6_ra *ra)
{
	uint8_t len = reader_u8(&o), flags = reader_u8(&o);
	uint32_t valid = reader_u32(&o), preferred = reader_u32(&o);
	const uint8_t *addr;

	reader_u32(&o);
	addr = reader_take(&o, 16);
	if (!addr || ra->prefix.len || len != 64 || !(flags & PREFIX_AUTONOMOUS) || !valid ||
	    preferred > valid || icmp6_is_link_local(addr) || addr[0] == 0xff)
		return;
	memcpy(ra->prefix.addr.b, addr, 8);
	ra->prefix.len = len;
	ra->valid = valid;
}

static void take_dns(struct reader o, struct icmp6_ra *ra)
{
	const uint8_t *addr;
	uint32_t lifetime;

	reader_u16(&o);
	lifetime = reader_u32(&o);
	for (unsigned int i = 0; i < 2 && lifetime && (addr = reader_take(&o, 16)); i++)
		memcpy(ra->dns[i].b, addr, 16);
}

bool icmp6_ra_parse(struct reader body, struct icmp6_ra *ret)
{
	struct icmp6_ra ra = { 0 };

	reader_u8(&body); /* hop limit */
	reader_u8(&body); /* M, O: DHCPv6 is not for this client */
	ra.router_lifetime = reader_u16(&body);
	reader_u32(&body);
	reader_u32(&body);
	while (!body.bad && body.left) {
		uint8_t type = reader_u8(&body), units = reader_u8(&body);
		struct reader option;

		if (!units) /* RFC 4861 section 4.6 */
			return false;
		option = reader_sub(&body, units * 8u - 2);
		if (option.bad)
			return false;
		if (type == ND_PREFIX && units == ND_PREFIX_UNITS)
			take_prefix(option, &ra);
		else if (type == ND_RDNSS && units >= 3)
			take_dns(option, &ra);
	}
	if (body.bad)
		return false;
	*ret = ra;
	return true;
}

size_t icmp6_ra_body(const struct icmp6_ra *ra, uint32_t preferred, uint8_t *out, size_t cap)
{
	unsigned int n_dns = addr_is_set(&ra->dns[0]) ? (addr_is_set(&ra->dns[1]) ? 2 : 1) : 0;
	struct writer w = writer_of(out, cap);

	writer_u8(&w, CURRENT_HOP_LIMIT);
	writer_u8(&w, 0);
	writer_u16(&w, ra->router_lifetime);
	writer_u32(&w, 0); /* reachable time, */
	writer_u32(&w, 0); /* retransmission timer: the host's own */
	writer_u8(&w, ND_PREFIX);
	writer_u8(&w, ND_PREFIX_UNITS);
	writer_u8(&w, ra->prefix.len);
	writer_u8(&w, PREFIX_AUTONOMOUS);
	writer_u32(&w, ra->valid);
	writer_u32(&w, preferred);
	writer_u32(&w, 0);
	writer_bytes(&w, ra->prefix.addr.b, 16);
	if (n_dns) {
		writer_u8(&w, ND_RDNSS);
		writer_u8(&w, (uint8_t)(1 + 2 * n_dns));
		writer_u16(&w, 0);
		writer_u32(&w, ra->router_lifetime);
		for (unsigned int i = 0; i < n_dns; i++)
			writer_bytes(&w, ra->dns[i].b, 16);
	}
	return w.bad ? 0 : w.len;
}
