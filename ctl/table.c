/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables, units, and text that peers and users chose. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "loader/base/log.h"

#define COLUMNS_MOST 16u
#define NARROWEST 8u /* a column is not cut below this */
#define ROWS_HELD 1000u /* whose cells decide the widths */

struct table {
	const struct column *columns;
	unsigned int n;
	char **cells;
	size_t n_cells, cap;
	size_t width[COLUMNS_MOST];
	bool begun; /* the widths are fixed, and what is above stands there */
	bool narrow; /* what may be cut is */
	bool failed;
};

const char *safe(const char *text)
{
	static char buffers[4][512];
	static unsigned int turn;
	char *buf = buffers[turn++ % 4];

	return log_quote(text, strlen(text), buf, sizeof(buffers[0]));
}

struct table *table_new(const struct column *columns, unsigned int n)
{
	struct table *t = calloc(1, sizeof(*t));

	if (!t || n > COLUMNS_MOST)
		abort();
	t->columns = columns;
	t->n = n;
	return t;
}

static size_t terminal_width(void)
{
	struct winsize ws;

	if (!isatty(STDOUT_FILENO) || ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) || !ws.ws_col)
		return SIZE_MAX;
	return ws.ws_col;
}

/* Takes from the widest column that may be cut until the line fits. */
static void fit(const struct table *t, size_t width[], size_t line)
{
	size_t total = 0;
	unsigned int i, widest;

	for (i = 0; i < t->n; i++)
		total += width[i] + (i ? 2 : 0);
	while (total > line) {
		for (widest = t->n, i = 0; i < t->n; i++) {
			if (t->columns[i].cut && width[i] > NARROWEST &&
			    (widest == t->n || width[i] > width[widest]))
				widest = i;
		}
		if (widest == t->n)
			return;
		width[widest]--;
		total--;
	}
}

static void print_cell(const struct table *t, unsigned int column, const char *text)
{
	const struct column *c = &t->columns[column];
	size_t len = strlen(text), width = t->width[column];
	bool last = column + 1 == t->n;

	if (len > width && t->narrow && c->cut)
		printf("%.*s...", (int)(width - 3), text);
	else if (c->right)
		printf("%*s", (int)width, text);
	else
		printf("%-*s", last ? 0 : (int)width, text);
	fputs(last ? "\n" : "  ", stdout);
}

static size_t next_column(const struct table *t, size_t column)
{
	return column + 1 < t->n ? column + 1 : 0;
}

/* The widths of what is there, and the titles. */
static void begin(struct table *t)
{
	size_t i, column = 0, len, line = terminal_width();

	t->begun = true;
	for (i = 0; i < t->n; i++)
		t->width[i] = strlen(t->columns[i].title);
	for (i = 0; i < t->n_cells; i++) {
		len = strlen(t->cells[i]);
		if (len > t->width[column])
			t->width[column] = len;
		column = next_column(t, column);
	}
	t->narrow = line != SIZE_MAX;
	fit(t, t->width, line);
	for (i = 0; i < t->n; i++)
		print_cell(t, (unsigned int)i, t->columns[i].title);
}

static void print_cells(struct table *t)
{
	size_t i, column = 0;

	if (!t->begun)
		begin(t);
	for (i = 0; i < t->n_cells; i++) {
		print_cell(t, (unsigned int)column, t->cells[i]);
		free(t->cells[i]);
		column = next_column(t, column);
	}
	t->n_cells = 0;
}

/* Room for one more cell. */
static bool make_room(struct table *t)
{
	size_t cap = t->cap ? 2 * t->cap : 256;
	char **grown;

	if (t->n_cells < t->cap)
		return true;
	grown = reallocarray(t->cells, cap, sizeof(*grown));
	if (!grown)
		return false;
	t->cells = grown;
	t->cap = cap;
	return true;
}

void table_text(struct table *t, const char *text)
{
	char *cell = make_room(t) ? strdup(*text ? safe(text) : "-") : NULL;

	if (!cell) {
		t->failed = true;
		return;
	}
	t->cells[t->n_cells++] = cell;
	if (t->n_cells == (t->begun ? t->n : (size_t)ROWS_HELD * t->n))
		print_cells(t);
}

void table_number(struct table *t, uint64_t v)
{
	char text[CELL];

	snprintf(text, sizeof(text), "%" PRIu64, v);
	table_text(t, text);
}

void table_print(struct table *t)
{
	print_cells(t);
	if (t->failed)
		complain("no memory for the whole table; try --limit or --json");
	table_free(t);
}

void table_free(struct table *t)
{
	while (t->n_cells)
		free(t->cells[--t->n_cells]);
	free(t->cells);
	free(t);
}

const char *age_str(uint64_t s, char buf[static CELL])
{
	if (s < 60)
		snprintf(buf, CELL, "%" PRIu64 "s", s);
	else if (s < 3600)
		snprintf(buf, CELL, "%" PRIu64 "m%02us", s / 60, (unsigned int)(s % 60));
	else if (s < 86400)
		snprintf(buf, CELL, "%" PRIu64 "h%02um", s / 3600, (unsigned int)(s / 60 % 60));
	else
		snprintf(buf, CELL, "%" PRIu64 "d%02uh", s / 86400, (unsigned int)(s / 3600 % 24));
	return buf;
}

const char *bytes_str(uint64_t bytes, char buf[static CELL])
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	double v = (double)bytes;
	unsigned int i = 0;

	for (; v >= 999.5 && i < 6; i++)
		v /= 1000;
	snprintf(buf, CELL, i && v < 9.95 ? "%.1f %s" : "%.0f %s", v, units[i]);
	return buf;
}

const char *percent_str(uint64_t part, uint64_t whole, char buf[static CELL])
{
	double share = whole ? 1000.0 * (double)part / (double)whole : 0;

	/* cut, not rounded: 100 % means all */
	if (!whole)
		snprintf(buf, CELL, "-");
	else
		snprintf(buf, CELL, "%u.%u%%", (unsigned int)share / 10, (unsigned int)share % 10);
	return buf;
}

void print_pair(const char *name, const char *fmt, ...)
{
	va_list ap;

	printf("%-15s ", name);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}
