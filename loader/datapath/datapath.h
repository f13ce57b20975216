/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The data path: everything that touches the kernel for packets. The only door to the
 * BPF maps, and the owner of the UDP sockets, the TUN device l2tp0 and the routes to
 * subscribers.
 *
 * Fast path: the XDP programs of bpf/. Slow path: frames that XDP passes up arrive at the
 * UDP sockets, are checked here as XDP would have, and go into l2tp0; what the host
 * routes to l2tp0 is encapsulated here. With mode off, or on an interface without XDP,
 * the slow path carries everything.
 */
#ifndef L2XDP_DATAPATH_DATAPATH_H
#define L2XDP_DATAPATH_DATAPATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/base/addr.h"
#include "loader/base/timers.h"
#include "loader/datapath/pseudowire.h"
#include "maps/schema.h"
#include "maps/verdicts.h"

struct event_base;
struct datapath;

enum dp_mode { DP_AUTO, DP_NATIVE, DP_GENERIC, DP_TC, DP_OFF };
extern const char *const dp_mode_names[]; /* "auto", "native", "generic", "tc", "off" */

/* CPUs that sessions are spread over. */
enum dp_workers_mode { DP_WORKERS_OFF, DP_WORKERS_AUTO, DP_WORKERS_COUNT, DP_WORKERS_LIST };
struct dp_workers_config {
	enum dp_workers_mode mode;
	unsigned int n; /* COUNT: how many; LIST: of cpu[] */
	uint16_t cpu[L2X_MAX_WORKER_CPUS];
};

#define DP_MAX_INTERFACES 16
#define DP_MAX_POOLS 16

/* Owned by the caller; must outlive the datapath. */
struct dp_config {
	const char *interfaces[DP_MAX_INTERFACES];
	unsigned int n_interfaces;
	enum dp_mode mode; /* auto: native where the driver can, else the slow path */
	bool exclusive; /* attach alone, not by libxdp's dispatcher */
	unsigned int shards;
	struct ipaddr listen[L2X_MAX_LISTEN];
	unsigned int n_listen;
	uint16_t port; /* 1701 */
	struct prefix pools[DP_MAX_POOLS]; /* of both families; IPv6: a /64 each from it */
	unsigned int n_pools;
	const struct ipaddr *statics; /* of users, outside the pools or not; in rising order */
	size_t n_statics;
	struct prefix peers[L2X_MAX_PEERS]; /* who may connect: not policed with strangers */
	unsigned int n_peers;
	struct ipaddr local[DP_MAX_POOLS]; /* our addresses on l2tp0 (local-address) */
	unsigned int n_local;
	const char *tun_name; /* "l2tp0" */
	unsigned int tun_mtu; /* 1500 */
	bool verify_checksum, isolate, data_checksum_off;
	const char *bpf_dir; /* on a BPF file system: maps and links are pinned here */
	const char *run_dir; /* in memory: counters of the slow path */
	unsigned int mtu_limit; /* of an inner packet, 0: what the way allows */
	int dscp; /* -1: copy the inner one; 0..63: fixed */
	const struct pw_config *pseudowires;
	unsigned int n_pseudowires;
	struct dp_workers_config workers;
};

/* What a session needs to be forwarded. IDs and ports in host order. */
struct dp_session {
	uint16_t tunnel_id, session_id; /* ours */
	uint16_t peer_tunnel_id, peer_session_id; /* theirs */
	struct path path;
	bool ipv4_open, ipv6_open;
	struct ipaddr ipv4; /* the subscriber's */
	struct prefix ipv6; /* its /64; len 0: none */
	uint16_t peer_mru; /* octets (LCP) */
	bool seq_send, seq_receive, seq_required;
	bool acfc, ecn, clamp_mss;
	/* LCP is open: the hook may answer Echo-Requests, with these magic numbers of LCP (0: not
	 * negotiated). Must be false from the moment on when LCP is not open any more. */
	bool echo;
	uint32_t magic, peer_magic;
};

struct dp_way_traffic {
	uint64_t packets, bytes, drops, lost;
};
struct dp_traffic {
	struct dp_way_traffic hook_rx, hook_tx, slow_rx, slow_tx;
};

struct dp_ops {
	/* A control message of either version, from its flag word on. Ports 0 in the path: it came
	 * directly over IP. */
	void (*control)(void *ctx, const struct path *path, const uint8_t *msg, size_t len);
	/* A PPP frame of a session that is not forwarded IP: LCP and the like, FF 03 and
	 * all as it came. Path and IDs have been checked. */
	void (*ppp)(void *ctx, uint32_t index, const uint8_t *frame, size_t len);
	/* An IPv6 packet from fe80::/10 or ::, for ppp_ipv6_local. */
	void (*ipv6_local)(void *ctx, uint32_t index, const uint8_t *packet, size_t len);
	/* A batch of what came in is over: one call for many of the above. */
	void (*turn)(void *ctx);
	/* The inner MTU of a session changed (path MTU, link MTU). */
	void (*mtu_changed)(void *ctx, uint32_t index, uint16_t mtu);
	/* The circuit of a pseudowire, by its place in the configuration, has come up or gone down
	 * (dp_pw_circuit_is_up); down at first, so from within dp_ready of each that is up. May be NULL. */
	void (*circuit)(void *ctx, unsigned int i, bool up);
	/* What was to leave by this path did not: a negative errno. Nothing is sent from within it.
	 * May be NULL. */
	void (*unsent)(void *ctx, const struct path *path, int rc);
};

/* Does this host have the address on any interface? */
bool dp_is_own_address(struct datapath *dp, const struct ipaddr *a);

/* Index of a session, the same in maps, here and in the CLI. */
static inline uint32_t dp_index(unsigned int shards, uint16_t tunnel_id, uint16_t session_id)
{
	return ((uint32_t)(tunnel_id & (shards - 1)) << 16) | session_id;
}

/* Octets that maps will take with this configuration, to be printed before. */
size_t dp_memory(const struct dp_config *cfg);

/*
 * The life of a data path, in two processes. The privileged one opens it and answers
 * requests; the worker, forked from it, has no capability, starts it and runs it.
 *
 *   privileged  dp_open    sockets, l2tp0, maps (new, or those pinned by an earlier
 *                          daemon), the program loaded. Nothing attached or changed that
 *                          packets would notice.
 *   worker      dp_start   events. Then dp_tunnel_set and dp_session_set for all that the
 *                          store knows: what the maps hold already is left alone.
 *   worker      dp_ready   what nobody claimed leaves the maps; asks for DP_DO_ATTACH, which
 *                          attaches, or replaces the earlier program atomically.
 *   either      dp_leave   the process ends, the data path goes on.
 *   privileged  dp_remove  detaches, unpins, removes routes and l2tp0: as it was found.
 *
 * A process that is alone may do all of it: `ask` is NULL, requests are done at once.
 */

/* 0 or a negative errno; on failure the data path of an earlier daemon goes on as it did,
 * and `err` (never NULL) says in one or more lines what, why and how to mend it. */
int dp_open(const struct dp_config *cfg, struct datapath **ret, char *err, size_t errlen);

/* What the worker may ask for; the allow-list of each is beside its code (privilege.c). */
enum dp_act {
	DP_DO_ATTACH, /* after dp_ready: the interfaces of the configuration; again when one
		       * comes back */
	DP_DO_ROUTE, /* add or remove: a subscriber's address outside the pools, to l2tp0 */
	DP_DO_HOST, /* put or delete: maps hosts4, hosts6 */
	DP_DO_VLAN, /* put or delete: map vlans */
	DP_DO_VERDICTS, /* read the map of counters */
	DP_DO_NEIGHBOURS, /* ask the stale ones of our interfaces whether they are there */
	DP_DO_CPUS, /* read what each CPU has done */
	DP_DO_RETIRE, /* remove the queues of workers that are not configured */
	DP_DO_CIRCUIT, /* what DP_DO_ATTACH has come to, of one pseudowire */
	DP_DO_MAX
};
extern const char *const dp_act_names[DP_DO_MAX];
struct dp_request {
	enum dp_act act;
	bool add;
	struct prefix prefix; /* ROUTE, HOST: an IPv4 /32 or an IPv6 /64 */
	uint32_t
		index; /* HOST: session; VLAN: ifindex of the device above; CIRCUIT: the place in the
			 * configuration */
	struct l2x_vlan_key vlan;
};
struct dp_answer {
	int rc; /* 0 or a negative errno */
	char err[480]; /* ATTACH that failed: in words */
	struct {
		unsigned int ifindex;
		bool attached, shared;
		char mode[12], why[160];
	} port[DP_MAX_INTERFACES]; /* ATTACH */
	struct {
		unsigned int ifindex;
		bool attached;
		char device[PW_DEVICE_LEN], mode[12], why[160];
	} circuit; /* CIRCUIT */
	uint64_t verdicts[L2X_V_MAX];
	struct {
		uint32_t forwarded; /* frames: here at the hook, or as a worker; wraps */
		uint32_t busy, ticks; /* /proc/stat; wrap */
	} cpu[L2X_MAX_WORKER_CPUS]; /* CPUS */
};
/* In the privileged process: does it if it is allowed, else rc = -EPERM. */
void dp_do(struct datapath *dp, const struct dp_request *rq, struct dp_answer *ret);
/* In the worker: gives the request to the privileged process and waits. False: it is gone. */
typedef bool dp_ask_fn(void *ctx, const struct dp_request *rq, struct dp_answer *ret);

int dp_start(struct datapath *dp, struct event_base *base, const struct dp_ops *ops, void *ctx,
	     dp_ask_fn *ask, void *ask_ctx);

/* What the start of a data path took over from an earlier daemon. */
struct dp_adoption {
	bool maps; /* those of an earlier daemon were found */
	unsigned int kept; /* sessions that stood there as they should */
	unsigned int put; /* known to the store, but not there, or otherwise */
	unsigned int removed; /* there, and known to nobody */
	char note[160]; /* why maps of an earlier daemon were not taken over; else empty */
};
/* -EOPNOTSUPP and the like with err when an interface that must take XDP does not. */
int dp_ready(struct datapath *dp, struct dp_adoption *ret, char *err, size_t errlen);
/* Before dp_ready has succeeded: what dp_open made is taken back, what it found is left. */
void dp_leave(struct datapath *dp);
void dp_remove(struct datapath *dp);
/* The same while nobody has it open, also where dp_open could not: interfaces and addresses of
 * the configuration need not be there. On failure (a daemon runs: -EBUSY) nothing is removed. */
int dp_clear(const struct dp_config *cfg, char *err, size_t errlen);
/* False: maps, programs and links end with the process that has them open. */
bool dp_is_pinned(const struct datapath *dp);
/* For --check: what dp_open would do with what is pinned, in a sentence; changes nothing.
 * `unpinned_ends`: who asks has a data path that is not pinned, and which ends before dp_open.
 * 0, -EPROTO: it would refuse (made by a newer version), or -EBUSY: a program of ours is at a
 * hook, by maps that it could not reach. */
int dp_foresee(const struct dp_config *cfg, bool unpinned_ends, char *text, size_t len);

/* What the store knows of a session's counters, where ours are new: those of the slow path,
 * and those of the hook. After dp_session_set, before dp_ready. */
void dp_session_traffic_restore(struct datapath *dp, uint32_t index, const struct dp_traffic *t);

/* Puts a session into the maps, or changes it (no packet sees half an update). Before
 * ipv4_open or ipv6_open it only tells whose PPP frames are taken. 0, -ENOMEM, -EEXIST
 * (address held by another session), -EINVAL. */
int dp_session_set(struct datapath *dp, const struct dp_session *s);
void dp_session_del(struct datapath *dp, uint32_t index);
/* A control connection that is known: its messages have their own lane. */
int dp_tunnel_set(struct datapath *dp, uint16_t tunnel_id, const struct path *path);
void dp_tunnel_del(struct datapath *dp, uint16_t tunnel_id);

/* What is sent between these two may leave at the end of it, in order. */
void dp_send_begin(struct datapath *dp);
void dp_send_end(struct datapath *dp);
/* One control message, from path->local:local_port; ports 0: directly over IP, behind 4 zero octets
 * that are put before it (V3-HDR-2). CS6 (DP-DS-4). */
void dp_send_control(struct datapath *dp, const struct path *path, const uint8_t *msg, size_t len);
/* One PPP frame (FF 03 ...) in a data message of this session, slow path counted apart
 * from IP traffic. */
void dp_send_ppp(struct datapath *dp, uint32_t index, const uint8_t *frame, size_t len);

/* Inner MTU towards a peer on this path before any session exists: what the way allows
 * less the overhead of our transmit form (DP-MTU-1), and the MRU to ask for (DP-MTU-2). */
uint16_t dp_path_mtu(struct datapath *dp, const struct path *path, bool seq);
uint16_t dp_path_mru(struct datapath *dp, const struct path *path);
uint16_t dp_session_mtu(const struct datapath *dp, uint32_t index);
int dp_session_traffic(struct datapath *dp, uint32_t index, struct dp_traffic *ret);
/* The sum of its numbers, of a session that is in the data path: reads its counters alone, so that
 * to go through a million of them is to read two arrays. */
uint64_t dp_traffic_sum(const struct datapath *dp, uint32_t index);
/* What tells that the subscriber lives: packets from it so far, hook and slow path, and the
 * Echo-Requests that the hook has answered. Of a session that is in the data path; cheap, for idle
 * checks. */
uint64_t dp_session_rx(const struct datapath *dp, uint32_t index);

/* Frames by verdict at the hook. */
struct dp_verdict_info {
	const char *name, *class_name, *text;
};
extern const struct dp_verdict_info dp_verdicts[L2X_V_MAX];
void dp_verdict_counts(struct datapath *dp, uint64_t ret[L2X_V_MAX]);

/* Slow path and sockets. */
/* clang-format off */
#define DP_SLOW_COUNTERS(X)									\
	X(RX_CONTROL, "rx_control")								\
	X(RX_PPP, "rx_ppp")									\
	X(RX_IP, "rx_ip")									\
	X(TX_IP, "tx_ip")									\
	X(TX_PPP, "tx_ppp")									\
	X(TX_CONTROL, "tx_control")								\
	X(BAD_HEADER, "bad_header")								\
	X(UNKNOWN_SESSION, "unknown_session")							\
	X(WRONG_PATH, "wrong_path")								\
	X(BAD_PPP, "bad_ppp")									\
	X(BAD_INNER, "bad_inner")								\
	X(SPOOFED, "spoofed")									\
	X(NCP_CLOSED, "ncp_closed")								\
	X(SEQ_OLD, "sequence_old")								\
	X(SEQ_MISSING, "sequence_missing")							\
	X(ECN_DROP, "ecn_drop")									\
	X(NO_SESSION, "no_session")								\
	X(TOO_BIG, "too_big")									\
	X(FRAGMENTED, "fragmented")								\
	X(ICMP_SENT, "icmp_sent")								\
	X(ICMP_LIMITED, "icmp_limited")								\
	X(SEND_FAILED, "send_failed")								\
	X(TUN_FAILED, "tun_failed")								\
	X(PMTU_LOWERED, "pmtu_lowered")								\
	X(PMTU_REFUSED, "pmtu_refused")								\
	X(ISOLATED, "isolated")									\
	X(QUEUE_URGENT_DROPPED, "queue_urgent_dropped")						\
	X(QUEUE_CONTROL_DROPPED, "queue_control_dropped")					\
	X(QUEUE_DATA_DROPPED, "queue_data_dropped")						\
	X(QUEUE_CONTACT_DROPPED, "queue_contact_dropped")					\
	X(QUEUE_RAW_DROPPED, "queue_raw_dropped")						\
	X(PW_IN, "pw_in")									\
	X(PW_OUT, "pw_out")									\
	X(PW_CONTROL, "pw_control")								\
	X(PW_UNKNOWN, "pw_unknown")								\
	X(PW_COOKIE, "pw_cookie")								\
	X(PW_DOWN, "pw_down")									\
	X(PW_BAD, "pw_bad")									\
	X(DOOR_FAILED, "door_failed")
/* clang-format on */
enum dp_slow_counter {
#define X(NAME, name) DP_SLOW_##NAME,
	DP_SLOW_COUNTERS(X)
#undef X
		DP_SLOW_MAX
};
extern const char *const dp_slow_counter_names[DP_SLOW_MAX];
const uint64_t *dp_slow_counters(const struct datapath *dp);
void dp_slow_counters_add(struct datapath *dp, const uint64_t add[DP_SLOW_MAX]);

/* For `show datapath`. */
struct dp_interface_info {
	const char *name;
	unsigned int ifindex, mtu;
	const char *mode; /* "native", "generic", "tc", "off" */
	const char *why; /* for "off": the reason */
	bool shared; /* by libxdp's dispatcher */
};
unsigned int dp_interfaces(struct datapath *dp, struct dp_interface_info *ret, unsigned int cap);
const char *dp_tun_name(const struct datapath *dp);

/* For `show workers`. */
struct dp_worker_info {
	unsigned int cpu;
	bool serves; /* takes new sessions; else it only goes on with those that it has */
	uint32_t sessions;
	uint64_t frames; /* that it has taken */
	uint64_t rate; /* ... a second, lately */
	uint64_t lost; /* given to it, and not taken: its queue was full */
};
struct dp_workers_info {
	const char *mode; /* "off", "auto", "number", "list" */
	bool on; /* a worker serves */
	const char *advice, *text; /* whether they would help: a word, and a sentence */
	uint32_t here; /* sessions that are dealt with where their frames arrive */
	uint32_t moving;
	unsigned int n;
	struct dp_worker_info worker[L2X_MAX_WORKER_CPUS]; /* serving, or with sessions */
};
void dp_workers(const struct datapath *dp, struct dp_workers_info *ret);
/* Of one session: CPU, -1: where its frames arrive, -2: it is moving. */
int dp_session_worker(const struct datapath *dp, uint32_t index);

/*
 * Preflight (also without a datapath): what stands in the way on a device, and the
 * command that mends it.
 */
enum dp_finding_level { DP_OK, DP_NOTE, DP_WARN, DP_FATAL };
struct dp_finding {
	enum dp_finding_level level;
	char what[160];
	char remedy[160]; /* a command, or empty */
	bool of_routers; /* matters where there are subscribers, not to pseudowires */
};
#define DP_MAX_FINDINGS 24
/* Number of findings (>= 0) or a negative errno (no such device: -ENODEV). */
int dp_preflight(const char *ifname, struct dp_finding ret[DP_MAX_FINDINGS]);

#endif
