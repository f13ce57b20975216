/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A bad line, made by a program, for kernels without netem: frames that go in come out
 * late, twice, in another order or not at all. Which ones is drawn from a seed: the same
 * frames in the same order have the same fate, and the fates of the two directions do not
 * depend on each other.
 *
 * Pure: frames and time come in by functions, frames go out by them. l2xdp-impair
 * (l2xdp-impair_main.c) joins two network devices with it.
 */
#ifndef L2XDP_TESTS_IMPAIR_H
#define L2XDP_TESTS_IMPAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMPAIR_FRAME_MAX 9216

/* What a frame is, as far as L2TPv2 goes. */
enum impair_kind {
	IMPAIR_OTHER, /* no L2TP: passed at once, always */
	IMPAIR_CONTROL, /* a control message */
	IMPAIR_PPP, /* LCP, authentication, NCPs in a data message */
	IMPAIR_DATA, /* a subscriber's packet */
	IMPAIR_KINDS
};
extern const char *const impair_kind_names[IMPAIR_KINDS];

/* An Ethernet frame without VLAN tags. */
enum impair_kind impair_kind(const uint8_t *frame, size_t len);

struct impair_options {
	bool kinds[IMPAIR_KINDS]; /* these are impaired */
	unsigned int loss, duplicate, reorder; /* percent of the frames */
	unsigned int delay_ms; /* each way */
	unsigned int reorder_ms; /* one that is overtaken waits 1 to so many ms more */
	uint64_t seed;
};

struct impair_counters {
	uint64_t seen, lost, duplicated, reordered;
};

struct impair;

/* One direction; NULL on lack of memory. `o` is the caller's and outlives it. */
struct impair *impair_new(const struct impair_options *o, unsigned int direction);
void impair_free(struct impair *m);
/* Takes a frame (a copy). Lack of memory loses it. */
void impair_put(struct impair *m, uint64_t now_us, const uint8_t *frame, size_t len);
/* When the next frame is to leave; UINT64_MAX: none waits. */
uint64_t impair_next_us(const struct impair *m);
/* Takes the next frame out; false: none is due. The frame is good until the next call. */
bool impair_take(struct impair *m, uint64_t now_us, const uint8_t **ret_frame, size_t *ret_len);
const struct impair_counters *impair_counters(const struct impair *m, enum impair_kind k);

#endif
