/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls that are not through: ICRQ was taken, and ICCN has not come or PPP has let nobody in. Each
 * holds an identifier, memory and perhaps a place in the maps for up to a minute, so a peer who
 * never completes one must not have them all. The limit is half a shard's identifiers: a LAC
 * that dials tens of thousands at once is held back by its window, and completes them meanwhile.
 */
#include <stdio.h>

#include "loader/lns_internal.h"

#define LOG_EVERY_MS 10000

static struct half_open *of(const struct lns *lns, const struct config_peer *peer)
{
	return &lns->half_open[peer - lns->cfg->peers];
}

void half_open_begin(struct session *s)
{
	if (s->half_open)
		return;
	s->half_open = true;
	of(s->lns, s->peer)->n++;
}

void half_open_end(struct session *s)
{
	if (!s->half_open)
		return;
	s->half_open = false;
	of(s->lns, s->peer)->n--;
}

bool half_open_refuses(struct lns *lns, const struct config_peer *peer, struct l2tp_reason *ret_why)
{
	struct log_who who = { .peer = peer->name };
	struct half_open *h = of(lns, peer);
	unsigned int most = lns->cfg->limits.half_open_calls ?: L2TP_HALF_OPEN_CALLS;

	if (h->n < most)
		return false;
	h->refused++;
	*ret_why = (struct l2tp_reason){ .result = L2TP_CDN_TEMPORARY };
	snprintf(ret_why->text, sizeof(ret_why->text), "%u calls are in set-up already", most);
	if (log_allowed(&h->log, lns->now, 1, LOG_EVERY_MS))
		log_warn(
			&who,
			"%u of its calls are in set-up (no ICCN yet, or nobody authenticated): new "
			"ones are refused (limits.half-open-calls)",
			most);
	return true;
}
