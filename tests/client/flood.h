/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * l2xdp-flood: frames against an LNS, as fast as one core can send or at a given rate, by a
 * packet socket on the wire itself, so that a source may be anybody's.
 *
 *   flood.c         options, the socket, the pace
 *   flood_frames.c  what is sent: one function a kind
 *   flood_hostile.c messages that must be survived: made whole, then damaged
 */
#ifndef L2XDP_TESTS_CLIENT_FLOOD_H
#define L2XDP_TESTS_CLIENT_FLOOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FLOOD_FRAME 1500
#define FLOOD_SESSIONS 4096
#define FLOOD_PORT 1701

struct flood;

/* Writes a frame, returns its length. */
typedef size_t flood_make(struct flood *f, uint8_t frame[static FLOOD_FRAME]);

struct flood_kind {
	const char *name, *text;
	flood_make *make;
};
extern const struct flood_kind flood_kinds[];

struct flood {
	/* options */
	const char *device;
	const struct flood_kind *kind;
	uint8_t dst_mac[6], src_mac[6];
	uint32_t server, peer, inner; /* host order; peer: who has the control connection */
	uint16_t peer_port, tunnel; /* of the live control connection; its ID at the server */
	uint16_t sessions[FLOOD_SESSIONS]; /* IDs of live ones at the server */
	unsigned int n_sessions;
	uint64_t count, rate; /* frames, and a second; 0: no limit */
	double seconds;
	uint64_t seed;
};

/* A number from 0 to n - 1; fast, and the same for the same seed. */
static inline uint32_t flood_random(struct flood *f, uint32_t n)
{
	f->seed ^= f->seed << 13;
	f->seed ^= f->seed >> 7;
	f->seed ^= f->seed << 17;
	return (uint32_t)((f->seed >> 32) * n >> 32);
}

/* Ethernet, IPv4 and UDP before `len` octets that stand at FLOOD_PAYLOAD already; returns
 * the frame's length. A sum of 0 over UDP is none. */
#define FLOOD_PAYLOAD 42
size_t flood_wrap(struct flood *f, uint8_t *frame, uint32_t source, uint16_t port, size_t len);
uint32_t flood_anybody(struct flood *f); /* a source that is nobody in particular */

flood_make flood_hostile;

int flood_run(struct flood *f);

#endif
