/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A world for tests of sessions of L2TPv3 alone: what they need of control connections is played
 * here (so this goes into one test, not beside endpoint.c), and what they send is read at once.
 */
#ifndef L2XDP_TESTS_UNIT_L2TP3_CALL_WORLD_H
#define L2XDP_TESTS_UNIT_L2TP3_CALL_WORLD_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loader/l2tp3/call_parts.h"

#define UNUSED __attribute__((unused))

/* ---- what engine.h asks of others ---- */

struct world {
	struct timers timers;
	struct l2tp3_ops ops;
	struct l2tp3_endpoint ep;
	struct l2tp3_peer peer;
	struct l2tp3_tunnel t;
	msec_t now;
	uint32_t chance;
	/* sent */
	unsigned int sent[L2TP_MESSAGE_LIMIT];
	struct l2tp3_message last;
	struct l2tp3_message last_cdn;
	unsigned int dead_links; /* conn_send that finds the connection lost, from so many on */
	/* told */
	unsigned int asked, news, down;
	struct l2tp3_call *call; /* the last one told of */
	struct l2tp3_call_info info; /* and what it was */
	struct l2tp_reason why;
	/* wanted */
	int result;
	struct l2tp3_call_config cfg;
	void (*on_request)(struct world *w);
	uint32_t taken_mask, taken_value; /* IDs of others */
};

void l2tp3_enter(struct l2tp3_endpoint *ep)
{
	ep->depth++;
}

void l2tp3_leave(struct l2tp3_endpoint *ep)
{
	if (--ep->depth)
		return;
	while (ep->dead_calls) {
		struct l2tp3_call *c = ep->dead_calls;

		ep->dead_calls = c->next_dead;
		call3_free(c);
	}
}

uint64_t l2tp3_hash_id(const struct l2tp3_endpoint *ep, uint32_t id)
{
	return hash_of(ep->seed, &id, sizeof(id));
}

void l2tp3_rest(struct l2tp3_rest *r, uint32_t id, msec_t now)
{
	r->id[r->next] = id;
	r->at[r->next] = now;
	r->next = (r->next + 1) % L2TP3_RESTING;
}

bool l2tp3_rests(const struct l2tp3_rest *r, uint32_t id, msec_t now)
{
	for (unsigned int i = 0; id && i < L2TP3_RESTING; i++)
		if (r->id[i] == id && now - r->at[i] < L2TP3_REST_MS)
			return true;
	return false;
}

uint32_t l2tp3_random32(struct l2tp3_endpoint *ep)
{
	uint32_t v;

	ep->ops->random(ep->ctx, &v, sizeof(v));
	return v;
}

void reason3_set(struct l2tp_reason *ret, uint16_t result, uint16_t error, const char *fmt, ...)
{
	va_list ap;

	*ret = (struct l2tp_reason){ .result = result, .error = error };
	va_start(ap, fmt);
	vsnprintf(ret->text, sizeof(ret->text), fmt, ap);
	va_end(ap);
}

struct l2tp3_tunnel *l2tp3_any_tunnel(const struct l2tp3_endpoint *ep, uint32_t id)
{
	struct world *w = ep->ctx;

	return id == w->t.id ? &w->t : NULL;
}

int l2tp3_no_tunnel(struct l2tp3_endpoint *ep, uint32_t id)
{
	(void)ep;
	(void)id;
	return -EBADMSG;
}

struct log_who conn_who(const struct l2tp3_tunnel *t)
{
	return (struct log_who){ .tunnel = t->id };
}

bool conn_has_pw(const struct l2tp3_tunnel *t, uint16_t pw_type)
{
	for (unsigned int i = 0; i < t->n_caps; i++)
		if (t->caps[i] == pw_type)
			return true;
	return false;
}

void conn_build(struct l2tp3_tunnel *t, struct l2tp3_builder *b, uint16_t type)
{
	l2tp3_build(b, 3, type, t->peer_id, &t->auth);
}

void conn_send(struct l2tp3_tunnel *t, msec_t now, struct l2tp3_builder *b)
{
	struct world *w = t->ep->ctx;
	struct l2tp_reason lost = { .result = L2TP_STOP_GENERAL };

	assert_false(t->gone);
	assert_int_equal(l2tp3_build_end(b), 0);
	assert_int_equal(l2tp3_parse(b->buf, b->w.len, &t->auth, false, &w->last), L2TP3_P_OK);
	assert_int_equal(w->last.fault, 0);
	/* V3-AVP-4 */
	assert_true(l2tp3_has(&w->last, L2TP3_AVP_LOCAL_ID) && w->last.local_id);
	assert_true(l2tp3_has(&w->last, L2TP3_AVP_REMOTE_ID));
	assert_true(w->last.type < L2TP_MESSAGE_LIMIT);
	w->sent[w->last.type]++;
	if (w->last.type == L2TP_CDN)
		w->last_cdn = w->last;
	t->rel.taken++;
	if (w->dead_links && !--w->dead_links) {
		t->gone = true;
		calls3_down(t, now, &lost);
	}
}

void conn_changed(struct l2tp3_tunnel *t)
{
	(void)t;
}

void call3_changed(struct l2tp3_call *c)
{
	(void)c;
}

void call3_die(struct l2tp3_call *c)
{
	assert_true(c->down);
	c->next_dead = c->tunnel->ep->dead_calls;
	c->tunnel->ep->dead_calls = c;
}

size_t l2tp3_record_end(struct writer *w)
{
	return w->bad ? 0 : w->len;
}

/* ---- the caller ---- */

static UNUSED void op_random(void *ctx, void *buf, size_t n)
{
	struct world *w = ctx;
	uint8_t *p = buf;

	for (size_t i = 0; i < n; i++) {
		w->chance = w->chance * 1664525u + 1013904223u;
		p[i] = (uint8_t)(w->chance >> 24);
	}
}

static UNUSED bool op_id_taken(void *ctx, uint32_t id)
{
	struct world *w = ctx;

	return w->taken_mask && (id & w->taken_mask) == w->taken_value;
}

static UNUSED int op_call_request(void *ctx, struct l2tp3_call *c,
				  const struct l2tp3_call_info *info, struct l2tp3_call_config *ret,
				  struct l2tp_reason *ret_why)
{
	struct world *w = ctx;

	assert_ptr_equal(l2tp3_call_info(c), info);
	assert_ptr_equal(l2tp3_call_tunnel(c), &w->t);
	assert_false(info->initiator || info->ready || info->established);
	assert_true(info->peer.id);
	w->asked++;
	w->info = *info;
	if (w->on_request)
		w->on_request(w);
	*ret = w->cfg;
	if (w->result)
		snprintf(ret_why->text, sizeof(ret_why->text), "not this one");
	return w->result;
}

static UNUSED void op_call_news(void *ctx, struct l2tp3_call *c)
{
	struct world *w = ctx;

	assert_false(c->down);
	w->news++;
	w->call = c;
	w->info = *l2tp3_call_info(c);
}

static UNUSED void op_call_down(void *ctx, struct l2tp3_call *c, const struct l2tp_reason *why)
{
	struct world *w = ctx;

	w->down++;
	w->call = c;
	w->why = *why;
	/* V3-SES: the caller first, then the peer */
	assert_true(c->down);
}

static UNUSED struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	timers_init(&w->timers);
	w->now = 1000000;
	w->chance = 43;
	w->ops = (struct l2tp3_ops){ .random = op_random,
				     .id_taken = op_id_taken,
				     .call_request = op_call_request,
				     .call_news = op_call_news,
				     .call_down = op_call_down };
	w->ep = (struct l2tp3_endpoint){ .ops = &w->ops, .ctx = w, .timers = &w->timers };
	w->ep.limits.calls = 100;
	w->ep.seed = 99;
	w->t = (struct l2tp3_tunnel){
		.ep = &w->ep, .peer = &w->peer, .id = 0x77001122, .peer_id = 0x66003344
	};
	w->t.state = L2TP3_T_ESTABLISHED;
	w->t.caps[0] = L2TP3_PW_ETHERNET;
	w->t.n_caps = 1;
	w->cfg = (struct l2tp3_call_config){ .pw_type = L2TP3_PW_ETHERNET,
					     .end_id_len = 4,
					     .end_id = "wire",
					     .cookie_len = 8,
					     .active = true,
					     .user = w };
	return w;
}

static UNUSED void world_free(struct world *w)
{
	assert_int_equal(w->ep.depth, 0);
	l2tp3_enter(&w->ep);
	calls3_abandon(&w->t);
	l2tp3_leave(&w->ep);
	assert_int_equal(w->ep.n_calls, 0);
	assert_int_equal(w->t.n_calls, 0);
	assert_int_equal(w->t.half_open_calls, 0);
	assert_int_equal(w->t.asking_calls, 0);
	hashtab_free(&w->ep.calls);
	hashtab_free(&w->ep.calls_by_peer);
	timers_free(&w->timers);
	free(w);
}

static UNUSED void run(struct world *w, msec_t ms)
{
	w->now += ms;
	while (timers_next(&w->timers) <= w->now)
		timers_run(&w->timers, timers_next(&w->timers), 1);
}

/* ---- the peer ---- */

#define PEER_ID 0x0a0b0c0du

static UNUSED void has(struct l2tp3_message *m, unsigned int type)
{
	m->has[type / 64] |= 1ull << (type % 64);
}

/* A good one of its type. */
static UNUSED struct l2tp3_message message(uint16_t type, uint32_t local_id, uint32_t remote_id)
{
	struct l2tp3_message m = { .type = type, .local_id = local_id, .remote_id = remote_id };

	m.h.version = 3;
	has(&m, L2TP3_AVP_LOCAL_ID);
	has(&m, L2TP3_AVP_REMOTE_ID);
	if (type == L2TP_CDN) {
		m.reason.result = L2TP_CDN_ADMIN;
		has(&m, L2TP_AVP_RESULT_CODE);
	} else if (type != L2TP_WEN) {
		m.circuit = L2TP3_CIRCUIT_ACTIVE | L2TP3_CIRCUIT_NEW;
		has(&m, L2TP3_AVP_CIRCUIT);
	}
	if (type == L2TP_ICRQ || type == L2TP_OCRQ) {
		m.pw_type = L2TP3_PW_ETHERNET;
		m.end_id = reader_of("wire", 4);
		m.serial = 5;
		has(&m, L2TP3_AVP_PW_TYPE);
		has(&m, L2TP3_AVP_END_ID);
	}
	return m;
}

static UNUSED void give(struct world *w, struct l2tp3_message m)
{
	l2tp3_enter(&w->ep);
	call3_input(&w->t, w->now, &m);
	l2tp3_leave(&w->ep);
}

static UNUSED void give_plain(struct world *w, uint16_t type, uint32_t local_id, uint32_t remote_id)
{
	give(w, message(type, local_id, remote_id));
}

static UNUSED bool outgoing(enum l2tp3_role role)
{
	return role == L2TP3_ROLE_DIALLER || role == L2TP3_ROLE_DIALLED;
}

/* One session in this state; NULL: the role never rests there. */
static UNUSED struct l2tp3_call *call_in(struct world *w, enum l2tp3_role role, unsigned int state)
{
	bool asks = role == L2TP3_ROLE_CALLER || role == L2TP3_ROLE_DIALLER, out = outgoing(role);
	struct l2tp3_call *c;

	if (asks) {
		w->cfg.outgoing = out;
		c = l2tp3_call_open(&w->t, w->now, &w->cfg);
		assert_non_null(c);
		if (state != L2TP3_CS_WAIT_REPLY)
			give_plain(w, out ? L2TP_OCRP : L2TP_ICRP, PEER_ID, c->info.ours.id);
		if (state == L2TP3_CS_ESTABLISHED && out)
			give_plain(w, L2TP_OCCN, PEER_ID, c->info.ours.id);
	} else {
		give_plain(w, out ? L2TP_OCRQ : L2TP_ICRQ, PEER_ID, 0);
		c = w->t.first_call;
		assert_non_null(c);
		if (state == L2TP3_CS_ESTABLISHED && !out)
			give_plain(w, L2TP_ICCN, PEER_ID, c->info.ours.id);
	}
	return c->state == state ? c : NULL;
}

#endif
