/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A world for tests of L2TPv3's control connections: two endpoints, what each of them keeps for
 * its next process, and between them a network in memory that loses, doubles, delays and
 * reorders by a fixed seed. Time is a number. Nothing of a side leaves it before its records
 * are written. Of the engine only what l2tp3.h shows is used; what is on the wire is
 * read here by other means than the room's codec.
 */
#ifndef L2XDP_TESTS_UNIT_L2TP3_WORLD_H
#define L2XDP_TESTS_UNIT_L2TP3_WORLD_H

#include <errno.h>
#include <stdio.h>

#include "loader/base/bytes.h"
#include "loader/base/log.h"
#include "loader/l2tp/avp.h"
#include "loader/l2tp3/l2tp3.h"
#include "tests/unit/l2tp_net.h"

#define PORT 1701
#define ACK 20 /* Message Type of an explicit acknowledgement */
#define TYPES 32
#define HEADER 12

/* ---- sides and network ---- */

struct record {
	struct record *next;
	enum l2tp3_record kind;
	uint32_t id, serial;
	size_t len;
	uint8_t data[];
};

struct side {
	struct world *world;
	unsigned int index;
	struct timers timers;
	struct l2tp3_endpoint *ep;
	struct l2tp3_ops ops;
	struct l2tp3_limits limits;
	struct l2tp3_peer peer; /* how it treats the other side */
	struct ipaddr addr;
	uint16_t port; /* 0: directly over IP */
	struct ipaddr outside; /* as others see it: behind NAT another one */
	uint16_t outside_port;
	bool strangers_only; /* find_peer says NULL */
	bool peer_forgotten; /* named_peer says NULL */
	bool data_alive; /* tunnel_alive says yes */
	unsigned int alive_asked;
	struct l2tp3_call_config grant; /* of call_request */
	int call_result;
	struct packet *outbox, **outbox_end; /* waits for the records to be written */
	struct record *records;
	unsigned int n_records, writes, refused, stale;
	/* what it was told */
	struct l2tp3_who who; /* hostname: in who_name */
	char who_name[80];
	unsigned int peers_asked;
	unsigned int tunnels_up, tunnels_gone, moved;
	unsigned int calls_asked, calls_news, calls_down;
	struct l2tp_reason tunnel_why, call_why;
	struct l2tp3_tunnel *tunnel; /* the last one told of, or opened */
	struct l2tp3_call *call;
	unsigned int sent, sent_at_call_down;
	unsigned int ignored; /* messages of version 2 that nobody here wants */
	void (*on_call_news)(struct side *s, struct l2tp3_call *c);
	void (*on_call_down)(struct side *s, struct l2tp3_call *c);
	void (*on_tunnel_up)(struct side *s, struct l2tp3_tunnel *t);
	void (*on_tunnel_gone)(struct side *s);
	int (*on_call_request)(struct side *s, struct l2tp3_call *c,
			       const struct l2tp3_call_info *info, struct l2tp3_call_config *ret,
			       struct l2tp_reason *why);
	/* another engine on the same port, for what is not this one's */
	void (*v2_input)(struct side *s, const struct path *path, const uint8_t *msg, size_t len);
};

struct world {
	msec_t now;
	struct chance chance;
	unsigned int loss, duplicate, reorder; /* percent, each way */
	msec_t delay;
	struct packet *packets;
	struct side side[2];
	bool capture; /* what is sent stays in the list: the test takes it */
	bool cut; /* nothing arrives at all */
	bool lax; /* digests are not looked for in what a side sends */
	/* Sees every message, type 0 for a ZLB, and may change it; its new length, 0: it is lost. */
	size_t (*network)(struct world *w, unsigned int from, uint16_t type, uint8_t *msg,
			  size_t len);
	/* Behind every event of a side, before its records are written. */
	void (*after)(struct world *w, struct side *s);
	void *user; /* the test's */
	unsigned int seen[2][TYPES]; /* by sender and type */
	unsigned int seen_v2[2]; /* those of version 2 */
	uint16_t next_ns[2], last_nr[2]; /* the numbers of what each sent last */
	struct packet *kept[2][TYPES]; /* the last of each, as it would arrive */
	struct l2tp_reason last_stop; /* of the last StopCCN or CDN on the wire */
	const char *needle; /* octets that must not be on the wire, nor in a record */
	unsigned int needles;
};

enum { LEFT, RIGHT };

/* ---- octets on the wire ---- */

/* Where the value of the nth AVP of this kind begins, its length in *ret_len; 0: there is none. */
static UNUSED size_t wire_find(const uint8_t *msg, size_t len, uint16_t vendor, uint16_t type,
			       unsigned int nth, size_t *ret_len)
{
	for (size_t at = HEADER; at + 6 <= len;) {
		size_t avp = (size_t)(msg[at] & 3) << 8 | msg[at + 1];

		assert_in_range(avp, 6, len - at);
		if ((msg[at + 2] << 8 | msg[at + 3]) == vendor &&
		    (msg[at + 4] << 8 | msg[at + 5]) == type && !nth--) {
			if (ret_len)
				*ret_len = avp - 6;
			return at + 6;
		}
		at += avp;
	}
	return 0;
}

static UNUSED void wire_u16(uint8_t *msg, size_t at, uint16_t v)
{
	msg[at] = (uint8_t)(v >> 8);
	msg[at + 1] = (uint8_t)v;
}

static UNUSED void wire_u32(uint8_t *msg, size_t at, uint32_t v)
{
	wire_u16(msg, at, (uint16_t)(v >> 16));
	wire_u16(msg, at + 2, (uint16_t)v);
}

static UNUSED uint16_t wire_get_u16(const uint8_t *msg, size_t at)
{
	return (uint16_t)(msg[at] << 8 | msg[at + 1]);
}

static UNUSED uint32_t wire_get_u32(const uint8_t *msg, size_t at)
{
	return (uint32_t)wire_get_u16(msg, at) << 16 | wire_get_u16(msg, at + 2);
}

static UNUSED void look_reason(struct world *w, const uint8_t *msg, size_t len)
{
	size_t n, at = wire_find(msg, len, 0, 1, 0, &n);

	assert_true(at && n >= 2);
	w->last_stop = (struct l2tp_reason){ .result = wire_get_u16(msg, at) };
	if (n >= 4)
		w->last_stop.error = wire_get_u16(msg, at + 2);
	if (n > 4) {
		n = n - 4 < sizeof(w->last_stop.text) - 1 ? n - 4 : sizeof(w->last_stop.text) - 1;
		memcpy(w->last_stop.text, msg + at + 4, n);
	}
}

/* As many as there are secrets; without one none over UDP and one over IP (V3-HDR-12). */
static UNUSED void look_digests(const struct side *s, const uint8_t *msg, size_t len)
{
	unsigned int want = s->port ? 0 : 1;

	if (s->peer.secret[0].len)
		want = s->peer.secret[1].len ? 2 : 1;
	for (unsigned int i = 0; i < want; i++) {
		size_t n, at = wire_find(msg, len, 0, 59, i, &n);

		assert_int_equal(n, s->peer.digest == L2TP3_SHA1 ? 21 : 17);
		assert_int_equal(at, HEADER + 8 + i * (n + 6) + 6); /* V3-AUTH-2 */
		assert_int_equal(msg[at], s->peer.digest);
	}
	assert_int_equal(wire_find(msg, len, 0, 59, want, NULL), 0);
}

/* The type, 0 for a ZLB. */
static UNUSED uint16_t look(struct world *w, const struct side *s, const uint8_t *msg, size_t len)
{
	uint16_t flags = wire_get_u16(msg, 0), type;

	assert_true(flags == 0xc803 || flags == 0xc802);
	assert_true(len >= HEADER && len <= L2TP_MAX_MESSAGE);
	assert_int_equal(wire_get_u16(msg, 2), len); /* V3-HDR-3 */
	if (w->needle && memmem(msg, len, w->needle, strlen(w->needle)))
		w->needles++;
	w->seen_v2[s->index] += flags == 0xc802;
	w->last_nr[s->index] = wire_get_u16(msg, 10);
	if (len == HEADER) {
		w->seen[s->index][0]++;
		assert_true(!s->peer.secret[0].len || w->lax || flags == 0xc802);
		return 0;
	}
	assert_int_equal(wire_find(msg, len, 0, 0, 0, NULL), HEADER + 6);
	type = wire_get_u16(msg, HEADER + 6);
	assert_true(type < TYPES);
	if (type != ACK)
		w->next_ns[s->index] = (uint16_t)(wire_get_u16(msg, 8) + 1);
	w->seen[s->index][type]++;
	if (type == L2TP_STOPCCN || type == L2TP_CDN)
		look_reason(w, msg, len);
	if (!w->lax && flags == 0xc803)
		look_digests(s, msg, len);
	return type;
}

/* ---- the network ---- */

/* Is the other side where this one sends to? What it sees then. */
static UNUSED bool world_route(const struct side *s, const struct path *path, struct path *ret)
{
	const struct side *o = &s->world->side[!s->index];

	assert_true(addr_eq(&path->local, &s->addr));
	assert_int_equal(path->local_port, s->port);
	*ret = (struct path){ .local = o->addr,
			      .local_port = o->port,
			      .peer = s->outside,
			      .peer_port = s->outside_port };
	return addr_eq(&path->peer, &o->outside) && path->peer_port == o->outside_port;
}

static UNUSED void world_carry(struct world *w, struct packet *p)
{
	unsigned int copies = 1 + chance_percent(&w->chance, w->duplicate);

	if (w->cut || chance_percent(&w->chance, w->loss))
		copies = 0;
	while (copies--) {
		msec_t when = w->now + w->delay;

		if (chance_percent(&w->chance, w->reorder))
			when += chance_next(&w->chance) % 200;
		packet_enqueue(&w->packets, packet_new(p->to, &p->path, p->data, p->len), when);
	}
	free(p);
}

static UNUSED void side_send(void *ctx, const struct path *path, const uint8_t *msg, size_t len)
{
	static const uint8_t zeros[4];
	struct side *s = ctx;
	struct world *w = s->world;
	uint8_t copy[L2TP_MAX_MESSAGE + 4];
	struct path seen;
	struct packet *p;
	uint16_t type;

	assert_in_range(len, 1, sizeof(copy));
	s->sent++;
	if (s->peer.yamaha_header && s->port && wire_get_u16(msg, 0) == 0) { /* */
		assert_true(len > 4 && !memcmp(msg, zeros, 4));
		msg += 4;
		len -= 4;
	} else {
		assert_false(s->peer.yamaha_header && s->port && (msg[1] & 15) == 3);
	}
	type = look(w, s, msg, len);
	memcpy(copy, msg, len);
	if (!world_route(s, path, &seen))
		return;
	free(w->kept[s->index][type]);
	w->kept[s->index][type] = packet_new(!s->index, &seen, msg, len);
	if (w->network)
		len = w->network(w, s->index, type, copy, len);
	if (!len)
		return;
	p = packet_new(!s->index, &seen, copy, len);
	*s->outbox_end = p;
	s->outbox_end = &p->next;
}

/* ---- the other ops ---- */

static UNUSED void side_random(void *ctx, void *buf, size_t n)
{
	struct world *w = ((struct side *)ctx)->world;
	uint8_t *p = buf;

	while (n--)
		*p++ = (uint8_t)(chance_next(&w->chance) >> 8);
}

static UNUSED const struct l2tp3_peer *side_find_peer(void *ctx, const struct path *path,
						      const struct l2tp3_who *who)
{
	struct side *s = ctx;

	(void)path;
	s->peers_asked++;
	s->who = *who;
	for (const char *c = who->hostname; *c; c++)
		assert_in_range(*c, 0x20, 0x7e);
	strncpy(s->who_name, who->hostname, sizeof(s->who_name) - 1);
	return s->strangers_only ? NULL : &s->peer;
}

static UNUSED const struct l2tp3_peer *side_named_peer(void *ctx, const char *name,
						       const struct path *path)
{
	struct side *s = ctx;

	(void)path;
	return s->peer_forgotten || strcmp(name, s->peer.name) != 0 ? NULL : &s->peer;
}

static UNUSED void side_tunnel_up(void *ctx, struct l2tp3_tunnel *t)
{
	struct side *s = ctx;

	s->tunnels_up++;
	s->tunnel = t;
	assert_true(l2tp3_tunnel_is_up(t));
	if (s->on_tunnel_up)
		s->on_tunnel_up(s, t);
}

static UNUSED void side_tunnel_moved(void *ctx, struct l2tp3_tunnel *t)
{
	struct side *s = ctx;

	(void)t;
	s->moved++;
}

static UNUSED void side_tunnel_gone(void *ctx, struct l2tp3_tunnel *t,
				    const struct l2tp_reason *why)
{
	struct side *s = ctx;

	assert_int_equal(l2tp3_tunnel_calls(t), 0);
	s->tunnels_gone++;
	s->tunnel_why = *why;
	if (s->tunnel == t)
		s->tunnel = NULL;
	if (s->on_tunnel_gone)
		s->on_tunnel_gone(s);
}

static UNUSED bool side_tunnel_alive(void *ctx, struct l2tp3_tunnel *t, msec_t since)
{
	struct side *s = ctx;

	(void)t;
	assert_true(since <= s->world->now);
	s->alive_asked++;
	return s->data_alive;
}

static UNUSED int side_call_request(void *ctx, struct l2tp3_call *c,
				    const struct l2tp3_call_info *info,
				    struct l2tp3_call_config *ret, struct l2tp_reason *ret_why)
{
	struct side *s = ctx;

	s->calls_asked++;
	s->call = c;
	*ret = s->grant;
	if (s->on_call_request)
		return s->on_call_request(s, c, info, ret, ret_why);
	if (s->call_result) {
		s->call = NULL;
		ret_why->result = (uint16_t)s->call_result;
		strcpy(ret_why->text, "not wanted");
	}
	return s->call_result;
}

static UNUSED void side_call_news(void *ctx, struct l2tp3_call *c)
{
	struct side *s = ctx;

	s->calls_news++;
	s->call = c;
	if (s->on_call_news)
		s->on_call_news(s, c);
}

static UNUSED void side_call_down(void *ctx, struct l2tp3_call *c, const struct l2tp_reason *why)
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

/* ---- records ---- */

static UNUSED void record_drop(struct side *s, enum l2tp3_record kind, uint32_t id, uint32_t serial)
{
	for (struct record **at = &s->records; *at; at = &(*at)->next) {
		struct record *r = *at;

		if (r->kind != kind || r->id != id || r->serial != serial)
			continue;
		*at = r->next;
		free(r);
		s->n_records--;
		return;
	}
}

/* In order of kind, ID and serial, as the real store keeps them. */
static UNUSED void record_write(void *arg, enum l2tp3_record kind, uint32_t id, uint32_t serial,
				const uint8_t *rec, size_t len)
{
	struct side *s = arg;
	struct record *r, **at = &s->records;

	assert_in_range(kind, L2TP3_R_TUNNEL, L2TP3_R_CALL);
	assert_true(serial < 1u << 24 && (kind == L2TP3_R_MESSAGE || !serial));
	s->writes++;
	record_drop(s, kind, id, serial);
	if (!rec)
		return;
	assert_in_range(len, 1, L2TP_MAX_RECORD);
	if (s->world->needle && memmem(rec, len, s->world->needle, strlen(s->world->needle)))
		s->world->needles++;
	r = malloc(sizeof(*r) + len);
	assert_non_null(r);
	while (*at && ((*at)->kind < kind ||
		       ((*at)->kind == kind &&
			((*at)->id < id || ((*at)->id == id && (*at)->serial < serial)))))
		at = &(*at)->next;
	*r = (struct record){ *at, kind, id, serial, len };
	memcpy(r->data, rec, len);
	*at = r;
	s->n_records++;
}

static UNUSED void outbox_drop(struct side *s)
{
	while (s->outbox) {
		struct packet *p = s->outbox;

		s->outbox = p->next;
		free(p);
	}
	s->outbox_end = &s->outbox;
}

/* Its records are written; what it has sent leaves. */
static UNUSED void side_commit(struct side *s)
{
	if (s->ep)
		l2tp3_changes(s->ep, record_write, s);
	while (s->outbox) {
		struct packet *p = s->outbox;

		s->outbox = p->next;
		world_carry(s->world, p);
	}
	s->outbox_end = &s->outbox;
}

static UNUSED void side_start(struct side *s)
{
	s->ep = l2tp3_endpoint_new(&s->limits, &s->ops, s, &s->timers);
	assert_non_null(s->ep);
}

/* A number of records of which one at least does not fit is deleted, as the daemon does. */
static UNUSED void side_restore(struct side *s)
{
	uint32_t bad[64][3];
	unsigned int n_bad = 0;

	for (unsigned int kind = L2TP3_R_TUNNEL; kind <= L2TP3_R_CALL; kind++)
		for (struct record *r = s->records; r; r = r->next) {
			int rc = r->kind == kind ? l2tp3_restore(s->ep, s->world->now, r->kind,
								 r->id, r->serial, r->data, r->len)
						 : 0;

			if (!rc)
				continue;
			s->refused++;
			s->stale += rc == -ESTALE;
			assert_true(n_bad < 64);
			bad[n_bad][0] = kind;
			bad[n_bad][1] = r->id;
			bad[n_bad++][2] = r->serial;
		}
	l2tp3_restored(s->ep, s->world->now);
	while (n_bad--)
		record_drop(s, bad[n_bad][0], bad[n_bad][1], bad[n_bad][2]);
}

/* The end of its process, and the next one's begin, which has nothing but the records. */
static UNUSED void side_restart(struct side *s)
{
	outbox_drop(s);
	l2tp3_endpoint_free(s->ep);
	assert_int_equal(timers_next(&s->timers), TIMERS_NEVER);
	s->tunnel = NULL;
	s->call = NULL;
	side_start(s);
	side_restore(s);
}

/* ---- life of a world ---- */

static UNUSED void side_init(struct world *w, unsigned int index, const char *addr)
{
	static const struct l2tp3_ops ops = {
		.send = side_send,
		.random = side_random,
		.find_peer = side_find_peer,
		.named_peer = side_named_peer,
		.tunnel_up = side_tunnel_up,
		.tunnel_moved = side_tunnel_moved,
		.tunnel_gone = side_tunnel_gone,
		.tunnel_alive = side_tunnel_alive,
		.call_request = side_call_request,
		.call_news = side_call_news,
		.call_down = side_call_down,
	};
	struct side *s = &w->side[index];

	s->world = w;
	s->index = index;
	s->ops = ops;
	s->peer = (struct l2tp3_peer){ .name = index == LEFT ? "to-right" : "to-left",
				       .hostname = index == LEFT ? "left.example" : "right.example",
				       .router_id = 0xc0000201 + index };
	s->grant = (struct l2tp3_call_config){
		.place = 5, .place_bits = 10, .cookie_len = 8, .sublayer = true, .active = true
	};
	assert_int_equal(addr_parse(addr, &s->addr), 0);
	s->outside = s->addr;
	s->port = s->outside_port = PORT;
	s->outbox_end = &s->outbox;
	timers_init(&s->timers);
	side_start(s);
}

static UNUSED struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	log_open(LOG_ERROR);
	w->now = 1000000;
	w->delay = 5;
	w->chance.state = 42;
	side_init(w, LEFT, "192.0.2.10");
	side_init(w, RIGHT, "198.51.100.1");
	return w;
}

static UNUSED void world_over_ip(struct world *w)
{
	for (unsigned int i = 0; i < 2; i++)
		w->side[i].port = w->side[i].outside_port = 0;
}

static UNUSED void world_over_v6(struct world *w)
{
	static const char *const addr[2] = { "2001:db8::10", "2001:db8:1::1" };

	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(addr_parse(addr[i], &w->side[i].addr), 0);
		w->side[i].outside = w->side[i].addr;
	}
}

static UNUSED struct l2tp3_secret secret_of(const char *text)
{
	return (struct l2tp3_secret){ (const uint8_t *)text, text ? strlen(text) : 0 };
}

static UNUSED void world_secret(struct world *w, const char *left, const char *right)
{
	w->side[LEFT].peer.secret[0] = secret_of(left);
	w->side[RIGHT].peer.secret[0] = secret_of(right);
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
	assert_int_equal(w->needles, 0);
	for (unsigned int i = 0; i < 2; i++) {
		struct side *s = &w->side[i];

		outbox_drop(s);
		if (s->ep)
			l2tp3_endpoint_free(s->ep);
		assert_int_equal(timers_next(&s->timers), TIMERS_NEVER);
		timers_free(&s->timers);
		while (s->records)
			record_drop(s, s->records->kind, s->records->id, s->records->serial);
		for (unsigned int type = 0; type < TYPES; type++)
			free(w->kept[i][type]);
	}
	world_drop_packets(w);
	free(w);
}

/* ---- time ---- */

/* From memory that ends where the message ends. */
static UNUSED void side_input(struct side *s, const struct path *path, const void *msg, size_t len)
{
	msec_t now = s->world->now;
	uint8_t *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, msg, len);
	if (len >= 2 && (copy[1] & 15) == 2 && !l2tp3_is_ours(s->ep, path, copy, len)) {
		s->ignored++;
		if (s->v2_input)
			s->v2_input(s, path, copy, len);
	} else {
		l2tp3_input(s->ep, now, path, copy, len);
	}
	free(copy);
}

/* A message, perhaps forged, with all that follows at once; what it sends waits. */
static UNUSED void side_give(struct side *s, const struct path *path, const void *msg, size_t len)
{
	side_input(s, path, msg, len);
	l2tp3_acknowledge(s->ep);
	side_commit(s);
}

/* All that arrives there now. */
static UNUSED void world_deliver(struct world *w, struct side *s)
{
	msec_t when = w->packets->when;

	while (w->packets && w->packets->when == when && w->packets->to == s->index) {
		struct packet *p = w->packets;

		w->packets = p->next;
		side_input(s, &p->path, p->data, p->len);
		free(p);
	}
	l2tp3_acknowledge(s->ep);
}

/* The next thing that happens, if it is not after `until`. */
static UNUSED bool world_step(struct world *w, msec_t until)
{
	msec_t when = until + 1;
	struct side *s = NULL;
	bool packet = false;

	for (unsigned int i = 0; i < 2; i++)
		side_commit(&w->side[i]);
	for (unsigned int i = 0; i < 2; i++)
		if (timers_next(&w->side[i].timers) < when) {
			s = &w->side[i];
			when = timers_next(&s->timers);
		}
	if (w->packets && !w->capture && w->packets->when < when) {
		s = &w->side[w->packets->to];
		when = w->packets->when;
		packet = true;
	}
	if (!s)
		return false;
	if (when > w->now)
		w->now = when;
	if (packet)
		world_deliver(w, s);
	else
		timers_run(&s->timers, w->now, 1);
	if (w->after)
		w->after(w, s);
	side_commit(s);
	return true;
}

static UNUSED void world_run(struct world *w, msec_t span)
{
	msec_t until = w->now + span;

	while (world_step(w, until))
		;
	w->now = until;
}

/* ---- the usual things ---- */

static UNUSED struct path world_path(const struct world *w, unsigned int from)
{
	const struct side *s = &w->side[from], *o = &w->side[!from];

	return (struct path){ .local = s->addr,
			      .peer = o->outside,
			      .local_port = s->port,
			      .peer_port = o->outside_port };
}

static UNUSED struct l2tp3_tunnel *world_open(struct world *w, unsigned int from)
{
	struct path path = world_path(w, from);
	struct side *s = &w->side[from];

	s->tunnel = l2tp3_tunnel_open(s->ep, w->now, &path, &s->peer);
	return s->tunnel;
}

static UNUSED uint64_t counter(const struct side *s, enum l2tp3_counter c)
{
	return l2tp3_counters(s->ep)[c];
}

static UNUSED bool count_tunnel(void *arg, struct l2tp3_tunnel *t)
{
	(void)t;
	++*(unsigned int *)arg;
	return true;
}

static UNUSED unsigned int side_tunnels(const struct side *s)
{
	unsigned int n = 0;

	l2tp3_tunnels_visit(s->ep, count_tunnel, &n);
	return n;
}

static UNUSED bool take_tunnel(void *arg, struct l2tp3_tunnel *t)
{
	*(struct l2tp3_tunnel **)arg = t;
	return true;
}

/* The only one that it has. */
static UNUSED struct l2tp3_tunnel *side_tunnel(const struct side *s)
{
	struct l2tp3_tunnel *t = NULL;

	assert_int_equal(side_tunnels(s), 1);
	l2tp3_tunnels_visit(s->ep, take_tunnel, &t);
	return t;
}

/* One control connection, up on both sides; this one's is returned. */
static UNUSED struct l2tp3_tunnel *world_up(struct world *w, unsigned int from)
{
	assert_non_null(world_open(w, from));
	world_run(w, 500);
	assert_int_equal(w->side[LEFT].tunnels_up, 1);
	assert_int_equal(w->side[RIGHT].tunnels_up, 1);
	return side_tunnel(&w->side[from]);
}

static UNUSED struct l2tp3_call_config call_config(const char *end_id)
{
	struct l2tp3_call_config cfg = { .pw_type = L2TP3_PW_ETHERNET,
					 .end_id_len = (uint8_t)strlen(end_id),
					 .place = 3,
					 .place_bits = 7,
					 .cookie_len = 8,
					 .sublayer = true,
					 .active = true };

	memcpy(cfg.end_id, end_id, cfg.end_id_len);
	return cfg;
}

static UNUSED struct l2tp3_call *world_call_open(struct world *w, unsigned int from,
						 const char *end_id)
{
	struct l2tp3_call_config cfg = call_config(end_id);

	return l2tp3_call_open(side_tunnel(&w->side[from]), w->now, &cfg);
}

static UNUSED bool take_call(void *arg, struct l2tp3_call *c)
{
	*(struct l2tp3_call **)arg = c;
	return true;
}

/* The only one of the only control connection. */
static UNUSED struct l2tp3_call *side_call(const struct side *s)
{
	struct l2tp3_tunnel *t = side_tunnel(s);
	struct l2tp3_call *c = NULL;

	assert_int_equal(l2tp3_tunnel_calls(t), 1);
	l2tp3_calls_visit(t, take_call, &c);
	assert_non_null(c);
	return c;
}

/* ---- do the two agree? ---- */

struct sought {
	uint32_t id; /* ours, of whom is sought */
	struct l2tp3_call *found;
};

static UNUSED bool seek_call(void *arg, struct l2tp3_call *c)
{
	struct sought *sought = arg;

	if (l2tp3_call_info(c)->ours.id == sought->id)
		sought->found = c;
	return true;
}

static UNUSED void ends_equal(const struct l2tp3_end *a, const struct l2tp3_end *b)
{
	assert_int_equal(a->id, b->id);
	assert_int_equal(a->cookie_len, b->cookie_len);
	assert_memory_equal(a->cookie, b->cookie, a->cookie_len);
	assert_int_equal(a->sublayer, b->sublayer);
	assert_int_equal(a->sequencing, b->sequencing);
	assert_int_equal(a->circuit & L2TP3_CIRCUIT_ACTIVE, b->circuit & L2TP3_CIRCUIT_ACTIVE);
}

/* arg: the other side's control connection. */
static UNUSED bool call_agrees(void *arg, struct l2tp3_call *c)
{
	const struct l2tp3_call_info *info = l2tp3_call_info(c), *other;
	struct sought sought = { .id = info->peer.id };

	assert_true(info->established && info->ready);
	l2tp3_calls_visit(arg, seek_call, &sought);
	assert_non_null(sought.found);
	other = l2tp3_call_info(sought.found);
	assert_true(other->established);
	ends_equal(&info->ours, &other->peer);
	ends_equal(&info->peer, &other->ours);
	assert_int_equal(info->initiator, !other->initiator);
	assert_int_equal(info->pw_type, other->pw_type);
	assert_int_equal(info->end_id_len, other->end_id_len);
	assert_memory_equal(info->end_id, other->end_id, info->end_id_len);
	assert_int_not_equal(info->ours.id, 0);
	return true;
}

/* One connection on both sides, and the same calls in it, all established. */
static UNUSED void world_agrees(struct world *w, unsigned int calls)
{
	struct l2tp3_tunnel *l = side_tunnel(&w->side[LEFT]), *r = side_tunnel(&w->side[RIGHT]);

	assert_true(l2tp3_tunnel_is_up(l) && l2tp3_tunnel_is_up(r));
	assert_int_equal(l2tp3_tunnel_id(l), l2tp3_tunnel_peer_id(r));
	assert_int_equal(l2tp3_tunnel_id(r), l2tp3_tunnel_peer_id(l));
	assert_true(l2tp3_tunnel_id(l) >= L2TP3_CCID_MIN);
	assert_true(l2tp3_tunnel_id(r) >= L2TP3_CCID_MIN);
	assert_int_equal(l2tp3_tunnel_is_initiator(l), !l2tp3_tunnel_is_initiator(r));
	assert_int_equal(l2tp3_tunnel_calls(l), calls);
	assert_int_equal(l2tp3_tunnel_calls(r), calls);
	l2tp3_calls_visit(l, call_agrees, r);
	l2tp3_calls_visit(r, call_agrees, l);
}

/* Nothing is left of either, not even what only acknowledges. */
static UNUSED void world_is_empty(struct world *w)
{
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(side_tunnels(&w->side[i]), 0);
		assert_int_equal(l2tp3_unacknowledged(w->side[i].ep), 0);
		assert_int_equal(w->side[i].n_records, 0);
		assert_int_equal(timers_next(&w->side[i].timers), TIMERS_NEVER);
	}
}

#endif
