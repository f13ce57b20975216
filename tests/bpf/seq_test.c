// SPDX-License-Identifier: GPL-2.0-or-later
/* DP-SEQ-1 to DP-SEQ-3, DP-V2-7: sequence numbers of data messages from the peer. */
#include "tests/bpf/packet.h"

#define RESYNC 5

static struct rig rig;
static struct packet p;

struct step {
	uint16_t ns;
	unsigned int verdict;
	uint64_t lost; /* in all, after it */
};

static void run(const char *what, uint16_t expected, const struct step *steps, size_t n)
{
	struct l2x_seq q = { .expected = expected };
	struct inner_desc d = {};
	size_t i;

	rig_reset(&rig, false, L2X_S_SEQ_RX);
	memcpy(&rig.t->rx_seq, &q, sizeof(q));
	for (i = 0; i < n; i++) {
		make_rx(&p, &(struct outer_desc){ .S = true, .ns = steps[i].ns }, &d);
		rig_expect(&rig, rig.access, p.b, p.len, steps[i].verdict, what, NULL);
		assert_int_equal(rig.t->rx_lost, steps[i].lost);
	}
}

#define OK L2X_V_DECAP
#define OLD L2X_V_SEQ_OLD
#define RUN(what, expected, ...)                                                                   \
	do {                                                                                       \
		static const struct step steps[] = { __VA_ARGS__ };                                \
		run(what, expected, steps, sizeof(steps) / sizeof(steps[0]));                      \
	} while (0)

static void test_in_order_and_wrap(void **state)
{
	(void)state;
	RUN("from 0", 0, { 0, OK, 0 }, { 1, OK, 0 }, { 2, OK, 0 });
	RUN("wrap", 0xfffe, { 0xfffe, OK, 0 }, { 0xffff, OK, 0 }, { 0, OK, 0 }, { 1, OK, 0 });
}

static void test_gaps(void **state)
{
	(void)state;
	RUN("gap", 0, { 0, OK, 0 }, { 3, OK, 2 }, { 4, OK, 2 }, { 10, OK, 7 });
	RUN("gap over the wrap", 0xfff0, { 5, OK, 21 }, { 6, OK, 21 });
	RUN("half the space", 0, { 0x7fff, OK, 0x7fff });
	RUN("one more is old", 0, { 0x8000, OLD, 0 }, { 0, OK, 0 });
}

static void test_old_and_duplicate(void **state)
{
	(void)state;
	RUN("duplicate", 7, { 7, OK, 0 }, { 7, OLD, 0 }, { 6, OLD, 0 }, { 8, OK, 0 });
	RUN("late", 0, { 5, OK, 5 }, { 3, OLD, 5 }, { 6, OK, 5 });
	assert_int_equal(rig.t->rx_drops, 1);
	assert_int_equal(rig.t->rx_packets, 2);
}

/* R old ones in order among themselves, and the peer has started anew. */
static void test_resync(void **state)
{
	(void)state;
	RUN("restart", 1000, { 0, OLD, 0 }, { 1, OLD, 0 }, { 2, OLD, 0 }, { 3, OLD, 0 },
	    { 4, OK, 0 }, { 5, OK, 0 });
	RUN("with gaps", 1000, { 0, OLD, 0 }, { 2, OLD, 0 }, { 9, OLD, 0 }, { 30, OLD, 0 },
	    { 31, OK, 0 }, { 1000, OK, 968 });
	RUN("out of order", 1000, { 4, OLD, 0 }, { 3, OLD, 0 }, { 2, OLD, 0 }, { 1, OLD, 0 },
	    { 0, OLD, 0 }, { 1, OLD, 0 }, { 1000, OK, 0 });
	RUN("the same again", 1000, { 4, OLD, 0 }, { 4, OLD, 0 }, { 4, OLD, 0 }, { 4, OLD, 0 },
	    { 4, OLD, 0 }, { 4, OLD, 0 });
	RUN("new ones between", 1000, { 0, OLD, 0 }, { 1, OLD, 0 }, { 2, OLD, 0 }, { 3, OLD, 0 },
	    { 1000, OK, 0 }, { 4, OLD, 0 }, { 5, OLD, 0 });
}

/* DP-SEQ-3: required, or only judged where there is one; not judged: ignored. */
static void test_with_and_without_number(void **state)
{
	static const struct {
		uint16_t flags;
		bool S;
		unsigned int verdict;
	} cases[] = {
		{ 0, true, OK },
		{ 0, false, OK },
		{ L2X_S_SEQ_RX, false, OK },
		{ L2X_S_SEQ_RX | L2X_S_SEQ_REQUIRED, false, L2X_V_SEQ_MISSING },
		{ L2X_S_SEQ_RX | L2X_S_SEQ_REQUIRED, true, OLD },
		{ L2X_S_SEQ_REQUIRED, true, OK },
	};
	struct l2x_seq q = { .expected = 500 };
	struct inner_desc d = {};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		rig_reset(&rig, false, cases[i].flags);
		memcpy(&rig.t->rx_seq, &q, sizeof(q));
		make_rx(&p, &(struct outer_desc){ .S = cases[i].S, .ns = 400 }, &d);
		rig_expect(&rig, rig.access, p.b, p.len, cases[i].verdict, "S", NULL);
	}
}

/* What goes up, or is refused for another reason, leaves its number unused: the slow path
 * judges it with the same word. */
static void test_only_forwarded_frames_count(void **state)
{
	static const struct inner_desc others[] = {
		{ .ttl = 1 },           { .src = "10.64.0.3" },
		{ .dst = "224.0.0.1" }, { .dst = "203.0.113.8" },
		{ .options = 4 },
	};
	unsigned int i;

	(void)state;
	rig_reset(&rig, false, L2X_S_SEQ_RX);
	for (i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		struct rig_result res;

		make_rx(&p, &(struct outer_desc){ .S = true, .ns = 9 }, &others[i]);
		rig_run(&rig, rig.access, p.b, p.len, &res);
		assert_int_not_equal(res.verdict, OK);
		assert_int_equal(rig.t->rx_seq, 0);
	}
	make_rx(&p, &(struct outer_desc){ .S = true, .ns = 9 }, &(struct inner_desc){});
	rig_expect(&rig, rig.access, p.b, p.len, OK, "9", NULL);
	assert_int_equal(rig.t->rx_lost, 9);
}

static int setup(void **state)
{
	struct l2x_config cfg = rig_config();

	(void)state;
	cfg.resync = RESYNC;
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
		cmocka_unit_test(test_in_order_and_wrap),
		cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_old_and_duplicate),
		cmocka_unit_test(test_resync),
		cmocka_unit_test(test_with_and_without_number),
		cmocka_unit_test(test_only_forwarded_frames_count),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
