// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The daemon rewrites a session while frames run: what leaves is wholly of one version.
 *
 * A writer thread takes one session through versions that differ in all that a frame shows
 * (outer family, addresses, ports, the peer's IDs, flags, MTU), with deaths in between, by
 * the daemon's own maps_session_put and maps_session_kill. Frames in both directions are run
 * meanwhile. A frame may be passed up; one that leaves must be of one version to the last
 * bit, its checksum included.
 *
 * The last tests are about this test: a writer that does not keep to the protocol of
 * generations is caught.
 */
#include "tests/bpf/packet.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#ifdef __x86_64__
#include <x86intrin.h>
#endif

#include "loader/datapath/private.h"

#define RUN_MS 1500
#define CATCH_MS 20000 /* for a writer that is wrong; a moment suffices */
#define FRAMES_MIN 2000 /* also on a slow machine under emulation */
#define REPEAT 50000
#define TRAP_FLAG 0x100 /* of x86: a SIGTRAP after each instruction */
#define PAYLOAD 600
#define NARROW 500 /* octets: an MTU that the frame down is too large for */
#define INNER_TOS 0xba /* EF, ECT(0) */

enum seen { NOTHING = -1, MIXED = -2 }; /* else: the version */

static struct rig rig;
static struct packet p;
static atomic_bool stop;

/* ---- versions ---------------------------------------------------------------------------- */

static const struct version {
	const char *local, *peer;
	uint16_t peer_port, tunnel_id, session_id; /* the peer's */
	const char *ipv4; /* the subscriber's */
	bool open, seq_send, acfc, ecn;
	uint16_t mtu;
} versions[] = {
	{ RIG_LNS4, "192.0.2.10", 1701, 0x0a0b, 0x0c0d, "10.64.1.1", true, false, false, true,
	  1460 },
	{ RIG_LNS4, "192.0.2.20", 33412, 0xf5f4, 0xf3f2, "10.64.2.2", true, true, false, false,
	  1300 },
	{ RIG_LNS6, "2001:db8:a::10", 1701, 0x1122, 0x3344, "10.64.3.3", true, false, false, false,
	  1400 },
	{ RIG_LNS6, "2001:db8:a::20", 4711, 0x5566, 0x7788, "10.64.4.4", true, true, true, true,
	  1200 },
	{ RIG_LNS4, "192.0.2.30", 999, 0x99aa, 0xbbcc, "10.64.5.5", true, false, true, true, 1100 },
	/* two that forward nothing down */
	{ RIG_LNS4, "192.0.2.40", 888, 0xddee, 0xff01, "10.64.6.6", false, false, false, false,
	  1460 },
	{ RIG_LNS6, "2001:db8:a::30", 777, 0x2468, 0x1357, "10.64.7.7", true, false, false, false,
	  NARROW },
};
#define VERSIONS (sizeof(versions) / sizeof(versions[0]))

static bool is_v6(const struct version *v)
{
	return strchr(v->local, ':');
}

static struct dp_config dp_cfg = { .shards = 1, .port = 1701, .dscp = -1 };
static struct dp_maps maps;
static struct datapath dp = { .cfg = &dp_cfg, .maps = &maps };
static struct session sessions[VERSIONS];

static struct ipaddr text(const char *t)
{
	struct ipaddr a;

	assert_int_equal(addr_parse(t, &a), 0);
	return a;
}

static void map_array(struct map_array *a, void *mem, size_t value_size)
{
	*a = (struct map_array){ .n = RIG_SESSIONS,
				 .value_size = (uint32_t)value_size,
				 .stride = (uint32_t)value_size,
				 .mem = mem,
				 .mem_len = RIG_SESSIONS * value_size };
}

static void make_sessions(void)
{
	map_array(&maps.sessions, rig.sessions, sizeof(struct l2x_session));
	map_array(&maps.traffic, rig.traffic, sizeof(struct l2x_traffic));
	map_array(&maps.up_lines, rig.up, sizeof(struct l2x_short_up));
	map_array(&maps.down_lines, rig.down, sizeof(struct l2x_short_down));
	for (size_t i = 0; i < VERSIONS; i++) {
		const struct version *v = &versions[i];

		sessions[i] = (struct session){ .index = RIG_INDEX, .mtu = v->mtu };
		sessions[i].s = (struct dp_session){
			.tunnel_id = RIG_TID,
			.session_id = RIG_SID,
			.peer_tunnel_id = v->tunnel_id,
			.peer_session_id = v->session_id,
			.path = { text(v->local), text(v->peer), 1701, v->peer_port },
			.ipv4_open = v->open,
			.ipv4 = text(v->ipv4),
			.seq_send = v->seq_send,
			.acfc = v->acfc,
			.ecn = v->ecn,
			.clamp_mss = true,
		};
	}
}

/* ---- writers ------------------------------------------------------------------------------- */

static void rest(unsigned int n)
{
	volatile unsigned int pause = 0;

	while (n--)
		pause++;
}

/* The daemon: every few versions the session dies and is another's. */
static void *daemon_writer(void *arg)
{
	unsigned int n = 0;

	(void)arg;
	while (!atomic_load(&stop)) {
		maps_session_put(&dp, &sessions[n * 5 % VERSIONS], n % 11 == 0);
		rest(n % 97);
		if (++n % 11 == 0) {
			maps_session_kill(&dp, RIG_INDEX);
			rest(n % 53);
		}
	}
	return NULL;
}

/* Whole values, as the daemon writes them, but without generation 0 in between, in pieces. */
static void *careless_writer(void *arg)
{
	static struct l2x_session values[VERSIONS];
	static uint8_t shadow[(RIG_INDEX + 1) * sizeof(struct l2x_session)];
	struct dp_maps mine = maps;
	struct datapath other = dp;
	unsigned int n = 0;

	(void)arg;
	other.maps = &mine;
	mine.sessions.mem = shadow;
	mine.up_lines.mem = mine.down_lines.mem = NULL; /* all goes the long way */
	for (size_t i = 0; i < VERSIONS; i++) {
		maps_session_put(&other, &sessions[i], false);
		memcpy(&values[i], shadow + RIG_INDEX * sizeof(values[i]), sizeof(values[i]));
		values[i].gen = values[i].tx_gen = 1;
	}
	while (!atomic_load(&stop)) {
		const uint8_t *v = (const uint8_t *)&values[n++ % VERSIONS];

		for (size_t at = 0; at < sizeof(values[0]); at += 8) {
			memcpy((uint8_t *)rig.s + at, v + at, 8);
			if (at % 24 == 0)
				usleep(20);
		}
	}
	return NULL;
}

/* ---- what left ------------------------------------------------------------------------------ */

static int version_of_peer(const void *addr, bool v6)
{
	for (size_t i = 0; i < VERSIONS; i++) {
		struct l2x_addr a = rig_addr(versions[i].peer);

		if (is_v6(&versions[i]) == v6 &&
		    memcmp(v6 ? (void *)&a : (void *)&a.w[3], addr, v6 ? 16 : 4) == 0)
			return (int)i;
	}
	return NOTHING;
}

/* Outer IP header of version v: source, TOS, TTL, checksum. */
static bool ip_is(const struct version *v, const uint8_t *ip)
{
	struct l2x_addr local = rig_addr(v->local);
	/* DP-DS-2: what is numbered has one class */
	unsigned int tos = (v->seq_send ? 0 : INNER_TOS & 0xfc) | (v->ecn ? INNER_TOS & 3 : 0);

	if (is_v6(v))
		return get16(ip) == (0x6000 | tos << 4) && ip[6] == 17 && ip[7] == 64 &&
		       !memcmp(ip + 8, &local, 16);
	return get16(ip) == (0x4500 | tos) && ip[8] == 64 && ip[9] == 17 &&
	       rig_sum(ip, 20, 0) == 0xffff && !memcmp(ip + 12, &local.w[3], 4);
}

/* UDP, L2TP and PPP headers of version v, and the packet behind them. */
static bool datagram_is(const struct version *v, const uint8_t *ip, const uint8_t *udp, size_t len)
{
	const uint8_t *l2tp = udp + 8, *ppp = l2tp + (v->seq_send ? 10 : 6);
	const uint8_t *in = ppp + (v->acfc ? 2 : 4);
	size_t inner = p.len - 14;

	if (len != (size_t)(in - udp) + inner || get16(udp + 4) != len)
		return false;
	if (get16(udp) != 1701 || get16(udp + 2) != v->peer_port ||
	    transport_sum(ip, is_v6(v), 17, udp, len))
		return false;
	if (get16(l2tp) != (v->seq_send ? 0x0802 : 0x0002) || get16(l2tp + 2) != v->tunnel_id ||
	    get16(l2tp + 4) != v->session_id)
		return false;
	if (!v->acfc && get16(ppp) != 0xff03)
		return false;
	return get16(in - 2) == 0x0021 && !memcmp(in + 12, p.b + 26, inner - 12);
}

/* One frame to the subscriber. */
static int step_down(unsigned int i)
{
	size_t ip_len;
	struct rig_result res;
	const struct version *v;
	const uint8_t *ip = res.frame + 14;
	bool v6;
	int k;

	(void)i;
	rig_run_only(&rig, rig.core, p.b, p.len, &res);
	if (res.action == XDP_PASS) {
		assert_int_equal(res.len, p.len);
		assert_memory_equal(res.frame, p.b, p.len);
		return NOTHING;
	}
	assert_int_equal(res.action, XDP_REDIRECT);
	v6 = get16(res.frame + 12) == 0x86dd;
	k = version_of_peer(ip + (v6 ? 24 : 16), v6);
	if (k < 0)
		return MIXED;
	v = &versions[k];
	ip_len = v6 ? 40 : 20;
	if (!v->open || p.len - 14 > v->mtu)
		return MIXED;
	return ip_is(v, ip) && datagram_is(v, ip, ip + ip_len, res.len - 14 - ip_len) ? k : MIXED;
}

/* A SYN of version k's path and with version j's source address. */
static struct packet up[VERSIONS][VERSIONS];

static void make_up(void)
{
	static const uint8_t mss[4] = { 2, 4, 0x05, 0xb4 }; /* 1460 */

	for (size_t k = 0; k < VERSIONS; k++) {
		for (size_t j = 0; j < VERSIONS; j++) {
			const struct version *v = &versions[k];
			struct inner_desc d = { .src = versions[j].ipv4,
						.l4 = P_SYN,
						.tcp_options = mss,
						.tcp_options_len = 4 };

			make_rx(&up[k][j],
				&(struct outer_desc){ .v6 = is_v6(v),
						      .src = v->peer,
						      .dst = v->local,
						      .sport = v->peer_port },
				&d);
		}
	}
}

/* A frame of that path and source: forwarded only if the source is its own, and with the MSS
 * that belongs to it. */
static int step_of(int k, int j)
{
	struct packet *f = &up[k][j];
	struct rig_result res;
	unsigned int mss;

	rig_run_only(&rig, rig.access, f->b, f->len, &res);
	if (res.action == XDP_PASS || res.action == XDP_DROP)
		return NOTHING;
	mss = versions[k].mtu - 40u;
	if (j != k || !versions[k].open || memcmp(res.frame + 26, f->b + f->len - 32, 4))
		return MIXED;
	return get16(res.frame + 14 + 20 + 22) == (mss < 1460 ? mss : 1460) ? k : MIXED;
}

static int step_up(unsigned int i)
{
	unsigned int k = i % VERSIONS, j = i / VERSIONS % 4 ? k : i / 5 % VERSIONS;

	return step_of((int)k, (int)j);
}

/* ---- races ------------------------------------------------------------------------------------ */

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void begin(pthread_t *thread, void *(*writer)(void *))
{
	rig_reset(&rig, false, 0);
	maps_session_kill(&dp, RIG_INDEX); /* for that is none of our versions */
	atomic_store(&stop, false);
	assert_int_equal(pthread_create(thread, NULL, writer, NULL), 0);
}

static void end(pthread_t thread)
{
	atomic_store(&stop, true);
	pthread_join(thread, NULL);
}

/* Returns how many frames were of no one version. */
static unsigned int race(void *(*writer)(void *), int (*step)(unsigned int i), unsigned int ms,
			 bool until_mixed, unsigned int whole[VERSIONS])
{
	uint64_t until = now_ms() + ms;
	unsigned int i, nothing = 0, mixed = 0;
	pthread_t thread;

	memset(whole, 0, VERSIONS * sizeof(whole[0]));
	begin(&thread, writer);
	for (i = 0; i < FRAMES_MIN || now_ms() < until; i++) {
		int k = step(i);

		if (k >= 0)
			whole[k]++;
		else if (k == MIXED)
			mixed++;
		else
			nothing++;
		if (until_mixed && mixed)
			break;
	}
	end(thread);
	print_message("  %u frames: %u left, %u of no one version\n", i, i - nothing, mixed);
	return mixed;
}

static void make_down(void)
{
	make_core(&p, &(struct inner_desc){ .down = true, .payload = PAYLOAD, .tos = INNER_TOS });
}

static void test_downlink(void **state)
{
	unsigned int whole[VERSIONS];

	(void)state;
	make_down();
	assert_int_equal(race(daemon_writer, step_down, RUN_MS, false, whole), 0);
	for (size_t k = 0; k < VERSIONS; k++)
		assert_int_equal(whole[k] > 0, versions[k].open && versions[k].mtu > NARROW);
}

static void test_uplink(void **state)
{
	unsigned int whole[VERSIONS];

	(void)state;
	assert_int_equal(race(daemon_writer, step_up, RUN_MS, false, whole), 0);
	for (size_t k = 0; k < VERSIONS; k++)
		assert_int_equal(whole[k] > 0, versions[k].open);
}

/*
 * Frames that no version forwards but a mixture of two would. Nothing becomes of such a
 * frame, so that the kernel can run it many thousand times in one call, which finds what
 * single calls are too slow for.
 */
static void run_many(unsigned int ifindex, const struct packet *f, unsigned int ms,
		     enum l2x_verdict forwarded)
{
	struct xdp_md ctx = { .data_end = (uint32_t)f->len, .ingress_ifindex = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = f->b, .data_size_in = (uint32_t)f->len,
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = REPEAT);
	uint64_t before[L2X_V_MAX], after[L2X_V_MAX], until = now_ms() + ms;
	pthread_t thread;

	rig_counts(&rig, before);
	begin(&thread, daemon_writer);
	do {
		assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(rig.skel->progs.l2xdp), &o),
				 0);
		rig.frames += REPEAT;
	} while (now_ms() < until);
	end(thread);
	rig_counts(&rig, after);
	assert_int_equal(after[forwarded] - before[forwarded], 0);
}

static void test_mixture_up(void **state)
{
	(void)state;
	for (size_t k = 0; k < VERSIONS; k++)
		run_many(rig.access, &up[k][(k + 1) % VERSIONS], RUN_MS / VERSIONS, L2X_V_DECAP);
	print_message("  %llu frames in all\n", (unsigned long long)rig.frames);
}

/* One version takes the size but IPCP is closed, the other is open but too narrow. */
static void test_mixture_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < VERSIONS; i++)
		sessions[i] = sessions[i % 2 ? VERSIONS - 1 : VERSIONS - 2];
	make_down();
	run_many(rig.core, &p, RUN_MS, L2X_V_ENCAP);
	make_sessions();
	print_message("  %llu frames in all\n", (unsigned long long)rig.frames);
}

static void test_careless_writer_is_caught(void **state)
{
	unsigned int whole[VERSIONS];

	(void)state;
	make_down();
	assert_true(race(careless_writer, step_down, CATCH_MS, true, whole) > 0);
	assert_true(race(careless_writer, step_up, CATCH_MS, true, whole) > 0);
}

/* ---- step by step ------------------------------------------------------------------------------ */

#ifdef __x86_64__
/*
 * The writer may lose its CPU between any two instructions. So maps_session_put and
 * maps_session_kill are run with the processor's trap flag, and after each of their
 * instructions a frame is run in each direction: what leaves is the version before, as long
 * as nothing of the next one has left, or the next.
 */
static struct {
	int before, after;
	bool down_changed, up_changed;
	unsigned int steps, faults;
} steps;

static void judge(int k, bool *changed)
{
	if (k == steps.after)
		*changed = true;
	else if (k != NOTHING && (k != steps.before || *changed))
		steps.faults++;
}

static void on_trap(int sig)
{
	(void)sig;
	steps.steps++;
	judge(step_down(0), &steps.down_changed);
	/* a frame of the one path or of the other, honest or not */
	if (steps.before != NOTHING)
		judge(step_of(steps.before, steps.before), &steps.up_changed);
	if (steps.after != NOTHING)
		judge(step_of(steps.after, steps.after), &steps.up_changed);
	if (steps.before != NOTHING && steps.after != NOTHING) {
		if (step_of(steps.before, steps.after) != NOTHING ||
		    step_of(steps.after, steps.before) != NOTHING)
			steps.faults++;
	}
}

static void change(int before, int after)
{
	memset(&steps, 0, sizeof(steps));
	steps.before = before;
	steps.after = after;
	maps_session_kill(&dp, RIG_INDEX);
	if (before != NOTHING)
		maps_session_put(&dp, &sessions[before], false);
	__writeeflags(__readeflags() | TRAP_FLAG);
	if (after == NOTHING)
		maps_session_kill(&dp, RIG_INDEX);
	else
		maps_session_put(&dp, &sessions[after], before == NOTHING);
	__writeeflags(__readeflags() & ~(unsigned long long)TRAP_FLAG);
	if (steps.faults)
		fail_msg("from version %d to %d: %u faults in %u instructions", before, after,
			 steps.faults, steps.steps);
}

static void test_every_step(void **state)
{
	unsigned int all = 0;

	(void)state;
	rig_reset(&rig, false, 0);
	make_down();
	assert_true(signal(SIGTRAP, on_trap) != SIG_ERR);
	for (int k = 0; k < (int)VERSIONS; k++) {
		change(k, (k + 1) % (int)VERSIONS);
		all += steps.steps;
		assert_true(steps.steps > 50);
		change(k, (k + 3) % (int)VERSIONS);
		all += steps.steps;
		change(k, NOTHING);
		all += steps.steps;
		change(NOTHING, k);
		all += steps.steps;
	}
	signal(SIGTRAP, SIG_DFL);
	print_message("  %u instructions of the daemon, each looked behind\n", all);
}
#else
static void test_every_step(void **state)
{
	(void)state;
	skip();
}
#endif

/* ------------------------------------------------------------------------------------------------ */

/* All peers are behind one router, so the link-layer address is the same. */
static void make_neighbours(void)
{
	for (size_t i = 0; i < VERSIONS; i++) {
		char cmd[200];

		snprintf(cmd, sizeof(cmd),
			 "PATH=$PATH:/usr/sbin:/sbin; ip neigh replace %s lladdr " RIG_MAC_PEER
			 " dev acc nud permanent",
			 versions[i].peer);
		rig_sh(cmd);
	}
}

static int setup(void **state)
{
	struct l2x_config cfg = rig_config();

	(void)state;
	rig_namespace();
	make_neighbours();
	rig_open(&rig, &cfg);
	rig.written = true;
	rig.skel->bss->live.routes4 = rig.skel->bss->live.routes6 = 1;
	make_sessions();
	make_up();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_close(&rig);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mixture_up), cmocka_unit_test(test_mixture_down),
		cmocka_unit_test(test_downlink),   cmocka_unit_test(test_uplink),
		cmocka_unit_test(test_every_step), cmocka_unit_test(test_careless_writer_is_caught),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
