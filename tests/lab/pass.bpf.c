// SPDX-License-Identifier: GPL-2.0-only
/*
 * Passes every frame. On a veth whose peer is a redirect target: the peer takes
 * redirected frames only while it has NAPI, which a program switches on.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

SEC("xdp")
int pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
