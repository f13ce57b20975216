/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loader/l2tp/build.h"

#include <string.h>

#include "loader/l2tp/header.h"
#include "loader/l2tp/hide.h"

#define LENGTH_OFFSET 2
#define PROTOCOL_VERSION 0x0100 /* version 1, revision 0 */
#define FRAMING_ANY 3 /* async and sync */
#define VENDOR_NAME "l2xdp"
#define BLOCK 16u

enum proxy_type { PROXY_TEXT = 1, PROXY_CHAP = 2, PROXY_PAP = 3, PROXY_NONE = 4, PROXY_MSCHAP = 5 };

void l2tp_build_begin(struct l2tp_build *b, const struct l2tp_style *style, uint16_t tunnel_id,
		      uint16_t session_id, enum l2tp_message_type type)
{
	b->w = writer_of(b->buf, sizeof(b->buf));
	b->style = style ? *style : (struct l2tp_style){ 0 };
	b->has_vector = false;
	writer_u16(&b->w, L2TP_F_T | L2TP_F_L | L2TP_F_S | 2);
	writer_u16(&b->w, 0); /* Length, at the end */
	writer_u16(&b->w, tunnel_id);
	writer_u16(&b->w, session_id);
	writer_u32(&b->w, 0); /* Ns and Nr, as it leaves */
	l2tp_build_u16(b, L2TP_AVP_MESSAGE_TYPE, (uint16_t)type);
}

/* Room for a value, after its header; NULL when full. */
static uint8_t *avp_room(struct l2tp_build *b, enum l2tp_avp_type type, size_t len, bool hidden)
{
	uint16_t flags = l2tp_avp_rules[type].mandatory ? L2TP_AVP_M : 0;

	if (len > L2TP_AVP_VALUE_MAX)
		b->w.bad = true;
	if (hidden)
		flags |= L2TP_AVP_H;
	writer_u16(&b->w, (uint16_t)(flags | (L2TP_AVP_HEADER + len)));
	writer_u16(&b->w, L2TP_VENDOR_IETF);
	writer_u16(&b->w, (uint16_t)type);
	return writer_room(&b->w, len);
}

static void vector(struct l2tp_build *b)
{
	uint8_t *p;

	if (b->has_vector)
		return;
	b->style.random(b->style.ctx, b->vector, sizeof(b->vector));
	b->has_vector = true;
	p = avp_room(b, L2TP_AVP_RANDOM_VECTOR, sizeof(b->vector), false);
	if (p)
		memcpy(p, b->vector, sizeof(b->vector));
}

void l2tp_build_hidden(struct l2tp_build *b, enum l2tp_avp_type type, const void *value, size_t len)
{
	/* padded to whole blocks, so that a length tells little */
	size_t padded = (len + 2 + BLOCK - 1) / BLOCK * BLOCK;
	uint8_t *p;

	if (padded > L2TP_AVP_VALUE_MAX)
		padded = len + 2;
	vector(b);
	p = avp_room(b, type, padded, true);
	if (!p)
		return;
	p[0] = (uint8_t)(len >> 8);
	p[1] = (uint8_t)len;
	if (len)
		memcpy(p + 2, value, len);
	if (padded > len + 2)
		b->style.random(b->style.ctx, p + 2 + len, padded - len - 2);
	l2tp_hide((uint16_t)type,
		  &(struct l2tp_hide_key){ .secret = b->style.secret,
					   .secret_len = b->style.secret_len,
					   .vector = b->vector,
					   .vector_len = sizeof(b->vector) },
		  p, padded);
}

void l2tp_build_bytes(struct l2tp_build *b, enum l2tp_avp_type type, const void *value, size_t len)
{
	uint8_t *p;

	if (b->style.hide && b->style.secret && l2tp_avp_rules[type].may_hide) {
		l2tp_build_hidden(b, type, value, len);
		return;
	}
	p = avp_room(b, type, len, false);
	if (p && len)
		memcpy(p, value, len);
}

void l2tp_build_u16(struct l2tp_build *b, enum l2tp_avp_type type, uint16_t v)
{
	const uint8_t be[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	l2tp_build_bytes(b, type, be, sizeof(be));
}

void l2tp_build_u32(struct l2tp_build *b, enum l2tp_avp_type type, uint32_t v)
{
	const uint8_t be[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
				(uint8_t)v };

	l2tp_build_bytes(b, type, be, sizeof(be));
}

size_t l2tp_build_end(struct l2tp_build *b)
{
	writer_patch_u16(&b->w, LENGTH_OFFSET, (uint16_t)b->w.len);
	return b->w.bad ? 0 : b->w.len;
}

/* ---- control connection ---- */

static void host_name(struct l2tp_build *b, const char *name)
{
	l2tp_build_bytes(b, L2TP_AVP_HOST_NAME, name, strnlen(name, L2TP_AVP_VALUE_MAX));
}

size_t l2tp_build_sccrq(struct l2tp_build *b, const struct l2tp_style *style,
			const struct l2tp_start *s)
{
	struct l2tp_style plain = *style;

	plain.hide = false; /* some cannot read hidden AVPs here (V2-HID-6) */
	l2tp_build_begin(b, &plain, 0, 0, L2TP_SCCRQ);
	l2tp_build_u16(b, L2TP_AVP_PROTOCOL_VERSION, PROTOCOL_VERSION);
	host_name(b, s->hostname);
	l2tp_build_u32(b, L2TP_AVP_FRAMING_CAPABILITIES, FRAMING_ANY);
	l2tp_build_u16(b, L2TP_AVP_ASSIGNED_TUNNEL_ID, s->tunnel_id);
	if (s->tie_breaker)
		l2tp_build_bytes(b, L2TP_AVP_TIE_BREAKER, s->tie_breaker, 8);
	l2tp_build_u16(b, L2TP_AVP_RECEIVE_WINDOW_SIZE, s->window);
	l2tp_build_bytes(b, L2TP_AVP_VENDOR_NAME, VENDOR_NAME, strlen(VENDOR_NAME));
	if (s->challenge)
		l2tp_build_bytes(b, L2TP_AVP_CHALLENGE, s->challenge, L2TP_CHALLENGE_LEN);
	l2tp_build_bytes(b, L2TP_AVP_ECN_CAPABILITY, NULL, 0); /* V2-EXT-6 */
	return l2tp_build_end(b);
}

size_t l2tp_build_sccrp(struct l2tp_build *b, const struct l2tp_style *style, uint16_t peer_id,
			const struct l2tp_start *s)
{
	l2tp_build_begin(b, style, peer_id, 0, L2TP_SCCRP);
	l2tp_build_u16(b, L2TP_AVP_PROTOCOL_VERSION, PROTOCOL_VERSION);
	l2tp_build_u32(b, L2TP_AVP_FRAMING_CAPABILITIES, FRAMING_ANY);
	host_name(b, s->hostname);
	l2tp_build_u16(b, L2TP_AVP_ASSIGNED_TUNNEL_ID, s->tunnel_id);
	l2tp_build_u16(b, L2TP_AVP_RECEIVE_WINDOW_SIZE, s->window);
	if (s->challenge)
		l2tp_build_bytes(b, L2TP_AVP_CHALLENGE, s->challenge, L2TP_CHALLENGE_LEN);
	if (s->response)
		l2tp_build_bytes(b, L2TP_AVP_CHALLENGE_RESPONSE, s->response, L2TP_RESPONSE_LEN);
	l2tp_build_bytes(b, L2TP_AVP_ECN_CAPABILITY, NULL, 0);
	return l2tp_build_end(b);
}

size_t l2tp_build_scccn(struct l2tp_build *b, const struct l2tp_style *style, uint16_t peer_id,
			const uint8_t *response)
{
	l2tp_build_begin(b, style, peer_id, 0, L2TP_SCCCN);
	if (response)
		l2tp_build_bytes(b, L2TP_AVP_CHALLENGE_RESPONSE, response, L2TP_RESPONSE_LEN);
	return l2tp_build_end(b);
}

/* Two octets when there is nothing to add, as the RFC allows (V2-RES-1). */
static void result_code(struct l2tp_build *b, const struct l2tp_reason *why)
{
	size_t text = strnlen(why->text, sizeof(why->text));
	uint8_t *p = avp_room(b, L2TP_AVP_RESULT_CODE, why->error || text ? 4 + text : 2, false);

	if (!p)
		return;
	p[0] = (uint8_t)(why->result >> 8);
	p[1] = (uint8_t)why->result;
	if (!why->error && !text)
		return;
	p[2] = (uint8_t)(why->error >> 8);
	p[3] = (uint8_t)why->error;
	memcpy(p + 4, why->text, text);
}

/* In clear: a peer that does not share the secret must understand why it is refused. */
size_t l2tp_build_stopccn(struct l2tp_build *b, uint16_t peer_id, uint16_t tunnel_id,
			  const struct l2tp_reason *why)
{
	l2tp_build_begin(b, NULL, peer_id, 0, L2TP_STOPCCN);
	l2tp_build_u16(b, L2TP_AVP_ASSIGNED_TUNNEL_ID, tunnel_id);
	result_code(b, why);
	return l2tp_build_end(b);
}

size_t l2tp_build_hello(struct l2tp_build *b, uint16_t peer_id)
{
	l2tp_build_begin(b, NULL, peer_id, 0, L2TP_HELLO); /* V2-HELLO-2 */
	return l2tp_build_end(b);
}

/* ---- calls ---- */

static void number(struct l2tp_build *b, enum l2tp_avp_type type, const char *text)
{
	size_t len = strnlen(text, L2TP_MAX_NUMBER);

	if (len)
		l2tp_build_bytes(b, type, text, len);
}

size_t l2tp_build_icrq(struct l2tp_build *b, const struct l2tp_style *style, uint16_t peer_id,
		       uint16_t session_id, const struct l2tp_call_info *info)
{
	l2tp_build_begin(b, style, peer_id, 0, L2TP_ICRQ); /* V2-CALL-1 */
	l2tp_build_u16(b, L2TP_AVP_ASSIGNED_SESSION_ID, session_id);
	l2tp_build_u32(b, L2TP_AVP_CALL_SERIAL_NUMBER, info->serial);
	if (info->bearer)
		l2tp_build_u32(b, L2TP_AVP_BEARER_TYPE, info->bearer);
	number(b, L2TP_AVP_CALLED_NUMBER, info->called);
	number(b, L2TP_AVP_CALLING_NUMBER, info->calling);
	number(b, L2TP_AVP_SUB_ADDRESS, info->subaddress);
	return l2tp_build_end(b);
}

size_t l2tp_build_icrp(struct l2tp_build *b, const struct l2tp_style *style, uint16_t peer_id,
		       uint16_t peer_session_id, uint16_t session_id)
{
	l2tp_build_begin(b, style, peer_id, peer_session_id, L2TP_ICRP);
	l2tp_build_u16(b, L2TP_AVP_ASSIGNED_SESSION_ID, session_id);
	return l2tp_build_end(b);
}

static void proxy_auth(struct l2tp_build *b, const struct l2tp_call_info *info)
{
	bool clear_text = info->proxy_auth_type == PROXY_TEXT || info->proxy_auth_type == PROXY_PAP;

	/* A password never leaves in clear (V2-HID-6): no secret, no proxy authentication. */
	if (!info->has_proxy_auth || (clear_text && !b->style.secret))
		return;
	l2tp_build_u16(b, L2TP_AVP_PROXY_AUTHEN_TYPE, info->proxy_auth_type);
	if (info->proxy_auth_type == PROXY_NONE)
		return;
	l2tp_build_bytes(b, L2TP_AVP_PROXY_AUTHEN_NAME, info->proxy_name, info->proxy_name_len);
	if (info->proxy_challenge_len)
		l2tp_build_bytes(b, L2TP_AVP_PROXY_AUTHEN_CHALLENGE, info->proxy_challenge,
				 info->proxy_challenge_len);
	if (info->proxy_auth_type != PROXY_TEXT)
		l2tp_build_u16(b, L2TP_AVP_PROXY_AUTHEN_ID, info->proxy_id);
	if (clear_text)
		l2tp_build_hidden(b, L2TP_AVP_PROXY_AUTHEN_RESPONSE, info->proxy_response,
				  info->proxy_response_len);
	else
		l2tp_build_bytes(b, L2TP_AVP_PROXY_AUTHEN_RESPONSE, info->proxy_response,
				 info->proxy_response_len);
}

/* All three, or none: a part of them is of no use to the LNS. */
static void proxy_lcp(struct l2tp_build *b, const struct l2tp_call_info *info)
{
	size_t len = (size_t)info->first_lcp_len + info->sent_lcp_len + info->received_lcp_len;

	if (!len || b->w.len + len + 3 * (L2TP_AVP_HEADER + BLOCK) > L2TP_BUILD_SOFT_MAX)
		return;
	if (info->first_lcp_len)
		l2tp_build_bytes(b, L2TP_AVP_FIRST_LCP_CONFREQ, info->first_lcp,
				 info->first_lcp_len);
	if (info->sent_lcp_len)
		l2tp_build_bytes(b, L2TP_AVP_SENT_LCP_CONFREQ, info->sent_lcp, info->sent_lcp_len);
	if (info->received_lcp_len)
		l2tp_build_bytes(b, L2TP_AVP_RECEIVED_LCP_CONFREQ, info->received_lcp,
				 info->received_lcp_len);
}

size_t l2tp_build_iccn(struct l2tp_build *b, const struct l2tp_style *style, uint16_t peer_id,
		       uint16_t peer_session_id, const struct l2tp_call_info *info)
{
	l2tp_build_begin(b, style, peer_id, peer_session_id, L2TP_ICCN);
	l2tp_build_u32(b, L2TP_AVP_TX_CONNECT_SPEED, info->tx_speed);
	l2tp_build_u32(b, L2TP_AVP_FRAMING_TYPE, info->framing ? info->framing : 1);
	if (info->rx_speed)
		l2tp_build_u32(b, L2TP_AVP_RX_CONNECT_SPEED, info->rx_speed);
	if (info->sequencing_required)
		l2tp_build_bytes(b, L2TP_AVP_SEQUENCING_REQUIRED, NULL, 0);
	proxy_auth(b, info);
	proxy_lcp(b, info);
	return l2tp_build_end(b);
}

size_t l2tp_build_cdn(struct l2tp_build *b, const struct l2tp_style *style, uint16_t peer_id,
		      uint16_t peer_session_id, uint16_t session_id, const struct l2tp_reason *why)
{
	l2tp_build_begin(b, style, peer_id, peer_session_id, L2TP_CDN);
	result_code(b, why);
	l2tp_build_u16(b, L2TP_AVP_ASSIGNED_SESSION_ID, session_id);
	if (why->ppp_cause) { /* V2-EXT-1 */
		const uint8_t cause[5] = { (uint8_t)(why->ppp_cause >> 8), (uint8_t)why->ppp_cause,
					   (uint8_t)(why->ppp_proto >> 8), (uint8_t)why->ppp_proto,
					   why->ppp_direction };

		l2tp_build_bytes(b, L2TP_AVP_PPP_DISCONNECT_CAUSE, cause, sizeof(cause));
	}
	return l2tp_build_end(b);
}
