/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which addresses are this host's? Asked when an address is granted, not for packets; over a
 * socket that is open already, as the worker can open none.
 */
#include <netlink/netlink.h>
#include <netlink/route/addr.h>

#include "loader/datapath/private.h"

static bool addr_of(const struct nl_addr *n, struct ipaddr *ret)
{
	const uint8_t *b;

	if (!n)
		return false;
	b = nl_addr_get_binary_addr(n);
	if (nl_addr_get_family(n) == AF_INET)
		*ret = addr_from_v4((uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 |
				    (uint32_t)b[2] << 8 | b[3]);
	else if (nl_addr_get_family(n) == AF_INET6)
		memcpy(ret->b, b, sizeof(ret->b));
	else
		return false;
	return true;
}

/* The socket for questions; before there is one (the sockets of `listen` come first) one for
 * this question alone, in *ret_own. NULL: none to be had. */
static struct nl_sock *socket_for(struct datapath *dp, struct nl_sock **ret_own)
{
	*ret_own = NULL;
	if (dp->netlink)
		return netlink_questions(dp);
	*ret_own = nl_socket_alloc();
	return *ret_own && nl_connect(*ret_own, NETLINK_ROUTE) == 0 ? *ret_own : NULL;
}

bool dp_holds_address_in(struct datapath *dp, const struct prefix *p)
{
	struct nl_sock *own, *sk = socket_for(dp, &own);
	struct nl_cache *cache = NULL;
	struct nl_object *o;
	struct ipaddr have;
	bool found = false;

	if (!sk || rtnl_addr_alloc_cache(sk, &cache) < 0) {
		nl_socket_free(own);
		return true; /* not known: so nobody gets it */
	}
	for (o = nl_cache_get_first(cache); o && !found; o = nl_cache_get_next(o))
		found = addr_of(rtnl_addr_get_local((struct rtnl_addr *)o), &have) &&
			prefix_contains(p, &have);
	nl_cache_free(cache);
	nl_socket_free(own);
	return found;
}

bool dp_is_own_address(struct datapath *dp, const struct ipaddr *a)
{
	const struct prefix whole = { .addr = *a, .len = addr_is_v4(a) ? 32 : 128 };

	return dp_holds_address_in(dp, &whole);
}
