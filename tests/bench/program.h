/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The program under test, with maps filled by hand after maps/schema.h: the bench needs
 * neither the daemon nor its door to the maps, and can load another build of the program
 * beside the one it was built with.
 */
#ifndef L2XDP_BENCH_PROGRAM_H
#define L2XDP_BENCH_PROGRAM_H

#include <bpf/libbpf.h>
#include <stdbool.h>

#include "tests/bench/chain.h"
#include "tests/bench/frames.h"
#include "maps/schema.h"
#include "maps/verdicts.h"

struct program {
	const char *name; /* in the table */
	struct bpf_object *obj;
	int fd, circuit_fd; /* l2xdp, l2xdp_circuit */
	unsigned int out; /* ifindex: where pseudowires' frames leave */
	bool seq, filled; /* how the sessions stand now */
	const struct cell *cell; /* whose sequence numbers they hold */
	const struct cell *pws; /* as whose pseudowires are */
};

/* `path` NULL: the object that this bench was built with; `way`: which of the chain's it will stand
 * on. 0 or a negative errno. */
int program_open(const char *name, const char *path, const struct chain *chain, unsigned int way,
		 struct program *ret);
void program_close(struct program *p);
/* BENCH_SESSIONS of them, sequenced both ways or not; cheap when nothing changes. 1: with
 * another cell's sequence numbers before, so that they begin anew; 0 or a negative errno. */
int program_sessions(struct program *p, const struct cell *c);
/* The program that such frames arrive at: that of ports, or that of circuits. */
int program_fd(const struct program *p, const struct cell *c);
/* What the daemon does once a second: the kept ways are asked for anew. */
int program_beat(struct program *p);
/* Frames so far by verdict. */
int program_verdicts(const struct program *p, uint64_t ret[L2X_V_MAX]);
/* Octets of kernel memory that its maps take, as the kernel tells it. */
size_t program_memory(const struct program *p);

/* program_pw.c, for program.c. Earlier builds have none, and can be compared in all else. */
bool program_has_pws(const struct bpf_object *obj);
int program_pws_size(struct bpf_object *obj); /* before it is loaded */
int program_circuits(struct program *p, const struct chain *chain, unsigned int way);
int program_pws(struct program *p, const struct cell *c);

#endif
