/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `ip l2tp show` says, between the file that reads it and the one that prints it anew. */
#ifndef L2XDP_CTL_IMPORT_H
#define L2XDP_CTL_IMPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/base/addr.h"

struct import_tunnel {
	uint32_t id, peer_id;
	bool udp;
	struct ipaddr local, peer;
	uint16_t local_port, peer_port; /* 0: not shown */
	bool checksum_tx, checksum_rx;
};

struct import_session {
	uint32_t id, peer_id, tunnel;
	char interface[16]; /* empty: none */
	char cookie[17], peer_cookie[17]; /* hexadecimal digits; empty: none */
	unsigned int reorder_ms; /* 0: none */
	bool send_seq, recv_seq;
};

struct import {
	struct import_tunnel *tunnels;
	struct import_session *sessions; /* in the order in which they were shown */
	size_t n_tunnels, n_sessions, cap_tunnels, cap_sessions;
};

/* The configuration, on standard output. False: a session whose tunnel was not shown, which is
 * told. */
bool import_print(const struct import *im);

#endif
