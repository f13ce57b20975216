/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How control connections begin: ours, and those that a peer opens; which
 * SCCRQ was here before, and who wins when two of them cross. */
#include <string.h>

#include "loader/l2tp/engine.h"

/* ---- ours ---- */

/* Secrets of the set-up that begins: our challenge, our tie breaker. */
static int prepare(struct l2tp_tunnel *t)
{
	struct l2tp_endpoint *ep = t->ep;

	if (t->initiator && t->peer->single_tunnel) { /* V2-CC-8 */
		ep->ops->random(ep->ctx, t->setup->tie, sizeof(t->setup->tie));
		t->setup->has_tie = true;
	}
	return t->peer->secret ? tunnel_set_challenge(t) : 0;
}

static void discard(struct l2tp_tunnel *t, msec_t now)
{
	struct l2tp_reason why;

	reason_set(&why, L2TP_STOP_ERROR, L2TP_ERR_RESOURCES, "no memory");
	tunnel_gone(t, now, &why, L2TP_FAREWELL_NONE);
}

struct l2tp_tunnel *l2tp_tunnel_open(struct l2tp_endpoint *ep, msec_t now, const struct path *path,
				     const struct l2tp_peer *peer)
{
	struct l2tp_tunnel *t = NULL;

	endpoint_enter(ep);
	if (!ep->shutting_down && ep->live.n < ep->limits.tunnels)
		t = tunnel_new(ep, now, path, peer, true);
	if (t && prepare(t) < 0)
		discard(t, now);
	else if (t)
		tunnel_event(t, now, L2TP_TE_OPEN, NULL, NULL);
	if (t && t->gone)
		t = NULL;
	endpoint_leave(ep);
	return t;
}

/* ---- a peer's ---- */

static bool is_same(const struct l2tp_tunnel *t, const struct path *path, uint16_t peer_id)
{
	return t->peer_id == peer_id && path_eq(&t->path, path);
}

/* The peer's own tunnel ID, for StopCCN of who never learnt ours (V2-CC-5). */
static struct l2tp_tunnel *find_by_peer(struct l2tp_endpoint *ep, const struct path *path,
					uint16_t peer_id)
{
	struct hashnode *node;

	node = hashtab_first(&ep->by_peer, endpoint_hash_peer(ep, path, peer_id));
	for (; node; node = hashtab_next(node)) {
		struct l2tp_tunnel *t = container_of(node, struct l2tp_tunnel, by_peer);

		if (is_same(t, path, peer_id))
			return t;
	}
	return NULL;
}

/* The tunnel that this very SCCRQ opened and that its sender may still be waiting for
 * (V2-CC-4). The same octets much later, or after a close, are a new attempt of a peer
 * that has restarted and has no better random numbers. */
static struct l2tp_tunnel *find_duplicate(struct l2tp_endpoint *ep, msec_t now,
					  const struct path *path, uint16_t peer_id,
					  uint64_t digest)
{
	struct hashnode *node;

	node = hashtab_first(&ep->by_peer, endpoint_hash_peer(ep, path, peer_id));
	for (; node; node = hashtab_next(node)) {
		struct l2tp_tunnel *t = container_of(node, struct l2tp_tunnel, by_peer);

		if (!is_same(t, path, peer_id) || t->initiator || t->digest != digest)
			continue;
		if (t->state == L2TP_T_WAIT_CONN ||
		    (t->state == L2TP_T_ESTABLISHED && now - t->since < L2TP_REST_MS) ||
		    (t->gone && reliable_outstanding(&t->rel)))
			return t;
	}
	return NULL;
}

/* Of two attempts that cross (V2-CC-7). True: theirs goes on; ours is gone if it lost. */
static bool tie(struct l2tp_tunnel *ours, msec_t now, const struct l2tp_message *m)
{
	const struct l2tp_value *theirs = &m->v[L2TP_AVP_TIE_BREAKER];
	const struct l2tp_setup *s = ours->setup;
	struct l2tp_reason why;
	int order = 1; /* > 0: ours has lost */

	if (!theirs->p)
		return !s->has_tie;
	if (s->has_tie)
		order = memcmp(s->tie, theirs->p, L2TP_TIE_LEN);
	if (order < 0)
		return false;
	reason_set(&why, L2TP_STOP_EXISTS, 0, order ? "tie lost" : "equal tie breakers");
	tunnel_event(ours, now, L2TP_TE_TIE_LOST, NULL, &why);
	return order;
}

/* All our attempts to that peer against its own. */
static bool ties(struct l2tp_endpoint *ep, msec_t now, const struct path *path,
		 const struct l2tp_peer *peer, const struct l2tp_message *m)
{
	uint64_t hash = endpoint_hash_address(ep, &path->peer);
	struct hashnode *node = hashtab_first(&ep->in_setup, hash), *next;

	for (; node; node = next) {
		struct l2tp_tunnel *t = container_of(node, struct l2tp_setup, in_setup)->tunnel;

		next = hashtab_next(node);
		if (t->state != L2TP_T_WAIT_REPLY || t->peer != peer ||
		    !addr_eq(&t->path.peer, &path->peer))
			continue;
		if (!tie(t, now, m))
			return false;
		if (t->gone) /* the chain has changed */
			next = hashtab_first(&ep->in_setup, hash);
	}
	return true;
}

static void open_to_us(struct l2tp_endpoint *ep, msec_t now, const struct path *path,
		       const struct l2tp_peer *peer, const struct l2tp_arrival *a, uint64_t digest)
{
	struct l2tp_source *source = source_get(ep, &path->peer);
	struct l2tp_tunnel *t = NULL;

	if (source && source_make_room(ep, now, source))
		t = tunnel_new(ep, now, path, peer, false);
	if (!t)
		return; /* the peer will ask again */
	source_add(source, t);
	t->digest = digest;
	reliable_receive(&t->rel, a->h->ns);
	if (tunnel_set_peer_id(t, l2tp_u16(a->m, L2TP_AVP_ASSIGNED_TUNNEL_ID)) < 0 ||
	    prepare(t) < 0)
		discard(t, now);
	else
		tunnel_event(t, now, L2TP_TE_SCCRQ, a, NULL);
	if (!t->dead)
		reliable_acknowledge(&t->rel);
}

static void sccrq_input(struct l2tp_endpoint *ep, msec_t now, const struct path *path,
			const struct l2tp_peer *peer, struct l2tp_arrival *a)
{
	uint16_t peer_id = l2tp_u16(a->m, L2TP_AVP_ASSIGNED_TUNNEL_ID);
	/* without a seed: the next process must know it again, and who makes two of his
	 * SCCRQ look the same has his second one acknowledged only */
	uint64_t digest = hash_of(0, a->h->payload, a->h->payload_len);
	struct l2tp_tunnel *t = find_duplicate(ep, now, path, peer_id, digest);
	enum l2tp_tunnel_event event = L2TP_TE_SCCRQ;
	struct l2tp_source *source;

	if (a->h->ns) { /* the first message of a connection is 0 (V2-HDR-9) */
		endpoint_count(ep, L2TP_C_OUT_OF_WINDOW);
		return;
	}
	if (t) {
		endpoint_count(ep, L2TP_C_DUPLICATE);
		t->rel.ack_owed = true;
		reliable_acknowledge(&t->rel);
		return;
	}
	source = source_get(ep, &path->peer);
	if (!source || !source_may_ask(ep, now, source)) /* V2-CC-6: nothing is said */
		return;
	if (!judge_sccrq(ep, now, path, peer, a->m, &a->why))
		event = L2TP_TE_SCCRQ_BAD;
	else if (!ties(ep, now, path, peer, a->m))
		return;
	if (l2tp_tunnel_step(L2TP_T_IDLE, event).action == L2TP_TA_ACCEPT)
		open_to_us(ep, now, path, peer, a, digest);
	else if (peer_id) /* without it there is nobody to answer */
		tunnel_refuse(ep, path, peer_id, a->h->ns, &a->why);
}

/* Tunnel ID 0 (V2-HDR-8): SCCRQ, or StopCCN of an initiator that never heard of us. */
void contact_input(struct l2tp_endpoint *ep, msec_t now, const struct path *path,
		   const struct l2tp_header *h, const uint8_t *msg)
{
	const struct l2tp_peer *peer = ep->ops->find_peer(ep->ctx, path);
	struct l2tp_message m;
	struct l2tp_arrival a = { .m = &m, .h = h };
	struct l2tp_tunnel *t;
	char from[PATH_STRLEN];

	if (!peer) {
		endpoint_count(ep, L2TP_C_STRANGER);
		if (log_allowed(&ep->log_stranger, now, 5, 10000))
			log_info(NULL,
				 "control message from %s, whose address is in no entry of `peers`",
				 endpoint_str(&path->peer, path->peer_port, from));
		return;
	}
	if (!h->payload_len) {
		endpoint_count(ep, L2TP_C_UNKNOWN_TUNNEL);
		return;
	}
	if (l2tp_message_parse(h->payload, h->payload_len, peer->secret, peer->secret_len, &m) <
	    0) {
		endpoint_malformed(ep, now, path, L2TP_C_BAD_AVP);
		return;
	}
	t = NULL;
	if (m.type == L2TP_STOPCCN && l2tp_has(&m, L2TP_AVP_ASSIGNED_TUNNEL_ID))
		t = find_by_peer(ep, path, l2tp_u16(&m, L2TP_AVP_ASSIGNED_TUNNEL_ID));
	/* V2-CC-5 is for who has not learnt our ID yet. A peer that sent SCCCN knows it, and
	 * who does not is a stranger who wants to end its tunnel. */
	if (t && !t->gone && t->state != L2TP_T_WAIT_CONN)
		t = NULL;
	if (m.type == L2TP_SCCRQ) {
		sccrq_input(ep, now, path, peer, &a);
	} else if (t) {
		endpoint_tunnel_input(t, now, path, h, msg);
	} else {
		endpoint_count(ep, L2TP_C_UNKNOWN_TUNNEL);
	}
	l2tp_message_wipe(&m);
}
