/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rule for numbered data messages (DP-SEQ), on the word that the hook shares. Pure. */
#ifndef L2XDP_DATAPATH_SEQ_H
#define L2XDP_DATAPATH_SEQ_H

#include <stdbool.h>
#include <stdint.h>

#define SEQ_RESYNC 64 /* DP-SEQ-2 */
/* Numbers that a frame may be late by because it took the slow path while its followers
 * crossed at the hook. Its lateness is our doing, so it is not held against it. */
#define SEQ_DETOUR 256

enum seq_verdict { SEQ_NEXT, SEQ_LATE, SEQ_OLD };

/* Judges Ns and moves the state by compare-and-swap. Adds to *lost what was skipped; takes
 * one off for SEQ_LATE, which only a path beside an active hook (detour) gives. */
enum seq_verdict seq_judge(uint64_t *word, uint64_t *lost, uint16_t ns, bool detour);
/* The same for numbers of 24 bits (V3-SUB-2..4), on a word that is struct l2x_pw_seq. */
enum seq_verdict seq_judge24(uint64_t *word, uint64_t *lost, uint32_t ns, bool detour);
#define SEQ24_MASK 0xffffffu

#endif
