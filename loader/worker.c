/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The unprivileged process: everything that reads what strangers send. What it needs is
 * opened while it still may; then it enters the sandbox, and only then it reads the store and
 * the first datagram.
 *
 *   privileged    signals, the way to the monitor
 *   sandbox_drop  no user, no capability any more
 *   unprivileged  store_open, lns_new (netlink sockets), control socket
 *   sandbox_filter
 *   filtered      store_start (a thread), lns_begin (sessions, maps, hook), the loop
 */
#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "loader/base/log.h"
#include "loader/daemon.h"
#include "loader/lns.h"
#include "loader/monitor/ask.h"
#include "loader/store/store.h"

#define SHUTDOWN_GRACE_MS 3000
#define HAND_OVER_GRACE_MS 1500 /* only where peers are told of an end; frames go on meanwhile */

struct worker {
	const struct daemon *d;
	struct event_base *base;
	struct event *sigterm;
	struct ask *ask;
	struct marks *marks;
	struct store *store;
	struct lns *lns;
	struct control *control;
	struct lns_way_up up;
	bool closing;
};

/* ---- the end --------------------------------------------------------------------------- */

static void on_closed(void *arg)
{
	struct worker *w = arg;

	event_base_loopbreak(w->base);
}

static bool stays_at_hook(const struct dp_config *cfg)
{
	return cfg->bpf_dir && cfg->mode != DP_OFF;
}

#define SESSIONS_LEN 64

static const char *sessions_str(const struct worker *w, char ret[SESSIONS_LEN])
{
	unsigned int n = lns_session_count(w->lns), wires = lns_wire_count(w->lns);

	if (wires)
		snprintf(ret, SESSIONS_LEN, "%u sessions and %u of pseudowires", n, wires);
	else
		snprintf(ret, SESSIONS_LEN, "%u sessions", n);
	return ret;
}

static void on_order(void *arg, enum ask_order order)
{
	struct worker *w = arg;
	char text[SESSIONS_LEN];

	if (order == ASK_CLOSE) {
		if (w->closing)
			return;
		w->closing = true;
		log_note(NULL, "closing %s", sessions_str(w, text));
		lns_shutdown(w->lns, SHUTDOWN_GRACE_MS, on_closed, w);
		return;
	}
	if (order == ASK_HAND_OVER &&
	    lns_hand_over(w->lns, ask_leaving(w->ask), ASK_WIRES, HAND_OVER_GRACE_MS, on_closed, w))
		return;
	if (order == ASK_LEAVE)
		log_note(NULL,
			 "%s %s; the next start takes them up. To end them "
			 "for good: l2xdpctl shutdown instead, or then l2xdpd --remove",
			 sessions_str(w, text),
			 stays_at_hook(&w->d->cfg->datapath) ? "go on at the hook"
							     : "are kept, but their packets stop");
	event_base_loopbreak(w->base);
}

/* Not from the monitor, which gives orders: somebody wants another worker. */
static void on_terminate(evutil_socket_t sig, short what, void *arg)
{
	struct worker *w = arg;

	(void)sig;
	(void)what;
	log_note(NULL, "the worker was sent SIGTERM: it gives way to another one");
	event_base_loopbreak(w->base);
}

/* ---- the start --------------------------------------------------------------------------- */

/* Ctrl-C reaches every process of a terminal; the monitor says what it means. */
static int set_signals(struct worker *w)
{
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	w->sigterm = evsignal_new(w->base, SIGTERM, on_terminate, w);
	return w->sigterm && event_add(w->sigterm, NULL) == 0 ? 0 : -ENOMEM;
}

static int open_all(struct worker *w, int fd, const struct sandbox *sandbox, char *err,
		    size_t errlen)
{
	const struct config *cfg = w->d->cfg;
	struct lns_parts parts = { .cfg = cfg, .users = w->d->users, .dp = w->d->dp };
	int rc;

	w->base = event_base_new();
	if (!w->base || set_signals(w))
		return -ENOMEM;
	rc = ask_open(fd, w->base, on_order, w, &w->ask);
	rc = rc ?: sandbox_drop(sandbox, err, errlen);
	if (rc)
		return rc;
	w->up = (struct lns_way_up){ .ask = ask_datapath,
				     .reload = ask_reload,
				     .pseudowire = ask_pseudowire,
				     .end = ask_shutdown,
				     .preflight = ask_preflight,
				     .ctx = w->ask };
	parts.up = &w->up;
	rc = store_open(cfg->run_dir, cfg->state_dir, false, &w->store, &parts.store_info, err,
			errlen);
	if (rc)
		return rc;
	parts.store = w->store;
	parts.marks = w->marks;
	marks_open(w->marks, cfg->state_dir);
	rc = lns_new(&parts, w->base, &w->lns, err, errlen);
	return rc ?: control_serve(w->d->control.fd, w->base, w->lns, &w->control);
}

static int begin(struct worker *w, const struct sandbox *sandbox, char *err, size_t errlen)
{
	int rc = sandbox_filter(sandbox, err, errlen);

	if (rc)
		return rc;
	rc = store_start(w->store);
	if (rc) {
		snprintf(err, errlen, "the store's thread: %s", strerror(-rc));
		return rc;
	}
	return lns_begin(w->lns, err, errlen);
}

/* The data path is the monitor's, and stays. */
static void end(struct worker *w)
{
	control_close(w->control);
	if (w->lns)
		lns_free(w->lns);
	if (w->store)
		store_close(w->store);
	if (w->sigterm)
		event_free(w->sigterm);
	ask_close(w->ask);
	if (w->base)
		event_base_free(w->base);
}

int worker_run(const struct daemon *d, int fd, pid_t monitor, struct marks *marks)
{
	struct worker w = { .d = d, .marks = marks };
	struct sandbox sandbox = d->sandbox;
	char err[DAEMON_ERRLEN] = "out of memory";
	int rc;

	sandbox.parent = monitor;
	rc = open_all(&w, fd, &sandbox, err, sizeof(err));
	rc = rc ?: begin(&w, &sandbox, err, sizeof(err));
	if (rc) {
		log_error(NULL, "%s", err);
	} else {
		ask_ready(w.ask);
		log_note(NULL, "ready: %u peers, %u pools, mode %s", d->cfg->n_peers,
			 d->cfg->n_pools, dp_mode_names[d->cfg->datapath.mode]);
		event_base_dispatch(w.base);
		lns_stop(w.lns);
	}
	end(&w);
	return rc ? EXIT_FAILED : EXIT_OK;
}
