/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An LMDB environment with our tables: opening, records with their checksums, the head. */
#include "loader/store/private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <zlib.h>

#include "loader/base/bytes.h"

/* They stand in the file. */
static const char *const table_names[ENV_TABLES] = {
	[STORE_TUNNELS] = "tunnels", [STORE_MESSAGES] = "messages", [STORE_SESSIONS] = "sessions",
	[STORE_RESTING] = "resting", [STORE_MISC] = "misc",         [ENV_HEAD] = "head",
};

/* Room for 2 million records would be 1 GiB; a map may be longer than its file. */
#define MAX_MAP ((size_t)1 << 38)
#define FULL_BELOW 16 /* blocks: what is left of a file system that a large write filled */
#define HEAD_LEN (4 + HEAD_VERSION_LEN + HEAD_BOOT_LEN + 8 + 8)

int env_errno(int rc)
{
	switch (rc) {
	case 0:
		return 0;
	case MDB_MAP_FULL:
		return -ENOSPC;
	case MDB_TXN_FULL:
		return -ENOMEM;
	case MDB_NOTFOUND:
		return -ENOENT;
	case MDB_INVALID:
	case MDB_CORRUPTED:
	case MDB_PAGE_NOTFOUND:
	case MDB_VERSION_MISMATCH:
	case MDB_BAD_VALSIZE:
		return -EBADMSG;
	default:
		return rc > 0 ? -rc : -EIO;
	}
}

int env_cause(const struct env *e, int rc)
{
	struct statvfs st;
	int fd;

	if (rc != EIO || !e->lmdb || mdb_env_get_fd(e->lmdb, &fd) || fstatvfs(fd, &st) < 0)
		return rc;
	return st.f_bavail < FULL_BELOW ? ENOSPC : rc;
}

/* ---- seals -------------------------------------------------------------------------- */

/* Over table and key too: a record in the wrong place is damaged. */
static uint32_t checksum(unsigned int table, uint64_t key, const uint8_t *rec, size_t len)
{
	uint8_t place[1 + sizeof(key)];
	uLong crc;

	place[0] = (uint8_t)table;
	memcpy(place + 1, &key, sizeof(key));
	crc = crc32(crc32(0, NULL, 0), place, sizeof(place));
	return (uint32_t)(len ? crc32(crc, rec, (uInt)len) : crc);
}

void seal(unsigned int table, uint64_t key, uint8_t *sealed, size_t len)
{
	struct writer w = writer_of(sealed, SEAL_LEN);

	writer_u32(&w, checksum(table, key, sealed + SEAL_LEN, len - SEAL_LEN));
}

bool seal_holds(unsigned int table, uint64_t key, const MDB_val *sealed)
{
	struct reader r = reader_of(sealed->mv_data, sealed->mv_size);
	uint32_t is = reader_u32(&r);

	return !r.bad && r.left <= STORE_MAX_RECORD && is == checksum(table, key, r.p, r.left);
}

/* ---- open, close, grow ------------------------------------------------------------------ */

static int open_tables(struct env *e)
{
	bool reading = e->flags & MDB_RDONLY;
	MDB_txn *txn;
	int rc = mdb_txn_begin(e->lmdb, NULL, reading ? MDB_RDONLY : 0, &txn);

	if (rc)
		return rc;
	for (unsigned int i = 0; i < ENV_TABLES; i++) {
		rc = mdb_dbi_open(txn, table_names[i], MDB_INTEGERKEY | (reading ? 0 : MDB_CREATE),
				  &e->dbi[i]);
		if (rc == MDB_NOTFOUND && reading) {
			e->dbi[i] = 0;
			rc = 0;
		}
		if (rc) {
			mdb_txn_abort(txn);
			return rc;
		}
	}
	return mdb_txn_commit(txn);
}

/* Takes over e->path; on failure e is closed, its path kept. */
static int open_lmdb(struct env *e)
{
	size_t map_size = e->map_size;
	MDB_envinfo info;
	int rc = mdb_env_create(&e->lmdb);

	if (rc) {
		e->lmdb = NULL;
		return rc;
	}
	mdb_env_set_maxdbs(e->lmdb, ENV_TABLES);
	mdb_env_set_maxreaders(e->lmdb, 8);
	mdb_env_set_mapsize(e->lmdb, map_size);
	rc = mdb_env_open(e->lmdb, e->path, e->flags | MDB_NOSUBDIR | MDB_NOTLS, 0600);
	if (!rc)
		rc = mdb_env_info(e->lmdb, &info);
	if (!rc)
		rc = open_tables(e);
	if (rc) {
		mdb_env_close(e->lmdb);
		e->lmdb = NULL;
		return rc;
	}
	e->map_size = info.me_mapsize;
	return 0;
}

int env_open(struct env *e, const char *path, unsigned int flags, size_t map_size)
{
	int rc;

	memset(e, 0, sizeof(*e));
	e->path = strdup(path);
	if (!e->path)
		return ENOMEM;
	e->flags = flags;
	e->map_size = map_size;
	do {
		rc = open_lmdb(e);
		if (rc == MDB_MAP_FULL)
			e->map_size *= 2;
	} while (rc == MDB_MAP_FULL && e->map_size <= MAX_MAP);
	if (rc)
		env_close(e);
	return rc;
}

void env_close(struct env *e)
{
	if (e->lmdb)
		mdb_env_close(e->lmdb);
	free(e->path);
	memset(e, 0, sizeof(*e));
}

int env_reopen(struct env *e)
{
	if (e->lmdb)
		mdb_env_close(e->lmdb);
	e->lmdb = NULL;
	return open_lmdb(e);
}

int env_grow(struct env *e)
{
	int rc;

	if (e->map_size > MAX_MAP / 2)
		return ENOMEM;
	rc = mdb_env_set_mapsize(e->lmdb, e->map_size * 2);
	if (rc) /* LMDB has lost its map now */
		return env_reopen(e) ? rc : ENOMEM;
	e->map_size *= 2;
	return 0;
}

/* ---- records ------------------------------------------------------------------------------ */

int env_get(const struct env *e, MDB_txn *txn, unsigned int table, uint64_t key, MDB_val *ret)
{
	MDB_val k = { sizeof(key), &key };

	if (!e->dbi[table])
		return MDB_NOTFOUND;
	return mdb_get(txn, e->dbi[table], &k, ret);
}

int env_put(const struct env *e, MDB_txn *txn, unsigned int table, uint64_t key, const void *sealed,
	    size_t len)
{
	MDB_val k = { sizeof(key), &key }, v = { len, (void *)sealed };

	return mdb_put(txn, e->dbi[table], &k, &v, 0);
}

int env_delete(const struct env *e, MDB_txn *txn, unsigned int table, uint64_t key)
{
	MDB_val k = { sizeof(key), &key };
	int rc = mdb_del(txn, e->dbi[table], &k, NULL);

	return rc == MDB_NOTFOUND ? 0 : rc;
}

int env_write_head(const struct env *e, MDB_txn *txn, const struct head *head)
{
	uint8_t sealed[SEAL_LEN + HEAD_LEN];
	struct writer w = writer_of(sealed + SEAL_LEN, HEAD_LEN);

	writer_u32(&w, head->format);
	writer_bytes(&w, head->version, sizeof(head->version));
	writer_bytes(&w, head->boot_id, sizeof(head->boot_id));
	writer_u64(&w, head->serial);
	writer_u64(&w, head->wall_ms);
	seal(ENV_HEAD, 0, sealed, sizeof(sealed));
	return env_put(e, txn, ENV_HEAD, 0, sealed, sizeof(sealed));
}

/* People get to see it, by a process with more rights than the one that wrote it. */
static void take_text(struct reader *r, char *to, size_t cap)
{
	const uint8_t *p = reader_take(r, cap);

	if (p)
		memcpy(to, p, cap);
	to[cap - 1] = '\0';
	for (; *to; to++)
		if (*to < ' ' || *to > '~')
			*to = '?';
}

int env_read_head(const struct env *e, MDB_txn *txn, struct head *ret)
{
	struct head h = { 0 };
	struct reader r;
	MDB_val v;
	int rc = env_get(e, txn, ENV_HEAD, 0, &v);

	if (rc)
		return rc;
	if (!seal_holds(ENV_HEAD, 0, &v))
		return MDB_CORRUPTED;
	r = reader_of((const uint8_t *)v.mv_data + SEAL_LEN, v.mv_size - SEAL_LEN);
	h.format = reader_u32(&r);
	take_text(&r, h.version, sizeof(h.version));
	if (r.bad || !h.format)
		return MDB_CORRUPTED;
	take_text(&r, h.boot_id, sizeof(h.boot_id));
	h.serial = reader_u64(&r);
	h.wall_ms = reader_u64(&r);
	if (r.bad && h.format <= STORE_FORMAT) /* a newer one may look otherwise */
		return MDB_CORRUPTED;
	*ret = h;
	return 0;
}

/* ---- mirror ----------------------------------------------------------------------------------- */

/* Deletes what src does not have. */
static int mirror_deletions(MDB_txn *to, MDB_dbi d, MDB_txn *from, MDB_dbi s, uint64_t *changed)
{
	MDB_cursor *at;
	MDB_val k, v, other;
	int rc = mdb_cursor_open(to, d, &at);

	if (rc)
		return rc;
	while (!(rc = mdb_cursor_get(at, &k, &v, MDB_NEXT))) {
		rc = s ? mdb_get(from, s, &k, &other) : MDB_NOTFOUND;
		if (rc == MDB_NOTFOUND) {
			rc = mdb_cursor_del(at, 0);
			++*changed;
		}
		if (rc)
			break;
	}
	mdb_cursor_close(at);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

/* Writes what dst does not have, or has otherwise. */
static int mirror_records(MDB_txn *to, MDB_dbi d, MDB_txn *from, MDB_dbi s, unsigned int table,
			  uint64_t *changed)
{
	MDB_cursor *at;
	MDB_val k, v, other;
	int rc = mdb_cursor_open(from, s, &at);
	uint64_t key;

	if (rc)
		return rc;
	while (!(rc = mdb_cursor_get(at, &k, &v, MDB_NEXT))) {
		if (k.mv_size != sizeof(key))
			continue;
		memcpy(&key, k.mv_data, sizeof(key));
		if (!seal_holds(table, key, &v))
			continue;
		rc = mdb_get(to, d, &k, &other);
		if (!rc && other.mv_size == v.mv_size &&
		    !memcmp(other.mv_data, v.mv_data, v.mv_size))
			continue;
		if (!rc || rc == MDB_NOTFOUND) {
			rc = mdb_put(to, d, &k, &v, 0);
			++*changed;
		}
		if (rc)
			break;
	}
	mdb_cursor_close(at);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int env_mirror(const struct env *dst, MDB_txn *to, const struct env *src, MDB_txn *from,
	       uint64_t *ret_changed)
{
	uint64_t changed = 0;

	for (unsigned int i = 0; i < STORE_TABLES; i++) {
		int rc = mirror_deletions(to, dst->dbi[i], from, src->dbi[i], &changed);

		if (!rc && src->dbi[i])
			rc = mirror_records(to, dst->dbi[i], from, src->dbi[i], i, &changed);
		if (rc)
			return rc;
	}
	*ret_changed = changed;
	return 0;
}

static int heal_table(const struct env *dst, MDB_txn *to, const struct env *src, MDB_txn *from,
		      unsigned int table)
{
	MDB_cursor *at;
	MDB_val k, v, other;
	uint64_t key;
	int rc = mdb_cursor_open(to, dst->dbi[table], &at);

	if (rc)
		return rc;
	while (!(rc = mdb_cursor_get(at, &k, &v, MDB_NEXT))) {
		memcpy(&key, k.mv_data, sizeof(key));
		if (seal_holds(table, key, &v) || env_get(src, from, table, key, &other) ||
		    !seal_holds(table, key, &other))
			continue;
		k = (MDB_val){ sizeof(key), &key };
		rc = mdb_cursor_put(at, &k, &other, MDB_CURRENT);
		if (rc)
			break;
	}
	mdb_cursor_close(at);
	return rc == MDB_NOTFOUND ? 0 : rc;
}

int env_heal(const struct env *dst, MDB_txn *to, const struct env *src, MDB_txn *from)
{
	int rc = 0;

	for (unsigned int i = 0; i < STORE_TABLES && !rc; i++)
		rc = heal_table(dst, to, src, from, i);
	return rc;
}
