/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * While the daemon is away (between its end and the next start) the program goes on. What it
 * passed up then would meet no socket, and the kernel would answer "port unreachable", on
 * which LACs hang up: xl2tpd for one closes its socket. So a datagram for our port goes up
 * only if somebody listens; else it is dropped, as if it had been lost on the way, and its
 * sender's retransmission meets the next daemon.
 *
 * The look-up is for what goes up only: what is forwarded never pays for it.
 */
#ifndef L2X_BPF_DAEMON_H
#define L2X_BPF_DAEMON_H

#include "bpf/frame.h"

/* Any socket counts that the kernel would choose: of one address or of all, of one group. */
static __always_inline bool daemon_listens(struct xdp_md *ctx, const struct frame *f,
					   const struct udphdr *udp)
{
	const struct ipv6hdr *ip6;
	const struct iphdr *ip;
	struct bpf_sock_tuple t;
	struct bpf_sock *sk;

	__builtin_memset(&t, 0, sizeof(t));
	if (f->v6) {
		ip6 = frame_at(ctx, f->l3, sizeof(*ip6));
		if (!ip6)
			return true;
		__builtin_memcpy(t.ipv6.saddr, &ip6->saddr, 16);
		__builtin_memcpy(t.ipv6.daddr, &ip6->daddr, 16);
		t.ipv6.sport = udp->source;
		t.ipv6.dport = udp->dest;
		sk = bpf_sk_lookup_udp(ctx, &t, sizeof(t.ipv6), BPF_F_CURRENT_NETNS, 0);
	} else {
		ip = frame_at(ctx, f->l3, sizeof(*ip));
		if (!ip)
			return true;
		t.ipv4.saddr = ip->saddr;
		t.ipv4.daddr = ip->daddr;
		t.ipv4.sport = udp->source;
		t.ipv4.dport = udp->dest;
		sk = bpf_sk_lookup_udp(ctx, &t, sizeof(t.ipv4), BPF_F_CURRENT_NETNS, 0);
	}
	if (!sk)
		return false;
	bpf_sk_release(sk);
	return true;
}

/* f->udp is set: the frame's datagram is for our port. */
__noinline int daemon_check(struct xdp_md *ctx, struct frame *f, int verdict)
{
	const struct udphdr *udp;

	if (!f)
		return verdict;
	udp = frame_at(ctx, f->udp, sizeof(*udp));
	if (!udp || daemon_listens(ctx, f, udp))
		return verdict;
	return L2X_V_NO_DAEMON;
}

#endif
