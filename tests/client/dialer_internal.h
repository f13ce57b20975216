/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What dialer.c and line.c share: the structures, and how they call each other. */
#ifndef L2XDP_TESTS_DIALER_INTERNAL_H
#define L2XDP_TESTS_DIALER_INTERNAL_H

#include "tests/client/dialer.h"
#include "tests/client/lac.h"
#include "tests/client/sequence.h"

struct dialer {
	const struct dialer_config *cfg;
	const struct dialer_ops *ops;
	void *ctx;
	struct timers *timers;
	struct l2tp_endpoint *ep;
	uint32_t shards; /* a power of two */
	struct line **lines; /* by line_index; pages that no session uses are never touched */
	msec_t *tunnel_rx; /* by our tunnel ID: when data last arrived */
	struct line *dead; /* ended, to be freed by dialer_reap */
	uint32_t serial;
	bool silent; /* dialer_free runs: tell nobody */
	struct dialer_counters counters;
};

struct line {
	struct dialer *d;
	struct l2tp_call *call; /* NULL: ended */
	struct ppp_link *ppp;
	struct lac *lac; /* only while a proxy negotiates */
	struct line *next_dead;
	void *owner;
	const char *cause; /* what PPP says, static */
	char *refusal; /* what the authenticator said, printable; NULL: nothing */
	struct timer patience;
	msec_t last_rx; /* data */
	struct ppp_config cfg;
	uint16_t tunnel_id, session_id; /* ours */
	uint16_t peer_tunnel_id, peer_session_id;
	uint16_t tx_ns;
	struct sequence rx;
	bool up; /* the call is established */
	bool asked; /* we closed it */
	bool started; /* PPP is, by us or by the negotiation of a LAC */
	bool over; /* PPP has finished */
	bool numbers; /* what we send carries Ns (V2-DATA-2, V2-DATA-3) */
	bool open4, open6;
};

uint32_t line_index(const struct dialer *d, uint16_t tunnel_id, uint16_t session_id);
/* The call is established: PPP may start. */
void line_up(struct line *l);
/* The call has ended; the line tells the program and waits to be reaped. */
void line_down(struct line *l, const struct l2tp_reason *why);
/* The payload of a data message. True: an IP packet, in *ret. */
bool line_receive(struct line *l, msec_t now, const struct l2tp_header *h, struct line_packet *ret);
void line_free(struct line *l);

#endif
