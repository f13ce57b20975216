/* SPDX-License-Identifier: GPL-2.0-only */
/* Sequence numbers of 24 bits in the default sublayer (V3-SUB-2 to V3-SUB-4): otherwise as seq.h. */
#ifndef L2X_BPF_PW_SEQ_H
#define L2X_BPF_PW_SEQ_H

#include "bpf/frame.h"
#include "bpf/seq.h"

#define PW_SEQ_MASK 0xffffffu
#define PW_SEQ_HALF 0x800000u

union pw_seq_word {
	struct l2x_pw_seq s;
	__u64 word;
};

/* One judgement of `ns` in the state *q, which is moved on. *ret_lost: numbers skipped. */
static __always_inline bool pw_seq_judge(struct l2x_pw_seq *q, __u32 ns, __u32 *ret_lost)
{
	__u32 ahead = (ns - (__u32)q->expected) & PW_SEQ_MASK, newer;

	*ret_lost = 0;
	if (ahead < PW_SEQ_HALF) {
		*ret_lost = ahead;
		q->old_run = 0;
	} else { /* has the peer started anew? */
		newer = (ns - (__u32)q->last_old) & PW_SEQ_MASK;
		q->old_run = q->old_run && newer && newer < PW_SEQ_HALF ? q->old_run + 1 : 1;
		q->last_old = ns;
		if (q->old_run < cfg.resync)
			return false;
		q->old_run = 0;
	}
	q->expected = (ns + 1) & PW_SEQ_MASK;
	return true;
}

static __always_inline int pw_seq_receive(struct l2x_traffic *t, __u32 ns)
{
	volatile __u64 *word = &t->rx_seq;
	union pw_seq_word old, new;
	__u32 lost;
	bool fresh;
	int i;

	for (i = 0; i < SEQ_TRIES; i++) {
		old.word = *word;
		new = old;
		fresh = pw_seq_judge(&new.s, ns, &lost);
		if (__sync_val_compare_and_swap(&t->rx_seq, old.word, new.word) != old.word)
			continue;
		if (fresh && lost)
			__sync_fetch_and_add(&t->rx_lost, lost);
		return fresh ? GO_ON : L2X_V_SEQ_OLD;
	}
	return L2X_V_CHANGING;
}

#endif
