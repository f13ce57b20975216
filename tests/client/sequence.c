/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/client/sequence.h"

bool sequence_accept(struct sequence *s, uint16_t ns, uint16_t *ret_lost)
{
	uint16_t ahead = (uint16_t)(ns - s->expected);

	*ret_lost = 0;
	if (ahead < 0x8000) {
		*ret_lost = ahead;
		s->expected = (uint16_t)(ns + 1);
		s->old_run = 0;
		return true;
	}
	s->old_run = s->old_run && ns == s->old_next ? (uint8_t)(s->old_run + 1) : 1;
	s->old_next = (uint16_t)(ns + 1);
	if (s->old_run < SEQUENCE_RESYNC)
		return false;
	s->expected = (uint16_t)(ns + 1);
	s->old_run = 0;
	return true;
}
