/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One pseudowire in a data path without a kernel, and maps of ordinary memory. */
#ifndef L2XDP_TESTS_PW_WORLD_H
#define L2XDP_TESTS_PW_WORLD_H

#include "loader/datapath/frame.h"
#include "tests/unit/datapath_world.h"

#define ID 0x11223344u
#define PEER_ID 0x55667788u
#define AT 5 /* its index */
#define ELEMENTS 16
#define MAX 2048
#define TICKET sizeof(struct l2x_pw_ticket)

struct rig {
	struct world *w;
	struct datapath *dp;
	struct dp_maps maps;
	struct pw_config pw;
	_Alignas(64) uint8_t lines[ELEMENTS][sizeof(struct l2x_pw)];
	_Alignas(64) uint8_t traffic[ELEMENTS][sizeof(struct l2x_traffic)];
};

static inline void cookie(struct pw_cookie *c, const char *hex)
{
	c->len = (uint8_t)(strlen(hex) / 2);
	for (unsigned int i = 0; i < c->len; i++) {
		unsigned int b;

		assert_int_equal(sscanf(hex + (size_t)2 * i, "%2x", &b), 1);
		c->b[i] = (uint8_t)b;
	}
}

static inline struct map_array array_of(void *mem, uint32_t size)
{
	return (struct map_array){ .n = ELEMENTS, .value_size = size, .stride = size, .mem = mem };
}

static inline struct pw_config plain(void)
{
	struct pw_config c = { .name = "vm3", .path = world_path(), .id = ID, .peer_id = PEER_ID };

	cookie(&c.cookie[0], "0123456789abcdef");
	cookie(&c.peer_cookie, "fedcba98");
	return c;
}

static inline struct pw *the_pw(struct rig *r)
{
	return &r->dp->pws[0];
}

static inline struct l2x_pw *line(struct rig *r)
{
	return (struct l2x_pw *)r->lines[AT];
}

static inline struct l2x_traffic *counters(struct rig *r)
{
	return (struct l2x_traffic *)r->traffic[AT];
}

/* As after pws_ready. */
static inline void pw_begin(struct rig *r)
{
	assert_int_equal(pws_init(r->dp), 0);
	the_pw(r)->index = AT;
	the_pw(r)->attached = the_pw(r)->circuit_up = true;
	the_pw(r)->ifindex = 77;
	the_pw(r)->room = 1518;
	assert_int_equal(pws_index(r->dp), 0);
	pw_update(r->dp, the_pw(r));
}

static inline void pw_end(struct rig *r)
{
	pws_stop(r->dp);
	pws_free(r->dp);
}

static inline struct rig *rig_new(const struct pw_config *c)
{
	struct rig *r = aligned_alloc(64, sizeof(*r));

	assert_non_null(r);
	memset(r, 0, sizeof(*r));
	r->w = world_new();
	r->dp = &r->w->dp;
	r->pw = *c;
	r->maps.pws = array_of(r->lines, sizeof(r->lines[0]));
	r->maps.pw_traffic = array_of(r->traffic, sizeof(r->traffic[0]));
	r->dp->maps = &r->maps;
	r->w->cfg.pseudowires = &r->pw;
	r->w->cfg.n_pseudowires = 1;
	pw_begin(r);
	return r;
}

static inline void rig_free(struct rig *r)
{
	pw_end(r);
	r->dp->maps = NULL;
	world_free(r->w);
	free(r);
}

static inline uint64_t slow(struct rig *r, enum dp_slow_counter c)
{
	return dp_slow_counters(r->dp)[c];
}

static inline void put32(uint8_t *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (uint8_t)(v >> (24 - 8 * i));
}

static inline uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void expect_at_door(struct rig *r, const uint8_t *frame, size_t len)
{
	const struct kept *door = &r->w->door;
	const struct l2x_pw_ticket want = { .mark = L2X_TICKET_MARK, .index = AT };
	unsigned int at = (door->n - 1) % KEEP;

	assert_true(door->n > 0);
	assert_int_equal(door->len[at], TICKET + len);
	assert_memory_equal(door->data[at], &want, TICKET);
	assert_memory_equal(door->data[at] + TICKET, frame, len);
}

/* What the circuit's program has put in at the door. */
static inline void leave(struct rig *r, const uint8_t *frame, size_t len)
{
	struct l2x_pw_ticket t = { .mark = L2X_TICKET_MARK, .verdict = 1, .index = AT };
	uint8_t buf[TICKET + MAX];

	assert_true(len <= MAX);
	memcpy(buf, &t, TICKET);
	memcpy(buf + TICKET, frame, len);
	slow_pw_out(r->dp, buf, TICKET + len);
}

static inline void expect_sent(struct rig *r, const uint8_t *msg, size_t len)
{
	unsigned int at = (r->w->peer.n - 1) % KEEP;

	assert_true(r->w->peer.n > 0);
	assert_int_equal(r->w->peer.len[at], len);
	assert_memory_equal(r->w->peer.data[at], msg, len);
}

static const uint8_t eth[60] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5, 7 };

/* A message for the plain pseudowire over UDP; its octets. sublayer NULL: none. */
static inline size_t message(uint8_t *buf, const char *hex, const uint32_t *sublayer)
{
	struct pw_cookie c;
	size_t n = 8;

	put32(buf, 0x00030000);
	put32(buf + 4, ID);
	cookie(&c, hex);
	memcpy(buf + n, c.b, c.len);
	n += c.len;
	if (sublayer) {
		put32(buf + n, *sublayer);
		n += 4;
	}
	memcpy(buf + n, eth, sizeof(eth));
	return n + sizeof(eth);
}

static inline void receive(struct rig *r, const char *hex, const uint32_t *sublayer)
{
	const struct path path = world_path();
	uint8_t buf[128];
	size_t n = message(buf, hex, sublayer);

	slow_in(r->dp, &path, 0, buf, n);
}

#endif
