/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the bench's own programs (gen.bpf.c, sink.bpf.c) share with the process that runs
 * them. Types only. The process writes all of it before a run and reads it after; during
 * a run only the programs write, on one CPU.
 */
#ifndef L2X_BENCH_GEN_H
#define L2X_BENCH_GEN_H

#ifdef __bpf__
#include "vmlinux.h"
#else
#include <linux/types.h>
#endif

#define GEN_HEAD 112 /* octets of headers that are written again on each frame ... */
#define GEN_HEAD_SHORT 72 /* ... or this many, where the headers are shorter, */
#define GEN_HEAD_LEAST 64 /* or the frame is */
#define GEN_CSUMS 2
#define GEN_WAYS 8
#define GEN_BLOCK 1024 /* frames; a multiple of the kernel's batch of 64 */
#define GEN_BLOCKS 4096 /* that are timed, at most */
#define GEN_OFF_MAX 255 /* mask of an offset; 0 means "nothing to patch" */

/* A checksum field at `off`: ~(sum + both halves of the session number), folded. */
struct gen_csum {
	__u32 off;
	__u32 sum;
};

struct gen_config {
	__u8 head[GEN_HEAD]; /* as it stands for session number 0 */
	__u32 len; /* of the frame */
	__u32 head_len; /* how many of `head` are written: one of the three above */
	/* 32-bit fields to which the session number is added: tunnel and session ID; address, or a
	 * VLAN tag */
	__u32 ids_off, ids, addr_off, addr;
	__u32 ns_off; /* 16 bits */
	struct gen_csum csum[GEN_CSUMS];
	__u32 sessions; /* 1..BENCH_SESSIONS */
	__u32 mask; /* power of two that holds them, less 1 */
	__u32 ways; /* that take turns, block by block: 1..GEN_WAYS */
	__u32 warm; /* blocks before the first that is timed */
	__u32 live; /* 1: redirect to ifindex[turn]; 0: tail call into target[slot[turn]] */
	__u32 ifindex[GEN_WAYS], slot[GEN_WAYS];
};

/* Each way visits all sessions in shuffled order. */
struct gen_state {
	__u32 x; /* of the permutation */
	__u32 cycle; /* times that all sessions were visited: Ns */
};

struct gen_run {
	__u64 frames;
	__u64 clock; /* ns, at the begin of this block */
	__u32 block, way; /* this one */
	__u32 ns[GEN_BLOCKS]; /* that a block took; the order of ways is gen_way's */
};

struct gen_shared {
	struct gen_config cfg;
	struct gen_state state[GEN_WAYS];
	struct gen_run run;
};

/* Way of a block: turns are taken in groups of one block each, and who begins changes
 * from group to group. */
static inline __u32 gen_way(__u32 block, __u32 ways)
{
	return (block + block / ways) % ways;
}

/* The nth session, from 0 on, has number n + 1, but no number has 16 low bits that are 0:
 * they are the session ID. (n + (n >> 16) + 1) >> 16 is n / 65535 for n below 2^32 - 2^16. */
static inline __u32 gen_number(__u32 n)
{
	return n + 1 + ((n + (n >> 16) + 1) >> 16);
}

#define SINK_FRAME_MAX 1600
#define SINK_FRAME_MASK 2047 /* all digits that a lesser number may have */
struct sink_frame {
	__u32 len; /* SINK_FRAME_MAX + 1: longer than that */
	__u32 reserved;
	__u8 bytes[SINK_FRAME_MAX];
};

struct sink_shared {
	__u64 frames;
	__u64 lost; /* verify: no room in the ring */
};

#endif
