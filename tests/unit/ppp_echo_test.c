/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whom we ask by an LCP echo and whom not (PPP-ECHO-2), and when the hook may answer the peer's
 * (PPP-ECHO-1): never while LCP is not open.
 */
#include "tests/unit/ppp_world.h"

#define PEER_MAGIC 0xa1b2c3d4u
#define ECHO_MS 30000

static void lns_up(struct world *w)
{
	world_init(w);
	w->lns.cfg.n_auths = 0;
	w->lns.cfg.ipv6 = false;
	world_lns(w);
	lcp_open(&w->lns);
}

static void ipcp_up(struct world *w)
{
	ask(&w->lns, PPP_IPCP, "03060a000307");
	agree(&w->lns, PPP_IPCP);
	assert_true(ppp_is_open(w->lns.link, PPP_IP));
	wire_clear(w);
}

static unsigned int count(struct world *w, uint8_t code)
{
	unsigned int head = w->head, n = 0;

	while (wire_find(w, PPP_LCP, code))
		n++;
	w->head = head;
	return n;
}

/* ---- whom we ask ---- */

static void a_peer_that_asks_is_not_asked(void **state)
{
	struct world w;

	(void)state;
	lns_up(&w);
	ipcp_up(&w);
	for (unsigned int i = 0; i < 600 / 20; i++) {
		feed(&w.lns, "ff03c021 09070008 a1b2c3d4");
		world_run(&w, 20000);
	}
	assert_int_equal(count(&w, CODE_ECHO_REPLY), 30);
	assert_int_equal(count(&w, CODE_ECHO_REQUEST), 0);
	world_run(&w, ECHO_MS - 20000);
	assert_int_equal(count(&w, CODE_ECHO_REQUEST), 0); /* silent for 30 s, no longer */
	world_run(&w, ECHO_MS + 1);
	assert_int_equal(count(&w, CODE_ECHO_REQUEST), 1);
	world_free(&w);
}

/* Both ask every 30 s; whoever begins, it is the client that goes on. */
static void of_two_that_ask_the_client_goes_on(void **state)
{
	uint8_t ours, its;
	struct world w;

	(void)state;
	for (unsigned int ms = 0; ms < 30000; ms += 1999) {
		world_init(&w);
		w.client.cfg.echo_ms = ECHO_MS;
		w.client.cfg.echo_failures = 4;
		world_pair(&w);
		world_run(&w, 300);
		/* as if it had begun then */
		timer_set(&w.timers, &w.client.link->echo_timer, w.now + ms,
			  w.client.link->echo_timer.fn);
		world_run(&w, 2 * ECHO_MS);
		ours = w.lns.link->echo.id;
		its = w.client.link->echo.id;
		world_run(&w, 10 * ECHO_MS);
		assert_int_equal(w.lns.link->echo.id, ours);
		assert_in_range((uint8_t)(w.client.link->echo.id - its), 9, 10);
		assert_int_equal(w.lns.n_finished + w.client.n_finished, 0);
		world_free(&w);
	}
}

/* A question with a bad number says nothing of the peer (PPP-ECHO-3). */
static void what_is_not_the_peers_own_does_not_count(void **state)
{
	struct world w;

	(void)state;
	lns_up(&w);
	ipcp_up(&w);
	for (unsigned int i = 0; i < 9; i++) {
		feed(&w.lns, "ff03c021 09070008 a1b2c3d5");
		world_run(&w, 10000);
	}
	assert_in_range(count(&w, CODE_ECHO_REQUEST), 2, 3);
	world_free(&w);
}

/* Else a peer that has gone would be found after twice the time. */
static void an_answer_does_not_save_the_next_question(void **state)
{
	struct world w;
	char reply[64];
	unsigned int n = 0;

	(void)state;
	lns_up(&w);
	ipcp_up(&w);
	for (unsigned int i = 0; i < 600; i++) {
		const struct wire *f = wire_find(&w, PPP_LCP, CODE_ECHO_REQUEST);

		if (f) {
			n++;
			snprintf(reply, sizeof(reply), "ff03c021 0a%02x0008 %08x", f->data[5],
				 PEER_MAGIC);
			feed(&w.lns, reply);
		}
		world_run(&w, 1000);
	}
	assert_in_range(n, 19, 20);
	assert_int_equal(w.lns.n_finished, 0);
	world_free(&w);
}

/* A million links are looked at in ten wake-ups a second, whenever they came. */
static void links_are_looked_at_together(void **state)
{
	struct world w;

	(void)state;
	for (unsigned int ms = 0; ms < 100; ms += 7) {
		lns_up(&w);
		world_run(&w, ms);
		ipcp_up(&w);
		w.lns.alive = true;
		for (unsigned int i = 0; i < 5; i++) {
			msec_t next = timer_when(&w.timers, &w.lns.link->echo_timer);

			assert_int_equal(next % 100, 0);
			assert_int_equal(timers_next(&w.timers), next); /* nothing else waits */
			world_run(&w, (unsigned int)(next - w.now));
			assert_int_equal(timer_when(&w.timers, &w.lns.link->echo_timer),
					 next + ECHO_MS);
		}
		assert_int_equal(count(&w, CODE_ECHO_REQUEST), 0);
		world_free(&w);
	}
}

static uint32_t our_magic(const struct world *w)
{
	return w->lns.link->lcp.magic;
}

/* PPP-ECHO-3: only so many in a row are a loop, and what the hook has answered is between them. */
static void a_loop_is_one_without_anything_else(void **state)
{
	struct world w;
	char ours[64];

	(void)state;
	lns_up(&w);
	ipcp_up(&w);
	snprintf(ours, sizeof(ours), "ff03c021 09070008 %08x", our_magic(&w));
	w.lns.alive = true;
	for (unsigned int i = 0; i < 10; i++) {
		feed(&w.lns, ours);
		feed(&w.lns, ours);
		world_run(&w, ECHO_MS + 1);
	}
	assert_int_equal(w.lns.n_finished, 0);
	for (unsigned int i = 0; i < 3; i++)
		feed(&w.lns, ours);
	world_run(&w, 3100);
	assert_int_equal(w.lns.n_finished, 1);
	assert_int_equal(w.lns.cause->code, 7);
	world_free(&w);
}

/* ---- whom the hook answers ---- */

static bool answers(const struct end *e, uint32_t *ret_magic, uint32_t *ret_peer)
{
	return ppp_echo_answers(e->link, ret_magic, ret_peer);
}

static void must_answer(struct end *e)
{
	uint32_t magic, peer;

	assert_true(answers(e, &magic, &peer));
	assert_int_equal(magic, e->link->lcp.magic);
	assert_int_equal(peer, PEER_MAGIC);
}

static void must_not_answer(struct end *e)
{
	uint32_t magic, peer;

	assert_false(answers(e, &magic, &peer));
}

/* In every way that LCP leaves Opened, the daemon is told before anything is sent. */
static void the_hook_answers_while_lcp_is_open(void **state)
{
	static const char *const ends[] = {
		"ff03c021 0102000a 0506b1b2c3d5", /* Configure-Request: renegotiation */
		"ff03c021 05020004", /* Terminate-Request */
		"ff03c021 07030008 01010004", /* Code-Reject of what nobody can do without */
	};

	(void)state;
	for (unsigned int i = 0; i <= sizeof(ends) / sizeof(ends[0]); i++) {
		struct world w;

		lns_up(&w);
		must_not_answer(&w.lns); /* no network yet: the daemon does */
		w.lns.on_up = must_answer;
		ipcp_up(&w);
		must_answer(&w.lns);
		w.lns.on_down = must_not_answer;
		if (i < sizeof(ends) / sizeof(ends[0]))
			feed(&w.lns, ends[i]);
		else
			ppp_close(w.lns.link, w.now, &ppp_cause_admin);
		assert_int_equal(w.lns.down4, 1);
		must_not_answer(&w.lns);
		world_free(&w);
	}
}

/* A new negotiation has new numbers. */
static void a_new_negotiation_has_new_numbers(void **state)
{
	uint32_t before, after, peer;
	struct world w;

	(void)state;
	lns_up(&w);
	ipcp_up(&w);
	assert_true(answers(&w.lns, &before, &peer));
	feed(&w.lns, "ff03c021 0102000a 0506b1b2c3d5");
	agree(&w.lns, PPP_LCP);
	assert_int_equal(w.lns.link->lcp_fsm.state, FSM_OPENED);
	must_not_answer(&w.lns);
	ipcp_up(&w);
	assert_true(answers(&w.lns, &after, &peer));
	assert_int_not_equal(before, after);
	assert_int_equal(after, our_magic(&w));
	assert_int_equal(peer, 0xb1b2c3d5);
	world_free(&w);
}

/* 0: not negotiated. */
static void numbers_that_were_not_negotiated(void **state)
{
	uint32_t magic, peer;
	struct world w;
	char option[16];

	(void)state;
	world_init(&w);
	w.lns.cfg.n_auths = 0;
	w.lns.cfg.ipv6 = false;
	world_lns(&w);
	assert_non_null(wire_find(&w, PPP_LCP, CODE_CONFIGURE_REQUEST));
	snprintf(option, sizeof(option), "0506%08x", our_magic(&w));
	answer(&w.lns, PPP_LCP, CODE_CONFIGURE_REJECT, option);
	feed(&w.lns, "ff03c021 01010004");
	agree(&w.lns, PPP_LCP);
	assert_int_equal(w.lns.link->lcp_fsm.state, FSM_OPENED);
	ipcp_up(&w);
	assert_true(answers(&w.lns, &magic, &peer));
	assert_int_equal(magic, 0);
	assert_int_equal(peer, 0);
	world_free(&w);
}

/* After a restart the same octets, or peers would take us for somebody else. */
static void a_restored_link_has_the_same_numbers(void **state)
{
	uint32_t before, after, peer;
	struct world w;

	(void)state;
	lns_up(&w);
	ipcp_up(&w);
	assert_true(answers(&w.lns, &before, &peer));
	ppp_link_free(w.lns.link);
	world_new_link(&w.lns);
	must_not_answer(&w.lns);
	assert_int_equal(ppp_link_restore(w.lns.link, w.now, w.lns.record, w.lns.record_len), 0);
	assert_true(answers(&w.lns, &after, &peer));
	assert_int_equal(before, after);
	assert_int_equal(peer, PEER_MAGIC);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_peer_that_asks_is_not_asked),
		cmocka_unit_test(of_two_that_ask_the_client_goes_on),
		cmocka_unit_test(what_is_not_the_peers_own_does_not_count),
		cmocka_unit_test(an_answer_does_not_save_the_next_question),
		cmocka_unit_test(links_are_looked_at_together),
		cmocka_unit_test(a_loop_is_one_without_anything_else),
		cmocka_unit_test(the_hook_answers_while_lcp_is_open),
		cmocka_unit_test(a_new_negotiation_has_new_numbers),
		cmocka_unit_test(numbers_that_were_not_negotiated),
		cmocka_unit_test(a_restored_link_has_the_same_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
