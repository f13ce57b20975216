/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sending. What the end of an event has to say (dp_send_begin to dp_send_end) is collected and
 * leaves by one system call for many datagrams, those of a kind in one piece (bunches.h); the slow
 * path's packets leave one by one. UDP may lose what it takes, so that a collected datagram which
 * the kernel refuses afterwards was counted as sent makes no difference; it is counted as refused too.
 */
#include <errno.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <string.h>

#include "loader/datapath/bunches.h"
#include "loader/datapath/private.h"

#define SEND_LOG_MS 10000
#define ALONE_MS 60000 /* without bunches, when the kernel would not part one */
#define TX_ROOM 1600 /* octets of one; what is longer leaves alone */

/* The type of service, and for a bunch the length of each of its datagrams. */
struct tx_control {
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(uint16_t))];
	};
};

struct tx_batch {
	struct bunches bunches;
	struct listener *by; /* of all of them */
	bool open; /* between begin and end */
	/* of each bunch */
	struct mmsghdr msgs[BUNCHES_MAX];
	struct sockaddr_storage to[BUNCHES_MAX];
	struct tx_control control[BUNCHES_MAX];
	/* of each datagram, bunch by bunch; and as they came */
	struct iovec iov[BUNCHES_MAX];
	uint8_t data[BUNCHES_MAX][TX_ROOM];
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

	if (dp->ops && dp->ops->unsent)
		dp->ops->unsent(dp->ctx, path, rc);
	if (log_allowed(&dp->send_log, dp_now(), 3, SEND_LOG_MS))
		log_warn(NULL, "sending to %s: %s", endpoint_str(&path->peer, path->peer_port, at),
			 strerror(-rc));
}

static void put_control(struct msghdr *m, int level, int type, const void *value, size_t len)
{
	struct cmsghdr *c = (struct cmsghdr *)((uint8_t *)m->msg_control + m->msg_controllen);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), value, len);
	m->msg_controllen += CMSG_SPACE(len);
}

/* Everything of *m but what it says. */
static void address(struct msghdr *m, const struct path *path, uint8_t tos,
		    struct sockaddr_storage *to, struct tx_control *control)
{
	bool v4 = addr_is_v4(&path->local);
	int value = tos;

	m->msg_name = to;
	m->msg_namelen = addr_to_sockaddr(&path->peer, path->peer_port, to);
	m->msg_control = control->room;
	m->msg_controllen = 0;
	put_control(m, v4 ? SOL_IP : SOL_IPV6, v4 ? IP_TOS : IPV6_TCLASS, &value, sizeof(value));
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
	return calloc(1, sizeof(struct tx_batch));
}

/* The datagrams of b->iov[from] and on, in one message or one in each. */
static void put_message(struct tx_batch *b, unsigned int at, const struct datagram *d,
			unsigned int from, unsigned int n)
{
	struct msghdr *m = &b->msgs[at].msg_hdr;

	address(m, &d->path, d->tos, &b->to[at], &b->control[at]);
	if (n > 1)
		put_control(m, SOL_UDP, UDP_SEGMENT, &d->len, sizeof(d->len));
	m->msg_iov = &b->iov[from];
	m->msg_iovlen = n;
}

/* A message for each bunch. */
static void put_messages(struct tx_batch *b)
{
	unsigned int from[BUNCHES_MAX], at = 0;
	const struct bunches *bs = &b->bunches;

	for (unsigned int i = 0; i < bs->n_bunches; at += bs->count[i++]) {
		put_message(b, i, &bs->of[bs->first[i]], at, bs->count[i]);
		from[i] = at;
	}
	for (unsigned int i = 0; i < bs->n; i++)
		b->iov[from[bs->bunch[i]]++] = (struct iovec){ b->data[i], bs->of[i].len };
}

static void refused(struct datapath *dp, const struct path *path, int rc)
{
	dp_count(dp, DP_SLOW_SEND_FAILED);
	failed(dp, path, rc);
}

/* Number `i` of a bunch. */
static int send_member(struct tx_batch *b, unsigned int bunch, unsigned int i)
{
	const struct datagram *d = &b->bunches.of[b->bunches.first[bunch]];
	struct msghdr m = { .msg_iov = b->msgs[bunch].msg_hdr.msg_iov + i, .msg_iovlen = 1 };

	address(&m, &d->path, d->tos, &b->to[bunch], &b->control[bunch]);
	return sendmsg(sender(b->by), &m, 0) < 0 ? -errno : 0;
}

/* The kernel parts no bunch on a way without checksums by the device (before 6.11), or through
 * IPsec; and it takes nothing at all on some ways. */
static void bunch_refused(struct datapath *dp, unsigned int bunch, int rc)
{
	const struct bunches *bs = &dp->tx->bunches;
	const struct path *path = &bs->of[bs->first[bunch]].path;
	bool bunched = bs->count[bunch] > 1, cannot = rc == -EIO || rc == -EINVAL;

	for (unsigned int i = 0; i < bs->count[bunch]; i++) {
		if (bunched)
			rc = send_member(dp->tx, bunch, i);
		if (rc < 0)
			refused(dp, path, rc);
		else if (cannot)
			dp->tx->by->alone_until = dp_now() + ALONE_MS;
	}
}

static void flush(struct datapath *dp)
{
	struct tx_batch *b = dp->tx;
	unsigned int at = 0;

	if (!b->bunches.n)
		return;
	with_checksum(b->by, true);
	put_messages(b);
	while (at < b->bunches.n_bunches) {
		int n = sendmmsg(sender(b->by), b->msgs + at, b->bunches.n_bunches - at, 0);

		if (n > 0)
			at += (unsigned int)n;
		else if (n == 0 || errno != EINTR) /* about the first of them */
			bunch_refused(dp, at++, n ? -errno : -EIO);
	}
	b->bunches.n = b->bunches.n_bunches = 0;
}

/* False: it is not one to be collected. */
static bool collect(struct datapath *dp, struct listener *l, const struct path *path,
		    const struct iovec *iov, unsigned int n, const struct send_how *how)
{
	struct datagram d = { .path = *path, .session = how->session, .tos = how->tos };
	struct tx_batch *b = dp->tx;
	uint8_t *data;
	bool alone;

	if (!b || !b->open)
		return false;
	alone = !how->checksum || !is_small(l, iov, n); /* less than TX_ROOM */
	if (alone || b->bunches.n == BUNCHES_MAX || b->by != l)
		flush(dp); /* those that came before leave before */
	if (alone)
		return false;
	b->by = l;
	data = b->data[b->bunches.n];
	for (unsigned int k = 0; k < n; d.len += (uint16_t)iov[k++].iov_len)
		memcpy(data + d.len, iov[k].iov_base, iov[k].iov_len);
	bunches_add(&b->bunches, &d, l->alone_until && dp_now() < l->alone_until);
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

/* Directly over IP: protocol 115. */
static int send_raw(const struct listener *l, const struct path *path, const struct iovec *iov,
		    unsigned int n, uint8_t tos)
{
	struct msghdr m = { .msg_iov = (struct iovec *)iov, .msg_iovlen = n };
	struct tx_control control = { 0 };
	struct sockaddr_storage to;

	if (l->lanes[LANE_RAW].fd < 0)
		return -EPROTONOSUPPORT;
	address(&m, path, tos, &to, &control);
	return sendmsg(l->lanes[LANE_RAW].fd, &m, 0) < 0 ? -errno : 0;
}

int socket_send(struct datapath *dp, const struct path *path, const struct iovec *iov,
		unsigned int n, const struct send_how *how)
{
	struct listener *l = listener_of(dp, &path->local);
	bool raw = !path->local_port && !path->peer_port;
	int rc;

	if (!l)
		return -EADDRNOTAVAIL;
	if (!raw && collect(dp, l, path, iov, n, how))
		return 0;
	rc = raw ? send_raw(l, path, iov, n, how->tos) : send_alone(l, path, iov, n, how);
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
