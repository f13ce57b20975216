/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls that are not through: ICRQ was taken, and ICCN has not come or PPP has let nobody in. Each
 * holds an identifier, memory and perhaps a place in the maps for up to a minute, so a peer who
 * never completes one must not have them all. The limit is half a shard's identifiers: a LAC
 * that dials tens of thousands at once is held back by its window, and completes them meanwhile.
 *
 * An entry of `peers` may be a network of LACs that do not know each other. So at the limit only
 * those get no more who hold an equal part of it or more, by their address.
 */
#include <stdio.h>

#include "loader/lns_internal.h"

#define LOG_EVERY_MS 10000

static struct half_open *of(const struct lns *lns, const struct config_peer *peer)
{
	return &lns->half_open[peer - lns->cfg->peers];
}

void half_open_begin(struct session *s, uint16_t share)
{
	struct half_open *h = of(s->lns, s->peer);

	if (s->half_open)
		return;
	s->half_open = true;
	s->half_open_share = share; /* the tunnel's may become another one */
	h->n++;
	h->shares += !h->of[share]++;
}

void half_open_end(struct session *s)
{
	struct half_open *h;

	if (!s->half_open)
		return;
	s->half_open = false;
	h = of(s->lns, s->peer);
	h->n--;
	h->shares -= !--h->of[s->half_open_share];
}

static bool has_its_part(const struct half_open *h, uint16_t share, unsigned int most)
{
	unsigned int part = most / (h->shares + !h->of[share]);

	return h->of[share] >= (part ?: 1);
}

bool half_open_refuses(struct lns *lns, const struct config_peer *peer, uint16_t share,
		       struct l2tp_reason *ret_why)
{
	struct log_who who = { .peer = peer->name };
	struct half_open *h = of(lns, peer);
	unsigned int most = lns->cfg->limits.half_open_calls ?: L2TP_HALF_OPEN_CALLS;

	if (h->n < most || !has_its_part(h, share, most))
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
