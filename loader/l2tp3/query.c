/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the caller may ask about control connections. */
#include "loader/l2tp3/engine.h"

uint32_t l2tp3_tunnel_id(const struct l2tp3_tunnel *t)
{
	return t->id;
}

uint16_t l2tp3_tunnel_low(const struct l2tp3_tunnel *t)
{
	return t->has_low ? (uint16_t)t->id : 0;
}

uint32_t l2tp3_tunnel_peer_id(const struct l2tp3_tunnel *t)
{
	return t->peer_id;
}

const struct path *l2tp3_tunnel_path(const struct l2tp3_tunnel *t)
{
	return &t->path;
}

const struct l2tp3_peer *l2tp3_tunnel_peer(const struct l2tp3_tunnel *t)
{
	return t->peer;
}

const char *l2tp3_tunnel_state(const struct l2tp3_tunnel *t)
{
	return l2tp3_tunnel_state_names[t->state];
}

const char *l2tp3_tunnel_hostname(const struct l2tp3_tunnel *t)
{
	return t->hostname ? t->hostname : "";
}

const char *l2tp3_tunnel_vendor(const struct l2tp3_tunnel *t)
{
	return t->vendor ? t->vendor : "";
}

msec_t l2tp3_tunnel_since(const struct l2tp3_tunnel *t)
{
	return t->since;
}

unsigned int l2tp3_tunnel_calls(const struct l2tp3_tunnel *t)
{
	return t->n_calls;
}

bool l2tp3_tunnel_is_up(const struct l2tp3_tunnel *t)
{
	return t->state == L2TP3_T_ESTABLISHED;
}

bool l2tp3_tunnel_is_initiator(const struct l2tp3_tunnel *t)
{
	return t->initiator;
}

struct l2tp3_tunnel *l2tp3_tunnel_find(struct l2tp3_endpoint *ep, uint32_t id)
{
	struct l2tp3_tunnel *t = l2tp3_any_tunnel(ep, id);

	return t && t->announced && !t->gone ? t : NULL;
}

/* What a visitor ends keeps its `next` and its memory until the walk is over. */
void l2tp3_tunnels_visit(struct l2tp3_endpoint *ep, bool (*fn)(void *arg, struct l2tp3_tunnel *t),
			 void *arg)
{
	uint64_t last = ep->n_made;

	l2tp3_enter(ep);
	for (struct l2tp3_tunnel *t = ep->first; t && t->order <= last; t = t->next)
		if (!t->gone && t->announced && !fn(arg, t))
			break;
	l2tp3_leave(ep);
}

const uint64_t *l2tp3_counters(const struct l2tp3_endpoint *ep)
{
	return ep->counters;
}
