/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order matters: capabilities are needed to give capabilities up, the death signal is
 * forgotten by the kernel when credentials change, and the filter is last because it
 * forbids all that comes before.
 */
#include "loader/monitor/sandbox.h"

#include <cap-ng.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "loader/base/log.h"
#include "loader/monitor/filter.h"

#define DEFAULT_USER "l2xdp"

static int fail(int rc, char *err, size_t errlen, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int fail(int rc, char *err, size_t errlen, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(err, errlen, fmt, ap);
	va_end(ap);
	return rc;
}

int sandbox_user(const char *user, struct sandbox *ret, char *err, size_t errlen)
{
	struct passwd *pw;

	if (geteuid() != 0) {
		log_note(NULL, "not started by root: the worker stays user %u", (unsigned)getuid());
		return 0;
	}
	errno = 0;
	pw = getpwnam(user ? user : DEFAULT_USER);
	if (!pw && user)
		return fail(-ENOENT, err, errlen,
			    "user %s: %s\n  make it:  useradd --system --no-create-home --shell "
			    "/usr/sbin/nologin %s\n  or change `user`",
			    user, errno ? strerror(errno) : "there is no such user", user);
	if (!pw) {
		log_note(NULL,
			 "there is no user " DEFAULT_USER ": the worker stays user %u, "
			 "without capabilities",
			 (unsigned)getuid());
		return 0;
	}
	ret->change_user = true;
	ret->uid = pw->pw_uid;
	ret->gid = pw->pw_gid;
	snprintf(ret->user, sizeof(ret->user), "%s", pw->pw_name);
	return 0;
}

/* What nobody who comes after could get back by executing a file. Without CAP_SETPCAP (a
 * container) they stay there, and no_new_privs makes them worthless. */
static int drop_bounding(void)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0)
			continue;
		if (errno != EPERM)
			return -errno;
		log_note(NULL, "without CAP_SETPCAP the bounding set stays as it is");
		return 0;
	}
	return 0;
}

static int change_user(const struct sandbox *s)
{
	if (!s->change_user)
		return 0;
	if (setgroups(0, NULL) || setresgid(s->gid, s->gid, s->gid) ||
	    setresuid(s->uid, s->uid, s->uid))
		return -errno;
	return 0;
}

static int drop_capabilities(void)
{
	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
	capng_clear(CAPNG_SELECT_CAPS);
	return capng_apply(CAPNG_SELECT_CAPS) ? -EPERM : 0;
}

static int drop_traces(const struct sandbox *s)
{
	struct rlimit none = { 0, 0 };

	umask(077);
	if (s->debug)
		return 0;
	if (setrlimit(RLIMIT_CORE, &none))
		return -errno;
	/* the leak checker of a sanitizer traces its own process */
	if (sandbox_has_filter() && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return -errno;
	return 0;
}

static int die_with(pid_t parent)
{
	if (!parent)
		return 0;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0))
		return -errno;
	return getppid() == parent ? 0 : -ESRCH; /* it died before */
}

/* Nothing is followed, and nothing is taken that has another name elsewhere: whoever had
 * the directory before may have put it there. */
static void own_files(const struct sandbox *s, int dir)
{
	int copy = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = copy < 0 ? NULL : fdopendir(copy);
	struct dirent *e;
	struct stat st;

	while (list && (e = readdir(list))) {
		int fd = openat(dir, e->d_name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

		if (fd < 0)
			continue;
		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
		    fchown(fd, s->uid, s->gid))
			log_debug(NULL, "%s: %s", e->d_name, strerror(errno));
		close(fd);
	}
	if (list)
		closedir(list);
	else if (copy >= 0)
		close(copy);
}

int sandbox_own(const struct sandbox *s, const char *directory)
{
	int dir, rc = 0;

	if (!s->change_user)
		return 0;
	dir = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	if (fchown(dir, s->uid, s->gid))
		rc = -errno;
	else
		own_files(s, dir);
	close(dir);
	return rc;
}

int sandbox_drop(const struct sandbox *s, char *err, size_t errlen)
{
	int rc;

	tzset(); /* reads a file, once */
	rc = drop_bounding();
	if (rc)
		return fail(rc, err, errlen, "capability bounding set: %s", strerror(-rc));
	rc = change_user(s);
	if (rc)
		return fail(rc, err, errlen, "becoming user %s: %s", s->user, strerror(-rc));
	rc = drop_capabilities();
	if (rc)
		return fail(rc, err, errlen, "giving up capabilities: %s", strerror(-rc));
	rc = drop_traces(s);
	if (rc)
		return fail(rc, err, errlen, "core dumps: %s", strerror(-rc));
	rc = die_with(s->parent);
	if (rc)
		return fail(rc, err, errlen, "the monitor is gone");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return fail(-errno, err, errlen, "no_new_privs: %s", strerror(errno));
	return 0;
}

int sandbox_filter(const struct sandbox *s, char *err, size_t errlen)
{
	int rc;

	if (!sandbox_has_filter()) {
		log_note(NULL, "built with a sanitizer: no filter of system calls");
		return 0;
	}
	rc = filter_load(s->debug);
	if (rc)
		return fail(rc, err, errlen,
			    "filter of system calls: %s; the kernel needs CONFIG_SECCOMP_FILTER",
			    strerror(-rc));
	return 0;
}

bool sandbox_has_filter(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return false;
#else
	return true;
#endif
}
