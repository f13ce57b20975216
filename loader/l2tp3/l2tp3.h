/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control connections and sessions of L2TPv3 (RFC 3931, RFC 4719): what the rest of the daemon sees.
 * A room of its own beside l2tp/, of whose reliable delivery and hiding it makes use: the
 * two versions share a port, and little of what is said there.
 *
 * Pure: bytes, time and requests come in by the functions below; bytes and news go out by
 * `struct l2tp3_ops`. No socket, clock, file or global variable. `now` is in ms, monotonic.
 * Times of one call are never smaller than those of an earlier one. IDs are in host order.
 * Rule ids (V3-...) are those of docs/protocol/l2tpv3.md.
 *
 * Re-entrancy: an op may call back into this room, but must not free the endpoint. Control
 * connections and calls are freed by this room alone, never while one of its ops runs; a pointer
 * is good until tunnel_gone or call_down has returned.
 */
#ifndef L2XDP_L2TP3_L2TP3_H
#define L2XDP_L2TP3_L2TP3_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/base/addr.h"
#include "loader/base/timers.h"
#include "loader/l2tp/l2tp.h" /* struct l2tp_reason and its results */

struct l2tp3_endpoint;
struct l2tp3_tunnel; /* a control connection */
struct l2tp3_call; /* a session, from its request on */

#define L2TP3_MAX_END_ID 64 /* octets of a Remote End ID; a longer one is unknown to us */
#define L2TP3_MAX_COOKIE 8
#define L2TP3_SECRETS 2
#define L2TP3_CCID_MIN 0x10000u /* ours are never smaller: none is a tunnel ID of version 2 */

enum l2tp3_digest { L2TP3_MD5 = 0, L2TP3_SHA1 = 1 }; /* AVP 59 */
enum l2tp3_pw_type { L2TP3_PW_VLAN = 4, L2TP3_PW_ETHERNET = 5 }; /* AVP 68 */
enum l2tp3_sequencing { L2TP3_SEQ_NONE = 0, L2TP3_SEQ_NON_IP = 1, L2TP3_SEQ_ALL = 2 }; /* AVP 70 */
enum l2tp3_circuit { /* AVP 71, RFC 5641 (V3-CS-1) */
		     L2TP3_CIRCUIT_ACTIVE = 0x0001,
		     L2TP3_CIRCUIT_NEW = 0x0002,
		     L2TP3_CIRCUIT_RX_FAULT = 0x0004,
		     L2TP3_CIRCUIT_TX_FAULT = 0x0008,
		     L2TP3_CIRCUIT_STANDBY = 0x0040,
};
/* Beyond those of version 2 (V3-SES-5). */
enum l2tp3_cdn_result {
	L2TP3_CDN_TIE_LOST = 13,
	L2TP3_CDN_PW_TYPE = 14,
	L2TP3_CDN_NO_SUBLAYER = 15,
	L2TP3_CDN_FSM = 16,
};

struct l2tp3_secret {
	const uint8_t *b;
	size_t len; /* 0: there is none */
};

/* How we treat a peer; owned by the caller, must outlive the endpoint's use of it. */
struct l2tp3_peer {
	const char *name; /* as configured, for logs and records */
	const char *hostname; /* what we send as Host Name (AVP 7) */
	const char *expect_hostname; /* the peer's must equal it; NULL: any */
	uint32_t router_id; /* what we send as Router ID (AVP 60) */
	/* The first one signs and hides. While there is a second one, every message of ours has a
	 * digest of each, and either is taken (V3-AUTH-5). None: no nonces; what goes directly
	 * over IP has digests of the empty secret instead of a checksum (V3-AUTH-7, V3-HDR-12). */
	struct l2tp3_secret secret[L2TP3_SECRETS];
	enum l2tp3_digest digest;
	bool hide; /* AVPs that may be, with a secret (V3-HID-1) */
	bool v2_fallback; /* over UDP: our SCCRQ has a header of version 2 (V3-FB-1) */
	bool cisco_drafts; /* its draft AVPs of vendor 9 are understood, and ours sent beside */
	bool yamaha_header; /* over UDP our messages stand behind 4 zero octets */
	uint16_t window; /* our Receive Window Size, 0: 16 */
	unsigned int hello_ms; /* 0: never */
	/* Established ones that others opened and that are its, together; 0: 4. Whoever knows the secret of a range
	 * may call itself by any number of names. */
	unsigned int max_tunnels;
	void *user; /* the caller's */
};

struct l2tp3_limits {
	unsigned int half_open; /* control connections in set-up by others, together: 1024 */
	unsigned int half_open_source; /* from one IPv4 /24 or IPv6 /56: 64 */
	unsigned int setup_rate; /* SCCRQ a second from one such prefix: 20 */
	unsigned int tunnels; /* 16384 */
	unsigned int calls; /* 65536 */
	unsigned int retransmits; /* 10 (V3-REL-1) */
	unsigned int retransmit_cap_ms; /* 8000, not below */
};

/* What one end says of a session: how it wants to get what the other one sends. */
struct l2tp3_end {
	uint32_t id; /* Session ID; 0: not known yet */
	uint8_t cookie_len; /* 0, 4, 8 */
	uint8_t cookie[L2TP3_MAX_COOKIE];
	bool sublayer; /* the default one; else none */
	uint8_t sequencing; /* enum l2tp3_sequencing */
	uint16_t circuit; /* enum l2tp3_circuit, the latest */
};

struct l2tp3_call_info {
	uint16_t pw_type;
	uint8_t end_id_len;
	uint8_t end_id[L2TP3_MAX_END_ID];
	struct l2tp3_end ours, peer;
	bool initiator; /* the request was ours */
	bool ready; /* both ends are known: frames may arrive (V3-SES-3) */
	bool established;
};

/* What is asked for by l2tp3_call_open, or granted by call_request. */
struct l2tp3_call_config {
	uint16_t pw_type; /* opening only */
	uint8_t end_id_len; /* the same */
	uint8_t end_id[L2TP3_MAX_END_ID];
	/* Our Session ID is random but for its low place_bits, which are `place`: where the session stands
	 * in the maps. 0 bits: all of it is random. */
	uint32_t place;
	unsigned int place_bits; /* 0..31 */
	uint8_t cookie_len; /* of ours, which is random */
	bool sublayer; /* that we want */
	uint8_t sequencing; /* that we want; needs sublayer */
	bool active; /* the circuit's state now */
	bool outgoing; /* opening: by OCRQ, not ICRQ */
	void *user;
};

/* Who says to be calling, not verified yet: to find the peer, and so the secret (V3-AUTH-9). */
struct l2tp3_who {
	const char *hostname; /* printable; "" if there was none */
	uint32_t router_id;
};

struct l2tp3_ops {
	/* One message, from path->local to path->peer; ports 0: directly over IP, where the caller
	 * puts the 4 zero octets before it. Loss is not an error. */
	void (*send)(void *ctx, const struct path *path, const uint8_t *msg, size_t len);
	void (*random)(void *ctx, void *buf, size_t n);
	/* NULL: a stranger, who gets no answer and for whom nothing is kept. */
	const struct l2tp3_peer *(*find_peer)(void *ctx, const struct path *path,
					      const struct l2tp3_who *who);
	/* Its SCCRQ has proved itself: is a control connection wanted now? False with *ret_why: it is refused.
	 * NULL: always. */
	bool (*may_connect)(void *ctx, const struct l2tp3_peer *peer, struct l2tp_reason *ret_why);
	/* Somebody at that peer's address asked for a control connection, or answered, and could not prove to be it; `what`
	 * is for people. Not at every request. NULL: nobody wants to know. */
	void (*unproven)(void *ctx, const struct l2tp3_peer *peer, const struct path *path,
			 const char *what);
	/* Of a record: the peer of that name that may be at this path; NULL: not any more. */
	const struct l2tp3_peer *(*named_peer)(void *ctx, const char *name,
					       const struct path *path);
	/* The low 16 bits of a Control Connection ID, by which the data path knows its messages: such as
	 * are nobody else's. take: 0: there are none, and so no connection; claim: of a record, false: they
	 * are somebody's by now, and it goes on without. All NULL: any will do. */
	uint16_t (*low_take)(void *ctx);
	bool (*low_claim)(void *ctx, uint16_t low);
	void (*low_back)(void *ctx, uint16_t low);
	/* Is this Session ID somebody else's, so that it cannot be ours? */
	bool (*id_taken)(void *ctx, uint32_t id);
	void (*tunnel_up)(void *ctx, struct l2tp3_tunnel *t);
	/* A message that proved itself came from elsewhere: what we send goes there from now on. */
	void (*tunnel_moved)(void *ctx, struct l2tp3_tunnel *t);
	/* In whatever state it was; none of its calls is left. It goes on acknowledging for 31 s. */
	void (*tunnel_gone)(void *ctx, struct l2tp3_tunnel *t, const struct l2tp_reason *why);
	/* Did frames of its sessions arrive since? Asked before it is given up for silence alone. */
	bool (*tunnel_alive)(void *ctx, struct l2tp3_tunnel *t, msec_t since);
	/* ICRQ or OCRQ of a peer; info: what is known of it. 0 with *ret filled to take it, or a CDN result
	 * with *ret_why. It may close another call, for one, that stands in its way. */
	int (*call_request)(void *ctx, struct l2tp3_call *c, const struct l2tp3_call_info *info,
			    struct l2tp3_call_config *ret, struct l2tp_reason *ret_why);
	/* What l2tp3_call_info tells has changed: ready, established, the peer's circuit. */
	void (*call_news)(void *ctx, struct l2tp3_call *c);
	/* Ended, from whatever state after call_request or l2tp3_call_open. CDN is sent behind it. */
	void (*call_down)(void *ctx, struct l2tp3_call *c, const struct l2tp_reason *why);
};

/* Names of what happened to messages, for `show` and the tests. */
/* clang-format off */
#define L2TP3_COUNTERS(X)                                                                          \
	X(RX, "received")                                                                          \
	X(TX, "sent")                                                                              \
	X(RX_ACK, "received_ack")                                                                  \
	X(TX_ACK, "sent_ack")                                                                      \
	X(RETRANSMIT, "retransmitted")                                                             \
	X(DUPLICATE, "duplicate")                                                                  \
	X(OUT_OF_ORDER, "out_of_order")                                                            \
	X(OUT_OF_WINDOW, "out_of_window")                                                          \
	X(BAD_HEADER, "bad_header")                                                                \
	X(BAD_AVP, "bad_avp")                                                                      \
	X(BAD_DIGEST, "bad_digest")                                                                \
	X(NO_DIGEST, "no_digest")                                                                  \
	X(UNKNOWN_CONNECTION, "unknown_connection")                                                \
	X(WRONG_PATH, "wrong_path")                                                                \
	X(STRANGER, "stranger")                                                                    \
	X(HALF_OPEN_LIMIT, "half_open_limit")                                                      \
	X(SETUP_RATE_LIMIT, "setup_rate_limit")                                                    \
	X(PEER_LIMIT, "peer_limit")                                                                \
	X(REFLECTED, "reflected")                                                                  \
	X(UNKNOWN_SESSION, "unknown_session")                                                      \
	X(UNEXPECTED, "unexpected_message")                                                        \
	X(TIE, "tie")                                                                              \
	X(CALL_REFUSED, "calls_refused")                                                           \
	X(SENT_STOPCCN, "sent_stopccn")                                                            \
	X(SENT_CDN, "sent_cdn")                                                                    \
	X(SENT_SLI, "sent_sli")                                                                    \
	X(RX_SLI, "received_sli")                                                                  \
	X(MOVED, "moved")
/* clang-format on */
enum l2tp3_counter {
#define X(NAME, name) L2TP3_C_##NAME,
	L2TP3_COUNTERS(X)
#undef X
		L2TP3_C_MAX
};
extern const char *const l2tp3_counter_names[L2TP3_C_MAX];

/* NULL: no memory. A limit that is 0 has its default. `timers` is the caller's and outlives it. */
struct l2tp3_endpoint *l2tp3_endpoint_new(const struct l2tp3_limits *limits,
					  const struct l2tp3_ops *ops, void *ctx,
					  struct timers *timers);
/* Frees everything without a word and without any op: the data path and the peers go on. */
void l2tp3_endpoint_free(struct l2tp3_endpoint *ep);

/* One control message that arrived on `path`: from its flag word on, without zero octets before it.
 * Version 3, or what l2tp3_is_ours has told. */
void l2tp3_input(struct l2tp3_endpoint *ep, msec_t now, const struct path *path, const uint8_t *msg,
		 size_t len);
/* Of a control message of version 2: is it an SCCRQ that offers version 3 too, of a peer of ours
 * (V3-FB-3), or an answer to ours? */
bool l2tp3_is_ours(struct l2tp3_endpoint *ep, const struct path *path, const uint8_t *msg,
		   size_t len);
/* Behind a batch of l2tp3_input: what is owed is acknowledged. */
void l2tp3_acknowledge(struct l2tp3_endpoint *ep);
/* StopCCN 6 on every control connection. They are gone for the caller at once. */
void l2tp3_shutdown(struct l2tp3_endpoint *ep, msec_t now);
unsigned int l2tp3_unacknowledged(const struct l2tp3_endpoint *ep); /* StopCCN that wait */

/* Dials. path: ports 1701 (or others) over UDP, 0 directly over IP. NULL: no memory or at the limit.
 * One that a tie has cost, or that stands on both sides, ends by tunnel_gone as any other, with the
 * result L2TP_STOP_EXISTS; the peer's takes its place. */
struct l2tp3_tunnel *l2tp3_tunnel_open(struct l2tp3_endpoint *ep, msec_t now,
				       const struct path *path, const struct l2tp3_peer *peer);
void l2tp3_tunnel_close(struct l2tp3_tunnel *t, msec_t now, const struct l2tp_reason *why);
/* On an established one. NULL: no memory, at the limit, it is not established, or what is asked for
 * cannot be (sequencing without sublayer). Of a PW type that the peer does not offer: call_down with
 * L2TP3_CDN_PW_TYPE runs right behind it, by a timer (V3-SES-2). */
struct l2tp3_call *l2tp3_call_open(struct l2tp3_tunnel *t, msec_t now,
				   const struct l2tp3_call_config *cfg);
/* call_down runs, then CDN is sent. */
void l2tp3_call_close(struct l2tp3_call *c, msec_t now, const struct l2tp_reason *why);
/* The state of our circuit: SLI when that is news to the peer (V3-ETH-3). */
void l2tp3_call_circuit(struct l2tp3_call *c, msec_t now, bool active);

uint32_t l2tp3_tunnel_id(const struct l2tp3_tunnel *t); /* Control Connection ID, ours */
uint16_t l2tp3_tunnel_low(const struct l2tp3_tunnel *t); /* of low_take; 0: none */
uint32_t l2tp3_tunnel_peer_id(const struct l2tp3_tunnel *t); /* 0: not known yet */
const struct path *l2tp3_tunnel_path(const struct l2tp3_tunnel *t);
const struct l2tp3_peer *l2tp3_tunnel_peer(const struct l2tp3_tunnel *t);
const char *l2tp3_tunnel_state(const struct l2tp3_tunnel *t); /* as l2tp_tunnel_state */
const char *l2tp3_tunnel_hostname(const struct l2tp3_tunnel *t); /* peer's, printable */
const char *l2tp3_tunnel_vendor(const struct l2tp3_tunnel *t);
msec_t l2tp3_tunnel_since(const struct l2tp3_tunnel *t);
unsigned int l2tp3_tunnel_calls(const struct l2tp3_tunnel *t);
bool l2tp3_tunnel_is_up(const struct l2tp3_tunnel *t);
bool l2tp3_tunnel_is_initiator(const struct l2tp3_tunnel *t); /* we dialled */
/* By our ID; NULL. */
struct l2tp3_tunnel *l2tp3_tunnel_find(struct l2tp3_endpoint *ep, uint32_t id);
/* Those that the caller has seen (stopped ones are not); the visitor may close it. False ends it. */
void l2tp3_tunnels_visit(struct l2tp3_endpoint *ep, bool (*fn)(void *arg, struct l2tp3_tunnel *t),
			 void *arg);
void l2tp3_calls_visit(struct l2tp3_tunnel *t, bool (*fn)(void *arg, struct l2tp3_call *c),
		       void *arg);
const struct l2tp3_call_info *l2tp3_call_info(const struct l2tp3_call *c);
struct l2tp3_tunnel *l2tp3_call_tunnel(const struct l2tp3_call *c);
const char *l2tp3_call_state(const struct l2tp3_call *c);
void *l2tp3_call_user(const struct l2tp3_call *c);
void l2tp3_call_set_user(struct l2tp3_call *c, void *user);
const uint64_t *l2tp3_counters(const struct l2tp3_endpoint *ep); /* L2TP3_C_MAX of them */

/*
 * What outlives the process, as in l2tp/l2tp.h: after every event, and before anything that this
 * room gave to `send` during it leaves the host, the caller takes what has changed. Records are
 * octets of this room, of at most L2TP_MAX_RECORD. Secrets are not in them; nonces and hidden AVPs are.
 */
enum l2tp3_record { L2TP3_R_TUNNEL, L2TP3_R_MESSAGE, L2TP3_R_CALL };
/* id: our CCID, or our Session ID of a call; serial: of a message, below 2^24, else 0.
 * rec NULL: it is gone. */
typedef void l2tp3_record_fn(void *arg, enum l2tp3_record kind, uint32_t id, uint32_t serial,
			     const uint8_t *rec, size_t len);
void l2tp3_changes(struct l2tp3_endpoint *ep, l2tp3_record_fn *fn, void *arg);
/* After a restart: all tunnels, then all messages (of each tunnel by rising serial), then all calls.
 * -EBADMSG: damaged, or of a tunnel that is not there; -ESTALE: its peer is not configured any more,
 * or it is of such a tunnel; -ENOMEM. The caller deletes the record of one that failed, after l2tp3_restored. */
int l2tp3_restore(struct l2tp3_endpoint *ep, msec_t now, enum l2tp3_record kind, uint32_t id,
		  uint32_t serial, const uint8_t *rec, size_t len);
/* The caller has given calls their users back (l2tp3_calls_visit; those without one it closes): timers
 * start, and each peer is asked by a Hello whether it still knows us. */
void l2tp3_restored(struct l2tp3_endpoint *ep, msec_t now);

#endif
