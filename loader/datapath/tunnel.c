/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tunnels: the path of a control connection and its sessions, and what is known of the
 * path's MTU (DP-MTU-3). It starts at the MTU of the way out of this host, asked of the
 * kernel once and again after each change of routes or links; a validated report lowers it
 * for ten minutes (pmtu.c). A change reaches the sessions in slices: tunnels_sweep.
 */
#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "loader/datapath/mtu.h"
#include "loader/datapath/private.h"

#define WAY_UNKNOWN 1500 /* no route yet: the size of nearly every way */
#define TICK_TUNNELS 4096 /* looked at in a second */
#define SWEEP_SESSIONS 512 /* resized in one turn of the event loop */

static struct tunnel **path_chain(struct datapath *dp, const struct path *path)
{
	uint64_t h = dp->hash_key ^ path->peer_port;

	for (int i = 0; i < 16; i++)
		h = (h ^ path->peer.b[i]) * 0x100000001b3ull;
	return &dp->by_path[(h >> 24) % DP_PATH_BUCKETS];
}

struct tunnel *tunnel_by_path(const struct datapath *dp, const struct path *path)
{
	struct tunnel *t = *path_chain((struct datapath *)dp, path);

	while (t && !path_eq(&t->path, path))
		t = t->next_path;
	return t;
}

struct tunnel *tunnel_next_on_path(const struct tunnel *t)
{
	struct tunnel *next = t->next_path;

	while (next && !path_eq(&next->path, &t->path))
		next = next->next_path;
	return next;
}

static void path_out(struct datapath *dp, struct tunnel *t)
{
	struct tunnel **at = path_chain(dp, &t->path);

	while (*at && *at != t)
		at = &(*at)->next_path;
	if (*at)
		*at = t->next_path;
}

static uint16_t ask_way(struct datapath *dp, const struct path *path)
{
	uint16_t mtu = netlink_way_mtu(dp, &path->local, &path->peer);

	return mtu ? mtu : WAY_UNKNOWN;
}

static void path_in(struct datapath *dp, struct tunnel *t, const struct path *path)
{
	struct tunnel **head = path_chain(dp, path);
	const struct tunnel *other = tunnel_by_path(dp, path);

	if (other) { /* what was learned is the path's */
		t->learned_mtu = other->learned_mtu;
		t->learned_until = other->learned_until;
	}
	t->path = *path;
	t->next_path = *head;
	*head = t;
	t->way_mtu = ask_way(dp, path);
	t->way_serial = dp->way_serial;
}

int tunnels_init(struct datapath *dp)
{
	dp->tunnels = calloc(L2X_MAX_TUNNELS, sizeof(struct tunnel *));
	pmtu_second(dp);
	return dp->tunnels ? 0 : -ENOMEM;
}

/* A dirty tunnel stays in that list until the sweep comes by, which then frees it. */
static void tunnel_put(struct datapath *dp, struct tunnel *t)
{
	if (t->known || t->sessions || t->dirty)
		return;
	path_out(dp, t);
	dp->tunnels[t->id] = NULL;
	free(t);
}

void tunnels_free(struct datapath *dp)
{
	for (uint32_t i = 0; dp->tunnels && i < L2X_MAX_TUNNELS; i++)
		free(dp->tunnels[i]);
	free(dp->tunnels);
	dp->tunnels = NULL;
	dp->dirty = NULL;
}

static void make_dirty(struct datapath *dp, struct tunnel *t)
{
	t->cursor = t->sessions;
	if (!t->dirty) {
		t->dirty = true;
		t->next_dirty = dp->dirty;
		dp->dirty = t;
	}
	if (dp->sweep_event)
		event_active(dp->sweep_event, EV_TIMEOUT, 0);
}

struct tunnel *tunnel_for(struct datapath *dp, uint16_t id, const struct path *path)
{
	struct tunnel *t = dp->tunnels[id];

	if (t && path_eq(&t->path, path))
		return t;
	if (t) { /* its peer has moved */
		path_out(dp, t);
		t->learned_mtu = 0;
		path_in(dp, t, path);
		make_dirty(dp, t);
		maps_epoch_raise(dp); /* the next hops that the programs keep are by its ID */
		return t;
	}
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->id = id;
	dp->tunnels[id] = t;
	path_in(dp, t, path);
	return t;
}

void tunnel_join(struct tunnel *t, struct session *s)
{
	s->tunnel = t;
	s->prev = NULL;
	s->next = t->sessions;
	if (s->next)
		s->next->prev = s;
	t->sessions = s;
}

void tunnel_leave(struct datapath *dp, struct session *s)
{
	struct tunnel *t = s->tunnel;

	if (t->cursor == s)
		t->cursor = s->next;
	if (s->next)
		s->next->prev = s->prev;
	if (s->prev)
		s->prev->next = s->next;
	else
		t->sessions = s->next;
	s->tunnel = NULL;
	tunnel_put(dp, t);
}

int dp_tunnel_set(struct datapath *dp, uint16_t tunnel_id, const struct path *path)
{
	struct tunnel *t;

	if (!tunnel_id)
		return -EINVAL;
	t = tunnel_for(dp, tunnel_id, path);
	if (!t)
		return -ENOMEM;
	t->known = true;
	maps_tunnel_put(dp, tunnel_id, path);
	return 0;
}

void dp_tunnel_del(struct datapath *dp, uint16_t tunnel_id)
{
	struct tunnel *t = dp->tunnels[tunnel_id];

	if (!t)
		return;
	maps_tunnel_put(dp, tunnel_id, NULL);
	t->known = false;
	tunnel_put(dp, t);
}

/* ---- sizes --------------------------------------------------------------------------- */

uint16_t tunnel_mtu(const struct tunnel *t)
{
	if (t->learned_mtu && t->learned_mtu < t->way_mtu)
		return t->learned_mtu;
	return t->way_mtu;
}

uint16_t dp_path_mtu(struct datapath *dp, const struct path *path, bool seq)
{
	const struct tunnel *t = tunnel_by_path(dp, path);

	return mtu_session(t ? tunnel_mtu(t) : ask_way(dp, path), 0, (uint16_t)dp->cfg->mtu_limit,
			   !addr_is_v4(&path->local), seq, false);
}

uint16_t dp_path_mru(struct datapath *dp, const struct path *path)
{
	const struct tunnel *t = tunnel_by_path(dp, path);

	return mtu_mru(t ? tunnel_mtu(t) : ask_way(dp, path), (uint16_t)dp->cfg->mtu_limit,
		       !addr_is_v4(&path->local));
}

void tunnel_learn(struct datapath *dp, struct tunnel *t, uint16_t mtu)
{
	t->learned_mtu = mtu;
	t->learned_until = dp_now() + MTU_RAISE_MS;
	make_dirty(dp, t);
}

void tunnels_sweep(struct datapath *dp)
{
	unsigned int left = SWEEP_SESSIONS;

	while (dp->dirty && left) {
		struct tunnel *t = dp->dirty;

		for (; t->cursor && left; left--) {
			struct session *s = t->cursor;

			t->cursor = s->next;
			session_resize(dp, s);
		}
		if (t->cursor)
			break;
		dp->dirty = t->next_dirty;
		t->dirty = false;
		tunnel_put(dp, t);
	}
	if (dp->dirty && dp->sweep_event)
		event_active(dp->sweep_event, EV_TIMEOUT, 0);
}

static void look_at(struct datapath *dp, struct tunnel *t, msec_t now)
{
	uint16_t before = tunnel_mtu(t);

	if (t->learned_mtu && now >= t->learned_until)
		t->learned_mtu = 0;
	if (t->way_serial != dp->way_serial) {
		t->way_serial = dp->way_serial;
		t->way_mtu = ask_way(dp, &t->path);
	}
	if (tunnel_mtu(t) != before)
		make_dirty(dp, t);
}

void tunnels_tick(struct datapath *dp)
{
	msec_t now = dp_now();

	pmtu_second(dp);
	for (uint32_t i = 0, seen = 0; i < L2X_MAX_TUNNELS && seen < TICK_TUNNELS; i++) {
		struct tunnel *t = dp->tunnels[dp->tunnel_cursor++ % L2X_MAX_TUNNELS];

		if (t) {
			look_at(dp, t, now);
			seen++;
		}
	}
}
