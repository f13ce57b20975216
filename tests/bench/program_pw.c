// SPDX-License-Identifier: GPL-2.0-or-later
/* Pseudowires in the maps of the program under test, after maps/pw.h. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/bench/frames.h"
#include "tests/bench/program.h"
#include "maps/pw.h"

static int map_of(const struct program *p, const char *name)
{
	return bpf_object__find_map_fd_by_name(p->obj, name);
}

bool program_has_pws(const struct bpf_object *obj)
{
	return bpf_object__find_map_by_name(obj, "pws");
}

int program_pws_size(struct bpf_object *obj)
{
	static const char *const names[] = { "pws", "pw_traffic", "pw_ways", "pw_ids" };
	size_t i;
	int r = 0;

	for (i = 0; i < sizeof(names) / sizeof(names[0]) && !r; i++)
		r = bpf_map__set_max_entries(bpf_object__find_map_by_name(obj, names[i]),
					     BENCH_PW_INDICES);
	/* frames arrive at a way's own device, and in plain test runs at the first */
	return r ? r
		 : bpf_map__set_max_entries(bpf_object__find_map_by_name(obj, "circuits"),
					    2 * BENCH_PW_INDICES);
}

/* A device is a pseudowire's whole, or has one in each VLAN: which of both, the frames tell. */
static int set_circuits(const struct program *p, unsigned int ifindex)
{
	struct l2x_vlan_key key = { .ifindex = ifindex };
	int fd = map_of(p, "circuits"), r = 0;
	__u32 k = 1;

	r = bpf_map_update_elem(fd, &key, &k, BPF_ANY);
	for (k = 1; k <= BENCH_PWS && !r; k++) {
		key.tag[0] = htons((__u16)k);
		r = bpf_map_update_elem(fd, &key, &k, BPF_ANY);
	}
	return r;
}

int program_circuits(struct program *p, const struct chain *chain, unsigned int way)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(p->obj, "l2xdp_circuit");
	int r;

	p->circuit_fd = prog ? bpf_program__fd(prog) : -1;
	if (!prog)
		return 0;
	r = set_circuits(p, chain->us[0]);
	return r ? r : set_circuits(p, chain->us[way]);
}

static struct l2x_addr address6(__u64 host)
{
	return (struct l2x_addr){ .d = { htobe64(BENCH_PW_NET6), htobe64(host) } };
}

static struct l2x_addr address4(__u32 host)
{
	return (struct l2x_addr){ .w = { 0, 0, htonl(0xffff), htonl(host) } };
}

static __u32 add_words(__u32 sum, const void *bytes, size_t len)
{
	const __u8 *b = bytes;
	__u16 w;
	size_t i;

	for (i = 0; i < len; i += 2) {
		memcpy(&w, b + i, 2);
		sum += w;
	}
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static __u32 pseudo_sum(const struct l2x_pw *w)
{
	__be16 fixed[] = { htons(17), w->tx_local_port, w->tx_peer_port, htons(3) };
	__u32 sum = add_words(0, fixed, sizeof(fixed));

	sum = add_words(sum, &w->tx_local.w[3], 4);
	sum = add_words(sum, &w->tx_peer.w[3], 4);
	if (w->tx_flags & L2X_PW_OUTER6) {
		sum = add_words(sum, &w->tx_local, 12);
		sum = add_words(sum, &w->tx_peer, 12);
	}
	sum = add_words(sum, &w->peer_id, 4);
	return add_words(sum, &w->tx_cookie, 8);
}

static __u16 flags_of(enum bench_wire wire)
{
	__u16 flags = L2X_PW_UP | L2X_PW_COOKIE8;

	switch (wire) {
	case BENCH_UDP4:
		return flags | L2X_PW_UDP | L2X_PW_CSUM0;
	case BENCH_UDP4_SUM:
		return flags | L2X_PW_UDP;
	case BENCH_UDP6:
		return flags | L2X_PW_UDP | L2X_PW_OUTER6;
	default:
		return flags;
	}
}

static struct l2x_pw pw_of(const struct cell *c, __u32 k, unsigned int ifindex)
{
	bool v6 = c->wire == BENCH_UDP6;
	struct l2x_pw w = {
		.gen = 1,
		.tx_gen = 1,
		.id = htonl(BENCH_PW_ID + k),
		.peer_id = htonl(BENCH_PW_PEER_ID + k),
		.peer = v6 ? address6(2) : address4(BENCH_LAC),
		.local = v6 ? address6(1) : address4(BENCH_PW_HERE),
		.flags = flags_of(c->wire),
		.mtu = 1510,
		.ttl = 64,
		.ifindex = ifindex,
		.tpid = { htons(0x8100), htons(0x8100) },
		.room = 1518,
		.mss_mtu = 1500,
	};

	w.tx_flags = w.flags;
	w.tx_peer = w.peer;
	w.tx_local = w.local;
	if (w.flags & L2X_PW_UDP)
		w.peer_port = w.local_port = w.tx_peer_port = w.tx_local_port = htons(BENCH_PORT);
	w.cookie[0] = w.cookie[1] = htobe64(BENCH_PW_COOKIE);
	w.tx_cookie = htobe64(BENCH_PW_PEER_COOKIE);
	if (c->sessions > 1)
		w.tag[0] = w.wire[0] = htons((__u16)k);
	w.pseudo_sum = pseudo_sum(&w);
	return w;
}

int program_pws(struct program *p, const struct cell *c)
{
	size_t size = BENCH_PW_INDICES * sizeof(struct l2x_pw);
	struct l2x_pw *pws;
	__u32 k;

	if (!program_has_pws(p->obj)) {
		fprintf(stderr, "bench: program %s knows no pseudowires\n", p->name);
		return -EOPNOTSUPP;
	}
	if (p->pws == c)
		return 0;
	pws = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, map_of(p, "pws"), 0);
	if (pws == MAP_FAILED)
		return -errno;
	for (k = 1; k <= c->sessions; k++)
		pws[k] = pw_of(c, k, p->out);
	munmap(pws, size);
	p->pws = c;
	return 0;
}

int program_fd(const struct program *p, const struct cell *c)
{
	return c->wire && c->op == BENCH_ENCAP ? p->circuit_fd : p->fd;
}
