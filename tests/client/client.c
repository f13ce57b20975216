/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * l2xdp-client's life: one UDP socket, one tunnel, a line for each subscriber.
 *
 * Everything happens in callbacks of the event loop: the socket, the TUN devices, signals
 * and timers. Each callback ends in settle(), where no room's code is on the stack: there
 * what is queued is sent, ended lines are freed, and the state moves on:
 *
 *   RUNNING --signal, or all lines lost without --keep--> CLOSING_LINES (PPP Terminate,
 *   CDN) --no line left--> CLOSING_TUNNEL (StopCCN) --acknowledged, or 2 s--> DONE
 */
#include "tests/client/client.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/base/log.h"
#include "tests/client/options.h"

#define CLOSE_LINES_MS 5000
#define CLOSE_TUNNEL_MS 2000
#define BACKOFF_MIN_MS 1000
#define BACKOFF_MAX_MS 16000
#define ROUNDS 4

/* ---- dialer's news ---- */

static msec_t on_now(void *ctx)
{
	struct client *c = ctx;

	return c->loop.now;
}

static void on_send(void *ctx, const struct path *path, const uint8_t *msg, size_t len)
{
	struct client *c = ctx;
	uint8_t *room = udp_room(c->batch);

	if (len > UDP_ROOM)
		return;
	memcpy(room, msg, len);
	udp_queue(c->batch, c->fd, path, 0, len);
}

static void on_tunnel_up(void *ctx, struct l2tp_tunnel *t)
{
	(void)ctx;
	log_info(NULL, "tunnel %u to %s is up", l2tp_tunnel_id(t), l2tp_tunnel_hostname(t));
}

static void on_tunnel_gone(void *ctx, struct l2tp_tunnel *t, const struct l2tp_reason *why)
{
	struct client *c = ctx;

	(void)t;
	if (c->state == CLIENT_RUNNING)
		log_warn(NULL, "the tunnel is gone: %s",
			 why->timeout ? "no answer from the server" : why->text);
	c->tunnel = NULL;
}

static void on_network_up(void *ctx, struct line *l, uint16_t protocol,
			  const struct ppp_network *net)
{
	struct client *c = ctx;
	struct subscriber *s = line_owner(l);

	s->line = l;
	c->backoff_ms = BACKOFF_MIN_MS;
	if (protocol == PPP_IP) {
		device_ipv4(s, net);
		event_up_ipv4(s, net);
	} else {
		device_ipv6(s, net);
	}
}

static void on_prefix(void *ctx, struct line *l, const struct ppp_network *net)
{
	struct subscriber *s = line_owner(l);
	struct ipaddr before = s->ipv6;

	(void)ctx;
	device_prefix(s, net);
	if (!addr_eq(&before, &s->ipv6))
		event_up_ipv6(s, net);
}

static void on_network_down(void *ctx, struct line *l, uint16_t protocol)
{
	(void)ctx;
	device_clear(line_owner(l), protocol);
}

static void on_down(void *ctx, struct line *l, const struct line_end *end)
{
	struct client *c = ctx;
	struct subscriber *s = line_owner(l);

	s->line = NULL;
	c->n_lines--;
	event_down(s, end);
	if (end->asked)
		return;
	fprintf(stderr, "l2xdp-client: %s: %s\n", s->user, end->text);
	c->failed = true;
}

static const struct dialer_ops dialer_ops = {
	.now = on_now,
	.send = on_send,
	.random = random_octets,
	.tunnel_up = on_tunnel_up,
	.tunnel_gone = on_tunnel_gone,
	.network_up = on_network_up,
	.network_down = on_network_down,
	.prefix = on_prefix,
	.down = on_down,
};

/* ---- dialling and hanging up ---- */

static int dial(struct client *c)
{
	if (!c->tunnel)
		c->tunnel = dialer_tunnel(c->dialer, c->loop.now, &c->path);
	if (!c->tunnel)
		return -ENOMEM;
	for (unsigned int i = 0; i < c->opt->sessions; i++) {
		struct subscriber *s = &c->subs[i];

		if (s->line)
			continue;
		s->line =
			line_open(c->dialer, c->loop.now, c->tunnel, s->user, c->opt->password, s);
		if (!s->line)
			return -ENOMEM;
		c->n_lines++;
	}
	return 0;
}

static void set_deadline(struct client *c, unsigned int ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = (suseconds_t)(ms % 1000) * 1000 };

	evtimer_add(c->deadline, &tv);
}

static void hang_up(struct client *c)
{
	if (c->state != CLIENT_RUNNING)
		return;
	c->state = CLIENT_CLOSING_LINES;
	evtimer_del(c->redial);
	set_deadline(c, CLOSE_LINES_MS);
	for (unsigned int i = 0; i < c->opt->sessions; i++)
		if (c->subs[i].line)
			line_close(c->subs[i].line, c->loop.now, true);
}

/* A line was lost and is wanted again. */
static void plan_redial(struct client *c)
{
	struct timeval tv = { .tv_sec = c->backoff_ms / 1000,
			      .tv_usec = (suseconds_t)(c->backoff_ms % 1000) * 1000 };

	if (evtimer_pending(c->redial, NULL))
		return;
	evtimer_add(c->redial, &tv);
	c->backoff_ms *= 2;
	if (c->backoff_ms > BACKOFF_MAX_MS)
		c->backoff_ms = BACKOFF_MAX_MS;
}

static void settle(void *arg)
{
	struct client *c = arg;

	if (c->state == CLIENT_RUNNING && c->n_lines < c->opt->sessions && c->opt->keep)
		plan_redial(c);
	if (c->state == CLIENT_RUNNING && !c->n_lines && !c->opt->keep)
		hang_up(c);
	if (c->state == CLIENT_CLOSING_LINES && !c->n_lines) {
		c->state = CLIENT_CLOSING_TUNNEL;
		set_deadline(c, CLOSE_TUNNEL_MS);
		if (c->tunnel)
			dialer_hang_up(c->dialer, c->loop.now, c->tunnel);
		c->tunnel = NULL;
	}
	dialer_reap(c->dialer);
	udp_flush(c->batch);
	if (c->state == CLIENT_CLOSING_TUNNEL && !dialer_unacknowledged(c->dialer)) {
		c->state = CLIENT_DONE;
		event_base_loopbreak(c->loop.base);
	}
}

/* ---- events ---- */

static void on_datagram(void *arg, const struct path *path, const uint8_t *msg, size_t len)
{
	struct client *c = arg;
	struct line_packet p;

	if (dialer_input(c->dialer, c->loop.now, path, msg, len, &p))
		device_deliver(line_owner(p.line), &p);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;
	int err;

	(void)what;
	loop_enter(&c->loop);
	err = udp_receive(c->batch, fd, &c->path, ROUNDS, on_datagram, c);
	if (err < 0 && err != -ECONNREFUSED)
		log_warn(NULL, "receiving: %s", strerror(-err));
	loop_leave(&c->loop);
}

static void on_signal(evutil_socket_t sig, short what, void *arg)
{
	struct client *c = arg;

	(void)sig;
	(void)what;
	loop_enter(&c->loop);
	if (c->opt->keep)
		c->failed = false; /* what was lost was dialled again */
	if (c->state != CLIENT_RUNNING)
		event_base_loopbreak(c->loop.base); /* asked twice: at once */
	hang_up(c);
	loop_leave(&c->loop);
}

static void on_redial(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;

	(void)fd;
	(void)what;
	loop_enter(&c->loop);
	/* With all lines lost the server may have forgotten the tunnel, too. */
	if (c->tunnel && !c->n_lines)
		dialer_hang_up(c->dialer, c->loop.now, c->tunnel);
	if (dial(c) < 0)
		plan_redial(c);
	loop_leave(&c->loop);
}

static void on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;

	(void)fd;
	(void)what;
	loop_enter(&c->loop);
	if (c->state == CLIENT_CLOSING_LINES) {
		for (unsigned int i = 0; i < c->opt->sessions; i++)
			if (c->subs[i].line)
				line_close(c->subs[i].line, c->loop.now, false);
	} else {
		log_info(NULL, "the server does not acknowledge the end of a tunnel");
		event_base_loopbreak(c->loop.base);
	}
	loop_leave(&c->loop);
}

/* ---- opening and closing ---- */

static void configure(struct client *c)
{
	const struct client_options *o = c->opt;
	unsigned int over = addr_is_v4(&c->path.peer) ? OVERHEAD_V4 : OVERHEAD_V6;
	unsigned int mru = o->mru;

	over += OVERHEAD_LENGTH + (o->sequencing ? OVERHEAD_NUMBERS : 0); /* DP-MTU-2 */
	if (!mru)
		mru = c->path_mtu > over + 128 ? c->path_mtu - over : 128;
	c->cfg = (struct dialer_config){
		.peer = {
			.name = "server",
			.hostname = o->host_name,
			.secret = (const uint8_t *)o->secret,
			.secret_len = o->secret ? strlen(o->secret) : 0,
			.hide = o->hide,
			.hello_ms = 60000,
		},
		.limits = { .shards = 1 },
		.ppp = {
			.client = true,
			.mru = (uint16_t)mru,
			.ipv4 = o->ipv4,
			.ipv6 = o->ipv6,
			.restart_ms = 3000,
			.echo_ms = o->echo * 1000,
			.echo_failures = 4,
			.want_dns = true,
		},
		.sequencing = o->sequencing,
		.calling = o->calling,
		.proxy = o->proxy,
	};
}

static int fault(const char *what, int err)
{
	fprintf(stderr, "l2xdp-client: %s: %s%s\n", what, strerror(-err),
		err == -EPERM ? " (root is needed)" : "");
	return err;
}

static int open_socket(struct client *c)
{
	c->path = c->opt->path;
	c->fd = udp_open(&c->path, &c->path_mtu);
	if (c->fd < 0)
		return fault("UDP socket", c->fd);
	if (c->opt->default_route && udp_pin_device(c->fd, &c->path.local) < 0)
		log_warn(NULL, "the tunnel's own packets may follow the new default route");
	c->readable = event_new(c->loop.base, c->fd, EV_READ | EV_PERSIST, on_readable, c);
	return c->readable && event_add(c->readable, NULL) == 0 ? 0 : fault("event", -ENOMEM);
}

static int open_devices(struct client *c)
{
	int err = netcfg_open(&c->netcfg);

	if (err < 0)
		return fault("netlink", err);
	c->subs = calloc(c->opt->sessions, sizeof(*c->subs));
	if (!c->subs)
		return fault("subscribers", -ENOMEM);
	for (unsigned int i = 0; i < c->opt->sessions; i++)
		c->subs[i] = (struct subscriber){ .client = c, .tun.fd = -1 };
	for (unsigned int i = 0; i < c->opt->sessions; i++) {
		char name[64];

		if (c->opt->sessions == 1)
			snprintf(name, sizeof(name), "%s", c->opt->tun);
		else
			snprintf(name, sizeof(name), "%s%u", c->opt->tun, i);
		c->subs[i].user = option_name(c->opt->user, i);
		err = c->subs[i].user ? device_open(&c->subs[i], name) : -ENOMEM;
		if (err < 0)
			return fault(name, err);
	}
	return 0;
}

static int open_events(struct client *c)
{
	c->events = c->opt->events ? fopen(c->opt->events, "we") : stdout;
	if (!c->events)
		return fault(c->opt->events, -errno);
	c->on_term = evsignal_new(c->loop.base, SIGTERM, on_signal, c);
	c->on_int = evsignal_new(c->loop.base, SIGINT, on_signal, c);
	c->redial = evtimer_new(c->loop.base, on_redial, c);
	c->deadline = evtimer_new(c->loop.base, on_deadline, c);
	if (!c->on_term || !c->on_int || !c->redial || !c->deadline)
		return fault("events", -ENOMEM);
	event_add(c->on_term, NULL);
	event_add(c->on_int, NULL);
	return 0;
}

static void free_event(struct event *e)
{
	if (e)
		event_free(e);
}

static void client_close(struct client *c)
{
	dialer_free(c->dialer);
	for (unsigned int i = 0; c->subs && i < c->opt->sessions; i++) {
		device_close(&c->subs[i]);
		free(c->subs[i].user);
	}
	free(c->subs);
	netcfg_close(c->netcfg);
	free_event(c->readable);
	free_event(c->on_term);
	free_event(c->on_int);
	free_event(c->redial);
	free_event(c->deadline);
	if (c->fd >= 0)
		close(c->fd);
	if (c->events && c->events != stdout)
		fclose(c->events);
	udp_batch_free(c->batch);
	loop_close(&c->loop);
}

static int client_open(struct client *c)
{
	int err = loop_open(&c->loop, settle, c);

	if (err < 0)
		return fault("event loop", err);
	c->batch = udp_batch_new();
	if (!c->batch)
		return fault("buffers", -ENOMEM);
	if ((err = open_events(c)) < 0 || (err = open_socket(c)) < 0 || (err = open_devices(c)) < 0)
		return err;
	configure(c);
	c->dialer = dialer_new(&c->cfg, &dialer_ops, c, &c->loop.timers);
	return c->dialer ? 0 : fault("L2TP", -ENOMEM);
}

int client_run(const struct client_options *opt)
{
	struct client c = { .opt = opt, .fd = -1, .backoff_ms = BACKOFF_MIN_MS };
	int err;

	err = client_open(&c);
	if (err == 0) {
		loop_enter(&c.loop);
		err = dial(&c);
		if (err < 0)
			fault("dialling", err);
	}
	if (err == 0) {
		loop_leave(&c.loop);
		event_base_dispatch(c.loop.base);
	}
	client_close(&c);
	return err < 0 || c.failed ? 1 : 0;
}
