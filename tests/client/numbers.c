/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/client/numbers.h"

#include <stdlib.h>
#include <string.h>

#include "loader/base/bytes.h"

static bool make_room(struct numbers *n, uint32_t word)
{
	uint32_t words = n->words ? n->words : 16;
	uint64_t *seen;

	while (words <= word)
		words *= 2;
	if (words == n->words)
		return true;
	seen = realloc(n->seen, words * sizeof(*seen));
	if (!seen)
		return false;
	memset(seen + n->words, 0, (words - n->words) * sizeof(*seen));
	n->seen = seen;
	n->words = words;
	return true;
}

bool numbers_book(struct numbers *n, uint32_t number)
{
	uint64_t bit = UINT64_C(1) << (number % 64);

	if (number >= NUMBERS_MAX || !make_room(n, number / 64))
		return false;
	if (n->seen[number / 64] & bit) {
		n->duplicates++;
		return true;
	}
	n->seen[number / 64] |= bit;
	n->received++;
	if (number < n->next)
		n->reordered++;
	else
		n->next = number + 1;
	return true;
}

void numbers_free(struct numbers *n)
{
	free(n->seen);
	*n = (struct numbers){ 0 };
}

bool numbers_read(const uint8_t *payload, size_t len, uint32_t *ret_who, uint32_t *ret_number)
{
	struct reader r = reader_of(payload, len);
	uint32_t magic = reader_u32(&r), who = reader_u32(&r), number = reader_u32(&r);

	if (r.bad || magic != NUMBERS_MAGIC)
		return false;
	*ret_who = who;
	*ret_number = number;
	return true;
}

void numbers_write(uint8_t dst[static NUMBERS_PAYLOAD], uint32_t who, uint32_t number)
{
	struct writer w = writer_of(dst, NUMBERS_PAYLOAD);

	writer_u32(&w, NUMBERS_MAGIC);
	writer_u32(&w, who);
	writer_u32(&w, number);
}
