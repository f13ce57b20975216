/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The automata of incoming calls, as LAC and as LNS (RFC 2661 section 7.4;
 * docs/protocol/l2tpv2.md section 10). What their actions do: call.c. */
#include "loader/l2tp/engine.h"

#define X(NAME, name) [L2TP_CS_##NAME] = name,
const char *const l2tp_call_state_names[] = { L2TP_CALL_STATES(X) };
#undef X
#define X(NAME, name) [L2TP_CE_##NAME] = name,
const char *const l2tp_call_event_names[] = { L2TP_CALL_EVENTS(X) };
#undef X
#define X(NAME, name) [L2TP_CA_##NAME] = name,
const char *const l2tp_call_action_names[] = { L2TP_CALL_ACTIONS(X) };
#undef X

#define ROW(state, event, action, next)                                                            \
	{                                                                                          \
		L2TP_CS_##state, L2TP_CE_##event, L2TP_CA_##action, L2TP_CS_##next                 \
	}

static const struct l2tp_step lac_steps[] = {
	ROW(IDLE, OPEN, WAIT, WAIT_TUNNEL),
	ROW(IDLE, ICRP, NOTHING, IDLE), /* crossed our CDN */
	ROW(IDLE, ICRP_BAD, NOTHING, IDLE),

	ROW(WAIT_TUNNEL, TUNNEL_UP, SEND_ICRQ, WAIT_REPLY),
	ROW(WAIT_TUNNEL, CLOSE, CLEAN, IDLE),
	ROW(WAIT_TUNNEL, TUNNEL_DOWN, CLEAN, IDLE),

	ROW(WAIT_REPLY, ICRP, CONNECT, ESTABLISHED),
	ROW(WAIT_REPLY, ICRP_BAD, DISCONNECT, IDLE),
	ROW(WAIT_REPLY, ICRQ, DISCONNECT, IDLE),
	ROW(WAIT_REPLY, ICRQ_BAD, DISCONNECT, IDLE),
	ROW(WAIT_REPLY, ICCN, CLEAN, IDLE),
	ROW(WAIT_REPLY, ICCN_BAD, CLEAN, IDLE),
	ROW(WAIT_REPLY, CDN, CLEAN, IDLE),
	ROW(WAIT_REPLY, NOTICE, NOTHING, WAIT_REPLY),
	ROW(WAIT_REPLY, FAULT, DISCONNECT, IDLE),
	ROW(WAIT_REPLY, CLOSE, DISCONNECT, IDLE),
	ROW(WAIT_REPLY, TIMEOUT, DISCONNECT, IDLE),
	ROW(WAIT_REPLY, TUNNEL_DOWN, CLEAN, IDLE),

	ROW(ESTABLISHED, ICRQ, DISCONNECT, IDLE),
	ROW(ESTABLISHED, ICRQ_BAD, DISCONNECT, IDLE),
	ROW(ESTABLISHED, ICRP, DISCONNECT, IDLE),
	ROW(ESTABLISHED, ICRP_BAD, DISCONNECT, IDLE),
	ROW(ESTABLISHED, ICCN, DISCONNECT, IDLE),
	ROW(ESTABLISHED, ICCN_BAD, DISCONNECT, IDLE),
	ROW(ESTABLISHED, CDN, CLEAN, IDLE),
	ROW(ESTABLISHED, NOTICE, NOTHING, ESTABLISHED), /* SLI: no ACCM on IP (V2-CALL-8) */
	ROW(ESTABLISHED, FAULT, DISCONNECT, IDLE),
	ROW(ESTABLISHED, CLOSE, DISCONNECT, IDLE),
	ROW(ESTABLISHED, TUNNEL_DOWN, CLEAN, IDLE),
};

static const struct l2tp_step lns_steps[] = {
	ROW(IDLE, ICRQ, ACCEPT, WAIT_CONNECT),
	ROW(IDLE, ICRQ_BAD, REFUSE, IDLE),
	ROW(IDLE, ICRP, REFUSE, IDLE),
	ROW(IDLE, ICRP_BAD, REFUSE, IDLE),

	ROW(WAIT_CONNECT, ICCN, UP, ESTABLISHED),
	ROW(WAIT_CONNECT, ICCN_BAD, DISCONNECT, IDLE),
	ROW(WAIT_CONNECT, ICRQ, DISCONNECT, IDLE),
	ROW(WAIT_CONNECT, ICRQ_BAD, DISCONNECT, IDLE),
	ROW(WAIT_CONNECT, ICRP, DISCONNECT, IDLE),
	ROW(WAIT_CONNECT, ICRP_BAD, DISCONNECT, IDLE),
	ROW(WAIT_CONNECT, CDN, CLEAN, IDLE),
	ROW(WAIT_CONNECT, NOTICE, NOTHING, WAIT_CONNECT),
	ROW(WAIT_CONNECT, FAULT, DISCONNECT, IDLE),
	ROW(WAIT_CONNECT, CLOSE, DISCONNECT, IDLE),
	ROW(WAIT_CONNECT, TIMEOUT, DISCONNECT, IDLE), /* V2-CALL-5 */
	ROW(WAIT_CONNECT, TUNNEL_DOWN, CLEAN, IDLE),

	ROW(ESTABLISHED, ICRQ, DISCONNECT, IDLE),
	ROW(ESTABLISHED, ICRQ_BAD, DISCONNECT, IDLE),
	ROW(ESTABLISHED, ICRP, DISCONNECT, IDLE),
	ROW(ESTABLISHED, ICRP_BAD, DISCONNECT, IDLE),
	ROW(ESTABLISHED, ICCN, DISCONNECT, IDLE),
	ROW(ESTABLISHED, ICCN_BAD, DISCONNECT, IDLE),
	ROW(ESTABLISHED, CDN, CLEAN, IDLE),
	ROW(ESTABLISHED, NOTICE, NOTHING, ESTABLISHED), /* V2-CALL-7, Q-7 */
	ROW(ESTABLISHED, FAULT, DISCONNECT, IDLE),
	ROW(ESTABLISHED, CLOSE, DISCONNECT, IDLE),
	ROW(ESTABLISHED, TUNNEL_DOWN, CLEAN, IDLE),
};

struct l2tp_step l2tp_call_step(bool lac, unsigned int state, unsigned int event)
{
	const struct l2tp_step *steps = lac ? lac_steps : lns_steps;
	size_t n = lac ? sizeof(lac_steps) / sizeof(lac_steps[0])
		       : sizeof(lns_steps) / sizeof(lns_steps[0]);

	for (size_t i = 0; i < n; i++)
		if (steps[i].state == state && steps[i].event == event)
			return steps[i];
	return (struct l2tp_step){ (uint8_t)state, (uint8_t)event, L2TP_CA_UNEXPECTED,
				   (uint8_t)state };
}
