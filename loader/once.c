/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What l2xdpd does once and ends: --check, --remove, --preflight. */
#include <errno.h>
#include <stdio.h>
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

/* The exit code of what becomes of the sessions that the store holds. */
static int check_sessions(const struct config *cfg)
{
	struct store_info info;
	struct store *store = NULL;
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
	rc = lns_check(cfg, store, text, sizeof(text));
	store_close(store);
	fputs(text, stdout);
	if (rc && rc != -EBUSY) {
		fprintf(stderr, "sessions: %s\n", strerror(-rc));
		return EXIT_FAILED;
	}
	return rc ? EXIT_SESSIONS : EXIT_OK;
}

int daemon_check(const struct options *o)
{
	struct config *cfg = NULL;
	struct users *users = NULL;
	char text[TEXT] = "";
	int ret = daemon_load(o, &cfg, &users), rc;

	users_free(users);
	if (ret)
		return ret;
	printf("%s: ok\n", cfg->file);
	rc = dp_foresee(&cfg->datapath, text, sizeof(text));
	if (*text)
		printf("%s\n", text);
	ret = rc ? EXIT_FAILED : become_worker(cfg);
	if (!ret)
		ret = check_sessions(cfg);
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
