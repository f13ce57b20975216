// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdio.h>
#include <string.h>

#include "tests/bench/frames_private.h"

const char *const bench_op_names[] = { "decap", "encap", "echo" };
const char *const bench_wire_names[] = { "PPP", "UDP/IPv4", "UDP/IPv4 with sum", "IP/IPv4",
					 "UDP/IPv6" };
const char *const bench_device_names[] = { "l2xdp", "kernel forwarding", "kernel VXLAN" };

void frame_put_mac(uint8_t *p, enum bench_mac dst, enum bench_mac src, bool v6)
{
	memset(p, 0, 12);
	p[0] = p[6] = 2;
	p[5] = (uint8_t)dst;
	p[11] = (uint8_t)src;
	put16(p + 12, v6 ? 0x86dd : 0x0800);
}

void frame_put_ip4(uint8_t *p, size_t len, uint8_t ttl, uint32_t src, uint32_t dst)
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

uint32_t frame_pool4(const struct cell *c)
{
	return BENCH_POOL4 + (c->device << 20);
}

uint64_t frame_pool6(const struct cell *c)
{
	return BENCH_POOL6 + ((uint64_t)c->device << 20);
}

/* The inner packet: UDP between subscriber k and the core host. */
void frame_put_inner(const struct cell *c, uint8_t *p, uint32_t k, uint8_t ttl)
{
	bool up = c->op == BENCH_DECAP;
	size_t ip = inner_ip(c), len = c->inner - ip, i;
	uint32_t sub4 = frame_pool4(c) + k;
	uint64_t sub6 = frame_pool6(c) + k;
	uint8_t *udp = p + ip;

	if (c->family == 4)
		frame_put_ip4(p, c->inner, ttl, up ? sub4 : BENCH_CORE4, up ? BENCH_CORE4 : sub4);
	else
		put_ip6(p, c->inner, ttl, up ? sub6 : BENCH_CORE6, up ? BENCH_CORE6 : sub6);
	put16(udp, INNER_FROM);
	put16(udp + 2, INNER_TO);
	put16(udp + 4, (unsigned int)len);
	put16(udp + 6, 0);
	for (i = UDP; i < len; i++)
		udp[i] = (uint8_t)(i * 7 + 1);
	if (!c->plain_sum)
		put16(udp + 6, final(sum_udp(p, udp, len)));
}

/* LCP: the request of session k's peer, or our answer. */
void frame_put_echo(const struct cell *c, uint8_t *p, bool answer)
{
	put16(p, (answer ? 10u : 9u) << 8 | 0x77);
	put16(p + 2, c->inner);
	put32(p + 4, answer ? BENCH_MAGIC : BENCH_PEER_MAGIC);
	for (unsigned int i = 8; i < c->inner; i++)
		p[i] = (uint8_t)(i * 5 + 3);
}

static size_t l2tp_len(const struct cell *c)
{
	return c->seq ? 10 : 6;
}

/* Octets before the inner packet of a frame in the tunnel, without its Ethernet header. */
size_t frame_outer_len(const struct cell *c)
{
	switch (c->device) {
	case BENCH_L2XDP:
		return IP4 + UDP + l2tp_len(c) + PPP;
	case BENCH_VXLAN:
		return IP4 + UDP + VXLAN + ETH;
	default:
		return 0;
	}
}

/* VXLAN headers before an inner packet that stands already; UDP without checksum. */
void frame_put_vxlan(const struct cell *c, uint8_t *p)
{
	bool up = c->op == BENCH_DECAP;
	size_t len = frame_outer_len(c) + c->inner;
	uint8_t *udp = p + IP4, *vxlan = udp + UDP, *eth = vxlan + VXLAN;

	frame_put_ip4(p, len, 64, up ? BENCH_LAC : BENCH_LNS, up ? BENCH_LNS : BENCH_LAC);
	put16(udp, 0xc123);
	put16(udp + 2, BENCH_VXLAN_PORT);
	put16(udp + 4, (unsigned int)(len - IP4));
	put16(udp + 6, 0);
	put32(vxlan, 0x08000000);
	put32(vxlan + 4, BENCH_VNI << 8);
	frame_put_mac(eth, up ? MAC_VXLAN : MAC_VXLAN_FAR, up ? MAC_VXLAN_FAR : MAC_VXLAN,
		      c->family == 6);
}

/* Outer headers before an inner packet that stands already; IDs are the receiver's. */
void frame_put_outer(const struct cell *c, uint8_t *p, uint16_t tid, uint16_t sid, uint16_t ns)
{
	bool up = c->op == BENCH_DECAP || (c->op == BENCH_ECHO && p[frame_outer_len(c)] == 9);
	size_t len = frame_outer_len(c) + c->inner;
	uint8_t *udp = p + IP4, *l2tp = udp + UDP, *ppp = l2tp + l2tp_len(c);

	frame_put_ip4(p, len, 64, up ? BENCH_LAC : BENCH_LNS, up ? BENCH_LNS : BENCH_LAC);
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
	put16(ppp + 2, c->op == BENCH_ECHO ? 0xc021 : c->family == 4 ? 0x0021 : 0x0057);
	if (c->op == BENCH_ECHO && !up) { /* class selector 6 (DP-DS-4) */
		p[1] = 0xc0;
		put16(p + 10, 0);
		put16(p + 10, final(sum(0, p, IP4)));
	}
	put16(udp + 6, final(sum_udp(p, udp, len - IP4)));
}

/* Does what goes in stand in the tunnel? */
static bool in_is_outer(const struct cell *c)
{
	return c->op != BENCH_ENCAP && frame_outer_len(c);
}

bool frame_leaves_in_tunnel(const struct cell *c)
{
	return c->op != BENCH_DECAP && frame_outer_len(c);
}

size_t frame_in(const struct cell *c, uint32_t k, uint16_t ns, uint8_t *ret)
{
	uint8_t *ip = ret + ETH;

	if (c->wire)
		return pw_frame_in(c, k, ret);
	frame_put_mac(ret, MAC_IN, MAC_FAR, !in_is_outer(c) && c->family == 6);
	if (!in_is_outer(c)) {
		frame_put_inner(c, ip, k, 64);
		return ETH + c->inner;
	}
	if (c->op == BENCH_ECHO)
		frame_put_echo(c, ip + frame_outer_len(c), false);
	else
		frame_put_inner(c, ip + frame_outer_len(c), k, 64);
	if (c->device == BENCH_VXLAN)
		frame_put_vxlan(c, ip);
	else
		frame_put_outer(c, ip, bench_tid(k), (uint16_t)k, ns);
	/* With Ns or without inner checksum the sum is not that of frame_recipe: send none
	 * then, which IPv4 allows (DP-CK-2). */
	if (c->seq || c->plain_sum || c->foreign)
		put16(ip + IP4 + 6, 0);
	return ETH + frame_outer_len(c) + c->inner;
}

/* Of the octets in which frames of different sessions differ. */
size_t frame_addr_offset(const struct cell *c)
{
	size_t ip = ETH + (in_is_outer(c) ? frame_outer_len(c) : 0);

	if (c->op == BENCH_ECHO)
		return ETH + IP4 + UDP + 2; /* tunnel and session ID */
	return ip + (c->op == BENCH_DECAP ? 12 : c->family == 4 ? 16 : 28);
}

uint32_t frame_addr_base(const struct cell *c)
{
	if (c->op == BENCH_ECHO)
		return BENCH_TUNNEL << 16;
	return c->family == 4 ? frame_pool4(c) : (uint32_t)frame_pool6(c);
}

static void recipe_sums(const struct cell *c, uint8_t *frame, size_t len, struct gen_csum *sums)
{
	size_t ip = ETH + (in_is_outer(c) ? frame_outer_len(c) : 0), udp = ip + inner_ip(c);

	if (c->op == BENCH_ECHO) {
		put16(frame + ETH + IP4 + 6, 0);
		sums->off = ETH + IP4 + 6;
		sums->sum = sum_udp(frame + ETH, frame + ETH + IP4, len - ETH - IP4);
		return;
	}
	/* The outer sum: over inner IPv4 it is the same for all k, since what the IDs add the
	 * inner checksum takes away. Over IPv6 the address adds once more. */
	if (in_is_outer(c) && c->device == BENCH_L2XDP && c->family == 6 && !c->seq &&
	    !c->foreign) {
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

static void recipe_spoil(const struct cell *c, struct gen_config *ret)
{
	uint8_t *ip = ret->head + ETH;

	switch (c->exit) {
	case EXIT_END:
		break;
	case EXIT_LINK:
		ret->head[5] = 0x7f;
		break;
	case EXIT_OUTER:
		put32(ip + 16, BENCH_LNS + 1);
		break;
	case EXIT_L2TP:
		ip[IP4 + UDP + 1] = 1;
		break;
	case EXIT_SESSION:
		put16(ip + IP4, BENCH_PORT + 1);
		break;
	case EXIT_INNER:
		ret->addr += c->op == BENCH_DECAP;
		ret->csum[0].sum++;
		ret->csum[1].sum += c->op == BENCH_DECAP;
		break;
	}
}

void frame_recipe(const struct cell *c, struct gen_config *ret)
{
	size_t headers = ETH + (in_is_outer(c) ? frame_outer_len(c) : 0) + inner_ip(c) + UDP;
	uint8_t frame[SINK_FRAME_MAX];
	size_t len = frame_in(c, 0, 0, frame);

	memset(ret, 0, sizeof(*ret));
	ret->len = (uint32_t)len;
	memcpy(ret->head, frame, len < GEN_HEAD ? len : GEN_HEAD);
	ret->sessions = c->sessions;
	while (ret->mask < c->sessions - 1)
		ret->mask = ret->mask << 1 | 1;
	if (c->wire) {
		pw_frame_recipe(c, ret);
		return;
	}
	ret->head_len =
		(c->op == BENCH_ECHO ? len : headers) > GEN_HEAD_SHORT ? GEN_HEAD : GEN_HEAD_SHORT;
	if (in_is_outer(c) && c->device == BENCH_L2XDP) {
		ret->ids_off = ETH + IP4 + UDP + 2;
		ret->ids = BENCH_TUNNEL << 16;
		ret->ns_off = c->seq ? ETH + IP4 + UDP + 6 : 0;
	}
	if (c->op != BENCH_ECHO)
		ret->addr_off = (uint32_t)frame_addr_offset(c);
	ret->addr = c->family == 4 ? frame_pool4(c) : (uint32_t)frame_pool6(c);
	recipe_sums(c, frame, len, ret->csum);
	recipe_spoil(c, ret);
}
