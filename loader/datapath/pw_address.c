/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Addresses on devices that we made, where IP ends. Ours are marked (IFA_PROTO, as routes have
 * it), so that one that is no longer configured goes and an operator's own stays.
 */
#include <errno.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <string.h>

#include "loader/datapath/pw_private.h"

#ifndef IFA_PROTO
#define IFA_PROTO 11
#endif
#define OLD_MAX 32 /* addresses of ours on one device */

struct found {
	unsigned int ifindex;
	struct prefix list[OLD_MAX];
	unsigned int n;
};

static int family_of(const struct prefix *p)
{
	return addr_is_v4(&p->addr) ? AF_INET : AF_INET6;
}

static int order(const struct pw_ns *ns, unsigned int ifindex, const struct prefix *p, bool add)
{
	bool v4 = addr_is_v4(&p->addr);
	struct ifaddrmsg ifa = { .ifa_family = (uint8_t)family_of(p),
				 .ifa_prefixlen = p->len,
				 .ifa_index = ifindex };
	struct nl_msg *msg = nlmsg_alloc_simple(add ? RTM_NEWADDR : RTM_DELADDR,
						add ? NLM_F_CREATE | NLM_F_EXCL : 0);
	const uint8_t *octets = p->addr.b + (v4 ? 12 : 0);
	int n = v4 ? 4 : 16;

	if (!msg)
		return -ENOMEM;
	if (nlmsg_append(msg, &ifa, sizeof(ifa), NLMSG_ALIGNTO) < 0 ||
	    nla_put(msg, IFA_LOCAL, n, octets) < 0 || nla_put(msg, IFA_ADDRESS, n, octets) < 0 ||
	    (add && nla_put_u8(msg, IFA_PROTO, ROUTE_PROTOCOL) < 0)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return netlink_errno(nl_send_sync(ns->nl, msg));
}

static int on_address(struct nl_msg *msg, void *arg)
{
	const struct ifaddrmsg *ifa = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *tb[IFA_PROTO + 1], *a;
	struct found *f = arg;
	struct prefix *p = &f->list[f->n];

	if (nlmsg_parse(nlmsg_hdr(msg), sizeof(*ifa), tb, IFA_PROTO, NULL) < 0 ||
	    ifa->ifa_index != f->ifindex || !tb[IFA_PROTO] ||
	    nla_get_u8(tb[IFA_PROTO]) != ROUTE_PROTOCOL || f->n == OLD_MAX)
		return NL_OK;
	a = tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS];
	if (!a)
		return NL_OK;
	memset(p, 0, sizeof(*p));
	p->len = ifa->ifa_prefixlen;
	if (ifa->ifa_family == AF_INET) {
		p->addr = addr_from_v4(ntohl(nla_get_u32(a)));
		f->n++;
	} else if (ifa->ifa_family == AF_INET6 && nla_len(a) == 16) {
		memcpy(p->addr.b, nla_data(a), 16);
		f->n++;
	}
	return NL_OK;
}

static void find(const struct pw_ns *ns, struct found *f)
{
	struct rtgenmsg all = { .rtgen_family = AF_UNSPEC };
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);

	if (!cb)
		return;
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_address, f);
	if (nl_send_simple(ns->nl, RTM_GETADDR, NLM_F_DUMP, &all, sizeof(all)) >= 0)
		nl_recvmsgs(ns->nl, cb);
	nl_cb_put(cb);
}

static bool same(const struct prefix *a, const struct prefix *b)
{
	return a->len == b->len && addr_eq(&a->addr, &b->addr);
}

static bool is_configured(const struct pw_circuit *c, const struct prefix *p)
{
	for (unsigned int i = 0; i < c->n_addresses; i++)
		if (same(&c->address[i], p))
			return true;
	return false;
}

int pw_addresses(const struct pw_ns *ns, unsigned int ifindex, const struct pw_circuit *c)
{
	struct found f = { .ifindex = ifindex };
	int rc = 0;

	find(ns, &f);
	for (unsigned int i = 0; i < f.n; i++)
		if (!is_configured(c, &f.list[i]))
			order(ns, ifindex, &f.list[i], false);
	for (unsigned int i = 0; i < c->n_addresses; i++) {
		int one = order(ns, ifindex, &c->address[i], true);

		rc = rc ?: one == -EEXIST ? 0 : one;
	}
	return rc;
}
