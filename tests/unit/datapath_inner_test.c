/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inner packets: checks, ECN, MSS, ICMP and fragments, against RFC tables and vectors. */
#include "tests/unit/datapath_world.h"

static json_t *vectors;

static int load(void **state)
{
	(void)state;
	vectors = vectors_load();
	return 0;
}

static int unload(void **state)
{
	(void)state;
	json_decref(vectors);
	return 0;
}

static void put16(uint8_t *p, unsigned int v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void sum_header(uint8_t *p)
{
	put16(p + 10, 0);
	put16(p + 10, inner_checksum(p, (p[0] & 15) * 4u));
}

/* 10.64.0.2 -> 203.0.113.9, `len` octets in all. */
static void make4(uint8_t *p, size_t len, uint8_t proto)
{
	static const uint8_t header[20] = { 0x45, 0, 0,  0,  0x12, 0x34, 0,   0, 64,  0,
					    0,    0, 10, 64, 0,    2,    203, 0, 113, 9 };

	memset(p, 0xa5, len);
	memcpy(p, header, sizeof(header));
	put16(p + 2, (unsigned int)len);
	p[9] = proto;
	sum_header(p);
}

static void make6(uint8_t *p, size_t len, uint8_t next)
{
	struct ipaddr src = address("2001:db8:ffff::9"), dst = address("2001:db8:100::2");

	memset(p, 0xa5, len);
	memset(p, 0, 40);
	p[0] = 0x60;
	put16(p + 4, (unsigned int)len - 40);
	p[6] = next;
	p[7] = 64;
	memcpy(p + 8, src.b, 16);
	memcpy(p + 24, dst.b, 16);
}

static struct inner parsed(const uint8_t *p, size_t len)
{
	struct inner in;

	assert_int_equal(inner_parse(p, len, p[0] >> 4 == 6, &in), 0);
	return in;
}

static void refuses_what_is_not_ip(void **state)
{
	uint8_t p[64];
	struct inner in = { .len = 7 };

	(void)state;
	make4(p, 40, 17);
	for (size_t n = 0; n < 40; n++) /* DP-IN-1: cut at every octet */
		assert_int_equal(inner_parse(p, n, false, &in), -EBADMSG);
	assert_int_equal(inner_parse(p, 40, true, &in), -EBADMSG); /* 0021 and 0057 mixed up */
	p[0] = 0x44; /* IHL below 5 */
	sum_header(p);
	assert_int_equal(inner_parse(p, 40, false, &in), -EBADMSG);
	p[0] = 0x4f; /* IHL beyond Total Length */
	put16(p + 2, 48);
	assert_int_equal(inner_parse(p, 40, false, &in), -EBADMSG);
	make4(p, 40, 17);
	p[8]--; /* header checksum */
	assert_int_equal(inner_parse(p, 40, false, &in), -EBADMSG);
	make6(p, 48, 17);
	for (size_t n = 0; n < 48; n++)
		assert_int_equal(inner_parse(p, n, true, &in), -EBADMSG);
	memcpy(p + 8, address("10.64.0.2").b, 16); /* ::ffff:10.64.0.2 as an IPv6 source */
	assert_int_equal(inner_parse(p, 48, true, &in), -EBADMSG);
	assert_int_equal(in.len, 7); /* not clobbered */
}

static void trims_ppp_padding(void **state)
{
	uint8_t p[64];

	(void)state;
	make4(p, 40, 17); /* DP-IN-2 */
	assert_int_equal(parsed(p, 64).len, 40);
	make6(p, 48, 17);
	assert_int_equal(parsed(p, 64).len, 48);
}

/* RFC 6040 figure 4, every cell (DP-ECN-2) */
static void ecn_follows_the_table(void **state)
{
	enum { NOT, ECT1, ECT0, CE };
	static const int want[4][4] = {
		[NOT] = { [NOT] = NOT, [ECT0] = NOT, [ECT1] = NOT, [CE] = -1 },
		[ECT0] = { [NOT] = ECT0, [ECT0] = ECT0, [ECT1] = ECT1, [CE] = CE },
		[ECT1] = { [NOT] = ECT1, [ECT0] = ECT1, [ECT1] = ECT1, [CE] = CE },
		[CE] = { [NOT] = CE, [ECT0] = CE, [ECT1] = CE, [CE] = CE },
	};

	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		for (unsigned int o = 0; o < 4; o++) {
			/* DSCP bits beside it do not matter (DP-DS-3) */
			assert_int_equal(inner_ecn((uint8_t)(i | 0xb8), (uint8_t)(o | 0x40)),
					 want[i][o]);
		}
}

static void ecn_is_written_and_summed(void **state)
{
	uint8_t p[64];
	struct inner in;

	(void)state;
	make4(p, 40, 17);
	p[1] = 0xba; /* EF, ECT(0) */
	sum_header(p);
	in = parsed(p, 40);
	inner_set_ecn(p, &in, 3);
	assert_int_equal(p[1], 0xbb);
	assert_int_equal(inner_checksum(p, 20), 0);
	make6(p, 48, 17);
	p[0] = 0x6b;
	p[1] = 0xa1; /* EF, ECT(0), first nibble of the flow label 1 */
	in = parsed(p, 48);
	assert_int_equal(in.tos, 0xba);
	inner_set_ecn(p, &in, 3);
	assert_int_equal(p[0], 0x6b);
	assert_int_equal(p[1], 0xb1);
}

static void clamp_like(const char *name)
{
	json_t *v = vector_named(vectors, name);
	uint8_t in_bytes[128], want[128];
	size_t n = vector_bytes(v, "inner_in", in_bytes, sizeof(in_bytes));
	struct inner in = parsed(in_bytes, n);

	assert_int_equal(vector_bytes(v, "inner", want, sizeof(want)), n);
	assert_true(inner_clamp_mss(in_bytes, &in, 1460));
	/* the vector's TTL is the one after forwarding on both sides */
	assert_memory_equal(in_bytes, want, n);
	assert_false(inner_clamp_mss(in_bytes, &in, 1460)); /* never twice */
	assert_false(inner_clamp_mss(in_bytes, &in, 1500)); /* never up */
}

static void mss_is_clamped_as_the_vectors(void **state)
{
	(void)state;
	clamp_like("v2t-mss-clamped");
	clamp_like("v2t-mss-clamped-v6");
}

static uint16_t tcp_sum(const uint8_t *p, const struct inner *in)
{
	uint8_t all[128] = { 0 };
	size_t n = in->len - in->hlen;

	memcpy(all, p + 12, 8); /* pseudo header: addresses, protocol, length */
	all[9] = 6;
	put16(all + 10, (unsigned int)n);
	memcpy(all + 12, p + in->hlen, n);
	return inner_checksum(all, 12 + n);
}

static void make_syn(uint8_t *p, const uint8_t *options, size_t n)
{
	uint8_t *tcp = p + 20;
	struct inner in;

	make4(p, 40 + n, 6);
	memset(tcp, 0, 20);
	tcp[12] = (uint8_t)((20 + n) / 4 << 4);
	tcp[13] = 0x02;
	memcpy(tcp + 20, options, n);
	in = parsed(p, 40 + n);
	put16(tcp + 16, tcp_sum(p, &in));
}

static void mss_at_an_odd_offset_keeps_the_sum(void **state)
{
	static const uint8_t odd[] = { 1, 2, 4, 0x05, 0xb4, 1, 1, 0 };
	static const uint8_t even[] = { 1, 1, 2, 4, 0x05, 0xb4, 1, 0 };
	uint8_t p[64];
	struct inner in;

	(void)state;
	for (int i = 0; i < 2; i++) {
		make_syn(p, i ? odd : even, 8);
		in = parsed(p, 48);
		assert_int_equal(tcp_sum(p, &in), 0);
		assert_true(inner_clamp_mss(p, &in, 1400));
		assert_int_equal(tcp_sum(p, &in), 0);
		assert_int_equal(p[40 + (i ? 3 : 4)] << 8 | p[41 + (i ? 3 : 4)], 1360);
	}
}

/* DP-MSS-1: "malformed option: leave alone" */
static void mss_leaves_alone_what_it_does_not_understand(void **state)
{
	static const uint8_t bad[][8] = {
		{ 2, 3, 5, 0xb4 }, /* wrong length */
		{ 2, 0, 5, 0xb4 }, /* length 0 */
		{ 3, 1, 2, 4, 5, 0xb4 }, /* an option of length 1 before it */
		{ 8, 40, 2, 4, 5, 0xb4 }, /* an option beyond the header */
		{ 0, 2, 4, 5, 0xb4 }, /* after the end of options */
		{ 1, 1, 1, 1, 1, 1, 2, 4 }, /* cut by the end of the header */
	};
	static const uint8_t good[] = { 2, 4, 5, 0xb4 };
	uint8_t p[64], before[64];
	struct inner in;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		make_syn(p, bad[i], 8);
		memcpy(before, p, 48);
		in = parsed(p, 48);
		assert_false(inner_clamp_mss(p, &in, 1000));
		assert_memory_equal(p, before, 48);
	}
	make_syn(p, good, 4);
	p[33] = 0x10; /* no SYN */
	in = parsed(p, 44);
	assert_false(inner_clamp_mss(p, &in, 1000));
	make_syn(p, good, 4);
	put16(p + 6, 100); /* a later fragment */
	sum_header(p);
	in = parsed(p, 44);
	assert_false(inner_clamp_mss(p, &in, 1000));
	make_syn(p, good, 4);
	p[32] = 0xf0; /* data offset beyond the packet */
	in = parsed(p, 44);
	assert_false(inner_clamp_mss(p, &in, 1000));
}

static void icmp_like(const char *about, const char *name, size_t header, uint16_t mtu)
{
	uint8_t frame[1600], want[1600], msg[INNER_ICMP_MAX];
	size_t n = vector_bytes(vector_named(vectors, about), "frame", frame, sizeof(frame));
	size_t m = vector_bytes(vector_named(vectors, name), "frame", want, sizeof(want));
	struct inner in = parsed(frame + 14, n - 14);

	assert_true(inner_icmp_allowed(frame + 14, &in));
	assert_int_equal(inner_icmp_build(frame + 14, &in, mtu, msg), m - 14 - header);
	if (in.v6) /* the kernel fills the ICMPv6 checksum */
		memset(want + 14 + header + 2, 0, 2);
	assert_memory_equal(msg, want + 14 + header, m - 14 - header);
}

static void icmp_is_built_as_the_vectors(void **state)
{
	(void)state;
	icmp_like("core-1500-df", "icmp4-fragneeded", 20, 1460);
	icmp_like("core-1500-v6", "icmp6-ptb", 40, 1440);
}

static bool allowed4(const char *src, const char *dst, uint8_t proto, uint8_t type, uint16_t frag)
{
	uint8_t p[64];
	struct inner in;

	make4(p, 40, proto);
	memcpy(p + 12, address(src).b + 12, 4);
	memcpy(p + 16, address(dst).b + 12, 4);
	put16(p + 6, frag);
	p[20] = type;
	sum_header(p);
	in = parsed(p, 40);
	return inner_icmp_allowed(p, &in);
}

/* DP-ICMP-2 */
static void no_icmp_where_rfc1812_forbids_it(void **state)
{
	static const char a[] = "203.0.113.9", b[] = "10.64.0.2";
	static const uint8_t errors[] = { 3, 4, 5, 11, 12 };

	(void)state;
	assert_true(allowed4(a, b, 17, 0, 0));
	assert_true(allowed4(a, b, 1, 8, 0)); /* an echo request is no error */
	for (size_t i = 0; i < sizeof(errors); i++)
		assert_false(allowed4(a, b, 1, errors[i], 0));
	assert_true(allowed4(a, b, 17, 0, 0x2000)); /* a first fragment */
	assert_false(allowed4(a, b, 17, 0, 0x0001));
	assert_false(allowed4(a, "224.0.0.1", 17, 0, 0));
	assert_false(allowed4(a, "255.255.255.255", 17, 0, 0));
	assert_false(allowed4("0.0.0.0", b, 17, 0, 0));
	assert_false(allowed4("127.0.0.1", b, 17, 0, 0));
	assert_false(allowed4("224.0.0.5", b, 17, 0, 0));
	assert_false(allowed4("255.255.255.255", b, 17, 0, 0));
}

static bool allowed6(const char *src, const uint8_t *payload, size_t n, uint8_t next)
{
	uint8_t p[128];
	struct inner in;

	make6(p, 40 + n, next);
	memcpy(p + 8, address(src).b, 16);
	memcpy(p + 40, payload, n);
	in = parsed(p, 40 + n);
	return inner_icmp_allowed(p, &in);
}

/* DP-ICMP-3, RFC 4443 section 2.4 (e) */
static void no_icmp6_where_rfc4443_forbids_it(void **state)
{
	static const uint8_t error[8] = { 2 }, echo[8] = { 128 }, redirect[8] = { 137 };
	static const uint8_t hidden[16] = { 58, 0, 0, 0, 0, 0, 0, 0, 1 };
	static const uint8_t echo_behind[16] = { 58, 0, 0, 0, 0, 0, 0, 0, 128 };
	static const uint8_t first[16] = { 58, 0, 0, 1, 0, 0, 0, 0, 128 };
	static const uint8_t later[16] = { 58, 0, 1, 1, 0, 0, 0, 0, 128 };
	static const uint8_t endless[80]; /* hop-by-hop headers one after another */
	static const char a[] = "2001:db8::9";

	(void)state;
	assert_true(allowed6(a, echo, 8, 17));
	assert_true(allowed6(a, echo, 8, 58));
	assert_false(allowed6(a, error, 8, 58));
	assert_false(allowed6(a, redirect, 8, 58));
	assert_false(allowed6(a, error, 0, 58)); /* type cut off */
	assert_false(allowed6(a, hidden, 16, 60));
	assert_true(allowed6(a, echo_behind, 16, 60));
	assert_true(allowed6(a, first, 16, 44));
	assert_false(allowed6(a, later, 16, 44));
	assert_false(allowed6(a, endless, 80, 0));
	assert_false(allowed6("fe80::1", echo, 8, 17));
	assert_false(allowed6("::", echo, 8, 17));
	assert_false(allowed6("ff02::1", echo, 8, 17));
}

/* Puts the fragments together again and compares; returns how many there were. */
static unsigned int cut_and_join(const uint8_t *p, const struct inner *in, uint16_t mtu)
{
	struct inner_fragment f = { 0 };
	uint8_t joined[4096], whole[4096];
	unsigned int n = 0;

	while (inner_fragment_next(p, in, mtu, &f)) {
		uint32_t at = (uint32_t)((f.header[6] & 0x1f) << 8 | f.header[7]) * 8 - in->offset;
		struct inner got;

		memcpy(whole, f.header, f.hlen);
		memcpy(whole + f.hlen, f.data, f.len);
		assert_int_equal(inner_parse(whole, f.hlen + f.len, false, &got), 0);
		assert_true(got.len <= mtu);
		assert_int_equal(got.more, in->more || at + f.len < in->len - in->hlen);
		assert_true(!got.more || f.len % 8 == 0);
		assert_memory_equal(whole + 4, p + 4, 2); /* identification */
		assert_memory_equal(whole + 12, p + 12, 8);
		memcpy(joined + at, f.data, f.len);
		n++;
	}
	assert_int_equal(f.done, in->len - in->hlen);
	assert_memory_equal(joined, p + in->hlen, f.done);
	return n;
}

static void fragments_join_to_the_packet(void **state)
{
	uint8_t p[2000];
	struct inner in;

	(void)state;
	make4(p, 1500, 17);
	for (size_t i = 20; i < 1500; i++)
		p[i] = (uint8_t)(i * 7);
	in = parsed(p, 1500);
	assert_int_equal(cut_and_join(p, &in, 1462), 2); /* DP-FRAG-3 */
	assert_int_equal(cut_and_join(p, &in, 576), 3);
	assert_int_equal(cut_and_join(p, &in, 68), 31);
	assert_int_equal(cut_and_join(p, &in, 28), 185);
	put16(p + 6, 0x2000 | 100); /* a middle fragment, cut again */
	sum_header(p);
	in = parsed(p, 1500);
	assert_int_equal(cut_and_join(p, &in, 1000), 2);
}

static void options_are_copied_where_rfc791_says(void **state)
{
	static const uint8_t options[12] = { 7, 7, 4, 0, 0, 0, 0, 148, 4, 0, 0, 0 };
	struct inner_fragment f = { 0 };
	uint8_t p[1000];
	struct inner in;

	(void)state;
	make4(p, 1000, 17);
	memcpy(p + 20, options, 12);
	p[0] = 0x48;
	sum_header(p);
	in = parsed(p, 1000);
	assert_true(inner_fragment_next(p, &in, 600, &f));
	assert_int_equal(f.hlen, 32);
	assert_memory_equal(f.header + 20, options, 12);
	assert_true(inner_fragment_next(p, &in, 600, &f));
	assert_int_equal(f.hlen,
			 24); /* record route (7) stays behind, router alert (148) goes on */
	assert_memory_equal(f.header + 20, options + 7, 4);
	assert_false(inner_fragment_next(p, &in, 600, &f));
}

static void does_not_cut_what_cannot_be_cut(void **state)
{
	struct inner_fragment f = { 0 };
	uint8_t p[100];
	struct inner in;

	(void)state;
	make4(p, 100, 17);
	in = parsed(p, 100);
	assert_false(inner_fragment_next(p, &in, 27, &f)); /* no room for 8 octets */
	assert_false(inner_fragment_next(p, &in, 0, &f));
	make6(p, 100, 17);
	in = parsed(p, 100);
	assert_false(inner_fragment_next(p, &in, 80, &f));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_what_is_not_ip),
		cmocka_unit_test(trims_ppp_padding),
		cmocka_unit_test(ecn_follows_the_table),
		cmocka_unit_test(ecn_is_written_and_summed),
		cmocka_unit_test(mss_is_clamped_as_the_vectors),
		cmocka_unit_test(mss_at_an_odd_offset_keeps_the_sum),
		cmocka_unit_test(mss_leaves_alone_what_it_does_not_understand),
		cmocka_unit_test(icmp_is_built_as_the_vectors),
		cmocka_unit_test(no_icmp_where_rfc1812_forbids_it),
		cmocka_unit_test(no_icmp6_where_rfc4443_forbids_it),
		cmocka_unit_test(fragments_join_to_the_packet),
		cmocka_unit_test(options_are_copied_where_rfc791_says),
		cmocka_unit_test(does_not_cut_what_cannot_be_cut),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
