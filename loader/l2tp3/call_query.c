/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the caller may ask of a session. */
#include "loader/l2tp3/call_parts.h"

const struct l2tp3_call_info *l2tp3_call_info(const struct l2tp3_call *c)
{
	return &c->info;
}

struct l2tp3_tunnel *l2tp3_call_tunnel(const struct l2tp3_call *c)
{
	return c->tunnel;
}

const char *l2tp3_call_state(const struct l2tp3_call *c)
{
	return l2tp3_call_state_names[c->state];
}

void *l2tp3_call_user(const struct l2tp3_call *c)
{
	return c->user;
}

void l2tp3_call_set_user(struct l2tp3_call *c, void *user)
{
	c->user = user;
}

void l2tp3_calls_visit(struct l2tp3_tunnel *t, bool (*fn)(void *arg, struct l2tp3_call *c),
		       void *arg)
{
	struct l2tp3_endpoint *ep = t->ep;
	uint64_t last = ep->n_made;

	l2tp3_enter(ep);
	/* One that the visitor ends keeps its `next`, and its memory. */
	for (struct l2tp3_call *c = t->first_call; c && c->order <= last; c = c->next)
		if (!c->down && !fn(arg, c))
			break;
	l2tp3_leave(ep);
}
