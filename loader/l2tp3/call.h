/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The automata of sessions (RFC 3931 sections 7.3 and 7.4; docs/protocol/l2tpv3.md section 8), as
 * data, and what is decided without any state. engine.h has the objects; call.c does what a cell
 * says.
 */
#ifndef L2XDP_L2TP3_CALL_H
#define L2XDP_L2TP3_CALL_H

#include "loader/l2tp/step.h"
#include "loader/l2tp3/codec.h"

/* Who we are to a session. */
enum l2tp3_role {
	L2TP3_ROLE_CALLER, /* we sent ICRQ */
	L2TP3_ROLE_CALLED, /* we got it */
	L2TP3_ROLE_DIALLER, /* we sent OCRQ */
	L2TP3_ROLE_DIALLED, /* we got it */
	L2TP3_ROLES
};

#define L2TP3_CALL_STATES(X)                                                                       \
	X(IDLE, "idle")                                                                            \
	X(WAIT_TUNNEL, "wait-control-conn")                                                        \
	X(WAIT_REPLY, "wait-reply")                                                                \
	X(WAIT_CONNECT, "wait-connect")                                                            \
	X(WAIT_ANSWER, "wait-cs-answer")                                                           \
	X(ESTABLISHED, "established")
/* REQUEST is ICRQ or OCRQ, REPLY is ICRP or OCRP, CONNECT is ICCN or OCCN, as the role has it. */
#define L2TP3_CALL_EVENTS(X)                                                                       \
	X(OPEN, "local open")                                                                      \
	X(TUNNEL_UP, "control connection open")                                                    \
	X(REQUEST, "request")                                                                      \
	X(REQUEST_BAD, "request not ok")                                                           \
	X(REPLY, "reply")                                                                          \
	X(REPLY_BAD, "reply not ok")                                                               \
	X(CONNECT, "connect")                                                                      \
	X(CONNECT_BAD, "connect not ok")                                                           \
	X(PLACED, "circuit ready")                                                                 \
	X(TIE_LOST, "tie lost")                                                                    \
	X(TIE_WON, "tie won")                                                                      \
	X(TIE_BOTH, "tie of equals")                                                               \
	X(CDN, "CDN")                                                                              \
	X(SLI, "SLI")                                                                              \
	X(NOTICE, "WEN")                                                                           \
	X(OTHER, "message of the other kind of call")                                              \
	X(FAULT, "malformed, or unknown and mandatory")                                            \
	X(CLOSE, "local close")                                                                    \
	X(TIMEOUT, "not established in time")                                                      \
	X(TUNNEL_DOWN, "control connection closed")
#define L2TP3_CALL_ACTIONS(X)                                                                      \
	X(UNEXPECTED, "count")                                                                     \
	X(NOTHING, "acknowledge")                                                                  \
	X(WAIT, "wait")                                                                            \
	X(SEND_REQUEST, "send request")                                                            \
	X(ACCEPT, "send reply")                                                                    \
	X(REFUSE, "send CDN for theirs")                                                           \
	X(CONFIRM, "send connect, up")                                                             \
	X(EXPECT, "expect connect")                                                                \
	X(UP, "up")                                                                                \
	X(CIRCUIT, "circuit status")                                                               \
	X(DISCONNECT, "send CDN, clean")                                                           \
	X(CLEAN, "clean")

#define X(NAME, name) L2TP3_CS_##NAME,
enum l2tp3_call_state { L2TP3_CALL_STATES(X) L2TP3_CS_STATES };
#undef X
#define X(NAME, name) L2TP3_CE_##NAME,
enum l2tp3_call_event { L2TP3_CALL_EVENTS(X) L2TP3_CE_EVENTS };
#undef X
#define X(NAME, name) L2TP3_CA_##NAME,
enum l2tp3_call_action { L2TP3_CALL_ACTIONS(X) L2TP3_CA_ACTIONS };
#undef X

extern const char *const l2tp3_call_state_names[L2TP3_CS_STATES];
extern const char *const l2tp3_call_event_names[L2TP3_CE_EVENTS];
extern const char *const l2tp3_call_action_names[L2TP3_CA_ACTIONS];

/* The cell; what no table lists is "count" and stays where it is. */
struct l2tp_step l2tp3_call_step(enum l2tp3_role role, unsigned int state, unsigned int event);

/* V3-SES-1, of requests that crossed. NULL: that side sent none. L2TP3_CE_TIE_*. */
enum l2tp3_call_event l2tp3_call_tie(const uint8_t *ours, const uint8_t *peer);
/* A peer's Circuit Status as it is to be understood: without N, and not active with a fault
 * (V3-CS-1, V3-CS-2). */
uint16_t l2tp3_circuit_of_peer(uint16_t status);
/* What we say of ours. */
uint16_t l2tp3_circuit_of_ours(bool active);

#endif
