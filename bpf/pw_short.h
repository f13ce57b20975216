/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The short way of pseudowires' messages: a plain outer header, a Session ID whose low bits are its
 * place. Who has come this far with a frame knows that it is to this host's own link-layer address,
 * without tags, and that the short way of sessions had no use for it.
 *
 * As there, what is no pseudowire's is left to the long way, which judges it from the start; and
 * whether we listen at the address need not be asked, for the pseudowire's local one is compared.
 */
#ifndef L2X_BPF_PW_SHORT_H
#define L2X_BPF_PW_SHORT_H

#include "bpf/csum.h"
#include "bpf/frame.h"
#include "bpf/pw_up.h"
#include "bpf/verdict.h"

/* Octets that are read at once, the outer IP header apart. */
#define PW_SHORT (UDP_LEN + PW_UDP_LEN + PW_ID_LEN)

/* Behind an outer header that leaves `room` octets: UDP and its Session ID. */
static __always_inline bool pw_short_udp(struct frame *f, const void *udp, __u32 room)
{
	const any16 *h = udp;
	__u32 len = bpf_ntohs(h[2]);

	if (cfg.verify_checksum || h[1] != cfg.port || len > room || len < PW_SHORT ||
	    (h[4] & bpf_htons(L2TP_VERSION | L2TP_T)) != bpf_htons(3))
		return false;
	f->in.at += UDP_LEN + PW_UDP_LEN;
	f->in.len = (__u16)(len - UDP_LEN - PW_UDP_LEN);
	return true;
}

/* The header of `size` octets at `ip` is sound, and `room` octets follow it. *ret_kind: the flags of a
 * pseudowire that such messages are for. */
static __always_inline bool pw_short_message(struct frame *f, const void *ip, __u32 size,
					     __u32 proto, __u32 room, __u16 *ret_kind)
{
	*ret_kind = size == IP6_LEN ? L2X_PW_OUTER6 : 0;
	f->in.at = (__u16)(ETH_LEN + size);
	f->in.len = (__u16)room;
	if (proto == IPPROTO_L2TP)
		return room >= PW_ID_LEN;
	*ret_kind |= L2X_PW_UDP;
	return proto == IPPROTO_UDP && pw_short_udp(f, ip + size, room);
}

/* The pseudowire of the message, if its path is the one at `ends`, ports at `udp`; NULL else. */
static __always_inline struct l2x_pw *pw_short_find(const any32 *id, __u16 kind, __u32 *ret_index,
						    __u32 *ret_gen)
{
	struct l2x_pw *w;

	*ret_index = bpf_ntohl(*id) & cfg.pw_mask;
	w = pw_at(*ret_index);
	if (!w)
		return 0;
	*ret_gen = generation(&w->gen);
	load_barrier();
	return *ret_gen && w->id == *id && (w->flags & (L2X_PW_UDP | L2X_PW_OUTER6)) == kind ? w
											     : 0;
}

static __always_inline bool pw_short_ports(const any32 *udp, __u16 kind, const struct l2x_pw *w)
{
	return !(kind & L2X_PW_UDP) || *udp == *(const any32 *)&w->peer_port; /* and local_port */
}

static __always_inline const any32 *pw_short_id(const void *l4, __u16 kind)
{
	return kind & L2X_PW_UDP ? l4 + UDP_LEN + PW_UDP_LEN : l4;
}

static __always_inline bool pw_short4(struct xdp_md *ctx, struct frame *f, __u32 *ret_index,
				      __u32 *ret_gen)
{
	const any32 *w = frame_at(ctx, ETH_LEN, IP4_LEN + PW_SHORT);
	const any16 *h = (const any16 *)w;
	const struct l2x_pw *pw;
	__u16 kind;
	__u32 len;

	if (!w)
		return false;
	len = bpf_ntohs(h[1]);
	if (len < IP4_LEN || len + ETH_LEN > frame_len(ctx) ||
	    !pw_short_message(f, w, IP4_LEN, ((const __u8 *)w)[9], len - IP4_LEN, &kind) ||
	    (w[0] & bpf_htonl(0xff000000)) != bpf_htonl(0x45000000) ||
	    (h[3] & bpf_htons(IP_MF | IP_OFFSET)) || !csum_ipv4_good(w))
		return false;
	pw = pw_short_find(pw_short_id(w + 5, kind), kind, ret_index, ret_gen);
	return pw && w[3] == pw->peer.w[3] && w[4] == pw->local.w[3] &&
	       pw_short_ports(w + 5, kind, pw);
}

static __always_inline bool pw_short6(struct xdp_md *ctx, struct frame *f, __u32 *ret_index,
				      __u32 *ret_gen)
{
	const any32 *w = frame_at(ctx, ETH_LEN, IP6_LEN + PW_SHORT);
	const any16 *h = (const any16 *)w;
	const struct l2x_pw *pw;
	__u16 kind;
	__u32 len;

	if (!w)
		return false;
	len = bpf_ntohs(h[2]);
	if (len + IP6_LEN + ETH_LEN > frame_len(ctx) ||
	    (w[0] & bpf_htonl(0xf0000000)) != bpf_htonl(0x60000000) ||
	    !pw_short_message(f, w, IP6_LEN, ((const __u8 *)w)[6], len, &kind) ||
	    ((kind & L2X_PW_UDP) && !h[IP6_LEN / 2 + 3])) /* DP-CK-4 */
		return false;
	pw = pw_short_find(pw_short_id(w + 10, kind), kind, ret_index, ret_gen);
	return pw && ip6_equal(w + 2, &pw->peer) && ip6_equal(w + 6, &pw->local) &&
	       pw_short_ports(w + 10, kind, pw);
}

/* An untagged frame to this host with IPv4 or IPv6 in it: what is done with it, or GO_ON. A function of
 * its own: sessions' frames need not make room for it. */
__noinline int pw_short(struct xdp_md *ctx)
{
	const struct ethhdr *eth = frame_at(ctx, 0, sizeof(*eth));
	struct frame f = { .l3 = ETH_LEN, .uplink = 1 };
	__u32 index, gen;
	int v;

	if (!eth || !(eth->h_proto == bpf_htons(ETH_P_IP) ? pw_short4(ctx, &f, &index, &gen)
							  : pw_short6(ctx, &f, &index, &gen)))
		return GO_ON;
	v = pw_receive(ctx, &f, index, gen);
	if (v == L2X_V_PW_DECAP)
		return verdict_forward(ctx, f.lower, v, false);
	return verdict_is_slow(v) ? GO_ON : verdict_leave(ctx, &f, v, false);
}

#endif
