/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Address pools: every address once, our own never, released ones as late as possible. */
#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "loader/aaa/aaa.h"
#include "maps/schema.h"

static void fixed_random(void *ctx, void *buf, size_t n)
{
	uint32_t *state = ctx;
	uint8_t *p = buf;

	while (n--) {
		*state = *state * 1664525u + 1013904223u;
		*p++ = (uint8_t)(*state >> 24);
	}
}

static struct pool *make(const char *v4, const char *v6, const char *reserved)
{
	uint32_t seed = 7;
	struct prefix p4, p6;
	struct ipaddr own;
	struct pool *p;

	if (v4)
		assert_int_equal(prefix_parse(v4, &p4), 0);
	if (v6)
		assert_int_equal(prefix_parse(v6, &p6), 0);
	if (reserved)
		assert_int_equal(addr_parse(reserved, &own), 0);
	assert_int_equal(pool_new("p", &p4, v4 ? 1 : 0, &p6, v6 ? 1 : 0, &own, reserved ? 1 : 0,
				  fixed_random, &seed, &p),
			 0);
	return p;
}

static struct ipaddr address(const char *text)
{
	struct ipaddr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static void every_address_is_handed_out_once(void **state)
{
	struct pool *p = make("10.1.2.0/24", NULL, "10.1.2.1");
	bool seen[256] = { false };
	struct pool_use use;
	struct ipaddr a;
	unsigned int i;

	(void)state;
	for (i = 0; i < 253; i++) {
		assert_int_equal(pool_take4(p, &a), 0);
		assert_int_equal(addr_v4(&a) >> 8, 0x0a0102);
		assert_false(seen[addr_v4(&a) & 255]);
		seen[addr_v4(&a) & 255] = true;
	}
	assert_int_equal(pool_take4(p, &a), -ENOSPC);
	/* network, broadcast and our own address stay here */
	assert_false(seen[0] || seen[255] || seen[1]);
	pool_usage(p, &use);
	assert_int_equal(use.size4, 253);
	assert_int_equal(use.used4, 253);
	assert_int_equal(use.size6, 0);
	pool_free(p);
}

static void order_is_not_that_of_the_addresses(void **state)
{
	struct pool *p = make("10.1.0.0/16", NULL, NULL);
	unsigned int i, neighbours = 0;
	struct ipaddr a, b;

	(void)state;
	assert_int_equal(pool_take4(p, &a), 0);
	for (i = 0; i < 100; i++, a = b) {
		assert_int_equal(pool_take4(p, &b), 0);
		neighbours += addr_v4(&b) == addr_v4(&a) + 1;
	}
	assert_true(neighbours < 3);
	pool_free(p);
}

static void released_address_comes_last(void **state)
{
	struct pool *p = make("10.1.2.0/28", NULL, NULL);
	struct ipaddr first, a;
	unsigned int i;

	(void)state;
	assert_int_equal(pool_take4(p, &first), 0);
	pool_release4(p, &first);
	for (i = 0; i < 13; i++) {
		assert_int_equal(pool_take4(p, &a), 0);
		assert_false(addr_eq(&a, &first));
	}
	assert_int_equal(pool_take4(p, &a), 0);
	assert_true(addr_eq(&a, &first));
	pool_free(p);
}

static void claimed_and_released_address_comes_last(void **state)
{
	struct pool *p = make("10.1.2.0/28", NULL, NULL), *twin = make("10.1.2.0/28", NULL, NULL);
	struct ipaddr first, a;
	unsigned int i;

	(void)state;
	/* the twin tells which address would come first */
	assert_int_equal(pool_take4(twin, &first), 0);
	for (i = 0; i < 3; i++) {
		assert_int_equal(pool_claim4(p, &first), 0);
		assert_int_equal(pool_claim4(p, &first), -EBUSY);
		pool_release4(p, &first);
	}
	for (i = 0; i < 13; i++) {
		assert_int_equal(pool_take4(p, &a), 0);
		assert_false(addr_eq(&a, &first));
	}
	assert_int_equal(pool_take4(p, &a), 0);
	assert_true(addr_eq(&a, &first));
	assert_int_equal(pool_take4(p, &a), -ENOSPC);
	pool_free(twin);
	pool_free(p);
}

static void claims_know_what_is_held_and_what_is_outside(void **state)
{
	struct pool *p = make("10.1.2.0/24", NULL, "10.1.2.1");
	struct ipaddr own = address("10.1.2.1"), other = address("10.1.3.1");
	struct ipaddr net = address("10.1.2.0"), v6 = address("2001:db8::1"), a;
	unsigned int i;

	(void)state;
	assert_int_equal(pool_claim4(p, &own), -EBUSY);
	assert_int_equal(pool_claim4(p, &net), -EBUSY);
	assert_int_equal(pool_claim4(p, &other), -ENOENT);
	assert_int_equal(pool_claim4(p, &v6), -ENOENT);
	/* releasing what was never held, twice, or ours, changes nothing */
	pool_release4(p, &own);
	pool_release4(p, &net);
	pool_release4(p, &other);
	for (i = 0; i < 253; i++)
		assert_int_equal(pool_take4(p, &a), 0);
	assert_int_equal(pool_take4(p, &a), -ENOSPC);
	pool_release4(p, &a);
	pool_release4(p, &a);
	assert_int_equal(pool_take4(p, &a), 0);
	assert_int_equal(pool_take4(p, &a), -ENOSPC);
	pool_free(p);
}

static void each_session_gets_a_64(void **state)
{
	struct pool *p = make(NULL, "2001:db8:1000::/62", "2001:db8:1000:2::1");
	bool seen[4] = { false };
	struct prefix a, b;
	struct ipaddr v4;
	unsigned int i;

	(void)state;
	assert_int_equal(pool_take4(p, &v4), -ENOENT);
	for (i = 0; i < 3; i++) {
		assert_int_equal(pool_take6(p, &a), 0);
		assert_int_equal(a.len, 64);
		assert_int_equal(addr_v6_upper(&a.addr) >> 2, 0x20010db810000000ull >> 2);
		seen[addr_v6_upper(&a.addr) & 3] = true;
	}
	/* the /64 of our own address is not among them */
	assert_true(seen[0] && seen[1] && !seen[2] && seen[3]);
	assert_int_equal(pool_take6(p, &b), -ENOSPC);
	pool_release6(p, &a);
	assert_int_equal(pool_take6(p, &b), 0);
	assert_memory_equal(&a, &b, sizeof(a));
	pool_free(p);
}

static void window_ends_where_the_data_path_ends(void **state)
{
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd, after;
	struct pool *p = make("10.0.0.0/8", "2001:db8::/32", NULL);
	struct ipaddr beyond = address("10.16.0.0"), last = address("10.15.255.255");
	struct pool_use use;

	(void)state;
	after = mallinfo2().uordblks + mallinfo2().hblkhd;
	pool_usage(p, &use);
	assert_int_equal(use.size4, L2X_MAX_WINDOW_SLOTS - 1); /* less 10.0.0.0 */
	assert_int_equal(use.size6, L2X_MAX_WINDOW_SLOTS);
	assert_int_equal(pool_claim4(p, &beyond), -ENOENT);
	assert_int_equal(pool_claim4(p, &last), 0);
	assert_true(after - before < 5ull * 2 * L2X_MAX_WINDOW_SLOTS);
	pool_free(p);
}

/* A session that outlived a restart of the daemon takes its /64 back. */
static void prefix_of_a_restored_session_is_claimed(void **state)
{
	struct pool *p = make(NULL, "2001:db8:1::/62", NULL);
	struct prefix mine, other, taken;
	unsigned int i;

	(void)state;
	assert_int_equal(prefix_parse("2001:db8:1:2::/64", &mine), 0);
	assert_int_equal(prefix_parse("2001:db8:2::/64", &other), 0);
	assert_int_equal(pool_claim6(p, &mine), 0);
	assert_int_equal(pool_claim6(p, &mine), -EBUSY);
	assert_int_equal(pool_claim6(p, &other), -ENOENT);
	for (i = 0; i < 3; i++) {
		assert_int_equal(pool_take6(p, &taken), 0);
		assert_false(addr_eq(&taken.addr, &mine.addr));
	}
	assert_int_equal(pool_take6(p, &taken), -ENOSPC);
	pool_free(p);
}

static void small_prefixes_have_no_broadcast(void **state)
{
	struct pool *two = make("10.1.2.2/31", NULL, NULL), *one = make("10.1.2.9/32", NULL, NULL);
	struct pool_use use;
	struct ipaddr a;

	(void)state;
	pool_usage(two, &use);
	assert_int_equal(use.size4, 2);
	assert_int_equal(pool_take4(one, &a), 0);
	assert_int_equal(addr_v4(&a), 0x0a010209);
	pool_free(one);
	pool_free(two);
}

static void churn_keeps_the_count(void **state)
{
	struct pool *p = make("10.1.2.0/25", NULL, NULL);
	struct ipaddr held[126], a;
	uint32_t random = 11, i, n = 0, pick;
	struct pool_use use;

	(void)state;
	for (i = 0; i < 20000; i++) {
		fixed_random(&random, &pick, sizeof(pick));
		if (n && pick % 2) {
			pick = pick / 2 % n;
			pool_release4(p, &held[pick]);
			held[pick] = held[--n];
		} else if (pick % 4 == 0) {
			a = addr_from_v4(0x0a010200 + 1 + pick / 4 % 126);
			if (!pool_claim4(p, &a))
				held[n++] = a;
		} else if (n < 126) {
			assert_int_equal(pool_take4(p, &held[n]), 0);
			n++;
		}
		pool_usage(p, &use);
		assert_int_equal(use.used4, n);
	}
	while (n < 126)
		assert_int_equal(pool_take4(p, &held[n++]), 0);
	assert_int_equal(pool_take4(p, &a), -ENOSPC);
	for (i = 0; i < n; i++)
		for (pick = i + 1; pick < n; pick++)
			assert_false(addr_eq(&held[i], &held[pick]));
	pool_free(p);
}

static void prefixes_of_the_wrong_kind_are_refused(void **state)
{
	struct prefix v4, v6, longer;
	uint32_t seed = 1;
	struct pool *p;

	(void)state;
	assert_int_equal(prefix_parse("10.0.0.0/24", &v4), 0);
	assert_int_equal(prefix_parse("2001:db8::/48", &v6), 0);
	assert_int_equal(prefix_parse("2001:db8::/65", &longer), 0);
	assert_int_equal(pool_new("p", &v6, 1, NULL, 0, NULL, 0, fixed_random, &seed, &p), -EINVAL);
	assert_int_equal(pool_new("p", NULL, 0, &v4, 1, NULL, 0, fixed_random, &seed, &p), -EINVAL);
	assert_int_equal(pool_new("p", NULL, 0, &longer, 1, NULL, 0, fixed_random, &seed, &p),
			 -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_address_is_handed_out_once),
		cmocka_unit_test(order_is_not_that_of_the_addresses),
		cmocka_unit_test(released_address_comes_last),
		cmocka_unit_test(claimed_and_released_address_comes_last),
		cmocka_unit_test(claims_know_what_is_held_and_what_is_outside),
		cmocka_unit_test(each_session_gets_a_64),
		cmocka_unit_test(prefix_of_a_restored_session_is_claimed),
		cmocka_unit_test(window_ends_where_the_data_path_ends),
		cmocka_unit_test(small_prefixes_have_no_broadcast),
		cmocka_unit_test(churn_keeps_the_count),
		cmocka_unit_test(prefixes_of_the_wrong_kind_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
