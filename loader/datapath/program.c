/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The program and its maps: opened, configured, loaded, mapped. Who attaches it: attach.c. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <xdp/libxdp.h>

#include "loader/datapath/program.h"
#include "loader/datapath/seq.h"

#include "bpf/l2xdp.skel.h"

/* Frames a second to the socket. */
#define CONTROL_RATE 20000 /* control messages of a control connection: 5000 set-ups */
#define STRANGER_RATE 1000 /* control messages of one source without control connection */
#define STRANGER_TOTAL 10000 /* ... of all; those of configured peers apart */
#define UNKNOWN_RATE 100 /* data for no session, of one source: it is only counted */
#define UNKNOWN_TOTAL 1000 /* ... of all */
#define PUNT_RATE 10000 /* one session; it may live by the slow path alone */
#define PUNT_TOTAL 50000 /* ... all but PPP control: they wait in one socket */
#define KERNEL_TEXT 256

/* ---- what the kernel has to say --------------------------------------------------------- */

static char kernel_text[KERNEL_TEXT]; /* the last warning of libbpf, one line of it */

static int keep_text(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char line[KERNEL_TEXT];

	if (level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\n")] = '\0';
	log_debug(NULL, "%s", line);
	if (level == LIBBPF_WARN)
		memcpy(kernel_text, line, sizeof(line));
	return 0;
}

static int keep_xdp_text(enum libxdp_print_level level, const char *fmt, va_list ap)
{
	return keep_text(level == LIBXDP_WARN ? LIBBPF_WARN : LIBBPF_DEBUG, fmt, ap);
}

void program_listen(void)
{
	libbpf_set_print(keep_text);
	libxdp_set_print(keep_xdp_text);
}

const char *program_kernel_text(void)
{
	return kernel_text;
}

void program_hush(void)
{
	kernel_text[0] = '\0';
}

/* ---- load ---------------------------------------------------------------------------------- */

static void set_prefix(const struct prefix *p, struct l2x_prefix *ret)
{
	unsigned int bits = addr_is_v4(&p->addr) ? 96u + p->len : p->len;
	uint8_t *mask = (uint8_t *)&ret->mask;

	memcpy(&ret->addr, p->addr.b, sizeof(ret->addr));
	for (unsigned int i = 0; i < bits; i++)
		mask[i / 8] |= (uint8_t)(0x80u >> i % 8);
}

static void set_config(const struct datapath *dp, const struct dp_maps *m, struct l2x_config *c)
{
	const struct dp_config *cfg = dp->cfg;

	memset(c, 0, sizeof(*c));
	c->schema = L2X_SCHEMA;
	c->shard_mask = cfg->shards - 1;
	c->port = htons(cfg->port);
	c->verify_checksum = cfg->verify_checksum;
	c->isolate = cfg->isolate;
	c->generic = cfg->mode == DP_GENERIC;
	c->resync = SEQ_RESYNC;
	c->control_rate = CONTROL_RATE;
	c->stranger_rate = STRANGER_RATE;
	c->stranger_total = STRANGER_TOTAL;
	c->unknown_rate = UNKNOWN_RATE;
	c->unknown_total = UNKNOWN_TOTAL;
	c->punt_rate = PUNT_RATE;
	c->punt_total = PUNT_TOTAL;
	c->n_listen = (uint8_t)cfg->n_listen;
	for (unsigned int i = 0; i < cfg->n_listen; i++)
		memcpy(&c->listen[i], cfg->listen[i].b, sizeof(c->listen[i]));
	c->n_peers = (uint8_t)cfg->n_peers;
	for (unsigned int i = 0; i < cfg->n_peers; i++)
		set_prefix(&cfg->peers[i], &c->peers[i]);
	c->n_windows4 = (uint8_t)m->n_windows4;
	c->n_windows6 = (uint8_t)m->n_windows6;
	c->pw_mask = maps_pw_elements(cfg) - 1;
	c->pw_ifindex = dp->tun_ifindex;
	c->pw_door = dp->door_ifindex;
	c->pw_rate = PUNT_RATE;
	memcpy(c->window4, m->window4, sizeof(c->window4));
	memcpy(c->window6, m->window6, sizeof(c->window6));
}

void program_config(const struct datapath *dp, struct l2x_config *ret)
{
	struct dp_maps m = { 0 };

	maps_windows(dp->cfg, &m);
	set_config(dp, &m, ret);
}

static uint32_t slot_lines(const struct dp_maps *m, bool v6)
{
	uint32_t n = 0;

	for (unsigned int i = 0; !v6 && i < m->n_windows4; i++)
		n += m->window4[i].count;
	for (unsigned int i = 0; v6 && i < m->n_windows6; i++)
		n += m->window6[i].count;
	return n ? (n + L2X_SLOTS - 1) / L2X_SLOTS : 1;
}

static int no_circuits(struct l2xdp_bpf *p)
{
	int rc = bpf_program__set_autoload(p->progs.l2xdp_circuit, false);

	return rc ?: bpf_program__set_autoload(p->progs.l2xdp_door, false);
}

static uint32_t possible_cpus(void)
{
	int n = libbpf_num_possible_cpus();

	return n > 0 ? (uint32_t)n : 1;
}

/* Maps that have a part for each CPU. A cpumap may not have more entries than a kernel is made
 * for CPUs. */
static int set_cpus(struct l2xdp_bpf *p)
{
	uint32_t cpus = possible_cpus();
	int rc = bpf_map__set_max_entries(p->maps.handed, cpus * L2X_HANDED_COLUMNS);

	rc = rc ?: bpf_map__set_max_entries(p->maps.routes, cpus * L2X_ROUTE_SLOTS);
	if (cpus > L2X_MAX_WORKER_CPUS)
		cpus = L2X_MAX_WORKER_CPUS;
	return rc ?: bpf_map__set_max_entries(p->maps.workers, cpus);
}

/* Without pseudowires one element each, and no program that nobody would attach. */
static int set_pseudowires(const struct dp_config *cfg, struct l2xdp_bpf *p)
{
	uint32_t n = maps_pw_elements(cfg);
	int rc = bpf_map__set_max_entries(p->maps.pws, n);

	rc = rc ?: bpf_map__set_max_entries(p->maps.pw_traffic, n);
	rc = rc ?: bpf_map__set_max_entries(p->maps.pw_ways, n);
	rc = rc ?: bpf_map__set_max_entries(p->maps.pw_ids, n);
	rc = rc ?: bpf_map__set_max_entries(p->maps.circuits, n);
	return rc || cfg->n_pseudowires ? rc : no_circuits(p);
}

int program_prepare(const struct datapath *dp, struct l2xdp_bpf **ret)
{
	struct l2xdp_bpf *p = l2xdp_bpf__open();
	uint32_t sessions = DP_INDEXES(dp->cfg);
	struct dp_maps m = { 0 };
	int rc;

	if (!p)
		return -errno;
	maps_windows(dp->cfg, &m);
	set_config(dp, &m, &p->rodata->cfg);
	rc = bpf_map__set_max_entries(p->maps.sessions, sessions);
	rc = rc ?: bpf_map__set_max_entries(p->maps.traffic, sessions);
	rc = rc ?: bpf_map__set_max_entries(p->maps.up_lines, sessions);
	rc = rc ?: bpf_map__set_max_entries(p->maps.down_lines, sessions);
	rc = rc ?: bpf_map__set_max_entries(p->maps.places, sessions / L2X_PLACES);
	rc = rc ?: set_cpus(p);
	rc = rc ?: set_pseudowires(dp->cfg, p);
	rc = rc ?: bpf_map__set_max_entries(p->maps.pool4, slot_lines(&m, false));
	rc = rc ?: bpf_map__set_max_entries(p->maps.pool6, slot_lines(&m, true));
	if (rc < 0)
		l2xdp_bpf__destroy(p);
	else
		*ret = p;
	return rc;
}

void program_free(struct l2xdp_bpf *p)
{
	l2xdp_bpf__destroy(p);
}

struct bpf_object *program_object(struct l2xdp_bpf *p)
{
	return p->obj;
}

int program_fd(const struct l2xdp_bpf *p)
{
	return bpf_program__fd(p->progs.l2xdp);
}

const char *program_name(const struct l2xdp_bpf *p)
{
	return bpf_program__name(p->progs.l2xdp);
}

int program_queues_fd(const struct l2xdp_bpf *p)
{
	return bpf_map__fd(p->maps.workers);
}

int program_enter_fd(const struct l2xdp_bpf *p)
{
	return bpf_program__fd(p->progs.l2xdp_enter);
}

int program_worker_fd(const struct l2xdp_bpf *p)
{
	return bpf_program__fd(p->progs.l2xdp_worker);
}

int program_worker_code_fd(const struct l2xdp_bpf *p)
{
	return bpf_map__fd(p->maps.worker_code);
}

int program_circuit_fd(const struct l2xdp_bpf *p)
{
	return bpf_program__fd(p->progs.l2xdp_circuit);
}

int program_door_fd(const struct l2xdp_bpf *p)
{
	return bpf_program__fd(p->progs.l2xdp_door);
}

int program_hook_only(struct l2xdp_bpf *p)
{
	int rc = no_circuits(p);

	rc = rc ?: bpf_program__set_autoload(p->progs.l2xdp_worker, false);
	return rc ?: bpf_program__set_autoload(p->progs.l2xdp_enter, false);
}

/* Only where the kernel allows extensions does libxdp load it as one. */
bool program_is_extension(const struct l2xdp_bpf *p)
{
	return bpf_program__type(p->progs.l2xdp) == BPF_PROG_TYPE_EXT;
}

/* .rodata is the program's configuration, and frozen with it. */
bool program_map_is_own(const struct bpf_map *m)
{
	const char *name = bpf_map__name(m), *dot = strchr(name, '.');

	return dot && strcmp(dot, ".rodata") == 0;
}

int program_same_maps(struct l2xdp_bpf *to, struct l2xdp_bpf *from)
{
	struct bpf_map *m = NULL, *same;
	int rc = 0;

	bpf_object__for_each_map(m, from->obj)
	{
		if (program_map_is_own(m))
			continue;
		same = bpf_object__find_map_by_name(to->obj, bpf_map__name(m));
		rc = rc ?: same ? bpf_map__reuse_fd(same, bpf_map__fd(m)) : -ENOENT;
	}
	return rc;
}

/* What only we and the programs know. An earlier daemon's stays: it is as good, buckets stand where it
 * put them, and frames are on their way. Returns 0, or -1 and errno. */
static int live_secrets(struct l2x_live *live)
{
	if (!live->seed && getrandom(&live->seed, sizeof(live->seed), 0) < 0)
		return -1;
	if (live->host_mac[0])
		return 0;
	if (getrandom(live->host_mac, sizeof(live->host_mac), 0) < 0)
		return -1;
	live->host_mac[0] = (uint8_t)((live->host_mac[0] & ~1) | 2); /* one station's, and local */
	return 0;
}

/* ---- the maps, mapped ------------------------------------------------------------------------ */

int program_map_all(struct datapath *dp, struct attach *a, char *err, size_t errlen)
{
	struct dp_maps *m = &a->maps;
	const struct {
		struct map_array *array;
		struct bpf_map *map;
	} all[] = {
		{ &m->sessions, a->skel->maps.sessions },
		{ &m->traffic, a->skel->maps.traffic },
		{ &m->up_lines, a->skel->maps.up_lines },
		{ &m->down_lines, a->skel->maps.down_lines },
		{ &m->tunnels, a->skel->maps.tunnels },
		{ &m->pool4, a->skel->maps.pool4 },
		{ &m->pool6, a->skel->maps.pool6 },
		{ &m->ports, a->skel->maps.ports },
		{ &m->places, a->skel->maps.places },
		{ &m->handed, a->skel->maps.handed },
		{ &m->pws, a->skel->maps.pws },
		{ &m->pw_traffic, a->skel->maps.pw_traffic },
		{ &a->live, a->skel->maps.bss },
	};
	int rc = 0;

	maps_windows(dp->cfg, m);
	for (size_t i = 0; rc == 0 && i < sizeof(all) / sizeof(all[0]); i++)
		rc = map_array_open(all[i].array, bpf_map__fd(all[i].map), err, errlen,
				    bpf_map__name(all[i].map));
	if (rc < 0)
		return rc;
	m->hosts4 = bpf_map__fd(a->skel->maps.hosts4);
	m->hosts6 = bpf_map__fd(a->skel->maps.hosts6);
	m->vlans = bpf_map__fd(a->skel->maps.vlans);
	m->verdicts = bpf_map__fd(a->skel->maps.verdicts);
	m->queues = bpf_map__fd(a->skel->maps.workers);
	m->circuits = bpf_map__fd(a->skel->maps.circuits);
	m->pw_ids = bpf_map__fd(a->skel->maps.pw_ids);
	m->live = (struct l2x_live *)a->live.mem;
	dp->maps = m;
	if (live_secrets(m->live) < 0)
		return dp_fail(-errno, err, errlen, "no randomness: %s", strerror(errno));
	rc = maps_recall(dp);
	if (rc < 0)
		return dp_fail(rc, err, errlen, "no memory for what the maps hold");
	m->live->routes4 = m->live->routes6 = 0; /* until it has been seen again (survey.c) */
	maps_epoch_raise(dp);
	return 0;
}

void program_unmap_all(struct datapath *dp, struct attach *a)
{
	struct map_array *all[] = { &a->maps.sessions,   &a->maps.traffic, &a->maps.up_lines,
				    &a->maps.down_lines, &a->maps.tunnels, &a->maps.pool4,
				    &a->maps.pool6,      &a->maps.ports,   &a->maps.places,
				    &a->maps.handed,     &a->live,         &a->maps.pws,
				    &a->maps.pw_traffic };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		map_array_close(all[i]);
	dp->maps = NULL;
}
