/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * L2TPv2 control connections and calls (RFC 2661): what the rest of the daemon sees.
 *
 * Pure: bytes, time and requests come in by the functions below; bytes and news go out
 * by `struct l2tp_ops`. No socket, clock, file or global variable. `now` is in ms,
 * monotonic. Times of one call are never smaller than those of an earlier one.
 * Rule ids (V2-...) are those of docs/protocol/l2tpv2.md.
 *
 * Re-entrancy: an op may call back into this room (for instance l2tp_call_close from
 * call_up), but must not free the endpoint. Tunnels and calls are freed by this room alone,
 * never while one of its ops runs; a pointer is good until tunnel_gone or call_down has
 * returned.
 */
#ifndef L2XDP_L2TP_L2TP_H
#define L2XDP_L2TP_L2TP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/base/addr.h"
#include "loader/base/timers.h"

struct l2tp_endpoint;
struct l2tp_tunnel; /* a control connection */
struct l2tp_call; /* a call, and its session */

/* What a control message and its transport add up to at the most. */
#define L2TP_MAX_MESSAGE 4096
#define L2TP_MAX_NAME 64 /* octets kept of a host or vendor name, longer ones are cut */
#define L2TP_MAX_NUMBER 64
#define L2TP_MAX_PROXY 256 /* octets kept of each proxy value; a longer one is refused */

/* StopCCN and CDN results, errors: RFC 2661 section 4.4.2. */
enum l2tp_stop_result {
	L2TP_STOP_GENERAL = 1,
	L2TP_STOP_ERROR = 2,
	L2TP_STOP_EXISTS = 3,
	L2TP_STOP_NOT_AUTHORISED = 4,
	L2TP_STOP_VERSION = 5,
	L2TP_STOP_SHUTDOWN = 6,
	L2TP_STOP_FSM = 7,
};
enum l2tp_cdn_result {
	L2TP_CDN_CARRIER = 1,
	L2TP_CDN_ERROR = 2,
	L2TP_CDN_ADMIN = 3,
	L2TP_CDN_TEMPORARY = 4,
	L2TP_CDN_PERMANENT = 5,
	L2TP_CDN_DESTINATION = 6,
	L2TP_CDN_TIMEOUT = 10,
};
enum l2tp_error {
	L2TP_ERR_NONE = 0,
	L2TP_ERR_NO_CONNECTION = 1,
	L2TP_ERR_LENGTH = 2,
	L2TP_ERR_RANGE = 3,
	L2TP_ERR_RESOURCES = 4,
	L2TP_ERR_SESSION = 5,
	L2TP_ERR_VENDOR = 6,
	L2TP_ERR_TRY_ANOTHER = 7,
	L2TP_ERR_UNKNOWN_AVP = 8,
};

/* Why a tunnel or call ended, as sent or received. */
struct l2tp_reason {
	uint16_t result;
	uint16_t error;
	char text[160]; /* printable; may be empty */
	uint16_t ppp_cause; /* RFC 3145 code, 0: none */
	uint16_t ppp_proto;
	uint8_t ppp_direction;
	bool from_peer; /* the peer said so */
	bool timeout; /* nobody said so: retransmissions or a timer ran out */
};

/* How we treat a peer; owned by the caller, must outlive the endpoint's use of it. */
struct l2tp_peer {
	const char *name; /* as configured, for logs */
	const char *hostname; /* what we send as Host Name (V2 AVP 7) */
	const char *expect_hostname; /* the peer's must equal it; NULL: any */
	const uint8_t *secret; /* tunnel authentication and hiding; NULL: none */
	size_t secret_len;
	bool hide; /* hide AVPs that we send where allowed (V2-HID-6) */
	bool port_float; /* V2-PORT-7, Q-18 */
	bool single_tunnel; /* send and honour a tie breaker (V2-CC-8) */
	uint16_t window; /* our Receive Window Size, 0: 16 */
	unsigned int hello_ms; /* 0: never; default 60000 */
	unsigned int idle_ms; /* close a tunnel without calls after this, 0: never */
	unsigned int max_calls; /* per tunnel, 0: as many as there are IDs */
	void *user; /* the caller's */
};

#define L2TP_SHARES 1024u /* values of l2tp_tunnel_share */
#define L2TP_HALF_OPEN_CALLS 32768 /* the default of half_open_calls */
#define L2TP_AUTH_FAILURES 10 /* the default of auth_failures */

struct l2tp_limits {
	unsigned int half_open; /* tunnels in set-up, together: default 4096 */
	/* A source prefix is an IPv4 /24 or an IPv6 /56. At a limit of half-open ones the
	 * oldest of the greediest prefix goes for the newcomer. */
	unsigned int half_open_source; /* from one source prefix: default 256 */
	unsigned int tunnels; /* default 65535 */
	unsigned int shards; /* session IDs are unique in (tunnel ID & (shards-1)) */
	unsigned int setup_rate; /* SCCRQ that come to nothing, a second from one source
				  * prefix, half_open_source of them at once: default 100 */
	unsigned int call_rate; /* ICRQ a second on one tunnel, two seconds' worth at once:
				 * default 10000 */
	unsigned int half_open_calls; /* for the caller: of one peer, from ICRQ until its user is
				       * let in */
	unsigned int auth_failures; /* from one source prefix, before it is not listened to for
				     * a minute: default L2TP_AUTH_FAILURES */
	unsigned int retransmits; /* default 5 (V2-REL-8) */
	unsigned int retransmit_cap_ms; /* default 8000, not below (V2-REL-7) */
};

/* What arrived in ICRQ, ICRP and ICCN, or what an initiator sends. Strings and proxy
 * values: length 0 means absent. */
struct l2tp_call_info {
	uint32_t serial;
	uint32_t tx_speed, rx_speed, framing, bearer;
	char called[L2TP_MAX_NUMBER], calling[L2TP_MAX_NUMBER], subaddress[L2TP_MAX_NUMBER];
	bool sequencing_required; /* AVP 39 */
	bool has_proxy_auth; /* AVP 29 present */
	uint16_t proxy_auth_type; /* AVP 29 */
	uint8_t proxy_id; /* AVP 32 */
	uint16_t first_lcp_len, sent_lcp_len, received_lcp_len; /* AVP 26, 27, 28 */
	uint16_t proxy_name_len, proxy_challenge_len, proxy_response_len;
	uint8_t first_lcp[L2TP_MAX_PROXY], sent_lcp[L2TP_MAX_PROXY], received_lcp[L2TP_MAX_PROXY];
	uint8_t proxy_name[L2TP_MAX_PROXY], proxy_challenge[L2TP_MAX_PROXY];
	uint8_t proxy_response[L2TP_MAX_PROXY]; /* secret: wiped after call_up has returned */
};

struct l2tp_ops {
	/* Sends one datagram from path->local to path->peer. Loss is not an error. */
	void (*send)(void *ctx, const struct path *path, const uint8_t *msg, size_t len);
	void (*random)(void *ctx, void *buf, size_t n);
	/* Who may open a control connection from this address? NULL: a stranger, who gets
	 * no answer and for whom nothing is kept. */
	const struct l2tp_peer *(*find_peer)(void *ctx, const struct path *path);
	/* SCCRQ of a known peer: 0 to go on, or a StopCCN result with error and text in
	 * *ret_why (drain). NULL: all go on. */
	int (*tunnel_request)(void *ctx, const struct l2tp_peer *peer, const struct path *path,
			      struct l2tp_reason *ret_why);
	/* A tunnel was made or its path moved: the data path's lane for known peers. */
	void (*tunnel_new)(void *ctx, struct l2tp_tunnel *t);
	void (*tunnel_moved)(void *ctx, struct l2tp_tunnel *t);
	void (*tunnel_up)(void *ctx, struct l2tp_tunnel *t);
	/* Set up, rejected or closed: no call is left; the ID rests from now on. The tunnel
	 * may go on acknowledging for 31 s (V2-REL-14) without being seen any more. */
	void (*tunnel_gone)(void *ctx, struct l2tp_tunnel *t, const struct l2tp_reason *why);
	/* Something arrived over the data path since `since`? Asked before a Hello and
	 * before a tunnel is given up for a missing answer alone (V2-HELLO-1, Q-3). */
	bool (*tunnel_alive)(void *ctx, struct l2tp_tunnel *t, msec_t since);
	/* ICRQ: return 0 to take it (ICRP is sent), or a CDN result, with error and text in
	 * *ret_why; then the call is gone, without call_down. NULL: all are refused. */
	int (*call_request)(void *ctx, struct l2tp_call *c, struct l2tp_reason *ret_why);
	/* Established (responder: ICCN arrived; initiator: ICCN was sent). */
	void (*call_up)(void *ctx, struct l2tp_call *c, const struct l2tp_call_info *info);
	/* Ended, from whatever state after call_request or l2tp_call_open. Before it, data
	 * must not flow any more (V2-TEAR-4): the caller removes the session in here, and
	 * the CDN is sent after it has returned. */
	void (*call_down)(void *ctx, struct l2tp_call *c, const struct l2tp_reason *why);
};

/* Names of what happened to messages, for `show` and the tests. */
/* clang-format off */
#define L2TP_COUNTERS(X)                                                                           \
	X(RX, "received")                                                                          \
	X(TX, "sent")                                                                              \
	X(RX_ZLB, "received_zlb")                                                                  \
	X(TX_ZLB, "sent_zlb")                                                                      \
	X(RETRANSMIT, "retransmitted")                                                             \
	X(DUPLICATE, "duplicate")                                                                  \
	X(OUT_OF_ORDER, "out_of_order")                                                            \
	X(OUT_OF_WINDOW, "out_of_window")                                                          \
	X(BAD_HEADER, "bad_header")                                                                \
	X(BAD_AVP, "bad_avp")                                                                      \
	X(UNKNOWN_TUNNEL, "unknown_tunnel")                                                        \
	X(WRONG_PATH, "wrong_path")                                                                \
	X(STRANGER, "stranger")                                                                    \
	X(HALF_OPEN_LIMIT, "half_open_limit")                                                      \
	X(AUTH_FAILED, "auth_failed")                                                              \
	X(UNKNOWN_SESSION, "unknown_session")                                                      \
	X(SETUP_RATE_LIMIT, "setup_rate_limit")                                                    \
	X(CALL_RATE_LIMIT, "call_rate_limit")                                                      \
	X(FAIR_SHARE_LIMIT, "fair_share_limit")                                                    \
	X(CALL_REFUSED, "calls_refused")                                                           \
	X(AUTH_PENALTY, "auth_penalty")                                                            \
	X(EVICTED, "half_open_evicted")                                                            \
	X(UNEXPECTED, "unexpected_message")                                                        \
	X(SENT_STOPCCN, "sent_stopccn")                                                            \
	X(SENT_CDN, "sent_cdn")                                                                    \
	X(MOVED, "moved")
/* clang-format on */
enum l2tp_counter {
#define X(NAME, name) L2TP_C_##NAME,
	L2TP_COUNTERS(X)
#undef X
		L2TP_C_MAX
};
extern const char *const l2tp_counter_names[L2TP_C_MAX];

/* -ENOMEM: NULL. `timers` is the caller's and outlives the endpoint. */
struct l2tp_endpoint *l2tp_endpoint_new(const struct l2tp_limits *limits,
					const struct l2tp_ops *ops, void *ctx,
					struct timers *timers);
/* Ends everything without a word (l2tp_shutdown speaks). call_down and tunnel_gone run. */
void l2tp_endpoint_free(struct l2tp_endpoint *ep);

/* One datagram with T=1 that arrived on `path`. */
void l2tp_input(struct l2tp_endpoint *ep, msec_t now, const struct path *path, const uint8_t *msg,
		size_t len);
/* For a caller that takes many datagrams at once: what is owed for them is not sent at each one
 * but by l2tp_acknowledge, which is called behind them, once for each tunnel. */
void l2tp_batch_acks(struct l2tp_endpoint *ep);
void l2tp_acknowledge(struct l2tp_endpoint *ep);

/* StopCCN 6 on every tunnel (V2-TEAR-5). Tunnels are gone for the caller at once; their
 * retransmission goes on while the endpoint lives: l2tp_unacknowledged tells how many
 * StopCCN still wait. */
void l2tp_shutdown(struct l2tp_endpoint *ep, msec_t now);
unsigned int l2tp_unacknowledged(const struct l2tp_endpoint *ep);

/* Initiator (LAC, client): opens a control connection. NULL on lack of memory or IDs. */
struct l2tp_tunnel *l2tp_tunnel_open(struct l2tp_endpoint *ep, msec_t now, const struct path *path,
				     const struct l2tp_peer *peer);
void l2tp_tunnel_close(struct l2tp_tunnel *t, msec_t now, const struct l2tp_reason *why);
/* Initiator: incoming call (ICRQ), sent when the tunnel is up; info is copied. */
struct l2tp_call *l2tp_call_open(struct l2tp_tunnel *t, msec_t now,
				 const struct l2tp_call_info *info, void *user);
/* Ends a call: call_down runs, then CDN is sent. */
void l2tp_call_close(struct l2tp_call *c, msec_t now, const struct l2tp_reason *why);

/* What there is to know. IDs in host order. */
uint16_t l2tp_tunnel_id(const struct l2tp_tunnel *t);
uint16_t l2tp_tunnel_peer_id(const struct l2tp_tunnel *t);
const struct path *l2tp_tunnel_path(const struct l2tp_tunnel *t);
const struct l2tp_peer *l2tp_tunnel_peer(const struct l2tp_tunnel *t);
const char *l2tp_tunnel_state(const struct l2tp_tunnel *t); /* name for people */
const char *l2tp_tunnel_hostname(const struct l2tp_tunnel *t); /* peer's, printable */
const char *l2tp_tunnel_vendor(const struct l2tp_tunnel *t);
bool l2tp_tunnel_peer_ecn(const struct l2tp_tunnel *t); /* AVP 103 seen (V2-EXT-6) */
msec_t l2tp_tunnel_since(const struct l2tp_tunnel *t);
unsigned int l2tp_tunnel_calls(const struct l2tp_tunnel *t);
/* Established: the peer has proved what it had to. */
bool l2tp_tunnel_is_up(const struct l2tp_tunnel *t);
/* Does a message of ours wait for its acknowledgement, or for its turn in the window? */
bool l2tp_tunnel_outstanding(const struct l2tp_tunnel *t);
struct l2tp_tunnel *l2tp_tunnel_find(struct l2tp_endpoint *ep, uint16_t id);
/* Visits every tunnel (every call of a tunnel) that the caller has seen; the visitor may
 * close it. A visitor that returns false ends the walk. */
void l2tp_tunnels_visit(struct l2tp_endpoint *ep, bool (*fn)(void *arg, struct l2tp_tunnel *t),
			void *arg);
void l2tp_calls_visit(struct l2tp_tunnel *t, bool (*fn)(void *arg, struct l2tp_call *c), void *arg);

uint16_t l2tp_call_id(const struct l2tp_call *c); /* our session ID */
uint16_t l2tp_call_peer_id(const struct l2tp_call *c);
struct l2tp_tunnel *l2tp_call_tunnel(const struct l2tp_call *c);
const char *l2tp_call_state(const struct l2tp_call *c);
/* The same pointer while the call lives. The proxy values are not there: their lengths are
 * 0 and their arrays, at the end of the struct, are not to be read or copied. */
const struct l2tp_call_info *l2tp_call_info(const struct l2tp_call *c);
void *l2tp_call_user(const struct l2tp_call *c);
void l2tp_call_set_user(struct l2tp_call *c, void *user);

/* A tunnel ID that is given to no tunnel until it comes back: for a connection of another version, which
 * the data path knows by it. 0: there is none. Back, it rests as any other. */
uint16_t l2tp_id_take(struct l2tp_endpoint *ep, msec_t now);
void l2tp_id_back(struct l2tp_endpoint *ep, uint16_t id, msec_t now);
/* After a restart, before l2tp_restored: that one. False: it is a tunnel's. */
bool l2tp_id_claim(struct l2tp_endpoint *ep, uint16_t id);

/* Whose share it has: a hash of its peer's address (IPv6: of the /56), which nobody can choose. */
uint16_t l2tp_tunnel_share(const struct l2tp_tunnel *t);

const uint64_t *l2tp_counters(const struct l2tp_endpoint *ep); /* L2TP_C_MAX of them */
void l2tp_counters_add(struct l2tp_endpoint *ep, const uint64_t add[L2TP_C_MAX]);

/*
 * What outlives the process. The caller keeps records of octets for this room: one for each
 * tunnel (of every state, those too that only acknowledge a StopCCN), one for each message of ours that is not
 * acknowledged yet, one for each call. After every event, and before anything that this
 * room gave to `send` during it leaves the host, the caller asks for what changed:
 * then a message's effect is stored before its acknowledgement is on the wire.
 * Times in records are those of `now`, whose origin the caller keeps across restarts.
 */
#define L2TP_MAX_RECORD 6144 /* octets, of any kind */
#define L2TP_MAX_CALL_RECORD 2560

struct l2tp_changes {
	/* len 0: there is none any more */
	void (*tunnel)(void *arg, const struct l2tp_tunnel *t, uint16_t id, const uint8_t *rec,
		       size_t len);
	void (*message)(void *arg, uint16_t tunnel_id, uint32_t serial, const uint8_t *rec,
			size_t len);
	/* The caller puts l2tp_call_save into its own record of the session. NULL: gone. */
	void (*call)(void *arg, struct l2tp_call *c, uint16_t tunnel_id, uint16_t session_id);
	/* An identifier rests from now on; session_id 0: the tunnel's own. */
	void (*resting)(void *arg, uint16_t tunnel_id, uint16_t session_id);
};
/* All that changed since the last time, each once. Costs what changed, not what there is. */
void l2tp_changes(struct l2tp_endpoint *ep, const struct l2tp_changes *to, void *arg);
/* Octets written, 0 if cap is too small. */
size_t l2tp_call_save(const struct l2tp_call *c, uint8_t *buf, size_t cap);

/* Reading it again, into an endpoint that has seen no packet yet: resting identifiers and tunnels first,
 * then each tunnel's messages (by rising serial) and calls, then l2tp_restored. No op runs before
 * l2tp_restored. -EBADMSG: damaged, nothing is kept of it; -EEXIST: the ID is taken; -ENOMEM. */
int l2tp_rest(struct l2tp_endpoint *ep, uint16_t tunnel_id, uint16_t session_id, msec_t since);
int l2tp_tunnel_restore(struct l2tp_endpoint *ep, msec_t now, const struct l2tp_peer *peer,
			const uint8_t *rec, size_t len, struct l2tp_tunnel **ret);
/* Is it one that goes on, or one that has ended and only answers for a while what its peer
 * repeats? Without an endpoint, for who looks at a store; what is damaged does not go on. */
bool l2tp_tunnel_record_lives(const uint8_t *rec, size_t len);
int l2tp_message_restore(struct l2tp_tunnel *t, uint32_t serial, const uint8_t *rec, size_t len);
int l2tp_call_restore(struct l2tp_tunnel *t, msec_t now, const uint8_t *rec, size_t len, void *user,
		      struct l2tp_call **ret);
/* Timers start; what waits for its acknowledgement is sent again, the tunnels spread over a
 * second, or longer when there are very many. `ask`: we may have been away for long (reboot), so each tunnel is asked by a Hello at once whether
 * the peer still holds it. A tunnel found without use (a call's state that makes no sense) is closed. */
void l2tp_restored(struct l2tp_endpoint *ep, msec_t now, bool ask);
/* Frees everything without a word and without any op: the data path and the peers go on. */
void l2tp_endpoint_abandon(struct l2tp_endpoint *ep);

#endif
