/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "loader/datapath/private.h"
#include "tests/bench/idle_maps.h"

static bool array(struct map_array *a, uint32_t n, size_t size)
{
	*a = (struct map_array){ .n = n,
				 .value_size = (uint32_t)size,
				 .stride = (uint32_t)size,
				 .mem = calloc(n, size) };
	return a->mem != NULL;
}

struct datapath *idle_datapath(unsigned int shards)
{
	static const struct dp_ops ops;
	struct dp_config *cfg = calloc(1, sizeof(*cfg));
	struct datapath *dp = calloc(1, sizeof(*dp));
	struct dp_maps *m = calloc(1, sizeof(*m));
	uint32_t n = shards * L2X_SHARD_SESSIONS;

	if (!cfg || !dp || !m)
		return NULL;
	cfg->mode = DP_OFF;
	cfg->shards = shards;
	cfg->port = 1701;
	cfg->dscp = -1;
	*dp = (struct datapath){ .cfg = cfg, .ops = &ops, .ready = true, .maps = m };
	if (!array(&m->sessions, n, sizeof(struct l2x_session)) ||
	    !array(&m->traffic, n, sizeof(struct l2x_traffic)) ||
	    !array(&m->up_lines, n, sizeof(struct l2x_short_up)) ||
	    !array(&m->down_lines, n, sizeof(struct l2x_short_down)) ||
	    !(m->live = calloc(1, sizeof(*m->live))) || sessions_init(dp) || tunnels_init(dp) ||
	    traffic_open(dp))
		return NULL;
	return dp;
}

void idle_echo(struct datapath *dp, uint32_t index)
{
	maps_traffic(dp, index)->echoes++;
}
