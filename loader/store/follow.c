/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The durable environment follows the hot one.
 *
 * Each commit leaves the keys that it changed in a list. The thread takes the list and opens a
 * read transaction on the hot one under one lock, so that it sees exactly the commits whose
 * keys it has. It copies these records, and the head, into memory, and ends the reading before
 * anything waits for the disk: as long as it reads, no page that was current at its begin is
 * free again, and the map cannot move. Then one synced transaction. When it fails, the keys go
 * back into the list. When the list grows too long, and at the start, everything is compared
 * instead: that mends whatever was different.
 */
#include "loader/store/private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "loader/base/log.h"

static uint64_t clock_of(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

uint64_t clock_ms(void)
{
	return clock_of(CLOCK_MONOTONIC) + 1;
}

uint64_t clock_wall_ms(void)
{
	return clock_of(CLOCK_REALTIME);
}

int follow_init(struct follow *f)
{
	pthread_condattr_t attr;
	int err;

	memset(f, 0, sizeof(*f));
	err = pthread_mutex_init(&f->lock, NULL);
	if (err)
		return -err;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	err = pthread_cond_init(&f->wake, &attr);
	pthread_condattr_destroy(&attr);
	if (err)
		pthread_mutex_destroy(&f->lock);
	return -err;
}

void follow_free(struct follow *f)
{
	free(f->keys);
	pthread_cond_destroy(&f->wake);
	pthread_mutex_destroy(&f->lock);
}

/* ---- the list ---------------------------------------------------------------------- */

static void compare_all(struct follow *f)
{
	free(f->keys);
	f->keys = NULL;
	f->n = f->cap = 0;
	f->all = true;
}

/* Room for n more, or everything is to be compared. */
static bool list_room(struct follow *f, size_t n, size_t limit)
{
	size_t cap = f->cap ? f->cap : 1024;
	struct key *keys;

	if (f->all)
		return false;
	if (f->n + n > limit) {
		compare_all(f);
		return false;
	}
	while (cap < f->n + n)
		cap *= 2;
	if (cap == f->cap)
		return true;
	keys = realloc(f->keys, cap * sizeof(*keys));
	if (!keys) {
		compare_all(f);
		return false;
	}
	f->keys = keys;
	f->cap = cap;
	return true;
}

void follow_note(struct store *s, const struct batch *b)
{
	struct follow *f = &s->follow;

	if (list_room(f, b->n, s->tuning->list_limit)) {
		for (size_t i = 0; i < b->n; i++)
			f->keys[f->n++] = (struct key){ b->changes[i].key, b->changes[i].table };
	}
	if (!f->since_ms)
		f->since_ms = clock_ms();
	else if (!s->hurry)
		return;
	f->hurry |= s->hurry;
	s->hurry = false;
	pthread_cond_broadcast(&f->wake);
}

/* What one round works on. */
struct round {
	struct key *keys;
	size_t n;
	bool all;
	uint64_t since_ms;
	uint64_t changed;
	uint8_t *packed; /* parcels, each with its octets */
	size_t n_packed, cap;
};

static void take_list(struct follow *f, struct round *r)
{
	*r = (struct round){ .keys = f->keys, .n = f->n, .all = f->all, .since_ms = f->since_ms };
	f->keys = NULL;
	f->n = f->cap = 0;
	f->all = false;
	f->flight_ms = f->since_ms;
	f->since_ms = 0;
}

static void give_back(struct store *s, struct round *r)
{
	struct follow *f = &s->follow;

	if (r->all)
		compare_all(f);
	if (list_room(f, r->n, s->tuning->list_limit)) {
		memcpy(f->keys + f->n, r->keys, r->n * sizeof(*r->keys));
		f->n += r->n;
	}
	if (r->since_ms)
		f->since_ms = r->since_ms;
	free(r->keys);
}

static int by_place(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	if (x->table != y->table)
		return x->table < y->table ? -1 : 1;
	return x->key < y->key ? -1 : x->key > y->key;
}

/* ---- one round ------------------------------------------------------------------------ */

/* One record on its way, before its octets. */
struct parcel {
	uint64_t key;
	uint32_t len;
	uint8_t table;
	bool gone;
};

static int pack(struct round *r, const struct parcel *head, const void *data)
{
	size_t need = r->n_packed + sizeof(*head) + head->len, cap = r->cap ? r->cap : 65536;
	uint8_t *p;

	while (cap < need)
		cap *= 2;
	if (cap != r->cap) {
		p = malloc(cap);
		if (!p)
			return ENOMEM;
		if (r->packed) {
			memcpy(p, r->packed, r->n_packed);
			explicit_bzero(r->packed, r->n_packed);
		}
		free(r->packed);
		r->packed = p;
		r->cap = cap;
	}
	p = r->packed + r->n_packed;
	memcpy(p, head, sizeof(*head));
	if (head->len)
		memcpy(p + sizeof(*head), data, head->len);
	r->n_packed = need;
	return 0;
}

static int pack_one(struct store *s, MDB_txn *from, struct round *r, unsigned int table,
		    uint64_t key)
{
	struct parcel head = { .key = key, .table = (uint8_t)table };
	MDB_val v = { 0 };
	int rc = env_get(&s->hot, from, table, key, &v);

	if (rc && rc != MDB_NOTFOUND)
		return rc;
	head.gone = rc;
	head.len = (uint32_t)v.mv_size;
	return pack(r, &head, v.mv_data);
}

/* Copies what the keys name, and the head, into memory: no disk is waited for meanwhile. */
static int pack_all(struct store *s, MDB_txn *from, struct round *r)
{
	int rc = 0;

	if (!r->n)
		return 0;
	qsort(r->keys, r->n, sizeof(*r->keys), by_place);
	for (size_t i = 0; i < r->n && !rc; i++)
		if (!i || by_place(&r->keys[i - 1], &r->keys[i]))
			rc = pack_one(s, from, r, r->keys[i].table, r->keys[i].key);
	return rc ? rc : pack_one(s, from, r, ENV_HEAD, 0);
}

static int unpack_all(struct store *s, MDB_txn *to, struct round *r)
{
	int rc = 0;

	for (size_t at = 0; at < r->n_packed && !rc; r->changed++) {
		struct parcel head;

		memcpy(&head, r->packed + at, sizeof(head));
		at += sizeof(head);
		rc = head.gone ? env_delete(&s->durable, to, head.table, head.key)
			       : env_put(&s->durable, to, head.table, head.key, r->packed + at,
					 head.len);
		at += head.len;
	}
	return rc;
}

/* Compares everything while it reads the hot one. */
static int mirror_all(struct store *s, MDB_txn *from, MDB_txn *to, struct round *r)
{
	MDB_val v, old;
	int rc = env_mirror(&s->durable, to, &s->hot, from, &r->changed);

	if (!rc)
		rc = env_get(&s->hot, from, ENV_HEAD, 0, &v);
	if (rc || (!env_get(&s->durable, to, ENV_HEAD, 0, &old) && old.mv_size == v.mv_size &&
		   !memcmp(old.mv_data, v.mv_data, v.mv_size)))
		return rc;
	r->changed++;
	return env_put(&s->durable, to, ENV_HEAD, 0, v.mv_data, v.mv_size);
}

/* Takes the list, and reads what it names; or compares everything, in to. */
static int read_hot(struct store *s, struct round *r, MDB_txn **to)
{
	MDB_txn *from = NULL;
	int rc;

	pthread_mutex_lock(&s->hot_map);
	pthread_mutex_lock(&s->follow.lock);
	take_list(&s->follow, r);
	rc = s->hot.lmdb ? mdb_txn_begin(s->hot.lmdb, NULL, MDB_RDONLY, &from) : EIO;
	pthread_mutex_unlock(&s->follow.lock);
	if (!rc && r->all) {
		rc = mdb_txn_begin(s->durable.lmdb, NULL, 0, to);
		if (!rc)
			rc = mirror_all(s, from, *to, r);
	} else if (!rc) {
		rc = pack_all(s, from, r);
	}
	if (from)
		mdb_txn_abort(from);
	pthread_mutex_unlock(&s->hot_map);
	return rc;
}

/* The list is given back when it fails. As env_*. */
static int run_round(struct store *s)
{
	MDB_txn *to = NULL;
	struct round r;
	int rc = read_hot(s, &r, &to);

	if (!rc && !r.all) {
		rc = mdb_txn_begin(s->durable.lmdb, NULL, 0, &to);
		if (!rc)
			rc = unpack_all(s, to, &r);
	}
	if (!rc && r.changed)
		rc = env_cause(&s->durable, mdb_txn_commit(to));
	else if (to)
		mdb_txn_abort(to);
	if (r.packed)
		explicit_bzero(r.packed, r.n_packed);
	free(r.packed);
	pthread_mutex_lock(&s->follow.lock);
	if (rc) {
		give_back(s, &r);
	} else {
		free(r.keys);
		s->follow.commits += r.changed ? 1 : 0;
	}
	s->follow.flight_ms = 0;
	pthread_mutex_unlock(&s->follow.lock);
	return rc;
}

static void tell(struct store *s, int rc)
{
	struct follow *f = &s->follow;
	bool before;

	pthread_mutex_lock(&f->lock);
	before = f->error[0];
	f->error[0] = '\0';
	if (rc) {
		f->failed++;
		snprintf(f->error, sizeof(f->error), "%.110s: %s", s->durable_path,
			 mdb_strerror(rc));
	}
	pthread_mutex_unlock(&f->lock);
	if (rc && !before)
		log_error(NULL,
			  "cannot write %s: %s; sessions go on, but would not survive a reboot of "
			  "this host; %s",
			  s->durable_path, mdb_strerror(rc),
			  rc == EACCES ? "the sandbox opens no files: mend what the start said, "
					 "then restart l2xdpd (that closes no session)"
				       : "tried again each second");
	else if (!rc && before)
		log_note(NULL, "%s is written again and has everything", s->durable_path);
}

int follow_once(struct store *s)
{
	int rc = 0;

	if (!s->durable.lmdb)
		rc = open_durable(s);
	if (!rc)
		rc = run_round(s);
	while (rc == MDB_MAP_FULL) {
		rc = env_grow(&s->durable);
		if (!rc)
			rc = run_round(s);
	}
	if (rc == MDB_PANIC) /* LMDB wants it opened anew: in the next round */
		env_close(&s->durable);
	tell(s, rc);
	return env_errno(rc);
}

/* ---- the thread ----------------------------------------------------------------------------- */

static bool has_work(const struct follow *f)
{
	return f->n || f->all || f->since_ms;
}

/* Waits, with the lock held, for work and for the time when it may be done. */
static void wait_for_work(struct follow *f, uint64_t not_before)
{
	while (!f->stop) {
		uint64_t now = clock_ms();
		struct timespec ts = { .tv_sec = (time_t)((not_before - 1) / 1000),
				       .tv_nsec = (long)((not_before - 1) % 1000) * 1000000 };

		if (!has_work(f))
			pthread_cond_wait(&f->wake, &f->lock);
		else if (now < not_before && !f->hurry)
			pthread_cond_timedwait(&f->wake, &f->lock, &ts);
		else
			return;
	}
}

void *follow_main(void *store)
{
	struct store *s = store;
	struct follow *f = &s->follow;
	uint64_t not_before = 1;
	bool last = false;

	while (!last) {
		bool work;

		pthread_mutex_lock(&f->lock);
		wait_for_work(f, not_before);
		last = f->stop;
		work = has_work(f);
		f->hurry = false;
		pthread_mutex_unlock(&f->lock);
		not_before = clock_ms() + s->tuning->follow_ms;
		if (work)
			follow_once(s);
	}
	pthread_mutex_lock(&f->lock);
	f->done = true;
	pthread_cond_broadcast(&f->wake);
	pthread_mutex_unlock(&f->lock);
	return NULL;
}
