/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store: damaged files, other versions, full disks. */
#include "store_world.h"

#include <sched.h>
#include <sys/mount.h>

#define N 500 /* sessions of the filled store */
#define ROUNDS 60

static int setup(void **state)
{
	static struct world w;

	world_init(&w);
	*state = &w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	if (w->s)
		world_close(w);
	umount2(w->runtime, MNT_DETACH); /* where a test mounted something */
	umount2(w->state, MNT_DETACH);
	world_end(w);
	return 0;
}

/* N sessions and one large record, in both; several commits. */
static void fill(struct world *w)
{
	world_open(w);
	for (uint64_t k = 0; k < N; k++) {
		world_put(w, STORE_SESSIONS, k, 300, k);
		if (k % 100 == 99)
			world_commit(w);
	}
	world_put(w, STORE_MISC, 1, 8000, 1);
	world_close(w);
}

static void expect_all(struct world *w)
{
	assert_int_equal(world_count(w, STORE_SESSIONS), N);
	assert_int_equal(world_count(w, STORE_MISC), 1);
}

static void read_file(const char *dir, uint8_t **ret, size_t *ret_len)
{
	char path[400];
	FILE *f;

	*ret_len = (size_t)world_size(dir);
	*ret = malloc(*ret_len);
	world_path(path, dir, "store.mdb");
	f = fopen(path, "r");
	assert_non_null(*ret);
	assert_non_null(f);
	assert_int_equal(fread(*ret, 1, *ret_len, f), *ret_len);
	fclose(f);
}

/* Changes one octet of a record wherever the file has it, also in pages that are free. */
static void damage_record(const char *dir, uint64_t key, size_t len, uint64_t salt)
{
	uint8_t rec[STORE_MAX_RECORD], *file;
	size_t size, n = 0;

	world_record(rec, len, key, salt);
	read_file(dir, &file, &size);
	for (size_t i = 0; i + len <= size; i++) {
		if (memcmp(file + i, rec, len) != 0)
			continue;
		world_scribble(dir, (off_t)(i + len / 2), 1, (uint8_t)~rec[len / 2]);
		n++;
	}
	free(file);
	assert_in_range(n, 1, 10);
}

static void a_damaged_hot_one_gives_way_to_the_durable_one(void **state)
{
	struct world *w = *state;

	fill(w);
	world_scribble(w->runtime, 0, 8192, 0);
	world_open(w);
	assert_int_equal(w->info.origin, STORE_DURABLE);
	assert_non_null(strstr(w->info.note, "now store.mdb.damaged-1"));
	assert_true(world_is_there(w->runtime, "store.mdb.damaged-1"));
	expect_all(w);
	world_close(w);
	world_open(w);
	assert_int_equal(w->info.origin, STORE_HOT);
	assert_string_equal(w->info.note, "");
	expect_all(w);
}

static void a_damaged_durable_one_is_made_anew(void **state)
{
	struct world *w = *state;

	fill(w);
	world_scribble(w->state, 0, 8192, 0xff);
	world_open(w);
	assert_int_equal(w->info.origin, STORE_HOT);
	assert_true(world_is_there(w->state, "store.mdb.damaged-1"));
	assert_int_equal(store_start(w->s), 0);
	assert_true(world_durable(w, 1200));
	world_close(w);
	world_boot(w, 2);
	world_open(w);
	assert_int_equal(w->info.origin, STORE_DURABLE);
	expect_all(w);
}

static void both_damaged_begin_anew_and_say_so(void **state)
{
	struct world *w = *state;

	fill(w);
	world_scribble(w->runtime, 0, 8192, 1);
	world_scribble(w->state, 0, 8192, 1);
	world_open(w);
	assert_int_equal(w->info.origin, STORE_NEW);
	assert_true(world_is_there(w->runtime, "store.mdb.damaged-1"));
	assert_true(world_is_there(w->state, "store.mdb.damaged-1"));
	assert_non_null(strstr(w->info.note, w->runtime));
	assert_int_equal(world_count(w, STORE_SESSIONS), 0);
	world_put(w, STORE_SESSIONS, 1, 300, 1);
	world_commit(w);
	assert_int_equal(world_count(w, STORE_SESSIONS), 1);
}

static void files_cut_short_at_any_length(void **state)
{
	struct world *w = *state;
	off_t full;

	fill(w);
	full = world_size(w->runtime);
	for (int i = 0; i < 12; i++) {
		off_t to = i < 4 ? (const off_t[]){ 1, 4096, 8191, 8192 }[i] : full * (i - 3) / 9;

		world_truncate(w->runtime, to);
		world_open(w);
		assert_int_equal(w->info.origin, STORE_DURABLE);
		assert_non_null(strstr(w->info.note, "damaged"));
		expect_all(w);
		world_close(w);
		full = world_size(w->runtime);
	}
	assert_true(world_is_there(w->runtime, "store.mdb.damaged-8")); /* and no more */
	assert_false(world_is_there(w->runtime, "store.mdb.damaged-9"));
	world_truncate(w->runtime, 0); /* as if it was never there */
	world_open(w);
	assert_int_equal(w->info.origin, STORE_DURABLE);
	assert_string_equal(w->info.note, "");
	expect_all(w);
}

static void a_damaged_record_comes_from_the_durable_one(void **state)
{
	struct world *w = *state;

	fill(w);
	damage_record(w->runtime, 77, 300, 77);
	damage_record(w->runtime, 78, 300, 78);
	world_open(w);
	assert_int_equal(w->info.origin, STORE_HOT);
	assert_non_null(strstr(w->info.note, "2 records"));
	expect_all(w);
	world_close(w);
	world_open(w);
	assert_string_equal(w->info.note, "");
}

static void a_damaged_record_comes_from_an_older_durable_one(void **state)
{
	struct world *w = *state;
	struct world_want got;
	pid_t pid;

	fill(w);
	pid = fork();
	if (!pid) {
		world_open(w);
		world_put(w, STORE_SESSIONS, 5, 300, 1234);
		world_commit(w);
		_exit(0); /* before the durable one has it */
	}
	waitpid(pid, NULL, 0);
	damage_record(w->runtime, 77, 300, 77);
	world_open(w);
	assert_int_equal(w->info.origin, STORE_HOT);
	assert_non_null(strstr(w->info.note, "1 records"));
	expect_all(w);
	assert_true(world_find(w, STORE_SESSIONS, 5, &got));
	assert_int_equal(got.salt, 1234); /* what was newer stays */
}

static void a_record_damaged_in_both_costs_no_other(void **state)
{
	struct world *w = *state;

	fill(w);
	damage_record(w->runtime, 77, 300, 77);
	damage_record(w->state, 77, 300, 77);
	world_open(w);
	assert_false(world_find(w, STORE_SESSIONS, 77, NULL));
	assert_int_equal(w->visit, -EBADMSG);
	assert_int_equal(w->seen, N - 1);
	world_put(w, STORE_SESSIONS, 77, 300, 5); /* whoever writes it again mends it */
	world_commit(w);
	expect_all(w);
}

/* In a process of its own: it opens, compares, writes much, opens again. */
static void live_with_it(struct world *w)
{
	for (int round = 0; round < 2; round++) {
		world_open(w);
		expect_all(w);
		for (uint64_t n = 0; n < 40; n++) {
			for (uint64_t k = 0; k < 20; k++)
				world_put(w, STORE_SESSIONS, (n * 31 + k * 17) % N, 300, n);
			store_delete(w->s, STORE_SESSIONS, n * 7);
			world_put(w, STORE_SESSIONS, n * 7, 200, n);
			world_put(w, STORE_MISC, 1, 3000 + n, n);
			world_commit(w);
		}
		world_close(w);
	}
}

static void damage_anywhere_in_one_costs_nothing(void **state)
{
	struct world *w = *state;

	srandom(11);
	for (int i = 0; i < ROUNDS; i++) {
		const char *dir = i % 4 ? w->runtime : w->state;
		pid_t pid;
		int status;
		size_t len;
		off_t at, page;

		world_remove(w->runtime);
		world_remove(w->state);
		fill(w);
		page = random() % (world_size(dir) / 4096);
		/* headers of pages more often than what is in them */
		at = page * 4096 + (random() % 2 ? random() % 32 : random() % 4096);
		len = 1 + (size_t)random() % (random() % 2 ? 8 : 4096);
		world_scribble(dir, at, len, (uint8_t)random());
		pid = fork();
		if (!pid) {
			live_with_it(w);
			_exit(0);
		}
		waitpid(pid, &status, 0);
		if (status)
			fail_msg("round %d, %s: %zu octets at %ld: status %#x", i, dir, len,
				 (long)at, status);
	}
}

static void a_newer_store_is_refused_untouched(void **state)
{
	struct world *w = *state;
	struct stat before[2], after[2];
	char hot[400], durable[400];

	w->tuning.format = 2;
	fill(w);
	world_path(hot, w->runtime, "store.mdb");
	world_path(durable, w->state, "store.mdb");
	stat(hot, &before[0]);
	stat(durable, &before[1]);
	w->tuning.format = 1;
	for (int read_only = 0; read_only < 2; read_only++) {
		assert_int_equal(world_try(w, read_only), -EPROTO);
		assert_non_null(strstr(w->err, L2XDP_VERSION));
		assert_non_null(strstr(w->err, "format 2"));
	}
	world_boot(w, 2); /* and after a reboot */
	assert_int_equal(world_try(w, false), -EPROTO);
	stat(hot, &after[0]);
	stat(durable, &after[1]);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(before[i].st_mtim.tv_nsec, after[i].st_mtim.tv_nsec);
		assert_int_equal(before[i].st_size, after[i].st_size);
	}
	world_boot(w, 1);
	w->tuning.format = 2;
	world_open(w);
	expect_all(w);
}

static unsigned int migrations_run;

static int to_format_2(const struct env *e, MDB_txn *txn)
{
	uint8_t sealed[SEAL_LEN + 8] = { 0 };

	migrations_run++;
	world_record(sealed + SEAL_LEN, 8, 2, 9);
	seal(STORE_MISC, 2, sealed, sizeof(sealed));
	return env_put(e, txn, STORE_MISC, 2, sealed, sizeof(sealed));
}

static void an_older_store_is_migrated_once(void **state)
{
	static const struct store_migration to_2[] = { { 1, to_format_2 }, { 0, NULL } };
	struct world *w = *state;
	struct world_want got;

	fill(w);
	w->tuning.format = 2;
	w->tuning.migrations = to_2;
	migrations_run = 0;
	assert_int_equal(world_try(w, true), 0); /* a copy only */
	assert_true(world_find(w, STORE_MISC, 2, NULL));
	world_close(w);
	for (int i = 0; i < 2; i++) {
		world_open(w);
		assert_int_equal(migrations_run, 2);
		assert_true(world_find(w, STORE_MISC, 2, &got));
		assert_int_equal(got.salt, 9);
		assert_int_equal(world_count(w, STORE_SESSIONS), N);
		world_close(w);
	}
	w->tuning.format = 3;
	assert_int_equal(world_try(w, false), -EPROTO); /* nobody knows how */
	assert_non_null(strstr(w->err, "too old"));
}

static void a_runtime_directory_used_before_does_not_bring_back_the_past(void **state)
{
	struct world *w = *state;
	struct world other = *w;

	fill(w);
	snprintf(other.runtime, sizeof(other.runtime), "%s/run2", w->dir);
	world_open(&other);
	assert_int_equal(other.info.origin, STORE_DURABLE);
	store_delete(other.s, STORE_SESSIONS, 3);
	world_close(&other);
	world_open(w);
	assert_int_equal(w->info.origin, STORE_DURABLE);
	assert_non_null(strstr(w->info.note, "older"));
	assert_int_equal(world_count(w, STORE_SESSIONS), N - 1);
}

/* ---- full ------------------------------------------------------------------------- */

static void mount_small(const char *dir, const char *size)
{
	static bool apart;

	if (geteuid() != 0)
		skip();
	if (!apart && (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL)))
		skip();
	apart = true;
	mkdir(dir, 0700);
	if (mount("tmpfs", dir, "tmpfs", 0, size))
		skip();
	assert_int_equal(chmod(dir, 0700), 0);
}

static void make_room(const char *dir)
{
	assert_int_equal(mount("tmpfs", dir, "tmpfs", MS_REMOUNT, "size=64m"), 0);
}

static void a_full_runtime_directory_keeps_the_batch(void **state)
{
	struct world *w = *state;
	struct store_health h;
	uint64_t k = 0, kept;
	int err = 0;

	mount_small(w->runtime, "size=1m");
	world_open(w);
	for (; k < 10000 && !err; k++) {
		world_put(w, STORE_SESSIONS, k, 300, k);
		if (k % 50 == 49)
			err = store_commit(w->s, k);
	}
	assert_int_equal(err, -ENOSPC);
	assert_true(store_is_dirty(w->s));
	kept = world_count(w, STORE_SESSIONS);
	assert_int_equal(kept, k - 50);
	store_health(w->s, &h);
	assert_non_null(strstr(h.error, "No space left"));
	assert_int_equal(h.failed_commits, 1);
	for (uint64_t n = 0; n < 40; n++, k++) { /* life goes on */
		world_put(w, STORE_SESSIONS, k, 300, k);
		assert_int_equal(store_commit(w->s, k), -ENOSPC);
	}
	for (uint64_t n = 0; n < 100000; n++) { /* what came and went leaves nothing behind */
		world_put(w, STORE_MESSAGES, n, 300, n);
		store_delete(w->s, STORE_MESSAGES, n);
		if (n % 1000 == 999)
			store_commit(w->s, 20000 + n);
	}
	assert_in_range(w->s->batch.n, 90, 16384);
	make_room(w->runtime);
	assert_int_equal(store_commit(w->s, 1000000), 0);
	assert_false(store_is_dirty(w->s));
	assert_int_equal(world_count(w, STORE_SESSIONS), k);
	assert_int_equal(world_count(w, STORE_MESSAGES), 0);
	store_health(w->s, &h);
	assert_string_equal(h.error, "");
	world_close(w);
	world_open(w);
	assert_int_equal(w->info.origin, STORE_HOT);
	assert_int_equal(world_count(w, STORE_SESSIONS), k);
}

static void a_full_runtime_directory_can_be_opened_again(void **state)
{
	struct world *w = *state;
	uint64_t k = 0, kept;
	char path[400];
	FILE *f;

	mount_small(w->runtime, "size=1m");
	world_open(w);
	for (int err = 0; !err; k += 10) {
		for (uint64_t i = 0; i < 10; i++)
			world_put(w, STORE_SESSIONS, k + i, 300, k);
		err = store_commit(w->s, k);
	}
	kept = world_count(w, STORE_SESSIONS);
	world_close(w);
	world_path(path, w->runtime, "ballast");
	f = fopen(path, "w");
	assert_non_null(f);
	while (putc('x', f) >= 0 && !fflush(f))
		;
	fclose(f);
	world_open(w);
	assert_int_equal(w->info.origin, STORE_HOT);
	assert_int_equal(world_count(w, STORE_SESSIONS), kept);
}

static void a_full_disk_costs_only_the_durable_one(void **state)
{
	struct world *w = *state;
	struct store_health h;

	mount_small(w->state, "size=256k");
	w->tuning.follow_ms = 50;
	world_open(w);
	assert_int_equal(store_start(w->s), 0);
	for (uint64_t k = 0; k < 3000; k++) {
		world_put(w, STORE_SESSIONS, k, 300, k);
		if (k % 100 == 99)
			world_commit(w);
	}
	world_sleep(150);
	world_put(w, STORE_SESSIONS, 3000, 300, 1);
	world_commit(w);
	store_health(w->s, &h);
	assert_non_null(strstr(h.error, "No space left"));
	assert_non_null(strstr(h.error, w->state));
	assert_in_range(h.durable_behind_ms, 50, 60000);
	make_room(w->state);
	assert_true(world_durable(w, 1500));
	store_health(w->s, &h);
	assert_string_equal(h.error, "");
	world_close(w);
	world_boot(w, 2);
	world_open(w);
	assert_int_equal(w->info.origin, STORE_DURABLE);
	assert_int_equal(world_count(w, STORE_SESSIONS), 3001);
}

static void a_disk_without_any_room_costs_only_the_durable_one(void **state)
{
	struct world *w = *state;
	struct store_health h;
	char path[400];
	FILE *f;

	mount_small(w->state, "size=4k");
	world_path(path, w->state, "ballast");
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "x");
	fclose(f);
	w->tuning.follow_ms = 50;
	world_open(w);
	assert_non_null(strstr(w->info.note, "No space left"));
	assert_int_equal(store_start(w->s), 0);
	world_put(w, STORE_SESSIONS, 1, 300, 1);
	world_commit(w);
	assert_int_equal(world_count(w, STORE_SESSIONS), 1);
	world_sleep(100);
	store_health(w->s, &h);
	assert_non_null(strstr(h.error, "No space left"));
	make_room(w->state);
	assert_true(world_durable(w, 1500));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_damaged_hot_one_gives_way_to_the_durable_one),
		TEST(a_damaged_durable_one_is_made_anew),
		TEST(both_damaged_begin_anew_and_say_so),
		TEST(files_cut_short_at_any_length),
		TEST(a_damaged_record_comes_from_the_durable_one),
		TEST(a_damaged_record_comes_from_an_older_durable_one),
		TEST(a_record_damaged_in_both_costs_no_other),
		TEST(damage_anywhere_in_one_costs_nothing),
		TEST(a_newer_store_is_refused_untouched),
		TEST(an_older_store_is_migrated_once),
		TEST(a_runtime_directory_used_before_does_not_bring_back_the_past),
		TEST(a_full_runtime_directory_keeps_the_batch),
		TEST(a_full_runtime_directory_can_be_opened_again),
		TEST(a_full_disk_costs_only_the_durable_one),
		TEST(a_disk_without_any_room_costs_only_the_durable_one),
	};

	return cmocka_run_group_tests_name("store_faults", tests, NULL, NULL);
}
