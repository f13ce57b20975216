/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which control connection is a message for, may it come this way, and does it prove itself? */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/l2tp3/engine.h"

#define X(NAME, name) [L2TP3_C_##NAME] = name,
const char *const l2tp3_counter_names[L2TP3_C_MAX] = { L2TP3_COUNTERS(X) };
#undef X

#define DEFAULT_HALF_OPEN 1024
#define DEFAULT_HALF_OPEN_SOURCE 64
#define DEFAULT_SETUP_RATE 20
#define DEFAULT_TUNNELS 16384
#define DEFAULT_CALLS 65536
#define DEFAULT_RETRANSMITS 10

/* ---- small things ---- */

void reason3_set(struct l2tp_reason *ret, uint16_t result, uint16_t error, const char *fmt, ...)
{
	va_list args;

	*ret = (struct l2tp_reason){ .result = result, .error = error };
	va_start(args, fmt);
	vsnprintf(ret->text, sizeof(ret->text), fmt, args);
	va_end(args);
}

uint64_t l2tp3_hash_id(const struct l2tp3_endpoint *ep, uint32_t id)
{
	return hash_of(ep->seed, &id, sizeof(id));
}

uint64_t l2tp3_hash_peer(const struct l2tp3_endpoint *ep, const struct path *path, uint32_t peer_id)
{
	uint8_t key[sizeof(path->peer.b) + 6];
	struct writer w = writer_of(key, sizeof(key));

	writer_bytes(&w, path->peer.b, sizeof(path->peer.b));
	writer_u16(&w, path->peer_port);
	writer_u32(&w, peer_id);
	return hash_of(ep->seed, key, w.len);
}

struct l2tp3_tunnel *l2tp3_any_tunnel(const struct l2tp3_endpoint *ep, uint32_t id)
{
	struct hashnode *node = hashtab_first(&ep->tunnels, l2tp3_hash_id(ep, id));

	for (; node; node = hashtab_next(node)) {
		struct l2tp3_tunnel *t = container_of(node, struct l2tp3_tunnel, by_id);

		if (t->id == id)
			return t;
	}
	return NULL;
}

uint32_t l2tp3_random32(struct l2tp3_endpoint *ep)
{
	uint32_t v;

	ep->ops->random(ep->ctx, &v, sizeof(v));
	return v;
}

void l2tp3_rest(struct l2tp3_rest *r, uint32_t id, msec_t now)
{
	r->id[r->next] = id;
	r->at[r->next] = now;
	r->next = (r->next + 1) % L2TP3_RESTING;
}

bool l2tp3_rests(const struct l2tp3_rest *r, uint32_t id, msec_t now)
{
	for (unsigned int i = 0; i < L2TP3_RESTING; i++)
		if (r->id[i] == id && now - r->at[i] < L2TP3_REST_MS)
			return true;
	return false;
}

/* ---- life ---- */

void l2tp3_enter(struct l2tp3_endpoint *ep)
{
	ep->depth++;
}

void l2tp3_leave(struct l2tp3_endpoint *ep)
{
	if (--ep->depth)
		return;
	l2tp3_free_dead(ep);
	ep->counters[L2TP3_C_RETRANSMIT] += ep->delivery[L2TP_C_RETRANSMIT];
	ep->delivery[L2TP_C_RETRANSMIT] = 0;
}

static unsigned int or_default(unsigned int v, unsigned int fallback)
{
	return v ? v : fallback;
}

static void set_limits(struct l2tp3_limits *l)
{
	l->half_open = or_default(l->half_open, DEFAULT_HALF_OPEN);
	l->half_open_source = or_default(l->half_open_source, DEFAULT_HALF_OPEN_SOURCE);
	l->setup_rate = or_default(l->setup_rate, DEFAULT_SETUP_RATE);
	l->tunnels = or_default(l->tunnels, DEFAULT_TUNNELS);
	l->calls = or_default(l->calls, DEFAULT_CALLS);
	l->retransmits = or_default(l->retransmits, DEFAULT_RETRANSMITS);
	if (l->retransmit_cap_ms < REL_MIN_CAP_MS)
		l->retransmit_cap_ms = REL_MIN_CAP_MS;
}

struct l2tp3_endpoint *l2tp3_endpoint_new(const struct l2tp3_limits *limits,
					  const struct l2tp3_ops *ops, void *ctx,
					  struct timers *timers)
{
	struct l2tp3_endpoint *ep = calloc(1, sizeof(*ep));

	if (!ep)
		return NULL;
	ep->limits = *limits;
	set_limits(&ep->limits);
	ep->ops = ops;
	ep->ctx = ctx;
	ep->timers = timers;
	ep->env = (struct reliable_env){
		.timers = timers,
		.retransmits = ep->limits.retransmits,
		.cap_ms = ep->limits.retransmit_cap_ms,
		.counters = ep->delivery,
		.transmit = conn_transmit,
		.acknowledge = conn_acknowledge,
		.give_up = conn_give_up,
		.timer = conn_retransmit,
	};
	ops->random(ctx, &ep->seed, sizeof(ep->seed));
	return ep;
}

void l2tp3_endpoint_free(struct l2tp3_endpoint *ep)
{
	if (!ep)
		return;
	l2tp3_enter(ep);
	while (ep->first) {
		calls3_abandon(ep->first);
		conn_bury(ep->first);
	}
	while (ep->oldest_stopped)
		conn_bury(ep->oldest_stopped);
	l2tp3_leave(ep);
	l2tp3_forget_gone(ep);
	free(ep->stale);
	hashtab_free(&ep->tunnels);
	hashtab_free(&ep->by_peer);
	hashtab_free(&ep->of_peer);
	hashtab_free(&ep->calls);
	hashtab_free(&ep->calls_by_peer);
	free(ep);
}

void l2tp3_shutdown(struct l2tp3_endpoint *ep, msec_t now)
{
	struct l2tp_reason why;

	l2tp3_enter(ep);
	ep->shutting_down = true;
	reason3_set(&why, L2TP_STOP_SHUTDOWN, 0, "shutting down");
	while (ep->first)
		conn_event(ep->first, now, L2TP3_TE_CLOSE, NULL, &why);
	l2tp3_leave(ep);
}

unsigned int l2tp3_unacknowledged(const struct l2tp3_endpoint *ep)
{
	unsigned int n = 0;

	for (const struct l2tp3_tunnel *t = ep->oldest_stopped; t; t = t->newer)
		n += reliable_outstanding(&t->rel);
	return n;
}

void l2tp3_tunnel_close(struct l2tp3_tunnel *t, msec_t now, const struct l2tp_reason *why)
{
	struct l2tp3_endpoint *ep = t->ep;

	if (t->gone)
		return;
	l2tp3_enter(ep);
	conn_event(t, now, L2TP3_TE_CLOSE, NULL, why);
	l2tp3_leave(ep);
}

/* ---- acknowledgements ---- */

/* True: it is acknowledged at the end of the batch, with what comes until then. */
static bool owe(const struct l2tp3_tunnel *t)
{
	struct l2tp3_endpoint *ep = t->ep;

	if (!t->rel.ack_owed || (ep->n_owing && ep->owing[ep->n_owing - 1] == t->id))
		return true;
	if (ep->n_owing == L2TP3_OWING)
		return false;
	ep->owing[ep->n_owing++] = t->id;
	return true;
}

void l2tp3_acknowledge(struct l2tp3_endpoint *ep)
{
	l2tp3_enter(ep);
	for (unsigned int i = 0; i < ep->n_owing; i++) {
		struct l2tp3_tunnel *t = l2tp3_any_tunnel(ep, ep->owing[i]);

		if (t)
			reliable_acknowledge(&t->rel);
	}
	ep->n_owing = 0;
	l2tp3_leave(ep);
}

/* ---- what arrives for a connection ---- */

static void deliver_held(struct l2tp3_tunnel *t, msec_t now)
{
	struct rel_message *held;
	struct l2tp3_message m;

	while (!t->dead && (held = reliable_next_held(&t->rel))) {
		if (l2tp3_parse(held->data, held->len, &t->auth, t->peer->cisco_drafts, &m) ==
		    L2TP3_P_OK)
			conn_message(t, now, &m);
		explicit_bzero(m.room, sizeof(m.room));
		explicit_bzero(held->data, held->len);
		free(held);
	}
}

/* A message that has a number of its own, verified. */
static void receive(struct l2tp3_tunnel *t, msec_t now, const struct l2tp3_message *m,
		    const uint8_t *msg)
{
	struct l2tp3_endpoint *ep = t->ep;
	enum rel_verdict verdict = reliable_receive(&t->rel, m->h.ns);

	if (verdict == REL_AHEAD)
		reliable_hold(&t->rel, m->h.ns, msg, m->h.len,
			      t->state == L2TP3_T_ESTABLISHED ? REL_MAX_WINDOW : L2TP3_SETUP_HELD);
	if (verdict == REL_IN_ORDER && t->initiator && m->type == L2TP_SCCRP)
		conn_know_peer(t, m);
	/* The window opens first, and what leaves carries the new Nr. */
	reliable_acknowledged(&t->rel, now, m->h.nr);
	switch (verdict) {
	case REL_IN_ORDER:
		conn_message(t, now, m);
		deliver_held(t, now);
		break;
	case REL_DUPLICATE:
		l2tp3_count(ep, L2TP3_C_DUPLICATE);
		break;
	case REL_AHEAD:
		l2tp3_count(ep, L2TP3_C_OUT_OF_ORDER);
		break;
	case REL_OUTSIDE:
		l2tp3_count(ep, L2TP3_C_OUT_OF_WINDOW);
		break;
	}
	if (t->dead)
		return;
	t->rel.ack_owed |= t->answer != NULL; /* what carried it went elsewhere, perhaps */
	if (t->answer || !owe(t))
		reliable_acknowledge(&t->rel);
}

void l2tp3_malformed(struct l2tp3_endpoint *ep, msec_t now, const struct path *path,
		     enum l2tp3_counter why)
{
	char from[PATH_STRLEN];

	l2tp3_count(ep, why);
	if (log_allowed(&ep->log_malformed, now, 10, 1000))
		log_info(NULL, "malformed control message of version 3 (%s) from %s",
			 l2tp3_counter_names[why],
			 endpoint_str(&path->peer, path->peer_port, from));
}

/* For people. */
static const char *unproven_text(const struct l2tp3_tunnel *t, bool wrong)
{
	if (!t->auth.nonces)
		return "its digest is not the checksum that it would be without a secret; does the "
		       "peer have one? then set `secret` here";
	if (wrong)
		return "its digest is wrong; is `secret` the same on both sides?";
	return "it has no digest; set the same `secret` on the other side";
}

/* Silently for the peer (V3-AUTH-5), and nothing ends: anybody could have sent it, an SCCRP without a digest
 * too (V3-AUTH-11). type: as it claims. */
static void unproven(struct l2tp3_tunnel *t, msec_t now, const struct path *path, uint16_t type,
		     bool wrong)
{
	struct log_who who = conn_who(t);
	const char *what = unproven_text(t, wrong);

	l2tp3_count(t->ep, wrong ? L2TP3_C_BAD_DIGEST : L2TP3_C_NO_DIGEST);
	/* Before SCCRP we have no nonce of the peer's: what it acknowledges with one says nothing. */
	if (t->state == L2TP3_T_WAIT_REPLY && type == L2TP3_ACK)
		return;
	if (!log_allowed(&t->ep->log_digest, now, 5, 10000))
		return;
	log_warn(&who, "message dropped: %s", what);
	if (t->state == L2TP3_T_WAIT_REPLY && type == L2TP_SCCRP && t->ep->ops->unproven)
		t->ep->ops->unproven(t->ep->ctx, t->peer, path, what);
}

static bool is_over_ip(const struct path *path)
{
	return !path->peer_port;
}

/* Could a message make the connection follow to this path? SCCRP may come from another port
 * (V3-HDR-11); behind a NAT that forgets, all may change, and only a secret tells who it is. */
static bool may_move(const struct l2tp3_tunnel *t, const struct path *path)
{
	if (t->gone || !addr_eq(&path->local, &t->path.local) ||
	    path->local_port != t->path.local_port || is_over_ip(path) != is_over_ip(&t->path))
		return false;
	if (t->state == L2TP3_T_WAIT_REPLY)
		return addr_eq(&path->peer, &t->path.peer);
	return t->auth.nonces;
}

/* The first answer may come from another port, without more ado: nobody else has the peer's address. */
static bool is_first_answer(const struct l2tp3_tunnel *t, const struct l2tp3_message *m)
{
	return m->type == L2TP_SCCRP && reliable_verdict(&t->rel, m->h.ns) == REL_IN_ORDER;
}

/* Verified, and from elsewhere. False: not to be heard; t may be dead behind it. */
static bool from_elsewhere(struct l2tp3_tunnel *t, msec_t now, const struct path *path,
			   const struct l2tp3_message *m)
{
	if (t->state != L2TP3_T_WAIT_REPLY)
		return move3_heard(t, now, path, m);
	if (!is_first_answer(t, m))
		return false;
	conn_moved(t, now, path);
	return true;
}

static void take(struct l2tp3_tunnel *t, msec_t now, const struct l2tp3_message *m,
		 const uint8_t *msg)
{
	conn_changed(t);
	if (t->auth.nonces && m->verified < t->auth.n_keys)
		t->auth.hide_key = m->verified;
	if (!m->type || m->type == L2TP3_ACK) {
		l2tp3_count(t->ep, L2TP3_C_RX_ACK);
		reliable_acknowledged(&t->rel, now, m->h.nr);
	} else {
		receive(t, now, m, msg);
	}
}

/* What our SCCRQ has been answered with is an answer of ours. */
static void reflected(struct l2tp3_tunnel *t, msec_t now, const struct path *path)
{
	static const char what[] =
		"the answer is one of ours, sent back; or the other side has our host "
		"name and Router ID: give it another `host-name`";
	struct log_who who = conn_who(t);

	l2tp3_count(t->ep, L2TP3_C_REFLECTED);
	if (!log_allowed(&t->ep->log_digest, now, 5, 10000))
		return;
	log_warn(&who, "SCCRP dropped: %s", what);
	if (t->ep->ops->unproven)
		t->ep->ops->unproven(t->ep->ctx, t->peer, path, what);
}

static void tunnel_message(struct l2tp3_tunnel *t, msec_t now, const struct path *path,
			   const struct l2tp3_message *m, const uint8_t *msg)
{
	bool here = path_eq(path, &t->path);

	if (t->state == L2TP3_T_WAIT_REPLY && m->type == L2TP_SCCRP &&
	    judge3_is_ours(t->ep, t->peer, m)) {
		reflected(t, now, path);
		return;
	}
	if (here) {
		move3_heard_here(t, m);
	} else if (!from_elsewhere(t, now, path, m)) {
		l2tp3_count(t->ep, L2TP3_C_WRONG_PATH);
		return;
	}
	if (t->dead)
		return;
	/* a copy from elsewhere does not tell that the peer lives */
	if (here || path_eq(path, &t->path) || reliable_verdict(&t->rel, m->h.ns) == REL_IN_ORDER)
		t->heard = now;
	t->answer = here ? NULL : path;
	take(t, now, m, msg);
	t->answer = NULL;
	if (!here && !t->dead)
		move3_ask(t, now);
}

void l2tp3_tunnel_input(struct l2tp3_tunnel *t, msec_t now, const struct path *path,
			const uint8_t *msg, size_t len)
{
	struct l2tp3_endpoint *ep = t->ep;
	struct l2tp3_message m;

	if (!path_eq(path, &t->path) && !may_move(t, path)) {
		l2tp3_count(ep, L2TP3_C_WRONG_PATH);
		return;
	}
	switch (l2tp3_parse(msg, len, &t->auth, t->peer->cisco_drafts, &m)) {
	case L2TP3_P_OK:
		tunnel_message(t, now, path, &m, msg);
		break;
	case L2TP3_P_HEADER:
		l2tp3_malformed(ep, now, path, L2TP3_C_BAD_HEADER);
		break;
	case L2TP3_P_AVPS: /* nothing of it is acknowledged */
		l2tp3_malformed(ep, now, path, L2TP3_C_BAD_AVP);
		break;
	case L2TP3_P_NO_DIGEST:
		unproven(t, now, path, m.type, false);
		break;
	case L2TP3_P_DIGEST:
		unproven(t, now, path, m.type, true);
		break;
	}
	explicit_bzero(m.room, sizeof(m.room));
}

void l2tp3_input(struct l2tp3_endpoint *ep, msec_t now, const struct path *path, const uint8_t *msg,
		 size_t len)
{
	struct l2tp3_tunnel *t = NULL;
	struct l2tp3_header h;

	l2tp3_enter(ep);
	l2tp3_count(ep, L2TP3_C_RX);
	if (l2tp3_header_parse(msg, len, &h) < 0 || h.len > L2TP_MAX_MESSAGE) {
		l2tp3_malformed(ep, now, path, L2TP3_C_BAD_HEADER);
	} else if (!h.ccid) {
		contact3_input(ep, now, path, msg, h.len);
	} else if (h.version == 2) {
		contact3_old(ep, now, path, &h, msg);
	} else {
		t = l2tp3_any_tunnel(ep, h.ccid);
		if (t)
			l2tp3_tunnel_input(t, now, path, msg, h.len);
		else /* never answered */
			l2tp3_count(ep, L2TP3_C_UNKNOWN_CONNECTION);
	}
	l2tp3_leave(ep);
}
