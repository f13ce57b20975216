/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The option negotiation automaton (RFC 1661 section 4.1, docs/protocol/ppp.md section 3).
 *
 * LCP, IPCP and IPV6CP negotiate in the same way: each side sends the options it wants
 * until the other acknowledges them, and the layer is up when both have been
 * acknowledged. A link has three `struct fsm`, one each; what differs is behind
 * `struct fsm_protocol` (lcp.c, ipcp.c, ipv6cp.c).
 *
 *   link.c        owns the three, tells them Up, Down, Open, Close
 *   negotiate.c   turns packets into events, and actions into packets
 *   automaton.c   the table {event, state -> actions, next}, and the one place that walks it
 *
 * The table is that of the RFC without its two options (passive open, restart). A cell's
 * actions run in a fixed order that fits every row: layer down first, so that nothing of
 * the old agreement is used once the peer hears of the new one (PPP-PH-4); then what is
 * sent; then layer up. An action can cause another event for the same automaton (the
 * daemon may close a link when it hears that a network is down): then the rest of the
 * interrupted cell is void, as the new event's cell already knows the new state.
 *
 * The restart timer runs in the states Closing to Ack-Sent and in no other (PPP-FSM-1).
 */
#include "loader/ppp/automaton.h"

#include "loader/ppp/link.h"

#define NEVER                                                                                      \
	{                                                                                          \
		0, FSM_STATES                                                                      \
	}

/* clang-format off */
const struct fsm_cell fsm_table[FSM_EVENTS][FSM_STATES] = {
	/*                Initial        Starting                  Closed                   Stopped
	 *                Closing        Stopping                  Req-Sent                 Ack-Rcvd
	 *                Ack-Sent       Opened */
	[FSM_UP]      = { {0, 2},        {FSM_IRC|FSM_SCR, 6},     NEVER,                   NEVER,
			  NEVER,         NEVER,                    NEVER,                   NEVER,
			  NEVER,         NEVER },
	[FSM_DOWN]    = { NEVER,         NEVER,                    {0, 0},                  {FSM_TLS, 1},
			  {0, 0},        {0, 1},                   {0, 1},                  {0, 1},
			  {0, 1},        {FSM_TLD, 1} },
	[FSM_OPEN]    = { {FSM_TLS, 1},  {0, 1},                   {FSM_IRC|FSM_SCR, 6},    {0, 3},
			  {0, 5},        {0, 5},                   {0, 6},                  {0, 7},
			  {0, 8},        {0, 9} },
	[FSM_CLOSE]   = { {0, 0},        {FSM_TLF, 0},             {0, 2},                  {0, 2},
			  {0, 4},        {0, 4},                   {FSM_IRC|FSM_STR, 4},    {FSM_IRC|FSM_STR, 4},
			  {FSM_IRC|FSM_STR, 4}, {FSM_TLD|FSM_IRC|FSM_STR, 4} },
	[FSM_TO_PLUS] = { NEVER,         NEVER,                    NEVER,                   NEVER,
			  {FSM_STR, 4},  {FSM_STR, 5},             {FSM_SCR, 6},            {FSM_SCR, 6},
			  {FSM_SCR, 8},  NEVER },
	[FSM_TO_MINUS] = { NEVER,        NEVER,                    NEVER,                   NEVER,
			  {FSM_TLF, 2},  {FSM_TLF, 3},             {FSM_TLF, 3},            {FSM_TLF, 3},
			  {FSM_TLF, 3},  NEVER },
	[FSM_RCR_PLUS] = { NEVER,        NEVER,                    {FSM_STA, 2},            {FSM_IRC|FSM_SCR|FSM_SCA, 8},
			  {0, 4},        {0, 5},                   {FSM_SCA, 8},            {FSM_SCA|FSM_TLU, 9},
			  {FSM_SCA, 8},  {FSM_TLD|FSM_SCR|FSM_SCA, 8} },
	[FSM_RCR_MINUS] = { NEVER,       NEVER,                    {FSM_STA, 2},            {FSM_IRC|FSM_SCR|FSM_SCN, 6},
			  {0, 4},        {0, 5},                   {FSM_SCN, 6},            {FSM_SCN, 7},
			  {FSM_SCN, 6},  {FSM_TLD|FSM_SCR|FSM_SCN, 6} },
	[FSM_RCA]     = { NEVER,         NEVER,                    {FSM_STA, 2},            {FSM_STA, 3},
			  {0, 4},        {0, 5},                   {FSM_IRC, 7},            {FSM_SCR, 6},
			  {FSM_IRC|FSM_TLU, 9}, {FSM_TLD|FSM_SCR, 6} },
	[FSM_RCN]     = { NEVER,         NEVER,                    {FSM_STA, 2},            {FSM_STA, 3},
			  {0, 4},        {0, 5},                   {FSM_IRC|FSM_SCR, 6},    {FSM_SCR, 6},
			  {FSM_IRC|FSM_SCR, 8}, {FSM_TLD|FSM_SCR, 6} },
	[FSM_RTR]     = { NEVER,         NEVER,                    {FSM_STA, 2},            {FSM_STA, 3},
			  {FSM_STA, 4},  {FSM_STA, 5},             {FSM_STA, 6},            {FSM_STA, 6},
			  {FSM_STA, 6},  {FSM_TLD|FSM_ZRC|FSM_STA, 5} },
	[FSM_RTA]     = { NEVER,         NEVER,                    {0, 2},                  {0, 3},
			  {FSM_TLF, 2},  {FSM_TLF, 3},             {0, 6},                  {0, 6},
			  {0, 8},        {FSM_TLD|FSM_SCR, 6} },
	[FSM_RUC]     = { NEVER,         NEVER,                    {FSM_SCJ, 2},            {FSM_SCJ, 3},
			  {FSM_SCJ, 4},  {FSM_SCJ, 5},             {FSM_SCJ, 6},            {FSM_SCJ, 7},
			  {FSM_SCJ, 8},  {FSM_SCJ, 9} },
	[FSM_RXJ_PLUS] = { NEVER,        NEVER,                    {0, 2},                  {0, 3},
			  {0, 4},        {0, 5},                   {0, 6},                  {0, 6},
			  {0, 8},        {0, 9} },
	[FSM_RXJ_MINUS] = { NEVER,       NEVER,                    {FSM_TLF, 2},            {FSM_TLF, 3},
			  {FSM_TLF, 2},  {FSM_TLF, 3},             {FSM_TLF, 3},            {FSM_TLF, 3},
			  {FSM_TLF, 3},  {FSM_TLD|FSM_IRC|FSM_STR, 5} },
	[FSM_RXR]     = { NEVER,         NEVER,                    {0, 2},                  {0, 3},
			  {0, 4},        {0, 5},                   {0, 6},                  {0, 7},
			  {0, 8},        {FSM_SER, 9} },
};
/* clang-format on */

const char *const fsm_state_names[FSM_STATES] = {
	"Initial",  "Starting", "Closed",   "Stopped",  "Closing",
	"Stopping", "Req-Sent", "Ack-Rcvd", "Ack-Sent", "Opened",
};
const char *const fsm_event_names[FSM_EVENTS] = {
	"Up",  "Down", "Open", "Close", "TO+", "TO-",  "RCR+", "RCR-",
	"RCA", "RCN",  "RTR",  "RTA",   "RUC", "RXJ+", "RXJ-", "RXR",
};
const char *const fsm_action_names[FSM_ACTIONS] = {
	"tld", "irc", "zrc", "scr", "sca", "scn", "str", "sta", "scj", "ser", "tlu", "tls", "tlf",
};

static bool timer_runs(uint8_t state)
{
	return state >= FSM_CLOSING && state <= FSM_ACK_SENT;
}

static void fsm_timeout(struct timer *t, msec_t now)
{
	struct fsm *f = container_of(t, struct fsm, timer);
	struct ppp_link *l = f->link;

	link_enter(l);
	fsm_event(f, now, f->restarts ? FSM_TO_PLUS : FSM_TO_MINUS, NULL);
	link_leave(l);
}

/* How long to wait for an answer. LCP's first request often comes before the peer's PPP
 * runs (xl2tpd starts pppd after ICCN and drops what comes meanwhile): try again soon.
 * Terminate-Requests: two fit into the 3 s that a closing may take (V2-TEAR-5). */
static unsigned int restart_period(const struct fsm *f)
{
	unsigned int ms = f->link->cfg->restart_ms;

	if (f->state == FSM_CLOSING || f->state == FSM_STOPPING)
		return ms / FSM_MAX_TERMINATE;
	if (f->proto->protocol == PPP_LCP && f->sent <= 1)
		return ms < 1000 ? ms : 1000;
	return f->sent <= 4 ? ms : 2 * ms;
}

static void timer_start(struct fsm *f, msec_t now, unsigned int ms)
{
	link_timer(f->link, &f->timer, now + ms, fsm_timeout);
}

static void reset_counter(struct fsm *f)
{
	f->sent = 0;
	f->restarts = f->state == FSM_CLOSING || f->state == FSM_STOPPING ? FSM_MAX_TERMINATE
									  : FSM_MAX_CONFIGURE;
}

static void send_again(struct fsm *f, msec_t now, enum fsm_action action, bool again)
{
	if (f->restarts)
		f->restarts--;
	if (f->sent < UINT8_MAX)
		f->sent++;
	timer_start(f, now, restart_period(f));
	if (action == FSM_SCR)
		fsm_send_request(f, now, again);
	else
		link_send(f->link, f->proto->protocol, CODE_TERMINATE_REQUEST, ++f->last_id, NULL,
			  0);
}

/* A new negotiation begins with nothing refused and nothing agreed. */
static void negotiation_reset(struct fsm *f)
{
	f->naks = 0;
	f->refusals = 0;
	f->answered = true;
	f->proto->reset(f->link);
}

static void layer_down(struct fsm *f, msec_t now)
{
	uint8_t serial = f->serial;

	f->proto->down(f->link, now);
	if (f->serial != serial)
		return;
	negotiation_reset(f);
	reset_counter(f); /* a renegotiation has all its tries, which the RFC leaves open */
}

static void act(struct fsm *f, msec_t now, enum fsm_action action, enum fsm_event event,
		const struct fsm_packet *p)
{
	struct ppp_link *l = f->link;

	switch (action) {
	case FSM_TLD:
		layer_down(f, now);
		break;
	case FSM_IRC:
		reset_counter(f);
		break;
	case FSM_ZRC:
		/* PPP-FSM-10: the peer has one period to repeat its Terminate-Request. */
		f->restarts = 0;
		timer_start(f, now, l->cfg->restart_ms);
		break;
	case FSM_SCR:
	case FSM_STR:
		send_again(f, now, action, event == FSM_TO_PLUS);
		break;
	case FSM_SCA:
		fsm_send_ack(f, p);
		break;
	case FSM_SCN:
		fsm_send_refusal(f, p);
		break;
	case FSM_STA:
		link_send(l, f->proto->protocol, CODE_TERMINATE_ACK, p->id, NULL, 0);
		break;
	case FSM_SCJ:
		fsm_send_code_reject(f, p);
		break;
	case FSM_SER:
		link_echo_reply(l, p);
		break;
	case FSM_TLU:
		f->refusals = 0;
		f->proto->up(l, now);
		break;
	case FSM_TLS:
		break; /* the layer below comes up by itself: the L2TP session is there */
	case FSM_TLF:
		negotiation_reset(f);
		f->proto->finished(l, now);
		break;
	}
}

void fsm_init(struct fsm *f, struct ppp_link *l, const struct fsm_protocol *proto)
{
	*f = (struct fsm){ .link = l, .proto = proto, .answered = true };
}

void fsm_resume(struct fsm *f, msec_t now)
{
	if (timer_runs(f->state))
		timer_start(f, now, restart_period(f));
}

void fsm_event(struct fsm *f, msec_t now, enum fsm_event event, const struct fsm_packet *p)
{
	const struct fsm_cell *cell = &fsm_table[event][f->state];
	uint8_t serial;

	if (cell->next == FSM_STATES) {
		link_log(f->link, "%s: %s in state %s", f->proto->name, fsm_event_names[event],
			 fsm_state_names[f->state]);
		return;
	}
	serial = ++f->serial;
	f->state = cell->next;
	if (!timer_runs(f->state))
		timer_stop(f->link->timers, &f->timer);
	for (unsigned int i = 0; i < FSM_ACTIONS; i++) {
		if (!(cell->actions & 1u << i))
			continue;
		act(f, now, (enum fsm_action)(1u << i), event, p);
		if (f->serial != serial)
			return;
	}
}
