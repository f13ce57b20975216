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
	TOP_PSEUDOWIRES,
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
	DATAPATH_CIRCUIT_DEVICES,
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
enum pw_key {
	PW_NAME,
	PW_PEER,
	PW_LOCAL,
	PW_ENCAPSULATION,
	PW_PORTS,
	PW_SIGNALLED,
	PW_SECRET,
	PW_SECRET_FILE,
	PW_REMOTE_END_ID,
	PW_SESSION,
	PW_COOKIE,
	PW_SUBLAYER,
	PW_SEQUENCING,
	PW_CHECKSUM,
	PW_ATTACH,
	PW_TOO_LARGE,
	PW_MSS_CLAMP,
	PW_MTU,
	PW_DSCP,
	PW_BUM_LIMIT,
};
enum pw_end_key { PW_END_LOCAL, PW_END_REMOTE }; /* of session, cookie, ports, sublayer */
enum attach_key {
	ATTACH_DEVICE,
	ATTACH_CREATE,
	ATTACH_KIND,
	ATTACH_NETNS,
	ATTACH_ADDRESS,
	ATTACH_VLAN,
	ATTACH_TAG,
	ATTACH_OUTER_TAG,
	ATTACH_MTU,
};

#define MAX_KEYS 20
#define CONFIG_MAX_CIRCUIT_DEVICES 64

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

struct raw_pw {
	struct pw_config c;
	struct said said, session, cookie, ports, sublayer, attach;
	unsigned int file; /* as faults.file: 1 is l2xdpctl's */
	bool over_ip;
	unsigned int local_port, peer_port; /* 0: not said */
	unsigned int n_vlan, n_wire;
};

struct load {
	char managed[CONFIG_MAX_DIR + 32]; /* the file that l2xdpctl adds to */
	yaml_document_t *doc;
	struct faults faults;
	struct config *cfg;
	struct said top, datapath, limits;
	struct raw_peer *peers;
	struct raw_profile *profiles;
	struct raw_pool *pools;
	struct raw_pw *pws[CONFIG_MAX_FILES]; /* of each file */
	unsigned int n_pws[CONFIG_MAX_FILES];
	unsigned int n_peers, n_profiles, n_pools;
	const char *circuit_devices[CONFIG_MAX_CIRCUIT_DEVICES]; /* in the document */
	unsigned int n_circuit_devices;
};

/* config_schema.c: the tables of keys. Fills ld->cfg and the raw lists. */
void schema_read(struct load *ld, yaml_node_t *root);
/* The same for the file that l2xdpctl's pseudowires are in. */
void schema_read_managed(struct load *ld, yaml_node_t *root);
/* config_check.c: what concerns more than one value. Resolves names, reads secret files. */
void check_all(struct load *ld);
/* config_check_pw.c: the same for pseudowires. */
void check_pseudowires(struct load *ld);

void config_pool_wipe(struct config_pool *p);
void config_profile_wipe(struct config_profile *p);
void config_peer_wipe(struct config_peer *p);

#endif
