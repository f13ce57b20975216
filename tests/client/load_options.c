/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/l2tp/header.h"
#include "tests/client/load.h"
#include "tests/client/options.h"

#define MAX_TUNNELS 60000
#define MAX_TOTAL 4000000

enum {
	O_SERVER = 256,
	O_LOCAL,
	O_PORT,
	O_TUNNELS,
	O_SESSIONS,
	O_USER,
	O_PASSWORD,
	O_AUTH,
	O_SECRET,
	O_HOST_NAME,
	O_HIDE,
	O_RATE,
	O_WINDOW,
	O_TUNNEL_WINDOW,
	O_TIMEOUT,
	O_RETRANSMITS,
	O_HOLD,
	O_READY,
	O_VIEW,
	O_JSON,
	O_NO_IPV6,
	O_VERIFY,
	O_SEQUENCING,
	O_ECHO,
	O_TRAFFIC,
	O_TRAFFIC_TO,
	O_TRAFFIC_AFTER,
	O_DEBUG,
};

static const struct option options[] = {
	{ "server", required_argument, NULL, O_SERVER },
	{ "local", required_argument, NULL, O_LOCAL },
	{ "port", required_argument, NULL, O_PORT },
	{ "tunnels", required_argument, NULL, O_TUNNELS },
	{ "sessions", required_argument, NULL, O_SESSIONS },
	{ "user", required_argument, NULL, O_USER },
	{ "password", required_argument, NULL, O_PASSWORD },
	{ "auth", required_argument, NULL, O_AUTH },
	{ "secret", required_argument, NULL, O_SECRET },
	{ "host-name", required_argument, NULL, O_HOST_NAME },
	{ "hide", no_argument, NULL, O_HIDE },
	{ "rate", required_argument, NULL, O_RATE },
	{ "window", required_argument, NULL, O_WINDOW },
	{ "tunnel-window", required_argument, NULL, O_TUNNEL_WINDOW },
	{ "timeout", required_argument, NULL, O_TIMEOUT },
	{ "retransmits", required_argument, NULL, O_RETRANSMITS },
	{ "hold", required_argument, NULL, O_HOLD },
	{ "ready", required_argument, NULL, O_READY },
	{ "view", required_argument, NULL, O_VIEW },
	{ "json", no_argument, NULL, O_JSON },
	{ "no-ipv6", no_argument, NULL, O_NO_IPV6 },
	{ "verify", no_argument, NULL, O_VERIFY },
	{ "sequencing", no_argument, NULL, O_SEQUENCING },
	{ "echo", required_argument, NULL, O_ECHO },
	{ "traffic", required_argument, NULL, O_TRAFFIC },
	{ "traffic-to", required_argument, NULL, O_TRAFFIC_TO },
	{ "traffic-after", required_argument, NULL, O_TRAFFIC_AFTER },
	{ "debug", no_argument, NULL, O_DEBUG },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
	"l2xdp-load: many L2TPv2 tunnels and PPP sessions from one process\n"
	"\n"
	"  --server ADDR        the LNS; --port N its UDP port (1701)\n"
	"  --local ADDR         our address; each tunnel has a UDP port of its own\n"
	"  --tunnels N          tunnels (1)\n"
	"  --sessions M         sessions in each tunnel (1)\n"
	"  --user NAME          PPP name; a \"%d\" becomes the session's number (user)\n"
	"  --password P\n"
	"  --auth METHOD        any, none, pap, chap or mschapv2: the server must ask for it "
	"(any)\n"
	"  --secret S           tunnel authentication; --hide hides AVPs with it\n"
	"  --host-name NAME     what we call ourselves (l2xdp-load)\n"
	"  --rate R             sessions started a second (no limit)\n"
	"  --window N           sessions in set-up at once (500)\n"
	"  --tunnel-window N    tunnels in set-up at once (12)\n"
	"  --timeout SECONDS    for one session to come up (60)\n"
	"  --retransmits N      of a control message, before its tunnel is given up (5)\n"
	"  --hold SECONDS       keep all up (0)\n"
	"  --ready FILE         made when each session is up or has failed\n"
	"  --view FILE          on SIGUSR1 and at the end of the hold: every session by IDs,\n"
	"                       addresses and packets, as JSON\n"
	"  --no-ipv6            IPv4 alone\n"
	"  --sequencing         both sides number their data (AVP 39)\n"
	"  --echo SECONDS       an LCP echo from each session this often (0: none); four missed:\n"
	"                       the session is lost\n"
	"  --verify             addresses differ, every session got an IPv6 prefix\n"
	"  --traffic PPS        while holding, UDP packets round all sessions\n"
	"  --traffic-to A:PORT  their destination; the payload is \"L2XL\", session, number\n"
	"                       (32 bits each, big-endian); what comes back is counted\n"
	"  --traffic-after S    begin with it so many seconds after all are up (0)\n"
	"  --json               the summary as one JSON object\n"
	"\n"
	"SIGUSR1: no more traffic; SIGHUP: it goes on. SIGUSR2: the hold ends now. SIGTERM: all "
	"ends now.\n"
	"Status 0: all came up, stayed up and went down cleanly.\n"
	"\n"
	"Examples:\n"
	"  l2xdp-load --server 192.0.2.1 --sessions 1000 --user load%d --password pw --json\n"
	"  l2xdp-load --server 192.0.2.1 --tunnels 1000 --user load%d --password pw \\\n"
	"      --secret s3cret --hold 10 --verify\n"
	"  l2xdp-load --server 192.0.2.1 --tunnels 16 --sessions 1000 --user u --password pw \\\n"
	"      --hold 30 --traffic 10000 --traffic-to 198.51.100.1:7\n";

static bool read_auth(const char *text, struct load_options *o)
{
	o->any_auth = !strcmp(text, "any");
	if (o->any_auth)
		return true;
	for (int i = PPP_AUTH_NONE; i <= PPP_AUTH_MSCHAPV2; i++)
		if (!strcmp(text, ppp_auth_names[i])) {
			o->auth = (enum ppp_auth)i;
			return true;
		}
	fprintf(stderr, "--auth: \"%s\" is none of any, none, pap, chap, mschapv2\n", text);
	return false;
}

static bool replace(char **to, char *copy)
{
	free(*to);
	*to = copy;
	return copy != NULL;
}

static bool read_flag(int c, struct load_options *o)
{
	switch (c) {
	case O_HIDE:
		o->hide = true;
		return true;
	case O_JSON:
		o->json = true;
		return true;
	case O_NO_IPV6:
		o->ipv6 = false;
		return true;
	case O_VERIFY:
		o->verify = true;
		return true;
	case O_SEQUENCING:
		o->sequencing = true;
		return true;
	case O_DEBUG:
		o->debug = true;
		return true;
	default:
		return false; /* getopt_long has told */
	}
}

static bool read_count(int c, const char *arg, struct load_options *o)
{
	switch (c) {
	case O_TUNNELS:
		return option_number("--tunnels", arg, 1, MAX_TUNNELS, &o->tunnels);
	case O_SESSIONS:
		return option_number("--sessions", arg, 1, 65535, &o->sessions);
	case O_RATE:
		return option_number("--rate", arg, 0, 1000000, &o->rate);
	case O_ECHO:
		return option_number("--echo", arg, 0, 3600, &o->echo);
	case O_WINDOW:
		return option_number("--window", arg, 1, 1000000, &o->window);
	case O_TUNNEL_WINDOW:
		return option_number("--tunnel-window", arg, 1, MAX_TUNNELS, &o->tunnel_window);
	case O_TIMEOUT:
		return option_number("--timeout", arg, 1, 3600, &o->timeout);
	case O_RETRANSMITS:
		return option_number("--retransmits", arg, 1, 20, &o->retransmits);
	case O_HOLD:
		return option_number("--hold", arg, 0, 1000000, &o->hold);
	case O_TRAFFIC:
		return option_number("--traffic", arg, 1, 10000000, &o->traffic);
	case O_TRAFFIC_AFTER:
		return option_number("--traffic-after", arg, 0, 1000000, &o->traffic_after);
	default:
		return read_flag(c, o);
	}
}

static bool read_option(int c, char *arg, struct load_options *o)
{
	switch (c) {
	case O_SERVER:
		return option_address("--server", arg, &o->path.peer);
	case O_LOCAL:
		return option_address("--local", arg, &o->path.local);
	case O_PORT:
		return option_port("--port", arg, &o->path.peer_port);
	case O_USER:
		return replace(&o->user, strdup(arg));
	case O_PASSWORD:
		return replace(&o->password, option_secret(arg));
	case O_SECRET:
		return replace(&o->secret, option_secret(arg));
	case O_HOST_NAME:
		o->host_name = arg;
		return true;
	case O_READY:
		o->ready = arg;
		return true;
	case O_VIEW:
		o->view = arg;
		return true;
	case O_AUTH:
		return read_auth(arg, o);
	case O_TRAFFIC_TO:
		return option_endpoint("--traffic-to", arg, &o->traffic_to, &o->traffic_port);
	default:
		return read_count(c, arg, o);
	}
}

static const char *what_is_missing(const struct load_options *o)
{
	if (!addr_is_set(&o->path.peer))
		return "--server ADDR is needed";
	if (!o->password)
		return "--password P is needed";
	if (o->hide && !o->secret)
		return "--hide needs --secret S";
	if ((uint64_t)o->tunnels * o->sessions > MAX_TOTAL)
		return "--tunnels times --sessions is at most 4000000";
	if ((o->traffic != 0) != addr_is_set(&o->traffic_to))
		return "--traffic and --traffic-to go together";
	if (o->traffic && !o->hold)
		return "--traffic flows while holding: --hold SECONDS is needed";
	return NULL;
}

int load_options_read(int argc, char **argv, struct load_options *ret)
{
	const char *missing;
	int c;

	*ret = (struct load_options){
		.path.peer_port = L2TP_PORT,
		.tunnels = 1,
		.sessions = 1,
		.host_name = "l2xdp-load",
		.any_auth = true,
		.window = 500,
		.tunnel_window = 12,
		.timeout = 60,
		.ipv6 = true,
	};
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(help, stdout);
			return 1;
		}
		if (!read_option(c, optarg, ret))
			return -1;
	}
	if (!ret->user)
		ret->user = strdup("user");
	missing = optind < argc ? "there are no arguments but options" : what_is_missing(ret);
	if (missing)
		fprintf(stderr, "l2xdp-load: %s; see --help\n", missing);
	return missing ? -1 : 0;
}

void load_options_free(struct load_options *o)
{
	option_wipe(o->secret);
	option_wipe(o->password);
	free(o->user);
}
