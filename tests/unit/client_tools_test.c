/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the client and the load generator count and judge by themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/client/load.h"
#include "tests/client/options.h"
#include "tests/client/pace.h"
#include "tests/client/sequence.h"

static void held_up_it_makes_up_for_little(void **state)
{
	struct pace p = { .start_us = 1000000 };

	(void)state;
	assert_int_equal(pace_due(&p, 2000, 999999), 0);
	assert_int_equal(pace_due(&p, 2000, 1005000), 10);
	p.given += 10;
	assert_int_equal(pace_due(&p, 2000, 1005000), 0);
	assert_int_equal(pace_due(&p, 2000, 1105000), PACE_BURST); /* and not 200 */
	p.given += PACE_BURST;
	assert_int_equal(pace_due(&p, 2000, 1105000), 0);
	assert_int_equal(pace_due(&p, 2000, 1110000), 10); /* the rate is what it was */

	p = (struct pace){ 0 };
	assert_int_equal(pace_due(&p, 100000, 1000000), 2000); /* 20 ms */
	assert_int_equal(pace_due(&p, 1000000, 2000000), PACE_MOST);
}

static void numbers_in_order_are_taken_and_gaps_counted(void **state)
{
	struct sequence s = { 0 };
	uint16_t lost;

	(void)state;
	assert_true(sequence_accept(&s, 0, &lost)); /* DP-SEQ-1 */
	assert_int_equal(lost, 0);
	assert_true(sequence_accept(&s, 4, &lost));
	assert_int_equal(lost, 3);
	assert_false(sequence_accept(&s, 4, &lost)); /* duplicate */
	assert_false(sequence_accept(&s, 1, &lost)); /* late */
	assert_true(sequence_accept(&s, 5, &lost));
	assert_int_equal(lost, 0);
}

static void numbers_wrap(void **state)
{
	struct sequence s = { .expected = 0xffff };
	uint16_t lost;

	(void)state;
	assert_true(sequence_accept(&s, 0xffff, &lost));
	assert_true(sequence_accept(&s, 0, &lost));
	assert_false(sequence_accept(&s, 0xffff, &lost));
	assert_int_equal(s.expected, 1);
	assert_true(sequence_accept(&s, 0x8000, &lost)); /* 32767 ahead */
	assert_int_equal(lost, 0x7fff);
	assert_false(sequence_accept(&s, 0x0001, &lost)); /* 32768 ahead: old */
}

static void restarted_peer_is_followed_after_64(void **state)
{
	struct sequence s = { .expected = 1000 };
	uint16_t lost;

	(void)state;
	for (uint16_t i = 0; i < SEQUENCE_RESYNC - 1; i++) /* DP-SEQ-2 */
		assert_false(sequence_accept(&s, i, &lost));
	assert_true(sequence_accept(&s, SEQUENCE_RESYNC - 1, &lost));
	assert_true(sequence_accept(&s, SEQUENCE_RESYNC, &lost));
}

static void old_packets_out_of_order_do_not_resync(void **state)
{
	struct sequence s = { .expected = 1000 };
	uint16_t lost;

	(void)state;
	for (uint16_t i = 0; i < 500; i++)
		assert_false(sequence_accept(&s, (uint16_t)(i * 2 % 998), &lost));
	assert_int_equal(s.expected, 1000);
}

static void percentiles_are_nearest_rank(void **state)
{
	uint32_t us[200], one = 7000;
	struct load_percentiles p;

	(void)state;
	for (uint32_t i = 0; i < 200; i++)
		us[i] = (200 - i) * 1000; /* 200 ms down to 1 ms */
	p = load_percentiles(us, 200);
	assert_true(p.p50 == 100.0);
	assert_true(p.p99 == 198.0);
	assert_true(p.max == 200.0);
	p = load_percentiles(&one, 1);
	assert_true(p.p50 == 7.0 && p.p99 == 7.0 && p.max == 7.0);
	p = load_percentiles(NULL, 0);
	assert_true(p.max == 0.0);
}

static void duplicates_are_counted(void **state)
{
	uint64_t v[] = { 5, 1, 5, 9, 5, 1 };

	(void)state;
	assert_int_equal(load_duplicates(v, 6), 3);
	assert_int_equal(load_duplicates(v, 0), 0);
}

static void reasons_beyond_the_table_are_lumped(void **state)
{
	struct load_failures f = { 0 };
	char text[300];
	uint64_t sum = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		snprintf(text, sizeof(text), "reason %d", i % 50);
		load_failures_add(&f, text);
	}
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	load_failures_add(&f, text);
	assert_int_equal(f.n, LOAD_REASONS);
	assert_string_equal(f.text[0], "reason 0");
	assert_int_equal(f.count[0], 2);
	assert_string_equal(f.text[LOAD_REASONS - 1], "other reasons");
	for (unsigned int i = 0; i < f.n; i++)
		sum += f.count[i];
	assert_int_equal(sum, 101);
}

static uint32_t sum_of(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i += 2)
		sum += (uint32_t)(p[i] << 8 | (i + 1 < len ? p[i + 1] : 0));
	return sum;
}

static uint16_t folded(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static void traffic_packets_are_right(void **state)
{
	struct load_options opt = { .traffic_port = 7, .traffic_to = addr_from_v4(0xc6336401) };
	struct load_line lines[3] = { [2] = { .ipv4 = 0x0a000005, .sent = 0x01020304 } };
	struct load g = { .opt = &opt, .lines = lines };
	static const uint8_t payload[] = { 'L', '2', 'X', 'L', 0, 0, 0, 2, 1, 2, 3, 4 };
	uint8_t p[128];
	size_t len;

	(void)state;
	len = load_traffic_packet(&g, 2, p);
	assert_int_equal(len, 40);
	assert_int_equal(p[0], 0x45);
	assert_int_equal(p[3], 40);
	assert_int_equal(folded(sum_of(p, 20)), 0xffff);
	assert_int_equal(p[15], 5);
	assert_int_equal(p[23], 7);
	assert_memory_equal(p + 28, payload, sizeof(payload));

	assert_int_equal(addr_parse("2001:db8:1000:2::1", &lines[2].ipv6), 0);
	assert_int_equal(addr_parse("2001:db8:9::7", &opt.traffic_to), 0);
	len = load_traffic_packet(&g, 2, p);
	assert_int_equal(len, 60);
	assert_int_equal(p[5], 20);
	/* pseudo-header: both addresses, length, protocol */
	assert_int_equal(folded(sum_of(p + 8, 52) + 20 + 17), 0xffff);
	assert_memory_equal(p + 48, payload, sizeof(payload));
}

static void traffic_for_another_session_is_noticed(void **state)
{
	struct load_options opt = { .traffic_port = 7, .traffic_to = addr_from_v4(0xc6336401) };
	struct load_line lines[2] = { { .ipv4 = 0xc6336401 }, { .ipv4 = 0x0a000002 } };
	struct load g = { .opt = &opt, .lines = lines };
	struct line_packet packet = { .protocol = PPP_IP };
	uint8_t p[128];

	(void)state;
	packet.data = p;
	packet.len = load_traffic_packet(&g, 0, p); /* its destination is line 0's address */
	load_traffic_received(&g, &lines[0], &packet);
	assert_int_equal(g.traffic_received, 1);
	load_traffic_received(&g, &lines[1], &packet);
	assert_int_equal(g.traffic_misdelivered, 1);
	packet.len = load_traffic_packet(&g, 1, p); /* for line 0's address, but line 1's number */
	load_traffic_received(&g, &lines[0], &packet);
	assert_int_equal(g.traffic_misdelivered, 2);
	packet.len = 10;
	load_traffic_received(&g, &lines[0], &packet);
	assert_int_equal(g.traffic_misdelivered, 3);
	assert_int_equal(g.traffic_received, 1);
	numbers_free(&lines[0].numbers);
	numbers_free(&lines[1].numbers);
}

static void names_and_endpoints_are_read(void **state)
{
	struct ipaddr a, b;
	uint16_t port;
	char *name = option_name("sub%d@isp", 42);

	(void)state;
	assert_string_equal(name, "sub42@isp");
	free(name);
	name = option_name("50%s", 1);
	assert_string_equal(name, "50%s");
	free(name);
	assert_true(option_endpoint("--x", "192.0.2.1:7", &a, &port));
	assert_int_equal(addr_v4(&a), 0xc0000201);
	assert_int_equal(port, 7);
	assert_true(option_endpoint("--x", "[2001:db8::1]:65535", &a, &port));
	assert_int_equal(addr_parse("2001:db8::1", &b), 0);
	assert_true(addr_eq(&a, &b));
	assert_int_equal(port, 65535);
	assert_false(option_endpoint("--x", "192.0.2.1", &a, &port));
	assert_false(option_endpoint("--x", "192.0.2.1:0", &a, &port));
	assert_false(option_endpoint("--x", "[]:1", &a, &port));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(held_up_it_makes_up_for_little),
		cmocka_unit_test(numbers_in_order_are_taken_and_gaps_counted),
		cmocka_unit_test(numbers_wrap),
		cmocka_unit_test(restarted_peer_is_followed_after_64),
		cmocka_unit_test(old_packets_out_of_order_do_not_resync),
		cmocka_unit_test(percentiles_are_nearest_rank),
		cmocka_unit_test(duplicates_are_counted),
		cmocka_unit_test(reasons_beyond_the_table_are_lumped),
		cmocka_unit_test(traffic_packets_are_right),
		cmocka_unit_test(traffic_for_another_session_is_noticed),
		cmocka_unit_test(names_and_endpoints_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
