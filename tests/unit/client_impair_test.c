/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bad line and the numbered packets of the test tools (tests/client/). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "loader/base/bytes.h"
#include "tests/client/impair.h"
#include "tests/client/numbers.h"

#define FRAMES 20000

/* Ethernet, IPv4 or IPv6, UDP to port 1701, and this message. */
static size_t frame_of(bool ipv6, const uint8_t *message, size_t len, uint8_t dst[256])
{
	struct writer w = writer_of(dst, 256);

	writer_bytes(&w, "\2\0\0\0\0\1\2\0\0\0\0\2", 12);
	if (ipv6) {
		writer_u16(&w, 0x86dd);
		writer_u32(&w, 0x60000000);
		writer_u16(&w, (uint16_t)(8 + len));
		writer_u16(&w, 17 << 8 | 64);
		writer_bytes(&w,
			     "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0"
			     "\0\0\2",
			     32);
	} else {
		writer_u16(&w, 0x0800);
		writer_u16(&w, 0x4500);
		writer_u16(&w, (uint16_t)(28 + len));
		writer_u32(&w, 0);
		writer_u16(&w, 64 << 8 | 17);
		writer_bytes(&w, "\0\0\xc0\0\2\1\xc0\0\2\2", 10);
	}
	writer_u16(&w, 40000);
	writer_u16(&w, 1701);
	writer_u16(&w, (uint16_t)(8 + len));
	writer_u16(&w, 0);
	writer_bytes(&w, message, len);
	assert_false(w.bad);
	return w.len;
}

static const uint8_t zlb[] = { 0xc8, 0x02, 0, 12, 0, 7, 0, 0, 0, 1, 0, 2 };
static const uint8_t lcp[] = { 0x00, 0x02, 0, 7, 0, 9, 0xff, 0x03, 0xc0, 0x21, 9, 1, 0, 4 };
static const uint8_t data[] = { 0x00, 0x02, 0, 7, 0, 9, 0x00, 0x21, 0x45, 0, 0, 0, 0, 0 };

static void kinds_are_told_apart(void **state)
{
	uint8_t frame[256];

	(void)state;
	for (int v6 = 0; v6 < 2; v6++) {
		assert_int_equal(impair_kind(frame, frame_of(v6, zlb, sizeof(zlb), frame)),
				 IMPAIR_CONTROL);
		assert_int_equal(impair_kind(frame, frame_of(v6, lcp, sizeof(lcp), frame)),
				 IMPAIR_PPP);
		assert_int_equal(impair_kind(frame, frame_of(v6, data, sizeof(data), frame)),
				 IMPAIR_DATA);
	}
	frame[12] = 0x08;
	frame[13] = 0x06; /* ARP */
	assert_int_equal(impair_kind(frame, 42), IMPAIR_OTHER);
	for (size_t n = 0; n < 54; n++)
		assert_int_equal(impair_kind(frame, n), IMPAIR_OTHER);
}

/* The numbers that come out, in their order; each frame is sent a millisecond after the one
 * before. How many. */
static size_t through(const struct impair_options *o, unsigned int direction,
		      const uint8_t *message, uint16_t *ret, struct impair_counters *ret_counters)
{
	struct impair *m = impair_new(o, direction);
	uint8_t frame[256];
	const uint8_t *out;
	size_t len = frame_of(false, message, 12, frame), n = 0, out_len;
	uint64_t us = 0;

	assert_non_null(m);
	for (uint32_t i = 0; i < FRAMES + 1000; i++, us += 1000) {
		frame[len - 2] = (uint8_t)(i >> 8);
		frame[len - 1] = (uint8_t)i;
		if (i < FRAMES)
			impair_put(m, us, frame, len);
		while (impair_take(m, us, &out, &out_len)) {
			assert_int_equal(out_len, len);
			ret[n++] = (uint16_t)(out[len - 2] << 8 | out[len - 1]);
		}
	}
	assert_true(impair_next_us(m) == UINT64_MAX);
	*ret_counters = *impair_counters(m, impair_kind(frame, len));
	impair_free(m);
	return n;
}

static uint16_t first[2 * FRAMES], second[2 * FRAMES];

static void line_is_as_bad_as_was_asked(void **state)
{
	struct impair_options o = { .kinds[IMPAIR_CONTROL] = true,
				    .loss = 5,
				    .duplicate = 5,
				    .reorder = 5,
				    .delay_ms = 200,
				    .reorder_ms = 100,
				    .seed = 1 };
	struct impair_counters c;
	size_t n = through(&o, 1, zlb, first, &c), overtaken = 0;

	(void)state;
	assert_int_equal(c.seen, FRAMES);
	assert_int_equal(n, FRAMES - c.lost + c.duplicated);
	assert_in_range(c.lost, FRAMES / 25, FRAMES * 6 / 100);
	assert_in_range(c.duplicated, FRAMES / 25, FRAMES * 6 / 100);
	assert_in_range(c.reordered, FRAMES / 25, FRAMES * 6 / 100);
	for (size_t i = 1; i < n; i++)
		overtaken += first[i] < first[i - 1];
	assert_in_range(overtaken, FRAMES * 3 / 100, FRAMES * 6 / 100);
}

static void same_seed_has_the_same_fates(void **state)
{
	struct impair_options o = { .kinds[IMPAIR_CONTROL] = true,
				    .loss = 20,
				    .duplicate = 20,
				    .reorder = 20,
				    .reorder_ms = 30,
				    .seed = 7 };
	struct impair_counters c;
	size_t n = through(&o, 1, zlb, first, &c);

	(void)state;
	assert_int_equal(through(&o, 1, zlb, second, &c), n);
	assert_memory_equal(first, second, n * sizeof(*first));
	assert_true(through(&o, 2, zlb, second, &c) != n || memcmp(first, second, n * 2) != 0);
	o.seed = 8;
	assert_true(through(&o, 1, zlb, second, &c) != n || memcmp(first, second, n * 2) != 0);
}

static void what_is_not_asked_for_passes_at_once(void **state)
{
	struct impair_options o = { .kinds[IMPAIR_CONTROL] = true, .loss = 100, .delay_ms = 200 };
	struct impair *m = impair_new(&o, 1);
	uint8_t frame[256];
	const uint8_t *out;
	size_t len = frame_of(true, data, sizeof(data), frame), out_len;

	(void)state;
	impair_put(m, 5, frame, len);
	assert_true(impair_take(m, 5, &out, &out_len));
	assert_int_equal(out_len, len);
	assert_memory_equal(out, frame, len);
	assert_false(impair_take(m, 5, &out, &out_len));
	impair_put(m, 5, frame, frame_of(true, zlb, sizeof(zlb), frame));
	assert_true(impair_next_us(m) == UINT64_MAX);
	impair_free(m);
}

static void delay_is_kept(void **state)
{
	struct impair_options o = { .kinds[IMPAIR_CONTROL] = true, .delay_ms = 200 };
	struct impair *m = impair_new(&o, 1);
	uint8_t frame[256];
	const uint8_t *out;
	size_t len;

	(void)state;
	impair_put(m, 1000, frame, frame_of(false, zlb, sizeof(zlb), frame));
	assert_int_equal(impair_next_us(m), 201000);
	assert_false(impair_take(m, 200999, &out, &len));
	assert_true(impair_take(m, 201000, &out, &len));
	impair_put(m, 1000, frame, len); /* one that still waits is freed with the line */
	impair_free(m);
}

static void every_number_is_accounted_for(void **state)
{
	struct numbers n = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 5000; i += 2)
		assert_true(numbers_book(&n, i));
	assert_int_equal(n.received, 2500);
	assert_int_equal(n.next, 4999);
	assert_int_equal(n.reordered + n.duplicates, 0);
	assert_true(numbers_book(&n, 1));
	assert_true(numbers_book(&n, 1));
	assert_true(numbers_book(&n, 4998));
	assert_int_equal(n.received, 2501);
	assert_int_equal(n.reordered, 1);
	assert_int_equal(n.duplicates, 2);
	assert_false(numbers_book(&n, NUMBERS_MAX));
	numbers_free(&n);
}

static void numbered_payload_is_read_as_written(void **state)
{
	uint8_t p[NUMBERS_PAYLOAD + 1];
	uint32_t who = 1, number = 2;

	(void)state;
	numbers_write(p, 0x01020304, 0xfffefdfc);
	assert_true(numbers_read(p, sizeof(p), &who, &number));
	assert_int_equal(who, 0x01020304);
	assert_int_equal(number, 0xfffefdfc);
	assert_false(numbers_read(p, NUMBERS_PAYLOAD - 1, &who, &number));
	p[0] ^= 1;
	assert_false(numbers_read(p, sizeof(p), &who, &number));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_are_told_apart),
		cmocka_unit_test(line_is_as_bad_as_was_asked),
		cmocka_unit_test(same_seed_has_the_same_fates),
		cmocka_unit_test(what_is_not_asked_for_passes_at_once),
		cmocka_unit_test(delay_is_kept),
		cmocka_unit_test(every_number_is_accounted_for),
		cmocka_unit_test(numbered_payload_is_read_as_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
