/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that goes in and out of the maps of maps/schema.h. Arrays are mapped into the
 * daemon, so that a session is written without a system call, and by a process that has no
 * right to any; hosts and VLANs are hashes, which the privileged process writes (hash.c). A value that a program may
 * be reading is taken through generation 0 (dead), written, and given the next generation:
 * the reader sees all of the old, none, or all of the new one.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <unistd.h>

#include "loader/datapath/private.h"

#define OUTER_TTL 64 /* DP-TX-5 */
#define PW_ELEMENTS 1024u /* of pws, at least: more pseudowires rarely make another map */

/* ---- arrays -------------------------------------------------------------------------- */

int map_array_open(struct map_array *a, int fd, char *err, size_t errlen, const char *name)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *mem;

	memset(a, 0, sizeof(*a));
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return dp_fail(-errno, err, errlen, "map %s: %s", name, strerror(errno));
	a->n = info.max_entries;
	a->value_size = info.value_size;
	a->stride = (info.value_size + 7) & ~7u;
	a->mem_len = ((size_t)a->n * a->stride + page - 1) & ~(page - 1);
	mem = mmap(NULL, a->mem_len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		return dp_fail(-errno, err, errlen, "map %s: cannot map %zu octets: %s", name,
			       a->mem_len, strerror(errno));
	a->mem = mem;
	return 0;
}

void map_array_close(struct map_array *a)
{
	if (a->mem)
		munmap(a->mem, a->mem_len);
	a->mem = NULL;
}

void *map_array_at(const struct map_array *a, uint32_t i)
{
	return a->mem && i < a->n ? a->mem + (size_t)i * a->stride : NULL;
}

uint32_t *maps_slot_at(const struct map_array *pool, uint32_t slot)
{
	struct l2x_slots *line = map_array_at(pool, slot / L2X_SLOTS);

	return line ? &line->index[slot % L2X_SLOTS] : NULL;
}

/* ---- sessions ------------------------------------------------------------------------ */

/* Another daemon may have written these lines before us: from a random number on, so that a
 * line that a program is reading does not get the generation that it had. */
void maps_start(struct datapath *dp)
{
	struct dp_maps *m = dp->maps;

	if (m && getrandom(&m->generation, sizeof(m->generation), 0) < 0)
		m->generation = (uint32_t)dp_now();
}

uint32_t maps_generation(struct dp_maps *m, uint32_t has)
{
	do
		m->generation++;
	while (m->generation == 0 || m->generation == has);
	return m->generation;
}

static void store(uint32_t *word, uint32_t v)
{
	__atomic_store_n(word, v, __ATOMIC_RELAXED);
}

void map_line_write(uint8_t *line, const uint8_t *value, size_t n, uint32_t generation)
{
	store((uint32_t *)line, 0);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	memcpy(line + 4, value + 4, n - 4);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	store((uint32_t *)line, generation);
}

static uint64_t add_words(uint64_t sum, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i + 1 < n; i += 2) {
		uint16_t w;

		memcpy(&w, b + i, 2);
		sum += w;
	}
	return sum;
}

/* What of the outer checksum never changes (see l2x_session.pseudo_sum). Words are added as
 * they lie in memory: the sum comes out in network order. */
static uint32_t pseudo_sum(const struct dp_session *s)
{
	bool v4 = addr_is_v4(&s->path.local);
	size_t skip = v4 ? 12 : 0, n = v4 ? 4 : 16;
	uint16_t words[] = { htons(17),
			     htons(s->path.local_port),
			     htons(s->path.peer_port),
			     htons(s->seq_send ? 0x0802 : 0x0002),
			     htons(s->peer_tunnel_id),
			     htons(s->peer_session_id) };
	uint64_t sum = add_words(0, words, sizeof(words));

	sum = add_words(sum, s->path.local.b + skip, n);
	sum = add_words(sum, s->path.peer.b + skip, n);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint32_t)sum;
}

static uint16_t flags_of(const struct dp_config *cfg, const struct dp_session *s)
{
	bool outer6 = !addr_is_v4(&s->path.local);
	uint16_t f = 0;

	f |= s->ipv4_open ? L2X_S_IPV4 : 0;
	f |= s->ipv6_open ? L2X_S_IPV6 : 0;
	f |= outer6 ? L2X_S_OUTER6 : 0;
	f |= s->seq_send ? L2X_S_SEQ_TX : 0;
	f |= s->seq_receive ? L2X_S_SEQ_RX : 0;
	f |= s->seq_required ? L2X_S_SEQ_REQUIRED : 0;
	f |= s->acfc ? L2X_S_ACFC : 0;
	f |= s->ecn ? L2X_S_ECN : 0;
	f |= s->clamp_mss ? L2X_S_MSS : 0;
	f |= s->echo ? L2X_S_ECHO : 0;
	f |= cfg->data_checksum_off && !outer6 ? L2X_S_CSUM0 : 0;
	/* DP-DS-2: what is numbered is one ordered aggregate, of one class. */
	f |= cfg->dscp >= 0 || s->seq_send ? L2X_S_TOS_FIXED : 0;
	return f;
}

static void fill(const struct dp_config *cfg, const struct session *from, struct l2x_session *v)
{
	const struct dp_session *s = &from->s;

	memset(v, 0, sizeof(*v));
	v->tunnel_id = htons(s->tunnel_id);
	v->flags = v->tx_flags = flags_of(cfg, s);
	memcpy(&v->peer, s->path.peer.b, 16);
	memcpy(&v->local, s->path.local.b, 16);
	v->tx_peer = v->peer;
	v->tx_local = v->local;
	v->peer_port = v->tx_peer_port = htons(s->path.peer_port);
	v->local_port = v->tx_local_port = htons(s->path.local_port);
	v->ipv4 = htonl(addr_v4(&s->ipv4));
	v->ipv6 = s->ipv6.len ? htobe64(addr_v6_upper(&s->ipv6.addr)) : 0;
	v->mss_mtu = v->mtu = from->mtu;
	v->peer_tunnel_id = htons(s->peer_tunnel_id);
	v->peer_session_id = htons(s->peer_session_id);
	v->nexthop = s->tunnel_id;
	v->ttl = OUTER_TTL;
	v->dscp = cfg->dscp >= 0 ? (uint8_t)cfg->dscp : 0;
	v->pseudo_sum = pseudo_sum(s);
	v->magic = s->echo ? htonl(s->magic) : 0;
	v->peer_magic = s->echo ? htonl(s->peer_magic) : 0;
}

static void write_session(struct datapath *dp, uint32_t index, const struct l2x_session *v,
			  bool fresh)
{
	struct l2x_session *at = map_array_at(&dp->maps->sessions, index);
	uint32_t generation;

	if (!at)
		return;
	short_kill(dp, index);
	generation = maps_generation(dp->maps, at->gen);
	map_line_write((uint8_t *)at, (const uint8_t *)v, 64, generation);
	map_line_write((uint8_t *)at + 64, (const uint8_t *)v + 64, 64, generation);
	short_put(dp, index, v, generation, fresh);
}

/* fresh: another subscriber had this index before; its counters and numbers go. */
void maps_session_put(struct datapath *dp, const struct session *s, bool fresh)
{
	struct l2x_traffic *traffic = maps_traffic(dp, s->index);
	struct l2x_session v;

	if (!dp->maps)
		return;
	if (fresh && traffic)
		memset(traffic, 0, sizeof(*traffic));
	fill(dp->cfg, s, &v);
	write_session(dp, s->index, &v, fresh);
}

/* What a packet to the peer may measure by what stands there; 0: it is not this session. */
uint16_t maps_session_mtu(const struct datapath *dp, const struct session *s)
{
	const struct l2x_session *have =
		dp->maps ? map_array_at(&dp->maps->sessions, s->index) : NULL;
	struct l2x_session want;

	if (!have)
		return 0;
	fill(dp->cfg, s, &want);
	return adopt_judge(have, &want) == ADOPT_FRESH ? 0 : have->mtu;
}

enum adopt maps_session_adopt(struct datapath *dp, const struct session *s)
{
	const struct l2x_session *have =
		dp->maps ? map_array_at(&dp->maps->sessions, s->index) : NULL;
	struct l2x_session want;
	enum adopt how;

	if (!have)
		return ADOPT_FRESH;
	fill(dp->cfg, s, &want);
	how = adopt_judge(have, &want);
	if (how == ADOPT_KEPT && !short_fits(dp, s->index, &want))
		how = ADOPT_CHANGED;
	if (how != ADOPT_KEPT)
		maps_session_put(dp, s, how == ADOPT_FRESH);
	return how;
}

void maps_session_kill(struct datapath *dp, uint32_t index)
{
	struct l2x_session *at = dp->maps ? map_array_at(&dp->maps->sessions, index) : NULL;

	if (!at)
		return;
	short_kill(dp, index);
	store(&at->gen, 0);
	store(&at->tx_gen, 0);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

struct l2x_traffic *maps_traffic(const struct datapath *dp, uint32_t index)
{
	return dp->maps ? map_array_at(&dp->maps->traffic, index) : NULL;
}

/* ---- addresses ------------------------------------------------------------------------ */

static bool is_odd_pool(const struct prefix *p, bool v6)
{
	return addr_is_v4(&p->addr) == v6 || (v6 && p->len > 64);
}

static uint32_t pool_count(const struct prefix *p, bool v6)
{
	unsigned int bits = (v6 ? 64u : 32u) - p->len;

	return bits >= 20 ? L2X_MAX_WINDOW_SLOTS : 1u << bits;
}

/* One window for each pool, its slots one after another. Addresses of a pool beyond
 * L2X_MAX_WINDOW_SLOTS are found by hosts4 and hosts6. */
void maps_windows(const struct dp_config *cfg, struct dp_maps *ret)
{
	uint32_t slot4 = 0, slot6 = 0;

	ret->n_windows4 = ret->n_windows6 = 0;
	for (unsigned int i = 0; i < cfg->n_pools; i++) {
		const struct prefix *p = &cfg->pools[i];

		if (!is_odd_pool(p, false)) {
			struct l2x_window4 *w = &ret->window4[ret->n_windows4++];

			w->first = addr_v4(&p->addr);
			w->count = pool_count(p, false);
			w->slot = slot4;
			slot4 += w->count;
		} else if (!is_odd_pool(p, true)) {
			struct l2x_window6 *w = &ret->window6[ret->n_windows6++];

			w->first = addr_v6_upper(&p->addr);
			w->count = pool_count(p, true);
			w->slot = slot6;
			slot6 += w->count;
		}
	}
}

static bool slot4(const struct dp_maps *m, uint32_t addr, uint32_t *ret)
{
	for (unsigned int i = 0; i < m->n_windows4; i++) {
		if (addr - m->window4[i].first >= m->window4[i].count)
			continue;
		*ret = m->window4[i].slot + (addr - m->window4[i].first);
		return true;
	}
	return false;
}

static bool slot6(const struct dp_maps *m, uint64_t upper, uint32_t *ret)
{
	for (unsigned int i = 0; i < m->n_windows6; i++) {
		if (upper - m->window6[i].first >= m->window6[i].count)
			continue;
		*ret = m->window6[i].slot + (uint32_t)(upper - m->window6[i].first);
		return true;
	}
	return false;
}

bool maps_slot(const struct dp_maps *m, const struct ipaddr *a, uint32_t *ret)
{
	return addr_is_v4(a) ? slot4(m, addr_v4(a), ret) : slot6(m, addr_v6_upper(a), ret);
}

/* An address outside every window. */
static int host_put(struct datapath *dp, const struct prefix *p, uint32_t index, bool add)
{
	const struct dp_request rq = {
		.act = DP_DO_HOST, .add = add, .prefix = *p, .index = index
	};
	struct claim *there = claim_find(&dp->hosts, p);
	struct dp_answer answer;
	int rc = 0;

	if (!add || !there || there->index != index)
		rc = request(dp, &rq, &answer);
	if (rc < 0)
		return rc;
	if (!add) {
		claim_drop(&dp->hosts, p);
		return 0;
	}
	there = claim_add(&dp->hosts, p, index);
	if (there)
		there->claimed = true;
	return 0;
}

static int address_put(struct datapath *dp, const struct ipaddr *a, uint8_t len, uint32_t index,
		       bool add)
{
	struct dp_maps *m = dp->maps;
	struct prefix p = { *a, len };
	uint32_t slot, *at;

	if (len == 64)
		memset(p.addr.b + 8, 0, 8);
	if (!maps_slot(m, a, &slot))
		return host_put(dp, &p, index, add);
	at = maps_slot_at(addr_is_v4(a) ? &m->pool4 : &m->pool6, slot);
	if (at)
		__atomic_store_n(at, add ? index : 0, __ATOMIC_RELEASE);
	return 0;
}

int maps_address_put(struct datapath *dp, const struct session *s)
{
	int rc = 0;

	if (!dp->maps)
		return 0;
	if (addr_v4(&s->s.ipv4))
		rc = address_put(dp, &s->s.ipv4, 32, s->index, true);
	if (rc == 0 && s->s.ipv6.len)
		rc = address_put(dp, &s->s.ipv6.addr, 64, s->index, true);
	return rc;
}

/* Also cleans up after half a put. */
void maps_address_del(struct datapath *dp, const struct session *s)
{
	if (!dp->maps)
		return;
	if (addr_v4(&s->s.ipv4))
		address_put(dp, &s->s.ipv4, 32, s->index, false);
	if (s->s.ipv6.len)
		address_put(dp, &s->s.ipv6.addr, 64, s->index, false);
}

/* ---- the rest -------------------------------------------------------------------------- */

void maps_tunnel_put(struct datapath *dp, uint16_t id, const struct path *path)
{
	struct l2x_tunnel v = { 0 }, *at = dp->maps ? map_array_at(&dp->maps->tunnels, id) : NULL;

	if (!at)
		return;
	if (path) {
		v.peer_port = htons(path->peer_port);
		v.local_port = htons(path->local_port);
		memcpy(&v.peer, path->peer.b, 16);
		memcpy(&v.local, path->local.b, 16);
		if (at->gen && memcmp(&at->gen + 1, &v.gen + 1, sizeof(v) - sizeof(v.gen)) == 0)
			return;
		v.gen = maps_generation(dp->maps, at->gen);
	}
	map_line_write((uint8_t *)at, (const uint8_t *)&v, sizeof(v), v.gen);
}

void maps_epoch_raise(struct datapath *dp)
{
	if (!dp->maps)
		return;
	if (__atomic_add_fetch(&dp->maps->live->epoch, 1, __ATOMIC_RELEASE) == 0)
		__atomic_store_n(&dp->maps->live->epoch, 1, __ATOMIC_RELEASE);
}

/* ifindex is the first word and serves as the generation. */
static void port_write(struct dp_maps *m, uint32_t slot, const struct l2x_port *p)
{
	uint8_t *at = map_array_at(&m->ports, slot);

	if (at && memcmp(at, p, sizeof(*p)))
		map_line_write(at, (const uint8_t *)p, sizeof(*p), p->ifindex);
}

/* False: its slots are all taken by other interfaces. */
bool maps_port_put(struct datapath *dp, const struct l2x_port *p, bool used[L2X_PORT_SLOTS])
{
	for (uint32_t k = 0; k < L2X_PORT_PROBES; k++) {
		uint32_t slot = (p->ifindex + k) & (L2X_PORT_SLOTS - 1);

		if (used[slot])
			continue;
		used[slot] = true;
		port_write(dp->maps, slot, p);
		return true;
	}
	return false;
}

void maps_ports_sweep(struct datapath *dp, const bool used[L2X_PORT_SLOTS])
{
	static const struct l2x_port none;

	for (uint32_t slot = 0; slot < L2X_PORT_SLOTS; slot++)
		if (!used[slot])
			port_write(dp->maps, slot, &none);
}

void dp_verdict_counts(struct datapath *dp, uint64_t ret[L2X_V_MAX])
{
	const struct dp_request rq = { .act = DP_DO_VERDICTS };
	struct dp_answer answer;

	memset(ret, 0, sizeof(ret[0]) * L2X_V_MAX);
	if (dp->maps && request(dp, &rq, &answer) == 0)
		memcpy(ret, answer.verdicts, sizeof(answer.verdicts));
}

/* The number of CPUs is a file, which the worker may not be able to open. */
static long cpus(void)
{
	static long n;

	if (n <= 0)
		n = sysconf(_SC_NPROCESSORS_CONF);
	return n > 0 ? n : 1;
}

/* At most half of them are taken, so that Session IDs that are chosen fit, and free ones are found. */
uint32_t maps_pw_elements(const struct dp_config *cfg)
{
	uint32_t n = PW_ELEMENTS;

	if (!cfg->n_pseudowires)
		return 1;
	while (n < 2 * (uint64_t)cfg->n_pseudowires && n < L2X_MAX_PWS)
		n *= 2;
	return n;
}

size_t dp_memory(const struct dp_config *cfg)
{
	struct dp_maps w = { 0 };
	size_t n = 0;

	if (cfg->mode == DP_OFF || !cfg->n_interfaces)
		return 0;
	maps_windows(cfg, &w);
	n += (size_t)DP_INDEXES(cfg) *
	     (sizeof(struct l2x_session) + sizeof(struct l2x_traffic) +
	      sizeof(struct l2x_short_up) + sizeof(struct l2x_short_down));
	n += DP_INDEXES(cfg); /* places */
	n += (size_t)L2X_MAX_TUNNELS * sizeof(struct l2x_tunnel);
	for (unsigned int i = 0; i < w.n_windows4; i++)
		n += (size_t)w.window4[i].count * sizeof(uint32_t);
	for (unsigned int i = 0; i < w.n_windows6; i++)
		n += (size_t)w.window6[i].count * sizeof(uint32_t);
	n += (size_t)cpus() * L2X_MAX_NEXTHOPS * sizeof(struct l2x_nexthop);
	n += (size_t)cpus() * L2X_HANDED_COLUMNS * sizeof(uint64_t);
	n += (size_t)maps_pw_elements(cfg) * (sizeof(struct l2x_pw) + sizeof(struct l2x_traffic) +
					      (size_t)cpus() * sizeof(struct l2x_nexthop));
	n += L2X_PORT_SLOTS * sizeof(struct l2x_port) +
	     L2X_POLICE_SLOTS * sizeof(struct l2x_bucket);
	return n;
}
