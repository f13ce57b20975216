// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Instructions that the program costs for a packet, on a machine whose clock counts them:
 * the guest of count.sh. The chain and the frames are those of datapath_bench.c, one
 * session. Three programs take turns at the place where frames arrive from the generator's
 * veth: one that drops, the bare redirect, and ours (or several builds of it). What the first
 * costs is the generator, one veth and a drop, and is subtracted from the others; so a
 * figure is all from the driver's call of the program to the drop at the far end, a second
 * veth included. After them the kernel in the program's place: what it forwards, the same
 * session by its own l2tp_ppp, and the same pseudowires by its l2tp_eth, whose device is in a
 * bridge with a veth (kernel_pw.h): what an operator has, and the shortest way that a circuit can be.
 *
 * Of each program's blocks the cheapest counts: the others hold a timer tick.
 */
#include <errno.h>
#include <libgen.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/chain.h"
#include "tests/bench/frames.h"
#include "tests/bench/kernel_l2tp.h"
#include "tests/bench/kernel_pw.h"
#include "tests/bench/measure.h"
#include "tests/bench/program.h"

#define FIRST_PROGRAM 2u /* way 0 is the bare redirect, way 1 drops */
/* the last two ways are the kernel's: where tunnels come in, and circuits */
#define MAX_PROGRAMS (GEN_WAYS - FIRST_PROGRAM - 2)
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
#define PW(o, w, octets, many) .op = o, .family = 4, .inner = octets, .sessions = many, .wire = w
	{ { PW(BENCH_DECAP, BENCH_UDP4, 64, 1) }, "pw-decap-udp" },
	{ { PW(BENCH_DECAP, BENCH_UDP4, 64, 2) }, "pw-decap-udp-vlan" },
	{ { PW(BENCH_DECAP, BENCH_UDP4, 1500, 1) }, "pw-decap-udp-1500" },
	{ { PW(BENCH_DECAP, BENCH_IP4, 64, 1) }, "pw-decap-ip" },
	{ { PW(BENCH_DECAP, BENCH_UDP6, 64, 1) }, "pw-decap-udp6" },
	{ { PW(BENCH_ENCAP, BENCH_UDP4, 64, 1) }, "pw-encap-udp" },
	{ { PW(BENCH_ENCAP, BENCH_UDP4, 64, 2) }, "pw-encap-udp-vlan" },
	{ { PW(BENCH_ENCAP, BENCH_UDP4, 1500, 1) }, "pw-encap-udp-1500" },
	{ { PW(BENCH_ENCAP, BENCH_UDP4_SUM, 64, 1) }, "pw-encap-udp-sum" },
	{ { PW(BENCH_ENCAP, BENCH_UDP4_SUM, 1500, 1) }, "pw-encap-udp-sum-1500" },
	{ { PW(BENCH_ENCAP, BENCH_IP4, 64, 1) }, "pw-encap-ip" },
	{ { PW(BENCH_ENCAP, BENCH_UDP6, 64, 1) }, "pw-encap-udp6-sum" },
	{ { PW(BENCH_ENCAP, BENCH_UDP6, 1500, 1) }, "pw-encap-udp6-sum-1500" },
}, kernel_cells[] = {
#define FORWARD .inner = 64, .sessions = 1, .device = BENCH_FORWARD
	{ { .op = BENCH_DECAP, .family = 4, FORWARD }, "forwarding-up-ipv4" },
	{ { .op = BENCH_DECAP, .family = 6, FORWARD }, "forwarding-up-ipv6" },
	{ { .op = BENCH_ENCAP, .family = 4, FORWARD }, "forwarding-down-ipv4" },
	{ { .op = BENCH_ENCAP, .family = 6, FORWARD }, "forwarding-down-ipv6" },
#undef FORWARD
	/* the same frames as for ours */
	{ { .op = BENCH_DECAP, .family = 4, .inner = 64, .sessions = 1 }, "l2tp_ppp-decap-ipv4" },
	{ { .op = BENCH_DECAP, .family = 6, .inner = 64, .sessions = 1 }, "l2tp_ppp-decap-ipv6" },
	{ { .op = BENCH_ENCAP, .family = 4, .inner = 64, .sessions = 1, .foreign = true },
	  "l2tp_ppp-encap-ipv4" },
	{ { .op = BENCH_ENCAP, .family = 6, .inner = 64, .sessions = 1, .foreign = true },
	  "l2tp_ppp-encap-ipv6" },
	{ { PW(BENCH_DECAP, BENCH_UDP4, 64, 1), .foreign = true }, "l2tp_eth-decap-udp" },
	{ { PW(BENCH_DECAP, BENCH_UDP4, 1500, 1), .foreign = true }, "l2tp_eth-decap-udp-1500" },
	{ { PW(BENCH_DECAP, BENCH_IP4, 64, 1), .foreign = true }, "l2tp_eth-decap-ip" },
	{ { PW(BENCH_ENCAP, BENCH_UDP4, 64, 1), .foreign = true }, "l2tp_eth-encap-udp" },
	{ { PW(BENCH_ENCAP, BENCH_UDP4, 1500, 1), .foreign = true }, "l2tp_eth-encap-udp-1500" },
	{ { PW(BENCH_ENCAP, BENCH_UDP4_SUM, 64, 1), .foreign = true }, "l2tp_eth-encap-udp-sum" },
	{ { PW(BENCH_ENCAP, BENCH_IP4, 64, 1), .foreign = true }, "l2tp_eth-encap-ip" },
#undef PW
};
#define N_CELLS (sizeof(cells) / sizeof(cells[0]))
#define N_KERNEL_CELLS (sizeof(kernel_cells) / sizeof(kernel_cells[0]))

struct count {
	struct chain chain;
	struct rig rig;
	unsigned int n;
	struct program programs[MAX_PROGRAMS];
	struct gen_state state[GEN_WAYS];
	regex_t only;
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
	r = chain_make(FIRST_PROGRAM + c->n + 2, &c->chain);
	if (!r)
		r = kernel_l2tp();
	if (!r)
		r = open_rig(c);
	if (!r)
		r = rig_set(&c->rig, 1, c->rig.sink_count);
	c->rig.warm = WARM_GROUPS;
	/* ksoftirqd must get its turn: while it waits, 6.1 leaves the driver's work to it */
	c->rig.urgent = false;
	if (!r)
		r = rig_set(&c->rig, FIRST_PROGRAM + c->n, c->rig.pass);
	for (i = 0; (unsigned int)i < c->n && !r; i++) {
		path = argc > 1 ? strchr(argv[i + 1], '=') : NULL;
		if (path)
			*path++ = 0;
		r = program_open(argc > 1 ? argv[i + 1] : "l2xdp", path, &c->chain,
				 FIRST_PROGRAM + (unsigned int)i, &c->programs[i]);
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
		if (r >= 0)
			r = rig_set(&c->rig, FIRST_PROGRAM + i, program_fd(&c->programs[i], cell));
	}
	return r;
}

/* Sends on one way until each frame that left was as it has to be. */
static int verify(struct count *c, const struct cell *cell, unsigned int way, const char *what)
{
	static struct check k;
	unsigned int tries;
	int r = -EPIPE;

	/* a batch may get lost while ksoftirqd waits for its turn */
	for (tries = 0; r == -EPIPE && tries < VERIFY_TRIES; tries++)
		r = rig_verify(&c->rig, cell, way, &c->state[way], &k);
	if (!r && (k.bad || k.sessions != cell->sessions))
		r = -EBADMSG;
	if (r)
		fprintf(stderr, "count: %s: %u frames left, %u wrong: %s\n", what, k.frames, k.bad,
			k.why);
	return r;
}

/* What ends a frame, at the end of the chain and where the kernel's circuit leaves. */
static int end_by(struct count *c, int prog_fd)
{
	int r = chain_attach(c->chain.sink, prog_fd);

	return r ? r : chain_attach(c->chain.in[c->chain.ways - 1], prog_fd);
}

/* Where the kernel gets such frames from. */
static unsigned int kernel_way(const struct count *c, const struct cell *cell)
{
	return FIRST_PROGRAM + c->n + (cell->wire && cell->op == BENCH_ENCAP);
}

static int verify_programs(struct count *c, const struct cell *cell, const char *name)
{
	char what[64];
	unsigned int i;
	int r = end_by(c, c->rig.sink_verify);

	if (!r)
		r = sessions(c, cell);
	for (i = 0; i < c->n && !r; i++) {
		snprintf(what, sizeof(what), "%s through %s", name, c->programs[i].name);
		r = verify(c, cell, FIRST_PROGRAM + i, what);
	}
	return r;
}

static int verify_kernel(struct count *c, const struct cell *cell, const char *name)
{
	int r = cell->wire ? kernel_pw(cell->wire, &c->chain) : 0;

	if (!r)
		r = end_by(c, c->rig.sink_verify);
	return r ? r : verify(c, cell, kernel_way(c, cell), name);
}

/* The bare redirect, the drop, and `n` ways from `first` on. */
static int measure(struct count *c, const struct cell *cell, const char *name, unsigned int first,
		   unsigned int n)
{
	struct lineup l = { .n = 2 + n, .way = { 0, 1 } };
	struct interval v = { 0 };
	unsigned int i;
	int r = end_by(c, c->rig.sink_count);

	for (i = 0; i < n; i++)
		l.way[2 + i] = first + i;
	if (!r)
		r = rig_time(&c->rig, cell, &l, true, c->state, BLOCKS, &v);
	/* the kernel says a word of its own now and then where a bridge is */
	if (!r && v.arrived < v.sent) {
		fprintf(stderr, "count: %s: %llu frames sent, %llu arrived\n", name,
			(unsigned long long)v.sent, (unsigned long long)v.arrived);
		r = -EPIPE;
	}
	if (r)
		return r;
	printf("%-26s %8.1f %8.1f", name, v.turn[1].least, v.turn[0].least - v.turn[1].least);
	for (i = 0; i < n; i++)
		printf(" %8.1f", v.turn[2 + i].least - v.turn[1].least);
	printf("\n");
	fflush(stdout);
	return 0;
}

int main(int argc, char **argv)
{
	static struct count c;
	unsigned int i;
	int r;

	if (regcomp(&c.only, getenv("ONLY") ?: "", REG_EXTENDED | REG_NOSUB))
		return 2;
	r = open_all(&c, argc, argv);
	printf("%-26s %8s %8s", "instructions a packet", "base", "bare");
	for (i = 0; i < c.n; i++)
		printf(" %8s", c.programs[i].name ? c.programs[i].name : "");
	printf("\n");
	for (i = 0; i < N_CELLS && !r; i++) {
		if (regexec(&c.only, cells[i].name, 0, NULL, 0))
			continue;
		r = verify_programs(&c, &cells[i].cell, cells[i].name);
		if (!r)
			r = measure(&c, &cells[i].cell, cells[i].name, FIRST_PROGRAM, c.n);
	}
	printf("%-26s %8s %8s %8s\n", "the kernel itself", "base", "bare", "kernel");
	for (i = 0; i < N_KERNEL_CELLS && !r; i++) {
		if (regexec(&c.only, kernel_cells[i].name, 0, NULL, 0))
			continue;
		r = verify_kernel(&c, &kernel_cells[i].cell, kernel_cells[i].name);
		if (!r)
			r = measure(&c, &kernel_cells[i].cell, kernel_cells[i].name,
				    kernel_way(&c, &kernel_cells[i].cell), 1);
	}
	if (r)
		fprintf(stderr, "count: %s\n", strerror(-r));
	for (i = 0; i < c.n; i++)
		program_close(&c.programs[i]);
	rig_close(&c.rig);
	regfree(&c.only);
	return r ? 1 : 0;
}
