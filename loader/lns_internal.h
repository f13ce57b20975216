/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lns.c (the house), session.c (a subscriber's life) and show.c (what people see) share. */
#ifndef L2XDP_LNS_INTERNAL_H
#define L2XDP_LNS_INTERNAL_H

#include <event2/event.h>

#include "loader/aaa/aaa.h"
#include "loader/base/log.h"
#include "loader/lns.h"

/* A session exists from ICRQ (call_request) to call_down. */
struct session {
	struct lns *lns;
	struct session *next_dead;
	struct l2tp_call *call;
	struct ppp_link *ppp; /* NULL before ICCN */
	const struct config_peer *peer;
	const struct config_profile *profile;
	char *user; /* as sent, once authenticated; NULL before */
	struct ppp_config ppp_cfg; /* of this link: the MRU depends on the path */
	struct dp_session dp; /* what the maps hold */
	struct ipaddr ipv4; /* granted */
	struct prefix ipv6;
	uint32_t index;
	msec_t since;
	uint64_t rx_seen; /* packets from the subscriber when last looked at */
	msec_t data_at; /* when they were seen to have grown */
	msec_t heard_at; /* or a PPP frame came */
	bool ipv4_pool, ipv6_pool; /* to be given back to the profile's pool */
	bool ipv4_static; /* in lns->statics */
	bool in_dp;
};

struct lns {
	const struct config *cfg;
	struct event_base *base;
	struct timers timers;
	struct event *tick; /* at timers_next */
	msec_t tick_at;
	msec_t now; /* of the event being handled */
	msec_t since;
	struct l2tp_endpoint *l2tp;
	struct datapath *dp;
	struct users *users;
	struct pool **pools; /* as cfg->pools */
	void *statics; /* tsearch(3) tree: sessions with a static address, by it */
	struct session ***table; /* [shard][session ID]; a shard's row comes with its first one */
	unsigned int n_sessions;
	struct session *dead; /* freed when the event is over: a link may still be running */
	struct log_limit auth_log, up_log, end_log, pool_log;
	struct event *closing; /* lns_shutdown */
	msec_t closing_until;
	void (*closed)(void *arg);
	void *closed_arg;
};

/* Every way in from outside starts with lns_enter and ends with lns_leave. */
msec_t lns_enter(struct lns *lns);
void lns_leave(struct lns *lns);
void lns_random(void *ctx, void *buf, size_t n);

struct session *session_at(const struct lns *lns, uint32_t index);
struct log_who session_who(const struct session *s);
bool session_is_open(const struct session *s);
void session_free(struct session *s);

/* ops that session.c gives to l2tp/ and the data path's news for a session */
int session_call_request(void *ctx, struct l2tp_call *c, struct l2tp_reason *ret_why);
void session_call_up(void *ctx, struct l2tp_call *c, const struct l2tp_call_info *info);
void session_call_down(void *ctx, struct l2tp_call *c, const struct l2tp_reason *why);
void session_moved(struct session *s, const struct path *path);
void session_close(struct session *s, const struct ppp_cause *cause);
/* A PPP frame came in. */
void session_heard(struct session *s);
/* Anything in from the subscriber, at the hook or in the slow path, since then? */
bool session_alive(struct session *s, msec_t since);

#endif
