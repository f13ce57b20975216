/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Offloads of a device: read and set by their names, which outlive the numbers of any kernel. */
#include "loader/datapath/ethtool.h"

#include <errno.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define BLOCK 32 /* features in one word of a request */

int ethtool_ask(int fd, const char *device, void *data)
{
	struct ifreq ifr = { .ifr_data = data };

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", device);
	return ioctl(fd, SIOCETHTOOL, &ifr) < 0 ? -errno : 0;
}

static unsigned int count(int fd, const char *device)
{
	struct {
		struct ethtool_sset_info info;
		uint32_t n;
	} q = { .info = { .cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ull << ETH_SS_FEATURES } };

	if (ethtool_ask(fd, device, &q) < 0 || !q.info.sset_mask)
		return 0;
	return q.n < ETHTOOL_FEATURES ? q.n : ETHTOOL_FEATURES;
}

bool ethtool_features(int fd, const char *device, struct features *ret)
{
	unsigned int n = count(fd, device), blocks = (n + BLOCK - 1) / BLOCK;
	struct ethtool_gstrings *names =
		calloc(1, sizeof(*names) + ETHTOOL_FEATURES * ETH_GSTRING_LEN);
	struct ethtool_gfeatures *state =
		calloc(1, sizeof(*state) + ETHTOOL_FEATURES / BLOCK * sizeof(state->features[0]));
	bool ok = false;

	if (!n || !names || !state)
		goto out;
	names->cmd = ETHTOOL_GSTRINGS;
	names->string_set = ETH_SS_FEATURES;
	names->len = n;
	state->cmd = ETHTOOL_GFEATURES;
	state->size = blocks;
	if (ethtool_ask(fd, device, names) < 0 || ethtool_ask(fd, device, state) < 0)
		goto out;
	ret->n = n;
	for (unsigned int i = 0; i < n; i++) {
		const struct ethtool_get_features_block *b = &state->features[i / BLOCK];

		memcpy(ret->name[i], names->data + i * ETH_GSTRING_LEN, ETH_GSTRING_LEN);
		ret->name[i][ETH_GSTRING_LEN - 1] = '\0';
		ret->active[i] = b->active >> (i % BLOCK) & 1;
		ret->settable[i] = (b->available & ~b->never_changed) >> (i % BLOCK) & 1;
	}
	ok = true;
out:
	free(names);
	free(state);
	return ok;
}

bool features_on(const struct features *f, const char *name)
{
	for (unsigned int i = 0; i < f->n; i++)
		if (strcmp(f->name[i], name) == 0)
			return f->active[i];
	return false;
}

static const struct feature_order *order_of(const char *name, const struct feature_order *order,
					    unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (strncmp(name, order[i].beginning, strlen(order[i].beginning)) == 0)
			return &order[i];
	return NULL;
}

int ethtool_order(int fd, const char *device, const struct feature_order *order, unsigned int n)
{
	struct features *f = calloc(1, sizeof(*f));
	struct ethtool_sfeatures *set =
		calloc(1, sizeof(*set) + ETHTOOL_FEATURES / BLOCK * sizeof(set->features[0]));
	int rc = -ENOMEM;

	if (!f || !set)
		goto out;
	rc = -EOPNOTSUPP;
	if (!ethtool_features(fd, device, f))
		goto out;
	set->cmd = ETHTOOL_SFEATURES;
	set->size = (f->n + BLOCK - 1) / BLOCK;
	for (unsigned int i = 0; i < f->n; i++) {
		const struct feature_order *o = order_of(f->name[i], order, n);

		if (!o || !f->settable[i])
			continue;
		set->features[i / BLOCK].valid |= 1u << i % BLOCK;
		if (o->on)
			set->features[i / BLOCK].requested |= 1u << i % BLOCK;
	}
	rc = ethtool_ask(fd, device, set);
out:
	free(f);
	free(set);
	return rc;
}
