/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The automaton of RFC 1661 section 4.1, cell by cell: the table says what the document
 * says, and each cell does what the table says.
 */
#include "tests/unit/ppp_world.h"

/* docs/protocol/ppp.md section 3, as it stands there. */
static const char *const document[FSM_EVENTS][FSM_STATES] = {
	[FSM_UP] = { "2", "irc,scr/6", "-", "-", "-", "-", "-", "-", "-", "-" },
	[FSM_DOWN] = { "-", "-", "0", "tls/1", "0", "1", "1", "1", "1", "tld/1" },
	[FSM_OPEN] = { "tls/1", "1", "irc,scr/6", "3", "5", "5", "6", "7", "8", "9" },
	[FSM_CLOSE] = { "0", "tlf/0", "2", "2", "4", "4", "irc,str/4", "irc,str/4", "irc,str/4",
			"tld,irc,str/4" },
	[FSM_TO_PLUS] = { "-", "-", "-", "-", "str/4", "str/5", "scr/6", "scr/6", "scr/8", "-" },
	[FSM_TO_MINUS] = { "-", "-", "-", "-", "tlf/2", "tlf/3", "tlf/3", "tlf/3", "tlf/3", "-" },
	[FSM_RCR_PLUS] = { "-", "-", "sta/2", "irc,scr,sca/8", "4", "5", "sca/8", "sca,tlu/9",
			   "sca/8", "tld,scr,sca/8" },
	[FSM_RCR_MINUS] = { "-", "-", "sta/2", "irc,scr,scn/6", "4", "5", "scn/6", "scn/7", "scn/6",
			    "tld,scr,scn/6" },
	[FSM_RCA] = { "-", "-", "sta/2", "sta/3", "4", "5", "irc/7", "scr/6", "irc,tlu/9",
		      "tld,scr/6" },
	[FSM_RCN] = { "-", "-", "sta/2", "sta/3", "4", "5", "irc,scr/6", "scr/6", "irc,scr/8",
		      "tld,scr/6" },
	[FSM_RTR] = { "-", "-", "sta/2", "sta/3", "sta/4", "sta/5", "sta/6", "sta/6", "sta/6",
		      "tld,zrc,sta/5" },
	[FSM_RTA] = { "-", "-", "2", "3", "tlf/2", "tlf/3", "6", "6", "8", "tld,scr/6" },
	[FSM_RUC] = { "-", "-", "scj/2", "scj/3", "scj/4", "scj/5", "scj/6", "scj/7", "scj/8",
		      "scj/9" },
	[FSM_RXJ_PLUS] = { "-", "-", "2", "3", "4", "5", "6", "6", "8", "9" },
	[FSM_RXJ_MINUS] = { "-", "-", "tlf/2", "tlf/3", "tlf/2", "tlf/3", "tlf/3", "tlf/3", "tlf/3",
			    "tld,irc,str/5" },
	[FSM_RXR] = { "-", "-", "2", "3", "4", "5", "6", "7", "8", "ser/9" },
};

static void cell_text(const struct fsm_cell *c, char out[64])
{
	size_t n = 0;

	if (c->next == FSM_STATES) {
		snprintf(out, 64, "-");
		return;
	}
	for (unsigned int i = 0; i < FSM_ACTIONS; i++)
		if (c->actions & 1u << i)
			n += (size_t)sprintf(out + n, "%s%s", n ? "," : "", fsm_action_names[i]);
	sprintf(out + n, "%s%u", n ? "/" : "", c->next);
}

static void test_table_is_the_documents(void **state)
{
	char got[64];

	(void)state;
	for (unsigned int e = 0; e < FSM_EVENTS; e++) {
		for (unsigned int s = 0; s < FSM_STATES; s++) {
			cell_text(&fsm_table[e][s], got);
			if (strcmp(got, document[e][s]) != 0)
				fail_msg("%s in %s: %s, not %s", fsm_event_names[e],
					 fsm_state_names[s], got, document[e][s]);
		}
	}
}

/* ---- what a cell does ---- */

static char done[64];

static void note(const char *what)
{
	size_t n = strlen(done);

	snprintf(done + n, sizeof(done) - n, "%s%s", n ? "," : "", what);
}

static void fake_reset(struct ppp_link *l)
{
	(void)l;
}

static void fake_request(struct ppp_link *l, struct writer *w)
{
	(void)l, (void)w;
}

static void fake_adopt(struct ppp_link *l, const struct option *o)
{
	(void)l, (void)o;
}

static void fake_up(struct ppp_link *l, msec_t now)
{
	(void)l, (void)now;
	note("tlu");
}

static void fake_down(struct ppp_link *l, msec_t now)
{
	(void)l, (void)now;
	note("tld");
}

static void fake_finished(struct ppp_link *l, msec_t now)
{
	(void)l, (void)now;
	note("tlf");
}

static const struct fsm_protocol fake = {
	.protocol = PPP_LCP, /* Echo-Replies are LCP's */
	.name = "fake",
	.reset = fake_reset,
	.request = fake_request,
	.forget = fake_reset,
	.adopt = fake_adopt,
	.up = fake_up,
	.down = fake_down,
	.finished = fake_finished,
};

static void note_send(void *ctx, const uint8_t *frame, size_t len)
{
	static const char *const codes[] = { NULL,  "scr", "sca", "scn", "scn", "str",
					     "sta", "scj", NULL,  NULL,  "ser" };

	(void)ctx;
	assert_true(len >= 8 && frame[4] < 11 && codes[frame[4]]);
	note(codes[frame[4]]);
}

/* What can be seen from outside: not the counter's actions, nor tls. */
static void visible(const char *cell, char out[64])
{
	static const char *const names[] = { "tld", "scr", "sca", "scn", "str",
					     "sta", "scj", "ser", "tlu", "tlf" };

	size_t n = 0;

	out[0] = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strstr(cell, names[i]))
			continue;
		n += (size_t)snprintf(out + n, 64 - n, "%s%s", n ? "," : "", names[i]);
	}
}

static void walk_cell(struct world *w, unsigned int e, unsigned int s)
{
	static const uint8_t packet[] = { 1, 7, 0, 8, 0, 0, 0, 0 };
	struct fsm_packet p = {
		.code = 1,
		.id = 7,
		.data = packet + 4,
		.len = 4,
		.answer_code = CODE_CONFIGURE_NAK,
		.answer = packet + 4,
	};
	struct ppp_ops ops = world_ops;
	const char *cell = document[e][s];
	struct fsm f;
	char want[64];

	ops.send = note_send;
	w->lns.link->ops = &ops;
	fsm_init(&f, w->lns.link, &fake);
	f.state = (uint8_t)s;
	f.restarts = 1;
	done[0] = 0;
	fsm_event(&f, w->now, (enum fsm_event)e, &p);
	visible(cell, want);
	if (strcmp(done, want) != 0)
		fail_msg("%s in %s: did %s, not %s", fsm_event_names[e], fsm_state_names[s], done,
			 want);
	if (cell[0] == '-') {
		assert_int_equal(f.state, s);
	} else {
		assert_int_equal(f.state, cell[strlen(cell) - 1] - '0');
		/* PPP-FSM-1: nothing runs outside of the states 4 to 8 */
		if (f.state < FSM_CLOSING || f.state == FSM_OPENED)
			assert_false(timer_is_set(&f.timer));
		if (strstr(cell, "scr") || strstr(cell, "str") || strstr(cell, "zrc"))
			assert_true(timer_is_set(&f.timer));
		if (strstr(cell, "irc,scr"))
			assert_int_equal(f.restarts, FSM_MAX_CONFIGURE - 1);
		if (strstr(cell, "irc,str"))
			assert_int_equal(f.restarts, FSM_MAX_TERMINATE - 1);
		if (strstr(cell, "zrc"))
			assert_int_equal(f.restarts, 0);
	}
	timer_stop(&w->timers, &f.timer);
	w->lns.link->ops = &world_ops;
}

static void test_every_cell_acts_in_order_and_moves_on(void **state)
{
	struct world w;

	(void)state;
	world_init(&w);
	world_new_link(&w.lns);
	for (unsigned int e = 0; e < FSM_EVENTS; e++)
		for (unsigned int s = 0; s < FSM_STATES; s++)
			walk_cell(&w, e, s);
	world_free(&w);
}

/* PPP-FSM-1, PPP-FSM-2, and the early first retry (xl2tpd starts pppd late). */
static void test_requests_repeat_with_back_off_then_stop(void **state)
{
	static const msec_t at[] = {
		0, 1000, 4000, 7000, 10000, 16000, 22000, 28000, 34000, 40000
	};
	struct world w;
	msec_t start;
	uint8_t id = 0;

	(void)state;
	world_init(&w);
	start = w.now;
	world_lns(&w);
	for (unsigned int i = 0; i < 10; i++) {
		const struct wire *f;

		world_run(&w, start + at[i] - w.now);
		f = wire_next(&w);
		assert_non_null(f);
		assert_int_equal(f->data[4], CODE_CONFIGURE_REQUEST);
		if (i)
			assert_int_equal(f->data[5], id); /* PPP-FSM-5 */
		id = f->data[5];
		assert_int_equal(f->when, start + at[i] + 1);
		expect_nothing(&w);
	}
	world_run(&w, 5999);
	assert_int_equal(w.lns.n_finished, 0);
	world_run(&w, 1);
	assert_int_equal(w.lns.n_finished, 1);
	assert_int_equal(w.lns.cause->code, 5);
	assert_int_equal(w.lns.cause->proto, PPP_LCP);
	expect_nothing(&w);
	world_free(&w);
}

/* PPP-FSM-3: only the answer to the last request counts, octet by octet. */
static void test_answers_must_fit_the_last_request(void **state)
{
	static const char *const strays[] = {
		"ff03c021 0201000a 010405b4 0304", /* Ack of a part */
		"ff03c021 0401000a 0506ffffffff", /* Reject of what was not asked */
		"ff03c021 04010004", /* empty Reject */
		"ff03c021 03020008 01040500", /* Nak with a wrong id */
		"ff03c021 03010008 01ff0500", /* Nak that is broken */
		"ff03c021 0401000d 0305c22381 010405b4", /* Reject out of order */
	};
	struct world w;
	uint8_t ack[64];
	size_t len;

	(void)state;
	world_init(&w);
	world_lns(&w);
	len = w.wire[0].len;
	memcpy(ack, w.wire[0].data, len);
	wire_clear(&w);
	ack[4] = CODE_CONFIGURE_ACK;
	ack[5]++; /* another identifier */
	ppp_input(w.lns.link, w.now, ack, len);
	ack[5]--;
	ack[len - 1] ^= 1; /* another magic number */
	ppp_input(w.lns.link, w.now, ack, len);
	assert_int_equal(w.lns.link->lcp_fsm.state, FSM_REQ_SENT);
	for (size_t i = 0; i < sizeof(strays) / sizeof(strays[0]); i++) {
		feed(&w.lns, strays[i]);
		assert_int_equal(w.lns.link->lcp_fsm.state, FSM_REQ_SENT);
		expect_nothing(&w);
	}
	world_free(&w);
}

/* PPP-FSM-3: a repeated Ack does not start the negotiation again. */
static void test_a_second_copy_of_an_ack_is_nothing(void **state)
{
	struct world w;
	const struct wire *f;
	uint8_t ack[64];
	size_t len;

	(void)state;
	world_init(&w);
	world_lns(&w);
	f = wire_next(&w);
	len = f->len;
	memcpy(ack, f->data, len);
	ack[4] = CODE_CONFIGURE_ACK;
	ppp_input(w.lns.link, w.now, ack, len);
	assert_int_equal(w.lns.link->lcp_fsm.state, FSM_ACK_RCVD);
	ppp_input(w.lns.link, w.now, ack, len);
	assert_int_equal(w.lns.link->lcp_fsm.state, FSM_ACK_RCVD);
	feed(&w.lns, "ff03c021 0101000a 0506a1b2c3d4");
	assert_int_equal(w.lns.link->lcp_fsm.state, FSM_OPENED);
	ppp_input(w.lns.link, w.now, ack, len);
	assert_int_equal(w.lns.link->lcp_fsm.state, FSM_OPENED);
	world_free(&w);
}

/* PPP-PH-6, PPP-PH-4: a request in Opened takes everything down first. */
static void test_a_request_in_opened_negotiates_again(void **state)
{
	struct world w;
	uint8_t id;

	(void)state;
	world_init(&w);
	world_lns(&w);
	id = w.wire[0].data[5];
	lcp_open(&w.lns);
	wire_clear(&w);
	feed(&w.lns, "ff03c021 0102000a 0506a1b2c3d5");
	assert_int_equal(w.lns.link->lcp_fsm.state, FSM_ACK_SENT);
	assert_string_equal(ppp_phase(w.lns.link), "establish");
	assert_int_equal(wire_next(&w)->data[5], (uint8_t)(id + 1)); /* scr, a new identifier */
	expect_frame(&w, "ff03c021 0202000a 0506a1b2c3d5");
	expect_nothing(&w);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table_is_the_documents),
		cmocka_unit_test(test_every_cell_acts_in_order_and_moves_on),
		cmocka_unit_test(test_requests_repeat_with_back_off_then_stop),
		cmocka_unit_test(test_answers_must_fit_the_last_request),
		cmocka_unit_test(test_a_second_copy_of_an_ack_is_nothing),
		cmocka_unit_test(test_a_request_in_opened_negotiates_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
