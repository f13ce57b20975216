/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Session IDs (V3-HDR-6, V3-CC-3): drawn until one is nobody's and has not been anybody's lately. */
#include "loader/l2tp3/call_parts.h"

#define DRAWS 64 /* enough to find one, where nearly all are free */

struct l2tp3_call *call3_by_id(const struct l2tp3_endpoint *ep, uint32_t id)
{
	struct hashnode *node = hashtab_first(&ep->calls, l2tp3_hash_id(ep, id));

	for (; node; node = hashtab_next(node)) {
		struct l2tp3_call *c = container_of(node, struct l2tp3_call, by_id);

		if (c->info.ours.id == id)
			return c;
	}
	return NULL;
}

static bool in_use(struct l2tp3_endpoint *ep, uint32_t id)
{
	return call3_by_id(ep, id) || (ep->ops->id_taken && ep->ops->id_taken(ep->ctx, id));
}

static uint32_t draw(struct l2tp3_endpoint *ep, uint32_t place, unsigned int bits)
{
	return l2tp3_random32(ep) << bits | place;
}

uint32_t call3_new_id(struct l2tp3_endpoint *ep, msec_t now, uint32_t place,
		      unsigned int place_bits)
{
	uint32_t id;

	if (place_bits > 31 || place >> place_bits)
		return 0;
	for (unsigned int i = 0; i < DRAWS; i++) {
		id = draw(ep, place, place_bits);
		if (id && !in_use(ep, id) && !l2tp3_rests(&ep->resting_calls, id, now))
			return id;
	}
	/* So few are left for this place that one that was released has to do. */
	for (unsigned int i = 0; i < DRAWS; i++) {
		id = draw(ep, place, place_bits);
		if (id && !in_use(ep, id))
			return id;
	}
	return 0;
}
