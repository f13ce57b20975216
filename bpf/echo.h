/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * LCP Echo-Requests are answered here (RFC 1661 section 5.8, PPP-ECHO-1): a million peers
 * that ask every 30 s are 33 000 frames a second, which are nobody's business but the hook's.
 *
 * Only while LCP is open (L2X_S_ECHO; the daemon takes it away before it says anything else),
 * and only what is as it should be. All else goes up as it came, and the daemon judges: a magic
 * number that is ours (a loop) or a stranger's (PPP-ECHO-3), a length that is wrong, a datagram
 * whose checksum the kernel refuses, a way that is not known. They have been policed with the
 * session's other PPP frames (police.h). They are not data: `echoes` counts them, and tells the daemon
 * that the peer lives.
 *
 * The answer goes where all that is sent to the peer goes: its next hop, not back to where the
 * request came from, with the headers that the daemon would give it (dp_send_ppp), in new L2TP
 * and PPP headers of our form, before the request's data. So the request may have had any.
 */
#ifndef L2X_BPF_ECHO_H
#define L2X_BPF_ECHO_H

#include "bpf/csum.h"
#include "bpf/downlink.h"
#include "bpf/frame.h"
#include "bpf/nexthop.h"
#include "bpf/port.h"
#include "bpf/ppp.h"
#include "bpf/seq.h"
#include "bpf/session.h"
#include "bpf/verdict.h"
#ifdef L2X_SKB
#include "bpf/skb_link.h"
#endif

#define LCP_ECHO_REQUEST 9
#define LCP_ECHO_REPLY 10
#define LCP_ECHO_LEN 8 /* code, identifier, length, magic number */
#define TOS_CS6 (48 << 2) /* DP-DS-4 */

/* Without XDP there may be a tag less already. */
#ifdef L2X_SKB
#define ECHO_NO_ROOM L2X_V_ERROR
#else
#define ECHO_NO_ROOM L2X_V_PPP_CONTROL
#endif

/* What has been decided, for echo_write. */
struct echo {
	const struct l2x_nexthop *nh;
	__be32 magic; /* ours */
	__be16 first; /* code and identifier */
	__u16 len; /* octets of the LCP packet */
	__u16 ip, l2tp; /* of the outer IP header; of L2TP and PPP */
	__u32 sum; /* of the request's data */
};

/* Is there an Echo-Request at `lcp`, the protocol number, with `room` octets after that? */
static __always_inline bool echo_is_asked(const any16 *lcp, __u32 room, struct echo *e)
{
	e->first = lcp[1];
	e->len = bpf_ntohs(lcp[2]);
	return lcp[0] == bpf_htons(PPP_LCP) && *(const __u8 *)(lcp + 1) == LCP_ECHO_REQUEST &&
	       e->len >= LCP_ECHO_LEN && e->len <= room;
}

/* PPP-ECHO-3, as the daemon has it: 0 is always good, a loop never. */
static __always_inline bool echo_magic_good(__be32 magic, __be32 ours, __be32 peers)
{
	return !magic || (magic != ours && (!peers || magic == peers));
}

/* Everything about the request, with line 1 of the session in *s. GO_ON, or PPP_CONTROL. */
static __always_inline int echo_judge(struct xdp_md *ctx, struct frame *f,
				      const struct l2x_session *session, struct session_tx *s,
				      struct echo *e)
{
	const any16 *lcp = frame_at(ctx, f->in.at - 2, 2 + LCP_ECHO_LEN);
	struct l2x_nexthop *nh;
	__be32 magic, peers;

	if (!lcp || !echo_is_asked(lcp, f->in.len, e) || session_read_tx(session, s) != GO_ON ||
	    !(s->flags & L2X_S_ECHO) || e->len > s->mtu) /* which is the peer's MRU, or less */
		return L2X_V_PPP_CONTROL;
	magic = *(const any32 *)(lcp + 3);
	e->magic = *(const volatile __be32 *)&session->magic;
	peers = *(const volatile __be32 *)&session->peer_magic;
	if (!echo_magic_good(magic, e->magic, peers) ||
	    (!cfg.verify_checksum && csum_verify_outer(ctx, f) != GO_ON) ||
	    nexthop_of_tunnel(ctx, f, s, &nh) != GO_ON)
		return L2X_V_PPP_CONTROL;
	e->nh = nh;
	e->ip = s->flags & L2X_S_OUTER6 ? IP6_LEN : IP4_LEN;
	e->l2tp = s->flags & L2X_S_SEQ_TX ? 14 : 10;
	if (e->ip + UDP_LEN + e->l2tp + e->len > nh->mtu)
		return L2X_V_PPP_CONTROL;
	e->sum = csum_octets(ctx, f->in.at + LCP_ECHO_LEN, e->len - LCP_ECHO_LEN);
	return e->sum == CSUM_FAIL ? L2X_V_PPP_CONTROL : GO_ON;
}

/* L2TP and PPP. Returns the sum of what pseudo_sum leaves out. */
static __always_inline __u32 echo_write_l2tp(any16 *w, const struct session_tx *s, __u16 ns)
{
	__u32 sum = bpf_htons(PPP_ADDRESS_CONTROL) + bpf_htons(PPP_LCP);

	w[0] = bpf_htons(s->flags & L2X_S_SEQ_TX ? L2TP_S | 2 : 2);
	w[1] = s->peer_tunnel_id;
	w[2] = s->peer_session_id;
	w += 3;
	if (s->flags & L2X_S_SEQ_TX) {
		w[0] = bpf_htons(ns);
		w[1] = 0;
		sum += bpf_htons(ns);
		w += 2;
	}
	w[0] = bpf_htons(PPP_ADDRESS_CONTROL); /* PPP-FR-4: also with ACFC */
	w[1] = bpf_htons(PPP_LCP);
	return sum;
}

/* The answer, in the place of the request. Returns its sum, not folded. */
static __always_inline __u64 echo_write_lcp(any16 *w, const struct echo *e)
{
	__be16 first = (e->first & bpf_htons(0x00ff)) | bpf_htons(LCP_ECHO_REPLY << 8);

	w[0] = first;
	w[1] = bpf_htons(e->len);
	*(any32 *)(w + 2) = e->magic;
	return (__u64)e->magic + e->sum + first + bpf_htons(e->len);
}

/* Outer IP header at `at`. Not 0: the frame is too short, which cannot be; so too below. */
static __always_inline int echo_write_ip(struct xdp_md *ctx, const struct session_tx *s,
					 const struct echo *e, __u32 at)
{
	__u8 tos = s->flags & L2X_S_TOS_FIXED ? (__u8)(s->dscp << 2) : TOS_CS6;
	__u32 len = UDP_LEN + e->l2tp + e->len;
	void *to;

	if (s->flags & L2X_S_OUTER6) {
		to = frame_at(ctx, at, IP6_LEN);
		if (!to)
			return -1;
		write_ip6(to, s, len, tos);
	} else {
		to = frame_at(ctx, at, IP4_LEN);
		if (!to)
			return -1;
		write_ip4(to, s, len, tos);
	}
	return 0;
}

/* The answer but for the link layer, whose header has `link` octets. */
static __always_inline int echo_headers(struct xdp_md *ctx, const struct session_tx *s,
					const struct echo *e, __u32 link, __u16 ns)
{
	__u32 at = link + e->ip;
	any16 *w;
	__u64 sum;

	w = frame_at(ctx, at + UDP_LEN + e->l2tp, LCP_ECHO_LEN);
	if (!w)
		return -1;
	sum = echo_write_lcp(w, e);
	w = frame_at(ctx, at, UDP_LEN + L2TP_PPP_MAX); /* without numbers, also some of LCP */
	if (!w)
		return -1;
	sum += echo_write_l2tp(w + UDP_LEN / 2, s, ns);
	write_udp(w, s, UDP_LEN + e->l2tp + e->len, sum);
	return echo_write_ip(ctx, s, e, link);
}

#ifdef L2X_SKB
/* As below. The tags come off first, and what the headers differ by is behind the link layer. */
static __always_inline long echo_room(struct xdp_md *ctx, const struct frame *f,
				      const struct echo *e)
{
	int more = e->ip + UDP_LEN + e->l2tp - (f->in.at - f->l3);

	if (skb_untag(ctx, f))
		return -1;
	return more ? bpf_skb_adjust_room(ctx, more, ROOM_AFTER_MAC, ROOM_FIXED_GSO) : 0;
}

static __always_inline int echo_finish(struct xdp_md *ctx, const struct session_tx *s,
				       const struct echo *e, __u16 ns)
{
	__u32 len = ETH_LEN + e->ip + UDP_LEN + e->l2tp + e->len;

	if ((ctx->len > len && bpf_skb_change_tail(ctx, len, 0)) ||
	    echo_headers(ctx, s, e, ETH_LEN, ns))
		return -1;
	return skb_link_write(ctx, e->nh, bpf_htons(e->ip == IP6_LEN ? ETH_P_IPV6 : ETH_P_IP));
}
#else
/* The frame begins where the answer begins. Not 0: there is no room. */
static __always_inline long echo_room(struct xdp_md *ctx, const struct frame *f,
				      const struct echo *e)
{
	__u32 head = link_len(e->nh) + e->ip + UDP_LEN + e->l2tp;

	return bpf_xdp_adjust_head(ctx, (int)f->in.at - (int)head);
}

static __always_inline int echo_finish(struct xdp_md *ctx, const struct session_tx *s,
				       const struct echo *e, __u16 ns)
{
	__u32 link = link_len(e->nh);

	if (inner_trim(ctx, link + e->ip + UDP_LEN + e->l2tp + e->len) ||
	    echo_headers(ctx, s, e, link, ns))
		return -1;
	return link_write(ctx, e->nh, bpf_htons(e->ip == IP6_LEN ? ETH_P_IPV6 : ETH_P_IP));
}
#endif

/* The request's number is counted; PPP's own frames are taken also when late. A function of its
 * own, for the sake of the stack. */
static __noinline int echo_sequence(struct l2x_traffic *t, __u16 ns)
{
	return seq_receive(t, ns);
}

/* From here on the frame is not what it was, unless there is no room. */
static __always_inline int echo_write(struct xdp_md *ctx, struct frame *f, struct session_tx *s,
				      struct l2x_traffic *t, const struct echo *e)
{
	__u16 ns = 0;

	if (echo_room(ctx, f, e))
		return ECHO_NO_ROOM;
	if (f->sequenced && (s->flags & L2X_S_SEQ_RX))
		echo_sequence(t, f->ns);
	if (s->flags & L2X_S_SEQ_TX)
		ns = seq_next(t);
	s->flags &= (__u16)~L2X_S_CSUM0; /* DP-CK-5: PPP's own frames have no other sum */
	return echo_finish(ctx, s, e, ns) ? L2X_V_ERROR : L2X_V_ECHO;
}

/* Of f, a session's PPP frame that is not IP. PPP_CONTROL: it goes up. */
__noinline int echo(struct xdp_md *ctx, struct frame *f)
{
	struct l2x_session *session;
	struct l2x_traffic *t;
	struct session_tx s;
	struct echo e = {};
	__u32 index;
	int v;

	if (!f)
		return L2X_V_PPP_CONTROL;
	index = f->session;
	session = bpf_map_lookup_elem(&sessions, &index);
	t = bpf_map_lookup_elem(&traffic, &index);
	if (!session || !t)
		return L2X_V_PPP_CONTROL;
	v = echo_judge(ctx, f, session, &s, &e);
	if (v != GO_ON || generation_changed(&session->tx_gen, s.gen))
		return L2X_V_PPP_CONTROL;
	v = echo_write(ctx, f, &s, t, &e);
	if (v == L2X_V_ECHO) {
		f->lower = e.nh->lower;
		__sync_fetch_and_add(&t->echoes, 1);
	}
	return v;
}

#endif
