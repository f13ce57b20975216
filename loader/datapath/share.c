/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hook shared with other programs, by libxdp's dispatcher. What stands in it stays when
 * we go. A new program of ours is put next to the old one, and then the old one is taken
 * out: for a moment a frame that the first passes up is judged by both, which changes
 * nothing but a counter.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <xdp/libxdp.h>

#include "loader/datapath/program.h"

#define KIND "share"
#define MAX_PROGRAMS 16 /* a dispatcher takes ten */

static enum xdp_attach_mode mode_of(const struct datapath *dp)
{
	return dp->cfg->mode == DP_GENERIC ? XDP_MODE_SKB : XDP_MODE_NATIVE;
}

/* The programs of our name in a dispatcher; *ret_shared: there is a dispatcher. */
static unsigned int find(const struct port *p, uint32_t ids[MAX_PROGRAMS],
			 enum xdp_attach_mode *ret_mode, bool *ret_shared)
{
	struct xdp_multiprog *mp = xdp_multiprog__get_from_ifindex((int)p->ifindex);
	struct xdp_program *i = NULL;
	unsigned int n = 0;

	*ret_shared = false;
	if (libxdp_get_error(mp))
		return 0;
	*ret_shared = !xdp_multiprog__is_legacy(mp);
	*ret_mode = xdp_multiprog__attach_mode(mp);
	while (*ret_shared && n < MAX_PROGRAMS && (i = xdp_multiprog__next_prog(i, mp)))
		if (strcmp(xdp_program__name(i), PROGRAM_NAME) == 0)
			ids[n++] = xdp_program__id(i);
	xdp_multiprog__close(mp);
	return n;
}

bool share_is_there(const struct port *p)
{
	uint32_t ids[MAX_PROGRAMS];
	enum xdp_attach_mode mode;
	bool shared;

	return bpffs_prepare() == 0 && find(p, ids, &mode, &shared) > 0;
}

void share_expel(const struct port *p, uint32_t keep_id)
{
	uint32_t ids[MAX_PROGRAMS];
	enum xdp_attach_mode mode = XDP_MODE_NATIVE;
	bool shared;
	unsigned int n = find(p, ids, &mode, &shared);

	for (unsigned int i = 0; i < n; i++) {
		struct xdp_program *old;
		int rc;

		if (ids[i] == keep_id)
			continue;
		old = xdp_program__from_id(ids[i]);
		rc = (int)libxdp_get_error(old);
		if (rc == 0) {
			rc = xdp_program__detach(old, (int)p->ifindex, mode, 0);
			xdp_program__close(old);
		}
		if (rc < 0)
			log_warn(NULL,
				 "interface %s: an earlier program of ours (id %u) stays: %s; "
				 "xdp-loader unload %s --id %u",
				 p->name, ids[i], strerror(-rc), p->name, ids[i]);
	}
}

/* On a device that was ours: named by a mark, or the configuration. */
static void sweep(struct datapath *dp, const char *name, void *arg)
{
	struct port gone = { .ifindex = if_nametoindex(name) };
	const bool *all = arg;

	for (unsigned int i = 0; !*all && i < dp->n_ports; i++)
		if (dp->ports[i].shared && strcmp(dp->ports[i].name, name) == 0)
			return;
	snprintf(gone.name, sizeof(gone.name), "%s", name);
	if (gone.ifindex && bpffs_prepare() == 0)
		share_expel(&gone, 0);
	pins_mark(dp, KIND, name, false);
}

void share_sweep(struct datapath *dp, bool all)
{
	pins_visit(dp, KIND, sweep, &all);
}

static void look(struct datapath *dp, const char *name, void *arg)
{
	struct port p = { .ifindex = if_nametoindex(name) };
	bool *found = arg;

	(void)dp;
	*found = *found || (p.ifindex && share_is_there(&p));
}

bool shares_are_there(struct datapath *dp)
{
	bool found = false;

	pins_visit(dp, KIND, look, &found);
	return found;
}

static int make(const struct datapath *dp, struct attach *a)
{
	DECLARE_LIBXDP_OPTS(xdp_program_opts, opts);
	int rc = bpffs_prepare();

	rc = rc ?: program_prepare(dp, &a->copy);
	rc = rc ?: program_same_maps(a->copy, a->skel);
	rc = rc ?: program_hook_only(a->copy);
	if (rc < 0)
		return rc;
	opts.obj = program_object(a->copy);
	opts.prog_name = program_name(a->copy);
	a->shared = xdp_program__create(&opts);
	rc = (int)libxdp_get_error(a->shared);
	if (rc)
		a->shared = NULL;
	return rc;
}

void share_free(struct attach *a)
{
	if (a->shared)
		xdp_program__close(a->shared);
	if (a->copy)
		program_free(a->copy);
	a->shared = NULL;
	a->copy = NULL;
}

/* Did libxdp put us into its dispatcher, or fall back to us alone? */
static bool is_in_dispatcher(const struct port *p)
{
	uint32_t ids[MAX_PROGRAMS];
	enum xdp_attach_mode mode;
	bool shared;

	find(p, ids, &mode, &shared);
	return shared;
}

int share_attach(const struct datapath *dp, struct attach *a, const struct port *p)
{
	int rc = a->shared ? 0 : make(dp, a);

	program_hush();
	rc = rc ?: pins_mark(dp, KIND, p->name, true);
	rc = rc ?: xdp_program__attach(a->shared, (int)p->ifindex, mode_of(dp), 0);
	if (rc == 0 && !is_in_dispatcher(p)) {
		xdp_program__detach(a->shared, (int)p->ifindex, mode_of(dp), 0);
		rc = -ENOTSUP;
	}
	if (rc == 0) {
		share_expel(p, xdp_program__id(a->shared));
		return 0;
	}
	if (!share_is_there(p)) /* an earlier one stays, and its mark */
		pins_mark(dp, KIND, p->name, false);
	if (a->shared && program_is_extension(a->copy))
		return rc;
	share_free(a);
	return -EOPNOTSUPP;
}
