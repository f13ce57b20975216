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
	fprintf(ip, "link set %s up\nlink set %s up\n", name, peer);
}

static const char routes[] =
	"link set lo up\n"
	"addr add 192.0.2.1/32 dev lo\n"
	"addr add 198.51.100.1/24 dev out\n"
	"addr add 2001:db8:c::1/64 dev out nodad\n"
	"neigh add 198.51.100.2 lladdr 02:00:00:00:00:04 nud permanent dev out\n"
	"neigh add 2001:db8:c::2 lladdr 02:00:00:00:00:04 nud permanent dev out\n"
	"route add 192.0.2.10/32 via 198.51.100.2 dev out\n"
	"route add 203.0.113.0/24 via 198.51.100.2 dev out\n"
	"route add 2001:db8:ffff::/48 via 2001:db8:c::2 dev out\n";

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

static int make_links(unsigned int ways)
{
	FILE *ip = popen("ip -batch -", "w");
	char in[8], us[8];
	unsigned int i;
	int status;

	if (!ip)
		return -errno;
	for (i = 0; i < ways; i++) {
		snprintf(in, sizeof(in), "in%u", i & 7);
		snprintf(us, sizeof(us), "us%u", i & 7);
		veth(ip, in, MAC_FAR, us, MAC_IN);
	}
	veth(ip, "out", MAC_OUT, "sink", MAC_NEXT);
	fputs(routes, ip);
	status = pclose(ip);
	if (status) {
		fprintf(stderr, "bench: ip -batch failed (status %d)\n", status);
		return -EIO;
	}
	return 0;
}

int chain_make(unsigned int ways, struct chain *ret)
{
	struct chain c = { .ways = ways };
	char name[8];
	unsigned int i;
	int r;

	if (unshare(CLONE_NEWNET)) {
		fprintf(stderr, "bench: no network namespace: %s\n", strerror(errno));
		return -errno;
	}
	r = make_links(ways);
	if (!r)
		r = sysctl("/proc/sys/net/ipv4/ip_forward", "1");
	if (!r)
		r = sysctl("/proc/sys/net/ipv6/conf/all/forwarding", "1");
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
