/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What l2xdpd does once and ends: --check, --remove, --preflight. */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/base/log.h"
#include "loader/daemon.h"
#include "loader/lns.h"
#include "loader/monitor/sandbox.h"
#include "loader/store/store.h"

#define TEXT 4096

/* What the store holds a worker wrote, who talks to strangers: it is not read as root. */
static int become_worker(const struct config *cfg)
{
	struct sandbox s = { .debug = true };
	char err[DAEMON_ERRLEN];

	if (geteuid() == 0 &&
	    (sandbox_user(cfg->user, &s, err, sizeof(err)) || sandbox_drop(&s, err, sizeof(err)))) {
		fprintf(stderr, "%s\n", err);
		return EXIT_FAILED;
	}
	return EXIT_OK;
}

static bool is_here(const struct ipaddr *a)
{
	struct ifaddrs *all = NULL;
	bool found = false;
	uint16_t port;

	if (getifaddrs(&all))
		return true; /* cannot tell */
	for (const struct ifaddrs *i = all; i && !found; i = i->ifa_next) {
		struct ipaddr own;

		found = i->ifa_addr && addr_from_sockaddr(i->ifa_addr, &own, &port) == 0 &&
			addr_eq(&own, a);
	}
	freeifaddrs(all);
	return found;
}

static bool has_cpu(unsigned int cpu)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u", cpu);
	return access(path, F_OK) == 0;
}

#define MOST_CIRCUITS 20 /* named one by one */

static void tell_circuits(const struct dp_config *cfg)
{
	unsigned int absent = 0;

	for (unsigned int i = 0; i < cfg->n_pseudowires; i++) {
		const struct pw_config *p = &cfg->pseudowires[i];

		if (p->circuit.create || if_nametoindex(p->circuit.device))
			continue;
		if (absent++ < MOST_CIRCUITS)
			printf("warning: pseudowire %s: there is no device %s on this host; it is "
			       "attached when it comes\n",
			       p->name, p->circuit.device);
	}
	if (absent > MOST_CIRCUITS)
		printf("warning: ... and %u more\n", absent - MOST_CIRCUITS);
}

/* What a start on this host would not find. It may be meant for another one: that has no
 * sessions of it. */
static unsigned int tell_what_lacks(const struct config *cfg)
{
	char at[ADDR_STRLEN];
	const struct dp_workers_config *w = &cfg->datapath.workers;
	unsigned int lacks = 0;

	for (unsigned int i = 0; w->mode == DP_WORKERS_LIST && i < w->n; i++)
		if (!has_cpu(w->cpu[i]))
			printf("warning: workers: there is no CPU %u on this host (lscpu); the "
			       "others "
			       "are taken\n",
			       w->cpu[i]);
	for (unsigned int i = 0; i < cfg->datapath.n_interfaces; i++)
		if (!if_nametoindex(cfg->datapath.interfaces[i]))
			printf("warning: there is no interface %s on this host; it is used when it "
			       "comes\n",
			       cfg->datapath.interfaces[i]);
	tell_circuits(&cfg->datapath);
	for (unsigned int i = 0; i < cfg->datapath.n_listen; i++) {
		if (is_here(&cfg->datapath.listen[i]))
			continue;
		lacks++;
		printf("warning: listen address %s is not on this host: here l2xdpd would not "
		       "start\n",
		       addr_str(&cfg->datapath.listen[i], at));
	}
	return lacks;
}

/* The exit code of what becomes of the sessions that the store holds. */
static int check_sessions(const struct config *cfg, unsigned int lacks)
{
	struct store_info info;
	struct store *store = NULL;
	const char *change = getenv(DAEMON_CHANGED);
	const char *ends = change && change[0] == '-' ? change + 1 : NULL;
	char text[TEXT] = "";
	int rc = store_open(cfg->run_dir, cfg->state_dir, true, &store, &info, text, sizeof(text));

	if (rc == -EPROTO) {
		fprintf(stderr, "%s\n", text);
		return EXIT_FAILED;
	}
	if (rc) { /* a start would set aside what is damaged; who may not read it cannot tell */
		printf("sessions: the store cannot be read%s%s\n", *text ? ": " : "", text);
		return EXIT_OK;
	}
	if (info.note[0])
		printf("%s\n", info.note);
	if (info.origin == STORE_NEW) {
		puts("no sessions are stored");
		store_close(store);
		return EXIT_OK;
	}
	rc = lns_check(cfg, store, ends, text, sizeof(text));
	store_close(store);
	fputs(text, stdout);
	if (rc && rc != -EBUSY) {
		fprintf(stderr, "sessions: %s\n", strerror(-rc));
		return EXIT_FAILED;
	}
	if (lacks) {
		fputs("sessions are stored here, so it is meant for this host: see the warning\n",
		      stderr);
		return EXIT_FAILED;
	}
	return rc ? EXIT_SESSIONS : EXIT_OK;
}

int daemon_check(const struct options *o)
{
	struct config *cfg = NULL;
	struct users *users = NULL;
	char text[TEXT] = "";
	struct options with = *o;
	int ret, rc;

	with.changed = getenv(DAEMON_CHANGED) != NULL;
	ret = daemon_load(&with, &cfg, &users);
	users_free(users);
	if (ret)
		return ret;
	printf("%s: ok\n", cfg->file);
	rc = dp_foresee(&cfg->datapath, getenv(DAEMON_UNPINNED) != NULL, text, sizeof(text));
	if (*text)
		printf("%s\n", text);
	ret = rc ? EXIT_FAILED : become_worker(cfg);
	if (!ret)
		ret = check_sessions(cfg, tell_what_lacks(cfg));
	config_free(cfg);
	return ret;
}

int daemon_remove(const struct options *o)
{
	struct config *cfg = NULL;
	char err[DAEMON_ERRLEN] = "out of memory";
	int ret = EXIT_OK, fd = -1, rc;

	/* users are not asked for: what they have on this host is found without them */
	if (config_load(o->config, &cfg, err, sizeof(err))) {
		fprintf(stderr, "%s\n", err);
		return EXIT_CONFIG;
	}
	rc = fd = daemon_lock(cfg, err, sizeof(err));
	if (rc >= 0)
		rc = dp_clear(&cfg->datapath, err, sizeof(err));
	if (rc < 0) {
		fprintf(stderr, "%s\nnothing was removed\n", err);
		ret = EXIT_FAILED;
	} else {
		store_forget(cfg->run_dir, cfg->state_dir);
		printf("nothing of l2xdpd is left at %u interfaces, in %s and of %s; sessions are "
		       "forgotten\n",
		       cfg->datapath.n_interfaces, cfg->bpf_dir ?: "any directory",
		       cfg->datapath.tun_name);
	}
	if (fd >= 0)
		close(fd);
	config_free(cfg);
	return ret;
}

int daemon_preflight(char **devices, int n)
{
	static const char *const words[] = { "ok", "note", "warning", "stop" };
	struct dp_finding f[DP_MAX_FINDINGS];
	bool fatal = false;

	for (int i = 0; i < n; i++) {
		int found = dp_preflight(devices[i], f);

		if (found < 0) {
			fprintf(stderr, "l2xdpd: %s: %s\n", devices[i],
				found == -ENODEV ? "no such device (ip -br link lists them)"
						 : strerror(-found));
			fatal = true;
			continue;
		}
		printf("%s\n", devices[i]);
		for (int k = 0; k < found; k++) {
			printf("  %-8s %s\n", words[f[k].level], f[k].what);
			if (f[k].remedy[0])
				printf("           %s\n", f[k].remedy);
			fatal |= f[k].level == DP_FATAL;
		}
	}
	return fatal ? EXIT_FAILED : EXIT_OK;
}
