/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Readers and writers of network bytes that cannot overrun.
 *
 * A reader is (pointer, octets left). Taking more than is left sets `bad` and yields
 * zeros or NULL; nothing is read beyond the end, and `bad` stays set, so a parser may
 * take several fields and test once. A writer is the same for output: what does not fit
 * sets `bad` and is not written. All integers are big-endian on the wire and in host
 * order in the arguments.
 */
#ifndef L2XDP_BASE_BYTES_H
#define L2XDP_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct reader {
	const uint8_t *p;
	size_t left;
	bool bad;
};

static inline struct reader reader_of(const void *p, size_t len)
{
	return (struct reader){ .p = p, .left = len, .bad = false };
}

/* The next n octets, which stay owned by the caller of reader_of; NULL if not there. */
static inline const uint8_t *reader_take(struct reader *r, size_t n)
{
	const uint8_t *p = r->p;

	if (r->bad || n > r->left) {
		r->bad = true;
		r->left = 0;
		return NULL;
	}
	r->p += n;
	r->left -= n;
	return p;
}

static inline uint8_t reader_u8(struct reader *r)
{
	const uint8_t *p = reader_take(r, 1);

	return p ? p[0] : 0;
}

static inline uint16_t reader_u16(struct reader *r)
{
	const uint8_t *p = reader_take(r, 2);

	return p ? (uint16_t)(p[0] << 8 | p[1]) : 0;
}

static inline uint32_t reader_u32(struct reader *r)
{
	const uint8_t *p = reader_take(r, 4);

	return p ? (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3] : 0;
}

static inline uint64_t reader_u64(struct reader *r)
{
	uint64_t high = reader_u32(r);

	return high << 32 | reader_u32(r);
}

/* A reader of the next n octets alone. If they are not there, both are bad. */
static inline struct reader reader_sub(struct reader *r, size_t n)
{
	const uint8_t *p = reader_take(r, n);

	return (struct reader){ .p = p, .left = p ? n : 0, .bad = !p };
}

struct writer {
	uint8_t *start;
	size_t len; /* octets written */
	size_t cap;
	bool bad;
};

static inline struct writer writer_of(void *p, size_t cap)
{
	return (struct writer){ .start = p, .len = 0, .cap = cap, .bad = false };
}

/* Room for n octets that the caller fills; NULL if there is none. */
static inline uint8_t *writer_room(struct writer *w, size_t n)
{
	uint8_t *p;

	if (w->bad || n > w->cap - w->len) {
		w->bad = true;
		return NULL;
	}
	p = w->start + w->len;
	w->len += n;
	return p;
}

static inline void writer_bytes(struct writer *w, const void *src, size_t n)
{
	uint8_t *p = writer_room(w, n);

	if (p && n)
		memcpy(p, src, n);
}

static inline void writer_u8(struct writer *w, uint8_t v)
{
	writer_bytes(w, &v, 1);
}

static inline void writer_u16(struct writer *w, uint16_t v)
{
	uint8_t b[2] = { (uint8_t)(v >> 8), (uint8_t)v };

	writer_bytes(w, b, sizeof(b));
}

static inline void writer_u32(struct writer *w, uint32_t v)
{
	uint8_t b[4] = { (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v };

	writer_bytes(w, b, sizeof(b));
}

static inline void writer_u64(struct writer *w, uint64_t v)
{
	writer_u32(w, (uint32_t)(v >> 32));
	writer_u32(w, (uint32_t)v);
}

/* Overwrites two octets written earlier, at offset `at`. */
static inline void writer_patch_u16(struct writer *w, size_t at, uint16_t v)
{
	if (w->bad || w->len < 2 || at > w->len - 2)
		return;
	w->start[at] = (uint8_t)(v >> 8);
	w->start[at + 1] = (uint8_t)v;
}

#endif
