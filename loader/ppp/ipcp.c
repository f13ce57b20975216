/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * IPCP (RFC 1332, and RFC 1877 for the name servers; docs/protocol/ppp.md section 7).
 *
 * LNS: the daemon has granted an address; whatever else the peer asks for is Naked with
 * it. Our own address is offered because pppd wants one (PPP-QRK-6), and dropped when the
 * peer does not care. Client: asks with zeros and takes what the Nak says.
 */
#include "loader/ppp/link.h"

enum ipcp_option {
	IPCP_ADDRESS = 3,
	IPCP_DNS1 = 129,
	IPCP_NBNS1 = 130,
	IPCP_DNS2 = 131,
	IPCP_NBNS2 = 132,
};

#define MAX_ADDRESS_NAKS 2 /* PPP-IPCP-1 */

static void ipcp_reset(struct ppp_link *l)
{
	bool dns = l->cfg->client && l->cfg->want_dns;

	l->ipcp.want_address = l->cfg->client || addr_is_v4(&l->net.local_ipv4);
	l->ipcp.want_dns[0] = l->ipcp.want_dns[1] = dns;
	l->ipcp.address_naks = 0;
}

/* ---- our request ---- */

static void ipcp_request(struct ppp_link *l, struct writer *w)
{
	const struct ppp_network *net = &l->net;

	if (l->ipcp.want_address)
		option_put_u32(w, IPCP_ADDRESS,
			       addr_v4(l->cfg->client ? &net->ipv4 : &net->local_ipv4));
	if (l->ipcp.want_dns[0])
		option_put_u32(w, IPCP_DNS1, addr_v4(&net->dns4[0]));
	if (l->ipcp.want_dns[1])
		option_put_u32(w, IPCP_DNS2, addr_v4(&net->dns4[1]));
}

/* PPP-IPCP-3: what the peer thinks of the LNS's address does not matter. */
static void ipcp_naked(struct ppp_link *l, msec_t now, const struct option *o)
{
	uint32_t value = option_u32(o);

	(void)now;
	if (!l->cfg->client) {
		if (o->type == IPCP_ADDRESS)
			l->ipcp.want_address = false;
		return;
	}
	if (!value)
		return;
	if (o->type == IPCP_ADDRESS)
		l->net.ipv4 = addr_from_v4(value);
	else if (o->type == IPCP_DNS1 && l->cfg->want_dns)
		l->net.dns4[0] = addr_from_v4(value);
	else if (o->type == IPCP_DNS2 && l->cfg->want_dns)
		l->net.dns4[1] = addr_from_v4(value);
}

static void ipcp_rejected(struct ppp_link *l, msec_t now, const struct option *o)
{
	switch (o->type) {
	case IPCP_ADDRESS:
		if (l->cfg->client) /* nothing to live on */
			link_give_up(&l->ipcp_fsm, now, NULL);
		else
			l->ipcp.want_address = false;
		break;
	case IPCP_DNS1:
		l->ipcp.want_dns[0] = false;
		l->net.dns4[0] = (struct ipaddr){ 0 };
		break;
	case IPCP_DNS2:
		l->ipcp.want_dns[1] = false;
		l->net.dns4[1] = (struct ipaddr){ 0 };
		break;
	}
}

/* ---- the peer's request ---- */

/* One value is right; without it the option means nothing here. */
static enum verdict judge_value(const struct option *o, const struct ipaddr *granted,
				struct writer *nak)
{
	if (!addr_is_v4(granted))
		return VERDICT_REJECT;
	if (o->len == 4 && option_u32(o) == addr_v4(granted))
		return VERDICT_ACK;
	option_put_u32(nak, o->type, addr_v4(granted));
	return VERDICT_NAK;
}

/* The server's own address: any will do, and a client has none to give it. */
static enum verdict judge_server_address(const struct option *o)
{
	return o->len == 4 && option_u32(o) ? VERDICT_ACK : VERDICT_REJECT;
}

static enum verdict ipcp_judge(struct ppp_link *l, const struct option *o, struct writer *nak)
{
	if (l->cfg->client)
		return o->type == IPCP_ADDRESS ? judge_server_address(o) : VERDICT_REJECT;
	switch (o->type) {
	case IPCP_ADDRESS:
		return judge_value(o, &l->net.ipv4, nak);
	case IPCP_DNS1:
		return judge_value(o, &l->net.dns4[0], nak);
	case IPCP_DNS2:
		return judge_value(o, &l->net.dns4[1], nak);
	case IPCP_NBNS1:
		return judge_value(o, &l->nbns[0], nak);
	case IPCP_NBNS2:
		return judge_value(o, &l->nbns[1], nak);
	default: /* addresses of RFC 1172, VJ compression */
		return VERDICT_REJECT;
	}
}

/* PPP-IPCP-1: a subscriber without an address cannot be routed to. */
static enum missing ipcp_missing(struct ppp_link *l, const uint8_t *options, size_t len,
				 bool may_append, struct writer *nak)
{
	struct option o;

	if (l->cfg->client || option_find(options, len, IPCP_ADDRESS, &o))
		return MISSING_NOTHING;
	if (!may_append || l->ipcp.address_naks >= MAX_ADDRESS_NAKS)
		return MISSING_FATAL;
	l->ipcp.address_naks++;
	option_put_u32(nak, IPCP_ADDRESS, addr_v4(&l->net.ipv4));
	return MISSING_NOTHING;
}

static void ipcp_forget(struct ppp_link *l)
{
	if (l->cfg->client)
		l->net.local_ipv4 = (struct ipaddr){ 0 };
}

static void ipcp_adopt(struct ppp_link *l, const struct option *o)
{
	if (l->cfg->client && o->type == IPCP_ADDRESS)
		l->net.local_ipv4 = addr_from_v4(option_u32(o));
}

/* ---- layer ---- */

static void ipcp_up(struct ppp_link *l, msec_t now)
{
	if (l->cfg->client && !addr_is_v4(&l->net.ipv4)) {
		link_give_up(&l->ipcp_fsm, now, NULL); /* the server acknowledged 0.0.0.0 */
		return;
	}
	l->ipcp.up = true;
	link_networks_check(l, now);
	l->ops->network_up(l->ctx, PPP_IP, &l->net);
}

static void ipcp_down(struct ppp_link *l, msec_t now)
{
	if (!l->ipcp.up)
		return;
	l->ipcp.up = false;
	link_networks_check(l, now);
	l->ops->network_down(l->ctx, PPP_IP);
}

const struct fsm_protocol ipcp_protocol = {
	.protocol = PPP_IPCP,
	.name = "IPCP",
	.reset = ipcp_reset,
	.request = ipcp_request,
	.judge = ipcp_judge,
	.missing = ipcp_missing,
	.forget = ipcp_forget,
	.adopt = ipcp_adopt,
	.naked = ipcp_naked,
	.rejected = ipcp_rejected,
	.up = ipcp_up,
	.down = ipcp_down,
	.finished = link_networks_check,
};
