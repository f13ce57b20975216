/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sessions of signalled pseudowires, which come and go; and control messages of version 3. */
#include <poll.h>
#include <unistd.h>

#include "tests/unit/pw_world.h"

#define OURS 0x11223345u /* its low bits are AT */
#define OTHER 0x77000005u

static struct pw_config signalled(void)
{
	struct pw_config c = { .name = "vm3", .path = world_path(), .signalled = true };

	return c;
}

static struct pw_session session(uint32_t id)
{
	struct pw_session s = { .path = world_path(), .id = id, .peer_id = PEER_ID, .send = true };

	cookie(&s.cookie, "0123456789abcdef");
	cookie(&s.peer_cookie, "fedcba98");
	return s;
}

static struct rig *rig_signalled(void)
{
	struct pw_config c = signalled();

	return rig_new(&c);
}

/* A data message with this ID; was it taken? */
static bool takes(struct rig *r, uint32_t id, const uint32_t *sublayer)
{
	const struct path path = world_path();
	unsigned int before = r->w->door.n;
	uint8_t buf[128];
	size_t n = message(buf, "0123456789abcdef", sublayer);

	put32(buf + 4, id);
	slow_in(r->dp, &path, 0, buf, n);
	return r->w->door.n == before + 1;
}

static bool sends(struct rig *r)
{
	unsigned int before = r->w->peer.n;

	leave(r, eth, sizeof(eth));
	return r->w->peer.n == before + 1;
}

static struct pw_info info(struct rig *r)
{
	struct pw_info i;

	dp_pw_info(r->dp, 0, &i);
	return i;
}

static void expect_nobody(struct rig *r)
{
	static const uint8_t none[64];
	const struct l2x_pw *l = line(r);

	assert_int_equal(l->id, 0);
	assert_int_equal(l->peer_id, 0);
	assert_int_equal((l->flags | l->tx_flags) & L2X_PW_UP, 0);
	assert_memory_equal(&l->peer, none, 16);
	assert_memory_equal(&l->tx_peer, none, 16);
	assert_memory_equal(l->cookie, none, sizeof(l->cookie));
	assert_memory_equal(&l->tx_cookie, none, 8);
	assert_int_equal(l->ifindex, 77);
	assert_false(info(r).up);
}

/* ---- sessions -------------------------------------------------------------------------------- */

static void without_a_session_it_carries_nothing(void **state)
{
	struct rig *r = rig_signalled();

	(void)state;
	expect_nobody(r);
	assert_string_equal(info(r).why, "no session with its peer yet");
	assert_true(dp_pw_circuit_is_up(r->dp, 0));
	assert_false(takes(r, OURS, NULL));
	assert_false(takes(r, AT, NULL));
	assert_int_equal(slow(r, DP_SLOW_PW_UNKNOWN), 2);
	assert_false(sends(r));
	assert_int_equal(slow(r, DP_SLOW_PW_DOWN), 1);
	/* the largest headers that may be: a frame that fits now fits then */
	assert_int_equal(info(r).mtu, 1500 - 20 - 8 - 4 - 4 - 8 - 4);
	rig_free(r);
}

static void a_session_carries_frames(void **state)
{
	struct rig *r = rig_signalled();
	struct pw_session s = session(OURS);
	const struct l2x_pw *l = line(r);

	(void)state;
	s.sublayer = s.seq_receive = true;
	assert_int_equal(dp_pw_index(r->dp, 0), AT);
	assert_int_equal(dp_pw_index_bits(r->dp), 4);
	assert_int_equal(dp_pw_session_set(r->dp, 0, &s), 0);
	assert_int_equal(l->id, htonl(OURS));
	assert_int_equal(l->peer_id, htonl(PEER_ID));
	assert_int_equal(l->flags,
			 L2X_PW_UDP | L2X_PW_COOKIE8 | L2X_PW_SUBLAYER | L2X_PW_SEQ | L2X_PW_UP);
	assert_int_equal(l->tx_flags, L2X_PW_UDP | L2X_PW_COOKIE4 | L2X_PW_CSUM0 | L2X_PW_UP);
	assert_memory_equal(&l->cookie[0], "\x01\x23\x45\x67\x89\xab\xcd\xef", 8);
	assert_memory_equal(&l->cookie[1], &l->cookie[0], 8);
	assert_int_equal(l->mtu, 1500 - 40);
	assert_true(info(r).up);
	assert_true(takes(r, OURS, &(uint32_t){ 0x40000000 }));
	assert_true(sends(r));
	assert_memory_equal(r->w->peer.data[0], "\0\3\0\0\x55\x66\x77\x88\xfe\xdc\xba\x98", 12);
	assert_false(takes(r, OTHER, NULL)); /* the whole ID counts */
	assert_int_equal(slow(r, DP_SLOW_PW_UNKNOWN), 1);
	rig_free(r);
}

/* DP-SPOOF-3, V3-HDR-9 */
static void another_path_is_not_its(void **state)
{
	struct rig *r = rig_signalled();
	struct pw_session s = session(OURS);

	(void)state;
	s.path.peer_port = 4711; /* behind a NAT */
	assert_int_equal(dp_pw_session_set(r->dp, 0, &s), 0);
	assert_false(takes(r, OURS, NULL));
	s.path.peer_port = 1701;
	assert_int_equal(dp_pw_session_set(r->dp, 0, &s), 0); /* it has moved */
	assert_true(takes(r, OURS, NULL));
	rig_free(r);
}

/* V3-CS-3 */
static void to_a_peer_whose_circuit_is_down_nothing_is_sent(void **state)
{
	struct rig *r = rig_signalled();
	struct pw_session s = session(OURS);

	(void)state;
	s.send = false;
	assert_int_equal(dp_pw_session_set(r->dp, 0, &s), 0);
	assert_true(line(r)->flags & L2X_PW_UP);
	assert_false(line(r)->tx_flags & L2X_PW_UP);
	assert_true(takes(r, OURS, NULL));
	assert_false(sends(r));
	assert_false(info(r).up);
	assert_non_null(strstr(info(r).why, "the peer says that its circuit is down"));
	s.send = true;
	assert_int_equal(dp_pw_session_set(r->dp, 0, &s), 0);
	assert_true(sends(r));
	assert_true(info(r).up);
	the_pw(r)->circuit_up = false;
	pw_update(r->dp, the_pw(r));
	assert_false(dp_pw_circuit_is_up(r->dp, 0));
	assert_false(line(r)->flags & L2X_PW_UP);
	assert_false(takes(r, OURS, NULL));
	assert_int_equal(line(r)->id, htonl(OURS)); /* the session stays */
	rig_free(r);
}

/* Another session takes the place of one that stands: its numbers are its own. */
static void another_session_begins_anew(void **state)
{
	struct rig *r = rig_signalled();
	struct pw_session s = session(OURS);
	uint32_t gen, tx_gen;

	(void)state;
	s.sublayer = s.seq_receive = s.peer_sublayer = s.seq_send = true;
	assert_int_equal(dp_pw_session_set(r->dp, 0, &s), 0);
	assert_true(takes(r, OURS, &(uint32_t){ 0x40012345 }));
	assert_false(takes(r, OURS, &(uint32_t){ 0x40000007 }));
	assert_true(sends(r));
	counters(r)->rx_packets = 70;
	gen = line(r)->gen;
	tx_gen = line(r)->tx_gen;
	assert_int_equal(dp_pw_session_set(r->dp, 0, &s), 0);
	assert_int_equal(line(r)->gen, gen); /* nothing has changed */
	assert_int_equal(counters(r)->tx_ns, 1);
	s.id = OTHER;
	cookie(&s.peer_cookie, "00112233");
	assert_int_equal(dp_pw_session_set(r->dp, 0, &s), 0);
	assert_int_not_equal(line(r)->gen, gen);
	assert_int_not_equal(line(r)->tx_gen, tx_gen);
	assert_int_equal(counters(r)->tx_ns, 0);
	assert_int_equal(counters(r)->rx_packets, 70);
	assert_true(takes(r, OTHER, &(uint32_t){ 0x40000000 }));
	assert_false(takes(r, OURS, &(uint32_t){ 0x40000001 }));
	rig_free(r);
}

static void an_end_is_shown_with_its_reason(void **state)
{
	struct rig *r = rig_signalled();
	struct pw_session s = session(OURS);

	(void)state;
	dp_pw_session_del(r->dp, 0, "its peer refuses it");
	assert_string_equal(info(r).why, "its peer refuses it");
	assert_int_equal(dp_pw_session_set(r->dp, 0, &s), 0);
	assert_true(takes(r, OURS, NULL));
	dp_pw_session_del(r->dp, 0, "its peer is gone");
	expect_nobody(r);
	assert_string_equal(info(r).why, "its peer is gone");
	assert_false(takes(r, OURS, NULL));
	assert_false(sends(r));
	assert_int_equal(the_pw(r)->rx.packets, 1);
	dp_pw_session_del(r->dp, 0, NULL);
	assert_non_null(strstr(info(r).why, "no session"));
	assert_int_equal(dp_pw_session_set(r->dp, 0, &s), 0);
	assert_true(takes(r, OURS, NULL));
	rig_free(r);
}

static void what_cannot_be_is_refused(void **state)
{
	struct rig *r = rig_signalled();
	struct pw_session good = session(OURS), s;
	struct ipaddr six = address("2001:db8::1");

	(void)state;
	for (unsigned int i = 0; i < 9; i++) {
		s = good;
		s.id = i == 0 ? 0 : s.id;
		s.peer_id = i == 1 ? 0 : s.peer_id;
		s.cookie.len = i == 2 ? 5 : s.cookie.len;
		s.peer_cookie.len = i == 3 ? 9 : s.peer_cookie.len;
		s.path.peer = i == 4 ? six : s.path.peer;
		s.path.peer_port = i == 5 ? 0 : s.path.peer_port;
		if (i == 6)
			memset(&s.path.peer, 0, sizeof(s.path.peer));
		s.id = i == 7 ? OURS ^ 8 : s.id; /* somebody else's place */
		assert_int_equal(dp_pw_session_set(r->dp, i == 8, &s), i == 7 ? -ESTALE : -EINVAL);
	}
	expect_nobody(r);
	dp_pw_session_del(r->dp, 1, NULL);
	dp_pw_alive(r->dp, 0, false, "not for it");
	assert_int_equal(dp_pw_session_set(r->dp, 0, &good), 0);
	assert_true(info(r).up);
	rig_free(r);
}

/* ---- restart --------------------------------------------------------------------------------- */

/* As from dp_start to dp_ready. */
static void restart(struct rig *r, const struct pw_session *s)
{
	pw_end(r);
	maps_start(r->dp);
	r->dp->ready = false;
	assert_int_equal(pws_init(r->dp), 0);
	the_pw(r)->index = AT;
	assert_int_equal(pws_index(r->dp), 0);
	if (s)
		assert_int_equal(dp_pw_session_set(r->dp, 0, s), 0);
	assert_false(info(r).up);
}

static void become_ready(struct rig *r)
{
	the_pw(r)->attached = the_pw(r)->circuit_up = true;
	the_pw(r)->ifindex = 77;
	the_pw(r)->room = 1518;
	pw_update(r->dp, the_pw(r));
	r->dp->ready = true;
}

static void a_restart_leaves_a_session_alone(void **state)
{
	struct rig *r = rig_signalled();
	struct pw_session s = session(OURS);
	struct l2x_pw before;

	(void)state;
	s.sublayer = s.seq_receive = true;
	assert_int_equal(dp_pw_session_set(r->dp, 0, &s), 0);
	assert_true(takes(r, OURS, &(uint32_t){ 0x40012345 }));
	counters(r)->tx_ns = 99;
	line(r)->name = 42;
	before = *line(r);
	restart(r, &s);
	assert_memory_equal(&before, line(r), sizeof(before));
	become_ready(r);
	assert_memory_equal(&before, line(r), sizeof(before));
	assert_int_equal(counters(r)->tx_ns, 99);
	assert_false(takes(r, OURS, &(uint32_t){ 0x40000007 }));
	assert_true(takes(r, OURS, &(uint32_t){ 0x40012346 }));
	/* of another session that the store knew nothing stays but the counters */
	restart(r, NULL);
	assert_memory_equal(&before, line(r), sizeof(before));
	become_ready(r);
	expect_nobody(r);
	assert_int_equal(line(r)->name, 42);
	rig_free(r);
}

/* ---- beside static ones ---------------------------------------------------------------------- */

/* One of the two is found by its place, the other by its ID and path. */
static void static_ones_keep_their_ids(void **state)
{
	struct pw_config c[3] = { plain(), signalled(), plain() };
	struct world *w = world_new();
	struct pw_session s = session(0x9900000a);

	(void)state;
	c[2].id = 0x8800000a;
	w->cfg.pseudowires = c;
	w->cfg.n_pseudowires = 3;
	assert_int_equal(pws_init(&w->dp), 0);
	w->dp.pws[0].index = 4;
	w->dp.pws[1].index = 10;
	w->dp.pws[2].index = 11;
	assert_int_equal(pws_index(&w->dp), 0);
	assert_true(dp_pw_id_is_static(&w->dp, ID));
	assert_true(dp_pw_id_is_static(&w->dp, 0x8800000a));
	assert_false(dp_pw_id_is_static(&w->dp, ID + 1));
	assert_false(dp_pw_id_is_static(&w->dp, 0));
	assert_null(pw_by_id(&w->dp, s.id, &s.path));
	assert_int_equal(dp_pw_session_set(&w->dp, 0, &s), -EINVAL);
	assert_true(dp_pw_index_bits(&w->dp) >= 4); /* without maps, of what would be made */
	s.id = 0x8800000a;
	assert_int_equal(dp_pw_session_set(&w->dp, 1, &s), -EEXIST);
	s.id = (0x99u << dp_pw_index_bits(&w->dp)) | 10;
	assert_int_equal(dp_pw_session_set(&w->dp, 1, &s), 0);
	assert_ptr_equal(pw_by_id(&w->dp, s.id, &s.path), &w->dp.pws[1]);
	assert_ptr_equal(pw_by_id(&w->dp, ID, &c[0].path), &w->dp.pws[0]);
	assert_ptr_equal(pw_by_id(&w->dp, c[2].id, &c[2].path), &w->dp.pws[2]);
	s.path.peer_port++;
	assert_null(pw_by_id(&w->dp, s.id, &s.path));
	pws_free(&w->dp);
	world_free(w);
}

/* Of a static one with keepalive. */
static void one_whose_peer_is_dead_sends_nothing(void **state)
{
	struct pw_config c = plain();
	struct rig *r = rig_new(&c);

	(void)state;
	assert_true(sends(r));
	dp_pw_alive(r->dp, 0, false, "its peer does not answer");
	assert_false(sends(r));
	assert_true(takes(r, ID, NULL)); /* that would be a sign of life */
	assert_false(info(r).up);
	assert_string_equal(info(r).why, "its peer does not answer");
	dp_pw_alive(r->dp, 0, true, NULL);
	assert_true(sends(r));
	assert_true(info(r).up);
	dp_pw_session_del(r->dp, 0, "not for it");
	assert_true(sends(r));
	rig_free(r);
}

static void frames_are_a_sign_of_life(void **state)
{
	struct rig *r = rig_signalled();
	struct pw_session s = session(OURS);

	(void)state;
	assert_int_equal(dp_pw_session_set(r->dp, 0, &s), 0);
	counters(r)->rx_packets = 40; /* an earlier worker's time */
	pw_heard_begin(r->dp, the_pw(r));
	assert_false(dp_pw_heard(r->dp, 0));
	assert_true(takes(r, OURS, NULL));
	assert_true(dp_pw_heard(r->dp, 0));
	assert_false(dp_pw_heard(r->dp, 0));
	counters(r)->rx_packets++;
	assert_true(dp_pw_heard(r->dp, 0));
	assert_true(sends(r));
	assert_false(takes(r, OTHER, NULL));
	assert_false(dp_pw_heard(r->dp, 0));
	assert_false(dp_pw_heard(r->dp, 1));
	rig_free(r);
}

/* ---- control messages ------------------------------------------------------------------------ */

static const uint8_t hello[] = {
	0xc8, 3, 0, 20, 0, 1, 0, 7, 0, 1, 0, 1, 0x80, 8, 0, 0, 0, 0, 0, 6
};

static void expect_control(struct rig *r, unsigned int n)
{
	const struct kept *k = &r->w->control;

	assert_int_equal(k->n, n);
	assert_int_equal(k->len[(n - 1) % KEEP], sizeof(hello));
	assert_memory_equal(k->data[(n - 1) % KEEP], hello, sizeof(hello));
	assert_int_equal(slow(r, DP_SLOW_PW_CONTROL), n);
	assert_true(r->dp->turn_due);
	r->dp->turn_due = false;
}

static void control_messages_reach_the_control_plane(void **state)
{
	struct path path = world_path();
	uint8_t buf[64] = { 0 };
	struct rig *r = rig_signalled();

	(void)state;
	memcpy(buf + 4, hello, sizeof(hello));
	slow_in(r->dp, &path, 0, buf + 4, sizeof(hello));
	expect_control(r, 1);
	slow_in(r->dp, &path, 0, buf, 4 + sizeof(hello)); /* */
	expect_control(r, 2);
	path.local_port = path.peer_port = 0;
	slow_pw_in(r->dp, &path, buf, 4 + sizeof(hello));
	expect_control(r, 3);
	for (size_t n = 0; n < 4; n++)
		slow_pw_in(r->dp, &path, buf, n);
	assert_int_equal(slow(r, DP_SLOW_PW_BAD), 4);
	buf[5] = 2; /* of version 2 there is nothing but over UDP */
	slow_pw_in(r->dp, &path, buf, 4 + sizeof(hello));
	buf[5] = 3;
	buf[4] = 0x48;
	slow_pw_in(r->dp, &path, buf, 4 + sizeof(hello));
	slow_pw_in(r->dp, &path, buf, 4); /* zeros alone */
	assert_int_equal(slow(r, DP_SLOW_PW_BAD), 7);
	assert_int_equal(r->w->control.n, 3);
	rig_free(r);
}

static void zeros_alone_are_nobodys(void **state)
{
	static const uint8_t others[][2] = { { 0x48, 3 }, { 0xc8, 2 }, { 0, 0 } };
	const struct path path = world_path();
	struct rig *r = rig_signalled();

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		uint8_t buf[64] = { 0, 0, 0, 0, others[i][0], others[i][1] };

		slow_in(r->dp, &path, 0, buf, 24);
	}
	for (size_t n = 0; n <= 6; n++) {
		uint8_t *buf = calloc(1, n ? n : 1);

		assert_non_null(buf);
		slow_in(r->dp, &path, 0, buf, n);
		free(buf);
	}
	assert_int_equal(r->w->control.n, 0);
	assert_int_equal(slow(r, DP_SLOW_BAD_HEADER), 10);
	rig_free(r);
}

/* V3-HDR-2 */
static void over_ip_zeros_stand_before_it(void **state)
{
	struct path path = world_path();
	struct rig *r = rig_signalled();

	(void)state;
	dp_send_control(r->dp, &path, hello, sizeof(hello));
	expect_sent(r, hello, sizeof(hello));
	path.local_port = path.peer_port = 0;
	dp_send_control(r->dp, &path, hello, sizeof(hello));
	assert_int_equal(r->w->peer.len[1], 4 + sizeof(hello));
	assert_memory_equal(r->w->peer.data[1], "\0\0\0\0", 4);
	assert_memory_equal(r->w->peer.data[1] + 4, hello, sizeof(hello));
	assert_true(path_eq(&r->w->to, &path));
	assert_int_equal(r->w->how.tos, 48 << 2);
	assert_int_equal(slow(r, DP_SLOW_TX_CONTROL), 2);
	rig_free(r);
}

/* ---- sockets --------------------------------------------------------------------------------- */

static int raw_socket(const struct ipaddr *a)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(a, 0, &sa);
	int fd = socket(sa.ss_family, SOCK_RAW, 115);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, len), 0);
	return fd;
}

static void raw_both_ways(const char *local, const char *peer)
{
	struct path path = { .local = address(local), .peer = address(peer) };
	size_t header = addr_is_v4(&path.local) ? 20 : 0;
	struct pw_config c = signalled();
	uint8_t buf[64] = { 0 }, in[256];
	struct sockaddr_storage to;
	struct listener *l;
	struct pollfd p;
	struct rig *r;
	socklen_t tolen = addr_to_sockaddr(&path.local, 0, &to);
	int fd = raw_socket(&path.peer);

	c.path = path;
	memset(&c.path.peer, 0, sizeof(c.path.peer)); /* whoever calls */
	r = rig_new(&c);
	l = &r->dp->listeners[0];
	r->dp->n_listeners = 1;
	r->dp->batch = rx_batch_new();
	assert_int_equal(lanes_open(l, r->dp, &path.local, 17012), 0);
	memcpy(buf + 4, hello, sizeof(hello));
	assert_int_equal(sendto(fd, buf, 4 + sizeof(hello), 0, (struct sockaddr *)&to, tolen),
			 4 + sizeof(hello));
	p = (struct pollfd){ .fd = l->lanes[LANE_RAW_CONTROL].fd, .events = POLLIN };
	assert_int_equal(poll(&p, 1, 2000), 1);
	l->lanes[LANE_RAW].ready = l->lanes[LANE_RAW_CONTROL].ready = true;
	lanes_drain(r->dp);
	r->dp->turn_due = true; /* it has been taken */
	expect_control(r, 1); /* once */
	if (addr_eq(&path.local, &path.peer)) /* its own came back to it, too */
		assert_true(recv(fd, in, sizeof(in), 0) > 0);
	r->dp->io = &(const struct dp_io){ .to_peer = socket_send, .to_door = world_to_door };
	dp_send_begin(r->dp);
	dp_send_control(r->dp, &path, hello, sizeof(hello));
	dp_send_end(r->dp);
	p.fd = fd;
	assert_int_equal(poll(&p, 1, 2000), 1);
	assert_int_equal(recv(fd, in, sizeof(in), 0), header + 4 + sizeof(hello));
	assert_memory_equal(in + header, buf, 4 + sizeof(hello));
	lanes_close(l);
	close(fd);
	free(r->dp->batch);
	rig_free(r);
}

static void raw_sockets_carry_control_messages(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	raw_both_ways("127.0.0.23", "127.0.0.24");
	raw_both_ways("::1", "::1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_session_it_carries_nothing),
		cmocka_unit_test(a_session_carries_frames),
		cmocka_unit_test(another_path_is_not_its),
		cmocka_unit_test(to_a_peer_whose_circuit_is_down_nothing_is_sent),
		cmocka_unit_test(another_session_begins_anew),
		cmocka_unit_test(an_end_is_shown_with_its_reason),
		cmocka_unit_test(what_cannot_be_is_refused),
		cmocka_unit_test(a_restart_leaves_a_session_alone),
		cmocka_unit_test(static_ones_keep_their_ids),
		cmocka_unit_test(one_whose_peer_is_dead_sends_nothing),
		cmocka_unit_test(frames_are_a_sign_of_life),
		cmocka_unit_test(control_messages_reach_the_control_plane),
		cmocka_unit_test(zeros_alone_are_nobodys),
		cmocka_unit_test(over_ip_zeros_stand_before_it),
		cmocka_unit_test(raw_sockets_carry_control_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
