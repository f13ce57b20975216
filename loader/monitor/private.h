/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this room share. */
#ifndef L2XDP_MONITOR_PRIVATE_H
#define L2XDP_MONITOR_PRIVATE_H

#include "loader/base/log.h"
#include "loader/base/timers.h"
#include "loader/monitor/monitor.h"

#define RESTARTS_MOST 5 /* deaths of workers in RESTARTS_SPAN; more, and it waits */
#define RESTARTS_SPAN 60000
#define RESTART_FIRST 250 /* ms to wait, doubled up to ... */
#define RESTART_LONGEST 10000

/* The last deaths of workers. */
struct restarts {
	msec_t at[RESTARTS_MOST + 1];
	unsigned int n; /* all there were */
	msec_t delay;
};
/* Another one: how long to wait before the next worker. */
msec_t restarts_delay(struct restarts *r, msec_t now);

/* A new configuration that is being looked at. */
struct check {
	pid_t pid; /* 0: there is none */
	int fd; /* its output, -1: all of it has come */
	bool force, asked; /* asked: the worker waits for the answer */
	bool change; /* with a change that takes place when all is well: */
	char what[1 + PW_NAME_LEN]; /* "1", or "-" and the name of a pseudowire that is removed */
	msec_t until;
	size_t len;
	char text[ASK_TEXT];
};

struct monitor {
	const struct monitor_ops *ops;
	void *ctx;
	sigset_t outside; /* the signal mask of children: nothing is blocked */
	int signal_fd;
	msec_t now;

	pid_t worker; /* 0: there is none */
	int worker_fd;
	msec_t started_at;
	bool ready, was_ready; /* this worker, any worker */
	msec_t restart_at; /* when there is none; TIMERS_NEVER: not at all */
	struct restarts restarts;
	struct marks *marks; /* NULL: no memory for them */
	msec_t watch_at; /* does it get on, until it is ready? TIMERS_NEVER: it is */
	bool stuck; /* it did not, and we killed it */
	struct log_limit refused;

	struct check check;

	bool ending; /* the worker has its order */
	enum monitor_end end;
	msec_t kill_at; /* when it has not followed it */
	bool over;
};

/* monitor.c */
void monitor_begin_end(struct monitor *m, enum monitor_end end);
/* answer.c: one message of the worker. False: it is gone, or does what no worker does. */
bool answer_next(struct monitor *m);
void answer_reload(struct monitor *m, int rc, const char *text);
bool order_send(struct monitor *m, enum ask_order order);
/* check.c */
enum check_kind {
	CHECK_SIGNAL, /* SIGHUP */
	CHECK_ASKED, /* by the worker */
	CHECK_FORCED, /* the same, and sessions may be closed */
	CHECK_CHANGE, /* asked for, with what ops.change has written */
};
void check_start(struct monitor *m, enum check_kind kind);
void check_read(struct monitor *m); /* its output is readable */
void check_died(struct monitor *m, int status);
void check_late(struct monitor *m);
void check_cancel(struct monitor *m); /* no answer is of use any more */

#endif
