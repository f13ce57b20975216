/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a worker does while it starts, told to the monitor for the day that it dies of it: a
 * page of memory that both share, with two numbers. A record of the store by which two
 * workers in a row have died is set aside: the next worker does not read it. The list of
 * these is the monitor's own, each worker has a copy by its birth; the page is written by
 * the worker, so the monitor believes it nothing but two numbers to compare.
 */
#ifndef L2XDP_MONITOR_MARKS_H
#define L2XDP_MONITOR_MARKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MARKS_MOST 64 /* records set aside until a worker is ready */
#define MARKS_DEATHS 2

/* What can be marked: a name for each, that says what the worker "was at". names[0] stands
 * for nothing; from `n_records` on it is no record, so there is nothing to set aside. */
struct marks_names {
	const char *const *names;
	unsigned int n, n_records;
};

struct marks;

/* ---- in the monitor -------------------------------------------------------------------- */

struct marks *marks_new(const struct marks_names *names); /* NULL: no memory; go on without */
void marks_free(struct marks *m);
/* A worker is about to be born. */
void marks_clear(struct marks *m);
/* What the worker was at when it ended, as ", at NAME KEY"; empty: not known. */
void marks_say(const struct marks *m, char *text, size_t len);
bool marks_at_record(const struct marks *m);
/* It has been at the same record for `limit` ms and more, as far as these questions saw. */
bool marks_stuck(struct marks *m, uint64_t now, uint64_t limit);
/* It died of itself, before it was ready. True: a record is set aside from now on. */
bool marks_death(struct marks *m);
/* It is ready: what was set aside is in the store no more. */
void marks_forget(struct marks *m);

/* ---- in the worker; m may be NULL ------------------------------------------------------- */

void marks_step(struct marks *m, unsigned int what, uint64_t key); /* what 0: nothing */
bool marks_is_aside(const struct marks *m, unsigned int what, uint64_t key);
/* Makes a file in `directory` for each record that is set aside, while it still can. */
void marks_open(struct marks *m, const char *directory);
/* Writes the record there. Its path in `path`. */
bool marks_keep(const struct marks *m, unsigned int what, uint64_t key, const void *rec, size_t len,
		char *path, size_t path_len);

#endif
