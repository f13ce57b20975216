/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * l2xdp-impair: a bridge of two network devices that treats L2TP badly. See impair.h.
 *
 * Both devices belong to a namespace of their own and have no addresses: nobody but this
 * program carries frames from one to the other, unchanged, so source addresses stay.
 */
#include <errno.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/client/impair.h"
#include "tests/client/loop.h"
#include "tests/client/options.h"

#define SOCKET_BUFFER (32 << 20)
#define FRAMES_AT_ONCE 256

static const char help[] =
	"l2xdp-impair LEFT RIGHT: joins two devices and impairs the L2TP between them\n"
	"\n"
	"  --loss P         percent of the frames that are lost\n"
	"  --duplicate P    that arrive twice\n"
	"  --reorder P      that others overtake: they wait up to --reorder-ms more (100)\n"
	"  --delay MS       for all of them, each way\n"
	"  --ppp            also PPP's own frames, not only control messages\n"
	"  --data           also subscribers' packets\n"
	"  --seed N         other fates (1)\n"
	"\n"
	"Until SIGTERM or SIGINT; then it prints what it has done, as JSON.\n";

enum { O_LOSS = 256, O_DUPLICATE, O_REORDER, O_REORDER_MS, O_DELAY, O_PPP, O_DATA, O_SEED };
static const struct option options[] = {
	{ "loss", required_argument, NULL, O_LOSS },
	{ "duplicate", required_argument, NULL, O_DUPLICATE },
	{ "reorder", required_argument, NULL, O_REORDER },
	{ "reorder-ms", required_argument, NULL, O_REORDER_MS },
	{ "delay", required_argument, NULL, O_DELAY },
	{ "ppp", no_argument, NULL, O_PPP },
	{ "data", no_argument, NULL, O_DATA },
	{ "seed", required_argument, NULL, O_SEED },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static volatile sig_atomic_t ended;

static void on_signal(int sig)
{
	(void)sig;
	ended = 1;
}

static bool read_option(int c, const char *arg, struct impair_options *o)
{
	unsigned int seed;

	switch (c) {
	case O_LOSS:
		return option_number("--loss", arg, 0, 100, &o->loss);
	case O_DUPLICATE:
		return option_number("--duplicate", arg, 0, 100, &o->duplicate);
	case O_REORDER:
		return option_number("--reorder", arg, 0, 100, &o->reorder);
	case O_REORDER_MS:
		return option_number("--reorder-ms", arg, 1, 60000, &o->reorder_ms);
	case O_DELAY:
		return option_number("--delay", arg, 0, 60000, &o->delay_ms);
	case O_PPP:
		return o->kinds[IMPAIR_PPP] = true;
	case O_DATA:
		return o->kinds[IMPAIR_DATA] = true;
	case O_SEED:
		if (!option_number("--seed", arg, 0, 0xffffffff, &seed))
			return false;
		o->seed = seed;
		return true;
	default:
		return false; /* getopt_long has told */
	}
}

/* A socket that takes and gives whole frames of one device; -1 after a line on stderr. */
static int device_open(const char *name)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	struct packet_mreq all = { .mr_type = PACKET_MR_PROMISC };
	int one = 1, size = SOCKET_BUFFER;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	at.sll_ifindex = all.mr_ifindex = (int)if_nametoindex(name);
	if (fd >= 0 && at.sll_ifindex &&
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)) == 0 &&
	    bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 &&
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) == 0)
		return fd;
	fprintf(stderr, "l2xdp-impair: %s: %s\n", name, strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

static void take_all(int fd, struct impair *m)
{
	static uint8_t frame[IMPAIR_FRAME_MAX];

	for (int i = 0; i < FRAMES_AT_ONCE; i++) {
		ssize_t n = recv(fd, frame, sizeof(frame), MSG_TRUNC);

		if (n < 0)
			return;
		if ((size_t)n <= sizeof(frame))
			impair_put(m, clock_us(), frame, (size_t)n);
	}
}

static uint64_t give_due(int fd, struct impair *m)
{
	const uint8_t *frame;
	uint64_t failed = 0;
	size_t len;

	while (impair_take(m, clock_us(), &frame, &len))
		failed += send(fd, frame, len, 0) < 0;
	return failed;
}

/* Frames that the far device did not take. */
static uint64_t carry(const int fd[2], struct impair *m[2])
{
	uint64_t failed = 0;
	sigset_t none;

	sigemptyset(&none); /* signals come while it waits, and only then */

	while (!ended) {
		struct pollfd p[2] = { { .fd = fd[0], .events = POLLIN },
				       { .fd = fd[1], .events = POLLIN } };
		uint64_t a = impair_next_us(m[0]), b = impair_next_us(m[1]), now = clock_us();
		uint64_t next = a < b ? a : b, wait = next > now ? next - now : 0;
		struct timespec ts = { .tv_sec = (time_t)(wait / 1000000),
				       .tv_nsec = (long)(wait % 1000000) * 1000 };

		if (ppoll(p, 2, next == UINT64_MAX ? NULL : &ts, &none) < 0 && errno != EINTR)
			break;
		for (int i = 0; i < 2; i++) {
			take_all(fd[i], m[i]);
			failed += give_due(fd[!i], m[i]);
		}
	}
	return failed;
}

static void report(const char *const names[2], struct impair *m[2], uint64_t failed)
{
	printf("{\"failed\":%llu", (unsigned long long)failed);
	for (int i = 0; i < 2; i++) {
		printf(",\"%s\":{", names[i]);
		for (int k = 0; k < IMPAIR_KINDS; k++) {
			const struct impair_counters *n = impair_counters(m[i], k);

			printf("%s\"%s\":{\"seen\":%llu,\"lost\":%llu,\"duplicated\":%llu,"
			       "\"reordered\":%llu}",
			       k ? "," : "", impair_kind_names[k], (unsigned long long)n->seen,
			       (unsigned long long)n->lost, (unsigned long long)n->duplicated,
			       (unsigned long long)n->reordered);
		}
		printf("}");
	}
	printf("}\n");
}

static int run(const struct impair_options *o, char **names)
{
	static const char *const sides[2] = { "from_left", "from_right" };
	struct impair *m[2] = { impair_new(o, 1), impair_new(o, 2) };
	int fd[2] = { device_open(names[0]), device_open(names[1]) }, ret = 1;
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t blocked;

	if (!m[0] || !m[1] || fd[0] < 0 || fd[1] < 0)
		goto out;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	fprintf(stderr, "carrying\n");
	report(sides, m, carry(fd, m));
	ret = 0;
out:
	for (int i = 0; i < 2; i++) {
		impair_free(m[i]);
		if (fd[i] >= 0)
			close(fd[i]);
	}
	return ret;
}

int main(int argc, char **argv)
{
	struct impair_options o = { .kinds[IMPAIR_CONTROL] = true, .reorder_ms = 100, .seed = 1 };
	int c;

	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return 0;
		}
		if (!read_option(c, optarg, &o))
			return 1;
	}
	if (optind + 2 != argc) {
		fprintf(stderr, "l2xdp-impair: two devices are needed; see --help\n");
		return 1;
	}
	return run(&o, argv + optind);
}
