/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The other end for tests of the dialer: an LNS without sockets, users or data path, made
 * of the same rooms. One user, one password, addresses 10.0.0.2, 10.0.0.3, ... and
 * 2001:db8:1000:1::/64, ... by the order of the calls.
 */
#ifndef L2XDP_TESTS_RESPONDER_H
#define L2XDP_TESTS_RESPONDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/l2tp/l2tp.h"
#include "loader/ppp/ppp.h"

struct responder;

struct responder_config {
	const char *secret; /* of the tunnel; NULL: none */
	const char *user, *password;
	const char *refusal; /* what a wrong password is told */
	enum ppp_auth auth;
	bool ipv6;
	bool sequencing; /* number what we send */
	bool lcp_always; /* do not take over what a LAC negotiated */
	uint16_t mru;
};

/* What the responder saw; the tests look at it. */
struct responder_seen {
	unsigned int calls, up4, up6, down; /* so often */
	unsigned int lcp_requests; /* Configure-Requests that arrived in a call */
	unsigned int terminates; /* Terminate-Requests, likewise */
	unsigned int packets; /* IP */
	bool proxied; /* ICCN brought proxy authentication */
	bool sequencing_required; /* and AVP 39 */
	bool numbered; /* the last data message carried Ns */
	uint16_t ns; /* it */
	uint16_t cdn_result;
	uint16_t protocol; /* of the last packet */
	size_t len;
	uint8_t packet[2048];
};

struct responder *
responder_new(const struct responder_config *cfg,
	      void (*send)(void *ctx, const struct path *path, const uint8_t *msg, size_t len),
	      msec_t (*now)(void *ctx), void (*random)(void *ctx, void *buf, size_t n), void *ctx,
	      struct timers *timers);
void responder_free(struct responder *r);
void responder_input(struct responder *r, msec_t now, const struct path *path, const uint8_t *msg,
		     size_t len);
/* An IP packet to the call that came as the n-th (from 0), if it is up. `flags`: L and S
 * of the header; the PPP header stands in `ppp`, 1 to 4 octets (DP-V2-1, PPP-FR-2). */
void responder_send(struct responder *r, unsigned int n, uint16_t flags, const uint8_t *ppp,
		    size_t ppp_len, const uint8_t *packet, size_t len);
/* Ends the n-th call with CDN 3 and these words. */
void responder_clear(struct responder *r, msec_t now, unsigned int n, const char *text);
const struct responder_seen *responder_seen(const struct responder *r);

#endif
