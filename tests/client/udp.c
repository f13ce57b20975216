/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/client/udp.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 64
#define SOCKET_BUFFER (8 << 20)
#define MTU_DEFAULT 1500

struct udp_batch {
	struct mmsghdr rx[BATCH], tx[BATCH];
	struct iovec rx_iov[BATCH], tx_iov[BATCH];
	struct sockaddr_storage rx_from[BATCH], tx_to[BATCH];
	unsigned int n_tx;
	int tx_fd;
	uint64_t lost;
	uint8_t rx_buf[BATCH][UDP_ROOM], tx_buf[BATCH][UDP_ROOM];
};

/* A connected socket that sends nothing tells source address and MTU of the route. */
static int probe_route(struct path *path, unsigned int *ret_mtu)
{
	struct sockaddr_storage to, from;
	socklen_t len = addr_to_sockaddr(&path->peer, path->peer_port, &to);
	socklen_t from_len = sizeof(from), mtu_len = sizeof(int);
	bool v4 = to.ss_family == AF_INET;
	struct ipaddr local;
	uint16_t port;
	int mtu, ret = 0;
	int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&to, len) < 0 ||
	    getsockname(fd, (struct sockaddr *)&from, &from_len) < 0) {
		ret = -errno;
		goto out;
	}
	ret = addr_from_sockaddr((struct sockaddr *)&from, &local, &port);
	if (ret < 0)
		goto out;
	if (!addr_is_set(&path->local))
		path->local = local;
	if (getsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_MTU : IPV6_MTU, &mtu, &mtu_len) <
		    0 ||
	    mtu <= 0)
		mtu = MTU_DEFAULT;
	*ret_mtu = (unsigned int)mtu;
out:
	close(fd);
	return ret;
}

int udp_open(struct path *path, unsigned int *ret_mtu)
{
	struct sockaddr_storage sa;
	socklen_t len;
	struct ipaddr bound;
	int size = SOCKET_BUFFER, fd, ret;

	ret = probe_route(path, ret_mtu);
	if (ret < 0)
		return ret;
	len = addr_to_sockaddr(&path->local, path->local_port, &sa);
	fd = socket(sa.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	/* Beyond the limit of an unprivileged user if we may; less is no error. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
	if (bind(fd, (struct sockaddr *)&sa, len) < 0)
		goto fail;
	len = sizeof(sa);
	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		goto fail;
	ret = addr_from_sockaddr((struct sockaddr *)&sa, &bound, &path->local_port);
	if (ret == 0)
		return fd;
	close(fd);
	return ret;
fail:
	ret = -errno;
	close(fd);
	return ret;
}

int udp_pin_device(int fd, const struct ipaddr *local)
{
	struct ifaddrs *all, *i;
	struct ipaddr a;
	uint16_t port;
	int ret = -ENODEV;

	if (getifaddrs(&all) < 0)
		return -errno;
	for (i = all; i && ret == -ENODEV; i = i->ifa_next) {
		if (!i->ifa_addr || addr_from_sockaddr(i->ifa_addr, &a, &port) < 0 ||
		    !addr_eq(&a, local))
			continue;
		ret = setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, i->ifa_name,
				 (socklen_t)strlen(i->ifa_name));
		if (ret < 0)
			ret = -errno;
	}
	freeifaddrs(all);
	return ret;
}

struct udp_batch *udp_batch_new(void)
{
	struct udp_batch *b = calloc(1, sizeof(*b));

	if (!b)
		return NULL;
	b->tx_fd = -1;
	for (unsigned int i = 0; i < BATCH; i++) {
		b->rx_iov[i] = (struct iovec){ b->rx_buf[i], UDP_ROOM };
		b->rx[i].msg_hdr.msg_iov = &b->rx_iov[i];
		b->rx[i].msg_hdr.msg_iovlen = 1;
		b->rx[i].msg_hdr.msg_name = &b->rx_from[i];
		b->tx[i].msg_hdr.msg_iov = &b->tx_iov[i];
		b->tx[i].msg_hdr.msg_iovlen = 1;
		b->tx[i].msg_hdr.msg_name = &b->tx_to[i];
	}
	return b;
}

void udp_batch_free(struct udp_batch *b)
{
	free(b);
}

int udp_receive(struct udp_batch *b, int fd, const struct path *local, unsigned int rounds,
		udp_fn *fn, void *arg)
{
	while (rounds--) {
		int n;

		for (unsigned int i = 0; i < BATCH; i++)
			b->rx[i].msg_hdr.msg_namelen = sizeof(b->rx_from[i]);
		n = recvmmsg(fd, b->rx, BATCH, MSG_DONTWAIT, NULL);
		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -errno;
		for (int i = 0; i < n; i++) {
			struct path path = *local;

			if (addr_from_sockaddr((struct sockaddr *)&b->rx_from[i], &path.peer,
					       &path.peer_port) < 0 ||
			    (b->rx[i].msg_hdr.msg_flags & MSG_TRUNC))
				continue;
			fn(arg, &path, b->rx_buf[i], b->rx[i].msg_len);
		}
		if (n < BATCH)
			return 0;
	}
	return 0;
}

uint8_t *udp_room(struct udp_batch *b)
{
	if (b->n_tx == BATCH)
		udp_flush(b);
	return b->tx_buf[b->n_tx];
}

void udp_queue(struct udp_batch *b, int fd, const struct path *path, size_t offset, size_t len)
{
	unsigned int i = b->n_tx;

	if (i && b->tx_fd != fd) {
		/* The others go first; the new one is then the first of the next batch. */
		udp_flush(b);
		memcpy(b->tx_buf[0] + offset, b->tx_buf[i] + offset, len);
		i = 0;
	}
	b->tx_fd = fd;
	b->tx_iov[i] = (struct iovec){ b->tx_buf[i] + offset, len };
	b->tx[i].msg_hdr.msg_namelen = addr_to_sockaddr(&path->peer, path->peer_port, &b->tx_to[i]);
	b->n_tx = i + 1;
}

void udp_flush(struct udp_batch *b)
{
	unsigned int at = 0;

	while (at < b->n_tx) {
		int n = sendmmsg(b->tx_fd, b->tx + at, b->n_tx - at, MSG_DONTWAIT);

		if (n > 0) {
			at += (unsigned int)n;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		/* An earlier datagram's ICMP error shows up here once; then the datagram
		 * may go. Else it is lost, as UDP may lose it. */
		if (n < 0 && errno == ECONNREFUSED)
			continue;
		b->lost++;
		at++;
	}
	b->n_tx = 0;
}

uint64_t udp_lost(const struct udp_batch *b)
{
	return b->lost;
}
