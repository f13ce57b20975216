/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The four sockets of a listen address: which datagram waits where, and who is served when. */
#include <event2/event.h>
#include <poll.h>
#include <unistd.h>

#include "tests/unit/datapath_world.h"

#define FLOOD_DATA 200 /* an unprivileged queue holds so many */
#define FLOOD_CONTACT 100
#define OVERFLOW 60000
#define ORDER 8192

struct lanes_world {
	struct world *w;
	struct datapath *dp;
	int lac;
	struct sockaddr_storage to;
	socklen_t to_len;
	unsigned int turns, n;
	uint16_t order[ORDER]; /* tunnel IDs of control messages as they came to the daemon */
	uint64_t data_before[ORDER]; /* data messages seen before each of them */
};

static void on_control(void *ctx, const struct path *path, const uint8_t *msg, size_t len)
{
	struct lanes_world *lw = ctx;

	assert_true(len >= 6 || lw->n >= ORDER);
	assert_int_equal(path->local_port, lw->dp->cfg->port);
	if (lw->n < ORDER) {
		lw->data_before[lw->n] = lw->dp->slow[DP_SLOW_UNKNOWN_SESSION];
		lw->order[lw->n] = (uint16_t)(msg[4] << 8 | msg[5]);
	}
	lw->n++;
}

static void on_turn(void *ctx)
{
	((struct lanes_world *)ctx)->turns++;
}

static const struct dp_ops lane_ops = { .control = on_control, .turn = on_turn };

static uint16_t free_port(const struct ipaddr *a)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(a, 0, &sa);
	int fd = socket(sa.ss_family, SOCK_DGRAM, 0);
	struct ipaddr same;
	uint16_t port;

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&sa, &len), 0);
	assert_int_equal(addr_from_sockaddr((struct sockaddr *)&sa, &same, &port), 0);
	close(fd);
	return port;
}

static void open_lanes(struct lanes_world *lw, const char *address_text)
{
	struct ipaddr a = address(address_text);

	memset(lw, 0, sizeof(*lw));
	lw->w = world_new();
	lw->dp = &lw->w->dp;
	lw->dp->ops = &lane_ops;
	lw->dp->ctx = lw;
	lw->dp->base = event_base_new();
	lw->dp->batch = rx_batch_new();
	assert_non_null(lw->dp->base);
	assert_non_null(lw->dp->batch);
	lw->w->cfg.port = free_port(&a);
	assert_int_equal(lanes_open(&lw->dp->listeners[0], lw->dp, &a, lw->w->cfg.port), 0);
	lw->dp->n_listeners = 1;
	lw->to_len = addr_to_sockaddr(&a, lw->w->cfg.port, &lw->to);
	lw->lac = socket(lw->to.ss_family, SOCK_DGRAM, 0);
	assert_true(lw->lac >= 0);
}

static void close_lanes(struct lanes_world *lw)
{
	lanes_close(&lw->dp->listeners[0]);
	if (lw->dp->drain_event)
		event_free(lw->dp->drain_event);
	event_base_free(lw->dp->base);
	free(lw->dp->batch);
	close(lw->lac);
	world_free(lw->w);
}

static void say(struct lanes_world *lw, const void *msg, size_t len)
{
	assert_int_equal(sendto(lw->lac, msg, len, 0, (struct sockaddr *)&lw->to, lw->to_len), len);
}

/* A control message of so many octets. */
static void say_control(struct lanes_world *lw, uint16_t tunnel_id, uint16_t len)
{
	uint8_t msg[1500] = { 0xc8,
			      2,
			      (uint8_t)(len >> 8),
			      (uint8_t)len,
			      (uint8_t)(tunnel_id >> 8),
			      (uint8_t)tunnel_id };

	say(lw, msg, len);
}

static void say_data(struct lanes_world *lw)
{
	static const uint8_t msg[] = { 0, 2, 0, 9, 0, 9, 0xff, 3, 0, 0x21, 0x45, 0, 0, 20 };

	say(lw, msg, sizeof(msg));
}

/* The lane in which the one datagram that was sent waits; it is taken out. */
static unsigned int where(struct lanes_world *lw)
{
	struct lane_socket *s = lw->dp->listeners[0].lanes;
	struct pollfd p[LANES];
	unsigned int lane = LANES;
	char buf[2048];

	for (unsigned int i = 0; i < LANES; i++)
		p[i] = (struct pollfd){ .fd = s[i].fd, .events = POLLIN };
	assert_int_equal(poll(p, LANES, 1000), 1);
	for (unsigned int i = 0; i < LANES; i++)
		if (p[i].revents)
			lane = i;
	assert_true(recv(s[lane].fd, buf, sizeof(buf), 0) >= 0);
	return lane;
}

static void every_kind(const char *address_text)
{
	static const struct {
		const char *name, *bytes;
		size_t len;
		enum lane lane;
	} kinds[] = {
		{ "ZLB", "\xc8\x02\x00\x0c\x00\x07\0\0\0\1\0\1", 12, LANE_URGENT },
		{ "Hello", "\xc8\x02\x00\x14\x01\x00\0\0\0\1\0\1\x80\x08\0\0\0\0\0\6", 20,
		  LANE_URGENT },
		{ "ICRQ", "\xc8\x02\x00\x15\x00\x07\0\0\0\1\0\1\x80\x08\0\0\0\0\0\x0a\0", 21,
		  LANE_CONTROL },
		{ "SCCRQ", "\xc8\x02\x00\x15\x00\x00\0\0\0\1\0\1\x80\x08\0\0\0\0\0\1\0", 21,
		  LANE_CONTACT },
		{ "ZLB to nobody", "\xc8\x02\x00\x0c\x00\x00\0\0\0\1\0\1", 12, LANE_CONTACT },
		{ "cut short", "\xc8\x02\x00\x0c\x00\x07\0\0\0\1\0", 11, LANE_CONTACT },
		{ "T without L", "\x88\x02\x00\x0c\x00\x07\0\0\0\1\0\1", 12, LANE_CONTACT },
		{ "T without S", "\xc0\x02\x00\x0c\x00\x07\0\0\0\1\0\1", 12, LANE_CONTACT },
		{ "T with O", "\xca\x02\x00\x0c\x00\x07\0\0\0\1\0\1", 12, LANE_CONTACT },
		{ "T with P", "\xc9\x02\x00\x0c\x00\x07\0\0\0\1\0\1", 12, LANE_CONTACT },
		{ "version 3", "\xc8\x03\x00\x0c\x00\x07\0\0\0\1\0\1", 12, LANE_URGENT },
		{ "version 3, ID of 32 bits", "\xc8\x03\x00\x0c\0\0\0\7\0\1\0\1", 12, LANE_URGENT },
		{ "version 3, long", "\xc8\x03\x00\x4b\0\1\0\7\0\1\0\1", 75, LANE_CONTROL },
		{ "version 3, SCCRQ", "\xc8\x03\x00\x4b\0\0\0\0\0\0\0\0", 75, LANE_CONTACT },
		{ "version 3, cut short", "\xc8\x03\x00\x0c\x00\x07\0\0\0\1\0", 11, LANE_CONTACT },
		{ "version 3 without L", "\x88\x03\x00\x0c\x00\x07\0\0\0\1\0\1", 12, LANE_CONTACT },
		{ "version 4", "\xc8\x04\x00\x0c\x00\x07\0\0\0\1\0\1", 12, LANE_CONTACT },
		{ "behind zeros", "\0\0\0\0\xc8\x03\x00\x0c\0\1\0\7\0\1\0\1", 16, LANE_URGENT },
		{ "SCCRQ behind zeros", "\0\0\0\0\xc8\x03\x00\x0c\0\0\0\0\0\1\0\1", 16,
		  LANE_CONTACT },
		{ "zeros", "\0\0\0\0\xc8\x03\0\x0c\0", 9, LANE_CONTACT },
		{ "reserved bits", "\xd8\x72\x00\x0c\x00\x07\0\0\0\1\0\1", 12, LANE_URGENT },
		{ "empty", "", 0, LANE_CONTACT },
		{ "one octet of control", "\xc8", 1, LANE_CONTACT },
		{ "five of data", "\0\2\0\1\0", 5, LANE_CONTACT },
		{ "data", "\0\2\0\1\0\2", 6, LANE_DATA },
		{ "data with everything", "\x4a\x02\0\x20\0\1\0\2\0\0\0\0\0\0\xff\3\0\x21", 18,
		  LANE_DATA },
		{ "data of version 3", "\0\3\0\0\0\1\0\2", 8, LANE_DATA },
	};
	struct lanes_world lw;

	open_lanes(&lw, address_text);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		uint8_t msg[80] = { 0 }; /* long ones are zeros behind 12 octets */
		unsigned int lane;

		memcpy(msg, kinds[i].bytes, kinds[i].len > 21 ? 12 : kinds[i].len);
		say(&lw, msg, kinds[i].len);
		lane = where(&lw);
		if (lane != kinds[i].lane)
			fail_msg("%s: lane %u", kinds[i].name, lane);
	}
	close_lanes(&lw);
}

static void each_kind_has_its_lane(void **state)
{
	(void)state;
	every_kind("127.0.0.1");
	every_kind("::1");
}

static int other_program(const struct sockaddr_storage *sa, socklen_t len, int reuse)
{
	int fd = socket(sa->ss_family, SOCK_DGRAM, 0);

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &reuse, sizeof(reuse)), 0);
	if (bind(fd, (const struct sockaddr *)sa, len) == 0)
		return fd;
	close(fd);
	return -1;
}

/* Whoever has the port keeps it to himself, though he would share it. */
static void a_taken_port_is_refused(void **state)
{
	struct lanes_world lw;
	struct listener second = { 0 };
	struct ipaddr a = address("127.0.0.1");
	int fd;

	(void)state;
	open_lanes(&lw, "127.0.0.1");
	assert_int_equal(lanes_open(&second, lw.dp, &a, lw.w->cfg.port), -EADDRINUSE);
	lanes_close(&second);
	assert_int_equal(other_program(&lw.to, lw.to_len, 0), -1);
	lanes_close(&lw.dp->listeners[0]);
	for (int reuse = 0; reuse < 2; reuse++) {
		fd = other_program(&lw.to, lw.to_len, reuse);
		assert_true(fd >= 0);
		assert_int_equal(lanes_open(&lw.dp->listeners[0], lw.dp, &a, lw.w->cfg.port),
				 -EADDRINUSE);
		lanes_close(&lw.dp->listeners[0]);
		close(fd);
	}
	assert_int_equal(lanes_open(&lw.dp->listeners[0], lw.dp, &a, lw.w->cfg.port), 0);
	close_lanes(&lw);
}

/* A program of our own user can join the group later; it is given nothing. */
static void who_joins_later_gets_nothing(void **state)
{
	struct lanes_world lw;
	struct pollfd p = { .events = POLLIN };

	(void)state;
	open_lanes(&lw, "127.0.0.1");
	p.fd = other_program(&lw.to, lw.to_len, 1);
	if (p.fd < 0) {
		close_lanes(&lw);
		skip();
	}
	for (unsigned int i = 0; i < 50; i++) {
		close(lw.lac); /* another port, another hash */
		lw.lac = socket(AF_INET, SOCK_DGRAM, 0);
		say_control(&lw, (uint16_t)i, 12);
		say_control(&lw, 7, 40);
		say_data(&lw);
	}
	assert_int_equal(poll(&p, 1, 50), 0);
	close(p.fd);
	close_lanes(&lw);
}

static void start(struct lanes_world *lw)
{
	assert_int_equal(lanes_start(lw->dp), 0);
}

static void one_turn(struct lanes_world *lw)
{
	event_base_loop(lw->dp->base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

/* What keeps tunnels alive is answered at once, whatever waits; and nobody is forgotten. */
static void a_flood_delays_no_hello(void **state)
{
	unsigned int contact = 0, turns = 0;
	struct lanes_world lw;

	(void)state;
	open_lanes(&lw, "127.0.0.1");
	start(&lw);
	for (unsigned int i = 0; i < FLOOD_DATA; i++)
		say_data(&lw);
	for (unsigned int i = 0; i < FLOOD_CONTACT; i++)
		say_control(&lw, 0, 100);
	say_control(&lw, 77, 60);
	say_control(&lw, 66, 20);
	one_turn(&lw);
	assert_true(lw.n >= 3);
	assert_int_equal(lw.order[0], 66);
	assert_int_equal(lw.data_before[0], 0);
	assert_int_equal(lw.order[1], 77);
	assert_int_equal(lw.data_before[1], 0);
	for (unsigned int i = 2; i < lw.n; i++)
		contact += lw.order[i] == 0;
	assert_in_range(contact, 1, 16);
	assert_true(lw.dp->slow[DP_SLOW_UNKNOWN_SESSION] > 0);
	assert_in_range(lw.turns, 1, 3); /* each lane's batch with a message, not each message */
	while (lw.n < 2 + FLOOD_CONTACT && turns++ < 1000)
		one_turn(&lw);
	assert_int_equal(lw.n, 2 + FLOOD_CONTACT);
	assert_int_equal(lw.dp->slow[DP_SLOW_UNKNOWN_SESSION], FLOOD_DATA);
	/* and one that comes in the middle of it waits for no more than a turn */
	for (unsigned int i = 0; i < FLOOD_DATA; i++)
		say_data(&lw);
	one_turn(&lw);
	say_control(&lw, 66, 12);
	lw.n = 0;
	one_turn(&lw);
	assert_int_equal(lw.n, 1);
	close_lanes(&lw);
}

/* Data alone is no reason to tell the daemon that a batch is over. */
static void turns_are_for_messages(void **state)
{
	struct lanes_world lw;

	(void)state;
	open_lanes(&lw, "127.0.0.1");
	start(&lw);
	say_data(&lw);
	one_turn(&lw);
	assert_int_equal(lw.dp->slow[DP_SLOW_UNKNOWN_SESSION], 1);
	assert_int_equal(lw.turns, 0);
	for (unsigned int i = 0; i < 5; i++)
		say_control(&lw, 5, 12);
	one_turn(&lw);
	assert_int_equal(lw.n, 5);
	assert_int_equal(lw.turns, 1);
	close_lanes(&lw);
}

/* A lane that overflows loses its own, is counted, and costs the others nothing. */
static void an_overflow_is_one_lane_s(void **state)
{
	struct lanes_world lw;
	uint64_t *slow;

	(void)state;
	open_lanes(&lw, "127.0.0.1");
	start(&lw);
	slow = lw.dp->slow;
	for (unsigned int i = 0; i < OVERFLOW; i++)
		say_data(&lw);
	for (unsigned int i = 0; i < 20; i++) {
		say_control(&lw, 66, 20);
		say_control(&lw, 77, 60);
		say_control(&lw, 0, 60);
	}
	for (unsigned int i = 0; i < 2000 && slow[DP_SLOW_UNKNOWN_SESSION] < OVERFLOW; i++)
		one_turn(&lw);
	assert_int_equal(lw.n, 60);
	say_data(&lw); /* the count comes with the next one that arrives */
	one_turn(&lw);
	assert_true(slow[DP_SLOW_QUEUE_DATA_DROPPED] > 0);
	assert_int_equal(slow[DP_SLOW_QUEUE_DATA_DROPPED] + slow[DP_SLOW_UNKNOWN_SESSION],
			 OVERFLOW + 1);
	assert_int_equal(slow[DP_SLOW_QUEUE_URGENT_DROPPED], 0);
	assert_int_equal(slow[DP_SLOW_QUEUE_CONTROL_DROPPED], 0);
	assert_int_equal(slow[DP_SLOW_QUEUE_CONTACT_DROPPED], 0);
	close_lanes(&lw);
}

/* From port 0, which means "directly over IP" further on: such a path is nobody's. */
static void port_0_is_nobody(void **state)
{
	struct lanes_world lw;
	uint8_t msg[8 + 20] = { [5] = 28, [8] = 0xc8, [9] = 3, [11] = 20, [12] = 1 };
	struct sockaddr_in to;
	int raw = socket(AF_INET, SOCK_RAW, IPPROTO_UDP);

	(void)state;
	if (raw < 0)
		skip();
	open_lanes(&lw, "127.0.0.1");
	start(&lw);
	memcpy(&to, &lw.to, sizeof(to));
	memcpy(msg + 2, &to.sin_port, sizeof(to.sin_port));
	to.sin_port = 0;
	for (unsigned int port = 0; port < 2; port++) {
		msg[1] = (uint8_t)port;
		assert_int_equal(
			sendto(raw, msg, sizeof(msg), 0, (struct sockaddr *)&to, sizeof(to)),
			sizeof(msg));
		for (unsigned int i = 0; i < 20 && lw.n <= port; i++)
			one_turn(&lw);
		assert_int_equal(lw.n, port);
	}
	close(raw);
	close_lanes(&lw);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_has_its_lane),
		cmocka_unit_test(a_taken_port_is_refused),
		cmocka_unit_test(who_joins_later_gets_nothing),
		cmocka_unit_test(a_flood_delays_no_hello),
		cmocka_unit_test(turns_are_for_messages),
		cmocka_unit_test(an_overflow_is_one_lane_s),
		cmocka_unit_test(port_0_is_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
