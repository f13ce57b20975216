/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/client/loop.h"

#include <errno.h>
#include <event2/event.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#define TIMERS_AT_ONCE 1000

uint64_t clock_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

void random_octets(void *ctx, void *buf, size_t n)
{
	uint8_t *p = buf;

	(void)ctx;
	while (n) {
		ssize_t got = getrandom(p, n, 0);

		if (got < 0 && errno != EINTR)
			abort();
		if (got > 0) {
			p += got;
			n -= (size_t)got;
		}
	}
}

void loop_enter(struct loop *loop)
{
	loop->now = clock_us() / 1000;
}

void loop_leave(struct loop *loop)
{
	msec_t next;
	struct timeval tv = { 0 };

	if (timers_next(&loop->timers) <= loop->now)
		timers_run(&loop->timers, loop->now, TIMERS_AT_ONCE);
	if (loop->settle)
		loop->settle(loop->arg);
	next = timers_next(&loop->timers);
	if (next == TIMERS_NEVER) {
		evtimer_del(loop->alarm);
		return;
	}
	if (next > loop->now) {
		tv.tv_sec = (time_t)((next - loop->now) / 1000);
		tv.tv_usec = (suseconds_t)((next - loop->now) % 1000) * 1000;
	}
	evtimer_add(loop->alarm, &tv);
}

static void on_alarm(evutil_socket_t fd, short what, void *arg)
{
	struct loop *loop = arg;

	(void)fd;
	(void)what;
	loop_enter(loop);
	loop_leave(loop);
}

int loop_open(struct loop *loop, void (*settle)(void *arg), void *arg)
{
	*loop = (struct loop){ .settle = settle, .arg = arg };
	timers_init(&loop->timers);
	loop->base = event_base_new();
	loop->alarm = loop->base ? evtimer_new(loop->base, on_alarm, loop) : NULL;
	if (!loop->alarm) {
		loop_close(loop);
		return -ENOMEM;
	}
	loop_enter(loop);
	return 0;
}

void loop_close(struct loop *loop)
{
	if (loop->alarm)
		event_free(loop->alarm);
	if (loop->base)
		event_base_free(loop->base);
	timers_free(&loop->timers);
}
