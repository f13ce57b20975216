/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Is an address one of this host's? Asked when a static address is granted, not for packets. */
#include <ifaddrs.h>

#include "loader/datapath/private.h"

bool dp_is_own_address(const struct ipaddr *a)
{
	struct ifaddrs *list, *i;
	struct ipaddr have;
	uint16_t port;
	bool found = false;

	if (getifaddrs(&list))
		return false;
	for (i = list; i && !found; i = i->ifa_next)
		found = i->ifa_addr && addr_from_sockaddr(i->ifa_addr, &have, &port) == 0 &&
			addr_eq(&have, a);
	freeifaddrs(list);
	return found;
}
