/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A peer whose address changes: behind a NAT that forgets, or that starts anew.
 *
 * A message proves who wrote it, not who sent it from where: whoever sees one can send a copy from
 * elsewhere, and may even be faster. So a verified message from elsewhere is acknowledged there, and
 * makes that path a candidate. A HELLO, the probe, goes to the candidate alone; the connection moves when
 * it is acknowledged from there, which only who holds the secret can, and only if it gets what is sent
 * to that place. Else the probe goes on by the path that there was, as any message, and the candidate is
 * one no more: from then on an acknowledgement of it may be a copy, too. What else is sent meanwhile
 * goes both ways, since a peer that has moved must have it before the probe's turn comes.
 */
#include "loader/l2tp3/engine.h"

static bool is_candidate(const struct l2tp3_tunnel *t, const struct path *path)
{
	return t->move.asked && path_eq(path, &t->move.path);
}

/* Does it acknowledge what was sent to the candidate alone? */
static bool answers(const struct l2tp3_tunnel *t, const struct l2tp3_message *m)
{
	return t->move.sent && reliable_nr_valid(&t->rel, m->h.nr) &&
	       (uint16_t)(m->h.nr - t->rel.snd_una) > (uint16_t)(t->move.probe - t->rel.snd_una);
}

static bool may_be_there(const struct l2tp3_tunnel *t, const struct path *path)
{
	const struct l2tp3_who who = { .hostname = t->hostname ? t->hostname : "",
				       .router_id = t->peer_router_id };

	return t->ep->ops->find_peer(t->ep->ctx, path, &who) == t->peer;
}

/* A copy of an earlier message may take nobody's place: it is easier come by. */
static void propose(struct l2tp3_tunnel *t, const struct path *path, bool in_turn)
{
	if (t->move.asked && (t->move.in_turn || !in_turn))
		return;
	t->move = (struct l2tp3_move){ .path = *path, .asked = true, .in_turn = in_turn };
}

bool move3_heard(struct l2tp3_tunnel *t, msec_t now, const struct path *path,
		 const struct l2tp3_message *m)
{
	enum rel_verdict verdict = reliable_verdict(&t->rel, m->h.ns);

	if (is_candidate(t, path)) {
		if (answers(t, m))
			conn_moved(t, now, path);
		return true;
	}
	if (!m->type || m->type == L2TP3_ACK ||
	    (verdict != REL_IN_ORDER && verdict != REL_DUPLICATE) || !may_be_there(t, path))
		return false;
	propose(t, path, verdict == REL_IN_ORDER);
	return true;
}

void move3_heard_here(struct l2tp3_tunnel *t, const struct l2tp3_message *m)
{
	if (t->move.asked && answers(t, m))
		t->move.asked = false;
}

void move3_ask(struct l2tp3_tunnel *t, msec_t now)
{
	struct l2tp3_builder b;

	if (!t->move.asked || t->move.queued)
		return;
	if (t->gone || t->state != L2TP3_T_ESTABLISHED) {
		t->move.asked = false;
		return;
	}
	t->move.queued = true;
	t->move.probe = (uint16_t)(t->rel.snd_una + t->rel.queued);
	conn_build(t, &b, L2TP_HELLO);
	conn_send(t, now, &b);
}

enum move3_way move3_way(struct l2tp3_tunnel *t, uint16_t ns)
{
	if (!t->move.asked)
		return MOVE3_HERE;
	if (!t->move.queued || ns != t->move.probe)
		return MOVE3_BOTH;
	if (t->move.sent) { /* no answer */
		t->move.asked = false;
		return MOVE3_HERE;
	}
	t->move.sent = true;
	return MOVE3_THERE;
}
