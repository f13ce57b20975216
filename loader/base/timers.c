/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Timers that are due at the same millisecond hang in one ring, on a deadline. Deadlines stand
 * in a binary heap, whose first one is the next, and in a hash table, by time. There are never
 * more of them than milliseconds ahead, 30 000 for echoes of a million sessions, so that both
 * stay in the caches, and a timer that is set, stopped or run touches its two neighbours.
 *
 * The last timer of a ring points to the deadline itself both ways, which is how the deadline is
 * found that has none any more; a timer need not know its own.
 */
#include "loader/base/timers.h"

#include <errno.h>
#include <stdlib.h>

#define LEAST 64 /* a power of two: places in the heap, and buckets */

struct deadline {
	struct timer ring; /* first: a timer's neighbour may be one */
	msec_t when;
	size_t place; /* in the heap */
	struct deadline *chain; /* the next one in the bucket, or spare */
};

void timers_init(struct timers *ts)
{
	*ts = (struct timers){ 0 };
}

static void free_chain(struct deadline *d)
{
	while (d) {
		struct deadline *next = d->chain;

		free(d);
		d = next;
	}
}

void timers_free(struct timers *ts)
{
	while (ts->n)
		timer_stop(ts, ts->heap[ts->n - 1]->ring.next);
	free_chain(ts->spare);
	free(ts->heap);
	free(ts->buckets);
	*ts = (struct timers){ 0 };
}

/* ---- the heap ---------------------------------------------------------------------------- */

static void place(struct timers *ts, size_t i, struct deadline *d)
{
	ts->heap[i] = d;
	d->place = i;
}

static void sift_up(struct timers *ts, size_t i, struct deadline *d)
{
	while (i > 0) {
		size_t parent = (i - 1) / 2;

		if (ts->heap[parent]->when <= d->when)
			break;
		place(ts, i, ts->heap[parent]);
		i = parent;
	}
	place(ts, i, d);
}

static void sift_down(struct timers *ts, size_t i, struct deadline *d)
{
	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= ts->n)
			break;
		if (child + 1 < ts->n && ts->heap[child + 1]->when < ts->heap[child]->when)
			child++;
		if (d->when <= ts->heap[child]->when)
			break;
		place(ts, i, ts->heap[child]);
		i = child;
	}
	place(ts, i, d);
}

/* ---- the table --------------------------------------------------------------------------- */

static struct deadline **bucket(const struct timers *ts, msec_t when)
{
	return &ts->buckets[when & (ts->n_buckets - 1)]; /* most follow each other */
}

static struct deadline *find(const struct timers *ts, msec_t when)
{
	struct deadline *d = ts->n ? *bucket(ts, when) : NULL;

	while (d && d->when != when)
		d = d->chain;
	return d;
}

/* Room for one more in both. */
static int grow(struct timers *ts)
{
	size_t cap = ts->cap ? 2 * ts->cap : LEAST;
	struct deadline **heap, **buckets;

	if (ts->n < ts->cap)
		return 0;
	heap = realloc(ts->heap, cap * sizeof(struct deadline *));
	if (!heap)
		return -ENOMEM;
	ts->heap = heap;
	buckets = calloc(cap, sizeof(struct deadline *));
	if (!buckets)
		return -ENOMEM;
	free(ts->buckets);
	ts->buckets = buckets;
	ts->cap = ts->n_buckets = cap;
	for (size_t i = 0; i < ts->n; i++) {
		struct deadline **to = bucket(ts, ts->heap[i]->when);

		ts->heap[i]->chain = *to;
		*to = ts->heap[i];
	}
	return 0;
}

static struct deadline *add(struct timers *ts, msec_t when)
{
	struct deadline *d = ts->spare, **to;

	if (grow(ts))
		return NULL;
	if (d)
		ts->spare = d->chain;
	else
		d = malloc(sizeof(*d));
	if (!d)
		return NULL;
	to = bucket(ts, when);
	*d = (struct deadline){ .ring = { &d->ring, &d->ring, NULL }, .when = when, .chain = *to };
	*to = d;
	sift_up(ts, ts->n++, d);
	return d;
}

static void drop(struct timers *ts, struct deadline *d)
{
	struct deadline **from = bucket(ts, d->when), *last = ts->heap[--ts->n];

	while (*from != d)
		from = &(*from)->chain;
	*from = d->chain;
	if (last != d && last->when < d->when)
		sift_up(ts, d->place, last);
	else if (last != d)
		sift_down(ts, d->place, last);
	d->chain = ts->spare;
	ts->spare = d;
}

/* ---- timers ------------------------------------------------------------------------------ */

int timer_set(struct timers *ts, struct timer *t, msec_t when, timer_fn *fn)
{
	struct deadline *d;

	timer_stop(ts, t);
	d = find(ts, when);
	if (!d)
		d = add(ts, when);
	if (!d)
		return -ENOMEM;
	t->fn = fn;
	t->prev = d->ring.prev;
	t->next = &d->ring;
	t->prev->next = t;
	d->ring.prev = t;
	return 0;
}

void timer_stop(struct timers *ts, struct timer *t)
{
	struct timer *next = t->next;

	if (!next)
		return;
	next->prev = t->prev;
	t->prev->next = next;
	if (next == t->prev)
		drop(ts, (struct deadline *)next);
	t->next = t->prev = NULL;
}

msec_t timer_when(const struct timers *ts, const struct timer *t)
{
	for (size_t i = 0; i < ts->n; i++)
		for (struct timer *r = ts->heap[i]->ring.next; r != &ts->heap[i]->ring; r = r->next)
			if (r == t)
				return ts->heap[i]->when;
	return TIMERS_NEVER;
}

msec_t timers_next(const struct timers *ts)
{
	return ts->n ? ts->heap[0]->when : TIMERS_NEVER;
}

void timers_run(struct timers *ts, msec_t now, size_t limit)
{
	while (limit-- && ts->n && ts->heap[0]->when <= now) {
		struct timer *t = ts->heap[0]->ring.next;

		__builtin_prefetch(t->next, 1);
		timer_stop(ts, t);
		t->fn(t, now);
	}
}
