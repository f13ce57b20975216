/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions, tunnels and path MTU in user space, and what the maps are made of. */
#include "tests/unit/datapath_world.h"

#include <arpa/inet.h>
#include <endian.h>

#include "loader/datapath/mtu.h"

static int setup(void **state)
{
	*state = world_new();
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	return 0;
}

static void set(struct world *w, const struct dp_session *s, int want)
{
	assert_int_equal(dp_session_set(&w->dp, s), want);
}

/* ---- sessions ---------------------------------------------------------------------------- */

static void refuses_what_is_no_session(void **state)
{
	struct world *w = *state;
	struct dp_session s = world_session();

	s.session_id = 0; /* RFC 2661 section 3.1 */
	set(w, &s, -EINVAL);
	s = world_session();
	s.peer_tunnel_id = 0;
	set(w, &s, -EINVAL);
	s = world_session();
	s.path.peer = address("2001:db8::1"); /* families mixed */
	set(w, &s, -EINVAL);
	s = world_session();
	s.ipv4 = address("2001:db8::1");
	set(w, &s, -EINVAL);
	s = world_session();
	s.ipv6 = (struct prefix){ .addr = address("::"), .len = 64 };
	set(w, &s, -EINVAL);
	assert_null(session_by_index(&w->dp, INDEX));
	assert_null(session_by_index(&w->dp, UINT32_MAX));
}

static void an_address_has_one_owner(void **state)
{
	struct world *w = *state;
	struct dp_session s = world_session(), t = world_session();

	set(w, &s, 0);
	set(w, &s, 0); /* again: a change of nothing */
	t.session_id++;
	set(w, &t, -EEXIST);
	t.ipv4 = address("10.64.0.3");
	set(w, &t, -EEXIST); /* still the same /64 */
	t.ipv6 = prefix("2001:db8:100:1::/64");
	set(w, &t, 0);
	assert_int_equal(session_by_address(&w->dp, &t.ipv4)->index, INDEX + 1);
	t.ipv4 = address("10.64.0.2");
	set(w, &t, -EEXIST);
	t.ipv4 = address("10.64.0.3");
	t.tunnel_id++; /* shards 1: the same index by another tunnel */
	set(w, &t, -EEXIST);
	dp_session_del(&w->dp, INDEX);
	t = world_session();
	t.session_id++;
	set(w, &t, 0);
	assert_int_equal(session_by_address(&w->dp, &s.ipv4)->index, INDEX + 1);
	s.ipv4 = address("10.64.0.3");
	assert_null(session_by_address(&w->dp, &s.ipv4)); /* given back */
}

static void ppp_frames_need_no_address(void **state)
{
	struct world *w = *state;
	struct dp_session s = world_session();

	s.ipv4_open = s.ipv6_open = false;
	s.ipv4 = (struct ipaddr){ 0 };
	s.ipv6 = (struct prefix){ 0 };
	set(w, &s, 0);
	s.session_id++;
	set(w, &s, 0); /* "no address" is not an address that is held */
	s = world_session();
	set(w, &s, 0); /* later it gets one */
	assert_int_equal(session_by_address(&w->dp, &s.ipv4)->index, INDEX);
}

static void many_sessions_are_found_by_address(void **state)
{
	struct world *w = *state;
	struct dp_session s = world_session();
	unsigned int n = 5000;

	for (unsigned int i = 1; i <= n; i++) {
		s.session_id = (uint16_t)i;
		s.ipv4 = addr_from_v4(0x0a400000 + i);
		s.ipv6.addr.b[6] = (uint8_t)(i >> 8);
		s.ipv6.addr.b[7] = (uint8_t)i;
		set(w, &s, 0);
	}
	assert_true(w->dp.n_buckets >= 2 * n); /* the table has grown */
	for (unsigned int i = 1; i <= n; i++) {
		struct ipaddr a4 = addr_from_v4(0x0a400000 + i), a6 = s.ipv6.addr;

		a6.b[6] = (uint8_t)(i >> 8);
		a6.b[7] = (uint8_t)i;
		a6.b[15] = 9;
		assert_int_equal(session_by_address(&w->dp, &a4)->s.session_id, i);
		assert_int_equal(session_by_address(&w->dp, &a6)->s.session_id, i);
	}
	for (unsigned int i = 1; i <= n; i++)
		dp_session_del(&w->dp, dp_index(1, LNS_TUNNEL, (uint16_t)i));
	assert_int_equal(w->dp.n_addresses, 0);
	assert_null(w->dp.tunnels[LNS_TUNNEL]); /* nobody needs it */
}

static void a_session_is_small(void **state)
{
	(void)state;
	/* with the pointer to it and malloc's own, under 300 octets */
	assert_true(sizeof(struct session) + sizeof(void *) + 16 < 300);
}

static void shards_index_by_low_bits_of_the_tunnel(void **state)
{
	(void)state;
	assert_int_equal(dp_index(1, 0xffff, 7), 7);
	assert_int_equal(dp_index(4, 0xfffe, 7), 0x20007);
}

/* ---- tunnels and path MTU ---------------------------------------------------------------- */

static void a_tunnel_lives_as_long_as_it_is_needed(void **state)
{
	struct world *w = *state;
	struct dp_session s = world_session();
	struct path path = world_path(), moved = world_path();

	assert_int_equal(dp_tunnel_set(&w->dp, 0, &path), -EINVAL);
	assert_int_equal(dp_tunnel_set(&w->dp, LNS_TUNNEL, &path), 0);
	set(w, &s, 0);
	dp_tunnel_del(&w->dp, LNS_TUNNEL);
	assert_non_null(w->dp.tunnels[LNS_TUNNEL]); /* its session is still there */
	assert_ptr_equal(tunnel_by_path(&w->dp, &path), w->dp.tunnels[LNS_TUNNEL]);
	moved.peer_port = 33412; /* the peer's port floats */
	s.path = moved;
	set(w, &s, 0);
	assert_null(tunnel_by_path(&w->dp, &path));
	assert_non_null(tunnel_by_path(&w->dp, &moved));
	dp_session_del(&w->dp, INDEX);
	tunnels_sweep(&w->dp); /* which is still to give the sessions their new MTU */
	assert_null(tunnel_by_path(&w->dp, &moved));
	dp_session_del(&w->dp, INDEX); /* twice does no harm */
	dp_tunnel_del(&w->dp, LNS_TUNNEL);
}

static const uint8_t quoted[] = { 0x00, 0x02, 0x0a, 0x0b, 0x0c, 0x0d, 0xff, 0x03 };

/* DP-ICMP-5 */
static void a_report_must_name_a_live_session(void **state)
{
	struct world *w = *state;
	struct path path = world_path(), other = world_path();
	struct dp_session s = world_session();
	uint8_t bad[8];

	set(w, &s, 0);
	assert_int_equal(dp_session_mtu(&w->dp, INDEX), 1462);
	other.peer_port++;
	pmtu_report(&w->dp, &other, quoted, 8, 1400);
	for (size_t n = 0; n < 6; n++) /* an old router's quote: not enough to believe it */
		pmtu_report(&w->dp, &path, quoted, n, 1400);
	memcpy(bad, quoted, 8);
	bad[5]++; /* another session */
	pmtu_report(&w->dp, &path, bad, 8, 1400);
	memcpy(bad, quoted, 8);
	bad[3]++; /* another tunnel */
	pmtu_report(&w->dp, &path, bad, 8, 1400);
	memcpy(bad, quoted, 8);
	bad[0] = 0xc8; /* a control message */
	pmtu_report(&w->dp, &path, bad, 8, 1400);
	assert_int_equal(w->dp.slow[DP_SLOW_PMTU_REFUSED], 10);
	assert_null(w->dp.dirty);
	pmtu_report(&w->dp, &path, quoted, 8, 1400);
	assert_int_equal(w->dp.slow[DP_SLOW_PMTU_LOWERED], 1);
	tunnels_sweep(&w->dp);
	assert_int_equal(w->mtu_changes, 1);
	assert_int_equal(w->mtu, 1362);
	assert_int_equal(dp_session_mtu(&w->dp, INDEX), 1362);
	assert_int_equal(dp_path_mtu(&w->dp, &path, true), 1358);
	assert_int_equal(dp_path_mru(&w->dp, &path), 1360);
}

/* Gives the session a peer's port with which its tunnel stands in the same chain as LNS_TUNNEL. */
static void set_in_same_chain(struct world *w, struct dp_session *s)
{
	const struct tunnel *t = NULL;

	while (!t) {
		s->path.peer_port++;
		assert_int_not_equal(s->path.peer_port, 0);
		assert_int_equal(dp_tunnel_set(&w->dp, s->tunnel_id, &s->path), 0);
		t = w->dp.tunnels[s->tunnel_id]->next_path;
		while (t && t->id != LNS_TUNNEL)
			t = t->next_path;
	}
	set(w, s, 0);
}

/* V2-PORT-4, DP-ICMP-5: of several tunnels on one address and port any may be named, and the
 * report is about the path of them all. */
static void a_report_may_name_any_tunnel_of_the_path(void **state)
{
	struct world *w = *state;
	struct path path = world_path();
	struct dp_session old = world_session(), new = world_session(), far = world_session();
	uint8_t bad[8];

	set(w, &old, 0);
	far.tunnel_id += 2;
	far.session_id += 2;
	far.ipv4 = address("10.64.0.4");
	far.ipv6 = prefix("2001:db8:100:2::/64");
	set_in_same_chain(w, &far);
	new.tunnel_id++;
	new.peer_tunnel_id++;
	new.session_id++;
	new.peer_session_id++;
	new.ipv4 = address("10.64.0.3");
	new.ipv6 = prefix("2001:db8:100:1::/64");
	set(w, &new, 0);
	assert_ptr_equal(tunnel_by_path(&w->dp, &path), w->dp.tunnels[LNS_TUNNEL + 1]);
	memcpy(bad, quoted, 8);
	bad[5]++; /* the newer tunnel's session, but the older one's tunnel */
	pmtu_report(&w->dp, &path, bad, 8, 1400);
	memcpy(bad, quoted, 8);
	bad[3]++; /* the other way round */
	pmtu_report(&w->dp, &path, bad, 8, 1400);
	assert_int_equal(w->dp.slow[DP_SLOW_PMTU_REFUSED], 2);
	pmtu_report(&w->dp, &path, quoted, 8, 1400); /* the older tunnel */
	assert_int_equal(w->dp.slow[DP_SLOW_PMTU_LOWERED], 1);
	bad[5]++; /* both IDs of the newer one */
	pmtu_report(&w->dp, &path, bad, 8, 1400); /* never raised, nor lowered twice */
	assert_int_equal(w->dp.slow[DP_SLOW_PMTU_REFUSED], 3);
	pmtu_report(&w->dp, &path, bad, 8, 1300);
	assert_int_equal(w->dp.slow[DP_SLOW_PMTU_LOWERED], 2);
	tunnels_sweep(&w->dp);
	assert_int_equal(dp_session_mtu(&w->dp, INDEX), 1262);
	assert_int_equal(dp_session_mtu(&w->dp, INDEX + 1), 1262);
	assert_int_equal(dp_session_mtu(&w->dp, INDEX + 2), 1462);
	new.tunnel_id += 2; /* and one that comes later starts with what is known */
	new.session_id += 2;
	new.ipv4 = address("10.64.0.5");
	new.ipv6 = prefix("2001:db8:100:3::/64");
	set(w, &new, 0);
	assert_int_equal(dp_session_mtu(&w->dp, INDEX + 3), 1262);
	assert_int_equal(dp_path_mtu(&w->dp, &path, true), 1258);
}

/* DP-MTU-3 */
static void a_lowered_mtu_rises_again(void **state)
{
	struct world *w = *state;
	struct path path = world_path();
	struct dp_session s = world_session();

	set(w, &s, 0);
	pmtu_report(&w->dp, &path, quoted, 8, 600);
	tunnels_sweep(&w->dp);
	assert_int_equal(w->mtu, 562);
	tunnels_tick(&w->dp);
	tunnels_sweep(&w->dp);
	assert_int_equal(w->mtu_changes, 1);
	w->dp.tunnels[LNS_TUNNEL]->learned_until -= MTU_RAISE_MS;
	for (int i = 0; i < 16; i++)
		tunnels_tick(&w->dp);
	tunnels_sweep(&w->dp);
	assert_int_equal(w->mtu_changes, 2);
	assert_int_equal(w->mtu, 1462);
}

static void a_sweep_goes_in_slices_and_survives_deletion(void **state)
{
	struct world *w = *state;
	struct path path = world_path();
	struct dp_session s = world_session();
	unsigned int turns = 0;

	s.ipv4 = (struct ipaddr){ 0 };
	s.ipv6 = (struct prefix){ 0 };
	for (unsigned int i = 1; i <= 2000; i++) {
		s.session_id = s.peer_session_id = (uint16_t)i;
		set(w, &s, 0);
	}
	pmtu_report(&w->dp, &path, (const uint8_t *)"\x00\x02\x0a\x0b\x00\x01\xff\x03", 8, 1400);
	tunnels_sweep(&w->dp);
	assert_in_range(w->mtu_changes, 1, 1000); /* not all in one turn */
	/* the one that the next slice would start with, and half of the others */
	dp_session_del(&w->dp, w->dp.tunnels[LNS_TUNNEL]->cursor->index);
	for (unsigned int i = 1; i <= 2000; i += 2)
		dp_session_del(&w->dp, dp_index(1, LNS_TUNNEL, (uint16_t)i));
	while (w->dp.dirty && turns++ < 100)
		tunnels_sweep(&w->dp);
	assert_null(w->dp.dirty);
	for (uint32_t i = 0; i <= 2000; i++)
		if (session_by_index(&w->dp, i))
			assert_int_equal(dp_session_mtu(&w->dp, i), 1362);
	pmtu_report(&w->dp, &path, (const uint8_t *)"\x00\x02\x0a\x0b\x00\x02\xff\x03", 8, 1300);
	for (uint32_t i = 0; i <= 2000; i++)
		dp_session_del(&w->dp, i); /* the tunnel goes while it is in the sweep's list */
	tunnels_sweep(&w->dp);
	assert_null(w->dp.dirty);
	assert_null(w->dp.tunnels[LNS_TUNNEL]);
}

/* ---- maps --------------------------------------------------------------------------------- */

/* Maps of ordinary memory. */
static void give_maps(struct world *w)
{
	static const uint32_t lines = 65536 * 2 / L2X_SLOTS;
	struct dp_maps *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	maps_windows(&w->cfg, m);
#define ARRAY(name, count, size)                                                                   \
	m->name = (struct map_array){ .n = (count),                                                \
				      .value_size = (size),                                        \
				      .stride = (uint32_t)((size) + 7) & ~7u,                      \
				      .mem = calloc((count), ((size) + 7) & ~7ul) }
	ARRAY(sessions, 65536, sizeof(struct l2x_session));
	ARRAY(traffic, 65536, sizeof(struct l2x_traffic));
	ARRAY(tunnels, 65536, sizeof(struct l2x_tunnel));
	ARRAY(pool4, lines, sizeof(struct l2x_slots));
	ARRAY(pool6, lines, sizeof(struct l2x_slots));
#undef ARRAY
	m->live = calloc(1, sizeof(*m->live));
	w->dp.maps = m;
}

static void take_maps(struct world *w)
{
	struct dp_maps *m = w->dp.maps;

	w->dp.maps = NULL;
	free(m->sessions.mem);
	free(m->traffic.mem);
	free(m->tunnels.mem);
	free(m->pool4.mem);
	free(m->pool6.mem);
	free(m->live);
	free(m);
}

static const struct l2x_session *in_map(struct world *w, uint32_t index)
{
	return (const struct l2x_session *)(w->dp.maps->sessions.mem + (size_t)index * 128);
}

static uint32_t in_pool(const struct map_array *a, uint32_t slot)
{
	uint32_t v;

	memcpy(&v, maps_slot_at(a, slot), sizeof(v));
	return v;
}

static void a_map_value_says_what_the_session_is(void **state)
{
	struct world *w = *state;
	struct dp_session s = world_session();
	const struct l2x_session *v;
	uint32_t gen;

	give_maps(w);
	s.acfc = s.clamp_mss = true;
	s.path.peer_port = 33412;
	set(w, &s, 0);
	v = in_map(w, INDEX);
	gen = v->gen;
	assert_true(gen != 0 && v->tx_gen != 0);
	assert_int_equal(v->tunnel_id, htons(LNS_TUNNEL));
	assert_int_equal(v->flags, L2X_S_IPV4 | L2X_S_IPV6 | L2X_S_ACFC | L2X_S_MSS);
	assert_int_equal(v->tx_flags, v->flags);
	assert_memory_equal(&v->peer, s.path.peer.b, 16);
	assert_memory_equal(&v->tx_local, s.path.local.b, 16);
	assert_int_equal(v->peer_port, htons(33412));
	assert_int_equal(v->tx_local_port, htons(1701));
	assert_int_equal(v->ipv4, htonl(0x0a400002));
	assert_int_equal(v->ipv6, htobe64(0x20010db801000000));
	assert_int_equal(v->peer_session_id, htons(LAC_SESSION));
	assert_int_equal(v->mtu, 1464);
	assert_int_equal(v->mss_mtu, 1464);
	assert_int_equal(v->nexthop, LNS_TUNNEL);
	assert_int_equal(v->ttl, 64);
	assert_int_equal(in_pool(&w->dp.maps->pool4, 2), INDEX);
	assert_int_equal(in_pool(&w->dp.maps->pool6, 0), INDEX);
	s.seq_send = s.seq_receive = s.seq_required = s.ecn = true;
	s.ipv6_open = false;
	set(w, &s, 0);
	assert_true(v->gen != 0 && v->gen != gen); /* nobody mixes old and new */
	assert_int_equal(v->flags, L2X_S_IPV4 | L2X_S_ACFC | L2X_S_MSS | L2X_S_SEQ_TX |
					   L2X_S_SEQ_RX | L2X_S_SEQ_REQUIRED | L2X_S_ECN |
					   L2X_S_TOS_FIXED); /* DP-DS-2 */
	assert_int_equal(v->magic, 0);
	s.echo = true; /* PPP-ECHO-1 */
	s.magic = 0x01a2b3c4;
	s.peer_magic = 0xd1c2b3a4;
	gen = v->tx_gen;
	set(w, &s, 0);
	assert_int_not_equal(v->tx_gen, gen);
	assert_true(v->flags & v->tx_flags & L2X_S_ECHO);
	assert_int_equal(v->magic, htonl(0x01a2b3c4));
	assert_int_equal(v->peer_magic, htonl(0xd1c2b3a4));
	s.echo = false; /* what is said besides means nothing then */
	set(w, &s, 0);
	assert_false((v->flags | v->tx_flags) & L2X_S_ECHO);
	assert_int_equal(v->magic | v->peer_magic, 0);
	dp_session_del(&w->dp, INDEX);
	assert_int_equal(v->gen, 0);
	assert_int_equal(v->tx_gen, 0);
	assert_int_equal(in_pool(&w->dp.maps->pool4, 2), 0); /* DP-LIFE-1 */
	take_maps(w);
}

static uint32_t add16(uint32_t sum, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i += 2) {
		uint16_t v;

		memcpy(&v, (const uint8_t *)p + i, 2);
		sum += v;
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return sum;
}

/* The constant part of the outer checksum, against a whole datagram of the vectors (DP-CK-1,
 * DP-CK-3): what the program adds must give the checksum that stands there. */
static void check_pseudo_sum(const char *name, size_t at, size_t addresses)
{
	struct world *w = world_new();
	struct dp_session s = world_session();
	json_t *vectors = vectors_load();
	uint8_t frame[256];
	uint16_t length;
	uint32_t sum;

	vector_bytes(vector_named(vectors, name), "frame", frame, sizeof(frame));
	length = (uint16_t)(frame[at + 4] << 8 | frame[at + 5]);
	if (addresses == 32) {
		memcpy(s.path.local.b, frame + 14 + 8, 16);
		memcpy(s.path.peer.b, frame + 14 + 24, 16);
	}
	give_maps(w);
	set(w, &s, 0);
	sum = in_map(w, INDEX)->pseudo_sum;
	sum = add16(sum, frame + at + 4, 2); /* UDP length, twice */
	sum = add16(sum, frame + at + 4, 2);
	sum = add16(sum, frame + at + 8 + 6, (length - 8u - 6u) & ~1u); /* PPP and inner */
	assert_int_equal((uint16_t)~sum, frame[at + 6] | frame[at + 7] << 8);
	take_maps(w);
	world_free(w);
	json_decref(vectors);
}

static void the_constant_part_of_the_checksum_is_right(void **state)
{
	(void)state;
	check_pseudo_sum("v2t-plain-v4-cksum", 34, 8);
	check_pseudo_sum("v2t-v6outer", 54, 32);
}

static void pools_become_windows(void **state)
{
	struct dp_config cfg = { .shards = 1, .mode = DP_AUTO, .n_interfaces = 1 };
	struct dp_maps m = { 0 };

	(void)state;
	cfg.pools[0] = prefix("10.64.0.0/16");
	cfg.pools[1] = prefix("2001:db8:100::/48");
	cfg.pools[2] = prefix("192.0.2.7/32");
	cfg.pools[3] = prefix("10.0.0.0/8"); /* more than one window takes: hosts4 for the rest */
	cfg.pools[4] = prefix("2001:db8:200::/64");
	cfg.n_pools = 5;
	maps_windows(&cfg, &m);
	assert_int_equal(m.n_windows4, 3);
	assert_int_equal(m.n_windows6, 2);
	assert_int_equal(m.window4[0].first, 0x0a400000);
	assert_int_equal(m.window4[0].count, 65536);
	assert_int_equal(m.window4[1].slot, 65536);
	assert_int_equal(m.window4[1].count, 1);
	assert_int_equal(m.window4[2].slot, 65537);
	assert_int_equal(m.window4[2].count, L2X_MAX_WINDOW_SLOTS);
	assert_true(m.window6[0].first == 0x20010db801000000);
	assert_int_equal(m.window6[0].count, 65536);
	assert_int_equal(m.window6[1].slot, 65536);
	assert_int_equal(m.window6[1].count, 1);
	assert_true(dp_memory(&cfg) > (65536u + L2X_MAX_WINDOW_SLOTS) * 8 + 65536u * 256);
	cfg.mode = DP_OFF;
	assert_int_equal(dp_memory(&cfg), 0);
}

static void a_new_subscriber_starts_from_zero(void **state)
{
	struct world *w = *state;
	struct dp_session s = world_session();
	struct dp_traffic t;
	struct l2x_traffic *hook;

	give_maps(w);
	set(w, &s, 0);
	hook = maps_traffic(&w->dp, INDEX);
	hook->rx_packets = 7;
	hook->rx_bytes = 700;
	hook->tx_ns = 5;
	hook->tx_drops = 1;
	s.peer_mru = 1400;
	set(w, &s, 0); /* a change keeps them (V2-DATA-4) */
	assert_int_equal(dp_session_traffic(&w->dp, INDEX, &t), 0);
	assert_int_equal(t.hook_rx.packets, 7);
	assert_int_equal(t.hook_tx.drops, 1);
	assert_int_equal(dp_session_rx(&w->dp, INDEX), 7);
	hook->echoes = 3; /* the subscriber lives, and has sent no data */
	assert_int_equal(dp_session_rx(&w->dp, INDEX), 10);
	assert_int_equal(dp_session_traffic(&w->dp, INDEX, &t), 0);
	assert_int_equal(t.hook_rx.packets, 7);
	assert_int_equal(hook->tx_ns, 5);
	dp_session_del(&w->dp, INDEX);
	set(w, &s, 0);
	assert_int_equal(dp_session_rx(&w->dp, INDEX), 0);
	assert_int_equal(hook->tx_ns, 0);
	take_maps(w);
}

static void a_known_tunnel_has_its_lane(void **state)
{
	struct world *w = *state;
	struct path path = world_path();
	const struct l2x_tunnel *v;

	give_maps(w);
	assert_int_equal(dp_tunnel_set(&w->dp, LNS_TUNNEL, &path), 0);
	v = (const struct l2x_tunnel *)(w->dp.maps->tunnels.mem + LNS_TUNNEL * 40);
	assert_true(v->gen != 0);
	assert_memory_equal(&v->peer, path.peer.b, 16);
	assert_int_equal(v->peer_port, htons(1701));
	dp_tunnel_del(&w->dp, LNS_TUNNEL);
	assert_int_equal(v->gen, 0);
	take_maps(w);
}

static void names_are_complete(void **state)
{
	(void)state;
	for (int i = 0; i < DP_SLOW_MAX; i++)
		assert_non_null(dp_slow_counter_names[i]);
	for (int i = 0; i < L2X_V_MAX; i++) {
		assert_non_null(dp_verdicts[i].name);
		assert_non_null(dp_verdicts[i].text);
	}
	assert_string_equal(dp_verdicts[L2X_V_DECAP].class_name, "forward");
	assert_string_equal(dp_verdicts[L2X_V_SPOOFED].class_name, "drop");
	assert_string_equal(dp_verdicts[L2X_V_TTL].class_name, "slow");
	assert_string_equal(dp_verdicts[L2X_V_NOT_OURS].class_name, "pass");
	assert_string_equal(dp_mode_names[DP_OFF], "off");
}

static void open_says_what_is_wrong(void **state)
{
	struct dp_config cfg = { .shards = 3, .n_listen = 1 };
	struct datapath *dp = NULL;
	struct dp_finding f[DP_MAX_FINDINGS];
	char err[256] = "";

	(void)state;
	assert_int_equal(dp_open(&cfg, &dp, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "shards"));
	cfg.shards = 1;
	cfg.n_listen = 0;
	assert_int_equal(dp_open(&cfg, &dp, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "listen"));
	assert_null(dp);
	assert_int_equal(dp_preflight("no-such-device", f), -ENODEV);
	assert_int_equal(dp_preflight("a-name-that-is-far-too-long", f), -ENODEV);
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(refuses_what_is_no_session),
		test(an_address_has_one_owner),
		test(ppp_frames_need_no_address),
		test(many_sessions_are_found_by_address),
		cmocka_unit_test(a_session_is_small),
		cmocka_unit_test(shards_index_by_low_bits_of_the_tunnel),
		test(a_tunnel_lives_as_long_as_it_is_needed),
		test(a_report_must_name_a_live_session),
		test(a_report_may_name_any_tunnel_of_the_path),
		test(a_lowered_mtu_rises_again),
		test(a_sweep_goes_in_slices_and_survives_deletion),
		test(a_map_value_says_what_the_session_is),
		cmocka_unit_test(the_constant_part_of_the_checksum_is_right),
		cmocka_unit_test(pools_become_windows),
		test(a_new_subscriber_starts_from_zero),
		test(a_known_tunnel_has_its_lane),
		cmocka_unit_test(names_are_complete),
		cmocka_unit_test(open_says_what_is_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
