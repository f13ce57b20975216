/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A data path that outlives its daemon: the real one, with its maps, links and l2tp0, in a
 * network namespace and on a BPF file system of its own. "A daemon" is dp_open to dp_leave,
 * or a process that is killed.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cap-ng.h>
#include <seccomp.h>

#include "loader/datapath/program.h"
#include "tests/bpf/ground.h"

#define TUNNEL 0x1234
#define SESSION 0x5678
#define INDEX dp_index(1, TUNNEL, SESSION)
#define KILLS 40
#define KILLS_MIN 6
#define KILLS_US 15000000 /* all together */

struct daemon {
	struct dp_config cfg;
	struct ipaddr statics[2]; /* of users, outside the pools */
	struct event_base *base;
	struct datapath *dp;
	struct dp_adoption adoption;
	char err[4096];
};

/* ---- the ground ------------------------------------------------------------------------------- */

static void ground(void)
{
	ground_make();
	sh("ip link set lo up; ip link add access0 type veth peer name lac0; "
	   "ip link add core0 type veth peer name host0; "
	   "for i in access0 lac0 core0 host0; do ip link set $i up; done; "
	   "ip addr add 192.0.2.1/24 dev access0; ip addr add 203.0.113.1/24 dev core0");
}

static struct prefix prefix(const char *text)
{
	struct prefix p;

	assert_int_equal(prefix_parse(text, &p), 0);
	return p;
}

/* Those that a test has left when it failed. */
static struct daemon *alive[4];

static void remember(struct daemon *d, struct daemon *instead)
{
	for (size_t i = 0; i < sizeof(alive) / sizeof(alive[0]); i++)
		if (alive[i] == d) {
			alive[i] = instead;
			return;
		}
}

static struct daemon *daemon_new(void)
{
	struct daemon *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	d->cfg = (struct dp_config){ .interfaces = { "access0", "core0" },
				     .n_interfaces = 2,
				     .mode = DP_NATIVE,
				     .exclusive = true,
				     .shards = 1,
				     .n_listen = 1,
				     .port = 1701,
				     .n_pools = 2,
				     .n_local = 1,
				     .tun_name = "l2tp0",
				     .tun_mtu = 1500,
				     .bpf_dir = pins,
				     .run_dir = run_dir,
				     .dscp = -1 };
	remember(NULL, d);
	d->cfg.listen[0] = address("192.0.2.1");
	d->cfg.pools[0] = prefix("10.64.0.0/16");
	d->cfg.pools[1] = prefix("2001:db8:100::/48");
	d->cfg.local[0] = address("10.64.0.1");
	d->statics[0] = address("198.51.100.7");
	d->statics[1] = address("198.51.100.8");
	d->cfg.statics = d->statics;
	d->cfg.n_statics = 2;
	return d;
}

static int daemon_open(struct daemon *d)
{
	int rc = dp_open(&d->cfg, &d->dp, d->err, sizeof(d->err));

	if (rc < 0)
		return rc;
	d->base = event_base_new();
	assert_non_null(d->base);
	return dp_start(d->dp, d->base, &ops, d, NULL, NULL);
}

static struct dp_session session(void)
{
	return (struct dp_session){ .tunnel_id = TUNNEL,
				    .session_id = SESSION,
				    .peer_tunnel_id = 7,
				    .peer_session_id = 9,
				    .path = { .local = address("192.0.2.1"),
					      .peer = address("192.0.2.10"),
					      .local_port = 1701,
					      .peer_port = 1701 },
				    .ipv4_open = true,
				    .ipv6_open = true,
				    .ipv4 = address("10.64.0.2"),
				    .ipv6 = prefix("2001:db8:100::/64"),
				    .peer_mru = 1500 };
}

static void daemon_set(struct daemon *d, const struct dp_session *s)
{
	assert_int_equal(dp_tunnel_set(d->dp, s->tunnel_id, &s->path), 0);
	assert_int_equal(dp_session_set(d->dp, s), 0);
}

/* A /64 outside the pools: an earlier daemon's, which had a pool that held it. */
static struct prefix old_prefix(struct daemon *d)
{
	struct prefix p = prefix("2001:db8:7::/64");

	privilege_recall(d->dp, &p);
	return p;
}

static void daemon_ready(struct daemon *d)
{
	if (dp_ready(d->dp, &d->adoption, d->err, sizeof(d->err)))
		fail_msg("%s", d->err);
}

/* A whole start with the one session. */
static void daemon_up(struct daemon *d)
{
	const struct dp_session s = session();

	if (daemon_open(d))
		fail_msg("%s", d->err);
	daemon_set(d, &s);
	daemon_ready(d);
}

static void daemon_end(struct daemon *d, void (*how)(struct datapath *dp))
{
	remember(d, NULL);
	if (d->dp)
		how(d->dp);
	if (d->base)
		event_base_free(d->base);
	free(d);
}

static void turn_for(struct daemon *d, unsigned int ms)
{
	const struct timeval tv = { 0, (suseconds_t)ms * 1000 };

	event_base_loopexit(d->base, &tv);
	event_base_dispatch(d->base);
}

/* ---- what stands there ------------------------------------------------------------------------- */

static const char *const map_names[] = {
	"sessions", "traffic", "up_lines", "down_lines", "tunnels", "pool4",    "pool6", "hosts4",
	"hosts6",   "ports",   "vlans",    "nexthops",   "police",  "verdicts", "bss",   "about",
};

static int map_get(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/maps/%s", pins, name);
	return bpf_obj_get(path);
}

static uint32_t map_id(const char *name)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	int fd = map_get(name);

	if (fd < 0)
		return 0;
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	close(fd);
	return info.id;
}

static bool map_read(const char *name, uint32_t key, void *value)
{
	int fd = map_get(name), rc;

	if (fd < 0)
		return false;
	rc = bpf_map_lookup_elem(fd, &key, value);
	close(fd);
	return rc == 0;
}

static void map_write(const char *name, uint32_t key, const void *value)
{
	int fd = map_get(name);

	assert_true(fd >= 0);
	assert_int_equal(bpf_map_update_elem(fd, &key, value, BPF_ANY), 0);
	close(fd);
}

static struct l2x_session in_map(uint32_t index)
{
	struct l2x_session v = { 0 };

	assert_true(map_read("sessions", index, &v));
	return v;
}

static uint32_t in_pool(const char *name, uint32_t slot)
{
	struct l2x_slots v;

	assert_true(map_read(name, slot / L2X_SLOTS, &v));
	return v.index[slot % L2X_SLOTS];
}

/* Which program is at the hook; 0: none. */
static uint32_t program_at(const char *device)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, q);
	unsigned int ifindex = if_nametoindex(device);

	if (!ifindex || bpf_xdp_query((int)ifindex, 0, &q))
		return 0;
	return q.prog_id;
}

static bool exists(const char *name)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", pins, name);
	return stat(path, &st) == 0;
}

static void host_is_as_found(void)
{
	struct stat st;
	char path[128];

	assert_int_equal(program_at("access0"), 0);
	assert_int_equal(program_at("core0"), 0);
	assert_int_equal(if_nametoindex("l2tp0"), 0);
	assert_int_not_equal(stat(pins, &st), 0);
	snprintf(path, sizeof(path), "%s/slow-traffic", run_dir);
	assert_int_not_equal(stat(path, &st), 0);
	assert_false(sh_ok("ip route show | grep -q l2tp0"));
}

/* ---- tests -------------------------------------------------------------------------------------- */

static void the_next_daemon_takes_over_what_it_finds(void **state)
{
	struct daemon *d = daemon_new();
	struct l2x_traffic t = { 0 };
	struct l2x_session before, after;
	uint32_t program, map;

	(void)state;
	daemon_up(d);
	assert_false(d->adoption.maps);
	assert_int_equal(d->adoption.put, 1);
	session_by_index(d->dp, INDEX)->slow->rx.packets = 33;
	program = program_at("access0");
	assert_int_not_equal(program, 0);
	daemon_end(d, dp_leave);

	assert_int_equal(program_at("access0"), program); /* nobody is there, and it forwards */
	assert_true(sh_ok("ip route show dev l2tp0 | grep -q 10.64.0.0/16"));
	assert_true(sh_ok("ip addr show dev l2tp0 | grep -q 10.64.0.1/32"));
	before = in_map(INDEX);
	t.rx_packets = 5;
	t.tx_ns = 17;
	map_write("traffic", INDEX, &t);
	map = map_id("sessions");

	d = daemon_new();
	daemon_up(d);
	after = in_map(INDEX);
	assert_true(d->adoption.maps);
	assert_string_equal(d->adoption.note, "");
	assert_int_equal(d->adoption.kept, 1);
	assert_int_equal(d->adoption.put, 0);
	assert_int_equal(d->adoption.removed, 0);
	assert_memory_equal(&before, &after, sizeof(before)); /* not touched */
	assert_int_equal(map_id("sessions"), map);
	assert_int_not_equal(program_at("access0"), 0);
	assert_int_not_equal(program_at("access0"), program);
	assert_int_equal(dp_session_rx(d->dp, INDEX), 5 + 33);
	assert_true(map_read("traffic", INDEX, &t));
	assert_int_equal(t.tx_ns, 17);
	daemon_end(d, dp_remove);
	host_is_as_found();
}

static void what_the_store_does_not_know_goes(void **state)
{
	struct daemon *d = daemon_new();
	struct dp_session s = session();
	uint32_t key4, index;
	int fd;

	(void)state;
	assert_int_equal(daemon_open(d), 0);
	daemon_set(d, &s);
	s.session_id++; /* one with addresses outside every pool */
	s.ipv4 = address("198.51.100.7");
	s.ipv6 = old_prefix(d);
	daemon_set(d, &s);
	daemon_ready(d);
	assert_true(sh_ok("ip route show dev l2tp0 | grep -q 198.51.100.7"));
	assert_true(sh_ok("ip -6 route show dev l2tp0 | grep -q 2001:db8:7::/64"));
	daemon_end(d, dp_leave);

	d = daemon_new(); /* knows that one only */
	assert_int_equal(daemon_open(d), 0);
	daemon_set(d, &s);
	daemon_ready(d);
	assert_int_equal(d->adoption.kept, 1);
	assert_int_equal(d->adoption.removed, 1);
	assert_int_equal(in_map(INDEX).gen, 0);
	assert_int_equal(in_pool("pool4", 2), 0);
	assert_int_equal(d->dp->maps->live->hosts4, 1);
	assert_true(sh_ok("ip route show dev l2tp0 | grep -q 198.51.100.7"));
	daemon_end(d, dp_leave);

	d = daemon_new(); /* knows the other one */
	daemon_up(d);
	assert_int_equal(d->adoption.removed, 1);
	fd = map_get("hosts4");
	key4 = htonl(0xc6336407);
	assert_int_not_equal(bpf_map_lookup_elem(fd, &key4, &index), 0);
	close(fd);
	assert_int_equal(d->dp->maps->live->hosts4, 0);
	assert_int_equal(d->dp->maps->live->hosts6, 0);
	assert_false(sh_ok("ip route show dev l2tp0 | grep -q 198.51.100.7"));
	assert_false(sh_ok("ip -6 route show dev l2tp0 | grep -q 2001:db8:7::/64"));
	daemon_end(d, dp_remove);
	host_is_as_found();
}

/* A count that a killed daemon left too small would keep the program from looking. */
static void hosts_are_counted_anew(void **state)
{
	struct daemon *d = daemon_new();
	struct dp_session s = session();

	(void)state;
	s.ipv4 = address("198.51.100.7");
	assert_int_equal(daemon_open(d), 0);
	daemon_set(d, &s);
	daemon_ready(d);
	d->dp->maps->live->hosts4 = 0;
	daemon_end(d, dp_leave);
	d = daemon_new();
	assert_int_equal(daemon_open(d), 0);
	assert_int_equal(d->dp->maps->live->hosts4, 1);
	daemon_set(d, &s);
	daemon_ready(d);
	assert_int_equal(d->adoption.kept, 1);
	assert_int_equal(d->dp->maps->live->hosts4, 1);
	daemon_end(d, dp_remove);
	host_is_as_found();
}

static void other_pools_keep_the_sessions(void **state)
{
	struct daemon *d = daemon_new();
	struct dp_session s = session();
	uint32_t sessions, pool4, program;
	char text[256];

	(void)state;
	daemon_up(d);
	program = program_at("access0");
	daemon_end(d, dp_leave);
	sessions = map_id("sessions");
	pool4 = map_id("pool4");

	d = daemon_new();
	d->cfg.pools[2] = d->cfg.pools[0];
	d->cfg.pools[0] = prefix("10.80.0.0/24"); /* the other one's slots begin at 256 now */
	d->cfg.n_pools = 3;
	assert_int_equal(dp_foresee(&d->cfg, false, text, sizeof(text)), 0);
	assert_non_null(strstr(text, "laid out anew"));
	assert_int_equal(daemon_open(d), 0);
	daemon_set(d, &s);
	assert_int_equal(program_at("access0"), program);
	assert_int_equal(map_id("pool4"), pool4); /* the old program's, until it is replaced */
	assert_int_equal(in_pool("pool4", 2), INDEX);
	daemon_ready(d);
	assert_int_equal(d->adoption.kept, 1);
	assert_int_not_equal(program_at("access0"), program);
	assert_int_equal(map_id("sessions"), sessions);
	assert_int_not_equal(map_id("pool4"), pool4);
	assert_int_equal(in_pool("pool4", 256 + 2), INDEX);
	assert_int_equal(in_pool("pool4", 2), 0);
	assert_false(exists("next"));
	assert_true(sh_ok("ip route show dev l2tp0 | grep -q 10.80.0.0/24"));
	daemon_end(d, dp_leave);

	d = daemon_new(); /* and back, by a daemon for which the address is outside every pool */
	d->cfg.pools[0] = prefix("10.80.0.0/24");
	d->cfg.n_pools = 1;
	d->cfg.local[0] = address("10.80.0.1");
	daemon_up(d);
	assert_int_equal(d->adoption.kept, 1);
	assert_int_equal(d->dp->maps->live->hosts4, 1);
	assert_int_equal(d->dp->maps->live->hosts6, 1);
	assert_false(sh_ok("ip route show dev l2tp0 | grep -q 10.64.0.0/16"));
	assert_true(sh_ok("ip route show dev l2tp0 | grep -q '^10.64.0.2 '"));
	assert_false(sh_ok("ip addr show dev l2tp0 | grep -q 10.64.0.1/32"));
	assert_true(sh_ok("ip addr show dev l2tp0 | grep -q 10.80.0.1/32"));
	daemon_end(d, dp_leave);

	d = daemon_new(); /* inside again: the entry of the hosts' map is not needed any more */
	daemon_up(d);
	assert_int_equal(d->adoption.kept, 1);
	assert_int_equal(d->dp->maps->live->hosts4, 0);
	assert_int_equal(d->dp->maps->live->hosts6, 0);
	assert_int_equal(in_pool("pool4", 2), INDEX);
	assert_false(sh_ok("ip route show dev l2tp0 | grep -q '^10.64.0.2 '"));
	daemon_end(d, dp_remove);
	host_is_as_found();
}

static void other_sizes_make_new_maps(void **state)
{
	struct daemon *d = daemon_new();
	struct dp_session s = session();
	struct dp_traffic t = { .hook_rx.packets = 44 };
	uint32_t sessions, program;

	(void)state;
	daemon_up(d);
	program = program_at("core0");
	daemon_end(d, dp_leave);
	sessions = map_id("sessions");

	d = daemon_new();
	d->cfg.shards = 2;
	assert_int_equal(daemon_open(d), 0);
	assert_true(exists("next/about"));
	assert_int_equal(map_id("sessions"), sessions);
	daemon_set(d, &s);
	dp_session_traffic_restore(d->dp, INDEX, &t);
	assert_int_equal(program_at("core0"), program);
	daemon_ready(d);
	assert_true(d->adoption.maps);
	assert_string_equal(d->adoption.note, "shards: 1 before, now 2");
	assert_int_equal(d->adoption.put, 1);
	assert_int_not_equal(program_at("core0"), program);
	assert_int_not_equal(map_id("sessions"), sessions);
	assert_true(in_map(INDEX).gen != 0);
	assert_int_equal(dp_session_rx(d->dp, INDEX), 44);
	assert_false(exists("next"));
	daemon_end(d, dp_remove);
	host_is_as_found();
}

static void set_about(uint32_t schema)
{
	struct l2x_about about;

	assert_true(map_read("about", 0, &about));
	about.schema = schema;
	map_write("about", 0, &about);
}

static void a_newer_schema_is_refused_and_nothing_changes(void **state)
{
	struct daemon *d = daemon_new();
	struct l2x_session before;
	uint32_t program;
	char text[256];

	(void)state;
	daemon_up(d);
	program = program_at("access0");
	daemon_end(d, dp_leave);
	before = in_map(INDEX);
	set_about(L2X_SCHEMA + 1);

	d = daemon_new();
	d->cfg.mode = DP_AUTO; /* is no excuse */
	assert_int_equal(dp_foresee(&d->cfg, false, text, sizeof(text)), -EPROTO);
	assert_int_equal(daemon_open(d), -EPROTO);
	assert_non_null(strstr(d->err, "newer version"));
	daemon_end(d, dp_leave);
	assert_int_equal(program_at("access0"), program);
	assert_true(sh_ok("ip route show dev l2tp0 | grep -q 10.64.0.0/16"));
	assert_memory_equal(&before, &(struct l2x_session[]){ in_map(INDEX) }[0], sizeof(before));

	set_about(L2X_SCHEMA - 1); /* an older one is replaced */
	d = daemon_new();
	daemon_up(d);
	assert_non_null(strstr(d->adoption.note, "schema"));
	assert_int_equal(d->adoption.put, 1);
	daemon_end(d, dp_remove);
	host_is_as_found();
}

static void half_a_set_is_none(void **state)
{
	struct daemon *d = daemon_new();
	char path[128];

	(void)state;
	daemon_up(d);
	daemon_end(d, dp_leave);
	snprintf(path, sizeof(path), "%s/maps/tunnels", pins);
	assert_int_equal(unlink(path), 0);
	d = daemon_new();
	daemon_up(d);
	assert_string_equal(d->adoption.note, "map tunnels is missing");
	assert_int_equal(d->adoption.put, 1);
	daemon_end(d, dp_leave);

	snprintf(path, sizeof(path), "%s/maps/verdicts", pins); /* counters: not worth the rest */
	assert_int_equal(unlink(path), 0);
	d = daemon_new();
	daemon_up(d);
	assert_string_equal(d->adoption.note, "");
	assert_int_equal(d->adoption.kept, 1);
	assert_true(exists("maps/verdicts"));
	daemon_end(d, dp_leave);

	snprintf(path, sizeof(path), "%s/maps/about", pins);
	assert_int_equal(unlink(path), 0);
	d = daemon_new();
	daemon_up(d);
	assert_non_null(strstr(d->adoption.note, "do not say what they are"));
	daemon_end(d, dp_remove);
	host_is_as_found();
}

static void a_start_that_fails_leaves_what_it_found(void **state)
{
	struct daemon *d = daemon_new(), *first;
	uint32_t program;

	(void)state;
	assert_int_equal(daemon_open(d), 0);
	daemon_end(d, dp_leave); /* before it was ready, on a host without an earlier one */
	host_is_as_found();

	first = daemon_new();
	daemon_up(first);
	program = program_at("access0");
	daemon_end(first, dp_leave);
	d = daemon_new();
	d->cfg.shards = 4;
	assert_int_equal(daemon_open(d), 0);
	daemon_end(d, dp_leave);
	assert_int_equal(program_at("access0"), program);
	assert_true(exists("maps/about"));
	assert_false(exists("next"));
	d = daemon_new();
	daemon_up(d);
	assert_int_equal(d->adoption.kept, 1);
	daemon_end(d, dp_remove);
	host_is_as_found();
}

/* From now on no program is loaded, as where memory for one is refused. */
static int refuse_programs(void)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);

	if (!f || seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOMEM), SCMP_SYS(bpf), 1,
				   SCMP_A0(SCMP_CMP_EQ, BPF_PROG_LOAD)))
		return 1;
	return seccomp_load(f) ? 1 : 0;
}

/* A start with mode auto where none can be: its status, and what it says. */
static int start_without_programs(unsigned int shards, char *said, size_t len)
{
	int pair[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(pair), 0);
	pid = fork();
	if (pid == 0) {
		struct daemon *d = daemon_new();
		struct dp_session s = session();
		int rc = refuse_programs();

		d->cfg.mode = DP_AUTO;
		d->cfg.shards = shards;
		rc = rc ?: -daemon_open(d);
		if (rc == 0) {
			daemon_set(d, &s);
			daemon_ready(d);
			daemon_end(d, dp_leave);
			_exit(0);
		}
		if (write(pair[1], d->err, strlen(d->err)) < 0)
			_exit(255);
		_exit(rc);
	}
	close(pair[1]);
	n = read(pair[0], said, len - 1);
	said[n > 0 ? n : 0] = '\0';
	close(pair[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void where_no_program_can_be_made_the_earlier_one_goes_on(void **state)
{
	struct daemon *d = daemon_new();
	uint32_t access, core;
	char said[4096];

	(void)state;
	daemon_up(d);
	access = program_at("access0");
	core = program_at("core0");
	daemon_end(d, dp_leave);
	for (unsigned int shards = 1; shards <= 4; shards *= 4) {
		assert_int_equal(start_without_programs(shards, said, sizeof(said)), ENOMEM);
		assert_non_null(strstr(said, "goes on at the hook"));
		assert_non_null(strstr(said, "mode: off"));
		assert_int_equal(program_at("access0"), access);
		assert_int_equal(program_at("core0"), core);
		assert_true(exists("maps/about"));
		assert_false(exists("next"));
	}
	d = daemon_new();
	daemon_up(d);
	assert_int_equal(d->adoption.kept, 1);
	daemon_end(d, dp_remove);
	host_is_as_found();

	/* where there is none, mode auto does without */
	assert_int_equal(start_without_programs(1, said, sizeof(said)), 0);
	d = daemon_new();
	daemon_up(d);
	daemon_end(d, dp_remove);
	host_is_as_found();
}

static void a_mode_that_the_driver_refuses_leaves_the_earlier_program(void **state)
{
	static const enum dp_mode modes[] = { DP_NATIVE, DP_AUTO };
	struct daemon *d = daemon_new();

	(void)state;
	if (!sh_ok("ip link add plain0 type bridge 2>/dev/null && ip link set plain0 up"))
		skip();
	d->cfg.interfaces[0] = "plain0";
	d->cfg.mode = DP_GENERIC;
	daemon_up(d);
	daemon_end(d, dp_leave);
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		uint32_t program = program_at("plain0");

		d = daemon_new();
		d->cfg.interfaces[0] = "plain0";
		d->cfg.mode = modes[i];
		assert_int_equal(daemon_open(d), 0);
		daemon_set(d, &(struct dp_session[]){ session() }[0]);
		assert_int_equal(dp_ready(d->dp, &d->adoption, d->err, sizeof(d->err)), -EBUSY);
		assert_non_null(strstr(d->err, "plain0: the program of the earlier l2xdpd"));
		assert_non_null(strstr(d->err, "no native XDP"));
		daemon_end(d, dp_leave);
		assert_int_not_equal(program, 0);
		assert_int_equal(program_at("plain0"), program);
		assert_true(exists("link-plain0"));
		assert_int_not_equal(program_at("core0"), 0);
	}
	d = daemon_new();
	d->cfg.interfaces[0] = "plain0";
	d->cfg.mode = DP_GENERIC;
	daemon_up(d);
	assert_int_equal(d->adoption.kept, 1);
	daemon_end(d, dp_remove);
	sh("ip link del plain0");
	host_is_as_found();
}

/* Its pins are in a directory that this one does not look into, or can see no more. */
static void a_program_of_ours_without_its_pin_is_named(void **state)
{
	static const enum dp_mode modes[] = { DP_AUTO, DP_NATIVE, DP_OFF };
	char other[80];
	struct daemon *d = daemon_new();
	uint32_t program;

	(void)state;
	daemon_up(d);
	program = program_at("access0");
	daemon_end(d, dp_leave);
	snprintf(other, sizeof(other), "%s/other", home);
	for (size_t i = 0; i < 2 * sizeof(modes) / sizeof(modes[0]); i++) {
		d = daemon_new();
		d->cfg.mode = modes[i / 2];
		d->cfg.bpf_dir = i % 2 ? other : "/tmp/l2xdp-not-a-bpffs";
		assert_int_equal(daemon_open(d), -EBUSY);
		assert_non_null(strstr(d->err, "access0: the program of an l2xdpd"));
		assert_non_null(strstr(d->err, "not pinned in"));
		assert_non_null(strstr(d->err, "bpftool link detach id "));
		daemon_end(d, dp_leave);
		assert_int_equal(program_at("access0"), program);
	}
	d = daemon_new(); /* the directory as it was */
	daemon_up(d);
	assert_int_equal(d->adoption.kept, 1);
	daemon_end(d, dp_remove);
	host_is_as_found();
}

static void two_daemons_do_not_share_pins(void **state)
{
	struct daemon *d = daemon_new(), *second = daemon_new();

	(void)state;
	daemon_up(d);
	second->cfg.tun_name = "l2tp1";
	second->cfg.listen[0] = address("203.0.113.1");
	assert_int_equal(daemon_open(second), -EBUSY);
	assert_non_null(strstr(second->err, "another l2xdpd"));
	daemon_end(second, dp_leave);
	assert_int_not_equal(program_at("access0"), 0);
	daemon_end(d, dp_remove);
	host_is_as_found();
}

static void interfaces_that_are_ours_no_more_are_left(void **state)
{
	struct daemon *d = daemon_new();
	uint32_t program;

	(void)state;
	daemon_up(d);
	program = program_at("access0");
	daemon_end(d, dp_leave);
	d = daemon_new();
	d->cfg.n_interfaces = 1;
	assert_int_equal(daemon_open(d), 0);
	assert_int_not_equal(program_at("core0"), 0);
	daemon_set(d, &(struct dp_session[]){ session() }[0]);
	daemon_ready(d);
	assert_int_equal(program_at("core0"), 0);
	assert_false(exists("link-core0"));
	assert_int_not_equal(program_at("access0"), program);
	daemon_end(d, dp_leave);

	sh("ip link set access0 down; ip link set access0 name ac.0; ip link set ac.0 up");
	program = program_at("ac.0");
	d = daemon_new(); /* the same device under another name: its link goes on */
	d->cfg.interfaces[0] = "ac.0";
	daemon_up(d);
	assert_true(exists("link-ac%2e0"));
	assert_false(exists("link-access0"));
	assert_int_not_equal(program_at("ac.0"), 0);
	assert_int_not_equal(program_at("ac.0"), program);
	daemon_end(d, dp_leave);

	d = daemon_new(); /* mode off: nothing may stand at the hook with what it knew */
	d->cfg.mode = DP_OFF;
	daemon_up(d);
	assert_int_equal(program_at("ac.0"), 0);
	assert_false(exists("maps"));
	daemon_end(d, dp_remove);
	sh("ip link set ac.0 down; ip link set ac.0 name access0; ip link set access0 up");
	host_is_as_found();
}

static void an_interface_goes_and_comes_back(void **state)
{
	struct daemon *d = daemon_new();
	struct dp_interface_info info[2];
	char again[256];

	(void)state;
	d->cfg.mode = DP_AUTO;
	daemon_up(d);
	sh("ip link del core0");
	turn_for(d, 300);
	assert_int_equal(dp_interfaces(d->dp, info, 2), 2);
	assert_int_equal(info[1].ifindex, 0);
	assert_string_equal(info[1].mode, "off");
	sh("ip link add core0 type veth peer name host0; ip link set host0 up; "
	   "ip link set core0 up; ip addr add 203.0.113.1/24 dev core0");
	turn_for(d, 300);
	dp_interfaces(d->dp, info, 2);
	assert_int_equal(info[1].ifindex, if_nametoindex("core0"));
	assert_string_equal(info[1].mode, "native");
	assert_int_not_equal(program_at("core0"), 0);
	snprintf(again, sizeof(again),
		 "ip link del core0; ip link add core0 index %u type veth peer name host0; "
		 "ip link set host0 up; ip link set core0 up; ip addr add 203.0.113.1/24 dev core0",
		 info[1].ifindex);
	sh(again); /* with the index that it had */
	turn_for(d, 300);
	dp_interfaces(d->dp, info, 2);
	assert_string_equal(info[1].mode, "native");
	assert_int_not_equal(program_at("core0"), 0);
	daemon_end(d, dp_leave);

	sh("ip link del core0"); /* while nobody looks */
	d = daemon_new();
	daemon_up(d); /* mode native: this is not the first start */
	assert_int_equal(d->adoption.kept, 1);
	sh("ip link add core0 type veth peer name host0; ip link set host0 up; "
	   "ip link set core0 up; ip addr add 203.0.113.1/24 dev core0");
	turn_for(d, 300);
	assert_int_not_equal(program_at("core0"), 0);
	daemon_end(d, dp_remove);
	host_is_as_found();
}

/* The kernel does not see what the hook sends to them. */
static void next_hops_that_grow_stale_are_used(void **state)
{
	const struct dp_request rq = { .act = DP_DO_NEIGHBOURS };
	struct daemon *d = daemon_new();
	struct dp_answer answer;

	(void)state;
	daemon_up(d);
	sh("for a in 'core0 203.0.113.77' 'core0 2001:db8:c::77' 'host0 203.0.113.78'; do "
	   "ip neigh add ${a#* } dev ${a% *} lladdr 02:00:00:00:00:77 nud stale; done; "
	   "ip neigh add 203.0.113.79 dev core0 lladdr 02:00:00:00:00:79 nud permanent");
	dp_do(d->dp, &rq, &answer);
	assert_int_equal(answer.rc, 0);
	assert_true(sh_ok("ip neigh show 203.0.113.77 dev core0 | grep -q 'DELAY\\|PROBE'"));
	assert_true(sh_ok("ip neigh show 2001:db8:c::77 dev core0 | grep -q 'DELAY\\|PROBE'"));
	assert_true(
		sh_ok("ip neigh show dev host0 | grep -q '203.0.113.78.*STALE'")); /* not ours */
	assert_true(sh_ok("ip neigh show dev core0 | grep -q '203.0.113.79.*PERMANENT'"));
	daemon_end(d, dp_remove);
	sh("ip neigh flush dev host0; ip neigh del 203.0.113.79 dev core0");
	host_is_as_found();
}

static void without_a_bpf_file_system_all_ends_with_the_daemon(void **state)
{
	struct daemon *d = daemon_new();
	char text[256];

	(void)state;
	d->cfg.bpf_dir = "/tmp/l2xdp-not-a-bpffs";
	assert_int_equal(dp_foresee(&d->cfg, false, text, sizeof(text)), 0);
	assert_non_null(strstr(text, "not on a BPF file system"));
	daemon_up(d);
	assert_false(dp_is_pinned(d->dp));
	assert_int_not_equal(program_at("access0"), 0);
	assert_int_equal(dp_foresee(&d->cfg, true, text, sizeof(text)), 0); /* a reload */
	assert_int_equal(dp_foresee(&d->cfg, false, text, sizeof(text)), -EBUSY);
	assert_non_null(strstr(text, "not pinned"));
	daemon_end(d, dp_leave);
	assert_int_equal(program_at("access0"), 0);
	d = daemon_new();
	daemon_up(d);
	assert_false(d->adoption.maps);
	daemon_end(d, dp_remove);
	host_is_as_found();
}

/* ---- killed --------------------------------------------------------------------------------------- */

/* Either no set, or all of one. */
static void set_is_whole(void)
{
	struct l2x_about about;

	if (!exists("maps"))
		return;
	for (size_t i = 0; i < sizeof(map_names) / sizeof(map_names[0]); i++)
		if (!map_id(map_names[i]))
			fail_msg("map %s is missing", map_names[i]);
	assert_true(map_read("about", 0, &about));
	assert_int_equal(about.magic, L2X_ABOUT_MAGIC);
}

/* Each start wants other maps than the one before; it is killed somewhere on its way. */
static void run_until_killed(unsigned int n)
{
	static const char *const more[] = { "10.80.0.0/24", "10.81.0.0/16", "10.82.0.0/30" };
	struct daemon *d = daemon_new();

	d->cfg.shards = n / 2 % 2 + 1;
	if (n % 4)
		d->cfg.pools[d->cfg.n_pools++] = prefix(more[n % 4 - 1]);
	daemon_up(d);
	for (;;)
		pause();
}

static void killed_at_any_moment_it_leaves_a_whole_set(void **state)
{
	unsigned int found = 0, came_up = 0;
	struct daemon *d = daemon_new();
	unsigned int kills = KILLS, n;
	uint32_t last, now;
	msec_t spread = dp_now();

	(void)state;
	daemon_up(d);
	daemon_end(d, dp_leave);
	last = program_at("access0");
	spread = (dp_now() - spread) * 3 / 2 + 1; /* some come up */
	if (kills * spread * 1000 > KILLS_US)
		kills = (unsigned int)(KILLS_US / (spread * 1000));
	if (kills < KILLS_MIN)
		kills = KILLS_MIN;
	srandom(1);
	for (n = 0; n < kills; n++) {
		pid_t pid = fork();

		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			run_until_killed(n);
		}
		assert_true(pid > 0);
		usleep((useconds_t)(random() % (long)spread * 1000));
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		set_is_whole();
		now = program_at("access0");
		assert_int_not_equal(now, 0); /* never without a program */
		assert_int_not_equal(program_at("core0"), 0);
		came_up += now != last;
		found += exists("next");
		last = now;
	}
	printf("# %u of %u came up before they were killed, %u left half a set\n", came_up, kills,
	       found);
	assert_true(came_up < kills);
	d = daemon_new();
	daemon_up(d);
	assert_true(d->adoption.maps);
	assert_int_equal(d->adoption.kept + d->adoption.put, 1);
	assert_int_equal(d->adoption.removed, 0);
	assert_false(exists("next"));
	set_is_whole();
	assert_true(in_map(INDEX).gen != 0);
	daemon_end(d, dp_remove);
	host_is_as_found();
}

/* ---- two processes ---------------------------------------------------------------------------------- */

static bool ask(void *ctx, const struct dp_request *rq, struct dp_answer *ret)
{
	int fd = *(int *)ctx;

	return write(fd, rq, sizeof(*rq)) == sizeof(*rq) &&
	       read(fd, ret, sizeof(*ret)) == sizeof(*ret);
}

static int forbid_bpf(void)
{
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);

	if (!f || seccomp_rule_add(f, SCMP_ACT_KILL_PROCESS, SCMP_SYS(bpf), 0) || seccomp_load(f))
		return 1;
	seccomp_release(f);
	return 0;
}

/* Without a capability, dead at its first bpf(). Exit status: what went wrong, 0 nothing. */
static int worker(struct daemon *d, int fd, unsigned int kept)
{
	struct dp_session s = session();
	uint64_t counts[L2X_V_MAX];

	capng_clear(CAPNG_SELECT_BOTH);
	if (capng_apply(CAPNG_SELECT_BOTH) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    forbid_bpf())
		return 1;
	d->base = event_base_new();
	if (dp_start(d->dp, d->base, &ops, d, ask, &fd))
		return 2;
	if (dp_tunnel_set(d->dp, TUNNEL, &s.path) || dp_session_set(d->dp, &s))
		return 3;
	s.session_id++;
	s.ipv4 = address("198.51.100.7");
	s.ipv6 = prefix("2001:db8:7::/64");
	if (dp_session_set(d->dp, &s))
		return 4;
	if (dp_ready(d->dp, &d->adoption, d->err, sizeof(d->err)))
		return 5;
	if (d->adoption.kept != kept)
		return 6;
	turn_for(d, 50);
	s.ipv4 = address("198.51.100.8");
	if (dp_session_set(d->dp, &s))
		return 7;
	dp_verdict_counts(d->dp, counts);
	s.ipv4 = address("198.51.100.7");
	if (dp_session_set(d->dp, &s))
		return 8;
	dp_leave(d->dp);
	return 0;
}

static void run_worker(struct daemon *d, unsigned int kept)
{
	struct dp_request rq;
	struct dp_answer answer;
	int pair[2], status;
	pid_t pid;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		_exit(worker(d, pair[1], kept));
	}
	close(pair[1]);
	while (read(pair[0], &rq, sizeof(rq)) == sizeof(rq)) {
		dp_do(d->dp, &rq, &answer);
		assert_int_equal(answer.rc, 0);
		assert_int_equal(write(pair[0], &answer, sizeof(answer)), sizeof(answer));
	}
	close(pair[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_worker_needs_no_privilege(void **state)
{
	struct daemon *d = daemon_new();

	(void)state;
	assert_int_equal(dp_open(&d->cfg, &d->dp, d->err, sizeof(d->err)), 0);
	old_prefix(d);
	run_worker(d, 0);
	assert_int_not_equal(program_at("access0"), 0);
	assert_true(in_map(INDEX).gen != 0);
	assert_true(sh_ok("ip route show dev l2tp0 | grep -q 198.51.100.7"));
	assert_false(sh_ok("ip route show dev l2tp0 | grep -q 198.51.100.8"));
	run_worker(d, 2); /* the one after it finds all as it was */
	assert_int_equal(d->dp->maps->live->hosts4, 1);
	daemon_end(d, dp_remove);
	host_is_as_found();
}

static int end_leftovers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(alive) / sizeof(alive[0]); i++)
		if (alive[i])
			daemon_end(alive[i], dp_remove);
	return 0;
}

static int cleanup(void **state)
{
	(void)state;
	sh_ok("ip link del l2tp0 2>/dev/null");
	umount2(home, MNT_DETACH);
	rmdir(home);
	rmdir(run_dir);
	return 0;
}

#define test(f) cmocka_unit_test_teardown(f, end_leftovers)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(the_next_daemon_takes_over_what_it_finds),
		test(what_the_store_does_not_know_goes),
		test(hosts_are_counted_anew),
		test(other_pools_keep_the_sessions),
		test(other_sizes_make_new_maps),
		test(a_newer_schema_is_refused_and_nothing_changes),
		test(half_a_set_is_none),
		test(a_start_that_fails_leaves_what_it_found),
		test(where_no_program_can_be_made_the_earlier_one_goes_on),
		test(a_mode_that_the_driver_refuses_leaves_the_earlier_program),
		test(a_program_of_ours_without_its_pin_is_named),
		test(two_daemons_do_not_share_pins),
		test(interfaces_that_are_ours_no_more_are_left),
		test(an_interface_goes_and_comes_back),
		test(next_hops_that_grow_stale_are_used),
		test(without_a_bpf_file_system_all_ends_with_the_daemon),
		test(killed_at_any_moment_it_leaves_a_whole_set),
		test(a_worker_needs_no_privilege),
	};

	ground();
	if (getenv("TEST_FILTER")) /* where each start takes seconds */
		cmocka_set_test_filter(getenv("TEST_FILTER"));
	log_open(getenv("L2XDP_TEST_LOG") ? LOG_DEBUG : LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, cleanup);
}
