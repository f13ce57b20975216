/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The privileged side of workers: the queues (entries of the cpumap `workers`, each with a
 * thread of the kernel), the program behind them, and what CPUs have to do. An entry is
 * made once and never replaced: that would be a second queue beside the first, and frames of
 * one session in both.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/datapath/placement.h"
#include "loader/datapath/program.h"

#define QUEUE_FRAMES                                                                               \
	8192 /* waiting for one worker, whose thread may wait for its CPU; beyond it they are lost */

/* As vmlinux.h would have it. */
struct queue {
	uint32_t size;
	int32_t program; /* descriptor; read back: its ID */
};

static bool queue_exists(int fd, uint32_t cpu)
{
	struct queue q = { 0 };

	return bpf_map_lookup_elem(fd, &cpu, &q) == 0 && q.size;
}

/* A CPU that goes, or that the kernel refuses, costs its sessions nothing: they are dealt with
 * where they arrive. */
static void make_queue(struct datapath *dp, int fd, uint32_t cpu, int program)
{
	struct queue q = { .size = QUEUE_FRAMES, .program = program };

	if (queue_exists(fd, cpu) || bpf_map_update_elem(fd, &cpu, &q, 0) == 0)
		return;
	log_warn(NULL, "CPU %u cannot be a worker: %s", cpu, strerror(errno));
	dp->workers.is_candidate[cpu] = false;
}

int queues_attach(struct datapath *dp, const struct attach *a)
{
	int fd = program_queues_fd(a->skel), program = program_worker_fd(a->skel);
	uint32_t slot = 0;

	if (bpf_map_update_elem(program_worker_code_fd(a->skel), &slot, &program, BPF_ANY))
		return -errno;
	for (uint32_t cpu = 0; cpu < dp->workers.n_cpus; cpu++)
		if (dp->workers.is_candidate[cpu])
			make_queue(dp, fd, cpu, program_enter_fd(a->skel));
	return 0;
}

/* Those of CPUs that the configuration has no more; what waits in them is still dealt with. */
int queues_retire(struct datapath *dp)
{
	int fd = dp->maps ? dp->maps->queues : -1;

	for (uint32_t cpu = 0; fd >= 0 && cpu < dp->workers.n_cpus; cpu++)
		if (!dp->workers.is_candidate[cpu] && queue_exists(fd, cpu))
			bpf_map_delete_elem(fd, &cpu);
	return 0;
}

/* ---- CPUs ------------------------------------------------------------------------------ */

/* user nice system idle iowait irq softirq steal; what is stolen is not to be had either */
static void read_use(struct dp_answer *ret)
{
	FILE *f = fopen("/proc/stat", "re");
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		unsigned long long v[8] = { 0 }, all = 0;
		unsigned int cpu;

		if (sscanf(line, "cpu%u %llu %llu %llu %llu %llu %llu %llu %llu", &cpu, &v[0],
			   &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]) < 5 ||
		    cpu >= L2X_MAX_WORKER_CPUS)
			continue;
		for (int i = 0; i < 8; i++)
			all += v[i];
		ret->cpu[cpu].ticks = (uint32_t)all;
		ret->cpu[cpu].busy = (uint32_t)(all - v[3] - v[4]);
	}
	if (f)
		fclose(f);
}

static void read_forwarded(struct datapath *dp, struct dp_answer *ret)
{
	static const uint32_t forwarded[] = { L2X_V_DECAP, L2X_V_ENCAP };
	int cpus = libbpf_num_possible_cpus();
	uint64_t *values = cpus > 0 ? calloc((size_t)cpus, sizeof(*values)) : NULL;

	for (size_t k = 0; values && k < sizeof(forwarded) / sizeof(forwarded[0]); k++) {
		if (bpf_map_lookup_elem(dp->maps->verdicts, &forwarded[k], values))
			continue;
		for (int i = 0; i < cpus && i < (int)L2X_MAX_WORKER_CPUS; i++)
			ret->cpu[i].forwarded += (uint32_t)values[i];
	}
	free(values);
}

int queues_cpus(struct datapath *dp, struct dp_answer *ret)
{
	if (!dp->maps)
		return -EOPNOTSUPP;
	read_use(ret);
	read_forwarded(dp, ret);
	return 0;
}

static bool read_online(bool *ret, unsigned int n)
{
	FILE *f = fopen("/sys/devices/system/cpu/online", "re");
	char line[1024];
	bool ok = f && fgets(line, sizeof(line), f) && placement_parse_cpus(line, ret, n);

	if (f)
		fclose(f);
	return ok;
}

/* Before a worker process is forked: it cannot look. */
int queues_init(struct datapath *dp)
{
	const struct dp_workers_config *cfg = &dp->cfg->workers;
	struct workers *w = &dp->workers;
	int possible = libbpf_num_possible_cpus();
	bool online[L2X_MAX_WORKER_CPUS] = { false };
	unsigned int n;

	w->n_cpus = possible > 0 ? (unsigned int)possible : 1;
	if (w->n_cpus > L2X_MAX_WORKER_CPUS)
		w->n_cpus = L2X_MAX_WORKER_CPUS;
	if (!read_online(online, w->n_cpus))
		memset(online, true, w->n_cpus);
	n = placement_pick(cfg, online, w->is_candidate, w->n_cpus);
	w->n_candidates = n;
	if (dp->cfg->mode == DP_OFF || cfg->mode == DP_WORKERS_OFF)
		return 0;
	for (unsigned int i = 0; cfg->mode == DP_WORKERS_LIST && i < cfg->n; i++)
		if (cfg->cpu[i] >= w->n_cpus || !online[cfg->cpu[i]])
			log_warn(NULL, "workers: CPU %u is not there (lscpu); the others are taken",
				 cfg->cpu[i]);
	if (cfg->mode == DP_WORKERS_COUNT && n < cfg->n)
		log_warn(NULL, "workers: %u, but this host has %u CPUs", cfg->n, n);
	return 0;
}
