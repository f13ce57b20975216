/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses and routes of the subscriber's device, through libnl-route. */
#ifndef L2XDP_TESTS_NETCFG_H
#define L2XDP_TESTS_NETCFG_H

#include <stdbool.h>

#include "loader/base/addr.h"

struct netcfg;

/* All return 0 or a negative errno. */
int netcfg_open(struct netcfg **ret);
void netcfg_close(struct netcfg *n);

/* Brings the device up. It gets no link-local address of the kernel's choice and takes no
 * router advertisements: PPP has its own interface identifier, and the client reads the
 * advertisements. */
int netcfg_up(struct netcfg *n, const char *ifname, int index, unsigned int mtu);
/* `peer`, of an IPv4 address, may be unset; to delete one it must be what it was. Without duplicate address detection. */
int netcfg_address(struct netcfg *n, bool add, int index, const struct ipaddr *local, uint8_t len,
		   const struct ipaddr *peer);
int netcfg_route(struct netcfg *n, int index, const struct prefix *to);

#endif
