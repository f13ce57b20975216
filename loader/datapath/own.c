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

bool dp_holds_address_in(struct datapath *dp, const struct prefix *p)
{
	struct nl_cache *cache = NULL;
	struct nl_object *o;
	struct ipaddr have;
	bool found = false;

	if (rtnl_addr_alloc_cache(netlink_questions(dp), &cache) < 0)
		return true; /* not known: so nobody gets it */
	for (o = nl_cache_get_first(cache); o && !found; o = nl_cache_get_next(o))
		found = addr_of(rtnl_addr_get_local((struct rtnl_addr *)o), &have) &&
			prefix_contains(p, &have);
	nl_cache_free(cache);
	return found;
}

bool dp_is_own_address(struct datapath *dp, const struct ipaddr *a)
{
	const struct prefix whole = { .addr = *a, .len = addr_is_v4(a) ? 32 : 128 };

	return dp_holds_address_in(dp, &whole);
}
