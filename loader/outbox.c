/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is to leave waits here until the store has what it is about (persist.c): an
 * acknowledgement must not be on the wire before its effect would survive our death.
 */
#include <stdlib.h>
#include <string.h>

#include "loader/lns_internal.h"

#define OUTBOX_KEEP (1u << 20) /* octets of memory kept when it is empty */

/* In front of each datagram or frame. */
struct parcel {
	uint32_t len;
	uint32_t index; /* of the session, for a PPP frame; 0: a control message */
	struct path path; /* of a control message */
};

/* Where `len` octets go, NULL: no memory, and then it is as if the packet were lost. */
static uint8_t *add(struct outbox *o, const struct parcel *p)
{
	size_t need = o->len + sizeof(*p) + p->len;
	uint8_t *at;

	if (need > o->cap) {
		size_t cap = o->cap ? o->cap : 4096;

		while (cap < need)
			cap *= 2;
		at = realloc(o->mem, cap);
		if (!at)
			return NULL;
		o->mem = at;
		o->cap = cap;
	}
	at = o->mem + o->len;
	memcpy(at, p, sizeof(*p));
	o->len = need;
	return at + sizeof(*p);
}

void outbox_control(struct lns *lns, const struct path *path, const uint8_t *msg, size_t len)
{
	struct parcel p = { .len = (uint32_t)len, .path = *path };
	uint8_t *at = add(&lns->outbox, &p);

	if (at)
		memcpy(at, msg, len);
}

void outbox_ppp(struct session *s, const uint8_t *frame, size_t len)
{
	struct parcel p = { .len = (uint32_t)len, .index = s->index };
	uint8_t *at = add(&s->lns->outbox, &p);

	if (!at)
		return;
	memcpy(at, frame, len);
	s->waiting++;
}

static void send_parcel(struct lns *lns, const struct parcel *p, const uint8_t *data)
{
	if (p->index)
		dp_send_ppp(lns->dp, p->index, data, p->len);
	else
		dp_send_control(lns->dp, &p->path, data, p->len);
}

void outbox_session(struct session *s)
{
	struct outbox *o = &s->lns->outbox;
	struct parcel p;

	for (size_t at = 0; s->waiting && at < o->len; at += sizeof(p) + p.len) {
		memcpy(&p, o->mem + at, sizeof(p));
		if (p.index != s->index)
			continue;
		send_parcel(s->lns, &p, o->mem + at + sizeof(p));
		p.index = OUTBOX_SENT;
		memcpy(o->mem + at, &p, sizeof(p));
		s->waiting--;
	}
}

void outbox_flush(struct lns *lns)
{
	struct outbox *o = &lns->outbox;
	struct parcel p;

	if (!o->len)
		return;
	dp_send_begin(lns->dp);
	for (size_t at = 0; at < o->len; at += sizeof(p) + p.len) {
		struct session *s;

		memcpy(&p, o->mem + at, sizeof(p));
		if (p.index == OUTBOX_SENT)
			continue;
		s = p.index ? session_at(lns, p.index) : NULL;
		if (s)
			s->waiting--;
		send_parcel(lns, &p, o->mem + at + sizeof(p));
	}
	dp_send_end(lns->dp);
	o->len = 0;
	if (o->cap > OUTBOX_KEEP)
		outbox_free(o);
}

void outbox_free(struct outbox *o)
{
	free(o->mem);
	memset(o, 0, sizeof(*o));
}
