/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of this room share: the three objects, and who does what with them.
 *
 *   endpoint.c  finds the control connection for a message; life of it all, shutdown
 *   contact.c   how control connections begin; repeated SCCRQ, ties
 *   sources.c   limits of who asks for them
 *   tunnel.c    the automaton of control connections
 *   judge.c     is this SCCRQ, SCCRP acceptable?
 *   conn.c      how one comes, keeps alive, moves and goes; what it sends
 *   call.c      sessions, with call_*.c
 *   move.c      a peer whose address changes
 *   query.c     what the caller may ask
 *   changes.c   which records are older than what they tell of
 *   record.c    control connections and messages to records and back; resume.c: they go on
 *
 * Names: conn_ is of control connections, call3_ of sessions (l2tp/ has those without the number).
 */
#ifndef L2XDP_L2TP3_ENGINE_H
#define L2XDP_L2TP3_ENGINE_H

#include "loader/base/log.h"
#include "loader/l2tp/avp.h"
#include "loader/l2tp/header.h"
#include "loader/l2tp/reliable.h"
#include "loader/l2tp/step.h"
#include "loader/l2tp/tables.h"
#include "loader/l2tp3/call.h"
#include "loader/l2tp3/codec.h"
#include "loader/l2tp3/l2tp3.h"

#define L2TP3_REST_MS 31000 /* one cycle of retransmissions (V3-REL-4, V3-CC-3) */
#define L2TP3_SETUP_MS 60000 /* a connection or session that does not get on */
#define L2TP3_MAX_STOPPED 4096 /* closed connections that still acknowledge */
#define L2TP3_SETUP_HELD 4 /* messages out of order from who is not known yet */
#define L2TP3_OWING 256u /* connections that wait for an acknowledgement at the end of a batch */
#define L2TP3_RESTING 4096u
#define L2TP3_BUCKETS 1024u
#define L2TP3_PRINTS 1024u

/* ---- the automaton of control connections ---- */

#define L2TP3_TUNNEL_STATES(X)                                                                     \
	X(IDLE, "idle")                                                                            \
	X(WAIT_REPLY, "wait-ctl-reply")                                                            \
	X(WAIT_CONN, "wait-ctl-conn")                                                              \
	X(ESTABLISHED, "established")                                                              \
	X(STOPPED, "stopped")
#define L2TP3_TUNNEL_EVENTS(X)                                                                     \
	X(OPEN, "local open")                                                                      \
	X(SCCRQ, "SCCRQ acceptable")                                                               \
	X(SCCRQ_BAD, "SCCRQ unacceptable")                                                         \
	X(SCCRP, "SCCRP acceptable")                                                               \
	X(SCCRP_BAD, "SCCRP unacceptable")                                                         \
	X(SCCCN, "SCCCN")                                                                          \
	X(STOPCCN, "StopCCN")                                                                      \
	X(HELLO, "HELLO")                                                                          \
	X(CALL, "message of a session")                                                            \
	X(FAULT, "malformed, or unknown and mandatory")                                            \
	X(UNKNOWN, "unknown message")                                                              \
	X(CLOSE, "local close")                                                                    \
	X(TIMEOUT, "not set up in time")                                                           \
	X(DEAD, "retransmissions ran out")                                                         \
	X(TIE_LOST, "tie lost")                                                                    \
	X(ABORT, "answer of version 2")                                                            \
	X(REPLACED, "opened anew by the peer")
#define L2TP3_TUNNEL_ACTIONS(X)                                                                    \
	X(UNEXPECTED, "count")                                                                     \
	X(NOTHING, "acknowledge")                                                                  \
	X(SEND_SCCRQ, "send SCCRQ")                                                                \
	X(ACCEPT, "send SCCRP")                                                                    \
	X(REFUSE, "refuse without state")                                                          \
	X(CONFIRM, "send SCCCN, up")                                                               \
	X(UP, "up")                                                                                \
	X(CALL, "to the session")                                                                  \
	X(STOP, "send StopCCN, clean")                                                             \
	X(STOP_FSM, "send StopCCN 7, clean")                                                       \
	X(CLEAR, "acknowledge, clean")                                                             \
	X(FORGET, "clean silently")

#define X(NAME, name) L2TP3_T_##NAME,
enum l2tp3_tunnel_state { L2TP3_TUNNEL_STATES(X) L2TP3_T_STATES };
#undef X
#define X(NAME, name) L2TP3_TE_##NAME,
enum l2tp3_tunnel_event { L2TP3_TUNNEL_EVENTS(X) L2TP3_TE_EVENTS };
#undef X
#define X(NAME, name) L2TP3_TA_##NAME,
enum l2tp3_tunnel_action { L2TP3_TUNNEL_ACTIONS(X) L2TP3_TA_ACTIONS };
#undef X
extern const char *const l2tp3_tunnel_state_names[L2TP3_T_STATES];
extern const char *const l2tp3_tunnel_event_names[L2TP3_TE_EVENTS];
extern const char *const l2tp3_tunnel_action_names[L2TP3_TA_ACTIONS];

/* The cell; what no table lists is "count" and stays where it is. */
struct l2tp_step l2tp3_tunnel_step(unsigned int state, unsigned int event);

/* ---- objects ---- */

/* The last identifiers that were released: none of them is handed out within 31 s. */
struct l2tp3_rest {
	uint32_t id[L2TP3_RESTING];
	msec_t at[L2TP3_RESTING];
	unsigned int next;
};

/* A rate; zero-initialised: full. */
struct l2tp3_bucket {
	uint64_t spent;
	msec_t at;
};

/* Of an SCCRQ that proved itself, and where it came from. */
struct l2tp3_print {
	uint64_t print, path; /* hashes */
	msec_t at;
};

struct l2tp3_endpoint {
	struct l2tp3_limits limits;
	const struct l2tp3_ops *ops;
	void *ctx;
	struct timers *timers;
	struct reliable_env env;
	uint64_t delivery[L2TP_C_MAX]; /* what reliable.c counts, until it is added to ours */
	uint64_t seed; /* of the hashes */
	struct hashtab tunnels; /* by our CCID, stopped ones too */
	struct hashtab by_peer; /* peer's address, port, CCID */
	struct hashtab of_peer; /* established ones that others opened, by struct l2tp3_peer */
	struct hashtab calls; /* by our Session ID */
	struct hashtab calls_by_peer; /* by the peer's CCID and Session ID */
	unsigned int n_calls;
	struct l2tp3_rest resting, resting_calls;
	struct l2tp3_tunnel *first, *last; /* live, oldest first */
	unsigned int n_live, half_open;
	uint64_t n_made; /* control connections and sessions so far */
	struct l2tp3_tunnel *oldest_stopped, *newest_stopped;
	unsigned int n_stopped;
	struct l2tp3_bucket setups[L2TP3_BUCKETS]; /* by source prefix */
	struct l2tp3_print prints[L2TP3_PRINTS]; /* the last ones; print 0: none */
	unsigned int next_print;
	unsigned int depth; /* public functions and timers that run now */
	uint32_t owing[L2TP3_OWING]; /* our CCIDs */
	unsigned int n_owing;
	struct l2tp3_tunnel *dead_tunnels; /* to be freed when depth is 0 */
	struct l2tp3_call *dead_calls;
	bool shutting_down;
	uint32_t *
		stale; /* our CCIDs: while restoring, those whose peer is not configured any more */
	size_t n_stale, cap_stale;
	bool stale_sorted;
	/* What the caller's records do not tell yet: to be written, to be deleted. */
	struct listnode *dirty_tunnels, *dirty_calls;
	struct l2tp3_tunnel *gone_tunnels;
	struct l2tp3_call *gone_calls;
	struct log_limit log_stranger, log_half_open, log_digest, log_malformed, log_unexpected,
		log_setup, log_up, log_closed, log_moved, log_call;
	uint64_t counters[L2TP3_C_MAX];
};

/* Where the peer may be by now (move.c). */
struct l2tp3_move {
	struct path path;
	uint16_t probe; /* Ns of the message that goes there alone */
	bool asked; /* else the rest says nothing */
	bool in_turn; /* by a message in its turn, no copy of an earlier one */
	bool queued, sent; /* the probe */
};

struct l2tp3_tunnel {
	struct l2tp3_endpoint *ep;
	const struct l2tp3_peer *peer;
	uint64_t
		order; /* of the live ones: a walk that ends them does not go on to those that an op made */
	struct l2tp3_tunnel *prev, *next; /* live; what goes keeps its `next` for a walk */
	struct l2tp3_tunnel *older, *newer; /* stopped */
	struct l2tp3_tunnel *next_dead; /* or gone */
	struct listnode dirty; /* its record is older than it */
	struct l2tp3_call *first_call, *last_call;
	unsigned int n_calls; /* those in the list */
	unsigned int half_open_calls; /* of these, requests of the peer that are not established */
	unsigned int asking_calls; /* and requests of ours that are not answered */
	struct hashnode by_id, by_peer, of_peer;
	struct path path;
	struct l2tp3_move move;
	const struct path *answer; /* not NULL: where what arrives now is acknowledged */
	uint32_t id, peer_id; /* CCIDs; peer_id 0: not known yet */
	uint32_t peer_router_id;
	uint8_t state; /* enum l2tp3_tunnel_state */
	bool initiator, announced;
	bool has_low; /* the low 16 bits of its ID are the caller's (low_take) */
	bool gone; /* for the caller; it may still acknowledge */
	bool stopped, dead;
	bool half_open; /* counted as such */
	bool saved; /* there is a record */
	bool signs; /* what we send has AVP 59: a secret, or a checksum (V3-HDR-12) */
	bool proven; /* a digest of the peer's has been verified with a secret and both nonces */
	uint8_t tie[L2TP3_TIE]; /* of the SCCRQ, ours or theirs */
	bool has_tie;
	struct l2tp3_auth auth;
	uint16_t caps[L2TP3_MAX_CAPS]; /* the peer's */
	unsigned int n_caps;
	uint32_t serial; /* of the last request of ours (AVP 15) */
	unsigned int most_calls; /* that it had: so long may its queue be */
	uint64_t print; /* of the SCCRQ that opened it, to know it again */
	struct reliable rel;
	struct timer timer; /* set-up, then Hello, then the end of "stopped" */
	msec_t since, heard;
	char *hostname, *vendor;
};

/* A session. What of it is not for the whole room is call.c's. */
struct l2tp3_call {
	struct l2tp3_tunnel *tunnel;
	uint64_t order; /* as of a control connection */
	struct l2tp3_call *prev, *next; /* the tunnel's */
	struct l2tp3_call *next_dead; /* or gone */
	struct listnode dirty; /* its record is older than it */
	struct hashnode by_id, by_peer;
	uint8_t state; /* enum l2tp3_call_state */
	bool down; /* call_down has run, or runs */
	bool saved; /* there is a record */
	bool outgoing; /* OCRQ, not ICRQ */
	bool has_tie;
	uint8_t tie[L2TP3_TIE]; /* ours, as initiator */
	uint32_t serial; /* AVP 15 */
	uint32_t ticket; /* of the request or reply whose answer it waits for */
	bool delivered; /* that one */
	uint16_t told; /* our circuit's status as the peer has been told last */
	struct l2tp3_call_info info; /* info.ours.id is our Session ID */
	struct timer timer;
	void *user;
};

/* ---- endpoint.c ---- */
void l2tp3_enter(struct l2tp3_endpoint *ep);
void l2tp3_leave(struct l2tp3_endpoint *ep); /* frees the dead when nothing else runs */
static inline void l2tp3_count(struct l2tp3_endpoint *ep, enum l2tp3_counter c)
{
	ep->counters[c]++;
}
/* A malformed message: counted, and now and then logged. */
void l2tp3_malformed(struct l2tp3_endpoint *ep, msec_t now, const struct path *path,
		     enum l2tp3_counter why);
uint64_t l2tp3_hash_id(const struct l2tp3_endpoint *ep, uint32_t id); /* of either kind */
uint64_t l2tp3_hash_peer(const struct l2tp3_endpoint *ep, const struct path *path,
			 uint32_t peer_id);
/* By our CCID; stopped ones too. NULL. */
struct l2tp3_tunnel *l2tp3_any_tunnel(const struct l2tp3_endpoint *ep, uint32_t id);
/* Of a record of a connection that is not there: what l2tp3_restore returns. */
int l2tp3_no_tunnel(struct l2tp3_endpoint *ep, uint32_t id);
void l2tp3_rest(struct l2tp3_rest *r, uint32_t id, msec_t now);
bool l2tp3_rests(const struct l2tp3_rest *r, uint32_t id, msec_t now);
uint32_t l2tp3_random32(struct l2tp3_endpoint *ep);
__attribute__((format(printf, 4, 5))) void reason3_set(struct l2tp_reason *ret, uint16_t result,
						       uint16_t error, const char *fmt, ...);
/* A message with the CCID of a connection, or that is known to be its. */
void l2tp3_tunnel_input(struct l2tp3_tunnel *t, msec_t now, const struct path *path,
			const uint8_t *msg, size_t len);

/* ---- contact.c ---- */
/* A message with CCID 0. */
void contact3_input(struct l2tp3_endpoint *ep, msec_t now, const struct path *path,
		    const uint8_t *msg, size_t len);
/* A message of version 2 that answers an SCCRQ of ours (V3-FB-2). */
void contact3_old(struct l2tp3_endpoint *ep, msec_t now, const struct path *path,
		  const struct l2tp3_header *h, const uint8_t *msg);

/* ---- sources.c ---- */
/* Has this prefix asked too often? Counted when so. */
bool source3_may_ask(struct l2tp3_endpoint *ep, msec_t now, const struct ipaddr *peer);
/* For one more half-open connection, if need be at the cost of an old one. */
bool source3_make_room(struct l2tp3_endpoint *ep, msec_t now, const struct ipaddr *peer);
/* t, of another's opening, is established: it counts among those of its peer. False: they are too many,
 * and there is none without sessions to make room; counted. */
bool source3_share(struct l2tp3_tunnel *t, msec_t now);
/* It counts, as after a restart: whatever the limit. */
int source3_count_in(struct l2tp3_tunnel *t);
/* A set-up that came to success gives its share of the rate back. */
void source3_proven(struct l2tp3_endpoint *ep, const struct ipaddr *peer);

/* ---- tunnel.c ---- */
/* Runs one event through the table. m: the message, NULL for local events; why: for actions
 * that end the connection. */
void conn_event(struct l2tp3_tunnel *t, msec_t now, enum l2tp3_tunnel_event event,
		const struct l2tp3_message *m, const struct l2tp_reason *why);
/* One message whose turn has come, verified. */
void conn_message(struct l2tp3_tunnel *t, msec_t now, const struct l2tp3_message *m);

/* ---- judge.c ---- */
bool judge3_sccrq(const struct l2tp3_peer *peer, const struct l2tp3_message *m,
		  struct l2tp_reason *ret_why);
bool judge3_sccrp(const struct l2tp3_peer *peer, const struct l2tp3_message *m,
		  struct l2tp_reason *ret_why);

/* Is this SCCRQ or SCCRP one of ours, sent back by somebody between, as if a peer with the same secret had said
 * it? Ours by its nonce, or by both of our names. */
bool judge3_is_ours(const struct l2tp3_endpoint *ep, const struct l2tp3_peer *peer,
		    const struct l2tp3_message *m);

/* ---- conn.c ---- */
/* An identity for log lines. */
struct log_who conn_who(const struct l2tp3_tunnel *t);
/* NULL on lack of memory. Not announced yet. */
struct l2tp3_tunnel *conn_new(struct l2tp3_endpoint *ep, msec_t now, const struct path *path,
			      const struct l2tp3_peer *peer, bool initiator);
/* Keys of the peer's secrets, or those of a checksum; no nonce yet. Returns: do we sign? */
bool conn_auth_init(struct l2tp3_auth *auth, const struct l2tp3_peer *peer, bool over_ip);
int conn_set_peer_id(struct l2tp3_tunnel *t, uint32_t peer_id);
/* Of an SCCRP, first of all: a refusal, too, goes to the CCID that it assigned, and is signed with its
 * nonce; so is what a stopped connection says that SCCRP has crossed. */
void conn_know_peer(struct l2tp3_tunnel *t, const struct l2tp3_message *m);
/* Host name, router ID, capabilities, window, nonce of SCCRQ or SCCRP. */
void conn_learn(struct l2tp3_tunnel *t, const struct l2tp3_message *m);
void conn_set_half_open(struct l2tp3_tunnel *t, bool half_open);
/* It is proven: older ones with the same LCCE end, those of ours included. */
void conn_replace_older(struct l2tp3_tunnel *t, msec_t now);
enum l2tp3_farewell {
	L2TP3_FAREWELL_STOPCCN, /* send it, and see it acknowledged */
	L2TP3_FAREWELL_STAY, /* acknowledge for 31 s more */
	L2TP3_FAREWELL_NONE,
};
/* Sessions go, the caller is told, the ID rests. */
void conn_gone(struct l2tp3_tunnel *t, msec_t now, const struct l2tp_reason *why,
	       enum l2tp3_farewell farewell);
/* Takes it out of everything; memory goes when no op runs. */
void conn_bury(struct l2tp3_tunnel *t);
void conn_low_back(struct l2tp3_tunnel *t);
void conn_stopped_append(struct l2tp3_tunnel *t);
void conn_live_append(struct l2tp3_tunnel *t);
void conn_free(struct l2tp3_tunnel *t);
void conn_timer_start(struct l2tp3_tunnel *t, msec_t now); /* of its state, from now */
void conn_moved(struct l2tp3_tunnel *t, msec_t now, const struct path *path);
/* Does the peer's PW Capabilities List have it? (V3-SES-2) */
bool conn_has_pw(const struct l2tp3_tunnel *t, uint16_t pw_type);
/* Starts a message to the peer: header, type, digests; hiding as the peer is configured. */
void conn_build(struct l2tp3_tunnel *t, struct l2tp3_builder *b, uint16_t type);
/* Ends it and hands it to reliable delivery. When that fails the connection is closed: look at
 * t->gone behind it. */
void conn_send(struct l2tp3_tunnel *t, msec_t now, struct l2tp3_builder *b);
/* Signs and sends a message with its Ns and Nr; it is changed. */
void conn_transmit_now(struct l2tp3_endpoint *ep, const struct l2tp3_peer *peer,
		       const struct path *path, const struct l2tp3_auth *auth, uint8_t *msg,
		       size_t len);
/* StopCCN to an SCCRQ or SCCRP for which nothing is kept. auth NULL: not signed. */
void conn_refuse(struct l2tp3_endpoint *ep, const struct l2tp3_peer *peer, const struct path *path,
		 const struct l2tp3_auth *auth, uint32_t peer_id, const struct l2tp_reason *why);
/* For struct reliable_env. */
bool conn_give_up(struct reliable *r, msec_t now, const struct rel_message *oldest);
void conn_transmit(struct reliable *r, const uint8_t *msg, size_t len);
void conn_acknowledge(struct reliable *r);
timer_fn conn_retransmit;

/* ---- move.c ---- */
/* A verified message from another path than the connection's, which is established or waits for SCCCN. It may
 * move by that. False: it is not to be heard. */
bool move3_heard(struct l2tp3_tunnel *t, msec_t now, const struct path *path,
		 const struct l2tp3_message *m);
/* And one from the connection's own. */
void move3_heard_here(struct l2tp3_tunnel *t, const struct l2tp3_message *m);
/* Behind such a message: is the peer there? May close the connection, as conn_send. */
void move3_ask(struct l2tp3_tunnel *t, msec_t now);
enum move3_way { MOVE3_HERE, MOVE3_THERE, MOVE3_BOTH };
/* By which path does a message with this Ns leave now? Not to be asked for anything else. */
enum move3_way move3_way(struct l2tp3_tunnel *t, uint16_t ns);

/* ---- call.c ---- */
/* A message of a session (l2tp_message_is_session), on an established connection, in its turn and
 * verified; perhaps with m->fault. The connection is in `depth` already. */
void call3_input(struct l2tp3_tunnel *t, msec_t now, const struct l2tp3_message *m);
/* All of its sessions end: call_down for each one that the caller knows, nothing is sent. */
void calls3_down(struct l2tp3_tunnel *t, msec_t now, const struct l2tp_reason *why);
/* The same, without a word to anybody. */
void calls3_abandon(struct l2tp3_tunnel *t);
void call3_free(struct l2tp3_call *c); /* the memory: it is in no list any more */
/* Octets written (with l2tp3_record_end), 0 if cap is too small. */
size_t call3_save(const struct l2tp3_call *c, uint8_t *buf, size_t cap);
/* A record between l2tp3_record_begin and its end: an object in all tables, without user, that is
 * `saved` and not dirty. 0, -EBADMSG, -ENOMEM, -EEXIST. Its tunnel is there already. */
int call3_restore(struct l2tp3_endpoint *ep, msec_t now, uint32_t id, struct reader *r);
/* Its time limit, after a restart, from now. */
void call3_resume(struct l2tp3_call *c, msec_t now);

/* ---- changes.c ---- */
/* Its record is older than it from now on. */
void conn_changed(struct l2tp3_tunnel *t);
void call3_changed(struct l2tp3_call *c);
/* Puts it (out of all tables and lists, timer stopped) among the dead: memory goes when no op runs,
 * and not before its record is deleted. */
void conn_die(struct l2tp3_tunnel *t);
void call3_die(struct l2tp3_call *c);
/* When depth is 0. */
void l2tp3_free_dead(struct l2tp3_endpoint *ep);
void l2tp3_forget_gone(struct l2tp3_endpoint *ep);

/* ---- record.c ---- */
enum { L2TP3_RECORD_VERSION = 1 };
/* A record begins with its version (writer_u8(L2TP3_RECORD_VERSION)) and ends with a check. */
size_t l2tp3_record_end(struct writer *w); /* octets, 0 if it did not fit */
int l2tp3_record_begin(const uint8_t *rec, size_t len, struct reader *ret); /* 0, -EBADMSG */
size_t conn_save(const struct l2tp3_tunnel *t, uint8_t *buf, size_t cap);
size_t message3_save(const struct rel_message *m, uint8_t *buf, size_t cap);

#endif
