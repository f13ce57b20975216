/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"

static const struct column columns[] = {
	{ "CPU", true, false },    { "STATE", false, false },     { "SESSIONS", true, false },
	{ "FRAMES", true, false }, { "PER-SECOND", true, false }, { "LOST", true, false },
};

static void print_table(const json_t *list)
{
	struct table *t = table_new(columns, COLUMNS(columns));
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		table_number(t, get_number(v, "cpu"));
		table_text(t, get_text(v, "state"));
		table_number(t, get_number(v, "sessions"));
		table_number(t, get_number(v, "frames"));
		table_number(t, get_number(v, "rate"));
		table_number(t, get_number(v, "lost"));
	}
	putchar('\n');
	table_print(t);
}

static void print(const struct options *o, const json_t *v)
{
	const json_t *list = json_object_get(v, "workers");

	(void)o;
	print_pair("configured", "%s", safe(get_text(v, "mode")));
	print_pair("now", "%s", get_bool(v, "on") ? "on" : "off");
	print_pair("traffic", "%s", safe(get_text(v, "text")));
	print_pair("sessions", "%" PRIu64 " where their frames arrive, %" PRIu64 " moving",
		   get_number(v, "sessions_here"), get_number(v, "moving"));
	if (json_array_size(list))
		print_table(list);
}

int cmd_show_workers(const struct options *o, int argc, char **argv)
{
	(void)argv;
	if (argc)
		return usage("show workers", "no arguments");
	return ask_whole(o, "show workers", NULL, NULL, print);
}
