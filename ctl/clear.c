/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>

#include "ctl/ctl.h"

static void print_tunnel(const struct options *o, const json_t *v)
{
	(void)o;
	printf("tunnel %" PRIu64 " cleared\n", get_number(v, "cleared"));
}

static void print_session(const struct options *o, const json_t *v)
{
	(void)o;
	printf("session %" PRIu64 " cleared\n", get_number(v, "cleared"));
}

int cmd_clear_tunnel(const struct options *o, int argc, char **argv)
{
	if (argc != 1)
		return usage("clear tunnel", "one ID");
	return ask_whole(o, "clear tunnel", words_json(argc, argv), NULL, print_tunnel);
}

int cmd_clear_session(const struct options *o, int argc, char **argv)
{
	if (argc != 1)
		return usage("clear session", "one ID");
	return ask_whole(o, "clear session", words_json(argc, argv), NULL, print_session);
}
