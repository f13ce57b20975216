/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes that wait for their transaction: the last one of each key. */
#include "loader/store/private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 64
#define KEEP_CAP 4096 /* memory for more is given back after the commit */

static size_t place_of(const struct batch *b, unsigned int table, uint64_t key)
{
	uint64_t h = (key ^ (uint64_t)table << 56) * 0x9e3779b97f4a7c15u;

	return (size_t)(h >> 32) & (b->n_slots - 1);
}

/* The slot that names the key, or the free one where it belongs. */
static uint32_t *slot_of(const struct batch *b, unsigned int table, uint64_t key)
{
	size_t i = place_of(b, table, key);

	for (;; i = (i + 1) & (b->n_slots - 1)) {
		const struct change *c;

		if (!b->slots[i])
			return &b->slots[i];
		c = &b->changes[b->slots[i] - 1];
		if (c->key == key && c->table == table)
			return &b->slots[i];
	}
}

static void fill_slots(struct batch *b)
{
	memset(b->slots, 0, b->n_slots * sizeof(*b->slots));
	for (size_t i = 0; i < b->n; i++)
		*slot_of(b, b->changes[i].table, b->changes[i].key) = (uint32_t)i + 1;
}

/* Room for one more; the slots are never more than half full. */
static int make_room(struct batch *b)
{
	size_t cap = b->cap ? b->cap * 2 : FIRST_CAP;
	struct change *changes;
	uint32_t *slots;

	if (b->n < b->cap)
		return 0;
	if (cap > UINT32_MAX / 2)
		return -ENOMEM;
	changes = realloc(b->changes, cap * sizeof(*changes));
	if (!changes)
		return -ENOMEM;
	b->changes = changes;
	slots = malloc(2 * cap * sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	free(b->slots);
	b->slots = slots;
	b->n_slots = 2 * cap;
	b->cap = cap;
	fill_slots(b);
	return 0;
}

static void forget(struct change *c)
{
	if (c->sealed)
		explicit_bzero(c->sealed, c->len);
	free(c->sealed);
	c->sealed = NULL;
	c->len = 0;
}

static int set(struct batch *b, unsigned int table, uint64_t key, uint8_t *sealed, size_t len)
{
	int err = make_room(b);
	uint32_t *slot;
	struct change *c;

	if (err)
		return err;
	slot = slot_of(b, table, key);
	if (*slot) {
		c = &b->changes[*slot - 1];
		forget(c);
	} else {
		c = &b->changes[b->n++];
		*slot = (uint32_t)b->n;
	}
	*c = (struct change){
		.key = key,
		.table = (uint8_t)table,
		.gone = !sealed,
		.len = (uint32_t)len,
		.sealed = sealed,
	};
	return 0;
}

int batch_put(struct batch *b, unsigned int table, uint64_t key, const void *rec, size_t len)
{
	uint8_t *sealed = malloc(SEAL_LEN + len);
	int err;

	if (!sealed)
		return -ENOMEM;
	if (len)
		memcpy(sealed + SEAL_LEN, rec, len);
	seal(table, key, sealed, SEAL_LEN + len);
	err = set(b, table, key, sealed, SEAL_LEN + len);
	if (err)
		free(sealed);
	return err;
}

int batch_delete(struct batch *b, unsigned int table, uint64_t key)
{
	return set(b, table, key, NULL, 0);
}

const struct change *batch_find(const struct batch *b, unsigned int table, uint64_t key)
{
	uint32_t slot = b->n ? *slot_of(b, table, key) : 0;

	return slot ? &b->changes[slot - 1] : NULL;
}

void batch_sweep(struct batch *b, bool (*needless)(void *arg, const struct change *c), void *arg)
{
	size_t n = 0;

	for (size_t i = 0; i < b->n; i++) {
		if (!b->changes[i].gone || !needless(arg, &b->changes[i]))
			b->changes[n++] = b->changes[i];
	}
	b->n = n;
	b->swept = n;
	fill_slots(b);
}

void batch_clear(struct batch *b)
{
	for (size_t i = 0; i < b->n; i++)
		forget(&b->changes[i]);
	if (b->cap > KEEP_CAP) {
		free(b->changes);
		free(b->slots);
		memset(b, 0, sizeof(*b));
	} else if (b->n) {
		memset(b->slots, 0, b->n_slots * sizeof(*b->slots));
	}
	b->n = 0;
	b->swept = 0;
}
