/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Counters of sessions in the store. They change without an event, and the maps hold them
 * while this host is up; this is for the day when it is not. A sweep (persist.c) looks at every
 * session, and what has moved is written, by pages of 32 indices: a page costs the store what
 * one record costs, and the whole record of a session, ten times as long, stays as it is.
 *
 *   page   version, then for each of its sessions: tunnel ID, session ID, low half of `since`,
 *          the numbers of struct dp_traffic
 *
 * A session that ended may stand in its page until that is written again: an entry counts
 * only for the session that it names, and no two are alike in all three.
 */
#include <stdlib.h>
#include <string.h>

#include "loader/persist.h"

#define NUMBERS (sizeof(struct dp_traffic) / sizeof(uint64_t))

_Static_assert(1 + PERSIST_PAGE * (8 + NUMBERS * 10) <= STORE_MAX_RECORD, "a page is a record");

/* ---- entries ----------------------------------------------------------------------------- */

void counters_put(struct writer *w, const struct counters_key *k, const struct dp_traffic *t)
{
	const uint64_t *n = (const uint64_t *)t;

	writer_u16(w, k->tunnel_id);
	writer_u16(w, k->session_id);
	writer_u32(w, k->since);
	for (size_t i = 0; i < NUMBERS; i++)
		persist_put_number(w, n[i]);
}

bool counters_find(const uint8_t *rec, size_t len, const struct counters_key *k,
		   struct dp_traffic *ret)
{
	struct reader r = reader_of(rec, len);

	if (reader_u8(&r) != PERSIST_VERSION)
		return false;
	while (r.left) {
		struct counters_key found = { .tunnel_id = reader_u16(&r),
					      .session_id = reader_u16(&r),
					      .since = reader_u32(&r) };
		struct dp_traffic t;
		uint64_t *n = (uint64_t *)&t;

		for (size_t i = 0; i < NUMBERS; i++)
			n[i] = persist_get_number(&r);
		if (r.bad)
			return false;
		if (found.tunnel_id == k->tunnel_id && found.session_id == k->session_id &&
		    found.since == k->since) {
			*ret = t;
			return true;
		}
	}
	return false;
}

/* ---- writing ------------------------------------------------------------------------------- */

static uint64_t sum_of(const struct dp_traffic *t)
{
	const uint64_t *n = (const uint64_t *)t;
	uint64_t sum = 0;

	for (size_t i = 0; i < NUMBERS; i++)
		sum += n[i];
	return sum;
}

static void put_page(struct lns *lns, uint32_t page, struct session *const *of,
		     const struct dp_traffic *t, unsigned int n)
{
	uint8_t buf[STORE_MAX_RECORD];
	struct writer w = writer_of(buf, sizeof(buf));

	writer_u8(&w, PERSIST_VERSION);
	for (unsigned int i = 0; i < n; i++) {
		struct counters_key k = { of[i]->dp.tunnel_id, of[i]->dp.session_id,
					  (uint32_t)of[i]->since };

		counters_put(&w, &k, &t[i]);
		of[i]->counted = sum_of(&t[i]);
	}
	store_put(lns->store, STORE_MISC, PERSIST_COUNTERS(page), buf, w.len);
	lns->counter_pages[page] = true;
}

/* How many sessions it looked at. */
static unsigned int look_at_page(struct lns *lns, uint32_t page, bool *ret_wrote)
{
	struct session *of[PERSIST_PAGE];
	struct dp_traffic t[PERSIST_PAGE];
	bool moved = false;
	unsigned int n = 0;

	/* indices are handed out in no order: each is far from the one before */
	for (uint32_t i = 0; i < PERSIST_PAGE; i++)
		__builtin_prefetch(session_at(lns, page * PERSIST_PAGE + i));
	for (uint32_t i = 0; i < PERSIST_PAGE; i++) {
		struct session *s = session_at(lns, page * PERSIST_PAGE + i);

		if (!s || !s->in_dp || dp_session_traffic(lns->dp, s->index, &t[n]))
			continue;
		moved |= sum_of(&t[n]) != s->counted;
		of[n++] = s;
	}
	if (moved) {
		put_page(lns, page, of, t, n);
		*ret_wrote = true;
	} else if (!n && lns->counter_pages[page]) {
		store_delete(lns->store, STORE_MISC, PERSIST_COUNTERS(page));
		lns->counter_pages[page] = false;
	}
	return n;
}

bool counters_sweep(struct lns *lns, unsigned int most)
{
	uint32_t pages = PERSIST_PAGES(lns);
	unsigned int looked = 0;
	bool wrote = false;

	for (uint32_t n = 0; n < pages && looked < most; n++)
		looked += look_at_page(lns, lns->sweep_at++ % pages, &wrote);
	return wrote;
}

/* ---- reading -------------------------------------------------------------------------------- */

bool counters_keep(struct counters *c, uint32_t page, const uint8_t *rec, size_t len)
{
	struct counters_page *p = page < c->n ? &c->pages[page] : NULL;

	if (!p)
		return false;
	p->rec = malloc(len);
	if (!p->rec)
		return false;
	memcpy(p->rec, rec, len);
	p->len = (uint16_t)len;
	return true;
}

/* Both may know it; what is more is newer. */
void counters_merge(const struct counters *c, uint32_t index, struct persist_session *p)
{
	const struct counters_page *page =
		index / PERSIST_PAGE < c->n ? &c->pages[index / PERSIST_PAGE] : NULL;
	struct counters_key k = { p->tunnel_id, p->session_id, (uint32_t)p->since };
	uint64_t *n = (uint64_t *)&p->traffic;
	struct dp_traffic t;
	const uint64_t *m = (const uint64_t *)&t;

	if (!page || !page->rec || !counters_find(page->rec, page->len, &k, &t))
		return;
	for (size_t i = 0; i < NUMBERS; i++)
		n[i] = m[i] > n[i] ? m[i] : n[i];
}

void counters_free(struct counters *c)
{
	for (uint32_t i = 0; c->pages && i < c->n; i++)
		free(c->pages[i].rec);
	free(c->pages);
}
