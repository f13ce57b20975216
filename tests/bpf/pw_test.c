// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Pseudowires at the hook: the vectors of version 3, and what nobody should be able to do. A circuit is
 * a device without tags unless a test says otherwise; `core` stands for it, `acc` for the way
 * to the peer.
 */
#include "tests/bpf/made.h"
#include "tests/bpf/packet.h"

#include <jansson.h>

#define VECTORS "tests/vectors/packets.json"
#define DOOR_RATE 8
#define TICKET 16

static struct rig rig;
static struct l2x_pw *pws;
static struct l2x_traffic *traffic;
static json_t *vectors;

/* ---- what stands in the maps ------------------------------------------------------------ */

static struct l2x_pw pw_of(const struct made *m)
{
	return made_pw(&rig, m);
}

static void put_pw(uint32_t index, const struct l2x_pw *w)
{
	memset(&traffic[index], 0, sizeof(traffic[index]));
	pws[index] = *w;
	rig.skel->bss->live.epoch++;
}

static void put_made(uint32_t index, const struct made *m)
{
	struct l2x_pw w = pw_of(m);

	put_pw(index, &w);
}

static void circuit(unsigned int ifindex, uint16_t outer, uint16_t inner, uint32_t index)
{
	made_circuit(&rig, ifindex, outer, inner, index);
}

static int setup(void **state)
{
	struct l2x_config cfg = rig_config();
	FILE *f = fopen(VECTORS, "re");
	json_t *all = f ? json_loadf(f, 0, NULL) : NULL;

	(void)state;
	assert_non_null(all);
	fclose(f);
	vectors = json_incref(json_object_get(all, "vectors"));
	json_decref(all);
	cfg.pw_mask = PWS - 1;
	cfg.pw_ifindex = if_nametoindex("core");
	cfg.pw_door = if_nametoindex("vl");
	cfg.pw_rate = DOOR_RATE;
	rig_open(&rig, &cfg);
	pws = rig_map(rig.skel->maps.pws);
	traffic = rig_map(rig.skel->maps.pw_traffic);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(vectors);
	rig_unmap(rig.skel->maps.pws, pws);
	rig_unmap(rig.skel->maps.pw_traffic, traffic);
	rig.program = NULL;
	rig_close(&rig);
	return 0;
}

/* ---- vectors ---------------------------------------------------------------------------------- */

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

/* As its name says it. */
static struct made made_of(const char *name)
{
	struct made m = { .udp = strstr(name, "udp"), .outer6 = strstr(name, "6-") };

	m.cookie = strstr(name, "-c8") ? 8 : strstr(name, "-c4") ? 4 : 0;
	m.flags = strstr(name, "default") ? L2X_PW_SUBLAYER : 0;
	if (strstr(name, "-seq"))
		m.flags |= L2X_PW_SEQ;
	return m;
}

static size_t vector(const char *name, const char *key, uint8_t *ret)
{
	size_t i;
	json_t *v;

	json_array_foreach(vectors, i,
			   v) if (!strcmp(text(v, "name"), name)) return unhex(text(v, key), ret);
	fail_msg("no vector %s", name);
	return 0;
}

/* DP-V3-1. */
static void test_decap(void **state)
{
	static uint8_t frame[RIG_FRAME], inner[RIG_FRAME];
	unsigned int ran = 0;
	size_t i;
	json_t *v;

	(void)state;
	json_array_foreach(vectors, i, v)
	{
		const char *name = text(v, "name");
		struct made m = made_of(name);
		size_t len, n;
		struct rig_result res;

		if (strncmp(name, "v3-", 3) != 0)
			continue;
		len = unhex(text(v, "frame"), frame);
		n = unhex(text(v, "inner"), inner);
		put_made(INDEX, &m);
		if (strstr(name, "seqmax"))
			traffic[INDEX].rx_seq = 0xffffff;
		rig_expect(&rig, rig.access, frame, len, L2X_V_PW_DECAP, name, &res);
		assert_int_equal(res.action, XDP_REDIRECT);
		assert_int_equal(res.len, n);
		assert_memory_equal(res.frame, inner, n);
		assert_int_equal(traffic[INDEX].rx_packets, 1);
		assert_int_equal(traffic[INDEX].rx_bytes, n);
		ran++;
	}
	assert_int_equal(ran, 17);
}

/* What may be cut has an ID of its own, and no DF (V3-ETH-7); the vectors have it the other way. */
static void unfragmented(uint8_t *want, const uint8_t *got)
{
	if (get16(want + 12) != 0x0800)
		return;
	memcpy(want + 14 + 4, got + 14 + 4, 2);
	set16(want + 14 + 6, 0);
	set16(want + 14 + 10, 0);
	set_sum(want + 14 + 10, (uint16_t)~rig_sum(want + 14, 20, 0));
}

/* DP-V3-6: to the octet. */
static void test_encap(void **state)
{
	static uint8_t want[RIG_FRAME], inner[RIG_FRAME];
	unsigned int ran = 0;
	size_t i;
	json_t *v;

	(void)state;
	rig.program = rig.skel->progs.l2xdp_circuit;
	circuit(rig.core, 0, 0, INDEX);
	json_array_foreach(vectors, i, v)
	{
		const char *name = text(v, "name");
		struct made m = made_of(name);
		size_t len, n;
		struct rig_result res;

		if (strncmp(name, "v3t-", 4) != 0)
			continue;
		len = unhex(text(v, "frame"), want);
		n = unhex(text(v, "inner"), inner);
		put_made(INDEX, &m);
		rig_expect(&rig, rig.core, inner, n, L2X_V_PW_ENCAP, name, &res);
		assert_int_equal(res.action, XDP_REDIRECT);
		unfragmented(want, res.frame);
		assert_int_equal(res.len, len);
		assert_memory_equal(res.frame, want, len);
		assert_int_equal(traffic[INDEX].tx_packets, 1);
		assert_int_equal(traffic[INDEX].tx_bytes, n);
		ran++;
	}
	assert_int_equal(ran, 3);
	circuit(rig.core, 0, 0, 0);
	rig.program = NULL;
}

/* Every form out and in again: what one half makes the other half takes. */
static void test_round(void **state)
{
	static uint8_t inner[RIG_FRAME], back[RIG_FRAME];
	size_t n = vector("v3-ip4-c0-none", "inner", inner);
	unsigned int form;

	(void)state;
	circuit(rig.core, 0, 0, INDEX);
	for (form = 0; form < 2u * 2 * 3 * 3 * 2; form++) {
		struct made m = { .udp = form & 1, .outer6 = form & 2 };
		struct rig_result res;
		struct l2x_pw w;
		size_t l3;

		m.cookie = form / 4 % 3 * 4;
		m.flags = form / 12 % 3 == 0   ? 0
			  : form / 12 % 3 == 1 ? L2X_PW_SUBLAYER
					       : L2X_PW_SUBLAYER | L2X_PW_SEQ;
		if (form / 36)
			m.flags |= L2X_PW_CSUM0;
		w = pw_of(&m);
		w.peer_id = htonl(ID);
		w.pseudo_sum = made_sum(&w);
		put_pw(INDEX, &w);
		traffic[INDEX].tx_ns = 0xffffff;
		traffic[INDEX].rx_seq = 0xffffff;
		rig.program = rig.skel->progs.l2xdp_circuit;
		rig_expect(&rig, rig.core, inner, n, L2X_V_PW_ENCAP, "out", &res);
		/* the other way round */
		made_back(res.frame, res.len, back);
		l3 = m.outer6 ? 14 + 8 : 14 + 12;
		if (m.udp && get16(back + 14 + (m.outer6 ? 40 : 20) + 6)) {
			size_t udp = 14 + (m.outer6 ? 40 : 20), all = res.len - udp;
			uint64_t pseudo = rig_sum(back + l3, m.outer6 ? 32 : 8, 0);

			pseudo += htons(17) + htons((uint16_t)all);
			assert_int_equal(rig_sum(back + udp, all, pseudo), 0xffff);
		} else {
			assert_true(!m.udp || (form / 36 && !m.outer6));
		}
		rig.program = NULL;
		rig_expect(&rig, rig.access, back, res.len, L2X_V_PW_DECAP, "in", &res);
		assert_int_equal(res.len, n);
		assert_memory_equal(res.frame, inner, n);
		if (m.flags & L2X_PW_SEQ) {
			assert_int_equal(traffic[INDEX].rx_seq & 0xffffff, 0);
			/* the same number again is old */
			rig_expect(&rig, rig.access, back,
				   14 + (get16(back + 12) == 0x0800 ? get16(back + 16)
								    : 40 + get16(back + 18)),
				   L2X_V_SEQ_OLD, "again", &res);
		}
	}
	circuit(rig.core, 0, 0, 0);
}

/* What is in the frame promises its sum (DP-CK-8), or does not; with none to two tags, odd lengths, and
 * padding. The peer's sum must be right in any case (DP-CK-1). */
static void test_sums(void **state)
{
	static const struct inner_desc inner[] = {
		{ .payload = 33 },
		{ .payload = 1200 },
		{ .payload = 33, .l4 = P_UDP0 },
		{ .payload = 32, .l4 = P_TCP },
		{ .payload = 33, .l4 = P_ICMP },
		{ .payload = 40, .l4 = P_GRE },
		{ .payload = 32, .frag = 0x2000 },
		{ .payload = 32, .options = 4 },
		{ .payload = 35, .v6 = true, .ttl = 255 },
		{ .payload = 35, .v6 = true, .l4 = P_TCP },
		{ .payload = 36, .v6 = true, .l4 = P_ICMP, .ttl = 1 },
		{ .payload = 36, .v6 = true, .hopopts = true },
	};
	unsigned int form;

	(void)state;
	rig.program = rig.skel->progs.l2xdp_circuit;
	circuit(rig.core, 0, 0, INDEX);
	for (form = 0; form < 2 * 3 * 2 * sizeof(inner) / sizeof(inner[0]); form++) {
		struct made m = { .udp = true, .outer6 = form & 1, .cookie = 8 };
		unsigned int tags = form / 2 % 3, i;
		size_t udp = m.outer6 ? 54 : 34;
		struct rig_result res;
		struct packet p = {};

		make_core(&p, &inner[form / 12]);
		if (form / 6 % 2)
			put(&p, "padding", 7);
		for (i = 0; i < tags; i++) {
			memmove(p.b + 16, p.b + 12, p.len - 12);
			set16(p.b + 12, i ? 0x88a8 : 0x8100);
			set16(p.b + 14, 0x6123 + i);
			p.len += 4;
		}
		put_made(INDEX, &m);
		rig_expect(&rig, rig.core, p.b, p.len, L2X_V_PW_ENCAP, "sum", &res);
		assert_int_equal(res.len, udp + 8 + 16 + p.len);
		assert_memory_equal(res.frame + udp + 8 + 16, p.b, p.len);
		assert_int_equal(transport_sum(res.frame + 14, m.outer6, IPPROTO_UDP,
					       res.frame + udp, res.len - udp),
				 0);
	}
	rig.program = NULL;
	circuit(rig.core, 0, 0, 0);
}

/* ---- who may not -------------------------------------------------------------------------------- */

static void sum4(uint8_t *frame)
{
	set16(frame + 24, 0);
	set_sum(frame + 24, (uint16_t)~rig_sum(frame + 14, 20, 0));
}

/* V3-HDR-7, V3-HDR-9, DP-V3-2, DP-V3-3: cookie, path, ID. */
static void test_refused(void **state)
{
	static uint8_t frame[RIG_FRAME], f[RIG_FRAME];
	struct made udp = { .udp = true, .cookie = 8 }, ip = { .cookie = 8 };
	size_t len = vector("v3-udp4-c8-none", "frame", frame), i;
	struct l2x_pw w = pw_of(&udp);

	(void)state;
	put_pw(INDEX, &w);
	for (i = 0; i < 8; i++) {
		memcpy(f, frame, len);
		f[14 + 20 + 8 + 8 + i] ^= 1;
		rig_expect(&rig, rig.access, f, len, L2X_V_PW_COOKIE, "cookie", NULL);
	}
	assert_int_equal(traffic[INDEX].rx_drops, 8);
	memcpy(f, frame, len);
	f[35] ^= 1; /* port */
	rig_expect(&rig, rig.access, f, len, L2X_V_PEER_MISMATCH, "port", NULL);
	memcpy(f, frame, len);
	f[29] ^= 1; /* source */
	sum4(f);
	rig_expect(&rig, rig.access, f, len, L2X_V_PEER_MISMATCH, "source", NULL);
	memcpy(f, frame, len);
	f[14 + 20 + 8 + 4] ^= 0x80; /* ID, but not its index */
	rig_expect(&rig, rig.access, f, len, L2X_V_PW_UNKNOWN, "ID", NULL);
	f[14 + 20 + 8 + 7] ^= 1;
	rig_expect(&rig, rig.access, f, len, L2X_V_PW_UNKNOWN, "index", NULL);
	memset(f + 14 + 20 + 8 + 4, 0, 4);
	rig_expect(&rig, rig.access, f, len, L2X_V_PW_UNKNOWN, "ID 0", NULL);
	/* over IP what is over UDP, and the other way round */
	len = vector("v3-ip4-c8-none", "frame", frame);
	rig_expect(&rig, rig.access, frame, len, L2X_V_PEER_MISMATCH, "not by UDP", NULL);
	put_made(INDEX, &ip);
	rig_expect(&rig, rig.access, frame, len, L2X_V_PW_DECAP, "by IP", NULL);
	len = vector("v3-udp4-c8-none", "frame", frame);
	rig_expect(&rig, rig.access, frame, len, L2X_V_PEER_MISMATCH, "not by IP", NULL);
	/* dead, and down */
	w.gen = 0;
	put_pw(INDEX, &w);
	rig_expect(&rig, rig.access, frame, len, L2X_V_PW_UNKNOWN, "dead", NULL);
	w.gen = 5;
	w.flags &= (uint16_t)~L2X_PW_UP;
	put_pw(INDEX, &w);
	rig_expect(&rig, rig.access, frame, len, L2X_V_PW_DOWN, "down", NULL);
	w = pw_of(&udp);
	w.ifindex = 0;
	put_pw(INDEX, &w);
	rig_expect(&rig, rig.access, frame, len, L2X_V_PW_DOWN, "no device", NULL);
}

/* Roll-over: either of two. */
static void test_two_cookies(void **state)
{
	static uint8_t frame[RIG_FRAME];
	struct made m = { .udp = true, .cookie = 8 };
	size_t len = vector("v3-udp4-c8-none", "frame", frame);
	struct l2x_pw w = pw_of(&m);

	(void)state;
	w.cookie[0] = ~w.cookie[0];
	put_pw(INDEX, &w);
	rig_expect(&rig, rig.access, frame, len, L2X_V_PW_DECAP, "second", NULL);
	w.cookie[1] = w.cookie[0];
	put_pw(INDEX, &w);
	rig_expect(&rig, rig.access, frame, len, L2X_V_PW_COOKIE, "neither", NULL);
	/* of four octets */
	m.cookie = 4;
	len = vector("v3-udp4-c4-none", "frame", frame);
	w = pw_of(&m);
	w.cookie[0] = ~w.cookie[0];
	put_pw(INDEX, &w);
	rig_expect(&rig, rig.access, frame, len, L2X_V_PW_DECAP, "second of 4", NULL);
	w.cookie[1] = w.cookie[0];
	put_pw(INDEX, &w);
	rig_expect(&rig, rig.access, frame, len, L2X_V_PW_COOKIE, "neither of 4", NULL);
}

/* IDs that others have chosen: one ID of two peers, and one that lies elsewhere. */
static void test_chosen(void **state)
{
	static uint8_t frame[RIG_FRAME];
	struct made m = { .cookie = 8 };
	size_t len = vector("v3-ip4-c8-none", "frame", frame);
	struct l2x_pw_id key = { .id = htonl(ID), .peer = rig_addr("192.0.2.11") };
	uint32_t other = 77, there = 78;
	struct l2x_pw w = pw_of(&m);
	int fd = bpf_map__fd(rig.skel->maps.pw_ids);

	(void)state;
	put_pw(INDEX, &w);
	w.peer = key.peer;
	put_pw(other, &w);
	assert_int_equal(bpf_map_update_elem(fd, &key, &other, 0), 0);
	rig_expect(&rig, rig.access, frame, len, L2X_V_PW_DECAP, "first", NULL);
	assert_int_equal(traffic[INDEX].rx_packets, 1);
	frame[29] = 11;
	sum4(frame);
	rig_expect(&rig, rig.access, frame, len, L2X_V_PW_DECAP, "second peer", NULL);
	assert_int_equal(traffic[other].rx_packets, 1);
	frame[29] = 12;
	sum4(frame);
	rig_expect(&rig, rig.access, frame, len, L2X_V_PEER_MISMATCH, "third peer", NULL);
	/* not where its low bits say */
	frame[29] = 10;
	sum4(frame);
	w = pw_of(&m);
	put_pw(there, &w);
	w.gen = 0;
	put_pw(INDEX, &w);
	rig_expect(&rig, rig.access, frame, len, L2X_V_PW_UNKNOWN, "nowhere", NULL);
	key.peer = rig_addr(RIG_LAC4);
	assert_int_equal(bpf_map_update_elem(fd, &key, &there, 0), 0);
	rig_expect(&rig, rig.access, frame, len, L2X_V_PW_DECAP, "there", NULL);
	assert_int_equal(traffic[there].rx_packets, 1);
	/* an entry that is not true any more leads to nobody */
	pws[there].id = htonl(ID + 1);
	rig_expect(&rig, rig.access, frame, len, L2X_V_PW_UNKNOWN, "stale", NULL);
}

/* V3-SUB-2 to V3-SUB-6. */
static void test_sublayer(void **state)
{
	static uint8_t frame[RIG_FRAME];
	struct made m = { .cookie = 8, .flags = L2X_PW_SUBLAYER | L2X_PW_SEQ };
	size_t len = vector("v3-ip4-c8-default", "frame", frame), at = 14 + 20 + 4 + 8;
	struct l2x_pw w = pw_of(&m);
	unsigned int i;

	(void)state;
	put_pw(INDEX, &w);
	set16(frame + at, 0x8000);
	rig_expect(&rig, rig.access, frame, len, L2X_V_PW_SUBLAYER, "VCCV", NULL);
	for (i = 1; i < 4; i++) {
		set16(frame + at, (uint16_t)(i << 12));
		rig_expect(&rig, rig.access, frame, len, L2X_V_PW_SUBLAYER, "fragment", NULL);
	}
	/* without S the number means nothing */
	set16(frame + at, 0x0fff);
	rig_expect(&rig, rig.access, frame, len, L2X_V_PW_DECAP, "no number", NULL);
	rig_expect(&rig, rig.access, frame, len, L2X_V_PW_DECAP, "no number", NULL);
	set16(frame + at, 0x4000);
	set16(frame + at + 2, 10);
	rig_expect(&rig, rig.access, frame, len, L2X_V_PW_DECAP, "10", NULL);
	assert_int_equal(traffic[INDEX].rx_lost, 10);
	rig_expect(&rig, rig.access, frame, len, L2X_V_SEQ_OLD, "10 again", NULL);
	set16(frame + at + 2, 9);
	rig_expect(&rig, rig.access, frame, len, L2X_V_SEQ_OLD, "9", NULL);
	set16(frame + at, 0x4080);
	set16(frame + at + 2, 10);
	rig_expect(&rig, rig.access, frame, len, L2X_V_PW_DECAP, "8388618", NULL);
	set16(frame + at, 0x4000);
	set16(frame + at + 2, 11);
	rig_expect(&rig, rig.access, frame, len, L2X_V_SEQ_OLD, "half of them behind", NULL);
	set16(frame + at + 2, 10);
	rig_expect(&rig, rig.access, frame, len, L2X_V_PW_DECAP, "across the end", NULL);
	/* who has begun anew is followed after 64 (V3-SUB-4) */
	put_pw(INDEX, &w);
	traffic[INDEX].rx_seq = 0x1000;
	for (i = 0; i < 63; i++) {
		set16(frame + at + 2, (uint16_t)(1 + i));
		rig_expect(&rig, rig.access, frame, len, L2X_V_SEQ_OLD, "anew", NULL);
	}
	set16(frame + at + 2, 64);
	rig_expect(&rig, rig.access, frame, len, L2X_V_PW_DECAP, "followed", NULL);
	set16(frame + at + 2, 65);
	rig_expect(&rig, rig.access, frame, len, L2X_V_PW_DECAP, "and on", NULL);
}

/* Cut at every octet, and with lengths that lie: nothing but these comes of it. */
static void test_cut(void **state)
{
	static const char *const names[] = { "v3-udp4-c8-default", "v3-ip4-c8-default",
					     "v3-udp6-c8-none", "v3-ip6-c8-none" };
	static uint8_t frame[RIG_FRAME];
	struct rig_result res;
	unsigned int i;
	size_t cut;

	(void)state;
	for (i = 0; i < 4; i++) {
		struct made m = made_of(names[i]);
		size_t len = vector(names[i], "frame", frame), l3 = m.outer6 ? 40 : 20;
		size_t head =
			14 + l3 + (m.udp ? 12 : 0) + 4 + 8 + (m.flags & L2X_PW_SUBLAYER ? 4 : 0);

		put_made(INDEX, &m);
		for (cut = 14; cut < len; cut++) {
			rig_run(&rig, rig.access, frame, cut, &res);
			assert_true(res.verdict == L2X_V_BAD_OUTER ||
				    (cut < 14 + l3 && res.verdict == L2X_V_NOT_OURS));
		}
		/* the same, with outer lengths that are true */
		for (cut = 14 + l3 + (m.udp ? 8 : 0); cut < len; cut++) {
			static uint8_t f[RIG_FRAME];

			memcpy(f, frame, cut);
			if (m.outer6) {
				set16(f + 18, (uint16_t)(cut - 54));
			} else {
				set16(f + 16, (uint16_t)(cut - 14));
				sum4(f);
			}
			if (m.udp)
				set16(f + 14 + l3 + 4, (uint16_t)(cut - 14 - l3));
			rig_run(&rig, rig.access, f, cut, &res);
			if (cut >= head + 14)
				assert_int_equal(res.verdict, L2X_V_PW_DECAP);
			else
				assert_true(res.verdict == L2X_V_PW_SHORT ||
					    res.verdict == L2X_V_BAD_L2TP ||
					    res.verdict == L2X_V_SESSION_UNKNOWN);
		}
		/* padding behind it is not the frame's */
		len = vector(names[i], "frame", frame);
		memset(frame + len, 0xaa, 30);
		rig_expect(&rig, rig.access, frame, len + 30, L2X_V_PW_DECAP, names[i], &res);
		assert_int_equal(res.len, len - head);
	}
}

/* a control message over UDP behind 4 zero octets is a stranger's, and nothing that only begins
 * so. */
static void test_zeros(uint8_t *frame, size_t len)
{
	static const uint16_t others[] = { 0x0003, 0x8003, 0xc003, 0x8803, 0xc802, 0xc804, 0 };
	uint16_t room = (uint16_t)(frame[38] << 8 | frame[39]);

	memmove(frame + 46, frame + 42, len - 42);
	memset(frame + 42, 0, 4);
	set16(frame + 38, room + 4);
	set16(frame + 16, room + 4 + 20);
	sum4(frame);
	rig_expect(&rig, rig.access, frame, len + 4, L2X_V_STRANGER, "behind zeros", NULL);
	for (unsigned int i = 0; i < 32; i++) {
		frame[42 + i / 8] ^= 1 << i % 8;
		rig_expect(&rig, rig.access, frame, len + 4, L2X_V_BAD_L2TP, "no zeros", NULL);
		frame[42 + i / 8] ^= 1 << i % 8;
	}
	for (unsigned int i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		set16(frame + 46, others[i]);
		rig_expect(&rig, rig.access, frame, len + 4, L2X_V_BAD_L2TP, "other flags", NULL);
	}
	set16(frame + 46, 0xc803);
	set16(frame + 38, 8 + 15);
	rig_expect(&rig, rig.access, frame, len + 4, L2X_V_BAD_L2TP, "cut short", NULL);
}

/* Messages of a connection that is known have a lane of their own, and nobody's who only says so:
 * the low 16 bits of the CCID, addresses and ports are its. */
static void test_known_control(void **state)
{
	static const char *const names[] = { "v3c-udp-sccrq", "v3c-ip-sccrq" };
	static uint8_t frame[RIG_FRAME];
	struct made m = { .cookie = 8 };

	(void)state;
	put_made(INDEX, &m);
	for (unsigned int i = 0; i < 2; i++) {
		size_t len = vector(names[i], "frame", frame), at = i ? 38 : 42;
		__be16 port = i ? 0 : htons(1701);
		struct l2x_tunnel *t = &rig.tunnels[0x4321];

		memset(frame + at + 4, 0xab, 2);
		set16(frame + at + 6, 0x4321);
		*t = (struct l2x_tunnel){ .gen = 1, .peer_port = port, .local_port = port };
		t->peer = rig_addr(RIG_LAC4);
		t->local = rig_addr(RIG_LNS4);
		rig_expect(&rig, rig.access, frame, len, L2X_V_CONTROL, "known", NULL);
		set16(frame + at + 6, 0x4322);
		rig_expect(&rig, rig.access, frame, len, L2X_V_STRANGER, "another ID", NULL);
		set16(frame + at + 6, 0);
		rig_expect(&rig, rig.access, frame, len, L2X_V_STRANGER, "no ID", NULL);
		set16(frame + at + 6, 0x4321);
		t->peer = rig_addr("192.0.2.11");
		rig_expect(&rig, rig.access, frame, len, L2X_V_STRANGER, "another peer", NULL);
		t->peer = rig_addr(RIG_LAC4);
		t->peer_port = htons(1702);
		rig_expect(&rig, rig.access, frame, len, L2X_V_STRANGER, "another port", NULL);
		t->peer_port = port;
		t->gen = 0;
		rig_expect(&rig, rig.access, frame, len, L2X_V_STRANGER, "gone", NULL);
	}
}

/* What is none of data goes where it belongs. */
static void test_others(void **state)
{
	static uint8_t frame[RIG_FRAME];
	struct made m = { .cookie = 8 };
	size_t len = vector("v3c-ip-sccrq", "frame", frame);

	(void)state;
	put_made(INDEX, &m);
	rig_expect(&rig, rig.access, frame, len, L2X_V_STRANGER, "control over IP", NULL);
	len = vector("v3c-udp-sccrq", "frame", frame);
	rig_expect(&rig, rig.access, frame, len, L2X_V_STRANGER, "control over UDP", NULL);
	test_zeros(frame, len);
	len = vector("v3-ip4-c8-none", "frame", frame);
	set16(frame + 20, 0x2000);
	sum4(frame);
	rig_expect(&rig, rig.access, frame, len, L2X_V_FRAGMENT, "first fragment", NULL);
	set16(frame + 20, 0x0010);
	sum4(frame);
	rig_expect(&rig, rig.access, frame, len, L2X_V_FRAGMENT, "another fragment", NULL);
	set16(frame + 20, 0);
	frame[14] = 0x46;
	rig_expect(&rig, rig.access, frame, len, L2X_V_OUTER_OPTIONS, "options", NULL);
	frame[14] = 0x45;
	rig_expect(&rig, rig.access, frame, len, L2X_V_BAD_OUTER, "checksum", NULL);
	sum4(frame);
	frame[0] = 1;
	rig_expect(&rig, rig.access, frame, len, L2X_V_BAD_OUTER, "to a group", NULL);
}

/* ---- circuits with tags -------------------------------------------------------------------------- */

/* A frame of 60 octets or so with up to two tags. */
static size_t tagged(uint8_t *frame, uint16_t tpid0, uint16_t tci0, uint16_t tpid1, uint16_t tci1)
{
	static uint8_t plain[RIG_FRAME];
	size_t n = vector("v3-ip4-c0-none", "inner", plain), at = 12;

	memcpy(frame, plain, 12);
	if (tpid0) {
		set16(frame + at, tpid0);
		set16(frame + at + 2, tci0);
		at += 4;
	}
	if (tpid1) {
		set16(frame + at, tpid1);
		set16(frame + at + 2, tci1);
		at += 4;
	}
	memcpy(frame + at, plain + 12, n - 12);
	return at + n - 12;
}

struct tag_case {
	const char *what;
	uint16_t tag[2], wire[2]; /* of the pseudowire */
	uint16_t tpid[2];
	uint16_t in[4]; /* at the circuit: TPID, TCI, TPID, TCI */
	uint16_t out[4]; /* in the tunnel */
	uint16_t back[4]; /* at the circuit again */
};

static const struct tag_case tag_cases[] = {
	{ "kept",
	  { 107 },
	  { 107 },
	  { 0x8100 },
	  { 0x8100, 0x606b },
	  { 0x8100, 0x606b },
	  { 0x8100, 0x606b } },
	{ "removed", { 107 }, { 0 }, { 0x8100 }, { 0x8100, 0x606b }, { 0 }, { 0x8100, 107 } },
	{ "rewritten",
	  { 107 },
	  { 207 },
	  { 0x8100 },
	  { 0x8100, 0x606b },
	  { 0x8100, 0x60cf },
	  { 0x8100, 0x606b } },
	{ "one of its own behind",
	  { 107 },
	  { 0 },
	  { 0x8100 },
	  { 0x8100, 107, 0x8100, 5 },
	  { 0x8100, 5 },
	  { 0x8100, 107, 0x8100, 5 } },
	{ "two removed",
	  { 100, 7 },
	  { 0 },
	  { 0x88a8, 0x8100 },
	  { 0x88a8, 100, 0x8100, 7 },
	  { 0 },
	  { 0x88a8, 100, 0x8100, 7 } },
	{ "two kept",
	  { 100, 7 },
	  { 100, 7 },
	  { 0x88a8, 0x8100 },
	  { 0x88a8, 0xa064, 0x8100, 0x2007 },
	  { 0x88a8, 0xa064, 0x8100, 0x2007 },
	  { 0x88a8, 0xa064, 0x8100, 0x2007 } },
	{ "two rewritten",
	  { 100, 7 },
	  { 200, 8 },
	  { 0x88a8, 0x8100 },
	  { 0x88a8, 0xa064, 0x8100, 0x2007 },
	  { 0x88a8, 0xa0c8, 0x8100, 0x2008 },
	  { 0x88a8, 0xa064, 0x8100, 0x2007 } },
	{ "two become one",
	  { 100, 7 },
	  { 300 },
	  { 0x88a8, 0x8100 },
	  { 0x88a8, 0xa064, 0x8100, 0x2007 },
	  { 0x8100, 0xa12c },
	  { 0x88a8, 0xa064, 0x8100, 0xa007 } },
	{ "one becomes two",
	  { 107 },
	  { 1, 2 },
	  { 0x8100 },
	  { 0x8100, 0x606b },
	  { 0x8100, 0x6001, 0x8100, 0x6002 },
	  { 0x8100, 0x606b } },
};

static void test_tags(void **state)
{
	static uint8_t frame[RIG_FRAME], want[RIG_FRAME];
	size_t i, head = 14 + 20 + 4 + 8;

	(void)state;
	for (i = 0; i < sizeof(tag_cases) / sizeof(tag_cases[0]); i++) {
		const struct tag_case *c = &tag_cases[i];
		struct made m = { .cookie = 8 };
		struct l2x_pw w = pw_of(&m);
		struct rig_result res;
		size_t n, k;

		w.peer_id = htonl(ID);
		for (k = 0; k < 2; k++) {
			w.tag[k] = htons(c->tag[k]);
			w.wire[k] = htons(c->wire[k]);
			w.tpid[k] = htons(c->tpid[k] ?: 0x8100);
		}
		put_pw(INDEX, &w);
		circuit(rig.core, c->tag[0], c->tag[1], INDEX);
		/* at a device of circuits alone, and at a port of tunnels */
		for (k = 0; k < 2; k++) {
			rig.program = k ? NULL : rig.skel->progs.l2xdp_circuit;
			n = tagged(frame, c->in[0], c->in[1], c->in[2], c->in[3]);
			rig_expect(&rig, rig.core, frame, n, L2X_V_PW_ENCAP, c->what, &res);
			n = tagged(want, c->out[0], c->out[1], c->out[2], c->out[3]);
			assert_int_equal(res.len, head + n);
			assert_memory_equal(res.frame + head, want, n);
		}
		memcpy(frame, res.frame, res.len);
		memcpy(frame, res.frame + 6, 6);
		memcpy(frame + 6, res.frame, 6);
		memcpy(frame + 26, res.frame + 30, 4);
		memcpy(frame + 30, res.frame + 26, 4);
		rig_expect(&rig, rig.access, frame, res.len, L2X_V_PW_DECAP, c->what, &res);
		n = tagged(want, c->back[0], c->back[1], c->back[2], c->back[3]);
		assert_int_equal(res.len, n);
		assert_memory_equal(res.frame, want, n);
		/* a frame from the peer without the tag that it must have goes to no other VLAN */
		if (c->wire[0]) {
			frame[head + 15] ^= 1;
			rig_expect(&rig, rig.access, frame,
				   head + tagged(want, c->out[0], c->out[1], c->out[2], c->out[3]),
				   L2X_V_PW_TAG, c->what, &res);
		}
		circuit(rig.core, c->tag[0], c->tag[1], 0);
	}
}

/* A frame from one peer does not come out as one of another circuit of the device. */
static void test_hopping(void **state)
{
	static const uint16_t own[][4] = {
		{ 0x8100, 107 }, { 0x88a8, 100, 0x8100, 7 }, { 0x8100, 107, 0x8100, 5 },
		{ 0x8100, 108 }, { 0x88a8, 100, 0x8100, 8 }, { 0x8100, 0x6000 },
	};
	static const unsigned int wanted[2][6] = {
		/* of the whole device; 100 with an 8 is that of 100 */
		{ L2X_V_PW_TAG, L2X_V_PW_TAG, L2X_V_PW_TAG, L2X_V_PW_DECAP, L2X_V_PW_TAG,
		  L2X_V_PW_DECAP },
		/* of VLAN 100 there, whose tag is put on: with a 7 behind it it is another's */
		{ L2X_V_PW_DECAP, L2X_V_PW_DECAP, L2X_V_PW_DECAP, L2X_V_PW_DECAP, L2X_V_PW_DECAP,
		  L2X_V_PW_DECAP },
	};
	static uint8_t in[RIG_FRAME], frame[RIG_FRAME];
	struct made m = { .cookie = 8 };
	size_t head = 14 + 20 + 12, len, n, i, k;
	struct l2x_pw w = pw_of(&m);

	(void)state;
	circuit(rig.core, 0, 0, INDEX);
	circuit(rig.core, 107, 0, 500);
	circuit(rig.core, 100, 0, INDEX + 1);
	circuit(rig.core, 100, 7, 501);
	for (k = 0; k < 2; k++) {
		w.tag[0] = k ? htons(100) : 0;
		put_pw(INDEX + (uint32_t)k, &w);
		for (i = 0; i < 6; i++) {
			len = vector("v3-ip4-c8-none", "frame", in);
			n = tagged(frame, own[i][0], own[i][1], own[i][2], own[i][3]);
			memcpy(in + head, frame, n);
			len = head + n;
			set16(in + 16, (uint16_t)(len - 14));
			in[37] = (uint8_t)(0x44 + k); /* Session ID */
			sum4(in);
			pws[INDEX + k].id = htonl(ID + (uint32_t)k);
			rig_expect(&rig, rig.access, in, len, wanted[k][i], "hopping", NULL);
		}
	}
	n = tagged(frame, 0x8100, 7, 0, 0);
	memcpy(in + head, frame, n);
	set16(in + 16, (uint16_t)(head + n - 14));
	sum4(in);
	rig_expect(&rig, rig.access, in, head + n, L2X_V_PW_TAG, "7 behind 100", NULL);
	memset(&pws[INDEX + 1], 0, sizeof(pws[0]));
	circuit(rig.core, 0, 0, 0);
	circuit(rig.core, 107, 0, 0);
	circuit(rig.core, 100, 0, 0);
	circuit(rig.core, 100, 7, 0);
}

/* The longest match is the frame's; one of none is the host's. */
static void test_circuits(void **state)
{
	static uint8_t frame[RIG_FRAME];
	struct made m = { .cookie = 8 };
	struct l2x_pw w = pw_of(&m);
	uint32_t i;
	size_t n;

	(void)state;
	rig.program = rig.skel->progs.l2xdp_circuit;
	n = tagged(frame, 0x8100, 100, 0x8100, 7);
	rig_expect(&rig, rig.core, frame, n, L2X_V_NO_CIRCUIT, "none", NULL);
	for (i = 1; i <= 3; i++)
		put_pw(i, &w);
	circuit(rig.core, 0, 0, 1);
	rig_expect(&rig, rig.core, frame, n, L2X_V_PW_ENCAP, "device", NULL);
	assert_int_equal(traffic[1].tx_packets, 1);
	circuit(rig.core, 100, 0, 2);
	rig_expect(&rig, rig.core, frame, n, L2X_V_PW_ENCAP, "outer", NULL);
	assert_int_equal(traffic[2].tx_packets, 1);
	circuit(rig.core, 100, 7, 3);
	rig_expect(&rig, rig.core, frame, n, L2X_V_PW_ENCAP, "both", NULL);
	assert_int_equal(traffic[3].tx_packets, 1);
	n = tagged(frame, 0x8100, 101, 0, 0);
	rig_expect(&rig, rig.core, frame, n, L2X_V_PW_ENCAP, "another tag", NULL);
	assert_int_equal(traffic[1].tx_packets, 2);
	/* at a port of tunnels no frame without a tag is a circuit's */
	rig.program = NULL;
	n = tagged(frame, 0, 0, 0, 0);
	rig_expect(&rig, rig.core, frame, n, L2X_V_OTHER_HOST, "port", NULL);
	circuit(rig.core, 0, 0, 0);
	circuit(rig.core, 100, 0, 0);
	circuit(rig.core, 100, 7, 0);
}

/* ---- limits ----------------------------------------------------------------------------------------- */

static void expect_ticket(const struct rig_result *res, const uint8_t *frame, size_t n, int why)
{
	struct l2x_pw_ticket t;

	memcpy(&t, res->frame, sizeof(t));
	assert_int_equal(res->len, n + TICKET);
	assert_int_equal(t.mark, L2X_TICKET_MARK);
	assert_int_equal(t.verdict, why);
	assert_int_equal(t.index, INDEX);
	assert_memory_equal(res->frame + TICKET, frame, n);
}

/* What is too large, or has no way yet, goes to the daemon as it came; a share of it. */
static void test_door(void **state)
{
	static uint8_t frame[RIG_FRAME];
	struct made m = { .cookie = 8 };
	struct l2x_pw w = pw_of(&m);
	struct rig_result res;
	unsigned int i;
	size_t n = tagged(frame, 0, 0, 0, 0);

	(void)state;
	rig.program = rig.skel->progs.l2xdp_circuit;
	circuit(rig.core, 0, 0, INDEX);
	w.mtu = (uint16_t)n;
	put_pw(INDEX, &w);
	rig_expect(&rig, rig.core, frame, n, L2X_V_PW_ENCAP, "fits", NULL);
	rig_expect(&rig, rig.core, frame, n + 1, L2X_V_PW_SLOW, "too large", &res);
	expect_ticket(&res, frame, n + 1, L2X_V_TOO_BIG);
	w.tx_peer = rig_addr("192.0.2.99");
	put_pw(INDEX, &w);
	rig_expect(&rig, rig.core, frame, n, L2X_V_PW_SLOW, "no neighbour", &res);
	expect_ticket(&res, frame, n, L2X_V_NO_NEIGHBOUR);
	w.tx_peer = rig_addr("203.0.115.1");
	put_pw(INDEX, &w);
	rig_expect(&rig, rig.core, frame, n, L2X_V_PW_SLOW, "no route", &res);
	expect_ticket(&res, frame, n, L2X_V_NO_ROUTE);
	w = pw_of(&m);
	put_pw(INDEX, &w);
	rig_expect(&rig, rig.core, frame, 14, L2X_V_PW_SLOW, "very short", &res);
	expect_ticket(&res, frame, 14, L2X_V_NOT_LINEAR);
	for (i = 0; i < DOOR_RATE - 1; i++)
		rig_expect(&rig, rig.core, frame, 14, L2X_V_PW_SLOW, "share", NULL);
	rig_expect(&rig, rig.core, frame, 14, L2X_V_SLOW_POLICED, "share", NULL);
	w.tx_flags &= (uint16_t)~L2X_PW_UP;
	put_pw(INDEX, &w);
	rig_expect(&rig, rig.core, frame, n, L2X_V_PW_DOWN, "down", NULL);
	circuit(rig.core, 0, 0, 0);
}

/* What the daemon writes there. */
static void test_deliver(void **state)
{
	static uint8_t buf[RIG_FRAME];
	struct l2x_pw_ticket t = { .mark = L2X_TICKET_MARK, .index = INDEX };
	struct made m = { .cookie = 8 };
	struct l2x_pw w = pw_of(&m);
	struct rig_result res;
	size_t n, k;

	(void)state;
	rig.program = rig.skel->progs.l2xdp_door;
	put_pw(INDEX, &w);
	memcpy(buf, &t, sizeof(t));
	n = tagged(buf + TICKET, 0, 0, 0, 0);
	rig_expect(&rig, rig.vlan, buf, n + TICKET, L2X_V_PW_DECAP, "plain", &res);
	assert_int_equal(res.len, n);
	assert_memory_equal(res.frame, buf + TICKET, n);
	for (k = 14; k < TICKET + 14; k++)
		rig_expect(&rig, rig.vlan, buf, k, L2X_V_PW_SHORT, "cut", NULL);
	w.tag[0] = htons(100);
	w.tag[1] = htons(7);
	put_pw(INDEX, &w);
	rig_expect(&rig, rig.vlan, buf, n + TICKET, L2X_V_PW_DECAP, "tags", &res);
	n = tagged(buf + TICKET, 0x8100, 100, 0x8100, 7);
	assert_int_equal(res.len, n);
	assert_memory_equal(res.frame, buf + TICKET, n);
	t.index = INDEX + 1;
	memcpy(buf, &t, sizeof(t));
	rig_expect(&rig, rig.vlan, buf, n + TICKET, L2X_V_PW_UNKNOWN, "nobody's", NULL);
	t.index = 0;
	memcpy(buf, &t, sizeof(t));
	rig_expect(&rig, rig.vlan, buf, n + TICKET, L2X_V_PW_UNKNOWN, "0", NULL);
	t.index = 0xffffffff;
	memcpy(buf, &t, sizeof(t));
	rig_expect(&rig, rig.vlan, buf, n + TICKET, L2X_V_PW_UNKNOWN, "beyond", NULL);
	t.mark = 0;
	memcpy(buf, &t, sizeof(t));
	rig_expect(&rig, rig.vlan, buf, n + TICKET, L2X_V_PW_SHORT, "no ticket", NULL);
}

/* A limit for frames to groups, each way its own; others pass. */
static void test_bum(void **state)
{
	static uint8_t frame[RIG_FRAME], in[RIG_FRAME];
	struct made m = { .cookie = 8 };
	struct l2x_pw w = pw_of(&m);
	size_t n = tagged(frame, 0, 0, 0, 0), len = vector("v3-ip4-c8-none", "frame", in);
	unsigned int i;

	(void)state;
	circuit(rig.core, 0, 0, INDEX);
	frame[0] = 0xff;
	in[14 + 20 + 12] = 0xff;
	put_pw(INDEX, &w);
	for (i = 0; i < 20; i++) { /* no limit */
		rig.program = rig.skel->progs.l2xdp_circuit;
		rig_expect(&rig, rig.core, frame, n, L2X_V_PW_ENCAP, "out", NULL);
		rig.program = NULL;
		rig_expect(&rig, rig.access, in, len, L2X_V_PW_DECAP, "in", NULL);
	}
	w.bum_rate = 5;
	put_pw(INDEX, &w);
	for (i = 0; i < 6; i++) {
		rig.program = rig.skel->progs.l2xdp_circuit;
		rig_expect(&rig, rig.core, frame, n, i < 5 ? L2X_V_PW_ENCAP : L2X_V_PW_BUM, "out",
			   NULL);
		rig.program = NULL;
		rig_expect(&rig, rig.access, in, len, i < 5 ? L2X_V_PW_DECAP : L2X_V_PW_BUM, "in",
			   NULL);
	}
	in[14 + 20 + 12] = 2;
	rig_expect(&rig, rig.access, in, len, L2X_V_PW_DECAP, "one host's", NULL);
	assert_int_equal(traffic[INDEX].rx_drops, 1);
	assert_int_equal(traffic[INDEX].tx_drops, 1);
	circuit(rig.core, 0, 0, 0);
}

/* A frame that the circuit's device would refuse in silence. */
static void test_room(void **state)
{
	static uint8_t in[RIG_FRAME];
	struct made m = { .cookie = 8 };
	struct l2x_pw w = pw_of(&m);
	size_t len = vector("v3-ip4-c8-none", "frame", in), n = len - 14 - 20 - 12;

	(void)state;
	w.room = (uint16_t)n;
	put_pw(INDEX, &w);
	rig_expect(&rig, rig.access, in, len, L2X_V_PW_DECAP, "fits", NULL);
	w.room--;
	put_pw(INDEX, &w);
	rig_expect(&rig, rig.access, in, len, L2X_V_PW_LARGE, "one more", NULL);
	w.room++;
	w.tag[0] = htons(9);
	put_pw(INDEX, &w);
	rig_expect(&rig, rig.access, in, len, L2X_V_PW_LARGE, "with its tag", NULL);
}

/* SYNs in frames, with and without a tag, both ways. */
static void test_mss(void **state)
{
	static const uint8_t tcp[24] = { 0,    80, 0,    81,   0, 0, 0, 1, 0, 0, 0, 0,
					 0x60, 2,  0xff, 0xff, 0, 0, 0, 0, 2, 4, 5, 0xb4 };
	static uint8_t frame[RIG_FRAME], back[RIG_FRAME];
	struct made m = { .cookie = 8, .flags = L2X_PW_MSS };
	struct l2x_pw w = pw_of(&m);
	struct rig_result res;
	size_t n, at, head = 14 + 20 + 12;
	unsigned int tag;

	(void)state;
	w.peer_id = htonl(ID);
	w.mss_mtu = 1300;
	put_pw(INDEX, &w);
	circuit(rig.core, 0, 0, INDEX);
	for (tag = 0; tag < 2; tag++) {
		uint64_t pseudo;

		tagged(frame, tag ? 0x8100 : 0, 5, 0, 0);
		at = tag ? 18 : 14;
		n = at + 44;
		set16(frame + at + 2, 44);
		frame[at + 9] = 6;
		set16(frame + at + 10, 0);
		set_sum(frame + at + 10, (uint16_t)~rig_sum(frame + at, 20, 0));
		memcpy(frame + at + 20, tcp, 24);
		pseudo = rig_sum(frame + at + 12, 8, htons(6) + htons(24));
		set_sum(frame + at + 20 + 16, (uint16_t)~rig_sum(frame + at + 20, 24, pseudo));
		rig.program = rig.skel->progs.l2xdp_circuit;
		rig_expect(&rig, rig.core, frame, n, L2X_V_PW_ENCAP, "out", &res);
		assert_int_equal(get16(res.frame + head + at + 20 + 22), 1260);
		assert_int_equal(rig_sum(res.frame + head + at + 20, 24, pseudo), 0xffff);
		memcpy(back, res.frame, res.len);
		memcpy(back, res.frame + 6, 6);
		memcpy(back + 6, res.frame, 6);
		memcpy(back + 26, res.frame + 30, 4);
		memcpy(back + 30, res.frame + 26, 4);
		memcpy(back + head, frame, n); /* not clamped yet */
		rig.program = NULL;
		rig_expect(&rig, rig.access, back, res.len, L2X_V_PW_DECAP, "in", &res);
		assert_int_equal(get16(res.frame + at + 20 + 22), 1260);
		assert_int_equal(rig_sum(res.frame + at + 20, 24, pseudo), 0xffff);
	}
	circuit(rig.core, 0, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decap),         cmocka_unit_test(test_encap),
		cmocka_unit_test(test_round),         cmocka_unit_test(test_sums),
		cmocka_unit_test(test_refused),       cmocka_unit_test(test_two_cookies),
		cmocka_unit_test(test_chosen),        cmocka_unit_test(test_sublayer),
		cmocka_unit_test(test_cut),           cmocka_unit_test(test_others),
		cmocka_unit_test(test_known_control), cmocka_unit_test(test_tags),
		cmocka_unit_test(test_hopping),       cmocka_unit_test(test_circuits),
		cmocka_unit_test(test_door),          cmocka_unit_test(test_deliver),
		cmocka_unit_test(test_bum),           cmocka_unit_test(test_room),
		cmocka_unit_test(test_mss),
	};

	rig_namespace();
	rig_stay();
	return cmocka_run_group_tests(tests, setup, teardown);
}
