/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records of what outlives the process: tunnels, messages of ours that are not acknowledged,
 * calls. Each begins with a version and ends with a check of all before it; restore.c
 * reads the same fields in the same order.
 *
 * Not in a record: what is held out of its turn (it was not acknowledged, the peer sends it
 * again), what is in flight (all of it is sent again), and time limits (they begin anew).
 */
#include <string.h>

#include "loader/l2tp/engine.h"

/* FNV-1a: against rot and mistakes, not against malice; a record is as trusted as we are. */
uint32_t record_check(const uint8_t *p, size_t len)
{
	uint32_t h = 0x811c9dc5u;

	for (size_t i = 0; p && i < len; i++)
		h = (h ^ p[i]) * 0x01000193u;
	return h;
}

/* At most 255 octets, and their number before them. */
static void put_text(struct writer *w, const char *text, size_t cap)
{
	size_t len = text ? strnlen(text, cap) : 0;

	writer_u8(w, (uint8_t)len);
	writer_bytes(w, text, len);
}

static size_t finish(struct writer *w)
{
	writer_u32(w, record_check(w->start, w->len));
	return w->bad ? 0 : w->len;
}

/* ---- tunnels ---- */

static void put_path(struct writer *w, const struct path *path)
{
	writer_bytes(w, path->local.b, sizeof(path->local.b));
	writer_bytes(w, path->peer.b, sizeof(path->peer.b));
	writer_u16(w, path->local_port);
	writer_u16(w, path->peer_port);
}

static uint8_t flags_of(const struct l2tp_tunnel *t)
{
	const struct l2tp_setup *s = t->setup;

	return (uint8_t)((t->initiator ? L2TP_RT_INITIATOR : 0) | (t->peer_ecn ? L2TP_RT_ECN : 0) |
			 (t->announced ? L2TP_RT_ANNOUNCED : 0) |
			 (t->opened_calls ? L2TP_RT_OPENED_CALLS : 0) |
			 (s && s->has_challenge ? L2TP_RT_CHALLENGE : 0) |
			 (s && s->has_tie ? L2TP_RT_TIE : 0));
}

size_t tunnel_save(const struct l2tp_tunnel *t, uint8_t *buf, size_t cap)
{
	const struct l2tp_setup *s = t->setup;
	struct writer w = writer_of(buf, cap);

	writer_u8(&w, L2TP_RECORD_VERSION);
	writer_u16(&w, t->id);
	writer_u16(&w, t->peer_id);
	writer_u8(&w, t->state);
	writer_u8(&w, flags_of(t));
	put_path(&w, &t->path);
	writer_u64(&w, t->digest);
	writer_u64(&w, t->since);
	writer_u64(&w, t->heard);
	writer_u64(&w, t->idle_since);
	writer_u32(&w, t->most_calls);
	reliable_save(&t->rel, &w);
	if (s && s->has_challenge)
		writer_bytes(&w, s->challenge, sizeof(s->challenge));
	if (s && s->has_tie)
		writer_bytes(&w, s->tie, sizeof(s->tie));
	put_text(&w, t->hostname, L2TP_MAX_NAME);
	put_text(&w, t->vendor, L2TP_MAX_NAME);
	return finish(&w);
}

/* ---- messages ---- */

size_t message_save(const struct rel_message *m, uint8_t *buf, size_t cap)
{
	struct writer w = writer_of(buf, cap);

	writer_u8(&w, L2TP_RECORD_VERSION);
	writer_u16(&w, (uint16_t)m->owner->tunnel_id);
	writer_u32(&w, m->serial);
	writer_u8(&w, (uint8_t)((m->first ? L2TP_RM_FIRST : 0) | (m->sent ? L2TP_RM_SENT : 0)));
	writer_u16(&w, m->sent ? m->ns : 0);
	writer_u16(&w, m->len);
	writer_bytes(&w, m->data, m->len);
	return finish(&w);
}

/* ---- calls ---- */

static void put_octets(struct writer *w, const uint8_t *p, uint16_t len)
{
	writer_u16(w, len);
	writer_bytes(w, p, len);
}

static void put_info(struct writer *w, const struct l2tp_call_info *info)
{
	writer_u32(w, info->serial);
	writer_u32(w, info->tx_speed);
	writer_u32(w, info->rx_speed);
	writer_u32(w, info->framing);
	writer_u32(w, info->bearer);
	put_text(w, info->called, sizeof(info->called));
	put_text(w, info->calling, sizeof(info->calling));
	put_text(w, info->subaddress, sizeof(info->subaddress));
	writer_u8(w, (uint8_t)((info->sequencing_required ? L2TP_RI_SEQUENCING : 0) |
			       (info->has_proxy_auth ? L2TP_RI_PROXY_AUTH : 0)));
	writer_u16(w, info->proxy_auth_type);
	writer_u8(w, info->proxy_id);
	put_octets(w, info->first_lcp, info->first_lcp_len);
	put_octets(w, info->sent_lcp, info->sent_lcp_len);
	put_octets(w, info->received_lcp, info->received_lcp_len);
	put_octets(w, info->proxy_name, info->proxy_name_len);
	put_octets(w, info->proxy_challenge, info->proxy_challenge_len);
	put_octets(w, info->proxy_response, info->proxy_response_len);
}

size_t l2tp_call_save(const struct l2tp_call *c, uint8_t *buf, size_t cap)
{
	struct writer w = writer_of(buf, cap);

	writer_u8(&w, L2TP_RECORD_VERSION);
	writer_u16(&w, c->tunnel_id);
	writer_u16(&w, c->id);
	writer_u16(&w, c->peer_id);
	writer_u8(&w, c->state);
	writer_u8(&w,
		  (uint8_t)((c->lac ? L2TP_RC_LAC : 0) | (c->delivered ? L2TP_RC_DELIVERED : 0) |
			    (c->offer ? L2TP_RC_OFFER : 0)));
	writer_u32(&w, c->ticket);
	put_info(&w, c->offer ? c->offer : c->info);
	return finish(&w);
}
