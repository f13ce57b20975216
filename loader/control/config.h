/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration file (YAML), read whole and checked whole. Defaults fill what is not
 * said; unknown keys, wrong types and dangling names are errors with file, line and
 * remedy. docs/configuration.md describes every key.
 */
#ifndef L2XDP_CONTROL_CONFIG_H
#define L2XDP_CONTROL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/base/addr.h"
#include "loader/datapath/datapath.h"
#include "loader/l2tp/l2tp.h"
#include "loader/l2tp3/l2tp3.h"
#include "loader/ppp/ppp.h"

#define CONFIG_MAX_DNS 2
#define CONFIG_MAX_DIR 200 /* octets of a directory's name; files in it have short ones */

struct config_pool {
	char *name;
	struct prefix *ipv4, *ipv6;
	unsigned int n_ipv4, n_ipv6;
};

struct config_profile {
	char *name;
	enum ppp_auth
		auths[PPP_MAX_AUTHS]; /* authentication: [mschapv2, chap, pap]; [] or [none] */
	unsigned int n_auths;
	struct ipaddr local_address;
	struct ipaddr dns4[CONFIG_MAX_DNS],
		dns6[CONFIG_MAX_DNS]; /* dns: both families in one list */
	struct ipaddr nbns[CONFIG_MAX_DNS];
	unsigned int pool; /* index into pools; UINT_MAX: none */
	unsigned int mru; /* 128..9000, 0: from the path */
	bool ipv4, ipv6; /* both true by default; ipv6 needs a pool with ipv6 */
	unsigned int echo_interval, echo_failures; /* s, default 30 and 4 */
	bool mss_clamp; /* default true */
	bool sequencing; /* number what we send; default false */
	bool isolate; /* reserved for later; must equal datapath.isolate */
	bool lcp_renegotiate_always, proxy_authentication; /* false, true */
};

struct config_peer {
	char *name;
	struct prefix address;
	unsigned int profile; /* index into profiles */
	char *host_name; /* what we send; NULL: hostname */
	char *expect_host_name; /* NULL: any */
	char *secret; /* NULL: none; or from secret-file */
	bool hide_avps, port_float, single_tunnel;
	unsigned int hello, idle; /* s; default 60, and 0 = keep */
	unsigned int window, max_calls;
	struct l2tp_peer l2tp; /* filled from the above by config_load; user = this */
};

/* A control connection of version 3 that is kept up: for all pseudowires of one peer that agree in
 * what concerns it. */
struct config_wire {
	char *name; /* the first pseudowire's: for logs and records; unique */
	struct prefix peer; /* one address, or whoever of it dials us (behind NAT) */
	struct path path; /* that is dialled; ports 0: over IP; peer unset if it is a prefix */
	bool dial; /* false: we wait for the peer */
	char *secret[L2TP3_SECRETS]; /* NULL: none */
	char *hostname; /* what we send; NULL: config.hostname */
	char *expect_hostname; /* NULL: any */
	struct l2tp3_peer l2tp; /* filled from the above by config_load; user = this */
	unsigned int *pw; /* places in datapath.pseudowires, rising */
	unsigned int n_pw;
};

/* What the control connection needs to know of a pseudowire. */
struct config_signal {
	unsigned int wire; /* index into wires; UINT_MAX: static without keepalive */
	bool keepalive; /* static: the wire is only there to see whether the peer lives */
	uint8_t end_id[L2TP3_MAX_END_ID]; /* Remote End ID, of both directions */
	uint8_t end_id_len;
	uint16_t pw_type; /* enum l2tp3_pw_type */
	uint8_t cookie_len; /* of ours: 0, 4, 8 */
};

struct config {
	char *file;
	char *hostname;
	struct dp_config datapath;
	char *interface_names[DP_MAX_INTERFACES];
	struct config_pool *pools;
	struct config_profile *profiles;
	struct config_peer *peers; /* longest prefix first */
	struct pw_config *pseudowires; /* datapath.pseudowires */
	struct config_signal *signals; /* one for each of datapath.pseudowires, same place */
	struct config_wire *wires;
	unsigned int n_pools, n_profiles, n_peers, n_wires;
	struct l2tp_limits limits;
	struct l2tp3_limits limits3; /* of the same section; 0: the default of that version */
	char *users; /* chap-secrets file; NULL: none */
	char *control_socket; /* default /run/l2xdpd.sock */
	char *state_dir; /* state-directory: the durable store; default /var/lib/l2xdp */
	char *run_dir; /* runtime-directory, in memory: the hot store; default /run/l2xdp */
	char *bpf_dir; /* datapath.bpf-directory; default /sys/fs/bpf/l2xdp; NULL: none, not pinned */
	char *user; /* whom the worker runs as; NULL: l2xdp if there is such a user, else
		     * whoever started it, without capabilities */
	enum { CONFIG_LOG_INFO, CONFIG_LOG_DEBUG } log;
};

/* Reads and checks `path`, and with it the pseudowires of l2xdpctl in the state directory. 0, or a negative errno with `err` holding one line for each
 * fault, "FILE:LINE: what; remedy", up to errlen. */
int config_load(const char *path, struct config **ret, char *err, size_t errlen);
/* The same with the pseudowires that l2xdpctl has asked for and that are not in use yet
 * (managed_change, loader/control/managed.h). */
int config_load_changed(const char *path, struct config **ret, char *err, size_t errlen);
/* From memory, without anything from the state directory: `file` is what messages call it. */
int config_parse(const char *file, const char *text, size_t len, struct config **ret, char *err,
		 size_t errlen);
void config_free(struct config *c); /* wipes secrets */
/* The peer whose prefix holds this address, the longest first; NULL: none. */
const struct config_peer *config_peer_of(const struct config *c, const struct ipaddr *a);

#endif
