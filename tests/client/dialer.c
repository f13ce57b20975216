/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/client/dialer.h"

#include <stdlib.h>
#include <string.h>

#include "tests/client/dialer_internal.h"

#define IDS 65536u

uint32_t line_index(const struct dialer *d, uint16_t tunnel_id, uint16_t session_id)
{
	return (uint32_t)(tunnel_id & (d->shards - 1)) << 16 | session_id;
}

static void on_send(void *ctx, const struct path *path, const uint8_t *msg, size_t len)
{
	struct dialer *d = ctx;

	d->ops->send(d->ctx, path, msg, len);
}

static void on_random(void *ctx, void *buf, size_t n)
{
	struct dialer *d = ctx;

	d->ops->random(d->ctx, buf, n);
}

/* We call; nobody calls us. */
static const struct l2tp_peer *on_find_peer(void *ctx, const struct path *path)
{
	(void)ctx;
	(void)path;
	return NULL;
}

static void on_tunnel_new(void *ctx, struct l2tp_tunnel *t)
{
	(void)ctx;
	(void)t;
}

static void on_tunnel_moved(void *ctx, struct l2tp_tunnel *t)
{
	struct dialer *d = ctx;

	if (d->ops->tunnel_moved && !d->silent)
		d->ops->tunnel_moved(d->ctx, t);
}

static void on_tunnel_up(void *ctx, struct l2tp_tunnel *t)
{
	struct dialer *d = ctx;

	if (d->ops->tunnel_up)
		d->ops->tunnel_up(d->ctx, t);
}

static void on_tunnel_gone(void *ctx, struct l2tp_tunnel *t, const struct l2tp_reason *why)
{
	struct dialer *d = ctx;

	if (d->ops->tunnel_gone && !d->silent)
		d->ops->tunnel_gone(d->ctx, t, why);
}

static bool on_tunnel_alive(void *ctx, struct l2tp_tunnel *t, msec_t since)
{
	struct dialer *d = ctx;

	return d->tunnel_rx[l2tp_tunnel_id(t)] > since;
}

static int on_call_request(void *ctx, struct l2tp_call *c, struct l2tp_reason *ret_why)
{
	(void)ctx;
	(void)c;
	*ret_why =
		(struct l2tp_reason){ .result = L2TP_CDN_ADMIN, .text = "this end takes no calls" };
	return L2TP_CDN_ADMIN;
}

static void on_call_up(void *ctx, struct l2tp_call *c, const struct l2tp_call_info *info)
{
	(void)ctx;
	(void)info;
	line_up(l2tp_call_user(c));
}

static void on_call_down(void *ctx, struct l2tp_call *c, const struct l2tp_reason *why)
{
	struct dialer *d = ctx;
	struct line *l = l2tp_call_user(c);

	if (!l)
		return;
	d->lines[line_index(d, l->tunnel_id, l->session_id)] = NULL;
	line_down(l, why);
}

static const struct l2tp_ops l2tp_ops = {
	.send = on_send,
	.random = on_random,
	.find_peer = on_find_peer,
	.tunnel_new = on_tunnel_new,
	.tunnel_moved = on_tunnel_moved,
	.tunnel_up = on_tunnel_up,
	.tunnel_gone = on_tunnel_gone,
	.tunnel_alive = on_tunnel_alive,
	.call_request = on_call_request,
	.call_up = on_call_up,
	.call_down = on_call_down,
};

struct dialer *dialer_new(const struct dialer_config *cfg, const struct dialer_ops *ops, void *ctx,
			  struct timers *timers)
{
	struct dialer *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->cfg = cfg;
	d->ops = ops;
	d->ctx = ctx;
	d->timers = timers;
	d->shards = cfg->limits.shards ? cfg->limits.shards : 1;
	d->lines = calloc((size_t)d->shards * IDS, sizeof(struct line *));
	d->tunnel_rx = calloc(IDS, sizeof(*d->tunnel_rx));
	d->ep = l2tp_endpoint_new(&cfg->limits, &l2tp_ops, d, timers);
	if (d->lines && d->tunnel_rx && d->ep)
		return d;
	dialer_free(d);
	return NULL;
}

void dialer_free(struct dialer *d)
{
	if (!d)
		return;
	d->silent = true;
	if (d->ep)
		l2tp_endpoint_free(d->ep);
	dialer_reap(d);
	free(d->lines);
	free(d->tunnel_rx);
	free(d);
}

void dialer_reap(struct dialer *d)
{
	while (d->dead) {
		struct line *l = d->dead;

		d->dead = l->next_dead;
		line_free(l);
	}
}

struct l2tp_tunnel *dialer_tunnel(struct dialer *d, msec_t now, const struct path *path)
{
	return l2tp_tunnel_open(d->ep, now, path, &d->cfg->peer);
}

bool dialer_input(struct dialer *d, msec_t now, const struct path *path, const uint8_t *msg,
		  size_t len, struct line_packet *ret)
{
	struct l2tp_header h;
	struct line *l;

	/* What is not a message is the l2tp room's to count, like control. */
	if (l2tp_header_parse(msg, len, &h) != L2TP_H_OK || (h.flags & L2TP_F_T)) {
		l2tp_input(d->ep, now, path, msg, len);
		return false;
	}
	l = d->lines[line_index(d, h.tunnel_id, h.session_id)];
	if (!l || l->tunnel_id != h.tunnel_id || !path_eq(path, line_path(l))) { /* DP-V2-2 */
		d->counters.rx_unknown++;
		return false;
	}
	d->tunnel_rx[l->tunnel_id] = now;
	return line_receive(l, now, &h, ret);
}

static bool mark_asked(void *arg, struct l2tp_call *c)
{
	struct line *l = l2tp_call_user(c);

	(void)arg;
	if (l)
		l->asked = true;
	return true;
}

void dialer_hang_up(struct dialer *d, msec_t now, struct l2tp_tunnel *t)
{
	struct l2tp_reason why = { .result = L2TP_STOP_GENERAL, .text = "asked to" };

	(void)d;
	l2tp_calls_visit(t, mark_asked, NULL);
	l2tp_tunnel_close(t, now, &why);
}

unsigned int dialer_unacknowledged(const struct dialer *d)
{
	return l2tp_unacknowledged(d->ep);
}

const struct dialer_counters *dialer_counters(const struct dialer *d)
{
	return &d->counters;
}

struct l2tp_endpoint *dialer_endpoint(struct dialer *d)
{
	return d->ep;
}
