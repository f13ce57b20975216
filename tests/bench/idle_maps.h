/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A data path without a kernel for idle_bench: its maps are ordinary memory. */
#ifndef L2XDP_TESTS_BENCH_IDLE_MAPS_H
#define L2XDP_TESTS_BENCH_IDLE_MAPS_H

#include "loader/datapath/datapath.h"

struct datapath *idle_datapath(unsigned int shards); /* NULL: no memory */
/* As the hook does when it has answered an Echo-Request. */
void idle_echo(struct datapath *dp, uint32_t index);

#endif
