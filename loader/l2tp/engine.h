/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of this room share: the three objects, and who does what with them.
 *
 *   endpoint.c  finds the control connection for a datagram; life of it all, shutdown
 *   contact.c   how control connections begin; repeated SCCRQ, ties
 *   sources.c   limits of who asks for them; shares.c: fair shares of identifiers
 *   tunnel.c    the automaton of control connections (the essay of the room is there)
 *   judge.c     is this SCCRQ, SCCRP, SCCCN acceptable?
 *   call.c      incoming calls; call_table.c: their automata
 *   info.c      ICRQ, ICCN and struct l2tp_call_info
 *   query.c     what the caller may ask
 *   changes.c   which records are older than what they tell of
 *   save.c      objects to records; restore.c: records to objects; resume.c: they go on
 */
#ifndef L2XDP_L2TP_ENGINE_H
#define L2XDP_L2TP_ENGINE_H

#include "loader/base/ids.h"
#include "loader/base/log.h"
#include "loader/l2tp/auth.h"
#include "loader/l2tp/build.h"
#include "loader/l2tp/header.h"
#include "loader/l2tp/l2tp.h"
#include "loader/l2tp/message.h"
#include "loader/l2tp/reliable.h"
#include "loader/l2tp/step.h"
#include "loader/l2tp/tables.h"

/* Stands in StopCCN and CDN where a tunnel or call is refused for which nothing is kept.
 * Never handed out, so an answer to it finds nothing. */
#define L2TP_ID_REFUSED 65535
#define L2TP_IDS 65534

#define L2TP_REST_MS 31000 /* one cycle of retransmissions (V2-REL-14) */
#define L2TP_SETUP_MS 60000 /* a tunnel or call that does not get on (V2-CALL-5) */
#define L2TP_LOOK_MS 5000 /* has the peer got it, so that its time runs? */
#define L2TP_SHARDS_MAX 64u /* over which tunnels are spread by what these have to do */
#define L2TP_OWING 256u /* tunnels that wait for one acknowledgement at the end of a batch */
#define L2TP_MAX_STOPPED 4096 /* closed tunnels that still acknowledge */
#define LOG_TUNNELS 1000u /* lines of tunnels that come, go or move, each at once; then one in */
#define LOG_TUNNEL_MS 20
#define L2TP_SETUP_HELD 4 /* messages out of order from who is not known yet */
#define L2TP_TIE_LEN 8
#define L2TP_DEAF_MS 60000u /* after authentication failures */

/* ---- automata ---- */

#define L2TP_TUNNEL_STATES(X)                                                                      \
	X(IDLE, "idle")                                                                            \
	X(WAIT_REPLY, "wait-ctl-reply")                                                            \
	X(WAIT_CONN, "wait-ctl-conn")                                                              \
	X(ESTABLISHED, "established")                                                              \
	X(STOPPED, "stopped")
#define L2TP_TUNNEL_EVENTS(X)                                                                      \
	X(OPEN, "local open")                                                                      \
	X(SCCRQ, "SCCRQ acceptable")                                                               \
	X(SCCRQ_BAD, "SCCRQ unacceptable")                                                         \
	X(SCCRP, "SCCRP acceptable")                                                               \
	X(SCCRP_BAD, "SCCRP unacceptable")                                                         \
	X(SCCCN, "SCCCN acceptable")                                                               \
	X(SCCCN_BAD, "SCCCN unacceptable")                                                         \
	X(STOPCCN, "StopCCN")                                                                      \
	X(HELLO, "HELLO")                                                                          \
	X(CALL, "message of a call")                                                               \
	X(FAULT, "malformed, or unknown and mandatory")                                            \
	X(UNKNOWN, "unknown message")                                                              \
	X(CLOSE, "local close")                                                                    \
	X(TIMEOUT, "not set up in time")                                                           \
	X(DEAD, "retransmissions ran out")                                                         \
	X(TIE_LOST, "tie lost")                                                                    \
	X(REPLACED, "opened anew by the peer")
#define L2TP_TUNNEL_ACTIONS(X)                                                                     \
	X(UNEXPECTED, "count")                                                                     \
	X(NOTHING, "acknowledge")                                                                  \
	X(SEND_SCCRQ, "send SCCRQ")                                                                \
	X(ACCEPT, "send SCCRP")                                                                    \
	X(REFUSE, "refuse without state")                                                          \
	X(CONFIRM, "send SCCCN, up")                                                               \
	X(UP, "up")                                                                                \
	X(CALL, "to the call")                                                                     \
	X(STOP, "send StopCCN, clean")                                                             \
	X(STOP_FSM, "send StopCCN 7, clean")                                                       \
	X(CLEAR, "acknowledge, clean")                                                             \
	X(FORGET, "clean silently")

#define L2TP_CALL_STATES(X)                                                                        \
	X(IDLE, "idle")                                                                            \
	X(WAIT_TUNNEL, "wait-tunnel")                                                              \
	X(WAIT_REPLY, "wait-reply")                                                                \
	X(WAIT_CONNECT, "wait-connect")                                                            \
	X(ESTABLISHED, "established")
#define L2TP_CALL_EVENTS(X)                                                                        \
	X(OPEN, "call indication")                                                                 \
	X(TUNNEL_UP, "tunnel open")                                                                \
	X(ICRQ, "ICRQ")                                                                            \
	X(ICRQ_BAD, "ICRQ not ok")                                                                 \
	X(ICRP, "ICRP")                                                                            \
	X(ICRP_BAD, "ICRP not ok")                                                                 \
	X(ICCN, "ICCN")                                                                            \
	X(ICCN_BAD, "ICCN not ok")                                                                 \
	X(CDN, "CDN")                                                                              \
	X(NOTICE, "WEN, SLI")                                                                      \
	X(OUTGOING, "OCRQ, OCRP, OCCN")                                                            \
	X(FAULT, "malformed, or unknown and mandatory")                                            \
	X(CLOSE, "local close")                                                                    \
	X(TIMEOUT, "not established in time")                                                      \
	X(TUNNEL_DOWN, "tunnel closed")
#define L2TP_CALL_ACTIONS(X)                                                                       \
	X(UNEXPECTED, "count")                                                                     \
	X(NOTHING, "acknowledge")                                                                  \
	X(WAIT, "wait for the tunnel")                                                             \
	X(SEND_ICRQ, "send ICRQ")                                                                  \
	X(ACCEPT, "send ICRP")                                                                     \
	X(REFUSE, "send CDN")                                                                      \
	X(CONNECT, "send ICCN, up")                                                                \
	X(UP, "up")                                                                                \
	X(DISCONNECT, "send CDN, clean")                                                           \
	X(CLEAN, "clean")

#define X(NAME, name) L2TP_T_##NAME,
enum l2tp_tunnel_state { L2TP_TUNNEL_STATES(X) L2TP_T_STATES };
#undef X
#define X(NAME, name) L2TP_TE_##NAME,
enum l2tp_tunnel_event { L2TP_TUNNEL_EVENTS(X) L2TP_TE_EVENTS };
#undef X
#define X(NAME, name) L2TP_TA_##NAME,
enum l2tp_tunnel_action { L2TP_TUNNEL_ACTIONS(X) L2TP_TA_ACTIONS };
#undef X
#define X(NAME, name) L2TP_CS_##NAME,
enum l2tp_call_state { L2TP_CALL_STATES(X) L2TP_CS_STATES };
#undef X
#define X(NAME, name) L2TP_CE_##NAME,
enum l2tp_call_event { L2TP_CALL_EVENTS(X) L2TP_CE_EVENTS };
#undef X
#define X(NAME, name) L2TP_CA_##NAME,
enum l2tp_call_action { L2TP_CALL_ACTIONS(X) L2TP_CA_ACTIONS };
#undef X

extern const char *const l2tp_tunnel_state_names[L2TP_T_STATES];
extern const char *const l2tp_tunnel_event_names[L2TP_TE_EVENTS];
extern const char *const l2tp_tunnel_action_names[L2TP_TA_ACTIONS];
extern const char *const l2tp_call_state_names[L2TP_CS_STATES];
extern const char *const l2tp_call_event_names[L2TP_CE_EVENTS];
extern const char *const l2tp_call_action_names[L2TP_CA_ACTIONS];

/* The cell; what no table lists is "count" and stays where it is. */
struct l2tp_step l2tp_tunnel_step(unsigned int state, unsigned int event);
struct l2tp_step l2tp_call_step(bool lac, unsigned int state, unsigned int event);

/* ---- objects ---- */

/* A rate; zero-initialised: full. */
struct l2tp_bucket {
	uint64_t spent;
	msec_t at;
};

struct l2tp_source {
	struct hashnode node;
	struct ipaddr prefix;
	struct l2tp_source *prev, *next; /* of the same rank */
	struct l2tp_setup *oldest, *newest; /* half-open ones */
	unsigned int n;
	struct l2tp_bucket setups;
	unsigned int failures; /* wrong responses in a row */
	msec_t deaf_until;
};

struct l2tp_source_list {
	struct l2tp_source *first, *last;
};

struct l2tp_sources {
	struct l2tp_source *slot; /* n of them, `used` ever */
	unsigned int n, used;
	struct hashtab table; /* prefix */
	struct l2tp_source_list *rank; /* by number of half-open ones, `most` and more together */
	unsigned int most, top; /* the highest rank that is not empty */
};

struct l2tp_share {
	uint32_t held; /* identifiers in use and at rest */
	uint32_t tunnels; /* established on this shard */
};

struct l2tp_shares {
	struct l2tp_share of[L2TP_SHARES];
	unsigned int n; /* not empty */
};

/* Session IDs are unique in a shard, not only in a tunnel: they index the maps. */
struct l2tp_shard {
	struct ids *ids;
	struct idmap calls;
	struct l2tp_shares shares;
	uint32_t tunnels; /* live ones */
	uint16_t spare; /* taken for a call that was refused before its peer saw it */
};

struct l2tp_tunnels {
	struct l2tp_tunnel *first, *last;
	unsigned int n;
};

struct l2tp_endpoint {
	struct l2tp_limits limits;
	const struct l2tp_ops *ops;
	void *ctx;
	struct timers *timers;
	struct reliable_env env;
	uint64_t seed; /* of the hashes */
	struct ids *tunnel_ids;
	struct idmap tunnels; /* by our ID, stopped ones too */
	struct hashtab by_peer; /* peer's address, port, assigned tunnel ID */
	struct hashtab in_setup; /* peer's address */
	struct hashtab challenges; /* ours that are outstanding */
	struct hashtab by_peer_session; /* tunnel, the peer's session ID */
	struct l2tp_shard *shards;
	struct l2tp_tunnels live; /* oldest first */
	struct l2tp_tunnel *oldest_stopped, *newest_stopped;
	unsigned int n_stopped;
	unsigned int half_open;
	struct l2tp_sources sources;
	struct l2tp_shares shares; /* of tunnel IDs */
	unsigned int depth; /* public functions and timers that run now */
	bool acks_wait; /* for l2tp_acknowledge */
	uint16_t owing[L2TP_OWING]; /* our IDs of tunnels that do */
	unsigned int n_owing;
	struct l2tp_tunnel *dead_tunnels; /* to be freed when depth is 0 */
	struct l2tp_call *dead_calls;
	bool shutting_down;
	/* What the caller's records do not tell yet: to be written, to be deleted. */
	struct listnode *dirty_tunnels, *dirty_calls;
	struct l2tp_tunnel *gone_tunnels;
	struct l2tp_call *gone_calls;
	struct log_limit log_stranger, log_half_open, log_auth, log_malformed, log_unexpected,
		log_setup, log_up, log_closed, log_moved;
	uint64_t counters[L2TP_C_MAX];
};

/* Needed until established. */
struct l2tp_setup {
	struct l2tp_tunnel *tunnel;
	struct hashnode in_setup, challenges;
	struct l2tp_source *source; /* of one that a peer opens; NULL: the table was full */
	struct l2tp_setup *older, *newer; /* its */
	bool has_challenge, has_tie;
	uint8_t challenge[L2TP_CHALLENGE_LEN]; /* ours */
	uint8_t tie[L2TP_TIE_LEN]; /* ours */
};

struct l2tp_tunnel {
	struct l2tp_endpoint *ep;
	const struct l2tp_peer *peer;
	struct l2tp_tunnel *prev, *next; /* live */
	struct l2tp_tunnel *older, *newer; /* stopped */
	struct l2tp_tunnel *next_dead; /* or gone */
	struct listnode dirty; /* its record is older than it */
	struct l2tp_setup *setup; /* NULL once established */
	struct l2tp_call *first_call, *last_call;
	unsigned int n_calls, most_calls;
	struct path path;
	uint16_t id, peer_id;
	uint8_t state; /* enum l2tp_tunnel_state */
	bool initiator, gone, stopped, dead, peer_ecn, announced;
	bool opened_calls; /* we are a LAC on it */
	bool saved; /* there is a record */
	bool evicted, counted; /* nobody used its ID; its peer has a share for it */
	struct l2tp_bucket calls; /* ICRQ */
	uint64_t digest; /* of the SCCRQ that opened it, to know it again */
	struct hashnode by_peer;
	struct reliable rel;
	struct timer timer; /* set-up, then Hello and idle, then the end of "stopped" */
	msec_t since, heard, idle_since;
	char *hostname, *vendor;
};

struct l2tp_call {
	struct l2tp_tunnel *tunnel;
	struct l2tp_call *prev, *next; /* the tunnel's */
	struct l2tp_call *next_dead; /* or gone */
	struct listnode dirty; /* its record is older than it */
	uint16_t id, peer_id;
	uint16_t tunnel_id; /* when the tunnel is gone */
	uint8_t state; /* enum l2tp_call_state */
	bool lac; /* we sent ICRQ */
	bool delivered; /* ICRQ or ICRP */
	bool down; /* call_down has run, or runs */
	bool saved; /* there is a record */
	struct hashnode by_peer;
	uint32_t ticket; /* of the ICRQ or ICRP that it waits on */
	struct timer timer;
	void *user;
	struct l2tp_call_info *info; /* without the proxy arrays at its end */
	struct l2tp_call_info *offer; /* whole, until ICCN has been sent */
};

/* ---- endpoint.c ---- */
void endpoint_enter(struct l2tp_endpoint *ep);
void endpoint_leave(struct l2tp_endpoint *ep); /* frees the dead when nothing else runs */
static inline void endpoint_count(struct l2tp_endpoint *ep, enum l2tp_counter c)
{
	ep->counters[c]++;
}
/* An identity for log lines. */
struct log_who tunnel_who(const struct l2tp_tunnel *t);
void tunnels_append(struct l2tp_tunnels *list, struct l2tp_tunnel *t);
void tunnels_remove(struct l2tp_tunnels *list, struct l2tp_tunnel *t);
struct l2tp_shard *endpoint_shard(struct l2tp_endpoint *ep, const struct l2tp_tunnel *t);
struct l2tp_shard *endpoint_shard_of(struct l2tp_endpoint *ep, uint16_t tunnel_id);
uint64_t endpoint_hash_peer(const struct l2tp_endpoint *ep, const struct path *path,
			    uint16_t peer_id);
uint64_t endpoint_hash_address(const struct l2tp_endpoint *ep, const struct ipaddr *a);
uint64_t endpoint_hash_challenge(const struct l2tp_endpoint *ep, const uint8_t *p, size_t len);
uint64_t endpoint_hash_session(const struct l2tp_endpoint *ep, const struct l2tp_tunnel *t,
			       uint16_t peer_session_id);

/* A malformed message: counted, and now and then logged. */
void endpoint_malformed(struct l2tp_endpoint *ep, msec_t now, const struct path *path,
			enum l2tp_counter why);
/* A message with the ID of a tunnel that exists; msg is where its header begins. */
void endpoint_tunnel_input(struct l2tp_tunnel *t, msec_t now, const struct path *path,
			   const struct l2tp_header *h, const uint8_t *msg);

/* ---- contact.c ---- */
/* A message with tunnel ID 0. */
void contact_input(struct l2tp_endpoint *ep, msec_t now, const struct path *path,
		   const struct l2tp_header *h, const uint8_t *msg);

/* ---- tunnel.c, tunnel_life.c ---- */

/* A message of set-up with all that its acceptance needs. */
struct l2tp_arrival {
	const struct l2tp_message *m;
	const struct l2tp_header *h;
	struct l2tp_reason why; /* when it is not acceptable */
};

/* Runs one event through the table. `a`: the message, NULL for local events; `why`: for
 * actions that end the tunnel. */
void tunnel_event(struct l2tp_tunnel *t, msec_t now, enum l2tp_tunnel_event event,
		  const struct l2tp_arrival *a, const struct l2tp_reason *why);
/* One message whose turn has come. */
void tunnel_message(struct l2tp_tunnel *t, msec_t now, const struct l2tp_header *h,
		    const struct l2tp_message *m);
/* NULL on lack of memory or IDs. Not announced yet. */
struct l2tp_tunnel *tunnel_new(struct l2tp_endpoint *ep, msec_t now, const struct path *path,
			       const struct l2tp_peer *peer, bool initiator);
/* Tells the peer's ID to the tables. */
int tunnel_set_peer_id(struct l2tp_tunnel *t, uint16_t peer_id);
int tunnel_set_challenge(struct l2tp_tunnel *t);
/* Ends older ones that this one, now proven, stands for. */
void tunnel_replace_older(struct l2tp_tunnel *t, msec_t now);
void tunnel_setup_done(struct l2tp_tunnel *t);
/* The caller learns of it. */
void tunnel_announce(struct l2tp_tunnel *t);
/* Calls go, the caller is told, the ID rests. */
enum l2tp_farewell {
	L2TP_FAREWELL_STOPCCN, /* send it, and see it acknowledged */
	L2TP_FAREWELL_STAY, /* acknowledge for 31 s more */
	L2TP_FAREWELL_NONE,
};
void tunnel_gone(struct l2tp_tunnel *t, msec_t now, const struct l2tp_reason *why,
		 enum l2tp_farewell farewell);
/* Takes it out of everything; memory goes when no op runs. */
void tunnel_bury(struct l2tp_tunnel *t);
/* The same, without a word to anybody. */
void tunnel_abandon(struct l2tp_tunnel *t);
/* Into the list of those that only acknowledge. */
void tunnel_stopped_append(struct l2tp_tunnel *t);
/* The time limit of its state, from now. */
void tunnel_timer_start(struct l2tp_tunnel *t, msec_t now);
void tunnel_free(struct l2tp_tunnel *t);
/* Queues what b holds; ends the tunnel when its queue is beyond all reason. */
void tunnel_send(struct l2tp_tunnel *t, msec_t now, struct l2tp_build *b, size_t len);
/* The same, before requests that wait for the window. */
void tunnel_send_first(struct l2tp_tunnel *t, msec_t now, struct l2tp_build *b, size_t len);
struct l2tp_style tunnel_style(const struct l2tp_tunnel *t);
void tunnel_moved(struct l2tp_tunnel *t, msec_t now, const struct path *path);
void tunnel_tick_set(struct l2tp_tunnel *t, msec_t now);
/* For struct reliable_env. */
bool tunnel_give_up(struct reliable *r, msec_t now, const struct rel_message *oldest);
void tunnel_transmit(struct reliable *r, const uint8_t *msg, size_t len);
timer_fn tunnel_retransmit;
/* Answers an SCCRQ (or SCCRP out of nowhere) for which nothing is kept. */
void tunnel_refuse(struct l2tp_endpoint *ep, const struct path *path, uint16_t peer_id, uint16_t ns,
		   const struct l2tp_reason *why);

/* ---- judge.c ---- */
bool judge_sccrq(struct l2tp_endpoint *ep, msec_t now, const struct path *path,
		 const struct l2tp_peer *peer, const struct l2tp_message *m,
		 struct l2tp_reason *ret_why);
bool judge_sccrp(struct l2tp_tunnel *t, const struct l2tp_message *m, struct l2tp_reason *ret_why);
bool judge_scccn(struct l2tp_tunnel *t, const struct l2tp_message *m, struct l2tp_reason *ret_why);
__attribute__((format(printf, 4, 5))) void reason_set(struct l2tp_reason *ret, uint16_t result,
						      uint16_t error, const char *fmt, ...);

/* ---- call.c ---- */
void call_message(struct l2tp_tunnel *t, msec_t now, const struct l2tp_header *h,
		  const struct l2tp_message *m);
/* All calls of a tunnel: those that wait for it go on; or all end. */
void calls_tunnel_up(struct l2tp_tunnel *t, msec_t now);
void calls_tunnel_down(struct l2tp_tunnel *t, msec_t now, const struct l2tp_reason *why);
void calls_abandon(struct l2tp_tunnel *t);
void call_free(struct l2tp_call *c);
/* What a restored one needs: to be found, and its time limit. -ENOMEM, -EEXIST: the peer's
 * ID is in use. */
int call_adopt(struct l2tp_call *c);
void call_timer_start(struct l2tp_call *c, msec_t now);

/* ---- info.c ---- */
/* Adds what ICRQ or ICCN says. */
void info_read(const struct l2tp_message *m, struct l2tp_call_info *info);
/* A copy without the proxy arrays; NULL on lack of memory. */
struct l2tp_call_info *info_keep(const struct l2tp_call_info *info);
/* The same into a copy that exists. */
void info_update(struct l2tp_call_info *kept, const struct l2tp_call_info *info);
/* Wipes all of a whole one. */
void info_wipe(struct l2tp_call_info *info);
bool info_valid(const struct l2tp_call_info *info);

/* ---- sources.c ---- */
int sources_init(struct l2tp_endpoint *ep);
void sources_free(struct l2tp_endpoint *ep);
bool bucket_take(struct l2tp_bucket *b, msec_t now, unsigned int rate, unsigned int burst);
/* NULL: the table is full of those with half-open connections. */
struct l2tp_source *source_get(struct l2tp_endpoint *ep, const struct ipaddr *peer);
/* Is it listened to? Counted when not. */
bool source_may_ask(struct l2tp_endpoint *ep, msec_t now, struct l2tp_source *s);
/* For one more half-open connection, if need be at the cost of an old one. */
bool source_make_room(struct l2tp_endpoint *ep, msec_t now, struct l2tp_source *s);
void source_add(struct l2tp_source *s, struct l2tp_tunnel *t);
void source_remove(struct l2tp_tunnel *t);
/* The set-up of a tunnel came to its end: with success; with a wrong response. */
void source_proven(struct l2tp_tunnel *t);
void source_failed(struct l2tp_tunnel *t, msec_t now);
/* A message for a tunnel that is not there, or not its sender's. */
void source_missed(struct l2tp_endpoint *ep, const struct ipaddr *peer);

/* ---- shares.c ---- */
void shares_watch(struct l2tp_shares *s, struct ids *ids);
uint16_t share_slot(const struct l2tp_endpoint *ep, const struct ipaddr *peer);
void share_session_taken(struct l2tp_tunnel *t, uint16_t id);
void share_session_back(struct l2tp_tunnel *t, uint16_t id);
void share_tunnel_up(struct l2tp_tunnel *t);
void share_tunnel_gone(struct l2tp_tunnel *t);
/* May it have one more? Counted when not. */
bool share_of_sessions(struct l2tp_tunnel *t, msec_t now);
bool share_of_tunnels(struct l2tp_endpoint *ep, msec_t now, const struct ipaddr *peer);

/* ---- changes.c ---- */
/* Its record is older than it from now on. */
void tunnel_changed(struct l2tp_tunnel *t);
void call_changed(struct l2tp_call *c);
/* Frees it, or keeps it until its record is deleted. */
void tunnel_retire(struct l2tp_tunnel *t);
void call_retire(struct l2tp_call *c);
/* Frees those without a word. */
void changes_forget(struct l2tp_endpoint *ep);

/* ---- save.c ---- */
/* Octets written, 0 if cap is too small. */
size_t tunnel_save(const struct l2tp_tunnel *t, uint8_t *buf, size_t cap);
size_t message_save(const struct rel_message *m, uint8_t *buf, size_t cap);
/* At the end of each record. */
uint32_t record_check(const uint8_t *p, size_t len);

enum {
	L2TP_RECORD_VERSION = 1,
	/* of a tunnel */
	L2TP_RT_INITIATOR = 1,
	L2TP_RT_ECN = 2,
	L2TP_RT_ANNOUNCED = 4,
	L2TP_RT_OPENED_CALLS = 8,
	L2TP_RT_CHALLENGE = 16,
	L2TP_RT_TIE = 32,
	L2TP_RT_ALL = 63,
	/* of a message */
	L2TP_RM_FIRST = 1,
	L2TP_RM_SENT = 2,
	L2TP_RM_ALL = 3,
	/* of a call */
	L2TP_RC_LAC = 1,
	L2TP_RC_DELIVERED = 2,
	L2TP_RC_OFFER = 4,
	L2TP_RC_ALL = 7,
	/* of a call's info */
	L2TP_RI_SEQUENCING = 1,
	L2TP_RI_PROXY_AUTH = 2,
	L2TP_RI_ALL = 3,
};
/* What ids_note keeps of a session ID: the tunnel that it is of. */
#define L2TP_NOTE_TUNNEL(note) ((uint16_t)(note))

#endif
