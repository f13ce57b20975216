/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reliable delivery alone (V2-REL-*): numbers, windows, the timeline of retransmissions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loader/l2tp/header.h"
#include "loader/l2tp/l2tp.h"
#include "loader/l2tp/reliable.h"
#include "loader/l2tp/tables.h"

#define MOST 512

struct rig {
	struct reliable r;
	struct reliable_env env;
	struct timers timers;
	uint64_t counters[L2TP_C_MAX];
	msec_t now, start;
	unsigned int n; /* transmitted */
	struct {
		uint16_t ns, nr;
		uint8_t mark; /* the first octet after the header; 0: ZLB */
		msec_t when;
	} sent[MOST];
	unsigned int dead;
	msec_t dead_at;
	bool go_on;
};

static struct rig *rig_of(struct reliable *r)
{
	return container_of(r, struct rig, r);
}

static void transmit(struct reliable *r, const uint8_t *msg, size_t len)
{
	struct rig *g = rig_of(r);
	struct l2tp_header h;

	assert_int_equal(l2tp_header_parse(msg, len, &h), L2TP_H_OK);
	assert_int_equal(h.tunnel_id, 4711);
	assert_true(g->n < MOST);
	g->sent[g->n].ns = h.ns;
	g->sent[g->n].nr = h.nr;
	g->sent[g->n].mark = h.payload_len ? h.payload[0] : 0;
	g->sent[g->n].when = g->now - g->start;
	g->n++;
}

static bool give_up(struct reliable *r, msec_t now, const struct rel_message *oldest)
{
	struct rig *g = rig_of(r);

	assert_non_null(oldest);
	if (g->go_on)
		return true;
	g->dead++;
	g->dead_at = now - g->start;
	reliable_clear(r);
	return false;
}

static void timer(struct timer *t, msec_t now)
{
	reliable_timeout(container_of(t, struct reliable, timer), now);
}

static struct rig *rig_new(unsigned int cap_ms, uint16_t peer_window)
{
	struct rig *g = calloc(1, sizeof(*g));

	assert_non_null(g);
	timers_init(&g->timers);
	g->env = (struct reliable_env){ .timers = &g->timers,
					.retransmits = 5,
					.cap_ms = cap_ms,
					.counters = g->counters,
					.transmit = transmit,
					.give_up = give_up,
					.timer = timer };
	reliable_init(&g->r, &g->env, 16);
	g->r.peer_tunnel_id = 4711;
	g->now = g->start = 5000;
	if (peer_window)
		reliable_set_peer_window(&g->r, peer_window);
	return g;
}

static void rig_free(struct rig *g)
{
	reliable_clear(&g->r);
	assert_int_equal(g->env.held, 0);
	assert_int_equal(timers_next(&g->timers), TIMERS_NEVER);
	timers_free(&g->timers);
	free(g);
}

static size_t message(uint8_t *p, uint8_t mark)
{
	static const uint8_t header[] = { 0xc8, 2, 0, 13, 0x12, 0x67, 0, 0, 0, 0, 0, 0 };

	memcpy(p, header, sizeof(header));
	p[sizeof(header)] = mark;
	return sizeof(header) + 1;
}

static void put(struct rig *g, uint8_t mark)
{
	uint8_t p[16];

	assert_int_equal(reliable_send(&g->r, g->now, p, message(p, mark)), 0);
}

static void run(struct rig *g, msec_t until)
{
	while (timers_next(&g->timers) <= g->start + until) {
		g->now = timers_next(&g->timers);
		timers_run(&g->timers, g->now, 1);
	}
	g->now = g->start + until;
}

/* The table of section 3. */
static void timeline_of_retransmissions(void **state)
{
	static const struct {
		unsigned int cap;
		msec_t at[5], dead;
	} rows[] = {
		{ 8000, { 1, 3, 7, 15, 23 }, 31 },
		{ 16000, { 1, 3, 7, 15, 31 }, 47 },
		{ 1000000, { 1, 3, 7, 15, 31 }, 63 },
	};

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct rig *g = rig_new(rows[i].cap, 4);

		put(g, 1);
		run(g, 200000);
		assert_int_equal(g->n, 6);
		assert_int_equal(g->sent[0].when, 0);
		for (unsigned int j = 0; j < 5; j++) {
			assert_int_equal(g->sent[j + 1].when, rows[i].at[j] * 1000);
			assert_int_equal(g->sent[j + 1].ns, 0);
		}
		assert_int_equal(g->dead, 1); /* V2-REL-8 */
		assert_int_equal(g->dead_at, rows[i].dead * 1000);
		assert_int_equal(g->counters[L2TP_C_RETRANSMIT], 5);
		rig_free(g);
	}
}

static void asking_on_keeps_the_longest_interval(void **state)
{
	struct rig *g = rig_new(8000, 4);

	(void)state;
	g->go_on = true;
	put(g, 1);
	run(g, 31000 + 80000);
	assert_int_equal(g->dead, 0);
	assert_int_equal(g->n, 6 + 1 + 10);
	g->go_on = false;
	run(g, 31000 + 90000);
	assert_int_equal(g->dead, 1);
	rig_free(g);
}

/* V2-REL-6 */
static void a_retransmission_carries_the_current_nr(void **state)
{
	struct rig *g = rig_new(8000, 4);

	(void)state;
	put(g, 1);
	assert_int_equal(g->sent[0].nr, 0);
	assert_int_equal(reliable_receive(&g->r, 0), REL_IN_ORDER);
	run(g, 1000);
	assert_int_equal(g->sent[1].ns, 0);
	assert_int_equal(g->sent[1].nr, 1);
	reliable_acknowledge(&g->r); /* it carried the acknowledgement */
	assert_int_equal(g->n, 2);
	rig_free(g);
}

/* V2-REL-1: the next Ns, which it does not use up; of the messages that have left. */
static void a_zlb_uses_no_number(void **state)
{
	struct rig *g = rig_new(8000, 4);

	(void)state;
	put(g, 1);
	put(g, 2); /* waits: cwnd is 1 */
	assert_int_equal(g->n, 1);
	reliable_receive(&g->r, 0);
	reliable_acknowledge(&g->r);
	assert_int_equal(g->sent[1].mark, 0);
	assert_int_equal(g->sent[1].ns, 1);
	assert_int_equal(g->sent[1].nr, 1);
	reliable_acknowledge(&g->r); /* nothing is owed */
	assert_int_equal(g->n, 2);
	reliable_acknowledged(&g->r, g->now, 1);
	assert_int_equal(g->sent[2].mark, 2);
	assert_int_equal(g->sent[2].ns, 1);
	rig_free(g);
}

/* V2-REL-2 with the RFC's own example: 15 received, so 32784..65535 and 0..15 are old. */
static void what_is_old_and_what_is_ahead(void **state)
{
	struct rig *g = rig_new(8000, 4);

	(void)state;
	for (uint16_t ns = 0; ns < 16; ns++)
		assert_int_equal(reliable_receive(&g->r, ns), REL_IN_ORDER);
	for (unsigned int ns = 0; ns <= 0xffff; ns++) {
		enum rel_verdict want = REL_OUTSIDE;

		if (ns == 16)
			want = REL_IN_ORDER;
		else if (ns < 16 || ns >= 32784)
			want = REL_DUPLICATE;
		else if (ns < 16 + 16)
			want = REL_AHEAD; /* V2-REL-4: inside our window of 16 */
		assert_int_equal(reliable_verdict(&g->r, (uint16_t)ns), want);
	}
	assert_true(g->r.ack_owed); /* V2-REL-3 */
	rig_free(g);
}

/* V2-REL-5 */
static void only_an_nr_of_what_was_sent_counts(void **state)
{
	struct rig *g = rig_new(8000, 4);

	(void)state;
	put(g, 1);
	put(g, 2);
	assert_false(reliable_nr_valid(&g->r, 2)); /* has not left */
	reliable_acknowledged(&g->r, g->now, 2);
	reliable_acknowledged(&g->r, g->now, 0xffff);
	reliable_acknowledged(&g->r, g->now, 0);
	assert_int_equal(g->n, 1);
	assert_int_equal(g->r.queued, 2);
	reliable_acknowledged(&g->r, g->now, 1);
	assert_int_equal(g->r.queued, 1);
	rig_free(g);
}

/* V2-REL-9, V2-REL-11: 1, 2, 4, ... up to the peer's window; one a window after that. */
static void slow_start_and_the_window(void **state)
{
	struct rig *g = rig_new(8000, 8);
	static const unsigned int want[] = { 1, 2, 3, 4, 5, 6, 7, 8, 8, 8 };

	(void)state;
	for (unsigned int i = 0; i < 100; i++)
		put(g, 1);
	for (unsigned int i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		assert_int_equal(g->r.cwnd, want[i]);
		assert_int_equal(g->r.in_flight, want[i]);
		reliable_acknowledged(&g->r, g->now, (uint16_t)(g->r.snd_una + 1));
	}
	/* a timeout halves and starts again */
	g->now += 1000;
	timers_run(&g->timers, g->now, 1);
	assert_int_equal(g->r.cwnd, 1);
	assert_int_equal(g->r.ssthresh, 4);
	assert_int_equal(g->r.in_flight, 1); /* V2-REL-15 */
	for (unsigned int i = 0; i < 3; i++)
		reliable_acknowledged(&g->r, g->now, (uint16_t)(g->r.snd_una + 1));
	assert_int_equal(g->r.cwnd, 4);
	for (unsigned int i = 0; i < 4; i++)
		reliable_acknowledged(&g->r, g->now, (uint16_t)(g->r.snd_una + 1));
	assert_int_equal(g->r.cwnd, 5);
	rig_free(g);
}

static void the_window_of_a_boaster_is_cut(void **state)
{
	struct rig *g = rig_new(8000, 800);

	(void)state;
	assert_int_equal(g->r.peer_window, REL_MAX_PEER_WINDOW); /* V2-QRK-5 */
	rig_free(g);
}

/* After a timeout the peer says that it had the later ones after all. */
static void an_acknowledgement_jumps_over_what_was_to_be_sent_again(void **state)
{
	struct rig *g = rig_new(8000, 8);

	(void)state;
	for (uint8_t i = 1; i <= 10; i++)
		put(g, i);
	for (unsigned int i = 0; i < 3; i++)
		reliable_acknowledged(&g->r, g->now, (uint16_t)(g->r.snd_una + 1));
	assert_int_equal(g->r.in_flight, 4); /* 3, 4, 5, 6 */
	run(g, 1000);
	assert_int_equal(g->r.in_flight, 1);
	reliable_acknowledged(&g->r, g->now, 7);
	assert_int_equal(g->sent[g->n - 1].mark, 9);
	assert_int_equal(g->sent[g->n - 1].ns, 8);
	assert_int_equal(g->counters[L2TP_C_RETRANSMIT], 1);
	rig_free(g);
}

static void numbers_wrap(void **state)
{
	struct rig *g = rig_new(8000, 4);
	unsigned int got = 0;
	uint8_t p[16];

	(void)state;
	g->r.snd_una = g->r.snd_nxt = 0xfffe;
	g->r.rcv_nxt = 0xfffe;
	for (uint8_t i = 1; i <= 4; i++) {
		put(g, i);
		assert_int_equal(g->sent[g->n - 1].ns, (uint16_t)(0xfffd + i));
		reliable_acknowledged(&g->r, g->now, (uint16_t)(0xfffe + i));
	}
	assert_int_equal(g->r.queued, 0);
	/* 0, 1, 0xffff arrive before 0xfffe */
	for (unsigned int i = 0; i < 3; i++) {
		uint16_t ns = i == 2 ? 0xffff : (uint16_t)i;

		assert_int_equal(reliable_receive(&g->r, ns), REL_AHEAD);
		reliable_hold(&g->r, ns, p, message(p, (uint8_t)(ns + 1)), 16);
	}
	assert_null(reliable_next_held(&g->r));
	assert_int_equal(reliable_receive(&g->r, 0xfffe), REL_IN_ORDER);
	for (struct rel_message *m; (m = reliable_next_held(&g->r)); got++) {
		assert_int_equal(m->ns, (uint16_t)(0xffff + got));
		free(m);
	}
	assert_int_equal(got, 3);
	assert_int_equal(g->r.rcv_nxt, 2);
	rig_free(g);
}

static void what_waits_for_its_turn_is_bounded(void **state)
{
	struct rig *g = rig_new(8000, 4);
	uint8_t p[16];

	(void)state;
	for (unsigned int round = 0; round < 3; round++)
		for (uint16_t ns = 1; ns < 16; ns++)
			reliable_hold(&g->r, ns, p, message(p, 1), 4);
	assert_int_equal(g->r.n_held, 4);
	assert_int_equal(g->env.held, 4 * 13);
	g->env.held = REL_MAX_HELD; /* all connections together */
	reliable_hold(&g->r, 9, p, message(p, 1), 16);
	assert_int_equal(g->r.n_held, 4);
	g->env.held = 4 * 13;
	rig_free(g);
}

/* Another connection fills the store that is common to all: we still hold a few. */
static void who_fills_the_store_leaves_room(void **state)
{
	struct rig *greedy = rig_new(8000, 4), *other = rig_new(8000, 4);
	uint8_t p[4000] = { 0 };
	struct rel_message *m;

	(void)state;
	greedy->env.held = other->env.held = REL_MAX_HELD / 2 + 1;
	for (uint16_t ns = 1; ns < 16; ns++)
		reliable_hold(&greedy->r, ns, p, sizeof(p), 16);
	assert_int_equal(greedy->r.n_held, REL_FAIR_HELD / sizeof(p));
	reliable_hold(&other->r, 1, p, message(p, 1), 16);
	assert_int_equal(other->r.n_held, 1);
	assert_int_equal(reliable_receive(&greedy->r, 0), REL_IN_ORDER);
	while ((m = reliable_next_held(&greedy->r)))
		free(m);
	assert_int_equal(greedy->r.held_len, 0); /* and has its room again */
	assert_int_equal(greedy->env.held, REL_MAX_HELD / 2 + 1);
	greedy->env.held = 0;
	other->env.held = other->r.held_len;
	rig_free(greedy);
	rig_free(other);
}

static void unsent_messages_can_be_forgotten(void **state)
{
	struct rig *g = rig_new(8000, 4);

	(void)state;
	for (uint8_t i = 1; i <= 5; i++)
		put(g, i);
	reliable_drop_unsent(&g->r);
	assert_int_equal(g->r.queued, 1);
	put(g, 9);
	reliable_acknowledged(&g->r, g->now, 1);
	assert_int_equal(g->sent[1].mark, 9);
	assert_int_equal(g->sent[1].ns, 1);
	reliable_acknowledged(&g->r, g->now, 2);
	assert_false(reliable_outstanding(&g->r));
	rig_free(g);
}

static void one_may_jump_the_queue_but_not_what_has_left(void **state)
{
	struct rig *g = rig_new(8000, 4);
	static const uint8_t want[] = { 1, 9, 2, 3, 8 };
	uint8_t p[16];

	(void)state;
	for (uint8_t i = 1; i <= 3; i++)
		put(g, i);
	reliable_send_first(&g->r, g->now, p, message(p, 9));
	assert_int_equal(g->r.taken, 3);
	for (uint16_t i = 1; i <= 4; i++)
		reliable_acknowledged(&g->r, g->now, i);
	assert_true(reliable_delivered(&g->r, 3));
	assert_false(reliable_delivered(&g->r, 4));
	reliable_send_first(&g->r, g->now, p, message(p, 8));
	assert_int_equal(g->n, 5);
	for (uint16_t i = 0; i < 5; i++) {
		assert_int_equal(g->sent[i].mark, want[i]);
		assert_int_equal(g->sent[i].ns, i);
	}
	rig_free(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timeline_of_retransmissions),
		cmocka_unit_test(asking_on_keeps_the_longest_interval),
		cmocka_unit_test(a_retransmission_carries_the_current_nr),
		cmocka_unit_test(a_zlb_uses_no_number),
		cmocka_unit_test(what_is_old_and_what_is_ahead),
		cmocka_unit_test(only_an_nr_of_what_was_sent_counts),
		cmocka_unit_test(slow_start_and_the_window),
		cmocka_unit_test(the_window_of_a_boaster_is_cut),
		cmocka_unit_test(an_acknowledgement_jumps_over_what_was_to_be_sent_again),
		cmocka_unit_test(numbers_wrap),
		cmocka_unit_test(what_waits_for_its_turn_is_bounded),
		cmocka_unit_test(who_fills_the_store_leaves_room),
		cmocka_unit_test(unsent_messages_can_be_forgotten),
		cmocka_unit_test(one_may_jump_the_queue_but_not_what_has_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
