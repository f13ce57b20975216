/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DP-ICMP-5: reports of the path MTU, true and forged, as they come by the raw sockets. */
#include "tests/unit/datapath_world.h"

#define FORGERIES 100000

static int setup(void **state)
{
	struct world *w = world_new();

	w->cfg.listen[0] = address("198.51.100.1");
	w->cfg.listen[1] = address("2001:db8:b::1");
	w->cfg.n_listen = 2;
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	world_free(*state);
	return 0;
}

static void set(struct world *w, const struct dp_session *s)
{
	assert_int_equal(dp_session_set(&w->dp, s), 0);
}

static struct dp_session session6(void)
{
	struct dp_session s = world_session();

	s.tunnel_id++;
	s.session_id++;
	s.peer_tunnel_id++;
	s.ipv4 = address("10.64.0.3");
	s.ipv6 = prefix("2001:db8:100:1::/64");
	s.path.local = address("2001:db8:b::1");
	s.path.peer = address("2001:db8:a::10");
	s.path.peer_port = 4711;
	return s;
}

struct octets {
	uint8_t b[256];
	size_t len;
};

static void put(struct octets *o, const void *p, size_t len)
{
	assert_true(o->len + len <= sizeof(o->b));
	if (p)
		memcpy(o->b + o->len, p, len);
	else
		memset(o->b + o->len, 0, len);
	o->len += len;
}

static void put16(struct octets *o, unsigned int v)
{
	uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	put(o, b, 2);
}

/* From the L2TP header to the inner destination. */
static void put_l2tp(struct octets *o, const struct dp_session *s, bool v6_inner)
{
	put16(o, s->seq_send ? 0x0802 : 0x0002);
	put16(o, s->peer_tunnel_id);
	put16(o, s->peer_session_id);
	if (s->seq_send)
		put(o, "\x12\x34\0\0", 4);
	if (!s->acfc)
		put16(o, 0xff03);
	put16(o, v6_inner ? 0x57 : 0x21);
	if (v6_inner) {
		put(o, "\x60", 1);
		put(o, NULL, 23);
		put(o, s->ipv6.addr.b, 8);
		put(o, "\0\0\0\0\0\0\0\x99", 8);
	} else {
		put(o, "\x45", 1);
		put(o, NULL, 15);
		put(o, s->ipv4.b + 12, 4);
	}
}

static void put_udp(struct octets *o, const struct dp_session *s)
{
	put16(o, s->path.local_port);
	put16(o, s->path.peer_port);
	put16(o, 1480);
	put16(o, 0xabcd);
}

static void sum(struct octets *o, size_t from)
{
	uint32_t n = 0;

	o->b[from + 2] = o->b[from + 3] = 0;
	for (size_t i = from; i < o->len; i += 2)
		n += (uint32_t)o->b[i] << 8 | (i + 1 < o->len ? o->b[i + 1] : 0);
	while (n >> 16)
		n = (n & 0xffff) + (n >> 16);
	o->b[from + 2] = (uint8_t)(~n >> 8);
	o->b[from + 3] = (uint8_t)~n;
}

#define ICMP4_AT 24 /* the outer header has an option */

static struct octets icmp4(const struct dp_session *s, unsigned int mtu, bool v6_inner)
{
	struct octets o = { .len = 0 };

	put(&o, "\x46\0\0\0\0\0\0\0\x40\x01\0\0\xcb\0\x71\x07\xc6\x33\x64\x01\1\1\1\1", 24);
	put(&o, "\x03\x04\0\0\0\0", 6);
	put16(&o, mtu);
	put(&o, "\x45\0\x05\xdc\0\0\x40\0\x40\x11\0\0", 12);
	put(&o, s->path.local.b + 12, 4);
	put(&o, s->path.peer.b + 12, 4);
	put_udp(&o, s);
	put_l2tp(&o, s, v6_inner);
	sum(&o, ICMP4_AT);
	return o;
}

static struct octets icmp6(const struct dp_session *s, unsigned int mtu, bool v6_inner)
{
	struct octets o = { .len = 0 };

	put(&o, "\x02\0\0\0\0\0", 6);
	put16(&o, mtu);
	put(&o, "\x60\0\0\0\x05\xb4\x11\x40", 8);
	put(&o, s->path.local.b, 16);
	put(&o, s->path.peer.b, 16);
	put_udp(&o, s);
	put_l2tp(&o, s, v6_inner);
	return o;
}

static void expect_lowered(struct world *w, unsigned int n, const char *what)
{
	if (w->dp.slow[DP_SLOW_PMTU_LOWERED] != n)
		fail_msg("%s: lowered %u times instead of %u", what,
			 (unsigned int)w->dp.slow[DP_SLOW_PMTU_LOWERED], n);
	w->dp.slow[DP_SLOW_PMTU_LOWERED] = 0;
}

/* Each form that our data may have in a quote. */
static void true_reports_are_believed(void **state)
{
	struct world *w = *state;

	for (unsigned int form = 0; form < 8; form++) {
		struct dp_session s = world_session(), s6 = session6();
		struct octets o;

		s.seq_send = s6.seq_send = form & 1;
		s.acfc = s6.acfc = form & 2;
		set(w, &s);
		set(w, &s6);
		o = icmp4(&s, 1400, form & 4);
		pmtu_icmp4(&w->dp, o.b, o.len);
		expect_lowered(w, 1, "IPv4");
		o = icmp6(&s6, 1300, form & 4);
		pmtu_icmp6(&w->dp, o.b, o.len);
		expect_lowered(w, 1, "IPv6");
		tunnels_sweep(&w->dp);
		assert_in_range(dp_session_mtu(&w->dp, INDEX), 1340, 1372);
		dp_session_del(&w->dp, INDEX);
		dp_session_del(&w->dp, dp_index(1, s6.tunnel_id, s6.session_id));
		tunnels_sweep(&w->dp);
		assert_int_equal(w->dp.slow[DP_SLOW_PMTU_REFUSED], 0);
	}
}

/* Which octets of a report can be otherwise, and it is still believed: TOS, lengths and the
 * like. Every other one that is changed makes it false. */
static void every_octet_that_matters_is_looked_at(void **state)
{
	static const uint8_t free4[] = { 1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13,
					 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 28, 29, 33,
					 34, 35, 36, 37, 40, 42, 43, 56, 57, 58, 59 };
	struct world *w = *state;
	struct dp_session s = world_session();
	struct octets good = icmp4(&s, 1400, false);

	for (size_t i = 0; i < good.len; i++) {
		struct octets bad = good;
		bool is_free = i >= 70 && i < good.len - 4; /* the inner header */
		bool mtu = i == 30 || i == 31;

		for (size_t k = 0; k < sizeof(free4); k++)
			is_free |= free4[k] == i;
		set(w, &s);
		bad.b[i] ^= i == 38 ? 0x0f : 0x41;
		if (i >= ICMP4_AT && (i < 26 || i > 27))
			sum(&bad, ICMP4_AT);
		pmtu_icmp4(&w->dp, bad.b, bad.len);
		if (!mtu && w->dp.slow[DP_SLOW_PMTU_LOWERED] != is_free)
			fail_msg("octet %zu", i);
		w->dp.slow[DP_SLOW_PMTU_LOWERED] = 0;
		dp_session_del(&w->dp, INDEX);
		tunnels_sweep(&w->dp);
	}
	set(w, &s);
	for (size_t n = 0; n < good.len; n++) { /* cut anywhere: the sum is wrong, or the rest */
		struct octets cut = good;

		cut.len = n;
		if (n >= ICMP4_AT + 4 && n < ICMP4_AT + 8 + 28 + 6)
			sum(&cut, ICMP4_AT);
		pmtu_icmp4(&w->dp, cut.b, cut.len);
		pmtu_icmp6(&w->dp, cut.b, cut.len);
	}
	expect_lowered(w, 0, "cut");
}

/* Whoever knows path and tunnel, and guesses the session: no number of these keeps a true
 * report from being heard, if it quotes as RFC 1812 has it. */
static void forgeries_cost_no_true_report(void **state)
{
	struct world *w = *state;
	struct dp_session s = world_session(), forged = s;
	struct octets o = icmp4(&s, 1400, false), bad;

	set(w, &s);
	for (unsigned int i = 0; i < FORGERIES; i++) {
		forged.peer_session_id = (uint16_t)i;
		if (forged.peer_session_id == s.peer_session_id)
			continue;
		bad = icmp4(&forged, 600, false);
		if (i & 1)
			bad.len = ICMP4_AT + 8 + 28 + 6; /* short quotes too */
		sum(&bad, ICMP4_AT);
		pmtu_icmp4(&w->dp, bad.b, bad.len);
	}
	expect_lowered(w, 0, "forged");
	pmtu_icmp4(&w->dp, o.b, o.len);
	expect_lowered(w, 1, "true");
}

/* A short quote must be searched for: rationed, but for each tunnel apart. */
static void short_quotes_are_rationed_by_tunnel(void **state)
{
	struct world *w = *state;
	struct dp_session s = world_session(), other = s;
	struct octets o, bad;

	set(w, &s);
	other.tunnel_id++;
	other.session_id++;
	other.peer_tunnel_id++;
	other.ipv4 = address("10.64.0.3");
	other.ipv6 = prefix("2001:db8:100:1::/64");
	other.path.peer = address("192.0.2.11");
	set(w, &other);
	bad = icmp4(&s, 1400, false);
	bad.b[ICMP4_AT + 8 + 28 + 5]++;
	bad.len = ICMP4_AT + 8 + 28 + 6;
	sum(&bad, ICMP4_AT);
	for (unsigned int i = 0; i < 20; i++)
		pmtu_icmp4(&w->dp, bad.b, bad.len);
	o = icmp4(&s, 1400, false);
	o.len = ICMP4_AT + 8 + 28 + 6;
	sum(&o, ICMP4_AT);
	pmtu_icmp4(&w->dp, o.b, o.len);
	expect_lowered(w, 0, "rationed");
	bad = icmp4(&other, 1400, false);
	bad.len = ICMP4_AT + 8 + 28 + 6;
	sum(&bad, ICMP4_AT);
	pmtu_icmp4(&w->dp, bad.b, bad.len);
	expect_lowered(w, 1, "another tunnel's");
	w->dp.tunnels[s.tunnel_id]->pmtu_stamp -= 250;
	pmtu_icmp4(&w->dp, o.b, o.len);
	expect_lowered(w, 1, "a quarter of a second later");
}

/* All searches together: a peer with very many tunnels on one path makes them long. */
static void looks_are_rationed(void **state)
{
	struct world *w = *state;
	struct dp_session s = world_session();
	struct octets o = icmp4(&s, 1400, false), full = o;

	o.len = ICMP4_AT + 8 + 28 + 6;
	sum(&o, ICMP4_AT);
	set(w, &s);
	w->dp.pmtu_looks = 1;
	pmtu_icmp4(&w->dp, o.b, o.len);
	expect_lowered(w, 0, "no look left");
	pmtu_icmp4(&w->dp, full.b, full.len);
	expect_lowered(w, 1, "needs none");
	o = icmp4(&s, 1300, false);
	o.len = ICMP4_AT + 8 + 28 + 6;
	sum(&o, ICMP4_AT);
	tunnels_tick(&w->dp);
	pmtu_icmp4(&w->dp, o.b, o.len);
	expect_lowered(w, 1, "the next second");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(true_reports_are_believed, setup, teardown),
		cmocka_unit_test_setup_teardown(every_octet_that_matters_is_looked_at, setup,
						teardown),
		cmocka_unit_test_setup_teardown(forgeries_cost_no_true_report, setup, teardown),
		cmocka_unit_test_setup_teardown(short_quotes_are_rationed_by_tunnel, setup,
						teardown),
		cmocka_unit_test_setup_teardown(looks_are_rationed, setup, teardown),
	};

	log_open(LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
