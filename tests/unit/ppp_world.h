/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A world for PPP tests: a clock, timers, and one or two links. Frames go from one link to
 * the other after 1 ms, or, with one link only, to a list that the test reads ("the wire").
 * Everything is deterministic: the random numbers are a counter's.
 */
#ifndef L2XDP_TESTS_PPP_WORLD_H
#define L2XDP_TESTS_PPP_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loader/ppp/link.h"

#define WIRE_MAX 4096

struct world;

struct end {
	struct world *world;
	struct end *other; /* NULL: a test plays the peer */
	struct ppp_link *link;
	struct ppp_config cfg;
	/* the judge */
	const char *password; /* of every user */
	bool judge_later; /* the test calls end_judge itself */
	struct ppp_grant grant;
	struct ppp_credentials asked; /* the last ones */
	unsigned int n_asked;
	/* what was heard */
	unsigned int up4, up6, down4, down6, n_finished, n_prefix, n_changed;
	uint8_t record[PPP_MAX_RECORD]; /* as the daemon keeps it */
	size_t record_len;
	const struct ppp_cause *cause;
	struct ppp_network net;
	bool alive;
	/* what to do when a network comes up or goes down */
	void (*on_up)(struct end *e);
	void (*on_down)(struct end *e);
};

struct wire {
	struct end *to; /* NULL: to the test */
	msec_t when;
	size_t len;
	uint8_t data[PPP_MAX_FRAME + 8];
};

struct world {
	struct timers timers;
	msec_t now;
	uint32_t random;
	bool random_stuck; /* always the same number */
	/* true: this frame is lost; n counts all frames */
	bool (*lost)(unsigned int n);
	unsigned int n_sent;
	struct wire *wire;
	unsigned int head, tail;
	struct end lns, client;
};

/* ---- ops ---- */

static inline void world_send(void *ctx, const uint8_t *frame, size_t len)
{
	struct end *e = ctx;
	struct world *w = e->world;
	struct wire *slot = &w->wire[w->tail % WIRE_MAX];

	assert_true(len <= sizeof(slot->data));
	assert_true(len >= 8 && frame[0] == 0xff && frame[1] == 0x03); /* PPP-FR-4 */
	assert_int_equal(e->n_finished, 0);
	w->n_sent++;
	if (w->lost && w->lost(w->n_sent))
		return;
	assert_true(w->tail - w->head < WIRE_MAX);
	slot->to = e->other;
	slot->when = w->now + 1;
	slot->len = len;
	memcpy(slot->data, frame, len);
	w->tail++;
}

static inline void world_random(void *ctx, void *buf, size_t n)
{
	struct world *w = ((struct end *)ctx)->world;
	uint8_t *p = buf;

	for (size_t i = 0; i < n; i++) {
		if (!w->random_stuck)
			w->random = w->random * 1664525u + 1013904223u;
		p[i] = (uint8_t)(w->random >> 24);
	}
}

static inline void end_judge(struct end *e)
{
	char response[41];
	struct ppp_grant g = e->grant;

	g.ok = e->asked.method == PPP_AUTH_NONE ||
	       (e->password &&
		ppp_check_password(&e->asked, e->password, strlen(e->password), response));
	if (g.ok && e->asked.method != PPP_AUTH_NONE)
		memcpy(g.authenticator_response, response, sizeof(response));
	ppp_authenticated(e->link, e->world->now, &g);
}

static inline void world_authenticate(void *ctx, const struct ppp_credentials *cred)
{
	struct end *e = ctx;

	e->asked = *cred;
	e->n_asked++;
	if (!e->judge_later)
		end_judge(e);
}

static inline void world_up(void *ctx, uint16_t protocol, const struct ppp_network *net)
{
	struct end *e = ctx;

	assert_int_equal(e->n_finished, 0);
	e->net = *net;
	if (protocol == PPP_IP) {
		assert_int_equal(e->up4, e->down4);
		e->up4++;
	} else {
		assert_int_equal(e->up6, e->down6);
		e->up6++;
	}
	if (e->on_up)
		e->on_up(e);
}

static inline void world_down(void *ctx, uint16_t protocol)
{
	struct end *e = ctx;

	assert_int_equal(e->n_finished, 0);
	if (protocol == PPP_IP)
		assert_int_equal(++e->down4, e->up4);
	else
		assert_int_equal(++e->down6, e->up6);
	if (e->on_down)
		e->on_down(e);
}

static inline void world_prefix(void *ctx, const struct ppp_network *net)
{
	struct end *e = ctx;

	e->net = *net;
	e->n_prefix++;
}

static inline bool world_alive(void *ctx, msec_t since)
{
	(void)since;
	return ((struct end *)ctx)->alive;
}

static inline void world_changed(void *ctx)
{
	struct end *e = ctx;

	assert_int_equal(e->n_finished, 0);
	e->record_len = ppp_link_save(e->link, e->record, sizeof(e->record));
	e->n_changed++;
}

static inline void world_finished(void *ctx, const struct ppp_cause *cause)
{
	struct end *e = ctx;

	assert_int_equal(e->up4, e->down4);
	assert_int_equal(e->up6, e->down6);
	e->n_finished++;
	e->cause = cause;
}

static const struct ppp_ops world_ops = {
	.send = world_send,
	.random = world_random,
	.authenticate = world_authenticate,
	.network_up = world_up,
	.network_down = world_down,
	.prefix = world_prefix,
	.alive = world_alive,
	.changed = world_changed,
	.finished = world_finished,
};

/* ---- the world ---- */

static inline struct ipaddr world_addr(const char *text)
{
	struct ipaddr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static inline void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	timers_init(&w->timers);
	w->now = 1000000;
	w->random = 20240607;
	w->wire = calloc(WIRE_MAX, sizeof(*w->wire));
	assert_non_null(w->wire);

	w->lns.world = w->client.world = w;
	w->lns.cfg = (struct ppp_config){
		.auths = { PPP_AUTH_MSCHAPV2, PPP_AUTH_CHAP_MD5, PPP_AUTH_PAP },
		.n_auths = 3,
		.mru = 1460,
		.ipv4 = true,
		.ipv6 = true,
		.name = "lns1.example.net",
		.restart_ms = 3000,
		.echo_ms = 30000,
		.echo_failures = 4,
		.proxy_auth = true,
	};
	w->lns.password = "clientPass";
	w->lns.grant = (struct ppp_grant){
		.ipv4 = world_addr("10.0.3.7"),
		.local_ipv4 = world_addr("10.0.0.1"),
		.dns4 = { world_addr("10.0.0.53"), world_addr("10.0.1.53") },
		.dns6 = { world_addr("2001:db8:53::53") },
	};
	assert_int_equal(prefix_parse("2001:db8:1000:7::/64", &w->lns.grant.ipv6), 0);
	w->client.cfg = (struct ppp_config){
		.client = true,
		.mru = 1460,
		.ipv4 = true,
		.ipv6 = true,
		.restart_ms = 3000,
		.user = "joe@example.net",
		.password = "clientPass",
		.want_dns = true,
	};
}

static inline void world_new_link(struct end *e)
{
	e->link = ppp_link_new(&e->cfg, &world_ops, e, &e->world->timers);
	assert_non_null(e->link);
}

/* Both ends, talking to each other. */
static inline void world_pair(struct world *w)
{
	w->lns.other = &w->client;
	w->client.other = &w->lns;
	world_new_link(&w->lns);
	world_new_link(&w->client);
	ppp_lower_up(w->lns.link, w->now, NULL);
	ppp_lower_up(w->client.link, w->now, NULL);
}

static inline void world_free(struct world *w)
{
	ppp_link_free(w->lns.link);
	ppp_link_free(w->client.link);
	assert_int_equal(timers_next(&w->timers), TIMERS_NEVER); /* none is left behind */
	timers_free(&w->timers);
	free(w->wire);
}

/* One frame arrives or one timer runs; false: nothing of that kind until `end`. */
static inline bool world_step(struct world *w, msec_t end)
{
	msec_t next = timers_next(&w->timers);
	struct wire *f = w->head != w->tail ? &w->wire[w->head % WIRE_MAX] : NULL;
	bool frame = f && f->to && f->when <= next;

	if (frame)
		next = f->when;
	if (next > end)
		return false;
	w->now = next;
	if (frame) {
		w->head++;
		ppp_input(f->to->link, w->now, f->data, f->len);
	} else {
		timers_run(&w->timers, w->now, 1);
	}
	return true;
}

/* Lets time pass: frames arrive and timers run. */
static inline void world_run(struct world *w, msec_t ms)
{
	msec_t end = w->now + ms;

	while (world_step(w, end))
		;
	w->now = end;
}

/* ---- a test in the peer's place ---- */

static inline size_t unhex(const char *hex, uint8_t *out, size_t cap)
{
	size_t n = 0;
	unsigned int v;

	for (; *hex; hex += 2) {
		while (*hex == ' ')
			hex++;
		if (!*hex)
			break;
		assert_true(n < cap);
		assert_int_equal(sscanf(hex, "%2x", &v), 1);
		out[n++] = (uint8_t)v;
	}
	return n;
}

static inline void feed(struct end *e, const char *hex)
{
	uint8_t frame[4096];
	size_t len = unhex(hex, frame, sizeof(frame));

	ppp_input(e->link, e->world->now, frame, len);
}

/* The next frame on the wire, NULL if there is none. */
static inline const struct wire *wire_next(struct world *w)
{
	return w->head != w->tail ? &w->wire[w->head++ % WIRE_MAX] : NULL;
}

static inline void wire_clear(struct world *w)
{
	w->head = w->tail;
}

static inline const char *hex_of(const uint8_t *p, size_t len)
{
	static char text[2 * (PPP_MAX_FRAME + 8) + 1];

	for (size_t i = 0; i < len; i++)
		snprintf(text + 2 * i, 3, "%02x", p[i]);
	text[2 * len] = 0;
	return text;
}

/* The next frame is exactly this. Blanks in `hex` do not count. */
#define expect_frame(w, hex)                                                                       \
	do {                                                                                       \
		uint8_t want_[4096];                                                               \
		size_t len_ = unhex(hex, want_, sizeof(want_));                                    \
		const struct wire *f_ = wire_next(w);                                              \
		char got_[4 * PPP_MAX_FRAME];                                                      \
		assert_non_null(f_);                                                               \
		snprintf(got_, sizeof(got_), "%s", hex_of(f_->data, f_->len));                     \
		assert_string_equal(got_, hex_of(want_, len_));                                    \
	} while (0)

#define expect_nothing(w)                                                                          \
	do {                                                                                       \
		const struct wire *f_ = wire_next(w);                                              \
		if (f_)                                                                            \
			fail_msg("unexpected frame %s", hex_of(f_->data, f_->len));                \
	} while (0)

/* The next frame of this protocol and code, other frames skipped; its identifier. */
static inline const struct wire *wire_find(struct world *w, uint16_t protocol, uint8_t code)
{
	const struct wire *f;

	while ((f = wire_next(w)))
		if ((f->data[2] << 8 | f->data[3]) == protocol && f->data[4] == code)
			return f;
	return NULL;
}

/* A request with these options, and the options of the answer. `answer` NULL: none. */
struct option_case {
	const char *options;
	uint8_t code;
	const char *answer;
};

static inline void ask(struct end *e, uint16_t protocol, const char *options)
{
	uint8_t frame[2048] = { 0xff, 0x03, (uint8_t)(protocol >> 8), (uint8_t)protocol, 1, 9 };
	size_t len = unhex(options, frame + 8, sizeof(frame) - 8) + 4;

	frame[6] = (uint8_t)(len >> 8);
	frame[7] = (uint8_t)len;
	ppp_input(e->link, e->world->now, frame, len + 4);
}

static inline void expect_answer(struct world *w, const struct option_case *c)
{
	const struct wire *f = wire_next(w);
	uint8_t want[2048];
	size_t len;

	if (!c->answer) {
		assert_null(f);
		return;
	}
	len = unhex(c->answer, want, sizeof(want));
	assert_non_null(f);
	if (f->data[4] != c->code || f->len != len + 8 || memcmp(f->data + 8, want, len) != 0)
		fail_msg("%s: answer %s", c->options, hex_of(f->data, f->len));
	assert_int_equal(f->data[5], 9); /* the request's identifier */
	expect_nothing(w);
}

/* Answers the last request with `code`; `options` for Nak and Reject. */
static inline void answer(struct end *e, uint16_t protocol, uint8_t code, const char *options)
{
	struct fsm *f = link_fsm(e->link, protocol);
	uint8_t frame[128] = { 0xff, 0x03,         (uint8_t)(protocol >> 8), (uint8_t)protocol,
			       code, f->request_id };
	size_t len = unhex(options, frame + 8, sizeof(frame) - 8) + 4;

	frame[7] = (uint8_t)len;
	ppp_input(e->link, e->world->now, frame, len + 4);
}

static inline const char *last_options(struct world *w, uint16_t protocol)
{
	const struct wire *f = wire_find(w, protocol, CODE_CONFIGURE_REQUEST);

	assert_non_null(f);
	return hex_of(f->data + 8, f->len - 8);
}

/* Acknowledges the last request, whatever it was. */
static inline void agree(struct end *e, uint16_t protocol)
{
	struct fsm *f = link_fsm(e->link, protocol);
	uint8_t options[64];
	struct writer w = writer_of(options, sizeof(options));

	f->proto->request(e->link, &w);
	answer(e, protocol, CODE_CONFIGURE_ACK, hex_of(options, w.len));
}

/* One LNS link whose peer is the test. */
static inline void world_lns(struct world *w)
{
	world_new_link(&w->lns);
	ppp_lower_up(w->lns.link, w->now, NULL);
}

/* Says yes to the LNS's last LCP request, and lets it say yes to ours (magic a1b2c3d4). */
static inline void lcp_open(struct end *e)
{
	struct world *w = e->world;
	const struct wire *f = wire_find(w, PPP_LCP, CODE_CONFIGURE_REQUEST);
	uint8_t ack[PPP_MAX_FRAME];
	size_t len;

	assert_non_null(f);
	len = f->len;
	memcpy(ack, f->data, len);
	ack[4] = CODE_CONFIGURE_ACK;
	ppp_input(e->link, w->now, ack, len);
	feed(e, "ff03c021 0101000a 0506a1b2c3d4");
	assert_int_equal(e->link->lcp_fsm.state, FSM_OPENED);
	assert_non_null(wire_find(w, PPP_LCP, CODE_CONFIGURE_ACK));
}

/* ... and past PAP. The LNS must ask for PAP only. */
static inline void network_open(struct end *e)
{
	lcp_open(e);
	if (e->cfg.n_auths) {
		/* "joe", "clientPass" */
		feed(e, "ff03c023 01070013 036a6f65 0a636c69656e7450617373");
		assert_non_null(wire_find(e->world, PPP_PAP, 2));
	}
	assert_string_equal(ppp_phase(e->link), "network");
}

#endif
