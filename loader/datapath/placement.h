/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which CPUs are workers, which of them a new session gets, and whether workers help at all:
 * numbers in, numbers out.
 */
#ifndef L2XDP_DATAPATH_PLACEMENT_H
#define L2XDP_DATAPATH_PLACEMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/datapath/datapath.h"

/* CPUs in the kernel's form, "0-3,5", below `n`. False: it is not of this form. */
bool placement_parse_cpus(const char *text, bool *ret, unsigned int n);
/* Marks the CPUs of `cfg` among those that are online; returns how many. With a number the
 * last ones: the queues of a NIC that has few are on the first. */
unsigned int placement_pick(const struct dp_workers_config *cfg, const bool *online, bool *ret,
			    unsigned int n);

struct place_load {
	bool serves; /* takes new sessions */
	uint32_t sessions;
	uint64_t rate; /* frames that it took, lately, a second */
};
/* The place for a new session; 0: none serves. `load` by place. */
unsigned int placement_least(const struct place_load *load, unsigned int n);
/* Sessions of a place that has more than its share may move to this one; 0: no need. */
unsigned int placement_even(const struct place_load *load, unsigned int n, unsigned int from);

/* What one CPU did in a second. */
struct cpu_use {
	uint64_t frames; /* of sessions, that arrived there */
	unsigned int busy; /* of 1000 */
};
enum advice {
	ADVICE_QUIET, /* too little traffic to tell */
	ADVICE_SPREAD, /* the queues spread it already */
	ADVICE_COPES, /* one CPU has it nearly all, and has time left */
	ADVICE_NOWHERE, /* ... has none left, nor has any other */
	ADVICE_HELPS, /* ... and another has */
};
enum advice placement_advise(const struct cpu_use *use, unsigned int n, unsigned int *ret_hot,
			     uint64_t *ret_total);

/* `workers: auto`: on after ten seconds in a row in which they would help; off when for a
 * minute there was less than half as much to do. */
struct placement_auto {
	bool on;
	unsigned int streak; /* seconds that speak for a change */
	uint64_t total; /* frames a second when it went on */
};
/* True: `on` has changed. */
bool placement_auto_second(struct placement_auto *a, enum advice advice, uint64_t total);

#endif
