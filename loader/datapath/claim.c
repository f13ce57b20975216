/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an earlier daemon left in the kernel by prefix, and which of it is claimed again. */
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "loader/datapath/private.h"

static int compare(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int c = memcmp(x->prefix.addr.b, y->prefix.addr.b, sizeof(x->prefix.addr.b));

	return c ? c : (int)x->prefix.len - (int)y->prefix.len;
}

struct claim *claim_find(void *const *root, const struct prefix *p)
{
	const struct claim key = { .prefix = *p };
	struct claim **at = tfind(&key, root, compare);

	return at ? *at : NULL;
}

struct claim *claim_add(void **root, const struct prefix *p, uint32_t index)
{
	struct claim *c = claim_find(root, p);

	if (c) {
		c->index = index;
		return c;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->prefix = *p;
	c->index = index;
	if (!tsearch(c, root, compare)) {
		free(c);
		return NULL;
	}
	return c;
}

void claim_drop(void **root, const struct prefix *p)
{
	struct claim *c = claim_find(root, p);

	if (!c)
		return;
	tdelete(c, root, compare);
	free(c);
}

struct collect {
	struct claim *list;
	unsigned int n, cap;
};

static void on_node(const void *node, VISIT which, void *arg)
{
	const struct claim *c = *(const struct claim *const *)node;
	struct collect *into = arg;

	if ((which != postorder && which != leaf) || c->claimed)
		return;
	if (into->list && into->n < into->cap)
		into->list[into->n] = *c;
	into->n++;
}

struct claim *claims_unclaimed(void *const *root, unsigned int *ret_n)
{
	struct collect c = { 0 };

	twalk_r(*root, on_node, &c);
	*ret_n = c.cap = c.n;
	c.list = calloc(c.n + 1, sizeof(*c.list));
	c.n = 0;
	if (c.list)
		twalk_r(*root, on_node, &c);
	return c.list;
}

void claims_free(void **root)
{
	tdestroy(*root, free);
	*root = NULL;
}
