/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ask and print. */
#include <stdio.h>

#include "ctl/ctl.h"

struct rows {
	struct table *t;
	void (*row)(struct table *t, const json_t *v);
	bool any;
};

static int print_element(void *arg, const char *text, size_t len)
{
	struct rows *rows = arg;

	fputs(rows->any ? ",\n" : "[", stdout);
	rows->any = true;
	fwrite(text, 1, len, stdout);
	if (!ferror(stdout))
		return EXIT_OK;
	complain("cannot write the answer");
	return EXIT_REFUSED;
}

static int add_row(void *arg, const char *text, size_t len)
{
	struct rows *rows = arg;
	json_t *v = json_loadb(text, len, 0, NULL);

	if (!v) {
		complain("the answer is no list; is --socket right?");
		return EXIT_REFUSED;
	}
	rows->any = true;
	rows->row(rows->t, v);
	json_decref(v);
	return EXIT_OK;
}

int ask_table(const struct options *o, const char *command, json_t *options,
	      const struct column *columns, unsigned int n,
	      void (*row)(struct table *t, const json_t *v))
{
	struct rows rows = { .row = row };
	int code;

	if (o->json) {
		code = ask_each(o, command, options, print_element, &rows);
		if (!code)
			puts(rows.any ? "]" : "[]");
		else if (rows.any)
			putchar('\n'); /* not to be taken for the whole list */
		return code;
	}
	rows.t = table_new(columns, n);
	code = ask_each(o, command, options, add_row, &rows);
	if (!code || rows.any)
		table_print(rows.t);
	else
		table_free(rows.t);
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
