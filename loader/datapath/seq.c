/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sequence acceptance. See seq.h. */
#include <string.h>

#include "loader/datapath/seq.h"
#include "maps/pw.h"

/* What the word of either kind holds; numbers of `mask` and below. */
struct row {
	uint32_t mask, expected, last_old;
	uint16_t old_run;
};

static uint32_t ahead(const struct row *r, uint32_t a, uint32_t b)
{
	return (a - b) & r->mask;
}

static bool is_newer(const struct row *r, uint32_t a, uint32_t b)
{
	return a != b && ahead(r, a, b) <= r->mask / 2;
}

static enum seq_verdict judge(struct row *r, uint32_t ns, uint32_t *ret_skipped)
{
	uint32_t skipped = ahead(r, ns, r->expected);

	*ret_skipped = 0;
	if (skipped <= r->mask / 2) { /* V3-SUB-3 */
		*ret_skipped = skipped;
	} else { /* in order among themselves: RFC 4951 section 3.2.3, V3-SUB-4 */
		r->old_run = r->old_run && is_newer(r, ns, r->last_old) ? r->old_run + 1u : 1u;
		r->last_old = ns;
		if (r->old_run < SEQ_RESYNC)
			return SEQ_OLD;
	}
	r->expected = (ns + 1) & r->mask;
	r->old_run = 0;
	return SEQ_NEXT;
}

/* ---- the words ---------------------------------------------------------------------------------- */

static struct row row16(uint64_t word)
{
	struct l2x_seq s;

	memcpy(&s, &word, sizeof(s));
	return (struct row){ 0xffff, s.expected, s.last_old, s.old_run };
}

static uint64_t word16(const struct row *r)
{
	struct l2x_seq s = { .expected = (uint16_t)r->expected,
			     .last_old = (uint16_t)r->last_old,
			     .old_run = r->old_run };
	uint64_t word;

	memcpy(&word, &s, sizeof(word));
	return word;
}

static struct row row24(uint64_t word)
{
	struct l2x_pw_seq s;

	memcpy(&s, &word, sizeof(s));
	return (struct row){ SEQ24_MASK, s.expected, s.last_old, s.old_run };
}

static uint64_t word24(const struct row *r)
{
	struct l2x_pw_seq s = { .expected = r->expected & SEQ24_MASK,
				.last_old = r->last_old & SEQ24_MASK,
				.old_run = r->old_run };
	uint64_t word;

	memcpy(&word, &s, sizeof(word));
	return word;
}

static void forgive_one(uint64_t *lost)
{
	uint64_t now = __atomic_load_n(lost, __ATOMIC_RELAXED);

	while (now && !__atomic_compare_exchange_n(lost, &now, now - 1, true, __ATOMIC_RELAXED,
						   __ATOMIC_RELAXED))
		;
}

/* The hook changes the word meanwhile. */
static enum seq_verdict judge_word(uint64_t *word, uint64_t *lost, uint32_t ns, bool detour,
				   struct row (*read)(uint64_t),
				   uint64_t (*write)(const struct row *))
{
	uint64_t old = __atomic_load_n(word, __ATOMIC_RELAXED), new;
	enum seq_verdict verdict;
	uint32_t skipped;
	struct row r;

	do {
		r = read(old);
		if (detour && ahead(&r, r.expected, ns + 1) < SEQ_DETOUR) {
			forgive_one(lost);
			return SEQ_LATE;
		}
		verdict = judge(&r, ns, &skipped);
		new = write(&r);
	} while (!__atomic_compare_exchange_n(word, &old, new, false, __ATOMIC_RELAXED,
					      __ATOMIC_RELAXED));
	if (skipped)
		__atomic_fetch_add(lost, skipped, __ATOMIC_RELAXED);
	return verdict;
}

enum seq_verdict seq_judge(uint64_t *word, uint64_t *lost, uint16_t ns, bool detour)
{
	return judge_word(word, lost, ns, detour, row16, word16);
}

enum seq_verdict seq_judge24(uint64_t *word, uint64_t *lost, uint32_t ns, bool detour)
{
	return judge_word(word, lost, ns, detour, row24, word24);
}
