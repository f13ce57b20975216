/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pseudowires (RFC 3931, RFC 4719): what both ways of them need. A frame is carried as it is, but for
 * its VLAN tags: those of the circuit become those in the tunnel, and the other way round.
 */
#ifndef L2X_BPF_PW_H
#define L2X_BPF_PW_H

#include "bpf/frame.h"
#include "bpf/inner.h"
#include "bpf/mss.h"
#include "bpf/parse.h"
#include "bpf/police.h"
#include "bpf/session.h"

#define PW_DATA 0x0003 /* flags and version over UDP; 16 bits that mean nothing follow */
#define PW_UDP_LEN 4 /* these */
#define PW_ID_LEN 4
#define SUBLAYER_LEN 4
#define SUBLAYER_V 0x80000000
#define SUBLAYER_S 0x40000000
#define SUBLAYER_BE 0x30000000 /* a fragment (RFC 4623) */
#define SUBLAYER_SEQ 0x00ffffff
#define MACS_LEN 12
#define TAG_LEN 4

/* VLAN tags by their IDs, outer first; how many: of those that are not 0. */
struct pw_tags {
	__be16 id[2];
};

static __always_inline __u32 pw_tags_len(struct pw_tags t)
{
	return (t.id[0] ? TAG_LEN : 0) + (t.id[1] ? TAG_LEN : 0);
}

/* The frame's tags, at the most two. Not 0: it is cut short. */
static __always_inline int pw_tags_read(struct xdp_md *ctx, __u32 at, struct pw_tags *ret)
{
	const any16 *w = frame_at(ctx, at + MACS_LEN, 2);

	ret->id[0] = ret->id[1] = 0;
	if (!w || !is_vlan(w[0]))
		return w ? 0 : -1;
	w = frame_at(ctx, at + MACS_LEN, TAG_LEN + 2);
	if (!w)
		return -1;
	ret->id[0] = w[1] & bpf_htons(VLAN_VID_MASK);
	if (!is_vlan(w[2]))
		return 0;
	w = frame_at(ctx, at + MACS_LEN + TAG_LEN, TAG_LEN);
	if (!w)
		return -1;
	ret->id[1] = w[1] & bpf_htons(VLAN_VID_MASK);
	return 0;
}

/* Has the frame, whose tags are `has`, those that it must have? More of them are its own. */
static __always_inline bool pw_tags_are(struct pw_tags has, struct pw_tags must)
{
	if (!must.id[0])
		return true;
	return has.id[0] == must.id[0] && (!must.id[1] || has.id[1] == must.id[1]);
}

/* How a frame's tags are exchanged. */
struct pw_swap {
	struct pw_tags from, to;
	__be16 tpid[2]; /* of `to` */
	__u8 any; /* else the frame is carried as it is, and nothing above means anything */
	signed char more; /* octets that it has more of them then */
};

/* Line 1 of struct l2x_pw, copied. */
struct pw_tx {
	__u32 gen;
	__be32 peer_id;
	struct l2x_addr peer;
	struct l2x_addr local;
	__be16 peer_port;
	__be16 local_port;
	__u16 flags;
	__u16 mtu;
	__u8 ttl;
	__u8 dscp;
	__u16 reserved;
	__u32 pseudo_sum;
	__be64 cookie;
};
#define PW_TX_SAME(here, there)                                                                    \
	_Static_assert(__builtin_offsetof(struct pw_tx, here) + 64 ==                              \
			       __builtin_offsetof(struct l2x_pw, there),                           \
		       "pw_tx is line 1 of l2x_pw")
PW_TX_SAME(gen, tx_gen);
PW_TX_SAME(peer, tx_peer);
PW_TX_SAME(local, tx_local);
PW_TX_SAME(peer_port, tx_peer_port);
PW_TX_SAME(flags, tx_flags);
PW_TX_SAME(mtu, mtu);
PW_TX_SAME(ttl, ttl);
PW_TX_SAME(pseudo_sum, pseudo_sum);
PW_TX_SAME(cookie, tx_cookie);
#undef PW_TX_SAME

/*
 * The notes of one frame: what has been found out of it and decided. They stand in a map, one element
 * for each CPU, on which nothing interrupts another of our programs: the stack has no room, and
 * what comes back from there the verifier knows nothing of, so it walks what follows once.
 */
struct pw_notes {
	struct pw_tx tx; /* to the peer: the session */
	struct pw_swap swap;
	__u32 sublayer; /* from the peer: host order; 0 without one */
	__u32 ifindex; /* that the frame leaves by */
	__u16 at, end; /* from the peer: the Ethernet frame in the message */
	__u16 len; /* to the peer: octets of it as it will be carried */
	__u16 link, ip, l2tp; /* octets of the new header: Ethernet and tags, outer IP, the rest */
	__u16 mss_mtu; /* 0: do not clamp */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pw_notes);
} pw_notes SEC(".maps");

static __always_inline struct pw_notes *pw_notes_new(void)
{
	__u32 slot = 0;

	return bpf_map_lookup_elem(&pw_notes, &slot);
}

/* From two IDs to two, each pair as the word that stands in struct l2x_pw. */
static __always_inline void pw_swap_set(struct pw_swap *swap, const struct l2x_pw *w, __u32 from,
					__u32 to)
{
	swap->any = from != to;
	swap->more = 0;
	if (from == to)
		return;
	*(any32 *)&swap->from = from;
	*(any32 *)&swap->to = to;
	*(any32 *)swap->tpid = *(const any32 *)w->tpid;
	swap->more = (signed char)(pw_tags_len(swap->to) - pw_tags_len(swap->from));
}

/*
 * Exchanges the tags: those of the frame that is at `at` now and begins at `to_at` then, which is as
 * much later as there are fewer tags then. Priority and drop eligibility (the other four bits) go along; a tag in
 * the place of another keeps its TPID. Not 0: it is not there. As pw_notes.swap has it; a function of its
 * own: the verifier walks it once.
 */
__noinline int pw_tags_write(struct xdp_md *ctx, __u32 at, __u32 to_at)
{
	const struct pw_notes *notes = pw_notes_new();
	__be16 first, tpid0, tpid1, class0 = 0, class1 = 0;
	const struct pw_swap *swap;
	any32 *w = frame_at(ctx, at, MACS_LEN);
	__u32 macs[3];
	any16 *tag;

	if (!w || !notes)
		return -1;
	swap = &notes->swap;
	tpid0 = swap->tpid[0];
	tpid1 = swap->tpid[1];
	macs[0] = w[0];
	macs[1] = w[1];
	macs[2] = w[2];
	if (swap->from.id[0]) {
		tag = frame_at(ctx, at + MACS_LEN, TAG_LEN);
		if (!tag)
			return -1;
		tpid0 = tag[0];
		class0 = class1 = tag[1] & ~bpf_htons(VLAN_VID_MASK);
	}
	if (swap->from.id[1]) {
		tag = frame_at(ctx, at + MACS_LEN + TAG_LEN, TAG_LEN);
		if (!tag)
			return -1;
		tpid1 = tag[0];
		class1 = tag[1] & ~bpf_htons(VLAN_VID_MASK);
	}
	if (!swap->from.id[1] != !swap->to.id[1]) { /* another number of them: as configured */
		tpid0 = swap->tpid[0];
		tpid1 = swap->tpid[1];
	}
	w = frame_at(ctx, to_at, MACS_LEN);
	if (!w)
		return -1;
	w[0] = macs[0];
	w[1] = macs[1];
	w[2] = macs[2];
	first = swap->to.id[0];
	if (first) {
		tag = frame_at(ctx, to_at + MACS_LEN, TAG_LEN);
		if (!tag)
			return -1;
		tag[0] = tpid0;
		tag[1] = first | class0;
	}
	if (swap->to.id[1]) {
		tag = frame_at(ctx, to_at + MACS_LEN + TAG_LEN, TAG_LEN);
		if (!tag)
			return -1;
		tag[0] = tpid1;
		tag[1] = swap->to.id[1] | class1;
	}
	return 0;
}

/* The packet in the Ethernet frame at `at`, which ends at `end`. False: none of IP, or odd. */
static __always_inline bool pw_inner(struct xdp_md *ctx, __u32 at, __u32 end, struct inner *in)
{
	struct pw_tags tags;
	const any16 *type;

	if (pw_tags_read(ctx, at, &tags))
		return false;
	at += MACS_LEN + pw_tags_len(tags);
	type = frame_at(ctx, at, 2);
	if (!type || !is_ip(*type) || end < at + 2 + IP4_LEN)
		return false;
	in->at = (__u16)(at + 2);
	in->len = (__u16)(end - at - 2);
	in->v6 = *type == bpf_htons(ETH_P_IPV6);
	return true;
}

/* Clamps the MSS of the frame at `at`, if it is a SYN. Its checksum is made good, so nothing of
 * the frame's sum changes. A function of its own: few frames are. */
__noinline int pw_clamp(struct xdp_md *ctx, __u32 at, __u32 end, __u32 mtu)
{
	struct inner in = {};

	if (at > 255 || end > 65535 || !pw_inner(ctx, at, end, &in))
		return 0;
	frame_forget();
	if (inner_parse(ctx, &in) == GO_ON && mss_is_syn(ctx, &in))
		mss_clamp_inner(ctx, &in, mtu);
	return 0;
}

/* May this frame to a group pass, too? */
static __always_inline bool pw_bum_passes(__u64 *bucket, __u32 rate)
{
	return !rate || police_take(bucket, rate, 0, 1);
}

static __always_inline __u32 circuit_at(__u32 ifindex, struct pw_tags tags)
{
	struct l2x_vlan_key key = { .ifindex = ifindex };
	__u32 *index;

	key.tag[0] = tags.id[0];
	key.tag[1] = tags.id[1];
	index = bpf_map_lookup_elem(&circuits, &key);
	return index ? *index : 0;
}

/* Which pseudowire is a frame's with these tags? By both, by the outer one; 0: none. */
static __always_inline __u32 circuit_longest(__u32 ifindex, struct pw_tags tags)
{
	__u32 index = 0;

	if (tags.id[0] && tags.id[1])
		index = circuit_at(ifindex, tags);
	tags.id[1] = 0;
	return index || !tags.id[0] ? index : circuit_at(ifindex, tags);
}

static __always_inline struct l2x_pw *pw_at(__u32 index)
{
	return index ? bpf_map_lookup_elem(&pws, &index) : 0;
}

#endif
