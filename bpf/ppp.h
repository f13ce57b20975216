/* SPDX-License-Identifier: GPL-2.0-only */
/* The PPP header in its four forms, whatever LCP agreed on (DP-PPP-1, Q-14). */
#ifndef L2X_BPF_PPP_H
#define L2X_BPF_PPP_H

#include "bpf/frame.h"

#define PPP_ADDRESS_CONTROL 0xff03
#define PPP_ALL_STATIONS 0xff
#define PPP_IPV4 0x0021
#define PPP_IPV6 0x0057
#define PPP_LCP 0xc021

/*
 * The header at `at`, of a frame of len octets. GO_ON: in->at and in->len tell the IP packet,
 * in->v6 its version by the protocol number. PPP_CONTROL: what follows the protocol number.
 *
 * A protocol number's last octet is odd and its first even (RFC 1661 section 2), which
 * tells one octet from two; 00ff is reserved so that FF is always an address field
 * (section 6.5).
 */
static __always_inline int ppp_parse(struct xdp_md *ctx, __u32 at, __u32 len, struct inner *in)
{
	__u32 proto;
	__u8 *p;

	p = frame_at(ctx, at, 2);
	if (!p || len < 2)
		return L2X_V_BAD_PPP;
	if (p[0] == (PPP_ADDRESS_CONTROL >> 8) && p[1] == (PPP_ADDRESS_CONTROL & 0xff)) {
		at += 2;
		len -= 2;
		p = frame_at(ctx, at, 2);
		if (!p || len < 2)
			return L2X_V_BAD_PPP;
	}
	proto = p[0];
	if (proto == PPP_ALL_STATIONS)
		return L2X_V_BAD_PPP;
	if (proto & 1) {
		at += 1;
		len -= 1;
	} else {
		proto = proto << 8 | p[1];
		if (!(proto & 1))
			return L2X_V_BAD_PPP;
		at += 2;
		len -= 2;
	}
	in->at = (__u16)at;
	in->len = (__u16)len;
	in->v6 = proto == PPP_IPV6;
	return proto == PPP_IPV4 || proto == PPP_IPV6 ? GO_ON : L2X_V_PPP_CONTROL;
}

#endif
