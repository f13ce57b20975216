/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the programs in bpf/ and the daemon share: the keys and values of every map.
 *
 * Types and assertions only. This header compiles as BPF and as user-space C; sizes and
 * offsets are asserted at the end, because a value that two compilers lay out
 * differently is read wrong without any error. Byte order is in the type.
 *
 *   map        key                  value            daemon            programs
 *   sessions   session index        l2x_session      writes            read
 *   traffic    session index        l2x_traffic      reads, adds       add
 *   up_lines   session index        l2x_short_up     writes, reads     read, add
 *   down_lines session index        l2x_short_down   writes, reads     read, add
 *   tunnels    our tunnel ID        l2x_tunnel       writes            read
 *   pool4      window slot / 16     l2x_slots        writes            read
 *   pool6      window slot / 16     l2x_slots        writes            read
 *   hosts4     IPv4 address         session index    writes            read
 *   hosts6     upper 64 bits        session index    writes            read
 *   ports      ifindex, probed      l2x_port         writes            read
 *   vlans      ifindex + tags       ifindex          writes            read
 *   nexthops   nexthop slot, CPU    l2x_nexthop      -                 read, write
 *   routes     CPU and hash of the  l2x_route        -                 read, write
 *              destination
 *   police     tunnel ID, source,   l2x_bucket       -                 read, write
 *              CPU (bpf/police.h)
 *   verdicts   enum l2x_verdict     u64, per CPU     reads             add
 *   places     session index / 64   l2x_places       writes            read
 *   workers    CPU                  a queue (cpumap) writes            redirect to
 *   worker_code 0                   the worker       writes            call
 *   handed     CPU * 256 + place    u64              reads             add, each CPU its row
 *   .rodata    -                    l2x_config       before load       read
 *   .bss       -                    l2x_live         writes            read; lease_*: write
 *   about      0                    l2x_about        writes            -
 *
 * All but .rodata outlive the daemon (loader/datapath/pin.c).
 *
 * A change of any size, order or meaning raises L2X_SCHEMA.
 */
#ifndef L2X_MAPS_SCHEMA_H
#define L2X_MAPS_SCHEMA_H

#ifdef __bpf__
#include "vmlinux.h"
#else
#include <linux/types.h>
#endif

#define L2X_SCHEMA 3

/*
 * The session index is made of the identifiers that we hand out, so that finding a
 * session is an array access: ((tunnel ID & (shards - 1)) << 16) | session ID. The other
 * bits of the tunnel ID are compared in the value. Session ID 0 is never handed out
 * (RFC 2661 section 3.1), so index 0 means "no session" in pool4, pool6 and hosts.
 */
#define L2X_SHARD_SESSIONS 65536u
#define L2X_MAX_SHARDS 64u /* a power of two; 4 Mi sessions */
#define L2X_MAX_TUNNELS 65536u
#define L2X_MAX_LISTEN 16u /* local addresses */
#define L2X_MAX_WINDOWS 16u /* address pools of one family */
#define L2X_MAX_WINDOW_SLOTS (1u << 20) /* addresses of one pool that can be handed out */
#define L2X_MAX_HOSTS 65536u /* subscribers with an address outside every pool */
#define L2X_PORT_SLOTS 256u
#define L2X_PORT_PROBES 4u
#define L2X_MAX_NEXTHOPS 65536u /* one per tunnel: the slot is the tunnel ID's */
#define L2X_ROUTE_SLOTS 4096u /* of one CPU; a power of two */
#define L2X_POLICE_SLOTS (L2X_MAX_TUNNELS + 65536u)
#define L2X_MAX_PEERS 64u /* prefixes of peers that have a lane of their own */

/* An IPv4 address stands in its v4-mapped form, ::ffff:a.b.c.d. */
struct l2x_addr {
	union {
		__be32 w[4];
		__be64 d[2];
	};
};

enum l2x_session_flag {
	L2X_S_IPV4 = 1 << 0, /* IPCP is open: 0021 is forwarded (DP-PPP-2) */
	L2X_S_IPV6 = 1 << 1, /* IPV6CP is open: 0057 is forwarded */
	L2X_S_OUTER6 = 1 << 2, /* local and peer are IPv6 */
	L2X_S_SEQ_TX = 1 << 3, /* number what we send (V2-DATA-2) */
	L2X_S_SEQ_RX = 1 << 4, /* judge what arrives by DP-SEQ */
	L2X_S_SEQ_REQUIRED = 1 << 5, /* drop what arrives without a number (DP-SEQ-3) */
	L2X_S_ACFC = 1 << 6, /* leave out FF 03 when sending (DP-PPP-3) */
	L2X_S_ECN = 1 << 7, /* peer sent AVP 103: outer ECN := inner (DP-ECN-1) */
	L2X_S_MSS = 1 << 8, /* clamp the MSS of SYNs, both ways (DP-MSS-1) */
	L2X_S_CSUM0 = 1 << 9, /* send IPv4 outer UDP checksum 0 (DP-CK-1) */
	L2X_S_TOS_FIXED = 1 << 10, /* outer DSCP is `dscp`, not the inner one's (DP-DS-1) */
	L2X_S_ECHO = 1 << 11, /* LCP is open: the program answers Echo-Requests (PPP-ECHO-1) */
};

/*
 * One session. Uplink reads line 0 only, downlink line 1 only. The daemon alone writes.
 * Elements are not replaced atomically, so each line carries a generation: the daemon
 * sets it to 0 (dead), writes the rest, then sets the next non-zero number; a program
 * reads it first, and again before it changes or sends the frame, and treats a
 * difference as "no session now" (the slow path).
 */
struct l2x_session {
	/* line 0: from the peer */
	__u32 gen; /* 0: dead */
	__be16 tunnel_id; /* ours, whole */
	__u16 flags; /* enum l2x_session_flag */
	struct l2x_addr peer; /* outer source that must match */
	struct l2x_addr local; /* outer destination that must match */
	__be16 peer_port;
	__be16 local_port;
	__be32 ipv4; /* the subscriber's address, 0: none */
	__be64 ipv6; /* upper 64 bits of the subscriber's prefix, 0: none */
	__u16 mss_mtu; /* octets: SYNs are clamped to this less 40 or 60 (DP-MSS-1) */
	__u16 reserved0[3];

	/* line 1: to the peer; the outer header's ingredients */
	__u32 tx_gen; /* as gen */
	__be16 peer_tunnel_id;
	__be16 peer_session_id;
	struct l2x_addr tx_peer;
	struct l2x_addr tx_local;
	__be16 tx_peer_port;
	__be16 tx_local_port;
	__u16 tx_flags; /* copy of flags */
	__u16 mtu; /* octets of the largest inner packet (DP-MTU-1) */
	__u16 nexthop; /* slot of nexthops: our tunnel ID in host order */
	__u8 ttl; /* outer TTL or hop limit (DP-TX-5) */
	__u8 dscp; /* 0..63, with L2X_S_TOS_FIXED */
	__u32 pseudo_sum; /* ones' complement sum, unfolded or folded, in network order as
			   * bpf_csum_diff gives it, of the parts of the outer UDP pseudo
			   * header and the L2TP and PPP header that never change: source,
			   * destination, protocol 17, ports, flags word, tunnel and session
			   * ID (peer's). Not in it: UDP length (counts twice), Ns, PPP. */
	__be32 magic; /* LCP's magic numbers, with L2X_S_ECHO; 0: not negotiated. Ours, */
	__be32 peer_magic; /* and the peer's */
} __attribute__((aligned(64)));

/*
 * What a session's traffic leaves behind. Added to atomically by the programs and, for
 * sequence numbers, by the daemon too: the map is mapped into it. Packets and octets
 * are those of the inner IP packet (DP-LIFE-2), at the hook only; the daemon
 * keeps those of the slow path itself.
 */
struct l2x_traffic {
	__u64 rx_packets; /* from the subscriber */
	__u64 rx_bytes;
	__u64 rx_drops; /* refused for this session: spoofed, closed, sequence */
	__u64 rx_seq; /* struct l2x_seq as one word, by compare-and-swap */
	__u64 rx_lost; /* numbers that never came (DP-SEQ-1) */
	__u64 punt; /* struct l2x_tokens as one word: frames to the slow path */
	__u64 rx_move; /* struct l2x_move as one word, by compare-and-swap */
	__u64 rx_done; /* struct l2x_done as one word */

	__u64 tx_packets; /* to the subscriber */
	__u64 tx_bytes;
	__u64 tx_drops;
	__u64 tx_ns; /* next Ns, low 16 bits, by fetch-and-add */
	__u64 tx_move; /* as rx_move */
	__u64 tx_done;
	__u64 echoes; /* Echo-Requests of the subscriber that the program has answered */
	__u64 reserved1;
} __attribute__((aligned(64)));

/* A cache line of a window's slots: each alone would take 8 octets of an array. */
#define L2X_SLOTS 16u
struct l2x_slots {
	__u32 index[L2X_SLOTS]; /* of the session that has the address; 0: nobody */
} __attribute__((aligned(64)));

/*
 * What the short way (bpf/short.h) needs of a session, and what it counts, in one cache line for
 * each direction: a packet of one session among a million finds no line in a cache, and pays for each
 * one that it touches. Excerpts of l2x_session, for sessions over IPv4 alone; all that the short
 * way leaves is done by l2x_session and l2x_traffic, and what a session has had is the sum of
 * both. The daemon writes them after l2x_session, and takes their generation away before it;
 * counters it never changes but when it begins a session.
 */
struct l2x_short_up {
	__u32 gen; /* 0: dead, or not over IPv4 */
	__be16 tunnel_id;
	__u16 flags; /* enum l2x_session_flag */
	__be32 peer; /* outer source and destination that must match */
	__be32 local;
	__be16 peer_port;
	__be16 local_port;
	__be32 ipv4; /* as l2x_session */
	__be64 ipv6;
	__u64 reserved[2];
	__u64 packets;
	__u64 bytes;
} __attribute__((aligned(64)));

struct l2x_short_down {
	__u32 gen; /* 0: dead, or not over IPv4 */
	__u16 nexthop; /* as l2x_session */
	__u16 flags; /* tx_flags */
	__be64 ip[2]; /* of the outer IPv4 header what begins with the TTL, checksum 0, and both
		       * ports: octets as they are sent */
	__be16 l2tp[4]; /* flags word, tunnel ID and session ID as they are sent, and FF 03 */
	__u16 ip_sum; /* of that IPv4 header's 16-bit words but TOS and length, folded, and */
	__u16 pseudo_sum; /* as l2x_session, folded; both as they lie in memory */
	__u16 mtu;
	__u8 head; /* octets from the outer IP header to the inner one */
	__u8 dscp;
	__u64 reserved;
	__u64 packets;
	__u64 bytes;
} __attribute__((aligned(64)));

/* DP-SEQ: state of the receiving side. */
struct l2x_seq {
	__u16 expected; /* next Ns */
	__u16 last_old; /* Ns of the newest packet that was judged old */
	__u16 old_run; /* how many old ones in order among themselves (DP-SEQ-2) */
	__u16 reserved;
};

/* A token bucket in one word. */
struct l2x_tokens {
	__u32 stamp; /* time of the last change, in units of 2^20 ns */
	__u32 tokens; /* 1/1024 frame */
};

/*
 * Where a session's frames are dealt with: an octet each. 0: on the CPU that they arrive at;
 * else CPU + 1, a worker; or L2X_MOVING, and the session's rx_move and tx_move tell.
 */
#define L2X_PLACES 64u
#define L2X_MOVING 255u
#define L2X_MAX_WORKER_CPUS 254u /* CPUs 0 to 253 */
struct l2x_places {
	__u8 at[L2X_PLACES];
};

/* `handed`: row of the CPU that counts, column a place, or this: taken by it as a worker. */
#define L2X_HANDED_COLUMNS 256u
#define L2X_HANDED_TAKEN 255u

/* One direction of a session that moves. The daemon writes it before the octet says
 * L2X_MOVING, and sets `gone` itself where nothing is sent. */
struct l2x_move {
	__u16 sent; /* number of the last frame that went to `from`; 0: none yet */
	__u8 gone; /* nothing is under way at `from`: frames go to `to` */
	__u8 from, to; /* places */
	__u8 reserved[3];
};

/* The last of these frames that was dealt with. */
struct l2x_done {
	__u16 number;
	__u16 reserved;
	__u32 stamp; /* when, in units of 1024 ns */
};
#define L2X_MOVE_QUIET 98u /* 100 us: what was dealt with has left its CPU by then */

/* Stands before the Ethernet header on the way to `from`. Its first octet is of no frame that
 * is handed on: those have a destination that is not a group. */
struct l2x_ticket {
	__u8 mark; /* L2X_TICKET_MARK */
	__u8 uplink;
	__u16 number;
	__u32 index; /* of the session */
};
#define L2X_TICKET_MARK 0xff

/* A control connection: which source is known, and has the lane for known ones. */
struct l2x_tunnel {
	__u32 gen; /* 0: none; written as l2x_session.gen */
	__be16 peer_port;
	__be16 local_port;
	struct l2x_addr peer;
	struct l2x_addr local;
};

/* An interface that frames come from or leave by. Slot: (ifindex + k) & 255, k < 4. */
struct l2x_port {
	__u32 ifindex; /* 0: free. Of the port or of a VLAN device above one */
	__u32 lower; /* ifindex of the port that the frame really leaves by */
	__be16 tag[2]; /* VLAN IDs to push, outer first; 0: none */
	__be16 tpid[2];
	__u8 mac[6];
	__u16 mtu; /* octets of IP packet */
	__u16 flags; /* enum l2x_port_flag */
	__u16 reserved[3];
};

enum l2x_port_flag {
	L2X_P_RX = 1 << 0, /* our program is attached: frames are taken here */
	L2X_P_TX = 1 << 1, /* lower takes redirected frames */
};

/* Which VLAN device a tagged frame belongs to (for the FIB's input interface). */
struct l2x_vlan_key {
	__u32 ifindex;
	__be16 tag[2];
};

/* What the FIB has said, per CPU, filled by the program itself: of a tunnel the outer next hop. */
struct l2x_nexthop {
	__u32 epoch; /* valid while it equals l2x_live.epoch; 0: never filled */
	__u32 stamp; /* jiffies when it was filled, and no longer than L2X_KEPT_JIFFIES after */
	__u8 dmac[6];
	__u8 smac[6];
	__u16 mtu; /* octets of IP packet that this way takes */
	__u16 reserved;
	__u32 lower; /* ifindex to redirect to */
	__be16 tag[2]; /* as l2x_port */
	__be16 tpid[2];
} __attribute__((aligned(8)));
/* A quarter of a second to two and a half, as the kernel's HZ has it. */
#define L2X_KEPT_JIFFIES 256u

/* The way of inner packets to one destination. Kept only while the FIB looks at nothing else
 * (l2x_live.routes4). */
struct l2x_route {
	struct l2x_nexthop nh;
	__u32 ifindex; /* that such packets came in by, as the FIB is told */
	__u32 reserved;
	struct l2x_addr dst;
};

struct l2x_bucket {
	__u64 tokens; /* struct l2x_tokens as one word */
};

struct l2x_window4 {
	__u32 first; /* host order, lowest address */
	__u32 count; /* addresses, at most L2X_MAX_WINDOW_SLOTS */
	__u32 slot; /* of `first` in pool4 */
};

struct l2x_window6 {
	__u64 first; /* host order, upper 64 bits of the lowest /64 */
	__u32 count; /* /64s */
	__u32 slot; /* of `first` in pool6 */
};

/* Sources that may connect: a frame's belongs to it if it equals addr where mask is set. An
 * IPv4 prefix is one of ::ffff:0:0/96. */
struct l2x_prefix {
	struct l2x_addr addr, mask;
};

/* .rodata: known at load; what is off costs nothing. */
struct l2x_config {
	__u32 schema; /* L2X_SCHEMA */
	__u32 shard_mask; /* shards - 1 */
	__be16 port; /* UDP port, 1701 */
	__u8 n_listen, n_windows4, n_windows6;
	__u8 verify_checksum; /* 1: sum outer UDP checksums of what arrives (DP-CK-2) */
	__u8 isolate; /* 1: no forwarding from one subscriber to another (DP-SPOOF-2) */
	__u8 generic; /* 1: attached in generic mode */
	__u8 n_peers;
	__u8 reserved;
	__u16 resync; /* DP-SEQ-2: old packets in order before we follow, default 64 */
	/* Rates are in frames per second, a second's worth at once; 0: no limit. A source is
	 * an IPv4 /24 or an IPv6 /56. The last quarter of a session's share is for its PPP
	 * control frames alone, so that no flood of its own data costs it its LCP echoes. */
	__u32 control_rate; /* control messages of one control connection */
	__u32 stranger_rate; /* ... of a source without control connection */
	__u32 stranger_total; /* ... and of all those together; those of `peers` apart */
	__u32 unknown_rate; /* of a source: data for sessions that there are not */
	__u32 unknown_total; /* ... and of all sources together */
	__u32 punt_rate; /* of a session to the slow path, and of a source whose frames belong
			  * to no session: fragments, IP options, addresses nobody holds */
	__u32 punt_total; /* ... and of all those together, but for PPP control */
	__u32 pw_mask; /* elements of pws - 1; 0: there are no pseudowires */
	__u32 pw_ifindex; /* l2tp0: the device that the FIB is told pseudowires' packets come in by */
	__u32 pw_door; /* TAP of the daemon (maps/pw.h, l2x_pw_ticket) */
	__u32 pw_rate; /* frames of a pseudowire to it */
	struct l2x_addr listen[L2X_MAX_LISTEN];
	struct l2x_window4 window4[L2X_MAX_WINDOWS];
	struct l2x_window6 window6[L2X_MAX_WINDOWS];
	struct l2x_prefix peers[L2X_MAX_PEERS]; /* of the configuration */
};

/* .bss: changed while traffic flows. */
struct l2x_live {
	__u32 epoch; /* raised by the daemon at every change of routes, neighbours or links,
		       * and once a second: bounds how stale a next hop can be */
	__u32 hosts4; /* entries in hosts4; 0: the look-up is left out */
	__u32 hosts6;
	__u32 seed; /* random, set once: keeps the police slots of sources from being guessed */
	__u32 routes4; /* 1: the way of an IPv4 packet depends on nothing but where it came in and
			* its destination, and may be kept; 0: on its source, TOS or flow too */
	__u32 routes6;
	/* The daemon that says so must be alive: it raises epoch once a second. */
	__u32 lease_epoch; /* the newest epoch seen by a program */
	__u32 lease_since; /* jiffies when it was first seen */
	__u32 workers; /* 0: no session has a place but 0, the look-up is left out */
	__u32 host; /* ifindex of l2tp0, whose door the programs for tc keep; 0: the slow path does */
	__u32 host_mtu; /* of l2tp0 */
	__u8 host_mac
		[6]; /* random, set once: what XDP has taken out of the tunnel for l2tp0 is sent to
			   * this address, which is nobody's */
	__u16 reserved;
};
/* So long after that nothing more is kept that routes4 and routes6 speak of. */
#define L2X_LEASE_JIFFIES 1024u

/* What pinned maps are, in a map of one element beside them, for whoever finds them. The
 * first two words never change. */
struct l2x_about {
	__u32 magic; /* L2X_ABOUT_MAGIC */
	__u32 schema; /* L2X_SCHEMA */
	__u32 shards;
	__u32 reserved;
	__u64 windows; /* a sum over the windows: what a slot of pool4 and pool6 means */
	char version[40]; /* of the daemon that made them, for people */
};
#define L2X_ABOUT_MAGIC 0x4c325842u

#define L2X_ASSERT(e) _Static_assert(e, #e)
L2X_ASSERT(sizeof(struct l2x_addr) == 16);
L2X_ASSERT(sizeof(struct l2x_session) == 128);
L2X_ASSERT(__builtin_offsetof(struct l2x_session, ipv6) == 48);
L2X_ASSERT(__builtin_offsetof(struct l2x_session, tx_gen) == 64);
L2X_ASSERT(__builtin_offsetof(struct l2x_session, pseudo_sum) == 116);
L2X_ASSERT(__builtin_offsetof(struct l2x_session, magic) == 120);
L2X_ASSERT(sizeof(struct l2x_traffic) == 128);
L2X_ASSERT(__builtin_offsetof(struct l2x_traffic, tx_packets) == 64);
L2X_ASSERT(__builtin_offsetof(struct l2x_traffic, rx_done) == 56);
L2X_ASSERT(__builtin_offsetof(struct l2x_traffic, echoes) == 112);
L2X_ASSERT(sizeof(struct l2x_short_up) == 64);
L2X_ASSERT(__builtin_offsetof(struct l2x_short_up, ipv6) == 24);
L2X_ASSERT(__builtin_offsetof(struct l2x_short_up, packets) == 48);
L2X_ASSERT(sizeof(struct l2x_short_down) == 64);
L2X_ASSERT(__builtin_offsetof(struct l2x_short_down, ip_sum) == 32);
L2X_ASSERT(__builtin_offsetof(struct l2x_short_down, packets) == 48);
L2X_ASSERT(sizeof(struct l2x_seq) == 8);
L2X_ASSERT(sizeof(struct l2x_places) == L2X_PLACES);
L2X_ASSERT(sizeof(struct l2x_move) == 8);
L2X_ASSERT(sizeof(struct l2x_done) == 8);
L2X_ASSERT(sizeof(struct l2x_ticket) == 8);
L2X_ASSERT(sizeof(struct l2x_tokens) == 8);
L2X_ASSERT(sizeof(struct l2x_tunnel) == 40);
L2X_ASSERT(sizeof(struct l2x_port) == 32);
L2X_ASSERT(__builtin_offsetof(struct l2x_port, mac) == 16);
L2X_ASSERT(sizeof(struct l2x_vlan_key) == 8);
L2X_ASSERT(sizeof(struct l2x_nexthop) == 40);
L2X_ASSERT(__builtin_offsetof(struct l2x_nexthop, dmac) == 8);
L2X_ASSERT(sizeof(struct l2x_route) == 64);
L2X_ASSERT(__builtin_offsetof(struct l2x_route, dst) == 48);
L2X_ASSERT(sizeof(struct l2x_slots) == 64);
L2X_ASSERT(sizeof(struct l2x_live) == 52);
L2X_ASSERT(sizeof(struct l2x_window4) == 12);
L2X_ASSERT(sizeof(struct l2x_window6) == 16);
L2X_ASSERT(sizeof(struct l2x_prefix) == 32);
L2X_ASSERT(sizeof(struct l2x_about) == 64);

#endif
