/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What concerns more than one value of the configuration: keys that must be there, names
 * that must be unique or exist, prefixes that must not meet, choices that need others.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/aaa/file.h"
#include "loader/base/log.h"
#include "loader/control/config_load.h"

#define SECRET_MAX 255u
#define SECRET_FILE_MAX 4096u

/* ---- names ---- */

struct named {
	const char *name;
	unsigned int line, index;
};

static int by_name(const void *a, const void *b)
{
	const struct named *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	if (order)
		return order;
	return x->index < y->index ? -1 : 1;
}

/* The list sorted by name, for `named_find`; the caller's to free. Says what is missing
 * and what is there twice. */
static struct named *names_check(struct load *ld, const char *what, unsigned int n,
				 const struct said *(*get)(struct load *ld, unsigned int i,
							   const char **name),
				 unsigned int *ret_n)
{
	struct named *list = calloc(n ? n : 1, sizeof(*list));
	unsigned int i, kept = 0;

	*ret_n = 0;
	if (!list) {
		ld->faults.no_memory = true;
		return NULL;
	}
	for (i = 0; i < n; i++) {
		const char *name = NULL;
		const struct said *said = get(ld, i, &name);

		if (name)
			list[kept++] = (struct named){ name, said->key[0], i };
		else if (!said->key[0])
			fault_add(&ld->faults, said->line, "%s has no name; add name:", what);
	}
	qsort(list, kept, sizeof(*list), by_name);
	for (i = 1; i < kept; i++) {
		if (strcmp(list[i].name, list[i - 1].name) != 0)
			continue;
		fault_add(&ld->faults, list[i].line,
			  "%s named %s is there already, on line %u; rename one", what,
			  list[i].name, list[i - 1].line);
	}
	*ret_n = kept;
	return list;
}

static unsigned int named_find(const struct named *list, unsigned int n, const char *name)
{
	unsigned int low = 0, high = n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(list[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < n && !strcmp(list[low].name, name) ? list[low].index : UINT_MAX;
}

static const struct said *peer_name(struct load *ld, unsigned int i, const char **name)
{
	*name = ld->peers[i].c.name;
	return &ld->peers[i].said;
}

static const struct said *profile_name(struct load *ld, unsigned int i, const char **name)
{
	*name = ld->profiles[i].c.name;
	return &ld->profiles[i].said;
}

static const struct said *pool_name(struct load *ld, unsigned int i, const char **name)
{
	*name = ld->pools[i].c.name;
	return &ld->pools[i].said;
}

static void dangling(struct load *ld, unsigned int line, const char *what, const char *name,
		     const struct named *list, unsigned int n)
{
	char q[LOG_QUOTE_LEN];

	log_quote(name, strlen(name), q, sizeof(q));
	if (n)
		fault_add(&ld->faults, line, "no %s is named %s; add it to %ss, or name %s", what,
			  q, what, list[0].name);
	else
		fault_add(&ld->faults, line, "no %s is named %s; add it to %ss", what, q, what);
}

static void resolve_names(struct load *ld)
{
	struct named *profiles, *pools, *peers;
	unsigned int i, n_profiles, n_pools, n_peers;

	peers = names_check(ld, "a peer", ld->n_peers, peer_name, &n_peers);
	profiles = names_check(ld, "a profile", ld->n_profiles, profile_name, &n_profiles);
	pools = names_check(ld, "a pool", ld->n_pools, pool_name, &n_pools);
	for (i = 0; i < ld->n_peers && profiles; i++) {
		struct raw_peer *p = &ld->peers[i];

		if (!p->profile)
			continue;
		p->c.profile = named_find(profiles, n_profiles, p->profile);
		if (p->c.profile == UINT_MAX)
			dangling(ld, p->said.key[PEER_PROFILE], "profile", p->profile, profiles,
				 n_profiles);
	}
	for (i = 0; i < ld->n_profiles && pools; i++) {
		struct raw_profile *p = &ld->profiles[i];

		if (!p->pool)
			continue;
		p->c.pool = named_find(pools, n_pools, p->pool);
		if (p->c.pool == UINT_MAX)
			dangling(ld, p->said.key[PROFILE_POOL], "pool", p->pool, pools, n_pools);
	}
	free(peers);
	free(profiles);
	free(pools);
}

/* ---- pools ---- */

struct range {
	const struct prefix *prefix;
	const char *pool;
	unsigned int line;
};

/* Ranges of one family, by address and then the wider first: two that meet stand next to
 * each other, or the wider one does further up. */
static int by_address(const void *a, const void *b)
{
	const struct range *x = a, *y = b;
	int order = memcmp(&x->prefix->addr, &y->prefix->addr, sizeof(struct ipaddr));

	if (order)
		return order;
	if (x->prefix->len != y->prefix->len)
		return x->prefix->len < y->prefix->len ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

static void check_overlap(struct load *ld, struct range *list, unsigned int n)
{
	const struct range *widest = NULL;
	unsigned int i;

	qsort(list, n, sizeof(*list), by_address);
	for (i = 0; i < n; i++) {
		char a[PREFIX_STRLEN], b[PREFIX_STRLEN];
		const struct range *r = &list[i];

		if (widest && addr_is_v4(&widest->prefix->addr) == addr_is_v4(&r->prefix->addr) &&
		    prefix_contains(widest->prefix, &r->prefix->addr))
			fault_add(&ld->faults, r->line,
				  "%s of pool %s overlaps %s of pool %s on line %u; "
				  "give each pool its own range",
				  prefix_str(r->prefix, a), r->pool, prefix_str(widest->prefix, b),
				  widest->pool, widest->line);
		else
			widest = r;
	}
}

static void check_pools(struct load *ld)
{
	struct dp_config *dp = &ld->cfg->datapath;
	struct range list[DP_MAX_POOLS];
	unsigned int i, j, n = 0;

	for (i = 0; i < ld->n_pools; i++) {
		struct raw_pool *p = &ld->pools[i];
		const char *name = p->c.name ? p->c.name : "without name";

		if (!p->said.key[POOL_IPV4] && !p->said.key[POOL_IPV6])
			fault_add(&ld->faults, p->said.line,
				  "pool %s has no range; add ipv4:, ipv6: or both", name);
		for (j = 0; j < p->c.n_ipv4 + p->c.n_ipv6; j++) {
			bool v4 = j < p->c.n_ipv4;
			unsigned int k = v4 ? j : j - p->c.n_ipv4;
			unsigned int line = v4 ? p->line4[k] : p->line6[k];

			if (n == DP_MAX_POOLS) {
				fault_add(&ld->faults, line,
					  "more than %u ranges in all pools; join some",
					  DP_MAX_POOLS);
				return;
			}
			list[n] = (struct range){ v4 ? &p->c.ipv4[k] : &p->c.ipv6[k], name, line };
			dp->pools[n] = *list[n].prefix;
			n++;
		}
	}
	dp->n_pools = n;
	check_overlap(ld, list, n);
}

/* ---- profiles ---- */

static void check_profile_ipv4(struct load *ld, struct raw_profile *p,
			       const struct config_pool *pool)
{
	unsigned int at = p->said.key[PROFILE_IPV4] ? p->said.key[PROFILE_IPV4] : p->said.line;

	if (!p->said.key[PROFILE_IPV4] && !p->said.key[PROFILE_LOCAL_ADDRESS] &&
	    !(pool && pool->n_ipv4))
		p->c.ipv4 = false;
	if (!p->c.ipv4)
		return;
	if (!p->said.key[PROFILE_LOCAL_ADDRESS])
		fault_add(&ld->faults, at,
			  "IPv4 without local-address; add local-address:, or ipv4: false");
	else if (!(pool && pool->n_ipv4) && !ld->cfg->users)
		fault_add(&ld->faults, at,
			  "IPv4 without addresses to give; name a pool with ipv4:, "
			  "or a users file with addresses");
}

static void check_profile_ipv6(struct load *ld, struct raw_profile *p,
			       const struct config_pool *pool)
{
	if (pool && pool->n_ipv6)
		return;
	if (p->said.key[PROFILE_IPV6] && p->c.ipv6)
		fault_add(&ld->faults, p->said.key[PROFILE_IPV6],
			  "IPv6 needs a pool with ipv6:; name one with pool:, or say ipv6: false");
	p->c.ipv6 = false;
}

/* Our address on l2tp0, once for each value. */
static void add_local(struct load *ld, const struct raw_profile *p)
{
	struct dp_config *dp = &ld->cfg->datapath;
	unsigned int i;

	if (!addr_is_set(&p->c.local_address))
		return;
	for (i = 0; i < dp->n_local; i++) {
		if (addr_eq(&dp->local[i], &p->c.local_address))
			return;
	}
	if (i == DP_MAX_POOLS)
		fault_add(&ld->faults, p->said.key[PROFILE_LOCAL_ADDRESS],
			  "more than %u different local addresses; let profiles share them",
			  DP_MAX_POOLS);
	else
		dp->local[dp->n_local++] = p->c.local_address;
}

static void check_profiles(struct load *ld)
{
	unsigned int i;

	for (i = 0; i < ld->n_profiles; i++) {
		struct raw_profile *p = &ld->profiles[i];
		const struct config_pool *pool = NULL;

		if (p->c.pool != UINT_MAX)
			pool = &ld->pools[p->c.pool].c;
		p->c.isolate = ld->cfg->datapath.isolate;
		add_local(ld, p);
		if (p->pool && !pool) /* dangling, said already */
			continue;
		check_profile_ipv4(ld, p, pool);
		check_profile_ipv6(ld, p, pool);
		if (!p->c.ipv4 && !p->c.ipv6)
			fault_add(&ld->faults, p->said.line,
				  "a profile with neither IPv4 nor IPv6; name a pool with pool:");
		if (p->c.n_auths && !ld->cfg->users)
			fault_add(&ld->faults,
				  p->said.key[PROFILE_AUTHENTICATION]
					  ? p->said.key[PROFILE_AUTHENTICATION]
					  : p->said.line,
				  "authentication without users; add users: FILE, "
				  "or authentication: none");
	}
}

/* ---- peers ---- */

char *secret_from_file(struct load *ld, unsigned int line, const char *key, const char *file)
{
	char q[LOG_QUOTE_LEN], *secret = NULL;
	struct file f = { 0 };
	size_t len;
	int err;

	log_quote(file, strlen(file), q, sizeof(q));
	err = file_read(file, SECRET_FILE_MAX, &f);
	if (err) {
		fault_add(&ld->faults, line, "%s %s: %s; make it a readable file of one line", key,
			  q, err == -EINVAL ? "not a regular file" : strerror(-err));
		return NULL;
	}
	if (f.exposed)
		log_warn(NULL, "%s %s can be read by others; chmod 600 it", key, q);
	len = strcspn(f.text, "\r\n");
	if (!len || len > SECRET_MAX || (f.text[len] == '\0' && len < f.len)) {
		fault_add(&ld->faults, line,
			  "%s %s: its first line is no secret of 1 to %u octets; mend it", key, q,
			  SECRET_MAX);
	} else {
		secret = strndup(f.text, len);
		ld->faults.no_memory |= !secret;
	}
	file_wipe(&f);
	return secret;
}

static void check_peer(struct load *ld, struct raw_peer *p)
{
	const struct said *s = &p->said;
	bool secret = s->key[PEER_SECRET] || s->key[PEER_SECRET_FILE];

	if (!s->key[PEER_ADDRESS])
		fault_add(&ld->faults, s->line,
			  "a peer has no address; add address: PREFIX, from where it may connect");
	if (!s->key[PEER_PROFILE])
		fault_add(&ld->faults, s->line,
			  "a peer has no profile; add profile: NAME, for its subscribers");
	if (s->key[PEER_SECRET] && s->key[PEER_SECRET_FILE])
		fault_add(&ld->faults, s->key[PEER_SECRET_FILE],
			  "secret-file beside secret on line %u; remove one", s->key[PEER_SECRET]);
	else if (p->secret_file)
		p->c.secret = secret_from_file(ld, s->key[PEER_SECRET_FILE], "secret-file",
					       p->secret_file);
	if (p->c.hide_avps && !secret)
		fault_add(&ld->faults, s->key[PEER_HIDE_AVPS],
			  "hide-avps needs a secret; add secret: or secret-file:");
}

static unsigned int mapped_len(const struct prefix *p)
{
	return addr_is_v4(&p->addr) ? 96u + p->len : p->len;
}

/* The longest prefix first, then by address: the order that config_peer_of searches. */
static int by_prefix(const void *a, const void *b)
{
	const struct raw_peer *x = a, *y = b;
	unsigned int lx = mapped_len(&x->c.address), ly = mapped_len(&y->c.address);
	int order;

	if (lx != ly)
		return lx > ly ? -1 : 1;
	order = memcmp(&x->c.address.addr, &y->c.address.addr, sizeof(struct ipaddr));
	if (order)
		return order;
	return x->said.line < y->said.line ? -1 : x->said.line > y->said.line;
}

static void check_peers(struct load *ld)
{
	char text[PREFIX_STRLEN];
	unsigned int i;

	for (i = 0; i < ld->n_peers; i++)
		check_peer(ld, &ld->peers[i]);
	if (ld->n_peers)
		qsort(ld->peers, ld->n_peers, sizeof(*ld->peers), by_prefix);
	for (i = 1; i < ld->n_peers; i++) {
		const struct raw_peer *p = &ld->peers[i], *q = p - 1;

		if (!addr_is_set(&p->c.address.addr) && !p->c.address.len &&
		    !p->said.key[PEER_ADDRESS])
			continue;
		if (mapped_len(&p->c.address) == mapped_len(&q->c.address) &&
		    addr_eq(&p->c.address.addr, &q->c.address.addr) && q->said.key[PEER_ADDRESS])
			fault_add(&ld->faults, p->said.key[PEER_ADDRESS],
				  "%s is already the address of peer %s on line %u; give each peer "
				  "its own prefix",
				  prefix_str(&p->c.address, text),
				  q->c.name ? q->c.name : "without name",
				  q->said.key[PEER_ADDRESS]);
	}
}

/* ---- the rest ---- */

static void check_datapath(struct load *ld)
{
	struct dp_config *dp = &ld->cfg->datapath;
	unsigned int at = ld->datapath.line ? ld->datapath.line : 1;

	if (dp->shards & (dp->shards - 1))
		fault_add(&ld->faults, ld->datapath.key[DATAPATH_SHARDS],
			  "shards is %u; it is a power of two: 1, 2, 4 ... %u", dp->shards,
			  L2X_MAX_SHARDS);
	if (!dp->n_interfaces && dp->mode != DP_OFF)
		fault_add(&ld->faults,
			  ld->datapath.key[DATAPATH_INTERFACES]
				  ? ld->datapath.key[DATAPATH_INTERFACES]
				  : at,
			  "datapath has no interfaces; add interfaces: [DEV, ...], or mode: off");
	if (dp->mode == DP_TC && dp->workers.mode != DP_WORKERS_OFF)
		fault_add(&ld->faults, ld->datapath.key[DATAPATH_WORKERS],
			  "workers need XDP; remove them, or mode: tc");
	if (!dp->n_listen && !ld->top.key[TOP_LISTEN])
		fault_add(&ld->faults, 1,
			  "no listen; add listen: [ADDRESS], the addresses that peers connect to");
	else if (!dp->n_listen)
		fault_add(&ld->faults, ld->top.key[TOP_LISTEN],
			  "listen has no address; name those that peers connect to");
}

static void check_lists(struct load *ld)
{
	bool pseudowires = ld->top.key[TOP_PSEUDOWIRES] || ld->n_pws[1];

	if (!ld->top.key[TOP_PEERS] && !pseudowires)
		fault_add(&ld->faults, 1,
			  "no peers, so nobody may connect; add peers:, or pseudowires:");
	else if (ld->top.key[TOP_PEERS] && !ld->n_peers)
		fault_add(&ld->faults, ld->top.key[TOP_PEERS],
			  "peers is empty, so nobody may connect; add one");
	if (!ld->top.key[TOP_PROFILES] && ld->n_peers)
		fault_add(&ld->faults, 1, "no profiles; add profiles: with one that peers name");
}

/* Each holds a store of its own; in one place they would be one. */
static void check_directories(struct load *ld)
{
	const struct config *c = ld->cfg;
	unsigned int line = ld->top.key[TOP_RUNTIME_DIRECTORY] ? ld->top.key[TOP_RUNTIME_DIRECTORY]
							       : ld->top.key[TOP_STATE_DIRECTORY];

	if (!strcmp(c->state_dir, c->run_dir))
		fault_add(&ld->faults, line,
			  "runtime-directory and state-directory are both %s; let the first be in "
			  "memory (/run/l2xdp), and the second on a disk",
			  c->run_dir);
}

void check_all(struct load *ld)
{
	check_directories(ld);
	check_datapath(ld);
	check_lists(ld);
	resolve_names(ld);
	check_pools(ld);
	check_profiles(ld);
	check_peers(ld);
	check_pseudowires(ld);
}
