/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Pseudowires (L2TPv3, RFC 3931 and RFC 4719) in the maps: what maps/schema.h is for PPP sessions.
 *
 *   map         key                 value          daemon        programs
 *   pws         pseudowire index    l2x_pw         writes        read; buckets: write
 *   pw_traffic  pseudowire index    l2x_traffic    reads, adds   add
 *   pw_ways     index, CPU          l2x_nexthop    -             read, write
 *   pw_ids      l2x_pw_id           index          writes        read
 *   circuits    ifindex + tags      index          writes        read
 *   pw_notes    0, CPU              bpf/pw.h       -             read, write
 *
 * The index of a pseudowire is the low bits of a Session ID that we hand out, so that finding it is
 * an array access: Session ID & (elements of pws - 1). An ID that an operator has chosen is
 * found that way too if it happens to fit, else by pw_ids. The whole ID, the cookie and the path are
 * compared in the value (DP-V3-3, V3-HDR-9), so one ID may be two pseudowires' of two peers. Index 0
 * is nobody's.
 *
 * The maps have one element each where no pseudowire is configured.
 */
#ifndef L2X_MAPS_PW_H
#define L2X_MAPS_PW_H

#include "maps/schema.h"

#define L2X_MAX_PWS (1u << 20) /* elements of pws; always a power of two */
#define L2X_PW_COOKIES 2u /* that are accepted, while one is exchanged for the other */

enum l2x_pw_flag {
	L2X_PW_UDP = 1 << 0, /* else directly over IP, protocol 115 */
	L2X_PW_OUTER6 = 1 << 1, /* local and peer are IPv6 */
	L2X_PW_SUBLAYER =
		1 << 2, /* the default L2-specific sublayer stands there; each line its own */
	L2X_PW_SEQ = 1 << 3, /* with its number: judged (line 0), sent (line 1) */
	L2X_PW_CSUM0 = 1 << 4, /* line 1: outer UDP checksum 0 over IPv4 (V3-HDR-10) */
	L2X_PW_COOKIE4 = 1 << 5, /* the cookie has 4 octets, */
	L2X_PW_COOKIE8 = 1 << 6, /* or 8 */
	L2X_PW_UP = 1 << 7, /* line 1: frames may be sent (V3-CS-3); line 0: taken */
	L2X_PW_MSS = 1 << 8, /* SYNs in IP in the frame are clamped, both ways */
	L2X_PW_TOS_FIXED = 1 << 9, /* line 1: outer DSCP is `dscp`, not 0 */
};

/*
 * One pseudowire, in three cache lines. From the peer the programs read lines 0 and 2, to the
 * peer 1 and 2. Lines 0 and 1 have a generation as those of l2x_session; line 2 is
 * written while both are 0.
 *
 * A frame at the circuit has the tags `tag`, and in the tunnel the tags `wire`: of as many of either
 * as are not 0. Where they are equal the frame is carried as it is.
 */
struct l2x_pw {
	/* line 0: from the peer */
	__u32 gen; /* 0: dead */
	__be32 id; /* ours, whole */
	struct l2x_addr peer; /* outer source that must match */
	struct l2x_addr local; /* outer destination that must match */
	__be16 peer_port; /* 0 without UDP */
	__be16 local_port;
	__u16 flags; /* enum l2x_pw_flag */
	__u16 reserved0;
	__be64 cookie[L2X_PW_COOKIES]; /* either is taken; one of 4 octets: those first, then 0 */

	/* line 1: to the peer */
	__u32 tx_gen; /* as gen */
	__be32 peer_id;
	struct l2x_addr tx_peer;
	struct l2x_addr tx_local;
	__be16 tx_peer_port;
	__be16 tx_local_port;
	__u16 tx_flags;
	__u16 mtu; /* octets of the largest frame, Ethernet header and tags counted, as it is carried */
	__u8 ttl;
	__u8 dscp; /* 0..63, with L2X_PW_TOS_FIXED */
	__u16 reserved1;
	__u32 pseudo_sum; /* ones' complement sum, folded, in network order, of what never changes of
			   * the outer UDP pseudo header, UDP and L2TP header: addresses, protocol 17,
			   * ports, 0003, peer's ID, peer's cookie. Not in it: UDP length (counts twice), the
			   * sublayer, the frame. */
	__be64 tx_cookie; /* peer's, as cookie */

	/* line 2: the circuit */
	__u64 name; /* a hash of the pseudowire's name: whose element this is across restarts */
	__u32 ifindex; /* that frames go to; 0: there is none now */
	__be16 tag[2]; /* VLAN IDs at the circuit, outer first; 0: none */
	__be16 tpid[2]; /* with which they are put on */
	__be16 wire[2]; /* VLAN IDs in the tunnel */
	__u16 mss_mtu; /* octets: SYNs are clamped to this less 40 or 60 (DP-MSS-1) */
	__u16 room; /* octets of the largest frame, all counted, that the circuit's device takes */
	__u32 bum_rate; /* frames to a group a second, each way, a second's worth at once; 0: no limit */
	__u64 bum_rx, bum_tx; /* struct l2x_tokens as one word: from and to the peer */
	__u64 punt; /* the same: frames that are given to the daemon */
	__u64 reserved3;
} __attribute__((aligned(64)));

/* l2x_traffic of a pseudowire, as the daemon sees it: nothing of it moves between workers or is echoed, so
 * these words hold what the slow path has carried, and outlive the daemon. It alone writes them. */
struct l2x_pw_traffic {
	__u64 hook_rx[6];
	__u64 slow_rx_packets;
	__u64 slow_rx_bytes;
	__u64 hook_tx[4];
	__u64 slow_tx_packets;
	__u64 slow_tx_bytes;
	__u64 slow_rx_drops;
	__u64 slow_tx_drops;
};

/* l2x_traffic.rx_seq of a pseudowire, as one word: numbers of 24 bits (V3-SUB-2). Its tx_ns is the next
 * number, low 24 bits. */
struct l2x_pw_seq {
	__u64 expected : 24; /* next number */
	__u64 last_old : 24; /* that of the newest frame that was judged old */
	__u64 old_run : 16; /* how many old ones in order among themselves (V3-SUB-4) */
};

/* An ID of ours that is not found by its low bits. */
struct l2x_pw_id {
	__be32 id;
	__be16 peer_port; /* 0 without UDP */
	__u16 reserved;
	struct l2x_addr peer;
};

/*
 * The daemon's door to the circuits is a TAP device of its own. Every frame there has this before it: the
 * program of the circuit gives the daemon so what it cannot carry itself (too large, no way known
 * yet), and what the daemon writes goes to the circuit, by the program of that device. Its first
 * octet makes it no frame to anybody.
 */
struct l2x_pw_ticket {
	__u8 mark; /* L2X_TICKET_MARK */
	__u8 verdict; /* to the daemon: why */
	__u16 reserved;
	__u32 index; /* of the pseudowire */
	__u8 pad[8]; /* with these the ticket is an Ethernet header and a bit, as the kernel wants to see */
};

L2X_ASSERT(sizeof(struct l2x_pw) == 192);
L2X_ASSERT(__builtin_offsetof(struct l2x_pw, cookie) == 48);
L2X_ASSERT(__builtin_offsetof(struct l2x_pw, tx_gen) == 64);
L2X_ASSERT(__builtin_offsetof(struct l2x_pw, pseudo_sum) == 116);
L2X_ASSERT(__builtin_offsetof(struct l2x_pw, name) == 128);
L2X_ASSERT(__builtin_offsetof(struct l2x_pw, bum_rx) == 160);
L2X_ASSERT(sizeof(struct l2x_pw_traffic) == sizeof(struct l2x_traffic));
L2X_ASSERT(__builtin_offsetof(struct l2x_pw_traffic, slow_rx_packets) ==
	   __builtin_offsetof(struct l2x_traffic, rx_move));
L2X_ASSERT(__builtin_offsetof(struct l2x_pw_traffic, slow_tx_packets) ==
	   __builtin_offsetof(struct l2x_traffic, tx_move));
L2X_ASSERT(__builtin_offsetof(struct l2x_pw_traffic, slow_rx_drops) ==
	   __builtin_offsetof(struct l2x_traffic, echoes));
L2X_ASSERT(sizeof(struct l2x_pw_seq) == 8);
L2X_ASSERT(sizeof(struct l2x_pw_id) == 24);
L2X_ASSERT(sizeof(struct l2x_pw_ticket) == 16);

#endif
