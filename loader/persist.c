/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is written to the store, and when. Every event ends here (persist_commit): the rooms
 * tell what changed, the records are written, the batch is committed, and only then does
 * what waits in the outbox leave.
 *
 *   table      key                        record
 *   tunnels    our tunnel ID              version, peer's name, path, l2tp/'s record
 *   messages   tunnel ID << 32 | serial   l2tp/'s record
 *   sessions   session index              see write_session: ours, l2tp/'s, ppp/'s
 *   resting    time << 20 | serial        tunnel ID, session ID (0: the tunnel's own), and
 *                                         so on: all of one batch
 *   misc       PERSIST_CLOCK              origin of our time, and when it was written
 *              PERSIST_DRAIN              what takes no new calls (drain.c)
 *              PERSIST_TOTALS             counters of this host (totals.c)
 *              PERSIST_COUNTERS(page)     counters of sessions (counters.c)
 *              PERSIST_L2TP3(...)         version 3 (wires_store.c)
 *
 * Time in records is that of lns->now: monotonic, and going on across restarts and reboots
 * of the host, because its origin is stored.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "loader/persist.h"
#include "loader/wires.h"

#define SWEEP_MS 900 /* with the time to write it to disk: within a second */
#define SLICE_PAUSE_MS 1
#define CLOCK_MS 500 /* how often the clock is written, at the most */
#define PURGE_MOST 1000 /* records of identifiers that have rested, in one sweep */

/* ---- records ------------------------------------------------------------------------- */

static void put_traffic(struct writer *w, const struct dp_traffic *t)
{
	const uint64_t *n = (const uint64_t *)t;

	for (size_t i = 0; i < sizeof(*t) / sizeof(*n); i++)
		persist_put_number(w, n[i]);
}

/* A part whose length is told before it. */
static void put_part(struct writer *w, const uint8_t *part, size_t len)
{
	writer_u16(w, (uint16_t)len);
	writer_bytes(w, part, len);
}

static uint8_t flags_of(const struct session *s)
{
	uint8_t f = 0;

	f |= s->pool4 != NO_POOL ? PERSIST_POOL4 : 0;
	f |= s->pool6 != NO_POOL ? PERSIST_POOL6 : 0;
	f |= s->ipv4_static ? PERSIST_STATIC : 0;
	f |= s->ppp ? PERSIST_LINK : 0;
	return f;
}

static uint8_t dp_flags_of(const struct dp_session *d)
{
	uint8_t f = 0;

	f |= d->seq_send ? PERSIST_SEQ_SEND : 0;
	f |= d->seq_receive ? PERSIST_SEQ_RECEIVE : 0;
	f |= d->seq_required ? PERSIST_SEQ_REQUIRED : 0;
	f |= d->ecn ? PERSIST_ECN : 0;
	f |= d->clamp_mss ? PERSIST_MSS : 0;
	return f;
}

static size_t write_session(const struct session *s, uint8_t *buf, size_t cap)
{
	uint8_t call[L2TP_MAX_CALL_RECORD], link[PPP_MAX_RECORD];
	size_t call_len = l2tp_call_save(s->call, call, sizeof(call));
	size_t link_len = s->ppp ? ppp_link_save(s->ppp, link, sizeof(link)) : 0;
	struct writer w = writer_of(buf, cap);
	struct dp_traffic t = { 0 };

	if (s->in_dp)
		dp_session_traffic(s->lns->dp, s->index, &t);
	writer_u8(&w, PERSIST_VERSION);
	writer_u8(&w, flags_of(s));
	writer_u16(&w, s->dp.tunnel_id);
	writer_u16(&w, s->dp.session_id);
	persist_put_number(&w, s->since);
	persist_put_text(&w, s->profile->name);
	persist_put_text(&w, s->user ? s->user : "");
	writer_u32(&w, addr_v4(&s->ipv4));
	writer_u64(&w, s->ipv6.len ? addr_v6_upper(&s->ipv6.addr) : 0);
	writer_u8(&w, dp_flags_of(&s->dp));
	writer_u16(&w, s->dp.peer_mru);
	writer_u16(&w, s->ppp_cfg.mru);
	put_traffic(&w, &t);
	put_part(&w, call, call_len);
	put_part(&w, link, link_len);
	explicit_bzero(call, sizeof(call)); /* proxy values of a call being set up */
	return w.bad || !call_len ? 0 : w.len;
}

static void save_session(struct lns *lns, const struct session *s)
{
	uint8_t buf[STORE_MAX_RECORD];
	size_t len = write_session(s, buf, sizeof(buf));

	if (len)
		store_put(lns->store, STORE_SESSIONS, s->index, buf, len);
	explicit_bzero(buf, len);
}

static void on_tunnel(void *arg, const struct l2tp_tunnel *t, uint16_t id, const uint8_t *rec,
		      size_t len)
{
	uint8_t buf[STORE_MAX_RECORD];
	struct writer w = writer_of(buf, sizeof(buf));
	const struct path *path;
	struct lns *lns = arg;

	if (!len) {
		store_delete(lns->store, STORE_TUNNELS, id);
		return;
	}
	path = l2tp_tunnel_path(t);
	writer_u8(&w, PERSIST_VERSION);
	persist_put_text(&w, l2tp_tunnel_peer(t)->name);
	writer_bytes(&w, path->local.b, sizeof(path->local.b));
	writer_bytes(&w, path->peer.b, sizeof(path->peer.b));
	writer_u16(&w, path->local_port);
	writer_u16(&w, path->peer_port);
	writer_bytes(&w, rec, len);
	if (!w.bad)
		store_put(lns->store, STORE_TUNNELS, id, buf, w.len);
}

static void on_message(void *arg, uint16_t tunnel_id, uint32_t serial, const uint8_t *rec,
		       size_t len)
{
	struct lns *lns = arg;
	uint64_t key = (uint64_t)tunnel_id << 32 | serial;

	if (len)
		store_put(lns->store, STORE_MESSAGES, key, rec, len);
	else
		store_delete(lns->store, STORE_MESSAGES, key);
}

static void on_call(void *arg, struct l2tp_call *c, uint16_t tunnel_id, uint16_t session_id)
{
	struct lns *lns = arg;
	struct session *s = c ? l2tp_call_user(c) : NULL;

	if (s)
		persist_changed(s);
	else if (!c)
		store_delete(lns->store, STORE_SESSIONS,
			     dp_index(lns->cfg->datapath.shards, tunnel_id, session_id));
}

static void put_resting(struct lns *lns)
{
	if (lns->n_resting)
		store_put(lns->store, STORE_RESTING, PERSIST_REST_KEY(lns->now, lns->rest_serial++),
			  lns->resting, (size_t)lns->n_resting * REST_ENTRY);
	lns->n_resting = 0;
}

/* All of a batch in one record: a tunnel may have 65 000 sessions, and end. */
static void on_resting(void *arg, uint16_t tunnel_id, uint16_t session_id)
{
	struct lns *lns = arg;
	struct writer w = writer_of(lns->resting + (size_t)lns->n_resting * REST_ENTRY, REST_ENTRY);

	writer_u16(&w, tunnel_id);
	writer_u16(&w, session_id);
	if (++lns->n_resting == REST_MOST)
		put_resting(lns);
}

/* ---- the clock ------------------------------------------------------------------------ */

uint64_t persist_wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void put_clock(struct lns *lns)
{
	uint8_t buf[32];
	struct writer w = writer_of(buf, sizeof(buf));

	if (lns->clock_at && lns->now - lns->clock_at < CLOCK_MS)
		return;
	lns->clock_at = lns->now;
	writer_u8(&w, PERSIST_VERSION);
	writer_u64(&w, lns->clock_base);
	writer_u64(&w, lns->now);
	writer_u64(&w, persist_wall_ms());
	store_put(lns->store, STORE_MISC, PERSIST_CLOCK, buf, w.len);
}

/* ---- the end of an event -------------------------------------------------------------- */

void persist_changed(struct session *s)
{
	if (s->dirty)
		return;
	s->dirty = true;
	s->next_dirty = s->lns->dirty;
	s->lns->dirty = s;
}

void persist_commit(struct lns *lns)
{
	static const struct l2tp_changes changes = {
		.tunnel = on_tunnel,
		.message = on_message,
		.call = on_call,
		.resting = on_resting,
	};

	l2tp_changes(lns->l2tp, &changes, lns);
	wires_commit(lns->wires);
	put_resting(lns);
	while (lns->dirty) {
		struct session *s = lns->dirty;

		lns->dirty = s->next_dirty;
		s->dirty = false;
		if (s->call)
			save_session(lns, s);
	}
	if (!store_is_dirty(lns->store))
		return;
	put_clock(lns);
	/* says itself what is wrong, and tries again */
	if (store_commit(lns->store, lns->now) == 0 || !store_is_closed(lns->store))
		return;
	/* nothing of this batch was sent: the peers say it again, to the next worker */
	log_error(NULL, "the store is lost to this process: another worker is to open it");
	_exit(EXIT_FAILURE);
}

/* Counters change without an event: looked at now, for the day the host loses its power. A round
 * over all sessions is made of slices, between which the event loop goes on. */
static void sweep(struct timer *t, msec_t now)
{
	struct lns *lns = (struct lns *)((char *)t - offsetof(struct lns, sweep));
	bool over = counters_slice(lns);

	if (over) {
		totals_sweep(lns);
		if (lns->round.written)
			store_hurry(lns->store);
		if (now > IDS_REST_MS)
			store_purge(lns->store, STORE_RESTING,
				    PERSIST_REST_KEY(now - IDS_REST_MS, 0), PURGE_MOST);
	}
	timer_set(&lns->timers, t, now + (over ? counters_pause(lns, SWEEP_MS) : SLICE_PAUSE_MS),
		  sweep);
}

void persist_start(struct lns *lns)
{
	timer_set(&lns->timers, &lns->sweep, lns->now + SWEEP_MS, sweep);
}

void persist_end(struct lns *lns)
{
	totals_sweep(lns);
	counters_all(lns);
}
