/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The short way: what nearly every frame is, judged and forwarded with one look at each of
 * its octets. Uplink: a plain IPv4 header, L2TP without an offset, the PPP forms that
 * everybody sends, a session that is open, a packet whose way is known. Downlink: a plain
 * header, a session over IPv4, a way that is known.
 *
 * It only ever says "forward". To all else it answers GO_ON before anything has been
 * written or counted, and uplink() or downlink() judge the frame from the start, with all the
 * verdicts. So what it lets through they must let through, with the same octets
 * (tests/bpf/short_test.c compares); what it does not know it may leave to them. One verdict is
 * its own: a sequence number is judged last and can be judged only once.
 *
 * Left out are the questions whose answer is known: a session's local address is one that we
 * listen on, a subscriber's is none; an address whose way is kept is neither local nor that of
 * a subscriber.
 */
#ifndef L2X_BPF_SHORT_H
#define L2X_BPF_SHORT_H

#include "bpf/csum.h"
#include "bpf/downlink.h"
#include "bpf/frame.h"
#include "bpf/inner.h"
#include "bpf/l2tp.h"
#include "bpf/mss.h"
#include "bpf/nexthop.h"
#include "bpf/parse.h"
#include "bpf/ppp.h"
#include "bpf/seq.h"
#include "bpf/session.h"
#include "bpf/uplink.h"
#include "bpf/verdict.h"

/* Octets that are read at once: from the outer IPv4 header to the end of the inner one. */
#define SHORT_UP (IP4_LEN + UDP_LEN + SHORT_L2TP + SHORT_PPP + IP4_LEN)
#define SHORT_L2TP 12 /* with length and numbers */
#define SHORT_PPP 4

struct short_message {
	const void *packet; /* the inner one */
	__u32 header; /* octets from the UDP header to there */
	__u32 left; /* octets from there to the end of the message */
	__u32 room; /* octets of the datagram */
	__be16 tunnel_id;
	__be16 session_id;
	__u16 ns;
	__u8 sequenced;
	__u8 v6;
};

/* What a caller is told, beside the verdict. */
struct short_end {
	__u32 verdict; /* not 0: of a datagram that must not be judged again, */
	__u32 session; /* and whose it is */
};

/* In memory, and the compiler is to know nothing of it: nearly nobody looks at it. */
static __always_inline void short_begin(struct short_end *end)
{
	__u64 none;

	asm volatile("%0 = 0" : "=r"(none));
	*(any64 *)end = none;
	asm volatile("" : : "r"(end) : "memory");
}

/* ---- uplink ---------------------------------------------------------------------------- */

/* After the L2TP header at `w`. */
static __always_inline bool short_ppp(const void *at, struct short_message *m)
{
	__u32 full = *(const any32 *)at;
	__u16 compressed = *(const any16 *)at;

	if (full == bpf_htonl(PPP_ADDRESS_CONTROL << 16 | PPP_IPV4)) {
		m->header += 4;
	} else if (full == bpf_htonl((__u32)PPP_ADDRESS_CONTROL << 16 | PPP_IPV6)) {
		m->header += 4;
		m->v6 = 1;
	} else if (compressed == bpf_htons(PPP_IPV4)) {
		m->header += 2;
	} else if (compressed == bpf_htons(PPP_IPV6)) {
		m->header += 2;
		m->v6 = 1;
	} else {
		return false;
	}
	return true;
}

/* The datagram at `udp`, of which SHORT_UP less IP4_LEN octets are there. */
static __always_inline bool short_l2tp(const void *udp, struct short_message *m)
{
	__u32 room = bpf_ntohs(((const any16 *)udp)[2]), end = room;
	const any16 *w = udp + UDP_LEN;
	__u16 flags = w[0];

	if ((flags & bpf_htons(L2TP_T | L2TP_O | L2TP_VERSION)) != bpf_htons(2) || room < UDP_LEN)
		return false;
	m->header = UDP_LEN + L2TP_DATA_MIN;
	if (flags & bpf_htons(L2TP_L)) {
		end = UDP_LEN + bpf_ntohs(w[1]);
		if (end > room)
			return false;
		w++;
		m->header += 2;
	}
	m->tunnel_id = w[1];
	m->session_id = w[2];
	m->sequenced = !!(flags & bpf_htons(L2TP_S));
	m->ns = 0;
	m->v6 = 0;
	if (m->sequenced) {
		m->ns = bpf_ntohs(w[3]);
		w += 2;
		m->header += 4;
	}
	if (!m->tunnel_id || !m->session_id || !short_ppp(w + 3, m) || m->header > end)
		return false;
	m->left = end - m->header;
	m->room = room;
	return true;
}

/* The outer header at `ip`: plain, sound, of `octets` in the frame at the most. */
static __always_inline bool short_outer(const void *ip, __u32 octets)
{
	const any32 *w = ip;
	const any16 *h = ip;
	__u32 len = bpf_ntohs(h[1]);

	return (w[0] & bpf_htonl(0xff000000)) == bpf_htonl(0x45000000) &&
	       !(h[3] & bpf_htons(IP_MF | IP_OFFSET)) && len <= octets &&
	       bpf_ntohs(h[12]) + IP4_LEN <= len && csum_ipv4_good(ip);
}

/* Source, destination and ports of the datagram at `ip`. */
static __always_inline bool short_peer(const void *ip, const struct l2x_short_up *s)
{
	const any32 *w = ip;

	return *(const any64 *)(w + 3) == *(const any64 *)&s->peer && /* local follows, and here */
	       w[5] == *(const any32 *)&s->peer_port; /* local_port */
}

/* Is the packet in order, the session's own, and no case for the long way? */
static __always_inline bool short_judge(struct xdp_md *ctx, const struct l2x_short_up *s,
					const struct short_message *m, __u16 flags, __u8 tos,
					struct inner *in)
{
	const struct ipv6hdr *ip6 = m->packet;
	const struct iphdr *ip = m->packet;

	if (tos & 1) /* CE, or ECT(1): may change the inner field, or end the packet */
		return false;
	if ((flags & L2X_S_SEQ_REQUIRED) && !m->sequenced)
		return false;
	in->len = (__u16)m->left;
	if (in->v6) {
		if ((const void *)(ip6 + 1) > (const void *)(long)ctx->data_end ||
		    !(flags & L2X_S_IPV6) || inner_look6(ip6, in) != GO_ON ||
		    *(const any64 *)&ip6->saddr != s->ipv6 || !s->ipv6)
			return false;
	} else if (!(flags & L2X_S_IPV4) || inner_look4(ip, in) != GO_ON || ip->saddr != s->ipv4) {
		return false;
	}
	return in->ttl > 1 && m->header + in->len + L2TP_JOINED > m->room &&
	       !((flags & L2X_S_MSS) && mss_is_syn(ctx, in));
}

/* The way of the packet, if it is known; NULL else. */
static __always_inline const struct l2x_nexthop *short_route(__u32 ifindex,
							     const struct short_message *m)
{
	const any64 *d = m->packet + 24;
	const struct iphdr *ip = m->packet;
	struct l2x_route *r;
	__u64 dst0 = 0, dst1;

	if (m->v6) {
		if (!live.routes6)
			return 0;
		dst0 = d[0];
		dst1 = d[1];
	} else {
		if (!live.routes4)
			return 0;
		dst1 = route_word4(ip->daddr);
	}
	r = route_place(dst0, dst1);
	return r && route_is_kept(r, ifindex, dst0, dst1) ? &r->nh : 0;
}

static __always_inline int short_up_write(struct xdp_md *ctx, const struct short_message *m,
					  const struct inner *in, const struct l2x_nexthop *nh)
{
	if (in->v6)
		((struct ipv6hdr *)m->packet)->hop_limit--;
	else
		inner_age4((struct iphdr *)m->packet);
	if (inner_trim(ctx, in->at + in->len) ||
	    bpf_xdp_adjust_head(ctx, (int)(in->at - link_len(nh))) ||
	    link_write(ctx, nh, in->v6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP)))
		return -1;
	return 0;
}

/* The frame is not what it was, and must not go on. Cannot be. */
static __always_inline int short_broken(struct short_end *end)
{
	end->verdict = L2X_V_ERROR;
	return GO_ON;
}

/* The last question. */
static __always_inline int short_sequence(struct short_end *end, __u32 index, __u16 ns)
{
	struct l2x_traffic *t = bpf_map_lookup_elem(&traffic, &index);
	int v = t ? seq_receive(t, ns) : GO_ON;

	if (v == GO_ON)
		return v;
	if (verdict_is_drop(v))
		__sync_fetch_and_add(&t->rx_drops, 1);
	end->verdict = (__u32)v;
	end->session = index; /* one that goes up is still policed, as the session's */
	return v;
}

/* Of the frame, SHORT_UP octets are at `ip`. */
static __always_inline int short_up(struct xdp_md *ctx, const void *ip, __u32 ifindex, __u32 l3,
				    __u32 *ret_lower, struct short_end *end)
{
	const struct l2x_nexthop *nh;
	struct l2x_short_up *s;
	struct short_message m;
	struct inner in = {};
	__u32 index, gen;
	__u16 flags;

	if (!short_l2tp(ip + IP4_LEN, &m))
		return GO_ON;
	index = session_index(m.tunnel_id, m.session_id);
	s = bpf_map_lookup_elem(&up_lines, &index);
	if (!s)
		return GO_ON;
	gen = generation(&s->gen);
	load_barrier();
	flags = s->flags;
	m.packet = ip + IP4_LEN + m.header;
	in.at = (__u16)(l3 + IP4_LEN + m.header);
	in.v6 = m.v6;
	if (!gen || s->tunnel_id != m.tunnel_id || !short_peer(ip, s) ||
	    !short_outer(ip, frame_len(ctx) - l3) ||
	    !short_judge(ctx, s, &m, flags, ((const __u8 *)ip)[1], &in))
		return GO_ON;
	nh = short_route(ifindex, &m);
	if (!nh || in.len > nh->mtu || generation_changed(&s->gen, gen))
		return GO_ON;
	if (m.sequenced && (flags & L2X_S_SEQ_RX) && short_sequence(end, index, m.ns) != GO_ON)
		return GO_ON;
	if (short_up_write(ctx, &m, &in, nh))
		return short_broken(end);
	__sync_fetch_and_add(&s->packets, 1);
	__sync_fetch_and_add(&s->bytes, in.len);
	*ret_lower = nh->lower;
	return L2X_V_DECAP;
}

/* ---- downlink -------------------------------------------------------------------------- */

/* Flags of sessions whose packets want more than the usual headers. */
#define SHORT_UNUSUAL (L2X_S_SEQ_TX | L2X_S_ACFC | L2X_S_TOS_FIXED | L2X_S_ECN | L2X_S_CSUM0)

/* A packet to a subscriber, and what is to go before it. */
struct short_packet {
	__u64 sum; /* of it as it will be; of all that the outer UDP checksum covers */
	__u64 ip[3]; /* the outer IPv4 header and both ports */
	__u64 l2tp; /* l2x_short_down.l2tp */
	__u32 udp; /* length and checksum */
	__u32 len, pad; /* octets of it, and behind it */
	__u32 head; /* octets from the outer IP header to it */
	__u32 flags;
	__u16 tos; /* of the outer header, as it stands in the 16-bit word with the version */
};

/* Is the header at `ip` sound, and plain? UDP_LEN octets more are there. p->sum is that of the
 * packet as it will be, CSUM_NONE if that takes reading it. */
static __always_inline bool short_look4(struct xdp_md *ctx, const void *ip, struct short_packet *p)
{
	const __u8 *b = ip;
	const any32 *w = ip;
	const any16 *h = ip;
	__u32 len = bpf_ntohs(h[1]), segment = bpf_htons((__u16)(len - IP4_LEN)), proto = b[9];

	p->len = len;
	p->tos = h[0] & bpf_htons(0xff);
	p->sum = (0xffffull << 19) - w[3] - w[4] - bpf_htons((__u16)proto) - segment;
	if (b[0] != 0x45 || (h[3] & bpf_htons(IP_MF | IP_OFFSET)) || b[8] <= 1 ||
	    !csum_ipv4_good(ip))
		return false;
	if (proto == IPPROTO_UDP) {
		if (h[12] == segment && h[13] && len >= IP4_LEN + UDP_LEN)
			return true;
	} else if (proto == IPPROTO_TCP && len >= IP4_LEN + TCP_LEN) {
		return !(p->flags & L2X_S_MSS) ||
		       (frame_has(ctx, ip, IP4_LEN + TCP_LEN) && !(b[IP4_LEN + 13] & TCP_SYN));
	}
	p->sum = proto == IPPROTO_ICMP && len >= IP4_LEN + 8 ? 0 : CSUM_NONE;
	return len >= IP4_LEN;
}

static __always_inline bool short_look6(struct xdp_md *ctx, const void *ip, __u32 room,
					struct short_packet *p)
{
	struct inner in = { .len = (__u16)room, .v6 = 1 };
	const __u8 *b = ip;

	if (inner_look6(ip, &in) != GO_ON || in.ttl <= 1)
		return false;
	p->len = in.len;
	p->tos = bpf_htons(in.tos);
	p->sum = csum_is_local(ip + IP6_LEN, &in) ? csum_local(ip, &in) : CSUM_NONE;
	if (!(p->flags & L2X_S_MSS) || in.proto != IPPROTO_TCP || in.len < IP6_LEN + TCP_LEN)
		return true;
	return frame_has(ctx, ip, IP6_LEN + TCP_LEN) && !(b[IP6_LEN + 13] & TCP_SYN);
}

/* Sums the packet, if nothing in it tells its sum. */
static __always_inline bool short_sum(struct xdp_md *ctx, __u32 l3, struct short_packet *p, bool v6)
{
	struct inner in = { .at = (__u16)l3, .len = (__u16)p->len, .v6 = v6 };

	if (p->sum == CSUM_NONE && !(p->flags & L2X_S_CSUM0))
		p->sum = csum_whole(ctx, &in);
	return p->sum != CSUM_NONE || (p->flags & L2X_S_CSUM0);
}

/* 16 bits of a packet as part of a 64-bit word, `at` octets from its beginning. */
static __always_inline __u64 short_part(__u16 v, int at)
{
	return (__u64)v << (ROUTE_FIRST ? 48 - 8 * at : 8 * at);
}

static __always_inline __u32 short_pair(__u16 first, __u16 second)
{
	return ROUTE_FIRST ? (__u32)first << 16 | second : (__u32)second << 16 | first;
}

/* The checksum of the datagram, whose length is in `datagram`; DP-CK-1, DP-CK-3. */
static __always_inline __u16 short_check(const struct short_packet *p, __be16 datagram, __u32 more)
{
	__u16 sum = csum_fold(p->sum + 2 * (__u32)datagram + more);

	if (p->flags & L2X_S_CSUM0)
		return 0;
	return sum == 0xffff ? sum : (__u16)~sum;
}

/* The headers, but for what a number changes in them. */
static __always_inline void short_make(struct short_packet *p, const struct l2x_short_down *s,
				       bool v6)
{
	__u32 len = p->len + p->head, ppp = bpf_htons(v6 ? PPP_IPV6 : PPP_IPV4);
	__be16 datagram = bpf_htons((__u16)(len - IP4_LEN)), all = bpf_htons((__u16)len);

	if (!(p->flags & L2X_S_ACFC))
		ppp += bpf_htons(PPP_ADDRESS_CONTROL);
	p->ip[0] = short_part(bpf_htons(0x4500), 0) | short_part(bpf_htons(IP_DF), 6) |
		   short_part(p->tos, 0) | short_part(all, 2);
	p->ip[1] = s->ip[0] | short_part((__u16)~csum_fold((__u32)s->ip_sum + p->tos + all), 2);
	p->ip[2] = s->ip[1];
	p->l2tp = *(const any64 *)s->l2tp;
	p->udp = short_pair(datagram, short_check(p, datagram, ppp));
	/* now, and not when registers are scarce */
	asm volatile("" : "+r"(p->ip[0]), "+r"(p->ip[1]), "+r"(p->udp));
}

/* Numbers and PPP after the 6 octets of L2TP before `w`, when they are not the usual ones. */
static __always_inline void short_number(any16 *w, const struct short_packet *p, __u16 ns,
					 __be16 proto)
{
	if (p->flags & L2X_S_SEQ_TX) {
		w[0] = bpf_htons(ns);
		w[1] = 0;
		w += 2;
	}
	if (!(p->flags & L2X_S_ACFC))
		*w++ = bpf_htons(PPP_ADDRESS_CONTROL);
	*w = proto;
}

/* All headers but the link layer's, at `to`. */
static __always_inline void short_down_write(void *to, const struct short_packet *p, __u16 ns,
					     bool v6)
{
	__be16 proto = bpf_htons(v6 ? PPP_IPV6 : PPP_IPV4), *check = to + IP4_LEN + 6;
	void *l2tp = to + IP4_LEN + UDP_LEN;
	any64 *d = to;

	d[0] = p->ip[0];
	d[1] = p->ip[1];
	d[2] = p->ip[2];
	((any32 *)to)[6] = p->udp;
	*(any64 *)l2tp = p->l2tp;
	if (!(p->flags & (L2X_S_SEQ_TX | L2X_S_ACFC))) {
		((any16 *)l2tp)[4] = proto;
		return;
	}
	short_number(l2tp + L2TP_DATA_MIN, p, ns, proto);
	if ((p->flags & (L2X_S_SEQ_TX | L2X_S_CSUM0)) == L2X_S_SEQ_TX) {
		ns = csum_fold((__u64)(__u16) ~*check + bpf_htons(ns));
		*check = ns == 0xffff ? ns : (__u16)~ns;
	}
}

/* What is read of the session's line, and compared. */
static __always_inline bool short_down_judge(struct xdp_md *ctx, const void *ip,
					     const struct l2x_short_down *s,
					     const struct l2x_nexthop *nh, __u32 l3, bool v6,
					     struct short_packet *p)
{
	__u32 room = frame_len(ctx) - l3;

	p->head = s->head;
	if (!(v6 ? short_look6(ctx, ip, room, p) : short_look4(ctx, ip, p)) || p->len > room ||
	    p->len > s->mtu || p->head + p->len > nh->mtu || !short_sum(ctx, l3, p, v6))
		return false;
	p->pad = room - p->len;
	p->sum += s->pseudo_sum;
	if (p->flags & (L2X_S_ECN | L2X_S_TOS_FIXED))
		p->tos = bpf_htons(outer_tos(p->flags, s->dscp, (__u8)bpf_ntohs(p->tos)));
	else
		p->tos &= bpf_htons(0xfc);
	short_make(p, s, v6);
	return true;
}

/* TTL or hop limit less one, while the packet is still where it came; and as it was. */
static __always_inline void short_age(void *ip, bool v6)
{
	if (v6)
		((struct ipv6hdr *)ip)->hop_limit--;
	else
		inner_age4(ip);
}

/* There was no room before the frame, and is none now: not 0 cannot be. */
static __always_inline int short_restore(struct xdp_md *ctx, __u32 l3, bool v6, __u16 check)
{
	void *ip = frame_place(ctx, l3);

	if (!frame_has(ctx, ip, IP4_LEN))
		return -1;
	if (v6) {
		((struct ipv6hdr *)ip)->hop_limit++;
	} else {
		((struct iphdr *)ip)->ttl++;
		((struct iphdr *)ip)->check = check;
	}
	return 0;
}

/* From here on the frame is not what it was; `link`: octets of the new link-layer header. */
static __always_inline int short_down_go(struct xdp_md *ctx, void *ip, const struct l2x_nexthop *nh,
					 __u32 index, __u32 l3, __u32 link, bool v6,
					 struct short_packet *p, struct short_end *end)
{
	__u16 check = v6 ? 0 : ((struct iphdr *)ip)->check, ns = 0;
	struct l2x_traffic *t;
	void *to;

	short_age(ip, v6);
	if (bpf_xdp_adjust_head(ctx, (int)l3 - (int)(link + p->head)))
		return short_restore(ctx, l3, v6, check) ? short_broken(end) : GO_ON;
	if (p->flags & L2X_S_SEQ_TX) {
		t = bpf_map_lookup_elem(&traffic, &index);
		if (t)
			ns = seq_next(t);
	}
	if (p->pad && bpf_xdp_adjust_tail(ctx, -(int)p->pad))
		return short_broken(end);
	to = frame_place(ctx, link);
	if (!frame_has(ctx, to, IP4_LEN + UDP_LEN + L2TP_PPP_MAX))
		return short_broken(end);
	if (__builtin_constant_p(link))
		link_write_plain(to - link, nh, bpf_htons(ETH_P_IP));
	else if (link_write(ctx, nh, bpf_htons(ETH_P_IP)))
		return short_broken(end);
	short_down_write(to, p, ns, v6);
	return 0;
}

/* `flags` are s->flags, or what is known of them. */
static __always_inline int short_down_do(struct xdp_md *ctx, void *ip, struct l2x_short_down *s,
					 __u32 gen, __u32 flags, const struct l2x_nexthop *nh,
					 __u32 index, __u32 l3, __u32 link, bool v6,
					 struct short_end *end)
{
	struct short_packet p = { .flags = flags };

	if (!short_down_judge(ctx, ip, s, nh, l3, v6, &p) || generation_changed(&s->gen, gen) ||
	    short_down_go(ctx, ip, nh, index, l3, link, v6, &p, end))
		return GO_ON;
	__sync_fetch_and_add(&s->packets, 1);
	__sync_fetch_and_add(&s->bytes, p.len);
	return 0;
}

/* The number of a session that has them stands in one more line: it is asked for before there is
 * something to do meanwhile. */
static __always_inline void short_number_fetch(__u32 index)
{
	const struct l2x_traffic *t = bpf_map_lookup_elem(&traffic, &index);

	if (t)
		traffic_fetch(&t->tx_packets);
}

/* To the session `index`: the packet at `ip`, whose header is all there, and UDP_LEN octets. */
static __always_inline int short_down(struct xdp_md *ctx, void *ip, __u32 index, __u32 l3, bool v6,
				      __u32 *ret_lower, struct short_end *end)
{
	__u32 slot, epoch = live.epoch, gen, flags;
	struct l2x_short_down *s;
	struct l2x_nexthop *nh;

	s = bpf_map_lookup_elem(&down_lines, &index);
	if (!s)
		return GO_ON;
	gen = generation(&s->gen); /* nobody has index 0: its is 0 */
	load_barrier();
	slot = s->nexthop;
	nh = bpf_map_lookup_elem(&nexthops, &slot);
	if (!gen || !nh || !nexthop_is_kept(nh, epoch))
		return GO_ON;
	flags = s->flags;
	if (!(flags & (v6 ? L2X_S_IPV6 : L2X_S_IPV4)))
		return GO_ON;
	/* twice the same, of which the first is shorter for what is known */
	if (__builtin_constant_p(l3) && !(flags & SHORT_UNUSUAL) && !*(const any32 *)nh->tag) {
		if (short_down_do(ctx, ip, s, gen, flags & L2X_S_MSS, nh, index, l3, ETH_LEN, v6,
				  end))
			return GO_ON;
	} else {
		if (flags & L2X_S_SEQ_TX)
			short_number_fetch(index);
		if (short_down_do(ctx, ip, s, gen, flags, nh, index, l3, link_len(nh), v6, end))
			return GO_ON;
	}
	*ret_lower = nh->lower;
	return L2X_V_ENCAP;
}

/* ---- both ------------------------------------------------------------------------------ */

static __always_inline int short_ip4(struct xdp_md *ctx, __u32 ifindex, __u32 l3, __u32 *ret_lower,
				     struct short_end *end)
{
	struct iphdr *ip = frame_place(ctx, l3);
	const struct udphdr *udp = (const void *)(ip + 1);
	__u32 index;

	if (!frame_has(ctx, ip, sizeof(*ip) + sizeof(*udp)))
		return GO_ON;
	if (ip->protocol == IPPROTO_UDP && udp->dest == cfg.port && frame_has(ctx, ip, SHORT_UP))
		return short_up(ctx, ip, ifindex, l3, ret_lower, end);
	index = pool_find4(ip->daddr);
	return index == NOT_IN_POOL ? GO_ON : short_down(ctx, ip, index, l3, false, ret_lower, end);
}

static __always_inline int short_ip6(struct xdp_md *ctx, __u32 l3, __u32 *ret_lower,
				     struct short_end *end)
{
	struct ipv6hdr *ip6 = frame_place(ctx, l3);
	__u32 index;

	if (!frame_has(ctx, ip6, sizeof(*ip6) + UDP_LEN))
		return GO_ON;
	index = pool_find6(*(const any64 *)&ip6->daddr);
	return index == NOT_IN_POOL ? GO_ON : short_down(ctx, ip6, index, l3, true, ret_lower, end);
}

/*
 * `proto` at `l3`, a constant where the frame is known to have no tags, in a frame to this host;
 * `ifindex` as in struct frame. DECAP or ENCAP: it is to leave by *ret_lower. GO_ON: it is not,
 * and *end tells if it has been judged.
 */
static __always_inline int short_way(struct xdp_md *ctx, __be16 proto, __u32 ifindex, __u32 l3,
				     __u32 *ret_lower, struct short_end *end)
{
	return proto == bpf_htons(ETH_P_IP) ? short_ip4(ctx, ifindex, l3, ret_lower, end)
					    : short_ip6(ctx, l3, ret_lower, end);
}

/* Was the frame judged? */
static __always_inline bool short_tell(struct frame *f, const struct short_end *end)
{
	f->session = end->session;
	if (end->session) {
		f->uplink = 1;
		f->udp = f->l3 + IP4_LEN;
	}
	return end->verdict;
}

#endif
