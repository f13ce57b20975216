/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPCP and IPV6CP: docs/protocol/ppp.md sections 7 and 8. */
#include "tests/unit/ppp_world.h"

struct lns_grant {
	bool no_dns, no_v6, no_v4, no_local, nbns;
	const char *interface_id;
};

/* An LNS in the Network phase. */
static void lns_up(struct world *w, struct lns_grant g)
{
	world_init(w);
	w->lns.cfg.auths[0] = PPP_AUTH_PAP;
	w->lns.cfg.n_auths = 1;
	if (g.no_dns)
		memset(w->lns.grant.dns4, 0, sizeof(w->lns.grant.dns4));
	if (g.no_v6)
		w->lns.grant.ipv6.len = 0;
	if (g.no_v4)
		memset(&w->lns.grant.ipv4, 0, sizeof(w->lns.grant.ipv4));
	if (g.no_local)
		memset(&w->lns.grant.local_ipv4, 0, sizeof(w->lns.grant.local_ipv4));
	if (g.nbns)
		w->lns.grant.nbns[0] = world_addr("10.0.0.99");
	if (g.interface_id)
		unhex(g.interface_id, w->lns.grant.interface_id, 8);
	world_lns(w);
	network_open(&w->lns);
}

static void one_case(struct lns_grant g, uint16_t protocol, const struct option_case *c)
{
	struct world w;

	lns_up(&w, g);
	wire_clear(&w);
	ask(&w.lns, protocol, c->options);
	expect_answer(&w, c);
	world_free(&w);
}

/* 10.0.3.7 = 0a000307; 10.0.0.53 = 0a000035; 10.0.1.53 = 0a000135; 10.0.0.99 = 0a000063 */
static void test_ipcp_options(void **state)
{
	static const struct option_case cases[] = {
		{ "0306 0a000307", 2, "0306 0a000307" },
		{ "0306 00000000", 3, "0306 0a000307" },
		{ "0306 c0a80001", 3, "0306 0a000307" }, /* wants another (static or not) */
		{ "0305 0a0003", 3, "0306 0a000307" }, /* wrong length */
		{ "0302", 3, "0306 0a000307" },
		{ "0306 00000000 8106 00000000 8306 00000000", 3,
		  "0306 0a000307 8106 0a000035 8306 0a000135" }, /* macOS, Windows */
		{ "0306 0a000307 8106 0a000035 8306 0a000135", 2,
		  "0306 0a000307 8106 0a000035 8306 0a000135" },
		{ "0306 0a000307 8106 08080808", 3, "8106 0a000035" },
		{ "0306 0a000307 8206 00000000 8406 00000000", 4, "8206 00000000 8406 00000000" },
		{ "0306 00000000 0206 002d0f01", 4, "0206 002d0f01" }, /* VJ compression */
		{ "010a 00000000 00000000", 4, "010a 00000000 00000000" }, /* deprecated */
		{ "9003ff", 4, "9003ff" },
		{ "", 3, "0306 0a000307" }, /* PPP-IPCP-1: appended */
		{ "8106 00000000", 3, "8106 0a000035 0306 0a000307" },
		{ "0306 0a0003", 0, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		one_case((struct lns_grant){ 0 }, PPP_IPCP, &cases[i]);
}

static void test_ipcp_without_name_servers_and_with_nbns(void **state)
{
	static const struct option_case none = { "0306 0a000307 8106 00000000", 4,
						 "8106 00000000" };
	static const struct option_case nbns = { "0306 0a000307 8206 00000000 8406 00000000", 4,
						 "8406 00000000" };
	static const struct option_case nbns_nak = { "0306 0a000307 8206 00000000", 3,
						     "8206 0a000063" };

	(void)state;
	one_case((struct lns_grant){ .no_dns = true }, PPP_IPCP, &none);
	one_case((struct lns_grant){ .nbns = true }, PPP_IPCP, &nbns);
	one_case((struct lns_grant){ .nbns = true }, PPP_IPCP, &nbns_nak);
}

/* PPP-QRK-7: the LNS asks at once; PPP-QRK-6: with its address, if it has one to show. */
static void test_ipcp_our_request(void **state)
{
	struct world w;

	(void)state;
	lns_up(&w, (struct lns_grant){ 0 });
	assert_string_equal(last_options(&w, PPP_IPCP), "03060a000001");
	answer(&w.lns, PPP_IPCP, CODE_CONFIGURE_REJECT, "03060a000001"); /* PPP-IPCP-3 */
	assert_string_equal(last_options(&w, PPP_IPCP), "");
	world_free(&w);

	lns_up(&w, (struct lns_grant){ 0 });
	wire_clear(&w);
	answer(&w.lns, PPP_IPCP, CODE_CONFIGURE_NAK, "0306c0a80101");
	assert_string_equal(last_options(&w, PPP_IPCP), "");
	world_free(&w);

	lns_up(&w, (struct lns_grant){ .no_local = true });
	assert_string_equal(last_options(&w, PPP_IPCP), "");
	world_free(&w);
}

static void ipcp_up(struct world *w)
{
	answer(&w->lns, PPP_IPCP, CODE_CONFIGURE_ACK, "0306 0a000001");
	ask(&w->lns, PPP_IPCP, "0306 0a000307");
	assert_true(ppp_is_open(w->lns.link, PPP_IP));
}

/* PPP-IPCP-1: two Naks, then IPCP closes, and after 30 s without any network the link. */
static void test_ipcp_without_an_address_is_closed(void **state)
{
	static const struct option_case nak = { "", 3, "0306 0a000307" };
	struct world w;

	(void)state;
	lns_up(&w, (struct lns_grant){ .no_v6 = true });
	wire_clear(&w);
	ask(&w.lns, PPP_IPCP, "");
	expect_answer(&w, &nak);
	ask(&w.lns, PPP_IPCP, "");
	expect_answer(&w, &nak);
	ask(&w.lns, PPP_IPCP, "");
	assert_non_null(wire_find(&w, PPP_IPCP, CODE_TERMINATE_REQUEST));
	assert_int_equal(w.lns.up4, 0);
	world_run(&w, 34000);
	assert_int_equal(w.lns.n_finished, 1);
	assert_int_equal(w.lns.cause->code, 18);
	world_free(&w);
}

/* a peer that insists on an address of its own ends up without IPv4. */
static void test_ipcp_insisting_peer(void **state)
{
	static const struct option_case nak = { "0306 c0a80001", 3, "0306 0a000307" };
	static const struct option_case reject = { "0306 c0a80001", 4, "0306 c0a80001" };
	struct world w;

	(void)state;
	lns_up(&w, (struct lns_grant){ 0 });
	wire_clear(&w);
	for (unsigned int i = 0; i < FSM_MAX_FAILURE; i++) {
		ask(&w.lns, PPP_IPCP, nak.options);
		expect_answer(&w, &nak);
	}
	ask(&w.lns, PPP_IPCP, reject.options);
	expect_answer(&w, &reject);
	ask(&w.lns, PPP_IPCP, "");
	assert_non_null(wire_find(&w, PPP_IPCP, CODE_TERMINATE_REQUEST));
	assert_int_equal(w.lns.up4, 0);
	assert_int_equal(w.lns.n_finished, 0);
	world_free(&w);
}

/* PPP-IPCP-4, PPP-IPCP-5: the data path hears down and up, authentication nothing. */
static void test_ipcp_again_with_the_same_result(void **state)
{
	struct world w;

	(void)state;
	lns_up(&w, (struct lns_grant){ 0 });
	ipcp_up(&w);
	assert_int_equal(w.lns.up4, 1);
	ask(&w.lns, PPP_IPCP, "0306 0a000307");
	assert_int_equal(w.lns.down4, 1);
	answer(&w.lns, PPP_IPCP, CODE_CONFIGURE_ACK, "0306 0a000001");
	assert_int_equal(w.lns.up4, 2);
	assert_int_equal(w.lns.n_asked, 1);
	assert_string_equal(ppp_phase(w.lns.link), "network");
	world_free(&w);
}

static void ipv6cp_up(struct world *w)
{
	agree(&w->lns, PPP_IPV6CP);
	ask(&w->lns, PPP_IPV6CP, "010a 0011223344556677");
	assert_true(ppp_is_open(w->lns.link, PPP_IPV6));
}

/* */
static void test_ipv6cp_ends_and_ipv4_lives_on(void **state)
{
	struct world w;

	(void)state;
	lns_up(&w, (struct lns_grant){ 0 });
	ipcp_up(&w);
	ipv6cp_up(&w);
	wire_clear(&w);
	feed(&w.lns, "ff038057 05070004");
	assert_int_equal(w.lns.down6, 1);
	expect_frame(&w, "ff038057 06070004");
	world_run(&w, 60000);
	assert_int_equal(w.lns.n_finished, 0);
	assert_true(ppp_is_open(w.lns.link, PPP_IP));
	/* and it may come back */
	ask(&w.lns, PPP_IPV6CP, "010a 0011223344556677");
	agree(&w.lns, PPP_IPV6CP);
	assert_int_equal(w.lns.up6, 2);
	world_free(&w);
}

/* PPP-PH-8 */
static void test_all_networks_down_end_the_link(void **state)
{
	struct world w;

	(void)state;
	lns_up(&w, (struct lns_grant){ .no_v6 = true });
	ipcp_up(&w);
	world_run(&w, 60000);
	assert_int_equal(w.lns.n_finished, 0);
	feed(&w.lns, "ff038021 05070004");
	world_run(&w, 29000);
	assert_int_equal(w.lns.n_finished, 0);
	world_run(&w, 5000);
	assert_int_equal(w.lns.n_finished, 1);
	assert_int_equal(w.lns.cause->code, 18);
	world_free(&w);
}

/* PPP-PH-7 */
static void test_no_network_in_time(void **state)
{
	struct world w;

	(void)state;
	lns_up(&w, (struct lns_grant){ 0 });
	world_run(&w, 34000);
	assert_int_equal(w.lns.n_finished, 1);
	assert_int_equal(w.lns.cause->code, 17);
	assert_int_equal(w.lns.cause->cdn_result, 1);
	world_free(&w);
}

/* PPP-IPCP-6, PPP-REJ-4 */
static void test_a_network_that_is_off_is_rejected(void **state)
{
	struct world w;

	(void)state;
	lns_up(&w, (struct lns_grant){ .no_v4 = true });
	wire_clear(&w);
	feed(&w.lns, "ff038021 0101000a 030600000000");
	assert_non_null(wire_find(&w, PPP_LCP, CODE_PROTOCOL_REJECT));
	feed(&w.lns, "ff030021 45000014 00000000");
	assert_non_null(wire_find(&w, PPP_LCP, CODE_PROTOCOL_REJECT));
	feed(&w.lns, "ff030057 60000000"); /* not yet open: silently */
	expect_nothing(&w);
	world_free(&w);

	lns_up(&w, (struct lns_grant){ .no_v6 = true });
	wire_clear(&w);
	feed(&w.lns, "ff038057 0101000e 010a0000000000000001");
	assert_non_null(wire_find(&w, PPP_LCP, CODE_PROTOCOL_REJECT));
	world_free(&w);
}

/* PPP-V6-7 */
static void test_no_ipv6_over_a_small_mru(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	w.lns.cfg.n_auths = 0;
	world_lns(&w);
	agree(&w.lns, PPP_LCP);
	ask(&w.lns, PPP_LCP, "010404ff 0506a1b2c3d4"); /* 1279 */
	assert_string_equal(ppp_phase(w.lns.link), "network");
	assert_null(wire_find(&w, PPP_IPV6CP, CODE_CONFIGURE_REQUEST));
	feed(&w.lns, "ff038057 0101000e 010a0000000000000001");
	assert_non_null(wire_find(&w, PPP_LCP, CODE_PROTOCOL_REJECT));
	world_free(&w);
}

/* PPP-V6-1, PPP-V6-2, PPP-V6-4 */
static void test_ipv6cp_identifiers(void **state)
{
	struct world w;
	char ours[32];
	const struct wire *f;

	(void)state;
	lns_up(&w, (struct lns_grant){ 0 });
	snprintf(ours, sizeof(ours), "%.20s", last_options(&w, PPP_IPV6CP));
	assert_memory_equal(ours, "010a", 4);
	assert_memory_not_equal(ours + 4, "0000000000000000", 16);
	assert_int_equal(w.lns.link->net.local_id[0] & 2, 0);

	ask(&w.lns, PPP_IPV6CP, "010a 0000000000000000"); /* zero: a suggestion */
	f = wire_next(&w);
	assert_int_equal(f->data[4], CODE_CONFIGURE_NAK);
	assert_int_equal(f->len, 18);
	assert_string_not_equal(hex_of(f->data + 8, 10), "010a0000000000000000");
	assert_string_not_equal(hex_of(f->data + 8, 10), ours);

	ask(&w.lns, PPP_IPV6CP, ours); /* equal: another one */
	f = wire_next(&w);
	assert_int_equal(f->data[4], CODE_CONFIGURE_NAK);
	assert_string_not_equal(hex_of(f->data + 8, 10), ours);

	ask(&w.lns, PPP_IPV6CP, "010900112233445566"); /* wrong length */
	assert_int_equal(wire_next(&w)->data[4], CODE_CONFIGURE_NAK);
	ask(&w.lns, PPP_IPV6CP, "010a 0011223344556677 0204004f");
	expect_answer(&w, &(struct option_case){ "", 4, "0204004f" });
	ask(&w.lns, PPP_IPV6CP, "010a 0011223344556677");
	expect_answer(&w, &(struct option_case){ "", 2, "010a 0011223344556677" });

	/* both zero: ours was rejected, so there is none */
	answer(&w.lns, PPP_IPV6CP, CODE_CONFIGURE_REJECT, ours);
	wire_clear(&w);
	ask(&w.lns, PPP_IPV6CP, "010a 0000000000000000");
	expect_answer(&w, &(struct option_case){ "", 4, "010a 0000000000000000" });
	world_free(&w);
}

/* PPP-V6-3: five times, then the peer has its way. */
static void test_ipv6cp_suggested_identifier(void **state)
{
	static const struct option_case nak = { "010a 0011223344556677", 3,
						"010a 00000000000000aa" };
	static const struct option_case ack = { "010a 0011223344556677", 2,
						"010a 0011223344556677" };
	static const struct option_case good = { "010a 00000000000000aa", 2,
						 "010a 00000000000000aa" };
	struct lns_grant g = { .interface_id = "00000000000000aa" };
	struct world w;

	(void)state;
	one_case(g, PPP_IPV6CP, &good);
	lns_up(&w, g);
	wire_clear(&w);
	for (unsigned int i = 0; i < 5; i++) {
		ask(&w.lns, PPP_IPV6CP, nak.options);
		expect_answer(&w, &nak);
	}
	ask(&w.lns, PPP_IPV6CP, ack.options);
	expect_answer(&w, &ack);
	world_free(&w);
}

/* ---- client ---- */

static void client_up(struct world *w)
{
	world_init(w);
	world_new_link(&w->client);
	ppp_lower_up(w->client.link, w->now, NULL);
	lcp_open(&w->client);
	assert_string_equal(ppp_phase(w->client.link), "network");
}

static void test_client_takes_what_the_nak_says(void **state)
{
	struct world w;
	char text[ADDR_STRLEN];

	(void)state;
	client_up(&w);
	assert_string_equal(last_options(&w, PPP_IPCP), "030600000000810600000000830600000000");
	answer(&w.client, PPP_IPCP, CODE_CONFIGURE_REJECT, "830600000000");
	assert_string_equal(last_options(&w, PPP_IPCP), "030600000000810600000000");
	answer(&w.client, PPP_IPCP, CODE_CONFIGURE_NAK, "0306c000020a 8106c0000235");
	assert_string_equal(last_options(&w, PPP_IPCP), "0306c000020a8106c0000235");
	answer(&w.client, PPP_IPCP, CODE_CONFIGURE_ACK, "0306c000020a8106c0000235");
	ask(&w.client, PPP_IPCP, "0306c0000201");
	assert_int_equal(w.client.up4, 1);
	assert_string_equal(addr_str(&w.client.net.ipv4, text), "192.0.2.10");
	assert_string_equal(addr_str(&w.client.net.local_ipv4, text), "192.0.2.1");
	assert_string_equal(addr_str(&w.client.net.dns4[0], text), "192.0.2.53");
	assert_false(addr_is_set(&w.client.net.dns4[1]));
	world_free(&w);
}

/* A server that acknowledges 0.0.0.0, or rejects the option, gives nothing to live on. */
static void test_client_without_an_address(void **state)
{
	struct world w;

	(void)state;
	client_up(&w);
	agree(&w.client, PPP_IPCP);
	ask(&w.client, PPP_IPCP, "");
	assert_int_equal(w.client.up4, 0);
	assert_non_null(wire_find(&w, PPP_IPCP, CODE_TERMINATE_REQUEST));
	world_free(&w);

	client_up(&w);
	answer(&w.client, PPP_IPCP, CODE_CONFIGURE_REJECT, "030600000000");
	assert_non_null(wire_find(&w, PPP_IPCP, CODE_TERMINATE_REQUEST));
	world_free(&w);
}

static void test_client_takes_the_suggested_identifier(void **state)
{
	struct world w;

	(void)state;
	client_up(&w);
	wire_clear(&w);
	answer(&w.client, PPP_IPV6CP, CODE_CONFIGURE_NAK, "010a 00000000000000aa");
	assert_string_equal(last_options(&w, PPP_IPV6CP), "010a00000000000000aa");
	answer(&w.client, PPP_IPV6CP, CODE_CONFIGURE_NAK, "010a 0000000000000000");
	assert_string_not_equal(last_options(&w, PPP_IPV6CP), "010a0000000000000000");
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ipcp_options),
		cmocka_unit_test(test_ipcp_without_name_servers_and_with_nbns),
		cmocka_unit_test(test_ipcp_our_request),
		cmocka_unit_test(test_ipcp_without_an_address_is_closed),
		cmocka_unit_test(test_ipcp_insisting_peer),
		cmocka_unit_test(test_ipcp_again_with_the_same_result),
		cmocka_unit_test(test_ipv6cp_ends_and_ipv4_lives_on),
		cmocka_unit_test(test_all_networks_down_end_the_link),
		cmocka_unit_test(test_no_network_in_time),
		cmocka_unit_test(test_a_network_that_is_off_is_rejected),
		cmocka_unit_test(test_no_ipv6_over_a_small_mru),
		cmocka_unit_test(test_ipv6cp_identifiers),
		cmocka_unit_test(test_ipv6cp_suggested_identifier),
		cmocka_unit_test(test_client_takes_what_the_nak_says),
		cmocka_unit_test(test_client_without_an_address),
		cmocka_unit_test(test_client_takes_the_suggested_identifier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
