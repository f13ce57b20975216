/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process that takes our program out of a shared hook. It is started before the daemon
 * gives up its privileges, because libxdp finds its neighbours by program ID, which needs
 * CAP_SYS_ADMIN. It waits on a pipe; the end of the daemon, in whatever way, is the order.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loader/datapath/private.h"

#define KEEP_PREFIX "anon_inode:bpf"

struct guard {
	pid_t pid;
	int pipe;
};

static bool is_bpf(int dir, const char *name)
{
	char target[64];
	ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);

	if (n < 0)
		return false;
	target[n] = '\0';
	return strncmp(target, KEEP_PREFIX, strlen(KEEP_PREFIX)) == 0;
}

/* Sockets and l2tp0 must end with the daemon, not with its guard. */
static void close_others(int keep1, int keep2)
{
	DIR *d = opendir("/proc/self/fd");
	struct dirent *e;

	if (!d)
		return;
	while ((e = readdir(d))) {
		int fd = atoi(e->d_name);

		if (fd <= STDERR_FILENO || fd == keep1 || fd == keep2 || fd == dirfd(d))
			continue;
		if (!is_bpf(dirfd(d), e->d_name))
			close(fd);
	}
	closedir(d);
}

static void wait_and_detach(int fd, int keep_fd, void (*detach)(void *arg), void *arg)
{
	char c;

	prctl(PR_SET_NAME, "l2xdpd-guard");
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	close_others(fd, keep_fd);
	while (read(fd, &c, 1) < 0 && errno == EINTR)
		;
	detach(arg);
	_exit(0);
}

int guard_start(struct guard **ret, int keep_fd, void (*detach)(void *arg), void *arg)
{
	struct guard *g = calloc(1, sizeof(*g));
	int fds[2], rc;

	if (!g)
		return -ENOMEM;
	if (pipe2(fds, O_CLOEXEC)) {
		rc = -errno;
		free(g);
		return rc;
	}
	g->pid = fork();
	if (g->pid == 0) {
		close(fds[1]);
		wait_and_detach(fds[0], keep_fd, detach, arg);
	}
	close(fds[0]);
	g->pipe = fds[1];
	if (g->pid < 0) {
		rc = -errno;
		close(g->pipe);
		free(g);
		return rc;
	}
	*ret = g;
	return 0;
}

void guard_finish(struct guard *g)
{
	if (!g)
		return;
	close(g->pipe);
	while (waitpid(g->pid, NULL, 0) < 0 && errno == EINTR)
		;
	free(g);
}
