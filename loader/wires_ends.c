/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Remote End IDs: whose they are, and how people are told of them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/wires.h"

/* ---- whose ---------------------------------------------------------------------------------- */

struct end_key {
	const struct config *cfg;
	unsigned int wire;
	const uint8_t *id;
	uint8_t len;
};

static struct end_key key_of(const struct config *cfg, unsigned int i)
{
	const struct config_signal *s = &cfg->signals[i];

	return (struct end_key){ cfg, s->wire, s->end_id, s->end_id_len };
}

static int compare(const struct end_key *a, const struct end_key *b)
{
	if (a->wire != b->wire)
		return a->wire < b->wire ? -1 : 1;
	if (a->len != b->len)
		return a->len < b->len ? -1 : 1;
	return memcmp(a->id, b->id, a->len);
}

static int by_end(const void *a, const void *b, void *cfg)
{
	struct end_key x = key_of(cfg, *(const unsigned int *)a);
	struct end_key y = key_of(cfg, *(const unsigned int *)b);

	return compare(&x, &y);
}

unsigned int wires_sort_ends(const struct config *cfg, unsigned int *ends)
{
	unsigned int n = 0;

	for (unsigned int i = 0; cfg->signals && i < cfg->datapath.n_pseudowires; i++)
		if (cfg->signals[i].wire < cfg->n_wires && !cfg->signals[i].keepalive)
			ends[n++] = i;
	if (n)
		qsort_r(ends, n, sizeof(*ends), by_end, (void *)(uintptr_t)cfg);
	return n;
}

static int to_key(const void *key, const void *element)
{
	const struct end_key *k = key;
	struct end_key e = key_of(k->cfg, *(const unsigned int *)element);

	return compare(k, &e);
}

unsigned int wires_find_end(const struct config *cfg, const unsigned int *ends, unsigned int n,
			    unsigned int wire, const uint8_t *end_id, uint8_t len)
{
	struct end_key key = { cfg, wire, end_id, len };
	const unsigned int *at = n ? bsearch(&key, ends, n, sizeof(*ends), to_key) : NULL;

	return at ? *at : UINT_MAX;
}

/* ---- in words -------------------------------------------------------------------------------- */

#define NUMBER_LEN 4 /* octets of a number (RFC 4719 section 2.2) */

static bool is_text(const uint8_t *b, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		if (b[i] < ' ' || b[i] >= 0x7f)
			return false;
	return n > 0;
}

uint32_t wires_end_number(const uint8_t *b, unsigned int n)
{
	if (n != NUMBER_LEN || is_text(b, n))
		return 0;
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

/* What is neither: octets, as nobody reads them in another way. */
static void octets(const uint8_t *b, unsigned int n, char ret[WIRE_END_ID])
{
	size_t at = (size_t)snprintf(ret, WIRE_END_ID, n ? "octets " : "without octets");

	for (unsigned int i = 0; i < n && at + 2 < WIRE_END_ID; i++)
		at += (size_t)snprintf(ret + at, WIRE_END_ID - at, "%02x", b[i]);
}

static void in_words(const uint8_t *b, unsigned int n, const char *quote, char ret[WIRE_END_ID])
{
	if (is_text(b, n))
		snprintf(ret, WIRE_END_ID, "%s%.*s%s", quote, (int)n, (const char *)b, quote);
	else if (wires_end_number(b, n))
		snprintf(ret, WIRE_END_ID, "number %u", wires_end_number(b, n));
	else
		octets(b, n, ret);
}

const char *wires_end_id(const uint8_t *b, unsigned int n, char ret[WIRE_END_ID])
{
	in_words(b, n, "\"", ret);
	return ret;
}

const char *wires_end_id_plain(const uint8_t *b, unsigned int n, char ret[WIRE_END_ID])
{
	in_words(b, n, "", ret);
	return ret;
}

/* The number of these digits, the digits of this number. 0: there is no such twin. */
static uint8_t twin_of(const uint8_t *b, unsigned int n, uint8_t ret[L2TP3_MAX_END_ID])
{
	char digits[12] = "";
	unsigned long long value;

	if (wires_end_number(b, n)) {
		int len = snprintf(digits, sizeof(digits), "%u", wires_end_number(b, n));

		memcpy(ret, digits, (size_t)len);
		return (uint8_t)len;
	}
	if (!n || n > 10)
		return 0;
	memcpy(digits, b, n);
	if (strspn(digits, "0123456789") != n)
		return 0;
	value = strtoull(digits, NULL, 10);
	if (value > UINT32_MAX)
		return 0;
	for (unsigned int i = 0; i < NUMBER_LEN; i++)
		ret[i] = (uint8_t)(value >> (24 - 8 * i));
	return NUMBER_LEN;
}

void wires_end_twin(const struct wires *w, const struct wire *wire,
		    const struct l2tp3_call_info *asked, char ret[WIRE_END_TWIN])
{
	uint8_t twin[L2TP3_MAX_END_ID], n = twin_of(asked->end_id, asked->end_id_len, twin);

	ret[0] = '\0';
	if (n && wires_find_end(w->lns->cfg, w->ends, w->n_ends, (unsigned int)(wire - w->wire),
				twin, n) != UINT_MAX)
		snprintf(ret, WIRE_END_TWIN, ", but the %s of these digits is one (they differ)",
			 is_text(asked->end_id, asked->end_id_len) ? "number" : "text");
}
