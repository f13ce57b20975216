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
	struct l2tp_endpoint *ep = t->ep;

	if (t->dirty || t->dead)
		return;
	t->dirty = true;
	t->dirty_prev = NULL;
	t->dirty_next = ep->dirty_tunnels;
	if (t->dirty_next)
		t->dirty_next->dirty_prev = t;
	ep->dirty_tunnels = t;
}

void tunnel_unlist(struct l2tp_tunnel *t)
{
	if (!t->dirty)
		return;
	t->dirty = false;
	if (t->dirty_prev)
		t->dirty_prev->dirty_next = t->dirty_next;
	else
		t->ep->dirty_tunnels = t->dirty_next;
	if (t->dirty_next)
		t->dirty_next->dirty_prev = t->dirty_prev;
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
	struct l2tp_endpoint *ep = c->tunnel->ep;

	if (c->dirty || c->down)
		return;
	c->dirty = true;
	c->dirty_prev = NULL;
	c->dirty_next = ep->dirty_calls;
	if (c->dirty_next)
		c->dirty_next->dirty_prev = c;
	ep->dirty_calls = c;
}

void call_unlist(struct l2tp_call *c)
{
	if (!c->dirty)
		return;
	c->dirty = false;
	if (c->dirty_prev)
		c->dirty_prev->dirty_next = c->dirty_next;
	else
		c->tunnel->ep->dirty_calls = c->dirty_next;
	if (c->dirty_next)
		c->dirty_next->dirty_prev = c->dirty_prev;
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
	struct l2tp_tunnel *t;

	while ((t = ep->dirty_tunnels)) {
		/* its serials may begin anew: there is no record that has one */
		if (!t->rel.queue)
			t->rel.serial = 0;
		tunnel_unlist(t);
		t->saved = true;
		to->tunnel(arg, t, t->id, rec, tunnel_save(t, rec, sizeof(rec)));
	}
}

static void report_messages(struct l2tp_endpoint *ep, const struct l2tp_changes *to, void *arg)
{
	uint8_t rec[L2TP_MAX_RECORD];
	struct rel_message *m;
	size_t len = 0;

	while ((m = ep->env.dirty)) {
		len = message_save(m, rec, sizeof(rec));
		reliable_saved(m);
		to->message(arg, (uint16_t)m->owner->tunnel_id, m->serial, rec, len);
		explicit_bzero(rec, len);
	}
}

void l2tp_changes(struct l2tp_endpoint *ep, const struct l2tp_changes *to, void *arg)
{
	struct l2tp_call *c;

	report_gone(ep, to, arg);
	report_resting(ep, to, arg);
	report_tunnels(ep, to, arg);
	report_messages(ep, to, arg);
	while ((c = ep->dirty_calls)) {
		call_unlist(c);
		c->saved = true;
		to->call(arg, c, c->tunnel_id, c->id);
	}
}
