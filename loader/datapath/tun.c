/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * l2tp0: the host's door to the subscribers. The slow path writes what came from them, the
 * kernel routes to it what goes to them; its addresses are the profiles' local addresses,
 * its routes the pools. It outlives the daemon, and the next one takes it over as it is: what
 * the kernel routes to it meanwhile is lost, but no route or address comes and goes.
 */
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "loader/datapath/private.h"

#define BATCH 64 /* packets in one turn of the event loop */
#define PACKET_MAX 65536
#define TUN_LOG_MS 10000
#define BUSY_TRIES 40
#define BUSY_US 50000

/* Only a device that no process holds can be had. One that was killed a moment ago may have
 * a worker that still ends. */
static int take(int fd, struct ifreq *ifr)
{
	for (int tries = 0;; tries++) {
		if (ioctl(fd, TUNSETIFF, ifr) == 0)
			return 0;
		if (errno != EBUSY || tries == BUSY_TRIES)
			return -errno;
		usleep(BUSY_US);
	}
}

int tun_device(const char *name, short kind, int *ret_fd, bool *ret_new, char *err, size_t errlen)
{
	struct ifreq ifr = { .ifr_flags = (short)(kind | IFF_NO_PI) };
	int rc;

	if (strlen(name) >= sizeof(ifr.ifr_name))
		return dp_fail(-EINVAL, err, errlen, "device name %s is too long", name);
	*ret_fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (*ret_fd < 0)
		return dp_fail(-errno, err, errlen,
			       "/dev/net/tun: %s\n"
			       "  as root:  modprobe tun   (in a container: give it /dev/net/tun)",
			       strerror(errno));
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	*ret_new = !if_nametoindex(name);
	rc = take(*ret_fd, &ifr);
	if (rc < 0) {
		*ret_new = false;
		if (rc == -EBUSY || rc == -EINVAL || rc == -EEXIST)
			return dp_fail(rc, err, errlen,
				       "device %s is another program's (another l2xdpd?)\n"
				       "  see:     ip -d link show dev %s\n"
				       "  remove:  ip link delete dev %s",
				       name, name, name);
		return dp_fail(rc, err, errlen, "device %s: %s%s", name, strerror(-rc),
			       rc == -EPERM ? ": start l2xdpd as root" : "");
	}
	if (ioctl(*ret_fd, TUNSETPERSIST, 1))
		return dp_fail(-errno, err, errlen, "device %s cannot be made to stay: %s", name,
			       strerror(errno));
	return 0;
}

static int create(struct datapath *dp, char *err, size_t errlen)
{
	const char *name = dp->cfg->tun_name;
	int rc = tun_device(name, IFF_TUN, &dp->tun_fd, &dp->tun_is_new, err, errlen);

	if (rc < 0)
		return rc;
	snprintf(dp->tun_name, sizeof(dp->tun_name), "%s", name);
	dp->tun_ifindex = if_nametoindex(dp->tun_name);
	if (!dp->tun_ifindex)
		return dp_fail(-ENODEV, err, errlen, "device %s vanished", name);
	return 0;
}

static int furnish(struct datapath *dp, char *err, size_t errlen)
{
	const struct dp_config *cfg = dp->cfg;
	char buf[PREFIX_STRLEN];
	int rc;

	rc = netlink_link_up(dp, dp->tun_ifindex, cfg->tun_mtu);
	if (rc < 0)
		return dp_fail(rc, err, errlen, "device %s up with MTU %u: %s", dp->tun_name,
			       cfg->tun_mtu, strerror(-rc));
	for (unsigned int i = 0; i < cfg->n_local; i++) {
		rc = netlink_address(dp, dp->tun_ifindex, &cfg->local[i], true);
		if (rc < 0 && rc != -EEXIST)
			return dp_fail(rc, err, errlen, "address %s on %s: %s",
				       addr_str(&cfg->local[i], buf), dp->tun_name, strerror(-rc));
	}
	for (unsigned int i = 0; i < cfg->n_pools; i++) {
		prefix_str(&cfg->pools[i], buf);
		rc = netlink_route(dp, &cfg->pools[i].addr, cfg->pools[i].len, true);
		if (rc == -EEXIST && !dp->tun_is_new && routes_has(dp, &cfg->pools[i]))
			continue;
		if (rc == -EEXIST)
			return dp_fail(rc, err, errlen,
				       "this host has a route to the pool %s already\n"
				       "  see:     ip route show %s\n"
				       "  remove it, or correct the pool",
				       buf, buf);
		if (rc < 0)
			return dp_fail(rc, err, errlen, "route to %s by %s: %s", buf, dp->tun_name,
				       strerror(-rc));
	}
	return 0;
}

int tun_open(struct datapath *dp, char *err, size_t errlen)
{
	int rc = create(dp, err, errlen);

	if (rc < 0)
		return rc;
	dp->tun_buffer = malloc(PACKET_MAX);
	if (!dp->tun_buffer)
		return dp_fail(-ENOMEM, err, errlen, "no memory for a packet");
	return furnish(dp, err, errlen);
}

int tun_take(struct datapath *dp, char *err, size_t errlen)
{
	return if_nametoindex(dp->cfg->tun_name) ? create(dp, err, errlen) : 0;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct datapath *dp = arg;

	(void)what;
	for (int i = 0; i < BATCH; i++) {
		ssize_t n = read(fd, dp->tun_buffer, PACKET_MAX);

		if (n <= 0)
			return;
		slow_out(dp, dp->tun_buffer, (size_t)n);
	}
}

int tun_start(struct datapath *dp)
{
	dp->tun_event = event_new(dp->base, dp->tun_fd, EV_READ | EV_PERSIST, on_readable, dp);
	return dp->tun_event && event_add(dp->tun_event, NULL) == 0 ? 0 : -ENOMEM;
}

/* ---- what an earlier configuration left ----------------------------------------------------- */

#define TRIM_MAX 256

struct trim {
	struct datapath *dp;
	struct prefix list[TRIM_MAX];
	unsigned int n;
};

static bool is_local(const struct dp_config *cfg, const struct ipaddr *a)
{
	for (unsigned int i = 0; i < cfg->n_local; i++)
		if (addr_eq(&cfg->local[i], a))
			return true;
	return false;
}

static void trim_address(void *arg, const struct prefix *p)
{
	struct trim *t = arg;

	if (t->n < TRIM_MAX && !is_local(t->dp->cfg, &p->addr))
		t->list[t->n++] = *p;
}

/* What is as large as one subscriber's is one's, and the worker's to judge. */
static void trim_route(void *arg, const struct prefix *p)
{
	struct trim *t = arg;

	if (p->len != (addr_is_v4(&p->addr) ? 32 : 64) && t->n < TRIM_MAX &&
	    !dp_is_pool(t->dp->cfg, p))
		t->list[t->n++] = *p;
}

void tun_trim(struct datapath *dp)
{
	struct trim t = { .dp = dp };
	char buf[PREFIX_STRLEN];

	if (dp->tun_is_new)
		return;
	addresses_visit(dp, trim_address, &t);
	for (unsigned int i = 0; i < t.n; i++)
		if (netlink_address(dp, dp->tun_ifindex, &t.list[i].addr, false) == 0)
			log_note(NULL, "%s: address %s is no longer configured: removed",
				 dp->tun_name, addr_str(&t.list[i].addr, buf));
	t.n = 0;
	routes_visit(dp, trim_route, &t);
	for (unsigned int i = 0; i < t.n; i++)
		if (netlink_route(dp, &t.list[i].addr, t.list[i].len, false) == 0)
			log_note(NULL, "%s: pool %s is no longer configured: route removed",
				 dp->tun_name, prefix_str(&t.list[i], buf));
}

/* Its routes and addresses go with it. */
void tun_close(struct datapath *dp, enum end end)
{
	if (dp->tun_event)
		event_free(dp->tun_event);
	if (dp->tun_fd >= 0 && (end == END_REMOVE || (end == END_UNDO && dp->tun_is_new)))
		ioctl(dp->tun_fd, TUNSETPERSIST, 0);
	if (dp->tun_fd >= 0)
		close(dp->tun_fd);
	free(dp->tun_buffer);
	dp->tun_event = NULL;
	dp->tun_fd = -1;
	dp->tun_buffer = NULL;
}

int tun_write(struct datapath *dp, const uint8_t *packet, size_t len)
{
	int rc;

	if (write(dp->tun_fd, packet, len) >= 0)
		return 0;
	rc = -errno;
	if (log_allowed(&dp->tun_log, dp_now(), 1, TUN_LOG_MS))
		log_warn(NULL, "device %s refuses packets: %s%s", dp->tun_name, strerror(-rc),
			 rc == -EIO ? ": somebody took it down; ip link set dev l2tp0 up" : "");
	return rc;
}
