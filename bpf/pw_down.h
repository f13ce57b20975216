/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a circuit to its pseudowire: a frame is put into an L2TPv3 data message. What cannot be done here
 * (too large for the way, no way known yet) is given to the daemon by its door, as it came.
 */
#ifndef L2X_BPF_PW_DOWN_H
#define L2X_BPF_PW_DOWN_H

#include "bpf/csum.h"
#include "bpf/frame.h"
#include "bpf/nexthop.h"
#include "bpf/pw.h"
#include "bpf/verdict.h"

/* ---- which pseudowire is this frame's? ----------------------------------------------------------- */

/* By both tags, by the outer one, by the device alone (`whole`). 0: it is no circuit's. */
static __always_inline __u32 circuit_find(struct xdp_md *ctx, bool whole)
{
	__u32 ifindex = ctx->ingress_ifindex, index;
	struct pw_tags tags, none = {};

	/* read once: a verifier takes no place in the context that was added up beforehand */
	asm volatile("" : "+r"(ifindex));
	if (pw_tags_read(ctx, 0, &tags))
		return 0;
	index = circuit_longest(ifindex, tags);
	return index || !whole ? index : circuit_at(ifindex, none);
}

/* ---- the message ----------------------------------------------------------------------------------- */

/* Octets of the longest header behind IP. */
#define PW_LOOKED_AT (UDP_LEN + PW_UDP_LEN + PW_ID_LEN + 8 + SUBLAYER_LEN)

static __always_inline int pw_read_tx(const struct l2x_pw *w, struct pw_tx *copy)
{
	const any64 *from = (const any64 *)&w->tx_gen;
	any64 *to = (any64 *)copy;
	__u32 gen = generation(&w->tx_gen);
	int i;

	if (!gen)
		return L2X_V_PW_DOWN;
	load_barrier();
#pragma unroll
	for (i = 0; i < 8; i++)
		to[i] = from[i];
	if (generation_changed(&w->tx_gen, gen))
		return L2X_V_CHANGING;
	copy->gen = gen;
	return GO_ON;
}

static __always_inline bool pw_sums(const struct pw_tx *s)
{
	return (s->flags & L2X_PW_UDP) &&
	       (!(s->flags & L2X_PW_CSUM0) || (s->flags & L2X_PW_OUTER6));
}

/* Asks the FIB for the way to the peer. As nexthop_fill and nexthop_of_tunnel, and apart from
 * them: one function for both, told of the peer by a struct, was measured to cost each frame of
 * either 13 to 24 instructions (3 to 5 %), for registers that hold what is seldom asked for. */
static __noinline int pw_way_fill(struct xdp_md *ctx, const struct pw_tx *s, struct l2x_nexthop *nh)
{
	struct bpf_fib_lookup fib;
	int v;

	__builtin_memset(&fib, 0, sizeof(fib));
	fib.ifindex = cfg.pw_ifindex;
	fib.l4_protocol = s->flags & L2X_PW_UDP ? IPPROTO_UDP : IPPROTO_L2TP;
	fib.sport = s->local_port;
	fib.dport = s->peer_port;
	if (s->flags & L2X_PW_OUTER6) {
		fib.family = AF_INET6;
		__builtin_memcpy(fib.ipv6_src, &s->local, 16);
		__builtin_memcpy(fib.ipv6_dst, &s->peer, 16);
	} else {
		fib.family = AF_INET;
		fib.ipv4_src = s->local.w[3];
		fib.ipv4_dst = s->peer.w[3];
	}
	nh->epoch = 0;
	v = nexthop_lookup(ctx, &fib, nh);
	return v == L2X_V_TO_HOST ? L2X_V_NO_ROUTE : v;
}

static __always_inline int pw_way(struct xdp_md *ctx, const struct pw_tx *s, __u32 index,
				  struct l2x_nexthop **ret)
{
	struct l2x_nexthop *nh = bpf_map_lookup_elem(&pw_ways, &index);
	__u32 epoch = live.epoch;
	int v;

	if (!nh)
		return L2X_V_NO_ROUTE;
	if (!nexthop_is_kept(nh, epoch)) {
		v = pw_way_fill(ctx, s, nh);
		if (v == GO_ON)
			v = nexthop_port(nh);
		if (v != GO_ON)
			return v;
		nh->stamp = jiffies_now();
		nh->epoch = epoch;
	}
	*ret = nh;
	return GO_ON;
}

static __always_inline __u32 pw_l2tp_len(__u16 flags)
{
	return (flags & L2X_PW_UDP ? UDP_LEN + PW_UDP_LEN : 0) + PW_ID_LEN +
	       (flags & L2X_PW_COOKIE8   ? 8
		: flags & L2X_PW_COOKIE4 ? 4
					 : 0) +
	       (flags & L2X_PW_SUBLAYER ? SUBLAYER_LEN : 0);
}

/* May it go, and where? */
static __always_inline int pw_out_judge(struct xdp_md *ctx, struct l2x_pw *w, __u32 index,
					const struct pw_tx *s, struct pw_notes *out,
					struct l2x_nexthop **ret_nh)
{
	const __u8 *eth = frame_at(ctx, 0, ETH_LEN);
	__u32 len = frame_len(ctx);
	struct l2x_nexthop *nh;
	int v;

	if (!eth)
		return L2X_V_PW_SHORT;
	if (!(s->flags & L2X_PW_UP))
		return L2X_V_PW_DOWN; /* DP-V3-7 */
	if ((eth[0] & 1) && !pw_bum_passes(&w->bum_tx, w->bum_rate))
		return L2X_V_PW_BUM;
	pw_swap_set(&out->swap, w, *(const any32 *)w->tag, *(const any32 *)w->wire);
	if (out->swap.any && !out->swap.to.id[1])
		out->swap.tpid[0] = bpf_htons(ETH_P_8021Q);
	out->mss_mtu = s->flags & L2X_PW_MSS ? w->mss_mtu : 0;
	len += (__u32)out->swap.more;
	if (len < PW_LOOKED_AT - PW_ID_LEN)
		return L2X_V_NOT_LINEAR;
	if (len > s->mtu)
		return L2X_V_TOO_BIG;
	v = pw_way(ctx, s, index, &nh);
	if (v != GO_ON)
		return v;
	*ret_nh = nh;
	out->len = (__u16)len;
	out->link = (__u16)link_len(nh);
	out->ip = s->flags & L2X_PW_OUTER6 ? IP6_LEN : IP4_LEN;
	out->l2tp = (__u16)pw_l2tp_len(s->flags);
	if (out->ip + out->l2tp + len > nh->mtu)
		return L2X_V_TOO_BIG;
	return pw_sums(s) && len > CSUM_MAX ? L2X_V_NOT_LINEAR : GO_ON;
}

/* Of the frame at `at`, if what is in it promises its sum, as a subscriber's packet does (DP-CK-8):
 * nothing of the packet changes here, and nothing may follow it. CSUM_NONE: it does not. */
static __always_inline __u64 pw_sum_local(struct xdp_md *ctx, __u32 at, __u32 len)
{
	struct inner in = {};
	const any16 *w;
	__u32 all, n;
	__u64 sum;

	if (!pw_inner(ctx, at, at + len, &in))
		return CSUM_NONE;
	all = in.len;
	if (inner_parse(ctx, &in) != GO_ON || in.len != all)
		return CSUM_NONE;
	in.ttl++; /* csum_local means the packet one hop further */
	if (!(in.v6 ? csum_try(ctx, &in, IP6_LEN, &sum) : csum_try(ctx, &in, IP4_LEN, &sum)))
		return CSUM_NONE;
	w = frame_at(ctx, at, ETH_LEN + 2 * TAG_LEN); /* a packet is never shorter than two tags */
	if (!w)
		return CSUM_NONE;
	sum += csum_words(w, MACS_LEN / 4) + w[6];
	n = in.at - at;
	if (n > ETH_LEN)
		sum += (__u32)w[7] + w[8];
	if (n > ETH_LEN + TAG_LEN)
		sum += (__u32)w[9] + w[10];
	return sum;
}

/* Of the frame at `at`, folded; CSUM_FAIL: it cannot be read. A function of its own: the verifier walks it
 * once. */
__noinline __u32 pw_sum(struct xdp_md *ctx, __u32 at, __u32 len)
{
	__u64 sum;

	if (at > 255 || len > CSUM_MAX)
		return CSUM_FAIL;
	sum = pw_sum_local(ctx, at, len);
	return sum == CSUM_NONE ? csum_octets(ctx, at, len) : csum_fold(sum);
}

/* The outer header may be cut on the way, so it needs an ID of its own (V3-ETH-7, RFC 6864). */
static __always_inline void pw_write_ip4(any32 *w, const struct pw_tx *s, __u32 len, __u16 id)
{
	__u32 proto = s->flags & L2X_PW_UDP ? IPPROTO_UDP : IPPROTO_L2TP;
	__u32 tos = s->flags & L2X_PW_TOS_FIXED ? (__u32)s->dscp << 2 : 0;

	w[0] = bpf_htonl(0x45000000 | tos << 16 | (len + IP4_LEN));
	w[1] = bpf_htonl((__u32)id << 16);
	w[2] = bpf_htonl((__u32)s->ttl << 24 | proto << 16);
	w[3] = s->local.w[3];
	w[4] = s->peer.w[3];
	w[2] |= csum_low16((__u16)~csum_fold((__u64)w[0] + w[1] + w[2] + w[3] + w[4]));
}

static __always_inline void pw_write_ip6(any32 *w, const struct pw_tx *s, __u32 len)
{
	__u32 proto = s->flags & L2X_PW_UDP ? IPPROTO_UDP : IPPROTO_L2TP;
	__u32 tos = s->flags & L2X_PW_TOS_FIXED ? (__u32)s->dscp << 2 : 0;
	any64 *d = (any64 *)w;

	w[0] = bpf_htonl(0x60000000 | tos << 20);
	w[1] = bpf_htonl(len << 16 | proto << 8 | s->ttl);
	d[1] = s->local.d[0];
	d[2] = s->local.d[1];
	d[3] = s->peer.d[0];
	d[4] = s->peer.d[1];
}

/* UDP, L2TPv3 header, in words of 32 bits; `sum` of what pseudo_sum leaves out. */
static __always_inline void pw_write_l2tp(any32 *w, const struct pw_tx *s, __u32 len,
					  __u32 sublayer, __u64 sum)
{
	__be16 all = bpf_htons((__u16)len);
	__u16 check = 0;

	if (s->flags & L2X_PW_UDP) {
		if (pw_sums(s)) {
			check = (__u16)~csum_fold(sum + sublayer + s->pseudo_sum + 2 * (__u32)all);
			if (!check)
				check = 0xffff;
		}
		((any16 *)w)[0] = s->local_port;
		((any16 *)w)[1] = s->peer_port;
		((any16 *)w)[2] = all;
		((any16 *)w)[3] = check;
		w[2] = bpf_htonl(PW_DATA << 16);
		w += 3;
	}
	w[0] = s->peer_id;
	w++;
	if (s->flags & L2X_PW_COOKIE8) {
		w[0] = ((const any32 *)&s->cookie)[0];
		w[1] = ((const any32 *)&s->cookie)[1];
		w += 2;
	} else if (s->flags & L2X_PW_COOKIE4) {
		w[0] = ((const any32 *)&s->cookie)[0];
		w++;
	}
	if (s->flags & L2X_PW_SUBLAYER)
		w[0] = sublayer;
}

/* Without cookie and the like, what is looked at beyond the header is the frame's (pw_out_judge). */
static __always_inline int pw_headers(struct xdp_md *ctx, const struct pw_tx *s,
				      const struct pw_notes *out, const struct l2x_nexthop *nh,
				      __u32 sublayer, __u64 sum, __u16 id)
{
	bool v6 = out->ip == IP6_LEN;
	__u32 len = out->l2tp + out->len;
	any32 *ip = frame_at(ctx, out->link, IP4_LEN), *l2tp;

	if (v6) {
		ip = frame_at(ctx, out->link, IP6_LEN);
		if (!ip)
			return -1;
		pw_write_ip6(ip, s, len);
	} else {
		if (!ip)
			return -1;
		pw_write_ip4(ip, s, len, id);
	}
	l2tp = frame_at(ctx, out->link + out->ip, PW_LOOKED_AT);
	if (!l2tp)
		return -1;
	pw_write_l2tp(l2tp, s, len, sublayer, sum);
	return link_write(ctx, nh, bpf_htons(v6 ? ETH_P_IPV6 : ETH_P_IP));
}

/* Room first: what fails there leaves the frame as it was. */
static __always_inline int pw_out_write(struct xdp_md *ctx, const struct pw_tx *s,
					struct l2x_traffic *t, const struct pw_notes *out,
					const struct l2x_nexthop *nh)
{
	__u32 head = out->link + out->ip + out->l2tp, sublayer = 0;
	__u32 shift = head + (__u32)out->swap.more;
	__u64 sum = 0;

	if (bpf_xdp_adjust_head(ctx, -(int)shift))
		return L2X_V_NO_HEADROOM;
	if (out->swap.any && pw_tags_write(ctx, shift, head))
		return L2X_V_ERROR;
	if (out->mss_mtu)
		pw_clamp(ctx, head, head + out->len, out->mss_mtu);
	if (s->flags & L2X_PW_SEQ)
		sublayer = bpf_htonl(SUBLAYER_S |
				     ((__u32)__sync_fetch_and_add(&t->tx_ns, 1) & SUBLAYER_SEQ));
	if (pw_sums(s)) {
		sum = pw_sum(ctx, head, out->len);
		if (sum == CSUM_FAIL)
			return L2X_V_ERROR;
	}
	if (pw_headers(ctx, s, out, nh, sublayer, sum, (__u16)bpf_get_prandom_u32()))
		return L2X_V_ERROR;
	return L2X_V_PW_ENCAP;
}

/* ---- the door ----------------------------------------------------------------------------------------- */

static __always_inline int pw_door(struct xdp_md *ctx, struct frame *f, struct l2x_pw *w,
				   __u32 index, int v)
{
	struct l2x_pw_ticket *ticket;

	/* its own share first: one that floods must not eat everybody's */
	if (!cfg.pw_door || !police_take(&w->punt, cfg.pw_rate, 0, 1))
		return L2X_V_SLOW_POLICED;
	if (cfg.punt_total && !police_total(POLICE_PUNT, cfg.punt_total))
		return L2X_V_SLOW_POLICED;
	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(*ticket)))
		return L2X_V_ERROR;
	ticket = frame_at(ctx, 0, sizeof(*ticket));
	if (!ticket)
		return L2X_V_ERROR;
	__builtin_memset(ticket, 0, sizeof(*ticket));
	ticket->mark = L2X_TICKET_MARK;
	ticket->verdict = (__u8)v;
	ticket->index = index;
	f->lower = cfg.pw_door;
	return L2X_V_PW_SLOW;
}

/* A frame of the circuit of this pseudowire. A function of its own: the verifier walks it once. */
__noinline int pw_down(struct xdp_md *ctx, struct frame *f, __u32 index)
{
	struct pw_notes *out = pw_notes_new();
	struct l2x_nexthop *nh = 0;
	struct l2x_traffic *t;
	struct l2x_pw *w;
	int v;

	if (!f || !out)
		return L2X_V_ERROR;
	w = pw_at(index);
	t = bpf_map_lookup_elem(&pw_traffic, &index);
	if (!w || !t)
		return L2X_V_NO_CIRCUIT;
	v = pw_read_tx(w, &out->tx);
	if (v == GO_ON) {
		frame_forget();
		v = pw_out_judge(ctx, w, index, &out->tx, out, &nh);
		if (generation_changed(&w->tx_gen, out->tx.gen))
			v = L2X_V_CHANGING;
	}
	if (v == GO_ON && nh)
		v = pw_out_write(ctx, &out->tx, t, out, nh);
	if (verdict_is_slow(v))
		v = pw_door(ctx, f, w, index, v);
	else if (v == L2X_V_PW_ENCAP)
		f->lower = nh ? nh->lower : 0;
	if (v == L2X_V_PW_ENCAP) {
		__sync_fetch_and_add(&t->tx_packets, 1);
		__sync_fetch_and_add(&t->tx_bytes, out->len);
	} else if (verdict_is_drop(v)) {
		__sync_fetch_and_add(&t->tx_drops, 1);
	}
	return v;
}

#endif
