/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clock and the timers of a program around libevent: the pure rooms' timers run here,
 * and all of one callback's work sees one time.
 */
#ifndef L2XDP_TESTS_LOOP_H
#define L2XDP_TESTS_LOOP_H

#include <stddef.h>
#include <stdint.h>

#include "loader/base/timers.h"

struct event_base;
struct event;

struct loop {
	struct event_base *base;
	struct timers timers;
	msec_t now;
	struct event *alarm;
	void (*settle)(void *arg); /* after each callback and each batch of timers */
	void *arg;
};

/* 0 or a negative errno. */
int loop_open(struct loop *loop, void (*settle)(void *arg), void *arg);
void loop_close(struct loop *loop);
/* To be called first in each event's callback: reads the clock. */
void loop_enter(struct loop *loop);
/* To be called last: settles and sets the alarm for the first timer. */
void loop_leave(struct loop *loop);

uint64_t clock_us(void);
void random_octets(void *ctx, void *buf, size_t n); /* as the rooms' `random` */

#endif
