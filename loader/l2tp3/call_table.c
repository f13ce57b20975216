/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The automata of sessions as tables (docs/protocol/l2tpv3.md section 8), one for each end of an
 * incoming and of an outgoing call. What their actions do: call.c. */
#include <string.h>

#include "loader/l2tp3/call.h"

#define X(NAME, name) [L2TP3_CS_##NAME] = name,
const char *const l2tp3_call_state_names[] = { L2TP3_CALL_STATES(X) };
#undef X
#define X(NAME, name) [L2TP3_CE_##NAME] = name,
const char *const l2tp3_call_event_names[] = { L2TP3_CALL_EVENTS(X) };
#undef X
#define X(NAME, name) [L2TP3_CA_##NAME] = name,
const char *const l2tp3_call_action_names[] = { L2TP3_CALL_ACTIONS(X) };
#undef X

#define ROW(state, event, action, next)                                                            \
	{                                                                                          \
		L2TP3_CS_##state, L2TP3_CE_##event, L2TP3_CA_##action, L2TP3_CS_##next             \
	}
/* What ends a session in whatever state it is known to both ends. */
#define ENDS(state)                                                                                \
	ROW(state, CDN, CLEAN, IDLE), ROW(state, CLOSE, DISCONNECT, IDLE),                         \
		ROW(state, FAULT, DISCONNECT, IDLE), ROW(state, TUNNEL_DOWN, CLEAN, IDLE)
/* Messages of set-up that have no business there. */
#define CLASH(state, event)                                                                        \
	ROW(state, event, DISCONNECT, IDLE), ROW(state, event##_BAD, DISCONNECT, IDLE)
#define NEWS(state) ROW(state, SLI, CIRCUIT, state), ROW(state, NOTICE, NOTHING, state)
/* Of those that ask: up to the reply the two kinds differ little. */
#define ASKING                                                                                     \
	ROW(IDLE, OPEN, WAIT, WAIT_TUNNEL),                                                        \
                                                                                                   \
		ROW(WAIT_TUNNEL, TUNNEL_UP, SEND_REQUEST, WAIT_REPLY),                             \
		ROW(WAIT_TUNNEL, CLOSE, CLEAN, IDLE),                                              \
		ROW(WAIT_TUNNEL, TIMEOUT, CLEAN, IDLE), /* nothing that the peer could want */     \
		ROW(WAIT_TUNNEL, TUNNEL_DOWN, CLEAN, IDLE),                                        \
                                                                                                   \
		ROW(WAIT_REPLY, REPLY_BAD, DISCONNECT, IDLE), CLASH(WAIT_REPLY, REQUEST),          \
		ROW(WAIT_REPLY, TIE_LOST, CLEAN, IDLE),                                            \
		ROW(WAIT_REPLY, TIE_WON, REFUSE, WAIT_REPLY),                                      \
		ROW(WAIT_REPLY, TIE_BOTH, DISCONNECT, IDLE), NEWS(WAIT_REPLY), ENDS(WAIT_REPLY),   \
		ROW(WAIT_REPLY, TIMEOUT, DISCONNECT, IDLE)
#define WORKING                                                                                    \
	CLASH(ESTABLISHED, REQUEST), CLASH(ESTABLISHED, REPLY), CLASH(ESTABLISHED, CONNECT),       \
		NEWS(ESTABLISHED), ENDS(ESTABLISHED)
#define WAITING                                                                                    \
	ROW(WAIT_CONNECT, CONNECT, UP, ESTABLISHED),                                               \
		ROW(WAIT_CONNECT, CONNECT_BAD, DISCONNECT, IDLE), CLASH(WAIT_CONNECT, REQUEST),    \
		CLASH(WAIT_CONNECT, REPLY), NEWS(WAIT_CONNECT), ENDS(WAIT_CONNECT),                \
		ROW(WAIT_CONNECT, TIMEOUT, DISCONNECT, IDLE)
#define ASKED(next)                                                                                \
	ROW(IDLE, REQUEST, ACCEPT, next), ROW(IDLE, REQUEST_BAD, REFUSE, IDLE),                    \
		ROW(IDLE, REPLY, REFUSE, IDLE), ROW(IDLE, REPLY_BAD, REFUSE, IDLE)

static const struct l2tp_step caller_steps[] = {
	ASKING,
	ROW(WAIT_REPLY, REPLY, CONFIRM, ESTABLISHED),
	ROW(WAIT_REPLY, CONNECT, CLEAN, IDLE),
	ROW(WAIT_REPLY, CONNECT_BAD, CLEAN, IDLE),
	WORKING,
};

static const struct l2tp_step called_steps[] = {
	ASKED(WAIT_CONNECT),
	WAITING,
	WORKING,
};

static const struct l2tp_step dialler_steps[] = {
	ASKING,  ROW(WAIT_REPLY, REPLY, EXPECT, WAIT_CONNECT), CLASH(WAIT_REPLY, CONNECT), WAITING,
	WORKING,
};

/* Our circuit is there or is not: OCCN follows at once, and says which. */
static const struct l2tp_step dialled_steps[] = {
	ASKED(WAIT_ANSWER),
	ROW(WAIT_ANSWER, PLACED, CONFIRM, ESTABLISHED),
	CLASH(WAIT_ANSWER, REQUEST),
	CLASH(WAIT_ANSWER, REPLY),
	CLASH(WAIT_ANSWER, CONNECT),
	NEWS(WAIT_ANSWER),
	ENDS(WAIT_ANSWER),
	ROW(WAIT_ANSWER, TIMEOUT, DISCONNECT, IDLE),
	WORKING,
};

static const struct l2tp_steps tables[L2TP3_ROLES] = {
	[L2TP3_ROLE_CALLER] = L2TP_STEPS(caller_steps),
	[L2TP3_ROLE_CALLED] = L2TP_STEPS(called_steps),
	[L2TP3_ROLE_DIALLER] = L2TP_STEPS(dialler_steps),
	[L2TP3_ROLE_DIALLED] = L2TP_STEPS(dialled_steps),
};

struct l2tp_step l2tp3_call_step(enum l2tp3_role role, unsigned int state, unsigned int event)
{
	return l2tp_step_of(tables[role], state, event, L2TP3_CA_UNEXPECTED);
}

enum l2tp3_call_event l2tp3_call_tie(const uint8_t *ours, const uint8_t *peer)
{
	int order;

	if (!ours && !peer)
		return L2TP3_CE_TIE_BOTH;
	if (!peer)
		return L2TP3_CE_TIE_WON;
	if (!ours)
		return L2TP3_CE_TIE_LOST;
	order = memcmp(ours, peer, L2TP3_TIE);
	return order < 0 ? L2TP3_CE_TIE_WON : order > 0 ? L2TP3_CE_TIE_LOST : L2TP3_CE_TIE_BOTH;
}

uint16_t l2tp3_circuit_of_peer(uint16_t status)
{
	uint16_t faults = L2TP3_CIRCUIT_RX_FAULT | L2TP3_CIRCUIT_TX_FAULT | 0x0010 | 0x0020;

	status &= (uint16_t)~L2TP3_CIRCUIT_NEW;
	if (status & faults)
		status &= (uint16_t)~L2TP3_CIRCUIT_ACTIVE;
	return status;
}

uint16_t l2tp3_circuit_of_ours(bool active)
{
	return active ? L2TP3_CIRCUIT_ACTIVE : L2TP3_CIRCUIT_RX_FAULT | L2TP3_CIRCUIT_TX_FAULT;
}
