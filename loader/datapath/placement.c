/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "loader/datapath/placement.h"

#define QUIET_RATE 10000 /* frames a second that no CPU is troubled by */
#define HOT_SHARE 4 /* all but a quarter of the frames arrive there */
#define BUSY 700 /* of 1000: a CPU that has little time left */
#define IDLE 500 /* of 1000: one that has */
#define ON_SECONDS 10
#define OFF_SECONDS 60

bool placement_parse_cpus(const char *text, bool *ret, unsigned int n)
{
	memset(ret, 0, n * sizeof(*ret));
	while (*text && *text != '\n') {
		char *end;
		unsigned long from = strtoul(text, &end, 10), to = from;

		if (end == text)
			return false;
		text = end;
		if (*text == '-') {
			to = strtoul(text + 1, &end, 10);
			if (end == text + 1 || to < from)
				return false;
			text = end;
		}
		for (unsigned long i = from; i <= to && i < n; i++)
			ret[i] = true;
		if (*text == ',')
			text++;
		else if (*text && *text != '\n')
			return false;
	}
	return true;
}

unsigned int placement_pick(const struct dp_workers_config *cfg, const bool *online, bool *ret,
			    unsigned int n)
{
	unsigned int count = 0;

	memset(ret, 0, n * sizeof(*ret));
	for (unsigned int i = n; i-- > 0;) {
		bool wanted = cfg->mode == DP_WORKERS_AUTO ||
			      (cfg->mode == DP_WORKERS_COUNT && count < cfg->n);

		for (unsigned int k = 0; cfg->mode == DP_WORKERS_LIST && k < cfg->n; k++)
			wanted |= cfg->cpu[k] == i;
		if (!wanted || !online[i])
			continue;
		ret[i] = true;
		count++;
	}
	return count;
}

struct sums {
	uint64_t rate;
	uint32_t sessions, serving;
};

static struct sums sums_of(const struct place_load *load, unsigned int n)
{
	struct sums s = { 0 };

	for (unsigned int i = 1; i < n; i++) {
		s.rate += load[i].rate;
		s.sessions += load[i].sessions;
		s.serving += load[i].serves;
	}
	return s;
}

/* Half what it does, half what its sessions would do if all were alike: a burst of new ones
 * is spread before any of them has sent. */
unsigned int placement_least(const struct place_load *load, unsigned int n)
{
	const struct sums all = sums_of(load, n);
	uint64_t mean = all.sessions ? all.rate / all.sessions + 1 : 1, least = UINT64_MAX;
	unsigned int best = 0;

	for (unsigned int i = 1; i < n; i++) {
		uint64_t work = load[i].rate + load[i].sessions * mean;

		if (!load[i].serves || work >= least)
			continue;
		least = work;
		best = i;
	}
	return best;
}

unsigned int placement_even(const struct place_load *load, unsigned int n, unsigned int from)
{
	const struct sums all = sums_of(load, n);
	uint32_t fair = all.serving ? (all.sessions + all.serving - 1) / all.serving : 0;
	unsigned int to = placement_least(load, n);

	if (!to || to == from || load[from].sessions <= fair || load[to].sessions >= fair)
		return 0;
	return to;
}

enum advice placement_advise(const struct cpu_use *use, unsigned int n, unsigned int *ret_hot,
			     uint64_t *ret_total)
{
	unsigned int hot = 0, idle = 0;
	uint64_t total = 0;

	for (unsigned int i = 0; i < n; i++) {
		total += use[i].frames;
		if (use[i].frames > use[hot].frames)
			hot = i;
	}
	for (unsigned int i = 0; i < n; i++)
		idle += i != hot && use[i].busy < IDLE;
	*ret_hot = hot;
	*ret_total = total;
	if (total < QUIET_RATE)
		return ADVICE_QUIET;
	if (use[hot].frames < total - total / HOT_SHARE)
		return ADVICE_SPREAD;
	if (use[hot].busy < BUSY)
		return ADVICE_COPES;
	return idle ? ADVICE_HELPS : ADVICE_NOWHERE;
}

bool placement_auto_second(struct placement_auto *a, enum advice advice, uint64_t total)
{
	bool change = a->on ? total < a->total / 2 : advice == ADVICE_HELPS;

	a->streak = change ? a->streak + 1 : 0;
	if (a->streak < (a->on ? OFF_SECONDS : ON_SECONDS))
		return false;
	a->on = !a->on;
	a->streak = 0;
	a->total = total;
	return true;
}
