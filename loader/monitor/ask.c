/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The worker's end. Questions wait for their answer: the monitor does nothing else, and
 * what is asked is short. An order that comes meanwhile is kept for the event loop.
 */
#include "loader/monitor/ask.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loader/base/log.h"

#define ORPHANED 1 /* exit status; there is nobody who would read it */

struct ask {
	int fd;
	struct event *readable, *ordered;
	void (*on_order)(void *arg, enum ask_order);
	void *arg;
	enum ask_order order;
	uint8_t leaving[ASK_WIRES / 8];
};

static void alone(const char *why)
{
	log_error(NULL, "the monitor %s: the worker ends with it", why);
	_exit(ORPHANED);
}

/* Takes one message. False: there is none now. */
static bool take(struct ask *a, struct ask_answer *ret, size_t *ret_len, int flags)
{
	ssize_t n;

	do
		n = recv(a->fd, ret, sizeof(*ret), flags);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0)
		alone("is gone");
	if ((size_t)n < offsetof(struct ask_answer, text))
		alone("talks nonsense");
	*ret_len = (size_t)n - offsetof(struct ask_answer, text);
	return true;
}

static void keep_order(struct ask *a, const struct ask_answer *m, size_t len)
{
	a->order = m->order;
	memset(a->leaving, 0, sizeof(a->leaving));
	if (len == sizeof(m->leaving))
		memcpy(a->leaving, m->leaving, sizeof(a->leaving));
	event_active(a->ordered, EV_TIMEOUT, 1);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct ask_answer m;
	struct ask *a = arg;
	size_t len;

	(void)fd;
	(void)what;
	/* nothing was asked, so it is an order or the end */
	if (take(a, &m, &len, MSG_DONTWAIT) && m.order != ASK_NO_ORDER)
		keep_order(a, &m, len);
}

static void on_ordered(evutil_socket_t fd, short what, void *arg)
{
	struct ask *a = arg;

	(void)fd;
	(void)what;
	a->on_order(a->arg, a->order);
}

int ask_open(int fd, struct event_base *base, void (*on_order)(void *arg, enum ask_order),
	     void *arg, struct ask **ret)
{
	struct ask *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->fd = fd;
	a->on_order = on_order;
	a->arg = arg;
	a->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, a);
	a->ordered = event_new(base, -1, 0, on_ordered, a);
	if (!a->readable || !a->ordered || event_add(a->readable, NULL)) {
		ask_close(a);
		return -ENOMEM;
	}
	*ret = a;
	return 0;
}

void ask_close(struct ask *a)
{
	if (!a)
		return;
	if (a->readable)
		event_free(a->readable);
	if (a->ordered)
		event_free(a->ordered);
	free(a); /* the socket ends with the process: that is how the monitor knows */
}

const uint8_t *ask_leaving(const struct ask *a)
{
	return a->leaving;
}

/* `len` octets of the request's union are sent, `want` of the answer's are expected. */
static void talk(struct ask *a, const struct ask_request *rq, size_t len, struct ask_answer *ret,
		 size_t want)
{
	size_t got = 0;

	if (send(a->fd, rq, offsetof(struct ask_request, datapath) + len, MSG_NOSIGNAL) < 0)
		alone("is gone");
	for (;;) {
		take(a, ret, &got, 0);
		if (ret->order == ASK_NO_ORDER)
			break;
		keep_order(a, ret, got);
	}
	/* a refusal is a number alone */
	if (got != want && !(got == 0 && ret->rc < 0))
		alone("talks nonsense");
}

void ask_ready(struct ask *a)
{
	struct ask_request rq = { .what = ASK_READY };
	struct ask_answer m;

	talk(a, &rq, 0, &m, 0);
}

bool ask_datapath(void *ctx, const struct dp_request *request, struct dp_answer *ret)
{
	struct ask_request rq = { .what = ASK_DATAPATH };
	struct ask_answer m;

	memset(&m, 0, sizeof(m));
	rq.datapath = *request;
	talk(ctx, &rq, sizeof(rq.datapath), &m, sizeof(m.datapath));
	if (m.rc < 0)
		m.datapath.rc = m.rc;
	*ret = m.datapath;
	return true;
}

int ask_reload(void *ctx, bool force, char *text, size_t len)
{
	struct ask_request rq = { .what = ASK_RELOAD };
	struct ask_answer m;

	rq.force = force;
	m.text[0] = '\0';
	talk(ctx, &rq, sizeof(rq.force), &m, sizeof(m.text));
	snprintf(text, len, "%.*s", ASK_TEXT - 1, m.text);
	return m.rc;
}

int ask_pseudowire(void *ctx, const char *name, const char *entry, char *text, size_t len)
{
	struct ask_request rq = { .what = ASK_PSEUDOWIRE };
	struct ask_pseudowire *p = &rq.pseudowire;
	struct ask_answer m;

	if (strlen(name) >= sizeof(p->name) || (entry && strlen(entry) >= sizeof(p->entry))) {
		snprintf(text, len, "the name or the entry is too long; shorten it\n");
		return -EINVAL;
	}
	memset(p, 0, sizeof(*p));
	snprintf(p->name, sizeof(p->name), "%s", name);
	if (entry)
		snprintf(p->entry, sizeof(p->entry), "%s", entry);
	m.text[0] = '\0';
	talk(ctx, &rq, sizeof(*p), &m, sizeof(m.text));
	explicit_bzero(p, sizeof(*p));
	snprintf(text, len, "%.*s", ASK_TEXT - 1, m.text);
	return m.rc;
}

void ask_shutdown(void *ctx)
{
	struct ask_request rq = { .what = ASK_SHUTDOWN };
	struct ask_answer m;

	talk(ctx, &rq, 0, &m, 0);
}

int ask_preflight(void *ctx, const char *device, struct dp_finding ret[DP_MAX_FINDINGS])
{
	struct ask_request rq = { .what = ASK_PREFLIGHT };
	struct ask_answer m;

	if (strlen(device) >= sizeof(rq.device))
		return -ENODEV;
	memset(rq.device, 0, sizeof(rq.device));
	memcpy(rq.device, device, strlen(device));
	talk(ctx, &rq, sizeof(rq.device), &m, sizeof(m.findings));
	if (m.rc > DP_MAX_FINDINGS)
		alone("talks nonsense");
	if (m.rc > 0)
		memcpy(ret, m.findings, sizeof(m.findings));
	return m.rc;
}
