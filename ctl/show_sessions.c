/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"

static const struct column columns[] = {
	{ "ID", true, false },     { "USER", false, true },  { "PEER", false, true },
	{ "STATE", false, false }, { "IPV4", false, false }, { "IPV6", false, true },
	{ "MTU", true, false },    { "AGE", true, false },   { "RX", true, false },
	{ "TX", true, false },     { "HOOK", true, false },
};

static void row(struct table *t, const json_t *v)
{
	const json_t *rx = json_object_get(v, "rx"), *tx = json_object_get(v, "tx");
	uint64_t hook = get_number(rx, "hook_packets") + get_number(tx, "hook_packets");
	uint64_t slow = get_number(rx, "slow_packets") + get_number(tx, "slow_packets");
	char cell[CELL];

	table_number(t, get_number(v, "id"));
	table_text(t, get_text(v, "user"));
	table_text(t, get_text(v, "peer"));
	table_text(t, get_text(v, "state"));
	table_text(t, get_text(v, "ipv4"));
	table_text(t, get_text(v, "ipv6"));
	table_number(t, get_number(v, "mtu"));
	table_text(t, age_str(get_number(v, "age"), cell));
	table_text(t, bytes_str(get_number(rx, "hook_bytes") + get_number(rx, "slow_bytes"), cell));
	table_text(t, bytes_str(get_number(tx, "hook_bytes") + get_number(tx, "slow_bytes"), cell));
	table_text(t, percent_str(hook, hook + slow, cell));
}

static json_t *filter(const struct options *o)
{
	return json_pack("{s:s*, s:s*, s:s*, s:s*, s:s*}", "peer", o->peer, "user", o->user, "ipv4",
			 o->ipv4, "after", o->after, "limit", o->limit);
}

int cmd_show_sessions(const struct options *o, int argc, char **argv)
{
	json_t *options = filter(o);

	(void)argv;
	if (options && !argc)
		return ask_table(o, "show sessions", options, columns, COLUMNS(columns), row);
	json_decref(options);
	return usage("show sessions",
		     argc ? "options only; `show session ID` shows one" : "names in UTF-8");
}

static void print_direction(const json_t *v, const char *title)
{
	char hook[CELL], slow[CELL];

	printf("%-15s hook %" PRIu64 " packets, %s; slow path %" PRIu64 " packets, %s; "
	       "dropped %" PRIu64 ", lost %" PRIu64 "\n",
	       title, get_number(v, "hook_packets"), bytes_str(get_number(v, "hook_bytes"), hook),
	       get_number(v, "slow_packets"), bytes_str(get_number(v, "slow_bytes"), slow),
	       get_number(v, "drops"), get_number(v, "lost"));
}

static const char *or_none(const char *text)
{
	return *text ? safe(text) : "none";
}

static void print_session(const struct options *o, const json_t *v)
{
	char age[CELL];

	(void)o;
	print_pair("session", "%" PRIu64, get_number(v, "id"));
	print_pair("user", "%s", or_none(get_text(v, "user")));
	print_pair("state", "%s", safe(get_text(v, "state")));
	print_pair("authentication", "%s", safe(get_text(v, "authentication")));
	print_pair("IPv4", "%s", or_none(get_text(v, "ipv4")));
	print_pair("IPv6", "%s", or_none(get_text(v, "ipv6")));
	print_pair("age", "%s", age_str(get_number(v, "age"), age));
	print_pair("peer", "%s", safe(get_text(v, "peer")));
	print_pair("path", "%s port %" PRIu64 " to %s port %" PRIu64, safe(get_text(v, "address")),
		   get_number(v, "port"), safe(get_text(v, "local_address")),
		   get_number(v, "local_port"));
	print_pair("our IDs", "tunnel %" PRIu64 ", session %" PRIu64, get_number(v, "tunnel"),
		   get_number(v, "session"));
	print_pair("peer's IDs", "tunnel %" PRIu64 ", session %" PRIu64,
		   get_number(v, "peer_tunnel"), get_number(v, "peer_session"));
	print_pair("MTU", "%" PRIu64 " octets (peer's MRU %" PRIu64 ")", get_number(v, "mtu"),
		   get_number(v, "peer_mru"));
	print_pair("sequencing", "%s", get_bool(v, "sequencing") ? "yes" : "no");
	print_pair("calling", "%s", or_none(get_text(v, "calling")));
	print_pair("called", "%s", or_none(get_text(v, "called")));
	print_direction(json_object_get(v, "rx"), "from subscriber");
	print_direction(json_object_get(v, "tx"), "to subscriber");
}

int cmd_show_session(const struct options *o, int argc, char **argv)
{
	if (argc != 1)
		return usage("show session", "one ID");
	return ask_whole(o, "show session", words_json(argc, argv), NULL, print_session);
}
