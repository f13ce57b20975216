/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every bench prints in the same way: the machine, a figure with its spread, the CSV. */
#ifndef L2XDP_BENCH_REPORT_H
#define L2XDP_BENCH_REPORT_H

#include <stdio.h>

/* Over n > 0 rounds. */
struct spread {
	double median, min, max;
	unsigned int n;
};
struct spread spread_of(const double *v, unsigned int n);
/* Middle value of n > 0; sorts them. */
double median(double *v, unsigned int n);

/* Appends to a CSV that all benches share; the first one writes the line of names. NULL: none
 * or a failure, told on stderr. */
FILE *csv_open(const char *path);
/* bench, device, row, figure, unit, then the spread. Texts without commas; `row` is whatever
 * tells one line of the table from another, as KEY=VALUE words. No file: nothing. */
void csv_line(FILE *csv, const char *bench, const char *device, const char *row, const char *figure,
	      const char *unit, const struct spread *s);

/* Kernel, CPU, clock governor, mitigations, load, and what else is running now. */
void show_conditions(void);

#endif
