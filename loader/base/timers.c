/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A binary heap ordered by deadline; every timer knows its place, so that it can be moved. */
#include "loader/base/timers.h"

#include <errno.h>
#include <stdlib.h>

void timers_init(struct timers *ts)
{
	*ts = (struct timers){ 0 };
}

void timers_free(struct timers *ts)
{
	for (size_t i = 0; i < ts->n; i++)
		ts->heap[i]->slot = 0;
	free(ts->heap);
	*ts = (struct timers){ 0 };
}

static void place(struct timers *ts, size_t i, struct timer *t)
{
	ts->heap[i] = t;
	t->slot = i + 1;
}

static void sift_up(struct timers *ts, size_t i, struct timer *t)
{
	while (i > 0) {
		size_t parent = (i - 1) / 2;

		if (ts->heap[parent]->when <= t->when)
			break;
		place(ts, i, ts->heap[parent]);
		i = parent;
	}
	place(ts, i, t);
}

static void sift_down(struct timers *ts, size_t i, struct timer *t)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= ts->n)
			break;
		if (child + 1 < ts->n && ts->heap[child + 1]->when < ts->heap[child]->when)
			child++;
		if (t->when <= ts->heap[child]->when)
			break;
		place(ts, i, ts->heap[child]);
		i = child;
	}
	place(ts, i, t);
}

int timer_set(struct timers *ts, struct timer *t, msec_t when, timer_fn *fn)
{
	if (!t->slot) {
		if (ts->n == ts->cap) {
			size_t cap = ts->cap ? 2 * ts->cap : 64;
			struct timer **heap = realloc(ts->heap, cap * sizeof(struct timer *));

			if (!heap)
				return -ENOMEM;
			ts->heap = heap;
			ts->cap = cap;
		}
		t->when = when;
		t->fn = fn;
		sift_up(ts, ts->n++, t);
		return 0;
	}
	t->fn = fn;
	if (when < t->when) {
		t->when = when;
		sift_up(ts, t->slot - 1, t);
	} else {
		t->when = when;
		sift_down(ts, t->slot - 1, t);
	}
	return 0;
}

void timer_stop(struct timers *ts, struct timer *t)
{
	struct timer *last;
	size_t i;

	if (!t->slot)
		return;
	i = t->slot - 1;
	t->slot = 0;
	last = ts->heap[--ts->n];
	if (last == t)
		return;
	if (last->when < t->when)
		sift_up(ts, i, last);
	else
		sift_down(ts, i, last);
}

msec_t timers_next(const struct timers *ts)
{
	return ts->n ? ts->heap[0]->when : TIMERS_NEVER;
}

void timers_run(struct timers *ts, msec_t now, size_t limit)
{
	while (limit-- && ts->n && ts->heap[0]->when <= now) {
		struct timer *t = ts->heap[0];

		timer_stop(ts, t);
		t->fn(t, now);
	}
}
