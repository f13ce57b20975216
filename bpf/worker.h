/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One tunnel over many CPUs. A tunnel's frames arrive on one CPU; which CPU a session's are
 * dealt with on, its worker, stands in `places`. At the hook a frame goes into the worker's
 * queue as it came, with all that is left to do. What belongs to no session, and what has
 * no worker, stays where it arrived.
 *
 * A session moves without being overtaken: while its octet says L2X_MOVING, its frames still
 * go to the old place, each with a number, until one finds that the last before it is through
 * and has had time to leave that CPU. It and all that follow go to the new place. Each
 * direction for itself: order is a matter of one direction.
 */
#ifndef L2X_BPF_WORKER_H
#define L2X_BPF_WORKER_H

#include "bpf/frame.h"
#include "bpf/l2tp.h"
#include "bpf/session.h"

#define MOVE_TRIES 4

union move_word {
	struct l2x_move m;
	__u64 word;
};

union done_word {
	struct l2x_done d;
	__u64 word;
};

static __always_inline __u32 move_clock(void)
{
	return (__u32)(bpf_ktime_get_ns() >> 10);
}

/* Each CPU has its row, and nothing on it interrupts another of our programs. */
static __always_inline void handed_count(__u32 column)
{
	__u32 slot = bpf_get_smp_processor_id() * L2X_HANDED_COLUMNS + column;
	__u64 *n = bpf_map_lookup_elem(&handed, &slot);

	if (n)
		++*n;
}

/* ---- at the hook ---------------------------------------------------------------------- */

/* Index of the session that the frame says it belongs to; 0: none, or it stays here. The
 * tunnel is compared, so that nobody else can fill a worker's queue; that the session is
 * this tunnel's, and up, is for the worker to find out. */
static __always_inline __u32 steer_session(struct xdp_md *ctx, const struct frame *f, __u32 index)
{
	struct l2tp h = {};

	if (!f->uplink)
		return index;
	if (f->raw || l2tp_parse(ctx, f, &h) != GO_ON || h.control ||
	    !tunnel_is_known(ctx, f, h.tunnel_id))
		return 0;
	return session_index(h.tunnel_id, h.session_id);
}

/* XDP_REDIRECT, or GO_ON: there is no such worker. */
static __always_inline int hand_to(__u32 place)
{
	if (bpf_redirect_map(&workers, place - 1, 0) != XDP_REDIRECT)
		return GO_ON;
	handed_count(place & (L2X_HANDED_COLUMNS - 1));
	return XDP_REDIRECT;
}

/* Also on the worker's own CPU the way is by its queue: a receive queue that another CPU has
 * served until now (irqbalance) may have frames there, which must not be overtaken. */
static __always_inline int steer_to(__u32 place)
{
	return place ? hand_to(place) : GO_ON;
}

/* Draws a number for a frame of a session that moves. 0: it has none. */
static __always_inline __u16 move_draw(__u64 *move, const __u64 *done, struct l2x_move *ret)
{
	union move_word old, new;
	union done_word d;
	int i;

	for (i = 0; i < MOVE_TRIES; i++) {
		old.word = *(volatile __u64 *)move;
		*ret = old.m;
		if (old.m.gone)
			return 0;
		load_barrier();
		d.word = *(const volatile __u64 *)done;
		new = old;
		if (old.m.sent && d.d.number == old.m.sent &&
		    (__s32)(move_clock() - d.d.stamp) > (__s32)L2X_MOVE_QUIET)
			new.m.gone = 1;
		else
			new.m.sent = old.m.sent == 0xffff ? 1 : old.m.sent + 1;
		if (__sync_val_compare_and_swap(move, old.word, new.word) != old.word)
			continue;
		*ret = new.m;
		return new.m.gone ? 0 : new.m.sent;
	}
	return 0; /* other CPUs draw them: the frame follows theirs without one */
}

static __always_inline void ticket_done(__u64 *done, __u16 number)
{
	union done_word d = { .d = { .number = number } };

	d.d.stamp = move_clock();
	*(volatile __u64 *)done = d.word;
}

/* No head room: the frame goes without its number, and the session a little later. */
static __always_inline void ticket_put(struct xdp_md *ctx, const struct frame *f, __u32 index,
				       __u16 number)
{
	struct l2x_ticket *t;

	if (bpf_xdp_adjust_head(ctx, -(int)sizeof(*t)))
		return;
	t = frame_at(ctx, 0, sizeof(*t));
	if (!t)
		return;
	t->mark = L2X_TICKET_MARK;
	t->uplink = f->uplink;
	t->number = number;
	t->index = index;
}

static __always_inline int steer_moving(struct xdp_md *ctx, const struct frame *f, __u32 index)
{
	struct l2x_traffic *t = bpf_map_lookup_elem(&traffic, &index);
	struct l2x_move m = {};
	__u64 *move, *done;
	__u16 number;

	if (!t)
		return GO_ON;
	move = f->uplink ? &t->rx_move : &t->tx_move;
	done = f->uplink ? &t->rx_done : &t->tx_done;
	number = move_draw(move, done, &m);
	if (m.gone)
		return steer_to(m.to);
	if (m.from && hand_to(m.from) == XDP_REDIRECT) {
		if (number)
			ticket_put(ctx, f, index, number);
		return XDP_REDIRECT;
	}
	if (number)
		ticket_done(done, number);
	return GO_ON;
}

/* XDP_REDIRECT: the frame is its worker's now. GO_ON: it is dealt with here. */
static __always_inline int steer(struct xdp_md *ctx, const struct frame *f, __u32 index)
{
	struct l2x_places *p;
	__u32 slot, place;

	index = steer_session(ctx, f, index);
	slot = index / L2X_PLACES;
	p = bpf_map_lookup_elem(&places, &slot);
	if (!index || !p)
		return GO_ON;
	place = ((volatile __u8 *)p->at)[index & (L2X_PLACES - 1)];
	return place == L2X_MOVING ? steer_moving(ctx, f, index) : steer_to(place);
}

/* ---- at the worker ---------------------------------------------------------------------- */

/* Takes off what stands before the frame. Not 0: it cannot, which cannot be. */
static __always_inline int ticket_take(struct xdp_md *ctx, struct l2x_ticket *ret)
{
	const struct l2x_ticket *t = frame_at(ctx, 0, sizeof(*t));

	if (!t || t->mark != L2X_TICKET_MARK)
		return 0;
	*(any64 *)ret = *(const any64 *)t;
	return (int)bpf_xdp_adjust_head(ctx, (int)sizeof(*ret));
}

/* The frame that it came with is through. */
static __always_inline void ticket_return(const struct l2x_ticket *ticket)
{
	__u32 index = ticket->index;
	struct l2x_traffic *t;

	if (!ticket->number)
		return;
	t = bpf_map_lookup_elem(&traffic, &index);
	if (t)
		ticket_done(ticket->uplink ? &t->rx_done : &t->tx_done, ticket->number);
}

#endif
