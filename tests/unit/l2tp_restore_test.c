/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What outlives the process. A dialogue of two sides is played again and again; each time
 * one of them dies at another event, in one of three moments: before its records are
 * written, before what it wanted to send has left, or after that. A new one is made of the
 * records, and the dialogue must go on as if nothing had been.
 */
#include "tests/unit/l2tp_store.h"

enum moment { UNWRITTEN, UNSENT, IDLE, MOMENTS };

#define CALLS 3u

struct play {
	struct world *w;
	struct store store;
	unsigned int side; /* who dies */
	unsigned int at; /* at which event */
	enum moment moment;
	unsigned int events;
	bool died;
};

static bool lose(struct world *w, unsigned int from, uint16_t type, const uint8_t *msg, size_t len)
{
	struct play *p = w->user;

	(void)type;
	(void)msg;
	(void)len;
	return from != p->side;
}

/* One event, and perhaps the end of a process. */
static bool play_step(struct play *p, msec_t until)
{
	bool now = p->events == p->at, happened;

	if (now && p->moment != IDLE)
		p->w->filter = lose;
	happened = world_step(p->w, until);
	p->w->filter = NULL;
	if (!happened)
		return false;
	p->events++;
	if (!now || p->moment != UNWRITTEN)
		store_commit(&p->store);
	if (now) {
		p->died = true;
		store_restore(&p->store, p->at & 1);
		assert_int_equal(p->store.refused, 0);
	}
	return true;
}

static void play_run(struct play *p, msec_t span)
{
	msec_t until = p->w->now + span;

	while (play_step(p, until))
		;
	p->w->now = until;
}

static struct l2tp_tunnel *only_tunnel(struct play *p, unsigned int side)
{
	struct l2tp_endpoint *ep = p->w->side[side].ep;

	assert_int_equal(ep->live.n, 1);
	return ep->live.first;
}

/* Both sides hold the same tunnel and the same calls, all established. */
static void all_up(struct play *p, unsigned int calls)
{
	struct l2tp_tunnel *lac = only_tunnel(p, LAC), *lns = only_tunnel(p, LNS);

	assert_int_equal(lac->state, L2TP_T_ESTABLISHED);
	assert_int_equal(lns->state, L2TP_T_ESTABLISHED);
	assert_int_equal(lac->id, lns->peer_id);
	assert_int_equal(lns->id, lac->peer_id);
	assert_int_equal(lac->n_calls, calls);
	assert_int_equal(lns->n_calls, calls);
	assert_int_equal(lac->rel.queued, 0);
	assert_int_equal(lns->rel.queued, 0);
	assert_string_equal(l2tp_tunnel_hostname(lac), "lns.example");
	assert_string_equal(l2tp_tunnel_hostname(lns), "lac.example");
	for (struct l2tp_call *c = lac->first_call; c; c = c->next) {
		struct l2tp_shard *shard = endpoint_shard(lns->ep, lns);
		struct l2tp_call *other = idmap_get(&shard->calls, c->peer_id);

		assert_non_null(other);
		assert_ptr_equal(other->tunnel, lns);
		assert_int_equal(other->peer_id, c->id);
		assert_int_equal(c->state, L2TP_CS_ESTABLISHED);
		assert_int_equal(other->state, L2TP_CS_ESTABLISHED);
		assert_int_equal(other->info->serial, c->info->serial);
		assert_string_equal(other->info->calling, "5550100");
		assert_null(c->offer);
	}
}

static void open_call(struct play *p, uint32_t serial)
{
	struct l2tp_call_info info = { .serial = serial,
				       .framing = 1,
				       .has_proxy_auth = true,
				       .proxy_auth_type = 3,
				       .calling = "5550100" };

	memcpy(info.proxy_name, "joe", info.proxy_name_len = 3);
	memcpy(info.proxy_response, "hunter2", info.proxy_response_len = 7);
	assert_non_null(l2tp_call_open(only_tunnel(p, LAC), p->w->now, &info, NULL));
	store_commit(&p->store);
}

/* Set-up, calls, Hellos, one call more and one less, the end. `closer` ends things. */
static void dialogue(struct play *p, unsigned int closer)
{
	const struct l2tp_reason why = { .result = L2TP_CDN_ADMIN, .text = "enough" };
	struct world *w = p->w;

	assert_non_null(world_open(w, LAC));
	for (uint32_t i = 0; i < CALLS; i++)
		open_call(p, i);
	play_run(p, 55000);
	all_up(p, CALLS);
	play_run(p, 30000); /* Hellos */
	all_up(p, CALLS);
	l2tp_call_close(only_tunnel(p, closer)->first_call, w->now, &why);
	store_commit(&p->store);
	open_call(p, 7);
	play_run(p, 40000);
	all_up(p, CALLS);
	l2tp_tunnel_close(only_tunnel(p, closer), w->now, &why);
	store_commit(&p->store);
	play_run(p, 120000);
	for (unsigned int side = 0; side < 2; side++) {
		assert_int_equal(w->side[side].ep->live.n, 0);
		assert_int_equal(w->side[side].ep->n_stopped, 0);
		assert_in_range(w->side[side].tunnels_gone, 1, 1 + (p->moment == UNWRITTEN));
	}
	assert_int_equal(p->store.n[TUNNEL] + p->store.n[MESSAGE] + p->store.n[CALL], 0);
	if (p->moment != UNWRITTEN) { /* else the dead one's news count twice */
		assert_int_equal(w->side[LNS].calls_asked, CALLS + 1);
		assert_int_equal(w->side[LNS].calls_up, CALLS + 1);
		assert_int_equal(w->side[LAC].calls_up, CALLS + 1);
		assert_int_equal(w->side[LNS].calls_down, CALLS + 1);
		assert_int_equal(w->side[LAC].calls_down, CALLS + 1);
		assert_int_equal(w->side[LNS].tunnels_up, 1);
	}
}

/* False when the dialogue has no such event. */
static bool play(unsigned int side, unsigned int at, enum moment moment, unsigned int closer,
		 unsigned int loss)
{
	struct world *w = world_new(NULL);
	struct play p = { .w = w,
			  .store = { .side = &w->side[side] },
			  .side = side,
			  .at = at,
			  .moment = moment };

	world_secret(w, "l2tp-secret", "l2tp-secret");
	w->side[LAC].peer.hello_ms = 20000;
	w->side[LNS].peer.hello_ms = 15000;
	w->loss = loss;
	w->duplicate = loss ? 5 : 0;
	w->user = &p;
	dialogue(&p, closer);
	store_free(&p.store);
	world_free(w);
	return p.died;
}

static void deaths(unsigned int side, unsigned int closer, unsigned int loss)
{
	for (unsigned int moment = 0; moment < MOMENTS; moment++) {
		unsigned int at = 0;

		while (play(side, at, moment, closer, loss))
			at++;
		assert_in_range(at, 30, 2000);
	}
}

static void the_lns_dies_at_every_event(void **state)
{
	(void)state;
	deaths(LNS, LAC, 0);
	deaths(LNS, LNS, 0);
}

static void the_lac_dies_at_every_event(void **state)
{
	(void)state;
	deaths(LAC, LAC, 0);
	deaths(LAC, LNS, 0);
}

static void a_side_dies_at_every_event_on_a_bad_network(void **state)
{
	(void)state;
	deaths(LNS, LNS, 3);
	deaths(LAC, LNS, 3);
}

/* ---- one thing at a time, the peer played by the test ---- */

struct lone {
	struct world *w;
	struct side *s;
	struct store store;
};

static void lone_new(struct lone *l, unsigned int side)
{
	*l = (struct lone){ .w = world_new(NULL) };
	l->w->capture = true;
	l->s = &l->w->side[side];
	l->store.side = l->s;
}

static void lone_restart(struct lone *l)
{
	store_commit(&l->store);
	store_restore(&l->store, false);
	assert_int_equal(l->store.refused, 0);
}

static void lone_free(struct lone *l)
{
	store_free(&l->store);
	world_free(l->w);
}

/* V2-CC-4: the seed of the hashes is another one now. */
static void a_repeated_sccrq_is_known_after_a_restart(void **state)
{
	struct lone l;

	(void)state;
	lone_new(&l, LNS);
	raw_sccrq(l.w, LNS, 77, NULL);
	lone_restart(&l);
	raw_sccrq(l.w, LNS, 77, NULL);
	assert_int_equal(l.s->tunnels_new, 1);
	assert_int_equal(l.s->ep->live.n, 1);
	assert_int_equal(counter(l.s, L2TP_C_DUPLICATE), 1);
	lone_free(&l);
}

/* V2-CALL-5: the ICRP arrived, and nothing comes of it. */
static void a_call_that_does_not_get_on_ends_after_a_restart(void **state)
{
	struct l2tp_build b;
	struct lone l;

	(void)state;
	lone_new(&l, LNS);
	raw_call(l.w, raw_up(l.w), 5, false);
	lone_restart(&l);
	/* a Hello acknowledges it */
	raw_send(l.w, LNS, l.s->tunnel, &b, raw_message(&b, 0, L2TP_HELLO, 0), 0);
	assert_false(reliable_outstanding(&l.s->tunnel->rel));
	world_run(l.w, 55000);
	assert_int_equal(l.s->calls_down, 0);
	lone_restart(&l); /* it begins anew */
	world_run(l.w, 50000);
	assert_int_equal(l.s->calls_down, 0);
	world_run(l.w, 10000);
	assert_int_equal(l.s->calls_down, 1);
	assert_int_equal(l.s->call_why.result, L2TP_CDN_TIMEOUT);
	lone_free(&l);
}

/* the ICRP of a call that we ended is no fault of the peer's. */
static void an_icrp_that_crossed_our_cdn_is_passed_over_after_a_restart(void **state)
{
	struct l2tp_call_info info = { .framing = 1 };
	struct l2tp_tunnel *t;
	struct l2tp_build b;
	struct lone l;

	(void)state;
	lone_new(&l, LAC);
	l.w->capture = false;
	t = world_up(l.w);
	l.w->capture = true;
	l2tp_call_close(l2tp_call_open(t, l.w->now, &info, NULL), l.w->now,
			&(struct l2tp_reason){ .result = 3 });
	lone_restart(&l);
	raw_send(l.w, LAC, l.s->tunnel, &b, raw_message(&b, 4711, L2TP_ICRP, 9), 0);
	assert_int_equal(counter(l.s, L2TP_C_SENT_CDN), 0);
	lone_free(&l);
}

/* ---- what is reported ---- */

struct scene {
	struct world *w;
	struct side *s;
	struct store store;
	struct l2tp_tunnel *t; /* the LAC's */
};

static void scene_new(struct scene *sc, unsigned int side)
{
	*sc = (struct scene){ .w = world_new(NULL) };
	sc->s = &sc->w->side[side];
	sc->store.side = sc->s;
	sc->t = world_up(sc->w);
	store_commit(&sc->store);
}

static void scene_free(struct scene *sc)
{
	store_free(&sc->store);
	world_free(sc->w);
}

static void forget_writes(struct store *s)
{
	memset(s->writes, 0, sizeof(s->writes));
	memset(s->deletes, 0, sizeof(s->deletes));
}

static void a_call_between_two_reports_leaves_its_rest_alone(void **state)
{
	const struct l2tp_reason why = { .result = L2TP_CDN_ADMIN };
	struct scene sc;
	struct l2tp_call *c;
	uint16_t id;

	(void)state;
	scene_new(&sc, LAC);
	forget_writes(&sc.store);
	c = world_call(sc.w, sc.t);
	id = c->id;
	l2tp_call_close(c, sc.w->now, &why);
	world_run(sc.w, 500);
	store_commit(&sc.store);
	assert_int_equal(sc.store.writes[CALL] + sc.store.deletes[CALL], 0);
	assert_int_equal(sc.store.writes[MESSAGE] + sc.store.deletes[MESSAGE], 0);
	assert_int_equal(sc.store.writes[RESTING], 1);
	assert_int_equal(sc.store.writes[TUNNEL], 1);
	for (struct record *r = sc.store.first; r; r = r->next)
		if (r->kind == RESTING)
			assert_int_equal(r->number, id);
	store_commit(&sc.store);
	assert_int_equal(sc.store.writes[TUNNEL], 1); /* each once */
	/* a tunnel, too */
	assert_non_null(world_open(sc.w, LAC));
	l2tp_tunnel_close(sc.w->side[LAC].tunnel, sc.w->now, &why);
	sc.w->cut = true;
	world_run(sc.w, 70000);
	forget_writes(&sc.store);
	store_commit(&sc.store);
	assert_int_equal(sc.store.deletes[TUNNEL], 0);
	scene_free(&sc);
}

static bool close_all(void *arg, struct l2tp_call *c)
{
	const struct l2tp_reason why = { .result = L2TP_CDN_ADMIN };

	l2tp_call_close(c, ((struct world *)arg)->now, &why);
	return true;
}

/* A row of 1000 CDN that wait for the window is written once. */
static void a_report_costs_what_changed(void **state)
{
	struct l2tp_call_info info = { .framing = 1 };
	struct scene sc;

	(void)state;
	scene_new(&sc, LNS);
	for (unsigned int i = 0; i < 1000; i++)
		l2tp_call_open(sc.t, sc.w->now, &info, NULL);
	world_run(sc.w, 10000);
	assert_int_equal(sc.s->calls_up, 1000);
	store_commit(&sc.store);
	assert_int_equal(sc.store.n[CALL], 1000);
	forget_writes(&sc.store);
	l2tp_calls_visit(sc.s->tunnel, close_all, sc.w);
	store_commit(&sc.store);
	assert_int_equal(sc.store.writes[MESSAGE], 1000);
	assert_int_equal(sc.store.deletes[CALL], 1000);
	while (reliable_outstanding(&sc.s->tunnel->rel)) {
		forget_writes(&sc.store);
		assert_true(world_step(sc.w, sc.w->now + 10000));
		store_commit(&sc.store);
		assert_true(sc.store.writes[MESSAGE] <= 2); /* those that left */
		assert_true(sc.store.writes[TUNNEL] <= 1);
	}
	assert_int_equal(sc.store.n[MESSAGE] + sc.store.n[CALL], 0);
	assert_int_equal(sc.t->n_calls, 0);
	scene_free(&sc);
}

/* In the middle of that row: what was sent keeps its Ns, what was not its order. */
static void a_long_row_survives(void **state)
{
	struct l2tp_call_info info = { .framing = 1 };
	struct scene sc;

	(void)state;
	scene_new(&sc, LNS);
	for (unsigned int i = 0; i < 200; i++)
		l2tp_call_open(sc.t, sc.w->now, &info, NULL);
	world_run(sc.w, 10000);
	l2tp_calls_visit(sc.s->tunnel, close_all, sc.w);
	store_commit(&sc.store);
	for (unsigned int i = 0; i < 60; i++) {
		world_step(sc.w, sc.w->now + 10000);
		store_commit(&sc.store);
		store_restore(&sc.store, false);
		assert_int_equal(sc.store.refused, 0);
	}
	assert_true(sc.s->tunnel->rel.queued > 20);
	world_run(sc.w, 60000);
	assert_int_equal(sc.t->n_calls, 0);
	assert_int_equal(sc.w->side[LAC].calls_down, 200);
	assert_int_equal(sc.w->side[LAC].ep->live.n, 1);
	scene_free(&sc);
}

/* ICCN jumps the queue of ICRQ; after a restart, too. */
static void who_jumped_the_queue_stays_there(void **state)
{
	struct l2tp_call_info info = { .framing = 1 };
	struct scene sc;
	unsigned int first = 0;
	bool row_began = false;

	(void)state;
	scene_new(&sc, LAC);
	for (unsigned int i = 0; i < 300; i++)
		l2tp_call_open(sc.t, sc.w->now, &info, NULL);
	do {
		const struct rel_message *m;

		assert_true(world_step(sc.w, sc.w->now + 10000));
		m = sc.t->rel.queue;
		while (m && m->sent)
			m = m->next;
		row_began = m && m->first;
	} while (!row_began);
	row_began = false;
	store_commit(&sc.store);
	store_restore(&sc.store, false);
	for (struct rel_message *m = sc.s->tunnel->rel.queue; m; m = m->next) {
		if (m->sent) {
			assert_false(row_began);
			continue;
		}
		if (m->first) {
			assert_false(row_began);
			first++;
		}
		row_began |= !m->first;
	}
	assert_true(first > 0);
	world_run(sc.w, 60000);
	assert_int_equal(sc.w->side[LNS].calls_up, 300);
	assert_int_equal(sc.w->side[LNS].calls_asked, 300);
	scene_free(&sc);
}

static void a_resting_identifier_is_not_handed_out(void **state)
{
	struct world *w = world_new(NULL);
	struct side *s = &w->side[LAC];
	bool early = false, late = false;

	(void)state;
	for (uint16_t id = 1; id <= L2TP_IDS; id++) /* all but one rest for long */
		assert_int_equal(l2tp_rest(s->ep, id, 0, w->now - (id == 500 ? 30000 : 0)), 0);
	assert_int_equal(l2tp_rest(s->ep, 500, 0, w->now), -EEXIST);
	assert_int_equal(l2tp_rest(s->ep, 65535, 0, w->now), -EBADMSG);
	assert_int_equal(l2tp_rest(s->ep, 9, 65535, w->now), -EBADMSG);
	assert_int_equal(l2tp_rest(s->ep, 9, 9, UINT64_MAX - 5), 0);
	l2tp_restored(s->ep, w->now, false);
	early = world_open(w, LAC);
	w->now += 1001;
	late = world_open(w, LAC);
	assert_false(early);
	assert_true(late);
	assert_int_equal(s->tunnel->id, 500);
	/* a time of the future is none: it ends 31 s from the start at the latest */
	assert_int_equal(ids_ready(s->ep->shards[0].ids, w->now + L2TP_REST_MS), L2TP_IDS);
	world_free(w);
}

/* After a reboot: who has forgotten us is found by a Hello that has no answer. */
static void a_peer_that_forgot_us_is_noticed(void **state)
{
	struct scene sc;

	(void)state;
	scene_new(&sc, LNS);
	world_call(sc.w, sc.t);
	store_commit(&sc.store);
	sc.w->cut = true;
	sc.w->now += 5000;
	store_restore(&sc.store, true);
	assert_int_equal(sc.s->ep->live.n, 1);
	world_run(sc.w, 40000);
	assert_int_equal(sc.s->tunnels_gone, 1);
	assert_int_equal(sc.s->calls_down, 1);
	assert_string_equal(sc.s->tunnel_why.text, "no answer to HELLO");
	store_commit(&sc.store);
	assert_int_equal(sc.store.n[TUNNEL] + sc.store.n[CALL] + sc.store.n[MESSAGE], 0);
	scene_free(&sc);
}

static void connections_speak_within_a_second_and_not_at_once(void **state)
{
	struct l2tp_limits limits = { .half_open = 2000, .half_open_source = 2000 };
	struct world *w = world_new(&limits);
	struct store store = { .side = &w->side[LNS] };
	unsigned int most = 0, before;

	(void)state;
	for (unsigned int i = 0; i < 500; i++)
		world_open(w, LAC);
	world_run(w, 1000);
	assert_int_equal(store.side->tunnels_up, 500);
	store_commit(&store);
	store_restore(&store, true);
	before = w->seen[LNS][L2TP_HELLO];
	for (unsigned int i = 0; i < 20; i++) {
		unsigned int seen = w->seen[LNS][L2TP_HELLO];

		world_run(w, 50);
		if (w->seen[LNS][L2TP_HELLO] - seen > most)
			most = w->seen[LNS][L2TP_HELLO] - seen;
	}
	assert_int_equal(w->seen[LNS][L2TP_HELLO] - before, 500);
	assert_true(most < 60);
	store_free(&store);
	world_free(w);
}

/* ---- records that are damaged or missing ---- */

/* A message whose record is lost: a Hello with its Ns keeps the connection. */
static void a_lost_message_record_does_not_cost_the_tunnel(void **state)
{
	struct scene sc;
	struct l2tp_call *c;

	(void)state;
	scene_new(&sc, LNS);
	c = world_call(sc.w, sc.t);
	sc.w->cut = true;
	l2tp_call_close(sc.s->call, sc.w->now, &(struct l2tp_reason){ .result = 3 });
	store_commit(&sc.store);
	assert_int_equal(sc.store.n[MESSAGE], 1);
	store_drop(&sc.store, MESSAGE, sc.s->tunnel->id, sc.s->tunnel->rel.serial);
	store_restore(&sc.store, false);
	sc.w->cut = false;
	world_run(sc.w, 5000);
	assert_int_equal(sc.s->ep->live.n, 1);
	assert_false(reliable_outstanding(&sc.s->tunnel->rel));
	l2tp_call_close(c, sc.w->now, &(struct l2tp_reason){ .result = 3 });
	world_run(sc.w, 5000);
	assert_int_equal(sc.w->side[LAC].ep->live.n, 1);
	assert_false(reliable_outstanding(&sc.t->rel));
	scene_free(&sc);
}

/* Records of many kinds: the LAC's, in the middle of set-up and of calls. */
static void fill(struct scene *sc)
{
	struct l2tp_call_info info = { .framing = 1,
				       .calling = "5550100",
				       .has_proxy_auth = true,
				       .proxy_auth_type = 3,
				       .proxy_name = "joe",
				       .proxy_name_len = 3,
				       .proxy_response = "hunter2",
				       .proxy_response_len = 7 };

	scene_new(sc, LAC);
	world_secret(sc->w, "s", "s");
	sc->s->peer.single_tunnel = true;
	l2tp_call_open(sc->t, sc->w->now, &info, NULL);
	world_run(sc->w, 500);
	sc->w->cut = true;
	for (unsigned int i = 0; i < 2; i++)
		l2tp_call_open(sc->t, sc->w->now, &info, NULL);
	l2tp_call_open(world_open(sc->w, LAC), sc->w->now, &info, NULL);
	l2tp_tunnel_close(world_open(sc->w, LAC), sc->w->now, &(struct l2tp_reason){ .result = 1 });
	store_commit(&sc->store);
	assert_int_equal(sc->store.n[TUNNEL], 3);
	assert_int_equal(sc->store.n[CALL], 4);
	assert_true(sc->store.n[MESSAGE] >= 4);
}

/* One record is other than it was written; the new process lives with what it gets. */
static void try_damage(struct scene *sc, struct record *r, bool must_refuse)
{
	unsigned int refused = sc->store.refused;

	store_restore(&sc->store, false);
	if (must_refuse)
		assert_true(sc->store.refused > refused);
	world_run(sc->w, 1000);
	(void)r;
}

static void mend_check(struct record *r)
{
	struct writer w = writer_of(r->data + r->len - 4, 4);

	writer_u32(&w, record_check(r->data, r->len - 4));
}

static void every_truncation_and_every_flipped_bit(void **state)
{
	uint8_t keep[L2TP_MAX_RECORD];
	struct scene sc;

	(void)state;
	fill(&sc);
	for (struct record *r = sc.store.first; r; r = r->next) {
		size_t len = r->len;

		memcpy(keep, r->data, len);
		for (size_t n = 1; n < len; n += n < len - 8 ? 7 : 1) {
			r->len = n;
			try_damage(&sc, r, true);
		}
		r->len = len;
		for (size_t bit = 0; bit < len * 8; bit++) {
			r->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			if (bit % 32 == 3)
				try_damage(&sc, r, true);
			/* deeper: past the check; of messages' octets now and then one */
			if (bit / 8 < len - 4 && (r->kind != MESSAGE || bit % 11 < 2)) {
				mend_check(r);
				try_damage(&sc, r, false);
			}
			memcpy(r->data, keep, len);
		}
	}
	sc.store.refused = 0;
	store_restore(&sc.store, false);
	assert_int_equal(sc.store.refused, 0);
	scene_free(&sc);
}

static struct record *find_record(struct store *s, enum kind kind)
{
	struct record *r = s->first;

	while (r && r->kind != kind)
		r = r->next;
	assert_non_null(r);
	return r;
}

static void duplicates_and_identifiers_out_of_range_are_refused(void **state)
{
	struct l2tp_tunnel *t;
	struct record *r;
	struct l2tp_call *c;
	struct scene sc;

	(void)state;
	fill(&sc);
	store_restore(&sc.store, false);
	r = find_record(&sc.store, TUNNEL);
	assert_int_equal(l2tp_tunnel_restore(sc.s->ep, sc.w->now, &sc.s->peer, r->data, r->len, &t),
			 -EEXIST);
	r = find_record(&sc.store, CALL);
	t = idmap_get(&sc.s->ep->tunnels, r->tunnel);
	assert_int_equal(l2tp_call_restore(t, sc.w->now, r->data, r->len, NULL, &c), -EEXIST);
	r = find_record(&sc.store, MESSAGE);
	t = idmap_get(&sc.s->ep->tunnels, r->tunnel);
	assert_int_equal(l2tp_message_restore(t, r->number, r->data, r->len), -EEXIST);
	assert_int_equal(l2tp_message_restore(t, r->number + 1, r->data, r->len), -EBADMSG);
	r = find_record(&sc.store, TUNNEL);
	for (unsigned int id = 0; id <= 65535; id += 65535) {
		r->data[1] = (uint8_t)(id >> 8);
		r->data[2] = (uint8_t)id;
		mend_check(r);
		assert_int_equal(
			l2tp_tunnel_restore(sc.s->ep, sc.w->now, &sc.s->peer, r->data, r->len, &t),
			-EBADMSG);
	}
	scene_free(&sc);
}

static void a_record_tells_whether_its_tunnel_goes_on(void **state)
{
	struct scene sc;
	struct record *r;

	(void)state;
	fill(&sc);
	r = find_record(&sc.store, TUNNEL);
	assert_true(l2tp_tunnel_record_lives(r->data, r->len));
	assert_false(l2tp_tunnel_record_lives(r->data, r->len - 1));
	assert_int_equal(r->data[5], L2TP_T_ESTABLISHED);
	r->data[5] = L2TP_T_STOPPED;
	assert_false(l2tp_tunnel_record_lives(r->data, r->len)); /* damaged */
	mend_check(r);
	assert_false(l2tp_tunnel_record_lives(r->data, r->len));
	scene_free(&sc);
}

/* The peer's configuration is read anew; secrets and windows are not in a record. */
static void secrets_are_in_no_record(void **state)
{
	struct scene sc;

	(void)state;
	scene_new(&sc, LNS);
	world_secret(sc.w, "l2tp-secret", "l2tp-secret");
	sc.t = world_open(sc.w, LAC);
	world_run(sc.w, 500);
	store_commit(&sc.store);
	for (struct record *r = sc.store.first; r; r = r->next)
		assert_null(memmem(r->data, r->len, "l2tp-secret", 11));
	scene_free(&sc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_lns_dies_at_every_event),
		cmocka_unit_test(the_lac_dies_at_every_event),
		cmocka_unit_test(a_side_dies_at_every_event_on_a_bad_network),
		cmocka_unit_test(a_repeated_sccrq_is_known_after_a_restart),
		cmocka_unit_test(a_call_that_does_not_get_on_ends_after_a_restart),
		cmocka_unit_test(an_icrp_that_crossed_our_cdn_is_passed_over_after_a_restart),
		cmocka_unit_test(a_call_between_two_reports_leaves_its_rest_alone),
		cmocka_unit_test(a_report_costs_what_changed),
		cmocka_unit_test(a_long_row_survives),
		cmocka_unit_test(who_jumped_the_queue_stays_there),
		cmocka_unit_test(a_resting_identifier_is_not_handed_out),
		cmocka_unit_test(a_peer_that_forgot_us_is_noticed),
		cmocka_unit_test(connections_speak_within_a_second_and_not_at_once),
		cmocka_unit_test(a_lost_message_record_does_not_cost_the_tunnel),
		cmocka_unit_test(every_truncation_and_every_flipped_bit),
		cmocka_unit_test(duplicates_and_identifiers_out_of_range_are_refused),
		cmocka_unit_test(a_record_tells_whether_its_tunnel_goes_on),
		cmocka_unit_test(secrets_are_in_no_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
