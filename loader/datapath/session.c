/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions as user space knows them: by index for what comes from a peer, by the
 * subscriber's address for what goes to it. The maps are a copy of this that the programs
 * read (maps.c); with mode off this is all there is.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader/datapath/mtu.h"
#include "loader/datapath/private.h"

#define MIN_BUCKETS 1024u

struct session *session_by_index(const struct datapath *dp, uint32_t index)
{
	return index < DP_INDEXES(dp->cfg) ? dp->sessions[index] : NULL;
}

/* ---- the address table ------------------------------------------------------------- */

/* An IPv4 address and the upper half of an IPv6 one can have the same number: v6 is
 * distinguished by what is chained (next4, next6), not by the key. */
static uint32_t bucket_of(const struct datapath *dp, uint64_t key, bool v6)
{
	uint64_t h = (key ^ dp->hash_key ^ (v6 ? 0x5bd1e995u : 0)) * 0x9e3779b97f4a7c15ull;

	return (uint32_t)(h >> 32) & (dp->n_buckets / 2 - 1);
}

/* The first half of the buckets is for IPv4, the second for IPv6. */
static struct session **chain4(const struct datapath *dp, uint32_t addr)
{
	return &dp->buckets[bucket_of(dp, addr, false)];
}

static struct session **chain6(const struct datapath *dp, uint64_t upper)
{
	return &dp->buckets[dp->n_buckets / 2 + bucket_of(dp, upper, true)];
}

static struct session *find4(const struct datapath *dp, uint32_t addr)
{
	struct session *s = *chain4(dp, addr);

	while (s && addr_v4(&s->s.ipv4) != addr)
		s = s->next4;
	return s;
}

static struct session *find6(const struct datapath *dp, uint64_t upper)
{
	struct session *s = *chain6(dp, upper);

	while (s && addr_v6_upper(&s->s.ipv6.addr) != upper)
		s = s->next6;
	return s;
}

struct session *session_by_address(const struct datapath *dp, const struct ipaddr *a)
{
	return addr_is_v4(a) ? find4(dp, addr_v4(a)) : find6(dp, addr_v6_upper(a));
}

static bool has4(const struct dp_session *s)
{
	return addr_is_set(&s->ipv4);
}

static bool has6(const struct dp_session *s)
{
	return s->ipv6.len != 0;
}

static void chain_in(struct datapath *dp, struct session *s)
{
	if (has4(&s->s)) {
		struct session **head = chain4(dp, addr_v4(&s->s.ipv4));

		s->next4 = *head;
		*head = s;
		dp->n_addresses++;
	}
	if (has6(&s->s)) {
		struct session **head = chain6(dp, addr_v6_upper(&s->s.ipv6.addr));

		s->next6 = *head;
		*head = s;
		dp->n_addresses++;
	}
}

static void chain_out(struct datapath *dp, struct session *s)
{
	struct session **at;

	if (has4(&s->s)) {
		at = chain4(dp, addr_v4(&s->s.ipv4));
		while (*at && *at != s)
			at = &(*at)->next4;
		if (*at) {
			*at = s->next4;
			dp->n_addresses--;
		}
	}
	if (has6(&s->s)) {
		at = chain6(dp, addr_v6_upper(&s->s.ipv6.addr));
		while (*at && *at != s)
			at = &(*at)->next6;
		if (*at) {
			*at = s->next6;
			dp->n_addresses--;
		}
	}
	s->next4 = s->next6 = NULL;
}

/* Grows when there are more addresses than buckets. Without memory it stays as it is: only
 * slower. */
static void chains_grow(struct datapath *dp)
{
	struct session **bigger;

	if (dp->n_addresses < dp->n_buckets)
		return;
	bigger = calloc((size_t)dp->n_buckets * 2, sizeof(struct session *));
	if (!bigger)
		return;
	free(dp->buckets);
	dp->buckets = bigger;
	dp->n_buckets *= 2;
	dp->n_addresses = 0;
	for (uint32_t i = 0; i < DP_INDEXES(dp->cfg); i++)
		if (dp->sessions[i])
			chain_in(dp, dp->sessions[i]);
}

int sessions_init(struct datapath *dp)
{
	dp->n_buckets = MIN_BUCKETS;
	dp->buckets = calloc(dp->n_buckets, sizeof(struct session *));
	dp->sessions = calloc(DP_INDEXES(dp->cfg), sizeof(struct session *));
	return dp->buckets && dp->sessions ? traffic_open(dp) : -ENOMEM;
}

/* What the maps hold is not touched: who wants it gone deletes the sessions, or the maps. */
void sessions_free(struct datapath *dp)
{
	for (uint32_t i = 0; dp->sessions && i < DP_INDEXES(dp->cfg); i++)
		free(dp->sessions[i]);
	free(dp->sessions);
	free(dp->buckets);
	dp->sessions = NULL;
	dp->buckets = NULL;
}

/* ---- set and delete ---------------------------------------------------------------- */

bool dp_in_pools(const struct dp_config *cfg, const struct ipaddr *a)
{
	for (unsigned int i = 0; i < cfg->n_pools; i++)
		if (prefix_contains(&cfg->pools[i], a))
			return true;
	return false;
}

bool dp_is_pool(const struct dp_config *cfg, const struct prefix *p)
{
	for (unsigned int i = 0; i < cfg->n_pools; i++)
		if (cfg->pools[i].len == p->len && addr_eq(&cfg->pools[i].addr, &p->addr))
			return true;
	return false;
}

static int check(const struct dp_session *s)
{
	if (!s->tunnel_id || !s->session_id || !s->peer_tunnel_id || !s->peer_session_id)
		return -EINVAL;
	if (addr_is_v4(&s->path.local) != addr_is_v4(&s->path.peer))
		return -EINVAL;
	if (has4(s) && !addr_is_v4(&s->ipv4))
		return -EINVAL;
	/* A subscriber owns a /64; the look-up is by its upper 64 bits, and 0 means none. */
	if (has6(s) && (addr_is_v4(&s->ipv6.addr) || !addr_v6_upper(&s->ipv6.addr)))
		return -EINVAL;
	return 0;
}

static int check_held(const struct datapath *dp, uint32_t index, const struct dp_session *s)
{
	const struct session *held = dp->sessions[index];

	/* The index does not hold all bits of the tunnel ID. */
	if (held && held->s.tunnel_id != s->tunnel_id)
		return -EEXIST;
	held = has4(s) ? find4(dp, addr_v4(&s->ipv4)) : NULL;
	if (held && held->index != index)
		return -EEXIST;
	held = has6(s) ? find6(dp, addr_v6_upper(&s->ipv6.addr)) : NULL;
	return held && held->index != index ? -EEXIST : 0;
}

/* Routes to addresses that no pool's route covers. A route that cannot be set costs the
 * slow path of this one subscriber, and is said in the log. */
static void host_route(struct datapath *dp, const struct ipaddr *a, uint8_t len, bool add)
{
	struct dp_request rq = { .act = DP_DO_ROUTE, .add = add, .prefix = { *a, len } };
	struct dp_answer answer;
	char buf[PREFIX_STRLEN];
	struct claim *there;
	int rc;

	if (len == 64)
		memset(rq.prefix.addr.b + 8, 0, 8);
	there = dp->ready ? NULL : claim_find(&dp->routes, &rq.prefix);
	if (there) {
		there->claimed = add;
		return;
	}
	rc = request(dp, &rq, &answer);
	if (rc < 0 && add)
		log_warn(NULL, "route to %s by %s: %s", prefix_str(&rq.prefix, buf), dp->tun_name,
			 strerror(-rc));
}

static void host_routes(struct datapath *dp, struct session *s, bool add)
{
	if (add) {
		s->host_route4 = has4(&s->s) && !dp_in_pools(dp->cfg, &s->s.ipv4);
		s->host_route6 = has6(&s->s) && !dp_in_pools(dp->cfg, &s->s.ipv6.addr);
	}
	if (s->host_route4)
		host_route(dp, &s->s.ipv4, 32, add);
	if (s->host_route6)
		host_route(dp, &s->s.ipv6.addr, 64, add);
	if (!add)
		s->host_route4 = s->host_route6 = false;
}

static uint16_t mtu_of(const struct datapath *dp, const struct session *s)
{
	return mtu_session(tunnel_mtu(s->tunnel), s->s.peer_mru, (uint16_t)dp->cfg->mtu_limit,
			   !addr_is_v4(&s->s.path.local), s->s.seq_send, s->s.acfc);
}

void session_resize(struct datapath *dp, struct session *s)
{
	uint16_t mtu = mtu_of(dp, s);

	if (mtu == s->mtu)
		return;
	s->mtu = mtu;
	maps_session_put(dp, s, false);
	if (dp->ops->mtu_changed)
		dp->ops->mtu_changed(dp->ctx, s->index, mtu);
}

static bool same_addresses(const struct dp_session *a, const struct dp_session *b)
{
	return addr_eq(&a->ipv4, &b->ipv4) && addr_eq(&a->ipv6.addr, &b->ipv6.addr) &&
	       a->ipv6.len == b->ipv6.len;
}

static void count_adoption(struct datapath *dp, enum adopt how)
{
	if (how == ADOPT_KEPT)
		dp->adoption.kept++;
	else
		dp->adoption.put++;
}

/* What ICMP told an earlier daemon of the path is in what it left: to forget it would cost the
 * first large packet of each session. It is believed for as long as if it had come now. */
static void recall_mtu(struct datapath *dp, struct session *s)
{
	uint16_t had = maps_session_mtu(dp, s);
	uint32_t way = had + mtu_overhead(!addr_is_v4(&s->s.path.local), s->s.seq_send, s->s.acfc);

	if (!had || had >= s->mtu || way >= tunnel_mtu(s->tunnel))
		return;
	tunnel_learn(dp, s->tunnel, (uint16_t)way);
	s->mtu = mtu_of(dp, s);
}

/* Writes the session, and its counters' beginning if it is not one that stands there. */
static void put(struct datapath *dp, struct session *s)
{
	enum adopt how = ADOPT_FRESH;

	if (dp->ready) {
		workers_place(dp, s->index, true);
		maps_session_put(dp, s, true);
	} else {
		recall_mtu(dp, s);
		how = maps_session_adopt(dp, s);
		count_adoption(dp, how);
		workers_place(dp, s->index, how == ADOPT_FRESH);
	}
	s->hook_is_new = how == ADOPT_FRESH;
	s->slow_is_new = !traffic_claim(dp, s, dp->ready);
}

/* DP-LIFE-1: first the session, complete, then the ways to it. */
static int install(struct datapath *dp, struct session *s, bool new)
{
	int rc;

	if (new)
		put(dp, s);
	else
		maps_session_put(dp, s, false);
	rc = maps_address_put(dp, s);
	if (rc < 0)
		return rc;
	chain_in(dp, s);
	chains_grow(dp);
	host_routes(dp, s, true);
	return 0;
}

static void withdraw(struct datapath *dp, struct session *s)
{
	host_routes(dp, s, false);
	chain_out(dp, s);
	maps_address_del(dp, s);
}

static int session_add(struct datapath *dp, uint32_t index, const struct dp_session *new)
{
	struct session *s = calloc(1, sizeof(*s));
	struct tunnel *t = s ? tunnel_for(dp, new->tunnel_id, &new->path) : NULL;
	int rc;

	if (!t) {
		free(s);
		return -ENOMEM;
	}
	s->s = *new;
	s->index = index;
	tunnel_join(t, s);
	s->mtu = mtu_of(dp, s);
	dp->sessions[index] = s;
	rc = install(dp, s, true);
	if (rc < 0)
		dp_session_del(dp, index);
	return rc;
}

static int session_change(struct datapath *dp, struct session *s, const struct dp_session *new)
{
	bool readdressed = !same_addresses(&s->s, new);

	if (!tunnel_for(dp, new->tunnel_id, &new->path))
		return -ENOMEM;
	if (readdressed)
		withdraw(dp, s);
	s->s = *new;
	s->mtu = mtu_of(dp, s);
	traffic_claim(dp, s, false);
	if (readdressed)
		return install(dp, s, false);
	maps_session_put(dp, s, false);
	return 0;
}

int dp_session_set(struct datapath *dp, const struct dp_session *new)
{
	uint32_t index = dp_index(dp->cfg->shards, new->tunnel_id, new->session_id);
	struct session *held = session_by_index(dp, index);
	int rc = check(new);

	if (rc == 0)
		rc = check_held(dp, index, new);
	if (rc < 0)
		return rc;
	return held ? session_change(dp, held, new) : session_add(dp, index, new);
}

void dp_session_del(struct datapath *dp, uint32_t index)
{
	struct session *s = session_by_index(dp, index);

	if (!s)
		return;
	withdraw(dp, s);
	maps_session_kill(dp, index);
	workers_forget(dp, index);
	dp->sessions[index] = NULL;
	tunnel_leave(dp, s);
	free(s);
}

/* ---- what is known of one ---------------------------------------------------------- */

uint16_t dp_session_mtu(const struct datapath *dp, uint32_t index)
{
	const struct session *s = session_by_index(dp, index);

	return s ? s->mtu : 0;
}

/* Of both ways. */
static struct dp_traffic traffic_at_hook(const struct datapath *dp, uint32_t index,
					 const struct l2x_traffic *hook)
{
	struct l2x_traffic sum = { 0 };
	struct dp_traffic t = { 0 };

#define LOAD(field) __atomic_load_n(&hook->field, __ATOMIC_RELAXED)
	sum.rx_packets = LOAD(rx_packets);
	sum.rx_bytes = LOAD(rx_bytes);
	sum.tx_packets = LOAD(tx_packets);
	sum.tx_bytes = LOAD(tx_bytes);
	short_count(dp, index, &sum);
	t.hook_rx.packets = sum.rx_packets;
	t.hook_rx.bytes = sum.rx_bytes;
	t.hook_rx.drops = LOAD(rx_drops);
	t.hook_rx.lost = LOAD(rx_lost);
	t.hook_tx.packets = sum.tx_packets;
	t.hook_tx.bytes = sum.tx_bytes;
	t.hook_tx.drops = LOAD(tx_drops);
#undef LOAD
	return t;
}

/* The session itself is not touched: a million are read. */
static struct dp_traffic traffic_of(const struct datapath *dp, uint32_t index)
{
	const struct l2x_traffic *hook = maps_traffic(dp, index);
	const struct slow_traffic *slow = &dp->traffic[index];
	struct dp_traffic t = { 0 };

	if (hook)
		t = traffic_at_hook(dp, index, hook);
	memcpy(&t.slow_rx, &slow->rx, sizeof(t.slow_rx));
	memcpy(&t.slow_tx, &slow->tx, sizeof(t.slow_tx));
	return t;
}

int dp_session_traffic(struct datapath *dp, uint32_t index, struct dp_traffic *ret)
{
	if (!session_by_index(dp, index))
		return -ENOENT;
	*ret = traffic_of(dp, index);
	return 0;
}

static uint64_t words(const void *numbers, size_t len)
{
	const uint64_t *n = numbers;
	uint64_t sum = 0;

	for (size_t i = 0; i < len / sizeof(*n); i++)
		sum += n[i];
	return sum;
}

uint64_t dp_traffic_sum(const struct datapath *dp, uint32_t index)
{
	const struct l2x_traffic *hook = maps_traffic(dp, index);
	const struct slow_traffic *slow = &dp->traffic[index];
	uint64_t sum = words(&slow->rx, sizeof(slow->rx)) + words(&slow->tx, sizeof(slow->tx));

	/* not by traffic_of, whose struct would be most of the work */
#define LOAD(field) __atomic_load_n(&hook->field, __ATOMIC_RELAXED)
	if (hook)
		sum += LOAD(rx_packets) + LOAD(rx_bytes) + LOAD(rx_drops) + LOAD(rx_lost) +
		       LOAD(tx_packets) + LOAD(tx_bytes) + LOAD(tx_drops) + short_sum(dp, index);
#undef LOAD
	return sum;
}

/* The program may be adding to them already. */
void dp_session_traffic_restore(struct datapath *dp, uint32_t index, const struct dp_traffic *t)
{
	struct session *s = session_by_index(dp, index);
	struct l2x_traffic *hook = maps_traffic(dp, index);

	if (!s)
		return;
#define ADD(field, value) __atomic_fetch_add(&hook->field, value, __ATOMIC_RELAXED)
	if (hook && s->hook_is_new) {
		ADD(rx_packets, t->hook_rx.packets);
		ADD(rx_bytes, t->hook_rx.bytes);
		ADD(rx_drops, t->hook_rx.drops);
		ADD(rx_lost, t->hook_rx.lost);
		ADD(tx_packets, t->hook_tx.packets);
		ADD(tx_bytes, t->hook_tx.bytes);
		ADD(tx_drops, t->hook_tx.drops);
	}
#undef ADD
	if (s->slow_is_new) {
		memcpy(&s->slow->rx, &t->slow_rx, sizeof(s->slow->rx));
		memcpy(&s->slow->tx, &t->slow_tx, sizeof(s->slow->tx));
	}
	s->hook_is_new = s->slow_is_new = false;
}

/* Asked of a million sessions every 30 s: the session itself is not touched, nor the table of them. */
uint64_t dp_session_rx(const struct datapath *dp, uint32_t index)
{
	const struct l2x_traffic *hook = maps_traffic(dp, index);
	uint64_t slow = dp->traffic[index].rx.packets;

	if (!hook)
		return slow;
	return slow + short_rx(dp, index) + __atomic_load_n(&hook->rx_packets, __ATOMIC_RELAXED) +
	       __atomic_load_n(&hook->echoes, __ATOMIC_RELAXED);
}
