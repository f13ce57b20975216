/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LCP's options and codes (RFC 1661 sections 5 and 6; docs/protocol/ppp.md section 4).
 *
 * We ask for an MRU, a magic number and, as authenticator, an authentication protocol. Of
 * the peer's options we take MRU, ACCM, magic number, PFC and ACFC; as client also the
 * authentication protocol. All others are rejected one by one.
 */
#include "loader/ppp/link.h"

enum lcp_option {
	LCP_MRU = 1,
	LCP_ACCM = 2,
	LCP_AUTH = 3,
	LCP_MAGIC = 5,
	LCP_PFC = 7,
	LCP_ACFC = 8,
};

#define CHAP_ALGORITHM_MD5 5
#define CHAP_ALGORITHM_MSCHAPV2 0x81
#define MRU_LEAST_ACCEPTED 576 /* PPP-LCP-4 */
#define MRU_MAX_NAKS 3

static const struct {
	uint8_t value[3];
	uint8_t len;
} auth_options[] = {
	[PPP_AUTH_PAP] = { { 0xc0, 0x23 }, 2 },
	[PPP_AUTH_CHAP_MD5] = { { 0xc2, 0x23, CHAP_ALGORITHM_MD5 }, 3 },
	[PPP_AUTH_MSCHAPV2] = { { 0xc2, 0x23, CHAP_ALGORITHM_MSCHAPV2 }, 3 },
};

enum ppp_auth lcp_auth_of(const struct option *o)
{
	for (unsigned int a = PPP_AUTH_PAP; a <= PPP_AUTH_MSCHAPV2; a++)
		if (o->len == auth_options[a].len &&
		    !memcmp(o->value, auth_options[a].value, o->len))
			return (enum ppp_auth)a;
	return PPP_AUTH_NONE;
}

enum ppp_auth lcp_auth(const struct ppp_link *l)
{
	if (l->cfg->client)
		return l->lcp.auth;
	return l->cfg->n_auths ? l->cfg->auths[l->lcp.auth_index] : PPP_AUTH_NONE;
}

bool lcp_auth_allowed(const struct ppp_link *l, enum ppp_auth auth, unsigned int *ret_index)
{
	for (unsigned int i = 0; i < l->cfg->n_auths; i++) {
		if (l->cfg->auths[i] == auth) {
			*ret_index = i;
			return true;
		}
	}
	return false;
}

/* ---- our request ---- */

static void lcp_reset(struct ppp_link *l)
{
	struct lcp *c = &l->lcp;

	c->want_mru = l->cfg->mru != 0;
	c->mru = l->cfg->mru;
	c->mru_naks = 0;
	c->want_magic = true;
	c->magic = link_random32(l);
	c->want_auth = !l->cfg->client && l->cfg->n_auths;
	c->auth_index = 0;
	c->auth_tried = 0;
	c->collisions = 0;
}

static void lcp_request(struct ppp_link *l, struct writer *w)
{
	const struct lcp *c = &l->lcp;

	if (c->want_mru)
		option_put_u16(w, LCP_MRU, c->mru);
	if (c->want_auth) {
		enum ppp_auth a = lcp_auth(l);

		option_put(w, LCP_AUTH, auth_options[a].value, auth_options[a].len);
	}
	if (c->want_magic)
		option_put_u32(w, LCP_MAGIC, c->magic);
}

/* PPP-LCP-1: what the peer prefers if we ask for it at all, else our next. Each one is
 * tried once, so two that Nak each other's choice come to an end. */
static void auth_naked(struct ppp_link *l, msec_t now, const struct option *o)
{
	struct lcp *c = &l->lcp;
	unsigned int i;

	c->auth_tried |= (uint8_t)(1u << c->auth_index);
	if (!o || !lcp_auth_allowed(l, lcp_auth_of(o), &i) || c->auth_tried & 1u << i) {
		for (i = 0; i < l->cfg->n_auths; i++)
			if (!(c->auth_tried & 1u << i))
				break;
	}
	if (i >= l->cfg->n_auths) {
		link_terminate(l, now, &ppp_cause_auth_refused);
		return;
	}
	c->auth_index = (uint8_t)i;
}

static void magic_naked(struct ppp_link *l, const struct option *o)
{
	struct lcp *c = &l->lcp;
	uint32_t suggested = option_u32(o);

	/* PPP-LCP-3: our own Nak came back, so this is a loop and no suggestion. */
	if (!suggested || suggested == c->nak_magic || suggested == c->peer_magic)
		suggested = link_random32(l);
	c->magic = suggested;
}

static void mru_naked(struct ppp_link *l, const struct option *o)
{
	uint16_t mru = option_u16(o);

	if (mru >= MRU_LEAST_ACCEPTED && mru <= l->cfg->mru)
		l->lcp.mru = mru;
	else if (++l->lcp.mru_naks >= MRU_MAX_NAKS)
		l->lcp.want_mru = false; /* PPP-LCP-4 */
}

static void lcp_naked(struct ppp_link *l, msec_t now, const struct option *o)
{
	if (o->type == LCP_MRU && l->lcp.want_mru)
		mru_naked(l, o);
	else if (o->type == LCP_AUTH && l->lcp.want_auth)
		auth_naked(l, now, o);
	else if (o->type == LCP_MAGIC && l->lcp.want_magic)
		magic_naked(l, o);
}

static void lcp_rejected(struct ppp_link *l, msec_t now, const struct option *o)
{
	if (o->type == LCP_MRU) {
		l->lcp.want_mru = false;
	} else if (o->type == LCP_MAGIC) {
		l->lcp.want_magic = false;
		l->lcp.magic = 0; /* what our echoes carry then: PPP-ECHO-1 */
	} else if (o->type == LCP_AUTH) {
		link_terminate(l, now, &ppp_cause_auth_refused);
	}
}

/* ---- the peer's request ---- */

static enum verdict judge_mru(const struct option *o, struct writer *nak)
{
	if (o->len == 2 && option_u16(o) >= PPP_LEAST_MRU)
		return VERDICT_ACK;
	option_put_u16(nak, LCP_MRU, o->len == 2 ? PPP_LEAST_MRU : PPP_DEFAULT_MRU);
	return VERDICT_NAK;
}

static enum verdict judge_magic(struct ppp_link *l, const struct option *o, struct writer *nak)
{
	struct lcp *c = &l->lcp;
	uint32_t magic = option_u32(o);
	bool collision = c->want_magic && magic && magic == c->magic;

	if (!collision)
		c->collisions = 0;
	if (magic && !collision)
		return VERDICT_ACK;
	c->nak_magic = link_random32(l);
	if (c->nak_magic == c->magic)
		c->nak_magic ^= 1u << 31;
	option_put_u32(nak, LCP_MAGIC, c->nak_magic);
	if (!collision)
		return VERDICT_NAK;
	/* In a loop no Reject may come first or at last: it would come back to us, and we would
	 * agree with ourselves on less and less. */
	c->collisions++;
	return VERDICT_NAK_FIRST;
}

static bool client_takes(const struct ppp_link *l, enum ppp_auth auth)
{
	unsigned int i;

	return auth != PPP_AUTH_NONE && (!l->cfg->n_auths || lcp_auth_allowed(l, auth, &i));
}

/* A client agrees to what it may use, and names its first choice else. */
static enum verdict judge_auth(struct ppp_link *l, const struct option *o, struct writer *nak)
{
	enum ppp_auth best = l->cfg->n_auths ? l->cfg->auths[0] : PPP_AUTH_MSCHAPV2;

	if (!l->cfg->client || !l->cfg->user || best == PPP_AUTH_NONE)
		return VERDICT_REJECT; /* an LNS does not prove itself to its subscribers */
	if (client_takes(l, lcp_auth_of(o)))
		return VERDICT_ACK;
	option_put(nak, LCP_AUTH, auth_options[best].value, auth_options[best].len);
	return VERDICT_NAK;
}

static enum verdict lcp_judge(struct ppp_link *l, const struct option *o, struct writer *nak)
{
	switch (o->type) {
	case LCP_MRU:
		return judge_mru(o, nak);
	case LCP_ACCM:
		if (o->len == 4)
			return VERDICT_ACK; /* PPP-FR-8: without meaning here */
		option_put_u32(nak, LCP_ACCM, 0);
		return VERDICT_NAK;
	case LCP_AUTH:
		return judge_auth(l, o, nak);
	case LCP_MAGIC:
		return judge_magic(l, o, nak);
	case LCP_PFC:
	case LCP_ACFC:
		return o->len ? VERDICT_REJECT : VERDICT_ACK;
	default:
		return VERDICT_REJECT;
	}
}

/* PPP-LCP-3: so many equal numbers in a row are our own packets. */
static enum missing lcp_missing(struct ppp_link *l, const uint8_t *options, size_t len,
				bool may_append, struct writer *nak)
{
	(void)options, (void)len, (void)may_append, (void)nak;
	return l->lcp.collisions < LCP_MAX_COLLISIONS ? MISSING_NOTHING : MISSING_FATAL;
}

static void lcp_forget(struct ppp_link *l)
{
	l->lcp.peer_mru = PPP_DEFAULT_MRU;
	l->lcp.peer_magic = 0;
	l->lcp.peer_acfc = false;
	if (l->cfg->client)
		l->lcp.auth = PPP_AUTH_NONE;
}

static void lcp_adopt(struct ppp_link *l, const struct option *o)
{
	switch (o->type) {
	case LCP_MRU:
		l->lcp.peer_mru = option_u16(o);
		break;
	case LCP_AUTH:
		l->lcp.auth = lcp_auth_of(o);
		break;
	case LCP_MAGIC:
		l->lcp.peer_magic = option_u32(o);
		break;
	case LCP_ACFC:
		l->lcp.peer_acfc = true;
		break;
	}
}

/* ---- codes of LCP alone ---- */

static bool lcp_other(struct ppp_link *l, msec_t now, struct fsm_packet *p)
{
	switch (p->code) {
	case CODE_PROTOCOL_REJECT:
		if (l->lcp_fsm.state == FSM_OPENED)
			link_protocol_rejected(l, now, p);
		return true;
	case CODE_ECHO_REQUEST:
		link_echo_request(l, now, p);
		return true;
	case CODE_ECHO_REPLY:
		link_echo_replied(l, now, p);
		return true;
	case CODE_DISCARD_REQUEST:
	case CODE_IDENTIFICATION: /* Windows sends these two (PPP-QRK-1) */
	case CODE_TIME_REMAINING:
		return true;
	default:
		return false;
	}
}

const struct fsm_protocol lcp_protocol = {
	.protocol = PPP_LCP,
	.name = "LCP",
	.reset = lcp_reset,
	.request = lcp_request,
	.judge = lcp_judge,
	.missing = lcp_missing,
	.forget = lcp_forget,
	.adopt = lcp_adopt,
	.naked = lcp_naked,
	.rejected = lcp_rejected,
	.up = link_lcp_up,
	.down = link_lcp_down,
	.finished = link_lcp_finished,
	.other = lcp_other,
};
