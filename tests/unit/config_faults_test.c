/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every field of the configuration wrong, one at a time, and hostile files
 * (quirks.md, class Management): each is told with file, line and remedy.
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "loader/control/config.h"
#include "tests/unit/config_world.h"

/* Line by line; a case replaces one line, and names the line of the fault. */
static const char *const good[] = {
	"hostname: lns1.example.net", /* 1 */
	"listen: [192.0.2.1, \"2001:db8::1\"]",
	"datapath:",
	"  interfaces: [access0, core0]",
	"  shards: 1", /* 5 */
	"peers:",
	"  - name: carrier",
	"    address: 192.0.2.0/24",
	"    secret: s3cret",
	"    profile: home", /* 10 */
	"  - name: other",
	"    address: 198.51.100.0/24",
	"    profile: home",
	"profiles:",
	"  - name: home", /* 15 */
	"    local-address: 10.0.0.1",
	"    authentication: [chap]",
	"    pool: subscribers",
	"pools:",
	"  - name: subscribers", /* 20 */
	"    ipv4: [10.0.0.0/16]",
	"    ipv6: \"2001:db8:1000::/48\"",
	"users: /etc/ppp/chap-secrets",
	"log: info",
};
#define LINES (sizeof(good) / sizeof(good[0]))

static const struct fault_case cases[] = {
	/* keys */
	{ 24, "lgo: info", 24, { "has no key lgo", "did you mean log?" } },
	{ 24, "nonsense: 1", 24, { "has no key nonsense", "it has hostname, listen" } },
	{ 9, "    secrt: x", 9, { "a peer has no key secrt", "did you mean secret?" } },
	{ 16, "    local_address: 10.0.0.1", 16, { "local_address", "mean local-address?" } },
	{ 24, "hostname: again", 24, { "a second time", "on line 1" } },
	{ 24, "? [a, b]\n: c", 24, { "a key is a word", "" } },
	/* types */
	{ 1, "hostname: [a]", 1, { "hostname is one value, not a list", "" } },
	{ 1, "hostname:", 1, { "no value", "give one" } },
	{ 1, "hostname: ~", 1, { "no value", "" } },
	{ 1, "hostname: \"\"", 1, { "hostname is empty", "" } },
	{ 1, "hostname: \"a\\0b\"", 1, { "NUL", "remove" } },
	{ 1, "hostname: \"a\\nb\"", 1, { "control characters", "" } },
	{ 3, "datapath: 7\nlimits:", 3, { "datapath is a group of keys", "" } },
	{ 5, "  shards: two", 5, { "shards is two", "1 to 64" } },
	{ 5, "  shards: \"2\"", 5, { "remove the quotes", "" } },
	{ 5, "  shards: {a: 1}", 5, { "not a group of keys", "" } },
	{ 5, "  exclusive: maybe", 5, { "exclusive is maybe", "true or false" } },
	{ 24, "peers: 7", 24, { "second time", "" } },
	{ 24, "limits: {tunnels: -1}", 24, { "tunnels is -1", "1 to 65535" } },
	{ 24, "limits: {tunnels: 99999999999999999999}", 24, { "whole number", "" } },
	/* ranges */
	{ 5, "  shards: 3", 5, { "shards is 3", "power of two" } },
	{ 5, "  shards: 0", 5, { "shards is 0", "1 to 64" } },
	{ 5, "  shards: 128", 5, { "shards is 128", "1 to 64" } },
	{ 5, "  mode: fast", 5, { "mode is fast", "auto, native, generic, tc, off" } },
	{ 5, "  tun-mtu: 500", 5, { "tun-mtu is 500", "1280 to 65535" } },
	{ 5, "  mtu: 100", 5, { "mtu is 100", "576 to 9000" } },
	{ 5, "  workers: many", 5, { "workers is many", "off, auto, how many" } },
	{ 5, "  workers: on", 5, { "workers is on", "[2, 3]" } },
	{ 5, "  workers: 255", 5, { "workers is 255", "1 to 254" } },
	{ 5, "  mode: tc\n  workers: 2", 6, { "workers need XDP", "mode: tc" } },
	{ 5, "  workers: \"2\"", 5, { "workers is 2", "off, auto" } },
	{ 5, "  workers: []", 5, { "empty list", "off" } },
	{ 5, "  workers: [1, 254]", 5, { "CPU 254", "0 to 253" } },
	{ 5, "  workers: [1, 2, 1]", 5, { "CPU 1 stands there twice", "remove one" } },
	{ 5, "  workers: [one]", 5, { "CPU one", "a number" } },
	{ 5, "  dscp: 64", 5, { "dscp is 64", "copy, or 0 to 63" } },
	{ 5, "  data-checksum: maybe", 5, { "data-checksum is maybe", "" } },
	{ 5, "  tun: this-name-is-too-long", 5, { "cannot be an interface", "" } },
	{ 9, "    hello: 100000", 9, { "hello is 100000", "0 to 86400" } },
	{ 9, "    window: 0", 9, { "window is 0", "1 to 256" } },
	{ 9, "    max-sessions: 65536", 9, { "max-sessions is 65536", "" } },
	{ 17, "    mru: 100", 17, { "mru is 100", "128 to 9000" } },
	{ 17, "    echo-failures: 0", 17, { "echo-failures is 0", "" } },
	{ 17, "    echo-interval: 9999", 17, { "echo-interval is 9999", "" } },
	{ 17, "    lcp-renegotiate: never", 17, { "never", "on-mismatch, always" } },
	{ 24, "limits: {retransmit-cap: 1}", 24, { "retransmit-cap is 1", "8 to 600" } },
	{ 24, "log: loud", 24, { "log is loud", "info, debug" } },
	/* listen */
	{ 2, "listen: []", 2, { "listen has no address", "" } },
	{ 2, "# no listen", 1, { "no listen", "add listen:" } },
	{ 2, "listen: [192.0.2.1, 192.0.2.1]", 2, { "192.0.2.1 stands there twice", "" } },
	{ 2, "listen: [192.0.2.300]", 2, { "192.0.2.300 is no address", "" } },
	{ 2, "listen: [0.0.0.0]", 2, { "not the address of one host", "" } },
	{ 2, "listen: [\"::\"]", 2, { "not the address of one host", "" } },
	{ 2, "listen: [224.0.0.1]", 2, { "not the address of one host", "" } },
	{ 2, "listen: [\"ff02::1\"]", 2, { "not the address of one host", "" } },
	{ 2, "listen: [[192.0.2.1]]", 2, { "listen is one value, not a list", "" } },
	{ 2,
	  "listen: [1.0.0.1,1.0.0.2,1.0.0.3,1.0.0.4,1.0.0.5,1.0.0.6,1.0.0.7,1.0.0.8,1.0.0.9,"
	  "1.0.0.10,1.0.0.11,1.0.0.12,1.0.0.13,1.0.0.14,1.0.0.15,1.0.0.16,1.0.0.17]",
	  2,
	  { "listen has 17 entries", "16 are possible" } },
	/* interfaces */
	{ 4, "  interfaces: [eth0, eth0]", 4, { "eth0 stands there twice", "" } },
	{ 4, "  interfaces: []", 4, { "no interfaces", "mode: off" } },
	{ 4, "  interfaces: [../x]", 4, { "cannot be an interface", "" } },
	{ 4, "  exclusive: no", 4, { "no interfaces", "mode: off" } },
	/* peers */
	{ 7, "  - single-tunnel: no", 7, { "a peer has no name", "" } },
	{ 11, "  - name: carrier", 11, { "a peer named carrier is there already", "line 7" } },
	{ 8, "    address: 192.0.2.1/24", 8, { "bits set behind its length", "" } },
	{ 8, "    address: lac.example.net", 8, { "is no prefix", "192.0.2.0/24" } },
	{ 8, "    address: 192.0.2.0/33", 8, { "is no prefix", "" } },
	{ 8, "    address: [192.0.2.0/24, 192.0.3.0/24]", 8, { "not a list", "" } },
	{ 8, "    idle: 0", 7, { "a peer has no address", "" } },
	{ 12,
	  "    address: 192.0.2.0/24",
	  12,
	  { "already the address of peer carrier", "line 8" } },
	{ 9, "    secret: \"\"", 9, { "the secret is empty", "" } },
	{ 9, "    secret: x\n    secret-file: /x", 10, { "beside secret on line 9", "" } },
	{ 9, "    secret-file: /nonexistent/x", 9, { "No such file", "" } },
	{ 9, "    secret-file: /dev/null", 9, { "not a regular file", "" } },
	{ 9, "    hide-avps: true", 9, { "hide-avps needs a secret", "" } },
	{ 10, "    profile: hom", 10, { "no profile is named hom", "name home" } },
	{ 10, "    idle: 0", 7, { "a peer has no profile", "" } },
	/* profiles */
	{ 15, "  - sequencing: no", 15, { "a profile has no name", "" } },
	{ 16, "    local-address: \"2001:db8::1\"", 16, { "is not IPv4", "" } },
	{ 16, "    ipv4: true", 16, { "IPv4 without local-address", "ipv4: false" } },
	{ 16, "    mss-clamp: on", 15, { "IPv4 without local-address", "" } },
	{ 17, "    authentication: [chap, chap]", 17, { "chap stands there twice", "" } },
	{ 17, "    authentication: [md5]", 17, { "is md5", "none, pap, chap, mschapv2" } },
	{ 17, "    authentication: [none, pap]", 17, { "none beside other methods", "" } },
	{ 17, "    dns: [1.0.0.1, 1.0.0.2, 1.0.0.3]", 17, { "more than 2 servers", "" } },
	{ 17, "    nbns: [\"2001:db8::1\"]", 17, { "is not IPv4", "" } },
	{ 18, "    pool: subscriber", 18, { "no pool is named subscriber", "name subscribers" } },
	{ 18, "    ipv6: true", 18, { "IPv6 needs a pool", "" } },
	{ 18, "    ipv4: no\n    ipv6: no", 15, { "neither IPv4 nor IPv6", "" } },
	{ 23, "", 17, { "authentication without users", "authentication: none" } },
	/* pools */
	{ 20, "  - {name: a}\n  - name: subscribers", 20, { "pool a has no range", "" } },
	{ 21, "    ipv4: [10.0.0.1/16]", 21, { "bits set behind", "" } },
	{ 21, "    ipv4: [10.0.0.0/16, 10.0.5.0/24]", 21, { "10.0.5.0/24 of pool", "overlaps" } },
	{ 21, "    ipv4: [\"2001:db8::/64\"]", 21, { "other family", "ipv6" } },
	{ 21, "    ipv4: [0.0.0.0/0]", 21, { "no range for hosts", "" } },
	{ 21, "    ipv4: [224.0.0.0/8]", 21, { "no range for hosts", "" } },
	{ 22, "    ipv6: \"2001:db8::/80\"", 22, { "longer than /64", "" } },
	{ 22, "    ipv6: 10.1.0.0/16", 22, { "other family", "" } },
	{ 22,
	  "    ipv6: \"2001:db8::/48\"\n  - {name: b, ipv6: \"2001:db8:0:1::/64\"}",
	  23,
	  { "overlaps 2001:db8::/48 of pool subscribers on line 22", "" } },
	{ 22, "  - {name: subscribers, ipv4: 10.9.0.0/16}", 22, { "is there already", "line 20" } },
	/* directories */
	{ 24,
	  "state-directory: lib/l2xdp",
	  24,
	  { "state-directory is lib/l2xdp", "from the root" } },
	{ 24, "state-directory: /", 24, { "state-directory is /", "of our own" } },
	{ 24, "state-directory: /var/../etc", 24, { "/var/../etc", "without . and .." } },
	{ 24, "state-directory: /var/lib/.", 24, { "/var/lib/.", "without . and .." } },
	{ 24, "state-directory: /var/lib/..", 24, { "/var/lib/..", "without . and .." } },
	{ 24, "state-directory: none", 24, { "state-directory is none", "" } },
	{ 24, "state-directory: \"/a\\nb\"", 24, { "control characters", "" } },
	{ 24,
	  "state-directory: "
	  "/1234567/1234567/1234567/1234567/1234567/1234567/1234567/1234567/1234567/"
	  "1234567/1234567/1234567/1234567/1234567/1234567/1234567/1234567/1234567/1234567/1234567/"
	  "1234567/1234567/1234567/1234567/12345678",
	  24,
	  { "has 201 octets", "takes 1 to 200" } },
	{ 24, "runtime-directory: ./run", 24, { "runtime-directory is ./run", "" } },
	{ 24,
	  "runtime-directory: /var/lib/l2xdp/",
	  24,
	  { "are both /var/lib/l2xdp", "in memory" } },
	{ 24, "state-directory: /run/l2xdp", 24, { "are both /run/l2xdp", "on a disk" } },
	{ 5, "  bpf-directory: bpf", 5, { "bpf-directory is bpf", "from the root" } },
	{ 5, "  bpf-directory: [none]", 5, { "bpf-directory is one value, not a list", "" } },
	{ 24, "user: \"\"", 24, { "user is empty", "" } },
	{ 24, "limits: {setups-per-second: x}", 24, { "setups-per-second is x", "" } },
	{ 24, "limits: {calls-per-second: 1000001}", 24, { "1 to 1000000", "" } },
	{ 24,
	  "limits: {authentication-failures: -1}",
	  24,
	  { "authentication-failures is -1", "" } },
	/* the socket */
	{ 24,
	  "control-socket: /run/this/path/is/much/longer/than/a/socket/address/can/hold/and/so/it/"
	  "cannot/be/used/at/all/because/of/its/length.sock",
	  24,
	  { "takes 1 to 107", "" } },
};

static void file_of_the_cases_is_good(void **state)
{
	struct config *c = parse_good(good, LINES);

	(void)state;
	config_free(c);
}

static void every_fault_has_line_and_remedy(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect_fault(&cases[i], good, LINES);
}

static void all_faults_come_at_once_in_the_files_order(void **state)
{
	static const char text[] = "listen: []\n"
				   "log: loud\n"
				   "peers: [{name: a, address: 192.0.2.0/24, profile: none}]\n"
				   "hostnam: x\n";
	struct config *c;
	char err[2048];

	(void)state;
	assert_int_equal(config_parse("f", text, strlen(text), &c, err, sizeof(err)), -EINVAL);
	char *a = strstr(err, "f:1: "), *b = strstr(err, "f:2: "), *d = strstr(err, "f:3: "),
	     *e = strstr(err, "f:4: ");

	assert_true(a && b && d && e);
	assert_true(a < b && b < d && d < e);
}

static void short_buffer_gets_whole_lines(void **state)
{
	char text[8192] = "", err[160];
	struct config *c;
	int i;

	(void)state;
	for (i = 0; i < 100; i++)
		sprintf(text + strlen(text), "key%d: 1\n", i);
	memset(err, 'x', sizeof(err));
	assert_int_equal(config_parse("f", text, strlen(text), &c, err, 100), -EINVAL);
	assert_true(strlen(err) < 100);
	assert_int_equal(err[100], 'x');
	assert_int_equal(config_parse("f", text, strlen(text), &c, err, 0), -EINVAL);
	char big[65536];

	assert_int_equal(config_parse("f", text, strlen(text), &c, big, sizeof(big)), -EINVAL);
	assert_non_null(strstr(big, "more; mend these first"));
}

static void secrets_are_never_told(void **state)
{
	static const char *const texts[] = {
		"peers: [{name: a, secret: [topsecret]}]",
		"peers: [{name: a, secret: {topsecret: x}}]",
		"peers: [{name: a, secret: \"topsecret\\0\"}]",
	};
	struct config *c;
	char err[4096];
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_int_equal(
			config_parse("f", texts[i], strlen(texts[i]), &c, err, sizeof(err)),
			-EINVAL);
		assert_null(strstr(err, "topsecret"));
	}
}

static void expect(const char *text, size_t len, const char *says)
{
	struct config *c = NULL;
	char err[4096];

	assert_int_equal(config_parse("f", text, len, &c, err, sizeof(err)), -EINVAL);
	if (!strstr(err, says))
		fail_msg("\"%.60s\" gave \"%s\", not \"%s\"", text, err, says);
}

static void hostile_files_are_refused(void **state)
{
	static const char laughs[] = "a: &a [x,x,x,x,x,x,x,x,x]\n"
				     "b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n"
				     "c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n";
	static const struct {
		const char *text, *says;
	} small[] = {
		{ "", "f:1: the file is empty" },
		{ "# nothing\n", "f:1: the file is empty" },
		{ "hostname: a\n---\nhostname: b\n", "f:2: a second document" },
		{ "%YAML 1.1\n---\nhostname: b\n", "f:1: a YAML directive" },
		{ "hostname: !!str a\n", "f:1: a tag" },
		{ "peers:\n  - &p {name: a}\n  - *p\n", "f:2: an anchor" },
		{ "hostname: *x\n", "f:1: an alias" },
		{ "hostname: {<<: *x}\n", "f:1: " },
		{ "hostname: \"open\n", "not YAML" },
		{ "listen: [a\nb: c\n", "not YAML" },
		{ "listen:\n\t- a\n", "f:2: not YAML" },
		{ "a: b: c\n", "f:1: not YAML" },
		{ "hostname: \xff\xfe\n", "f:1: not YAML" },
		{ "x: 1\ny: \x01\n", "f:2: not YAML" },
		{ "- a\n- b\n", "f:1: the configuration is a group of keys" },
		{ "just words\n", "f:1: the configuration is a group of keys" },
	};
	size_t i, len = 5u << 20;
	char *big = malloc(len + 1);

	(void)state;
	assert_non_null(big);
	for (i = 0; i < sizeof(small) / sizeof(small[0]); i++)
		expect(small[i].text, strlen(small[i].text), small[i].says);
	expect(laughs, sizeof(laughs) - 1, "f:1: an anchor");
	expect("a: 1\nb\0: 2\n", 11, "f:2: a NUL octet");
	memset(big, 'x', len);
	expect(big, len, "larger than 4 MiB");
	expect(big, 1u << 20, "f:1: a line of more than 4096 octets");
	memset(big, '[', 4000);
	expect(big, 4000, "nested too deep");
	for (i = 0; i + 2 < 4u << 20; i += 2)
		memcpy(big + i, i % 1024 ? "x," : "\n[", 2);
	expect(big, i, "f:");
	for (i = 0; i + 4 < 4u << 20; i += 4)
		memcpy(big + i, "- x\n", 4);
	expect(big, i, "too many values");
	free(big);
}

static void ten_thousand_peers_are_no_matter(void **state)
{
	char *text = malloc(2u << 20), err[1024];
	const struct config_peer *p;
	struct ipaddr a;
	struct config *c = NULL;
	size_t used;
	unsigned int i;

	(void)state;
	assert_non_null(text);
	used = (size_t)sprintf(text, "listen: 192.0.2.1\ndatapath: {mode: off}\n"
				     "profiles: [{name: p, authentication: none, pool: x}]\n"
				     "pools: [{name: x, ipv6: \"2001:db8:1::/48\"}]\npeers:\n");
	for (i = 0; i < 10000; i++)
		used += (size_t)sprintf(text + used,
					"  - {name: p%u, address: 10.%u.%u.0/24, profile: p}\n", i,
					i >> 8, i & 255);
	if (config_parse("f", text, used, &c, err, sizeof(err)))
		fail_msg("%s", err);
	a = addr_from_v4(0x0a000000 | 9999u << 8 | 7);
	p = config_peer_of(c, &a);
	assert_non_null(p);
	assert_string_equal(p->name, "p9999");
	config_free(c);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(file_of_the_cases_is_good),
		cmocka_unit_test(every_fault_has_line_and_remedy),
		cmocka_unit_test(all_faults_come_at_once_in_the_files_order),
		cmocka_unit_test(short_buffer_gets_whole_lines),
		cmocka_unit_test(secrets_are_never_told),
		cmocka_unit_test(hostile_files_are_refused),
		cmocka_unit_test(ten_thousand_peers_are_no_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
