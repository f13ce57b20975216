/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Router advertisements over the link (PPP-V6-5, PPP-V6-6; RFC 4861, RFC 8106). */
#include "tests/unit/ppp_world.h"

#include "loader/ppp/icmp6.h"

#define PEER_ID "0011223344556677"

static void lns_up(struct world *w)
{
	world_init(w);
	w->lns.cfg.n_auths = 0;
	world_lns(w);
	lcp_open(&w->lns);
	unhex("fffefdfcfbfaf9f8", w->lns.link->net.local_id, 8); /* known octets */
	ask(&w->lns, PPP_IPV6CP, "010a" PEER_ID);
	answer(&w->lns, PPP_IPV6CP, CODE_CONFIGURE_ACK, "010a fffefdfcfbfaf9f8");
	assert_true(ppp_is_open(w->lns.link, PPP_IPV6));
}

static const struct wire *next_ipv6(struct world *w)
{
	const struct wire *f;

	while ((f = wire_next(w)))
		if (f->data[2] == 0 && f->data[3] == 0x57)
			return f;
	return NULL;
}

/* Ones' complement sum of the pseudo-header and the message, computed apart from the code
 * that it checks; 0xffff when the checksum is right. */
static uint32_t sum_of(const uint8_t *ip, size_t len)
{
	uint32_t sum = 58 + (uint32_t)(len - 40);

	for (size_t i = 8; i < len; i++)
		sum += i & 1 ? ip[i] : (uint32_t)ip[i] << 8;
	while (sum > 0xffff)
		sum = (sum >> 16) + (sum & 0xffff);
	return sum;
}

static void test_advertisement_octets(void **state)
{
	static const char head[] = "ff030057"
				   "60000000"
				   "0048"
				   "3aff"
				   "fe80000000000000fffefdfcfbfaf9f8"
				   "ff020000000000000000000000000001"
				   "8600";
	static const char body[] = "40"
				   "00"
				   "0708"
				   "00000000"
				   "00000000"
				   "0304"
				   "4040"
				   "00001c20"
				   "00000e10"
				   "00000000"
				   "20010db8100000070000000000000000"
				   "1903"
				   "0000"
				   "00000708"
				   "20010db8005300000000000000000053";
	struct world w;
	const struct wire *f;
	const char *hex;

	(void)state;
	lns_up(&w);
	f = next_ipv6(&w);
	assert_non_null(f);
	hex = hex_of(f->data, f->len);
	assert_int_equal(strlen(hex), strlen(head) + 4 + strlen(body));
	assert_memory_equal(hex, head, strlen(head));
	assert_string_equal(hex + strlen(head) + 4, body);
	assert_int_equal(sum_of(f->data + 4, f->len - 4), 0xffff);
	world_free(&w);
}

static void feed_icmp6(struct end *e, const char *src, const char *dst, uint8_t type,
		       const char *body_hex)
{
	uint8_t packet[512], body[256];
	struct writer out = writer_of(packet, sizeof(packet));
	struct ipaddr s = world_addr(src), d = world_addr(dst);
	size_t len = unhex(body_hex, body, sizeof(body));

	icmp6_build(&out, s.b, d.b, type, body, len);
	ppp_ipv6_local(e->link, e->world->now, packet, out.len);
}

/* At once, repeated soon, then every 600 s, before its 1800 s are over. */
static void test_advertisements_by_themselves(void **state)
{
	struct world w;
	unsigned int n = 0;

	(void)state;
	lns_up(&w);
	w.lns.alive = true;
	assert_non_null(next_ipv6(&w));
	world_run(&w, 9000);
	assert_non_null(next_ipv6(&w));
	assert_non_null(next_ipv6(&w));
	assert_null(next_ipv6(&w));
	/* without IPCP: only IPV6CP is open here */
	for (unsigned int i = 0; i < 60; i++) {
		world_run(&w, 60000);
		while (next_ipv6(&w))
			n++;
	}
	assert_int_equal(n, 6);
	feed(&w.lns, "ff038057 05070004"); /* IPV6CP ends, and so do they */
	world_run(&w, 20000);
	assert_null(next_ipv6(&w));
	world_free(&w);
}

static void test_a_solicitation_is_answered(void **state)
{
	struct world w;

	(void)state;
	lns_up(&w);
	world_run(&w, 1000);
	wire_clear(&w);
	feed_icmp6(&w.lns, "fe80::11:2233:4455:6677", "ff02::2", ICMP6_ROUTER_SOLICITATION,
		   "00000000");
	assert_int_equal(next_ipv6(&w)->data[44], ICMP6_ROUTER_ADVERTISEMENT);
	/* a flood of them is not */
	for (unsigned int i = 0; i < 100; i++)
		feed_icmp6(&w.lns, "::", "ff02::2", ICMP6_ROUTER_SOLICITATION, "00000000");
	expect_nothing(&w);
	world_run(&w, 500);
	feed_icmp6(&w.lns, "::", "ff02::2", ICMP6_ROUTER_SOLICITATION, "00000000");
	assert_non_null(next_ipv6(&w));
	world_free(&w);
}

/* The same, come as a PPP frame on the slow path. */
static void test_a_solicitation_inside_a_frame(void **state)
{
	struct world w;
	uint8_t frame[128] = { 0x57 };
	struct writer out = writer_of(frame + 1, sizeof(frame) - 1);
	static const uint8_t zeros[16];

	(void)state;
	lns_up(&w);
	world_run(&w, 1000);
	wire_clear(&w);
	icmp6_build(&out, zeros, icmp6_all_routers, ICMP6_ROUTER_SOLICITATION, zeros, 4);
	ppp_input(w.lns.link, w.now, frame, out.len + 1);
	assert_non_null(next_ipv6(&w));
	world_free(&w);
}

/* RFC 4861 section 6.1.1: not from behind a router, not with a broken checksum, ... */
static void test_solicitations_that_do_not_count(void **state)
{
	static const struct {
		size_t at;
		uint8_t flip;
	} cases[] = {
		{ 0, 0x20 }, { 7, 1 }, { 6, 1 }, { 41, 1 }, { 42, 1 }, { 5, 1 }, { 8, 0xdf }
	};
	struct world w;
	uint8_t packet[64];
	struct ipaddr src = world_addr("fe80::11:2233:4455:6677");

	(void)state;
	lns_up(&w);
	world_run(&w, 1000);
	wire_clear(&w);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct writer out = writer_of(packet, sizeof(packet));

		icmp6_build(&out, src.b, icmp6_all_routers, ICMP6_ROUTER_SOLICITATION, src.b + 4,
			    4);
		packet[cases[i].at] ^= cases[i].flip;
		ppp_ipv6_local(w.lns.link, w.now, packet, out.len);
		expect_nothing(&w);
	}
	for (size_t len = 0; len < 48; len++) {
		struct writer out = writer_of(packet, sizeof(packet));

		icmp6_build(&out, src.b, icmp6_all_routers, ICMP6_ROUTER_SOLICITATION, src.b + 4,
			    4);
		ppp_ipv6_local(w.lns.link, w.now, packet, len);
		expect_nothing(&w);
	}
	/* a good checksum, but from a routed source */
	feed_icmp6(&w.lns, "2001:db8::1", "ff02::2", ICMP6_ROUTER_SOLICITATION, "00000000");
	expect_nothing(&w);
	world_free(&w);
}

/* PPP-V6-6: nobody needs this, and some hosts ask. */
static void test_neighbour_solicitations_for_our_address(void **state)
{
	struct world w;
	const struct wire *f;

	(void)state;
	lns_up(&w);
	world_run(&w, 1000);
	wire_clear(&w);
	feed_icmp6(&w.lns, "fe80::11:2233:4455:6677", "fe80::fffe:fdfc:fbfa:f9f8",
		   ICMP6_NEIGHBOUR_SOLICITATION, "00000000 fe80000000000000fffefdfcfbfaf9f8");
	f = next_ipv6(&w);
	assert_non_null(f);
	assert_int_equal(f->data[44], ICMP6_NEIGHBOUR_ADVERTISEMENT);
	assert_int_equal(f->data[48], 0xe0); /* router, solicited, override */
	assert_memory_equal(f->data + 28, "\xfe\x80\0\0\0\0\0\0\0\x11\x22\x33\x44\x55\x66\x77", 16);
	assert_int_equal(sum_of(f->data + 4, f->len - 4), 0xffff);
	world_run(&w, 1000);
	wire_clear(&w);
	feed_icmp6(&w.lns, "::", "ff02::1:fffa:f9f8", ICMP6_NEIGHBOUR_SOLICITATION,
		   "00000000 fe80000000000000fffefdfcfbfaf9f8"); /* duplicate detection */
	f = next_ipv6(&w);
	assert_int_equal(f->data[48], 0xa0);
	assert_memory_equal(f->data + 28, icmp6_all_nodes, 16);
	world_run(&w, 1000);
	wire_clear(&w);
	feed_icmp6(&w.lns, "fe80::11:2233:4455:6677", "ff02::1", ICMP6_NEIGHBOUR_SOLICITATION,
		   "00000000 fe800000000000000000000000000001"); /* another's */
	feed_icmp6(&w.lns, "fe80::11:2233:4455:6677", "ff02::1", ICMP6_NEIGHBOUR_SOLICITATION,
		   "00000000 fe80"); /* cut */
	expect_nothing(&w);
	world_free(&w);
}

/* ---- client ---- */

static void client_up(struct world *w)
{
	world_init(w);
	world_new_link(&w->client);
	ppp_lower_up(w->client.link, w->now, NULL);
	lcp_open(&w->client);
	agree(&w->client, PPP_IPV6CP);
	ask(&w->client, PPP_IPV6CP, "010a" PEER_ID);
	assert_true(ppp_is_open(w->client.link, PPP_IPV6));
}

#define RA_HEAD "40 00 0708 00000000 00000000 "
#define PREFIX(len, flags, valid, preferred, addr) "0304" len flags valid preferred "00000000" addr
#define GOOD_PREFIX PREFIX("40", "40", "00001c20", "00000e10", "20010db8100000070000000000000000")

static void test_client_solicits_until_told(void **state)
{
	struct world w;
	unsigned int n = 0;
	const struct wire *f;

	(void)state;
	client_up(&w);
	world_run(&w, 200000);
	while ((f = next_ipv6(&w))) {
		assert_int_equal(f->data[44], ICMP6_ROUTER_SOLICITATION);
		assert_int_equal(sum_of(f->data + 4, f->len - 4), 0xffff);
		n++;
	}
	assert_int_equal(n, 6);
	world_free(&w);

	client_up(&w);
	wire_clear(&w);
	feed_icmp6(&w.client, "fe80::1", "ff02::1", ICMP6_ROUTER_ADVERTISEMENT,
		   RA_HEAD GOOD_PREFIX);
	world_run(&w, 100000);
	assert_null(next_ipv6(&w));
	assert_int_equal(w.client.n_prefix, 1);
	world_free(&w);
}

static void test_client_reads_advertisements(void **state)
{
	static const struct {
		const char *body;
		bool told;
	} cases[] = {
		{ RA_HEAD GOOD_PREFIX, true },
		{ RA_HEAD "0101 000000000000" GOOD_PREFIX, true }, /* other options before it */
		{ RA_HEAD "0501 0000000005dc" GOOD_PREFIX "fd01 000000000000", true },
		{ RA_HEAD, false },
		{ "", false },
		{ "40 00 0708 00000000 000000", false },
		{ RA_HEAD PREFIX("40", "80", "00001c20", "00000e10",
				 "20010db8100000070000000000000000"),
		  false }, /* no A */
		{ RA_HEAD PREFIX("40", "40", "00000000", "00000000",
				 "20010db8100000070000000000000000"),
		  false }, /* no lifetime */
		{ RA_HEAD PREFIX("40", "40", "00000e10", "00001c20",
				 "20010db8100000070000000000000000"),
		  false }, /* preferred > valid */
		{ RA_HEAD PREFIX("30", "40", "00001c20", "00000e10",
				 "20010db8100000000000000000000000"),
		  false }, /* a /48 */
		{ RA_HEAD PREFIX("ff", "40", "00001c20", "00000e10",
				 "20010db8100000000000000000000000"),
		  false },
		{ RA_HEAD PREFIX("40", "40", "00001c20", "00000e10",
				 "fe800000000000000000000000000000"),
		  false },
		{ RA_HEAD PREFIX("40", "40", "00001c20", "00000e10",
				 "ff020000000000000000000000000000"),
		  false },
		{ RA_HEAD "0300", false }, /* a length of zero loops in bad parsers */
		{ RA_HEAD "0304 4040", false },
		{ RA_HEAD GOOD_PREFIX "0100", false },
		{ RA_HEAD GOOD_PREFIX "19ff 0000", false },
		{ RA_HEAD "0303"
			  "4040 00001c20 00000e10 00000000 20010db810000007",
		  false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct world w;

		client_up(&w);
		feed_icmp6(&w.client, "fe80::1", "ff02::1", ICMP6_ROUTER_ADVERTISEMENT,
			   cases[i].body);
		if (w.client.n_prefix != cases[i].told)
			fail_msg("%s", cases[i].body);
		world_free(&w);
	}
}

static void test_client_name_servers(void **state)
{
	static const char rdnss2[] = RA_HEAD GOOD_PREFIX
		"1907 0000 00000708 20010db8005300000000000000000053"
		"20010db8005300000000000000000054 20010db8005300000000000000000055";
	static const char expired[] =
		RA_HEAD GOOD_PREFIX "1903 0000 00000000 20010db8005300000000000000000053";
	struct world w;
	char text[ADDR_STRLEN];

	(void)state;
	client_up(&w);
	feed_icmp6(&w.client, "fe80::1", "ff02::1", ICMP6_ROUTER_ADVERTISEMENT, rdnss2);
	assert_string_equal(addr_str(&w.client.net.dns6[1], text), "2001:db8:53::54");
	/* told once, and again when it changes */
	feed_icmp6(&w.client, "fe80::1", "ff02::1", ICMP6_ROUTER_ADVERTISEMENT, rdnss2);
	assert_int_equal(w.client.n_prefix, 1);
	feed_icmp6(&w.client, "fe80::1", "ff02::1", ICMP6_ROUTER_ADVERTISEMENT, expired);
	assert_int_equal(w.client.n_prefix, 2);
	assert_false(addr_is_set(&w.client.net.dns6[0]));
	/* nobody advertises from "::" (RFC 4861 section 6.1.2) */
	feed_icmp6(&w.client, "::", "ff02::1", ICMP6_ROUTER_ADVERTISEMENT, rdnss2);
	assert_int_equal(w.client.n_prefix, 2);
	world_free(&w);
}

/* An LNS does not learn from its subscribers. */
static void test_lns_ignores_advertisements(void **state)
{
	struct world w;

	(void)state;
	lns_up(&w);
	feed_icmp6(&w.lns, "fe80::1", "ff02::1", ICMP6_ROUTER_ADVERTISEMENT,
		   RA_HEAD PREFIX("40", "40", "00001c20", "00000e10",
				  "20010db8dead00000000000000000000"));
	assert_int_equal(w.lns.n_prefix, 0);
	assert_int_equal(ppp_network(w.lns.link)->ipv6.addr.b[5], 0);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_advertisement_octets),
		cmocka_unit_test(test_advertisements_by_themselves),
		cmocka_unit_test(test_a_solicitation_is_answered),
		cmocka_unit_test(test_a_solicitation_inside_a_frame),
		cmocka_unit_test(test_solicitations_that_do_not_count),
		cmocka_unit_test(test_neighbour_solicitations_for_our_address),
		cmocka_unit_test(test_client_solicits_until_told),
		cmocka_unit_test(test_client_reads_advertisements),
		cmocka_unit_test(test_client_name_servers),
		cmocka_unit_test(test_lns_ignores_advertisements),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
