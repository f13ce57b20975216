/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lines of the short way (maps/schema.h): excerpts of a session that is written already, and
 * the counters of what went that way.
 *
 * They are dead before the session's own lines are touched and live after these are whole, so
 * that nothing goes the short way which the long one would not let through.
 */
#include <arpa/inet.h>
#include <stddef.h>
#include <string.h>

#include "loader/datapath/private.h"

#define OUTER_HEAD (20 + 8) /* IPv4 and UDP */

static struct l2x_short_up *up_at(const struct datapath *dp, uint32_t index)
{
	return dp->maps ? map_array_at(&dp->maps->up_lines, index) : NULL;
}

static struct l2x_short_down *down_at(const struct datapath *dp, uint32_t index)
{
	return dp->maps ? map_array_at(&dp->maps->down_lines, index) : NULL;
}

static uint16_t fold(uint64_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static struct l2x_short_up up_of(const struct l2x_session *s)
{
	struct l2x_short_up v = { .tunnel_id = s->tunnel_id,
				  .flags = s->flags,
				  .peer = s->peer.w[3],
				  .local = s->local.w[3],
				  .peer_port = s->peer_port,
				  .local_port = s->local_port,
				  .ipv4 = s->ipv4,
				  .ipv6 = s->ipv6 };

	return v;
}

/* The words of the outer header that do not change, and their sum. */
static void outer_of(const struct l2x_session *s, struct l2x_short_down *v)
{
	const uint32_t words[] = { htonl((uint32_t)s->ttl << 24 | IPPROTO_UDP << 16),
				   s->tx_local.w[3], s->tx_peer.w[3] };
	const uint16_t ports[] = { s->tx_local_port, s->tx_peer_port };
	uint64_t sum = htonl(0x45000000);

	memcpy(v->ip, words, sizeof(words));
	memcpy((uint8_t *)v->ip + sizeof(words), ports, sizeof(ports));
	sum += htonl(0x4000); /* do not fragment */
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		sum += words[i];
	v->ip_sum = fold(sum);
}

static struct l2x_short_down down_of(const struct l2x_session *s)
{
	bool numbered = s->tx_flags & L2X_S_SEQ_TX;
	struct l2x_short_down v = { .nexthop = s->nexthop,
				    .flags = s->tx_flags,
				    .l2tp = { htons(numbered ? 0x0802 : 0x0002), s->peer_tunnel_id,
					      s->peer_session_id, htons(0xff03) },
				    .pseudo_sum = fold(s->pseudo_sum),
				    .mtu = s->mtu,
				    .head = OUTER_HEAD + 6,
				    .dscp = s->dscp };

	v.head += (numbered ? 4 : 0) + (s->tx_flags & L2X_S_ACFC ? 2 : 4);
	outer_of(s, &v);
	return v;
}

void short_put(struct datapath *dp, uint32_t index, const struct l2x_session *s,
	       uint32_t generation, bool fresh)
{
	struct l2x_short_down *down = down_at(dp, index), down_new = down_of(s);
	struct l2x_short_up *up = up_at(dp, index), up_new = up_of(s);

	if (!up || !down)
		return;
	if (fresh) {
		memset(&up->packets, 0, sizeof(*up) - offsetof(struct l2x_short_up, packets));
		memset(&down->packets, 0, sizeof(*down) - offsetof(struct l2x_short_down, packets));
	}
	if (s->flags & L2X_S_OUTER6)
		generation = 0;
	map_line_write((uint8_t *)up, (const uint8_t *)&up_new,
		       offsetof(struct l2x_short_up, packets), generation);
	map_line_write((uint8_t *)down, (const uint8_t *)&down_new,
		       offsetof(struct l2x_short_down, packets), generation);
}

void short_kill(struct datapath *dp, uint32_t index)
{
	struct l2x_short_down *down = down_at(dp, index);
	struct l2x_short_up *up = up_at(dp, index);

	if (!up || !down)
		return;
	__atomic_store_n(&up->gen, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&down->gen, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* Do they stand there as they should? */
bool short_fits(const struct datapath *dp, uint32_t index, const struct l2x_session *s)
{
	const struct l2x_short_down *down = down_at(dp, index);
	const struct l2x_short_up *up = up_at(dp, index);
	struct l2x_short_down want_down = down_of(s);
	struct l2x_short_up want_up = up_of(s);

	if (!up || !down)
		return true;
	if (s->flags & L2X_S_OUTER6)
		return !up->gen && !down->gen;
	want_up.gen = up->gen;
	want_down.gen = down->gen;
	return up->gen && down->gen &&
	       !memcmp(up, &want_up, offsetof(struct l2x_short_up, packets)) &&
	       !memcmp(down, &want_down, offsetof(struct l2x_short_down, packets));
}

void short_count(const struct datapath *dp, uint32_t index, struct l2x_traffic *add)
{
	const struct l2x_short_down *down = down_at(dp, index);
	const struct l2x_short_up *up = up_at(dp, index);

	if (!up || !down)
		return;
	add->rx_packets += __atomic_load_n(&up->packets, __ATOMIC_RELAXED);
	add->rx_bytes += __atomic_load_n(&up->bytes, __ATOMIC_RELAXED);
	add->tx_packets += __atomic_load_n(&down->packets, __ATOMIC_RELAXED);
	add->tx_bytes += __atomic_load_n(&down->bytes, __ATOMIC_RELAXED);
}

uint64_t short_sum(const struct datapath *dp, uint32_t index)
{
	struct l2x_traffic t = { 0 };

	short_count(dp, index, &t);
	return t.rx_packets + t.rx_bytes + t.tx_packets + t.tx_bytes;
}

/* Packets from the subscriber alone: one line is touched. */
uint64_t short_rx(const struct datapath *dp, uint32_t index)
{
	const struct l2x_short_up *up = up_at(dp, index);

	return up ? __atomic_load_n(&up->packets, __ATOMIC_RELAXED) : 0;
}
