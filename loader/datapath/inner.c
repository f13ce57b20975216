/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks of and changes to inner IP packets. See inner.h. */
#include <errno.h>
#include <string.h>

#include "loader/base/bytes.h"
#include "loader/datapath/inner.h"

#define IP4_MIN 20
#define IP6_HEADER 40
#define IP4_OPTION_COPIED 0x80
#define TCP_MIN 20
#define TCP_SYN 0x02
#define MAX_TCP_OPTIONS 20 /* DP-MSS-2 */
#define MAX_EXTENSIONS 8
#define ICMP4_QUOTE 548 /* 576 in all: RFC 1812 section 4.3.2.3 */
#define ICMP6_QUOTE 1232 /* 1280 in all: RFC 4443 section 2.4 (c) */

enum {
	PROTO_HOPOPTS = 0,
	PROTO_ICMP = 1,
	PROTO_TCP = 6,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_ICMP6 = 58,
	PROTO_DSTOPTS = 60
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

uint16_t inner_checksum(const uint8_t *p, size_t n)
{
	uint64_t sum = 0;

	for (; n >= 2; p += 2, n -= 2)
		sum += get16(p);
	if (n)
		sum += (uint16_t)(p[0] << 8);
	return (uint16_t)~fold(sum);
}

/* RFC 1624 equation 3 */
static void checksum_replace(uint8_t *field, uint16_t old, uint16_t new)
{
	uint64_t sum = (uint16_t)~get16(field);

	put16(field, (uint16_t)~fold(sum + (uint16_t)~old + new));
}

static int parse4(const uint8_t *p, size_t len, struct inner *in)
{
	struct reader r = reader_of(p, len);
	uint8_t first = reader_u8(&r);
	uint16_t total, fragment;

	in->tos = reader_u8(&r);
	total = reader_u16(&r);
	reader_u16(&r);
	fragment = reader_u16(&r);
	reader_u8(&r);
	in->proto = reader_u8(&r);
	reader_u16(&r);
	in->src = addr_from_v4(reader_u32(&r));
	in->dst = addr_from_v4(reader_u32(&r));
	if (r.bad || first >> 4 != 4)
		return -EBADMSG;
	in->hlen = (uint16_t)((first & 0xf) * 4);
	in->len = total;
	if (in->hlen < IP4_MIN || total < in->hlen || total > len)
		return -EBADMSG;
	if (inner_checksum(p, in->hlen) != 0)
		return -EBADMSG;
	in->df = fragment & 0x4000;
	in->more = fragment & 0x2000;
	in->offset = (uint16_t)((fragment & 0x1fff) * 8);
	return 0;
}

static int parse6(const uint8_t *p, size_t len, struct inner *in)
{
	struct reader r = reader_of(p, len);
	uint16_t first = reader_u16(&r);
	const uint8_t *src, *dst;

	reader_u16(&r);
	in->len = IP6_HEADER + (uint32_t)reader_u16(&r);
	in->proto = reader_u8(&r);
	reader_u8(&r);
	src = reader_take(&r, 16);
	dst = reader_take(&r, 16);
	if (r.bad || first >> 12 != 6 || in->len > len)
		return -EBADMSG;
	in->tos = (uint8_t)(first >> 4);
	in->hlen = IP6_HEADER;
	in->df = true;
	memcpy(in->src.b, src, 16);
	memcpy(in->dst.b, dst, 16);
	/* A v4-mapped address on the wire would be taken for an IPv4 subscriber's. */
	if (addr_is_v4(&in->src) || addr_is_v4(&in->dst))
		return -EBADMSG;
	return 0;
}

int inner_parse(const uint8_t *p, size_t len, bool v6, struct inner *ret)
{
	struct inner in = { .v6 = v6 };
	int rc = v6 ? parse6(p, len, &in) : parse4(p, len, &in);

	if (rc == 0)
		*ret = in;
	return rc;
}

bool inner_is_link_local(const struct ipaddr *a)
{
	return !addr_is_set(a) || (a->b[0] == 0xfe && (a->b[1] & 0xc0) == 0x80);
}

bool inner_is_multicast(const struct ipaddr *a)
{
	if (addr_is_v4(a))
		return addr_v4(a) >= 0xe0000000; /* class D, class E and broadcast */
	return a->b[0] == 0xff;
}

/* RFC 6040 section 4.2; rows inner, columns outer, both Not-ECT, ECT(1), ECT(0), CE */
static const int8_t ecn_table[4][4] = {
	{ 0, 0, 0, -1 },
	{ 1, 1, 1, 3 },
	{ 2, 1, 2, 3 },
	{ 3, 3, 3, 3 },
};

int inner_ecn(uint8_t inner, uint8_t outer)
{
	return ecn_table[inner & 3][outer & 3];
}

void inner_set_ecn(uint8_t *p, struct inner *in, uint8_t ecn)
{
	uint16_t old = get16(p), new;
	uint8_t tos = (uint8_t)((in->tos & ~3) | (ecn & 3));

	if (in->v6)
		new = (uint16_t)((old & 0xf00f) | tos << 4);
	else
		new = (uint16_t)((old & 0xff00) | tos);
	if (new == old)
		return;
	put16(p, new);
	if (!in->v6)
		checksum_replace(p + 10, old, new);
	in->tos = tos;
}

/* Offset of the MSS value in the TCP header, 0: none, or an option that makes no sense. */
static size_t find_mss(const uint8_t *tcp, size_t hlen)
{
	struct reader r = reader_of(tcp + TCP_MIN, hlen - TCP_MIN);

	for (int i = 0; i < MAX_TCP_OPTIONS && r.left; i++) {
		uint8_t kind = reader_u8(&r), len;

		if (kind == 0)
			return 0;
		if (kind == 1)
			continue;
		len = reader_u8(&r);
		if (r.bad || len < 2 || (size_t)len - 2 > r.left)
			return 0;
		if (kind == 2)
			return len == 4 ? (size_t)(r.p - tcp) : 0;
		reader_take(&r, (size_t)len - 2);
	}
	return 0;
}

bool inner_clamp_mss(uint8_t *p, const struct inner *in, uint16_t mtu)
{
	uint16_t fixed = in->v6 ? 60 : 40;
	uint8_t *tcp = p + in->hlen;
	size_t left = in->len - in->hlen, hlen, at;
	uint16_t old, mss;

	if (in->proto != PROTO_TCP || in->offset || left < TCP_MIN || mtu <= fixed)
		return false;
	hlen = (size_t)(tcp[12] >> 4) * 4;
	if (!(tcp[13] & TCP_SYN) || hlen < TCP_MIN || hlen > left)
		return false;
	at = find_mss(tcp, hlen);
	if (!at)
		return false;
	old = get16(tcp + at);
	mss = (uint16_t)(mtu - fixed);
	if (old <= mss)
		return false;
	put16(tcp + at, mss);
	/* At an odd offset the value straddles two words of the sum: its octets swap places. */
	if (at & 1)
		checksum_replace(tcp + 16, __builtin_bswap16(old), __builtin_bswap16(mss));
	else
		checksum_replace(tcp + 16, old, mss);
	return true;
}

static bool is_icmp4_error(uint8_t type)
{
	return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/* True if the packet is, or may be, an ICMPv6 error or redirect. A chain of extension
 * headers that is too long to follow may hide one. */
static bool may_be_icmp6_error(const uint8_t *p, const struct inner *in)
{
	struct reader r = reader_of(p + IP6_HEADER, in->len - IP6_HEADER);
	uint8_t proto = in->proto;

	for (int i = 0; i < MAX_EXTENSIONS; i++) {
		uint8_t next, units;
		uint16_t offset;

		if (proto == PROTO_ICMP6) {
			uint8_t type = reader_u8(&r);

			return r.bad || type < 128 || type == 137;
		}
		if (proto != PROTO_HOPOPTS && proto != PROTO_ROUTING && proto != PROTO_DSTOPTS &&
		    proto != PROTO_FRAGMENT)
			return false;
		next = reader_u8(&r);
		units = reader_u8(&r);
		offset = reader_u16(&r);
		if (proto == PROTO_FRAGMENT) {
			reader_take(&r, 4);
			if (offset >> 3)
				return true; /* its ICMPv6 header is in another fragment */
		} else {
			reader_take(&r, (size_t)units * 8 + 4);
		}
		if (r.bad)
			return true;
		proto = next;
	}
	return true;
}

bool inner_icmp_allowed(const uint8_t *p, const struct inner *in)
{
	uint32_t src = addr_v4(&in->src);

	if (in->v6)
		return !inner_is_link_local(&in->src) && !inner_is_multicast(&in->src) &&
		       !may_be_icmp6_error(p, in);
	if (in->offset || inner_is_multicast(&in->dst) || inner_is_multicast(&in->src))
		return false;
	if (src >> 24 == 0 || src >> 24 == 127)
		return false;
	if (in->proto == PROTO_ICMP)
		return in->len > in->hlen && !is_icmp4_error(p[in->hlen]);
	return true;
}

size_t inner_icmp_build(const uint8_t *p, const struct inner *in, uint16_t mtu,
			uint8_t buf[INNER_ICMP_MAX])
{
	size_t limit = in->v6 ? ICMP6_QUOTE : ICMP4_QUOTE;
	size_t quote = in->len < limit ? in->len : limit;

	memset(buf, 0, 8);
	buf[0] = in->v6 ? 2 : 3;
	buf[1] = in->v6 ? 0 : 4;
	put16(buf + 6, mtu);
	memcpy(buf + 8, p, quote);
	if (!in->v6)
		put16(buf + 2, inner_checksum(buf, 8 + quote));
	return 8 + quote;
}

/* Header of a fragment that is not the first: only options that are to be copied
 * (RFC 791 section 3.1), padded to whole words. */
static uint16_t later_header(const uint8_t *p, uint16_t hlen, uint8_t out[60])
{
	struct reader r = reader_of(p + IP4_MIN, hlen - IP4_MIN);
	struct writer w = writer_of(out, 60);

	writer_bytes(&w, p, IP4_MIN);
	while (r.left) {
		const uint8_t *option = r.p;
		uint8_t kind = reader_u8(&r), len;

		if (kind == 0)
			break;
		if (kind == 1)
			continue;
		len = reader_u8(&r);
		if (r.bad || len < 2 || !reader_take(&r, (size_t)len - 2))
			break;
		if (kind & IP4_OPTION_COPIED)
			writer_bytes(&w, option, len);
	}
	while (w.len & 3)
		writer_u8(&w, 0);
	return (uint16_t)w.len;
}

bool inner_fragment_next(const uint8_t *p, const struct inner *in, uint16_t mtu,
			 struct inner_fragment *f)
{
	uint32_t left = in->len - in->hlen - f->done;
	uint16_t offset, room;
	bool more;

	if (in->v6 || !left || in->hlen > mtu)
		return false;
	if (f->done == 0) {
		memcpy(f->header, p, in->hlen);
		f->hlen = in->hlen;
	} else {
		f->hlen = later_header(p, in->hlen, f->header);
	}
	room = (uint16_t)((mtu - f->hlen) & ~7);
	if (!room)
		return false;
	more = left > room;
	f->len = more ? room : (uint16_t)left;
	f->data = p + in->hlen + f->done;
	offset = (uint16_t)((in->offset + f->done) / 8);
	put16(f->header + 6, (uint16_t)(offset | (more || in->more ? 0x2000 : 0)));
	put16(f->header + 2, (uint16_t)(f->hlen + f->len));
	f->header[0] = (uint8_t)(0x40 | f->hlen / 4);
	put16(f->header + 10, 0);
	put16(f->header + 10, inner_checksum(f->header, f->hlen));
	f->done += f->len;
	return true;
}
