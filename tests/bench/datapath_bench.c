// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the program costs for a packet, against the least that any program can do.
 *
 *   chain.c    a veth chain in a network namespace of our own
 *   gen.bpf.c  makes frames, for sessions in shuffled order, into the chain
 *   frames.c   which frames, and what must come out
 *   program.c  the program under test, with 65 535 sessions
 *   measure.c  runs it and judges whether the clock can be believed
 *
 * Per line of the table: first frames of every session cross, and each one that leaves is
 * compared octet by octet with what has to leave. Then, round by round and line by line,
 * the bare redirect and the program take turns at the same hook with the same frames, on
 * one CPU. Shown are medians over the rounds, and of the differences and ratios within
 * each round, so that a machine that slows down in between does not show up as cost.
 *
 * Then the same in plain test runs, where no driver is involved: the generator tail-calls
 * the program, and once more a program that does next to nothing in its place; the
 * difference is the program alone, with its caches warm from nothing else.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <regex.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tests/bench/chain.h"
#include "tests/bench/frames.h"
#include "tests/bench/measure.h"
#include "tests/bench/program.h"

#define MAX_ROUNDS 99
#define MAX_PROGRAMS 8
#define MAX_TRIES 20 /* to get one interval that can be believed */
#define MAX_FOREIGN 0.01 /* share of an interval that may be someone else's */

static const struct cell cells[] = {
	{ BENCH_DECAP, 4, 64, 1, false, false },     { BENCH_DECAP, 4, 64, 1000, false, false },
	{ BENCH_DECAP, 4, 64, 65535, false, false }, { BENCH_DECAP, 4, 512, 1, false, false },
	{ BENCH_DECAP, 4, 512, 1000, false, false }, { BENCH_DECAP, 4, 512, 65535, false, false },
	{ BENCH_DECAP, 6, 64, 65535, false, false }, { BENCH_DECAP, 4, 64, 65535, true, false },
	{ BENCH_ENCAP, 4, 64, 1, false, false },     { BENCH_ENCAP, 4, 64, 1000, false, false },
	{ BENCH_ENCAP, 4, 64, 65535, false, false }, { BENCH_ENCAP, 4, 512, 1, false, false },
	{ BENCH_ENCAP, 4, 512, 1000, false, false }, { BENCH_ENCAP, 4, 512, 65535, false, false },
	{ BENCH_ENCAP, 6, 64, 65535, false, false }, { BENCH_ENCAP, 4, 64, 65535, true, false },
	{ BENCH_ENCAP, 4, 512, 65535, false, true },
};
#define N_CELLS (sizeof(cells) / sizeof(cells[0]))

struct series {
	double bare[MAX_ROUNDS], ours[MAX_PROGRAMS][MAX_ROUNDS];
	struct gen_state state;
	bool wanted;
};

struct bench {
	unsigned int rounds, n_programs;
	uint64_t frames;
	int cpu;
	const char *csv, *only;
	bool live, plain, verify;
	struct chain chain;
	struct rig rig;
	const char *paths[MAX_PROGRAMS];
	struct program programs[MAX_PROGRAMS];
	struct series series[N_CELLS];
	unsigned int waited, stolen, lost; /* intervals thrown away, by cause */
	FILE *out;
};

static void cell_name(const struct cell *c, char *ret, size_t len)
{
	snprintf(ret, len, "%s IPv%d %u octets, %u session%s%s%s", bench_op_names[c->op], c->family,
		 c->inner, c->sessions, c->sessions == 1 ? "" : "s", c->seq ? ", sequenced" : "",
		 c->plain_sum ? ", full sum" : "");
}

/* ---- one line of the table ---------------------------------------------------- */

static int attach(struct bench *b, const struct program *p, int sink)
{
	int r = chain_attach(b->chain.in1, p ? p->fd : b->rig.bare);

	return r ? r : chain_attach(b->chain.out1, sink);
}

static void show_verdicts(const struct program *p)
{
	uint64_t n[L2X_V_MAX];
#define X(number, NAME, name, class, text) [number] = name,
	static const char *const names[] = { L2X_VERDICTS(X) };
#undef X
	int i;

	if (program_verdicts(p, n))
		return;
	for (i = 0; i < L2X_V_MAX; i++)
		if (n[i])
			fprintf(stderr, "bench:   verdict %s: %llu\n", names[i],
				(unsigned long long)n[i]);
}

static int verify_one(struct bench *b, struct series *s, const struct cell *c, struct program *p)
{
	static struct check k;
	char name[96];
	int r = p ? program_sessions(p, c->seq) : 0;

	cell_name(c, name, sizeof(name));
	if (!r)
		r = attach(b, p, b->rig.sink_verify);
	if (!r)
		r = rig_verify(&b->rig, c, p, &s->state, &k);
	if (r || k.bad || k.sessions != c->sessions) {
		fprintf(stderr, "bench: %s through %s: %u frames left, %u wrong, %u of %u sessions",
			name, p ? p->name : "the bare redirect", k.frames, k.bad, k.sessions,
			c->sessions);
		fprintf(stderr, "%s%s\n", k.bad ? ": " : "", k.why);
		if (p)
			show_verdicts(p);
		return r ? r : -EBADMSG;
	}
	return 0;
}

static int verify(struct bench *b)
{
	unsigned int i, j, frames = 0;
	int r = 0;

	for (i = 0; i < N_CELLS && !r; i++) {
		if (!b->series[i].wanted)
			continue;
		frames++;
		r = verify_one(b, &b->series[i], &cells[i], NULL);
		for (j = 0; j < b->n_programs && !r; j++)
			r = verify_one(b, &b->series[i], &cells[i], &b->programs[j]);
	}
	if (!r)
		printf("verified: %u kinds of frames, every session, every octet\n\n", frames);
	return r;
}

/* One believable interval. */
static int measure(struct bench *b, struct series *s, const struct cell *c, struct program *p,
		   bool live, double *ret)
{
	struct interval v;
	int tries, r;

	if (p && (r = program_sessions(p, c->seq)))
		return r;
	if (live) {
		r = attach(b, p, b->rig.sink_count);
	} else {
		const __u32 zero = 0;

		r = bpf_map_update_elem(b->rig.target, &zero, p ? &p->fd : &b->rig.bare, 0);
	}
	for (tries = 0; !r && tries < MAX_TRIES; tries++) {
		r = (live ? rig_live : rig_plain)(&b->rig, c, &s->state, b->frames, &v);
		if (r)
			return r;
		if (v.stolen > MAX_FOREIGN) {
			b->stolen++;
		} else if (v.waited > MAX_FOREIGN) {
			b->waited++;
		} else if ((double)v.arrived < 0.999 * (double)v.sent) {
			b->lost++;
		} else {
			*ret = v.ns;
			return 0;
		}
	}
	fprintf(stderr, "bench: the machine is too busy: %d intervals in a row are not ours\n",
		MAX_TRIES);
	return r ? r : -EBUSY;
}

static int measure_all(struct bench *b, bool live)
{
	unsigned int round, i, j;
	int r = 0;

	for (round = 0; round < b->rounds && !r; round++)
		for (i = 0; i < N_CELLS && !r; i++) {
			struct series *s = &b->series[i];

			if (!s->wanted)
				continue;
			r = measure(b, s, &cells[i], NULL, live, &s->bare[round]);
			for (j = 0; j < b->n_programs && !r; j++)
				r = measure(b, s, &cells[i], &b->programs[j], live,
					    &s->ours[j][round]);
		}
	return r;
}

/* ---- what is shown --------------------------------------------------------------- */

struct spread {
	double median, min, max;
};

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static struct spread spread_of(const double *v, unsigned int n)
{
	double s[MAX_ROUNDS];

	memcpy(s, v, n * sizeof(*v));
	qsort(s, n, sizeof(*s), by_size);
	return (struct spread){ .median = (s[(n - 1) / 2] + s[n / 2]) / 2,
				.min = s[0],
				.max = s[n - 1] };
}

static void show_row(struct bench *b, unsigned int i, unsigned int j, const char *kind)
{
	const struct cell *c = &cells[i];
	const struct series *s = &b->series[i];
	double above[MAX_ROUNDS], ratio[MAX_ROUNDS];
	struct spread bare, ours, more, times;
	char name[96];
	unsigned int r;

	for (r = 0; r < b->rounds; r++) {
		above[r] = s->ours[j][r] - s->bare[r];
		ratio[r] = s->ours[j][r] / s->bare[r];
	}
	bare = spread_of(s->bare, b->rounds);
	ours = spread_of(s->ours[j], b->rounds);
	more = spread_of(above, b->rounds);
	times = spread_of(ratio, b->rounds);
	cell_name(c, name, sizeof(name));
	if (b->n_programs > 1)
		printf("%-12s ", b->programs[j].name);
	printf("%-46s %5.1f (%.1f-%.1f)  %5.1f (%.1f-%.1f)  %5.1f (%.1f-%.1f)  %.2f (%.2f-%.2f)\n",
	       name, bare.median, bare.min, bare.max, ours.median, ours.min, ours.max, more.median,
	       more.min, more.max, times.median, times.min, times.max);
	if (b->out)
		fprintf(b->out,
			"%s,%s,%s,%d,%u,%u,%d,%d,%u,%.1f,%.1f,%.1f,%.1f,%.1f,%.1f,%.1f,%.1f,%.1f,"
			"%.3f,%.3f,%.3f\n",
			kind, b->programs[j].name, bench_op_names[c->op], c->family, c->inner,
			c->sessions, c->seq, c->plain_sum, b->rounds, bare.median, bare.min,
			bare.max, ours.median, ours.min, ours.max, more.median, more.min, more.max,
			times.median, times.min, times.max);
}

static void show(struct bench *b, const char *kind, const char *title, const char *first)
{
	unsigned int i, j;

	printf("%s\n%-46s %-20s %-20s %-20s %s\n", title, "ns per packet: median (min-max)", first,
	       "l2xdp", "above it", "ratio");
	for (i = 0; i < N_CELLS; i++)
		for (j = 0; j < b->n_programs && b->series[i].wanted; j++)
			show_row(b, i, j, kind);
	printf("\n");
}

static void line_of(const char *path, const char *key, char *ret, size_t len)
{
	char line[512];
	FILE *f = fopen(path, "re");

	snprintf(ret, len, "?");
	while (f && fgets(line, sizeof(line), f)) {
		char *value = strchr(line, ':');

		if (*key && (strncmp(line, key, strlen(key)) || !value))
			continue;
		value = *key ? value + 2 : line;
		value[strcspn(value, "\n")] = 0;
		snprintf(ret, len, "%.*s", (int)len - 1, value);
		break;
	}
	if (f)
		fclose(f);
}

static void conditions(const struct bench *b)
{
	char model[128], load[128];
	struct utsname u;
	unsigned int j;

	uname(&u);
	line_of("/proc/cpuinfo", "model name", model, sizeof(model));
	line_of("/proc/loadavg", "", load, sizeof(load));
	printf("kernel %s %s, %s, %ld CPUs, on CPU %d, load %s\n", u.release, u.machine, model,
	       sysconf(_SC_NPROCESSORS_ONLN), b->cpu, load);
	for (j = 0; j < b->n_programs; j++)
		printf("program %s: maps take %.1f MB of kernel memory\n", b->programs[j].name,
		       (double)program_memory(&b->programs[j]) / 1e6);
	printf("%u rounds of %llu frames, after %u intervals thrown away (CPU taken by others %u, "
	       "by the hypervisor %u, frames lost %u)\n\n",
	       b->rounds, (unsigned long long)b->frames, b->waited + b->stolen + b->lost, b->waited,
	       b->stolen, b->lost);
}

/* ---- start ------------------------------------------------------------------------- */

static const char usage[] =
	"datapath_bench [OPTION...]   (root)\n"
	"  --rounds N        5..99, default 7\n"
	"  --frames N        per interval, default 1000000\n"
	"  --cpu N           to run on, default the last one\n"
	"  --only REGEX      lines of the table by name\n"
	"  --object NAME=F   this build of l2xdp.bpf.o instead of the one built in; may be\n"
	"                    repeated to compare builds round by round\n"
	"  --live, --plain   only one of the two tables\n"
	"  --no-verify       measure frames without having looked at them\n"
	"  --csv FILE        also write the figures there\n";

static int add_object(struct bench *b, char *arg)
{
	char *path = strchr(arg, '=');

	if (!path || b->n_programs == MAX_PROGRAMS)
		return -EINVAL;
	*path++ = 0;
	b->paths[b->n_programs] = path;
	b->programs[b->n_programs++].name = arg;
	return 0;
}

static int select_cells(struct bench *b)
{
	regex_t re;
	char name[96];
	unsigned int i, n = 0;

	if (regcomp(&re, b->only ? b->only : "", REG_EXTENDED | REG_NOSUB))
		return -EINVAL;
	for (i = 0; i < N_CELLS; i++) {
		cell_name(&cells[i], name, sizeof(name));
		b->series[i].wanted = !regexec(&re, name, 0, NULL, 0);
		n += b->series[i].wanted;
	}
	regfree(&re);
	return n ? 0 : -EINVAL;
}

static int last_cpu(void)
{
	cpu_set_t set;
	int cpu, last = 0;

	if (!sched_getaffinity(0, sizeof(set), &set))
		for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
			if (CPU_ISSET(cpu, &set))
				last = cpu;
	return last;
}

static int options(struct bench *b, int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "rounds", required_argument, NULL, 'r' },
		{ "frames", required_argument, NULL, 'f' },
		{ "cpu", required_argument, NULL, 'c' },
		{ "only", required_argument, NULL, 'o' },
		{ "object", required_argument, NULL, 'O' },
		{ "live", no_argument, NULL, 'l' },
		{ "plain", no_argument, NULL, 'p' },
		{ "no-verify", no_argument, NULL, 'n' },
		{ "csv", required_argument, NULL, 'C' },
		{ NULL, 0, NULL, 0 },
	};
	int opt, r = 0;

	while (!r && (opt = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		if (opt == 'r')
			b->rounds = (unsigned int)atoi(optarg);
		else if (opt == 'f')
			b->frames = strtoull(optarg, NULL, 0);
		else if (opt == 'c')
			b->cpu = atoi(optarg);
		else if (opt == 'o')
			b->only = optarg;
		else if (opt == 'O')
			r = add_object(b, optarg);
		else if (opt == 'l')
			b->plain = false;
		else if (opt == 'p')
			b->live = false;
		else if (opt == 'n')
			b->verify = false;
		else if (opt == 'C')
			b->csv = optarg;
		else
			r = -EINVAL;
	}
	if (!r && (b->rounds < 1 || b->rounds > MAX_ROUNDS || b->frames < 1000))
		r = -EINVAL;
	return r;
}

static int open_programs(struct bench *b)
{
	unsigned int i;
	int r = 0;

	if (!b->n_programs)
		b->programs[b->n_programs++].name = "l2xdp";
	for (i = 0; i < b->n_programs && !r; i++)
		r = program_open(b->programs[i].name, b->paths[i], &b->chain, &b->programs[i]);
	return r;
}

/* The directory of this binary, where gen.bpf.o and sink.bpf.o are. */
static int open_rig(struct bench *b)
{
	char self[512];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const __u32 zero = 0;
	int r;

	if (n < 0)
		return -errno;
	self[n] = 0;
	r = rig_open(dirname(self), &b->rig);
	if (r)
		return r;
	b->rig.in0 = b->chain.in0;
	b->rig.in1 = b->chain.in1;
	return bpf_map_update_elem(b->rig.out, &zero, &b->chain.out0, 0);
}

static int bench_run(struct bench *b)
{
	int r = 0;

	if (b->verify)
		r = verify(b);
	if (!r && b->live) {
		r = measure_all(b, true);
		if (!r)
			show(b, "live", "through a veth chain, live frames", "bare redirect");
	}
	if (!r && b->plain) {
		r = measure_all(b, false);
		if (!r)
			show(b, "plain", "program alone, plain test runs", "generator alone");
	}
	if (!r)
		conditions(b);
	return r;
}

int main(int argc, char **argv)
{
	static struct bench b = {
		.rounds = 7, .frames = 1000000, .live = true, .plain = true, .verify = true
	};
	unsigned int i;
	int r;

	b.cpu = last_cpu();
	if (options(&b, argc, argv) || select_cells(&b)) {
		fputs(usage, stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	r = pin(b.cpu);
	if (!r)
		r = chain_make(&b.chain);
	if (!r)
		r = open_rig(&b);
	if (!r)
		r = open_programs(&b);
	if (!r && b.csv && !(b.out = fopen(b.csv, "we")))
		r = -errno;
	if (b.out)
		fputs("table,program,op,family,inner,sessions,sequenced,full_sum,rounds,first,"
		      "first_min,"
		      "first_max,ours,ours_min,ours_max,above,above_min,above_max,ratio,ratio_min,"
		      "ratio_max\n",
		      b.out);
	if (!r)
		r = bench_run(&b);
	if (r)
		fprintf(stderr, "bench: %s\n", strerror(-r));
	for (i = 0; i < b.n_programs; i++)
		program_close(&b.programs[i]);
	rig_close(&b.rig);
	if (b.out)
		fclose(b.out);
	return r ? 1 : 0;
}
