// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The programs for tc. First l2xdp_tc against the program for XDP: two sets of maps, the same
 * frames, sound and damaged; verdict, octets and counters must be the same. Then what is for this
 * host (l2xdp_in). Last what this host sends: a device of the kind of l2tp0 with l2xdp_out at its
 * door, sockets that send small and large, and what leaves by the access interface, looked at
 * octet by octet; the kernel runs no test on packets without a link layer.
 */
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <linux/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "tests/bpf/packet.h"

#include "bpf/l2xdp_tc.skel.h"

#define FRAMES 6000u
#define TC_UNSPEC (-1)
#define TC_SHOT 2
#define TC_REDIRECT 7
#define LOCAL4 "203.0.113.1" /* of this host */
#define LOCAL6 "2001:db8:ffff::1"

static const uint8_t host_mac[6] = { 0x5a, 1, 2, 3, 4, 5 };
static struct rig rig, by_xdp;
static struct l2xdp_tc_bpf *tc;
static unsigned int door; /* ifindex of what stands for l2tp0 */
static uint32_t seed = 1;
static unsigned int forwarded, refused;

static uint32_t draw(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

/* ---- the rig of tc --------------------------------------------------------------------------- */

static const char *suffix(const struct bpf_map *m)
{
	const char *name = bpf_map__name(m), *dot = strchr(name, '.');

	return dot ? dot : name;
}

static void tc_open(const struct l2x_config *cfg)
{
	struct bpf_map *m = NULL, *k;

	tc = l2xdp_tc_bpf__open();
	assert_non_null(tc);
	tc->rodata->cfg = *cfg;
	bpf_object__for_each_map(m, tc->obj)
	{
		k = NULL;
		while (strcmp(suffix(m), ".rodata") && (k = bpf_object__next_map(rig.skel->obj, k)))
			if (strcmp(suffix(m), suffix(k)) == 0)
				assert_int_equal(bpf_map__reuse_fd(m, bpf_map__fd(k)), 0);
	}
	assert_int_equal(l2xdp_tc_bpf__load(tc), 0);
}

/* *res: action as XDP would say it. Returns how many frames were counted. */
static uint64_t tc_run(const struct bpf_program *program, unsigned int ifindex,
		       const uint8_t *frame, size_t len, struct rig_result *res)
{
	/* as the kernel has it: struct __sk_buff */
	struct __sk_buff ctx = { .ifindex = ifindex, .ingress_ifindex = ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, o, .data_in = frame, .data_size_in = (uint32_t)len,
		    .data_out = res->frame, .data_size_out = sizeof(res->frame), .ctx_in = &ctx,
		    .ctx_size_in = sizeof(ctx));
	uint64_t before[L2X_V_MAX], after[L2X_V_MAX], sum = 0;
	uint32_t v;

	rig_counts(&rig, before);
	if (bpf_prog_test_run_opts(bpf_program__fd(program), &o))
		fail_msg("test run of %zu octets: %s", len, strerror(errno));
	rig_counts(&rig, after);
	res->verdict = L2X_V_MAX;
	for (v = 0; v < L2X_V_MAX; v++) {
		sum += after[v] - before[v];
		if (after[v] - before[v])
			res->verdict = v;
	}
	rig.frames += sum;
	switch ((int)o.retval) {
	case TC_UNSPEC:
		res->action = XDP_PASS;
		break;
	case TC_SHOT:
		res->action = XDP_DROP;
		break;
	default:
		assert_int_equal(o.retval, TC_REDIRECT);
		res->action = XDP_REDIRECT;
		break;
	}
	res->len = o.data_size_out;
	return sum;
}

/* ---- l2xdp_tc against XDP -------------------------------------------------------------------- */

static void make(struct packet *p, bool down, bool outer6)
{
	static const char *const forms[] = { NULL, "noacf2", "acf1", "noacf1" };
	struct inner_desc d = { .v6 = draw(2),
				.down = down,
				.l4 = (enum packet_l4)draw(P_GRE + 1),
				.tos = (uint8_t)draw(256),
				.ttl = (uint8_t)(draw(8) ? 64 : draw(3)),
				.payload = draw(60) };
	struct outer_desc o = { .v6 = outer6,
				.nosum = !outer6 && draw(2),
				.tos = (uint8_t)(draw(2) ? 0 : draw(256)),
				.L = draw(2),
				.S = draw(2),
				.O = !draw(16),
				.P = !draw(16),
				.ns = (uint16_t)draw(8),
				.ppp = forms[draw(4)],
				.pad = draw(4) ? 0 : draw(20),
				.ppp_pad = draw(8) ? 0 : draw(9) };

	if (!draw(8) && !down)
		o.tag[0] = 100;
	if (o.tag[0] && draw(2))
		o.tag[1] = 200;
	if (d.ttl == 0)
		d.ttl_zero = true;
	if (!draw(16) && !d.v6)
		d.frag = (uint16_t)(draw(2) ? 0x2000 : 0x00b9);
	if (!draw(16) && !d.v6)
		d.options = 4;
	if (down)
		make_core(p, &d);
	else
		make_rx(p, &o, &d);
}

static void damage(struct packet *p)
{
	unsigned int n = draw(3), at;

	while (n--) {
		at = 14 + draw((uint32_t)(p->len < 104 ? p->len : 104) - 14);
		p->b[at] = draw(2) ? (uint8_t)(p->b[at] ^ 1u << draw(8)) : (uint8_t)draw(256);
	}
	if (!draw(8) && p->len > 54) /* the kernel makes no buffer of less than an IP header */
		p->len = 54 + draw((uint32_t)p->len - 53);
}

/* By both. */
static void through_both(const struct packet *p, bool down, const char *what)
{
	struct rig_result a, b;

	assert_int_equal(tc_run(tc->progs.l2xdp_tc, down ? rig.core : rig.access, p->b, p->len, &a),
			 1);
	rig_run(&by_xdp, down ? by_xdp.core : by_xdp.access, p->b, p->len, &b);
	if (a.verdict != b.verdict)
		fail_msg("%s: %s by tc, %s by XDP", what, rig_verdict_names[a.verdict],
			 rig_verdict_names[b.verdict]);
	assert_int_equal(a.action, b.action == XDP_TX ? XDP_REDIRECT : b.action);
	if (a.action != XDP_DROP) {
		assert_int_equal(a.len, b.len);
		assert_memory_equal(a.frame, b.frame, a.len);
	}
	assert_memory_equal(rig.t, by_xdp.t, offsetof(struct l2x_traffic, punt));
	if (memcmp(&rig.t->tx_packets, &by_xdp.t->tx_packets, 32))
		fail_msg("%s: counters to the subscriber differ", what);
	if (rig_verdict_class[a.verdict] == L2X_VC_FORWARD)
		forwarded++;
	else
		refused++;
}

static void set_sessions(bool outer6, uint16_t flags, uint16_t mtu)
{
	rig_reset(&rig, outer6, flags);
	rig_reset(&by_xdp, outer6, flags);
	rig.s->mtu = by_xdp.s->mtu = rig.s->mss_mtu = by_xdp.s->mss_mtu = mtu;
}

static void run(bool down)
{
	static const uint16_t some[] = { L2X_S_SEQ_TX | L2X_S_SEQ_RX,
					 L2X_S_SEQ_REQUIRED,
					 L2X_S_ACFC,
					 L2X_S_ECN,
					 L2X_S_MSS,
					 L2X_S_CSUM0,
					 L2X_S_TOS_FIXED };
	bool outer6 = false;
	struct packet p;
	uint16_t flags;
	unsigned int i, k;
	char what[64];

	forwarded = refused = 0;
	for (i = 0; i < FRAMES; i++) {
		if (i % 500 == 0) {
			for (k = 0, flags = 0; k < sizeof(some) / sizeof(some[0]); k++)
				flags |= draw(3) ? 0 : some[k];
			outer6 = draw(2);
			set_sessions(outer6, flags, (uint16_t)(draw(2) ? RIG_MTU : 40 + draw(60)));
		}
		make(&p, down, outer6);
		if (draw(4) == 0)
			damage(&p);
		snprintf(what, sizeof(what), "frame %u", i);
		through_both(&p, down, what);
	}
	print_message("  %u forwarded, %u not\n", forwarded, refused);
	assert_in_range(forwarded, FRAMES / 8, FRAMES);
	assert_in_range(refused, FRAMES / 8, FRAMES);
}

static void uplink_is_as_by_xdp(void **state)
{
	(void)state;
	run(false);
}

static void downlink_is_as_by_xdp(void **state)
{
	(void)state;
	run(true);
}

/* LCP Echo-Requests, and what looks like some (echo_test says what is right). */
static void an_echo_is_answered_as_by_xdp(void **state)
{
	static const uint32_t magics[] = { 0xd1c2b3a4, 0xd1c2b3a4, 0xd1c2b3a4, 0, 0x01a2b3c4, 7 };
	static const char *const forms[] = { NULL, "noacf2", "acf1", "noacf1" };
	uint64_t echoes = 0;
	struct packet p;
	unsigned int i;
	bool outer6 = false;

	(void)state;
	forwarded = refused = 0;
	for (i = 0; i < FRAMES / 4; i++) {
		struct lcp_desc d = { .code = (uint8_t)(draw(8) ? 0 : draw(13)),
				      .magic = magics[draw(6)],
				      .data = draw(4) ? draw(60) : draw(1500),
				      .length = draw(8) ? 0 : (int)draw(9) - 4 };
		struct outer_desc o = { .L = draw(2),
					.S = draw(2),
					.O = !draw(8),
					.ns = (uint16_t)draw(8),
					.ppp = forms[draw(4)],
					.pad = draw(4) ? 0 : draw(20),
					.ppp_pad = draw(8) ? 0 : draw(9) };

		if (i % 100 == 0) {
			echoes += rig.t->echoes;
			outer6 = draw(2);
			set_sessions(outer6,
				     (uint16_t)(L2X_S_ECHO |
						(draw(2) ? L2X_S_SEQ_TX | L2X_S_SEQ_RX : 0) |
						(draw(4) ? 0 : L2X_S_TOS_FIXED)),
				     RIG_MTU);
			rig.s->magic = by_xdp.s->magic = htonl(0x01a2b3c4);
			rig.s->peer_magic = by_xdp.s->peer_magic = htonl(0xd1c2b3a4);
		}
		o.v6 = outer6;
		o.nosum = !outer6 && draw(2);
		o.tag[0] = draw(8) ? 0 : 100;
		o.tag[1] = o.tag[0] && draw(2) ? 200 : 0;
		make_lcp(&p, &o, &d);
		if (!draw(8))
			damage(&p);
		through_both(&p, false, "echo");
	}
	print_message("  %u answered, %u not\n", forwarded, refused);
	assert_in_range(forwarded, FRAMES / 32, FRAMES);
	assert_in_range(refused, FRAMES / 32, FRAMES);
	assert_in_range(echoes, FRAMES / 32, FRAMES);
}

/* The MSS in a SYN, at an even place and at an odd one. */
static void a_syn_is_clamped(void **state)
{
	static const uint8_t even[] = { 2, 4, 0x05, 0xb4 },
			     odd[] = { 1, 2, 4, 0x05, 0xb4, 0, 0, 0 };
	unsigned int i;
	struct packet p;

	(void)state;
	for (i = 0; i < 8; i++) {
		struct inner_desc d = { .l4 = P_SYN,
					.v6 = i & 1,
					.down = i & 2,
					.tcp_options = i & 4 ? odd : even,
					.tcp_options_len = i & 4 ? sizeof(odd) : sizeof(even) };
		struct outer_desc o = {};

		set_sessions(false, L2X_S_MSS, 1400);
		if (d.down)
			make_core(&p, &d);
		else
			make_rx(&p, &o, &d);
		forwarded = 0;
		through_both(&p, d.down, "SYN");
		assert_int_equal(forwarded, 1);
	}
}

/* ---- for this host --------------------------------------------------------------------------- */

/* Both: XDP leaves it, l2xdp_in takes it. */
static void takes(const struct packet *p, struct rig_result *res)
{
	rig_expect(&rig, rig.access, p->b, p->len, L2X_V_TO_HOST, "XDP leaves it to tc", NULL);
	assert_int_equal(tc_run(tc->progs.l2xdp_in, rig.access, p->b, p->len, res), 1);
	assert_int_equal(res->verdict, L2X_V_HOST_IN);
	assert_int_equal(res->action, XDP_REDIRECT);
}

/* Goes the way that it goes without tc. */
static void leaves(const struct packet *p, unsigned int verdict, const char *what)
{
	struct rig_result res;

	rig_expect(&rig, rig.access, p->b, p->len, verdict, what, NULL);
	assert_int_equal(tc_run(tc->progs.l2xdp_in, rig.access, p->b, p->len, &res), 0);
	assert_int_equal(res.action, XDP_PASS);
	assert_int_equal(res.len, p->len);
	assert_memory_equal(res.frame, p->b, p->len);
}

static void host_is_on(void)
{
	rig_reset(&rig, false, 0);
	rig.skel->bss->live.host = door;
	rig.skel->bss->live.host_mtu = 1500;
	memcpy(rig.skel->bss->live.host_mac, host_mac, sizeof(host_mac));
}

static void what_is_for_this_host_loses_its_headers(void **state)
{
	unsigned int i;

	(void)state;
	host_is_on();
	for (i = 0; i < 8; i++) {
		struct inner_desc d = {
			.v6 = i & 1, .dst = i & 1 ? LOCAL6 : LOCAL4, .l4 = P_UDP, .payload = 100
		};
		struct outer_desc o = { .v6 = i & 2, .ppp_pad = i & 4 ? 3 : 0 };
		struct rig_result res;
		struct packet p;
		size_t inner;

		rig_reset(&rig, i & 2, 0);
		inner = make_rx(&p, &o, &d);
		takes(&p, &res);
		/* as the subscriber sent it */
		assert_int_equal(res.len, 14 + p.len - inner - o.ppp_pad);
		assert_memory_equal(res.frame + 14, p.b + inner, res.len - 14);
		assert_int_equal(rig.t->rx_packets, 1);
		assert_int_equal(rig.t->rx_bytes, res.len - 14);
	}
}

/* By XDP, and l2xdp_in counts it no more. */
static void a_segment_for_this_host_loses_them_before(void **state)
{
	unsigned int i;

	(void)state;
	host_is_on();
	for (i = 0; i < 16; i++) {
		struct inner_desc d = { .v6 = i & 1,
					.dst = i & 1 ? LOCAL6 : LOCAL4,
					.l4 = P_TCP,
					.tos = i & 8 ? 2 : 0,
					.payload = i & 8 ? 1400 : 101 };
		struct outer_desc o = { .v6 = i & 2, .ppp_pad = i & 4 ? 3 : 0 };
		struct rig_result res, next;
		struct packet p;
		size_t inner;

		rig_reset(&rig, i & 2, L2X_S_MSS);
		inner = make_rx(&p, &o, &d);
		rig_expect(&rig, rig.access, p.b, p.len, L2X_V_HOST_IN, "XDP takes it", &res);
		assert_int_equal(res.len, 14 + p.len - inner - o.ppp_pad);
		assert_memory_equal(res.frame, host_mac, sizeof(host_mac));
		assert_int_equal(get16(res.frame + 12), d.v6 ? ETH_P_IPV6 : ETH_P_IP);
		assert_memory_equal(res.frame + 14, p.b + inner, res.len - 14);
		assert_int_equal(tc_run(tc->progs.l2xdp_in, rig.access, res.frame, res.len, &next),
				 0);
		assert_int_equal(next.action, XDP_REDIRECT);
		assert_memory_equal(next.frame + 14, p.b + inner, res.len - 14);
		assert_int_equal(rig.t->rx_packets, 1);
		assert_int_equal(rig.t->rx_bytes, res.len - 14);
	}
}

/* Segments that XDP leaves to l2xdp_in. */
static void a_segment_that_wants_more_takes_the_other_door(void **state)
{
	static const struct {
		struct inner_desc d;
		struct outer_desc o;
		const char *what;
	} cases[] = {
		{ { .dst = LOCAL4, .l4 = P_SYN }, {}, "a SYN" },
		{ { .dst = LOCAL4, .l4 = P_TCP, .frag = 0x2000 }, {}, "a fragment" },
		{ { .dst = LOCAL4, .l4 = P_TCP, .frag = 0x0010 }, {}, "a later fragment" },
		{ { .dst = LOCAL4, .l4 = P_TCP }, { .S = true }, "a number" },
		{ { .dst = LOCAL4, .l4 = P_UDP }, {}, "no TCP" },
	};
	struct rig_result res;
	struct packet p;
	unsigned int i, at;

	(void)state;
	host_is_on();
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_rx(&p, &cases[i].o, &cases[i].d);
		takes(&p, &res);
	}
	/* whichever octet is damaged on the line before the tunnel */
	for (at = 0; at < 60; at++) {
		struct inner_desc d = { .dst = LOCAL4, .l4 = P_TCP, .payload = 40 };
		struct outer_desc o = { .nosum = true };
		size_t inner = make_rx(&p, &o, &d);

		p.b[inner + 20 + at] ^= 0x10;
		takes(&p, &res);
	}
}

/* To the address between XDP and tc, while tc has no door. */
static void nobody_comes_in_when_the_door_is_shut(void **state)
{
	struct inner_desc d = { .dst = LOCAL4, .l4 = P_TCP };
	struct rig_result res;
	struct packet p;

	(void)state;
	host_is_on();
	make_rx(&p, &(struct outer_desc){}, &d);
	memcpy(p.b, host_mac, sizeof(host_mac));
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_SPOOFED, "from the wire", NULL);
	rig.skel->bss->live.host = 0;
	assert_int_equal(tc_run(tc->progs.l2xdp_in, rig.access, p.b, p.len, &res), 0);
	assert_int_equal(res.action, XDP_PASS); /* and the IP stack drops it: another host's */
}

static void congestion_is_told_to_this_host(void **state)
{
	struct rig_result res;
	struct packet p;
	unsigned int v6;

	(void)state;
	host_is_on();
	for (v6 = 0; v6 < 2; v6++) {
		struct inner_desc d = {
			.v6 = v6, .dst = v6 ? LOCAL6 : LOCAL4, .l4 = P_UDP, .tos = 2, .payload = 10
		};
		struct outer_desc o = { .tos = 3 };
		size_t inner = make_rx(&p, &o, &d);

		takes(&p, &res);
		assert_int_equal(v6 ? res.frame[15] >> 4 & 3 : res.frame[15] & 3, 3);
		if (!v6)
			assert_int_equal(rig_sum(res.frame + 14, 20, 0), 0xffff);
		assert_memory_equal(res.frame + 34, p.b + inner + 20, res.len - 34);
	}
}

/* By the same door as those before it, which wait there to be joined: none is overtaken. */
static void congestion_overtakes_no_segment(void **state)
{
	struct rig_result res;
	struct packet p;
	unsigned int i;

	(void)state;
	host_is_on();
	for (i = 0; i < 4; i++) {
		bool v6 = i & 1;
		struct inner_desc d = {
			.v6 = v6, .dst = v6 ? LOCAL6 : LOCAL4, .l4 = P_TCP, .tos = 2, .payload = 10
		};
		struct outer_desc o = { .tos = i & 2 ? 3 : 1 };
		size_t inner = make_rx(&p, &o, &d);

		rig_expect(&rig, rig.access, p.b, p.len, L2X_V_HOST_IN, "XDP takes it", &res);
		assert_int_equal(v6 ? res.frame[15] >> 4 & 3 : res.frame[15] & 3, o.tos);
		if (!v6)
			assert_int_equal(rig_sum(res.frame + 14, 20, 0), 0xffff);
		assert_memory_equal(res.frame + 34, p.b + inner + 20, res.len - 34);
	}
}

static void all_else_goes_its_way(void **state)
{
	static const struct {
		struct inner_desc d;
		struct outer_desc o;
		unsigned int verdict;
		const char *what;
	} cases[] = {
		{ { .dst = RIG_LNS4 }, {}, L2X_V_INNER_LOCAL, "for an address we listen on" },
		{ { .dst = LOCAL4, .ttl = 1 }, {}, L2X_V_TTL, "TTL 1" },
		{ { .dst = LOCAL4, .options = 4 }, {}, L2X_V_INNER_OPTIONS, "options" },
		{ { .dst = LOCAL4 }, { .sid = 0x1111 }, L2X_V_SESSION_UNKNOWN, "no session" },
		{ { .dst = "203.0.115.1" }, {}, L2X_V_NO_ROUTE, "a black hole" },
		{ { .dst = LOCAL4, .payload = 1473 },
		  {},
		  L2X_V_NO_ROUTE,
		  "larger than l2tp0 takes" },
	};
	struct packet p;
	unsigned int i;

	(void)state;
	host_is_on();
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_rx(&p, &cases[i].o, &cases[i].d);
		leaves(&p, cases[i].verdict, cases[i].what);
	}
	rig.skel->bss->live.host = 0;
	make_rx(&p, &(struct outer_desc){}, &(struct inner_desc){ .dst = LOCAL4 });
	leaves(&p, L2X_V_NO_ROUTE, "no tc");
}

/* XDP ends it already; should tc meet it, it goes to nobody. */
static void what_is_forged_is_not_taken(void **state)
{
	static const struct {
		struct inner_desc d;
		struct outer_desc o;
	} cases[] = {
		{ { .dst = LOCAL4, .src = "10.64.0.3" }, {} },
		{ { .dst = LOCAL4 }, { .src = "192.0.2.11" } },
		{ { .dst = LOCAL4 }, { .sport = 1702 } },
		{ { .dst = LOCAL4, .v6 = false }, { .tos = 3 } }, /* CE without ECN */
	};
	struct rig_result res;
	struct packet p;
	unsigned int i;

	(void)state;
	host_is_on();
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		make_rx(&p, &cases[i].o, &cases[i].d);
		rig_run(&rig, rig.access, p.b, p.len, &res);
		assert_int_equal(res.action, XDP_DROP);
		assert_int_equal(tc_run(tc->progs.l2xdp_in, rig.access, p.b, p.len, &res), 0);
		assert_int_equal(res.action, XDP_PASS);
	}
	rig_reset(&rig, false, 0);
	rig.s->flags &= (uint16_t)~L2X_S_IPV4;
	make_rx(&p, &(struct outer_desc){}, &(struct inner_desc){ .dst = LOCAL4 });
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_NCP_CLOSED, "IPCP is not open", NULL);
	assert_int_equal(tc_run(tc->progs.l2xdp_in, rig.access, p.b, p.len, &res), 0);
}

/* A number is used up once, by whoever takes the packet. */
static void numbers_hold_across_the_hooks(void **state)
{
	struct inner_desc d = { .dst = LOCAL4 };
	struct outer_desc o = { .S = true, .ns = 5 };
	struct rig_result res;
	struct packet p;

	(void)state;
	host_is_on();
	rig_reset(&rig, false, L2X_S_SEQ_RX);
	make_rx(&p, &o, &d);
	takes(&p, &res);
	rig_expect(&rig, rig.access, p.b, p.len, L2X_V_TO_HOST, "XDP does not judge it", NULL);
	assert_int_equal(tc_run(tc->progs.l2xdp_in, rig.access, p.b, p.len, &res), 1);
	assert_int_equal(res.verdict, L2X_V_SEQ_OLD);
	assert_int_equal(res.action, XDP_DROP);
	assert_int_equal(rig.t->rx_packets, 1);
	assert_int_equal(rig.t->rx_drops, 1);
}

/* ---- from this host -------------------------------------------------------------------------- */

static int capture = -1;

static void open_door(void)
{
	struct ifreq ifr = { .ifr_name = "l2tp0", .ifr_flags = IFF_TUN | IFF_NO_PI };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr))
		fail_msg("/dev/net/tun: %s", strerror(errno));
	rig_sh("PATH=$PATH:/usr/sbin:/sbin; set -e; ip link set l2tp0 up mtu 1500\n"
	       "ip addr add 10.64.255.1/32 dev l2tp0; ip route add 10.64.0.0/16 dev l2tp0\n"
	       "ip addr add 2001:db8:1ff::1/128 dev l2tp0 nodad\n"
	       "ip route add 2001:db8:100::/40 dev l2tp0\n"
	       "ethtool -K acc gso off tso off tx off >/dev/null 2>&1");
	door = if_nametoindex("l2tp0");
}

static void attach_door(void)
{
	struct sockaddr_ll a = { .sll_family = AF_PACKET,
				 .sll_protocol = htons(ETH_P_ALL),
				 .sll_ifindex = (int)if_nametoindex("acc-peer") };
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)door, .attach_point = BPF_TC_EGRESS);
	LIBBPF_OPTS(bpf_tc_opts, o, .handle = 1, .priority = 1,
		    .prog_fd = bpf_program__fd(tc->progs.l2xdp_out));

	assert_int_equal(bpf_tc_hook_create(&hook), 0);
	assert_int_equal(bpf_tc_attach(&hook, &o), 0);
	capture = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_ALL));
	assert_true(capture >= 0);
	assert_int_equal(bind(capture, (struct sockaddr *)&a, sizeof(a)), 0);
}

/* The next frame for the LAC; 0: none came. */
static size_t captured(uint8_t frame[RIG_FRAME])
{
	static const uint8_t peer[6] = { 2, 0, 0, 0, 0, 2 };

	for (;;) {
		struct pollfd p = { .fd = capture, .events = POLLIN };
		ssize_t n;

		if (poll(&p, 1, 200) <= 0)
			return 0;
		n = recv(capture, frame, RIG_FRAME, 0);
		if (n > 14 && memcmp(frame, peer, 6) == 0)
			return (size_t)n;
	}
}

static void sums_are_right(const uint8_t *ip, bool v6, const char *what)
{
	const uint8_t *udp = ip + (v6 ? 40 : 20);
	size_t len = v6 ? get16(ip + 4) : get16(ip + 2) - 20u;
	uint8_t proto = v6 ? ip[6] : ip[9];
	unsigned int check = get16(udp + (proto == 6 ? 16 : 6));

	if (!v6)
		assert_int_equal(rig_sum(ip, 20, 0), 0xffff);
	if (proto == 17)
		assert_int_equal(get16(udp + 4), len);
	if (!check)
		fail_msg("%s: no checksum", what);
	if (transport_sum(ip, v6, proto, udp, len))
		fail_msg("%s: checksum %04x is wrong", what, check);
}

/* A frame of the session: outer and inner headers are sound. Returns the inner packet. */
static const uint8_t *sound(const uint8_t *frame, size_t len, bool outer6, bool v6)
{
	const uint8_t *ip = frame + 14, *l2tp = ip + (outer6 ? 48 : 28), *inner = l2tp + 10;

	assert_int_equal(get16(frame + 12), outer6 ? ETH_P_IPV6 : ETH_P_IP);
	assert_int_equal(outer6 ? 40u + get16(ip + 4) : get16(ip + 2), len - 14);
	assert_int_equal(ip[outer6 ? 6 : 9], 17);
	assert_int_equal(get16(l2tp), 2);
	assert_int_equal(get16(l2tp + 2), RIG_PEER_TID);
	assert_int_equal(get16(l2tp + 4), RIG_PEER_SID);
	assert_int_equal(get16(l2tp + 6), 0xff03);
	assert_int_equal(get16(l2tp + 8), v6 ? 0x57 : 0x21);
	sums_are_right(ip, outer6, "outer");
	sums_are_right(inner, v6, "inner");
	assert_int_equal(inner[v6 ? 7 : 8], 64); /* nobody has forwarded it */
	return inner;
}

static int host_socket(bool v6)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(7) };
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(7) };
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	inet_pton(AF_INET6, RIG_SUB6, &a6.sin6_addr);
	inet_pton(AF_INET, RIG_SUB4, &a4.sin_addr);
	assert_int_equal(connect(fd, v6 ? (void *)&a6 : (void *)&a4, v6 ? sizeof(a6) : sizeof(a4)),
			 0);
	return fd;
}

/* `size`: of a segment; 0: one datagram. */
static void host_sends(bool v6, size_t len, int size)
{
	static uint8_t data[65536];
	int fd = host_socket(v6);
	size_t i;

	for (i = 0; i < len; i++)
		data[i] = (uint8_t)(i * 7 + i / 251);
	if (size)
		assert_int_equal(
			setsockopt(fd, IPPROTO_UDP, 103 /* UDP_SEGMENT */, &size, sizeof(size)), 0);
	/* by a device that makes no sums, 6.1 sends no large datagrams at all */
	if (send(fd, data, len, 0) != (ssize_t)len && !(size && errno == EIO))
		fail_msg("%zu octets cannot be sent: %s", len, strerror(errno));
	close(fd);
}

static uint64_t count_of(unsigned int v)
{
	uint64_t counts[L2X_V_MAX];

	rig_counts(&rig, counts);
	return counts[v];
}

static void set_host(bool outer6, uint16_t flags)
{
	host_is_on();
	rig_reset(&rig, outer6, flags);
}

#define SEGMENT 536u /* of TCP that has been told nothing, over IPv4 */
#define SEGMENT6 1220u

/* A TCP connection as if it had been set up, in segments of SEGMENT octets: nobody answers. */
static int host_stream(bool v6)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(7) };
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(7) };
	const struct tcp_repair_window w = { .snd_wnd = 65535,
					     .max_window = 65535,
					     .rcv_wnd = 65535 };
	const struct {
		int option, value;
	} set[] = { { TCP_REPAIR, TCP_REPAIR_ON },
		    { TCP_REPAIR_QUEUE, TCP_SEND_QUEUE },
		    { TCP_QUEUE_SEQ, 1000 },
		    { TCP_REPAIR_QUEUE, TCP_RECV_QUEUE },
		    { TCP_QUEUE_SEQ, 2000 } };
	int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), off = -1;

	inet_pton(AF_INET6, RIG_SUB6, &a6.sin6_addr);
	inet_pton(AF_INET, RIG_SUB4, &a4.sin_addr);
	for (size_t i = 0; i < sizeof(set) / sizeof(set[0]); i++)
		assert_int_equal(
			setsockopt(fd, IPPROTO_TCP, set[i].option, &set[i].value, sizeof(int)), 0);
	assert_int_equal(connect(fd, v6 ? (void *)&a6 : (void *)&a4, v6 ? sizeof(a6) : sizeof(a4)),
			 0);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR_WINDOW, &w, sizeof(w)), 0);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &off, sizeof(off)), 0);
	return fd;
}

/* Gives it up without a word. */
static void stream_end(int fd)
{
	int on = TCP_REPAIR_ON;

	setsockopt(fd, IPPROTO_TCP, TCP_REPAIR, &on, sizeof(on));
	close(fd);
}

/* What the kernel parts has right sums, outer ones too. */
static void a_stream_leaves_as_segments(void **state)
{
	static uint8_t frame[RIG_FRAME], data[5 * SEGMENT6];
	unsigned int i, k;

	(void)state;
	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 251);
	for (i = 0; i < 4; i++) {
		bool outer6 = i & 2, v6 = i & 1;
		uint64_t before = count_of(L2X_V_HOST_OUT);
		size_t header = (v6 ? 40 : 20) + 20, size = v6 ? SEGMENT6 : SEGMENT;
		int fd;

		set_host(outer6, 0);
		fd = host_stream(v6);
		assert_int_equal(send(fd, data, 5 * size, 0), 5 * size);
		assert_int_equal(count_of(L2X_V_HOST_OUT), before + 1);
		rig.frames++;
		for (k = 0; k < 5; k++) {
			size_t len = captured(frame);
			const uint8_t *inner;

			assert_int_equal(len, 14 + (outer6 ? 40 : 20) + 18 + header + size);
			inner = sound(frame, len, outer6, v6);
			assert_memory_equal(inner + header, data + k * size, size);
		}
		stream_end(fd);
		assert_int_equal(rig.t->tx_packets, 5);
		assert_int_equal(rig.t->tx_bytes, 5 * (header + size));
	}
}

/* One whose last segment is shorter would have a wrong sum there; datagrams the kernel does not
 * part in here. */
static void an_uneven_one_goes_the_slow_way(void **state)
{
	static uint8_t frame[RIG_FRAME], data[2 * SEGMENT + 500];
	int fd, on = 1;

	(void)state;
	set_host(false, 0);
	fd = host_stream(false);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
	assert_int_equal(send(fd, data, sizeof(data), 0), sizeof(data));
	stream_end(fd);
	assert_int_equal(captured(frame), 0);
	set_host(false, L2X_S_SEQ_TX);
	fd = host_stream(false);
	assert_int_equal(send(fd, data, 2 * SEGMENT, 0), 2 * SEGMENT);
	stream_end(fd);
	assert_int_equal(captured(frame), 0);
	set_host(false, 0);
	host_sends(false, 3 * 1001, 1001);
	assert_int_equal(captured(frame), 0);
	assert_int_equal(rig.t->tx_packets, 0);
	/* without sums */
	set_host(false, L2X_S_CSUM0);
	fd = host_stream(false);
	assert_int_equal(setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
	assert_int_equal(send(fd, data, sizeof(data), 0), sizeof(data));
	rig.frames++;
	for (int k = 0; k < 3; k++) {
		assert_int_equal(captured(frame), 14 + 38 + 40 + (k < 2 ? SEGMENT : 500));
		assert_int_equal(get16(frame + 14 + 26), 0);
		sums_are_right(frame + 14 + 38, false, "inner");
	}
	stream_end(fd);
	assert_int_equal(rig.t->tx_packets, 3);
	assert_int_equal(rig.t->tx_bytes, 2 * SEGMENT + 500 + 3 * 40);
}

static void small_ones_leave_with_both_sums(void **state)
{
	static uint8_t frame[RIG_FRAME];
	unsigned int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		size_t len;

		set_host(i & 2, 0);
		host_sends(i & 1, 333, 0);
		rig.frames++;
		len = captured(frame);
		sound(frame, len, i & 2, i & 1);
		assert_int_equal(rig.t->tx_packets, 1);
		assert_int_equal(rig.t->tx_bytes, 333 + (i & 1 ? 48 : 28));
	}
}

/* Unmarked and uncounted. */
static void what_is_not_for_tc_goes_to_the_daemon(void **state)
{
	static uint8_t frame[RIG_FRAME];

	(void)state;
	set_host(false, L2X_S_SEQ_TX);
	host_sends(false, 100, 0); /* others of this session may be large */
	set_host(false, 0);
	rig.s->mtu = 100;
	host_sends(false, 101, 0);
	set_host(false, 0);
	rig.s->tx_flags &= (uint16_t)~L2X_S_IPV4;
	host_sends(false, 100, 0);
	set_host(false, 0);
	rig.s->gen = rig.s->tx_gen = 0;
	host_sends(false, 100, 0);
	set_host(false, 0);
	rig.skel->bss->live.host = 0;
	host_sends(false, 100, 0);
	assert_int_equal(captured(frame), 0);
	assert_int_equal(rig.t->tx_packets, 0);
}

/* TCP of this host: a SYN whose MSS is lowered while its sum is still to be made. */
static void a_syn_of_this_host_is_clamped(void **state)
{
	static uint8_t frame[RIG_FRAME];
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(7) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	const uint8_t *tcp;

	(void)state;
	set_host(false, L2X_S_MSS);
	rig.s->mtu = 1300;
	inet_pton(AF_INET, RIG_SUB4, &a.sin_addr);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), -1);
	rig.frames++;
	tcp = sound(frame, captured(frame), false, false) + 20;
	close(fd);
	assert_int_equal(tcp[20], 2);
	assert_int_equal(get16(tcp + 22), 1260);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(uplink_is_as_by_xdp),
		cmocka_unit_test(downlink_is_as_by_xdp),
		cmocka_unit_test(an_echo_is_answered_as_by_xdp),
		cmocka_unit_test(a_syn_is_clamped),
		cmocka_unit_test(what_is_for_this_host_loses_its_headers),
		cmocka_unit_test(a_segment_for_this_host_loses_them_before),
		cmocka_unit_test(a_segment_that_wants_more_takes_the_other_door),
		cmocka_unit_test(nobody_comes_in_when_the_door_is_shut),
		cmocka_unit_test(congestion_is_told_to_this_host),
		cmocka_unit_test(congestion_overtakes_no_segment),
		cmocka_unit_test(all_else_goes_its_way),
		cmocka_unit_test(what_is_forged_is_not_taken),
		cmocka_unit_test(numbers_hold_across_the_hooks),
		cmocka_unit_test(a_stream_leaves_as_segments),
		cmocka_unit_test(an_uneven_one_goes_the_slow_way),
		cmocka_unit_test(small_ones_leave_with_both_sums),
		cmocka_unit_test(what_is_not_for_tc_goes_to_the_daemon),
		cmocka_unit_test(a_syn_of_this_host_is_clamped),
	};
	struct l2x_config cfg = rig_config();
	int failed;

	rig_namespace();
	rig_stay();
	rig_open(&rig, &cfg);
	rig_open(&by_xdp, &cfg);
	tc_open(&cfg);
	open_door();
	attach_door();
	rig_vlan(&rig, rig.access, 100, 0, rig.vlan);
	rig_vlan(&by_xdp, by_xdp.access, 100, 0, by_xdp.vlan);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	l2xdp_tc_bpf__destroy(tc);
	rig_close(&rig);
	rig_close(&by_xdp);
	return failed;
}
