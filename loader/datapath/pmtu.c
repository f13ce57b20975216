/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reports that an outer packet was too big for the way (DP-ICMP-5): ICMP 3/4 and ICMPv6 2/0,
 * which quote the start of what we had sent. One is believed only if it quotes a data message
 * of a live session, with its path and the peer's IDs, which an outsider does not know. It
 * then lowers every tunnel of the path, for they go the same way.
 *
 * Anybody may forge such reports, and no number of false ones may keep a true one from being
 * heard. Most routers quote the inner IP header too (RFC 1812 section 4.3.2.3, RFC 4443
 * section 2.4); its destination names the session, one look tells whether all else agrees,
 * and nothing is rationed. A shorter quote has the peer's IDs alone, which take a search: over
 * the tunnels of the path, and then over the sessions of one. For that each tunnel has a few
 * searches a second, and all together a number of looks. A flood of forgeries with short
 * quotes costs the reports of such routers, about the tunnel whose ID it has guessed; the
 * others are not affected, and each packet that is too big is reported anew.
 *
 * Reports about pseudowires are refused: what they send has no DF (V3-ETH-7), so none is true.
 */
#include <string.h>

#include "loader/base/bytes.h"
#include "loader/datapath/inner.h"
#include "loader/datapath/mtu.h"
#include "loader/datapath/private.h"
#include "loader/l2tp/header.h"
#include "loader/ppp/ppp.h"

#define LOOKS 131072 /* tunnels and sessions looked at in a second, for short quotes */
#define SEARCHES 4 /* of one tunnel's sessions, at once and in a second */
#define SEARCH_MS 250
#define ICMP_HEADER 8
#define UDP_HEADER 8
#define IP4_HEADER 20
#define IP6_HEADER 40

struct quote {
	uint16_t tunnel_id, session_id; /* the peer's */
	struct ipaddr to; /* of the inner packet; not set: the quote ends before it */
};

void pmtu_second(struct datapath *dp)
{
	dp->pmtu_looks = LOOKS;
}

/* The inner destination, as far as the quote goes. False: what never has DF (DP-TX-1). */
static bool read_inner(struct reader *r, struct quote *q)
{
	uint16_t protocol = reader_u16(r);
	const uint8_t *to;
	uint32_t v4;

	if (protocol == 0xff03)
		protocol = reader_u16(r);
	if (protocol == PPP_IP) {
		reader_take(r, 16);
		v4 = reader_u32(r);
		if (!r->bad)
			q->to = addr_from_v4(v4);
	} else if (protocol == PPP_IPV6) {
		reader_take(r, 24);
		to = reader_take(r, sizeof(q->to.b));
		if (to)
			memcpy(q->to.b, to, sizeof(q->to.b));
	} else {
		return r->bad;
	}
	return true;
}

/* Our transmit form, as far as the quote goes: the IDs at least. */
static bool read_quote(const uint8_t *quoted, size_t len, struct quote *q)
{
	struct reader r = reader_of(quoted, len);
	uint16_t flags = reader_u16(&r);

	memset(q, 0, sizeof(*q));
	q->tunnel_id = reader_u16(&r);
	q->session_id = reader_u16(&r);
	/* What is sent with DF is data, and has neither T, L nor O (DP-TX-1). */
	if (r.bad || (flags & ~L2TP_F_S) != 2)
		return false;
	if (flags & L2TP_F_S)
		reader_take(&r, 4);
	return read_inner(&r, q);
}

static bool is_quoted(const struct session *s, const struct quote *q)
{
	return s->s.peer_tunnel_id == q->tunnel_id && s->s.peer_session_id == q->session_id;
}

static uint16_t believe(const struct tunnel *t, uint32_t mtu)
{
	return mtu_believe(tunnel_mtu(t), mtu, !addr_is_v4(&t->path.local));
}

static bool may_search(struct tunnel *t)
{
	uint32_t now = (uint32_t)dp_now(), refill = (now - t->pmtu_stamp) / SEARCH_MS;

	if (refill) {
		t->pmtu_tokens = (uint8_t)(refill >= (uint32_t)(SEARCHES - t->pmtu_tokens)
						   ? SEARCHES
						   : t->pmtu_tokens + refill);
		t->pmtu_stamp += refill * SEARCH_MS;
	}
	if (!t->pmtu_tokens)
		return false;
	t->pmtu_tokens--;
	return true;
}

static bool look(struct datapath *dp)
{
	if (!dp->pmtu_looks)
		return false;
	dp->pmtu_looks--;
	return true;
}

/* By the IDs alone: of the tunnels on the path (V2-PORT-4: there may be many) the one whose
 * live session is quoted. */
static struct tunnel *search(struct datapath *dp, struct tunnel *t, const struct quote *q,
			     uint32_t mtu)
{
	for (; t && look(dp); t = tunnel_next_on_path(t)) {
		/* A control connection has one ID of the peer, so any session tells it. */
		if (!t->sessions || t->sessions->s.peer_tunnel_id != q->tunnel_id)
			continue;
		if (!believe(t, mtu) || !may_search(t))
			continue;
		for (const struct session *s = t->sessions; s && look(dp); s = s->next)
			if (is_quoted(s, q))
				return t;
	}
	return NULL;
}

static struct tunnel *validate(struct datapath *dp, struct tunnel *first, const struct quote *q,
			       uint32_t mtu)
{
	struct session *s;

	if (!addr_is_set(&q->to))
		return search(dp, first, q, mtu);
	s = session_by_address(dp, &q->to);
	return s && is_quoted(s, q) && path_eq(&s->s.path, &first->path) ? s->tunnel : NULL;
}

static void refuse(struct datapath *dp)
{
	dp_count(dp, DP_SLOW_PMTU_REFUSED);
}

void pmtu_report(struct datapath *dp, const struct path *path, const uint8_t *quoted, size_t len,
		 uint32_t mtu)
{
	struct tunnel *first = tunnel_by_path(dp, path), *named;
	uint16_t believed;
	char at[PATH_STRLEN];
	struct quote q;

	named = first && read_quote(quoted, len, &q) ? validate(dp, first, &q, mtu) : NULL;
	believed = named ? believe(named, mtu) : 0;
	if (!believed) {
		refuse(dp);
		return;
	}
	dp_count(dp, DP_SLOW_PMTU_LOWERED);
	log_info(&(struct log_who){ .tunnel = named->id }, "path MTU to %s lowered from %u to %u",
		 endpoint_str(&path->peer, path->peer_port, at), tunnel_mtu(named), believed);
	for (struct tunnel *t = first; t; t = tunnel_next_on_path(t))
		if (tunnel_mtu(t) > believed)
			tunnel_learn(dp, t, believed);
}

/* ---- the messages ------------------------------------------------------------------------ */

static bool is_listener(const struct datapath *dp, const struct path *p)
{
	for (unsigned int i = 0; i < dp->cfg->n_listen; i++)
		if (addr_eq(&dp->cfg->listen[i], &p->local))
			return p->local_port == dp->cfg->port;
	return false;
}

/* `r` stands at the quoted UDP header, that of a datagram which we seem to have sent. */
static void report_udp(struct datapath *dp, struct path *path, struct reader *r, uint32_t mtu)
{
	path->local_port = reader_u16(r);
	path->peer_port = reader_u16(r);
	reader_take(r, UDP_HEADER - 4);
	if (r->bad || !is_listener(dp, path)) {
		refuse(dp);
		return;
	}
	pmtu_report(dp, path, r->p, r->left, mtu);
}

static uint16_t ones_sum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	if (len & 1)
		sum += (uint32_t)p[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

void pmtu_icmp4(struct datapath *dp, const uint8_t *packet, size_t len)
{
	size_t header = len ? (size_t)(packet[0] & 0x0f) * 4 : 0;
	struct reader r = reader_of(packet, len);
	struct path path = { 0 };
	uint16_t flags;
	uint8_t first, protocol;
	uint32_t mtu;

	reader_take(&r, header + 6);
	mtu = reader_u16(&r);
	first = reader_u8(&r);
	reader_take(&r, 5);
	flags = reader_u16(&r);
	reader_take(&r, 1);
	protocol = reader_u8(&r);
	reader_take(&r, 2);
	path.local = addr_from_v4(reader_u32(&r));
	path.peer = addr_from_v4(reader_u32(&r));
	/* ours have no options, and what follows them is in the first fragment only */
	if (r.bad || header < IP4_HEADER || first != 0x45 || protocol != IPPROTO_UDP ||
	    flags & 0x1fff || packet[header] != 3 || packet[header + 1] != 4 ||
	    ones_sum(packet + header, len - header) != 0xffff) {
		refuse(dp);
		return;
	}
	report_udp(dp, &path, &r, mtu);
}

void pmtu_icmp6(struct datapath *dp, const uint8_t *msg, size_t len)
{
	struct reader r = reader_of(msg, len);
	const uint8_t *local, *peer;
	struct path path = { 0 };
	uint8_t protocol;
	uint16_t kind;
	uint32_t mtu;

	kind = reader_u16(&r);
	reader_take(&r, 2);
	mtu = reader_u32(&r);
	reader_take(&r, 6);
	protocol = reader_u8(&r);
	reader_take(&r, 1);
	local = reader_take(&r, sizeof(path.local.b));
	peer = reader_take(&r, sizeof(path.peer.b));
	if (r.bad || kind != 0x0200 || protocol != IPPROTO_UDP) {
		refuse(dp);
		return;
	}
	memcpy(path.local.b, local, sizeof(path.local.b));
	memcpy(path.peer.b, peer, sizeof(path.peer.b));
	report_udp(dp, &path, &r, mtu);
}
