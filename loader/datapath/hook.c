/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who stands at a hook, by what the kernel knows of it. Programs are told by their name, links
 * by their device and program: an index of a device alone may be another namespace's.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "loader/datapath/program.h"

static void read_name(uint32_t program, char *ret, size_t len)
{
	struct bpf_prog_info info = { 0 };
	uint32_t n = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(program);

	if (fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &n) == 0)
		snprintf(ret, len, "%s", info.name);
	if (fd >= 0)
		close(fd);
}

/* 0: attached without a link, or we may not look. */
static uint32_t find_link(unsigned int ifindex, uint32_t program)
{
	uint32_t id = 0, found = 0;

	while (!found && bpf_link_get_next_id(id, &id) == 0) {
		struct bpf_link_info info = { 0 };
		uint32_t n = sizeof(info);
		int fd = bpf_link_get_fd_by_id(id);

		if (fd < 0)
			continue;
		if (bpf_obj_get_info_by_fd(fd, &info, &n) == 0 && info.type == BPF_LINK_TYPE_XDP &&
		    info.xdp.ifindex == ifindex && info.prog_id == program)
			found = id;
		close(fd);
	}
	return found;
}

bool hook_look(const struct port *p, struct hook *ret)
{
	LIBBPF_OPTS(bpf_xdp_query_opts, q);

	memset(ret, 0, sizeof(*ret));
	if (!p->ifindex || bpf_xdp_query((int)p->ifindex, 0, &q))
		return false;
	ret->program = q.prog_id ?: q.drv_prog_id ?: q.skb_prog_id;
	if (!ret->program)
		return false;
	read_name(ret->program, ret->name, sizeof(ret->name));
	ret->link = find_link(p->ifindex, ret->program);
	if (ret->link)
		snprintf(ret->remedy, sizeof(ret->remedy), "bpftool link detach id %u", ret->link);
	else
		snprintf(ret->remedy, sizeof(ret->remedy), "ip link set dev %s xdp off", p->name);
	return true;
}

bool hook_is_ours(const struct hook *h)
{
	return strcmp(h->name, PROGRAM_NAME) == 0;
}

/* It forwards by maps that nobody would keep: an address that is given to another subscriber
 * would still lead to the one who had it. */
int hook_refuse_lost(struct datapath *dp, char *err, size_t errlen)
{
	for (unsigned int i = 0; i < dp->n_ports; i++) {
		const struct port *p = &dp->ports[i];
		int fd = link_find(dp, p->ifindex);
		struct hook h;

		if (fd >= 0) {
			close(fd);
			continue;
		}
		if (!hook_look(p, &h) || !hook_is_ours(&h))
			continue;
		return dp_fail(-EBUSY, err, errlen,
			       "interface %s: the program of an l2xdpd, an earlier one or one "
			       "that runs, is at the hook (program %u), but not pinned in %s: it "
			       "goes on, by maps that this l2xdpd cannot reach\n"
			       "  was `datapath: bpf-directory` changed, or its file system "
			       "unmounted? set it as it was, and nothing is lost;\n"
			       "  or take that program away, with the sessions that it forwards: "
			       "%s",
			       p->name, h.program, dp->cfg->bpf_dir ?: "any directory (none)",
			       h.remedy);
	}
	return 0;
}
