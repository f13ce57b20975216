/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loader/ppp/options.h"

#define OPTION_HEADER 2

bool option_next(struct reader *r, struct option *ret)
{
	const uint8_t *raw = r->p;
	uint8_t type, len;
	const uint8_t *value;

	if (!r->left)
		return false;
	type = reader_u8(r);
	len = reader_u8(r);
	if (r->bad || len < OPTION_HEADER) {
		r->bad = true;
		return false;
	}
	value = reader_take(r, len - OPTION_HEADER);
	if (!value)
		return false;
	*ret = (struct option){
		.type = type,
		.value = value,
		.len = len - OPTION_HEADER,
		.raw = raw,
	};
	return true;
}

bool options_valid(const uint8_t *p, size_t len)
{
	struct reader r = reader_of(p, len);
	struct option o;

	while (option_next(&r, &o))
		;
	return !r.bad;
}

bool option_find(const uint8_t *p, size_t len, uint8_t type, struct option *ret)
{
	struct reader r = reader_of(p, len);
	struct option o;

	while (option_next(&r, &o)) {
		if (o.type == type) {
			*ret = o;
			return true;
		}
	}
	return false;
}

static bool option_same(const struct option *a, const struct option *b)
{
	return a->type == b->type && a->len == b->len && !memcmp(a->value, b->value, a->len);
}

bool options_subset(const uint8_t *part, size_t part_len, const uint8_t *whole, size_t whole_len)
{
	struct reader r = reader_of(part, part_len);
	struct reader all = reader_of(whole, whole_len);
	struct option o, mine;

	while (option_next(&r, &o)) {
		do {
			if (!option_next(&all, &mine))
				return false;
		} while (!option_same(&o, &mine));
	}
	return !r.bad;
}

void option_put(struct writer *w, uint8_t type, const void *value, size_t len)
{
	uint8_t *p = writer_room(w, OPTION_HEADER + len);

	if (!p)
		return;
	p[0] = type;
	p[1] = (uint8_t)(OPTION_HEADER + len);
	if (len)
		memcpy(p + OPTION_HEADER, value, len);
}

void option_put_u16(struct writer *w, uint8_t type, uint16_t value)
{
	const uint8_t b[2] = { (uint8_t)(value >> 8), (uint8_t)value };

	option_put(w, type, b, sizeof(b));
}

void option_put_u32(struct writer *w, uint8_t type, uint32_t value)
{
	const uint8_t b[4] = { (uint8_t)(value >> 24), (uint8_t)(value >> 16),
			       (uint8_t)(value >> 8), (uint8_t)value };

	option_put(w, type, b, sizeof(b));
}

uint16_t option_u16(const struct option *o)
{
	struct reader r = reader_of(o->value, o->len);
	uint16_t v = reader_u16(&r);

	return r.left ? 0 : v;
}

uint32_t option_u32(const struct option *o)
{
	struct reader r = reader_of(o->value, o->len);
	uint32_t v = reader_u32(&r);

	return r.left ? 0 : v;
}
