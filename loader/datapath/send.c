/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sending. What the end of an event has to say (dp_send_begin to dp_send_end) is collected and
 * leaves by one system call for many datagrams; the slow path's packets leave one by one. UDP
 * may lose what it takes, so that a collected datagram which the kernel refuses afterwards was
 * counted as sent makes no difference; it is counted as refused too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader/datapath/private.h"

#define SEND_LOG_MS 10000
#define TX_BATCH 64
#define TX_ROOM 1600 /* octets of one; what is longer leaves alone */

struct tx_control {
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(sizeof(int))];
	};
};

struct tx_batch {
	struct mmsghdr msgs[TX_BATCH];
	struct iovec iov[TX_BATCH];
	struct sockaddr_storage to[TX_BATCH];
	struct tx_control control[TX_BATCH];
	struct path path[TX_BATCH]; /* for the log */
	struct listener *by; /* of all of them */
	unsigned int n;
	bool open; /* between begin and end */
	uint8_t data[TX_BATCH][TX_ROOM];
};

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) ? -errno : 0;
}

static int sender(const struct listener *l)
{
	return l->lanes[0].fd;
}

static void may_fragment(struct listener *l, bool yes)
{
	if (addr_is_v4(&l->addr)) {
		set(sender(l), SOL_IP, IP_MTU_DISCOVER, yes ? IP_PMTUDISC_DONT : IP_PMTUDISC_PROBE);
		return;
	}
	set(sender(l), SOL_IPV6, IPV6_MTU_DISCOVER, yes ? IPV6_PMTUDISC_WANT : IPV6_PMTUDISC_PROBE);
	set(sender(l), SOL_IPV6, IPV6_DONTFRAG, !yes);
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
	set(sender(l), SOL_SOCKET, SO_NO_CHECK, !yes);
}

static struct listener *listener_of(struct datapath *dp, const struct ipaddr *a)
{
	for (unsigned int i = 0; i < dp->n_listeners; i++)
		if (addr_eq(&dp->listeners[i].addr, a))
			return &dp->listeners[i];
	return NULL;
}

static void failed(struct datapath *dp, const struct path *path, int rc)
{
	char at[PATH_STRLEN];

	if (log_allowed(&dp->send_log, dp_now(), 3, SEND_LOG_MS))
		log_warn(NULL, "sending to %s: %s", endpoint_str(&path->peer, path->peer_port, at),
			 strerror(-rc));
}

/* Everything of *m but what it says. */
static void address(struct msghdr *m, const struct path *path, uint8_t tos,
		    struct sockaddr_storage *to, struct tx_control *control)
{
	bool v4 = addr_is_v4(&path->local);
	struct cmsghdr *c;
	int value = tos;

	m->msg_name = to;
	m->msg_namelen = addr_to_sockaddr(&path->peer, path->peer_port, to);
	m->msg_control = control->room;
	m->msg_controllen = sizeof(control->room);
	c = CMSG_FIRSTHDR(m);
	c->cmsg_level = v4 ? SOL_IP : SOL_IPV6;
	c->cmsg_type = v4 ? IP_TOS : IPV6_TCLASS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &value, sizeof(value));
}

static int send_alone(struct listener *l, const struct path *path, const struct iovec *iov,
		      unsigned int n, const struct send_how *how)
{
	struct msghdr m = { .msg_iov = (struct iovec *)iov, .msg_iovlen = n };
	bool cut = how->fragment && !is_small(l, iov, n);
	struct tx_control control = { 0 };
	struct sockaddr_storage to;
	int rc;

	address(&m, path, how->tos, &to, &control);
	with_checksum(l, how->checksum);
	if (cut)
		may_fragment(l, true);
	rc = sendmsg(sender(l), &m, 0) < 0 ? -errno : 0;
	if (cut)
		may_fragment(l, false);
	return rc;
}

/* ---- many at once -------------------------------------------------------------------------- */

struct tx_batch *tx_batch_new(void)
{
	struct tx_batch *b = calloc(1, sizeof(*b));

	for (unsigned int i = 0; b && i < TX_BATCH; i++) {
		b->msgs[i].msg_hdr.msg_iov = &b->iov[i];
		b->msgs[i].msg_hdr.msg_iovlen = 1;
	}
	return b;
}

static void flush(struct datapath *dp)
{
	struct tx_batch *b = dp->tx;
	unsigned int at = 0;

	if (b->n)
		with_checksum(b->by, true);
	while (at < b->n) {
		int n = sendmmsg(sender(b->by), b->msgs + at, b->n - at, 0);

		if (n > 0) {
			at += (unsigned int)n;
		} else if (n == 0 || errno != EINTR) { /* about the first of them */
			dp_count(dp, DP_SLOW_SEND_FAILED);
			failed(dp, &b->path[at++], n ? -errno : -EIO);
		}
	}
	b->n = 0;
}

/* False: it is not one to be collected. */
static bool collect(struct datapath *dp, struct listener *l, const struct path *path,
		    const struct iovec *iov, unsigned int n, const struct send_how *how)
{
	struct tx_batch *b = dp->tx;
	unsigned int i;
	size_t len = 0;
	bool alone;

	if (!b || !b->open)
		return false;
	alone = !how->checksum || !is_small(l, iov, n); /* less than TX_ROOM */
	if (alone || b->n == TX_BATCH || b->by != l)
		flush(dp); /* those that came before leave before */
	if (alone)
		return false;
	i = b->n++;
	b->by = l;
	for (unsigned int k = 0; k < n; len += iov[k++].iov_len)
		memcpy(b->data[i] + len, iov[k].iov_base, iov[k].iov_len);
	b->iov[i] = (struct iovec){ b->data[i], len };
	b->path[i] = *path;
	address(&b->msgs[i].msg_hdr, path, how->tos, &b->to[i], &b->control[i]);
	return true;
}

void dp_send_begin(struct datapath *dp)
{
	if (dp->tx)
		dp->tx->open = true;
}

void dp_send_end(struct datapath *dp)
{
	if (!dp->tx)
		return;
	flush(dp);
	dp->tx->open = false;
}

/* -------------------------------------------------------------------------------------------- */

int socket_send(struct datapath *dp, const struct path *path, const struct iovec *iov,
		unsigned int n, const struct send_how *how)
{
	struct listener *l = listener_of(dp, &path->local);
	int rc;

	if (!l)
		return -EADDRNOTAVAIL;
	if (collect(dp, l, path, iov, n, how))
		return 0;
	rc = send_alone(l, path, iov, n, how);
	if (rc < 0)
		failed(dp, path, rc);
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
