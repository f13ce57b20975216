/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The LNS: the one place where the rooms meet. They do not know each other.
 *
 *   datapath/ --control--> l2tp/ --call_up--> session.c --> ppp/ --authenticate--> aaa/
 *      ^   \------ppp-------------------------^  |                                  |
 *      \------------------dp_session_set---------/<--------------grant--------------/
 *
 * Control messages of version 3 go to l2tp3/, and what becomes of them stands in wires.c.
 *
 * One thread, one libevent loop. Time enters here: lns_enter reads the clock once an event,
 * and everything below gets that number. Timers of the pure rooms stand in one heap; one
 * libevent timer waits for its first deadline.
 */
#include "loader/lns.h"

#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "loader/persist.h"
#include "loader/wires.h"

#define TIMERS_A_TURN 2000 /* so that a burst of deadlines does not starve the sockets */

/* ---- time ---------------------------------------------------------------------- */

msec_t lns_enter(struct lns *lns)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	lns->now = (msec_t)ts.tv_sec * 1000 + (msec_t)ts.tv_nsec / 1000000 + lns->clock_base;
	return lns->now;
}

static void arm(struct lns *lns)
{
	msec_t next = timers_next(&lns->timers), wait;
	struct timeval tv;

	if (next == lns->tick_at)
		return;
	lns->tick_at = next;
	if (next == TIMERS_NEVER) {
		evtimer_del(lns->tick);
		return;
	}
	wait = next > lns->now ? next - lns->now : 0;
	tv.tv_sec = (time_t)(wait / 1000);
	tv.tv_usec = (suseconds_t)(wait % 1000) * 1000;
	evtimer_add(lns->tick, &tv);
}

void lns_leave(struct lns *lns)
{
	l2tp_acknowledge(lns->l2tp);
	l2tp3_acknowledge(lns->wires->ep);
	persist_commit(lns);
	outbox_flush(lns);
	while (lns->dead) {
		struct session *s = lns->dead;

		lns->dead = s->next_dead;
		session_free(s);
	}
	arm(lns);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct lns *lns = arg;

	(void)fd;
	(void)what;
	lns->tick_at = TIMERS_NEVER;
	timers_run(&lns->timers, lns_enter(lns), TIMERS_A_TURN);
	lns_leave(lns);
}

void lns_random(void *ctx, void *buf, size_t n)
{
	uint8_t *p = buf;

	(void)ctx;
	while (n) {
		ssize_t got = getrandom(p, n, 0);

		if (got < 0) {
			if (errno == EINTR)
				continue;
			abort(); /* without randomness nothing here is safe */
		}
		p += got;
		n -= (size_t)got;
	}
}

/* ---- from the data path ---------------------------------------------------------- */

struct session *session_at(const struct lns *lns, uint32_t index)
{
	uint32_t shard = index >> 16;

	if (shard >= lns->cfg->datapath.shards || !lns->table[shard])
		return NULL;
	return lns->table[shard][index & 0xffff];
}

static void on_control(void *ctx, const struct path *path, const uint8_t *msg, size_t len)
{
	struct lns *lns = ctx;

	lns_enter(lns);
	if (!wires_input(lns->wires, path, msg, len))
		l2tp_input(lns->l2tp, lns->now, path, msg, len);
}

static void on_unsent(void *ctx, const struct path *path, int rc)
{
	const struct lns *lns = ctx;

	wires_unsent(lns->wires, path, rc);
}

/* It may come in the middle of anything: the peer is told from a timer. */
static void on_circuit(void *ctx, unsigned int i, bool up)
{
	struct lns *lns = ctx;

	if (!lns->wires)
		return;
	lns_enter(lns);
	wires_circuit(lns->wires, i, up);
	arm(lns);
}

static void on_ppp(void *ctx, uint32_t index, const uint8_t *frame, size_t len)
{
	struct lns *lns = ctx;
	struct session *s = session_at(lns, index);

	lns_enter(lns);
	if (s && s->ppp) {
		session_heard(s);
		ppp_input(s->ppp, lns->now, frame, len);
	}
}

static void on_ipv6_local(void *ctx, uint32_t index, const uint8_t *packet, size_t len)
{
	struct lns *lns = ctx;
	struct session *s = session_at(lns, index);

	lns_enter(lns);
	if (s && s->ppp) {
		session_heard(s);
		ppp_ipv6_local(s->ppp, lns->now, packet, len);
	}
}

/* One commit for all that came in together. */
static void on_turn(void *ctx)
{
	lns_enter(ctx);
	lns_leave(ctx);
}

static void on_mtu_changed(void *ctx, uint32_t index, uint16_t mtu)
{
	struct lns *lns = ctx;
	struct session *s = session_at(lns, index);

	if (s) {
		struct log_who who = session_who(s);

		log_info(&who, "MTU is now %u", mtu);
	}
}

static const struct dp_ops dp_ops = {
	.control = on_control,
	.ppp = on_ppp,
	.ipv6_local = on_ipv6_local,
	.turn = on_turn,
	.mtu_changed = on_mtu_changed,
	.circuit = on_circuit,
	.unsent = on_unsent,
};

/* ---- from l2tp/ -------------------------------------------------------------------- */

static void on_send(void *ctx, const struct path *path, const uint8_t *msg, size_t len)
{
	struct lns *lns = ctx;

	outbox_control(lns, path, msg, len);
}

static const struct l2tp_peer *on_find_peer(void *ctx, const struct path *path)
{
	struct lns *lns = ctx;
	const struct config_peer *p = config_peer_of(lns->cfg, &path->peer);

	return p ? &p->l2tp : NULL;
}

static int on_tunnel_request(void *ctx, const struct l2tp_peer *peer, const struct path *path,
			     struct l2tp_reason *ret_why)
{
	(void)path;
	if (!drain_refuses(ctx, peer->user))
		return 0;
	*ret_why = drain_reason;
	ret_why->result = L2TP_STOP_ERROR;
	return L2TP_STOP_ERROR;
}

static void on_tunnel_up(void *ctx, struct l2tp_tunnel *t)
{
	struct lns *lns = ctx;
	struct log_who who = { .tunnel = l2tp_tunnel_id(t), .peer = l2tp_tunnel_peer(t)->name };
	int ret = dp_tunnel_set(lns->dp, l2tp_tunnel_id(t), l2tp_tunnel_path(t));

	if (ret)
		log_warn(&who, "shares the strangers' lane at the hook: %s", strerror(-ret));
}

static bool move_session(void *arg, struct l2tp_call *c)
{
	struct session *s = l2tp_call_user(c);

	if (s)
		session_moved(s, arg);
	return true;
}

static void on_tunnel_moved(void *ctx, struct l2tp_tunnel *t)
{
	struct path path = *l2tp_tunnel_path(t);

	if (l2tp_tunnel_is_up(t))
		on_tunnel_up(ctx, t);
	l2tp_calls_visit(t, move_session, &path);
}

static void on_tunnel_gone(void *ctx, struct l2tp_tunnel *t, const struct l2tp_reason *why)
{
	struct lns *lns = ctx;

	(void)why; /* l2tp/ has logged it */
	dp_tunnel_del(lns->dp, l2tp_tunnel_id(t));
}

struct alive_ask {
	msec_t since;
	bool alive;
};

static bool ask_alive(void *arg, struct l2tp_call *c)
{
	struct alive_ask *ask = arg;
	struct session *s = l2tp_call_user(c);

	/* every session is looked at, so that the next answer is about what came after this */
	if (s && session_alive(s, ask->since))
		ask->alive = true;
	return true;
}

/* Q-3, V2-HELLO-1: packets at the hook and LCP echoes show life, Hello or not. */
static bool on_tunnel_alive(void *ctx, struct l2tp_tunnel *t, msec_t since)
{
	struct alive_ask ask = { .since = since };

	(void)ctx;
	l2tp_calls_visit(t, ask_alive, &ask);
	return ask.alive;
}

static const struct l2tp_ops l2tp_ops = {
	.send = on_send,
	.random = lns_random,
	.find_peer = on_find_peer,
	.tunnel_request = on_tunnel_request,
	/* not from tunnel_new on: who has not proved the secret has no lane of its own */
	.tunnel_up = on_tunnel_up,
	.tunnel_moved = on_tunnel_moved,
	.tunnel_gone = on_tunnel_gone,
	.tunnel_alive = on_tunnel_alive,
	.call_request = session_call_request,
	.call_up = session_call_up,
	.call_down = session_call_down,
};

/* ---- opening and closing ------------------------------------------------------------ */

/* What pools must not hand out: our own addresses, and those that users have for good. */
static struct ipaddr *kept_back(const struct lns *lns, unsigned int *ret_n)
{
	const struct dp_config *d = &lns->cfg->datapath;
	size_t n_static = lns->users ? users_addresses(lns->users, NULL, 0) : 0;
	unsigned int own = d->n_local + d->n_listen;
	struct ipaddr *kept = calloc(own + n_static + 1, sizeof(*kept));

	if (!kept)
		return NULL;
	memcpy(kept, d->local, d->n_local * sizeof(*kept));
	memcpy(kept + d->n_local, d->listen, d->n_listen * sizeof(*kept));
	if (n_static)
		users_addresses(lns->users, kept + own, n_static);
	*ret_n = own + (unsigned int)n_static;
	return kept;
}

static int open_pools(struct lns *lns, char *err, size_t errlen)
{
	const struct config *cfg = lns->cfg;
	unsigned int n_kept = 0;
	struct ipaddr *kept = kept_back(lns, &n_kept);
	int ret = 0;

	lns->pools = calloc(cfg->n_pools + 1, sizeof(struct pool *));
	if (!lns->pools || !kept)
		ret = -ENOMEM;
	for (unsigned int i = 0; !ret && i < cfg->n_pools; i++) {
		const struct config_pool *p = &cfg->pools[i];

		ret = pool_new(p->name, p->ipv4, p->n_ipv4, p->ipv6, p->n_ipv6, kept, n_kept,
			       lns_random, NULL, &lns->pools[i]);
		if (ret)
			snprintf(err, errlen, "pool %s: %s", p->name, strerror(-ret));
	}
	free(kept);
	return ret;
}

int lns_new(const struct lns_parts *parts, struct event_base *base, struct lns **ret, char *err,
	    size_t errlen)
{
	const struct config *cfg = parts->cfg;
	struct lns *lns = calloc(1, sizeof(*lns));
	int rc = -ENOMEM;

	snprintf(err, errlen, "out of memory");
	if (!lns)
		return rc;
	lns->cfg = cfg;
	lns->users = parts->users;
	lns->store = parts->store;
	lns->store_info = parts->store_info;
	lns->up = parts->up;
	lns->marks = parts->marks;
	lns->base = base;
	timers_init(&lns->timers);
	lns->tick_at = TIMERS_NEVER;
	lns->tick = evtimer_new(base, on_tick, lns);
	lns->table = calloc(cfg->datapath.shards, sizeof(*lns->table));
	lns->drains = calloc(cfg->n_peers + 1, sizeof(*lns->drains));
	lns->half_open = calloc(cfg->n_peers + 1, sizeof(*lns->half_open));
	lns->counter_pages = calloc(PERSIST_PAGES(lns), sizeof(*lns->counter_pages));
	lns->counted = calloc((size_t)PERSIST_PAGES(lns) * PERSIST_PAGE, sizeof(*lns->counted));
	lns->l2tp = l2tp_endpoint_new(&cfg->limits, &l2tp_ops, lns, &lns->timers);
	lns->failures =
		failures_new(cfg->limits.auth_failures ?: L2TP_AUTH_FAILURES, lns_random, NULL);
	if (!lns->tick || !lns->table || !lns->drains || !lns->counter_pages || !lns->counted ||
	    !lns->half_open || !lns->l2tp || !lns->failures)
		goto fail;
	l2tp_batch_acks(lns->l2tp);
	rc = open_pools(lns, err, errlen);
	if (rc)
		goto fail;
	rc = dp_start(parts->dp, base, &dp_ops, lns, lns->up ? lns->up->ask : NULL,
		      lns->up ? lns->up->ctx : NULL);
	if (rc) {
		snprintf(err, errlen, "data path: %s", strerror(-rc));
		goto fail;
	}
	lns->dp = parts->dp;
	rc = wires_new(lns, &lns->wires);
	if (rc) {
		snprintf(err, errlen, "out of memory");
		goto fail;
	}
	*ret = lns;
	return 0;
fail:
	lns_free(lns);
	return rc;
}

int lns_begin(struct lns *lns, char *err, size_t errlen)
{
	int rc;

	lns->since = lns_enter(lns);
	rc = restore(lns, err, errlen);
	if (rc)
		return rc;
	persist_start(lns);
	wires_begin(lns->wires);
	marks_step(lns->marks, MARK_COMMIT, 0);
	lns_leave(lns);
	marks_step(lns->marks, MARK_NONE, 0);
	return 0;
}

void lns_stop(struct lns *lns)
{
	lns_enter(lns);
	persist_end(lns);
	lns_leave(lns);
}

static void on_closing(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval soon = { .tv_usec = 20000 };
	struct lns *lns = arg;

	(void)fd;
	(void)what;
	lns_enter(lns);
	if (l2tp_unacknowledged(lns->l2tp) + l2tp3_unacknowledged(lns->wires->ep) &&
	    lns->now < lns->closing_until)
		evtimer_add(lns->closing, &soon);
	else
		lns->closed(lns->closed_arg);
}

/* `done` is called when peers have acknowledged their end, or after so long. */
static void await_acks(struct lns *lns, unsigned int grace_ms, void (*done)(void *arg), void *arg)
{
	static const struct timeval now = { 0 };

	lns->closed = done;
	lns->closed_arg = arg;
	lns->closing_until = lns->now + grace_ms;
	if (!lns->closing)
		lns->closing = evtimer_new(lns->base, on_closing, lns);
	if (lns->closing)
		evtimer_add(lns->closing, &now);
	else
		done(arg);
}

void lns_shutdown(struct lns *lns, unsigned int grace_ms, void (*done)(void *arg), void *arg)
{
	if (lns->shut_down)
		return;
	lns->shut_down = true;
	lns_enter(lns);
	l2tp_shutdown(lns->l2tp, lns->now);
	wires_shutdown(lns->wires);
	lns_leave(lns);
	await_acks(lns, grace_ms, done, arg);
}

bool lns_hand_over(struct lns *lns, const uint8_t *leaving, size_t n, unsigned int grace_ms,
		   void (*done)(void *arg), void *arg)
{
	unsigned int told;

	lns_enter(lns);
	told = wires_leave(lns->wires, leaving, n);
	lns_leave(lns);
	if (told)
		await_acks(lns, grace_ms, done, arg);
	return told > 0;
}

static void keep(void *node)
{
	(void)node; /* a session: freed with the others */
}

static void free_sessions(struct lns *lns)
{
	for (unsigned int shard = 0; lns->table && shard < lns->cfg->datapath.shards; shard++) {
		struct session **row = lns->table[shard];

		for (unsigned int i = 0; row && i < L2X_SHARD_SESSIONS; i++)
			if (row[i])
				session_free(row[i]);
		free(row);
	}
	free(lns->table);
}

void lns_free(struct lns *lns)
{
	if (!lns)
		return;
	if (lns->l2tp)
		l2tp_endpoint_abandon(lns->l2tp);
	wires_free(lns->wires);
	tdestroy(lns->statics, keep);
	free_sessions(lns);
	outbox_free(&lns->outbox);
	for (unsigned int i = 0; lns->pools && i < lns->cfg->n_pools; i++)
		pool_free(lns->pools[i]);
	free(lns->pools);
	failures_free(lns->failures);
	free(lns->drains);
	free(lns->counter_pages);
	free(lns->counted);
	free(lns->half_open);
	if (lns->tick)
		event_free(lns->tick);
	if (lns->closing)
		event_free(lns->closing);
	timers_free(&lns->timers);
	free(lns);
}
