/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

#include "loader/l2tp3/codec.h"

/* T, L, S and the version (V3-HDR-4); of version 2 also O and P, which have to be 0 (V2-HDR-5). */
#define MASK_3 0xc80f
#define BITS_3 0xc803
#define MASK_2 0xcb0f
#define BITS_2 0xc802

int l2tp3_header_parse(const uint8_t *p, size_t len, struct l2tp3_header *ret)
{
	struct reader r = reader_of(p, len);
	uint16_t flags = reader_u16(&r);
	struct l2tp3_header h = { .len = reader_u16(&r) };

	if ((flags & MASK_3) == BITS_3)
		h.version = 3;
	else if ((flags & MASK_2) == BITS_2)
		h.version = 2;
	else
		return -EBADMSG;
	h.ccid = reader_u32(&r);
	h.ns = reader_u16(&r);
	h.nr = reader_u16(&r);
	/* Octets behind Length are not ours. */
	if (r.bad || h.len < L2TP3_HEADER || h.len > len)
		return -EBADMSG;
	h.zlb = h.len == L2TP3_HEADER;
	*ret = h;
	return 0;
}
