/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Internet checksums. All sums are of 16-bit words as they lie in memory, so that what
 * bpf_csum_diff, the daemon's pseudo_sum and packets hold can be added without swapping.
 */
#ifndef L2X_BPF_CSUM_H
#define L2X_BPF_CSUM_H

#include "bpf/frame.h"

#define CSUM_MAX 1600u /* octets that one sum covers: a program limit */
#define CSUM_FAIL 0xffffffffu
#define CSUM_NONE (~0ull)

/*
 * Of a sum below CSUM_SUM_MAX, its 16-bit ones' complement sum: 0 of 0 alone, else 1 to 0xffff.
 * The factor is (2^64 - 1) / 0xffff. With sum = q * 0xffff + r the product is, modulo 2^64, r in
 * each of its four 16-bit digits, less q, which is too small to reach the highest one; and where
 * r is 0 but q is not, that digit becomes 0xffff.
 */
#define CSUM_SUM_MAX (1ull << 48)
static __always_inline __u16 csum_fold(__u64 sum)
{
	return (__u16)((sum * 0x0001000100010001ull) >> 48);
}

/* A checksum as the last two octets of a 32-bit word of a packet. */
static __always_inline __be32 csum_low16(__u16 check)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return (__u32)check << 16;
#else
	return check;
#endif
}

/* RFC 1624: a word of what `check` covers changes. */
static __always_inline __u16 csum_replace(__u16 check, __u16 from, __u16 to)
{
	__u32 sum = (__u16)~check + (__u16)~from + to;

	return (__u16)~csum_fold(sum);
}

/* Of an IPv4 header without options: has it not been damaged? */
static __always_inline bool csum_ipv4_good(const void *ip)
{
	const any32 *w = ip;

	return csum_fold((__u64)w[0] + w[1] + w[2] + w[3] + w[4]) == 0xffff;
}

static __always_inline __u64 csum_words(const void *p, int n)
{
	const any32 *w = p;
	__u64 sum = 0;
	int i;

#pragma unroll
	for (i = 0; i < n; i++)
		sum += w[i];
	return sum;
}

/* The block of `size` octets that the binary digit `size` of len stands for. Its place
 * is computed, not accumulated, so that the verifier need not walk every combination. */
#define CSUM_BLOCK(size)                                                                           \
	if (len & (size)) {                                                                        \
		p = frame_at(ctx, at + (len & ~(2 * (size)-1)), (size));                           \
		if (!p)                                                                            \
			return CSUM_FAIL;                                                          \
		sum = (__u32)bpf_csum_diff(0, 0, (void *)p, (size), sum);                          \
	}

/* Folded sum of len octets at `at`, or CSUM_FAIL: not there, or more than CSUM_MAX. */
__noinline __u32 csum_octets(struct xdp_md *ctx, __u32 at, __u32 len)
{
	__u32 sum = 0, i;
	__u8 *p;

	if (at > 255 || len > CSUM_MAX)
		return CSUM_FAIL;
	for (i = 0; i < CSUM_MAX / 512; i++) {
		if (len < (i + 1) * 512)
			break;
		p = frame_at(ctx, at + i * 512, 512);
		if (!p)
			return CSUM_FAIL;
		sum = (__u32)bpf_csum_diff(0, 0, (void *)p, 512, sum);
	}
	CSUM_BLOCK(256)
	CSUM_BLOCK(128)
	CSUM_BLOCK(64)
	CSUM_BLOCK(32)
	CSUM_BLOCK(16)
	CSUM_BLOCK(8)
	CSUM_BLOCK(4)
	if (len & 3) {
		union {
			__u8 b[4];
			__u32 w;
		} tail = { .w = 0 };

		for (i = 0; i < 3; i++) {
			if (i >= (len & 3))
				break;
			p = frame_at(ctx, at + (len & ~3u) + i, 1);
			if (!p)
				return CSUM_FAIL;
			tail.b[i] = *p;
		}
		return csum_fold((__u64)sum + tail.w);
	}
	return csum_fold(sum);
}
#undef CSUM_BLOCK

/* Adds source and destination of the IP header at `l3`. Not 0: they are not there. */
static __always_inline int csum_addresses(struct xdp_md *ctx, __u32 l3, bool v6, __u64 *sum)
{
	const void *at = v6 ? frame_at(ctx, l3 + 8, 32) : frame_at(ctx, l3 + 12, 8);

	if (!at)
		return -1;
	*sum += v6 ? csum_words(at, 8) : csum_words(at, 2);
	return 0;
}

/* Is the outer UDP checksum right? DP-CK-2. GO_ON, or the verdict. */
static __always_inline int csum_verify_outer(struct xdp_md *ctx, const struct frame *f)
{
	const struct udphdr *udp = frame_at(ctx, f->udp, sizeof(*udp));
	__u64 sum;
	__u32 payload;

	if (!udp)
		return L2X_V_BAD_OUTER;
	if (!udp->check)
		return GO_ON; /* over IPv4: none was sent; over IPv6 refused before */
	sum = bpf_htons(IPPROTO_UDP) + udp->len;
	if (csum_addresses(ctx, f->l3, f->v6, &sum))
		return L2X_V_BAD_OUTER;
	payload = csum_octets(ctx, f->udp, f->udp_len);
	if (payload == CSUM_FAIL)
		return L2X_V_NOT_LINEAR;
	return csum_fold(sum + payload) == 0xffff ? GO_ON : L2X_V_BAD_CHECKSUM;
}

/*
 * May DP-CK-8 stand in for reading the payload? A transport checksum that covers the
 * whole rest of the packet must be there: unfragmented, and for UDP of that length and
 * not 0. `udp` is what follows the IP header, UDP_LEN octets of it.
 */
static __always_inline bool csum_is_local(const struct udphdr *udp, const struct inner *in)
{
	__u32 len = in->len - inner_header_len(in);

	if (in->fragment)
		return false;
	switch (in->proto) {
	case IPPROTO_TCP:
		return len >= TCP_LEN;
	case IPPROTO_ICMP:
		return len >= 8 && !in->v6;
	case IPPROTO_ICMPV6:
		return len >= 8 && in->v6;
	case IPPROTO_UDP:
		return len >= UDP_LEN && udp->check && bpf_ntohs(udp->len) == len;
	}
	return false;
}

/*
 * Sums of the inner packet as it will be sent, its TTL or hop limit lower by one.
 *
 * DP-CK-8: a segment with its checksum and its pseudo header sums to 0xffff, so
 * it alone sums to the complement of the pseudo header; an ICMPv4 message and an IPv4
 * header sum to 0xffff each, that is to nothing. In IPv6 the addresses of the header and
 * of the pseudo header cancel out. A clamped MSS is made good in the TCP checksum and
 * changes no sum.
 */
/* Header `ip` of what csum_is_local says yes to. Not folded, and below CSUM_SUM_MAX / 2. */
static __always_inline __u64 csum_local(const void *ip, const struct inner *in)
{
	const struct iphdr *ip4 = ip;

	/* version to flow label, next header and hop limit; the length of header and pseudo
	 * header cancel out too */
	if (in->v6)
		return (__u64) * (const any32 *)ip +
		       bpf_htons((__u16)(in->proto << 8 | (__u8)(in->ttl - 1))) +
		       (__u16)~bpf_htons(in->proto);
	if (in->proto == IPPROTO_ICMP)
		return 0;
	/* the complement is what lacks to a multiple of 0xffff, here one beyond any such sum */
	return (0xffffull << 19) - ip4->saddr - ip4->daddr - bpf_htons(in->proto) -
	       bpf_htons((__u16)(in->len - IP4_LEN));
}

static __always_inline bool csum_try(struct xdp_md *ctx, const struct inner *in, __u32 header,
				     __u64 *ret)
{
	const void *ip = frame_at(ctx, in->at, header + UDP_LEN);

	if (!ip || !csum_is_local(ip + header, in))
		return false;
	*ret = csum_local(ip, in);
	return true;
}

/* By reading all of it. CSUM_NONE: cannot be done here. */
static __always_inline __u64 csum_whole(struct xdp_md *ctx, const struct inner *in)
{
	__u64 sum = csum_octets(ctx, in->at, in->len);

	if (sum == CSUM_FAIL)
		return CSUM_NONE;
	return in->v6 ? sum + (__u16)~bpf_htons(1) : sum;
}

/* Of any packet, or CSUM_NONE. */
static __always_inline __u64 csum_inner(struct xdp_md *ctx, const struct inner *in)
{
	__u64 sum;

	if (in->v6 ? csum_try(ctx, in, IP6_LEN, &sum) : csum_try(ctx, in, IP4_LEN, &sum))
		return sum;
	return csum_whole(ctx, in);
}

#endif
