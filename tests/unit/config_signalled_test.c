/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Signalled pseudowires in the configuration, and static ones with keepalive: every key arrives at
 * the control connection it concerns, those of one peer share one, and every fault is told with its
 * line and remedy.
 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "loader/control/config.h"
#include "loader/control/managed.h"
#include "tests/unit/config_world.h"

/* ---- what is good ---- */

#define HEAD                                                                                       \
	"hostname: lns1\n"                                                                         \
	"listen: [\"2001:db8::1\", 192.0.2.1]\n"                                                   \
	"datapath: { interfaces: [eth0, eth1] }\n"                                                 \
	"pseudowires:\n"
#define ENTRY(name, peer, rest)                                                                    \
	"  - { name: " name ", peer: " peer ", attach: { create: x" name " }" rest " }\n"

static void expect_end_id(const struct config_signal *s, const void *id, size_t len)
{
	assert_int_equal(s->end_id_len, len);
	assert_memory_equal(s->end_id, id, len);
}

/* The one that people were shown first. */
static void example_is_read(void **state)
{
	struct config *c = parse(HEAD "  - name: branch7\n"
				      "    peer: 198.51.100.7\n"
				      "    encapsulation: udp            # udp | ip\n"
				      "    signalled: true               # false: static\n"
				      "    secret: s3cret\n"
				      "    remote-end-id: branch7\n"
				      "    attach: { device: eth2, vlan: 107 }\n");
	const struct pw_config *p = c->pseudowires;
	const struct config_wire *w = c->wires;

	(void)state;
	assert_int_equal(c->datapath.n_pseudowires, 1);
	assert_true(p->signalled && p->sublayer);
	assert_int_equal(p->id + p->peer_id + p->cookie[0].len + p->peer_cookie.len, 0);
	assert_int_equal(p->path.peer_port, 1701);
	assert_int_equal(c->n_wires, 1);
	assert_string_equal(w->name, "branch7");
	assert_true(path_eq(&w->path, &p->path));
	assert_int_equal(w->peer.len, 32);
	expect_addr(&w->peer.addr, "198.51.100.7");
	expect_addr(&w->path.local, "192.0.2.1");
	assert_true(w->dial);
	assert_null(w->expect_hostname);
	assert_int_equal(w->n_pw, 1);
	assert_int_equal(w->pw[0], 0);
	assert_int_equal(c->signals[0].wire, 0);
	assert_false(c->signals[0].keepalive);
	expect_end_id(&c->signals[0], "branch7", 7);
	assert_int_equal(c->signals[0].pw_type, L2TP3_PW_ETHERNET);
	assert_int_equal(c->signals[0].cookie_len, 8);
	/* whom the hook polices with strangers no more */
	assert_int_equal(c->datapath.n_peers, 1);
	expect_addr(&c->datapath.peers[0].addr, "198.51.100.7");
	config_free(c);
}

static void connection_has_what_it_needs(void **state)
{
	struct config *c = parse(HEAD ENTRY("a", "198.51.100.7", ", secret: s3cret"));
	const struct l2tp3_peer *l = &c->wires[0].l2tp;

	(void)state;
	assert_string_equal(l->name, "a");
	assert_string_equal(l->hostname, "lns1");
	assert_null(l->expect_hostname);
	assert_int_equal(l->router_id, 0xc0000201);
	assert_int_equal(l->secret[0].len, 6);
	assert_memory_equal(l->secret[0].b, "s3cret", 6);
	assert_int_equal(l->secret[1].len, 0);
	assert_int_equal(l->digest, L2TP3_MD5);
	assert_false(l->hide || l->v2_fallback || l->cisco_drafts || l->yamaha_header);
	assert_int_equal(l->hello_ms, 60000);
	assert_ptr_equal(l->user, &c->wires[0]);
	assert_int_equal(l->max_tunnels, 4);
	config_free(c);
	/* without IPv4 there is no address for it */
	c = parse("listen: \"2001:db8::1\"\nhostname: a\ndatapath: { interfaces: eth0 }\n"
		  "pseudowires:\n" ENTRY("a", "\"2001:db8::7\"", ""));
	assert_int_equal(c->wires[0].l2tp.router_id, 0xe40c292c); /* FNV-1a of "a" */
	assert_int_equal(c->wires[0].l2tp.secret[0].len, 0);
	config_free(c);
}

static void every_key_arrives(void **state)
{
	struct config *c = parse(HEAD "  - name: a\n"
				      "    peer: 198.51.100.7\n"
				      "    local: 192.0.2.1\n"
				      "    secret: new\n"
				      "    previous-secret: old\n"
				      "    remote-end-id: 258\n"
				      "    peer-host-name: branch.example\n"
				      "    host-name: center.example\n"
				      "    cookie-octets: 4\n"
				      "    type: vlan\n"
				      "    digest: sha1\n"
				      "    hide-avps: true\n"
				      "    dial: false\n"
				      "    hello: 0\n"
				      "    v2-fallback: true\n"
				      "    cisco-draft-avps: true\n"
				      "    yamaha-header: true\n"
				      "    sublayer: { local: default }\n"
				      "    sequencing: both\n"
				      "    checksum: true\n"
				      "    attach: { device: eth2, vlan: 7, tag: keep }\n");
	const struct config_wire *w = c->wires;
	const struct l2tp3_peer *l = &w->l2tp;

	(void)state;
	assert_string_equal(w->secret[0], "new");
	assert_string_equal(w->secret[1], "old");
	assert_int_equal(l->secret[1].len, 3);
	expect_end_id(&c->signals[0], "\0\0\1\2", 4);
	assert_string_equal(l->expect_hostname, "branch.example");
	assert_string_equal(l->hostname, "center.example");
	assert_int_equal(c->signals[0].cookie_len, 4);
	assert_int_equal(c->signals[0].pw_type, L2TP3_PW_VLAN);
	assert_int_equal(l->digest, L2TP3_SHA1);
	assert_true(l->hide && l->v2_fallback && l->cisco_drafts && l->yamaha_header);
	assert_false(w->dial);
	assert_int_equal(l->hello_ms, 0);
	assert_true(c->pseudowires[0].sublayer && c->pseudowires[0].seq_receive);
	assert_true(c->pseudowires[0].checksum);
	config_free(c);
}

static void remote_end_ids_are_texts_or_numbers(void **state)
{
	struct config *c = parse(
		HEAD ENTRY("17", "198.51.100.7", "")
			ENTRY("b", "198.51.100.7", ", remote-end-id: 17")
				ENTRY("c", "198.51.100.7", ", remote-end-id: 4294967295")
					ENTRY("d", "198.51.100.7", ", remote-end-id: \"18\""));

	(void)state;
	expect_end_id(&c->signals[0], "17", 2);
	expect_end_id(&c->signals[1], "\0\0\0\x11", 4);
	expect_end_id(&c->signals[2], "\xff\xff\xff\xff", 4);
	expect_end_id(&c->signals[3], "18", 2);
	config_free(c);
}

/* What concerns the connection is said by one, or by several alike. */
static void one_peer_has_one_connection(void **state)
{
	struct config *c = parse(
		HEAD ENTRY("a", "198.51.100.7", "") ENTRY("b", "198.51.100.8", ", secret: x")
			ENTRY("c", "198.51.100.7", ", secret: y, hello: 10, peer-host-name: r7")
				ENTRY("d", "198.51.100.7", ", hello: 10, encapsulation: udp") ENTRY(
					"e", "198.51.100.7", ", encapsulation: ip, secret: z"));
	static const char *const secrets[] = { "y", "x", "y", "y", "z" };
	const struct config_wire *w;
	unsigned int i;

	(void)state;
	assert_int_equal(c->n_wires, 3);
	for (i = 0; i < 5; i++)
		assert_string_equal(c->wires[c->signals[i].wire].secret[0], secrets[i]);
	w = &c->wires[c->signals[0].wire];
	assert_string_equal(w->name, "a");
	assert_int_equal(w->n_pw, 3);
	assert_int_equal(w->pw[0], 0);
	assert_int_equal(w->pw[1], 2);
	assert_int_equal(w->pw[2], 3);
	assert_int_equal(w->l2tp.hello_ms, 10000);
	assert_string_equal(w->expect_hostname, "r7");
	w = &c->wires[c->signals[4].wire];
	assert_int_equal(w->path.peer_port + w->path.local_port, 0);
	/* an address stands there once */
	assert_int_equal(c->datapath.n_peers, 2);
	config_free(c);
}

static void peers_behind_nat_are_waited_for(void **state)
{
	struct config *c = parse(
		HEAD ENTRY("a", "any", ", local: 192.0.2.1, secret: x, peer-host-name: a1")
			ENTRY("b", "\"::/0\"",
			      ", secret: y") ENTRY("c", "198.51.100.0/24",
						   ", secret: x, dial: false, peer-host-name: c1")
				ENTRY("d", "198.51.100.0/24", ", secret: y, peer-host-name: d1")
					ENTRY("e", "198.51.100.9/32", ""));
	const struct config_wire *w = &c->wires[c->signals[0].wire];

	(void)state;
	assert_int_equal(c->n_wires, 5);
	assert_false(w->dial || addr_is_set(&w->path.peer));
	assert_true(addr_is_v4(&w->peer.addr));
	assert_int_equal(w->peer.len, 0);
	expect_addr(&w->path.local, "192.0.2.1");
	w = &c->wires[c->signals[1].wire];
	assert_false(w->dial || addr_is_v4(&w->peer.addr));
	expect_addr(&w->path.local, "2001:db8::1");
	assert_false(addr_is_set(&c->pseudowires[2].path.peer));
	assert_string_not_equal(c->wires[c->signals[2].wire].secret[0],
				c->wires[c->signals[3].wire].secret[0]);
	assert_true(c->wires[c->signals[4].wire].dial);
	/* whoever is everybody has no lane of their own */
	assert_int_equal(c->datapath.n_peers, 2);
	config_free(c);
	c = parse("listen: 192.0.2.1\ndatapath: { interfaces: eth0 }\n"
		  "pseudowires:\n" ENTRY("a", "any", ", secret: x"));
	assert_true(addr_is_v4(&c->wires[0].peer.addr));
	assert_int_equal(c->wires[0].l2tp.max_tunnels, 1 + 8);
	config_free(c);
}

#define STATIC ", signalled: false, session: { local: 3, remote: 4 }"

static void static_ones_may_be_kept_alive(void **state)
{
	struct config *c = parse(HEAD ENTRY("a", "198.51.100.7", STATIC) ENTRY(
		"b", "198.51.100.8", STATIC ", keepalive: true, secret: x, hello: 5, dial: false")
					 ENTRY("c", "198.51.100.9",
					       STATIC ", keepalive: true, ports: { remote: 5000 }")
						 ENTRY("d", "198.51.100.8", ""));
	const struct config_wire *w = &c->wires[c->signals[1].wire];

	(void)state;
	assert_int_equal(c->n_wires, 2);
	assert_int_equal(c->signals[0].wire, UINT_MAX);
	assert_false(c->signals[0].keepalive);
	assert_true(c->signals[1].keepalive && c->signals[2].keepalive);
	assert_int_equal(c->signals[1].end_id_len, 0);
	assert_int_equal(w->l2tp.hello_ms, 5000);
	assert_string_equal(w->secret[0], "x");
	assert_false(w->dial);
	assert_int_equal(w->n_pw, 2);
	assert_ptr_equal(w, &c->wires[c->signals[3].wire]);
	assert_false(c->signals[3].keepalive);
	assert_int_equal(c->wires[c->signals[2].wire].path.peer_port, 5000);
	config_free(c);
}

static void none_is_none(void **state)
{
	struct config *c = parse(HEAD ENTRY("a", "198.51.100.7", STATIC));

	(void)state;
	assert_int_equal(c->n_wires, 0);
	config_free(c);
}

/* ---- what is not ---- */

/* Line by line; a case replaces one line, and names the line of the fault. */
static const char *const good[] = {
	"listen: [192.0.2.1, \"2001:db8::1\"]", /* 1 */
	"datapath: { interfaces: [eth0, eth1] }",
	"pseudowires:",
	"  - name: a",
	"    peer: 198.51.100.7", /* 5 */
	"    secret: s3cret",
	"    remote-end-id: here",
	"    attach: { device: eth2, vlan: 7 }",
	"  - name: b",
	"    peer: 198.51.100.7", /* 10 */
	"    hello: 60",
	"    attach: { device: eth2, vlan: 8 }",
	"  - name: c",
	"    peer: 198.51.100.8",
	"    encapsulation: ip", /* 15 */
	"    attach: { create: x }",
	"  - name: d",
	"    peer: 198.51.100.9",
	"    signalled: false",
	"    session: { local: 3, remote: 7 }", /* 20 */
	"    attach: { create: y }",
};
#define LINES (sizeof(good) / sizeof(good[0]))

static const struct fault_case cases[] = {
	/* values */
	{ 11, "    helo: 60", 11, { "no key helo", "did you mean hello?" } },
	{ 11, "    wrongness: 60", 11, { "it has name, peer", "l2xdpd.conf(5)" } },
	{ 11, "    hello: 86401", 11, { "hello is 86401", "0 to 86400" } },
	{ 11, "    hello: soon", 11, { "hello is soon", "whole number" } },
	{ 11, "    digest: sha256", 11, { "digest is sha256", "md5, sha1" } },
	{ 11, "    type: ppp", 11, { "type is ppp", "ethernet, vlan" } },
	{ 11, "    cookie-octets: 5", 11, { "cookie-octets is 5", "0, 4, 8" } },
	{ 11, "    dial: later", 11, { "dial is later", "true or false" } },
	{ 11, "    hide-avps: 2", 11, { "hide-avps is 2", "true or false" } },
	{ 11, "    keepalive: x", 11, { "keepalive is x", "true or false" } },
	{ 11, "    v2-fallback: x", 11, { "v2-fallback is x", "true or false" } },
	{ 11, "    secret: \"\"", 11, { "secret is empty", "give it a value" } },
	{ 11, "    host-name: \"a\\tb\"", 11, { "host-name holds control", "printable" } },
	{ 11, "    peer-host-name: [a]", 11, { "one value, not a list", "" } },
	{ 7, "    remote-end-id: 0", 7, { "remote-end-id is 0", "in quotes" } },
	{ 7, "    remote-end-id: 007", 7, { "remote-end-id is 007", "in quotes" } },
	{ 7, "    remote-end-id: 4294967296", 7, { "4294967296", "1 to 4294967295" } },
	{ 7, "    remote-end-id: \"\"", 7, { "remote-end-id is empty", "" } },
	{ 7,
	  "    remote-end-id: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
	  7,
	  { "has 65 octets", "1 to 64" } },
	/* those of static ones */
	{ 11, "    session: { local: 3, remote: 7 }", 11, { "session is for static", "remove" } },
	{ 11, "    cookie: { local: 01234567 }", 11, { "cookie is for", "cookie-octets" } },
	{ 11, "    ports: { remote: 1702 }", 11, { "ports is for static", "port 1701" } },
	{ 11, "    keepalive: true", 11, { "keepalive is for static", "hello" } },
	{ 11, "    sublayer: { remote: none }", 11, { "sublayer.remote is for", "remove" } },
	{ 11, "    sequencing: send", 11, { "sequencing: send is for", "peer asks" } },
	{ 11,
	  "    sequencing: receive\n    sublayer: none",
	  11,
	  { "needs its sublayer", "sequencing: none" } },
	/* those of signalled ones */
	{ 20,
	  "    session: { local: 3, remote: 7 }\n    cookie-octets: 8",
	  21,
	  { "cookie-octets is told to the peer", "signalled: true" } },
	{ 19, "    signalled: false\n    type: vlan", 20, { "type is told", "remove it" } },
	{ 19, "    signalled: false\n    hello: 5", 20, { "hello, and a static", "keepalive" } },
	{ 19, "    signalled: false\n    dial: true", 20, { "dial, and a static", "keepalive" } },
	{ 19,
	  "    signalled: false\n    keepalive: true\n    remote-end-id: 5",
	  21,
	  { "remote-end-id is told", "remove it" } },
	{ 18, "    peer: 198.51.100.0/24", 18, { "range of addresses", "write its address" } },
	{ 18, "    peer: any\n    local: 192.0.2.1", 18, { "range of addresses", "its address" } },
	/* secrets */
	{ 6, "    secret: a\n    secret-file: b", 7, { "beside secret on line 6", "remove one" } },
	{ 6,
	  "    secret: a\n    previous-secret: b\n    previous-secret-file: c",
	  8,
	  { "beside previous-secret on line 7", "remove one" } },
	{ 6, "    previous-secret: a", 6, { "there is no new one", "add secret:" } },
	{ 6, "    hide-avps: true", 6, { "hide-avps needs a secret", "add secret:" } },
	{ 6, "    secret: a\n    previous-secret: a", 7, { "the secret that there is", "remove" } },
	{ 6, "    secret-file: /nonexistent/s", 6, { "No such file", "readable file" } },
	{ 6,
	  "    secret: a\n    previous-secret-file: /nonexistent/s",
	  7,
	  { "previous-secret-file /nonexistent/s", "readable file" } },
	/* one connection */
	{ 11, "    secret: other", 11, { "than that of pseudowire a", "on line 6; say it once" } },
	{ 11, "    secret-file: /x", 11, { "pseudowire a of the same", "on line 6; remove one" } },
	{ 6, "    hello: 5", 11, { "hello is another than", "on line 6; say it once" } },
	{ 11, "    remote-end-id: here", 11, { "pseudowire a of the same peer", "line 7; agree" } },
	{ 7, "    remote-end-id: b", 9, { "has this remote-end-id already, on line 7", "agree" } },
	{ 11,
	  "    peer-host-name: x\n"
	  "    attach: { create: z }\n"
	  "  - name: e\n"
	  "    peer: 198.51.100.7\n"
	  "    peer-host-name: y",
	  5,
	  { "several peers have this address", "add peer-host-name:" } },
	{ 15,
	  "    encapsulation: ip\n"
	  "    peer-host-name: x\n"
	  "    attach: { create: z }\n"
	  "  - name: e\n"
	  "    peer: 198.51.100.8\n"
	  "    encapsulation: ip\n"
	  "    peer-host-name: y",
	  21,
	  { "pseudowires c and e dial one address", "dial: false" } },
	/* who, and where */
	{ 5, "    peer: 198.51.100.7/24", 5, { "bits set behind its length", "to 0" } },
	{ 5, "    peer: everybody", 5, { "is no address", "192.0.2.1" } },
	{ 5, "    peer: any", 5, { "addresses of both families", "local:" } },
	{ 14, "    peer: 198.51.100.0/24", 14, { "range of addresses", "add secret:" } },
	{ 14,
	  "    peer: 198.51.100.0/24\n    secret: x\n    dial: true",
	  16,
	  { "cannot be dialled", "dial: false" } },
	{ 14,
	  "    peer: \"2001:db8::/32\"\n    secret: x\n    local: 192.0.2.1",
	  16,
	  { "not of the peer's family", "IPv6" } },
	{ 15, "    encapsulation: ip\n    v2-fallback: yes", 16, { "for UDP", "remove it" } },
	{ 15, "    encapsulation: ip\n    yamaha-header: yes", 16, { "for UDP", "udp" } },
	{ 11, "    type: vlan", 11, { "attach removes it", "tag: keep" } },
};

static void file_of_the_cases_is_good(void **state)
{
	struct config *c = parse_good(good, LINES);

	(void)state;
	assert_int_equal(c->datapath.n_pseudowires, 4);
	assert_int_equal(c->n_wires, 2);
	config_free(c);
}

static void every_fault_has_line_and_remedy(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_fault(&cases[i], good, LINES);
}

static void secrets_are_never_told(void **state)
{
	static const char text[] =
		HEAD ENTRY("a", "198.51.100.7", ", secret: hush1, previous-secret: hush1")
			ENTRY("b", "198.51.100.7", ", secret: hush2, hello: x")
				ENTRY("c", "198.51.100.8", ", secret: [hush3]");
	struct config *c = NULL;
	char err[4096];

	(void)state;
	assert_int_equal(config_parse("f", text, strlen(text), &c, err, sizeof(err)), -EINVAL);
	assert_null(strstr(err, "hush"));
}

/* All of one peer, as a concentrator has them: sorted, not compared each with each. */
static void ten_thousand_are_no_matter(void **state)
{
	static const char line[] = "  - {name: p%u, peer: 198.51.%u.7, hello: 5, attach: {device: "
				   "eth2, vlan: [%u, %u]}}\n";
	char *text = malloc(4u << 20);
	struct config *c;
	size_t used;
	unsigned int i;

	(void)state;
	assert_non_null(text);
	used = (size_t)sprintf(text, "%s", HEAD);
	for (i = 0; i < 10000; i++)
		used += (size_t)sprintf(text + used, line, i, 100 + i % 2, 1 + i / 4000,
					1 + i % 4000);
	c = parse(text);
	assert_int_equal(c->n_wires, 2);
	assert_int_equal(c->wires[1].n_pw, 5000);
	assert_int_equal(c->wires[1].pw[4999], 9999);
	assert_int_equal(c->signals[9999].wire, 1);
	config_free(c);
	free(text);
}

/* ---- files ---- */

struct fixture {
	char dir[32], config[64], managed[64], secret[64], old[64];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	strcpy(f->dir, "/tmp/signal-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->config, sizeof(f->config), "%s/f.yaml", f->dir);
	snprintf(f->managed, sizeof(f->managed), "%s/" MANAGED_FILE, f->dir);
	snprintf(f->secret, sizeof(f->secret), "%s/secret", f->dir);
	snprintf(f->old, sizeof(f->old), "%s/old", f->dir);
	write_file(f->secret, "s3cret\n");
	write_file(f->old, "before\n");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->config);
	unlink(f->managed);
	unlink(f->secret);
	unlink(f->old);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

static void write_config(const struct fixture *f)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "listen: 192.0.2.1\ndatapath: { interfaces: eth0 }\nstate-directory: %s\n"
		 "pseudowires:\n"
		 "  - { name: a, peer: 198.51.100.7, secret-file: %s, previous-secret-file: %s,\n"
		 "      attach: { device: eth2 } }\n",
		 f->dir, f->secret, f->old);
	write_file(f->config, text);
}

static void secrets_are_read_from_files(void **state)
{
	const struct fixture *f = *state;
	struct config *c = NULL;
	char err[4096];

	write_config(f);
	assert_int_equal(config_load(f->config, &c, err, sizeof(err)), 0);
	assert_string_equal(c->wires[0].secret[0], "s3cret");
	assert_string_equal(c->wires[0].secret[1], "before");
	assert_int_equal(c->wires[0].l2tp.secret[1].len, 6);
	config_free(c);
	c = NULL;
	write_file(f->old, "s3cret\n");
	assert_int_equal(config_load(f->config, &c, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "the secret that there is"));
	write_file(f->old, "\n");
	assert_int_equal(config_load(f->config, &c, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "no secret of 1 to 255"));
	assert_null(strstr(err, "s3cret"));
}

/* Those of l2xdpctl join the connections of the configuration, but have no file read. */
static void both_files_are_checked_as_one(void **state)
{
	static const char entry[] =
		"pseudowires:\n  - {\"name\":\"b\",\"peer\":\"198.51.100.7\",\"signalled\":true,"
		"\"attach\":{\"create\":\"x\"}%s}\n";
	const struct fixture *f = *state;
	char err[4096], text[1024];
	struct config *c = NULL;

	write_config(f);
	snprintf(text, sizeof(text), entry, "");
	write_file(f->managed, text);
	if (config_load(f->config, &c, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(c->n_wires, 1);
	assert_int_equal(c->wires[0].n_pw, 2);
	config_free(c);
	c = NULL;
	snprintf(text, sizeof(text), entry, ",\"secret\":\"x\"");
	write_file(f->managed, text);
	assert_int_equal(config_load(f->config, &c, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "pseudowires.yaml:2: secret, and pseudowire a of the same"));
	snprintf(text, sizeof(text), entry, ",\"secret-file\":\"/etc/shadow\"");
	write_file(f->managed, text);
	assert_int_equal(config_load(f->config, &c, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "pseudowires.yaml:2: secret-file names files of the conf"));
	assert_null(strstr(err, "shadow"));
}

/* What has no room at the hook is told, and loads. */
static void more_peers_than_lanes(void **state)
{
	static char text[16384];
	struct config *c;
	size_t at = (size_t)snprintf(text, sizeof(text), "%s", HEAD);

	(void)state;
	for (unsigned int i = 0; i < L2X_MAX_PEERS + 6; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at,
				       "  - { name: p%u, peer: 198.51.%u.7, encapsulation: udp, "
				       "secret: x, attach: { create: p%u } }\n",
				       i, i, i);
	c = parse(text);
	assert_int_equal(c->n_wires, L2X_MAX_PEERS + 6);
	assert_int_equal(c->datapath.n_peers, L2X_MAX_PEERS);
	config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(more_peers_than_lanes),
		cmocka_unit_test(example_is_read),
		cmocka_unit_test(connection_has_what_it_needs),
		cmocka_unit_test(every_key_arrives),
		cmocka_unit_test(remote_end_ids_are_texts_or_numbers),
		cmocka_unit_test(one_peer_has_one_connection),
		cmocka_unit_test(peers_behind_nat_are_waited_for),
		cmocka_unit_test(static_ones_may_be_kept_alive),
		cmocka_unit_test(none_is_none),
		cmocka_unit_test(file_of_the_cases_is_good),
		cmocka_unit_test(every_fault_has_line_and_remedy),
		cmocka_unit_test(secrets_are_never_told),
		cmocka_unit_test(ten_thousand_are_no_matter),
		cmocka_unit_test_setup_teardown(secrets_are_read_from_files, setup, teardown),
		cmocka_unit_test_setup_teardown(both_files_are_checked_as_one, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
