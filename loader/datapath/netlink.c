/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel knows of links, routes, neighbours and addresses. Three sockets: one for
 * orders (address, route, link of l2tp0), which the privileged process opens and keeps; one
 * for questions (which MTU has the way to this peer), and one that listens to changes and
 * raises live.epoch, so that the programs forget their next hops. Whoever runs the data path
 * opens these two, and needs no privilege for them.
 */
#include <errno.h>
#include <event2/event.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/inet6.h>
#include <netlink/route/route.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "loader/datapath/private.h"

#define MESSAGES 64 /* taken in one turn of the event loop */
#define RECEIVE_BUFFER (1 << 20)
#define PORTS_DELAY_US 50000 /* a burst of link changes is looked at once */
#define ADDR_GEN_MODE_NONE 1
#define TX_QUEUE 1000

struct netlink {
	struct nl_sock *orders, *questions, *changes;
	struct event *event;
	bool links_changed, ways_changed;
};

int netlink_errno(int nl)
{
	static const struct {
		int nl, err;
	} table[] = {
		{ NLE_EXIST, EEXIST },        { NLE_PERM, EPERM },
		{ NLE_NOACCESS, EACCES },     { NLE_NOMEM, ENOMEM },
		{ NLE_OBJ_NOTFOUND, ENOENT }, { NLE_NODEV, ENODEV },
		{ NLE_INVAL, EINVAL },        { NLE_OPNOTSUPP, EOPNOTSUPP },
		{ NLE_BUSY, EBUSY },          { NLE_AF_NOSUPPORT, EAFNOSUPPORT },
	};

	if (nl >= 0)
		return 0;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].nl == -nl)
			return -table[i].err;
	return -EIO;
}

static struct nl_sock *connected(void)
{
	struct nl_sock *sk = nl_socket_alloc();

	if (sk && nl_connect(sk, NETLINK_ROUTE) < 0) {
		nl_socket_free(sk);
		sk = NULL;
	}
	return sk;
}

/* ---- orders ------------------------------------------------------------------------------ */

static struct nl_addr *nl_addr_of(const struct ipaddr *a, int len)
{
	bool v4 = addr_is_v4(a);
	struct nl_addr *n =
		nl_addr_build(v4 ? AF_INET : AF_INET6, a->b + (v4 ? 12 : 0), v4 ? 4 : 16);

	if (n)
		nl_addr_set_prefixlen(n, len);
	return n;
}

/* Two messages: the kernel would make its link-local address as soon as the device is up,
 * and send router solicitations and listener reports to every subscriber. */
int netlink_link_up(struct datapath *dp, unsigned int ifindex, unsigned int mtu)
{
	struct rtnl_link *which = rtnl_link_alloc(), *change = rtnl_link_alloc();
	struct rtnl_link *quiet = rtnl_link_alloc();
	int rc = -ENOMEM;

	if (!which || !change || !quiet)
		goto out;
	rtnl_link_set_ifindex(which, (int)ifindex);
	rtnl_link_set_ifindex(quiet, (int)ifindex);
	rtnl_link_set_ifindex(change, (int)ifindex);
	if (rtnl_link_inet6_set_addr_gen_mode(quiet, ADDR_GEN_MODE_NONE) == 0 &&
	    rtnl_link_change(dp->netlink->orders, which, quiet, 0) < 0)
		log_debug(NULL, "%s: no IPv6 on this host", dp->tun_name);
	rtnl_link_set_mtu(change, mtu);
	rtnl_link_set_txqlen(change, TX_QUEUE);
	rtnl_link_set_flags(change, IFF_UP);
	rtnl_link_unset_flags(change, IFF_MULTICAST);
	rc = netlink_errno(rtnl_link_change(dp->netlink->orders, which, change, 0));
out:
	rtnl_link_put(which);
	rtnl_link_put(change);
	rtnl_link_put(quiet);
	return rc;
}

int netlink_address(struct datapath *dp, unsigned int ifindex, const struct ipaddr *a, bool add)
{
	struct rtnl_addr *addr = rtnl_addr_alloc();
	struct nl_addr *local = nl_addr_of(a, addr_is_v4(a) ? 32 : 128);
	int rc = -ENOMEM;

	if (!addr || !local)
		goto out;
	rtnl_addr_set_ifindex(addr, (int)ifindex);
	if (!addr_is_v4(a))
		rtnl_addr_set_flags(addr, IFA_F_NODAD);
	rc = netlink_errno(rtnl_addr_set_local(addr, local));
	if (rc == 0 && add)
		rc = netlink_errno(rtnl_addr_add(dp->netlink->orders, addr, NLM_F_EXCL));
	else if (rc == 0)
		rc = netlink_errno(rtnl_addr_delete(dp->netlink->orders, addr, 0));
out:
	nl_addr_put(local);
	rtnl_addr_put(addr);
	return rc;
}

int netlink_route(struct datapath *dp, const struct ipaddr *a, uint8_t len, bool add)
{
	struct rtnl_nexthop *hop = NULL;
	struct rtnl_route *route = NULL;
	struct nl_addr *dst = NULL;
	int rc = -ENOMEM;

	if (!dp->netlink)
		return 0;
	route = rtnl_route_alloc();
	dst = nl_addr_of(a, len);
	hop = rtnl_route_nh_alloc();
	if (!route || !dst || !hop)
		goto out;
	rtnl_route_nh_set_ifindex(hop, (int)dp->tun_ifindex);
	rtnl_route_add_nexthop(route, hop); /* owns hop now */
	hop = NULL;
	rtnl_route_set_table(route, RT_TABLE_MAIN);
	rtnl_route_set_protocol(route, ROUTE_PROTOCOL);
	rtnl_route_set_scope(route, addr_is_v4(a) ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE);
	rc = netlink_errno(rtnl_route_set_dst(route, dst));
	if (rc < 0)
		goto out;
	if (add)
		rc = rtnl_route_add(dp->netlink->orders, route, NLM_F_EXCL);
	else
		rc = rtnl_route_delete(dp->netlink->orders, route, 0);
	rc = netlink_errno(rc);
out:
	if (hop)
		rtnl_route_nh_free(hop);
	nl_addr_put(dst);
	rtnl_route_put(route);
	return rc;
}

struct nl_cache *netlink_links(struct datapath *dp)
{
	struct nl_cache *cache = NULL;

	return rtnl_link_alloc_cache(netlink_questions(dp), AF_UNSPEC, &cache) < 0 ? NULL : cache;
}

/* What asks nothing that needs a privilege can go by either. */
struct nl_sock *netlink_questions(struct datapath *dp)
{
	return dp->netlink->questions ? dp->netlink->questions : dp->netlink->orders;
}

/* ---- questions --------------------------------------------------------------------------- */

struct way {
	uint32_t oif, mtu;
};

static int on_way(struct nl_msg *msg, void *arg)
{
	struct nlattr *tb[RTA_MAX + 1], *metrics[RTAX_MAX + 1];
	struct rta_cacheinfo ci = { 0 };
	struct way *w = arg;

	if (nlmsg_parse(nlmsg_hdr(msg), sizeof(struct rtmsg), tb, RTA_MAX, NULL) < 0)
		return NL_SKIP;
	if (tb[RTA_OIF])
		w->oif = nla_get_u32(tb[RTA_OIF]);
	if (tb[RTA_CACHEINFO])
		nla_memcpy(&ci, tb[RTA_CACHEINFO], sizeof(ci));
	/* What expires was learned by ICMP that nobody has checked (DP-ICMP-5). */
	if (ci.rta_expires == 0 && tb[RTA_METRICS] &&
	    nla_parse_nested(metrics, RTAX_MAX, tb[RTA_METRICS], NULL) == 0 && metrics[RTAX_MTU])
		w->mtu = nla_get_u32(metrics[RTAX_MTU]);
	return NL_OK;
}

static uint32_t link_mtu(const struct datapath *dp, unsigned int ifindex)
{
	struct ifreq ifr = { .ifr_ifindex = (int)ifindex };

	/* by a socket that is there: if_indextoname() would open one */
	if (ioctl(dp->icmp4_fd, SIOCGIFNAME, &ifr) || ioctl(dp->icmp4_fd, SIOCGIFMTU, &ifr))
		return 0;
	return (uint32_t)ifr.ifr_mtu;
}

static int ask(struct nl_sock *sk, const struct ipaddr *local, const struct ipaddr *peer,
	       struct way *ret)
{
	bool v4 = addr_is_v4(peer);
	int skip = v4 ? 12 : 0, n = v4 ? 4 : 16, rc;
	struct rtmsg rtm = { .rtm_family = v4 ? AF_INET : AF_INET6,
			     .rtm_dst_len = (uint8_t)(n * 8),
			     .rtm_src_len = (uint8_t)(n * 8) };
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_GETROUTE, 0);
	struct nl_cb *cb = nl_cb_alloc(NL_CB_DEFAULT);

	rc = -ENOMEM;
	if (!msg || !cb)
		goto out;
	if (nlmsg_append(msg, &rtm, sizeof(rtm), NLMSG_ALIGNTO) < 0 ||
	    nla_put(msg, RTA_DST, n, peer->b + skip) < 0 ||
	    nla_put(msg, RTA_SRC, n, local->b + skip) < 0)
		goto out;
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_way, ret);
	rc = nl_send_auto(sk, msg);
	rc = rc < 0 ? rc : nl_recvmsgs(sk, cb);
out:
	nlmsg_free(msg);
	nl_cb_put(cb);
	return rc;
}

/* The privileged process asks seldom, and has no socket for it. */
static bool ask_way(const struct datapath *dp, const struct ipaddr *local,
		    const struct ipaddr *peer, struct way *ret)
{
	struct nl_sock *sk = dp->netlink->questions;
	bool ok;

	if (!sk) {
		sk = connected();
		if (!sk)
			return false;
		nl_socket_disable_auto_ack(sk);
	}
	ok = ask(sk, local, peer, ret) >= 0;
	if (sk != dp->netlink->questions)
		nl_socket_free(sk);
	return ok;
}

uint16_t netlink_way_mtu(struct datapath *dp, const struct ipaddr *local, const struct ipaddr *peer)
{
	struct way w = { 0 };
	uint32_t mtu;

	if (!dp->netlink || !ask_way(dp, local, peer, &w) || !w.oif)
		return 0;
	mtu = link_mtu(dp, w.oif);
	if (w.mtu && w.mtu < mtu)
		mtu = w.mtu;
	return mtu > UINT16_MAX ? UINT16_MAX : (uint16_t)mtu;
}

/* ---- changes ----------------------------------------------------------------------------- */

/* A route to a subscriber does not change the way to a peer. */
static bool is_our_route(const struct datapath *dp, struct nlmsghdr *h)
{
	struct nlattr *oif = nlmsg_find_attr(h, sizeof(struct rtmsg), RTA_OIF);

	return oif && nla_get_u32(oif) == dp->tun_ifindex;
}

/* The kernel says so. Who only compares indices does not see a device that takes another's. */
static void device_gone(struct datapath *dp, unsigned int ifindex)
{
	for (unsigned int i = 0; i < dp->n_ports; i++)
		if (dp->ports[i].ifindex == ifindex)
			dp->ports[i].gone = true;
	pws_gone(dp, ifindex);
}

static int on_change(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct datapath *dp = arg;

	const struct ifinfomsg *link = NLMSG_DATA(h);

	survey_note(dp, h);
	switch (h->nlmsg_type) {
	case RTM_DELLINK: /* of a bridge: that the device has left it */
		if (nlmsg_valid_hdr(h, sizeof(*link)) && link->ifi_family == AF_UNSPEC)
			device_gone(dp, (unsigned int)link->ifi_index);
		/* fallthrough */
	case RTM_NEWLINK:
		dp->netlink->links_changed = true;
		break;
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		if (!is_our_route(dp, h))
			dp->netlink->ways_changed = true;
		break;
	default:
		break;
	}
	return NL_OK;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval delay = { 0, PORTS_DELAY_US };
	struct datapath *dp = arg;
	struct netlink *nl = dp->netlink;
	int rc = 0;

	(void)fd;
	(void)what;
	for (int i = 0; i < MESSAGES && rc >= 0; i++)
		rc = nl_recvmsgs_default(nl->changes);
	if (rc < 0 && rc != -NLE_AGAIN) { /* some were lost: as if all had changed */
		nl->links_changed = true;
		survey_lost(dp);
	}
	maps_epoch_raise(dp);
	if (nl->links_changed && !evtimer_pending(dp->ports_event, NULL))
		evtimer_add(dp->ports_event, &delay);
	if (nl->links_changed || nl->ways_changed)
		dp->way_serial++;
	nl->links_changed = nl->ways_changed = false;
}

int netlink_open(struct datapath *dp, char *err, size_t errlen)
{
	dp->netlink = calloc(1, sizeof(*dp->netlink));
	if (!dp->netlink)
		return dp_fail(-ENOMEM, err, errlen, "no memory");
	dp->netlink->orders = connected();
	if (!dp->netlink->orders)
		return dp_fail(-EIO, err, errlen, "cannot open a netlink socket");
	return 0;
}

int netlink_start(struct datapath *dp)
{
	struct netlink *nl = dp->netlink;

	if (dp->ask) { /* orders are not ours to give */
		nl_socket_free(nl->orders);
		nl->orders = NULL;
	}
	nl->questions = connected();
	nl->changes = connected();
	if (!nl->questions || !nl->changes)
		return -EIO;
	nl_socket_disable_auto_ack(nl->questions);
	nl_socket_disable_seq_check(nl->changes);
	nl_socket_set_nonblocking(nl->changes);
	nl_socket_set_buffer_size(nl->changes, RECEIVE_BUFFER, 0);
	nl_socket_modify_cb(nl->changes, NL_CB_VALID, NL_CB_CUSTOM, on_change, dp);
	if (nl_socket_add_memberships(nl->changes, RTNLGRP_LINK, RTNLGRP_NEIGH, RTNLGRP_IPV4_ROUTE,
				      RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
				      RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE, RTNLGRP_NEXTHOP, 0) < 0)
		return -EIO;
	nl->event = event_new(dp->base, nl_socket_get_fd(nl->changes), EV_READ | EV_PERSIST,
			      on_readable, dp);
	if (!nl->event || event_add(nl->event, NULL))
		return -ENOMEM;
	return survey_start(dp);
}

void netlink_close(struct datapath *dp)
{
	struct netlink *nl = dp->netlink;

	survey_close(dp);
	if (!nl)
		return;
	if (nl->event)
		event_free(nl->event);
	if (nl->orders)
		nl_socket_free(nl->orders);
	if (nl->questions)
		nl_socket_free(nl->questions);
	if (nl->changes)
		nl_socket_free(nl->changes);
	free(nl);
	dp->netlink = NULL;
}
