/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices that the configuration has us make, for a bridge, a VM or a pod:
 *
 *   create: NAME                 a veth pair. NAME is the end for others, where `netns` says; ours is
 *                                called after the pseudowire, l2x and 12 digits of its hash
 *   create: NAME, kind: tap      a persistent TAP; frames are taken where the VM writes them
 *
 * The alias of ours says for which pseudowire and as what it was made. It is put on last, so
 * whoever has it is whole, and is taken over by the next daemon as it is, wherever somebody may have
 * moved or renamed the other end; what has another is made anew, or goes.
 *
 * The end for others computes its checksums, parts its segments and writes its tags itself: at our
 * end a frame is at the hook at once, and leaves as it is. It has GRO on, for a veth only takes
 * redirected frames whose peer polls (NAPI).
 */
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "loader/datapath/ethtool.h"
#include "loader/datapath/pw_private.h"

#define OUR_NAME "l2x"
#define MOVING_NAME "l2y" /* of the other end, until it is where it belongs */
#define HASH_MASK 0xffffffffffffull /* 12 digits: a name has 15 octets */
#define WAY_MTU 1500 /* of a way that is not known yet */

static void why(struct pw *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void why(struct pw *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->why, sizeof(w->why), fmt, ap);
	va_end(ap);
	w->ifindex = 0;
}

static void alias_of(const struct pw_config *cfg, char ret[PW_ALIAS_LEN])
{
	const struct pw_circuit *c = &cfg->circuit;

	snprintf(ret, PW_ALIAS_LEN, PW_ALIAS "%s: %s %s%s%s", cfg->name, c->tap ? "tap" : "veth",
		 c->device, c->netns[0] ? " in " : "", c->netns);
}

/* Of the device that frames come from and go to. */
static void our_name(const struct pw_config *cfg, char ret[PW_DEVICE_LEN])
{
	uint64_t h = pw_name_hash(cfg->name);

	if (cfg->circuit.create && !cfg->circuit.tap)
		snprintf(ret, PW_DEVICE_LEN, OUR_NAME "%012llx",
			 (unsigned long long)((h ^ h >> 48) & HASH_MASK));
	else
		snprintf(ret, PW_DEVICE_LEN, "%s", cfg->circuit.device);
}

/* Of the IP packets that the way carries whole, as far as a program is taken natively: a larger one
 * is asked for by `mtu`. */
static unsigned int default_mtu(struct datapath *dp, const struct pw *w)
{
	const struct path *path = &w->cfg->path;
	bool known = addr_is_set(&path->peer);
	uint16_t way = known ? netlink_way_mtu(dp, &path->local, &path->peer) : 0, mtu;
	struct pw sized = { .cfg = w->cfg };

	pw_session_begin(&sized);
	sized.mtu = pw_frame_mtu(&sized, way ? way : WAY_MTU);
	mtu = pw_packet_mtu(&sized);
	if (mtu < ETH_MIN_MTU)
		return ETH_MIN_MTU;
	return mtu < PW_VETH_MTU ? mtu : PW_VETH_MTU;
}

/* Frames are carried without them. */
static void put_addresses(const struct pw *w, const struct pw_ns *there, unsigned int ifindex)
{
	int rc = pw_addresses(there, ifindex, &w->cfg->circuit);

	if (rc < 0)
		log_warn(NULL, "pseudowire %s: not all addresses could be put on %s: %s",
			 w->cfg->name, w->cfg->circuit.device, strerror(-rc));
}

/* ---- a veth pair ------------------------------------------------------------------------------ */

static int make_pair(const struct pw_ns *here, const char *ours, const char *others,
		     unsigned int mtu)
{
	struct rtnl_link *l = rtnl_link_veth_alloc();
	struct rtnl_link *peer = l ? rtnl_link_veth_get_peer(l) : NULL;
	int rc = -ENOMEM;

	if (l && peer) {
		rtnl_link_set_name(l, ours);
		rtnl_link_set_mtu(l, mtu);
		rtnl_link_set_name(peer, others);
		rtnl_link_set_mtu(peer, mtu);
		rc = netlink_errno(rtnl_link_add(here->nl, l, NLM_F_CREATE | NLM_F_EXCL));
	}
	if (peer)
		rtnl_link_put(peer);
	if (l)
		rtnl_link_veth_release(l);
	return rc;
}

static int move(const struct pw_ns *here, unsigned int ifindex, int ns, const char *name)
{
	struct rtnl_link *which = rtnl_link_alloc(), *to = rtnl_link_alloc();
	int rc = -ENOMEM;

	if (which && to) {
		rtnl_link_set_ifindex(which, (int)ifindex);
		rtnl_link_set_ifindex(to, (int)ifindex);
		rtnl_link_set_ns_fd(to, ns);
		rtnl_link_set_name(to, name);
		rc = netlink_errno(rtnl_link_change(here->nl, which, to, 0));
	}
	if (which)
		rtnl_link_put(which);
	if (to)
		rtnl_link_put(to);
	return rc;
}

static int furnish_others_end(const struct pw_ns *here, const char *name)
{
	static const struct feature_order order[] = {
		{ "tx-checksum", false }, { "tx-tcp", false },
		{ "tx-udp", false },      { "tx-generic-segmentation", false },
		{ "tx-gso", false },      { "tx-gre", false },
		{ "tx-ipxip", false },    { "tx-sctp", false },
		{ "tx-vlan", false },     { "rx-gro", true },
	};

	return ethtool_order(here->fd, name, order, sizeof(order) / sizeof(order[0]));
}

/* The pair is there, both ends here and under names of ours. */
static int furnish_pair(struct pw *w, const struct pw_ns *here, const struct pw_ns *there,
			const char *others)
{
	const struct pw_circuit *c = &w->cfg->circuit;
	unsigned int index = pw_ns_index(here, others);
	char alias[PW_ALIAS_LEN];
	int rc = index ? 0 : -ENODEV;

	rc = rc ?: furnish_others_end(here, others);
	if (rc == 0 && c->netns[0]) {
		rc = move(here, index, there->ns, c->device);
		index = rc < 0 ? 0 : pw_ns_index(there, c->device);
		rc = rc ?: index ? 0 : -ENODEV;
	}
	rc = rc ?: pw_ns_up(there, index, 0, false);
	if (rc == 0)
		put_addresses(w, there, index);
	rc = rc ?: pw_ns_up(here, w->ifindex, 0, true);
	alias_of(w->cfg, alias);
	return rc ?: pw_ns_alias(here, w->ifindex, alias);
}

static void make_veth(struct datapath *dp, struct pw *w, const struct pw_ns *here,
		      const struct pw_ns *there)
{
	const struct pw_circuit *c = &w->cfg->circuit;
	char others[PW_DEVICE_LEN];
	unsigned int mtu = c->mtu ? c->mtu : default_mtu(dp, w);
	int rc;

	snprintf(others, sizeof(others), "%s", c->device);
	if (c->netns[0])
		snprintf(others, sizeof(others), MOVING_NAME "%s", w->device + strlen(OUR_NAME));
	rc = make_pair(here, w->device, others, mtu);
	if (rc < 0) {
		why(w, "a veth pair %s, %s cannot be made: %s%s", w->device, others, strerror(-rc),
		    rc == -EPERM ? ": start l2xdpd as root" : "");
		return;
	}
	w->ifindex = pw_ns_index(here, w->device);
	rc = w->ifindex ? furnish_pair(w, here, there, others) : -ENODEV;
	if (rc == 0) {
		w->made = true;
		log_note(NULL, "pseudowire %s: device %s%s%s is made (ours: %s, MTU %u)",
			 w->cfg->name, c->device, c->netns[0] ? " in namespace " : "", c->netns,
			 w->device, mtu);
		return;
	}
	if (w->ifindex)
		pw_ns_delete(here, w->ifindex);
	why(w, "device %s%s%s cannot be set up: %s", c->device, c->netns[0] ? " in namespace " : "",
	    c->netns, strerror(-rc));
}

/* ---- a TAP ------------------------------------------------------------------------------------- */

static void make_tap(struct datapath *dp, struct pw *w, const struct pw_ns *here)
{
	const struct pw_circuit *c = &w->cfg->circuit;
	unsigned int mtu = c->mtu ? c->mtu : default_mtu(dp, w);
	char alias[PW_ALIAS_LEN], err[256];
	bool is_new = false;
	int fd = -1, rc = tun_device(c->device, IFF_TAP, &fd, &is_new, err, sizeof(err));

	if (fd >= 0)
		close(fd); /* it stays, for the machine to open */
	if (rc < 0) {
		why(w, "%.150s", err);
		return;
	}
	w->ifindex = pw_ns_index(here, c->device);
	rc = w->ifindex ? pw_ns_up(here, w->ifindex, mtu, true) : -ENODEV;
	alias_of(w->cfg, alias);
	if (rc == 0)
		put_addresses(w, here, w->ifindex);
	rc = rc ?: pw_ns_alias(here, w->ifindex, alias);
	if (rc == 0) {
		w->made = true;
		log_note(NULL, "pseudowire %s: TAP device %s is made (MTU %u)", w->cfg->name,
			 c->device, mtu);
		return;
	}
	if (w->ifindex)
		pw_ns_delete(here, w->ifindex);
	why(w, "TAP device %s cannot be set up: %s", c->device, strerror(-rc));
}

/* ---- found or made ----------------------------------------------------------------------------- */

enum have { HAVE_NONE, HAVE_WHOLE, HAVE_OTHER };

static enum have look(const struct pw *w, const struct pw_ns *here, unsigned int *ret_ifindex)
{
	struct rtnl_link *l = pw_ns_link(here, w->device, 0);
	char want[PW_ALIAS_LEN];
	const char *alias;
	enum have have;

	*ret_ifindex = 0;
	if (!l)
		return HAVE_NONE;
	alias = rtnl_link_get_ifalias(l);
	alias_of(w->cfg, want);
	have = alias && strcmp(alias, want) == 0 ? HAVE_WHOLE : HAVE_OTHER;
	*ret_ifindex = (unsigned int)rtnl_link_get_ifindex(l);
	rtnl_link_put(l);
	return have;
}

/* A veth of our name without an alias is one that was not finished. A TAP has the name that
 * somebody chose: without an alias it is anybody's. */
static bool is_ours(const struct pw *w, const struct pw_ns *here, unsigned int ifindex)
{
	struct rtnl_link *l = pw_ns_link(here, NULL, ifindex);
	const char *alias = l ? rtnl_link_get_ifalias(l) : NULL;
	bool ours = alias ? strncmp(alias, PW_ALIAS, strlen(PW_ALIAS)) == 0
			  : l && !w->cfg->circuit.tap && rtnl_link_is_veth(l);

	if (l)
		rtnl_link_put(l);
	return ours;
}

/* What the configuration may have changed. The other end may be elsewhere now: then it is
 * somebody else's to look after. */
static void adjust(const struct pw *w, const struct pw_ns *here, const struct pw_ns *there)
{
	const struct pw_circuit *c = &w->cfg->circuit;
	unsigned int index = pw_ns_index(there, c->device);

	if (c->mtu && index && pw_ns_up(there, index, c->mtu, false) == 0 && !c->tap)
		pw_ns_up(here, w->ifindex, c->mtu, true);
	if (index)
		put_addresses(w, there, index);
}

static bool make(struct datapath *dp, struct pw *w, const struct pw_ns *here,
		 const struct pw_ns *there)
{
	const struct pw_circuit *c = &w->cfg->circuit;

	if (pw_ns_index(there, c->device)) {
		why(w,
		    "there is a device %s already%s%s; remove it (ip link delete %s), or choose "
		    "another name",
		    c->device, c->netns[0] ? " in namespace " : "", c->netns, c->device);
		return false;
	}
	if (c->tap)
		make_tap(dp, w, here);
	else
		make_veth(dp, w, here, there);
	return w->ifindex != 0;
}

static void have_or_make(struct datapath *dp, struct pw *w, const struct pw_ns *here,
			 const struct pw_ns *there)
{
	unsigned int ifindex;
	enum have have = look(w, here, &ifindex);

	if (have == HAVE_OTHER && !is_ours(w, here, ifindex)) {
		why(w,
		    "there is a device %s already, and it is not ours; remove it: ip link "
		    "delete %s",
		    w->device, w->device);
		return;
	}
	if (have == HAVE_OTHER)
		pw_ns_delete(here, ifindex);
	if (have == HAVE_WHOLE) {
		w->ifindex = ifindex;
		if (there->nl)
			adjust(w, here, there);
		return;
	}
	make(dp, w, here, there);
}

static void create(struct datapath *dp, struct pw *w)
{
	const struct pw_circuit *c = &w->cfg->circuit;
	struct pw_ns here, there = { .fd = -1, .ns = -1 };
	unsigned int ifindex;
	int rc = pw_ns_open("", &here), there_rc = 0;

	if (rc < 0) {
		why(w, "no socket: %s", strerror(-rc));
		return;
	}
	if (c->tap && c->netns[0]) {
		why(w,
		    "a TAP device cannot be in another namespace than l2xdpd: leave `netns` out, "
		    "or `kind: tap`");
		pw_ns_close(&here);
		return;
	}
	there_rc = pw_ns_open(c->netns, &there);
	if (there_rc == 0 || look(w, &here, &ifindex) == HAVE_WHOLE)
		have_or_make(dp, w, &here, &there);
	else if (there_rc == -ENOENT)
		why(w,
		    "namespace %s is not there yet; it is looked for every few seconds "
		    "(ip netns add %s)",
		    c->netns, c->netns);
	else
		why(w, "namespace %s cannot be entered: %s%s", c->netns, strerror(-there_rc),
		    there_rc == -EPERM ? ": l2xdpd needs CAP_SYS_ADMIN" : "");
	pw_ns_close(&there);
	pw_ns_close(&here);
}

void pw_device_find(struct datapath *dp, struct pw *w)
{
	struct pw_ns here;
	unsigned int ifindex;

	(void)dp;
	our_name(w->cfg, w->device);
	if (!w->cfg->circuit.create) {
		w->ifindex = if_nametoindex(w->device);
		return;
	}
	w->ifindex = 0;
	if (pw_ns_open("", &here) < 0)
		return;
	if (look(w, &here, &ifindex) == HAVE_WHOLE)
		w->ifindex = ifindex;
	pw_ns_close(&here);
}

void pw_device(struct datapath *dp, struct pw *w)
{
	our_name(w->cfg, w->device);
	if (w->cfg->circuit.create) {
		create(dp, w);
		return;
	}
	w->ifindex = if_nametoindex(w->device);
	if (!w->ifindex)
		why(w, PW_NO_DEVICE, w->device);
}

/* ---- what goes --------------------------------------------------------------------------------- */

static bool is_configured(const struct datapath *dp, const char *alias)
{
	char want[PW_ALIAS_LEN];

	for (unsigned int i = 0; i < dp->n_pws; i++) {
		if (!dp->pws[i].cfg->circuit.create)
			continue;
		alias_of(dp->pws[i].cfg, want);
		if (strcmp(alias, want) == 0)
			return true;
	}
	return false;
}

static bool is_to_go(const struct datapath *dp, struct rtnl_link *l, bool all)
{
	const char *alias = rtnl_link_get_ifalias(l), *name = rtnl_link_get_name(l);

	if (!alias || !name)
		return false;
	if (strcmp(alias, PW_DOOR_ALIAS) == 0)
		return strcmp(name, PW_DOOR) == 0 && dp->door_fd < 0;
	return strncmp(alias, PW_ALIAS, strlen(PW_ALIAS)) == 0 &&
	       (all || !is_configured(dp, alias));
}

void pw_devices_sweep(const struct datapath *dp, bool all)
{
	struct nl_cache *links = NULL;
	struct pw_ns here;

	if (pw_ns_open("", &here) < 0)
		return;
	if (rtnl_link_alloc_cache(here.nl, AF_UNSPEC, &links) < 0)
		links = NULL;
	for (struct nl_object *o = links ? nl_cache_get_first(links) : NULL; o;
	     o = nl_cache_get_next(o)) {
		struct rtnl_link *l = (struct rtnl_link *)o;

		if (!is_to_go(dp, l, all))
			continue;
		if (!all)
			log_note(NULL, "device %s (%s) is no longer configured: removed",
				 rtnl_link_get_name(l), rtnl_link_get_ifalias(l));
		pw_ns_delete(&here, (unsigned int)rtnl_link_get_ifindex(l));
	}
	if (links)
		nl_cache_free(links);
	pw_ns_close(&here);
}

void pw_devices_undo(const struct datapath *dp)
{
	struct pw_ns here;

	if (pw_ns_open("", &here) < 0)
		return;
	for (unsigned int i = 0; i < dp->n_pws; i++)
		if (dp->pws[i].made && dp->pws[i].ifindex)
			pw_ns_delete(&here, dp->pws[i].ifindex);
	pw_ns_close(&here);
}
