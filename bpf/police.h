/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What goes up costs the daemon time, so each sender has but a share (DP-SLOW-20,
 * DP-DEMUX-4). A share is a token bucket in one word, changed by compare-and-swap: one
 * second's worth, filled in steps of 2^20 ns. Rate 0 means no limit, and no code.
 *
 *   frame                                      share
 *   control message of a known tunnel          the tunnel's control_rate
 *   other control message                      its source's stranger_rate, and
 *                                              stranger_total
 *   ... of a source that is a peer's           the same, and a stranger_total of their own
 *   data for no session here                   its source's unknown_rate, and
 *                                              unknown_total
 *   a session's PPP control frame              the session's punt_rate, all of it
 *   ... any other frame for the slow path      the same but for the last quarter, and
 *                                              punt_total
 *   any other for the slow path                its source's punt_rate, and punt_total
 *
 * A known tunnel's share is far above what a LAC needs: it bounds what one that has gone mad,
 * or somebody who forges its address and has guessed its ID, can cost the others. Who floods
 * from random sources uses up the strangers' total, and the configured peers, who may connect,
 * are not strangers. Strangers and unknown data have shares apart, and slots: after a restart
 * of ours a LAC goes on sending data that nobody knows, next to the SCCRQ that mends it. And
 * because punted data waits in one socket's queue, there is a total for it.
 *
 * A total is one bucket for all CPUs; were it one for each, a flood that the NIC spreads over
 * 64 of them would get 64 totals. But 64 CPUs that fight for one cache line would fall behind
 * the flood. So a CPU takes a handful of tokens at once into a word of its own, and when there
 * are none it does not ask again before the clock has moved (2^20 ns).
 */
#ifndef L2X_BPF_POLICE_H
#define L2X_BPF_POLICE_H

#include "bpf/frame.h"

/* Slots: a tunnel each by its ID, then sources by their hash and kind, then a kind's total,
 * a cache line for all CPUs and one for each. */
#define POLICE_SOURCES 8192u
#define POLICE_LINE 8u /* slots in a cache line */
#define POLICE_CPUS 256u
#define POLICE_FIRST_SOURCE L2X_MAX_TUNNELS
#define POLICE_FIRST_TOTAL (POLICE_FIRST_SOURCE + POLICE_KINDS * POLICE_SOURCES)
#define POLICE_TOTAL_SLOTS ((1 + POLICE_CPUS) * POLICE_LINE)
#define POLICE_TRIES 4
#define POLICE_HANDFUL 64u /* tokens that a CPU takes of a total at once, at most */
#define TOKEN 1024u /* one frame */
#define FULL_TICKS 1000u /* in these any bucket fills */

/* What cannot use up each other's shares. */
enum police_kind { POLICE_STRANGER, POLICE_PEER, POLICE_PUNT, POLICE_UNKNOWN, POLICE_KINDS };

_Static_assert(POLICE_FIRST_TOTAL + POLICE_KINDS * POLICE_TOTAL_SLOTS <= L2X_POLICE_SLOTS,
	       "police slots");

union token_word {
	struct l2x_tokens t;
	__u64 word;
};

static __always_inline __u32 police_clock(void)
{
	return (__u32)(bpf_ktime_get_coarse_ns() >> 20);
}

/* Takes n tokens, but leaves `reserve` of them. False: there are not so many. */
static __always_inline bool police_take(__u64 *bucket, __u32 rate, __u32 reserve, __u32 n)
{
	volatile __u64 *word = bucket;
	__u32 now = police_clock(), ticks;
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
		if (tokens < (__u64)(reserve + n) * TOKEN)
			return false;
		if (ticks)
			t.t.stamp = now;
		t.t.tokens = (__u32)(tokens - n * TOKEN);
		if (!t.word)
			t.t.tokens = 1;
		if (__sync_val_compare_and_swap(bucket, was, t.word) == was)
			return true;
	}
	return false;
}

/* What of the source a share is of: an IPv4 /24 or an IPv6 /56. 0: no IP header. */
static __always_inline __u64 police_source(struct xdp_md *ctx, const struct frame *f)
{
	const struct ipv6hdr *ip6;
	const struct iphdr *ip;

	if (f->l3 > 22)
		return 0;
	if (f->v6) {
		ip6 = frame_at(ctx, f->l3, sizeof(*ip6));
		return ip6 ? bpf_be64_to_cpu(*(const any64 *)&ip6->saddr) >> 8 : 0;
	}
	ip = frame_at(ctx, f->l3, sizeof(*ip));
	return ip ? bpf_ntohl(ip->saddr) >> 8 : 0;
}

static __always_inline __u32 police_slot(struct xdp_md *ctx, const struct frame *f, __u32 kind)
{
	__u64 key = police_source(ctx, f);

	/* a multiplicative hash: the odd constant is 2^64 divided by the golden ratio */
	key = (key ^ (__u64)live.seed << 20) * 0x9e3779b97f4a7c15ull;
	key ^= key >> 29;
	key *= 0x9e3779b97f4a7c15ull;
	return POLICE_FIRST_SOURCE + kind * POLICE_SOURCES +
	       ((__u32)(key >> 40) & (POLICE_SOURCES - 1));
}

static __always_inline bool police_slot_take(__u32 slot, __u32 rate, __u32 n)
{
	struct l2x_bucket *bucket = bpf_map_lookup_elem(&police, &slot);

	return bucket && police_take(&bucket->tokens, rate, 0, n);
}

/* A token of all CPUs' total. The word of this CPU is written by it alone; its stamp is when
 * it asked last. */
static __always_inline bool police_total(__u32 kind, __u32 rate)
{
	__u32 all = POLICE_FIRST_TOTAL + kind * POLICE_TOTAL_SLOTS, handful = rate >> 8;
	__u32 cpu = bpf_get_smp_processor_id() & (POLICE_CPUS - 1), now = police_clock();
	__u32 slot = all + (1 + cpu) * POLICE_LINE;
	struct l2x_bucket *mine = bpf_map_lookup_elem(&police, &slot);
	union token_word t;

	if (!mine)
		return false;
	t.word = mine->tokens;
	if (t.t.tokens) {
		t.t.tokens--;
		mine->tokens = t.word;
		return true;
	}
	if (t.t.stamp == now)
		return false;
	if (handful > POLICE_HANDFUL)
		handful = POLICE_HANDFUL;
	if (!handful)
		handful = 1;
	if (police_slot_take(all, rate, handful)) {
		t.t.tokens = handful - 1;
		mine->tokens = t.word;
		return true;
	}
	t.t.stamp = now;
	mine->tokens = t.word;
	return false;
}

/* May the source of the frame connect, as the configuration has it? */
static __always_inline bool police_is_peer(struct xdp_md *ctx, const struct frame *f)
{
	const struct ipv6hdr *ip6;
	const struct iphdr *ip;
	struct l2x_addr a = {};
	__u32 i;

	if (f->v6) {
		ip6 = frame_at(ctx, f->l3, sizeof(*ip6));
		if (!ip6)
			return false;
		a.d[0] = *(const any64 *)&ip6->saddr;
		a.d[1] = *((const any64 *)&ip6->saddr + 1);
	} else {
		ip = frame_at(ctx, f->l3, sizeof(*ip));
		if (!ip)
			return false;
		a.w[2] = bpf_htonl(0xffff);
		a.w[3] = ip->saddr;
	}
	for (i = 0; i < L2X_MAX_PEERS; i++) {
		if (i >= cfg.n_peers)
			break;
		if (!((a.d[0] ^ cfg.peers[i].addr.d[0]) & cfg.peers[i].mask.d[0]) &&
		    !((a.d[1] ^ cfg.peers[i].addr.d[1]) & cfg.peers[i].mask.d[1]))
			return true;
	}
	return false;
}

static __always_inline int police_stranger(struct xdp_md *ctx, const struct frame *f, int verdict)
{
	__u32 kind = POLICE_STRANGER, rate = cfg.stranger_rate, total = cfg.stranger_total;

	if (verdict == L2X_V_SESSION_UNKNOWN) {
		kind = POLICE_UNKNOWN;
		rate = cfg.unknown_rate;
		total = cfg.unknown_total;
	} else if (police_is_peer(ctx, f)) {
		kind = POLICE_PEER;
	}
	/* its own share first: a source that floods must not eat everybody's */
	if (rate && !police_slot_take(police_slot(ctx, f, kind), rate, 1))
		return L2X_V_STRANGER_POLICED;
	if (total && !police_total(kind, total))
		return L2X_V_STRANGER_POLICED;
	return verdict;
}

static __always_inline int police_control(const struct frame *f, int verdict)
{
	if (cfg.control_rate && !police_slot_take(f->tunnel, cfg.control_rate, 1))
		return L2X_V_CONTROL_POLICED;
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
		taken = t && police_take(&t->punt, rate, ppp ? 0 : rate / 4, 1);
	else if (rate)
		taken = police_slot_take(police_slot(ctx, f, POLICE_PUNT), rate, 1);
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
		return police_control(f, verdict);
	case L2X_V_STRANGER:
	case L2X_V_SESSION_UNKNOWN:
		return police_stranger(ctx, f, verdict);
	}
	return police_punt(ctx, f, verdict);
}

#endif
