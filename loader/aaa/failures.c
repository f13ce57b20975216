/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines that fail to authenticate. A set of four slots for each hash of LAC and line; in a
 * full set the one that failed longest ago is forgotten. So who fails from very many lines
 * can make others forgotten, and is held by the rate of calls; and nothing grows.
 */
#include <stdlib.h>
#include <string.h>

#include "loader/aaa/aaa.h"

#define WAYS 4u
#define SETS 1024u
#define SPAN_MS 60000u /* failures further apart are not in a row */

struct failing {
	char key[FAILURES_KEY]; /* "" is a free slot */
	unsigned int n; /* in a row */
	msec_t at; /* the last one */
};

struct failures {
	unsigned int most;
	uint32_t seed;
	struct failing slot[SETS][WAYS];
};

struct failures *failures_new(unsigned int most, random_fn *random, void *ctx)
{
	struct failures *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->most = most;
	random(ctx, &f->seed, sizeof(f->seed));
	return f;
}

void failures_free(struct failures *f)
{
	free(f);
}

/* FNV-1a, from a seed. */
static struct failing *set_of(struct failures *f, const char *key)
{
	uint32_t h = 2166136261u ^ f->seed;

	while (*key)
		h = (h ^ (uint8_t)*key++) * 16777619u;
	return f->slot[(h ^ h >> 16) % SETS];
}

static struct failing *find(struct failures *f, const char *key)
{
	struct failing *set = set_of(f, key);

	for (unsigned int i = 0; i < WAYS; i++)
		if (strcmp(set[i].key, key) == 0)
			return &set[i];
	return NULL;
}

static struct failing *make(struct failures *f, const char *key)
{
	struct failing *set = set_of(f, key), *oldest = set;

	for (unsigned int i = 1; i < WAYS && oldest->key[0]; i++)
		if (!set[i].key[0] || set[i].at < oldest->at)
			oldest = &set[i];
	memset(oldest, 0, sizeof(*oldest));
	strncpy(oldest->key, key, sizeof(oldest->key) - 1);
	return oldest;
}

bool failures_add(struct failures *f, msec_t now, const char *key)
{
	struct failing *l = find(f, key);

	if (!l)
		l = make(f, key);
	if (now - l->at > SPAN_MS)
		l->n = 0;
	l->at = now;
	return ++l->n == f->most;
}

void failures_end(struct failures *f, const char *key)
{
	struct failing *l = find(f, key);

	if (l)
		memset(l, 0, sizeof(*l));
}

bool failures_too_many(struct failures *f, msec_t now, const char *key)
{
	const struct failing *l = find(f, key);

	return l && l->n >= f->most && now - l->at <= SPAN_MS;
}
