/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions to records and back. call3_save writes what call3_restore reads, in the same order.
 * Not in a record: the caller's user, which it gives back, and time limits, which begin anew.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader/l2tp3/call_parts.h"

enum {
	FLAG_OUTGOING = 1,
	FLAG_INITIATOR = 2,
	FLAG_DELIVERED = 4,
	FLAG_TIE = 8,
	FLAG_READY = 16,
	FLAG_ESTABLISHED = 32,
	FLAG_ALL = 63,
};

static void put_end(struct writer *w, const struct l2tp3_end *end)
{
	writer_u32(w, end->id);
	writer_u8(w, end->cookie_len);
	writer_bytes(w, end->cookie, sizeof(end->cookie));
	writer_u8(w, end->sublayer);
	writer_u8(w, end->sequencing);
	writer_u16(w, end->circuit);
}

static uint8_t flags_of(const struct l2tp3_call *c)
{
	return (uint8_t)((c->outgoing ? FLAG_OUTGOING : 0) |
			 (c->info.initiator ? FLAG_INITIATOR : 0) |
			 (c->delivered ? FLAG_DELIVERED : 0) | (c->has_tie ? FLAG_TIE : 0) |
			 (c->info.ready ? FLAG_READY : 0) |
			 (c->info.established ? FLAG_ESTABLISHED : 0));
}

size_t call3_save(const struct l2tp3_call *c, uint8_t *buf, size_t cap)
{
	struct writer w = writer_of(buf, cap);

	writer_u8(&w, L2TP3_RECORD_VERSION);
	writer_u32(&w, c->tunnel->id);
	writer_u8(&w, c->state);
	writer_u8(&w, flags_of(c));
	writer_u32(&w, c->serial);
	writer_u32(&w, c->ticket);
	writer_u16(&w, c->told);
	writer_bytes(&w, c->tie, sizeof(c->tie));
	writer_u16(&w, c->info.pw_type);
	writer_u8(&w, c->info.end_id_len);
	writer_bytes(&w, c->info.end_id, c->info.end_id_len);
	put_end(&w, &c->info.ours);
	put_end(&w, &c->info.peer);
	return l2tp3_record_end(&w);
}

static void get_bytes(struct reader *r, uint8_t *to, size_t len)
{
	const uint8_t *p = reader_take(r, len);

	if (p)
		memcpy(to, p, len);
}

static void get_end(struct reader *r, struct l2tp3_end *ret)
{
	ret->id = reader_u32(r);
	ret->cookie_len = reader_u8(r);
	get_bytes(r, ret->cookie, sizeof(ret->cookie));
	ret->sublayer = reader_u8(r);
	ret->sequencing = reader_u8(r);
	ret->circuit = reader_u16(r);
	if ((ret->cookie_len != 0 && ret->cookie_len != 4 && ret->cookie_len != 8) ||
	    ret->sequencing > L2TP3_SEQ_ALL)
		r->bad = true;
}

static void get_flags(struct reader *r, struct l2tp3_call *c)
{
	uint8_t flags = reader_u8(r);

	if (flags & ~FLAG_ALL)
		r->bad = true;
	c->outgoing = flags & FLAG_OUTGOING;
	c->info.initiator = flags & FLAG_INITIATOR;
	c->delivered = flags & FLAG_DELIVERED;
	c->has_tie = flags & FLAG_TIE;
	c->info.ready = flags & FLAG_READY;
	c->info.established = flags & FLAG_ESTABLISHED;
}

static void get_call(struct reader *r, struct l2tp3_call *c)
{
	c->state = reader_u8(r);
	get_flags(r, c);
	c->serial = reader_u32(r);
	c->ticket = reader_u32(r);
	c->told = reader_u16(r);
	get_bytes(r, c->tie, sizeof(c->tie));
	c->info.pw_type = reader_u16(r);
	c->info.end_id_len = reader_u8(r);
	if (c->info.end_id_len > sizeof(c->info.end_id))
		r->bad = true;
	else
		get_bytes(r, c->info.end_id, c->info.end_id_len);
	get_end(r, &c->info.ours);
	get_end(r, &c->info.peer);
}

/* Is it a session as there can be one? */
static bool makes_sense(const struct l2tp3_call *c, uint32_t id)
{
	bool asks = c->state == L2TP3_CS_WAIT_REPLY || c->state == L2TP3_CS_WAIT_TUNNEL;

	return c->info.ours.id == id && id && c->state < L2TP3_CS_STATES &&
	       c->state != L2TP3_CS_IDLE && asks == !c->info.peer.id &&
	       c->info.established == (c->state == L2TP3_CS_ESTABLISHED) &&
	       l2tp3_call_step(call3_role(c), c->state, L2TP3_CE_TUNNEL_DOWN).action !=
		       L2TP3_CA_UNEXPECTED;
}

int call3_restore(struct l2tp3_endpoint *ep, msec_t now, uint32_t id, struct reader *r)
{
	uint32_t ccid = reader_u32(r);
	struct l2tp3_tunnel *t = l2tp3_any_tunnel(ep, ccid);
	struct l2tp3_call *c;
	int ret = -EBADMSG;

	(void)now;
	if (!t)
		return l2tp3_no_tunnel(ep, ccid);
	if (t->gone)
		return -EBADMSG;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->tunnel = t;
	get_call(r, c);
	if (!r->bad && !r->left && makes_sense(c, id))
		ret = call3_adopt(c);
	if (ret < 0)
		call3_free(c);
	else
		c->saved = true;
	return ret;
}

void call3_resume(struct l2tp3_call *c, msec_t now)
{
	msec_t wait = c->delivered ? L2TP3_SETUP_MS - CALL3_LOOK_MS : CALL3_LOOK_MS;

	if (c->state == L2TP3_CS_ESTABLISHED)
		return;
	timer_set(c->tunnel->ep->timers, &c->timer,
		  now + (c->state == L2TP3_CS_WAIT_TUNNEL ? 0 : wait), call3_not_in_time);
}
