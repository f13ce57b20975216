/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of an earlier process, mutated, given to a new endpoint; which then runs, is
 * asked for its records, and is made anew of these. What it writes it must read again, and
 * all of it must come to an end when the peers are silent.
 *
 * Input: a byte of configuration, then steps of one byte; 0 to 3: a tunnel, a message, a
 * call or a resting identifier follows, as (u16 number or length, octets). The check at the
 * end of a record is put there by us, so that mutations get past it. Other steps come after
 * l2tp_restored: time, datagrams for a tunnel, another restart.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/l2tp_ops.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS 64
#define SETTLE_MS 400000
#define RECORDS 512

enum kind { TUNNEL, MESSAGE, CALL, REST };

struct record {
	enum kind kind;
	uint16_t tunnel;
	uint32_t number;
	size_t len;
	uint8_t *data;
};

static struct {
	struct timers timers;
	struct l2tp_endpoint *ep;
	struct l2tp_peer peer;
	msec_t now;
	struct l2tp_tunnel *t; /* the one restored last */
	struct record record[RECORDS];
	unsigned int n;
} f;

static const struct l2tp_peer *op_find_peer(void *ctx, const struct path *path)
{
	(void)ctx;
	(void)path;
	return &f.peer;
}

static void op_tunnel_gone(void *ctx, struct l2tp_tunnel *t, const struct l2tp_reason *why)
{
	(void)ctx;
	(void)why;
	if (l2tp_tunnel_calls(t))
		abort();
}

static int op_call_request(void *ctx, struct l2tp_call *c, struct l2tp_reason *why)
{
	(void)ctx;
	(void)c;
	(void)why;
	return 0;
}

static void op_call_up(void *ctx, struct l2tp_call *c, const struct l2tp_call_info *info)
{
	(void)ctx;
	(void)c;
	if (!info_valid(info))
		abort();
}

static const struct l2tp_ops ops = {
	.send = op_send,
	.random = op_random,
	.find_peer = op_find_peer,
	.tunnel_gone = op_tunnel_gone,
	.call_request = op_call_request,
	.call_up = op_call_up,
};

/* ---- records ---- */

static void drop(enum kind kind, uint16_t tunnel, uint32_t number)
{
	for (unsigned int i = 0; i < f.n; i++) {
		struct record *r = &f.record[i];

		if (r->kind != kind || r->tunnel != tunnel || r->number != number)
			continue;
		free(r->data);
		*r = f.record[--f.n];
		return;
	}
}

static void keep(enum kind kind, uint16_t tunnel, uint32_t number, const uint8_t *rec, size_t len)
{
	struct record r = { kind, tunnel, number, len, malloc(len) };

	drop(kind, tunnel, number);
	if (!r.data || !len || f.n == RECORDS)
		abort();
	memcpy(r.data, rec, len);
	f.record[f.n++] = r;
}

static void on_tunnel(void *arg, const struct l2tp_tunnel *t, uint16_t id, const uint8_t *rec,
		      size_t len)
{
	(void)arg;
	if (t)
		keep(TUNNEL, id, 0, rec, len);
	else
		drop(TUNNEL, id, 0);
}

static void on_message(void *arg, uint16_t tunnel_id, uint32_t serial, const uint8_t *rec,
		       size_t len)
{
	(void)arg;
	if (len)
		keep(MESSAGE, tunnel_id, serial, rec, len);
	else
		drop(MESSAGE, tunnel_id, serial);
}

static void on_call(void *arg, struct l2tp_call *c, uint16_t tunnel_id, uint16_t session_id)
{
	uint8_t rec[L2TP_MAX_CALL_RECORD];

	(void)arg;
	if (c)
		keep(CALL, tunnel_id, session_id, rec, l2tp_call_save(c, rec, sizeof(rec)));
	else
		drop(CALL, tunnel_id, session_id);
}

static void on_resting(void *arg, uint16_t tunnel_id, uint16_t session_id)
{
	(void)arg;
	(void)tunnel_id;
	(void)session_id;
}

static const struct l2tp_changes changes = { on_tunnel, on_message, on_call, on_resting };

static int restore(const struct record *r)
{
	struct l2tp_tunnel *t = idmap_get(&f.ep->tunnels, r->tunnel);
	struct l2tp_call *c;

	switch (r->kind) {
	case TUNNEL:
		return l2tp_tunnel_restore(f.ep, f.now, &f.peer, r->data, r->len, &f.t);
	case MESSAGE:
		return t ? l2tp_message_restore(t, r->number, r->data, r->len) : -ENOENT;
	case CALL:
		return t ? l2tp_call_restore(t, f.now, r->data, r->len, NULL, &c) : -ENOENT;
	case REST:
		break;
	}
	return l2tp_rest(f.ep, r->tunnel, (uint16_t)r->number, f.now);
}

static int by_order(const void *a, const void *b)
{
	const struct record *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

static void endpoint_new(void)
{
	static const struct l2tp_limits limits = {
		.half_open = 32, .half_open_source = 8, .tunnels = 48, .shards = 2
	};

	f.ep = l2tp_endpoint_new(&limits, &ops, NULL, &f.timers);
	if (!f.ep)
		abort();
}

/* What we wrote we must be able to read. */
static void restart(bool ask)
{
	l2tp_changes(f.ep, &changes, NULL);
	l2tp_endpoint_abandon(f.ep);
	if (timers_next(&f.timers) != TIMERS_NEVER)
		abort();
	endpoint_new();
	qsort(f.record, f.n, sizeof(f.record[0]), by_order);
	for (unsigned int i = 0; i < f.n; i++)
		if (restore(&f.record[i]) < 0)
			abort();
	l2tp_restored(f.ep, f.now, ask);
}

/* ---- steps ---- */

static void given(enum kind kind, struct reader *r)
{
	uint16_t n = reader_u16(r);
	uint8_t rec[L2TP_MAX_RECORD];
	struct writer w = writer_of(rec, sizeof(rec));
	struct record given;
	const uint8_t *p;

	if (kind == REST) {
		l2tp_rest(f.ep, n, reader_u16(r), f.now - reader_u16(r));
		return;
	}
	p = reader_take(r, n > r->left ? r->left : n);
	if (!p)
		return;
	writer_bytes(&w, p, (size_t)(r->p - p));
	writer_u32(&w, record_check(rec, w.len));
	if (w.bad)
		return;
	given = (struct record){ .kind = kind, .tunnel = f.t ? f.t->id : 0, .len = w.len };
	given.data = malloc(w.len); /* its end is the end of memory */
	if (!given.data)
		abort();
	memcpy(given.data, rec, w.len);
	if (kind == MESSAGE && w.len > 7) /* its serial stands in it */
		given.number = (uint32_t)rec[3] << 24 | (uint32_t)rec[4] << 16 |
			       (uint32_t)rec[5] << 8 | rec[6];
	if (restore(&given) == 0) /* there is a record of it, from now on */
		keep(kind, kind == TUNNEL ? f.t->id : given.tunnel,
		     kind == CALL ? (uint32_t)(rec[3] << 8 | rec[4]) : given.number, given.data,
		     given.len);
	free(given.data);
}

static struct l2tp_tunnel *pick(unsigned int n)
{
	struct l2tp_tunnel *t = n & 4 ? f.ep->oldest_stopped : f.ep->live.first;

	for (n &= 3; n && t; n--)
		t = t->stopped ? t->newer : t->next;
	return t;
}

/* A message of this type, with the numbers that the tunnel waits for, plus deviations. */
static void message(struct reader *r)
{
	uint8_t which = reader_u8(r), type = reader_u8(r);
	int8_t ns = (int8_t)reader_u8(r), nr = (int8_t)reader_u8(r);
	struct l2tp_tunnel *t = pick(which);
	struct l2tp_build b;
	size_t len;

	if (!t)
		return;
	l2tp_build_begin(&b, NULL, t->id, which & 8 && t->last_call ? t->last_call->id : 0,
			 (enum l2tp_message_type)type);
	if (which & 16)
		l2tp_build_u16(&b, L2TP_AVP_ASSIGNED_SESSION_ID, type + 1);
	if (which & 32)
		l2tp_build_u16(&b, L2TP_AVP_ASSIGNED_TUNNEL_ID, 77);
	l2tp_build_u32(&b, L2TP_AVP_CALL_SERIAL_NUMBER, 1);
	len = which & 64 ? L2TP_CONTROL_HEADER : l2tp_build_end(&b);
	writer_patch_u16(&b.w, 2, (uint16_t)len);
	writer_patch_u16(&b.w, 8, (uint16_t)(t->rel.rcv_nxt + ns));
	writer_patch_u16(&b.w, 10, (uint16_t)(t->rel.snd_una + nr));
	l2tp_input(f.ep, f.now, &t->path, b.buf, len);
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
	while (timers_next(&f.timers) <= f.now + SETTLE_MS) {
		if (timers_next(&f.timers) > f.now)
			f.now = timers_next(&f.timers);
		timers_run(&f.timers, f.now, 1000);
	}
	l2tp_changes(f.ep, &changes, NULL);
	if (f.ep->live.n || f.ep->n_stopped || f.ep->half_open || f.ep->by_peer.n ||
	    f.ep->in_setup.n || f.ep->challenges.n || f.ep->by_peer_session.n || f.n)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t secret[] = "l2tp-secret";
	struct reader r = reader_of(data, size);
	uint8_t config = reader_u8(&r), step = reader_u8(&r);
	unsigned int i = 0;

	log_open(LOG_ERROR);
	timers_init(&f.timers);
	op_seed = 1;
	f.now = 100000000;
	f.t = NULL;
	f.peer = (struct l2tp_peer){ .name = "peer",
				     .hostname = "lns",
				     .secret = config & 1 ? secret : NULL,
				     .secret_len = config & 1 ? sizeof(secret) - 1 : 0,
				     .hide = config & 2,
				     .hello_ms = config & 4 ? 60000 : 0,
				     .idle_ms = config & 8 ? 30000 : 0 };
	endpoint_new();
	for (; i < STEPS && r.left && (step & 7) <= REST; i++, step = reader_u8(&r))
		given((enum kind)(step & 3), &r);
	l2tp_restored(f.ep, f.now, config & 16);
	for (; i < STEPS && r.left; i++, step = reader_u8(&r)) {
		if ((step & 7) == 4)
			pass((msec_t)1 << (step >> 3 & 15));
		else if ((step & 7) == 5)
			restart(step & 8);
		else
			message(&r);
	}
	restart(false);
	settle();
	l2tp_endpoint_free(f.ep);
	while (f.n)
		free(f.record[--f.n].data);
	timers_free(&f.timers);
	return 0;
}
