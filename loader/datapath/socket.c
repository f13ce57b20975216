/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The UDP sockets, one for each listen address, and the raw sockets that ICMP errors to
 * inner senders leave by. A socket is set for data: with DF, and deaf to the kernel's own
 * idea of the path MTU (ours is validated, pmtu.c). For a message that may be cut it is
 * switched for that one message: while it is, IPv4 drops reports of the path MTU.
 */
#include <errno.h>
#include <event2/event.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/datapath/private.h"

#define BATCH 32 /* datagrams in one turn of the event loop */
#define DATAGRAM_MAX 65536 /* after the kernel's reassembly */
#define RECEIVE_BUFFER (8 << 20)
#define OUTER_TTL 64 /* DP-TX-5 */
#define TOS_ICMP_ERROR 0xc0 /* RFC 1812 section 4.3.2.5 */
#define TENTATIVE_TRIES 40 /* of 100 ms: until an IPv6 address is no duplicate */
#define SEND_LOG_MS 10000
#define CMSG_ROOM 64

struct rx_batch {
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_storage from[BATCH];
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_ROOM];
	} control[BATCH];
	uint8_t data[BATCH][DATAGRAM_MAX];
};

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) ? -errno : 0;
}

/* ---- opening --------------------------------------------------------------------------- */

/* An IPv6 address that has just been set cannot be bound until the kernel knows that no
 * other host has it; a daemon that starts with the machine meets that. */
static int bind_patiently(int fd, const struct ipaddr *a, uint16_t port)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(a, port, &sa);

	for (int tries = 0;; tries++) {
		if (bind(fd, (struct sockaddr *)&sa, len) == 0)
			return 0;
		if (errno != EADDRNOTAVAIL || addr_is_v4(a) || tries == TENTATIVE_TRIES ||
		    !dp_is_own_address(a))
			return -errno;
		usleep(100000);
	}
}

static int set_options(int fd, bool v4)
{
	int rc = 0;

	if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER) < 0)
		set(fd, SOL_SOCKET, SO_RCVBUF, RECEIVE_BUFFER);
	if (v4) {
		rc = rc ?: set(fd, SOL_IP, IP_RECVTOS, 1);
		rc = rc ?: set(fd, SOL_IP, IP_RECVERR, 1);
		rc = rc ?: set(fd, SOL_IP, IP_TTL, OUTER_TTL);
		rc = rc ?: set(fd, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
	} else {
		rc = rc ?: set(fd, SOL_IPV6, IPV6_RECVTCLASS, 1);
		rc = rc ?: set(fd, SOL_IPV6, IPV6_RECVERR, 1);
		rc = rc ?: set(fd, SOL_IPV6, IPV6_UNICAST_HOPS, OUTER_TTL);
		rc = rc ?: set(fd, SOL_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
		rc = rc ?: set(fd, SOL_IPV6, IPV6_DONTFRAG, 1);
	}
	return rc;
}

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

static int listener_open(struct datapath *dp, struct listener *l, const struct ipaddr *a, char *err,
			 size_t errlen)
{
	bool v4 = addr_is_v4(a);
	int rc;

	l->dp = dp;
	l->addr = *a;
	l->checksum = true;
	l->fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (l->fd < 0)
		return dp_fail(-errno, err, errlen, "UDP socket: %s", strerror(errno));
	rc = v4 ? 0 : set(l->fd, SOL_IPV6, IPV6_V6ONLY, 1);
	rc = rc ?: bind_patiently(l->fd, a, dp->cfg->port);
	if (rc < 0)
		return bind_failed(rc, a, dp->cfg->port, err, errlen);
	rc = set_options(l->fd, v4);
	if (rc < 0)
		return dp_fail(rc, err, errlen, "UDP socket options: %s", strerror(-rc));
	return 0;
}

/* They only send: all that would come in is filtered away. */
static int raw_open(struct datapath *dp, char *err, size_t errlen)
{
	struct icmp_filter none4 = { .data = ~0u };
	struct icmp6_filter none6;

	dp->icmp4_fd = socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMP);
	if (dp->icmp4_fd < 0)
		return dp_fail(-errno, err, errlen, "raw socket for ICMP: %s%s", strerror(errno),
			       errno == EPERM ? ": start l2xdpd as root" : "");
	setsockopt(dp->icmp4_fd, SOL_RAW, ICMP_FILTER, &none4, sizeof(none4));
	set(dp->icmp4_fd, SOL_IP, IP_TOS, TOS_ICMP_ERROR);
	dp->icmp6_fd = socket(AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_ICMPV6);
	if (dp->icmp6_fd < 0) {
		log_note(NULL, "no IPv6 on this host: %s", strerror(errno));
		return 0;
	}
	ICMP6_FILTER_SETBLOCKALL(&none6);
	setsockopt(dp->icmp6_fd, SOL_ICMPV6, ICMP6_FILTER, &none6, sizeof(none6));
	return 0;
}

static void batch_init(struct rx_batch *b)
{
	for (unsigned int i = 0; i < BATCH; i++) {
		b->iov[i] = (struct iovec){ b->data[i], DATAGRAM_MAX };
		b->msgs[i].msg_hdr.msg_iov = &b->iov[i];
		b->msgs[i].msg_hdr.msg_iovlen = 1;
		b->msgs[i].msg_hdr.msg_name = &b->from[i];
		b->msgs[i].msg_hdr.msg_control = b->control[i].room;
	}
}

int sockets_open(struct datapath *dp, char *err, size_t errlen)
{
	int rc = raw_open(dp, err, errlen);

	if (rc < 0)
		return rc;
	dp->batch = malloc(sizeof(*dp->batch)); /* pages are taken as datagrams need them */
	if (!dp->batch)
		return dp_fail(-ENOMEM, err, errlen, "no memory for receive buffers");
	memset(dp->batch->msgs, 0, sizeof(dp->batch->msgs));
	batch_init(dp->batch);
	for (unsigned int i = 0; i < dp->cfg->n_listen; i++) {
		dp->n_listeners = i + 1;
		rc = listener_open(dp, &dp->listeners[i], &dp->cfg->listen[i], err, errlen);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- receiving ------------------------------------------------------------------------- */

static uint8_t tos_of(struct msghdr *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		int v;

		if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_TOS)
			return *CMSG_DATA(c);
		if (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_TCLASS) {
			memcpy(&v, CMSG_DATA(c), sizeof(v));
			return (uint8_t)v;
		}
	}
	return 0;
}

static void take(struct listener *l, struct rx_batch *b, unsigned int i)
{
	struct path path = { .local = l->addr, .local_port = l->dp->cfg->port };

	if (b->msgs[i].msg_hdr.msg_flags & MSG_TRUNC)
		return;
	if (addr_from_sockaddr((struct sockaddr *)&b->from[i], &path.peer, &path.peer_port) < 0)
		return;
	slow_in(l->dp, &path, tos_of(&b->msgs[i].msg_hdr), b->data[i], b->msgs[i].msg_len);
}

/* One batch each time: what is left makes the socket ready again, after the others. */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct listener *l = arg;
	struct rx_batch *b = l->dp->batch;
	int n;

	(void)what;
	pmtu_drain(l);
	for (unsigned int i = 0; i < BATCH; i++) {
		b->msgs[i].msg_hdr.msg_namelen = sizeof(b->from[i]);
		b->msgs[i].msg_hdr.msg_controllen = sizeof(b->control[i].room);
	}
	n = recvmmsg(fd, b->msgs, BATCH, 0, NULL);
	for (int i = 0; i < n; i++)
		take(l, b, (unsigned int)i);
}

int sockets_start(struct datapath *dp)
{
	for (unsigned int i = 0; i < dp->n_listeners; i++) {
		struct listener *l = &dp->listeners[i];

		l->event = event_new(dp->base, l->fd, EV_READ | EV_PERSIST, on_readable, l);
		if (!l->event || event_add(l->event, NULL))
			return -ENOMEM;
	}
	return 0;
}

void sockets_close(struct datapath *dp)
{
	for (unsigned int i = 0; i < dp->n_listeners; i++) {
		if (dp->listeners[i].event)
			event_free(dp->listeners[i].event);
		if (dp->listeners[i].fd >= 0)
			close(dp->listeners[i].fd);
	}
	dp->n_listeners = 0;
	if (dp->icmp4_fd >= 0)
		close(dp->icmp4_fd);
	if (dp->icmp6_fd >= 0)
		close(dp->icmp6_fd);
	dp->icmp4_fd = dp->icmp6_fd = -1;
	free(dp->batch);
	dp->batch = NULL;
}

/* ---- sending --------------------------------------------------------------------------- */

static void may_fragment(struct listener *l, bool yes)
{
	if (addr_is_v4(&l->addr)) {
		set(l->fd, SOL_IP, IP_MTU_DISCOVER, yes ? IP_PMTUDISC_DONT : IP_PMTUDISC_PROBE);
		return;
	}
	set(l->fd, SOL_IPV6, IPV6_MTU_DISCOVER, yes ? IPV6_PMTUDISC_WANT : IPV6_PMTUDISC_PROBE);
	set(l->fd, SOL_IPV6, IPV6_DONTFRAG, !yes);
}

/* What every way takes in one piece (RFC 791, RFC 8200 section 5) is sent as it is: nearly
 * all messages, and two system calls less for each. */
static bool is_small(const struct listener *l, const struct iovec *iov, unsigned int n)
{
	size_t len = 0;

	for (unsigned int i = 0; i < n; i++)
		len += iov[i].iov_len;
	return len <= (addr_is_v4(&l->addr) ? 576 - 28 : 1280 - 48);
}

static void with_checksum(struct listener *l, bool yes)
{
	/* DP-CK-1: only IPv4 may go without */
	if (!addr_is_v4(&l->addr) || l->checksum == yes)
		return;
	l->checksum = yes;
	set(l->fd, SOL_SOCKET, SO_NO_CHECK, !yes);
}

static struct listener *listener_of(struct datapath *dp, const struct ipaddr *a)
{
	for (unsigned int i = 0; i < dp->n_listeners; i++)
		if (addr_eq(&dp->listeners[i].addr, a))
			return &dp->listeners[i];
	return NULL;
}

/* An ICMP error that has come for an earlier datagram is reported by the next call, which
 * then has not sent anything: it is made again. */
static int send_again(int fd, const struct msghdr *m)
{
	if (sendmsg(fd, m, 0) >= 0)
		return 0;
	if (errno == EAGAIN || errno == ENOBUFS || sendmsg(fd, m, 0) < 0)
		return -errno;
	return 0;
}

int socket_send(struct datapath *dp, const struct path *path, const struct iovec *iov,
		unsigned int n, const struct send_how *how)
{
	struct listener *l = listener_of(dp, &path->local);
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct sockaddr_storage to;
	struct msghdr m = { .msg_name = &to,
			    .msg_iov = (struct iovec *)iov,
			    .msg_iovlen = n,
			    .msg_control = control.room,
			    .msg_controllen = sizeof(control.room) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);
	int tos = how->tos, rc;
	bool cut;

	if (!l)
		return -EADDRNOTAVAIL;
	cut = how->fragment && !is_small(l, iov, n);
	m.msg_namelen = addr_to_sockaddr(&path->peer, path->peer_port, &to);
	c->cmsg_level = addr_is_v4(&l->addr) ? SOL_IP : SOL_IPV6;
	c->cmsg_type = addr_is_v4(&l->addr) ? IP_TOS : IPV6_TCLASS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &tos, sizeof(tos));
	with_checksum(l, how->checksum);
	if (cut)
		may_fragment(l, true);
	rc = send_again(l->fd, &m);
	if (cut)
		may_fragment(l, false);
	if (rc < 0 && log_allowed(&dp->send_log, dp_now(), 3, SEND_LOG_MS)) {
		char at[PATH_STRLEN];

		log_warn(NULL, "sending to %s: %s", endpoint_str(&path->peer, path->peer_port, at),
			 strerror(-rc));
	}
	return rc;
}

/* The kernel chooses the source: an address by which the receiver's way leads. */
int socket_icmp(struct datapath *dp, const struct inner *about, const uint8_t *msg, size_t len)
{
	int fd = about->v6 ? dp->icmp6_fd : dp->icmp4_fd;
	struct sockaddr_storage to;
	socklen_t tolen = addr_to_sockaddr(&about->src, 0, &to);

	if (fd < 0)
		return -EAFNOSUPPORT;
	return sendto(fd, msg, len, 0, (struct sockaddr *)&to, tolen) < 0 ? -errno : 0;
}
