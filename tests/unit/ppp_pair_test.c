/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An LNS and a client of this room, talking to each other. */
#include "tests/unit/ppp_world.h"

static void expect_open(struct world *w)
{
	assert_true(ppp_is_open(w->lns.link, PPP_IP));
	assert_true(ppp_is_open(w->client.link, PPP_IP));
	assert_true(ppp_is_open(w->lns.link, PPP_IPV6));
	assert_true(ppp_is_open(w->client.link, PPP_IPV6));
	assert_int_equal(w->client.n_prefix, 1);
	assert_int_equal(w->lns.up4, 1);
	assert_int_equal(w->client.up6, 1);
}

static void comes_up_with(enum ppp_auth auth)
{
	struct world w;

	world_init(&w);
	w.lns.cfg.auths[0] = auth;
	w.lns.cfg.n_auths = auth != PPP_AUTH_NONE;
	world_pair(&w);
	world_run(&w, 200);
	expect_open(&w);
	assert_int_equal(ppp_auth_used(w.lns.link), auth);
	assert_int_equal(ppp_auth_used(w.client.link), auth);
	assert_string_equal(ppp_phase(w.lns.link), "network");
	if (auth != PPP_AUTH_NONE)
		assert_string_equal(ppp_user(w.lns.link), "joe@example.net");
	world_free(&w);
}

static void test_no_authentication(void **state)
{
	(void)state;
	comes_up_with(PPP_AUTH_NONE);
}

static void test_pap(void **state)
{
	(void)state;
	comes_up_with(PPP_AUTH_PAP);
}

static void test_chap_md5(void **state)
{
	(void)state;
	comes_up_with(PPP_AUTH_CHAP_MD5);
}

static void test_mschapv2(void **state)
{
	(void)state;
	comes_up_with(PPP_AUTH_MSCHAPV2);
}

/* What the client ends up with is what the LNS granted. */
static void test_addresses_and_name_servers_arrive(void **state)
{
	struct world w;
	const struct ppp_network *net;
	char text[PREFIX_STRLEN];

	(void)state;
	world_init(&w);
	world_pair(&w);
	world_run(&w, 200);
	expect_open(&w);
	net = ppp_network(w.client.link);
	assert_string_equal(addr_str(&net->ipv4, text), "10.0.3.7");
	assert_string_equal(addr_str(&net->local_ipv4, text), "10.0.0.1");
	assert_string_equal(addr_str(&net->dns4[0], text), "10.0.0.53");
	assert_string_equal(addr_str(&net->dns4[1], text), "10.0.1.53");
	assert_string_equal(addr_str(&net->dns6[0], text), "2001:db8:53::53");
	assert_string_equal(prefix_str(&net->ipv6, text), "2001:db8:1000:7::/64");
	assert_memory_equal(net->local_id, ppp_network(w.lns.link)->peer_id, 8);
	assert_memory_equal(net->peer_id, ppp_network(w.lns.link)->local_id, 8);
	assert_int_equal(ppp_peer_mru(w.lns.link), 1460);
	world_free(&w);
}

static void wrong_password_with(enum ppp_auth auth, uint16_t proto)
{
	struct world w;

	world_init(&w);
	w.lns.cfg.auths[0] = auth;
	w.lns.cfg.n_auths = 1;
	w.client.cfg.password = "guess";
	world_pair(&w);
	world_run(&w, 5000);
	assert_int_equal(w.lns.n_finished, 1);
	assert_int_equal(w.lns.cause->code, 16);
	assert_int_equal(w.lns.cause->proto, proto);
	assert_int_equal(w.lns.cause->cdn_result, 3);
	assert_int_equal(w.client.n_finished, 1);
	assert_int_equal(w.lns.up4 + w.lns.up6 + w.client.up4 + w.client.up6, 0);
	world_free(&w);
}

/* PPP-PH-5, PPP-CHAP-4, l2tpv2.md section 8. */
static void test_wrong_password_ends_in_cdn_3(void **state)
{
	(void)state;
	wrong_password_with(PPP_AUTH_PAP, PPP_PAP);
	wrong_password_with(PPP_AUTH_CHAP_MD5, PPP_CHAP);
	wrong_password_with(PPP_AUTH_MSCHAPV2, PPP_CHAP);
}

/* ---- loss ---- */

static unsigned int loss_seed;

/* Scattered over the frames, and the same in each run. */
static unsigned int scatter(unsigned int n)
{
	uint32_t h = (n + loss_seed * 1000u) * 2654435761u;

	h ^= h >> 15;
	h *= 2246822519u;
	return (h ^ h >> 13) % 5;
}

static bool one_in_five(unsigned int n)
{
	return scatter(n) < 1;
}

static bool two_in_five(unsigned int n)
{
	return scatter(n) < 2;
}

/* Every method comes up when every fifth frame is lost, and most times when two are. */
static void test_lossy_links_come_up(void **state)
{
	static const enum ppp_auth auths[] = { PPP_AUTH_PAP, PPP_AUTH_CHAP_MD5, PPP_AUTH_MSCHAPV2 };
	unsigned int good = 0;

	(void)state;
	for (unsigned int i = 0; i < 60; i++) {
		struct world w;

		loss_seed = i / 6;
		world_init(&w);
		w.lns.cfg.auths[0] = auths[i % 3];
		w.lns.cfg.n_auths = 1;
		w.lns.cfg.echo_ms = 0;
		w.lost = i % 6 < 3 ? one_in_five : two_in_five;
		world_pair(&w);
		world_run(&w, 120000);
		if (i % 6 < 3)
			assert_true(ppp_is_open(w.lns.link, PPP_IP));
		good += ppp_is_open(w.lns.link, PPP_IP) && ppp_is_open(w.client.link, PPP_IP);
		assert_true(w.lns.up4 >= w.lns.down4);
		world_free(&w);
	}
	assert_in_range(good, 45, 60);
}

static bool first_ten(unsigned int n)
{
	return n <= 10;
}

/* what comes too early is lost and asked for again soon: the first LCP retry is
 * after 1 s. */
static void test_early_frames_are_lost_without_harm(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.lost = first_ten;
	world_pair(&w);
	world_run(&w, 20000);
	expect_open(&w);
	world_free(&w);
}

/* ---- which method ---- */

/* PPP-LCP-1 */
static void test_client_that_knows_one_method(void **state)
{
	static const enum ppp_auth auths[] = { PPP_AUTH_PAP, PPP_AUTH_CHAP_MD5, PPP_AUTH_MSCHAPV2 };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct world w;

		world_init(&w);
		w.client.cfg.auths[0] = auths[i];
		w.client.cfg.n_auths = 1;
		world_pair(&w);
		world_run(&w, 500);
		expect_open(&w);
		assert_int_equal(ppp_auth_used(w.lns.link), auths[i]);
		world_free(&w);
	}
}

static void test_no_method_in_common(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.lns.cfg.n_auths = 2; /* MS-CHAPv2, CHAP */
	w.client.cfg.auths[0] = PPP_AUTH_PAP;
	w.client.cfg.n_auths = 1;
	world_pair(&w);
	world_run(&w, 5000);
	assert_int_equal(w.lns.n_finished, 1);
	assert_int_equal(w.lns.cause->code, 15);
	world_free(&w);
}

static void test_client_that_will_not_authenticate(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.client.cfg.user = NULL;
	world_pair(&w);
	world_run(&w, 5000);
	assert_int_equal(w.lns.n_finished, 1);
	assert_int_equal(w.lns.cause->code, 15);
	assert_int_equal(w.lns.up4, 0);
	world_free(&w);
}

/* A server that does not know the password cannot prove itself: PPP-MS2-6. */
static void test_client_refuses_a_false_server(void **state)
{
	struct world w;
	struct ppp_grant yes;

	(void)state;
	world_init(&w);
	w.lns.judge_later = true;
	world_pair(&w);
	world_run(&w, 100);
	yes = w.lns.grant;
	yes.ok = true;
	memset(yes.authenticator_response, 'A', 40);
	ppp_authenticated(w.lns.link, w.now, &yes);
	world_run(&w, 5000);
	assert_int_equal(w.client.n_finished, 1);
	assert_int_equal(w.client.cause->code, 16);
	assert_int_equal(w.client.up4 + w.client.up6, 0);
	world_free(&w);
}

/* ---- again and again ---- */

/* PPP-PH-4, PPP-PH-6: LCP anew means networks down, authentication anew, networks up. */
static void test_lcp_negotiated_anew(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_pair(&w);
	world_run(&w, 300);
	expect_open(&w);
	feed(&w.lns, "ff03c021 01fe000a 0506deadbeef"); /* as if the client had */
	assert_int_equal(w.lns.down4, 1);
	assert_int_equal(w.lns.down6, 1);
	world_run(&w, 30000);
	assert_true(ppp_is_open(w.lns.link, PPP_IP));
	assert_true(ppp_is_open(w.client.link, PPP_IP));
	assert_true(w.lns.n_asked >= 2);
	assert_int_equal(w.lns.n_finished + w.client.n_finished, 0);
	world_free(&w);
}

static void test_close_from_either_side(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct world w;
		struct end *one, *other;

		world_init(&w);
		world_pair(&w);
		world_run(&w, 300);
		one = i ? &w.lns : &w.client;
		other = i ? &w.client : &w.lns;
		ppp_close(one->link, w.now, &ppp_cause_admin);
		world_run(&w, 10);
		assert_int_equal(one->n_finished, 1); /* acknowledged */
		assert_int_equal(one->cause->code, 1);
		assert_int_equal(other->down4, 1);
		world_run(&w, 3100);
		assert_int_equal(other->n_finished, 1);
		assert_int_equal(other->cause->code, 3);
		world_free(&w);
	}
}

/* The session is gone: networks down, and not a word more. */
static void test_lower_down(void **state)
{
	struct world w;
	unsigned int sent;

	(void)state;
	world_init(&w);
	world_pair(&w);
	world_run(&w, 300);
	sent = w.n_sent;
	ppp_lower_down(w.lns.link, w.now);
	ppp_lower_down(w.client.link, w.now);
	assert_int_equal(w.lns.down4 + w.lns.down6, 2);
	ppp_close(w.lns.link, w.now, &ppp_cause_admin);
	world_run(&w, 100000);
	assert_int_equal(w.n_sent, sent);
	assert_int_equal(w.lns.n_finished + w.client.n_finished, 0);
	assert_string_equal(ppp_phase(w.lns.link), "dead");
	world_free(&w);
}

/* ---- ops that call back ---- */

static void close_it(struct end *e)
{
	ppp_close(e->link, e->world->now, &ppp_cause_admin);
}

static void drop_it(struct end *e)
{
	ppp_lower_down(e->link, e->world->now);
}

static void test_close_from_network_up(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.lns.on_up = close_it;
	world_pair(&w);
	world_run(&w, 5000);
	assert_int_equal(w.lns.n_finished, 1);
	assert_int_equal(w.lns.cause->code, 1);
	assert_int_equal(w.lns.up4 + w.lns.up6, 1);
	world_free(&w);
}

static void test_lower_down_from_network_up_and_down(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.lns.on_up = drop_it;
	world_pair(&w);
	world_run(&w, 5000);
	assert_int_equal(w.lns.n_finished, 0);
	assert_int_equal(w.lns.up4 + w.lns.up6, 1);
	assert_string_equal(ppp_phase(w.lns.link), "dead");
	world_free(&w);

	world_init(&w);
	w.lns.on_down = drop_it;
	world_pair(&w);
	world_run(&w, 300);
	ppp_close(w.lns.link, w.now, &ppp_cause_admin);
	world_run(&w, 5000);
	assert_int_equal(w.lns.n_finished, 0);
	assert_int_equal(w.lns.down4 + w.lns.down6, 2);
	world_free(&w);
}

static void test_close_from_network_down(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.lns.on_down = close_it;
	world_pair(&w);
	world_run(&w, 300);
	feed(&w.lns, "ff038021 05110004"); /* the client ends IPCP */
	world_run(&w, 5000);
	assert_int_equal(w.lns.n_finished, 1);
	assert_int_equal(w.lns.cause->code, 1);
	world_free(&w);

	world_init(&w);
	w.lns.on_down = close_it;
	world_pair(&w);
	world_run(&w, 300);
	feed(&w.lns, "ff03c021 05110004"); /* ... or LCP: it was the peer's wish */
	world_run(&w, 5000);
	assert_int_equal(w.lns.n_finished, 1);
	assert_int_equal(w.lns.cause->code, 3);
	world_free(&w);
}

/* A million of them have to fit; what is secret does not stay. */
static void test_an_open_link_is_small(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_pair(&w);
	world_run(&w, 300);
	assert_true(sizeof(struct ppp_link) < 1024);
	assert_null(w.lns.link->auth.challenge);
	assert_null(w.client.link->auth.answer);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_authentication),
		cmocka_unit_test(test_pap),
		cmocka_unit_test(test_chap_md5),
		cmocka_unit_test(test_mschapv2),
		cmocka_unit_test(test_addresses_and_name_servers_arrive),
		cmocka_unit_test(test_wrong_password_ends_in_cdn_3),
		cmocka_unit_test(test_lossy_links_come_up),
		cmocka_unit_test(test_early_frames_are_lost_without_harm),
		cmocka_unit_test(test_client_that_knows_one_method),
		cmocka_unit_test(test_no_method_in_common),
		cmocka_unit_test(test_client_that_will_not_authenticate),
		cmocka_unit_test(test_client_refuses_a_false_server),
		cmocka_unit_test(test_lcp_negotiated_anew),
		cmocka_unit_test(test_close_from_either_side),
		cmocka_unit_test(test_lower_down),
		cmocka_unit_test(test_close_from_network_up),
		cmocka_unit_test(test_lower_down_from_network_up_and_down),
		cmocka_unit_test(test_close_from_network_down),
		cmocka_unit_test(test_an_open_link_is_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
