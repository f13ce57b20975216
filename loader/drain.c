/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Maintenance: what is drained takes no new control connections or calls, and, with a rate,
 * its sessions are moved away by CDN, oldest tunnels first. The order lives in the store, so
 * that a restart in the middle of it changes nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "loader/persist.h"
#include "loader/wires.h"

#define STEP_MS 100

const struct l2tp_reason drain_reason = {
	.error = L2TP_ERR_TRY_ANOTHER,
	.text = "drained for maintenance",
};

static struct drain *drain_of(const struct lns *lns, const struct config_peer *peer)
{
	return &lns->drains[peer - lns->cfg->peers];
}

static const struct config_peer *peer_named(const struct lns *lns, const char *name)
{
	for (unsigned int i = 0; i < lns->cfg->n_peers; i++)
		if (strcmp(lns->cfg->peers[i].name, name) == 0)
			return &lns->cfg->peers[i];
	return NULL;
}

bool drain_refuses(const struct lns *lns, const struct config_peer *peer)
{
	return lns->drain_all || drain_of(lns, peer)->on;
}

/* ---- at a rate -------------------------------------------------------------------------- */

struct closing {
	struct lns *lns;
	bool any; /* there is one left to close */
};

static bool close_one(void *arg, struct l2tp_call *c)
{
	struct closing *cl = arg;
	struct session *s = l2tp_call_user(c);
	struct drain *d = s ? drain_of(cl->lns, s->peer) : NULL;

	if (!d || !d->on || !d->rate)
		return false; /* of another peer: nothing to do in this tunnel */
	cl->any = true;
	if (d->owed < 1000)
		return false;
	d->owed -= 1000;
	session_close_call(s, L2TP_CDN_ADMIN, drain_reason.text);
	return true;
}

static bool close_some(void *arg, struct l2tp_tunnel *t)
{
	l2tp_calls_visit(t, close_one, arg);
	return true;
}

static void step(struct timer *t, msec_t now)
{
	struct lns *lns = (struct lns *)((char *)t - offsetof(struct lns, drain_timer));
	struct closing cl = { .lns = lns };

	for (unsigned int i = 0; i < lns->cfg->n_peers; i++)
		if (lns->drains[i].on)
			lns->drains[i].owed += lns->drains[i].rate * STEP_MS;
	l2tp_tunnels_visit(lns->l2tp, close_some, &cl);
	for (unsigned int i = 0; i < lns->cfg->n_peers; i++)
		lns->drains[i].owed %= 1000; /* what nobody used is not saved up */
	if (cl.any)
		timer_set(&lns->timers, t, now + STEP_MS, step);
}

/* ---- in the store ------------------------------------------------------------------------ */

static void save(struct lns *lns)
{
	uint8_t buf[STORE_MAX_RECORD];
	struct writer w = writer_of(buf, sizeof(buf));

	writer_u8(&w, PERSIST_VERSION);
	writer_u8(&w, lns->drain_all);
	for (unsigned int i = 0; i < lns->cfg->n_peers; i++) {
		if (!lns->drains[i].on)
			continue;
		persist_put_text(&w, lns->cfg->peers[i].name);
		writer_u32(&w, lns->drains[i].rate);
	}
	if (!w.bad)
		store_put(lns->store, STORE_MISC, PERSIST_DRAIN, buf, w.len);
}

static bool read_drains(void *arg, uint64_t key, const uint8_t *rec, size_t len)
{
	struct reader r = reader_of(rec, len);
	struct lns *lns = arg;
	char name[PERSIST_TEXT];

	if (key != PERSIST_DRAIN || reader_u8(&r) != PERSIST_VERSION)
		return true;
	lns->drain_all = reader_u8(&r);
	while (r.left && persist_get_text(&r, name)) {
		const struct config_peer *peer = peer_named(lns, name);
		uint32_t rate = reader_u32(&r);

		if (peer && !r.bad)
			*drain_of(lns, peer) = (struct drain){ .on = true, .rate = rate };
	}
	return true;
}

void drain_restore(struct lns *lns)
{
	store_visit(lns->store, STORE_MISC, read_drains, lns);
	if (lns->drain_all)
		log_note(NULL, "drained: no new control connections or calls (l2xdpctl undrain)");
	for (unsigned int i = 0; i < lns->cfg->n_peers; i++)
		if (lns->drains[i].on)
			log_note(NULL, "peer %s is drained (l2xdpctl undrain --peer %s)",
				 lns->cfg->peers[i].name, lns->cfg->peers[i].name);
	timer_set(&lns->timers, &lns->drain_timer, lns->now + STEP_MS, step);
}

/* ---- what people ask for ------------------------------------------------------------------ */

int lns_drain(struct lns *lns, const char *name, unsigned int rate, char *err, size_t errlen)
{
	const struct config_peer *peer = name ? peer_named(lns, name) : NULL;

	if (name && !peer) {
		snprintf(err, errlen, "there is no peer %.64s (l2xdpctl show peers)", name);
		return -ENOENT;
	}
	if (!name && rate) {
		snprintf(err, errlen, "a rate needs a peer");
		return -EINVAL;
	}
	lns_enter(lns);
	if (peer) {
		*drain_of(lns, peer) = (struct drain){ .on = true, .rate = rate };
		log_note(NULL, "peer %s: drained%s", peer->name,
			 rate ? ", its sessions are moved away" : "");
	} else {
		lns->drain_all = true;
		log_note(NULL, "drained: no new control connections or calls");
	}
	if (rate)
		timer_set(&lns->timers, &lns->drain_timer, lns->now, step);
	save(lns);
	lns_leave(lns);
	return 0;
}

int lns_undrain(struct lns *lns, const char *name, char *err, size_t errlen)
{
	const struct config_peer *peer = name ? peer_named(lns, name) : NULL;

	if (name && !peer) {
		snprintf(err, errlen, "there is no peer %.64s (l2xdpctl show peers)", name);
		return -ENOENT;
	}
	lns_enter(lns);
	if (peer) {
		*drain_of(lns, peer) = (struct drain){ .on = false };
	} else {
		lns->drain_all = false;
		wires_undrained(lns->wires);
		memset(lns->drains, 0, lns->cfg->n_peers * sizeof(*lns->drains));
	}
	log_note(NULL, "%s%s: takes calls again", peer ? "peer " : "everything",
		 peer ? peer->name : "");
	save(lns);
	lns_leave(lns);
	return 0;
}

struct counting {
	const struct config_peer *peer;
	struct lns_peer_info *info;
};

static bool count_tunnel(void *arg, struct l2tp_tunnel *t)
{
	struct counting *c = arg;

	if (l2tp_tunnel_peer(t) == &c->peer->l2tp) {
		c->info->tunnels++;
		c->info->sessions += l2tp_tunnel_calls(t);
	}
	return true;
}

void lns_peers_visit(struct lns *lns, bool (*fn)(void *arg, const struct lns_peer_info *p),
		     void *arg)
{
	for (unsigned int i = 0; i < lns->cfg->n_peers; i++) {
		const struct config_peer *peer = &lns->cfg->peers[i];
		struct lns_peer_info info = {
			.name = peer->name,
			.draining = drain_refuses(lns, peer),
			.rate = lns->drains[i].on ? lns->drains[i].rate : 0,
			.half_open = lns->half_open[i].n,
			.refused = lns->half_open[i].refused,
		};
		struct counting c = { .peer = peer, .info = &info };

		l2tp_tunnels_visit(lns->l2tp, count_tunnel, &c);
		if (!fn(arg, &info))
			return;
	}
}
