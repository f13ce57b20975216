/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the end of an event sends leaves in order, whole, by the socket that it belongs to. */
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <unistd.h>

#include "tests/unit/datapath_world.h"

#define MANY 150 /* more than two batches */
#define LONG 1400 /* does not leave with others */

struct wire {
	struct world *w;
	struct datapath *dp;
	int lac;
	struct path path[2]; /* from either of our two addresses to the LAC */
};

static void wire_open(struct wire *x)
{
	struct ipaddr lac = address("127.0.0.1");
	struct sockaddr_storage sa, from;
	socklen_t len = addr_to_sockaddr(&lac, 0, &sa);
	int size = 4 << 20;

	memset(x, 0, sizeof(*x));
	x->w = world_new();
	x->dp = &x->w->dp;
	x->dp->tx = tx_batch_new();
	x->lac = socket(AF_INET, SOCK_DGRAM, 0);
	assert_int_equal(bind(x->lac, (struct sockaddr *)&sa, len), 0);
	setsockopt(x->lac, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	assert_int_equal(getsockname(x->lac, (struct sockaddr *)&sa, &len), 0);
	for (unsigned int i = 0; i < 2; i++) {
		struct listener *l = &x->dp->listeners[i];
		struct path *p = &x->path[i];

		p->local = address(i ? "127.0.0.3" : "127.0.0.2");
		assert_int_equal(
			addr_from_sockaddr((struct sockaddr *)&sa, &p->peer, &p->peer_port), 0);
		*l = (struct listener){ .dp = x->dp, .addr = p->local, .checksum = true };
		l->lanes[0].fd = socket(AF_INET, SOCK_DGRAM, 0);
		len = addr_to_sockaddr(&p->local, 0, &from);
		assert_int_equal(bind(l->lanes[0].fd, (struct sockaddr *)&from, len), 0);
	}
	x->dp->n_listeners = 2;
}

static void wire_close(struct wire *x)
{
	for (unsigned int i = 0; i < 2; i++)
		close(x->dp->listeners[i].lanes[0].fd);
	free(x->dp->tx);
	x->dp->tx = NULL;
	close(x->lac);
	world_free(x->w);
}

/* Number n, of so many octets in two pieces, by our address `by`; of a session, or 0. */
static void say_of(struct wire *x, unsigned int by, uint32_t session, uint16_t n, size_t len)
{
	const struct send_how how = {
		.session = session, .tos = 0xc0, .fragment = true, .checksum = true
	};
	uint8_t msg[LONG] = { (uint8_t)(n >> 8), (uint8_t)n };
	const struct iovec iov[2] = { { msg, 2 }, { msg + 2, len - 2 } };

	memset(msg + 2, n, sizeof(msg) - 2);
	assert_int_equal(socket_send(x->dp, &x->path[by], iov, 2, &how), 0);
	memset(msg, 0xff, sizeof(msg)); /* it was copied */
}

static void say(struct wire *x, unsigned int by, uint16_t n, size_t len)
{
	say_of(x, by, 0, n, len);
}

/* The next datagram that has come; -1: none. */
static int heard(struct wire *x, unsigned int *ret_by, size_t *ret_len)
{
	struct pollfd p = { .fd = x->lac, .events = POLLIN };
	struct sockaddr_storage from;
	socklen_t from_len = sizeof(from);
	struct ipaddr a;
	uint8_t msg[2048];
	uint16_t port;
	ssize_t n;

	if (poll(&p, 1, 50) != 1)
		return -1;
	n = recvfrom(x->lac, msg, sizeof(msg), 0, (struct sockaddr *)&from, &from_len);
	assert_true(n > 2);
	addr_from_sockaddr((struct sockaddr *)&from, &a, &port);
	*ret_by = addr_eq(&a, &x->path[1].local);
	*ret_len = (size_t)n;
	for (ssize_t i = 2; i < n; i++)
		assert_int_equal(msg[i], msg[1]);
	return msg[0] << 8 | msg[1];
}

static size_t length_of(unsigned int n)
{
	return n % 29 == 0 ? LONG : 10 + n % 50;
}

static void what_is_collected_leaves_in_order(void **state)
{
	struct wire x;
	unsigned int by;
	size_t len;

	(void)state;
	wire_open(&x);
	dp_send_begin(x.dp);
	for (unsigned int n = 0; n < MANY; n++)
		say(&x, n / 40 % 2, (uint16_t)n, length_of(n));
	dp_send_end(x.dp);
	for (unsigned int n = 0; n < MANY; n++) {
		assert_int_equal(heard(&x, &by, &len), n);
		assert_int_equal(by, n / 40 % 2);
		assert_int_equal(len, length_of(n));
	}
	assert_int_equal(heard(&x, &by, &len), -1);
	assert_int_equal(x.dp->slow[DP_SLOW_SEND_FAILED], 0);
	wire_close(&x);
}

static void nothing_waits_outside_of_a_batch(void **state)
{
	struct wire x;
	unsigned int by;
	size_t len;

	(void)state;
	wire_open(&x);
	dp_send_begin(x.dp);
	say(&x, 0, 1, 20);
	assert_int_equal(heard(&x, &by, &len), -1);
	dp_send_end(x.dp);
	assert_int_equal(heard(&x, &by, &len), 1);
	say(&x, 0, 2, 20);
	assert_int_equal(heard(&x, &by, &len), 2);
	wire_close(&x);
}

/* One that the kernel refuses costs the others nothing. */
static void refused_one_does_not_hold_up_the_rest(void **state)
{
	struct path nowhere;
	struct wire x;
	unsigned int by;
	size_t len;

	(void)state;
	wire_open(&x);
	nowhere = x.path[0];
	nowhere.peer = address("255.255.255.255"); /* EACCES: not a broadcast socket */
	dp_send_begin(x.dp);
	say(&x, 0, 1, 20);
	{
		struct path good = x.path[0];

		x.path[0] = nowhere;
		say(&x, 0, 2, 20);
		x.path[0] = good;
	}
	say(&x, 0, 3, 20);
	dp_send_end(x.dp);
	assert_int_equal(heard(&x, &by, &len), 1);
	assert_int_equal(heard(&x, &by, &len), 3);
	assert_int_equal(x.dp->slow[DP_SLOW_SEND_FAILED], 1);
	wire_close(&x);
}

/* Six sessions talk in turn, each numbering what it says; so do control messages. */
#define TALKERS 7
#define WORDS 15

static void talk(struct wire *x)
{
	dp_send_begin(x->dp);
	for (unsigned int n = 0; n < TALKERS * WORDS; n++)
		say_of(x, 0, n % TALKERS, (uint16_t)n, 20 + n / TALKERS % 3 * 8);
	dp_send_end(x->dp);
}

/* All of it has come, in each talker's order. */
static void listen_to_all(struct wire *x)
{
	int next[TALKERS];
	unsigned int by;
	size_t len;

	for (int t = 0; t < TALKERS; t++)
		next[t] = t;
	for (unsigned int i = 0; i < TALKERS * WORDS; i++) {
		int n = heard(x, &by, &len);

		assert_in_range(n, 0, TALKERS * WORDS - 1);
		assert_int_equal(n, next[n % TALKERS]);
		assert_int_equal(len, 20 + n / TALKERS % 3 * 8);
		next[n % TALKERS] += TALKERS;
	}
	assert_int_equal(heard(x, &by, &len), -1);
	assert_int_equal(x->dp->slow[DP_SLOW_SEND_FAILED], 0);
}

static void bunches_keep_the_order_of_each_session(void **state)
{
	struct wire x;

	(void)state;
	wire_open(&x);
	talk(&x);
	listen_to_all(&x);
	wire_close(&x);
}

/* A socket that wants them joined is given a bunch in one piece. */
static void many_of_a_kind_leave_in_one_piece(void **state)
{
	uint8_t room[8192];
	struct wire x;
	int on = 1;

	(void)state;
	wire_open(&x);
	if (setsockopt(x.lac, SOL_UDP, UDP_GRO, &on, sizeof(on)) != 0)
		fail_msg("UDP_GRO: %s", strerror(errno));
	dp_send_begin(x.dp);
	for (unsigned int n = 1; n <= 5; n++)
		say_of(&x, 0, n, (uint16_t)n, 30);
	say_of(&x, 0, 6, 6, 31);
	dp_send_end(x.dp);
	assert_int_equal(recv(x.lac, room, sizeof(room), 0), 5 * 30);
	for (unsigned int n = 1; n <= 5; n++)
		assert_int_equal(room[(n - 1) * 30 + 29], n);
	assert_int_equal(recv(x.lac, room, sizeof(room), 0), 31);
	assert_int_equal(x.dp->listeners[0].alone_until, 0);
	wire_close(&x);
}

/* As on a way without checksums by the device before 6.11, or through IPsec. */
static void refused_bunch_leaves_one_by_one(void **state)
{
	struct wire x;
	int on = 1;

	(void)state;
	wire_open(&x);
	assert_int_equal(setsockopt(x.dp->listeners[0].lanes[0].fd, SOL_SOCKET, SO_NO_CHECK, &on,
				    sizeof(on)),
			 0);
	talk(&x);
	assert_true(x.dp->listeners[0].alone_until > dp_now() + 50000);
	listen_to_all(&x);
	x.dp->listeners[0].alone_until = dp_now() + 50000;
	talk(&x); /* and no bunch is tried again, which would set it anew */
	assert_true(x.dp->listeners[0].alone_until <= dp_now() + 50000);
	listen_to_all(&x);
	x.dp->listeners[0].alone_until = dp_now(); /* until it is time */
	talk(&x);
	assert_true(x.dp->listeners[0].alone_until > dp_now() + 50000);
	listen_to_all(&x);
	wire_close(&x);
}

/* That is about where it goes: the next bunch is tried. */
static void bunch_to_nowhere_is_counted_one_by_one(void **state)
{
	struct path good;
	struct wire x;
	unsigned int by;
	size_t len;

	(void)state;
	wire_open(&x);
	good = x.path[0];
	dp_send_begin(x.dp);
	x.path[0].peer = address("255.255.255.255");
	for (unsigned int n = 1; n <= 3; n++)
		say_of(&x, 0, n, (uint16_t)n, 20);
	x.path[0] = good;
	say_of(&x, 0, 4, 4, 20);
	dp_send_end(x.dp);
	assert_int_equal(x.dp->slow[DP_SLOW_SEND_FAILED], 3);
	assert_int_equal(x.dp->listeners[0].alone_until, 0);
	assert_int_equal(heard(&x, &by, &len), 4);
	wire_close(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_collected_leaves_in_order),
		cmocka_unit_test(nothing_waits_outside_of_a_batch),
		cmocka_unit_test(refused_one_does_not_hold_up_the_rest),
		cmocka_unit_test(bunches_keep_the_order_of_each_session),
		cmocka_unit_test(many_of_a_kind_leave_in_one_piece),
		cmocka_unit_test(refused_bunch_leaves_one_by_one),
		cmocka_unit_test(bunch_to_nowhere_is_counted_one_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
