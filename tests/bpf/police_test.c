// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * DP-SLOW-20, DP-DEMUX-4: shares of the slow path. Buckets hold a second's worth; the
 * bounds leave room for what fills up while a test runs. Also what a configuration
 * switches on: isolation, checksum verification.
 */
#include "tests/bpf/packet.h"

#include <time.h>

#define RATE 40
#define TOTAL 100

static struct rig rig;
static struct packet p;

/* Runs the frame n times. Returns how often it got `verdict`; else it must get `other`. */
static unsigned int burst(unsigned int ifindex, unsigned int n, unsigned int verdict,
			  unsigned int other)
{
	unsigned int i, got = 0;
	struct rig_result res;

	for (i = 0; i < n; i++) {
		rig_run(&rig, ifindex, p.b, p.len, &res);
		if (res.verdict == verdict)
			got++;
		else
			assert_int_equal(res.verdict, other);
	}
	return got;
}

static void stay_on_cpu(unsigned int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void open_with(const struct l2x_config *rates)
{
	struct l2x_config cfg = rig_config();

	cfg.control_rate = rates->control_rate;
	cfg.n_peers = rates->n_peers;
	memcpy(cfg.peers, rates->peers, sizeof(cfg.peers));
	cfg.stranger_rate = rates->stranger_rate;
	cfg.stranger_total = rates->stranger_total;
	cfg.unknown_rate = rates->unknown_rate;
	cfg.unknown_total = rates->unknown_total;
	cfg.punt_rate = rates->punt_rate;
	cfg.punt_total = rates->punt_total;
	rig_open(&rig, &cfg);
	rig.skel->bss->live.seed = 0x1337;
	rig.tunnels[RIG_TID] = (struct l2x_tunnel){ .gen = 1,
						    .peer_port = htons(1701),
						    .local_port = htons(1701),
						    .peer = rig_addr(RIG_LAC4),
						    .local = rig_addr(RIG_LNS4) };
}

static void open_rig(uint32_t source, uint32_t total, uint32_t punt)
{
	open_with(&(struct l2x_config){
		.stranger_rate = source, .stranger_total = total, .punt_rate = punt });
}

static void make_control(const char *src, uint16_t tid)
{
	static const uint8_t zlb[] = { 0xc8, 2, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0 };
	bool v6 = src && strchr(src, ':');
	size_t ip = v6 ? 40 : 20;

	make_rx(&p, &(struct outer_desc){ .src = src, .v6 = v6 }, &(struct inner_desc){});
	p.len = 14 + ip + 8;
	put(&p, zlb, sizeof(zlb));
	set16(p.b + 14 + ip + 12, tid);
	if (v6)
		set16(p.b + 18, 20);
	else
		set16(p.b + 16, 40);
	set16(p.b + 14 + ip + 4, 20);
	fix_outer(&p, 14, v6, false);
}

static unsigned int strangers(const char *src, unsigned int n)
{
	make_control(src, 0);
	return burst(rig.access, n, L2X_V_STRANGER, L2X_V_STRANGER_POLICED);
}

/* One /24 or /56 is one source; a flood from one leaves the others theirs; a known tunnel
 * is never held up. */
static void test_strangers(void **state)
{
	unsigned int n;

	(void)state;
	open_rig(RATE, 0, 0);
	n = strangers("198.18.7.1", 3 * RATE);
	assert_in_range(n, RATE, 2 * RATE);
	assert_in_range(strangers("198.18.7.200", RATE), 0, RATE / 2);
	assert_int_equal(strangers("198.18.8.1", RATE / 2), RATE / 2);
	n = strangers("2001:db8:77:100::1", 3 * RATE);
	assert_in_range(n, RATE, 2 * RATE);
	assert_in_range(strangers("2001:db8:77:1ff::9", RATE), 0, RATE / 2);
	assert_int_equal(strangers("2001:db8:77:200::1", RATE / 2), RATE / 2);
	make_control(NULL, RIG_TID);
	assert_int_equal(burst(rig.access, 5 * RATE, L2X_V_CONTROL, L2X_V_CONTROL), 5 * RATE);
	rig_close(&rig);
}

/* An LCP echo of the session. */
static void make_echo(void)
{
	static const uint8_t echo[] = { 0xc0, 0x21, 9, 1, 0, 8, 1, 2, 3, 4 };

	make_rx(&p, &(struct outer_desc){}, &(struct inner_desc){});
	p.len = 52;
	memcpy(p.b + 50, echo, 2);
	put(&p, echo + 2, sizeof(echo) - 2);
	set16(p.b + 16, (unsigned int)p.len - 14);
	set16(p.b + 38, (unsigned int)p.len - 34);
	fix_outer(&p, 14, false, false);
}

static unsigned int unknown(const char *src, unsigned int n)
{
	make_rx(&p, &(struct outer_desc){ .sid = 9, .src = src }, &(struct inner_desc){});
	return burst(rig.access, n, L2X_V_SESSION_UNKNOWN, L2X_V_STRANGER_POLICED);
}

/* Data for sessions that there are not has shares of its own: after a restart of ours the
 * LAC's data must not keep its SCCRQ from us, nor the other way round. */
static void test_unknown_sessions(void **state)
{
	unsigned int n;

	(void)state;
	open_with(&(struct l2x_config){ .stranger_rate = RATE, .unknown_rate = RATE });
	n = unknown("198.18.7.1", 3 * RATE);
	assert_in_range(n, RATE, 2 * RATE);
	assert_int_equal(strangers("198.18.7.1", RATE / 2), RATE / 2);
	strangers("198.18.8.1", 3 * RATE);
	assert_int_equal(unknown("198.18.8.1", RATE / 2), RATE / 2);
	/* guesses do not disturb a session of the same peer */
	unknown(NULL, 3 * RATE);
	make_rx(&p, &(struct outer_desc){}, &(struct inner_desc){});
	assert_int_equal(burst(rig.access, RATE, L2X_V_DECAP, L2X_V_DECAP), RATE);
	rig_close(&rig);
}

/* From everywhere, so that all slots of sources and the CPU's total are used up: strangers
 * have theirs still. */
static void test_unknown_total(void **state)
{
	unsigned int i, n = 0;
	double begun;

	(void)state;
	open_with(&(struct l2x_config){ .stranger_rate = RATE,
					.stranger_total = TOTAL,
					.unknown_rate = 1,
					.unknown_total = TOTAL });
	begun = seconds();
	for (i = 0; i < 4000; i++) {
		char src[20];

		snprintf(src, sizeof(src), "11.%u.%u.1", i / 256, i % 256);
		n += unknown(src, 1);
	}
	begun = seconds() - begun; /* in a guest it may take long, and buckets fill */
	assert_in_range(n, TOTAL, (unsigned int)(TOTAL * (1.5 + 1.1 * begun)));
	for (i = 0; i < TOTAL / 2; i++) {
		char src[20];

		snprintf(src, sizeof(src), "11.0.%u.1", i);
		assert_int_equal(strangers(src, 1), 1);
	}
	rig_close(&rig);
}

/* What a total lets through at most in the time since `begun`: in a guest, or on a busy
 * machine, it may be long, and buckets fill. */
static unsigned int filled(unsigned int rate, double begun)
{
	return (unsigned int)(rate * (1.2 + 1.2 * (seconds() - begun))) + 2;
}

/* Four thousand sources, on whichever CPU their frames come. */
static unsigned int everybody(const char *format)
{
	unsigned int i, n = 0;

	for (i = 0; i < 4000; i++) {
		char src[40];

		stay_on_cpu(i % (unsigned int)sysconf(_SC_NPROCESSORS_ONLN));
		snprintf(src, sizeof(src), format, i / 256 % 256, i % 256);
		n += strangers(src, 1);
	}
	return n;
}

/* Together no more than the total. */
static void test_many_sources(void **state)
{
	double begun = seconds();
	unsigned int n;

	(void)state;
	open_rig(RATE, TOTAL, 0);
	n = everybody("11.%u.%u.1");
	assert_in_range(n, TOTAL, filled(TOTAL, begun));
	rig_close(&rig);
}

/* Who may connect is not held up by those who may not, and a flood in its name has a total
 * too. */
static void test_peers(void **state)
{
	struct l2x_config rates = { .stranger_rate = RATE, .stranger_total = TOTAL, .n_peers = 3 };
	unsigned int n;
	double begun;

	(void)state;
	rates.peers[0] = (struct l2x_prefix){ rig_addr("12.0.0.0"), rig_addr("255.0.0.0") };
	memset(&rates.peers[0].mask, 0xff, 12);
	rates.peers[1] =
		(struct l2x_prefix){ rig_addr("2001:db8:77::"), rig_addr("ffff:ffff:ffff::") };
	rates.peers[2] = (struct l2x_prefix){ rig_addr("13.1.2.3"), rig_addr("255.255.255.255") };
	memset(&rates.peers[2].mask, 0xff, 16);
	open_with(&rates);
	begun = seconds();
	n = everybody("11.%u.%u.1");
	assert_in_range(n, TOTAL, filled(TOTAL, begun));
	assert_int_equal(strangers("12.255.3.4", RATE / 2), RATE / 2);
	assert_int_equal(strangers("2001:db8:77:ffff::1", RATE / 2), RATE / 2);
	assert_int_equal(strangers("13.1.2.3", 1), 1);
	begun = seconds();
	n = everybody("12.%u.%u.1");
	assert_in_range(n, 1, filled(TOTAL, begun));
	rig_close(&rig);
}

/* A control connection has a share of its own: it costs no other one anything, nor does the
 * daemon's rewriting of the tunnel fill it. */
static void test_control(void **state)
{
	struct l2x_tunnel other;
	unsigned int n;
	double begun;

	(void)state;
	open_with(&(struct l2x_config){ .control_rate = RATE });
	other = rig.tunnels[RIG_TID];
	rig.tunnels[9] = other;
	make_control(NULL, RIG_TID);
	begun = seconds();
	n = burst(rig.access, 3 * RATE, L2X_V_CONTROL, L2X_V_CONTROL_POLICED);
	assert_in_range(n, RATE, filled(RATE, begun));
	rig.tunnels[RIG_TID].gen = 7;
	n += burst(rig.access, RATE, L2X_V_CONTROL, L2X_V_CONTROL_POLICED);
	assert_in_range(n, RATE, filled(RATE, begun));
	make_control(NULL, 9);
	assert_int_equal(burst(rig.access, RATE / 2, L2X_V_CONTROL, L2X_V_CONTROL_POLICED),
			 RATE / 2);
	usleep(500 * 1000);
	make_control(NULL, RIG_TID);
	n = burst(rig.access, RATE, L2X_V_CONTROL, L2X_V_CONTROL_POLICED);
	assert_in_range(n, RATE / 4, RATE);
	rig_close(&rig);
}

/* A session's punts have their share, and its PPP control frames a reserve in it. */
static void test_punts(void **state)
{
	unsigned int n;

	(void)state;
	open_rig(0, 0, RATE);
	make_rx(&p, &(struct outer_desc){}, &(struct inner_desc){ .ttl = 1 });
	n = burst(rig.access, 3 * RATE, L2X_V_TTL, L2X_V_SLOW_POLICED);
	assert_in_range(n, RATE * 3 / 4 - 1, 2 * RATE);
	assert_int_equal(rig.t->rx_drops, 3 * RATE - n);
	make_echo();
	assert_int_equal(burst(rig.access, RATE / 4 - 1, L2X_V_PPP_CONTROL, L2X_V_SLOW_POLICED),
			 RATE / 4 - 1);
	/* fragments and nobody's addresses: the source's share */
	make_rx(&p, &(struct outer_desc){ .frag = 0x2000 }, &(struct inner_desc){});
	n = burst(rig.access, 3 * RATE, L2X_V_FRAGMENT, L2X_V_SLOW_POLICED);
	assert_in_range(n, RATE, 2 * RATE);
	make_core(&p, &(struct inner_desc){ .down = true, .dst = "10.64.0.9" });
	n = burst(rig.core, 3 * RATE, L2X_V_NO_SESSION, L2X_V_SLOW_POLICED);
	assert_in_range(n, RATE, 2 * RATE);
	/* and what is forwarded needs none */
	make_core(&p, &(struct inner_desc){ .down = true });
	assert_int_equal(burst(rig.core, 5 * RATE, L2X_V_ENCAP, L2X_V_ENCAP), 5 * RATE);
	rig_close(&rig);
}

/* Many sessions and sources, each within its share: together no more than the total of this
 * CPU. What keeps tunnels and links alive does not count, and does not suffer. */
static void test_punt_total(void **state)
{
	unsigned int i, n = 0;

	(void)state;
	open_with(&(struct l2x_config){ .punt_rate = 1000 * TOTAL, .punt_total = TOTAL });
	make_echo();
	assert_int_equal(burst(rig.access, 2 * TOTAL, L2X_V_PPP_CONTROL, L2X_V_PPP_CONTROL),
			 2 * TOTAL);
	make_rx(&p, &(struct outer_desc){}, &(struct inner_desc){ .ttl = 1 });
	n = burst(rig.access, TOTAL / 2, L2X_V_TTL, L2X_V_SLOW_POLICED);
	assert_int_equal(n, TOTAL / 2); /* the echoes have cost it nothing */
	for (i = 0; i < 2000; i++) {
		char src[20];

		snprintf(src, sizeof(src), "11.%u.%u.1", i / 256, i % 256);
		make_rx(&p, &(struct outer_desc){ .frag = 0x2000, .src = src },
			&(struct inner_desc){});
		n += burst(rig.access, 1, L2X_V_FRAGMENT, L2X_V_SLOW_POLICED);
	}
	assert_in_range(n, TOTAL, 5 * TOTAL);
	make_rx(&p, &(struct outer_desc){}, &(struct inner_desc){ .ttl = 1 });
	n = burst(rig.access, TOTAL, L2X_V_TTL, L2X_V_SLOW_POLICED);
	assert_in_range(n, 0, TOTAL / 2);
	assert_int_equal(rig.t->rx_drops, TOTAL - n);
	make_echo();
	assert_int_equal(burst(rig.access, 2 * TOTAL, L2X_V_PPP_CONTROL, L2X_V_PPP_CONTROL),
			 2 * TOTAL);
	make_control(NULL, RIG_TID);
	assert_int_equal(burst(rig.access, 2 * TOTAL, L2X_V_CONTROL, L2X_V_CONTROL), 2 * TOTAL);
	rig_close(&rig);
}

/* A bucket fills again. */
static void test_refill(void **state)
{
	unsigned int n;

	(void)state;
	open_rig(RATE, 0, 0);
	strangers("198.18.7.1", 3 * RATE);
	usleep(500 * 1000);
	n = strangers("198.18.7.1", 3 * RATE);
	assert_in_range(n, RATE / 4, RATE * 3 / 2);
	rig_close(&rig);
}

/* Stamps wrap after 52 days: a bucket that was left empty half of that ago is full, one
 * that another CPU has just used is not. */
static void test_old_stamps(void **state)
{
	static const struct {
		int64_t seconds; /* from now */
		bool full;
	} cases[] = { { -86400, true },      { -26 * 86400, true }, { -30 * 86400, true },
		      { -50 * 86400, true }, { 0, false },          { 1, false } };
	struct timespec ts;
	unsigned int i;

	(void)state;
	open_rig(0, 0, RATE);
	make_rx(&p, &(struct outer_desc){}, &(struct inner_desc){ .ttl = 1 });
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct l2x_tokens t = { .tokens = 1 };
		struct rig_result res;

		clock_gettime(CLOCK_MONOTONIC, &ts);
		t.stamp = (uint32_t)(((ts.tv_sec + cases[i].seconds) * 1000000000 + ts.tv_nsec) >>
				     20);
		memcpy(&rig.t->punt, &t, sizeof(t));
		rig_run(&rig, rig.access, p.b, p.len, &res);
		assert_int_equal(res.verdict, cases[i].full ? L2X_V_TTL : L2X_V_SLOW_POLICED);
	}
	rig_close(&rig);
}

/* DP-SPOOF-2: with isolation a subscriber reaches no other; without, the slow path joins
 * them (here there is no l2tp0, so the FIB says no). */
static void test_isolation(void **state)
{
	struct l2x_config cfg = rig_config();
	unsigned int isolate, v6;

	(void)state;
	for (isolate = 0; isolate < 2; isolate++) {
		cfg.isolate = (uint8_t)isolate;
		rig_open(&rig, &cfg);
		rig.pool4[9] = 77;
		rig.pool6[9] = 77;
		for (v6 = 0; v6 < 2; v6++) {
			struct inner_desc d = { .v6 = v6,
						.dst = v6 ? "2001:db8:100:9::1" : "10.64.0.9" };

			make_rx(&p, &(struct outer_desc){}, &d);
			rig_expect(&rig, rig.access, p.b, p.len,
				   isolate ? L2X_V_ISOLATED : L2X_V_NO_ROUTE, "other", NULL);
			/* an address that nobody holds may be ours */
			d.dst = v6 ? "2001:db8:100:8::1" : "10.64.0.8";
			make_rx(&p, &(struct outer_desc){}, &d);
			rig_expect(&rig, rig.access, p.b, p.len, L2X_V_NO_ROUTE, "free", NULL);
		}
		rig_close(&rig);
	}
}

/* DP-CK-2, DP-CK-4: sums of every length, each bit flipped; 0 over IPv4 is none. */
static void test_verify_checksum(void **state)
{
	struct l2x_config cfg = rig_config();
	struct outer_desc o = {};
	unsigned int v6, n, bit;

	(void)state;
	cfg.verify_checksum = 1;
	rig_open(&rig, &cfg);
	for (v6 = 0; v6 < 2; v6++) {
		rig_reset(&rig, v6, 0);
		o.v6 = v6;
		for (n = 0; n < 1400; n += n < 40 ? 1 : 61) {
			struct inner_desc d = { .payload = n, .l4 = P_GRE };

			make_rx(&p, &o, &d);
			rig_expect(&rig, rig.access, p.b, p.len, L2X_V_DECAP, "right", NULL);
			p.b[p.len - 1] ^= 0x10;
			rig_expect(&rig, rig.access, p.b, p.len, L2X_V_BAD_CHECKSUM, "wrong", NULL);
		}
		make_rx(&p, &o, &(struct inner_desc){ .payload = 5 });
		for (bit = 0; bit < 16; bit++) {
			uint8_t *at = p.b + 14 + (v6 ? 40 : 20) + 6 + bit / 8;

			*at ^= (uint8_t)(1 << bit % 8);
			rig_expect(&rig, rig.access, p.b, p.len, L2X_V_BAD_CHECKSUM, "bit", NULL);
			*at ^= (uint8_t)(1 << bit % 8);
		}
		make_rx(&p, &o, &(struct inner_desc){ .payload = 1600 });
		rig_expect(&rig, rig.access, p.b, p.len, L2X_V_NOT_LINEAR, "beyond 1600", NULL);
	}
	rig_reset(&rig, false, 0);
	make_rx(&p, &(struct outer_desc){ .nosum = true }, &(struct inner_desc){});
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_DECAP, "none", NULL);
	rig_close(&rig);
}

static int setup(void **state)
{
	(void)state;
	rig_namespace();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strangers),     cmocka_unit_test(test_unknown_sessions),
		cmocka_unit_test(test_unknown_total), cmocka_unit_test(test_many_sources),
		cmocka_unit_test(test_punts),         cmocka_unit_test(test_punt_total),
		cmocka_unit_test(test_peers),         cmocka_unit_test(test_control),
		cmocka_unit_test(test_refill),        cmocka_unit_test(test_old_stamps),
		cmocka_unit_test(test_isolation),     cmocka_unit_test(test_verify_checksum),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
