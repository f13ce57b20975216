/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lanes of a listen address: four UDP sockets of one SO_REUSEPORT group, between which a
 * small program in the kernel chooses by the datagram's first octets; and two raw ones where a
 * pseudowire has no UDP, each with a filter.
 *
 *   urgent    control messages of at most 20 octets (version 3: 74), with a tunnel ID:
 *             acknowledgements and Hello, without which a peer takes us for dead
 *   control   other control messages with a tunnel ID: those of control connections
 *   data      PPP, and what XDP leaves to the slow path
 *   contact   SCCRQ (tunnel ID 0), and what is malformed
 *   raw       IP protocol 115: what XDP leaves of pseudowires directly over IP; control
 *             messages apart, so that no flood of data pushes them out
 *
 * Each has a queue of its own, so none can push another's datagrams out, and each turn of the
 * event loop takes a batch of each, in this order (on_drain). The batches are shares too: a
 * flood in one lane costs the others the time of its batch and no more, and even contact gets
 * its few in each turn. What a batch leaves makes its socket ready again.
 *
 * The kernel's order of a group's sockets is that in which they were bound. The first one is
 * bound without SO_REUSEPORT, which fails when anybody else has the address, another l2xdpd
 * of this user too; then it is made the group's first. Somebody with our user ID might join
 * the group after that, but the selector never chooses a fifth socket. If it names one that
 * is not there, the kernel chooses any of the others: that costs order, nothing else.
 */
#include <errno.h>
#include <event2/event.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/datapath/private.h"
#include "loader/l2tp/header.h"

#define PROTO_L2TP 115 /* RFC 3931 section 4.1.1 */
#define DATAGRAM_MAX 65536 /* after the kernel's reassembly */
#define BATCH 256 /* the largest of all lanes */
#define OUTER_TTL 64 /* DP-TX-5 */
#define TENTATIVE_TRIES 40 /* of 100 ms: until an IPv6 address is no duplicate */
#define CMSG_ROOM 64
#define CONTROL_MASK 0xcb0f /* T, L, S, O, P and version ... */
#define CONTROL_BITS 0xc802 /* ... of a control message (V2-HDR-5) */
#define CONTROL3_MASK 0xc80f /* of these ... */
#define CONTROL3_BITS 0xc803 /* ... of one of version 3 (V3-HDR-4) */
#define CONTROL_HEADER 12
#define URGENT_MAX 20 /* a header and one AVP, the Message Type */
#define URGENT3_MAX (URGENT_MAX + 2 * 27) /* ... and digests by both secrets (V3-AUTH-5) */
#define ZEROS 4 /* octets before a message of version 3 */
#define DATA_MIN 6

static const struct {
	unsigned int batch; /* datagrams in a turn */
	int buffer; /* octets */
	enum dp_slow_counter dropped;
} lanes[ALL_LANES] = {
	[LANE_URGENT] = { 64, 4 << 20, DP_SLOW_QUEUE_URGENT_DROPPED },
	[LANE_CONTROL] = { 128, 8 << 20, DP_SLOW_QUEUE_CONTROL_DROPPED },
	[LANE_DATA] = { 256, 8 << 20, DP_SLOW_QUEUE_DATA_DROPPED },
	[LANE_CONTACT] = { 8, 2 << 20, DP_SLOW_QUEUE_CONTACT_DROPPED },
	[LANE_RAW_CONTROL] = { 64, 4 << 20, DP_SLOW_QUEUE_RAW_DROPPED },
	[LANE_RAW] = { 256, 8 << 20, DP_SLOW_QUEUE_RAW_DROPPED },
};

struct rx_batch {
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	struct sockaddr_storage from[BATCH];
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_ROOM];
	} control[BATCH];
	uint8_t data[BATCH][DATAGRAM_MAX]; /* pages are taken as datagrams need them */
};

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) ? -errno : 0;
}

/* ---- opening --------------------------------------------------------------------------- */

/* Offsets are from the UDP payload, X is where the message begins; a load beyond its end would choose
 * lane 0. */
static int select_lane(int fd)
{
	struct sock_filter code[] = {
		/*  0 */ BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		/*  1 */ BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, DATA_MIN, 0, 26), /* contact */
		/*  2 */ BPF_STMT(BPF_LDX | BPF_IMM, 0),
		/*  3 */ BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		/*  4 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 3), /* flags */
		/*  5 */ BPF_STMT(BPF_LDX | BPF_IMM, ZEROS), /* */
		/*  6 */ BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		/*  7 */ BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, ZEROS + DATA_MIN, 0, 20), /* contact */
		/*  8 */ BPF_STMT(BPF_LD | BPF_H | BPF_IND, 0),
		/*  9 */ BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, L2TP_F_T, 0, 19), /* data */
		/* 10 */ BPF_STMT(BPF_ALU | BPF_AND | BPF_K, CONTROL_MASK),
		/* 11 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CONTROL_BITS, 8, 0), /* v2 */
		/* 12 */ BPF_STMT(BPF_ALU | BPF_AND | BPF_K, CONTROL3_MASK),
		/* 13 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, CONTROL3_BITS, 0, 14), /* contact */
		/* 14 */ BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		/* 15 */ BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, CONTROL_HEADER, 0, 12), /* contact */
		/* 16 */ BPF_STMT(BPF_LD | BPF_W | BPF_IND, 4),
		/* 17 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 10, 0), /* contact */
		/* 18 */ BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		/* 19 */
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, URGENT3_MAX, 7, 6), /* control, urgent */
		/* 20 */ BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		/* 21 */ BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, CONTROL_HEADER, 0, 6), /* contact */
		/* 22 */ BPF_STMT(BPF_LD | BPF_H | BPF_IND, 4),
		/* 23 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 4, 0), /* contact */
		/* 24 */ BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0),
		/* 25 */ BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, URGENT_MAX, 1, 0), /* control */
		/* 26 */ BPF_STMT(BPF_RET | BPF_K, LANE_URGENT),
		/* 27 */ BPF_STMT(BPF_RET | BPF_K, LANE_CONTROL),
		/* 28 */ BPF_STMT(BPF_RET | BPF_K, LANE_CONTACT),
		/* 29 */ BPF_STMT(BPF_RET | BPF_K, LANE_DATA),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &prog, sizeof(prog)) ? -errno
											 : 0;
}

/* An IPv6 address that has just been set cannot be bound until the kernel knows that no
 * other host has it; a daemon that starts with the machine meets that. */
static int bind_patiently(struct datapath *dp, int fd, const struct ipaddr *a, uint16_t port)
{
	struct sockaddr_storage sa;
	socklen_t len = addr_to_sockaddr(a, port, &sa);

	for (int tries = 0;; tries++) {
		if (bind(fd, (struct sockaddr *)&sa, len) == 0)
			return 0;
		if (errno != EADDRNOTAVAIL || addr_is_v4(a) || tries == TENTATIVE_TRIES ||
		    !dp_is_own_address(dp, a))
			return -errno;
		usleep(100000);
	}
}

static int set_options(int fd, bool v4, int buffer)
{
	int rc;

	if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, buffer) < 0)
		set(fd, SOL_SOCKET, SO_RCVBUF, buffer);
	rc = set(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
	if (v4) {
		rc = rc ?: set(fd, SOL_IP, IP_RECVTOS, 1);
		rc = rc ?: set(fd, SOL_IP, IP_TTL, OUTER_TTL);
		rc = rc ?: set(fd, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
	} else {
		rc = rc ?: set(fd, SOL_IPV6, IPV6_RECVTCLASS, 1);
		rc = rc ?: set(fd, SOL_IPV6, IPV6_UNICAST_HOPS, OUTER_TTL);
		rc = rc ?: set(fd, SOL_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
		rc = rc ?: set(fd, SOL_IPV6, IPV6_DONTFRAG, 1);
	}
	return rc;
}

static int lane_open(struct listener *l, enum lane lane, uint16_t port)
{
	bool v4 = addr_is_v4(&l->addr), first = lane == 0;
	int fd, rc;

	fd = socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	l->lanes[lane].fd = fd;
	rc = v4 ? 0 : set(fd, SOL_IPV6, IPV6_V6ONLY, 1);
	rc = rc ?: set_options(fd, v4, lanes[lane].buffer);
	if (!first)
		rc = rc ?: set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	rc = rc ?: bind_patiently(l->dp, fd, &l->addr, port);
	if (first)
		rc = rc ?: set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	return rc;
}

/* The kernel parts what is larger than the way: V3-ETH-7. */
static int set_raw_options(int fd, bool v4, int buffer)
{
	int rc;

	if (set(fd, SOL_SOCKET, SO_RCVBUFFORCE, buffer) < 0)
		set(fd, SOL_SOCKET, SO_RCVBUF, buffer);
	rc = set(fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
	if (v4) {
		rc = rc ?: set(fd, SOL_IP, IP_TTL, OUTER_TTL);
		return rc ?: set(fd, SOL_IP, IP_MTU_DISCOVER, IP_PMTUDISC_DONT);
	}
	rc = rc ?: set(fd, SOL_IPV6, IPV6_UNICAST_HOPS, OUTER_TTL);
	return rc ?: set(fd, SOL_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_DONT);
}

/* Each raw socket gets everything; it keeps what begins with 4 zero octets, or what does not (V3-HDR-2). Of
 * IPv4 the header stands before it. */
static int filter_raw(int fd, bool v4, bool control)
{
	struct sock_filter code[] = {
		/* 0 */ v4 ? (struct sock_filter)BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0)
			   : (struct sock_filter)BPF_STMT(BPF_LDX | BPF_IMM, 0),
		/* 1 */ BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), /* shorter: dropped */
		/* 2 */ BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, control ? 0 : 1, control ? 1 : 0),
		/* 3 */ BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		/* 4 */ BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &prog, sizeof(prog)) ? -errno : 0;
}

static int raw_open(struct listener *l, enum lane lane)
{
	bool v4 = addr_is_v4(&l->addr);
	int fd, rc;

	fd = socket(v4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, PROTO_L2TP);
	if (fd < 0)
		return -errno;
	l->lanes[lane].fd = fd;
	rc = filter_raw(fd, v4, lane == LANE_RAW_CONTROL);
	rc = rc ?: set_raw_options(fd, v4, lanes[lane].buffer);
	return rc ?: bind_patiently(l->dp, fd, &l->addr, 0);
}

static bool needs_raw(const struct dp_config *cfg, const struct ipaddr *a)
{
	for (unsigned int i = 0; i < cfg->n_pseudowires; i++)
		if (!pw_is_udp(&cfg->pseudowires[i].path) &&
		    addr_eq(&cfg->pseudowires[i].path.local, a))
			return true;
	return false;
}

int lanes_open(struct listener *l, struct datapath *dp, const struct ipaddr *a, uint16_t port)
{
	int rc = 0;

	l->dp = dp;
	l->addr = *a;
	l->checksum = true;
	for (unsigned int i = 0; i < ALL_LANES; i++)
		l->lanes[i] = (struct lane_socket){ .listener = l, .lane = (enum lane)i, .fd = -1 };
	for (unsigned int i = 0; i < LANES && rc == 0; i++)
		rc = lane_open(l, (enum lane)i, port);
	rc = rc ?: select_lane(l->lanes[0].fd);
	for (unsigned int i = LANES; i < ALL_LANES && rc == 0 && needs_raw(dp->cfg, a); i++)
		rc = raw_open(l, (enum lane)i);
	return rc;
}

void lanes_close(struct listener *l)
{
	for (unsigned int i = 0; i < ALL_LANES; i++) {
		if (l->lanes[i].event)
			event_free(l->lanes[i].event);
		if (l->lanes[i].fd >= 0)
			close(l->lanes[i].fd);
		l->lanes[i].event = NULL;
		l->lanes[i].fd = -1;
	}
}

struct rx_batch *rx_batch_new(void)
{
	struct rx_batch *b = malloc(sizeof(*b));

	if (!b)
		return NULL;
	memset(b->msgs, 0, sizeof(b->msgs));
	for (unsigned int i = 0; i < BATCH; i++) {
		b->iov[i] = (struct iovec){ b->data[i], DATAGRAM_MAX };
		b->msgs[i].msg_hdr.msg_iov = &b->iov[i];
		b->msgs[i].msg_hdr.msg_iovlen = 1;
		b->msgs[i].msg_hdr.msg_name = &b->from[i];
		b->msgs[i].msg_hdr.msg_control = b->control[i].room;
	}
	return b;
}

/* ---- receiving ------------------------------------------------------------------------- */

/* What a datagram came with: its TOS octet, and how many the socket had lost until then. */
static uint8_t read_control(struct msghdr *m, uint32_t *ret_dropped)
{
	uint8_t tos = 0;
	int v;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_TOS) {
			tos = *CMSG_DATA(c);
		} else if (c->cmsg_level == SOL_IPV6 && c->cmsg_type == IPV6_TCLASS) {
			memcpy(&v, CMSG_DATA(c), sizeof(v));
			tos = (uint8_t)v;
		} else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
			memcpy(ret_dropped, CMSG_DATA(c), sizeof(*ret_dropped));
		}
	}
	return tos;
}

/* IPv4 has its header before it, IPv6 has not. The kernel has judged its lengths. */
static void take_raw(struct datapath *dp, struct path *path, uint8_t *packet, size_t len)
{
	size_t header = addr_is_v4(&path->local) && len ? (size_t)(packet[0] & 0x0f) * 4 : 0;

	path->local_port = path->peer_port = 0;
	if (header <= len)
		slow_pw_in(dp, path, packet + header, len - header);
}

static void take(struct lane_socket *s, struct rx_batch *b, unsigned int i)
{
	struct listener *l = s->listener;
	struct path path = { .local = l->addr, .local_port = l->dp->cfg->port };
	struct msghdr *m = &b->msgs[i].msg_hdr;
	uint32_t dropped = s->dropped;
	uint8_t tos = read_control(m, &dropped);

	l->dp->slow[lanes[s->lane].dropped] += dropped - s->dropped;
	s->dropped = dropped;
	if (m->msg_flags & MSG_TRUNC)
		return;
	if (addr_from_sockaddr((struct sockaddr *)&b->from[i], &path.peer, &path.peer_port) < 0)
		return;
	if (s->lane >= LANES)
		take_raw(l->dp, &path, b->data[i], b->msgs[i].msg_len);
	else if (path.peer_port) /* 0 is nobody's over UDP, and stands for IP here */
		slow_in(l->dp, &path, tos, b->data[i], b->msgs[i].msg_len);
}

static void drain(struct lane_socket *s)
{
	struct rx_batch *b = s->listener->dp->batch;
	unsigned int batch = lanes[s->lane].batch;
	int n;

	for (unsigned int i = 0; i < batch; i++) {
		b->msgs[i].msg_hdr.msg_namelen = sizeof(b->from[i]);
		b->msgs[i].msg_hdr.msg_controllen = sizeof(b->control[i].room);
	}
	n = recvmmsg(s->fd, b->msgs, batch, 0, NULL);
	for (int i = 0; i < n; i++)
		take(s, b, (unsigned int)i);
}

/* Which sockets are ready is known when the event loop has asked them all; then a turn is
 * taken of those, lane by lane over all addresses. */
void lanes_drain(struct datapath *dp)
{
	for (unsigned int lane = 0; lane < ALL_LANES; lane++) {
		for (unsigned int i = 0; i < dp->n_listeners; i++) {
			struct lane_socket *s = &dp->listeners[i].lanes[lane];

			if (!s->ready)
				continue;
			s->ready = false;
			drain(s);
		}
	}
	dp_turn(dp); /* one transaction of the store for all of it */
}

static void on_drain(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	lanes_drain(arg);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct lane_socket *s = arg;

	(void)fd;
	(void)what;
	s->ready = true;
	event_active(s->listener->dp->drain_event, EV_TIMEOUT, 0);
}

int lanes_start(struct datapath *dp)
{
	dp->drain_event = event_new(dp->base, -1, 0, on_drain, dp);
	if (!dp->drain_event)
		return -ENOMEM;
	for (unsigned int i = 0; i < dp->n_listeners; i++) {
		for (unsigned int lane = 0; lane < ALL_LANES; lane++) {
			struct lane_socket *s = &dp->listeners[i].lanes[lane];

			if (s->fd < 0)
				continue;
			s->event = event_new(dp->base, s->fd, EV_READ | EV_PERSIST, on_readable, s);
			if (!s->event || event_add(s->event, NULL))
				return -ENOMEM;
		}
	}
	return 0;
}
