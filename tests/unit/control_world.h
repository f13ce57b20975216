/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A control socket in a directory of its own, and the LNS and data path that it asks, made
 * up. */
#ifndef L2XDP_TESTS_CONTROL_WORLD_H
#define L2XDP_TESTS_CONTROL_WORLD_H

#include <errno.h>
#include <event2/event.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>
#include <jansson.h>

#include "loader/aaa/aaa.h"
#include "loader/control/control.h"
#include "loader/lns.h"

/* ---- the LNS and the data path, made up ---- */

static unsigned int walk_us, walked; /* what a look takes; how many there were */
static unsigned int n_sessions, n_tunnels, cleared_session, cleared_tunnel;
static unsigned int reloaded, ended;
static struct event_base *break_at_clear;
static int reload_returns;
static const char *reload_says = "";
static char drained[64];
static struct lns_state_info state_info;
static const struct lns_signal_info *signal_info; /* of the second pseudowire; NULL: static */
static const char *user_name = "joe";
static struct config_pool the_pool = { .name = (char *)"subscribers" };
static struct config cfg = { .hostname = (char *)"lns1",
			     .datapath = { .shards = 2, .port = 1701, .n_listen = 1 },
			     .run_dir = (char *)"/run/l2xdp",
			     .state_dir = (char *)"/var/lib/l2xdp",
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

/* Looks at one place at a time, as slowly as it is told. */
int lns_sessions_next(struct lns *lns, struct lns_session_walk *w, struct lns_session_info *ret)
{
	struct lns_session_info s;
	uint32_t i = w->from ? w->from : 1;

	(void)lns;
	walked++;
	if (walk_us)
		usleep(walk_us);
	if (w->over || i > n_sessions)
		return -ENOENT;
	fill(i, &s);
	w->from = i + 1;
	if ((w->peer && strcmp(w->peer, s.peer) != 0) || (w->user && strcmp(w->user, s.user) != 0))
		return -EAGAIN;
	if (addr_is_set(&w->ipv4.addr) && !prefix_contains(&w->ipv4, &s.ipv4))
		return -EAGAIN;
	*ret = s;
	return 0;
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
		struct lns_tunnel_info t = { .version = 2,
					     .tunnel_id = i,
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

bool lns_signal(struct lns *lns, unsigned int i, struct lns_signal_info *ret)
{
	(void)lns;
	*ret = (struct lns_signal_info){ 0 };
	if (!signal_info || i != 1)
		return false;
	*ret = *signal_info;
	return true;
}

void lns_l2tp3_counters(const struct lns *lns, uint64_t *ret)
{
	(void)lns;
	for (unsigned int i = 0; i < L2TP3_C_MAX; i++)
		ret[i] = i;
}

int lns_tunnel_clear(struct lns *lns, uint32_t tunnel_id)
{
	(void)lns;
	if (!tunnel_id || tunnel_id > n_tunnels)
		return -ENOENT;
	cleared_tunnel = tunnel_id;
	if (break_at_clear)
		event_base_loopbreak(break_at_clear);
	return 0;
}

int lns_drain(struct lns *lns, const char *peer, unsigned int rate, char *err, size_t errlen)
{
	(void)lns;
	if (peer && strcmp(peer, "carrier") != 0) {
		snprintf(err, errlen, "no peer %s; `show peers` lists them", peer);
		return -ENOENT;
	}
	snprintf(drained, sizeof(drained), "%s at %u", peer ? peer : "all", rate);
	return 0;
}

int lns_undrain(struct lns *lns, const char *peer, char *err, size_t errlen)
{
	(void)lns;
	(void)err;
	(void)errlen;
	if (peer && strcmp(peer, "carrier") != 0)
		return -ENOENT;
	snprintf(drained, sizeof(drained), "not %s", peer ? peer : "all");
	return 0;
}

void lns_peers_visit(struct lns *lns, bool (*fn)(void *arg, const struct lns_peer_info *p),
		     void *arg)
{
	const struct lns_peer_info list[] = { { "carrier", 2, 300, true, 50, 7, 8 },
					      { "\xff", 0, 0, false, 0, 0, 0 } };

	(void)lns;
	if (fn(arg, &list[0]))
		fn(arg, &list[1]);
}

void lns_state(struct lns *lns, struct lns_state_info *ret)
{
	(void)lns;
	*ret = state_info;
}

int lns_reload(struct lns *lns, bool force, char *text, size_t len)
{
	(void)lns;
	snprintf(text, len, "%s", reload_says);
	reloaded += 1 + force;
	return reload_returns;
}

static char pseudowired[4096];
int lns_pseudowire(struct lns *lns, const char *name, const char *entry, char *text, size_t len)
{
	(void)lns;
	snprintf(pseudowired, sizeof(pseudowired), "%s %s", name, entry ? entry : "ends");
	snprintf(text, len, "%s", reload_says);
	return reload_returns;
}

static struct pw_config pw_configs[2] = {
	{ .name = "vm3",
	  .path = { .local = { { 0x20, 1, [15] = 1 } }, .peer = { { 0x20, 1, [15] = 7 } } },
	  .id = 0xfffffffe,
	  .peer_id = 7,
	  .cookie = { { 8, "12345678" }, { 8, "abcdefgh" } },
	  .peer_cookie = { 4, "wxyz" },
	  .peer_sublayer = true,
	  .seq_send = true,
	  .large = PW_LARGE_ICMP,
	  .clamp_mss = true,
	  .mtu = 1400,
	  .dscp = 46,
	  .bum_rate = 9,
	  .circuit = { .device = "l2tpeth3", .create = true, .netns = "vm3" } },
	{ .name = "branch7",
	  .circuit = { .device = "eth2",
		       .vlan = { 100, 7 },
		       .tag = PW_TAG_REWRITE,
		       .wire = { 8 } } },
};

unsigned int dp_pw_count(const struct datapath *dp)
{
	(void)dp;
	return 2;
}

void dp_pw_info(struct datapath *dp, unsigned int i, struct pw_info *ret)
{
	(void)dp;
	pw_configs[1].path =
		(struct path){ addr_from_v4(0xc0000201), addr_from_v4(0xc6336407), 1701, 5000 };
	*ret = (struct pw_info){ .cfg = &pw_configs[i],
				 .index = 4711 + i,
				 .up = i == 0,
				 .why = "there is no eth2",
				 .ifindex = 5 * (1 - i),
				 .device = i ? "eth2" : "l2tpw3",
				 .mode = i ? "off" : "native",
				 .mtu = 1472 };
}

void dp_pw_traffic(const struct datapath *dp, unsigned int i, struct dp_traffic *ret)
{
	(void)dp;
	*ret = (struct dp_traffic){ .hook_rx = { 1 + i, 2, 3, 4 },
				    .slow_rx = { 10, 20, 30, 40 },
				    .hook_tx = { 5, 6, 7, 8 },
				    .slow_tx = { 50, 60, 70, 80 } };
}

void lns_end(struct lns *lns)
{
	(void)lns;
	ended++;
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

unsigned int lns_wire_count(const struct lns *lns)
{
	(void)lns;
	return 2;
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

void dp_workers(const struct datapath *dp, struct dp_workers_info *ret)
{
	(void)dp;
	*ret = (struct dp_workers_info){ .mode = "number",
					 .on = true,
					 .advice = "helps",
					 .text = "others idle",
					 .here = 7,
					 .moving = 1,
					 .n = 2,
					 .worker = { { 2, true, 40, 0x7fffffffffff, 1000, 0 },
						     { 3, false, 2, 5, 0, 9 } } };
}

int lns_preflight(struct lns *lns, const char *ifname, struct dp_finding ret[DP_MAX_FINDINGS])
{
	(void)lns;
	if (strcmp(ifname, "eth0") != 0)
		return -ENODEV;
	ret[0] = (struct dp_finding){ DP_FATAL, "LRO is on", "ethtool -K eth0 lro off", false };
	ret[1] = (struct dp_finding){ DP_OK, "4 queues", "", false };
	return 2;
}

/* ---- the socket under test ---- */

struct fixture {
	struct event_base *base;
	struct control *control;
	char dir[32], path[64];
};

static inline int setup(void **state)
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
	walk_us = walked = 0;
	n_sessions = 3;
	n_tunnels = 2;
	user_name = "joe";
	reloaded = ended = 0;
	reload_returns = 0;
	break_at_clear = NULL;
	reload_says = "";
	memset(&state_info, 0, sizeof(state_info));
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	control_close(f->control);
	event_base_free(f->base);
	assert_int_equal(rmdir(f->dir), 0); /* the socket file is gone */
	free(f);
	return 0;
}

static inline int dial(const struct fixture *f)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	strcpy(sa.sun_path, f->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	return fd;
}

static inline void turn(struct fixture *f, unsigned int times)
{
	while (times--)
		event_base_loop(f->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

/* One line, or what came before the end; the caller's to free. */
static inline char *read_line(struct fixture *f, int fd, bool *ret_end)
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

static inline void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

static inline json_t *answer(struct fixture *f, int fd)
{
	bool end;
	char *line = read_line(f, fd, &end);
	json_t *v = json_loads(line, 0, NULL);

	if (!v)
		fail_msg("no answer but \"%.200s\"", line);
	free(line);
	return v;
}

static inline json_t *ask(struct fixture *f, const char *request)
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

static inline json_t *ask_ok(struct fixture *f, const char *request)
{
	json_t *v = ask(f, request), *result;

	if (!json_is_true(json_object_get(v, "ok")))
		fail_msg("%s: %s", request, json_string_value(json_object_get(v, "error")));
	result = json_incref(json_object_get(v, "result"));
	json_decref(v);
	return result;
}

static inline void expect_error(struct fixture *f, const char *request, const char *code,
				const char *says)
{
	json_t *v = ask(f, request);
	const char *error = json_string_value(json_object_get(v, "error"));

	assert_true(json_is_false(json_object_get(v, "ok")));
	assert_string_equal(json_string_value(json_object_get(v, "code")), code);
	if (!strstr(error, says))
		fail_msg("%s: \"%s\" does not say \"%s\"", request, error, says);
	json_decref(v);
}

static inline json_int_t number(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_integer(v))
		fail_msg("%s is no number", key);
	return json_integer_value(v);
}

static inline const char *text(const json_t *o, const char *key)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_string(v))
		fail_msg("%s is no text", key);
	return json_string_value(v);
}

#endif
