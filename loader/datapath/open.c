/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Start and end of the data path, and its clockwork. */
#include <errno.h>
#include <event2/event.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "loader/datapath/program.h"

#define NEIGHBOURS_S 5 /* well under the kernel's gc_stale_time */

static const struct dp_io kernel_io = {
	.to_host = tun_write,
	.to_peer = socket_send,
	.icmp = socket_icmp,
	.to_door = door_write,
};

static int check_config(const struct dp_config *cfg, char *err, size_t errlen)
{
	if (!cfg->shards || cfg->shards > L2X_MAX_SHARDS || cfg->shards & (cfg->shards - 1))
		return dp_fail(-EINVAL, err, errlen,
			       "shards: %u is not a power of two from 1 to %u", cfg->shards,
			       L2X_MAX_SHARDS);
	if (!cfg->n_listen || cfg->n_listen > L2X_MAX_LISTEN)
		return dp_fail(-EINVAL, err, errlen, "listen: 1 to %u addresses are needed",
			       L2X_MAX_LISTEN);
	if (cfg->n_interfaces > DP_MAX_INTERFACES || cfg->n_pools > DP_MAX_POOLS ||
	    cfg->n_local > DP_MAX_POOLS)
		return dp_fail(-EINVAL, err, errlen, "too many interfaces, pools or addresses");
	return 0;
}

/* ---- clockwork ------------------------------------------------------------------------- */

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	const struct dp_request rq = { .act = DP_DO_NEIGHBOURS };
	struct datapath *dp = arg;
	struct dp_answer answer;

	(void)fd;
	(void)what;
	survey_tell(dp);
	maps_epoch_raise(dp);
	tunnels_tick(dp);
	pws_second(dp);
	if (++dp->seconds % NEIGHBOURS_S == 0 && dp->maps && dp->ready)
		request(dp, &rq, &answer);
	workers_second(dp);
}

static void on_sweep(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	tunnels_sweep(arg);
}

static void on_ports(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	ports_refresh(arg);
	pws_refresh(arg);
}

static int start_clock(struct datapath *dp)
{
	static const struct timeval second = { 1, 0 };

	dp->tick_event = event_new(dp->base, -1, EV_PERSIST, on_tick, dp);
	dp->sweep_event = event_new(dp->base, -1, 0, on_sweep, dp);
	dp->ports_event = event_new(dp->base, -1, 0, on_ports, dp);
	if (!dp->tick_event || !dp->sweep_event || !dp->ports_event ||
	    event_add(dp->tick_event, &second))
		return -ENOMEM;
	return 0;
}

static void stop(struct datapath *dp)
{
	if (dp->tick_event)
		event_free(dp->tick_event);
	if (dp->sweep_event)
		event_free(dp->sweep_event);
	if (dp->ports_event)
		event_free(dp->ports_event);
	dp->tick_event = dp->sweep_event = dp->ports_event = NULL;
}

/* ---- the privileged process ----------------------------------------------------------------- */

static struct datapath *new_datapath(const struct dp_config *cfg)
{
	struct datapath *dp = calloc(1, sizeof(*dp));

	if (!dp)
		return NULL;
	dp->cfg = cfg;
	dp->io = &kernel_io;
	dp->tun_fd = dp->icmp4_fd = dp->icmp6_fd = dp->traffic_fd = dp->door_fd = -1;
	if (getrandom(&dp->hash_key, sizeof(dp->hash_key), 0) < 0)
		dp->hash_key = dp_now();
	return dp;
}

static void recall_route(void *arg, const struct prefix *p)
{
	privilege_recall(arg, p);
}

/* The directory of pins first: its lock waits for a process of ours that is still ending. Then
 * sockets: that is where a second daemon, or a wrong address, shows, before a NIC is touched. */
static int open_all(struct datapath *dp, char *err, size_t errlen)
{
	int rc = pins_open(dp, err, errlen);

	if (rc < 0)
		return rc;
	rc = sessions_init(dp);
	rc = rc ?: tunnels_init(dp);
	if (rc < 0)
		return dp_fail(rc, err, errlen, "no memory for the session table");
	rc = pws_init(dp);
	if (rc < 0)
		return dp_fail(rc, err, errlen, "no memory for the pseudowires");
	rc = queues_init(dp);
	rc = rc ?: netlink_open(dp, err, errlen);
	rc = rc ?: ports_init(dp, err, errlen);
	rc = rc ?: sockets_open(dp, err, errlen);
	rc = rc ?: tun_open(dp, err, errlen);
	rc = rc ?: pw_door_open(dp, err, errlen);
	if (rc == 0 && !dp->tun_is_new && routes_visit(dp, recall_route, dp) < 0)
		log_warn(NULL, "%s: cannot list its routes", dp->tun_name);
	return rc ?: attach_open(dp, err, errlen);
}

static void close_all(struct datapath *dp, enum end end)
{
	if (!dp)
		return;
	stop(dp);
	workers_stop(dp);
	pws_stop(dp);
	pws_close(dp, end);
	attach_close(dp, end);
	pins_close(dp, end);
	tun_close(dp, end); /* takes its routes along: they need not be deleted one by one */
	netlink_close(dp);
	sessions_free(dp);
	tunnels_free(dp);
	traffic_close(dp, end == END_REMOVE || (end == END_UNDO && dp->traffic_is_new));
	sockets_close(dp);
	pws_free(dp);
	claims_free(&dp->hosts);
	claims_free(&dp->routes);
	claims_free(&dp->recalled);
	free(dp);
}

int dp_open(const struct dp_config *cfg, struct datapath **ret, char *err, size_t errlen)
{
	struct datapath *dp;
	int rc = check_config(cfg, err, errlen);

	if (rc < 0)
		return rc;
	dp = new_datapath(cfg);
	if (!dp)
		return dp_fail(-ENOMEM, err, errlen, "no memory");
	rc = open_all(dp, err, errlen);
	if (rc < 0) {
		close_all(dp, END_UNDO);
		return rc;
	}
	*ret = dp;
	return 0;
}

void dp_leave(struct datapath *dp)
{
	bool done = dp && (dp->ask || dp->attached); /* a worker has nothing to take back */

	close_all(dp, done ? END_LEAVE : END_UNDO);
}

void dp_remove(struct datapath *dp)
{
	close_all(dp, END_REMOVE);
}

/* What shares a hook without a mark, because nothing could be pinned; and a program of ours that
 * nothing we have leads to. */
static void clear_hook(const char *name)
{
	struct port p = { .ifindex = if_nametoindex(name) };
	struct hook h;

	snprintf(p.name, sizeof(p.name), "%s", name);
	if (p.ifindex && share_is_there(&p))
		share_expel(&p, 0);
	if (p.ifindex && hook_look(&p, &h) && hook_is_ours(&h))
		log_warn(NULL,
			 "interface %s: program %u of an l2xdpd stays: it is of another "
			 "bpf-directory, or a daemon's that runs; to take it away: %s",
			 name, h.program, h.remedy);
}

int dp_clear(const struct dp_config *cfg, char *err, size_t errlen)
{
	struct datapath *dp = new_datapath(cfg);
	int rc = dp ? pins_open(dp, err, errlen) : dp_fail(-ENOMEM, err, errlen, "no memory");

	program_listen();
	rc = rc ?: sessions_init(dp);
	rc = rc ?: tun_take(dp, err, errlen);
	close_all(dp, rc < 0 ? END_UNDO : END_REMOVE);
	for (unsigned int i = 0; rc == 0 && i < cfg->n_interfaces; i++)
		clear_hook(cfg->interfaces[i]);
	return rc;
}

/* ---- the worker ----------------------------------------------------------------------------- */

/* A route of one subscriber that an earlier daemon made. */
static void remember_route(void *arg, const struct prefix *p)
{
	struct datapath *dp = arg;

	if (p->len == (addr_is_v4(&p->addr) ? 32 : 64) && !dp_is_pool(dp->cfg, p))
		claim_add(&dp->routes, p, 0);
}

int dp_start(struct datapath *dp, struct event_base *base, const struct dp_ops *ops, void *ctx,
	     dp_ask_fn *ask, void *ask_ctx)
{
	int rc;

	dp->base = base;
	dp->ops = ops;
	dp->ctx = ctx;
	dp->ask = ask;
	dp->ask_ctx = ask_ctx;
	if (ask)
		attach_forget(dp);
	if (dp->attached) { /* we come after a worker that ended */
		dp->adoption.maps = dp->maps != NULL;
		dp->adoption.note[0] = '\0';
	}
	maps_start(dp);
	rc = start_clock(dp);
	rc = rc ?: workers_start(dp);
	rc = rc ?: netlink_start(dp);
	rc = rc ?: sockets_start(dp);
	rc = rc ?: tun_start(dp);
	rc = rc ?: pws_start(dp);
	if (rc == 0 && routes_visit(dp, remember_route, dp) < 0)
		log_warn(NULL, "%s: cannot list its routes", dp->tun_name);
	return rc;
}

/* First what the maps hold is right, then the program that reads them is changed. */
int dp_ready(struct datapath *dp, struct dp_adoption *ret, char *err, size_t errlen)
{
	const struct dp_request rq = { .act = DP_DO_ATTACH };
	struct dp_answer answer;
	int rc;

	adopt_sweep_maps(dp);
	ports_refresh(dp);
	rc = request(dp, &rq, &answer);
	if (rc < 0)
		return dp_fail(rc, err, errlen, "%s", answer.err[0] ? answer.err : strerror(-rc));
	ports_answer(dp, &answer);
	ports_refresh(dp);
	pws_ready(dp);
	adopt_sweep_kernel(dp);
	dp->ready = true;
	workers_ready(dp);
	*ret = dp->adoption;
	return 0;
}

/* ---- what is shown ----------------------------------------------------------------------- */

const uint64_t *dp_slow_counters(const struct datapath *dp)
{
	return dp->slow;
}

void dp_slow_counters_add(struct datapath *dp, const uint64_t add[DP_SLOW_MAX])
{
	for (unsigned int i = 0; i < DP_SLOW_MAX; i++)
		dp->slow[i] += add[i];
}

const char *dp_tun_name(const struct datapath *dp)
{
	return dp->tun_name;
}

unsigned int dp_interfaces(struct datapath *dp, struct dp_interface_info *ret, unsigned int cap)
{
	unsigned int n = dp->n_ports < cap ? dp->n_ports : cap;

	for (unsigned int i = 0; i < n; i++) {
		const struct port *p = &dp->ports[i];

		ret[i] = (struct dp_interface_info){ .name = p->name,
						     .ifindex = p->ifindex,
						     .mtu = p->mtu,
						     .mode = p->mode,
						     .why = p->why,
						     .shared = p->shared };
	}
	return n;
}
