/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What outlives a process, for tests: records of one side in a list, written by
 * l2tp_changes and by nothing else; and the death of a side, after which all that there
 * is comes from these records.
 */
#ifndef L2XDP_TESTS_UNIT_L2TP_STORE_H
#define L2XDP_TESTS_UNIT_L2TP_STORE_H

#include <errno.h>

#include "tests/unit/l2tp_world.h"

enum kind { TUNNEL, MESSAGE, CALL, RESTING, KINDS };

struct record {
	struct record *next;
	enum kind kind;
	uint16_t tunnel;
	uint32_t number; /* serial or session ID */
	msec_t since; /* of a resting one */
	size_t len;
	uint8_t data[];
};

struct store {
	struct side *side;
	struct record *first;
	unsigned int n[KINDS], writes[KINDS], deletes[KINDS];
	unsigned int refused; /* records that could not be restored */
};

static UNUSED void store_drop(struct store *s, enum kind kind, uint16_t tunnel, uint32_t number)
{
	for (struct record **at = &s->first; *at; at = &(*at)->next) {
		struct record *r = *at;

		if (r->kind != kind || r->tunnel != tunnel || r->number != number)
			continue;
		*at = r->next;
		free(r);
		s->n[kind]--;
		return;
	}
}

/* In order of kind, tunnel and number, as the real one keeps them; resting by time. */
static UNUSED void store_write(struct store *s, enum kind kind, uint16_t tunnel, uint32_t number,
			       const uint8_t *rec, size_t len)
{
	struct record *r = malloc(sizeof(*r) + len), **at = &s->first;

	assert_non_null(r);
	assert_true(len || kind == RESTING);
	if (kind != RESTING)
		store_drop(s, kind, tunnel, number);
	*r = (struct record){ .kind = kind,
			      .tunnel = tunnel,
			      .number = number,
			      .since = s->side->world->now,
			      .len = len };
	if (len)
		memcpy(r->data, rec, len);
	while (*at &&
	       ((*at)->kind < kind ||
		((*at)->kind == kind && (kind == RESTING || (*at)->tunnel < tunnel ||
					 ((*at)->tunnel == tunnel && (*at)->number < number)))))
		at = &(*at)->next;
	r->next = *at;
	*at = r;
	s->n[kind]++;
	s->writes[kind]++;
}

static UNUSED void store_tunnel(void *arg, const struct l2tp_tunnel *t, uint16_t id,
				const uint8_t *rec, size_t len)
{
	struct store *s = arg;

	assert_int_equal(!t, !len);
	assert_true(len <= L2TP_MAX_RECORD);
	if (len) {
		store_write(s, TUNNEL, id, 0, rec, len);
	} else {
		s->deletes[TUNNEL]++;
		store_drop(s, TUNNEL, id, 0);
	}
}

static UNUSED void store_message(void *arg, uint16_t tunnel_id, uint32_t serial, const uint8_t *rec,
				 size_t len)
{
	struct store *s = arg;

	assert_true(len <= L2TP_MAX_RECORD);
	if (len) {
		store_write(s, MESSAGE, tunnel_id, serial, rec, len);
	} else {
		s->deletes[MESSAGE]++;
		store_drop(s, MESSAGE, tunnel_id, serial);
	}
}

static UNUSED void store_call(void *arg, struct l2tp_call *c, uint16_t tunnel_id,
			      uint16_t session_id)
{
	uint8_t rec[L2TP_MAX_CALL_RECORD];
	struct store *s = arg;

	if (c) {
		store_write(s, CALL, tunnel_id, session_id, rec,
			    l2tp_call_save(c, rec, sizeof(rec)));
	} else {
		s->deletes[CALL]++;
		store_drop(s, CALL, tunnel_id, session_id);
	}
}

static UNUSED void store_resting(void *arg, uint16_t tunnel_id, uint16_t session_id)
{
	struct store *s = arg;

	for (struct record *r = s->first, *next; r; r = next) { /* those that have rested */
		next = r->next;
		if (r->kind == RESTING && s->side->world->now - r->since > L2TP_REST_MS)
			store_drop(s, RESTING, r->tunnel, r->number);
	}
	store_write(s, RESTING, tunnel_id, session_id, NULL, 0);
}

static const struct l2tp_changes store_changes = { .tunnel = store_tunnel,
						   .message = store_message,
						   .call = store_call,
						   .resting = store_resting };

static UNUSED void store_commit(struct store *s)
{
	l2tp_changes(s->side->ep, &store_changes, s);
}

static UNUSED void store_free(struct store *s)
{
	while (s->first) {
		struct record *r = s->first;

		s->first = r->next;
		free(r);
	}
}

/* The next process of this side, from the records alone. */
static UNUSED void store_restore(struct store *s, bool ask)
{
	struct l2tp_limits limits = s->side->ep->limits;
	struct side *side = s->side;
	msec_t now = side->world->now;
	struct l2tp_tunnel *t;
	struct l2tp_call *c;

	l2tp_endpoint_abandon(side->ep);
	assert_int_equal(timers_next(&side->timers), TIMERS_NEVER);
	side->tunnel = NULL;
	side->call = NULL;
	side->ep = l2tp_endpoint_new(&limits, &side->ops, side, &side->timers);
	assert_non_null(side->ep);
	for (struct record *r = s->first; r; r = r->next)
		if (r->kind == RESTING && now - r->since < L2TP_REST_MS)
			l2tp_rest(side->ep, r->tunnel, (uint16_t)r->number, r->since);
	for (struct record *r = s->first; r; r = r->next) {
		int ret = 0;

		if (r->kind == TUNNEL) {
			ret = l2tp_tunnel_restore(side->ep, now, &side->peer, r->data, r->len, &t);
			if (!ret && !t->gone)
				side->tunnel = t;
		}
		t = idmap_get(&side->ep->tunnels, r->tunnel);
		if (r->kind == MESSAGE)
			ret = t ? l2tp_message_restore(t, r->number, r->data, r->len) : -ENOENT;
		if (r->kind == CALL)
			ret = t ? l2tp_call_restore(t, now, r->data, r->len, NULL, &c) : -ENOENT;
		s->refused += ret < 0;
	}
	l2tp_restored(side->ep, now, ask);
}

#endif
