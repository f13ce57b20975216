// SPDX-License-Identifier: GPL-2.0-or-later
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/chain.h"

/* Addresses as in frames.h. `addrgenmode none`: no link-local addresses, so the host has
 * nothing to say on these links. */
static const char links[] =
	"link set lo up\n"
	"link add in0 address 02:00:00:00:00:01 type veth peer name in1 address 02:00:00:00:00:02\n"
	"link add out0 address 02:00:00:00:00:03 type veth peer name out1 address "
	"02:00:00:00:00:04\n"
	"link set in0 addrgenmode none\n"
	"link set in1 addrgenmode none\n"
	"link set out0 addrgenmode none\n"
	"link set out1 addrgenmode none\n"
	"link set in0 up\n"
	"link set in1 up\n"
	"link set out0 up\n"
	"link set out1 up\n"
	"addr add 192.0.2.1/32 dev lo\n"
	"addr add 198.51.100.1/24 dev out0\n"
	"addr add 2001:db8:c::1/64 dev out0 nodad\n"
	"neigh add 198.51.100.2 lladdr 02:00:00:00:00:04 nud permanent dev out0\n"
	"neigh add 2001:db8:c::2 lladdr 02:00:00:00:00:04 nud permanent dev out0\n"
	"route add 192.0.2.10/32 via 198.51.100.2 dev out0\n"
	"route add 203.0.113.0/24 via 198.51.100.2 dev out0\n"
	"route add 2001:db8:ffff::/48 via 2001:db8:c::2 dev out0\n";

static int sysctl(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), ret = 0;

	if (fd < 0 || write(fd, value, strlen(value)) < 0) {
		ret = -errno;
		fprintf(stderr, "bench: %s: %s\n", path, strerror(errno));
	}
	if (fd >= 0)
		close(fd);
	return ret;
}

static int make_links(void)
{
	FILE *ip = popen("ip -batch -", "w");
	int status;

	if (!ip)
		return -errno;
	fputs(links, ip);
	status = pclose(ip);
	if (status) {
		fprintf(stderr, "bench: ip -batch failed (status %d)\n", status);
		return -EIO;
	}
	return 0;
}

int chain_make(struct chain *ret)
{
	struct chain c;
	int r;

	if (unshare(CLONE_NEWNET)) {
		fprintf(stderr, "bench: no network namespace: %s\n", strerror(errno));
		return -errno;
	}
	r = make_links();
	if (!r)
		r = sysctl("/proc/sys/net/ipv4/ip_forward", "1");
	if (!r)
		r = sysctl("/proc/sys/net/ipv6/conf/all/forwarding", "1");
	if (r)
		return r;
	c.in0 = if_nametoindex("in0");
	c.in1 = if_nametoindex("in1");
	c.out0 = if_nametoindex("out0");
	c.out1 = if_nametoindex("out1");
	*ret = c;
	return 0;
}

int chain_attach(unsigned int ifindex, int prog_fd)
{
	int r = bpf_xdp_attach((int)ifindex, prog_fd, XDP_FLAGS_DRV_MODE, NULL);

	if (r)
		fprintf(stderr, "bench: attach to interface %u: %s\n", ifindex, strerror(-r));
	return r;
}
