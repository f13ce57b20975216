// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>

#include "tests/bench/frames.h"

#define ETH 14u
#define IP4 20u
#define IP6 40u
#define UDP 8u
#define PPP 4u

const char *const bench_op_names[] = { "decap", "encap" };

static void put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static void put64(uint8_t *p, uint64_t v)
{
	put32(p, (uint32_t)(v >> 32));
	put32(p + 4, (uint32_t)v);
}

static unsigned int get16(const uint8_t *p)
{
	return (unsigned int)(p[0] << 8 | p[1]);
}

static uint32_t sum(uint32_t s, const uint8_t *p, size_t len)
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
static uint32_t sum_udp(const uint8_t *ip, const uint8_t *udp, size_t len)
{
	bool v4 = ip[0] >> 4 == 4;
	uint32_t s = v4 ? sum(0, ip + 12, 8) : sum(0, ip + 8, 32);

	return sum(s + 17 + (uint32_t)len, udp, len);
}

static unsigned int final(uint32_t s)
{
	return s == 0xffff ? 0xffff : ~s & 0xffff;
}

static void put_mac(uint8_t *p, enum bench_mac dst, enum bench_mac src, bool v6)
{
	memset(p, 0, 12);
	p[0] = p[6] = 2;
	p[5] = (uint8_t)dst;
	p[11] = (uint8_t)src;
	put16(p + 12, v6 ? 0x86dd : 0x0800);
}

static void put_ip4(uint8_t *p, size_t len, uint8_t ttl, uint32_t src, uint32_t dst)
{
	memset(p, 0, IP4);
	p[0] = 0x45;
	put16(p + 2, (unsigned int)len);
	p[6] = 0x40; /* DF */
	p[8] = ttl;
	p[9] = 17;
	put32(p + 12, src);
	put32(p + 16, dst);
	put16(p + 10, final(sum(0, p, IP4)));
}

static void put_ip6(uint8_t *p, size_t len, uint8_t hops, uint64_t src, uint64_t dst)
{
	memset(p, 0, IP6);
	p[0] = 0x60;
	put16(p + 4, (unsigned int)(len - IP6));
	p[6] = 17;
	p[7] = hops;
	put64(p + 8, src);
	put64(p + 16, 1);
	put64(p + 24, dst);
	put64(p + 32, 5);
}

static size_t inner_ip(const struct cell *c)
{
	return c->family == 4 ? IP4 : IP6;
}

/* The inner packet: UDP between subscriber k and the core host. */
static void put_inner(const struct cell *c, uint8_t *p, uint16_t k, uint8_t ttl)
{
	bool up = c->op == BENCH_DECAP;
	size_t ip = inner_ip(c), len = c->inner - ip, i;
	uint32_t sub4 = BENCH_POOL4 + k;
	uint64_t sub6 = BENCH_POOL6 + k;
	uint8_t *udp = p + ip;

	if (c->family == 4)
		put_ip4(p, c->inner, ttl, up ? sub4 : BENCH_CORE4, up ? BENCH_CORE4 : sub4);
	else
		put_ip6(p, c->inner, ttl, up ? sub6 : BENCH_CORE6, up ? BENCH_CORE6 : sub6);
	put16(udp, 5001);
	put16(udp + 2, 5002);
	put16(udp + 4, (unsigned int)len);
	put16(udp + 6, 0);
	for (i = UDP; i < len; i++)
		udp[i] = (uint8_t)(i * 7 + 1);
	if (!c->plain_sum)
		put16(udp + 6, final(sum_udp(p, udp, len)));
}

static size_t l2tp_len(const struct cell *c)
{
	return c->seq ? 10 : 6;
}

static size_t outer_len(const struct cell *c)
{
	return IP4 + UDP + l2tp_len(c) + PPP;
}

/* Outer headers before an inner packet that stands already. */
static void put_outer(const struct cell *c, uint8_t *p, uint16_t tid, uint16_t sid, uint16_t ns)
{
	bool up = c->op == BENCH_DECAP;
	size_t len = outer_len(c) + c->inner;
	uint8_t *udp = p + IP4, *l2tp = udp + UDP, *ppp = l2tp + l2tp_len(c);

	put_ip4(p, len, 64, up ? BENCH_LAC : BENCH_LNS, up ? BENCH_LNS : BENCH_LAC);
	put16(udp, BENCH_PORT);
	put16(udp + 2, BENCH_PORT);
	put16(udp + 4, (unsigned int)(len - IP4));
	put16(udp + 6, 0);
	put16(l2tp, c->seq ? 0x0802 : 0x0002);
	put16(l2tp + 2, tid);
	put16(l2tp + 4, sid);
	if (c->seq) {
		put16(l2tp + 6, ns);
		put16(l2tp + 8, 0);
	}
	put16(ppp, 0xff03);
	put16(ppp + 2, c->family == 4 ? 0x0021 : 0x0057);
	put16(udp + 6, final(sum_udp(p, udp, len - IP4)));
}

size_t frame_in(const struct cell *c, uint16_t k, uint16_t ns, uint8_t *ret)
{
	if (c->op == BENCH_ENCAP) {
		put_mac(ret, MAC_IN, MAC_FAR, c->family == 6);
		put_inner(c, ret + ETH, k, 64);
		return ETH + c->inner;
	}
	put_mac(ret, MAC_IN, MAC_FAR, false);
	put_inner(c, ret + ETH + outer_len(c), k, 64);
	put_outer(c, ret + ETH, BENCH_TUNNEL, k, ns);
	/* With Ns or without inner checksum the sum is not that of frame_recipe: send none
	 * then, which IPv4 allows (DP-CK-2). */
	if (c->seq || c->plain_sum)
		put16(ret + ETH + IP4 + 6, 0);
	return ETH + outer_len(c) + c->inner;
}

void frame_recipe(const struct cell *c, struct gen_config *ret)
{
	bool up = c->op == BENCH_DECAP;
	size_t ip = ETH + (up ? outer_len(c) : 0), udp = ip + inner_ip(c);
	uint8_t frame[SINK_FRAME_MAX];
	struct gen_csum *sums = ret->csum;
	size_t len = frame_in(c, 0, 0, frame);

	memset(ret, 0, sizeof(*ret));
	ret->len = (uint32_t)len;
	memcpy(ret->head, frame, len < GEN_HEAD ? len : GEN_HEAD);
	ret->long_head = udp + UDP > GEN_HEAD_SHORT;
	ret->sessions = c->sessions;
	while (ret->mask < c->sessions - 1)
		ret->mask = ret->mask << 1 | 1;
	if (up)
		ret->sid_off = ETH + IP4 + UDP + 4;
	if (up && c->seq)
		ret->ns_off = ETH + IP4 + UDP + 6;
	/* last 16 bits of an IPv4 address, of the upper half of an IPv6 address */
	if (c->family == 4)
		ret->addr_off = (uint32_t)ip + (up ? 14 : 18);
	else
		ret->addr_off = (uint32_t)ip + (up ? 14 : 30);
	/* The outer sum: over inner IPv4 it is the same for all k, since what the session ID
	 * adds the inner checksum takes away. Over IPv6 the address adds once more. */
	if (up && c->family == 6 && !c->seq) {
		put16(frame + ETH + IP4 + 6, 0);
		sums->off = ETH + IP4 + 6;
		sums++->sum = sum_udp(frame + ETH, frame + ETH + IP4, len - ETH - IP4);
	}
	if (c->family == 4) {
		put16(frame + ip + 10, 0);
		sums->off = (uint32_t)ip + 10;
		sums++->sum = sum(0, frame + ip, IP4);
	}
	if (!c->plain_sum) {
		put16(frame + udp + 6, 0);
		sums->off = (uint32_t)udp + 6;
		sums->sum = sum_udp(frame + ip, frame + udp, len - udp);
	}
}

static void bad(struct check *k, const char *what, size_t got, size_t wanted)
{
	if (!k->bad++)
		snprintf(k->why, sizeof(k->why), "frame %u: %s is %zu (0x%zx), not %zu (0x%zx)",
			 k->frames, what, got, got, wanted, wanted);
}

static void seen(struct check *k, uint16_t number)
{
	uint8_t bit = (uint8_t)(1u << (number & 7));

	k->sessions += !(k->seen[number >> 3] & bit);
	k->seen[number >> 3] |= bit;
}

/* Of ones' complement's two zeros an IPv4 header may have either: make `wanted` the same. */
static void same_zero(uint8_t *wanted, const uint8_t *got)
{
	unsigned int w = get16(wanted), g = get16(got);

	if ((!w || w == 0xffff) && (!g || g == 0xffff))
		put16(wanted, g);
}

static void check_octets(struct check *k, const uint8_t *got, const uint8_t *wanted, size_t len)
{
	char what[32];
	size_t i;

	for (i = 0; i < len && got[i] == wanted[i]; i++)
		;
	if (i < len) {
		snprintf(what, sizeof(what), "octet %zu", i);
		bad(k, what, got[i], wanted[i]);
	}
}

/* Frame that crossed the bare redirect: what went in. */
static void check_bare(struct check *k, const struct cell *c, const uint8_t *frame, size_t len)
{
	bool up = c->op == BENCH_DECAP;
	size_t ip = ETH + (up ? outer_len(c) : 0);
	size_t addr = ip + (c->family == 4 ? (up ? 14 : 18) : (up ? 14 : 30));
	uint16_t number = (uint16_t)get16(frame + addr), ns = 0;
	uint8_t wanted[SINK_FRAME_MAX];

	if (up && c->seq)
		ns = (uint16_t)get16(frame + ETH + IP4 + UDP + 6);
	if (frame_in(c, number, ns, wanted) != len)
		bad(k, "length", len, frame_in(c, number, ns, wanted));
	else
		check_octets(k, frame, wanted, len);
	seen(k, number);
}

/* Ns of one session goes up by one (V2-DATA-2). */
static void check_ns(struct check *k, uint16_t number, uint16_t ns)
{
	bool first = !(k->seen[number >> 3] & 1u << (number & 7));

	if (!first && ns != (uint16_t)(k->ns[number] + 1))
		bad(k, "Ns", ns, k->ns[number] + 1u);
	k->ns[number] = ns;
}

static void check_encap(struct check *k, const struct cell *c, uint8_t *frame)
{
	uint8_t wanted[SINK_FRAME_MAX], *ip = frame + ETH, *udp = ip + IP4;
	uint16_t number = bench_peer_sid((uint16_t)get16(udp + UDP + 4));
	uint16_t ns = c->seq ? (uint16_t)get16(udp + UDP + 6) : 0;
	size_t len = outer_len(c) + c->inner;

	put_mac(wanted, MAC_NEXT, MAC_OUT, false);
	put_inner(c, wanted + ETH + outer_len(c), number, 63);
	if (c->family == 4)
		same_zero(wanted + ETH + outer_len(c) + 10, ip + outer_len(c) + 10);
	put_outer(c, wanted + ETH, BENCH_PEER_TUNNEL, bench_peer_sid(number), ns);
	if (sum(0, ip, IP4) != 0xffff)
		bad(k, "sum of the outer IPv4 header", sum(0, ip, IP4), 0xffff);
	if (!get16(udp + 6) || sum_udp(ip, udp, len - IP4) != 0xffff)
		bad(k, "sum of the outer UDP datagram", sum_udp(ip, udp, len - IP4), 0xffff);
	/* free to choose: identification (DP-TX-4), and so the header checksum, judged above */
	memcpy(wanted + ETH + 4, ip + 4, 2);
	memcpy(wanted + ETH + 10, ip + 10, 2);
	check_octets(k, frame, wanted, ETH + len);
	if (c->seq)
		check_ns(k, number, ns);
	seen(k, number);
}

static void check_decap(struct check *k, const struct cell *c, const uint8_t *frame)
{
	uint16_t number = (uint16_t)get16(frame + ETH + 14);
	uint8_t wanted[SINK_FRAME_MAX];

	put_mac(wanted, MAC_NEXT, MAC_OUT, c->family == 6);
	put_inner(c, wanted + ETH, number, 63);
	if (c->family == 4)
		same_zero(wanted + ETH + 10, frame + ETH + 10);
	check_octets(k, frame, wanted, ETH + c->inner);
	seen(k, number);
}

void frame_check(struct check *k, const struct cell *c, bool through, const uint8_t *frame,
		 size_t len)
{
	size_t wanted = ETH + c->inner + (c->op == BENCH_ENCAP ? outer_len(c) : 0);
	uint8_t copy[SINK_FRAME_MAX];

	/* what the host itself says on the link (router solicitations, MLD) */
	if (len < ETH || frame[5] != (through ? MAC_NEXT : MAC_IN) || frame[0] != 2) {
		k->strays++;
		return;
	}
	k->frames++;
	if (!through) {
		check_bare(k, c, frame, len);
	} else if (len != wanted) {
		bad(k, "length", len, wanted);
	} else if (c->op == BENCH_ENCAP) {
		memcpy(copy, frame, len);
		check_encap(k, c, copy);
	} else {
		check_decap(k, c, frame);
	}
}
