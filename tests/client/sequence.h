/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sequence numbers of data messages, as a receiver judges them (DP-SEQ-1, DP-SEQ-2). */
#ifndef L2XDP_TESTS_SEQUENCE_H
#define L2XDP_TESTS_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

#define SEQUENCE_RESYNC 64 /* this many old packets in a row and in order: the peer restarted */

struct sequence {
	uint16_t expected; /* zero-initialise: numbers start at 0 (V2-HDR-9) */
	uint16_t old_next; /* what the next old packet has if they come in order */
	uint8_t old_run;
};

/* False: old or a duplicate, to be dropped. *lost: numbers skipped before this one. */
bool sequence_accept(struct sequence *s, uint16_t ns, uint16_t *ret_lost);

#endif
