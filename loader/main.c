/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * l2xdpd: the command line. daemon.c starts and ends the daemon, worker.c is its unprivileged
 * half, once.c what is done once and ends: --check, --remove, --preflight. It stays in the
 * foreground; whoever wants it in the background starts it from systemd
 * (deploy/l2xdpd.service).
 */
#include <getopt.h>
#include <stdio.h>
#include <sys/stat.h>

#include "loader/base/log.h"
#include "loader/daemon.h"

#define DEFAULT_CONFIG "/etc/l2xdp/l2xdpd.yaml"

static const char usage[] =
	"usage: l2xdpd [--config FILE] [--check | --remove | --preflight DEV...] [--debug]\n"
	"\n"
	"L2TP network server whose data packets are handled at the NIC's driver hook (XDP).\n"
	"Stays in the foreground and logs to standard error.\n"
	"\n"
	"  -c, --config FILE      configuration (default " DEFAULT_CONFIG ")\n"
	"  -t, --check            check the configuration and say what a start with it would do "
	"to\n"
	"                         the sessions that there are; changes nothing\n"
	"      --remove           take away what a stopped daemon left at the hook, and l2tp0\n"
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
	"SIGTERM ends the daemon; sessions and their packets go on, the next start takes them up.\n"
	"SIGINT (Ctrl-C) closes every tunnel and leaves the host as it was found.\n"
	"SIGHUP takes a new configuration, if --check finds nothing against it.\n"
	"Exit: 0 ended as asked, 1 failed, 2 wrong usage, 3 wrong configuration, 4 --check: "
	"sessions\n"
	"would be closed.\n"
	"See l2xdpd(8), l2xdpd.conf(5), l2xdpctl(8).\n";

/* Returns an exit code when the program is to end here, else -1. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' }, { "check", no_argument, NULL, 't' },
		{ "remove", no_argument, NULL, 'R' },       { "preflight", no_argument, NULL, 'p' },
		{ "debug", no_argument, NULL, 'd' },        { "version", no_argument, NULL, 'V' },
		{ "help", no_argument, NULL, 'h' },         { NULL, 0, NULL, 0 },
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
		case 'R':
			o->remove = true;
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
	if (o->check + o->remove + o->preflight > 1) {
		fputs("l2xdpd: only one of --check, --remove, --preflight; see l2xdpd --help\n",
		      stderr);
		return EXIT_USAGE;
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
	int ret = parse_options(argc, argv, &o);

	if (ret >= 0)
		return ret;
	if (o.preflight)
		return daemon_preflight(argv + optind, argc - optind);
	umask(077);
	log_open(o.debug ? LOG_DEBUG : LOG_INFO);
	if (o.check)
		return daemon_check(&o);
	if (o.remove)
		return daemon_remove(&o);
	return daemon_run(&o, argv);
}
