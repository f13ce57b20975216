/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a control connection comes, keeps alive, moves and goes: what the actions of
 * tunnel.c stand on. */
#include <stdlib.h>
#include <string.h>

#include "loader/l2tp/engine.h"

#define QUEUE_MIN 256u /* messages that may wait on a tunnel without calls */
#define QUEUE_PER_CALL 4u
#define ALIVE_MS 60000u /* data this young speaks for a peer that ignores Hello */
#define TYPE_OFFSET (L2TP_CONTROL_HEADER + L2TP_AVP_HEADER)

static timer_fn tick;

#define ID_DRAWS                                                                                   \
	16u /* for each shard, at the most: (15/16)^256 that none of 16 is the wanted one */

struct log_who tunnel_who(const struct l2tp_tunnel *t)
{
	return (struct log_who){ .tunnel = t->id, .peer = t->peer->name };
}

/* ---- lists ---- */

void tunnels_append(struct l2tp_tunnels *list, struct l2tp_tunnel *t)
{
	t->prev = list->last;
	t->next = NULL;
	if (list->last)
		list->last->next = t;
	else
		list->first = t;
	list->last = t;
	list->n++;
	t->ep->shards[t->id & (t->ep->limits.shards - 1)].tunnels++;
}

/* t keeps its `next`: a walk that stands on it goes on from there. */
void tunnels_remove(struct l2tp_tunnels *list, struct l2tp_tunnel *t)
{
	if (t->prev)
		t->prev->next = t->next;
	else
		list->first = t->next;
	if (t->next)
		t->next->prev = t->prev;
	else
		list->last = t->prev;
	list->n--;
	t->ep->shards[t->id & (t->ep->limits.shards - 1)].tunnels--;
}

/* ---- coming ---- */

/* What a shard has to do: its calls, and those that each of its tunnels may be expected to have. */
static uint64_t work_of(const struct l2tp_endpoint *ep, uint16_t tunnel_id, unsigned int mean)
{
	const struct l2tp_shard *shard = &ep->shards[tunnel_id & (ep->limits.shards - 1)];

	return (shard->ids ? ids_in_use(shard->ids) : 0) + (uint64_t)shard->tunnels * mean;
}

static uint64_t least_work(const struct l2tp_endpoint *ep, unsigned int mean)
{
	uint64_t least = UINT64_MAX;

	for (unsigned int i = 0; i < ep->limits.shards; i++) {
		uint64_t work = work_of(ep, (uint16_t)i, mean);

		if (work < least)
			least = work;
	}
	return least;
}

static unsigned int mean_calls(const struct l2tp_endpoint *ep)
{
	uint64_t calls = 0;

	for (unsigned int i = 0; i < ep->limits.shards; i++)
		calls += ep->shards[i].ids ? ids_in_use(ep->shards[i].ids) : 0;
	return 1 + (unsigned int)(ep->live.n ? calls / ep->live.n : 0);
}

/* An ID whose shard has the least to do: tunnels of tens of thousands of sessions fit in one shard
 * each, and not two of them. Drawn until it is one of those, or the best of many. */
static uint16_t take_id(struct l2tp_endpoint *ep, msec_t now)
{
	unsigned int mean, most = ID_DRAWS * ep->limits.shards, n = 0;
	uint16_t drawn[ID_DRAWS * L2TP_SHARDS_MAX], best;
	uint64_t least;

	if (ep->limits.shards == 1 || ep->limits.shards > L2TP_SHARDS_MAX)
		return ids_take(ep->tunnel_ids, now);
	mean = mean_calls(ep);
	least = least_work(ep, mean);
	best = ids_take(ep->tunnel_ids, now);
	while (best && n < most && work_of(ep, best, mean) > least) {
		uint16_t other = ids_take(ep->tunnel_ids, now);

		if (!other)
			break;
		if (work_of(ep, other, mean) < work_of(ep, best, mean)) {
			drawn[n++] = best;
			best = other;
		} else {
			drawn[n++] = other;
		}
	}
	while (n)
		ids_return(ep->tunnel_ids, drawn[--n]);
	return best;
}

struct l2tp_tunnel *tunnel_new(struct l2tp_endpoint *ep, msec_t now, const struct path *path,
			       const struct l2tp_peer *peer, bool initiator)
{
	struct l2tp_tunnel *t = calloc(1, sizeof(*t)), *old;
	struct l2tp_setup *s = calloc(1, sizeof(*s));
	uint16_t id = take_id(ep, now);

	if (!t || !s || !id ||
	    hashtab_add(&ep->in_setup, &s->in_setup, endpoint_hash_address(ep, &path->peer)) < 0)
		goto fail;
	*t = (struct l2tp_tunnel){ .ep = ep,
				   .peer = peer,
				   .path = *path,
				   .id = id,
				   .setup = s,
				   .initiator = initiator,
				   .since = now,
				   .heard = now };
	s->tunnel = t;
	reliable_init(&t->rel, &ep->env, peer->window ? peer->window : REL_DEFAULT_WINDOW);
	t->rel.tunnel_id = id;
	old = idmap_get(&ep->tunnels, id);
	if (old) /* stopped, and its 31 s end now */
		tunnel_bury(old);
	if (idmap_set(&ep->tunnels, id, t) < 0 ||
	    timer_set(ep->timers, &t->timer, now + L2TP_SETUP_MS, tick) < 0)
		goto fail_listed;
	tunnels_append(&ep->live, t);
	ep->half_open += !initiator;
	tunnel_changed(t);
	return t;
fail_listed:
	idmap_set(&ep->tunnels, id, NULL);
	hashtab_del(&ep->in_setup, &s->in_setup);
fail:
	if (id)
		ids_release(ep->tunnel_ids, id, now);
	free(s);
	free(t);
	return NULL;
}

int tunnel_set_peer_id(struct l2tp_tunnel *t, uint16_t peer_id)
{
	struct l2tp_endpoint *ep = t->ep;

	hashtab_del(&ep->by_peer, &t->by_peer);
	t->peer_id = t->rel.peer_tunnel_id = peer_id;
	return hashtab_add(&ep->by_peer, &t->by_peer, endpoint_hash_peer(ep, &t->path, peer_id));
}

int tunnel_set_challenge(struct l2tp_tunnel *t)
{
	struct l2tp_endpoint *ep = t->ep;
	struct l2tp_setup *s = t->setup;

	ep->ops->random(ep->ctx, s->challenge, sizeof(s->challenge));
	s->has_challenge = true;
	return hashtab_add(&ep->challenges, &s->challenges,
			   endpoint_hash_challenge(ep, s->challenge, sizeof(s->challenge)));
}

void tunnel_setup_done(struct l2tp_tunnel *t)
{
	struct l2tp_endpoint *ep = t->ep;

	if (!t->setup)
		return;
	hashtab_del(&ep->in_setup, &t->setup->in_setup);
	hashtab_del(&ep->challenges, &t->setup->challenges);
	source_remove(t);
	ep->half_open -= !t->initiator;
	explicit_bzero(t->setup, sizeof(*t->setup));
	free(t->setup);
	t->setup = NULL;
}

void tunnel_announce(struct l2tp_tunnel *t)
{
	t->announced = true;
	if (t->ep->ops->tunnel_new)
		t->ep->ops->tunnel_new(t->ep->ctx, t);
}

/* Older ones with the same peer, port and assigned ID: the peer has lost them, or it
 * would not have used its ID again. Only now, because only now it is proven. */
void tunnel_replace_older(struct l2tp_tunnel *t, msec_t now)
{
	struct hashnode *node;
	struct l2tp_reason why;

	reason_set(&why, L2TP_STOP_GENERAL, 0, "opened anew by the peer");
	do {
		node = hashtab_first(&t->ep->by_peer, t->by_peer.hash);
		for (; node; node = hashtab_next(node)) {
			struct l2tp_tunnel *o = container_of(node, struct l2tp_tunnel, by_peer);

			if (o == t || o->peer_id != t->peer_id || !path_eq(&o->path, &t->path))
				continue;
			/* A stopped one is found by our ID from now on: a peer that uses
			 * the same ID again and again must not make a long chain. */
			if (o->gone)
				hashtab_del(&t->ep->by_peer, &o->by_peer);
			else
				tunnel_event(o, now, L2TP_TE_REPLACED, NULL, &why);
			break; /* the chain has changed */
		}
	} while (node && !t->gone);
}

/* ---- sending ---- */

struct l2tp_style tunnel_style(const struct l2tp_tunnel *t)
{
	return (struct l2tp_style){
		.secret = t->peer->secret,
		.secret_len = t->peer->secret_len,
		.hide = t->peer->hide,
		.random = t->ep->ops->random,
		.ctx = t->ep->ctx,
	};
}

static void queue(struct l2tp_tunnel *t, msec_t now, struct l2tp_build *b, size_t len,
		  int (*put)(struct reliable *r, msec_t now, const uint8_t *msg, size_t len))
{
	struct log_who who = tunnel_who(t);
	struct l2tp_reason why;

	if (!len) {
		log_error(&who, "a message did not fit; is the host name too long?");
		return;
	}
	if (!t->gone && t->rel.queued > QUEUE_MIN + QUEUE_PER_CALL * t->most_calls)
		reason_set(&why, L2TP_STOP_ERROR, L2TP_ERR_RESOURCES, "transmit queue is full");
	else if (put(&t->rel, now, b->buf, len) < 0 && !t->gone)
		reason_set(&why, L2TP_STOP_ERROR, L2TP_ERR_RESOURCES, "no memory");
	else {
		tunnel_changed(t);
		return;
	}
	tunnel_event(t, now, L2TP_TE_CLOSE, NULL, &why);
}

void tunnel_send(struct l2tp_tunnel *t, msec_t now, struct l2tp_build *b, size_t len)
{
	queue(t, now, b, len, reliable_send);
}

void tunnel_send_first(struct l2tp_tunnel *t, msec_t now, struct l2tp_build *b, size_t len)
{
	queue(t, now, b, len, reliable_send_first);
}

void tunnel_transmit(struct reliable *r, const uint8_t *msg, size_t len)
{
	struct l2tp_tunnel *t = container_of(r, struct l2tp_tunnel, rel);

	tunnel_changed(t);
	t->ep->ops->send(t->ep->ctx, &t->path, msg, len);
}

void tunnel_refuse(struct l2tp_endpoint *ep, const struct path *path, uint16_t peer_id, uint16_t ns,
		   const struct l2tp_reason *why)
{
	struct l2tp_build b;
	size_t len = l2tp_build_stopccn(&b, peer_id, L2TP_ID_REFUSED, why);

	/* our Ns 0, and the Nr that acknowledges what it answers */
	writer_patch_u16(&b.w, 10, (uint16_t)(ns + 1));
	endpoint_count(ep, L2TP_C_SENT_STOPCCN);
	endpoint_count(ep, L2TP_C_TX);
	ep->ops->send(ep->ctx, path, b.buf, len);
}

void tunnel_moved(struct l2tp_tunnel *t, msec_t now, const struct path *path)
{
	struct log_who who = tunnel_who(t);
	char from[PATH_STRLEN], to[PATH_STRLEN];

	if (log_allowed(&t->ep->log_moved, now, LOG_TUNNELS, LOG_TUNNEL_MS))
		log_note(&who, "moves from %s to %s",
			 endpoint_str(&t->path.peer, t->path.peer_port, from),
			 endpoint_str(&path->peer, path->peer_port, to));
	hashtab_del(&t->ep->by_peer, &t->by_peer);
	t->path = *path;
	/* memory: one node left the table just now */
	hashtab_add(&t->ep->by_peer, &t->by_peer, endpoint_hash_peer(t->ep, path, t->peer_id));
	endpoint_count(t->ep, L2TP_C_MOVED);
	if (t->ep->ops->tunnel_moved)
		t->ep->ops->tunnel_moved(t->ep->ctx, t);
}

/* ---- keeping alive ---- */

static bool alive(struct l2tp_tunnel *t, msec_t since)
{
	return t->ep->ops->tunnel_alive && t->ep->ops->tunnel_alive(t->ep->ctx, t, since);
}

static msec_t sooner(msec_t a, msec_t b)
{
	return a < b ? a : b;
}

void tunnel_tick_set(struct l2tp_tunnel *t, msec_t now)
{
	msec_t when = TIMERS_NEVER;

	if (t->peer->hello_ms)
		when = (t->heard + t->peer->hello_ms > now ? t->heard : now) + t->peer->hello_ms;
	if (t->peer->idle_ms && !t->n_calls)
		when = sooner(when, t->idle_since + t->peer->idle_ms);
	if (when == TIMERS_NEVER)
		timer_stop(t->ep->timers, &t->timer);
	else
		timer_set(t->ep->timers, &t->timer, when, tick);
}

/* Only when the path is silent (V2-HELLO-1), and nothing else probes it (V2-HELLO-4). */
static void hello(struct l2tp_tunnel *t, msec_t now)
{
	struct l2tp_build b;

	if (!t->peer->hello_ms || now - t->heard < t->peer->hello_ms)
		return;
	if (alive(t, t->heard))
		t->heard = now;
	else if (!reliable_outstanding(&t->rel))
		tunnel_send(t, now, &b, l2tp_build_hello(&b, t->peer_id));
}

static void keep(struct l2tp_tunnel *t, msec_t now)
{
	struct l2tp_reason why;

	if (t->peer->idle_ms && !t->n_calls && now - t->idle_since >= t->peer->idle_ms) {
		reason_set(&why, L2TP_STOP_GENERAL, 0, "idle");
		tunnel_event(t, now, L2TP_TE_CLOSE, NULL, &why);
		return;
	}
	hello(t, now);
	if (!t->gone)
		tunnel_tick_set(t, now);
}

static void tick(struct timer *timer, msec_t now)
{
	struct l2tp_tunnel *t = container_of(timer, struct l2tp_tunnel, timer);
	struct l2tp_endpoint *ep = t->ep;
	struct l2tp_reason why;

	endpoint_enter(ep);
	tunnel_changed(t);
	if (t->state == L2TP_T_STOPPED) {
		tunnel_bury(t);
	} else if (t->state == L2TP_T_ESTABLISHED) {
		keep(t, now);
	} else {
		reason_set(&why, L2TP_STOP_GENERAL, 0, "not set up in time");
		why.timeout = true;
		tunnel_event(t, now, L2TP_TE_TIMEOUT, NULL, &why);
	}
	endpoint_leave(ep);
}

void tunnel_retransmit(struct timer *timer, msec_t now)
{
	struct reliable *r = container_of(timer, struct reliable, timer);
	struct l2tp_tunnel *t = container_of(r, struct l2tp_tunnel, rel);
	struct l2tp_endpoint *ep = t->ep;

	endpoint_enter(ep);
	reliable_timeout(r, now);
	endpoint_leave(ep);
}

bool tunnel_give_up(struct reliable *r, msec_t now, const struct rel_message *oldest)
{
	struct l2tp_tunnel *t = container_of(r, struct l2tp_tunnel, rel);
	uint16_t type = (uint16_t)(oldest->data[TYPE_OFFSET] << 8 | oldest->data[TYPE_OFFSET + 1]);
	msec_t span = t->peer->hello_ms > ALIVE_MS ? t->peer->hello_ms : ALIVE_MS;
	struct l2tp_reason why;

	if (t->gone) {
		tunnel_bury(t);
		return false;
	}
	if (type == L2TP_HELLO && alive(t, now > span ? now - span : 0)) /* */
		return true;
	reason_set(&why, L2TP_STOP_GENERAL, 0, "no answer to %s", l2tp_message_name(type));
	why.timeout = true;
	tunnel_event(t, now, L2TP_TE_DEAD, NULL, &why); /* V2-REL-8 */
	return false;
}

/* ---- going ---- */

static void send_stopccn(struct l2tp_tunnel *t, msec_t now, const struct l2tp_reason *why)
{
	struct l2tp_build b;

	endpoint_count(t->ep, L2TP_C_SENT_STOPCCN);
	tunnel_send(t, now, &b, l2tp_build_stopccn(&b, t->peer_id, t->id, why));
}

static void free_names(struct l2tp_tunnel *t)
{
	free(t->hostname);
	free(t->vendor);
	t->hostname = t->vendor = NULL;
}

void tunnel_stopped_append(struct l2tp_tunnel *t)
{
	struct l2tp_endpoint *ep = t->ep;

	t->stopped = true;
	t->older = ep->newest_stopped;
	if (t->older)
		t->older->newer = t;
	else
		ep->oldest_stopped = t;
	ep->newest_stopped = t;
	ep->n_stopped++;
}

/* Stays to acknowledge, unseen; the oldest goes when there are too many. */
static void stop(struct l2tp_tunnel *t, msec_t now)
{
	struct l2tp_endpoint *ep = t->ep;

	free_names(t);
	tunnel_stopped_append(t);
	timer_set(ep->timers, &t->timer, now + L2TP_REST_MS, tick);
	if (ep->n_stopped > L2TP_MAX_STOPPED)
		tunnel_bury(ep->oldest_stopped);
}

static void unstop(struct l2tp_tunnel *t)
{
	struct l2tp_endpoint *ep = t->ep;

	if (t->older)
		t->older->newer = t->newer;
	else
		ep->oldest_stopped = t->newer;
	if (t->newer)
		t->newer->older = t->older;
	else
		ep->newest_stopped = t->older;
	ep->n_stopped--;
	t->stopped = false;
}

/* Neither attempts that come to nothing nor tunnels made and closed at speed may fill the log. */
static void log_end(struct l2tp_tunnel *t, msec_t now, const struct l2tp_reason *why, bool was_up)
{
	struct log_who who = tunnel_who(t);

	/* RFC 2661 section 5.1.1: neither side can tell more than that it does not fit */
	const char *hint = why->result == L2TP_STOP_NOT_AUTHORISED
				   ? "; is `secret` the same on both sides?"
				   : "";

	bool allowed = was_up ? log_allowed(&t->ep->log_closed, now, LOG_TUNNELS, LOG_TUNNEL_MS)
			      : log_allowed(&t->ep->log_setup, now, 10, 1000);

	if (allowed)
		log_msg(*hint ? LOG_WARN : LOG_INFO, &who, "%s%s: result %u error %u%s%s%s",
			was_up ? "closed" : "not set up", why->from_peer ? " by the peer" : "",
			why->result, why->error, why->text[0] ? ": " : "", why->text, hint);
}

void tunnel_gone(struct l2tp_tunnel *t, msec_t now, const struct l2tp_reason *why,
		 enum l2tp_farewell farewell)
{
	struct l2tp_endpoint *ep = t->ep;
	bool was_up = !t->setup;

	if (t->gone)
		return;
	t->gone = true;
	t->state = L2TP_T_STOPPED;
	tunnel_changed(t);
	timer_stop(ep->timers, &t->timer);
	calls_tunnel_down(t, now, why);
	tunnel_setup_done(t);
	tunnels_remove(&ep->live, t);
	reliable_drop_unsent(&t->rel);
	if (farewell == L2TP_FAREWELL_STOPCCN)
		send_stopccn(t, now, why);
	log_end(t, now, why, was_up);
	if (t->announced && ep->ops->tunnel_gone)
		ep->ops->tunnel_gone(ep->ctx, t, why);
	share_tunnel_gone(t);
	if (t->evicted) /* else a flood would have them all at rest */
		ids_return(ep->tunnel_ids, t->id);
	else
		ids_release(ep->tunnel_ids, t->id, now);
	if (farewell == L2TP_FAREWELL_NONE)
		tunnel_bury(t);
	else
		stop(t, now);
}

void tunnel_bury(struct l2tp_tunnel *t)
{
	struct l2tp_endpoint *ep = t->ep;

	if (t->dead)
		return;
	t->dead = true;
	list_del(&t->dirty);
	if (idmap_get(&ep->tunnels, t->id) == t)
		idmap_set(&ep->tunnels, t->id, NULL);
	hashtab_del(&ep->by_peer, &t->by_peer);
	if (t->stopped)
		unstop(t);
	timer_stop(ep->timers, &t->timer);
	reliable_clear(&t->rel);
	t->next_dead = ep->dead_tunnels;
	ep->dead_tunnels = t;
}

void tunnel_timer_start(struct l2tp_tunnel *t, msec_t now)
{
	if (t->state == L2TP_T_ESTABLISHED)
		tunnel_tick_set(t, now);
	else
		timer_set(t->ep->timers, &t->timer,
			  now + (t->state == L2TP_T_STOPPED ? L2TP_REST_MS : L2TP_SETUP_MS), tick);
}

void tunnel_abandon(struct l2tp_tunnel *t)
{
	calls_abandon(t);
	tunnel_setup_done(t);
	tunnels_remove(&t->ep->live, t);
	tunnel_bury(t);
}

void tunnel_free(struct l2tp_tunnel *t)
{
	free_names(t);
	free(t);
}
