/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pseudowires in the worker: every v3 vector both ways, what is refused, lines of the maps. */
#include <poll.h>
#include <unistd.h>

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

/* ---- vectors --------------------------------------------------------------------------------- */

struct outer {
	struct path path; /* as seen from here */
	uint8_t *msg; /* behind UDP, or IP's payload */
	size_t len;
	bool udp;
};

static struct outer open_frame(uint8_t *frame, bool from_us)
{
	uint8_t *ip = frame + 14;
	bool v6 = ip[0] >> 4 == 6;
	struct ipaddr src = address("0.0.0.0"), dst = src;
	size_t head = v6 ? 40 : 20, total = v6 ? get16(ip + 4) + 40u : get16(ip + 2);
	struct outer o = { .udp = ip[v6 ? 6 : 9] == 17 };

	memcpy(src.b + (v6 ? 0 : 12), ip + (v6 ? 8 : 12), v6 ? 16 : 4);
	memcpy(dst.b + (v6 ? 0 : 12), ip + (v6 ? 24 : 16), v6 ? 16 : 4);
	o.path.peer = from_us ? dst : src;
	o.path.local = from_us ? src : dst;
	if (o.udp)
		o.path.peer_port = o.path.local_port = 1701;
	o.msg = ip + head + (o.udp ? 8 : 0);
	o.len = total - head - (o.udp ? 8 : 0);
	return o;
}

static void arrive(struct rig *r, const struct outer *o)
{
	if (o->udp)
		slow_in(r->dp, &o->path, 0, o->msg, o->len);
	else
		slow_pw_in(r->dp, &o->path, o->msg, o->len);
}

/* What the names of the vectors say. */
static struct pw_config config_of(const char *name, const struct path *path)
{
	struct pw_config c = { .name = "v", .path = *path, .id = ID, .peer_id = PEER_ID };

	if (strstr(name, "-c4"))
		cookie(&c.cookie[0], "01234567");
	if (strstr(name, "-c8"))
		cookie(&c.cookie[0], "0123456789abcdef");
	c.sublayer = strstr(name, "-default") != NULL;
	c.seq_receive = strstr(name, "-seq") != NULL;
	return c;
}

static void one_vector_in(json_t *v, const char *name)
{
	uint8_t frame[MAX], inner[MAX];
	size_t n;
	struct outer o;
	struct pw_config c;
	struct rig *r;

	vector_bytes(v, "frame", frame, sizeof(frame));
	n = vector_bytes(v, "inner", inner, sizeof(inner));
	o = open_frame(frame, false);
	c = config_of(name, &o.path);
	r = rig_new(&c);
	arrive(r, &o);
	expect_at_door(r, inner, n);
	assert_int_equal(slow(r, DP_SLOW_PW_IN), 1);
	assert_int_equal(the_pw(r)->rx.packets, 1);
	assert_int_equal(the_pw(r)->rx.bytes, n);
	assert_int_equal(r->w->peer.n, 0); /* DP-SLOW-21 */
	rig_free(r);
}

/* DP-V3-1 */
static void every_vector_reaches_its_circuit(void **state)
{
	unsigned int n = 0;
	json_t *v;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(vectors, "vectors"), i, v)
	{
		const char *name = json_string_value(json_object_get(v, "name"));

		if (strncmp(name, "v3-", 3) != 0)
			continue;
		print_message("%s\n", name);
		one_vector_in(v, name);
		n++;
	}
	assert_true(n >= 17); /* 2 x 3 x 2, numbers, IPv6, a tag */
}

/* What must not; control messages are the control plane's. */
static void other_vectors_reach_nobody(void **state)
{
	static const struct {
		const char *name, *like; /* configured as that vector's */
		enum dp_slow_counter counts;
	} table[] = {
		{ "v3x-bad-cookie", "-c8", DP_SLOW_PW_COOKIE },
		{ "v3x-unknown-sid", "-c8", DP_SLOW_PW_UNKNOWN },
		{ "v3x-runt", "-c8", DP_SLOW_PW_BAD },
		{ "v3x-t0-ver3-hdr-only", "-c8", DP_SLOW_PW_BAD },
		{ "v3c-udp-sccrq", "-c8", DP_SLOW_PW_CONTROL },
		{ "v3c-ip-sccrq", "-c8", DP_SLOW_PW_CONTROL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		uint8_t frame[MAX];
		struct outer o;
		struct pw_config c;
		struct rig *r;

		vector_bytes(vector_named(vectors, table[i].name), "frame", frame, sizeof(frame));
		o = open_frame(frame, false);
		c = config_of(table[i].like, &o.path);
		r = rig_new(&c);
		arrive(r, &o);
		print_message("%s\n", table[i].name);
		assert_int_equal(slow(r, table[i].counts), 1);
		assert_int_equal(r->w->door.n + r->w->peer.n, 0);
		assert_int_equal(r->w->control.n, table[i].counts == DP_SLOW_PW_CONTROL);
		rig_free(r);
	}
}

/* V3-LIN-2, V3-LIN-3; and pseudo_sum gives the checksum that the vector has (DP-CK-8). */
static void every_vector_is_what_we_send(void **state)
{
	static const char *const names[] = { "v3t-udp4-c0-default", "v3t-ip4-c4-none",
					     "v3t-udp6-c8-none" };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		json_t *v = vector_named(vectors, names[i]);
		uint8_t frame[MAX], inner[MAX];
		size_t n = vector_bytes(v, "inner", inner, sizeof(inner));
		struct pw_config c;
		struct outer o;
		struct rig *r;
		uint64_t sum;

		vector_bytes(v, "frame", frame, sizeof(frame));
		o = open_frame(frame, true);
		c = config_of(names[i], &o.path);
		c.peer_cookie = c.cookie[0];
		c.peer_sublayer = c.sublayer;
		c.checksum = true;
		r = rig_new(&c);
		/* a cookie of the vector's own */
		memcpy(the_pw(r)->s.peer_cookie.b, o.msg + (o.udp ? 8 : 4),
		       the_pw(r)->s.peer_cookie.len);
		pw_update(r->dp, the_pw(r));
		leave(r, inner, n);
		expect_sent(r, o.msg, o.len);
		assert_true(path_eq(&r->w->to, &o.path));
		assert_true(r->w->how.fragment && r->w->how.checksum && r->w->how.tos == 0);
		assert_int_equal(the_pw(r)->tx.packets, 1);
		assert_int_equal(the_pw(r)->tx.bytes, n);
		if (o.udp) {
			sum = line(r)->pseudo_sum + 2 * htons((uint16_t)(o.len + 8));
			sum += htons((uint16_t)~inner_checksum(inner, n));
			while (sum >> 16)
				sum = (sum & 0xffff) + (sum >> 16);
			assert_int_equal((uint16_t)~sum, htons(get16(o.msg - 2)));
		}
		rig_free(r);
	}
}

/* ---- from the peer --------------------------------------------------------------------------- */

static void each_octet_of_a_cookie_counts(void **state)
{
	struct pw_config c = plain();
	struct rig *r = rig_new(&c);
	char hex[17];

	(void)state;
	for (unsigned int i = 0; i < 16; i++) {
		memcpy(hex, "0123456789abcdef", sizeof(hex));
		hex[i] = hex[i] == '7' ? '8' : '7';
		receive(r, hex, NULL);
	}
	assert_int_equal(slow(r, DP_SLOW_PW_COOKIE), 16);
	assert_int_equal(the_pw(r)->rx.drops, 16);
	assert_int_equal(r->w->door.n, 0);
	receive(r, "0000000000000000", NULL); /* nor what an absent second one is filled with */
	assert_int_equal(slow(r, DP_SLOW_PW_COOKIE), 17);
	receive(r, "0123456789abcdef", NULL);
	expect_at_door(r, eth, sizeof(eth));
	rig_free(r);
}

/* V3-HDR-7, while one is exchanged for the other */
static void either_of_two_cookies_is_taken(void **state)
{
	struct pw_config c = plain();
	struct rig *r;

	(void)state;
	cookie(&c.cookie[1], "00112233aabbccdd");
	r = rig_new(&c);
	receive(r, "0123456789abcdef", NULL);
	receive(r, "00112233aabbccdd", NULL);
	assert_int_equal(r->w->door.n, 2);
	receive(r, "00112233aabbccde", NULL);
	receive(r, "0123456700112233", NULL);
	assert_int_equal(r->w->door.n, 2);
	assert_int_equal(slow(r, DP_SLOW_PW_COOKIE), 2);
	rig_free(r);
}

/* DP-SPOOF-3, V3-HDR-9: each of them must match, and the ID does not do for another carrier */
static void another_path_is_not_the_pseudowires(void **state)
{
	struct pw_config c = plain();
	struct rig *r = rig_new(&c);
	uint8_t buf[128];
	size_t n = message(buf, "0123456789abcdef", NULL);

	(void)state;
	for (int i = 0; i < 5; i++) {
		struct path path = world_path();

		path.peer = i == 0 ? address("192.0.2.11") : path.peer;
		path.peer_port = i == 1 ? 1702 : path.peer_port;
		path.local = i == 2 ? address("198.51.100.2") : path.local;
		path.local_port = i == 3 ? 1702 : path.local_port;
		if (i == 4)
			path.local_port = path.peer_port = 0;
		slow_pw_in(r->dp, &path, buf + (i == 4 ? 4 : 0), n - (i == 4 ? 4 : 0));
	}
	assert_int_equal(slow(r, DP_SLOW_PW_UNKNOWN), 5);
	assert_int_equal(r->w->door.n, 0);
	rig_free(r);
}

/* V3-SUB-6 */
static void a_sublayer_with_vccv_or_parts_is_refused(void **state)
{
	static const uint32_t bad[] = { 0x80000000, 0x10000000, 0x20000000, 0x30000000,
					0xc0000001 };
	uint32_t fine = 0x0fffffff; /* bits that mean nothing without S */
	struct pw_config c = plain();
	struct rig *r;

	(void)state;
	c.sublayer = true;
	r = rig_new(&c);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		receive(r, "0123456789abcdef", &bad[i]);
	assert_int_equal(slow(r, DP_SLOW_PW_BAD), 5);
	assert_int_equal(r->w->door.n, 0);
	receive(r, "0123456789abcdef", &fine);
	expect_at_door(r, eth, sizeof(eth));
	rig_free(r);
}

static bool takes(struct rig *r, uint32_t number)
{
	uint32_t sublayer = 0x40000000 | number;
	unsigned int before = r->w->door.n;

	receive(r, "0123456789abcdef", &sublayer);
	return r->w->door.n == before + 1;
}

static struct l2x_pw_seq seq(struct rig *r)
{
	struct l2x_pw_seq s;

	memcpy(&s, &counters(r)->rx_seq, sizeof(s));
	return s;
}

/* V3-SUB-2 to V3-SUB-4, on the word that the programs share */
static void numbers_of_24_bits_are_judged(void **state)
{
	struct pw_config c = plain();
	uint32_t none = 0x00123456;
	struct rig *r;

	(void)state;
	c.sublayer = c.seq_receive = true;
	r = rig_new(&c);
	assert_true(takes(r, 0));
	assert_true(takes(r, 5000));
	assert_int_equal(seq(r).expected, 5001);
	assert_int_equal(counters(r)->rx_lost, 4999);
	assert_true(takes(r, 4900)); /* its followers crossed at the hook */
	assert_int_equal(counters(r)->rx_lost, 4998);
	assert_false(takes(r, 4000));
	assert_int_equal(slow(r, DP_SLOW_SEQ_OLD), 1);
	assert_true(takes(r, 0x7fffff));
	assert_true(takes(r, 0xffffff));
	assert_int_equal(seq(r).expected, 0);
	assert_true(takes(r, 0));
	assert_int_equal(seq(r).expected, 1);
	receive(r, "0123456789abcdef", &none); /* S=0 */
	assert_int_equal(seq(r).expected, 1);
	/* the peer has begun anew, far behind */
	for (uint32_t i = 0; i < 63; i++)
		assert_false(takes(r, 0x900000 + i));
	assert_true(takes(r, 0x900000 + 63));
	assert_int_equal(seq(r).expected, 0x900040);
	assert_int_equal(seq(r).old_run, 0);
	rig_free(r);
}

static void without_seq_receive_no_number_counts(void **state)
{
	struct pw_config c = plain();
	struct rig *r;

	(void)state;
	c.sublayer = true;
	r = rig_new(&c);
	assert_true(takes(r, 9000));
	assert_true(takes(r, 1));
	assert_int_equal(counters(r)->rx_seq, 0);
	rig_free(r);
}

/* Nothing in the message tells its length: what leaves a frame of 14 octets is one. */
static void cut_at_each_octet(void **state)
{
	const struct path path = world_path();
	struct pw_config c = plain();
	uint32_t sublayer = 0x40000001;
	uint8_t buf[128];
	size_t n, whole;
	struct rig *r;

	(void)state;
	c.sublayer = c.seq_receive = true;
	r = rig_new(&c);
	whole = message(buf, "0123456789abcdef", &sublayer);
	for (n = 0; n < whole - sizeof(eth) + 14; n++) {
		uint8_t *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, buf, n);
		slow_in(r->dp, &path, 0, copy, n);
		free(copy);
	}
	assert_int_equal(r->w->door.n, 0);
	assert_int_equal(seq(r).expected, 0); /* what is refused moves nothing */
	assert_int_equal(slow(r, DP_SLOW_PW_BAD) + slow(r, DP_SLOW_BAD_HEADER), n);
	slow_in(r->dp, &path, 0, buf, n);
	expect_at_door(r, eth, 14);
	rig_free(r);
}

static void one_that_is_down_carries_nothing(void **state)
{
	struct pw_config c = plain();
	struct rig *r = rig_new(&c);

	(void)state;
	the_pw(r)->circuit_up = false;
	pw_update(r->dp, the_pw(r));
	assert_false(line(r)->flags & L2X_PW_UP);
	assert_false(line(r)->tx_flags & L2X_PW_UP);
	receive(r, "0123456789abcdef", NULL);
	leave(r, eth, sizeof(eth));
	assert_int_equal(slow(r, DP_SLOW_PW_DOWN), 2);
	assert_int_equal(r->w->door.n + r->w->peer.n, 0);
	the_pw(r)->circuit_up = true;
	r->w->refuse = -EIO; /* nor does one whose door is shut */
	receive(r, "0123456789abcdef", NULL);
	leave(r, eth, sizeof(eth));
	assert_int_equal(slow(r, DP_SLOW_DOOR_FAILED), 1);
	assert_int_equal(slow(r, DP_SLOW_SEND_FAILED), 1);
	assert_int_equal(the_pw(r)->rx.drops, 2);
	assert_int_equal(the_pw(r)->tx.drops, 2);
	rig_free(r);
}

/* ---- to the peer ----------------------------------------------------------------------------- */

static void numbers_are_drawn_from_the_hooks(void **state)
{
	uint8_t want[128];
	struct pw_config c = plain();
	uint32_t number = 0x40ffffff;
	struct rig *r;

	(void)state;
	cookie(&c.peer_cookie, "0123456789abcdef");
	c.peer_sublayer = c.seq_send = true;
	c.peer_id = ID;
	c.dscp = 46;
	r = rig_new(&c);
	counters(r)->tx_ns = 0xaaffffff;
	leave(r, eth, sizeof(eth));
	expect_sent(r, want, message(want, "0123456789abcdef", &number));
	number = 0x40000000;
	leave(r, eth, sizeof(eth));
	expect_sent(r, want, message(want, "0123456789abcdef", &number));
	assert_int_equal(r->w->how.tos, 46 << 2);
	assert_false(r->w->how.checksum); /* V3-HDR-10: not asked for */
	rig_free(r);
}

/* The kernel speaks by that device, too; and nobody's index is not somebody's. */
static void without_a_ticket_nothing_leaves(void **state)
{
	struct pw_config c = plain();
	struct rig *r = rig_new(&c);
	uint8_t buf[128] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 1, 8, 6 };
	struct l2x_pw_ticket t = { .mark = L2X_TICKET_MARK, .index = AT };

	(void)state;
	slow_pw_out(r->dp, buf, sizeof(buf));
	for (size_t n = 0; n < TICKET + 14; n++) {
		memcpy(buf, &t, TICKET);
		slow_pw_out(r->dp, buf, n);
	}
	for (uint32_t index = 0; index < 40; index++) {
		t.index = index == AT ? UINT32_MAX : index;
		memcpy(buf, &t, TICKET);
		slow_pw_out(r->dp, buf, sizeof(buf));
	}
	assert_int_equal(r->w->peer.n, 0);
	rig_free(r);
}

/* ---- the lines ------------------------------------------------------------------------------- */

static void lines_say_what_is_configured(void **state)
{
	struct pw_config c = plain();
	const struct l2x_pw *l;
	struct rig *r;

	(void)state;
	c.sublayer = c.seq_receive = true;
	c.checksum = false;
	c.dscp = 10;
	c.bum_rate = 500;
	c.circuit.vlan[0] = 107;
	c.circuit.wire[0] = 200;
	c.circuit.tag = PW_TAG_REWRITE;
	r = rig_new(&c);
	l = line(r);
	assert_int_equal(l->id, htonl(ID));
	assert_int_equal(l->peer_id, htonl(PEER_ID));
	assert_int_equal(l->flags,
			 L2X_PW_UDP | L2X_PW_COOKIE8 | L2X_PW_SUBLAYER | L2X_PW_SEQ | L2X_PW_UP);
	assert_int_equal(l->tx_flags,
			 L2X_PW_UDP | L2X_PW_COOKIE4 | L2X_PW_CSUM0 | L2X_PW_TOS_FIXED | L2X_PW_UP);
	assert_memory_equal(&l->cookie[0], "\x01\x23\x45\x67\x89\xab\xcd\xef", 8);
	assert_memory_equal(&l->cookie[1], &l->cookie[0], 8); /* no second one */
	assert_memory_equal(&l->tx_cookie, "\xfe\xdc\xba\x98\0\0\0\0", 8);
	assert_memory_equal(&l->peer, c.path.peer.b, 16);
	assert_memory_equal(&l->tx_local, c.path.local.b, 16);
	assert_int_equal(l->tx_peer_port, htons(1701));
	assert_int_equal(l->mtu, 1500 - 40);
	assert_int_equal(l->ttl, 64);
	assert_int_equal(l->dscp, 10);
	assert_int_equal(l->ifindex, 77);
	assert_int_equal(l->room, 1518);
	assert_int_equal(l->tag[0], htons(107));
	assert_int_equal(l->wire[0], htons(200));
	assert_int_equal(l->tpid[0], htons(0x8100));
	assert_int_equal(l->bum_rate, 500);
	rig_free(r);
}

/* No frame is lost by a restart: not a bit of what is right is written. */
static void a_restart_leaves_lines_alone(void **state)
{
	struct pw_config c = plain();
	struct rig *r = rig_new(&c);
	struct l2x_pw before;
	struct l2x_traffic *t = counters(r);

	(void)state;
	line(r)->name = 42;
	line(r)->bum_rx = 7;
	line(r)->punt = 8;
	t->rx_packets = 70;
	before = *line(r);
	pw_end(r);
	maps_start(r->dp); /* other generations from here on */
	pw_begin(r);
	assert_memory_equal(&before, line(r), sizeof(before));
	pw_end(r);
	r->pw.mtu = 1400;
	pw_begin(r);
	assert_int_not_equal(line(r)->gen, before.gen);
	assert_int_not_equal(line(r)->tx_gen, before.tx_gen);
	assert_int_equal(line(r)->mtu, 1400 - 40);
	assert_int_equal(line(r)->name, 42);
	assert_int_equal(line(r)->bum_rx, 7);
	assert_int_equal(line(r)->punt, 8);
	assert_int_equal(t->rx_packets, 70);
	/* a line that somebody has killed is written again */
	line(r)->tx_gen = 0;
	pw_update(r->dp, the_pw(r));
	assert_int_not_equal(line(r)->tx_gen, 0);
	rig_free(r);
}

static void counters_outlive_the_daemon(void **state)
{
	struct pw_config c = plain();
	struct rig *r = rig_new(&c);
	struct dp_traffic t;

	(void)state;
	for (int daemon = 0; daemon < 3; daemon++) {
		receive(r, "0123456789abcdee", NULL); /* before anything has been recalled */
		pw_traffic_recall(r->dp, the_pw(r));
		receive(r, "0123456789abcdef", NULL);
		receive(r, "0123456789abcdee", NULL);
		leave(r, eth, sizeof(eth));
		pw_end(r);
		pw_begin(r);
	}
	pw_traffic_recall(r->dp, the_pw(r));
	pw_traffic_recall(r->dp, the_pw(r)); /* once */
	dp_pw_traffic(r->dp, 0, &t);
	assert_int_equal(t.slow_rx.packets, 3);
	assert_int_equal(t.slow_rx.bytes, 3 * sizeof(eth));
	assert_int_equal(t.slow_rx.drops, 6);
	assert_int_equal(t.slow_tx.packets, 3);
	assert_int_equal(t.hook_rx.packets + t.hook_tx.packets + t.hook_rx.drops, 0);
	rig_free(r);
}

static void what_is_shown(void **state)
{
	struct pw_config c = plain();
	struct rig *r = rig_new(&c);
	struct dp_traffic t;
	struct pw_info info;

	(void)state;
	counters(r)->rx_packets = 3;
	counters(r)->tx_bytes = 400;
	receive(r, "0123456789abcdef", NULL);
	receive(r, "0123456789abcdee", NULL);
	assert_int_equal(dp_pw_count(r->dp), 1);
	dp_pw_traffic(r->dp, 0, &t);
	assert_int_equal(t.hook_rx.packets, 3);
	assert_int_equal(t.hook_tx.bytes, 400);
	assert_int_equal(t.slow_rx.packets, 1);
	assert_int_equal(t.slow_rx.drops, 1);
	dp_pw_info(r->dp, 0, &info);
	assert_ptr_equal(info.cfg, &r->pw);
	assert_int_equal(info.index, AT);
	assert_true(info.up);
	assert_int_equal(info.mtu, 1460);
	assert_int_equal(info.ifindex, 77);
	rig_free(r);
}

/* One ID of two peers, and IDs around it: each is found, and no other. */
static void one_id_may_be_two_peers(void **state)
{
	struct world *w = world_new();
	struct pw_config c[50];

	(void)state;
	for (uint32_t i = 0; i < 50; i++) {
		c[i] = plain();
		c[i].id = ID + i % 5;
		c[i].path.peer.b[15] = (uint8_t)(200 - i / 5);
	}
	w->cfg.pseudowires = c;
	w->cfg.n_pseudowires = 50;
	assert_int_equal(pws_init(&w->dp), 0);
	for (uint32_t i = 0; i < 50; i++)
		w->dp.pws[i].index = 50 - i;
	assert_int_equal(pws_index(&w->dp), 0);
	for (uint32_t i = 0; i < 50; i++) {
		assert_ptr_equal(pw_by_id(&w->dp, c[i].id, &c[i].path), &w->dp.pws[i]);
		assert_ptr_equal(pw_by_index(&w->dp, 50 - i), &w->dp.pws[i]);
	}
	c[0].path.peer.b[15] = 1;
	assert_null(pw_by_id(&w->dp, ID, &c[0].path));
	assert_null(pw_by_index(&w->dp, 0));
	assert_null(pw_by_index(&w->dp, 51));
	pws_free(&w->dp);
	world_free(w);
}

/* ---- sockets --------------------------------------------------------------------------------- */

static int raw_peer(const struct ipaddr *a)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(a, 0, &sa);
	int fd = socket(AF_INET, SOCK_RAW, 115);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	return fd;
}

/* Directly over IP, with the kernel in between. */
static void raw_sockets_carry_frames(void **state)
{
	struct pw_config c = plain();
	struct sockaddr_storage to;
	struct listener *l;
	uint8_t buf[128], in[256];
	struct pollfd p;
	struct rig *r;
	socklen_t tolen;
	int peer;

	(void)state;
	if (geteuid() != 0)
		skip();
	c.path = (struct path){ .local = address("127.0.0.21"), .peer = address("127.0.0.22") };
	c.dscp = 46;
	r = rig_new(&c);
	l = &r->dp->listeners[0];
	r->dp->n_listeners = 1;
	r->dp->batch = rx_batch_new();
	assert_int_equal(lanes_open(l, r->dp, &c.path.local, 17011), 0);
	assert_true(l->lanes[LANE_RAW].fd >= 0);
	peer = raw_peer(&c.path.peer);
	tolen = addr_to_sockaddr(&c.path.local, 0, &to);
	message(buf, "0123456789abcdef", NULL);
	assert_int_equal(sendto(peer, buf + 4, 12 + sizeof(eth), 0, (struct sockaddr *)&to, tolen),
			 12 + sizeof(eth));
	p = (struct pollfd){ .fd = l->lanes[LANE_RAW].fd, .events = POLLIN };
	assert_int_equal(poll(&p, 1, 2000), 1);
	l->lanes[LANE_RAW].ready = true;
	lanes_drain(r->dp);
	expect_at_door(r, eth, sizeof(eth));
	r->dp->io = &(const struct dp_io){ .to_peer = socket_send, .to_door = world_to_door };
	leave(r, eth, sizeof(eth));
	p.fd = peer;
	assert_int_equal(poll(&p, 1, 2000), 1);
	assert_int_equal(recv(peer, in, sizeof(in), 0), 20 + 8 + sizeof(eth));
	assert_int_equal(in[1], 46 << 2);
	assert_int_equal(in[6] & 0x40, 0); /* V3-ETH-7: no DF */
	assert_int_equal(in[8], 64);
	assert_memory_equal(in + 20, "\x55\x66\x77\x88\xfe\xdc\xba\x98", 8);
	assert_memory_equal(in + 28, eth, sizeof(eth));
	lanes_close(l);
	close(peer);
	free(r->dp->batch);
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector_reaches_its_circuit),
		cmocka_unit_test(other_vectors_reach_nobody),
		cmocka_unit_test(every_vector_is_what_we_send),
		cmocka_unit_test(each_octet_of_a_cookie_counts),
		cmocka_unit_test(either_of_two_cookies_is_taken),
		cmocka_unit_test(another_path_is_not_the_pseudowires),
		cmocka_unit_test(a_sublayer_with_vccv_or_parts_is_refused),
		cmocka_unit_test(numbers_of_24_bits_are_judged),
		cmocka_unit_test(without_seq_receive_no_number_counts),
		cmocka_unit_test(cut_at_each_octet),
		cmocka_unit_test(one_that_is_down_carries_nothing),
		cmocka_unit_test(numbers_are_drawn_from_the_hooks),
		cmocka_unit_test(without_a_ticket_nothing_leaves),
		cmocka_unit_test(lines_say_what_is_configured),
		cmocka_unit_test(a_restart_leaves_lines_alone),
		cmocka_unit_test(counters_outlive_the_daemon),
		cmocka_unit_test(what_is_shown),
		cmocka_unit_test(one_id_may_be_two_peers),
		cmocka_unit_test(raw_sockets_carry_frames),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
