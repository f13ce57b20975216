/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of the caller's records are older than what they tell of, as in l2tp/changes.c: what
 * changes enters a list, once; what ends after there was a record of it stays in another one
 * until l2tp3_changes has told so. A caller that never asks keeps no records and pays nothing.
 */
#include <stdlib.h>

#include "loader/l2tp3/engine.h"

/* ---- control connections ---- */

void conn_changed(struct l2tp3_tunnel *t)
{
	if (!t->dead)
		list_add(&t->ep->dirty_tunnels, &t->dirty);
}

void conn_die(struct l2tp3_tunnel *t)
{
	list_del(&t->dirty);
	t->next_dead = t->ep->dead_tunnels;
	t->ep->dead_tunnels = t;
}

/* ---- sessions ---- */

void call3_changed(struct l2tp3_call *c)
{
	if (!c->down)
		list_add(&c->tunnel->ep->dirty_calls, &c->dirty);
}

void call3_die(struct l2tp3_call *c)
{
	struct l2tp3_endpoint *ep = c->tunnel->ep;

	list_del(&c->dirty);
	c->next_dead = ep->dead_calls;
	ep->dead_calls = c;
}

/* ---- memory ---- */

void l2tp3_free_dead(struct l2tp3_endpoint *ep)
{
	while (ep->dead_calls) {
		struct l2tp3_call *c = ep->dead_calls;

		ep->dead_calls = c->next_dead;
		if (!c->saved) {
			call3_free(c);
			continue;
		}
		c->next_dead = ep->gone_calls;
		ep->gone_calls = c;
	}
	while (ep->dead_tunnels) {
		struct l2tp3_tunnel *t = ep->dead_tunnels;

		ep->dead_tunnels = t->next_dead;
		if (!t->saved) {
			conn_free(t);
			continue;
		}
		t->next_dead = ep->gone_tunnels;
		ep->gone_tunnels = t;
	}
}

void l2tp3_forget_gone(struct l2tp3_endpoint *ep)
{
	reliable_free_gone(&ep->env);
	while (ep->gone_calls) {
		struct l2tp3_call *c = ep->gone_calls;

		ep->gone_calls = c->next_dead;
		call3_free(c);
	}
	while (ep->gone_tunnels) {
		struct l2tp3_tunnel *t = ep->gone_tunnels;

		ep->gone_tunnels = t->next_dead;
		conn_free(t);
	}
}

/* ---- reports ---- */

static void report_gone(struct l2tp3_endpoint *ep, l2tp3_record_fn *fn, void *arg)
{
	for (const struct rel_message *m = ep->env.gone; m; m = m->next)
		fn(arg, L2TP3_R_MESSAGE, m->tunnel_id, m->serial, NULL, 0);
	for (const struct l2tp3_call *c = ep->gone_calls; c; c = c->next_dead)
		fn(arg, L2TP3_R_CALL, c->info.ours.id, 0, NULL, 0);
	for (const struct l2tp3_tunnel *t = ep->gone_tunnels; t; t = t->next_dead)
		fn(arg, L2TP3_R_TUNNEL, t->id, 0, NULL, 0);
	l2tp3_forget_gone(ep);
}

static void report_tunnels(struct l2tp3_endpoint *ep, l2tp3_record_fn *fn, void *arg)
{
	uint8_t rec[L2TP_MAX_RECORD];

	while (ep->dirty_tunnels) {
		struct l2tp3_tunnel *t =
			container_of(ep->dirty_tunnels, struct l2tp3_tunnel, dirty);

		/* its serials may begin anew: there is no record that has one */
		if (!t->rel.queue)
			t->rel.serial = 0;
		list_del(&t->dirty);
		t->saved = true;
		fn(arg, L2TP3_R_TUNNEL, t->id, 0, rec, conn_save(t, rec, sizeof(rec)));
	}
}

static void report_messages(struct l2tp3_endpoint *ep, l2tp3_record_fn *fn, void *arg)
{
	uint8_t rec[L2TP_MAX_RECORD];

	while (ep->env.dirty) {
		struct rel_message *m = container_of(ep->env.dirty, struct rel_message, dirty);
		size_t len = message3_save(m, rec, sizeof(rec));

		reliable_saved(m);
		fn(arg, L2TP3_R_MESSAGE, m->owner->tunnel_id, m->serial, rec, len);
	}
}

void l2tp3_changes(struct l2tp3_endpoint *ep, l2tp3_record_fn *fn, void *arg)
{
	uint8_t rec[L2TP_MAX_RECORD];

	report_gone(ep, fn, arg);
	report_tunnels(ep, fn, arg);
	report_messages(ep, fn, arg);
	while (ep->dirty_calls) {
		struct l2tp3_call *c = container_of(ep->dirty_calls, struct l2tp3_call, dirty);

		list_del(&c->dirty);
		c->saved = true;
		fn(arg, L2TP3_R_CALL, c->info.ours.id, 0, rec, call3_save(c, rec, sizeof(rec)));
	}
}
