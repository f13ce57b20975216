/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which records are set aside, and what the monitor believes of a page that a worker writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "loader/monitor/marks.h"

enum { NOTHING, TUNNEL, SESSION, HOOK, ALL };
static const char *const names[ALL] = { "", "tunnel", "session", "the hook" };
static const struct marks_names kinds = { names, ALL, HOOK };

static int setup(void **state)
{
	*state = marks_new(&kinds);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	marks_free(*state);
	return 0;
}

/* A worker is born, gets this far and dies. */
static bool dies_at(struct marks *m, unsigned int what, uint64_t key)
{
	pid_t pid;

	marks_clear(m);
	pid = fork();
	if (pid == 0) {
		marks_step(m, what, key);
		_exit(0);
	}
	waitpid(pid, NULL, 0);
	return marks_death(m);
}

static void two_deaths_in_a_row_at_a_record_set_it_aside(void **state)
{
	struct marks *m = *state;

	assert_false(dies_at(m, SESSION, 7));
	assert_false(marks_is_aside(m, SESSION, 7));
	assert_true(dies_at(m, SESSION, 7));
	assert_true(marks_is_aside(m, SESSION, 7));
	assert_false(marks_is_aside(m, SESSION, 8));
	assert_false(marks_is_aside(m, TUNNEL, 7));
}

static void deaths_at_different_records_set_none_aside(void **state)
{
	struct marks *m = *state;

	for (uint64_t key = 0; key < 20; key++)
		assert_false(dies_at(m, SESSION, key % 2));
	assert_false(dies_at(m, TUNNEL, 1)); /* the same key, another table */
	assert_false(dies_at(m, NOTHING, 0));
	assert_false(dies_at(m, TUNNEL, 1)); /* not in a row */
	assert_false(marks_is_aside(m, TUNNEL, 1));
}

static void one_after_the_other_until_a_worker_is_ready(void **state)
{
	struct marks *m = *state;

	for (uint64_t key = 0; key < 3; key++) {
		assert_false(dies_at(m, SESSION, key));
		assert_true(dies_at(m, SESSION, key));
	}
	for (uint64_t key = 0; key < 3; key++)
		assert_true(marks_is_aside(m, SESSION, key));
	marks_forget(m); /* these keys may be other sessions' from now on */
	for (uint64_t key = 0; key < 3; key++)
		assert_false(marks_is_aside(m, SESSION, key));
	assert_false(dies_at(m, SESSION, 2));
}

static void no_more_are_set_aside_than_there_is_room_for(void **state)
{
	struct marks *m = *state;
	unsigned int n = 0;

	for (uint64_t key = 0; key < 2 * MARKS_MOST; key++) {
		dies_at(m, SESSION, key);
		n += dies_at(m, SESSION, key);
	}
	assert_int_equal(n, MARKS_MOST);
	assert_true(marks_is_aside(m, SESSION, MARKS_MOST - 1));
	assert_false(marks_is_aside(m, SESSION, MARKS_MOST));
}

static void what_is_no_record_is_told_and_not_set_aside(void **state)
{
	struct marks *m = *state;
	char text[64];

	for (int i = 0; i < 5; i++)
		assert_false(dies_at(m, HOOK, 0));
	assert_false(marks_at_record(m));
	marks_say(m, text, sizeof(text));
	assert_string_equal(text, ", at the hook");
	marks_step(m, SESSION, 0xffffffffffffffff);
	assert_true(marks_at_record(m));
	marks_say(m, text, sizeof(text));
	assert_string_equal(text, ", at session 18446744073709551615");
}

static void what_a_stranger_writes_there_stands_for_nothing(void **state)
{
	static const unsigned int strange[] = { ALL, ALL + 1, 0x7fffffff, 0xffffffff };
	struct marks *m = *state;
	char text[64];

	for (size_t i = 0; i < sizeof(strange) / sizeof(strange[0]); i++) {
		for (int n = 0; n < 4; n++)
			assert_false(dies_at(m, strange[i], 7));
		assert_false(marks_at_record(m));
		marks_say(m, text, sizeof(text));
		assert_string_equal(text, "");
		assert_false(marks_is_aside(m, strange[i], 7));
	}
}

static void a_new_worker_has_the_marks_of_no_other(void **state)
{
	struct marks *m = *state;

	dies_at(m, SESSION, 7);
	assert_false(dies_at(m, NOTHING, 0)); /* before it reads anything */
	assert_false(dies_at(m, SESSION, 7));
}

static void what_is_set_aside_is_kept_in_a_file(void **state)
{
	char directory[] = "/tmp/l2xdp-marks.XXXXXX", path[512], got[16] = "";
	struct marks *m = *state;
	struct stat st;
	FILE *f;

	assert_non_null(mkdtemp(directory));
	for (uint64_t key = 1; key <= 2; key++) {
		dies_at(m, SESSION, key);
		assert_true(dies_at(m, SESSION, key));
	}
	assert_false(marks_keep(m, SESSION, 2, "octets", 6, path, sizeof(path)));
	marks_open(m, directory);
	assert_true(marks_keep(m, SESSION, 2, "octets", 6, path, sizeof(path)));
	assert_false(marks_keep(m, SESSION, 3, "other", 5, got, sizeof(got)));
	f = fopen(path, "r");
	assert_non_null(f);
	assert_int_equal(fread(got, 1, sizeof(got), f), 6);
	assert_string_equal(got, "octets");
	assert_int_equal(fstat(fileno(f), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	fclose(f);
	unlink(path);
	snprintf(path, sizeof(path), "%s/set-aside-0", directory);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(rmdir(directory), 0);
}

static void without_marks_nothing_is_set_aside(void **state)
{
	char text[8];

	(void)state;
	marks_step(NULL, SESSION, 7);
	marks_clear(NULL);
	marks_say(NULL, text, sizeof(text));
	assert_string_equal(text, "");
	assert_false(marks_death(NULL) || marks_at_record(NULL) ||
		     marks_is_aside(NULL, SESSION, 7));
	marks_forget(NULL);
	marks_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
		CASE(two_deaths_in_a_row_at_a_record_set_it_aside),
		CASE(deaths_at_different_records_set_none_aside),
		CASE(one_after_the_other_until_a_worker_is_ready),
		CASE(no_more_are_set_aside_than_there_is_room_for),
		CASE(what_is_no_record_is_told_and_not_set_aside),
		CASE(what_a_stranger_writes_there_stands_for_nothing),
		CASE(a_new_worker_has_the_marks_of_no_other),
		CASE(what_is_set_aside_is_kept_in_a_file),
		cmocka_unit_test(without_marks_nothing_is_set_aside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
