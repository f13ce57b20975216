/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What outlives the process. A dialogue of two sides is played again and again; each time one of
 * them, or both, dies at another event, in one of three moments: before its records are written,
 * before what it wanted to send has left, or after that. A new one is made of the records, and the
 * dialogue goes on as if nothing had been.
 */
#include <errno.h>

#include "tests/unit/l2tp3_world.h"

static const struct l2tp_reason done = { .result = L2TP_STOP_GENERAL, .text = "done" };
static const struct l2tp_reason admin = { .result = L2TP_CDN_ADMIN, .text = "enough" };

enum moment { UNWRITTEN, UNSENT, WHOLE, MOMENTS };

struct play {
	unsigned int victims; /* a bit for each side */
	unsigned int closer;
	unsigned int at; /* at which event */
	enum moment moment;
	unsigned int events;
	bool died;
};

static void die(struct side *s, enum moment moment)
{
	if (moment == UNSENT)
		l2tp3_changes(s->ep, record_write, s);
	if (moment == WHOLE)
		side_commit(s);
	side_restart(s);
	assert_int_equal(s->refused, 0);
}

static void after(struct world *w, struct side *s)
{
	struct play *p = w->user;

	(void)s;
	if (p->events++ != p->at)
		return;
	p->died = true;
	for (unsigned int i = 0; i < 2; i++)
		if (p->victims >> i & 1)
			die(&w->side[i], p->moment);
}

static bool mix_call(void *arg, struct l2tp3_call *c)
{
	const struct l2tp3_call_info *info = l2tp3_call_info(c);
	uint64_t *sum = arg, one = info->ours.id * 3 + info->peer.id * 5;

	for (unsigned int i = 0; i < 8; i++)
		one = one * 31 + info->ours.cookie[i] + 7 * info->peer.cookie[i];
	*sum += one;
	return true;
}

/* IDs and cookies of all calls. */
static uint64_t mixed(const struct side *s)
{
	uint64_t sum = 0;

	l2tp3_calls_visit(side_tunnel(s), mix_call, &sum);
	return sum;
}

static void change_a_circuit(struct side *s, bool active)
{
	struct l2tp3_call *c = NULL;

	l2tp3_calls_visit(side_tunnel(s), take_call, &c);
	assert_non_null(c);
	l2tp3_call_circuit(c, s->world->now, active);
}

/* From dialling to the last session. */
static void dialogue_begins(struct world *w)
{
	struct l2tp3_call_config out = call_config("out");

	assert_non_null(world_open(w, LEFT));
	world_run(w, 40000);
	world_agrees(w, 0);
	assert_non_null(world_call_open(w, LEFT, "one"));
	assert_non_null(world_call_open(w, LEFT, "two"));
	assert_non_null(world_call_open(w, RIGHT, "three"));
	out.outgoing = true;
	l2tp3_call_open(side_tunnel(&w->side[LEFT]), w->now, &out);
	world_run(w, 40000);
	world_agrees(w, 4);
}

static void dialogue(struct world *w, struct play *p)
{
	struct l2tp3_call *c = NULL;
	uint64_t ids;

	dialogue_begins(w);
	ids = mixed(&w->side[LEFT]);
	change_a_circuit(&w->side[LEFT], false);
	change_a_circuit(&w->side[RIGHT], false);
	world_run(w, 30000);
	world_agrees(w, 4);
	change_a_circuit(&w->side[RIGHT], true);
	world_run(w, 30000); /* Hellos */
	world_agrees(w, 4);
	assert_true(ids == mixed(&w->side[LEFT]));
	l2tp3_calls_visit(side_tunnel(&w->side[p->closer]), take_call, &c);
	l2tp3_call_close(c, w->now, &admin);
	world_call_open(w, !p->closer, "five");
	world_run(w, 40000);
	world_agrees(w, 4);
	l2tp3_tunnel_close(side_tunnel(&w->side[p->closer]), w->now, &done);
	world_run(w, 200000);
	world_is_empty(w);
	for (unsigned int i = 0; i < 2; i++)
		assert_in_range(w->side[i].tunnels_gone, 1, 1 + (p->moment == UNWRITTEN));
}

/* False when the dialogue has no such event. */
static bool play(struct play p, bool ip, const char *secret, unsigned int loss)
{
	struct world *w = world_new();

	if (ip)
		world_over_ip(w);
	world_secret(w, secret, secret);
	w->side[LEFT].peer.hello_ms = 20000;
	w->side[RIGHT].peer.hello_ms = 15000;
	w->side[RIGHT].peer.hide = ip && secret;
	w->loss = loss;
	w->duplicate = loss;
	w->chance.state = p.at + 1;
	w->user = &p;
	w->after = after;
	dialogue(w, &p);
	world_free(w);
	return p.died;
}

static void deaths(unsigned int victims, unsigned int closer, bool ip, const char *secret,
		   unsigned int loss)
{
	for (enum moment moment = UNWRITTEN; moment < MOMENTS; moment++) {
		struct play p = { .victims = victims, .closer = closer, .moment = moment };

		while (play(p, ip, secret, loss))
			p.at++;
		assert_in_range(p.at, 30, 2000);
	}
}

static void the_caller_dies_at_every_event(void **state)
{
	(void)state;
	deaths(1 << LEFT, LEFT, false, "s", 0);
	deaths(1 << LEFT, RIGHT, true, NULL, 0);
}

static void the_called_dies_at_every_event(void **state)
{
	(void)state;
	deaths(1 << RIGHT, LEFT, false, NULL, 0);
	deaths(1 << RIGHT, RIGHT, true, "s", 0);
}

static void both_die_at_every_event(void **state)
{
	(void)state;
	deaths(3, LEFT, false, "s", 0);
}

static void a_side_dies_on_a_bad_network(void **state)
{
	(void)state;
	deaths(1 << LEFT, RIGHT, false, "s", 5);
	deaths(1 << RIGHT, LEFT, false, "s", 5);
	deaths(3, RIGHT, true, "s", 5);
}

/* Crossing dials and requests, settled by ties, with a death between. */
static void crossing(unsigned int victim, unsigned int at, enum moment moment, uint64_t seed)
{
	struct play p = { .victims = 1u << victim, .at = at, .moment = moment };
	struct world *w = world_new();

	w->chance.state = seed;
	world_secret(w, "s", "s");
	w->user = &p;
	w->after = at < 12 ? after : NULL;
	assert_non_null(world_open(w, LEFT));
	assert_non_null(world_open(w, RIGHT));
	world_run(w, 130000);
	world_agrees(w, 0);
	w->after = after;
	if (at >= 12)
		p.at = p.events + at - 12;
	assert_non_null(world_call_open(w, LEFT, "same"));
	assert_non_null(world_call_open(w, RIGHT, "same"));
	world_run(w, 130000);
	world_agrees(w, 1);
	world_free(w);
}

static void a_side_dies_while_the_two_cross(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 4; seed++)
		for (unsigned int at = 0; at < 24; at++)
			for (enum moment moment = UNWRITTEN; moment < MOMENTS; moment++)
				crossing(at & 1, at, moment, seed);
}

/* ---- one thing at a time ---- */

static void a_peer_is_asked_whether_it_knows_us(void **state)
{
	struct world *w = world_new();

	(void)state;
	world_secret(w, "s", "s");
	world_up(w, LEFT);
	world_call_open(w, LEFT, "a");
	world_run(w, 500);
	die(&w->side[RIGHT], WHOLE);
	assert_string_equal(l2tp3_tunnel_hostname(side_tunnel(&w->side[RIGHT])), "left.example");
	world_agrees(w, 1);
	world_run(w, 5000);
	assert_int_equal(w->seen[RIGHT][L2TP_HELLO], 1);
	world_run(w, 60000);
	assert_int_equal(w->seen[RIGHT][L2TP_HELLO], 1);
	world_agrees(w, 1);
	world_free(w);
}

/* The peer lost everything: it is given up, or replaced when it dials. */
static void forget(struct side *s)
{
	side_commit(s);
	while (s->records)
		record_drop(s, s->records->kind, s->records->id, s->records->serial);
	side_restart(s);
}

static void a_peer_that_forgot_us_is_given_up(void **state)
{
	struct world *w = world_new();

	(void)state;
	world_secret(w, "s", "s");
	world_up(w, LEFT);
	world_call_open(w, LEFT, "a");
	world_run(w, 500);
	forget(&w->side[LEFT]);
	die(&w->side[RIGHT], WHOLE);
	world_run(w, 100000);
	assert_int_equal(w->side[RIGHT].tunnels_gone, 1);
	assert_int_equal(w->side[RIGHT].calls_down, 1);
	world_run(w, 200000);
	world_is_empty(w);
	world_free(w);
}

static void a_peer_that_dials_anew_replaces_its_connection(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		struct world *w = world_new();

		if (i & 1)
			world_over_ip(w);
		world_secret(w, "s", "s");
		world_up(w, LEFT);
		world_call_open(w, LEFT, "a");
		world_run(w, 500);
		forget(&w->side[i / 2]);
		assert_non_null(world_open(w, i / 2));
		world_run(w, 3000);
		assert_int_equal(w->side[!(i / 2)].calls_down, 1);
		world_agrees(w, 0);
		world_run(w, 200000);
		world_agrees(w, 0);
		world_free(w);
	}
}

static void a_peer_that_is_not_configured_any_more(void **state)
{
	struct world *w = world_new();
	struct side *s = &w->side[RIGHT];

	(void)state;
	world_up(w, LEFT);
	world_call_open(w, LEFT, "a");
	world_run(w, 500);
	s->peer_forgotten = true;
	side_commit(s);
	side_restart(s);
	assert_true(s->refused >= 2);
	assert_int_equal(s->stale, s->refused); /* nothing is damaged */
	assert_int_equal(side_tunnels(s), 0);
	assert_int_equal(s->n_records, 0);
	assert_int_equal(timers_next(&s->timers), TIMERS_NEVER);
	world_free(w);
}

/* What only waits for its StopCCN to be acknowledged. */
static void a_farewell_outlives_the_process(void **state)
{
	struct world *w = world_new();

	(void)state;
	world_secret(w, "s", "s");
	world_up(w, LEFT);
	w->cut = true;
	l2tp3_tunnel_close(side_tunnel(&w->side[LEFT]), w->now, &done);
	world_run(w, 3000);
	die(&w->side[LEFT], WHOLE);
	assert_int_equal(side_tunnels(&w->side[LEFT]), 0);
	w->cut = false;
	world_run(w, 20000);
	assert_int_equal(w->side[RIGHT].tunnels_gone, 1);
	assert_int_equal(w->side[LEFT].tunnels_gone, 1);
	world_run(w, 100000);
	world_is_empty(w);
	world_free(w);
}

static void a_moved_path_is_kept(void **state)
{
	struct world *w = world_new();

	(void)state;
	world_secret(w, "s", "s");
	world_up(w, LEFT);
	world_call_open(w, LEFT, "a");
	world_run(w, 500);
	w->side[LEFT].outside_port = 40000;
	change_a_circuit(&w->side[LEFT], false);
	world_run(w, 500);
	assert_int_equal(w->side[RIGHT].moved, 1);
	die(&w->side[RIGHT], WHOLE);
	assert_int_equal(l2tp3_tunnel_path(side_tunnel(&w->side[RIGHT]))->peer_port, 40000);
	change_a_circuit(&w->side[RIGHT], false);
	world_run(w, 5000);
	world_agrees(w, 1);
	world_free(w);
}

/* The first step of a roll-over, and the last one, each by a restart; the connection stays. */
static void secrets_roll_over_restarts(void **state)
{
	static const char *const steps[][3] = { /* side, its secrets from then on */
						{ "R", "new", "old" },
						{ "L", "new", "old" },
						{ "R", "new", NULL },
						{ "L", "new", NULL }
	};
	struct world *w = world_new();

	(void)state;
	world_secret(w, "old", "old");
	w->side[LEFT].peer.hide = w->side[RIGHT].peer.hide = true;
	world_up(w, LEFT);
	world_call_open(w, LEFT, "a");
	world_run(w, 500);
	for (unsigned int i = 0; i < 4; i++) {
		struct side *s = &w->side[steps[i][0][0] == 'R'];

		side_commit(s);
		s->peer.secret[0] = secret_of(steps[i][1]);
		s->peer.secret[1] = secret_of(steps[i][2]);
		side_restart(s);
		world_run(w, 5000);
		change_a_circuit(&w->side[LEFT], i & 1);
		change_a_circuit(&w->side[RIGHT], i & 1);
		world_run(w, 5000);
		world_agrees(w, 1);
	}
	assert_int_equal(w->side[LEFT].tunnels_gone + w->side[RIGHT].tunnels_gone, 0);
	world_free(w);
}

/* A request that does not get on still ends, and its time begins anew. */
static void what_does_not_get_on_ends(void **state)
{
	struct world *w = world_new();
	struct packet *p;

	(void)state;
	world_up(w, LEFT);
	w->capture = true;
	world_call_open(w, LEFT, "a");
	side_commit(&w->side[LEFT]);
	p = w->kept[LEFT][L2TP_ICRQ];
	side_give(&w->side[RIGHT], &p->path, p->data, p->len);
	assert_int_equal(w->side[RIGHT].calls_asked, 1);
	die(&w->side[RIGHT], WHOLE);
	assert_int_equal(l2tp3_tunnel_calls(side_tunnel(&w->side[RIGHT])), 1);
	world_run(w, 200000);
	assert_int_equal(w->side[RIGHT].calls_down, 1);
	world_free(w);
}

static size_t nothing_of_left(struct world *w, unsigned int from, uint16_t type, uint8_t *msg,
			      size_t len)
{
	(void)w;
	(void)type;
	(void)msg;
	return from == LEFT ? 0 : len;
}

/* Half-open ones of a peer that says no more. */
static void half_open_ones_end(void **state)
{
	struct world *w = world_new();

	(void)state;
	world_open(w, LEFT);
	world_run(w, 1);
	w->network = nothing_of_left;
	world_run(w, 10);
	die(&w->side[RIGHT], WHOLE);
	assert_int_equal(w->seen[RIGHT][L2TP_SCCRP], 1);
	world_run(w, 300000);
	world_is_empty(w);
	world_free(w);
}

/* ---- damaged records ---- */

/* A side that has all kinds of records, for one message waits. */
static struct world *rich_world(void)
{
	struct world *w = world_new();

	world_secret(w, "s", "s");
	w->side[RIGHT].peer.hide = true;
	world_up(w, LEFT);
	world_call_open(w, LEFT, "one");
	world_call_open(w, RIGHT, "two");
	world_run(w, 500);
	w->capture = true;
	world_call_open(w, RIGHT, "three");
	change_a_circuit(&w->side[RIGHT], false);
	world_open(w, RIGHT);
	side_commit(&w->side[RIGHT]);
	world_drop_packets(w);
	assert_true(w->side[RIGHT].n_records >= 6);
	return w;
}

static struct record *nth_record(const struct side *s, unsigned int n)
{
	struct record *r = s->records;

	while (r && n--)
		r = r->next;
	return r;
}

/* The rest of it lives. Restored and run, and nothing leaks. */
static void restart_damaged(struct world *w)
{
	struct side *s = &w->side[RIGHT];

	side_restart(s);
	assert_true(s->refused >= 1);
	l2tp3_changes(s->ep, record_write, s);
	world_run(w, 10);
	world_free(w);
}

static void every_octet_of_every_record_flipped(void **state)
{
	struct record *r;
	struct world *w = rich_world();
	unsigned int n = w->side[RIGHT].n_records;

	(void)state;
	world_free(w);
	for (unsigned int i = 0; i < n; i++) {
		size_t len = 1;

		for (size_t at = 0; at < len; at += 1 + len / 200) {
			w = rich_world();
			r = nth_record(&w->side[RIGHT], i);
			len = r->len;
			r->data[at] ^= (uint8_t)(1 << (at + i) % 8);
			restart_damaged(w);
		}
		for (size_t cut = 0; cut < len; cut += 1 + len / 100) {
			w = rich_world();
			r = nth_record(&w->side[RIGHT], i);
			r->len = cut;
			restart_damaged(w);
		}
	}
}

/* A record under another's number, or one that is missing. */
static void records_that_do_not_belong(void **state)
{
	struct world *w = rich_world();
	unsigned int n = w->side[RIGHT].n_records;

	(void)state;
	world_free(w);
	for (unsigned int i = 0; i < 3 * n; i++) {
		struct record *r;

		w = rich_world();
		r = nth_record(&w->side[RIGHT], i % n);
		if (i < n)
			r->kind = (r->kind + 1) % 3;
		else if (i < 2 * n)
			r->id ^= 0x00100000;
		else
			record_drop(&w->side[RIGHT], r->kind, r->id, r->serial);
		side_restart(&w->side[RIGHT]);
		l2tp3_changes(w->side[RIGHT].ep, record_write, &w->side[RIGHT]);
		w->capture = false;
		world_run(w, 300000);
		world_free(w);
	}
}

static void a_record_given_twice(void **state)
{
	struct world *w = rich_world();
	struct side *s = &w->side[RIGHT];
	struct record *r;

	(void)state;
	side_restart(s);
	assert_int_equal(s->refused, 0);
	for (r = s->records; r; r = r->next)
		if (r->kind != L2TP3_R_MESSAGE)
			assert_int_not_equal(l2tp3_restore(s->ep, w->now, r->kind, r->id, r->serial,
							   r->data, r->len),
					     0);
	w->capture = false;
	world_run(w, 5000);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_caller_dies_at_every_event),
		cmocka_unit_test(the_called_dies_at_every_event),
		cmocka_unit_test(both_die_at_every_event),
		cmocka_unit_test(a_side_dies_on_a_bad_network),
		cmocka_unit_test(a_side_dies_while_the_two_cross),
		cmocka_unit_test(a_peer_is_asked_whether_it_knows_us),
		cmocka_unit_test(a_peer_that_forgot_us_is_given_up),
		cmocka_unit_test(a_peer_that_dials_anew_replaces_its_connection),
		cmocka_unit_test(a_peer_that_is_not_configured_any_more),
		cmocka_unit_test(a_farewell_outlives_the_process),
		cmocka_unit_test(a_moved_path_is_kept),
		cmocka_unit_test(secrets_roll_over_restarts),
		cmocka_unit_test(what_does_not_get_on_ends),
		cmocka_unit_test(half_open_ones_end),
		cmocka_unit_test(every_octet_of_every_record_flipped),
		cmocka_unit_test(records_that_do_not_belong),
		cmocka_unit_test(a_record_given_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
