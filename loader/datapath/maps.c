/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that goes in and out of the maps of maps/schema.h. Arrays are mapped into the
 * daemon, so that a session is written without a system call; a value that a program may
 * be reading is taken through generation 0 (dead), written, and given the next generation:
 * the reader sees all of the old, none, or all of the new one.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "loader/datapath/private.h"

#define OUTER_TTL 64 /* DP-TX-5 */

/* ---- arrays -------------------------------------------------------------------------- */

int map_array_open(struct map_array *a, int fd, char *err, size_t errlen, const char *name)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *mem;

	memset(a, 0, sizeof(*a));
	a->fd = fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return dp_fail(-errno, err, errlen, "map %s: %s", name, strerror(errno));
	a->n = info.max_entries;
	a->value_size = info.value_size;
	a->stride = (info.value_size + 7) & ~7u;
	if (!(info.map_flags & BPF_F_MMAPABLE))
		return 0;
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

static void *array_at(const struct map_array *a, uint32_t i)
{
	return a->mem && i < a->n ? a->mem + (size_t)i * a->stride : NULL;
}

static void array_put_word(struct map_array *a, uint32_t i, uint32_t v)
{
	uint32_t *at = array_at(a, i);

	if (at)
		__atomic_store_n(at, v, __ATOMIC_RELEASE);
	else
		bpf_map_update_elem(a->fd, &i, &v, BPF_ANY);
}

/* ---- sessions ------------------------------------------------------------------------ */

static uint32_t next_generation(struct dp_maps *m)
{
	if (++m->generation == 0)
		m->generation = 1;
	return m->generation;
}

static void store(uint32_t *word, uint32_t v)
{
	__atomic_store_n(word, v, __ATOMIC_RELAXED);
}

/* Writes n octets after the generation word at the start of a line. */
static void write_line(uint8_t *line, const uint8_t *value, size_t n, uint32_t generation)
{
	store((uint32_t *)line, 0);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	memcpy(line + 4, value + 4, n - 4);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	store((uint32_t *)line, generation);
}

/* Without a mapping: dead first, then alive. The second copy changes the generations
 * alone, so it does not matter in which order its octets arrive. */
static void update_session(struct map_array *a, uint32_t index, struct l2x_session *v,
			   uint32_t generation)
{
	v->gen = v->tx_gen = 0;
	bpf_map_update_elem(a->fd, &index, v, BPF_ANY);
	v->gen = v->tx_gen = generation;
	bpf_map_update_elem(a->fd, &index, v, BPF_ANY);
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
}

/* fresh: another subscriber had this index before; its counters and numbers go. */
void maps_session_put(struct datapath *dp, const struct session *s, bool fresh)
{
	struct dp_maps *m = dp->maps;
	struct l2x_traffic *traffic = maps_traffic(dp, s->index);
	struct l2x_session v;
	uint32_t generation;
	uint8_t *at;

	if (!m)
		return;
	if (fresh && traffic)
		memset(traffic, 0, sizeof(*traffic));
	fill(dp->cfg, s, &v);
	generation = next_generation(m);
	at = array_at(&m->sessions, s->index);
	if (!at) {
		update_session(&m->sessions, s->index, &v, generation);
		return;
	}
	write_line(at, (const uint8_t *)&v, 64, generation);
	write_line(at + 64, (const uint8_t *)&v + 64, 64, generation);
}

void maps_session_kill(struct datapath *dp, uint32_t index)
{
	static const struct l2x_session none;
	struct l2x_session *at;

	if (!dp->maps)
		return;
	at = array_at(&dp->maps->sessions, index);
	if (!at) {
		bpf_map_update_elem(dp->maps->sessions.fd, &index, &none, BPF_ANY);
		return;
	}
	store(&at->gen, 0);
	store(&at->tx_gen, 0);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

struct l2x_traffic *maps_traffic(const struct datapath *dp, uint32_t index)
{
	return dp->maps ? array_at(&dp->maps->traffic, index) : NULL;
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

static int host_put(int fd, uint32_t *n, const void *key, uint32_t index)
{
	if (bpf_map_update_elem(fd, key, &index, BPF_NOEXIST))
		return errno == E2BIG ? -ENOMEM : -errno;
	__atomic_fetch_add(n, 1, __ATOMIC_RELEASE);
	return 0;
}

static void host_del(int fd, uint32_t *n, const void *key)
{
	if (bpf_map_delete_elem(fd, key) == 0)
		__atomic_fetch_sub(n, 1, __ATOMIC_RELEASE);
}

int maps_address_put(struct datapath *dp, const struct session *s)
{
	struct dp_maps *m = dp->maps;
	uint64_t upper = addr_v6_upper(&s->s.ipv6.addr), key6 = htobe64(upper);
	uint32_t addr = addr_v4(&s->s.ipv4), key4 = htonl(addr), slot;
	int rc = 0;

	if (!m)
		return 0;
	if (addr && slot4(m, addr, &slot))
		array_put_word(&m->pool4, slot, s->index);
	else if (addr)
		rc = host_put(m->hosts4, &m->live->hosts4, &key4, s->index);
	if (rc < 0 || !s->s.ipv6.len)
		return rc;
	if (slot6(m, upper, &slot))
		array_put_word(&m->pool6, slot, s->index);
	else
		rc = host_put(m->hosts6, &m->live->hosts6, &key6, s->index);
	return rc;
}

/* Takes out only what points to this session: it also cleans up after half a put. */
void maps_address_del(struct datapath *dp, const struct session *s)
{
	struct dp_maps *m = dp->maps;
	uint64_t upper = addr_v6_upper(&s->s.ipv6.addr), key6 = htobe64(upper);
	uint32_t addr = addr_v4(&s->s.ipv4), key4 = htonl(addr), slot;

	if (!m)
		return;
	if (addr && slot4(m, addr, &slot))
		array_put_word(&m->pool4, slot, 0);
	else if (addr)
		host_del(m->hosts4, &m->live->hosts4, &key4);
	if (!s->s.ipv6.len)
		return;
	if (slot6(m, upper, &slot))
		array_put_word(&m->pool6, slot, 0);
	else
		host_del(m->hosts6, &m->live->hosts6, &key6);
}

/* ---- the rest -------------------------------------------------------------------------- */

void maps_tunnel_put(struct datapath *dp, uint16_t id, const struct path *path)
{
	struct dp_maps *m = dp->maps;
	struct l2x_tunnel v = { 0 };
	uint32_t key = id;
	uint8_t *at;

	if (!m)
		return;
	if (path) {
		v.peer_port = htons(path->peer_port);
		v.local_port = htons(path->local_port);
		memcpy(&v.peer, path->peer.b, 16);
		memcpy(&v.local, path->local.b, 16);
		v.gen = next_generation(m);
	}
	at = array_at(&m->tunnels, id);
	if (at) {
		write_line(at, (const uint8_t *)&v, sizeof(v), v.gen);
		return;
	}
	bpf_map_update_elem(m->tunnels.fd, &key, &(struct l2x_tunnel){ 0 }, BPF_ANY);
	bpf_map_update_elem(m->tunnels.fd, &key, &v, BPF_ANY);
}

void maps_epoch_raise(struct datapath *dp)
{
	if (!dp->maps)
		return;
	if (__atomic_add_fetch(&dp->maps->live->epoch, 1, __ATOMIC_RELEASE) == 0)
		__atomic_store_n(&dp->maps->live->epoch, 1, __ATOMIC_RELEASE);
}

static void port_write(struct dp_maps *m, uint32_t slot, const struct l2x_port *p)
{
	struct l2x_port old = { 0 };
	uint8_t *at = array_at(&m->ports, slot);

	bpf_map_lookup_elem(m->ports.fd, &slot, &old);
	if (memcmp(&old, p, sizeof(old)) == 0)
		return;
	/* ifindex is the first word and serves as the generation. */
	if (at)
		write_line(at, (const uint8_t *)p, sizeof(*p), p->ifindex);
	else
		bpf_map_update_elem(m->ports.fd, &slot, p, BPF_ANY);
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
	int cpus = libbpf_num_possible_cpus();
	uint64_t *values;

	memset(ret, 0, sizeof(ret[0]) * L2X_V_MAX);
	if (!dp->maps || cpus <= 0)
		return;
	values = calloc((size_t)cpus, sizeof(*values));
	for (uint32_t v = 0; values && v < L2X_V_MAX; v++) {
		if (bpf_map_lookup_elem(dp->maps->verdicts, &v, values))
			continue;
		for (int i = 0; i < cpus; i++)
			ret[v] += values[i];
	}
	free(values);
}

size_t dp_memory(const struct dp_config *cfg)
{
	struct dp_maps w = { 0 };
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	size_t n = 0;

	if (cfg->mode == DP_OFF || !cfg->n_interfaces)
		return 0;
	maps_windows(cfg, &w);
	n += (size_t)DP_INDEXES(cfg) * (sizeof(struct l2x_session) + sizeof(struct l2x_traffic));
	n += (size_t)L2X_MAX_TUNNELS * sizeof(struct l2x_tunnel);
	for (unsigned int i = 0; i < w.n_windows4; i++)
		n += (size_t)w.window4[i].count * 8;
	for (unsigned int i = 0; i < w.n_windows6; i++)
		n += (size_t)w.window6[i].count * 8;
	n += (size_t)(cpus > 0 ? cpus : 1) * L2X_MAX_NEXTHOPS * sizeof(struct l2x_nexthop);
	n += L2X_PORT_SLOTS * sizeof(struct l2x_port) +
	     L2X_POLICE_SLOTS * sizeof(struct l2x_bucket);
	return n;
}
