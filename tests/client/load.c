/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A run of l2xdp-load, in phases that only go forward:
 *
 *   SETUP          lines are started round the tunnels, as the windows and --rate allow,
 *                  until each is up or has failed
 *   HOLD           --hold seconds, with --traffic
 *   CLOSE_LINES    a CDN for each line, a part of them at a time
 *   CLOSE_TUNNELS  a StopCCN for each tunnel whose CDNs have been acknowledged
 *   FAREWELL       until every StopCCN is
 *
 * step() moves on; it runs at the end of each callback, where no room's code is on the
 * stack. A tick keeps time for --rate, --traffic, --hold and what does not come.
 */
#include "tests/client/load.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define CLOSE_AT_ONCE 512
#define CLOSE_TIMEOUT_US (40 * UINT64_C(1000000)) /* five retransmissions take 31 s (V2-REL-8) */
#define LINES_PER_SHARD 16384
#define TICK_US 5000
#define SLOW_TICK_US 100000
#define SETTLE_US 200000 /* the LNS has read our last Configure-Ack, too, before data comes */
#define PATIENCE_MS 3000
#define LOAD_MRU 1440 /* fits IPv4 and IPv6 outside (DP-MTU-2) */

static void tell_ready(const char *file)
{
	FILE *f = file ? fopen(file, "we") : NULL;

	if (f)
		fclose(f);
	else if (file)
		fprintf(stderr, "l2xdp-load: %s: %s\n", file, strerror(errno));
}

static void enter(struct load *g, enum load_phase phase)
{
	uint64_t now = clock_us();

	switch (phase) {
	case LOAD_HOLD:
		g->setup_us = now;
		g->pace.start_us = now + SETTLE_US + (uint64_t)g->opt->traffic_after * 1000000;
		tell_ready(g->opt->ready);
		break;
	case LOAD_CLOSE_LINES:
		if (!g->setup_us)
			g->setup_us = now;
		g->close_us = now;
		load_view_write(g);
		break;
	default:
		break;
	}
	g->phase = phase;
}

/* StopCCN would overtake CDNs that wait in the window. True: no tunnel is left. */
static bool hang_up_tunnels(struct load *g)
{
	bool late = clock_us() - g->close_us > CLOSE_TIMEOUT_US;
	bool all = true;

	for (unsigned int i = 0; i < g->opt->tunnels; i++) {
		struct l2tp_tunnel *t = g->tunnels[i].tunnel;

		if (t && (late || !g->tunnels[i].up || !l2tp_tunnel_outstanding(t)))
			dialer_hang_up(g->dialer, g->loop.now, t);
		else if (t)
			all = false;
	}
	return all;
}

/* What looks at every tunnel is not done for each datagram. */
static bool time_to_look(struct load *g)
{
	if (g->looked_ms == g->loop.now)
		return false;
	g->looked_ms = g->loop.now;
	return true;
}

static void close_some_lines(struct load *g)
{
	uint32_t end = g->closing + CLOSE_AT_ONCE;

	for (; g->closing < g->next && g->closing < end; g->closing++)
		if (g->lines[g->closing].line)
			line_close(g->lines[g->closing].line, g->loop.now, false);
}

static void say_farewell(struct load *g)
{
	if (g->phase == LOAD_CLOSE_TUNNELS && hang_up_tunnels(g))
		enter(g, LOAD_FAREWELL);
	if (g->phase != LOAD_FAREWELL)
		return;
	g->unclean = dialer_unacknowledged(g->dialer) != 0;
	if (g->unclean && clock_us() - g->close_us < 2 * CLOSE_TIMEOUT_US)
		return;
	g->closed_us = clock_us();
	enter(g, LOAD_DONE);
	event_base_loopbreak(g->loop.base);
}

static void step(void *arg)
{
	struct load *g = arg;

	if (g->phase == LOAD_SETUP) {
		load_start_lines(g);
		if (g->next == g->total && !g->connecting)
			enter(g, LOAD_HOLD);
	}
	if (g->phase == LOAD_HOLD &&
	    (g->enough || clock_us() - g->setup_us >= (uint64_t)g->opt->hold * 1000000))
		enter(g, LOAD_CLOSE_LINES);
	if (g->phase == LOAD_CLOSE_LINES) {
		close_some_lines(g);
		if (g->closing >= g->next && !g->open)
			enter(g, LOAD_CLOSE_TUNNELS);
	}
	if (g->phase >= LOAD_CLOSE_TUNNELS && time_to_look(g))
		say_farewell(g);
	dialer_reap(g->dialer);
	udp_flush(g->batch);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct load *g = arg;
	bool fast = g->phase >= LOAD_CLOSE_LINES || (g->phase == LOAD_SETUP && g->opt->rate) ||
		    (g->phase == LOAD_HOLD && g->opt->traffic && !g->quiet);
	struct timeval tv = { .tv_usec = fast ? TICK_US : SLOW_TICK_US };

	(void)fd;
	(void)what;
	loop_enter(&g->loop);
	load_expire_lines(g);
	if (g->phase == LOAD_HOLD && g->opt->traffic && !g->quiet)
		load_traffic_send(g);
	evtimer_add(g->tick, &tv);
	loop_leave(&g->loop);
}

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct load *g = arg;

	(void)sig;
	(void)what;
	loop_enter(&g->loop);
	if (g->interrupted)
		event_base_loopbreak(g->loop.base); /* asked twice: at once */
	g->interrupted = true;
	if (g->phase < LOAD_CLOSE_LINES)
		enter(g, LOAD_CLOSE_LINES);
	loop_leave(&g->loop);
}

/* Traffic stops; what is under way arrives. Asked again: the view is written again. */
static void on_quiet(evutil_socket_t sig, short what, void *arg)
{
	struct load *g = arg;

	(void)sig;
	(void)what;
	loop_enter(&g->loop);
	g->quiet = true;
	udp_flush(g->batch);
	load_view_write(g);
	loop_leave(&g->loop);
}

/* What was not sent meanwhile is not made up for. */
static void on_go_on(evutil_socket_t sig, short what, void *arg)
{
	struct load *g = arg;

	(void)sig;
	(void)what;
	loop_enter(&g->loop);
	if (g->quiet) {
		g->quiet = false;
		g->pace = (struct pace){ .start_us = clock_us() };
	}
	loop_leave(&g->loop);
}

static void on_enough(evutil_socket_t sig, short what, void *arg)
{
	struct load *g = arg;

	(void)sig;
	(void)what;
	loop_enter(&g->loop);
	g->enough = true;
	loop_leave(&g->loop);
}

/* ---- opening and closing ---- */

static void configure(struct load *g)
{
	const struct load_options *o = g->opt;
	unsigned int shards = 1;

	while (shards < 65536 && (uint64_t)shards * LINES_PER_SHARD < g->total &&
	       shards < o->tunnels)
		shards *= 2;
	g->cfg = (struct dialer_config){
		.peer = {
			.name = "server",
			.hostname = o->host_name,
			.secret = (const uint8_t *)o->secret,
			.secret_len = o->secret ? strlen(o->secret) : 0,
			.hide = o->hide,
			.hello_ms = 60000,
		},
		.limits = { .shards = shards, .retransmits = o->retransmits },
		.ppp = {
			.client = true,
			.mru = LOAD_MRU,
			.ipv4 = true,
			.ipv6 = o->ipv6,
			.restart_ms = 3000,
			.echo_ms = o->echo * 1000,
			.echo_failures = 4,
			.want_dns = true,
		},
		.sequencing = o->sequencing,
		.patience_ms = PATIENCE_MS,
	};
}

/* One descriptor a tunnel. */
static void raise_limit(unsigned int tunnels)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) < 0 || rl.rlim_cur >= tunnels + 64)
		return;
	rl.rlim_cur = tunnels + 64;
	if (rl.rlim_max < rl.rlim_cur)
		rl.rlim_max = rl.rlim_cur;
	setrlimit(RLIMIT_NOFILE, &rl); /* the sockets will tell */
}

static int open_events(struct load *g)
{
	g->tick = evtimer_new(g->loop.base, on_tick, g);
	g->on_term = evsignal_new(g->loop.base, SIGTERM, on_signal, g);
	g->on_int = evsignal_new(g->loop.base, SIGINT, on_signal, g);
	g->on_quiet = evsignal_new(g->loop.base, SIGUSR1, on_quiet, g);
	g->on_enough = evsignal_new(g->loop.base, SIGUSR2, on_enough, g);
	g->on_go_on = evsignal_new(g->loop.base, SIGHUP, on_go_on, g);
	if (!g->tick || !g->on_term || !g->on_int || !g->on_quiet || !g->on_enough || !g->on_go_on)
		return -ENOMEM;
	event_add(g->on_quiet, NULL);
	event_add(g->on_enough, NULL);
	event_add(g->on_go_on, NULL);
	event_add(g->on_term, NULL);
	event_add(g->on_int, NULL);
	return 0;
}

static int load_open(struct load *g)
{
	int err = loop_open(&g->loop, step, g);

	if (err < 0)
		return err;
	g->total = g->opt->tunnels * g->opt->sessions;
	g->lines = calloc(g->total, sizeof(*g->lines));
	g->tunnels = calloc(g->opt->tunnels, sizeof(*g->tunnels));
	g->batch = udp_batch_new();
	configure(g);
	g->dialer = dialer_new(&g->cfg, &load_dialer_ops, g, &g->loop.timers);
	if (!g->lines || !g->tunnels || !g->batch || !g->dialer)
		return -ENOMEM;
	raise_limit(g->opt->tunnels);
	err = open_events(g);
	return err < 0 ? err : load_tunnels_open(g);
}

static void load_close(struct load *g)
{
	struct event *events[] = { g->tick,     g->on_term,   g->on_int,
				   g->on_quiet, g->on_enough, g->on_go_on };

	dialer_free(g->dialer);
	if (g->tunnels)
		load_tunnels_close(g);
	for (uint32_t i = 0; g->lines && i < g->total; i++) {
		free(g->lines[i].user);
		numbers_free(&g->lines[i].numbers);
	}
	free(g->lines);
	for (unsigned int i = 0; i < sizeof(events) / sizeof(events[0]); i++)
		if (events[i])
			event_free(events[i]);
	udp_batch_free(g->batch);
	loop_close(&g->loop);
}

int load_run(const struct load_options *opt)
{
	struct load *g = calloc(1, sizeof(*g));
	bool ok = false;
	int err;

	if (!g)
		return 1;
	g->opt = opt;
	err = load_open(g);
	if (err < 0) {
		fprintf(stderr, "l2xdp-load: %s\n", strerror(-err));
	} else {
		g->start_us = clock_us();
		on_tick(-1, 0, g);
		event_base_dispatch(g->loop.base);
		ok = load_report(g);
	}
	load_close(g);
	free(g);
	return ok ? 0 : 1;
}
