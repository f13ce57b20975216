/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"

static const struct column columns[] = {
	{ "ID", true, false },     { "PEER", false, true },     { "ADDRESS", false, false },
	{ "PORT", true, false },   { "STATE", false, false },   { "SESSIONS", true, false },
	{ "AGE", true, false },    { "THEIR-ID", true, false }, { "HOST-NAME", false, true },
	{ "VENDOR", false, true },
};

static void row(void *arg, const json_t *v)
{
	struct table *t = arg;
	char cell[CELL];

	table_number(t, get_number(v, "id"));
	table_text(t, get_text(v, "peer"));
	table_text(t, get_text(v, "address"));
	table_number(t, get_number(v, "port"));
	table_text(t, get_text(v, "state"));
	table_number(t, get_number(v, "sessions"));
	table_text(t, age_str(get_number(v, "age"), cell));
	table_number(t, get_number(v, "peer_id"));
	table_text(t, get_text(v, "host_name"));
	table_text(t, get_text(v, "vendor"));
}

int cmd_show_tunnels(const struct options *o, int argc, char **argv)
{
	struct reply r;
	struct table *t;
	int code;

	(void)argv;
	if (argc)
		return usage("show tunnels", "no arguments");
	code = ask(o, "show tunnels", NULL, NULL, &r);
	if (code)
		return code;
	if (o->json) {
		code = reply_print(&r);
	} else {
		t = table_new(columns, sizeof(columns) / sizeof(columns[0]));
		code = reply_each(&r, row, t);
		table_print(t);
	}
	reply_free(&r);
	return code;
}
