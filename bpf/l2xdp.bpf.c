// SPDX-License-Identifier: GPL-2.0-only
/*
 * The program at the driver hook of every interface of ours: an L2TPv2 LNS's data path,
 * both ways.
 *
 * The way of a packet
 * -------------------
 * parse.h reads Ethernet, up to two tags, and the IP header, and asks one question: is
 * this for us? The destination tells: a listen address (uplink), an address of a
 * subscriber pool (downlink), or neither. What is not for us is passed untouched, before
 * any of our rules is applied to it.
 *
 * Uplink (uplink.h), from the LAC: the outer headers must be sound (parse.h). l2tp.h reads
 * the header in its sixteen forms; a control message goes up to the daemon's socket, by
 * the known lane or by the strangers'. The tunnel and session ID that we handed out are
 * the place of the session in an array (session.h); the peer must be the session's. ppp.h
 * finds the protocol: what is not IP goes up, but for LCP Echo-Requests, which echo.h answers.
 * inner.h looks at the packet: lengths, checksum, does the source belong to the subscriber, ECN,
 * TTL. nexthop.h asks the kernel's FIB, or remembers what it said. Last the sequence number is
 * judged (seq.h), and only then the frame is written: MSS (mss.h), TTL, ECN, a new link-layer
 * header (port.h) where the L2TP header ended.
 *
 * Downlink (downlink.h), from the core: the pool slot of the destination holds the index
 * of the session. Its line is copied, the packet looked at, the MTU compared, the next hop
 * to the peer taken from this CPU's memory or from the FIB, the outer UDP checksum worked
 * out from what the inner one promises (csum.h), and only then head room taken and the
 * headers written.
 *
 * Nearly every frame is plain, and goes the short way (short.h, pw_short.h), which does the same with
 * fewer looks; the words above are those of the long one, which judges all that the short one leaves.
 *
 * Workers (worker.h): where a session's frames are dealt with on another CPU than they arrive
 * at, the hook only hands them on, before either way has begun, and all of the above is done
 * there, from the start.
 *
 * What is for this host goes up: TCP without its headers (host.h), all else as it came, for
 * l2xdp_tc.bpf.c.
 *
 * Rules of the house: decide before you write, and never pass a frame that was changed, but to the
 * address that only l2xdp_in knows.
 * What cannot be done here, or only at a cost, is passed up as it came, and the daemon or
 * the kernel does it: without XDP it is slow, never broken. What goes up is policed
 * (police.h), and what is for the daemon goes up only while it has a socket (daemon.h).
 * Every frame leaves through verdict.h, which counts it, or for a worker, where it does.
 *
 * The daemon rewrites sessions while we read: each of a session's two lines has a
 * generation that is compared before a decision is acted upon. Programs write nothing but
 * counters, sequence numbers, token buckets and their own next hops.
 *
 * RFC 2661 (L2TP), 1661 (PPP), 6040 (ECN), 2983 (DSCP); the rules, as DP-*, V2-* and PPP-*,
 * are in docs/protocol/.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "bpf/daemon.h"
#include "bpf/downlink.h"
#include "bpf/echo.h"
#include "bpf/frame.h"
#include "bpf/host.h"
#include "bpf/parse.h"
#include "bpf/police.h"
#include "bpf/pw_down.h"
#include "bpf/pw_short.h"
#include "bpf/pw_up.h"
#include "bpf/short.h"
#include "bpf/uplink.h"
#include "bpf/verdict.h"
#include "bpf/worker.h"

/* Every stage, every verdict. */
static __always_inline int long_way(struct xdp_md *ctx, struct frame *f, __be16 proto)
{
	__u32 index = 0;
	int v = classify(ctx, f, proto, &index);

	if (v == GO_ON && f->uplink && pw_is_data(ctx, f))
		return pw_up(ctx, f);
	if (v == GO_ON)
		v = f->uplink ? uplink(ctx, f) : downlink(ctx, f, index);
	return v;
}

/* XDP_REDIRECT: the frame is a worker's now. What is found out on the way is what the ways
 * below find out again. A function of its own: without workers it is not called. */
__noinline int hand_on(struct xdp_md *ctx, struct frame *f, __be16 proto)
{
	__u32 index = 0;

	if (!f || classify(ctx, f, proto, &index) != GO_ON)
		return GO_ON;
	return steer(ctx, f, index);
}

/* For frames with tags, and for workers, whose stack would else have no octet left (6.1 allows
 * 512, each function's rounded up to 32). At the hook a call costs more than most frames are
 * worth. */
__noinline int short_way_called(struct xdp_md *ctx, struct frame *f, __be16 proto)
{
	struct short_end end = {};
	__u32 lower = 0;
	int v;

	if (!f || f->group)
		return GO_ON;
	v = short_way(ctx, proto, f->ifindex, f->l3, &lower, &end);
	f->lower = lower;
	return short_tell(f, &end) ? end.verdict : v;
}

/* A frame with a tag at a port: if it is of a circuit there, its verdict, else GO_ON. */
static __always_inline int circuit_of_port(struct xdp_md *ctx, struct frame *f)
{
	__u32 index = circuit_find(ctx, false);

	return index ? pw_down(ctx, f, index) : GO_ON;
}

/* All that has not been forwarded yet; *end: how far the short way has judged it. */
static __always_inline int serve(struct xdp_md *ctx, const struct short_end *end, bool at_worker)
{
	struct frame f = {};
	__be16 proto = 0;
	int v = cfg.pw_mask && !at_worker ? circuit_of_port(ctx, &f) : GO_ON;

	if (v != GO_ON)
		return verdict_leave(ctx, &f, v, at_worker);
	v = parse_link(ctx, &f, &proto);
	if (short_tell(&f, end)) {
		v = end->verdict;
	} else if (v == GO_ON) {
		if (!at_worker && live.workers && hand_on(ctx, &f, proto) == XDP_REDIRECT)
			return XDP_REDIRECT;
		if (at_worker || live.workers || f.l3 != ETH_LEN)
			v = short_way_called(ctx, &f, proto);
	}
	if (v == L2X_V_DECAP || v == L2X_V_ENCAP)
		return verdict_forward(ctx, f.lower, v, at_worker);
	if (v == GO_ON)
		v = long_way(ctx, &f, proto);
	if (verdict_is_slow(v))
		v = police_slow(ctx, &f, v);
	if (v == L2X_V_PPP_CONTROL)
		v = echo(ctx, &f);
	if (v == L2X_V_TO_HOST)
		v = host_in(ctx, &f);
	if (f.uplink && f.udp && verdict_is_slow(v))
		v = daemon_check(ctx, &f, v);
	return verdict_leave(ctx, &f, v, at_worker);
}

/* Nearly every frame leaves at the first return, so until then nothing is made ready that only
 * the others want: they are looked at once more from their first octet on. */
SEC("xdp")
int l2xdp(struct xdp_md *ctx)
{
	struct short_end end;
	__be16 proto;
	__u32 lower;
	int v;

	short_begin(&end);
	if (!live.workers && parse_plain_link(ctx, &proto)) {
		v = short_way(ctx, proto, ctx->ingress_ifindex, ETH_LEN, &lower, &end);
		if (v != GO_ON)
			return verdict_forward(ctx, lower, v, false);
		if (cfg.pw_mask) {
			v = pw_short(ctx);
			if (v != GO_ON)
				return v;
		}
	}
	return serve(ctx, &end, false);
}

/* The same on a worker. */
SEC("xdp/cpumap")
int l2xdp_worker(struct xdp_md *ctx)
{
	struct l2x_ticket ticket = {};
	struct short_end end = {};
	int action;

	handed_count(L2X_HANDED_TAKEN);
	if (ticket_take(ctx, &ticket))
		end.verdict = L2X_V_ERROR;
	action = serve(ctx, &end, true);
	ticket_return(&ticket);
	return action;
}

/* At a device that is a circuit's, or several ones', and nothing else. */
SEC("xdp")
int l2xdp_circuit(struct xdp_md *ctx)
{
	__u32 index = circuit_find(ctx, true);
	struct frame f = {};

	return verdict_leave(ctx, &f, index ? pw_down(ctx, &f, index) : L2X_V_NO_CIRCUIT, false);
}

/* At the daemon's door: what it gives to circuits. */
SEC("xdp")
int l2xdp_door(struct xdp_md *ctx)
{
	struct frame f = {};

	return verdict_leave(ctx, &f, pw_deliver(ctx, &f), false);
}

/* What a worker's queue runs for as long as there is one, while daemons come and go and
 * exchange what it calls. */
SEC("xdp/cpumap")
int l2xdp_enter(struct xdp_md *ctx)
{
	bpf_tail_call(ctx, &worker_code, 0);
	return XDP_DROP; /* there is nothing to call: the data path is being taken down */
}

char LICENSE[] SEC("license") = "GPL";
