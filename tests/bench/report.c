// SPDX-License-Identifier: GPL-2.0-or-later
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "tests/bench/report.h"

#define MAX_RUNNING 8 /* that are named */

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double median(double *v, unsigned int n)
{
	qsort(v, n, sizeof(*v), by_size);
	return (v[(n - 1) / 2] + v[n / 2]) / 2;
}

struct spread spread_of(const double *v, unsigned int n)
{
	double *sorted = calloc(n ? n : 1, sizeof(*v));
	struct spread s = { .n = n };

	if (!sorted || !n)
		return s;
	memcpy(sorted, v, n * sizeof(*v));
	s.median = median(sorted, n);
	s.min = sorted[0];
	s.max = sorted[n - 1];
	free(sorted);
	return s;
}

/* ---- CSV ------------------------------------------------------------------------- */

FILE *csv_open(const char *path)
{
	FILE *f = fopen(path, "ae");

	if (!f) {
		fprintf(stderr, "bench: %s: %s\n", path, strerror(errno));
		return NULL;
	}
	fseek(f, 0, SEEK_END);
	if (ftell(f) == 0)
		fputs("bench,device,row,figure,unit,rounds,median,min,max\n", f);
	return f;
}

void csv_line(FILE *csv, const char *bench, const char *device, const char *row, const char *figure,
	      const char *unit, const struct spread *s)
{
	if (csv)
		fprintf(csv, "%s,%s,%s,%s,%s,%u,%.6g,%.6g,%.6g\n", bench, device, row, figure, unit,
			s->n, s->median, s->min, s->max);
}

/* ---- conditions -------------------------------------------------------------------- */

/* The value of the line that begins with `key`, or the first line. */
static bool line_of(const char *path, const char *key, char *ret, size_t len)
{
	char line[512], *value;
	FILE *f = fopen(path, "re");
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		value = *key ? strchr(line, ':') : line;
		if (strncmp(line, key, strlen(key)) != 0 || !value)
			continue;
		value += *key ? 2 : 0;
		value[strcspn(value, "\n")] = 0;
		snprintf(ret, len, "%.*s", (int)len - 1, value);
		found = true;
	}
	if (f)
		fclose(f);
	return found;
}

/* Of the kernel's list, what is mitigated or vulnerable. */
static void show_mitigations(void)
{
	static const char dir[] = "/sys/devices/system/cpu/vulnerabilities";
	char path[512], text[160];
	struct dirent *e;
	DIR *d = opendir(dir);

	printf("mitigations:");
	while (d && (e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.' && line_of(path, "", text, sizeof(text)) &&
		    strcmp(text, "Not affected") != 0)
			printf(" %s (%s);", e->d_name, text);
	}
	printf("%s\n", d ? "" : " cannot be read");
	if (d)
		closedir(d);
}

/* Processes that are running or want to, other than this one. */
static void show_running(void)
{
	char path[300], name[64], text[512], *state;
	unsigned int n = 0;
	struct dirent *e;
	DIR *d = opendir("/proc");

	printf("running beside:");
	while (d && (e = readdir(d))) {
		if (atoi(e->d_name) <= 0 || atoi(e->d_name) == getpid())
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", e->d_name);
		if (!line_of(path, "", text, sizeof(text)))
			continue;
		state = strrchr(text, ')');
		if (!state || state[1] != ' ' || state[2] != 'R' || n++ >= MAX_RUNNING)
			continue;
		if (sscanf(text, "%*d (%63[^)]", name) == 1)
			printf(" %s", name);
	}
	printf("%s\n", n ? "" : " nothing");
	if (d)
		closedir(d);
}

void show_conditions(void)
{
	char text[256];
	struct utsname u;

	uname(&u);
	printf("kernel %s %s, ", u.release, u.machine);
	if (line_of("/proc/cpuinfo", "model name", text, sizeof(text)))
		printf("%s, ", text);
	printf("%ld CPUs\n", sysconf(_SC_NPROCESSORS_ONLN));
	if (!line_of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "", text,
		     sizeof(text)))
		snprintf(text, sizeof(text), "cannot be read");
	printf("clock governor: %s\n", text);
	show_mitigations();
	if (line_of("/proc/loadavg", "", text, sizeof(text)))
		printf("load %s; ", text);
	show_running();
}
