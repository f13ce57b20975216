/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "loader/control/text.h"

#include <stdlib.h>
#include <string.h>

#include "loader/control/show.h"

#define FIRST_CAP 1024u
#define DIGITS 20 /* of a 64-bit number */

void text_raw(struct text *t, const char *s, size_t len)
{
	size_t cap = t->cap ?: FIRST_CAP;
	char *grown;

	if (t->failed)
		return;
	if (t->len + len > t->cap) {
		while (cap < t->len + len)
			cap *= 2;
		grown = realloc(t->mem, cap);
		if (!grown) {
			t->failed = true;
			return;
		}
		t->mem = grown;
		t->cap = cap;
	}
	memcpy(t->mem + t->len, s, len);
	t->len += len;
}

void text_number(struct text *t, uint64_t v)
{
	char digits[DIGITS];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	text_raw(t, digits + at, sizeof(digits) - at);
}

void text_bool(struct text *t, bool v)
{
	if (v)
		TEXT(t, "true");
	else
		TEXT(t, "false");
}

/* Nearly every name is of characters that stand for themselves. */
static bool is_plain(const char *s)
{
	for (; *s; s++) {
		if (*s < ' ' || *s > '~' || *s == '"' || *s == '\\')
			return false;
	}
	return true;
}

void text_quoted(struct text *t, const char *s)
{
	json_t *v;

	if (!s)
		s = "";
	if (is_plain(s)) {
		TEXT(t, "\"");
		text_raw(t, s, strlen(s));
		TEXT(t, "\"");
		return;
	}
	v = json_text(s);
	if (v)
		text_json(t, v);
	else
		t->failed = true;
	json_decref(v);
}

void text_address(struct text *t, const struct ipaddr *a)
{
	char buf[ADDR_STRLEN];

	if (addr_is_set(a))
		text_quoted(t, addr_str(a, buf));
	else
		TEXT(t, "null");
}

void text_prefix(struct text *t, const struct prefix *p)
{
	char buf[PREFIX_STRLEN];

	if (p->len)
		text_quoted(t, prefix_str(p, buf));
	else
		TEXT(t, "null");
}

static int append(const char *s, size_t len, void *text)
{
	text_raw(text, s, len);
	return 0;
}

void text_json(struct text *t, const json_t *v)
{
	if (json_dump_callback(v, append, t, JSON_COMPACT | JSON_ENCODE_ANY))
		t->failed = true;
}

void text_free(struct text *t)
{
	free(t->mem);
	*t = (struct text){ 0 };
}
