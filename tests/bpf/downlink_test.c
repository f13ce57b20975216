// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * To the peer: the whole frame is worked out here, apart from the program, and must come
 * out to the octet; the outer UDP checksum by a plain sum over all of it.
 */
#include "tests/bpf/packet.h"

static struct rig rig;
static struct packet p, want;

/* The frame that session `s` must make of the packet at p.b + 14. */
static void make_want(const struct l2x_session *s, uint8_t tos, uint16_t ns, size_t len, bool v6)
{
	bool outer6 = s->tx_flags & L2X_S_OUTER6, seq = s->tx_flags & L2X_S_SEQ_TX;
	size_t l2tp = (seq ? 10 : 6) + (s->tx_flags & L2X_S_ACFC ? 2 : 4), ip;

	want.len = 0;
	put_link(&want, RIG_MAC_PEER, RIG_MAC_US, NULL, outer6);
	ip = want.len;
	if (outer6) {
		put16(&want, 0x6000 | (unsigned int)tos << 4);
		put16(&want, 0);
		put16(&want, (unsigned int)(8 + l2tp + len));
		put8(&want, 17);
		put8(&want, s->ttl);
		put(&want, &s->tx_local, 16);
		put(&want, &s->tx_peer, 16);
	} else {
		put8(&want, 0x45);
		put8(&want, tos);
		put16(&want, (unsigned int)(28 + l2tp + len));
		put16(&want, 0);
		put16(&want, 0x4000);
		put8(&want, s->ttl);
		put8(&want, 17);
		put16(&want, 0);
		put(&want, &s->tx_local.w[3], 4);
		put(&want, &s->tx_peer.w[3], 4);
	}
	put(&want, &s->tx_local_port, 2);
	put(&want, &s->tx_peer_port, 2);
	put16(&want, (unsigned int)(8 + l2tp + len));
	put16(&want, 0);
	put16(&want, seq ? 0x0802 : 2);
	put(&want, &s->peer_tunnel_id, 2);
	put(&want, &s->peer_session_id, 2);
	if (seq) {
		put16(&want, ns);
		put16(&want, 0);
	}
	if (!(s->tx_flags & L2X_S_ACFC))
		put16(&want, 0xff03);
	put16(&want, v6 ? 0x57 : 0x21);
	put(&want, p.b + 14, len);
	age(want.b + want.len - len, v6);
	fix_outer(&want, ip, outer6, (s->tx_flags & L2X_S_CSUM0) && !outer6);
}

static void assert_encap(const char *what, uint8_t tos, uint16_t ns, size_t len, bool v6)
{
	struct rig_result res;

	rig_expect(&rig, rig.core, p.b, p.len, L2X_V_ENCAP, what, &res);
	make_want(rig.s, tos, ns, len, v6);
	assert_int_equal(res.action, XDP_REDIRECT);
	assert_int_equal(res.len, want.len);
	assert_memory_equal(res.frame, want.b, want.len);
}

static const struct {
	const char *name;
	struct inner_desc d;
} kinds[] = {
	{ "UDP", { .l4 = P_UDP } },
	{ "UDP without checksum", { .l4 = P_UDP0 } },
	{ "TCP", { .l4 = P_TCP } },
	{ "ICMP", { .l4 = P_ICMP } },
	{ "GRE", { .l4 = P_GRE } },
	{ "first fragment", { .l4 = P_UDP, .frag = 0x2000 } },
	{ "last fragment", { .l4 = P_UDP, .frag = 0x00b9 } },
	{ "TCP fragment", { .l4 = P_TCP, .frag = 0x2000 } },
	{ "ICMP fragment", { .l4 = P_ICMP, .frag = 0x0100 } },
};

/* DP-TX-1 to DP-TX-5, DP-CK-1, DP-CK-3, DP-CK-8, DP-PPP-3: every kind of packet in every
 * form of ours, lengths odd and even, small and large. */
static void test_every_form(void **state)
{
	static const size_t sizes[] = {
		0,  1,  2,  3,   4,   5,   7,   8,   9,    15,   16,   17,
		31, 33, 63, 100, 255, 511, 512, 513, 1023, 1024, 1025, 1370
	};
	unsigned int form, kind, k, v6;

	(void)state;
	for (form = 0; form < 16; form++) {
		uint16_t flags = (form & 1 ? L2X_S_SEQ_TX : 0) | (form & 2 ? L2X_S_ACFC : 0) |
				 (form & 4 ? L2X_S_CSUM0 : 0);

		rig_reset(&rig, form & 8, flags);
		rig.t->tx_ns = 0xfff0;
		for (kind = 0; kind < 9; kind++)
			for (v6 = 0; v6 < 2; v6++)
				for (k = form % 3; k < 24; k += 3) {
					struct inner_desc d = kinds[kind].d;
					uint16_t ns = (uint16_t)rig.t->tx_ns;

					if (v6 && d.frag)
						continue;
					d.v6 = v6;
					d.down = true;
					d.payload = sizes[k];
					make_core(&p, &d);
					if (d.frag) /* a sum of its whole, not of this part */
						p.b[14 + 20 + 7] ^= 0x5a;
					assert_encap(kinds[kind].name, 0, ns, p.len - 14, v6);
				}
	}
}

/* Both: DP-TX-2, one number for each packet, over the wrap; DP-LIFE-2, counters exact. */
static void test_counters_and_numbers(void **state)
{
	struct inner_desc d = { .down = true, .payload = 72 };
	unsigned int i;

	(void)state;
	rig_reset(&rig, false, L2X_S_SEQ_TX);
	rig.t->tx_ns = 0xfffe;
	make_core(&p, &d);
	for (i = 0; i < 5; i++)
		assert_encap("numbered", 0, (uint16_t)(0xfffe + i), 100, false);
	assert_int_equal(rig.t->tx_packets, 5);
	assert_int_equal(rig.t->tx_bytes, 500);
	assert_int_equal(rig.t->tx_ns, 0x10003);
}

/* DP-CK-8: a transport length that is not the packet's rest is summed in full; so is
 * an IPv6 packet with a header between, and a UDP checksum that is wrong stays local. */
static void test_checksum_traps(void **state)
{
	struct inner_desc d = { .down = true, .payload = 32 };
	size_t n;

	(void)state;
	for (n = 0; n < 2; n++) {
		d.v6 = n;
		rig_reset(&rig, false, 0);
		make_core(&p, &d);
		set16(p.b + 14 + (n ? 40 : 20) + 4, 20); /* UDP length below the rest */
		set16(p.b + p.len - 2, 0xdead);
		assert_encap("short UDP", 0, 0, p.len - 14, n);
		make_core(&p, &d);
		set16(p.b + 14 + (n ? 40 : 20) + 4, 2000);
		assert_encap("long UDP", 0, 0, p.len - 14, n);
	}
	d = (struct inner_desc){ .v6 = true, .down = true, .next = 60, .payload = 32 };
	make_core(&p, &d);
	assert_encap("destination options", 0, 0, p.len - 14, true);
	d.next = 44;
	make_core(&p, &d);
	assert_encap("IPv6 fragment", 0, 0, p.len - 14, true);
	d.next = 1; /* ICMPv4 in IPv6 has no known checksum */
	make_core(&p, &d);
	assert_encap("ICMP in IPv6", 0, 0, p.len - 14, true);
	d = (struct inner_desc){ .down = true, .payload = 32 };
	make_core(&p, &d);
	p.b[23] = 58;
	set16(p.b + 24, 0);
	set_sum(p.b + 24, (uint16_t)~rig_sum(p.b + 14, 20, 0));
	assert_encap("ICMPv6 in IPv4", 0, 0, p.len - 14, false);
	d = (struct inner_desc){ .down = true, .l4 = P_TCP };
	for (n = 0; n < 20; n++) { /* a TCP header cut short */
		make_core(&p, &d);
		p.len = 14 + 20 + n;
		set16(p.b + 16, (unsigned int)(20 + n));
		set16(p.b + 24, 0);
		set_sum(p.b + 24, (uint16_t)~rig_sum(p.b + 14, 20, 0));
		assert_encap("short TCP", 0, 0, p.len - 14, false);
	}
}

/* DP-CK-3: a sum of 0 is sent as ffff. A 16-bit word of the payload is tried until it is. */
static void test_checksum_zero(void **state)
{
	struct inner_desc d = { .v6 = true, .down = true, .l4 = P_GRE, .payload = 2 };
	struct rig_result res;
	unsigned int sum;

	(void)state;
	rig_reset(&rig, true, 0);
	make_core(&p, &d);
	set16(p.b + 14 + 44, 0);
	rig_expect(&rig, rig.core, p.b, p.len, L2X_V_ENCAP, "before", &res);
	sum = get16(res.frame + 14 + 40 + 6);
	set16(p.b + 14 + 44, sum);
	rig_expect(&rig, rig.core, p.b, p.len, L2X_V_ENCAP, "zero", &res);
	assert_int_equal(get16(res.frame + 14 + 40 + 6), 0xffff);
	assert_encap("zero", 0, 0, p.len - 14, true);
}

/* DP-DS-1, DP-DS-3, DP-ECN-1: DSCP copied or fixed, ECN 00 or copied; inner untouched. */
static void test_tos(void **state)
{
	unsigned int v, mode, ecn;

	(void)state;
	for (v = 0; v < 4; v++)
		for (mode = 0; mode < 4; mode++) {
			uint16_t flags =
				(mode & 1 ? L2X_S_TOS_FIXED : 0) | (mode & 2 ? L2X_S_ECN : 0);

			rig_reset(&rig, v & 1, flags);
			rig.s->dscp = 26;
			for (ecn = 0; ecn < 4; ecn++) {
				struct inner_desc d = { .v6 = v & 2,
							.down = true,
							.tos = (uint8_t)(0xb8 | ecn) };
				unsigned int tos = mode & 1 ? 26 << 2 : 0xb8;

				make_core(&p, &d);
				assert_encap("tos", (uint8_t)(tos | (mode & 2 ? ecn : 0)), 0,
					     p.len - 14, d.v6);
			}
		}
}

/* DP-MTU-1, DP-SLOW-8: the session's MTU, and the way's. */
static void test_too_big(void **state)
{
	struct inner_desc d = { .down = true };
	unsigned int v6, i;

	(void)state;
	for (v6 = 0; v6 < 2; v6++) {
		rig_reset(&rig, v6, 0);
		d.payload = RIG_MTU - 28;
		make_core(&p, &d);
		if (v6)
			rig_expect(&rig, rig.core, p.b, p.len, L2X_V_TOO_BIG, "way", NULL);
		else
			assert_encap("fits", 0, 0, RIG_MTU, false);
		d.payload++;
		make_core(&p, &d);
		rig_expect(&rig, rig.core, p.b, p.len, L2X_V_TOO_BIG, "1461", NULL);
		/* 1500 octets of outer packet is what the way takes: DP section 6 */
		rig.s->mtu = 1500;
		d.payload = (v6 ? 1442 : 1462) - 28;
		make_core(&p, &d);
		assert_encap("1500 outside", 0, 0, p.len - 14, false);
		d.payload++;
		make_core(&p, &d);
		rig_expect(&rig, rig.core, p.b, p.len, L2X_V_TOO_BIG, "1501 outside", NULL);
	}
	rig_reset(&rig, false, 0);
	for (i = 0; i < L2X_PORT_SLOTS; i++)
		if (rig.ports[i].ifindex == rig.access)
			rig.ports[i].mtu = 1000;
	d.payload = 962 - 28;
	make_core(&p, &d);
	assert_encap("port takes 1000", 0, 0, 962, false);
	d.payload++;
	make_core(&p, &d);
	rig_expect(&rig, rig.core, p.b, p.len, L2X_V_TOO_BIG, "port takes 1000", NULL);
	for (i = 0; i < L2X_PORT_SLOTS; i++)
		if (rig.ports[i].ifindex == rig.access)
			rig.ports[i].mtu = 1500;
}

/* A sum of more than 1600 octets is beyond the program: up, where DP-CK-8 would do. */
static void test_not_linear(void **state)
{
	struct inner_desc d = { .down = true, .payload = 1700 };
	unsigned int i;

	(void)state;
	rig_reset(&rig, false, 0);
	rig.s->mtu = 3000;
	rig_sh("PATH=$PATH:/usr/sbin:/sbin ip link set acc mtu 3000");
	for (i = 0; i < L2X_PORT_SLOTS; i++)
		if (rig.ports[i].ifindex == rig.access)
			rig.ports[i].mtu = 3000;
	make_core(&p, &d);
	assert_encap("UDP", 0, 0, 1728, false);
	d.l4 = P_GRE;
	make_core(&p, &d);
	rig_expect(&rig, rig.core, p.b, p.len, L2X_V_NOT_LINEAR, "GRE", NULL);
	d.payload = 1600 - 24;
	make_core(&p, &d);
	assert_encap("GRE of 1600", 0, 0, 1600, false);
	rig_sh("PATH=$PATH:/usr/sbin:/sbin ip link set acc mtu 1500");
	for (i = 0; i < L2X_PORT_SLOTS; i++)
		if (rig.ports[i].ifindex == rig.access)
			rig.ports[i].mtu = 1500;
}

/* DP-IN-1, DP-IN-3, DP-SLOW-5, DP-SLOW-7: what a router refuses. */
static void test_refused(void **state)
{
	static const struct {
		const char *what;
		struct inner_desc d;
		size_t at;
		uint16_t add;
		bool fix;
		unsigned int verdict;
	} cases[] = {
		{ "TTL 1", { .ttl = 1 }, 0, 0, false, L2X_V_TTL },
		{ "TTL 0", { .ttl_zero = true }, 0, 0, false, L2X_V_TTL },
		{ "hop limit 1", { .v6 = true, .ttl = 1 }, 0, 0, false, L2X_V_TTL },
		{ "options", { .options = 4 }, 0, 0, false, L2X_V_INNER_OPTIONS },
		{ "hop-by-hop", { .v6 = true, .hopopts = true }, 0, 0, false, L2X_V_INNER_OPTIONS },
		{ "checksum", {}, 10, 1, false, L2X_V_BAD_INNER },
		{ "total length", {}, 2, 1, true, L2X_V_BAD_INNER },
		{ "payload length", { .v6 = true }, 4, 1, false, L2X_V_BAD_INNER },
		{ "nobody's", { .dst = "10.64.0.9" }, 0, 0, false, L2X_V_NO_SESSION },
		{ "nobody's /64",
		  { .v6 = true, .dst = "2001:db8:100:9::1" },
		  0,
		  0,
		  false,
		  L2X_V_NO_SESSION },
		{ "other", { .dst = "10.65.0.0" }, 0, 0, false, L2X_V_NOT_OURS },
		{ "below", { .dst = "10.63.255.255" }, 0, 0, false, L2X_V_NOT_OURS },
		{ "other /64",
		  { .v6 = true, .dst = "2001:db8:101::" },
		  0,
		  0,
		  false,
		  L2X_V_NOT_OURS },
	};
	unsigned int i;

	(void)state;
	rig_reset(&rig, false, 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct inner_desc d = cases[i].d;

		d.down = true;
		make_core(&p, &d);
		set16(p.b + 14 + cases[i].at, get16(p.b + 14 + cases[i].at) + cases[i].add);
		if (cases[i].fix) {
			set16(p.b + 24, 0);
			set_sum(p.b + 24, (uint16_t)~rig_sum(p.b + 14, 20, 0));
		}
		rig_expect(&rig, rig.core, p.b, p.len, cases[i].verdict, cases[i].what, NULL);
	}
	assert_int_equal(rig.t->tx_drops, 3);
	assert_int_equal(rig.t->tx_packets, 0);
}

/* Truncated at every byte, and padded (DP-LEN-1). */
static void test_truncated_and_padded(void **state)
{
	struct inner_desc d = { .down = true, .payload = 6 };
	unsigned int v6, n;
	size_t len;

	(void)state;
	rig_reset(&rig, false, 0);
	for (v6 = 0; v6 < 2; v6++) {
		d.v6 = v6;
		make_core(&p, &d);
		len = p.len;
		for (n = 14; n < len; n++)
			rig_expect(&rig, rig.core, p.b, n,
				   n < (v6 ? 54u : 34u) ? L2X_V_NOT_OURS : L2X_V_BAD_INNER, "cut",
				   NULL);
		for (n = 1; n < 30; n++) {
			put8(&p, n);
			assert_encap("padded", 0, 0, len - 14, v6);
		}
	}
}

/* A dead line, a closed NCP, an element being rewritten. */
static void test_session_states(void **state)
{
	struct inner_desc d = { .down = true };

	(void)state;
	rig_reset(&rig, false, 0);
	make_core(&p, &d);
	rig.s->tx_flags &= (uint16_t)~L2X_S_IPV4;
	rig_expect(&rig, rig.core, p.b, p.len, L2X_V_NO_SESSION, "IPCP closed", NULL);
	rig_reset(&rig, false, 0);
	rig.s->tx_gen = 0;
	rig_expect(&rig, rig.core, p.b, p.len, L2X_V_NO_SESSION, "dead", NULL);
	rig_reset(&rig, false, 0);
	rig.s->gen = 0; /* line 0 is not looked at */
	assert_encap("other line dead", 0, 0, p.len - 14, false);
	rig.pool4[2] = 0x123456; /* an index that there is not */
	rig_expect(&rig, rig.core, p.b, p.len, L2X_V_NO_SESSION, "index", NULL);
	rig.pool4[2] = RIG_INDEX;
}

/* Addresses outside every pool: by hash, if there are any. */
static void test_hosts(void **state)
{
	struct inner_desc d4 = { .down = true, .dst = "100.64.7.7" };
	struct inner_desc d6 = { .v6 = true, .down = true, .dst = "2001:db8:7:7::7" };
	uint32_t index = RIG_INDEX, key4 = rig_ip4("100.64.7.7");
	uint64_t key6 = rig_addr("2001:db8:7:7::7").d[0];

	(void)state;
	rig_reset(&rig, false, 0);
	bpf_map_update_elem(bpf_map__fd(rig.skel->maps.hosts4), &key4, &index, 0);
	bpf_map_update_elem(bpf_map__fd(rig.skel->maps.hosts6), &key6, &index, 0);
	make_core(&p, &d4);
	rig_expect(&rig, rig.core, p.b, p.len, L2X_V_NOT_OURS, "off", NULL);
	rig.skel->bss->live.hosts4 = rig.skel->bss->live.hosts6 = 1;
	assert_encap("host", 0, 0, p.len - 14, false);
	make_core(&p, &d6);
	assert_encap("prefix", 0, 0, p.len - 14, true);
	d4.dst = "100.64.7.8";
	make_core(&p, &d4);
	rig_expect(&rig, rig.core, p.b, p.len, L2X_V_NOT_OURS, "neighbour", NULL);
	rig.skel->bss->live.hosts4 = rig.skel->bss->live.hosts6 = 0;
}

/* DP-TX-6: a next hop is kept while the epoch stands, and looked up when it moves. */
static void test_next_hop(void **state)
{
	struct inner_desc d = { .down = true };
	struct rig_result res;
	struct l2x_addr old;

	(void)state;
	rig_reset(&rig, false, 0);
	make_core(&p, &d);
	assert_encap("fill", 0, 0, p.len - 14, false);
	rig_sh("PATH=$PATH:/usr/sbin:/sbin; ip neigh replace 192.0.2.10 lladdr 02:00:00:00:00:77 "
	       "dev acc "
	       "nud permanent");
	assert_encap("kept", 0, 0, p.len - 14, false);
	rig.skel->bss->live.epoch++;
	rig_expect(&rig, rig.core, p.b, p.len, L2X_V_ENCAP, "looked up", &res);
	assert_memory_equal(res.frame, "\2\0\0\0\0\x77", 6);
	rig_sh("PATH=$PATH:/usr/sbin:/sbin; ip neigh replace 192.0.2.10 lladdr " RIG_MAC_PEER
	       " dev acc nud permanent");
	rig.skel->bss->live.epoch++;
	assert_encap("back", 0, 0, p.len - 14, false);
	/* failures are not kept */
	old = rig.s->tx_peer;
	rig.skel->bss->live.epoch++;
	rig.s->tx_peer = rig_addr("192.0.2.99");
	rig_expect(&rig, rig.core, p.b, p.len, L2X_V_NO_NEIGHBOUR, "no neighbour", NULL);
	rig.s->tx_peer = rig_addr("203.0.115.5");
	rig_expect(&rig, rig.core, p.b, p.len, L2X_V_NO_ROUTE, "blackhole", NULL);
	rig.s->tx_peer = rig_addr("203.0.117.9");
	rig_expect(&rig, rig.core, p.b, p.len, L2X_V_NO_PORT, "not our interface", NULL);
	rig.s->tx_peer = old;
	assert_encap("again", 0, 0, p.len - 14, false);
	rig.s->nexthop = 0xffff;
	assert_encap("last slot", 0, 0, p.len - 14, false);
	rig.skel->bss->live.epoch = 0; /* nothing is kept before the daemon is ready */
	assert_encap("epoch 0", 0, 0, p.len - 14, false);
	rig.skel->bss->live.epoch = 99;
}

/* Tags on the way to the peer, and the hairpin on one port. */
static void test_vlan_and_hairpin(void **state)
{
	static const uint8_t two[] = { 0x88, 0xa8, 0, 200, 0x81, 0, 0, 100 };
	struct inner_desc d = { .down = true, .payload = 9 };
	struct rig_result res;

	(void)state;
	rig_reset(&rig, false, 0);
	make_core(&p, &d);
	p.b[5] = 1; /* to the access port */
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_ENCAP, "hairpin", &res);
	assert_int_equal(res.action, XDP_TX);
	p.b[5] = 0x12;
	make_want(rig.s, 0, 0, p.len - 14, false);
	assert_memory_equal(res.frame, want.b, want.len);
	rig_port_tag(&rig, rig.access, 200, 100);
	rig_expect(&rig, rig.core, p.b, p.len, L2X_V_ENCAP, "tags", &res);
	assert_int_equal(res.len, want.len + 8);
	assert_memory_equal(res.frame + 12, two, 8);
	assert_memory_equal(res.frame + 20, want.b + 12, want.len - 12);
	rig_port_tag(&rig, rig.access, 0, 0);
}

static int setup(void **state)
{
	struct l2x_config cfg = rig_config();

	(void)state;
	rig_stay(); /* next hops are kept for each CPU */
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
		cmocka_unit_test(test_every_form),
		cmocka_unit_test(test_counters_and_numbers),
		cmocka_unit_test(test_checksum_traps),
		cmocka_unit_test(test_checksum_zero),
		cmocka_unit_test(test_tos),
		cmocka_unit_test(test_too_big),
		cmocka_unit_test(test_not_linear),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_truncated_and_padded),
		cmocka_unit_test(test_session_states),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_next_hop),
		cmocka_unit_test(test_vlan_and_hairpin),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
