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
	PW_PREVIOUS_SECRET,
	PW_PREVIOUS_SECRET_FILE,
	PW_REMOTE_END_ID,
	PW_PEER_HOST_NAME,
	PW_HOST_NAME,
	PW_COOKIE_OCTETS,
	PW_TYPE,
	PW_DIGEST,
	PW_HIDE_AVPS,
	PW_DIAL,
	PW_HELLO,
	PW_KEEPALIVE,
	PW_V2_FALLBACK,
	PW_CISCO_DRAFT_AVPS,
	PW_YAMAHA_HEADER,
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

#define MAX_KEYS 34
#define FEW_KEYS 9
#define CONFIG_MAX_CIRCUIT_DEVICES 64

/* On which line a section and each of its keys stand; 0: not said. */
struct said {
	unsigned int line;
	unsigned int key[MAX_KEYS];
};

/* The same of a section with few, of which there may be many. */
struct said_few {
	unsigned int line;
	unsigned int key[FEW_KEYS];
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

/* What concerns the control connection of a pseudowire. Texts are in the document. */
struct raw_signal {
	const char *secret, *secret_file, *previous_secret, *previous_secret_file;
	const char *host_name, *peer_host_name; /* NULL: not said */
	unsigned int hello; /* s */
	int digest; /* enum l2tp3_digest */
	bool hide_avps, dial, v2_fallback, cisco_draft_avps, yamaha_header;
	/* these are the pseudowire's own */
	bool keepalive, vlan;
	int cookie_words; /* of 4 octets */
	uint8_t end_id_len; /* 0: not said */
	uint8_t end_id[L2TP3_MAX_END_ID];
};

struct raw_pw {
	struct pw_config c;
	struct raw_signal s;
	struct prefix peer; /* one address, which is then in c.path too, or more */
	bool peer_any, peer_known; /* the word any; `peer` holds what is meant */
	struct said said;
	struct said_few session, cookie, ports, sublayer, attach;
	unsigned int file; /* as faults.file: 1 is l2xdpctl's */
	unsigned int place; /* in datapath.pseudowires */
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
/* The first line of a file; freed by config_free. NULL and a fault. `key`: what messages call it. */
char *secret_from_file(struct load *ld, unsigned int line, const char *key, const char *file);

/* config_check_pw.c: the same for pseudowires. */
void check_pseudowires(struct load *ld);
/* A fault at a line of the file that the pseudowire is in. */
void pw_fault(struct load *ld, const struct raw_pw *p, unsigned int line, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
const char *pw_name_of(const struct raw_pw *p); /* for messages */
unsigned int pw_line_of(const struct raw_pw *p, enum pw_key key); /* or where it begins */
#define PW_PLACE_LEN 280
/* "on line 7", and in which file if it is another one than that of `p`. */
const char *pw_place_of(const struct load *ld, const struct raw_pw *p, const struct raw_pw *of,
			unsigned int line, char buf[static PW_PLACE_LEN]);
typedef int pw_order_fn(const struct raw_pw *a, const struct raw_pw *b);
/* Equal ones stay in the order of the files. */
void pw_sort(struct raw_pw **list, unsigned int n, pw_order_fn *order);
bool pw_peer_is_one(const struct raw_pw *p); /* not a range of addresses */
/* config_check_signalled.c: keys that belong to signalled ones, or to static ones, alone. */
void check_signalled(struct load *ld, const struct raw_pw *p);
/* config_wires.c: those of one control connection, which must agree in what concerns it. The list is
 * sorted; what is good goes to cfg->wires and cfg->signals. */
void check_wires(struct load *ld, struct raw_pw **list, unsigned int n);

void config_wire_wipe(struct config_wire *w);
void config_pool_wipe(struct config_pool *p);
void config_profile_wipe(struct config_profile *p);
void config_peer_wipe(struct config_peer *p);

#endif
