/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Configuration options of LCP and the NCPs: type, length, value (RFC 1661 section 6). */
#ifndef L2XDP_PPP_OPTIONS_H
#define L2XDP_PPP_OPTIONS_H

#include "loader/base/bytes.h"

struct option {
	uint8_t type;
	const uint8_t *value; /* the packet's */
	size_t len; /* of the value */
	const uint8_t *raw; /* the whole option, len + 2 octets */
};

/* The next option. False at the end, and when a length is below 2 or beyond the packet;
 * r->bad tells which (PPP-FSM-7). */
bool option_next(struct reader *r, struct option *ret);
/* Every length fits. */
bool options_valid(const uint8_t *p, size_t len);
/* The first of this type; false if there is none. */
bool option_find(const uint8_t *p, size_t len, uint8_t type, struct option *ret);
/* The options of `part` stand in `whole`, unchanged and in the same order (PPP-FSM-3). */
bool options_subset(const uint8_t *part, size_t part_len, const uint8_t *whole, size_t whole_len);

void option_put(struct writer *w, uint8_t type, const void *value, size_t len);
void option_put_u16(struct writer *w, uint8_t type, uint16_t value);
void option_put_u32(struct writer *w, uint8_t type, uint32_t value);

uint16_t option_u16(const struct option *o); /* 0 if the length is another */
uint32_t option_u32(const struct option *o);

#endif
