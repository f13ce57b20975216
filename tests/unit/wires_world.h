/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two sites with one wire of two pseudowires, "one" and "two". The test stands in for the
 * data path, the outbox, the store and the clock; everything between is the daemon's own.
 */
#ifndef L2XDP_TESTS_WIRES_WORLD_H
#define L2XDP_TESTS_WIRES_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/datapath/pseudowire.h"
#include "loader/persist.h"
#include "loader/wires.h"

#define INDEX_BITS 6
#define INDEX_FROM 5 /* index of the first pseudowire */
#define LINES 2
#define MOST_RECORDS 64
#define STEP_MS 10

struct datapath; /* a site */

struct site {
	struct world *world;
	struct lns lns;
	struct config cfg;
	struct config_wire wire;
	struct config_signal signals[LINES];
	struct pw_config pseudowires[LINES];
	unsigned int places[LINES];
	struct {
		bool set, alive, circuit_down, heard;
		struct pw_session session;
		char why[256];
	} pw[LINES];
	struct {
		uint64_t key;
		size_t len;
		uint8_t *rec;
	} record[MOST_RECORDS];
	unsigned int n_records;
	uint16_t lane[4]; /* tunnel IDs with a lane at the hook; 0: none */
	struct path lane_path[4];
	bool running;
};

struct parcel {
	struct parcel *next;
	struct site *to;
	struct path path;
	size_t len;
	uint8_t msg[];
};

struct world {
	struct site a, b;
	struct parcel *first, **last;
	msec_t now;
	bool cut;
	uint64_t seed;
};

static struct world *the_world;

static struct site *site_of(const struct lns *lns)
{
	return (struct site *)((char *)(uintptr_t)lns - offsetof(struct site, lns));
}

static struct site *site_of_dp(const struct datapath *dp)
{
	return (struct site *)(uintptr_t)dp;
}

/* ---- what wires stand on ------------------------------------------------------------------ */

const struct l2tp_reason drain_reason = { .error = L2TP_ERR_TRY_ANOTHER,
					  .text = "drained for maintenance" };

void lns_random(void *ctx, void *buf, size_t n)
{
	uint8_t *p = buf;

	(void)ctx;
	while (n--) {
		the_world->seed = the_world->seed * 6364136223846793005u + 1442695040888963407u;
		*p++ = (uint8_t)(the_world->seed >> 33);
	}
}

msec_t lns_enter(struct lns *lns)
{
	return lns->now = the_world->now;
}

static void visit_commit(struct lns *lns)
{
	l2tp3_acknowledge(lns->wires->ep);
	wires_commit(lns->wires);
}

void lns_leave(struct lns *lns)
{
	visit_commit(lns);
}

void outbox_control(struct lns *lns, const struct path *path, const uint8_t *msg, size_t len)
{
	struct world *w = site_of(lns)->world;
	struct parcel *p = malloc(sizeof(*p) + len);

	assert_non_null(p);
	*p = (struct parcel){ .to = site_of(lns) == &w->a ? &w->b : &w->a,
			      .path = { path->peer, path->local, path->peer_port,
					path->local_port },
			      .len = len };
	memcpy(p->msg, msg, len);
	*w->last = p;
	w->last = &p->next;
}

int dp_pw_session_set(struct datapath *dp, unsigned int i, const struct pw_session *s)
{
	struct site *site = site_of_dp(dp);

	site->pw[i].set = true;
	site->pw[i].session = *s;
	site->pw[i].why[0] = '\0';
	return 0;
}

void dp_pw_session_del(struct datapath *dp, unsigned int i, const char *why)
{
	struct site *site = site_of_dp(dp);

	site->pw[i].set = false;
	snprintf(site->pw[i].why, sizeof(site->pw[i].why), "%s", why);
}

void dp_pw_alive(struct datapath *dp, unsigned int i, bool alive, const char *why)
{
	struct site *site = site_of_dp(dp);

	site->pw[i].alive = alive;
	snprintf(site->pw[i].why, sizeof(site->pw[i].why), "%s", why);
}

int dp_tunnel_set(struct datapath *dp, uint16_t id, const struct path *path)
{
	struct site *s = site_of_dp(dp);
	unsigned int i;

	for (i = 0; i < 4 && s->lane[i] && s->lane[i] != id; i++)
		;
	assert_true(i < 4);
	s->lane[i] = id;
	s->lane_path[i] = *path;
	return 0;
}

void dp_tunnel_del(struct datapath *dp, uint16_t id)
{
	struct site *s = site_of_dp(dp);

	for (unsigned int i = 0; i < 4; i++)
		if (s->lane[i] == id)
			s->lane[i] = 0;
}

uint32_t dp_pw_index(const struct datapath *dp, unsigned int i)
{
	(void)dp;
	return i + INDEX_FROM;
}

unsigned int dp_pw_index_bits(const struct datapath *dp)
{
	(void)dp;
	return INDEX_BITS;
}

bool dp_pw_id_is_static(const struct datapath *dp, uint32_t id)
{
	(void)dp;
	return id % 3 == 0; /* some are */
}

bool dp_pw_circuit_is_up(const struct datapath *dp, unsigned int i)
{
	return !site_of_dp(dp)->pw[i].circuit_down;
}

bool dp_pw_heard(struct datapath *dp, unsigned int i)
{
	return site_of_dp(dp)->pw[i].heard;
}

static unsigned int record_at(const struct site *s, uint64_t key)
{
	unsigned int at = 0;

	while (at < s->n_records && s->record[at].key < key)
		at++;
	return at;
}

static struct site *site_of_store(struct store *s)
{
	return (struct site *)(uintptr_t)s;
}

void store_delete(struct store *store, enum store_table t, uint64_t key)
{
	struct site *s = site_of_store(store);
	unsigned int at = record_at(s, key);

	assert_int_equal(t, STORE_MISC);
	if (at == s->n_records || s->record[at].key != key)
		return;
	free(s->record[at].rec);
	memmove(&s->record[at], &s->record[at + 1], (--s->n_records - at) * sizeof(s->record[0]));
}

void store_put(struct store *store, enum store_table t, uint64_t key, const void *rec, size_t len)
{
	struct site *s = site_of_store(store);
	unsigned int at;

	assert_true(PERSIST_IS_L2TP3(key));
	assert_true(len <= STORE_MAX_RECORD);
	store_delete(store, t, key);
	at = record_at(s, key);
	assert_true(s->n_records < MOST_RECORDS);
	memmove(&s->record[at + 1], &s->record[at], (s->n_records++ - at) * sizeof(s->record[0]));
	s->record[at].key = key;
	s->record[at].len = len;
	s->record[at].rec = malloc(len);
	assert_non_null(s->record[at].rec);
	memcpy(s->record[at].rec, rec, len);
}

int store_visit(struct store *store, enum store_table t,
		bool (*fn)(void *arg, uint64_t key, const uint8_t *rec, size_t len), void *arg)
{
	struct site *s = site_of_store(store);

	assert_int_equal(t, STORE_MISC);
	for (unsigned int i = 0; i < s->n_records; i++)
		if (!fn(arg, s->record[i].key, s->record[i].rec, s->record[i].len))
			break;
	return 0;
}

/* ---- sites ----------------------------------------------------------------------------------- */

static void signal_fill(struct site *s, unsigned int i, const char *name)
{
	snprintf(s->pseudowires[i].name, sizeof(s->pseudowires[i].name), "%s", name);
	s->pseudowires[i].signalled = true;
	s->pseudowires[i].path = s->wire.path;
	s->signals[i].pw_type = L2TP3_PW_ETHERNET;
	s->signals[i].cookie_len = 8;
	s->signals[i].end_id_len = (uint8_t)strlen(name);
	memcpy(s->signals[i].end_id, name, strlen(name));
	s->places[i] = i;
	s->pw[i].alive = true;
}

static void site_fill(struct world *w, struct site *s, const char *local, const char *peer)
{
	s->world = w;
	s->lns.cfg = &s->cfg;
	s->lns.dp = (struct datapath *)s;
	s->lns.store = (struct store *)s;
	s->lns.now = w->now;
	timers_init(&s->lns.timers);
	assert_int_equal(addr_parse(local, &s->wire.path.local), 0);
	assert_int_equal(addr_parse(peer, &s->wire.path.peer), 0);
	s->wire.path.local_port = s->wire.path.peer_port = 1701;
	s->wire.peer = (struct prefix){ s->wire.path.peer, 32 };
	s->wire.name = (char *)"one";
	s->wire.dial = true;
	s->wire.pw = s->places;
	s->wire.n_pw = LINES;
	s->wire.l2tp = (struct l2tp3_peer){
		.name = "one",
		.hostname = local,
		.router_id = addr_v4(&s->wire.path.local),
		.secret = { { (const uint8_t *)"s3cret-s", 8 } },
		.hello_ms = 20000,
		.user = &s->wire,
	};
	s->cfg.wires = &s->wire;
	s->cfg.n_wires = 1;
	s->cfg.signals = s->signals;
	s->cfg.pseudowires = s->pseudowires;
	s->cfg.datapath.pseudowires = s->pseudowires;
	s->cfg.datapath.n_pseudowires = LINES;
	signal_fill(s, 0, "one");
	signal_fill(s, 1, "two");
}

static void __attribute__((unused)) site_start(struct site *s)
{
	static const struct l2tp_ops v2 = { .random = lns_random };
	static const struct l2tp_limits limits = { .shards = 1 };

	s->lns.l2tp = l2tp_endpoint_new(&limits, &v2, &s->lns, &s->lns.timers);
	assert_non_null(s->lns.l2tp);
	assert_int_equal(wires_new(&s->lns, &s->lns.wires), 0);
	s->running = true;
}

/* The process ends; store and data path stay. */
static void site_stop(struct site *s)
{
	if (!s->running)
		return;
	wires_free(s->lns.wires);
	l2tp_endpoint_abandon(s->lns.l2tp);
	s->lns.wires = NULL;
	memset(s->lane, 0, sizeof(s->lane));
	s->running = false;
	for (unsigned int i = 0; i < LINES; i++)
		memset(&s->pw[i].session, 0, sizeof(s->pw[i].session));
	for (unsigned int i = 0; i < LINES; i++)
		s->pw[i].set = false;
}

/* The host ends, and knows nothing afterwards. */
static void site_forget(struct site *s)
{
	site_stop(s);
	while (s->n_records)
		free(s->record[--s->n_records].rec);
}

/* As restore.c does it; returns how many sessions go on. */
static unsigned int __attribute__((unused)) site_restore(struct site *s, unsigned int *ret_closed)
{
	uint64_t stale[MOST_RECORDS];
	unsigned int n = 0, kept;

	lns_enter(&s->lns);
	for (unsigned int i = 0; i < s->n_records; i++)
		if (wires_read(s->lns.wires, s->record[i].key, s->record[i].rec, s->record[i].len))
			stale[n++] = s->record[i].key;
	kept = wires_restored(s->lns.wires, ret_closed);
	while (n)
		store_delete(s->lns.store, STORE_MISC, stale[--n]);
	visit_commit(&s->lns);
	return kept;
}

static int __attribute__((unused))
site_check(struct site *s, char *text, size_t len, struct checked_wires *ret)
{
	return wires_check(&s->cfg, s->lns.store, NULL, text, len, ret);
}

static void __attribute__((unused)) site_circuit(struct site *s, unsigned int i, bool up)
{
	s->pw[i].circuit_down = !up;
	lns_enter(&s->lns);
	wires_circuit(s->lns.wires, i, up);
}

static const struct l2tp3_peer *__attribute__((unused))
site_finds(struct site *s, const char *address, const struct l2tp3_who *who)
{
	struct path path = s->wire.path;

	assert_int_equal(addr_parse(address, &path.peer), 0);
	return wires_find_peer(s->lns.wires, &path, who);
}

static uint64_t __attribute__((unused)) counter(const struct site *s, enum l2tp3_counter c)
{
	return l2tp3_counters(s->lns.wires->ep)[c];
}

static bool count(void *arg, const struct lns_tunnel_info *t)
{
	assert_int_equal(t->version, 3);
	++*(unsigned int *)arg;
	return true;
}

static unsigned int __attribute__((unused)) tunnels_of(struct site *s)
{
	unsigned int n = 0;

	wires_visit(s->lns.wires, count, &n);
	return n;
}

/* ---- the world ----------------------------------------------------------------------------------- */

static struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	the_world = w;
	w->last = &w->first;
	w->now = 1000000;
	w->seed = 4711;
	site_fill(w, &w->a, "192.0.2.1", "192.0.2.2");
	site_fill(w, &w->b, "192.0.2.2", "192.0.2.1");
	return w;
}

static void __attribute__((unused)) world_begin(struct world *w)
{
	struct site *both[2] = { &w->a, &w->b };

	for (unsigned int i = 0; i < 2; i++) {
		site_start(both[i]);
		lns_enter(&both[i]->lns);
		wires_begin(both[i]->lns.wires);
		visit_commit(&both[i]->lns);
	}
}

static void deliver(struct world *w)
{
	while (w->first) {
		struct parcel *p = w->first;

		w->first = p->next;
		if (!w->first)
			w->last = &w->first;
		if (!w->cut && p->to->running) {
			lns_enter(&p->to->lns);
			wires_input(p->to->lns.wires, &p->path, p->msg, p->len);
			visit_commit(&p->to->lns);
		}
		free(p);
	}
}

static void tick(struct site *s)
{
	if (!s->running)
		return;
	timers_run(&s->lns.timers, lns_enter(&s->lns), 10000);
	visit_commit(&s->lns);
}

static void __attribute__((unused)) world_run(struct world *w, msec_t ms)
{
	for (msec_t until = w->now + ms; w->now < until; w->now += STEP_MS) {
		tick(&w->a);
		tick(&w->b);
		deliver(w);
	}
}

static void world_free(struct world *w)
{
	w->cut = true;
	deliver(w);
	site_forget(&w->a);
	site_forget(&w->b);
	timers_free(&w->a.lns.timers);
	timers_free(&w->b.lns.timers);
	free(w);
}

#endif
