/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The initiator's side of L2TPv2, as l2xdp-client and l2xdp-load use it: joins calls
 * (loader/l2tp) and PPP links (loader/ppp) into lines, one line for each subscriber.
 *
 * Pure, as those rooms are: datagrams and time come in by functions, datagrams and news go
 * out by `struct dialer_ops`. So the same code runs over UDP, and in a unit test in memory.
 *
 * Who calls whom: a program opens tunnels (dialer_tunnel) and lines in them (line_open). The
 * l2tp room says call_up, the dialer then starts PPP. `network_up` tells the program
 * that IPv4 or IPv6 may flow; `down` is the last word about a line, after which the dialer
 * frees it at the next dialer_reap. Data: dialer_input hands out what a line received,
 * line_header writes what stands in front of a packet.
 */
#ifndef L2XDP_TESTS_DIALER_H
#define L2XDP_TESTS_DIALER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/l2tp/header.h"
#include "loader/l2tp/l2tp.h"
#include "loader/ppp/ppp.h"

struct dialer;
struct line;

/* L2TP header with numbers, FF 03 and a two-octet protocol: no line writes more. */
#define LINE_HEADER_MAX 14

enum proxy_kind { PROXY_NONE, PROXY_PAP, PROXY_CHAP };

struct dialer_config {
	struct l2tp_peer peer; /* how tunnels are opened */
	struct l2tp_limits limits;
	struct ppp_config ppp; /* of every line; user and password come by line_open */
	const char *calling; /* Calling Number, or NULL */
	bool sequencing; /* AVP 39 in ICCN: both sides number their data (V2-DATA-2) */
	/* Start PPP with the server's first frame, or so many ms later; 0: at once. With many
	 * calls in set-up ICCN may wait for its turn in the tunnel's window, and what PPP sends
	 * before it has arrived is lost (V2-DATA-7). */
	unsigned int patience_ms;
	enum proxy_kind proxy; /* a LAC that has already negotiated with the subscriber */
};

/* Why a line ended. */
struct line_end {
	bool asked; /* we closed it (line_close, dialer_hang_up) */
	uint16_t result, error; /* of CDN or StopCCN; 0: nobody sent one */
	char text[256]; /* one printable line */
};

/* An IP packet that arrived for a line; points into the datagram. */
struct line_packet {
	struct line *line;
	uint16_t protocol; /* PPP_IP or PPP_IPV6 */
	const uint8_t *data;
	size_t len;
};

struct dialer_ops {
	/* The owner's idea of the time: that of the running dialer_* call or timer. */
	msec_t (*now)(void *ctx);
	void (*send)(void *ctx, const struct path *path, const uint8_t *msg, size_t len);
	void (*random)(void *ctx, void *buf, size_t n);
	/* Optional, as all below. */
	void (*tunnel_up)(void *ctx, struct l2tp_tunnel *t);
	void (*tunnel_moved)(void *ctx, struct l2tp_tunnel *t);
	void (*tunnel_gone)(void *ctx, struct l2tp_tunnel *t, const struct l2tp_reason *why);
	void (*network_up)(void *ctx, struct line *l, uint16_t protocol,
			   const struct ppp_network *net);
	void (*network_down)(void *ctx, struct line *l, uint16_t protocol);
	/* A router advertisement told the prefix; net->local_id completes the address. */
	void (*prefix)(void *ctx, struct line *l, const struct ppp_network *net);
	void (*down)(void *ctx, struct line *l, const struct line_end *end);
};

/* What happened to data, for the tests. */
struct dialer_counters {
	uint64_t rx_packets, tx_packets; /* IP, in lines */
	uint64_t rx_unknown; /* no such session */
	uint64_t rx_closed; /* IP before its NCP was open (PPP-REJ-4) */
	uint64_t rx_malformed;
	uint64_t rx_old, rx_lost; /* by sequence numbers (DP-SEQ-1) */
	uint64_t rx_unnumbered; /* dropped: numbers were required (DP-SEQ-3) */
};

/* NULL on lack of memory. cfg and timers are the caller's and outlive the dialer. */
struct dialer *dialer_new(const struct dialer_config *cfg, const struct dialer_ops *ops, void *ctx,
			  struct timers *timers);
void dialer_free(struct dialer *d); /* silent: sends nothing, tells nothing */
/* Frees lines that have ended. To be called when no dialer function and no timer runs. */
void dialer_reap(struct dialer *d);

/* Opens a control connection; NULL on lack of memory or IDs. */
struct l2tp_tunnel *dialer_tunnel(struct dialer *d, msec_t now, const struct path *path);
/* Takes one datagram. True: it held an IP packet, which is in *ret. */
bool dialer_input(struct dialer *d, msec_t now, const struct path *path, const uint8_t *msg,
		  size_t len, struct line_packet *ret);
/* Closes a tunnel with StopCCN 1; `down` runs for each of its lines with asked = true. */
void dialer_hang_up(struct dialer *d, msec_t now, struct l2tp_tunnel *t);
/* How many StopCCN still wait for their acknowledgement. */
unsigned int dialer_unacknowledged(const struct dialer *d);
const struct dialer_counters *dialer_counters(const struct dialer *d);
struct l2tp_endpoint *dialer_endpoint(struct dialer *d);

/* A line in a tunnel, which need not be up yet. `user` and `password` are the caller's and
 * outlive the line, as does `owner`. NULL on lack of memory or IDs, or if the negotiation
 * that a proxy claims to have had fails. */
struct line *line_open(struct dialer *d, msec_t now, struct l2tp_tunnel *t, const char *user,
		       const char *password, void *owner);
/* Ends a line with CDN; `graceful`: PPP Terminate-Request first, CDN when that is answered
 * or 3 s later (V2-TEAR-5). `down` runs, perhaps before line_close returns. */
void line_close(struct line *l, msec_t now, bool graceful);

void *line_owner(const struct line *l);
const char *line_user(const struct line *l);
enum ppp_auth line_auth(const struct line *l);
uint16_t line_tunnel_id(const struct line *l); /* ours */
uint16_t line_session_id(const struct line *l);
uint16_t line_peer_tunnel_id(const struct line *l); /* once the call is established */
uint16_t line_peer_session_id(const struct line *l);
uint16_t line_peer_mru(const struct line *l);
const struct path *line_path(const struct line *l);
bool line_is_open(const struct line *l, uint16_t protocol);

/* Octets that the next line_header of this line writes: 10 or 14. */
size_t line_header_len(const struct line *l);
/* Writes L2TP and PPP header for a packet of this protocol and counts it. */
void line_header(struct line *l, uint16_t protocol, uint8_t *dst);

#endif
