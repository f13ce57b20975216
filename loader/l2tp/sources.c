/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who asks for control connections: a table of source prefixes (IPv4 /24, IPv6 /56) of
 * fixed size, with what each has asked for lately and what it has in set-up. Only
 * addresses of configured peers come here, but a source address proves nothing: whoever
 * can send with forged ones can be in any of these prefixes. So nothing here may be used by
 * him to keep a true peer out:
 *
 * - Half-open connections. At a limit the newcomer is taken, and the oldest one of the
 *   greediest source goes without a word: a true peer answers within a round trip, a
 *   forged one never, so what is old is forged.
 * - Set-up rate. A set-up that is completed gives its share of the rate back, so only those
 *   that come to nothing use it up.
 * - Authentication failures. A wrong response says nothing about the peer unless its sender
 *   has seen our SCCRP, where our tunnel ID is: 16 bits that cannot be guessed, but can be
 *   tried, and of 256 half-open connections one is hit every 256 attempts. An attempt that
 *   misses comes from the same prefix, though. So only failures in a row count, and a
 *   message for a tunnel that is not there, or comes by another path, ends the row: who
 *   guesses blindly never gets ten hits without a miss, and a peer with a wrong secret has
 *   no misses. One who misses on purpose to try secrets for ever is held by the set-up rate.
 *   What is established is never touched.
 *
 * A source without half-open connections may be forgotten for a new one, the one that was
 * silent for longest first.
 */
#include <stdlib.h>
#include <string.h>

#include "loader/l2tp/engine.h"

#define SPARE_SOURCES 1024u
#define V4_PREFIX 15u /* octets of the mapped form: /24 */
#define V6_PREFIX 7u /* /56 */
#define TOKEN 1000u /* a rate of n a second is n parts of a token in each ms */

/* ---- rates ---- */

bool bucket_take(struct l2tp_bucket *b, msec_t now, unsigned int rate, unsigned int burst)
{
	uint64_t back = (now - b->at) > UINT32_MAX ? UINT64_MAX : (now - b->at) * rate;

	b->spent = b->spent > back ? b->spent - back : 0;
	b->at = now;
	if (b->spent + TOKEN > (uint64_t)burst * TOKEN)
		return false;
	b->spent += TOKEN;
	return true;
}

static void bucket_give_back(struct l2tp_bucket *b)
{
	b->spent = b->spent > TOKEN ? b->spent - TOKEN : 0;
}

/* ---- the table ---- */

int sources_init(struct l2tp_endpoint *ep)
{
	struct l2tp_sources *s = &ep->sources;

	s->n = ep->limits.half_open + SPARE_SOURCES;
	s->most = ep->limits.half_open_source < ep->limits.half_open ? ep->limits.half_open_source
								     : ep->limits.half_open;
	s->slot = calloc(s->n, sizeof(*s->slot));
	s->rank = calloc((size_t)s->most + 1, sizeof(*s->rank));
	return s->slot && s->rank ? 0 : -1;
}

void sources_free(struct l2tp_endpoint *ep)
{
	free(ep->sources.slot);
	free(ep->sources.rank);
	hashtab_free(&ep->sources.table);
}

static void list_append(struct l2tp_source_list *list, struct l2tp_source *s)
{
	s->prev = list->last;
	s->next = NULL;
	if (list->last)
		list->last->next = s;
	else
		list->first = s;
	list->last = s;
}

static void list_remove(struct l2tp_source_list *list, struct l2tp_source *s)
{
	if (s->prev)
		s->prev->next = s->next;
	else
		list->first = s->next;
	if (s->next)
		s->next->prev = s->prev;
	else
		list->last = s->prev;
}

/* In rank 0 they stand by the time of their last message, else by that of their rise. */
static struct l2tp_source_list *list_of(struct l2tp_sources *ss, const struct l2tp_source *s)
{
	return &ss->rank[s->n < ss->most ? s->n : ss->most];
}

static struct ipaddr prefix_of(const struct ipaddr *a)
{
	struct ipaddr p = { 0 };

	memcpy(p.b, a->b, addr_is_v4(a) ? V4_PREFIX : V6_PREFIX);
	return p;
}

static struct l2tp_source *find(struct l2tp_endpoint *ep, const struct ipaddr *prefix)
{
	struct hashnode *node =
		hashtab_first(&ep->sources.table, endpoint_hash_address(ep, prefix));

	for (; node; node = hashtab_next(node)) {
		struct l2tp_source *s = container_of(node, struct l2tp_source, node);

		if (addr_eq(&s->prefix, prefix))
			return s;
	}
	return NULL;
}

/* NULL when all are in use, or on lack of memory. */
static struct l2tp_source *make(struct l2tp_endpoint *ep, const struct ipaddr *prefix)
{
	struct l2tp_sources *ss = &ep->sources;
	struct l2tp_source *s = ss->rank[0].first;

	if (ss->used < ss->n) {
		s = &ss->slot[ss->used++];
	} else if (s) {
		list_remove(&ss->rank[0], s);
		hashtab_del(&ss->table, &s->node);
	} else {
		return NULL;
	}
	*s = (struct l2tp_source){ .prefix = *prefix };
	list_append(&ss->rank[0], s);
	if (hashtab_add(&ss->table, &s->node, endpoint_hash_address(ep, prefix)) < 0)
		return NULL;
	return s;
}

struct l2tp_source *source_get(struct l2tp_endpoint *ep, const struct ipaddr *peer)
{
	struct ipaddr prefix = prefix_of(peer);
	struct l2tp_source *s = find(ep, &prefix);

	if (!s)
		return make(ep, &prefix);
	if (!s->n) {
		list_remove(&ep->sources.rank[0], s);
		list_append(&ep->sources.rank[0], s);
	}
	return s;
}

static void set_count(struct l2tp_endpoint *ep, struct l2tp_source *s, unsigned int n)
{
	struct l2tp_sources *ss = &ep->sources;

	list_remove(list_of(ss, s), s);
	s->n = n;
	list_append(list_of(ss, s), s);
	if (n > ss->top)
		ss->top = n < ss->most ? n : ss->most;
	while (ss->top && !ss->rank[ss->top].first)
		ss->top--;
}

/* ---- half-open ---- */

void source_add(struct l2tp_source *s, struct l2tp_tunnel *t)
{
	struct l2tp_setup *setup = t->setup;

	setup->source = s;
	setup->older = s->newest;
	if (setup->older)
		setup->older->newer = setup;
	else
		s->oldest = setup;
	s->newest = setup;
	set_count(t->ep, s, s->n + 1);
}

void source_remove(struct l2tp_tunnel *t)
{
	struct l2tp_setup *setup = t->setup;
	struct l2tp_source *s = setup->source;

	if (!s)
		return;
	if (setup->older)
		setup->older->newer = setup->newer;
	else
		s->oldest = setup->newer;
	if (setup->newer)
		setup->newer->older = setup->older;
	else
		s->newest = setup->older;
	setup->source = NULL;
	set_count(t->ep, s, s->n - 1);
}

static void evict(struct l2tp_endpoint *ep, msec_t now, struct l2tp_source *from)
{
	struct l2tp_tunnel *t = from->oldest->tunnel;
	char at[ADDR_STRLEN];
	struct l2tp_reason why;

	endpoint_count(ep, L2TP_C_EVICTED);
	if (log_allowed(&ep->log_half_open, now, 5, 10000))
		log_warn(
			NULL,
			"tunnel in set-up from %s dropped for a newer one: %u are in set-up, %u of "
			"them from its network; if those are LACs at work, raise %s in `limits`",
			addr_str(&t->path.peer, at), ep->half_open, from->n,
			from->n >= ep->sources.most ? "half-open-per-source" : "half-open");
	reason_set(&why, L2TP_STOP_GENERAL, 0, "dropped for a newer one");
	t->evicted = true;
	tunnel_event(t, now, L2TP_TE_DEAD, NULL, &why);
}

bool source_make_room(struct l2tp_endpoint *ep, msec_t now, struct l2tp_source *s)
{
	const struct l2tp_limits *l = &ep->limits;

	if (s->n >= l->half_open_source)
		evict(ep, now, s);
	else if ((ep->half_open >= l->half_open || ep->live.n >= l->tunnels) && ep->sources.top)
		evict(ep, now, ep->sources.rank[ep->sources.top].first);
	if (ep->half_open < l->half_open && ep->live.n < l->tunnels)
		return true;
	endpoint_count(ep, L2TP_C_HALF_OPEN_LIMIT);
	return false;
}

/* ---- rate and authentication ---- */

bool source_may_ask(struct l2tp_endpoint *ep, msec_t now, struct l2tp_source *s)
{
	const struct l2tp_limits *l = &ep->limits;
	unsigned int burst =
		l->setup_rate > l->half_open_source ? l->setup_rate : l->half_open_source;

	if (s->deaf_until > now) {
		endpoint_count(ep, L2TP_C_AUTH_PENALTY);
		return false;
	}
	if (bucket_take(&s->setups, now, l->setup_rate, burst))
		return true;
	endpoint_count(ep, L2TP_C_SETUP_RATE_LIMIT);
	return false;
}

void source_proven(struct l2tp_tunnel *t)
{
	struct l2tp_source *s = t->setup->source;

	if (!s)
		return;
	bucket_give_back(&s->setups);
	if (t->setup->has_challenge) {
		s->failures = 0;
		s->deaf_until = 0;
	}
}

void source_failed(struct l2tp_tunnel *t, msec_t now)
{
	struct l2tp_source *s = t->setup ? t->setup->source : NULL;
	struct log_who who = tunnel_who(t);
	char at[ADDR_STRLEN];

	if (!s || !t->setup->has_challenge || ++s->failures < t->ep->limits.auth_failures)
		return;
	s->failures = 0;
	s->deaf_until = now + L2TP_DEAF_MS;
	if (log_allowed(&t->ep->log_auth, now, 5, 10000))
		log_warn(&who,
			 "%u wrong challenge responses in a row from the network of %s: no answer "
			 "to its SCCRQ for %u s; is `secret` the same on both sides?",
			 t->ep->limits.auth_failures, addr_str(&t->path.peer, at),
			 L2TP_DEAF_MS / 1000u);
}

void source_missed(struct l2tp_endpoint *ep, const struct ipaddr *peer)
{
	struct ipaddr prefix = prefix_of(peer);
	struct l2tp_source *s = find(ep, &prefix);

	if (s)
		s->failures = 0;
}
