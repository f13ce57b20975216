// SPDX-License-Identifier: GPL-2.0-or-later
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/bench/frames.h"
#include "tests/bench/program.h"

#include "bpf/l2xdp.skel.h"

/* A global variable of the object, as it will be when loaded; in an earlier build it may be
 * shorter. */
static void *variable(struct bpf_object *obj, const char *section, const char *name, size_t size)
{
	struct bpf_map *map = bpf_object__find_map_by_name(obj, section);
	const struct btf *btf = bpf_object__btf(obj);
	int id = btf__find_by_name_kind(btf, section, BTF_KIND_DATASEC), i;
	const struct btf_type *sec = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	size_t room;
	char *data = map ? (char *)bpf_map__initial_value(map, &room) : NULL;

	for (i = 0; sec && data && i < btf_vlen(sec); i++) {
		const struct btf_var_secinfo *v = btf_var_secinfos(sec) + i;
		const struct btf_type *var = btf__type_by_id(btf, v->type);

		if (!strcmp(btf__name_by_offset(btf, var->name_off), name) && v->size <= size)
			return data + v->offset;
	}
	fprintf(stderr, "bench: no variable %s in %s\n", name, section);
	return NULL;
}

static struct l2x_addr mapped(uint32_t host)
{
	struct l2x_addr a = { .w = { 0, 0, htonl(0xffff), htonl(host) } };

	return a;
}

/* Indices in an element of a pool; builds in which that was one can be compared. */
static __u32 slots_of(const struct bpf_object *obj, const char *name)
{
	__u32 size = bpf_map__value_size(bpf_object__find_map_by_name(obj, name));

	return strncmp(name, "pool", 4) ? 1 : size / (__u32)sizeof(__u32);
}

static int set_sizes(struct bpf_object *obj)
{
	static const char *const names[] = { "sessions", "traffic",  "pool4",
					     "pool6",    "up_lines", "down_lines" };
	struct bpf_map *routes;
	size_t i;
	int r = 0;

	for (i = 0; i < sizeof(names) / sizeof(names[0]) && !r; i++) {
		struct bpf_map *map = bpf_object__find_map_by_name(obj, names[i]);

		if (map) /* builds before there was one can be compared */
			r = bpf_map__set_max_entries(map, BENCH_NUMBERS / slots_of(obj, names[i]));
	}
	if (!r && program_has_pws(obj))
		r = program_pws_size(obj);
	routes = bpf_object__find_map_by_name(obj, "routes");
	if (routes && !r)
		r = bpf_map__set_max_entries(routes,
					     (__u32)libbpf_num_possible_cpus() * L2X_ROUTE_SLOTS);
	return r;
}

static void set_config_pws(struct l2x_config *cfg, const struct chain *chain)
{
	cfg->listen[cfg->n_listen++] = mapped(BENCH_PW_HERE);
	cfg->listen[cfg->n_listen].d[0] = htobe64(BENCH_PW_NET6);
	cfg->listen[cfg->n_listen++].d[1] = htobe64(1);
	cfg->pw_mask = BENCH_PW_INDICES - 1;
	cfg->pw_ifindex = chain->us[0]; /* any device that forwards */
}

static int set_config(struct bpf_object *obj, const struct chain *chain)
{
	struct l2x_config *cfg = variable(obj, ".rodata", "cfg", sizeof(*cfg));
	struct l2x_live *live = variable(obj, ".bss", "live", sizeof(*live));

	if (!cfg || !live)
		return -ENOENT;
	live->epoch = 1; /* next hops are kept */
	live->routes4 = live->routes6 = 1;
	cfg->schema = L2X_SCHEMA;
	cfg->shard_mask = BENCH_SHARDS - 1;
	cfg->port = htons(BENCH_PORT);
	cfg->n_listen = 1;
	cfg->listen[0] = mapped(BENCH_LNS);
	cfg->n_windows4 = 1;
	cfg->window4[0].first = BENCH_POOL4;
	cfg->window4[0].count = BENCH_NUMBERS;
	cfg->n_windows6 = 1;
	cfg->window6[0].first = BENCH_POOL6;
	cfg->window6[0].count = BENCH_NUMBERS;
	cfg->resync = 64;
	cfg->control_rate = 20000;
	cfg->stranger_rate = 100;
	cfg->stranger_total = 10000;
	cfg->punt_rate = 4000000; /* looked at, and never used up */
	if (program_has_pws(obj))
		set_config_pws(cfg, chain);
	return 0;
}

static int set_port(struct bpf_object *obj, unsigned int ifindex, enum bench_mac mac)
{
	struct l2x_port p = { .ifindex = ifindex,
			      .lower = ifindex,
			      .mtu = BENCH_MTU,
			      .mac = { 2, 0, 0, 0, 0, (__u8)mac },
			      .flags = L2X_P_RX | L2X_P_TX };
	__u32 slot = ifindex & (L2X_PORT_SLOTS - 1);
	int fd = bpf_object__find_map_fd_by_name(obj, "ports");

	return bpf_map_update_elem(fd, &slot, &p, BPF_ANY);
}

/* The elements of an array that the daemon maps too: a million are written in no time. */
static uint8_t *array_of(const struct program *p, const char *name, size_t stride)
{
	int fd = bpf_object__find_map_fd_by_name(p->obj, name);
	void *mem = mmap(NULL, BENCH_NUMBERS * stride, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (mem != MAP_FAILED)
		return mem;
	fprintf(stderr, "bench: cannot map %s: %s\n", name, strerror(errno));
	return NULL;
}

/* Number k of a window is session index k. */
static int set_pool(const struct program *p, const char *name)
{
	size_t apart = slots_of(p->obj, name) == 1 ? 8 : sizeof(__u32);
	uint8_t *mem = array_of(p, name, apart);
	__u32 k;

	if (!mem)
		return -errno;
	for (k = 0; k < BENCH_NUMBERS; k++)
		memcpy(mem + k * apart, &k, sizeof(k));
	munmap(mem, BENCH_NUMBERS * apart);
	return 0;
}

static int load(struct program *p, const struct chain *chain, unsigned int way)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(p->obj, "l2xdp");
	unsigned int i;
	int r;

	if (!prog)
		return -ENOENT;
	r = set_sizes(p->obj);
	if (!r)
		r = set_config(p->obj, chain);
	if (!r)
		r = bpf_object__load(p->obj);
	for (i = 0; i < chain->ways && !r; i++)
		r = set_port(p->obj, chain->us[i], MAC_IN);
	if (!r)
		r = set_port(p->obj, chain->out, MAC_OUT);
	if (!r)
		r = set_pool(p, "pool4");
	if (!r)
		r = set_pool(p, "pool6");
	if (!r)
		r = program_circuits(p, chain, way);
	if (r)
		return r;
	p->out = chain->out;
	p->fd = bpf_program__fd(prog);
	return 0;
}

int program_open(const char *name, const char *path, const struct chain *chain, unsigned int way,
		 struct program *ret)
{
	struct program p = { .name = name };
	DECLARE_LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "l2xdp");
	const void *bytes;
	size_t size;
	int r;

	if (path) {
		p.obj = bpf_object__open_file(path, &opts);
	} else {
		bytes = l2xdp_bpf__elf_bytes(&size);
		p.obj = bpf_object__open_mem(bytes, size, &opts);
	}
	r = p.obj ? load(&p, chain, way) : -errno;
	if (r) {
		fprintf(stderr, "bench: program %s: %s\n", name, strerror(-r));
		program_close(&p);
		return r;
	}
	*ret = p;
	return 0;
}

void program_close(struct program *p)
{
	bpf_object__close(p->obj);
	p->obj = NULL;
}

/* Words of `bytes`, as they lie in memory. */
static __u32 sum_words(const void *bytes, size_t len)
{
	const __u8 *b = bytes;
	__u32 sum = 0;
	__u16 w;
	size_t i;

	for (i = 0; i < len; i += 2) {
		memcpy(&w, b + i, 2);
		sum += w;
	}
	return sum;
}

static struct l2x_session session_of(__u32 k, bool seq)
{
	struct l2x_session s = {
		.gen = 1,
		.tunnel_id = htons(bench_tid(k)),
		.flags = L2X_S_IPV4 | L2X_S_IPV6 | L2X_S_MSS | L2X_S_ECHO,
		.peer = mapped(BENCH_LAC),
		.local = mapped(BENCH_LNS),
		.peer_port = htons(BENCH_PORT),
		.local_port = htons(BENCH_PORT),
		.ipv4 = htonl(BENCH_POOL4 + k),
		.ipv6 = htobe64(BENCH_POOL6 + k),
		.mss_mtu = 1460,
		.tx_gen = 1,
		.peer_tunnel_id = htons(bench_peer_tid(k)),
		.peer_session_id = htons(bench_peer_sid(k)),
		.tx_peer = mapped(BENCH_LAC),
		.tx_local = mapped(BENCH_LNS),
		.tx_peer_port = htons(BENCH_PORT),
		.tx_local_port = htons(BENCH_PORT),
		.mtu = 1460,
		.nexthop = bench_tid(k),
		.ttl = 64,
		.magic = htonl(BENCH_MAGIC),
		.peer_magic = htonl(BENCH_PEER_MAGIC),
	};
	__be16 fixed[] = { htons(17),        s.tx_local_port,
			   s.tx_peer_port,   htons(seq ? 0x0802 : 0x0002),
			   s.peer_tunnel_id, s.peer_session_id };

	if (seq)
		s.flags |= L2X_S_SEQ_TX | L2X_S_SEQ_RX;
	s.tx_flags = s.flags;
	s.pseudo_sum = sum_words(&s.tx_local.w[3], 4) + sum_words(&s.tx_peer.w[3], 4) +
		       sum_words(fixed, sizeof(fixed));
	return s;
}

static __u16 fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)(sum + (sum >> 16));
}

static struct l2x_short_up up_of(const struct l2x_session *s)
{
	struct l2x_short_up v = { .gen = 1,
				  .tunnel_id = s->tunnel_id,
				  .flags = s->flags,
				  .peer = s->peer.w[3],
				  .local = s->local.w[3],
				  .peer_port = s->peer_port,
				  .local_port = s->local_port,
				  .ipv4 = s->ipv4,
				  .ipv6 = s->ipv6 };

	return v;
}

static struct l2x_short_down down_of(const struct l2x_session *s, bool seq)
{
	struct l2x_short_down v = { .gen = 1,
				    .nexthop = s->nexthop,
				    .flags = s->tx_flags,
				    .l2tp = { htons(seq ? 0x0802 : 0x0002), s->peer_tunnel_id,
					      s->peer_session_id, htons(0xff03) },
				    .mtu = s->mtu,
				    .head = seq ? 42 : 38,
				    .pseudo_sum = fold(s->pseudo_sum) };
	__u8 outer[24] = { 0x45, 0, 0, 0, 0, 0, 0x40, 0, s->ttl, 17 };

	memcpy(outer + 12, &s->tx_local.w[3], 4);
	memcpy(outer + 16, &s->tx_peer.w[3], 4);
	memcpy(outer + 20, &s->tx_local_port, 2);
	memcpy(outer + 22, &s->tx_peer_port, 2);
	memcpy(v.ip, outer + 8, 16);
	v.ip_sum = fold(sum_words(outer, 20));
	return v;
}

/* What the short way reads; builds before it had lines of its own have none. */
static int set_lines(struct program *p, bool seq)
{
	struct l2x_short_down *down;
	struct l2x_short_up *up;
	struct l2x_session s;
	__u32 n;

	if (!bpf_object__find_map_by_name(p->obj, "up_lines"))
		return 0;
	up = (struct l2x_short_up *)array_of(p, "up_lines", sizeof(*up));
	down = (struct l2x_short_down *)array_of(p, "down_lines", sizeof(*down));
	for (n = 0; n < BENCH_SESSIONS && up && down; n++) {
		s = session_of(gen_number(n), seq);
		up[gen_number(n)] = up_of(&s);
		down[gen_number(n)] = down_of(&s, seq);
	}
	if (up)
		munmap(up, BENCH_NUMBERS * sizeof(*up));
	if (down)
		munmap(down, BENCH_NUMBERS * sizeof(*down));
	return up && down ? 0 : -ENOMEM;
}

static int set_sessions(struct program *p, bool seq)
{
	struct l2x_session *mem;
	__u32 n;

	if (p->filled && p->seq == seq)
		return 0;
	mem = (struct l2x_session *)array_of(p, "sessions", sizeof(*mem));
	if (!mem)
		return -errno;
	for (n = 0; n < BENCH_SESSIONS; n++)
		mem[gen_number(n)] = session_of(gen_number(n), seq);
	munmap(mem, BENCH_NUMBERS * sizeof(*mem));
	p->filled = true;
	p->seq = seq;
	return set_lines(p, seq);
}

int program_sessions(struct program *p, const struct cell *c)
{
	uint8_t *traffic;
	int r;

	if (c->wire)
		return program_pws(p, c);
	r = set_sessions(p, c->seq);
	if (r || !c->seq || p->cell == c)
		return r;
	traffic = array_of(p, "traffic", sizeof(struct l2x_traffic));
	if (!traffic)
		return -errno;
	memset(traffic, 0, BENCH_NUMBERS * sizeof(struct l2x_traffic));
	munmap(traffic, BENCH_NUMBERS * sizeof(struct l2x_traffic));
	p->cell = c;
	return 1;
}

int program_beat(struct program *p)
{
	int fd = bpf_object__find_map_fd_by_name(p->obj, ".bss");
	__u32 words[64]; /* of struct l2x_live; epoch is the first */
	const __u32 zero = 0;
	int r = bpf_map_lookup_elem(fd, &zero, words);

	if (r)
		return r;
	words[0]++;
	return bpf_map_update_elem(fd, &zero, words, BPF_ANY);
}

int program_verdicts(const struct program *p, uint64_t ret[L2X_V_MAX])
{
	int fd = bpf_object__find_map_fd_by_name(p->obj, "verdicts"), cpus, cpu, r = 0;
	uint64_t *v;
	__u32 i;

	cpus = libbpf_num_possible_cpus();
	v = cpus > 0 ? calloc((size_t)cpus, sizeof(*v)) : NULL;
	if (!v)
		return -ENOMEM;
	for (i = 0; i < L2X_V_MAX && !r; i++) {
		ret[i] = 0;
		r = bpf_map_lookup_elem(fd, &i, v);
		for (cpu = 0; cpu < cpus && !r; cpu++)
			ret[i] += v[cpu];
	}
	free(v);
	return r;
}

size_t program_memory(const struct program *p)
{
	struct bpf_map *map;
	char path[64], line[128];
	unsigned long long n, total = 0;
	FILE *f;

	bpf_object__for_each_map(map, p->obj)
	{
		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", bpf_map__fd(map));
		f = fopen(path, "re");
		while (f && fgets(line, sizeof(line), f))
			if (sscanf(line, "memlock: %llu", &n) == 1)
				total += n;
		if (f)
			fclose(f);
	}
	return total;
}
