/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/client/impair.h"

#include <stdlib.h>
#include <string.h>

#include "loader/base/bytes.h"
#include "loader/l2tp/header.h"
#include "loader/ppp/ppp.h"

#define ETHERNET_ADDRESSES 12
#define TYPE_IPV4 0x0800
#define TYPE_IPV6 0x86dd
#define UDP_PROTOCOL 17
#define IPV4_FRAGMENT 0x1fff
#define DRAWS 4 /* random numbers for each frame, needed or not: fates stay independent */

const char *const impair_kind_names[IMPAIR_KINDS] = {
	[IMPAIR_OTHER] = "other",
	[IMPAIR_CONTROL] = "control",
	[IMPAIR_PPP] = "ppp",
	[IMPAIR_DATA] = "data",
};

struct waiting {
	uint64_t due_us, serial;
	size_t len;
	uint8_t frame[];
};

struct impair {
	const struct impair_options *o;
	uint64_t random, serial;
	struct waiting **heap; /* the earliest is heap[0] */
	size_t n, cap;
	struct waiting *out; /* what impair_take has handed out */
	struct impair_counters counters[IMPAIR_KINDS];
};

/* ---- what is it ---- */

/* The UDP header and what follows it; nothing if this is no whole UDP datagram. */
static struct reader udp_of(const uint8_t *frame, size_t len)
{
	struct reader r = reader_of(frame, len);
	uint16_t type, fragment;
	uint8_t first;

	reader_take(&r, ETHERNET_ADDRESSES);
	type = reader_u16(&r);
	if (type == TYPE_IPV4) {
		first = reader_u8(&r);
		reader_take(&r, 5);
		fragment = reader_u16(&r);
		reader_u8(&r);
		r.bad = r.bad || reader_u8(&r) != UDP_PROTOCOL || (fragment & IPV4_FRAGMENT) ||
			(first & 15) < 5;
		reader_take(&r, 10 + (size_t)((first & 15) - 5) * 4);
	} else if (type == TYPE_IPV6) {
		reader_take(&r, 6);
		r.bad = r.bad || reader_u8(&r) != UDP_PROTOCOL;
		reader_take(&r, 33);
	} else {
		r.bad = true;
	}
	return r;
}

enum impair_kind impair_kind(const uint8_t *frame, size_t len)
{
	struct reader r = udp_of(frame, len);
	uint16_t from = reader_u16(&r), to = reader_u16(&r), length = reader_u16(&r), protocol;
	struct l2tp_header h;
	const uint8_t *message;

	reader_u16(&r);
	if (length < 8 || (from != L2TP_PORT && to != L2TP_PORT))
		return IMPAIR_OTHER;
	length = (uint16_t)(length - 8);
	message = reader_take(&r, length);
	if (!message || l2tp_header_parse(message, length, &h) != L2TP_H_OK)
		return IMPAIR_OTHER;
	if (h.flags & L2TP_F_T)
		return IMPAIR_CONTROL;
	if (!ppp_header_parse(h.payload, h.payload_len, &protocol) ||
	    (protocol != PPP_IP && protocol != PPP_IPV6))
		return IMPAIR_PPP;
	return IMPAIR_DATA;
}

/* ---- those that wait ---- */

static bool earlier(const struct waiting *a, const struct waiting *b)
{
	return a->due_us != b->due_us ? a->due_us < b->due_us : a->serial < b->serial;
}

static void wait_until(struct impair *m, uint64_t due_us, const uint8_t *frame, size_t len)
{
	struct waiting *w = malloc(sizeof(*w) + len);
	size_t i = m->n;

	if (m->n == m->cap) {
		size_t cap = m->cap ? m->cap * 2 : 256;
		struct waiting **heap = realloc(m->heap, cap * sizeof(*heap));

		if (!heap) {
			free(w);
			return;
		}
		m->heap = heap;
		m->cap = cap;
	}
	if (!w)
		return;
	*w = (struct waiting){ .due_us = due_us, .serial = m->serial++, .len = len };
	memcpy(w->frame, frame, len);
	m->n++;
	for (; i && earlier(w, m->heap[(i - 1) / 2]); i = (i - 1) / 2)
		m->heap[i] = m->heap[(i - 1) / 2];
	m->heap[i] = w;
}

static struct waiting *take_first(struct impair *m)
{
	struct waiting *first = m->heap[0], *last = m->heap[--m->n];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= m->n)
			break;
		if (child + 1 < m->n && earlier(m->heap[child + 1], m->heap[child]))
			child++;
		if (earlier(last, m->heap[child]))
			break;
		m->heap[i] = m->heap[child];
		i = child;
	}
	if (m->n)
		m->heap[i] = last;
	return first;
}

/* ---- fates ---- */

/* splitmix64 */
static uint64_t draw(struct impair *m)
{
	uint64_t z = m->random += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

struct impair *impair_new(const struct impair_options *o, unsigned int direction)
{
	struct impair *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->o = o;
	m->random = o->seed;
	for (unsigned int i = 0; i < direction; i++)
		m->random = draw(m);
	return m;
}

void impair_free(struct impair *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++)
		free(m->heap[i]);
	free(m->heap);
	free(m->out);
	free(m);
}

void impair_put(struct impair *m, uint64_t now_us, const uint8_t *frame, size_t len)
{
	const struct impair_options *o = m->o;
	enum impair_kind kind = impair_kind(frame, len);
	struct impair_counters *n = &m->counters[kind];
	uint64_t dice[DRAWS], due = now_us + (uint64_t)o->delay_ms * 1000;

	n->seen++;
	if (!o->kinds[kind]) {
		wait_until(m, 0, frame, len);
		return;
	}
	for (int i = 0; i < DRAWS; i++)
		dice[i] = draw(m);
	if (dice[0] % 100 < o->loss) {
		n->lost++;
		return;
	}
	if (dice[1] % 100 < o->reorder && o->reorder_ms) {
		n->reordered++;
		due += 1000 * (1 + dice[2] % o->reorder_ms);
	}
	wait_until(m, due, frame, len);
	if (dice[3] % 100 < o->duplicate) {
		n->duplicated++;
		wait_until(m, due, frame, len);
	}
}

uint64_t impair_next_us(const struct impair *m)
{
	return m->n ? m->heap[0]->due_us : UINT64_MAX;
}

bool impair_take(struct impair *m, uint64_t now_us, const uint8_t **ret_frame, size_t *ret_len)
{
	free(m->out);
	m->out = NULL;
	if (impair_next_us(m) > now_us)
		return false;
	m->out = take_first(m);
	*ret_frame = m->out->frame;
	*ret_len = m->out->len;
	return true;
}

const struct impair_counters *impair_counters(const struct impair *m, enum impair_kind k)
{
	return &m->counters[k];
}
