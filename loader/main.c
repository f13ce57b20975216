/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * l2xdpd: command line, start, privileges, signals. Stays in the foreground; whoever wants
 * it in the background starts it from systemd (deploy/l2xdpd.service).
 */
#include <cap-ng.h>
#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader/aaa/aaa.h"
#include "loader/base/log.h"
#include "loader/control/config.h"
#include "loader/control/control.h"
#include "loader/datapath/datapath.h"
#include "loader/lns.h"

#define DEFAULT_CONFIG "/etc/l2xdp/l2xdpd.yaml"
#define SHUTDOWN_GRACE_MS 3000
#define ERRLEN 8192

/* Exit codes, documented in l2xdpd(8). */
enum { EXIT_OK = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_CONFIG = 3 };

static const char usage[] =
	"usage: l2xdpd [--config FILE] [--check | --preflight DEV...] [--debug]\n"
	"\n"
	"L2TP network server whose data packets are handled at the NIC's driver hook (XDP).\n"
	"Stays in the foreground and logs to standard error.\n"
	"\n"
	"  -c, --config FILE      configuration (default " DEFAULT_CONFIG ")\n"
	"  -t, --check            read and check the configuration, say what is wrong, end\n"
	"  -p, --preflight DEV... what stands in the way of the fast path on these devices, and\n"
	"                         the commands that mend it\n"
	"  -d, --debug            log more\n"
	"  -V, --version\n"
	"  -h, --help\n"
	"\n"
	"Examples:\n"
	"  l2xdpd --check --config /etc/l2xdp/l2xdpd.yaml\n"
	"  l2xdpd --preflight eth0 eth1\n"
	"  l2xdpd --config /etc/l2xdp/l2xdpd.yaml\n"
	"\n"
	"SIGTERM and SIGINT close every tunnel (StopCCN) and leave the host as it was found.\n"
	"Exit: 0 ended as asked, 1 failed, 2 wrong usage, 3 wrong configuration.\n"
	"See l2xdpd(8), l2xdpd.conf(5), l2xdpctl(8).\n";

struct options {
	const char *config;
	bool check, preflight, debug;
};

struct daemon {
	struct event_base *base;
	struct lns *lns;
	struct control *control;
	struct event *sigterm, *sigint, *sighup;
};

static void on_closed(void *arg)
{
	struct daemon *d = arg;

	event_base_loopbreak(d->base);
}

static void on_stop(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;

	(void)what;
	log_note(NULL, "%s: closing %u sessions", sig == SIGTERM ? "SIGTERM" : "SIGINT",
		 lns_session_count(d->lns));
	lns_shutdown(d->lns, SHUTDOWN_GRACE_MS, on_closed, d);
}

static void on_hangup(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	(void)arg;
	log_warn(NULL, "SIGHUP: the configuration is read at the start only; nothing was changed. "
		       "Restart to use a new one (this closes every session)");
}

static int watch_signals(struct daemon *d)
{
	signal(SIGPIPE, SIG_IGN);
	d->sigterm = evsignal_new(d->base, SIGTERM, on_stop, d);
	d->sigint = evsignal_new(d->base, SIGINT, on_stop, d);
	d->sighup = evsignal_new(d->base, SIGHUP, on_hangup, d);
	if (!d->sigterm || !d->sigint || !d->sighup)
		return -ENOMEM;
	event_add(d->sigterm, NULL);
	event_add(d->sigint, NULL);
	event_add(d->sighup, NULL);
	return 0;
}

/* From here on no more than the program (CAP_BPF, CAP_PERFMON), a shared hook (CAP_SYS_ADMIN:
 * libxdp finds its neighbours by ID), and routes, addresses and the hook (CAP_NET_ADMIN) need.
 * What else was needed is open already. */
static int drop_privileges(void)
{
	capng_clear(CAPNG_SELECT_BOTH);
	capng_updatev(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, CAP_NET_ADMIN, CAP_BPF,
		      CAP_PERFMON, CAP_SYS_ADMIN, -1);
	if (capng_apply(CAPNG_SELECT_BOTH))
		return -EPERM;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return 0;
}

/* What would be found out only when packets do not come. */
static void log_preflight(const struct dp_config *cfg)
{
	struct dp_finding f[DP_MAX_FINDINGS];

	for (unsigned int i = 0; cfg->mode != DP_OFF && i < cfg->n_interfaces; i++) {
		int n = dp_preflight(cfg->interfaces[i], f);

		for (int k = 0; k < n; k++)
			if (f[k].level >= DP_WARN)
				log_warn(NULL, "interface %s: %s%s%s", cfg->interfaces[i],
					 f[k].what, f[k].remedy[0] ? "; mend it: " : "",
					 f[k].remedy);
	}
}

static int check(const struct config *cfg)
{
	struct users *users = NULL;
	char err[ERRLEN];

	if (cfg->users && users_load(cfg->users, &users, err, sizeof(err))) {
		fprintf(stderr, "%s\n", err);
		return EXIT_CONFIG;
	}
	users_free(users);
	printf("%s: ok\n", cfg->file);
	return EXIT_OK;
}

static int run(const struct config *cfg)
{
	struct daemon d = { 0 };
	char err[ERRLEN] = "out of memory";
	int ret = -ENOMEM;

	d.base = event_base_new();
	if (!d.base)
		goto out;
	log_note(NULL, "l2xdpd %s", L2XDP_VERSION);
	log_preflight(&cfg->datapath);
	ret = lns_new(cfg, d.base, &d.lns, err, sizeof(err));
	if (ret)
		goto out;
	ret = control_open(cfg->control_socket, d.base, d.lns, &d.control, err, sizeof(err));
	if (ret)
		goto out;
	snprintf(err, sizeof(err), "cannot give up privileges");
	ret = drop_privileges();
	if (!ret)
		ret = watch_signals(&d);
	if (ret)
		goto out;
	log_note(NULL, "ready: %u peers, %u pools, mode %s", cfg->n_peers, cfg->n_pools,
		 dp_mode_names[cfg->datapath.mode]);
	event_base_dispatch(d.base);
	log_note(NULL, "ended");
out:
	if (ret)
		log_error(NULL, "%s", err);
	control_close(d.control);
	lns_free(d.lns);
	if (d.sigterm)
		event_free(d.sigterm);
	if (d.sigint)
		event_free(d.sigint);
	if (d.sighup)
		event_free(d.sighup);
	if (d.base)
		event_base_free(d.base);
	return ret ? EXIT_FAILED : EXIT_OK;
}

static int preflight(char **devices, int n)
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

/* Returns an exit code when the program is to end here, else -1. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", no_argument, NULL, 't' },
		{ "preflight", no_argument, NULL, 'p' },
		{ "debug", no_argument, NULL, 'd' },
		{ "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:tpdVh", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 't':
			o->check = true;
			break;
		case 'p':
			o->preflight = true;
			break;
		case 'd':
			o->debug = true;
			break;
		case 'V':
			puts("l2xdpd " L2XDP_VERSION);
			return EXIT_OK;
		case 'h':
			fputs(usage, stdout);
			return EXIT_OK;
		default:
			fputs("l2xdpd: see l2xdpd --help\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (o->preflight ? optind == argc : optind != argc) {
		fprintf(stderr, "l2xdpd: %s; see l2xdpd --help\n",
			o->preflight ? "--preflight needs the name of a device"
				     : "there are no arguments besides options");
		return EXIT_USAGE;
	}
	return -1;
}

int main(int argc, char **argv)
{
	struct options o = { .config = DEFAULT_CONFIG };
	struct config *cfg = NULL;
	char err[ERRLEN];
	int ret = parse_options(argc, argv, &o);

	if (ret >= 0)
		return ret;
	if (o.preflight)
		return preflight(argv + optind, argc - optind);
	umask(077);
	log_open(o.debug ? LOG_DEBUG : LOG_INFO);
	if (config_load(o.config, &cfg, err, sizeof(err))) {
		fprintf(stderr, "%s\n", err);
		return EXIT_CONFIG;
	}
	if (o.check) {
		ret = check(cfg);
		config_free(cfg);
		return ret;
	}
	if (cfg->log == CONFIG_LOG_DEBUG)
		log_open(LOG_DEBUG);
	ret = run(cfg);
	config_free(cfg);
	return ret;
}
