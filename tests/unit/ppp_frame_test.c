/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PPP header in all its forms (PPP-FR-2, PPP-FR-5, Q-14), and packets' lengths. */
#include "tests/unit/ppp_world.h"

static void test_header_forms(void **state)
{
	static const struct {
		const char *frame;
		size_t used;
		uint16_t protocol;
	} cases[] = {
		{ "ff03 0021 45", 4, PPP_IP }, /* address, control, two octets */
		{ "ff03 21 45", 3, PPP_IP }, /* one octet */
		{ "0021 45", 2, PPP_IP }, /* no address and control */
		{ "21 45", 1, PPP_IP }, /* neither */
		{ "ff03 c021 01", 4, PPP_LCP },
		{ "c021 01", 2, PPP_LCP },
		{ "ff03 57", 3, PPP_IPV6 },
		{ "57", 1, PPP_IPV6 }, /* nothing behind it is another's matter */
		{ "", 0, 0 },
		{ "ff", 0, 0 },
		{ "ff03", 0, 0 },
		{ "ff03 c0", 0, 0 }, /* too short for its protocol */
		{ "00", 0, 0 },
		{ "ff03 c020 01", 0, 0 }, /* an even last octet */
		{ "0020", 0, 0 },
		{ "ff04 0021", 0, 0 }, /* 00ff is no protocol */
		{ "ff03 ff03 0021", 0, 0 }, /* FF 03 once */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t frame[16];
		uint16_t protocol = 0;
		size_t len = unhex(cases[i].frame, frame, sizeof(frame));

		assert_int_equal(ppp_header_parse(frame, len, &protocol), cases[i].used);
		assert_int_equal(protocol, cases[i].protocol);
	}
}

/* a LAC may mix them within one negotiation. */
static void test_a_negotiation_in_mixed_forms(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_lns(&w);
	wire_clear(&w);
	feed(&w.lns, "c021 0101000a 0506a1b2c3d4");
	expect_frame(&w, "ff03c021 0201000a 0506a1b2c3d4");
	feed(&w.lns, "ff03c021 0102000a 0506a1b2c3d4");
	expect_frame(&w, "ff03c021 0202000a 0506a1b2c3d4");
	world_free(&w);
}

/* PPP-FR-6: what is behind the length is padding; a length that lies is no packet. */
static void test_lengths_of_packets(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_lns(&w);
	wire_clear(&w);
	feed(&w.lns, "ff03c021 0101000a 0506a1b2c3d4 deadbeef");
	expect_frame(&w, "ff03c021 0201000a 0506a1b2c3d4");
	feed(&w.lns, "ff03c021 0101000b 0506a1b2c3d4");
	feed(&w.lns, "ff03c021 01010003");
	feed(&w.lns, "ff03c021 01010000");
	feed(&w.lns, "ff03c021 0101");
	feed(&w.lns, "ff03c021");
	expect_nothing(&w);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header_forms),
		cmocka_unit_test(test_a_negotiation_in_mixed_forms),
		cmocka_unit_test(test_lengths_of_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
