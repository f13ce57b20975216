/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The frames of the bench: what is sent in, and exactly what has to come out. Pure: bytes
 * from a cell of the table and a session number.
 */
#ifndef L2XDP_BENCH_FRAMES_H
#define L2XDP_BENCH_FRAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/bench/gen.h"

/* ECHO: an LCP Echo-Request goes in, of `inner` octets, and the answer comes out. */
enum bench_op { BENCH_DECAP, BENCH_ENCAP, BENCH_ECHO };
extern const char *const bench_op_names[]; /* "decap", "encap", "echo" */

/* Who is measured: our program, or the kernel in its place. */
enum bench_device { BENCH_L2XDP, BENCH_FORWARD, BENCH_VXLAN, BENCH_DEVICES };
extern const char *const bench_device_names[]; /* "l2xdp", "kernel forwarding", ... */

/* What carries it: PPP in L2TPv2 over UDP and IPv4, or an Ethernet frame in a pseudowire (L2TPv3) with
 * cookies of 8 octets and no sublayer. Over IPv4 UDP goes without checksum, as the kernel's, or
 * with it. */
enum bench_wire { BENCH_PPP, BENCH_UDP4, BENCH_UDP4_SUM, BENCH_IP4, BENCH_UDP6 };
extern const char *const bench_wire_names[]; /* "PPP", "UDP/IPv4", ... */

/* Where the program is done with a frame that is spoilt in one place: how far it gets tells
 * what the way there costs. */
enum bench_exit {
	EXIT_END, /* not spoilt: all the way */
	EXIT_LINK, /* to another link-layer address */
	EXIT_OUTER, /* decap: to an address that is not ours */
	EXIT_L2TP, /* decap: of another L2TP version */
	EXIT_SESSION, /* decap: from a port that is not this session's peer */
	EXIT_INNER, /* with the source of another session; encap: a header checksum is wrong */
};

/* One line of the table: which frames, over how many sessions. */
struct cell {
	enum bench_op op;
	int family; /* of the inner packet: 4 or 6 */
	unsigned int inner; /* octets of the inner packet; in a pseudowire of the frame */
	/* 1..BENCH_SESSIONS; for the kernel, that many addresses; pseudowires, up to BENCH_PWS: one is a
	 * whole device, more are a VLAN each */
	unsigned int sessions;
	bool seq; /* with Ns */
	bool plain_sum; /* inner UDP without checksum: encapsulation has to sum it all */
	enum bench_device device;
	enum bench_exit exit; /* but for EXIT_END, only for frame_recipe */
	bool foreign; /* IDs are the device's own: outer UDP goes in without checksum */
	enum bench_wire wire;
};

/* The plan of addresses, host order. Session number k is added to the last 20 bits of an IPv4
 * address, of the upper half of an IPv6 address, and of tunnel and session ID as one word: so
 * a tunnel holds 65 535 sessions, and a million take 16. */
#define BENCH_SHARDS 16u
#define BENCH_NUMBERS (BENCH_SHARDS << 16) /* greater than any number */
#define BENCH_SESSIONS (BENCH_SHARDS * 65535u)
#define BENCH_TUNNEL 0x1230u /* ours, the first of them */
#define BENCH_PEER_TUNNEL 0x0a00u
#define BENCH_PORT 1701u
#define BENCH_LNS 0xc0000201u /* 192.0.2.1 */
#define BENCH_LAC 0xc000020au /* 192.0.2.10 */
#define BENCH_POOL4 0x0a400000u /* 10.64.0.0/12; the next two /12 for forwarding and VXLAN */
#define BENCH_POOL6 0x20010db800100000ull /* 2001:db8:10::/44, a /64 each; likewise */
#define BENCH_MAGIC 0x01a2b3c4u /* LCP's, ours */
#define BENCH_PEER_MAGIC 0xd1c2b3a4u
#define BENCH_VXLAN_PORT 4789u
#define BENCH_VNI 42u
#define BENCH_CORE4 0xcb007105u /* 203.0.113.5 */
#define BENCH_CORE6 0x20010db8ffff0000ull /* 2001:db8:ffff::5 */

/* Pseudowires: number k is in the low bits of both Session IDs, and is the VLAN where there are
 * several. They have an address of their own, for the kernel's own L2TP sits on the other. */
#define BENCH_PWS 4094u
#define BENCH_PW_INDICES 4096u
#define BENCH_PW_ID 0x11220000u /* ours */
#define BENCH_PW_PEER_ID 0x55660000u
#define BENCH_PW_COOKIE 0x0123456789abcdefull /* that we accept */
#define BENCH_PW_PEER_COOKIE 0xfedcba9876543210ull
#define BENCH_PW_COOKIE_LEN 8u
#define BENCH_PW_HERE 0xc0000202u /* 192.0.2.2 */
#define BENCH_MTU 1600u /* of all links: frames of 1 500 octets cross in pseudowires, too */
#define BENCH_PW_NET6 0x20010db8000c0000ull /* 2001:db8:c::1 here, ::2 there */

/* Link-layer addresses are 02:00:00:00:00:N. */
enum bench_mac { MAC_FAR = 1, MAC_IN, MAC_OUT, MAC_NEXT, MAC_VXLAN, MAC_VXLAN_FAR };
/* Of the hosts that pseudowires join they are 02:00:00:00:01:N: the one here, the one there. */
enum bench_pw_mac { MAC_PW_HERE = 1, MAC_PW_THERE };

/* Our and the peer's tunnel ID of number k. */
static inline uint16_t bench_tid(uint32_t k)
{
	return (uint16_t)(BENCH_TUNNEL + (k >> 16));
}
static inline uint16_t bench_peer_tid(uint32_t k)
{
	return (uint16_t)(BENCH_PEER_TUNNEL + (k >> 16));
}
/* The peer's session ID: not ours, and never 0. */
static inline uint16_t bench_peer_sid(uint32_t k)
{
	return (uint16_t)((k & 0xff) << 8 | (k >> 8 & 0xff));
}

/* The frame that goes in for session k; returns its length. Room: SINK_FRAME_MAX. */
size_t frame_in(const struct cell *c, uint32_t k, uint16_t ns, uint8_t *ret);
/* The same as instructions for gen.bpf.c. */
void frame_recipe(const struct cell *c, struct gen_config *ret);

/* What was seen of the frames that left. */
struct check {
	unsigned int frames, strays, sessions;
	unsigned int bad;
	char why[128]; /* of the first bad one */
	uint8_t seen[BENCH_NUMBERS / 8];
	uint16_t ns[BENCH_NUMBERS]; /* of the last frame, for sequenced encapsulation */
};
/* One frame that left: `through` says that it crossed what is measured, else the bare redirect
 * and must be what went in. Every octet is compared. */
void frame_check(struct check *k, const struct cell *c, bool through, const uint8_t *frame,
		 size_t len);
/* Is this an inner packet as it leaves, and not something that the host itself says? */
bool frame_is_ours(const struct cell *c, const uint8_t *frame, size_t len);
/* IDs that a peer has given a session; `tid` 0: there is no such session. */
struct ids {
	uint16_t tid, sid, port;
};
/* One frame that another device has encapsulated: any form of header that the protocol allows,
 * but the right IDs, addresses, ports, lengths and sums, and the inner packet octet by octet.
 * `peer`: the IDs by session number, of BENCH_NUMBERS. */
void frame_check_any(struct check *k, const struct cell *c, const struct ids *peer,
		     const uint8_t *frame, size_t len);

#endif
