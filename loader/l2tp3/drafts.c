/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cisco's AVPs of the time before the RFC: the same values, under numbers of vendor 9. */
#include "loader/l2tp3/avps.h"

static const uint16_t ietf[] = {
	[1] = L2TP3_AVP_CCID,      [2] = L2TP3_AVP_PW_CAPS, [3] = L2TP3_AVP_LOCAL_ID,
	[4] = L2TP3_AVP_REMOTE_ID, [5] = L2TP3_AVP_COOKIE,  [6] = L2TP3_AVP_END_ID,
	[7] = L2TP3_AVP_PW_TYPE,   [8] = L2TP3_AVP_CIRCUIT, [9] = L2TP_AVP_TIE_BREAKER,
};
#define DRAFTS (sizeof(ietf) / sizeof(ietf[0]))

uint16_t l2tp3_draft_type(uint16_t draft)
{
	return draft < DRAFTS ? ietf[draft] : 0;
}

uint16_t l2tp3_draft_of(uint16_t type)
{
	for (size_t draft = 1; draft < DRAFTS; draft++)
		if (ietf[draft] == type)
			return (uint16_t)draft;
	return 0;
}

bool l2tp3_draft_passed_over(uint16_t draft)
{
	/* The draft's number, its digest and its nonce: those of the IETF count. */
	return draft == 10 || draft == 12 || draft == 13;
}
