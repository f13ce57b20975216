/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of the control socket: made, taken over from a dead daemon, removed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "loader/control/control.h"

#define BACKLOG 64

/* Removes a socket file that nobody listens at any more. */
static int clear_path(const struct sockaddr_un *sa, char *err, size_t errlen)
{
	struct stat st;
	int fd, r;

	if (lstat(sa->sun_path, &st)) {
		if (errno == ENOENT)
			return 0;
		r = -errno;
		snprintf(err, errlen, "control socket %s: %s; check control-socket", sa->sun_path,
			 strerror(-r));
		return r;
	}
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(err, errlen,
			 "control socket %s: a file of another kind is there; "
			 "remove it, or change control-socket",
			 sa->sun_path);
		return -EEXIST;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	r = connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) ? -errno : 0;
	close(fd);
	if (r == -ECONNREFUSED && !unlink(sa->sun_path))
		return 0;
	snprintf(err, errlen,
		 "control socket %s: another daemon answers there; stop it, or change "
		 "control-socket",
		 sa->sun_path);
	return -EADDRINUSE;
}

int control_listen(const char *path, struct control_file *ret, char *err, size_t errlen)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct stat st = { 0 };
	mode_t mask;
	int fd, r;

	if (errlen)
		err[0] = '\0';
	if (!*path || strlen(path) >= sizeof(sa.sun_path)) {
		snprintf(err, errlen, "control socket: the path has 1 to %zu octets; shorten it",
			 sizeof(sa.sun_path) - 1);
		return -EINVAL;
	}
	memcpy(sa.sun_path, path, strlen(path));
	r = clear_path(&sa, err, errlen);
	if (r)
		return r;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0) {
		r = -errno;
		snprintf(err, errlen, "control socket: %s", strerror(-r));
		return r;
	}
	/* nobody else may connect, from the first moment on */
	mask = umask(0177);
	r = bind(fd, (const struct sockaddr *)&sa, sizeof(sa)) ? -errno : 0;
	umask(mask);
	if (!r && (chmod(path, 0600) || lstat(path, &st) || listen(fd, BACKLOG)))
		r = -errno;
	if (r) {
		snprintf(err, errlen, "control socket %s: %s; check control-socket", path,
			 strerror(-r));
		close(fd);
		return r;
	}
	*ret = (struct control_file){ .fd = fd, .dev = st.st_dev, .ino = st.st_ino };
	memcpy(ret->path, path, strlen(path) + 1);
	return 0;
}

void control_unlisten(struct control_file *f)
{
	struct stat st;

	if (f->fd < 0)
		return;
	close(f->fd);
	f->fd = -1;
	if (!lstat(f->path, &st) && st.st_dev == f->dev && st.st_ino == f->ino)
		unlink(f->path);
}
