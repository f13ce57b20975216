/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `ip l2tp show` said, as our configuration. "cookie" there is what is sent, ours of `remote`;
 * "peer cookie" what is expected, ours of `local` (V3-LIN-4).
 *
 * ip does not show everything, and iproute2 6.1 shows a session that has no cookie with that of the
 * session before it: what may be wrong is said in a remark that begins with CHECK.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/import.h"

#define OUR_PORT 1701

static const struct import_tunnel *tunnel_of(const struct import *im, uint32_t id)
{
	size_t i;

	for (i = 0; i < im->n_tunnels; i++) {
		if (im->tunnels[i].id == id)
			return &im->tunnels[i];
	}
	return NULL;
}

/* IPv6 addresses have colons, which YAML would read. */
static const char *quoted(const struct ipaddr *a, char buf[static ADDR_STRLEN + 2])
{
	char text[ADDR_STRLEN];

	snprintf(buf, ADDR_STRLEN + 2, addr_is_v4(a) ? "%s" : "\"%s\"", addr_str(a, text));
	return buf;
}

static void print_listen(const struct import *im)
{
	char buf[ADDR_STRLEN + 2];
	const char *between = "";
	size_t i, j;

	printf("listen: [");
	for (i = 0; i < im->n_tunnels; i++) {
		for (j = 0; j < i && !addr_eq(&im->tunnels[i].local, &im->tunnels[j].local); j++)
			;
		if (j < i)
			continue;
		printf("%s%s", between, quoted(&im->tunnels[i].local, buf));
		between = ", ";
	}
	printf("]\n");
}

static void print_head(const struct import *im)
{
	printf("# Made by l2xdpctl import ip-l2tp of %zu sessions. What ip does not show:\n",
	       im->n_sessions);
	puts("#  - l2spec_type: a session that was made with `l2spec_type none` needs\n"
	     "#    sublayer: none\n"
	     "#  - what was set at the interfaces: addresses (attach: { address: [...] }), MTU,\n"
	     "#    bridges\n"
	     "# Delete sessions and tunnels from the kernel (ip l2tp del) before l2xdpd starts.");
	print_listen(im);
	printf("datapath:\n"
	       "  interfaces: [eth0]             # CHECK: the NICs by which the peers are reached\n"
	       "pseudowires:\n");
}

/* ---- one session ---- */

static bool name_taken(const struct import *im, const struct import_session *s)
{
	const struct import_session *other;

	for (other = im->sessions; other < im->sessions + im->n_sessions; other++) {
		if (other != s && !strcmp(other->interface, s->interface))
			return true;
	}
	return false;
}

static bool plain(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";

	return *name && strspn(name, letters) == strlen(name) && *name != '-' && *name != '.';
}

/* Quoted, since a name may be a number or a word of YAML's. */
static void print_name(const struct import *im, const struct import_session *s)
{
	if (plain(s->interface) && !name_taken(im, s))
		printf("  - name: \"%s\"\n", s->interface);
	else
		printf("  - name: session%u-%u\n", s->tunnel, s->id);
}

static void print_carrier(const struct import_tunnel *t)
{
	char buf[ADDR_STRLEN + 2];

	printf("    peer: %s\n", quoted(&t->peer, buf));
	printf("    local: %s\n", quoted(&t->local, buf));
	printf("    encapsulation: %s\n", t->udp ? "udp" : "ip");
	if (!t->udp)
		return;
	if (t->peer_port && t->peer_port != OUR_PORT)
		printf("    ports: { remote: %u }\n", t->peer_port);
	if (t->local_port != OUR_PORT)
		printf("    # CHECK: the peer sends to port %u here; l2xdpd listens at %u alone: "
		       "set "
		       "udp_dport %u there\n",
		       t->local_port, OUR_PORT, OUR_PORT);
	if (addr_is_v4(&t->peer) && t->checksum_tx)
		printf("    checksum: true\n");
	if (!addr_is_v4(&t->peer) && !t->checksum_tx)
		printf("    # the UDP checksum was off (udp6_csum_tx); l2xdpd sends it over IPv6 "
		       "always\n");
	if (!addr_is_v4(&t->peer) && !t->checksum_rx)
		printf("    # CHECK: packets without UDP checksum were taken (udp6_csum_rx off); "
		       "let the "
		       "peer send it\n");
}

static void print_cookies(const struct import_session *s, const struct import_session *before)
{
	const char *between = "";

	if (before && *s->cookie && !strcmp(s->cookie, before->cookie))
		printf("    # CHECK: the cookie that is sent is also that of session %u, which was "
		       "shown "
		       "before: some\n"
		       "    # versions of ip show it for a session that has none\n",
		       before->id);
	if (before && *s->peer_cookie && !strcmp(s->peer_cookie, before->peer_cookie))
		printf("    # CHECK: the cookie that is expected is also that of session %u, which "
		       "was "
		       "shown before:\n"
		       "    # some versions of ip show it for a session that has none\n",
		       before->id);
	if (!*s->cookie && !*s->peer_cookie)
		return;
	printf("    cookie: { ");
	if (*s->peer_cookie) {
		printf("local: \"%s\"", s->peer_cookie);
		between = ", ";
	}
	if (*s->cookie)
		printf("%sremote: \"%s\"", between, s->cookie);
	printf(" }\n");
}

static void print_session(const struct import *im, const struct import_session *s,
			  const struct import_tunnel *t)
{
	print_name(im, s);
	print_carrier(t);
	printf("    signalled: false\n"
	       "    session: { local: %u, remote: %u }\n",
	       s->id, s->peer_id);
	print_cookies(s, s > im->sessions ? s - 1 : NULL);
	if (s->send_seq || s->recv_seq)
		printf("    sequencing: %s\n", !s->recv_seq   ? "send"
					       : !s->send_seq ? "receive"
							      : "both");
	if (s->reorder_ms)
		printf("    # reorder timeout %u ms: frames out of order are dropped, not held\n",
		       s->reorder_ms);
	if (*s->interface)
		printf("    attach: { create: \"%s\" }\n", s->interface);
	else
		printf("    # CHECK: no interface was shown; is this an Ethernet pseudowire?\n"
		       "    attach: { create: l2tp%u }\n",
		       s->id);
}

bool import_print(const struct import *im)
{
	const struct import_session *s, *end = im->sessions + im->n_sessions;

	for (s = im->sessions; s < end; s++) {
		const struct import_tunnel *t = tunnel_of(im, s->tunnel);

		if (t && s->peer_id)
			continue;
		if (t)
			complain("session %u in tunnel %u: the peer's session was not shown; give "
				 "the "
				 "output of `ip l2tp show session` whole",
				 s->id, s->tunnel);
		else
			complain("session %u is in tunnel %u, which was not shown; give the output "
				 "of "
				 "`ip l2tp show tunnel` too",
				 s->id, s->tunnel);
		return false;
	}
	print_head(im);
	for (s = im->sessions; s < end; s++)
		print_session(im, s, tunnel_of(im, s->tunnel));
	return true;
}
