/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"

static const struct column columns[] = {
	{ "VERDICT", false, false }, { "CLASS", false, false },  { "FRAMES", true, false },
	{ "SHARE", true, false },    { "MEANING", false, true },
};

static int more_first(const void *a, const void *b)
{
	const json_t *x = *(json_t *const *)a, *y = *(json_t *const *)b;
	uint64_t nx = get_number(x, "frames"), ny = get_number(y, "frames");

	if (nx != ny)
		return nx > ny ? -1 : 1;
	nx = get_number(x, "number");
	ny = get_number(y, "number");
	return nx < ny ? -1 : nx > ny;
}

static void print(const struct options *o, const json_t *list)
{
	size_t i, n = json_array_size(list);
	const json_t **sorted = calloc(n + 1, sizeof(*sorted));
	uint64_t total = 0;
	struct table *t;
	char cell[CELL];

	if (!sorted)
		abort();
	for (i = 0; i < n; i++) {
		sorted[i] = json_array_get(list, i);
		total += get_number(sorted[i], "frames");
	}
	if (n)
		qsort(sorted, n, sizeof(*sorted), more_first);
	t = table_new(columns, COLUMNS(columns));
	for (i = 0; i < n; i++) {
		uint64_t frames = get_number(sorted[i], "frames");

		if (!frames && !o->all)
			continue;
		table_text(t, get_text(sorted[i], "verdict"));
		table_text(t, get_text(sorted[i], "class"));
		table_number(t, frames);
		table_text(t, percent_str(frames, total, cell));
		table_text(t, get_text(sorted[i], "text"));
	}
	table_print(t);
	free(sorted);
}

int cmd_show_verdicts(const struct options *o, int argc, char **argv)
{
	(void)argv;
	if (argc)
		return usage("show verdicts", "no arguments");
	return ask_whole(o, "show verdicts", NULL, NULL, print);
}
