/* SPDX-License-Identifier: GPL-2.0-or-later */
/* drain, undrain, show peers, reload, shutdown. */
#include <inttypes.h>
#include <stdio.h>

#include "ctl/ctl.h"

/* The peer that the answer names, or all. */
static const char *whom(const json_t *v, const char *key)
{
	const char *name = get_text(v, key);

	return *name ? safe(name) : "any peer";
}

static int ask_named(const char *command, const struct options *o,
		     void (*print)(const struct options *o, const json_t *v))
{
	json_t *options = json_pack("{s:s*, s:s*}", "peer", o->peer, "rate", o->rate);

	if (!options)
		return usage(command, "a name in UTF-8");
	return ask_whole(o, command, NULL, options, print);
}

static void print_drain(const struct options *o, const json_t *v)
{
	uint64_t rate = get_number(v, "rate");

	(void)o;
	printf("no new calls from %s\n", whom(v, "drained"));
	if (rate)
		printf("its sessions are closed, %" PRIu64 " a second; l2xdpctl show peers tells "
		       "how many are left\n",
		       rate);
}

int cmd_drain(const struct options *o, int argc, char **argv)
{
	(void)argv;
	if (argc)
		return usage("drain", "no arguments; --peer NAME names one peer");
	if (o->rate && !o->peer)
		return usage("drain", "--rate with --peer NAME only");
	return ask_named("drain", o, print_drain);
}

static void print_undrain(const struct options *o, const json_t *v)
{
	(void)o;
	printf("new calls from %s are taken again\n", whom(v, "undrained"));
}

int cmd_undrain(const struct options *o, int argc, char **argv)
{
	(void)argv;
	if (argc)
		return usage("undrain", "no arguments; --peer NAME names one peer");
	return ask_named("undrain", o, print_undrain);
}

static const struct column columns[] = {
	{ "PEER", false, true },   { "TUNNELS", true, false }, { "SESSIONS", true, false },
	{ "SET-UP", true, false }, { "REFUSED", true, false }, { "DRAINING", false, false },
	{ "RATE", true, false },
};

static void row(struct table *t, const json_t *v)
{
	table_text(t, get_text(v, "name"));
	table_number(t, get_number(v, "tunnels"));
	table_number(t, get_number(v, "sessions"));
	table_number(t, get_number(v, "half_open"));
	table_number(t, get_number(v, "refused"));
	table_text(t, get_bool(v, "draining") ? "yes" : "no");
	if (get_number(v, "rate"))
		table_number(t, get_number(v, "rate"));
	else
		table_text(t, "");
}

int cmd_show_peers(const struct options *o, int argc, char **argv)
{
	(void)argv;
	if (argc)
		return usage("show peers", "no arguments");
	return ask_table(o, "show peers", NULL, columns, COLUMNS(columns), row);
}

static void print_reload(const struct options *o, const json_t *v)
{
	(void)o;
	print_lines(stdout, "", get_text(v, "text"));
	puts("the daemon has taken the configuration");
}

int cmd_reload(const struct options *o, int argc, char **argv)
{
	struct reply r;
	int code;

	(void)argv;
	if (argc)
		return usage("reload", "no arguments; it reads the file that the daemon was "
				       "started with");
	code = ask_renewed(o, "reload", NULL, json_pack("{s:b}", "force", o->force), &r);
	return code ? code : reply_show(o, &r, print_reload);
}

static void print_shutdown(const struct options *o, const json_t *v)
{
	(void)o;
	printf("the daemon closes %" PRIu64 " sessions", get_number(v, "closing"));
	if (get_number(v, "pseudowires"))
		printf(" and %" PRIu64 " of pseudowires,", get_number(v, "pseudowires"));
	puts(" and ends");
}

int cmd_shutdown(const struct options *o, int argc, char **argv)
{
	(void)argv;
	if (argc)
		return usage("shutdown", "no arguments");
	return ask_whole(o, "shutdown", NULL, NULL, print_shutdown);
}
