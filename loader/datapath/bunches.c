/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loader/datapath/bunches.h"

static bool same_order(const struct datagram *a, const struct datagram *b)
{
	return a->session == b->session && (a->session || path_eq(&a->path, &b->path));
}

static bool fits(const struct bunches *b, unsigned int bunch, const struct datagram *d)
{
	const struct datagram *first = &b->of[b->first[bunch]];

	return first->len == d->len && first->tos == d->tos &&
	       (b->count[bunch] + 1u) * d->len <= BUNCH_OCTETS && path_eq(&first->path, &d->path);
}

void bunches_add(struct bunches *b, const struct datagram *d, bool alone)
{
	unsigned int at = alone ? b->n_bunches : 0;

	for (unsigned int i = 0; i < b->n; i++)
		if (b->bunch[i] > at && same_order(&b->of[i], d))
			at = b->bunch[i];
	while (at < b->n_bunches && !fits(b, at, d))
		at++;
	if (at == b->n_bunches) {
		b->first[at] = (uint8_t)b->n;
		b->count[at] = 0;
		b->n_bunches++;
	}
	b->count[at]++;
	b->bunch[b->n] = (uint8_t)at;
	b->of[b->n++] = *d;
}
