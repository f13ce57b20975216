/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What l2xdpd does, as its command line says; the worker's part of it. */
#ifndef L2XDP_DAEMON_H
#define L2XDP_DAEMON_H

#include <stdbool.h>
#include <sys/types.h>

#include "loader/aaa/aaa.h"
#include "loader/control/config.h"
#include "loader/control/control.h"
#include "loader/datapath/datapath.h"
#include "loader/monitor/ask.h"
#include "loader/monitor/marks.h"
#include "loader/monitor/sandbox.h"

#define DAEMON_ERRLEN 8192
#define DAEMON_CHANGED                                                                             \
	"L2XDPD_CHANGED" /* in the environment of --check: the daemon asks; or -NAME */
#define DAEMON_UNPINNED                                                                            \
	"L2XDPD_UNPINNED" /* the same: what that daemon has at the hooks ends with it */

/* Exit codes, documented in l2xdpd(8). */
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_CONFIG = 3, EXIT_SESSIONS = 4 };

struct options {
	const char *config;
	bool check, preflight, remove, debug;
	bool changed; /* check: with what l2xdpctl has asked for (config_load_changed) */
};

/* What the monitor has opened, and every worker finds. */
struct daemon {
	const struct options *options;
	struct config *cfg;
	struct users *users; /* NULL: none */
	struct ipaddr *statics; /* its addresses */
	struct datapath *dp;
	struct control_file control;
	struct sandbox sandbox;
	int lock_fd;
	uint8_t leaving[ASK_WIRES / 8]; /* wires that the next configuration has not */
	bool changing; /* pseudowires: l2xdpctl waits for the check */
};

/* main.c's ways to end; each returns an exit code. argv: to execute itself again. */
int daemon_run(const struct options *o, char **argv);
int daemon_check(const struct options *o);
int daemon_remove(const struct options *o);
int daemon_preflight(char **devices, int n);

/* Both files as the command line names them, said on standard error when wrong. */
int daemon_load(const struct options *o, struct config **ret_cfg, struct users **ret_users);
/* One daemon for a runtime directory. A file descriptor; or -EBUSY and the like with err. */
int daemon_lock(const struct config *cfg, char *err, size_t errlen);

/* In the forked process, with all privileges still there. Returns its exit code. */
int worker_run(const struct daemon *d, int fd, pid_t monitor, struct marks *marks);

#endif
