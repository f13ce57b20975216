/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"

static const struct column columns[] = {
	{ "ID", true, false },     { "PEER", false, true },     { "ADDRESS", false, false },
	{ "PORT", true, false },   { "STATE", false, false },   { "SESSIONS", true, false },
	{ "AGE", true, false },    { "THEIR-ID", true, false }, { "HOST-NAME", false, true },
	{ "VENDOR", false, true }, { "L2TP", false, false },
};

static void row(struct table *t, const json_t *v)
{
	char cell[CELL];

	table_number(t, get_number(v, "id"));
	table_text(t, get_text(v, "peer"));
	table_text(t, get_text(v, "address"));
	if (get_number(v, "port") || strcmp(get_text(v, "encapsulation"), "ip"))
		table_number(t, get_number(v, "port"));
	else
		table_text(t, "ip");
	table_text(t, get_text(v, "state"));
	table_number(t, get_number(v, "sessions"));
	table_text(t, age_str(get_number(v, "age"), cell));
	table_number(t, get_number(v, "peer_id"));
	table_text(t, get_text(v, "host_name"));
	table_text(t, get_text(v, "vendor"));
	table_text(t, get_number(v, "version") == 3 ? "v3" : "v2");
}

int cmd_show_tunnels(const struct options *o, int argc, char **argv)
{
	(void)argv;
	if (argc)
		return usage("show tunnels", "no arguments");
	return ask_table(o, "show tunnels", NULL, columns, COLUMNS(columns), row);
}
