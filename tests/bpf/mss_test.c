// SPDX-License-Identifier: GPL-2.0-or-later
/* DP-MSS-1, DP-MSS-2: the MSS of SYNs, both ways, both versions, and what is left alone. */
#include "tests/bpf/packet.h"

static struct rig rig;
static struct packet p;

#define MSS(v) 2, 4, (v) >> 8, (v)&0xff

static const struct {
	const char *what;
	uint8_t o[40];
	size_t len;
	int at; /* of the value in the options; -1: no change, whatever it holds */
} cases[] = {
	{ "alone", { MSS(1480) }, 4, 2 },
	{ "largest", { MSS(0xffff) }, 4, 2 },
	{ "after NOP", { 1, MSS(1480), 1, 1, 1 }, 8, 3 }, /* odd place */
	{ "after 2 NOPs", { 1, 1, MSS(1480), 0, 0 }, 8, 4 },
	{ "after 3 NOPs", { 1, 1, 1, MSS(1480), 0 }, 8, 5 },
	{ "after SACK and window", { 4, 2, 3, 3, 7, MSS(1480), 0, 0, 0 }, 12, 7 },
	{ "after timestamps", { 8, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1, 1, MSS(1480) }, 16, 14 },
	{ "last of 40",
	  { 8, 10, 0,  0, 0, 0, 0, 0, 0, 0, 8, 10, 0, 0, 0, 0, 0, 0,        0,
	    0, 8,  10, 0, 0, 0, 0, 0, 0, 0, 0, 3,  3, 1, 1, 1, 1, MSS(1480) },
	  40,
	  38 },
	{ "two of them: the first", { MSS(1480), MSS(1480) }, 8, 2 },
	{ "small enough", { MSS(536) }, 4, -1 },
	{ "none", { 1, 1, 1, 1 }, 4, -1 },
	{ "no options", { 0 }, 0, -1 },
	{ "after the end", { 0, 0, 0, 0, MSS(1480) }, 8, -1 },
	{ "length 0", { 2, 0, 0x05, 0xc8 }, 4, -1 },
	{ "length 3", { 2, 3, 0x05, 0xc8 }, 4, -1 },
	{ "length 5", { 2, 5, 0x05, 0xc8, 0, 0, 0, 0 }, 8, -1 },
	{ "length 255", { 2, 255, 0x05, 0xc8 }, 4, -1 },
	{ "other of length 0", { 3, 0, MSS(1480), 0, 0 }, 8, -1 },
	{ "other of length 1", { 3, 1, MSS(1480), 0, 0 }, 8, -1 },
	{ "other beyond the end", { 3, 40, MSS(1480), 0, 0 }, 8, -1 },
	{ "cut by the end", { 1, 1, 1, 2 }, 4, -1 },
	{ "40 NOPs",
	  { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
	    1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 },
	  40,
	  -1 },
};

/* The segment at `tcp` with its MSS lowered and a fresh checksum. */
static void expect_segment(uint8_t *ip, bool v6, int at, uint16_t mss)
{
	size_t header = v6 ? 40 : 20;
	size_t len = v6 ? get16(ip + 4) : get16(ip + 2) - header;
	uint8_t *tcp = ip + header;

	if (at >= 0 && get16(tcp + 20 + at) > mss)
		set16(tcp + 20 + at, mss);
	set16(tcp + 16, 0);
	set_sum(tcp + 16, transport_sum(ip, v6, 6, tcp, len));
}

static void run(bool down, bool v6, unsigned int i)
{
	static uint8_t want[RIG_FRAME];
	struct inner_desc d = { .v6 = v6,
				.down = down,
				.l4 = P_SYN,
				.tcp_options = cases[i].o,
				.tcp_options_len = cases[i].len,
				.payload = 3 };
	struct rig_result res;
	size_t at, len;

	if (down) {
		make_core(&p, &d);
		at = 14;
	} else {
		at = make_rx(&p, &(struct outer_desc){}, &d);
	}
	len = p.len - at;
	memcpy(want, p.b + at, len);
	age(want, v6);
	expect_segment(want, v6, cases[i].at, (uint16_t)(RIG_MTU - (v6 ? 60 : 40)));
	rig_expect(&rig, down ? rig.core : rig.access, p.b, p.len, down ? L2X_V_ENCAP : L2X_V_DECAP,
		   cases[i].what, &res);
	assert_memory_equal(res.frame + res.len - len, want, len);
	if (down) { /* the outer sum stands on the inner one */
		const uint8_t *udp = res.frame + 34;

		assert_int_equal(transport_sum(res.frame + 14, false, 17, udp, get16(udp + 4)), 0);
	}
}

static void test_options(void **state)
{
	unsigned int i, v;

	(void)state;
	rig_reset(&rig, false, L2X_S_MSS);
	for (v = 0; v < 4; v++)
		for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
			run(v & 1, v & 2, i);
}

/* Not a SYN, not TCP, later fragment, data offset out of range, clamp off: as it came. */
static void test_left_alone(void **state)
{
	static const uint8_t mss[] = { MSS(1480) };
	struct inner_desc d = { .l4 = P_SYN, .tcp_options = mss, .tcp_options_len = 4 };
	struct rig_result res;
	unsigned int k;
	size_t at;

	(void)state;
	for (k = 0; k < 6; k++) {
		rig_reset(&rig, false, k ? L2X_S_MSS : 0);
		d.l4 = k == 1 ? P_TCP : P_SYN;
		d.frag = k == 2 ? 1 : 0;
		at = make_rx(&p, &(struct outer_desc){ .nosum = true }, &d);
		if (k == 3)
			p.b[at + 32] = 0xf0; /* data offset 60 of 24 octets */
		if (k == 4)
			p.b[at + 32] = 0x40; /* 16 */
		if (k == 5)
			rig.s->mss_mtu = 40; /* no room for any segment */
		rig_expect(&rig, rig.access, p.b, p.len, L2X_V_DECAP, "alone", &res);
		assert_memory_equal(res.frame + 14 + 20, p.b + at + 20, 24);
	}
}

/* SYN-ACK is a SYN too; a first fragment has its header. */
static void test_syn_ack_and_first_fragment(void **state)
{
	static const uint8_t mss[] = { MSS(1480) };
	struct inner_desc d = { .l4 = P_SYN, .tcp_options = mss, .tcp_options_len = 4 };
	struct rig_result res;
	size_t at;

	(void)state;
	rig_reset(&rig, false, L2X_S_MSS);
	at = make_rx(&p, &(struct outer_desc){ .nosum = true }, &d);
	p.b[at + 33] = 0x12;
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_DECAP, "SYN-ACK", &res);
	assert_int_equal(get16(res.frame + 14 + 42), 1420);
	d.frag = 0x2000;
	at = make_rx(&p, &(struct outer_desc){}, &d);
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_DECAP, "first fragment", &res);
	assert_int_equal(get16(res.frame + 14 + 42), 1420);
}

static int setup(void **state)
{
	struct l2x_config cfg = rig_config();

	(void)state;
	rig_namespace();
	rig_open(&rig, &cfg);
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
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_left_alone),
		cmocka_unit_test(test_syn_ack_and_first_fragment),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
