/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Totals of this host in the store: by name, whatever another version counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loader/persist.h"

static const char *const before[] = { "received", "sent", "forgotten", NULL, "duplicate" };
static const char *const after[] = { "moved", "duplicate", "received", "sent" };

static size_t record(uint8_t *buf, size_t cap)
{
	const uint64_t a[] = { UINT64_MAX, 0, 3, 4, 5 }, b[] = { 7, 8, 9, 10, 11 };
	struct writer w = writer_of(buf, cap);

	totals_put(&w, 0, a, before, 5);
	totals_put(&w, 1, b, before, 5);
	assert_false(w.bad);
	return w.len;
}

static void each_list_finds_its_own_by_name(void **state)
{
	uint64_t a[4] = { 0 }, b[4] = { 0 };
	uint8_t buf[512];
	size_t len = record(buf, sizeof(buf));

	(void)state;
	totals_get(reader_of(buf, len), 0, a, after, 4);
	totals_get(reader_of(buf, len), 1, b, after, 4);
	assert_memory_equal(a, ((uint64_t[]){ 0, 5, UINT64_MAX, 0 }), sizeof(a));
	assert_memory_equal(b, ((uint64_t[]){ 0, 11, 7, 8 }), sizeof(b));
}

static void what_is_cut_off_is_left_out(void **state)
{
	uint8_t buf[512];
	size_t len = record(buf, sizeof(buf));

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *copy = malloc(cut + 1); /* exact, for the sanitizer */
		uint64_t b[4] = { 0 };

		memcpy(copy, buf, cut);
		totals_get(reader_of(copy, cut), 1, b, after, 4);
		assert_int_equal(b[1], 0); /* the last one */
		free(copy);
	}
}

static void every_counter_has_room(void **state)
{
	uint8_t buf[STORE_MAX_RECORD];
	struct writer w = writer_of(buf, sizeof(buf));
	uint64_t most[L2TP_C_MAX + DP_SLOW_MAX];

	(void)state;
	memset(most, 0xff, sizeof(most));
	writer_u8(&w, PERSIST_VERSION);
	totals_put(&w, 0, most, l2tp_counter_names, L2TP_C_MAX);
	totals_put(&w, 1, most, dp_slow_counter_names, DP_SLOW_MAX);
	assert_false(w.bad);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_list_finds_its_own_by_name),
		cmocka_unit_test(what_is_cut_off_is_left_out),
		cmocka_unit_test(every_counter_has_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
