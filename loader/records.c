/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our records as octets: what persist.c writes and restore.c and check.c read. A record may be
 * damaged in whatever way; the readers say so, and never more than the record holds is read.
 */
#include <string.h>

#include "loader/persist.h"

void persist_put_number(struct writer *w, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		writer_u8(w, (uint8_t)(v | 0x80));
	writer_u8(w, (uint8_t)v);
}

uint64_t persist_get_number(struct reader *r)
{
	uint64_t v = 0;
	unsigned int shift = 0;
	uint8_t b;

	do {
		b = reader_u8(r);
		v |= (uint64_t)(b & 0x7f) << shift;
		shift += 7;
	} while (b & 0x80 && shift < 64);
	return v;
}

void persist_put_text(struct writer *w, const char *text)
{
	size_t n = strlen(text);

	if (n > 255)
		n = 255;
	writer_u8(w, (uint8_t)n);
	writer_bytes(w, text, n);
}

bool persist_get_text(struct reader *r, char ret[static PERSIST_TEXT])
{
	uint8_t n = reader_u8(r);
	const uint8_t *p = reader_take(r, n);

	if (!p || memchr(p, '\0', n))
		return false;
	memcpy(ret, p, n);
	ret[n] = '\0';
	return true;
}

/* ---- whole records -------------------------------------------------------------------- */

static void take_bytes(struct reader *r, void *to, size_t n)
{
	const uint8_t *p = reader_take(r, n);

	if (p)
		memcpy(to, p, n);
}

bool persist_read_tunnel(const uint8_t *rec, size_t len, struct persist_tunnel *ret)
{
	struct reader r = reader_of(rec, len);

	memset(ret, 0, sizeof(*ret));
	if (reader_u8(&r) != PERSIST_VERSION || !persist_get_text(&r, ret->peer))
		return false;
	take_bytes(&r, ret->path.local.b, sizeof(ret->path.local.b));
	take_bytes(&r, ret->path.peer.b, sizeof(ret->path.peer.b));
	ret->path.local_port = reader_u16(&r);
	ret->path.peer_port = reader_u16(&r);
	ret->rest = r;
	return !r.bad;
}

static struct ipaddr v6_of_upper(uint64_t upper)
{
	struct ipaddr a = { 0 };

	for (int i = 0; i < 8; i++)
		a.b[i] = (uint8_t)(upper >> (56 - 8 * i));
	return a;
}

static void read_addresses(struct reader *r, struct persist_session *ret)
{
	uint32_t v4 = reader_u32(r);
	uint64_t upper = reader_u64(r);

	if (v4)
		ret->ipv4 = addr_from_v4(v4);
	if (upper)
		ret->ipv6 = (struct prefix){ .addr = v6_of_upper(upper), .len = 64 };
}

bool persist_read_head(const uint8_t *rec, size_t len, struct persist_head *ret)
{
	struct reader r = reader_of(rec, len);
	bool ours = reader_u8(&r) == PERSIST_VERSION;

	reader_u8(&r); /* flags */
	ret->tunnel_id = reader_u16(&r);
	ret->session_id = reader_u16(&r);
	return ours && !r.bad && ret->tunnel_id && ret->session_id;
}

bool persist_read_session(const uint8_t *rec, size_t len, struct persist_session *ret)
{
	struct reader r = reader_of(rec, len);
	uint64_t *traffic = (uint64_t *)&ret->traffic;

	memset(ret, 0, sizeof(*ret));
	if (reader_u8(&r) != PERSIST_VERSION)
		return false;
	ret->flags = reader_u8(&r);
	ret->tunnel_id = reader_u16(&r);
	ret->session_id = reader_u16(&r);
	ret->since = persist_get_number(&r);
	if (!persist_get_text(&r, ret->profile) || !persist_get_text(&r, ret->user))
		return false;
	read_addresses(&r, ret);
	ret->dp_flags = reader_u8(&r);
	ret->peer_mru = reader_u16(&r);
	ret->mru = reader_u16(&r);
	for (size_t i = 0; i < sizeof(ret->traffic) / sizeof(*traffic); i++)
		traffic[i] = persist_get_number(&r);
	ret->call = reader_sub(&r, reader_u16(&r));
	ret->link = reader_sub(&r, reader_u16(&r));
	return !r.bad && ret->tunnel_id && ret->session_id;
}
