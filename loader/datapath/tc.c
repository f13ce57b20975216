/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Our programs at the hook of traffic control (bpf/l2xdp_tc.bpf.c), by filters of clsact:
 *
 *   l2tp0         egress    l2xdp_out  what this host sends to subscribers
 *   each NIC      ingress   l2xdp_in   behind XDP: what is for this host
 *                           l2xdp_tc   `mode: tc`, without XDP: all
 *
 * A filter needs nobody who holds it: it stays while daemons come and go, with the maps that it
 * was loaded with. The next daemon puts its program into the same filter (the same priority and
 * handle), which is one step. Device and filter go together; l2tp0's goes with l2tp0.
 *
 * What is on a NIC is marked beside the pins, so that whoever takes it away finds it:
 *
 *   tc-DEVICE      a filter of ours
 *   clsact-DEVICE  and the qdisc, which goes with the filter if nobody else uses it
 *
 * Without pins there would be nobody to take them away after a crash, so then there are none.
 *
 * The programs of XDP leave to l2xdp_in what is for this host only while live.host says that all
 * are in place. It says so after they have been attached, and is taken back when one is missing,
 * which is looked for every few seconds (tc_check): then the slow path carries that traffic, as
 * without tc, and a warning says why. What was taken away is not put back before the next start
 * or reload: whoever did it may have had a reason.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>
#include <netlink/netlink.h>
#include <netlink/route/classifier.h>
#include <netlink/route/tc.h>
#include <linux/pkt_sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "loader/datapath/program.h"

#include "bpf/l2xdp_tc.skel.h"

#define KIND "tc"
#define KIND_QDISC "clsact"
#define HANDLE 1
#define PRIORITY 1701

/* ---- the programs ---------------------------------------------------------------------------- */

/* The maps of the other object, whose names have another beginning. */
static int same_maps(struct bpf_object *to, struct bpf_object *from)
{
	struct bpf_map *m = NULL, *k;
	int rc = 0;

	bpf_object__for_each_map(m, to)
	{
		bool found = program_map_is_own(m);

		k = NULL;
		while (!found && (k = bpf_object__next_map(from, k))) {
			if (strcmp(pins_map_name(m), pins_map_name(k)))
				continue;
			rc = rc ?: bpf_map__reuse_fd(m, bpf_map__fd(k));
			found = true;
		}
		rc = rc ?: found ? 0 : -ENOENT;
	}
	return rc;
}

static int load(struct datapath *dp, struct attach *a)
{
	struct l2xdp_tc_bpf *p = l2xdp_tc_bpf__open();
	int rc = p ? 0 : -errno;

	if (rc < 0)
		return rc;
	program_config(dp, &p->rodata->cfg);
	rc = same_maps(p->obj, program_object(a->skel));
	rc = rc ?: l2xdp_tc_bpf__load(p);
	if (rc < 0)
		l2xdp_tc_bpf__destroy(p);
	else
		a->tc = p;
	return rc;
}

int tc_load(struct datapath *dp, struct attach *a, char *err, size_t errlen)
{
	int rc;

	if (dp->cfg->mode == DP_TC && !dp->pins)
		return dp_fail(-EINVAL, err, errlen,
			       "mode tc needs a bpf-directory on a BPF file system: filters "
			       "outlive l2xdpd, their maps must, too\n"
			       "  mount -t bpf bpf /sys/fs/bpf, or set `mode: generic`");
	if (!dp->pins)
		return 0;
	program_hush();
	rc = load(dp, a);
	if (rc == 0)
		return 0;
	if (dp->cfg->mode == DP_TC)
		return dp_fail(
			rc, err, errlen, "the kernel does not take the programs for tc: %s%s%s",
			strerror(-rc), program_kernel_text()[0] ? ": " : "", program_kernel_text());
	log_warn(NULL,
		 "the kernel does not take the programs for tc: %s%s%s; what this host itself has "
		 "to do with subscribers takes the slow path",
		 strerror(-rc), program_kernel_text()[0] ? ": " : "", program_kernel_text());
	return 0;
}

void tc_free(struct attach *a)
{
	l2xdp_tc_bpf__destroy(a->tc);
	a->tc = NULL;
}

static int program_for_port(const struct datapath *dp, const struct attach *a)
{
	return bpf_program__fd(dp->cfg->mode == DP_TC ? a->tc->progs.l2xdp_tc
						      : a->tc->progs.l2xdp_in);
}

static uint32_t id_of(int program)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);

	return bpf_obj_get_info_by_fd(program, &info, &len) ? 0 : info.id;
}

/* ---- filters --------------------------------------------------------------------------------- */

/* Program of our filter there; 0: none. */
static uint32_t look(unsigned int ifindex, enum bpf_tc_attach_point point)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, o, .handle = HANDLE, .priority = PRIORITY);

	return ifindex && bpf_tc_query(&hook, &o) == 0 ? o.prog_id : 0;
}

static bool is_named(uint32_t program, const char *beginning)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);
	int fd = program ? bpf_prog_get_fd_by_id(program) : -1;
	bool is = fd >= 0 && bpf_obj_get_info_by_fd(fd, &info, &len) == 0 &&
		  strncmp(info.name, beginning, strlen(beginning)) == 0;

	if (fd >= 0)
		close(fd);
	return is;
}

/* Another's filter may have our numbers. */
static bool is_ours(uint32_t program)
{
	return is_named(program, PROGRAM_NAME "_");
}

/* *ret_qdisc: it was not there. */
static int put(unsigned int ifindex, enum bpf_tc_attach_point point, int program, bool *ret_qdisc)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, o, .handle = HANDLE, .priority = PRIORITY, .prog_fd = program,
		    .flags = BPF_TC_F_REPLACE);
	uint32_t there = look(ifindex, point);
	int rc;

	*ret_qdisc = false;
	if (there && there == id_of(program))
		return 0;
	if (there && !is_ours(there))
		return -EBUSY;
	program_hush();
	rc = bpf_tc_hook_create(&hook);
	*ret_qdisc = rc == 0;
	if (rc < 0 && rc != -EEXIST)
		return rc;
	return bpf_tc_attach(&hook, &o);
}

static void take_filter(unsigned int ifindex, enum bpf_tc_attach_point point)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = point);
	LIBBPF_OPTS(bpf_tc_opts, o, .handle = HANDLE, .priority = PRIORITY);

	if (is_ours(look(ifindex, point)))
		bpf_tc_detach(&hook, &o);
}

/* Is there any filter, whoever's? Where that cannot be said there is one. */
static bool is_used(struct nl_sock *sk, unsigned int ifindex, uint32_t minor)
{
	struct nl_cache *cache = NULL;
	bool used = true;

	if (rtnl_cls_alloc_cache(sk, (int)ifindex, TC_H_MAKE(TC_H_CLSACT, minor), &cache) == 0) {
		used = !nl_cache_is_empty(cache);
		nl_cache_free(cache);
	}
	return used;
}

static void take_qdisc(unsigned int ifindex)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);
	struct nl_sock *sk = nl_socket_alloc();

	if (sk && nl_connect(sk, NETLINK_ROUTE) == 0 && !is_used(sk, ifindex, TC_H_MIN_INGRESS) &&
	    !is_used(sk, ifindex, TC_H_MIN_EGRESS))
		bpf_tc_hook_destroy(&hook);
	if (sk)
		nl_socket_free(sk);
}

static bool is_marked(const struct datapath *dp, const char *kind, const char *name)
{
	char path[PIN_PATH_LEN];

	pins_path(dp, kind, name, path);
	return access(path, F_OK) == 0;
}

/* From a NIC, by its name. */
static void take(struct datapath *dp, const char *name)
{
	unsigned int ifindex = if_nametoindex(name);

	if (ifindex)
		take_filter(ifindex, BPF_TC_INGRESS);
	if (ifindex && is_marked(dp, KIND_QDISC, name))
		take_qdisc(ifindex);
	pins_mark(dp, KIND_QDISC, name, false);
	pins_mark(dp, KIND, name, false);
}

/* ---- on the interfaces ------------------------------------------------------------------------ */

int tc_attach(struct datapath *dp, struct attach *a, unsigned int i)
{
	const struct port *p = &dp->ports[i];
	bool had = is_ours(look(p->ifindex, BPF_TC_INGRESS)), qdisc;
	int rc;

	if (!a->tc)
		return -EOPNOTSUPP;
	if (had && !is_marked(dp, KIND, p->name))
		return -EBUSY; /* another l2xdpd's, or of pins that are lost */
	rc = pins_mark(dp, KIND, p->name, true);
	if (rc < 0)
		return rc;
	rc = put(p->ifindex, BPF_TC_INGRESS, program_for_port(dp, a), &qdisc);
	if (qdisc)
		pins_mark(dp, KIND_QDISC, p->name, true);
	if (rc < 0 && !had)
		take(dp, p->name);
	a->tc_is_new[i] = a->tc_is_new[i] || (rc == 0 && !had);
	return rc;
}

bool tc_is_current(const struct datapath *dp, const struct attach *a, unsigned int ifindex)
{
	return a->tc && look(ifindex, BPF_TC_INGRESS) == id_of(program_for_port(dp, a));
}

bool tc_is_there(const struct port *p)
{
	return is_named(look(p->ifindex, BPF_TC_INGRESS), PROGRAM_NAME "_tc");
}

static void visit(struct datapath *dp, const char *name, void *arg)
{
	bool *found = arg;

	(void)dp;
	*found = *found || is_ours(look(if_nametoindex(name), BPF_TC_INGRESS));
}

bool tcs_are_there(struct datapath *dp)
{
	bool found = false;

	pins_visit(dp, KIND, visit, &found);
	return found;
}

static void sweep(struct datapath *dp, const char *name, void *arg)
{
	const bool *all = arg;

	for (unsigned int i = 0; !*all && i < dp->n_ports; i++)
		if (dp->ports[i].attached && strcmp(dp->ports[i].name, name) == 0)
			return;
	take(dp, name);
}

void tc_sweep(struct datapath *dp, bool all)
{
	pins_visit(dp, KIND, sweep, &all);
	if (all)
		take_filter(dp->tun_ifindex, BPF_TC_EGRESS);
}

void tc_undo(struct datapath *dp, struct attach *a)
{
	for (unsigned int i = 0; i < dp->n_ports; i++)
		if (a->tc_is_new[i])
			take(dp, dp->ports[i].name);
}

/* ---- this host's own traffic ------------------------------------------------------------------ */

static uint32_t mtu_of(const char *name)
{
	struct ifreq ifr = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint32_t mtu = 0;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (fd >= 0 && ioctl(fd, SIOCGIFMTU, &ifr) == 0 && ifr.ifr_mtu > 0)
		mtu = (uint32_t)ifr.ifr_mtu;
	if (fd >= 0)
		close(fd);
	return mtu;
}

static int attach_host(struct datapath *dp, struct attach *a, const char **ret_name)
{
	bool qdisc;
	int rc = 0;

	*ret_name = dp->tun_name;
	rc = put(dp->tun_ifindex, BPF_TC_EGRESS, bpf_program__fd(a->tc->progs.l2xdp_out), &qdisc);
	for (unsigned int i = 0; rc == 0 && i < dp->n_ports; i++) {
		if (!dp->ports[i].attached)
			continue;
		*ret_name = dp->ports[i].name;
		rc = tc_attach(dp, a, i);
	}
	return rc;
}

/* They have maps that nobody keeps any more. */
static void take_earlier(struct datapath *dp)
{
	take_filter(dp->tun_ifindex, BPF_TC_EGRESS);
	for (unsigned int i = 0; i < dp->n_ports; i++)
		take_filter(dp->ports[i].ifindex, BPF_TC_INGRESS);
}

const char *tc_why(int rc, const char *name, char *buf, size_t len)
{
	if (rc == -EBUSY)
		snprintf(buf, len,
			 "another filter has priority 1701, or an l2xdpd's with other pins (tc "
			 "filter del dev %s ingress pref 1701)",
			 name);
	else
		snprintf(buf, len, "%s%s%s", strerror(-rc), program_kernel_text()[0] ? ": " : "",
			 program_kernel_text());
	return buf;
}

void tc_host(struct datapath *dp, struct attach *a)
{
	const char *name = "";
	char why[256];
	int rc = a->tc ? attach_host(dp, a, &name) : -EOPNOTSUPP;

	if (rc == 0) {
		a->maps.live->host_mtu = mtu_of(dp->tun_name);
		a->maps.live->host = dp->tun_ifindex;
		a->host_warned = false;
		return;
	}
	a->maps.live->host = 0;
	if (!a->tc) {
		take_earlier(dp);
		return;
	}
	if (a->host_warned)
		return;
	a->host_warned = true;
	log_warn(NULL,
		 "interface %s: no program at its hook of tc: %s; what this host itself has to do "
		 "with subscribers takes the slow path",
		 name, tc_why(rc, name, why, sizeof(why)));
}

/* Somebody may have taken a qdisc away, or l2tp0. */
static const char *missing(const struct datapath *dp, const struct attach *a)
{
	if (look(dp->tun_ifindex, BPF_TC_EGRESS) != id_of(bpf_program__fd(a->tc->progs.l2xdp_out)))
		return dp->tun_name;
	for (unsigned int i = 0; i < dp->n_ports; i++)
		if (dp->ports[i].attached && !tc_is_current(dp, a, dp->ports[i].ifindex) &&
		    if_nametoindex(dp->ports[i].name) == dp->ports[i].ifindex)
			return dp->ports[i].name;
	return NULL;
}

void tc_check(struct datapath *dp)
{
	struct attach *a = dp->attach;
	const char *name;

	if (!a || !a->tc || !dp->maps || !dp->maps->live->host)
		return;
	name = missing(dp, a);
	if (!name) {
		dp->maps->live->host_mtu = mtu_of(dp->tun_name);
		return;
	}
	dp->maps->live->host = 0;
	a->host_warned = true;
	log_warn(NULL,
		 "interface %s: our program at its hook of tc was taken away (tc filter show dev "
		 "%s): "
		 "what this host itself has to do with subscribers%s takes the slow path; to have "
		 "it "
		 "back: l2xdpctl reload",
		 name, name, dp->cfg->mode == DP_TC ? ", and what comes in there," : "");
}
