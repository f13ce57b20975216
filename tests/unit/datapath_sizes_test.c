/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes, path MTU reports and sequence numbers: rules that are arithmetic alone. */
#include "tests/unit/datapath_world.h"

#include "loader/datapath/mtu.h"
#include "loader/datapath/seq.h"

/* dataplane.md section 6 */
static void overheads_are_those_of_the_table(void **state)
{
	(void)state;
	assert_int_equal(mtu_overhead(false, false, false), 38);
	assert_int_equal(mtu_overhead(false, true, false), 42);
	assert_int_equal(mtu_overhead(true, false, false), 58);
	assert_int_equal(mtu_overhead(true, true, false), 62);
	assert_int_equal(mtu_overhead(false, false, true), 36); /* noacf2: 2 less */
}

static void session_mtu_is_the_least_of_three(void **state)
{
	(void)state;
	/* DP-MTU-1 */
	assert_int_equal(mtu_session(1500, 1500, 0, false, false, false), 1462);
	assert_int_equal(mtu_session(1500, 1460, 0, false, false, false), 1460);
	assert_int_equal(mtu_session(1500, 1500, 1400, false, false, false), 1400);
	assert_int_equal(mtu_session(1500, 0, 0, true, true, false), 1438);
	assert_int_equal(mtu_session(9000, 0, 0, false, false, false), 1500);
	assert_int_equal(mtu_session(20, 0, 0, false, false, false), 0);
	/* DP-MTU-2 */
	assert_int_equal(mtu_mru(1500, 0, false), 1460);
	assert_int_equal(mtu_mru(1500, 0, true), 1440);
	assert_int_equal(mtu_mru(1500, 1400, false), 1400);
	assert_int_equal(mtu_mru(9000, 0, false), 1500);
}

/* DP-ICMP-5, DP-MTU-3 */
static void reports_are_believed_within_reason(void **state)
{
	(void)state;
	assert_int_equal(mtu_believe(1500, 1400, false), 1400);
	assert_int_equal(mtu_believe(1400, 1500, false), 0); /* never up */
	assert_int_equal(mtu_believe(1400, 1400, false), 0);
	assert_int_equal(mtu_believe(1500, 67, false), 0);
	assert_int_equal(mtu_believe(1500, 68, false), 576); /* floor */
	assert_int_equal(mtu_believe(576, 300, false), 0);
	assert_int_equal(mtu_believe(1500, 0, false), 1492); /* RFC 1191 section 7.1 */
	assert_int_equal(mtu_believe(1492, 0, false), 1006);
	assert_int_equal(mtu_believe(576, 0, false), 0);
	assert_int_equal(mtu_believe(1500, 0, true), 0);
	assert_int_equal(mtu_believe(1500, 1279, true), 0); /* RFC 8201 section 4 */
	assert_int_equal(mtu_believe(1500, 1280, true), 1280);
	assert_int_equal(mtu_believe(1500, 0x10000 + 1400, false), 0); /* not cut to 16 bits */
}

static uint64_t word, lost;

static enum seq_verdict see(uint16_t ns)
{
	return seq_judge(&word, &lost, ns, false);
}

static void start_at(uint16_t expected)
{
	struct l2x_seq s = { .expected = expected };

	memcpy(&word, &s, sizeof(s));
	lost = 0;
}

/* DP-SEQ-1 */
static void numbers_go_on_over_the_wrap(void **state)
{
	(void)state;
	start_at(65534);
	assert_int_equal(see(65534), SEQ_NEXT);
	assert_int_equal(see(65535), SEQ_NEXT);
	assert_int_equal(see(0), SEQ_NEXT);
	assert_int_equal(lost, 0);
	assert_int_equal(see(4), SEQ_NEXT); /* 1, 2, 3 are missing */
	assert_int_equal(lost, 3);
	assert_int_equal(see(4), SEQ_OLD); /* duplicate */
	assert_int_equal(see(3), SEQ_OLD); /* late */
	assert_int_equal(see(5), SEQ_NEXT);
	assert_int_equal(lost, 3);
}

static void half_the_space_is_the_border(void **state)
{
	(void)state;
	start_at(100);
	assert_int_equal(see(100 + 0x8000), SEQ_OLD);
	start_at(100);
	assert_int_equal(see(100 + 0x7fff), SEQ_NEXT);
	assert_int_equal(lost, 0x7fff);
}

/* DP-SEQ-2 */
static void a_peer_that_starts_anew_is_followed(void **state)
{
	(void)state;
	start_at(5000);
	for (uint16_t i = 0; i < SEQ_RESYNC - 1; i++)
		assert_int_equal(see((uint16_t)(1000 + i)), SEQ_OLD);
	assert_int_equal(see(1000 + SEQ_RESYNC - 1), SEQ_NEXT);
	assert_int_equal(see(1000 + SEQ_RESYNC), SEQ_NEXT);
	start_at(5000); /* the same number again and again is not "in order" */
	for (int i = 0; i < 4 * SEQ_RESYNC; i++)
		assert_int_equal(see(1000), SEQ_OLD);
	start_at(5000); /* one that is in time breaks the run */
	for (uint16_t i = 0; i < SEQ_RESYNC - 1; i++)
		see((uint16_t)(1000 + i));
	assert_int_equal(see(5000), SEQ_NEXT);
	assert_int_equal(see(1000 + SEQ_RESYNC - 1), SEQ_OLD);
}

/* A frame that went up while its followers crossed at the hook. */
static void a_detour_is_not_lateness(void **state)
{
	(void)state;
	start_at(10);
	lost = 1; /* the hook took number 9 for lost */
	assert_int_equal(seq_judge(&word, &lost, 9, true), SEQ_LATE);
	assert_int_equal(lost, 0);
	assert_int_equal(seq_judge(&word, &lost, 9, true), SEQ_LATE); /* never below 0 */
	assert_int_equal(lost, 0);
	assert_int_equal(seq_judge(&word, &lost, (uint16_t)(10 - SEQ_DETOUR), true), SEQ_LATE);
	assert_int_equal(seq_judge(&word, &lost, (uint16_t)(10 - SEQ_DETOUR - 1), true), SEQ_OLD);
	assert_int_equal(seq_judge(&word, &lost, 10, true), SEQ_NEXT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overheads_are_those_of_the_table),
		cmocka_unit_test(session_mtu_is_the_least_of_three),
		cmocka_unit_test(reports_are_believed_within_reason),
		cmocka_unit_test(numbers_go_on_over_the_wrap),
		cmocka_unit_test(half_the_space_is_the_border),
		cmocka_unit_test(a_peer_that_starts_anew_is_followed),
		cmocka_unit_test(a_detour_is_not_lateness),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
