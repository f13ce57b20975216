/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of the short way: as the session has them, dead when they must be, counted. */
#include <arpa/inet.h>

#include "tests/unit/datapath_world.h"

static struct map_array array_new(uint32_t n, size_t size)
{
	struct map_array a = { .n = n,
			       .value_size = (uint32_t)size,
			       .stride = (uint32_t)(size + 7) & ~7u };

	a.mem = calloc(n, a.stride);
	assert_non_null(a.mem);
	return a;
}

static struct dp_maps *maps_new(const struct dp_config *cfg)
{
	struct dp_maps *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	maps_windows(cfg, m);
	m->sessions = array_new(65536, sizeof(struct l2x_session));
	m->traffic = array_new(65536, sizeof(struct l2x_traffic));
	m->up_lines = array_new(65536, sizeof(struct l2x_short_up));
	m->down_lines = array_new(65536, sizeof(struct l2x_short_down));
	m->tunnels = array_new(65536, sizeof(struct l2x_tunnel));
	m->pool4 = array_new(65536 / L2X_SLOTS, sizeof(struct l2x_slots));
	m->pool6 = array_new(65536 / L2X_SLOTS, sizeof(struct l2x_slots));
	m->live = calloc(1, sizeof(*m->live));
	return m;
}

static void maps_delete(struct dp_maps *m)
{
	free(m->sessions.mem);
	free(m->traffic.mem);
	free(m->up_lines.mem);
	free(m->down_lines.mem);
	free(m->tunnels.mem);
	free(m->pool4.mem);
	free(m->pool6.mem);
	free(m->live);
	free(m);
}

static struct l2x_short_up *up(const struct dp_maps *m)
{
	return map_array_at(&m->up_lines, INDEX);
}

static struct l2x_short_down *down(const struct dp_maps *m)
{
	return map_array_at(&m->down_lines, INDEX);
}

static int setup(void **state)
{
	struct world *w = world_new();

	w->dp.maps = maps_new(&w->cfg);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	struct dp_maps *m = w->dp.maps;

	w->dp.maps = NULL;
	maps_delete(m);
	world_free(w);
	return 0;
}

static void they_say_what_the_session_says(void **state)
{
	struct world *w = *state;
	struct dp_session s = world_session();
	const uint8_t *ip = (const uint8_t *)down(w->dp.maps)->ip;
	static const uint8_t l2tp[8] = {
		0,    2, LAC_TUNNEL >> 8, LAC_TUNNEL & 0xff, LAC_SESSION >> 8, LAC_SESSION & 0xff,
		0xff, 3
	};

	s.path.peer_port = 33412;
	assert_int_equal(dp_session_set(&w->dp, &s), 0);
	assert_true(up(w->dp.maps)->gen && down(w->dp.maps)->gen);
	assert_int_equal(up(w->dp.maps)->tunnel_id, htons(LNS_TUNNEL));
	assert_int_equal(up(w->dp.maps)->flags, L2X_S_IPV4 | L2X_S_IPV6);
	assert_memory_equal(&up(w->dp.maps)->peer, s.path.peer.b + 12, 4);
	assert_memory_equal(&up(w->dp.maps)->local, s.path.local.b + 12, 4);
	assert_int_equal(up(w->dp.maps)->peer_port, htons(33412));
	assert_int_equal(up(w->dp.maps)->local_port, htons(1701));
	assert_int_equal(up(w->dp.maps)->ipv4, htonl(0x0a400002));
	assert_int_equal(down(w->dp.maps)->nexthop, LNS_TUNNEL);
	assert_memory_equal(down(w->dp.maps)->l2tp, l2tp, 8);
	assert_int_equal(down(w->dp.maps)->head, 38);
	assert_int_equal(down(w->dp.maps)->mtu, 1462);
	assert_int_equal(ip[0], 64); /* TTL, UDP, no checksum, source, destination, ports */
	assert_int_equal(ip[1], 17);
	assert_int_equal(ip[2] | ip[3], 0);
	assert_memory_equal(ip + 4, s.path.local.b + 12, 4);
	assert_memory_equal(ip + 8, s.path.peer.b + 12, 4);
	assert_int_equal(ip[12] << 8 | ip[13], 1701);
	assert_int_equal(ip[14] << 8 | ip[15], 33412);
	s.seq_send = true;
	assert_int_equal(dp_session_set(&w->dp, &s), 0);
	assert_int_equal(down(w->dp.maps)->head, 42);
	assert_int_equal(down(w->dp.maps)->l2tp[0], htons(0x0802));
	s.acfc = true;
	assert_int_equal(dp_session_set(&w->dp, &s), 0);
	assert_int_equal(down(w->dp.maps)->head, 40);
}

static void they_die_with_the_session(void **state)
{
	struct world *w = *state;
	struct dp_session s = world_session();

	assert_int_equal(dp_session_set(&w->dp, &s), 0);
	dp_session_del(&w->dp, INDEX);
	assert_int_equal(up(w->dp.maps)->gen, 0);
	assert_int_equal(down(w->dp.maps)->gen, 0);
}

/* The short way knows no outer IPv6. */
static void a_session_over_ipv6_has_none(void **state)
{
	struct world *w = *state;
	struct dp_session s = world_session();

	assert_int_equal(dp_session_set(&w->dp, &s), 0);
	assert_true(up(w->dp.maps)->gen != 0);
	s.path.local = address("2001:db8:b::1");
	s.path.peer = address("2001:db8:a::10");
	assert_int_equal(dp_session_set(&w->dp, &s), 0);
	assert_int_equal(up(w->dp.maps)->gen, 0);
	assert_int_equal(down(w->dp.maps)->gen, 0);
}

static void what_went_that_way_counts_too(void **state)
{
	struct world *w = *state;
	struct dp_session s = world_session();
	struct l2x_traffic *hook = maps_traffic(&w->dp, INDEX);
	struct dp_traffic t;

	assert_int_equal(dp_session_set(&w->dp, &s), 0);
	hook->rx_packets = 1;
	hook->tx_bytes = 100;
	up(w->dp.maps)->packets = 7;
	up(w->dp.maps)->bytes = 700;
	down(w->dp.maps)->packets = 9;
	down(w->dp.maps)->bytes = 900;
	s.peer_mru = 1400;
	assert_int_equal(dp_session_set(&w->dp, &s), 0); /* a change keeps them */
	assert_int_equal(dp_session_traffic(&w->dp, INDEX, &t), 0);
	assert_int_equal(t.hook_rx.packets, 8);
	assert_int_equal(t.hook_rx.bytes, 700);
	assert_int_equal(t.hook_tx.packets, 9);
	assert_int_equal(t.hook_tx.bytes, 1000);
	assert_int_equal(dp_session_rx(&w->dp, INDEX), 8);
	dp_session_del(&w->dp, INDEX);
	assert_int_equal(dp_session_set(&w->dp, &s), 0);
	assert_int_equal(dp_session_rx(&w->dp, INDEX), 0); /* another's begin anew */
	assert_int_equal(dp_session_traffic(&w->dp, INDEX, &t), 0);
	assert_int_equal(t.hook_tx.bytes, 0);
}

/* A daemon that comes after one that was killed while it wrote. */
static void restart(struct world *w, unsigned int kept, unsigned int put)
{
	struct world *next = world_new();
	struct dp_session s = world_session();

	next->dp.maps = w->dp.maps;
	next->dp.ready = false;
	assert_int_equal(dp_session_set(&next->dp, &s), 0);
	assert_int_equal(next->dp.adoption.kept, kept);
	assert_int_equal(next->dp.adoption.put, put);
	assert_true(up(w->dp.maps)->gen && down(w->dp.maps)->gen);
	assert_int_equal(up(w->dp.maps)->ipv4, htonl(0x0a400002));
	assert_int_equal(up(w->dp.maps)->packets, 7);
	next->dp.maps = NULL;
	world_free(next);
}

static void what_was_left_half_written_is_mended(void **state)
{
	struct world *w = *state;
	struct dp_session s = world_session();

	assert_int_equal(dp_session_set(&w->dp, &s), 0);
	up(w->dp.maps)->packets = 7;
	restart(w, 1, 0);
	up(w->dp.maps)->gen = 0;
	restart(w, 0, 1);
	down(w->dp.maps)->gen = 0;
	restart(w, 0, 1);
	up(w->dp.maps)->ipv4 = 0;
	restart(w, 0, 1);
	restart(w, 1, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(they_say_what_the_session_says, setup, teardown),
		cmocka_unit_test_setup_teardown(they_die_with_the_session, setup, teardown),
		cmocka_unit_test_setup_teardown(a_session_over_ipv6_has_none, setup, teardown),
		cmocka_unit_test_setup_teardown(what_went_that_way_counts_too, setup, teardown),
		cmocka_unit_test_setup_teardown(what_was_left_half_written_is_mended, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
