/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The slow path, both ways: every v2 vector, and what each reason to refuse counts. */
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

static int setup(void **state)
{
	struct world *w = world_new();
	struct dp_session s = world_session();

	assert_int_equal(dp_session_set(&w->dp, &s), 0);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	return 0;
}

static void change(struct world *w, void (*fn)(struct dp_session *s))
{
	struct dp_session s = w->dp.sessions[INDEX]->s;

	fn(&s);
	assert_int_equal(dp_session_set(&w->dp, &s), 0);
}

/* ---- frames of the vectors as the socket would hand them out ---------------------------- */

struct outer {
	struct path path;
	uint8_t tos;
	uint8_t *msg;
	size_t len;
	bool ok; /* a whole UDP datagram for port 1701: the kernel would hand it out */
};

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint16_t sum_of(const uint8_t *addresses, size_t n, const uint8_t *udp, size_t len)
{
	uint8_t all[2048] = { 0 };

	memcpy(all, addresses, n);
	all[n + 1] = 17;
	all[n + 2] = (uint8_t)(len >> 8);
	all[n + 3] = (uint8_t)len;
	memcpy(all + n + 4, udp, len);
	return inner_checksum(all, n + 4 + len);
}

static struct outer open_frame(uint8_t *frame, size_t len)
{
	struct outer o = { .ok = false };
	size_t at = 14, room;
	uint8_t *ip, *udp;
	bool v6;

	while (get16(frame + at - 2) == 0x8100 || get16(frame + at - 2) == 0x88a8)
		at += 4;
	ip = frame + at;
	v6 = ip[0] >> 4 == 6;
	if ((!v6 && (ip[0] != 0x45 || get16(ip + 6) & 0x3fff || ip[9] != 17)) ||
	    (v6 && ip[6] != 17))
		return o;
	udp = ip + (v6 ? 40 : 20);
	room = v6 ? get16(ip + 4) : get16(ip + 2) - 20u;
	o.tos = v6 ? (uint8_t)(get16(ip) >> 4) : ip[1];
	memcpy(o.path.peer.b, v6 ? ip + 8 : address("0.0.0.0").b, 16);
	memcpy(o.path.local.b, v6 ? ip + 24 : address("0.0.0.0").b, 16);
	if (!v6) {
		memcpy(o.path.peer.b + 12, ip + 12, 4);
		memcpy(o.path.local.b + 12, ip + 16, 4);
	}
	o.path.peer_port = get16(udp);
	o.path.local_port = get16(udp + 2);
	o.msg = udp + 8;
	o.len = get16(udp + 4) - 8u;
	if (get16(udp + 4) > room || udp + get16(udp + 4) > frame + len || get16(udp + 2) != 1701)
		return o;
	if (get16(udp + 6) == 0)
		o.ok = !v6; /* DP-CK-2, DP-CK-4 */
	else
		o.ok = sum_of(v6 ? ip + 8 : ip + 12, v6 ? 32 : 8, udp, get16(udp + 4)) == 0;
	return o;
}

static const char *text(json_t *v, const char *member)
{
	return json_string_value(json_object_get(v, member));
}

/* The inner packet that has to come out, if any. */
static size_t wanted(json_t *v, uint8_t *buf, size_t cap)
{
	size_t n = vector_bytes(v, "inner_out", buf, cap);

	return n ? n : vector_bytes(v, "inner", buf, cap);
}

/* A session of the path that the vector came by. */
static void adopt_path(struct world *w, json_t *v, const struct path *path)
{
	struct dp_session s = w->dp.sessions[INDEX]->s;

	if (strcmp(text(v, "name"), "v2x-wrong-peer") == 0)
		return;
	s.path = *path;
	assert_int_equal(dp_session_set(&w->dp, &s), 0);
}

static void one_uplink_vector(json_t *v)
{
	struct world *w = world_new();
	struct dp_session s = world_session();
	uint8_t frame[2048], want[2048];
	size_t len = vector_bytes(v, "frame", frame, sizeof(frame)), n;
	struct outer o = open_frame(frame, len);
	const char *action = text(v, "action");

	if (!o.ok)
		goto out;
	assert_int_equal(dp_session_set(&w->dp, &s), 0);
	adopt_path(w, v, &o.path);
	slow_in(&w->dp, &o.path, o.tos, o.msg, o.len);
	if (!strcmp(action, "decap")) {
		n = wanted(v, want, sizeof(want));
		assert_int_equal(w->host.n, 1);
		assert_int_equal(w->host.len[0], n);
		assert_memory_equal(w->host.data[0], want, n);
		assert_int_equal(dp_slow_counters(&w->dp)[DP_SLOW_RX_IP], 1);
	} else if (!strcmp(action, "drop")) {
		/* what the engine has to judge goes there whatever it is worth */
		assert_int_equal(w->host.n + w->ppp.n + w->ipv6_local.n, 0);
		assert_int_equal(w->control.n, o.len && o.msg[0] & 0x80 ? 1 : 0);
	}
	assert_int_equal(w->peer.n + w->icmp.n, 0); /* DP-SLOW-21: nothing goes back */
out:
	world_free(w);
}

static void every_uplink_vector_becomes_what_it_should(void **state)
{
	unsigned int decap = 0, drop = 0;
	json_t *v;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(vectors, "vectors"), i, v)
	{
		if (strncmp(text(v, "name"), "v3", 2) == 0 || strcmp(text(v, "dir"), "rx") != 0)
			continue;
		print_message("%s\n", text(v, "name"));
		decap += !strcmp(text(v, "action"), "decap");
		drop += !strcmp(text(v, "action"), "drop");
		one_uplink_vector(v);
	}
	assert_true(decap >= 20 && drop >= 10); /* the list has not shrunk unseen */
}

static void one_downlink_vector(json_t *v)
{
	struct world *w = world_new();
	struct dp_session s = world_session();
	uint8_t frame[2048], inner[2048];
	size_t len = vector_bytes(v, "frame", frame, sizeof(frame));
	size_t n = vector_bytes(v, "inner_in", inner, sizeof(inner));
	struct outer o = open_frame(frame, len);
	const char *name = text(v, "name");
	uint16_t flags = get16(o.msg);

	if (!n)
		n = vector_bytes(v, "inner", inner, sizeof(inner));
	s.path.local = o.path.peer; /* the frame is ours: seen from the other end */
	s.path.peer = o.path.local;
	s.ipv6 = prefix("2001:db8:100::/64");
	s.ecn = !strcmp(name, "v2t-ecn-normal");
	s.acfc = !strcmp(name, "v2t-acfc-v6inner");
	s.seq_send = flags & 0x0800;
	s.clamp_mss = !strncmp(name, "v2t-mss", 7);
	if (s.clamp_mss)
		s.peer_mru = 1460;
	assert_int_equal(dp_session_set(&w->dp, &s), 0);
	if (s.seq_send)
		w->dp.sessions[INDEX]->slow->own_ns = get16(o.msg + 6);
	slow_out(&w->dp, inner, n);
	assert_int_equal(w->peer.n, 1);
	assert_int_equal(w->peer.len[0], o.len);
	assert_memory_equal(w->peer.data[0], o.msg, o.len);
	assert_true(path_eq(&w->to, &s.path));
	assert_int_equal(w->how.tos, o.tos);
	assert_false(w->how.fragment);
	world_free(w);
}

static void every_downlink_vector_is_what_we_send(void **state)
{
	unsigned int n = 0;
	json_t *v;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(vectors, "vectors"), i, v)
	{
		if (strncmp(text(v, "name"), "v2t", 3) || strcmp(text(v, "action"), "encap"))
			continue;
		print_message("%s\n", text(v, "name"));
		one_downlink_vector(v);
		n++;
	}
	assert_true(n >= 10);
}

/* ---- uplink, one reason after another ---------------------------------------------------- */

static void sum_header(uint8_t *p)
{
	uint16_t sum;

	p[10] = p[11] = 0;
	sum = inner_checksum(p, 20);
	p[10] = (uint8_t)(sum >> 8);
	p[11] = (uint8_t)sum;
}

static size_t make4(uint8_t *p, const char *src, const char *dst, size_t len, uint8_t tos)
{
	memset(p, 0, len);
	p[0] = 0x45;
	p[1] = tos;
	p[2] = (uint8_t)(len >> 8);
	p[3] = (uint8_t)len;
	p[8] = 64;
	p[9] = 17;
	memcpy(p + 12, address(src).b + 12, 4);
	memcpy(p + 16, address(dst).b + 12, 4);
	sum_header(p);
	return len;
}

static size_t make6(uint8_t *p, const char *src, const char *dst, size_t len)
{
	memset(p, 0, len);
	p[0] = 0x60;
	p[4] = (uint8_t)((len - 40) >> 8);
	p[5] = (uint8_t)(len - 40);
	p[6] = 59;
	p[7] = 64;
	memcpy(p + 8, address(src).b, 16);
	memcpy(p + 24, address(dst).b, 16);
	return len;
}

/* header 8 at most, FF 03, protocol, packet; into slow_in */
static void receive(struct world *w, const char *header, size_t hlen, uint16_t protocol,
		    const uint8_t *packet, size_t len, uint8_t tos)
{
	struct path path = world_path();
	uint8_t msg[2048];

	memcpy(msg, header, hlen);
	msg[hlen] = 0xff;
	msg[hlen + 1] = 0x03;
	msg[hlen + 2] = (uint8_t)(protocol >> 8);
	msg[hlen + 3] = (uint8_t)protocol;
	memcpy(msg + hlen + 4, packet, len);
	slow_in(&w->dp, &path, tos, msg, hlen + 4 + len);
}

#define PLAIN "\x00\x02\x12\x34\x56\x78", 6

static void expect(struct world *w, enum dp_slow_counter c, uint64_t n)
{
	assert_int_equal(w->dp.slow[c], n);
}

static void good(struct world *w, const char *header, size_t hlen)
{
	uint8_t p[64];

	receive(w, header, hlen, 0x21, p, make4(p, "10.64.0.2", "203.0.113.9", 40, 0), 0);
}

static void unknown_sessions_are_counted_and_no_more(void **state)
{
	struct world *w = *state;

	good(w, "\x00\x02\x12\x34\x56\x79", 6);
	good(w, "\x00\x02\x12\x35\x56\x78", 6); /* same index, other tunnel ID bits */
	good(w, "\x00\x02\x00\x00\x56\x78", 6); /* DP-V2-3, Q-20 */
	good(w, "\x00\x02\x12\x34\x00\x00", 6);
	expect(w, DP_SLOW_UNKNOWN_SESSION, 4);
	assert_int_equal(w->host.n, 0);
	good(w, PLAIN);
	assert_int_equal(w->host.n, 1);
}

static void headers_cut_anywhere_are_refused(void **state)
{
	struct world *w = *state;
	struct path path = world_path();
	uint8_t msg[] = { 0x00, 0x02, 0x12, 0x34, 0x56, 0x78, 0xff, 0x03, 0x00 };

	for (size_t n = 0; n < sizeof(msg); n++)
		slow_in(&w->dp, &path, 0, msg, n);
	expect(w, DP_SLOW_BAD_HEADER, 6); /* 0 to 5 octets */
	expect(w, DP_SLOW_BAD_PPP, 3);
	assert_int_equal(w->dp.sessions[INDEX]->slow->rx.drops, 3);
	msg[1] = 4; /* another version */
	slow_in(&w->dp, &path, 0, msg, sizeof(msg));
	expect(w, DP_SLOW_BAD_HEADER, 7);
	msg[1] = 3; /* data of version 3, for a pseudowire that there is not (V3-HDR-1) */
	slow_in(&w->dp, &path, 0, msg, sizeof(msg));
	expect(w, DP_SLOW_BAD_HEADER, 7);
	expect(w, DP_SLOW_PW_UNKNOWN, 1);
}

/* DP-SPOOF-3: each of the four must match */
static void another_path_is_not_the_session(void **state)
{
	struct world *w = *state;
	struct path paths[4];
	uint8_t msg[64] = { 0x00, 0x02, 0x12, 0x34, 0x56, 0x78, 0xff, 0x03, 0xc0, 0x21 };

	for (int i = 0; i < 4; i++)
		paths[i] = world_path();
	paths[0].peer = address("192.0.2.11");
	paths[1].peer_port = 1702;
	paths[2].local = address("198.51.100.2");
	paths[3].local_port = 1702;
	for (int i = 0; i < 4; i++)
		slow_in(&w->dp, &paths[i], 0, msg, 20);
	expect(w, DP_SLOW_WRONG_PATH, 4);
	assert_int_equal(w->ppp.n, 0);
}

static void ncp_closed(struct dp_session *s)
{
	s->ipv4_open = s->ipv6_open = false;
}

/* DP-PPP-2 */
static void ip_waits_for_its_ncp(void **state)
{
	struct world *w = *state;
	uint8_t p[64];

	change(w, ncp_closed);
	good(w, PLAIN);
	receive(w, PLAIN, 0x57, p, make6(p, "2001:db8:100::2", "2001:db8::9", 48), 0);
	expect(w, DP_SLOW_NCP_CLOSED, 2);
	assert_int_equal(w->host.n, 0);
	receive(w, PLAIN, 0xc021, (const uint8_t *)"\x09\x01\x00\x08\0\0\0\0", 8, 0);
	assert_int_equal(w->ppp.n, 1); /* LCP does not */
	assert_memory_equal(w->ppp.data[0], "\xff\x03\xc0\x21\x09\x01", 6);
}

/* DP-SPOOF-1 */
static void a_source_that_is_not_the_subscribers_is_dropped(void **state)
{
	struct world *w = *state;
	uint8_t p[64];

	receive(w, PLAIN, 0x21, p, make4(p, "10.64.0.3", "203.0.113.9", 40, 0), 0);
	receive(w, PLAIN, 0x21, p, make4(p, "0.0.0.0", "203.0.113.9", 40, 0), 0);
	receive(w, PLAIN, 0x57, p, make6(p, "2001:db8:101::2", "2001:db8::9", 48), 0);
	expect(w, DP_SLOW_SPOOFED, 3);
	assert_int_equal(w->dp.sessions[INDEX]->slow->rx.drops, 3);
	receive(w, PLAIN, 0x57, p, make6(p, "2001:db8:100::ffff:1", "2001:db8::9", 48), 0);
	assert_int_equal(w->host.n, 1); /* its whole /64 is the subscriber's */
}

/* DP-SLOW-6 */
static void link_local_ipv6_is_for_the_ppp_link(void **state)
{
	struct world *w = *state;
	uint8_t p[64];

	receive(w, PLAIN, 0x57, p, make6(p, "fe80::1", "ff02::2", 48), 0);
	receive(w, PLAIN, 0x57, p, make6(p, "febf::1", "ff02::2", 48), 0);
	receive(w, PLAIN, 0x57, p, make6(p, "::", "ff02::16", 48), 0);
	assert_int_equal(w->ipv6_local.n, 3);
	assert_int_equal(w->ipv6_local.len[0], 48);
	assert_int_equal(w->host.n, 0);
	receive(w, PLAIN, 0x57, p, make6(p, "fec0::1", "ff02::2", 48), 0);
	expect(w, DP_SLOW_SPOOFED, 1);
}

/* DP-ECN-2 */
static void congestion_marks_go_inside(void **state)
{
	struct world *w = *state;
	uint8_t p[64];

	receive(w, PLAIN, 0x21, p, make4(p, "10.64.0.2", "203.0.113.9", 40, 0x02), 0x03);
	assert_int_equal(w->host.data[0][1], 0x03);
	assert_int_equal(inner_checksum(w->host.data[0], 20), 0);
	receive(w, PLAIN, 0x21, p, make4(p, "10.64.0.2", "203.0.113.9", 40, 0x00), 0xbb);
	expect(w, DP_SLOW_ECN_DROP, 1);
	receive(w, PLAIN, 0x21, p, make4(p, "10.64.0.2", "203.0.113.9", 40, 0x48), 0xb8);
	assert_int_equal(w->host.data[1][1], 0x48); /* DP-DS-1: the outer DSCP ends here */
}

static void sequenced(struct dp_session *s)
{
	s->seq_receive = s->seq_required = true;
}

/* DP-SEQ-1, DP-SEQ-3, DP-V2-7 */
static void numbers_are_judged_where_they_were_agreed(void **state)
{
	struct world *w = *state;
	struct session *s = w->dp.sessions[INDEX];

	good(w, "\x08\x02\x12\x34\x56\x78\x00\x07\x00\x00", 10); /* S=1, not agreed: ignored */
	good(w, "\x08\x02\x12\x34\x56\x78\x00\x07\x00\x00", 10);
	assert_int_equal(w->host.n, 2);
	change(w, sequenced);
	good(w, PLAIN);
	expect(w, DP_SLOW_SEQ_MISSING, 1);
	good(w, "\x08\x02\x12\x34\x56\x78\x00\x00\x12\x34", 10);
	good(w, "\x08\x02\x12\x34\x56\x78\x00\x03\x00\x00", 10);
	assert_int_equal(w->host.n, 4);
	assert_int_equal(s->slow->rx.lost, 2);
	good(w, "\x08\x02\x12\x34\x56\x78\x00\x03\x00\x00", 10);
	expect(w, DP_SLOW_SEQ_OLD, 1);
	receive(w, "\x08\x02\x12\x34\x56\x78\x00\x02\x00\x00", 10, 0xc021, (const uint8_t *)"\x09",
		1, 0);
	assert_int_equal(w->ppp.n, 1); /* what keeps the link alive may be late */
}

/* DP-SPOOF-2 */
static void isolation_keeps_subscribers_apart(void **state)
{
	struct world *w = *state;
	struct dp_session other = world_session();
	uint8_t p[64];

	other.session_id++;
	other.ipv4 = address("10.64.0.9");
	other.ipv6 = prefix("2001:db8:100:9::/64");
	assert_int_equal(dp_session_set(&w->dp, &other), 0);
	receive(w, PLAIN, 0x21, p, make4(p, "10.64.0.2", "10.64.0.9", 40, 0), 0);
	assert_int_equal(w->host.n, 1);
	w->cfg.isolate = true;
	receive(w, PLAIN, 0x21, p, make4(p, "10.64.0.2", "10.64.0.9", 40, 0), 0);
	receive(w, PLAIN, 0x57, p, make6(p, "2001:db8:100::2", "2001:db8:100:9::7", 48), 0);
	expect(w, DP_SLOW_ISOLATED, 2);
	receive(w, PLAIN, 0x21, p, make4(p, "10.64.0.2", "203.0.113.9", 40, 0), 0);
	assert_int_equal(w->host.n, 2);
}

static void traffic_is_counted_by_inner_octets(void **state)
{
	struct world *w = *state;
	struct dp_traffic t;
	uint8_t p[64];

	good(w, PLAIN);
	good(w, PLAIN);
	w->refuse = -EIO;
	good(w, PLAIN);
	expect(w, DP_SLOW_TUN_FAILED, 1);
	w->refuse = 0;
	slow_out(&w->dp, p, make4(p, "203.0.113.9", "10.64.0.2", 50, 0));
	assert_int_equal(dp_session_traffic(&w->dp, INDEX, &t), 0);
	assert_int_equal(t.slow_rx.packets, 2); /* DP-LIFE-2 */
	assert_int_equal(t.slow_rx.bytes, 80);
	assert_int_equal(t.slow_rx.drops, 1);
	assert_int_equal(t.slow_tx.packets, 1);
	assert_int_equal(t.slow_tx.bytes, 50);
	assert_int_equal(t.hook_rx.packets, 0);
	assert_int_equal(dp_session_rx(&w->dp, INDEX), 2);
	assert_int_equal(dp_session_traffic(&w->dp, INDEX + 1, &t), -ENOENT);
}

/* ---- downlink ------------------------------------------------------------------------------ */

static void what_is_too_big_is_told_to_its_sender(void **state)
{
	struct world *w = *state;
	uint8_t p[1600];

	make4(p, "203.0.113.9", "10.64.0.2", 1463, 0);
	p[6] = 0x40; /* DF */
	sum_header(p);
	slow_out(&w->dp, p, 1463);
	assert_int_equal(w->peer.n, 0);
	assert_int_equal(w->icmp.n, 1);
	assert_int_equal(w->icmp.data[0][0] << 8 | w->icmp.data[0][1], 0x0304); /* DP-ICMP-1 */
	assert_int_equal(get16(w->icmp.data[0] + 6), 1462);
	assert_int_equal(inner_checksum(w->icmp.data[0], w->icmp.len[0]), 0);
	expect(w, DP_SLOW_TOO_BIG, 1);
	expect(w, DP_SLOW_ICMP_SENT, 1);
	slow_out(&w->dp, p, make6(p, "2001:db8:ffff::9", "2001:db8:100::2", 1463));
	assert_int_equal(w->icmp.n, 2);
	assert_int_equal(w->icmp.data[1][0], 2); /* DP-ICMP-3 */
	assert_int_equal(get16(w->icmp.data[1] + 6), 1462);
	slow_out(&w->dp, p, make6(p, "2001:db8:ffff::9", "2001:db8:100::2", 1462));
	assert_int_equal(w->peer.n, 1);
}

static void icmp_is_rationed_by_session(void **state)
{
	struct world *w = *state;
	uint8_t p[1600];

	for (int i = 0; i < 50; i++)
		slow_out(&w->dp, p, make6(p, "2001:db8:ffff::9", "2001:db8:100::2", 1500));
	assert_in_range(w->icmp.n, 10, 12); /* B=10, N=10 a second */
	assert_int_equal(w->dp.slow[DP_SLOW_ICMP_LIMITED] + w->icmp.n, 50);
	expect(w, DP_SLOW_TOO_BIG, 50);
	assert_int_equal(w->dp.sessions[INDEX]->slow->tx.drops, 50);
}

/* DP-FRAG-3 */
static void what_may_be_cut_is_cut_inside(void **state)
{
	struct world *w = *state;
	uint8_t p[1600];

	slow_out(&w->dp, p, make4(p, "203.0.113.9", "10.64.0.2", 1500, 0));
	assert_int_equal(w->peer.n, 2);
	assert_int_equal(w->icmp.n, 0);
	expect(w, DP_SLOW_FRAGMENTED, 2);
	assert_int_equal(w->peer.len[0], 10 + 20 + 1440); /* 1462 - 20, whole words of 8 */
	assert_int_equal(w->peer.len[1], 10 + 20 + 40);
	assert_int_equal(get16(w->peer.data[0] + 10 + 6), 0x2000);
	assert_int_equal(get16(w->peer.data[1] + 10 + 6), 1440 / 8);
	assert_int_equal(w->dp.sessions[INDEX]->slow->tx.packets, 1);
	assert_false(w->how.fragment); /* each with DF outside */
}

static void narrow(struct dp_session *s)
{
	s->peer_mru = 1000;
}

/* DP-ICMP-4 */
static void ipv6_may_rely_on_1280(void **state)
{
	struct world *w = *state;
	uint8_t p[1600];

	change(w, narrow);
	assert_int_equal(dp_session_mtu(&w->dp, INDEX), 1000);
	slow_out(&w->dp, p, make6(p, "2001:db8:ffff::9", "2001:db8:100::2", 1280));
	assert_int_equal(w->peer.n, 1);
	assert_true(w->how.fragment);
	slow_out(&w->dp, p, make6(p, "2001:db8:ffff::9", "2001:db8:100::2", 1281));
	assert_int_equal(get16(w->icmp.data[0] + 6), 1280);
	slow_out(&w->dp, p, make6(p, "2001:db8:ffff::9", "2001:db8:100::2", 1000));
	assert_int_equal(w->peer.n, 2);
	assert_false(w->how.fragment);
}

static void dscp_is_copied_or_fixed(void **state)
{
	struct world *w = *state;
	uint8_t p[64];

	slow_out(&w->dp, p, make4(p, "203.0.113.9", "10.64.0.2", 40, 0xba));
	assert_int_equal(w->how.tos, 0xb8); /* DP-DS-1 copy, DP-ECN-1 compatibility mode */
	w->dp.sessions[INDEX]->s.ecn = true;
	slow_out(&w->dp, p, make4(p, "203.0.113.9", "10.64.0.2", 40, 0xbb));
	assert_int_equal(w->how.tos, 0xbb);
	w->dp.sessions[INDEX]->s.seq_send = true; /* DP-DS-2 */
	slow_out(&w->dp, p, make4(p, "203.0.113.9", "10.64.0.2", 40, 0xba));
	assert_int_equal(w->how.tos, 0x02);
	w->cfg.dscp = 10;
	slow_out(&w->dp, p, make4(p, "203.0.113.9", "10.64.0.2", 40, 0xba));
	assert_int_equal(w->how.tos, 10 << 2 | 2);
}

static void downlink_finds_nobody_or_not_open(void **state)
{
	struct world *w = *state;
	uint8_t p[64];

	slow_out(&w->dp, p, make4(p, "203.0.113.9", "10.64.0.99", 40, 0));
	slow_out(&w->dp, p, make6(p, "2001:db8::9", "2001:db8:100:5::1", 48));
	expect(w, DP_SLOW_NO_SESSION, 2);
	slow_out(&w->dp, p, make6(p, "fe80::1", "ff02::16", 48)); /* the kernel's own noise */
	expect(w, DP_SLOW_NO_SESSION, 2);
	slow_out(&w->dp, p, 10);
	slow_out(&w->dp, p, 0);
	expect(w, DP_SLOW_BAD_INNER, 2);
	slow_out(&w->dp, p, make4(p, "10.64.0.2", "10.64.0.2", 40, 0)); /* DP-SPOOF-4 */
	expect(w, DP_SLOW_SPOOFED, 1);
	change(w, ncp_closed);
	slow_out(&w->dp, p, make4(p, "203.0.113.9", "10.64.0.2", 40, 0));
	expect(w, DP_SLOW_NCP_CLOSED, 1);
	assert_int_equal(w->peer.n, 0);
}

static void control_and_ppp_leave_as_cs6_with_checksum(void **state)
{
	struct world *w = *state;
	struct path path = world_path();

	w->cfg.data_checksum_off = true;
	dp_send_control(&w->dp, &path, (const uint8_t *)"\xc8\x02", 2);
	assert_int_equal(w->how.tos, 48 << 2); /* DP-DS-4 */
	assert_true(w->how.checksum && w->how.fragment);
	assert_int_equal(w->peer.len[0], 2);
	dp_send_ppp(&w->dp, INDEX, (const uint8_t *)"\xff\x03\xc0\x21\x09", 5);
	assert_memory_equal(w->peer.data[1], "\x00\x02\x0a\x0b\x0c\x0d\xff\x03\xc0\x21\x09", 11);
	assert_true(w->how.checksum); /* DP-CK-5 */
	dp_send_ppp(&w->dp, INDEX + 1, (const uint8_t *)"\xff\x03\xc0\x21\x09", 5);
	assert_int_equal(w->peer.n, 2);
	w->refuse = -ENOBUFS;
	dp_send_control(&w->dp, &path, (const uint8_t *)"\xc8\x02", 2);
	expect(w, DP_SLOW_SEND_FAILED, 1);
	expect(w, DP_SLOW_TX_CONTROL, 1);
	expect(w, DP_SLOW_TX_PPP, 1);
}

static void numbered(struct dp_session *s)
{
	s->seq_send = true;
}

/* DP-TX-2, V2-DATA-4: PPP and IP share one count, and it goes on over changes */
static void numbers_count_everything_that_is_sent(void **state)
{
	struct world *w = *state;
	uint8_t p[64];

	change(w, numbered);
	dp_send_ppp(&w->dp, INDEX, (const uint8_t *)"\xff\x03\xc0\x21\x09", 5);
	slow_out(&w->dp, p, make4(p, "203.0.113.9", "10.64.0.2", 40, 0));
	change(w, narrow);
	slow_out(&w->dp, p, make4(p, "203.0.113.9", "10.64.0.2", 40, 0));
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(get16(w->peer.data[i]), 0x0802);
		assert_int_equal(get16(w->peer.data[i] + 6), i);
	}
}

#define test(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_uplink_vector_becomes_what_it_should),
		cmocka_unit_test(every_downlink_vector_is_what_we_send),
		test(unknown_sessions_are_counted_and_no_more),
		test(headers_cut_anywhere_are_refused),
		test(another_path_is_not_the_session),
		test(ip_waits_for_its_ncp),
		test(a_source_that_is_not_the_subscribers_is_dropped),
		test(link_local_ipv6_is_for_the_ppp_link),
		test(congestion_marks_go_inside),
		test(numbers_are_judged_where_they_were_agreed),
		test(isolation_keeps_subscribers_apart),
		test(traffic_is_counted_by_inner_octets),
		test(what_is_too_big_is_told_to_its_sender),
		test(icmp_is_rationed_by_session),
		test(what_may_be_cut_is_cut_inside),
		test(ipv6_may_rely_on_1280),
		test(dscp_is_copied_or_fixed),
		test(downlink_finds_nobody_or_not_open),
		test(control_and_ppp_leave_as_cs6_with_checksum),
		test(numbers_count_everything_that_is_sent),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
