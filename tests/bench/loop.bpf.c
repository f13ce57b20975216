// SPDX-License-Identifier: GPL-2.0-only
/*
 * A closed loop round a device that is on a CPU of its own: frames are made here, on another
 * CPU, and at most a window of them is under way at once. So the device always has work and
 * never too much: nothing is lost in its queues, and the rate of arrivals is what it can do.
 *
 * The generator spins: as long as the window is full it drops what it is asked to send, which
 * costs some ten nanoseconds, and looks again.
 */
#include "vmlinux.h"

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "tests/bench/gen.bpf.h"
#include "tests/bench/loop.h"

struct loop_shared loop SEC(".data.loop");
struct loop_arrived arrived SEC(".data.arrived");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LOOP_SESSIONS);
	__type(key, __u32);
	__type(value, struct loop_entry);
} entries SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 25);
} judged SEC(".maps");

/* Where the interval begins and ends; false: it is over. */
static __always_inline bool loop_clock(__u64 now, __u64 got)
{
	if (!loop.begin_ns && now >= loop.from) {
		loop.begin_ns = now;
		loop.begin_arrived = got;
		loop.begin_gone = loop.gone;
	}
	if (now < loop.until)
		return true;
	if (!loop.end_ns) {
		loop.end_ns = now;
		loop.end_arrived = got;
		loop.end_gone = loop.gone;
	}
	return false;
}

static __always_inline bool loop_has_room(__u64 now, __u64 got)
{
	__s64 under_way = (__s64)(loop.sent - got - loop.gone);

	if (under_way < (__s64)loop.window)
		return true;
	if (now - loop.sent_at < LOOP_PATIENCE)
		return false;
	loop.gone += under_way;
	return true;
}

SEC("xdp")
int loop_gen(struct xdp_md *ctx)
{
	__u64 now = loop.now, got = *(volatile __u64 *)&arrived.frames;
	struct loop_entry *e, s;
	__u32 n, k;

	/* reading the clock costs a third of a frame */
	if (!(loop.turns++ % LOOP_TICK))
		loop.now = now = bpf_ktime_get_ns();
	if (!loop_clock(now, got) || !loop_has_room(now, got))
		return XDP_DROP;
	if (gen_head(ctx, &loop.cfg))
		return XDP_ABORTED;
	n = gen_next(&loop.cfg, &loop.state);
	e = bpf_map_lookup_elem(&entries, &n);
	if (!e)
		return XDP_ABORTED;
	s = *e;
	k = loop.plan ? gen_number(n) : s.number;
	gen_put_word(ctx, loop.cfg.ids_off, bpf_htonl(s.ids));
	gen_put_word(ctx, loop.cfg.addr_off, bpf_htonl(loop.cfg.addr + k));
	if (loop.cfg.ids_off) /* source port: 10 octets before the IDs */
		gen_put(ctx, loop.cfg.ids_off - 10, bpf_htons((__u16)s.port));
	gen_sums(ctx, &loop.cfg, (k >> 16) + (k & 0xffff));
	loop.sent++;
	loop.sent_at = now;
	return bpf_redirect(loop.cfg.ifindex[0], 0);
}

/* ---- the end of the loop ------------------------------------------------------------ */

static __always_inline bool to_port(const struct udphdr *udp, const void *end)
{
	return (void *)(udp + 1) <= end && udp->dest == bpf_htons(LOOP_PORT);
}

#define L2TP_LOOK 32 /* octets: the longest header, PPP and more */

/* A data message with IP in it? Control and PPP are for those who hold the sessions. */
static __always_inline bool is_ip_in_l2tp(const __u8 *at_l2tp, const void *end)
{
	__u8 l2tp[L2TP_LOOK];
	__u32 at = 6;

	if ((void *)(at_l2tp + L2TP_LOOK) > end)
		return false;
	__builtin_memcpy(l2tp, at_l2tp, L2TP_LOOK);
	if (l2tp[0] & 0x80)
		return false;
	at += l2tp[0] & 0x40 ? 2 : 0; /* length */
	at += l2tp[0] & 0x08 ? 4 : 0; /* Ns, Nr */
	at += l2tp[0] & 0x02 ? 2 : 0; /* offset, taken to be 0 */
	at += l2tp[at & 15] == 0xff && l2tp[(at & 15) + 1] == 0x03 ? 2 : 0;
	at += l2tp[at & (L2TP_LOOK - 1)] == 0 ? 1 : 0;
	return l2tp[at & (L2TP_LOOK - 1)] == 0x21 || l2tp[at & (L2TP_LOOK - 1)] == 0x57;
}

static __always_inline bool counts(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct udphdr *udp;

	if ((void *)(eth + 1) + sizeof(struct iphdr) > end)
		return false;
	if (eth->h_proto == bpf_htons(0x86dd)) {
		udp = data + sizeof(*eth) + sizeof(struct ipv6hdr);
		return to_port(udp, end);
	}
	udp = data + sizeof(*eth) + sizeof(struct iphdr);
	if (eth->h_proto != bpf_htons(0x0800) || ((struct iphdr *)(eth + 1))->protocol != 17 ||
	    (void *)(udp + 1) > end)
		return false;
	if (udp->dest == bpf_htons(LOOP_PORT))
		return true;
	/* from the device; or, by the bare redirect, still on its way to it */
	if (udp->source != bpf_htons(LOOP_L2TP) && udp->dest != bpf_htons(LOOP_L2TP))
		return false;
	return is_ip_in_l2tp((void *)(udp + 1), end);
}

SEC("xdp")
int loop_count(struct xdp_md *ctx)
{
	if (!counts(ctx))
		return XDP_PASS;
	arrived.frames++;
	return XDP_DROP;
}

SEC("xdp")
int loop_judge(struct xdp_md *ctx)
{
	__u64 len = bpf_xdp_get_buff_len(ctx);
	struct sink_frame *f;

	if (!counts(ctx))
		return XDP_PASS;
	f = bpf_ringbuf_reserve(&judged, sizeof(*f), 0);
	if (f) {
		f->len = SINK_FRAME_MAX + 1;
		if (len > 0 && len <= SINK_FRAME_MAX && !bpf_xdp_load_bytes(ctx, 0, f->bytes, len))
			f->len = len;
		bpf_ringbuf_submit(f, 0);
	} else {
		arrived.lost++;
	}
	arrived.frames++; /* after the frame can be read */
	return XDP_DROP;
}

char LICENSE[] SEC("license") = "GPL";
