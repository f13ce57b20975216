/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor with workers that are made for the purpose: each case runs monitor_run in a
 * process of its own, sends it signals, and looks at how it ended, at what it wrote, and at
 * what its workers left in shared memory.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "loader/base/log.h"
#include "loader/monitor/monitor.h"
#include "loader/monitor/notify.h"
#include "loader/monitor/private.h"

#define PATIENCE_MS 10000

/* Seen by every process of a case. */
static struct shared {
	_Atomic unsigned int started, ready, asked;
	_Atomic pid_t worker;
	_Atomic int order, rc, leaving;
	char text[ASK_TEXT];
	char change[256]; /* what was asked for, and what became of it */
	struct dp_answer answer;
	struct dp_finding findings[DP_MAX_FINDINGS];
} * shared;

/* One case's. */
static struct world {
	struct monitor_ops ops;
	int (*life)(struct event_base *base, struct ask *ask);
	char *check[4];
	struct marks *marks; /* the worker's */
	struct ask *ask; /* the same */
	const char *objection; /* to a reload */
	bool disk_full; /* a change cannot be taken */
	char log[16384];
	int fd; /* of the log */
	pid_t pid;
} w;

/* ---- the worker of a case ------------------------------------------------------------------ */

static void on_order(void *arg, enum ask_order order)
{
	shared->order = (int)order;
	shared->leaving = ask_leaving(w.ask)[ASK_WIRES / 8 - 1];
	event_base_loopbreak(arg);
}

static int worker(void *ctx, int fd, pid_t monitor, struct marks *marks)
{
	struct event_base *base = event_base_new();
	struct ask *ask = NULL;
	int ret;

	(void)ctx;
	w.marks = marks;
	if (getppid() != monitor || ask_open(fd, base, on_order, base, &ask))
		return 90;
	w.ask = ask;
	shared->worker = getpid();
	shared->started++;
	ret = w.life(base, ask);
	ask_close(ask);
	event_base_free(base);
	return ret;
}

static int obeys(struct event_base *base, struct ask *ask)
{
	ask_ready(ask);
	shared->ready++;
	event_base_dispatch(base);
	return 0;
}

static void datapath(void *ctx, const struct dp_request *rq, struct dp_answer *ret)
{
	(void)ctx;
	shared->asked++;
	memset(ret, 0, sizeof(*ret));
	ret->rc = (int)rq->act;
	ret->verdicts[L2X_V_MAX - 1] = rq->index;
}

static int preflight(const char *device, struct dp_finding ret[DP_MAX_FINDINGS])
{
	snprintf(ret[0].what, sizeof(ret[0].what), "%s", device);
	return 1;
}

static bool may_reload(void *ctx, char *text, size_t len)
{
	(void)ctx;
	if (w.objection)
		snprintf(text, len, "%s\n", w.objection);
	return !w.objection;
}

static void leaving(void *ctx, uint8_t ret[ASK_WIRES / 8])
{
	(void)ctx;
	ret[ASK_WIRES / 8 - 1] = 0x80;
}

static int change(void *ctx, const char *name, const char *entry, char *text, size_t len)
{
	(void)ctx;
	snprintf(shared->change, sizeof(shared->change), "%s %s", name, entry ? entry : "ends");
	if (!strcmp(name, "known")) {
		snprintf(text, len, "known is there already\n");
		return -EEXIST;
	}
	return 0;
}

static bool changed(void *ctx, bool good, char *text, size_t len)
{
	(void)ctx;
	if (good && w.disk_full) {
		snprintf(text, len, "no space left\n");
		return false;
	}
	strcat(shared->change, good ? ": taken" : ": dropped");
	return true;
}

/* ---- the monitor of a case ----------------------------------------------------------------- */

static void pause_ms(long ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

static const char *log_text(void)
{
	ssize_t n = pread(w.fd, w.log, sizeof(w.log) - 1, 0);

	w.log[n > 0 ? n : 0] = '\0';
	return w.log;
}

static void start(int (*life)(struct event_base *base, struct ask *ask))
{
	memset(shared, 0, sizeof(*shared));
	w.life = life;
	w.ops.worker = worker;
	w.ops.datapath = datapath;
	w.ops.preflight = preflight;
	w.ops.may_reload = may_reload;
	w.ops.leaving = leaving;
	w.ops.change = change;
	w.ops.changed = changed;
	w.ops.check_change = "A_CHANGE";
	w.ops.check = w.check;
	if (!w.ops.check_limit_ms)
		w.ops.check_limit_ms = PATIENCE_MS;
	if (!w.ops.leave_limit_ms)
		w.ops.leave_limit_ms = w.ops.close_limit_ms = PATIENCE_MS;
	w.fd = memfd_create("log", MFD_CLOEXEC);
	assert_true(w.fd >= 0);
	w.pid = fork();
	if (w.pid == 0) {
		int end;

		dup2(w.fd, STDERR_FILENO);
		end = (int)monitor_run(&w.ops, NULL);
		exit(end);
	}
}

static void wait_until(bool (*is)(void), const char *what)
{
	for (int i = 0; i < PATIENCE_MS / 5; i++) {
		if (is())
			return;
		pause_ms(5);
	}
	kill(w.pid, SIGKILL);
	fail_msg("not: %s; the log:\n%s", what, log_text());
}

static bool is_ready(void)
{
	return shared->ready > 0;
}

static void start_ready(int (*life)(struct event_base *base, struct ask *ask))
{
	start(life);
	wait_until(is_ready, "a worker is ready");
}

static enum monitor_end end(void)
{
	int status;

	for (int i = 0; i < PATIENCE_MS / 5; i++) {
		if (waitpid(w.pid, &status, WNOHANG) == w.pid) {
			assert_true(WIFEXITED(status));
			return (enum monitor_end)WEXITSTATUS(status);
		}
		pause_ms(5);
	}
	kill(w.pid, SIGKILL);
	fail_msg("the monitor does not end; the log:\n%s", log_text());
	return MONITOR_FAILED;
}

static enum monitor_end end_by(int sig)
{
	kill(w.pid, sig);
	return end();
}

static const char *wanted;
static bool is_logged(void)
{
	return strstr(log_text(), wanted) != NULL;
}

static void wait_for_line(const char *text)
{
	wanted = text;
	wait_until(is_logged, text);
}

static void assert_not_logged(const char *text)
{
	if (strstr(log_text(), text))
		fail_msg("\"%s\" is in the log:\n%s", text, w.log);
}

static int setup(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(w.fd);
	return 0;
}

/* ---- ends ---------------------------------------------------------------------------------- */

static void sigterm_lets_the_worker_leave(void **state)
{
	(void)state;
	start_ready(obeys);
	assert_int_equal(end_by(SIGTERM), MONITOR_LEFT);
	assert_int_equal(shared->order, ASK_LEAVE);
	assert_int_equal(shared->started, 1);
}

static void sigint_lets_the_worker_close(void **state)
{
	(void)state;
	start_ready(obeys);
	assert_int_equal(end_by(SIGINT), MONITOR_CLOSED);
	assert_int_equal(shared->order, ASK_CLOSE);
}

static int stubborn(struct event_base *base, struct ask *ask)
{
	(void)base;
	ask_ready(ask);
	shared->ready++;
	while (true)
		pause();
	return 0;
}

static void a_second_sigint_does_not_wait(void **state)
{
	(void)state;
	start_ready(stubborn);
	kill(w.pid, SIGINT);
	wait_for_line("SIGINT: closing everything");
	assert_int_equal(end_by(SIGINT), MONITOR_CLOSED);
	wait_for_line("SIGINT again");
}

static void a_worker_that_does_not_end_is_killed(void **state)
{
	(void)state;
	w.ops.leave_limit_ms = 50;
	w.ops.close_limit_ms = PATIENCE_MS;
	start_ready(stubborn);
	assert_int_equal(end_by(SIGTERM), MONITOR_LEFT);
	wait_for_line("does not end: it is killed");
}

static int asks_for_shutdown(struct event_base *base, struct ask *ask)
{
	ask_ready(ask);
	ask_shutdown(ask);
	event_base_dispatch(base);
	return 0;
}

static void the_worker_may_ask_for_the_end(void **state)
{
	(void)state;
	start(asks_for_shutdown);
	assert_int_equal(end(), MONITOR_CLOSED);
	assert_int_equal(shared->order, ASK_CLOSE);
}

/* Holds the ends of the worker's socket as the worker does, and nothing else. */
static void the_monitor_s_death_is_the_worker_s(void **state)
{
	int alive[2];
	char c;

	(void)state;
	assert_int_equal(pipe(alive), 0);
	start_ready(obeys);
	close(alive[1]);
	kill(w.pid, SIGKILL);
	waitpid(w.pid, NULL, 0);
	assert_int_equal(read(alive[0], &c, 1), 0); /* no process has the other end */
	close(alive[0]);
	wait_for_line("the worker ends with it");
}

/* ---- deaths of workers ----------------------------------------------------------------------- */

static bool has_second(void)
{
	return shared->ready > 1;
}

static void a_worker_that_dies_is_replaced_at_once(void **state)
{
	pid_t first;

	(void)state;
	start_ready(obeys);
	first = shared->worker;
	kill(first, SIGABRT); /* the others are caught by the test library */
	wait_until(has_second, "a second worker");
	assert_int_not_equal(shared->worker, first);
	wait_for_line("ended by signal 6");
	wait_for_line("another one starts");
	assert_int_equal(end_by(SIGTERM), MONITOR_LEFT);
}

static int refuses(struct event_base *base, struct ask *ask)
{
	(void)base;
	(void)ask;
	log_error(NULL, "no such address");
	return 1;
}

static void the_first_worker_that_cannot_start_is_the_end(void **state)
{
	char *first;

	(void)state;
	start(refuses);
	assert_int_equal(end(), MONITOR_FAILED);
	assert_int_equal(shared->started, 1);
	first = strstr((char *)log_text(), "no such address");
	assert_non_null(first);
	assert_null(strstr(first + 1, "no such address"));
	assert_not_logged("could not start"); /* it has said so itself */
}

static bool has_seven(void)
{
	return shared->started >= 7;
}

/* Five at once, then 250 ms: with sessions at the hook nothing is given up. */
static void workers_that_cannot_start_are_tried_again_where_one_has_served(void **state)
{
	(void)state;
	w.ops.persistent = true;
	start(refuses);
	wait_until(has_seven, "seven workers");
	wait_for_line("could not start: it ended with status 1, 0 s old; another one starts");
	wait_for_line("another one in 0.25 s");
	wait_for_line("another one in 0.50 s");
	assert_int_equal(end_by(SIGTERM), MONITOR_LEFT);
}

static void workers_are_replaced_ever_more_slowly(void **state)
{
	static const msec_t wanted_delay[] = { 0,    0,    0,    0,    0,     250,  500,
					       1000, 2000, 4000, 8000, 10000, 10000 };
	struct restarts r = { 0 };
	msec_t now = 1000;

	(void)state;
	for (size_t i = 0; i < sizeof(wanted_delay) / sizeof(wanted_delay[0]); i++) {
		msec_t delay = restarts_delay(&r, now);

		assert_int_equal(delay, wanted_delay[i]);
		now += delay + 10;
	}
	/* one that lived long: as if nothing had been */
	assert_int_equal(restarts_delay(&r, now + RESTARTS_SPAN), 0);
}

static void five_deaths_in_a_minute_are_no_reason_to_wait(void **state)
{
	struct restarts r = { 0 };

	(void)state;
	for (unsigned int i = 0; i < 50; i++)
		assert_int_equal(restarts_delay(&r, i * 12001), 0);
}

enum { RECORD = 1, HOOK };
static const char *const mark_names[] = { "", "record", "the hook" };

static int dies_of_a_record(struct event_base *base, struct ask *ask)
{
	for (uint64_t key = 1; key < 10; key++) {
		if (marks_is_aside(w.marks, RECORD, key))
			continue;
		marks_step(w.marks, RECORD, key);
		if (key == 5 || key == 6)
			kill(getpid(), SIGABRT);
		marks_step(w.marks, 0, 0);
	}
	return obeys(base, ask);
}

static void use_marks(void)
{
	w.ops.marks = (struct marks_names){ mark_names, 3, HOOK };
}

static void a_record_that_ends_two_workers_is_kept_from_the_next(void **state)
{
	(void)state;
	use_marks();
	start_ready(dies_of_a_record);
	assert_int_equal(shared->started, 5); /* two for each record */
	wait_for_line("0 s old, at record 5; another one starts");
	wait_for_line("at record 5, as the one before it: the next one sets this aside");
	wait_for_line("at record 6, as the one before it: the next one sets this aside");
	/* once a worker is ready they are gone from the store, and this begins anew */
	kill(shared->worker, SIGABRT);
	wait_until(has_second, "another ready worker");
	assert_int_equal(shared->started, 10);
	assert_int_equal(end_by(SIGTERM), MONITOR_LEFT);
}

static int exits_at_a_record(struct event_base *base, struct ask *ask)
{
	if (!marks_is_aside(w.marks, RECORD, 5)) {
		marks_step(w.marks, RECORD, 5);
		return 1;
	}
	return obeys(base, ask);
}

/* As a sanitizer ends it. */
static void an_exit_at_a_record_is_no_reason_to_give_up(void **state)
{
	(void)state;
	use_marks();
	start_ready(exits_at_a_record);
	assert_int_equal(shared->started, 3);
	assert_int_equal(end_by(SIGTERM), MONITOR_LEFT);
}

static int is_killed_at_a_record(struct event_base *base, struct ask *ask)
{
	marks_step(w.marks, RECORD, 5);
	if (shared->started < 5)
		kill(getpid(), SIGKILL);
	shared->rc = marks_is_aside(w.marks, RECORD, 5);
	return obeys(base, ask);
}

static void who_is_killed_from_outside_does_not_accuse_a_record(void **state)
{
	(void)state;
	use_marks();
	start_ready(is_killed_at_a_record);
	assert_int_equal(shared->rc, 0);
	assert_int_equal(end_by(SIGTERM), MONITOR_LEFT);
}

static int hangs_at_a_record(struct event_base *base, struct ask *ask)
{
	if (!marks_is_aside(w.marks, RECORD, 5)) {
		marks_step(w.marks, RECORD, 5);
		while (true)
			pause();
	}
	marks_step(w.marks, HOOK, 0); /* what is no record may take its time */
	pause_ms(150);
	return obeys(base, ask);
}

static void a_record_that_a_worker_hangs_at_is_kept_from_the_next_but_one(void **state)
{
	(void)state;
	use_marks();
	w.ops.record_limit_ms = 80;
	start_ready(hangs_at_a_record);
	assert_int_equal(shared->started, 3);
	wait_for_line("the worker does not get on with its start: it is killed");
	wait_for_line("at record 5, as the one before it: the next one sets this aside");
	pause_ms(200); /* who is ready is not watched */
	assert_int_equal(shared->started, 3);
	assert_int_equal(end_by(SIGTERM), MONITOR_LEFT);
}

static int dies_at_the_hook(struct event_base *base, struct ask *ask)
{
	(void)base;
	(void)ask;
	marks_step(w.marks, HOOK, 0);
	kill(getpid(), SIGABRT);
	return 0;
}

static void a_death_that_no_record_is_blamed_for_is_told_and_slows_down(void **state)
{
	(void)state;
	use_marks();
	start(dies_at_the_hook);
	wait_until(has_seven, "seven workers");
	wait_for_line("0 s old, at the hook; another one starts");
	wait_for_line("at the hook; another one in 0.50 s");
	assert_not_logged("sets this aside");
	assert_int_equal(end_by(SIGTERM), MONITOR_LEFT);
}

/* ---- questions --------------------------------------------------------------------------------- */

static int asks(struct event_base *base, struct ask *ask)
{
	struct dp_request rq = { .act = DP_DO_HOST, .index = 0x12345 };

	ask_datapath(ask, &rq, &shared->answer);
	shared->rc = ask_preflight(ask, "eth0", shared->findings);
	return obeys(base, ask);
}

static void what_is_allowed_is_answered(void **state)
{
	(void)state;
	start_ready(asks);
	assert_int_equal(shared->answer.rc, DP_DO_HOST);
	assert_int_equal(shared->answer.verdicts[L2X_V_MAX - 1], 0x12345);
	assert_int_equal(shared->rc, 1);
	assert_string_equal(shared->findings[0].what, "eth0");
	assert_int_equal(end_by(SIGTERM), MONITOR_LEFT);
}

static int asks_for_paths(struct event_base *base, struct ask *ask)
{
	static const char *const names[] = { "", ".", "..", "../etc", "a b", "x\n", "a/b" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (ask_preflight(ask, names[i], shared->findings) != -ENODEV)
			return 91;
	return obeys(base, ask);
}

static void what_is_no_device_name_is_not_looked_at(void **state)
{
	(void)state;
	start_ready(asks_for_paths);
	assert_string_equal(shared->findings[0].what, "");
	assert_int_equal(end_by(SIGTERM), MONITOR_LEFT);
}

/* The socket of the worker; event loops aside. */
static int raw_fd(void)
{
	for (int fd = 3; fd < 256; fd++) {
		int type;
		socklen_t len = sizeof(type);

		if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0 && type == SOCK_SEQPACKET)
			return fd;
	}
	return -1;
}

static int intrudes(struct event_base *base, struct ask *ask)
{
	static const struct {
		uint32_t what;
		size_t len;
	} bad[] = {
		{ ASK_MAX, offsetof(struct ask_request, datapath) },
		{ 0xffffffff, sizeof(struct ask_request) },
		{ ASK_DATAPATH, offsetof(struct ask_request, datapath) },
		{ ASK_DATAPATH, sizeof(struct ask_request) + 1 },
		{ ASK_RELOAD, offsetof(struct ask_request, datapath) },
		{ ASK_PSEUDOWIRE, offsetof(struct ask_request, datapath) + 1 },
		{ ASK_SHUTDOWN, offsetof(struct ask_request, datapath) + 1 },
		{ ASK_READY, 1 },
	};
	uint8_t message[sizeof(struct ask_request) + 16] = { 0 };
	struct ask_answer a;
	int fd = raw_fd();

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memcpy(message, &bad[i].what, sizeof(bad[i].what));
		if (send(fd, message, bad[i].len, 0) < 0 || recv(fd, &a, sizeof(a), 0) < 0 ||
		    a.rc != -EPERM)
			return 92;
	}
	return obeys(base, ask);
}

static void what_is_not_in_the_table_is_refused_and_logged(void **state)
{
	(void)state;
	start_ready(intrudes);
	assert_int_equal(shared->asked, 0);
	wait_for_line("the worker asked for what is not allowed: request 6 ");
	wait_for_line("request 4294967295 ");
	assert_int_equal(end_by(SIGTERM), MONITOR_LEFT);
	assert_int_equal(shared->started, 1);
}

static int floods(struct event_base *base, struct ask *ask)
{
	struct ask_request rq = { .what = ASK_PREFLIGHT, .device = "eth0" };
	int fd = raw_fd();

	if (shared->started > 1)
		return obeys(base, ask);
	for (;;)
		send(fd, &rq, offsetof(struct ask_request, datapath) + IFNAMSIZ, 0);
}

/* It never takes an answer: the monitor does not wait for it. */
static void a_worker_that_only_asks_is_replaced(void **state)
{
	(void)state;
	start_ready(floods);
	wait_for_line("ended by signal 9");
	assert_int_equal(end_by(SIGTERM), MONITOR_LEFT);
}

/* ---- reload ------------------------------------------------------------------------------------- */

static void set_check(const char *script)
{
	w.check[0] = "/bin/sh";
	w.check[1] = "-c";
	w.check[2] = (char *)script;
}

static void a_good_configuration_is_taken(void **state)
{
	(void)state;
	set_check("echo 'all sessions go on'; exit 0");
	start_ready(obeys);
	assert_int_equal(end_by(SIGHUP), MONITOR_RELOAD);
	assert_int_equal(shared->order, ASK_HAND_OVER);
	assert_int_equal(shared->leaving, 0x80);
	wait_for_line("  all sessions go on");
}

static void a_wrong_configuration_changes_nothing(void **state)
{
	(void)state;
	set_check("echo '<4>warning: x' >&2; echo 'file:7: wrong' >&2; exit 3");
	start_ready(obeys);
	kill(w.pid, SIGHUP);
	wait_for_line("the configuration is wrong; nothing was changed");
	wait_for_line("  file:7: wrong");
	wait_for_line("  warning: x");
	assert_int_equal(end_by(SIGTERM), MONITOR_LEFT);
	assert_int_equal(shared->started, 1);
}

static void a_check_that_cannot_run_or_hangs_changes_nothing(void **state)
{
	(void)state;
	w.check[0] = "/no/such/program";
	start_ready(obeys);
	kill(w.pid, SIGHUP);
	wait_for_line("the check failed; nothing was changed");
	wait_for_line("/no/such/program: No such file");
	assert_int_equal(end_by(SIGTERM), MONITOR_LEFT);
	close(w.fd);
	set_check("echo waiting; exec sleep 60");
	w.ops.check_limit_ms = 50;
	start_ready(obeys);
	kill(w.pid, SIGHUP);
	wait_for_line("the check was ended by signal 9");
	wait_for_line("  waiting");
	assert_int_equal(end_by(SIGTERM), MONITOR_LEFT);
}

static bool force;
static int asks_for_reload(struct event_base *base, struct ask *ask)
{
	ask_ready(ask);
	shared->rc = ask_reload(ask, force, shared->text, sizeof(shared->text));
	shared->ready++;
	event_base_dispatch(base);
	return 0;
}

static void what_would_close_sessions_needs_force(void **state)
{
	(void)state;
	force = false;
	set_check("echo 'tunnel 7 would be closed'; exit 4");
	start_ready(asks_for_reload);
	assert_int_equal(shared->rc, -EBUSY);
	assert_string_equal(shared->text, "tunnel 7 would be closed\n");
	assert_int_equal(end_by(SIGTERM), MONITOR_LEFT);
	close(w.fd);
	force = true;
	start(asks_for_reload);
	assert_int_equal(end(), MONITOR_RELOAD);
	assert_int_equal(shared->rc, 0);
}

static void what_cannot_change_is_refused_even_with_force(void **state)
{
	(void)state;
	force = true;
	set_check("exit 0");
	w.objection = "bpf-directory has changed";
	start_ready(asks_for_reload);
	assert_int_equal(shared->rc, -EINVAL);
	assert_string_equal(shared->text, "bpf-directory has changed\n");
	assert_int_equal(end_by(SIGTERM), MONITOR_LEFT);
}

static const char *changes;
static int asks_for_change(struct event_base *base, struct ask *ask)
{
	ask_ready(ask);
	shared->rc = ask_pseudowire(ask, changes, "{...}", shared->text, sizeof(shared->text));
	shared->ready++;
	event_base_dispatch(base);
	return 0;
}

static void expect_change(const char *name, int rc, const char *says, const char *became)
{
	changes = name;
	start_ready(asks_for_change);
	assert_int_equal(shared->rc, rc);
	if (!strstr(shared->text, says))
		fail_msg("\"%s\" does not say \"%s\"", shared->text, says);
	assert_string_equal(shared->change, became);
	assert_int_equal(end_by(SIGTERM), MONITOR_LEFT);
	close(w.fd);
}

static int asks_for_removal(struct event_base *base, struct ask *ask)
{
	ask_ready(ask);
	shared->rc = ask_pseudowire(ask, "vm3", NULL, shared->text, sizeof(shared->text));
	shared->ready++;
	event_base_dispatch(base);
	return 0;
}

/* The check is told whose session may end. */
static void a_removal_names_what_ends(void **state)
{
	(void)state;
	set_check("test \"$A_CHANGE\" = -vm3 || exit 5; exit 0");
	start(asks_for_removal);
	assert_int_equal(end(), MONITOR_RELOAD);
	assert_int_equal(shared->rc, 0);
	close(w.fd);
}

/* The check is told that it is about a change, and only then what was written counts. */
static void a_change_is_checked_before_it_counts(void **state)
{
	(void)state;
	set_check("test \"$A_CHANGE\" = 1 || exit 5; exit 0");
	changes = "vm3";
	start(asks_for_change);
	assert_int_equal(end(), MONITOR_RELOAD);
	assert_int_equal(shared->rc, 0);
	assert_string_equal(shared->change, "vm3 {...}: taken");
	close(w.fd);
	set_check("test -z \"$A_CHANGE\" || exit 5; exit 0");
	start_ready(obeys);
	assert_int_equal(end_by(SIGHUP), MONITOR_RELOAD);
	assert_string_equal(shared->change, "");
}

static void a_change_that_is_refused_leaves_nothing(void **state)
{
	(void)state;
	set_check("echo 'file:7: wrong'; exit 3");
	expect_change("vm3", -EINVAL, "file:7: wrong\n", "vm3 {...}: dropped");
	set_check("echo 'session 7 would end'; exit 4");
	expect_change("vm3", -EBUSY, "session 7 would end", "vm3 {...}: dropped");
	set_check("exit 0");
	expect_change("known", -EEXIST, "known is there already\n", "known {...}");
	w.objection = "bpf-directory has changed";
	expect_change("vm3", -EINVAL, "bpf-directory has changed", "vm3 {...}: dropped");
	w.objection = NULL;
	w.disk_full = true;
	expect_change("vm3", -EINVAL, "no space left", "vm3 {...}: dropped");
	w.disk_full = false;
	w.check[0] = "/no/such/program";
	expect_change("vm3", -EINVAL, "No such file", "vm3 {...}: dropped");
	start_ready(obeys);
	assert_int_equal(end_by(SIGTERM), MONITOR_LEFT);
}

/* A name that has no end, as only an intruder sends it. */
static int asks_without_end(struct event_base *base, struct ask *ask)
{
	struct ask_request rq;
	struct ask_answer a;

	memset(&rq, 'x', sizeof(rq));
	rq.what = ASK_PSEUDOWIRE;
	ask_ready(ask);
	send(raw_fd(), &rq, offsetof(struct ask_request, datapath) + sizeof(rq.pseudowire), 0);
	recv(raw_fd(), &a, sizeof(a), 0);
	shared->rc = a.rc;
	shared->ready++;
	event_base_dispatch(base);
	return 0;
}

static void a_change_without_end_is_not_looked_at(void **state)
{
	(void)state;
	start_ready(asks_without_end);
	assert_int_equal(shared->rc, -EINVAL);
	assert_string_equal(shared->change, "");
	assert_int_equal(end_by(SIGTERM), MONITOR_LEFT);
}

/* More than fits is cut, and the rest does not stop the child. */
static void a_long_answer_is_cut(void **state)
{
	(void)state;
	force = false;
	set_check("i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i + 1)); done; exit 3");
	start_ready(asks_for_reload);
	assert_int_equal(shared->rc, -EINVAL);
	assert_int_equal(strlen(shared->text), ASK_TEXT - 1);
	assert_int_equal(end_by(SIGTERM), MONITOR_LEFT);
}

static int asks_meanwhile(struct event_base *base, struct ask *ask)
{
	struct dp_request rq = { .act = DP_DO_ROUTE };

	ask_ready(ask);
	shared->ready++;
	while (!strstr(log_text(), "reload: checking"))
		pause_ms(1);
	ask_datapath(ask, &rq, &shared->answer);
	event_base_dispatch(base);
	return 0;
}

static bool has_asked(void)
{
	return shared->asked > 0;
}

static void the_worker_is_served_while_the_check_runs(void **state)
{
	(void)state;
	set_check("exec sleep 60");
	start_ready(asks_meanwhile);
	kill(w.pid, SIGHUP);
	wait_until(has_asked, "an answer during the check");
	kill(w.pid, SIGHUP);
	wait_for_line("another reload, or the end, is under way");
	/* and the end does not wait for it either */
	assert_int_equal(end_by(SIGTERM), MONITOR_LEFT);
	wait_for_line("broken off");
	assert_int_equal(shared->order, ASK_LEAVE);
}

/* ---- the service manager --------------------------------------------------------------------------- */

static void the_service_manager_is_told(void **state)
{
	struct sockaddr_un {
		sa_family_t family;
		char path[108];
	} sa = { .family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), len;
	char text[256];

	(void)state;
	len = snprintf(sa.path + 1, sizeof(sa.path) - 1, "l2xdp-notify-%d", getpid());
	assert_int_equal(bind(fd, (struct sockaddr *)&sa,
			      (socklen_t)(sizeof(sa_family_t) + 1 + (size_t)len)),
			 0);
	sa.path[0] = '@';
	setenv("NOTIFY_SOCKET", sa.path, 1);
	set_check("[ -z \"$NOTIFY_SOCKET\" ] && exit 3; exit 0");
	start_ready(obeys);
	assert_int_equal(recv(fd, text, sizeof(text), 0), 7);
	assert_memory_equal(text, "READY=1", 7);
	kill(w.pid, SIGHUP);
	text[recv(fd, text, sizeof(text) - 1, 0)] = '\0';
	assert_memory_equal(text, "RELOADING=1\nMONOTONIC_USEC=", 27);
	assert_int_equal(recv(fd, text, sizeof(text), 0), 7); /* refused: ready as before */
	assert_int_equal(end_by(SIGTERM), MONITOR_LEFT);
	text[recv(fd, text, sizeof(text) - 1, 0)] = '\0';
	assert_string_equal(text, "STOPPING=1");
	unsetenv("NOTIFY_SOCKET");
	close(fd);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(sigterm_lets_the_worker_leave),
		CASE(sigint_lets_the_worker_close),
		CASE(a_second_sigint_does_not_wait),
		CASE(a_worker_that_does_not_end_is_killed),
		CASE(the_worker_may_ask_for_the_end),
		CASE(the_monitor_s_death_is_the_worker_s),
		CASE(a_worker_that_dies_is_replaced_at_once),
		CASE(the_first_worker_that_cannot_start_is_the_end),
		CASE(workers_that_cannot_start_are_tried_again_where_one_has_served),
		CASE(workers_are_replaced_ever_more_slowly),
		CASE(a_record_that_ends_two_workers_is_kept_from_the_next),
		CASE(an_exit_at_a_record_is_no_reason_to_give_up),
		CASE(who_is_killed_from_outside_does_not_accuse_a_record),
		CASE(a_record_that_a_worker_hangs_at_is_kept_from_the_next_but_one),
		CASE(a_death_that_no_record_is_blamed_for_is_told_and_slows_down),
		CASE(five_deaths_in_a_minute_are_no_reason_to_wait),
		CASE(what_is_allowed_is_answered),
		CASE(what_is_no_device_name_is_not_looked_at),
		CASE(what_is_not_in_the_table_is_refused_and_logged),
		CASE(a_worker_that_only_asks_is_replaced),
		CASE(a_good_configuration_is_taken),
		CASE(a_wrong_configuration_changes_nothing),
		CASE(a_check_that_cannot_run_or_hangs_changes_nothing),
		CASE(what_would_close_sessions_needs_force),
		CASE(what_cannot_change_is_refused_even_with_force),
		CASE(a_change_is_checked_before_it_counts),
		CASE(a_removal_names_what_ends),
		CASE(a_change_that_is_refused_leaves_nothing),
		CASE(a_change_without_end_is_not_looked_at),
		CASE(a_long_answer_is_cut),
		CASE(the_worker_is_served_while_the_check_runs),
		CASE(the_service_manager_is_told),
	};

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
