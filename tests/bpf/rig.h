/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the program tests stand on: a network namespace of their own, in which the FIB
 * knows ways to a LAC and to a core host, and the program loaded with a configuration and
 * run on one frame at a time by BPF_PROG_TEST_RUN. Every run asserts that exactly one
 * verdict was counted.
 *
 * Addresses, IDs and link-layer addresses are those of tests/vectors/packets.json. There
 * need be no VLAN devices in this kernel: a veth in the `vlans` and `ports` maps stands in
 * for one, for the program and the FIB only know interface indices.
 */
#ifndef L2XDP_TESTS_BPF_RIG_H
#define L2XDP_TESTS_BPF_RIG_H

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "maps/pw.h"
#include "maps/schema.h"
#include "maps/verdicts.h"

#include "bpf/l2xdp.skel.h"

#define RIG_FRAME 4096
#define RIG_INDEX 0x5678u /* of the one session: one shard, session ID 22136 */
#define RIG_TID 0x1234
#define RIG_SID 0x5678
#define RIG_PEER_TID 0x0a0b
#define RIG_PEER_SID 0x0c0d
#define RIG_MTU 1460
#define RIG_SESSIONS 65536u
#define RIG_EPOCH 7

/* us, and who is where */
#define RIG_LNS4 "198.51.100.1"
#define RIG_LAC4 "192.0.2.10"
#define RIG_SUB4 "10.64.0.2"
#define RIG_SERVER4 "203.0.113.9"
#define RIG_LNS6 "2001:db8:b::1"
#define RIG_LAC6 "2001:db8:a::10"
#define RIG_SUB6 "2001:db8:100::2"
#define RIG_SERVER6 "2001:db8:ffff::9"
#define RIG_MAC_PEER "02:00:00:00:00:02"
#define RIG_MAC_US "02:00:00:00:00:01"
#define RIG_MAC_CORE "02:00:00:00:00:12"
#define RIG_MAC_SERVER "02:00:00:00:00:03"

static const char *const rig_verdict_names[L2X_V_MAX] = {
#define X(n, NAME, name, class, text) [n] = name,
	L2X_VERDICTS(X)
#undef X
};
static const enum l2x_verdict_class rig_verdict_class[L2X_V_MAX] = {
#define X(n, NAME, name, class, text) [n] = L2X_VC_##class,
	L2X_VERDICTS(X)
#undef X
};

struct rig {
	struct l2xdp_bpf *skel;
	struct l2x_session *sessions;
	struct l2x_traffic *traffic;
	struct l2x_short_up *up;
	struct l2x_short_down *down;
	struct l2x_tunnel *tunnels;
	struct l2x_port *ports;
	uint32_t *pool4, *pool6; /* a session index for each slot */
	struct l2x_session *s; /* the session of the vectors */
	struct l2x_traffic *t;
	unsigned int access, core, vlan; /* ifindex; vlan: stands in for a VLAN device */
	unsigned int cpus;
	int daemon4, daemon6; /* sockets that stand for the daemon's; -1: it is away */
	uint64_t frames; /* run so far */
	bool written; /* the test writes the short way's lines itself */
	struct bpf_program *program; /* that runs; NULL: l2xdp */
};

/* What became of a frame. */
struct rig_result {
	int action; /* enum xdp_action */
	unsigned int verdict;
	size_t len;
	uint8_t frame[RIG_FRAME];
};

static inline void rig_sh(const char *cmd)
{
	if (system(cmd))
		fail_msg("%s", cmd);
}

/* Programs run on the CPU of who asks: from here on on one, so that what a program keeps for
 * each CPU is there the next time. */
static inline void rig_stay(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET((size_t)sched_getcpu(), &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
}

/* Once for each process. Not root: the tests cannot run, and say so. */
static inline void rig_namespace(void)
{
	if (geteuid()) {
		printf("1..0 # SKIP loading programs needs root\n");
		exit(0);
	}
	if (unshare(CLONE_NEWNET)) {
		perror("unshare");
		exit(1);
	}
	rig_sh("PATH=$PATH:/usr/sbin:/sbin; set -e; ip -batch - <<'EOF'\n"
	       "link set lo up\n"
	       "link add acc address " RIG_MAC_US " type veth peer name acc-peer\n"
	       "link add core address " RIG_MAC_CORE " type veth peer name core-peer\n"
	       "link add vl address 02:00:00:00:00:22 type veth peer name vl-peer\n"
	       "link set acc up\nlink set acc-peer up\n"
	       "link set core up\nlink set core-peer up\n"
	       "link set vl up\nlink set vl-peer up\n"
	       "addr add " RIG_LNS4 "/32 dev acc\n"
	       "addr add 203.0.113.1/24 dev core\n"
	       "addr add " RIG_LNS6 "/128 dev acc nodad\n"
	       "addr add 2001:db8:ffff::1/64 dev core nodad\n"
	       "route add 192.0.2.0/24 dev acc\n"
	       "route add 2001:db8:a::/64 dev acc\n"
	       "route add 203.0.114.0/24 dev vl\n"
	       "route add 2001:db8:fffe::/64 dev vl\n"
	       "route add blackhole 203.0.115.0/24\n"
	       "route add 203.0.116.0/24 dev core mtu lock 1000\n"
	       "route add 203.0.117.0/24 dev core-peer\n" /* an interface that is not ours */
	       "neigh add 203.0.117.9 lladdr 02:00:00:00:00:05 dev core-peer nud permanent\n"
	       "neigh add 203.0.116.9 lladdr " RIG_MAC_SERVER " dev core nud permanent\n"
	       "neigh add 192.0.2.10 lladdr " RIG_MAC_PEER " dev acc nud permanent\n"
	       "neigh add 2001:db8:a::10 lladdr " RIG_MAC_PEER " dev acc nud permanent\n"
	       "neigh add 203.0.113.9 lladdr " RIG_MAC_SERVER " dev core nud permanent\n"
	       "neigh add 2001:db8:ffff::9 lladdr " RIG_MAC_SERVER " dev core nud permanent\n"
	       "neigh add 203.0.114.9 lladdr 02:00:00:00:00:04 dev vl nud permanent\n"
	       "neigh add 2001:db8:fffe::9 lladdr 02:00:00:00:00:04 dev vl nud permanent\n"
	       "EOF\n"
	       "echo 1 >/proc/sys/net/ipv4/conf/all/forwarding\n"
	       "echo 1 >/proc/sys/net/ipv6/conf/all/forwarding\n");
}

static inline struct l2x_addr rig_addr(const char *text)
{
	struct l2x_addr a = {};

	if (inet_pton(AF_INET6, text, &a) == 1)
		return a;
	a.w[2] = htonl(0xffff);
	assert_int_equal(inet_pton(AF_INET, text, &a.w[3]), 1);
	return a;
}

static inline uint32_t rig_ip4(const char *text)
{
	return rig_addr(text).w[3];
}

/* Sum of 16-bit words as they lie in memory, folded; written apart from the program's. */
static inline uint16_t rig_sum(const void *data, size_t len, uint64_t sum)
{
	const uint8_t *p = data;
	size_t i;

	for (i = 0; i + 1 < len; i += 2) {
		uint16_t w;

		memcpy(&w, p + i, 2);
		sum += w;
	}
	if (len & 1) {
		uint8_t last[2] = { p[len - 1], 0 };
		uint16_t w;

		memcpy(&w, last, 2);
		sum += w;
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

/* As the daemon does it (schema.h). */
static inline uint32_t rig_pseudo_sum(const struct l2x_session *s)
{
	uint16_t words[6] = {
		htons(17),         s->tx_peer_port,
		s->tx_local_port,  htons(s->tx_flags & L2X_S_SEQ_TX ? 0x0802 : 0x0002),
		s->peer_tunnel_id, s->peer_session_id
	};
	uint64_t sum = rig_sum(words, sizeof(words), 0);

	if (s->tx_flags & L2X_S_OUTER6)
		return rig_sum(&s->tx_local, 16, rig_sum(&s->tx_peer, 16, sum));
	return rig_sum(&s->tx_local.w[3], 4, rig_sum(&s->tx_peer.w[3], 4, sum));
}

/* Writes session `s` in the order that schema.h asks for. */
static inline void rig_session_write(struct l2x_session *s, const struct l2x_session *v)
{
	volatile uint32_t *gen = &s->gen, *tx_gen = &s->tx_gen;

	*gen = 0;
	*tx_gen = 0;
	__sync_synchronize();
	memcpy((char *)s + 4, (const char *)v + 4, 60);
	memcpy((char *)s + 68, (const char *)v + 68, 60);
	__sync_synchronize();
	*gen = v->gen;
	*tx_gen = v->tx_gen;
}

/* The short way's lines after session `s`, as the daemon does it. */
static inline void rig_short_write(struct l2x_short_up *up, struct l2x_short_down *down,
				   const struct l2x_session *s)
{
	struct l2x_short_up u = { .gen = s->gen,
				  .tunnel_id = s->tunnel_id,
				  .flags = s->flags,
				  .peer = s->peer.w[3],
				  .local = s->local.w[3],
				  .peer_port = s->peer_port,
				  .local_port = s->local_port,
				  .ipv4 = s->ipv4,
				  .ipv6 = s->ipv6 };
	struct l2x_short_down d = {
		.gen = s->tx_gen,
		.nexthop = s->nexthop,
		.flags = s->tx_flags,
		.l2tp = { htons(s->tx_flags & L2X_S_SEQ_TX ? 0x0802 : 0x0002), s->peer_tunnel_id,
			  s->peer_session_id, htons(0xff03) },
		.mtu = s->mtu,
		.head = (uint8_t)(20 + 8 + (s->tx_flags & L2X_S_SEQ_TX ? 10 : 6) +
				  (s->tx_flags & L2X_S_ACFC ? 2 : 4)),
		.dscp = s->dscp,
		.pseudo_sum = rig_sum(NULL, 0, s->pseudo_sum),
	};
	uint8_t outer[24] = { 0x45, 0, 0, 0, 0, 0, 0x40, 0, s->ttl, 17 };

	memcpy(outer + 12, &s->tx_local.w[3], 4);
	memcpy(outer + 16, &s->tx_peer.w[3], 4);
	memcpy(outer + 20, &s->tx_local_port, 2);
	memcpy(outer + 22, &s->tx_peer_port, 2);
	memcpy(d.ip, outer + 8, 16);
	d.ip_sum = rig_sum(outer, 20, 0);
	if (s->flags & L2X_S_OUTER6)
		u.gen = 0;
	if (s->tx_flags & L2X_S_OUTER6)
		d.gen = 0;
	memcpy(up, &u, offsetof(struct l2x_short_up, packets));
	memcpy(down, &d, offsetof(struct l2x_short_down, packets));
}

/* The session of the vectors, over IPv4 or IPv6, with more flags. */
static inline struct l2x_session rig_session_make(bool outer6, uint16_t flags)
{
	struct l2x_session s = {};

	s.gen = s.tx_gen = 1;
	s.tunnel_id = htons(RIG_TID);
	s.flags = flags | L2X_S_IPV4 | L2X_S_IPV6 | (outer6 ? L2X_S_OUTER6 : 0);
	s.peer = rig_addr(outer6 ? RIG_LAC6 : RIG_LAC4);
	s.local = rig_addr(outer6 ? RIG_LNS6 : RIG_LNS4);
	s.peer_port = s.local_port = htons(1701);
	s.ipv4 = rig_ip4(RIG_SUB4);
	s.ipv6 = rig_addr(RIG_SUB6).d[0];
	s.mss_mtu = RIG_MTU;
	s.peer_tunnel_id = htons(RIG_PEER_TID);
	s.peer_session_id = htons(RIG_PEER_SID);
	s.tx_peer = s.peer;
	s.tx_local = s.local;
	s.tx_peer_port = s.tx_local_port = htons(1701);
	s.tx_flags = s.flags;
	s.mtu = RIG_MTU;
	s.nexthop = RIG_TID;
	s.ttl = 64;
	s.pseudo_sum = rig_pseudo_sum(&s);
	return s;
}

static inline void rig_port_set(struct rig *r, unsigned int ifindex, unsigned int lower,
				const uint8_t mac[6], uint16_t flags)
{
	unsigned int k;

	for (k = 0; k < L2X_PORT_PROBES; k++) {
		struct l2x_port *p = &r->ports[(ifindex + k) & (L2X_PORT_SLOTS - 1)];

		if (p->ifindex && p->ifindex != ifindex)
			continue;
		*p = (struct l2x_port){ .lower = lower, .mtu = 1500, .flags = flags };
		memcpy(p->mac, mac, 6);
		p->ifindex = ifindex;
		return;
	}
	fail_msg("ports: no slot");
}

/* The tags that frames get which leave by `ifindex`. */
static inline void rig_port_tag(struct rig *r, unsigned int ifindex, uint16_t outer, uint16_t inner)
{
	unsigned int k;

	for (k = 0; k < L2X_PORT_PROBES; k++) {
		struct l2x_port *p = &r->ports[(ifindex + k) & (L2X_PORT_SLOTS - 1)];

		if (p->ifindex != ifindex)
			continue;
		p->tag[0] = htons(outer);
		p->tag[1] = htons(inner);
		p->tpid[0] = htons(inner ? 0x88a8 : 0x8100);
		p->tpid[1] = htons(0x8100);
	}
	r->skel->bss->live.epoch++;
}

/* Frames with these tags on `ifindex` are those of VLAN device `above`. */
static inline void rig_vlan(struct rig *r, unsigned int ifindex, uint16_t outer, uint16_t inner,
			    unsigned int above)
{
	struct l2x_vlan_key key = { .ifindex = ifindex, .tag = { htons(outer), htons(inner) } };

	assert_int_equal(bpf_map_update_elem(bpf_map__fd(r->skel->maps.vlans), &key, &above, 0), 0);
}

static inline size_t rig_map_len(const struct bpf_map *map)
{
	return (size_t)((bpf_map__value_size(map) + 7) & ~7u) * bpf_map__max_entries(map);
}

static inline void *rig_map(struct bpf_map *map)
{
	void *p = mmap(NULL, rig_map_len(map), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map),
		       0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static inline void rig_unmap(struct bpf_map *map, void *p)
{
	munmap(p, rig_map_len(map));
}

/* The configuration that most tests run with: no limits but where a test asks for them. */
static inline struct l2x_config rig_config(void)
{
	struct l2x_config c = {
		.schema = L2X_SCHEMA,
		.port = htons(1701),
		.n_listen = 2,
		.n_windows4 = 1,
		.n_windows6 = 1,
		.resync = 64,
		.window4 = { { .first = 0x0a400000, .count = 65536, .slot = 0 } },
		.window6 = { { .first = 0x20010db801000000, .count = 65536, .slot = 0 } },
	};

	c.listen[0] = rig_addr(RIG_LNS4);
	c.listen[1] = rig_addr(RIG_LNS6);
	return c;
}

static inline void rig_reset(struct rig *r, bool outer6, uint16_t flags)
{
	struct l2x_session s = rig_session_make(outer6, flags);

	memset(r->t, 0, sizeof(*r->t));
	rig_session_write(r->s, &s);
	r->skel->bss->live.epoch++; /* the tunnel may have another peer now */
}

/* A datagram for our port goes up only while somebody listens. */
static inline int rig_listen(const char *addr, uint16_t port)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = port };
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = port };
	bool v6 = strchr(addr, ':');
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1;

	assert_true(fd >= 0);
	/* a case that failed has left its own */
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)), 0);
	if (v6) {
		assert_int_equal(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)), 0);
		assert_int_equal(inet_pton(AF_INET6, addr, &a6.sin6_addr), 1);
		assert_int_equal(bind(fd, (struct sockaddr *)&a6, sizeof(a6)), 0);
	} else {
		assert_int_equal(inet_pton(AF_INET, addr, &a4.sin_addr), 1);
		assert_int_equal(bind(fd, (struct sockaddr *)&a4, sizeof(a4)), 0);
	}
	return fd;
}

static inline void rig_daemon_away(struct rig *r)
{
	if (r->daemon4 >= 0)
		close(r->daemon4);
	if (r->daemon6 >= 0)
		close(r->daemon6);
	r->daemon4 = r->daemon6 = -1;
}

static inline void rig_open(struct rig *r, const struct l2x_config *cfg)
{
	static const uint8_t mac_us[6] = { 2, 0, 0, 0, 0, 1 },
			     mac_core[6] = { 2, 0, 0, 0, 0, 0x12 };

	memset(r, 0, sizeof(*r));
	r->skel = l2xdp_bpf__open();
	assert_non_null(r->skel);
	r->skel->rodata->cfg = *cfg;
	bpf_map__set_max_entries(r->skel->maps.sessions, RIG_SESSIONS);
	bpf_map__set_max_entries(r->skel->maps.traffic, RIG_SESSIONS);
	bpf_map__set_max_entries(r->skel->maps.up_lines, RIG_SESSIONS);
	bpf_map__set_max_entries(r->skel->maps.down_lines, RIG_SESSIONS);
	bpf_map__set_max_entries(r->skel->maps.pool4, 65536 / L2X_SLOTS);
	bpf_map__set_max_entries(r->skel->maps.pool6, 65536 / L2X_SLOTS);
	bpf_map__set_max_entries(r->skel->maps.places, RIG_SESSIONS / L2X_PLACES);
	bpf_map__set_max_entries(r->skel->maps.pws, cfg->pw_mask + 1);
	bpf_map__set_max_entries(r->skel->maps.pw_traffic, cfg->pw_mask + 1);
	bpf_map__set_max_entries(r->skel->maps.pw_ways, cfg->pw_mask + 1);
	r->cpus = (unsigned int)libbpf_num_possible_cpus();
	bpf_map__set_max_entries(r->skel->maps.workers, r->cpus < 2 ? 1 : 2);
	bpf_map__set_max_entries(r->skel->maps.handed, r->cpus * L2X_HANDED_COLUMNS);
	bpf_map__set_max_entries(r->skel->maps.routes, r->cpus * L2X_ROUTE_SLOTS);
	/* the kernel runs no others in a test */
	bpf_program__set_expected_attach_type(r->skel->progs.l2xdp_worker, BPF_XDP);
	assert_int_equal(l2xdp_bpf__load(r->skel), 0);
	r->sessions = rig_map(r->skel->maps.sessions);
	r->traffic = rig_map(r->skel->maps.traffic);
	r->up = rig_map(r->skel->maps.up_lines);
	r->down = rig_map(r->skel->maps.down_lines);
	r->tunnels = rig_map(r->skel->maps.tunnels);
	r->ports = rig_map(r->skel->maps.ports);
	r->pool4 = rig_map(r->skel->maps.pool4);
	r->pool6 = rig_map(r->skel->maps.pool6);
	r->s = &r->sessions[RIG_INDEX];
	r->t = &r->traffic[RIG_INDEX];
	r->access = if_nametoindex("acc");
	r->core = if_nametoindex("core");
	r->vlan = if_nametoindex("vl");
	r->daemon4 = rig_listen("0.0.0.0", cfg->port);
	r->daemon6 = rig_listen("::", cfg->port);
	r->skel->bss->live.epoch = RIG_EPOCH;
	rig_port_set(r, r->access, r->access, mac_us, L2X_P_RX | L2X_P_TX);
	rig_port_set(r, r->core, r->core, mac_core, L2X_P_RX | L2X_P_TX);
	rig_port_set(r, r->vlan, r->core, mac_us, L2X_P_RX | L2X_P_TX);
	r->pool4[2] = RIG_INDEX; /* 10.64.0.2 */
	r->pool6[0] = RIG_INDEX; /* 2001:db8:100::/64 */
	rig_reset(r, false, 0);
}

/* All counters, over all CPUs. */
static inline void rig_counts(const struct rig *r, uint64_t ret[L2X_V_MAX])
{
	static uint64_t per_cpu[L2X_V_MAX * 1024];
	uint32_t keys[L2X_V_MAX], next, n = L2X_V_MAX, v;
	unsigned int i;

	assert_true(r->cpus <= 1024);
	if (bpf_map_lookup_batch(bpf_map__fd(r->skel->maps.verdicts), NULL, &next, keys, per_cpu,
				 &n, NULL))
		assert_int_equal(errno, ENOENT); /* the end */
	assert_int_equal(n, L2X_V_MAX);
	for (v = 0; v < L2X_V_MAX; v++) {
		ret[keys[v]] = 0;
		for (i = 0; i < r->cpus; i++)
			ret[keys[v]] += per_cpu[v * r->cpus + i];
	}
}

/* Sum of all verdicts = frames in. */
static inline void rig_close(struct rig *r)
{
	uint64_t counts[L2X_V_MAX], sum = 0;
	uint32_t v;

	rig_counts(r, counts);
	for (v = 0; v < L2X_V_MAX; v++)
		sum += counts[v];
	assert_int_equal(sum, r->frames);
	rig_daemon_away(r);
	rig_unmap(r->skel->maps.sessions, r->sessions);
	rig_unmap(r->skel->maps.traffic, r->traffic);
	rig_unmap(r->skel->maps.up_lines, r->up);
	rig_unmap(r->skel->maps.down_lines, r->down);
	rig_unmap(r->skel->maps.tunnels, r->tunnels);
	rig_unmap(r->skel->maps.ports, r->ports);
	rig_unmap(r->skel->maps.pool4, r->pool4);
	rig_unmap(r->skel->maps.pool6, r->pool6);
	l2xdp_bpf__destroy(r->skel);
}

/* What the short way has counted goes to what the long way has: tests look there. */
static inline void rig_short_counts(struct l2x_traffic *t, struct l2x_short_up *up,
				    struct l2x_short_down *down)
{
	t->rx_packets += up->packets;
	t->rx_bytes += up->bytes;
	t->tx_packets += down->packets;
	t->tx_bytes += down->bytes;
	up->packets = up->bytes = down->packets = down->bytes = 0;
}

static inline void rig_run_only(struct rig *r, unsigned int ifindex, const uint8_t *frame,
				size_t len, struct rig_result *res)
{
	struct xdp_md ctx = { .data_end = (uint32_t)len, .ingress_ifindex = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = frame, .data_size_in = (uint32_t)len,
		    .data_out = res->frame, .data_size_out = sizeof(res->frame), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx));

	if (!r->written)
		rig_short_write(&r->up[RIG_INDEX], &r->down[RIG_INDEX], r->s);
	if (bpf_prog_test_run_opts(bpf_program__fd(r->program ?: r->skel->progs.l2xdp), &o))
		fail_msg("test run of %zu octets: %s", len, strerror(errno));
	rig_short_counts(r->t, &r->up[RIG_INDEX], &r->down[RIG_INDEX]);
	r->frames++;
	res->action = (int)o.retval;
	res->len = o.data_size_out;
}

/* Runs one frame. Asserts that one verdict was counted, that the action is that of its
 * class, and that what is passed is as it came. */
static inline void rig_run(struct rig *r, unsigned int ifindex, const uint8_t *frame, size_t len,
			   struct rig_result *res)
{
	uint64_t before[L2X_V_MAX], after[L2X_V_MAX], sum = 0;
	uint32_t v;

	rig_counts(r, before);
	rig_run_only(r, ifindex, frame, len, res);
	rig_counts(r, after);
	res->verdict = L2X_V_MAX;
	for (v = 0; v < L2X_V_MAX; v++) {
		uint64_t n = after[v] - before[v];

		sum += n;
		if (n)
			res->verdict = v;
	}
	assert_int_equal(sum, 1);
	switch (rig_verdict_class[res->verdict]) {
	case L2X_VC_FORWARD:
		if (res->verdict == L2X_V_HOST_IN)
			assert_int_equal(res->action, XDP_PASS); /* without its headers */
		else
			assert_true(res->action == XDP_TX || res->action == XDP_REDIRECT);
		break;
	case L2X_VC_DROP:
		assert_int_equal(res->action, XDP_DROP);
		break;
	case L2X_VC_PASS:
	case L2X_VC_SLOW:
		assert_int_equal(res->action, XDP_PASS);
		assert_int_equal(res->len, len);
		assert_memory_equal(res->frame, frame, len);
		break;
	}
}

/* Runs, and asserts the verdict; `what` names the case. */
static inline void rig_expect(struct rig *r, unsigned int ifindex, const uint8_t *frame, size_t len,
			      unsigned int verdict, const char *what, struct rig_result *res)
{
	struct rig_result mine;

	if (!res)
		res = &mine;
	rig_run(r, ifindex, frame, len, res);
	if (res->verdict != verdict)
		fail_msg("%s: %s instead of %s", what, rig_verdict_names[res->verdict],
			 rig_verdict_names[verdict]);
}

#endif
