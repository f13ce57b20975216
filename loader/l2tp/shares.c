/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fair shares of identifiers. There are 65534 tunnel IDs, and as many session IDs in a shard;
 * each rests for 31 s after its use. So a peer that makes and ends things at speed holds many
 * without having any. While there are enough for all nobody cares; when fewer than a quarter
 * can be handed out, who holds (in use and at rest) more than an equal part gets no more, and
 * the others still get theirs.
 *
 * Parts are those of peers' addresses (IPv6: of a /56), not of tunnels, which a greedy peer
 * could open more of; and only of those that are established, which cannot be forged. To be
 * bounded in memory, addresses are counted by a hash of 1024 values: two that meet, which
 * they cannot bring about, have one part together.
 */
#include <string.h>

#include "loader/l2tp/engine.h"

#define COUNTED 0x80000000u
#define NOTE(slot, tunnel_id) (COUNTED | (uint32_t)(slot) << 16 | (tunnel_id))
#define NOTE_SLOT(note) (((note) >> 16) % L2TP_SHARES)
#define LEAST_SESSIONS 1024u
#define LEAST_TUNNELS 64u
#define V6_PREFIX 7u

uint16_t share_slot(const struct l2tp_endpoint *ep, const struct ipaddr *peer)
{
	struct ipaddr key = { 0 };

	memcpy(key.b, peer->b, addr_is_v4(peer) ? sizeof(key.b) : V6_PREFIX);
	return (uint16_t)(endpoint_hash_address(ep, &key) % L2TP_SHARES);
}

static void change(struct l2tp_shares *s, uint16_t slot, int held, int tunnels)
{
	struct l2tp_share *share = &s->of[slot];
	bool was = share->held || share->tunnels;

	share->held += (uint32_t)held;
	share->tunnels += (uint32_t)tunnels;
	s->n += (share->held || share->tunnels);
	s->n -= was;
}

static void rested(void *arg, uint16_t id, uint32_t note)
{
	(void)id;
	if (note & COUNTED)
		change(arg, NOTE_SLOT(note), -1, 0);
}

uint16_t l2tp_tunnel_share(const struct l2tp_tunnel *t)
{
	return share_slot(t->ep, &t->path.peer);
}

void shares_watch(struct l2tp_shares *s, struct ids *ids)
{
	ids_on_rested(ids, rested, s);
}

static void hold(struct l2tp_shares *s, struct ids *ids, uint16_t id, uint16_t slot,
		 uint16_t tunnel_id)
{
	change(s, slot, 1, 0);
	ids_note(ids, id, NOTE(slot, tunnel_id));
}

void share_session_taken(struct l2tp_tunnel *t, uint16_t id)
{
	struct l2tp_shard *shard = endpoint_shard(t->ep, t);

	hold(&shard->shares, shard->ids, id, share_slot(t->ep, &t->path.peer), t->id);
}

void share_session_back(struct l2tp_tunnel *t, uint16_t id)
{
	struct l2tp_shard *shard = endpoint_shard(t->ep, t);

	change(&shard->shares, share_slot(t->ep, &t->path.peer), -1, 0);
	ids_note(shard->ids, id, t->id);
}

void share_tunnel_up(struct l2tp_tunnel *t)
{
	struct l2tp_endpoint *ep = t->ep;
	uint16_t slot = share_slot(ep, &t->path.peer);

	t->counted = true;
	hold(&ep->shares, ep->tunnel_ids, t->id, slot, t->id);
	change(&ep->shards[t->id & (ep->limits.shards - 1)].shares, slot, 0, 1);
}

void share_tunnel_gone(struct l2tp_tunnel *t)
{
	struct l2tp_endpoint *ep = t->ep;

	if (t->counted)
		change(&ep->shards[t->id & (ep->limits.shards - 1)].shares,
		       share_slot(ep, &t->path.peer), 0, -1);
	t->counted = false;
}

static bool too_much(const struct l2tp_shares *s, uint16_t slot, unsigned int all,
		     unsigned int least)
{
	unsigned int fair = s->n ? all / s->n : all;

	return s->of[slot].held >= (fair > least ? fair : least);
}

bool share_of_sessions(struct l2tp_tunnel *t, msec_t now)
{
	struct l2tp_shard *shard = endpoint_shard(t->ep, t);

	if (!shard || ids_ready(shard->ids, now) >= L2TP_IDS / 4 ||
	    !too_much(&shard->shares, share_slot(t->ep, &t->path.peer), L2TP_IDS, LEAST_SESSIONS))
		return true;
	endpoint_count(t->ep, L2TP_C_FAIR_SHARE_LIMIT);
	return false;
}

bool share_of_tunnels(struct l2tp_endpoint *ep, msec_t now, const struct ipaddr *peer)
{
	unsigned int all = ep->limits.tunnels < L2TP_IDS ? ep->limits.tunnels : L2TP_IDS;

	if ((ids_ready(ep->tunnel_ids, now) >= L2TP_IDS / 4 &&
	     ep->live.n - ep->half_open < all - all / 4) ||
	    !too_much(&ep->shares, share_slot(ep, peer), all, LEAST_TUNNELS))
		return true;
	endpoint_count(ep, L2TP_C_FAIR_SHARE_LIMIT);
	return false;
}
