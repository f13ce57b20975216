/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offloads of a device, by the names that `ethtool -k` of the kernel gives them. */
#ifndef L2XDP_DATAPATH_ETHTOOL_H
#define L2XDP_DATAPATH_ETHTOOL_H

#include <linux/ethtool.h>
#include <stdbool.h>

#define ETHTOOL_FEATURES 256

struct features {
	unsigned int n;
	char name[ETHTOOL_FEATURES][ETH_GSTRING_LEN];
	bool active[ETHTOOL_FEATURES];
	bool settable[ETHTOOL_FEATURES];
};

/* A request to the driver of a device, by any socket of its namespace. 0 or a negative errno. */
int ethtool_ask(int fd, const char *device, void *data);
/* False: the driver does not tell. */
bool ethtool_features(int fd, const char *device, struct features *ret);
bool features_on(const struct features *f, const char *name);

struct feature_order {
	const char *beginning; /* of the names of those that are meant */
	bool on;
};
/* Those that the device does not have, or cannot change, are left out. */
int ethtool_order(int fd, const char *device, const struct feature_order *order, unsigned int n);

#endif
