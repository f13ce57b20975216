/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The door of the pseudowires: a TAP device whose frames are for nobody but the worker (maps/pw.h,
 * l2x_pw_ticket). The programs redirect to it what they cannot carry, so its MTU is the largest
 * that there is; the TUN driver takes a program natively with any. It is no device that the host
 * speaks by: without addresses, without IPv6, without ARP. It outlives the daemon as l2tp0 does.
 */
#include <errno.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "loader/datapath/pw_private.h"

#define DOOR_MTU 65521 /* what the driver takes: 65535 less the Ethernet header */

/* A setting of a device of ours, in this namespace. */
static int set(const char *family, const char *device, const char *what, const char *value)
{
	size_t len = strlen(value);
	char path[128];
	int fd, rc = 0;

	snprintf(path, sizeof(path), "/proc/sys/net/%s/conf/%s/%s", family, device, what);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, value, len) != (ssize_t)len)
		rc = -errno;
	close(fd);
	return rc;
}

/* The kernel's FIB only answers for packets that come in by a device that forwards. Ours seem to
 * come in by l2tp0, so that the host as a whole need not forward. */
static void forward(const struct datapath *dp)
{
	static const char *const families[] = { "ipv4", "ipv6" };

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
		int rc = set(families[i], dp->tun_name, "forwarding", "1");

		if (rc < 0 && !(rc == -ENOENT && i == 1)) /* no IPv6 on this host */
			log_warn(NULL,
				 "%s: cannot switch forwarding on (%s): frames of pseudowires take "
				 "the slow path; mend it: sysctl -w net.%s.conf.%s.forwarding=1",
				 dp->tun_name, strerror(-rc), families[i], dp->tun_name);
	}
}

static int furnish(struct datapath *dp, char *err, size_t errlen)
{
	struct pw_ns here;
	int rc;

	dp->door_ifindex = if_nametoindex(PW_DOOR);
	if (!dp->door_ifindex)
		return dp_fail(-ENODEV, err, errlen, "device %s vanished", PW_DOOR);
	if (ioctl(dp->door_fd, TUNSETOFFLOAD, 0)) /* frames are what they are */
		log_debug(NULL, "%s: offloads: %s", PW_DOOR, strerror(errno));
	set("ipv6", PW_DOOR, "disable_ipv6", "1");
	rc = netlink_link_up(dp, dp->door_ifindex, DOOR_MTU);
	if (rc < 0)
		return dp_fail(rc, err, errlen, "device %s up with MTU %u: %s", PW_DOOR, DOOR_MTU,
			       strerror(-rc));
	if (pw_ns_open("", &here) == 0) {
		pw_ns_alias(&here, dp->door_ifindex, PW_DOOR_ALIAS);
		pw_ns_close(&here);
	}
	return 0;
}

int pw_door_open(struct datapath *dp, char *err, size_t errlen)
{
	int rc;

	if (!dp->n_pws || dp->cfg->mode == DP_OFF || !dp->n_ports)
		return 0;
	rc = tun_device(PW_DOOR, IFF_TAP, &dp->door_fd, &dp->door_is_new, err, errlen);
	rc = rc ?: furnish(dp, err, errlen);
	if (rc == 0)
		forward(dp);
	return rc;
}

void pw_door_close(struct datapath *dp, enum end end)
{
	if (dp->door_fd < 0)
		return;
	if (end == END_REMOVE || (end == END_UNDO && dp->door_is_new))
		ioctl(dp->door_fd, TUNSETPERSIST, 0);
	close(dp->door_fd);
	dp->door_fd = -1;
}
