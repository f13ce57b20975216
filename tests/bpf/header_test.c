// SPDX-License-Identifier: GPL-2.0-or-later
/* From the peer: every form of the headers, every way for them to be malformed, and whose
 * they may be. */
#include "tests/bpf/packet.h"

static struct rig rig;
static struct packet p;

static const char *const ppp_forms[] = { "acf2", "noacf2", "acf1", "noacf1" };

/* DP-V2-1, DP-PPP-1: sixteen headers, four PPP forms, both inner and both outer
 * versions, offsets of no, even, odd and the largest size. */
static void test_every_header_form(void **state)
{
	static const uint16_t offsets[] = { 0, 1, 4, 13, 64 };
	unsigned int bits, form, n, v;
	struct rig_result res;

	(void)state;
	for (v = 0; v < 4; v++) {
		rig_reset(&rig, v & 1, 0);
		for (bits = 0; bits < 16; bits++)
			for (form = 0; form < 4; form++)
				for (n = 0; n < (bits & 4 ? 5 : 1); n++) {
					struct inner_desc d = { .v6 = v & 2, .payload = 40 };
					struct outer_desc o = { .v6 = v & 1,
								.L = bits & 1,
								.S = bits & 2,
								.O = bits & 4,
								.P = bits & 8,
								.n = offsets[n],
								.ppp = ppp_forms[form] };
					size_t at = make_rx(&p, &o, &d);

					rig_expect(&rig, rig.access, p.b, p.len, L2X_V_DECAP,
						   ppp_forms[form], &res);
					assert_forwarded(&p, &res, at, p.len - at, d.v6, 14);
				}
	}
}

/* Quirks "truncated at every byte", whole lengths kept: whatever is cut off, nothing is
 * read beyond and nothing but the outer check answers. */
static void test_truncated_frame(void **state)
{
	struct inner_desc d = { .payload = 8 };
	unsigned int v6, len;

	(void)state;
	for (v6 = 0; v6 < 2; v6++) {
		struct outer_desc o = { .v6 = v6, .L = true, .S = true, .O = true, .n = 3 };
		struct rig_result res;

		rig_reset(&rig, v6, 0);
		d.v6 = v6;
		make_rx(&p, &o, &d);
		for (len = 14; len < p.len; len++) {
			unsigned int ip = v6 ? 40 : 20;

			rig_expect(&rig, rig.access, p.b, len,
				   len < 14 + ip ? L2X_V_NOT_OURS : L2X_V_BAD_OUTER, "cut", &res);
		}
	}
}

/* The same, with outer lengths and checksums made right again: the datagram ends within
 * L2TP, PPP or the inner packet. */
static void test_truncated_datagram(void **state)
{
	static const char *const forms[] = { "acf2", "noacf1" };
	unsigned int k, bits, cut;

	(void)state;
	rig_reset(&rig, false, 0);
	for (k = 0; k < 2; k++)
		for (bits = 0; bits < 8; bits++) {
			struct inner_desc d = { .payload = 4 };
			struct outer_desc o = {
				.L = bits & 1, .S = bits & 2, .O = bits & 4, .n = 2, .ppp = forms[k]
			};
			size_t at = make_rx(&p, &o, &d), whole = p.len;
			size_t ppp = at - (k ? 1 : 4);

			for (cut = 42; cut < whole; cut++) {
				unsigned int want;

				set16(p.b + 16, cut - 14);
				set16(p.b + 38, cut - 34);
				p.len = cut;
				fix_outer(&p, 14, false, false);
				if (cut < 48 || cut < ppp || o.L || (o.O && cut == ppp))
					want = L2X_V_BAD_L2TP;
				else if (cut < at || (k && cut == at))
					want = L2X_V_BAD_PPP;
				else
					want = L2X_V_BAD_INNER;
				rig_expect(&rig, rig.access, p.b, cut, want, forms[k], NULL);
			}
		}
}

/* DP-V2-5, V2-HDR-4: Length against header and datagram. */
static void test_l2tp_length(void **state)
{
	struct inner_desc d = {};
	struct outer_desc o = { .L = true };
	size_t at = make_rx(&p, &o, &d), right = get16(p.b + 44);
	unsigned int len;

	(void)state;
	rig_reset(&rig, false, 0);
	for (len = 0; len < 2 * right; len++) {
		unsigned int want = L2X_V_BAD_INNER;

		if (len < 8 || len > right)
			want = L2X_V_BAD_L2TP;
		else if (len < at - 42)
			want = L2X_V_BAD_PPP;
		else if (len == right)
			want = L2X_V_DECAP;
		set16(p.b + 44, len);
		fix_outer(&p, 14, false, false);
		rig_expect(&rig, rig.access, p.b, p.len, want, "Length", NULL);
	}
}

/* DP-V2-6: Offset Size past the end, to the end, and beyond what the fast path takes. */
static void test_l2tp_offset(void **state)
{
	struct inner_desc d = { .payload = 200 };
	struct outer_desc o = { .O = true };
	unsigned int n;

	(void)state;
	rig_reset(&rig, false, 0);
	make_rx(&p, &o, &d);
	for (n = 60; n < 400; n++) {
		size_t room = p.len - 50;

		set16(p.b + 48, n);
		fix_outer(&p, 14, false, false);
		if (n > 64)
			rig_expect(&rig, rig.access, p.b, p.len,
				   n >= room ? L2X_V_BAD_L2TP : L2X_V_NOT_LINEAR, "n", NULL);
	}
	set16(p.b + 48, 0xffff);
	fix_outer(&p, 14, false, false);
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_BAD_L2TP, "65535", NULL);
}

/* DP-DEMUX-3, DP-DEMUX-5, V2-HDR-3, V2-HDR-5, DP-V2-3: every flag word there is. */
static void test_every_flag_word(void **state)
{
	struct inner_desc d = {};
	struct outer_desc o = {};
	struct rig_result res;
	unsigned int flags;

	(void)state;
	rig_reset(&rig, false, 0);
	make_rx(&p, &o, &d);
	for (flags = 0; flags < 0x10000; flags += flags & 0x100 ? 7 : 1) {
		set16(p.b + 42, flags);
		set16(p.b + 40, 0);
		rig_run(&rig, rig.access, p.b, p.len, &res);
		if ((flags & 15) == 3)
			assert_int_equal(res.verdict,
					 flags & 0x8000 ? L2X_V_STRANGER : L2X_V_SESSION_UNKNOWN);
		else if ((flags & 15) != 2)
			assert_int_equal(res.verdict, L2X_V_BAD_L2TP);
		else if (flags & 0x8000)
			/* what follows is no control message: Length is 0x1234 */
			assert_int_equal(res.verdict, L2X_V_BAD_L2TP);
		else if (!(flags & 0x4a00))
			assert_int_equal(res.verdict, L2X_V_DECAP); /* reserved bits, P */
		else
			assert_int_not_equal(res.verdict, L2X_V_DECAP);
	}
}

/* DP-V2-3, DP-V2-2: IDs that are 0, that nobody has, that differ in one bit. */
static void test_ids(void **state)
{
	struct inner_desc d = {};
	struct outer_desc o = {};
	unsigned int bit;

	(void)state;
	rig_reset(&rig, false, 0);
	make_rx(&p, &o, &d);
	for (bit = 0; bit < 32; bit++) {
		uint8_t *at = p.b + 44 + bit / 8;

		*at ^= (uint8_t)(1 << bit % 8);
		fix_outer(&p, 14, false, false);
		rig_expect(&rig, rig.access, p.b, p.len, L2X_V_SESSION_UNKNOWN, "bit", NULL);
		*at ^= (uint8_t)(1 << bit % 8);
	}
	set16(p.b + 44, 0);
	fix_outer(&p, 14, false, false);
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_BAD_L2TP, "tunnel 0", NULL);
	set16(p.b + 44, RIG_TID);
	set16(p.b + 46, 0);
	fix_outer(&p, 14, false, false);
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_BAD_L2TP, "session 0", NULL);
}

/* DP-SPOOF-3, DP-V2-2, Q-12: addresses and ports of the outer header, each alone. */
static void test_wrong_peer(void **state)
{
	static const struct outer_desc wrong[] = {
		{ .src = "192.0.2.11" },
		{ .sport = 1702 },
		{ .v6 = true },
		{ .v6 = true, .src = "::ffff:192.0.2.10" },
	};
	static const struct outer_desc wrong6[] = {
		{ .v6 = true, .src = "2001:db8:a::11" },
		{ .v6 = true, .src = "2001:db8:a:1::10" },
		{ .v6 = true, .sport = 1 },
		{},
	};
	struct inner_desc d = {};
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		rig_reset(&rig, false, 0);
		make_rx(&p, &wrong[i], &d);
		rig_expect(&rig, rig.access, p.b, p.len, L2X_V_PEER_MISMATCH, "v4", NULL);
		assert_int_equal(rig.t->rx_drops, 0); /* others' frames are not its loss */
		rig_reset(&rig, true, 0);
		make_rx(&p, &wrong6[i], &d);
		rig_expect(&rig, rig.access, p.b, p.len, L2X_V_PEER_MISMATCH, "v6", NULL);
	}
	/* another of our addresses */
	rig_reset(&rig, false, 0);
	rig.s->local.w[3] = rig_ip4("198.51.100.2");
	make_rx(&p, &(struct outer_desc){}, &d);
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_PEER_MISMATCH, "local", NULL);
}

/* DP-DEMUX-2, "not ours": passed before anything is judged. */
static void test_not_ours(void **state)
{
	static const struct outer_desc others[] = {
		{ .dport = 1702 },
		{ .dst = "198.51.100.2" },
		{ .v6 = true, .dport = 53 },
		{ .v6 = true, .dst = "2001:db8:b::2" },
		{ .dport = 4500, .frag = 0x2000 },
	};
	struct inner_desc d = {};
	unsigned int i;

	(void)state;
	rig_reset(&rig, false, 0);
	for (i = 0; i < 5; i++) {
		make_rx(&p, &others[i], &d);
		rig_expect(&rig, rig.access, p.b, p.len, L2X_V_NOT_OURS, "other", NULL);
	}
	make_rx(&p, &(struct outer_desc){}, &d);
	p.b[23] = 47;
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_NOT_OURS, "GRE", NULL);
	make_rx(&p, &(struct outer_desc){}, &d);
	p.b[0] = 3;
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_BAD_OUTER, "multicast", NULL);
	memset(p.b, 0xff, 6);
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_BAD_OUTER, "broadcast", NULL);
	set16(p.b + 14 + 20 + 2, 1702); /* RFC 1122 section 3.3.6 is the kernel's business here */
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_NOT_OURS, "broadcast, other port", NULL);
	make_rx(&p, &(struct outer_desc){}, &d);
	p.b[5] ^= 8;
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_OTHER_HOST, "other MAC", NULL);
	p.b[5] ^= 8;
	rig_expect(&rig, if_nametoindex("acc-peer"), p.b, p.len, L2X_V_NOT_OURS, "no port", NULL);
	set16(p.b + 12, 0x0806);
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_NOT_OURS, "ARP", NULL);
}

/* DP-L2-1, DP-SLOW-2: tags, priority tags, tags that nobody has, three of them. */
static void test_vlan(void **state)
{
	static const struct {
		uint16_t tag[2];
		unsigned int verdict;
	} cases[] = {
		{ { 100, 0 }, L2X_V_DECAP },
		{ { 200, 100 }, L2X_V_DECAP },
		{ { 101, 0 }, L2X_V_NOT_OURS },
		{ { 200, 101 }, L2X_V_NOT_OURS },
	};
	struct inner_desc d = { .payload = 3 };
	struct rig_result res;
	unsigned int i;
	size_t at;

	(void)state;
	rig_reset(&rig, false, 0);
	for (i = 0; i < 4; i++) {
		struct outer_desc o = { .tag = { cases[i].tag[0], cases[i].tag[1] } };

		at = make_rx(&p, &o, &d);
		rig_expect(&rig, rig.access, p.b, p.len, cases[i].verdict, "tag", &res);
		if (res.verdict == L2X_V_DECAP)
			assert_forwarded(&p, &res, at, p.len - at, false, 14);
	}
	at = make_rx(&p, &(struct outer_desc){ .tag = { 0xe000, 0 } }, &d); /* VLAN 0, PCP 7 */
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_DECAP, "priority tag", &res);
	assert_forwarded(&p, &res, at, p.len - at, false, 14);
	at = make_rx(&p, &(struct outer_desc){ .tag = { 0xe000 | 100, 0 } }, &d);
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_DECAP, "VLAN 100, PCP 7", &res);
	make_rx(&p, &(struct outer_desc){ .tag = { 200, 100 } }, &d);
	set16(p.b + 20, 0x8100);
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_NOT_OURS, "three tags", NULL);
	for (i = 14; i < 22; i++) {
		make_rx(&p, &(struct outer_desc){ .tag = { 200, 100 } }, &d);
		rig_expect(&rig, rig.access, p.b, i, L2X_V_NOT_OURS, "cut tags", NULL);
	}
}

/* DP-LEN-1, DP-DEMUX-1: outer lengths and checksum. */
static void test_bad_outer(void **state)
{
	static const struct {
		const char *what;
		bool v6;
		size_t at;
		int add; /* to the 16-bit word there */
		bool fix;
	} cases[] = {
		{ "tot_len + 1", false, 16, 1, true },
		{ "tot_len - 1", false, 16, -1, true }, /* UDP is longer than it */
		{ "tot_len 0", false, 16, -78, true },
		{ "UDP length + 1", false, 38, 1, false },
		{ "UDP length 7", false, 38, 7 - 58, false },
		{ "UDP length 0", false, 38, -58, false },
		{ "header checksum", false, 24, 1, false },
		{ "IHL 4", false, 14, -0x100, true },
		{ "payload_len + 1", true, 18, 1, false },
		{ "payload_len - 1", true, 18, -1, false },
		{ "payload_len 0", true, 18, -78, false },
		{ "UDP6 length 7", true, 58, 7 - 78, false },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct inner_desc d = { .v6 = cases[i].v6, .payload = 12 };
		struct outer_desc o = { .v6 = cases[i].v6 };

		rig_reset(&rig, cases[i].v6, 0);
		make_rx(&p, &o, &d);
		set16(p.b + cases[i].at, get16(p.b + cases[i].at) + (unsigned int)cases[i].add);
		if (cases[i].fix) {
			set16(p.b + 24, 0);
			set_sum(p.b + 24, (uint16_t)~rig_sum(p.b + 14, 20, 0));
		}
		rig_expect(&rig, rig.access, p.b, p.len, L2X_V_BAD_OUTER, cases[i].what, NULL);
	}
}

/* DP-SLOW-2, DP-SLOW-3, DP-FRAG-1: fragments and extension headers go up. */
static void test_outer_slow(void **state)
{
	static const struct {
		uint8_t next;
		unsigned int verdict;
	} headers[] = { { 0, L2X_V_OUTER_OPTIONS },  { 43, L2X_V_OUTER_OPTIONS },
			{ 60, L2X_V_OUTER_OPTIONS }, { 44, L2X_V_FRAGMENT },
			{ 51, L2X_V_NOT_OURS },      { 50, L2X_V_NOT_OURS },
			{ 58, L2X_V_NOT_OURS },      { 115, L2X_V_NOT_OURS } };
	static const uint16_t frags[] = { 0x2000, 0x2001, 0x0001, 0x1fff, 0x6000 };
	struct inner_desc d = {};
	unsigned int i;

	(void)state;
	for (i = 0; i < 5; i++) {
		make_rx(&p, &(struct outer_desc){ .frag = frags[i] }, &d);
		rig_expect(&rig, rig.access, p.b, p.len, L2X_V_FRAGMENT, "fragment", NULL);
	}
	make_rx(&p, &(struct outer_desc){ .frag = 0x2000 }, &d); /* first lacks the header */
	rig_expect(&rig, rig.access, p.b, 42, L2X_V_FRAGMENT, "short first", NULL);
	for (i = 0; i < 8; i++) {
		make_rx(&p, &(struct outer_desc){ .v6 = true }, &d);
		p.b[20] = headers[i].next;
		rig_expect(&rig, rig.access, p.b, p.len, headers[i].verdict, "next header", NULL);
	}
}

/* Another message behind the first one in what looks like one datagram: a sender on this host has joined
 * two, which only a socket can part. With fewer octets it is padding (DP-IN-2). */
static void test_two_in_one(void **state)
{
	struct rig_result res;

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		struct inner_desc d = { .payload = 2 };
		size_t at = make_rx(&p, &(struct outer_desc){ .L = i & 1 }, &d), n = p.len - at;
		bool joined = i & 2;

		rig_reset(&rig, false, 0);
		put(&p, p.b + 42, joined ? 28 : 27);
		set16(p.b + 16, (unsigned int)p.len - 14);
		set16(p.b + 38, (unsigned int)p.len - 34);
		fix_outer(&p, 14, false, false);
		rig_expect(&rig, rig.access, p.b, p.len, joined ? L2X_V_NOT_LINEAR : L2X_V_DECAP,
			   "two", &res);
		if (!joined)
			assert_forwarded(&p, &res, at, n, false, 14);
	}
}

/* Control of a known tunnel, of its spoofed twin, of a stranger (DP-DEMUX-4). */
static void test_control_lanes(void **state)
{
	static const uint8_t hello[] = { 0xc8, 2, 0,    20, 0x12, 0x34, 0, 0, 0, 1,
					 0,    2, 0x80, 8,  0,    0,    0, 0, 0, 6 };
	struct inner_desc d = {};
	unsigned int i;

	(void)state;
	rig_reset(&rig, false, 0);
	for (i = 0; i < 5; i++) {
		struct outer_desc o = { .src = i == 1 ? "192.0.2.11" : NULL,
					.sport = i == 2 ? 1702 : 0 };
		unsigned int want = i ? L2X_V_STRANGER : L2X_V_CONTROL;

		make_rx(&p, &o, &d);
		p.len = 42;
		put(&p, hello, sizeof(hello));
		if (i == 3)
			set16(p.b + 46, 0x1235); /* another tunnel */
		if (i == 4)
			set16(p.b + 46, 0);
		set16(p.b + 16, (unsigned int)p.len - 14);
		set16(p.b + 38, (unsigned int)p.len - 34);
		fix_outer(&p, 14, false, false);
		rig_expect(&rig, rig.access, p.b, p.len, want, "control", NULL);
	}
	set16(p.b + 44, 21);
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_BAD_L2TP, "Length beyond", NULL);
	set16(p.b + 44, 11);
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_BAD_L2TP, "Length 11", NULL);
}

/* Without a session, and while it is dead. */
static void test_dead_session(void **state)
{
	struct inner_desc d = {};

	(void)state;
	rig_reset(&rig, false, 0);
	make_rx(&p, &(struct outer_desc){}, &d);
	rig.s->gen = 0;
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_SESSION_UNKNOWN, "dead", NULL);
	rig.s->gen = 77;
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_DECAP, "alive", NULL);
	rig.s->tunnel_id = htons(0x1235);
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_SESSION_UNKNOWN, "other tunnel", NULL);
}

static int setup(void **state)
{
	struct l2x_config cfg = rig_config();

	(void)state;
	rig_namespace();
	rig_open(&rig, &cfg);
	rig_vlan(&rig, rig.access, 100, 0, rig.vlan);
	rig_vlan(&rig, rig.access, 200, 100, rig.vlan);
	rig.tunnels[RIG_TID] = (struct l2x_tunnel){ .gen = 1,
						    .peer_port = htons(1701),
						    .local_port = htons(1701),
						    .peer = rig_addr(RIG_LAC4),
						    .local = rig_addr(RIG_LNS4) };
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
		cmocka_unit_test(test_every_header_form),
		cmocka_unit_test(test_truncated_frame),
		cmocka_unit_test(test_truncated_datagram),
		cmocka_unit_test(test_l2tp_length),
		cmocka_unit_test(test_l2tp_offset),
		cmocka_unit_test(test_every_flag_word),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_wrong_peer),
		cmocka_unit_test(test_not_ours),
		cmocka_unit_test(test_vlan),
		cmocka_unit_test(test_bad_outer),
		cmocka_unit_test(test_outer_slow),
		cmocka_unit_test(test_two_in_one),
		cmocka_unit_test(test_control_lanes),
		cmocka_unit_test(test_dead_session),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
