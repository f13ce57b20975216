/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Identifiers 1..n (n <= 65535) that are dense, cannot be guessed, and are not handed
 * out again before old packets have died (V2-CC-3, DP-SPOOF-6: 31 s).
 *
 * All free identifiers stand in a ring. One is taken from a random place: among those that
 * were never used (so all of them come in an order drawn step by step), later among the
 * oldest; a released one goes to the end with its time. So those that still rest are the
 * last ones of the ring, and those nobody has asked about (ids_next_released) the last of
 * these.
 */
#ifndef L2XDP_BASE_IDS_H
#define L2XDP_BASE_IDS_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/base/timers.h"

#define IDS_REST_MS 31000

/* Fills buf with n octets nobody can guess. */
typedef void random_fn(void *ctx, void *buf, size_t n);

struct ids;

/* NULL on lack of memory. */
struct ids *ids_new(uint16_t n, random_fn *random, void *ctx);
void ids_free(struct ids *ids);
/* An identifier, or 0 when none is free that has rested long enough. */
uint16_t ids_take(struct ids *ids, msec_t now);
/* Takes a certain one (after a restart). -EBUSY if it is in use, -EINVAL if out of range. */
int ids_claim(struct ids *ids, uint16_t id);
void ids_release(struct ids *ids, uint16_t id, msec_t now);
/* Back without a rest, the next one to be taken perhaps: nobody has made use of it. */
void ids_return(struct ids *ids, uint16_t id);
/* After a restart: it rests since then. Cheapest by rising time. -EBUSY if it is in use,
 * -EEXIST if it rests already, -EINVAL if out of range. */
int ids_rest(struct ids *ids, uint16_t id, msec_t since);
/* None rests longer than from now on, whatever was given to ids_rest. */
void ids_rest_from(struct ids *ids, msec_t now);
/* How many can be handed out now. */
unsigned int ids_ready(struct ids *ids, msec_t now);

/* A note of the caller's on one that is in use; it keeps it while it rests. */
void ids_note(struct ids *ids, uint16_t id, uint32_t note);
/* Called for each one whose rest is over, some time after that but before it is taken. */
typedef void ids_rested_fn(void *arg, uint16_t id, uint32_t note);
void ids_on_rested(struct ids *ids, ids_rested_fn *fn, void *arg);
/* One that was released since it was asked last, oldest first, and still rests; 0: none. */
uint16_t ids_next_released(struct ids *ids, uint32_t *ret_note);
unsigned int ids_in_use(const struct ids *ids);

#endif
