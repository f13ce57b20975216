/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control connections of version 3: who may connect, who is dialled, and when again. A wire that is
 * dialled has one connection; who of two that dial each other at the same time wins, l2tp3/ knows.
 */
#include "loader/wires.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/datapath/pseudowire.h"

#define EXISTS_DELAY_MS 2000 /* the peer's takes the place of ours: it is soon there */
#define SILENCE_MS 10000 /* what set-up takes, with a message lost */
#define UNKNOWN_MS 150000 /* a peer that dials has noticed that we do not know it any more */
#define PEER_FIRST_MS 3000 /* who did not dial lets the peer ask for sessions first */
#define NO_ANSWER_MS 5000 /* of a dial; people are told before it is given up */
#define LINES_A_MS 16 /* sessions that are asked for at once */
#define WIRES_A_MS 4
#define CIRCUIT_SETTLE_MS 1000
#define VERSION_MASK 0x0f

/* ---- small things --------------------------------------------------------------------- */

struct wire *wires_of(struct wires *w, const struct l2tp3_tunnel *t)
{
	const struct config_wire *cfg = l2tp3_tunnel_peer(t)->user;

	return &w->wire[cfg - w->lns->cfg->wires];
}

msec_t wires_jitter(struct wires *w, unsigned int ms)
{
	uint32_t r;

	lns_random(w->lns, &r, sizeof(r));
	return ms - ms / 4 + r % (ms / 2 + 1);
}

const char *wires_reason(const struct l2tp_reason *why, char *buf, size_t len)
{
	const char *whose = why->from_peer ? "the peer says " : "";

	if (why->timeout && !why->text[0])
		snprintf(buf, len, "no answer");
	else if (why->text[0] && why->from_peer)
		snprintf(buf, len, "the peer says: %s (result %u, error %u)", why->text,
			 why->result, why->error);
	else if (why->text[0])
		snprintf(buf, len, "%s", why->text);
	else
		snprintf(buf, len, "%sresult %u, error %u", whose, why->result, why->error);
	return buf;
}

static bool over_ip(const struct path *path)
{
	return !path->peer_port && !path->local_port;
}

/* May this wire's peer be at the other end of this path? */
static bool fits(const struct config_wire *cfg, const struct path *path)
{
	return over_ip(&cfg->path) == over_ip(path) && addr_eq(&cfg->path.local, &path->local) &&
	       prefix_contains(&cfg->peer, &path->peer);
}

/* ---- who may connect ------------------------------------------------------------------ */

/* How well it fits who says to be calling; 0: not at all. Of two with the same name, or without
 * one, the one with the longer prefix. */
static unsigned int rank(const struct config_wire *cfg, const struct path *path,
			 const struct l2tp3_who *who)
{
	const char *name = cfg->l2tp.expect_hostname;
	unsigned int level = 2;

	if (!fits(cfg, path))
		return 0;
	if (name && strcmp(name, who->hostname) == 0)
		level = 3;
	else if (name) /* l2tp3/ refuses it, in words that help who owns that address */
		level = addr_is_set(&cfg->path.peer) ? 1 : 0;
	return level ? level << 8 | cfg->peer.len : 0;
}

const struct l2tp3_peer *wires_find_peer(void *ctx, const struct path *path,
					 const struct l2tp3_who *who)
{
	const struct wires *w = ctx;
	const struct config *cfg = w->lns->cfg;
	const struct l2tp3_peer *best = NULL;
	unsigned int best_rank = 0;

	for (unsigned int i = 0; i < cfg->n_wires; i++) {
		unsigned int r = rank(&cfg->wires[i], path, who);

		if (r <= best_rank || w->wire[i].leaving)
			continue;
		best_rank = r;
		best = &cfg->wires[i].l2tp;
	}
	return best;
}

/* By its name; or, when the pseudowire that it was called after is gone, by its only path. */
const struct config_wire *wires_named(const struct config *cfg, const char *name,
				      const struct path *path)
{
	const struct config_wire *found = NULL;
	unsigned int n = 0;

	for (unsigned int i = 0; i < cfg->n_wires; i++) {
		const struct config_wire *c = &cfg->wires[i];

		if (!fits(c, path))
			continue;
		if (strcmp(c->name, name) == 0)
			return c;
		if (addr_is_set(&c->path.peer)) {
			found = c;
			n++;
		}
	}
	return n == 1 ? found : NULL;
}

static const struct l2tp3_peer *on_named_peer(void *ctx, const char *name, const struct path *path)
{
	const struct wires *w = ctx;
	const struct config_wire *c = wires_named(w->lns->cfg, name, path);

	return c ? &c->l2tp : NULL;
}

/* Version 2's tunnel IDs, so that either version's messages have a lane of their own at the hook. */
static uint16_t on_low_take(void *ctx)
{
	const struct wires *w = ctx;

	return l2tp_id_take(w->lns->l2tp, w->lns->now);
}

static bool on_low_claim(void *ctx, uint16_t low)
{
	const struct wires *w = ctx;

	return l2tp_id_claim(w->lns->l2tp, low);
}

static void on_low_back(void *ctx, uint16_t low)
{
	const struct wires *w = ctx;

	l2tp_id_back(w->lns->l2tp, low, w->lns->now);
}

static bool on_id_taken(void *ctx, uint32_t id)
{
	const struct wires *w = ctx;

	return dp_pw_id_is_static(w->lns->dp, id);
}

static void on_send(void *ctx, const struct path *path, const uint8_t *msg, size_t len)
{
	const struct wires *w = ctx;

	outbox_control(w->lns, path, msg, len);
}

/* ---- lines of a wire ------------------------------------------------------------------ */

static bool is_keepalive(const struct wires *w, const struct line *l)
{
	return w->lns->cfg->signals[l->i].keepalive;
}

static struct line *line_at(struct wires *w, const struct wire *wire, unsigned int k)
{
	return &w->line[wire->cfg->pw[k]];
}

/* Every line without a session tells why. */
static void tell_lines(struct wires *w, const struct wire *wire, const char *why)
{
	for (unsigned int k = 0; k < wire->cfg->n_pw; k++) {
		struct line *l = line_at(w, wire, k);

		if (!is_keepalive(w, l) && !l->call)
			wires_line_why(w, l, why);
	}
}

static void try_lines(struct wires *w, const struct wire *wire, msec_t wait)
{
	for (unsigned int k = 0; k < wire->cfg->n_pw; k++)
		wires_line_try(w, line_at(w, wire, k), wait + k / LINES_A_MS);
}

/* Static pseudowires whose peer is only looked after. */
static void tell_alive(struct wires *w, const struct wire *wire, bool alive)
{
	char why[WIRE_WHY];

	snprintf(why, sizeof(why),
		 wire->farewell ? "%s's peer has closed its control connection"
				: "%s's peer does not answer on its control connection",
		 wire->cfg->name);
	for (unsigned int k = 0; k < wire->cfg->n_pw; k++) {
		const struct line *l = line_at(w, wire, k);

		if (is_keepalive(w, l))
			dp_pw_alive(w->lns->dp, l->i, alive, alive ? "" : why);
	}
}

static void on_silence(struct timer *t, msec_t now)
{
	struct wire *wire = (struct wire *)((char *)t - offsetof(struct wire, silence));

	(void)now;
	if (!wire->tunnel)
		tell_alive(wire->all, wire, false);
}

/* Who calls in the peer's name, and may be it: what keeps us apart is the secret. */
static void on_unproven(void *ctx, const struct l2tp3_peer *peer, const struct path *path,
			const char *what)
{
	const struct wires *w = ctx;
	const struct config_wire *cfg = peer->user;
	struct wire *wire = &w->wire[cfg - w->lns->cfg->wires];
	char why[WIRE_WHY], from[ADDR_STRLEN];

	if (wire->tunnel)
		return;
	snprintf(why, sizeof(why), "a message from %s was dropped: %s", addr_str(&path->peer, from),
		 what);
	wire->unproven = true;
	tell_lines(wire->all, wire, why);
}

/* ---- dialling -------------------------------------------------------------------------- */

static void on_dial(struct timer *t, msec_t now);

static bool is_dialled(const struct wire *wire)
{
	return wire->cfg->dial && !wire->all->ended && !wire->leaving;
}

static void dial_in(struct wire *wire, msec_t wait)
{
	struct lns *lns = wire->all->lns;

	if (is_dialled(wire))
		timer_set(&lns->timers, &wire->dial, lns->now + wait, on_dial);
}

static void dial_again(struct wire *wire)
{
	dial_in(wire, wires_jitter(wire->all, wire->delay_ms));
	wire->delay_ms *= 2;
	if (wire->delay_ms > WIRE_LAST_DELAY_MS)
		wire->delay_ms = WIRE_LAST_DELAY_MS;
}

static void explain_silence(struct wire *wire)
{
	char peer[ADDR_STRLEN];

	if (wire->unsent) {
		snprintf(wire->why, sizeof(wire->why), "nothing can be sent to %s: %s",
			 addr_str(&wire->cfg->path.peer, peer), strerror(-wire->unsent));
		return;
	}
	snprintf(wire->why, sizeof(wire->why),
		 "%s does not answer: is its daemon there, and its secret the same?",
		 addr_str(&wire->cfg->path.peer, peer));
}

static void on_no_answer(struct timer *t, msec_t now)
{
	struct wire *wire = (struct wire *)((char *)t - offsetof(struct wire, dial));

	(void)now;
	if (!wire->dialled || wire->tunnel || wire->unproven)
		return;
	explain_silence(wire);
	tell_lines(wire->all, wire, wire->why);
}

static void on_dial(struct timer *t, msec_t now)
{
	struct wire *wire = (struct wire *)((char *)t - offsetof(struct wire, dial));
	struct wires *w = wire->all;

	if (wire->tunnel || wire->dialled)
		return;
	if (w->lns->drain_all) {
		tell_lines(w, wire, "drained: no new control connections (l2xdpctl undrain)");
		dial_in(wire, WIRE_DRAIN_WAIT_MS);
		return;
	}
	wire->unsent = 0;
	wire->dialled = l2tp3_tunnel_open(w->ep, now, &wire->cfg->path, &wire->cfg->l2tp);
	if (wire->dialled) {
		timer_set(&w->lns->timers, t, now + NO_ANSWER_MS, on_no_answer);
		return;
	}
	tell_lines(w, wire, "no room for another control connection");
	dial_again(wire);
}

/* ---- up and down ------------------------------------------------------------------------ */

static struct log_who who_of(const struct l2tp3_tunnel *t)
{
	return (struct log_who){ .tunnel = l2tp3_tunnel_id(t), .peer = l2tp3_tunnel_peer(t)->name };
}

void wires_lane(struct wires *w, const struct l2tp3_tunnel *t)
{
	struct log_who who = who_of(t);
	uint16_t low = l2tp3_tunnel_low(t);
	int rc = low ? dp_tunnel_set(w->lns->dp, low, l2tp3_tunnel_path(t)) : -EBUSY;

	if (rc)
		log_warn(&who, "shares the strangers' lane at the hook: %s", strerror(-rc));
}

/* A wire that whoever of a network may dial can have several peers. */
static bool same_peer(const struct wire *wire, const struct l2tp3_tunnel *a,
		      const struct l2tp3_tunnel *b)
{
	return addr_is_set(&wire->cfg->path.peer) ||
	       strcmp(l2tp3_tunnel_hostname(a), l2tp3_tunnel_hostname(b)) == 0;
}

static void on_tunnel_up(void *ctx, struct l2tp3_tunnel *t)
{
	static const struct l2tp_reason newer = { .result = L2TP_STOP_GENERAL,
						  .text = "a newer one is up" };
	struct wires *w = ctx;
	struct wire *wire = wires_of(w, t);
	struct l2tp3_tunnel *old = wire->tunnel;
	struct l2tp_reason why = drain_reason;

	if (wire->dialled == t)
		wire->dialled = NULL;
	if (w->lns->drain_all) { /* since it was asked for */
		why.result = L2TP_STOP_ERROR;
		l2tp3_tunnel_close(t, w->lns->now, &why);
		return;
	}
	wires_lane(w, t);
	wire->tunnel = t;
	wire->up_at = w->lns->now;
	wire->why[0] = '\0';
	wire->unproven = wire->crossed = wire->farewell = false;
	timer_stop(&w->lns->timers, &wire->dial);
	timer_stop(&w->lns->timers, &wire->silence);
	if (old && old != t && same_peer(wire, old, t))
		l2tp3_tunnel_close(old, w->lns->now, &newer);
	tell_alive(w, wire, true);
	tell_lines(w, wire,
		   wire->cfg->dial ? "its session is being set up"
				   : "the peer has not asked for it yet");
	try_lines(w, wire, l2tp3_tunnel_is_initiator(t) ? 0 : PEER_FIRST_MS);
}

static bool move_line(void *arg, struct l2tp3_call *c)
{
	struct line *l = l2tp3_call_user(c);

	if (l && l->call == c)
		wires_line_put(arg, l);
	return true;
}

static void on_tunnel_moved(void *ctx, struct l2tp3_tunnel *t)
{
	if (l2tp3_tunnel_is_up(t))
		wires_lane(ctx, t);
	l2tp3_calls_visit(t, move_line, ctx);
}

struct another {
	const struct wires *w;
	const struct config_wire *cfg;
	struct l2tp3_tunnel *not_this, *found;
};

static bool look_up(void *arg, struct l2tp3_tunnel *t)
{
	struct another *a = arg;

	if (t != a->not_this && l2tp3_tunnel_peer(t) == &a->cfg->l2tp && l2tp3_tunnel_is_up(t))
		a->found = t;
	return !a->found;
}

/* What people are told of a wire that is down. */
static void explain(struct wire *wire, const struct l2tp3_tunnel *t, const struct l2tp_reason *why,
		    bool was_up)
{
	char peer[ADDR_STRLEN], text[WIRE_REASON];

	addr_str(&l2tp3_tunnel_path(t)->peer, peer);
	if (why->timeout && was_up)
		snprintf(wire->why, sizeof(wire->why), "%s does not answer any more", peer);
	else if (why->timeout && wire->cfg->dial)
		explain_silence(wire);
	else
		snprintf(wire->why, sizeof(wire->why), "no control connection with %.45s: %s", peer,
			 wires_reason(why, text, sizeof(text)));
}

static void log_gone(struct wire *wire, const struct l2tp3_tunnel *t, bool was_up)
{
	struct log_who who = who_of(t);

	if (was_up || log_allowed(&wire->log, wire->all->lns->now, 3, WIRE_LAST_DELAY_MS))
		log_note(&who, "%s%s", wire->why, is_dialled(wire) ? "; it is dialled again" : "");
}

static void on_tunnel_gone(void *ctx, struct l2tp3_tunnel *t, const struct l2tp_reason *why)
{
	struct wires *w = ctx;
	struct wire *wire = wires_of(w, t);
	struct another other = { .w = w, .cfg = wire->cfg, .not_this = t };
	bool was_up = wire->tunnel == t, dialled = wire->dialled == t, crossing;

	if (l2tp3_tunnel_low(t))
		dp_tunnel_del(w->lns->dp, l2tp3_tunnel_low(t));
	if (dialled)
		wire->dialled = NULL;
	if (was_up) {
		l2tp3_tunnels_visit(w->ep, look_up, &other);
		wire->tunnel = other.found;
	}
	if (wire->tunnel || (!was_up && !dialled))
		return;
	/* the peer's is on its way; if not, the next time tells */
	crossing = !was_up && why->result == L2TP_STOP_EXISTS && !wire->crossed;
	wire->crossed = crossing;
	if (was_up)
		wire->farewell = why->from_peer;
	explain(wire, t, why, was_up);
	if (crossing) {
		log_debug(NULL, "%s", wire->why);
		wire->why[0] = '\0';
	} else {
		log_gone(wire, t, was_up);
		tell_lines(w, wire, wire->why);
	}
	if (was_up)
		timer_set(&w->lns->timers, &wire->silence, w->lns->now + SILENCE_MS, on_silence);
	if (why->result == L2TP_STOP_EXISTS) {
		dial_in(wire, wires_jitter(w, EXISTS_DELAY_MS));
		return;
	}
	if (was_up && (w->lns->now - wire->up_at >= WIRE_GOOD_MS ||
		       (why->from_peer && why->result == L2TP_STOP_SHUTDOWN)))
		wire->delay_ms = WIRE_FIRST_DELAY_MS;
	dial_again(wire);
}

static bool ask_alive(void *arg, struct l2tp3_call *c)
{
	const struct line *l = l2tp3_call_user(c);
	struct wires *w = ((void **)arg)[0];
	bool *alive = ((void **)arg)[1];

	/* each is asked, so that the next answer is about what came after this */
	if (l && dp_pw_heard(w->lns->dp, l->i))
		*alive = true;
	return true;
}

/* Frames at the hook show life, Hello or not. */
static bool on_tunnel_alive(void *ctx, struct l2tp3_tunnel *t, msec_t since)
{
	bool alive = false;
	void *ask[2] = { ctx, &alive };

	(void)since;
	l2tp3_calls_visit(t, ask_alive, ask);
	return alive;
}

/* Refused here, it is not told to be up first. */
static bool on_may_connect(void *ctx, const struct l2tp3_peer *peer, struct l2tp_reason *ret_why)
{
	const struct wires *w = ctx;

	(void)peer;
	if (!w->lns->drain_all)
		return true;
	*ret_why = drain_reason;
	ret_why->result = L2TP_STOP_ERROR;
	return false;
}

static const struct l2tp3_ops ops = {
	.send = on_send,
	.random = lns_random,
	.find_peer = wires_find_peer,
	.may_connect = on_may_connect,
	.unproven = on_unproven,
	.named_peer = on_named_peer,
	.low_take = on_low_take,
	.low_claim = on_low_claim,
	.low_back = on_low_back,
	.id_taken = on_id_taken,
	.tunnel_up = on_tunnel_up,
	.tunnel_moved = on_tunnel_moved,
	.tunnel_gone = on_tunnel_gone,
	.tunnel_alive = on_tunnel_alive,
	.call_request = wires_call_request,
	.call_news = wires_call_news,
	.call_down = wires_call_down,
};

/* ---- in ------------------------------------------------------------------------------------ */

bool wires_input(struct wires *w, const struct path *path, const uint8_t *msg, size_t len)
{
	unsigned int version = len < 2 ? 0 : msg[1] & VERSION_MASK;

	if (!w)
		return false;
	/* where no wire is configured, version 2 says that it knows no version 3, as ever */
	if (!over_ip(path) && (!w->lns->cfg->n_wires || version < 2 || version > 3))
		return false;
	if (!over_ip(path) && version == 2 && !l2tp3_is_ours(w->ep, path, msg, len))
		return false;
	l2tp3_input(w->ep, w->lns->now, path, msg, len);
	return true;
}

void wires_unsent(struct wires *w, const struct path *path, int rc)
{
	for (unsigned int i = 0; w && i < w->lns->cfg->n_wires; i++) {
		struct wire *wire = &w->wire[i];

		if (wire->dialled && path_eq(&wire->cfg->path, path))
			wire->unsent = rc;
	}
}

/* ---- begin and end ---------------------------------------------------------------------- */

static int fill_index(struct wires *w)
{
	struct datapath *dp = w->lns->dp;
	size_t n;

	w->index_bits = dp_pw_index_bits(dp);
	n = (size_t)1 << w->index_bits;
	w->by_index = malloc(n * sizeof(*w->by_index));
	if (!w->by_index)
		return -ENOMEM;
	for (size_t k = 0; k < n; k++)
		w->by_index[k] = UINT_MAX;
	for (unsigned int i = 0; i < w->n_lines; i++)
		if (dp_pw_index(dp, i) < n)
			w->by_index[dp_pw_index(dp, i)] = i;
	return 0;
}

static void fill(struct wires *w)
{
	const struct config *cfg = w->lns->cfg;

	for (unsigned int i = 0; i < cfg->n_wires; i++)
		w->wire[i] = (struct wire){ .all = w,
					    .cfg = &cfg->wires[i],
					    .delay_ms = WIRE_FIRST_DELAY_MS };
	for (unsigned int i = 0; i < w->n_lines; i++) {
		unsigned int of = cfg->signals ? cfg->signals[i].wire : UINT_MAX;

		w->line[i] = (struct line){ .i = i,
					    .delay_ms = WIRE_FIRST_DELAY_MS,
					    .wire = of < cfg->n_wires ? &w->wire[of] : NULL };
	}
	w->n_ends = wires_sort_ends(cfg, w->ends);
}

int wires_new(struct lns *lns, struct wires **ret)
{
	const struct config *cfg = lns->cfg;
	struct wires *w = calloc(1, sizeof(*w));
	int rc = -ENOMEM;

	if (!w)
		return rc;
	w->lns = lns;
	w->n_lines = cfg->datapath.n_pseudowires;
	w->wire = calloc(cfg->n_wires + 1, sizeof(*w->wire));
	w->line = calloc(w->n_lines + 1, sizeof(*w->line));
	w->ends = calloc(w->n_lines + 1, sizeof(*w->ends));
	w->ep = l2tp3_endpoint_new(&cfg->limits3, &ops, w, &lns->timers);
	if (w->wire && w->line && w->ends && w->ep)
		rc = cfg->n_wires ? fill_index(w) : 0;
	if (rc) {
		wires_free(w);
		return rc;
	}
	fill(w);
	*ret = w;
	return 0;
}

void wires_free(struct wires *w)
{
	if (!w)
		return;
	if (w->ep)
		l2tp3_endpoint_free(w->ep);
	for (unsigned int i = 0; w->wire && i < w->lns->cfg->n_wires; i++) {
		timer_stop(&w->lns->timers, &w->wire[i].dial);
		timer_stop(&w->lns->timers, &w->wire[i].silence);
	}
	for (unsigned int i = 0; w->line && i < w->n_lines; i++) {
		timer_stop(&w->lns->timers, &w->line[i].open);
		timer_stop(&w->lns->timers, &w->line[i].circuit);
	}
	free(w->wire);
	free(w->line);
	free(w->ends);
	free(w->by_index);
	free(w);
}

static void tell_waiting(struct wires *w, const struct wire *wire)
{
	const char *name = wire->cfg->l2tp.expect_hostname;
	char why[WIRE_WHY], range[PREFIX_STRLEN];

	if (wire->cfg->dial)
		snprintf(why, sizeof(why), "its peer is being dialled");
	else if (addr_is_set(&wire->cfg->path.peer))
		snprintf(why, sizeof(why), "its peer has not dialled yet (dial: false)");
	else
		snprintf(why, sizeof(why), "nobody of %s%s%.100s has dialled yet",
			 prefix_str(&wire->cfg->peer, range), name ? " with host name " : "",
			 name ? name : "");
	tell_lines(w, wire, why);
}

void wires_begin(struct wires *w)
{
	const struct lns *lns = w->lns;

	w->begun = true;
	for (unsigned int i = 0; i < lns->cfg->n_wires; i++) {
		struct wire *wire = &w->wire[i];

		if (wire->tunnel) {
			try_lines(w, wire,
				  l2tp3_tunnel_is_initiator(wire->tunnel) ? 0 : PEER_FIRST_MS);
			continue;
		}
		timer_set(&w->lns->timers, &wire->silence,
			  lns->now + (wire->cfg->dial ? SILENCE_MS : UNKNOWN_MS), on_silence);
		tell_waiting(w, wire);
		if (!wire->dialled)
			dial_in(wire, i / WIRES_A_MS);
	}
	/* what is looked at only now may be on its way up */
	for (unsigned int i = 0; i < w->n_lines; i++)
		if (w->line[i].call)
			wires_line_tell(w, &w->line[i], CIRCUIT_SETTLE_MS);
}

void wires_shutdown(struct wires *w)
{
	w->ended = true;
	for (unsigned int i = 0; i < w->lns->cfg->n_wires; i++)
		timer_stop(&w->lns->timers, &w->wire[i].dial);
	l2tp3_shutdown(w->ep, w->lns->now);
}

static bool has_bit(const uint8_t *bits, size_t n, size_t i)
{
	return i < n && bits[i / 8] & 1u << i % 8;
}

struct leaving {
	struct wires *w;
	unsigned int n;
};

static bool leave(void *arg, struct l2tp3_tunnel *t)
{
	static const struct l2tp_reason why = { .result = L2TP_STOP_NOT_AUTHORISED,
						.text = "not configured like this any more" };
	struct leaving *l = arg;

	if (!wires_of(l->w, t)->leaving)
		return true;
	l->n++;
	l2tp3_tunnel_close(t, l->w->lns->now, &why);
	return true;
}

unsigned int wires_leave(struct wires *w, const uint8_t *leaving, size_t n)
{
	struct leaving l = { .w = w };

	for (unsigned int i = 0; i < w->lns->cfg->n_wires; i++) {
		w->wire[i].leaving = has_bit(leaving, n, i);
		if (w->wire[i].leaving)
			timer_stop(&w->lns->timers, &w->wire[i].dial);
	}
	l2tp3_tunnels_visit(w->ep, leave, &l);
	return l.n;
}

void wires_undrained(struct wires *w)
{
	for (unsigned int i = 0; w && i < w->lns->cfg->n_wires; i++) {
		struct wire *wire = &w->wire[i];

		if (wire->tunnel)
			try_lines(w, wire, 0);
		else if (!wire->dialled)
			dial_in(wire, i / WIRES_A_MS);
	}
}
