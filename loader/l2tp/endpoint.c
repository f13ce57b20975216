/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which control connection is a datagram for, and may it come this way? */
#include <stdlib.h>
#include <string.h>

#include "loader/l2tp/engine.h"

#define X(NAME, name) [L2TP_C_##NAME] = name,
const char *const l2tp_counter_names[L2TP_C_MAX] = { L2TP_COUNTERS(X) };
#undef X

#define DEFAULT_HALF_OPEN 4096
#define DEFAULT_HALF_OPEN_SOURCE 256
#define DEFAULT_SETUP_RATE 100
#define DEFAULT_CALL_RATE 10000
#define DEFAULT_RETRANSMITS 5

void endpoint_enter(struct l2tp_endpoint *ep)
{
	ep->depth++;
}

void endpoint_leave(struct l2tp_endpoint *ep)
{
	if (--ep->depth)
		return;
	while (ep->dead_calls) {
		struct l2tp_call *c = ep->dead_calls;

		ep->dead_calls = c->next_dead;
		call_retire(c);
	}
	while (ep->dead_tunnels) {
		struct l2tp_tunnel *t = ep->dead_tunnels;

		ep->dead_tunnels = t->next_dead;
		tunnel_retire(t);
	}
}

/* ---- hashes and shards ---- */

uint64_t endpoint_hash_peer(const struct l2tp_endpoint *ep, const struct path *path,
			    uint16_t peer_id)
{
	uint8_t key[sizeof(path->peer.b) + 4];
	struct writer w = writer_of(key, sizeof(key));

	writer_bytes(&w, path->peer.b, sizeof(path->peer.b));
	writer_u16(&w, path->peer_port);
	writer_u16(&w, peer_id);
	return hash_of(ep->seed, key, w.len);
}

uint64_t endpoint_hash_address(const struct l2tp_endpoint *ep, const struct ipaddr *a)
{
	return hash_of(ep->seed, a->b, sizeof(a->b));
}

uint64_t endpoint_hash_challenge(const struct l2tp_endpoint *ep, const uint8_t *p, size_t len)
{
	return hash_of(ep->seed, p, len);
}

uint64_t endpoint_hash_session(const struct l2tp_endpoint *ep, const struct l2tp_tunnel *t,
			       uint16_t peer_session_id)
{
	const uint16_t key[2] = { t->id, peer_session_id };

	return hash_of(ep->seed, key, sizeof(key));
}

/* Its pool is made when the first call needs one; NULL on lack of memory. */
struct l2tp_shard *endpoint_shard_of(struct l2tp_endpoint *ep, uint16_t tunnel_id)
{
	struct l2tp_shard *shard = &ep->shards[tunnel_id & (ep->limits.shards - 1)];

	if (!shard->ids) {
		shard->ids = ids_new(L2TP_IDS, ep->ops->random, ep->ctx);
		if (shard->ids)
			shares_watch(&shard->shares, shard->ids);
	}
	return shard->ids ? shard : NULL;
}

struct l2tp_shard *endpoint_shard(struct l2tp_endpoint *ep, const struct l2tp_tunnel *t)
{
	return endpoint_shard_of(ep, t->id);
}

/* ---- life ---- */

static unsigned int or_default(unsigned int v, unsigned int fallback)
{
	return v ? v : fallback;
}

struct l2tp_endpoint *l2tp_endpoint_new(const struct l2tp_limits *limits,
					const struct l2tp_ops *ops, void *ctx,
					struct timers *timers)
{
	struct l2tp_endpoint *ep = calloc(1, sizeof(*ep));
	struct l2tp_limits *l;

	if (!ep)
		return NULL;
	l = &ep->limits;
	*l = *limits;
	l->half_open = or_default(l->half_open, DEFAULT_HALF_OPEN);
	l->half_open_source = or_default(l->half_open_source, DEFAULT_HALF_OPEN_SOURCE);
	l->tunnels = or_default(l->tunnels, L2TP_IDS);
	l->shards = or_default(l->shards, 1);
	l->setup_rate = or_default(l->setup_rate, DEFAULT_SETUP_RATE);
	l->call_rate = or_default(l->call_rate, DEFAULT_CALL_RATE);
	l->auth_failures = or_default(l->auth_failures, L2TP_AUTH_FAILURES);
	ep->ops = ops;
	ep->ctx = ctx;
	ep->timers = timers;
	ep->env = (struct reliable_env){
		.timers = timers,
		.retransmits = or_default(l->retransmits, DEFAULT_RETRANSMITS),
		.cap_ms = l->retransmit_cap_ms < REL_MIN_CAP_MS ? REL_MIN_CAP_MS
								: l->retransmit_cap_ms,
		.counters = ep->counters,
		.transmit = tunnel_transmit,
		.give_up = tunnel_give_up,
		.timer = tunnel_retransmit,
	};
	ops->random(ctx, &ep->seed, sizeof(ep->seed));
	ep->shards = calloc(l->shards, sizeof(*ep->shards));
	ep->tunnel_ids = ids_new(L2TP_IDS, ops->random, ctx);
	if (!ep->shards || !ep->tunnel_ids || sources_init(ep) < 0) {
		sources_free(ep);
		free(ep->shards);
		ids_free(ep->tunnel_ids);
		free(ep);
		return NULL;
	}
	shares_watch(&ep->shares, ep->tunnel_ids);
	return ep;
}

static void free_all(struct l2tp_endpoint *ep)
{
	while (ep->oldest_stopped)
		tunnel_bury(ep->oldest_stopped);
	endpoint_leave(ep);
	changes_forget(ep);
	for (unsigned int i = 0; i < ep->limits.shards; i++) {
		ids_free(ep->shards[i].ids);
		idmap_free(&ep->shards[i].calls);
	}
	free(ep->shards);
	ids_free(ep->tunnel_ids);
	idmap_free(&ep->tunnels);
	hashtab_free(&ep->by_peer);
	hashtab_free(&ep->in_setup);
	hashtab_free(&ep->challenges);
	hashtab_free(&ep->by_peer_session);
	sources_free(ep);
	free(ep);
}

void l2tp_endpoint_free(struct l2tp_endpoint *ep)
{
	struct l2tp_reason why;

	if (!ep)
		return;
	endpoint_enter(ep);
	reason_set(&why, L2TP_STOP_SHUTDOWN, 0, "shut down");
	while (ep->live.first)
		tunnel_gone(ep->live.first, 0, &why, L2TP_FAREWELL_NONE);
	free_all(ep);
}

void l2tp_endpoint_abandon(struct l2tp_endpoint *ep)
{
	if (!ep)
		return;
	endpoint_enter(ep);
	while (ep->live.first)
		tunnel_abandon(ep->live.first);
	free_all(ep);
}

void l2tp_shutdown(struct l2tp_endpoint *ep, msec_t now)
{
	struct l2tp_reason why;

	endpoint_enter(ep);
	ep->shutting_down = true;
	reason_set(&why, L2TP_STOP_SHUTDOWN, 0, "shutting down");
	while (ep->live.first)
		tunnel_event(ep->live.first, now, L2TP_TE_CLOSE, NULL, &why);
	endpoint_leave(ep);
}

unsigned int l2tp_unacknowledged(const struct l2tp_endpoint *ep)
{
	unsigned int n = 0;

	for (const struct l2tp_tunnel *t = ep->oldest_stopped; t; t = t->newer)
		n += reliable_outstanding(&t->rel);
	return n;
}

void l2tp_tunnel_close(struct l2tp_tunnel *t, msec_t now, const struct l2tp_reason *why)
{
	struct l2tp_endpoint *ep = t->ep;

	if (t->gone)
		return;
	endpoint_enter(ep);
	tunnel_event(t, now, L2TP_TE_CLOSE, NULL, why);
	endpoint_leave(ep);
}

/* ---- what arrives for a tunnel ---- */

static void deliver(struct l2tp_tunnel *t, msec_t now, const struct l2tp_header *h)
{
	const struct l2tp_peer *peer = t->peer;
	struct l2tp_message m;

	if (l2tp_message_parse(h->payload, h->payload_len, peer->secret, peer->secret_len, &m) < 0)
		return;
	tunnel_message(t, now, h, &m);
	l2tp_message_wipe(&m);
}

static void deliver_held(struct l2tp_tunnel *t, msec_t now)
{
	struct rel_message *held;
	struct l2tp_header h;

	while (!t->dead && (held = reliable_next_held(&t->rel))) {
		if (l2tp_header_parse(held->data, held->len, &h) == L2TP_H_OK)
			deliver(t, now, &h);
		explicit_bzero(held->data, held->len);
		free(held);
	}
}

/* True: it is acknowledged at the end of the batch, with what comes until then. By IDs, because
 * the tunnel may be gone by then; no other one has its ID so soon. */
static bool owe(const struct l2tp_tunnel *t)
{
	struct l2tp_endpoint *ep = t->ep;

	if (!ep->acks_wait || !t->rel.ack_owed)
		return false;
	if (ep->n_owing && ep->owing[ep->n_owing - 1] == t->id)
		return true;
	if (ep->n_owing == L2TP_OWING)
		return false;
	ep->owing[ep->n_owing++] = t->id;
	return true;
}

void l2tp_batch_acks(struct l2tp_endpoint *ep)
{
	ep->acks_wait = true;
}

void l2tp_acknowledge(struct l2tp_endpoint *ep)
{
	if (!ep->n_owing)
		return;
	endpoint_enter(ep);
	for (unsigned int i = 0; i < ep->n_owing; i++) {
		struct l2tp_tunnel *t = idmap_get(&ep->tunnels, ep->owing[i]);

		if (t && !t->dead)
			reliable_acknowledge(&t->rel);
	}
	ep->n_owing = 0;
	endpoint_leave(ep);
}

/* A message that is no ZLB, and whole. */
static void receive(struct l2tp_tunnel *t, msec_t now, const struct l2tp_header *h,
		    const uint8_t *msg)
{
	struct l2tp_endpoint *ep = t->ep;
	size_t len = (size_t)(h->payload - msg) + h->payload_len;

	switch (reliable_receive(&t->rel, h->ns)) {
	case REL_IN_ORDER:
		/* The window opens first, and what leaves carries the new Nr. */
		reliable_acknowledged(&t->rel, now, h->nr);
		deliver(t, now, h);
		deliver_held(t, now);
		break;
	case REL_DUPLICATE:
		endpoint_count(ep, L2TP_C_DUPLICATE);
		reliable_acknowledged(&t->rel, now, h->nr);
		break;
	case REL_AHEAD:
		endpoint_count(ep, L2TP_C_OUT_OF_ORDER);
		reliable_hold(&t->rel, h->ns, msg, len,
			      t->setup ? L2TP_SETUP_HELD : REL_MAX_WINDOW);
		reliable_acknowledged(&t->rel, now, h->nr);
		break;
	case REL_OUTSIDE:
		endpoint_count(ep, L2TP_C_OUT_OF_WINDOW);
		reliable_acknowledged(&t->rel, now, h->nr);
		break;
	}
	if (!t->dead && !owe(t))
		reliable_acknowledge(&t->rel); /* V2-REL-13 */
}

void endpoint_malformed(struct l2tp_endpoint *ep, msec_t now, const struct path *path,
			enum l2tp_counter why)
{
	char from[PATH_STRLEN];

	endpoint_count(ep, why);
	if (log_allowed(&ep->log_malformed, now, 10, 1000))
		log_info(NULL, "malformed control message (%s) from %s", l2tp_counter_names[why],
			 endpoint_str(&path->peer, path->peer_port, from));
}

/* Version 3 comes here only where no pseudowire is signalled. */
static void bad_header(struct l2tp_endpoint *ep, msec_t now, const struct path *path,
		       const uint8_t *msg, size_t len)
{
	char from[PATH_STRLEN];

	if (len < 2 || (msg[1] & L2TP_F_VERSION) != 3) {
		endpoint_malformed(ep, now, path, L2TP_C_BAD_HEADER);
		return;
	}
	endpoint_count(ep, L2TP_C_BAD_HEADER);
	if (log_allowed(&ep->log_malformed, now, 10, 1000))
		log_info(NULL,
			 "%s speaks L2TPv3, and no signalled pseudowire is configured here; add "
			 "one to pseudowires:, or let the peer use version 2",
			 endpoint_str(&path->peer, path->peer_port, from));
}

/* Is it a message of set-up, the next in order, that proves its sender? */
static bool proves(struct l2tp_tunnel *t, const struct l2tp_header *h)
{
	struct l2tp_reason why;
	struct l2tp_message m;
	bool yes = false;

	if (reliable_verdict(&t->rel, h->ns) != REL_IN_ORDER ||
	    l2tp_message_parse(h->payload, h->payload_len, t->peer->secret, t->peer->secret_len,
			       &m) < 0)
		return false;
	if (t->state == L2TP_T_WAIT_REPLY && m.type == L2TP_SCCRP)
		yes = judge_sccrp(t, &m, &why);
	else if (t->state == L2TP_T_WAIT_CONN && m.type == L2TP_SCCCN)
		yes = judge_scccn(t, &m, &why);
	l2tp_message_wipe(&m);
	return yes;
}

/* May the tunnel follow to this path? Only to another port of the same address: during
 * set-up with the message that completes it (V2-PORT-2, Q-9), later by option with any
 * message that stands in the window (V2-PORT-7, Q-18). */
static bool may_move(struct l2tp_tunnel *t, const struct path *path, const struct l2tp_header *h)
{
	if (!addr_eq(&path->peer, &t->path.peer) || !addr_eq(&path->local, &t->path.local) ||
	    path->local_port != t->path.local_port || t->gone || !h->payload_len ||
	    !l2tp_avps_valid(h->payload, h->payload_len) || !reliable_nr_valid(&t->rel, h->nr))
		return false;
	if (t->state == L2TP_T_ESTABLISHED) {
		enum rel_verdict verdict = reliable_verdict(&t->rel, h->ns);

		return t->peer->port_float && (verdict == REL_IN_ORDER || verdict == REL_AHEAD);
	}
	return proves(t, h);
}

void endpoint_tunnel_input(struct l2tp_tunnel *t, msec_t now, const struct path *path,
			   const struct l2tp_header *h, const uint8_t *msg)
{
	struct l2tp_endpoint *ep = t->ep;

	if (!path_eq(path, &t->path)) { /* V2-PORT-3, V2-PORT-4 */
		if (!may_move(t, path, h)) {
			endpoint_count(ep, L2TP_C_WRONG_PATH);
			source_missed(ep, &path->peer);
			return;
		}
		tunnel_moved(t, now, path);
		if (t->dead)
			return;
	}
	if (!h->payload_len) {
		endpoint_count(ep, L2TP_C_RX_ZLB);
		t->heard = now;
		tunnel_changed(t);
		reliable_acknowledged(&t->rel, now, h->nr);
	} else if (l2tp_avps_valid(h->payload, h->payload_len)) {
		t->heard = now;
		tunnel_changed(t);
		receive(t, now, h, msg);
	} else { /* nothing of it is acknowledged (V2-AVP-4) */
		endpoint_malformed(ep, now, path, L2TP_C_BAD_AVP);
	}
}

void l2tp_input(struct l2tp_endpoint *ep, msec_t now, const struct path *path, const uint8_t *msg,
		size_t len)
{
	struct l2tp_tunnel *t;
	struct l2tp_header h;

	endpoint_enter(ep);
	endpoint_count(ep, L2TP_C_RX);
	if (l2tp_header_parse(msg, len, &h) != L2TP_H_OK || !(h.flags & L2TP_F_T) ||
	    h.payload_len > L2TP_MAX_MESSAGE - L2TP_CONTROL_HEADER) {
		bad_header(ep, now, path, msg, len);
	} else if (!h.tunnel_id) {
		contact_input(ep, now, path, &h, msg);
	} else {
		t = idmap_get(&ep->tunnels, h.tunnel_id);
		if (t)
			endpoint_tunnel_input(t, now, path, &h, msg);
		else { /* never answered (V2-TEAR-6) */
			endpoint_count(ep, L2TP_C_UNKNOWN_TUNNEL);
			source_missed(ep, &path->peer);
		}
	}
	endpoint_leave(ep);
}
