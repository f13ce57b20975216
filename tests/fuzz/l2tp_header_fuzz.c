/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The header, control and data: what it says lies inside the datagram. */
#include <stdlib.h>

#include "loader/l2tp/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct l2tp_header h, again;
	uint8_t out[L2TP_DATA_HEADER_MAX];

	if (l2tp_header_parse(data, size, &h) != L2TP_H_OK)
		return 0;
	if (h.payload < data || h.payload_len > size ||
	    (size_t)(h.payload - data) + h.payload_len > size)
		abort();
	if ((h.flags & L2TP_F_T) && (!h.has_seq || h.payload - data != L2TP_CONTROL_HEADER))
		abort();
	l2tp_data_header_put(out, h.tunnel_id, h.session_id, h.has_seq, h.ns);
	if (l2tp_header_parse(out, l2tp_data_header_len(h.has_seq), &again) != L2TP_H_OK ||
	    again.tunnel_id != h.tunnel_id || again.session_id != h.session_id ||
	    again.ns != h.ns || again.payload_len)
		abort();
	return 0;
}
