/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timers of pure code: a heap of deadlines that knows no clock. Whoever owns the clock
 * asks timers_next for the first deadline and calls timers_run when it has come.
 * Time is in milliseconds, monotonic, from any origin. Set, stop and expiry cost
 * O(log n). A timer is embedded in the object it serves; stop it before freeing that.
 */
#ifndef L2XDP_BASE_TIMERS_H
#define L2XDP_BASE_TIMERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t msec_t;
#define TIMERS_NEVER UINT64_MAX

struct timer;
typedef void timer_fn(struct timer *t, msec_t now);

struct timer {
	msec_t when;
	size_t slot; /* 1 + place in the heap; 0: not set. Zero-initialise a timer. */
	timer_fn *fn;
};

struct timers {
	struct timer **heap;
	size_t n, cap;
};

void timers_init(struct timers *ts);
void timers_free(struct timers *ts); /* the timers themselves are the caller's */

/* Sets or moves t to `when`. Only the first setting of many may need memory; returns
 * -ENOMEM then, and t is not set. */
int timer_set(struct timers *ts, struct timer *t, msec_t when, timer_fn *fn);
void timer_stop(struct timers *ts, struct timer *t);
static inline bool timer_is_set(const struct timer *t)
{
	return t->slot != 0;
}

/* The first deadline, TIMERS_NEVER if none. */
msec_t timers_next(const struct timers *ts);

/* Calls every timer with when <= now, in order, each stopped before its call; at most
 * `limit` of them, so that a burst does not keep the caller from its sockets. */
void timers_run(struct timers *ts, msec_t now, size_t limit);

#endif
