/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Proxy LCP and authentication (RFC 2661 section 4.4.5): from l2tp/'s words to ppp/'s. */
#ifndef L2XDP_PROXY_H
#define L2XDP_PROXY_H

#include "loader/l2tp/l2tp.h"
#include "loader/ppp/ppp.h"

/* The pointers go on being the call's. */
static inline struct ppp_proxy proxy_of(const struct l2tp_call_info *i)
{
	return (struct ppp_proxy){
		.first_request = i->first_lcp,
		.first_request_len = i->first_lcp_len,
		.last_sent = i->sent_lcp,
		.last_sent_len = i->sent_lcp_len,
		.last_received = i->received_lcp,
		.last_received_len = i->received_lcp_len,
		.has_auth = i->has_proxy_auth,
		.auth_type = i->proxy_auth_type,
		.auth_id = i->proxy_id,
		.auth_name = i->proxy_name,
		.auth_name_len = i->proxy_name_len,
		.auth_challenge = i->proxy_challenge,
		.auth_challenge_len = i->proxy_challenge_len,
		.auth_response = i->proxy_response,
		.auth_response_len = i->proxy_response_len,
	};
}

#endif
