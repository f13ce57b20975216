/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which addresses a subscriber gets: the user's own (fourth column of the users file), or
 * some of the profile's pool; and how they come back. A session of an earlier daemon keeps
 * those that it had (addresses_claim), also when no pool has them any more.
 */
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <string.h>

#include "loader/lns_internal.h"

static int by_ipv4(const void *a, const void *b)
{
	const struct session *x = a, *y = b;

	return memcmp(&x->ipv4, &y->ipv4, sizeof(x->ipv4));
}

void addresses_give_back(struct session *s)
{
	struct lns *lns = s->lns;

	if (!addr_is_set(&s->ipv4) && !s->ipv6.len && s->pool4 == NO_POOL && s->pool6 == NO_POOL)
		return;
	if (s->pool4 != NO_POOL)
		pool_release4(lns->pools[s->pool4], &s->ipv4);
	if (s->pool6 != NO_POOL)
		pool_release6(lns->pools[s->pool6], &s->ipv6);
	if (s->ipv4_static)
		tdelete(s, &lns->statics, by_ipv4);
	s->pool4 = s->pool6 = NO_POOL;
	s->ipv4_static = false;
	memset(&s->ipv4, 0, sizeof(s->ipv4));
	memset(&s->ipv6, 0, sizeof(s->ipv6));
	s->dp.ipv4 = s->ipv4;
	s->dp.ipv6 = s->ipv6;
	if (s->in_dp)
		dp_session_set(lns->dp, &s->dp);
}

void addresses_keep_static(struct session *s)
{
	s->ipv4_static = tsearch(s, &s->lns->statics, by_ipv4) != NULL;
}

static struct session *static_holder(struct lns *lns, const struct ipaddr *a)
{
	struct session key = { .ipv4 = *a };
	void *node = tfind(&key, &lns->statics, by_ipv4);

	return node ? *(struct session **)node : NULL;
}

struct peer_ask {
	const struct ipaddr *addr;
	bool found;
};

static bool ask_peer(void *arg, struct l2tp_tunnel *t)
{
	struct peer_ask *ask = arg;

	ask->found = addr_eq(&l2tp_tunnel_path(t)->peer, ask->addr);
	return !ask->found;
}

/* What the users file should not give away: NULL if there is nothing against it. */
static const char *why_not_static(const struct lns *lns, const struct ipaddr *a)
{
	const struct dp_config *d = &lns->cfg->datapath;
	uint32_t v4 = addr_v4(a);
	struct peer_ask ask = { .addr = a };

	if (v4 >> 24 == 0 || v4 >> 24 == 127 || v4 >> 28 >= 14)
		return "no unicast address";
	for (unsigned int i = 0; i < d->n_local; i++)
		if (addr_eq(&d->local[i], a))
			return "a local-address of ours";
	for (unsigned int i = 0; i < d->n_listen; i++)
		if (addr_eq(&d->listen[i], a))
			return "a listen address of ours";
	if (dp_is_own_address(lns->dp, a))
		return "this host's own";
	l2tp_tunnels_visit(lns->l2tp, ask_peer, &ask);
	return ask.found ? "a tunnel's peer" : NULL;
}

/* A static address belongs to the user: a session of the same user that still holds it
 * (its client died and came back) gives way. Pools keep static addresses back, so that
 * nobody else can hold one. */
static int claim_static(struct session *s, const struct ipaddr *a)
{
	struct session *old = static_holder(s->lns, a);
	const char *why = why_not_static(s->lns, a);
	struct log_who who = session_who(s);
	char buf[ADDR_STRLEN];

	if (why) {
		log_warn(&who, "refused: its static address %s is %s; correct the users file",
			 addr_str(a, buf), why);
		return -EBUSY;
	}
	if (old && (!old->user || !s->user || strcmp(old->user, s->user) != 0)) {
		log_warn(&who, "refused: static address %s is held by session %u of another user",
			 addr_str(a, buf), old->index);
		return -EBUSY;
	}
	if (old) {
		log_note(&who, "takes %s over from session %u of the same user", addr_str(a, buf),
			 old->index);
		session_close_call(old, L2TP_CDN_ADMIN,
				   "replaced by a new session of the same user");
	}
	s->ipv4 = *a;
	addresses_keep_static(s);
	return s->ipv4_static ? 0 : -ENOMEM;
}

static int grant_ipv4(struct session *s, const struct user_entry *user)
{
	struct pool *pool = s->profile->pool == NO_POOL ? NULL : s->lns->pools[s->profile->pool];
	int ret;

	if (!s->profile->ipv4 || (user && user->no_ipv4))
		return 0;
	if (user && addr_is_set(&user->ipv4))
		return claim_static(s, &user->ipv4);
	if (!pool)
		return -ENOENT;
	ret = pool_take4(pool, &s->ipv4);
	s->pool4 = ret == 0 ? s->profile->pool : NO_POOL;
	return ret;
}

static int grant_ipv6(struct session *s)
{
	struct pool *pool = s->profile->pool == NO_POOL ? NULL : s->lns->pools[s->profile->pool];
	int ret;

	if (!s->profile->ipv6 || !pool)
		return 0;
	ret = pool_take6(pool, &s->ipv6);
	s->pool6 = ret == 0 ? s->profile->pool : NO_POOL;
	return ret == -ENOENT ? 0 : ret;
}

static void tell_no_address(const struct session *s, int v4, int v6)
{
	const struct config *cfg = s->lns->cfg;
	const char *pool = s->profile->pool == NO_POOL ? "" : cfg->pools[s->profile->pool].name;
	struct log_who who = session_who(s);

	if (v4 != -ENOSPC && v4 != -ENOENT && !v6)
		return; /* what else there is has been told */
	if (!log_allowed(&s->lns->pool_log, s->lns->now, 20, 1000))
		return;
	if (v4 == -ENOSPC)
		log_warn(&who, "no IPv4 address: pool %s is used up; give it more under `pools`",
			 pool);
	else if (v4 == -ENOENT)
		log_warn(&who, "no IPv4 address: profile %s has no pool with any",
			 s->profile->name);
	if (v6)
		log_warn(&who, "no IPv6 prefix: pool %s is used up; give it more under `pools`",
			 pool);
}

bool addresses_grant(struct session *s, const struct user_entry *user, struct ppp_grant *ret)
{
	const struct config_profile *p = s->profile;
	int v4 = 0, v6 = 0;

	/* LCP negotiated anew by the same user: nothing changes (PPP-IPCP-5) */
	if (!addr_is_set(&s->ipv4) && !s->ipv6.len) {
		v4 = grant_ipv4(s, user);
		v6 = grant_ipv6(s);
		tell_no_address(s, v4, v6);
	}
	if (v4 == -EBUSY || (!addr_is_set(&s->ipv4) && !s->ipv6.len))
		return false;
	ret->ipv4 = s->ipv4;
	ret->ipv6 = s->ipv6;
	ret->local_ipv4 = p->local_address;
	memcpy(ret->dns4, p->dns4, sizeof(ret->dns4));
	memcpy(ret->dns6, p->dns6, sizeof(ret->dns6));
	memcpy(ret->nbns, p->nbns, sizeof(ret->nbns));
	return true;
}

static unsigned int claim(struct session *s, bool v6)
{
	struct lns *lns = s->lns;
	unsigned int own = s->profile->pool;

	for (unsigned int i = 0; i <= lns->cfg->n_pools; i++) {
		/* the profile's own first, then any */
		unsigned int at = i ? i - 1 : own;

		if (at == NO_POOL)
			continue;
		if ((v6 ? pool_claim6(lns->pools[at], &s->ipv6)
			: pool_claim4(lns->pools[at], &s->ipv4)) == 0)
			return at;
	}
	return NO_POOL;
}

unsigned int addresses_claim(struct session *s, bool fixed, bool pool4, bool pool6)
{
	unsigned int nobodys = 0;

	if (fixed)
		addresses_keep_static(s);
	else if (pool4)
		nobodys += (s->pool4 = claim(s, false)) == NO_POOL;
	if (pool6)
		nobodys += (s->pool6 = claim(s, true)) == NO_POOL;
	return nobodys;
}
