/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is for this host itself (verdict to-host), at the hook of XDP: TCP loses its headers here, so
 * that the kernel joins what follows each other (GRO) before l2xdp_in gives it to l2tp0. All
 * else goes up as it came, and l2xdp_in takes the headers off.
 *
 * The packet goes up to an Ethernet address that is nobody's, live.host_mac, which only these two
 * programs know. To the IP stack it is another host's, so it is never taken for one that came in by
 * the NIC, whoever takes l2xdp_in away.
 *
 * A driver that has found the outer checksum right says so of the packet that we leave, and nobody
 * would look at the inner one again; so that is looked at here. A number is judged in the order of
 * arrival, which two doors would mix up: numbered packets take the other one.
 */
#ifndef L2X_BPF_HOST_H
#define L2X_BPF_HOST_H

#include "bpf/csum.h"
#include "bpf/frame.h"
#include "bpf/inner.h"
#include "bpf/mss.h"

static __always_inline void host_mac_write(struct ethhdr *eth, __be16 proto)
{
	*(any32 *)eth->h_dest = *(const volatile any32 *)live.host_mac;
	((any16 *)eth->h_dest)[2] = ((const volatile any16 *)live.host_mac)[2];
	__builtin_memset(eth->h_source, 0, sizeof(eth->h_source));
	eth->h_proto = proto;
}

/* Is the segment as it was sent? */
static __always_inline bool host_sum_is_good(struct xdp_md *ctx, const struct inner *in)
{
	__u32 header = inner_header_len(in), len = in->len - header, sum;
	__u64 pseudo = bpf_htons(IPPROTO_TCP) + bpf_htons((__u16)len);

	if (csum_addresses(ctx, in->at, in->v6, &pseudo))
		return false;
	sum = csum_octets(ctx, in->at + header, len);
	return sum != CSUM_FAIL && csum_fold(pseudo + sum) == 0xffff;
}

/* Congestion outside goes inside here as well (RFC 6040): by the other door such a segment would
 * overtake those before it that wait to be joined. Not 0: the frame is too short, which cannot be. */
static __always_inline int host_mark(struct xdp_md *ctx, const struct inner *in, __u8 ecn)
{
	void *ip;

	if (in->v6) {
		ip = frame_at(ctx, ETH_LEN, IP6_LEN);
		if (!ip)
			return -1;
		inner_mark6(ip, ecn);
		return 0;
	}
	ip = frame_at(ctx, ETH_LEN, IP4_LEN);
	if (!ip)
		return -1;
	inner_mark4(ip, ecn);
	return 0;
}

/* After the long way has said TO_HOST; a function of its own for the sake of the stack. HOST_IN:
 * *f has lost its headers. TO_HOST: it is as it was. */
__noinline int host_in(struct xdp_md *ctx, struct frame *f)
{
	struct l2x_traffic *t;
	struct ethhdr *eth;
	struct inner in;
	__u32 index;
	int ecn;

	if (!f)
		return L2X_V_ERROR;
	in = f->in;
	index = f->session;
	ecn = ecn_decapsulate(f->ecn, in.tos & 3);
	if (in.proto != IPPROTO_TCP || in.fragment || in.len < inner_header_len(&in) + TCP_LEN ||
	    f->sequenced || f->l3 != ETH_LEN || ecn < 0 || mss_is_syn(ctx, &in) ||
	    !host_sum_is_good(ctx, &in))
		return L2X_V_TO_HOST;
	t = bpf_map_lookup_elem(&traffic, &index);
	if (!t || inner_trim(ctx, in.at + in.len))
		return L2X_V_TO_HOST;
	if (bpf_xdp_adjust_head(ctx, (int)in.at - ETH_LEN))
		return L2X_V_ERROR;
	eth = frame_at(ctx, 0, sizeof(*eth));
	if (!eth)
		return L2X_V_ERROR;
	host_mac_write(eth, in.v6 ? bpf_htons(ETH_P_IPV6) : bpf_htons(ETH_P_IP));
	if (host_mark(ctx, &in, (__u8)ecn))
		return L2X_V_ERROR;
	__sync_fetch_and_add(&t->rx_packets, 1);
	__sync_fetch_and_add(&t->rx_bytes, in.len);
	return L2X_V_HOST_IN;
}

#endif
