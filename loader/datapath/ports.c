/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which interfaces frames come from and leave by: the ports that our program is attached
 * to and the VLAN devices, of one or two tags, above them. Read anew at every change of
 * links; the maps are written only where something differs.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/vlan.h>
#include <string.h>

#include "loader/datapath/private.h"

#define IP_MTU_MAX 65535

struct vlan_entry {
	struct l2x_vlan_key key;
	uint32_t ifindex;
};

struct refresh {
	struct datapath *dp;
	struct nl_cache *links;
	bool used[L2X_PORT_SLOTS];
	struct vlan_entry vlans[L2X_PORT_SLOTS];
	unsigned int n_vlans;
};

int ports_init(struct datapath *dp, char *err, size_t errlen)
{
	for (unsigned int i = 0; i < dp->cfg->n_interfaces; i++) {
		struct port *p = &dp->ports[i];
		const char *name = dp->cfg->interfaces[i];

		p->ifindex = if_nametoindex(name);
		if (!p->ifindex)
			return dp_fail(-ENODEV, err, errlen,
				       "interface %s does not exist\n"
				       "  see:  ip link\n"
				       "  and correct `datapath: interfaces`",
				       name);
		snprintf(p->name, sizeof(p->name), "%s", name);
		p->mode = dp_mode_names[DP_OFF];
		dp->n_ports = i + 1;
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

static void write_vlans(struct refresh *r)
{
	int fd = r->dp->maps->vlans;
	struct l2x_vlan_key key, next;
	bool more = bpf_map_get_next_key(fd, NULL, &next) == 0;

	for (unsigned int i = 0; more && i < 2 * L2X_PORT_SLOTS; i++) {
		key = next;
		more = bpf_map_get_next_key(fd, &key, &next) == 0;
		if (!is_fresh(r, &key))
			bpf_map_delete_elem(fd, &key);
	}
	for (unsigned int i = 0; i < r->n_vlans; i++)
		bpf_map_update_elem(fd, &r->vlans[i].key, &r->vlans[i].ifindex, BPF_ANY);
}

static void refresh_port(struct refresh *r, struct port *p)
{
	struct rtnl_link *l = rtnl_link_get(r->links, (int)p->ifindex);
	struct l2x_port v = { .lower = p->ifindex };

	if (!l) {
		if (p->mtu)
			log_warn(NULL, "interface %s is gone; restart l2xdpd when it is back",
				 p->name);
		p->mtu = 0;
		return;
	}
	p->mtu = rtnl_link_get_mtu(l);
	if (p->attached && r->dp->maps) {
		put(r, l, &v);
		put_vlans(r, &v, 0);
	}
	rtnl_link_put(l);
}

void ports_refresh(struct datapath *dp)
{
	struct refresh r = { .dp = dp, .links = netlink_links(dp) };

	if (!r.links)
		return;
	for (unsigned int i = 0; i < dp->n_ports; i++)
		refresh_port(&r, &dp->ports[i]);
	nl_cache_free(r.links);
	if (!dp->maps)
		return;
	maps_ports_sweep(dp, r.used);
	write_vlans(&r);
	maps_epoch_raise(dp);
}
