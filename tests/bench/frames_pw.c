// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frames of pseudowires: an Ethernet frame between two hosts, and the L2TPv3 message that it is
 * carried in. What comes in at one end must leave at the other octet by octet.
 */
#include <string.h>

#include "tests/bench/frames_private.h"

#define PW_UDP 4u /* 0003, and 16 bits of nothing */
#define PW_ID 4u
#define TAG 4u
#define PROTO_L2TP 115u

static bool over_udp(const struct cell *c)
{
	return c->wire != BENCH_IP4;
}

static size_t outer_ip(const struct cell *c)
{
	return c->wire == BENCH_UDP6 ? IP6 : IP4;
}

/* Octets from the outer IP header to the Ethernet frame. */
static size_t outer_len(const struct cell *c)
{
	return outer_ip(c) + (over_udp(c) ? UDP + PW_UDP : 0) + PW_ID + BENCH_PW_COOKIE_LEN;
}

static size_t id_offset(const struct cell *c)
{
	return ETH + outer_len(c) - BENCH_PW_COOKIE_LEN - PW_ID;
}

static size_t tag_len(const struct cell *c)
{
	return c->sessions > 1 ? TAG : 0;
}

static bool summed(const struct cell *c)
{
	return c->wire == BENCH_UDP4_SUM || c->wire == BENCH_UDP6;
}

/* The hosts' frame, c->inner octets. */
static void put_frame(const struct cell *c, uint8_t *p, uint32_t k)
{
	struct cell packet = { .op = c->op, .family = 4 };
	bool in = c->op == BENCH_DECAP;

	packet.inner = c->inner - ETH - (unsigned int)tag_len(c);
	frame_put_mac(p, 0, 0, false);
	p[4] = p[10] = 1;
	p[5] = in ? MAC_PW_HERE : MAC_PW_THERE;
	p[11] = in ? MAC_PW_THERE : MAC_PW_HERE;
	if (tag_len(c)) {
		put16(p + 12, 0x8100);
		put16(p + 14, k);
		put16(p + 16, 0x0800);
	}
	frame_put_inner(&packet, p + ETH + tag_len(c), 1, 64);
}

static void put_ip(const struct cell *c, uint8_t *p, bool in)
{
	size_t len = outer_len(c) + c->inner;

	if (c->wire == BENCH_UDP6) {
		memset(p, 0, IP6);
		p[0] = 0x60;
		put16(p + 4, (unsigned int)(len - IP6));
		p[6] = 17;
		p[7] = 64;
		put64(p + 8, BENCH_PW_NET6);
		p[23] = in ? 2 : 1;
		put64(p + 24, BENCH_PW_NET6);
		p[39] = in ? 1 : 2;
		return;
	}
	frame_put_ip4(p, len, 64, in ? BENCH_LAC : BENCH_PW_HERE, in ? BENCH_PW_HERE : BENCH_LAC);
	p[6] = 0; /* it may be cut (V3-ETH-7) */
	p[9] = over_udp(c) ? 17 : PROTO_L2TP;
	put16(p + 10, 0);
	put16(p + 10, final(sum(0, p, IP4)));
}

/* All before the hosts' frame, which stands there already. */
static void put_outer(const struct cell *c, uint8_t *p, uint32_t k, bool in)
{
	size_t len = outer_len(c) + c->inner - outer_ip(c);
	uint8_t *udp = p + outer_ip(c), *id = p + id_offset(c) - ETH;

	put_ip(c, p, in);
	put32(id, (in ? BENCH_PW_ID : BENCH_PW_PEER_ID) + k);
	put64(id + PW_ID, in ? BENCH_PW_COOKIE : BENCH_PW_PEER_COOKIE);
	if (!over_udp(c))
		return;
	put16(udp, BENCH_PORT);
	put16(udp + 2, BENCH_PORT);
	put16(udp + 4, (unsigned int)len);
	put16(udp + 6, 0);
	put32(udp + UDP, 0x00030000);
	if (summed(c))
		put16(udp + 6, final(sum_udp(p, udp, len)));
}

size_t pw_frame_in(const struct cell *c, uint32_t k, uint8_t *ret)
{
	if (c->op == BENCH_ENCAP) {
		put_frame(c, ret, k);
		return c->inner;
	}
	put_frame(c, ret + ETH + outer_len(c), k);
	frame_put_mac(ret, MAC_IN, MAC_FAR, c->wire == BENCH_UDP6);
	put_outer(c, ret + ETH, k, true);
	return ETH + outer_len(c) + c->inner;
}

/* The generator adds the number to ID and tag, but to a sum once: what has a sum has no tag. */
void pw_frame_recipe(const struct cell *c, struct gen_config *ret)
{
	size_t udp = ETH + outer_ip(c), frame = c->op == BENCH_DECAP ? ETH + outer_len(c) : 0;
	uint8_t *head = ret->head;
	uint8_t whole[SINK_FRAME_MAX];

	ret->head_len = ret->len < GEN_HEAD_SHORT ? GEN_HEAD_LEAST : GEN_HEAD_SHORT;
	if (tag_len(c)) {
		ret->addr_off = (uint32_t)frame + 12;
		ret->addr = get32(head + frame + 12);
	}
	if (c->op == BENCH_ENCAP)
		return;
	ret->ids_off = (uint32_t)id_offset(c);
	ret->ids = BENCH_PW_ID;
	if (!summed(c))
		return;
	pw_frame_in(c, 0, whole);
	put16(whole + udp + 6, 0);
	ret->csum[0].off = (uint32_t)udp + 6;
	ret->csum[0].sum = sum_udp(whole + ETH, whole + udp, ret->len - udp);
}

/* ---- what left -------------------------------------------------------------------------------- */

static uint32_t number_of(const struct cell *c, const uint8_t *frame, bool outer, bool in)
{
	size_t at = outer ? id_offset(c) : 12;

	if (outer)
		return get32(frame + at) - (in ? BENCH_PW_ID : BENCH_PW_PEER_ID);
	return tag_len(c) ? get32(frame + at) - 0x81000000u : 1;
}

/* What the pseudowire made of a frame. Free to choose: the outer header's ID; and the kernel forbids to
 * cut it. */
static void check_message(struct check *k, const struct cell *c, const uint8_t *frame,
			  uint32_t number)
{
	const uint8_t *ip = frame + ETH, *udp = ip + outer_ip(c);
	size_t len = outer_len(c) + c->inner - outer_ip(c);
	uint8_t wanted[SINK_FRAME_MAX];

	frame_put_mac(wanted, MAC_NEXT, MAC_OUT, c->wire == BENCH_UDP6);
	put_frame(c, wanted + ETH + outer_len(c), number);
	put_outer(c, wanted + ETH, number, false);
	if (c->wire != BENCH_UDP6) {
		if (c->foreign)
			wanted[ETH + 6] = ip[6] & 0x40;
		check_outer_ip(k, ip, wanted + ETH);
	}
	if (summed(c) && sum_udp(ip, udp, len) != 0xffff)
		check_bad(k, "sum of the outer UDP datagram", sum_udp(ip, udp, len), 0xffff);
	check_octets(k, frame, wanted, ETH + outer_len(c) + c->inner);
}

void pw_frame_check(struct check *k, const struct cell *c, bool through, const uint8_t *frame,
		    size_t len)
{
	bool in = c->op == BENCH_DECAP, outer = in != through;
	size_t wanted_len = c->inner + (outer ? ETH + outer_len(c) : 0);
	uint8_t wanted[SINK_FRAME_MAX];
	uint32_t number;

	/* what the host itself says on the link */
	if (len < ETH || frame[0] != 2 || (frame[4] != 1) != outer) {
		k->strays++;
		return;
	}
	k->frames++;
	if (len != wanted_len) {
		check_bad(k, "length", len, wanted_len);
		return;
	}
	number = number_of(c, frame, outer, in);
	if (outer && through) {
		check_message(k, c, frame, number);
	} else {
		if (through)
			put_frame(c, wanted, number);
		else
			pw_frame_in(c, number, wanted);
		check_octets(k, frame, wanted, len);
	}
	check_seen(k, c, number);
}
