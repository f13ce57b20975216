/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The L2TPv2 header (RFC 2661 section 3.1), control and data, for the control engine,
 * the slow path and the test tools.
 */
#ifndef L2XDP_L2TP_HEADER_H
#define L2XDP_L2TP_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define L2TP_PORT 1701
#define L2TP_F_T 0x8000
#define L2TP_F_L 0x4000
#define L2TP_F_S 0x0800
#define L2TP_F_O 0x0200
#define L2TP_F_P 0x0100
#define L2TP_F_VERSION 0x000f
#define L2TP_CONTROL_HEADER 12
#define L2TP_DATA_HEADER_MAX 14 /* without offset padding */

struct l2tp_header {
	uint16_t flags; /* the flag word as it came */
	uint16_t tunnel_id; /* host order, as everything here */
	uint16_t session_id;
	bool has_seq;
	uint16_t ns, nr;
	const uint8_t *payload; /* inside the datagram given to the parser */
	size_t payload_len; /* what Length or the datagram leaves (V2-HDR-6) */
};

enum l2tp_header_error {
	L2TP_H_OK = 0,
	L2TP_H_SHORT, /* cut short, Length beyond the datagram, offset overrun */
	L2TP_H_VERSION, /* not version 2 (V2-HDR-2) */
	L2TP_H_CONTROL_BITS, /* T=1 with other than L=1 S=1 O=0 P=0 (V2-HDR-5) */
};

/* *ret is filled only on L2TP_H_OK. Accepts every L/S/O/P form of data (DP-V2-1). */
enum l2tp_header_error l2tp_header_parse(const uint8_t *p, size_t len, struct l2tp_header *ret);

/* Octets that l2tp_data_header_put writes: 6, or 10 with numbers (DP-TX-1, DP-TX-2). */
size_t l2tp_data_header_len(bool seq);
/* Writes our transmit form; dst has room for l2tp_data_header_len(seq). */
void l2tp_data_header_put(uint8_t *dst, uint16_t peer_tunnel_id, uint16_t peer_session_id, bool seq,
			  uint16_t ns);

#endif
