/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two ways to find things: by an identifier that we handed out (idmap: two levels of
 * arrays), and by what the peer chose (hashtab: chains, nodes embedded in the objects).
 */
#ifndef L2XDP_L2TP_TABLES_H
#define L2XDP_L2TP_TABLES_H

#include <stddef.h>
#include <stdint.h>

#include "loader/base/list.h"

/* Zero-initialised: empty. */
struct idmap {
	void **page[256];
};

void *idmap_get(const struct idmap *map, uint16_t id);
/* NULL takes out. -ENOMEM only for the first of 256 neighbours. */
int idmap_set(struct idmap *map, uint16_t id, void *object);
void idmap_free(struct idmap *map);

/* Zero-initialised: in no table. */
struct hashnode {
	struct hashnode *next;
	uint64_t hash;
};

/* Zero-initialised: empty. */
struct hashtab {
	struct hashnode **bucket;
	size_t size, n;
};

/* A hash that a peer cannot steer as long as `seed` is secret; never 0. */
uint64_t hash_of(uint64_t seed, const void *key, size_t len);

/* -ENOMEM only for the first node of a table. */
int hashtab_add(struct hashtab *t, struct hashnode *node, uint64_t hash);
/* Nothing if the node is in no table. */
void hashtab_del(struct hashtab *t, struct hashnode *node);
/* First and next node of this hash; the caller compares keys. */
struct hashnode *hashtab_first(const struct hashtab *t, uint64_t hash);
struct hashnode *hashtab_next(const struct hashnode *node);
void hashtab_free(struct hashtab *t);

#endif
