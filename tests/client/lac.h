/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a LAC does before it asks for a call with proxy LCP and proxy authentication
 * (RFC 2661 section 4.4.5, PPP-PROXY-9): it negotiates LCP with the subscriber, asks for
 * the authentication, and stops before answering it. Here both ends are links of
 * loader/ppp in one process; so the values are what a real LAC would send, and the
 * subscriber's link then waits for the LNS as a real one does.
 */
#ifndef L2XDP_TESTS_LAC_H
#define L2XDP_TESTS_LAC_H

#include <stddef.h>
#include <stdint.h>

#include "loader/l2tp/l2tp.h"
#include "loader/ppp/ppp.h"

struct lac;

/* `ret` is the call's information that gets the proxy values. */
struct lac *lac_new(enum ppp_auth auth, uint16_t mru, void (*random)(void *ctx, void *, size_t),
		    void *random_ctx, struct timers *timers, struct l2tp_call_info *ret);
void lac_free(struct lac *lac);
/* A frame that the subscriber's link sends while the LAC is its peer. */
void lac_take(struct lac *lac, const uint8_t *frame, size_t len);
/* Brings `subscriber`, whose frames go to lac_take, up to the authentication's answer.
 * 0, or -EPROTO if they do not agree. */
int lac_negotiate(struct lac *lac, msec_t now, struct ppp_link *subscriber);

#endif
