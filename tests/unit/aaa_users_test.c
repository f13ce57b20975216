/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The users file: pppd's chap-secrets, its words, its best match, its address column. */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "loader/aaa/aaa.h"

static struct users *parse(const char *text)
{
	struct users *u = NULL;
	char err[256];

	if (users_parse("users", text, strlen(text), &u, err, sizeof(err)))
		fail_msg("%s", err);
	return u;
}

static void expect_secret(const struct users *u, const char *client, const char *server,
			  const char *secret)
{
	struct user_entry e;

	if (!secret) {
		assert_int_equal(users_find(u, client, server, &e), -ENOENT);
		return;
	}
	assert_int_equal(users_find(u, client, server, &e), 0);
	assert_int_equal(e.secret_len, strlen(secret));
	assert_memory_equal(e.secret, secret, e.secret_len);
}

static void words_are_decoded_as_pppd_does(void **state)
{
	static const struct {
		const char *line, *secret;
	} cases[] = {
		{ "joe * plain", "plain" },
		{ "joe * \"two words\"", "two words" },
		{ "joe * 'single \"inside\"'", "single \"inside\"" },
		{ "joe * half\" and \"half", "half and half" },
		{ "joe\t*\tsp\\ ace", "sp ace" },
		{ "joe * a\\sb\\tc", "a b\tc" },
		{ "joe * \\x41\\x4a\\101z", "AJAz" },
		{ "joe * \\\"q\\\\", "\"q\\" },
		{ "joe * \\#no-comment", "#no-comment" },
		{ "joe * \"#no comment\" # one", "#no comment" },
		{ "joe * cut#comment", "cut" },
		{ "joe * con\\\ntinued", "continued" },
		{ "joe \\\n * wrapped", "wrapped" },
		{ "  # joe * no\n\n   joe   *   yes   \r\n", "yes" },
		{ "joe * @relative", "@relative" },
		{ "joe * p%s\\n", "p%s\n" },
		{ "joe * \xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct users *u = parse(cases[i].line);

		assert_int_equal(users_count(u), 1);
		expect_secret(u, "joe", "lns", cases[i].secret);
		users_free(u);
	}
}

static void octet_nul_in_a_secret_is_kept(void **state)
{
	struct users *u = parse("joe * a\\0b");
	struct user_entry e;

	(void)state;
	assert_int_equal(users_find(u, "joe", "", &e), 0);
	assert_int_equal(e.secret_len, 3);
	assert_memory_equal(e.secret, "a\0b", 3);
	users_free(u);
}

static void better_match_wins(void **state)
{
	struct users *u = parse("* * any-any\n"
				"joe * joe-any\n"
				"* lns any-lns\n"
				"joe lns joe-lns\n"
				"ann * ann-any\n"
				"joe lns later\n");

	(void)state;
	expect_secret(u, "joe", "lns", "joe-lns");
	expect_secret(u, "joe", "other", "joe-any");
	/* pppd holds the server's name to be worth more than the client's */
	expect_secret(u, "ann", "lns", "any-lns");
	expect_secret(u, "ann", "other", "ann-any");
	expect_secret(u, "bob", "lns", "any-lns");
	expect_secret(u, "bob", "other", "any-any");
	users_free(u);
}

static void names_are_compared_whole_and_in_case(void **state)
{
	struct users *u = parse("joe lns s1\n");

	(void)state;
	expect_secret(u, "Joe", "lns", NULL);
	expect_secret(u, "joe", "LNS", NULL);
	expect_secret(u, "jo", "lns", NULL);
	expect_secret(u, "joe2", "lns", NULL);
	expect_secret(u, "", "lns", NULL);
	expect_secret(u, "*", "lns", NULL);
	users_free(u);
	u = parse("# nobody\n\n");
	assert_int_equal(users_count(u), 0);
	expect_secret(u, "joe", "lns", NULL);
	users_free(u);
}

static void fourth_column_is_the_address(void **state)
{
	struct users *u = parse("a * s 192.0.2.7\n"
				"b * s *\n"
				"c * s -\n"
				"d * s\n"
				"e * s 192.0.2.8 -- mtu 1400\n"
				"f * s -- 192.0.2.9\n"
				"g * s 192.0.2.10/32 # ten\n");
	static const struct {
		const char *client;
		uint32_t address;
		bool none;
	} cases[] = { { "a", 0xc0000207, false }, { "b", 0, false },          { "c", 0, true },
		      { "d", 0, false },          { "e", 0xc0000208, false }, { "f", 0, false },
		      { "g", 0xc000020a, false } };
	struct user_entry e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(users_find(u, cases[i].client, "x", &e), 0);
		assert_int_equal(addr_v4(&e.ipv4), cases[i].address);
		assert_int_equal(addr_is_set(&e.ipv4), cases[i].address != 0);
		assert_int_equal(e.no_ipv4, cases[i].none);
	}
	users_free(u);
}

static void faults_name_file_line_and_remedy(void **state)
{
	static char long_word[1100];
	static const struct {
		const char *text, *where, *says;
	} cases[] = {
		{ "a * s\n\njoe lns\nb * s\n", "users:3: ", "write all three" },
		{ "joe", "users:1: ", "write all three" },
		{ "a * s\nb * \"s\nc * s\n", "users:2: ", "close it" },
		{ "a * s 192.0.2.0/24\n", "users:1: ", "192.0.2.0/24 is no single IPv4" },
		{ "a * s 192.0.2.1 192.0.2.2\n", "users:1: ", "more than one address" },
		{ "a * s 2001:db8::1\n", "users:1: ", "no single IPv4" },
		{ "a * s 0.0.0.0\n", "users:1: ", "no single IPv4" },
		{ "a * s host.example\n", "users:1: ", "no single IPv4" },
		{ "a * \"\"\n", "users:1: ", "empty" },
		{ "a\\0b * s\n", "users:1: ", "NUL" },
		{ "a * s\nb \\0 s\n", "users:2: ", "NUL" },
		{ "a * s\nb * @/nonexistent/secret\n", "users:2: ", "make it a readable file" },
		{ "a * @/dev/null\n", "users:1: ", "make it a readable file" },
		{ "a \\\n * s\nb * s\n\nc *\n", "users:5: ", "write all three" },
		{ long_word, "users:1: ", "1023" },
	};
	char err[256];
	size_t i;

	(void)state;
	memset(long_word, 'x', sizeof(long_word) - 1);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct users *u = (struct users *)0x1;

		assert_int_not_equal(users_parse("users", cases[i].text, strlen(cases[i].text), &u,
						 err, sizeof(err)),
				     0);
		assert_ptr_equal(u, (struct users *)0x1); /* not touched */
		if (strncmp(err, cases[i].where, strlen(cases[i].where)) != 0 ||
		    !strstr(err, cases[i].says))
			fail_msg("case %zu says \"%s\"", i, err);
	}
	assert_int_equal(
		users_parse("users", "a\nb\0c", 5, &(struct users *){ NULL }, err, sizeof(err)),
		-EINVAL);
	assert_non_null(strstr(err, "users:2: a NUL"));
	/* a short buffer for the words is no harm */
	assert_int_equal(users_parse("users", "a", 1, &(struct users *){ NULL }, err, 4), -EINVAL);
	assert_int_equal(strlen(err), 3);
}

static char *write_file(const char *text)
{
	static char path[] = "/tmp/aaa-users-XXXXXX";
	int fd;

	memcpy(path + strlen(path) - 6, "XXXXXX", 6);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	return path;
}

static void secret_can_stand_in_its_own_file(void **state)
{
	char *path = write_file("# my secret\n \"from file\" rest\n"), line[128];
	struct users *u;

	(void)state;
	snprintf(line, sizeof(line), "joe * @%s 192.0.2.1\n", path);
	u = parse(line);
	expect_secret(u, "joe", "lns", "from file");
	users_free(u);
	unlink(path);
}

static void load_reads_only_regular_files(void **state)
{
	char *path = write_file("joe * s3cret\n"), err[256];
	struct users *u;

	(void)state;
	assert_int_equal(users_load(path, &u, err, sizeof(err)), 0);
	expect_secret(u, "joe", "lns", "s3cret");
	users_free(u);
	unlink(path);
	assert_int_equal(users_load(path, &u, err, sizeof(err)), -ENOENT);
	assert_non_null(strstr(err, path));
	assert_non_null(strstr(err, "name a readable users file"));
	assert_int_equal(users_load("/tmp", &u, err, sizeof(err)), -EINVAL);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(users_load(path, &u, err, sizeof(err)), -EINVAL);
	unlink(path);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void hundred_thousand_users_load_in_a_second(void **state)
{
	enum { USERS = 100000 };
	char *text = malloc(USERS * 64), *p = text, name[32], err[256];
	double start, loaded, found;
	struct user_entry e;
	struct users *u;
	unsigned int i;

	(void)state;
	assert_non_null(text);
	for (i = 0; i < USERS; i++)
		p += sprintf(p, "user%u@example.net\tlns1\t\"secret of %u\"\t10.%u.%u.%u\n", i, i,
			     i >> 16, i >> 8 & 255, i & 255);
	start = seconds();
	assert_int_equal(users_parse("users", text, (size_t)(p - text), &u, err, sizeof(err)), 0);
	loaded = seconds();
	for (i = 0; i < USERS; i++) {
		snprintf(name, sizeof(name), "user%u@example.net", i);
		assert_int_equal(users_find(u, name, "lns1", &e), 0);
		assert_int_equal(addr_v4(&e.ipv4), 0x0a000000 + i);
	}
	found = seconds();
	assert_int_equal(users_find(u, "nobody", "lns1", &e), -ENOENT);
	print_message("%d users: loaded in %.3f s, found in %.0f ns each\n", USERS, loaded - start,
		      (found - loaded) / USERS * 1e9);
	assert_true(loaded - start < 1.0);
	assert_true(found - loaded < 1.0);
	users_free(u);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_are_decoded_as_pppd_does),
		cmocka_unit_test(octet_nul_in_a_secret_is_kept),
		cmocka_unit_test(better_match_wins),
		cmocka_unit_test(names_are_compared_whole_and_in_case),
		cmocka_unit_test(fourth_column_is_the_address),
		cmocka_unit_test(faults_name_file_line_and_remedy),
		cmocka_unit_test(secret_can_stand_in_its_own_file),
		cmocka_unit_test(load_reads_only_regular_files),
		cmocka_unit_test(hundred_thousand_users_load_in_a_second),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
