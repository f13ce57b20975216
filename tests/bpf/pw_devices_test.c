/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pseudowires and the host: devices, links and maps of a real data path, in a network namespace and
 * on a BPF file system of its own. "A daemon" is dp_open to dp_leave.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "loader/datapath/ethtool.h"
#include "loader/datapath/pw_private.h"
#include "tests/bpf/ground.h"

#define MANY 600 /* pseudowires that need larger maps than 1024 elements */

/* ---- the ground -------------------------------------------------------------------------------- */

static void on_circuit(void *ctx, unsigned int i, bool up);

static void ground(void)
{
	ground_make();
	ops.circuit = on_circuit;
	/* this process's alone, so that what the tests call a namespace is nobody's */
	mkdir("/run/netns", 0755);
	if (mount("tmpfs", "/run/netns", "tmpfs", 0, NULL)) {
		perror("/run/netns");
		exit(1);
	}
	sh("ip link set lo up; for i in access core eth bare; do "
	   "ip link add ${i}0 type veth peer name ${i}1; ip link set ${i}0 up; ip link set ${i}1 "
	   "up; "
	   "done; ip addr add 192.0.2.1/24 dev access0; ip addr add 2001:db8:b::1/64 dev access0 "
	   "nodad");
}

/* ---- a daemon ---------------------------------------------------------------------------------- */

struct daemon {
	struct dp_config cfg;
	struct pw_config pws[MANY];
	struct event_base *base;
	struct datapath *dp;
	struct dp_adoption adoption;
	unsigned int ups, downs; /* that circuits were told to be */
	char err[4096];
};

static struct daemon *alive;

static void on_circuit(void *ctx, unsigned int i, bool up)
{
	struct daemon *d = ctx;

	assert_int_equal(dp_pw_circuit_is_up(d->dp, i), up);
	d->ups += up;
	d->downs += !up;
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
				     .tun_name = "l2tp0",
				     .tun_mtu = 1500,
				     .bpf_dir = pins,
				     .run_dir = run_dir,
				     .dscp = -1,
				     .pseudowires = d->pws };
	d->cfg.listen[0] = address("192.0.2.1");
	alive = d;
	return d;
}

/* Over UDP, of a peer on the way by access0. */
static struct pw_config *pw_add(struct daemon *d, const char *name, uint32_t id, const char *device)
{
	struct pw_config *p = &d->pws[d->cfg.n_pseudowires++];

	*p = (struct pw_config){ .path = { .local = address("192.0.2.1"),
					   .peer = address("192.0.2.10"),
					   .local_port = 1701,
					   .peer_port = 1701 },
				 .id = id,
				 .peer_id = id + 1000 };
	snprintf(p->name, sizeof(p->name), "%s", name);
	snprintf(p->circuit.device, sizeof(p->circuit.device), "%s", device);
	return p;
}

static struct pw_config *pw_signalled(struct daemon *d, const char *name, const char *device)
{
	struct pw_config *p = pw_add(d, name, 0, device);

	p->signalled = true;
	p->peer_id = 0;
	memset(&p->path.peer, 0, sizeof(p->path.peer)); /* whoever calls */
	return p;
}

static struct pw_session session_of(uint32_t id)
{
	return (struct pw_session){ .path = { .local = address("192.0.2.1"),
					      .peer = address("192.0.2.10"),
					      .local_port = 1701,
					      .peer_port = 1701 },
				    .id = id,
				    .peer_id = 4711,
				    .cookie = { .len = 8, .b = { 1, 2, 3 } },
				    .send = true };
}

static struct pw_config *pw_create(struct daemon *d, const char *name, uint32_t id,
				   const char *device, const char *netns)
{
	struct pw_config *p = pw_add(d, name, id, device);

	p->circuit.create = true;
	snprintf(p->circuit.netns, sizeof(p->circuit.netns), "%s", netns);
	return p;
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

static void daemon_up(struct daemon *d)
{
	if (daemon_open(d) || dp_ready(d->dp, &d->adoption, d->err, sizeof(d->err)))
		fail_msg("%s", d->err);
}

static void daemon_end(struct daemon *d, void (*how)(struct datapath *dp))
{
	alive = NULL;
	if (d->dp)
		how(d->dp);
	if (d->base)
		event_base_free(d->base);
	free(d);
}

/* What the worker would be told of a pseudowire. */
static struct dp_answer ask(struct daemon *d, unsigned int i)
{
	const struct dp_request rq = { .act = DP_DO_CIRCUIT, .index = i };
	struct dp_answer a;

	dp_do(d->dp, &rq, &a);
	return a;
}

static void attach_again(struct daemon *d)
{
	const struct dp_request rq = { .act = DP_DO_ATTACH };
	struct dp_answer a;

	dp_do(d->dp, &rq, &a);
	if (a.rc)
		fail_msg("%s", a.err);
}

static void expect_attached(struct daemon *d, unsigned int i, const char *mode)
{
	const struct dp_answer a = ask(d, i);

	if (!a.circuit.attached)
		fail_msg("pseudowire %s: %s", d->pws[i].name, a.circuit.why);
	assert_int_equal(a.rc, 0);
	assert_string_equal(a.circuit.mode, mode);
	assert_int_equal(a.circuit.ifindex, if_nametoindex(a.circuit.device));
	assert_string_equal(a.circuit.why, "");
}

static void expect_waiting(struct daemon *d, unsigned int i, const char *why)
{
	const struct dp_answer a = ask(d, i);

	assert_int_equal(a.rc, 0);
	assert_false(a.circuit.attached);
	if (!strstr(a.circuit.why, why))
		fail_msg("pseudowire %s: \"%s\" has no \"%s\"", d->pws[i].name, a.circuit.why, why);
}

/* ---- what stands there ------------------------------------------------------------------------- */

static int map_get(const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/maps/%s", pins, name);
	fd = bpf_obj_get(path);
	assert_true(fd >= 0);
	return fd;
}

static uint32_t map_size(const char *name)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	int fd = map_get(name);

	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	close(fd);
	return info.max_entries;
}

static unsigned int map_count(const char *name)
{
	uint8_t key[64] = { 0 }, next[64];
	int fd = map_get(name);
	unsigned int n = 0;

	while (bpf_map_get_next_key(fd, n ? key : NULL, next) == 0) {
		memcpy(key, next, sizeof(key));
		n++;
	}
	close(fd);
	return n;
}

/* 0: no such key */
static uint32_t circuit_at(const char *device, uint16_t outer, uint16_t inner)
{
	const struct l2x_vlan_key key = { .ifindex = if_nametoindex(device),
					  .tag = { htons(outer), htons(inner) } };
	uint32_t index = 0;
	int fd = map_get("circuits");

	if (bpf_map_lookup_elem(fd, &key, &index))
		index = 0;
	close(fd);
	return index;
}

static uint32_t id_at(uint32_t id, uint16_t port, const char *peer)
{
	struct l2x_pw_id key = { .id = htonl(id), .peer_port = htons(port) };
	struct ipaddr a = address(peer);
	uint32_t index = 0;
	int fd = map_get("pw_ids");

	memcpy(&key.peer, a.b, sizeof(key.peer));
	if (bpf_map_lookup_elem(fd, &key, &index))
		index = 0;
	close(fd);
	return index;
}

static struct l2x_pw line_at(uint32_t index)
{
	struct l2x_pw v = { 0 };
	int fd = map_get("pws");

	assert_int_equal(bpf_map_lookup_elem(fd, &index, &v), 0);
	close(fd);
	return v;
}

static struct l2x_traffic traffic_at(uint32_t index)
{
	struct l2x_traffic v = { 0 };
	int fd = map_get("pw_traffic");

	assert_int_equal(bpf_map_lookup_elem(fd, &index, &v), 0);
	close(fd);
	return v;
}

static void count_at(uint32_t index, uint64_t n)
{
	struct l2x_traffic v = traffic_at(index);
	int fd = map_get("pw_traffic");

	v.rx_packets = n;
	v.tx_ns = 3 * n;
	assert_int_equal(bpf_map_update_elem(fd, &index, &v, BPF_ANY), 0);
	close(fd);
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

static void expect_program(const char *device, const char *name)
{
	struct port p = { .ifindex = if_nametoindex(device) };
	struct hook h;

	snprintf(p.name, sizeof(p.name), "%s", device);
	assert_true(hook_look(&p, &h));
	assert_string_equal(h.name, name);
}

static uint32_t link_id(const char *pin)
{
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);
	char path[192];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", pins, pin);
	fd = bpf_obj_get(path);
	if (fd < 0)
		return 0;
	assert_int_equal(bpf_obj_get_info_by_fd(fd, &info, &len), 0);
	close(fd);
	return info.id;
}

static void host_is_as_found(void)
{
	struct stat st;

	assert_false(sh_ok("ip -o link show | grep -q 'l2x\\|l2tp\\|branch\\|vm'"));
	assert_int_not_equal(stat(pins, &st), 0);
	for (const char *const *i =
		     (const char *const[]){ "access0", "core0", "eth0", "bare0", NULL };
	     *i; i++)
		assert_int_equal(program_at(*i), 0);
}

/* ---- tests ------------------------------------------------------------------------------------- */

static bool feature(const char *device, const char *name)
{
	struct features *f = calloc(1, sizeof(*f));
	struct pw_ns here;
	bool on;

	assert_non_null(f);
	assert_int_equal(pw_ns_open("", &here), 0);
	assert_true(ethtool_features(here.fd, device, f));
	on = features_on(f, name);
	free(f);
	pw_ns_close(&here);
	return on;
}

static void the_door_is_nobodys_device(void **state)
{
	struct daemon *d = daemon_new();

	(void)state;
	pw_add(d, "port", 7, "eth0");
	daemon_up(d);
	assert_int_equal(d->dp->door_ifindex, if_nametoindex(PW_DOOR));
	expect_program(PW_DOOR, "l2xdp_door");
	assert_true(sh_ok("ip link show l2tpw0 | grep -q 'mtu 65521.*state'"));
	assert_true(sh_ok("ip link show up l2tpw0 | grep -q l2tpw0"));
	assert_false(sh_ok("ip addr show dev l2tpw0 | grep -q inet"));
	assert_false(feature(PW_DOOR, "tx-checksum-ip-generic"));
	assert_false(feature(PW_DOOR, "tx-tcp-segmentation"));
	/* the host as a whole need not forward */
	assert_true(sh_ok("grep -q 1 /proc/sys/net/ipv4/conf/l2tp0/forwarding"));
	assert_true(sh_ok("grep -q 1 /proc/sys/net/ipv6/conf/l2tp0/forwarding"));
	daemon_end(d, dp_remove);
	host_is_as_found();
}

static void without_pseudowires_there_is_nothing_of_them(void **state)
{
	struct daemon *d = daemon_new();

	(void)state;
	daemon_up(d);
	assert_int_equal(if_nametoindex(PW_DOOR), 0);
	assert_int_equal(map_size("pws"), 1);
	assert_int_equal(map_size("circuits"), 1);
	assert_int_equal(bpf_object__find_program_by_name(program_object(d->dp->attach->skel),
							  "l2xdp_circuit") == NULL,
			 0);
	assert_int_equal(program_circuit_fd(d->dp->attach->skel) >= 0, 0); /* not loaded */
	assert_int_equal(ask(d, 0).rc, -EPERM);
	daemon_end(d, dp_remove);
	host_is_as_found();
}

static void circuits_are_found_by_device_and_tags(void **state)
{
	struct daemon *d = daemon_new();
	struct pw_config *p;

	(void)state;
	pw_add(d, "port", 7, "eth0");
	pw_add(d, "tag", 8, "eth0")->circuit.vlan[0] = 107;
	p = pw_add(d, "tags", 9, "bare0");
	p->circuit.vlan[0] = 100;
	p->circuit.vlan[1] = 7;
	p = pw_add(d, "interface", 0x12340000, "core0"); /* its low bits are 0: nobody's index */
	p->circuit.vlan[0] = 5;
	p = pw_add(d, "same-id", 7, "bare0"); /* of another peer */
	p->path.peer = address("192.0.2.11");
	p->path.local_port = p->path.peer_port = 0;
	daemon_up(d);
	for (unsigned int i = 0; i < 5; i++)
		expect_attached(d, i, "native");
	assert_int_equal(map_size("pws"), 1024);
	assert_int_equal(circuit_at("eth0", 0, 0), 7);
	assert_int_equal(circuit_at("eth0", 107, 0), 8);
	assert_int_equal(circuit_at("bare0", 100, 7), 9);
	assert_int_equal(circuit_at("core0", 5, 0), d->dp->pws[3].index);
	assert_int_equal(circuit_at("bare0", 0, 0), d->dp->pws[4].index);
	assert_int_equal(map_count("circuits"), 5);
	/* what the low bits lead to is not in the hash */
	assert_int_equal(map_count("pw_ids"), 2);
	assert_int_equal(id_at(0x12340000, 1701, "192.0.2.10"), d->dp->pws[3].index);
	assert_int_equal(id_at(7, 0, "192.0.2.11"), d->dp->pws[4].index);
	assert_int_not_equal(d->dp->pws[3].index, 0);
	/* one program on a device; an interface has its own */
	expect_program("eth0", "l2xdp_circuit");
	expect_program("core0", "l2xdp");
	assert_int_not_equal(link_id("circuit-eth0"), 0);
	assert_int_not_equal(link_id("circuit-bare0"), 0);
	assert_int_equal(link_id("circuit-core0"), 0);
	daemon_end(d, dp_remove);
	host_is_as_found();
}

static void expect_offloads(const char *device)
{
	static const char *const off[] = { "tx-checksum-ip-generic",  "tx-tcp-segmentation",
					   "tx-tcp6-segmentation",    "tx-udp-segmentation",
					   "tx-generic-segmentation", "tx-vlan-hw-insert",
					   "tx-vlan-stag-hw-insert" };

	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++)
		if (feature(device, off[i]))
			fail_msg("%s: %s is on", device, off[i]);
	assert_true(feature(device, "rx-gro"));
}

static void a_veth_pair_is_made_for_others(void **state)
{
	struct daemon *d = daemon_new();
	struct dp_answer a;
	char cmd[256];

	(void)state;
	pw_create(d, "branch7", 3, "branch7", "")->circuit.mtu = 1400;
	daemon_up(d);
	expect_attached(d, 0, "native");
	a = ask(d, 0);
	assert_int_equal(strncmp(a.circuit.device, "l2x", 3), 0);
	expect_program(a.circuit.device, "l2xdp_circuit");
	expect_offloads("branch7");
	assert_true(sh_ok("ip link show up branch7 | grep -q 'mtu 1400'"));
	snprintf(cmd, sizeof(cmd),
		 "ip link show up %s | grep -q 'alias l2xdp pseudowire branch7: veth branch7$'",
		 a.circuit.device);
	assert_true(sh_ok(cmd));
	snprintf(cmd, sizeof(cmd), "ip addr show %s | grep -q inet", a.circuit.device);
	assert_false(sh_ok(cmd));
	assert_int_equal(circuit_at(a.circuit.device, 0, 0), 3);
	daemon_end(d, dp_remove);
	host_is_as_found();
}

/* Of the way's 1500 octets 20 are IP's, 8 UDP's, 16 L2TP's with a cookie of 8, 14 Ethernet's. */
static void its_mtu_is_what_the_way_carries(void **state)
{
	struct daemon *d = daemon_new();
	struct pw_config *p = pw_create(d, "branch7", 3, "branch7", "");

	(void)state;
	p->peer_cookie.len = 8;
	p = pw_create(d, "branch8", 4, "branch8", "");
	p->path.local_port = p->path.peer_port = 0;
	p->peer_sublayer = true;
	p->circuit.vlan[0] = 7;
	p->circuit.tag = PW_TAG_KEEP;
	p = pw_create(d, "branch9", 5, "branch9", "");
	p->mtu = 1300;
	daemon_up(d);
	assert_true(sh_ok("ip link show branch7 | grep -q 'mtu 1442 '"));
	assert_true(sh_ok("ip link show branch8 | grep -q 'mtu 1454 '"));
	assert_true(sh_ok("ip link show branch9 | grep -q 'mtu 1250 '"));
	daemon_end(d, dp_remove);
	host_is_as_found();
}

static void the_other_end_goes_to_a_namespace(void **state)
{
	struct daemon *d = daemon_new();
	struct pw_config *p = pw_create(d, "vm3", 3, "vm3", "pwd-vm3");
	uint32_t index, line;

	(void)state;
	/* host bits and all */
	p->circuit.address[0] = (struct prefix){ address("10.3.0.1"), 24 };
	p->circuit.address[1] = (struct prefix){ address("2001:db8:3::1"), 64 };
	p->circuit.n_addresses = 2;
	daemon_up(d);
	expect_waiting(d, 0, "namespace pwd-vm3 is not there yet");
	assert_false(sh_ok("ip -o link show | grep -q ': l2x\\|vm3'")); /* nothing half made */
	sh("ip netns add pwd-vm3; ip netns exec pwd-vm3 ip link set lo up");
	expect_attached(d, 0, "native");
	assert_int_equal(if_nametoindex("vm3"), 0);
	assert_true(sh_ok("ip -n pwd-vm3 link show up vm3 | grep -q vm3"));
	assert_true(sh_ok("ip -n pwd-vm3 addr show vm3 | grep -q 'inet 10.3.0.1/24'"));
	assert_true(sh_ok("ip -n pwd-vm3 addr show vm3 | grep -q 'inet6 2001:db8:3::1/64'"));
	assert_true(sh_ok("ip netns exec pwd-vm3 ethtool -k vm3 2>/dev/null | "
			  "grep -q 'generic-receive-offload: on' || ! command -v ethtool"));
	index = ask(d, 0).circuit.ifindex;
	line = d->dp->pws[0].index;
	sh("ip -n pwd-vm3 addr add 10.9.9.9/24 dev vm3"); /* an operator's */
	daemon_end(d, dp_leave);

	d = daemon_new(); /* other addresses; the device stays */
	p = pw_create(d, "vm3", 3, "vm3", "pwd-vm3");
	p->circuit.address[0] = (struct prefix){ address("10.3.0.2"), 24 };
	p->circuit.n_addresses = 1;
	daemon_up(d);
	expect_attached(d, 0, "native");
	assert_int_equal(ask(d, 0).circuit.ifindex, index);
	assert_int_equal(d->dp->pws[0].index, line);
	assert_true(sh_ok("ip -n pwd-vm3 addr show vm3 | grep -q 'inet 10.3.0.2/24'"));
	assert_true(sh_ok("ip -n pwd-vm3 addr show vm3 | grep -q 'inet 10.9.9.9/24'"));
	assert_false(sh_ok("ip -n pwd-vm3 addr show vm3 | grep -q '10.3.0.1\\|2001:db8:3::1'"));
	/* Nobody waits for the end of one that is deleted: it is made again. */
	sh("ip -n pwd-vm3 link del vm3");
	expect_attached(d, 0, "native");
	assert_true(sh_ok("ip -n pwd-vm3 link show up vm3 | grep -q vm3"));
	daemon_end(d, dp_leave);

	d = daemon_new(); /* the namespace is another: so is the device */
	pw_create(d, "vm3", 3, "vm3", "");
	daemon_up(d);
	expect_attached(d, 0, "native");
	assert_false(sh_ok("ip -n pwd-vm3 link show vm3 2>/dev/null"));
	assert_int_not_equal(if_nametoindex("vm3"), 0);
	daemon_end(d, dp_remove);
	sh("ip netns del pwd-vm3");
	host_is_as_found();
}

static void a_tap_is_made_for_a_machine(void **state)
{
	struct daemon *d = daemon_new();
	unsigned int index;
	bool is_new;
	char err[256];
	int fd = -1;

	(void)state;
	pw_create(d, "vm4", 4, "vm4", "")->circuit.tap = true;
	pw_create(d, "vm5", 5, "vm5", "pwd-vm5")->circuit.tap = true;
	daemon_up(d);
	expect_attached(d, 0, "native");
	expect_waiting(d, 1, "cannot be in another namespace");
	assert_string_equal(ask(d, 0).circuit.device, "vm4");
	index = if_nametoindex("vm4");
	/* a machine has it, and it is still there when that ends */
	assert_int_equal(tun_device("vm4", 2, &fd, &is_new, err, sizeof(err)), 0);
	assert_false(is_new);
	close(fd);
	assert_int_equal(if_nametoindex("vm4"), index);
	daemon_end(d, dp_leave);
	d = daemon_new();
	pw_create(d, "vm4", 4, "vm4", "")->circuit.tap = true;
	daemon_up(d);
	expect_attached(d, 0, "native");
	assert_int_equal(if_nametoindex("vm4"), index);
	daemon_end(d, dp_remove);
	host_is_as_found();
}

static void a_restart_takes_over_what_it_finds(void **state)
{
	struct daemon *d = daemon_new();
	uint32_t link, program, by_name;
	unsigned int door, ours;
	char device[PW_DEVICE_LEN];

	(void)state;
	pw_add(d, "port", 7, "eth0");
	pw_create(d, "branch7", 0x5000, "branch7", ""); /* an index by its name */
	daemon_up(d);
	snprintf(device, sizeof(device), "%s", ask(d, 1).circuit.device);
	ours = if_nametoindex(device);
	door = if_nametoindex(PW_DOOR);
	by_name = d->dp->pws[1].index;
	assert_int_not_equal(by_name, 0);
	count_at(7, 41);
	count_at(by_name, 42);
	link = link_id("circuit-eth0");
	program = program_at("eth0");
	daemon_end(d, dp_leave);

	/* nobody is there, and it forwards */
	assert_int_equal(program_at("eth0"), program);
	assert_int_not_equal(program_at(device), 0);
	assert_int_equal(if_nametoindex(PW_DOOR), door);
	assert_int_equal(circuit_at("eth0", 0, 0), 7);

	d = daemon_new(); /* in another order */
	pw_create(d, "branch7", 0x5000, "branch7", "");
	pw_add(d, "port", 7, "eth0");
	daemon_up(d);
	expect_attached(d, 0, "native");
	expect_attached(d, 1, "native");
	assert_int_equal(if_nametoindex(device), ours);
	assert_int_equal(if_nametoindex(PW_DOOR), door);
	assert_int_equal(link_id("circuit-eth0"), link); /* the same link, with our program */
	assert_int_not_equal(program_at("eth0"), program);
	assert_int_equal(d->dp->pws[0].index, by_name);
	assert_int_equal(traffic_at(by_name).rx_packets, 42);
	assert_int_equal(traffic_at(by_name).tx_ns, 126);
	assert_int_equal(traffic_at(7).rx_packets, 41);
	assert_int_equal(line_at(7).name, pw_name_hash("port"));
	daemon_end(d, dp_remove);
	host_is_as_found();
}

static void another_set_leaves_those_that_stay_alone(void **state)
{
	struct daemon *d = daemon_new();
	uint32_t link;

	(void)state;
	pw_add(d, "stays", 7, "eth0");
	pw_add(d, "goes", 8, "bare0");
	pw_create(d, "branch7", 9, "branch7", "");
	daemon_up(d);
	count_at(7, 41);
	count_at(8, 42);
	link = link_id("circuit-eth0");
	daemon_end(d, dp_leave);

	d = daemon_new();
	pw_add(d, "stays", 7, "eth0");
	pw_add(d, "new", 8, "core0")->circuit.vlan[0] = 4; /* the same ID: another's counters go */
	assert_int_equal(daemon_open(d), 0);
	/* until it is attached all is as it was */
	assert_int_equal(line_at(8).name, pw_name_hash("goes"));
	assert_int_equal(traffic_at(8).rx_packets, 42);
	assert_int_equal(circuit_at("bare0", 0, 0), 8);
	assert_int_not_equal(if_nametoindex("branch7"), 0);
	if (dp_ready(d->dp, &d->adoption, d->err, sizeof(d->err)))
		fail_msg("%s", d->err);
	assert_int_equal(link_id("circuit-eth0"), link);
	assert_int_equal(traffic_at(7).rx_packets, 41);
	assert_int_equal(d->dp->pws[1].index, 8);
	assert_int_equal(line_at(8).name, pw_name_hash("new"));
	assert_int_equal(traffic_at(8).rx_packets, 0);
	assert_int_equal(line_at(9).name, 0);
	assert_int_equal(circuit_at("bare0", 0, 0), 0);
	assert_int_equal(circuit_at("core0", 4, 0), 8);
	assert_int_equal(map_count("circuits"), 2);
	assert_int_equal(program_at("bare0"), 0);
	assert_int_equal(link_id("circuit-bare0"), 0);
	assert_int_equal(if_nametoindex("branch7"), 0);
	daemon_end(d, dp_leave);

	d = daemon_new(); /* and none at all */
	daemon_up(d);
	assert_int_equal(program_at("eth0"), 0);
	assert_int_equal(if_nametoindex(PW_DOOR), 0);
	assert_int_equal(map_size("pws"), 1);
	daemon_end(d, dp_remove);
	host_is_as_found();
}

/* Tags alone: many circuits on one device. */
static void more_of_them_have_larger_maps(void **state)
{
	struct daemon *d = daemon_new();
	struct l2x_pw line;
	char name[32];
	uint32_t by_name;

	(void)state;
	pw_add(d, "first", 0x777000, "eth0");
	daemon_up(d);
	by_name = d->dp->pws[0].index;
	count_at(by_name, 42);
	line = line_at(by_name);
	daemon_end(d, dp_leave);
	d = daemon_new();
	for (unsigned int i = 0; i < MANY - 1; i++) {
		snprintf(name, sizeof(name), "many%u", i);
		pw_add(d, name, i + 1, "bare0")->circuit.vlan[0] = (uint16_t)(i + 1);
	}
	pw_add(d, "first", 0x777000, "eth0");
	assert_int_equal(daemon_open(d), 0);
	assert_int_equal(map_size("pws"), 1024); /* the old program's, until it is replaced */
	if (dp_ready(d->dp, &d->adoption, d->err, sizeof(d->err)))
		fail_msg("%s", d->err);
	assert_int_equal(map_size("pws"), 2048);
	assert_int_equal(map_size("pw_ids"), 2048);
	assert_int_equal(map_count("circuits"), MANY);
	assert_int_equal(d->dp->pws[MANY - 1].index, by_name);
	assert_int_equal(traffic_at(by_name).rx_packets, 42);
	assert_int_equal(line_at(by_name).name, line.name);
	expect_attached(d, 0, "native");
	daemon_end(d, dp_leave);

	d = daemon_new(); /* and back */
	pw_add(d, "first", 0x777000, "eth0");
	daemon_up(d);
	assert_int_equal(map_size("pws"), 1024);
	assert_int_equal(traffic_at(d->dp->pws[0].index).rx_packets, 42);
	assert_int_equal(map_count("circuits"), 1);
	daemon_end(d, dp_remove);
	host_is_as_found();
}

static void its_circuit_is_told_of(void **state)
{
	struct daemon *d = daemon_new();
	struct pw_session s;
	struct pw_info info;

	(void)state;
	pw_signalled(d, "branch7", "eth0");
	pw_signalled(d, "nobody", "absent0");
	daemon_up(d);
	assert_int_equal(d->ups, 1);
	assert_true(dp_pw_circuit_is_up(d->dp, 0));
	assert_false(dp_pw_circuit_is_up(d->dp, 1));
	assert_int_equal(map_count("pw_ids"), 0);
	dp_pw_info(d->dp, 0, &info);
	assert_false(info.up);
	assert_string_equal(info.why, "no session with its peer yet");
	s = session_of(0x00700000 | dp_pw_index(d->dp, 0));
	assert_int_equal(dp_pw_session_set(d->dp, 0, &s), 0);
	dp_pw_info(d->dp, 0, &info);
	assert_true(info.up);
	sh("ip link set eth1 down");
	pws_refresh(d->dp);
	pws_refresh(d->dp);
	assert_int_equal(d->downs, 1);
	assert_false(line_at(info.index).tx_flags & L2X_PW_UP);
	dp_pw_info(d->dp, 0, &info);
	assert_non_null(strstr(info.why, "carrier"));
	sh("ip link set eth1 up");
	pws_refresh(d->dp);
	assert_int_equal(d->ups, 2);
	assert_true(line_at(info.index).tx_flags & L2X_PW_UP);
	daemon_end(d, dp_remove);
	host_is_as_found();
}

/* All but the programs' buckets. */
static void expect_same(const struct l2x_pw *line, uint32_t index)
{
	const struct l2x_pw now = line_at(index);

	assert_memory_equal(line, &now, offsetof(struct l2x_pw, bum_rx));
}

/* ---- places in new maps ---- */

#define PLACED 5

/* Two whose names lead to one place, and one to 0, which is nobody's, among them. */
static void placed_names(char ret[PLACED][32])
{
	unsigned int i = 0;

	snprintf(ret[0], 32, "branch7");
	snprintf(ret[1], 32, "vm3");
	snprintf(ret[2], 32, "static");
	do
		snprintf(ret[3], 32, "meets%u", i++);
	while ((pw_name_hash(ret[3]) - pw_name_hash(ret[0])) % 1024);
	do
		snprintf(ret[4], 32, "nought%u", i++);
	while (pw_name_hash(ret[4]) % 1024);
}

/* ret: by the name, not by the line in the configuration. */
static void places(const char *bpf_dir, bool backwards, uint32_t ret[PLACED])
{
	struct daemon *d = daemon_new();
	char name[PLACED][32];

	placed_names(name);
	d->cfg.bpf_dir = bpf_dir;
	for (unsigned int k = 0; k < PLACED; k++) {
		unsigned int i = backwards ? PLACED - 1 - k : k;

		if (i == 2)
			pw_add(d, name[i], 0x5001, "bare0");
		else
			pw_signalled(d, name[i], "eth0")->circuit.vlan[0] = (uint16_t)(i + 1);
	}
	daemon_up(d);
	for (unsigned int k = 0; k < PLACED; k++)
		ret[backwards ? PLACED - 1 - k : k] = dp_pw_index(d->dp, k);
	daemon_end(d, dp_remove);
	host_is_as_found();
}

/* So sessions are found again after a reboot, and where nothing is pinned. */
static void new_maps_have_the_same_places(void **state)
{
	uint32_t first[PLACED], again[PLACED];

	(void)state;
	places(pins, false, first);
	for (unsigned int i = 0; i < PLACED; i++)
		for (unsigned int k = 0; k <= i; k++)
			assert_int_not_equal(first[i], k < i ? first[k] : 0);
	assert_int_equal(first[2], 1); /* its Session ID's low bits */
	assert_int_equal(first[4], 2); /* so the next one is another's */
	places(pins, true, again);
	assert_memory_equal(first, again, sizeof(first));
	places(NULL, false, again);
	assert_memory_equal(first, again, sizeof(first));
}

/* The line of a signalled pseudowire is not touched by a restart, also where the map becomes another. */
static void a_session_outlives_the_daemon(void **state)
{
	struct daemon *d = daemon_new();
	struct pw_session s;
	struct l2x_pw line;
	uint32_t index;
	char name[32];

	(void)state;
	pw_signalled(d, "branch7", "eth0");
	daemon_up(d);
	index = dp_pw_index(d->dp, 0);
	assert_int_equal(dp_pw_index_bits(d->dp), 10);
	s = session_of(0x00abcc00 | index); /* one bit more is 1 */
	assert_int_equal(dp_pw_session_set(d->dp, 0, &s), 0);
	line = line_at(index);
	assert_int_equal(line.id, htonl(s.id));
	count_at(index, 42);
	daemon_end(d, dp_leave);

	d = daemon_new();
	pw_signalled(d, "branch7", "eth0");
	assert_int_equal(daemon_open(d), 0);
	assert_int_equal(dp_pw_session_set(d->dp, 0, &s), 0);
	if (dp_ready(d->dp, &d->adoption, d->err, sizeof(d->err)))
		fail_msg("%s", d->err);
	assert_int_equal(dp_pw_index(d->dp, 0), index);
	expect_same(&line, index);
	assert_int_equal(traffic_at(index).tx_ns, 126);
	assert_false(dp_pw_heard(d->dp, 0));
	daemon_end(d, dp_leave);

	d = daemon_new();
	for (unsigned int i = 0; i < MANY - 1; i++) {
		snprintf(name, sizeof(name), "many%u", i);
		pw_add(d, name, i + 1, "bare0")->circuit.vlan[0] = (uint16_t)(i + 1);
	}
	pw_signalled(d, "branch7", "eth0");
	assert_int_equal(daemon_open(d), 0);
	assert_int_equal(dp_pw_index_bits(d->dp), 11);
	assert_int_equal(dp_pw_index(d->dp, MANY - 1), 1024 | index);
	assert_int_equal(dp_pw_session_set(d->dp, MANY - 1, &s), 0);
	if (dp_ready(d->dp, &d->adoption, d->err, sizeof(d->err)))
		fail_msg("%s", d->err);
	expect_same(&line, 1024 | index);
	assert_int_equal(traffic_at(1024 | index).tx_ns, 126);
	daemon_end(d, dp_leave);

	d = daemon_new(); /* the store knows nothing of it */
	pw_signalled(d, "branch7", "eth0");
	daemon_up(d);
	index = dp_pw_index(d->dp, 0);
	assert_int_equal(line_at(index).id, 0);
	assert_int_equal(line_at(index).name, pw_name_hash("branch7"));
	assert_int_equal(traffic_at(index).rx_packets, 42);
	assert_int_equal(traffic_at(index).tx_ns, 0);
	daemon_end(d, dp_remove);
	host_is_as_found();
}

static void what_stands_in_the_way_is_told(void **state)
{
	struct daemon *d = daemon_new();

	(void)state;
	sh("ip link add branch7 type dummy 2>/dev/null || ip link add branch7 type veth peer name "
	   "branchp");
	sh("ip link set eth0 xdpgeneric obj build/tests/lab/pass.bpf.o sec xdp 2>/dev/null || "
	   "ip link set eth0 xdpgeneric obj $BUILD/tests/lab/pass.bpf.o sec xdp");
	pw_create(d, "branch7", 3, "branch7", "");
	pw_add(d, "absent", 4, "nodev0");
	pw_add(d, "foreign", 5, "eth0");
	daemon_up(d);
	expect_waiting(d, 0, "there is a device branch7 already");
	expect_waiting(d, 1, "there is no device nodev0 now");
	expect_waiting(d, 2, "ip link set dev eth0 xdp off");
	/* all of it is tried again */
	sh("ip link del branch7; ip link set dev eth0 xdpgeneric off; "
	   "ip link add nodev0 type veth peer name nodev1");
	for (unsigned int i = 0; i < 3; i++)
		expect_attached(d, i, "native");
	assert_int_equal(circuit_at("nodev0", 0, 0), 4);
	/* It goes, and another has its name. */
	sh("ip link del nodev0");
	attach_again(d);
	expect_waiting(d, 1, "there is no device nodev0 now");
	assert_int_equal(map_count("circuits"), 2);
	sh("ip link add nodev0 type veth peer name nodev1");
	attach_again(d);
	expect_attached(d, 1, "native");
	assert_int_equal(circuit_at("nodev0", 0, 0), 4);
	expect_program("nodev0", "l2xdp_circuit");
	daemon_end(d, dp_remove);
	sh("ip link del nodev0");
	host_is_as_found();
}

/* By the time somebody looks, another device has the name: its link outlives the daemon. */
static void a_device_that_came_back_stays_carried(void **state)
{
	struct daemon *d = daemon_new();
	uint32_t earlier, link;

	(void)state;
	sh("ip link add nodev0 type veth peer name nodev1");
	pw_add(d, "port", 7, "nodev0");
	daemon_up(d);
	earlier = link_id("circuit-nodev0");
	assert_int_not_equal(earlier, 0);
	sh("ip link del nodev0; ip link add nodev0 type veth peer name nodev1");
	attach_again(d);
	expect_attached(d, 0, "native");
	link = link_id("circuit-nodev0");
	assert_int_not_equal(link, 0);
	assert_int_not_equal(link, earlier);
	attach_again(d);
	assert_int_equal(link_id("circuit-nodev0"), link);
	daemon_end(d, dp_leave);
	expect_program("nodev0", "l2xdp_circuit");

	sh("ip link del nodev0; ip link add nodev0 type veth peer name nodev1");
	d = daemon_new(); /* nobody was there to see it */
	pw_add(d, "port", 7, "nodev0");
	daemon_up(d);
	expect_attached(d, 0, "native");
	link = link_id("circuit-nodev0");
	daemon_end(d, dp_leave);
	d = daemon_new();
	pw_add(d, "port", 7, "nodev0");
	daemon_up(d);
	assert_int_equal(link_id("circuit-nodev0"), link);
	daemon_end(d, dp_remove);
	sh("ip link del nodev0");
	host_is_as_found();
}

/* veth refuses native programs where its peer's MTU is large. */
static void auto_takes_a_driver_generically(void **state)
{
	struct daemon *d = daemon_new();

	(void)state;
	sh("ip link set eth1 mtu 9000; ip link set eth0 mtu 9000");
	pw_add(d, "port", 7, "eth0");
	daemon_up(d);
	expect_waiting(d, 0, "too large for native XDP");
	daemon_end(d, dp_remove);
	d = daemon_new();
	d->cfg.mode = DP_AUTO;
	pw_add(d, "port", 7, "eth0");
	daemon_up(d);
	expect_attached(d, 0, "generic");
	daemon_end(d, dp_leave);
	sh("ip link set eth1 mtu 1500; ip link set eth0 mtu 1500");
	d = daemon_new(); /* a hook has one mode: the link is made anew */
	pw_add(d, "port", 7, "eth0");
	daemon_up(d);
	expect_attached(d, 0, "native");
	daemon_end(d, dp_leave);
	d = daemon_new();
	d->cfg.mode = DP_GENERIC;
	pw_add(d, "port", 7, "eth0");
	daemon_up(d);
	expect_attached(d, 0, "generic");
	daemon_end(d, dp_remove);
	host_is_as_found();
}

static void an_interface_becomes_a_circuit_and_back(void **state)
{
	struct daemon *d = daemon_new();

	(void)state;
	daemon_up(d);
	expect_program("core0", "l2xdp");
	daemon_end(d, dp_leave);
	d = daemon_new();
	d->cfg.n_interfaces = 1;
	pw_add(d, "port", 7, "core0");
	daemon_up(d);
	expect_attached(d, 0, "native");
	expect_program("core0", "l2xdp_circuit");
	daemon_end(d, dp_leave);
	d = daemon_new();
	daemon_up(d);
	expect_program("core0", "l2xdp");
	assert_int_equal(link_id("circuit-core0"), 0);
	daemon_end(d, dp_remove);
	host_is_as_found();
}

static void a_start_that_fails_changes_nothing(void **state)
{
	struct daemon *d = daemon_new();
	uint32_t program, link;
	bool is_new;
	char err[256];
	int fd = -1;

	(void)state;
	pw_add(d, "port", 7, "eth0");
	pw_create(d, "branch7", 9, "branch7", "");
	daemon_up(d);
	count_at(7, 41);
	program = program_at("eth0");
	link = link_id("circuit-eth0");
	daemon_end(d, dp_leave);

	assert_int_equal(tun_device(PW_DOOR, 2, &fd, &is_new, err, sizeof(err)), 0);
	d = daemon_new(); /* somebody holds the door */
	pw_add(d, "other", 8, "bare0");
	assert_int_not_equal(daemon_open(d), 0);
	assert_non_null(strstr(d->err, PW_DOOR));
	daemon_end(d, dp_leave);
	close(fd);
	d = daemon_new(); /* one that ends before it is ready */
	pw_add(d, "other", 7, "bare0");
	pw_create(d, "vm3", 9, "vm3", "");
	assert_int_equal(daemon_open(d), 0);
	daemon_end(d, dp_leave);
	assert_int_equal(program_at("eth0"), program);
	assert_int_equal(link_id("circuit-eth0"), link);
	assert_int_equal(traffic_at(7).rx_packets, 41);
	assert_int_equal(line_at(7).name, pw_name_hash("port"));
	assert_int_equal(circuit_at("eth0", 0, 0), 7);
	assert_int_equal(program_at("bare0"), 0);
	assert_int_equal(if_nametoindex("vm3"), 0);
	assert_int_not_equal(if_nametoindex("branch7"), 0);
	assert_int_not_equal(if_nametoindex(PW_DOOR), 0);

	d = daemon_new(); /* a first one that fails leaves nothing */
	pw_add(d, "port", 7, "eth0");
	assert_int_equal(dp_clear(&d->cfg, d->err, sizeof(d->err)), 0);
	host_is_as_found();
	assert_int_equal(daemon_open(d), 0);
	daemon_end(d, dp_leave);
	host_is_as_found();
}

/* Without pins the programs end with the daemon; the devices do not. */
static void without_a_bpf_file_system_devices_stay(void **state)
{
	struct daemon *d = daemon_new();
	unsigned int branch;

	(void)state;
	d->cfg.bpf_dir = NULL;
	pw_add(d, "port", 7, "eth0");
	pw_create(d, "branch7", 9, "branch7", "");
	daemon_up(d);
	expect_attached(d, 0, "native");
	expect_attached(d, 1, "native");
	branch = if_nametoindex("branch7");
	daemon_end(d, dp_leave);
	assert_int_equal(program_at("eth0"), 0);
	assert_int_equal(if_nametoindex("branch7"), branch);
	d = daemon_new();
	d->cfg.bpf_dir = NULL;
	pw_create(d, "branch7", 9, "branch7", "");
	daemon_up(d);
	expect_attached(d, 0, "native");
	assert_int_equal(if_nametoindex("branch7"), branch);
	daemon_end(d, dp_remove);
	host_is_as_found();
}

static void with_mode_off_they_are_told_why(void **state)
{
	struct daemon *d = daemon_new();

	(void)state;
	pw_add(d, "port", 7, "eth0");
	daemon_up(d);
	daemon_end(d, dp_leave);
	d = daemon_new();
	d->cfg.mode = DP_OFF;
	pw_add(d, "port", 7, "eth0");
	daemon_up(d);
	expect_waiting(d, 0, "pseudowires need XDP");
	assert_int_equal(program_at("eth0"), 0);
	daemon_end(d, dp_remove);
	host_is_as_found();
}

static bool finds(const char *device, enum dp_finding_level level, const char *what,
		  const char *remedy)
{
	struct dp_finding f[DP_MAX_FINDINGS];
	int n = dp_preflight(device, f);

	assert_true(n > 0);
	for (int i = 0; i < n; i++)
		if (f[i].level == level && strstr(f[i].what, what) &&
		    strcmp(f[i].remedy, remedy) == 0)
			return true;
	return false;
}

static void preflight_looks_at_the_other_end(void **state)
{
	struct daemon *d = daemon_new();

	(void)state;
	sh("ip link add nodev0 type veth peer name nodev1");
	assert_true(finds("nodev0", DP_WARN, "neither GRO on nor", "ethtool -K nodev1 gro on"));
	assert_true(finds("nodev0", DP_WARN, "leaves checksums", "ethtool -K nodev1 tx off"));
	assert_true(finds("nodev0", DP_NOTE, "travel beside", "ethtool -K nodev1 txvlan off"));
	sh("ip link del nodev0");
	pw_create(d, "branch7", 3, "branch7", "");
	daemon_up(d);
	/* What we make ourselves is as it should be. */
	assert_false(finds(ask(d, 0).circuit.device, DP_WARN, "veth", "ethtool -K branch7 gro on"));
	assert_false(finds(ask(d, 0).circuit.device, DP_WARN, "veth", "ethtool -K branch7 tx off"));
	assert_true(finds(ask(d, 0).circuit.device, DP_NOTE, "has GRO on", ""));
	daemon_end(d, dp_remove);
	host_is_as_found();
}

static int end_leftovers(void **state)
{
	(void)state;
	if (alive)
		daemon_end(alive, dp_remove);
	return 0;
}

static int cleanup(void **state)
{
	(void)state;
	umount2("/run/netns", MNT_DETACH);
	umount2(home, MNT_DETACH);
	rmdir(home);
	rmdir(run_dir);
	return 0;
}

#define test(f) cmocka_unit_test_teardown(f, end_leftovers)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(without_pseudowires_there_is_nothing_of_them),
		test(the_door_is_nobodys_device),
		test(circuits_are_found_by_device_and_tags),
		test(a_veth_pair_is_made_for_others),
		test(its_mtu_is_what_the_way_carries),
		test(the_other_end_goes_to_a_namespace),
		test(a_tap_is_made_for_a_machine),
		test(a_restart_takes_over_what_it_finds),
		test(another_set_leaves_those_that_stay_alone),
		test(more_of_them_have_larger_maps),
		test(its_circuit_is_told_of),
		test(new_maps_have_the_same_places),
		test(a_session_outlives_the_daemon),
		test(what_stands_in_the_way_is_told),
		test(a_device_that_came_back_stays_carried),
		test(auto_takes_a_driver_generically),
		test(an_interface_becomes_a_circuit_and_back),
		test(a_start_that_fails_changes_nothing),
		test(without_a_bpf_file_system_devices_stay),
		test(with_mode_off_they_are_told_why),
		test(preflight_looks_at_the_other_end),
	};

	ground();
	if (getenv("TEST_FILTER"))
		cmocka_set_test_filter(getenv("TEST_FILTER"));
	log_open(getenv("L2XDP_TEST_LOG") ? LOG_DEBUG : LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, cleanup);
}
