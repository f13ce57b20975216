/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "loader/l2tp/header.h"
#include "tests/client/client.h"
#include "tests/client/options.h"

enum {
	O_SERVER = 256,
	O_PORT,
	O_LOCAL,
	O_LOCAL_PORT,
	O_SECRET,
	O_USER,
	O_PASSWORD,
	O_TUN,
	O_MRU,
	O_SEQUENCING,
	O_HIDE,
	O_HOST_NAME,
	O_CALLING,
	O_NO_IPV4,
	O_NO_IPV6,
	O_DEFAULT_ROUTE,
	O_ROUTE,
	O_EVENTS,
	O_PROXY,
	O_SESSIONS,
	O_KEEP,
	O_ECHO,
	O_DEBUG,
};

static const struct option options[] = {
	{ "server", required_argument, NULL, O_SERVER },
	{ "port", required_argument, NULL, O_PORT },
	{ "local", required_argument, NULL, O_LOCAL },
	{ "local-port", required_argument, NULL, O_LOCAL_PORT },
	{ "secret", required_argument, NULL, O_SECRET },
	{ "user", required_argument, NULL, O_USER },
	{ "password", required_argument, NULL, O_PASSWORD },
	{ "tun", required_argument, NULL, O_TUN },
	{ "mru", required_argument, NULL, O_MRU },
	{ "sequencing", no_argument, NULL, O_SEQUENCING },
	{ "hide", no_argument, NULL, O_HIDE },
	{ "host-name", required_argument, NULL, O_HOST_NAME },
	{ "calling", required_argument, NULL, O_CALLING },
	{ "no-ipv4", no_argument, NULL, O_NO_IPV4 },
	{ "no-ipv6", no_argument, NULL, O_NO_IPV6 },
	{ "default-route", no_argument, NULL, O_DEFAULT_ROUTE },
	{ "route", required_argument, NULL, O_ROUTE },
	{ "events", required_argument, NULL, O_EVENTS },
	{ "proxy", required_argument, NULL, O_PROXY },
	{ "sessions", required_argument, NULL, O_SESSIONS },
	{ "keep", no_argument, NULL, O_KEEP },
	{ "echo", required_argument, NULL, O_ECHO },
	{ "debug", no_argument, NULL, O_DEBUG },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
	"l2xdp-client: a PPP subscriber over L2TPv2, with a TUN device (root)\n"
	"\n"
	"  --server ADDR        the LNS, IPv4 or IPv6\n"
	"  --port N             its UDP port (1701)\n"
	"  --local ADDR         our address (the kernel's choice)\n"
	"  --local-port N       our UDP port (any)\n"
	"  --host-name NAME     what we call ourselves (l2xdp-client)\n"
	"  --calling NUMBER     the line that calls (Calling Number)\n"
	"  --secret S           tunnel authentication\n"
	"  --hide               hide AVPs; needs --secret\n"
	"  --user U             PPP name; with --sessions a \"%d\" becomes 0, 1, ...\n"
	"  --password P\n"
	"  --tun NAME           device (l2tpc0); with --sessions a number is appended\n"
	"  --mru N              largest packet that we ask for (from the path's MTU)\n"
	"  --sequencing         both sides number their data (AVP 39)\n"
	"  --no-ipv4 --no-ipv6  leave a family out\n"
	"  --route PREFIX       through the device, once its family is up; repeat\n"
	"  --default-route      0.0.0.0/0 and ::/0, likewise\n"
	"  --proxy pap|chap     a LAC that has negotiated LCP and authentication already\n"
	"  --sessions N         lines in the tunnel (1); routes go through the first\n"
	"  --keep               dial again after a line was lost, 1 s later, at most 16 s\n"
	"  --echo SECONDS       LCP echoes this often (30); four missed: the line is lost\n"
	"  --events FILE        JSON lines; else on stdout\n"
	"  --debug              say more on stderr\n"
	"\n"
	"Runs in the foreground; SIGTERM or SIGINT hang up, and the exit status is 0. A line\n"
	"that is refused or lost ends it with status 1 and the reason on stderr.\n"
	"\n"
	"Examples:\n"
	"  l2xdp-client --server 192.0.2.1 --secret s3cret --user joe --password pw \\\n"
	"      --default-route\n"
	"  l2xdp-client --server 2001:db8::1 --user joe --password pw --tun sub0 \\\n"
	"      --route 198.51.100.0/24 --route 2001:db8:9::/48 --events /tmp/joe.json\n"
	"  l2xdp-client --server 192.0.2.1 --user joe --password pw --proxy chap --sequencing\n";

static bool read_proxy(const char *text, enum proxy_kind *ret)
{
	if (!strcmp(text, "pap"))
		*ret = PROXY_PAP;
	else if (!strcmp(text, "chap"))
		*ret = PROXY_CHAP;
	else
		return fprintf(stderr, "--proxy: \"%s\" is neither pap nor chap\n", text), false;
	return true;
}

static bool read_route(const char *text, struct client_options *o)
{
	if (o->n_routes == CLIENT_MAX_ROUTES)
		return fprintf(stderr, "--route: at most %d\n", CLIENT_MAX_ROUTES), false;
	return option_prefix("--route", text, &o->routes[o->n_routes++]);
}

static bool keep_text(const char **to, const char *arg)
{
	*to = arg;
	return true;
}

/* Options that stand for themselves. */
static bool read_flag(int c, struct client_options *o)
{
	switch (c) {
	case O_SEQUENCING:
		return o->sequencing = true;
	case O_HIDE:
		return o->hide = true;
	case O_NO_IPV4:
		o->ipv4 = false;
		return true;
	case O_NO_IPV6:
		o->ipv6 = false;
		return true;
	case O_DEFAULT_ROUTE:
		return o->default_route = true;
	case O_KEEP:
		return o->keep = true;
	case O_DEBUG:
		return o->debug = true;
	default:
		return false; /* getopt_long has told */
	}
}

static bool read_option(int c, char *arg, struct client_options *o)
{
	switch (c) {
	case O_SERVER:
		return option_address("--server", arg, &o->path.peer);
	case O_PORT:
		return option_port("--port", arg, &o->path.peer_port);
	case O_LOCAL:
		return option_address("--local", arg, &o->path.local);
	case O_LOCAL_PORT:
		return option_port("--local-port", arg, &o->path.local_port);
	case O_SECRET:
		free(o->secret);
		o->secret = option_secret(arg);
		return true;
	case O_USER:
		free(o->user);
		return (o->user = strdup(arg)) != NULL;
	case O_PASSWORD:
		free(o->password);
		o->password = option_secret(arg);
		return true;
	case O_TUN:
		return keep_text(&o->tun, arg);
	case O_MRU:
		return option_number("--mru", arg, 128, 9000, &o->mru);
	case O_HOST_NAME:
		return keep_text(&o->host_name, arg);
	case O_CALLING:
		return keep_text(&o->calling, arg);
	case O_ECHO:
		return option_number("--echo", arg, 0, 3600, &o->echo);
	case O_ROUTE:
		return read_route(arg, o);
	case O_EVENTS:
		return keep_text(&o->events, arg);
	case O_PROXY:
		return read_proxy(arg, &o->proxy);
	case O_SESSIONS:
		return option_number("--sessions", arg, 1, CLIENT_MAX_SESSIONS, &o->sessions);
	default:
		return read_flag(c, o);
	}
}

static const char *what_is_missing(const struct client_options *o)
{
	if (!addr_is_set(&o->path.peer))
		return "--server ADDR is needed";
	if (!o->user || !o->password)
		return "--user U and --password P are needed";
	if (o->hide && !o->secret)
		return "--hide needs --secret S";
	if (!o->ipv4 && !o->ipv6)
		return "--no-ipv4 and --no-ipv6 leave nothing";
	if (addr_is_set(&o->path.local) && addr_is_v4(&o->path.local) != addr_is_v4(&o->path.peer))
		return "--local and --server are of different families";
	return NULL;
}

int client_options_read(int argc, char **argv, struct client_options *ret)
{
	const char *missing;
	int c;

	*ret = (struct client_options){
		.path.peer_port = L2TP_PORT,
		.host_name = "l2xdp-client",
		.tun = "l2tpc0",
		.ipv4 = true,
		.ipv6 = true,
		.sessions = 1,
		.echo = 30,
	};
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return 1;
		}
		if (!read_option(c, optarg, ret))
			return -1;
	}
	missing = optind < argc ? "there are no arguments but options" : what_is_missing(ret);
	if (missing)
		fprintf(stderr, "l2xdp-client: %s; see --help\n", missing);
	return missing ? -1 : 0;
}

void client_options_free(struct client_options *o)
{
	option_wipe(o->secret);
	option_wipe(o->password);
	free(o->user);
}
