/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A whole endpoint, fed with datagrams, time and requests of its caller. The input is a
 * list of steps; a step may be a raw datagram, or one whose header fits a tunnel and call
 * that exist, so that mutations reach deep states; or a valid dialogue.
 *
 * The endpoint lives on from input to input, since its ID pools are large; after each
 * input all of it is closed and must have ended when the retransmissions have.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/l2tp_ops.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#define STEPS 64
#define SETTLE_MS 400000

static struct {
	struct timers timers;
	struct l2tp_endpoint *ep;
	struct l2tp_peer peer;
	struct path path;
	msec_t now;
	int tunnels, calls; /* told of, and not gone */
	uint8_t refuse, close;
	struct l2tp_call *last_call;
} f;

static const struct l2tp_peer *op_find_peer(void *ctx, const struct path *path)
{
	(void)ctx;
	return path->peer.b[15] == 99 ? NULL : &f.peer;
}

static void op_tunnel_new(void *ctx, struct l2tp_tunnel *t)
{
	(void)ctx;
	(void)t;
	f.tunnels++;
}

static void op_tunnel_gone(void *ctx, struct l2tp_tunnel *t, const struct l2tp_reason *why)
{
	(void)ctx;
	(void)why;
	if (l2tp_tunnel_calls(t) || f.tunnels-- <= 0)
		abort();
}

static int op_call_request(void *ctx, struct l2tp_call *c, struct l2tp_reason *why)
{
	(void)ctx;
	if (f.refuse & 1) {
		reason_set(why, 0, 0, "no");
		return L2TP_CDN_TEMPORARY;
	}
	f.calls++;
	f.last_call = c;
	if (f.close & 1) {
		reason_set(why, L2TP_CDN_ADMIN, 0, "closed at once");
		l2tp_call_close(c, f.now, why);
	}
	return 0;
}

static void op_call_up(void *ctx, struct l2tp_call *c, const struct l2tp_call_info *info)
{
	struct l2tp_reason why = { .result = L2TP_CDN_ADMIN };

	(void)ctx;
	if (!info_valid(info))
		abort();
	if (f.close & 2)
		l2tp_call_close(c, f.now, &why);
	if (f.close & 4)
		l2tp_tunnel_close(l2tp_call_tunnel(c), f.now, &why);
}

static void op_call_down(void *ctx, struct l2tp_call *c, const struct l2tp_reason *why)
{
	struct l2tp_reason stop = { .result = L2TP_STOP_GENERAL };

	(void)ctx;
	(void)why;
	if (f.last_call == c)
		f.last_call = NULL;
	if (f.calls-- <= 0)
		abort();
	if (f.close & 8)
		l2tp_tunnel_close(l2tp_call_tunnel(c), f.now, &stop);
}

static bool op_alive(void *ctx, struct l2tp_tunnel *t, msec_t since)
{
	(void)ctx;
	(void)t;
	(void)since;
	return f.close & 16;
}

static const struct l2tp_ops ops = {
	.send = op_send,
	.random = op_random,
	.find_peer = op_find_peer,
	.tunnel_new = op_tunnel_new,
	.tunnel_gone = op_tunnel_gone,
	.tunnel_alive = op_alive,
	.call_request = op_call_request,
	.call_up = op_call_up,
	.call_down = op_call_down,
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct l2tp_limits limits = {
		.half_open = 32, .half_open_source = 8, .tunnels = 48, .shards = 2
	};

	(void)argc;
	(void)argv;
	log_open(LOG_ERROR);
	timers_init(&f.timers);
	f.now = 1000000;
	f.ep = l2tp_endpoint_new(&limits, &ops, NULL, &f.timers);
	addr_parse("192.0.2.10", &f.path.peer);
	addr_parse("198.51.100.1", &f.path.local);
	f.path.local_port = f.path.peer_port = L2TP_PORT;
	return !f.ep;
}

static struct l2tp_tunnel *pick(unsigned int n)
{
	struct l2tp_tunnel *t = f.ep->live.first;

	while (n-- && t && t->next)
		t = t->next;
	return t;
}

static void input(const struct path *path, const uint8_t *msg, size_t len)
{
	/* exactly as long as it is, so that a reader beyond its end is seen */
	uint8_t *copy = malloc(len ? len : 1);

	if (!copy)
		abort();
	memcpy(copy, msg, len);
	l2tp_input(f.ep, f.now, path, copy, len);
	free(copy);
}

/* Sends what is built, with numbers that the tunnel waits for, plus deviations. */
static void input_fitting(struct l2tp_tunnel *t, uint8_t *msg, size_t len, int8_t ns, int8_t nr)
{
	struct writer w = writer_of(msg, len);

	w.len = len;
	writer_patch_u16(&w, 2, (uint16_t)len);
	if (t) {
		writer_patch_u16(&w, 4, t->id);
		writer_patch_u16(&w, 8, (uint16_t)(t->rel.rcv_nxt + ns));
		writer_patch_u16(&w, 10, (uint16_t)(t->rel.snd_nxt + nr));
	}
	input(t ? &t->path : &f.path, msg, len);
}

static void dialogue(uint8_t how)
{
	struct l2tp_style style = { .secret = f.peer.secret,
				    .secret_len = f.peer.secret_len,
				    .hide = how & 1,
				    .random = op_random };
	struct l2tp_start start = { .hostname = "fuzz",
				    .window = 8,
				    .tunnel_id = (uint16_t)(how + 1) };
	struct l2tp_call_info info = { .serial = how, .tx_speed = 1 };
	uint8_t response[L2TP_RESPONSE_LEN];
	struct l2tp_tunnel *t;
	struct l2tp_build b;
	struct l2tp_call *c;

	input_fitting(NULL, b.buf, l2tp_build_sccrq(&b, &style, &start), 0, 0);
	t = f.ep->live.last;
	if (!t || t->state != L2TP_T_WAIT_CONN)
		return;
	if (t->setup->has_challenge)
		l2tp_auth_response(L2TP_SCCCN, f.peer.secret, f.peer.secret_len,
				   t->setup->challenge, L2TP_CHALLENGE_LEN, response);
	input_fitting(t, b.buf, l2tp_build_scccn(&b, &style, 0, response), 0, 0);
	if (how & 2)
		return;
	input_fitting(t, b.buf, l2tp_build_icrq(&b, &style, 0, (uint16_t)(how + 5), &info), 0, 0);
	c = t->last_call;
	if (!c || t->dead || how & 4)
		return;
	input_fitting(t, b.buf, l2tp_build_iccn(&b, &style, 0, c->id, &info), 0, 0);
}

static void local(uint8_t what)
{
	struct l2tp_call_info info = { .serial = what,
				       .has_proxy_auth = what & 16,
				       .proxy_auth_type = 3,
				       .proxy_response_len = 8 };
	struct l2tp_reason why = { .result = 1, .text = "local" };
	struct l2tp_tunnel *t = pick(what >> 5);
	int calls;

	switch (what & 3) {
	case 0:
		l2tp_tunnel_open(f.ep, f.now, &f.path, &f.peer);
		break;
	case 1:
		calls = ++f.calls;
		/* refused at once, and not by way of call_down */
		if ((!t || !l2tp_call_open(t, f.now, &info, NULL)) && f.calls == calls)
			f.calls--;
		break;
	case 2:
		if (f.last_call)
			l2tp_call_close(f.last_call, f.now, &why);
		break;
	case 3:
		if (t)
			l2tp_tunnel_close(t, f.now, &why);
		break;
	}
}

/* A message for a tunnel that exists: type and session ID chosen, AVPs as they come. */
static void fitting(struct reader *r)
{
	uint8_t which = reader_u8(r), type = reader_u8(r);
	int8_t ns = (int8_t)reader_u8(r), nr = (int8_t)reader_u8(r);
	size_t n = reader_u8(r);
	const uint8_t *avps = reader_take(r, n);
	struct l2tp_tunnel *t = pick(which & 3);
	struct l2tp_build b;

	if (!t || !avps)
		return;
	l2tp_build_begin(&b, NULL, t->id, (which & 4) && t->last_call ? t->last_call->id : 0,
			 (enum l2tp_message_type)type);
	if (which & 8 && t->last_call)
		l2tp_build_u16(&b, L2TP_AVP_ASSIGNED_SESSION_ID, t->last_call->peer_id);
	if (which & 16) /* a reply to what we opened */
		l2tp_build_u16(&b, L2TP_AVP_ASSIGNED_TUNNEL_ID, 77);
	writer_bytes(&b.w, avps, n);
	input_fitting(t, b.buf, l2tp_build_end(&b), ns, nr);
}

static void raw(struct reader *r)
{
	struct path path = f.path;
	uint8_t from = reader_u8(r);
	size_t n = reader_u16(r) % 2048;
	const uint8_t *p;

	if (n > r->left)
		n = r->left;
	p = reader_take(r, n);
	if (!p)
		return;
	path.peer_port += from & 3;
	path.peer.b[15] += from >> 2 & 7;
	if (from & 0x80)
		path.peer.b[15] = 99;
	input(&path, p, n);
}

static void pass(msec_t ms)
{
	f.now += ms;
	timers_run(&f.timers, f.now, 1000);
}

static bool close_one(void *arg, struct l2tp_tunnel *t)
{
	struct l2tp_reason why = { .result = L2TP_STOP_GENERAL };

	(void)arg;
	l2tp_tunnel_close(t, f.now, &why);
	return true;
}

static void settle(void)
{
	l2tp_tunnels_visit(f.ep, close_one, NULL);
	f.close = 0;
	while (timers_next(&f.timers) <= f.now + SETTLE_MS) {
		if (timers_next(&f.timers) > f.now)
			f.now = timers_next(&f.timers);
		timers_run(&f.timers, f.now, 1000);
	}
	if (f.ep->live.n || f.ep->n_stopped || f.ep->half_open || f.ep->env.held || f.tunnels ||
	    f.calls || f.ep->by_peer.n || f.ep->in_setup.n || f.ep->challenges.n ||
	    f.ep->by_peer_session.n)
		abort();
	f.now += SETTLE_MS;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t secret[] = "l2tp-secret";
	struct reader r = reader_of(data, size);
	uint8_t config = reader_u8(&r);

	op_seed = 1;
	f.calls = 0;
	f.last_call = NULL;
	f.peer = (struct l2tp_peer){ .name = "peer",
				     .hostname = "lns",
				     .secret = config & 1 ? secret : NULL,
				     .secret_len = config & 1 ? sizeof(secret) - 1 : 0,
				     .hide = config & 2,
				     .port_float = config & 4,
				     .single_tunnel = config & 8,
				     .hello_ms = config & 16 ? 60000 : 0,
				     .idle_ms = config & 32 ? 30000 : 0,
				     .max_calls = config & 64 ? 3 : 0 };
	f.refuse = config >> 7;
	f.close = reader_u8(&r);
	for (unsigned int i = 0; i < STEPS && r.left; i++) {
		uint8_t step = reader_u8(&r);

		switch (step & 7) {
		case 0:
			raw(&r);
			break;
		case 1:
			pass((msec_t)1 << (step >> 3 & 15));
			break;
		case 2:
			local(reader_u8(&r));
			break;
		case 3:
			dialogue(reader_u8(&r));
			break;
		default:
			fitting(&r);
		}
	}
	settle();
	return 0;
}
