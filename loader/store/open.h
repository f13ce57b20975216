/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the start is made of: the directories and files of it (open_files.c). */
#ifndef L2XDP_STORE_OPEN_H
#define L2XDP_STORE_OPEN_H

#include <limits.h>

#include "loader/store/private.h"

#define STORE_FILE "store.mdb"
#define PATH_ROOM (PATH_MAX + 64)

struct opening {
	struct store *s;
	const char *runtime, *state;
	char hot_path[PATH_ROOM], durable_path[PATH_ROOM];
	char boot_id[HEAD_BOOT_LEN];
	struct probe hot, durable;
	struct store_info info;
	char *err;
	size_t errlen;
};

/* Says why in o->err, and returns err. */
int open_fail(struct opening *o, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Appends to the note for the log. */
void open_note(struct opening *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

int open_read_boot_id(struct opening *o);
int open_name_paths(struct opening *o);
/* Makes the directories and takes their locks. */
int open_take_directories(struct opening *o);
/* What root made belongs to whom the directory belongs to. */
void open_give_files(const char *dir);
/* Renames to .damaged-N; with enough of them there, removes. 0 or a negative errno. */
int open_set_aside(struct opening *o, const char *path, const char *why);
/* LMDB writes its lock file through a map, which a full file system must not interrupt. */
int open_reserve_lock_file(const struct opening *o);

#endif
