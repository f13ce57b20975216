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
#include <time.h>

#include "loader/persist.h"

#define NUMBERS (sizeof(struct dp_traffic) / sizeof(uint64_t))
#define SLICE_SESSIONS 8192u
#define SLICE_WRITES 64u /* pages */
#define EMPTY_PAGES 8192u /* of a slice: they cost a little too */
#define LOOKS_A_PAUSE 262145u
#define WRITES_A_PAUSE 2049u

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

void counters_begin(struct session *s)
{
	s->lns->counted[s->index] = 1;
}

void counters_end(struct session *s)
{
	s->lns->counted[s->index] = 0;
}

static void put_page(struct lns *lns, uint32_t page)
{
	uint8_t buf[STORE_MAX_RECORD];
	struct writer w = writer_of(buf, sizeof(buf));

	writer_u8(&w, PERSIST_VERSION);
	for (uint32_t i = page * PERSIST_PAGE; i < (page + 1) * PERSIST_PAGE; i++) {
		struct session *s = lns->counted[i] ? session_at(lns, i) : NULL;
		struct dp_traffic t;
		struct counters_key k;

		if (!s || dp_session_traffic(lns->dp, i, &t))
			continue;
		k = (struct counters_key){ s->dp.tunnel_id, s->dp.session_id, (uint32_t)s->since };
		counters_put(&w, &k, &t);
		lns->counted[i] = 1 + sum_of(&t);
	}
	store_put(lns->store, STORE_MISC, PERSIST_COUNTERS(page), buf, w.len);
	lns->counter_pages[page] = true;
}

/* Reads what is near: the array of sums and the arrays of counters, one after the other. Only what
 * moved is looked for where sessions are. True: something was written. */
static bool look_at_page(struct lns *lns, uint32_t page)
{
	const uint64_t *counted = lns->counted + (size_t)page * PERSIST_PAGE;
	unsigned int looked = 0;
	bool moved = false;

	for (uint32_t i = 0; i < PERSIST_PAGE; i++) {
		if (!counted[i])
			continue;
		looked++;
		moved |= 1 + dp_traffic_sum(lns->dp, page * PERSIST_PAGE + i) != counted[i];
	}
	lns->round.looked += looked;
	if (moved) {
		put_page(lns, page);
	} else if (!looked && lns->counter_pages[page]) {
		store_delete(lns->store, STORE_MISC, PERSIST_COUNTERS(page));
		lns->counter_pages[page] = false;
	}
	return moved;
}

/* Of this thread's own: on a busy host others' turns are not what a slice costs. */
static uint64_t cpu_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static void round_over(struct lns *lns)
{
	struct lns_sweep_info *is = &lns->state.sweep;

	*is = (struct lns_sweep_info){ .sessions = lns->round.looked,
				       .pages = lns->round.written,
				       .ms = lns->now - lns->round.since,
				       .busy_us = lns->round.busy_us,
				       .slice_us = lns->round.slice_us };
}

/* Pages from sweep_at on, until so many sessions were looked at or pages written. */
static bool go_on(struct lns *lns, unsigned int sessions, unsigned int writes)
{
	unsigned int looked = lns->round.looked, wrote = 0;
	uint32_t pages = PERSIST_PAGES(lns), empty = 0;

	while (lns->sweep_at < pages && lns->round.looked - looked < sessions && wrote < writes &&
	       empty < EMPTY_PAGES) {
		unsigned int before = lns->round.looked;

		wrote += look_at_page(lns, lns->sweep_at++);
		empty += before == lns->round.looked;
	}
	lns->round.written += wrote;
	return lns->sweep_at == pages;
}

static bool slice(struct lns *lns, unsigned int sessions, unsigned int writes)
{
	uint64_t since = cpu_us(), took;
	bool over;

	if (!lns->sweep_at)
		lns->round = (struct counters_round){ .since = lns->now };
	over = go_on(lns, sessions, writes);
	took = cpu_us() - since;
	lns->round.busy_us += took;
	if (took > lns->round.slice_us)
		lns->round.slice_us = took;
	if (over) {
		lns->sweep_at = 0;
		round_over(lns);
	}
	return over;
}

bool counters_slice(struct lns *lns)
{
	return slice(lns, SLICE_SESSIONS, SLICE_WRITES);
}

void counters_all(struct lns *lns)
{
	lns->sweep_at = 0;
	while (!slice(lns, UINT_MAX, UINT_MAX))
		;
}

/* So that looking takes a hundredth of a core, and the disk gets no more than it used to get for
 * 65 536 sessions that all have traffic. */
msec_t counters_pause(const struct lns *lns, msec_t ms)
{
	unsigned int by_looks = 1 + lns->round.looked / LOOKS_A_PAUSE,
		     by_writes = 1 + lns->round.written / WRITES_A_PAUSE;

	return ms * (by_looks > by_writes ? by_looks : by_writes);
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
