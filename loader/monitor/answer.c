/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the worker may ask, all of it. A message is taken for what a stranger could have
 * made the worker send: its size must be that of its kind, its kind must be in the table,
 * and each kind looks at its arguments itself.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "loader/monitor/notify.h"
#include "loader/monitor/private.h"

#define HEAD offsetof(struct ask_request, datapath)
#define ANSWER_HEAD offsetof(struct ask_answer, datapath)
#define AT_A_TIME 64 /* then signals are looked at again */

/* Fills the answer; false: it comes later. */
typedef bool answer_fn(struct monitor *m, const struct ask_request *rq, struct ask_answer *ret);

static bool answer_ready(struct monitor *m, const struct ask_request *rq, struct ask_answer *ret)
{
	(void)rq;
	(void)ret;
	m->ready = m->was_ready = true;
	marks_forget(m->marks);
	m->watch_at = TIMERS_NEVER;
	notify("READY=1");
	return true;
}

/* dp_do has an allow-list for each act (loader/datapath/privilege.c). */
static bool answer_datapath(struct monitor *m, const struct ask_request *rq, struct ask_answer *ret)
{
	m->ops->datapath(m->ctx, &rq->datapath, &ret->datapath);
	return true;
}

/* A name of a device and nothing that could lead elsewhere: it becomes a part of paths. */
static bool is_device_name(const char name[IFNAMSIZ])
{
	size_t len = strnlen(name, IFNAMSIZ);

	if (!len || len == IFNAMSIZ || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (size_t i = 0; i < len; i++)
		if (name[i] <= ' ' || name[i] == '/' || name[i] > '~')
			return false;
	return true;
}

static bool answer_preflight(struct monitor *m, const struct ask_request *rq,
			     struct ask_answer *ret)
{
	ret->rc =
		is_device_name(rq->device) ? m->ops->preflight(rq->device, ret->findings) : -ENODEV;
	return true;
}

static bool answer_reload_later(struct monitor *m, const struct ask_request *rq,
				struct ask_answer *ret)
{
	if (m->check.pid || m->ending) {
		ret->rc = -EINVAL;
		strcpy(ret->text, "another reload, or the end, is under way\n");
		return true;
	}
	check_start(m, rq->force == 1 ? CHECK_FORCED : CHECK_ASKED);
	return false;
}

/* What it holds is looked at where it is written (loader/control/managed.h), and by the check. */
static bool answer_pseudowire_later(struct monitor *m, const struct ask_request *rq,
				    struct ask_answer *ret)
{
	const struct ask_pseudowire *p = &rq->pseudowire;

	if (m->check.pid || m->ending) {
		ret->rc = -EINVAL;
		strcpy(ret->text,
		       "a reload, another change, or the end, is under way; try again\n");
		return true;
	}
	ret->rc = -EINVAL;
	if (!memchr(p->name, '\0', sizeof(p->name)) || !memchr(p->entry, '\0', sizeof(p->entry)) ||
	    !m->ops->change)
		return true;
	ret->rc = m->ops->change(m->ctx, p->name, p->entry[0] ? p->entry : NULL, ret->text,
				 sizeof(ret->text));
	if (ret->rc)
		return true;
	snprintf(m->check.what, sizeof(m->check.what), "%s", "1");
	if (!p->entry[0])
		snprintf(m->check.what, sizeof(m->check.what), "-%s", p->name);
	check_start(m, CHECK_CHANGE);
	return false;
}

static bool answer_shutdown(struct monitor *m, const struct ask_request *rq, struct ask_answer *ret)
{
	(void)rq;
	(void)ret;
	log_note(NULL, "shutdown: asked for by l2xdpctl");
	monitor_begin_end(m, MONITOR_CLOSED);
	return true;
}

static const struct kind {
	const char *name;
	size_t in, out; /* octets beside the heads */
	answer_fn *fn;
} kinds[ASK_MAX] = {
	[ASK_READY] = { "ready", 0, 0, answer_ready },
	[ASK_DATAPATH] = { "datapath", sizeof(struct dp_request), sizeof(struct dp_answer),
			   answer_datapath },
	[ASK_PREFLIGHT] = { "preflight", IFNAMSIZ, sizeof(struct dp_finding[DP_MAX_FINDINGS]),
			    answer_preflight },
	[ASK_RELOAD] = { "reload", 1, ASK_TEXT, answer_reload_later },
	[ASK_PSEUDOWIRE] = { "pseudowire", sizeof(struct ask_pseudowire), ASK_TEXT,
			     answer_pseudowire_later },
	[ASK_SHUTDOWN] = { "shutdown", 0, 0, answer_shutdown },
};

/* Whoever asks waits for the answer: a full socket is not a worker of ours. */
static bool reply(struct monitor *m, const struct ask_answer *a, size_t len)
{
	return send(m->worker_fd, a, ANSWER_HEAD + len, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

static bool refuse(struct monitor *m, const struct ask_request *rq, size_t len)
{
	struct ask_answer a = { .rc = -EPERM };

	if (log_allowed(&m->refused, m->now, 5, 1000))
		log_warn(NULL, "the worker asked for what is not allowed: request %u of %zu octets",
			 (unsigned int)rq->what, len);
	return reply(m, &a, 0);
}

bool answer_next(struct monitor *m)
{
	for (int i = 0; i < AT_A_TIME; i++) {
		struct ask_request rq = { .what = ASK_MAX };
		struct ask_answer a;
		const struct kind *k;
		ssize_t n = recv(m->worker_fd, &rq, sizeof(rq), MSG_DONTWAIT | MSG_TRUNC);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR;
		if (n == 0)
			return false;
		k = rq.what < ASK_MAX ? &kinds[rq.what] : NULL;
		if ((size_t)n < HEAD || !k || (size_t)n != HEAD + k->in) {
			if (!refuse(m, &rq, (size_t)n))
				return false;
			continue;
		}
		log_debug(NULL, "the worker asks: %s", k->name);
		memset(&a, 0, sizeof(a));
		if (k->fn(m, &rq, &a) && !reply(m, &a, k->out))
			return false;
		if (m->over)
			return true;
	}
	return true;
}

void answer_reload(struct monitor *m, int rc, const char *text)
{
	struct ask_answer a;

	if (!m->worker)
		return;
	memset(&a, 0, sizeof(a));
	a.rc = rc;
	strncpy(a.text, text, sizeof(a.text) - 1);
	(void)reply(m, &a, sizeof(a.text));
}

bool order_send(struct monitor *m, enum ask_order order)
{
	struct ask_answer a = { .order = order };

	if (order != ASK_HAND_OVER || !m->ops->leaving)
		return reply(m, &a, 0);
	m->ops->leaving(m->ctx, a.leaving);
	return reply(m, &a, sizeof(a.leaving));
}
