/* SPDX-License-Identifier: GPL-2.0-only */
/* The packet of the subscriber: is it sound, is it his, what becomes of it on the way. */
#ifndef L2X_BPF_INNER_H
#define L2X_BPF_INNER_H

#include "bpf/csum.h"
#include "bpf/frame.h"

#define ECN_NONE 0
#define ECN_ECT1 1
#define ECN_ECT0 2
#define ECN_CE 3

/* The header at `ip`, whole; in->len is what there is. */
static __always_inline int inner_look4(const struct iphdr *ip, struct inner *in)
{
	__u32 first = *(const __u8 *)ip, header = IP4_LEN, len = bpf_ntohs(ip->tot_len);

	if (first != 0x45) {
		header = (first & 0x0f) * 4;
		if (first >> 4 != 4 || header < IP4_LEN)
			return L2X_V_BAD_INNER;
	}
	if (in->len < IP4_LEN || len < header || len > in->len)
		return L2X_V_BAD_INNER;
	in->len = (__u16)len;
	in->tos = ip->tos;
	in->ttl = ip->ttl;
	in->proto = ip->protocol;
	if (ip->frag_off & bpf_htons(IP_OFFSET))
		in->fragment = 2;
	else if (ip->frag_off & bpf_htons(IP_MF))
		in->fragment = 1;
	if (header != IP4_LEN)
		return L2X_V_INNER_OPTIONS; /* DP-SLOW-7 */
	return csum_ipv4_good(ip) ? GO_ON : L2X_V_BAD_INNER;
}

static __always_inline int inner_look6(const struct ipv6hdr *ip6, struct inner *in)
{
	__u32 len;

	if (in->len < IP6_LEN || ip_version(ip6) != 6)
		return L2X_V_BAD_INNER;
	len = IP6_LEN + bpf_ntohs(ip6->payload_len);
	if (len > in->len)
		return L2X_V_BAD_INNER;
	in->len = (__u16)len;
	in->tos = ip6_class(ip6);
	in->ttl = ip6->hop_limit;
	in->proto = ip6->nexthdr;
	return in->proto == IPPROTO_HOPOPTS ? L2X_V_INNER_OPTIONS : GO_ON;
}

/* Version, lengths, header checksum (DP-IN-1). in->len is what there is, and becomes what
 * the header says: the rest is padding (DP-IN-2). */
static __always_inline int inner_parse(struct xdp_md *ctx, struct inner *in)
{
	const struct ipv6hdr *ip6;
	const struct iphdr *ip;

	if (in->v6) {
		ip6 = frame_at(ctx, in->at, sizeof(*ip6));
		return ip6 ? inner_look6(ip6, in) : L2X_V_BAD_INNER;
	}
	ip = frame_at(ctx, in->at, sizeof(*ip));
	return ip ? inner_look4(ip, in) : L2X_V_BAD_INNER;
}

static __always_inline bool ip6_is_link_local(const struct in6_addr *addr)
{
	return (*(const any16 *)addr & bpf_htons(0xffc0)) == bpf_htons(0xfe80);
}

static __always_inline bool ip6_is_unspecified(const struct in6_addr *addr)
{
	const any64 *a = (const any64 *)addr;

	return !a[0] && !a[1];
}

/* Is the source this session's own? DP-SPOOF-1. What IPv6 says on the link itself, from
 * fe80::/10 or ::, is for the daemon (DP-SLOW-6). */
static __always_inline int inner_check_source(struct xdp_md *ctx, const struct inner *in,
					      const struct l2x_session *s)
{
	const struct ipv6hdr *ip6;
	const struct iphdr *ip;

	if (!in->v6) {
		ip = frame_at(ctx, in->at, sizeof(*ip));
		return ip && ip->saddr == s->ipv4 ? GO_ON : L2X_V_SPOOFED;
	}
	ip6 = frame_at(ctx, in->at, sizeof(*ip6));
	if (!ip6)
		return L2X_V_BAD_INNER;
	if (*(const any64 *)&ip6->saddr == s->ipv6 && s->ipv6)
		return GO_ON;
	if (ip6_is_link_local(&ip6->saddr) || ip6_is_unspecified(&ip6->saddr))
		return L2X_V_INNER_LOCAL;
	return L2X_V_SPOOFED;
}

/* A destination that no router forwards to: multicast, broadcast, loopback, link-local,
 * reserved (DP-SLOW-6). */
static __always_inline bool ip4_is_local(__be32 addr)
{
	__u32 host = bpf_ntohl(addr);
	__u32 net = host >> 24;

	return net >= 224 || net == 127 || net == 0 || host >> 16 == 0xa9fe;
}

static __always_inline bool ip6_is_local(const struct in6_addr *addr)
{
	const any64 *a = (const any64 *)addr;

	if (*(const __u8 *)addr == 0xff || ip6_is_link_local(addr))
		return true;
	return !a[0] && (a[1] == 0 || a[1] == bpf_cpu_to_be64(1));
}

/* RFC 6040 section 4.2, DP-ECN-2. The ECN field to go on with, or -1: drop. */
static __always_inline int ecn_decapsulate(__u8 outer, __u8 inner)
{
	if (outer == ECN_CE)
		return inner == ECN_NONE ? -1 : ECN_CE;
	if (outer == ECN_ECT1 && inner == ECN_ECT0)
		return ECN_ECT1;
	return inner;
}

/* TTL less one (DP-IN-3). The checksum goes up by what the word of TTL and protocol goes down
 * by (RFC 1624); nothing is read back that was just written in other pieces. */
static __always_inline void inner_age4(struct iphdr *ip)
{
	__u32 check = ip->check + (__u32)bpf_htons(0x0100);

	ip->ttl--;
	ip->check = (__u16)(check + (check >= 0xffff));
}

/* The ECN field. */
static __always_inline void inner_mark4(struct iphdr *ip, __u8 ecn)
{
	__u8 was = ip->tos, tos = (__u8)((was & ~3) | ecn);

	if (was != tos) {
		ip->tos = tos;
		ip->check = csum_replace(ip->check, bpf_htons(was), bpf_htons(tos));
	}
}

static __always_inline void inner_mark6(struct ipv6hdr *ip6, __u8 ecn)
{
	any16 *first = (any16 *)ip6; /* version, class, flow label's first bits */

	*first = (*first & ~bpf_htons(0x0030)) | bpf_htons((__u16)(ecn << 4));
}

/* Writes: TTL or hop limit less one, and the ECN field. */
static __always_inline void inner_forward4(struct iphdr *ip, __u8 ecn)
{
	inner_age4(ip);
	inner_mark4(ip, ecn);
}

static __always_inline void inner_forward6(struct ipv6hdr *ip6, __u8 ecn)
{
	ip6->hop_limit--;
	inner_mark6(ip6, ecn);
}

/* The frame of `in` ends where the packet ends. Not 0: it could not be cut, and is as it was. */
static __always_inline long inner_trim(struct xdp_md *ctx, __u32 end)
{
	__u32 len = frame_len(ctx);

	return len > end ? bpf_xdp_adjust_tail(ctx, (int)end - (int)len) : 0;
}

#endif
