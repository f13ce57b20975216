/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration and the control socket: this room.
 *
 *   config.c         the file becomes a struct config, or a list of faults (this file)
 *   config_yaml.c    text to a document of nodes that know their lines; what is hostile
 *                    is refused before it costs anything
 *   config_schema.c  tables of keys; config_values.c and config_addresses.c read what
 *                    they name, and say what is wrong with one value
 *   config_pseudowire.c, config_circuit.c   the tables of pseudowires, and their values
 *   config_check.c   what is wrong between values; config_check_pw.c of pseudowires,
 *                    config_check_signalled.c of signalled and of static ones
 *   config_wires.c   which pseudowires share a control connection
 *   managed.c        the file that l2xdpctl adds pseudowires to
 *   control.c        connections to the control socket, and the table of commands;
 *                    control_file.c makes the socket
 *   show_*.c, maintenance.c   what the commands show and do
 *
 * The file is checked to its end: every fault becomes one line "FILE:LINE: what; remedy",
 * in the order of the file, so that one run of `l2xdpd --check` tells all. That is why
 * libyaml is used by itself here: libcyaml ends at the first fault, and knows no lines
 * once the values are in structs.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "loader/aaa/file.h"
#include "loader/base/log.h"
#include "loader/control/config_load.h"
#include "loader/control/managed.h"

static void free_secret(char *s)
{
	if (s)
		explicit_bzero(s, strlen(s));
	free(s);
}

/* Cookies keep strangers out. */
static void pseudowires_free(void *list, unsigned int n, size_t size)
{
	if (list)
		explicit_bzero(list, n * size);
	free(list);
}

void config_pool_wipe(struct config_pool *p)
{
	free(p->name);
	free(p->ipv4);
	free(p->ipv6);
}

void config_profile_wipe(struct config_profile *p)
{
	free(p->name);
}

void config_peer_wipe(struct config_peer *p)
{
	free(p->name);
	free(p->host_name);
	free(p->expect_host_name);
	free_secret(p->secret);
}

void config_wire_wipe(struct config_wire *w)
{
	unsigned int i;

	for (i = 0; i < L2TP3_SECRETS; i++)
		free_secret(w->secret[i]);
	free(w->name);
	free(w->hostname);
	free(w->expect_hostname);
	free(w->pw);
}

void config_free(struct config *c)
{
	unsigned int i;

	if (!c)
		return;
	pseudowires_free(c->pseudowires, c->datapath.n_pseudowires, sizeof(*c->pseudowires));
	for (i = 0; i < c->n_wires; i++)
		config_wire_wipe(&c->wires[i]);
	for (i = 0; i < c->n_peers; i++)
		config_peer_wipe(&c->peers[i]);
	for (i = 0; i < c->n_profiles; i++)
		config_profile_wipe(&c->profiles[i]);
	for (i = 0; i < c->n_pools; i++)
		config_pool_wipe(&c->pools[i]);
	for (i = 0; i < DP_MAX_INTERFACES; i++)
		free(c->interface_names[i]);
	free(c->wires);
	free(c->signals);
	free(c->peers);
	free(c->profiles);
	free(c->pools);
	free((char *)c->datapath.tun_name);
	free(c->file);
	free(c->hostname);
	free(c->users);
	free(c->control_socket);
	free(c->state_dir);
	free(c->run_dir);
	free(c->bpf_dir);
	free(c->user);
	free(c);
}

static void load_free(struct load *ld)
{
	unsigned int i;

	for (i = 0; i < ld->n_peers; i++)
		config_peer_wipe(&ld->peers[i].c);
	for (i = 0; i < ld->n_profiles; i++)
		config_profile_wipe(&ld->profiles[i].c);
	for (i = 0; i < ld->n_pools; i++) {
		config_pool_wipe(&ld->pools[i].c);
		free(ld->pools[i].line4);
		free(ld->pools[i].line6);
	}
	for (i = 0; i < CONFIG_MAX_FILES; i++)
		pseudowires_free(ld->pws[i], ld->n_pws[i], sizeof(*ld->pws[i]));
	free(ld->peers);
	free(ld->profiles);
	free(ld->pools);
	faults_free(&ld->faults);
	config_free(ld->cfg);
}

/* What is not said in the file. */
static struct config *config_new(const char *file)
{
	struct config *c = calloc(1, sizeof(*c));
	char name[254] = "l2xdp";

	if (!c)
		return NULL;
	if (gethostname(name, sizeof(name) - 1) || !name[0])
		snprintf(name, sizeof(name), "l2xdp");
	c->file = strdup(file);
	c->hostname = strdup(name);
	c->control_socket = strdup("/run/l2xdpd.sock");
	c->state_dir = strdup("/var/lib/l2xdp");
	c->run_dir = strdup("/run/l2xdp");
	c->bpf_dir = strdup("/sys/fs/bpf/l2xdp");
	c->datapath.tun_name = strdup("l2tp0");
	c->datapath.shards = 1;
	c->datapath.port = 1701;
	c->datapath.tun_mtu = 1500;
	c->datapath.dscp = -1;
	if (c->file && c->hostname && c->control_socket && c->state_dir && c->run_dir &&
	    c->bpf_dir && c->datapath.tun_name)
		return c;
	config_free(c);
	return NULL;
}

/* What the L2TP room wants to know about a peer. */
static void fill_l2tp(struct config *c, struct config_peer *p)
{
	p->l2tp = (struct l2tp_peer){
		.name = p->name,
		.hostname = p->host_name ? p->host_name : c->hostname,
		.expect_hostname = p->expect_host_name,
		.secret = (const uint8_t *)p->secret,
		.secret_len = p->secret ? strlen(p->secret) : 0,
		.hide = p->hide_avps,
		.port_float = p->port_float,
		.single_tunnel = p->single_tunnel,
		.window = (uint16_t)p->window,
		.hello_ms = p->hello * 1000,
		.idle_ms = p->idle * 1000,
		.max_calls = p->max_calls,
		.user = p,
	};
}

/* False: there is no room for it. */
static bool tell_peer(struct dp_config *d, const struct prefix *p)
{
	unsigned int i;

	for (i = 0; i < d->n_peers; i++)
		if (d->peers[i].len == p->len && addr_eq(&d->peers[i].addr, &p->addr))
			return true;
	if (p->len && d->n_peers < L2X_MAX_PEERS)
		d->peers[d->n_peers++] = *p;
	return !p->len || i < L2X_MAX_PEERS;
}

/* Who has a lane of its own at the hook before its control connection is up: the narrowest
 * prefixes. One that holds everybody tells nobody apart. */
static void tell_peers(struct config *c)
{
	unsigned int i, left = 0;

	for (i = 0; i < c->n_peers; i++)
		left += !tell_peer(&c->datapath, &c->peers[i].address);
	for (i = 0; i < c->n_wires; i++)
		left += !tell_peer(&c->datapath, &c->wires[i].peer);
	if (left)
		log_warn(NULL,
			 "the first %u prefixes of peers and pseudowires have a lane of their own "
			 "at "
			 "the hook; those of %u more share the strangers', until their connection "
			 "is "
			 "up: write wider prefixes",
			 L2X_MAX_PEERS, left);
}

static int hand_over_pseudowires(struct load *ld)
{
	struct config *c = ld->cfg;
	unsigned int file, i;

	c->pseudowires = calloc(ld->n_pws[0] + ld->n_pws[1] + 1, sizeof(*c->pseudowires));
	if (!c->pseudowires)
		return -ENOMEM;
	for (file = 0; file < CONFIG_MAX_FILES; file++)
		for (i = 0; i < ld->n_pws[file]; i++)
			c->pseudowires[c->datapath.n_pseudowires++] = ld->pws[file][i].c;
	c->datapath.pseudowires = c->pseudowires;
	return 0;
}

static unsigned int or_default(unsigned int said, unsigned int otherwise)
{
	return said ? said : otherwise;
}

/* What nobody said has the default of either version. */
static void fill_limits(struct config *c)
{
	struct l2tp_limits *l = &c->limits;

	c->limits3 = (struct l2tp3_limits){ .half_open = l->half_open,
					    .half_open_source = l->half_open_source,
					    .setup_rate = l->setup_rate,
					    .tunnels = l->tunnels,
					    .retransmits = l->retransmits,
					    .retransmit_cap_ms = l->retransmit_cap_ms };
	l->half_open = or_default(l->half_open, 4096);
	l->half_open_source = or_default(l->half_open_source, 256);
	l->tunnels = or_default(l->tunnels, 65535);
	l->retransmits = or_default(l->retransmits, 5);
	l->retransmit_cap_ms = or_default(l->retransmit_cap_ms, 8000);
	l->shards = c->datapath.shards;
}

/* The lists move from the load to the configuration. */
static int hand_over(struct load *ld)
{
	struct config *c = ld->cfg;
	unsigned int i;

	c->peers = calloc(ld->n_peers + 1, sizeof(*c->peers));
	c->profiles = calloc(ld->n_profiles + 1, sizeof(*c->profiles));
	c->pools = calloc(ld->n_pools + 1, sizeof(*c->pools));
	if (!c->peers || !c->profiles || !c->pools)
		return -ENOMEM;
	fill_limits(c);
	c->datapath.run_dir = c->run_dir;
	c->datapath.bpf_dir = c->bpf_dir;
	for (i = 0; i < ld->n_pools; i++) {
		c->pools[c->n_pools++] = ld->pools[i].c;
		memset(&ld->pools[i].c, 0, sizeof(ld->pools[i].c));
	}
	for (i = 0; i < ld->n_profiles; i++) {
		c->profiles[c->n_profiles++] = ld->profiles[i].c;
		memset(&ld->profiles[i].c, 0, sizeof(ld->profiles[i].c));
	}
	for (i = 0; i < ld->n_peers; i++) {
		c->peers[c->n_peers] = ld->peers[i].c;
		memset(&ld->peers[i].c, 0, sizeof(ld->peers[i].c));
		fill_l2tp(c, &c->peers[c->n_peers++]);
	}
	tell_peers(c);
	return hand_over_pseudowires(ld);
}

/* ---- reading ---- */

/* What l2xdpctl has added is checked with the rest, so its document lives as long. */
static int read_managed(struct load *ld, const struct file *f, yaml_document_t *doc)
{
	yaml_node_t *root;
	int err;

	ld->faults.file = 1;
	err = document_parse(&ld->faults, f->text, f->len, doc);
	if (!err) {
		ld->doc = doc;
		root = yaml_document_get_root_node(doc);
		if (root)
			schema_read_managed(ld, root);
	}
	ld->faults.file = 0;
	return err;
}

/* `managed`: the name of a file in the state directory, NULL: there is no such. */
static int read_both(struct load *ld, yaml_node_t *root, const char *managed, bool must)
{
	yaml_document_t doc = { 0 };
	struct file f = { 0 };
	int err = 0;

	schema_read(ld, root);
	if (managed) {
		err = managed_read(ld->cfg->state_dir, managed, must, &f, ld->managed,
				   sizeof(ld->managed));
		ld->faults.files[1] = ld->managed;
		if (err) {
			ld->faults.file = 1;
			fault_add(&ld->faults, 1, "%s; mend or remove this file",
				  err == -EINVAL ? "not a regular file of its own"
						 : strerror(-err));
			ld->faults.file = 0;
		} else if (f.text) {
			err = read_managed(ld, &f, &doc);
		}
	}
	if (err != -ENOMEM)
		check_all(ld);
	document_wipe(&doc);
	file_wipe(&f);
	return err;
}

static int read_document(struct load *ld, const char *text, size_t len, const char *managed,
			 bool must)
{
	yaml_node_t *root;
	yaml_document_t doc;
	int err;

	err = document_parse(&ld->faults, text, len, &doc);
	if (err)
		return err;
	ld->doc = &doc;
	root = yaml_document_get_root_node(&doc);
	if (root)
		err = read_both(ld, root, managed, must);
	else
		fault_add(&ld->faults, 1,
			  "the file is empty; begin with the example that came with l2xdp");
	document_wipe(&doc);
	if (ld->faults.no_memory || err == -ENOMEM)
		return -ENOMEM;
	return ld->faults.all ? -EINVAL : 0;
}

static int parse(const char *file, const char *text, size_t len, const char *managed, bool must,
		 struct config **ret, char *err, size_t errlen)
{
	struct load ld = { .cfg = config_new(file), .faults.files = { file } };
	int r;

	if (errlen)
		err[0] = '\0';
	r = ld.cfg ? read_document(&ld, text, len, managed, must) : -ENOMEM;
	if (!r)
		r = hand_over(&ld);
	if (r == -ENOMEM)
		snprintf(err, errlen, "%s:1: no memory; shorten the file", file);
	else if (r)
		faults_print(&ld.faults, err, errlen);
	if (!r) {
		*ret = ld.cfg;
		ld.cfg = NULL;
	}
	load_free(&ld);
	return r;
}

int config_parse(const char *file, const char *text, size_t len, struct config **ret, char *err,
		 size_t errlen)
{
	return parse(file, text, len, NULL, false, ret, err, errlen);
}

static bool has_secret(const struct config *c)
{
	unsigned int i;

	for (i = 0; i < c->n_peers; i++) {
		if (c->peers[i].secret)
			return true;
	}
	for (i = 0; i < c->n_wires; i++) {
		if (c->wires[i].secret[0])
			return true;
	}
	for (i = 0; i < c->datapath.n_pseudowires; i++) {
		if (c->pseudowires[i].cookie[0].len || c->pseudowires[i].peer_cookie.len)
			return true;
	}
	return false;
}

static int load(const char *path, const char *managed, bool must, struct config **ret, char *err,
		size_t errlen)
{
	struct file f = { 0 };
	int r;

	r = file_read(path, CONFIG_MAX_FILE, &f);
	if (r) {
		snprintf(err, errlen, "%s:1: %s; name a readable configuration file", path,
			 r == -EINVAL ? "not a regular file" : strerror(-r));
		return r;
	}
	r = parse(path, f.text, f.len, managed, must, ret, err, errlen);
	if (!r && f.exposed && has_secret(*ret))
		log_warn(NULL, "%s:1: others than the owner can read its secrets; chmod 600 it",
			 path);
	file_wipe(&f);
	return r;
}

int config_load(const char *path, struct config **ret, char *err, size_t errlen)
{
	return load(path, MANAGED_FILE, false, ret, err, errlen);
}

int config_load_changed(const char *path, struct config **ret, char *err, size_t errlen)
{
	return load(path, MANAGED_CHANGED, true, ret, err, errlen);
}

/* ---- whose peer ---- */

static unsigned int mapped_len(const struct prefix *p)
{
	return addr_is_v4(&p->addr) ? 96u + p->len : p->len;
}

static struct ipaddr masked(const struct ipaddr *a, unsigned int bits)
{
	struct ipaddr m = { 0 };

	memcpy(m.b, a->b, bits / 8);
	if (bits % 8)
		m.b[bits / 8] = a->b[bits / 8] & (uint8_t)(0xff00u >> bits % 8);
	return m;
}

/* Behind the last peer from `from` on whose prefix has this length. */
static unsigned int group_end(const struct config *c, unsigned int from, unsigned int len)
{
	unsigned int low = from, high = c->n_peers, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (mapped_len(&c->peers[mid].address) >= len)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static const struct config_peer *find_in(const struct config *c, unsigned int low, unsigned int end,
					 const struct ipaddr *key)
{
	unsigned int high = end, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (memcmp(&c->peers[mid].address.addr, key, sizeof(*key)) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low < end && addr_eq(&c->peers[low].address.addr, key) ? &c->peers[low] : NULL;
}

/* One binary search for each length in use: a flood of strangers stays cheap. */
const struct config_peer *config_peer_of(const struct config *c, const struct ipaddr *a)
{
	unsigned int i = 0, len, end;

	while (i < c->n_peers) {
		const struct config_peer *p;
		struct ipaddr key;

		len = mapped_len(&c->peers[i].address);
		end = group_end(c, i, len);
		key = masked(a, len);
		p = find_in(c, i, end, &key);
		if (p && prefix_contains(&p->address, a))
			return p;
		i = end;
	}
	return NULL;
}
