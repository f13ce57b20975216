/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which of the caller's records are older than what they tell of. Every tunnel, call and
 * message of ours that changes enters a list, once; what ends after there was a record of
 * it stays, empty, in another one. l2tp_changes empties both. So it costs what changed, and
 * a caller that keeps no records never asks and pays nothing: what was never reported is
 * freed as it ends.
 */
#include <stdlib.h>

#include "loader/l2tp/engine.h"

void tunnel_changed(struct l2tp_tunnel *t)
{
	if (!t->dead)
		list_add(&t->ep->dirty_tunnels, &t->dirty);
}

void tunnel_retire(struct l2tp_tunnel *t)
{
	if (!t->saved) {
		tunnel_free(t);
		return;
	}
	t->next_dead = t->ep->gone_tunnels;
	t->ep->gone_tunnels = t;
}

void call_changed(struct l2tp_call *c)
{
	if (!c->down)
		list_add(&c->tunnel->ep->dirty_calls, &c->dirty);
}

void call_retire(struct l2tp_call *c)
{
	struct l2tp_endpoint *ep = c->tunnel->ep;

	if (!c->saved) {
		call_free(c);
		return;
	}
	c->next_dead = ep->gone_calls;
	ep->gone_calls = c;
}

void changes_forget(struct l2tp_endpoint *ep)
{
	reliable_free_gone(&ep->env);
	while (ep->gone_calls) {
		struct l2tp_call *c = ep->gone_calls;

		ep->gone_calls = c->next_dead;
		call_free(c);
	}
	while (ep->gone_tunnels) {
		struct l2tp_tunnel *t = ep->gone_tunnels;

		ep->gone_tunnels = t->next_dead;
		tunnel_free(t);
	}
}

/* ---- reports ---- */

static void report_gone(struct l2tp_endpoint *ep, const struct l2tp_changes *to, void *arg)
{
	for (const struct rel_message *m = ep->env.gone; m; m = m->next)
		to->message(arg, (uint16_t)m->tunnel_id, m->serial, NULL, 0);
	for (const struct l2tp_call *c = ep->gone_calls; c; c = c->next_dead)
		to->call(arg, NULL, c->tunnel_id, c->id);
	for (const struct l2tp_tunnel *t = ep->gone_tunnels; t; t = t->next_dead)
		to->tunnel(arg, NULL, t->id, NULL, 0);
	changes_forget(ep);
}

static void report_resting(struct l2tp_endpoint *ep, const struct l2tp_changes *to, void *arg)
{
	uint32_t note;
	uint16_t id;

	while ((id = ids_next_released(ep->tunnel_ids, &note)))
		to->resting(arg, id, 0);
	for (unsigned int i = 0; i < ep->limits.shards; i++)
		while (ep->shards[i].ids && (id = ids_next_released(ep->shards[i].ids, &note)))
			to->resting(arg, L2TP_NOTE_TUNNEL(note), id);
}

static void report_tunnels(struct l2tp_endpoint *ep, const struct l2tp_changes *to, void *arg)
{
	uint8_t rec[L2TP_MAX_RECORD];

	while (ep->dirty_tunnels) {
		struct l2tp_tunnel *t = container_of(ep->dirty_tunnels, struct l2tp_tunnel, dirty);

		/* its serials may begin anew: there is no record that has one */
		if (!t->rel.queue)
			t->rel.serial = 0;
		list_del(&t->dirty);
		t->saved = true;
		to->tunnel(arg, t, t->id, rec, tunnel_save(t, rec, sizeof(rec)));
	}
}

static void report_messages(struct l2tp_endpoint *ep, const struct l2tp_changes *to, void *arg)
{
	uint8_t rec[L2TP_MAX_RECORD];

	while (ep->env.dirty) {
		struct rel_message *m = container_of(ep->env.dirty, struct rel_message, dirty);
		size_t len = message_save(m, rec, sizeof(rec));

		reliable_saved(m);
		to->message(arg, (uint16_t)m->owner->tunnel_id, m->serial, rec, len);
		explicit_bzero(rec, len);
	}
}

void l2tp_changes(struct l2tp_endpoint *ep, const struct l2tp_changes *to, void *arg)
{
	report_gone(ep, to, arg);
	report_resting(ep, to, arg);
	report_tunnels(ep, to, arg);
	report_messages(ep, to, arg);
	while (ep->dirty_calls) {
		struct l2tp_call *c = container_of(ep->dirty_calls, struct l2tp_call, dirty);

		list_del(&c->dirty);
		c->saved = true;
		to->call(arg, c, c->tunnel_id, c->id);
	}
}
