/* SPDX-License-Identifier: GPL-2.0-only */
/* Lowers the MSS that TCP announces in a SYN, so that its segments fit (DP-MSS-1, DP-MSS-2). */
#ifndef L2X_BPF_MSS_H
#define L2X_BPF_MSS_H

#include "bpf/csum.h"
#include "bpf/frame.h"

#define TCP_SYN 0x02
#define TCPOPT_END 0
#define TCPOPT_NOP 1
#define TCPOPT_MSS 2
#define TCPOLEN_MSS 4
#define MSS_MAX_OPTIONS 20
#define MSS_MAX_PLACE 255 /* highest offset of a TCP header that is looked at */

static __always_inline bool mss_is_syn(struct xdp_md *ctx, const struct inner *in)
{
	const __u8 *tcp;

	if (in->proto != IPPROTO_TCP || in->fragment == 2 ||
	    in->len < inner_header_len(in) + TCP_LEN)
		return false;
	tcp = frame_at(ctx, in->at + inner_header_len(in), TCP_LEN);
	return tcp && (tcp[13] & TCP_SYN);
}

/* `pos` loses what the verifier knew of it but its range, so that the ways through the
 * options meet again at each step. It is below 64 before, too. */
static __always_inline __u32 mss_step(__u32 pos)
{
	asm volatile("%0 &= 63" : "+r"(pos));
	return pos;
}

/* Offset of the MSS option's value from the TCP header at `at`, or 0: none, or what
 * stands before it is malformed. `pos`: of the first option. */
static __always_inline __u32 mss_find(struct xdp_md *ctx, __u32 at, __u32 pos, __u32 end)
{
	const __u8 *p;
	int i;

	for (i = 0; i < MSS_MAX_OPTIONS; i++) {
		pos = mss_step(pos);
		if (pos + TCPOLEN_MSS > end)
			return 0;
		p = frame_at(ctx, at + pos, TCPOLEN_MSS);
		if (!p || p[0] == TCPOPT_END)
			return 0;
		if (p[0] == TCPOPT_NOP) {
			pos++;
			continue;
		}
		if (p[0] == TCPOPT_MSS)
			return p[1] == TCPOLEN_MSS ? pos + 2 : 0;
		if (p[1] < 2 || pos + p[1] > end)
			return 0;
		pos += p[1];
	}
	return 0;
}

/* Clamps the SYN whose TCP header is at `at`, `room` octets before the packet's end, to
 * `mss`. Whatever is odd about it is left alone. Never raises, never inserts. */
__noinline int mss_clamp(struct xdp_md *ctx, __u32 at, __u32 room, __u32 mss)
{
	struct tcphdr *tcp;
	__u32 end, pos;
	__u16 was, now;
	any16 *value;

	if (at > MSS_MAX_PLACE)
		return 0;
	tcp = frame_at(ctx, at, sizeof(*tcp));
	if (!tcp)
		return 0;
	end = (((const __u8 *)tcp)[12] >> 4) * 4;
	if (end > room)
		return 0;
	/* mss is of 16 bits: this adds nothing, but makes the place unknown (mss_step) */
	pos = mss_find(ctx, at, TCP_LEN + (mss >> 16), end);
	if (!pos)
		return 0;
	value = frame_at(ctx, at + pos, 2);
	tcp = frame_at(ctx, at, sizeof(*tcp));
	if (!value || !tcp || bpf_ntohs(*value) <= mss)
		return 0;
	was = *value;
	now = bpf_htons((__u16)mss);
	*value = now;
	if (pos & 1) { /* the value lies across two words of the sum */
		was = __builtin_bswap16(was);
		now = __builtin_bswap16(now);
	}
#ifdef L2X_SKB /* where the sum is still to be made there is nothing to be made good */
	bpf_l4_csum_replace(ctx, at + 16, was, now, sizeof(now));
#else
	tcp->check = csum_replace(tcp->check, was, now);
#endif
	return 1;
}

/* `mtu` of inner packets; too small a one to make sense clamps nothing. */
static __always_inline void mss_clamp_inner(struct xdp_md *ctx, const struct inner *in, __u32 mtu)
{
	__u32 header = inner_header_len(in);

	if (mtu > header + TCP_LEN)
		mss_clamp(ctx, in->at + header, in->len - header, mtu - header - TCP_LEN);
}

#endif
