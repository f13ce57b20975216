/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data path in user space, and how the programs get to the hook.
 *
 *   NIC --> XDP (bpf/) ------------------------------------------------> NIC
 *            |  what it does not forward goes up, unmodified
 *            v
 *   kernel --> UDP socket --socket.c--> slowpath_in.c --tun.c--> l2tp0 --> kernel --> NIC
 *   kernel <-- UDP socket <--socket.c-- slowpath_out.c <--tun.c-- l2tp0 <-- kernel <-- NIC
 *
 *   session.c   sessions by index and by address, as user space knows them
 *   tunnel.c    control connections, path MTU, what changes by itself
 *   maps.c      the same for the programs; hash.c: maps that cannot be mapped
 *   adopt.c     what an earlier daemon left, held against what the store knows
 *   traffic.c   counters of the slow path, in a file that outlives the process
 *   inner.c, mtu.c, seq.c   rules as functions of bytes and numbers, shared with tests
 *   pmtu.c      ICMP about outer packets (RFC 1191, RFC 8201)
 *   netlink.c, routes.c, ports.c   links, routes, neighbours, VLANs
 *   neighbours.c  next hops that only the hook uses stay known
 *   program.c   the program loaded, its maps mapped
 *   pin.c, about.c   maps that outlive the daemon, and whether they fit the next one
 *   workers.c, placement.c  which CPU a session's frames are dealt with on; queues.c: their queues
 *   link.c, share.c  the hook alone, and shared by libxdp's dispatcher; hook.c: who is there
 *   pw.c, pw_slow.c  pseudowires; their devices and programs: pw_private.h
 *   tc.c        the hook of traffic control: for this host itself, and in the place of XDP
 *   privilege.c what the worker may ask the privileged process for
 *   preflight.c what stands in the way on a device; foresee.c: of a new version
 *   open.c      start, end, clockwork
 *
 * Attaching comes last, when the maps hold what the store knows. The hook is shared by
 * libxdp's dispatcher, so that other programs can stand beside ours. It needs a kernel that
 * allows freplace, and a BPF file system (bpffs.c); where one is missing, or where
 * `exclusive` is set, the program is attached alone by a link, which is pinned. A shared
 * program stays with the dispatcher until it is taken out; a new one is put next to it first.
 * So neither ends with the daemon.
 *
 * The mode is native unless the configuration says generic. With mode auto an interface
 * that cannot is left to the slow path, and the reason is logged and shown; with native and
 * generic the daemon does not start. In no mode is a program of an earlier daemon taken away
 * because ours cannot take its place: then the daemon does not start, and that one goes on.
 * An interface that comes back, or appears later, is attached to then.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/datapath/pw_private.h"

#define MIB (1024 * 1024)

static enum dp_mode mode_at_hook(const struct datapath *dp)
{
	return dp->cfg->mode == DP_AUTO ? DP_NATIVE : dp->cfg->mode;
}

static void say_attached(struct datapath *dp, struct port *p, bool shared)
{
	p->attached = true;
	p->shared = shared;
	p->mode = dp_mode_names[mode_at_hook(dp)];
}

static void say_refused(struct port *p, int rc)
{
	const char *why = program_kernel_text()[0] ? program_kernel_text() : strerror(-rc);
	struct hook h;

	switch (rc) {
	case -EOPNOTSUPP:
		snprintf(p->why, sizeof(p->why), "its driver has no native XDP");
		break;
	case -EBUSY:
	case -EEXIST:
		if (!hook_look(p, &h))
			snprintf(p->why, sizeof(p->why), "its hook is busy");
		else
			snprintf(p->why, sizeof(p->why),
				 "another XDP program%s%s is attached alone (%s)",
				 h.name[0] ? ", " : "", h.name, h.remedy);
		break;
	default:
		snprintf(p->why, sizeof(p->why), "its driver refuses XDP: %.120s", why);
		break;
	}
}

static int load_failed(int rc, char *err, size_t errlen)
{
	const char *remedy = "";

	if (access("/sys/kernel/btf/vmlinux", R_OK))
		remedy = "\n  this kernel has no type information (/sys/kernel/btf/vmlinux): use "
			 "one with CONFIG_DEBUG_INFO_BTF, or set `mode: off`";
	else if (rc == -EPERM)
		remedy =
			"\n  start l2xdpd as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON; "
			"or set `mode: off`";
	else if (rc == -ENOMEM)
		remedy = "\n  lower `shards`, or shorten the pools";
	return dp_fail(rc, err, errlen, "the kernel does not take the XDP program: %s%s%s%s",
		       strerror(-rc), program_kernel_text()[0] ? ": " : "", program_kernel_text(),
		       remedy);
}

/* ---- what becomes of interfaces that cannot ------------------------------------------------ */

static size_t append(char *err, size_t errlen, size_t at, const char *fmt, const char *a,
		     const char *b)
{
	int n = at < errlen ? snprintf(err + at, errlen - at, fmt, a, b) : 0;

	return n > 0 ? at + (size_t)n : at;
}

/* The findings that matter, a line each. */
static size_t append_preflight(const char *name, char *err, size_t errlen, size_t at)
{
	struct dp_finding f[DP_MAX_FINDINGS];
	int n = dp_preflight(name, f);

	for (int i = 0; i < n; i++) {
		if (f[i].level < DP_WARN)
			continue;
		at = append(err, errlen, at, "\n  %s: %s", name, f[i].what);
		if (f[i].remedy[0])
			at = append(err, errlen, at, "\n    %s%s", f[i].remedy, "");
	}
	return at;
}

static void say_how(const struct port *p)
{
	if (p->mode == dp_mode_names[DP_TC])
		log_note(NULL, "interface %s: tc", p->name);
	else
		log_note(NULL, "interface %s: XDP %s, %s", p->name, p->mode,
			 p->shared ? "beside other programs (libxdp)" : "alone");
}

/* Says what became of those that were tried. Fewer than there are is an error, but with auto;
 * what is absent is taken when it appears. */
static int judge(struct datapath *dp, const bool *tried, char *err, size_t errlen)
{
	unsigned int attached = 0, there = 0;
	char text[1024];
	size_t at = 0;

	for (unsigned int i = 0; i < dp->n_ports; i++) {
		struct port *p = &dp->ports[i];

		there += p->ifindex != 0;
		if (p->attached) {
			if (tried[i])
				say_how(p);
			attached++;
			continue;
		}
		at = append(err, errlen, at, "%sinterface %s", at ? "\n" : "", p->name);
		at = append(err, errlen, at, ": %s%s", p->why, "");
		at = append_preflight(p->name, err, errlen, at);
		text[0] = '\0';
		append_preflight(p->name, text, sizeof(text), 0);
		if (dp->cfg->mode == DP_AUTO && tried[i] && p->ifindex)
			log_warn(NULL, "interface %s takes the slow path: %s%s", p->name, p->why,
				 text);
	}
	return dp->cfg->mode != DP_AUTO && attached < there ? -EOPNOTSUPP : 0;
}

static void set_reason(struct datapath *dp, const char *why)
{
	for (unsigned int i = 0; i < dp->n_ports; i++)
		snprintf(dp->ports[i].why, sizeof(dp->ports[i].why), "%.150s", why);
	pws_refuse(dp, "pseudowires need XDP, and it is off: name `datapath: interfaces`, with "
		       "`mode` auto, native or generic");
}

/* ---- to the hook ----------------------------------------------------------------------------- */

/* Where XDP was: it goes when tc is there, so for a moment a frame that it passes is judged
 * twice. */
static int attach_tc(struct datapath *dp, struct attach *a, unsigned int i)
{
	struct port *p = &dp->ports[i];
	bool earlier = p->attached;
	char why[256];
	int rc = tc_attach(dp, a, i);

	if (rc < 0) {
		p->attached = p->shared = false;
		p->mode = dp_mode_names[DP_OFF];
		snprintf(p->why, sizeof(p->why), "tc: %.150s",
			 tc_why(rc, p->name, why, sizeof(why)));
		a->stuck[i] = earlier;
		return rc;
	}
	if (a->links[i] >= 0)
		close(a->links[i]);
	a->links[i] = -1; /* links_sweep and share_sweep do the rest */
	a->current[i] = true;
	say_attached(dp, p, false);
	return 0;
}

static void attach_port(struct datapath *dp, struct attach *a, unsigned int i)
{
	struct port *p = &dp->ports[i];
	/* who attached alone before goes on so: taking it out would cost packets */
	bool shared = !dp->cfg->exclusive && !a->no_sharing && a->links[i] < 0;
	bool earlier = p->attached;
	int rc = shared ? share_attach(dp, a, p) : -EOPNOTSUPP;

	if (rc == -EOPNOTSUPP && shared && !a->shared) {
		log_note(NULL, "this kernel, or a container, does not let XDP programs share a "
			       "hook: l2xdpd attaches alone");
		a->no_sharing = true;
		shared = false;
	}
	if (!shared)
		rc = link_attach(dp, a, i);
	if (rc < 0) {
		p->attached = p->shared = false;
		p->mode = dp_mode_names[DP_OFF];
		say_refused(p, rc);
		a->stuck[i] = earlier && (a->links[i] >= 0 || share_is_there(p));
		return;
	}
	a->current[i] = true;
	say_attached(dp, p, shared);
}

static void forget_port(struct attach *a, struct port *p, unsigned int i)
{
	if (a->links[i] >= 0)
		close(a->links[i]);
	a->links[i] = -1;
	a->current[i] = a->link_is_new[i] = false;
	p->attached = p->shared = false;
	p->mode = dp_mode_names[DP_OFF];
	snprintf(p->why, sizeof(p->why), "there is no such interface now");
}

/* What an earlier daemon has at the hook goes on until our program takes its place. */
static void find_earlier(struct datapath *dp, struct attach *a)
{
	for (unsigned int i = 0; i < dp->n_ports; i++) {
		struct port *p = &dp->ports[i];

		if (!p->ifindex)
			continue;
		a->ifindex[i] = p->ifindex;
		a->links[i] = link_find(dp, p->ifindex);
		p->shared = a->links[i] < 0 && share_is_there(p);
		p->attached = a->links[i] >= 0 || p->shared || (dp->pins && tc_is_there(p));
	}
}

/* The same device, and what we attached to it is there. An index may come back with another
 * device, and nobody has to have told us that it was away. */
static bool is_current(const struct datapath *dp, const struct attach *a, unsigned int i,
		       unsigned int ifindex)
{
	const struct port *p = &dp->ports[i];

	if (ifindex != a->ifindex[i])
		return false;
	if (dp->cfg->mode == DP_TC)
		return !a->current[i] || tc_is_current(dp, a, ifindex);
	return a->links[i] >= 0 ? link_is_of(a->links[i], ifindex)
				: !a->current[i] || share_is_there(p);
}

/* An earlier program that goes on, by maps that would not be kept, is worse than no daemon: who
 * mends it finds all as it was. */
static int refuse_stuck(const struct datapath *dp, const struct attach *a, char *err, size_t errlen)
{
	for (unsigned int i = 0; i < dp->n_ports; i++)
		if (a->stuck[i])
			return dp_fail(
				-EBUSY, err, errlen,
				"interface %s: the program of the earlier l2xdpd cannot be "
				"replaced: %s\n"
				"  it goes on, with its sessions; set `datapath: mode` as it "
				"was, or mend that and start again;\n"
				"  with `mode: off` it is taken away, and all traffic takes "
				"the slow path",
				dp->ports[i].name, dp->ports[i].why);
	return 0;
}

/* Each interface whose program is not ours yet, or whose device is another now. */
static int attach_all(struct datapath *dp, struct attach *a, char *err, size_t errlen)
{
	bool tried[DP_MAX_INTERFACES] = { false };
	int rc = pins_commit(dp);

	if (rc < 0)
		return dp_fail(rc, err, errlen, "%s: cannot exchange maps: %s", dp->cfg->bpf_dir,
			       strerror(-rc));
	rc = queues_attach(dp, a);
	if (rc < 0)
		return dp_fail(rc, err, errlen, "the program of the workers: %s", strerror(-rc));
	for (unsigned int i = 0; i < dp->n_ports; i++) {
		struct port *p = &dp->ports[i];
		unsigned int ifindex = if_nametoindex(p->name);

		if (!is_current(dp, a, i, ifindex))
			forget_port(a, p, i);
		p->ifindex = a->ifindex[i] = ifindex;
		tried[i] = ifindex && !a->current[i];
		if (tried[i])
			pw_links_release(dp, ifindex);
		if (tried[i] && dp->cfg->mode == DP_TC)
			attach_tc(dp, a, i);
		else if (tried[i])
			attach_port(dp, a, i);
	}
	rc = refuse_stuck(dp, a, err, errlen);
	rc = rc ?: judge(dp, tried, err, errlen);
	if (rc == 0) {
		tc_host(dp, a);
		links_sweep(dp, false);
		share_sweep(dp, false);
		tc_sweep(dp, false);
		rc = pws_attach(dp, a, err, errlen);
	}
	return rc;
}

/* Without maps, what an earlier daemon attached would go on with what it knew. */
static void attach_none(struct datapath *dp)
{
	for (unsigned int i = 0; i < dp->n_ports; i++) {
		struct port *p = &dp->ports[i];

		p->ifindex = if_nametoindex(p->name);
		if (!dp->attached && p->ifindex && dp->pins && share_is_there(p))
			share_expel(p, 0);
	}
	if (!dp->attached)
		pins_drop(dp);
}

int attach_do(struct datapath *dp, char *err, size_t errlen)
{
	int rc = 0;

	if (dp->attach)
		rc = attach_all(dp, dp->attach, err, errlen);
	else
		attach_none(dp);
	if (rc == 0 && !dp->attached) {
		dp->attached = true;
		tun_trim(dp);
	}
	return rc;
}

/* ---- opening and closing ---------------------------------------------------------------------- */

/* Maps first: those of an earlier daemon, where they fit. */
static int load(struct datapath *dp, struct attach *a, char *err, size_t errlen)
{
	int rc = program_prepare(dp, &a->skel);

	program_hush();
	rc = rc ?: pins_take(dp, a->skel, err, errlen);
	if (rc == -EPROTO)
		return rc;
	rc = rc ?: bpf_object__load(program_object(a->skel));
	rc = rc ?: pins_make(dp, a->skel);
	return rc < 0 ? load_failed(rc, err, errlen) : tc_load(dp, a, err, errlen);
}

/* No program and no maps are to be had. With mode auto the slow path does without them, but not
 * in the place of a program that runs. */
static int open_failed(struct datapath *dp, int rc, char *err, size_t errlen)
{
	if (rc == -EPROTO)
		return rc;
	if (links_are_there(dp) || shares_are_there(dp) || tcs_are_there(dp)) {
		append(err, errlen, strlen(err),
		       "\n  the program of an earlier l2xdpd goes on at the hook, with its "
		       "sessions: "
		       "mend that and start again;%s%s",
		       "\n  with `mode: off` it is taken away, and all traffic takes the slow path",
		       "");
		return rc;
	}
	if (dp->cfg->mode != DP_AUTO)
		return rc;
	log_warn(NULL, "%s\n  all traffic takes the slow path", err);
	set_reason(dp, err);
	attach_close(dp, END_UNDO);
	return 0;
}

int attach_open(struct datapath *dp, char *err, size_t errlen)
{
	struct attach *a;
	int rc = hook_refuse_lost(dp, err, errlen);

	if (rc < 0)
		return rc;
	if (dp->cfg->mode == DP_OFF || !dp->n_ports) {
		set_reason(dp, "mode is off");
		return 0;
	}
	a = calloc(1, sizeof(*a));
	if (!a)
		return dp_fail(-ENOMEM, err, errlen, "no memory");
	for (unsigned int i = 0; i < DP_MAX_INTERFACES; i++)
		a->links[i] = -1;
	dp->attach = a;
	program_listen();
	log_note(NULL, "maps for %u sessions take %zu MiB of memory", DP_INDEXES(dp->cfg),
		 dp_memory(dp->cfg) / MIB);
	rc = load(dp, a, err, errlen);
	if (rc < 0)
		return open_failed(dp, rc, err, errlen);
	rc = program_map_all(dp, a, err, errlen);
	rc = rc ?: pws_assign(dp, err, errlen);
	if (rc == 0)
		find_earlier(dp, a);
	return rc;
}

static void close_links(struct attach *a, enum end end)
{
	for (unsigned int i = 0; i < DP_MAX_INTERFACES; i++) {
		if (a->links[i] < 0)
			continue;
		if (end == END_REMOVE || (end == END_UNDO && a->link_is_new[i]))
			bpf_link_detach(a->links[i]);
		close(a->links[i]);
		a->links[i] = -1;
	}
}

void attach_close(struct datapath *dp, enum end end)
{
	struct attach *a = dp->attach;

	if (!a)
		return;
	for (unsigned int i = 0; end == END_REMOVE && i < dp->n_ports; i++)
		if (dp->ports[i].shared)
			share_expel(&dp->ports[i], 0);
	close_links(a, end);
	if (end == END_UNDO)
		tc_undo(dp, a);
	pw_links_free(a, end);
	program_unmap_all(dp, a);
	share_free(a);
	tc_free(a);
	if (a->skel)
		program_free(a->skel);
	free(a);
	dp->attach = NULL;
}

/* In a worker: the mappings stay, descriptors that could change the hook or a map do not. */
void attach_forget(struct datapath *dp)
{
	struct attach *a = dp->attach;

	if (!a)
		return;
	close_links(a, END_LEAVE);
	pw_links_free(a, END_LEAVE);
	share_free(a);
	tc_free(a);
	if (a->skel)
		program_free(a->skel);
	a->skel = NULL;
	a->maps.hosts4 = a->maps.hosts6 = a->maps.vlans = a->maps.verdicts = a->maps.queues = -1;
	a->maps.circuits = a->maps.pw_ids = -1;
}
