/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the caller may ask about tunnels and calls. */
#include <stdlib.h>

#include "loader/l2tp/engine.h"

uint16_t l2tp_tunnel_id(const struct l2tp_tunnel *t)
{
	return t->id;
}

uint16_t l2tp_tunnel_peer_id(const struct l2tp_tunnel *t)
{
	return t->peer_id;
}

const struct path *l2tp_tunnel_path(const struct l2tp_tunnel *t)
{
	return &t->path;
}

const struct l2tp_peer *l2tp_tunnel_peer(const struct l2tp_tunnel *t)
{
	return t->peer;
}

const char *l2tp_tunnel_state(const struct l2tp_tunnel *t)
{
	return l2tp_tunnel_state_names[t->state];
}

const char *l2tp_tunnel_hostname(const struct l2tp_tunnel *t)
{
	return t->hostname ? t->hostname : "";
}

const char *l2tp_tunnel_vendor(const struct l2tp_tunnel *t)
{
	return t->vendor ? t->vendor : "";
}

bool l2tp_tunnel_peer_ecn(const struct l2tp_tunnel *t)
{
	return t->peer_ecn;
}

msec_t l2tp_tunnel_since(const struct l2tp_tunnel *t)
{
	return t->since;
}

unsigned int l2tp_tunnel_calls(const struct l2tp_tunnel *t)
{
	return t->n_calls;
}

bool l2tp_tunnel_is_up(const struct l2tp_tunnel *t)
{
	return t->state == L2TP_T_ESTABLISHED;
}

bool l2tp_tunnel_outstanding(const struct l2tp_tunnel *t)
{
	return reliable_outstanding(&t->rel);
}

struct l2tp_tunnel *l2tp_tunnel_find(struct l2tp_endpoint *ep, uint16_t id)
{
	struct l2tp_tunnel *t = idmap_get(&ep->tunnels, id);

	return t && t->announced && !t->gone ? t : NULL;
}

/* What a visitor ends keeps its `next` and its memory until the walk is over. */
void l2tp_tunnels_visit(struct l2tp_endpoint *ep, bool (*fn)(void *arg, struct l2tp_tunnel *t),
			void *arg)
{
	endpoint_enter(ep);
	for (struct l2tp_tunnel *t = ep->live.first; t; t = t->next)
		if (!t->gone && t->announced && !fn(arg, t))
			break;
	endpoint_leave(ep);
}

void l2tp_calls_visit(struct l2tp_tunnel *t, bool (*fn)(void *arg, struct l2tp_call *c), void *arg)
{
	struct l2tp_endpoint *ep = t->ep;

	endpoint_enter(ep);
	for (struct l2tp_call *c = t->first_call; c; c = c->next)
		if (!c->down && !fn(arg, c))
			break;
	endpoint_leave(ep);
}

uint16_t l2tp_call_id(const struct l2tp_call *c)
{
	return c->id;
}

uint16_t l2tp_call_peer_id(const struct l2tp_call *c)
{
	return c->peer_id;
}

struct l2tp_tunnel *l2tp_call_tunnel(const struct l2tp_call *c)
{
	return c->tunnel;
}

const char *l2tp_call_state(const struct l2tp_call *c)
{
	return l2tp_call_state_names[c->state];
}

const struct l2tp_call_info *l2tp_call_info(const struct l2tp_call *c)
{
	return c->info;
}

void *l2tp_call_user(const struct l2tp_call *c)
{
	return c->user;
}

void l2tp_call_set_user(struct l2tp_call *c, void *user)
{
	c->user = user;
}

const uint64_t *l2tp_counters(const struct l2tp_endpoint *ep)
{
	return ep->counters;
}

void l2tp_counters_add(struct l2tp_endpoint *ep, const uint64_t add[L2TP_C_MAX])
{
	for (unsigned int i = 0; i < L2TP_C_MAX; i++)
		ep->counters[i] += add[i];
}
