/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What goes up costs the daemon time, so each sender has but a share (DP-SLOW-20,
 * DP-DEMUX-4). A share is a token bucket in one word, changed by compare-and-swap: one
 * second's worth, filled in steps of 2^20 ns. Rate 0 means no limit, and no code.
 *
 *   frame                                      share
 *   control message of a known tunnel          none is needed
 *   other control message                      its source's stranger_rate, and
 *                                              stranger_total of this CPU
 *   data for no session here                   its source's unknown_rate, and
 *                                              unknown_total of this CPU
 *   a session's PPP control frame              the session's punt_rate, all of it
 *   ... any other frame for the slow path      the same but for the last quarter, and
 *                                              punt_total of this CPU
 *   any other for the slow path                its source's punt_rate, and punt_total
 *
 * Strangers and unknown data have shares apart, and slots: after a restart of ours a LAC goes
 * on sending data that nobody knows, next to the SCCRQ that mends it. And because control
 * messages, PPP and punted data all wait in one socket's queue, there is a total for data:
 * many sessions within their shares must not cost the others their Hellos and echoes.
 */
#ifndef L2X_BPF_POLICE_H
#define L2X_BPF_POLICE_H

#include "bpf/frame.h"

#define POLICE_PART (L2X_POLICE_SLOTS / 3) /* slots of a kind of share */
#define POLICE_CPUS 256u /* the first of them: totals, the others are of sources */
#define POLICE_TRIES 4
#define TOKEN 1024u /* one frame */
#define FULL_TICKS 1000u /* in these any bucket fills */

/* What cannot use up each other's shares. */
enum police_kind { POLICE_STRANGER, POLICE_PUNT, POLICE_UNKNOWN };

union token_word {
	struct l2x_tokens t;
	__u64 word;
};

/* Takes a token, but leaves `reserve` of them. False: there is none. */
static __always_inline bool police_take(__u64 *bucket, __u32 rate, __u32 reserve)
{
	volatile __u64 *word = bucket;
	__u32 now = (__u32)(bpf_ktime_get_coarse_ns() >> 20), ticks;
	__u64 was, tokens, full = (__u64)rate * TOKEN;
	union token_word t;
	int i;

	if (full > 0xffffffff)
		full = 0xffffffff;
	for (i = 0; i < POLICE_TRIES; i++) {
		was = *word;
		t.word = was;
		if (!was) /* never used */
			t.t.stamp = now - FULL_TICKS;
		ticks = now - t.t.stamp;
		if (ticks > 0u - FULL_TICKS)
			ticks = 0; /* another CPU was ahead; beyond that, it was long ago */
		tokens = full;
		if (ticks < FULL_TICKS) /* 2^20 ns: rate * 1.0737 units of 1/1024 frame */
			tokens = t.t.tokens + (__u64)ticks * rate * 1100 / 1024;
		if (tokens > full)
			tokens = full;
		if (tokens < (__u64)(reserve + 1) * TOKEN)
			return false;
		if (ticks)
			t.t.stamp = now;
		t.t.tokens = (__u32)(tokens - TOKEN);
		if (!t.word)
			t.t.tokens = 1;
		if (__sync_val_compare_and_swap(bucket, was, t.word) == was)
			return true;
	}
	return false;
}

/* Slot of the source of the frame's IP header: an IPv4 /24 or an IPv6 /56. */
static __always_inline __u32 police_slot(struct xdp_md *ctx, const struct frame *f, __u32 kind)
{
	const struct ipv6hdr *ip6;
	const struct iphdr *ip;
	__u32 first = kind * POLICE_PART + POLICE_CPUS;
	__u64 key = 0;

	if (f->l3 > 22)
		return first;
	if (f->v6) {
		ip6 = frame_at(ctx, f->l3, sizeof(*ip6));
		if (ip6)
			key = bpf_be64_to_cpu(*(const any64 *)&ip6->saddr) >> 8;
	} else {
		ip = frame_at(ctx, f->l3, sizeof(*ip));
		if (ip)
			key = bpf_ntohl(ip->saddr) >> 8;
	}
	/* a multiplicative hash: the odd constant is 2^64 divided by the golden ratio */
	key = (key ^ (__u64)live.seed << 20) * 0x9e3779b97f4a7c15ull;
	key ^= key >> 29;
	key *= 0x9e3779b97f4a7c15ull;
	return first + (__u32)(key >> 40) % (POLICE_PART - POLICE_CPUS);
}

static __always_inline bool police_slot_take(__u32 slot, __u32 rate)
{
	struct l2x_bucket *bucket = bpf_map_lookup_elem(&police, &slot);

	return bucket && police_take(&bucket->tokens, rate, 0);
}

static __always_inline bool police_total(__u32 kind, __u32 rate)
{
	__u32 cpu = bpf_get_smp_processor_id() & (POLICE_CPUS - 1);

	return police_slot_take(kind * POLICE_PART + cpu, rate);
}

static __always_inline int police_stranger(struct xdp_md *ctx, const struct frame *f, int verdict)
{
	__u32 kind = POLICE_STRANGER, rate = cfg.stranger_rate, total = cfg.stranger_total;

	if (verdict == L2X_V_SESSION_UNKNOWN) {
		kind = POLICE_UNKNOWN;
		rate = cfg.unknown_rate;
		total = cfg.unknown_total;
	}
	/* its own share first: a source that floods must not eat everybody's */
	if (rate && !police_slot_take(police_slot(ctx, f, kind), rate))
		return L2X_V_STRANGER_POLICED;
	if (total && !police_total(kind, total))
		return L2X_V_STRANGER_POLICED;
	return verdict;
}

static __always_inline int police_punt(struct xdp_md *ctx, const struct frame *f, int verdict)
{
	__u32 session = f->session, rate = cfg.punt_rate;
	bool ppp = verdict == L2X_V_PPP_CONTROL, taken = true;
	struct l2x_traffic *t = NULL;

	if (!rate && !cfg.punt_total)
		return verdict;
	if (session)
		t = bpf_map_lookup_elem(&traffic, &session);
	if (rate && session)
		taken = t && police_take(&t->punt, rate, ppp ? 0 : rate / 4);
	else if (rate)
		taken = police_slot_take(police_slot(ctx, f, POLICE_PUNT), rate);
	if (taken && !ppp && cfg.punt_total)
		taken = police_total(POLICE_PUNT, cfg.punt_total);
	if (t && !taken)
		__sync_fetch_and_add(f->uplink ? &t->rx_drops : &t->tx_drops, 1);
	return taken ? verdict : L2X_V_SLOW_POLICED;
}

/* The verdict of a frame for the slow path, or that there are too many of those. */
__noinline int police_slow(struct xdp_md *ctx, struct frame *f, int verdict)
{
	if (!f)
		return verdict;
	switch (verdict) {
	case L2X_V_CONTROL:
		return verdict;
	case L2X_V_STRANGER:
	case L2X_V_SESSION_UNKNOWN:
		return police_stranger(ctx, f, verdict);
	}
	return police_punt(ctx, f, verdict);
}

#endif
