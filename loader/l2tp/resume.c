/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What has been restored goes on: each control connection is looked at as a whole and
 * started. Its time limits begin anew, and what the peer has not acknowledged leaves again,
 * with the Ns that it had.
 */
#include <errno.h>

#include "loader/l2tp/engine.h"

#define SPREAD_MS 1000u /* over so long connections begin to speak */
#define SPREAD_A_MS 20u /* and longer when there are more than so many in a ms */

int l2tp_rest(struct l2tp_endpoint *ep, uint16_t tunnel_id, uint16_t session_id, msec_t since)
{
	struct l2tp_shard *shard;
	int ret;

	if (!session_id) {
		ret = ids_rest(ep->tunnel_ids, tunnel_id, since);
	} else {
		shard = endpoint_shard_of(ep, tunnel_id);
		if (!shard)
			return -ENOMEM;
		ret = ids_rest(shard->ids, session_id, since);
	}
	if (ret == -EINVAL)
		return -EBADMSG;
	return ret == -EBUSY ? -EEXIST : ret;
}

/* A message that was sent and of which there is no record: nobody can do without its Ns, but
 * a Hello may have it. False: no use without it. */
static bool mend(struct l2tp_tunnel *t)
{
	struct rel_message like = { .sent = true, .first = true };
	struct log_who who = tunnel_who(t);
	struct l2tp_build b;

	while (reliable_missing(&t->rel, &like.ns)) {
		if (t->state != L2TP_T_ESTABLISHED)
			return false;
		like.serial = t->rel.serial + 1;
		like.len = (uint16_t)l2tp_build_hello(&b, t->peer_id);
		if (reliable_restore(&t->rel, &like, b.buf) < 0)
			return false;
		log_note(&who, "message %u is not in the store; a HELLO takes its place", like.ns);
	}
	return true;
}

static void ask_peer(struct l2tp_tunnel *t)
{
	struct rel_message like = { .serial = t->rel.serial + 1, .first = true };
	struct l2tp_build b;

	if (t->state != L2TP_T_ESTABLISHED || reliable_outstanding(&t->rel))
		return;
	like.len = (uint16_t)l2tp_build_hello(&b, t->peer_id);
	reliable_restore(&t->rel, &like, b.buf); /* else the next Hello asks */
}

static unsigned int spread_of(const struct l2tp_endpoint *ep)
{
	unsigned int ms = ep->live.n / SPREAD_A_MS;

	return ms > SPREAD_MS ? ms : SPREAD_MS;
}

static void start(struct l2tp_tunnel *t, msec_t now, bool ask)
{
	struct l2tp_endpoint *ep = t->ep;
	struct l2tp_reason why;
	uint16_t chance;

	if (!mend(t)) {
		reason_set(&why, L2TP_STOP_GENERAL, 0, "its messages are not in the store");
		if (t->gone)
			tunnel_bury(t);
		else
			tunnel_gone(t, now, &why, L2TP_FAREWELL_NONE);
		return;
	}
	if (ask)
		ask_peer(t);
	ep->ops->random(ep->ctx, &chance, sizeof(chance));
	reliable_resume(&t->rel, now + chance % spread_of(ep));
	tunnel_timer_start(t, now);
	for (struct l2tp_call *c = t->first_call; c; c = c->next)
		call_timer_start(c, now);
	if (t->state == L2TP_T_ESTABLISHED)
		calls_tunnel_up(t, now);
}

void l2tp_restored(struct l2tp_endpoint *ep, msec_t now, bool ask)
{
	endpoint_enter(ep);
	ids_rest_from(ep->tunnel_ids, now);
	for (unsigned int i = 0; i < ep->limits.shards; i++)
		if (ep->shards[i].ids)
			ids_rest_from(ep->shards[i].ids, now);
	/* One that goes keeps its `next` until we leave. */
	for (struct l2tp_tunnel *t = ep->live.first; t; t = t->next)
		start(t, now, ask);
	for (struct l2tp_tunnel *t = ep->oldest_stopped, *next; t; t = next) {
		next = t->newer;
		start(t, now, false);
	}
	while (ep->n_stopped > L2TP_MAX_STOPPED)
		tunnel_bury(ep->oldest_stopped);
	endpoint_leave(ep);
}

/* ---- IDs of others --------------------------------------------------------------------- */

uint16_t l2tp_id_take(struct l2tp_endpoint *ep, msec_t now)
{
	return ids_take(ep->tunnel_ids, now);
}

void l2tp_id_back(struct l2tp_endpoint *ep, uint16_t id, msec_t now)
{
	ids_release(ep->tunnel_ids, id, now);
}

bool l2tp_id_claim(struct l2tp_endpoint *ep, uint16_t id)
{
	return ids_claim(ep->tunnel_ids, id) == 0;
}
