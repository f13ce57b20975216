/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "tests/client/flood.h"

#define BATCH 64

static uint8_t frames[BATCH][FLOOD_FRAME];

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int packet_socket(struct flood *f)
{
	struct sockaddr_ll sa = { .sll_family = AF_PACKET };
	struct ifreq ifr = { 0 };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), on = 1;

	if (fd < 0) {
		fprintf(stderr, "packet socket: %s: start as root\n", strerror(errno));
		return -1;
	}
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", f->device);
	sa.sll_ifindex = (int)if_nametoindex(f->device);
	if (ioctl(fd, SIOCGIFHWADDR, &ifr) || bind(fd, (struct sockaddr *)&sa, sizeof(sa))) {
		fprintf(stderr, "%s: %s\n", f->device, strerror(errno));
		close(fd);
		return -1;
	}
	memcpy(f->src_mac, ifr.ifr_hwaddr.sa_data, 6);
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
	return fd;
}

/* Sends the batch; what the device has no room for is tried again. Returns how many. */
static unsigned int send_batch(int fd, struct mmsghdr *msgs, unsigned int n)
{
	unsigned int sent = 0;

	while (sent < n) {
		int got = sendmmsg(fd, msgs + sent, n - sent, 0);

		if (got > 0)
			sent += (unsigned int)got;
		else if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			return sent;
	}
	return sent;
}

/* Waits until the n-th frame is due. */
static void keep_pace(const struct flood *f, double begun, uint64_t n)
{
	double due;

	if (!f->rate)
		return;
	due = begun + (double)n / (double)f->rate - now();
	if (due > 0)
		usleep((useconds_t)(due * 1e6));
}

int flood_run(struct flood *f)
{
	struct mmsghdr msgs[BATCH];
	struct iovec iov[BATCH];
	uint64_t sent = 0;
	double begun, took;
	int fd = packet_socket(f);

	if (fd < 0)
		return 1;
	memset(msgs, 0, sizeof(msgs));
	begun = now();
	while ((!f->count || sent < f->count) && (f->seconds <= 0 || now() - begun < f->seconds)) {
		unsigned int n = BATCH;

		if (f->count && f->count - sent < n)
			n = (unsigned int)(f->count - sent);
		for (unsigned int i = 0; i < n; i++) {
			iov[i] = (struct iovec){ frames[i], f->kind->make(f, frames[i]) };
			msgs[i].msg_hdr.msg_iov = &iov[i];
			msgs[i].msg_hdr.msg_iovlen = 1;
		}
		if (send_batch(fd, msgs, n) < n) {
			fprintf(stderr, "%s: %s\n", f->device, strerror(errno));
			close(fd);
			return 1;
		}
		sent += n;
		keep_pace(f, begun, sent);
	}
	took = now() - begun;
	printf("{\"kind\":\"%s\",\"frames\":%llu,\"seconds\":%.2f,\"rate\":%.0f}\n", f->kind->name,
	       (unsigned long long)sent, took, (double)sent / took);
	close(fd);
	return 0;
}
