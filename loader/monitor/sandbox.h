/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the worker gives up before it reads the first byte of a stranger: user, groups,
 * every capability, the right to get any back, and all system calls but those that it needs.
 */
#ifndef L2XDP_MONITOR_SANDBOX_H
#define L2XDP_MONITOR_SANDBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct sandbox {
	bool change_user; /* to uid and gid; else they stay */
	uid_t uid;
	gid_t gid;
	char user[64]; /* their name, for the log */
	bool debug; /* core dumps stay allowed; a forbidden system call fails with EPERM instead
		     * of being the end, and the kernel logs it */
	pid_t parent; /* whose death is ours; 0: nobody's */
};

/* Looks up whom to become: `user`, or with NULL the user l2xdp if there is one; who was not
 * started by root stays who it is. -ENOENT with err: there is no such user. */
int sandbox_user(const char *user, struct sandbox *ret, char *err, size_t errlen);

/* User, capabilities, core dumps, the right to get anything back: before the first octet is
 * read that a worker wrote (the store's), since an intruder may have been that worker. There
 * is no way back. On failure the process must end: it may have lost a part already. */
int sandbox_drop(const struct sandbox *s, char *err, size_t errlen);
/* System calls: before the first octet of a stranger. */
int sandbox_filter(const struct sandbox *s, char *err, size_t errlen);
/* Gives a directory, and the plain files in it, to whom the sandbox makes of us. */
int sandbox_own(const struct sandbox *s, const char *directory);

/* False in a sanitizer's build: its run-time needs system calls that the filter forbids, so
 * there is none; the rest is done all the same. */
bool sandbox_has_filter(void);

#endif
