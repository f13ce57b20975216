/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPV6CP (RFC 5072; docs/protocol/ppp.md section 8): each side names the interface
 * identifier of its link-local address. Addresses come later, by router advertisement
 * (ra.c).
 */
#include "loader/ppp/link.h"

#define IPV6CP_ID 1
#define ID_LEN 8
#define UNIVERSAL 0x02
#define MAX_SUGGESTIONS 5 /* PPP-V6-3 */
#define MAX_APPENDED 2

static const uint8_t zero_id[ID_LEN];

static bool is_zero(const uint8_t *id)
{
	return !memcmp(id, zero_id, ID_LEN);
}

/* Neither zero, nor one in use; u bit 0, as it is no EUI-64 (PPP-V6-1). */
static void make_id(struct ppp_link *l, uint8_t out[ID_LEN])
{
	uint8_t id[ID_LEN];

	l->ops->random(l->ctx, id, ID_LEN);
	id[0] &= (uint8_t)~UNIVERSAL;
	while (is_zero(id) || !memcmp(id, l->net.local_id, ID_LEN) ||
	       !memcmp(id, l->suggested_id, ID_LEN))
		id[ID_LEN - 1]++;
	memcpy(out, id, ID_LEN);
}

static void ipv6cp_reset(struct ppp_link *l)
{
	l->ipv6cp.want_id = true;
	l->ipv6cp.suggestions = 0;
	/* stable for the session (PPP-V6-1), unless the peer is to have this one */
	if (is_zero(l->net.local_id) || !memcmp(l->net.local_id, l->suggested_id, ID_LEN))
		make_id(l, l->net.local_id);
}

static void ipv6cp_request(struct ppp_link *l, struct writer *w)
{
	if (l->ipv6cp.want_id)
		option_put(w, IPV6CP_ID, l->net.local_id, ID_LEN);
}

/* The client takes what the server suggests. An LNS does so only to be unlike its peer. */
static void ipv6cp_naked(struct ppp_link *l, msec_t now, const struct option *o)
{
	(void)now;
	if (o->type != IPV6CP_ID || o->len != ID_LEN)
		return;
	if (is_zero(o->value) || !memcmp(o->value, l->net.peer_id, ID_LEN))
		make_id(l, l->net.local_id);
	else
		memcpy(l->net.local_id, o->value, ID_LEN);
}

static void ipv6cp_rejected(struct ppp_link *l, msec_t now, const struct option *o)
{
	(void)now;
	if (o->type == IPV6CP_ID)
		l->ipv6cp.want_id = false;
}

static void suggest(struct ppp_link *l, struct writer *nak)
{
	uint8_t id[ID_LEN];

	if (is_zero(l->suggested_id))
		make_id(l, id);
	else
		memcpy(id, l->suggested_id, ID_LEN);
	option_put(nak, IPV6CP_ID, id, ID_LEN);
	if (l->ipv6cp.suggestions < UINT8_MAX)
		l->ipv6cp.suggestions++;
}

/* PPP-V6-2 (our own identifier is never zero, but we may have had to drop the option),
 * PPP-V6-3. */
static enum verdict ipv6cp_judge(struct ppp_link *l, const struct option *o, struct writer *nak)
{
	bool unlike_wish = !is_zero(l->suggested_id) && o->len == ID_LEN &&
			   memcmp(o->value, l->suggested_id, ID_LEN) != 0;

	if (o->type != IPV6CP_ID)
		return VERDICT_REJECT; /* PPP-V6-4 */
	if (o->len == ID_LEN && is_zero(o->value) && !l->ipv6cp.want_id)
		return VERDICT_REJECT;
	if (o->len == ID_LEN && !is_zero(o->value) &&
	    memcmp(o->value, l->net.local_id, ID_LEN) != 0 &&
	    (!unlike_wish || l->ipv6cp.suggestions >= MAX_SUGGESTIONS))
		return VERDICT_ACK;
	suggest(l, nak);
	return VERDICT_NAK;
}

static enum missing ipv6cp_missing(struct ppp_link *l, const uint8_t *options, size_t len,
				   bool may_append, struct writer *nak)
{
	struct option o;

	if (may_append && !l->cfg->client && l->ipv6cp.suggestions < MAX_APPENDED &&
	    !option_find(options, len, IPV6CP_ID, &o))
		suggest(l, nak);
	return MISSING_NOTHING;
}

static void ipv6cp_forget(struct ppp_link *l)
{
	memset(l->net.peer_id, 0, ID_LEN);
}

static void ipv6cp_adopt(struct ppp_link *l, const struct option *o)
{
	memcpy(l->net.peer_id, o->value, ID_LEN);
}

static void ipv6cp_up(struct ppp_link *l, msec_t now)
{
	l->ipv6cp.up = true;
	link_networks_check(l, now);
	l->ops->network_up(l->ctx, PPP_IPV6, &l->net);
	if (l->ipv6cp.up)
		ra_start(l, now);
}

static void ipv6cp_down(struct ppp_link *l, msec_t now)
{
	if (!l->ipv6cp.up)
		return;
	l->ipv6cp.up = false;
	ra_stop(l);
	link_networks_check(l, now);
	l->ops->network_down(l->ctx, PPP_IPV6);
}

const struct fsm_protocol ipv6cp_protocol = {
	.protocol = PPP_IPV6CP,
	.name = "IPV6CP",
	.reset = ipv6cp_reset,
	.request = ipv6cp_request,
	.judge = ipv6cp_judge,
	.missing = ipv6cp_missing,
	.forget = ipv6cp_forget,
	.adopt = ipv6cp_adopt,
	.naked = ipv6cp_naked,
	.rejected = ipv6cp_rejected,
	.up = ipv6cp_up,
	.down = ipv6cp_down,
	.finished = link_networks_check,
};
