/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One subscriber's TUN device: addresses, routes, and the packets between it and UDP. */
#include <errno.h>
#include <event2/event.h>
#include <string.h>
#include <unistd.h>

#include "loader/base/log.h"
#include "tests/client/client.h"

#define PACKETS_AT_ONCE 256 /* then the others get their turn */
#define HEAD_ROOM 16 /* LINE_HEADER_MAX, aligned */
#define MTU_MAX 9000
#define MTU_MIN_IPV6 1280

/* What a line may send: the peer's MRU, and what the path carries (DP-MTU-1). */
unsigned int device_mtu(const struct subscriber *s)
{
	const struct client *c = s->client;
	unsigned int over = addr_is_v4(&c->path.peer) ? OVERHEAD_V4 : OVERHEAD_V6;
	unsigned int mtu;

	over += c->opt->sequencing ? OVERHEAD_NUMBERS : 0;
	mtu = c->path_mtu > over ? c->path_mtu - over : 0;
	if (mtu > line_peer_mru(s->line))
		mtu = line_peer_mru(s->line);
	return mtu > MTU_MAX ? MTU_MAX : mtu;
}

static void complain(const struct subscriber *s, const char *what, int err)
{
	if (err < 0)
		log_warn(NULL, "device %s: %s: %s", s->tun.name, what, strerror(-err));
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct subscriber *s = arg;
	struct client *c = s->client;

	(void)what;
	loop_enter(&c->loop);
	for (int i = 0; i < PACKETS_AT_ONCE; i++) {
		uint8_t *room = udp_room(c->batch);
		ssize_t n = read(fd, room + HEAD_ROOM, UDP_ROOM - HEAD_ROOM);
		uint16_t protocol;
		size_t header;

		if (n <= 0)
			break;
		protocol = room[HEAD_ROOM] >> 4 == 6 ? PPP_IPV6 : PPP_IP;
		if (!s->line || !line_is_open(s->line, protocol))
			continue;
		header = line_header_len(s->line);
		line_header(s->line, protocol, room + HEAD_ROOM - header);
		udp_queue(c->batch, c->fd, line_path(s->line), HEAD_ROOM - header,
			  header + (size_t)n);
	}
	loop_leave(&c->loop);
}

int device_open(struct subscriber *s, const char *name)
{
	struct client *c = s->client;
	int err = tun_open(name, &s->tun);

	if (err < 0)
		return err;
	s->readable = event_new(c->loop.base, s->tun.fd, EV_READ | EV_PERSIST, on_readable, s);
	if (!s->readable || event_add(s->readable, NULL) < 0) {
		device_close(s);
		return -ENOMEM;
	}
	return 0;
}

void device_close(struct subscriber *s)
{
	if (s->readable)
		event_free(s->readable);
	s->readable = NULL;
	tun_close(&s->tun);
}

static void add_routes(const struct subscriber *s, bool v4)
{
	const struct client_options *opt = s->client->opt;
	struct prefix all = { .len = 0 };

	if (s != s->client->subs)
		return;
	for (unsigned int i = 0; i < opt->n_routes; i++)
		if (addr_is_v4(&opt->routes[i].addr) == v4)
			complain(s, "route",
				 netcfg_route(s->client->netcfg, s->tun.index, &opt->routes[i]));
	if (!opt->default_route)
		return;
	if (v4)
		all.addr = addr_from_v4(0);
	complain(s, "default route", netcfg_route(s->client->netcfg, s->tun.index, &all));
}

static void bring_up(struct subscriber *s)
{
	complain(s, "bringing it up",
		 netcfg_up(s->client->netcfg, s->tun.name, s->tun.index, device_mtu(s)));
	s->device_up = true;
}

/* Replaces one address of the device by another; unset: none. */
static void set_address(struct subscriber *s, struct ipaddr *old, const struct ipaddr *new,
			uint8_t len, const struct ipaddr *peer)
{
	struct netcfg *n = s->client->netcfg;

	if (addr_eq(old, new))
		return;
	if (addr_is_set(old))
		netcfg_address(n, false, s->tun.index, old, len, &s->local_ipv4);
	if (addr_is_set(new))
		complain(s, "address", netcfg_address(n, true, s->tun.index, new, len, peer));
	*old = *new;
}

void device_ipv4(struct subscriber *s, const struct ppp_network *net)
{
	bring_up(s);
	set_address(s, &s->ipv4, &net->ipv4, 32, &net->local_ipv4);
	s->local_ipv4 = net->local_ipv4;
	add_routes(s, true);
}

void device_ipv6(struct subscriber *s, const struct ppp_network *net)
{
	struct ipaddr a = { .b = { 0xfe, 0x80 } };

	bring_up(s);
	if (device_mtu(s) < MTU_MIN_IPV6)
		log_warn(NULL, "device %s: an MTU of %u carries no IPv6", s->tun.name,
			 device_mtu(s));
	memcpy(a.b + 8, net->local_id, 8);
	set_address(s, &s->link_local, &a, 64, NULL);
}

void device_prefix(struct subscriber *s, const struct ppp_network *net)
{
	struct ipaddr a = net->ipv6.addr;

	memcpy(a.b + 8, net->local_id, 8);
	set_address(s, &s->ipv6, &a, 64, NULL);
	add_routes(s, false);
}

void device_clear(struct subscriber *s, uint16_t protocol)
{
	static const struct ipaddr none;

	if (protocol == PPP_IP) {
		set_address(s, &s->ipv4, &none, 32, NULL);
		return;
	}
	set_address(s, &s->ipv6, &none, 64, NULL);
	set_address(s, &s->link_local, &none, 64, NULL);
}

void device_deliver(struct subscriber *s, const struct line_packet *p)
{
	/* A full queue or a packet that is none is lost, as on any line. */
	if (s->device_up && write(s->tun.fd, p->data, p->len) < 0)
		return;
}
