/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The L2TPv2 header in all its forms (RFC 2661 section 3.1):
 *
 *   flags and version, [Length], tunnel ID, session ID, [Ns, Nr], [Offset Size, padding]
 */
#ifndef L2X_BPF_L2TP_H
#define L2X_BPF_L2TP_H

#include "bpf/frame.h"

#define L2TP_T 0x8000
#define L2TP_L 0x4000
#define L2TP_S 0x0800
#define L2TP_O 0x0200
#define L2TP_VERSION 0x000f
#define L2TP_CONTROL_MASK 0xcb0f /* T, L, S, O, P and version ... */
#define L2TP_CONTROL_BITS 0xc802 /* ... of a control message (V2-HDR-5) */
#define L2TP3_CONTROL_MASK 0xc80f /* the same in version 3 (V3-HDR-4) */
#define L2TP3_CONTROL_BITS 0xc803
#define L2TP_CONTROL_LEN 12
#define L2TP_DATA_MIN 6
/* As many octets behind the packet may be a message more: a sender on this host joins datagrams
 * (UDP_SEGMENT), and a program in generic mode sees them as one. The kernel parts them for the
 * socket. Padding (DP-IN-2) is shorter. */
#define L2TP_JOINED (L2TP_DATA_MIN + 2 + IP4_LEN)
#define L2TP_MAX_OFFSET 64 /* Offset Size that is still for the fast path (DP-V2-6) */

struct l2tp {
	__u16 control;
	__be16 tunnel_id;
	__be16 session_id;
	__u16 ns;
	__u16 sequenced;
	__u16 at; /* payload */
	__u16 len; /* octets of it; padding of the datagram is left out */
};

/* A control message: its form, and whose it says it is. */
static __always_inline int l2tp_parse_control(struct xdp_md *ctx, __u32 at, __u32 room,
					      struct l2tp *h)
{
	const any16 *w = frame_at(ctx, at, L2TP_CONTROL_LEN);
	__u32 len;

	if (!w || (bpf_ntohs(w[0]) & L2TP_CONTROL_MASK) != L2TP_CONTROL_BITS)
		return L2X_V_BAD_L2TP;
	len = bpf_ntohs(w[1]);
	if (len < L2TP_CONTROL_LEN || len > room)
		return L2X_V_BAD_L2TP;
	h->control = 1;
	h->tunnel_id = w[2];
	return GO_ON;
}

/* A control message of version 3, from its flags on. The low 16 bits of a Control Connection ID of ours
 * are as a tunnel ID, and no tunnel's. */
static __always_inline bool l2tp3_parse_control(struct xdp_md *ctx, __u32 at, struct l2tp *h)
{
	const any16 *w = frame_at(ctx, at, L2TP_CONTROL_LEN);

	if (!w || (w[0] & bpf_htons(L2TP3_CONTROL_MASK)) != bpf_htons(L2TP3_CONTROL_BITS))
		return false;
	h->control = 1;
	h->tunnel_id = w[3];
	return true;
}

/* A data message, DP-V2-1 to DP-V2-6. */
static __always_inline int l2tp_parse_data(struct xdp_md *ctx, __u32 at, __u32 room, __u32 flags,
					   struct l2tp *h)
{
	__u32 limit = room, off = at + 2, size;
	const any16 *w;

	if (flags & L2TP_L) {
		w = frame_at(ctx, off, 2);
		if (!w)
			return L2X_V_BAD_L2TP;
		limit = bpf_ntohs(*w);
		off += 2;
	}
	w = frame_at(ctx, off, 4);
	if (!w)
		return L2X_V_BAD_L2TP;
	h->tunnel_id = w[0];
	h->session_id = w[1];
	off += 4;
	if (flags & L2TP_S) {
		w = frame_at(ctx, off, 4);
		if (!w)
			return L2X_V_BAD_L2TP;
		h->sequenced = 1;
		h->ns = bpf_ntohs(w[0]); /* Nr of data means nothing (DP-V2-4) */
		off += 4;
	}
	size = 0;
	if (flags & L2TP_O) {
		w = frame_at(ctx, off, 2);
		if (!w)
			return L2X_V_BAD_L2TP;
		size = bpf_ntohs(*w);
		off += 2;
		if (off - at + size >= limit)
			return L2X_V_BAD_L2TP;
	}
	if (limit > room || off - at > limit || !h->tunnel_id || !h->session_id)
		return L2X_V_BAD_L2TP; /* DP-V2-5, DP-V2-3 */
	if (size > L2TP_MAX_OFFSET)
		return L2X_V_NOT_LINEAR;
	off += size;
	h->at = (__u16)off;
	h->len = (__u16)(at + limit - off);
	return GO_ON;
}

/* The header in the datagram of f. GO_ON: *h holds a message of version 2. */
static __always_inline int l2tp_parse(struct xdp_md *ctx, const struct frame *f, struct l2tp *h)
{
	__u32 at = f->udp + UDP_LEN, room = f->udp_len - UDP_LEN, flags;
	const any16 *w = frame_at(ctx, at, L2TP_DATA_MIN);

	if (!w || room < L2TP_DATA_MIN)
		return L2X_V_BAD_L2TP;
	flags = bpf_ntohs(w[0]);
	switch (flags & L2TP_VERSION) { /* first, for all else depends on it (DP-DEMUX-3) */
	case 2:
		break;
	case 0: /* version 3 behind 4 zero octets, as it would be directly over IP */
		return cfg.pw_mask && room >= 4 + L2TP_CONTROL_LEN && !*(const any32 *)w &&
				       (w[2] & bpf_htons(L2TP3_CONTROL_MASK)) ==
					       bpf_htons(L2TP3_CONTROL_BITS)
			       ? L2X_V_STRANGER
			       : L2X_V_BAD_L2TP;
	case 3: /* control: the daemon's; data: no pseudowire is configured (DP-DEMUX-4) */
		if (room < 8)
			return L2X_V_BAD_L2TP;
		if (!(flags & L2TP_T))
			return L2X_V_SESSION_UNKNOWN;
		return l2tp3_parse_control(ctx, at, h) ? GO_ON : L2X_V_STRANGER;
	default: /* L2F and what nobody knows (V2-HDR-2) */
		return L2X_V_BAD_L2TP;
	}
	if (flags & L2TP_T)
		return l2tp_parse_control(ctx, at, room, h);
	return l2tp_parse_data(ctx, at, room, flags, h);
}

#endif
