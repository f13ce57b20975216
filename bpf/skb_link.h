/* SPDX-License-Identifier: GPL-2.0-only */
/* Link layer of a socket buffer: headers, tags, exits. */
#ifndef L2X_BPF_SKB_LINK_H
#define L2X_BPF_SKB_LINK_H

#include "bpf/skb.h"

#include "bpf/frame.h"
#include "bpf/parse.h"
#include "bpf/port.h"
#include "bpf/verdict.h"

/* Octets that are looked at, at the most: Ethernet and a tag, IPv6, an extension header, UDP,
 * L2TP with offset, PPP, IPv6, TCP with options. */
#define SKB_HEADERS 256u

/* Headers into the linear part, if they are not there. Where that fails, looks fail. */
static __always_inline void skb_linear(struct xdp_md *ctx)
{
	__u64 linear = FRAME_WORD(ctx, data_end) - FRAME_WORD(ctx, data);
	__u32 len = ctx->len < SKB_HEADERS ? ctx->len : SKB_HEADERS;

	asm volatile("" : "+r"(linear));
	if (linear < len)
		bpf_skb_pull_data(ctx, len);
}

/* A tag at `off`: its ID into *ret_tag, what follows it into *proto. */
static __always_inline bool skb_read_tag(struct xdp_md *ctx, struct frame *f, __be16 *ret_tag,
					 __be16 *proto)
{
	const struct vlan_hdr *vlan = frame_at(ctx, f->l3, sizeof(*vlan));

	if (!vlan)
		return false;
	*ret_tag = vlan->h_vlan_TCI & bpf_htons(VLAN_VID_MASK);
	*proto = vlan->h_vlan_encapsulated_proto;
	f->l3 += sizeof(*vlan);
	return true;
}

/* As parse_link; the outer tag may stand beside the frame. */
static __always_inline int skb_parse_link(struct xdp_md *ctx, struct frame *f, __be16 *ret_proto)
{
	struct ethhdr *eth = frame_at(ctx, 0, sizeof(*eth));
	struct l2x_vlan_key key = {};
	struct l2x_port *port;
	__u32 *above;
	__be16 proto;
	bool beside = ctx->vlan_present;

	if (!eth)
		return L2X_V_NOT_OURS;
	proto = eth->h_proto;
	f->l3 = sizeof(*eth);
	if (beside)
		key.tag[0] = bpf_htons(ctx->vlan_tci & VLAN_VID_MASK);
	else if (is_vlan(proto) && !skb_read_tag(ctx, f, &key.tag[0], &proto))
		return L2X_V_NOT_OURS;
	if ((beside || f->l3 > ETH_LEN) && is_vlan(proto) &&
	    !skb_read_tag(ctx, f, &key.tag[1], &proto))
		return L2X_V_NOT_OURS;
	if (proto != bpf_htons(ETH_P_IP) && proto != bpf_htons(ETH_P_IPV6))
		return L2X_V_NOT_OURS;

	f->ifindex = ctx->ifindex;
	if (key.tag[0] || key.tag[1]) {
		key.ifindex = f->ifindex;
		above = bpf_map_lookup_elem(&vlans, &key);
		if (!above)
			return L2X_V_NOT_OURS;
		f->ifindex = *above;
	}
	port = port_find(f->ifindex);
	eth = frame_at(ctx, 0, sizeof(*eth));
	if (!port || !eth)
		return L2X_V_NOT_OURS;
	f->group = eth->h_dest[0] & 1;
	if (!f->group && !port_mac_is(port, eth))
		return L2X_V_OTHER_HOST;
	*ret_proto = proto;
	return GO_ON;
}

/* Takes the tags off. Not 0: they are not all off. */
static __always_inline int skb_untag(struct xdp_md *ctx, const struct frame *f)
{
	__u32 tags = (f->l3 - ETH_LEN) / sizeof(struct vlan_hdr) + !!ctx->vlan_present;

	if (tags && bpf_skb_vlan_pop(ctx))
		return -1;
	return tags > 1 && bpf_skb_vlan_pop(ctx) ? -1 : 0;
}

/* Ethernet header and tags for the way; the frame has none, and room for the first. */
static __always_inline int skb_link_write(struct xdp_md *ctx, const struct l2x_nexthop *nh,
					  __be16 proto)
{
	struct ethhdr *eth = frame_at(ctx, 0, sizeof(*eth));

	if (!eth)
		return -1;
	*(any64 *)eth = *(const any64 *)nh->dmac; /* smac follows it */
	((any32 *)eth)[2] = ((const any32 *)nh->dmac)[2];
	eth->h_proto = proto;
	if (nh->tag[1] && bpf_skb_vlan_push(ctx, nh->tpid[1], bpf_ntohs(nh->tag[1])))
		return -1;
	return nh->tag[0] && bpf_skb_vlan_push(ctx, nh->tpid[0], bpf_ntohs(nh->tag[0])) ? -1 : 0;
}

static __always_inline int skb_forward(const struct frame *f, int v)
{
	verdict_count(v);
	if (v == L2X_V_HOST_IN)
		return (int)bpf_redirect(live.host, REDIRECT_INGRESS);
	return (int)bpf_redirect(f->lower, 0);
}

static __always_inline int skb_leave(const struct frame *f, int v)
{
	if (verdict_is_forward(v))
		return skb_forward(f, v);
	verdict_count(v);
	return verdict_is_drop(v) ? TC_SHOT : TC_UNSPEC;
}

#endif
