/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Next hops that are used by the hook alone. The kernel does not see that traffic: it would let
 * a neighbour grow stale, forget it (in a table of over gc_thresh1 entries after gc_stale_time,
 * 60 s), so that many packets at once wait while it is looked for, of which the kernel keeps
 * about a hundred; and it would never ask again, so that a router that was replaced by one with
 * another link-layer address would stay lost. So those that are stale are used, as a packet
 * would: the kernel asks each whether it is there, and one that does not answer goes.
 */
#include <errno.h>
#include <linux/neighbour.h>
#include <netlink/netlink.h>
#include <netlink/route/neighbour.h>

#include "loader/datapath/private.h"

#define AT_ONCE 1024 /* in one turn; the others are as stale at the next one */

static bool is_port(const struct map_array *ports, uint32_t ifindex)
{
	for (uint32_t i = 0; i < ports->n; i++) {
		const struct l2x_port *p =
			(const struct l2x_port *)(ports->mem + (size_t)i * ports->stride);

		if (p->ifindex == ifindex)
			return true;
	}
	return false;
}

static int use(struct nl_sock *sk, struct rtnl_neigh *stale)
{
	struct rtnl_neigh *n = rtnl_neigh_alloc();
	int rc = -NLE_NOMEM;

	if (!n)
		return rc;
	rtnl_neigh_set_family(n, rtnl_neigh_get_family(stale));
	rtnl_neigh_set_ifindex(n, rtnl_neigh_get_ifindex(stale));
	rtnl_neigh_set_state(n, NUD_STALE);
	rtnl_neigh_set_flags(n, NTF_USE);
	rc = rtnl_neigh_set_dst(n, rtnl_neigh_get_dst(stale));
	rc = rc < 0 ? rc : rtnl_neigh_add(sk, n, 0); /* without NLM_F_CREATE: it is there */
	rtnl_neigh_put(n);
	return rc;
}

int neighbours_use(struct datapath *dp)
{
	struct nl_sock *sk = netlink_questions(dp);
	struct nl_cache *cache = NULL;
	unsigned int n = 0;

	if (!dp->maps)
		return 0;
	if (rtnl_neigh_alloc_cache(sk, &cache) < 0)
		return -EIO;
	for (struct nl_object *o = nl_cache_get_first(cache); o && n < AT_ONCE;
	     o = nl_cache_get_next(o)) {
		struct rtnl_neigh *neigh = (struct rtnl_neigh *)o;

		if (rtnl_neigh_get_state(neigh) == NUD_STALE &&
		    is_port(&dp->maps->ports, (uint32_t)rtnl_neigh_get_ifindex(neigh)) &&
		    use(sk, neigh) == 0)
			n++;
	}
	nl_cache_free(cache);
	return 0;
}
