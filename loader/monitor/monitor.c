/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two processes. The monitor has opened the data path and keeps every privilege; the worker,
 * forked from it, has none (sandbox.c) and does all the work: it reads what strangers send.
 *
 *   monitor.c   the life of the worker; signals; the end
 *   answer.c    what the worker may ask, as a table
 *   check.c     a new configuration is looked at, by a child
 *   ask.c       the worker's end of the socket
 *   marks.c     what a worker is at; records that end workers
 *   sandbox.c, filter.c   what the worker gives up
 *   notify.c    what systemd is told
 *
 *              SIGTERM  worker: commit, end           MONITOR_LEFT    dp_leave
 *              SIGINT   worker: StopCCN to all, end   MONITOR_CLOSED  dp_remove
 *   again:     SIGINT   worker: killed                the same
 *              SIGHUP   check.c, then as SIGTERM      MONITOR_RELOAD  execv of itself
 *
 * A worker that dies is replaced at once: the store holds all that it knew, and the hook
 * has not noticed. One that dies again and again is replaced ever more slowly, up to
 * RESTART_LONGEST, but always. One that dies of a record in the store, as the one before it
 * did, has a successor that does without this record (marks.c).
 */
#include "loader/monitor/monitor.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "loader/monitor/notify.h"
#include "loader/monitor/private.h"

#define WATCHES 8 /* looks in the time that a record may take */

static msec_t clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (msec_t)ts.tv_sec * 1000 + (msec_t)ts.tv_nsec / 1000000;
}

void monitor_signals(sigset_t *ret)
{
	sigemptyset(ret);
	sigaddset(ret, SIGTERM);
	sigaddset(ret, SIGINT);
	sigaddset(ret, SIGHUP);
	sigaddset(ret, SIGCHLD);
}

/* ---- the life of the worker ---------------------------------------------------------------- */

msec_t restarts_delay(struct restarts *r, msec_t now)
{
	const unsigned int cap = RESTARTS_MOST + 1;

	r->at[r->n++ % cap] = now;
	/* with this one, `cap` deaths: the oldest of them is the next to be overwritten */
	if (r->n < cap || now - r->at[r->n % cap] >= RESTARTS_SPAN)
		r->delay = 0;
	else if (!r->delay)
		r->delay = RESTART_FIRST;
	else
		r->delay = r->delay * 2 < RESTART_LONGEST ? r->delay * 2 : RESTART_LONGEST;
	return r->delay;
}

static void __attribute__((noreturn)) be_worker(struct monitor *m, int fd, pid_t monitor)
{
	/* the socket's other end too: else the monitor's death would not be its end */
	close(m->worker_fd);
	close(m->signal_fd);
	if (m->check.fd >= 0)
		close(m->check.fd);
	sigprocmask(SIG_SETMASK, &m->outside, NULL);
	exit(m->ops->worker(m->ctx, fd, monitor, m->marks));
}

static void try_later(struct monitor *m, const char *why)
{
	msec_t delay = restarts_delay(&m->restarts, m->now);

	m->restart_at = m->now + delay;
	if (delay)
		log_error(NULL, "%s; another one in %u.%02u s", why, (unsigned int)(delay / 1000),
			  (unsigned int)(delay % 1000 / 10));
	else
		log_error(NULL, "%s; another one starts", why);
}

static void start_worker(struct monitor *m)
{
	char why[96];
	pid_t self = getpid();
	int pair[2];

	m->ready = false;
	m->restart_at = TIMERS_NEVER;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		snprintf(why, sizeof(why), "no worker: %s", strerror(errno));
		try_later(m, why);
		return;
	}
	m->worker_fd = pair[0];
	m->started_at = m->now;
	marks_clear(m->marks);
	m->stuck = false;
	m->watch_at =
		m->ops->record_limit_ms ? m->now + m->ops->record_limit_ms / WATCHES : TIMERS_NEVER;
	m->worker = fork();
	if (m->worker == 0)
		be_worker(m, pair[1], self);
	close(pair[1]);
	if (m->worker > 0)
		return;
	snprintf(why, sizeof(why), "no worker: %s", strerror(errno));
	m->worker = 0;
	close(pair[0]);
	m->worker_fd = -1;
	try_later(m, why);
}

static void say_death(const struct monitor *m, int status, char *text, size_t len)
{
	unsigned int age = (unsigned int)((m->now - m->started_at) / 1000);

	if (WIFEXITED(status))
		snprintf(text, len, "the worker %s with status %d, %u s old",
			 m->ready ? "ended" : "could not start: it ended", WEXITSTATUS(status),
			 age);
	else if (WTERMSIG(status) == SIGSYS)
		snprintf(text, len,
			 "the worker made a system call that its sandbox forbids, %u s old (the "
			 "kernel's log has its number: dmesg | grep type=1326)",
			 age);
	else
		snprintf(text, len, "the worker was ended by signal %d (%s), %u s old",
			 WTERMSIG(status), strsignal(WTERMSIG(status)), age);
}

/* Of what it was doing; not because somebody ended it. A sanitizer ends it by a status. */
static bool died_of_itself(const struct monitor *m, int status)
{
	if (m->ready)
		return false;
	if (WIFEXITED(status))
		return WEXITSTATUS(status) != 0 && marks_at_record(m->marks);
	switch (WTERMSIG(status)) {
	case SIGKILL:
		return m->stuck;
	case SIGTERM:
	case SIGINT:
	case SIGHUP:
		return false;
	default:
		return true;
	}
}

static void worker_died(struct monitor *m, int status)
{
	char text[384];
	bool as_told = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	bool of_itself = died_of_itself(m, status);
	size_t len;

	close(m->worker_fd);
	m->worker_fd = -1;
	m->worker = 0;
	m->watch_at = TIMERS_NEVER;
	m->check.asked = false;
	say_death(m, status, text, sizeof(text));
	len = strlen(text);
	if (!m->ready)
		marks_say(m->marks, text + len, sizeof(text) - len);
	if (m->ending) {
		if (!as_told)
			log_warn(NULL, "%s", text);
		m->over = true;
	} else if (!m->was_ready && !m->ops->persistent && WIFEXITED(status) && !as_told &&
		   !of_itself) {
		m->end = MONITOR_FAILED;
		m->over = true;
	} else if (of_itself && marks_death(m->marks)) {
		/* the next start is another one, and there are few such: no reason to wait */
		log_error(NULL, "%s, as the one before it: the next one sets this aside", text);
		m->restart_at = m->now;
	} else {
		try_later(m, text);
	}
}

static void kill_worker(struct monitor *m, const char *why)
{
	log_error(NULL, "the worker %s: it is killed", why);
	kill(m->worker, SIGKILL);
}

void monitor_begin_end(struct monitor *m, enum monitor_end end)
{
	unsigned int limit =
		end == MONITOR_CLOSED ? m->ops->close_limit_ms : m->ops->leave_limit_ms;
	enum ask_order order = end == MONITOR_CLOSED ? ASK_CLOSE
			       : end == MONITOR_LEFT ? ASK_LEAVE
						     : ASK_HAND_OVER;

	check_cancel(m);
	if (end != MONITOR_RELOAD)
		notify("STOPPING=1");
	m->end = end;
	m->ending = true;
	m->restart_at = TIMERS_NEVER;
	m->kill_at = m->now + limit;
	if (!m->worker) {
		if (end == MONITOR_CLOSED)
			log_warn(NULL, "there is no worker: peers are not told of the end");
		m->over = true;
	} else if (!order_send(m, order)) {
		kill_worker(m, "does not take the order to end");
	}
}

/* ---- signals ----------------------------------------------------------------------------- */

static void on_terminate(struct monitor *m)
{
	if (m->ending && m->end != MONITOR_RELOAD)
		return;
	log_note(NULL, "SIGTERM: ending; what is pinned at the hook goes on");
	monitor_begin_end(m, MONITOR_LEFT);
}

static void on_interrupt(struct monitor *m)
{
	if (m->ending && m->end == MONITOR_CLOSED && m->worker) {
		kill_worker(m, "is not waited for any longer (SIGINT again)");
		return;
	}
	log_note(NULL, "SIGINT: closing everything; once more, and nobody is waited for");
	monitor_begin_end(m, MONITOR_CLOSED);
}

static void on_hangup(struct monitor *m)
{
	if (m->ending || m->check.pid) {
		log_note(NULL, "SIGHUP: another reload, or the end, is under way");
		return;
	}
	check_start(m, CHECK_SIGNAL);
}

static void reap(struct monitor *m)
{
	int status;

	if (m->check.pid && waitpid(m->check.pid, &status, WNOHANG) == m->check.pid)
		check_died(m, status);
	if (m->worker && waitpid(m->worker, &status, WNOHANG) == m->worker)
		worker_died(m, status);
}

static void take_signals(struct monitor *m)
{
	struct signalfd_siginfo s;

	while (!m->over && read(m->signal_fd, &s, sizeof(s)) == sizeof(s)) {
		switch (s.ssi_signo) {
		case SIGTERM:
			on_terminate(m);
			break;
		case SIGINT:
			on_interrupt(m);
			break;
		case SIGHUP:
			on_hangup(m);
			break;
		default:
			reap(m);
		}
	}
}

/* ---- the loop ------------------------------------------------------------------------------ */

static int patience(const struct monitor *m)
{
	msec_t next = m->restart_at;

	if (m->ending && m->kill_at < next)
		next = m->kill_at;
	if (m->watch_at < next)
		next = m->watch_at;
	if (m->check.pid && m->check.until < next)
		next = m->check.until;
	if (next == TIMERS_NEVER)
		return -1;
	return next > m->now ? (int)(next - m->now) : 0;
}

/* A worker that reads a record for ever is no better than one that dies of it. */
static void watch(struct monitor *m)
{
	m->watch_at = m->now + m->ops->record_limit_ms / WATCHES;
	if (m->stuck || !marks_stuck(m->marks, m->now, m->ops->record_limit_ms))
		return;
	m->stuck = true;
	kill_worker(m, "does not get on with its start");
}

static void take_deadlines(struct monitor *m)
{
	if (m->worker && m->watch_at <= m->now)
		watch(m);
	if (m->restart_at <= m->now)
		start_worker(m);
	if (m->check.pid && m->check.until <= m->now)
		check_late(m);
	if (m->ending && m->worker && m->kill_at <= m->now) {
		kill_worker(m, "does not end");
		m->kill_at = TIMERS_NEVER;
	}
}

static void turn(struct monitor *m)
{
	struct pollfd p[3] = { { .fd = m->signal_fd, .events = POLLIN },
			       { .fd = m->worker_fd, .events = POLLIN },
			       { .fd = m->check.pid ? m->check.fd : -1, .events = POLLIN } };
	int n = poll(p, 3, patience(m));

	m->now = clock_now();
	if (n > 0 && p[2].revents && m->check.fd == p[2].fd)
		check_read(m);
	if (n > 0 && p[1].revents && !answer_next(m)) {
		/* it has ended, which SIGCHLD tells; or it is no worker of ours, and ends now */
		kill(m->worker, SIGKILL);
		close(m->worker_fd);
		m->worker_fd = -1;
	}
	if (n > 0 && p[0].revents)
		take_signals(m);
	if (!m->over)
		take_deadlines(m);
}

enum monitor_end monitor_run(const struct monitor_ops *ops, void *ctx)
{
	struct monitor m = { .ops = ops,
			     .ctx = ctx,
			     .signal_fd = -1,
			     .worker_fd = -1,
			     .watch_at = TIMERS_NEVER,
			     .check.fd = -1,
			     .now = clock_now(),
			     .end = MONITOR_FAILED };
	sigset_t ours;

	monitor_signals(&ours);
	sigprocmask(SIG_BLOCK, &ours, NULL);
	sigemptyset(&m.outside);
	m.signal_fd = signalfd(-1, &ours, SFD_NONBLOCK | SFD_CLOEXEC);
	if (m.signal_fd < 0) {
		log_error(NULL, "signalfd: %s", strerror(errno));
		return MONITOR_FAILED;
	}
	m.marks = marks_new(&ops->marks);
	start_worker(&m);
	while (!m.over)
		turn(&m);
	check_cancel(&m);
	close(m.signal_fd);
	marks_free(m.marks);
	return m.end;
}
