/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the store to a running LNS. The order is that of dependence: what rests, tunnels,
 * their messages, sessions; then timers start, the maps are swept and the hook attached.
 * Nothing leaves before all is read.
 *
 * The direction of every repair is to keep the subscriber: what the store knows is put
 * into the maps; what the maps hold and the store does not know was never acknowledged to
 * the peer, who will ask again, and goes. A tunnel whose peer or local address is not in the
 * configuration any more is ended by StopCCN (check.c tells before); an address that is in
 * no pool any more stays with its session until that ends.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/persist.h"
#include "loader/wires.h"

#define RECENT_MS 60000 /* so young a session may not have been told its prefix */
#define SOON_MS 1000
#define SOON_A_MS 50 /* sessions that speak by themselves in a ms */

/* One start. */
struct restoring {
	struct lns *lns;
	struct l2tp_tunnel **tunnels; /* by ID, those too that only say goodbye */
	unsigned int n_tunnels, sessions, anew, closed, foreign;
	unsigned int wires, wires_closed; /* sessions of pseudowires */
	unsigned int damaged, aside; /* records */
	struct {
		enum store_table table;
		uint64_t key;
	} * stale; /* records that stand for nothing: deleted when all is read */
	size_t n_stale, cap_stale;
	struct counters counters;
	int rc;
};

/* Ended as soon as it is read; what the configuration said of it is not there any more. */
static struct config_peer removed_peer = { .name = (char *)"removed" };

/* ---- time ------------------------------------------------------------------------------ */

static bool read_clock(void *arg, uint64_t key, const uint8_t *rec, size_t len)
{
	struct reader r = reader_of(rec, len);
	struct restoring *re = arg;
	struct lns *lns = re->lns;
	uint64_t base, then, wall, wall_now = persist_wall_ms(), mono = lns->now;

	if (key != PERSIST_CLOCK)
		return true;
	if (reader_u8(&r) != PERSIST_VERSION)
		return true;
	base = reader_u64(&r);
	then = reader_u64(&r);
	wall = reader_u64(&r);
	if (r.bad)
		return true;
	/* the same boot: the same clock. Another boot: as much later as the wall clock says,
	 * and never earlier, whatever it says */
	if (lns->store_info.origin == STORE_HOT && mono + base >= then)
		lns->clock_base = base;
	else
		lns->clock_base = then + (wall_now > wall ? wall_now - wall : 0) - mono;
	return true;
}

/* ---- identifiers and tunnels ------------------------------------------------------------- */

static void drop_record(struct restoring *re, enum store_table table, uint64_t key)
{
	if (re->n_stale == re->cap_stale) {
		size_t cap = re->cap_stale ? re->cap_stale * 2 : 64;
		void *more = realloc(re->stale, cap * sizeof(*re->stale));

		if (!more)
			return; /* the next start finds it again */
		re->stale = more;
		re->cap_stale = cap;
	}
	re->stale[re->n_stale].table = table;
	re->stale[re->n_stale++].key = key;
}

static void drop_damaged(struct restoring *re, enum store_table table, uint64_t key)
{
	drop_record(re, table, key);
	re->damaged++;
}

static bool read_resting(void *arg, uint64_t key, const uint8_t *rec, size_t len)
{
	struct restoring *re = arg;
	struct reader r = reader_of(rec, len);
	msec_t since = PERSIST_REST_TIME(key);

	if (since > re->lns->now || re->lns->now - since >= IDS_REST_MS)
		return true;
	while (r.left) {
		uint16_t tunnel_id = reader_u16(&r), session_id = reader_u16(&r);

		if (r.bad)
			break;
		l2tp_rest(re->lns->l2tp, tunnel_id, session_id, since);
	}
	return true;
}

const struct config_peer *restore_peer(const struct config *cfg, const struct persist_tunnel *t)
{
	bool local = false;

	for (unsigned int i = 0; i < cfg->datapath.n_listen; i++)
		local |= addr_eq(&cfg->datapath.listen[i], &t->path.local);
	if (!local || t->path.local_port != cfg->datapath.port)
		return NULL;
	for (unsigned int i = 0; i < cfg->n_peers; i++)
		if (strcmp(cfg->peers[i].name, t->peer) == 0 &&
		    prefix_contains(&cfg->peers[i].address, &t->path.peer))
			return &cfg->peers[i];
	return config_peer_of(cfg, &t->path.peer);
}

static bool read_tunnel(void *arg, uint64_t key, const uint8_t *rec, size_t len)
{
	struct restoring *re = arg;
	const struct config_peer *peer;
	struct persist_tunnel p;
	struct l2tp_tunnel *t;
	int rc;

	if (!persist_read_tunnel(rec, len, &p) || key >= L2X_MAX_TUNNELS) {
		drop_damaged(re, STORE_TUNNELS, key);
		return true;
	}
	peer = restore_peer(re->lns->cfg, &p);
	rc = l2tp_tunnel_restore(re->lns->l2tp, re->lns->now,
				 peer ? &peer->l2tp : &removed_peer.l2tp, p.rest.p, p.rest.left,
				 &t);
	if (rc == -ENOMEM) {
		re->rc = rc;
		return false;
	}
	if (rc) {
		drop_damaged(re, STORE_TUNNELS, key);
		return true;
	}
	re->tunnels[key] = t;
	re->n_tunnels++;
	return true;
}

static bool read_message(void *arg, uint64_t key, const uint8_t *rec, size_t len)
{
	struct restoring *re = arg;
	struct l2tp_tunnel *t = key >> 48 ? NULL : re->tunnels[key >> 32];

	if (!t)
		drop_record(re, STORE_MESSAGES, key);
	else if (l2tp_message_restore(t, (uint32_t)key, rec, len))
		drop_damaged(re, STORE_MESSAGES, key);
	return true;
}

static bool put_tunnel(void *arg, struct l2tp_tunnel *t)
{
	struct lns *lns = arg;

	if (l2tp_tunnel_is_up(t))
		dp_tunnel_set(lns->dp, l2tp_tunnel_id(t), l2tp_tunnel_path(t));
	return true;
}

/* ---- sessions ---------------------------------------------------------------------------- */

static const struct config_profile *profile_of(const struct lns *lns, const char *name,
					       const struct config_peer *peer)
{
	for (unsigned int i = 0; i < lns->cfg->n_profiles; i++)
		if (strcmp(lns->cfg->profiles[i].name, name) == 0)
			return &lns->cfg->profiles[i];
	return &lns->cfg->profiles[peer->profile];
}

static void fill(struct session *s, const struct persist_session *p)
{
	struct l2tp_tunnel *t = l2tp_call_tunnel(s->call);
	struct dp_session *d = &s->dp;

	d->peer_tunnel_id = l2tp_tunnel_peer_id(t);
	d->peer_session_id = l2tp_call_peer_id(s->call);
	d->path = *l2tp_tunnel_path(t);
	d->peer_mru = p->peer_mru;
	d->seq_send = p->dp_flags & PERSIST_SEQ_SEND;
	d->seq_receive = p->dp_flags & PERSIST_SEQ_RECEIVE;
	d->seq_required = p->dp_flags & PERSIST_SEQ_REQUIRED;
	d->ecn = p->dp_flags & PERSIST_ECN;
	d->clamp_mss = p->dp_flags & PERSIST_MSS;
}

/* Addresses as PPP has them: only those are open. */
static void fill_network(struct session *s)
{
	const struct ppp_network *net = ppp_network(s->ppp);

	s->dp.ipv4_open = ppp_is_open(s->ppp, PPP_IP);
	if (s->dp.ipv4_open)
		s->dp.ipv4 = net->ipv4;
	s->dp.ipv6_open = ppp_is_open(s->ppp, PPP_IPV6) && net->ipv6.len;
	if (s->dp.ipv6_open)
		s->dp.ipv6 = net->ipv6;
	session_fill_echo(s);
}

/* An established one: its link, and its place in the data path. Either may have ended workers
 * before: without the link PPP begins anew, without a place the call ends. */
static int restore_link(struct session *s, uint64_t key, const struct persist_session *p)
{
	struct lns *lns = s->lns;
	int rc;

	s->doomed = marks_is_aside(lns->marks, MARK_PLACE, key);
	if (s->doomed)
		return 0;
	marks_step(lns->marks, MARK_PLACE, key);
	fill(s, p);
	session_fill_ppp_config(s);
	s->ppp_cfg.mru = p->mru;
	s->ppp = session_new_link(s);
	if (!s->ppp)
		return -ENOMEM;
	marks_step(lns->marks, MARK_LINK, key);
	if (!marks_is_aside(lns->marks, MARK_LINK, key) &&
	    ppp_link_restore(s->ppp, lns->now, p->link.p, p->link.left) == 0)
		fill_network(s);
	else
		s->anew = true; /* and its record with it */
	if (s->anew)
		half_open_begin(s, l2tp_tunnel_share(l2tp_call_tunnel(s->call)));
	marks_step(lns->marks, MARK_PLACE, key);
	rc = dp_session_set(lns->dp, &s->dp);
	if (rc) {
		s->dp.ipv4_open = s->dp.ipv6_open = false;
		s->doomed = true;
		return rc == -ENOMEM ? rc : 0;
	}
	s->in_dp = true;
	counters_begin(s);
	dp_session_traffic_restore(lns->dp, s->index, &p->traffic);
	s->rx_seen = dp_session_rx(lns->dp, s->index);
	/* The peer is not to suffer for our absence. After a reboot it is asked by a Hello, and
	 * subscribers by an echo for the sake of those who ignore Hello: who is silent
	 * to both has forgotten us. */
	if (lns->store_info.origin == STORE_HOT || !s->ppp_cfg.echo_ms)
		s->heard_at = lns->now;
	return 0;
}

static int restore_call(struct restoring *re, struct l2tp_tunnel *t, uint64_t key,
			const struct persist_session *p)
{
	struct session *s = session_new(re->lns, p->tunnel_id, p->session_id);
	int rc = s ? 0 : -ENOMEM;

	rc = rc ?: l2tp_call_restore(t, re->lns->now, p->call.p, p->call.left, s, &s->call);
	if (rc) {
		free(s);
		return rc;
	}
	s->peer = l2tp_tunnel_peer(t)->user;
	s->profile = profile_of(re->lns, p->profile, s->peer);
	s->since = p->since;
	s->user = *p->user ? strdup(p->user) : NULL;
	rc = l2tp_call_id(s->call) == p->session_id ? session_table_put(s) : -EBADMSG;
	if (rc) { /* the call is closed when all is read: nothing stands for it */
		l2tp_call_set_user(s->call, NULL);
		free(s->user);
		free(s);
		return rc;
	}
	s->ipv4 = p->ipv4;
	s->ipv6 = p->ipv6;
	if (!(p->flags & PERSIST_LINK))
		half_open_begin(s, l2tp_tunnel_share(t));
	re->foreign += addresses_claim(s, p->flags & PERSIST_STATIC, p->flags & PERSIST_POOL4,
				       p->flags & PERSIST_POOL6);
	return p->flags & PERSIST_LINK ? restore_link(s, key, p) : 0;
}

static bool is_orphan(const struct l2tp_tunnel *t)
{
	return l2tp_tunnel_peer(t) == &removed_peer.l2tp;
}

static bool read_counters(void *arg, uint64_t key, const uint8_t *rec, size_t len)
{
	struct restoring *re = arg;

	if (key == PERSIST_TOTALS)
		totals_restore(re->lns, rec, len);
	if (!PERSIST_IS_COUNTERS(key))
		return true;
	if (counters_keep(&re->counters, (uint32_t)key, rec, len))
		re->lns->counter_pages[(uint32_t)key] = true;
	else
		drop_record(re, STORE_MISC, key); /* there were more shards */
	return true;
}

/* Tunnels, then messages, then calls: that is the order of their keys. */
static bool read_wires(void *arg, uint64_t key, const uint8_t *rec, size_t len)
{
	struct restoring *re = arg;
	int rc = PERSIST_IS_L2TP3(key) ? wires_read(re->lns->wires, key, rec, len) : 0;

	if (rc == -ENOMEM) {
		re->rc = rc;
		return false;
	}
	if (rc && PERSIST_L2TP3_KIND(key) == L2TP3_R_CALL)
		re->wires_closed++;
	if (rc == -ESTALE)
		drop_record(re, STORE_MISC, key);
	else if (rc)
		drop_damaged(re, STORE_MISC, key);
	return true;
}

static bool read_session(void *arg, uint64_t key, const uint8_t *rec, size_t len)
{
	struct restoring *re = arg;
	struct persist_session p;
	struct l2tp_tunnel *t;
	int rc;

	if (!persist_read_session(rec, len, &p)) {
		drop_damaged(re, STORE_SESSIONS, key);
		return true;
	}
	counters_merge(&re->counters, (uint32_t)key, &p);
	t = re->tunnels[p.tunnel_id];
	if (!t || is_orphan(t)) {
		drop_record(re, STORE_SESSIONS, key);
		re->closed++;
		return true;
	}
	re->aside += aside_take(re->lns, MARK_LINK, key, rec, len, &p) ||
		     aside_take(re->lns, MARK_PLACE, key, rec, len, &p);
	rc = restore_call(re, t, key, &p);
	if (rc == -ENOMEM) {
		re->rc = rc;
		return false;
	}
	if (rc)
		drop_damaged(re, STORE_SESSIONS, key);
	else
		re->sessions++;
	if (rc == 0 && key != dp_index(re->lns->cfg->datapath.shards, p.tunnel_id, p.session_id)) {
		drop_record(re, STORE_SESSIONS, key); /* the number of shards has changed */
		persist_changed(session_at(re->lns, dp_index(re->lns->cfg->datapath.shards,
							     p.tunnel_id, p.session_id)));
	}
	return true;
}

/* ---- when all is read --------------------------------------------------------------------- */

/* A call that no session stands for: its record was damaged, or its index is taken. */
static bool close_unknown(void *arg, struct l2tp_call *c)
{
	const struct restoring *re = arg;
	struct l2tp_reason why = { .result = L2TP_CDN_TEMPORARY, .text = "not known any more" };

	if (!l2tp_call_user(c))
		l2tp_call_close(c, re->lns->now, &why);
	return true;
}

static bool settle_tunnel(void *arg, struct l2tp_tunnel *t)
{
	struct restoring *re = arg;
	struct l2tp_reason why = { .result = L2TP_STOP_NOT_AUTHORISED,
				   .text = "not in the configuration any more" };

	if (is_orphan(t))
		l2tp_tunnel_close(t, re->lns->now, &why);
	else
		l2tp_calls_visit(t, close_unknown, re);
	return true;
}

/* What the death of the last process may have swallowed, at a rate that a million can keep. */
static void speak_soon(struct session *s)
{
	struct lns *lns = s->lns;
	unsigned int ms = SOON_MS + lns->n_sessions / SOON_A_MS;

	if (!s->ppp)
		return;
	if (lns->now - s->since < RECENT_MS)
		ppp_prefix_soon(s->ppp, lns->now, ms);
	if (lns->store_info.origin != STORE_HOT)
		ppp_echo_soon(s->ppp, lns->now, ms);
}

/* PPP that was not open begins anew; what found no place in the data path ends. */
static void settle_session(struct restoring *re, struct session *s)
{
	struct marks *marks = re->lns->marks;

	if (s->doomed) {
		re->closed++;
		re->sessions--;
		marks_step(marks, MARK_SESSION, s->index);
		session_close_call(s, L2TP_CDN_TEMPORARY, "no place in the data path");
	} else if (s->anew) {
		s->anew = false;
		re->anew++;
		marks_step(marks, MARK_PLACE, s->index);
		ppp_lower_up(s->ppp, re->lns->now, NULL);
	} else {
		speak_soon(s);
	}
	marks_step(marks, MARK_NONE, 0);
}

static void settle(struct restoring *re)
{
	struct lns *lns = re->lns;
	uint32_t slots = lns->cfg->datapath.shards * L2X_SHARD_SESSIONS;
	unsigned int closed = 0;

	marks_step(lns->marks, MARK_RESUME, 0);
	re->wires = wires_restored(lns->wires, &closed);
	re->wires_closed += closed;
	for (size_t i = 0; i < re->n_stale; i++)
		store_delete(lns->store, re->stale[i].table, re->stale[i].key);
	l2tp_restored(lns->l2tp, lns->now, lns->store_info.origin == STORE_DURABLE);
	l2tp_tunnels_visit(lns->l2tp, settle_tunnel, re);
	marks_step(lns->marks, MARK_NONE, 0);
	for (uint32_t i = 0; lns->n_sessions && i < slots; i++) {
		struct session *s = session_at(lns, i);

		if (s)
			settle_session(re, s);
	}
}

static void tell(const struct restoring *re, const struct dp_adoption *a)
{
	static const char *const from[] = { "", "the running host", "before the last boot" };
	const struct lns *lns = re->lns;
	char aside[48] = "";

	if (lns->store_info.note[0])
		log_warn(NULL, "state: %s", lns->store_info.note);
	if (a->note[0])
		log_warn(NULL, "maps: %s", a->note);
	if (re->damaged)
		log_warn(NULL, "state: %u records could not be read and were left out",
			 re->damaged);
	if (re->foreign)
		log_note(NULL, "%u addresses are in no pool any more; their sessions keep them",
			 re->foreign);
	if (re->wires || re->wires_closed)
		log_note(NULL, "adopted the sessions of %u signalled pseudowires; %u closed",
			 re->wires, re->wires_closed);
	if (!re->n_tunnels && !a->removed && !re->aside)
		return;
	if (re->aside)
		snprintf(aside, sizeof(aside), "; %u records set aside", re->aside);
	log_note(NULL,
		 "adopted %u sessions in %u tunnels of %s in %llu ms: %u as the maps had them, %u "
		 "put into the maps, %u taken out that nobody knew, %u begin PPP anew, %u closed%s",
		 re->sessions, re->n_tunnels, from[lns->store_info.origin],
		 (unsigned long long)lns->state.restored_in_ms, a->kept, a->put, a->removed,
		 re->anew, re->closed, aside);
}

typedef bool read_fn(void *arg, uint64_t key, const uint8_t *rec, size_t len);
struct visiting {
	struct restoring *re;
	enum store_table table;
	read_fn *fn;
};

/* It has ended workers. An identifier that it names rests: what the peer still sends is not to
 * meet another session. */
static void leave_out(struct restoring *re, enum store_table table, uint64_t key,
		      const uint8_t *rec, size_t len)
{
	struct persist_head head;

	re->aside++;
	drop_record(re, table, key);
	if (table == STORE_TUNNELS)
		l2tp_rest(re->lns->l2tp, (uint16_t)key, 0, re->lns->now);
	if (table != STORE_SESSIONS)
		return;
	re->closed++;
	if (persist_read_head(rec, len, &head))
		l2tp_rest(re->lns->l2tp, head.tunnel_id, head.session_id, re->lns->now);
}

static bool read_one(void *arg, uint64_t key, const uint8_t *rec, size_t len)
{
	const struct visiting *v = arg;
	struct lns *lns = v->re->lns;
	bool more;

	if (aside_take(lns, MARK_OF(v->table), key, rec, len, NULL)) {
		leave_out(v->re, v->table, key, rec, len);
		return true;
	}
	marks_step(lns->marks, MARK_OF(v->table), key);
	more = v->fn(v->re, key, rec, len);
	marks_step(lns->marks, MARK_NONE, 0);
	return more;
}

static int visit(struct restoring *re, enum store_table t, read_fn *fn)
{
	struct visiting v = { re, t, fn };
	int rc = store_visit(re->lns->store, t, read_one, &v);

	/* a damaged page costs what stood on it, not the rest */
	if (rc == -EBADMSG)
		re->damaged++;
	return re->rc ? re->rc : rc == -EBADMSG ? 0 : rc;
}

static int read_all(struct restoring *re)
{
	struct marks *marks = re->lns->marks;
	int rc = visit(re, STORE_MISC, read_clock);

	lns_enter(re->lns);
	marks_step(marks, MARK_MISC, PERSIST_DRAIN);
	if (!marks_is_aside(marks, MARK_MISC, PERSIST_DRAIN))
		drain_restore(re->lns);
	marks_step(marks, MARK_NONE, 0);
	rc = rc ?: visit(re, STORE_RESTING, read_resting);
	rc = rc ?: visit(re, STORE_TUNNELS, read_tunnel);
	rc = rc ?: visit(re, STORE_MESSAGES, read_message);
	rc = rc ?: visit(re, STORE_MISC, read_counters);
	rc = rc ?: visit(re, STORE_SESSIONS, read_session);
	rc = rc ?: visit(re, STORE_MISC, read_wires);
	return rc;
}

int restore(struct lns *lns, char *err, size_t errlen)
{
	struct restoring re = { .lns = lns };
	struct lns_state_info *state = &lns->state;
	msec_t begin;
	int rc;

	removed_peer.l2tp.name = removed_peer.name;
	removed_peer.l2tp.hostname = lns->cfg->hostname;
	removed_peer.l2tp.user = &removed_peer;
	re.tunnels = calloc(L2X_MAX_TUNNELS, sizeof(struct l2tp_tunnel *));
	re.counters.n = PERSIST_PAGES(lns);
	re.counters.pages = calloc(re.counters.n, sizeof(*re.counters.pages));
	begin = lns_enter(lns) - lns->clock_base;
	rc = re.tunnels && re.counters.pages ? read_all(&re) : -ENOMEM;
	if (rc) {
		snprintf(err, errlen, "state cannot be read: %s", strerror(-rc));
		goto out;
	}
	settle(&re);
	l2tp_tunnels_visit(lns->l2tp, put_tunnel, lns);
	marks_step(lns->marks, MARK_HOOK, 0);
	rc = dp_ready(lns->dp, &state->adoption, err, errlen);
	if (rc)
		goto out;
	state->tunnels_restored = re.n_tunnels;
	state->sessions_restored = re.sessions;
	state->sessions_dropped = re.closed;
	state->wires_restored = re.wires;
	state->wires_dropped = re.wires_closed;
	state->set_aside = re.aside;
	state->restored_in_ms = lns_enter(lns) - lns->clock_base - begin;
	tell(&re, &state->adoption);
out:
	counters_free(&re.counters);
	free(re.tunnels);
	free(re.stale);
	return rc;
}
