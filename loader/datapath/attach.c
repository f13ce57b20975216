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
 *   maps.c      the same for the programs: the only file that touches a map's content
 *   inner.c, mtu.c, seq.c   rules as functions of bytes and numbers, shared with tests
 *   pmtu.c      ICMP about outer packets (RFC 1191, RFC 8201)
 *   netlink.c, ports.c      links, routes, neighbours, VLANs
 *   preflight.c what stands in the way on a device
 *   open.c      start, end, clockwork
 *
 * Attaching. The hook is shared by libxdp's dispatcher, so that other programs can stand
 * beside ours. It needs a kernel that allows freplace, and a BPF file system (bpffs.c);
 * where one is missing, or where `exclusive` is set, the program is attached alone by a
 * link, which goes when the daemon goes. A shared program stays until somebody takes it
 * out: that is the guard's task (guard.c).
 *
 * The mode is native unless the configuration says generic. With mode auto an interface
 * that cannot is left to the slow path, and the reason is logged and shown; with native and
 * generic the daemon does not start.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/if_link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <xdp/libxdp.h>

#include "loader/datapath/private.h"
#include "loader/datapath/seq.h"

#include "bpf/l2xdp.skel.h"

/* Frames a second to the socket. */
#define CONTROL_RATE 20000 /* control messages of a control connection: 5000 set-ups */
#define STRANGER_RATE 1000 /* control messages of one source without control connection */
#define STRANGER_TOTAL 10000 /* ... of all; those of configured peers apart */
#define UNKNOWN_RATE 100 /* data for no session, of one source: it is only counted */
#define UNKNOWN_TOTAL 1000 /* ... of all */
#define PUNT_RATE 10000 /* one session; it may live by the slow path alone */
#define PUNT_TOTAL 50000 /* ... all but PPP control: they wait in one socket */
#define KERNEL_TEXT 256
#define MIB (1024 * 1024)

struct attach {
	struct l2xdp_bpf *skel;
	struct xdp_program *shared; /* NULL: attached by links */
	struct guard *guard;
	int links[DP_MAX_INTERFACES]; /* -1: none */
	struct map_array live;
	struct dp_maps maps;
};

/* ---- what the kernel has to say --------------------------------------------------------- */

static char kernel_text[KERNEL_TEXT]; /* the last warning of libbpf, one line of it */

static int keep_text(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char line[KERNEL_TEXT];

	if (level == LIBBPF_DEBUG)
		return 0;
	vsnprintf(line, sizeof(line), fmt, ap);
	line[strcspn(line, "\n")] = '\0';
	log_debug(NULL, "%s", line);
	if (level == LIBBPF_WARN)
		memcpy(kernel_text, line, sizeof(line));
	return 0;
}

static int keep_xdp_text(enum libxdp_print_level level, const char *fmt, va_list ap)
{
	return keep_text(level == LIBXDP_WARN ? LIBBPF_WARN : LIBBPF_DEBUG, fmt, ap);
}

/* ---- load ---------------------------------------------------------------------------------- */

static void set_prefix(const struct prefix *p, struct l2x_prefix *ret)
{
	unsigned int bits = addr_is_v4(&p->addr) ? 96u + p->len : p->len;
	uint8_t *mask = (uint8_t *)&ret->mask;

	memcpy(&ret->addr, p->addr.b, sizeof(ret->addr));
	for (unsigned int i = 0; i < bits; i++)
		mask[i / 8] |= (uint8_t)(0x80u >> i % 8);
}

static void set_config(const struct datapath *dp, const struct dp_maps *m, struct l2x_config *c)
{
	const struct dp_config *cfg = dp->cfg;

	memset(c, 0, sizeof(*c));
	c->schema = L2X_SCHEMA;
	c->shard_mask = cfg->shards - 1;
	c->port = htons(cfg->port);
	c->verify_checksum = cfg->verify_checksum;
	c->isolate = cfg->isolate;
	c->generic = cfg->mode == DP_GENERIC;
	c->resync = SEQ_RESYNC;
	c->control_rate = CONTROL_RATE;
	c->stranger_rate = STRANGER_RATE;
	c->stranger_total = STRANGER_TOTAL;
	c->unknown_rate = UNKNOWN_RATE;
	c->unknown_total = UNKNOWN_TOTAL;
	c->punt_rate = PUNT_RATE;
	c->punt_total = PUNT_TOTAL;
	c->n_listen = (uint8_t)cfg->n_listen;
	for (unsigned int i = 0; i < cfg->n_listen; i++)
		memcpy(&c->listen[i], cfg->listen[i].b, sizeof(c->listen[i]));
	c->n_peers = (uint8_t)cfg->n_peers;
	for (unsigned int i = 0; i < cfg->n_peers; i++)
		set_prefix(&cfg->peers[i], &c->peers[i]);
	c->n_windows4 = (uint8_t)m->n_windows4;
	c->n_windows6 = (uint8_t)m->n_windows6;
	memcpy(c->window4, m->window4, sizeof(c->window4));
	memcpy(c->window6, m->window6, sizeof(c->window6));
}

static uint32_t slots(const struct dp_maps *m, bool v6)
{
	uint32_t n = 0;

	for (unsigned int i = 0; !v6 && i < m->n_windows4; i++)
		n += m->window4[i].count;
	for (unsigned int i = 0; v6 && i < m->n_windows6; i++)
		n += m->window6[i].count;
	return n ? n : 1;
}

/* Opened, sized and configured, not yet loaded. */
static int prepare(struct datapath *dp, struct attach *a)
{
	uint32_t sessions = DP_INDEXES(dp->cfg);
	int rc;

	a->skel = l2xdp_bpf__open();
	if (!a->skel)
		return -errno;
	maps_windows(dp->cfg, &a->maps);
	set_config(dp, &a->maps, &a->skel->rodata->cfg);
	rc = bpf_map__set_max_entries(a->skel->maps.sessions, sessions);
	rc = rc ?: bpf_map__set_max_entries(a->skel->maps.traffic, sessions);
	rc = rc ?: bpf_map__set_max_entries(a->skel->maps.pool4, slots(&a->maps, false));
	rc = rc ?: bpf_map__set_max_entries(a->skel->maps.pool6, slots(&a->maps, true));
	return rc;
}

static void unload(struct attach *a)
{
	if (a->shared)
		xdp_program__close(a->shared);
	a->shared = NULL;
	l2xdp_bpf__destroy(a->skel);
	a->skel = NULL;
}

static int map_all(struct datapath *dp, struct attach *a, char *err, size_t errlen)
{
	struct dp_maps *m = &a->maps;
	const struct {
		struct map_array *array;
		struct bpf_map *map;
	} all[] = {
		{ &m->sessions, a->skel->maps.sessions }, { &m->traffic, a->skel->maps.traffic },
		{ &m->tunnels, a->skel->maps.tunnels },   { &m->pool4, a->skel->maps.pool4 },
		{ &m->pool6, a->skel->maps.pool6 },       { &m->ports, a->skel->maps.ports },
		{ &a->live, a->skel->maps.bss },
	};
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < sizeof(all) / sizeof(all[0]); i++)
		rc = map_array_open(all[i].array, bpf_map__fd(all[i].map), err, errlen,
				    bpf_map__name(all[i].map));
	if (rc < 0)
		return rc;
	if (!m->traffic.mem || !a->live.mem)
		return dp_fail(-EINVAL, err, errlen, "maps traffic and .bss cannot be mapped");
	m->hosts4 = bpf_map__fd(a->skel->maps.hosts4);
	m->hosts6 = bpf_map__fd(a->skel->maps.hosts6);
	m->vlans = bpf_map__fd(a->skel->maps.vlans);
	m->verdicts = bpf_map__fd(a->skel->maps.verdicts);
	m->live = (struct l2x_live *)a->live.mem;
	dp->maps = m;
	if (getrandom(&m->live->seed, sizeof(m->live->seed), 0) < 0)
		return dp_fail(-errno, err, errlen, "no randomness: %s", strerror(errno));
	maps_epoch_raise(dp);
	return 0;
}

static void unmap_all(struct datapath *dp, struct attach *a)
{
	struct map_array *all[] = { &a->maps.sessions, &a->maps.traffic, &a->maps.tunnels,
				    &a->maps.pool4,    &a->maps.pool6,   &a->maps.ports,
				    &a->live };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		map_array_close(all[i]);
	dp->maps = NULL;
}

/* ---- attach -------------------------------------------------------------------------------- */

static bool is_generic(const struct datapath *dp)
{
	return dp->cfg->mode == DP_GENERIC;
}

static void say_attached(struct datapath *dp, struct port *p, bool shared)
{
	p->attached = true;
	p->shared = shared;
	p->mode = dp_mode_names[is_generic(dp) ? DP_GENERIC : DP_NATIVE];
}

static void say_refused(struct port *p, int rc)
{
	const char *why = kernel_text[0] ? kernel_text : strerror(-rc);

	switch (rc) {
	case -EOPNOTSUPP:
		snprintf(p->why, sizeof(p->why), "its driver has no native XDP");
		break;
	case -EBUSY:
	case -EEXIST:
		snprintf(p->why, sizeof(p->why),
			 "another XDP program is attached alone (ip link set dev %s xdp off)",
			 p->name);
		break;
	default:
		snprintf(p->why, sizeof(p->why), "its driver refuses XDP: %.120s", why);
		break;
	}
}

static void detach_shared(void *arg)
{
	struct datapath *dp = arg;
	enum xdp_attach_mode mode = is_generic(dp) ? XDP_MODE_SKB : XDP_MODE_NATIVE;

	for (unsigned int i = 0; i < dp->n_ports; i++)
		if (dp->ports[i].shared)
			xdp_program__detach(dp->attach->shared, (int)dp->ports[i].ifindex, mode, 0);
}

/* Did libxdp put us into its dispatcher, or fall back to us alone? */
static bool is_in_dispatcher(const struct port *p)
{
	struct xdp_multiprog *mp = xdp_multiprog__get_from_ifindex((int)p->ifindex);
	bool yes;

	if (libxdp_get_error(mp))
		return false;
	yes = !xdp_multiprog__is_legacy(mp);
	xdp_multiprog__close(mp);
	return yes;
}

/* Attaches where it is possible. -EOPNOTSUPP: sharing is not. */
static int share_all(struct datapath *dp, struct attach *a)
{
	enum xdp_attach_mode mode = is_generic(dp) ? XDP_MODE_SKB : XDP_MODE_NATIVE;

	for (unsigned int i = 0; i < dp->n_ports; i++) {
		struct port *p = &dp->ports[i];
		int rc;

		kernel_text[0] = '\0';
		rc = xdp_program__attach(a->shared, (int)p->ifindex, mode, 0);
		if (rc == 0 && !is_in_dispatcher(p)) {
			xdp_program__detach(a->shared, (int)p->ifindex, mode, 0);
			rc = -ENOTSUP;
		}
		/* Ours is loaded as an extension only if the kernel allows them. */
		if (rc < 0 && bpf_program__type(a->skel->progs.l2xdp) != BPF_PROG_TYPE_EXT)
			return -EOPNOTSUPP;
		if (rc < 0)
			say_refused(p, rc);
		else
			say_attached(dp, p, true);
	}
	return 0;
}

static int attach_shared(struct datapath *dp, struct attach *a)
{
	DECLARE_LIBXDP_OPTS(xdp_program_opts, opts);
	int bpffs = -1, rc;

	rc = bpffs_prepare(&bpffs);
	if (rc < 0)
		return -EOPNOTSUPP;
	rc = prepare(dp, a);
	if (rc < 0)
		return rc;
	opts.obj = a->skel->obj;
	opts.prog_name = bpf_program__name(a->skel->progs.l2xdp);
	a->shared = xdp_program__create(&opts);
	rc = (int)libxdp_get_error(a->shared);
	if (rc) {
		a->shared = NULL;
		return rc;
	}
	rc = share_all(dp, a);
	if (rc == 0)
		rc = guard_start(&a->guard, bpffs, detach_shared, dp);
	if (rc < 0)
		detach_shared(dp);
	return rc;
}

static int attach_alone(struct datapath *dp, struct attach *a)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts,
		    .flags = is_generic(dp) ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE);
	int rc = prepare(dp, a), fd;

	kernel_text[0] = '\0';
	rc = rc ?: bpf_object__load(a->skel->obj);
	if (rc < 0)
		return rc;
	fd = bpf_program__fd(a->skel->progs.l2xdp);
	for (unsigned int i = 0; i < dp->n_ports; i++) {
		struct port *p = &dp->ports[i];

		kernel_text[0] = '\0';
		a->links[i] = bpf_link_create(fd, (int)p->ifindex, BPF_XDP, &opts);
		if (a->links[i] < 0)
			say_refused(p, -errno);
		else
			say_attached(dp, p, false);
	}
	return 0;
}

static int load_failed(int rc, char *err, size_t errlen)
{
	const char *remedy = "";

	if (access("/sys/kernel/btf/vmlinux", R_OK))
		remedy = "\n  this kernel has no type information (/sys/kernel/btf/vmlinux): use "
			 "one "
			 "with CONFIG_DEBUG_INFO_BTF, or set `mode: off`";
	else if (rc == -EPERM)
		remedy =
			"\n  start l2xdpd as root, or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON; "
			"or set `mode: off`";
	else if (rc == -ENOMEM)
		remedy = "\n  lower `shards`, or shorten the pools";
	return dp_fail(rc, err, errlen, "the kernel does not take the XDP program: %s%s%s%s",
		       strerror(-rc), kernel_text[0] ? ": " : "", kernel_text, remedy);
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

static int judge(struct datapath *dp, char *err, size_t errlen)
{
	unsigned int attached = 0;
	char text[1024];
	size_t at = 0;

	for (unsigned int i = 0; i < dp->n_ports; i++) {
		struct port *p = &dp->ports[i];

		if (p->attached) {
			log_note(NULL, "interface %s: XDP %s, %s", p->name, p->mode,
				 p->shared ? "beside other programs (libxdp)" : "alone");
			attached++;
			continue;
		}
		at = append(err, errlen, at, "%sinterface %s", at ? "\n" : "", p->name);
		at = append(err, errlen, at, ": %s%s", p->why, "");
		at = append_preflight(p->name, err, errlen, at);
		text[0] = '\0';
		append_preflight(p->name, text, sizeof(text), 0);
		if (dp->cfg->mode == DP_AUTO)
			log_warn(NULL, "interface %s takes the slow path: %s%s", p->name, p->why,
				 text);
	}
	if (dp->cfg->mode != DP_AUTO && attached < dp->n_ports)
		return -EOPNOTSUPP;
	return (int)attached;
}

static int try_all(struct datapath *dp, struct attach *a, char *err, size_t errlen)
{
	int rc = dp->cfg->exclusive ? -EOPNOTSUPP : attach_shared(dp, a);

	if (rc == -EOPNOTSUPP) {
		if (!dp->cfg->exclusive)
			log_note(NULL, "this kernel, or a container, does not let XDP programs "
				       "share a hook: l2xdpd attaches alone");
		unload(a);
		rc = attach_alone(dp, a);
	}
	return rc < 0 ? load_failed(rc, err, errlen) : 0;
}

static void set_reason(struct datapath *dp, const char *why)
{
	for (unsigned int i = 0; i < dp->n_ports; i++)
		snprintf(dp->ports[i].why, sizeof(dp->ports[i].why), "%.150s", why);
}

int attach_open(struct datapath *dp, char *err, size_t errlen)
{
	struct attach *a;
	int rc;

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
	libbpf_set_print(keep_text);
	libxdp_set_print(keep_xdp_text);
	log_note(NULL, "maps for %u sessions take %zu MiB of memory", DP_INDEXES(dp->cfg),
		 dp_memory(dp->cfg) / MIB);
	rc = try_all(dp, a, err, errlen);
	if (rc < 0 && dp->cfg->mode == DP_AUTO) {
		log_warn(NULL, "%s\n  all traffic takes the slow path", err);
		set_reason(dp, err);
		attach_close(dp);
		return 0;
	}
	rc = rc < 0 ? rc : judge(dp, err, errlen);
	if (rc < 0)
		return rc;
	if (rc == 0) { /* no interface can: the maps would serve nobody */
		attach_close(dp);
		return 0;
	}
	return map_all(dp, a, err, errlen);
}

void attach_close(struct datapath *dp)
{
	struct attach *a = dp->attach;

	if (!a)
		return;
	guard_finish(a->guard);
	for (unsigned int i = 0; i < DP_MAX_INTERFACES; i++)
		if (a->links[i] >= 0)
			close(a->links[i]);
	unmap_all(dp, a);
	unload(a);
	free(a);
	dp->attach = NULL;
}
