/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What needs a privilege, done on request of a worker that has none. Each act has its own
 * list of what is allowed: who has taken over the worker can route a subscriber's address to
 * l2tp0 and no other, and write the maps that it could reach anyway, and that is all.
 *
 * A subscriber's address is one of a pool or of the users file, as this process has read them
 * itself; or one that an earlier process of this kind allowed: a session keeps the address
 * that it has also when no pool has it any more. What was allowed then stands in the kernel as a
 * route to l2tp0, that of the pool or its own, and is read before anything is changed there.
 */
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/datapath/private.h"

const char *const dp_act_names[DP_DO_MAX] = {
	[DP_DO_ATTACH] = "attach", [DP_DO_ROUTE] = "route",       [DP_DO_HOST] = "host",
	[DP_DO_VLAN] = "vlan",     [DP_DO_VERDICTS] = "verdicts", [DP_DO_NEIGHBOURS] = "neighbours",
	[DP_DO_CPUS] = "cpus",     [DP_DO_RETIRE] = "retire",     [DP_DO_CIRCUIT] = "circuit",
};

int request(struct datapath *dp, const struct dp_request *rq, struct dp_answer *ret)
{
	if (!dp->ask)
		dp_do(dp, rq, ret);
	else if (!dp->ask(dp->ask_ctx, rq, ret))
		ret->rc = -EPIPE;
	return ret->rc;
}

/* ---- what is allowed ------------------------------------------------------------------------ */

/* An IPv4 address or an IPv6 /64 that a subscriber can have: global unicast. */
static bool is_subscriber(const struct prefix *p)
{
	uint32_t a = addr_v4(&p->addr);
	uint64_t upper = addr_v6_upper(&p->addr);

	if (addr_is_v4(&p->addr)) /* not 0/8, 127/8, 169.254/16, 224/3 */
		return p->len == 32 && a >> 24 && a >> 24 != 127 && a >> 16 != 0xa9fe &&
		       a >> 29 != 7;
	/* not ::/16, fe80::/10, ff00::/8 */
	return p->len == 64 && upper >> 48 && upper >> 54 != 0x3fa && upper >> 56 != 0xff;
}

void privilege_recall(struct datapath *dp, const struct prefix *p)
{
	if (dp_is_pool(dp->cfg, p))
		return;
	if (p->len == (addr_is_v4(&p->addr) ? 32 : 64))
		claim_add(&dp->recalled, p, 0);
	else if (dp->n_old_pools < sizeof(dp->old_pools) / sizeof(dp->old_pools[0]))
		dp->old_pools[dp->n_old_pools++] = *p;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct ipaddr));
}

static bool is_static(const struct dp_config *cfg, const struct prefix *p)
{
	return addr_is_v4(&p->addr) && cfg->n_statics &&
	       bsearch(&p->addr, cfg->statics, cfg->n_statics, sizeof(*cfg->statics), compare);
}

static bool was_allowed(const struct datapath *dp, const struct prefix *p)
{
	for (unsigned int i = 0; i < dp->n_old_pools; i++)
		if (prefix_contains(&dp->old_pools[i], &p->addr))
			return true;
	return claim_find(&dp->recalled, p) != NULL;
}

static bool is_port(const struct datapath *dp, uint32_t ifindex)
{
	for (unsigned int i = 0; i < dp->n_ports; i++)
		if (ifindex && dp->ports[i].ifindex == ifindex)
			return true;
	return false;
}

bool privilege_may_route(struct datapath *dp, const struct prefix *p)
{
	return is_static(dp->cfg, p) || was_allowed(dp, p);
}

static bool route_is_allowed(struct datapath *dp, const struct dp_request *rq)
{
	/* The pools' own routes stay; the device is always l2tp0. */
	if (!is_subscriber(&rq->prefix) || dp_is_pool(dp->cfg, &rq->prefix))
		return false;
	if (!rq->add) /* also one that a pool holds since */
		return true;
	return !dp_in_pools(dp->cfg, &rq->prefix.addr) && privilege_may_route(dp, &rq->prefix) &&
	       !dp_holds_address_in(dp, &rq->prefix);
}

/* Of a pool it stands in a window that the worker writes itself; elsewhere what is sent to this
 * host must not end at a subscriber. */
static bool host_is_allowed(struct datapath *dp, const struct dp_request *rq)
{
	if (!dp->maps || !is_subscriber(&rq->prefix))
		return false;
	if (!rq->add)
		return true;
	return rq->index < DP_INDEXES(dp->cfg) &&
	       (dp_in_pools(dp->cfg, &rq->prefix.addr) ||
		(privilege_may_route(dp, &rq->prefix) && !dp_holds_address_in(dp, &rq->prefix)));
}

static bool vlan_is_allowed(const struct datapath *dp, const struct dp_request *rq)
{
	char name[IF_NAMESIZE];

	if (!dp->maps)
		return false;
	return !rq->add || (rq->vlan.tag[0] && is_port(dp, rq->vlan.ifindex) &&
			    if_indextoname(rq->index, name));
}

/* ---- what is done --------------------------------------------------------------------------- */

/* A route that we made before is as good as a new one. */
static int do_route(struct datapath *dp, const struct dp_request *rq)
{
	int rc = netlink_route(dp, &rq->prefix.addr, rq->prefix.len, rq->add);

	if (rc == -EEXIST && rq->add && routes_has(dp, &rq->prefix))
		return 0;
	return rc;
}

static void do_attach(struct datapath *dp, struct dp_answer *ret)
{
	ret->rc = attach_do(dp, ret->err, sizeof(ret->err));
	for (unsigned int i = 0; i < dp->n_ports; i++) {
		const struct port *p = &dp->ports[i];

		ret->port[i].ifindex = p->ifindex;
		ret->port[i].attached = p->attached;
		ret->port[i].shared = p->shared;
		snprintf(ret->port[i].mode, sizeof(ret->port[i].mode), "%s", p->mode);
		memcpy(ret->port[i].why, p->why, sizeof(ret->port[i].why));
	}
}

void dp_do(struct datapath *dp, const struct dp_request *rq, struct dp_answer *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->rc = -EPERM;
	switch (rq->act) {
	case DP_DO_ATTACH:
		do_attach(dp, ret);
		break;
	case DP_DO_ROUTE:
		if (route_is_allowed(dp, rq))
			ret->rc = do_route(dp, rq);
		break;
	case DP_DO_HOST:
		if (host_is_allowed(dp, rq))
			ret->rc = maps_host_do(dp, &rq->prefix, rq->index, rq->add);
		break;
	case DP_DO_VLAN:
		if (vlan_is_allowed(dp, rq))
			ret->rc = maps_vlan_do(dp, &rq->vlan, rq->index, rq->add);
		break;
	case DP_DO_VERDICTS:
		ret->rc = dp->maps ? maps_verdicts_do(dp, ret->verdicts) : 0;
		break;
	case DP_DO_NEIGHBOURS:
		tc_check(dp);
		ret->rc = neighbours_use(dp);
		break;
	case DP_DO_CPUS:
		ret->rc = queues_cpus(dp, ret);
		break;
	case DP_DO_RETIRE: /* what is configured stays, so there is nothing to be guarded */
		ret->rc = queues_retire(dp);
		break;
	case DP_DO_CIRCUIT:
		if (rq->index < dp->n_pws)
			pw_answer(dp, rq->index, ret);
		break;
	case DP_DO_MAX:
	default:
		break;
	}
}
