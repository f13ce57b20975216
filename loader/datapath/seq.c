/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sequence acceptance. See seq.h. */
#include <string.h>

#include "loader/datapath/seq.h"
#include "maps/pw.h"

static enum seq_verdict judge(struct l2x_seq *s, uint16_t ns, uint16_t *ret_skipped)
{
	uint16_t ahead = (uint16_t)(ns - s->expected);

	*ret_skipped = 0;
	if (ahead < 0x8000) {
		*ret_skipped = ahead;
		s->expected = (uint16_t)(ns + 1);
		s->old_run = 0;
		return SEQ_NEXT;
	}
	/* In order among themselves: each after the one before it (RFC 4951 section 3.2.3). */
	if (s->old_run && (uint16_t)(ns - s->last_old - 1) < 0x7fff)
		s->old_run++;
	else
		s->old_run = 1;
	s->last_old = ns;
	if (s->old_run < SEQ_RESYNC)
		return SEQ_OLD;
	s->expected = (uint16_t)(ns + 1);
	s->old_run = 0;
	return SEQ_NEXT;
}

static void forgive_one(uint64_t *lost)
{
	uint64_t now = __atomic_load_n(lost, __ATOMIC_RELAXED);

	while (now && !__atomic_compare_exchange_n(lost, &now, now - 1, true, __ATOMIC_RELAXED,
						   __ATOMIC_RELAXED))
		;
}

enum seq_verdict seq_judge(uint64_t *word, uint64_t *lost, uint16_t ns, bool detour)
{
	uint64_t old = __atomic_load_n(word, __ATOMIC_RELAXED), new;
	enum seq_verdict verdict;
	struct l2x_seq s;
	uint16_t skipped;

	do {
		memcpy(&s, &old, sizeof(s));
		if (detour && (uint16_t)(s.expected - ns - 1) < SEQ_DETOUR) {
			forgive_one(lost);
			return SEQ_LATE;
		}
		verdict = judge(&s, ns, &skipped);
		memcpy(&new, &s, sizeof(s));
	} while (!__atomic_compare_exchange_n(word, &old, new, false, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	if (skipped)
		__atomic_fetch_add(lost, skipped, __ATOMIC_RELAXED);
	return verdict;
}

/* ---- 24 bits ---------------------------------------------------------------------------------- */

#define HALF24 0x800000u

static uint32_t ahead24(uint32_t a, uint32_t b)
{
	return (a - b) & SEQ24_MASK;
}

static enum seq_verdict judge24(struct l2x_pw_seq *s, uint32_t ns, uint32_t *ret_skipped)
{
	uint32_t expected = s->expected & SEQ24_MASK, newer = ahead24(ns, s->last_old);

	*ret_skipped = 0;
	if (ahead24(ns, expected) < HALF24) { /* V3-SUB-3 */
		*ret_skipped = ahead24(ns, expected);
	} else { /* V3-SUB-4 */
		s->old_run = s->old_run && newer && newer < HALF24 ? s->old_run + 1u : 1u;
		s->last_old = ns;
		if (s->old_run < SEQ_RESYNC)
			return SEQ_OLD;
	}
	s->old_run = 0;
	s->expected = (ns + 1) & SEQ24_MASK;
	return SEQ_NEXT;
}

enum seq_verdict seq_judge24(uint64_t *word, uint64_t *lost, uint32_t ns, bool detour)
{
	uint64_t old = __atomic_load_n(word, __ATOMIC_RELAXED), new;
	enum seq_verdict verdict;
	struct l2x_pw_seq s;
	uint32_t skipped;

	do {
		memcpy(&s, &old, sizeof(s));
		if (detour && ahead24(s.expected, ns + 1) < SEQ_DETOUR) {
			forgive_one(lost);
			return SEQ_LATE;
		}
		verdict = judge24(&s, ns, &skipped);
		memcpy(&new, &s, sizeof(s));
	} while (!__atomic_compare_exchange_n(word, &old, new, false, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	if (skipped)
		__atomic_fetch_add(lost, skipped, __ATOMIC_RELAXED);
	return verdict;
}
