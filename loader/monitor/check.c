/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A reload is a restart whose configuration has been looked at before: by the program that
 * stands in the file system now, which may be a newer one. It runs as a child; nothing
 * waits for it, and nothing changes before it has said yes.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "loader/monitor/notify.h"
#include "loader/monitor/private.h"

enum { CHECK_GOOD = 0, CHECK_WRONG = 3, CHECK_SESSIONS = 4, CHECK_NO_PROGRAM = 127 };

static void __attribute__((noreturn)) become(const struct monitor *m, int out)
{
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	sigprocmask(SIG_SETMASK, &m->outside, NULL);
	signal(SIGPIPE, SIG_DFL);
	unsetenv("NOTIFY_SOCKET");
	if (m->check.change)
		setenv(m->ops->check_change, m->check.what, 1);
	setenv("JOURNAL_STREAM", "-", 1); /* no times before its lines */
	execv(m->ops->check[0], m->ops->check);
	dprintf(STDERR_FILENO, "%s: %s\n", m->ops->check[0], strerror(errno));
	_exit(CHECK_NO_PROGRAM);
}

/* Each line by itself into the log, without what it brought for the journal. */
static void log_lines(enum log_level level, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n");

		if (len)
			log_msg(level, NULL, "  %.*s", (int)len, text);
		text += len + (text[len] == '\n');
	}
}

/* "<4>warning: ..." becomes "warning: ...". */
static void strip_priorities(char *text)
{
	char *to = text;
	bool first = true;

	for (const char *p = text; *p; p++) {
		if (first && p[0] == '<' && p[1] >= '0' && p[1] <= '7' && p[2] == '>') {
			p += 2;
			first = false;
			continue;
		}
		first = *p == '\n';
		*to++ = *p;
	}
	*to = '\0';
}

/* Nothing of it is left. */
static void drop_change(struct monitor *m)
{
	char text[256];

	if (m->check.change)
		m->ops->changed(m->ctx, false, text, sizeof(text));
	m->check.change = false;
}

static void finish(struct monitor *m, int rc, const char *what)
{
	struct check *c = &m->check;

	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->pid = 0;
	drop_change(m);
	log_msg(rc ? LOG_WARN : LOG_NOTE, NULL, "reload: %s", what);
	log_lines(rc ? LOG_WARN : LOG_NOTE, c->text);
	if (c->asked)
		answer_reload(m, rc, c->text);
	c->asked = false;
	if (rc)
		notify("READY=1");
	else
		monitor_begin_end(m, MONITOR_RELOAD);
}

static void say(struct check *c, const char *line)
{
	size_t len = strlen(line);

	if (len > sizeof(c->text) - 1 - c->len)
		len = sizeof(c->text) - 1 - c->len;
	memcpy(c->text + c->len, line, len);
	c->len += len;
	c->text[c->len] = '\0';
}

void check_start(struct monitor *m, enum check_kind kind)
{
	struct check *c = &m->check;
	int out[2];

	c->len = 0;
	c->text[0] = '\0';
	c->force = kind == CHECK_FORCED;
	c->asked = kind != CHECK_SIGNAL;
	c->change = kind == CHECK_CHANGE;
	c->fd = -1;
	c->until = m->now + m->ops->check_limit_ms;
	log_note(NULL, "reload: checking with %s%s", m->ops->check[0],
		 c->force    ? ", by force"
		 : c->change ? ", a change of pseudowires"
			     : "");
	notify_reloading();
	if (pipe2(out, O_CLOEXEC) == 0) {
		c->pid = fork();
		if (c->pid == 0)
			become(m, out[1]);
		close(out[1]);
		c->fd = out[0];
		fcntl(c->fd, F_SETFL, O_NONBLOCK);
	}
	if (c->pid <= 0) {
		say(c, strerror(errno));
		finish(m, -EINVAL, "no process for the check; nothing was changed");
	}
}

void check_read(struct monitor *m)
{
	struct check *c = &m->check;
	char buf[1024];
	ssize_t n;

	while ((n = read(c->fd, buf, sizeof(buf) - 1)) > 0) {
		buf[n] = '\0';
		say(c, buf); /* what is beyond its room is left out */
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	close(c->fd);
	c->fd = -1;
}

/* All is well: it counts from here on. */
static bool take_change(struct monitor *m, char *text, size_t len)
{
	bool taken = !m->check.change || m->ops->changed(m->ctx, true, text, len);

	m->check.change = m->check.change && !taken;
	return taken;
}

static void judge(struct monitor *m, int status)
{
	struct check *c = &m->check;
	char text[512] = "";

	switch (status) {
	case CHECK_SESSIONS:
		if (!c->force && c->change) {
			finish(m, -EBUSY,
			       "with the configuration as it is now it would close sessions; "
			       "nothing "
			       "was changed. l2xdpctl reload tells more");
			return;
		}
		if (!c->force) {
			finish(m, -EBUSY,
			       "it would close sessions; nothing was changed. To do it all the "
			       "same: l2xdpctl reload --force");
			return;
		}
		/* fall through */
	case CHECK_GOOD:
		if (m->ops->may_reload(m->ctx, text, sizeof(text)) &&
		    take_change(m, text, sizeof(text))) {
			finish(m, 0, "the configuration is taken");
			return;
		}
		say(c, text);
		finish(m, -EINVAL, "not without a stop; nothing was changed");
		return;
	case CHECK_WRONG:
		finish(m, -EINVAL, "the configuration is wrong; nothing was changed");
		return;
	default:
		finish(m, -EINVAL, "the check failed; nothing was changed");
	}
}

void check_died(struct monitor *m, int status)
{
	struct check *c = &m->check;
	char text[96];

	if (c->fd >= 0)
		check_read(m);
	strip_priorities(c->text);
	c->len = strlen(c->text);
	if (WIFEXITED(status)) {
		judge(m, WEXITSTATUS(status));
		return;
	}
	snprintf(text, sizeof(text), "the check was ended by signal %d (%s); nothing was changed",
		 WTERMSIG(status), strsignal(WTERMSIG(status)));
	finish(m, -EINVAL, text);
}

void check_late(struct monitor *m)
{
	struct check *c = &m->check;

	log_warn(NULL, "reload: the check takes more than %u s", m->ops->check_limit_ms / 1000);
	kill(c->pid, SIGKILL);
	c->until = TIMERS_NEVER;
}

void check_cancel(struct monitor *m)
{
	struct check *c = &m->check;

	if (!c->pid)
		return;
	kill(c->pid, SIGKILL);
	while (waitpid(c->pid, NULL, 0) < 0 && errno == EINTR)
		;
	finish(m, -EINVAL, "broken off: the daemon ends");
}
