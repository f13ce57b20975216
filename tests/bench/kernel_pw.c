// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/bench/frames.h"
#include "tests/bench/kernel_pw.h"

#define TRIES 50 /* of 0.1 s: a tunnel's socket is closed some time after it was deleted */

static int end(FILE *batch, const char *what)
{
	int status = pclose(batch);

	if (!status)
		return 0;
	fprintf(stderr, "bench: the kernel's pseudowire: %s: status %d\n", what, status);
	return -EIO;
}

static bool make_tunnel(enum bench_wire wire)
{
	FILE *ip = popen("ip -batch -", "w");

	if (!ip)
		return false;
	fprintf(ip,
		"l2tp add tunnel tunnel_id 1 peer_tunnel_id 1 local 192.0.2.2 remote 192.0.2.10 ");
	if (wire == BENCH_IP4)
		fprintf(ip, "encap ip\n");
	else
		fprintf(ip, "encap udp udp_sport %u udp_dport %u udp_csum %s\n", BENCH_PORT,
			BENCH_PORT, wire == BENCH_UDP4_SUM ? "on" : "off");
	return !pclose(ip);
}

static int make_session(unsigned int way)
{
	FILE *ip = popen("ip -batch -", "w");

	if (!ip)
		return -errno;
	fprintf(ip,
		"l2tp add session name pw tunnel_id 1 session_id %u peer_session_id %u "
		"cookie %016llx peer_cookie %016llx l2spec_type none\n"
		"link set pw mtu 1500 addrgenmode none\nlink set pw up\nlink set pw master "
		"bridge0\nlink set us%u master bridge0\n",
		BENCH_PW_ID + 1, BENCH_PW_PEER_ID + 1, BENCH_PW_PEER_COOKIE, BENCH_PW_COOKIE, way);
	return end(ip, "ip -batch");
}

/* What the bridge would learn by itself, before anything is counted. */
static int tell_bridge(unsigned int way)
{
	FILE *bridge = popen("bridge -batch -", "w");

	if (!bridge)
		return -errno;
	fprintf(bridge,
		"fdb replace 02:00:00:00:01:%02x dev us%u master static\n"
		"fdb replace 02:00:00:00:01:%02x dev pw master static\n",
		(unsigned int)MAC_PW_HERE, way, (unsigned int)MAC_PW_THERE);
	return end(bridge, "bridge -batch");
}

/* Devices made from here on have nothing to say by themselves. */
static int silence(void)
{
	FILE *f = fopen("/proc/sys/net/ipv6/conf/default/disable_ipv6", "we");

	if (!f)
		return errno == ENOENT ? 0 : -errno; /* no IPv6 at all */
	fputs("1", f);
	return fclose(f) ? -errno : 0;
}

static int make_bridge(void)
{
	FILE *ip = popen("ip -batch -", "w");

	if (!ip)
		return -errno;
	fprintf(ip, "link add name bridge0 type bridge mcast_snooping 0\n"
		    "link set bridge0 addrgenmode none\nlink set bridge0 mtu 1500 up\n");
	return end(ip, "bridge");
}

int kernel_pw(enum bench_wire wire, const struct chain *chain)
{
	static bool standing;
	unsigned int way = chain->ways - 1;
	int tries, r = standing ? 0 : silence();

	if (standing && system("ip l2tp del tunnel tunnel_id 1"))
		return -EIO;
	if (!r && !standing)
		r = make_bridge();
	standing = true;
	for (tries = 0; !r && !make_tunnel(wire); tries++) {
		if (tries == TRIES) {
			fprintf(stderr, "bench: the kernel's pseudowire: no tunnel\n");
			return -EBUSY;
		}
		usleep(100000);
	}
	if (!r)
		r = make_session(way);
	return r ? r : tell_bridge(way);
}
