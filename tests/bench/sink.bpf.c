// SPDX-License-Identifier: GPL-2.0-only
/*
 * The other programs of the bench: the bare redirect that we are compared with, and the
 * end of the chain, which counts frames or, to verify them, hands each to the process.
 */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

#include "tests/bench/gen.h"

struct sink_shared sink;

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__uint(key_size, 4);
	__uint(value_size, 4);
} out SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 25);
} frames SEC(".maps");

/* The least that a program can do to send a frame on. */
SEC("xdp")
int bare_redirect(struct xdp_md *ctx)
{
	return bpf_redirect_map(&out, 0, 0);
}

/* For the kernel: with a program there the veth polls, and takes redirected frames at all. */
SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

/* Counts, and ends the frame. */
SEC("xdp")
int sink_count(struct xdp_md *ctx)
{
	sink.frames++;
	return XDP_DROP;
}

/* Hands the frame to the process, every octet of it. */
SEC("xdp")
int sink_verify(struct xdp_md *ctx)
{
	struct sink_frame *f;
	__u64 len = bpf_xdp_get_buff_len(ctx), last = len - 1;
	const __u8 *eth = (void *)(long)ctx->data;

	/* what the kernel itself says to a group, as MLD does, is nobody's frame */
	if (eth + 1 <= (const __u8 *)(long)ctx->data_end && (*eth & 1))
		return XDP_DROP;
	sink.frames++;
	f = bpf_ringbuf_reserve(&frames, sizeof(*f), 0);
	if (!f) {
		sink.lost++;
		return XDP_DROP;
	}
	f->len = SINK_FRAME_MAX + 1;
	if (last < SINK_FRAME_MAX) {
		/* changes nothing, but 6.1's verifier needs to see that it is not 0 */
		asm volatile("%0 &= %1" : "+r"(last) : "i"(SINK_FRAME_MASK));
		if (!bpf_xdp_load_bytes(ctx, 0, f->bytes, last + 1))
			f->len = len;
	}
	bpf_ringbuf_submit(f, 0);
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
