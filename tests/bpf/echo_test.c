// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * LCP Echo-Requests at the hook (PPP-ECHO-1, PPP-ECHO-3): the answer octet by octet, and that
 * what is not as it should be goes up as it came. Answers are made here from the description
 * of the session; nothing of bpf/ is used.
 */
#include <time.h>

#include "tests/bpf/packet.h"

#define OURS 0x01a2b3c4u
#define PEERS 0xd1c2b3a4u
#define STRANGE 0x0badcafeu
#define RATE 100
#define ROOM (RIG_MTU - 8) /* octets of data in the longest request that is answered */

static struct rig rig;
static struct packet p, want;

/* ---- frames ------------------------------------------------------------------------------- */

static void ask(uint32_t magic)
{
	make_lcp(&p, &(struct outer_desc){}, &(struct lcp_desc){ .magic = magic });
}

/* What the peer is to get. ns < 0: no number. */
static void make_reply(bool v6, uint8_t tos, int ns, uint32_t magic, size_t data,
		       const uint16_t tag[2])
{
	struct l2x_addr src = rig_addr(v6 ? RIG_LNS6 : RIG_LNS4),
			dst = rig_addr(v6 ? RIG_LAC6 : RIG_LAC4);
	size_t len = 8 + 6 + (ns < 0 ? 0u : 4u) + 4 + 8 + data, ip;

	want.len = 0;
	put_link(&want, RIG_MAC_PEER, RIG_MAC_US, tag, v6);
	ip = want.len;
	put16(&want, v6 ? 0x6000 | (unsigned int)tos << 4 : 0x4500 | tos);
	if (v6) {
		put16(&want, 0);
		put16(&want, (unsigned int)len);
		put8(&want, 17);
		put8(&want, 64);
		put(&want, &src, 16);
		put(&want, &dst, 16);
	} else {
		put16(&want, (unsigned int)len + 20);
		put16(&want, 0);
		put16(&want, 0x4000);
		put8(&want, 64);
		put8(&want, 17);
		put16(&want, 0);
		put(&want, &src.w[3], 4);
		put(&want, &dst.w[3], 4);
	}
	put16(&want, 1701);
	put16(&want, 1701);
	put16(&want, (unsigned int)len);
	put16(&want, 0);
	put16(&want, ns < 0 ? 0x0002 : 0x0802);
	put16(&want, RIG_PEER_TID);
	put16(&want, RIG_PEER_SID);
	if (ns >= 0) {
		put16(&want, (unsigned int)ns);
		put16(&want, 0);
	}
	put16(&want, 0xff03);
	put16(&want, 0xc021);
	put_lcp(&want, LCP_REPLY, magic, data, 0);
	fix_outer(&want, ip, v6, false);
}

/* ---- running ------------------------------------------------------------------------------ */

static void reset(bool v6, uint16_t flags)
{
	struct l2x_session s = rig_session_make(v6, flags | L2X_S_ECHO);

	s.magic = htonl(OURS);
	s.peer_magic = htonl(PEERS);
	memset(rig.t, 0, sizeof(*rig.t));
	rig_session_write(rig.s, &s);
	rig.skel->bss->live.epoch++;
}

static void change(uint32_t ours, uint32_t peers)
{
	rig.s->magic = htonl(ours);
	rig.s->peer_magic = htonl(peers);
}

/* Nothing of it is data. */
static void assert_counted(uint64_t echoes, uint64_t drops)
{
	assert_int_equal(rig.t->echoes, echoes);
	assert_int_equal(rig.t->rx_drops, drops);
	assert_int_equal(rig.t->rx_packets, 0);
	assert_int_equal(rig.t->rx_bytes, 0);
	assert_int_equal(rig.t->tx_packets, 0);
	assert_int_equal(rig.t->tx_bytes, 0);
	assert_int_equal(rig.t->tx_drops, 0);
}

static void expect_reply(const char *what)
{
	uint64_t before = rig.t->echoes;
	struct rig_result res;

	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_ECHO, what, &res);
	if (res.len != want.len || memcmp(res.frame, want.b, want.len))
		fail_msg("%s: another answer, of %zu octets instead of %zu", what, res.len,
			 want.len);
	assert_int_equal(res.action, XDP_TX); /* by the port it came in */
	assert_counted(before + 1, 0);
}

/* rig_run asserts that it is passed, as it came. */
static void expect_up(const char *what)
{
	uint64_t before = rig.t->echoes, ns = rig.t->tx_ns, seq = rig.t->rx_seq;

	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_PPP_CONTROL, what, NULL);
	assert_counted(before, 0);
	assert_int_equal(rig.t->tx_ns, ns); /* the daemon's number */
	assert_int_equal(rig.t->rx_seq, seq);
}

static int setup(void **state)
{
	struct l2x_config cfg = rig_config();

	(void)state;
	rig_open(&rig, &cfg);
	reset(false, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rig_close(&rig);
	return 0;
}

/* ---- answers ------------------------------------------------------------------------------ */

/* Every length, odd ones too, both families. */
static void test_every_length(void **state)
{
	(void)state;
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		size_t room = v6 ? 1500 - 40 - 8 - 10 - 8 : ROOM;

		reset(v6, 0);
		for (size_t n = 0; n <= room; n += n < 70 || n > room - 50 ? 1 : 37) {
			make_lcp(&p, &(struct outer_desc){ .v6 = v6 },
				 &(struct lcp_desc){ .magic = PEERS, .data = n });
			make_reply(v6, 0xc0, -1, OURS, n, NULL);
			expect_reply("length");
		}
	}
}

/* Whatever header the request has, the answer has ours (DP-TX-1). */
static void test_every_form(void **state)
{
	static const char *const forms[] = { "acf2", "noacf2" };
	static const uint16_t offsets[] = { 0, 1, 4, 64 };
	const struct lcp_desc d = { .magic = PEERS, .data = 5 };

	(void)state;
	for (unsigned int i = 0; i < 2 * 2 * 2 * 2 * 2 * 5; i++) {
		struct outer_desc o = { .v6 = i & 1, .L = i & 2, .S = i & 4, .P = i & 8 };

		o.ppp = forms[i >> 4 & 1];
		o.O = i >> 5;
		o.n = o.O ? offsets[(i >> 5) - 1] : 0;
		o.pad = i % 7;
		o.ppp_pad = i % 3;
		o.tos = 0xb9; /* CE and all: for who sends to us */
		reset(o.v6, 0);
		make_lcp(&p, &o, &d);
		make_reply(o.v6, 0xc0, -1, OURS, d.data, NULL);
		expect_reply("form");
	}
	reset(false, 0);
	make_lcp(&p, &(struct outer_desc){ .nosum = true }, &d);
	make_reply(false, 0xc0, -1, OURS, d.data, NULL);
	expect_reply("a request without a checksum");
}

/* DP-CK-5, DP-DS-4, DP-DS-2, PPP-FR-4 */
static void test_session_flags(void **state)
{
	(void)state;
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		reset(v6, L2X_S_CSUM0 | L2X_S_ACFC | L2X_S_ECN | L2X_S_MSS);
		make_lcp(&p, &(struct outer_desc){ .v6 = v6, .tos = 3 },
			 &(struct lcp_desc){ .magic = PEERS });
		make_reply(v6, 0xc0, -1, OURS, 0, NULL);
		expect_reply("data without checksum and FF 03: not so LCP");
		reset(v6, L2X_S_TOS_FIXED);
		rig.s->dscp = 46;
		make_reply(v6, 46 << 2, -1, OURS, 0, NULL);
		expect_reply("DSCP");
	}
	/* before the NCPs, and without them */
	reset(false, 0);
	rig.s->flags &= (uint16_t) ~(L2X_S_IPV4 | L2X_S_IPV6);
	rig.s->tx_flags &= (uint16_t) ~(L2X_S_IPV4 | L2X_S_IPV6);
	ask(PEERS);
	make_reply(false, 0xc0, -1, OURS, 0, NULL);
	expect_reply("no network");
}

/* DP-TX-2, DP-V2-7, DP-SEQ-3: PPP's own frames are taken when they are late or have none. */
static void test_numbers(void **state)
{
	static const struct {
		bool S;
		uint16_t ns, expected; /* after it */
		uint64_t lost;
	} steps[] = {
		{ true, 7, 8, 7 },   { true, 8, 9, 7 },   { true, 3, 9, 7 },
		{ true, 10, 11, 8 }, { false, 0, 11, 8 },
	};
	const struct lcp_desc d = { .magic = PEERS };
	struct l2x_seq q;
	uint64_t before;

	(void)state;
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		reset(v6, L2X_S_SEQ_TX | L2X_S_SEQ_RX | L2X_S_SEQ_REQUIRED);
		rig.t->tx_ns = 0xfffe;
		for (unsigned int i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
			make_lcp(&p,
				 &(struct outer_desc){
					 .v6 = v6, .S = steps[i].S, .ns = steps[i].ns },
				 &d);
			make_reply(v6, 0xc0, (uint16_t)(0xfffe + i), OURS, 0, NULL);
			before = rig.t->rx_seq;
			expect_reply("numbered");
			if (!steps[i].S)
				assert_int_equal(rig.t->rx_seq, before);
			memcpy(&q, &rig.t->rx_seq, sizeof(q));
			assert_int_equal(q.expected, steps[i].expected);
			assert_int_equal(rig.t->rx_lost, steps[i].lost);
			assert_int_equal((uint16_t)rig.t->tx_ns, (uint16_t)(0xffff + i));
		}
	}
	reset(false, 0); /* not evaluated without */
	make_lcp(&p, &(struct outer_desc){ .S = true, .ns = 7 }, &d);
	make_reply(false, 0xc0, -1, OURS, 0, NULL);
	expect_reply("number of no use");
	assert_int_equal(rig.t->rx_seq, 0);
	assert_int_equal(rig.t->tx_ns, 0);
}

/* The answer takes the way to the peer, wherever the request came from. */
static void test_way(void **state)
{
	static const uint8_t mac_core[6] = { 2, 0, 0, 0, 0, 0x12 };
	static const uint16_t one[2] = { 7 }, two[2] = { 7, 9 };
	struct rig_result res;

	(void)state;
	ask(PEERS);
	memcpy(p.b, mac_core, 6);
	make_reply(false, 0xc0, -1, OURS, 0, NULL);
	rig_expect(&rig, rig.core, p.b, p.len, L2X_V_ECHO, "by another port", &res);
	assert_int_equal(res.action, XDP_REDIRECT);
	assert_int_equal(res.len, want.len);
	assert_memory_equal(res.frame, want.b, want.len);
	rig_vlan(&rig, rig.access, 100, 0, rig.access);
	make_lcp(&p, &(struct outer_desc){ .tag = { 100 } }, &(struct lcp_desc){ .magic = PEERS });
	reset(false, 0);
	expect_reply("tagged in, not out");
	rig_port_tag(&rig, rig.access, 7, 0);
	make_reply(false, 0xc0, -1, OURS, 0, one);
	expect_reply("one tag");
	rig_port_tag(&rig, rig.access, 7, 9);
	make_reply(false, 0xc0, -1, OURS, 0, two);
	expect_reply("two tags");
	ask(PEERS);
	expect_reply("tagged out, not in");
}

/* A worker has no XDP_TX. */
static void test_at_a_worker(void **state)
{
	struct xdp_md ctx = { .ingress_ifindex = rig.access };
	struct rig_result res;
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = p.b, .data_out = res.frame,
		    .data_size_out = sizeof(res.frame), .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));

	(void)state;
	ask(PEERS);
	make_reply(false, 0xc0, -1, OURS, 0, NULL);
	o.data_size_in = ctx.data_end = (uint32_t)p.len;
	assert_int_equal(bpf_prog_test_run_opts(bpf_program__fd(rig.skel->progs.l2xdp_worker), &o),
			 0);
	rig.frames++;
	assert_int_equal(o.retval, XDP_REDIRECT);
	assert_int_equal(o.data_size_out, want.len);
	assert_memory_equal(res.frame, want.b, want.len);
	assert_counted(1, 0);
}

/* While the daemon is away the hook goes on, and other LCP packets wait for it. */
static void test_without_a_daemon(void **state)
{
	(void)state;
	rig_daemon_away(&rig);
	ask(PEERS);
	make_reply(false, 0xc0, -1, OURS, 0, NULL);
	expect_reply("daemon away");
	ask(OURS);
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_NO_DAEMON, "for the daemon", NULL);
}

/* ---- what goes up ------------------------------------------------------------------------- */

/* PPP-ECHO-3 */
static void test_magic_numbers(void **state)
{
	static const struct {
		uint32_t ours, peers, asked;
		bool answered;
		const char *what;
	} cases[] = {
		{ OURS, PEERS, PEERS, true, "the peer's" },
		{ OURS, PEERS, 0, true, "none" },
		{ OURS, PEERS, OURS, false, "a loop" },
		{ OURS, PEERS, STRANGE, false, "a stranger's" },
		{ OURS, PEERS, PEERS ^ 1, false, "one bit" },
		{ OURS, PEERS, PEERS ^ 1u << 31, false, "the first bit" },
		{ OURS, 0, STRANGE, true, "the peer negotiated none" },
		{ OURS, 0, 0, true, "and sends none" },
		{ OURS, 0, OURS, false, "and it is a loop" },
		{ 0, PEERS, PEERS, true, "we negotiated none" },
		{ 0, PEERS, 0, true, "none, and we neither" },
		{ 0, PEERS, STRANGE, false, "a stranger's, we have none" },
		{ 0, 0, STRANGE, true, "nobody negotiated any" },
		{ 0, 0, 0, true, "nobody has any" },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		change(cases[i].ours, cases[i].peers);
		ask(cases[i].asked);
		if (cases[i].answered) {
			make_reply(false, 0xc0, -1, cases[i].ours, 0, NULL);
			expect_reply(cases[i].what);
		} else {
			expect_up(cases[i].what);
		}
	}
}

/* Only Echo-Requests, only of LCP, only as long as they say. */
static void test_other_packets(void **state)
{
	const struct outer_desc o = {}, padded = { .ppp_pad = 40 };

	(void)state;
	for (unsigned int code = 1; code < 16; code++) {
		make_lcp(&p, &o, &(struct lcp_desc){ .magic = PEERS, .code = (uint8_t)code });
		if (code != LCP_REQUEST)
			expect_up("another code");
	}
	make_lcp(&p, &o, &(struct lcp_desc){ .magic = PEERS, .protocol = 0x8021 });
	expect_up("IPCP");
	make_lcp(&p, &o, &(struct lcp_desc){ .magic = PEERS, .protocol = 0xc023 });
	expect_up("PAP");
	for (int length = -8; length < 0; length++) {
		make_lcp(&p, &o, &(struct lcp_desc){ .magic = PEERS, .length = length });
		expect_up("no room for a magic number");
	}
	make_lcp(&p, &o, &(struct lcp_desc){ .magic = PEERS, .length = 1 });
	expect_up("longer than it is");
	make_lcp(&p, &padded, &(struct lcp_desc){ .magic = PEERS, .length = 41 });
	expect_up("longer than its datagram");
	make_lcp(&p, &padded, &(struct lcp_desc){ .magic = PEERS, .length = 40 });
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_ECHO, "as long as its datagram", NULL);
	/* the frame is long enough, the datagram is not */
	make_lcp(&p, &(struct outer_desc){ .pad = 40 },
		 &(struct lcp_desc){ .magic = PEERS, .length = 1 });
	rig.t->echoes = 0;
	expect_up("longer than its datagram, in a long frame");
	make_lcp(&p, &o, &(struct lcp_desc){ .magic = PEERS, .data = ROOM + 1 });
	expect_up("larger than the peer takes");
	for (size_t cut = 1; cut < 10; cut++) { /* PPP header and a part of LCP */
		ask(PEERS);
		p.len -= cut;
		set16(p.b + 16, (unsigned int)p.len - 14);
		set16(p.b + 38, (unsigned int)p.len - 34);
		fix_outer(&p, 14, false, false);
		if (cut <= 8)
			expect_up("cut short");
	}
}

/* Not open, not the session's, not sound. */
static void test_refusals(void **state)
{
	(void)state;
	ask(PEERS);
	rig.s->tx_flags &= (uint16_t)~L2X_S_ECHO;
	expect_up("LCP is not open");
	reset(false, 0);
	rig.s->tx_gen = 0;
	expect_up("the line is being written");
	reset(false, 0);
	rig.s->gen = 0;
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_SESSION_UNKNOWN, "no session", NULL);
	reset(false, 0);
	make_lcp(&p, &(struct outer_desc){ .sport = 1702 }, &(struct lcp_desc){ .magic = PEERS });
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_PEER_MISMATCH, "port", NULL);
	make_lcp(&p, &(struct outer_desc){ .src = "192.0.2.11" },
		 &(struct lcp_desc){ .magic = PEERS });
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_PEER_MISMATCH, "address", NULL);
	make_lcp(&p, &(struct outer_desc){ .tid = RIG_TID ^ 0x100 },
		 &(struct lcp_desc){ .magic = PEERS });
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_SESSION_UNKNOWN, "tunnel", NULL);
	assert_counted(0, 0);
}

/* The kernel would drop it (DP-CK-2); whether it has reasons not to is for it to say. */
static void test_checksum(void **state)
{
	(void)state;
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		reset(v6, 0);
		make_lcp(&p, &(struct outer_desc){ .v6 = v6 },
			 &(struct lcp_desc){ .magic = PEERS, .data = 3 });
		for (size_t bit = 0; bit < 8 * 11; bit += 5) {
			size_t at = p.len - 1 - bit / 8;

			if (at <= p.len - 8 && at > p.len - 12)
				continue; /* the magic number has rules of its own */
			p.b[at] ^= (uint8_t)(1 << bit % 8);
			rig_expect(&rig, rig.access, p.b, p.len, L2X_V_PPP_CONTROL, "damaged",
				   NULL);
			p.b[at] ^= (uint8_t)(1 << bit % 8);
		}
		p.b[14 + (v6 ? 40 : 20) + 6] ^= 0x10;
		expect_up("checksum");
		p.b[14 + (v6 ? 40 : 20) + 6] ^= 0x10;
		make_reply(v6, 0xc0, -1, OURS, 3, NULL);
		expect_reply("as it was");
	}
}

/* No way known here: the kernel finds one. */
static void test_no_way(void **state)
{
	static const uint8_t mac_us[6] = { 2, 0, 0, 0, 0, 1 };
	struct l2x_session s;

	(void)state;
	ask(PEERS);
	rig_port_set(&rig, rig.access, rig.access, mac_us, L2X_P_RX);
	expect_up("a port that takes nothing");
	rig_port_set(&rig, rig.access, rig.access, mac_us, L2X_P_RX | L2X_P_TX);
	rig.skel->bss->live.epoch++;
	make_reply(false, 0xc0, -1, OURS, 0, NULL);
	expect_reply("and now");
	make_lcp(&p, &(struct outer_desc){}, &(struct lcp_desc){ .magic = PEERS, .data = ROOM });
	rig.s->mtu = 1500; /* the session's, but the port has 1500 for the outer packet */
	make_reply(false, 0xc0, -1, OURS, ROOM, NULL);
	expect_reply("fits");
	make_lcp(&p, &(struct outer_desc){}, &(struct lcp_desc){ .magic = PEERS, .data = 1455 });
	expect_up("larger than the way takes");
	reset(false, 0);
	s = *rig.s; /* a peer whose link-layer address nobody knows */
	s.peer = s.tx_peer = rig_addr("192.0.2.99");
	s.pseudo_sum = rig_pseudo_sum(&s);
	rig_session_write(rig.s, &s);
	rig.skel->bss->live.epoch++;
	make_lcp(&p, &(struct outer_desc){ .src = "192.0.2.99" },
		 &(struct lcp_desc){ .magic = PEERS });
	expect_up("no neighbour");
}

/* ---- policing ----------------------------------------------------------------------------- */

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* A share with the session's other PPP frames; what is beyond it is neither answered nor
 * passed up, and another session has its own. */
static void test_policing(void **state)
{
	struct l2x_config cfg = rig_config();
	unsigned int n = 0, i;
	struct rig_result res;
	struct l2x_session s;
	double begun;

	(void)state;
	cfg.punt_rate = RATE;
	rig_open(&rig, &cfg);
	reset(false, 0);
	ask(PEERS);
	begun = seconds();
	for (i = 0; i < 5 * RATE; i++) {
		rig_run(&rig, rig.access, p.b, p.len, &res);
		if (res.verdict == L2X_V_ECHO)
			n++;
		else
			assert_int_equal(res.verdict, L2X_V_SLOW_POLICED);
	}
	assert_in_range(n, RATE, (unsigned int)(RATE * (1.2 + 1.2 * (seconds() - begun))) + 2);
	assert_counted(n, 5 * RATE - n);
	make_lcp(&p, &(struct outer_desc){}, &(struct lcp_desc){ .code = 1 });
	for (i = n = 0; i < RATE; i++) {
		rig_run(&rig, rig.access, p.b, p.len, &res);
		n += res.verdict == L2X_V_PPP_CONTROL;
	}
	assert_in_range(n, 0, RATE / 2); /* one share for all of them */
	s = *rig.s;
	rig_session_write(rig.s + 1, &s);
	make_lcp(&p, &(struct outer_desc){ .sid = RIG_SID + 1 },
		 &(struct lcp_desc){ .magic = PEERS });
	for (i = 0; i < RATE; i++)
		rig_expect(&rig, rig.access, p.b, p.len, L2X_V_ECHO, "another session", NULL);
	rig_close(&rig);
}

/* With verify-checksum the sum has been looked at before. */
static void test_verified(void **state)
{
	struct l2x_config cfg = rig_config();

	(void)state;
	cfg.verify_checksum = 1;
	rig_open(&rig, &cfg);
	reset(false, 0);
	ask(PEERS);
	make_reply(false, 0xc0, -1, OURS, 0, NULL);
	expect_reply("right");
	p.b[40] ^= 1;
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_BAD_CHECKSUM, "wrong", NULL);
	rig_close(&rig);
}

static int begin(void **state)
{
	(void)state;
	rig_namespace();
	return 0;
}

int main(void)
{
#define WITH_RIG(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_RIG(test_every_length),
		WITH_RIG(test_every_form),
		WITH_RIG(test_session_flags),
		WITH_RIG(test_numbers),
		WITH_RIG(test_way),
		WITH_RIG(test_at_a_worker),
		WITH_RIG(test_without_a_daemon),
		WITH_RIG(test_magic_numbers),
		WITH_RIG(test_other_packets),
		WITH_RIG(test_refusals),
		WITH_RIG(test_checksum),
		WITH_RIG(test_no_way),
		cmocka_unit_test(test_policing),
		cmocka_unit_test(test_verified),
	};

	return cmocka_run_group_tests(tests, begin, NULL);
}
