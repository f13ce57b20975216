/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices in our network namespace and in others. A socket belongs to the namespace that the thread
 * was in when it made it, so a thread of its own goes there, makes two, and ends; the daemon
 * itself never leaves its namespace.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/link.h>
#include <netlink/route/link/inet6.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loader/datapath/pw_private.h"

#define NETNS_DIR "/run/netns" /* of iproute2 */
#define ADDR_GEN_MODE_NONE 1

static int open_sockets(struct pw_ns *ns)
{
	ns->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (ns->fd < 0)
		return -errno;
	ns->nl = nl_socket_alloc();
	if (!ns->nl)
		return -ENOMEM;
	return netlink_errno(nl_connect(ns->nl, NETLINK_ROUTE));
}

struct visit {
	struct pw_ns *ns;
	int rc;
};

static void *visit(void *arg)
{
	struct visit *v = arg;

	v->rc = setns(v->ns->ns, CLONE_NEWNET) ? -errno : open_sockets(v->ns);
	return NULL;
}

static int open_other(const char *name, struct pw_ns *ns)
{
	struct visit v = { .ns = ns };
	char path[sizeof(NETNS_DIR) + PW_NAME_LEN + 1];
	pthread_t thread;
	int rc;

	if (strchr(name, '/') || name[0] == '.')
		return -EINVAL;
	snprintf(path, sizeof(path), NETNS_DIR "/%s", name);
	ns->ns = open(path, O_RDONLY | O_CLOEXEC);
	if (ns->ns < 0)
		return -errno;
	rc = pthread_create(&thread, NULL, visit, &v);
	if (rc)
		return -rc;
	pthread_join(thread, NULL);
	/* `ip netns add` makes the file first, and mounts the namespace on it a moment later */
	return v.rc == -EINVAL ? -ENOENT : v.rc;
}

int pw_ns_open(const char *name, struct pw_ns *ret)
{
	int rc;

	*ret = (struct pw_ns){ .fd = -1, .ns = -1 };
	rc = name[0] ? open_other(name, ret) : open_sockets(ret);
	if (rc < 0)
		pw_ns_close(ret);
	return rc;
}

void pw_ns_close(struct pw_ns *ns)
{
	if (ns->nl)
		nl_socket_free(ns->nl);
	if (ns->fd >= 0)
		close(ns->fd);
	if (ns->ns >= 0)
		close(ns->ns);
	*ns = (struct pw_ns){ .fd = -1, .ns = -1 };
}

/* ---- links there ------------------------------------------------------------------------------ */

struct rtnl_link *pw_ns_link(const struct pw_ns *ns, const char *name, unsigned int ifindex)
{
	struct rtnl_link *l = NULL;

	return rtnl_link_get_kernel(ns->nl, (int)ifindex, name, &l) < 0 ? NULL : l;
}

unsigned int pw_ns_index(const struct pw_ns *ns, const char *name)
{
	struct rtnl_link *l = pw_ns_link(ns, name, 0);
	unsigned int ifindex = l ? (unsigned int)rtnl_link_get_ifindex(l) : 0;

	if (l)
		rtnl_link_put(l);
	return ifindex;
}

static int change(const struct pw_ns *ns, unsigned int ifindex, struct rtnl_link *to)
{
	struct rtnl_link *which = rtnl_link_alloc();
	int rc = -ENOMEM;

	if (which && to) {
		rtnl_link_set_ifindex(which, (int)ifindex);
		rtnl_link_set_ifindex(to, (int)ifindex);
		rc = netlink_errno(rtnl_link_change(ns->nl, which, to, 0));
	}
	if (which)
		rtnl_link_put(which);
	if (to)
		rtnl_link_put(to);
	return rc;
}

void pw_ns_delete(const struct pw_ns *ns, unsigned int ifindex)
{
	struct rtnl_link *l = rtnl_link_alloc();

	if (!l)
		return;
	rtnl_link_set_ifindex(l, (int)ifindex);
	rtnl_link_delete(ns->nl, l);
	rtnl_link_put(l);
}

int pw_ns_alias(const struct pw_ns *ns, unsigned int ifindex, const char *alias)
{
	struct rtnl_link *l = rtnl_link_alloc();

	if (l)
		rtnl_link_set_ifalias(l, alias);
	return change(ns, ifindex, l);
}

/* Without IPv6 on the host there is nothing to be kept quiet. */
static void hush(const struct pw_ns *ns, unsigned int ifindex)
{
	struct rtnl_link *l = rtnl_link_alloc();

	if (l && rtnl_link_inet6_set_addr_gen_mode(l, ADDR_GEN_MODE_NONE) < 0) {
		rtnl_link_put(l);
		return;
	}
	change(ns, ifindex, l);
}

int pw_ns_up(const struct pw_ns *ns, unsigned int ifindex, unsigned int mtu, bool quiet)
{
	struct rtnl_link *l = rtnl_link_alloc();

	if (quiet)
		hush(ns, ifindex);
	if (l && mtu)
		rtnl_link_set_mtu(l, mtu);
	if (l)
		rtnl_link_set_flags(l, IFF_UP);
	return change(ns, ifindex, l);
}
