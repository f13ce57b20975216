// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a packet costs on the short way, an LCP echo on the long one, and a frame of a
 * pseudowire, in instructions: counted
 * by running the program here (steps.h), after the kernel has run it on the same frame, with the
 * same octets as outcome. A look-up and a helper's call count as ten each. tests/bpf/limits.txt
 * has the limits.
 */
#include "tests/bpf/limits.h"
#include "tests/bpf/made.h"
#include "tests/bpf/packet.h"
#include "tests/bpf/steps.h"

#define CALL 10u

static struct rig rig;
static struct steps steps;

/* The clock stands where the kernel remembered the way. */
static void set_clock(bool down)
{
	unsigned int i, map;
	struct l2x_nexthop *nh;
	struct l2x_route *r;

	if (down) {
		map = steps_map_of(&steps, bpf_map__fd(rig.skel->maps.nexthops));
		nh = steps_copy(&steps, map, RIG_TID);
		assert_int_equal(nh->epoch, rig.skel->bss->live.epoch);
		steps.now = nh->stamp;
		return;
	}
	map = steps_map_of(&steps, bpf_map__fd(rig.skel->maps.routes));
	r = steps.maps[map].mem;
	for (i = 0; i < steps.maps[map].info.max_entries; i++)
		if (r[i].nh.epoch == rig.skel->bss->live.epoch)
			steps.now = r[i].nh.stamp;
}

static void count(const char *name, bool down, const struct packet *p)
{
	unsigned int from = down ? rig.core : rig.access;
	struct rig_result res;
	const uint8_t *frame;
	size_t len;

	rig_expect(&rig, from, p->b, p->len, down ? L2X_V_ENCAP : L2X_V_DECAP, name, &res);
	steps_forget(&steps);
	memset(rig.t, 0, sizeof(*rig.t)); /* numbers begin anew */
	set_clock(down);
	assert_int_equal(steps_run(&steps, from, p->b, p->len, &frame, &len), XDP_REDIRECT);
	assert_int_equal(len, res.len);
	assert_memory_equal(frame, res.frame, len);
	print_message("  %u instructions, %u look-ups, %u calls\n", steps.count, steps.lookups,
		      steps.calls);
	limits_check(name, NULL, steps.count + CALL * (steps.lookups + steps.calls));
}

static void decap(const char *name, bool v6, bool numbered)
{
	struct inner_desc d = { .v6 = v6, .payload = v6 ? 16 : 36 };
	struct outer_desc o = { .S = numbered };
	struct packet p = {};

	rig_reset(&rig, false, L2X_S_MSS | (numbered ? L2X_S_SEQ_RX : 0));
	make_rx(&p, &o, &d);
	count(name, false, &p);
}

static void encap(const char *name, bool v6, bool numbered)
{
	struct inner_desc d = { .v6 = v6, .down = true, .payload = v6 ? 16 : 36 };
	struct packet p = {};

	rig_reset(&rig, false, L2X_S_MSS | (numbered ? L2X_S_SEQ_TX : 0));
	make_core(&p, &d);
	count(name, true, &p);
}

static void uplink(void **state)
{
	(void)state;
	decap("decap-ipv4", false, false);
	decap("decap-ipv4-sequenced", false, true);
	decap("decap-ipv6", true, false);
}

static void downlink(void **state)
{
	(void)state;
	encap("encap-ipv4", false, false);
	encap("encap-ipv4-sequenced", false, true);
	encap("encap-ipv6", true, false);
}

/* The shortest request, which most peers send; without policing. */
static void echo(void **state)
{
	struct l2x_session s = rig_session_make(false, L2X_S_ECHO);
	struct packet p = {};
	struct rig_result res;
	const uint8_t *frame;
	size_t len;

	(void)state;
	s.magic = htonl(1);
	rig_session_write(rig.s, &s);
	make_lcp(&p, &(struct outer_desc){}, &(struct lcp_desc){ .magic = 2 });
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_ECHO, "echo", &res);
	steps_forget(&steps);
	set_clock(true);
	assert_int_equal(steps_run(&steps, rig.access, p.b, p.len, &frame, &len), XDP_TX);
	assert_int_equal(len, res.len);
	assert_memory_equal(frame, res.frame, len);
	print_message("  %u instructions, %u look-ups, %u calls\n", steps.count, steps.lookups,
		      steps.calls);
	limits_check("echo", NULL, steps.count + CALL * (steps.lookups + steps.calls));
}

/* ---- pseudowires ------------------------------------------------------------------------------ */

static struct rig pw_rig;
static struct steps pw_steps;
static struct l2x_pw *pws;
static struct l2x_traffic *pw_traffic;

/* The clock stands where the kernel remembered the way, and chance is what it was. */
static void pw_repeat(const char *name, unsigned int from, const uint8_t *in, size_t in_len,
		      const struct rig_result *res)
{
	unsigned int map = steps_map_of(&pw_steps, bpf_map__fd(pw_rig.skel->maps.pw_ways));
	const uint8_t *frame;
	size_t len;

	steps_forget(&pw_steps);
	memset(&pw_traffic[INDEX], 0, sizeof(pw_traffic[INDEX]));
	pw_steps.now = ((const struct l2x_nexthop *)steps_copy(&pw_steps, map, INDEX))->stamp;
	pw_steps.random = get16(res->frame + 18);
	assert_int_equal(steps_run(&pw_steps, from, in, in_len, &frame, &len), XDP_REDIRECT);
	assert_int_equal(len, res->len);
	assert_memory_equal(frame, res->frame, len);
	print_message("  %u instructions, %u look-ups, %u calls\n", pw_steps.count,
		      pw_steps.lookups, pw_steps.calls);
	limits_check(name, NULL, pw_steps.count + CALL * (pw_steps.lookups + pw_steps.calls));
}

/* A frame of 64 octets from its circuit to the peer, and one back; in VLAN `vlan`, if it is not 0. */
static void pw_both(const char *form, const struct made *m, uint16_t vlan)
{
	struct inner_desc d = { .payload = 22 };
	static uint8_t back[RIG_FRAME];
	struct l2x_pw w = made_pw(&pw_rig, m);
	struct packet p = {};
	struct rig_result res;
	char name[64];

	make_core(&p, &d);
	if (vlan) {
		memmove(p.b + 16, p.b + 12, p.len - 12);
		set16(p.b + 12, 0x8100);
		set16(p.b + 14, vlan);
	}
	assert_int_equal(p.len, 64);
	w.peer_id = htonl(ID);
	w.tag[0] = w.wire[0] = htons(vlan);
	w.pseudo_sum = made_sum(&w);
	memset(&pw_traffic[INDEX], 0, sizeof(pw_traffic[INDEX]));
	pws[INDEX] = w;
	pw_rig.skel->bss->live.epoch++;
	made_circuit(&pw_rig, pw_rig.core, vlan, 0, INDEX);
	pw_rig.program = pw_rig.skel->progs.l2xdp_circuit;
	snprintf(name, sizeof(name), "pw-encap-%s", form);
	rig_expect(&pw_rig, pw_rig.core, p.b, p.len, L2X_V_PW_ENCAP, name, &res);
	pw_repeat(name, pw_rig.core, p.b, p.len, &res);
	pw_rig.program = NULL;
	made_circuit(&pw_rig, pw_rig.core, vlan, 0, 0);
	made_back(res.frame, res.len, back);
	p.len = res.len;
	snprintf(name, sizeof(name), "pw-decap-%s", form);
	rig_expect(&pw_rig, pw_rig.access, back, p.len, L2X_V_PW_DECAP, name, &res);
	pw_repeat(name, pw_rig.access, back, p.len, &res);
}

static void pseudowires(void **state)
{
	static const struct made udp = { .udp = true, .cookie = 8, .flags = L2X_PW_CSUM0 },
				 udp_sum = { .udp = true, .cookie = 8 }, ip = { .cookie = 8 },
				 seq = { .cookie = 8, .flags = L2X_PW_SUBLAYER | L2X_PW_SEQ },
				 udp6 = { .udp = true, .outer6 = true, .cookie = 8 };

	(void)state;
	pw_both("udp", &udp, 0);
	pw_both("udp-vlan", &udp, 107);
	pw_both("udp-sum", &udp_sum, 0);
	pw_both("ip", &ip, 0);
	pw_both("ip-sequenced", &seq, 0);
	pw_both("udp6", &udp6, 0);
}

/* A limit that is lost would be a test that cannot fail. */
static void there_are_limits(void **state)
{
	unsigned int limit = 0;

	(void)state;
	if (strcmp(BPF_CC, "clang-14") && strcmp(BPF_CC, "clang-19"))
		skip();
	assert_true(limits_find("decap-ipv4", NULL, &limit));
	assert_true(limits_find("echo", NULL, &limit));
	assert_true(limits_find("pw-decap-udp", NULL, &limit));
	assert_true(limits_find("pw-encap-udp", NULL, &limit));
	assert_true(limits_find("encap-ipv4", NULL, &limit));
	assert_in_range(limit, 200, 600);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uplink),
		cmocka_unit_test(downlink),
		cmocka_unit_test(echo),
		cmocka_unit_test(pseudowires),
		cmocka_unit_test(there_are_limits),
	};
	struct l2x_config cfg = rig_config();
	int failed;

	rig_namespace();
	rig_stay();
	rig_open(&rig, &cfg);
	rig.skel->bss->live.routes4 = rig.skel->bss->live.routes6 = 1;
	steps_open(&steps, &rig);
	cfg.pw_mask = PWS - 1;
	cfg.pw_ifindex = if_nametoindex("core");
	rig_open(&pw_rig, &cfg);
	pws = rig_map(pw_rig.skel->maps.pws);
	pw_traffic = rig_map(pw_rig.skel->maps.pw_traffic);
	steps_open(&pw_steps, &pw_rig);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	steps_close(&pw_steps);
	rig_unmap(pw_rig.skel->maps.pws, pws);
	rig_unmap(pw_rig.skel->maps.pw_traffic, pw_traffic);
	rig_close(&pw_rig);
	steps_close(&steps);
	rig_close(&rig);
	return failed;
}
