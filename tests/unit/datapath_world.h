/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A data path without a kernel: what it would send or write is kept and can be looked at.
 * The endpoints are those of tests/vectors/packets.json.
 */
#ifndef L2XDP_TESTS_DATAPATH_WORLD_H
#define L2XDP_TESTS_DATAPATH_WORLD_H

#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loader/datapath/private.h"

#define LNS_TUNNEL 0x1234
#define LNS_SESSION 0x5678
#define LAC_TUNNEL 0x0a0b
#define LAC_SESSION 0x0c0d
#define INDEX dp_index(1, LNS_TUNNEL, LNS_SESSION)
#define KEEP 8 /* last packets of a kind that are kept */

struct kept {
	unsigned int n; /* of all */
	size_t len[KEEP];
	uint8_t data[KEEP][2048];
};

struct world {
	struct dp_config cfg;
	struct dp_ops ops;
	struct datapath dp;
	struct kept host, peer, icmp, control, ppp, ipv6_local, door;
	struct send_how how; /* of the last datagram to a peer */
	struct path to; /* its path */
	unsigned int mtu_changes;
	uint16_t mtu;
	int refuse; /* what the outside answers */
};

static inline void keep(struct kept *k, const void *p, size_t len)
{
	unsigned int at = k->n++ % KEEP;

	k->len[at] = len < sizeof(k->data[0]) ? len : sizeof(k->data[0]);
	memcpy(k->data[at], p, k->len[at]);
}

static inline struct world *world_of(struct datapath *dp)
{
	return dp->ctx;
}

static int world_to_host(struct datapath *dp, const uint8_t *packet, size_t len)
{
	keep(&world_of(dp)->host, packet, len);
	return world_of(dp)->refuse;
}

static int world_to_peer(struct datapath *dp, const struct path *path, const struct iovec *iov,
			 unsigned int n, const struct send_how *how)
{
	struct world *w = world_of(dp);
	uint8_t whole[4096];
	size_t len = 0;

	for (unsigned int i = 0; i < n; i++) {
		assert_true(len + iov[i].iov_len <= sizeof(whole));
		memcpy(whole + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	keep(&w->peer, whole, len);
	w->how = *how;
	w->to = *path;
	return w->refuse;
}

static int world_icmp(struct datapath *dp, const struct inner *about, const uint8_t *msg,
		      size_t len)
{
	(void)about;
	keep(&world_of(dp)->icmp, msg, len);
	return world_of(dp)->refuse;
}

static int world_to_door(struct datapath *dp, const struct iovec *iov, unsigned int n)
{
	uint8_t whole[4096];
	size_t len = 0;

	for (unsigned int i = 0; i < n; i++) {
		assert_true(len + iov[i].iov_len <= sizeof(whole));
		memcpy(whole + len, iov[i].iov_base, iov[i].iov_len);
		len += iov[i].iov_len;
	}
	keep(&world_of(dp)->door, whole, len);
	return world_of(dp)->refuse;
}

static void world_control(void *ctx, const struct path *path, const uint8_t *msg, size_t len)
{
	(void)path;
	keep(&((struct world *)ctx)->control, msg, len);
}

static void world_ppp(void *ctx, uint32_t index, const uint8_t *frame, size_t len)
{
	assert_int_equal(index, INDEX);
	keep(&((struct world *)ctx)->ppp, frame, len);
}

static void world_ipv6_local(void *ctx, uint32_t index, const uint8_t *packet, size_t len)
{
	assert_int_equal(index, INDEX);
	keep(&((struct world *)ctx)->ipv6_local, packet, len);
}

static void world_mtu_changed(void *ctx, uint32_t index, uint16_t mtu)
{
	struct world *w = ctx;

	(void)index;
	w->mtu_changes++;
	w->mtu = mtu;
}

static const struct dp_io world_io = {
	.to_host = world_to_host,
	.to_peer = world_to_peer,
	.icmp = world_icmp,
	.to_door = world_to_door,
};

static inline struct ipaddr address(const char *text)
{
	struct ipaddr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static inline struct prefix prefix(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

static inline struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->cfg = (struct dp_config){ .mode = DP_OFF, .shards = 1, .port = 1701, .dscp = -1 };
	w->cfg.pools[0] = prefix("10.64.0.0/16");
	w->cfg.pools[1] = prefix("2001:db8:100::/48");
	w->cfg.n_pools = 2;
	w->ops = (struct dp_ops){ .control = world_control,
				  .ppp = world_ppp,
				  .ipv6_local = world_ipv6_local,
				  .mtu_changed = world_mtu_changed };
	w->dp = (struct datapath){ .cfg = &w->cfg,
				   .ops = &w->ops,
				   .ctx = w,
				   .io = &world_io,
				   .hash_key = 42,
				   .ready = true,
				   .tun_fd = -1,
				   .door_fd = -1,
				   .icmp4_fd = -1,
				   .icmp6_fd = -1 };
	assert_int_equal(sessions_init(&w->dp), 0);
	assert_int_equal(tunnels_init(&w->dp), 0);
	return w;
}

static inline void world_free(struct world *w)
{
	sessions_free(&w->dp);
	tunnels_free(&w->dp);
	traffic_close(&w->dp, true);
	claims_free(&w->dp.hosts);
	free(w);
}

static inline struct path world_path(void)
{
	return (struct path){ .local = address("198.51.100.1"),
			      .peer = address("192.0.2.10"),
			      .local_port = 1701,
			      .peer_port = 1701 };
}

/* The session that the vectors speak of. */
static inline struct dp_session world_session(void)
{
	return (struct dp_session){ .tunnel_id = LNS_TUNNEL,
				    .session_id = LNS_SESSION,
				    .peer_tunnel_id = LAC_TUNNEL,
				    .peer_session_id = LAC_SESSION,
				    .path = world_path(),
				    .ipv4_open = true,
				    .ipv6_open = true,
				    .ipv4 = address("10.64.0.2"),
				    .ipv6 = prefix("2001:db8:100::/64"),
				    .peer_mru = 1500 };
}

/* ---- vectors -------------------------------------------------------------------------- */

static inline json_t *vectors_load(void)
{
	json_error_t error;
	json_t *all = json_load_file("tests/vectors/packets.json", 0, &error);

	if (!all)
		fail_msg("tests/vectors/packets.json: %s", error.text);
	return all;
}

static inline json_t *vector_named(json_t *all, const char *name)
{
	json_t *v;
	size_t i;

	json_array_foreach(
		json_object_get(all, "vectors"), i,
		v) if (!strcmp(json_string_value(json_object_get(v, "name")), name)) return v;
	fail_msg("no vector %s", name);
	return NULL;
}

/* Octets written to buf; 0: the vector has no such member. */
static inline size_t vector_bytes(json_t *v, const char *member, uint8_t *buf, size_t cap)
{
	const char *hex = json_string_value(json_object_get(v, member));
	size_t n = hex ? strlen(hex) / 2 : 0;

	assert_true(n <= cap);
	for (size_t i = 0; i < n; i++) {
		unsigned int b;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &b), 1);
		buf[i] = (uint8_t)b;
	}
	return n;
}

#endif
