/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages that must be survived: each is made whole, of any kind that an LNS may get, and
 * then damaged in one or several ways (docs/protocol/quirks.md, second table: lengths, flags,
 * versions, AVPs that overlap or repeat, hidden ones, names, data with every header form, PPP
 * of every protocol, inner packets of every length). Half come from strangers, half from the
 * very address and port of a live control connection.
 *
 * Who forges a peer's path and knows its IDs and numbers is that peer, and may end a call.
 * What would do so rightfully is bent (spare): Ns and Nr of the live connection are far from
 * those in use, and PPP codes of a live session are those that change no state.
 */
#include <string.h>

#include "loader/base/bytes.h"
#include "tests/client/flood.h"

#define PAYLOAD_MAX 1200
#define NEAR_PREFIX 0xc0000200u

static uint32_t rnd(struct flood *f, uint32_t n)
{
	return flood_random(f, n);
}

static uint8_t octet(struct flood *f)
{
	static const uint8_t odd[] = { 0, 1, 2, 5, 6, 0x7f, 0x80, 0xff };

	return rnd(f, 2) ? odd[rnd(f, sizeof(odd))] : (uint8_t)rnd(f, 256);
}

/* ---- whole messages ---------------------------------------------------------------------- */

static void put_avp(struct flood *f, struct writer *w, uint16_t type, size_t len)
{
	uint16_t flags = 0x8000;

	if (!rnd(f, 8))
		flags = 0;
	if (!rnd(f, 12))
		flags |= 0x4000; /* hidden */
	if (!rnd(f, 20))
		flags |= (uint16_t)(1 << (10 + rnd(f, 4))); /* reserved */
	writer_u16(w, (uint16_t)(flags | (6 + len)));
	writer_u16(w, rnd(f, 30) ? 0 : (uint16_t)rnd(f, 65536));
	writer_u16(w, type);
	while (len--)
		writer_u8(w, octet(f));
}

static void put_type(struct writer *w, uint16_t type)
{
	writer_u16(w, 0x8008);
	writer_u32(w, 0);
	writer_u16(w, type);
}

static void put_control(struct flood *f, struct writer *w, uint16_t tunnel)
{
	/* the lengths that AVPs 1 to 39 are to have; 0: any */
	static const uint8_t lens[] = { 0, 2, 2, 4, 4, 8, 2,  0, 0, 2, 2, 0, 0, 16,
					2, 4, 4, 4, 4, 4, 4,  0, 0, 0, 4, 4, 0, 0,
					0, 2, 0, 0, 2, 0, 24, 8, 0, 4, 4, 0 };
	static const uint8_t types[] = { 1, 2, 3, 4, 6, 7, 8, 9, 10, 11, 12, 14, 15, 16 };
	unsigned int n = rnd(f, rnd(f, 40) ? 12 : 120);

	writer_u16(w, 0xc802);
	writer_u16(w, 0);
	writer_u16(w, tunnel);
	writer_u16(w, rnd(f, 2) ? 0 : (uint16_t)rnd(f, 65536));
	writer_u16(w, (uint16_t)rnd(f, rnd(f, 2) ? 4 : 65536));
	writer_u16(w, (uint16_t)rnd(f, rnd(f, 2) ? 4 : 65536));
	if (!rnd(f, 10))
		return; /* an acknowledgement */
	put_type(w, rnd(f, 30) ? types[rnd(f, sizeof(types))] : (uint16_t)rnd(f, 65536));
	if (rnd(f, 3)) { /* what SCCRQ and ICRQ must have */
		put_avp(f, w, 2, 2);
		put_avp(f, w, 3, 4);
		put_avp(f, w, 7, 1 + rnd(f, 20));
		put_avp(f, w, 9, 2);
		put_avp(f, w, 14, 2);
		put_avp(f, w, 15, 4);
	}
	while (n-- && !w->bad && w->len < PAYLOAD_MAX - 300) {
		uint16_t type = rnd(f, 20) ? (uint16_t)rnd(f, 40) : (uint16_t)rnd(f, 65536);
		size_t len = type < sizeof(lens) && lens[type] ? lens[type] : rnd(f, 60);

		put_avp(f, w, type, rnd(f, 8) ? len : rnd(f, 250));
	}
}

static void put_inner(struct flood *f, struct writer *w, bool v6)
{
	unsigned int len = 20 + rnd(f, 400);
	uint8_t *ip = writer_room(w, len);

	if (!ip)
		return;
	for (unsigned int i = 0; i < len; i++)
		ip[i] = octet(f);
	if (v6) {
		ip[0] = 0x60;
		if (len >= 40) {
			ip[4] = (uint8_t)((len - 40) >> 8);
			ip[5] = (uint8_t)(len - 40);
		}
		return;
	}
	ip[0] = rnd(f, 8) ? 0x45 : (uint8_t)(0x40 | rnd(f, 16));
	ip[2] = (uint8_t)(len >> 8);
	ip[3] = (uint8_t)len;
	for (int i = 0; i < 4; i++)
		ip[12 + i] = (uint8_t)(f->inner >> (24 - 8 * i));
	memcpy(ip + 16, "\xcb\0\x71\x02", 4);
	if (rnd(f, 2)) { /* with a sum that is right */
		uint32_t sum = 0;

		ip[10] = ip[11] = 0;
		for (int i = 0; i < 20; i += 2)
			sum += (uint32_t)ip[i] << 8 | ip[i + 1];
		sum = (sum & 0xffff) + (sum >> 16);
		sum = (sum & 0xffff) + (sum >> 16);
		ip[10] = (uint8_t)(~sum >> 8);
		ip[11] = (uint8_t)~sum;
	}
}

static void put_ppp(struct flood *f, struct writer *w)
{
	static const uint16_t protocols[] = { 0x0021, 0x0057, 0xc021, 0xc023, 0xc223, 0x8021,
					      0x8057, 0x80fd, 0x00fd, 0xc227, 0xc123, 0x0001 };
	uint16_t protocol = protocols[rnd(f, 12)];
	unsigned int n = rnd(f, 200);

	if (rnd(f, 4))
		writer_u16(w, 0xff03);
	if (protocol < 256 && !rnd(f, 3))
		writer_u8(w, (uint8_t)protocol);
	else
		writer_u16(w, protocol);
	if (protocol == 0x21 || protocol == 0x57) {
		put_inner(f, w, protocol == 0x57);
		return;
	}
	writer_u8(w, (uint8_t)(1 + rnd(f, 14)));
	writer_u8(w, octet(f));
	writer_u16(w, (uint16_t)(rnd(f, 4) ? 4 + n : rnd(f, 65536)));
	while (n--)
		writer_u8(w, octet(f));
}

static void put_data(struct flood *f, struct writer *w, uint16_t tunnel, uint16_t session)
{
	uint16_t flags = 2;
	unsigned int pad = rnd(f, 8);
	size_t at = w->len;

	flags |= rnd(f, 3) ? 0 : 0x4000;
	flags |= rnd(f, 3) ? 0 : 0x0800;
	flags |= rnd(f, 6) ? 0 : 0x0200;
	flags |= rnd(f, 6) ? 0 : 0x0100;
	writer_u16(w, flags);
	if (flags & 0x4000)
		writer_u16(w, 0);
	writer_u16(w, tunnel);
	writer_u16(w, session);
	if (flags & 0x0800)
		writer_u32(w, rnd(f, 0xffffffff));
	if (flags & 0x0200) {
		writer_u16(w, (uint16_t)pad);
		while (pad--)
			writer_u8(w, octet(f));
	}
	put_ppp(f, w);
	if (flags & 0x4000 && !w->bad) {
		w->start[at + 2] = (uint8_t)((w->len - at) >> 8);
		w->start[at + 3] = (uint8_t)(w->len - at);
	}
}

/* ---- damage -------------------------------------------------------------------------------- */

static size_t damage(struct flood *f, uint8_t *p, size_t len)
{
	unsigned int n = rnd(f, 3) ? rnd(f, 4) : rnd(f, 40);
	size_t at, to, some;

	while (n-- && len) {
		at = rnd(f, 2) ? rnd(f, (uint32_t)len) : rnd(f, len < 24 ? (uint32_t)len : 24);
		switch (rnd(f, 8)) {
		case 0: /* cut short */
			if (!rnd(f, 4))
				len = at;
			break;
		case 1: /* something behind it */
			some = rnd(f, 60);
			while (some-- && len < PAYLOAD_MAX)
				p[len++] = octet(f);
			break;
		case 2: /* a piece of it elsewhere */
			to = rnd(f, (uint32_t)len);
			some = rnd(f, 40);
			if (at + some <= len && to + some <= len)
				memmove(p + to, p + at, some);
			break;
		case 3: /* a piece of it twice */
			some = rnd(f, 40);
			if (at + some <= len && len + some < PAYLOAD_MAX) {
				memmove(p + at + some, p + at, len - at);
				len += some;
			}
			break;
		case 4:
			p[at] ^= (uint8_t)(1 << rnd(f, 8));
			break;
		default:
			p[at] = octet(f);
			break;
		}
	}
	return len;
}

/* ---- what may rightfully end a call ---------------------------------------------------------- */

static bool is_live(const struct flood *f, uint16_t session)
{
	for (unsigned int i = 0; i < f->n_sessions; i++)
		if (f->sessions[i] == session)
			return true;
	return false;
}

static uint16_t word(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

/* Where PPP begins in a data message for a live session; 0: in none. */
static size_t live_ppp(const struct flood *f, const uint8_t *p, size_t len)
{
	uint16_t flags = word(p);
	size_t at = flags & 0x4000 ? 4 : 2;

	if (len < at + 4 || word(p + at) != f->tunnel || !is_live(f, word(p + at + 2)))
		return 0;
	at += 4;
	if (flags & 0x0800)
		at += 4;
	if (flags & 0x0200) {
		if (len < at + 2)
			return 0;
		at += 2u + word(p + at);
	}
	return at < len ? at : 0;
}

static void spare(struct flood *f, uint8_t *p, size_t len)
{
	size_t at;

	if (len < 6)
		return;
	if (p[0] & 0x80) {
		if (len >= 12) { /* whichever connection it names */
			p[8] = (uint8_t)(0x40 + rnd(f, 0x80));
			p[10] = (uint8_t)(0x40 + rnd(f, 0x80));
		}
		return;
	}
	at = live_ppp(f, p, len);
	if (!at)
		return;
	if (at + 2 < len && p[at] == 0xff && p[at + 1] == 3)
		at += 2;
	if (at + 2 < len && !(p[at] & 1) && p[at] >= 0x80) /* LCP, NCPs, authentication */
		p[at + 2] = (uint8_t)(p[at] == 0xc0 && p[at + 1] == 0x21 ? 9 + rnd(f, 3)
									 : 20 + rnd(f, 200));
}

size_t flood_hostile(struct flood *f, uint8_t *frame)
{
	uint8_t *p = frame + FLOOD_PAYLOAD;
	struct writer w = writer_of(p, PAYLOAD_MAX);
	bool as_peer = f->peer && rnd(f, 2);
	uint16_t tunnel = rnd(f, 2) ? f->tunnel : (uint16_t)rnd(f, 65536);
	uint16_t session = (uint16_t)rnd(f, 65536);
	uint32_t source = as_peer ? f->peer : NEAR_PREFIX + 20 + rnd(f, 200);
	uint16_t port = f->peer_port;
	bool control = rnd(f, 2);
	size_t len;

	if (f->n_sessions && rnd(f, 4))
		session = f->sessions[rnd(f, f->n_sessions)];
	if (control)
		put_control(f, &w, rnd(f, 3) ? tunnel : 0);
	else
		put_data(f, &w, tunnel, session);
	len = w.len;
	if (control) {
		p[2] = (uint8_t)(len >> 8);
		p[3] = (uint8_t)len;
	}
	len = damage(f, p, len);
	if (as_peer)
		spare(f, p, len);
	else if (rnd(f, 2))
		port = rnd(f, 2) ? FLOOD_PORT : (uint16_t)(1 + rnd(f, 65535));
	if (!as_peer && !rnd(f, 3))
		source = flood_anybody(f);
	return flood_wrap(f, frame, source, port, len);
}
