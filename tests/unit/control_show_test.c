/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of the control socket show, field by field, and what they ask the LNS
 * for. */
#include "tests/unit/control_world.h"

/* ---- what is shown ---- */

static void session_has_every_field(void **state)
{
	json_t *s = ask_ok(*state, "{\"command\":\"show session\",\"arguments\":[\"2\"]}"), *d;

	assert_int_equal(number(s, "id"), 2);
	assert_int_equal(number(s, "tunnel"), 7);
	assert_int_equal(number(s, "session"), 2);
	assert_int_equal(number(s, "peer_tunnel"), 70);
	assert_int_equal(number(s, "peer_session"), 71);
	assert_string_equal(text(s, "peer"), "even");
	assert_string_equal(text(s, "address"), "192.0.2.9");
	assert_int_equal(number(s, "port"), 1702);
	assert_string_equal(text(s, "local_address"), "192.0.2.1");
	assert_int_equal(number(s, "local_port"), 1701);
	assert_string_equal(text(s, "user"), "joe");
	assert_string_equal(text(s, "state"), "open");
	assert_string_equal(text(s, "authentication"), "chap");
	assert_string_equal(text(s, "ipv4"), "10.0.0.2");
	assert_true(json_is_null(json_object_get(s, "ipv6")));
	assert_int_equal(number(s, "mtu"), 1458);
	assert_int_equal(number(s, "peer_mru"), 1500);
	assert_int_equal(number(s, "age"), 61);
	assert_string_equal(text(s, "calling"), "0301");
	assert_string_equal(text(s, "called"), "0800");
	assert_true(json_is_true(json_object_get(s, "sequencing")));
	d = json_object_get(s, "rx");
	assert_int_equal(number(d, "hook_packets"), 1);
	assert_int_equal(number(d, "hook_bytes"), 2);
	assert_int_equal(number(d, "slow_packets"), 10);
	assert_int_equal(number(d, "slow_bytes"), 20);
	assert_int_equal(number(d, "drops"), 33);
	assert_int_equal(number(d, "lost"), 44);
	d = json_object_get(s, "tx");
	assert_int_equal(number(d, "hook_packets"), 5);
	assert_int_equal(number(d, "slow_bytes"), 60);
	assert_int_equal(number(d, "drops"), 77);
	json_decref(s);
}

static void sessions_can_be_chosen(void **state)
{
	static const struct {
		const char *options;
		size_t n;
	} cases[] = {
		{ "{}", 3 },
		{ "{\"peer\":\"odd\"}", 2 },
		{ "{\"peer\":\"nobody\"}", 0 },
		{ "{\"user\":\"joe\",\"limit\":2}", 2 },
		{ "{\"limit\":0}", 0 },
		{ "{\"limit\":\"1\"}", 1 },
		{ "{\"ipv4\":\"10.0.0.2\"}", 1 },
		{ "{\"ipv4\":\"10.0.0.2/31\"}", 2 },
		{ "{\"ipv4\":\"10.0.0.0/8\",\"peer\":\"odd\"}", 2 },
		{ "{\"ipv4\":\"10.0.0.4\"}", 0 },
		{ "{\"after\":1}", 2 },
		{ "{\"after\":\"2\"}", 1 },
		{ "{\"after\":4294967295}", 0 },
		{ "{\"after\":1,\"limit\":1}", 1 },
	};
	char request[128];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *list;

		snprintf(request, sizeof(request), "{\"command\":\"show sessions\",\"options\":%s}",
			 cases[i].options);
		list = ask_ok(*state, request);
		assert_int_equal(json_array_size(list), cases[i].n);
		json_decref(list);
	}
	n_sessions = 0;
	json_decref(ask_ok(*state, "{\"command\":\"show sessions\"}"));
}

static void pages_of_sessions_follow_each_other(void **state)
{
	unsigned int last = 0, seen = 0;
	char request[128];

	n_sessions = 25;
	for (;;) {
		json_t *list;
		size_t n;

		snprintf(request, sizeof(request),
			 "{\"command\":\"show sessions\",\"options\":{\"after\":%u,\"limit\":10}}",
			 last);
		list = ask_ok(*state, request);
		n = json_array_size(list);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(number(json_array_get(list, i), "id"), ++seen);
		json_decref(list);
		if (!n)
			break;
		last = seen;
	}
	assert_int_equal(seen, 25);
}

static void filter_that_makes_no_sense_is_told(void **state)
{
#define SESSIONS(option) "{\"command\":\"show sessions\",\"options\":{" option "}}"
	expect_error(*state, SESSIONS("\"ipv4\":\"joe\""), "usage", "an address or a prefix");
	expect_error(*state, SESSIONS("\"ipv4\":\"2001:db8::1\""), "usage", "10.1.2.3");
	expect_error(*state, SESSIONS("\"ipv4\":\"10.0.0.1/8\""), "usage", "beyond its length");
	expect_error(*state, SESSIONS("\"ipv4\":7"), "usage", "ipv4 is a text");
	expect_error(*state, SESSIONS("\"after\":-1"), "usage", "whole number");
	expect_error(*state, SESSIONS("\"peer\":\"odd\",\"user\":7"), "usage", "user is a text");
}

static void tunnels_stand_in_order(void **state)
{
	json_t *list = ask_ok(*state, "{\"command\":\"show tunnels\"}"), *t;

	assert_int_equal(json_array_size(list), 2);
	t = json_array_get(list, 0);
	assert_int_equal(number(t, "id"), 1);
	assert_int_equal(number(t, "peer_id"), 9);
	assert_int_equal(number(t, "version"), 2);
	assert_string_equal(text(t, "encapsulation"), "udp");
	assert_string_equal(text(t, "peer"), "carrier");
	assert_string_equal(text(t, "host_name"), "lac\"1");
	assert_string_equal(text(t, "state"), "established");
	assert_int_equal(number(t, "sessions"), 3);
	assert_int_equal(number(t, "age"), 5);
	assert_int_equal(number(json_array_get(list, 1), "id"), 2);
	json_decref(list);
}

static void verdicts_and_counters_are_whole(void **state)
{
	json_t *v = ask_ok(*state, "{\"command\":\"show verdicts\"}"), *d;

	assert_int_equal(json_array_size(v), L2X_V_MAX);
	d = json_array_get(v, L2X_V_DECAP);
	assert_string_equal(text(d, "verdict"), "decap");
	assert_string_equal(text(d, "class"), "FORWARD");
	assert_int_equal(number(d, "frames"), 0x7fffffffffff); /* beyond 32 bits */
	json_decref(v);

	v = ask_ok(*state, "{\"command\":\"show datapath\"}");
	assert_string_equal(text(v, "version"), L2XDP_VERSION);
	assert_string_equal(text(v, "mode"), "auto");
	assert_string_equal(text(v, "tun"), "l2tp0");
	assert_int_equal(number(v, "shards"), 2);
	assert_true(json_is_null(json_object_get(v, "bpf_directory")));
	assert_int_equal(number(v, "sessions"), 3);
	assert_int_equal(number(v, "memory"), 1 << 24);
	assert_int_equal(number(v, "age"), 3600);
	d = json_array_get(json_object_get(v, "interfaces"), 1);
	assert_string_equal(text(d, "name"), "eth1");
	assert_string_equal(text(d, "mode"), "off");
	assert_string_equal(text(d, "why"), "driver without XDP");
	assert_int_equal(number(json_object_get(v, "slow"), "rx_ppp"), 12);
	assert_int_equal(number(json_object_get(v, "l2tp"), "sent"), 22);
	d = json_array_get(json_object_get(v, "pools"), 0);
	assert_string_equal(text(d, "name"), "subscribers");
	assert_int_equal(number(d, "ipv6_used"), 0);
	json_decref(v);

	cfg.datapath.bpf_dir = "/sys/fs/bpf/l2xdp";
	v = ask_ok(*state, "{\"command\":\"show datapath\"}");
	assert_string_equal(text(v, "bpf_directory"), "/sys/fs/bpf/l2xdp");
	json_decref(v);
	cfg.datapath.bpf_dir = NULL;
}

static void workers_are_told_one_by_one(void **state)
{
	json_t *v = ask_ok(*state, "{\"command\":\"show workers\"}"), *w;

	assert_string_equal(text(v, "mode"), "number");
	assert_true(json_is_true(json_object_get(v, "on")));
	assert_string_equal(text(v, "advice"), "helps");
	assert_int_equal(number(v, "sessions_here"), 7);
	assert_int_equal(number(v, "moving"), 1);
	assert_int_equal(json_array_size(json_object_get(v, "workers")), 2);
	w = json_array_get(json_object_get(v, "workers"), 0);
	assert_int_equal(number(w, "cpu"), 2);
	assert_string_equal(text(w, "state"), "serves");
	assert_int_equal(number(w, "sessions"), 40);
	assert_int_equal(number(w, "frames"), 0x7fffffffffff);
	assert_int_equal(number(w, "rate"), 1000);
	w = json_array_get(json_object_get(v, "workers"), 1);
	assert_string_equal(text(w, "state"), "leaves");
	assert_int_equal(number(w, "lost"), 9);
	json_decref(v);
	expect_error(*state, "{\"command\":\"show workers\",\"arguments\":[1]}", "usage",
		     "takes no arguments");
}

static void clear_names_its_target(void **state)
{
	json_decref(ask_ok(*state, "{\"command\":\"clear session\",\"arguments\":[3]}"));
	assert_int_equal(cleared_session, 3);
	json_decref(ask_ok(*state, "{\"command\":\"clear tunnel\",\"arguments\":[\"2\"]}"));
	assert_int_equal(cleared_tunnel, 2);
	expect_error(*state, "{\"command\":\"clear session\",\"arguments\":[4]}", "not-found",
		     "no session has ID 4");
	expect_error(*state, "{\"command\":\"clear tunnel\",\"arguments\":[3]}", "not-found",
		     "no tunnel has ID 3");
	expect_error(*state, "{\"command\":\"clear tunnel\",\"arguments\":[65536]}", "not-found",
		     "no tunnel has ID 65536");
	expect_error(*state, "{\"command\":\"clear tunnel\",\"arguments\":[4294967296]}", "usage",
		     "0 to 4294967295");
}

static void preflight_tells_what_and_how(void **state)
{
	json_t *v = ask_ok(*state, "{\"command\":\"preflight\",\"arguments\":[\"eth0\"]}"), *d;

	d = json_array_get(v, 0);
	assert_string_equal(text(d, "device"), "eth0");
	assert_true(json_is_false(json_object_get(d, "ok")));
	d = json_array_get(json_object_get(d, "findings"), 0);
	assert_string_equal(text(d, "level"), "fatal");
	assert_string_equal(text(d, "remedy"), "ethtool -K eth0 lro off");
	json_decref(v);
	expect_error(*state, "{\"command\":\"preflight\",\"arguments\":[\"eth9\"]}", "not-found",
		     "no device eth9");
	expect_error(*state, "{\"command\":\"preflight\",\"arguments\":[\"../x\"]}", "usage",
		     "a device is a name");
	expect_error(*state, "{\"command\":\"preflight\"}", "usage", "1 to 16 devices");
}

static void names_from_the_network_stay_json(void **state)
{
	json_t *s;

	user_name = "a\"b\\\n\x01\xff\xc3\xa9"; /* no UTF-8, so octets are shown */
	s = ask_ok(*state, "{\"command\":\"show session\",\"arguments\":[1]}");
	assert_string_equal(text(s, "user"), "a\"b\\\n\x01\\xff\\xc3\\xa9");
	json_decref(s);
	user_name = "\xc3\xa9t\xc3\xa9";
	s = ask_ok(*state, "{\"command\":\"show session\",\"arguments\":[1]}");
	assert_string_equal(text(s, "user"), "\xc3\xa9t\xc3\xa9");
	json_decref(s);
}

/* ---- maintenance ---- */

static void drain_names_whom_and_how_fast(void **state)
{
	static const struct {
		const char *request, *drained;
		int rate;
	} cases[] = {
		{ "{\"command\":\"drain\"}", "all at 0", 0 },
		{ "{\"command\":\"drain\",\"options\":{\"peer\":\"carrier\"}}", "carrier at 0", 0 },
		{ "{\"command\":\"drain\",\"options\":{\"peer\":\"carrier\",\"rate\":\"50\"}}",
		  "carrier at 50", 50 },
	};
	json_t *v;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		v = ask_ok(*state, cases[i].request);
		assert_string_equal(drained, cases[i].drained);
		assert_int_equal(number(v, "rate"), cases[i].rate);
		if (i)
			assert_string_equal(text(v, "drained"), "carrier");
		else
			assert_true(json_is_null(json_object_get(v, "drained")));
		json_decref(v);
	}
	json_decref(ask_ok(*state, "{\"command\":\"undrain\"}"));
	assert_string_equal(drained, "not all");
	v = ask_ok(*state, "{\"command\":\"undrain\",\"options\":{\"peer\":\"carrier\"}}");
	assert_string_equal(drained, "not carrier");
	assert_string_equal(text(v, "undrained"), "carrier");
	json_decref(v);
}

static void drain_refuses_what_makes_no_sense(void **state)
{
	drained[0] = '\0';
	expect_error(*state, "{\"command\":\"drain\",\"options\":{\"rate\":5}}", "usage",
		     "rate needs a peer");
	expect_error(*state,
		     "{\"command\":\"drain\",\"options\":{\"peer\":\"carrier\",\"rate\":0}}",
		     "usage", "1 to 65535");
	expect_error(*state,
		     "{\"command\":\"drain\",\"options\":{\"peer\":\"carrier\",\"rate\":65536}}",
		     "usage", "1 to 65535");
	expect_error(*state, "{\"command\":\"drain\",\"options\":{\"peer\":7}}", "usage",
		     "peer is a text");
	expect_error(*state, "{\"command\":\"drain\",\"arguments\":[\"carrier\"]}", "usage",
		     "takes no arguments");
	expect_error(*state, "{\"command\":\"undrain\",\"options\":{\"rate\":1}}", "usage",
		     "no option");
	expect_error(*state, "{\"command\":\"drain\",\"options\":{\"peer\":\"x\"}}", "not-found",
		     "drain: no peer x");
	/* an LNS without words */
	expect_error(*state, "{\"command\":\"undrain\",\"options\":{\"peer\":\"x\"}}", "not-found",
		     "No such file");
	assert_string_equal(drained, "");
}

static void peers_show_who_is_drained(void **state)
{
	json_t *list = ask_ok(*state, "{\"command\":\"show peers\"}"), *p;

	assert_int_equal(json_array_size(list), 2);
	p = json_array_get(list, 0);
	assert_string_equal(text(p, "name"), "carrier");
	assert_int_equal(number(p, "tunnels"), 2);
	assert_int_equal(number(p, "sessions"), 300);
	assert_true(json_is_true(json_object_get(p, "draining")));
	assert_int_equal(number(p, "rate"), 50);
	assert_int_equal(number(p, "half_open"), 7);
	assert_int_equal(number(p, "refused"), 8);
	p = json_array_get(list, 1);
	assert_string_equal(text(p, "name"), "\\xff");
	assert_true(json_is_false(json_object_get(p, "draining")));
	json_decref(list);
	expect_error(*state, "{\"command\":\"show peers\",\"arguments\":[1]}", "usage",
		     "no arguments");
}

static void state_has_every_field(void **state)
{
	json_t *v, *d;

	state_info = (struct lns_state_info){
		.adoption = { true, 1, 2, 3, "other sizes" },
		.store = { STORE_DURABLE, "hot store set aside", 5999 },
		.health = { 11, 12, 13, 14, 15, 16, "disk full" },
		.tunnels_restored = 21,
		.sessions_restored = 22,
		.sessions_dropped = 23,
		.wires_restored = 25,
		.wires_dropped = 26,
		.set_aside = 2,
		.restored_in_ms = 24,
		.draining = true,
		.sweep = { 31, 32, 33, 34, 35 },
	};
	v = ask_ok(*state, "{\"command\":\"show state\"}");
	assert_string_equal(text(v, "runtime_directory"), "/run/l2xdp");
	assert_string_equal(text(v, "state_directory"), "/var/lib/l2xdp");
	assert_true(json_is_null(json_object_get(v, "bpf_directory")));
	assert_true(json_is_true(json_object_get(v, "draining")));
	d = json_object_get(v, "start");
	assert_string_equal(text(d, "origin"), "durable");
	assert_int_equal(number(d, "behind"), 5);
	assert_string_equal(text(d, "note"), "hot store set aside");
	assert_int_equal(number(d, "tunnels"), 21);
	assert_int_equal(number(d, "sessions"), 22);
	assert_int_equal(number(d, "dropped"), 23);
	assert_int_equal(number(d, "pseudowires"), 25);
	assert_int_equal(number(d, "pseudowires_dropped"), 26);
	assert_int_equal(number(d, "set_aside"), 2);
	assert_int_equal(number(d, "ms"), 24);
	assert_true(json_is_true(json_object_get(d, "maps_adopted")));
	assert_int_equal(number(d, "kept"), 1);
	assert_int_equal(number(d, "put"), 2);
	assert_int_equal(number(d, "removed"), 3);
	assert_string_equal(text(d, "maps_note"), "other sizes");
	d = json_object_get(v, "store");
	assert_int_equal(number(d, "records"), 11);
	assert_int_equal(number(d, "octets"), 12);
	assert_int_equal(number(d, "commits"), 13);
	assert_int_equal(number(d, "failed_commits"), 14);
	assert_int_equal(number(d, "durable_commits"), 15);
	assert_int_equal(number(d, "durable_behind_ms"), 16);
	assert_string_equal(text(d, "error"), "disk full");
	d = json_object_get(v, "counters");
	assert_int_equal(number(d, "sessions"), 31);
	assert_int_equal(number(d, "pages"), 32);
	assert_int_equal(number(d, "ms"), 33);
	assert_int_equal(number(d, "busy_us"), 34);
	assert_int_equal(number(d, "slice_us"), 35);
	json_decref(v);

	state_info = (struct lns_state_info){ .store = { STORE_HOT, "", 5999 } };
	v = ask_ok(*state, "{\"command\":\"show state\"}");
	d = json_object_get(v, "start");
	assert_string_equal(text(d, "origin"), "runtime");
	assert_true(json_is_null(json_object_get(d, "behind")));
	assert_true(json_is_null(json_object_get(d, "note")));
	assert_true(json_is_null(json_object_get(json_object_get(v, "store"), "error")));
	json_decref(v);
}

static void reload_tells_what_is_wrong_or_would_be_lost(void **state)
{
	json_t *v = ask_ok(*state, "{\"command\":\"reload\"}");

	assert_int_equal(reloaded, 1);
	assert_true(json_is_true(json_object_get(v, "reloading")));
	assert_true(json_is_null(json_object_get(v, "text")));
	json_decref(v);

	reload_says = "f:1: this\nf:2: that";
	reload_returns = -EINVAL;
	expect_error(*state, "{\"command\":\"reload\"}", "failed", "f:1: this\nf:2: that");
	reload_returns = -EBUSY;
	expect_error(*state, "{\"command\":\"reload\"}", "needs-force", "f:2: that");
	reload_says = "";
	reload_returns = -EIO;
	expect_error(*state, "{\"command\":\"reload\"}", "failed", "look at the daemon's log");

	reloaded = 0;
	reload_returns = 0;
	reload_says = "session 7 ends\n";
	v = ask_ok(*state, "{\"command\":\"reload\",\"options\":{\"force\":true}}");
	assert_int_equal(reloaded, 2);
	assert_string_equal(text(v, "text"), "session 7 ends");
	json_decref(v);
	expect_error(*state, "{\"command\":\"reload\",\"options\":{\"force\":\"yes\"}}", "usage",
		     "force is true or false");
	assert_int_equal(reloaded, 2);
}

static void way_is(const json_t *v, const char *which, int packets, int slow, int drops, int lost)
{
	const json_t *way = json_object_get(v, which);

	assert_int_equal(number(way, "hook_frames"), packets);
	assert_int_equal(number(way, "slow_frames"), slow);
	assert_int_equal(number(way, "slow_bytes"), slow + 10);
	assert_int_equal(number(way, "frames"), packets + slow);
	assert_int_equal(number(way, "bytes"), number(way, "hook_bytes") + slow + 10);
	assert_int_equal(number(way, "drops"), drops);
	assert_int_equal(number(way, "lost"), lost);
}

static void pseudowire_has_every_field(void **state)
{
	json_t *list = ask_ok(*state, "{\"command\":\"pseudowire show\"}");
	const json_t *v = json_array_get(list, 0), *a = json_object_get(v, "attach");

	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(text(v, "name"), "vm3");
	assert_string_equal(text(v, "state"), "up");
	assert_true(json_is_null(json_object_get(v, "why")));
	assert_int_equal(number(v, "index"), 4711);
	assert_true(json_is_false(json_object_get(v, "signalled")));
	assert_string_equal(text(v, "encapsulation"), "ip");
	assert_string_equal(text(v, "peer"), "2001::7");
	assert_string_equal(text(v, "local_address"), "2001::1");
	assert_int_equal(number(v, "port") + number(v, "local_port"), 0);
	assert_int_equal(number(v, "mtu"), 1472);
	assert_int_equal(number(json_object_get(v, "session"), "local"), 0xfffffffe);
	assert_int_equal(number(json_object_get(v, "session"), "remote"), 7);
	assert_int_equal(number(json_object_get(v, "cookie_octets"), "local"), 8);
	assert_int_equal(number(json_object_get(v, "cookie_octets"), "local_second"), 8);
	assert_int_equal(number(json_object_get(v, "cookie_octets"), "remote"), 4);
	assert_string_equal(text(json_object_get(v, "sublayer"), "local"), "none");
	assert_string_equal(text(json_object_get(v, "sublayer"), "remote"), "default");
	assert_string_equal(text(v, "sequencing"), "send");
	assert_true(json_is_false(json_object_get(v, "checksum")));
	assert_string_equal(text(v, "too_large"), "icmp");
	assert_true(json_is_true(json_object_get(v, "mss_clamp")));
	assert_int_equal(number(v, "configured_mtu"), 1400);
	assert_int_equal(number(v, "dscp"), 46);
	assert_int_equal(number(v, "bum_limit"), 9);
	assert_string_equal(text(a, "device"), "l2tpeth3");
	assert_string_equal(text(a, "create"), "veth");
	assert_string_equal(text(a, "netns"), "vm3");
	assert_string_equal(text(a, "program_device"), "l2tpw3");
	assert_int_equal(number(a, "ifindex"), 5);
	assert_string_equal(text(a, "mode"), "native");
	assert_true(json_is_null(json_object_get(a, "tag")));
	way_is(v, "rx", 1, 10, 33, 44);
	way_is(v, "tx", 5, 50, 77, 88);
	json_decref(list);
}

/* The values of cookies keep strangers out: neither here nor in a list. */
static void signalled_pseudowire_tells_of_its_connection(void **state)
{
	const struct lns_signal_info info = { .connection = "branch7",
					      .tunnel_id = 4000000000u,
					      .peer_tunnel_id = 70000,
					      .state = "established",
					      .host_name = "far",
					      .retry_ms = TIMERS_NEVER,
					      .end_id = "end7",
					      .session = true,
					      .session_state = "established",
					      .ready = true };
	json_t *v, *c;

	signal_info = &info;
	v = ask_ok(*state, "{\"command\":\"pseudowire show\",\"arguments\":[\"branch7\"]}");
	signal_info = NULL;
	c = json_object_get(v, "control");
	assert_int_equal(number(c, "tunnel"), 4000000000u);
	assert_int_equal(number(c, "peer_tunnel"), 70000);
	assert_string_equal(text(c, "name"), "branch7");
	assert_string_equal(text(c, "state"), "established");
	assert_string_equal(text(c, "host_name"), "far");
	assert_string_equal(text(c, "remote_end_id"), "end7");
	assert_true(json_is_null(json_object_get(c, "why")));
	assert_true(json_is_null(json_object_get(c, "redial")));
	assert_string_equal(text(json_object_get(c, "session"), "state"), "established");
	assert_string_equal(text(json_object_get(c, "session"), "peer_circuit"), "down");
	json_decref(v);
}

static void pseudowire_can_be_named(void **state)
{
	json_t *v = ask_ok(*state, "{\"command\":\"pseudowire show\",\"arguments\":[\"branch7\"]}");
	json_t *list;
	const json_t *a = json_object_get(v, "attach");
	char *whole;

	assert_string_equal(text(v, "state"), "down");
	assert_string_equal(text(v, "why"), "there is no eth2");
	assert_string_equal(text(v, "encapsulation"), "udp");
	assert_int_equal(number(v, "port"), 5000);
	assert_true(json_is_null(json_object_get(a, "create")));
	assert_true(json_is_null(json_object_get(a, "netns")));
	assert_int_equal(json_integer_value(json_array_get(json_object_get(a, "vlan"), 1)), 7);
	assert_int_equal(json_integer_value(json_array_get(json_object_get(a, "wire_vlan"), 0)), 8);
	assert_string_equal(text(a, "tag"), "rewrite");
	assert_string_equal(text(a, "outer_tag"), "dot1q");
	json_decref(v);
	list = ask_ok(*state, "{\"command\":\"pseudowire show\"}");
	whole = json_dumps(list, 0);
	assert_null(strstr(whole, "12345678"));
	assert_null(strstr(whole, "wxyz"));
	free(whole);
	json_decref(list);
	expect_error(*state, "{\"command\":\"pseudowire show\",\"arguments\":[\"x\"]}", "not-found",
		     "none of that name");
	expect_error(*state, "{\"command\":\"pseudowire show\",\"arguments\":[1]}", "usage",
		     "one name");
}

static void pseudowires_are_added_by_name_first(void **state)
{
	json_t *v =
		ask_ok(*state, "{\"command\":\"pseudowire add\",\"options\":{\"entry\":{"
			       "\"peer\":\"\u00e9\",\"session\":{\"local\":3},\"name\":\"vm3\"}}}");

	/* as loader/control/managed.h wants it: one line of printable ASCII */
	assert_string_equal(
		pseudowired,
		"vm3 {\"name\":\"vm3\",\"peer\":\"\\u00E9\",\"session\":{\"local\":3}}");
	assert_string_equal(text(v, "adding"), "vm3");
	assert_true(json_is_null(json_object_get(v, "text")));
	json_decref(v);
	v = ask_ok(*state, "{\"command\":\"pseudowire del\",\"arguments\":[\"vm3\"]}");
	assert_string_equal(pseudowired, "vm3 ends");
	assert_string_equal(text(v, "deleting"), "vm3");
	json_decref(v);
	reload_says = "f:1: this\nf:2: that\n";
	reload_returns = -EINVAL;
	expect_error(*state,
		     "{\"command\":\"pseudowire add\",\"options\":{\"entry\":{\"name\":\"a\"}}}",
		     "failed", "f:1: this\nf:2: that");
	reload_returns = -ENOENT;
	expect_error(*state, "{\"command\":\"pseudowire del\",\"arguments\":[\"a\"]}", "not-found",
		     "f:1: this");
	expect_error(*state, "{\"command\":\"pseudowire add\"}", "usage", "takes the option entry");
	expect_error(*state, "{\"command\":\"pseudowire add\",\"options\":{\"entry\":[1]}}",
		     "usage", "takes the option entry");
	expect_error(*state, "{\"command\":\"pseudowire del\"}", "usage", "takes one name");
}

static void long_list_of_faults_comes_whole(void **state)
{
	char *faults = calloc(1, 4000), last[] = "f:99: the last";
	json_t *v;

	assert_non_null(faults);
	memset(faults, 'x', 4000 - sizeof(last));
	strcat(faults, last);
	reload_says = faults;
	reload_returns = -EINVAL;
	v = ask(*state, "{\"command\":\"reload\"}");
	assert_non_null(strstr(text(v, "error"), last));
	json_decref(v);
	free(faults);
}

static void shutdown_says_what_it_closes(void **state)
{
	json_t *v;

	expect_error(*state, "{\"command\":\"shutdown\",\"arguments\":[\"now\"]}", "usage",
		     "takes no arguments");
	assert_int_equal(ended, 0);
	v = ask_ok(*state, "{\"command\":\"shutdown\"}");
	assert_int_equal(ended, 1);
	assert_int_equal(number(v, "closing"), 3);
	assert_int_equal(number(v, "pseudowires"), 2);
	json_decref(v);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(session_has_every_field),
		T(sessions_can_be_chosen),
		T(pages_of_sessions_follow_each_other),
		T(filter_that_makes_no_sense_is_told),
		T(tunnels_stand_in_order),
		T(verdicts_and_counters_are_whole),
		T(workers_are_told_one_by_one),
		T(clear_names_its_target),
		T(preflight_tells_what_and_how),
		T(names_from_the_network_stay_json),
		T(drain_names_whom_and_how_fast),
		T(drain_refuses_what_makes_no_sense),
		T(peers_show_who_is_drained),
		T(state_has_every_field),
		T(reload_tells_what_is_wrong_or_would_be_lost),
		T(pseudowire_has_every_field),
		T(signalled_pseudowire_tells_of_its_connection),
		T(pseudowire_can_be_named),
		T(pseudowires_are_added_by_name_first),
		T(long_list_of_faults_comes_whole),
		T(shutdown_says_what_it_closes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
