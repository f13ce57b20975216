// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An interval is one BPF_PROG_TEST_RUN of the generator, in which the ways take turns
 * block by block. The first blocks are not timed: page pool, caches, page tables.
 *
 * A virtual CPU shares its core with others and runs at changing speed. Blocks of a
 * fraction of a millisecond next to each other mostly meet the same speed: so what counts
 * is the median of differences within a group. An interval of which the scheduler (this
 * thread was ready but did not run) or the hypervisor (/proc/stat) took a part is not
 * believed.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/bench/measure.h"
#include "tests/bench/report.h"

#define WARM_GROUPS 64u /* a visit of 65 536 sessions on each way */
#define VERIFY_CHUNK 16384u

static int load(const char *dir, const char *name, struct bpf_object **ret)
{
	struct bpf_object *obj;
	char path[512];
	int r;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	obj = bpf_object__open_file(path, NULL);
	if (!obj) {
		r = -errno;
	} else {
		r = bpf_object__load(obj);
		if (r)
			bpf_object__close(obj);
		else
			*ret = obj;
	}
	if (r)
		fprintf(stderr, "bench: %s: %s\n", path, strerror(-r));
	return r;
}

int rig_open(const char *dir, const struct chain *chain, struct rig *ret)
{
	struct rig r = { .chain = chain, .urgent = true, .warm = WARM_GROUPS };
	const __u32 zero = 0;
	int err;

	err = load(dir, "gen.bpf.o", &r.gen_obj);
	if (!err)
		err = load(dir, "sink.bpf.o", &r.sink_obj);
	if (err) {
		rig_close(&r);
		return err;
	}
	r.gen = bpf_program__fd(bpf_object__find_program_by_name(r.gen_obj, "gen_frame"));
	r.bare = bpf_program__fd(bpf_object__find_program_by_name(r.sink_obj, "bare_redirect"));
	r.pass = bpf_program__fd(bpf_object__find_program_by_name(r.sink_obj, "pass"));
	r.sink_count = bpf_program__fd(bpf_object__find_program_by_name(r.sink_obj, "sink_count"));
	r.sink_verify =
		bpf_program__fd(bpf_object__find_program_by_name(r.sink_obj, "sink_verify"));
	r.gen_data = bpf_object__find_map_fd_by_name(r.gen_obj, ".bss");
	r.sink_data = bpf_object__find_map_fd_by_name(r.sink_obj, ".bss");
	r.target = bpf_object__find_map_fd_by_name(r.gen_obj, "target");
	r.frames = bpf_object__find_map_fd_by_name(r.sink_obj, "frames");
	*ret = r;
	err = bpf_map_update_elem(bpf_object__find_map_fd_by_name(r.sink_obj, "out"), &zero,
				  &chain->out, 0);
	if (!err)
		err = rig_set(ret, 0, r.bare);
	return err ? err : rig_set(ret, chain->ways - 1, r.pass);
}

int rig_set(struct rig *r, unsigned int way, int prog_fd)
{
	int err = bpf_map_update_elem(r->target, &way, &prog_fd, 0);

	return err ? err : chain_attach(r->chain->us[way], prog_fd);
}

void rig_close(struct rig *r)
{
	bpf_object__close(r->gen_obj);
	bpf_object__close(r->sink_obj);
	memset(r, 0, sizeof(*r));
}

int pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set) ? -errno : 0;
}

int last_cpu(void)
{
	cpu_set_t set;
	int cpu, last = 0;

	if (!sched_getaffinity(0, sizeof(set), &set))
		for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
			if (CPU_ISSET(cpu, &set))
				last = cpu;
	return last;
}

/* Before every ordinary task of this CPU, for the length of an interval. */
static void urgent(bool on)
{
	struct sched_param p = { .sched_priority = on ? 1 : 0 };

	/* without the right to it, intervals are only discarded more often */
	(void)sched_setscheduler(0, on ? SCHED_FIFO : SCHED_OTHER, &p);
}

bool measure_can_judge(void)
{
	return access("/proc/thread-self/schedstat", R_OK) == 0;
}

static uint64_t time_waited(void)
{
	unsigned long long ran, waited = 0;
	FILE *f = fopen("/proc/thread-self/schedstat", "re");

	if (!f)
		return 0;
	if (fscanf(f, "%llu %llu", &ran, &waited) != 2)
		waited = 0;
	fclose(f);
	return waited;
}

/* Nanoseconds. Of this thread: ready, but not running. Of its CPU: given to others by the
 * hypervisor, in steps of a clock tick. Of all other CPUs: all, and not idle. */
static void cpu_times(struct watch *w)
{
	uint64_t tick = 1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK), sum;
	FILE *f = fopen("/proc/stat", "re");
	unsigned long long v[8];
	char line[256];
	int cpu, i;

	memset(w, 0, sizeof(*w));
	w->waited = time_waited();
	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "cpu%d %llu %llu %llu %llu %llu %llu %llu %llu", &cpu, v, v + 1,
			   v + 2, v + 3, v + 4, v + 5, v + 6, v + 7) != 9)
			continue;
		for (i = 0, sum = 0; i < 8; i++)
			sum += v[i] * tick;
		if (cpu == sched_getcpu()) {
			w->stolen = v[7] * tick;
		} else {
			w->others += sum;
			w->others_busy += sum - (v[3] + v[4]) * tick; /* idle, waiting for a disk */
		}
	}
	if (f)
		fclose(f);
}

void watch_start(struct watch *w, bool before_others)
{
	urgent(before_others);
	cpu_times(w);
}

void watch_stop(struct watch *w, double ns)
{
	struct watch now;

	cpu_times(&now);
	urgent(false);
	w->foreign = (double)(now.waited - w->waited + now.stolen - w->stolen) / (ns + 1);
	w->neighbours =
		(double)(now.others_busy - w->others_busy) / (double)(now.others - w->others + 1);
}

/* Both programs' data are written before and read after. */
static int run(struct rig *r, struct gen_shared *g, const struct cell *c, const struct lineup *l,
	       uint64_t frames, struct sink_shared *sink)
{
	uint8_t frame[SINK_FRAME_MAX];
	struct xdp_md ctx = { .data_end = (__u32)frame_in(c, 1, 0, frame) };
	const __u32 zero = 0;
	unsigned int i;
	int err;
	DECLARE_LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = ctx.data_end,
			    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = (int)frames);

	memset(sink, 0, sizeof(*sink));
	memset(&g->run, 0, sizeof(g->run));
	g->cfg.ways = l->n;
	for (i = 0; i < l->n; i++) {
		g->cfg.slot[i] = l->way[i];
		g->cfg.ifindex[i] = r->chain->in[l->way[i]];
	}
	if (g->cfg.live)
		opts.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
	else
		ctx.ingress_ifindex = r->chain->us[0];
	err = bpf_map_update_elem(r->gen_data, &zero, g, 0);
	if (!err)
		err = bpf_map_update_elem(r->sink_data, &zero, sink, 0);
	if (!err)
		err = bpf_prog_test_run_opts(r->gen, &opts);
	if (!err)
		err = bpf_map_lookup_elem(r->gen_data, &zero, g);
	if (!err)
		err = bpf_map_lookup_elem(r->sink_data, &zero, sink);
	if (err)
		fprintf(stderr, "bench: test run: %s\n", strerror(errno));
	return err ? -errno : 0;
}

static struct figure figure_of(const struct gen_run *run, unsigned int ways, unsigned int turn,
			       unsigned int groups)
{
	static double ns[GEN_BLOCKS], above[GEN_BLOCKS], ratio[GEN_BLOCKS];
	double first = 0, own = 0, least = 0;
	unsigned int g, i;

	for (g = 0; g < groups; g++) {
		for (i = g * ways; i < (g + 1) * ways; i++) {
			if (gen_way(i, ways) == 0)
				first = (double)run->ns[i] / GEN_BLOCK;
			if (gen_way(i, ways) == turn)
				own = (double)run->ns[i] / GEN_BLOCK;
		}
		ns[g] = own;
		above[g] = own - first;
		ratio[g] = first / own;
		if (!g || own < least)
			least = own;
	}
	return (struct figure){ .ns = median(ns, groups),
				.above = median(above, groups),
				.ratio = median(ratio, groups),
				.least = least };
}

int rig_time(struct rig *r, const struct cell *c, const struct lineup *l, bool live,
	     struct gen_state *state, unsigned int groups, struct interval *ret)
{
	static struct gen_shared g;
	struct lineup every = { .n = r->chain->ways };
	struct sink_shared sink;
	struct watch w;
	unsigned int i;
	double span = 0;
	int err;

	for (i = 0; i < every.n; i++)
		every.way[i] = i;
	l = l ? l : &every;
	if (!l->n)
		return -EINVAL;
	if (groups * l->n > GEN_BLOCKS)
		groups = GEN_BLOCKS / l->n;
	frame_recipe(c, &g.cfg);
	memcpy(g.state, state, sizeof(g.state));
	g.cfg.live = live;
	/* a whole number of rotations: gen_way of a timed block then depends on its index */
	g.cfg.warm = r->warm / l->n * l->n * l->n;
	watch_start(&w, r->urgent);
	err = run(r, &g, c, l, (g.cfg.warm + (uint64_t)groups * l->n) * GEN_BLOCK + 1, &sink);
	for (i = 0; i < groups * l->n; i++)
		span += g.run.ns[i];
	watch_stop(&w, span);
	if (err)
		return err;
	ret->foreign = w.foreign;
	ret->neighbours = w.neighbours;
	ret->sent = g.run.frames;
	ret->arrived = live ? sink.frames : g.run.frames;
	for (i = 0; i < l->n; i++)
		ret->turn[i] = figure_of(&g.run, l->n, i, groups);
	memcpy(state, g.state, sizeof(g.state));
	return 0;
}

struct judge {
	const struct cell *c;
	struct check *k;
	bool through;
};

static int judge_frame(void *ctx, void *data, size_t size)
{
	const struct sink_frame *f = data;
	struct judge *j = ctx;

	(void)size;
	frame_check(j->k, j->c, j->through, f->bytes, f->len > SINK_FRAME_MAX ? 0 : f->len);
	return 0;
}

int rig_verify(struct rig *r, const struct cell *c, unsigned int way, struct gen_state *state,
	       struct check *k)
{
	static struct gen_shared g;
	struct judge j = { .c = c, .k = k, .through = way > 0 };
	struct ring_buffer *ring = ring_buffer__new(r->frames, judge_frame, &j, NULL);
	const struct lineup only = { .n = 1, .way = { way } };
	struct sink_shared sink = { 0 };
	/* any `sessions` frames in a row visit all */
	uint64_t sent = 0, want = (uint64_t)c->sessions * (c->seq ? 2 : 1) + 1;
	int err = ring ? 0 : -errno;

	memset(k, 0, sizeof(*k));
	frame_recipe(c, &g.cfg);
	g.cfg.live = 1;
	g.state[0] = *state;
	while (!err && sent < want) {
		err = run(r, &g, c, &only, VERIFY_CHUNK, &sink);
		sent += g.run.frames;
		if (!err && ring_buffer__consume(ring) < 0)
			err = -EIO;
		if (!err && sink.lost)
			err = -ENOBUFS;
	}
	ring_buffer__free(ring);
	*state = g.state[0];
	if (!err && k->frames != sent) {
		fprintf(stderr, "bench: %llu frames sent, %u arrived\n", (unsigned long long)sent,
			k->frames);
		err = -EPIPE;
	}
	return err;
}
