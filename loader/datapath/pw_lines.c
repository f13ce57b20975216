/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs know of a pseudowire: struct l2x_pw, made of its configuration, its session, its
 * circuit and the MTU of its way. One without a session is nobody's, with ID and peer 0. It is held against what stands in the map, and written where it
 * differs: a restart leaves what is right alone, and no frame is lost by it.
 *
 * The privileged process writes `name`, which tells whose the element is, the programs their
 * buckets; neither is touched here.
 */
#include <string.h>

#include "loader/datapath/mtu.h"
#include "loader/datapath/private.h"

#define OUTER_TTL 64 /* DP-TX-5 */
#define V3_FLAGS 0x0003 /* of a data message over UDP (V3-LIN-2) */
#define VLAN_TAG 4
#define TPID_Q 0x8100
#define TPID_AD 0x88a8
#define LINE 64

/* Of line 2, what is written here. */
#define CIRCUIT_FROM offsetof(struct l2x_pw, ifindex)
#define CIRCUIT_TO offsetof(struct l2x_pw, bum_rx)

static uint64_t add_words(uint64_t sum, const uint8_t *b, size_t n)
{
	for (size_t i = 0; i + 1 < n; i += 2) {
		uint16_t w;

		memcpy(&w, b + i, 2);
		sum += w;
	}
	return sum;
}

/* As pseudo_sum of maps.c: words as they lie in memory, so it comes out in network order. */
static uint32_t pseudo_sum(const struct pw_session *c)
{
	bool v4 = addr_is_v4(&c->path.local);
	size_t skip = v4 ? 12 : 0, n = v4 ? 4 : 16;
	uint16_t words[] = {
		htons(IPPROTO_UDP), htons(c->path.local_port),           htons(c->path.peer_port),
		htons(V3_FLAGS),    htons((uint16_t)(c->peer_id >> 16)), htons((uint16_t)c->peer_id)
	};
	uint64_t sum = add_words(0, (const uint8_t *)words, sizeof(words));

	sum = add_words(sum, c->path.local.b + skip, n);
	sum = add_words(sum, c->path.peer.b + skip, n);
	sum = add_words(sum, c->peer_cookie.b, c->peer_cookie.len);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint32_t)sum;
}

static uint16_t cookie_flag(const struct pw_cookie *c)
{
	if (c->len == 8)
		return L2X_PW_COOKIE8;
	return c->len == 4 ? L2X_PW_COOKIE4 : 0;
}

static __be64 cookie_word(const struct pw_cookie *c)
{
	__be64 word = 0;

	memcpy(&word, c->b, c->len);
	return word;
}

/* What both lines have. */
static uint16_t flags_of(const struct pw *w)
{
	uint16_t f = 0;

	f |= pw_is_udp(&w->s.path) ? L2X_PW_UDP : 0;
	f |= addr_is_v4(&w->s.path.local) ? 0 : L2X_PW_OUTER6;
	f |= w->cfg->clamp_mss ? L2X_PW_MSS : 0;
	return f;
}

static void fill_in(const struct pw *w, struct l2x_pw *v)
{
	const struct pw_cookie *second = pw_second_cookie(w);
	const struct pw_session *c = &w->s;

	v->id = htonl(c->id);
	memcpy(&v->peer, c->path.peer.b, sizeof(v->peer));
	memcpy(&v->local, c->path.local.b, sizeof(v->local));
	v->peer_port = htons(c->path.peer_port);
	v->local_port = htons(c->path.local_port);
	v->flags = flags_of(w) | cookie_flag(&c->cookie);
	v->flags |= pw_takes(w) ? L2X_PW_UP : 0;
	v->flags |= c->sublayer ? L2X_PW_SUBLAYER : 0;
	v->flags |= c->sublayer && c->seq_receive ? L2X_PW_SEQ : 0;
	/* no second one: the first one twice, for a program takes either */
	v->cookie[0] = cookie_word(&c->cookie);
	v->cookie[1] = cookie_word(second ? second : &c->cookie);
}

static void fill_out(const struct pw *w, struct l2x_pw *v)
{
	const struct pw_session *c = &w->s;
	int dscp = w->cfg->dscp;

	v->peer_id = htonl(c->peer_id);
	v->tx_peer = v->peer;
	v->tx_local = v->local;
	v->tx_peer_port = v->peer_port;
	v->tx_local_port = v->local_port;
	v->tx_flags = flags_of(w) | cookie_flag(&c->peer_cookie);
	v->tx_flags |= pw_is_up(w) ? L2X_PW_UP : 0;
	v->tx_flags |= c->peer_sublayer ? L2X_PW_SUBLAYER : 0;
	v->tx_flags |= c->peer_sublayer && c->seq_send ? L2X_PW_SEQ : 0;
	v->tx_flags |= pw_has_checksum(w) ? 0 : L2X_PW_CSUM0;
	v->tx_flags |= dscp > 0 ? L2X_PW_TOS_FIXED : 0;
	v->mtu = w->mtu;
	v->ttl = OUTER_TTL;
	v->dscp = dscp > 0 ? (uint8_t)dscp : 0;
	v->pseudo_sum = pw_is_udp(&c->path) ? pseudo_sum(c) : 0;
	v->tx_cookie = cookie_word(&c->peer_cookie);
}

static void fill_circuit(const struct pw *w, struct l2x_pw *v)
{
	const struct pw_circuit *c = &w->cfg->circuit;
	uint16_t wire[2];

	pw_wire(c, wire);
	v->ifindex = w->ifindex;
	for (int i = 0; i < 2; i++) {
		v->tag[i] = htons(c->vlan[i]);
		v->wire[i] = htons(wire[i]);
		v->tpid[i] = htons(i == 0 && c->dot1ad ? TPID_AD : TPID_Q);
	}
	v->mss_mtu = pw_packet_mtu(w);
	v->room = w->room;
	v->bum_rate = w->cfg->bum_rate;
}

static void fill(const struct pw *w, struct l2x_pw *v)
{
	memset(v, 0, sizeof(*v));
	if (w->has_session) {
		fill_in(w, v);
		fill_out(w, v);
	}
	fill_circuit(w, v);
}

/* ---- sizes and tags -------------------------------------------------------------------------- */

bool pw_is_udp(const struct path *path)
{
	return path->local_port || path->peer_port;
}

/* DP-CK-1, DP-CK-5: only over IPv4 may it be left out. */
bool pw_has_checksum(const struct pw *w)
{
	return !pw_is_udp(&w->s.path) || w->cfg->checksum || !addr_is_v4(&w->s.path.local);
}

/* One of another length cannot be told by the program. */
const struct pw_cookie *pw_second_cookie(const struct pw *w)
{
	const struct pw_cookie *c = &w->cfg->cookie[1];

	return !w->cfg->signalled && c->len && c->len == w->s.cookie.len ? c : NULL;
}

void pw_wire(const struct pw_circuit *c, uint16_t ret[2])
{
	const uint16_t *from = c->tag == PW_TAG_KEEP ? c->vlan : c->wire;

	for (int i = 0; i < 2; i++)
		ret[i] = c->tag == PW_TAG_REMOVE ? 0 : from[i];
}

/* A tag that the frame brings along beside these is not known beforehand. */
uint16_t pw_packet_mtu(const struct pw *w)
{
	uint16_t wire[2], header = PW_ETH_HEADER;

	pw_wire(&w->cfg->circuit, wire);
	for (int i = 0; i < 2; i++)
		header += wire[i] ? VLAN_TAG : 0;
	return w->mtu > header ? (uint16_t)(w->mtu - header) : 0;
}

uint16_t pw_frame_mtu(const struct pw *w, uint16_t way)
{
	const struct pw_session *s = &w->s;
	uint16_t overhead = mtu_pw_overhead(!addr_is_v4(&s->path.local), pw_is_udp(&s->path),
					    s->peer_cookie.len, s->peer_sublayer);

	if (w->cfg->mtu && w->cfg->mtu < way)
		way = (uint16_t)w->cfg->mtu;
	return way > overhead ? (uint16_t)(way - overhead) : 0;
}

/* ---- in the map ------------------------------------------------------------------------------ */

static bool same(const struct l2x_pw *have, const struct l2x_pw *want, size_t from, size_t to)
{
	return memcmp((const uint8_t *)have + from, (const uint8_t *)want + from, to - from) == 0;
}

/* Lines begin with their generation, which is nobody's to compare. */
static bool is_as_it_should(const struct l2x_pw *have, const struct l2x_pw *want)
{
	return have->gen && have->tx_gen &&
	       same(have, want, sizeof(have->gen), offsetof(struct l2x_pw, tx_gen)) &&
	       same(have, want, offsetof(struct l2x_pw, peer_id), offsetof(struct l2x_pw, name)) &&
	       same(have, want, CIRCUIT_FROM, CIRCUIT_TO);
}

/* A session's numbers begin with it; those of the one before would make old ones of them. */
static void forget_numbers(struct l2x_traffic *t)
{
	if (!t)
		return;
	__atomic_store_n((uint64_t *)&t->rx_seq, 0, __ATOMIC_RELAXED);
	__atomic_store_n((uint64_t *)&t->tx_ns, 0, __ATOMIC_RELAXED);
}

/* Both lines are dead while the third one, which has no generation, is written. */
static void write_pw(struct dp_maps *m, struct l2x_pw *at, const struct l2x_pw *v,
		     struct l2x_traffic *t)
{
	uint32_t generation = maps_generation(m, at->gen);

	__atomic_store_n(&at->gen, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&at->tx_gen, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (at->id != v->id)
		forget_numbers(t);
	memcpy((uint8_t *)at + CIRCUIT_FROM, (const uint8_t *)v + CIRCUIT_FROM,
	       CIRCUIT_TO - CIRCUIT_FROM);
	map_line_write((uint8_t *)at, (const uint8_t *)v, LINE, generation);
	map_line_write((uint8_t *)at + LINE, (const uint8_t *)v + LINE, LINE, generation);
}

void pw_put(struct datapath *dp, const struct pw *w)
{
	struct l2x_pw *at = pw_line(dp, w->index), want;

	if (!at)
		return;
	fill(w, &want);
	if (!is_as_it_should(at, &want))
		write_pw(dp->maps, at, &want, pw_traffic(dp, w->index));
}

struct l2x_pw *pw_line(const struct datapath *dp, uint32_t index)
{
	return dp->maps && index ? map_array_at(&dp->maps->pws, index) : NULL;
}

struct l2x_traffic *pw_traffic(const struct datapath *dp, uint32_t index)
{
	return dp->maps && index ? map_array_at(&dp->maps->pw_traffic, index) : NULL;
}

/* ---- counters of the slow path --------------------------------------------------------------- */

static struct l2x_pw_traffic *slow_words(const struct datapath *dp, const struct pw *w)
{
	return (struct l2x_pw_traffic *)pw_traffic(dp, w->index);
}

/* Before they have been recalled there is nothing to be written over them. */
void pw_traffic_keep(const struct datapath *dp, const struct pw *w)
{
	struct l2x_pw_traffic *t = slow_words(dp, w);

	if (!t || !w->recalled)
		return;
	t->slow_rx_packets = w->rx.packets;
	t->slow_rx_bytes = w->rx.bytes;
	t->slow_rx_drops = w->rx.drops;
	t->slow_tx_packets = w->tx.packets;
	t->slow_tx_bytes = w->tx.bytes;
	t->slow_tx_drops = w->tx.drops;
}

void pw_traffic_recall(const struct datapath *dp, struct pw *w)
{
	const struct l2x_pw_traffic *t = slow_words(dp, w);

	if (!t || w->recalled)
		return;
	w->recalled = true;
	w->rx.packets += t->slow_rx_packets;
	w->rx.bytes += t->slow_rx_bytes;
	w->rx.drops += t->slow_rx_drops;
	w->tx.packets += t->slow_tx_packets;
	w->tx.bytes += t->slow_tx_bytes;
	w->tx.drops += t->slow_tx_drops;
}
