// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loses the LNS's control messages over IPv4, and nothing else. On the LAC's end of the
 * access link it makes a client that does not answer Hello (docs/protocol/quirks.md, Q-3).
 */
#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define ETH_P_IP 0x0800
#define UDP 17
#define L2TP_PORT 1701
#define T_BIT 0x80

struct headers {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
	__u8 flags;
} __attribute__((packed));

SEC("xdp")
int drop_control(struct xdp_md *ctx)
{
	const struct headers *h = (const void *)(long)ctx->data;

	if ((const void *)(h + 1) > (const void *)(long)ctx->data_end)
		return XDP_PASS;
	if (h->eth.h_proto != bpf_htons(ETH_P_IP) || h->ip.ihl != 5 || h->ip.protocol != UDP ||
	    h->udp.source != bpf_htons(L2TP_PORT))
		return XDP_PASS;
	return h->flags & T_BIT ? XDP_DROP : XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
