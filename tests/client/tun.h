/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A TUN device, without packet information: what is read and written is IP. */
#ifndef L2XDP_TESTS_TUN_H
#define L2XDP_TESTS_TUN_H

#include <net/if.h>

struct tun {
	int fd;
	int index; /* of the interface */
	char name[IFNAMSIZ];
};

/* Makes the device; it is gone when the descriptor is closed. 0 or a negative errno. */
int tun_open(const char *name, struct tun *ret);
void tun_close(struct tun *t);

#endif
