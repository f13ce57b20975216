/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * JSON written as text, for what is said a million times: a session made of jansson's values and
 * then dumped costs four times as much. The caller writes names, brackets and commas.
 */
#ifndef L2XDP_CONTROL_TEXT_H
#define L2XDP_CONTROL_TEXT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/base/addr.h"

struct text {
	char *mem;
	size_t len, cap;
	bool failed; /* no memory: what it holds is of no use */
};

void text_raw(struct text *t, const char *s, size_t len);
#define TEXT(t, literal) text_raw(t, "" literal, sizeof(literal) - 1)
void text_number(struct text *t, uint64_t v);
void text_bool(struct text *t, bool v);
/* A string in quotes, as json_text (show.h) has it; NULL: an empty one. */
void text_quoted(struct text *t, const char *s);
void text_address(struct text *t, const struct ipaddr *a); /* null: not set */
void text_prefix(struct text *t, const struct prefix *p); /* null: len 0 */
void text_json(struct text *t, const json_t *v);
void text_free(struct text *t);

#endif
