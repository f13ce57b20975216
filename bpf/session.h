/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sessions and tunnels: array elements that the daemon rewrites while we read. A line is
 * good only if its generation is the same, and not 0, before and after (schema.h).
 */
#ifndef L2X_BPF_SESSION_H
#define L2X_BPF_SESSION_H

#include "bpf/frame.h"

static __always_inline __u32 generation(const __u32 *gen)
{
	return *(const volatile __u32 *)gen;
}

/* Has the line been rewritten since *gen was `was`? Asked before what was read from it
 * is acted upon. */
static __always_inline bool generation_changed(const __u32 *gen, __u32 was)
{
	load_barrier();
	return generation(gen) != was;
}

static __always_inline __u32 session_index(__be16 tunnel_id, __be16 session_id)
{
	return (bpf_ntohs(tunnel_id) & cfg.shard_mask) << 16 | bpf_ntohs(session_id);
}

/* The counters' line is wanted last, by an atomic operation that waits for it. Asked for
 * at first, it is on its way together with the session's own line: with 65 535 sessions
 * that saves a fifth of what this program costs (docs/performance.md). */
static __always_inline void traffic_fetch(const __u64 *line)
{
	(void)*(const volatile __u64 *)line;
}

/* Uplink: the element, with *ret_gen of line 0; NULL: there is no such session. */
static __always_inline struct l2x_session *session_of_ids(__u32 index, __be16 tunnel_id,
							  __u32 *ret_gen)
{
	struct l2x_session *s = bpf_map_lookup_elem(&sessions, &index);
	__u32 gen;

	if (!s)
		return 0;
	gen = generation(&s->gen);
	load_barrier();
	if (!gen || s->tunnel_id != tunnel_id)
		return 0;
	*ret_gen = gen;
	return s;
}

/* Line 1 of struct l2x_session, copied: the stack has no room for both. */
struct session_tx {
	__u32 gen;
	__be16 peer_tunnel_id;
	__be16 peer_session_id;
	struct l2x_addr peer;
	struct l2x_addr local;
	__be16 peer_port;
	__be16 local_port;
	__u16 flags;
	__u16 mtu;
	__u16 nexthop;
	__u8 ttl;
	__u8 dscp;
	__u32 pseudo_sum;
};
#define SESSION_TX_SAME(here, there)                                                               \
	_Static_assert(__builtin_offsetof(struct session_tx, here) + 64 ==                         \
			       __builtin_offsetof(struct l2x_session, there),                      \
		       "session_tx is line 1 of l2x_session")
SESSION_TX_SAME(gen, tx_gen);
SESSION_TX_SAME(peer_session_id, peer_session_id);
SESSION_TX_SAME(peer, tx_peer);
SESSION_TX_SAME(local, tx_local);
SESSION_TX_SAME(peer_port, tx_peer_port);
SESSION_TX_SAME(local_port, tx_local_port);
SESSION_TX_SAME(flags, tx_flags);
SESSION_TX_SAME(mtu, mtu);
SESSION_TX_SAME(nexthop, nexthop);
SESSION_TX_SAME(ttl, ttl);
SESSION_TX_SAME(dscp, dscp);
SESSION_TX_SAME(pseudo_sum, pseudo_sum);
#undef SESSION_TX_SAME

/* Downlink: copies line 1. GO_ON, NO_SESSION or CHANGING. */
static __always_inline int session_read_tx(const struct l2x_session *s, struct session_tx *copy)
{
	const any64 *from = (const any64 *)&s->tx_gen;
	any64 *to = (any64 *)copy;
	__u32 gen = generation(&s->tx_gen);
	int i;

	if (!gen)
		return L2X_V_NO_SESSION;
	load_barrier();
#pragma unroll
	for (i = 0; i < 7; i++)
		to[i] = from[i];
	if (generation_changed(&s->tx_gen, gen))
		return L2X_V_CHANGING;
	copy->gen = gen;
	return GO_ON;
}

/* Are source and destination of the frame `peer`'s? */
static __always_inline bool addresses_match(struct xdp_md *ctx, const struct frame *f,
					    const struct l2x_addr *peer,
					    const struct l2x_addr *local)
{
	const struct ipv6hdr *ip6;
	const struct iphdr *ip;

	if (f->v6) {
		ip6 = frame_at(ctx, f->l3, sizeof(*ip6));
		return ip6 && ip6_equal(&ip6->saddr, peer) && ip6_equal(&ip6->daddr, local);
	}
	ip = frame_at(ctx, f->l3, sizeof(*ip));
	return ip && ip->saddr == peer->w[3] && ip->daddr == local->w[3] &&
	       peer->w[2] == bpf_htonl(0xffff) && !peer->d[0];
}

/* And both ports? DP-SPOOF-3. */
static __always_inline bool peer_matches(struct xdp_md *ctx, const struct frame *f,
					 const struct l2x_addr *peer, const struct l2x_addr *local,
					 __be16 peer_port, __be16 local_port)
{
	const struct udphdr *udp = frame_at(ctx, f->udp, sizeof(*udp));

	return udp && udp->source == peer_port && udp->dest == local_port &&
	       addresses_match(ctx, f, peer, local);
}

/* Does a control message come from the peer of the control connection that it names? */
static __always_inline bool tunnel_is_known(struct xdp_md *ctx, const struct frame *f,
					    __be16 tunnel_id)
{
	__u32 slot = bpf_ntohs(tunnel_id), gen;
	struct l2x_tunnel *t;
	bool known;

	t = bpf_map_lookup_elem(&tunnels, &slot);
	if (!slot || !t)
		return false;
	gen = generation(&t->gen);
	if (!gen)
		return false;
	load_barrier();
	if (f->raw) /* directly over IP there are no ports */
		known = !t->peer_port && addresses_match(ctx, f, &t->peer, &t->local);
	else
		known = peer_matches(ctx, f, &t->peer, &t->local, t->peer_port, t->local_port);
	return known && !generation_changed(&t->gen, gen);
}

#endif
