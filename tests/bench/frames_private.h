/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between frames.c, which makes frames, and judge.c, which looks at those that left. */
#ifndef L2XDP_BENCH_FRAMES_PRIVATE_H
#define L2XDP_BENCH_FRAMES_PRIVATE_H

#include "tests/bench/frames.h"

#define INNER_FROM 5001u /* UDP ports */
#define INNER_TO 5002u
#define ETH 14u
#define IP4 20u
#define IP6 40u
#define UDP 8u
#define PPP 4u
#define VXLAN 8u

static inline void put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static inline void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static inline void put64(uint8_t *p, uint64_t v)
{
	put32(p, (uint32_t)(v >> 32));
	put32(p + 4, (uint32_t)v);
}

static inline unsigned int get16(const uint8_t *p)
{
	return (unsigned int)(p[0] << 8 | p[1]);
}

static inline uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static inline uint32_t sum(uint32_t s, const uint8_t *p, size_t len)
{
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		s += get16(p + i);
	if (len & 1)
		s += (uint32_t)p[len - 1] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

/* Sum over a UDP datagram and the pseudo header of the IP header before it. */
static inline uint32_t sum_udp(const uint8_t *ip, const uint8_t *udp, size_t len)
{
	bool v4 = ip[0] >> 4 == 4;
	uint32_t s = v4 ? sum(0, ip + 12, 8) : sum(0, ip + 8, 32);

	return sum(s + 17 + (uint32_t)len, udp, len);
}

static inline unsigned int final(uint32_t s)
{
	return s == 0xffff ? 0xffff : ~s & 0xffff;
}

/* An IPv4 header for UDP. */
void frame_put_ip4(uint8_t *p, size_t len, uint8_t ttl, uint32_t src, uint32_t dst);
/* Pseudowires (frames_pw.c): as frame_in, frame_recipe, frame_check. */
size_t pw_frame_in(const struct cell *c, uint32_t k, uint8_t *ret);
void pw_frame_recipe(const struct cell *c, struct gen_config *ret);
void pw_frame_check(struct check *k, const struct cell *c, bool through, const uint8_t *frame,
		    size_t len);
/* judge.c: something is not as it must be; this session's frame was seen. */
void check_bad(struct check *k, const char *what, size_t got, size_t wanted);
void check_octets(struct check *k, const uint8_t *got, const uint8_t *wanted, size_t len);
void check_seen(struct check *k, const struct cell *c, uint32_t number);
void check_outer_ip(struct check *k, const uint8_t *ip, uint8_t *wanted);
uint32_t frame_pool4(const struct cell *c);
uint64_t frame_pool6(const struct cell *c);
void frame_put_mac(uint8_t *p, enum bench_mac dst, enum bench_mac src, bool v6);
/* The inner packet of session k. */
void frame_put_inner(const struct cell *c, uint8_t *p, uint32_t k, uint8_t ttl);
void frame_put_echo(const struct cell *c, uint8_t *p, bool answer);
/* What frame_addr_offset points to, of session 0. */
uint32_t frame_addr_base(const struct cell *c);
/* L2TP or VXLAN headers before an inner packet that stands already; IDs are the receiver's. */
void frame_put_outer(const struct cell *c, uint8_t *p, uint16_t tid, uint16_t sid, uint16_t ns);
void frame_put_vxlan(const struct cell *c, uint8_t *p);
/* Octets of those headers, without Ethernet. */
size_t frame_outer_len(const struct cell *c);
bool frame_leaves_in_tunnel(const struct cell *c);
/* Of the 32 bits of a frame that goes in which tell its session. */
size_t frame_addr_offset(const struct cell *c);

#endif
