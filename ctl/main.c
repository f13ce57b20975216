/* SPDX-License-Identifier: GPL-2.0-or-later */
/* l2xdpctl: a table of commands, and a loop that finds one. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"

#define DEFAULT_SOCKET "/run/l2xdpd.sock"

static const struct command {
	const char *name, *arguments;
	command_fn *run;
	const char *help, *text;
} commands[] = {
	{ "show tunnels", "", cmd_show_tunnels, "control connections",
	  "Lists the L2TP control connections, by ID. Those of version 3, which signal\n"
	  "pseudowires, have IDs above 65535.\n\n"
	  "  l2xdpctl show tunnels\n"
	  "  l2xdpctl show tunnels --json | jq '.[] | select(.sessions > 100)'\n" },
	{ "show sessions",
	  "[--peer NAME] [--user NAME] [--ipv4 ADDRESS[/LENGTH]]\n"
	  "       [--after ID] [--limit N]",
	  cmd_show_sessions, "subscribers that are connected, and their traffic",
	  "Lists sessions, by ID. RX is from the subscriber, TX to it, in octets of inner IP\n"
	  "packets; HOOK is the share of packets that crossed at the driver hook. Of many, each\n"
	  "is shown as it was when its turn came. --after continues a list behind an ID.\n\n"
	  "  l2xdpctl show sessions\n"
	  "  l2xdpctl show sessions --peer carrier --limit 20\n"
	  "  l2xdpctl show sessions --ipv4 10.1.2.3\n"
	  "  l2xdpctl show sessions --ipv4 10.1.0.0/16 --after 4711 --limit 1000\n"
	  "  l2xdpctl show sessions --user joe@example.net --json\n" },
	{ "show session", "ID", cmd_show_session, "all about one session",
	  "Shows one session; its ID is the first column of `show sessions`.\n\n"
	  "  l2xdpctl show session 4711\n" },
	{ "show verdicts", "[--all]", cmd_show_verdicts, "what became of the frames at the hook",
	  "Counts of frames by what became of them, the most frequent first. --all shows those\n"
	  "that never happened too.\n\n"
	  "  l2xdpctl show verdicts\n"
	  "  l2xdpctl show verdicts --all\n" },
	{ "show datapath", "[--all]", cmd_show_datapath,
	  "interfaces, memory, pools, counters of the slow path",
	  "Interfaces and whether their driver runs the programs, and why not; memory; address\n"
	  "pools; counters of the slow path and of L2TP (--all: those at 0 too).\n\n"
	  "  l2xdpctl show datapath\n" },
	{ "show workers", "", cmd_show_workers, "CPUs that sessions are spread over",
	  "The CPUs that deal with sessions' frames (`datapath: workers`), how many sessions and\n"
	  "frames each has, what its queue lost, and whether workers would help this traffic.\n\n"
	  "  l2xdpctl show workers\n"
	  "  l2xdpctl show workers --json | jq .advice\n" },
	{ "show peers", "", cmd_show_peers, "configured peers, and which are being drained",
	  "Lists the peers of the configuration with their tunnels and sessions, whether new\n"
	  "calls of theirs are refused (drain), and how many sessions a second are closed.\n\n"
	  "  l2xdpctl show peers\n"
	  "  l2xdpctl show peers --json | jq '.[] | select(.draining)'\n" },
	{ "show state", "", cmd_show_state, "what a restart or a reboot would find again",
	  "Where the state of the sessions is kept, what the start took over and mended, whether\n"
	  "the store takes what is written, and how far the copy on disk is behind.\n\n"
	  "  l2xdpctl show state\n"
	  "  l2xdpctl show state --json | jq .store.durable_behind_ms\n" },
	{ "clear tunnel", "ID", cmd_clear_tunnel, "end a control connection and its sessions",
	  "Sends StopCCN and ends every session of the tunnel. One of version 3 that is dialled\n"
	  "is dialled again.\n\n"
	  "  l2xdpctl clear tunnel 812\n" },
	{ "clear session", "ID", cmd_clear_session, "end one session",
	  "Ends the PPP link and the call; the subscriber may connect again.\n\n"
	  "  l2xdpctl clear session 4711\n" },
	{ "drain", "[--peer NAME [--rate N]]", cmd_drain, "take no new tunnels and calls",
	  "New control connections and calls are refused from now on, of one peer or of all;\n"
	  "sessions that are up stay, also over a restart. With --rate, N sessions of the peer\n"
	  "are closed a second, the oldest first, until none is left.\n\n"
	  "  l2xdpctl drain\n"
	  "  l2xdpctl drain --peer carrier --rate 50\n"
	  "  l2xdpctl show peers\n" },
	{ "undrain", "[--peer NAME]", cmd_undrain, "take new tunnels and calls again",
	  "Ends a drain: that of one peer, or without --peer every one.\n\n"
	  "  l2xdpctl undrain\n"
	  "  l2xdpctl undrain --peer carrier\n" },
	{ "pseudowire show", "[NAME]", cmd_pseudowire_show, "pseudowires, and their traffic",
	  "Lists the pseudowires of the configuration and those that were added, with their "
	  "frames\n"
	  "and octets from (RX) and to the peer (TX); of one, all about it. Cookies are not "
	  "shown.\n\n"
	  "  l2xdpctl pseudowire show\n"
	  "  l2xdpctl pseudowire show vm3\n"
	  "  l2xdpctl pseudowire show --json | jq '.[] | select(.state != \"up\")'\n" },
	{ "pseudowire add",
	  "NAME peer ADDRESS { session_id ID peer_session_id ID | signalled [SIGNALLED] }\n"
	  "       { device DEV [vlan ID[,ID]] [tag remove|keep|ID[,ID]] | create DEV [netns NAME]\n"
	  "         [kind veth|tap] [address ADDRESS/LENGTH[,...]] [mtu N] }\n"
	  "       [local ADDRESS] [encap udp|ip] [cookie C] [peer_cookie C[,C]]\n"
	  "       [l2spec_type default|none] [seq none|send|recv|both] [udp_dport N]\n"
	  "       [udp_csum on|off] [too_large fragment|icmp] [mss_clamp on|off]\n"
	  "       [outer_mtu N] [dscp N] [bum_limit N] [keepalive on|off]\n"
	  "SIGNALLED: [secret_file FILE] [previous_secret_file FILE] [remote_end_id TEXT|N]\n"
	  "       [peer_host_name NAME] [host_name NAME] [cookie_octets 0|4|8] [type "
	  "ethernet|vlan]\n"
	  "       [digest md5|sha1] [hide_avps on|off] [dial on|off] [hello SECONDS]\n"
	  "       [v2_fallback on|off] [cisco_draft_avps on|off] [yamaha_header on|off]",
	  cmd_pseudowire_add, "make a pseudowire, as `ip l2tp add session` or signalled",
	  "The words are those of `ip l2tp`: cookie is what we send, peer_cookie what we expect.\n"
	  "A cookie C is 8 or 16 hexadecimal digits. What stands in a command is seen by all\n"
	  "users of the host (ps): @FILE takes the first line of a file, - the next one of\n"
	  "standard input. Devices that are there already must be named in the configuration's\n"
	  "datapath.circuit-devices. The pseudowire is kept over restarts; an error changes\n"
	  "nothing. As by `reload` the daemon starts anew, and sessions go on.\n\n"
	  "With `signalled` IDs and cookies are agreed with the peer (RFC 3931), who knows us by\n"
	  "the secret that is the first line of FILE (-: the next one of standard input), and the\n"
	  "pseudowire by its remote_end_id: digits are a number, and without it the name is sent.\n"
	  "peer may then be a range of addresses, or any: the peer dials, and needs a secret.\n\n"
	  "  l2xdpctl pseudowire add vm3 peer 2001:db8::7 encap ip session_id 3 peer_session_id 7 "
	  "\\\n"
	  "      cookie @/etc/l2xdp/vm3.send peer_cookie @/etc/l2xdp/vm3.expect \\\n"
	  "      l2spec_type none create l2tpeth3 netns vm3\n"
	  "  l2xdpctl pseudowire add branch7 peer 198.51.100.7 session_id 7 peer_session_id 7 \\\n"
	  "      device eth2 vlan 107 tag keep\n"
	  "  l2xdpctl pseudowire add branch8 signalled peer 198.51.100.8 \\\n"
	  "      secret_file /etc/l2xdp/branch8 remote_end_id 8 device eth2 vlan 108\n" },
	{ "pseudowire del", "NAME", cmd_pseudowire_del, "end a pseudowire that was added",
	  "Those of the configuration are removed there. An error changes nothing.\n\n"
	  "  l2xdpctl pseudowire del vm3\n" },
	{ "import ip-l2tp", "[FILE... | -]", cmd_import_ip_l2tp,
	  "make configuration of what `ip l2tp show` prints",
	  "Reads the output of `ip l2tp show tunnel` and `ip l2tp show session` (also that of\n"
	  "ip -json), and prints the same pseudowires as a configuration, with remarks on what\n"
	  "has no counterpart. Needs no daemon.\n\n"
	  "  (ip l2tp show tunnel; ip l2tp show session) | l2xdpctl import ip-l2tp >new.yaml\n"
	  "  l2xdpctl import ip-l2tp tunnels.txt sessions.txt\n"
	  "  l2xdpd --check --config new.yaml\n" },
	{ "reload", "[--force]", cmd_reload, "take a changed configuration, or a new program",
	  "Checks the configuration file whole. If it is good, the daemon starts anew with it,\n"
	  "and sessions go on; the command ends when it answers again. If it is wrong, nothing\n"
	  "changes, and every fault is told. A change that would close sessions names them, ends\n"
	  "with 4, and is made with --force only.\n\n"
	  "  l2xdpctl reload\n"
	  "  l2xdpctl reload --force\n" },
	{ "shutdown", "", cmd_shutdown, "close every session and end for good",
	  "Sends StopCCN to every peer, closes every session, gives the driver hook and the TUN\n"
	  "device back and ends the daemon. To restart it and keep the sessions: systemctl\n"
	  "restart l2xdpd.\n\n"
	  "  l2xdpctl shutdown\n" },
	{ "preflight", "DEV...", cmd_preflight, "what stands in the way of XDP on a device",
	  "Tells for each device what stands in the way and the command that mends it. Ends\n"
	  "with 1 if anything is fatal. Without a daemon: l2xdpd --preflight DEV.\n\n"
	  "  l2xdpctl preflight eth0 eth1\n" },
};
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

void complain(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout); /* what was said before stands before it */
	fputs("l2xdpctl: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int usage(const char *command, const char *takes)
{
	complain("%s takes %s; see l2xdpctl %s --help", command, takes, command);
	return EXIT_USAGE;
}

static void help(FILE *out)
{
	size_t i;

	fputs("usage: l2xdpctl [--socket PATH] [--json] COMMAND\n\ncommands:\n", out);
	for (i = 0; i < N_COMMANDS; i++)
		fprintf(out, "  %-15s %s\n", commands[i].name, commands[i].help);
	fputs("\noptions:\n"
	      "  --socket PATH  the daemon's control socket (default " DEFAULT_SOCKET ")\n"
	      "  --json         the answer as JSON, for programs\n"
	      "  --help         this; behind a command: about that command\n"
	      "  --version      the version\n"
	      "\nexamples:\n"
	      "  l2xdpctl show sessions\n"
	      "  l2xdpctl show sessions --user joe --json\n"
	      "  l2xdpctl show verdicts\n"
	      "  l2xdpctl clear session 4711\n"
	      "\nexit: 0 done, 1 the daemon said no, 2 wrong usage, 3 no daemon reached,\n"
	      "      4 sessions would be closed (reload: --force)\n",
	      out);
}

static void command_help(const struct command *c)
{
	printf("usage: l2xdpctl %s%s%s\n\n%s", c->name, *c->arguments ? " " : "", c->arguments,
	       c->text);
}

/* How many of these words are the command's name; 0: it is not this command. */
static int name_matches(const struct command *c, int argc, char **argv)
{
	const char *space = strchr(c->name, ' ');
	size_t first = space ? (size_t)(space - c->name) : strlen(c->name);

	if (argc < 1 || strlen(argv[0]) != first || memcmp(argv[0], c->name, first) != 0)
		return 0;
	if (!space)
		return 1;
	return argc > 1 && !strcmp(argv[1], space + 1) ? 2 : 0;
}

/* show, clear: which words may follow. */
static int unknown(int argc, char **argv)
{
	bool group = false;
	size_t i;

	for (i = 0; i < N_COMMANDS; i++) {
		size_t n = strlen(argv[0]);

		if (strncmp(commands[i].name, argv[0], n) != 0 || commands[i].name[n] != ' ')
			continue;
		if (!group)
			complain(argc > 1 ? "%s has no %s; there is:" : "%s what? There is:",
				 safe(argv[0]), argc > 1 ? safe(argv[1]) : "");
		group = true;
		fprintf(stderr, "  %-15s %s\n", commands[i].name, commands[i].help);
	}
	if (!group)
		complain("no command %s; l2xdpctl --help lists them", safe(argv[0]));
	return EXIT_USAGE;
}

/* Options that belong to certain commands are refused elsewhere. */
static bool options_fit(const struct command *c, const struct options *o)
{
	const struct {
		const char *name;
		bool given;
	} owned[] = { { "--peer", o->peer },   { "--user", o->user },   { "--ipv4", o->ipv4 },
		      { "--after", o->after }, { "--limit", o->limit }, { "--rate", o->rate },
		      { "--force", o->force }, { "--all", o->all } };
	size_t i;

	for (i = 0; i < sizeof(owned) / sizeof(owned[0]); i++) {
		if (!owned[i].given || strstr(c->arguments, owned[i].name))
			continue;
		complain("%s has no %s; see l2xdpctl %s --help", c->name, owned[i].name, c->name);
		return false;
	}
	return true;
}

static int dispatch(const struct options *o, int argc, char **argv)
{
	size_t i;
	int n;

	for (i = 0; i < N_COMMANDS; i++) {
		n = name_matches(&commands[i], argc, argv);
		if (!n)
			continue;
		if (o->help) {
			command_help(&commands[i]);
			return EXIT_OK;
		}
		if (!options_fit(&commands[i], o))
			return EXIT_USAGE;
		return commands[i].run(o, argc - n, argv + n);
	}
	if (o->help) {
		help(stdout);
		return EXIT_OK;
	}
	return unknown(argc, argv);
}

int main(int argc, char **argv)
{
	static const struct option longs[] = { { "socket", required_argument, NULL, 's' },
					       { "json", no_argument, NULL, 'j' },
					       { "help", no_argument, NULL, 'h' },
					       { "version", no_argument, NULL, 'V' },
					       { "peer", required_argument, NULL, 'p' },
					       { "user", required_argument, NULL, 'u' },
					       { "ipv4", required_argument, NULL, '4' },
					       { "after", required_argument, NULL, 'A' },
					       { "limit", required_argument, NULL, 'l' },
					       { "rate", required_argument, NULL, 'r' },
					       { "force", no_argument, NULL, 'f' },
					       { "all", no_argument, NULL, 'a' },
					       { NULL, 0, NULL, 0 } };
	struct options o = { .socket = DEFAULT_SOCKET };
	int c, code;

	while ((c = getopt_long(argc, argv, "s:jh", longs, NULL)) != -1) {
		switch (c) {
		case 's':
			o.socket = optarg;
			break;
		case 'j':
			o.json = true;
			break;
		case 'h':
			o.help = true;
			break;
		case 'V':
			puts("l2xdpctl " L2XDP_VERSION);
			return EXIT_OK;
		case 'p':
			o.peer = optarg;
			break;
		case 'u':
			o.user = optarg;
			break;
		case '4':
			o.ipv4 = optarg;
			break;
		case 'A':
			o.after = optarg;
			break;
		case 'l':
			o.limit = optarg;
			break;
		case 'r':
			o.rate = optarg;
			break;
		case 'f':
			o.force = true;
			break;
		case 'a':
			o.all = true;
			break;
		default:
			fputs("l2xdpctl --help lists commands and options\n", stderr);
			return EXIT_USAGE;
		}
	}
	if (optind == argc) {
		help(o.help ? stdout : stderr);
		return o.help ? EXIT_OK : EXIT_USAGE;
	}
	code = dispatch(&o, argc - optind, argv + optind);
	if (fflush(stdout) || ferror(stdout)) {
		complain("cannot write the answer");
		return EXIT_REFUSED;
	}
	return code;
}
