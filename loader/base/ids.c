/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loader/base/ids.h"

#include <errno.h>
#include <stdlib.h>

#define IDS_LOOK 64u /* the next one is drawn from so many of the oldest */
#define IDS_BLOCK 256u

struct ids {
	random_fn *random;
	void *ctx;
	uint16_t n;
	uint32_t head, free; /* ring of n: first free one, how many */
	uint32_t fresh; /* so many of the free ones, from head on, were never used */
	msec_t *rest_until; /* by ring place; 0: never used */
	uint16_t *ring; /* 0: place + 1, as nobody has touched it (ids_new costs nothing) */
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

static void swap(struct ids *ids, uint32_t a, uint32_t b)
{
	uint16_t id = id_at(ids, a);
	msec_t rest = ids->rest_until[a];

	ids->ring[a] = id_at(ids, b);
	ids->rest_until[a] = ids->rest_until[b];
	ids->ring[b] = id;
	ids->rest_until[b] = rest;
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
	ids->used = calloc((size_t)n / 8 + 1, 1);
	if (!ids->ring || !ids->rest_until || !ids->used)
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
	free(ids->used);
	free(ids);
}

/* Of how many, from head on, one may be drawn now. */
static uint32_t eligible(const struct ids *ids, msec_t now)
{
	uint32_t look = ids->free < IDS_LOOK ? ids->free : IDS_LOOK;

	if (ids->fresh)
		return ids->fresh;
	/* Releases are in the order of time, so those that have rested come first. */
	while (look && ids->rest_until[ring_at(ids, look - 1)] > now)
		look--;
	return look;
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
	uint32_t look = eligible(ids, now);
	uint16_t id;

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
	if (!id || id > ids->n)
		return -EINVAL;
	if (is_used(ids, id))
		return -EBUSY;
	for (uint32_t i = 0; i < ids->free; i++) {
		if (id_at(ids, ring_at(ids, i)) != id)
			continue;
		if (i < ids->fresh)
			ids->fresh--;
		/* close the gap from the front, which keeps the order of the rest */
		for (; i > 0; i--)
			swap(ids, ring_at(ids, i), ring_at(ids, i - 1));
		leave(ids, id);
		return 0;
	}
	return -EBUSY;
}

void ids_release(struct ids *ids, uint16_t id, msec_t now)
{
	uint32_t at;

	if (!id || id > ids->n || !is_used(ids, id))
		return;
	at = ring_at(ids, ids->free);
	ids->ring[at] = id;
	ids->rest_until[at] = now + IDS_REST_MS;
	ids->free++;
	set_used(ids, id, false);
}

unsigned int ids_in_use(const struct ids *ids)
{
	return ids->n - ids->free;
}
