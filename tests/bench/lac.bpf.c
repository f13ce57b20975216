// SPDX-License-Identifier: GPL-2.0-only
/*
 * A subscriber who costs little: the data of one session, put on and taken off at the traffic
 * control hook of the LAC's interface, so that TCP runs between the host's stack and the
 * subscriber's address there. The session is l2xdp-load's, which keeps all that is not IPv4.
 */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define TC_OK 0
#define TC_SHOT 2
#define ETH 14
#define IP4 20
#define HEADERS 38 /* IPv4, UDP, L2TP, PPP */
/* Of the kernel's interface, which vmlinux.h has not for traffic control. */
struct lac_skb {
	__u32 len, pkt_type, mark, queue_mapping, protocol; /* as struct __sk_buff begins */
};
#define ROOM_AFTER_MAC 1 /* BPF_ADJ_ROOM_MAC */
#define FIXED_GSO (1ull << 0) /* BPF_F_ADJ_ROOM_FIXED_GSO */
#define ENCAP_IPV4 (1ull << 1) /* BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 */
#define ENCAP_UDP (1ull << 4) /* BPF_F_ADJ_ROOM_ENCAP_L4_UDP */
#define ENCAP_L2TP (10ull << 56) /* BPF_F_ADJ_ROOM_ENCAP_L2: octets between UDP and IP */

/* The one session, in network order; tcp.sh writes it before the programs are attached. */
struct lac_session {
	__be32 lac, lns, subscriber;
	__be16 port; /* ours */
	__be16 lns_tunnel, lns_session, tunnel, session;
	__be16 reserved;
};
struct lac_session cfg;

struct outer {
	struct iphdr ip;
	struct udphdr udp;
	__be16 flags, tunnel, session, ppp[2];
} __attribute__((packed));

static __always_inline __u16 ip_sum(const struct iphdr *ip)
{
	const __u16 *w = (const __u16 *)ip;
	__u32 sum = 0;

#pragma unroll
	for (int i = 0; i < IP4 / 2; i++)
		sum += w[i];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

SEC("tc")
int lac_out(struct __sk_buff *skb)
{
	const struct lac_skb *b = (const void *)skb;
	__u16 len = (__u16)(b->len - ETH);
	struct outer o;
	__be32 source;

	if (b->protocol != bpf_htons(0x0800) ||
	    bpf_skb_load_bytes(skb, ETH + 12, &source, sizeof(source)) || source != cfg.subscriber)
		return TC_OK;
	if (bpf_skb_adjust_room(skb, HEADERS, ROOM_AFTER_MAC,
				FIXED_GSO | ENCAP_IPV4 | ENCAP_UDP | ENCAP_L2TP))
		return TC_SHOT;
	__builtin_memset(&o, 0, sizeof(o));
	o.ip.version = 4;
	o.ip.ihl = 5;
	o.ip.tot_len = bpf_htons(len + HEADERS);
	o.ip.frag_off = bpf_htons(0x4000);
	o.ip.ttl = 64;
	o.ip.protocol = 17;
	o.ip.saddr = cfg.lac;
	o.ip.daddr = cfg.lns;
	o.ip.check = ip_sum(&o.ip);
	o.udp.source = cfg.port;
	o.udp.dest = bpf_htons(1701);
	o.udp.len = bpf_htons(len + HEADERS - IP4);
	o.flags = bpf_htons(2);
	o.tunnel = cfg.lns_tunnel;
	o.session = cfg.lns_session;
	o.ppp[0] = bpf_htons(0xff03);
	o.ppp[1] = bpf_htons(0x0021);
	return bpf_skb_store_bytes(skb, ETH, &o, sizeof(o), 0) ? TC_SHOT : TC_OK;
}

SEC("tc")
int lac_in(struct __sk_buff *skb)
{
	const struct lac_skb *b = (const void *)skb;
	struct outer o;

	if (b->protocol != bpf_htons(0x0800) || bpf_skb_load_bytes(skb, ETH, &o, sizeof(o)))
		return TC_OK;
	if (o.ip.protocol != 17 || o.udp.dest != cfg.port || o.flags != bpf_htons(2) ||
	    o.tunnel != cfg.tunnel || o.session != cfg.session || o.ppp[1] != bpf_htons(0x0021))
		return TC_OK;
	return bpf_skb_adjust_room(skb, -HEADERS, ROOM_AFTER_MAC, FIXED_GSO) ? TC_SHOT : TC_OK;
}

char LICENSE[] SEC("license") = "GPL";
