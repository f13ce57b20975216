/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters of sessions in the store: which entry is whose, and what damage costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loader/persist.h"

static const struct counters_key joe = { 7, 0x1234, 1000 }, mia = { 7, 0x1235, 2000 };

static struct dp_traffic traffic(uint64_t from)
{
	struct dp_traffic t;
	uint64_t *n = (uint64_t *)&t;

	for (size_t i = 0; i < sizeof(t) / sizeof(*n); i++)
		n[i] = from + i * i;
	return t;
}

static size_t page_of_two(uint8_t *buf, size_t cap)
{
	struct writer w = writer_of(buf, cap);
	struct dp_traffic a = traffic(1), b = traffic(UINT64_MAX - 255);

	writer_u8(&w, PERSIST_VERSION);
	counters_put(&w, &joe, &a);
	counters_put(&w, &mia, &b);
	assert_false(w.bad);
	return w.len;
}

static void each_finds_its_own(void **state)
{
	uint8_t buf[STORE_MAX_RECORD];
	size_t len = page_of_two(buf, sizeof(buf));
	struct dp_traffic t, a = traffic(1), b = traffic(UINT64_MAX - 255);

	(void)state;
	assert_true(counters_find(buf, len, &joe, &t));
	assert_memory_equal(&t, &a, sizeof(t));
	assert_true(counters_find(buf, len, &mia, &t));
	assert_memory_equal(&t, &b, sizeof(t));
}

/* The same identifiers, later: an entry that is left of one that has ended is not his. */
static void a_later_session_does_not_inherit(void **state)
{
	struct counters_key later = { joe.tunnel_id, joe.session_id, joe.since + 1 },
			    other = { joe.tunnel_id + 1, joe.session_id, joe.since };
	uint8_t buf[STORE_MAX_RECORD];
	size_t len = page_of_two(buf, sizeof(buf));
	struct dp_traffic t;

	(void)state;
	assert_false(counters_find(buf, len, &later, &t));
	assert_false(counters_find(buf, len, &other, &t));
}

static void damage_is_not_counted(void **state)
{
	uint8_t buf[STORE_MAX_RECORD];
	size_t len = page_of_two(buf, sizeof(buf));
	struct dp_traffic t = traffic(5), before = t;

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *copy = malloc(cut + 1); /* exact, for the sanitizer */

		memcpy(copy, buf, cut);
		assert_false(counters_find(copy, cut, &mia, &t));
		free(copy);
	}
	buf[0]++;
	assert_false(counters_find(buf, len, &joe, &t));
	assert_memory_equal(&t, &before, sizeof(t));
}

/* The record of a session may be newer than its page, and the page newer than the record. */
static void the_larger_of_two_counts(void **state)
{
	struct counters_page pages[2] = { 0 };
	struct counters c = { .pages = pages, .n = 2 };
	struct persist_session p = { .tunnel_id = 7, .session_id = 0x1234, .since = 1000 };
	uint8_t buf[STORE_MAX_RECORD];
	size_t len = page_of_two(buf, sizeof(buf));

	(void)state;
	p.traffic.hook_rx.packets = 50;
	assert_true(counters_keep(&c, 1, buf, len));
	assert_false(counters_keep(&c, 2, buf, len));
	counters_merge(&c, 0, &p); /* no such page */
	counters_merge(&c, 2 * PERSIST_PAGE, &p); /* nor this one */
	assert_int_equal(p.traffic.hook_rx.bytes, 0);
	counters_merge(&c, PERSIST_PAGE + 3, &p);
	assert_int_equal(p.traffic.hook_rx.packets, 50);
	assert_int_equal(p.traffic.hook_rx.bytes, 2);
	assert_int_equal(p.traffic.slow_tx.lost, 1 + 15 * 15);
	free(pages[1].rec);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_finds_its_own),
		cmocka_unit_test(a_later_session_does_not_inherit),
		cmocka_unit_test(damage_is_not_counted),
		cmocka_unit_test(the_larger_of_two_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
