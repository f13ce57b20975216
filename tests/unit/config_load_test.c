/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration file: the documented example, defaults, every key, whose peer. */
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

static const char example[] =
	"hostname: lns1.example.net\n"
	"listen: [192.0.2.1, \"2001:db8::1\"]\n"
	"datapath:\n"
	"  interfaces: [access0, core0]\n"
	"  mode: auto                 # auto | native | generic | off\n"
	"  shards: 1\n"
	"peers:\n"
	"  - name: carrier\n"
	"    address: 192.0.2.0/24    # who may open a control connection\n"
	"    secret: s3cret           # tunnel authentication and AVP hiding; absent: none\n"
	"    profile: home\n"
	"profiles:\n"
	"  - name: home\n"
	"    authentication: [mschapv2, chap, pap]\n"
	"    local-address: 10.0.0.1\n"
	"    dns: [10.0.0.53, \"2001:db8:53::53\"]\n"
	"    pool: subscribers\n"
	"    mru: 1460\n"
	"pools:\n"
	"  - name: subscribers\n"
	"    ipv4: [10.0.0.0/16]\n"
	"    ipv6: \"2001:db8:1000::/48\"   # a /64 for each session\n"
	"users: /etc/ppp/chap-secrets\n"
	"control-socket: /run/l2xdpd.sock\n";

static struct config *parse(const char *text)
{
	struct config *c = NULL;
	char err[4096];

	if (config_parse("test.yaml", text, strlen(text), &c, err, sizeof(err)))
		fail_msg("%s", err);
	return c;
}

static void expect_addr(const struct ipaddr *a, const char *text)
{
	char buf[ADDR_STRLEN];

	assert_string_equal(addr_str(a, buf), text);
}

static void expect_prefix(const struct prefix *p, const char *text)
{
	char buf[PREFIX_STRLEN];

	assert_string_equal(prefix_str(p, buf), text);
}

static void example_works_as_written(void **state)
{
	struct config *c = parse(example);
	const struct config_profile *p = &c->profiles[0];

	(void)state;
	assert_string_equal(c->file, "test.yaml");
	assert_string_equal(c->hostname, "lns1.example.net");
	assert_int_equal(c->datapath.n_listen, 2);
	expect_addr(&c->datapath.listen[0], "192.0.2.1");
	expect_addr(&c->datapath.listen[1], "2001:db8::1");
	assert_int_equal(c->datapath.n_interfaces, 2);
	assert_string_equal(c->datapath.interfaces[0], "access0");
	assert_string_equal(c->datapath.interfaces[1], "core0");
	assert_int_equal(c->datapath.mode, DP_AUTO);
	assert_int_equal(c->n_peers, 1);
	assert_string_equal(c->peers[0].name, "carrier");
	expect_prefix(&c->peers[0].address, "192.0.2.0/24");
	assert_string_equal(c->peers[0].secret, "s3cret");
	assert_int_equal(c->peers[0].profile, 0);
	assert_int_equal(c->n_profiles, 1);
	assert_int_equal(p->n_auths, 3);
	assert_int_equal(p->auths[0], PPP_AUTH_MSCHAPV2);
	assert_int_equal(p->auths[1], PPP_AUTH_CHAP_MD5);
	assert_int_equal(p->auths[2], PPP_AUTH_PAP);
	expect_addr(&p->local_address, "10.0.0.1");
	expect_addr(&p->dns4[0], "10.0.0.53");
	expect_addr(&p->dns6[0], "2001:db8:53::53");
	assert_false(addr_is_set(&p->dns4[1]) || addr_is_set(&p->dns6[1]));
	assert_int_equal(p->pool, 0);
	assert_int_equal(p->mru, 1460);
	assert_true(p->ipv4 && p->ipv6);
	assert_int_equal(c->n_pools, 1);
	expect_prefix(&c->pools[0].ipv4[0], "10.0.0.0/16");
	expect_prefix(&c->pools[0].ipv6[0], "2001:db8:1000::/48");
	assert_string_equal(c->users, "/etc/ppp/chap-secrets");
	assert_string_equal(c->control_socket, "/run/l2xdpd.sock");
	config_free(c);
}

static void data_path_gets_all_it_needs(void **state)
{
	struct config *c = parse(example);
	const struct dp_config *dp = &c->datapath;

	(void)state;
	assert_int_equal(dp->port, 1701);
	assert_int_equal(dp->shards, 1);
	assert_int_equal(c->limits.shards, 1);
	assert_int_equal(dp->n_pools, 2);
	expect_prefix(&dp->pools[0], "10.0.0.0/16");
	expect_prefix(&dp->pools[1], "2001:db8:1000::/48");
	assert_int_equal(dp->n_local, 1);
	expect_addr(&dp->local[0], "10.0.0.1");
	config_free(c);
}

static void defaults_fill_what_is_not_said(void **state)
{
	struct config *c = parse("listen: 192.0.2.1\n"
				 "datapath: {mode: off}\n"
				 "peers: [{name: a, address: 198.51.100.1, profile: p}]\n"
				 "profiles: [{name: p, pool: x, local-address: 10.0.0.1}]\n"
				 "pools: [{name: x, ipv4: 10.0.0.0/24}]\n"
				 "users: u\n");
	const struct config_peer *peer = &c->peers[0];
	const struct config_profile *p = &c->profiles[0];
	const struct dp_config *dp = &c->datapath;
	char name[256] = "";

	(void)state;
	gethostname(name, sizeof(name) - 1);
	assert_string_equal(c->hostname, name);
	assert_string_equal(c->control_socket, "/run/l2xdpd.sock");
	assert_int_equal(c->log, CONFIG_LOG_INFO);
	assert_string_equal(c->state_dir, "/var/lib/l2xdp");
	assert_string_equal(c->run_dir, "/run/l2xdp");
	assert_string_equal(c->bpf_dir, "/sys/fs/bpf/l2xdp");
	assert_ptr_equal(dp->run_dir, c->run_dir);
	assert_ptr_equal(dp->bpf_dir, c->bpf_dir);
	assert_null(c->user);
	assert_int_equal(dp->mode, DP_OFF);
	assert_int_equal(dp->shards, 1);
	assert_string_equal(dp->tun_name, "l2tp0");
	assert_int_equal(dp->tun_mtu, 1500);
	assert_int_equal(dp->mtu_limit, 0);
	assert_int_equal(dp->dscp, -1);
	assert_false(dp->exclusive || dp->verify_checksum || dp->isolate || dp->data_checksum_off);
	assert_int_equal(c->limits.half_open, 4096);
	assert_int_equal(c->limits.half_open_source, 256);
	assert_int_equal(c->limits.tunnels, 65535);
	/* 0: the L2TP room's own */
	assert_int_equal(c->limits.setup_rate, 0);
	assert_int_equal(c->limits.call_rate, 0);
	assert_int_equal(c->limits.auth_failures, 0);
	assert_int_equal(c->limits.half_open_calls, 0);
	assert_int_equal(c->limits.retransmits, 5); /* V2-REL-8 */
	assert_int_equal(c->limits.retransmit_cap_ms, 8000); /* V2-REL-7 */
	/* its own too: 10 retransmissions (V3-REL-1) */
	assert_int_equal(c->limits3.half_open, 0);
	assert_int_equal(c->limits3.half_open_source, 0);
	assert_int_equal(c->limits3.setup_rate, 0);
	assert_int_equal(c->limits3.tunnels, 0);
	assert_int_equal(c->limits3.retransmits, 0);
	assert_int_equal(c->limits3.retransmit_cap_ms, 0);
	expect_prefix(&peer->address, "198.51.100.1/32");
	assert_null(peer->secret);
	assert_null(peer->l2tp.secret);
	assert_string_equal(peer->l2tp.name, "a");
	assert_string_equal(peer->l2tp.hostname, name);
	assert_null(peer->l2tp.expect_hostname);
	assert_int_equal(peer->l2tp.hello_ms, 60000);
	assert_int_equal(peer->l2tp.idle_ms, 0);
	assert_int_equal(peer->l2tp.window, 16);
	assert_int_equal(peer->l2tp.max_calls, 0);
	assert_false(peer->l2tp.hide || peer->l2tp.port_float || peer->l2tp.single_tunnel);
	assert_ptr_equal(peer->l2tp.user, peer);
	assert_int_equal(p->n_auths, 2);
	assert_int_equal(p->auths[0], PPP_AUTH_MSCHAPV2);
	assert_int_equal(p->mru, 0);
	assert_true(p->ipv4);
	assert_false(p->ipv6); /* its pool has none */
	assert_int_equal(p->echo_interval, 30);
	assert_int_equal(p->echo_failures, 4);
	assert_true(p->mss_clamp && p->proxy_authentication);
	assert_false(p->sequencing || p->lcp_renegotiate_always || p->isolate);
	config_free(c);
}

static void every_key_arrives(void **state)
{
	struct config *c = parse("hostname: lns\n"
				 "log: debug\n"
				 "listen:\n  - 192.0.2.1\n"
				 "limits:\n"
				 "  half-open: 10\n  half-open-per-source: 2\n  tunnels: 100\n"
				 "  retransmits: 7\n  retransmit-cap: 16\n"
				 "datapath:\n"
				 "  interfaces: eth0\n  mode: native\n  shards: 4\n"
				 "  exclusive: yes\n  tun: l2tp7\n  tun-mtu: 9000\n"
				 "  verify-checksum: true\n  isolate: on\n  data-checksum: off\n"
				 "  mtu: 1400\n  dscp: 46\n  workers: [3, 1]\n"
				 "peers:\n"
				 "  - {name: a, address: \"2001:db8::/32\", profile: v6,\n"
				 "     host-name: other, expect-host-name: lac, secret: \" x y\",\n"
				 "     hide-avps: true, port-float: true, single-tunnel: true,\n"
				 "     hello: 0, idle: 30, window: 4, max-sessions: 9}\n"
				 "profiles:\n"
				 "  - {name: v4, authentication: none, local-address: 10.0.0.1,\n"
				 "     nbns: [10.0.0.5, 10.0.0.6], pool: p, echo-interval: 0,\n"
				 "     echo-failures: 9, mss-clamp: off, sequencing: on,\n"
				 "     lcp-renegotiate: always, proxy-authentication: no,\n"
				 "     ipv6: false}\n"
				 "  - {name: v6, authentication: [pap], pool: p, ipv4: false}\n"
				 "  - {name: v4b, authentication: [], local-address: 10.0.0.1,\n"
				 "     pool: p, mru: 0}\n"
				 "pools:\n"
				 "  - {name: p, ipv4: [10.0.0.0/24, 10.0.2.0/24],\n"
				 "     ipv6: [\"2001:db8:1::/48\"]}\n"
				 "users: u\n");
	const struct dp_config *dp = &c->datapath;
	const struct config_peer *peer = &c->peers[0];
	const struct config_profile *v4 = &c->profiles[0], *v6 = &c->profiles[1];

	(void)state;
	assert_int_equal(c->log, CONFIG_LOG_DEBUG);
	assert_int_equal(c->limits.half_open, 10);
	assert_int_equal(c->limits.half_open_source, 2);
	assert_int_equal(c->limits.tunnels, 100);
	assert_int_equal(c->limits.retransmits, 7);
	assert_int_equal(c->limits.retransmit_cap_ms, 16000);
	assert_int_equal(c->limits3.half_open, 10);
	assert_int_equal(c->limits3.half_open_source, 2);
	assert_int_equal(c->limits3.tunnels, 100);
	assert_int_equal(c->limits3.retransmits, 7);
	assert_int_equal(c->limits3.retransmit_cap_ms, 16000);
	assert_int_equal(c->limits.shards, 4);
	assert_int_equal(dp->mode, DP_NATIVE);
	assert_int_equal(dp->shards, 4);
	assert_string_equal(dp->interfaces[0], "eth0");
	assert_string_equal(dp->tun_name, "l2tp7");
	assert_int_equal(dp->tun_mtu, 9000);
	assert_int_equal(dp->mtu_limit, 1400);
	assert_int_equal(dp->dscp, 46);
	assert_int_equal(dp->workers.mode, DP_WORKERS_LIST);
	assert_int_equal(dp->workers.n, 2);
	assert_int_equal(dp->workers.cpu[0], 3);
	assert_int_equal(dp->workers.cpu[1], 1);
	assert_true(dp->exclusive && dp->verify_checksum && dp->isolate && dp->data_checksum_off);
	assert_int_equal(dp->n_local, 1); /* two profiles share it */
	assert_int_equal(dp->n_pools, 3);
	assert_string_equal(peer->l2tp.hostname, "other");
	assert_string_equal(peer->l2tp.expect_hostname, "lac");
	assert_int_equal(peer->l2tp.secret_len, 4);
	assert_memory_equal(peer->l2tp.secret, " x y", 4);
	assert_true(peer->l2tp.hide && peer->l2tp.port_float && peer->l2tp.single_tunnel);
	assert_int_equal(peer->l2tp.hello_ms, 0);
	assert_int_equal(peer->l2tp.idle_ms, 30000);
	assert_int_equal(peer->l2tp.window, 4);
	assert_int_equal(peer->l2tp.max_calls, 9);
	assert_int_equal(peer->profile, 1);
	assert_int_equal(v4->n_auths, 0);
	expect_addr(&v4->nbns[1], "10.0.0.6");
	assert_int_equal(v4->echo_interval, 0);
	assert_int_equal(v4->echo_failures, 9);
	assert_false(v4->mss_clamp || v4->proxy_authentication || v4->ipv6);
	assert_true(v4->sequencing && v4->lcp_renegotiate_always && v4->ipv4 && v4->isolate);
	assert_true(v6->ipv6 && !v6->ipv4);
	assert_int_equal(c->profiles[2].n_auths, 0);
	config_free(c);
}

#define SMALL(top, datapath)                                                                       \
	top "listen: 192.0.2.1\n"                                                                  \
	    "datapath: {mode: off" datapath "}\n"                                                  \
	    "peers: [{name: a, address: 198.51.100.1, profile: p}]\n"                              \
	    "profiles: [{name: p, authentication: none, pool: x}]\n"                               \
	    "pools: [{name: x, ipv6: \"2001:db8:1::/48\"}]\n"

static void directories_user_and_rates_arrive(void **state)
{
	struct config *c = parse(SMALL("state-directory: /srv/state\n"
				       "runtime-directory: //dev/shm//run/\n"
				       "user: nobody\n"
				       "limits: {setups-per-second: 11, calls-per-second: 12,\n"
				       "         authentication-failures: 13,\n"
				       "         half-open-calls: 14}\n",
				       ", bpf-directory: /bpf/x"));

	(void)state;
	assert_string_equal(c->state_dir, "/srv/state");
	assert_string_equal(c->run_dir, "/dev/shm/run");
	assert_string_equal(c->datapath.run_dir, "/dev/shm/run");
	assert_string_equal(c->bpf_dir, "/bpf/x");
	assert_string_equal(c->datapath.bpf_dir, "/bpf/x");
	assert_string_equal(c->user, "nobody");
	assert_int_equal(c->limits.setup_rate, 11);
	assert_int_equal(c->limits3.setup_rate, 11);
	assert_int_equal(c->limits.call_rate, 12);
	assert_int_equal(c->limits.auth_failures, 13);
	assert_int_equal(c->limits.half_open_calls, 14);
	config_free(c);
}

static void workers_are_off_auto_or_many(void **state)
{
	static const struct {
		const char *text;
		enum dp_workers_mode mode;
		unsigned int n;
	} cases[] = {
		{ "", DP_WORKERS_OFF, 0 },
		{ ", workers: off", DP_WORKERS_OFF, 0 },
		{ ", workers: no", DP_WORKERS_OFF, 0 },
		{ ", workers: 0", DP_WORKERS_OFF, 0 },
		{ ", workers: auto", DP_WORKERS_AUTO, 0 },
		{ ", workers: 1", DP_WORKERS_COUNT, 1 },
		{ ", workers: 254", DP_WORKERS_COUNT, 254 },
		{ ", workers: [253]", DP_WORKERS_LIST, 1 },
	};
	char text[1024];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct config *c;

		snprintf(text, sizeof(text), SMALL("", "%s"), cases[i].text);
		c = parse(text);
		assert_int_equal(c->datapath.workers.mode, cases[i].mode);
		assert_int_equal(c->datapath.workers.n, cases[i].n);
		config_free(c);
	}
}

static void maps_need_not_be_pinned(void **state)
{
	struct config *c =
		parse(SMALL("limits: {setups-per-second: 0}\n", ", bpf-directory: none"));

	(void)state;
	assert_null(c->bpf_dir);
	assert_null(c->datapath.bpf_dir);
	assert_int_equal(c->limits.setup_rate, 0);
	config_free(c);
}

static const char *peer_at(const struct config *c, const char *address)
{
	const struct config_peer *p;
	struct ipaddr a;

	assert_int_equal(addr_parse(address, &a), 0);
	p = config_peer_of(c, &a);
	return p ? p->name : "none";
}

static void longest_prefix_names_the_peer(void **state)
{
	struct config *c = parse("listen: 192.0.2.1\n"
				 "datapath: {mode: off}\n"
				 "peers:\n"
				 "  - {name: net, address: 192.0.2.0/24, profile: p}\n"
				 "  - {name: host, address: 192.0.2.9, profile: p}\n"
				 "  - {name: half, address: 192.0.2.128/25, profile: p}\n"
				 "  - {name: other, address: 198.51.100.0/24, profile: p}\n"
				 "  - {name: six, address: \"2001:db8::/32\", profile: p}\n"
				 "  - {name: sixhost, address: \"2001:db8::7\", profile: p}\n"
				 "  - {name: odd, address: \"2001:db9:8000::/33\", profile: p}\n"
				 "profiles: [{name: p, authentication: none, pool: x}]\n"
				 "pools: [{name: x, ipv6: \"2001:db8:1::/48\"}]\n");
	unsigned int i;

	(void)state;
	assert_string_equal(peer_at(c, "192.0.2.1"), "net");
	assert_string_equal(peer_at(c, "192.0.2.9"), "host");
	assert_string_equal(peer_at(c, "192.0.2.127"), "net");
	assert_string_equal(peer_at(c, "192.0.2.128"), "half");
	assert_string_equal(peer_at(c, "192.0.3.1"), "none");
	assert_string_equal(peer_at(c, "198.51.100.255"), "other");
	assert_string_equal(peer_at(c, "2001:db8::1"), "six");
	assert_string_equal(peer_at(c, "2001:db8::7"), "sixhost");
	assert_string_equal(peer_at(c, "2001:db9::7"), "none");
	assert_string_equal(peer_at(c, "2001:db9:8000::7"), "odd");
	/* the order of the file does not matter, the longest prefix comes first */
	assert_string_equal(c->peers[c->n_peers - 1].name, "six");
	for (i = 0; i < c->n_peers; i++)
		assert_ptr_equal(c->peers[i].l2tp.user, &c->peers[i]);
	config_free(c);
}

static void everybody_can_be_a_peer(void **state)
{
	struct config *c = parse("listen: 192.0.2.1\n"
				 "datapath: {mode: off}\n"
				 "peers:\n"
				 "  - {name: all4, address: 0.0.0.0/0, profile: p}\n"
				 "  - {name: all6, address: \"::/0\", profile: p}\n"
				 "profiles: [{name: p, authentication: none, pool: x}]\n"
				 "pools: [{name: x, ipv6: \"2001:db8:1::/48\"}]\n");

	(void)state;
	assert_string_equal(peer_at(c, "203.0.113.7"), "all4");
	assert_string_equal(peer_at(c, "2001:db8::7"), "all6");
	config_free(c);
}

static void secret_can_stand_in_its_own_file(void **state)
{
	static const struct {
		const char *content, *secret, *says;
	} cases[] = {
		{ "s3cret\n", "s3cret", NULL },   { "no newline", "no newline", NULL },
		{ "dos\r\nrest\n", "dos", NULL }, { "\n", NULL, "no secret" },
		{ "", NULL, "no secret" },
	};
	char path[] = "/tmp/config-secret-XXXXXX", text[1024], err[512];
	int fd = mkstemp(path);
	size_t i;

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	snprintf(text, sizeof(text),
		 "listen: 192.0.2.1\ndatapath: {mode: off}\n"
		 "peers: [{name: a, address: 192.0.2.9, profile: p, secret-file: %s}]\n"
		 "profiles: [{name: p, authentication: none, pool: x}]\n"
		 "pools: [{name: x, ipv6: \"2001:db8:1::/48\"}]\n",
		 path);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		FILE *f = fopen(path, "w");
		struct config *c;

		assert_non_null(f);
		fputs(cases[i].content, f);
		fclose(f);
		if (cases[i].secret) {
			c = parse(text);
			assert_string_equal(c->peers[0].secret, cases[i].secret);
			assert_int_equal(c->peers[0].l2tp.secret_len, strlen(cases[i].secret));
			config_free(c);
			continue;
		}
		assert_int_equal(config_parse("f", text, strlen(text), &c, err, sizeof(err)),
				 -EINVAL);
		assert_non_null(strstr(err, "f:3: "));
		assert_non_null(strstr(err, cases[i].says));
	}
	unlink(path);
}

static void file_is_read_only_if_it_is_one(void **state)
{
	char path[] = "/tmp/config-file-XXXXXX", err[512];
	struct config *c = NULL;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, example, sizeof(example) - 1), sizeof(example) - 1);
	close(fd);
	assert_int_equal(config_load(path, &c, err, sizeof(err)), 0);
	assert_string_equal(c->file, path);
	config_free(c);
	unlink(path);
	assert_int_equal(config_load(path, &c, err, sizeof(err)), -ENOENT);
	assert_non_null(strstr(err, "No such file"));
	assert_non_null(strstr(err, "; name a readable"));
	assert_int_equal(config_load("/tmp", &c, err, sizeof(err)), -EINVAL);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(config_load(path, &c, err, sizeof(err)), -EINVAL);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(example_works_as_written),
		cmocka_unit_test(data_path_gets_all_it_needs),
		cmocka_unit_test(defaults_fill_what_is_not_said),
		cmocka_unit_test(every_key_arrives),
		cmocka_unit_test(directories_user_and_rates_arrive),
		cmocka_unit_test(maps_need_not_be_pinned),
		cmocka_unit_test(workers_are_off_auto_or_many),
		cmocka_unit_test(longest_prefix_names_the_peer),
		cmocka_unit_test(everybody_can_be_a_peer),
		cmocka_unit_test(secret_can_stand_in_its_own_file),
		cmocka_unit_test(file_is_read_only_if_it_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
