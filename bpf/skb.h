/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hook of traffic control: included first, it makes the stages of the XDP program stages of
 * a tc program. They name what they work on `struct xdp_md`; here that is the socket buffer,
 * which has the same words data and data_end. Stages that only read are then the same code. What
 * takes room, cuts and redirects is skb_link.h's, skb_up.h's and skb_down.h's.
 *
 * Beside its linear part, which data to data_end is, a buffer may have pieces elsewhere;
 * skb_linear brings the headers into it. What stands there has its tag, the outer one, taken off
 * and beside it.
 */
#ifndef L2X_BPF_SKB_H
#define L2X_BPF_SKB_H

#include "vmlinux.h"

#define L2X_SKB 1

/* Of the kernel's interface, which is never changed; as long as we look at it. */
struct __sk_buff {
	__u32 len;
	__u32 pkt_type;
	__u32 mark;
	__u32 queue_mapping;
	__u32 protocol; /* network order */
	__u32 vlan_present;
	__u32 vlan_tci;
	__u32 vlan_proto; /* network order */
	__u32 priority;
	__u32 ingress_ifindex;
	__u32 ifindex;
	__u32 tc_index;
	__u32 cb[5];
	__u32 hash;
	__u32 tc_classid;
	__u32 data;
	__u32 data_end;
	__u32 napi_id;
	__u32 of_sockets[13];
	__u32 data_meta;
	__u64 flow_keys;
	__u64 tstamp;
	__u32 wire_len;
	__u32 gso_segs;
	__u64 sk;
	__u32 gso_size;
};
_Static_assert(__builtin_offsetof(struct __sk_buff, gso_size) == 176, "as linux/bpf.h has it");

#define xdp_md __sk_buff

#define TC_UNSPEC (-1) /* TC_ACT_UNSPEC: as if there were no program */
#define TC_SHOT 2 /* TC_ACT_SHOT */

#define ROOM_AFTER_MAC 1 /* BPF_ADJ_ROOM_MAC */
#define ROOM_FIXED_GSO (1ull << 0) /* BPF_F_ADJ_ROOM_FIXED_GSO */
#define ROOM_ENCAP_IPV4 (1ull << 1) /* BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 */
#define ROOM_ENCAP_IPV6 (1ull << 2) /* BPF_F_ADJ_ROOM_ENCAP_L3_IPV6 */
#define ROOM_ENCAP_UDP (1ull << 4) /* BPF_F_ADJ_ROOM_ENCAP_L4_UDP */
#define ROOM_ENCAP_L2(len) ((__u64)(len) << 56) /* BPF_F_ADJ_ROOM_ENCAP_L2 */
#define PACKET_HOST 0 /* linux/if_packet.h */
#define REDIRECT_INGRESS 1 /* BPF_F_INGRESS */

#define IPPROTO_SCTP 132

#endif
