/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has been restored goes on: each control connection is looked at as a whole and started. Its
 * time limits begin anew, what the peer has not acknowledged leaves again with the Ns that it had,
 * and a peer that nothing is asked of gets a Hello: does it still know us?
 */
#include <stdlib.h>

#include "loader/l2tp3/engine.h"

#define SPREAD_MS 1000u /* over so long connections begin to speak */

static int put_hello(struct l2tp3_tunnel *t, struct rel_message *like)
{
	struct l2tp3_builder b;

	conn_build(t, &b, L2TP_HELLO);
	if (l2tp3_build_end(&b) < 0)
		return -1;
	like->serial = t->rel.serial + 1;
	like->len = (uint16_t)b.w.len;
	return reliable_restore(&t->rel, like, b.buf);
}

/* A message that was sent and of which there is no record: nobody can do without its Ns, but a Hello
 * may have it. False: no use without it. */
static bool mend(struct l2tp3_tunnel *t)
{
	struct rel_message like = { .sent = true, .first = true };
	struct log_who who = conn_who(t);

	while (reliable_missing(&t->rel, &like.ns)) {
		if (t->state != L2TP3_T_ESTABLISHED || put_hello(t, &like) < 0)
			return false;
		log_note(&who, "message %u is not in the store; a HELLO takes its place", like.ns);
	}
	return true;
}

static void ask_peer(struct l2tp3_tunnel *t)
{
	struct rel_message like = { .first = true };

	if (t->state == L2TP3_T_ESTABLISHED && !reliable_outstanding(&t->rel))
		put_hello(t, &like); /* else the next Hello asks */
}

static void start(struct l2tp3_tunnel *t, msec_t now)
{
	struct l2tp_reason why;

	if (!mend(t)) {
		reason3_set(&why, L2TP_STOP_GENERAL, 0, "its messages are not in the store");
		if (t->gone)
			conn_bury(t);
		else
			conn_gone(t, now, &why, L2TP3_FAREWELL_NONE);
		return;
	}
	ask_peer(t);
	reliable_resume(&t->rel, now + l2tp3_random32(t->ep) % SPREAD_MS);
	conn_timer_start(t, now);
	for (struct l2tp3_call *c = t->first_call, *next; c && !t->gone; c = next) {
		next = c->next;
		call3_resume(c, now);
	}
}

void l2tp3_restored(struct l2tp3_endpoint *ep, msec_t now)
{
	l2tp3_enter(ep);
	free(ep->stale);
	ep->stale = NULL;
	ep->n_stale = ep->cap_stale = 0;
	/* One that goes keeps its `next` until we leave. */
	for (struct l2tp3_tunnel *t = ep->first; t; t = t->next)
		start(t, now);
	for (struct l2tp3_tunnel *t = ep->oldest_stopped, *next; t; t = next) {
		next = t->newer;
		start(t, now);
	}
	while (ep->n_stopped > L2TP3_MAX_STOPPED)
		conn_bury(ep->oldest_stopped);
	l2tp3_leave(ep);
}
