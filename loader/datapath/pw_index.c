/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which element of the map pws is whose. A line is its pseudowire's by the hash of the name in it: it
 * stays that one's, with its counters and numbers, over restarts and reloads. So does it when the map
 * has to have another size: then lines and counters move to the new map, before any program reads it.
 *
 * Who is new gets the element that its Session ID names, so that it is found without pw_ids; else
 * the one that its name's hash leads to, or the next free one. A signalled one's Session ID is made
 * of the index, and moves with it where more of its bits count. So the same configuration has the
 * same indexes where no map tells them any more, after a reboot, and the sessions in the store are
 * found again (wires_store.c).
 *
 * Until the program is attached nothing is written that an earlier daemon's program reads. What this
 * has found out takes effect by pw_lines_commit.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/datapath/pw_private.h"

struct assignment {
	struct datapath *dp;
	struct map_array old_pws,
		old_traffic; /* of another set of maps; mem NULL: it is the same */
	bool *taken; /* by index */
	uint32_t *was; /* by pseudowire: the index that it had, 0: none */
	struct name *names; /* in rising order */
};

struct name {
	uint64_t hash;
	unsigned int i; /* pseudowire */
};

/* FNV-1a. Names are the operator's own, so nobody looks for two that meet. */
uint64_t pw_name_hash(const char *name)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3ull;
	return h ? h : 1;
}

static int compare(const void *a, const void *b)
{
	const struct name *x = a, *y = b;

	return (x->hash > y->hash) - (x->hash < y->hash);
}

/* ---- what there is ----------------------------------------------------------------------------- */

static uint32_t map_id(int fd)
{
	struct bpf_map_info info = { 0 };
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &len) ? 0 : info.id;
}

static bool open_old(const struct datapath *dp, const char *name, uint32_t size,
		     struct map_array *ret)
{
	int now = bpf_object__find_map_fd_by_name(program_object(dp->attach->skel), name);
	char path[PIN_PATH_LEN], err[160];
	bool other;
	int fd;

	pins_map_path(dp->pins->dir, PIN_SET, name, path);
	fd = bpf_obj_get(path);
	other = fd >= 0 && map_id(fd) != map_id(now) &&
		map_array_open(ret, fd, err, sizeof(err), name) == 0;
	if (fd >= 0)
		close(fd);
	if (other && ret->value_size == size)
		return true;
	map_array_close(ret);
	return false;
}

/* Those of an earlier set, where this one is new. */
static void open_olds(struct assignment *as)
{
	const struct datapath *dp = as->dp;

	if (dp->pins && open_old(dp, "pws", sizeof(struct l2x_pw), &as->old_pws))
		open_old(dp, "pw_traffic", sizeof(struct l2x_traffic), &as->old_traffic);
}

/* The lines that tell who had what. */
static const struct map_array *sources(const struct assignment *as)
{
	return as->old_pws.mem ? &as->old_pws : &as->dp->maps->pws;
}

/* Of a map of another size: where the session in the line is found with as many elements as now. */
static uint32_t place(const struct assignment *as, const struct pw *w, uint32_t was,
		      const struct l2x_pw *at)
{
	return as->old_pws.mem && w->cfg->signalled && at->id
		       ? ntohl(at->id) & (as->dp->maps->pws.n - 1)
		       : was;
}

static void recall(struct assignment *as)
{
	const struct map_array *from = sources(as);
	uint32_t n = as->dp->maps->pws.n;

	for (uint32_t index = 1, to; index < from->n; index++) {
		const struct l2x_pw *at = map_array_at(from, index);
		const struct name key = { .hash = at->name }, *found;

		found = at->name ? bsearch(&key, as->names, as->dp->n_pws, sizeof(key), compare)
				 : NULL;
		if (!found || as->was[found->i])
			continue;
		as->was[found->i] = index;
		to = place(as, &as->dp->pws[found->i], index, at);
		if (!to || to >= n || as->taken[to])
			continue;
		as->dp->pws[found->i].index = to;
		as->taken[to] = true;
	}
}

/* ---- who is new -------------------------------------------------------------------------------- */

static void take(struct assignment *as, struct pw *w, uint32_t index)
{
	w->index = index;
	as->taken[index] = true;
}

/* From where its name leads to. There are twice as many elements as pseudowires: one is free. */
static uint32_t next_free(const struct assignment *as, uint64_t hash)
{
	uint32_t mask = as->dp->maps->pws.n - 1, index = (uint32_t)hash & mask;

	while (!index || as->taken[index])
		index = (index + 1) & mask;
	return index;
}

/* In the order of the names' hashes: that of the configuration's lines does not count. */
static void assign_new(struct assignment *as)
{
	struct datapath *dp = as->dp;
	uint32_t mask = dp->maps->pws.n - 1, index;

	for (unsigned int i = 0; i < dp->n_pws; i++) {
		struct pw *w = &dp->pws[i];

		index = w->cfg->signalled ? 0 : w->cfg->id & mask;
		if (!w->index && index && !as->taken[index])
			take(as, w, index);
	}
	for (unsigned int k = 0; k < dp->n_pws; k++) {
		struct pw *w = &dp->pws[as->names[k].i];

		if (!w->index)
			take(as, w, next_free(as, as->names[k].hash));
	}
}

/* Into maps that nobody reads yet. */
static void carry(struct assignment *as)
{
	struct datapath *dp = as->dp;

	for (unsigned int i = 0; as->old_pws.mem && i < dp->n_pws; i++) {
		const struct l2x_pw *line = map_array_at(&as->old_pws, as->was[i]);
		const struct l2x_traffic *traffic = map_array_at(&as->old_traffic, as->was[i]);

		if (!as->was[i])
			continue;
		if (line)
			memcpy(map_array_at(&dp->maps->pws, dp->pws[i].index), line, sizeof(*line));
		if (traffic)
			memcpy(map_array_at(&dp->maps->pw_traffic, dp->pws[i].index), traffic,
			       sizeof(*traffic));
	}
}

static void assign(struct assignment *as)
{
	struct datapath *dp = as->dp;

	for (unsigned int i = 0; i < dp->n_pws; i++) {
		as->names[i] = (struct name){ pw_name_hash(dp->pws[i].cfg->name), i };
		dp->pws[i].index = 0;
	}
	qsort(as->names, dp->n_pws, sizeof(*as->names), compare);
	open_olds(as);
	recall(as);
	assign_new(as);
	carry(as);
	map_array_close(&as->old_pws);
	map_array_close(&as->old_traffic);
}

int pw_indexes(struct datapath *dp, char *err, size_t errlen)
{
	struct assignment as = { .dp = dp };
	bool ok;

	if (!dp->n_pws)
		return 0;
	if (2 * (uint64_t)dp->n_pws > dp->maps->pws.n)
		return dp_fail(-EINVAL, err, errlen,
			       "pseudowires: there are %u, and at most %u can be", dp->n_pws,
			       L2X_MAX_PWS / 2);
	as.taken = calloc(dp->maps->pws.n, sizeof(*as.taken));
	as.was = calloc(dp->n_pws, sizeof(*as.was));
	as.names = calloc(dp->n_pws, sizeof(*as.names));
	ok = as.taken && as.was && as.names;
	if (ok)
		assign(&as);
	free(as.taken);
	free(as.was);
	free(as.names);
	return ok ? 0 : dp_fail(-ENOMEM, err, errlen, "pseudowires get no index: no memory");
}

/* ---- taking effect ----------------------------------------------------------------------------- */

static void end_line(struct datapath *dp, uint32_t index, struct l2x_pw *line, uint64_t name)
{
	struct l2x_traffic *traffic = map_array_at(&dp->maps->pw_traffic, index);

	__atomic_store_n(&line->gen, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&line->tx_gen, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	memset(line, 0, sizeof(*line));
	line->name = name;
	if (traffic)
		memset(traffic, 0, sizeof(*traffic));
}

void pw_lines_commit(struct datapath *dp)
{
	const struct map_array *lines = &dp->maps->pws;
	uint64_t *names = calloc(lines->n, sizeof(*names)); /* by index */

	if (!names) {
		log_warn(NULL, "no memory to end pseudowires that are no longer configured");
		return;
	}
	for (unsigned int i = 0; i < dp->n_pws; i++)
		names[dp->pws[i].index] = pw_name_hash(dp->pws[i].cfg->name);
	for (uint32_t index = 0; index < lines->n; index++) {
		struct l2x_pw *line = map_array_at(lines, index);

		if (line && line->name != names[index])
			end_line(dp, index, line, names[index]);
	}
	free(names);
}
