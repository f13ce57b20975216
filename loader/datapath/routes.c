/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What there is on l2tp0 already: addresses, and the routes that we made. The kernel is asked
 * for those of one device alone, for a host may have a million other routes.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <string.h>
#include <sys/socket.h>

#include "loader/datapath/private.h"

struct visit {
	struct datapath *dp;
	route_fn *fn;
	void *arg;
};

static bool to_prefix(int family, struct nlattr *a, uint8_t len, struct prefix *ret)
{
	struct prefix p = { .len = len };
	uint32_t v4;

	if (!a || nla_len(a) < (family == AF_INET ? 4 : 16))
		return false;
	if (family == AF_INET) {
		memcpy(&v4, nla_data(a), sizeof(v4));
		p.addr = addr_from_v4(ntohl(v4));
	} else {
		memcpy(p.addr.b, nla_data(a), 16);
	}
	*ret = p;
	return true;
}

static int on_route(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct rtmsg *rtm = nlmsg_data(h);
	struct nlattr *tb[RTA_MAX + 1];
	struct visit *v = arg;
	struct prefix p;

	if (h->nlmsg_type != RTM_NEWROUTE || rtm->rtm_protocol != ROUTE_PROTOCOL ||
	    nlmsg_parse(h, sizeof(*rtm), tb, RTA_MAX, NULL) < 0)
		return NL_OK;
	/* Kernels before 4.20 do not sort out by device. */
	if (!tb[RTA_OIF] || nla_get_u32(tb[RTA_OIF]) != v->dp->tun_ifindex)
		return NL_OK;
	if (to_prefix(rtm->rtm_family, tb[RTA_DST], rtm->rtm_dst_len, &p))
		v->fn(v->arg, &p);
	return NL_OK;
}

static int on_address(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct ifaddrmsg *ifa = nlmsg_data(h);
	struct nlattr *tb[IFA_MAX + 1];
	struct visit *v = arg;
	struct prefix p;

	if (h->nlmsg_type != RTM_NEWADDR || ifa->ifa_index != v->dp->tun_ifindex ||
	    ifa->ifa_scope != RT_SCOPE_UNIVERSE ||
	    nlmsg_parse(h, sizeof(*ifa), tb, IFA_MAX, NULL) < 0)
		return NL_OK;
	if (to_prefix(ifa->ifa_family, tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS],
		      ifa->ifa_prefixlen, &p))
		v->fn(v->arg, &p);
	return NL_OK;
}

/* A socket of its own: the kernel's strict checking, which the filter needs, is the
 * socket's, and libnl does not ask as strictly elsewhere. */
static int dump(int type, const void *header, size_t len, uint32_t oif, nl_recvmsg_msg_cb_t fn,
		struct visit *v)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_DUMP);
	struct nl_sock *sk = nl_socket_alloc();
	int one = 1, rc = -ENOMEM;

	if (!msg || !sk)
		goto out;
	rc = -EIO;
	if (nl_connect(sk, NETLINK_ROUTE) < 0)
		goto out;
	if (setsockopt(nl_socket_get_fd(sk), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one,
		       sizeof(one)))
		log_debug(NULL, "this kernel sorts no routes out for us");
	nl_socket_modify_cb(sk, NL_CB_VALID, NL_CB_CUSTOM, fn, v);
	if (nlmsg_append(msg, (void *)header, len, NLMSG_ALIGNTO) < 0 ||
	    (oif && nla_put_u32(msg, RTA_OIF, oif) < 0))
		goto out;
	if (nl_send_auto(sk, msg) >= 0 && nl_recvmsgs_default(sk) >= 0)
		rc = 0;
out:
	nlmsg_free(msg);
	if (sk)
		nl_socket_free(sk);
	return rc;
}

int routes_visit(struct datapath *dp, route_fn *fn, void *arg)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	struct visit v = { dp, fn, arg };
	int rc = 0;

	for (int i = 0; i < 2 && rc == 0; i++) {
		const struct rtmsg rtm = { .rtm_family = families[i] };

		rc = dump(RTM_GETROUTE, &rtm, sizeof(rtm), dp->tun_ifindex, on_route, &v);
	}
	return rc;
}

int addresses_visit(struct datapath *dp, route_fn *fn, void *arg)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	struct visit v = { dp, fn, arg };
	int rc = 0;

	for (int i = 0; i < 2 && rc == 0; i++) {
		const struct ifaddrmsg ifa = { .ifa_family = families[i],
					       .ifa_index = dp->tun_ifindex };

		rc = dump(RTM_GETADDR, &ifa, sizeof(ifa), 0, on_address, &v);
	}
	return rc;
}

struct search {
	const struct prefix *p;
	bool found;
};

static void compare(void *arg, const struct prefix *p)
{
	struct search *s = arg;

	s->found |= p->len == s->p->len && addr_eq(&p->addr, &s->p->addr);
}

bool routes_has(struct datapath *dp, const struct prefix *p)
{
	struct search s = { .p = p };

	return routes_visit(dp, compare, &s) == 0 && s.found;
}
