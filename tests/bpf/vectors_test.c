// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tests/vectors/packets.json, frame by frame: what must be decapsulated comes out as the
 * vector says, what must be sent comes out to the octet, and all else gets the verdict
 * that the vector's action asks for.
 */
#include "tests/bpf/packet.h"

#include <jansson.h>

#define VECTORS "tests/vectors/packets.json"

static struct rig rig;
static json_t *vectors;

static size_t unhex(const char *hex, uint8_t *ret)
{
	size_t i, n = strlen(hex) / 2;

	assert_true(n <= RIG_FRAME);
	for (i = 0; i < n; i++) {
		unsigned int byte;

		assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
		ret[i] = (uint8_t)byte;
	}
	return n;
}

static const char *text(const json_t *v, const char *key)
{
	const char *s = json_string_value(json_object_get(v, key));

	return s ? s : "";
}

static size_t octets(const json_t *v, const char *key, uint8_t *ret)
{
	return unhex(text(v, key), ret);
}

static bool starts(const char *s, const char *with)
{
	while (*with && *s == *with) {
		s++;
		with++;
	}
	return !*with;
}

/* DP-V2-1, DP-PPP-1, DP-IN-2, DP-IN-3, DP-ECN-2: out comes Ethernet and the inner packet,
 * aged by one. */
static void decap(const json_t *v, const char *name)
{
	static uint8_t frame[RIG_FRAME], inner[RIG_FRAME];
	size_t len = octets(v, "frame", frame), n = octets(v, "inner", inner), before;
	struct rig_result res;
	uint64_t packets, bytes;
	bool v6, outer6;

	if (json_object_get(v, "inner_out"))
		n = octets(v, "inner_out", inner);
	before = 12 + (size_t)(get16(frame + 12) == 0x8100   ? 4
			       : get16(frame + 12) == 0x88a8 ? 8
							     : 0);
	outer6 = get16(frame + before) == 0x86dd;
	rig_reset(&rig, outer6, 0);
	if (!strcmp(name, "v2r-port-float"))
		rig.s->peer_port = htons(33412);
	packets = rig.t->rx_packets;
	bytes = rig.t->rx_bytes;
	rig_expect(&rig, rig.access, frame, len, L2X_V_DECAP, name, &res);
	v6 = inner[0] >> 4 == 6;
	age(inner, v6);
	assert_int_equal(res.action, XDP_REDIRECT);
	assert_int_equal(res.len, n + 14);
	assert_memory_equal(res.frame, "\2\0\0\0\0\3\2\0\0\0\0\x12", 12);
	assert_int_equal(get16(res.frame + 12), v6 ? 0x86dd : 0x0800);
	assert_memory_equal(res.frame + 14, inner, n);
	assert_int_equal(rig.t->rx_packets, packets + 1);
	assert_int_equal(rig.t->rx_bytes, bytes + n);
}

static void test_decap(void **state)
{
	size_t i, ran = 0;
	json_t *v;

	(void)state;
	json_array_foreach(vectors, i, v)
	{
		const char *name = text(v, "name");

		if (!starts(name, "v2") || strcmp(text(v, "dir"), "rx") ||
		    strcmp(text(v, "action"), "decap"))
			continue;
		decap(v, name);
		ran++;
	}
	assert_int_equal(ran, 16 + 10);
}

/* DP-TX-1 to DP-TX-5, DP-CK-1, DP-CK-3, DP-DS-1, DP-ECN-1, DP-MSS-1: the whole frame. */
static void encap(const json_t *v, const char *name)
{
	static uint8_t want[RIG_FRAME], inner[RIG_FRAME], frame[RIG_FRAME];
	size_t len = octets(v, "frame", want);
	size_t n = octets(v, json_object_get(v, "inner_in") ? "inner_in" : "inner", inner);
	bool v6 = inner[0] >> 4 == 6, outer6 = get16(want + 12) == 0x86dd;
	size_t udp = outer6 ? 54 : 34;
	uint16_t flags = 0;
	struct rig_result res;

	if (!get16(want + udp + 6))
		flags |= L2X_S_CSUM0;
	if (get16(want + udp + 8) == 0x0802)
		flags |= L2X_S_SEQ_TX;
	if (strstr(name, "acfc"))
		flags |= L2X_S_ACFC;
	if (strstr(name, "ecn-normal"))
		flags |= L2X_S_ECN;
	if (strstr(name, "mss"))
		flags |= L2X_S_MSS;
	rig_reset(&rig, outer6, flags);
	rig.t->tx_ns = 0xffff;
	/* as it was one hop earlier */
	if (v6) {
		inner[7]++;
	} else {
		inner[8]++;
		set16(inner + 10, 0);
		set_sum(inner + 10, (uint16_t)~rig_sum(inner, 20, 0));
	}
	memcpy(frame, "\2\0\0\0\0\x12\2\0\0\0\0\3", 12);
	set16(frame + 12, v6 ? 0x86dd : 0x0800);
	memcpy(frame + 14, inner, n);
	rig_expect(&rig, rig.core, frame, n + 14, L2X_V_ENCAP, name, &res);
	assert_int_equal(res.action, XDP_REDIRECT);
	assert_int_equal(res.len, len);
	if (!strcmp(name, "v2t-v6outer-nosum")) {
		/* DP-CK-4: no such tunnel can be configured; the sum is there, all else equal */
		assert_int_not_equal(get16(res.frame + udp + 6), 0);
		set16(res.frame + udp + 6, 0);
	}
	assert_memory_equal(res.frame, want, len);
	assert_int_equal(rig.t->tx_packets, 1);
	assert_int_equal(rig.t->tx_bytes, n);
}

static void test_encap(void **state)
{
	size_t i, ran = 0;
	json_t *v;

	(void)state;
	json_array_foreach(vectors, i, v)
	{
		const char *name = text(v, "name");

		if (!starts(name, "v2t"))
			continue;
		encap(v, name);
		ran++;
	}
	assert_int_equal(ran, 11);
}

static const struct {
	const char *name; /* as it begins */
	unsigned int verdict;
} elsewhere[] = {
	{ "v2r-ecn-ce-notect", L2X_V_ECN_DROP },
	{ "v2r-v6outer-nosum", L2X_V_BAD_CHECKSUM },
	{ "v2r-eth-pad", L2X_V_BAD_INNER },
	{ "v2s-lcp", L2X_V_PPP_CONTROL },
	{ "v2s-chap", L2X_V_PPP_CONTROL },
	{ "v2s-ipcp", L2X_V_PPP_CONTROL },
	{ "v2s-ccp", L2X_V_PPP_CONTROL },
	{ "v2s-ipv4-options", L2X_V_OUTER_OPTIONS },
	{ "v2s-frag", L2X_V_FRAGMENT },
	{ "v2s-ttl1", L2X_V_TTL },
	{ "v2x-spoof", L2X_V_SPOOFED },
	{ "v2x-len", L2X_V_BAD_L2TP },
	{ "v2x-offset-over", L2X_V_BAD_L2TP },
	{ "v2x-runt", L2X_V_BAD_L2TP },
	{ "v2x-ver", L2X_V_BAD_L2TP }, /* 1 too: V2-HDR-2, L2F is not supported */
	{ "v2x-sid0-data", L2X_V_BAD_L2TP },
	{ "v2x-unknown-sid", L2X_V_SESSION_UNKNOWN },
	{ "v2x-wrong-peer", L2X_V_PEER_MISMATCH },
	{ "v2x-bad-udp-cksum", L2X_V_BAD_CHECKSUM },
	{ "v2x-inner", L2X_V_BAD_INNER },
	{ "v2x-udp-len-over", L2X_V_BAD_OUTER },
	{ "v2c-01-sccrq", L2X_V_STRANGER },
	{ "v2c-n9-dup-sccrq", L2X_V_STRANGER },
	{ "v2c-n1-t1-noL", L2X_V_BAD_L2TP }, /* V2-HDR-5 */
	{ "v2c-n2-offset", L2X_V_BAD_L2TP },
	{ "v2c", L2X_V_CONTROL }, /* bad AVPs are for the daemon to find */
	{ "v3-ip", L2X_V_NOT_OURS },
	{ "v3-udp", L2X_V_SESSION_UNKNOWN },
	{ "v3x-runt", L2X_V_NOT_OURS }, /* over IP */
	{ "v3x-t0-ver3-hdr-only", L2X_V_BAD_L2TP },
	{ "v3x-", L2X_V_SESSION_UNKNOWN },
	{ "v3c-udp", L2X_V_STRANGER },
	{ "v3c-ip", L2X_V_NOT_OURS },
	{ "core-1500", L2X_V_TOO_BIG },
	{ "icmp4-for-tunnel", L2X_V_NOT_OURS },
	{ "esp-natt", L2X_V_NOT_OURS },
};

static void test_elsewhere(void **state)
{
	static uint8_t frame[RIG_FRAME];
	size_t i, k, ran = 0;
	json_t *v;

	(void)state;
	json_array_foreach(vectors, i, v)
	{
		const char *name = text(v, "name");
		bool v2_decap = starts(name, "v2") && !strcmp(text(v, "action"), "decap");
		size_t len = octets(v, "frame", frame);

		if (starts(text(v, "dir"), "tx") || v2_decap)
			continue;
		for (k = 0; k < sizeof(elsewhere) / sizeof(elsewhere[0]); k++)
			if (starts(name, elsewhere[k].name))
				break;
		if (k == sizeof(elsewhere) / sizeof(elsewhere[0]))
			fail_msg("%s: no verdict in the table", name);
		rig_reset(&rig, get16(frame + 12) == 0x86dd, 0);
		if (starts(name, "core-1500-v6"))
			rig.s->mtu = 1440;
		rig_expect(&rig, rig.access, frame, len, elsewhere[k].verdict, name, NULL);
		ran++;
	}
	assert_true(ran > 60);
}

static int setup(void **state)
{
	struct l2x_config cfg = rig_config();
	json_t *file = json_load_file(VECTORS, 0, NULL);

	(void)state;
	assert_non_null(file);
	vectors = json_object_get(file, "vectors");
	cfg.verify_checksum = 1; /* as the vectors assume */
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
		cmocka_unit_test(test_decap),
		cmocka_unit_test(test_encap),
		cmocka_unit_test(test_elsewhere),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
