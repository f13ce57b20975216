// SPDX-License-Identifier: GPL-2.0-or-later
/* Which CPUs are workers, which of them a session gets, and when workers help. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "loader/datapath/placement.h"

#define CPUS 8
#define PLACES (CPUS + 1)

static void expect_cpus(const char *text, const char *marks)
{
	bool set[CPUS];

	assert_true(placement_parse_cpus(text, set, CPUS));
	for (unsigned int i = 0; i < CPUS; i++)
		if (set[i] != (marks[i] == 'x'))
			fail_msg("%s: CPU %u", text, i);
}

static void cpus_are_read_as_the_kernel_writes_them(void **state)
{
	bool set[CPUS];

	(void)state;
	expect_cpus("0-3\n", "xxxx----");
	expect_cpus("0", "x-------");
	expect_cpus("1,3-4,7\n", "-x-xx--x");
	expect_cpus("6-99\n", "------xx");
	expect_cpus("\n", "--------");
	assert_false(placement_parse_cpus("a", set, CPUS));
	assert_false(placement_parse_cpus("3-", set, CPUS));
	assert_false(placement_parse_cpus("3-1", set, CPUS));
	assert_false(placement_parse_cpus("1;2", set, CPUS));
}

static void expect_pick(struct dp_workers_config cfg, const char *online, const char *marks)
{
	bool set[CPUS], on[CPUS];
	unsigned int n = 0, got;

	for (unsigned int i = 0; i < CPUS; i++) {
		on[i] = online[i] == 'x';
		n += marks[i] == 'x';
	}
	got = placement_pick(&cfg, on, set, CPUS);
	assert_int_equal(got, n);
	for (unsigned int i = 0; i < CPUS; i++)
		if (set[i] != (marks[i] == 'x'))
			fail_msg("mode %d n %u online %s: CPU %u", cfg.mode, cfg.n, online, i);
}

static void cpus_are_picked_by_number_or_by_name(void **state)
{
	const struct dp_workers_config off = { .mode = DP_WORKERS_OFF },
				       automatic = { .mode = DP_WORKERS_AUTO },
				       two = { .mode = DP_WORKERS_COUNT, .n = 2 },
				       many = { .mode = DP_WORKERS_COUNT, .n = 99 },
				       list = { .mode = DP_WORKERS_LIST,
						.n = 3,
						.cpu = { 5, 0, 99 } };

	(void)state;
	expect_pick(off, "xxxxxxxx", "--------");
	expect_pick(automatic, "xxx-xxxx", "xxx-xxxx");
	expect_pick(two, "xxxxxxxx", "------xx"); /* queues are on the first */
	expect_pick(two, "xxxx-x-x", "-----x-x");
	expect_pick(many, "xxxx----", "xxxx----");
	expect_pick(list, "xxxxxxxx", "x----x--");
	expect_pick(list, "xxxxx---", "x-------");
}

/* Places that serve, with `sessions` of `rate` in all. */
static void serve(struct place_load *load, unsigned int place, uint32_t sessions, uint64_t rate)
{
	load[place] = (struct place_load){ .serves = true, .sessions = sessions, .rate = rate };
}

static void a_new_session_goes_to_the_least_loaded(void **state)
{
	struct place_load load[PLACES] = { 0 };

	(void)state;
	assert_int_equal(placement_least(load, PLACES), 0);
	serve(load, 2, 10, 5000);
	assert_int_equal(placement_least(load, PLACES), 2);
	serve(load, 4, 10, 4000);
	assert_int_equal(placement_least(load, PLACES), 4);
	serve(load, 4, 10, 9000);
	assert_int_equal(placement_least(load, PLACES), 2);
	load[2].serves = false; /* it only goes on with what it has */
	assert_int_equal(placement_least(load, PLACES), 4);
	load[0].serves = true; /* is no worker, whatever stands there */
	load[4].serves = false;
	assert_int_equal(placement_least(load, PLACES), 0);
}

/* None of them has sent a frame when the last is placed. */
static void many_at_once_are_spread(void **state)
{
	struct place_load load[PLACES] = { 0 };

	(void)state;
	for (unsigned int p = 1; p <= 4; p++)
		serve(load, p, 0, 0);
	for (unsigned int i = 0; i < 4000; i++)
		load[placement_least(load, PLACES)].sessions++;
	for (unsigned int p = 1; p <= 4; p++)
		assert_int_equal(load[p].sessions, 1000);
}

/* One heavy session counts as what it does: the others go elsewhere, though not for ever. */
static void who_has_a_heavy_session_gets_fewer(void **state)
{
	struct place_load load[PLACES] = { 0 };

	(void)state;
	serve(load, 1, 100, 100000);
	serve(load, 2, 100, 10000);
	for (unsigned int i = 0; i < 400; i++)
		load[placement_least(load, PLACES)].sessions++;
	assert_in_range(load[2].sessions, 400, 500);
	assert_in_range(load[1].sessions, 100, 200);
}

static void a_new_worker_gets_its_share_and_no_more(void **state)
{
	struct place_load load[PLACES] = { 0 };
	unsigned int moved = 0, to;

	(void)state;
	serve(load, 1, 900, 90000);
	serve(load, 2, 900, 90000);
	serve(load, 3, 0, 0);
	for (unsigned int from = 1; from <= 2; from++)
		for (unsigned int i = 0; i < 900; i++) {
			to = placement_even(load, PLACES, from);
			if (!to)
				continue;
			assert_int_equal(to, 3);
			load[from].sessions--;
			load[to].sessions++;
			moved++;
		}
	assert_int_equal(moved, 600);
	for (unsigned int p = 1; p <= 3; p++)
		assert_int_equal(load[p].sessions, 600);
	assert_int_equal(placement_even(load, PLACES, 1), 0);
}

static void advice_follows_where_frames_arrive_and_who_has_time(void **state)
{
	static const struct {
		struct cpu_use use[4];
		enum advice advice;
		unsigned int hot;
	} cases[] = {
		{ { { 100, 10 }, { 0, 10 }, { 0, 10 }, { 0, 10 } }, ADVICE_QUIET, 0 },
		{ { { 0, 0 }, { 900000, 990 }, { 0, 10 }, { 0, 10 } }, ADVICE_HELPS, 1 },
		{ { { 0, 0 }, { 900000, 600 }, { 0, 10 }, { 0, 10 } }, ADVICE_COPES, 1 },
		{ { { 0, 900 }, { 900000, 990 }, { 0, 800 }, { 0, 700 } }, ADVICE_NOWHERE, 1 },
		{ { { 300000, 990 }, { 300000, 990 }, { 0, 0 }, { 0, 0 } }, ADVICE_SPREAD, 0 },
		{ { { 0, 0 }, { 0, 0 }, { 200000, 700 }, { 800000, 999 } }, ADVICE_HELPS, 3 },
		{ { { 0, 0 }, { 0, 0 }, { 300000, 700 }, { 700000, 999 } }, ADVICE_SPREAD, 3 },
	};
	unsigned int hot;
	uint64_t total;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum advice got = placement_advise(cases[i].use, 4, &hot, &total);

		if (got != cases[i].advice || hot != cases[i].hot)
			fail_msg("case %zu: %d at CPU %u", i, got, hot);
	}
}

static void auto_takes_its_time(void **state)
{
	struct placement_auto a = { 0 };
	unsigned int i;

	(void)state;
	for (i = 0; i < 9; i++)
		assert_false(placement_auto_second(&a, ADVICE_HELPS, 1000000));
	assert_false(
		placement_auto_second(&a, ADVICE_COPES, 1000000)); /* a pause: from the start */
	for (i = 0; i < 9; i++)
		assert_false(placement_auto_second(&a, ADVICE_HELPS, 1000000));
	assert_true(placement_auto_second(&a, ADVICE_HELPS, 1000000));
	assert_true(a.on);
	/* now that they help no CPU is without time: that is no reason to stop */
	for (i = 0; i < 600; i++)
		assert_false(placement_auto_second(&a, ADVICE_COPES, 500000));
	for (i = 0; i < 59; i++)
		assert_false(placement_auto_second(&a, ADVICE_QUIET, 499999));
	assert_true(placement_auto_second(&a, ADVICE_QUIET, 499999));
	assert_false(a.on);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cpus_are_read_as_the_kernel_writes_them),
		cmocka_unit_test(cpus_are_picked_by_number_or_by_name),
		cmocka_unit_test(a_new_session_goes_to_the_least_loaded),
		cmocka_unit_test(many_at_once_are_spread),
		cmocka_unit_test(who_has_a_heavy_session_gets_fewer),
		cmocka_unit_test(a_new_worker_gets_its_share_and_no_more),
		cmocka_unit_test(advice_follows_where_frames_arrive_and_who_has_time),
		cmocka_unit_test(auto_takes_its_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
