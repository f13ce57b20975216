/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pseudowires in the configuration (V3-LIN-10, V3-LIN-3, V3-LIN-4): every key arrives, every fault
 * is told with its line and remedy, and l2xdpctl's own file is checked with the rest.
 */
#include <errno.h>
#include <fcntl.h>
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
	"listen: [192.0.2.1, \"2001:db8::1\"]\n"                                                   \
	"datapath: { interfaces: [eth0, eth1] }\n"
#define ENTRY(rest)                                                                                \
	HEAD "pseudowires:\n"                                                                      \
	     "  - { name: a, peer: 198.51.100.7, signalled: false,\n"                              \
	     "      session: { local: 3, remote: 0x10 }, attach: { device: eth2 }" rest " }\n"

/* The example of a static one, as people are shown it. */
static void example_is_read(void **state)
{
	static const char text[] =
		HEAD "pseudowires:\n"
		     "  - name: vm3\n"
		     "    peer: \"2001:db8::7\"\n"
		     "    encapsulation: ip\n"
		     "    signalled: false\n"
		     "    session: { local: 3, remote: 7 }\n"
		     "    cookie: { local: \"0123456789abcdef\", remote: \"fedcba9876543210\" }\n"
		     "    sublayer: none                # none | default\n"
		     "    attach: { create: l2tpeth3, netns: vm3 }\n";
	struct config *c = parse(text);
	const struct pw_config *p = c->datapath.pseudowires;

	(void)state;
	assert_int_equal(c->datapath.n_pseudowires, 1);
	assert_ptr_equal(p, c->pseudowires);
	assert_int_equal(c->n_peers, 0);
	assert_string_equal(p->name, "vm3");
	expect_addr(&p->path.peer, "2001:db8::7");
	expect_addr(&p->path.local, "2001:db8::1");
	assert_int_equal(p->path.local_port, 0);
	assert_int_equal(p->path.peer_port, 0);
	assert_false(p->signalled);
	assert_int_equal(p->id, 3);
	assert_int_equal(p->peer_id, 7);
	assert_int_equal(p->cookie[0].len, 8);
	assert_memory_equal(p->cookie[0].b, "\x01\x23\x45\x67\x89\xab\xcd\xef", 8);
	assert_int_equal(p->cookie[1].len, 0);
	assert_memory_equal(p->peer_cookie.b, "\xfe\xdc\xba\x98\x76\x54\x32\x10", 8);
	assert_false(p->sublayer || p->peer_sublayer);
	assert_string_equal(p->circuit.device, "l2tpeth3");
	assert_string_equal(p->circuit.netns, "vm3");
	assert_true(p->circuit.create);
	assert_false(p->circuit.tap);
	config_free(c);
}

/* V3-LIN-3: what a bare kernel peer does; V3-LIN-6: no checksum over IPv4. */
static void defaults_are_those_of_ip_l2tp(void **state)
{
	struct config *c = parse(ENTRY(""));
	const struct pw_config *p = c->pseudowires;

	(void)state;
	expect_addr(&p->path.local, "192.0.2.1");
	assert_int_equal(p->path.local_port, 1701);
	assert_int_equal(p->path.peer_port, 1701);
	assert_int_equal(p->peer_id, 16);
	assert_int_equal(p->cookie[0].len + p->cookie[1].len + p->peer_cookie.len, 0);
	assert_true(p->sublayer && p->peer_sublayer);
	assert_false(p->seq_send || p->seq_receive || p->checksum || p->clamp_mss);
	assert_int_equal(p->large, PW_LARGE_FRAGMENT);
	assert_int_equal(p->mtu + p->bum_rate + (unsigned int)p->dscp, 0);
	assert_int_equal(p->circuit.vlan[0] + p->circuit.vlan[1], 0);
	assert_int_equal(p->circuit.tag, PW_TAG_REMOVE);
	assert_false(p->circuit.dot1ad || p->circuit.create);
	config_free(c);
}

static void every_key_arrives(void **state)
{
	struct config *c = parse(
		HEAD
		"pseudowires:\n"
		"  - name: a.b_c-1\n"
		"    peer: 198.51.100.7\n"
		"    local: 192.0.2.1\n"
		"    encapsulation: udp\n"
		"    ports: { local: 1701, remote: 5000 }\n"
		"    signalled: no\n"
		"    session: { local: 4294967295, remote: 0xFFFFFFFE }\n"
		"    cookie: { local: [01234567, 89abcdef], remote: none }\n"
		"    sublayer: { local: none, remote: default }\n"
		"    sequencing: send\n"
		"    checksum: true\n"
		"    too-large: icmp\n"
		"    mss-clamp: true\n"
		"    mtu: 1400\n"
		"    dscp: 46\n"
		"    bum-limit: 1000\n"
		"    attach: { device: eth1, vlan: [100, 7], tag: [200, 8], outer-tag: dot1q }\n"
		"  - { name: b, peer: 198.51.100.7, signalled: false, sequencing: both,\n"
		"      session: { local: 1, remote: 1 },\n"
		"      attach: { create: tap3, kind: tap, mtu: 1400,\n"
		"                address: [192.0.2.5/30, \"2001:db8:5::1/64\"] } }\n"
		"  - { name: c, peer: 198.51.100.8, signalled: false, sequencing: receive,\n"
		"      session: { local: 1, remote: 1 },\n"
		"      attach: { device: eth1, vlan: [100, 8], tag: keep } }\n");
	const struct pw_config *p = c->pseudowires;

	(void)state;
	assert_int_equal(c->datapath.n_pseudowires, 3);
	assert_int_equal(p->path.peer_port, 5000);
	assert_int_equal(p->id, 0xffffffff);
	assert_int_equal(p->peer_id, 0xfffffffe);
	assert_int_equal(p->cookie[0].len, 4);
	assert_memory_equal(p->cookie[0].b, "\x01\x23\x45\x67\0\0\0\0", 8);
	assert_memory_equal(p->cookie[1].b, "\x89\xab\xcd\xef\0\0\0\0", 8);
	assert_int_equal(p->peer_cookie.len, 0);
	assert_false(p->sublayer);
	assert_true(p->peer_sublayer && p->seq_send && !p->seq_receive && p->checksum);
	assert_int_equal(p->large, PW_LARGE_ICMP);
	assert_true(p->clamp_mss);
	assert_int_equal(p->mtu, 1400);
	assert_int_equal(p->dscp, 46);
	assert_int_equal(p->bum_rate, 1000);
	assert_int_equal(p->circuit.vlan[0], 100);
	assert_int_equal(p->circuit.vlan[1], 7);
	assert_int_equal(p->circuit.tag, PW_TAG_REWRITE);
	assert_int_equal(p->circuit.wire[0], 200);
	assert_int_equal(p->circuit.wire[1], 8);
	assert_false(p->circuit.dot1ad);
	assert_true(p[1].circuit.tap && p[1].circuit.create);
	assert_int_equal(p[1].circuit.mtu, 1400);
	assert_int_equal(p[1].circuit.n_addresses, 2);
	assert_int_equal(p[1].circuit.address[0].len, 30);
	expect_addr(&p[1].circuit.address[0].addr, "192.0.2.5");
	expect_addr(&p[1].circuit.address[1].addr, "2001:db8:5::1");
	assert_true(p[1].seq_send && p[1].seq_receive);
	assert_true(p[2].seq_receive && !p[2].seq_send);
	assert_int_equal(p[2].circuit.tag, PW_TAG_KEEP);
	assert_true(p[2].circuit.dot1ad);
	config_free(c);
}

/* IDs are told apart by peer and encapsulation; a device by its tags. */
static void what_differs_may_stand_side_by_side(void **state)
{
	struct config *c =
		parse(HEAD "pseudowires:\n"
			   "  - { name: a, peer: 198.51.100.7, signalled: false, session: { "
			   "local: 3, remote: 3 }, attach: { device: eth2 } }\n"
			   "  - { name: b, peer: 198.51.100.8, signalled: false, session: { "
			   "local: 3, remote: 3 }, attach: { device: eth2, vlan: 7 } }\n"
			   "  - { name: c, peer: 198.51.100.7, encapsulation: ip, signalled: "
			   "false, session: { local: 3, remote: 3 }, attach: { device: eth2, "
			   "vlan: [7, 7] } }\n"
			   "  - { name: d, peer: 198.51.100.7, ports: { remote: 1702 }, "
			   "signalled: false, session: { local: 3, remote: 3 }, attach: { "
			   "create: eth3, netns: x } }\n"
			   "  - { name: e, peer: 198.51.100.9, signalled: false, session: { "
			   "local: 3, remote: 3 }, attach: { create: eth3, netns: y } }\n");

	(void)state;
	assert_int_equal(c->datapath.n_pseudowires, 5);
	config_free(c);
	/* a host that gets all of them by l2xdpctl */
	c = parse(HEAD "pseudowires: []\n");
	assert_int_equal(c->datapath.n_pseudowires, 0);
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
	"    encapsulation: udp",
	"    signalled: false",
	"    session: { local: 3, remote: 7 }",
	"    cookie: { local: 01234567, remote: 89abcdef }",
	"    attach: { device: eth2 }", /* 10 */
	"  - name: b",
	"    peer: \"2001:db8::7\"",
	"    encapsulation: ip",
	"    signalled: false",
	"    session: { local: 3, remote: 7 }", /* 15 */
	"    sublayer: none",
	"    attach: { create: l2tpeth3, netns: vm3 }",
};
#define LINES (sizeof(good) / sizeof(good[0]))

static const struct fault_case cases[] = {
	/* keys and names */
	{ 6, "    encap: udp", 6, { "a pseudowire has no key encap", "it has name, peer, local" } },
	{ 6, "    sublayr: none", 6, { "no key sublayr", "did you mean sublayer?" } },
	{ 8, "    session: { locl: 3, remote: 7 }", 8, { "no key locl", "mean local?" } },
	{ 4, "  - encapsulation: udp\n    #", 4, { "a pseudowire has no name", "add name:" } },
	{ 4, "  - name: \"a b\"", 4, { "name is a b", "letters, digits" } },
	{ 4, "  - name: -a", 4, { "name is -a", "first" } },
	{ 4, "  - name: a/b", 4, { "name is a/b", "letters" } },
	{ 11, "  - name: a", 11, { "named a is there already, on line 4", "rename one" } },
	/* addresses */
	{ 5, "", 4, { "pseudowire a has no peer", "add peer: ADDRESS" } },
	{ 5, "    peer: 192.0.2.1", 5, { "peer 192.0.2.1 is one of our own", "other end's" } },
	{ 5, "    peer: 224.0.0.9", 5, { "not the address of one host", "" } },
	{ 5, "    peer: 198.51.100.7\n    local: 192.0.2.9", 6, { "not in listen", "add it" } },
	{ 5, "    peer: 198.51.100.7\n    local: \"2001:db8::1\"", 6, { "peer's family", "IPv4" } },
	{ 1, "listen: [192.0.2.1]", 12, { "listen has 0 IPv6 addresses", "add one" } },
	{ 1,
	  "listen: [192.0.2.1, 192.0.2.2, \"2001:db8::1\"]",
	  5,
	  { "listen has 2 IPv4 addresses", "local:" } },
	/* ports, encapsulation */
	{ 6, "    encapsulation: gre", 6, { "encapsulation is gre", "udp, ip" } },
	{ 6, "    ports: { local: 1702 }", 6, { "ports.local is 1702", "listens at 1701" } },
	{ 6, "    ports: { remote: 0 }", 6, { "remote is 0", "1 to 65535" } },
	{ 13,
	  "    encapsulation: ip\n    ports: { remote: 1701 }",
	  14,
	  { "those of UDP", "remove" } },
	/* signalled */
	{ 7, "    signalled: true", 8, { "session is for static", "signalled: false" } },
	{ 7, "", 9, { "cookie is for static", "cookie-octets is their length" } },
	{ 7, "    signalled: false\n    secret: x", 8, { "no control connection", "remove" } },
	{ 7, "    signalled: false\n    secret-file: x", 8, { "no control connection", "remove" } },
	{ 7,
	  "    signalled: false\n    remote-end-id: x",
	  8,
	  { "is told to the peer of a signalled", "remove" } },
	/* session */
	{ 8, "", 4, { "lacks a session ID", "add session: {" } },
	{ 8, "    session: { local: 3 }", 8, { "lacks a session ID", "remote: THEIRS" } },
	{ 8, "    session: { local: 0, remote: 7 }", 8, { "session.local is 0", "4294967295" } },
	{ 8,
	  "    session: { local: 4294967296, remote: 7 }",
	  8,
	  { "session.local", "0xffffffff" } },
	{ 8, "    session: { local: 3, remote: 0x100000000 }", 8, { "session.remote", "0x1 to" } },
	{ 8, "    session: { local: 3, remote: -1 }", 8, { "session.remote is -1", "1 to" } },
	{ 17,
	  "    attach: { create: l2tpeth3 }\n"
	  "  - { name: c, peer: 198.51.100.7, signalled: false,\n"
	  "      session: { local: 0x3, remote: 9 }, attach: { device: eth3 } }",
	  19,
	  { "session.local 3 is already that of pseudowire a", "on line 8; agree on another" } },
	/* cookies */
	{ 9, "    cookie: { local: 0123456 }", 9, { "cookie.local is no cookie", "8 or 16" } },
	{ 9, "    cookie: { remote: 0123456g }", 9, { "cookie.remote is no cookie", "or none" } },
	{ 9, "    cookie: { local: 0x012345 }", 9, { "no cookie", "hexadecimal" } },
	{ 9, "    cookie: { local: [01234567, 0123456789abcdef] }", 9, { "same length", "" } },
	{ 9, "    cookie: { local: [01234567, 01234567] }", 9, { "the same twice", "remove one" } },
	{ 9, "    cookie: { local: [01234567, 01234568, 01234569] }", 9, { "3 entries", "2 are" } },
	{ 9, "    cookie: 01234567", 9, { "cookie is a group of keys", "" } },
	{ 9, "    cookie: { remote: [01234567] }", 9, { "one value, not a list", "" } },
	/* sublayer, sequencing: V3-SUB-5 */
	{ 16, "    sublayer: cisco", 16, { "sublayer is cisco", "none, default" } },
	{ 16, "    sublayer: none\n    sequencing: send", 17, { "what is sent needs", "default" } },
	{ 16,
	  "    sublayer: { local: none }\n    sequencing: both",
	  17,
	  { "what arrives needs", "sequencing: send" } },
	{ 16, "    sequencing: always", 16, { "sequencing is always", "none, send, receive" } },
	/* checksum: V3-LIN-6 */
	{ 16, "    checksum: true", 16, { "directly over IP there is none", "remove" } },
	{ 13, "    checksum: false", 13, { "over IPv6 UDP has one always", "remove" } },
	/* the circuit */
	{ 10, "", 4, { "attached to nothing", "attach: { device: NAME }" } },
	{ 10, "    attach: {}", 10, { "attached to nothing", "create: NAME" } },
	{ 10,
	  "    attach: { device: eth2, create: x }",
	  10,
	  { "device and create", "remove one" } },
	{ 10,
	  "    attach: { device: this-name-is-too-long }",
	  10,
	  { "cannot be an interface", "" } },
	{ 10, "    attach: { device: eth2/x }", 10, { "cannot be an interface", "ip link" } },
	{ 10, "    attach: { device: eth0 }", 10, { "as a whole it would take", "add vlan:" } },
	{ 10, "    attach: { create: eth0 }", 10, { "is there already", "another name" } },
	{ 10, "    attach: { device: l2tp0 }", 10, { "l2xdpd's own", "another device" } },
	{ 10, "    attach: { device: lo }", 10, { "loopback", "another device" } },
	{ 10, "    attach: { device: eth2, vlan: 0 }", 10, { "vlan: 0 is no VLAN", "1 to 4094" } },
	{ 10, "    attach: { device: eth2, vlan: 4095 }", 10, { "4095 is no VLAN", "" } },
	{ 10, "    attach: { device: eth2, vlan: [1, 2, 3] }", 10, { "3 entries", "2 are" } },
	{ 10, "    attach: { device: eth2, vlan: [] }", 10, { "empty list", "remove" } },
	{ 10,
	  "    attach: { device: eth2, vlan: 7, tag: push }",
	  10,
	  { "tag: push", "remove, keep, 1 to 4094" } },
	{ 10, "    attach: { device: eth2, tag: keep }", 10, { "tags of a VLAN", "add vlan:" } },
	{ 10, "    attach: { device: eth2, vlan: 7, outer-tag: dot1q }", 10, { "two VLANs", "" } },
	{ 10,
	  "    attach: { device: eth2, vlan: [7, 8], outer-tag: qinq }",
	  10,
	  { "outer-tag is qinq", "dot1q, dot1ad" } },
	{ 10, "    attach: { device: eth2, netns: x }", 10, { "attach.netns is for", "create:" } },
	{ 10,
	  "    attach: { device: eth2, kind: tap }",
	  10,
	  { "attach.kind is for", "remove kind" } },
	{ 10, "    attach: { device: eth2, address: 192.0.2.5/30 }", 10, { "attach.address", "" } },
	{ 10, "    attach: { device: eth2, mtu: 1400 }", 10, { "attach.mtu is for", "create:" } },
	{ 10, "    attach: { create: x, kind: bridge }", 10, { "kind is bridge", "veth, tap" } },
	{ 10, "    attach: { create: x, netns: a/b }", 10, { "netns is a/b", "without a slash" } },
	{ 10, "    attach: { create: x, netns: .. }", 10, { "netns is ..", "ip netns" } },
	{ 10,
	  "    attach: { create: x, address: 192.0.2.5/33 }",
	  10,
	  { "no address of a link", "" } },
	{ 10, "    attach: { create: x, address: 0.0.0.0/8 }", 10, { "no address of a link", "" } },
	{ 10, "    attach: { create: x, mtu: 100 }", 10, { "mtu is 100", "576 to 65535" } },
	{ 17,
	  "    attach: { device: eth2 }",
	  17,
	  { "eth2 is already the circuit of pseudowire a, on line 10", "one pseudowire" } },
	{ 10, "    attach: { create: l2tpeth3, netns: vm3 }", 17, { "l2tpeth3 is already", "" } },
	{ 17,
	  "    attach: { create: eth2, vlan: 7 }",
	  10,
	  { "eth2 is also the device of pseudowire b", "name another" } },
	{ 10,
	  "    attach: { create: x, kind: tap, netns: y }",
	  10,
	  { "cannot be in another namespace", "remove netns" } },
	/* the rest */
	{ 16, "    too-large: drop", 16, { "too-large is drop", "fragment, icmp" } },
	{ 16, "    mtu: 100", 16, { "mtu is 100", "576 to 65535" } },
	{ 16, "    dscp: 64", 16, { "dscp is 64", "0 to 63" } },
	{ 16, "    dscp: copy", 16, { "dscp is copy", "whole number" } },
	{ 16, "    bum-limit: many", 16, { "bum-limit is many", "whole number" } },
	{ 2, "datapath: { interfaces: [eth0], mode: tc }", 2, { "mode: tc has none", "auto" } },
	{ 2, "datapath: { interfaces: [eth0], mode: off }", 2, { "mode: off has none", "auto" } },
	{ 2,
	  "datapath: { interfaces: [eth0], circuit-devices: [a/b] }",
	  2,
	  { "a/b cannot be", "" } },
	{ 3, "pseudowires: 7\nlimits:", 3, { "pseudowires is a list", "" } },
};

static void file_of_the_cases_is_good(void **state)
{
	struct config *c = parse_good(good, LINES);

	(void)state;
	assert_int_equal(c->datapath.n_pseudowires, 2);
	config_free(c);
}

static void every_fault_has_line_and_remedy(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_fault(&cases[i], good, LINES);
}

static void cookies_are_never_told(void **state)
{
	static const char text[] = ENTRY(", cookie: { local: 0badc00kie }");
	struct config *c = NULL;
	char err[4096];

	(void)state;
	assert_int_equal(config_parse("f", text, strlen(text), &c, err, sizeof(err)), -EINVAL);
	assert_null(strstr(err, "0badc00kie"));
}

/* As many as a file holds; they are sorted, not compared each with each. */
static void fifteen_thousand_are_no_matter(void **state)
{
	static const char line[] =
		"  - {name: p%u, peer: 198.51.100.7, signalled: false, session: "
		"{local: %u, remote: 1}, attach: {device: eth2, vlan: [%u, %u]}}\n";
	char *text = malloc(4u << 20);
	struct config *c;
	size_t used;
	unsigned int i;

	(void)state;
	assert_non_null(text);
	used = (size_t)sprintf(text, "%spseudowires:\n", HEAD);
	for (i = 0; i < 15000; i++)
		used += (size_t)sprintf(text + used, line, i, i + 1, 1 + i / 4000, 1 + i % 4000);
	c = parse(text);
	assert_int_equal(c->datapath.n_pseudowires, 15000);
	assert_int_equal(c->pseudowires[14999].circuit.vlan[1], 3000);
	config_free(c);
	free(text);
}

/* ---- l2xdpctl's own file ---- */

struct fixture {
	char dir[32], config[64], managed[64], changed[64];
};

static void read_text(const char *path, char *ret, size_t len)
{
	FILE *f = fopen(path, "r");
	size_t n;

	assert_non_null(f);
	n = fread(ret, 1, len - 1, f);
	ret[n] = '\0';
	fclose(f);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char text[1024];

	assert_non_null(f);
	strcpy(f->dir, "/tmp/managed-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->config, sizeof(f->config), "%s/f.yaml", f->dir);
	snprintf(f->managed, sizeof(f->managed), "%s/" MANAGED_FILE, f->dir);
	snprintf(f->changed, sizeof(f->changed), "%s/" MANAGED_CHANGED, f->dir);
	snprintf(text, sizeof(text),
		 "listen: 192.0.2.1\n"
		 "datapath: { interfaces: eth0, circuit-devices: [eth2, eth3] }\n"
		 "state-directory: %s\n"
		 "pseudowires:\n"
		 "  - { name: own, peer: 198.51.100.7, signalled: false, session: { local: 3, "
		 "remote: 3 }, attach: { device: eth9 } }\n",
		 f->dir);
	write_file(f->config, text);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	unlink(f->config);
	unlink(f->managed);
	unlink(f->changed);
	assert_int_equal(rmdir(f->dir), 0);
	free(f);
	return 0;
}

#define ADDED(name, id, attach)                                                                    \
	"{\"name\":\"" name "\",\"peer\":\"198.51.100.7\",\"signalled\":false,\"session\":{"       \
	"\"local\":" id ",\"remote\":4},\"attach\":" attach "}"

static void change(const struct fixture *f, int rc, const char *name, const char *entry,
		   const char *says)
{
	char text[1024] = "";
	int got = managed_change(f->dir, name, entry, text, sizeof(text));

	if (got != rc || (says && !strstr(text, says)))
		fail_msg("%s: %d \"%s\", not %d \"%s\"", name, got, text, rc, says);
}

static void take(const struct fixture *f, unsigned int n)
{
	struct config *c = NULL;
	char err[4096];

	if (config_load_changed(f->config, &c, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(c->datapath.n_pseudowires, n);
	config_free(c);
	c = NULL;
	assert_int_equal(managed_take(f->dir), 0);
	if (config_load(f->config, &c, err, sizeof(err)))
		fail_msg("%s", err);
	assert_int_equal(c->datapath.n_pseudowires, n);
	config_free(c);
}

static void what_is_added_and_removed_is_read(void **state)
{
	const struct fixture *f = *state;
	struct config *c = NULL;
	char err[4096], text[4096];
	struct stat st;

	change(f, 0, "vm3", ADDED("vm3", "4", "{\"create\":\"x\"}"), NULL);
	assert_int_equal(stat(f->changed, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* asked for is not taken */
	assert_int_equal(config_load(f->config, &c, err, sizeof(err)), 0);
	assert_int_equal(c->datapath.n_pseudowires, 1);
	config_free(c);
	take(f, 2);
	change(f, 0, "vm4", ADDED("vm4", "5", "{\"device\":\"eth2\"}"), NULL);
	take(f, 3);
	change(f, -EEXIST, "vm4", ADDED("vm4", "6", "{\"device\":\"eth3\"}"), "del vm4");
	change(f, -ENOENT, "vm", NULL, "no pseudowire vm in");
	change(f, -ENOENT, "own", NULL, "those of the configuration");
	change(f, 0, "vm3", NULL, NULL);
	take(f, 2);
	read_text(f->managed, text, sizeof(text));
	assert_null(strstr(text, "vm3"));
	assert_non_null(strstr(text, "pseudowires:\n  - {\"name\":\"vm4\","));
	change(f, 0, "vm4", NULL, NULL);
	take(f, 1);
	change(f, 0, "vm5", ADDED("vm5", "5", "{\"device\":\"eth2\"}"), NULL);
	managed_drop(f->dir);
	assert_int_equal(access(f->changed, F_OK), -1);
	c = NULL;
	assert_int_equal(config_load_changed(f->config, &c, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "No such file"));
}

static void refused(const struct fixture *f, const char *name, const char *entry, const char *says)
{
	struct config *c = NULL;
	char err[4096];

	change(f, 0, name, entry, NULL);
	if (config_load_changed(f->config, &c, err, sizeof(err)) != -EINVAL)
		fail_msg("%s is taken", entry);
	if (!strstr(err, says) || !strstr(err, "/" MANAGED_FILE ":4: "))
		fail_msg("\"%s\" does not say \"%s\"", err, says);
	managed_drop(f->dir);
}

/* Whoever may ask gets no more devices than are named, and no pseudowire of the configuration. */
static void both_files_are_checked_as_one(void **state)
{
	const struct fixture *f = *state;

	refused(f, "a", ADDED("a", "4", "{\"device\":\"eth4\"}"),
		"not in datapath.circuit-devices");
	refused(f, "a", ADDED("a", "4", "{\"device\":\"eth9\"}"),
		"eth9 is already the circuit of pseudowire own, on line 5 of /tmp/");
	refused(f, "own", ADDED("own", "4", "{\"device\":\"eth2\"}"), "named own is there already");
	refused(f, "a", ADDED("a", "3", "{\"device\":\"eth2\"}"), "session.local 3 is already");
	refused(f, "a", ADDED("a", "3", "{\"device\":\"eth2\",\"x\":1}"), "attach has no key x");
	refused(f, "a", "{\"name\":\"a\",\"peer\":\"198.51.100.9\"}", "is attached to nothing");
	refused(f, "a", ADDED("a", "4", "{\"create\":\"x\",\"address\":\"128.0.0.1/1\"}"),
		"an address on this host is not l2xdpctl's to give");
	change(f, 0, "a",
	       ADDED("a", "4", "{\"create\":\"x\",\"netns\":\"n\",\"address\":\"10.0.0.1/8\"}"),
	       NULL);
	take(f, 2);
}

static void only_lines_of_the_right_kind_are_written(void **state)
{
	const struct fixture *f = *state;
	char *large = malloc(MANAGED_ENTRY + 64);

	assert_non_null(large);
	change(f, -EINVAL, "a", "{\"name\":\"b\",\"peer\":1}", "no line of JSON");
	change(f, -EINVAL, "a", "{\"name\":\"a\",\"peer\":1}\nusers: /etc/shadow",
	       "no line of JSON");
	change(f, -EINVAL, "a", "{\"name\":\"a\",\"peer\":\"\xc3\xa9\"}", "no line of JSON");
	change(f, -EINVAL, "a\",\"b", "{}", "no name");
	change(f, -EINVAL, "", "{}", "no name");
	memset(large, ' ', MANAGED_ENTRY);
	memcpy(large, "{\"name\":\"a\",", 12);
	strcpy(large + MANAGED_ENTRY - 1, "}");
	change(f, -EINVAL, "a", large, "no line of JSON");
	strcpy(large + MANAGED_ENTRY - 2, "}");
	change(f, 0, "a", large, NULL);
	free(large);
	write_file(f->managed, "pseudowires:\n  - name: by-hand\n");
	change(f, -EINVAL, "a", NULL, ":2: this line was not written by l2xdpd");
}

/* The directory is the worker's: it must not show other files, nor wait. */
static void links_and_pipes_are_not_read(void **state)
{
	const struct fixture *f = *state;
	struct config *c = NULL;
	char err[4096], other[64];

	snprintf(other, sizeof(other), "%s/other", f->dir);
	write_file(other, "secrets: of somebody\n");
	assert_int_equal(symlink(other, f->managed), 0);
	assert_int_equal(config_load(f->config, &c, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "not a regular file of its own"));
	assert_null(strstr(err, "secrets"));
	change(f, -EINVAL, "a", ADDED("a", "4", "{\"create\":\"x\"}"), "not a regular file");
	unlink(f->managed);
	assert_int_equal(link(other, f->managed), 0);
	assert_int_equal(config_load(f->config, &c, err, sizeof(err)), -EINVAL);
	assert_null(strstr(err, "secrets"));
	unlink(f->managed);
	assert_int_equal(mkfifo(f->managed, 0600), 0);
	assert_int_equal(config_load(f->config, &c, err, sizeof(err)), -EINVAL);
	unlink(f->managed);
	/* what stands in the way of a change is removed, not written to */
	assert_int_equal(symlink(other, f->changed), 0);
	change(f, 0, "a", ADDED("a", "4", "{\"create\":\"x\"}"), NULL);
	read_text(other, err, sizeof(err));
	assert_string_equal(err, "secrets: of somebody\n");
	unlink(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(example_is_read),
		cmocka_unit_test(defaults_are_those_of_ip_l2tp),
		cmocka_unit_test(every_key_arrives),
		cmocka_unit_test(what_differs_may_stand_side_by_side),
		cmocka_unit_test(file_of_the_cases_is_good),
		cmocka_unit_test(every_fault_has_line_and_remedy),
		cmocka_unit_test(cookies_are_never_told),
		cmocka_unit_test(fifteen_thousand_are_no_matter),
		cmocka_unit_test_setup_teardown(what_is_added_and_removed_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(both_files_are_checked_as_one, setup, teardown),
		cmocka_unit_test_setup_teardown(only_lines_of_the_right_kind_are_written, setup,
						teardown),
		cmocka_unit_test_setup_teardown(links_and_pipes_are_not_read, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
