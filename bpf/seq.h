/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Sequence numbers of data messages. The state is one word of the session's traffic
 * element and is changed by compare-and-swap, for frames of one session can arrive on
 * several CPUs and the daemon judges those of the slow path with the same word.
 *
 * Only what is about to be forwarded is judged here, as the last decision: a frame that
 * is passed up must find its number still unused.
 */
#ifndef L2X_BPF_SEQ_H
#define L2X_BPF_SEQ_H

#include "bpf/frame.h"

#define SEQ_HALF 0x8000u
#define SEQ_TRIES 4

union seq_word {
	struct l2x_seq s;
	__u64 word;
};

/* One judgement of `ns` in the state *q, which is moved on. *ret_lost: numbers skipped. */
static __always_inline bool seq_judge(struct l2x_seq *q, __u16 ns, __u16 *ret_lost)
{
	__u16 ahead = (__u16)(ns - q->expected), newer;

	*ret_lost = 0;
	if (ahead < SEQ_HALF) { /* DP-SEQ-1 */
		*ret_lost = ahead;
		q->old_run = 0;
	} else { /* DP-SEQ-2: has the peer started anew? */
		newer = (__u16)(ns - q->last_old);
		q->old_run = q->old_run && newer && newer < SEQ_HALF ? q->old_run + 1 : 1;
		q->last_old = ns;
		if (q->old_run < cfg.resync)
			return false;
		q->old_run = 0;
	}
	q->expected = (__u16)(ns + 1);
	return true;
}

static __always_inline int seq_receive(struct l2x_traffic *t, __u16 ns)
{
	volatile __u64 *word = &t->rx_seq;
	union seq_word old, new;
	__u16 lost;
	bool fresh;
	int i;

	for (i = 0; i < SEQ_TRIES; i++) {
		old.word = *word;
		new = old;
		fresh = seq_judge(&new.s, ns, &lost);
		if (__sync_val_compare_and_swap(&t->rx_seq, old.word, new.word) != old.word)
			continue;
		if (fresh && lost)
			__sync_fetch_and_add(&t->rx_lost, lost);
		return fresh ? GO_ON : L2X_V_SEQ_OLD;
	}
	return L2X_V_CHANGING;
}

/* The number of the next message to the peer (DP-TX-2). */
static __always_inline __u16 seq_next(struct l2x_traffic *t)
{
	return (__u16)__sync_fetch_and_add(&t->tx_ns, 1);
}

#endif
