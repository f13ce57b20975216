/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs on the devices of circuits and on the door: one link each, pinned as circuit-DEVICE, as
 * link.c has it for interfaces. A device that carries many circuits by their tags has one. The next
 * daemon puts its program into the link in one step, which no frame notices.
 *
 * With mode auto a driver that has no native XDP takes the program generically: a circuit without
 * it would carry nothing, for nobody else takes frames there.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/datapath/pw_private.h"

#define KIND "circuit"

static int open_pin(const struct datapath *dp, const char *name)
{
	char path[PIN_PATH_LEN];

	pins_path(dp, KIND, name, path);
	return bpf_obj_get(path);
}

static void unpin(const struct datapath *dp, const char *name)
{
	char path[PIN_PATH_LEN];

	if (!dp->pins)
		return;
	pins_path(dp, KIND, name, path);
	unlink(path);
}

/* A second pin of one link is the same link; what else has this name is a device's that is gone. */
static void pin(const struct datapath *dp, const struct circuit_link *c)
{
	char path[PIN_PATH_LEN];
	int old;

	if (!dp->pins)
		return;
	pins_path(dp, KIND, c->name, path);
	old = open_pin(dp, c->name);
	if (old >= 0) {
		bool same = link_is_of(old, c->ifindex);

		close(old);
		if (same)
			return;
		unlink(path);
	}
	if (bpf_obj_pin(c->fd, path))
		log_warn(NULL, "device %s: cannot pin its link: %s: it ends with l2xdpd", c->name,
			 strerror(errno));
}

/* ---- those that there are ---------------------------------------------------------------------- */

static struct circuit_link *add(struct attach *a, const char *name, unsigned int ifindex, int fd)
{
	struct circuit_link *more = realloc(a->circuits, (a->n_circuits + 1) * sizeof(*more)), *c;

	if (!more)
		return NULL;
	a->circuits = more;
	c = &more[a->n_circuits++];
	*c = (struct circuit_link){ .ifindex = ifindex, .fd = fd, .mode = dp_mode_names[DP_OFF] };
	snprintf(c->name, sizeof(c->name), "%s", name);
	return c;
}

struct recall {
	struct attach *a;
	int rc;
};

static void recall(struct datapath *dp, const char *name, void *arg)
{
	struct recall *r = arg;
	int fd = open_pin(dp, name);
	unsigned int ifindex = fd >= 0 ? link_ifindex(fd) : 0;

	if (ifindex && add(r->a, name, ifindex, fd))
		return;
	if (ifindex)
		r->rc = -ENOMEM;
	if (fd >= 0)
		close(fd);
}

int pw_links_recall(struct datapath *dp, struct attach *a)
{
	struct recall r = { .a = a };

	if (!a->circuits_recalled)
		pins_visit(dp, KIND, recall, &r);
	a->circuits_recalled = true;
	return r.rc;
}

/* By its device, for that may have another name now; and an index may be another device's. */
static struct circuit_link *find(struct attach *a, unsigned int ifindex)
{
	for (unsigned int i = 0; i < a->n_circuits; i++) {
		struct circuit_link *c = &a->circuits[i];

		if (c->ifindex != ifindex)
			continue;
		if (c->fd >= 0 && !link_is_of(c->fd, ifindex)) {
			close(c->fd);
			c->fd = -1;
			c->current = c->is_new = false;
		}
		return c;
	}
	return NULL;
}

/* ---- to the hook ------------------------------------------------------------------------------- */

static const char *mode_of(const struct circuit_link *c)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, q);

	if (bpf_xdp_query((int)c->ifindex, 0, &q))
		return dp_mode_names[DP_OFF];
	return dp_mode_names[q.attach_mode == XDP_ATTACHED_SKB ? DP_GENERIC : DP_NATIVE];
}

static bool mode_fits(const struct datapath *dp, const char *mode)
{
	return dp->cfg->mode == DP_AUTO || mode == dp_mode_names[dp->cfg->mode];
}

static int make(int program, unsigned int ifindex, bool generic)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		    .flags = generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
	int fd = bpf_link_create(program, (int)ifindex, BPF_XDP, &opts);

	return fd < 0 ? -errno : fd;
}

static bool is_busy(int rc)
{
	return rc == -EBUSY || rc == -EEXIST;
}

static int create(const struct datapath *dp, const struct circuit_link *c, int program)
{
	int fd = make(program, c->ifindex, dp->cfg->mode == DP_GENERIC);

	if (fd >= 0 || dp->cfg->mode != DP_AUTO || is_busy(fd))
		return fd;
	log_note(NULL, "device %s: no native XDP (%s): generic, which is slower%s", c->name,
		 strerror(-fd),
		 fd == -ERANGE ? "; its MTU, or its peer's, is too large for native" : "");
	return make(program, c->ifindex, true);
}

/* A hook has one mode: the earlier program leaves for a moment, and comes back when ours is not
 * taken. */
static int change_mode(const struct datapath *dp, struct circuit_link *c, int program)
{
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);
	bool was_generic = mode_of(c) == dp_mode_names[DP_GENERIC];
	int earlier = -1, fd;

	if (bpf_obj_get_info_by_fd(c->fd, &info, &len) == 0)
		earlier = bpf_prog_get_fd_by_id(info.prog_id);
	bpf_link_detach(c->fd);
	close(c->fd);
	c->fd = -1;
	fd = create(dp, c, program);
	if (fd < 0 && earlier >= 0)
		c->fd = make(earlier, c->ifindex, was_generic);
	else
		c->fd = fd;
	if (earlier >= 0)
		close(earlier);
	return fd < 0 ? fd : 0;
}

static int attach(const struct datapath *dp, struct circuit_link *c, int program)
{
	int fd;

	if (c->fd >= 0 && !mode_fits(dp, mode_of(c)))
		return change_mode(dp, c, program);
	if (c->fd >= 0)
		return bpf_link_update(c->fd, program, NULL) ? -errno : 0;
	fd = create(dp, c, program);
	if (fd < 0)
		return fd;
	c->fd = fd;
	c->is_new = true;
	return 0;
}

static void say_refused(struct circuit_link *c, int rc)
{
	struct port p = { .ifindex = c->ifindex };
	struct hook h;

	snprintf(p.name, sizeof(p.name), "%s", c->name);
	if (is_busy(rc) && hook_look(&p, &h))
		snprintf(c->why, sizeof(c->why),
			 "another XDP program%s%s is attached to %s: take it away (%s)",
			 h.name[0] ? ", " : "", h.name, c->name, h.remedy);
	else if (rc == -EOPNOTSUPP)
		snprintf(c->why, sizeof(c->why),
			 "the driver of %s has no native XDP: set `datapath: mode` to auto or "
			 "generic",
			 c->name);
	else if (rc == -ERANGE)
		snprintf(c->why, sizeof(c->why),
			 "the MTU of %s, or of its peer, is too large for native XDP: lower it, or "
			 "set `datapath: mode` to auto",
			 c->name);
	else
		snprintf(c->why, sizeof(c->why), "the driver of %s refuses XDP: %s", c->name,
			 strerror(-rc));
}

struct circuit_link *pw_link(struct datapath *dp, struct attach *a, const char *name,
			     unsigned int ifindex, bool door)
{
	struct circuit_link *c = find(a, ifindex);
	int rc;

	if (!c)
		c = add(a, name, ifindex, -1);
	if (!c)
		return NULL;
	snprintf(c->name, sizeof(c->name), "%s", name);
	c->used = true;
	if (c->current)
		return c;
	rc = attach(dp, c, door ? program_door_fd(a->skel) : program_circuit_fd(a->skel));
	c->current = rc == 0;
	c->mode = c->fd >= 0 ? mode_of(c) : dp_mode_names[DP_OFF];
	c->why[0] = '\0';
	if (rc < 0)
		say_refused(c, rc);
	if (c->fd >= 0)
		pin(dp, c);
	return c;
}

/* ---- what goes --------------------------------------------------------------------------------- */

struct release {
	unsigned int ifindex; /* 0: all */
};

static void release(struct datapath *dp, const char *name, void *arg)
{
	const struct release *r = arg;
	int fd = open_pin(dp, name);

	if (fd >= 0 && (!r->ifindex || link_ifindex(fd) == r->ifindex)) {
		bpf_link_detach(fd);
		unpin(dp, name);
	}
	if (fd >= 0)
		close(fd);
}

void pw_links_release(struct datapath *dp, unsigned int ifindex)
{
	struct release r = { .ifindex = ifindex };

	pins_visit(dp, KIND, release, &r);
}

/* Pins that no device of ours has under that name; their links are of devices in the table. Where a
 * device has come back as another under its name, the name's pin is the later one's (pin). */
static void sweep_pin(struct datapath *dp, const char *name, void *arg)
{
	const struct attach *a = arg;

	for (unsigned int i = 0; i < a->n_circuits; i++)
		if (a->circuits[i].used && strcmp(a->circuits[i].name, name) == 0)
			return;
	unpin(dp, name);
}

void pw_links_sweep(struct datapath *dp, bool all)
{
	struct attach *a = dp->attach;

	if (all)
		pw_links_release(dp, 0);
	for (unsigned int i = a ? a->n_circuits : 0; i > 0; i--) {
		struct circuit_link *c = &a->circuits[i - 1];

		if (c->used && !all)
			continue;
		if (c->fd >= 0) {
			if (link_ifindex(c->fd) && !all)
				log_note(NULL, "device %s is no circuit any more: program detached",
					 c->name);
			bpf_link_detach(c->fd);
			close(c->fd);
		}
		if (all)
			unpin(dp, c->name);
		*c = a->circuits[--a->n_circuits];
	}
	if (a && !all)
		pins_visit(dp, KIND, sweep_pin, a);
}

void pw_links_free(struct attach *a, enum end end)
{
	for (unsigned int i = 0; i < a->n_circuits; i++) {
		const struct circuit_link *c = &a->circuits[i];

		if (c->fd < 0)
			continue;
		if (end == END_REMOVE || (end == END_UNDO && c->is_new))
			bpf_link_detach(c->fd);
		close(c->fd);
	}
	free(a->circuits);
	a->circuits = NULL;
	a->n_circuits = 0;
}
