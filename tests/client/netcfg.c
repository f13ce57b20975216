/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/client/netcfg.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/inet6.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>
#include <stdio.h>
#include <stdlib.h>

#define QUEUE 1000 /* packets; TCP fills what stands between it and a busy reader */

struct netcfg {
	struct nl_sock *sk;
};

/* libnl has errors of its own; those that a caller may act upon become errnos. */
static int to_errno(int err)
{
	switch (-err) {
	case 0:
		return 0;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_EXIST:
		return -EEXIST;
	case NLE_NODEV:
	case NLE_OBJ_NOTFOUND:
		return -ENODEV;
	case NLE_NOADDR:
		return -EADDRNOTAVAIL;
	default:
		return -EINVAL;
	}
}

int netcfg_open(struct netcfg **ret)
{
	struct netcfg *n = calloc(1, sizeof(*n));
	int err;

	if (!n)
		return -ENOMEM;
	n->sk = nl_socket_alloc();
	err = n->sk ? nl_connect(n->sk, NETLINK_ROUTE) : -NLE_NOMEM;
	if (err < 0) {
		netcfg_close(n);
		return to_errno(err);
	}
	*ret = n;
	return 0;
}

void netcfg_close(struct netcfg *n)
{
	if (n && n->sk)
		nl_socket_free(n->sk);
	free(n);
}

static void refuse_advertisements(const char *ifname)
{
	char path[64 + IFNAMSIZ];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/accept_ra", ifname);
	f = fopen(path, "we");
	if (!f)
		return; /* no IPv6 here: nothing to refuse */
	fputs("0\n", f);
	fclose(f);
}

/* The change of mode comes first: it must stand before the device goes up. */
static int change_link(struct netcfg *n, int index, bool mode, unsigned int mtu)
{
	struct rtnl_link *old = rtnl_link_alloc(), *new = rtnl_link_alloc();
	int err = -NLE_NOMEM;

	if (!old || !new)
		goto out;
	rtnl_link_set_ifindex(old, index);
	if (mode) {
		err = rtnl_link_inet6_set_addr_gen_mode(new, IN6_ADDR_GEN_MODE_NONE);
		if (err < 0)
			goto out;
	} else {
		rtnl_link_set_mtu(new, mtu);
		rtnl_link_set_txqlen(new, QUEUE);
		rtnl_link_set_flags(new, IFF_UP);
	}
	err = rtnl_link_change(n->sk, old, new, 0);
out:
	if (old)
		rtnl_link_put(old);
	if (new)
		rtnl_link_put(new);
	return to_errno(err);
}

int netcfg_up(struct netcfg *n, const char *ifname, int index, unsigned int mtu)
{
	refuse_advertisements(ifname);
	change_link(n, index, true, 0); /* a host without IPv6 refuses, and needs it not */
	return change_link(n, index, false, mtu);
}

static struct nl_addr *to_nl(const struct ipaddr *a, uint8_t len)
{
	bool v4 = addr_is_v4(a);
	struct nl_addr *ret =
		nl_addr_build(v4 ? AF_INET : AF_INET6, v4 ? a->b + 12 : a->b, v4 ? 4 : 16);

	if (ret)
		nl_addr_set_prefixlen(ret, len);
	return ret;
}

int netcfg_address(struct netcfg *n, bool add, int index, const struct ipaddr *local, uint8_t len,
		   const struct ipaddr *peer)
{
	struct rtnl_addr *ra = rtnl_addr_alloc();
	struct nl_addr *l = to_nl(local, len), *p = NULL;
	int err = -NLE_NOMEM;

	if (!ra || !l)
		goto out;
	rtnl_addr_set_ifindex(ra, index);
	rtnl_addr_set_family(ra, addr_is_v4(local) ? AF_INET : AF_INET6);
	err = rtnl_addr_set_local(ra, l);
	if (err < 0)
		goto out;
	rtnl_addr_set_prefixlen(ra, len);
	if (addr_is_v4(local) && peer && addr_is_set(peer)) {
		p = to_nl(peer, 32);
		err = p ? rtnl_addr_set_peer(ra, p) : -NLE_NOMEM;
		if (err < 0)
			goto out;
	}
	if (!addr_is_v4(local))
		rtnl_addr_set_flags(ra, IFA_F_NODAD);
	err = add ? rtnl_addr_add(n->sk, ra, NLM_F_REPLACE) : rtnl_addr_delete(n->sk, ra, 0);
out:
	if (p)
		nl_addr_put(p);
	if (l)
		nl_addr_put(l);
	if (ra)
		rtnl_addr_put(ra);
	return to_errno(err);
}

int netcfg_route(struct netcfg *n, int index, const struct prefix *to)
{
	struct rtnl_route *r = rtnl_route_alloc();
	struct rtnl_nexthop *nh = rtnl_route_nh_alloc();
	struct nl_addr *dst = NULL;
	bool v4 = addr_is_v4(&to->addr);
	int err = -NLE_NOMEM;

	if (!r || !nh)
		goto out;
	dst = to_nl(&to->addr, to->len);
	if (!dst)
		goto out;
	rtnl_route_set_family(r, v4 ? AF_INET : AF_INET6);
	rtnl_route_set_scope(r, v4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE);
	err = rtnl_route_set_dst(r, dst);
	if (err < 0)
		goto out;
	rtnl_route_nh_set_ifindex(nh, index);
	rtnl_route_add_nexthop(r, nh); /* the route owns it now */
	nh = NULL;
	err = rtnl_route_add(n->sk, r, NLM_F_REPLACE);
out:
	if (dst)
		nl_addr_put(dst);
	if (nh)
		rtnl_route_nh_free(nh);
	if (r)
		rtnl_route_put(r);
	return to_errno(err);
}
