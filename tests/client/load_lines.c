/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tunnels and lines of the load: starting them, and what becomes of them. */
#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/client/load.h"
#include "tests/client/options.h"

#define ROUNDS 4

/* ---- what the dialer tells ---- */

static msec_t on_now(void *ctx)
{
	struct load *g = ctx;

	return g->loop.now;
}

static void on_send(void *ctx, const struct path *path, const uint8_t *msg, size_t len)
{
	struct load *g = ctx;
	uint32_t at = g->by_port[path->local_port];
	uint8_t *room;

	if (!at || len > UDP_ROOM)
		return;
	room = udp_room(g->batch);
	memcpy(room, msg, len);
	udp_queue(g->batch, g->tunnels[at - 1].fd, path, 0, len);
}

static struct load_tunnel *tunnel_of(struct load *g, const struct l2tp_tunnel *t)
{
	uint32_t at = g->by_tunnel_id[l2tp_tunnel_id(t)];

	return at && g->tunnels[at - 1].tunnel == t ? &g->tunnels[at - 1] : NULL;
}

static void on_tunnel_up(void *ctx, struct l2tp_tunnel *t)
{
	struct load *g = ctx;
	struct load_tunnel *lt = tunnel_of(g, t);

	if (!lt || lt->up)
		return;
	lt->up = true;
	g->half_open--;
}

static void on_tunnel_gone(void *ctx, struct l2tp_tunnel *t, const struct l2tp_reason *why)
{
	struct load *g = ctx;
	struct load_tunnel *lt = tunnel_of(g, t);

	(void)why; /* its lines have told */
	if (!lt)
		return;
	if (!lt->up)
		g->half_open--;
	lt->tunnel = NULL;
	g->by_tunnel_id[l2tp_tunnel_id(t)] = 0;
}

static void on_network_up(void *ctx, struct line *l, uint16_t protocol,
			  const struct ppp_network *net)
{
	struct load *g = ctx;
	struct load_line *s = line_owner(l);

	if (protocol != PPP_IP)
		return;
	s->ipv4 = addr_v4(&net->ipv4);
	if (s->state != LINE_CONNECTING)
		return;
	s->state = LINE_UP;
	s->auth = (uint8_t)line_auth(l);
	s->latency_us = (uint32_t)(clock_us() - s->started_us);
	g->connecting--;
	g->up++;
}

static void on_prefix(void *ctx, struct line *l, const struct ppp_network *net)
{
	struct load_line *s = line_owner(l);

	(void)ctx;
	s->ipv6 = net->ipv6.addr;
	memcpy(s->ipv6.b + 8, net->local_id, 8);
}

static void on_down(void *ctx, struct line *l, const struct line_end *end)
{
	struct load *g = ctx;
	struct load_line *s = line_owner(l);
	uint32_t i = (uint32_t)(s - g->lines);

	s->line = NULL;
	g->open--;
	g->tunnels[i % g->opt->tunnels].lines--;
	if (s->state == LINE_CONNECTING)
		g->connecting--;
	/* One that we give up has been counted by then. */
	if (!end->asked)
		load_line_failed(g, s, end->text);
	else if (s->state != LINE_FAILED)
		s->state = LINE_DOWN;
}

const struct dialer_ops load_dialer_ops = {
	.now = on_now,
	.send = on_send,
	.random = random_octets,
	.tunnel_up = on_tunnel_up,
	.tunnel_gone = on_tunnel_gone,
	.network_up = on_network_up,
	.prefix = on_prefix,
	.down = on_down,
};

/* ---- sockets ---- */

static void on_datagram(void *arg, const struct path *path, const uint8_t *msg, size_t len)
{
	struct load_tunnel *lt = arg;
	struct load *g = lt->load;
	struct line_packet p;

	if (dialer_input(g->dialer, g->loop.now, path, msg, len, &p))
		load_traffic_received(g, line_owner(p.line), &p);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct load_tunnel *lt = arg;
	struct load *g = lt->load;

	(void)what;
	loop_enter(&g->loop);
	udp_receive(g->batch, fd, &lt->path, ROUNDS, on_datagram, lt);
	loop_leave(&g->loop);
}

int load_tunnels_open(struct load *g)
{
	unsigned int mtu;

	for (unsigned int i = 0; i < g->opt->tunnels; i++)
		g->tunnels[i] = (struct load_tunnel){ .load = g, .fd = -1 };
	for (unsigned int i = 0; i < g->opt->tunnels; i++) {
		struct load_tunnel *lt = &g->tunnels[i];

		lt->path = g->opt->path;
		lt->fd = udp_open(&lt->path, &mtu);
		if (lt->fd < 0) {
			fprintf(stderr, "l2xdp-load: UDP socket %u: %s\n", i, strerror(-lt->fd));
			return lt->fd;
		}
		g->by_port[lt->path.local_port] = i + 1;
		lt->readable =
			event_new(g->loop.base, lt->fd, EV_READ | EV_PERSIST, on_readable, lt);
		if (!lt->readable || event_add(lt->readable, NULL) < 0)
			return -ENOMEM;
	}
	return 0;
}

void load_tunnels_close(struct load *g)
{
	for (unsigned int i = 0; g->tunnels && i < g->opt->tunnels; i++) {
		if (g->tunnels[i].readable)
			event_free(g->tunnels[i].readable);
		if (g->tunnels[i].fd >= 0)
			close(g->tunnels[i].fd);
	}
	free(g->tunnels);
}

/* ---- lines ---- */

void load_line_failed(struct load *g, struct load_line *s, const char *reason)
{
	if (s->state == LINE_UP)
		g->up--;
	if (s->state != LINE_FAILED)
		g->failed++;
	s->state = LINE_FAILED;
	load_failures_add(&g->failures, reason);
}

/* False: the tunnel window is full; try again later. */
static bool tunnel_ready(struct load *g, struct load_tunnel *lt)
{
	if (lt->opened)
		return true;
	if (g->half_open >= g->opt->tunnel_window)
		return false;
	lt->opened = true;
	lt->tunnel = dialer_tunnel(g->dialer, g->loop.now, &lt->path);
	if (lt->tunnel) {
		g->by_tunnel_id[l2tp_tunnel_id(lt->tunnel)] = 1 + (uint32_t)(lt - g->tunnels);
		g->half_open++;
	}
	return true;
}

static void start_line(struct load *g, uint32_t i, struct load_tunnel *lt)
{
	struct load_line *s = &g->lines[i];

	if (!lt->tunnel) {
		load_line_failed(g, s, "its tunnel is gone");
		return;
	}
	s->user = option_name(g->opt->user, i);
	s->started_us = clock_us();
	if (s->user)
		s->line =
			line_open(g->dialer, g->loop.now, lt->tunnel, s->user, g->opt->password, s);
	if (!s->line) {
		load_line_failed(g, s, "no memory or no session ID");
		return;
	}
	s->state = LINE_CONNECTING;
	g->connecting++;
	g->open++;
	lt->lines++;
}

void load_start_lines(struct load *g)
{
	uint64_t allowed = g->total;

	if (g->opt->rate)
		allowed = 1 + (clock_us() - g->start_us) * g->opt->rate / 1000000;
	while (g->next < g->total && g->next < allowed && g->connecting < g->opt->window) {
		struct load_tunnel *lt = &g->tunnels[g->next % g->opt->tunnels];

		if (!tunnel_ready(g, lt))
			return;
		start_line(g, g->next++, lt);
	}
}

void load_expire_lines(struct load *g)
{
	uint64_t now = clock_us();

	for (; g->oldest < g->next; g->oldest++) {
		struct load_line *s = &g->lines[g->oldest];

		if (s->state != LINE_CONNECTING)
			continue;
		if (now - s->started_us < (uint64_t)g->opt->timeout * 1000000)
			return;
		g->connecting--;
		load_line_failed(g, s, "not up in time");
		line_close(s->line, g->loop.now, false);
	}
}
