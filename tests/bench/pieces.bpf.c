// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel's offers to a program cost, each alone: one program for each, which does it
 * 64 times between two looks at the clock. The index of the next element depends on what was
 * read of the last one, so that no two cache misses overlap: a packet waits for its own.
 * `nothing` is the loop without a piece, and is taken off.
 */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tests/bench/pieces.h"

#define AF_INET 2
#define AF_INET6 10

struct pieces_shared pieces;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PIECES_MAX);
	__type(key, __u32);
	__type(value, struct pieces_line);
} array SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PIECES_MAX);
	__type(key, __u32);
	__type(value, __u64);
} hash SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, PIECES_MAX);
	__type(key, struct pieces_lpm_key);
	__type(value, __u64);
} lpm SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 4);
} out SEC(".maps");

/* Each index once in a round, in shuffled order. */
static __always_inline __u32 next(__u32 *x, __u64 depends)
{
	*x = (*x * 1664525u + 1013904223u + (__u32)depends) & pieces.mask;
	return (*x ^ (*x >> 5)) & pieces.mask;
}

/* The pieces. i: the next index; what is put into *got the one after it waits for. Not 0: it did
 * not do what it is measured for. */
#define PIECE(name)                                                                                \
	static __always_inline int do_##name(struct xdp_md *ctx, __u32 i, __u64 *got);             \
	SEC("xdp") int name(struct xdp_md *ctx)                                                    \
	{                                                                                          \
		__u64 got = 0, start = bpf_ktime_get_ns();                                         \
		__u32 x = pieces.x, failed = 0;                                                    \
                                                                                                   \
		_Pragma("clang loop unroll(disable)") for (int n = 0; n < PIECES_LOOP; n++)        \
			failed += do_##name(ctx, next(&x, got), &got) != 0;                        \
		pieces.ns += bpf_ktime_get_ns() - start;                                           \
		pieces.x = x;                                                                      \
		pieces.failed += failed;                                                           \
		return XDP_DROP;                                                                   \
	}                                                                                          \
	static __always_inline int do_##name(struct xdp_md *ctx, __u32 i, __u64 *got)

PIECE(nothing)
{
	asm volatile("" ::"r"(i)); /* it is made, though nobody uses it */
	return 0;
}

PIECE(clock_read)
{
	*got = bpf_ktime_get_ns() >> 63;
	return 0;
}

PIECE(look_up_array)
{
	struct pieces_line *l = bpf_map_lookup_elem(&array, &i);

	if (!l)
		return 1;
	*got = l->zero;
	return 0;
}

PIECE(count_two)
{
	struct pieces_line *l = bpf_map_lookup_elem(&array, &i);

	if (!l)
		return 1;
	__sync_fetch_and_add(&l->packets, 1);
	__sync_fetch_and_add(&l->octets, 64);
	*got = l->zero;
	return 0;
}

PIECE(look_up_hash)
{
	__u64 *v = bpf_map_lookup_elem(&hash, &i);

	if (!v)
		return 1;
	*got = *v;
	return 0;
}

PIECE(look_up_lpm)
{
	struct pieces_lpm_key k = { .len = 32, .addr = bpf_htonl(PIECES_LPM + i) };
	__u64 *v = bpf_map_lookup_elem(&lpm, &k);

	if (!v)
		return 1;
	*got = *v;
	return 0;
}

/* The destination is one of pieces.mask + 1, all behind one route. */
PIECE(fib_ipv4)
{
	struct bpf_fib_lookup p;

	__builtin_memset(&p, 0, sizeof(p));
	p.family = AF_INET;
	p.l4_protocol = 17;
	p.tot_len = 64;
	p.ifindex = pieces.ifindex;
	p.ipv4_src = bpf_htonl(0x0a400001);
	p.ipv4_dst = bpf_htonl(0x0a500000 + i);
	if (bpf_fib_lookup(ctx, &p, sizeof(p), 0))
		return 1;
	*got = p.family >> 7;
	return 0;
}

PIECE(fib_ipv6)
{
	struct bpf_fib_lookup p;

	__builtin_memset(&p, 0, sizeof(p));
	p.family = AF_INET6;
	p.l4_protocol = 17;
	p.tot_len = 64;
	p.ifindex = pieces.ifindex;
	p.ipv6_src[0] = p.ipv6_dst[0] = bpf_htonl(0x20010db8);
	p.ipv6_src[1] = bpf_htonl(0x00100001);
	p.ipv6_dst[1] = bpf_htonl(0x00200000 + i);
	p.ipv6_dst[3] = bpf_htonl(1);
	if (bpf_fib_lookup(ctx, &p, sizeof(p), 0))
		return 1;
	*got = p.family >> 7;
	return 0;
}

/* Takes 42 octets of head room and gives them back: two calls. */
PIECE(adjust_head_twice)
{
	return bpf_xdp_adjust_head(ctx, -42) || bpf_xdp_adjust_head(ctx, 42);
}

PIECE(redirect)
{
	return bpf_redirect_map(&out, 0, 0) != XDP_REDIRECT;
}

static __always_inline int sum(struct xdp_md *ctx, __u32 octets, __u64 *got)
{
	void *data = (void *)(long)ctx->data;
	__s64 s;

	if (data + octets > (void *)(long)ctx->data_end)
		return 1;
	s = bpf_csum_diff(NULL, 0, data, octets, 0);
	*got = (__u64)s >> 63;
	return s < 0;
}

PIECE(sum_64)
{
	return sum(ctx, 64, got);
}

PIECE(sum_512)
{
	return sum(ctx, 512, got);
}

/* Ethernet, IPv4, UDP and L2TP headers as 7 stores of 8 octets. */
PIECE(write_headers)
{
	volatile __u64 *p = (void *)(long)ctx->data;

	if ((void *)p + 56 > (void *)(long)ctx->data_end)
		return 1;
	p[0] = p[1] = p[2] = p[3] = p[4] = p[5] = p[6] = i;
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
