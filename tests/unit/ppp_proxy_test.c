/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a LAC has done already: docs/protocol/ppp.md section 10. */
#include "tests/unit/ppp_world.h"

/* What the LAC sent and received, and the client's credentials. */
struct lac {
	const char *sent, *received;
	uint8_t sent_octets[64], received_octets[64], challenge[64], response[64];
	struct ppp_proxy proxy;
};

#define SENT_CHAP "010405b4 0305c22305 050611223344"
#define SENT_MS2 "010405b4 0305c22381 050611223344"
#define SENT_PAP "010405b4 0304c023 050611223344"
#define RECEIVED "010405dc 0506a1b2c3d4 0702 0802"

static void lac_lcp(struct lac *p, const char *sent, const char *received)
{
	memset(p, 0, sizeof(*p));
	if (sent) {
		p->proxy.last_sent = p->sent_octets;
		p->proxy.last_sent_len = unhex(sent, p->sent_octets, sizeof(p->sent_octets));
	}
	if (received) {
		p->proxy.last_received = p->received_octets;
		p->proxy.last_received_len =
			unhex(received, p->received_octets, sizeof(p->received_octets));
	}
}

static void lac_auth(struct lac *p, uint16_t type, const char *password)
{
	static const char name[] = "joe@example.net";
	char digits[41];

	p->proxy.has_auth = true;
	p->proxy.auth_type = type;
	p->proxy.auth_id = 77;
	p->proxy.auth_name = (const uint8_t *)name;
	p->proxy.auth_name_len = strlen(name);
	p->proxy.auth_response = p->response;
	memset(p->challenge, 0x5a, 16);
	if (type == 2) {
		p->proxy.auth_challenge = p->challenge;
		p->proxy.auth_challenge_len = 16;
	}
	if (type != 2) {
		memcpy(p->response, password, strlen(password));
		p->proxy.auth_response_len = strlen(password);
	} else if (p->sent_octets[8] == 0x81) { /* the algorithm in AVP 27 */
		memset(p->response, 0x33, 16);
		crypto_mschapv2(name, password, strlen(password), p->challenge, p->response,
				p->response + 24, digits);
		p->proxy.auth_response_len = 49;
	} else {
		crypto_chap_md5(77, password, strlen(password), p->challenge, 16, p->response);
		p->proxy.auth_response_len = 16;
	}
}

static void start(struct world *w, const struct lac *p)
{
	world_new_link(&w->lns);
	ppp_lower_up(w->lns.link, w->now, &p->proxy);
}

/* PPP-PROXY-1, PPP-PROXY-5, PPP-PROXY-6: straight to the network, and the client gets the
 * verdict that it still waits for. */
static void test_chap_taken_over(void **state)
{
	struct world w;
	struct lac p;

	(void)state;
	world_init(&w);
	lac_lcp(&p, SENT_CHAP, RECEIVED);
	lac_auth(&p, 2, "clientPass");
	start(&w, &p);
	expect_frame(&w, "ff03c223 034d0004"); /* Success, id 77 */
	assert_string_equal(ppp_phase(w.lns.link), "network");
	assert_string_equal(ppp_user(w.lns.link), "joe@example.net");
	assert_int_equal(ppp_auth_used(w.lns.link), PPP_AUTH_CHAP_MD5);
	assert_true(ppp_peer_acfc(w.lns.link));
	assert_non_null(wire_find(&w, PPP_IPCP, CODE_CONFIGURE_REQUEST));
	/* PPP-ECHO-1: the magic number is the LAC's */
	wire_clear(&w);
	feed(&w.lns, "ff03c021 09070008 a1b2c3d4");
	expect_frame(&w, "ff03c021 0a070008 11223344");
	world_free(&w);
}

static void test_pap_taken_over(void **state)
{
	struct world w;
	struct lac p;

	(void)state;
	world_init(&w);
	lac_lcp(&p, SENT_PAP, RECEIVED);
	lac_auth(&p, 3, "clientPass");
	start(&w, &p);
	expect_frame(&w, "ff03c023 024d0005 00");
	assert_string_equal(ppp_phase(w.lns.link), "network");
	world_free(&w);
}

/* MS-CHAPv2 has no type of its own and comes as type 2. */
static void test_mschapv2_in_type_2(void **state)
{
	struct world w;
	struct lac p;
	const struct wire *f;

	(void)state;
	world_init(&w);
	lac_lcp(&p, SENT_MS2, RECEIVED);
	lac_auth(&p, 2, "clientPass");
	start(&w, &p);
	f = wire_next(&w);
	assert_int_equal(f->data[4], 3);
	assert_int_equal(f->data[5], 77);
	assert_memory_equal(f->data + 8, "S=", 2);
	assert_string_equal(ppp_phase(w.lns.link), "network");
	world_free(&w);
}

static void test_wrong_password(void **state)
{
	static const struct {
		const char *sent;
		uint16_t type;
		uint8_t code;
	} cases[] = { { SENT_CHAP, 2, 4 }, { SENT_MS2, 2, 4 }, { SENT_PAP, 3, 3 } };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct world w;
		struct lac p;
		const struct wire *f;

		world_init(&w);
		lac_lcp(&p, cases[i].sent, RECEIVED);
		lac_auth(&p, cases[i].type, "guess");
		start(&w, &p);
		f = wire_next(&w);
		assert_int_equal(f->data[4], cases[i].code);
		assert_int_equal(f->data[5], 77);
		assert_non_null(wire_find(&w, PPP_LCP, CODE_TERMINATE_REQUEST));
		world_run(&w, 3100);
		assert_int_equal(w.lns.cause->code, 16);
		world_free(&w);
	}
}

/* PPP-PROXY-3, one reason at a time: LCP starts anew, and nobody is asked. */
static void test_renegotiated_on_mismatch(void **state)
{
	static const struct {
		const char *sent, *received;
	} cases[] = {
		{ NULL, RECEIVED },
		{ SENT_CHAP, NULL },
		{ NULL, NULL },
		{ "010405b4 050611223344", RECEIVED }, /* no authentication */
		{ "010405b4 0304c227 050611223344", RECEIVED }, /* EAP */
		{ "010405b4 0305c22305", RECEIVED }, /* no magic number */
		{ "010405dc 0305c22305 050611223344", RECEIVED }, /* MRU 1500 > 1460 */
		{ "0305c22305 050611223344", RECEIVED }, /* 1500 by default */
		{ SENT_CHAP "110405dc", RECEIVED }, /* MRRU */
		{ SENT_CHAP "0408c02500000000", RECEIVED }, /* link quality */
		{ SENT_CHAP "0100", RECEIVED }, /* broken */
		{ SENT_CHAP, "0104007f 0506a1b2c3d4" }, /* MRU 127 */
		{ SENT_CHAP, "010405dc" }, /* no magic number */
		{ SENT_CHAP, "010405dc 050611223344" }, /* the same one */
		{ SENT_CHAP, RECEIVED "110405dc" }, /* what we would reject */
		{ SENT_CHAP, RECEIVED "0d" }, /* broken */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world w;
		struct lac p;
		const struct wire *f;

		world_init(&w);
		lac_lcp(&p, cases[i].sent, cases[i].received);
		lac_auth(&p, 2, "clientPass");
		start(&w, &p);
		f = wire_next(&w);
		assert_non_null(f);
		assert_int_equal(f->data[4], CODE_CONFIGURE_REQUEST);
		assert_string_equal(ppp_phase(w.lns.link), "establish");
		assert_int_equal(w.lns.n_asked, 0);
		expect_nothing(&w);
		world_free(&w);
	}
}

/* PPP-PROXY-2 */
static void test_always_renegotiated(void **state)
{
	struct world w;
	struct lac p;

	(void)state;
	world_init(&w);
	w.lns.cfg.lcp_always = true;
	lac_lcp(&p, SENT_CHAP, RECEIVED);
	lac_auth(&p, 2, "clientPass");
	start(&w, &p);
	assert_string_equal(ppp_phase(w.lns.link), "establish");
	assert_int_equal(w.lns.n_asked, 0);
	world_free(&w);
}

/* PPP-PROXY-2, PPP-PROXY-4, PPP-PROXY-5: LCP is taken, the authentication is ours. */
static void test_authentication_started_anew(void **state)
{
	enum { OFF, ABSENT, TYPE_4, TYPE_5, SHORT_MS2, LONG_MD5, NO_CHALLENGE, PAP_FOR_CHAP, N };

	(void)state;
	for (unsigned int i = 0; i < N; i++) {
		struct world w;
		struct lac p;
		const struct wire *f;

		world_init(&w);
		lac_lcp(&p, i == SHORT_MS2 ? SENT_MS2 : SENT_CHAP, RECEIVED);
		lac_auth(&p, i == PAP_FOR_CHAP ? 3 : 2, "clientPass");
		w.lns.cfg.proxy_auth = i != OFF;
		p.proxy.has_auth = i != ABSENT;
		if (i == TYPE_4 || i == TYPE_5)
			p.proxy.auth_type = i == TYPE_4 ? 4 : 5;
		if (i == SHORT_MS2)
			p.proxy.auth_response_len = 16;
		if (i == LONG_MD5)
			p.proxy.auth_response_len = 49;
		if (i == NO_CHALLENGE)
			p.proxy.auth_challenge = NULL;
		start(&w, &p);
		assert_string_equal(ppp_phase(w.lns.link), "authenticate");
		assert_int_equal(w.lns.n_asked, 0);
		f = wire_next(&w);
		assert_int_equal(f->data[2], 0xc2);
		assert_int_equal(f->data[4], 1); /* our Challenge */
		world_free(&w);
	}
}

/* PPP-PROXY-8, PPP-PH-6: the client may still begin again, and then all is ours. */
static void test_client_renegotiates_afterwards(void **state)
{
	struct world w;
	struct lac p;

	(void)state;
	world_init(&w);
	lac_lcp(&p, SENT_CHAP, RECEIVED);
	lac_auth(&p, 2, "clientPass");
	start(&w, &p);
	wire_clear(&w);
	ask(&w.lns, PPP_LCP, "0506a1b2c3d5");
	assert_string_equal(ppp_phase(w.lns.link), "establish");
	agree(&w.lns, PPP_LCP);
	assert_string_equal(ppp_phase(w.lns.link), "authenticate");
	assert_non_null(wire_find(&w, PPP_CHAP, 1));
	assert_int_equal(w.lns.n_asked, 1);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chap_taken_over),
		cmocka_unit_test(test_pap_taken_over),
		cmocka_unit_test(test_mschapv2_in_type_2),
		cmocka_unit_test(test_wrong_password),
		cmocka_unit_test(test_renegotiated_on_mismatch),
		cmocka_unit_test(test_always_renegotiated),
		cmocka_unit_test(test_authentication_started_anew),
		cmocka_unit_test(test_client_renegotiates_afterwards),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
