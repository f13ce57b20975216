/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What stands in the way of the fast path on a device, and the command that mends it. Only
 * asks, never changes. Each check is a function that adds what it finds.
 */
#include <errno.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <netlink/netlink.h>
#include <netlink/route/link.h>

#include <bpf/libbpf.h>

#include "loader/datapath/ethtool.h"
#include "loader/datapath/pw_private.h"

struct flight {
	const char *name;
	int fd;
	char driver[32];
	unsigned int mtu;
	struct dp_finding *findings;
	int n;
};

/* Drivers with native XDP up to Linux 6.18, and the largest MTU they take with it in
 * frames of one buffer (0: depends on the NIC's generation; the driver tells at attach). */
static const struct {
	const char *driver;
	unsigned int mtu;
} xdp_drivers[] = {
	{ "veth", 3506 },
	{ "virtio_net", 3506 },
	{ "ena", 3498 },
	{ "gve", 2030 },
	{ "ixgbe", 3058 },
	{ "ixgbevf", 3058 },
	{ "i40e", 3046 },
	{ "ice", 3046 },
	{ "igb", 3046 },
	{ "igc", 3046 },
	{ "mlx5_core", 3498 },
	{ "mlx4_en", 3498 },
	{ "bnxt_en", 3502 },
	{ "tun", 3520 },
	{ "hv_netvsc", 3506 },
	{ "mana", 3506 },
	{ "nfp", 0 },
	{ "qede", 3500 },
	{ "sfc", 0 },
	{ "sfc_siena", 0 },
	{ "thunder-nic", 1500 },
	{ "mvneta", 3506 },
	{ "mvpp2", 3506 },
	{ "stmmac", 1500 },
	{ "cpsw", 1500 },
	{ "am65-cpsw-nuss", 1500 },
	{ "dpaa2-eth", 3506 },
	{ "dpaa_eth", 3506 },
	{ "enetc", 1500 },
	{ "fec", 1500 },
	{ "lan966x", 0 },
	{ "bonding", 0 },
	{ "vmxnet3", 3500 },
	{ "octeontx2-nicpf", 1500 },
	{ "mtk_soc_eth", 1500 },
	{ "tsnep", 0 },
	{ "netvsc", 3506 },
	{ "xen-netfront", 3506 },
	{ "idpf", 0 },
};

static void find(struct flight *f, enum dp_finding_level level, const char *remedy, const char *fmt,
		 ...) __attribute__((format(printf, 4, 5)));
static void find(struct flight *f, enum dp_finding_level level, const char *remedy, const char *fmt,
		 ...)
{
	struct dp_finding *d;
	va_list ap;

	if (f->n == DP_MAX_FINDINGS)
		return;
	d = &f->findings[f->n++];
	d->level = level;
	d->of_routers = false;
	va_start(ap, fmt);
	vsnprintf(d->what, sizeof(d->what), fmt, ap);
	va_end(ap);
	snprintf(d->remedy, sizeof(d->remedy), "%s", remedy);
}

/* A command with the device's name in it; good until the next call. */
static const char *command(const struct flight *f, const char *fmt)
{
	static char text[160];

	snprintf(text, sizeof(text), fmt, f->name);
	return text;
}

static int ethtool(const struct flight *f, void *data)
{
	return ethtool_ask(f->fd, f->name, data);
}

/* ---- driver -------------------------------------------------------------------------------- */

static void check_mtu(struct flight *f, unsigned int limit)
{
	char remedy[160];

	snprintf(remedy, sizeof(remedy), "ip link set dev %s mtu %u", f->name, limit);
	if (limit && f->mtu > limit)
		find(f, DP_WARN, remedy, "MTU %u is more than driver %s takes with XDP (about %u)",
		     f->mtu, f->driver, limit);
}

/* A TUN device has the driver of a TAP device, which is one of the listed. */
static bool carries_ethernet(const struct flight *f)
{
	struct ifreq ifr = { 0 };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", f->name);
	return ioctl(f->fd, SIOCGIFHWADDR, &ifr) || ifr.ifr_hwaddr.sa_family == ARPHRD_ETHER;
}

static void check_driver(struct flight *f)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };

	if (ethtool(f, &info) < 0 || !info.driver[0]) {
		find(f, DP_WARN, "", "no driver tells its name here: native XDP is unlikely");
		return;
	}
	snprintf(f->driver, sizeof(f->driver), "%s", info.driver);
	if (!carries_ethernet(f)) {
		find(f, DP_WARN, "",
		     "it carries no Ethernet frames, so XDP has no place in it: take it out of "
		     "`interfaces`, or leave it to the slow path with `mode: auto`");
		return;
	}
	for (size_t i = 0; i < sizeof(xdp_drivers) / sizeof(xdp_drivers[0]); i++) {
		if (strcmp(xdp_drivers[i].driver, info.driver) != 0)
			continue;
		find(f, DP_OK, "", "driver %s has native XDP", info.driver);
		check_mtu(f, xdp_drivers[i].mtu);
		return;
	}
	find(f, DP_WARN, "",
	     "driver %s is not known to have native XDP: set `mode: generic` "
	     "or let the slow path carry this device",
	     info.driver);
}

static void check_veth_elsewhere(struct flight *f)
{
	find(f, DP_NOTE,
	     "ip link set dev PEER xdpdrv object FILE   (PEER: the other end, in its namespace)",
	     "veth: without an XDP program at the other end (one that passes) it loses frames");
	find(f, DP_NOTE, "ethtool -K PEER tx off",
	     "veth: a stack at the other end must compute its checksums itself");
}

/* The other end, where it is in this namespace too. */
static bool find_peer(const struct flight *f, char ret[IFNAMSIZ])
{
	struct pw_ns here;
	struct rtnl_link *l, *peer = NULL;
	int32_t elsewhere;

	if (pw_ns_open("", &here) < 0)
		return false;
	l = pw_ns_link(&here, f->name, 0);
	if (l && rtnl_link_get_link(l) > 0 && rtnl_link_get_link_netnsid(l, &elsewhere) < 0)
		peer = pw_ns_link(&here, NULL, (unsigned int)rtnl_link_get_link(l));
	if (peer)
		snprintf(ret, IFNAMSIZ, "%s", rtnl_link_get_name(peer));
	if (peer)
		rtnl_link_put(peer);
	if (l)
		rtnl_link_put(l);
	pw_ns_close(&here);
	return peer != NULL;
}

static bool has_program(const char *device)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, q);

	return bpf_xdp_query((int)if_nametoindex(device), 0, &q) == 0 && q.drv_prog_id;
}

/* As what we make ourselves has them (pw_create.c). */
static void check_veth_here(struct flight *f, const char *name, const struct features *peer)
{
	const struct flight at_peer = { .name = name };

	if (!has_program(name) && features_on(peer, "rx-gro"))
		find(f, DP_NOTE, "",
		     "veth: %s has GRO on and no XDP program: frames that come in by %s and leave "
		     "by it again are lost",
		     name, f->name);
	else if (!has_program(name))
		find(f, DP_WARN, command(&at_peer, "ethtool -K %s gro on"),
		     "veth: %s, the other end, has neither GRO on nor an XDP program: frames that "
		     "are redirected to %s are lost",
		     name, f->name);
	if (features_on(peer, "tx-checksum-ip-generic"))
		find(f, DP_WARN, command(&at_peer, "ethtool -K %s tx off"),
		     "veth: %s, the other end, leaves checksums to be computed, and nobody does",
		     name);
	if (features_on(peer, "tx-vlan-hw-insert"))
		find(f, DP_NOTE, command(&at_peer, "ethtool -K %s txvlan off"),
		     "veth: VLAN tags that are put on at %s travel beside the frame: circuits by "
		     "tag do not see them",
		     name);
}

/* A veth hands redirected frames to its peer only if that has NAPI: a program, or GRO, which
 * is not enough for frames that leave by the veth they came in on. */
static void check_veth(struct flight *f)
{
	struct features *peer;
	char name[IFNAMSIZ];

	if (strcmp(f->driver, "veth") != 0)
		return;
	peer = calloc(1, sizeof(*peer));
	if (peer && find_peer(f, name) && ethtool_features(f->fd, name, peer))
		check_veth_here(f, name, peer);
	else
		check_veth_elsewhere(f);
	free(peer);
}

/* A machine behind a TAP may leave checksums and segments to the host, which a program does not
 * mend. Who has it open says so, and that cannot be seen here. */
static void check_tap(struct flight *f)
{
	if (strcmp(f->driver, "tun") == 0 && carries_ethernet(f))
		find(f, DP_NOTE, "QEMU: -device virtio-net-pci,csum=off,gso=off,guest_csum=off,...",
		     "TAP: the machine that has it must compute its checksums itself");
}

/* ---- queues -------------------------------------------------------------------------------- */

static void check_queues(struct flight *f)
{
	struct ethtool_channels c = { .cmd = ETHTOOL_GCHANNELS };
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned int now, max;
	char remedy[160];

	if (ethtool(f, &c) < 0 || cpus < 1)
		return;
	now = c.combined_count + c.rx_count;
	max = c.max_combined + c.max_rx;
	snprintf(remedy, sizeof(remedy), "ethtool -L %s combined %ld", f->name,
		 cpus < (long)c.max_combined ? cpus : (long)c.max_combined);
	if (now < cpus && now < max && c.max_combined)
		find(f, DP_NOTE, remedy, "%u of %u receive queues are used on %ld CPUs", now, max,
		     cpus);
	/* virtio_net and ena want a transmit queue of their own for each CPU. */
	if ((strcmp(f->driver, "virtio_net") == 0 || strcmp(f->driver, "ena") == 0) &&
	    c.combined_count * 2 > c.max_combined) {
		snprintf(remedy, sizeof(remedy), "ethtool -L %s combined %u", f->name,
			 c.max_combined > 1 ? c.max_combined / 2 : 1);
		find(f, DP_WARN, c.max_combined > 1 ? remedy : "",
		     "driver %s needs as many queues again for XDP: %u of %u are taken", f->driver,
		     c.combined_count, c.max_combined);
	}
}

/* NICs whose flow director compares two octets anywhere in a frame, and so finds our session ID
 * in a data message without Length over IPv4. What they call the place differs: i40e counts from
 * the payload of UDP on, ice and iavf from the frame's start. A rule is for one session. */
static void check_placing(struct flight *f)
{
	static const struct {
		const char *driver, *place;
	} able[] = { { "i40e", "0x4" }, { "ice", "0x2e" }, { "iavf", "0x2e" } };
	char remedy[sizeof(f->findings->remedy)];

	for (size_t i = 0; i < sizeof(able) / sizeof(able[0]); i++) {
		if (strcmp(f->driver, able[i].driver) != 0)
			continue;
		snprintf(
			remedy, sizeof(remedy),
			"ethtool -N %s flow-type udp4 dst-port 1701 user-def %sSSSS action QUEUE   "
			"(SSSS: session ID, 4 hex digits)",
			f->name, able[i].place);
		find(f, DP_NOTE, remedy,
		     "driver %s can put a heavy session on a queue of its own (ntuple; data "
		     "without Length); for all of them there is `datapath: workers`",
		     f->driver);
	}
	if (strcmp(f->driver, "mlx5_core") == 0)
		find(f, DP_NOTE, "",
		     "driver mlx5_core cannot tell L2TPv2 sessions apart (it knows no octets "
		     "beyond UDP's header): `datapath: workers` does");
}

/* ---- offloads ------------------------------------------------------------------------------ */

static void check_offloads(struct flight *f)
{
	static const struct {
		const char *feature, *what, *remedy;
		enum dp_finding_level level;
	} bad[] = {
		{ "rx-lro", "LRO joins packets before XDP sees them", "ethtool -K %s lro off",
		  DP_WARN },
		{ "rx-gro-hw", "GRO in the NIC joins packets before XDP sees them",
		  "ethtool -K %s rx-gro-hw off", DP_WARN },
		{ "rx-vlan-hw-parse",
		  "the NIC takes VLAN tags off before XDP sees them: circuits by tag get nothing",
		  "ethtool -K %s rxvlan off", DP_NOTE },
	};
	struct features *list = calloc(1, sizeof(*list));

	if (!list || !ethtool_features(f->fd, f->name, list)) {
		free(list);
		return;
	}
	for (size_t k = 0; k < sizeof(bad) / sizeof(bad[0]); k++)
		if (features_on(list, bad[k].feature) && strcmp(f->driver, "veth") != 0)
			find(f, bad[k].level, command(f, bad[k].remedy), "%s", bad[k].what);
	free(list);
}

/* ---- the kernel's settings ----------------------------------------------------------------- */

static long read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	long v = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%ld", &v) != 1)
		v = -1;
	fclose(file);
	return v;
}

static void check_forwarding(struct flight *f)
{
	char path[128];
	long rp_all = read_number("/proc/sys/net/ipv4/conf/all/rp_filter"), rp;
	int first = f->n;

	if (read_number("/proc/sys/net/ipv4/ip_forward") == 0)
		find(f, DP_WARN, "sysctl -w net.ipv4.ip_forward=1",
		     "this host does not forward IPv4");
	if (read_number("/proc/sys/net/ipv6/conf/all/forwarding") == 0)
		find(f, DP_WARN, "sysctl -w net.ipv6.conf.all.forwarding=1",
		     "this host does not forward IPv6");
	while (first < f->n)
		f->findings[first++].of_routers = true;
	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", f->name);
	rp = read_number(path);
	if (rp == 1 || (rp != 2 && rp_all == 1)) {
		char remedy[160];

		snprintf(remedy, sizeof(remedy), "sysctl -w net.ipv4.conf.%s.rp_filter=2", f->name);
		find(f, DP_NOTE, remedy,
		     "strict reverse path filter: the slow path loses what takes another way back");
	}
}

/* ---- the link ------------------------------------------------------------------------------ */

static void check_link(struct flight *f)
{
	struct ifreq ifr = { 0 };
	char path[128], target[128];
	ssize_t n;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", f->name);
	if (ioctl(f->fd, SIOCGIFMTU, &ifr) == 0)
		f->mtu = (unsigned int)ifr.ifr_mtu;
	if (ioctl(f->fd, SIOCGIFFLAGS, &ifr) == 0 && !(ifr.ifr_flags & IFF_UP))
		find(f, DP_WARN, command(f, "ip link set dev %s up"), "the device is down");
	snprintf(path, sizeof(path), "/sys/class/net/%s/master", f->name);
	n = readlink(path, target, sizeof(target) - 1);
	if (n > 0) {
		const char *master;

		target[n] = '\0';
		master = strrchr(target, '/') ? strrchr(target, '/') + 1 : target;
		find(f, DP_WARN, command(f, "ip link set dev %s nomaster"),
		     "it belongs to %s (bridge, bond or VRF): addresses and routes are there, and "
		     "XDP is here",
		     master);
	}
	snprintf(path, sizeof(path), "/proc/net/vlan/%s", f->name);
	if (access(path, F_OK) == 0)
		find(f, DP_WARN, "",
		     "a VLAN device has no XDP of its own: name the device below it");
}

int dp_preflight(const char *ifname, struct dp_finding ret[DP_MAX_FINDINGS])
{
	struct flight f = { .name = ifname, .findings = ret };

	if (strlen(ifname) >= IFNAMSIZ || !if_nametoindex(ifname))
		return -ENODEV;
	f.fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (f.fd < 0)
		return -errno;
	check_link(&f);
	check_driver(&f);
	check_veth(&f);
	check_tap(&f);
	check_queues(&f);
	check_placing(&f);
	check_offloads(&f);
	check_forwarding(&f);
	if (access("/sys/kernel/btf/vmlinux", R_OK))
		find(&f, DP_FATAL, "",
		     "this kernel has no type information "
		     "(/sys/kernel/btf/vmlinux): XDP programs cannot be loaded");
	close(f.fd);
	return f.n;
}
