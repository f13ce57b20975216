/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Identifiers 1..n (n <= 65535) that are dense, cannot be guessed, and are not handed
 * out again before old packets have died (V2-CC-3, DP-SPOOF-6: 31 s).
 *
 * All free identifiers stand in a ring. One is taken from a random place: among those that
 * were never used (so all of them come in an order drawn step by step), later among the
 * oldest; a released one goes to the end with its time.
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
unsigned int ids_in_use(const struct ids *ids);

#endif
