/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames of pseudowires: their tags, their sizes, and what the sender of one that is too large is told. */
#include "tests/unit/pw_world.h"

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

/* ---- tags ------------------------------------------------------------------------------------ */

/* A frame with these tags: VLAN ID, with priority 5 and 3; `ad`: the outer is of 802.1ad. */
static size_t tagged(uint8_t *buf, uint16_t outer, uint16_t inner, bool ad)
{
	size_t n = 12;

	memcpy(buf, eth, 12);
	if (outer) {
		put32(buf + n, (ad ? 0x88a80000u : 0x81000000u) | 5u << 13 | outer);
		n += 4;
	}
	if (inner) {
		put32(buf + n, 0x81000000u | 3u << 13 | inner);
		n += 4;
	}
	memcpy(buf + n, eth + 12, sizeof(eth) - 12);
	return n + sizeof(eth) - 12;
}

static void tags_are_removed_kept_and_exchanged(void **state)
{
	static const struct {
		uint16_t vlan[2];
		enum pw_tag tag;
		uint16_t to[2];
		bool ad;
		uint16_t want[2]; /* VLAN IDs */
		uint8_t class[2]; /* priorities then */
		uint16_t tpid; /* of the outer one */
	} table[] = {
		{ { 0 }, PW_TAG_KEEP, { 0 }, false, { 0 }, { 0 }, 0 },
		{ { 107 }, PW_TAG_REMOVE, { 0 }, false, { 0 }, { 0 }, 0 },
		{ { 107 }, PW_TAG_KEEP, { 0 }, false, { 107 }, { 5 }, 0x8100 },
		{ { 107 }, PW_TAG_REWRITE, { 200 }, false, { 200 }, { 5 }, 0x8100 },
		{ { 107 }, PW_TAG_REWRITE, { 200, 9 }, true, { 200, 9 }, { 5, 5 }, 0x88a8 },
		{ { 107, 8 }, PW_TAG_REMOVE, { 0 }, true, { 0 }, { 0 }, 0 },
		{ { 107, 8 }, PW_TAG_REWRITE, { 200, 9 }, true, { 200, 9 }, { 5, 3 }, 0x88a8 },
		{ { 107, 8 }, PW_TAG_REWRITE, { 200 }, true, { 200 }, { 5 }, 0x8100 },
		{ { 0 }, PW_TAG_REWRITE, { 200 }, false, { 200 }, { 0 }, 0x8100 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct pw_config c = plain();
		uint8_t frame[128], *sent;
		size_t len, tags = !!table[i].want[0] + !!table[i].want[1];
		struct rig *r;

		c.peer_cookie.len = 0;
		memcpy(c.circuit.vlan, table[i].vlan, sizeof(c.circuit.vlan));
		memcpy(c.circuit.wire, table[i].to, sizeof(c.circuit.wire));
		c.circuit.tag = table[i].tag;
		c.circuit.dot1ad = table[i].ad;
		r = rig_new(&c);
		len = tagged(frame, table[i].vlan[0], table[i].vlan[1], table[i].ad);
		leave(r, frame, len);
		print_message("row %zu\n", i);
		assert_int_equal(r->w->peer.n, 1);
		assert_int_equal(r->w->peer.len[0], 8 + sizeof(eth) + 4 * tags);
		sent = r->w->peer.data[0] + 8;
		assert_memory_equal(sent, eth, 12);
		for (size_t k = 0; k < tags; k++) {
			assert_int_equal(get16(sent + 12 + 4 * k), k ? 0x8100 : table[i].tpid);
			assert_int_equal(get16(sent + 14 + 4 * k),
					 table[i].class[k] << 13 | table[i].want[k]);
		}
		assert_memory_equal(sent + 12 + 4 * tags, eth + 12, sizeof(eth) - 12);
		assert_int_equal(line(r)->wire[0], htons(table[i].want[0]));
		assert_int_equal(line(r)->wire[1], htons(table[i].want[1]));
		rig_free(r);
	}
}

static void a_frame_without_the_circuits_tag_does_not_leave(void **state)
{
	struct pw_config c = plain();
	struct rig *r;
	uint8_t frame[128];

	(void)state;
	c.circuit.vlan[0] = 107;
	c.circuit.vlan[1] = 8;
	r = rig_new(&c);
	leave(r, eth, sizeof(eth));
	leave(r, frame, tagged(frame, 107, 0, false));
	leave(r, frame, tagged(frame, 106, 8, false));
	leave(r, frame, tagged(frame, 107, 9, false));
	leave(r, frame, (tagged(frame, 107, 8, false), 21)); /* no room for a type */
	assert_int_equal(slow(r, DP_SLOW_PW_BAD), 5);
	assert_int_equal(r->w->peer.n, 0);
	rig_free(r);
}

/* ---- sizes ----------------------------------------------------------------------------------- */

/* V3-ETH-6: the table of the vectors' file, which is that of dataplane.md section 6 */
static void sizes_are_those_of_the_table(void **state)
{
	unsigned int n = 0;
	json_t *row;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(vectors, "overhead"), i, row)
	{
#define TEXT(m) json_string_value(json_object_get(row, m))
#define NUMBER(m) json_integer_value(json_object_get(row, m))
		struct pw_config c = plain();
		struct pw w = { .cfg = &c };

		if (strcmp(TEXT("kind"), "v3eth") != 0)
			continue;
		c.path.local = address(strcmp(TEXT("outer"), "v6") ? "192.0.2.1" : "2001:db8::1");
		if (strcmp(TEXT("encap"), "ip") == 0)
			c.path.local_port = c.path.peer_port = 0;
		c.peer_cookie.len = (uint8_t)NUMBER("cookie");
		c.peer_sublayer = strcmp(TEXT("l2spec"), "default") == 0;
		pw_session_begin(&w);
		w.mtu = pw_frame_mtu(&w, 1500);
		assert_int_equal(w.mtu, 1500 - NUMBER("overhead_before_eth"));
		assert_int_equal(pw_packet_mtu(&w), NUMBER("inner_mtu_1500"));
		n++;
#undef TEXT
#undef NUMBER
	}
	assert_int_equal(n, 24);
}

static void a_configured_mtu_lowers_and_never_raises(void **state)
{
	struct pw_config c = plain();
	struct pw w = { .cfg = &c };

	(void)state;
	pw_session_begin(&w);
	c.mtu = 1400;
	assert_int_equal(pw_frame_mtu(&w, 1500), 1400 - 20 - 12 - 8);
	c.mtu = 9000;
	assert_int_equal(pw_frame_mtu(&w, 1500), 1500 - 20 - 12 - 8);
	assert_int_equal(pw_frame_mtu(&w, 30), 0);
}

/* A packet of n octets from one host to another behind this frame's header of `at` octets. */
static size_t packet4(uint8_t *frame, size_t at, uint16_t n, bool df, uint8_t proto)
{
	uint8_t *ip = frame + at;
	uint16_t sum;

	memset(ip, 0, n);
	put32(ip, 0x45000000u | n);
	ip[6] = df ? 0x40 : 0;
	ip[8] = 64;
	ip[9] = proto;
	put32(ip + 12, 0x0a000002);
	put32(ip + 16, 0x0a000003);
	sum = inner_checksum(ip, 20);
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	return at + n;
}

static size_t packet6(uint8_t *frame, size_t at, uint16_t n)
{
	uint8_t *ip = frame + at;
	struct ipaddr src = address("2001:db8::2"), dst = address("2001:db8::3");

	memset(ip, 0, n);
	ip[0] = 0x60;
	ip[4] = (uint8_t)((n - 40) >> 8);
	ip[5] = (uint8_t)(n - 40);
	ip[6] = 17;
	ip[7] = 64;
	memcpy(ip + 8, src.b, 16);
	memcpy(ip + 24, dst.b, 16);
	return at + n;
}

static size_t header(uint8_t *frame, uint16_t type)
{
	memcpy(frame, eth, 12);
	put32(frame + 12, 0x8100006b); /* VLAN 107 */
	frame[16] = (uint8_t)(type >> 8);
	frame[17] = (uint8_t)type;
	return 18;
}

static struct rig *rig_icmp(void)
{
	struct pw_config c = plain();

	c.large = PW_LARGE_ICMP;
	c.circuit.vlan[0] = 107;
	c.circuit.tag = PW_TAG_KEEP;
	return rig_new(&c);
}

/* DP-ICMP-1: from where it was going, through the door, tag and all */
static void the_sender_of_a_large_packet_is_told(void **state)
{
	struct rig *r = rig_icmp();
	uint16_t mtu = (uint16_t)(1500 - 40 - 18);
	uint8_t frame[MAX], *reply, *ip;

	(void)state;
	leave(r, frame, packet4(frame, header(frame, 0x0800), mtu, true, 17));
	assert_int_equal(r->w->peer.n, 1); /* it fits */
	leave(r, frame, packet4(frame, header(frame, 0x0800), mtu + 1, true, 17));
	assert_int_equal(r->w->peer.n, 1);
	assert_int_equal(r->w->door.n, 1);
	reply = r->w->door.data[0] + TICKET;
	ip = reply + 18;
	assert_int_equal(r->w->door.len[0], TICKET + 18 + 20 + 8 + 548);
	assert_memory_equal(reply, frame + 6, 6);
	assert_memory_equal(reply + 6, frame, 6);
	assert_memory_equal(reply + 12, frame + 12, 6);
	assert_memory_equal(ip + 12, frame + 18 + 16, 4);
	assert_memory_equal(ip + 16, frame + 18 + 12, 4);
	assert_int_equal(inner_checksum(ip, 20), 0);
	assert_int_equal(inner_checksum(ip + 20, 8 + 548), 0);
	assert_int_equal(get16(ip + 2), 20 + 8 + 548);
	assert_int_equal(ip[9], 1);
	assert_int_equal(get16(ip + 20), 0x0304);
	assert_int_equal(get16(ip + 26), mtu);
	assert_memory_equal(ip + 28, frame + 18, 548);
	assert_int_equal(slow(r, DP_SLOW_TOO_BIG), 1);
	assert_int_equal(slow(r, DP_SLOW_ICMP_SENT), 1);
	assert_int_equal(the_pw(r)->tx.drops, 1);
	rig_free(r);
}

/* DP-ICMP-3 */
static void so_is_the_sender_of_a_large_ipv6_packet(void **state)
{
	struct rig *r = rig_icmp();
	uint16_t mtu = (uint16_t)(1500 - 40 - 18);
	uint8_t frame[MAX], *ip, pseudo[MAX] = { 0 };
	size_t len;

	(void)state;
	leave(r, frame, packet6(frame, header(frame, 0x86dd), mtu + 1));
	assert_int_equal(r->w->peer.n, 0);
	assert_int_equal(r->w->door.n, 1);
	ip = r->w->door.data[0] + TICKET + 18;
	len = get16(ip + 4);
	assert_int_equal(len, 1280 - 40);
	assert_memory_equal(ip + 8, frame + 18 + 24, 16);
	assert_memory_equal(ip + 24, frame + 18 + 8, 16);
	assert_int_equal(ip[6], 58);
	assert_int_equal(ip[40], 2);
	assert_int_equal(get16(ip + 46), mtu);
	memcpy(pseudo, ip + 8, 32);
	pseudo[34] = (uint8_t)(len >> 8);
	pseudo[35] = (uint8_t)len;
	pseudo[39] = 58;
	memcpy(pseudo + 40, ip + 40, len);
	assert_int_equal(inner_checksum(pseudo, 40 + len), 0);
	rig_free(r);
}

static void what_nobody_can_be_told_of_is_parted_outside(void **state)
{
	struct rig *r = rig_icmp();
	uint8_t frame[MAX];
	size_t n;

	(void)state;
	leave(r, frame, packet4(frame, header(frame, 0x0800), 1500, false, 17)); /* may be cut */
	n = packet4(frame, header(frame, 0x0800), 1500, true, 1);
	frame[18 + 20] = 3; /* an ICMP error */
	leave(r, frame, n);
	n = packet4(frame, header(frame, 0x0800), 1500, true, 17);
	frame[0] |= 1; /* to a group */
	leave(r, frame, n);
	header(frame, 0x88b5); /* not IP */
	leave(r, frame, 1518);
	n = packet4(frame, header(frame, 0x0800), 1500, true, 17);
	frame[18 + 10] ^= 1; /* a header that is not sound */
	leave(r, frame, n);
	assert_int_equal(r->w->peer.n, 5);
	assert_int_equal(r->w->door.n, 0);
	assert_true(r->w->how.fragment);
	r->pw.mtu = 1300; /* DP-ICMP-4: less than IPv6 may rely on */
	pw_update(r->dp, the_pw(r));
	leave(r, frame, packet6(frame, header(frame, 0x86dd), 1400));
	assert_int_equal(r->w->peer.n, 6);
	r->pw.large = PW_LARGE_FRAGMENT;
	leave(r, frame, packet4(frame, header(frame, 0x0800), 1500, true, 17));
	assert_int_equal(r->w->peer.n, 7);
	assert_int_equal(r->w->door.n, 0);
	rig_free(r);
}

static void telling_is_rationed(void **state)
{
	struct rig *r = rig_icmp();
	uint8_t frame[MAX];

	(void)state;
	for (int i = 0; i < 50; i++)
		leave(r, frame, packet4(frame, header(frame, 0x0800), 1500, true, 17));
	assert_int_equal(slow(r, DP_SLOW_ICMP_LIMITED) + r->w->door.n, 50);
	assert_true(r->w->door.n >= 10 && r->w->door.n <= 12);
	assert_int_equal(r->w->peer.n, 0);
	rig_free(r);
}

static size_t syn(uint8_t *frame)
{
	size_t n = packet4(frame, header(frame, 0x0800), 44, true, 6);
	uint8_t *tcp = frame + 18 + 20;

	tcp[12] = 0x60;
	tcp[13] = 0x02;
	put32(tcp + 20, 0x02040000 | 1460);
	return n;
}

/* DP-MSS-1, both ways, beyond the tag */
static void syns_are_clamped_where_it_is_switched_on(void **state)
{
	uint8_t frame[128], msg[256];
	struct pw_config c = plain();
	const struct path path = world_path();
	size_t n, mss = 18 + 20 + 22;
	struct rig *r;

	(void)state;
	c.clamp_mss = true;
	c.circuit.vlan[0] = 107;
	c.circuit.tag = PW_TAG_KEEP;
	r = rig_new(&c);
	leave(r, frame, syn(frame));
	assert_int_equal(get16(r->w->peer.data[0] + 12 + mss), 1500 - 40 - 18 - 40);
	message(msg, "0123456789abcdef", NULL);
	n = syn(msg + 16);
	slow_in(r->dp, &path, 0, msg, 16 + n);
	assert_int_equal(get16(r->w->door.data[0] + TICKET + mss), 1500 - 40 - 18 - 40);
	assert_int_equal(line(r)->mss_mtu, 1500 - 40 - 18);
	assert_true(line(r)->flags & L2X_PW_MSS && line(r)->tx_flags & L2X_PW_MSS);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tags_are_removed_kept_and_exchanged),
		cmocka_unit_test(a_frame_without_the_circuits_tag_does_not_leave),
		cmocka_unit_test(sizes_are_those_of_the_table),
		cmocka_unit_test(a_configured_mtu_lowers_and_never_raises),
		cmocka_unit_test(the_sender_of_a_large_packet_is_told),
		cmocka_unit_test(so_is_the_sender_of_a_large_ipv6_packet),
		cmocka_unit_test(what_nobody_can_be_told_of_is_parted_outside),
		cmocka_unit_test(telling_is_rationed),
		cmocka_unit_test(syns_are_clamped_where_it_is_switched_on),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
