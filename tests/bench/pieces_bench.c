// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the time of a packet goes. Two tables, both without a driver:
 *
 *   - how far: the whole program on frames that are spoilt in one place, so that it is done with
 *     them there; the bare redirect in its place is taken off. That all of them left under the
 *     verdict of that place is checked. The difference of two lines is what lies between.
 *   - pieces: what the kernel's helpers and maps cost alone (pieces.bpf.c), for 1 to 1 M
 *     elements in shuffled order.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <getopt.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/chain.h"
#include "tests/bench/measure.h"
#include "tests/bench/pieces.h"
#include "tests/bench/program.h"
#include "tests/bench/report.h"

#define MAX_ROUNDS 99
#define MAX_TRIES 20
#define MAX_FOREIGN 0.05
#define BLOCKS 200 /* of a stage, a round */
#define RUNS 20000 /* of a piece, a round */
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct bench {
	unsigned int rounds, kept, thrown;
	struct chain chain;
	struct rig rig;
	struct program program;
	struct bpf_object *pieces;
	char dir[512];
	FILE *csv;
};

/* ---- how far --------------------------------------------------------------------------- */

static const struct stage {
	enum bench_op op;
	enum bench_exit exit;
	enum l2x_verdict verdict;
	const char *name;
} stages[] = {
	{ BENCH_DECAP, EXIT_LINK, L2X_V_OTHER_HOST, "decap: link layer and port" },
	{ BENCH_DECAP, EXIT_OUTER, L2X_V_NOT_OURS, "decap: ... outer IP, whose it is" },
	{ BENCH_DECAP, EXIT_L2TP, L2X_V_BAD_L2TP, "decap: ... outer UDP, L2TP header" },
	{ BENCH_DECAP, EXIT_SESSION, L2X_V_PEER_MISMATCH, "decap: ... session and peer" },
	{ BENCH_DECAP, EXIT_INNER, L2X_V_SPOOFED, "decap: ... PPP, inner header; a drop counted" },
	{ BENCH_DECAP, EXIT_END, L2X_V_DECAP, "decap: ... FIB, headers, counters: all" },
	{ BENCH_ENCAP, EXIT_LINK, L2X_V_OTHER_HOST, "encap: link layer and port" },
	{ BENCH_ENCAP, EXIT_INNER, L2X_V_BAD_INNER,
	  "encap: ... pool, session, inner header; a drop counted" },
	{ BENCH_ENCAP, EXIT_END, L2X_V_ENCAP, "encap: ... next hop, sums, headers, counters: all" },
};
static const unsigned int stage_sessions[] = { 1, 1000, 65536, 1000000 };

static struct {
	double above[MAX_ROUNDS];
	struct gen_state state[GEN_WAYS];
} reached[COUNT(stages)][COUNT(stage_sessions)];

static struct cell stage_cell(const struct stage *s, unsigned int sessions)
{
	return (struct cell){
		.op = s->op, .family = 4, .inner = 64, .sessions = sessions, .exit = s->exit
	};
}

/* All frames that the program has seen have left under the verdict of the stage. */
static int check_verdict(struct bench *b, const struct stage *s, const uint64_t before[L2X_V_MAX])
{
	uint64_t after[L2X_V_MAX], all = 0;
	int r = program_verdicts(&b->program, after), i;

	for (i = 0; i < L2X_V_MAX && !r; i++)
		all += after[i] - before[i];
	if (r || !all || after[s->verdict] - before[s->verdict] != all) {
		fprintf(stderr, "bench: %s: %llu of %llu frames left there\n", s->name,
			(unsigned long long)(after[s->verdict] - before[s->verdict]),
			(unsigned long long)all);
		return r ? r : -EBADMSG;
	}
	return 0;
}

static int measure_stage(struct bench *b, unsigned int i, unsigned int j, unsigned int round)
{
	const struct lineup l = { .n = 2, .way = { 0, 1 } };
	struct cell c = stage_cell(&stages[i], stage_sessions[j]);
	uint64_t before[L2X_V_MAX];
	struct interval v;
	int r, tries;

	r = program_verdicts(&b->program, before);
	for (tries = 0; !r && tries < MAX_TRIES; tries++) {
		r = program_beat(&b->program);
		if (!r)
			r = rig_time(&b->rig, &c, &l, false, reached[i][j].state, BLOCKS, &v);
		if (!r)
			r = check_verdict(b, &stages[i], before);
		if (!r && v.foreign <= MAX_FOREIGN) {
			reached[i][j].above[round] = v.turn[1].above;
			b->kept++;
			return 0;
		}
		b->thrown++;
		if (!r)
			r = program_verdicts(&b->program, before);
	}
	return r ? r : -EBUSY;
}

static void show_stages(struct bench *b)
{
	struct spread s;
	unsigned int i, j;
	char row[64];

	printf("how far a frame of 64 octets gets; ns above a bare redirect, median (min-max)\n");
	printf("%-56s", "sessions");
	for (j = 0; j < COUNT(stage_sessions); j++)
		printf(" %16u", stage_sessions[j]);
	printf("\n");
	for (i = 0; i < COUNT(stages); i++) {
		printf("%-56s", stages[i].name);
		for (j = 0; j < COUNT(stage_sessions); j++) {
			s = spread_of(reached[i][j].above, b->rounds);
			printf(" %5.0f (%4.0f-%4.0f)", s.median, s.min, s.max);
			snprintf(row, sizeof(row), "sessions=%u", stage_sessions[j]);
			csv_line(b->csv, "stages", stages[i].name, row, "above", "ns/packet", &s);
		}
		printf("\n");
	}
	printf("\n");
}

static int run_stages(struct bench *b)
{
	unsigned int round, i, j;
	struct cell c = { .seq = false };
	int r = program_sessions(&b->program, &c);

	for (round = 0; round < b->rounds && !r; round++)
		for (i = 0; i < COUNT(stages) && !r; i++)
			for (j = 0; j < COUNT(stage_sessions) && !r; j++)
				r = measure_stage(b, i, j, round);
	if (!r)
		show_stages(b);
	return r;
}

/* ---- pieces ------------------------------------------------------------------------------ */

static const struct piece {
	const char *program, *name;
	bool sized; /* depends on the number of elements */
	unsigned int share; /* of what one turn of the loop does */
} pieces[] = {
	{ "nothing", "the loop, taken off all others", true, 1 },
	{ "look_up_array", "look-up: array of 64 octets", true, 1 },
	{ "look_up_hash", "look-up: hash", true, 1 },
	{ "look_up_lpm", "look-up: LPM trie of host routes", true, 1 },
	{ "count_two", "look-up: array, and two counters there", true, 1 },
	{ "fib_ipv4", "FIB look-up, IPv4 destinations", true, 1 },
	{ "fib_ipv6", "FIB look-up, IPv6 destinations", true, 1 },
	{ "clock_read", "reading the clock", false, 1 },
	{ "adjust_head_twice", "bpf_xdp_adjust_head", false, 2 },
	{ "write_headers", "56 octets of headers stored", false, 1 },
	{ "sum_64", "checksum of 64 octets", false, 1 },
	{ "sum_512", "checksum of 512 octets", false, 1 },
	{ "redirect", "bpf_redirect_map", false, 1 },
};
static const unsigned int piece_sizes[] = { 1, 1024, 65536, PIECES_MAX };

static double taken[COUNT(pieces)][COUNT(piece_sizes)][MAX_ROUNDS];

/* Elements 0 to PIECES_MAX - 1 into hash and trie, in batches. */
static int fill_pieces(struct bench *b)
{
	int hash = bpf_object__find_map_fd_by_name(b->pieces, "hash");
	int lpm = bpf_object__find_map_fd_by_name(b->pieces, "lpm"), r = 0;
	int out = bpf_object__find_map_fd_by_name(b->pieces, "out");
	struct pieces_lpm_key k = { .len = 32 };
	const __u64 value = 0;
	const __u32 zero = 0;
	__u32 i;

	for (i = 0; i < PIECES_MAX && !r; i++) {
		k.addr = htonl(PIECES_LPM + i);
		r = bpf_map_update_elem(hash, &i, &value, BPF_ANY);
		if (!r)
			r = bpf_map_update_elem(lpm, &k, &value, BPF_ANY);
	}
	return r ? r : bpf_map_update_elem(out, &zero, &b->chain.out, 0);
}

static int run_piece(struct bench *b, const struct piece *p, unsigned int size, double *ret)
{
	struct bpf_program *prog = bpf_object__find_program_by_name(b->pieces, p->program);
	int data = bpf_object__find_map_fd_by_name(b->pieces, ".bss"), r;
	struct pieces_shared v = { .mask = size - 1, .ifindex = b->chain.us[0] };
	uint8_t frame[1024] = { 0 };
	const __u32 zero = 0;
	DECLARE_LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame,
			    .data_size_in = sizeof(frame), .repeat = RUNS);

	r = bpf_map_update_elem(data, &zero, &v, 0);
	if (!r)
		r = bpf_prog_test_run_opts(bpf_program__fd(prog), &opts);
	if (!r)
		r = bpf_map_lookup_elem(data, &zero, &v);
	if (!r && v.failed) {
		fprintf(stderr, "bench: %s failed %u times\n", p->name, v.failed);
		r = -EBADMSG;
	}
	*ret = (double)v.ns / RUNS / PIECES_LOOP;
	return r;
}

/* One interval that can be believed. */
static int measure_piece(struct bench *b, const struct piece *p, unsigned int size, double *ret)
{
	struct watch w;
	int tries, r;

	for (tries = 0; tries < MAX_TRIES; tries++) {
		watch_start(&w, true);
		r = run_piece(b, p, size, ret);
		watch_stop(&w, *ret * RUNS * PIECES_LOOP);
		if (r || w.foreign <= MAX_FOREIGN) {
			b->kept++;
			return r;
		}
		b->thrown++;
	}
	return -EBUSY;
}

static void show_pieces(struct bench *b)
{
	double v[MAX_ROUNDS];
	struct spread s;
	unsigned int i, j, r;
	char row[64];

	printf("pieces alone; ns each, median (min-max), the loop taken off\n%-40s", "elements");
	for (j = 0; j < COUNT(piece_sizes); j++)
		printf(" %21u", piece_sizes[j]);
	printf("\n");
	for (i = 0; i < COUNT(pieces); i++) {
		printf("%-40s", pieces[i].name);
		for (j = 0; j < (pieces[i].sized ? COUNT(piece_sizes) : 1); j++) {
			for (r = 0; r < b->rounds; r++)
				v[r] = (taken[i][j][r] - (i ? taken[0][j][r] : 0)) /
				       pieces[i].share;
			s = spread_of(v, b->rounds);
			printf(" %6.1f (%5.1f-%6.1f)", s.median, s.min, s.max);
			snprintf(row, sizeof(row), "elements=%u", piece_sizes[j]);
			csv_line(b->csv, "pieces", pieces[i].name, row, "alone", "ns", &s);
		}
		printf("\n");
	}
	printf("\n");
}

static int run_pieces(struct bench *b)
{
	unsigned int round, i, j;
	char path[600];
	int r;

	snprintf(path, sizeof(path), "%s/pieces.bpf.o", b->dir);
	b->pieces = bpf_object__open_file(path, NULL);
	r = b->pieces ? bpf_object__load(b->pieces) : -errno;
	if (!r)
		r = fill_pieces(b);
	for (round = 0; round < b->rounds && !r; round++)
		for (i = 0; i < COUNT(pieces) && !r; i++)
			for (j = 0; j < (pieces[i].sized ? COUNT(piece_sizes) : 1) && !r; j++)
				r = measure_piece(b, &pieces[i], piece_sizes[j],
						  &taken[i][j][round]);
	if (!r)
		show_pieces(b);
	return r;
}

/* ---- start --------------------------------------------------------------------------------- */

static const char usage[] = "pieces_bench [OPTION...]   (root)\n"
			    "  --rounds N   1..99, default 7\n"
			    "  --cpu N      to run on, default the last one\n"
			    "  --csv FILE   also append the figures there\n";

static int options(struct bench *b, int *cpu, int argc, char **argv)
{
	static const struct option longopts[] = {
		{ "rounds", required_argument, NULL, 'r' },
		{ "cpu", required_argument, NULL, 'c' },
		{ "csv", required_argument, NULL, 'C' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", longopts, NULL)) != -1) {
		if (opt == 'r')
			b->rounds = (unsigned int)atoi(optarg);
		else if (opt == 'c')
			*cpu = atoi(optarg);
		else if (opt == 'C')
			b->csv = csv_open(optarg);
		else
			return -EINVAL;
	}
	return b->rounds >= 1 && b->rounds <= MAX_ROUNDS ? 0 : -EINVAL;
}

static int prepare(struct bench *b, int cpu)
{
	ssize_t n = readlink("/proc/self/exe", b->dir, sizeof(b->dir) - 1);
	int r = n > 0 ? pin(cpu) : -errno;

	dirname(b->dir);
	if (!r)
		r = chain_make(3, &b->chain);
	if (!r)
		r = rig_open(b->dir, &b->chain, &b->rig);
	if (!r)
		r = program_open("l2xdp", NULL, &b->chain, 1, &b->program);
	return r ? r : rig_set(&b->rig, 1, b->program.fd);
}

int main(int argc, char **argv)
{
	static struct bench b = { .rounds = 7 };
	int cpu = last_cpu(), r;

	if (options(&b, &cpu, argc, argv)) {
		fputs(usage, stderr);
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	show_conditions();
	r = prepare(&b, cpu);
	if (!r)
		r = run_stages(&b);
	if (!r)
		r = run_pieces(&b);
	if (r)
		fprintf(stderr, "bench: %s\n", strerror(-r));
	else
		printf("%u intervals believed, %u thrown away\n", b.kept, b.thrown);
	bpf_object__close(b.pieces);
	program_close(&b.program);
	rig_close(&b.rig);
	if (b.csv)
		fclose(b.csv);
	return r ? 1 : 0;
}
