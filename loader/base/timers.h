/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timers of pure code: an ordered set of deadlines that knows no clock. Whoever owns the clock
 * asks timers_next for the first deadline and calls timers_run when it has come.
 * Time is in milliseconds, monotonic, from any origin. A timer is embedded in the object it
 * serves; stop it before freeing or moving that.
 *
 * A million sessions have a timer each that is set anew every 30 s: set, stop and expiry cost
 * the same however many timers there are, and O(log n) in the number of different deadlines.
 */
#ifndef L2XDP_BASE_TIMERS_H
#define L2XDP_BASE_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t msec_t;
#define TIMERS_NEVER UINT64_MAX

struct timer;
struct deadline;
typedef void timer_fn(struct timer *t, msec_t now);

struct timer {
	struct timer *next, *prev; /* of the same deadline; NULL: not set. Zero-initialise it. */
	timer_fn *fn;
};

struct timers {
	struct deadline **heap;
	size_t n, cap;
	struct deadline **buckets; /* the same, by time */
	size_t n_buckets;
	struct deadline *spare; /* are used again, for the next deadline */
};

void timers_init(struct timers *ts);
void timers_free(struct timers *ts); /* the timers themselves are the caller's */

/* Sets or moves t to `when`. Needs memory when there were never so many different deadlines at
 * once; returns -ENOMEM then, and t is not set. */
int timer_set(struct timers *ts, struct timer *t, msec_t when, timer_fn *fn);
void timer_stop(struct timers *ts, struct timer *t);
static inline bool timer_is_set(const struct timer *t)
{
	return t->next != NULL;
}

/* When t is due, TIMERS_NEVER if it is not set. Walks over those that are due with it: for people
 * and tests. */
msec_t timer_when(const struct timers *ts, const struct timer *t);

/* The first deadline, TIMERS_NEVER if none. */
msec_t timers_next(const struct timers *ts);

/* Calls every timer with when <= now, in order (those of one deadline as they were set), each
 * stopped before its call; at most `limit` of them, so that a burst does not keep the caller
 * from its sockets. */
void timers_run(struct timers *ts, msec_t now, size_t limit);

#endif
