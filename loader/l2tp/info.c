/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "loader/l2tp/engine.h"

/* Proxy values are more than four fifths of the struct, and are needed once. */
#define KEPT offsetof(struct l2tp_call_info, first_lcp)
#define LENGTHS offsetof(struct l2tp_call_info, first_lcp_len)

static void text(const struct l2tp_message *m, enum l2tp_avp_type type, char *out, size_t cap)
{
	if (l2tp_has(m, type))
		log_quote(m->v[type].p, m->v[type].len, out, cap);
}

/* False when it is there and too long to be kept. */
static bool octets(const struct l2tp_message *m, enum l2tp_avp_type type,
		   uint8_t out[L2TP_MAX_PROXY], uint16_t *ret_len)
{
	const struct l2tp_value *v = &m->v[type];

	*ret_len = 0;
	if (!v->p)
		return true;
	if (v->len > L2TP_MAX_PROXY)
		return false;
	memcpy(out, v->p, v->len);
	*ret_len = (uint16_t)v->len;
	return true;
}

static void read_proxy_auth(const struct l2tp_message *m, struct l2tp_call_info *info)
{
	info->has_proxy_auth = l2tp_has(m, L2TP_AVP_PROXY_AUTHEN_TYPE);
	info->proxy_auth_type = l2tp_u16(m, L2TP_AVP_PROXY_AUTHEN_TYPE);
	info->proxy_id = (uint8_t)l2tp_u16(m, L2TP_AVP_PROXY_AUTHEN_ID);
	if (octets(m, L2TP_AVP_PROXY_AUTHEN_NAME, info->proxy_name, &info->proxy_name_len) &&
	    octets(m, L2TP_AVP_PROXY_AUTHEN_CHALLENGE, info->proxy_challenge,
		   &info->proxy_challenge_len) &&
	    octets(m, L2TP_AVP_PROXY_AUTHEN_RESPONSE, info->proxy_response,
		   &info->proxy_response_len))
		return;
	info->has_proxy_auth = false;
	info->proxy_name_len = info->proxy_challenge_len = info->proxy_response_len = 0;
}

/* All three or none: with one too long to be kept, LCP is negotiated afresh. */
static void read_proxy_lcp(const struct l2tp_message *m, struct l2tp_call_info *info)
{
	if (octets(m, L2TP_AVP_FIRST_LCP_CONFREQ, info->first_lcp, &info->first_lcp_len) &&
	    octets(m, L2TP_AVP_SENT_LCP_CONFREQ, info->sent_lcp, &info->sent_lcp_len) &&
	    octets(m, L2TP_AVP_RECEIVED_LCP_CONFREQ, info->received_lcp, &info->received_lcp_len))
		return;
	info->first_lcp_len = info->sent_lcp_len = info->received_lcp_len = 0;
}

void info_read(const struct l2tp_message *m, struct l2tp_call_info *info)
{
	if (m->type == L2TP_ICRQ) {
		info->serial = l2tp_u32(m, L2TP_AVP_CALL_SERIAL_NUMBER);
		info->bearer = l2tp_u32(m, L2TP_AVP_BEARER_TYPE);
		text(m, L2TP_AVP_CALLED_NUMBER, info->called, sizeof(info->called));
		text(m, L2TP_AVP_CALLING_NUMBER, info->calling, sizeof(info->calling));
		text(m, L2TP_AVP_SUB_ADDRESS, info->subaddress, sizeof(info->subaddress));
		return;
	}
	info->tx_speed = l2tp_u32(m, L2TP_AVP_TX_CONNECT_SPEED);
	info->rx_speed = l2tp_has(m, L2TP_AVP_RX_CONNECT_SPEED)
				 ? l2tp_u32(m, L2TP_AVP_RX_CONNECT_SPEED)
				 : info->tx_speed;
	info->framing = l2tp_u32(m, L2TP_AVP_FRAMING_TYPE);
	info->sequencing_required = l2tp_has(m, L2TP_AVP_SEQUENCING_REQUIRED);
	read_proxy_auth(m, info);
	read_proxy_lcp(m, info);
}

void info_update(struct l2tp_call_info *kept, const struct l2tp_call_info *info)
{
	/* No reader looks into arrays whose length is 0. */
	memcpy(kept, info, LENGTHS);
	memset((uint8_t *)kept + LENGTHS, 0, KEPT - LENGTHS);
}

struct l2tp_call_info *info_keep(const struct l2tp_call_info *info)
{
	struct l2tp_call_info *kept = malloc(KEPT);

	if (kept)
		info_update(kept, info);
	return kept;
}

void info_wipe(struct l2tp_call_info *info)
{
	explicit_bzero(info, sizeof(*info));
}

bool info_valid(const struct l2tp_call_info *info)
{
	return info->first_lcp_len <= L2TP_MAX_PROXY && info->sent_lcp_len <= L2TP_MAX_PROXY &&
	       info->received_lcp_len <= L2TP_MAX_PROXY && info->proxy_name_len <= L2TP_MAX_PROXY &&
	       info->proxy_challenge_len <= L2TP_MAX_PROXY &&
	       info->proxy_response_len <= L2TP_MAX_PROXY;
}
