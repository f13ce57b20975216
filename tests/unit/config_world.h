/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of the configuration share: a file that is good line by line, and cases that each
 * replace one of its lines and name the line of the fault and what it says.
 */
#ifndef L2XDP_TESTS_UNIT_CONFIG_WORLD_H
#define L2XDP_TESTS_UNIT_CONFIG_WORLD_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "loader/control/config.h"

struct fault_case {
	unsigned int line; /* that is replaced; from 1 on */
	const char *with;
	unsigned int at; /* line of the fault */
	const char *says[2];
};

static inline struct config *parse(const char *text)
{
	struct config *c = NULL;
	char err[4096];

	if (config_parse("f", text, strlen(text), &c, err, sizeof(err)))
		fail_msg("%s", err);
	return c;
}

static inline void expect_addr(const struct ipaddr *a, const char *text)
{
	char buf[ADDR_STRLEN];

	assert_string_equal(addr_str(a, buf), text);
}

/* The good file, with one line replaced; 0: none. */
static inline void compose(char *text, size_t cap, const char *const *good, size_t n,
			   unsigned int line, const char *with)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++)
		used += (size_t)snprintf(text + used, cap - used, "%s\n",
					 i + 1 == line ? with : good[i]);
	assert_true(used < cap);
}

static inline struct config *parse_good(const char *const *good, size_t n)
{
	char text[4096];

	compose(text, sizeof(text), good, n, 0, NULL);
	return parse(text);
}

static inline void expect_remedies(const char *err)
{
	for (const char *line = err; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strstr(line, "; ") && !strstr(line, "did you mean"))
			fail_msg("no remedy in \"%s\"", line);
	}
}

/* One of the lines is the one expected; all of them have a remedy; the result is not touched. */
static inline void expect_fault(const struct fault_case *f, const char *const *good, size_t n)
{
	struct config *c = (struct config *)0x1;
	char text[4096], err[4096], where[32];
	const char *line;

	compose(text, sizeof(text), good, n, f->line, f->with);
	if (config_parse("dir/f.yaml", text, strlen(text), &c, err, sizeof(err)) != -EINVAL)
		fail_msg("\"%s\" is taken", f->with);
	assert_ptr_equal(c, (struct config *)0x1);
	snprintf(where, sizeof(where), "dir/f.yaml:%u: ", f->at);
	line = strstr(err, where);
	if (!line)
		fail_msg("\"%s\" gave \"%s\", not at %s", f->with, err, where);
	for (unsigned int i = 0; i < 2; i++)
		if (!strstr(line, f->says[i]))
			fail_msg("\"%s\" gave \"%s\", not \"%s\"", f->with, err, f->says[i]);
	expect_remedies(err);
}

static inline void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	chmod(path, 0600);
}

#endif
