/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The option negotiation automaton of RFC 1661 section 4: see automaton.c. */
#ifndef L2XDP_PPP_AUTOMATON_H
#define L2XDP_PPP_AUTOMATON_H

#include "loader/base/timers.h"
#include "loader/ppp/options.h"

struct ppp_link;

enum fsm_state {
	FSM_INITIAL,
	FSM_STARTING,
	FSM_CLOSED,
	FSM_STOPPED,
	FSM_CLOSING,
	FSM_STOPPING,
	FSM_REQ_SENT,
	FSM_ACK_RCVD,
	FSM_ACK_SENT,
	FSM_OPENED,
	FSM_STATES,
};

enum fsm_event {
	FSM_UP,
	FSM_DOWN,
	FSM_OPEN,
	FSM_CLOSE,
	FSM_TO_PLUS,
	FSM_TO_MINUS,
	FSM_RCR_PLUS,
	FSM_RCR_MINUS,
	FSM_RCA,
	FSM_RCN,
	FSM_RTR,
	FSM_RTA,
	FSM_RUC,
	FSM_RXJ_PLUS,
	FSM_RXJ_MINUS,
	FSM_RXR,
	FSM_EVENTS,
};

/* In the order in which a cell's actions run: first the layer goes down, then what is
 * sent, then the layer comes up. */
enum fsm_action {
	FSM_TLD = 1 << 0,
	FSM_IRC = 1 << 1,
	FSM_ZRC = 1 << 2,
	FSM_SCR = 1 << 3,
	FSM_SCA = 1 << 4,
	FSM_SCN = 1 << 5,
	FSM_STR = 1 << 6,
	FSM_STA = 1 << 7,
	FSM_SCJ = 1 << 8,
	FSM_SER = 1 << 9,
	FSM_TLU = 1 << 10,
	FSM_TLS = 1 << 11,
	FSM_TLF = 1 << 12,
};
#define FSM_ACTIONS 13

struct fsm_cell {
	uint16_t actions;
	uint8_t next; /* FSM_STATES: the event cannot happen in this state */
};
extern const struct fsm_cell fsm_table[FSM_EVENTS][FSM_STATES];
extern const char *const fsm_state_names[FSM_STATES];
extern const char *const fsm_event_names[FSM_EVENTS];
extern const char *const fsm_action_names[FSM_ACTIONS];

/* Codes 1 to 7 are common to LCP and all NCPs. */
enum ppp_code {
	CODE_CONFIGURE_REQUEST = 1,
	CODE_CONFIGURE_ACK,
	CODE_CONFIGURE_NAK,
	CODE_CONFIGURE_REJECT,
	CODE_TERMINATE_REQUEST,
	CODE_TERMINATE_ACK,
	CODE_CODE_REJECT,
	CODE_PROTOCOL_REJECT,
	CODE_ECHO_REQUEST,
	CODE_ECHO_REPLY,
	CODE_DISCARD_REQUEST,
	CODE_IDENTIFICATION, /* RFC 1570 */
	CODE_TIME_REMAINING,
};

/* PPP-FSM-1, PPP-FSM-2 */
#define FSM_MAX_CONFIGURE 10
#define FSM_MAX_TERMINATE 2
#define FSM_MAX_FAILURE 5
/* Refusals in one negotiation, either way, before it is given up. */
#define FSM_MAX_REFUSALS 30

/* One packet in, and the answer to it when it is a Configure-Request. */
struct fsm_packet {
	uint8_t code, id;
	const uint8_t *data; /* behind the length field */
	size_t len;
	uint8_t answer_code; /* Nak or Reject */
	const uint8_t *answer;
	size_t answer_len;
};

enum verdict {
	VERDICT_ACK,
	VERDICT_NAK, /* a better value was written */
	VERDICT_NAK_FIRST, /* the same, before any Reject, whatever Max-Failure says */
	VERDICT_REJECT,
};

enum missing {
	MISSING_NOTHING, /* or it was appended to the Nak */
	MISSING_FATAL, /* this negotiation cannot succeed */
};

/* What is particular to LCP and each NCP. */
struct fsm_protocol {
	uint16_t protocol;
	const char *name;
	/* A new negotiation begins: all options are wanted again. */
	void (*reset)(struct ppp_link *l);
	/* The options of our Configure-Request; the same octets until something changes. */
	void (*request)(struct ppp_link *l, struct writer *w);
	/* One option of the peer's request. No effect but counters: see adopt. */
	enum verdict (*judge)(struct ppp_link *l, const struct option *o, struct writer *nak);
	/* What the peer should have asked for; may be NULL. */
	enum missing (*missing)(struct ppp_link *l, const uint8_t *options, size_t len,
				bool may_append, struct writer *nak);
	/* The peer's request is acknowledged: `forget` first, then each option of it. */
	void (*forget)(struct ppp_link *l);
	void (*adopt)(struct ppp_link *l, const struct option *o);
	/* One option of ours that the peer wants otherwise, or not at all. */
	void (*naked)(struct ppp_link *l, msec_t now, const struct option *o);
	void (*rejected)(struct ppp_link *l, msec_t now, const struct option *o);
	/* Layer up, down, finished. */
	void (*up)(struct ppp_link *l, msec_t now);
	void (*down)(struct ppp_link *l, msec_t now);
	void (*finished)(struct ppp_link *l, msec_t now);
	/* Codes beyond 7; false: unknown. May be NULL. */
	bool (*other)(struct ppp_link *l, msec_t now, struct fsm_packet *p);
};

struct fsm {
	struct timer timer;
	struct ppp_link *link;
	const struct fsm_protocol *proto;
	uint8_t state;
	uint8_t serial; /* counts events: an action may cause another event */
	uint8_t restarts; /* the restart counter */
	uint8_t sent; /* requests since the counter was set, for the back-off */
	uint8_t naks; /* Naks sent since the last Ack (Max-Failure) */
	uint8_t refusals;
	uint8_t last_id; /* identifiers of what we sent last, and of our request */
	uint8_t request_id;
	bool answered; /* our last request was; the next one is a new one (PPP-FSM-5) */
};

void fsm_init(struct fsm *f, struct ppp_link *l, const struct fsm_protocol *proto);
/* One event. `p` is the packet that caused it, NULL if none did. */
void fsm_event(struct fsm *f, msec_t now, enum fsm_event event, const struct fsm_packet *p);
/* After its fields were restored: waits on for what it waited for. */
void fsm_resume(struct fsm *f, msec_t now);
/* One packet of this protocol, from its code on (negotiate.c). */
void fsm_input(struct fsm *f, msec_t now, const uint8_t *packet, size_t len);
/* What each action sends (negotiate.c). */
void fsm_send_request(struct fsm *f, msec_t now, bool again);
void fsm_send_ack(struct fsm *f, const struct fsm_packet *p);
void fsm_send_refusal(struct fsm *f, const struct fsm_packet *p);
void fsm_send_code_reject(struct fsm *f, const struct fsm_packet *p);

#endif
