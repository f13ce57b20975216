/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store: batches, what survives a death or a reboot, who may open it. */
#include "store_world.h"

#include <signal.h>

static int setup(void **state)
{
	static struct world w;

	world_init(&w);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	world_end(*state);
	return 0;
}

static void the_last_change_of_a_key_wins(void **state)
{
	struct world *w = *state;
	struct world_want got;

	world_open(w);
	assert_int_equal(w->info.origin, STORE_NEW);
	assert_string_equal(w->info.note, "");
	assert_false(store_is_dirty(w->s));
	world_put(w, STORE_TUNNELS, 7, 100, 1);
	world_put(w, STORE_TUNNELS, 7, 300, 2);
	world_put(w, STORE_SESSIONS, 7, 50, 3);
	world_put(w, STORE_SESSIONS, 8, 50, 4);
	store_delete(w->s, STORE_SESSIONS, 8);
	store_delete(w->s, STORE_SESSIONS, 9);
	world_put(w, STORE_SESSIONS, 9, 9, 5);
	store_delete(w->s, STORE_MISC, 1000); /* was never there */
	assert_true(store_is_dirty(w->s));
	assert_int_equal(world_count(w, STORE_TUNNELS), 0); /* as of the last commit */
	world_commit(w);
	assert_true(world_find(w, STORE_TUNNELS, 7, &got));
	assert_int_equal(got.len, 300);
	assert_int_equal(got.salt, 2);
	assert_int_equal(w->seen, 1);
	assert_true(world_find(w, STORE_SESSIONS, 7, &got));
	assert_true(world_find(w, STORE_SESSIONS, 9, &got));
	assert_int_equal(got.salt, 5);
	assert_int_equal(w->seen, 2);
	assert_int_equal(world_count(w, STORE_MISC), 0);
	assert_int_equal(store_commit(w->s, 0), 0); /* nothing to do */
}

static void records_of_any_size_and_key(void **state)
{
	static const size_t sizes[] = { 0, 1, 8, 300, 2000, 2040, 4096, 8191, STORE_MAX_RECORD };
	static const uint64_t keys[] = { 0, 1, 255, 256, 1ULL << 32, 7ULL << 32 | 1, UINT64_MAX };
	struct world *w = *state;
	struct world_want got;

	world_open(w);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		world_put(w, STORE_MESSAGES, i, sizes[i], i);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		world_put(w, STORE_RESTING, keys[i], 20, i);
	world_commit(w);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_true(world_find(w, STORE_MESSAGES, i, &got));
		assert_int_equal(got.len, sizes[i]);
	}
	assert_int_equal(world_count(w, STORE_RESTING), sizeof(keys) / sizeof(keys[0]));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		assert_true(world_find(w, STORE_RESTING, keys[i], NULL));
}

static void a_record_too_long_is_told_and_costs_no_other(void **state)
{
	struct world *w = *state;
	static uint8_t rec[STORE_MAX_RECORD + 1];

	world_open(w);
	store_put(w->s, STORE_MISC, 1, rec, sizeof(rec));
	world_put(w, STORE_MISC, 2, 10, 1);
	assert_int_equal(store_commit(w->s, 0), -EMSGSIZE);
	assert_int_equal(store_commit(w->s, 0), 0);
	assert_false(world_find(w, STORE_MISC, 1, NULL));
	assert_true(world_find(w, STORE_MISC, 2, NULL));
}

static bool stop_at_once(void *arg, uint64_t key, const uint8_t *rec, size_t len)
{
	(void)key;
	(void)rec;
	(void)len;
	++*(unsigned int *)arg;
	return false;
}

static void a_visit_ends_when_it_is_told(void **state)
{
	struct world *w = *state;
	unsigned int n = 0;

	world_open(w);
	for (uint64_t k = 0; k < 10; k++)
		world_put(w, STORE_MISC, k, 10, 1);
	world_commit(w);
	assert_int_equal(store_visit(w->s, STORE_MISC, stop_at_once, &n), 0);
	assert_int_equal(n, 1);
}

static void purge_takes_the_lowest_keys(void **state)
{
	struct world *w = *state;

	world_open(w);
	for (uint64_t k = 0; k < 100; k++)
		world_put(w, STORE_RESTING, k << 20, 8, 1);
	world_put(w, STORE_MISC, 3, 8, 1);
	world_commit(w);
	store_purge(w->s, STORE_RESTING, 50ULL << 20, 20);
	world_commit(w);
	assert_int_equal(world_count(w, STORE_RESTING), 80);
	assert_false(world_find(w, STORE_RESTING, 19ULL << 20, NULL));
	assert_true(world_find(w, STORE_RESTING, 20ULL << 20, NULL));
	world_put(w, STORE_RESTING, 1, 8, 1); /* in the batch alone */
	store_delete(w->s, STORE_RESTING, 20ULL << 20);
	store_purge(w->s, STORE_RESTING, 50ULL << 20, 1000);
	world_commit(w);
	assert_int_equal(world_count(w, STORE_RESTING), 50);
	assert_true(world_find(w, STORE_RESTING, 50ULL << 20, NULL));
	store_purge(w->s, STORE_RESTING, 0, 1000);
	assert_false(store_is_dirty(w->s));
	assert_int_equal(world_count(w, STORE_MISC), 1);
}

static void what_was_committed_is_there_again(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_put(w, STORE_TUNNELS, 1, 300, 1);
	world_commit(w);
	world_put(w, STORE_TUNNELS, 2, 300, 1); /* by store_close */
	world_close(w);
	world_open(w);
	assert_int_equal(w->info.origin, STORE_HOT);
	assert_string_equal(w->info.note, "");
	assert_int_equal(world_count(w, STORE_TUNNELS), 2);
}

/* Commits for ever: batch n writes the same n to ten keys of each of two tables. */
static void commit_for_ever(struct world *w, int tell)
{
	world_open(w);
	assert_int_equal(store_start(w->s), 0);
	for (uint64_t n = 1;; n++) {
		for (uint64_t k = 0; k < 10; k++) {
			world_put(w, STORE_TUNNELS, k, 300, n);
			world_put(w, STORE_SESSIONS, k * 1000, 300, n);
		}
		if (store_commit(w->s, n) || write(tell, &n, sizeof(n)) != sizeof(n))
			_exit(1);
	}
}

static void a_batch_survives_kill_whole_or_not_at_all(void **state)
{
	struct world *w = *state;
	uint64_t told = 0;

	srandom(3);
	for (int round = 0; round < 25; round++) {
		struct world_want got;
		int ends[2];
		pid_t pid;

		assert_int_equal(pipe(ends), 0);
		pid = fork();
		if (!pid) {
			close(ends[0]);
			commit_for_ever(w, ends[1]);
		}
		close(ends[1]);
		assert_int_equal(read(ends[0], &told, sizeof(told)), sizeof(told));
		usleep((useconds_t)random() % 20000);
		kill(pid, SIGKILL);
		while (read(ends[0], &told, sizeof(told)) == sizeof(told))
			;
		close(ends[0]);
		waitpid(pid, NULL, 0);
		world_open(w);
		assert_int_equal(w->info.origin, STORE_HOT);
		assert_string_equal(w->info.note, "");
		assert_true(world_find(w, STORE_TUNNELS, 5, &got));
		assert_int_equal(w->seen, 10);
		/* what was told is there; one more may have been written */
		assert_in_range(got.salt, told, told + 1);
		for (uint64_t k = 0; k < 10; k++) {
			struct world_want other;

			assert_true(world_find(w, STORE_TUNNELS, k, &other));
			assert_int_equal(other.salt, got.salt);
			assert_true(world_find(w, STORE_SESSIONS, k * 1000, &other));
			assert_int_equal(other.salt, got.salt);
		}
		world_close(w);
	}
}

static void a_reboot_brings_back_the_durable_one(void **state)
{
	struct world *w = *state;

	world_open(w);
	world_put(w, STORE_SESSIONS, 1, 300, 1);
	world_put(w, STORE_SESSIONS, 2, 300, 1);
	world_close(w);
	world_boot(w, 2);
	world_sleep(20);
	world_open(w);
	assert_int_equal(w->info.origin, STORE_DURABLE);
	assert_in_range(w->info.age_ms, 20, 5000);
	assert_int_equal(world_count(w, STORE_SESSIONS), 2);
	store_delete(w->s, STORE_SESSIONS, 1);
	world_commit(w);
	world_close(w);
	world_open(w); /* of this boot now */
	assert_int_equal(w->info.origin, STORE_HOT);
	assert_int_equal(world_count(w, STORE_SESSIONS), 1);
	world_close(w);
	world_remove(w->runtime); /* as tmpfs does it */
	world_boot(w, 3);
	world_open(w);
	assert_int_equal(w->info.origin, STORE_DURABLE);
	assert_int_equal(world_count(w, STORE_SESSIONS), 1);
}

static void the_durable_one_follows_within_a_second(void **state)
{
	struct world *w = *state;
	struct store_health h;
	pid_t pid = fork();

	if (!pid) {
		world_open(w);
		assert_int_equal(store_start(w->s), 0);
		for (uint64_t k = 0; k < 100; k++) {
			world_put(w, STORE_SESSIONS, k, 300, 1);
			if (store_commit(w->s, 0))
				_exit(1);
		}
		if (!world_durable(w, 1200))
			_exit(2);
		store_delete(w->s, STORE_SESSIONS, 50);
		world_put(w, STORE_SESSIONS, 51, 10, 9);
		if (store_commit(w->s, 0))
			_exit(1);
		store_health(w->s, &h);
		if (!h.durable_behind_ms || !world_durable(w, 1200))
			_exit(3);
		store_health(w->s, &h);
		if (h.error[0] || h.records != 99 || h.durable_commits < 2 || !h.octets)
			_exit(4);
		_exit(0); /* no store_close */
	} else {
		struct world_want got;
		int status;

		waitpid(pid, &status, 0);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
		world_boot(w, 2);
		world_open(w);
		assert_int_equal(w->info.origin, STORE_DURABLE);
		assert_int_equal(world_count(w, STORE_SESSIONS), 99);
		assert_false(world_find(w, STORE_SESSIONS, 50, NULL));
		assert_true(world_find(w, STORE_SESSIONS, 51, &got));
		assert_int_equal(got.salt, 9);
	}
}

static void a_list_too_long_becomes_a_comparison(void **state)
{
	struct world *w = *state;

	w->tuning.list_limit = 50;
	w->tuning.follow_ms = 1;
	world_open(w);
	assert_int_equal(store_start(w->s), 0);
	for (uint64_t k = 0; k < 2000; k++) {
		world_put(w, STORE_SESSIONS, k, 100, 1);
		if (k >= 1000)
			store_delete(w->s, STORE_SESSIONS, k - 1000);
		if (k % 100 == 99)
			world_commit(w);
	}
	world_close(w);
	world_boot(w, 2);
	world_open(w);
	assert_int_equal(w->info.origin, STORE_DURABLE);
	assert_int_equal(world_count(w, STORE_SESSIONS), 1000);
}

static void a_map_grows_when_it_is_full(void **state)
{
	struct world *w = *state;

	w->tuning.map_size = 65536;
	w->tuning.follow_ms = 1;
	world_open(w);
	assert_int_equal(store_start(w->s), 0);
	for (uint64_t k = 0; k < 20000; k++) {
		world_put(w, STORE_SESSIONS, k, 300, k);
		if (k % 500 == 499)
			world_commit(w);
	}
	assert_int_equal(world_count(w, STORE_SESSIONS), 20000);
	world_close(w);
	world_boot(w, 2);
	world_open(w);
	assert_int_equal(w->info.origin, STORE_DURABLE);
	assert_int_equal(world_count(w, STORE_SESSIONS), 20000);
}

/* 300 000 puts; the thread's work is done in between, so that the sizes do not depend on
 * how busy the machine is. */
static void a_file_does_not_grow_by_changes(void **state)
{
	struct world *w = *state;
	uint8_t rec[300] = { 0 };

	world_open(w);
	for (uint64_t n = 0; n < 300000; n++) {
		memcpy(rec, &n, sizeof(n));
		store_put(w->s, STORE_SESSIONS, (n * 7919) % 10000, rec, sizeof(rec));
		if (n % 1000 == 999)
			assert_int_equal(store_commit(w->s, n), 0);
		if (n % 50000 == 49999)
			assert_int_equal(follow_once(w->s), 0);
	}
	world_close(w);
	/* 10 000 records are 4 MB; a transaction that rewrites them all leaves those before it as
	 * they were. Without reuse it would be gigabytes. */
	assert_in_range(world_size(w->runtime), 3 << 20, 16 << 20);
	assert_in_range(world_size(w->state), 3 << 20, 20 << 20);
}

static void one_daemon_at_a_time(void **state)
{
	struct world *w = *state;
	struct world other = *w;

	world_open(w);
	assert_int_equal(world_try(&other, false), -EBUSY);
	assert_non_null(strstr(other.err, "another l2xdpd"));
	snprintf(other.runtime, sizeof(other.runtime), "%s/run2", w->dir);
	assert_int_equal(world_try(&other, false), -EBUSY); /* the same state-directory */
	snprintf(other.state, sizeof(other.state), "%s/run2", w->dir);
	assert_int_equal(world_try(&other, false), -EINVAL); /* one for both */
	world_close(w);
	other = *w;
	world_open(&other);
	world_close(&other);
}

static void a_directory_of_everybody_is_refused(void **state)
{
	struct world *w = *state;

	assert_int_equal(mkdir(w->runtime, 0700), 0);
	assert_int_equal(chmod(w->runtime, 0777), 0);
	assert_int_equal(world_try(w, false), -EPERM);
	assert_non_null(strstr(w->err, "chmod"));
	assert_int_equal(chmod(w->runtime, 0700), 0);
	/* without the durable one the daemon can live */
	assert_int_equal(mkdir(w->state, 0700), 0);
	assert_int_equal(chmod(w->state, 0777), 0);
	world_open(w);
	assert_non_null(strstr(w->info.note, "chmod"));
	world_close(w);
}

static void reading_changes_nothing(void **state)
{
	struct world *w = *state;

	assert_int_equal(world_try(w, true), 0); /* nothing is there */
	assert_int_equal(w->info.origin, STORE_NEW);
	assert_int_equal(world_count(w, STORE_SESSIONS), 0);
	world_put(w, STORE_SESSIONS, 1, 10, 1);
	assert_int_equal(store_commit(w->s, 0), -EROFS);
	assert_int_equal(store_start(w->s), -EROFS);
	world_close(w);
	assert_false(world_is_there(w->dir, "run"));
	assert_false(world_is_there(w->dir, "state"));
}

static void reading_while_a_daemon_writes(void **state)
{
	struct world *w = *state;
	struct world reader = *w;
	int ends[2];
	pid_t pid;
	uint64_t n;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (!pid) {
		close(ends[0]);
		commit_for_ever(w, ends[1]);
	}
	close(ends[1]);
	for (int i = 0; i < 10; i++) {
		struct world_want a, b;

		for (int j = 0; j < 50; j++)
			assert_int_equal(read(ends[0], &n, sizeof(n)), sizeof(n));
		assert_int_equal(world_try(&reader, true), 0);
		assert_true(world_find(&reader, STORE_TUNNELS, 3, &a));
		assert_int_equal(reader.visit, 0);
		assert_true(world_find(&reader, STORE_SESSIONS, 9000, &b));
		assert_int_equal(a.salt, b.salt); /* of one moment */
		world_close(&reader);
	}
	assert_int_equal(kill(pid, 0), 0);
	kill(pid, SIGKILL);
	close(ends[0]);
	waitpid(pid, NULL, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_last_change_of_a_key_wins),
		TEST(records_of_any_size_and_key),
		TEST(a_record_too_long_is_told_and_costs_no_other),
		TEST(a_visit_ends_when_it_is_told),
		TEST(purge_takes_the_lowest_keys),
		TEST(what_was_committed_is_there_again),
		TEST(a_batch_survives_kill_whole_or_not_at_all),
		TEST(a_reboot_brings_back_the_durable_one),
		TEST(the_durable_one_follows_within_a_second),
		TEST(a_list_too_long_becomes_a_comparison),
		TEST(a_map_grows_when_it_is_full),
		TEST(a_file_does_not_grow_by_changes),
		TEST(one_daemon_at_a_time),
		TEST(a_directory_of_everybody_is_refused),
		TEST(reading_changes_nothing),
		TEST(reading_while_a_daemon_writes),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
