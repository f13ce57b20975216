/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The control socket with an LNS that this file makes up: what is asked, what is
 * answered, and what hostile clients cannot do (quirks.md, class Management).
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

#include "loader/aaa/aaa.h"
#include "loader/control/control.h"
#include "loader/lns.h"

/* ---- the LNS and the data path, made up ---- */

static unsigned int n_sessions, n_tunnels, cleared_session, cleared_tunnel;
static const char *user_name = "joe";
static struct config_pool the_pool = { .name = (char *)"subscribers" };
static struct config cfg = { .hostname = (char *)"lns1",
			     .datapath = { .shards = 2, .port = 1701, .n_listen = 1 },
			     .pools = &the_pool,
			     .n_pools = 1 };

static void fill(uint32_t index, struct lns_session_info *s)
{
	*s = (struct lns_session_info){
		.index = index,
		.tunnel_id = 7,
		.session_id = (uint16_t)index,
		.peer_tunnel_id = 70,
		.peer_session_id = 71,
		.peer = index % 2 ? "odd" : "even",
		.path = { .local = addr_from_v4(0xc0000201),
			  .peer = addr_from_v4(0xc0000209),
			  .local_port = 1701,
			  .peer_port = 1702 },
		.user = user_name,
		.state = "open",
		.authentication = "chap",
		.ipv4 = addr_from_v4(0x0a000000 + index),
		.mtu = 1458,
		.peer_mru = 1500,
		.age_ms = 61999,
		.calling = "0301",
		.called = "0800",
		.sequencing = true,
		.traffic = { .hook_rx = { 1, 2, 3, 4 },
			     .slow_rx = { 10, 20, 30, 40 },
			     .hook_tx = { 5, 6, 7, 8 },
			     .slow_tx = { 50, 60, 70, 80 } },
	};
}

void lns_sessions_visit(struct lns *lns, bool (*fn)(void *arg, const struct lns_session_info *s),
			void *arg)
{
	struct lns_session_info s;
	uint32_t i;

	(void)lns;
	for (i = 1; i <= n_sessions; i++) {
		fill(i, &s);
		if (!fn(arg, &s))
			return;
	}
}

int lns_session_info(struct lns *lns, uint32_t index, struct lns_session_info *ret)
{
	(void)lns;
	if (!index || index > n_sessions)
		return -ENOENT;
	fill(index, ret);
	return 0;
}

void lns_tunnels_visit(struct lns *lns, bool (*fn)(void *arg, const struct lns_tunnel_info *t),
		       void *arg)
{
	unsigned int i;

	(void)lns;
	for (i = n_tunnels; i; i--) {
		struct lns_tunnel_info t = { .tunnel_id = (uint16_t)i,
					     .peer_tunnel_id = 9,
					     .peer = "carrier",
					     .host_name = "lac\"1",
					     .vendor = "v",
					     .state = "established",
					     .path = { .peer = addr_from_v4(0xc0000209),
						       .peer_port = 1701 },
					     .sessions = 3,
					     .age_ms = 5000 };

		if (!fn(arg, &t))
			return;
	}
}

int lns_session_clear(struct lns *lns, uint32_t index)
{
	(void)lns;
	if (!index || index > n_sessions)
		return -ENOENT;
	cleared_session = index;
	return 0;
}

int lns_tunnel_clear(struct lns *lns, uint16_t tunnel_id)
{
	(void)lns;
	if (!tunnel_id || tunnel_id > n_tunnels)
		return -ENOENT;
	cleared_tunnel = tunnel_id;
	return 0;
}

struct datapath *lns_datapath(struct lns *lns)
{
	(void)lns;
	return NULL;
}

const struct config *lns_config(const struct lns *lns)
{
	(void)lns;
	return &cfg;
}

const struct l2tp_endpoint *lns_l2tp(const struct lns *lns)
{
	(void)lns;
	return NULL;
}

unsigned int lns_session_count(const struct lns *lns)
{
	(void)lns;
	return n_sessions;
}

msec_t lns_age_ms(struct lns *lns)
{
	(void)lns;
	return 3600000;
}

const struct pool *lns_pool(const struct lns *lns, unsigned int index)
{
	(void)lns;
	(void)index;
	return NULL;
}

#define V(n, NAME, name, class, text) [n] = { name, #class, text },
const struct dp_verdict_info dp_verdicts[L2X_V_MAX] = { L2X_VERDICTS(V) };
const char *const dp_mode_names[] = { "auto", "native", "generic", "off" };
const char *const dp_slow_counter_names[DP_SLOW_MAX] = { "rx_control", "rx_ppp" };
const char *const l2tp_counter_names[L2TP_C_MAX] = { "received", "sent" };

void dp_verdict_counts(struct datapath *dp, uint64_t ret[L2X_V_MAX])
{
	(void)dp;
	ret[L2X_V_DECAP] = 0x7fffffffffff;
}

const uint64_t *dp_slow_counters(const struct datapath *dp)
{
	static const uint64_t counts[DP_SLOW_MAX] = { 11, 12 };

	(void)dp;
	return counts;
}

const uint64_t *l2tp_counters(const struct l2tp_endpoint *ep)
{
	static const uint64_t counts[L2TP_C_MAX] = { 21, 22 };

	(void)ep;
	return counts;
}

size_t dp_memory(const struct dp_config *c)
{
	(void)c;
	return 1u << 24;
}

const char *dp_tun_name(const struct datapath *dp)
{
	(void)dp;
	return "l2tp0";
}

unsigned int dp_interfaces(struct datapath *dp, struct dp_interface_info *ret, unsigned int cap)
{
	(void)dp;
	assert_true(cap >= 2);
	ret[0] = (struct dp_interface_info){ "eth0", 3, 1500, "native", NULL, true };
	ret[1] = (struct dp_interface_info){ "eth1", 4, 1500, "off", "driver without XDP", false };
	return 2;
}

int dp_preflight(const char *ifname, struct dp_finding ret[DP_MAX_FINDINGS])
{
	if (strcmp(ifname, "eth0") != 0)
		return -ENODEV;
	ret[0] = (struct dp_finding){ DP_FATAL, "LRO is on", "ethtool -K eth0 lro off" };
	ret[1] = (struct dp_finding){ DP_OK, "4 queues", "" };
	return 2;
}

/* ---- the socket under test ---- */

struct fixture {
	struct event_base *base;
	struct control *control;
	char dir[32], path[64];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char err[256];

	assert_non_null(f);
	strcpy(f->dir, "/tmp/control-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/sock", f->dir);
	f->base = event_base_new();
	if (control_open(f->path, f->base, (struct lns *)f, &f->control, err, sizeof(err)))
		fail_msg("%s", err);
	n_sessions = 3;
	n_tunnels = 2;
	user_name = "joe";
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	control_close(f->control);
	event_base_free(f->base);
	assert_int_equal(rmdir(f->dir), 0); /* the socket file is gone */
	free(f);
	return 0;
}

static int dial(const struct fixture *f)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strcpy(sa.sun_path, f->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static void turn(struct fixture *f, unsigned int times)
{
	while (times--)
		event_base_loop(f->base, EVLOOP_NONBLOCK);
}

/* One line, or what came before the end; the caller's to free. */
static char *read_line(struct fixture *f, int fd, bool *ret_end)
{
	size_t len = 0, cap = 1u << 16;
	char *buf = malloc(cap);
	unsigned int idle = 0;
	ssize_t n;

	*ret_end = false;
	while (idle < 1000) {
		if (len + 2 > cap)
			buf = realloc(buf, cap *= 2);
		assert_non_null(buf);
		/* a block at a time, but never beyond the line */
		n = recv(fd, buf + len, cap - len - 1, MSG_PEEK);
		if (n < 0 && errno == EAGAIN) {
			idle++;
			turn(f, 1);
			continue;
		}
		if (n <= 0) {
			*ret_end = true;
			break;
		}
		idle = 0;
		char *eol = memchr(buf + len, '\n', (size_t)n);

		n = recv(fd, buf + len, eol ? (size_t)(eol - (buf + len)) + 1 : (size_t)n, 0);
		len += (size_t)n;
		if (eol)
			break;
	}
	buf[len] = '\0';
	return buf;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static json_t *answer(struct fixture *f, int fd)
{
	bool end;
	char *line = read_line(f, fd, &end);
	json_t *v = json_loads(line, 0, NULL);

	if (!v)
		fail_msg("no answer but \"%.200s\"", line);
	free(line);
	return v;
}

static json_t *ask(struct fixture *f, const char *request)
{
	int fd = dial(f);
	json_t *v;

	say(fd, request);
	say(fd, "\n");
	v = answer(f, fd);
	close(fd);
	turn(f, 2);
	return v;
}

static json_t *ask_ok(struct fixture *f, const char *request)
{
	json_t *v = ask(f, request), *result;

	if (!json_is_true(json_object_get(v, "ok")))
		fail_msg("%s: %s", request, json_string_value(json_object_get(v, "error")));
	result = json_incref(json_object_get(v, "result"));
	json_decref(v);
	return result;
}

static void expect_error(struct fixture *f, const char *request, const char *code, const char *says)
{
	json_t *v = ask(f, request);
	const char *error = json_string_value(json_object_get(v, "error"));

	assert_true(json_is_false(json_object_get(v, "ok")));
	assert_string_equal(json_string_value(json_object_get(v, "code")), code);
	if (!strstr(error, says))
		fail_msg("%s: \"%s\" does not say \"%s\"", request, error, says);
	json_decref(v);
}

static json_int_t number(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_integer(v))
		fail_msg("%s is no number", key);
	return json_integer_value(v);
}

static const char *text(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_string(v))
		fail_msg("%s is no text", key);
	return json_string_value(v);
}

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

static void tunnels_stand_in_order(void **state)
{
	json_t *list = ask_ok(*state, "{\"command\":\"show tunnels\"}"), *t;

	assert_int_equal(json_array_size(list), 2);
	t = json_array_get(list, 0);
	assert_int_equal(number(t, "id"), 1);
	assert_int_equal(number(t, "peer_id"), 9);
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
	expect_error(*state, "{\"command\":\"clear tunnel\",\"arguments\":[65536]}", "usage",
		     "0 to 65535");
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

/* ---- what clients may not do ---- */

static void wrong_requests_are_told(void **state)
{
	expect_error(*state, "{\"command\":\"show sessionz\"}", "usage", "no command show");
	expect_error(*state, "{}", "usage", "no command");
	expect_error(*state, "{\"command\":7}", "usage", "no command");
	expect_error(*state, "{\"command\":\"show tunnels\",\"arguments\":{}}", "usage", "list");
	expect_error(*state, "{\"command\":\"show tunnels\",\"options\":[]}", "usage", "object");
	expect_error(*state, "{\"command\":\"show tunnels\",\"arguments\":[1]}", "usage",
		     "takes no arguments");
	expect_error(*state, "{\"command\":\"show tunnels\",\"options\":{\"x\":1}}", "usage",
		     "no option");
	expect_error(*state, "{\"command\":\"show sessions\",\"options\":{\"peer\":1}}", "usage",
		     "peer is a text");
	expect_error(*state, "{\"command\":\"show sessions\",\"options\":{\"limit\":-1}}", "usage",
		     "whole number");
	expect_error(*state, "{\"command\":\"show session\",\"arguments\":[\"1x\"]}", "usage",
		     "takes the ID");
	expect_error(*state, "{\"command\":\"show session\",\"arguments\":[1.5]}", "usage",
		     "takes the ID");
	expect_error(*state, "{\"command\":\"show session\",\"arguments\":[99]}", "not-found",
		     "no session has ID 99");
	expect_error(*state, "[]", "usage", "one JSON object");
	expect_error(*state, "hello", "usage", "one JSON object");
	expect_error(*state, "", "usage", "one JSON object");
}

static void connection_lives_on_after_a_wrong_command(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);
	json_t *v;

	say(fd, "{\"command\":\"nonsense\"}\n{\"command\":\"show tunnels\"}\n");
	v = answer(f, fd);
	assert_true(json_is_false(json_object_get(v, "ok")));
	json_decref(v);
	v = answer(f, fd);
	assert_true(json_is_true(json_object_get(v, "ok")));
	json_decref(v);
	close(fd);
}

static void connection_ends_after_what_is_not_json(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);
	bool end;

	say(fd, "{\"command\":\n{\"command\":\"show tunnels\"}\n");
	json_decref(answer(f, fd));
	free(read_line(f, fd, &end));
	assert_true(end);
	close(fd);
}

static void half_lines_wait_for_their_rest(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);
	const char *p;

	for (p = "{\"command\":\"show tunnels\"}\n"; *p; p++) {
		assert_int_equal(send(fd, p, 1, MSG_NOSIGNAL), 1);
		turn(f, 2);
	}
	json_decref(answer(f, fd));
	close(fd);
}

static void client_that_closes_its_half_gets_its_answers(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f), i;
	bool end;

	n_sessions = 2000; /* more than one output buffer */
	for (i = 0; i < 3; i++)
		say(fd, "{\"command\":\"show sessions\"}\n");
	shutdown(fd, SHUT_WR);
	for (i = 0; i < 3; i++) {
		json_t *v = answer(f, fd);

		assert_int_equal(json_array_size(json_object_get(v, "result")), 2000);
		json_decref(v);
	}
	free(read_line(f, fd, &end));
	assert_true(end);
	close(fd);
}

static void megabyte_line_is_refused(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f), i;
	char block[4096];
	json_t *v;
	bool end;

	memset(block, 'x', sizeof(block));
	for (i = 0; i < 256; i++) {
		if (send(fd, block, sizeof(block), MSG_NOSIGNAL) < 0)
			break;
		turn(f, 1);
	}
	v = answer(f, fd);
	assert_non_null(strstr(text(v, "error"), "more than 64 KiB"));
	json_decref(v);
	free(read_line(f, fd, &end));
	assert_true(end);
	close(fd);
}

static void deep_nesting_is_refused(void **state)
{
	char line[20002];

	memset(line, '[', sizeof(line) - 2);
	line[sizeof(line) - 2] = '\0';
	expect_error(*state, line, "usage", "one JSON object");
}

static void connections_are_limited(void **state)
{
	struct fixture *f = *state;
	int fds[34], i;
	json_t *v;

	for (i = 0; i < 34; i++) {
		fds[i] = dial(f);
		turn(f, 2);
	}
	v = answer(f, fds[33]);
	assert_non_null(strstr(text(v, "error"), "too many connections"));
	json_decref(v);
	for (i = 0; i < 34; i++)
		close(fds[i]);
	turn(f, 10);
	json_decref(ask_ok(f, "{\"command\":\"show tunnels\"}"));
}

static void slow_reader_costs_little(void **state)
{
	struct fixture *f = *state;
	size_t before, after;
	int fd = dial(f), i;

	n_sessions = 65536;
	turn(f, 2);
	malloc_trim(0);
	before = mallinfo2().uordblks + mallinfo2().hblkhd;
	/* asks a hundred times and reads nothing */
	for (i = 0; i < 100; i++)
		say(fd, "{\"command\":\"show sessions\"}\n");
	turn(f, 1000);
	after = mallinfo2().uordblks + mallinfo2().hblkhd;
	assert_true(after - before < 1u << 20);
	/* others are served meanwhile */
	json_decref(ask_ok(f, "{\"command\":\"show tunnels\"}"));
	close(fd);
	turn(f, 10);
}

static void all_sessions_of_a_shard_stream_out(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);
	char *line, *p;
	size_t n = 0;
	bool end;

	n_sessions = 65535;
	say(fd, "{\"command\":\"show sessions\"}\n");
	line = read_line(f, fd, &end);
	assert_int_equal(strncmp(line, "{\"ok\":true,\"result\":[{\"id\":1,", 29), 0);
	for (p = line; *p; p++)
		n += p[0] == '{' && !strncmp(p, "{\"id\":", 6);
	assert_int_equal(n, 65535);
	assert_string_equal(line + strlen(line) - 4, "}]}\n");
	free(line);
	close(fd);
}

static void session_that_goes_meanwhile_is_left_out(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f);
	json_t *v;

	n_sessions = 65535;
	say(fd, "{\"command\":\"show sessions\"}\n");
	turn(f, 3);
	n_sessions = 1000;
	v = answer(f, fd);
	assert_true(json_array_size(json_object_get(v, "result")) >= 1000);
	assert_true(json_array_size(json_object_get(v, "result")) < 5000);
	json_decref(v);
	close(fd);
}

/* ---- the file ---- */

static void socket_file_is_for_the_owner_alone(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(lstat(f->path, &st), 0);
	assert_true(S_ISSOCK(st.st_mode));
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void live_socket_is_not_taken_over(void **state)
{
	struct fixture *f = *state;
	struct control *other = NULL;
	char err[256];

	assert_int_equal(control_open(f->path, f->base, NULL, &other, err, sizeof(err)),
			 -EADDRINUSE);
	assert_non_null(strstr(err, "another daemon answers"));
	json_decref(ask_ok(f, "{\"command\":\"show tunnels\"}"));
}

static void dead_socket_is_replaced_and_a_file_is_not(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct control *c = NULL;
	char err[256];
	int fd;

	snprintf(sa.sun_path, sizeof(sa.sun_path), "%s/dead", f->dir);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	close(fd);
	assert_int_equal(control_open(sa.sun_path, f->base, NULL, &c, err, sizeof(err)), 0);
	control_close(c);
	assert_int_equal(access(sa.sun_path, F_OK), -1);

	fd = open(sa.sun_path, O_CREAT | O_WRONLY, 0600);
	close(fd);
	assert_int_equal(control_open(sa.sun_path, f->base, NULL, &c, err, sizeof(err)), -EEXIST);
	assert_int_equal(unlink(sa.sun_path), 0);
	assert_int_equal(control_open("/nonexistent/dir/s", f->base, NULL, &c, err, sizeof(err)),
			 -ENOENT);
	assert_non_null(strstr(err, "/nonexistent/dir/s"));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(session_has_every_field),
		T(sessions_can_be_chosen),
		T(tunnels_stand_in_order),
		T(verdicts_and_counters_are_whole),
		T(clear_names_its_target),
		T(preflight_tells_what_and_how),
		T(names_from_the_network_stay_json),
		T(wrong_requests_are_told),
		T(connection_lives_on_after_a_wrong_command),
		T(connection_ends_after_what_is_not_json),
		T(half_lines_wait_for_their_rest),
		T(client_that_closes_its_half_gets_its_answers),
		T(megabyte_line_is_refused),
		T(deep_nesting_is_refused),
		T(connections_are_limited),
		T(slow_reader_costs_little),
		T(all_sessions_of_a_shard_stream_out),
		T(session_that_goes_meanwhile_is_left_out),
		T(socket_file_is_for_the_owner_alone),
		T(live_socket_is_not_taken_over),
		T(dead_socket_is_replaced_and_a_file_is_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
