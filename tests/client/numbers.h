/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbered packets, and what a receiver knows of them: every number is remembered, so that
 * loss, duplicates and changes of order are counted exactly. l2xdp-load and l2xdp-host send
 * and take them. The payload of a UDP datagram: "L2XL", who (which session of the load),
 * number of this sender and session, from 0; 32 bits each, big-endian.
 */
#ifndef L2XDP_TESTS_NUMBERS_H
#define L2XDP_TESTS_NUMBERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NUMBERS_MAGIC 0x4c32584cu /* "L2XL" */
#define NUMBERS_PAYLOAD 12
#define NUMBERS_MAX (1u << 28) /* a number beyond it is not remembered */

struct numbers { /* zero-initialise */
	uint64_t *seen; /* a bit for each number */
	uint32_t words;
	uint32_t next; /* highest number so far, and one */
	uint32_t received; /* different ones */
	uint32_t duplicates;
	uint32_t reordered; /* came after a higher one */
};

/* False: the number was not taken, for it is too high or there is no memory. */
bool numbers_book(struct numbers *n, uint32_t number);
void numbers_free(struct numbers *n);

/* Reads a payload; false: it is something else. */
bool numbers_read(const uint8_t *payload, size_t len, uint32_t *ret_who, uint32_t *ret_number);
void numbers_write(uint8_t dst[static NUMBERS_PAYLOAD], uint32_t who, uint32_t number);

#endif
