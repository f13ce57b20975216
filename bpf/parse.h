/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ethernet, tags, and the outer IP and UDP headers. What is not ours is passed before
 * anything of it is judged: a router's other traffic is none of our business.
 */
#ifndef L2X_BPF_PARSE_H
#define L2X_BPF_PARSE_H

#include "bpf/csum.h"
#include "bpf/frame.h"
#include "bpf/port.h"

#define NOT_IN_POOL 0xffffffffu

static __always_inline bool is_vlan(__be16 proto)
{
	return proto == bpf_htons(ETH_P_8021Q) || proto == bpf_htons(ETH_P_8021AD);
}

static __always_inline bool is_ip(__be16 proto)
{
	return proto == bpf_htons(ETH_P_IP) || proto == bpf_htons(ETH_P_IPV6);
}

/* Behind the Ethernet header: one tag or two, and the VLAN device that they mean. */
static __always_inline int parse_tags(struct xdp_md *ctx, struct frame *f, __be16 *proto)
{
	struct vlan_hdr *vlan = frame_at(ctx, ETH_LEN, sizeof(*vlan));
	struct l2x_vlan_key key = { .ifindex = f->ifindex };
	__u32 *above;

	if (!is_vlan(*proto) || !vlan)
		return L2X_V_NOT_OURS;
	key.tag[0] = vlan->h_vlan_TCI & bpf_htons(VLAN_VID_MASK);
	*proto = vlan->h_vlan_encapsulated_proto;
	f->l3 += sizeof(*vlan);
	if (is_vlan(*proto)) {
		vlan = frame_at(ctx, ETH_LEN + sizeof(*vlan), sizeof(*vlan));
		if (!vlan)
			return L2X_V_NOT_OURS;
		key.tag[1] = vlan->h_vlan_TCI & bpf_htons(VLAN_VID_MASK);
		*proto = vlan->h_vlan_encapsulated_proto;
		f->l3 += sizeof(*vlan);
	}
	if (!is_ip(*proto))
		return L2X_V_NOT_OURS;
	if (!key.tag[0] && !key.tag[1])
		return GO_ON; /* VLAN 0 is but a priority */
	above = bpf_map_lookup_elem(&vlans, &key);
	if (!above)
		return L2X_V_NOT_OURS;
	f->ifindex = *above;
	return GO_ON;
}

/* Link layer: fills f->ifindex, f->l3, f->group and *ret_proto (DP-L2-1). */
static __always_inline int parse_link(struct xdp_md *ctx, struct frame *f, __be16 *ret_proto)
{
	struct ethhdr *eth = frame_at(ctx, 0, sizeof(*eth));
	struct l2x_port *port;
	__be16 proto;
	int v;

	if (!eth)
		return L2X_V_NOT_OURS;
	proto = eth->h_proto;
	f->l3 = ETH_LEN;
	f->ifindex = ctx->ingress_ifindex;
	if (!is_ip(proto)) {
		v = parse_tags(ctx, f, &proto);
		if (v != GO_ON)
			return v;
	}
	port = port_find(f->ifindex);
	if (!port)
		return L2X_V_NOT_OURS;
	f->group = eth->h_dest[0] & 1;
	if (!f->group && !port_mac_is(port, eth))
		return host_mac_is(eth) ? L2X_V_SPOOFED : L2X_V_OTHER_HOST;
	*ret_proto = proto;
	return GO_ON;
}

/* Is it the usual frame, without tags, to this host? *ret_proto: IPv4 or IPv6. */
static __always_inline bool parse_plain_link(struct xdp_md *ctx, __be16 *ret_proto)
{
	const struct ethhdr *eth = (void *)(long)ctx->data;
	const struct l2x_port *port;

	if (!frame_has(ctx, eth, sizeof(*eth)) || !is_ip(eth->h_proto))
		return false;
	port = port_find(ctx->ingress_ifindex);
	if (!port || !port_mac_is(port, eth))
		return false;
	*ret_proto = eth->h_proto;
	return true;
}

static __always_inline bool listen_has4(__be32 addr)
{
	__u32 i;

	for (i = 0; i < L2X_MAX_LISTEN; i++) {
		if (i >= cfg.n_listen)
			break;
		if (!cfg.listen[i].d[0] && cfg.listen[i].w[2] == bpf_htonl(0xffff) &&
		    cfg.listen[i].w[3] == addr)
			return true;
	}
	return false;
}

static __always_inline bool listen_has6(const struct in6_addr *addr)
{
	const any64 *a = (const any64 *)addr;
	__u32 i;

	for (i = 0; i < L2X_MAX_LISTEN; i++) {
		if (i >= cfg.n_listen)
			break;
		if (cfg.listen[i].d[0] == a[0] && cfg.listen[i].d[1] == a[1])
			return true;
	}
	return false;
}

static __always_inline __u32 pool_index(void *pool, __u32 slot)
{
	__u32 line = slot / L2X_SLOTS;
	const struct l2x_slots *s = bpf_map_lookup_elem(pool, &line);

	return s ? s->index[slot % L2X_SLOTS] : 0;
}

/* Index of the session that holds this address; 0: it is a pool's, but nobody holds it;
 * or NOT_IN_POOL. */
static __always_inline __u32 pool_find4(__be32 addr)
{
	__u32 host = bpf_ntohl(addr), i, off, *index;

	for (i = 0; i < L2X_MAX_WINDOWS; i++) {
		if (i >= cfg.n_windows4)
			break;
		off = host - cfg.window4[i].first;
		if (off < cfg.window4[i].count)
			return pool_index(&pool4, cfg.window4[i].slot + off);
	}
	if (!live.hosts4)
		return NOT_IN_POOL;
	index = bpf_map_lookup_elem(&hosts4, &addr);
	return index ? *index : NOT_IN_POOL;
}

static __always_inline __u32 pool_find6(__be64 prefix)
{
	__u64 host = bpf_be64_to_cpu(prefix), off;
	__u32 i, *index;

	for (i = 0; i < L2X_MAX_WINDOWS; i++) {
		if (i >= cfg.n_windows6)
			break;
		off = host - cfg.window6[i].first;
		if (off < cfg.window6[i].count)
			return pool_index(&pool6, cfg.window6[i].slot + (__u32)off);
	}
	if (!live.hosts6)
		return NOT_IN_POOL;
	index = bpf_map_lookup_elem(&hosts6, &prefix);
	return index ? *index : NOT_IN_POOL;
}

/* The UDP header at f->udp; `room`: octets that the IP header leaves it (DP-LEN-1). */
static __always_inline int parse_udp(struct xdp_md *ctx, struct frame *f, __u32 room)
{
	struct udphdr *udp = frame_at(ctx, f->udp, sizeof(*udp));
	__u32 len;

	if (!udp)
		return L2X_V_BAD_OUTER;
	len = bpf_ntohs(udp->len);
	if (len < UDP_LEN || len > room || f->udp + room > frame_len(ctx))
		return L2X_V_BAD_OUTER;
	f->udp_len = (__u16)len;
	if (f->v6 && !udp->check)
		return L2X_V_BAD_CHECKSUM; /* DP-CK-4 */
	return GO_ON;
}

#ifdef L2X_SKB
/* The kernel has it, or the daemon's socket. */
static __always_inline int parse_raw(struct xdp_md *ctx, struct frame *f, __u32 at, __u32 len)
{
	return L2X_V_NOT_OURS;
}
#else
/* L2TPv3 directly over IP: `len` octets at `at`. Without pseudowires it is not ours. */
static __always_inline int parse_raw(struct xdp_md *ctx, struct frame *f, __u32 at, __u32 len)
{
	if (!cfg.pw_mask)
		return L2X_V_NOT_OURS;
	if (at + len > frame_len(ctx))
		return L2X_V_BAD_OUTER;
	f->raw = 1;
	f->in.at = (__u16)at;
	f->in.len = (__u16)len;
	return GO_ON;
}
#endif

static __always_inline int parse_raw4(struct xdp_md *ctx, struct frame *f, const struct iphdr *ip)
{
	__u32 header = (*(const __u8 *)ip & 0x0f) * 4, len = bpf_ntohs(ip->tot_len);

	if (!cfg.pw_mask)
		return L2X_V_NOT_OURS;
	if (ip->frag_off & bpf_htons(IP_OFFSET | IP_MF))
		return L2X_V_FRAGMENT;
	if (header > IP4_LEN)
		return L2X_V_OUTER_OPTIONS;
	if (header < IP4_LEN || len < IP4_LEN || !csum_ipv4_good(ip))
		return L2X_V_BAD_OUTER;
	return parse_raw(ctx, f, f->l3 + IP4_LEN, len - IP4_LEN);
}

/* An IPv4 packet for a listen address: fills udp, udp_len, ecn. GO_ON: a datagram to our
 * port, whole and without options (DP-DEMUX-1, DP-DEMUX-2). */
static __always_inline int parse_outer4(struct xdp_md *ctx, struct frame *f)
{
	struct iphdr *ip = frame_at(ctx, f->l3, sizeof(*ip));
	struct udphdr *udp;
	__u32 header, len;

	if (!ip)
		return L2X_V_NOT_OURS;
	if (ip->protocol == IPPROTO_L2TP)
		return parse_raw4(ctx, f, ip);
	if (ip->protocol != IPPROTO_UDP)
		return L2X_V_NOT_OURS;
	if (ip->frag_off & bpf_htons(IP_OFFSET))
		return L2X_V_FRAGMENT; /* its ports are in the first one */
	header = (*(__u8 *)ip & 0x0f) * 4;
	if (header < IP4_LEN)
		return L2X_V_BAD_OUTER;
	udp = frame_at(ctx, f->l3 + header, sizeof(*udp));
	if (!udp)
		return L2X_V_BAD_OUTER;
	if (udp->dest != cfg.port)
		return L2X_V_NOT_OURS;
	f->udp = f->l3 + (__u16)header;
	if (ip->frag_off & bpf_htons(IP_MF))
		return L2X_V_FRAGMENT;
	if (header != IP4_LEN)
		return L2X_V_OUTER_OPTIONS;
	len = bpf_ntohs(ip->tot_len);
	if (len < IP4_LEN || !csum_ipv4_good(ip))
		return L2X_V_BAD_OUTER;
	f->udp = f->l3 + IP4_LEN;
	f->ecn = ip->tos & 3;
	return parse_udp(ctx, f, len - IP4_LEN);
}

/* Behind one extension header, in a first fragment: the UDP header, if the datagram is for
 * our port. More of them only an attacker sends. */
static __always_inline void find_udp6(struct xdp_md *ctx, struct frame *f, __u8 kind)
{
	const __u8 *ext = frame_at(ctx, f->l3 + IP6_LEN, 8);
	const struct udphdr *udp;
	__u16 off;

	if (!ext || ext[0] != IPPROTO_UDP)
		return;
	off = 8;
	if (kind == IPPROTO_FRAGMENT) {
		if (ext[2] || ext[3] & 0xf8)
			return;
	} else {
		off = (ext[1] & 0x1f) * 8 + 8;
	}
	off += f->l3 + IP6_LEN;
	udp = frame_at(ctx, off, sizeof(*udp));
	if (udp && udp->dest == cfg.port)
		f->udp = off;
}

static __always_inline int parse_outer6(struct xdp_md *ctx, struct frame *f)
{
	struct ipv6hdr *ip6 = frame_at(ctx, f->l3, sizeof(*ip6));
	struct udphdr *udp;

	if (!ip6)
		return L2X_V_NOT_OURS;
	switch (ip6->nexthdr) {
	case IPPROTO_UDP:
		break;
	case IPPROTO_L2TP:
		return parse_raw(ctx, f, f->l3 + IP6_LEN, bpf_ntohs(ip6->payload_len));
	case IPPROTO_FRAGMENT:
		find_udp6(ctx, f, IPPROTO_FRAGMENT);
		return L2X_V_FRAGMENT;
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		find_udp6(ctx, f, IPPROTO_DSTOPTS);
		return L2X_V_OUTER_OPTIONS;
	default:
		return L2X_V_NOT_OURS;
	}
	udp = frame_at(ctx, f->l3 + IP6_LEN, sizeof(*udp));
	if (!udp)
		return L2X_V_BAD_OUTER;
	if (udp->dest != cfg.port)
		return L2X_V_NOT_OURS;
	f->udp = f->l3 + IP6_LEN;
	f->ecn = ip6_class(ip6) & 3;
	return parse_udp(ctx, f, bpf_ntohs(ip6->payload_len));
}

/* A datagram for us in a broadcast or multicast frame would pass by all the policing, and
 * no host needs to take it (RFC 1122 section 3.3.6). */
static __always_inline int not_to_group(const struct frame *f, int v)
{
	return f->group && v != L2X_V_NOT_OURS ? L2X_V_BAD_OUTER : v;
}

/* Which way does it go? GO_ON: f->uplink, or to the session *ret_index, which is 0 where
 * nobody holds the address. */
static __always_inline int parse_ip4(struct xdp_md *ctx, struct frame *f, __u32 *ret_index)
{
	struct iphdr *ip = frame_at(ctx, f->l3, sizeof(*ip));

	if (!ip || ip_version(ip) != 4)
		return L2X_V_NOT_OURS;
	f->uplink = listen_has4(ip->daddr);
	if (f->uplink)
		return not_to_group(f, parse_outer4(ctx, f));
	if (f->group)
		return L2X_V_NOT_OURS;
	*ret_index = pool_find4(ip->daddr);
	return *ret_index == NOT_IN_POOL ? L2X_V_NOT_OURS : GO_ON;
}

static __always_inline int parse_ip6(struct xdp_md *ctx, struct frame *f, __u32 *ret_index)
{
	struct ipv6hdr *ip6 = frame_at(ctx, f->l3, sizeof(*ip6));

	if (!ip6 || ip_version(ip6) != 6)
		return L2X_V_NOT_OURS;
	f->v6 = 1;
	f->uplink = listen_has6(&ip6->daddr);
	if (f->uplink)
		return not_to_group(f, parse_outer6(ctx, f));
	if (f->group)
		return L2X_V_NOT_OURS;
	*ret_index = pool_find6(*(const any64 *)&ip6->daddr);
	return *ret_index == NOT_IN_POOL ? L2X_V_NOT_OURS : GO_ON;
}

/* Which way does it go? */
static __always_inline int classify(struct xdp_md *ctx, struct frame *f, __be16 proto,
				    __u32 *ret_index)
{
	return proto == bpf_htons(ETH_P_IP) ? parse_ip4(ctx, f, ret_index)
					    : parse_ip6(ctx, f, ret_index);
}

#endif
