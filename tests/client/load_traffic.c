/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbered UDP packets through the lines, so that the far end and we can count them. */
#include <string.h>

#include "loader/base/bytes.h"
#include "tests/client/load.h"

#define HEAD_ROOM 16
#define IPV4_HEADER 20
#define IPV6_HEADER 40
#define UDP_HEADER 8
#define PAYLOAD NUMBERS_PAYLOAD
#define SOURCE_PORT 40000
#define UDP_PROTOCOL 17

static uint32_t sum16(const uint8_t *p, size_t len, uint32_t sum)
{
	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(p[i] << 8 | p[i + 1]);
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put_udp(struct writer *w, const struct load *g, uint32_t index)
{
	uint8_t payload[PAYLOAD];

	writer_u16(w, (uint16_t)(SOURCE_PORT + index % 16384));
	writer_u16(w, g->opt->traffic_port);
	writer_u16(w, UDP_HEADER + PAYLOAD);
	writer_u16(w, 0); /* IPv4: none; IPv6: patched */
	numbers_write(payload, index, g->lines[index].sent);
	writer_bytes(w, payload, sizeof(payload));
}

static size_t packet_ipv4(const struct load *g, uint32_t index, uint8_t *dst)
{
	struct writer w = writer_of(dst, IPV4_HEADER + UDP_HEADER + PAYLOAD);

	writer_u16(&w, 0x4500);
	writer_u16(&w, IPV4_HEADER + UDP_HEADER + PAYLOAD);
	writer_u32(&w, 0x00004000); /* DF */
	writer_u16(&w, 64 << 8 | UDP_PROTOCOL);
	writer_u16(&w, 0);
	writer_u32(&w, g->lines[index].ipv4);
	writer_u32(&w, addr_v4(&g->opt->traffic_to));
	writer_patch_u16(&w, 10, fold(sum16(dst, IPV4_HEADER, 0)));
	put_udp(&w, g, index);
	return w.len;
}

static size_t packet_ipv6(const struct load *g, uint32_t index, uint8_t *dst)
{
	struct writer w = writer_of(dst, IPV6_HEADER + UDP_HEADER + PAYLOAD);
	uint32_t sum;

	writer_u32(&w, 0x60000000);
	writer_u16(&w, UDP_HEADER + PAYLOAD);
	writer_u16(&w, UDP_PROTOCOL << 8 | 64);
	writer_bytes(&w, g->lines[index].ipv6.b, 16);
	writer_bytes(&w, g->opt->traffic_to.b, 16);
	put_udp(&w, g, index);
	sum = sum16(dst + 8, w.len - 8, UDP_HEADER + PAYLOAD + UDP_PROTOCOL);
	sum = fold(sum);
	writer_patch_u16(&w, IPV6_HEADER + 6, sum ? (uint16_t)sum : 0xffff);
	return w.len;
}

size_t load_traffic_packet(const struct load *g, uint32_t index, uint8_t *dst)
{
	return addr_is_v4(&g->opt->traffic_to) ? packet_ipv4(g, index, dst)
					       : packet_ipv6(g, index, dst);
}

static void send_one(struct load *g, uint32_t index, uint16_t protocol)
{
	struct load_line *s = &g->lines[index];
	struct load_tunnel *lt = &g->tunnels[index % g->opt->tunnels];
	uint8_t *room = udp_room(g->batch);
	size_t header = line_header_len(s->line);
	size_t len = load_traffic_packet(g, index, room + HEAD_ROOM);

	line_header(s->line, protocol, room + HEAD_ROOM - header);
	udp_queue(g->batch, lt->fd, line_path(s->line), HEAD_ROOM - header, header + len);
	s->sent++;
	g->traffic_sent++;
}

void load_traffic_send(struct load *g)
{
	uint16_t protocol = addr_is_v4(&g->opt->traffic_to) ? PPP_IP : PPP_IPV6;
	uint64_t due = pace_due(&g->pace, g->opt->traffic, clock_us());

	for (uint32_t tries = 0; due && tries < g->total; tries++) {
		struct load_line *s = &g->lines[g->traffic_next];
		uint32_t index = g->traffic_next;

		g->traffic_next = (g->traffic_next + 1) % g->total;
		if (!s->line || s->state != LINE_UP || !line_is_open(s->line, protocol) ||
		    (protocol == PPP_IPV6 && !addr_is_set(&s->ipv6)))
			continue;
		send_one(g, index, protocol);
		g->pace.given++;
		due--;
		tries = 0;
	}
}

/* What is it, for this line: judged by its address, and the number inside. */
enum arrival { WRONG, OTHER, NUMBERED };
static enum arrival judge(const struct load *g, const struct load_line *s,
			  const struct line_packet *p, uint32_t *ret_number)
{
	struct reader r = reader_of(p->data, p->len);
	uint8_t protocol;
	const uint8_t *to;
	uint32_t who;

	if (p->protocol == PPP_IP) {
		reader_take(&r, 9);
		protocol = reader_u8(&r);
		reader_take(&r, 6);
		if (reader_u32(&r) != s->ipv4)
			return WRONG;
	} else {
		reader_take(&r, 6);
		protocol = reader_u8(&r);
		reader_take(&r, 17);
		to = reader_take(&r, 16);
		if (!to || memcmp(to, s->ipv6.b, 8) != 0)
			return WRONG;
	}
	if (r.bad)
		return WRONG;
	if (protocol != UDP_PROTOCOL || r.left < UDP_HEADER + PAYLOAD)
		return OTHER;
	reader_take(&r, UDP_HEADER);
	if (!numbers_read(r.p, r.left, &who, ret_number))
		return OTHER;
	return who == (uint32_t)(s - g->lines) ? NUMBERED : WRONG;
}

void load_traffic_received(struct load *g, struct load_line *s, const struct line_packet *p)
{
	uint32_t number;

	/* Neighbour discovery and the like is none of ours. */
	if (p->protocol == PPP_IPV6 && p->len >= 40 && (p->data[24] == 0xff || p->data[8] == 0xfe))
		return;
	switch (judge(g, s, p, &number)) {
	case WRONG:
		g->traffic_misdelivered++;
		return;
	case OTHER:
		g->traffic_other++;
		return;
	case NUMBERED:
		g->traffic_received++;
		numbers_book(&s->numbers, number);
	}
}
