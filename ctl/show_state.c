/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"

static void print_origin(const json_t *v)
{
	const char *origin = get_text(v, "origin");
	char age[CELL];

	if (!strcmp(origin, "runtime"))
		print_pair("started from", "the runtime directory: as the daemon before left it");
	else if (!strcmp(origin, "durable"))
		print_pair("started from", "the state directory, last written %s before",
			   age_str(get_number(v, "behind"), age));
	else
		print_pair("started from", "nothing: no state was there");
	if (*get_text(v, "note"))
		print_pair("", "%s", safe(get_text(v, "note")));
}

static void print_start(const json_t *v)
{
	print_origin(v);
	print_pair("restored",
		   "%" PRIu64 " tunnels, %" PRIu64 " sessions in %" PRIu64 " ms; %" PRIu64
		   " sessions could not be kept",
		   get_number(v, "tunnels"), get_number(v, "sessions"), get_number(v, "ms"),
		   get_number(v, "dropped"));
	if (get_number(v, "pseudowires") || get_number(v, "pseudowires_dropped"))
		print_pair("pseudowires",
			   "%" PRIu64 " sessions restored, %" PRIu64 " could not be kept",
			   get_number(v, "pseudowires"), get_number(v, "pseudowires_dropped"));
	if (get_number(v, "set_aside"))
		print_pair("set aside",
			   "%" PRIu64
			   " records, because two processes had died of each: see the log",
			   get_number(v, "set_aside"));
	if (get_bool(v, "maps_adopted"))
		print_pair("maps", "taken over: %" PRIu64 " sessions stood there as they should",
			   get_number(v, "kept"));
	else
		print_pair("maps", "made anew");
	if (*get_text(v, "maps_note"))
		print_pair("", "%s", safe(get_text(v, "maps_note")));
	print_pair("mended", "%" PRIu64 " sessions put into the maps, %" PRIu64 " taken out",
		   get_number(v, "put"), get_number(v, "removed"));
}

static void print_store(const json_t *v)
{
	char size[CELL];

	print_pair("store", "%" PRIu64 " records, %s", get_number(v, "records"),
		   bytes_str(get_number(v, "octets"), size));
	print_pair("written", "%" PRIu64 " times, %" PRIu64 " times to disk, %" PRIu64 " failed",
		   get_number(v, "commits"), get_number(v, "durable_commits"),
		   get_number(v, "failed_commits"));
	if (get_number(v, "durable_behind_ms"))
		print_pair("disk", "%" PRIu64 " ms behind", get_number(v, "durable_behind_ms"));
	else
		print_pair("disk", "up to date");
	if (*get_text(v, "error"))
		print_pair("FAILING", "%s", safe(get_text(v, "error")));
}

static void print(const struct options *o, const json_t *v)
{
	const char *bpf = get_text(v, "bpf_directory");

	(void)o;
	print_pair("in memory", "%s", safe(get_text(v, "runtime_directory")));
	print_pair("on disk", "%s", safe(get_text(v, "state_directory")));
	print_pair("maps pinned", "%s", *bpf ? safe(bpf) : "no (bpf-directory: none)");
	print_pair("draining", "%s", get_bool(v, "draining") ? "yes, all peers" : "no");
	print_start(json_object_get(v, "start"));
	print_store(json_object_get(v, "store"));
}

int cmd_show_state(const struct options *o, int argc, char **argv)
{
	(void)argv;
	if (argc)
		return usage("show state", "no arguments");
	return ask_whole(o, "show state", NULL, NULL, print);
}
