/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages of sessions (RFC 3931 section 6.6 on, RFC 4719 section 2). What stands for "none" is not
 * sent: no cookie, no sublayer, no sequencing. Both Session IDs are in each of them, the
 * peer's as 0 while it is not known (V3-AVP-4, Q-6).
 */
#include "loader/l2tp3/call_parts.h"

static void put_ids(struct l2tp3_builder *b, uint32_t id, uint32_t peer_id)
{
	l2tp3_put_u32(b, L2TP3_AVP_LOCAL_ID, id);
	l2tp3_put_u32(b, L2TP3_AVP_REMOTE_ID, peer_id);
}

static void begin(struct l2tp3_call *c, struct l2tp3_builder *b, uint16_t type)
{
	conn_build(c->tunnel, b, type);
}

/* What this circuit's status is; the peer knows it from now on. */
static void put_circuit(struct l2tp3_call *c, struct l2tp3_builder *b, uint16_t flags)
{
	c->told = c->info.ours.circuit;
	l2tp3_put_u16(b, L2TP3_AVP_CIRCUIT, c->told | flags);
	call3_changed(c);
}

/* How we want to get frames (V3-SUB-1, V3-SUB-5). N is of what brings a session about (V3-ETH-3). */
static void put_end(struct l2tp3_call *c, struct l2tp3_builder *b)
{
	const struct l2tp3_end *ours = &c->info.ours;

	if (ours->cookie_len)
		l2tp3_put_bytes(b, L2TP3_AVP_COOKIE, ours->cookie, ours->cookie_len);
	if (ours->sublayer)
		l2tp3_put_u16(b, L2TP3_AVP_SUBLAYER, 1);
	if (ours->sequencing)
		l2tp3_put_u16(b, L2TP3_AVP_SEQUENCING, ours->sequencing);
	put_circuit(c, b, L2TP3_CIRCUIT_NEW);
}

static void finish(struct l2tp3_call *c, msec_t now, struct l2tp3_builder *b)
{
	struct l2tp3_tunnel *t = c->tunnel;

	conn_send(t, now, b);
	explicit_bzero(b->buf, sizeof(b->buf));
}

void call3_send_request(struct l2tp3_call *c, msec_t now)
{
	struct l2tp3_builder b;

	begin(c, &b, c->outgoing ? L2TP_OCRQ : L2TP_ICRQ);
	l2tp3_put_u32(&b, L2TP_AVP_CALL_SERIAL_NUMBER, c->serial);
	if (c->has_tie)
		l2tp3_put_bytes(&b, L2TP_AVP_TIE_BREAKER, c->tie, sizeof(c->tie));
	put_ids(&b, c->info.ours.id, 0);
	l2tp3_put_bytes(&b, L2TP3_AVP_END_ID, c->info.end_id, c->info.end_id_len);
	l2tp3_put_u16(&b, L2TP3_AVP_PW_TYPE, c->info.pw_type);
	put_end(c, &b);
	finish(c, now, &b);
}

void call3_send_reply(struct l2tp3_call *c, msec_t now)
{
	struct l2tp3_builder b;

	begin(c, &b, c->outgoing ? L2TP_OCRP : L2TP_ICRP);
	put_ids(&b, c->info.ours.id, c->info.peer.id);
	put_end(c, &b);
	finish(c, now, &b);
}

void call3_send_connect(struct l2tp3_call *c, msec_t now)
{
	struct l2tp3_builder b;

	begin(c, &b, c->outgoing ? L2TP_OCCN : L2TP_ICCN);
	put_ids(&b, c->info.ours.id, c->info.peer.id);
	put_circuit(c, &b, 0);
	finish(c, now, &b);
}

void call3_send_circuit(struct l2tp3_call *c, msec_t now)
{
	struct l2tp3_builder b;

	l2tp3_count(c->tunnel->ep, L2TP3_C_SENT_SLI);
	begin(c, &b, L2TP_SLI);
	put_ids(&b, c->info.ours.id, c->info.peer.id);
	put_circuit(c, &b, 0);
	finish(c, now, &b);
}

void call3_send_cdn(struct l2tp3_tunnel *t, msec_t now, uint32_t id, uint32_t peer_id,
		    const struct l2tp_reason *why)
{
	struct l2tp3_builder b;

	if (t->gone) /* StopCCN has said it for all */
		return;
	l2tp3_count(t->ep, L2TP3_C_SENT_CDN);
	conn_build(t, &b, L2TP_CDN);
	l2tp3_put_result(&b, why);
	put_ids(&b, id, peer_id);
	conn_send(t, now, &b);
}
