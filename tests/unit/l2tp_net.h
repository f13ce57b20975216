/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chance by a fixed seed, and packets under way, for the worlds of both versions. */
#ifndef L2XDP_TESTS_UNIT_L2TP_NET_H
#define L2XDP_TESTS_UNIT_L2TP_NET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loader/base/addr.h"
#include "loader/base/timers.h"

#define UNUSED __attribute__((unused))

struct chance {
	uint64_t state;
};

static UNUSED uint32_t chance_next(struct chance *c)
{
	c->state = c->state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(c->state >> 33);
}

static UNUSED bool chance_percent(struct chance *c, unsigned int percent)
{
	return chance_next(c) % 100 < percent;
}

struct packet {
	struct packet *next;
	msec_t when;
	unsigned int to; /* side */
	struct path path; /* as the receiver sees it */
	size_t len;
	uint8_t data[];
};

static UNUSED struct packet *packet_new(unsigned int to, const struct path *path,
					const uint8_t *msg, size_t len)
{
	struct packet *p = malloc(sizeof(*p) + len);

	assert_non_null(p);
	*p = (struct packet){ .to = to, .path = *path, .len = len };
	memcpy(p->data, msg, len);
	return p;
}

/* Behind those that arrive before it, or at the same time. */
static UNUSED void packet_enqueue(struct packet **at, struct packet *p, msec_t when)
{
	p->when = when;
	while (*at && (*at)->when <= when)
		at = &(*at)->next;
	p->next = *at;
	*at = p;
}

#endif
