/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a pseudowire to its circuit: an L2TPv3 data message becomes the Ethernet frame that is inside it.
 *
 *   over UDP:  0003, 16 bits of nothing, Session ID, cookie, sublayer, frame (V3-HDR-5)
 *   over IP:   Session ID, cookie, sublayer, frame (V3-HDR-2)
 *
 * Nothing in the message tells how long cookie and sublayer are: the session does (DP-V3-1).
 */
#ifndef L2X_BPF_PW_UP_H
#define L2X_BPF_PW_UP_H

#include "bpf/csum.h"
#include "bpf/frame.h"
#include "bpf/l2tp.h"
#include "bpf/pw.h"
#include "bpf/pw_seq.h"
#include "bpf/verdict.h"

/* Is it data of version 3? The version is looked at first (V3-HDR-1). f->in is then what begins with
 * the Session ID. */
static __always_inline bool pw_is_data(struct xdp_md *ctx, struct frame *f)
{
	const any16 *w;

	if (f->raw)
		return true;
	if (!cfg.pw_mask || f->udp_len < UDP_LEN + PW_UDP_LEN + PW_ID_LEN)
		return false;
	w = frame_at(ctx, f->udp + UDP_LEN, 2);
	f->in.at = f->udp + UDP_LEN + PW_UDP_LEN;
	f->in.len = f->udp_len - UDP_LEN - PW_UDP_LEN;
	return w && (*w & bpf_htons(L2TP_VERSION | L2TP_T)) == bpf_htons(3);
}

static __always_inline bool pw_path_is(struct xdp_md *ctx, const struct frame *f,
				       const struct l2x_pw *w)
{
	const struct ipv6hdr *ip6;
	const struct iphdr *ip;

	if (!f->raw)
		return (w->flags & L2X_PW_UDP) &&
		       peer_matches(ctx, f, &w->peer, &w->local, w->peer_port, w->local_port);
	if (w->flags & L2X_PW_UDP)
		return false;
	if (f->v6) {
		ip6 = frame_at(ctx, f->l3, sizeof(*ip6));
		return ip6 && ip6_equal(&ip6->saddr, &w->peer) && ip6_equal(&ip6->daddr, &w->local);
	}
	ip = frame_at(ctx, f->l3, sizeof(*ip));
	return ip && ip->saddr == w->peer.w[3] && ip->daddr == w->local.w[3] &&
	       w->peer.w[2] == bpf_htonl(0xffff) && !w->peer.d[0];
}

/* An ID of somebody's choice. 0: there is none for this source. */
static __always_inline __u32 pw_index_chosen(struct xdp_md *ctx, const struct frame *f, __be32 id)
{
	struct l2x_pw_id key = { .id = id };
	const struct udphdr *udp;
	const struct ipv6hdr *ip6;
	const struct iphdr *ip;
	__u32 *index;

	if (!f->raw) {
		udp = frame_at(ctx, f->udp, sizeof(*udp));
		if (!udp)
			return 0;
		key.peer_port = udp->source;
	}
	if (f->v6) {
		ip6 = frame_at(ctx, f->l3, sizeof(*ip6));
		if (!ip6)
			return 0;
		key.peer.d[0] = *(const any64 *)&ip6->saddr;
		key.peer.d[1] = *((const any64 *)&ip6->saddr + 1);
	} else {
		ip = frame_at(ctx, f->l3, sizeof(*ip));
		if (!ip)
			return 0;
		key.peer.w[2] = bpf_htonl(0xffff);
		key.peer.w[3] = ip->saddr;
	}
	index = bpf_map_lookup_elem(&pw_ids, &key);
	return index ? *index : 0;
}

/* The pseudowire of this ID and path, with *ret_gen. NULL, and *ret_v says why. */
static __always_inline struct l2x_pw *pw_try(struct xdp_md *ctx, const struct frame *f, __u32 index,
					     __be32 id, __u32 *ret_gen, int *ret_v)
{
	struct l2x_pw *w = pw_at(index);
	bool same;

	if (!w)
		return 0;
	*ret_gen = generation(&w->gen);
	load_barrier();
	if (!*ret_gen || w->id != id)
		return 0;
	same = pw_path_is(ctx, f, w);
	if (same)
		return w;
	*ret_v = generation_changed(&w->gen, *ret_gen) ? L2X_V_CHANGING : L2X_V_PEER_MISMATCH;
	return 0;
}

/* The cookie at `at`: is it one of ours (DP-V3-3)? *ret_len: its octets. */
static __always_inline int pw_cookie(struct xdp_md *ctx, __u32 at, const struct l2x_pw *w,
				     __u16 flags, __u32 *ret_len)
{
	const any64 *eight;
	const any32 *four;

	*ret_len = 0;
	if (flags & L2X_PW_COOKIE8) {
		*ret_len = 8;
		eight = frame_at(ctx, at, 8);
		if (!eight)
			return L2X_V_PW_SHORT;
		return *eight == w->cookie[0] || *eight == w->cookie[1] ? GO_ON : L2X_V_PW_COOKIE;
	}
	if (flags & L2X_PW_COOKIE4) {
		*ret_len = 4;
		four = frame_at(ctx, at, 4);
		if (!four)
			return L2X_V_PW_SHORT;
		return *four == *(const any32 *)&w->cookie[0] ||
				       *four == *(const any32 *)&w->cookie[1]
			       ? GO_ON
			       : L2X_V_PW_COOKIE;
	}
	return GO_ON;
}

static __always_inline int pw_sublayer(struct xdp_md *ctx, __u32 at, __u32 *ret)
{
	const any32 *w = frame_at(ctx, at, SUBLAYER_LEN);

	if (!w)
		return L2X_V_PW_SHORT;
	*ret = bpf_ntohl(*w);
	return *ret & (SUBLAYER_V | SUBLAYER_BE) ? L2X_V_PW_SUBLAYER : GO_ON; /* V3-SUB-6 */
}

/*
 * Tags of its own that a frame has behind those that are agreed are first at the circuit, or follow the
 * circuit's. With them it must not become a frame of another circuit there: what is found by them at
 * the device is this pseudowire, or nobody. A function of its own: few frames have such tags.
 */
__noinline int pw_tags_own(struct xdp_md *ctx, __u32 at, __u32 index)
{
	struct pw_tags own, as = {};
	struct l2x_pw *w = pw_at(index);
	__u32 found;

	if (!w || at > FRAME_PLACES / 2 || pw_tags_read(ctx, at, &own))
		return 0;
	as.id[0] = w->tag[0] ? w->tag[0] : own.id[0];
	as.id[1] = w->tag[0] ? own.id[0] : own.id[1];
	found = circuit_longest(w->ifindex, as);
	return !found || found == index;
}

/* What the circuit makes of the frame p->at to p->end. All but numbers and the frame itself. */
static __always_inline int pw_judge(struct xdp_md *ctx, struct l2x_pw *w, __u32 index,
				    struct pw_notes *p)
{
	const any16 *eth = frame_at(ctx, p->at, ETH_LEN);
	__u32 from = *(const any32 *)w->wire, group, own;
	__u16 flags = w->flags, type;
	struct pw_tags must, has;

	if (!eth || p->end < p->at + ETH_LEN)
		return L2X_V_PW_SHORT; /* DP-V3-5 */
	p->mss_mtu = flags & L2X_PW_MSS ? w->mss_mtu : 0;
	p->ifindex = w->ifindex;
	if (!(flags & L2X_PW_UP) || !p->ifindex)
		return L2X_V_PW_DOWN;
	group = *(const __u8 *)eth & 1;
	type = eth[MACS_LEN / 2];
	own = p->at;
	if (from) {
		*(any32 *)&must = from;
		if (pw_tags_read(ctx, p->at, &has) || !pw_tags_are(has, must))
			return L2X_V_PW_TAG;
		own += pw_tags_len(must);
		eth = frame_at(ctx, own, ETH_LEN);
		type = eth ? eth[MACS_LEN / 2] : 0;
	}
	if (is_vlan(type) && !w->tag[1] && !pw_tags_own(ctx, own, index))
		return L2X_V_PW_TAG;
	pw_swap_set(&p->swap, w, from, *(const any32 *)w->tag);
	if ((int)(p->end - p->at) + p->swap.more > (int)w->room)
		return L2X_V_PW_LARGE;
	if (group && !pw_bum_passes(&w->bum_rx, w->bum_rate))
		return L2X_V_PW_BUM;
	return GO_ON;
}

/* From here on the frame is not what it was. */
static __always_inline int pw_write(struct xdp_md *ctx, const struct pw_notes *p)
{
	__u32 shift = (__u32)(p->at - p->swap.more);

	if (p->mss_mtu)
		pw_clamp(ctx, p->at, p->end, p->mss_mtu);
	if (inner_trim(ctx, p->end))
		return L2X_V_ERROR;
	/* headers are always longer than two tags, but the door's ticket must be, too */
	if (p->swap.any && pw_tags_write(ctx, p->at, shift))
		return L2X_V_ERROR;
	return bpf_xdp_adjust_head(ctx, (int)shift) ? L2X_V_ERROR : L2X_V_PW_DECAP;
}

static __always_inline void pw_count(struct l2x_traffic *t, int v, __u32 len)
{
	if (v == L2X_V_PW_DECAP) {
		__sync_fetch_and_add(&t->rx_packets, 1);
		__sync_fetch_and_add(&t->rx_bytes, len);
	} else if (verdict_is_drop(v)) {
		__sync_fetch_and_add(&t->rx_drops, 1);
	}
}

/* The message f->in is this pseudowire's, whose line 0 had the generation `gen`: what is refused from
 * here on is refused to it. A function of its own: the verifier walks it once. */
__noinline int pw_receive(struct xdp_md *ctx, struct frame *f, __u32 index, __u32 gen)
{
	struct l2x_traffic *t = bpf_map_lookup_elem(&pw_traffic, &index);
	struct pw_notes *p = pw_notes_new();
	struct l2x_pw *w = pw_at(index);
	__u32 at, end, len;
	__u16 flags;
	int v;

	if (!f || !t || !p || !w)
		return L2X_V_PW_UNKNOWN;
	flags = w->flags;
	at = f->in.at + PW_ID_LEN;
	end = f->in.at + f->in.len;
	p->sublayer = 0;
	v = pw_cookie(ctx, at, w, flags, &len);
	at += len;
	if (v == GO_ON && (flags & L2X_PW_SUBLAYER)) {
		v = pw_sublayer(ctx, at, &p->sublayer);
		at += SUBLAYER_LEN;
	}
	p->at = (__u16)at;
	p->end = (__u16)end;
	frame_forget();
	if (v == GO_ON)
		v = pw_judge(ctx, w, index, p);
	if (generation_changed(&w->gen, gen))
		return L2X_V_CHANGING;
	if (v == GO_ON && (flags & L2X_PW_SEQ) && (p->sublayer & SUBLAYER_S))
		v = pw_seq_receive(t, p->sublayer & SUBLAYER_SEQ);
	if (v == GO_ON)
		v = pw_write(ctx, p);
	f->lower = p->ifindex;
	pw_count(t, v, (__u32)(p->end - p->at));
	return v;
}

/* Directly over IP: a control message, whose own lane is that of a connection that is known. */
static __always_inline int pw_control(struct xdp_md *ctx, struct frame *f, __u32 at)
{
	struct l2tp h = {};

	if (!l2tp3_parse_control(ctx, at + PW_ID_LEN, &h) || !tunnel_is_known(ctx, f, h.tunnel_id))
		return L2X_V_STRANGER;
	f->tunnel = bpf_ntohs(h.tunnel_id);
	return L2X_V_CONTROL;
}

/* A message that pw_is_data says yes to. */
__noinline int pw_up(struct xdp_md *ctx, struct frame *f)
{
	__u32 at, index, gen = 0;
	int v = L2X_V_PW_UNKNOWN;
	struct l2x_pw *w;
	const any32 *id;

	if (!f)
		return L2X_V_ERROR;
	at = f->in.at;
	id = frame_at(ctx, at, PW_ID_LEN);
	if (!id || f->in.len < PW_ID_LEN)
		return L2X_V_PW_SHORT;
	if (!*id)
		return f->raw ? pw_control(ctx, f, at) : L2X_V_PW_UNKNOWN; /* DP-V3-2 */
	if (cfg.verify_checksum && !f->raw) {
		v = csum_verify_outer(ctx, f);
		if (v != GO_ON)
			return v;
		v = L2X_V_PW_UNKNOWN;
		id = frame_at(ctx, at, PW_ID_LEN);
		if (!id)
			return L2X_V_PW_SHORT;
	}
	index = bpf_ntohl(*id) & cfg.pw_mask;
	w = pw_try(ctx, f, index, *id, &gen, &v);
	if (!w) {
		id = frame_at(ctx, at, PW_ID_LEN);
		if (!id)
			return L2X_V_PW_SHORT;
		index = pw_index_chosen(ctx, f, *id);
		w = pw_try(ctx, f, index, *id, &gen, &v);
	}
	if (!w)
		return v;
	return pw_receive(ctx, f, index, gen);
}

/* What the daemon has written to its door: a ticket, and a frame as it is in the tunnel. Judged and counted
 * by the daemon, but for what the circuit makes of it. */
__noinline int pw_deliver(struct xdp_md *ctx, struct frame *f)
{
	const struct l2x_pw_ticket *ticket = frame_at(ctx, 0, sizeof(*ticket));
	struct pw_notes *p = pw_notes_new();
	struct l2x_pw *w;
	__u32 len = frame_len(ctx), gen, index;
	int v;

	if (!f || !p || !ticket || ticket->mark != L2X_TICKET_MARK || len > 0xffff)
		return L2X_V_PW_SHORT;
	index = ticket->index;
	w = pw_at(index);
	if (!w)
		return L2X_V_PW_UNKNOWN;
	gen = generation(&w->gen);
	load_barrier();
	if (!gen)
		return L2X_V_PW_UNKNOWN;
	p->at = sizeof(*ticket);
	p->end = (__u16)len;
	frame_forget();
	v = pw_judge(ctx, w, index, p);
	if (generation_changed(&w->gen, gen))
		return L2X_V_CHANGING;
	f->lower = p->ifindex;
	return v == GO_ON ? pw_write(ctx, p) : v;
}

#endif
