/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The start: which of the two environments is taken, and what becomes of the other. */
#include "loader/store/open.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static const struct store_migration migrations[] = {
	{ 0, NULL }, /* the last one */
};

const struct store_tuning store_tuning_default = {
	.boot_id_path = "/proc/sys/kernel/random/boot_id",
	.format = STORE_FORMAT,
	.migrations = migrations,
	.map_size = (size_t)256 << 20,
	.list_limit = 250000,
	.follow_ms = 1000,
	.retry_ms = 100,
};

/* ---- what is there ---------------------------------------------------------------------- */

static int no_child(struct opening *o, const char *path, int err)
{
	return open_fail(o, err, "cannot make a process to read %s: %s", path, strerror(-err));
}

static int refuse_newer(struct opening *o, const char *path, const struct probe *p)
{
	uint32_t format = o->s->tuning->format;

	if (p->state != PROBE_NEWER)
		return 0;
	return open_fail(
		o, -EPROTO,
		"%s was written by l2xdp %s (format %u; this is %s, format %u): start that "
		"version, or move the directory away, which closes every session",
		path, p->head.version, p->head.format, L2XDP_VERSION, format);
}

/* Both at once. */
static int look_at_both(struct opening *o)
{
	uint32_t format = o->s->tuning->format;
	struct probing hot, durable;
	int err = probe_begin(o->hot_path, format, -1, &hot);

	if (err)
		return no_child(o, o->hot_path, err);
	err = probe_begin(o->durable_path, format, -1, &durable);
	if (!err)
		probe_end(&durable, &o->durable);
	probe_end(&hot, &o->hot);
	if (err)
		return no_child(o, o->durable_path, err);
	err = refuse_newer(o, o->hot_path, &o->hot);
	return err ? err : refuse_newer(o, o->durable_path, &o->durable);
}

/* Copies it to fd, and looks at the copy. */
static int look_at_copy(struct opening *o, const char *path, int fd, struct probe *ret)
{
	struct probing p;
	int err = probe_begin(path, o->s->tuning->format, fd, &p);

	if (err)
		return no_child(o, path, err);
	probe_end(&p, ret);
	return refuse_newer(o, path, ret);
}

static bool of_this_boot(const struct opening *o, const struct probe *p)
{
	return p->state == PROBE_SOUND && strcmp(p->head.boot_id, o->boot_id) == 0;
}

/* Whether the hot one is taken; what is not taken is out of the way then. */
static int judge_hot(struct opening *o, bool *ret_take)
{
	bool take = of_this_boot(o, &o->hot);

	if (o->hot.state == PROBE_FAILED)
		return open_fail(o, -o->hot.error, "cannot read %s: %s", o->hot_path,
				 strerror(o->hot.error));
	/* a runtime-directory that was used before another one */
	if (take && of_this_boot(o, &o->durable) && o->durable.head.serial > o->hot.head.serial) {
		open_note(o, "%.60s is older than %.60s", o->hot_path, o->durable_path);
		take = false;
	}
	*ret_take = take;
	if (o->hot.state == PROBE_DAMAGED) {
		int err = open_set_aside(o, o->hot_path, o->hot.why);

		if (err)
			return open_fail(o, err, "%s is damaged and cannot be renamed: %s",
					 o->hot_path, strerror(-err));
	} else if (!take && unlink(o->hot_path) < 0 && errno != ENOENT) {
		return open_fail(o, -errno, "cannot remove %s of an earlier start of this host: %s",
				 o->hot_path, strerror(errno));
	}
	return 0;
}

static void judge_durable(struct opening *o)
{
	struct store *s = o->s;

	if (o->durable.state == PROBE_DAMAGED && open_set_aside(o, o->durable_path, o->durable.why))
		s->durable_refused = MDB_CORRUPTED;
	if (o->durable.state == PROBE_FAILED) {
		open_note(o, "cannot read %.60s: %s", o->durable_path, strerror(o->durable.error));
		s->durable_refused = o->durable.error;
	}
	if (o->durable.state == PROBE_SOUND && o->durable.bad)
		open_note(o, "%llu records of %.60s are damaged",
			  (unsigned long long)o->durable.bad, o->durable_path);
}

/* ---- one from the other ------------------------------------------------------------------- */

static int open_hot(struct opening *o)
{
	struct store *s = o->s;
	size_t map_size = s->tuning->map_size;
	int err = open_reserve_lock_file(o);

	if (!err) {
		int rc = env_open(&s->hot, o->hot_path, MDB_NOSYNC, map_size);

		if (!rc)
			return 0;
		err = env_errno(rc);
	}
	return open_fail(o, err, "cannot write %s: %s%s", o->hot_path, strerror(-err),
			 err == -ENOSPC ? "; make room there" : "");
}

/* Fills the hot one from the durable one, or its damaged records only. As env_*. */
static int fill_once(struct opening *o, const struct env *src, bool all)
{
	struct env *hot = &o->s->hot;
	MDB_txn *from = NULL, *to = NULL;
	uint64_t changed;
	int rc = mdb_txn_begin(src->lmdb, NULL, MDB_RDONLY, &from);

	if (!rc)
		rc = mdb_txn_begin(hot->lmdb, NULL, 0, &to);
	if (!rc)
		rc = all ? env_mirror(hot, to, src, from, &changed) : env_heal(hot, to, src, from);
	if (!rc)
		rc = env_write_head(hot, to, &o->s->head);
	if (!rc) {
		rc = env_cause(hot, mdb_txn_commit(to));
		to = NULL;
	}
	if (to)
		mdb_txn_abort(to);
	if (from)
		mdb_txn_abort(from);
	return rc;
}

static int fill_hot(struct opening *o, bool all)
{
	struct env src;
	int rc = env_open(&src, o->durable_path, MDB_RDONLY | MDB_NOLOCK, o->s->tuning->map_size);

	if (rc)
		return rc;
	while ((rc = fill_once(o, &src, all)) == MDB_MAP_FULL)
		if ((rc = env_grow(&o->s->hot)))
			break;
	env_close(&src);
	return rc;
}

/* Older formats become ours, step by step. As env_*. */
static int migrate(struct opening *o)
{
	struct store *s = o->s;
	const struct store_migration *m = s->tuning->migrations;
	MDB_txn *txn;
	int rc = mdb_txn_begin(s->hot.lmdb, NULL, 0, &txn);

	while (!rc && s->head.format < s->tuning->format) {
		while (m->from && m->from != s->head.format)
			m++;
		rc = m->from ? m->fn(&s->hot, txn) : MDB_VERSION_MISMATCH;
		s->head.format++;
	}
	if (!rc)
		rc = env_write_head(&s->hot, txn, &s->head);
	if (!rc)
		return mdb_txn_commit(txn);
	mdb_txn_abort(txn);
	return rc;
}

static int bring_to_our_format(struct opening *o)
{
	uint32_t was = o->s->head.format;
	int rc = 0;

	while (was < o->s->tuning->format && (rc = migrate(o)) == MDB_MAP_FULL) {
		o->s->head.format = was;
		if ((rc = env_grow(&o->s->hot)))
			break;
	}
	if (rc == MDB_VERSION_MISMATCH)
		return open_fail(
			o, -EPROTO,
			"the store in %s was written by l2xdp %s, whose format %u is too old for "
			"this version: start one between the two first",
			o->runtime, o->s->head.version, was);
	if (rc)
		return open_fail(o, env_errno(rc), "cannot bring the store in %s to format %u: %s",
				 o->runtime, o->s->tuning->format, mdb_strerror(rc));
	return 0;
}

static void sign_head(struct opening *o)
{
	struct head *h = &o->s->head;

	h->serial++;
	h->wall_ms = clock_wall_ms();
	memset(h->boot_id, 0, sizeof(h->boot_id));
	memcpy(h->boot_id, o->boot_id, strlen(o->boot_id));
}

static void tell_age(struct opening *o)
{
	uint64_t now = clock_wall_ms(), then = o->durable.head.wall_ms;

	o->info.age_ms = now > then ? now - then : 0; /* a clock may have been set back */
}

static int begin_new(struct opening *o)
{
	struct store *s = o->s;
	MDB_txn *txn;
	int rc;

	s->head = (struct head){ .format = s->tuning->format };
	sign_head(o);
	rc = mdb_txn_begin(s->hot.lmdb, NULL, 0, &txn);
	if (!rc) {
		rc = env_write_head(&s->hot, txn, &s->head);
		if (!rc)
			rc = mdb_txn_commit(txn);
		else
			mdb_txn_abort(txn);
	}
	if (rc)
		return open_fail(o, env_errno(rc), "cannot write %s: %s", o->hot_path,
				 mdb_strerror(rc));
	o->info.origin = STORE_NEW;
	return 0;
}

static int begin_from_hot(struct opening *o)
{
	struct store *s = o->s;
	bool level;

	s->head = o->hot.head;
	o->info.origin = STORE_HOT;
	if (!o->hot.bad)
		return 0;
	open_note(o, "%llu records of %.60s are damaged", (unsigned long long)o->hot.bad,
		  o->hot_path);
	if (o->durable.state != PROBE_SOUND || o->durable.head.format != o->hot.head.format)
		return 0;
	/* a key may be damaged too: where the other one is as new, everything is taken from it */
	level = of_this_boot(o, &o->durable) && o->durable.head.serial == o->hot.head.serial;
	s->head.serial++;
	if (!fill_hot(o, level))
		open_note(o, "as many of them as are sound there were taken from %.60s",
			  o->durable_path);
	return 0;
}

static int begin_from_durable(struct opening *o)
{
	struct store *s = o->s;
	int rc;

	s->head = o->durable.head;
	sign_head(o);
	rc = fill_hot(o, true);
	if (rc)
		return open_fail(o, env_errno(rc), "cannot copy %s to %s: %s%s", o->durable_path,
				 o->hot_path, mdb_strerror(rc),
				 rc == ENOSPC ? "; make room there" : "");
	o->info.origin = STORE_DURABLE;
	tell_age(o);
	return 0;
}

int open_durable(struct store *s)
{
	int rc = s->durable_refused;

	if (!rc)
		rc = env_open(&s->durable, s->durable_path, MDB_NOLOCK, s->tuning->map_size);
	if (rc)
		return rc;
	pthread_mutex_lock(&s->follow.lock);
	s->follow.all = true;
	pthread_mutex_unlock(&s->follow.lock);
	return 0;
}

static int open_writing(struct opening *o)
{
	struct store *s = o->s;
	bool take = false;
	int err = open_take_directories(o), rc;

	if (!err)
		err = look_at_both(o);
	if (!err)
		err = judge_hot(o, &take);
	if (err)
		return err;
	judge_durable(o);
	err = open_hot(o);
	if (!err)
		err = take                              ? begin_from_hot(o)
		      : o->durable.state == PROBE_SOUND ? begin_from_durable(o)
							: begin_new(o);
	if (!err)
		err = bring_to_our_format(o);
	if (err)
		return err;
	s->follow.all = true;
	if (o->durable.state != PROBE_SOUND || o->durable.head.serial != s->head.serial)
		s->follow.since_ms = clock_ms();
	rc = open_durable(s);
	if (rc)
		open_note(o, "cannot write %.60s: %s", o->durable_path, mdb_strerror(rc));
	open_give_files(o->runtime);
	open_give_files(o->state);
	return 0;
}

/* ---- reading only ---------------------------------------------------------------------------- */

static int open_copy(struct opening *o, int fd, const struct probe *p)
{
	struct store *s = o->s;
	char name[32];
	bool older = p->head.format < s->tuning->format;
	int rc;

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	rc = env_open(&s->hot, name, MDB_NOLOCK | MDB_NOSYNC | (older ? 0 : MDB_RDONLY),
		      s->tuning->map_size);
	if (rc)
		return open_fail(o, env_errno(rc), "cannot read a copy of the store: %s",
				 mdb_strerror(rc));
	s->head = p->head;
	if (p->bad)
		open_note(o, "%llu records are damaged", (unsigned long long)p->bad);
	return bring_to_our_format(o);
}

static int choose_copy(struct opening *o, int fd)
{
	int err = look_at_copy(o, o->hot_path, fd, &o->hot);

	if (err)
		return err;
	if (o->hot.state == PROBE_FAILED)
		return open_fail(o, -o->hot.error, "cannot read %s: %s", o->hot_path,
				 strerror(o->hot.error));
	if (of_this_boot(o, &o->hot)) {
		o->info.origin = STORE_HOT;
		return open_copy(o, fd, &o->hot);
	}
	if (o->hot.state == PROBE_DAMAGED)
		open_note(o, "%.60s is damaged (%.60s)", o->hot_path, o->hot.why);
	err = look_at_copy(o, o->durable_path, fd, &o->durable);
	if (err)
		return err;
	if (o->durable.state == PROBE_SOUND) {
		o->info.origin = STORE_DURABLE;
		if (o->hot.state == PROBE_BUSY)
			open_note(o, "%.60s changes too fast to be read; this is %.60s",
				  o->hot_path, o->durable_path);
		tell_age(o);
		return open_copy(o, fd, &o->durable);
	}
	if (o->durable.state == PROBE_FAILED)
		return open_fail(o, -o->durable.error, "cannot read %s: %s", o->durable_path,
				 strerror(o->durable.error));
	if (o->hot.state == PROBE_BUSY || o->durable.state == PROBE_BUSY)
		return open_fail(o, -EAGAIN, "the store changes too fast to be read; try again");
	if (o->durable.state == PROBE_DAMAGED)
		open_note(o, "%.60s is damaged (%.60s)", o->durable_path, o->durable.why);
	o->info.origin = STORE_NEW;
	return 0;
}

static int open_reading(struct opening *o)
{
	int fd = memfd_create("store", MFD_CLOEXEC), err;

	if (fd < 0)
		return open_fail(o, -errno, "no memory for a copy of the store: %s",
				 strerror(errno));
	err = choose_copy(o, fd);
	close(fd);
	return err;
}

/* ---- the door ------------------------------------------------------------------------------------ */

int store_open_tuned(const struct store_tuning *tuning, const char *runtime, const char *state,
		     bool read_only, struct store **ret, struct store_info *ret_info, char *err,
		     size_t errlen)
{
	struct opening *o = calloc(1, sizeof(*o));
	struct store *s = o ? store_new(tuning, read_only) : NULL;
	int rc;

	if (!s) {
		free(o);
		snprintf(err, errlen, "no memory");
		return -ENOMEM;
	}
	*o = (struct opening){
		.s = s, .runtime = runtime, .state = state, .err = err, .errlen = errlen
	};
	rc = open_read_boot_id(o);
	if (!rc)
		rc = open_name_paths(o);
	if (!rc)
		rc = read_only ? open_reading(o) : open_writing(o);
	if (rc) {
		store_free(s);
	} else {
		*ret = s;
		*ret_info = o->info;
	}
	free(o);
	return rc;
}

int store_open(const char *runtime, const char *state, bool read_only, struct store **ret,
	       struct store_info *ret_info, char *err, size_t errlen)
{
	return store_open_tuned(&store_tuning_default, runtime, state, read_only, ret, ret_info,
				err, errlen);
}
