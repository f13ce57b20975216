/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ask and print. */
#include <stdio.h>

#include "ctl/ctl.h"

int ask_table(const struct options *o, const char *command, json_t *options,
	      const struct column *columns, unsigned int n,
	      void (*row)(struct table *t, const json_t *v))
{
	struct reply r;
	struct table *t;
	int code;

	code = ask(o, command, NULL, options, &r);
	if (code)
		return code;
	if (o->json) {
		code = reply_print(&r);
	} else {
		t = table_new(columns, n);
		code = reply_each(&r, row, t);
		table_print(t);
	}
	reply_free(&r);
	return code;
}

int reply_show(const struct options *o, struct reply *r,
	       void (*print)(const struct options *o, const json_t *v))
{
	int code = EXIT_OK;
	json_t *v;

	if (o->json) {
		code = reply_print(r);
	} else {
		v = reply_json(r);
		if (v)
			print(o, v);
		else
			code = EXIT_REFUSED;
		json_decref(v);
	}
	reply_free(r);
	return code;
}

int ask_whole(const struct options *o, const char *command, json_t *arguments, json_t *options,
	      void (*print)(const struct options *o, const json_t *v))
{
	struct reply r;
	int code = ask(o, command, arguments, options, &r);

	return code ? code : reply_show(o, &r, print);
}
