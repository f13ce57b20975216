/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a LAC has done already: proxy LCP and proxy authentication (RFC 2661 section 4.4.5,
 * PPP-PROXY-1 to 7).
 *
 * If the LAC's last request (AVP 27) is one that we could have sent, and the client's
 * (AVP 28) one that we would acknowledge, LCP starts in Opened with them. If moreover the
 * client's credentials came along, and the policy takes them, they are judged as if the
 * client had sent them, and the client gets the verdict it still waits for. Anything else
 * is negotiated anew, which a client in Opened takes as a normal renegotiation.
 */
#include "loader/ppp/link.h"

enum lcp_option {
	LCP_MRU = 1,
	LCP_ACCM = 2,
	LCP_AUTH = 3,
	LCP_MAGIC = 5,
	LCP_PFC = 7,
	LCP_ACFC = 8
};
enum proxy_auth_type { PROXY_TEXT = 1, PROXY_CHAP = 2, PROXY_PAP = 3 };

/* The LAC's request in our place. Fills what we then have "sent". */
static bool sent_usable(struct ppp_link *l, const uint8_t *options, size_t len, struct lcp *ret)
{
	struct reader r = reader_of(options, len);
	unsigned int index;
	bool auth = false;
	struct option o;

	ret->mru = PPP_DEFAULT_MRU;
	ret->magic = 0;
	while (option_next(&r, &o)) {
		switch (o.type) {
		case LCP_MRU:
			ret->mru = option_u16(&o);
			break;
		case LCP_AUTH:
			if (!lcp_auth_allowed(l, lcp_auth_of(&o), &index))
				return false;
			ret->auth_index = (uint8_t)index;
			auth = true;
			break;
		case LCP_MAGIC:
			ret->magic = option_u32(&o);
			break;
		case LCP_ACCM:
		case LCP_PFC:
		case LCP_ACFC:
			break;
		default:
			return false;
		}
	}
	return !r.bad && ret->magic && ret->mru <= l->cfg->mru && auth == (l->cfg->n_auths > 0);
}

/* The client's request: each option as if it had come to us. */
static bool received_usable(struct ppp_link *l, const uint8_t *options, size_t len)
{
	uint8_t scratch[PPP_MAX_FRAME];
	struct writer nak = writer_of(scratch, sizeof(scratch));
	struct reader r = reader_of(options, len);
	struct option o;

	while (option_next(&r, &o))
		if (lcp_protocol.judge(l, &o, &nak) != VERDICT_ACK)
			return false;
	return !r.bad && option_find(options, len, LCP_MAGIC, &o);
}

static bool lcp_usable(struct ppp_link *l, const struct ppp_proxy *p)
{
	struct lcp ours = l->lcp;

	if (l->cfg->lcp_always || l->cfg->client || !p->last_sent || !p->last_received ||
	    !p->last_sent_len || !p->last_received_len)
		return false;
	if (!sent_usable(l, p->last_sent, p->last_sent_len, &ours))
		return false;
	l->lcp.magic = ours.magic; /* the client's must differ from it */
	if (!received_usable(l, p->last_received, p->last_received_len)) {
		lcp_protocol.reset(l);
		return false;
	}
	l->lcp.mru = ours.mru;
	l->lcp.auth_index = ours.auth_index;
	return true;
}

/* PPP-PROXY-5. The type alone does not tell MD5 from MS-CHAPv2: what LCP agreed on does. */
static bool credentials(const struct ppp_link *l, const struct ppp_proxy *p,
			struct ppp_credentials *ret)
{
	struct ppp_credentials c = { .method = lcp_auth(l), .id = p->auth_id };
	bool chap = p->auth_type == PROXY_CHAP;

	if (!p->has_auth || !l->cfg->proxy_auth || !p->auth_name || !p->auth_response)
		return false;
	if (c.method == PPP_AUTH_PAP ? p->auth_type != PROXY_PAP && p->auth_type != PROXY_TEXT
				     : !chap || !p->auth_challenge)
		return false;
	if ((c.method == PPP_AUTH_CHAP_MD5 && p->auth_response_len != CHAP_MD5_LEN) ||
	    (c.method == PPP_AUTH_MSCHAPV2 &&
	     (p->auth_response_len != MSCHAPV2_LEN || p->auth_challenge_len != CHALLENGE_LEN)))
		return false;
	c.response_len = p->auth_response_len;
	c.challenge_len = chap ? p->auth_challenge_len : 0;
	if (c.response_len > sizeof(c.response) || c.challenge_len > sizeof(c.challenge))
		return false;
	memcpy(c.response, p->auth_response, c.response_len);
	if (c.challenge_len)
		memcpy(c.challenge, p->auth_challenge, c.challenge_len);
	*ret = c;
	explicit_bzero(&c, sizeof(c));
	return true;
}

bool proxy_take_over(struct ppp_link *l, msec_t now, const struct ppp_proxy *p)
{
	struct ppp_credentials cred = { 0 };
	struct reader r;
	struct option o;

	if (!lcp_usable(l, p))
		return false;
	lcp_protocol.forget(l);
	r = reader_of(p->last_received, p->last_received_len);
	while (option_next(&r, &o))
		lcp_protocol.adopt(l, &o);
	/* The one place where a state is not the table's: the LAC has walked it. */
	l->lcp_fsm.state = FSM_OPENED;

	l->auth.proxied = l->cfg->n_auths && credentials(l, p, &cred);
	link_lcp_up(l, now);
	if (l->auth.proxied) {
		l->auth.used = cred.method;
		auth_ask(l, now, &cred, p->auth_name, p->auth_name_len);
		explicit_bzero(&cred, sizeof(cred));
	}
	return true;
}
