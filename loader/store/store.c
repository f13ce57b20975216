/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store: what the daemon knows of its sessions, so that it can die at any moment.
 *
 * Files of this room
 *   store.c   this: puts, commits, visits, the end
 *   batch.c   changes that wait for their transaction
 *   env.c     one LMDB environment: tables, checksums, the head, one made as another
 *   open.c    the start: which environment is taken; open_files.c: directories, locks
 *   probe.c   reading what may be damaged, in a child process; copies for --check
 *   pages.c   the pages of an LMDB file, held against each other
 *   follow.c  the thread that keeps the durable environment
 *
 * Two environments, both a file store.mdb. The hot one is on tmpfs and written without any
 * syncing: what a transaction wrote is in the kernel, and there it stays when the daemon
 * dies. LMDB writes pages that nobody uses and then, in one small write, the page that names
 * them: a batch is there whole or not at all. The durable one is on disk, written once a second
 * with the keys that changed, and synced.
 *
 * A record is its checksum and the caller's octets. Next to the five tables of the callers
 * stands the head: the format, the version that wrote it, the boot it was written in, a serial
 * that rises with each commit, and the time. It is written with every batch.
 *
 * When a commit fails the batch stays and grows with what comes; as it holds one change for
 * each key, it is never larger than what there is. Deletions of what was never written are
 * swept out of it. A change that did not even fit in memory is lost, and the next commit
 * says so; the others are written all the same, for an older record is better than none.
 *
 * Who locks what. One daemon has both directories: flock on store.lock, until it dies. Inside,
 * only the main thread writes the hot environment, only the other one the durable one; LMDB's
 * table of readers keeps the pages that the thread reads. Whoever opens read_only takes no
 * lock at all and reads a copy.
 */
#include "loader/store/private.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "loader/base/log.h"

#define CLOSE_WAIT_MS 5000
#define LARGE_BATCH 256 /* not tried again with every small change */
#define SWEEP_FROM 4096

struct store *store_new(const struct store_tuning *tuning, bool read_only)
{
	struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->tuning = tuning;
	s->read_only = read_only;
	s->lock_fds[0] = s->lock_fds[1] = -1;
	if (pthread_mutex_init(&s->hot_map, NULL)) {
		free(s);
		return NULL;
	}
	if (follow_init(&s->follow)) {
		pthread_mutex_destroy(&s->hot_map);
		free(s);
		return NULL;
	}
	return s;
}

void store_free(struct store *s)
{
	batch_clear(&s->batch);
	free(s->batch.changes);
	free(s->batch.slots);
	env_close(&s->hot);
	env_close(&s->durable);
	free(s->durable_path);
	follow_free(&s->follow);
	pthread_mutex_destroy(&s->hot_map);
	for (int i = 0; i < 2; i++)
		if (s->lock_fds[i] >= 0)
			close(s->lock_fds[i]);
	free(s);
}

int store_start(struct store *s)
{
	sigset_t all, before;
	int err;

	if (s->read_only)
		return -EROFS;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&s->follow.thread, NULL, follow_main, s);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err)
		s->follow.running = true;
	return -err;
}

/* ---- the batch ---------------------------------------------------------------------- */

static void keep_lost(struct store *s, int err)
{
	if (err)
		s->lost = err;
}

void store_put(struct store *s, enum store_table t, uint64_t key, const void *rec, size_t len)
{
	if (len > STORE_MAX_RECORD)
		keep_lost(s, -EMSGSIZE);
	else
		keep_lost(s, batch_put(&s->batch, t, key, rec, len));
}

void store_delete(struct store *s, enum store_table t, uint64_t key)
{
	keep_lost(s, batch_delete(&s->batch, t, key));
}

static unsigned int purge_batch(struct store *s, enum store_table t, uint64_t below,
				unsigned int most)
{
	unsigned int n = 0;

	for (size_t i = 0; i < s->batch.n && n < most; i++) {
		const struct change *c = &s->batch.changes[i];

		if (c->table == t && c->key < below && !c->gone) {
			store_delete(s, t, c->key);
			n++;
		}
	}
	return n;
}

void store_purge(struct store *s, enum store_table t, uint64_t below, unsigned int most)
{
	unsigned int n = purge_batch(s, t, below, most);
	MDB_txn *txn;
	MDB_cursor *at;
	MDB_val k, v;
	uint64_t key;

	if (s->read_only || !s->hot.lmdb || mdb_txn_begin(s->hot.lmdb, NULL, MDB_RDONLY, &txn))
		return;
	if (mdb_cursor_open(txn, s->hot.dbi[t], &at)) {
		mdb_txn_abort(txn);
		return;
	}
	while (n < most && !mdb_cursor_get(at, &k, &v, MDB_NEXT)) {
		memcpy(&key, k.mv_data, sizeof(key));
		if (key >= below)
			break;
		if (batch_find(&s->batch, t, key)) /* a deletion, by now */
			continue;
		store_delete(s, t, key);
		n++;
	}
	mdb_cursor_close(at);
	mdb_txn_abort(txn);
}

void store_hurry(struct store *s)
{
	s->hurry = true;
}

bool store_is_dirty(const struct store *s)
{
	return s->batch.n || s->lost;
}

/* ---- commit ----------------------------------------------------------------------------- */

static int write_batch(struct store *s, MDB_txn *txn, const struct head *head)
{
	const struct batch *b = &s->batch;
	int rc = 0;

	for (size_t i = 0; i < b->n && !rc; i++) {
		const struct change *c = &b->changes[i];

		rc = c->gone ? env_delete(&s->hot, txn, c->table, c->key)
			     : env_put(&s->hot, txn, c->table, c->key, c->sealed, c->len);
	}
	return rc ? rc : env_write_head(&s->hot, txn, head);
}

static int commit_once(struct store *s)
{
	struct head head = s->head;
	MDB_txn *txn;
	int rc;

	head.format = s->tuning->format;
	head.serial++;
	head.wall_ms = clock_wall_ms();
	memset(head.version, 0, sizeof(head.version));
	snprintf(head.version, sizeof(head.version), "%s", L2XDP_VERSION);
	rc = mdb_txn_begin(s->hot.lmdb, NULL, 0, &txn);
	if (rc)
		return rc;
	rc = write_batch(s, txn, &head);
	if (rc) {
		mdb_txn_abort(txn);
		return rc;
	}
	pthread_mutex_lock(&s->follow.lock);
	rc = env_cause(&s->hot, mdb_txn_commit(txn));
	if (!rc)
		follow_note(s, &s->batch);
	pthread_mutex_unlock(&s->follow.lock);
	if (!rc)
		s->head = head;
	return rc;
}

/* The thread must not read while the map moves. As env_*. */
static int with_map_held(struct store *s, int (*fn)(struct env *e))
{
	int rc;

	pthread_mutex_lock(&s->hot_map);
	rc = fn(&s->hot);
	pthread_mutex_unlock(&s->hot_map);
	return rc;
}

static int commit_growing(struct store *s)
{
	int rc = s->hot.lmdb ? 0 : with_map_held(s, env_reopen);

	if (!rc)
		rc = commit_once(s);
	while (rc == MDB_MAP_FULL) {
		rc = with_map_held(s, env_grow);
		if (!rc)
			rc = commit_once(s);
	}
	if (rc == MDB_PANIC)
		with_map_held(s, env_reopen);
	return rc;
}

static bool never_written(void *arg, const struct change *c)
{
	void *const *args = arg;
	struct store *s = args[0];
	MDB_val v;

	return env_get(&s->hot, args[1], c->table, c->key, &v) == MDB_NOTFOUND;
}

static void sweep(struct store *s)
{
	MDB_txn *txn;

	if (s->batch.n < SWEEP_FROM || s->batch.n < 2 * s->batch.swept || !s->hot.lmdb ||
	    mdb_txn_begin(s->hot.lmdb, NULL, MDB_RDONLY, &txn))
		return;
	batch_sweep(&s->batch, never_written, (void *[]){ s, txn });
	mdb_txn_abort(txn);
}

static int failed(struct store *s, int rc, msec_t now)
{
	s->failed++;
	snprintf(s->error, sizeof(s->error), "%.110s: %s", s->hot.path, mdb_strerror(rc));
	if (!s->failing)
		log_error(
			NULL,
			"cannot write %s: %s; sessions go on, but those that change now would not "
			"survive the end of this process; tried again with every change",
			s->hot.path, mdb_strerror(rc));
	s->failing = env_errno(rc);
	s->retry_at = now + s->tuning->retry_ms;
	sweep(s);
	return s->failing;
}

static void succeeded(struct store *s)
{
	s->commits++;
	s->error[0] = '\0';
	if (s->failing)
		log_note(NULL, "%s is written again and has everything", s->hot.path);
	s->failing = 0;
	batch_clear(&s->batch);
}

static int tell_lost(struct store *s)
{
	int err = s->lost;

	if (!err)
		return 0;
	s->lost = 0;
	s->failed++;
	snprintf(s->error, sizeof(s->error), "a record was left out: %s", strerror(-err));
	log_error(NULL, "a record did not get into the store: %s", strerror(-err));
	return err;
}

int store_commit(struct store *s, msec_t now)
{
	int rc;

	if (s->read_only)
		return -EROFS;
	if (!s->batch.n)
		return tell_lost(s);
	if (s->failing && s->batch.n > LARGE_BATCH && now < s->retry_at)
		return s->failing;
	rc = commit_growing(s);
	if (rc)
		return failed(s, rc, now);
	succeeded(s);
	return tell_lost(s);
}

bool store_is_closed(const struct store *s)
{
	return !s->hot.lmdb;
}

/* ---- reading -------------------------------------------------------------------------------- */

int store_visit(struct store *s, enum store_table t,
		bool (*fn)(void *arg, uint64_t key, const uint8_t *rec, size_t len), void *arg)
{
	MDB_txn *txn;
	MDB_cursor *at;
	MDB_val k, v;
	unsigned int bad = 0;
	uint64_t key;
	int rc;

	if (!s->hot.lmdb)
		return s->read_only ? 0 : -EIO;
	if (!s->hot.dbi[t])
		return 0;
	rc = mdb_txn_begin(s->hot.lmdb, NULL, MDB_RDONLY, &txn);
	if (rc)
		return env_errno(rc);
	rc = mdb_cursor_open(txn, s->hot.dbi[t], &at);
	if (rc) {
		mdb_txn_abort(txn);
		return env_errno(rc);
	}
	while (!(rc = mdb_cursor_get(at, &k, &v, MDB_NEXT))) {
		memcpy(&key, k.mv_data, sizeof(key));
		if (!seal_holds(t, key, &v))
			bad++;
		else if (!fn(arg, key, (const uint8_t *)v.mv_data + SEAL_LEN, v.mv_size - SEAL_LEN))
			break;
	}
	mdb_cursor_close(at);
	mdb_txn_abort(txn);
	if (rc && rc != MDB_NOTFOUND)
		return env_errno(rc);
	return bad ? -EBADMSG : 0;
}

static void count_hot(struct store *s, struct store_health *h)
{
	MDB_envinfo info;
	MDB_stat st;
	MDB_txn *txn;

	if (!s->hot.lmdb || mdb_txn_begin(s->hot.lmdb, NULL, MDB_RDONLY, &txn))
		return;
	for (unsigned int i = 0; i < STORE_TABLES; i++)
		if (s->hot.dbi[i] && !mdb_stat(txn, s->hot.dbi[i], &st))
			h->records += st.ms_entries;
	mdb_txn_abort(txn);
	if (!mdb_env_info(s->hot.lmdb, &info) && !mdb_env_stat(s->hot.lmdb, &st))
		h->octets = (info.me_last_pgno + 1) * (uint64_t)st.ms_psize;
}

void store_health(struct store *s, struct store_health *ret)
{
	struct follow *f = &s->follow;
	struct store_health h = { .commits = s->commits, .failed_commits = s->failed };
	uint64_t since;

	count_hot(s, &h);
	pthread_mutex_lock(&f->lock);
	h.durable_commits = f->commits;
	h.failed_commits += f->failed;
	since = f->flight_ms ? f->flight_ms : f->since_ms;
	if (since)
		h.durable_behind_ms = clock_ms() - since + 1;
	snprintf(h.error, sizeof(h.error), "%s", s->error[0] ? s->error : f->error);
	pthread_mutex_unlock(&f->lock);
	*ret = h;
}

/* ---- the end ----------------------------------------------------------------------------------- */

/* False: the thread still waits for its disk. */
static bool stop_thread(struct follow *f)
{
	uint64_t until = clock_ms() - 1 + CLOSE_WAIT_MS;
	struct timespec ts = { .tv_sec = (time_t)(until / 1000),
			       .tv_nsec = (long)(until % 1000) * 1000000 };
	bool done;

	pthread_mutex_lock(&f->lock);
	f->stop = true;
	pthread_cond_broadcast(&f->wake);
	while (!f->done && pthread_cond_timedwait(&f->wake, &f->lock, &ts) != ETIMEDOUT)
		;
	done = f->done;
	pthread_mutex_unlock(&f->lock);
	if (done)
		pthread_join(f->thread, NULL);
	return done;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	if (!s->read_only) {
		s->retry_at = 0;
		store_commit(s, 0);
		if (!s->follow.running) {
			follow_once(s);
		} else if (!stop_thread(&s->follow)) {
			log_warn(NULL,
				 "%s does not take what is written; the last changes are only in "
				 "the runtime directory",
				 s->durable_path);
			return; /* the thread uses it all; the process is about to end */
		}
	}
	store_free(s);
}
