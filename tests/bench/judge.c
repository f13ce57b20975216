// SPDX-License-Identifier: GPL-2.0-or-later
/* What left, held against what had to leave. */
#include <stdio.h>
#include <string.h>

#include "tests/bench/frames_private.h"

void check_bad(struct check *k, const char *what, size_t got, size_t wanted)
{
	if (!k->bad++)
		snprintf(k->why, sizeof(k->why), "frame %u: %s is %zu (0x%zx), not %zu (0x%zx)",
			 k->frames, what, got, got, wanted, wanted);
}

static bool is_seen(const struct check *k, uint32_t number)
{
	return k->seen[number >> 3] & 1u << (number & 7);
}

void check_seen(struct check *k, const struct cell *c, uint32_t number)
{
	if (number >= BENCH_NUMBERS || !number ||
	    (!c->foreign && number > gen_number(c->sessions - 1))) {
		check_bad(k, "session number", number, c->sessions);
		return;
	}
	k->sessions += !is_seen(k, number);
	k->seen[number >> 3] |= (uint8_t)(1u << (number & 7));
}

/* Of ones' complement's two zeros an IPv4 header may have either: make `wanted` the same. */
static void same_zero(uint8_t *wanted, const uint8_t *got)
{
	unsigned int w = get16(wanted), g = get16(got);

	if ((!w || w == 0xffff) && (!g || g == 0xffff))
		put16(wanted, g);
}

void check_octets(struct check *k, const uint8_t *got, const uint8_t *wanted, size_t len)
{
	char what[32];
	size_t i;

	for (i = 0; i < len && got[i] == wanted[i]; i++)
		;
	if (i < len) {
		snprintf(what, sizeof(what), "octet %zu", i);
		check_bad(k, what, got[i], wanted[i]);
	}
}

/* Frame that crossed the bare redirect: what went in. */
static void check_bare(struct check *k, const struct cell *c, const uint8_t *frame, size_t len)
{
	uint32_t number = get32(frame + frame_addr_offset(c)) - frame_addr_base(c);
	uint8_t wanted[SINK_FRAME_MAX];
	uint16_t ns = 0;

	if (c->op == BENCH_DECAP && c->seq)
		ns = (uint16_t)get16(frame + ETH + IP4 + UDP + 6);
	if (frame_in(c, number, ns, wanted) != len)
		check_bad(k, "length", len, frame_in(c, number, ns, wanted));
	else
		check_octets(k, frame, wanted, len);
	check_seen(k, c, number);
}

/* Ns of one session goes up by one (V2-DATA-2). */
static void check_ns(struct check *k, uint32_t number, uint16_t ns)
{
	if (number >= BENCH_NUMBERS)
		return;
	if (is_seen(k, number) && ns != (uint16_t)(k->ns[number] + 1))
		check_bad(k, "Ns", ns, k->ns[number] + 1u);
	k->ns[number] = ns;
}

/* Free to choose: identification (DP-TX-4), and so the header checksum, judged here. */
void check_outer_ip(struct check *k, const uint8_t *ip, uint8_t *wanted)
{
	if (sum(0, ip, IP4) != 0xffff)
		check_bad(k, "sum of the outer IPv4 header", sum(0, ip, IP4), 0xffff);
	memcpy(wanted + 4, ip + 4, 2);
	memcpy(wanted + 10, ip + 10, 2);
}

static void check_encap(struct check *k, const struct cell *c, const uint8_t *frame)
{
	const uint8_t *ip = frame + ETH, *udp = ip + IP4;
	uint32_t tunnel = get16(udp + UDP + 2) - BENCH_PEER_TUNNEL;
	uint32_t number = tunnel << 16 | bench_peer_sid(get16(udp + UDP + 4));
	uint16_t ns = c->seq ? (uint16_t)get16(udp + UDP + 6) : 0;
	size_t len = frame_outer_len(c) + c->inner;
	uint8_t wanted[SINK_FRAME_MAX];

	frame_put_mac(wanted, MAC_NEXT, MAC_OUT, false);
	if (c->op == BENCH_ECHO)
		frame_put_echo(c, wanted + ETH + frame_outer_len(c), true);
	else
		frame_put_inner(c, wanted + ETH + frame_outer_len(c), number, 63);
	if (c->op == BENCH_ENCAP && c->family == 4)
		same_zero(wanted + ETH + frame_outer_len(c) + 10, ip + frame_outer_len(c) + 10);
	frame_put_outer(c, wanted + ETH, bench_peer_tid(number), bench_peer_sid(number), ns);
	if (c->foreign) /* the kernel's L2TP lets routers fragment */
		wanted[ETH + 6] = ip[6] & 0x40;
	if (!get16(udp + 6) || sum_udp(ip, udp, len - IP4) != 0xffff)
		check_bad(k, "sum of the outer UDP datagram", sum_udp(ip, udp, len - IP4), 0xffff);
	check_outer_ip(k, ip, wanted + ETH);
	check_octets(k, frame, wanted, ETH + len);
	if (c->seq)
		check_ns(k, number, ns);
	check_seen(k, c, number);
}

static void check_vxlan(struct check *k, const struct cell *c, const uint8_t *frame)
{
	const uint8_t *ip = frame + ETH, *inner = ip + frame_outer_len(c);
	uint32_t number = c->family == 4 ? get32(inner + 16) - frame_pool4(c)
					 : get32(inner + 28) - (uint32_t)frame_pool6(c);
	uint8_t wanted[SINK_FRAME_MAX];

	frame_put_mac(wanted, MAC_NEXT, MAC_OUT, false);
	frame_put_inner(c, wanted + ETH + frame_outer_len(c), number, 63);
	if (c->family == 4)
		same_zero(wanted + ETH + frame_outer_len(c) + 10, inner + 10);
	frame_put_vxlan(c, wanted + ETH);
	wanted[ETH + 6] = 0; /* the kernel sends without DF, and from a port of the flow's */
	memcpy(wanted + ETH + IP4, ip + IP4, 2);
	check_outer_ip(k, ip, wanted + ETH);
	check_octets(k, frame, wanted, ETH + frame_outer_len(c) + c->inner);
	check_seen(k, c, number);
}

/* The inner packet alone, forwarded. */
static void check_inner(struct check *k, const struct cell *c, const uint8_t *frame)
{
	size_t at = c->op == BENCH_DECAP ? 12 : c->family == 4 ? 16 : 28;
	uint32_t number = get32(frame + ETH + at) -
			  (c->family == 4 ? frame_pool4(c) : (uint32_t)frame_pool6(c));
	uint8_t wanted[SINK_FRAME_MAX];

	frame_put_mac(wanted, MAC_NEXT, MAC_OUT, c->family == 6);
	frame_put_inner(c, wanted + ETH, number, 63);
	if (c->family == 4)
		same_zero(wanted + ETH + 10, frame + ETH + 10);
	check_octets(k, frame, wanted, ETH + c->inner);
	check_seen(k, c, number);
}

/* From the L2TP header to the inner packet, of which version 2 has many forms; NULL: no data, or
 * not of this family. */
static const uint8_t *skip_l2tp(const struct cell *c, const uint8_t *p, size_t len,
				const uint8_t **ret_ids)
{
	size_t at = 2;

	if (len < 24 || p[0] & 0x80 || (p[1] & 0x0f) != 2)
		return NULL;
	at += p[0] & 0x40 ? 2 : 0;
	*ret_ids = p + at;
	at += 4;
	at += p[0] & 0x08 ? 4 : 0;
	if (p[0] & 0x02)
		at += 2 + get16(p + at);
	if (at + 5 > len)
		return NULL;
	at += get16(p + at) == 0xff03 ? 2 : 0;
	at += p[at] == 0 ? 1 : 0;
	return p[at] == (c->family == 4 ? 0x21 : 0x57) ? p + at + 1 : NULL;
}

/* One of ours? What else there is in a session: router advertisements. */
static bool is_ours(const struct cell *c, const uint8_t *inner, size_t len)
{
	size_t ip = c->family == 4 ? IP4 : IP6;

	return len >= ip + UDP && inner[c->family == 4 ? 9 : 6] == 17 &&
	       get16(inner + ip) == INNER_FROM && get16(inner + ip + 2) == INNER_TO;
}

void frame_check_any(struct check *k, const struct cell *c, const struct ids *peer,
		     const uint8_t *frame, size_t len)
{
	const uint8_t *ip = frame + ETH, *udp = ip + IP4, *ids = NULL, *inner = NULL;
	uint8_t wanted[SINK_FRAME_MAX];
	size_t datagram = len < ETH + IP4 + UDP ? 0 : get16(udp + 4);
	uint32_t number;

	if (datagram >= UDP && datagram <= len - ETH - IP4)
		inner = skip_l2tp(c, udp + UDP, datagram - UDP, &ids);
	if (!inner || !is_ours(c, inner, (size_t)(frame + len - inner))) {
		k->strays++;
		return;
	}
	k->frames++;
	if (get16(ip + 2) != IP4 + datagram || len != ETH + IP4 + datagram)
		check_bad(k, "IP length", get16(ip + 2), IP4 + datagram);
	if (udp[UDP] & 0x40 && get16(udp + UDP + 2) != datagram - UDP)
		check_bad(k, "L2TP length", get16(udp + UDP + 2), datagram - UDP);
	if (inner + c->inner != udp + datagram) {
		check_bad(k, "octets of the inner packet", (size_t)(udp + datagram - inner),
			  c->inner);
		return;
	}
	number = get32(inner + (c->family == 4 ? 16 : 28)) -
		 (c->family == 4 ? frame_pool4(c) : (uint32_t)frame_pool6(c));
	if (number >= BENCH_NUMBERS || !peer[number].tid) {
		check_bad(k, "session number", number, 0);
		return;
	}
	if (get16(ids) != peer[number].tid || get16(ids + 2) != peer[number].sid)
		check_bad(k, "tunnel and session ID", get32(ids),
			  (size_t)peer[number].tid << 16 | peer[number].sid);
	if (get16(udp + 2) != peer[number].port || get32(ip + 16) != BENCH_LAC)
		check_bad(k, "UDP port", get16(udp + 2), peer[number].port);
	if (sum(0, ip, IP4) != 0xffff)
		check_bad(k, "sum of the outer IPv4 header", sum(0, ip, IP4), 0xffff);
	if (get16(udp + 6) && sum_udp(ip, udp, datagram) != 0xffff)
		check_bad(k, "sum of the outer UDP datagram", sum_udp(ip, udp, datagram), 0xffff);
	frame_put_inner(c, wanted, number, 63);
	if (c->family == 4)
		same_zero(wanted + 10, inner + 10);
	check_octets(k, inner, wanted, c->inner);
	k->sessions += !is_seen(k, number);
	k->seen[number >> 3] |= (uint8_t)(1u << (number & 7));
}

bool frame_is_ours(const struct cell *c, const uint8_t *frame, size_t len)
{
	return len > ETH && is_ours(c, frame + ETH, len - ETH);
}

void frame_check(struct check *k, const struct cell *c, bool through, const uint8_t *frame,
		 size_t len)
{
	size_t wanted = ETH + c->inner + (frame_leaves_in_tunnel(c) ? frame_outer_len(c) : 0);

	if (c->wire) {
		pw_frame_check(k, c, through, frame, len);
		return;
	}
	/* what the host itself says on the link (router solicitations, MLD) */
	if (len < ETH || frame[5] != (through ? MAC_NEXT : MAC_IN) || frame[0] != 2) {
		k->strays++;
		return;
	}
	k->frames++;
	if (!through)
		check_bare(k, c, frame, len);
	else if (len != wanted)
		check_bad(k, "length", len, wanted);
	else if (!frame_leaves_in_tunnel(c))
		check_inner(k, c, frame);
	else if (c->device == BENCH_VXLAN)
		check_vxlan(k, c, frame);
	else
		check_encap(k, c, frame);
}
