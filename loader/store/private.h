/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the store share, and what its tests turn. Not for other rooms. */
#ifndef L2XDP_STORE_PRIVATE_H
#define L2XDP_STORE_PRIVATE_H

#include <lmdb.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "loader/store/store.h"

/* ---- an environment (env.c) ---------------------------------------------------- */

#define ENV_HEAD STORE_TABLES /* a table of its own for the head */
#define ENV_TABLES (STORE_TABLES + 1)
#define SEAL_LEN 4 /* octets before each record: its checksum */

/* Written with every transaction, under key 0 of ENV_HEAD. The first two members stand at
 * the same place in every format, so that an older program can say who wrote it. */
#define HEAD_VERSION_LEN 32
#define HEAD_BOOT_LEN 40
struct head {
	uint32_t format;
	char version[HEAD_VERSION_LEN]; /* of the program */
	char boot_id[HEAD_BOOT_LEN];
	uint64_t serial; /* rises by one with each commit */
	uint64_t wall_ms; /* CLOCK_REALTIME of the commit */
};

struct env {
	MDB_env *lmdb; /* NULL: not open */
	MDB_dbi dbi[ENV_TABLES]; /* 0: there is no such table (read-only) */
	char *path;
	unsigned int flags;
	size_t map_size;
};

/* All return 0 or what LMDB returns: a positive errno or an MDB_ code. */
int env_open(struct env *e, const char *path, unsigned int flags, size_t map_size);
void env_close(struct env *e);
int env_reopen(struct env *e); /* after an error that LMDB does not recover from */
/* Twice the map. No transaction of this process may be open. */
int env_grow(struct env *e);
int env_read_head(const struct env *e, MDB_txn *txn, struct head *ret);
int env_write_head(const struct env *e, MDB_txn *txn, const struct head *head);
int env_put(const struct env *e, MDB_txn *txn, unsigned int table, uint64_t key, const void *sealed,
	    size_t len);
int env_delete(const struct env *e, MDB_txn *txn, unsigned int table, uint64_t key);
/* *ret points into the map: valid until txn ends. MDB_NOTFOUND. Does not look at the seal. */
int env_get(const struct env *e, MDB_txn *txn, unsigned int table, uint64_t key, MDB_val *ret);
/* Makes all tables of dst (but the head) as those of src; *ret_changed: records written or
 * deleted. Damaged records of src are left out, and stay in dst as they are. */
int env_mirror(const struct env *dst, MDB_txn *to, const struct env *src, MDB_txn *from,
	       uint64_t *ret_changed);
/* Damaged records of dst, from src where they are sound. */
int env_heal(const struct env *dst, MDB_txn *to, const struct env *src, MDB_txn *from);
int env_errno(int rc); /* as a negative errno; 0: 0 */
/* LMDB calls it EIO when a file system took a part of what was written; then ENOSPC. */
int env_cause(const struct env *e, int rc);

/* sealed: SEAL_LEN octets of room, then the record, `len` octets in all */
void seal(unsigned int table, uint64_t key, uint8_t *sealed, size_t len);
bool seal_holds(unsigned int table, uint64_t key, const MDB_val *sealed);

/* ---- reading what may be damaged (probe.c) ----------------------------------------- */

enum probe_state {
	PROBE_ABSENT, /* no file, or nothing was ever committed to it */
	PROBE_SOUND,
	PROBE_DAMAGED,
	PROBE_NEWER, /* only head.format and head.version are known */
	PROBE_BUSY, /* a snapshot was asked for, and it changed all the time */
	PROBE_FAILED, /* could not be looked at: error */
};

struct probe {
	enum probe_state state;
	int error; /* positive errno */
	struct head head;
	uint64_t records, bad; /* bad: their seal does not hold */
	uint64_t octets; /* of the file */
	char why[128]; /* damaged: what was found */
};

/* Reads all of it in a child process, which may die of it. fd >= 0: first copies it, as of one
 * moment, to that file, and reads there. 0, or a negative errno when there can be no child. */
struct probing {
	pid_t pid;
	struct shared *shared;
};
int probe_begin(const char *path, uint32_t format, int fd, struct probing *ret);
void probe_end(struct probing *p, struct probe *ret); /* waits */

/* What is wrong with the pages of an LMDB file; NULL: nothing (pages.c). */
const char *pages_fault(const void *map, size_t len, size_t page_size);

/* ---- the batch (batch.c) -------------------------------------------------------------- */

struct change {
	uint64_t key;
	uint8_t table;
	bool gone; /* a deletion */
	uint32_t len; /* of the sealed record */
	uint8_t *sealed;
};

/* The last change of each key, found by an open hash. */
struct batch {
	struct change *changes;
	uint32_t *slots; /* 1 + place in changes; 0: free */
	size_t n, cap, n_slots;
	size_t swept; /* n after the last batch_sweep */
};

int batch_put(struct batch *b, unsigned int table, uint64_t key, const void *rec, size_t len);
int batch_delete(struct batch *b, unsigned int table, uint64_t key);
const struct change *batch_find(const struct batch *b, unsigned int table, uint64_t key);
/* Forgets the deletions for which needless says true. */
void batch_sweep(struct batch *b, bool (*needless)(void *arg, const struct change *c), void *arg);
void batch_clear(struct batch *b);

/* ---- the durable one (follow.c) ---------------------------------------------------------- */

struct key {
	uint64_t key;
	uint8_t table;
};

struct follow {
	pthread_t thread;
	pthread_cond_t wake;
	/* Held while the hot one commits, and while the thread takes the list and begins to read:
	 * so the list and what is read belong together. Guards everything below. */
	pthread_mutex_t lock;
	struct key *keys; /* what changed in the hot one since the durable one was written */
	size_t n, cap;
	bool all; /* compare everything: the list is not to be trusted */
	uint64_t since_ms; /* monotonic time of the first change in the list; 0: none */
	uint64_t flight_ms; /* the same of what is being written now */
	bool running, stop, done;
	bool hurry; /* the next round begins at once */
	uint64_t commits, failed;
	char error[160];
};

struct store {
	const struct store_tuning *tuning;
	bool read_only;
	int lock_fds[2]; /* runtime, state */
	struct env hot, durable; /* durable: the thread's once it runs */
	pthread_mutex_t hot_map; /* held while the thread reads the hot one, and to move its map */
	char *durable_path;
	int durable_refused; /* why the durable one is never opened, as env_*; 0: it is */
	struct head head; /* of the hot one */
	struct batch batch;
	int lost; /* why a change could not be taken into the batch; 0: none was */
	int failing; /* the last commit's error; 0: none */
	msec_t retry_at;
	struct follow follow;
	bool hurry; /* store_hurry */
	uint64_t commits, failed;
	char error[160];
};

struct store *store_new(const struct store_tuning *tuning, bool read_only);
void store_free(struct store *s); /* no thread runs */

int follow_init(struct follow *f);
void follow_free(struct follow *f);
/* With f->lock held, after the hot one's commit. */
void follow_note(struct store *s, const struct batch *b);
/* One transaction that brings the durable one up to date. 0 or a negative errno. */
int follow_once(struct store *s);
void *follow_main(void *store);

uint64_t clock_ms(void); /* monotonic, never 0 */
uint64_t clock_wall_ms(void);

/* ---- the start (open.c) ---------------------------------------------------------------------- */

/* From one format to the next, in one transaction on the hot one. */
struct store_migration {
	uint32_t from;
	int (*fn)(const struct env *e, MDB_txn *txn); /* as env_* */
};

struct store_tuning {
	const char *boot_id_path;
	uint32_t format;
	const struct store_migration *migrations; /* the last: from 0 */
	size_t map_size; /* at first, of each environment */
	size_t list_limit; /* longer: everything is compared instead */
	unsigned int follow_ms; /* between two transactions of the durable one */
	msec_t retry_ms; /* between two tries to write a large batch */
};
extern const struct store_tuning store_tuning_default;

int store_open_tuned(const struct store_tuning *tuning, const char *runtime, const char *state,
		     bool read_only, struct store **ret, struct store_info *ret_info, char *err,
		     size_t errlen);
/* The durable one again, when it could not be opened at the start. */
int open_durable(struct store *s);

#endif
