/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The directories of the store, who may use them, and the files in them. */
#include "loader/store/open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOST_DAMAGED 8 /* files kept for whoever wants to know why */
#define LOCK_FILE_SIZE 8192

int open_fail(struct opening *o, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(o->err, o->errlen, fmt, ap);
	va_end(ap);
	return err;
}

void open_note(struct opening *o, const char *fmt, ...)
{
	size_t at = strlen(o->info.note);
	va_list ap;

	if (at)
		at += (size_t)snprintf(o->info.note + at, sizeof(o->info.note) - at, "; ");
	if (at >= sizeof(o->info.note))
		return;
	va_start(ap, fmt);
	vsnprintf(o->info.note + at, sizeof(o->info.note) - at, fmt, ap);
	va_end(ap);
}

/* ---- directories and locks ------------------------------------------------------------ */

int open_read_boot_id(struct opening *o)
{
	const char *path = o->s->tuning->boot_id_path;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return open_fail(o, -errno, "cannot read %s: %s", path, strerror(errno));
	n = read(fd, o->boot_id, sizeof(o->boot_id) - 1);
	close(fd);
	if (n < 8)
		return open_fail(o, -EIO, "%s holds no boot ID", path);
	o->boot_id[n] = '\0';
	o->boot_id[strcspn(o->boot_id, "\n")] = '\0';
	return 0;
}

int open_name_paths(struct opening *o)
{
	if (strlen(o->runtime) > PATH_MAX - 64 || strlen(o->state) > PATH_MAX - 64)
		return open_fail(o, -ENAMETOOLONG, "the name of a directory is too long");
	snprintf(o->hot_path, sizeof(o->hot_path), "%s/" STORE_FILE, o->runtime);
	snprintf(o->durable_path, sizeof(o->durable_path), "%s/" STORE_FILE, o->state);
	o->s->durable_path = strdup(o->durable_path);
	return o->s->durable_path ? 0 : open_fail(o, -ENOMEM, "no memory");
}

/* *ret_st is zero when there is none. */
static int make_directory(struct opening *o, const char *path, struct stat *ret_st)
{
	memset(ret_st, 0, sizeof(*ret_st));
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return open_fail(o, -errno, "cannot make the directory %s: %s", path,
				 strerror(errno));
	if (stat(path, ret_st) < 0)
		return open_fail(o, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISDIR(ret_st->st_mode))
		return open_fail(o, -ENOTDIR, "%s is not a directory", path);
	if (ret_st->st_mode & S_IWOTH)
		return open_fail(o, -EPERM,
				 "everybody may write in %s; take that right away (chmod o-w)",
				 path);
	return 0;
}

/* Held until the process ends, however it ends. */
static int lock_directory(struct opening *o, const char *dir, int *ret_fd)
{
	char path[PATH_ROOM];
	int fd;

	snprintf(path, sizeof(path), "%s/store.lock", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return open_fail(o, -errno, "cannot make %s: %s", path, strerror(errno));
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int err = errno == EWOULDBLOCK ? EBUSY : errno;

		close(fd);
		if (err == EBUSY)
			return open_fail(o, -EBUSY,
					 "another l2xdpd uses %s; end it first, or give this one "
					 "directories of its own",
					 dir);
		return open_fail(o, -err, "cannot lock %s: %s", path, strerror(err));
	}
	*ret_fd = fd;
	return 0;
}

int open_take_directories(struct opening *o)
{
	struct stat runtime, state;
	int err = make_directory(o, o->runtime, &runtime);

	if (!err)
		err = lock_directory(o, o->runtime, &o->s->lock_fds[0]);
	if (err)
		return err;
	err = make_directory(o, o->state, &state);
	if (!err && runtime.st_dev == state.st_dev && runtime.st_ino == state.st_ino)
		return open_fail(
			o, -EINVAL,
			"state-directory and runtime-directory are the same, %s; the first is "
			"for a disk, the second for memory",
			o->runtime);
	if (!err)
		err = lock_directory(o, o->state, &o->s->lock_fds[1]);
	if (err == -EBUSY)
		return err;
	if (err) /* the daemon can live without it */
		open_note(o, "%.100s", o->err);
	return 0;
}

/* What root makes belongs to whom the directory belongs to. */
static void give_to_owner(const char *dir, const char *path)
{
	struct stat st;

	if (geteuid() != 0 || stat(dir, &st) < 0 || st.st_uid == 0)
		return;
	if (fchownat(AT_FDCWD, path, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return; /* told when it matters: when it cannot be written */
}

void open_give_files(const char *dir)
{
	static const char *const names[] = { STORE_FILE, STORE_FILE "-lock", "store.lock" };
	char path[PATH_ROOM];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		give_to_owner(dir, path);
	}
}

int open_set_aside(struct opening *o, const char *path, const char *why)
{
	char to[PATH_ROOM];
	int n = 1;

	do
		snprintf(to, sizeof(to), "%s.damaged-%d", path, n);
	while (access(to, F_OK) == 0 && ++n <= MOST_DAMAGED);
	if (n > MOST_DAMAGED ? unlink(path) : rename(path, to)) {
		open_note(o, "%.60s is damaged (%.60s) and cannot be set aside: %s", path, why,
			  strerror(errno));
		return -errno;
	}
	if (n > MOST_DAMAGED)
		open_note(o, "%.60s was damaged (%.60s) and was removed", path, why);
	else
		open_note(o, "%.60s was damaged (%.60s), now %s", path, why, strrchr(to, '/') + 1);
	return 0;
}

int open_reserve_lock_file(const struct opening *o)
{
	char path[PATH_ROOM];
	int fd, err;

	snprintf(path, sizeof(path), "%s/" STORE_FILE "-lock", o->runtime);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	err = posix_fallocate(fd, 0, LOCK_FILE_SIZE);
	close(fd);
	return -err;
}

void store_forget(const char *runtime, const char *state)
{
	static const char *const names[] = { STORE_FILE, STORE_FILE "-lock" };
	const char *const dirs[] = { runtime, state };
	char path[PATH_ROOM];

	for (size_t d = 0; d < 2; d++)
		for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
			int len = snprintf(path, sizeof(path), "%s/%s", dirs[d], names[n]);

			if (len > 0 && (size_t)len < sizeof(path))
				unlink(path);
		}
}
