/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A world for tests of control connections: two endpoints, and between them a network in
 * memory that loses, doubles, delays and reorders by a fixed seed. Time is a number.
 * A test may also play the other side itself: by capturing what an endpoint sends and
 * giving it hand-made messages (struct raw).
 */
#ifndef L2XDP_TESTS_UNIT_L2TP_WORLD_H
#define L2XDP_TESTS_UNIT_L2TP_WORLD_H

#include "loader/l2tp/engine.h"
#include "tests/unit/l2tp_net.h"

/* ---- sides and network ---- */

struct side {
	struct world *world;
	unsigned int index;
	struct timers timers;
	struct l2tp_endpoint *ep;
	struct l2tp_ops ops;
	struct l2tp_peer peer; /* how it treats the other side */
	struct ipaddr addr;
	bool strangers_only; /* find_peer says NULL */
	bool data_alive; /* tunnel_alive says yes */
	unsigned int alive_asked;
	int call_result; /* of call_request */
	/* what it was told */
	unsigned int tunnels_new, tunnels_up, tunnels_gone, moved;
	unsigned int calls_asked, calls_up, calls_down;
	struct l2tp_reason tunnel_why, call_why;
	struct l2tp_tunnel *tunnel; /* the last one told of */
	struct l2tp_call *call;
	struct l2tp_call_info info; /* of the last call_up */
	unsigned int sent;
	unsigned int sent_at_call_down; /* messages sent before the last call_down */
	void (*on_call_up)(struct side *s, struct l2tp_call *c);
	void (*on_call_down)(struct side *s, struct l2tp_call *c);
	void (*on_tunnel_new)(struct side *s, struct l2tp_tunnel *t);
	void (*on_tunnel_up)(struct side *s, struct l2tp_tunnel *t);
	int (*on_call_request)(struct side *s, struct l2tp_call *c, struct l2tp_reason *why);
};

struct world {
	msec_t now;
	struct chance chance;
	unsigned int loss, duplicate, reorder; /* percent, each way */
	msec_t delay;
	struct packet *packets;
	struct side side[2];
	bool capture; /* packets stay in the list: the test takes them (world_take) */
	bool cut; /* nothing arrives at all */
	/* sees every message, type 0 for a ZLB; false: it is lost */
	bool (*filter)(struct world *w, unsigned int from, uint16_t type, const uint8_t *msg,
		       size_t len);
	void *user; /* the test's */
	unsigned int seen[2][L2TP_MESSAGE_LIMIT]; /* by sender and type */
	msec_t seen_at[2]; /* when each side sent last */
	struct l2tp_reason last_stop; /* of the last StopCCN or CDN on the wire */
	const char *needle; /* text that must not be on the wire */
	unsigned int needles;
	/* fixed bytes before chance, for vectors */
	const uint8_t *random_fixed;
	size_t random_fixed_len;
};

/* Type of a message, 0 for a ZLB; what StopCCN and CDN say is kept. */
static UNUSED uint16_t world_look(struct world *w, unsigned int from, const uint8_t *msg,
				  size_t len)
{
	struct l2tp_header h;
	struct l2tp_message m;

	assert_int_equal(l2tp_header_parse(msg, len, &h), L2TP_H_OK);
	if (w->needle && memmem(msg, len, w->needle, strlen(w->needle)))
		w->needles++;
	if (!h.payload_len) {
		w->seen[from][0]++;
		return 0;
	}
	assert_int_equal(l2tp_message_parse(h.payload, h.payload_len, w->side[from].peer.secret,
					    w->side[from].peer.secret_len, &m),
			 0);
	/* whatever leaves here is acceptable by our own rules */
	assert_int_equal(m.fault.error, L2TP_ERR_NONE);
	if (m.type == L2TP_STOPCCN || m.type == L2TP_CDN)
		l2tp_message_reason(&m, &w->last_stop);
	w->seen[from][m.type]++;
	return m.type;
}

static UNUSED void side_send(void *ctx, const struct path *path, const uint8_t *msg, size_t len)
{
	struct side *s = ctx;
	struct world *w = s->world;
	struct path seen = { .local = path->peer,
			     .peer = path->local,
			     .local_port = path->peer_port,
			     .peer_port = path->local_port };
	unsigned int copies = 1;

	uint16_t type = world_look(w, s->index, msg, len);

	s->sent++;
	w->seen_at[s->index] = w->now;
	if (w->filter && !w->filter(w, s->index, type, msg, len))
		return;
	if (w->cut || chance_percent(&w->chance, w->loss))
		return;
	if (chance_percent(&w->chance, w->duplicate))
		copies++;
	while (copies--) {
		msec_t when = w->now + w->delay;

		if (chance_percent(&w->chance, w->reorder))
			when += chance_next(&w->chance) % 200;
		packet_enqueue(&w->packets, packet_new(!s->index, &seen, msg, len), when);
	}
}

static UNUSED void side_random(void *ctx, void *buf, size_t n)
{
	struct world *w = ((struct side *)ctx)->world;
	uint8_t *p = buf;

	if (w->random_fixed && n == w->random_fixed_len) {
		memcpy(p, w->random_fixed, n);
		w->random_fixed = NULL;
		return;
	}
	while (n--)
		*p++ = (uint8_t)(chance_next(&w->chance) >> 8);
}

static UNUSED const struct l2tp_peer *side_find_peer(void *ctx, const struct path *path)
{
	struct side *s = ctx;

	(void)path;
	return s->strangers_only ? NULL : &s->peer;
}

static UNUSED void side_tunnel_new(void *ctx, struct l2tp_tunnel *t)
{
	struct side *s = ctx;

	s->tunnels_new++;
	s->tunnel = t;
	if (s->on_tunnel_new)
		s->on_tunnel_new(s, t);
}

static UNUSED void side_tunnel_moved(void *ctx, struct l2tp_tunnel *t)
{
	struct side *s = ctx;

	(void)t;
	s->moved++;
}

static UNUSED void side_tunnel_up(void *ctx, struct l2tp_tunnel *t)
{
	struct side *s = ctx;

	s->tunnels_up++;
	s->tunnel = t;
	if (s->on_tunnel_up)
		s->on_tunnel_up(s, t);
}

static UNUSED void side_tunnel_gone(void *ctx, struct l2tp_tunnel *t, const struct l2tp_reason *why)
{
	struct side *s = ctx;

	s->tunnels_gone++;
	s->tunnel_why = *why;
	if (s->tunnel == t)
		s->tunnel = NULL;
}

static UNUSED bool side_tunnel_alive(void *ctx, struct l2tp_tunnel *t, msec_t since)
{
	struct side *s = ctx;

	(void)t;
	(void)since;
	s->alive_asked++;
	return s->data_alive;
}

static UNUSED int side_call_request(void *ctx, struct l2tp_call *c, struct l2tp_reason *ret_why)
{
	struct side *s = ctx;

	s->calls_asked++;
	s->call = c;
	if (s->on_call_request)
		return s->on_call_request(s, c, ret_why);
	if (s->call_result)
		reason_set(ret_why, 0, 0, "not wanted");
	return s->call_result;
}

static UNUSED void side_call_up(void *ctx, struct l2tp_call *c, const struct l2tp_call_info *info)
{
	struct side *s = ctx;

	s->calls_up++;
	s->call = c;
	s->info = *info;
	if (s->on_call_up)
		s->on_call_up(s, c);
}

static UNUSED void side_call_down(void *ctx, struct l2tp_call *c, const struct l2tp_reason *why)
{
	struct side *s = ctx;

	s->calls_down++;
	s->call_why = *why;
	s->sent_at_call_down = s->sent;
	if (s->on_call_down)
		s->on_call_down(s, c);
	if (s->call == c)
		s->call = NULL;
}

enum { LAC, LNS };

static UNUSED void side_init(struct world *w, unsigned int index, const char *addr,
			     const char *hostname, const struct l2tp_limits *limits)
{
	static const struct l2tp_ops ops = {
		.send = side_send,
		.random = side_random,
		.find_peer = side_find_peer,
		.tunnel_new = side_tunnel_new,
		.tunnel_moved = side_tunnel_moved,
		.tunnel_up = side_tunnel_up,
		.tunnel_gone = side_tunnel_gone,
		.tunnel_alive = side_tunnel_alive,
		.call_request = side_call_request,
		.call_up = side_call_up,
		.call_down = side_call_down,
	};
	struct side *s = &w->side[index];
	struct l2tp_limits none = { .shards = 1 };

	s->world = w;
	s->index = index;
	s->ops = ops;
	s->peer = (struct l2tp_peer){ .name = index == LAC ? "lns" : "lac", .hostname = hostname };
	assert_int_equal(addr_parse(addr, &s->addr), 0);
	timers_init(&s->timers);
	s->ep = l2tp_endpoint_new(limits ? limits : &none, &s->ops, s, &s->timers);
	assert_non_null(s->ep);
}

/* Octets, not text: valid on the heap, since tests have many of them. */
static UNUSED struct world *world_new(const struct l2tp_limits *limits)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	log_open(LOG_ERROR);
	w->now = 1000000;
	w->delay = 5;
	w->chance.state = 42;
	side_init(w, LAC, "192.0.2.10", "lac.example", limits);
	side_init(w, LNS, "198.51.100.1", "lns.example", limits);
	return w;
}

static UNUSED void world_secret(struct world *w, const char *lac, const char *lns)
{
	w->side[LAC].peer.secret = (const uint8_t *)lac;
	w->side[LAC].peer.secret_len = lac ? strlen(lac) : 0;
	w->side[LNS].peer.secret = (const uint8_t *)lns;
	w->side[LNS].peer.secret_len = lns ? strlen(lns) : 0;
}

static UNUSED void world_drop_packets(struct world *w)
{
	while (w->packets) {
		struct packet *p = w->packets;

		w->packets = p->next;
		free(p);
	}
}

static UNUSED void world_free(struct world *w)
{
	for (unsigned int i = 0; i < 2; i++) {
		l2tp_endpoint_free(w->side[i].ep);
		assert_int_equal(timers_next(&w->side[i].timers), TIMERS_NEVER);
		timers_free(&w->side[i].timers);
	}
	world_drop_packets(w);
	free(w);
}

/* The next thing that happens, if it is not after `until`. */
static UNUSED bool world_step(struct world *w, msec_t until)
{
	msec_t when = until + 1;
	struct packet *p = w->capture ? NULL : w->packets;

	for (unsigned int i = 0; i < 2; i++)
		if (timers_next(&w->side[i].timers) < when)
			when = timers_next(&w->side[i].timers);
	if (p && p->when < when)
		when = p->when;
	else
		p = NULL;
	if (when > until)
		return false;
	if (when > w->now)
		w->now = when;
	if (!p) {
		for (unsigned int i = 0; i < 2; i++)
			timers_run(&w->side[i].timers, w->now, 1);
		return true;
	}
	w->packets = p->next;
	l2tp_input(w->side[p->to].ep, w->now, &p->path, p->data, p->len);
	free(p);
	return true;
}

static UNUSED void world_run(struct world *w, msec_t span)
{
	msec_t until = w->now + span;

	while (world_step(w, until))
		;
	w->now = until;
}

static UNUSED struct path world_path(const struct world *w, unsigned int from)
{
	return (struct path){ .local = w->side[from].addr,
			      .peer = w->side[!from].addr,
			      .local_port = L2TP_PORT,
			      .peer_port = L2TP_PORT };
}

static UNUSED struct l2tp_tunnel *world_open(struct world *w, unsigned int from)
{
	struct path path = world_path(w, from);

	return l2tp_tunnel_open(w->side[from].ep, w->now, &path, &w->side[from].peer);
}

static UNUSED uint64_t counter(const struct side *s, enum l2tp_counter c)
{
	return l2tp_counters(s->ep)[c];
}

/* One tunnel, up on both sides; the initiator's is returned. */
static UNUSED struct l2tp_tunnel *world_up(struct world *w)
{
	struct l2tp_tunnel *t = world_open(w, LAC);

	assert_non_null(t);
	world_run(w, 500);
	assert_int_equal(w->side[LAC].tunnels_up, 1);
	assert_int_equal(w->side[LNS].tunnels_up, 1);
	return t;
}

static UNUSED struct l2tp_call *world_call(struct world *w, struct l2tp_tunnel *t)
{
	struct l2tp_call_info info = { .serial = 7, .tx_speed = 100000000, .framing = 1 };
	struct l2tp_call *c = l2tp_call_open(t, w->now, &info, NULL);

	assert_non_null(c);
	world_run(w, 500);
	return c;
}

/* ---- a peer played by the test ---- */

/* Gives the endpoint a message with the numbers that the tunnel waits for (plus ns). */
static UNUSED void raw_send(struct world *w, unsigned int to, struct l2tp_tunnel *t,
			    struct l2tp_build *b, size_t len, int ns)
{
	struct path path = t ? t->path : world_path(w, to);

	assert_int_not_equal(len, 0);
	if (t) {
		writer_patch_u16(&b->w, 4, t->id);
		writer_patch_u16(&b->w, 8, (uint16_t)(t->rel.rcv_nxt + ns));
		writer_patch_u16(&b->w, 10, t->rel.snd_nxt);
	}
	l2tp_input(w->side[to].ep, w->now, &path, b->buf, len);
}

static const struct l2tp_style raw_style = { 0 };

static UNUSED void raw_sccrq(struct world *w, unsigned int to, uint16_t id,
			     const uint8_t *challenge)
{
	struct l2tp_start start = {
		.hostname = "raw", .tunnel_id = id, .window = 8, .challenge = challenge
	};
	struct l2tp_build b;

	raw_send(w, to, NULL, &b, l2tp_build_sccrq(&b, &raw_style, &start), 0);
}

/* A responder's tunnel, up, with nobody at the other end. */
static UNUSED struct l2tp_tunnel *raw_up(struct world *w)
{
	struct l2tp_build b;

	w->capture = true;
	raw_sccrq(w, LNS, 77, NULL);
	assert_non_null(w->side[LNS].tunnel);
	raw_send(w, LNS, w->side[LNS].tunnel, &b, l2tp_build_scccn(&b, &raw_style, 0, NULL), 0);
	assert_int_equal(w->side[LNS].tunnels_up, 1);
	return w->side[LNS].tunnel;
}

/* A message of this type with all that it requires. */
static UNUSED size_t raw_message(struct l2tp_build *b, uint16_t session_id,
				 enum l2tp_message_type type, uint16_t id)
{
	uint8_t value[32] = { 1, 0 };

	l2tp_build_begin(b, NULL, 0, session_id, type);
	for (unsigned int i = 1; i < L2TP_AVP_LIMIT; i++) {
		if (!(l2tp_avp_rules[i].required & L2TP_IN(type)))
			continue;
		if (i == L2TP_AVP_ASSIGNED_TUNNEL_ID || i == L2TP_AVP_ASSIGNED_SESSION_ID)
			l2tp_build_u16(b, i, id);
		else
			l2tp_build_bytes(b, i, value, l2tp_avp_rules[i].min);
	}
	return l2tp_build_end(b);
}

static UNUSED void raw_simple(struct world *w, unsigned int to, struct l2tp_tunnel *t,
			      uint16_t session_id, enum l2tp_message_type type, uint16_t id)
{
	struct l2tp_build b;

	raw_send(w, to, t, &b, raw_message(&b, session_id, type, id), 0);
}

/* The responder's call, in wait-connect or established. */
static UNUSED struct l2tp_call *raw_call(struct world *w, struct l2tp_tunnel *t, uint16_t id,
					 bool up)
{
	raw_simple(w, LNS, t, 0, L2TP_ICRQ, id);
	assert_non_null(w->side[LNS].call);
	if (up)
		raw_simple(w, LNS, t, w->side[LNS].call->id, L2TP_ICCN, 0);
	return w->side[LNS].call;
}

#endif
