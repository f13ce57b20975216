/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which interfaces frames come from and leave by: the ports that our program is attached
 * to and the VLAN devices, of one or two tags, above them. Read anew at every change of
 * links; the maps are written only where something differs.
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/vlan.h>
#include <string.h>

#include "loader/datapath/program.h"

#define IP_MTU_MAX 65535

struct refresh {
	struct datapath *dp;
	struct nl_cache *links;
	bool used[L2X_PORT_SLOTS];
	struct vlan_entry vlans[L2X_PORT_SLOTS];
	unsigned int n_vlans;
};

static void is_absent(struct port *p)
{
	p->ifindex = p->mtu = 0;
	p->attached = p->shared = false;
	p->mode = dp_mode_names[DP_OFF];
	snprintf(p->why, sizeof(p->why), "there is no such interface now");
}

int ports_init(struct datapath *dp, char *err, size_t errlen)
{
	/* A daemon that takes over from another one does not end for an interface's absence. */
	bool must =
		dp->cfg->mode != DP_AUTO && dp->cfg->mode != DP_OFF && !(dp->pins && dp->pins->had);

	for (unsigned int i = 0; i < dp->cfg->n_interfaces; i++) {
		struct port *p = &dp->ports[i];
		const char *name = dp->cfg->interfaces[i];

		snprintf(p->name, sizeof(p->name), "%s", name);
		is_absent(p);
		dp->n_ports = i + 1;
		p->ifindex = if_nametoindex(name);
		if (!p->ifindex && must)
			return dp_fail(-ENODEV, err, errlen,
				       "interface %s does not exist\n"
				       "  see:  ip link\n"
				       "  and correct `datapath: interfaces`",
				       name);
		if (p->ifindex)
			p->why[0] = '\0';
		else
			log_warn(NULL,
				 "interface %s does not exist (ip link lists them); it is taken "
				 "when it appears",
				 name);
	}
	return 0;
}

static bool is_vlan_above(struct rtnl_link *l, unsigned int lower)
{
	const char *type = rtnl_link_get_type(l);

	return type && strcmp(type, "vlan") == 0 && (unsigned int)rtnl_link_get_link(l) == lower;
}

static void put(struct refresh *r, struct rtnl_link *l, struct l2x_port *v)
{
	struct nl_addr *mac = rtnl_link_get_addr(l);
	unsigned int mtu = rtnl_link_get_mtu(l);

	v->ifindex = (uint32_t)rtnl_link_get_ifindex(l);
	v->mtu = mtu > IP_MTU_MAX ? IP_MTU_MAX : (uint16_t)mtu;
	v->flags = L2X_P_RX | L2X_P_TX;
	if (mac && nl_addr_get_len(mac) == sizeof(v->mac))
		memcpy(v->mac, nl_addr_get_binary_addr(mac), sizeof(v->mac));
	if (!maps_port_put(r->dp, v, r->used))
		log_warn(NULL, "%s: too many interfaces: frames by it take the slow path",
			 rtnl_link_get_name(l));
	if (!v->tag[0] || r->n_vlans == L2X_PORT_SLOTS)
		return;
	r->vlans[r->n_vlans++] = (struct vlan_entry){
		.key = { .ifindex = v->lower, .tag = { v->tag[0], v->tag[1] } },
		.ifindex = v->ifindex,
	};
}

/* libnl hands the protocol out as the kernel does, in network order; its documentation is
 * silent, so the other order is understood too. */
static uint16_t tpid_of(struct rtnl_link *l)
{
	int v = rtnl_link_vlan_get_protocol(l);

	return v == htons(ETH_P_8021AD) || v == ETH_P_8021AD ? htons(ETH_P_8021AD)
							     : htons(ETH_P_8021Q);
}

static void put_vlans(struct refresh *r, const struct l2x_port *below, int depth)
{
	for (struct nl_object *o = nl_cache_get_first(r->links); o; o = nl_cache_get_next(o)) {
		struct rtnl_link *l = (struct rtnl_link *)o;
		struct l2x_port v = { .lower = below->lower };

		if (!is_vlan_above(l, below->ifindex))
			continue;
		memcpy(v.tag, below->tag, sizeof(v.tag));
		memcpy(v.tpid, below->tpid, sizeof(v.tpid));
		v.tag[depth] = htons((uint16_t)rtnl_link_vlan_get_id(l));
		v.tpid[depth] = tpid_of(l);
		put(r, l, &v);
		if (depth == 0)
			put_vlans(r, &v, 1);
	}
}

static bool is_fresh(const struct refresh *r, const struct l2x_vlan_key *key)
{
	for (unsigned int i = 0; i < r->n_vlans; i++)
		if (memcmp(&r->vlans[i].key, key, sizeof(*key)) == 0)
			return true;
	return false;
}

static void ask_vlan(struct datapath *dp, const struct vlan_entry *e, bool add)
{
	const struct dp_request rq = {
		.act = DP_DO_VLAN, .add = add, .vlan = e->key, .index = e->ifindex
	};
	struct dp_answer answer;

	if (request(dp, &rq, &answer) == 0)
		maps_vlan_note(dp, &e->key, e->ifindex, add);
}

static bool is_known(const struct datapath *dp, const struct vlan_entry *e)
{
	for (unsigned int i = 0; i < dp->n_vlans; i++)
		if (memcmp(&dp->vlans[i], e, sizeof(*e)) == 0)
			return true;
	return false;
}

static void write_vlans(struct refresh *r)
{
	struct datapath *dp = r->dp;

	/* from the end: the last one takes the place of one that goes */
	for (unsigned int i = dp->n_vlans; i > 0; i--)
		if (!is_fresh(r, &dp->vlans[i - 1].key)) {
			struct vlan_entry e = dp->vlans[i - 1];

			ask_vlan(dp, &e, false);
		}
	for (unsigned int i = 0; i < r->n_vlans; i++)
		if (!is_known(dp, &r->vlans[i]))
			ask_vlan(dp, &r->vlans[i], true);
}

static void refresh_port(struct refresh *r, struct port *p)
{
	struct rtnl_link *l = rtnl_link_get(r->links, (int)p->ifindex);
	struct l2x_port v = { .lower = p->ifindex };

	if (!l)
		return;
	p->mtu = rtnl_link_get_mtu(l);
	if (p->attached && r->dp->maps) {
		put(r, l, &v);
		put_vlans(r, &v, 0);
	}
	rtnl_link_put(l);
}

static void refresh_all(struct datapath *dp, struct nl_cache *links)
{
	struct refresh r = { .dp = dp, .links = links };

	for (unsigned int i = 0; i < dp->n_ports; i++)
		refresh_port(&r, &dp->ports[i]);
	if (!dp->maps)
		return;
	maps_ports_sweep(dp, r.used);
	write_vlans(&r);
	maps_epoch_raise(dp);
}

/* ---- interfaces that go and come ------------------------------------------------------------ */

/* True: this one is to be attached to. */
static bool look_for(struct datapath *dp, struct nl_cache *links, struct port *p)
{
	struct rtnl_link *l = rtnl_link_get_by_name(links, p->name);
	unsigned int ifindex = l ? (unsigned int)rtnl_link_get_ifindex(l) : 0;
	unsigned int mtu = l ? rtnl_link_get_mtu(l) : 0, had = p->ifindex, old_mtu = p->mtu;

	if (l)
		rtnl_link_put(l);
	if (ifindex != had || p->gone) {
		p->gone = false;
		if (had)
			log_warn(NULL, "interface %s is gone; it is taken again when it is back",
				 p->name);
		is_absent(p);
		p->ifindex = ifindex;
		if (ifindex)
			log_note(NULL, "interface %s is there", p->name);
		return ifindex != 0;
	}
	/* An MTU that was too large for XDP is the most common reason why it was refused. */
	return ifindex && !p->attached && dp->maps && old_mtu && mtu < old_mtu;
}

void ports_attach(struct datapath *dp)
{
	const struct dp_request rq = { .act = DP_DO_ATTACH };
	struct dp_answer answer;

	if (request(dp, &rq, &answer) < 0)
		log_warn(NULL, "%s", answer.err[0] ? answer.err : strerror(-answer.rc));
	ports_answer(dp, &answer);
}

void ports_answer(struct datapath *dp, const struct dp_answer *a)
{
	if (a->rc == -EPIPE)
		return;
	for (unsigned int i = 0; i < dp->n_ports; i++) {
		struct port *p = &dp->ports[i];

		p->ifindex = a->port[i].ifindex;
		p->attached = a->port[i].attached;
		p->shared = a->port[i].shared;
		for (int m = DP_AUTO; m <= DP_OFF; m++)
			if (strcmp(a->port[i].mode, dp_mode_names[m]) == 0)
				p->mode = dp_mode_names[m];
		snprintf(p->why, sizeof(p->why), "%.159s", a->port[i].why);
	}
}

void ports_refresh(struct datapath *dp)
{
	struct nl_cache *links = netlink_links(dp);
	bool attach = false;

	if (!links)
		return;
	for (unsigned int i = 0; dp->ready && i < dp->n_ports; i++)
		attach |= look_for(dp, links, &dp->ports[i]);
	if (attach)
		ports_attach(dp);
	refresh_all(dp, links);
	nl_cache_free(links);
}
