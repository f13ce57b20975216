/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A PPP link under a hostile peer.
 *
 * The first octets choose the role, the configuration and how far a well-behaved peer has
 * brought the link; the rest is a program of frames, time steps and answers of the daemon.
 * Besides memory safety: networks go up and down in turn and never before the peer has
 * proved itself, nothing happens after `finished`, answers are bounded, no timer is left.
 */
#include <stdlib.h>

#include "loader/ppp/link.h"

#define QUEUE 64
#define MAX_ANSWERS 8 /* frames that one frame or one timer may cause */

struct end {
	struct ppp_link *link;
	struct end *other; /* NULL: nobody listens */
	bool up4, up6, finished, granted, later;
	unsigned int answers;
	unsigned int asked; /* questions that wait for an answer */
	uint8_t last[PPP_MAX_FRAME + 8]; /* the last frame sent */
	size_t last_len;
};

static struct timers timers;
static msec_t now;
static uint32_t seed;
static struct {
	struct end *to;
	size_t len;
	uint8_t data[PPP_MAX_FRAME + 8];
} queue[QUEUE];
static unsigned int head, tail;

static void check(bool good)
{
	if (!good)
		abort();
}

static void op_send(void *ctx, const uint8_t *frame, size_t len)
{
	struct end *e = ctx;

	check(!e->finished && len >= 8 && len <= PPP_MAX_FRAME);
	check(++e->answers <= MAX_ANSWERS);
	memcpy(e->last, frame, len);
	e->last_len = len;
	if (!e->other || tail - head >= QUEUE)
		return;
	queue[tail % QUEUE].to = e->other;
	queue[tail % QUEUE].len = len;
	memcpy(queue[tail % QUEUE].data, frame, len);
	tail++;
}

static void op_random(void *ctx, void *buf, size_t n)
{
	(void)ctx;
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		((uint8_t *)buf)[i] = (uint8_t)(seed >> 24);
	}
}

static void grant(struct end *e, bool ok)
{
	struct ppp_grant g = { .ok = ok, .message = "hello" };

	if (!e->asked)
		return;
	e->asked--;
	g.ipv4 = addr_from_v4(0x0a000307);
	g.local_ipv4 = addr_from_v4(0x0a000001);
	g.dns4[0] = addr_from_v4(0x0a000035);
	g.ipv6.addr.b[0] = 0x20;
	g.ipv6.len = 64;
	g.dns6[0].b[0] = 0x20;
	memset(g.authenticator_response, 'A', 40);
	if (!e->asked) /* only the answer to the last question counts */
		e->granted = ok;
	ppp_authenticated(e->link, now, &g);
}

static void op_authenticate(void *ctx, const struct ppp_credentials *cred)
{
	struct end *e = ctx;
	char response[41];
	bool ok;

	check(!e->finished);
	e->granted = false;
	e->asked++;
	if (e->later)
		return;
	ok = cred->method == PPP_AUTH_NONE || ppp_check_password(cred, "secret", 6, response);
	grant(e, ok);
}

static void op_up(void *ctx, uint16_t protocol, const struct ppp_network *net)
{
	struct end *e = ctx;
	bool *up = protocol == PPP_IP ? &e->up4 : &e->up6;

	check(!e->finished && !*up && e->granted);
	check(protocol != PPP_IP || addr_is_v4(&net->ipv4));
	*up = true;
}

static void op_down(void *ctx, uint16_t protocol)
{
	struct end *e = ctx;
	bool *up = protocol == PPP_IP ? &e->up4 : &e->up6;

	check(!e->finished && *up);
	*up = false;
}

static void op_prefix(void *ctx, const struct ppp_network *net)
{
	check(((struct end *)ctx)->up6 && net->ipv6.len == 64);
}

static bool op_alive(void *ctx, msec_t since)
{
	(void)ctx;
	return since & 1;
}

static void op_finished(void *ctx, const struct ppp_cause *cause)
{
	struct end *e = ctx;

	check(!e->finished && cause && !e->up4 && !e->up6);
	e->finished = true;
}

/* A record is made, and never too big. */
static void op_changed(void *ctx)
{
	struct end *e = ctx;
	uint8_t record[PPP_MAX_RECORD];
	size_t len = ppp_link_save(e->link, record, sizeof(record));

	check(!e->finished && len < sizeof(record));
	check((len > 0) >= (e->up4 || e->up6));
}

static const struct ppp_ops ops = {
	.send = op_send,
	.random = op_random,
	.authenticate = op_authenticate,
	.network_up = op_up,
	.network_down = op_down,
	.prefix = op_prefix,
	.alive = op_alive,
	.changed = op_changed,
	.finished = op_finished,
};

static void step(struct end *a, struct end *b, msec_t ms)
{
	msec_t end = now + ms;

	while (timers_next(&timers) <= end) {
		now = timers_next(&timers) > now ? timers_next(&timers) : now;
		a->answers = b->answers = 0;
		timers_run(&timers, now, 1);
	}
	now = end;
}

static void deliver(struct end *a, struct end *b, unsigned int most)
{
	while (head != tail && most--) {
		unsigned int i = head++ % QUEUE;

		a->answers = b->answers = 0;
		ppp_input(queue[i].to->link, now, queue[i].data, queue[i].len);
	}
}

static void feed(struct end *e, const uint8_t *frame, size_t len)
{
	e->answers = 0;
	ppp_input(e->link, now, frame, len);
	ppp_ipv6_local(e->link, now, frame, len);
}

/* A frame with a good header, and lengths that fit, around fuzzed octets. */
static void feed_packet(struct end *e, struct reader *r, uint16_t protocol)
{
	uint8_t frame[600], code = reader_u8(r), id = reader_u8(r);
	size_t len = reader_u8(r);
	struct writer w = writer_of(frame, sizeof(frame));

	if (id & 0x80 && e->last_len > 5)
		id = e->last[5]; /* an answer to what was sent last */
	len = len < r->left ? len : r->left;
	writer_u16(&w, 0xff03);
	writer_u16(&w, protocol);
	writer_u8(&w, code);
	writer_u8(&w, id);
	writer_u16(&w, (uint16_t)(len + 4));
	writer_bytes(&w, reader_take(r, len), len);
	feed(e, frame, w.len);
}

/* What the link sent last, with another code: Ack, Nak, Reject, or as a loop. */
static void feed_back(struct end *e, uint8_t code)
{
	uint8_t frame[PPP_MAX_FRAME + 8];

	if (!e->last_len)
		return;
	memcpy(frame, e->last, e->last_len);
	if (code)
		frame[4] = code;
	feed(e, frame, e->last_len);
}

static void run(struct end *e, struct end *other, struct reader *r)
{
	static const uint16_t protocols[] = { PPP_LCP,  PPP_PAP, PPP_CHAP, PPP_IPCP, PPP_IPV6CP,
					      PPP_IPV6, PPP_CCP, PPP_IP,   0xc227,   0xc021 };

	while (r->left) {
		uint8_t op = reader_u8(r), arg = reader_u8(r);
		size_t len;

		switch (op % 10) {
		case 0:
			len = arg < r->left ? arg : r->left;
			feed(e, reader_take(r, len), len);
			break;
		case 1:
		case 2:
		case 3:
			feed_packet(e, r, protocols[arg % 10]);
			break;
		case 4:
			step(e, other, (msec_t)arg * arg);
			break;
		case 5:
			feed_back(e, arg % 11);
			break;
		case 6:
			e->answers = 0;
			if (e->later)
				grant(e, arg & 1);
			break;
		case 7:
			deliver(e, other, arg % 4);
			break;
		case 8:
			e->answers = 0;
			if (arg < 8)
				ppp_close(e->link, now, &ppp_cause_admin);
			else if (arg < 10)
				ppp_lower_down(e->link, now);
			break;
		case 9:
			step(e, other, arg);
			break;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(data, size);
	uint8_t flags = reader_u8(&r), start = reader_u8(&r);
	struct ppp_config lns_cfg = {
		.auths = { PPP_AUTH_MSCHAPV2, PPP_AUTH_CHAP_MD5, PPP_AUTH_PAP },
		.n_auths = flags & 3,
		.mru = 1460,
		.ipv4 = true,
		.ipv6 = !(flags & 4),
		.name = "lns",
		.restart_ms = 3000,
		.echo_ms = 30000,
		.echo_failures = 4,
	};
	struct ppp_config client_cfg = {
		.client = true,
		.mru = 1460,
		.ipv4 = true,
		.ipv6 = true,
		.restart_ms = 3000,
		.user = flags & 8 ? NULL : "user",
		.password = "secret",
		.want_dns = true,
	};
	struct end lns = { 0 }, client = { .granted = true };

	if ((flags & 3) == 1)
		lns_cfg.auths[0] = lns_cfg.auths[flags >> 6 & 1 ? 1 : 2];
	timers_init(&timers);
	now = 1000;
	seed = 1;
	head = tail = 0;
	lns.link = ppp_link_new(&lns_cfg, &ops, &lns, &timers);
	client.link = ppp_link_new(&client_cfg, &ops, &client, &timers);
	if (!lns.link || !client.link)
		abort();
	ppp_lower_up(lns.link, now, NULL);
	ppp_lower_up(client.link, now, NULL);
	lns.other = &client;
	client.other = &lns;
	lns.later = flags & 16 && start < 8; /* else the well-behaved start would hang */
	deliver(&lns, &client, start);
	if (flags & 32)
		run(&client, &lns, &r);
	else
		run(&lns, &client, &r);
	step(&lns, &client, 10);
	ppp_link_free(lns.link);
	ppp_link_free(client.link);
	check(timers_next(&timers) == TIMERS_NEVER);
	timers_free(&timers);
	return 0;
}
