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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_authentication),
		cmocka_unit_test(test_pap),
		cmocka_unit_test(test_chap_md5),
		cmocka_unit_test(test_mschapv2),
		cmocka_unit_test(test_addresses_and_name_servers_arrive),
		cmocka_unit_test(test_wrong_password_ends_in_cdn_3),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
