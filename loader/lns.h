/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The LNS: joins calls (l2tp/), links (ppp/), users and addresses (aaa/) and the data
 * path (datapath/) into sessions. What the control socket shows and clears is asked here.
 */
#ifndef L2XDP_LNS_H
#define L2XDP_LNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/aaa/aaa.h"
#include "loader/base/timers.h"
#include "loader/control/config.h"
#include "loader/datapath/datapath.h"
#include "loader/l2tp/l2tp.h"
#include "loader/l2tp3/l2tp3.h"
#include "loader/monitor/marks.h"
#include "loader/ppp/ppp.h"
#include "loader/store/store.h"

struct event_base;
struct lns;

/* The way to the privileged process (monitor.c); its functions may be NULL where there is none. */
struct lns_way_up {
	dp_ask_fn *ask;
	/* As lns_reload, lns_pseudowire, lns_end. */
	int (*reload)(void *ctx, bool force, char *text, size_t len);
	int (*pseudowire)(void *ctx, const char *name, const char *entry, char *text, size_t len);
	void (*end)(void *ctx);
	/* dp_preflight, which needs to see programs and devices as the privileged one does. */
	int (*preflight)(void *ctx, const char *ifname, struct dp_finding ret[DP_MAX_FINDINGS]);
	void *ctx;
};

/* What an LNS is made of; all the caller's, outlives it. */
struct lns_parts {
	const struct config *cfg;
	const struct users *users; /* NULL: none */
	struct datapath *dp; /* opened, not started */
	struct store *store;
	struct store_info store_info;
	const struct lns_way_up *up;
	struct marks *marks; /* NULL: nobody asks what it is at */
};

/* Made, and the data path started in this process (dp_start); nothing is read or sent. */
int lns_new(const struct lns_parts *parts, struct event_base *base, struct lns **ret, char *err,
	    size_t errlen);
/* Takes up what the store holds, makes the data path ready (dp_ready). On failure a
 * negative errno and `err` in words. */
int lns_begin(struct lns *lns, char *err, size_t errlen);
/* Nothing more is taken or sent; what there is goes on in the store and in the maps. */
void lns_stop(struct lns *lns);
/* The end for good: StopCCN to every peer; `done` is called when all is acknowledged or
 * `grace_ms` have passed. */
void lns_shutdown(struct lns *lns, unsigned int grace_ms, void (*done)(void *arg), void *arg);
/* Another configuration follows: StopCCN to the peers of version 3 whose control connection it has not, with
 * a bit each in `leaving`. False: there are none; else `done` is called as above, and until then all goes
 * on. */
bool lns_hand_over(struct lns *lns, const uint8_t *leaving, size_t n, unsigned int grace_ms,
		   void (*done)(void *arg), void *arg);
/* Frees it without a word to anybody. */
void lns_free(struct lns *lns);

/* What a start with this configuration would do with what the store holds: lines in `text`.
 * 0: all sessions go on, or only that of the pseudowire `ends` (or NULL) does not; -EBUSY: some would
 * be closed; -ENOMEM. */
int lns_check(const struct config *cfg, struct store *store, const char *ends, char *text,
	      size_t len);

/* A session as people see it; pointers are good until the next event. */
struct lns_session_info {
	uint32_t index; /* the ID that `show session` and `clear session` take */
	uint16_t tunnel_id, session_id, peer_tunnel_id, peer_session_id;
	const char *peer; /* configured name */
	struct path path;
	const char *user; /* as sent; quote before printing */
	const char *state; /* "connecting", or the PPP phase, or "open" */
	const char *authentication;
	struct ipaddr ipv4; /* not set: none */
	struct prefix ipv6; /* len 0: none */
	uint16_t mtu, peer_mru;
	msec_t age_ms;
	const char *calling, *called;
	bool sequencing;
	struct dp_traffic traffic;
};
struct lns_tunnel_info {
	unsigned int version; /* 2 or 3 */
	uint32_t tunnel_id, peer_tunnel_id; /* version 2: of 16 bits; version 3: ours never is */
	const char *peer, *host_name, *vendor, *state;
	struct path path; /* ports 0: directly over IP */
	bool dialled; /* by us */
	unsigned int sessions;
	msec_t age_ms;
};
/* A walk over the sessions by rising index, in pieces: they may come and go between two of them. */
struct lns_session_walk {
	uint32_t from; /* the next index to be looked at */
	bool over;
	/* only these: */
	const char *peer; /* configured name; NULL: any */
	const char *user; /* as sent; NULL: any */
	struct prefix ipv4; /* its address is in it; len 0 and not set: any or none */
};
/* The next one, or -EAGAIN: there was none among the few that were looked at, which took some
 * microseconds, ask again; -ENOENT: there are no more. */
int lns_sessions_next(struct lns *lns, struct lns_session_walk *w, struct lns_session_info *ret);
int lns_session_info(struct lns *lns, uint32_t index, struct lns_session_info *ret); /* -ENOENT */
void lns_tunnels_visit(struct lns *lns, bool (*fn)(void *arg, const struct lns_tunnel_info *t),
		       void *arg);
int lns_session_clear(struct lns *lns, uint32_t index);
int lns_tunnel_clear(struct lns *lns, uint32_t tunnel_id);

/* What is signalled of a pseudowire; pointers are good until the next event. */
struct lns_signal_info {
	const char *connection; /* the wire's name */
	bool keepalive; /* a static one, whose peer is only looked after */
	uint32_t tunnel_id, peer_tunnel_id; /* 0: there is no control connection */
	const char
		*state; /* of the control connection; "dialling", "waiting", or as show tunnels */
	const char *host_name; /* the peer's, NULL: none yet */
	const char *why; /* there is none: why; else NULL */
	msec_t retry_ms; /* until it is dialled again; TIMERS_NEVER: it is not */
	char end_id[4 * L2TP3_MAX_END_ID + 1]; /* Remote End ID, printable; a number in decimal */
	uint32_t end_number; /* that number; 0: it is text */
	bool session; /* one is there, or being set up: what follows holds */
	const char *session_state;
	bool ready; /* both ends are known */
	uint32_t id, peer_id;
	uint8_t cookie_len, peer_cookie_len;
	bool sublayer, peer_sublayer;
	bool seq_receive, seq_send;
	bool peer_circuit; /* the peer says that it is up */
	struct path path;
};
/* By the place in the configuration. False: it is static, and without keepalive. */
bool lns_signal(struct lns *lns, unsigned int i, struct lns_signal_info *ret);
/* Counters of version 3, L2TP3_C_MAX of them, as l2tp3_counter_names. */
void lns_l2tp3_counters(const struct lns *lns, uint64_t *ret);

/* ---- maintenance ---- */

/* Takes no new control connections or calls: of one peer (by its configured name) or, with
 * NULL, of all. rate > 0 (needs a peer): its sessions are closed with CDN at so many a second, oldest
 * first. Survives a restart. -ENOENT: no such peer, with err in words. */
int lns_drain(struct lns *lns, const char *peer, unsigned int rate, char *err, size_t errlen);
/* NULL: everything that was drained. */
int lns_undrain(struct lns *lns, const char *peer, char *err, size_t errlen);
struct lns_peer_info {
	const char *name;
	unsigned int tunnels, sessions;
	bool draining; /* this one, or all */
	unsigned int rate; /* sessions closed a second, 0: none */
	unsigned int half_open; /* sessions in set-up */
	uint64_t refused; /* for there were too many of those */
};
void lns_peers_visit(struct lns *lns, bool (*fn)(void *arg, const struct lns_peer_info *p),
		     void *arg);

/* The last round over the counters of all sessions. */
struct lns_sweep_info {
	unsigned int sessions, pages; /* looked at; written, of 32 sessions each */
	msec_t ms; /* from its begin to its end, with pauses */
	uint64_t busy_us, slice_us; /* CPU that it took, and of that the most at once */
};

/* What the start found and did, and how the store is. */
struct lns_state_info {
	struct dp_adoption adoption;
	struct store_info store;
	struct store_health health;
	unsigned int tunnels_restored, sessions_restored, sessions_dropped;
	unsigned int wires_restored, wires_dropped; /* sessions of signalled pseudowires */
	unsigned int set_aside; /* records that have ended workers */
	msec_t restored_in_ms;
	bool draining; /* all */
	struct lns_sweep_info sweep;
};
void lns_state(struct lns *lns, struct lns_state_info *ret);

/* Asks the privileged process to take the configuration anew: it is checked whole first.
 * `text` (in lines) says what is wrong or would be lost. 0: accepted, follows at once;
 * -EINVAL: refused, nothing changed; -EBUSY: sessions would be closed: ask with force. */
int lns_reload(struct lns *lns, bool force, char *text, size_t len);
/* Asks it to add a pseudowire, or with `entry` NULL to delete the one that was added under that
 * name: written down, checked with the configuration, and taken as by lns_reload. The entry is a
 * line of JSON in printable ASCII that begins with {"name":"NAME",. 0: accepted, follows at once; -EEXIST,
 * -ENOENT, -EINVAL, -EBUSY: refused, nothing changed. */
int lns_pseudowire(struct lns *lns, const char *name, const char *entry, char *text, size_t len);
/* The end for good: every session closed, the hook and l2tp0 given back. */
void lns_end(struct lns *lns);

/* As dp_preflight, by whoever is allowed to look. */
int lns_preflight(struct lns *lns, const char *ifname, struct dp_finding ret[DP_MAX_FINDINGS]);

struct datapath *lns_datapath(struct lns *lns);
const struct config *lns_config(const struct lns *lns);
const struct l2tp_endpoint *lns_l2tp(const struct lns *lns);
unsigned int lns_session_count(const struct lns *lns);
unsigned int lns_wire_count(const struct lns *lns); /* signalled pseudowires with a session */
msec_t lns_age_ms(struct lns *lns);
struct pool;
const struct pool *lns_pool(const struct lns *lns, unsigned int index); /* as config.pools */

#endif
