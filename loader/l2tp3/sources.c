/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who asks for control connections, by source prefix (IPv4 /24, IPv6 /56). Only those come here who
 * may be a peer, and have proved it where there is a secret; still a source address proves little,
 * so nothing here may keep a true peer out for ever:
 *
 * - Half-open connections: at a limit the newcomer is taken, and the oldest one of its prefix (of
 *   all, when all together are too many) goes without a word. A true peer answers within a round
 *   trip, a forged one never.
 * - Connections of one peer: whoever knows the secret of a range of addresses may call itself by
 *   any number of names. At a limit, one without sessions that is not young makes room. Counted from
 *   SCCCN on, so that no replay counts.
 * - Set-up rate: a set-up that is completed gives its share back. Prefixes share a fixed number of
 *   buckets by a hash that nobody can steer.
 */
#include <string.h>

#include "loader/l2tp3/engine.h"

#define V4_PREFIX 15u /* octets of the mapped form: /24 */
#define V6_PREFIX 7u /* /56 */
#define DEFAULT_MAX_TUNNELS 4u
#define IDLE_MS 60000u /* so long a connection may be without sessions, whoever else comes */
#define TOKEN 1000u /* a rate of n a second is n parts of a token in each ms */

static struct ipaddr prefix_of(const struct ipaddr *a)
{
	struct ipaddr p = { 0 };

	memcpy(p.b, a->b, addr_is_v4(a) ? V4_PREFIX : V6_PREFIX);
	return p;
}

static struct l2tp3_bucket *bucket_of(struct l2tp3_endpoint *ep, const struct ipaddr *peer)
{
	struct ipaddr prefix = prefix_of(peer);

	return &ep->setups[hash_of(ep->seed, prefix.b, sizeof(prefix.b)) % L2TP3_BUCKETS];
}

bool source3_may_ask(struct l2tp3_endpoint *ep, msec_t now, const struct ipaddr *peer)
{
	struct l2tp3_bucket *b = bucket_of(ep, peer);
	msec_t passed = now - b->at;
	uint64_t back = passed > UINT32_MAX ? UINT64_MAX : passed * ep->limits.setup_rate;

	b->spent = b->spent > back ? b->spent - back : 0;
	b->at = now;
	if (b->spent + TOKEN > (uint64_t)ep->limits.setup_rate * TOKEN) {
		l2tp3_count(ep, L2TP3_C_SETUP_RATE_LIMIT);
		return false;
	}
	b->spent += TOKEN;
	return true;
}

void source3_proven(struct l2tp3_endpoint *ep, const struct ipaddr *peer)
{
	struct l2tp3_bucket *b = bucket_of(ep, peer);

	b->spent = b->spent > TOKEN ? b->spent - TOKEN : 0;
}

/* The oldest half-open one, of a prefix or (NULL) of all; and how many there are. */
static struct l2tp3_tunnel *oldest(struct l2tp3_endpoint *ep, const struct ipaddr *prefix,
				   unsigned int *ret_n)
{
	struct l2tp3_tunnel *found = NULL;

	*ret_n = 0;
	for (struct l2tp3_tunnel *t = ep->first; t; t = t->next) {
		struct ipaddr of = prefix_of(&t->path.peer);

		if (!t->half_open || (prefix && !addr_eq(&of, prefix)))
			continue;
		if (!found)
			found = t;
		++*ret_n;
	}
	return found;
}

static void evict(struct l2tp3_endpoint *ep, msec_t now, struct l2tp3_tunnel *t, unsigned int n)
{
	struct l2tp_reason why;
	char at[ADDR_STRLEN];

	l2tp3_count(ep, L2TP3_C_HALF_OPEN_LIMIT);
	if (log_allowed(&ep->log_half_open, now, 5, 10000))
		log_warn(NULL,
			 "control connection of version 3 in set-up from %s dropped for a newer "
			 "one: %u are in set-up",
			 addr_str(&t->path.peer, at), n);
	reason3_set(&why, L2TP_STOP_GENERAL, 0, "dropped for a newer one");
	conn_event(t, now, L2TP3_TE_DEAD, NULL, &why);
}

bool source3_make_room(struct l2tp3_endpoint *ep, msec_t now, const struct ipaddr *peer)
{
	const struct l2tp3_limits *l = &ep->limits;
	struct ipaddr prefix = prefix_of(peer);
	struct l2tp3_tunnel *t;
	unsigned int n = 0;

	t = ep->half_open >= l->half_open_source ? oldest(ep, &prefix, &n) : NULL;
	if (t && n >= l->half_open_source) {
		evict(ep, now, t, n);
	} else if (ep->half_open >= l->half_open || ep->n_live >= l->tunnels) {
		t = oldest(ep, NULL, &n);
		if (t)
			evict(ep, now, t, n);
	}
	if (ep->half_open < l->half_open && ep->n_live < l->tunnels)
		return true;
	l2tp3_count(ep, L2TP3_C_HALF_OPEN_LIMIT);
	return false;
}

/* ---- connections of one peer ---- */

static uint64_t hash_of_peer(const struct l2tp3_endpoint *ep, const struct l2tp3_peer *peer)
{
	return hash_of(ep->seed, &peer, sizeof(peer));
}

/* The one without sessions that has stood longest, if it is not young; and how many there are. The walk is
 * as long as the limit, which is the peer's. */
static struct l2tp3_tunnel *idle(const struct l2tp3_endpoint *ep, msec_t now,
				 const struct l2tp3_peer *peer, unsigned int *ret_n)
{
	struct hashnode *node = hashtab_first(&ep->of_peer, hash_of_peer(ep, peer));
	struct l2tp3_tunnel *found = NULL;

	*ret_n = 0;
	for (; node; node = hashtab_next(node)) {
		struct l2tp3_tunnel *t = container_of(node, struct l2tp3_tunnel, of_peer);

		if (t->peer != peer)
			continue;
		++*ret_n;
		if (!t->n_calls && now - t->since >= IDLE_MS && (!found || t->since < found->since))
			found = t;
	}
	return found;
}

int source3_count_in(struct l2tp3_tunnel *t)
{
	return hashtab_add(&t->ep->of_peer, &t->of_peer, hash_of_peer(t->ep, t->peer));
}

bool source3_share(struct l2tp3_tunnel *t, msec_t now)
{
	unsigned int most = t->peer->max_tunnels ? t->peer->max_tunnels : DEFAULT_MAX_TUNNELS, n;
	struct l2tp3_tunnel *out = idle(t->ep, now, t->peer, &n);
	struct l2tp_reason why;

	if (n >= most) {
		l2tp3_count(t->ep, L2TP3_C_PEER_LIMIT);
		if (!out)
			return false;
		reason3_set(&why, L2TP_STOP_GENERAL, 0,
			    "without sessions, and dropped for a newer one");
		conn_event(out, now, L2TP3_TE_CLOSE, NULL, &why);
	}
	return !t->gone && source3_count_in(t) == 0;
}
