/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Places of sessions: given, kept, and changed without a moment at which two are right. */
#include <arpa/inet.h>
#include <event2/event.h>
#include <unistd.h>

#include "tests/unit/datapath_world.h"

#define SESSIONS 100u
#define FIRST 1u /* session ID */

union word {
	struct l2x_move m;
	uint64_t word;
};

struct ground {
	struct world *w;
	struct dp_maps *m;
	struct event_base *base;
};

static struct map_array array_new(uint32_t n, uint32_t size)
{
	struct map_array a = { .n = n, .value_size = size, .stride = (size + 7) & ~7u };

	a.mem = calloc(n, a.stride);
	assert_non_null(a.mem);
	return a;
}

static struct dp_maps *maps_new(const struct dp_config *cfg)
{
	struct dp_maps *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	maps_windows(cfg, m);
	m->sessions = array_new(65536, sizeof(struct l2x_session));
	m->traffic = array_new(65536, sizeof(struct l2x_traffic));
	m->tunnels = array_new(65536, sizeof(struct l2x_tunnel));
	m->places = array_new(65536 / L2X_PLACES, sizeof(struct l2x_places));
	m->handed = array_new(4 * L2X_HANDED_COLUMNS, sizeof(uint64_t));
	m->pool4 = array_new(65536 / L2X_SLOTS, sizeof(struct l2x_slots));
	m->pool6 = array_new(65536 / L2X_SLOTS, sizeof(struct l2x_slots));
	m->live = calloc(1, sizeof(*m->live));
	return m;
}

static void maps_delete(struct dp_maps *m)
{
	free(m->sessions.mem);
	free(m->traffic.mem);
	free(m->tunnels.mem);
	free(m->places.mem);
	free(m->handed.mem);
	free(m->pool4.mem);
	free(m->pool6.mem);
	free(m->live);
	free(m);
}

/* A daemon with workers on the CPUs of `marks`, which finds `m` (NULL: makes its own). */
static struct ground begin(struct dp_maps *m, const char *marks)
{
	struct ground g = { .w = world_new(), .m = m, .base = event_base_new() };

	assert_non_null(g.base);
	if (!m)
		g.m = maps_new(&g.w->cfg);
	g.w->dp.maps = g.m;
	g.w->dp.ready = false;
	g.w->dp.base = g.base;
	g.w->cfg.workers.mode = strchr(marks, 'x') ? DP_WORKERS_LIST : DP_WORKERS_OFF;
	g.w->dp.workers.n_cpus = 4;
	for (unsigned int i = 0; i < 4; i++)
		g.w->dp.workers.is_candidate[i] = marks[i] == 'x';
	maps_start(&g.w->dp);
	assert_int_equal(workers_start(&g.w->dp), 0);
	return g;
}

static void set(struct ground *g, unsigned int i)
{
	struct dp_session s = world_session();

	s.session_id = (uint16_t)(FIRST + i);
	s.ipv4 = addr_from_v4(0x0a400002 + i);
	s.ipv6.len = 0;
	s.ipv6_open = false;
	assert_int_equal(dp_session_set(&g->w->dp, &s), 0);
}

static uint32_t index_of(unsigned int i)
{
	return dp_index(1, LNS_TUNNEL, (uint16_t)(FIRST + i));
}

static uint8_t *octet(const struct ground *g, unsigned int i)
{
	return g->m->places.mem + index_of(i);
}

static void set_all(struct ground *g)
{
	for (unsigned int i = 0; i < SESSIONS; i++)
		set(g, i);
}

static void ready(struct ground *g)
{
	workers_sweep_places(&g->w->dp);
	g->w->dp.ready = true;
	workers_ready(&g->w->dp);
}

static void turn_for(struct ground *g, unsigned int ms)
{
	const struct timeval tv = { ms / 1000, (suseconds_t)(ms % 1000) * 1000 };

	event_base_loopexit(g->base, &tv);
	event_base_dispatch(g->base);
}

/* The process ends; what it wrote stays. */
static struct dp_maps *end(struct ground *g)
{
	struct dp_maps *m = g->m;

	workers_stop(&g->w->dp);
	g->w->dp.maps = NULL;
	world_free(g->w);
	event_base_free(g->base);
	return m;
}

static unsigned int count(const struct ground *g, unsigned int place)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < SESSIONS; i++)
		n += *octet(g, i) == place;
	return n;
}

/* As the programs do when nothing is under way any more. */
static void program_moves_all(const struct ground *g)
{
	for (unsigned int i = 0; i < SESSIONS; i++) {
		struct l2x_traffic *t = maps_traffic(&g->w->dp, index_of(i));
		union word rx = { .word = t->rx_move }, tx = { .word = t->tx_move };

		rx.m.gone = tx.m.gone = 1;
		t->rx_move = rx.word;
		t->tx_move = tx.word;
	}
}

static void new_sessions_are_spread(void **state)
{
	struct ground g = begin(NULL, "-xx-");
	struct dp_workers_info info;

	(void)state;
	ready(&g);
	assert_int_equal(g.m->live->workers, 1);
	set_all(&g);
	assert_int_equal(count(&g, 2), SESSIONS / 2);
	assert_int_equal(count(&g, 3), SESSIONS / 2);
	assert_int_equal(dp_session_worker(&g.w->dp, index_of(0)), *octet(&g, 0) - 1);
	dp_workers(&g.w->dp, &info);
	assert_true(info.on);
	assert_int_equal(info.n, 2);
	assert_int_equal(info.worker[0].cpu, 1);
	assert_int_equal(info.worker[0].sessions, SESSIONS / 2);
	for (unsigned int i = 0; i < SESSIONS; i++)
		dp_session_del(&g.w->dp, index_of(i));
	assert_int_equal(count(&g, 0), SESSIONS);
	dp_workers(&g.w->dp, &info);
	assert_int_equal(info.worker[0].sessions + info.worker[1].sessions, 0);
	maps_delete(end(&g));
}

static void without_workers_nothing_is_looked_up(void **state)
{
	struct ground g = begin(NULL, "----");

	(void)state;
	ready(&g);
	set_all(&g);
	turn_for(&g, 120);
	assert_int_equal(count(&g, 0), SESSIONS);
	assert_int_equal(g.m->live->workers, 0);
	assert_int_equal(dp_session_worker(&g.w->dp, index_of(0)), -1);
	maps_delete(end(&g));
}

static void the_next_daemon_leaves_them_where_they_are(void **state)
{
	struct ground g = begin(NULL, "xx--");
	uint8_t before[65536];
	struct dp_maps *m;

	(void)state;
	ready(&g);
	set_all(&g);
	m = end(&g);
	memcpy(before, m->places.mem, sizeof(before));
	m->places.mem[40000] = 2; /* of a session that nobody knows */

	g = begin(m, "xx--");
	set_all(&g);
	assert_memory_equal(before, m->places.mem, 40000);
	ready(&g);
	assert_int_equal(m->live->workers, 1);
	turn_for(&g, 120);
	assert_memory_equal(before, m->places.mem, sizeof(before));
	maps_delete(end(&g));
}

/* From where frames arrive to workers, and between those: never without L2X_MOVING. */
static void another_set_moves_them(void **state)
{
	static const struct {
		const char *marks;
		unsigned int moving, n[5];
	} steps[] = {
		{ "-x--", SESSIONS, { 0, 0, 100, 0, 0 } },
		{ "-x-x", SESSIONS / 2, { 0, 0, 50, 0, 50 } },
		{ "x-xx", SESSIONS / 2, { 0, 25, 0, 25, 50 } }, /* then spread evenly, below */
		{ "----", SESSIONS, { 100, 0, 0, 0, 0 } },
	};
	struct ground g = begin(NULL, "----");
	struct dp_maps *m;

	(void)state;
	ready(&g);
	set_all(&g);
	m = end(&g);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		unsigned int moving;

		g = begin(m, steps[i].marks);
		set_all(&g);
		ready(&g);
		turn_for(&g, 75);
		moving = count(&g, L2X_MOVING);
		assert_in_range(moving, steps[i].moving, steps[i].moving + SESSIONS / 5);
		assert_int_equal(m->live->workers, 1);
		for (unsigned int k = 0; k < SESSIONS; k++) {
			const union word v = {
				.word = maps_traffic(&g.w->dp, index_of(k))->rx_move
			};

			if (*octet(&g, k) != L2X_MOVING)
				continue;
			assert_int_not_equal(v.m.from, v.m.to);
			assert_int_equal(v.m.sent, 0);
			assert_true(!v.m.to || steps[i].marks[v.m.to - 1] == 'x');
			assert_int_equal(dp_session_worker(&g.w->dp, index_of(k)), -2);
		}
		program_moves_all(&g);
		turn_for(&g, 170);
		assert_int_equal(count(&g, L2X_MOVING), 0);
		for (unsigned int p = 0; p < 5; p++)
			assert_in_range(count(&g, p) + 20, steps[i].n[p],
					steps[i].n[p] ? steps[i].n[p] + 40 : 20);
		assert_int_equal(m->live->workers, i < 3);
		m = end(&g);
	}
	maps_delete(m);
}

/* Who sends nothing is moved by us; who sends, by the programs alone. One end of it waits. */
static void silence_moves_too(void **state)
{
	struct ground g = begin(NULL, "----");
	struct l2x_traffic *t;
	union word v;

	(void)state;
	ready(&g);
	set(&g, 0);
	set(&g, 1);
	g.w->dp.workers.is_candidate[2] = true;
	workers_ready(&g.w->dp);
	turn_for(&g, 75);
	assert_int_equal(*octet(&g, 0), L2X_MOVING);
	assert_int_equal(*octet(&g, 1), L2X_MOVING);
	t = maps_traffic(&g.w->dp, index_of(1));
	for (int i = 0; i < 12; i++) { /* the second is busy, one way */
		v.word = t->tx_move;
		v.m.sent++;
		t->tx_move = v.word;
		turn_for(&g, 110);
	}
	assert_int_equal(*octet(&g, 0), 3);
	assert_int_equal(*octet(&g, 1), L2X_MOVING);
	v.word = t->rx_move;
	assert_int_equal(v.m.gone, 1);
	v.word = t->tx_move;
	assert_int_equal(v.m.gone, 0);
	maps_delete(end(&g));
}

static void a_move_outlives_the_daemon(void **state)
{
	struct ground g = begin(NULL, "x---");
	struct dp_maps *m;
	union word v = { .m = { .from = 1, .to = 2, .sent = 17 } };
	struct dp_workers_info info;

	(void)state;
	ready(&g);
	set(&g, 0);
	set(&g, 1);
	for (unsigned int i = 0; i < 2; i++) { /* as a daemon that was killed leaves it */
		*octet(&g, i) = L2X_MOVING;
		maps_traffic(&g.w->dp, index_of(i))->rx_move = v.word;
		maps_traffic(&g.w->dp, index_of(i))->tx_move = v.word;
	}
	m = end(&g);

	g = begin(m, "-x--");
	set(&g, 0);
	set(&g, 1);
	ready(&g);
	dp_workers(&g.w->dp, &info);
	assert_int_equal(info.moving, 2);
	assert_int_equal(info.n, 1);
	assert_int_equal(info.worker[0].sessions, 2); /* where they go */
	turn_for(&g, 75);
	assert_int_equal(*octet(&g, 0), L2X_MOVING);
	dp_session_del(&g.w->dp, index_of(1)); /* ends on its way */
	v.m.gone = 1;
	maps_traffic(&g.w->dp, index_of(0))->rx_move = v.word;
	maps_traffic(&g.w->dp, index_of(0))->tx_move = v.word;
	turn_for(&g, 75);
	assert_int_equal(*octet(&g, 0), 2);
	assert_int_equal(*octet(&g, 1), 0);
	dp_workers(&g.w->dp, &info);
	assert_int_equal(info.moving, 0);
	assert_int_equal(info.worker[0].sessions, 1);
	maps_delete(end(&g));
}

/* The worker that it was on its way to serves no more when it arrives. */
static void a_move_to_one_that_left_goes_on(void **state)
{
	const union word v = { .m = { .from = 1, .to = 2, .gone = 1 } };
	struct ground g = begin(NULL, "x---");
	struct dp_maps *m;
	union word now;

	(void)state;
	ready(&g);
	set(&g, 0);
	*octet(&g, 0) = L2X_MOVING;
	maps_traffic(&g.w->dp, index_of(0))->rx_move = v.word;
	maps_traffic(&g.w->dp, index_of(0))->tx_move = v.word;
	m = end(&g);

	g = begin(m, "---x");
	set(&g, 0);
	ready(&g);
	turn_for(&g, 230);
	assert_int_equal(*octet(&g, 0), L2X_MOVING);
	now.word = maps_traffic(&g.w->dp, index_of(0))->rx_move;
	assert_int_equal(now.m.from, 2);
	assert_int_equal(now.m.to, 4);
	assert_int_equal(now.m.gone, 0);
	maps_delete(end(&g));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(new_sessions_are_spread),
		cmocka_unit_test(without_workers_nothing_is_looked_up),
		cmocka_unit_test(the_next_daemon_leaves_them_where_they_are),
		cmocka_unit_test(another_set_moves_them),
		cmocka_unit_test(silence_moves_too),
		cmocka_unit_test(a_move_outlives_the_daemon),
		cmocka_unit_test(a_move_to_one_that_left_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
