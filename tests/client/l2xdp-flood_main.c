/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/client/flood.h"

static const char help[] = "l2xdp-flood: frames against an LNS, by a packet socket\n"
			   "\n"
			   "  --device DEV --mac MAC   where to send, and to whom on the link\n"
			   "  --server ADDR            the LNS\n"
			   "  --kind KIND              what:\n";
static const char more[] = "  --count N                so many frames; --seconds S: so long\n"
			   "  --rate R                 frames a second (no limit)\n"
			   "  --seed N                 of what is random (1)\n"
			   "  --peer ADDR --port N     who has a control connection there\n"
			   "  --tunnel N               its ID at the LNS\n"
			   "  --sessions N,N,...       IDs of live sessions at the LNS\n"
			   "  --inner ADDR             the subscriber's address in data\n"
			   "\n"
			   "Prints one JSON object: what was sent, and how fast.\n";

static const struct option options[] = {
	{ "device", required_argument, NULL, 'd' },
	{ "mac", required_argument, NULL, 'm' },
	{ "server", required_argument, NULL, 's' },
	{ "kind", required_argument, NULL, 'k' },
	{ "count", required_argument, NULL, 'c' },
	{ "seconds", required_argument, NULL, 't' },
	{ "rate", required_argument, NULL, 'r' },
	{ "seed", required_argument, NULL, 'x' },
	{ "peer", required_argument, NULL, 'p' },
	{ "port", required_argument, NULL, 'o' },
	{ "tunnel", required_argument, NULL, 'u' },
	{ "sessions", required_argument, NULL, 'i' },
	{ "inner", required_argument, NULL, 'n' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static void usage(FILE *to)
{
	fputs(help, to);
	for (const struct flood_kind *k = flood_kinds; k->name; k++)
		fprintf(to, "    %-10s             %s\n", k->name, k->text);
	fputs(more, to);
}

static uint32_t ipv4(const char *text)
{
	struct in_addr a;

	if (inet_pton(AF_INET, text, &a) != 1) {
		fprintf(stderr, "%s is no IPv4 address\n", text);
		exit(2);
	}
	return ntohl(a.s_addr);
}

static void read_mac(const char *text, uint8_t mac[6])
{
	unsigned int m[6];

	if (sscanf(text, "%x:%x:%x:%x:%x:%x", m, m + 1, m + 2, m + 3, m + 4, m + 5) != 6) {
		fprintf(stderr, "%s is no link-layer address\n", text);
		exit(2);
	}
	for (int i = 0; i < 6; i++)
		mac[i] = (uint8_t)m[i];
}

static void read_sessions(char *text, struct flood *f)
{
	for (char *at = strtok(text, ", "); at; at = strtok(NULL, ", "))
		if (f->n_sessions < FLOOD_SESSIONS)
			f->sessions[f->n_sessions++] = (uint16_t)strtoul(at, NULL, 10);
}

static void read_kind(const char *name, struct flood *f)
{
	for (f->kind = flood_kinds; f->kind->name; f->kind++)
		if (strcmp(f->kind->name, name) == 0)
			return;
	fprintf(stderr, "no kind %s; see --help\n", name);
	exit(2);
}

static void read_option(int c, struct flood *f)
{
	switch (c) {
	case 'd':
		f->device = optarg;
		break;
	case 'm':
		read_mac(optarg, f->dst_mac);
		break;
	case 's':
		f->server = ipv4(optarg);
		break;
	case 'k':
		read_kind(optarg, f);
		break;
	case 'c':
		f->count = strtoull(optarg, NULL, 10);
		break;
	case 't':
		f->seconds = strtod(optarg, NULL);
		break;
	case 'r':
		f->rate = strtoull(optarg, NULL, 10);
		break;
	case 'x':
		f->seed = strtoull(optarg, NULL, 10) * 0x9e3779b97f4a7c15ull | 1;
		break;
	case 'p':
		f->peer = ipv4(optarg);
		break;
	case 'o':
		f->peer_port = (uint16_t)strtoul(optarg, NULL, 10);
		break;
	case 'u':
		f->tunnel = (uint16_t)strtoul(optarg, NULL, 10);
		break;
	case 'i':
		read_sessions(optarg, f);
		break;
	case 'n':
		f->inner = ipv4(optarg);
		break;
	case 'h':
		usage(stdout);
		exit(0);
	default:
		usage(stderr);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	static struct flood f = { .seed = 0x9e3779b97f4a7c15ull, .peer_port = FLOOD_PORT };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		read_option(c, &f);
	if (!f.device || !f.kind || !f.server || (!f.count && f.seconds <= 0)) {
		fprintf(stderr,
			"--device, --server, --kind, and --count or --seconds are needed\n");
		return 2;
	}
	return flood_run(&f);
}
