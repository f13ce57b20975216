/* SPDX-License-Identifier: GPL-2.0-or-later */
/* loader/base: timers, identifiers, addresses, readers and quoting. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "loader/base/addr.h"
#include "loader/base/bytes.h"
#include "loader/base/ids.h"
#include "loader/base/log.h"
#include "loader/base/timers.h"

#define N_TIMERS 500

struct probe {
	struct timer timer;
	struct timers *ts;
	msec_t due, fired_at;
	unsigned int order, fired;
	msec_t again; /* set anew this much later, once */
};

static unsigned int fire_order;

static void fire(struct timer *t, msec_t now)
{
	struct probe *p = (struct probe *)t;

	p->fired_at = now;
	p->fired++;
	p->order = fire_order++;
	if (p->again) {
		timer_set(p->ts, t, now + p->again, fire);
		p->again = 0;
	}
}

static void timers_fire_in_order_of_deadline(void **state)
{
	static struct probe p[N_TIMERS];
	struct timers ts;
	msec_t last = 0;

	(void)state;
	timers_init(&ts);
	assert_true(timers_next(&ts) == TIMERS_NEVER);
	srandom(7);
	for (int i = 0; i < N_TIMERS; i++) {
		p[i].due = (msec_t)random() % 1000;
		assert_int_equal(timer_set(&ts, &p[i].timer, p[i].due, fire), 0);
	}
	for (int i = 0; i < N_TIMERS; i += 2) { /* moved, both ways */
		p[i].due = (msec_t)random() % 1000;
		timer_set(&ts, &p[i].timer, p[i].due, fire);
		assert_true(timer_when(&ts, &p[i].timer) == p[i].due);
	}
	for (int i = 0; i < N_TIMERS; i += 5)
		timer_stop(&ts, &p[i].timer);
	for (msec_t now = 0; timers_next(&ts) != TIMERS_NEVER; now++) {
		assert_true(timers_next(&ts) >= last);
		last = timers_next(&ts);
		timers_run(&ts, now, SIZE_MAX);
	}
	for (int i = 0; i < N_TIMERS; i++) {
		assert_int_equal(p[i].fired, i % 5 ? 1 : 0);
		assert_false(timer_is_set(&p[i].timer));
		if (i % 5)
			assert_true(p[i].fired_at == p[i].due);
	}
	timers_free(&ts);
}

static void again_in_30(struct timer *t, msec_t now)
{
	struct probe *p = (struct probe *)t;

	p->fired++;
	assert_true(now == p->due);
	p->due = now + 30;
	timer_set(p->ts, t, p->due, again_in_30);
}

/* What the cost hangs on is not how many there are. Those of one deadline run as they were set. */
static void timers_share_their_deadlines(void **state)
{
	static struct probe p[N_TIMERS];
	struct timers ts;

	(void)state;
	timers_init(&ts);
	for (int i = 0; i < N_TIMERS; i++) {
		p[i].ts = &ts;
		p[i].due = (msec_t)(i % 30 + 1);
		assert_int_equal(timer_set(&ts, &p[i].timer, p[i].due, again_in_30), 0);
	}
	for (msec_t now = 1; now <= 3000; now++) {
		assert_true(timers_next(&ts) == now);
		assert_int_equal(ts.n, 30);
		timers_run(&ts, now, SIZE_MAX);
	}
	for (int i = 0; i < N_TIMERS; i++)
		assert_int_equal(p[i].fired, 100);
	timers_free(&ts); /* those that are set, too */
	for (int i = 0; i < N_TIMERS; i++)
		assert_false(timer_is_set(&p[i].timer));
	fire_order = 0;
	for (int i = 0; i < N_TIMERS; i++)
		timer_set(&ts, &p[i].timer, 7, fire);
	timer_set(&ts, &p[3].timer, 7, fire); /* it is the last one now */
	timer_stop(&ts, &p[N_TIMERS - 1].timer);
	timers_run(&ts, 7, SIZE_MAX);
	assert_int_equal(p[0].order, 0);
	assert_int_equal(p[4].order, 3);
	assert_int_equal(p[3].order, N_TIMERS - 2);
	assert_true(timers_next(&ts) == TIMERS_NEVER);
	timers_free(&ts);
}

static void timers_may_be_set_by_themselves_and_limited(void **state)
{
	struct timers ts;
	struct probe a = { .ts = &ts, .again = 5 }, b = { .ts = &ts };

	(void)state;
	timers_init(&ts);
	timer_set(&ts, &a.timer, 10, fire);
	timer_set(&ts, &b.timer, 10, fire);
	timers_run(&ts, 20, 1);
	assert_int_equal(a.fired + b.fired, 1);
	timers_run(&ts, 20, 10);
	assert_int_equal(b.fired, 1);
	assert_int_equal(a.fired, 1);
	assert_true(timers_next(&ts) == 25);
	timers_run(&ts, 25, 10);
	assert_int_equal(a.fired, 2);
	timer_stop(&ts, &a.timer); /* not set: nothing happens */
	timers_free(&ts);
}

static void pseudo_random(void *ctx, void *buf, size_t n)
{
	uint64_t *x = ctx;
	uint8_t *p = buf;

	while (n--) {
		*x ^= *x << 13;
		*x ^= *x >> 7;
		*x ^= *x << 17;
		*p++ = (uint8_t)*x;
	}
}

static void ids_are_dense_unique_and_not_in_order(void **state)
{
	static uint8_t seen[65536];
	uint64_t seed = 42;
	struct ids *ids = ids_new(65535, pseudo_random, &seed);
	unsigned int steps = 0;
	uint16_t last = 0;

	(void)state;
	assert_non_null(ids);
	for (int i = 0; i < 65535; i++) {
		uint16_t id = ids_take(ids, 0);

		assert_int_not_equal(id, 0);
		assert_int_equal(seen[id]++, 0);
		steps += id == (uint16_t)(last + 1);
		last = id;
	}
	assert_true(steps < 100);
	assert_int_equal(ids_take(ids, 0), 0);
	assert_int_equal(ids_in_use(ids), 65535);
	ids_free(ids);
}

/* V2-CC-3, DP-SPOOF-6 */
static void ids_rest_31_seconds(void **state)
{
	uint64_t seed = 1;
	struct ids *ids = ids_new(2, pseudo_random, &seed);
	uint16_t a = ids_take(ids, 0), b = ids_take(ids, 0);

	(void)state;
	ids_release(ids, a, 1000);
	ids_release(ids, a, 1000); /* twice does no harm */
	assert_int_equal(ids_in_use(ids), 1);
	assert_int_equal(ids_take(ids, 1000 + IDS_REST_MS - 1), 0);
	assert_int_equal(ids_take(ids, 1000 + IDS_REST_MS), a);
	ids_release(ids, b, 100000);
	assert_int_equal(ids_claim(ids, b), 0);
	assert_int_equal(ids_claim(ids, b), -EBUSY);
	assert_int_equal(ids_claim(ids, 3), -EINVAL);
	assert_int_equal(ids_claim(ids, 0), -EINVAL);
	ids_free(ids);
}

/* Claims and releases between the draws: nothing is handed out twice, nothing is lost. */
static void ids_stay_unique_whatever_the_order(void **state)
{
	static uint8_t held[1001];
	uint64_t seed = 99;
	struct ids *ids = ids_new(1000, pseudo_random, &seed);
	msec_t now = 0;
	unsigned int n = 0;

	(void)state;
	srandom(3);
	for (int step = 0; step < 20000; step++, now += 1 + (msec_t)random() % 200) {
		uint16_t id = (uint16_t)(1 + random() % 1000);

		if (random() % 3 == 0 && held[id]) {
			ids_release(ids, id, now);
			held[id] = 0;
			n--;
			continue;
		}
		if (random() % 4 == 0) {
			assert_int_equal(ids_claim(ids, id), held[id] ? -EBUSY : 0);
			n += !held[id];
			held[id] = 1;
			continue;
		}
		id = ids_take(ids, now);
		if (!id)
			continue;
		assert_int_equal(held[id], 0);
		held[id] = 1;
		n++;
	}
	assert_int_equal(ids_in_use(ids), n);
	while (ids_take(ids, now + IDS_REST_MS))
		n++;
	assert_int_equal(n, 1000);
	ids_free(ids);
}

static void prefixes_are_parsed_strictly(void **state)
{
	static const struct {
		const char *text;
		int ret;
	} t[] = { { "192.0.2.0/24", 0 },
		  { "192.0.2.1/24", -EDOM },
		  { "192.0.2.1", 0 },
		  { "0.0.0.0/0", 0 },
		  { "192.0.2.0/33", -EINVAL },
		  { "192.0.2/24", -EINVAL },
		  { "2001:db8::/32", 0 },
		  { "2001:db8::1/32", -EDOM },
		  { "::/0", 0 },
		  { "2001:db8::/129", -EINVAL },
		  { "", -EINVAL },
		  { "/8", -EINVAL },
		  { "10.0.0.0/", -EINVAL },
		  { "10.0.0.0/-1", -EINVAL },
		  { "10.0.0.0/8 ", -EINVAL } };
	struct prefix p;
	char buf[PREFIX_STRLEN];

	(void)state;
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		assert_int_equal(prefix_parse(t[i].text, &p), t[i].ret);
	prefix_parse("2001:db8:1000::/36", &p);
	assert_string_equal(prefix_str(&p, buf), "2001:db8:1000::/36");
}

static bool inside(const char *prefix, const char *addr)
{
	struct prefix p;
	struct ipaddr a;

	assert_int_equal(prefix_parse(prefix, &p), 0);
	assert_int_equal(addr_parse(addr, &a), 0);
	return prefix_contains(&p, &a);
}

static void prefixes_contain_by_bits_and_family(void **state)
{
	(void)state;
	assert_true(inside("192.0.2.0/25", "192.0.2.127"));
	assert_false(inside("192.0.2.0/25", "192.0.2.128"));
	assert_true(inside("0.0.0.0/0", "255.1.2.3"));
	assert_false(inside("::/0", "192.0.2.1"));
	assert_false(inside("0.0.0.0/0", "2001:db8::1"));
	assert_true(inside("2001:db8:8000::/33", "2001:db8:8fff::1"));
	assert_false(inside("2001:db8:8000::/33", "2001:db8:7fff::1"));
}

static void addresses_convert(void **state)
{
	struct ipaddr a, b;
	struct sockaddr_storage ss;
	uint16_t port;
	char buf[PATH_STRLEN];

	(void)state;
	addr_parse("192.0.2.9", &a);
	assert_int_equal(addr_v4(&a), 0xc0000209);
	addr_to_sockaddr(&a, 1701, &ss);
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, &b, &port), 0);
	assert_true(addr_eq(&a, &b));
	assert_string_equal(endpoint_str(&b, port, buf), "192.0.2.9:1701");
	addr_parse("2001:db8:1:2::9", &a);
	assert_true(addr_v6_upper(&a) == 0x20010db800010002);
	assert_int_equal(addr_v4(&a), 0);
	addr_to_sockaddr(&a, 7, &ss);
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&ss, &b, &port), 0);
	assert_string_equal(endpoint_str(&b, port, buf), "[2001:db8:1:2::9]:7");
}

static void readers_stop_at_the_end(void **state)
{
	static const uint8_t raw[] = { 1, 2, 3, 4, 5 };
	struct reader r = reader_of(raw, sizeof(raw)), s;

	(void)state;
	assert_int_equal(reader_u16(&r), 0x0102);
	s = reader_sub(&r, 2);
	assert_int_equal(reader_u16(&s), 0x0304);
	assert_false(s.bad);
	assert_int_equal(reader_u8(&s), 0);
	assert_true(s.bad);
	assert_int_equal(reader_u32(&r), 0);
	assert_true(r.bad);
	assert_int_equal(reader_u8(&r), 0); /* stays bad, though one octet was left */
}

static void writers_stop_at_the_end(void **state)
{
	uint8_t buf[4] = { 0 };
	struct writer w = writer_of(buf, 3);

	(void)state;
	writer_u16(&w, 0x0102);
	writer_patch_u16(&w, 0, 0x0a0b);
	writer_patch_u16(&w, 1, 0xffff); /* not all written: left alone */
	writer_u16(&w, 0x0304);
	assert_true(w.bad);
	assert_int_equal(w.len, 2);
	assert_memory_equal(buf, "\x0a\x0b\x00\x00", 4);
}

static void untrusted_text_is_quoted(void **state)
{
	char out[16];

	(void)state;
	assert_string_equal(log_quote("joe", 3, out, sizeof(out)), "joe");
	assert_string_equal(log_quote("a\nb", 3, out, sizeof(out)), "a\\x0ab");
	assert_string_equal(log_quote("a\0\"", 3, out, sizeof(out)), "a\\x00\\x22");
	assert_string_equal(log_quote("0123456789abcde", 15, out, sizeof(out)), "0123456789abcde");
	assert_string_equal(log_quote("0123456789abcdef", 16, out, sizeof(out)), "0123456789ab...");
	assert_string_equal(log_quote("%s%n", 4, out, sizeof(out)), "%s%n");
}

static void log_lines_are_limited(void **state)
{
	struct log_limit l = { 0 };

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_true(log_allowed(&l, 1000, 3, 500));
	assert_false(log_allowed(&l, 1000, 3, 500));
	assert_false(log_allowed(&l, 1499, 3, 500));
	assert_true(log_allowed(&l, 1500, 3, 500));
	assert_false(log_allowed(&l, 1501, 3, 500));
	for (int i = 0; i < 3; i++)
		assert_true(log_allowed(&l, 100000, 3, 500));
	assert_false(log_allowed(&l, 100000, 3, 500));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_fire_in_order_of_deadline),
		cmocka_unit_test(timers_share_their_deadlines),
		cmocka_unit_test(timers_may_be_set_by_themselves_and_limited),
		cmocka_unit_test(ids_are_dense_unique_and_not_in_order),
		cmocka_unit_test(ids_rest_31_seconds),
		cmocka_unit_test(ids_stay_unique_whatever_the_order),
		cmocka_unit_test(prefixes_are_parsed_strictly),
		cmocka_unit_test(prefixes_contain_by_bits_and_family),
		cmocka_unit_test(addresses_convert),
		cmocka_unit_test(readers_stop_at_the_end),
		cmocka_unit_test(writers_stop_at_the_end),
		cmocka_unit_test(untrusted_text_is_quoted),
		cmocka_unit_test(log_lines_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
