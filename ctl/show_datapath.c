/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"

static void print_interfaces(const json_t *list)
{
	static const struct column columns[] = {
		{ "INTERFACE", false, false }, { "INDEX", true, false },   { "MTU", true, false },
		{ "XDP", false, false },       { "SHARED", false, false }, { "WHY", false, true },
	};
	struct table *t = table_new(columns, COLUMNS(columns));
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		table_text(t, get_text(v, "name"));
		table_number(t, get_number(v, "ifindex"));
		table_number(t, get_number(v, "mtu"));
		table_text(t, get_text(v, "mode"));
		table_text(t, get_bool(v, "shared") ? "yes" : "no");
		table_text(t, get_text(v, "why"));
	}
	putchar('\n');
	table_print(t);
}

static void print_pools(const json_t *list)
{
	static const struct column columns[] = {
		{ "POOL", false, true },      { "IPV4-USED", true, false },
		{ "IPV4-SIZE", true, false }, { "IPV6-USED", true, false },
		{ "IPV6-SIZE", true, false },
	};
	struct table *t = table_new(columns, COLUMNS(columns));
	const json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		table_text(t, get_text(v, "name"));
		table_number(t, get_number(v, "ipv4_used"));
		table_number(t, get_number(v, "ipv4_size"));
		table_number(t, get_number(v, "ipv6_used"));
		table_number(t, get_number(v, "ipv6_size"));
	}
	putchar('\n');
	table_print(t);
}

static void print_counters(const char *title, json_t *counters, bool all)
{
	const struct column columns[] = { { title, false, false }, { "COUNT", true, false } };
	struct table *t = table_new(columns, 2);
	const char *name;
	json_t *v;

	json_object_foreach(counters, name, v)
	{
		if (!json_integer_value(v) && !all)
			continue;
		table_text(t, name);
		table_number(t, (uint64_t)json_integer_value(v));
	}
	putchar('\n');
	table_print(t);
}

static void print_pinned(const char *directory)
{
	if (*directory)
		print_pair("maps pinned", "in %s: sessions' packets go on while the daemon is away",
			   safe(directory));
	else
		print_pair("maps pinned", "no (bpf-directory: none): packets stop while the daemon "
					  "is away");
}

static void print(const struct options *o, const json_t *v)
{
	const json_t *listen = json_object_get(v, "listen"), *a;
	char age[CELL], memory[CELL];
	size_t i;

	print_pair("version", "%s", safe(get_text(v, "version")));
	print_pair("hostname", "%s", safe(get_text(v, "hostname")));
	print_pair("up for", "%s", age_str(get_number(v, "age"), age));
	json_array_foreach(listen, i, a)
	{
		const char *text = json_string_value(a);

		print_pair("listens", "%s port %" PRIu64, safe(text ? text : ""),
			   get_number(v, "port"));
	}
	print_pair("mode", "%s", safe(get_text(v, "mode")));
	print_pair("TUN device", "%s", safe(get_text(v, "tun")));
	print_pair("shards", "%" PRIu64, get_number(v, "shards"));
	print_pair("memory of maps", "%s", bytes_str(get_number(v, "memory"), memory));
	print_pair("sessions", "%" PRIu64, get_number(v, "sessions"));
	print_pinned(get_text(v, "bpf_directory"));
	print_interfaces(json_object_get(v, "interfaces"));
	print_pools(json_object_get(v, "pools"));
	print_counters("SLOW PATH", json_object_get(v, "slow"), o->all);
	print_counters("L2TP", json_object_get(v, "l2tp"), o->all);
	print_counters("L2TP-V3", json_object_get(v, "l2tp3"), o->all);
}

int cmd_show_datapath(const struct options *o, int argc, char **argv)
{
	(void)argv;
	if (argc)
		return usage("show datapath", "no arguments");
	return ask_whole(o, "show datapath", NULL, NULL, print);
}
