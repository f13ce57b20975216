/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an earlier daemon, or an earlier worker, left behind, held against what the store
 * knows. Until dp_ready each session that is set is compared with what stands in the maps:
 * what is right is not touched, so no packet notices; what is not is written as any change
 * is. What nobody has claimed by then goes.
 */
#include <stdlib.h>
#include <string.h>

#include "loader/datapath/private.h"

/* The same session has the same identifiers, both sides'. Generations do not count: a daemon
 * that was killed while it wrote has left a 0 there. */
enum adopt adopt_judge(const struct l2x_session *have, const struct l2x_session *want)
{
	struct l2x_session v = *have;

	if (v.tunnel_id != want->tunnel_id || v.peer_tunnel_id != want->peer_tunnel_id ||
	    v.peer_session_id != want->peer_session_id)
		return ADOPT_FRESH;
	if (!v.gen || !v.tx_gen)
		return ADOPT_CHANGED;
	v.gen = want->gen;
	v.tx_gen = want->tx_gen;
	return memcmp(&v, want, sizeof(v)) ? ADOPT_CHANGED : ADOPT_KEPT;
}

/* Slots that point to a session which has not that address. */
static void sweep_pool(struct datapath *dp, struct map_array *pool, bool v6)
{
	for (uint32_t i = 0; i < pool->n * L2X_SLOTS; i++) {
		uint32_t *at = maps_slot_at(pool, i), slot;
		const struct session *s;

		if (!*at)
			continue;
		s = session_by_index(dp, *at);
		if (s && maps_slot(dp->maps, v6 ? &s->s.ipv6.addr : &s->s.ipv4, &slot) && slot == i)
			continue;
		__atomic_store_n(at, 0, __ATOMIC_RELEASE);
	}
}

static void sweep_tunnels(struct datapath *dp)
{
	const struct map_array *a = &dp->maps->tunnels;

	for (uint32_t i = 0; i < a->n && i < L2X_MAX_TUNNELS; i++) {
		const struct l2x_tunnel *t =
			(const struct l2x_tunnel *)(a->mem + (size_t)i * a->stride);

		if (t->gen && !(dp->tunnels[i] && dp->tunnels[i]->known))
			maps_tunnel_put(dp, (uint16_t)i, NULL);
	}
}

static void sweep_sessions(struct datapath *dp)
{
	const struct map_array *a = &dp->maps->sessions;

	for (uint32_t i = 0; i < a->n; i++) {
		const struct l2x_session *v =
			(const struct l2x_session *)(a->mem + (size_t)i * a->stride);

		if ((!v->gen && !v->tx_gen) || session_by_index(dp, i))
			continue;
		maps_session_kill(dp, i);
		dp->adoption.removed++;
	}
}

void adopt_sweep_maps(struct datapath *dp)
{
	if (!dp->maps)
		return;
	sweep_pool(dp, &dp->maps->pool4, false);
	sweep_pool(dp, &dp->maps->pool6, true);
	sweep_tunnels(dp);
	sweep_sessions(dp);
	workers_sweep_places(dp);
}

static void ask_away(struct datapath *dp, enum dp_act act, void **root)
{
	unsigned int n;
	struct claim *list = claims_unclaimed(root, &n);

	for (unsigned int i = 0; list && i < n; i++) {
		const struct dp_request rq = { .act = act,
					       .prefix = list[i].prefix,
					       .index = list[i].index };
		struct dp_answer answer;

		request(dp, &rq, &answer);
		claim_drop(root, &rq.prefix);
	}
	free(list);
}

/* An earlier program may have needed a host that ours finds in a pool: only now. */
void adopt_sweep_kernel(struct datapath *dp)
{
	if (dp->maps)
		ask_away(dp, DP_DO_HOST, &dp->hosts);
	ask_away(dp, DP_DO_ROUTE, &dp->routes);
	claims_free(&dp->routes);
}
