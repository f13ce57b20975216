/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PAP, CHAP and MS-CHAPv2, octet by octet: docs/protocol/ppp.md section 6. */
#include "tests/unit/ppp_world.h"

static void lns_with(struct world *w, enum ppp_auth auth)
{
	world_init(w);
	w->lns.cfg.auths[0] = auth;
	w->lns.cfg.n_auths = 1;
	world_lns(w);
	lcp_open(&w->lns);
}

#define PAP_JOE "ff03c023 01070013 036a6f65 0a636c69656e7450617373" /* joe, clientPass */

static void test_pap_request_and_repetition(void **state)
{
	struct world w;

	(void)state;
	lns_with(&w, PPP_AUTH_PAP);
	expect_nothing(&w); /* the client speaks first */
	w.lns.judge_later = true;
	memcpy(w.lns.grant.message, "hi", 3);
	feed(&w.lns, PAP_JOE);
	feed(&w.lns, PAP_JOE); /* PPP-AUTH-1: nothing while it is pending */
	assert_int_equal(w.lns.n_asked, 1);
	assert_string_equal(w.lns.asked.user, "joe");
	assert_int_equal(w.lns.asked.response_len, 10);
	expect_nothing(&w);
	end_judge(&w.lns);
	expect_frame(&w, "ff03c023 02070007 026869");
	assert_string_equal(ppp_phase(w.lns.link), "network");
	assert_string_equal(ppp_user(w.lns.link), "joe");
	wire_clear(&w);
	/* PPP-PAP-1: the same answer later on, under the new identifier */
	feed(&w.lns, "ff03c023 0109000b 036a6f65 027878");
	expect_frame(&w, "ff03c023 02090007 026869");
	assert_int_equal(w.lns.n_asked, 1);
	world_free(&w);
}

static void test_pap_wrong_password(void **state)
{
	struct world w;

	(void)state;
	lns_with(&w, PPP_AUTH_PAP);
	feed(&w.lns, "ff03c023 0107000b 036a6f65 027878");
	expect_frame(&w, "ff03c023 03070005 00");
	assert_non_null(wire_find(&w, PPP_LCP, CODE_TERMINATE_REQUEST));
	world_run(&w, 3000);
	assert_int_equal(w.lns.cause->code, 16);
	assert_int_equal(w.lns.cause->proto, PPP_PAP);
	world_free(&w);
}

/* Lengths that lie are no Request. */
static void test_pap_broken_requests(void **state)
{
	static const char *const broken[] = {
		"ff03c023 01070004",
		"ff03c023 01070005 ff",
		"ff03c023 01070008 036a6f65",
		"ff03c023 01070009 036a6f65 01",
		"ff03c023 01070009 036a6f65 ff",
		"ff03c023 01070003",
		"ff03c023 010700ff 036a6f65 00",
		"ff03c023 01",
	};
	struct world w;

	(void)state;
	lns_with(&w, PPP_AUTH_PAP);
	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++)
		feed(&w.lns, broken[i]);
	assert_int_equal(w.lns.n_asked, 0);
	expect_nothing(&w);
	world_run(&w, 29000);
	feed(&w.lns, broken[2]); /* nor do they win time */
	world_run(&w, 1100);
	assert_non_null(wire_find(&w, PPP_LCP, CODE_TERMINATE_REQUEST));
	world_free(&w);
}

/* PPP-PAP-2 */
static void test_pap_must_come_within_30_s(void **state)
{
	struct world w;

	(void)state;
	lns_with(&w, PPP_AUTH_PAP);
	world_run(&w, 29900);
	assert_string_equal(ppp_phase(w.lns.link), "authenticate");
	world_run(&w, 3200);
	assert_int_equal(w.lns.n_finished, 1);
	assert_int_equal(w.lns.cause->code, 13);
	assert_int_equal(w.lns.cause->proto, PPP_PAP);
	world_free(&w);
}

/* PPP-PAP-2: the other one is not spoken, in either direction. */
static void test_only_the_agreed_protocol(void **state)
{
	struct world w;

	(void)state;
	lns_with(&w, PPP_AUTH_CHAP_MD5);
	wire_clear(&w);
	feed(&w.lns, PAP_JOE);
	assert_int_equal(w.lns.n_asked, 0);
	expect_nothing(&w);
	world_free(&w);

	lns_with(&w, PPP_AUTH_PAP);
	feed(&w.lns, "ff03c223 02010018 10 000102030405060708090a0b0c0d0e0f 6a6f65");
	assert_int_equal(w.lns.n_asked, 0);
	expect_nothing(&w);
	world_free(&w);
}

/* Names and passwords of 255 octets go through; a NUL inside a name is refused. */
static void test_pap_extreme_names(void **state)
{
	uint8_t frame[4 + 4 + 512] = { 0xff, 3, 0xc0, 0x23, 1, 7, 2, 4 };
	struct world w;

	(void)state;
	lns_with(&w, PPP_AUTH_PAP);
	w.lns.judge_later = true;
	memset(frame + 8, 'x', 512);
	frame[8] = frame[8 + 256] = 255;
	ppp_input(w.lns.link, w.now, frame, sizeof(frame));
	assert_int_equal(w.lns.n_asked, 1);
	assert_int_equal(strlen(w.lns.asked.user), 255);
	assert_int_equal(w.lns.asked.response_len, 255);
	world_free(&w);

	lns_with(&w, PPP_AUTH_PAP);
	feed(&w.lns, "ff03c023 01070013 036a0065 0a636c69656e7450617373");
	assert_int_equal(w.lns.n_asked, 0);
	expect_frame(&w, "ff03c023 03070005 00");
	world_free(&w);
}

/* ---- CHAP ---- */

static const struct wire *challenge(struct world *w)
{
	const struct wire *f = wire_find(w, PPP_CHAP, 1);

	assert_non_null(f);
	assert_int_equal(f->data[8], 16); /* PPP-CHAP-1 */
	assert_memory_equal(f->data + 25, "lns1.example.net", 16);
	assert_int_equal(f->len, 25 + 16);
	return f;
}

/* A Response to this challenge by "joe" with this password. */
static void respond(struct end *e, const uint8_t *ch, uint8_t id, const char *password)
{
	uint8_t frame[64] = { 0xff, 3, 0xc2, 0x23, 2, id, 0, 24, 16, [25] = 'j', 'o', 'e' };

	crypto_chap_md5(id, password, strlen(password), ch, 16, frame + 9);
	ppp_input(e->link, e->world->now, frame, 28);
}

/* PPP-CHAP-2, PPP-CHAP-3 */
static void test_chap_challenge_is_repeated_unchanged(void **state)
{
	struct wire first;
	struct world w;

	(void)state;
	lns_with(&w, PPP_AUTH_CHAP_MD5);
	first = *challenge(&w);
	for (unsigned int i = 0; i < 9; i++) {
		const struct wire *f;

		world_run(&w, 3000);
		f = challenge(&w);
		assert_int_equal(f->len, first.len);
		assert_memory_equal(f->data, first.data, first.len);
	}
	respond(&w.lns, first.data + 9, first.data[5], "clientPass");
	assert_non_null(wire_find(&w, PPP_CHAP, 3));
	wire_clear(&w);
	respond(&w.lns, first.data + 9, first.data[5], "clientPass");
	assert_non_null(wire_find(&w, PPP_CHAP, 3));
	respond(&w.lns, first.data + 9, (uint8_t)(first.data[5] + 1), "clientPass");
	expect_nothing(&w);
	assert_int_equal(w.lns.n_asked, 1);
	world_free(&w);
}

static void test_chap_without_response_ends(void **state)
{
	struct world w;

	(void)state;
	lns_with(&w, PPP_AUTH_CHAP_MD5);
	world_run(&w, 34000);
	assert_int_equal(w.lns.n_finished, 1);
	assert_int_equal(w.lns.cause->code, 13);
	world_free(&w);
}

/* PPP-CHAP-3: another identifier is another challenge's. */
static void test_chap_response_to_something_else(void **state)
{
	struct wire first;
	struct world w;

	(void)state;
	lns_with(&w, PPP_AUTH_CHAP_MD5);
	first = *challenge(&w);
	respond(&w.lns, first.data + 9, (uint8_t)(first.data[5] + 1), "clientPass");
	expect_nothing(&w);
	assert_int_equal(w.lns.n_asked, 0);
	world_free(&w);
}

/* PPP-CHAP-4 */
static void test_chap_wrong_password(void **state)
{
	struct wire first;
	struct world w;

	(void)state;
	lns_with(&w, PPP_AUTH_CHAP_MD5);
	first = *challenge(&w);
	respond(&w.lns, first.data + 9, first.data[5], "guess");
	assert_non_null(wire_find(&w, PPP_CHAP, 4));
	assert_non_null(wire_find(&w, PPP_LCP, CODE_TERMINATE_REQUEST));
	world_free(&w);
}

/* Values of 0 and 255 octets, and names of none and 255. */
static void test_chap_extreme_values(void **state)
{
	uint8_t frame[8 + 1 + 255 + 300] = { 0xff, 3, 0xc2, 0x23, 2 };
	static const struct {
		uint8_t value;
		uint16_t name;
		bool asked;
	} cases[] = { { 0, 3, false },    { 15, 3, false },  { 17, 3, false }, { 255, 3, false },
		      { 16, 256, false }, { 16, 255, true }, { 16, 0, true } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world w;
		uint16_t len = (uint16_t)(5 + cases[i].value + cases[i].name);

		lns_with(&w, PPP_AUTH_CHAP_MD5);
		frame[5] = challenge(&w)->data[5];
		frame[6] = (uint8_t)(len >> 8);
		frame[7] = (uint8_t)len;
		frame[8] = cases[i].value;
		memset(frame + 9, 'n', sizeof(frame) - 9);
		ppp_input(w.lns.link, w.now, frame, len + 4u);
		assert_int_equal(w.lns.n_asked, cases[i].asked);
		assert_non_null(wire_find(&w, PPP_CHAP, 4)); /* a Failure in every case */
		world_free(&w);
	}
}

/* A value longer than its packet is no Response. */
static void test_chap_value_beyond_the_packet(void **state)
{
	struct world w;
	char hex[64];

	(void)state;
	lns_with(&w, PPP_AUTH_CHAP_MD5);
	snprintf(hex, sizeof(hex), "ff03c223 02%02x0008 ff010203", challenge(&w)->data[5]);
	feed(&w.lns, hex);
	expect_nothing(&w);
	assert_string_equal(ppp_phase(w.lns.link), "authenticate");
	world_free(&w);
}

/* PPP-MS2-4, PPP-MS2-5 */
static void test_mschapv2_failure_and_password_change(void **state)
{
	static const char *const start = "E=691 R=0 C=";
	const struct wire *f;
	struct world w;
	char hex[64];

	(void)state;
	lns_with(&w, PPP_AUTH_MSCHAPV2);
	snprintf(hex, sizeof(hex), "ff03c223 07%02x0006 0000", challenge(&w)->data[5]);
	feed(&w.lns, hex);
	f = wire_find(&w, PPP_CHAP, 4);
	assert_non_null(f);
	assert_memory_equal(f->data + 8, start, 12);
	assert_memory_equal(f->data + 8 + 12 + 32, " V=3 M=", 7);
	for (unsigned int i = 20; i < 52; i++)
		assert_non_null(strchr("0123456789ABCDEF", f->data[i]));
	assert_non_null(wire_find(&w, PPP_LCP, CODE_TERMINATE_REQUEST));
	world_free(&w);
}

/* ---- client ---- */

static void client_with(struct world *w, const char *auth)
{
	world_init(w);
	world_new_link(&w->client);
	ppp_lower_up(w->client.link, w->now, NULL);
	agree(&w->client, PPP_LCP);
	ask(&w->client, PPP_LCP, auth);
	assert_string_equal(ppp_phase(w->client.link), "authenticate");
	assert_non_null(wire_find(w, PPP_LCP, CODE_CONFIGURE_ACK));
}

/* An unsolicited Success proves nothing. */
static void test_client_ignores_an_unsolicited_success(void **state)
{
	struct world w;

	(void)state;
	client_with(&w, "0305c22381");
	for (unsigned int id = 0; id < 50; id++) {
		char hex[64];

		snprintf(hex, sizeof(hex), "ff03c223 03%02x0004", id);
		feed(&w.client, hex);
	}
	assert_string_equal(ppp_phase(w.client.link), "authenticate");
	expect_nothing(&w);
	world_free(&w);

	client_with(&w, "0304c023");
	wire_clear(&w);
	feed(&w.client, "ff03c223 03010004");
	feed(&w.client, "ff03c023 02ee0005 00"); /* PAP Ack with a strange identifier */
	assert_string_equal(ppp_phase(w.client.link), "authenticate");
	world_free(&w);
}

static void ms2_challenged(struct world *w, uint8_t id, struct wire *ret)
{
	char hex[128];

	snprintf(hex, sizeof(hex), "ff03c223 01%02x0018 10 5b5d7c7d7b3f2f3e3c2c602132262628 6c6e73",
		 id);
	feed(&w->client, hex);
	*ret = *wire_find(w, PPP_CHAP, 2);
	assert_int_equal(ret->data[8], 49); /* PPP-MS2-1 */
	assert_memory_equal(ret->data + 58, "joe@example.net", 15);
}

static void success(struct world *w, const struct wire *response, const char *format)
{
	uint8_t frame[128] = { 0xff, 3, 0xc2, 0x23, 3, response->data[5] }, challenge_[16], nt[24];
	char expected[41];
	int n;

	unhex("5b5d7c7d7b3f2f3e3c2c602132262628", challenge_, sizeof(challenge_));
	crypto_mschapv2("joe@example.net", "clientPass", 10, challenge_, response->data + 9, nt,
			expected);
	n = snprintf((char *)frame + 8, sizeof(frame) - 8, format, expected);
	frame[7] = (uint8_t)(n + 4);
	ppp_input(w->client.link, w->now, frame, (size_t)n + 8);
}

/* PPP-MS2-6, PPP-QRK-9 */
static void test_client_checks_the_servers_proof(void **state)
{
	static const struct {
		const char *format;
		const char *phase;
	} cases[] = {
		{ "S=%s M=Welcome", "network" }, { "S=%sM=Welcome", "network" },
		{ "S=%s", "network" },           { "S=%.39s", "terminate" },
		{ "S=0%.39s M=x", "terminate" }, { "M=Welcome", "terminate" },
		{ "X=%s", "terminate" },         { "S=", "terminate" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world w;
		struct wire response;

		client_with(&w, "0305c22381");
		ms2_challenged(&w, 33, &response);
		success(&w, &response, cases[i].format);
		assert_string_equal(ppp_phase(w.client.link), cases[i].phase);
		world_free(&w);
	}
}

/* PPP-CHAP-2: the server repeats its challenge and gets the same Response, so that its
 * Success to the first one is still good. */
static void test_client_repeats_its_response(void **state)
{
	struct wire first, second;
	struct world w;

	(void)state;
	client_with(&w, "0305c22381");
	ms2_challenged(&w, 33, &first);
	ms2_challenged(&w, 33, &second);
	assert_memory_equal(first.data, second.data, first.len);
	success(&w, &first, "S=%s");
	assert_string_equal(ppp_phase(w.client.link), "network");
	/* PPP-CHAP-5: a new challenge later on; the networks stay */
	ms2_challenged(&w, 34, &second);
	assert_memory_not_equal(first.data + 9, second.data + 9, 16);
	assert_string_equal(ppp_phase(w.client.link), "network");
	success(&w, &second, "S=%s");
	assert_string_equal(ppp_phase(w.client.link), "network");
	world_free(&w);
}

/* RFC 1994 section 4.2: the Success was lost, and the server is in the Network phase. */
static void test_client_asks_again_for_a_lost_verdict(void **state)
{
	struct wire first, again;
	struct world w;
	unsigned int n = 0;

	(void)state;
	client_with(&w, "0305c22381");
	ms2_challenged(&w, 33, &first);
	world_run(&w, 3000);
	again = *wire_find(&w, PPP_CHAP, 2);
	assert_int_equal(again.len, first.len);
	assert_memory_equal(again.data, first.data, first.len);
	success(&w, &first, "S=%s");
	world_run(&w, 20000);
	assert_null(wire_find(&w, PPP_CHAP, 2));
	world_free(&w);

	client_with(&w, "0305c22381");
	ms2_challenged(&w, 33, &first);
	world_run(&w, 40000);
	while (wire_find(&w, PPP_CHAP, 2))
		n++;
	assert_int_equal(n, 9); /* and the first one */
	assert_int_equal(w.client.cause->code, 13);
	world_free(&w);
}

static void test_client_repeats_its_pap_request_and_gives_up(void **state)
{
	struct world w;
	unsigned int n = 0;

	(void)state;
	client_with(&w, "0304c023");
	world_run(&w, 40000);
	while (wire_find(&w, PPP_PAP, 1))
		n++;
	assert_int_equal(n, 10);
	assert_int_equal(w.client.n_finished, 1);
	assert_int_equal(w.client.cause->code, 13);
	world_free(&w);
}

/* An answer to a question of an LCP that is gone must not open the new one. */
static void test_a_late_answer_belongs_to_its_question(void **state)
{
	struct world w;

	(void)state;
	lns_with(&w, PPP_AUTH_PAP);
	w.lns.judge_later = true;
	feed(&w.lns, PAP_JOE);
	ask(&w.lns, PPP_LCP, "0506a1b2c3d4"); /* LCP anew */
	agree(&w.lns, PPP_LCP);
	assert_string_equal(ppp_phase(w.lns.link), "authenticate");
	wire_clear(&w);
	feed(&w.lns, "ff03c023 0108000b 036a6f65 027878"); /* a wrong password now */
	assert_int_equal(w.lns.n_asked, 2);
	w.lns.asked.response_len = 10;
	memcpy(w.lns.asked.response, "clientPass", 10);
	end_judge(&w.lns); /* good, but to the first question */
	expect_nothing(&w);
	assert_string_equal(ppp_phase(w.lns.link), "authenticate");
	w.lns.asked.response_len = 2;
	end_judge(&w.lns);
	assert_non_null(wire_find(&w, PPP_PAP, 3));
	end_judge(&w.lns); /* one too many */
	assert_string_equal(ppp_phase(w.lns.link), "terminate");
	world_free(&w);
}

static void test_a_daemon_that_never_answers(void **state)
{
	struct world w;

	(void)state;
	lns_with(&w, PPP_AUTH_PAP);
	w.lns.judge_later = true;
	world_run(&w, 25000);
	feed(&w.lns, PAP_JOE);
	world_run(&w, 59000);
	assert_string_equal(ppp_phase(w.lns.link), "authenticate");
	world_run(&w, 5000);
	assert_int_equal(w.lns.n_finished, 1);
	assert_int_equal(w.lns.cause->code, 13);
	world_free(&w);
}

static void test_a_grant_without_addresses_ends_in_cdn_4(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.lns.cfg.auths[0] = PPP_AUTH_PAP;
	w.lns.cfg.n_auths = 1;
	memset(&w.lns.grant, 0, sizeof(w.lns.grant));
	world_lns(&w);
	lcp_open(&w.lns);
	feed(&w.lns, PAP_JOE);
	assert_non_null(wire_find(&w, PPP_PAP, 2));
	world_run(&w, 3100);
	assert_int_equal(w.lns.cause->code, 20);
	assert_int_equal(w.lns.cause->cdn_result, 4);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pap_request_and_repetition),
		cmocka_unit_test(test_pap_wrong_password),
		cmocka_unit_test(test_pap_broken_requests),
		cmocka_unit_test(test_pap_must_come_within_30_s),
		cmocka_unit_test(test_only_the_agreed_protocol),
		cmocka_unit_test(test_pap_extreme_names),
		cmocka_unit_test(test_chap_challenge_is_repeated_unchanged),
		cmocka_unit_test(test_chap_without_response_ends),
		cmocka_unit_test(test_chap_response_to_something_else),
		cmocka_unit_test(test_chap_wrong_password),
		cmocka_unit_test(test_chap_extreme_values),
		cmocka_unit_test(test_chap_value_beyond_the_packet),
		cmocka_unit_test(test_mschapv2_failure_and_password_change),
		cmocka_unit_test(test_client_ignores_an_unsolicited_success),
		cmocka_unit_test(test_client_checks_the_servers_proof),
		cmocka_unit_test(test_client_repeats_its_response),
		cmocka_unit_test(test_client_asks_again_for_a_lost_verdict),
		cmocka_unit_test(test_client_repeats_its_pap_request_and_gives_up),
		cmocka_unit_test(test_a_late_answer_belongs_to_its_question),
		cmocka_unit_test(test_a_daemon_that_never_answers),
		cmocka_unit_test(test_a_grant_without_addresses_ends_in_cdn_4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
