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
 * the bare redirect and the program (or several builds of it) take turns with the same
 * frames on one CPU, a block of a thousand frames each. Shown are medians over the rounds
 * and the least and the greatest of them; differences and ratios are those of blocks next
 * to each other, so that a machine that changes its speed does not show up as cost.
 *
 * Then the same in plain test runs, where no driver is involved: the generator tail-calls
 * the program, and in turns with it the bare redirect; the difference is the
 * program alone.
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
#define MAX_PROGRAMS (GEN_WAYS - 1) /* way 0 is the bare redirect */
#define MAX_TRIES 20 /* to get one interval that can be believed */
#define MAX_FOREIGN 0.05 /* share of an interval that may be someone else's */

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
	struct figure way[MAX_ROUNDS][GEN_WAYS];
	struct gen_state state[GEN_WAYS];
	bool wanted;
};

struct bench {
	unsigned int rounds, n_programs, blocks;
	int cpu;
	const char *csv, *only;
	bool live, plain, verify;
	struct chain chain;
	struct rig rig;
	const char *paths[MAX_PROGRAMS];
	struct program programs[MAX_PROGRAMS]; /* on way index + 1 */
	struct series series[N_CELLS];
	unsigned int foreign, lost; /* intervals thrown away, by cause */
	FILE *out;
};

static void cell_name(const struct cell *c, char *ret, size_t len)
{
	snprintf(ret, len, "%s IPv%d %u octets, %u session%s%s%s", bench_op_names[c->op], c->family,
		 c->inner, c->sessions, c->sessions == 1 ? "" : "s", c->seq ? ", sequenced" : "",
		 c->plain_sum ? ", full sum" : "");
}

/* ---- one line of the table ---------------------------------------------------- */

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

static int verify_one(struct bench *b, struct series *s, const struct cell *c, unsigned int way)
{
	static struct check k;
	struct program *p = way ? &b->programs[way - 1] : NULL;
	char name[96];
	int r;

	cell_name(c, name, sizeof(name));
	r = rig_verify(&b->rig, c, way, &s->state[way], &k);
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

static int sessions(struct bench *b, const struct cell *c)
{
	unsigned int j;
	int r = 0;

	for (j = 0; j < b->n_programs && !r; j++) {
		r = program_sessions(&b->programs[j], c->seq);
		if (!r)
			r = program_beat(&b->programs[j]);
	}
	return r;
}

static int verify(struct bench *b)
{
	unsigned int i, way, kinds = 0;
	int r;

	r = chain_attach(b->chain.sink, b->rig.sink_verify);
	for (i = 0; i < N_CELLS && !r; i++) {
		if (!b->series[i].wanted)
			continue;
		kinds++;
		r = sessions(b, &cells[i]);
		for (way = 0; way < b->chain.ways && !r; way++)
			r = verify_one(b, &b->series[i], &cells[i], way);
	}
	if (!r)
		printf("verified: %u kinds of frames, every session, every octet\n\n", kinds);
	return r;
}

/* One believable interval. */
static int measure(struct bench *b, struct series *s, const struct cell *c, bool live,
		   struct figure ret[GEN_WAYS])
{
	struct interval v = { 0 };
	int tries, r = 0;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		r = sessions(b, c);
		if (!r)
			r = rig_time(&b->rig, c, live, s->state, b->blocks, &v);
		if (r)
			return r;
		if (v.foreign > MAX_FOREIGN) {
			b->foreign++;
		} else if ((double)v.arrived < 0.999 * (double)v.sent) {
			b->lost++;
		} else {
			memcpy(ret, v.way, sizeof(v.way));
			return 0;
		}
	}
	fprintf(stderr,
		"bench: %d intervals in a row cannot be believed; the last one: %llu of %llu "
		"frames "
		"arrived, %.1f %% of the CPU taken by others\n",
		MAX_TRIES, (unsigned long long)v.arrived, (unsigned long long)v.sent,
		100 * v.foreign);
	return r ? r : -EBUSY;
}

static int measure_all(struct bench *b, bool live)
{
	unsigned int round, i;
	int r;

	r = chain_attach(b->chain.sink, b->rig.sink_count);
	for (round = 0; round < b->rounds && !r; round++)
		for (i = 0; i < N_CELLS && !r; i++)
			if (b->series[i].wanted)
				r = measure(b, &b->series[i], &cells[i], live,
					    b->series[i].way[round]);
	return r;
}

/* ---- what is shown --------------------------------------------------------------- */

struct spread {
	double median, min, max;
};

static struct spread spread_of(const double *v, unsigned int n)
{
	double sorted[MAX_ROUNDS];
	struct spread s;

	memcpy(sorted, v, n * sizeof(*v));
	s.median = median(sorted, n);
	s.min = sorted[0];
	s.max = sorted[n - 1];
	return s;
}

static void show_row(struct bench *b, unsigned int i, unsigned int j, const char *kind)
{
	const struct cell *c = &cells[i];
	double v[4][MAX_ROUNDS];
	struct spread s[4];
	char name[96];
	unsigned int r, k;

	for (r = 0; r < b->rounds; r++) {
		const struct figure *way = b->series[i].way[r];

		v[0][r] = way[0].ns;
		v[1][r] = way[j + 1].ns;
		v[2][r] = way[j + 1].above;
		v[3][r] = way[j + 1].ratio;
	}
	for (k = 0; k < 4; k++)
		s[k] = spread_of(v[k], b->rounds);
	cell_name(c, name, sizeof(name));
	if (b->n_programs > 1)
		printf("%-10s ", b->programs[j].name);
	printf("%-47s", name);
	for (k = 0; k < 4; k++)
		printf(k < 3 ? " %5.1f (%5.1f-%5.1f) " : " %4.2f (%4.2f-%4.2f)", s[k].median,
		       s[k].min, s[k].max);
	printf("\n");
	if (!b->out)
		return;
	fprintf(b->out, "%s,%s,%s,%d,%u,%u,%d,%d,%u", kind, b->programs[j].name,
		bench_op_names[c->op], c->family, c->inner, c->sessions, c->seq, c->plain_sum,
		b->rounds);
	for (k = 0; k < 4; k++)
		fprintf(b->out, ",%.3f,%.3f,%.3f", s[k].median, s[k].min, s[k].max);
	fprintf(b->out, "\n");
}

static void show(struct bench *b, const char *kind, const char *title, const char *first)
{
	unsigned int i, j;

	printf("%s\n%*s%-47s %-20s  %-20s  %-20s  %s\n", title, b->n_programs > 1 ? 11 : 0, "",
	       "ns per packet: median (min-max)", first, "l2xdp", "above it", "ratio");
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

		if (*key && (strncmp(line, key, strlen(key)) != 0 || !value))
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
	printf("%u rounds of %u blocks of %u frames; thrown away: %u for a CPU taken by others, "
	       "%u for lost frames\n\n",
	       b->rounds, b->blocks, GEN_BLOCK, b->foreign, b->lost);
}

/* ---- start ------------------------------------------------------------------------- */

static const char usage[] =
	"datapath_bench [OPTION...]   (root)\n"
	"  --rounds N        1..99, default 7\n"
	"  --blocks N        of each program in a round, default 500; 1024 frames each\n"
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
		{ "blocks", required_argument, NULL, 'b' },
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
		else if (opt == 'b')
			b->blocks = (unsigned int)atoi(optarg);
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
	if (!r &&
	    (b->rounds < 1 || b->rounds > MAX_ROUNDS || b->blocks < 1 || b->blocks > GEN_BLOCKS))
		r = -EINVAL;
	return r;
}

static int open_programs(struct bench *b)
{
	unsigned int i;
	int r = 0;

	for (i = 0; i < b->n_programs && !r; i++) {
		r = program_open(b->programs[i].name, b->paths[i], &b->chain, &b->programs[i]);
		if (!r)
			r = rig_set(&b->rig, i + 1, b->programs[i].fd);
	}
	return r;
}

/* gen.bpf.o and sink.bpf.o are beside this binary. */
static int open_rig(struct bench *b)
{
	char self[512];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return -errno;
	self[n] = 0;
	return rig_open(dirname(self), &b->chain, &b->rig);
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
			show(b, "plain", "program alone, plain test runs", "bare redirect");
	}
	if (!r)
		conditions(b);
	return r;
}

int main(int argc, char **argv)
{
	static struct bench b = {
		.rounds = 7, .blocks = 500, .live = true, .plain = true, .verify = true
	};
	unsigned int i;
	int r;

	b.cpu = last_cpu();
	if (options(&b, argc, argv) || select_cells(&b)) {
		fputs(usage, stderr);
		return 2;
	}
	if (!b.n_programs)
		b.programs[b.n_programs++].name = "l2xdp";
	setvbuf(stdout, NULL, _IOLBF, 0);
	r = pin(b.cpu);
	if (!r)
		r = chain_make(b.n_programs + 1, &b.chain);
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
