/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines that fail to authenticate: how many in a row, for how long, and whose. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "loader/aaa/aaa.h"

static void zeros(void *ctx, void *buf, size_t n)
{
	(void)ctx;
	memset(buf, 0, n);
}

static struct failures *fail_times(unsigned int n, msec_t now, const char *key)
{
	struct failures *f = failures_new(3, zeros, NULL);

	assert_non_null(f);
	for (unsigned int i = 1; i <= n; i++)
		assert_int_equal(failures_add(f, now, key), i == 3);
	return f;
}

static void test_in_a_row(void **state)
{
	struct failures *f = fail_times(2, 1000, "lac\n1");

	(void)state;
	assert_false(failures_too_many(f, 1000, "lac\n1"));
	failures_end(f, "lac\n1"); /* a right one between */
	assert_false(failures_add(f, 1001, "lac\n1"));
	assert_false(failures_add(f, 1002, "lac\n1"));
	assert_true(failures_add(f, 1003, "lac\n1"));
	assert_true(failures_too_many(f, 1003, "lac\n1"));
	failures_free(f);
}

static void test_for_a_minute(void **state)
{
	struct failures *f = fail_times(4, 1000, "lac\n1");

	(void)state;
	assert_true(failures_too_many(f, 61000, "lac\n1"));
	assert_false(failures_too_many(f, 61001, "lac\n1"));
	assert_false(failures_add(f, 61001, "lac\n1"));
	assert_false(failures_too_many(f, 61001, "lac\n1"));
	failures_free(f);
}

static void test_nobody_else(void **state)
{
	struct failures *f = fail_times(3, 1000, "lac\n1");

	(void)state;
	assert_true(failures_too_many(f, 1000, "lac\n1"));
	assert_false(failures_too_many(f, 1000, "lac\n2"));
	assert_false(failures_too_many(f, 1000, "other\n1"));
	assert_false(failures_too_many(f, 1000, ""));
	failures_free(f);
}

/* The one who fails now is known, whoever came before. */
static void test_any_number_of_lines(void **state)
{
	struct failures *f = failures_new(3, zeros, NULL);
	char key[200];

	(void)state;
	for (unsigned int i = 0; i < 100000; i++) {
		snprintf(key, sizeof(key), "lac\n%u", i);
		assert_false(failures_add(f, i, key));
		assert_false(failures_add(f, i, key));
		assert_true(failures_add(f, i, key));
		assert_true(failures_too_many(f, i, key));
	}
	memset(key, 'x', sizeof(key) - 1); /* longer than a key: cut, and never overrun */
	key[sizeof(key) - 1] = '\0';
	for (unsigned int i = 0; i < 10; i++)
		failures_add(f, 1, key);
	failures_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_a_row),
		cmocka_unit_test(test_for_a_minute),
		cmocka_unit_test(test_nobody_else),
		cmocka_unit_test(test_any_number_of_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
