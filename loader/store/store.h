/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What outlives the process: records by number, in tables, written in batches.
 *
 * Two LMDB environments. The hot one lies in memory (runtime directory, tmpfs) and is
 * written by store_commit, without waiting for any disk: it survives the death of the
 * daemon at any moment, each batch whole or not at all. The durable one (state directory)
 * follows within a second, by a thread of its own, in synced transactions: it survives
 * the loss of power. At the start the hot one is taken when it is of this boot of the
 * host and sound, else the durable one.
 *
 * What does not fit (disk full, no memory) is kept, said once in the log, and tried again
 * with the next batch: no subscriber pays for a full disk. So commit from time to time
 * while store_is_dirty, even when nothing happens. The thread tries again by itself.
 */
#ifndef L2XDP_STORE_STORE_H
#define L2XDP_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/base/timers.h"

#define STORE_FORMAT 1 /* raised when a record's meaning changes */
#define STORE_MAX_RECORD 8192 /* octets */

struct store;

/* Never renumbered: they stand in the file. */
enum store_table {
	STORE_TUNNELS, /* by our tunnel ID */
	STORE_MESSAGES, /* by tunnel ID << 32 | serial */
	STORE_SESSIONS, /* by session index */
	STORE_RESTING, /* identifiers that rest, by time << 20 | serial */
	STORE_MISC, /* by number, see loader/persist.h */
	STORE_TABLES,
};

enum store_origin {
	STORE_NEW, /* nothing was there */
	STORE_HOT, /* same boot: the maps may still be there */
	STORE_DURABLE, /* after a reboot, or the hot one was damaged or missing */
};

struct store_info {
	enum store_origin origin;
	char note[256]; /* what was found damaged and set aside, for the log; else empty */
	uint64_t age_ms; /* STORE_DURABLE: wall time since its last commit */
};

/* Opens or makes both, before privileges are given up; it forks a child that reads all of both,
 * so no other thread may run yet. Directories are made (0700) if missing. A damaged environment is
 * renamed to NAME.damaged-N and the other one is used. -EPROTO: written by a newer version; err
 * says by which and what to do; nothing is touched. read_only: for --check; nothing is
 * made, changed or renamed, no thread; it reads a copy, for which no daemon waits, and which may
 * be the durable one (see origin, note) when the hot one changes all the time. `runtime` on a
 * file system that is not in memory works. -EBUSY: another daemon has one of the directories,
 * until its process and all that it forked after store_open have ended. Other errors: err says.
 * What root makes is given to the owner of its directory. */
int store_open(const char *runtime, const char *state, bool read_only, struct store **ret,
	       struct store_info *ret_info, char *err, size_t errlen);
/* Starts the thread that keeps the durable one; after privileges were given up. */
int store_start(struct store *s);
/* Commits, waits until the durable one has all (at most 5 s), closes. */
void store_close(struct store *s);

/* Removes both environments while nobody has them open: all sessions are forgotten. */
void store_forget(const char *runtime, const char *state);

/* Into the batch. The record is copied. Nothing fails here: lack of memory is told by
 * store_commit. A later put or delete of the same key in the batch replaces the earlier. */
void store_put(struct store *s, enum store_table t, uint64_t key, const void *rec, size_t len);
void store_delete(struct store *s, enum store_table t, uint64_t key);
/* Deletes records with a key below `below`, at most `most` of them. */
void store_purge(struct store *s, enum store_table t, uint64_t below, unsigned int most);
/* What the next commit writes stands in the durable one as soon as the disk has taken it, not within
 * a second. For the caller who writes at intervals of a second or so. */
void store_hurry(struct store *s);
bool store_is_dirty(const struct store *s);
/* One transaction for the batch. 0, or a negative errno: the batch is kept and tried again with the
 * next one; logged when that begins and ends. -EMSGSIZE, -ENOMEM: a record was too long or
 * found no memory; it alone is lost, and that is told once. */
int store_commit(struct store *s, msec_t now);
/* After a commit that failed: LMDB gave the hot one up, and it could not be opened again (a
 * sandbox opens nothing). Only another process can go on with it. */
bool store_is_closed(const struct store *s);

/* Every record of a table by rising key, as of the last commit. False from fn ends the walk;
 * fn must not call store_*. `rec` has no alignment. -EBADMSG: all sound ones were visited, but
 * there are damaged ones. */
int store_visit(struct store *s, enum store_table t,
		bool (*fn)(void *arg, uint64_t key, const uint8_t *rec, size_t len), void *arg);

struct store_health {
	uint64_t records, octets; /* of the hot one; octets: of memory */
	uint64_t commits, failed_commits, durable_commits; /* failed: of either */
	uint64_t durable_behind_ms; /* 0: up to date */
	char error[160]; /* why the last commit (hot or durable) failed; empty: it did not */
};
void store_health(struct store *s, struct store_health *ret);

#endif
