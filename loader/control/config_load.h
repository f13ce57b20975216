/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Between the files of the configuration: what has been read and on which line. */
#ifndef L2XDP_CONTROL_CONFIG_LOAD_H
#define L2XDP_CONTROL_CONFIG_LOAD_H

#include "loader/control/config.h"
#include "loader/control/config_yaml.h"

enum top_key {
	TOP_HOSTNAME,
	TOP_LISTEN,
	TOP_DATAPATH,
	TOP_PEERS,
	TOP_PROFILES,
	TOP_POOLS,
	TOP_USERS,
	TOP_CONTROL_SOCKET,
	TOP_STATE_DIRECTORY,
	TOP_RUNTIME_DIRECTORY,
	TOP_USER,
	TOP_LIMITS,
	TOP_LOG,
};
enum datapath_key {
	DATAPATH_INTERFACES,
	DATAPATH_MODE,
	DATAPATH_SHARDS,
	DATAPATH_EXCLUSIVE,
	DATAPATH_TUN,
	DATAPATH_TUN_MTU,
	DATAPATH_VERIFY_CHECKSUM,
	DATAPATH_ISOLATE,
	DATAPATH_DATA_CHECKSUM,
	DATAPATH_MTU,
	DATAPATH_DSCP,
	DATAPATH_BPF_DIRECTORY,
	DATAPATH_WORKERS,
};
enum peer_key {
	PEER_NAME,
	PEER_ADDRESS,
	PEER_PROFILE,
	PEER_HOST_NAME,
	PEER_EXPECT_HOST_NAME,
	PEER_SECRET,
	PEER_SECRET_FILE,
	PEER_HIDE_AVPS,
	PEER_PORT_FLOAT,
	PEER_SINGLE_TUNNEL,
	PEER_HELLO,
	PEER_IDLE,
	PEER_WINDOW,
	PEER_MAX_SESSIONS,
};
enum profile_key {
	PROFILE_NAME,
	PROFILE_AUTHENTICATION,
	PROFILE_LOCAL_ADDRESS,
	PROFILE_DNS,
	PROFILE_NBNS,
	PROFILE_POOL,
	PROFILE_MRU,
	PROFILE_IPV4,
	PROFILE_IPV6,
	PROFILE_ECHO_INTERVAL,
	PROFILE_ECHO_FAILURES,
	PROFILE_MSS_CLAMP,
	PROFILE_SEQUENCING,
	PROFILE_LCP_RENEGOTIATE,
	PROFILE_PROXY_AUTHENTICATION,
};
enum pool_key { POOL_NAME, POOL_IPV4, POOL_IPV6 };

#define MAX_KEYS 16

/* On which line a section and each of its keys stand; 0: not said. */
struct said {
	unsigned int line;
	unsigned int key[MAX_KEYS];
};

struct raw_peer {
	struct config_peer c;
	struct said said;
	const char *profile, *secret_file; /* in the document */
};
struct raw_profile {
	struct config_profile c;
	struct said said;
	const char *pool; /* in the document */
};
struct raw_pool {
	struct config_pool c;
	struct said said;
	unsigned int *line4, *line6; /* of each prefix */
};

struct load {
	yaml_document_t *doc;
	struct faults faults;
	struct config *cfg;
	struct said top, datapath, limits;
	struct raw_peer *peers;
	struct raw_profile *profiles;
	struct raw_pool *pools;
	unsigned int n_peers, n_profiles, n_pools;
};

/* config_schema.c: the tables of keys. Fills ld->cfg and the raw lists. */
void schema_read(struct load *ld, yaml_node_t *root);
/* config_check.c: what concerns more than one value. Resolves names, reads secret files. */
void check_all(struct load *ld);

void config_pool_wipe(struct config_pool *p);
void config_profile_wipe(struct config_profile *p);
void config_peer_wipe(struct config_peer *p);

#endif
