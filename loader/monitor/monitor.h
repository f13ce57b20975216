/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The privileged process: keeps a worker alive, answers what the worker may ask, takes
 * signals, and has a new configuration checked. It never reads a byte from the network.
 */
#ifndef L2XDP_MONITOR_MONITOR_H
#define L2XDP_MONITOR_MONITOR_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "loader/monitor/ask.h"
#include "loader/monitor/marks.h"

struct monitor_ops {
	/* In the forked process: is the worker, `fd` its end of the socket (ask_open), `monitor`
	 * whose child it is, `marks` to say what it is at (NULL: it need not). Returns its exit
	 * status; other than 0 before ask_ready: it cannot start, and has said why. */
	int (*worker)(void *ctx, int fd, pid_t monitor, struct marks *marks);
	struct marks_names marks;
	/* dp_do, dp_preflight. */
	void (*datapath)(void *ctx, const struct dp_request *rq, struct dp_answer *ret);
	int (*preflight)(const char *device, struct dp_finding ret[DP_MAX_FINDINGS]);
	/* The worker asks for a pseudowire, or with `entry` NULL for its end: writes what the check
	 * is to look at. Every word is the worker's. 0, or a negative errno with a line in
	 * `text`. */
	int (*change)(void *ctx, const char *name, const char *entry, char *text, size_t len);
	/* The check is over: what was written takes its place, or goes away. False, with a line in
	 * `text`: it cannot. */
	bool (*changed)(void *ctx, bool good, char *text, size_t len);
	/* The check said yes: is there something against a reload that only who runs knows?
	 * Then a line in `text`. */
	bool (*may_reload)(void *ctx, char *text, size_t len);
	/* Of the configuration that may_reload was about: a bit for each control connection (config.wires)
	 * that does not go on with it. The worker tells their peers. NULL: there are none. */
	void (*leaving)(void *ctx, uint8_t ret[ASK_WIRES / 8]);
	/* Program and arguments of the check, NULL at the end. Its exit status: 0 good,
	 * 3 wrong, 4 sessions would be closed. */
	char *const *check;
	const char *check_change; /* set in its environment when it is about a change: to "1", or to
				   * "-NAME" when that pseudowire is removed */
	unsigned int check_limit_ms; /* then it is killed, and nothing changes */
	unsigned int leave_limit_ms, close_limit_ms; /* for the worker to end */
	unsigned int record_limit_ms; /* for a worker at one record; then it is killed. 0: none */
	/* A worker that cannot start is tried again for ever, also the first one: there are
	 * sessions that an earlier one has served. */
	bool persistent;
};

enum monitor_end {
	MONITOR_FAILED, /* the first worker could not start; it has said why */
	MONITOR_LEFT, /* SIGTERM: the worker has ended, what it served goes on */
	MONITOR_CLOSED, /* SIGINT, shutdown: it has closed all */
	MONITOR_RELOAD, /* the new configuration is good, the worker has ended */
};

/* The signals that monitor_run takes; block them before anything is opened. */
void monitor_signals(sigset_t *ret);
enum monitor_end monitor_run(const struct monitor_ops *ops, void *ctx);

#endif
