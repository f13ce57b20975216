// SPDX-License-Identifier: GPL-2.0-or-later
/* From the peer: what becomes of the packet inside. */
#include "tests/bpf/packet.h"

static struct rig rig;
static struct packet p;

/* Egress by a VLAN device, one tag and two: the frame leaves by the port below it. */
static void test_egress_vlan(void **state)
{
	static const uint8_t one[] = { 0x81, 0, 0, 100 },
			     two[] = { 0x88, 0xa8, 0, 200, 0x81, 0, 0, 100 };
	struct inner_desc d = { .payload = 5, .dst = "203.0.114.9" };
	struct outer_desc o = {};
	struct rig_result res;
	size_t at;

	(void)state;
	rig_reset(&rig, false, 0);
	at = make_rx(&p, &o, &d);
	rig_port_tag(&rig, rig.vlan, 100, 0);
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_DECAP, "one tag", &res);
	assert_forwarded(&p, &res, at, p.len - at, false, 18);
	assert_memory_equal(res.frame, "\2\0\0\0\0\4\2\0\0\0\0\x22", 12);
	assert_memory_equal(res.frame + 12, one, 4);
	rig_port_tag(&rig, rig.vlan, 200, 100);
	d = (struct inner_desc){ .v6 = true, .payload = 5, .dst = "2001:db8:fffe::9" };
	at = make_rx(&p, &o, &d);
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_DECAP, "two tags", &res);
	assert_forwarded(&p, &res, at, p.len - at, true, 22);
	assert_memory_equal(res.frame + 12, two, 8);
	/* where it comes from is the port below: hairpin */
	rig_expect(&rig, rig.core, p.b, p.len, L2X_V_OTHER_HOST, "core", NULL);
	p.b[5] = 0x12;
	rig_expect(&rig, rig.core, p.b, p.len, L2X_V_DECAP, "hairpin", &res);
	assert_int_equal(res.action, XDP_TX);
	rig_port_tag(&rig, rig.vlan, 0, 0);
}

/* DP-LEN-1, DP-IN-2: Ethernet padding, PPP padding, a UDP length below the IP length. */
static void test_padding(void **state)
{
	struct inner_desc d = { .payload = 1 };
	struct rig_result res;
	unsigned int pad;
	size_t at;

	(void)state;
	rig_reset(&rig, false, 0);
	for (pad = 0; pad < 20; pad++) {
		at = make_rx(&p, &(struct outer_desc){ .pad = pad, .ppp_pad = pad / 2 }, &d);
		rig_expect(&rig, rig.access, p.b, p.len, L2X_V_DECAP, "padding", &res);
		assert_forwarded(&p, &res, at, 29, false, 14);
		assert_int_equal(rig.t->rx_bytes, 29 * (pad + 1));
	}
	at = make_rx(&p, &(struct outer_desc){}, &d);
	put(&p, "\1\2\3", 3);
	set16(p.b + 16, get16(p.b + 16) + 3);
	fix_outer(&p, 14, false, false);
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_DECAP, "UDP shorter than IP", &res);
	assert_forwarded(&p, &res, at, 29, false, 14);
}

/* DP-PPP-1, DP-PPP-2, DP-SLOW-4: every protocol number, in both lengths. */
static void test_ppp_protocols(void **state)
{
	struct inner_desc d = {};
	unsigned int proto;

	(void)state;
	rig_reset(&rig, false, 0);
	for (proto = 0; proto < 0x10000; proto += proto < 0x200 ? 1 : 129) {
		unsigned int want = L2X_V_PPP_CONTROL;

		make_rx(&p, &(struct outer_desc){ .nosum = true }, &d);
		set16(p.b + 50, proto);
		if (proto == 0x0021)
			want = L2X_V_DECAP;
		else if (proto == 0x0057)
			want = L2X_V_BAD_INNER; /* it is IPv4 */
		else if (proto >> 8 == 0x21 || proto >> 8 == 0x57)
			want = L2X_V_BAD_INNER; /* one octet, and its packet begins at once */
		else if (proto >> 8 == 0xff || (!(proto & 0x100) && !(proto & 1)))
			want = L2X_V_BAD_PPP;
		rig_expect(&rig, rig.access, p.b, p.len, want, "protocol", NULL);
	}
}

/* DP-PPP-2: data before its NCP is open, and the other family's goes on. */
static void test_ncp_closed(void **state)
{
	struct inner_desc d4 = {}, d6 = { .v6 = true };
	struct outer_desc o = {};

	(void)state;
	rig_reset(&rig, false, 0);
	rig.s->flags &= (uint16_t)~L2X_S_IPV6;
	make_rx(&p, &o, &d6);
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_NCP_CLOSED, "IPv6", NULL);
	assert_int_equal(rig.t->rx_drops, 1);
	make_rx(&p, &o, &d4);
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_DECAP, "IPv4", NULL);
	rig.s->flags = 0;
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_NCP_CLOSED, "both", NULL);
}

/* DP-IN-1: the inner header's version, lengths and checksum; DP-SLOW-7. */
static void test_bad_inner(void **state)
{
	static const struct {
		const char *what;
		size_t at;
		uint16_t to;
		bool v6, fix;
		unsigned int verdict;
	} cases[] = {
		{ "version 5", 0, 0x5500, false, true, L2X_V_BAD_INNER },
		{ "version 6 in 0021", 0, 0x6500, false, true, L2X_V_BAD_INNER },
		{ "IHL 4", 0, 0x4400, false, true, L2X_V_BAD_INNER },
		{ "IHL beyond it", 0, 0x4f00, false, true, L2X_V_BAD_INNER },
		{ "total length 19", 2, 19, false, true, L2X_V_BAD_INNER },
		{ "total length + 1", 2, 33, false, true, L2X_V_BAD_INNER },
		{ "total length 65535", 2, 65535, false, true, L2X_V_BAD_INNER },
		{ "total length 20", 2, 20, false, true, L2X_V_DECAP },
		{ "checksum", 10, 0x1111, false, false, L2X_V_BAD_INNER },
		{ "version 4 in 0057", 0, 0x4000, true, false, L2X_V_BAD_INNER },
		{ "payload + 1", 4, 13, true, false, L2X_V_BAD_INNER },
		{ "payload 65535", 4, 65535, true, false, L2X_V_BAD_INNER },
		{ "payload 0", 4, 0, true, false, L2X_V_DECAP },
	};
	unsigned int i;

	(void)state;
	rig_reset(&rig, false, 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct inner_desc d = { .v6 = cases[i].v6, .payload = 4 };
		size_t at = make_rx(&p, &(struct outer_desc){}, &d);

		set16(p.b + at + cases[i].at, cases[i].to);
		if (cases[i].fix) {
			set16(p.b + at + 10, 0);
			set_sum(p.b + at + 10, (uint16_t)~rig_sum(p.b + at, 20, 0));
		}
		fix_outer(&p, 14, false, false);
		rig_expect(&rig, rig.access, p.b, p.len, cases[i].verdict, cases[i].what, NULL);
	}
	make_rx(&p, &(struct outer_desc){}, &(struct inner_desc){ .options = 8 });
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_INNER_OPTIONS, "options", NULL);
	make_rx(&p, &(struct outer_desc){}, &(struct inner_desc){ .v6 = true, .hopopts = true });
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_INNER_OPTIONS, "hop-by-hop", NULL);
}

struct destination {
	const char *addr;
	bool v6;
	unsigned int verdict;
};

static void run_destinations(const struct destination *cases, unsigned int n, bool source)
{
	unsigned int i;

	rig_reset(&rig, false, 0);
	for (i = 0; i < n; i++) {
		struct inner_desc d = { .v6 = cases[i].v6 };

		if (source)
			d.src = cases[i].addr;
		else
			d.dst = cases[i].addr;
		make_rx(&p, &(struct outer_desc){}, &d);
		rig_expect(&rig, rig.access, p.b, p.len, cases[i].verdict, cases[i].addr, NULL);
	}
}

/* DP-SPOOF-1, DP-SLOW-6: whose source address is it? */
static void test_spoof(void **state)
{
	static const struct destination cases[] = {
		{ RIG_SUB4, false, L2X_V_DECAP },
		{ "10.64.0.3", false, L2X_V_SPOOFED },
		{ "0.0.0.0", false, L2X_V_SPOOFED },
		{ RIG_LNS4, false, L2X_V_SPOOFED },
		{ RIG_SUB6, true, L2X_V_DECAP },
		{ "2001:db8:100::ffff:1", true, L2X_V_DECAP },
		{ "2001:db8:100:1::2", true, L2X_V_SPOOFED },
		{ "2001:db8:101::2", true, L2X_V_SPOOFED },
		{ "fe80::2", true, L2X_V_INNER_LOCAL },
		{ "febf:ffff::2", true, L2X_V_INNER_LOCAL },
		{ "fec0::2", true, L2X_V_SPOOFED },
		{ "::", true, L2X_V_INNER_LOCAL },
		{ "::1", true, L2X_V_SPOOFED },
	};
	struct inner_desc d = { .v6 = true };

	(void)state;
	run_destinations(cases, sizeof(cases) / sizeof(cases[0]), true);
	assert_int_equal(rig.t->rx_drops, 7);
	/* a session without prefix owns no address */
	rig.s->ipv6 = 0;
	make_rx(&p, &(struct outer_desc){}, &d);
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_SPOOFED, "no prefix", NULL);
}

/* DP-SLOW-6, DP-SLOW-9, DP-SPOOF-2: where it may go, and what the FIB says. */
static void test_destinations(void **state)
{
	static const struct destination cases[] = {
		{ RIG_SERVER4, false, L2X_V_DECAP },
		{ "224.0.0.5", false, L2X_V_INNER_LOCAL },
		{ "239.255.255.255", false, L2X_V_INNER_LOCAL },
		{ "255.255.255.255", false, L2X_V_INNER_LOCAL },
		{ "127.0.0.1", false, L2X_V_INNER_LOCAL },
		{ "169.254.1.1", false, L2X_V_INNER_LOCAL },
		{ "0.0.0.1", false, L2X_V_INNER_LOCAL },
		{ RIG_LNS4, false, L2X_V_INNER_LOCAL },
		{ "203.0.113.1", false, L2X_V_NO_ROUTE }, /* ours, as the FIB knows */
		{ "203.0.113.8", false, L2X_V_NO_NEIGHBOUR },
		{ "203.0.115.1", false, L2X_V_NO_ROUTE }, /* blackhole */
		{ "100.64.0.1", false, L2X_V_NO_ROUTE },
		{ "203.0.117.9", false, L2X_V_NO_PORT },
		{ RIG_SERVER6, true, L2X_V_DECAP },
		{ "ff02::1", true, L2X_V_INNER_LOCAL },
		{ "fe80::1", true, L2X_V_INNER_LOCAL },
		{ "::1", true, L2X_V_INNER_LOCAL },
		{ "::", true, L2X_V_INNER_LOCAL },
		{ RIG_LNS6, true, L2X_V_INNER_LOCAL },
		{ "2001:db8:ffff::1", true, L2X_V_NO_ROUTE },
		{ "2001:db8:ffff::8", true, L2X_V_NO_NEIGHBOUR },
		{ "2001:db8:dead::1", true, L2X_V_NO_ROUTE },
	};

	(void)state;
	run_destinations(cases, sizeof(cases) / sizeof(cases[0]), false);
}

/* DP-MTU, DP-SLOW-8: a route's, a port's and the interface's MTU. */
static void test_uplink_mtu(void **state)
{
	static const struct {
		const char *dst;
		size_t len;
		unsigned int verdict;
	} cases[] = {
		{ "203.0.113.9", 1500, L2X_V_DECAP },
		{ "203.0.113.9", 1501, L2X_V_TOO_BIG },
		/* a route's MTU and what strangers' ICMP made of it look alike: DP-ICMP-5 */
		{ "203.0.116.9", 1000, L2X_V_DECAP },
		{ "203.0.116.9", 1001, L2X_V_DECAP },
		{ "203.0.114.9", 1400, L2X_V_DECAP },
		{ "203.0.114.9", 1401, L2X_V_TOO_BIG },
	};
	unsigned int i;

	(void)state;
	rig_reset(&rig, false, 0);
	for (i = 0; i < L2X_PORT_SLOTS; i++)
		if (rig.ports[i].ifindex == rig.vlan)
			rig.ports[i].mtu = 1400;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct inner_desc d = { .dst = cases[i].dst, .payload = cases[i].len - 28 };

		make_rx(&p, &(struct outer_desc){}, &d);
		rig_expect(&rig, rig.access, p.b, p.len, cases[i].verdict, cases[i].dst, NULL);
	}
	for (i = 0; i < L2X_PORT_SLOTS; i++)
		if (rig.ports[i].ifindex == rig.vlan)
			rig.ports[i].mtu = 1500;
}

/* DP-IN-3, DP-SLOW-5: TTL 0 and 1 go up, 2 and 255 lose one. */
static void test_ttl(void **state)
{
	static const uint8_t ttls[] = { 0, 1, 2, 64, 255 };
	struct rig_result res;
	unsigned int i, v6;

	(void)state;
	rig_reset(&rig, false, 0);
	for (v6 = 0; v6 < 2; v6++)
		for (i = 0; i < 5; i++) {
			struct inner_desc d = { .v6 = v6, .ttl = ttls[i], .ttl_zero = !ttls[i] };
			size_t at = make_rx(&p, &(struct outer_desc){}, &d);

			rig_expect(&rig, rig.access, p.b, p.len,
				   ttls[i] < 2 ? L2X_V_TTL : L2X_V_DECAP, "TTL", &res);
			if (ttls[i] >= 2)
				assert_forwarded(&p, &res, at, p.len - at, v6, 14);
		}
}

/* DP-ECN-2: the 4x4 table of RFC 6040, in all four pairs of IP versions; DSCP stays the
 * inner one (DP-DS-1, DP-DS-3). -1: drop. */
static void test_ecn(void **state)
{
	/* [inner][outer]; 00 Not-ECT, 01 ECT(1), 10 ECT(0), 11 CE */
	static const int table[4][4] = {
		{ 0, 0, 0, -1 }, { 1, 1, 1, 3 }, { 2, 1, 2, 3 }, { 3, 3, 3, 3 }
	};
	unsigned int v, inner, outer;
	struct rig_result res;

	(void)state;
	for (v = 0; v < 4; v++) {
		rig_reset(&rig, v & 1, 0);
		for (inner = 0; inner < 4; inner++)
			for (outer = 0; outer < 4; outer++) {
				struct inner_desc d = { .v6 = v & 2,
							.tos = (uint8_t)(0xb8 | inner) };
				struct outer_desc o = { .v6 = v & 1,
							.tos = (uint8_t)(0x28 | outer) };
				size_t at = make_rx(&p, &o, &d);
				int want = table[inner][outer];
				uint8_t tos = (uint8_t)(0xb8 | want);

				rig_expect(&rig, rig.access, p.b, p.len,
					   want < 0 ? L2X_V_ECN_DROP : L2X_V_DECAP, "ECN", &res);
				if (want < 0)
					continue;
				if (d.v6)
					set16(p.b + at, 0x6000 | (unsigned int)tos << 4);
				else
					p.b[at + 1] = tos;
				assert_forwarded(&p, &res, at, p.len - at, d.v6, 14);
			}
	}
}

/* DP-FRAG-4: inner fragments are forwarded like any packet. */
static void test_inner_fragments(void **state)
{
	static const uint16_t frags[] = { 0x2000, 0x2010, 0x0010, 0x4000 };
	struct rig_result res;
	unsigned int i;

	(void)state;
	rig_reset(&rig, false, L2X_S_MSS);
	for (i = 0; i < 4; i++) {
		struct inner_desc d = { .frag = frags[i], .l4 = P_SYN, .payload = 20 };
		size_t at = make_rx(&p, &(struct outer_desc){}, &d);

		rig_expect(&rig, rig.access, p.b, p.len, L2X_V_DECAP, "fragment", &res);
		assert_forwarded(&p, &res, at, p.len - at, false, 14);
	}
}

/* DP-MTU-4: up to 1500 octets of inner packet, whatever our MRU; and the smallest. */
static void test_sizes(void **state)
{
	struct rig_result res;
	size_t n;

	(void)state;
	rig_reset(&rig, false, 0);
	for (n = 0; n <= 1472; n += n < 64 ? 1 : 64) {
		struct inner_desc d = { .payload = n };
		size_t at = make_rx(&p, &(struct outer_desc){}, &d);

		rig_expect(&rig, rig.access, p.b, p.len, L2X_V_DECAP, "size", &res);
		assert_forwarded(&p, &res, at, n + 28, false, 14);
	}
}

static int setup(void **state)
{
	struct l2x_config cfg = rig_config();

	(void)state;
	rig_namespace();
	rig_open(&rig, &cfg);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_close(&rig);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_egress_vlan),
		cmocka_unit_test(test_padding),
		cmocka_unit_test(test_ppp_protocols),
		cmocka_unit_test(test_ncp_closed),
		cmocka_unit_test(test_bad_inner),
		cmocka_unit_test(test_spoof),
		cmocka_unit_test(test_destinations),
		cmocka_unit_test(test_uplink_mtu),
		cmocka_unit_test(test_ttl),
		cmocka_unit_test(test_ecn),
		cmocka_unit_test(test_inner_fragments),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
