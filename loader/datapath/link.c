/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our program alone at a hook, by a link. Pinned, it stays when the daemon goes; the next one
 * puts its program into it, in one step that no packet notices.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "loader/datapath/program.h"

#define KIND "link"

static uint32_t mode_flag(const struct datapath *dp)
{
	return dp->cfg->mode == DP_GENERIC ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
}

unsigned int link_ifindex(int fd)
{
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len) || info.type != BPF_LINK_TYPE_XDP)
		return 0;
	return info.xdp.ifindex;
}

static int open_pin(const struct datapath *dp, const char *name)
{
	char path[PIN_PATH_LEN];

	pins_path(dp, KIND, name, path);
	return bpf_obj_get(path);
}

static void unpin(const struct datapath *dp, const char *name)
{
	char path[PIN_PATH_LEN];

	pins_path(dp, KIND, name, path);
	unlink(path);
}

struct search {
	unsigned int ifindex;
	int fd;
};

static void compare(struct datapath *dp, const char *name, void *arg)
{
	struct search *s = arg;
	int fd = s->fd < 0 ? open_pin(dp, name) : -1;

	if (fd >= 0 && link_ifindex(fd) == s->ifindex)
		s->fd = fd;
	else if (fd >= 0)
		close(fd);
}

/* By its device, for that may have another name now. */
int link_find(struct datapath *dp, unsigned int ifindex)
{
	struct search s = { .ifindex = ifindex, .fd = -1 };

	if (ifindex)
		pins_visit(dp, KIND, compare, &s);
	return s.fd;
}

bool link_is_of(int fd, unsigned int ifindex)
{
	return fd >= 0 && ifindex && link_ifindex(fd) == ifindex;
}

static void look(struct datapath *dp, const char *name, void *arg)
{
	int fd = open_pin(dp, name);
	bool *found = arg;

	if (fd < 0)
		return;
	*found = *found || link_ifindex(fd);
	close(fd);
}

bool links_are_there(struct datapath *dp)
{
	bool found = false;

	pins_visit(dp, KIND, look, &found);
	return found;
}

static bool has_our_mode(const struct datapath *dp, unsigned int ifindex)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, q);

	if (bpf_xdp_query((int)ifindex, 0, &q))
		return false;
	return q.attach_mode == (dp->cfg->mode == DP_GENERIC ? XDP_ATTACHED_SKB : XDP_ATTACHED_DRV);
}

/* Under the device's present name; what has another one is swept. */
static void pin(struct datapath *dp, int fd, const char *name)
{
	char path[PIN_PATH_LEN];

	if (!dp->pins)
		return;
	pins_path(dp, KIND, name, path);
	if (bpf_obj_pin(fd, path) == 0)
		return;
	if (errno == EEXIST) {
		int old = open_pin(dp, name);
		unsigned int ifindex = old >= 0 ? link_ifindex(old) : 0;

		if (old >= 0)
			close(old);
		if (ifindex && ifindex == link_ifindex(fd))
			return;
		unlink(path);
		if (bpf_obj_pin(fd, path) == 0)
			return;
	}
	log_warn(NULL, "interface %s: cannot pin its link: %s: it ends with l2xdpd", name,
		 strerror(errno));
}

/* The program of a link in a new one, in the mode that it had; -1: neither. */
static int put_back(int program, unsigned int ifindex, bool was_generic)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		    .flags = was_generic ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);

	return program < 0 ? -1 : bpf_link_create(program, (int)ifindex, BPF_XDP, &opts);
}

static int program_of(int fd)
{
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(fd, &info, &len) ? -1 : bpf_prog_get_fd_by_id(info.prog_id);
}

static int create(const struct datapath *dp, const struct attach *a, const struct port *p)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = mode_flag(dp));
	int fd;

	if (share_is_there(p)) /* of a daemon that was not told to be alone */
		share_expel(p, 0);
	fd = bpf_link_create(program_fd(a->skel), (int)p->ifindex, BPF_XDP, &opts);
	return fd < 0 ? -errno : fd;
}

/* A hook has one mode: the earlier program leaves for a moment, and comes back when the driver
 * does not take ours. *fd: the link from now on. */
static int change_mode(const struct datapath *dp, const struct attach *a, const struct port *p,
		       int *fd)
{
	int program = program_of(*fd), new;

	bpf_link_detach(*fd);
	close(*fd);
	new = create(dp, a, p);
	*fd = new >= 0 ? new : put_back(program, p->ifindex, dp->cfg->mode != DP_GENERIC);
	if (program >= 0)
		close(program);
	return new < 0 ? new : 0;
}

int link_attach(struct datapath *dp, struct attach *a, unsigned int i)
{
	const struct port *p = &dp->ports[i];
	int fd = a->links[i], rc = 0;

	program_hush();
	if (fd < 0)
		fd = link_find(dp, p->ifindex);
	if (fd < 0) {
		fd = create(dp, a, p);
		if (fd < 0)
			return fd;
		a->link_is_new[i] = true;
	} else if (!has_our_mode(dp, p->ifindex)) {
		rc = change_mode(dp, a, p, &fd);
	} else if (bpf_link_update(fd, program_fd(a->skel), NULL)) {
		rc = -errno;
	}
	a->links[i] = fd;
	if (fd >= 0)
		pin(dp, fd, p->name);
	return rc;
}

/* Does an interface of ours live by the link of this device? *ret_name: under this name. */
static bool is_in_use(const struct datapath *dp, unsigned int ifindex, const char *name,
		      bool *ret_name)
{
	*ret_name = false;
	for (unsigned int i = 0; dp->attach && i < dp->n_ports; i++) {
		if (dp->attach->links[i] < 0 || dp->ports[i].ifindex != ifindex)
			continue;
		*ret_name = strcmp(dp->ports[i].name, name) == 0;
		return true;
	}
	return false;
}

static void sweep(struct datapath *dp, const char *name, void *arg)
{
	const bool *all = arg;
	int fd = open_pin(dp, name);
	unsigned int ifindex = fd >= 0 ? link_ifindex(fd) : 0;
	bool same_name = false, used = !*all && is_in_use(dp, ifindex, name, &same_name);

	if (!same_name)
		unpin(dp, name);
	if (fd < 0)
		return;
	if (!used) {
		bpf_link_detach(fd);
		if (ifindex && !*all)
			log_note(NULL, "interface %s is ours no more: program detached", name);
	}
	close(fd);
}

void links_sweep(struct datapath *dp, bool all)
{
	pins_visit(dp, KIND, sweep, &all);
}
