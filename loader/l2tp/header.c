/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loader/l2tp/header.h"

#include "loader/base/bytes.h"

#define VERSION_2 2
#define CONTROL_MASK (L2TP_F_T | L2TP_F_L | L2TP_F_S | L2TP_F_O | L2TP_F_P | L2TP_F_VERSION)
#define CONTROL_BITS (L2TP_F_T | L2TP_F_L | L2TP_F_S | VERSION_2)

enum l2tp_header_error l2tp_header_parse(const uint8_t *p, size_t len, struct l2tp_header *ret)
{
	struct reader r = reader_of(p, len);
	struct l2tp_header h = { .flags = reader_u16(&r) };

	if (r.bad)
		return L2TP_H_SHORT;
	if ((h.flags & L2TP_F_VERSION) != VERSION_2) /* V2-HDR-2 */
		return L2TP_H_VERSION;
	if ((h.flags & L2TP_F_T) && (h.flags & CONTROL_MASK) != CONTROL_BITS) /* V2-HDR-5 */
		return L2TP_H_CONTROL_BITS;

	if (h.flags & L2TP_F_L) {
		size_t length = reader_u16(&r), taken = len - r.left;

		/* Octets beyond Length are not ours (V2-HDR-6). */
		if (r.bad || length < taken || length > len)
			return L2TP_H_SHORT;
		r.left = length - taken;
	}
	h.tunnel_id = reader_u16(&r);
	h.session_id = reader_u16(&r);
	if (h.flags & L2TP_F_S) {
		h.has_seq = true;
		h.ns = reader_u16(&r);
		h.nr = reader_u16(&r);
	}
	if (h.flags & L2TP_F_O)
		reader_take(&r, reader_u16(&r)); /* V2-HDR-11 */
	if (r.bad)
		return L2TP_H_SHORT;
	h.payload = r.p;
	h.payload_len = r.left;
	*ret = h;
	return L2TP_H_OK;
}

size_t l2tp_data_header_len(bool seq)
{
	return seq ? 10 : 6;
}

void l2tp_data_header_put(uint8_t *dst, uint16_t peer_tunnel_id, uint16_t peer_session_id, bool seq,
			  uint16_t ns)
{
	struct writer w = writer_of(dst, l2tp_data_header_len(seq));

	writer_u16(&w, VERSION_2 | (seq ? L2TP_F_S : 0));
	writer_u16(&w, peer_tunnel_id);
	writer_u16(&w, peer_session_id);
	if (seq) {
		writer_u16(&w, ns);
		writer_u16(&w, 0); /* Nr is reserved in data messages (V2-HDR-10) */
	}
}
