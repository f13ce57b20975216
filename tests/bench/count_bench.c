// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Instructions that the program costs for a packet, on a machine whose clock counts them:
 * the guest of count.sh. The chain and the frames are those of datapath_bench.c, one
 * session. Three programs take turns at the place where frames arrive from the generator's
 * veth: one that drops, the bare redirect, and ours (or several builds of it). What the first
 * costs is the generator, one veth and a drop, and is subtracted from the others; so a
 * figure is all from the driver's call of the program to the drop at the far end, a second
 * veth included.
 *
 * Of each program's blocks the cheapest counts: the others hold a timer tick.
 */
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/chain.h"
#include "tests/bench/frames.h"
#include "tests/bench/measure.h"
#include "tests/bench/program.h"

#define FIRST_PROGRAM 2u /* way 0 is the bare redirect, way 1 drops */
#define MAX_PROGRAMS (GEN_WAYS - FIRST_PROGRAM)
#define WARM_GROUPS 66u
#define VERIFY_TRIES 4u
#define BLOCKS 24u /* of each way */

static const struct {
	struct cell cell;
	const char *name;
} cells[] = {
	{ { .op = BENCH_DECAP, .family = 4, .inner = 64, .sessions = 1 }, "decap-ipv4" },
	{ { .op = BENCH_DECAP, .family = 4, .inner = 64, .sessions = 1, .seq = true },
	  "decap-ipv4-sequenced" },
	{ { .op = BENCH_DECAP, .family = 6, .inner = 64, .sessions = 1 }, "decap-ipv6" },
	{ { .op = BENCH_ENCAP, .family = 4, .inner = 64, .sessions = 1 }, "encap-ipv4" },
	{ { .op = BENCH_ENCAP, .family = 4, .inner = 64, .sessions = 1, .seq = true },
	  "encap-ipv4-sequenced" },
	{ { .op = BENCH_ENCAP, .family = 6, .inner = 64, .sessions = 1 }, "encap-ipv6" },
	{ { .op = BENCH_ENCAP, .family = 4, .inner = 512, .sessions = 1, .plain_sum = true },
	  "encap-ipv4-512-full-sum" },
	{ { .op = BENCH_ECHO, .family = 4, .inner = 20, .sessions = 1 }, "lcp-echo" },
};
#define N_CELLS (sizeof(cells) / sizeof(cells[0]))

struct count {
	struct chain chain;
	struct rig rig;
	unsigned int n;
	struct program programs[MAX_PROGRAMS];
	struct gen_state state[GEN_WAYS];
};

static int open_rig(struct count *c)
{
	char self[512];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return -errno;
	self[n] = 0;
	return rig_open(dirname(self), &c->chain, &c->rig);
}

/* Arguments are NAME=FILE; none: the object that is built in. */
static int open_all(struct count *c, int argc, char **argv)
{
	char *path;
	int r, i;

	c->n = argc > 1 ? (unsigned int)argc - 1 : 1;
	if (c->n > MAX_PROGRAMS)
		return -E2BIG;
	r = chain_make(FIRST_PROGRAM + c->n, &c->chain);
	if (!r)
		r = open_rig(c);
	if (!r)
		r = rig_set(&c->rig, 1, c->rig.sink_count);
	c->rig.warm = WARM_GROUPS;
	/* ksoftirqd must get its turn: while it waits, 6.1 leaves the driver's work to it */
	c->rig.urgent = false;
	for (i = 0; (unsigned int)i < c->n && !r; i++) {
		path = argc > 1 ? strchr(argv[i + 1], '=') : NULL;
		if (path)
			*path++ = 0;
		r = program_open(argc > 1 ? argv[i + 1] : "l2xdp", path, &c->chain,
				 &c->programs[i]);
		if (!r)
			r = rig_set(&c->rig, FIRST_PROGRAM + (unsigned int)i, c->programs[i].fd);
	}
	return r;
}

/* The maps as this line needs them. */
static int sessions(struct count *c, const struct cell *cell)
{
	unsigned int i;
	int r = 0;

	for (i = 0; i < c->n && r >= 0; i++) {
		r = program_sessions(&c->programs[i], cell);
		if (r > 0)
			memset(c->state, 0, sizeof(c->state));
		if (r >= 0)
			r = program_beat(&c->programs[i]);
	}
	return r;
}

static int verify(struct count *c, const struct cell *cell, const char *name)
{
	static struct check k;
	unsigned int i, way, tries;
	int r = chain_attach(c->chain.sink, c->rig.sink_verify);

	if (!r)
		r = sessions(c, cell);
	for (i = 0; i < c->n && !r; i++) {
		way = FIRST_PROGRAM + i;
		/* a batch may get lost while ksoftirqd waits for its turn */
		for (tries = 0; !r && tries < VERIFY_TRIES; tries++) {
			r = rig_verify(&c->rig, cell, way, &c->state[way], &k);
			if (r != -EPIPE)
				break;
			r = tries + 1 < VERIFY_TRIES ? 0 : r;
		}
		if (!r && (k.bad || k.sessions != cell->sessions))
			r = -EBADMSG;
		if (r)
			fprintf(stderr, "count: %s through %s: %u frames left, %u wrong: %s\n",
				name, c->programs[i].name, k.frames, k.bad, k.why);
	}
	return r;
}

static int measure(struct count *c, const struct cell *cell, const char *name)
{
	struct interval v = { 0 };
	unsigned int i;
	int r = chain_attach(c->chain.sink, c->rig.sink_count);

	if (!r)
		r = rig_time(&c->rig, cell, NULL, true, c->state, BLOCKS, &v);
	if (!r && v.arrived != v.sent) {
		fprintf(stderr, "count: %s: %llu frames sent, %llu arrived\n", name,
			(unsigned long long)v.sent, (unsigned long long)v.arrived);
		r = -EPIPE;
	}
	if (r)
		return r;
	printf("%-24s %8.1f %8.1f", name, v.turn[1].least, v.turn[0].least - v.turn[1].least);
	for (i = 0; i < c->n; i++)
		printf(" %8.1f", v.turn[FIRST_PROGRAM + i].least - v.turn[1].least);
	printf("\n");
	return 0;
}

int main(int argc, char **argv)
{
	static struct count c;
	unsigned int i;
	int r;

	r = open_all(&c, argc, argv);
	printf("%-24s %8s %8s", "instructions a packet", "base", "bare");
	for (i = 0; i < c.n; i++)
		printf(" %8s", c.programs[i].name ? c.programs[i].name : "");
	printf("\n");
	for (i = 0; i < N_CELLS && !r; i++) {
		r = verify(&c, &cells[i].cell, cells[i].name);
		if (!r)
			r = measure(&c, &cells[i].cell, cells[i].name);
	}
	if (r)
		fprintf(stderr, "count: %s\n", strerror(-r));
	for (i = 0; i < c.n; i++)
		program_close(&c.programs[i]);
	rig_close(&c.rig);
	return r ? 1 : 0;
}
