/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Figures that repeat exactly, held against those of tests/bpf/limits.txt: none may be more than
 * 5 % above what stands there. Whoever makes one grow changes that file in the same commit,
 * and says why in it; whoever makes one shrink does, too, so that the next one's 5 % are none of
 * his.
 */
#ifndef L2XDP_TESTS_BPF_LIMITS_H
#define L2XDP_TESTS_BPF_LIMITS_H

#include "tests/bpf/rig.h"

#ifndef BPF_CC /* as the Makefile has it: the compiler of the programs */
#define BPF_CC "clang-14"
#endif
#define LIMITS "tests/bpf/limits.txt"
#define LIMITS_MORE 5u /* per cent */

/* False: there is none for this compiler, on this kernel (NULL: on any). */
static inline bool limits_find(const char *name, const char *kernel, unsigned int *ret)
{
	char line[256], its_name[64], its_compiler[32], its_kernel[32];
	FILE *f = fopen(LIMITS, "re");
	unsigned int value;
	bool found = false;

	if (!f)
		fail_msg(LIMITS ": %s; run this from the root of the source", strerror(errno));
	while (!found && fgets(line, sizeof(line), f)) {
		if (line[0] == '#' || line[0] == '\n')
			continue;
		if (sscanf(line, "%63s %31s %31s %u", its_name, its_compiler, its_kernel, &value) !=
		    4)
			fail_msg(LIMITS ": a line with no figure: %s", line);
		found = !strcmp(its_name, name) && !strcmp(its_compiler, BPF_CC) &&
			!strcmp(its_kernel, kernel ? kernel : "any");
	}
	fclose(f);
	if (found)
		*ret = value;
	return found;
}

static inline void limits_check(const char *name, const char *kernel, unsigned int value)
{
	unsigned int limit;

	if (!limits_find(name, kernel, &limit)) {
		print_message("  %s: %u; no limit with %s on this kernel\n", name, value, BPF_CC);
		return;
	}
	print_message("  %s: %u, was %u\n", name, value, limit);
	if (value * 100ull > limit * (100ull + LIMITS_MORE))
		fail_msg("%s has grown from %u to %u, by more than %u %%: make it smaller, or "
			 "change " LIMITS " in the same commit, with the reason",
			 name, limit, value, LIMITS_MORE);
}

#endif
