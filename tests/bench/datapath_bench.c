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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/chain.h"
#include "tests/bench/frames.h"
#include "tests/bench/measure.h"
#include "tests/bench/program.h"
#include "tests/bench/report.h"
#include "tests/bench/table.h"

#define MAX_ROUNDS 99
#define MAX_PROGRAMS (GEN_WAYS - 2) /* way 0 is the bare redirect, the last one the kernel */
#define MAX_TRIES 20 /* to get one interval that can be believed */
#define MAX_FOREIGN 0.05 /* share of an interval that may be someone else's */

struct series {
	struct figure turn[MAX_ROUNDS][GEN_WAYS];
	unsigned int rounds; /* that could be believed */
	struct gen_state state[GEN_WAYS];
	bool wanted;
};

struct bench {
	unsigned int rounds, n_programs, blocks;
	int cpu;
	const char *csv, *only;
	bool live, plain, verify, full, list;
	struct chain chain;
	struct rig rig;
	const char *paths[MAX_PROGRAMS];
	struct program programs[MAX_PROGRAMS]; /* on way index + 1 */
	struct cell cells[MAX_CELLS];
	struct series series[MAX_CELLS];
	unsigned int n_cells;
	unsigned int kept, foreign, lost; /* intervals: believed; thrown away, by cause */
	unsigned int gaps; /* rounds of a line without any that could be believed */
	double neighbours; /* sum over those believed */
	FILE *out;
};

/* Who takes turns: the bare redirect, and our programs or the kernel. */
static struct lineup lineup_of(const struct bench *b, const struct cell *c)
{
	struct lineup l = { .n = 2, .way = { 0, b->chain.ways - 1 } };

	if (c->device != BENCH_L2XDP)
		return l;
	for (l.n = 1; l.n <= b->n_programs; l.n++)
		l.way[l.n] = l.n;
	return l;
}

static const char *device_of(const struct bench *b, const struct cell *c, unsigned int turn)
{
	if (!turn)
		return "bare redirect";
	return c->device == BENCH_L2XDP ? b->programs[turn - 1].name
					: bench_device_names[c->device];
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

/* The maps as this line needs them. */
static int sessions(struct bench *b, struct series *s, const struct cell *c)
{
	unsigned int j;
	int r = 0;

	for (j = 0; j < b->n_programs && r >= 0 && c->device == BENCH_L2XDP; j++) {
		r = program_sessions(&b->programs[j], c);
		if (r > 0)
			memset(s->state, 0, sizeof(s->state));
		if (r >= 0)
			r = program_beat(&b->programs[j]);
		if (r >= 0)
			r = rig_set(&b->rig, j + 1, program_fd(&b->programs[j], c));
	}
	return r < 0 ? r : 0;
}

static int verify_one(struct bench *b, struct series *s, const struct cell *c, unsigned int turn)
{
	static struct check k;
	unsigned int way = lineup_of(b, c).way[turn];
	char name[128];
	int r;

	cell_name(c, name, sizeof(name));
	r = rig_verify(&b->rig, c, way, &s->state[turn], &k);
	if (r || k.bad || k.sessions != c->sessions) {
		fprintf(stderr, "bench: %s through %s: %u frames left, %u wrong, %u of %u sessions",
			name, device_of(b, c, turn), k.frames, k.bad, k.sessions, c->sessions);
		fprintf(stderr, "%s%s\n", k.bad ? ": " : "", k.why);
		if (turn && c->device == BENCH_L2XDP)
			show_verdicts(&b->programs[turn - 1]);
		return r ? r : -EBADMSG;
	}
	return 0;
}

static int verify(struct bench *b)
{
	unsigned int i, turn, kinds = 0;
	int r;

	r = chain_attach(b->chain.sink, b->rig.sink_verify);
	for (i = 0; i < b->n_cells && !r; i++) {
		kinds++;
		r = sessions(b, &b->series[i], &b->cells[i]);
		for (turn = 0; turn < lineup_of(b, &b->cells[i]).n && !r; turn++)
			r = verify_one(b, &b->series[i], &b->cells[i], turn);
	}
	if (!r)
		printf("verified: %u kinds of frames, every session, every octet\n\n", kinds);
	return r;
}

/* One believable interval, or a gap in the series. */
static int measure(struct bench *b, struct series *s, const struct cell *c, bool live)
{
	struct lineup l = lineup_of(b, c);
	struct interval v = { 0 };
	char name[128];
	int tries, r = 0;

	for (tries = 0; !r && tries < MAX_TRIES; tries++) {
		r = sessions(b, s, c);
		if (!r)
			r = rig_time(&b->rig, c, &l, live, s->state, b->blocks, &v);
		if (r)
			return r;
		if (v.foreign > MAX_FOREIGN) {
			b->foreign++;
		} else if ((double)v.arrived < 0.999 * (double)v.sent) {
			b->lost++;
		} else {
			memcpy(s->turn[s->rounds++], v.turn, sizeof(v.turn));
			b->kept++;
			b->neighbours += v.neighbours;
			return 0;
		}
	}
	if (r)
		return r;
	cell_name(c, name, sizeof(name));
	fprintf(stderr,
		"bench: %s: %d intervals in a row cannot be believed; the last one: %llu of %llu "
		"frames arrived, %.1f %% of the CPU taken by others\n",
		name, MAX_TRIES, (unsigned long long)v.arrived, (unsigned long long)v.sent,
		100 * v.foreign);
	b->gaps++;
	return 0;
}

/* In plain test runs there is no kernel to be measured. */
static bool is_in(const struct cell *c, bool live)
{
	return live || c->device == BENCH_L2XDP;
}

static int measure_all(struct bench *b, bool live)
{
	unsigned int round, i;
	int r;

	for (i = 0; i < b->n_cells; i++)
		b->series[i].rounds = 0;
	r = chain_attach(b->chain.sink, b->rig.sink_count);
	for (round = 0; round < b->rounds && !r; round++)
		for (i = 0; i < b->n_cells && !r; i++)
			if (is_in(&b->cells[i], live))
				r = measure(b, &b->series[i], &b->cells[i], live);
	return r;
}

/* ---- what is shown --------------------------------------------------------------- */

static void show_row(struct bench *b, unsigned int i, unsigned int turn, const char *kind)
{
	static const char *const figures[] = { "bare", "whole", "above", "ratio" };
	const struct cell *c = &b->cells[i];
	double v[4][MAX_ROUNDS];
	struct spread s;
	char name[128], row[128];
	unsigned int r, k;

	for (r = 0; r < b->series[i].rounds; r++) {
		const struct figure *f = b->series[i].turn[r];

		v[0][r] = f[0].ns;
		v[1][r] = f[turn].ns;
		v[2][r] = f[turn].above;
		v[3][r] = f[turn].ratio;
	}
	cell_name(c, name, sizeof(name));
	cell_row(c, row, sizeof(row));
	if (b->n_programs > 1)
		printf("%-10.10s ", device_of(b, c, turn));
	printf("%-58s", name);
	for (k = 0; k < 4 && b->series[i].rounds; k++) {
		s = spread_of(v[k], b->series[i].rounds);
		printf(k < 3 ? " %5.0f (%4.0f-%4.0f)" : "  %5.3f (%5.3f-%5.3f)", s.median, s.min,
		       s.max);
		csv_line(b->out, kind, device_of(b, c, turn), row, figures[k],
			 k < 3 ? "ns/packet" : "rate", &s);
	}
	printf("%s\n", b->series[i].rounds ? "" : " no interval could be believed");
}

static void show(struct bench *b, bool live, const char *kind, const char *title)
{
	unsigned int i, turn;

	printf("%s; ns per packet, median (min-max); ratio: rate to that of the bare redirect\n",
	       title);
	printf("%*s%-58s %-17s %-17s %-17s  %s\n", b->n_programs > 1 ? 11 : 0, "", "",
	       "bare redirect", "measured", "above it", "ratio");
	for (i = 0; i < b->n_cells; i++)
		for (turn = 1; turn < lineup_of(b, &b->cells[i]).n && is_in(&b->cells[i], live);
		     turn++)
			show_row(b, i, turn, kind);
	printf("\n");
}

static void show_memory(struct bench *b)
{
	unsigned int j;

	for (j = 0; j < b->n_programs; j++) {
		double all = (double)program_memory(&b->programs[j]), each = all / BENCH_SESSIONS;
		struct spread s = { each, each, each, 1 };

		printf("%s: maps for %u sessions take %.1f MB of kernel memory, %.0f octets each\n",
		       b->programs[j].name, BENCH_SESSIONS, all / 1e6, each);
		csv_line(b->out, "memory", b->programs[j].name, "sessions=1048560", "maps",
			 "octets/session", &s);
	}
}

static void show_intervals(const struct bench *b)
{
	printf("on CPU %d: %u rounds of %u blocks of %u frames; %u intervals believed, thrown "
	       "away: "
	       "%u for a CPU taken by others, %u for lost frames, %u rounds left empty by that; "
	       "the "
	       "other CPUs were %.0f %% busy\n",
	       b->cpu, b->rounds, b->blocks, GEN_BLOCK, b->kept, b->foreign, b->lost, b->gaps,
	       b->kept ? 100 * b->neighbours / b->kept : 0);
	if (!measure_can_judge())
		printf("NOT JUDGED: this kernel does not tell (/proc/thread-self/schedstat) "
		       "whether "
		       "others took the CPU\n");
	printf("\n");
}

/* ---- start ------------------------------------------------------------------------- */

static const char usage[] =
	"datapath_bench [OPTION...]   (root)\n"
	"  --rounds N        1..99, default 7\n"
	"  --blocks N        of each program in a round, default 500; 1024 frames each\n"
	"  --cpu N           to run on, default the last one\n"
	"  --full            all lines of the table, not those of a run of minutes\n"
	"  --only REGEX      lines of the (full) table by name\n"
	"  --list            print their names\n"
	"  --object NAME=F   this build of l2xdp.bpf.o instead of the one built in; may be\n"
	"                    repeated to compare builds round by round\n"
	"  --live, --plain   only one of the two tables\n"
	"  --no-verify       measure frames without having looked at them\n"
	"  --csv FILE        also append the figures there\n";

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
	static struct cell all[MAX_CELLS];
	regex_t re;
	char name[128];
	unsigned int i, n = table_make(b->full || b->only, all);

	if (regcomp(&re, b->only ? b->only : "", REG_EXTENDED | REG_NOSUB))
		return -EINVAL;
	for (i = 0; i < n; i++) {
		cell_name(&all[i], name, sizeof(name));
		if (!regexec(&re, name, 0, NULL, 0))
			b->cells[b->n_cells++] = all[i];
		if (b->list && !regexec(&re, name, 0, NULL, 0))
			puts(name);
	}
	regfree(&re);
	return b->n_cells ? 0 : -EINVAL;
}

static int options(struct bench *b, int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "rounds", required_argument, NULL, 'r' },
		{ "blocks", required_argument, NULL, 'b' },
		{ "cpu", required_argument, NULL, 'c' },
		{ "only", required_argument, NULL, 'o' },
		{ "full", no_argument, NULL, 'f' },
		{ "list", no_argument, NULL, 'L' },
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
		else if (opt == 'f')
			b->full = true;
		else if (opt == 'L')
			b->list = true;
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
		r = program_open(b->programs[i].name, b->paths[i], &b->chain, i + 1,
				 &b->programs[i]);
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
			show(b, true, "live", "through a veth chain, live frames");
	}
	if (!r && b->plain) {
		r = measure_all(b, false);
		if (!r)
			show(b, false, "plain", "program alone, plain test runs");
	}
	if (!r) {
		show_intervals(b);
		show_memory(b);
	}
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
	if (b.list)
		return 0;
	if (!b.n_programs)
		b.programs[b.n_programs++].name = "l2xdp";
	setvbuf(stdout, NULL, _IOLBF, 0);
	show_conditions();
	r = pin(b.cpu);
	if (!r)
		r = chain_make(b.n_programs + 2, &b.chain);
	if (!r)
		r = chain_vxlan();
	if (!r)
		r = open_rig(&b);
	if (!r)
		r = open_programs(&b);
	if (!r && b.csv && !(b.out = csv_open(b.csv)))
		r = -EIO;
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
