/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loader/base/ids.h"

#include <errno.h>
#include <stdlib.h>

#define IDS_LOOK 64u /* the next one is drawn from so many of the oldest */
#define IDS_BLOCK 256u

struct ids {
	random_fn *random;
	void *ctx;
	ids_rested_fn *rested;
	void *rested_arg;
	uint16_t n;
	uint32_t head, free; /* ring of n: first free one, how many */
	uint32_t fresh; /* so many of the free ones, from head on, were never used */
	uint32_t resting; /* so many of the free ones, at the end, by rising time */
	uint32_t news; /* so many of these, at the end, are not asked for yet */
	msec_t *rest_until; /* by ring place */
	uint16_t *ring; /* 0: place + 1, as nobody has touched it (ids_new costs nothing) */
	uint16_t *place; /* by ID - 1: 1 + its place in the ring; 0: place ID - 1 */
	uint32_t *note; /* by ID - 1 */
	uint8_t *used; /* one bit an ID */
	uint16_t rand[IDS_BLOCK];
	unsigned int rand_left;
};

static bool is_used(const struct ids *ids, uint16_t id)
{
	return ids->used[id / 8] & (1u << (id % 8));
}

static void set_used(struct ids *ids, uint16_t id, bool used)
{
	if (used)
		ids->used[id / 8] |= (uint8_t)(1u << (id % 8));
	else
		ids->used[id / 8] &= (uint8_t) ~(1u << (id % 8));
}

/* A number below `bound` (at most 65536); the bias of a 16-bit draw is no help to guess. */
static uint32_t draw(struct ids *ids, uint32_t bound)
{
	if (!ids->rand_left) {
		ids->random(ids->ctx, ids->rand, sizeof(ids->rand));
		ids->rand_left = IDS_BLOCK;
	}
	return (uint32_t)(((uint64_t)ids->rand[--ids->rand_left] * bound) >> 16);
}

static uint32_t ring_at(const struct ids *ids, uint32_t i)
{
	return (ids->head + i) % ids->n;
}

static uint16_t id_at(const struct ids *ids, uint32_t place)
{
	return ids->ring[place] ? ids->ring[place] : (uint16_t)(place + 1);
}

static void put(struct ids *ids, uint32_t place, uint16_t id, msec_t rest_until)
{
	ids->ring[place] = id;
	ids->place[id - 1] = (uint16_t)(place + 1);
	ids->rest_until[place] = rest_until;
}

static void swap(struct ids *ids, uint32_t a, uint32_t b)
{
	uint16_t id = id_at(ids, a);
	msec_t rest = ids->rest_until[a];

	put(ids, a, id_at(ids, b), ids->rest_until[b]);
	put(ids, b, id, rest);
}

/* Of one that is free: how many stand before it. */
static uint32_t row_of(const struct ids *ids, uint16_t id)
{
	uint32_t place = ids->place[id - 1] ? ids->place[id - 1] - 1u : id - 1u;

	return (place + ids->n - ids->head) % ids->n;
}

struct ids *ids_new(uint16_t n, random_fn *random, void *ctx)
{
	struct ids *ids = calloc(1, sizeof(*ids));

	if (!ids || !n)
		goto fail;
	ids->random = random;
	ids->ctx = ctx;
	ids->n = n;
	ids->free = ids->fresh = n;
	ids->ring = calloc(n, sizeof(*ids->ring));
	ids->rest_until = calloc(n, sizeof(*ids->rest_until));
	ids->place = calloc(n, sizeof(*ids->place));
	ids->note = calloc(n, sizeof(*ids->note));
	ids->used = calloc((size_t)n / 8 + 1, 1);
	if (!ids->ring || !ids->rest_until || !ids->place || !ids->note || !ids->used)
		goto fail;
	return ids;
fail:
	ids_free(ids);
	return NULL;
}

void ids_free(struct ids *ids)
{
	if (!ids)
		return;
	free(ids->ring);
	free(ids->rest_until);
	free(ids->place);
	free(ids->note);
	free(ids->used);
	free(ids);
}

/* One of those that rest does so no more. */
static void end_rest(struct ids *ids, uint16_t id)
{
	uint32_t note = ids->note[id - 1];

	ids->note[id - 1] = 0;
	if (ids->rested)
		ids->rested(ids->rested_arg, id, note);
}

/* Ends the rest of all whose time has come; releases are in the order of time. */
static void expire(struct ids *ids, msec_t now)
{
	while (ids->resting) {
		uint32_t at = ring_at(ids, ids->free - ids->resting);

		if (ids->rest_until[at] > now)
			break;
		ids->resting--;
		if (ids->news > ids->resting)
			ids->news = ids->resting;
		end_rest(ids, id_at(ids, at));
	}
}

/* Of how many, from head on, one may be drawn now. */
static uint32_t eligible(const struct ids *ids)
{
	uint32_t rested = ids->free - ids->resting;

	if (ids->fresh)
		return ids->fresh;
	return rested < IDS_LOOK ? rested : IDS_LOOK;
}

/* One of the free ones leaves the ring at its head. */
static void leave(struct ids *ids, uint16_t id)
{
	ids->head = ring_at(ids, 1);
	ids->free--;
	set_used(ids, id, true);
}

uint16_t ids_take(struct ids *ids, msec_t now)
{
	uint32_t look;
	uint16_t id;

	expire(ids, now);
	look = eligible(ids);
	if (!look)
		return 0;
	swap(ids, ring_at(ids, 0), ring_at(ids, draw(ids, look)));
	id = id_at(ids, ids->head);
	leave(ids, id);
	if (ids->fresh)
		ids->fresh--;
	return id;
}

int ids_claim(struct ids *ids, uint16_t id)
{
	uint32_t row;

	if (!id || id > ids->n)
		return -EINVAL;
	if (is_used(ids, id))
		return -EBUSY;
	row = row_of(ids, id);
	if (row < ids->fresh) {
		swap(ids, ids->head, ring_at(ids, row));
		ids->fresh--;
		leave(ids, id);
		return 0;
	}
	if (row >= ids->free - ids->news)
		ids->news--;
	if (row >= ids->free - ids->resting) {
		ids->resting--;
		end_rest(ids, id);
	}
	/* close the gap from the front, which keeps the order of the rest */
	for (; row > 0; row--)
		swap(ids, ring_at(ids, row), ring_at(ids, row - 1));
	leave(ids, id);
	return 0;
}

static void rest_until(struct ids *ids, uint16_t id, msec_t until)
{
	put(ids, ring_at(ids, ids->free), id, until);
	ids->free++;
	ids->resting++;
	set_used(ids, id, false);
}

void ids_release(struct ids *ids, uint16_t id, msec_t now)
{
	if (!id || id > ids->n || !is_used(ids, id))
		return;
	rest_until(ids, id, now + IDS_REST_MS);
	ids->news++;
}

void ids_return(struct ids *ids, uint16_t id)
{
	if (!id || id > ids->n || !is_used(ids, id))
		return;
	ids->head = ring_at(ids, ids->n - 1u);
	put(ids, ids->head, id, 0);
	ids->free++;
	ids->fresh += ids->fresh > 0;
	ids->note[id - 1] = 0;
	set_used(ids, id, false);
}

int ids_rest(struct ids *ids, uint16_t id, msec_t since)
{
	msec_t until = since > UINT64_MAX - IDS_REST_MS ? UINT64_MAX : since + IDS_REST_MS;
	uint32_t row;
	int ret;

	if (id && id <= ids->n && !is_used(ids, id) && row_of(ids, id) >= ids->free - ids->resting)
		return -EEXIST;
	ret = ids_claim(ids, id);
	if (ret < 0)
		return ret;
	ids->note[id - 1] = 0;
	rest_until(ids, id, until);
	ids->news += ids->news > 0; /* those are a row at the end */
	for (row = ids->free - 1; row > ids->free - ids->resting; row--) {
		if (ids->rest_until[ring_at(ids, row - 1)] <= until)
			break;
		swap(ids, ring_at(ids, row), ring_at(ids, row - 1));
	}
	return 0;
}

void ids_rest_from(struct ids *ids, msec_t now)
{
	for (uint32_t i = 1; i <= ids->resting; i++) {
		msec_t *until = &ids->rest_until[ring_at(ids, ids->free - i)];

		if (*until <= now + IDS_REST_MS)
			break;
		*until = now + IDS_REST_MS;
	}
}

unsigned int ids_ready(struct ids *ids, msec_t now)
{
	expire(ids, now);
	return ids->free - ids->resting;
}

void ids_note(struct ids *ids, uint16_t id, uint32_t note)
{
	if (id && id <= ids->n && is_used(ids, id))
		ids->note[id - 1] = note;
}

void ids_on_rested(struct ids *ids, ids_rested_fn *fn, void *arg)
{
	ids->rested = fn;
	ids->rested_arg = arg;
}

uint16_t ids_next_released(struct ids *ids, uint32_t *ret_note)
{
	uint16_t id;

	if (!ids->news)
		return 0;
	id = id_at(ids, ring_at(ids, ids->free - ids->news));
	ids->news--;
	*ret_note = ids->note[id - 1];
	return id;
}

unsigned int ids_in_use(const struct ids *ids)
{
	return ids->n - ids->free;
}
