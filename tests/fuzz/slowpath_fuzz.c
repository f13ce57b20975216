/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The slow path, both ways, on datagrams and packets that nobody wrote: no crash, nothing
 * beyond the buffer, nothing sent back to where a datagram came from, and what goes to the
 * host is a sound packet of the subscriber's own address. The same for pseudowires: what goes to a
 * circuit has its ticket, and what the door hands out leaves with the pseudowire's header.
 */
/* FUZZ_SOURCES: loader/datapath/inner.c loader/datapath/mtu.c loader/datapath/seq.c loader/datapath/session.c loader/datapath/short.c loader/datapath/traffic.c loader/datapath/adopt.c loader/datapath/claim.c loader/datapath/tunnel.c loader/datapath/maps.c loader/datapath/slowpath_in.c loader/datapath/slowpath_out.c loader/datapath/pmtu.c loader/datapath/netlink.c loader/datapath/survey.c loader/datapath/workers.c loader/datapath/placement.c loader/datapath/names.c loader/datapath/frame.c loader/datapath/pw.c loader/datapath/pw_lines.c loader/datapath/pw_session.c loader/datapath/pw_slow.c */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "loader/datapath/private.h"

#define TUNNEL 0x1234
#define SESSION 0x5678
#define BIGGEST 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum kind {
	KIND_IN,
	KIND_IN_SEQUENCED,
	KIND_OUT,
	KIND_OUT_NARROW,
	KIND_PMTU,
	KIND_ICMP4,
	KIND_ICMP6,
	KIND_PW_UDP,
	KIND_PW_IP,
	KIND_DOOR,
	KINDS
};

#define STATIC_PWS 4 /* over UDP and IP, with the tags as they are and exchanged */
#define PWS (STATIC_PWS + 2) /* with signalled ones */
#define PW_ELEMENTS 8

static struct dp_config cfg = { .shards = 1, .port = 1701, .dscp = -1 };
static struct datapath dp;
static bool incoming, pw_leaves;

static void check(bool ok)
{
	if (!ok)
		abort();
}

static int to_host(struct datapath *d, const uint8_t *packet, size_t len)
{
	struct inner in;

	check(incoming);
	check(inner_parse(packet, len, packet[0] >> 4 == 6, &in) == 0 && in.len == len);
	check(session_by_address(d, &in.src) != NULL);
	return 0;
}

static int to_peer(struct datapath *d, const struct path *path, const struct iovec *iov,
		   unsigned int n, const struct send_how *how)
{
	volatile uint8_t sum = 0;
	size_t len = 0;

	(void)d;
	(void)path;
	(void)how;
	check(!incoming);
	for (unsigned int i = 0; i < n; i++) {
		for (size_t k = 0; k < iov[i].iov_len; k++)
			sum = (uint8_t)(sum + ((const uint8_t *)iov[i].iov_base)[k]);
		len += iov[i].iov_len;
	}
	check(len <= 14 + 1500 || pw_leaves);
	return 0;
}

static int icmp(struct datapath *d, const struct inner *about, const uint8_t *msg, size_t len)
{
	(void)d;
	(void)msg;
	check(!incoming && len <= INNER_ICMP_MAX && !inner_is_multicast(&about->src));
	return 0;
}

static int to_door(struct datapath *d, const struct iovec *iov, unsigned int n)
{
	volatile uint8_t sum = 0;
	const struct l2x_pw_ticket *t = iov[0].iov_base;

	check(n == 2 && iov[0].iov_len == sizeof(*t) && iov[1].iov_len >= 14);
	check(t->mark == L2X_TICKET_MARK && pw_by_index(d, t->index) != NULL);
	for (size_t k = 0; k < iov[1].iov_len; k++)
		sum = (uint8_t)(sum + ((const uint8_t *)iov[1].iov_base)[k]);
	(void)sum;
	return 0;
}

static const struct dp_io io = {
	.to_host = to_host, .to_peer = to_peer, .icmp = icmp, .to_door = to_door
};

static void on_control(void *ctx, const struct path *path, const uint8_t *msg, size_t len)
{
	(void)ctx;
	check(len && msg[0] & 0x80);
	check(path->local_port || (len > 1 && (msg[1] & 0x0f) == 3));
}

static void on_frame(void *ctx, uint32_t index, const uint8_t *frame, size_t len)
{
	volatile uint8_t last;

	(void)ctx;
	check(index == dp_index(1, TUNNEL, SESSION) && len > 0);
	last = frame[len - 1];
	(void)last;
}

static const struct dp_ops ops = { .control = on_control, .ppp = on_frame, .ipv6_local = on_frame };

static struct path path;

static void set_session(enum kind kind)
{
	struct dp_session s = { .tunnel_id = TUNNEL,
				.session_id = SESSION,
				.peer_tunnel_id = 0x0a0b,
				.peer_session_id = 0x0c0d,
				.path = path,
				.ipv4_open = true,
				.ipv6_open = true,
				.clamp_mss = true,
				.seq_send = kind == KIND_OUT,
				.seq_receive = kind == KIND_IN_SEQUENCED,
				.seq_required = kind == KIND_IN_SEQUENCED,
				.peer_mru = kind == KIND_OUT_NARROW ? 576 : 1500 };

	addr_parse("10.64.0.2", &s.ipv4);
	prefix_parse("2001:db8:100::/64", &s.ipv6);
	check(dp_session_set(&dp, &s) == 0);
}

/* There is no privileged process here, and nothing for it to do. */
int request(struct datapath *d, const struct dp_request *rq, struct dp_answer *ret)
{
	(void)d;
	(void)rq;
	memset(ret, 0, sizeof(*ret));
	return 0;
}

void ports_attach(struct datapath *d)
{
	(void)d;
}

static struct pw_config pw_config[PWS];
static struct path raw_path;
static uint8_t pw_lines[PW_ELEMENTS * sizeof(struct l2x_pw)] __attribute__((aligned(64)));
static uint8_t pw_counters[PW_ELEMENTS * sizeof(struct l2x_traffic)] __attribute__((aligned(64)));
static struct dp_maps maps;

static struct map_array array_of(uint8_t *mem, uint32_t size)
{
	return (struct map_array){
		.n = PW_ELEMENTS, .value_size = size, .stride = size, .mem = mem
	};
}

/* Those of the last ones, with their index in the ID. */
static void start_sessions(void)
{
	for (unsigned int i = STATIC_PWS; i < PWS; i++) {
		const struct pw_session s = {
			.path = pw_config[i].path,
			.id = 0x99000000 + i + 1,
			.peer_id = 0x55667780 + i,
			.cookie = { 4, { 1, 35, 69, 103 } },
			.send = true,
		};

		check(dp_pw_session_set(&dp, i, &s) == 0);
	}
}

/* Indices 1 and on, Session IDs of static ones 0x11223340 and on. */
static void start_pws(void)
{
	raw_path = path;
	raw_path.local_port = raw_path.peer_port = 0;
	for (unsigned int i = 0; i < PWS; i++) {
		pw_config[i] = (struct pw_config){
			.path = i & 1 ? raw_path : path,
			.signalled = i >= STATIC_PWS,
			.id = 0x11223340 + i,
			.peer_id = 0x55667780 + i,
			.cookie = { { 8, { 1, 35, 69, 103, 137, 171, 205, 239 } } },
			.peer_cookie = { 4, { 1, 35, 69, 103 } },
			.sublayer = true,
			.peer_sublayer = true,
			.seq_receive = true,
			.seq_send = true,
			.clamp_mss = true,
			.large = i & 2 ? PW_LARGE_ICMP : PW_LARGE_FRAGMENT,
			.circuit = { .vlan = { i & 2 ? 107 : 0 },
				     .wire = { 200, i & 1 ? 201 : 0 },
				     .tag = i & 2 ? PW_TAG_REWRITE : PW_TAG_KEEP },
		};
	}
	cfg.pseudowires = pw_config;
	cfg.n_pseudowires = PWS;
	maps.pws = array_of(pw_lines, sizeof(struct l2x_pw));
	maps.pw_traffic = array_of(pw_counters, sizeof(struct l2x_traffic));
	check(pws_init(&dp) == 0);
	for (unsigned int i = 0; i < PWS; i++) {
		dp.pws[i].index = i + 1;
		dp.pws[i].circuit_up = true;
	}
	check(pws_index(&dp) == 0);
	start_sessions();
}

/* Sessions of this process have no maps, pseudowires have. */
static void run_pw(enum kind kind, uint8_t *copy, size_t len)
{
	dp.maps = &maps;
	for (unsigned int i = 0; i < PWS; i++)
		pw_update(&dp, &dp.pws[i]);
	if (kind == KIND_DOOR)
		slow_pw_out(&dp, copy, len);
	else
		slow_pw_in(&dp, kind == KIND_PW_IP ? &raw_path : &path, copy, len);
	memset(pw_counters, 0, sizeof(pw_counters));
	dp.maps = NULL;
}

static void start(void)
{
	dp = (struct datapath){
		.cfg = &cfg, .ops = &ops, .io = &io, .hash_key = 42, .ready = true, .door_fd = -1
	};
	addr_parse("198.51.100.1", &path.local);
	addr_parse("192.0.2.10", &path.peer);
	cfg.listen[0] = path.local;
	addr_parse("2001:db8:b::1", &cfg.listen[1]);
	cfg.n_listen = 2;
	path.local_port = path.peer_port = 1701;
	check(sessions_init(&dp) == 0 && tunnels_init(&dp) == 0);
	start_pws();
	log_open(LOG_ERROR);
}

/* First octet: what to do; second: outer TOS. The rest lies in a buffer of its own, so that
 * a step beyond it is seen. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum kind kind;
	uint8_t *copy;

	if (size < 2 || size > BIGGEST)
		return 0;
	if (!dp.sessions)
		start();
	kind = data[0] % KINDS;
	pw_leaves = kind == KIND_DOOR;
	set_session(kind);
	copy = malloc(size - 2 ? size - 2 : 1);
	check(copy != NULL);
	memcpy(copy, data + 2, size - 2);
	incoming = kind == KIND_IN || kind == KIND_IN_SEQUENCED || kind == KIND_PW_UDP ||
		   kind == KIND_PW_IP;
	if (kind >= KIND_PW_UDP)
		run_pw(kind, copy, size - 2);
	else if (incoming)
		slow_in(&dp, &path, data[1], copy, size - 2);
	else if (kind == KIND_PMTU)
		pmtu_report(&dp, &path, copy, size - 2, data[1] * 8u);
	else if (kind == KIND_ICMP4)
		pmtu_icmp4(&dp, copy, size - 2);
	else if (kind == KIND_ICMP6)
		pmtu_icmp6(&dp, copy, size - 2);
	else
		slow_out(&dp, copy, size - 2);
	tunnels_sweep(&dp);
	pmtu_second(&dp);
	free(copy);
	dp_session_del(&dp, dp_index(1, TUNNEL, SESSION));
	return 0;
}
