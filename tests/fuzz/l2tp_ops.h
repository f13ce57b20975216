/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the fuzzers of an L2TP endpoint do alike: what it sends must be well formed, and its
 * random octets come from a generator that a run can repeat. */
#ifndef L2XDP_FUZZ_L2TP_OPS_H
#define L2XDP_FUZZ_L2TP_OPS_H

#include <stdlib.h>

#include "loader/l2tp/engine.h"

static uint32_t op_seed;

static void op_send(void *ctx, const struct path *path, const uint8_t *msg, size_t len)
{
	struct l2tp_header h;

	(void)ctx;
	(void)path;
	if (l2tp_header_parse(msg, len, &h) != L2TP_H_OK || h.payload + h.payload_len != msg + len)
		abort();
	if (h.payload_len && !l2tp_avps_valid(h.payload, h.payload_len))
		abort();
}

static void op_random(void *ctx, void *buf, size_t n)
{
	uint8_t *p = buf;

	(void)ctx;
	while (n--) {
		op_seed = op_seed * 1664525u + 1013904223u;
		*p++ = (uint8_t)(op_seed >> 24);
	}
}

#endif
