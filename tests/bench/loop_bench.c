// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How many packets a second a device takes that is alone on a CPU: any device that carries
 * L2TP sessions somebody else has set up, or that forwards. Against it, in turns, a bare
 * redirect on the same CPU. loop.bpf.c makes the frames and counts what comes back; the devices
 * and the sessions are rows.sh's work, and this runs in the namespace at the far end:
 *
 *	far      in0 -------- us0   the device   out -------- sink     far
 *	         in1 -------- us1   bare redirect  '
 *
 * First every frame that comes back is judged until all sessions were seen. Then intervals: packets
 * for a second of CPU that the device's own threads have run. One is thrown away when more than a
 * little of that CPU went to others, the generator waited for its own, or frames were lost.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "tests/bench/chain.h"
#include "tests/bench/frames.h"
#include "tests/bench/loop.h"
#include "tests/bench/measure.h"
#include "tests/bench/report.h"
#include "tests/bench/share.h"

#define MAX_ROUNDS 99
#define MAX_TRIES 20
#define MAX_LOST 0.001
#define MAX_PIDS 16
#define WARM_NS 100000000ull
#define JUDGE_CHUNK 8192u
#define MAX_SILENCE 100 /* intervals in which nothing came back */

struct interval_of {
	double rate; /* packets a second */
	double per_cpu; /* packets for a second of CPU that the device used */
	double cpu; /* share of its CPU that the device used */
	double workers; /* of that, what workers' threads used */
	double foreign, lost;
};

struct bench {
	struct cell cell;
	const char *device, *row, *in, *reference, *sink, *table;
	FILE *csv;
	double max_foreign; /* share of an interval that may be someone else's */
	unsigned int rounds, window, ms;
	int cpu, device_cpu, pids[MAX_PIDS]; /* workers last */
	unsigned int n_pids, n_workers;
	unsigned int kept, foreign, lost;
	struct bpf_object *obj;
	int gen, data, arrived;
	struct loop_shared shared;
	struct ids *peer; /* by session number */
	double per_cpu[2][MAX_ROUNDS], ratio[MAX_ROUNDS], rate[MAX_ROUNDS], cpu_used[MAX_ROUNDS];
	double at_workers[MAX_ROUNDS];
};

/* ---- the sessions ------------------------------------------------------------------------ */

/* Lines of: device's tunnel, session; peer's tunnel, session, port; number. */
static int read_table(struct bench *b)
{
	int fd = bpf_object__find_map_fd_by_name(b->obj, "entries");
	size_t stride = (sizeof(struct loop_entry) + 7) & ~7ul;
	uint8_t *mem;
	unsigned int tid, sid, ptid, psid, port, number, n = 0;
	FILE *f = fopen(b->table, "re");

	if (!f)
		return -errno;
	mem = mmap(NULL, LOOP_SESSIONS * stride, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED) {
		fclose(f);
		return -errno;
	}
	while (n < b->cell.sessions &&
	       fscanf(f, "%u %u %u %u %u %u", &tid, &sid, &ptid, &psid, &port, &number) == 6) {
		struct loop_entry e = { .ids = tid << 16 | sid, .number = number, .port = port };

		if (number >= BENCH_NUMBERS || !b->peer)
			break;
		memcpy(mem + n++ * stride, &e, sizeof(e));
		b->peer[number] = (struct ids){ .tid = (uint16_t)ptid,
						.sid = (uint16_t)psid,
						.port = (uint16_t)port };
	}
	munmap(mem, LOOP_SESSIONS * stride);
	fclose(f);
	if (n == b->cell.sessions)
		return 0;
	fprintf(stderr, "bench: %s: %u of %u sessions\n", b->table, n, b->cell.sessions);
	return -ENODATA;
}

/* ---- one run ------------------------------------------------------------------------------- */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* The generator until a signal ends it, or for so many turns. */
static int spin(struct bench *b, const char *in, uint64_t ns, uint32_t turns)
{
	const struct itimerval never = { { 0, 0 }, { 0, 0 } };
	struct loop_arrived none = { .frames = 0 };
	uint64_t us = (ns + WARM_NS) / 1000 + 20000;
	const struct itimerval later = { { 0, 20000 },
					 { (time_t)(us / 1000000), (suseconds_t)(us % 1000000) } };
	uint8_t frame[SINK_FRAME_MAX];
	struct xdp_md ctx = { .data_end = (__u32)frame_in(&b->cell, 1, 0, frame) };
	const __u32 zero = 0;
	int r;
	DECLARE_LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = ctx.data_end,
			    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .repeat = (int)turns,
			    .flags = BPF_F_TEST_XDP_LIVE_FRAMES);

	b->shared.cfg.ifindex[0] = if_nametoindex(in);
	b->shared.turns = b->shared.sent = b->shared.gone = b->shared.begin_ns = b->shared.end_ns =
		0;
	b->shared.from = now_ns() + WARM_NS;
	b->shared.until = ns ? b->shared.from + ns : UINT64_MAX;
	r = bpf_map_update_elem(b->data, &zero, &b->shared, 0);
	if (!r)
		r = bpf_map_update_elem(b->arrived, &zero, &none, 0);
	if (r)
		return -errno;
	if (ns)
		setitimer(ITIMER_REAL, &later, NULL);
	r = bpf_prog_test_run_opts(b->gen, &opts);
	setitimer(ITIMER_REAL, &never, NULL);
	if (r && errno != EINTR) {
		fprintf(stderr, "bench: test run: %s\n", strerror(errno));
		return -errno;
	}
	return bpf_map_lookup_elem(b->data, &zero, &b->shared) ? -errno : 0;
}

/* ---- every frame ----------------------------------------------------------------------------- */

struct judge {
	struct bench *b;
	struct check *k;
};

static int judge_frame(void *arg, void *data, size_t size)
{
	const struct sink_frame *f = data;
	struct judge *j = arg;
	const struct cell *c = &j->b->cell;
	size_t len = f->len > SINK_FRAME_MAX ? 0 : f->len;

	(void)size;
	if (c->device == BENCH_L2XDP && c->op == BENCH_ENCAP)
		frame_check_any(j->k, c, j->b->peer, f->bytes, len);
	else if (frame_is_ours(c, f->bytes, len))
		frame_check(j->k, c, true, f->bytes, len);
	else
		j->k->strays++;
	return 0;
}

static struct bpf_program *program_named(struct bench *b, const char *name)
{
	return bpf_object__find_program_by_name(b->obj, name);
}

static int attach_sink(struct bench *b, const char *program)
{
	return chain_attach(if_nametoindex(b->sink), bpf_program__fd(program_named(b, program)));
}

static int verify(struct bench *b)
{
	static struct check k;
	struct judge j = { .b = b, .k = &k };
	struct ring_buffer *ring = ring_buffer__new(
		bpf_object__find_map_fd_by_name(b->obj, "judged"), judge_frame, &j, NULL);
	unsigned int before, silent = 0;
	int r = ring ? attach_sink(b, "loop_judge") : -errno;

	memset(&k, 0, sizeof(k));
	while (!r && !k.bad && k.sessions < b->cell.sessions && silent < MAX_SILENCE) {
		before = k.frames;
		r = spin(b, b->in, 0, JUDGE_CHUNK);
		if (!r && ring_buffer__consume(ring) < 0)
			r = -EIO;
		silent = k.frames == before ? silent + 1 : 0;
	}
	ring_buffer__free(ring);
	if (!r && (k.bad || k.sessions < b->cell.sessions))
		r = -EBADMSG;
	if (r)
		fprintf(stderr,
			"bench: %s %s: %u frames came back, %u wrong, %u of %u sessions%s%s\n",
			b->device, b->row, k.frames, k.bad, k.sessions, b->cell.sessions,
			k.bad ? ": " : "", k.why);
	return r;
}

/* ---- intervals ---------------------------------------------------------------------------------- */

static struct cpu_share workers_share(const struct bench *b)
{
	return cpu_share(b->device_cpu, b->pids + b->n_pids - b->n_workers, b->n_workers);
}

static int measure(struct bench *b, const char *in, struct interval_of *ret)
{
	uint64_t ns = b->ms * 1000000ull;
	struct cpu_share before, after, workers;
	struct loop_shared *s = &b->shared;
	struct loop_arrived all;
	double whole, got, foreign, own;
	const __u32 zero = 0;
	struct watch w;
	int r;

	watch_start(&w, true);
	before = cpu_share(b->device_cpu, b->pids, b->n_pids);
	workers = workers_share(b);
	r = spin(b, in, ns, UINT32_MAX >> 2);
	after = cpu_share(b->device_cpu, b->pids, b->n_pids);
	watch_stop(&w, (double)(ns + WARM_NS));
	if (!r)
		r = bpf_map_lookup_elem(b->arrived, &zero, &all);
	if (r)
		return r;
	if (after.gone) {
		fprintf(stderr, "bench: %s: process %d has ended\n", b->device, after.gone);
		return -ESRCH;
	}
	/* not there at begin or end; or a thread has ended and taken its time with it */
	if (!s->begin_ns || !s->end_ns || after.device <= before.device) {
		ret->foreign = 1;
		return 0;
	}
	whole = (double)(ns + WARM_NS);
	got = (double)(s->end_arrived - s->begin_arrived);
	own = (double)(after.device - before.device);
	foreign = (double)(after.busy - before.busy) - own;
	ret->rate = got / (double)(s->end_ns - s->begin_ns) * 1e9;
	ret->per_cpu = (double)all.frames / (own + 1) * 1e9;
	ret->cpu = own / whole;
	ret->workers = (double)(workers_share(b).device - workers.device) / own;
	ret->foreign = foreign / whole > w.foreign ? foreign / whole : w.foreign;
	ret->lost = (double)(s->end_gone - s->begin_gone) / (got + 1);
	return 0;
}

/* One of the device and one of the reference, both believable. */
static int measure_pair(struct bench *b, unsigned int round)
{
	const char *in[2] = { b->reference, b->in };
	struct interval_of v = { 0 };
	unsigned int i;
	int tries, r;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		for (i = 0; i < 2; i++) {
			r = measure(b, in[i], &v);
			if (r)
				return r;
			if (v.foreign > b->max_foreign || v.lost > MAX_LOST)
				break;
			b->per_cpu[i][round] = v.per_cpu;
			b->kept++;
		}
		if (i == 2) {
			b->ratio[round] = b->per_cpu[1][round] / b->per_cpu[0][round];
			b->rate[round] = v.rate;
			b->cpu_used[round] = v.cpu;
			b->at_workers[round] = v.workers;
			return 0;
		}
		b->foreign += v.foreign > b->max_foreign;
		b->lost += v.foreign <= b->max_foreign;
	}
	fprintf(stderr,
		"bench: %s %s: %d intervals cannot be believed; the last one: %.1f %% of a CPU "
		"taken by others, %.1f %% lost\n",
		b->device, b->row, MAX_TRIES, 100 * v.foreign, 100 * v.lost);
	return -EBUSY;
}

static void show(struct bench *b)
{
	struct spread bare = spread_of(b->per_cpu[0], b->rounds);
	struct spread own = spread_of(b->per_cpu[1], b->rounds);
	struct spread ratio = spread_of(b->ratio, b->rounds);
	struct spread rate = spread_of(b->rate, b->rounds);
	struct spread cpu = spread_of(b->cpu_used, b->rounds);
	struct spread workers = spread_of(b->at_workers, b->rounds);

	printf("%-20s %-42s %5.0f (%5.0f-%5.0f) %5.0f (%5.0f-%5.0f)  %5.3f (%5.3f-%5.3f) %5.0f "
	       "%4.0f "
	       "%4u\n",
	       b->device, b->row, bare.median / 1e3, bare.min / 1e3, bare.max / 1e3,
	       own.median / 1e3, own.min / 1e3, own.max / 1e3, ratio.median, ratio.min, ratio.max,
	       rate.median / 1e3, 100 * cpu.median, b->foreign + b->lost);
	csv_line(b->csv, "core", b->device, b->row, "bare", "packets/CPU second", &bare);
	csv_line(b->csv, "core", b->device, b->row, "whole", "packets/CPU second", &own);
	csv_line(b->csv, "core", b->device, b->row, "ratio", "rate", &ratio);
	csv_line(b->csv, "core", b->device, b->row, "rate", "packets/s", &rate);
	csv_line(b->csv, "core", b->device, b->row, "cpu", "share", &cpu);
	if (!b->n_workers)
		return;
	printf("%-63s of this CPU time, %.0f %% (%.0f-%.0f) workers\n", "", 100 * workers.median,
	       100 * workers.min, 100 * workers.max);
	csv_line(b->csv, "core", b->device, b->row, "workers", "share", &workers);
}

/* ---- start ---------------------------------------------------------------------------------------- */

static const char usage[] =
	"loop_bench OPTION...   (root, in the namespace of the far end; see rows.sh)\n"
	"  --device NAME --row TEXT        in the table\n"
	"  --in DEV --reference DEV        send here for the device, for the bare redirect\n"
	"  --sink DEV                      all comes back here\n"
	"  --op decap|encap|up|down        up and down: plain IP\n"
	"  --family 4|6 --octets N --sessions N\n"
	"  --table FILE                    IDs and addresses of the sessions\n"
	"  --cpu N --device-cpu N --pid P  the generator's, the device's, processes that are its\n"
	"  --worker P                      after all --pid: one whose share is told, too\n"
	"  --rounds N --ms N --window N    default 3, 1000, 128\n"
	"  --foreign PERCENT               of the CPU that others may take: default 5\n"
	"  --csv FILE\n";

static int set_op(struct cell *c, const char *op)
{
	bool plain = !strcmp(op, "up") || !strcmp(op, "down");

	c->device = plain ? BENCH_FORWARD : BENCH_L2XDP;
	c->op = !strcmp(op, "encap") || !strcmp(op, "down") ? BENCH_ENCAP : BENCH_DECAP;
	c->foreign = !plain;
	return plain || !strcmp(op, "encap") || !strcmp(op, "decap") ? 0 : -EINVAL;
}

static int option(struct bench *b, int opt)
{
	switch (opt) {
	case 'd':
		b->device = optarg;
		return 0;
	case 'R':
		b->row = optarg;
		return 0;
	case 'i':
		b->in = optarg;
		return 0;
	case 'e':
		b->reference = optarg;
		return 0;
	case 's':
		b->sink = optarg;
		return 0;
	case 'o':
		return set_op(&b->cell, optarg);
	case 'f':
		b->cell.family = atoi(optarg);
		return 0;
	case 'l':
		b->cell.inner = (unsigned int)atoi(optarg);
		return 0;
	case 'n':
		b->cell.sessions = (unsigned int)atoi(optarg);
		return 0;
	case 't':
		b->table = optarg;
		return 0;
	case 'c':
		b->cpu = atoi(optarg);
		return 0;
	case 'D':
		b->device_cpu = atoi(optarg);
		return 0;
	case 'k':
		b->n_workers++;
		/* fall through */
	case 'p':
		if (b->n_pids == MAX_PIDS)
			return -EINVAL;
		b->pids[b->n_pids++] = atoi(optarg);
		return 0;
	case 'r':
		b->rounds = (unsigned int)atoi(optarg);
		return 0;
	case 'm':
		b->ms = (unsigned int)atoi(optarg);
		return 0;
	case 'w':
		b->window = (unsigned int)atoi(optarg);
		return 0;
	case 'F':
		b->max_foreign = atof(optarg) / 100;
		return 0;
	case 'C':
		b->csv = csv_open(optarg);
		return b->csv ? 0 : -EIO;
	default:
		return -EINVAL;
	}
}

static int options(struct bench *b, int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "device", required_argument, NULL, 'd' },
		{ "row", required_argument, NULL, 'R' },
		{ "in", required_argument, NULL, 'i' },
		{ "reference", required_argument, NULL, 'e' },
		{ "sink", required_argument, NULL, 's' },
		{ "op", required_argument, NULL, 'o' },
		{ "family", required_argument, NULL, 'f' },
		{ "octets", required_argument, NULL, 'l' },
		{ "sessions", required_argument, NULL, 'n' },
		{ "table", required_argument, NULL, 't' },
		{ "cpu", required_argument, NULL, 'c' },
		{ "device-cpu", required_argument, NULL, 'D' },
		{ "pid", required_argument, NULL, 'p' },
		{ "worker", required_argument, NULL, 'k' },
		{ "rounds", required_argument, NULL, 'r' },
		{ "ms", required_argument, NULL, 'm' },
		{ "window", required_argument, NULL, 'w' },
		{ "foreign", required_argument, NULL, 'F' },
		{ "csv", required_argument, NULL, 'C' },
		{ NULL, 0, NULL, 0 },
	};
	int opt, r = 0;

	while (!r && (opt = getopt_long(argc, argv, "", longopts, NULL)) != -1)
		r = option(b, opt);
	if (!r && (!b->device || !b->row || !b->in || !b->reference || !b->sink || b->rounds < 1 ||
		   b->rounds > MAX_ROUNDS || !b->cell.sessions ||
		   b->cell.sessions > BENCH_SESSIONS || b->cell.inner < 64 || b->cell.inner > 1400))
		r = -EINVAL;
	return r;
}

static int prepare(struct bench *b)
{
	char dir[512], path[600];
	ssize_t n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
	int r;

	if (n < 0)
		return -errno;
	dir[n] = 0;
	snprintf(path, sizeof(path), "%s/loop.bpf.o", dirname(dir));
	b->peer = calloc(BENCH_NUMBERS, sizeof(*b->peer));
	b->obj = b->peer ? bpf_object__open_file(path, NULL) : NULL;
	r = b->obj ? bpf_object__load(b->obj) : -errno;
	if (r)
		return r;
	b->gen = bpf_program__fd(program_named(b, "loop_gen"));
	b->data = bpf_object__find_map_fd_by_name(b->obj, ".data.loop");
	b->arrived = bpf_object__find_map_fd_by_name(b->obj, ".data.arrived");
	frame_recipe(&b->cell, &b->shared.cfg);
	b->shared.plan = b->cell.device != BENCH_L2XDP;
	b->shared.window = b->window;
	if (!b->shared.plan)
		r = b->table ? read_table(b) : -EINVAL;
	return r ? r : pin(b->cpu);
}

int main(int argc, char **argv)
{
	static struct bench b = { .rounds = 3,
				  .ms = 1000,
				  .window = 128,
				  .max_foreign = 0.05,
				  .cpu = 0,
				  .device_cpu = 1,
				  .cell = { .family = 4, .inner = 64, .sessions = 1 } };
	const struct sigaction act = { .sa_handler = on_alarm };
	unsigned int i;
	int r;

	if (options(&b, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	sigaction(SIGALRM, &act, NULL);
	r = prepare(&b);
	if (!r)
		r = verify(&b);
	if (!r)
		r = attach_sink(&b, "loop_count");
	for (i = 0; i < b.rounds && !r; i++)
		r = measure_pair(&b, i);
	if (!r)
		show(&b);
	else
		fprintf(stderr, "bench: %s %s: %s\n", b.device, b.row, strerror(-r));
	bpf_object__close(b.obj);
	free(b.peer);
	if (b.csv)
		fclose(b.csv);
	return r ? 1 : 0;
}
