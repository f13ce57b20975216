/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the control socket asks of the LNS: sessions and tunnels as people see them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "loader/lns_internal.h"
#include "loader/wires.h"

/* How far lns_sessions_next goes at once: so many empty places, or a LOOK_COST-th of sessions,
 * each of which is far away in memory. */
#define WALK_COST 4096u
#define LOOK_COST 64u

static const char *state_of(const struct session *s)
{
	if (!s->ppp)
		return "connecting";
	if (session_is_open(s))
		return "open";
	return ppp_phase(s->ppp);
}

static void fill_session(const struct session *s, struct lns_session_info *ret)
{
	const struct lns *lns = s->lns;
	const struct l2tp_call_info *call = l2tp_call_info(s->call);

	memset(ret, 0, sizeof(*ret));
	ret->index = s->index;
	ret->tunnel_id = s->dp.tunnel_id;
	ret->session_id = s->dp.session_id;
	ret->peer_tunnel_id = l2tp_tunnel_peer_id(l2tp_call_tunnel(s->call));
	ret->peer_session_id = l2tp_call_peer_id(s->call);
	ret->peer = s->peer->name;
	ret->path = *l2tp_tunnel_path(l2tp_call_tunnel(s->call));
	ret->user = s->user ? s->user : s->ppp ? ppp_user(s->ppp) : "";
	ret->state = state_of(s);
	ret->authentication = s->ppp ? ppp_auth_names[ppp_auth_used(s->ppp)] : "none";
	if (s->dp.ipv4_open)
		ret->ipv4 = s->dp.ipv4;
	if (s->dp.ipv6_open)
		ret->ipv6 = s->dp.ipv6;
	if (s->ppp)
		ret->peer_mru = ppp_peer_mru(s->ppp);
	ret->age_ms = lns->now - s->since;
	ret->calling = call ? call->calling : "";
	ret->called = call ? call->called : "";
	ret->sequencing = s->dp.seq_send;
	if (s->in_dp) {
		ret->mtu = dp_session_mtu(lns->dp, s->index);
		dp_session_traffic(lns->dp, s->index, &ret->traffic);
	}
}

static bool fits(const struct session *s, const struct lns_session_walk *w)
{
	const char *user;

	if (w->peer && strcmp(w->peer, s->peer->name) != 0)
		return false;
	if (addr_is_set(&w->ipv4.addr) &&
	    (!s->dp.ipv4_open || !prefix_contains(&w->ipv4, &s->dp.ipv4)))
		return false;
	if (!w->user)
		return true;
	user = s->user ? s->user : s->ppp ? ppp_user(s->ppp) : "";
	return strcmp(w->user, user) == 0;
}

/* Past the index, or past a shard in which nobody has ever been. */
static void step(const struct lns *lns, struct lns_session_walk *w, bool whole_shard)
{
	uint32_t next = whole_shard ? (w->from | (L2X_SHARD_SESSIONS - 1)) + 1 : w->from + 1;

	w->over = next >> 16 >= lns->cfg->datapath.shards;
	w->from = next;
}

int lns_sessions_next(struct lns *lns, struct lns_session_walk *w, struct lns_session_info *ret)
{
	lns_enter(lns);
	if (w->from >> 16 >= lns->cfg->datapath.shards)
		w->over = true;
	for (unsigned int cost = 0; !w->over && cost < WALK_COST;) {
		struct session **row = lns->table[w->from >> 16];
		const struct session *s = row ? row[w->from & 0xffff] : NULL;

		step(lns, w, !row);
		cost += s ? LOOK_COST : 1;
		if (!s || !fits(s, w))
			continue;
		fill_session(s, ret);
		return 0;
	}
	return w->over ? -ENOENT : -EAGAIN;
}

int lns_session_info(struct lns *lns, uint32_t index, struct lns_session_info *ret)
{
	const struct session *s = session_at(lns, index);

	if (!s)
		return -ENOENT;
	lns_enter(lns);
	fill_session(s, ret);
	return 0;
}

struct tunnel_walk {
	struct lns *lns;
	bool (*fn)(void *arg, const struct lns_tunnel_info *t);
	void *arg;
};

static bool visit_tunnel(void *arg, struct l2tp_tunnel *t)
{
	struct tunnel_walk *w = arg;
	struct lns_tunnel_info info = {
		.version = 2,
		.tunnel_id = l2tp_tunnel_id(t),
		.peer_tunnel_id = l2tp_tunnel_peer_id(t),
		.peer = l2tp_tunnel_peer(t)->name,
		.host_name = l2tp_tunnel_hostname(t),
		.vendor = l2tp_tunnel_vendor(t),
		.state = l2tp_tunnel_state(t),
		.path = *l2tp_tunnel_path(t),
		.sessions = l2tp_tunnel_calls(t),
		.age_ms = w->lns->now - l2tp_tunnel_since(t),
	};

	return w->fn(w->arg, &info);
}

void lns_tunnels_visit(struct lns *lns, bool (*fn)(void *arg, const struct lns_tunnel_info *t),
		       void *arg)
{
	struct tunnel_walk w = { .lns = lns, .fn = fn, .arg = arg };

	lns_enter(lns);
	l2tp_tunnels_visit(lns->l2tp, visit_tunnel, &w);
	wires_visit(lns->wires, fn, arg);
}

int lns_session_clear(struct lns *lns, uint32_t index)
{
	struct session *s = session_at(lns, index);
	struct log_who who;

	if (!s)
		return -ENOENT;
	lns_enter(lns);
	who = session_who(s);
	log_note(&who, "cleared by the operator");
	session_close(s, &ppp_cause_admin);
	lns_leave(lns);
	return 0;
}

int lns_tunnel_clear(struct lns *lns, uint32_t tunnel_id)
{
	struct l2tp_reason why = { .result = L2TP_STOP_GENERAL, .text = "cleared by the operator" };
	struct l2tp_tunnel *t;

	if (tunnel_id >= L2TP3_CCID_MIN)
		return wires_clear(lns->wires, tunnel_id, &why);
	t = l2tp_tunnel_find(lns->l2tp, (uint16_t)tunnel_id);
	if (!t)
		return -ENOENT;
	lns_enter(lns);
	l2tp_tunnel_close(t, lns->now, &why);
	lns_leave(lns);
	return 0;
}

void lns_state(struct lns *lns, struct lns_state_info *ret)
{
	*ret = lns->state;
	ret->store = lns->store_info;
	ret->draining = lns->drain_all;
	store_health(lns->store, &ret->health);
}

int lns_reload(struct lns *lns, bool force, char *text, size_t len)
{
	if (lns->up && lns->up->reload)
		return lns->up->reload(lns->up->ctx, force, text, len);
	snprintf(text, len, "there is no process that could do it\n");
	return -EINVAL;
}

int lns_pseudowire(struct lns *lns, const char *name, const char *entry, char *text, size_t len)
{
	if (lns->up && lns->up->pseudowire)
		return lns->up->pseudowire(lns->up->ctx, name, entry, text, len);
	snprintf(text, len, "there is no process that could do it\n");
	return -EINVAL;
}

void lns_end(struct lns *lns)
{
	if (lns->up && lns->up->end)
		lns->up->end(lns->up->ctx);
}

int lns_preflight(struct lns *lns, const char *ifname, struct dp_finding ret[DP_MAX_FINDINGS])
{
	if (lns->up && lns->up->preflight)
		return lns->up->preflight(lns->up->ctx, ifname, ret);
	return dp_preflight(ifname, ret);
}

struct datapath *lns_datapath(struct lns *lns)
{
	return lns->dp;
}

const struct config *lns_config(const struct lns *lns)
{
	return lns->cfg;
}

const struct l2tp_endpoint *lns_l2tp(const struct lns *lns)
{
	return lns->l2tp;
}

unsigned int lns_session_count(const struct lns *lns)
{
	return lns->n_sessions;
}

msec_t lns_age_ms(struct lns *lns)
{
	return lns_enter(lns) - lns->since;
}

const struct pool *lns_pool(const struct lns *lns, unsigned int index)
{
	return index < lns->cfg->n_pools ? lns->pools[index] : NULL;
}
