/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "loader/base/bytes.h"
#include "tests/client/flood.h"

#define NEAR_PREFIX 0xc0000200u /* 192.0.2.0/24: the lab's access network */

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, (uint16_t)(v >> 16));
	put16(p + 2, (uint16_t)v);
}

size_t flood_wrap(struct flood *f, uint8_t *frame, uint32_t source, uint16_t port, size_t len)
{
	uint8_t *ip = frame + 14, *udp = ip + 20;
	uint32_t sum = 0;

	memcpy(frame, f->dst_mac, 6);
	memcpy(frame + 6, f->src_mac, 6);
	put16(frame + 12, 0x0800);
	put16(ip, 0x4500);
	put16(ip + 2, (uint16_t)(28 + len));
	put32(ip + 4, 0x4000);
	put16(ip + 8, 0x4011);
	put16(ip + 10, 0);
	put32(ip + 12, source);
	put32(ip + 16, f->server);
	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	put16(ip + 10, (uint16_t)~sum);
	put16(udp, port);
	put16(udp + 2, FLOOD_PORT);
	put16(udp + 4, (uint16_t)(8 + len));
	put16(udp + 6, 0);
	return FLOOD_PAYLOAD + len;
}

/* Neither of this network, nor of loopback, nor a group, nor a subscriber. */
uint32_t flood_anybody(struct flood *f)
{
	for (;;) {
		uint32_t a = flood_random(f, 223u << 24) + (1u << 24);

		if (a >> 24 != 127 && a >> 24 != 10 && (a & ~0xffu) != NEAR_PREFIX &&
		    a >> 8 != 0xcb0071)
			return a;
	}
}

static size_t put_sccrq(struct flood *f, uint8_t *p)
{
	static const uint8_t sccrq[] = {
		0xc8, 2,    0, 51, 0, 0, 0,   0,   0,   0,   0,   0, /* header */
		0x80, 8,    0, 0,  0, 0, 0,   1, /* Message Type */
		0x80, 8,    0, 0,  0, 2, 1,   0, /* Protocol Version */
		0x80, 10,   0, 0,  0, 3, 0,   0,   0,   3, /* Framing Capabilities */
		0x80, 0x0b, 0, 0,  0, 7, 'f', 'l', 'o', 'o', 'd', /* Host Name */
		0x80, 8,    0, 0,  0, 9, 0,   0, /* Assigned Tunnel ID */
	};
	size_t len = sizeof(sccrq);

	memcpy(p, sccrq, len);
	put16(p + 2, (uint16_t)len);
	put16(p + len - 2, (uint16_t)(1 + flood_random(f, 65535)));
	return len;
}

/* The ID of a message to a control connection, or 0 for the first of one. */
static size_t put_hello(struct flood *f, uint8_t *p, uint16_t tunnel)
{
	static const uint8_t hello[] = { 0xc8, 2, 0,    20, 0, 0, 0, 0, 0, 0,
					 0,    0, 0x80, 8,  0, 0, 0, 0, 0, 6 };

	memcpy(p, hello, sizeof(hello));
	put16(p + 4, tunnel);
	put16(p + 8, (uint16_t)flood_random(f, 65536));
	put16(p + 10, (uint16_t)flood_random(f, 65536));
	return sizeof(hello);
}

/* A small UDP packet from the subscriber, to a host that is not there. */
static size_t put_data(struct flood *f, uint8_t *p, uint16_t tunnel, uint16_t session)
{
	static const uint8_t ppp[] = { 0xff, 3,  0,    0x21, 0x45, 0,    0, 28, 0, 0, 0x40,
				       0,    64, 17,   0,    0,    0,    0, 0,  0, 0, 0,
				       0,    0,  0x13, 0x88, 0x13, 0x89, 0, 8,  0, 0 };
	uint8_t *ip = p + 10;
	uint32_t sum = 0;

	put16(p, 2);
	put16(p + 2, tunnel);
	put16(p + 4, session);
	memcpy(p + 6, ppp, sizeof(ppp));
	put32(ip + 12, f->inner);
	put32(ip + 16, 0xcb007102); /* 203.0.113.2 */
	for (int i = 0; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	put16(ip + 10, (uint16_t)~sum);
	return 6 + sizeof(ppp);
}

static uint16_t any_id(struct flood *f)
{
	return (uint16_t)(1 + flood_random(f, 65535));
}

static size_t make_sccrq(struct flood *f, uint8_t *frame)
{
	return flood_wrap(f, frame, flood_anybody(f), FLOOD_PORT,
			  put_sccrq(f, frame + FLOOD_PAYLOAD));
}

static size_t make_unknown(struct flood *f, uint8_t *frame)
{
	size_t len = put_data(f, frame + FLOOD_PAYLOAD, any_id(f), any_id(f));

	return flood_wrap(f, frame, flood_anybody(f), FLOOD_PORT, len);
}

static size_t make_guess(struct flood *f, uint8_t *frame)
{
	return flood_wrap(f, frame, flood_anybody(f), FLOOD_PORT,
			  put_hello(f, frame + FLOOD_PAYLOAD, any_id(f)));
}

/* Data for a session that lives, from strangers who know its IDs. */
static size_t make_stranger_data(struct flood *f, uint8_t *frame)
{
	uint16_t session = f->n_sessions ? f->sessions[flood_random(f, f->n_sessions)] : any_id(f);
	size_t len = put_data(f, frame + FLOOD_PAYLOAD, f->tunnel, session);

	return flood_wrap(f, frame, flood_anybody(f), FLOOD_PORT, len);
}

static size_t make_all(struct flood *f, uint8_t *frame)
{
	switch (flood_random(f, 8)) {
	case 0:
		return make_unknown(f, frame);
	case 1:
		return make_guess(f, frame);
	case 2:
		return make_stranger_data(f, frame);
	default:
		return make_sccrq(f, frame);
	}
}

const struct flood_kind flood_kinds[] = {
	{ "sccrq", "SCCRQ, each from another source", make_sccrq },
	{ "unknown", "data with random IDs, each from another source", make_unknown },
	{ "guess", "Hello with random tunnel IDs, each from another source", make_guess },
	{ "stranger", "data for the live sessions, each from another source", make_stranger_data },
	{ "all", "all of these, most of them SCCRQ", make_all },
	{ "hostile", "damaged messages of all kinds, from strangers and as the live peer",
	  flood_hostile },
	{ NULL, NULL, NULL },
};
