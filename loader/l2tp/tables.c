/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loader/l2tp/tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 256u
#define HASHTAB_START 16u

void *idmap_get(const struct idmap *map, uint16_t id)
{
	void **page = map->page[id / PAGE];

	return page ? page[id % PAGE] : NULL;
}

int idmap_set(struct idmap *map, uint16_t id, void *object)
{
	void ***page = &map->page[id / PAGE];

	if (!*page) {
		if (!object)
			return 0;
		*page = calloc(PAGE, sizeof(**page));
		if (!*page)
			return -ENOMEM;
	}
	(*page)[id % PAGE] = object;
	return 0;
}

void idmap_free(struct idmap *map)
{
	for (size_t i = 0; i < sizeof(map->page) / sizeof(map->page[0]); i++) {
		free(map->page[i]);
		map->page[i] = NULL;
	}
}

uint64_t hash_of(uint64_t seed, const void *key, size_t len)
{
	const uint8_t *p = key;
	uint64_t h = seed ^ len;

	while (len) {
		size_t n = len < sizeof(uint64_t) ? len : sizeof(uint64_t);
		uint64_t word = 0;

		memcpy(&word, p, n);
		h = (h ^ word) * 0x9e3779b97f4a7c15u;
		h ^= h >> 29;
		h += seed;
		p += n;
		len -= n;
	}
	h *= 0xbf58476d1ce4e5b9u;
	h ^= h >> 32;
	return h ? h : 1;
}

/* Twice the buckets; without memory the chains grow instead. */
static void grow(struct hashtab *t)
{
	size_t size = t->size * 2;
	struct hashnode **bucket = calloc(size, sizeof(*bucket));

	if (!bucket)
		return;
	for (size_t i = 0; i < t->size; i++) {
		struct hashnode *node = t->bucket[i], *next;

		for (; node; node = next) {
			struct hashnode **at = &bucket[node->hash & (size - 1)];

			next = node->next;
			node->next = *at;
			*at = node;
		}
	}
	free(t->bucket);
	t->bucket = bucket;
	t->size = size;
}

int hashtab_add(struct hashtab *t, struct hashnode *node, uint64_t hash)
{
	struct hashnode **at;

	if (!t->bucket) {
		t->bucket = calloc(HASHTAB_START, sizeof(*t->bucket));
		if (!t->bucket)
			return -ENOMEM;
		t->size = HASHTAB_START;
	}
	if (t->n >= t->size)
		grow(t);
	at = &t->bucket[hash & (t->size - 1)];
	node->hash = hash;
	node->next = *at;
	*at = node;
	t->n++;
	return 0;
}

void hashtab_del(struct hashtab *t, struct hashnode *node)
{
	struct hashnode **at;

	if (!node->hash)
		return;
	at = &t->bucket[node->hash & (t->size - 1)];
	while (*at && *at != node)
		at = &(*at)->next;
	if (*at) {
		*at = node->next;
		t->n--;
	}
	node->hash = 0;
	node->next = NULL;
}

static struct hashnode *with_hash(struct hashnode *node, uint64_t hash)
{
	while (node && node->hash != hash)
		node = node->next;
	return node;
}

struct hashnode *hashtab_first(const struct hashtab *t, uint64_t hash)
{
	return t->bucket ? with_hash(t->bucket[hash & (t->size - 1)], hash) : NULL;
}

struct hashnode *hashtab_next(const struct hashnode *node)
{
	return with_hash(node->next, node->hash);
}

void hashtab_free(struct hashtab *t)
{
	free(t->bucket);
	*t = (struct hashtab){ 0 };
}
