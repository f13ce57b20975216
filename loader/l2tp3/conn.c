/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a control connection comes, keeps alive, moves and goes: what the actions of tunnel.c
 * stand on. */
#include <stdlib.h>
#include <string.h>

#include "loader/l2tp3/engine.h"

#define QUEUE_MIN 256u /* messages that may wait on a connection without sessions */
#define QUEUE_PER_CALL 4u
#define MAX_SERIAL 0xfffff0u /* of a message, in its record's name */
#define ALIVE_MS 60000u /* data this young speaks for a peer that ignores Hello */
#define TYPE_OFFSET (L2TP3_HEADER + L2TP_AVP_HEADER)
#define NS_OFFSET 8u
#define ZEROES 4u /* octets before what a Yamaha takes over UDP */
#define JITTER 8u /* Hello comes up to one in so many parts of its time early (V3-REL-5) */
#define LOG_TUNNELS 1000u
#define LOG_TUNNEL_MS 20

static timer_fn tick;

struct log_who conn_who(const struct l2tp3_tunnel *t)
{
	return (struct log_who){ .tunnel = t->id, .peer = t->peer->name };
}

/* ---- lists ---- */

void conn_live_append(struct l2tp3_tunnel *t)
{
	struct l2tp3_endpoint *ep = t->ep;

	t->order = ++ep->n_made;
	t->prev = ep->last;
	t->next = NULL;
	if (ep->last)
		ep->last->next = t;
	else
		ep->first = t;
	ep->last = t;
	ep->n_live++;
}

/* t keeps its `next`: a walk that stands on it goes on from there. */
static void live_remove(struct l2tp3_tunnel *t)
{
	struct l2tp3_endpoint *ep = t->ep;

	hashtab_del(&ep->of_peer, &t->of_peer);
	if (t->prev)
		t->prev->next = t->next;
	else
		ep->first = t->next;
	if (t->next)
		t->next->prev = t->prev;
	else
		ep->last = t->prev;
	ep->n_live--;
}

void conn_set_half_open(struct l2tp3_tunnel *t, bool half_open)
{
	t->ep->half_open -= t->half_open;
	t->half_open = half_open;
	t->ep->half_open += t->half_open;
}

/* ---- coming ---- */

bool conn_auth_init(struct l2tp3_auth *auth, const struct l2tp3_peer *peer, bool over_ip)
{
	memset(auth, 0, sizeof(*auth));
	auth->digest = peer->digest;
	for (unsigned int i = 0; i < L2TP3_SECRETS && peer->secret[i].len; i++)
		l2tp3_keys_derive(peer->secret[i].b, peer->secret[i].len,
				  &auth->keys[auth->n_keys++]);
	auth->nonces = auth->n_keys;
	if (!auth->n_keys)
		l2tp3_keys_derive((const uint8_t *)"", 0, &auth->keys[auth->n_keys++]);
	return auth->nonces || over_ip; /* V3-HDR-12 */
}

/* V3-CC-3. 0: there is none. */
static uint32_t take_id(struct l2tp3_endpoint *ep, msec_t now)
{
	uint16_t low = ep->ops->low_take ? ep->ops->low_take(ep->ctx) : 0;

	if (ep->ops->low_take && !low)
		return 0;
	for (unsigned int tries = 0; tries < 64; tries++) {
		uint32_t id = l2tp3_random32(ep);

		if (low)
			id = (id & ~0xffffu) | low;
		if (id >= L2TP3_CCID_MIN && !l2tp3_any_tunnel(ep, id) &&
		    !l2tp3_rests(&ep->resting, id, now))
			return id;
	}
	if (low)
		ep->ops->low_back(ep->ctx, low);
	return 0;
}

/* Whoever asks for one next gets another. */
void conn_low_back(struct l2tp3_tunnel *t)
{
	if (t->has_low)
		t->ep->ops->low_back(t->ep->ctx, (uint16_t)t->id);
	t->has_low = false;
}

struct l2tp3_tunnel *conn_new(struct l2tp3_endpoint *ep, msec_t now, const struct path *path,
			      const struct l2tp3_peer *peer, bool initiator)
{
	struct l2tp3_tunnel *t = calloc(1, sizeof(*t));
	uint32_t id = t ? take_id(ep, now) : 0;

	if (!id)
		goto fail;
	*t = (struct l2tp3_tunnel){ .ep = ep,
				    .peer = peer,
				    .path = *path,
				    .id = id,
				    .initiator = initiator,
				    .has_low = ep->ops->low_take,
				    .since = now,
				    .heard = now };
	t->signs = conn_auth_init(&t->auth, peer, !path->peer_port);
	ep->ops->random(ep->ctx, t->auth.ours, sizeof(t->auth.ours));
	reliable_init(&t->rel, &ep->env, peer->window ? peer->window : REL_DEFAULT_WINDOW);
	t->rel.tunnel_id = id;
	if (hashtab_add(&ep->tunnels, &t->by_id, l2tp3_hash_id(ep, id)) < 0)
		goto fail;
	if (timer_set(ep->timers, &t->timer, now + L2TP3_SETUP_MS, tick) < 0) {
		hashtab_del(&ep->tunnels, &t->by_id);
		goto fail;
	}
	conn_live_append(t);
	conn_changed(t);
	return t;
fail:
	if (t) {
		conn_low_back(t);
		conn_free(t);
	}
	return NULL;
}

int conn_set_peer_id(struct l2tp3_tunnel *t, uint32_t peer_id)
{
	struct l2tp3_endpoint *ep = t->ep;

	hashtab_del(&ep->by_peer, &t->by_peer);
	t->peer_id = t->rel.peer_tunnel_id = peer_id;
	return hashtab_add(&ep->by_peer, &t->by_peer, l2tp3_hash_peer(ep, &t->path, peer_id));
}

static char *printable(const struct reader *text)
{
	char name[LOG_QUOTE_LEN];

	return strdup(log_quote(text->p, text->left, name, L2TP_MAX_NAME + 1));
}

void conn_learn(struct l2tp3_tunnel *t, const struct l2tp3_message *m)
{
	if (l2tp3_has(m, L2TP_AVP_HOST_NAME) && !t->hostname)
		t->hostname = printable(&m->host_name);
	if (l2tp3_has(m, L2TP_AVP_VENDOR_NAME) && !t->vendor)
		t->vendor = printable(&m->vendor_name);
	t->peer_router_id = m->router_id;
	t->n_caps = m->n_caps;
	memcpy(t->caps, m->caps, sizeof(t->caps));
	if (t->auth.nonces && m->nonce.left <= L2TP3_MAX_NONCE && m->nonce.left) {
		t->auth.peer_len = (uint8_t)m->nonce.left;
		memcpy(t->auth.peer, m->nonce.p, m->nonce.left);
	}
	if (!t->initiator && l2tp3_has(m, L2TP_AVP_TIE_BREAKER)) {
		t->has_tie = true;
		memcpy(t->tie, m->tie, sizeof(t->tie));
	}
	reliable_set_peer_window(&t->rel, l2tp3_has(m, L2TP_AVP_RECEIVE_WINDOW_SIZE) && m->window
						  ? m->window
						  : REL_DEFAULT_PEER_WINDOW);
	conn_changed(t);
}

void conn_know_peer(struct l2tp3_tunnel *t, const struct l2tp3_message *m)
{
	if (t->peer_id || !m->ccid)
		return;
	conn_set_peer_id(t,
			 m->ccid); /* without memory it is not found by what it is not asked for */
	if (t->auth.nonces && m->nonce.left <= L2TP3_MAX_NONCE) {
		t->auth.peer_len = (uint8_t)m->nonce.left;
		memcpy(t->auth.peer, m->nonce.p, m->nonce.left);
	}
}

bool conn_has_pw(const struct l2tp3_tunnel *t, uint16_t pw_type)
{
	for (unsigned int i = 0; i < t->n_caps; i++)
		if (t->caps[i] == pw_type)
			return true;
	return false;
}

/* Is o another one with the LCCE of t? Of one that has no answer yet only the address is known. */
static bool same_lcce(const struct l2tp3_tunnel *t, const struct l2tp3_tunnel *o)
{
	if (o == t || o->gone || o->peer != t->peer || !addr_eq(&o->path.peer, &t->path.peer) ||
	    !o->path.peer_port != !t->path.peer_port)
		return false;
	if (o->state == L2TP3_T_WAIT_REPLY)
		return true;
	return o->state == L2TP3_T_ESTABLISHED && o->peer_router_id == t->peer_router_id &&
	       !strcmp(l2tp3_tunnel_hostname(o), l2tp3_tunnel_hostname(t));
}

void conn_replace_older(struct l2tp3_tunnel *t, msec_t now)
{
	uint64_t last = t->ep->n_made;
	struct l2tp_reason why;

	reason3_set(&why, L2TP_STOP_EXISTS, 0, "opened anew by the other side");
	/* those that an op dials meanwhile come behind it */
	for (struct l2tp3_tunnel *o = t->ep->first; o && o->order <= last && !t->gone; o = o->next)
		if (same_lcce(t, o))
			conn_event(o, now, L2TP3_TE_REPLACED, NULL, &why);
}

/* ---- sending ---- */

void conn_build(struct l2tp3_tunnel *t, struct l2tp3_builder *b, uint16_t type)
{
	l2tp3_build(b, 3, type, t->peer_id, t->signs ? &t->auth : NULL);
	b->drafts = t->peer->cisco_drafts;
	if (t->peer->hide && t->auth.nonces)
		l2tp3_build_hide(b, t->ep->ops->random, t->ep->ctx);
}

void conn_send(struct l2tp3_tunnel *t, msec_t now, struct l2tp3_builder *b)
{
	struct log_who who = conn_who(t);
	struct l2tp_reason why;

	if (l2tp3_build_end(b) < 0) {
		log_error(&who, "a message did not fit; is the host name too long?");
		return;
	}
	if (t->n_calls > t->most_calls)
		t->most_calls = t->n_calls;
	if (!t->gone && (t->rel.queued > QUEUE_MIN + QUEUE_PER_CALL * t->most_calls ||
			 t->rel.serial > MAX_SERIAL))
		reason3_set(&why, L2TP_STOP_ERROR, L2TP_ERR_RESOURCES, "transmit queue is full");
	else if (reliable_send(&t->rel, now, b->buf, b->w.len) < 0 && !t->gone)
		reason3_set(&why, L2TP_STOP_ERROR, L2TP_ERR_RESOURCES, "no memory");
	else {
		conn_changed(t);
		return;
	}
	conn_event(t, now, L2TP3_TE_CLOSE, NULL, &why);
}

void conn_transmit_now(struct l2tp3_endpoint *ep, const struct l2tp3_peer *peer,
		       const struct path *path, const struct l2tp3_auth *auth, uint8_t *msg,
		       size_t len)
{
	uint8_t behind[ZEROES + L2TP_MAX_MESSAGE] = { 0 };

	if (auth)
		l2tp3_sign(msg, len, auth);
	l2tp3_count(ep, L2TP3_C_TX);
	if (!peer->yamaha_header || !path->peer_port || len > L2TP_MAX_MESSAGE) {
		ep->ops->send(ep->ctx, path, msg, len);
		return;
	}
	memcpy(behind + ZEROES, msg, len);
	ep->ops->send(ep->ctx, path, behind, ZEROES + len);
}

/* What is queued is not signed: Nr changes with each transmission, and so do digests (V3-AUTH-8). */
void conn_transmit(struct reliable *r, const uint8_t *msg, size_t len)
{
	struct l2tp3_tunnel *t = container_of(r, struct l2tp3_tunnel, rel);
	struct reader ns = reader_of(msg + NS_OFFSET, sizeof(uint16_t));
	enum move3_way way = move3_way(t, reader_u16(&ns));
	uint8_t copy[L2TP_MAX_MESSAGE];

	if (len > sizeof(copy))
		return;
	conn_changed(t);
	for (unsigned int there = 0; there < 2; there++) {
		if (way == (there ? MOVE3_HERE : MOVE3_THERE))
			continue;
		memcpy(copy, msg, len);
		conn_transmit_now(t->ep, t->peer, there ? &t->move.path : &t->path,
				  t->signs ? &t->auth : NULL, copy, len);
	}
}

/* Of an end whose CCID we do not know, nobody would know what it acknowledges. */
void conn_acknowledge(struct reliable *r)
{
	struct l2tp3_tunnel *t = container_of(r, struct l2tp3_tunnel, rel);
	struct l2tp3_builder b;

	if (!t->peer_id)
		return;
	l2tp3_build(&b, 3, L2TP3_ACK, t->peer_id, t->signs ? &t->auth : NULL);
	if (l2tp3_build_end(&b) < 0)
		return;
	writer_patch_u16(&b.w, 8, r->snd_nxt);
	writer_patch_u16(&b.w, 10, r->rcv_nxt);
	conn_changed(t);
	l2tp3_count(t->ep, L2TP3_C_TX_ACK);
	conn_transmit_now(t->ep, t->peer, t->answer ? t->answer : &t->path,
			  t->signs ? &t->auth : NULL, b.buf, b.w.len);
}

void conn_refuse(struct l2tp3_endpoint *ep, const struct l2tp3_peer *peer, const struct path *path,
		 const struct l2tp3_auth *auth, uint32_t peer_id, const struct l2tp_reason *why)
{
	struct l2tp3_builder b;

	l2tp3_build(&b, 3, L2TP_STOPCCN, peer_id, auth);
	l2tp3_put_result(&b, why);
	if (l2tp3_build_end(&b) < 0)
		return;
	writer_patch_u16(&b.w, 10, 1); /* our Ns 0, and it acknowledges theirs */
	l2tp3_count(ep, L2TP3_C_SENT_STOPCCN);
	conn_transmit_now(ep, peer, path, auth, b.buf, b.w.len);
}

void conn_moved(struct l2tp3_tunnel *t, msec_t now, const struct path *path)
{
	struct l2tp3_endpoint *ep = t->ep;
	struct log_who who = conn_who(t);
	char from[PATH_STRLEN], to[PATH_STRLEN];

	if (log_allowed(&ep->log_moved, now, LOG_TUNNELS, LOG_TUNNEL_MS))
		log_note(&who, "moves from %s to %s",
			 endpoint_str(&t->path.peer, t->path.peer_port, from),
			 endpoint_str(&path->peer, path->peer_port, to));
	hashtab_del(&ep->by_peer, &t->by_peer);
	t->path = *path;
	t->move.asked = false;
	/* memory: one node left the table just now */
	if (t->peer_id)
		hashtab_add(&ep->by_peer, &t->by_peer, l2tp3_hash_peer(ep, path, t->peer_id));
	l2tp3_count(ep, L2TP3_C_MOVED);
	conn_changed(t);
	if (t->announced && !t->gone && ep->ops->tunnel_moved)
		ep->ops->tunnel_moved(ep->ctx, t);
}

/* ---- keeping alive ---- */

static bool alive(struct l2tp3_tunnel *t, msec_t since)
{
	return t->ep->ops->tunnel_alive && t->ep->ops->tunnel_alive(t->ep->ctx, t, since);
}

/* So that connections to one peer do not speak all at once. */
static msec_t jitter(struct l2tp3_tunnel *t)
{
	return l2tp3_random32(t->ep) % (t->peer->hello_ms / JITTER + 1);
}

static void tick_set(struct l2tp3_tunnel *t, msec_t now)
{
	msec_t when;

	if (!t->peer->hello_ms) {
		timer_stop(t->ep->timers, &t->timer);
		return;
	}
	when = t->heard + t->peer->hello_ms;
	if (when <= now)
		when = now + t->peer->hello_ms;
	when -= jitter(t);
	timer_set(t->ep->timers, &t->timer, when > now ? when : now + 1, tick);
}

/* Only when the path is silent, and nothing else probes it. */
static void hello(struct l2tp3_tunnel *t, msec_t now)
{
	unsigned int span = t->peer->hello_ms - t->peer->hello_ms / JITTER;
	struct l2tp3_builder b;

	if (!t->peer->hello_ms || now - t->heard < span || reliable_outstanding(&t->rel))
		return;
	conn_build(t, &b, L2TP_HELLO);
	conn_send(t, now, &b);
}

static void tick(struct timer *timer, msec_t now)
{
	struct l2tp3_tunnel *t = container_of(timer, struct l2tp3_tunnel, timer);
	struct l2tp3_endpoint *ep = t->ep;
	struct l2tp_reason why;

	l2tp3_enter(ep);
	if (t->state == L2TP3_T_STOPPED) {
		conn_bury(t);
	} else if (t->state == L2TP3_T_ESTABLISHED) {
		hello(t, now);
		if (!t->gone)
			tick_set(t, now);
	} else {
		reason3_set(&why, L2TP_STOP_FSM, 0, "not set up in time");
		why.timeout = true;
		conn_event(t, now, L2TP3_TE_TIMEOUT, NULL, &why);
	}
	l2tp3_leave(ep);
}

void conn_timer_start(struct l2tp3_tunnel *t, msec_t now)
{
	if (t->state == L2TP3_T_ESTABLISHED)
		tick_set(t, now);
	else
		timer_set(t->ep->timers, &t->timer,
			  now + (t->state == L2TP3_T_STOPPED ? L2TP3_REST_MS : L2TP3_SETUP_MS),
			  tick);
}

void conn_retransmit(struct timer *timer, msec_t now)
{
	struct reliable *r = container_of(timer, struct reliable, timer);
	struct l2tp3_tunnel *t = container_of(r, struct l2tp3_tunnel, rel);
	struct l2tp3_endpoint *ep = t->ep;

	l2tp3_enter(ep);
	reliable_timeout(r, now);
	l2tp3_leave(ep);
}

bool conn_give_up(struct reliable *r, msec_t now, const struct rel_message *oldest)
{
	struct l2tp3_tunnel *t = container_of(r, struct l2tp3_tunnel, rel);
	uint16_t type = (uint16_t)(oldest->data[TYPE_OFFSET] << 8 | oldest->data[TYPE_OFFSET + 1]);
	msec_t span = t->peer->hello_ms > ALIVE_MS ? t->peer->hello_ms : ALIVE_MS;
	const char *name = l2tp_message_name(type);
	struct l2tp_reason why;

	if (t->gone) {
		conn_bury(t);
		return false;
	}
	if (type == L2TP_HELLO && alive(t, now > span ? now - span : 0))
		return true;
	reason3_set(&why, L2TP_STOP_GENERAL, 0, "no answer to %s", name ? name : "a message");
	why.timeout = true;
	conn_event(t, now, L2TP3_TE_DEAD, NULL, &why);
	return false;
}

/* ---- going ---- */

static void send_stopccn(struct l2tp3_tunnel *t, msec_t now, const struct l2tp_reason *why)
{
	struct l2tp3_builder b;

	l2tp3_count(t->ep, L2TP3_C_SENT_STOPCCN);
	conn_build(t, &b, L2TP_STOPCCN);
	if (!t->peer_id) /* it is found by nothing but that CCID (stopped_unheard) */
		b.hide = false;
	l2tp3_put_result(&b, why);
	l2tp3_put_u32(&b, L2TP3_AVP_CCID, t->id); /* V3-AVP-5 */
	conn_send(t, now, &b);
}

void conn_stopped_append(struct l2tp3_tunnel *t)
{
	struct l2tp3_endpoint *ep = t->ep;

	t->stopped = true;
	t->older = ep->newest_stopped;
	if (t->older)
		t->older->newer = t;
	else
		ep->oldest_stopped = t;
	ep->newest_stopped = t;
	ep->n_stopped++;
}

static void stopped_remove(struct l2tp3_tunnel *t)
{
	struct l2tp3_endpoint *ep = t->ep;

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

/* Stays to acknowledge, unseen; the oldest goes when there are too many. */
static void stop(struct l2tp3_tunnel *t, msec_t now)
{
	struct l2tp3_endpoint *ep = t->ep;

	conn_stopped_append(t);
	timer_set(ep->timers, &t->timer, now + L2TP3_REST_MS, tick);
	if (ep->n_stopped > L2TP3_MAX_STOPPED)
		conn_bury(ep->oldest_stopped);
}

/* An attempt that gives way to the peer's is no failure. */
static enum log_level level_of(const struct l2tp_reason *why, bool was_up)
{
	if (why->result == L2TP_STOP_NOT_AUTHORISED)
		return LOG_WARN;
	return why->result == L2TP_STOP_EXISTS && !was_up ? LOG_DEBUG : LOG_INFO;
}

/* Neither attempts that come to nothing nor connections made and closed at speed may fill the log. */
static void log_end(struct l2tp3_tunnel *t, msec_t now, const struct l2tp_reason *why, bool was_up)
{
	struct log_limit *limit = was_up ? &t->ep->log_closed : &t->ep->log_setup;
	struct log_who who = conn_who(t);

	if (log_allowed(limit, now, was_up ? LOG_TUNNELS : 10, was_up ? LOG_TUNNEL_MS : 1000))
		log_msg(level_of(why, was_up), &who, "%s%s: result %u error %u%s%s",
			was_up ? "closed" : "not set up", why->from_peer ? " by the peer" : "",
			why->result, why->error, why->text[0] ? ": " : "", why->text);
}

void conn_gone(struct l2tp3_tunnel *t, msec_t now, const struct l2tp_reason *why,
	       enum l2tp3_farewell farewell)
{
	struct l2tp3_endpoint *ep = t->ep;
	struct l2tp_reason copy = *why; /* an op may free what it is part of */
	bool was_up = t->announced && t->peer_id;

	if (t->gone)
		return;
	t->gone = true;
	t->move.asked = false; /* StopCCN goes to where the peer was heard last */
	t->state = L2TP3_T_STOPPED;
	conn_changed(t);
	timer_stop(ep->timers, &t->timer);
	calls3_down(t, now, &copy);
	conn_set_half_open(t, false);
	live_remove(t);
	reliable_drop_unsent(&t->rel);
	if (farewell == L2TP3_FAREWELL_STOPCCN)
		send_stopccn(t, now, &copy);
	log_end(t, now, &copy, was_up);
	if (t->announced && ep->ops->tunnel_gone)
		ep->ops->tunnel_gone(ep->ctx, t, &copy);
	l2tp3_rest(&ep->resting, t->id, now);
	if (farewell == L2TP3_FAREWELL_NONE)
		conn_bury(t);
	else
		stop(t, now);
}

void conn_bury(struct l2tp3_tunnel *t)
{
	struct l2tp3_endpoint *ep = t->ep;

	if (t->dead)
		return;
	t->dead = true;
	conn_low_back(t);
	if (!t->gone) { /* without a word */
		t->gone = true;
		conn_set_half_open(t, false);
		live_remove(t);
	}
	hashtab_del(&ep->tunnels, &t->by_id);
	hashtab_del(&ep->by_peer, &t->by_peer);
	if (t->stopped)
		stopped_remove(t);
	timer_stop(ep->timers, &t->timer);
	reliable_clear(&t->rel);
	conn_die(t);
}

void conn_free(struct l2tp3_tunnel *t)
{
	free(t->hostname);
	free(t->vendor);
	explicit_bzero(&t->auth, sizeof(t->auth));
	free(t);
}
