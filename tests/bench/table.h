/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which lines the table of the data path has. */
#ifndef L2XDP_BENCH_TABLE_H
#define L2XDP_BENCH_TABLE_H

#include "tests/bench/frames.h"

#define MAX_CELLS 256

/* The lines of a run of minutes, or all. Returns their number, at most MAX_CELLS. */
unsigned int table_make(bool full, struct cell ret[MAX_CELLS]);
/* For people: "decap IPv4 64 octets, 1000 sessions"; of the kernel's, its name before. */
void cell_name(const struct cell *c, char *ret, size_t len);
/* For the CSV. */
void cell_row(const struct cell *c, char *ret, size_t len);

#endif
