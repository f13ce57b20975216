/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Version 3 and version 2 on one port: an SCCRQ that offers both, to a peer that knows only one
 * (V3-FB-1..4), with the engine of version 2 as that peer.
 */
#include "loader/l2tp/l2tp.h"

#include "tests/unit/l2tp3_world.h"

/* The other engine of a side. */
struct v2 {
	struct l2tp_endpoint *ep;
	struct l2tp_peer peer;
	unsigned int tunnels_new, tunnels_up, tunnels_gone;
	struct l2tp_tunnel *tunnel;
	struct l2tp_reason why;
};

static struct v2 *v2_of(const struct side *s)
{
	return (struct v2 *)s->world->user + s->index;
}

static const struct l2tp_peer *v2_find_peer(void *ctx, const struct path *path)
{
	(void)path;
	return &v2_of(ctx)->peer;
}

static void v2_tunnel_new(void *ctx, struct l2tp_tunnel *t)
{
	v2_of(ctx)->tunnels_new++;
	v2_of(ctx)->tunnel = t;
}

static void v2_tunnel_moved(void *ctx, struct l2tp_tunnel *t)
{
	(void)ctx;
	(void)t;
}

static void v2_tunnel_up(void *ctx, struct l2tp_tunnel *t)
{
	(void)t;
	v2_of(ctx)->tunnels_up++;
}

static void v2_tunnel_gone(void *ctx, struct l2tp_tunnel *t, const struct l2tp_reason *why)
{
	(void)t;
	v2_of(ctx)->tunnels_gone++;
	v2_of(ctx)->why = *why;
}

static bool v2_tunnel_alive(void *ctx, struct l2tp_tunnel *t, msec_t since)
{
	(void)ctx;
	(void)t;
	(void)since;
	return false;
}

static void v2_input(struct side *s, const struct path *path, const uint8_t *msg, size_t len)
{
	l2tp_input(v2_of(s)->ep, s->world->now, path, msg, len);
}

static const struct l2tp_ops v2_ops = {
	.send = side_send,
	.random = side_random,
	.find_peer = v2_find_peer,
	.tunnel_new = v2_tunnel_new,
	.tunnel_moved = v2_tunnel_moved,
	.tunnel_up = v2_tunnel_up,
	.tunnel_gone = v2_tunnel_gone,
	.tunnel_alive = v2_tunnel_alive,
};

/* Both sides have both engines. */
static struct world *both_world(struct v2 v2[2])
{
	static const struct l2tp_limits limits = { .shards = 1 };
	struct world *w = world_new();

	w->user = v2;
	for (unsigned int i = 0; i < 2; i++) {
		struct side *s = &w->side[i];

		v2[i] = (struct v2){ .peer = { .name = "v2", .hostname = "v2.example" } };
		v2[i].ep = l2tp_endpoint_new(&limits, &v2_ops, s, &s->timers);
		assert_non_null(v2[i].ep);
		s->v2_input = v2_input;
	}
	return w;
}

static void both_free(struct world *w)
{
	struct v2 *v2 = w->user;

	l2tp_endpoint_free(v2[LEFT].ep);
	l2tp_endpoint_free(v2[RIGHT].ep);
	world_free(w);
}

static void a_peer_that_knows_only_version_2(const char *secret)
{
	struct v2 v2[2];
	struct world *w = both_world(v2);

	world_secret(w, secret, NULL);
	w->side[LEFT].peer.v2_fallback = true;
	w->side[RIGHT].strangers_only = true; /* nobody of version 3 */
	assert_non_null(world_open(w, LEFT));
	world_run(w, 500);
	assert_int_equal(v2[RIGHT].tunnels_new, 1); /* it understood and answered */
	assert_int_equal(w->seen[RIGHT][L2TP_SCCRP], 1);
	assert_int_equal(w->side[LEFT].tunnels_gone, 1);
	assert_int_equal(w->side[LEFT].tunnel_why.result, L2TP_STOP_VERSION);
	assert_non_null(strstr(w->side[LEFT].tunnel_why.text, "version 2"));
	assert_int_equal(v2[RIGHT].tunnels_gone, 1); /* and is told in its own tongue */
	assert_true(v2[RIGHT].why.from_peer);
	assert_int_equal(v2[RIGHT].why.result, L2TP_STOP_VERSION);
	assert_int_equal(w->seen[LEFT][L2TP_STOPCCN], 1);
	assert_int_equal(w->seen_v2[RIGHT], w->side[RIGHT].sent);
	world_run(w, 200000);
	world_is_empty(w);
	both_free(w);
}

static void version_2_alone_carries_no_ethernet(void **state)
{
	(void)state;
	a_peer_that_knows_only_version_2(NULL);
	a_peer_that_knows_only_version_2("s");
}

static void the_answer_gets_lost(void **state)
{
	struct v2 v2[2];

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct world *w = both_world(v2);

		w->chance.state = seed;
		w->loss = 30;
		w->side[LEFT].peer.v2_fallback = true;
		w->side[RIGHT].strangers_only = true;
		assert_non_null(world_open(w, LEFT));
		world_run(w, 200000);
		assert_int_equal(w->side[LEFT].tunnels_gone, 1);
		assert_int_equal(w->side[LEFT].tunnel_why.result, L2TP_STOP_VERSION);
		assert_false(w->side[LEFT].tunnel_why.from_peer); /* our conclusion */
		assert_int_equal(v2[RIGHT].tunnels_gone, v2[RIGHT].tunnels_new);
		world_is_empty(w);
		both_free(w);
	}
}

static void version_2_refuses(void **state)
{
	struct v2 v2[2];
	struct world *w = both_world(v2);

	(void)state;
	w->side[LEFT].peer.v2_fallback = true;
	w->side[RIGHT].strangers_only = true;
	v2[RIGHT].peer.expect_hostname = "somebody else";
	assert_non_null(world_open(w, LEFT));
	world_run(w, 200000);
	assert_int_equal(w->side[LEFT].tunnels_gone, 1);
	assert_true(w->side[LEFT].tunnel_why.from_peer);
	assert_int_equal(w->side[LEFT].tunnel_why.result, L2TP_STOP_NOT_AUTHORISED);
	world_is_empty(w);
	both_free(w);
}

/* Version 3 is preferred by who knows both (V3-FB-3). */
static void version_3_is_preferred(void **state)
{
	struct v2 v2[2];
	struct world *w = both_world(v2);

	(void)state;
	world_secret(w, "s", "s");
	w->side[LEFT].peer.v2_fallback = true;
	world_up(w, LEFT);
	world_call_open(w, LEFT, "a");
	world_run(w, 500);
	world_agrees(w, 1);
	assert_int_equal(w->side[RIGHT].ignored + w->side[LEFT].ignored, 0);
	assert_int_equal(v2[RIGHT].tunnels_new, 0);
	assert_int_equal(w->seen_v2[LEFT], 1); /* SCCRQ */
	assert_int_equal(w->seen_v2[RIGHT], 0);
	both_free(w);
}

/* What version 2 has to say is none of this room's business. */
static void version_2_goes_its_own_way(void **state)
{
	struct v2 v2[2];
	struct world *w = both_world(v2);
	struct path path = world_path(w, LEFT);
	struct l2tp_tunnel *t = l2tp_tunnel_open(v2[LEFT].ep, w->now, &path, &v2[LEFT].peer);

	(void)state;
	world_run(w, 500);
	assert_int_equal(v2[LEFT].tunnels_up, 1);
	assert_int_equal(v2[RIGHT].tunnels_up, 1);
	world_up(w, LEFT); /* beside it */
	world_agrees(w, 0);
	assert_true(l2tp_tunnel_is_up(t));
	assert_true(l2tp_tunnel_id(t) < L2TP3_CCID_MIN);
	both_free(w);
}

/* An SCCRP of version 2 that answers nothing of ours, or comes from elsewhere. */
static void answers_to_nothing(void **state)
{
	struct v2 v2[2];
	struct world *w = both_world(v2);
	struct packet *p;
	struct path path;
	uint64_t rx;

	(void)state;
	w->side[LEFT].peer.v2_fallback = true;
	w->side[RIGHT].strangers_only = true;
	w->capture = true;
	assert_non_null(world_open(w, LEFT));
	side_commit(&w->side[LEFT]);
	p = w->kept[LEFT][L2TP_SCCRQ];
	side_give(&w->side[RIGHT], &p->path, p->data, p->len);
	p = w->kept[RIGHT][L2TP_SCCRP];
	rx = counter(&w->side[LEFT], L2TP3_C_RX);
	path = p->path;
	path.peer.b[14]++;
	assert_false(l2tp3_is_ours(w->side[LEFT].ep, &path, p->data, p->len));
	for (size_t n = 0; n < p->len; n++) /* nor is what is cut off */
		side_give(&w->side[LEFT], &p->path, p->data, n);
	wire_u16(p->data, 4, (uint16_t)(wire_get_u16(p->data, 4) + 1));
	assert_false(l2tp3_is_ours(w->side[LEFT].ep, &p->path, p->data, p->len));
	assert_int_equal(w->side[LEFT].tunnels_gone, 0);
	assert_in_range(counter(&w->side[LEFT], L2TP3_C_RX) - rx, 0, p->len);
	both_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(version_2_alone_carries_no_ethernet),
		cmocka_unit_test(the_answer_gets_lost),
		cmocka_unit_test(version_2_refuses),
		cmocka_unit_test(version_3_is_preferred),
		cmocka_unit_test(version_2_goes_its_own_way),
		cmocka_unit_test(answers_to_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
