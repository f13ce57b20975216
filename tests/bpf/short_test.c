// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The short way (bpf/short.h) against the long one: two programs with the same maps' contents,
 * of which one has never an epoch, so that no way is known to it and all goes the long way.
 * Each frame, sound, damaged in one or two places and mended again where sums stand, goes
 * through both; action, verdict, octets and counters must be the same.
 */
#include "tests/bpf/packet.h"

#define FRAMES 8000u

static struct rig short_rig, long_rig;
static uint32_t seed = 1;
static unsigned int forwarded, refused;

static uint32_t draw(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

static const char *const forms[] = { NULL, "noacf2", "acf1", "noacf1" };

static void make(struct packet *p, bool down)
{
	struct inner_desc d = { .v6 = draw(2),
				.down = down,
				.l4 = (enum packet_l4)draw(P_GRE + 1),
				.tos = (uint8_t)draw(256),
				.ttl = (uint8_t)(draw(8) ? 64 : draw(3)),
				.payload = draw(60) };
	struct outer_desc o = { .nosum = draw(2),
				.tos = (uint8_t)(draw(2) ? 0 : draw(256)),
				.L = draw(2),
				.S = draw(2),
				.O = !draw(16),
				.P = !draw(16),
				.ns = (uint16_t)draw(8),
				.ppp = forms[draw(4)],
				.pad = draw(4) ? 0 : draw(20),
				.ppp_pad = draw(8) ? 0 : draw(9) };

	if (d.ttl == 0)
		d.ttl_zero = true;
	if (!draw(16) && !d.v6)
		d.frag = (uint16_t)(draw(2) ? 0x2000 : 0x00b9);
	if (!draw(16) && !d.v6)
		d.options = 4;
	if (down)
		make_core(p, &d);
	else
		make_rx(p, &o, &d);
}

/* Makes the sum of the IPv4 header at `at` right again. */
static void mend(struct packet *p, size_t at)
{
	if (at + 20 > p->len || p->b[at] != 0x45)
		return;
	set16(p->b + at + 10, 0);
	set_sum(p->b + at + 10, (uint16_t)~rig_sum(p->b + at, 20, 0));
}

static void damage(struct packet *p, bool down)
{
	unsigned int n = draw(3), at;

	while (n--) {
		at = draw(p->len < 90 ? (uint32_t)p->len : 90);
		p->b[at] = draw(2) ? (uint8_t)(p->b[at] ^ 1u << draw(8)) : (uint8_t)draw(256);
	}
	if (!draw(8))
		p->len = 14 + draw((uint32_t)p->len - 13);
	if (draw(4)) {
		mend(p, 14);
		for (at = 14 + 36; !down && at < 14 + 28 + 16; at++)
			mend(p, at);
	}
}

static void same_counters(const char *what)
{
	assert_memory_equal(short_rig.t, long_rig.t, offsetof(struct l2x_traffic, punt));
	if (memcmp(&short_rig.t->tx_packets, &long_rig.t->tx_packets, 32))
		fail_msg("%s: counters to the subscriber differ", what);
}

static void through_both(const struct packet *p, bool down, const char *what)
{
	struct rig_result a, b;

	short_rig.skel->bss->live.lease_since = 0; /* a fresh lease at each filling */
	short_rig.skel->bss->live.lease_epoch = 0;
	/* no session has a worker: the look for one changes nothing */
	short_rig.skel->bss->live.workers = draw(2);
	rig_run(&short_rig, down ? short_rig.core : short_rig.access, p->b, p->len, &a);
	rig_run(&long_rig, down ? long_rig.core : long_rig.access, p->b, p->len, &b);
	if (a.verdict != b.verdict)
		fail_msg("%s: %s the short way, %s the long one", what,
			 rig_verdict_names[a.verdict], rig_verdict_names[b.verdict]);
	assert_int_equal(a.action, b.action);
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.frame, b.frame, a.len);
	same_counters(what);
	if (rig_verdict_class[a.verdict] == L2X_VC_FORWARD)
		forwarded++;
	else
		refused++;
}

static void set_sessions(uint16_t flags, uint16_t mtu)
{
	rig_reset(&short_rig, false, flags);
	rig_reset(&long_rig, false, flags);
	short_rig.s->mtu = long_rig.s->mtu = mtu;
	long_rig.skel->bss->live.epoch = 0;
}

static void run(bool down, uint16_t must)
{
	static const uint16_t some[] = { L2X_S_SEQ_TX | L2X_S_SEQ_RX,
					 L2X_S_SEQ_REQUIRED,
					 L2X_S_ACFC,
					 L2X_S_ECN,
					 L2X_S_MSS,
					 L2X_S_CSUM0,
					 L2X_S_TOS_FIXED };
	struct packet p;
	uint16_t flags;
	unsigned int i, k;
	char what[64];

	forwarded = refused = 0;
	for (i = 0; i < FRAMES; i++) {
		if (i % 500 == 0) {
			for (k = 0, flags = must; k < sizeof(some) / sizeof(some[0]); k++)
				flags |= draw(3) ? 0 : some[k];
			set_sessions(flags, (uint16_t)(draw(2) ? RIG_MTU : 40 + draw(60)));
		}
		make(&p, down);
		if (draw(4))
			damage(&p, down);
		snprintf(what, sizeof(what), "frame %u", i);
		through_both(&p, down, what);
	}
	print_message("  %u forwarded, %u not\n", forwarded, refused);
	assert_in_range(forwarded, FRAMES / 8, FRAMES);
	assert_in_range(refused, FRAMES / 8, FRAMES);
}

static void uplink_is_the_same(void **state)
{
	(void)state;
	run(false, 0);
}

static void downlink_is_the_same(void **state)
{
	(void)state;
	run(true, 0);
}

/* A way that is known is forgotten with the epoch, and with the daemon's word. */
static void a_kept_way_is_taken_and_forgotten(void **state)
{
	struct outer_desc o = {};
	struct inner_desc d = {};
	struct packet p = {};

	(void)state;
	set_sessions(0, RIG_MTU);
	make_rx(&p, &o, &d);
	through_both(&p, false, "to be kept");
	rig_sh("PATH=$PATH:/usr/sbin:/sbin; ip route add blackhole " RIG_SERVER4 "/32");
	rig_expect(&short_rig, short_rig.access, p.b, p.len, L2X_V_DECAP, "kept", NULL);
	short_rig.skel->bss->live.routes4 = 0;
	rig_expect(&short_rig, short_rig.access, p.b, p.len, L2X_V_NO_ROUTE, "not to be kept",
		   NULL);
	short_rig.skel->bss->live.routes4 = 1;
	rig_expect(&short_rig, short_rig.access, p.b, p.len, L2X_V_DECAP, "kept still", NULL);
	short_rig.skel->bss->live.epoch++;
	rig_expect(&short_rig, short_rig.access, p.b, p.len, L2X_V_NO_ROUTE, "new epoch", NULL);
	rig_sh("PATH=$PATH:/usr/sbin:/sbin; ip route del blackhole " RIG_SERVER4 "/32");
	/* nobody has raised the epoch for long: there is no daemon */
	rig_expect(&short_rig, short_rig.access, p.b, p.len, L2X_V_DECAP, "again", NULL);
	short_rig.skel->bss->live.epoch++;
	short_rig.skel->bss->live.lease_epoch = short_rig.skel->bss->live.epoch;
	short_rig.skel->bss->live.lease_since -= 2 * L2X_LEASE_JIFFIES;
	rig_expect(&short_rig, short_rig.access, p.b, p.len, L2X_V_DECAP, "no lease", NULL);
	rig_sh("PATH=$PATH:/usr/sbin:/sbin; ip route add blackhole " RIG_SERVER4 "/32");
	rig_expect(&short_rig, short_rig.access, p.b, p.len, L2X_V_NO_ROUTE, "was not kept", NULL);
	rig_sh("PATH=$PATH:/usr/sbin:/sbin; ip route del blackhole " RIG_SERVER4 "/32");
}

/* In jiffies of any length the bound is below three seconds. */
static void a_kept_way_grows_old(void **state)
{
	struct outer_desc o = {};
	struct inner_desc d = {};
	struct packet p = {};

	(void)state;
	set_sessions(0, RIG_MTU);
	make_rx(&p, &o, &d);
	rig_expect(&short_rig, short_rig.access, p.b, p.len, L2X_V_DECAP, "to be kept", NULL);
	rig_sh("PATH=$PATH:/usr/sbin:/sbin; ip route add blackhole " RIG_SERVER4 "/32");
	rig_expect(&short_rig, short_rig.access, p.b, p.len, L2X_V_DECAP, "kept", NULL);
	sleep(3);
	rig_expect(&short_rig, short_rig.access, p.b, p.len, L2X_V_NO_ROUTE, "too old", NULL);
	rig_sh("PATH=$PATH:/usr/sbin:/sbin; ip route del blackhole " RIG_SERVER4 "/32");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uplink_is_the_same),
		cmocka_unit_test(downlink_is_the_same),
		cmocka_unit_test(a_kept_way_is_taken_and_forgotten),
		cmocka_unit_test(a_kept_way_grows_old),
	};
	struct l2x_config cfg = rig_config();
	cpu_set_t one;
	int failed;

	/* what one CPU keeps another does not know */
	CPU_ZERO(&one);
	CPU_SET(sched_getcpu(), &one);
	if (sched_setaffinity(0, sizeof(one), &one))
		return 1;
	rig_namespace();
	rig_open(&short_rig, &cfg);
	rig_open(&long_rig, &cfg);
	short_rig.skel->bss->live.routes4 = short_rig.skel->bss->live.routes6 = 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rig_close(&short_rig);
	rig_close(&long_rig);
	return failed;
}
