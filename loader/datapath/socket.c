/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sockets: those of the listen addresses (lanes.c receives, send.c sends by the first of
 * each group) and the raw ones, by which ICMP errors to inner senders leave and reports of the
 * path MTU come. A UDP socket is set for data: with DF, and deaf to the kernel's own idea of
 * the path MTU (ours is validated, pmtu.c). For a message that may be cut it is switched for
 * that one message.
 *
 * The UDP sockets have no IP_RECVERR: anybody may forge ICMP errors about what we send, and
 * these would wake the daemon, and take the memory of a lane's queue. Reports come by the raw
 * sockets, through a filter in the kernel that takes what quotes a datagram of ours and nothing
 * else, into a queue of their own, a few at a time.
 */
#include <errno.h>
#include <event2/event.h>
#include <linux/filter.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/datapath/private.h"

#define ICMP_BUFFER (128 << 10)
#define ICMP_BATCH 32 /* reports in one turn of the event loop, then a pause */
#define ICMP_PAUSE_US 50000
#define ICMP_MAX 2048 /* RFC 1812, RFC 4443: no error is longer than 1280 */
#define TOS_ICMP_ERROR 0xc0 /* RFC 1812 section 4.3.2.5 */

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) ? -errno : 0;
}

/* ---- opening --------------------------------------------------------------------------- */

static int bind_failed(int rc, const struct ipaddr *a, uint16_t port, char *err, size_t errlen)
{
	char at[PATH_STRLEN], addr[ADDR_STRLEN];

	endpoint_str(a, port, at);
	addr_str(a, addr);
	switch (rc) {
	case -EADDRINUSE:
		return dp_fail(rc, err, errlen,
			       "%s is taken by another program (xl2tpd, another l2xdpd?)\n"
			       "  find it:  ss -ulnp 'sport = :%u'\n"
			       "  and stop it, or give l2xdpd another address under `listen`",
			       at, port);
	case -EADDRNOTAVAIL:
		return dp_fail(rc, err, errlen,
			       "listen address %s is not on this host\n"
			       "  set it:  ip address add %s/%u dev DEVICE\n"
			       "  or correct `listen`",
			       addr, addr, addr_is_v4(a) ? 32 : 128);
	case -EACCES:
	case -EPERM:
		return dp_fail(rc, err, errlen, "%s: not permitted: start l2xdpd as root", at);
	default:
		return dp_fail(rc, err, errlen, "%s: cannot listen: %s", at, strerror(-rc));
	}
}

/* ICMP 3/4 that quotes, unfragmented, a datagram that we sent from a listen address. */
static int filter4(int fd, const struct dp_config *cfg)
{
	struct sock_filter code[13 + L2X_MAX_LISTEN + 2] = {
		BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0), /* X: length of the outer header */
		BPF_STMT(BPF_LD | BPF_H | BPF_IND, 0), /* type, code */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMP_DEST_UNREACH << 8 | ICMP_FRAG_NEEDED, 1,
			 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_IND, 28), /* quoted ports */
		BPF_STMT(BPF_ALU | BPF_RSH | BPF_K, 16),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, cfg->port, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_LD | BPF_B | BPF_IND, 17), /* quoted protocol */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_IND, 20), /* quoted source */
	};
	struct sock_fprog prog = { 12, code };

	for (unsigned int i = 0; i < cfg->n_listen; i++) {
		uint8_t left = (uint8_t)(cfg->n_listen - i);

		/* an IPv6 address has 0 here, which nobody sends from */
		code[prog.len++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
								addr_v4(&cfg->listen[i]), left, 0);
	}
	code[prog.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
	code[prog.len++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, UINT32_MAX);
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) ? -errno : 0;
}

/* ICMPv6 2/0; the quoted source is compared in pmtu_icmp6. */
static int filter6(int fd, const struct dp_config *cfg)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), /* type, code */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ICMP6_PACKET_TOO_BIG << 8, 0, 5),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 8 + 6), /* quoted protocol */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 8 + 40), /* quoted source port */
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, cfg->port, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) ? -errno : 0;
}

/* They take reports of the path MTU, and nothing else that comes in. */
static int raw_open(struct datapath *dp, char *err, size_t errlen)
{
	struct icmp_filter only4 = { .data = ~(1u << ICMP_DEST_UNREACH) };
	struct icmp6_filter only6;
	int rc;

	dp->icmp4_fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP);
	if (dp->icmp4_fd < 0)
		return dp_fail(-errno, err, errlen, "raw socket for ICMP: %s%s", strerror(errno),
			       errno == EPERM ? ": start l2xdpd as root" : "");
	setsockopt(dp->icmp4_fd, SOL_RAW, ICMP_FILTER, &only4, sizeof(only4));
	set(dp->icmp4_fd, SOL_SOCKET, SO_RCVBUF, ICMP_BUFFER);
	set(dp->icmp4_fd, SOL_IP, IP_TOS, TOS_ICMP_ERROR);
	rc = filter4(dp->icmp4_fd, dp->cfg);
	if (rc < 0)
		return dp_fail(rc, err, errlen, "filter of ICMP: %s", strerror(-rc));
	dp->icmp6_fd = socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	if (dp->icmp6_fd < 0) {
		log_note(NULL, "no IPv6 on this host: %s", strerror(errno));
		return 0;
	}
	ICMP6_FILTER_SETBLOCKALL(&only6);
	ICMP6_FILTER_SETPASS(ICMP6_PACKET_TOO_BIG, &only6);
	setsockopt(dp->icmp6_fd, SOL_ICMPV6, ICMP6_FILTER, &only6, sizeof(only6));
	set(dp->icmp6_fd, SOL_SOCKET, SO_RCVBUF, ICMP_BUFFER);
	rc = filter6(dp->icmp6_fd, dp->cfg);
	return rc < 0 ? dp_fail(rc, err, errlen, "filter of ICMPv6: %s", strerror(-rc)) : 0;
}

int sockets_open(struct datapath *dp, char *err, size_t errlen)
{
	int rc = raw_open(dp, err, errlen);

	if (rc < 0)
		return rc;
	dp->batch = rx_batch_new();
	dp->tx = tx_batch_new();
	if (!dp->batch || !dp->tx)
		return dp_fail(-ENOMEM, err, errlen, "no memory for buffers of the sockets");
	for (unsigned int i = 0; i < dp->cfg->n_listen; i++) {
		dp->n_listeners = i + 1;
		rc = lanes_open(&dp->listeners[i], dp, &dp->cfg->listen[i], dp->cfg->port);
		if (rc < 0)
			return bind_failed(rc, &dp->cfg->listen[i], dp->cfg->port, err, errlen);
	}
	return 0;
}

/* ---- receiving ------------------------------------------------------------------------- */

static void on_icmp(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval pause = { 0, ICMP_PAUSE_US };
	struct datapath *dp = arg;
	uint8_t packet[ICMP_MAX];

	(void)what;
	for (int i = 0; i < ICMP_BATCH; i++) {
		ssize_t n = recv(fd, packet, sizeof(packet), MSG_TRUNC);

		if (n < 0)
			break;
		if ((size_t)n > sizeof(packet))
			continue;
		if (fd == dp->icmp4_fd)
			pmtu_icmp4(dp, packet, (size_t)n);
		else
			pmtu_icmp6(dp, packet, (size_t)n);
	}
	event_add(dp->icmp_pause, &pause);
}

static void on_pause_over(evutil_socket_t fd, short what, void *arg)
{
	struct datapath *dp = arg;

	(void)fd;
	(void)what;
	event_add(dp->icmp4_event, NULL);
	if (dp->icmp6_event)
		event_add(dp->icmp6_event, NULL);
}

int sockets_start(struct datapath *dp)
{
	dp->icmp_pause = event_new(dp->base, -1, 0, on_pause_over, dp);
	dp->icmp4_event = event_new(dp->base, dp->icmp4_fd, EV_READ, on_icmp, dp);
	if (!dp->icmp_pause || !dp->icmp4_event || event_add(dp->icmp4_event, NULL))
		return -ENOMEM;
	if (dp->icmp6_fd >= 0) {
		dp->icmp6_event = event_new(dp->base, dp->icmp6_fd, EV_READ, on_icmp, dp);
		if (!dp->icmp6_event || event_add(dp->icmp6_event, NULL))
			return -ENOMEM;
	}
	return lanes_start(dp);
}

static void event_drop(struct event **e)
{
	if (*e)
		event_free(*e);
	*e = NULL;
}

void sockets_close(struct datapath *dp)
{
	for (unsigned int i = 0; i < dp->n_listeners; i++)
		lanes_close(&dp->listeners[i]);
	event_drop(&dp->drain_event);
	event_drop(&dp->icmp4_event);
	event_drop(&dp->icmp6_event);
	event_drop(&dp->icmp_pause);
	dp->n_listeners = 0;
	if (dp->icmp4_fd >= 0)
		close(dp->icmp4_fd);
	if (dp->icmp6_fd >= 0)
		close(dp->icmp6_fd);
	dp->icmp4_fd = dp->icmp6_fd = -1;
	free(dp->batch);
	free(dp->tx);
	dp->batch = NULL;
	dp->tx = NULL;
}
