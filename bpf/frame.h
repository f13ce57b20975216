/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the stages of the program know of the frame in hand, and how they look at it.
 *
 * A stage returns a verdict (maps/verdicts.h), or GO_ON. Places in the frame are kept as
 * offsets from ctx->data, not as pointers: an offset survives what moves the frame, and
 * the verifier meets few different states.
 */
#ifndef L2X_BPF_FRAME_H
#define L2X_BPF_FRAME_H

#include "vmlinux.h"
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "maps/maps.bpf.h"
#ifndef L2X_SKB
#include "maps/pw.bpf.h"
#endif

#define GO_ON (-1)

#define ETH_P_IP 0x0800
#define ETH_P_IPV6 0x86dd
#define ETH_P_8021Q 0x8100
#define ETH_P_8021AD 0x88a8
#define VLAN_VID_MASK 0x0fff
#define ETH_LEN 14

#define AF_INET 2
#define AF_INET6 10

#define IPPROTO_HOPOPTS 0
#define IPPROTO_ICMP 1
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_ROUTING 43
#define IPPROTO_FRAGMENT 44
#define IPPROTO_ICMPV6 58
#define IPPROTO_DSTOPTS 60
#define IPPROTO_L2TP 115

#define IP_DF 0x4000
#define IP_MF 0x2000
#define IP_OFFSET 0x1fff
#define IP4_LEN 20 /* without options: with them a packet is for the slow path */
#define IP6_LEN 40
#define UDP_LEN 8
#define TCP_LEN 20

#define FRAME_PLACES 2048u /* a power of two: offsets that frame_at takes */

/* Loads and stores that may look at anything, as the compiler must know. */
typedef __u16 __attribute__((may_alias)) any16;
typedef __u32 __attribute__((may_alias)) any32;
typedef __u64 __attribute__((may_alias)) any64;

/* An IP packet inside the frame: what the subscriber sent, or is to get. */
struct inner {
	__u16 at; /* its header */
	__u16 len; /* octets of header and payload; what follows them is padding */
	__u8 v6;
	__u8 tos; /* DSCP and ECN */
	__u8 ttl;
	__u8 proto; /* what follows the IP header directly */
	__u8 fragment; /* 1: any fragment; 2: not the first */
};

/* tc: what is for this host itself. */
enum frame_host {
	HOST_TOO = 0, /* that, and all else */
	HOST_ONLY, /* that alone: the rest has been judged by XDP */
	HOST_IN, /* this one is, and may */
};

struct frame {
	__u32 ifindex; /* input interface for the FIB: the port, or the VLAN device above it */
	__u32 session; /* index, once it is certain that the frame is the session's; else 0 */
	__u32 lower; /* interface that the frame leaves by */
	__u16 l3; /* the IP header it arrived with: the outer one, or from the core the only */
	__u16 udp; /* outer UDP header; 0: not, or not known to be, for our port */
	__u16 udp_len; /* octets, that header included */
	__u8 v6; /* of the header at l3 */
	__u8 ecn; /* of the header at l3 */
	__u8 uplink; /* for us, not for a subscriber */
	__u8 host; /* enum frame_host; at the hook of XDP always 0 */
	__u16 tunnel; /* our ID of the control connection whose message this is; else 0 */
	__u8 group; /* to a link-layer broadcast or multicast address */
	__u8 raw; /* L2TPv3 directly over IP: `in` is what follows the IP header */
	__u8 sequenced; /* the data message has a number: */
	__u16 ns;
	struct inner in; /* or the PPP frame that is no IP packet: `at` and `len` */
};

#ifdef L2X_SKB
/* The words stand far into the context here: a compiler would add that up beforehand, and a
 * verifier takes nothing but the context's own beginning. */
#define FRAME_WORD(ctx, word)                                                                      \
	({                                                                                         \
		void *word_;                                                                       \
		asm volatile("%0 = *(u32 *)(%1 + %2)"                                              \
			     : "=r"(word_)                                                         \
			     : "r"(ctx), "i"(__builtin_offsetof(struct xdp_md, word)));            \
		word_;                                                                             \
	})
#else
#define FRAME_WORD(ctx, word) ((void *)(long)(ctx)->word)
#endif

/*
 * The place `off` of the frame, of which nothing may be looked at yet. No header that we look at
 * begins beyond FRAME_PLACES; the mask tells that to a verifier that has lost sight of how `off`
 * came about, so it must not be optimised away.
 */
static __always_inline void *frame_place(struct xdp_md *ctx, __u64 off)
{
	if (!__builtin_constant_p(off))
		asm volatile("%0 &= %1" : "+r"(off) : "i"(FRAME_PLACES - 1));
	return FRAME_WORD(ctx, data) + off;
}

/* `size` (a constant) octets at `off`, or NULL when the frame is shorter. */
static __always_inline void *frame_at(struct xdp_md *ctx, __u64 off, __u32 size)
{
	void *p = frame_place(ctx, off);

	return p + size > FRAME_WORD(ctx, data_end) ? 0 : p;
}

/* Are there `size` octets of the frame at `p`? */
static __always_inline bool frame_has(struct xdp_md *ctx, const void *p, __u32 size)
{
	return p + size <= FRAME_WORD(ctx, data_end);
}

static __always_inline __u32 frame_len(struct xdp_md *ctx)
{
#ifdef L2X_SKB
	return ctx->len;
#else
	__u64 len = ctx->data_end - ctx->data;

	/* Pointers are subtracted here, as 64-bit numbers, and nowhere else. */
	asm volatile("" : "+r"(len));
	return (__u32)len;
#endif
}

static __always_inline __u32 inner_header_len(const struct inner *in)
{
	return in->v6 ? IP6_LEN : IP4_LEN;
}

/* IPv6 traffic class of the first word. */
static __always_inline __u8 ip6_class(const struct ipv6hdr *ip6)
{
	return (__u8)(bpf_ntohl(*(const any32 *)ip6) >> 20);
}

static __always_inline __u8 ip_version(const void *ip)
{
	return *(const __u8 *)ip >> 4;
}

static __always_inline bool ip6_equal(const void *a, const void *b)
{
	const any64 *x = a, *y = b;

	return x[0] == y[0] && x[1] == y[1];
}

/* What stands in *f is read anew. In uplink() and downlink() the verifier then knows
 * nothing of it and walks what follows once, not once for each form of header. */
static __always_inline void frame_forget(void)
{
	asm volatile("" ::: "memory");
}

/* Loads before this stay before it. On x86 they do by themselves; elsewhere an atomic
 * that fetches is the only full barrier that BPF has. */
static __always_inline void load_barrier(void)
{
#if defined(__TARGET_ARCH_x86)
	asm volatile("" ::: "memory");
#else
	volatile __u64 word = 0;

	if (__sync_fetch_and_add(&word, 1))
		asm volatile("" ::: "memory");
#endif
}

#endif
