/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands in the maps already, held against what the store knows. */
#include <arpa/inet.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/datapath/program.h"
#include "tests/unit/datapath_world.h"

#define OTHER_INDEX dp_index(1, LNS_TUNNEL, LNS_SESSION + 1)
#define POOL_SLOTS 65536u

static struct map_array array_new(uint32_t n, uint32_t size)
{
	struct map_array a = { .n = n, .value_size = size, .stride = (size + 7) & ~7u };

	a.mem = calloc(n, a.stride);
	assert_non_null(a.mem);
	return a;
}

/* Maps of ordinary memory, of which a second daemon finds what the first one left. */
static struct dp_maps *maps_new(const struct dp_config *cfg)
{
	struct dp_maps *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	maps_windows(cfg, m);
	m->sessions = array_new(65536, sizeof(struct l2x_session));
	m->traffic = array_new(65536, sizeof(struct l2x_traffic));
	m->tunnels = array_new(65536, sizeof(struct l2x_tunnel));
	m->pool4 = array_new(POOL_SLOTS / L2X_SLOTS, sizeof(struct l2x_slots));
	m->pool6 = array_new(POOL_SLOTS / L2X_SLOTS, sizeof(struct l2x_slots));
	m->live = calloc(1, sizeof(*m->live));
	return m;
}

static void maps_delete(struct dp_maps *m)
{
	free(m->sessions.mem);
	free(m->traffic.mem);
	free(m->tunnels.mem);
	free(m->pool4.mem);
	free(m->pool6.mem);
	free(m->live);
	free(m);
}

static struct l2x_session *value(const struct dp_maps *m, uint32_t index)
{
	return (struct l2x_session *)(m->sessions.mem + (size_t)index * 128);
}

static uint32_t *slot(const struct map_array *a, uint32_t i)
{
	return maps_slot_at(a, i);
}

/* The daemon that comes after one that was killed: same maps, nothing known. */
static struct world *world_after(struct dp_maps *m)
{
	struct world *w = world_new();

	w->dp.maps = m;
	w->dp.ready = false;
	maps_start(&w->dp);
	return w;
}

/* With the session of the vectors and its tunnel, and traffic that it has had. */
static struct dp_maps *leave_one(void)
{
	struct world *w = world_new();
	struct dp_maps *m = maps_new(&w->cfg);
	struct dp_session s = world_session();
	struct path path = world_path();

	w->dp.maps = m;
	assert_int_equal(dp_tunnel_set(&w->dp, LNS_TUNNEL, &path), 0);
	assert_int_equal(dp_session_set(&w->dp, &s), 0);
	maps_traffic(&w->dp, INDEX)->rx_packets = 70;
	maps_traffic(&w->dp, INDEX)->tx_ns = 9;
	w->dp.maps = NULL;
	world_free(w);
	return m;
}

static void what_is_right_is_not_touched(void **state)
{
	struct dp_maps *m = leave_one();
	struct world *w = world_after(m);
	struct dp_session s = world_session();
	struct path path = world_path();
	struct l2x_session before = *value(m, INDEX);
	struct l2x_tunnel tunnel;

	(void)state;
	memcpy(&tunnel, m->tunnels.mem + (size_t)LNS_TUNNEL * 40, sizeof(tunnel));
	assert_int_equal(dp_tunnel_set(&w->dp, LNS_TUNNEL, &path), 0);
	assert_int_equal(dp_session_set(&w->dp, &s), 0);
	adopt_sweep_maps(&w->dp);
	assert_memory_equal(&before, value(m, INDEX), sizeof(before));
	assert_memory_equal(&tunnel, m->tunnels.mem + (size_t)LNS_TUNNEL * 40, sizeof(tunnel));
	assert_int_equal(*slot(&m->pool4, 2), INDEX);
	assert_int_equal(*slot(&m->pool6, 0), INDEX);
	assert_int_equal(w->dp.adoption.kept, 1);
	assert_int_equal(w->dp.adoption.put, 0);
	assert_int_equal(w->dp.adoption.removed, 0);
	assert_int_equal(dp_session_rx(&w->dp, INDEX), 70);
	w->dp.maps = NULL;
	world_free(w);
	maps_delete(m);
}

static void what_differs_is_rewritten_and_keeps_its_counters(void **state)
{
	struct dp_maps *m = leave_one();
	struct world *w = world_after(m);
	struct dp_session s = world_session();
	struct dp_traffic t = { .hook_rx.packets = 1000 };
	uint32_t gen = value(m, INDEX)->gen;

	(void)state;
	s.peer_mru = 1400;
	assert_int_equal(dp_session_set(&w->dp, &s), 0);
	assert_int_equal(w->dp.adoption.put, 1);
	assert_int_equal(value(m, INDEX)->mtu, 1400);
	assert_true(value(m, INDEX)->gen != 0 && value(m, INDEX)->gen != gen);
	dp_session_traffic_restore(&w->dp, INDEX, &t); /* the map knows better */
	assert_int_equal(dp_session_rx(&w->dp, INDEX), 70);
	assert_int_equal(maps_traffic(&w->dp, INDEX)->tx_ns, 9);
	w->dp.maps = NULL;
	world_free(w);
	maps_delete(m);
}

/* PPP-ECHO-1: who may be answered at the hook, and with which number. */
static void the_hook_answers_as_the_store_has_it(void **state)
{
	struct dp_session open = world_session(), closed = open;
	struct dp_maps *m;
	struct world *w;

	(void)state;
	open.echo = true;
	open.magic = 0x01a2b3c4;
	for (int i = 0; i < 3; i++) { /* open before and after; open now; another number */
		m = leave_one();
		w = world_after(m);
		if (i != 1) {
			w->dp.ready = true;
			assert_int_equal(dp_session_set(&w->dp, &open), 0);
			w->dp.maps = NULL;
			world_free(w);
			w = world_after(m);
		}
		open.magic += i == 2;
		assert_int_equal(dp_session_set(&w->dp, &open), 0);
		assert_int_equal(w->dp.adoption.kept, i == 0);
		assert_int_equal(w->dp.adoption.put, i != 0);
		assert_true(value(m, INDEX)->tx_flags & L2X_S_ECHO);
		assert_int_equal(value(m, INDEX)->magic, htonl(open.magic));
		/* whose PPP begins anew is not answered any more */
		assert_int_equal(dp_session_set(&w->dp, &closed), 0);
		assert_false(value(m, INDEX)->tx_flags & L2X_S_ECHO);
		w->dp.maps = NULL;
		world_free(w);
		maps_delete(m);
	}
}

/* DP-MTU-3, over a restart */
static void what_was_learned_of_a_path_is_not_forgotten(void **state)
{
	struct dp_maps *m = leave_one();
	struct world *w;
	struct dp_session s = world_session();

	(void)state;
	assert_int_equal(value(m, INDEX)->mtu, 1462);
	value(m, INDEX)->mtu = value(m, INDEX)->mss_mtu = 1362; /* by a report of 1400 */
	w = world_after(m);
	assert_int_equal(dp_session_set(&w->dp, &s), 0);
	assert_int_equal(w->dp.adoption.kept, 1);
	assert_int_equal(dp_session_mtu(&w->dp, INDEX), 1362);
	assert_int_equal(tunnel_mtu(w->dp.tunnels[LNS_TUNNEL]), 1400);
	assert_true(w->dp.tunnels[LNS_TUNNEL]->learned_until > dp_now());
	w->dp.tunnels[LNS_TUNNEL]->learned_until = 0; /* ten minutes later */
	tunnels_tick(&w->dp);
	for (int i = 0; i < 16; i++)
		tunnels_tick(&w->dp);
	tunnels_sweep(&w->dp);
	assert_int_equal(value(m, INDEX)->mtu, 1462);
	w->dp.maps = NULL;
	world_free(w);
	maps_delete(m);
}

static void half_a_write_is_mended(void **state)
{
	struct dp_maps *m = leave_one();
	struct world *w = world_after(m);
	struct dp_session s = world_session();

	(void)state;
	value(m, INDEX)->tx_gen = 0; /* killed between the two lines */
	value(m, INDEX)->tx_peer_port = 0;
	assert_int_equal(dp_session_set(&w->dp, &s), 0);
	assert_int_equal(w->dp.adoption.put, 1);
	assert_true(value(m, INDEX)->tx_gen != 0);
	assert_int_equal(value(m, INDEX)->tx_peer_port, htons(1701));
	assert_int_equal(dp_session_rx(&w->dp, INDEX), 70); /* it is the same session */
	w->dp.maps = NULL;
	world_free(w);
	maps_delete(m);
}

static void anothers_counters_are_not_inherited(void **state)
{
	struct dp_maps *m = leave_one();
	struct world *w = world_after(m);
	struct dp_session s = world_session();
	struct dp_traffic t = { .hook_rx.packets = 5, .slow_rx.packets = 3, .hook_tx.bytes = 8 };

	(void)state;
	s.peer_session_id++; /* the identifiers were handed out again */
	assert_int_equal(dp_session_set(&w->dp, &s), 0);
	assert_int_equal(w->dp.adoption.put, 1);
	assert_int_equal(dp_session_rx(&w->dp, INDEX), 0);
	assert_int_equal(maps_traffic(&w->dp, INDEX)->tx_ns, 0);
	dp_session_traffic_restore(&w->dp, INDEX, &t); /* but what the store knows of it */
	assert_int_equal(dp_session_rx(&w->dp, INDEX), 8);
	dp_session_traffic_restore(&w->dp, INDEX, &t); /* once */
	assert_int_equal(dp_session_rx(&w->dp, INDEX), 8);
	assert_int_equal(dp_session_traffic(&w->dp, INDEX, &t), 0);
	assert_int_equal(t.hook_tx.bytes, 8);
	w->dp.maps = NULL;
	world_free(w);
	maps_delete(m);
}

static void what_nobody_claims_goes(void **state)
{
	struct dp_maps *m = leave_one();
	struct world *w = world_after(m);
	struct dp_session s = world_session();

	(void)state;
	s.session_id++;
	s.ipv4 = address("10.64.0.9");
	s.ipv6 = prefix("2001:db8:100:9::/64");
	assert_int_equal(dp_session_set(&w->dp, &s), 0);
	*slot(&m->pool4, 77) = OTHER_INDEX; /* a slot that is not its own */
	adopt_sweep_maps(&w->dp);
	assert_int_equal(w->dp.adoption.removed, 1);
	assert_int_equal(value(m, INDEX)->gen, 0);
	assert_int_equal(value(m, INDEX)->tx_gen, 0);
	assert_true(value(m, OTHER_INDEX)->gen != 0);
	assert_int_equal(*slot(&m->pool4, 2), 0);
	assert_int_equal(*slot(&m->pool6, 0), 0);
	assert_int_equal(*slot(&m->pool4, 77), 0);
	assert_int_equal(*slot(&m->pool4, 9), OTHER_INDEX);
	assert_int_equal(((struct l2x_tunnel *)(m->tunnels.mem + (size_t)LNS_TUNNEL * 40))->gen, 0);
	w->dp.maps = NULL;
	world_free(w);
	maps_delete(m);
}

static void no_line_gets_the_generation_that_it_had(void **state)
{
	struct dp_maps *m = leave_one();
	struct world *w = world_after(m);
	struct dp_session s = world_session();
	uint32_t had = value(m, INDEX)->gen;

	(void)state;
	m->generation = had - 1;
	s.acfc = true;
	assert_int_equal(dp_session_set(&w->dp, &s), 0);
	assert_int_equal(value(m, INDEX)->gen, had + 1);
	m->generation = UINT32_MAX;
	s.acfc = false;
	assert_int_equal(dp_session_set(&w->dp, &s), 0);
	assert_int_equal(value(m, INDEX)->gen, 1);
	w->dp.maps = NULL;
	world_free(w);
	maps_delete(m);
}

/* ---- about ------------------------------------------------------------------------------------ */

static void maps_tell_whether_they_fit(void **state)
{
	struct dp_config cfg = { .shards = 2 };
	struct l2x_about want, have;
	char note[160];

	(void)state;
	cfg.pools[cfg.n_pools++] = prefix("10.64.0.0/16");
	want = have = about_of(&cfg);
	assert_int_equal(about_judge(&have, &want, note, sizeof(note)), FATE_SAME);
	assert_string_equal(note, "");
	cfg.pools[cfg.n_pools++] = prefix("10.65.0.0/24");
	have = about_of(&cfg);
	assert_int_equal(about_judge(&have, &want, note, sizeof(note)), FATE_WINDOWS);
	have.shards = 1;
	assert_int_equal(about_judge(&have, &want, note, sizeof(note)), FATE_OTHER);
	assert_non_null(strstr(note, "shards: 1 before, now 2"));
	have = want;
	have.schema--;
	assert_int_equal(about_judge(&have, &want, note, sizeof(note)), FATE_OTHER);
	assert_non_null(strstr(note, "schema"));
	have.schema = want.schema + 1;
	assert_int_equal(about_judge(&have, &want, note, sizeof(note)), FATE_NEWER);
	have.magic = 0;
	assert_int_equal(about_judge(&have, &want, note, sizeof(note)), FATE_OTHER);
}

static void the_layout_of_windows_is_told_apart(void **state)
{
	struct dp_config a = { .shards = 1 }, b = { .shards = 1 };

	(void)state;
	a.pools[0] = prefix("10.64.0.0/16");
	a.pools[1] = prefix("10.65.0.0/16");
	b.pools[0] = a.pools[1];
	b.pools[1] = a.pools[0];
	a.n_pools = b.n_pools = 2;
	assert_true(about_of(&a).windows != about_of(&b).windows);
	b.pools[0] = a.pools[0];
	b.pools[1] = a.pools[1];
	assert_true(about_of(&a).windows == about_of(&b).windows);
	/* an IPv6 window's count or place matters as well */
	a.pools[1] = prefix("2001:db8:100::/48");
	b.pools[1] = prefix("2001:db8:100::/56");
	assert_true(about_of(&a).windows != about_of(&b).windows);
}

/* ---- counters of the slow path ------------------------------------------------------------------ */

static struct world *world_in(const char *dir)
{
	struct world *w = world_new();

	traffic_close(&w->dp, false);
	w->cfg.run_dir = dir;
	w->dp.ready = false;
	assert_int_equal(traffic_open(&w->dp), 0);
	return w;
}

static void world_leave(struct world *w, bool remove)
{
	traffic_close(&w->dp, remove);
	world_free(w);
}

static uint64_t slow_packets(struct world *w)
{
	return session_by_index(&w->dp, INDEX)->slow->rx.packets;
}

static void slow_counters_outlive_the_process(void **state)
{
	char dir[] = "/tmp/l2xdp-unit.XXXXXX", path[64];
	struct dp_session s = world_session();
	struct world *w;
	struct stat st;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	w = world_in(dir);
	assert_int_equal(dp_session_set(&w->dp, &s), 0);
	session_by_index(&w->dp, INDEX)->slow->rx.packets = 11;
	world_leave(w, false);

	w = world_in(dir);
	assert_int_equal(dp_session_set(&w->dp, &s), 0);
	assert_int_equal(slow_packets(w), 11);
	world_leave(w, false);

	w = world_in(dir);
	s.peer_tunnel_id++; /* another session now */
	assert_int_equal(dp_session_set(&w->dp, &s), 0);
	assert_int_equal(slow_packets(w), 0);
	session_by_index(&w->dp, INDEX)->slow->rx.packets = 12;
	world_leave(w, false);

	snprintf(path, sizeof(path), "%s/slow-traffic", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_true(st.st_blocks * 512 < 65536); /* sparse */
	f = fopen(path, "r+");
	assert_non_null(f);
	assert_int_equal(fputc('X', f), 'X'); /* damaged */
	fclose(f);
	w = world_in(dir);
	assert_int_equal(dp_session_set(&w->dp, &s), 0);
	assert_int_equal(slow_packets(w), 0);
	world_leave(w, true);
	assert_int_not_equal(stat(path, &st), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void two_daemons_do_not_share_a_file(void **state)
{
	char dir[] = "/tmp/l2xdp-unit.XXXXXX";
	struct dp_session s = world_session();
	struct world *a, *b;

	(void)state;
	assert_non_null(mkdtemp(dir));
	a = world_in(dir);
	assert_int_equal(dp_session_set(&a->dp, &s), 0);
	session_by_index(&a->dp, INDEX)->slow->rx.packets = 11;
	b = world_in(dir);
	assert_int_equal(dp_session_set(&b->dp, &s), 0);
	assert_int_equal(slow_packets(b), 0);
	world_leave(b, true);
	assert_int_equal(slow_packets(a), 11);
	world_leave(a, true);
	assert_int_equal(rmdir(dir), 0);
}

/* ---- requests ------------------------------------------------------------------------------------ */

static int ask_route(struct world *w, const char *text, bool add)
{
	struct dp_request rq = { .act = DP_DO_ROUTE, .add = add, .prefix = prefix(text) };
	struct dp_answer answer;

	dp_do(&w->dp, &rq, &answer);
	return answer.rc;
}

static void a_worker_gets_no_other_route_than_a_subscribers(void **state)
{
	static const char *const refused[] = {
		"0.0.0.0/0",    "198.51.100.0/24",    "198.51.100.6/31",     "127.0.0.1/32",
		"224.0.0.1/32", "255.255.255.255/32", "169.254.0.1/32",      "0.0.0.1/32",
		"10.64.0.7/32", /* a pool's, which has its route */
		"::/0",         "2000::/3",           "fe80::/64",           "ff02::/64",
		"::/64",        "2001:db8:7::1/128",  "2001:db8:100:5::/64",
	};
	struct world *w = world_new();
	struct dp_request rq = { .act = DP_DO_MAX };
	struct dp_answer answer;

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (ask_route(w, refused[i], true) != -EPERM)
			fail_msg("route to %s allowed", refused[i]);
	}
	/* no more may go; there is no netlink here, and what is allowed does nothing */
	assert_int_equal(ask_route(w, "0.0.0.0/0", false), -EPERM);
	assert_int_equal(ask_route(w, "198.51.100.0/24", false), -EPERM);
	assert_int_equal(ask_route(w, "198.51.100.7/32", false), 0);
	assert_int_equal(ask_route(w, "10.64.0.7/32", false), 0);
	w->cfg.pools[w->cfg.n_pools++] = prefix("192.0.2.7/32");
	assert_int_equal(ask_route(w, "192.0.2.7/32", false), -EPERM); /* it is a whole pool */
	dp_do(&w->dp, &rq, &answer);
	assert_int_equal(answer.rc, -EPERM);
	rq = (struct dp_request){ .act = DP_DO_HOST,
				  .add = true,
				  .prefix = prefix("192.0.2.1/32") };
	dp_do(&w->dp, &rq, &answer); /* mode off: there is no map */
	assert_int_equal(answer.rc, -EPERM);
	world_free(w);
}

static int ask_host(struct world *w, const char *text)
{
	struct dp_request rq = { .act = DP_DO_HOST, .add = true, .prefix = prefix(text) };
	struct dp_answer answer;

	dp_do(&w->dp, &rq, &answer);
	return answer.rc;
}

/* Of a pool, of the users file, or one that an earlier daemon routed: nobody else's. */
static void a_worker_gets_no_address_that_no_subscriber_can_have(void **state)
{
	static const char *const refused[] = { "198.51.100.6/32",   "198.51.100.8/32",
					       "192.0.2.1/32",      "10.65.1.0/32",
					       "10.64.255.254/31",  "2001:db8:7:2::/64",
					       "2001:db8:200::/64", "2001:db8:7::/63" };
	static const char *const allowed[] = {
		"198.51.100.7/32",     "198.51.100.9/32", /* users' */
		"203.0.113.5/32",      "2001:db8:7:1::/64", /* routed */
		"10.65.0.0/32",        "10.65.0.255/32", /* old pools' */
		"2001:db8:300:ff::/64"
	};
	const struct ipaddr statics[] = { prefix("198.51.100.7/32").addr,
					  prefix("198.51.100.9/32").addr };
	static const char *const routed[] = { "203.0.113.5/32", "2001:db8:7:1::/64", "10.65.0.0/24",
					      "2001:db8:300::/56",
					      "10.64.0.0/16" /* a pool still */ };
	struct world *w = world_new();
	struct dp_maps *m = maps_new(&w->cfg);

	(void)state;
	w->dp.maps = m;
	m->hosts4 = m->hosts6 = m->vlans = -1; /* what is allowed fails with another reason */
	w->cfg.statics = statics;
	w->cfg.n_statics = 2;
	for (size_t i = 0; i < sizeof(routed) / sizeof(routed[0]); i++) {
		const struct prefix p = prefix(routed[i]);

		privilege_recall(&w->dp, &p);
	}
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (ask_host(w, refused[i]) != -EPERM || ask_route(w, refused[i], true) != -EPERM)
			fail_msg("%s allowed", refused[i]);
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		const struct prefix p = prefix(allowed[i]);

		if (ask_host(w, allowed[i]) != -EBADF || !privilege_may_route(&w->dp, &p))
			fail_msg("%s refused", allowed[i]);
	}
	assert_int_equal(ask_host(w, "10.64.0.7/32"), -EBADF); /* a pool's, */
	assert_int_equal(ask_route(w, "10.64.0.7/32", true), -EPERM); /* which has its route */
	claims_free(&w->dp.recalled);
	w->dp.maps = NULL;
	maps_delete(m);
	world_free(w);
}

static void a_worker_writes_no_other_host_or_vlan(void **state)
{
	struct world *w = world_new();
	struct dp_maps *m = maps_new(&w->cfg);
	struct dp_request rq = { .act = DP_DO_HOST, .add = true, .prefix = prefix("192.0.2.1/32") };
	struct dp_answer answer;

	(void)state;
	w->dp.maps = m;
	m->hosts4 = m->hosts6 = m->vlans = -1; /* what is allowed fails with another reason */
	privilege_recall(&w->dp, &rq.prefix);
	rq.index = 65535;
	dp_do(&w->dp, &rq, &answer);
	assert_int_equal(answer.rc, -EBADF);
	rq.index = 65536;
	dp_do(&w->dp, &rq, &answer);
	assert_int_equal(answer.rc, -EPERM);
	rq.index = 5;
	rq.prefix = prefix("192.0.2.0/24");
	dp_do(&w->dp, &rq, &answer);
	assert_int_equal(answer.rc, -EPERM);
	rq = (struct dp_request){ .act = DP_DO_VLAN,
				  .add = true,
				  .index = 1, /* lo */
				  .vlan = { .ifindex = 1, .tag = { htons(7) } } };
	dp_do(&w->dp, &rq, &answer);
	assert_int_equal(answer.rc, -EPERM); /* lo is no interface of ours */
	w->dp.ports[0].ifindex = 1;
	w->dp.n_ports = 1;
	dp_do(&w->dp, &rq, &answer);
	assert_int_equal(answer.rc, -EBADF);
	rq.index = 0x7fffffff; /* no such device */
	dp_do(&w->dp, &rq, &answer);
	assert_int_equal(answer.rc, -EPERM);
	claims_free(&w->dp.recalled);
	w->dp.maps = NULL;
	w->dp.n_ports = 0;
	world_free(w);
	maps_delete(m);
}

/* ---- what was claimed ---------------------------------------------------------------------------- */

static void what_was_not_claimed_is_told(void **state)
{
	struct prefix a = prefix("192.0.2.1/32"), b = prefix("2001:db8::/64");
	struct prefix c = prefix("192.0.2.0/24");
	struct claim *list;
	void *root = NULL;
	unsigned int n;

	(void)state;
	assert_non_null(claim_add(&root, &a, 1));
	assert_non_null(claim_add(&root, &b, 2));
	assert_non_null(claim_add(&root, &c, 3));
	assert_ptr_equal(claim_add(&root, &a, 4), claim_find(&root, &a));
	assert_int_equal(claim_find(&root, &a)->index, 4);
	claim_find(&root, &a)->claimed = true;
	claim_drop(&root, &c);
	claim_drop(&root, &c);
	list = claims_unclaimed(&root, &n);
	assert_int_equal(n, 1);
	assert_int_equal(list[0].index, 2);
	free(list);
	claims_free(&root);
	assert_null(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_right_is_not_touched),
		cmocka_unit_test(the_hook_answers_as_the_store_has_it),
		cmocka_unit_test(what_differs_is_rewritten_and_keeps_its_counters),
		cmocka_unit_test(what_was_learned_of_a_path_is_not_forgotten),
		cmocka_unit_test(half_a_write_is_mended),
		cmocka_unit_test(anothers_counters_are_not_inherited),
		cmocka_unit_test(what_nobody_claims_goes),
		cmocka_unit_test(no_line_gets_the_generation_that_it_had),
		cmocka_unit_test(maps_tell_whether_they_fit),
		cmocka_unit_test(the_layout_of_windows_is_told_apart),
		cmocka_unit_test(slow_counters_outlive_the_process),
		cmocka_unit_test(two_daemons_do_not_share_a_file),
		cmocka_unit_test(a_worker_gets_no_other_route_than_a_subscribers),
		cmocka_unit_test(a_worker_gets_no_address_that_no_subscriber_can_have),
		cmocka_unit_test(a_worker_writes_no_other_host_or_vlan),
		cmocka_unit_test(what_was_not_claimed_is_told),
	};

	log_open(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
