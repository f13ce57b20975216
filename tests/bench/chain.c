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
#include "tests/bench/frames.h"

/* Addresses as in frames.h. `addrgenmode none`: no link-local addresses, so the host has
 * nothing to say on these links. */
static void veth(FILE *ip, const char *name, int mac, const char *peer, int peer_mac)
{
	fprintf(ip,
		"link add %s address 02:00:00:00:00:%02x type veth peer name %s address "
		"02:00:00:00:00:%02x\n",
		name, (unsigned int)mac, peer, (unsigned int)peer_mac);
	fprintf(ip, "link set %s addrgenmode none\nlink set %s addrgenmode none\n", name, peer);
	fprintf(ip, "link set %s mtu %u up\nlink set %s mtu %u up\n", name, BENCH_MTU, peer,
		BENCH_MTU);
}

static const char routes[] =
	"link set lo up\n"
	"addr add 192.0.2.1/32 dev lo\n"
	"addr add 192.0.2.2/32 dev lo\n"
	"addr add 198.51.100.1/24 dev out\n"
	"addr add 2001:db8:c::1/64 dev out nodad\n"
	"neigh add 198.51.100.2 lladdr 02:00:00:00:00:04 nud permanent dev out\n"
	"neigh add 2001:db8:c::2 lladdr 02:00:00:00:00:04 nud permanent dev out\n"
	"route add 192.0.2.10/32 via 198.51.100.2 dev out\n"
	"route add 203.0.113.0/24 via 198.51.100.2 dev out\n"
	"route add 2001:db8:ffff::/48 via 2001:db8:c::2 dev out\n"
	/* the kernel's own work: addresses as in frames.c */
	"route add 10.80.0.0/12 via 198.51.100.2 dev out\n"
	"route add 2001:db8:20::/44 via 2001:db8:c::2 dev out\n";

static const char vxlan[] =
	"link add vx address 02:00:00:00:00:05 type vxlan id 42 local 192.0.2.1 remote 192.0.2.10 "
	"dstport 4789 ttl 64 noudpcsum nolearning\n"
	"link set vx addrgenmode none\n"
	"link set vx up\n"
	"addr add 100.64.0.1/24 dev vx\n"
	"addr add 2001:db8:64::1/64 dev vx nodad\n"
	"neigh add 100.64.0.2 lladdr 02:00:00:00:00:06 nud permanent dev vx\n"
	"neigh add 2001:db8:64::2 lladdr 02:00:00:00:00:06 nud permanent dev vx\n"
	"route add 10.96.0.0/12 via 100.64.0.2 dev vx\n"
	"route add 2001:db8:30::/44 via 2001:db8:64::2 dev vx\n";

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

static int batch_end(FILE *ip)
{
	int status = pclose(ip);

	if (!status)
		return 0;
	fprintf(stderr, "bench: ip -batch failed (status %d)\n", status);
	return -EIO;
}

static int make_links(unsigned int ways)
{
	FILE *ip = popen("ip -batch -", "w");
	char in[8], us[8];
	unsigned int i;

	if (!ip)
		return -errno;
	for (i = 0; i < ways; i++) {
		snprintf(in, sizeof(in), "in%u", i & 7);
		snprintf(us, sizeof(us), "us%u", i & 7);
		veth(ip, in, MAC_FAR, us, MAC_IN);
	}
	veth(ip, "out", MAC_OUT, "sink", MAC_NEXT);
	fputs(routes, ip);
	return batch_end(ip);
}

int chain_vxlan(void)
{
	FILE *ip = popen("ip -batch -", "w");

	if (!ip)
		return -errno;
	fputs(vxlan, ip);
	return batch_end(ip);
}

static const char *const sysctls[][2] = {
	{ "/proc/sys/net/ipv4/ip_forward", "1" },
	{ "/proc/sys/net/ipv6/conf/all/forwarding", "1" },
	{ "/proc/sys/net/ipv4/conf/all/rp_filter", "0" },
	{ "/proc/sys/net/ipv4/conf/default/rp_filter", "0" },
};

int chain_make(unsigned int ways, struct chain *ret)
{
	struct chain c = { .ways = ways };
	char name[8];
	unsigned int i;
	int r = 0;

	if (unshare(CLONE_NEWNET)) {
		fprintf(stderr, "bench: no network namespace: %s\n", strerror(errno));
		return -errno;
	}
	for (i = 0; i < sizeof(sysctls) / sizeof(sysctls[0]) && !r; i++)
		r = sysctl(sysctls[i][0], sysctls[i][1]);
	if (!r)
		r = make_links(ways);
	if (r)
		return r;
	for (i = 0; i < ways; i++) {
		snprintf(name, sizeof(name), "in%u", i & 7);
		c.in[i] = if_nametoindex(name);
		snprintf(name, sizeof(name), "us%u", i & 7);
		c.us[i] = if_nametoindex(name);
	}
	c.out = if_nametoindex("out");
	c.sink = if_nametoindex("sink");
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
