/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * l2xdp-client: a subscriber behind an L2TPv2 tunnel, in user space.
 *
 *   client_options.c   the command line
 *   client.c           tunnel and lines: dial, dial again, hang up (essay there)
 *   client_device.c    one subscriber's TUN device: addresses, routes, packets
 *   client_events.c    JSON lines
 */
#ifndef L2XDP_TESTS_CLIENT_H
#define L2XDP_TESTS_CLIENT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "loader/base/addr.h"
#include "tests/client/dialer.h"
#include "tests/client/loop.h"
#include "tests/client/netcfg.h"
#include "tests/client/tun.h"
#include "tests/client/udp.h"

#define CLIENT_MAX_ROUTES 32
#define CLIENT_MAX_SESSIONS 1000
/* Outer IP and UDP, our L2TP header and PPP's (dataplane.md section 6) */
#define OVERHEAD_V4 38
#define OVERHEAD_V6 58
#define OVERHEAD_NUMBERS 4
#define OVERHEAD_LENGTH 2 /* the Length field, which the peer may send (DP-MTU-2) */

struct client_options {
	struct path path; /* peer: the server; local: as asked, or unset */
	char *secret, *user, *password;
	const char *host_name, *tun, *events, *calling;
	unsigned int mru; /* 0: from the path */
	unsigned int echo; /* s, 0: none */
	bool sequencing, hide, ipv4, ipv6, default_route, keep, debug;
	struct prefix routes[CLIENT_MAX_ROUTES];
	unsigned int n_routes, sessions;
	enum proxy_kind proxy;
};

/* 0: go on; 1: done (--help); -1: a fault was told on stderr. */
int client_options_read(int argc, char **argv, struct client_options *ret);
void client_options_free(struct client_options *o);

enum client_state {
	CLIENT_RUNNING,
	CLIENT_CLOSING_LINES, /* PPP Terminate and CDN are on their way */
	CLIENT_CLOSING_TUNNEL, /* StopCCN waits for its acknowledgement */
	CLIENT_DONE,
};

struct client;

/* One session and its device. */
struct subscriber {
	struct client *client;
	struct line *line; /* NULL: down */
	struct tun tun;
	struct event *readable;
	char *user;
	bool device_up;
	struct ipaddr ipv4, local_ipv4, ipv6, link_local; /* as set on the device */
};

struct client {
	const struct client_options *opt;
	struct dialer_config cfg;
	struct loop loop;
	struct dialer *dialer;
	struct udp_batch *batch;
	struct netcfg *netcfg;
	FILE *events;
	int fd;
	struct path path;
	unsigned int path_mtu;
	struct l2tp_tunnel *tunnel;
	struct subscriber *subs;
	unsigned int n_lines;
	enum client_state state;
	bool failed; /* a line ended that nobody asked to end */
	unsigned int backoff_ms;
	struct event *readable, *on_term, *on_int, *redial, *deadline;
};

/* Runs until told to stop. The exit status. */
int client_run(const struct client_options *opt);

/* ---- client_device.c ---- */
int device_open(struct subscriber *s, const char *name);
void device_close(struct subscriber *s);
/* What the device gets when a family opens, and loses when it closes. */
void device_ipv4(struct subscriber *s, const struct ppp_network *net);
void device_ipv6(struct subscriber *s, const struct ppp_network *net);
void device_prefix(struct subscriber *s, const struct ppp_network *net);
void device_clear(struct subscriber *s, uint16_t protocol);
/* A packet for the subscriber. */
void device_deliver(struct subscriber *s, const struct line_packet *p);
unsigned int device_mtu(const struct subscriber *s);

/* ---- client_events.c ---- */
void event_up_ipv4(const struct subscriber *s, const struct ppp_network *net);
void event_up_ipv6(const struct subscriber *s, const struct ppp_network *net);
void event_down(const struct subscriber *s, const struct line_end *end);

#endif
