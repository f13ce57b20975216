/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ground of tests with a whole data path of their own, its maps, links and devices: a network
 * namespace, a BPF file system, a runtime directory. Included once.
 */
#ifndef L2XDP_TESTS_BPF_GROUND_H
#define L2XDP_TESTS_BPF_GROUND_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cmocka.h>

#include "loader/datapath/datapath.h"

static char home[] = "/tmp/l2xdp-test.XXXXXX"; /* a BPF file system that this process alone sees */
static char pins[64], run_dir[64];

static inline bool sh_ok(const char *cmd)
{
	return system(cmd) == 0;
}

static inline void sh(const char *cmd)
{
	if (!sh_ok(cmd))
		fail_msg("%s", cmd);
}

/* Ends the process where there cannot be one, with the reason. */
static inline void ground_make(void)
{
	char path[1024];
	int tun;

	if (geteuid()) {
		printf("1..0 # SKIP loading programs needs root\n");
		exit(0);
	}
	tun = open("/dev/net/tun", O_RDWR);
	if (tun < 0) {
		printf("1..0 # SKIP /dev/net/tun: %s\n", strerror(errno));
		exit(0);
	}
	close(tun);
	if (unshare(CLONE_NEWNET | CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || !mkdtemp(home) ||
	    mount("bpf", home, "bpf", 0, NULL)) {
		perror("namespaces");
		exit(1);
	}
	snprintf(pins, sizeof(pins), "%s/l2xdp", home);
	snprintf(run_dir, sizeof(run_dir), "%s.run", home);
	snprintf(path, sizeof(path), "%s:/usr/sbin:/usr/bin:/sbin:/bin", getenv("PATH") ?: "");
	setenv("PATH", path, 1);
	setenv("LIBXDP_BPFFS", home, 1);
}

static inline struct ipaddr address(const char *text)
{
	struct ipaddr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static inline void on_control(void *ctx, const struct path *path, const uint8_t *msg, size_t len)
{
	(void)ctx;
	(void)path;
	(void)msg;
	(void)len;
}

static inline void on_frame(void *ctx, uint32_t index, const uint8_t *frame, size_t len)
{
	(void)ctx;
	(void)index;
	(void)frame;
	(void)len;
}

/* What arrives is nobody's. A test may add to it. */
static struct dp_ops ops = {
	.control = on_control,
	.ppp = on_frame,
	.ipv6_local = on_frame,
};

#endif
