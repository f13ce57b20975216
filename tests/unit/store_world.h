/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A store in a temporary directory, with a boot ID of the test's own. */
#ifndef TESTS_UNIT_STORE_WORLD_H
#define TESTS_UNIT_STORE_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "loader/store/private.h"

struct world {
	char dir[256], runtime[300], state[300], boot[300];
	struct store_tuning tuning;
	struct store *s;
	struct store_info info;
	char err[400];
	uint64_t seen; /* records of the last visit */
	int visit; /* what it returned */
};

static inline void world_boot(struct world *w, unsigned int n)
{
	FILE *f = fopen(w->boot, "w");

	assert_non_null(f);
	fprintf(f, "%08u-0000-4000-8000-000000000000\n", n);
	fclose(f);
}

static inline void world_init(struct world *w)
{
	const char *tmp = getenv("TMPDIR");

	memset(w, 0, sizeof(*w));
	snprintf(w->dir, sizeof(w->dir), "%s/store-test-XXXXXX", tmp && *tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->runtime, sizeof(w->runtime), "%s/run", w->dir);
	snprintf(w->state, sizeof(w->state), "%s/state", w->dir);
	snprintf(w->boot, sizeof(w->boot), "%s/boot_id", w->dir);
	w->tuning = store_tuning_default;
	w->tuning.boot_id_path = w->boot;
	world_boot(w, 1);
}

static inline void world_remove(const char *dir)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		execlp("rm", "rm", "-rf", dir, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
}

static inline int world_try(struct world *w, bool read_only)
{
	w->s = NULL;
	memset(&w->info, 0, sizeof(w->info));
	return store_open_tuned(&w->tuning, w->runtime, w->state, read_only, &w->s, &w->info,
				w->err, sizeof(w->err));
}

static inline void world_open(struct world *w)
{
	int err = world_try(w, false);

	if (err)
		fail_msg("store_open: %d: %s", err, w->err);
}

static inline void world_close(struct world *w)
{
	store_close(w->s);
	w->s = NULL;
}

static inline void world_end(struct world *w)
{
	if (w->s)
		world_close(w);
	world_remove(w->dir);
}

/* A record of `len` octets that its key and `salt` tell. */
static inline void world_record(uint8_t *rec, size_t len, uint64_t key, uint64_t salt)
{
	uint64_t x = key * 0x9e3779b97f4a7c15u + salt * 0xbf58476d1ce4e5b9u + 1;

	for (size_t i = 0; i < len; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		rec[i] = (uint8_t)x;
	}
	if (len >= sizeof(salt))
		memcpy(rec, &salt, sizeof(salt));
}

static inline void world_put(struct world *w, enum store_table t, uint64_t key, size_t len,
			     uint64_t salt)
{
	uint8_t rec[STORE_MAX_RECORD];

	world_record(rec, len, key, salt);
	store_put(w->s, t, key, rec, len);
}

static inline void world_commit(struct world *w)
{
	assert_int_equal(store_commit(w->s, clock_ms()), 0);
	assert_false(store_is_dirty(w->s));
}

struct world_want {
	struct world *w;
	uint64_t key; /* looked for */
	bool found;
	size_t len;
	uint64_t salt; /* of what was found */
	uint64_t last;
};

/* Every record must be one that world_put made, and keys must rise. */
static inline bool world_check(void *arg, uint64_t key, const uint8_t *rec, size_t len)
{
	struct world_want *want = arg;
	uint8_t is[STORE_MAX_RECORD];
	uint64_t salt = 0;

	assert_true(!want->w->seen || key > want->last);
	want->last = key;
	want->w->seen++;
	if (len >= sizeof(salt)) {
		memcpy(&salt, rec, sizeof(salt));
		world_record(is, len, key, salt);
		assert_memory_equal(is, rec, len);
	}
	if (key == want->key) {
		want->found = true;
		want->len = len;
		want->salt = salt;
	}
	return true;
}

/* Visits a table; *ret is the record of `key`. Leaves w->seen and w->visit. */
static inline bool world_find(struct world *w, enum store_table t, uint64_t key,
			      struct world_want *ret)
{
	struct world_want want = { .w = w, .key = key };

	w->seen = 0;
	w->visit = store_visit(w->s, t, world_check, &want);
	if (ret)
		*ret = want;
	return want.found;
}

static inline uint64_t world_count(struct world *w, enum store_table t)
{
	world_find(w, t, 0, NULL);
	assert_int_equal(w->visit, 0);
	return w->seen;
}

static inline void world_sleep(unsigned int ms)
{
	const struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

static inline bool world_durable(struct world *w, unsigned int within_ms)
{
	struct store_health h;

	for (unsigned int i = 0; i <= within_ms; i += 10) {
		store_health(w->s, &h);
		if (!h.durable_behind_ms)
			return true;
		world_sleep(10);
	}
	return false;
}

static inline void world_path(char out[static 400], const char *dir, const char *name)
{
	snprintf(out, 400, "%s/%s", dir, name);
}

static inline bool world_is_there(const char *dir, const char *name)
{
	char path[400];

	world_path(path, dir, name);
	return access(path, F_OK) == 0;
}

static inline void world_truncate(const char *dir, off_t size)
{
	char path[400];

	world_path(path, dir, "store.mdb");
	assert_int_equal(truncate(path, size), 0);
}

static inline off_t world_size(const char *dir)
{
	char path[400];
	struct stat st;

	world_path(path, dir, "store.mdb");
	assert_int_equal(stat(path, &st), 0);
	return st.st_size;
}

/* Overwrites octets of the file. */
static inline void world_scribble(const char *dir, off_t at, size_t n, uint8_t with)
{
	char path[400];
	uint8_t junk[65536];
	int fd;

	assert_true(n <= sizeof(junk));
	memset(junk, with, n);
	world_path(path, dir, "store.mdb");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, junk, n, at), (ssize_t)n);
	close(fd);
}

#endif
