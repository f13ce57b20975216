/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>

#include "ctl/ctl.h"

static int clear(const struct options *o, const char *command, const char *what, int argc,
		 char **argv)
{
	struct reply r;
	int code;

	if (argc != 1)
		return usage(command, "one ID");
	code = ask(o, command, words_json(argc, argv), NULL, &r);
	if (code)
		return code;
	if (o->json)
		code = reply_print(&r);
	else
		printf("%s %s cleared\n", what, safe(argv[0]));
	reply_free(&r);
	return code;
}

int cmd_clear_tunnel(const struct options *o, int argc, char **argv)
{
	return clear(o, "clear tunnel", "tunnel", argc, argv);
}

int cmd_clear_session(const struct options *o, int argc, char **argv)
{
	return clear(o, "clear session", "session", argc, argv);
}
