/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The keys of the configuration, as tables: name, how it is read, where it goes, range.
 * A value that is wrong by itself is found while it is read (config_values.c,
 * config_addresses.c); what concerns two values is found in config_check.c.
 * docs/configuration.md describes every key of these tables.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/control/config_values.h"

/* Steps from one word to another: a letter more, less, other, or two swapped. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int rows[3][33], i, j, best;
	size_t la = strlen(a), lb = strlen(b);

	if (la > 32 || lb > 32)
		return UINT_MAX;
	for (j = 0; j <= lb; j++)
		rows[0][j] = j;
	for (i = 1; i <= la; i++) {
		unsigned int *row = rows[i % 3], *up = rows[(i - 1) % 3];

		row[0] = i;
		for (j = 1; j <= lb; j++) {
			best = up[j - 1] + (a[i - 1] != b[j - 1]);
			if (up[j] + 1 < best)
				best = up[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    rows[(i - 2) % 3][j - 2] + 1 < best)
				best = rows[(i - 2) % 3][j - 2] + 1;
			row[j] = best;
		}
	}
	return rows[la % 3][lb];
}

static void unknown_key(struct load *ld, const struct section *sec, const yaml_node_t *n)
{
	const char *names[MAX_KEYS + 1] = { NULL }, *near = NULL;
	unsigned int i, d, best = 3;
	char q[LOG_QUOTE_LEN], all[260];
	bool whole;

	if (n->type != YAML_SCALAR_NODE) {
		fault_add(&ld->faults, node_line(n), "a key is a word; write word: value");
		return;
	}
	for (i = 0; i < sec->n; i++) {
		names[i] = sec->keys[i].name;
		d = distance((const char *)n->data.scalar.value, names[i]);
		if (d < best) {
			best = d;
			near = names[i];
		}
	}
	whole = words_join(all, sizeof(all), names);
	if (!whole)
		words_join(all, 160, names);
	log_quote((const char *)n->data.scalar.value, n->data.scalar.length, q, 48);
	if (near)
		fault_add(&ld->faults, node_line(n), "%s has no key %s; did you mean %s?",
			  sec->name, q, near);
	else
		fault_add(&ld->faults, node_line(n), "%s has no key %s; it has %s%s", sec->name, q,
			  all, whole ? "" : " and others, see l2xdpd.conf(5)");
}

static const struct key *key_of(const struct section *sec, const yaml_node_t *n)
{
	unsigned int i;

	for (i = 0; n->type == YAML_SCALAR_NODE && i < sec->n; i++) {
		if (!strcmp(sec->keys[i].name, (const char *)n->data.scalar.value) &&
		    strlen(sec->keys[i].name) == n->data.scalar.length)
			return &sec->keys[i];
	}
	return NULL;
}

void read_section(struct load *ld, const struct section *sec, yaml_node_t *n, struct said *said,
		  void *at)
{
	yaml_node_pair_t *pair;

	said->line = node_line(n);
	if (n->type != YAML_MAPPING_NODE) {
		if (!node_is_null(n))
			fault_add(&ld->faults, node_line(n),
				  "%s is a group of keys; write key: value lines below it",
				  sec->name);
		return;
	}
	for (pair = n->data.mapping.pairs.start; pair < n->data.mapping.pairs.top; pair++) {
		yaml_node_t *name = yaml_document_get_node(ld->doc, pair->key);
		yaml_node_t *value = yaml_document_get_node(ld->doc, pair->value);
		const struct key *k = key_of(sec, name);
		unsigned int *line;

		if (!k) {
			unknown_key(ld, sec, name);
			continue;
		}
		line = &said->key[k - sec->keys];
		if (*line) {
			fault_add(&ld->faults, node_line(name),
				  "%s stands here a second time; it is on line %u, remove one",
				  k->name, *line);
			continue;
		}
		*line = node_line(name);
		if (node_is_null(value))
			fault_add(&ld->faults, node_line(name),
				  "%s has no value; give one, or remove the key", k->name);
		else
			k->read(ld, k, value, (char *)at + k->offset);
	}
}

void read_few(struct load *ld, const struct section *sec, yaml_node_t *n, struct said_few *said,
	      void *at)
{
	struct said all = { 0 };

	read_section(ld, sec, n, &all, at);
	said->line = all.line;
	memcpy(said->key, all.key, sizeof(said->key));
}

unsigned int list_of_sections(struct load *ld, const struct key *k, yaml_node_t *n, size_t size,
			      void *ret)
{
	unsigned int count;
	void *list;

	if (n->type != YAML_SEQUENCE_NODE) {
		fault_add(&ld->faults, node_line(n),
			  "%s is a list; begin each entry with \"- name: ...\"", k->name);
		return 0;
	}
	count = list_length(n);
	if (!count)
		return 0;
	list = calloc(count, size);
	if (!list) {
		ld->faults.no_memory = true;
		return 0;
	}
	memcpy(ret, &list, sizeof(list));
	return count;
}

/* ---- the tables ---- */

static const char *const mode_names[] = { "auto", "native", "generic", "tc", "off", NULL };
static const char *const auth_names[] = { "none", "pap", "chap", "mschapv2", NULL };
static const char *const renegotiate_names[] = { "on-mismatch", "always", NULL };
static const char *const log_names[] = { "info", "debug", NULL };

static const struct key datapath_keys[] = {
	[DATAPATH_INTERFACES] = { "interfaces", read_interfaces, 0, 0, DP_MAX_INTERFACES, NULL },
	[DATAPATH_MODE] = { "mode", read_choice, AT(config, datapath.mode), 0, 0, mode_names },
	[DATAPATH_SHARDS] = { "shards", read_number, AT(config, datapath.shards), 1, L2X_MAX_SHARDS,
			      NULL },
	[DATAPATH_EXCLUSIVE] = { "exclusive", read_bool, AT(config, datapath.exclusive), 0, 0,
				 NULL },
	[DATAPATH_TUN] = { "tun", read_tun, AT(config, datapath.tun_name), 0, 0, NULL },
	[DATAPATH_TUN_MTU] = { "tun-mtu", read_number, AT(config, datapath.tun_mtu), 1280, 65535,
			       NULL },
	[DATAPATH_VERIFY_CHECKSUM] = { "verify-checksum", read_bool,
				       AT(config, datapath.verify_checksum), 0, 0, NULL },
	[DATAPATH_ISOLATE] = { "isolate", read_bool, AT(config, datapath.isolate), 0, 0, NULL },
	[DATAPATH_DATA_CHECKSUM] = { "data-checksum", read_off,
				     AT(config, datapath.data_checksum_off), 0, 0, NULL },
	[DATAPATH_MTU] = { "mtu", read_number_or_0, AT(config, datapath.mtu_limit), 576, 9000,
			   NULL },
	[DATAPATH_DSCP] = { "dscp", read_dscp, AT(config, datapath.dscp), 0, 0, NULL },
	[DATAPATH_BPF_DIRECTORY] = { "bpf-directory", read_directory_or_none, AT(config, bpf_dir),
				     1, CONFIG_MAX_DIR, NULL },
	[DATAPATH_WORKERS] = { "workers", read_workers, AT(config, datapath.workers), 0,
			       L2X_MAX_WORKER_CPUS, NULL },
	[DATAPATH_CIRCUIT_DEVICES] = { "circuit-devices", read_circuit_devices, 0, 0,
				       CONFIG_MAX_CIRCUIT_DEVICES, NULL },
};
static const struct section datapath_section = { "datapath", KEYS(datapath_keys) };

static const struct key peer_keys[] = {
	[PEER_NAME] = { "name", read_name, AT(raw_peer, c.name), 1, 63, NULL },
	[PEER_ADDRESS] = { "address", read_prefix, AT(raw_peer, c.address), 0, 0, NULL },
	[PEER_PROFILE] = { "profile", read_reference, AT(raw_peer, profile), 1, 63, NULL },
	[PEER_HOST_NAME] = { "host-name", read_name, AT(raw_peer, c.host_name), 1, 253, NULL },
	[PEER_EXPECT_HOST_NAME] = { "expect-host-name", read_name, AT(raw_peer, c.expect_host_name),
				    1, L2TP_MAX_NAME - 1, NULL },
	[PEER_SECRET] = { "secret", read_secret, AT(raw_peer, c.secret), 1, 255, NULL },
	[PEER_SECRET_FILE] = { "secret-file", read_reference, AT(raw_peer, secret_file), 1, 4095,
			       NULL },
	[PEER_HIDE_AVPS] = { "hide-avps", read_bool, AT(raw_peer, c.hide_avps), 0, 0, NULL },
	[PEER_PORT_FLOAT] = { "port-float", read_bool, AT(raw_peer, c.port_float), 0, 0, NULL },
	[PEER_SINGLE_TUNNEL] = { "single-tunnel", read_bool, AT(raw_peer, c.single_tunnel), 0, 0,
				 NULL },
	[PEER_HELLO] = { "hello", read_number, AT(raw_peer, c.hello), 0, 86400, NULL },
	[PEER_IDLE] = { "idle", read_number, AT(raw_peer, c.idle), 0, 86400, NULL },
	[PEER_WINDOW] = { "window", read_number, AT(raw_peer, c.window), 1, 256, NULL },
	[PEER_MAX_SESSIONS] = { "max-sessions", read_number, AT(raw_peer, c.max_calls), 0, 65535,
				NULL },
};
static const struct section peer_section = { "a peer", KEYS(peer_keys) };

static const struct key profile_keys[] = {
	[PROFILE_NAME] = { "name", read_name, AT(raw_profile, c.name), 1, 63, NULL },
	[PROFILE_AUTHENTICATION] = { "authentication", read_auths, AT(raw_profile, c), 0,
				     PPP_MAX_AUTHS, auth_names },
	[PROFILE_LOCAL_ADDRESS] = { "local-address", read_address4,
				    AT(raw_profile, c.local_address), 0, 0, NULL },
	[PROFILE_DNS] = { "dns", read_dns, AT(raw_profile, c), 0, 2 * CONFIG_MAX_DNS, NULL },
	[PROFILE_NBNS] = { "nbns", read_nbns, AT(raw_profile, c.nbns), 0, CONFIG_MAX_DNS, NULL },
	[PROFILE_POOL] = { "pool", read_reference, AT(raw_profile, pool), 1, 63, NULL },
	[PROFILE_MRU] = { "mru", read_number_or_0, AT(raw_profile, c.mru), 128, 9000, NULL },
	[PROFILE_IPV4] = { "ipv4", read_bool, AT(raw_profile, c.ipv4), 0, 0, NULL },
	[PROFILE_IPV6] = { "ipv6", read_bool, AT(raw_profile, c.ipv6), 0, 0, NULL },
	[PROFILE_ECHO_INTERVAL] = { "echo-interval", read_number, AT(raw_profile, c.echo_interval),
				    0, 3600, NULL },
	[PROFILE_ECHO_FAILURES] = { "echo-failures", read_number, AT(raw_profile, c.echo_failures),
				    1, 100, NULL },
	[PROFILE_MSS_CLAMP] = { "mss-clamp", read_bool, AT(raw_profile, c.mss_clamp), 0, 0, NULL },
	[PROFILE_SEQUENCING] = { "sequencing", read_bool, AT(raw_profile, c.sequencing), 0, 0,
				 NULL },
	[PROFILE_LCP_RENEGOTIATE] = { "lcp-renegotiate", read_choice_bool,
				      AT(raw_profile, c.lcp_renegotiate_always), 0, 0,
				      renegotiate_names },
	[PROFILE_PROXY_AUTHENTICATION] = { "proxy-authentication", read_bool,
					   AT(raw_profile, c.proxy_authentication), 0, 0, NULL },
};
static const struct section profile_section = { "a profile", KEYS(profile_keys) };

static const struct key pool_keys[] = {
	[POOL_NAME] = { "name", read_name, AT(raw_pool, c.name), 1, 63, NULL },
	[POOL_IPV4] = { "ipv4", read_pool4, 0, 0, DP_MAX_POOLS, NULL },
	[POOL_IPV6] = { "ipv6", read_pool6, 0, 0, DP_MAX_POOLS, NULL },
};
static const struct section pool_section = { "a pool", KEYS(pool_keys) };

static const struct key limits_keys[] = {
	{ "half-open", read_number, AT(l2tp_limits, half_open), 1, 65535, NULL },
	{ "half-open-per-source", read_number, AT(l2tp_limits, half_open_source), 1, 65535, NULL },
	{ "tunnels", read_number, AT(l2tp_limits, tunnels), 1, 65535, NULL },
	{ "setups-per-second", read_number_or_0, AT(l2tp_limits, setup_rate), 1, 1000000, NULL },
	{ "calls-per-second", read_number_or_0, AT(l2tp_limits, call_rate), 1, 1000000, NULL },
	{ "half-open-calls", read_number_or_0, AT(l2tp_limits, half_open_calls), 1, 1000000, NULL },
	{ "authentication-failures", read_number_or_0, AT(l2tp_limits, auth_failures), 1, 1000000,
	  NULL },
	{ "retransmits", read_number, AT(l2tp_limits, retransmits), 1, 20, NULL },
	{ "retransmit-cap", read_seconds, AT(l2tp_limits, retransmit_cap_ms), 8, 600, NULL },
};
static const struct section limits_section = { "limits", KEYS(limits_keys) };

static void read_datapath(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	(void)k;
	read_section(ld, &datapath_section, n, &ld->datapath, at);
}

static void read_limits(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	(void)k;
	read_section(ld, &limits_section, n, &ld->limits, at);
}

static void read_peers(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	unsigned int i;

	(void)at;
	ld->n_peers = list_of_sections(ld, k, n, sizeof(*ld->peers), &ld->peers);
	for (i = 0; i < ld->n_peers; i++) {
		struct raw_peer *p = &ld->peers[i];

		p->c.hello = 60;
		p->c.window = 16;
		read_section(ld, &peer_section, list_at(ld, n, i), &p->said, p);
	}
}

static void read_profiles(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	unsigned int i;

	(void)at;
	ld->n_profiles = list_of_sections(ld, k, n, sizeof(*ld->profiles), &ld->profiles);
	for (i = 0; i < ld->n_profiles; i++) {
		struct raw_profile *p = &ld->profiles[i];

		p->c.auths[p->c.n_auths++] = PPP_AUTH_MSCHAPV2;
		p->c.auths[p->c.n_auths++] = PPP_AUTH_CHAP_MD5;
		p->c.pool = UINT_MAX;
		p->c.ipv4 = p->c.ipv6 = true;
		p->c.echo_interval = 30;
		p->c.echo_failures = 4;
		p->c.mss_clamp = true;
		p->c.proxy_authentication = true;
		read_section(ld, &profile_section, list_at(ld, n, i), &p->said, p);
	}
}

static void read_pools(struct load *ld, const struct key *k, yaml_node_t *n, void *at)
{
	unsigned int i;

	(void)at;
	ld->n_pools = list_of_sections(ld, k, n, sizeof(*ld->pools), &ld->pools);
	for (i = 0; i < ld->n_pools; i++)
		read_section(ld, &pool_section, list_at(ld, n, i), &ld->pools[i].said,
			     &ld->pools[i]);
}

static const struct key top_keys[] = {
	[TOP_HOSTNAME] = { "hostname", read_name, AT(config, hostname), 1, 253, NULL },
	[TOP_LISTEN] = { "listen", read_listen, AT(config, datapath), 0, L2X_MAX_LISTEN, NULL },
	[TOP_DATAPATH] = { "datapath", read_datapath, 0, 0, 0, NULL },
	[TOP_PEERS] = { "peers", read_peers, 0, 0, 0, NULL },
	[TOP_PROFILES] = { "profiles", read_profiles, 0, 0, 0, NULL },
	[TOP_POOLS] = { "pools", read_pools, 0, 0, 0, NULL },
	[TOP_PSEUDOWIRES] = { "pseudowires", read_pseudowires, 0, 0, 0, NULL },
	[TOP_USERS] = { "users", read_name, AT(config, users), 1, 4095, NULL },
	[TOP_CONTROL_SOCKET] = { "control-socket", read_name, AT(config, control_socket), 1, 107,
				 NULL },
	[TOP_STATE_DIRECTORY] = { "state-directory", read_directory, AT(config, state_dir), 1,
				  CONFIG_MAX_DIR, NULL },
	[TOP_RUNTIME_DIRECTORY] = { "runtime-directory", read_directory, AT(config, run_dir), 1,
				    CONFIG_MAX_DIR, NULL },
	[TOP_USER] = { "user", read_name, AT(config, user), 1, 32, NULL },
	[TOP_LIMITS] = { "limits", read_limits, AT(config, limits), 0, 0, NULL },
	[TOP_LOG] = { "log", read_choice, AT(config, log), 0, 0, log_names },
};
static const struct section top_section = { "the configuration", KEYS(top_keys) };

void schema_read(struct load *ld, yaml_node_t *root)
{
	read_section(ld, &top_section, root, &ld->top, ld->cfg);
}

/* What l2xdpctl may add. */
static const struct key managed_keys[] = {
	{ "pseudowires", read_pseudowires, 0, 0, 0, NULL },
};
static const struct section managed_section = { "this file", KEYS(managed_keys) };

void schema_read_managed(struct load *ld, yaml_node_t *root)
{
	struct said said = { 0 };

	read_section(ld, &managed_section, root, &said, NULL);
}
