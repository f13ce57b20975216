/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The row "PPP" of the bytes that must be survived (docs/protocol/quirks.md), class by
 * class, and echoes and rejects (docs/protocol/ppp.md section 5). Names and values of 255
 * octets, unsolicited CHAP Successes: ppp_auth_test.c. Mixed protocol forms:
 * ppp_frame_test.c. Option lengths 0, 1, 255: also ppp_lcp_test.c.
 */
#include "tests/unit/ppp_world.h"

/* LCP open, magic a1b2c3d4 on the peer's side, no authentication. */
static void lns_up(struct world *w)
{
	world_init(w);
	w->lns.cfg.n_auths = 0;
	world_lns(w);
	lcp_open(&w->lns);
	wire_clear(w);
}

static void still_good(struct world *w)
{
	wire_clear(w);
	feed(&w->lns, "ff03c021 09070008 a1b2c3d4");
	assert_non_null(wire_find(w, PPP_LCP, CODE_ECHO_REPLY));
	assert_int_equal(w->lns.n_finished, 0);
}

/* ---- echo ---- */

static uint32_t our_magic(const struct world *w)
{
	return w->lns.link->lcp.magic;
}

/* PPP-ECHO-1 */
static void test_echo_is_answered_in_opened_only(void **state)
{
	struct world w;
	char want[64];

	(void)state;
	lns_up(&w);
	feed(&w.lns, "ff03c021 0907000c a1b2c3d4 cafebabe");
	snprintf(want, sizeof(want), "ff03c021 0a07000c %08x cafebabe", our_magic(&w));
	expect_frame(&w, want);
	feed(&w.lns, "ff03c021 09080008 00000000"); /* zero: no number */
	snprintf(want, sizeof(want), "ff03c021 0a080008 %08x", our_magic(&w));
	expect_frame(&w, want);
	feed(&w.lns, "ff03c021 09080007 000000"); /* too short for a number */
	expect_nothing(&w);
	world_free(&w);

	world_init(&w);
	world_lns(&w);
	wire_clear(&w);
	feed(&w.lns, "ff03c021 09070008 a1b2c3d4");
	expect_nothing(&w);
	world_free(&w);
}

/* Echo with a bad magic: PPP-ECHO-3 */
static void test_echo_with_a_bad_magic(void **state)
{
	struct world w;
	char ours[64];

	(void)state;
	lns_up(&w);
	for (unsigned int i = 0; i < 50; i++)
		feed(&w.lns, "ff03c021 09070008 a1b2c3d5");
	expect_nothing(&w);
	still_good(&w);
	wire_clear(&w);
	snprintf(ours, sizeof(ours), "ff03c021 0a070008 %08x", our_magic(&w));
	feed(&w.lns, ours);
	feed(&w.lns, ours);
	assert_int_equal(w.lns.n_finished, 0);
	feed(&w.lns, ours); /* the third: a loop */
	world_run(&w, 3100);
	assert_int_equal(w.lns.n_finished, 1);
	assert_int_equal(w.lns.cause->code, 7);
	world_free(&w);
}

/* PPP-ECHO-2 */
static void test_a_silent_peer_is_found(void **state)
{
	struct world w;
	unsigned int n = 0;

	(void)state;
	world_init(&w);
	world_pair(&w);
	world_run(&w, 300);
	w.lns.other = NULL; /* nothing gets through any more */
	world_run(&w, 152000);
	while (wire_find(&w, PPP_LCP, CODE_ECHO_REQUEST))
		n++;
	assert_int_equal(n, 4);
	world_run(&w, 4000);
	assert_int_equal(w.lns.n_finished, 1);
	assert_int_equal(w.lns.cause->code, 8);
	assert_int_equal(w.lns.cause->cdn_result, 1);
	assert_int_equal(w.lns.down4, 1);
	world_free(&w);
}

/* PPP-ECHO-2: one whose data flows is not asked; one that answers stays. */
static void test_a_living_peer_stays(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_pair(&w);
	world_run(&w, 600000);
	assert_int_equal(w.lns.n_finished, 0);
	w.lns.alive = true;
	w.lns.other = NULL;
	world_run(&w, 590000);
	assert_null(wire_find(&w, PPP_LCP, CODE_ECHO_REQUEST));
	assert_int_equal(w.lns.n_finished, 0);
	world_free(&w);
}

/* once a second is nothing special. */
static void test_an_echo_every_second(void **state)
{
	struct world w;

	(void)state;
	lns_up(&w);
	ask(&w.lns, PPP_IPCP, "03060a000307");
	agree(&w.lns, PPP_IPCP);
	for (unsigned int i = 0; i < 300; i++) {
		world_run(&w, 1000);
		still_good(&w);
	}
	world_free(&w);
}

/* ---- rejects ---- */

/* PPP-CCP-1, and the example of section 13; PPP-REJ-1, PPP-REJ-2 */
static void test_ccp_is_rejected(void **state)
{
	struct world w;
	const struct wire *f;
	uint8_t id;

	(void)state;
	lns_up(&w);
	feed(&w.lns, "ff0380fd 0101000a 120601000060");
	f = wire_next(&w);
	assert_memory_equal(f->data, "\xff\x03\xc0\x21\x08", 5);
	id = f->data[5];
	assert_string_equal(hex_of(f->data + 6, f->len - 6), "001080fd0101000a120601000060");
	feed(&w.lns, "ff0380fd 0102000a 120601000060"); /* within the second: once */
	expect_nothing(&w);
	feed(&w.lns, "ff038053 01010004"); /* ECP is another protocol */
	assert_int_equal(wire_next(&w)->data[9], 0x53);
	world_run(&w, 1000);
	wire_clear(&w);
	feed(&w.lns, "ff0380fd 01030004"); /* PPP-CCP-2: the empty one that follows */
	f = wire_find(&w, PPP_LCP, CODE_PROTOCOL_REJECT);
	assert_int_not_equal(f->data[5], id); /* the identifier changes */
	world_free(&w);
}

/* PPP-QRK-11: an endless CCP loop neither floods nor disturbs. */
static void test_ccp_loop(void **state)
{
	struct world w;
	unsigned int n = 0;

	(void)state;
	lns_up(&w);
	ask(&w.lns, PPP_IPCP, "03060a000307");
	agree(&w.lns, PPP_IPCP);
	wire_clear(&w);
	for (unsigned int i = 0; i < 600; i++) {
		feed(&w.lns, "ff0380fd 0101000a 120601000060");
		world_run(&w, 50);
	}
	while (wire_find(&w, PPP_LCP, CODE_PROTOCOL_REJECT))
		n++;
	assert_in_range(n, 10, 30);
	assert_true(ppp_is_open(w.lns.link, PPP_IP));
	world_run(&w, 10000);
	still_good(&w);
	world_free(&w);
}

/* PPP-FSM-9 */
static void test_a_hundred_packets_in_ten_seconds(void **state)
{
	struct world w;
	unsigned int n = 0;

	(void)state;
	lns_up(&w);
	world_run(&w, 10000); /* a new period */
	wire_clear(&w);
	for (unsigned int i = 0; i < 1000; i++)
		feed(&w.lns, "ff03c021 09070008 a1b2c3d4");
	while (wire_find(&w, PPP_LCP, CODE_ECHO_REPLY))
		n++;
	assert_int_equal(n, 100);
	world_run(&w, 10000);
	still_good(&w);
	world_free(&w);
}

/* EAP, CBCP, MPLSCP, ACSP: nobody agreed to them (PPP-QRK-2, PPP-QRK-4, PPP-CBCP-1). */
static void test_protocols_nobody_speaks(void **state)
{
	static const uint16_t protocols[] = { 0xc227, 0xc029, 0x8281, 0x8235, 0xc02b, 0x002d };
	struct world w;

	(void)state;
	lns_up(&w);
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		char hex[64];
		const struct wire *f;

		snprintf(hex, sizeof(hex), "ff03%04x 01010004", protocols[i]);
		feed(&w.lns, hex);
		f = wire_find(&w, PPP_LCP, CODE_PROTOCOL_REJECT);
		assert_non_null(f);
		assert_int_equal(f->data[8] << 8 | f->data[9], protocols[i]);
	}
	feed(&w.lns, "ff0300fd 0102"); /* PPP-CCP-4, PPP-MP-1: silently */
	feed(&w.lns, "ff03003d 0102");
	expect_nothing(&w);
	world_free(&w);
}

/* NCP before authentication, and EAP when it was not negotiated: PPP-PH-2, PPP-PH-3 */
static void test_ncp_before_authentication(void **state)
{
	static const char *const early[] = {
		"ff038021 0101000a 030600000000",
		"ff038057 0101000e 010a0000000000000001",
		"ff0380fd 01010004",
		"ff03c227 01010005 01",
		"ff030021 45000014",
		"ff030057 60000000",
		"ff03c025 00000000",
	};
	struct world w;

	(void)state;
	world_init(&w);
	world_lns(&w);
	wire_clear(&w);
	for (size_t i = 0; i < 7; i++)
		feed(&w.lns, early[i]); /* Establish */
	expect_nothing(&w);
	world_free(&w);

	world_init(&w);
	world_lns(&w);
	lcp_open(&w.lns);
	assert_string_equal(ppp_phase(w.lns.link), "authenticate");
	wire_clear(&w);
	for (size_t i = 0; i < 7; i++)
		feed(&w.lns, early[i]);
	expect_nothing(&w);
	assert_int_equal(w.lns.up4 + w.lns.up6, 0);
	world_free(&w);
}

/* Code-Reject of a Code-Reject: RXJ-, the end, and no answer with one (PPP-FSM-11). */
static void test_code_reject_of_a_code_reject(void **state)
{
	struct world w;

	(void)state;
	lns_up(&w);
	feed(&w.lns, "ff03c021 07050008 07010004");
	assert_null(wire_find(&w, PPP_LCP, CODE_CODE_REJECT));
	assert_string_equal(ppp_phase(w.lns.link), "terminate");
	world_run(&w, 3100);
	assert_int_equal(w.lns.n_finished, 1);
	world_free(&w);
}

static void test_code_rejects_that_end_nothing(void **state)
{
	struct world w;

	(void)state;
	lns_up(&w);
	feed(&w.lns, "ff03c021 07050004"); /* of nothing */
	feed(&w.lns, "ff03c021 07050008 0c010004"); /* of an Identification */
	feed(&w.lns, "ff03c021 0705000c 09010008 00000000"); /* of our echoes */
	still_good(&w);
	wire_clear(&w);
	world_run(&w, 29000); /* ... which then do not come any more */
	assert_null(wire_find(&w, PPP_LCP, CODE_ECHO_REQUEST));
	world_free(&w);
}

/* PPP-FSM-11 */
static void test_unknown_codes_are_rejected(void **state)
{
	struct world w;
	const struct wire *f;

	(void)state;
	lns_up(&w);
	feed(&w.lns, "ff03c021 0e330006 abcd");
	f = wire_next(&w);
	assert_int_equal(f->data[4], CODE_CODE_REJECT);
	assert_string_equal(hex_of(f->data + 6, f->len - 6), "000a0e330006abcd");
	feed(&w.lns, "ff038021 08330004"); /* NCPs have 1 to 7 only */
	f = wire_next(&w);
	assert_memory_equal(f->data + 2, "\x80\x21\x07", 3);
	feed(&w.lns, "ff03c021 0c010008 a1b2c3d4"); /* PPP-QRK-1: Identification, */
	feed(&w.lns, "ff03c021 0d01000c a1b2c3d4 00000e10"); /* Time-Remaining, */
	feed(&w.lns, "ff03c021 0b010008 a1b2c3d4"); /* Discard-Request */
	feed(&w.lns, "ff03c021 00010004"); /* code 0 is unknown, too */
	assert_int_equal(wire_next(&w)->data[4], CODE_CODE_REJECT);
	expect_nothing(&w);
	world_free(&w);
}

/* Protocol-Reject of LCP: PPP-REJ-3 */
static void test_protocol_reject_of_lcp(void **state)
{
	struct world w;

	(void)state;
	lns_up(&w);
	feed(&w.lns, "ff03c021 0801000a c021 01010004");
	assert_string_equal(ppp_phase(w.lns.link), "terminate");
	world_run(&w, 3100);
	assert_int_equal(w.lns.n_finished, 1);
	world_free(&w);

	world_init(&w); /* not Opened: it says nothing */
	world_lns(&w);
	wire_clear(&w);
	feed(&w.lns, "ff03c021 0801000a c021 01010004");
	feed(&w.lns, "ff03c021 08010005 c0");
	assert_string_equal(ppp_phase(w.lns.link), "establish");
	expect_nothing(&w);
	world_free(&w);
}

/* PPP-REJ-3 */
static void test_protocol_reject_of_networks(void **state)
{
	struct world w;

	(void)state;
	lns_up(&w);
	ask(&w.lns, PPP_IPCP, "03060a000307");
	answer(&w.lns, PPP_IPCP, CODE_CONFIGURE_ACK, "03060a000001");
	assert_true(ppp_is_open(w.lns.link, PPP_IP));
	feed(&w.lns, "ff03c021 0801000a 8057 01010004"); /* IPV6CP: a client without IPv6 */
	wire_clear(&w);
	world_run(&w, 20000);
	assert_null(wire_find(&w, PPP_IPV6CP, CODE_CONFIGURE_REQUEST));
	assert_true(ppp_is_open(w.lns.link, PPP_IP));
	feed(&w.lns, "ff03c021 08020008 0021 4500"); /* its data */
	assert_int_equal(w.lns.down4, 1);
	feed(&w.lns, "ff03c021 08020008 80fd 0101"); /* never spoken */
	feed(&w.lns, "ff03c021 08020005 80");
	feed(&w.lns, "ff03c021 08020004");
	assert_int_equal(w.lns.n_finished, 0);
	world_free(&w);
}

static void test_protocol_reject_of_authentication(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_lns(&w);
	lcp_open(&w.lns);
	feed(&w.lns, "ff03c021 0801000a c223 01010004");
	world_run(&w, 3100);
	assert_int_equal(w.lns.n_finished, 1);
	assert_int_equal(w.lns.cause->code, 15);
	world_free(&w);
}

/* ---- 1 500 octets of options, and more ---- */

static void options_flood(uint8_t type, uint8_t option_len, size_t total, uint8_t answer_code)
{
	uint8_t frame[3000] = { 0xff, 3, 0xc0, 0x21, 1, 1 };
	struct world w;
	const struct wire *f;

	world_init(&w);
	world_lns(&w);
	wire_clear(&w);
	for (size_t at = 8; at + option_len <= 8 + total; at += option_len) {
		frame[at] = type;
		frame[at + 1] = option_len;
		if (option_len > 2)
			frame[at + option_len - 1] = 1;
	}
	total -= total % option_len;
	frame[6] = (uint8_t)((total + 4) >> 8);
	frame[7] = (uint8_t)(total + 4);
	ppp_input(w.lns.link, w.now, frame, total + 8);
	f = wire_next(&w);
	if (!answer_code) {
		assert_null(f);
	} else {
		assert_non_null(f);
		assert_int_equal(f->data[4], answer_code);
		assert_true(f->len <= PPP_DEFAULT_MRU + 4);
	}
	world_free(&w);
}

static void test_1500_octets_of_options(void **state)
{
	(void)state;
	options_flood(0x0d, 3, 1494, CODE_CONFIGURE_REJECT);
	options_flood(0x0d, 255, 1494, CODE_CONFIGURE_REJECT);
	options_flood(0x05, 6, 1494, CODE_CONFIGURE_ACK);
	options_flood(0x01, 2, 1494, CODE_CONFIGURE_NAK); /* the Nak would be twice as long */
	options_flood(0x03, 2, 1494, CODE_CONFIGURE_REJECT);
	options_flood(0x0d, 3, 1600, 0); /* longer than a frame may be */
	options_flood(0x0d, 3, 2900, 0);
}

/* Option lengths 0, 1, 255 at the end and in the middle, in every code that has options. */
static void test_option_lengths_0_1_255(void **state)
{
	static const uint16_t protocols[] = { PPP_LCP, PPP_IPCP, PPP_IPV6CP };
	static const char *const tails[] = { "0100", "0101", "01ff", "01", "0306 0a000307 0100" };
	struct world w;

	(void)state;
	lns_up(&w);
	for (unsigned int i = 0; i < 3 * 4 * 5; i++) {
		uint8_t frame[64] = { 0xff, 3 };
		size_t len = unhex(tails[i % 5], frame + 8, 32) + 4;

		frame[2] = (uint8_t)(protocols[i / 20] >> 8);
		frame[3] = (uint8_t)protocols[i / 20];
		frame[4] = (uint8_t)(1 + i / 5 % 4);
		frame[5] = link_fsm(w.lns.link, protocols[i / 20])->request_id;
		frame[7] = (uint8_t)len;
		ppp_input(w.lns.link, w.now, frame, len + 4);
		expect_nothing(&w);
	}
	still_good(&w);
	world_free(&w);
}

/* Configure loops in Opened: every round takes the networks down and none goes on for
 * ever (Q-19, PPP-FSM-9). */
static void test_configure_loops(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_pair(&w);
	world_run(&w, 300);
	for (unsigned int i = 0; i < 500; i++)
		feed(&w.lns, "ff03c021 01fe000a 0506deadbeef");
	world_run(&w, 120000);
	assert_int_equal(w.lns.up4, w.lns.down4 + ppp_is_open(w.lns.link, PPP_IP));
	assert_true(w.n_sent < 1000);
	world_free(&w);
}

/* MRU below 64: ppp_lcp_test.c has the Nak; here the peer that insists loses the option. */
static void test_mru_below_64(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_lns(&w);
	wire_clear(&w);
	for (unsigned int i = 0; i < FSM_MAX_FAILURE; i++) {
		ask(&w.lns, PPP_LCP, "0104003f");
		assert_int_equal(wire_next(&w)->data[4], CODE_CONFIGURE_NAK);
	}
	ask(&w.lns, PPP_LCP, "0104003f");
	assert_int_equal(wire_next(&w)->data[4], CODE_CONFIGURE_REJECT);
	assert_int_equal(ppp_peer_mru(w.lns.link), 1500);
	world_free(&w);
}

/* IP length beyond the frame, IPv6 extension chains: not ours to read, and harmless. */
static void test_data_frames_with_nonsense(void **state)
{
	struct world w;

	(void)state;
	lns_up(&w);
	ask(&w.lns, PPP_IPV6CP, "010a0011223344556677");
	agree(&w.lns, PPP_IPV6CP);
	assert_true(ppp_is_open(w.lns.link, PPP_IPV6));
	wire_clear(&w);
	feed(&w.lns, "ff030021 4500ffff 00000000 4001");
	feed(&w.lns, "ff030057 60000000 ffff3aff fe80000000000000 0000000000000001");
	feed(&w.lns, "ff030057 60000000 00180001 fe80000000000000 0000000000000001"
		     "ff02000000000000 0000000000000002 3a00 050200000100 8500 0000 00000000");
	feed(&w.lns, "ff030057");
	feed(&w.lns, "ff030021");
	expect_nothing(&w);
	still_good(&w);
	world_free(&w);
}

/* ---- ends ---- */

/* PPP-FSM-10, V2-TEAR-5 */
static void test_terminate_from_the_peer(void **state)
{
	struct world w;

	(void)state;
	lns_up(&w);
	ask(&w.lns, PPP_IPCP, "03060a000307");
	answer(&w.lns, PPP_IPCP, CODE_CONFIGURE_ACK, "03060a000001");
	wire_clear(&w);
	feed(&w.lns, "ff03c021 05420009 6279652121");
	assert_int_equal(w.lns.down4, 1); /* PPP-PH-4: before the answer is sent */
	expect_frame(&w, "ff03c021 06420004");
	feed(&w.lns, "ff03c021 05430004"); /* repeated */
	expect_frame(&w, "ff03c021 06430004");
	world_run(&w, 2900);
	assert_int_equal(w.lns.n_finished, 0);
	world_run(&w, 200);
	assert_int_equal(w.lns.n_finished, 1);
	assert_int_equal(w.lns.cause->code, 3);
	assert_int_equal(w.lns.cause->direction, 1);
	assert_int_equal(w.lns.cause->cdn_result, 1);
	feed(&w.lns, "ff03c021 05440004"); /* afterwards: nothing at all */
	expect_nothing(&w);
	world_free(&w);
}

static void test_close_from_here(void **state)
{
	struct world w;
	char hex[64];

	(void)state;
	lns_up(&w);
	ppp_close(w.lns.link, w.now, &ppp_cause_admin);
	snprintf(hex, sizeof(hex), "ff03c021 06%02x0004",
		 wire_find(&w, PPP_LCP, CODE_TERMINATE_REQUEST)->data[5]);
	feed(&w.lns, hex); /* acknowledged: at once */
	assert_int_equal(w.lns.n_finished, 1);
	assert_int_equal(w.lns.cause->code, 1);
	assert_int_equal(w.lns.cause->cdn_result, 3);
	world_free(&w);

	lns_up(&w); /* not acknowledged: twice, and 3 s */
	ppp_close(w.lns.link, w.now, &ppp_cause_admin);
	ppp_close(w.lns.link, w.now, &ppp_cause_loop); /* the first cause counts */
	world_run(&w, 2999);
	assert_int_equal(w.lns.n_finished, 0);
	world_run(&w, 1);
	assert_int_equal(w.lns.n_finished, 1);
	assert_int_equal(w.lns.cause->code, 1);
	assert_non_null(wire_find(&w, PPP_LCP, CODE_TERMINATE_REQUEST));
	assert_non_null(wire_find(&w, PPP_LCP, CODE_TERMINATE_REQUEST));
	expect_nothing(&w);
	world_free(&w);
}

/* A close before anything began has nobody to talk to. */
static void test_close_before_the_start(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_new_link(&w.lns);
	ppp_close(w.lns.link, w.now, &ppp_cause_admin);
	assert_int_equal(w.lns.n_finished, 1);
	expect_nothing(&w);
	world_free(&w);
}

/* Every prefix of good frames, to a link in each phase. */
static void test_frames_cut_at_every_octet(void **state)
{
	static const char *const frames[] = {
		"ff03c021 0101001c 010405dc 0506a1b2c3d4 020600000000 0702 0802 0304c023",
		"ff03c023 01070013 036a6f65 0a636c69656e7450617373",
		"ff03c223 02010018 10 000102030405060708090a0b0c0d0e0f 6a6f65",
		"ff038021 01010016 030600000000 810600000000 830600000000",
		"ff038057 0101000e 010a0011223344556677",
		"ff03c021 0801000a 8057 01010004",
	};

	(void)state;
	for (unsigned int open = 0; open < 2; open++) {
		for (size_t i = 0; i < 6; i++) {
			uint8_t frame[128];
			size_t len = unhex(frames[i], frame, sizeof(frame));
			struct world w;

			world_init(&w);
			w.lns.cfg.n_auths = open ? 0 : 3;
			world_lns(&w);
			if (open)
				lcp_open(&w.lns);
			for (size_t n = 0; n < len; n++) {
				uint8_t *exact = malloc(n ? n : 1);

				assert_non_null(exact);
				memcpy(exact, frame, n); /* so that a read beyond it is seen */
				wire_clear(&w);
				ppp_input(w.lns.link, w.now, exact, n);
				if (i)
					expect_nothing(&w);
				free(exact);
			}
			assert_int_equal(w.lns.n_finished, 0);
			world_free(&w);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_echo_is_answered_in_opened_only),
		cmocka_unit_test(test_echo_with_a_bad_magic),
		cmocka_unit_test(test_a_silent_peer_is_found),
		cmocka_unit_test(test_a_living_peer_stays),
		cmocka_unit_test(test_an_echo_every_second),
		cmocka_unit_test(test_ccp_is_rejected),
		cmocka_unit_test(test_ccp_loop),
		cmocka_unit_test(test_a_hundred_packets_in_ten_seconds),
		cmocka_unit_test(test_protocols_nobody_speaks),
		cmocka_unit_test(test_ncp_before_authentication),
		cmocka_unit_test(test_code_reject_of_a_code_reject),
		cmocka_unit_test(test_code_rejects_that_end_nothing),
		cmocka_unit_test(test_unknown_codes_are_rejected),
		cmocka_unit_test(test_protocol_reject_of_lcp),
		cmocka_unit_test(test_protocol_reject_of_networks),
		cmocka_unit_test(test_protocol_reject_of_authentication),
		cmocka_unit_test(test_1500_octets_of_options),
		cmocka_unit_test(test_option_lengths_0_1_255),
		cmocka_unit_test(test_configure_loops),
		cmocka_unit_test(test_mru_below_64),
		cmocka_unit_test(test_data_frames_with_nonsense),
		cmocka_unit_test(test_terminate_from_the_peer),
		cmocka_unit_test(test_close_from_here),
		cmocka_unit_test(test_close_before_the_start),
		cmocka_unit_test(test_frames_cut_at_every_octet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
