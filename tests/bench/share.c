// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "tests/bench/share.h"

static uint64_t runtime_of(const char *path)
{
	unsigned long long ns = 0;
	FILE *f = fopen(path, "re");

	if (!f)
		return 0;
	if (fscanf(f, "%llu", &ns) != 1)
		ns = 0;
	fclose(f);
	return ns;
}

/* Nanoseconds that all threads of a process have run. */
static uint64_t process_runtime(int pid)
{
	char path[320];
	struct dirent *e;
	uint64_t sum = 0;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	d = opendir(path);
	while (d && (e = readdir(d))) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", pid, e->d_name);
		sum += runtime_of(path);
	}
	if (d)
		closedir(d);
	return sum;
}

static bool is_gone(int pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	return access(path, R_OK) != 0;
}

struct cpu_share cpu_share(int cpu, const int *pids, unsigned int n_pids)
{
	uint64_t tick = 1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK);
	struct cpu_share s = { 0 };
	uint64_t ran;
	unsigned long long v[8];
	FILE *f = fopen("/proc/stat", "re");
	char line[256];
	unsigned int i;
	int number;

	for (i = 0; i < n_pids; i++) {
		ran = process_runtime(pids[i]);
		s.device += ran;
		if (!ran && is_gone(pids[i]))
			s.gone = pids[i];
	}
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "cpu%d %llu %llu %llu %llu %llu %llu %llu %llu", &number, v, v + 1,
			   v + 2, v + 3, v + 4, v + 5, v + 6, v + 7) == 9 &&
		    number == cpu)
			s.busy = (v[0] + v[1] + v[2] + v[5] + v[6] + v[7]) * tick;
	if (f)
		fclose(f);
	return s;
}
