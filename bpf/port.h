/* SPDX-License-Identifier: GPL-2.0-only */
/* Interfaces: which one is this, what may leave by it, with which link-layer header. */
#ifndef L2X_BPF_PORT_H
#define L2X_BPF_PORT_H

#include "bpf/frame.h"

static __always_inline struct l2x_port *port_find(__u32 ifindex)
{
	struct l2x_port *port;
	__u32 k, slot;

#pragma unroll
	for (k = 0; k < L2X_PORT_PROBES; k++) {
		slot = (ifindex + k) & (L2X_PORT_SLOTS - 1);
		port = bpf_map_lookup_elem(&ports, &slot);
		if (port && port->ifindex == ifindex)
			return port;
	}
	return 0;
}

static __always_inline bool port_mac_is(const struct l2x_port *port, const struct ethhdr *eth)
{
	const void *a = port->mac, *b = eth->h_dest;

	return *(const any32 *)a == *(const any32 *)b &&
	       ((const any16 *)a)[2] == ((const any16 *)b)[2];
}

/* Is it sent to what only host.h sends to, and l2xdp_in takes? */
static __always_inline bool host_mac_is(const struct ethhdr *eth)
{
	return *(const any32 *)eth->h_dest == *(const volatile any32 *)live.host_mac &&
	       ((const any16 *)eth->h_dest)[2] == ((const volatile any16 *)live.host_mac)[2];
}

/* Octets of Ethernet header and tags. Tags are filled from the outer one on. */
static __always_inline __u32 link_len(const struct l2x_nexthop *nh)
{
	if (!nh->tag[0])
		return sizeof(struct ethhdr);
	return sizeof(struct ethhdr) + (nh->tag[1] ? 2 : 1) * sizeof(struct vlan_hdr);
}

/* Writes an Ethernet header without tags. */
static __always_inline void link_write_plain(void *eth, const struct l2x_nexthop *nh, __be16 proto)
{
	*(any64 *)eth = *(const any64 *)nh->dmac; /* smac follows it */
	((any32 *)eth)[2] = ((const any32 *)nh->dmac)[2];
	((any16 *)eth)[6] = proto;
}

/* Writes the header at the frame's start. Not 0: there is no room, which cannot be. */
static __always_inline int link_write(struct xdp_md *ctx, const struct l2x_nexthop *nh,
				      __be16 proto)
{
	struct ethhdr *eth = frame_at(ctx, 0, sizeof(*eth));
	struct vlan_hdr *tag;

	if (!eth)
		return -1;
	*(any64 *)eth = *(const any64 *)nh->dmac; /* smac follows it */
	((any32 *)eth)[2] = ((const any32 *)nh->dmac)[2];
	if (!nh->tag[0]) {
		eth->h_proto = proto;
		return 0;
	}
	tag = frame_at(ctx, sizeof(*eth), 2 * sizeof(*tag));
	if (!tag)
		return -1;
	eth->h_proto = nh->tpid[0];
	tag[0].h_vlan_TCI = nh->tag[0];
	if (!nh->tag[1]) {
		tag[0].h_vlan_encapsulated_proto = proto;
		return 0;
	}
	tag[0].h_vlan_encapsulated_proto = nh->tpid[1];
	tag[1].h_vlan_TCI = nh->tag[1];
	tag[1].h_vlan_encapsulated_proto = proto;
	return 0;
}

#endif
