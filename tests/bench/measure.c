// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An interval is one BPF_PROG_TEST_RUN of the generator. Live frames travel in batches of
 * 64; the driver's work for a batch is done, in softirq on this CPU, before the next
 * batch begins, so the time between two frames is the time of one frame through the whole
 * chain. The first WARM frames are not timed: page pool, caches, page tables.
 *
 * A figure is believed only when nobody else had the CPU: the scheduler says how long this
 * thread was ready but not running, /proc/stat what the hypervisor took.
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

#define WARM 131072u /* two visits of 65 536 sessions */
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

int rig_open(const char *dir, struct rig *ret)
{
	struct rig r = { 0 };
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
	r.sink_count = bpf_program__fd(bpf_object__find_program_by_name(r.sink_obj, "sink_count"));
	r.sink_verify =
		bpf_program__fd(bpf_object__find_program_by_name(r.sink_obj, "sink_verify"));
	r.gen_data = bpf_object__find_map_fd_by_name(r.gen_obj, ".bss");
	r.sink_data = bpf_object__find_map_fd_by_name(r.sink_obj, ".bss");
	r.target = bpf_object__find_map_fd_by_name(r.gen_obj, "target");
	r.out = bpf_object__find_map_fd_by_name(r.sink_obj, "out");
	r.frames = bpf_object__find_map_fd_by_name(r.sink_obj, "frames");
	*ret = r;
	return 0;
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

void urgent(bool on)
{
	struct sched_param p = { .sched_priority = on ? 1 : 0 };

	/* without the right to it, intervals are only discarded more often */
	(void)sched_setscheduler(0, on ? SCHED_FIFO : SCHED_OTHER, &p);
}

/* Nanoseconds that this thread was ready but did not run. */
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

/* Nanoseconds that the hypervisor gave this CPU to others; steps of a clock tick. */
static uint64_t time_stolen(void)
{
	unsigned long long v[8] = { 0 };
	char line[256], want[16];
	FILE *f = fopen("/proc/stat", "re");
	int cpu = sched_getcpu(), n = snprintf(want, sizeof(want), "cpu%d ", cpu);

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, want, (size_t)n))
			(void)sscanf(line + n, "%llu %llu %llu %llu %llu %llu %llu %llu", v, v + 1,
				     v + 2, v + 3, v + 4, v + 5, v + 6, v + 7);
	if (f)
		fclose(f);
	return v[7] * (1000000000ull / (unsigned long long)sysconf(_SC_CLK_TCK));
}

static int run(struct rig *r, struct gen_shared *g, const struct cell *c, bool live,
	       struct sink_shared *sink)
{
	uint8_t frame[SINK_FRAME_MAX];
	struct xdp_md ctx = { .data_end = (__u32)frame_in(c, 1, 0, frame) };
	const __u32 zero = 0;
	int err;
	DECLARE_LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = ctx.data_end,
			    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx));

	memset(sink, 0, sizeof(*sink));
	g->state.frames = g->state.begin = g->state.end = 0;
	opts.repeat = (int)(g->cfg.last + 1);
	if (live) {
		opts.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
		g->cfg.ifindex = r->in0;
	} else {
		ctx.ingress_ifindex = r->in1;
	}
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

static int timed(struct rig *r, const struct cell *c, bool live, struct gen_state *state,
		 uint64_t frames, struct interval *ret)
{
	struct gen_shared g = { 0 };
	struct sink_shared sink;
	uint64_t waited = time_waited(), stolen = time_stolen();
	double span;
	int err;

	frame_recipe(c, &g.cfg);
	g.state = *state;
	g.cfg.first = WARM;
	g.cfg.last = WARM + frames;
	urgent(true);
	err = run(r, &g, c, live, &sink);
	urgent(false);
	if (err)
		return err;
	span = (double)(g.state.end - g.state.begin);
	ret->ns = span / (double)frames;
	ret->sent = g.state.frames;
	ret->arrived = live ? sink.frames : g.state.frames;
	ret->waited = (double)(time_waited() - waited) / span;
	ret->stolen = (double)(time_stolen() - stolen) / span;
	*state = g.state;
	return 0;
}

int rig_live(struct rig *r, const struct cell *c, struct gen_state *state, uint64_t frames,
	     struct interval *ret)
{
	return timed(r, c, true, state, frames, ret);
}

int rig_plain(struct rig *r, const struct cell *c, struct gen_state *state, uint64_t frames,
	      struct interval *ret)
{
	return timed(r, c, false, state, frames, ret);
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

int rig_verify(struct rig *r, const struct cell *c, bool through, struct gen_state *state,
	       struct check *k)
{
	struct judge j = { .c = c, .k = k, .through = through };
	struct ring_buffer *ring = ring_buffer__new(r->frames, judge_frame, &j, NULL);
	struct gen_shared g = { 0 };
	struct sink_shared sink = { 0 };
	uint64_t sent = 0;
	int err = ring ? 0 : -errno;

	memset(k, 0, sizeof(*k));
	frame_recipe(c, &g.cfg);
	g.state = *state;
	g.cfg.last = VERIFY_CHUNK - 1;
	/* a visit takes mask + 1 draws, of which some are left out: two visits and more */
	while (!err && sent < 2 * (uint64_t)g.cfg.mask + VERIFY_CHUNK) {
		err = run(r, &g, c, true, &sink);
		sent += g.state.frames;
		if (!err && ring_buffer__consume(ring) < 0)
			err = -EIO;
		if (!err && sink.lost)
			err = -ENOBUFS;
	}
	ring_buffer__free(ring);
	*state = g.state;
	if (!err && k->frames != sent) {
		fprintf(stderr, "bench: %llu frames sent, %u arrived\n", (unsigned long long)sent,
			k->frames);
		err = -EPIPE;
	}
	return err;
}
