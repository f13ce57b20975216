/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What lns.c (the house), session.c (a subscriber's life) and show.c (what people see) share. */
#ifndef L2XDP_LNS_INTERNAL_H
#define L2XDP_LNS_INTERNAL_H

#include <event2/event.h>
#include <limits.h>

#include "loader/aaa/aaa.h"
#include "loader/base/log.h"
#include "loader/lns.h"

#define NO_POOL UINT_MAX
#define OUTBOX_SENT UINT32_MAX
#define REST_MOST 1024u /* identifiers in one record */
#define REST_ENTRY 4u /* octets */

/* A session exists from ICRQ (call_request) to call_down. */
struct session {
	/* what a look at whether it lives needs, of a million sessions: together */
	struct lns *lns;
	uint64_t rx_seen; /* dp_session_rx when last looked at */
	msec_t data_at; /* when it was seen to have grown */
	msec_t heard_at; /* or a PPP frame came */
	uint32_t index;
	bool in_dp;
	struct session *next_dead, *next_dirty;
	struct l2tp_call *call;
	struct ppp_link *ppp; /* NULL before ICCN */
	const struct config_peer *peer;
	const struct config_profile *profile;
	char *user; /* as sent, once authenticated; NULL before */
	struct ppp_config ppp_cfg; /* of this link: the MRU depends on the path */
	struct dp_session dp; /* what the maps hold */
	struct ipaddr ipv4; /* granted */
	struct prefix ipv6;
	msec_t since;
	unsigned int pool4, pool6; /* whose the addresses are, as cfg->pools; NO_POOL: nobody's */
	unsigned int waiting; /* frames in the outbox */
	bool ipv4_static; /* in lns->statics */
	bool half_open; /* counted by half_open.c */
	uint16_t half_open_share; /* and there */
	bool dirty; /* in lns->dirty */
	bool anew, doomed; /* of restore.c: what becomes of it when all is read */
};

struct outbox {
	uint8_t *mem;
	size_t len, cap;
};

/* A round over the counters of all sessions. */
struct counters_round {
	unsigned int looked, written; /* sessions; pages */
	uint64_t busy_us, slice_us; /* all slices, the longest one */
	msec_t since;
};

/* What takes no new calls, for maintenance; one for each of cfg->peers. */
struct drain {
	bool on;
	unsigned int rate; /* sessions closed a second */
	unsigned int owed; /* thousandths of a session that are due */
};

/* Calls in set-up, of each of cfg->peers. */
struct half_open {
	unsigned int n;
	uint32_t of[L2TP_SHARES]; /* the same, by address */
	unsigned int shares; /* not empty */
	uint64_t refused; /* for there were too many */
	struct log_limit log;
};

struct wires;

struct lns {
	const struct config *cfg;
	struct store *store;
	struct store_info store_info;
	const struct lns_way_up *up;
	struct marks *marks;
	struct lns_state_info state;
	struct event_base *base;
	struct timers timers;
	struct event *tick; /* at timers_next */
	msec_t tick_at;
	msec_t now; /* of the event being handled: goes on across restarts */
	uint64_t clock_base; /* what is added to this boot's clock */
	msec_t clock_at; /* when that was written */
	msec_t since;
	struct outbox outbox;
	struct session *dirty; /* to be written at the end of the event */
	struct timer sweep, drain_timer;
	uint32_t sweep_at, rest_serial;
	struct counters_round round; /* this one, or the last */
	uint64_t *counted; /* by session index: 1 + the sum of its counters in the store; 0: none */
	uint8_t resting[REST_MOST *
			REST_ENTRY]; /* of the batch: identifiers that rest from now on */
	unsigned int n_resting;
	uint64_t totals_sum; /* of those in the store */
	bool *counter_pages; /* those that stand in the store */
	struct drain *drains;
	bool drain_all;
	struct half_open *half_open;
	struct l2tp_endpoint *l2tp;
	struct wires *wires; /* version 3: its control connections and their pseudowires */
	struct datapath *dp;
	const struct users *users;
	struct pool **pools; /* as cfg->pools */
	struct failures *failures; /* of lines that call */
	void *statics; /* tsearch(3) tree: sessions with a static address, by it */
	struct session ***table; /* [shard][session ID]; a shard's row comes with its first one */
	unsigned int n_sessions;
	struct session *dead; /* freed when the event is over: a link may still be running */
	struct log_limit auth_log, up_log, end_log, pool_log;
	struct event *closing; /* lns_shutdown */
	msec_t closing_until;
	bool shut_down;
	void (*closed)(void *arg);
	void *closed_arg;
};

/* Every way in from outside starts with lns_enter and ends with lns_leave, which writes down
 * what changed and then sends what is to be sent. */
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
void session_close_call(struct session *s, uint16_t result, const char *text);
/* For restore.c, which makes sessions as they were. */
struct session *session_new(struct lns *lns, uint16_t tunnel_id, uint16_t session_id);
int session_table_put(struct session *s); /* -EEXIST, -ENOMEM */
void session_fill_ppp_config(struct session *s);
void session_fill_echo(struct session *s);
struct ppp_link *session_new_link(struct session *s);
/* A PPP frame came in. */
void session_heard(struct session *s);
/* Anything in from the subscriber, at the hook or in the slow path, since then? */
bool session_alive(struct session *s, msec_t since);

/* addresses.c */
/* Addresses for a user who may come in; user NULL: nobody was asked for a name. False: none
 * to be had, and told. */
bool addresses_grant(struct session *s, const struct user_entry *user, struct ppp_grant *ret);
void addresses_give_back(struct session *s);
void addresses_keep_static(struct session *s);
/* s->ipv4 and s->ipv6 are those of an earlier daemon's session: held again, as the user's own
 * (fixed) or a pool's. Returns how many are in no pool any more. */
unsigned int addresses_claim(struct session *s, bool fixed, bool pool4, bool pool6);

/* outbox.c */
void outbox_control(struct lns *lns, const struct path *path, const uint8_t *msg, size_t len);
void outbox_ppp(struct session *s, const uint8_t *frame, size_t len);
void outbox_session(struct session *s); /* what it has waiting leaves now */
void outbox_flush(struct lns *lns);
void outbox_free(struct outbox *o);

/* persist.c, restore.c */
void persist_changed(struct session *s); /* to be written at the end of the event */
void persist_commit(struct lns *lns);
void persist_start(struct lns *lns);
void persist_end(struct lns *lns); /* all that changes without an event, too */
int restore(struct lns *lns, char *err, size_t errlen);

/* half_open.c */
void half_open_begin(struct session *s, uint16_t share); /* l2tp_tunnel_share */
void half_open_end(struct session *s); /* it is through, or gone */
bool half_open_refuses(struct lns *lns, const struct config_peer *peer, uint16_t share,
		       struct l2tp_reason *ret_why);

/* drain.c */
extern const struct l2tp_reason drain_reason; /* but for the result */
bool drain_refuses(const struct lns *lns, const struct config_peer *peer);
void drain_restore(struct lns *lns); /* before anything is read that it could refuse */

#endif
