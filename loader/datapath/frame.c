/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ethernet frames of pseudowires. See frame.h. */
#include <string.h>

#include "loader/base/bytes.h"
#include "loader/datapath/frame.h"

#define MACS 12
#define MAC 6
#define GROUP 0x01 /* of a MAC address' first octet */
#define VID 0x0fff
#define TYPE_Q 0x8100
#define TYPE_AD 0x88a8
#define TYPE_IP 0x0800
#define TYPE_IPV6 0x86dd
#define IP4_HEADER 20
#define IP6_HEADER 40
#define LEAST4 68 /* RFC 791: that each link carries */
#define LEAST6 1280
#define REPLY_TTL 64
#define REPLY_TOS 0xc0 /* RFC 1812 section 4.3.2.5 */
#define PROTO_ICMP 1
#define PROTO_ICMP6 58

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* ---- tags ------------------------------------------------------------------------------------ */

static bool is_tag(const uint8_t *p)
{
	return get16(p) == TYPE_Q || get16(p) == TYPE_AD;
}

static unsigned int count(const uint16_t ids[FRAME_TAGS])
{
	return ids[0] ? 1 + (ids[1] != 0) : 0;
}

static bool has_tags(const uint8_t *frame, size_t len, const uint16_t ids[FRAME_TAGS])
{
	unsigned int n = count(ids);

	if (len < FRAME_HEADER + n * FRAME_TAG)
		return false;
	for (unsigned int i = 0; i < n; i++) {
		const uint8_t *tag = frame + MACS + (size_t)i * FRAME_TAG;

		if (!is_tag(tag) || (get16(tag + 2) & VID) != ids[i])
			return false;
	}
	return true;
}

static void put_id(uint8_t *tag, uint16_t id)
{
	put16(tag + 2, (uint16_t)((get16(tag + 2) & ~VID) | id));
}

uint8_t *frame_retag(uint8_t *frame, size_t *len, const uint16_t have[FRAME_TAGS],
		     const uint16_t want[FRAME_TAGS], bool dot1ad)
{
	unsigned int old = count(have), new = count(want);
	uint16_t priority;
	uint8_t *start;

	if (!has_tags(frame, *len, have))
		return NULL;
	priority = old ? get16(frame + MACS + 2) & (uint16_t)~VID : 0;
	start = frame + (size_t)old * FRAME_TAG - (size_t) new *FRAME_TAG;
	if (old != new)
		memmove(start, frame, MACS);
	for (unsigned int i = 0; i < new; i++) {
		uint8_t *tag = start + MACS + (size_t)i * FRAME_TAG;

		if (old != new) {
			put16(tag, dot1ad && new == FRAME_TAGS &&i == 0 ? TYPE_AD : TYPE_Q);
			put16(tag + 2, priority);
		}
		put_id(tag, want[i]);
	}
	*len = *len - (size_t)old * FRAME_TAG + (size_t) new *FRAME_TAG;
	return start;
}

/* ---- what is in it --------------------------------------------------------------------------- */

size_t frame_ip(const uint8_t *frame, size_t len, struct inner *ret)
{
	size_t at = MACS;
	uint16_t type;

	for (int i = 0; i < FRAME_MAX_TAGS && at + FRAME_TAG + 2 <= len && is_tag(frame + at); i++)
		at += FRAME_TAG;
	if (at + 2 > len)
		return 0;
	type = get16(frame + at);
	at += 2;
	if (type != TYPE_IP && type != TYPE_IPV6)
		return 0;
	return inner_parse(frame + at, len - at, type == TYPE_IPV6, ret) < 0 ? 0 : at;
}

bool frame_tells(const uint8_t *frame, size_t ip, const struct inner *in, uint16_t mtu)
{
	if (!in->df || in->len <= mtu || mtu < (in->v6 ? LEAST6 : LEAST4))
		return false;
	if (frame[0] & GROUP || frame[MAC] & GROUP || inner_is_multicast(&in->dst))
		return false;
	return inner_icmp_allowed(frame + ip, in);
}

static size_t put_header4(uint8_t *p, const struct inner *in, size_t len)
{
	struct writer w = writer_of(p, IP4_HEADER);

	writer_u8(&w, 0x45);
	writer_u8(&w, REPLY_TOS);
	writer_u16(&w, (uint16_t)(IP4_HEADER + len));
	writer_u32(&w, 0);
	writer_u8(&w, REPLY_TTL);
	writer_u8(&w, PROTO_ICMP);
	writer_u16(&w, 0);
	writer_bytes(&w, in->dst.b + 12, 4);
	writer_bytes(&w, in->src.b + 12, 4);
	put16(p + 10, inner_checksum(p, IP4_HEADER));
	return IP4_HEADER;
}

static size_t put_header6(uint8_t *p, const struct inner *in, size_t len)
{
	struct writer w = writer_of(p, IP6_HEADER);

	writer_u32(&w, 6u << 28);
	writer_u16(&w, (uint16_t)len);
	writer_u8(&w, PROTO_ICMP6);
	writer_u8(&w, REPLY_TTL);
	writer_bytes(&w, in->dst.b, 16);
	writer_bytes(&w, in->src.b, 16);
	return IP6_HEADER;
}

/* RFC 4443 section 2.3: the addresses, as they stand before the message, and a length and a protocol,
 * for which the place of payload length and hop limit is lent. */
static void sum_icmp6(uint8_t *ip, size_t len)
{
	uint8_t first[8];

	memcpy(first, ip, sizeof(first));
	memset(ip, 0, sizeof(first));
	put16(ip + 2, (uint16_t)len);
	ip[7] = PROTO_ICMP6;
	put16(ip + IP6_HEADER + 2, inner_checksum(ip, IP6_HEADER + len));
	memcpy(ip, first, sizeof(first));
}

size_t frame_too_big(const uint8_t *frame, size_t ip, const struct inner *in, uint16_t mtu,
		     uint8_t buf[FRAME_REPLY_MAX])
{
	size_t header = in->v6 ? IP6_HEADER : IP4_HEADER, len;

	memcpy(buf, frame + MAC, MAC);
	memcpy(buf + MAC, frame, MAC);
	memcpy(buf + MACS, frame + MACS, ip - MACS);
	len = inner_icmp_build(frame + ip, in, mtu, buf + ip + header);
	if (in->v6) {
		put_header6(buf + ip, in, len);
		sum_icmp6(buf + ip, len);
	} else {
		put_header4(buf + ip, in, len);
	}
	return ip + header + len;
}
