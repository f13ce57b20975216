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
#include "maps/schema.h"
#include "maps/verdicts.h"

struct program {
	const char *name; /* in the table */
	struct bpf_object *obj;
	int fd;
	bool seq, filled; /* how the sessions stand now */
};

/* `path` NULL: the object that this bench was built with. 0 or a negative errno. */
int program_open(const char *name, const char *path, const struct chain *chain,
		 struct program *ret);
void program_close(struct program *p);
/* 65 535 sessions, sequenced both ways or not. Cheap when nothing changes. */
int program_sessions(struct program *p, bool seq);
/* What the daemon does once a second: the kept ways are asked for anew. */
int program_beat(struct program *p);
/* Frames so far by verdict. */
int program_verdicts(const struct program *p, uint64_t ret[L2X_V_MAX]);
/* Octets of kernel memory that its maps take, as the kernel tells it. */
size_t program_memory(const struct program *p);

#endif
