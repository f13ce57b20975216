// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_pppol2tp.h>
#include <linux/if_pppox.h>
#include <linux/ppp-ioctl.h>
#include <linux/sockios.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/bench/frames.h"
#include "tests/bench/kernel_l2tp.h"

static struct sockaddr_in address(uint32_t host)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(BENCH_PORT),
				     .sin_addr.s_addr = htonl(host) };
}

static int say(const char *what)
{
	int err = errno;

	fprintf(stderr, "bench: the kernel's L2TP: %s: %s\n", what, strerror(err));
	return -err;
}

static int tunnel_socket(void)
{
	const struct sockaddr_in here = address(BENCH_LNS), there = address(BENCH_LAC);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&here, sizeof(here)) ||
	    connect(fd, (const struct sockaddr *)&there, sizeof(there)))
		return say("UDP");
	return fd;
}

/* Of the tunnel itself (no session), or of its session 1. */
static int pppol2tp(int tunnel, uint16_t session)
{
	const struct sockaddr_pppol2tp a = {
		.sa_family = AF_PPPOX,
		.sa_protocol = PX_PROTO_OL2TP,
		.pppol2tp = { .fd = tunnel,
			      .addr = address(BENCH_LAC),
			      .s_tunnel = bench_tid(session),
			      .d_tunnel = bench_peer_tid(session),
			      .s_session = session,
			      .d_session = session ? bench_peer_sid(session) : 0 },
	};
	int fd = socket(AF_PPPOX, SOCK_DGRAM | SOCK_CLOEXEC, PX_PROTO_OL2TP);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&a, sizeof(a)))
		return say(session ? "session" : "tunnel");
	return fd;
}

/* Its PPP device; what holds it stays open until the process ends. */
static int ppp_device(int session, int *ret_number)
{
	int channel, fd = open("/dev/ppp", O_RDWR | O_CLOEXEC),
		     unit = open("/dev/ppp", O_RDWR | O_CLOEXEC);

	*ret_number = -1;
	if (fd < 0 || unit < 0 || ioctl(session, PPPIOCGCHAN, &channel) ||
	    ioctl(fd, PPPIOCATTCHAN, &channel) || ioctl(unit, PPPIOCNEWUNIT, ret_number) ||
	    ioctl(fd, PPPIOCCONNECT, ret_number))
		return say("/dev/ppp");
	return 0;
}

/* The sum of what leaves by a veth is nobody's to make else. */
static int sums_by_software(const char *device)
{
	struct ethtool_value off = { .cmd = ETHTOOL_STXCSUM };
	struct ifreq r = { .ifr_data = (void *)&off };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), ret;

	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", device);
	ret = fd < 0 || ioctl(fd, SIOCETHTOOL, &r) ? say(device) : 0;
	if (fd >= 0)
		close(fd);
	return ret;
}

int kernel_l2tp(void)
{
	int tunnel = tunnel_socket(), session, number, ret;
	FILE *ip;

	if (tunnel < 0)
		return tunnel;
	ret = pppol2tp(tunnel, 0);
	if (ret < 0)
		return ret;
	session = pppol2tp(tunnel, 1);
	if (session < 0)
		return session;
	ret = ppp_device(session, &number);
	ret = ret ? ret : sums_by_software("out");
	ip = ret ? NULL : popen("ip -batch -", "w");
	if (!ip)
		return ret ? ret : say("ip");
	fprintf(ip,
		"link set ppp%d mtu 1460 addrgenmode none\nlink set ppp%d up\n"
		"route add 10.64.0.0/12 dev ppp%d\nroute add 2001:db8:10::/44 dev ppp%d\n",
		number, number, number, number);
	return pclose(ip) ? -EIO : 0;
}
