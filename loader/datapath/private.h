/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of this room share. Not for other rooms. */
#ifndef L2XDP_DATAPATH_PRIVATE_H
#define L2XDP_DATAPATH_PRIVATE_H

#include <sys/uio.h>

#include "loader/base/log.h"
#include "loader/datapath/datapath.h"
#include "loader/datapath/inner.h"
#include "loader/datapath/placement.h"

struct event;
struct attach;
struct netlink;
struct survey;
struct nlmsghdr;
struct nl_cache;
struct tunnel;

#define DP_INDEXES(cfg) ((cfg)->shards * L2X_SHARD_SESSIONS)
#define DP_PATH_BUCKETS 4096u

/* ---- sessions and tunnels, session.c and tunnel.c ------------------------------- */

struct slow_direction {
	uint64_t packets, bytes, drops, lost;
};

/* What a session leaves behind in the slow path, and its numbers where there is no map (mode
 * off). 128 octets in a file in memory that outlives the process (traffic.c). */
struct slow_traffic {
	struct slow_direction rx, tx;
	uint64_t own_seq, own_ns;
	uint16_t tunnel_id, session_id, peer_tunnel_id, peer_session_id; /* whose this is */
	uint64_t reserved[5];
};

/* DP-ICMP-3: who is told too often. Zero-initialised it is full after a second. */
struct icmp_bucket {
	uint32_t stamp; /* ms */
	uint16_t tokens;
};

/* One session; under 300 octets, because there may be 65536 and more. */
struct session {
	struct dp_session s;
	struct tunnel *tunnel;
	struct session *next, *prev; /* of the tunnel */
	struct session *next4, *next6; /* chains of the address table */
	struct slow_traffic *slow;
	uint32_t index;
	struct icmp_bucket icmp;
	uint16_t mtu;
	bool host_route4, host_route6; /* a route of its own: outside every pool */
	bool hook_is_new, slow_is_new; /* counters that began with this set (dp_session_set) */
};

/* A control connection, or the path of sessions whose connection is not known here. */
struct tunnel {
	struct path path;
	uint16_t id;
	uint16_t way_mtu; /* of the way out of this host, without what ICMP told */
	uint16_t learned_mtu; /* by ICMP (DP-ICMP-5), 0: nothing */
	msec_t learned_until; /* DP-MTU-3 */
	uint32_t way_serial; /* datapath.way_serial when way_mtu was asked for */
	uint32_t pmtu_stamp; /* bucket of reports to be searched for: ms, and tokens */
	uint8_t pmtu_tokens;
	bool known; /* dp_tunnel_set */
	bool dirty; /* sessions from `cursor` on have an old MTU */
	struct session *sessions, *cursor;
	struct tunnel *next_path, *next_dirty;
};

/* ---- maps, maps.c ------------------------------------------------------------------ */

/* An array map, mapped into us. */
struct map_array {
	uint32_t n, value_size, stride;
	uint8_t *mem;
	size_t mem_len;
};

struct dp_maps {
	struct map_array sessions, traffic, up_lines, down_lines, tunnels, pool4, pool6, ports,
		places, handed, pws, pw_traffic;
	int hosts4, hosts6, vlans, verdicts, queues, circuits,
		pw_ids; /* the privileged process's alone */
	struct l2x_window4 window4[L2X_MAX_WINDOWS];
	struct l2x_window6 window6[L2X_MAX_WINDOWS];
	unsigned int n_windows4, n_windows6;
	struct l2x_live *live;
	uint32_t generation;
};

/* ---- what stands there already ---------------------------------------------------- */

/* A subscriber's prefix that the kernel holds: in the maps of hosts, or as a route. Whoever
 * claims it keeps it; what nobody has claimed when all are back goes. */
struct claim {
	struct prefix prefix;
	uint32_t index; /* of the session, in the maps of hosts */
	bool claimed;
};

struct vlan_entry {
	struct l2x_vlan_key key;
	uint32_t ifindex; /* of the device above */
};

/* ---- workers, workers.c -------------------------------------------------------------- */

#define PLACES (L2X_MAX_WORKER_CPUS + 1)

struct move; /* a session under way */

struct workers {
	/* known before the fork */
	unsigned int n_cpus, n_candidates;
	bool is_candidate[L2X_MAX_WORKER_CPUS]; /* has a queue */

	bool serves; /* any of them */
	bool even; /* sessions are being spread over a new set */
	unsigned int retire; /* seconds until the queues of others go */
	struct place_load load[PLACES]; /* by place; 0: where frames arrive */
	uint64_t taken[PLACES], waiting[PLACES], lost[PLACES]; /* as counted last */
	uint64_t taken_before[PLACES];
	uint32_t forwarded[L2X_MAX_WORKER_CPUS], busy[L2X_MAX_WORKER_CPUS],
		ticks[L2X_MAX_WORKER_CPUS];
	uint64_t given[L2X_MAX_WORKER_CPUS]; /* by a CPU to workers */
	bool seen; /* the above hold figures of a second ago */
	enum advice advice;
	unsigned int hot, advised; /* CPU; seconds in a row that workers would help */
	struct placement_auto automatic;
	struct move *moves;
	size_t n_moves, cap_moves;
	uint32_t cursor; /* of the walk over sessions */
	bool walking;
	struct event *event;
};

/* ---- pseudowires, pw*.c ----------------------------------------------------------------- */

#define PW_NO_DEVICE "there is no device %s now; it is taken when it appears"

struct pw {
	const struct pw_config *cfg;
	uint32_t index; /* in the maps */
	unsigned int
		ifindex; /* of the device of ours that frames come from and go to; 0: not there */
	char device[PW_DEVICE_LEN]; /* its name; of a created veth pair our end */
	bool made; /* this process has made the device */
	bool attached; /* the program is there */
	bool circuit_up; /* and so is its link */
	bool has_session; /* a static one always */
	bool dead; /* dp_pw_alive has said so */
	struct pw_session s; /* without one what is expected of it, for the MTU */
	uint64_t heard; /* frames from the peer when it was asked last */
	bool recalled; /* rx and tx go on from what an earlier worker counted */
	const char *mode; /* "native", "generic", "off" */
	char why[160]; /* not attached: the privileged process's words */
	char down[160]; /* the circuit is not up: the worker's */
	char no_session[PW_WHY_LEN]; /* no session, or dead: why */
	struct icmp_bucket icmp;
	uint16_t mtu; /* octets of the largest frame that is carried whole */
	uint16_t room; /* ... that the circuit's device takes */
	struct slow_direction rx, tx; /* of the slow path: from the peer, to the peer */
	struct log_limit log;
};

/* ---- the datapath -------------------------------------------------------------------- */

/* How a datagram is to leave. */
struct send_how {
	uint32_t session; /* what has one here keeps its order; 0: a control message, and they do */
	uint8_t tos; /* DSCP and ECN */
	bool fragment; /* may be cut on the way: control, PPP, IPv6 of 1280 on a narrow way */
	bool checksum;
};

/* The way out of the slow path; the tests and the fuzzer put their own here. */
struct dp_io {
	int (*to_host)(struct datapath *dp, const uint8_t *packet, size_t len);
	int (*to_peer)(struct datapath *dp, const struct path *path, const struct iovec *iov,
		       unsigned int n, const struct send_how *how);
	int (*icmp)(struct datapath *dp, const struct inner *about, const uint8_t *msg, size_t len);
	int (*to_door)(struct datapath *dp, const struct iovec *iov, unsigned int n);
};

/* In the order of service, and of the kernel's group (lanes.c). */
enum lane {
	LANE_URGENT,
	LANE_CONTROL,
	LANE_DATA,
	LANE_CONTACT,
	LANES,
	LANE_RAW_CONTROL = LANES, /* not of the group: IP protocol 115 */
	LANE_RAW,
	ALL_LANES
};

struct lane_socket {
	struct listener *listener;
	enum lane lane;
	int fd; /* -1: not open */
	struct event *event;
	uint32_t dropped; /* by the kernel, as it counts them */
	bool ready;
};

struct listener {
	struct datapath *dp;
	struct ipaddr addr;
	struct lane_socket lanes[ALL_LANES]; /* the first of them, and the raw one, send */
	bool checksum; /* how that one is set now */
	msec_t alone_until; /* the kernel would not part a bunch: datagrams leave one by one; 0: it did */
};

/* An interface of the configuration. */
struct port {
	char name[16]; /* IFNAMSIZ */
	unsigned int ifindex, mtu; /* 0: there is no such interface now */
	const char *mode; /* "native", "generic", "tc", "off" */
	char why[160];
	bool attached, shared;
	bool gone; /* that device; one that has its index now is another */
};

struct rx_batch;
struct tx_batch;

struct datapath {
	const struct dp_config *cfg;
	const struct dp_ops *ops;
	void *ctx;
	const struct dp_io *io;
	struct event_base *base;
	dp_ask_fn *ask; /* NULL: this process is privileged itself */
	void *ask_ctx;
	bool ready; /* every session that the store knows has been set */
	bool attached; /* the privileged process's: the program is ours now */
	struct dp_adoption adoption;
	uint64_t slow[DP_SLOW_MAX];

	struct slow_traffic *traffic; /* by index: traffic.c */
	void *traffic_mem;
	size_t traffic_len;
	int traffic_fd; /* holds the lock; -1: memory of our own */
	bool traffic_is_new;
	bool *traffic_room; /* by page of it: the file system has given it */

	struct session **sessions; /* by index */
	struct session **buckets; /* by address */
	uint32_t n_buckets, n_addresses;
	struct tunnel **tunnels; /* by our tunnel ID */
	struct tunnel *by_path[DP_PATH_BUCKETS];
	struct tunnel *dirty;
	uint64_t hash_key;
	uint32_t tunnel_cursor; /* of the walk once a second */
	uint32_t way_serial; /* counts changes of routes and links */
	uint32_t seconds; /* since the start */
	uint32_t pmtu_looks; /* at tunnels and sessions, for reports, in this second */

	struct port ports[DP_MAX_INTERFACES];
	unsigned int n_ports;
	struct dp_maps *maps; /* NULL: mode off */
	struct attach *attach; /* NULL: mode off, and in the worker */
	struct pins *pins; /* NULL: nothing is pinned */
	struct netlink *netlink;
	struct survey *survey;
	void *hosts, *routes; /* trees of struct claim */
	void *recalled; /* the same: single subscribers' routes that were there at the start */
	struct prefix old_pools[2 * DP_MAX_POOLS]; /* and larger ones, which are no pools now */
	unsigned int n_old_pools;
	struct vlan_entry vlans[L2X_PORT_SLOTS]; /* what the map holds */
	unsigned int n_vlans;
	struct workers workers;

	struct listener listeners[L2X_MAX_LISTEN];
	unsigned int n_listeners;
	struct rx_batch *batch;
	struct tx_batch *tx; /* NULL: nothing is collected */
	struct pw *pws; /* as cfg->pseudowires */
	unsigned int n_pws;
	struct pw_finder *pw_finder; /* the worker's */
	int door_fd; /* TAP of the pseudowires (maps/pw.h, l2x_pw_ticket); -1: there are none */
	bool door_is_new; /* not an earlier daemon's */
	unsigned int door_ifindex;
	struct event *door_event;
	int tun_fd, icmp4_fd, icmp6_fd;
	bool tun_is_new; /* not an earlier daemon's */
	unsigned int tun_ifindex;
	char tun_name[16];
	uint8_t *tun_buffer;
	struct event *tun_event, *tick_event, *sweep_event, *ports_event;
	struct event *drain_event, *icmp4_event, *icmp6_event, *icmp_pause;
	bool turn_due; /* ops have been told of what came in since ops->turn */
	struct log_limit tun_log, send_log, ecn_log;
};

static inline void dp_count(struct datapath *dp, enum dp_slow_counter c)
{
	dp->slow[c]++;
}

msec_t dp_now(void);
/* Writes the reason and returns rc, for `return dp_fail(...)`. */
int dp_fail(int rc, char *err, size_t errlen, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* session.c */
int sessions_init(struct datapath *dp);
void sessions_free(struct datapath *dp);
struct session *session_by_index(const struct datapath *dp, uint32_t index);
struct session *session_by_address(const struct datapath *dp, const struct ipaddr *a);
/* MTU anew from tunnel and configuration; tells maps and ops if it changed. */
void session_resize(struct datapath *dp, struct session *s);
bool dp_in_pools(const struct dp_config *cfg, const struct ipaddr *a);
bool dp_is_pool(const struct dp_config *cfg, const struct prefix *p); /* one of them, whole */

/* tunnel.c */
int tunnels_init(struct datapath *dp);
void tunnels_free(struct datapath *dp);
/* The tunnel of a session, made if need be. NULL: no memory. */
struct tunnel *tunnel_for(struct datapath *dp, uint16_t id, const struct path *path);
void tunnel_join(struct tunnel *t, struct session *s);
void tunnel_leave(struct datapath *dp, struct session *s); /* frees a tunnel nobody needs */
uint16_t tunnel_mtu(const struct tunnel *t); /* of an outer packet */
/* The newest tunnel on a path, and the next older one; NULL: no more (V2-PORT-4). */
struct tunnel *tunnel_by_path(const struct datapath *dp, const struct path *path);
struct tunnel *tunnel_next_on_path(const struct tunnel *t);
void tunnel_learn(struct datapath *dp, struct tunnel *t, uint16_t mtu);
void tunnels_tick(struct datapath *dp); /* once a second */
void tunnels_sweep(struct datapath *dp); /* sessions of changed tunnels, a bounded number */

/* traffic.c */
int traffic_open(struct datapath *dp);
void traffic_close(struct datapath *dp, bool remove);
/* The slot of a session. True: it was this session's already, and is as it was. */
bool traffic_claim(struct datapath *dp, struct session *s, bool fresh);

/* claim.c */
struct claim *claim_find(void *const *root, const struct prefix *p);
struct claim *claim_add(void **root, const struct prefix *p, uint32_t index); /* NULL: no memory */
void claim_drop(void **root, const struct prefix *p);
/* Those that nobody claimed; octets are the caller's to free. NULL with *ret_n: no memory. */
struct claim *claims_unclaimed(void *const *root, unsigned int *ret_n);
void claims_free(void **root);

/* privilege.c: does a request, here or in the privileged process. 0 or a negative errno. */
int request(struct datapath *dp, const struct dp_request *rq, struct dp_answer *ret);
/* What an earlier daemon routed to l2tp0, and may be a subscriber's who is still there. */
void privilege_recall(struct datapath *dp, const struct prefix *p);
bool privilege_may_route(struct datapath *dp, const struct prefix *p);

/* adopt.c */
enum adopt {
	ADOPT_FRESH, /* another's, or nothing */
	ADOPT_CHANGED, /* the same session, but not as it is now */
	ADOPT_KEPT, /* as it should be */
};
enum adopt adopt_judge(const struct l2x_session *have, const struct l2x_session *want);
void adopt_sweep_maps(struct datapath *dp); /* what nobody claimed */
void adopt_sweep_kernel(struct datapath *dp); /* hosts and routes, once the program is ours */

/* maps.c: each does nothing when dp->maps is NULL */
int map_array_open(struct map_array *a, int fd, char *err, size_t errlen, const char *name);
void map_array_close(struct map_array *a);
void *map_array_at(const struct map_array *a, uint32_t i); /* NULL: there is none */
uint32_t *maps_slot_at(const struct map_array *pool,
		       uint32_t slot); /* of pool4 or pool6; the same */
/* Of a line: neither 0 nor what it has. */
uint32_t maps_generation(struct dp_maps *m, uint32_t has);
/* Writes a line of n octets that begins with its generation, which is 0 meanwhile. */
void map_line_write(uint8_t *line, const uint8_t *value, size_t n, uint32_t generation);
void maps_windows(const struct dp_config *cfg, struct dp_maps *ret);
void maps_start(struct datapath *dp); /* generations from a random number on */
void maps_session_put(struct datapath *dp, const struct session *s, bool fresh);
/* Before dp_ready: leaves alone what stands there already. */
enum adopt maps_session_adopt(struct datapath *dp, const struct session *s);
uint16_t maps_session_mtu(const struct datapath *dp, const struct session *s);
void maps_session_kill(struct datapath *dp, uint32_t index);
int maps_address_put(struct datapath *dp, const struct session *s);
void maps_address_del(struct datapath *dp, const struct session *s);
void maps_tunnel_put(struct datapath *dp, uint16_t id, const struct path *path); /* NULL: out */
struct l2x_traffic *maps_traffic(const struct datapath *dp, uint32_t index);
void maps_epoch_raise(struct datapath *dp);
bool maps_port_put(struct datapath *dp, const struct l2x_port *p, bool used[L2X_PORT_SLOTS]);
void maps_ports_sweep(struct datapath *dp, const bool used[L2X_PORT_SLOTS]);
bool maps_slot(const struct dp_maps *m, const struct ipaddr *a, uint32_t *ret); /* of a pool */
int maps_host_do(struct datapath *dp, const struct prefix *p, uint32_t index, bool add);
int maps_vlan_do(struct datapath *dp, const struct l2x_vlan_key *key, uint32_t ifindex, bool add);
void maps_vlan_note(struct datapath *dp, const struct l2x_vlan_key *key, uint32_t ifindex,
		    bool add);
int maps_verdicts_do(struct datapath *dp, uint64_t ret[L2X_V_MAX]);
/* What an earlier daemon left in the maps of hosts and of VLANs. */
int maps_recall(struct datapath *dp);

uint32_t maps_pw_elements(const struct dp_config *cfg); /* of pws and the like */

/* short.c: the lines of the short way, written after the session and killed before it */
void short_put(struct datapath *dp, uint32_t index, const struct l2x_session *s,
	       uint32_t generation, bool fresh);
void short_kill(struct datapath *dp, uint32_t index);
bool short_fits(const struct datapath *dp, uint32_t index, const struct l2x_session *s);
/* Adds what they have counted. */
void short_count(const struct datapath *dp, uint32_t index, struct l2x_traffic *add);
uint64_t short_sum(const struct datapath *dp, uint32_t index); /* of the same */
uint64_t short_rx(const struct datapath *dp, uint32_t index);

enum end {
	END_LEAVE, /* the data path goes on */
	END_UNDO, /* what we made goes, what we found stays */
	END_REMOVE, /* all goes */
};

/* attach.c */
int attach_open(struct datapath *dp, char *err, size_t errlen);
int attach_do(struct datapath *dp, char *err, size_t errlen); /* DP_DO_ATTACH */
void attach_close(struct datapath *dp, enum end end);
void attach_forget(struct datapath *dp); /* in the worker: descriptors that it may not use */

/* tun.c */
int tun_open(struct datapath *dp, char *err, size_t errlen);
/* Only to be closed again; 0 also when there is none. */
int tun_take(struct datapath *dp, char *err, size_t errlen);
int tun_start(struct datapath *dp); /* event */
/* A device that stays, made or taken over; kind: IFF_TUN or IFF_TAP. On failure *ret_fd may be
 * open, and is the caller's to close. */
int tun_device(const char *name, short kind, int *ret_fd, bool *ret_new, char *err, size_t errlen);
/* Addresses and routes of an earlier configuration. */
void tun_trim(struct datapath *dp);
void tun_close(struct datapath *dp, enum end end);
int tun_write(struct datapath *dp, const uint8_t *packet, size_t len);

/* lanes.c */
/* On failure what is open is lanes_close's to close. -EADDRINUSE: another program's. */
int lanes_open(struct listener *l, struct datapath *dp, const struct ipaddr *a, uint16_t port);
int lanes_start(struct datapath *dp); /* events */
void lanes_close(struct listener *l);
void lanes_drain(struct datapath *dp); /* a turn of those that are ready */
struct rx_batch *rx_batch_new(void);
struct tx_batch *tx_batch_new(void); /* free() it */

/* socket.c */
int sockets_open(struct datapath *dp, char *err, size_t errlen);
int sockets_start(struct datapath *dp);
void sockets_close(struct datapath *dp);
int socket_send(struct datapath *dp, const struct path *path, const struct iovec *iov,
		unsigned int n, const struct send_how *how);
int socket_icmp(struct datapath *dp, const struct inner *about, const uint8_t *msg, size_t len);

/* slowpath_in.c, slowpath_out.c */
void dp_turn(struct datapath *dp); /* after a batch: ops->turn, if ops were told of anything */
void slow_in(struct datapath *dp, const struct path *path, uint8_t tos, uint8_t *msg, size_t len);
void slow_out(struct datapath *dp, uint8_t *packet, size_t len);
bool icmp_bucket_take(struct icmp_bucket *b); /* false: not now */

/* pmtu.c */
/* What a raw socket has: an IPv4 packet; an ICMPv6 message that the kernel has summed. */
void pmtu_icmp4(struct datapath *dp, const uint8_t *packet, size_t len);
void pmtu_icmp6(struct datapath *dp, const uint8_t *msg, size_t len);
void pmtu_second(struct datapath *dp); /* has passed */
/* `quoted`: from the L2TP header on. */
void pmtu_report(struct datapath *dp, const struct path *path, const uint8_t *quoted, size_t len,
		 uint32_t mtu);

/* netlink.c: orders are for the privileged process, questions for both */
int netlink_open(struct datapath *dp, char *err, size_t errlen);
int netlink_start(struct datapath *dp);
void netlink_close(struct datapath *dp);
int netlink_link_up(struct datapath *dp, unsigned int ifindex, unsigned int mtu);
int netlink_errno(int nl); /* a negative errno for what libnl returns; 0 */
int netlink_address(struct datapath *dp, unsigned int ifindex, const struct ipaddr *a, bool add);
/* A route to l2tp0; `len` as struct prefix has it. */
int netlink_route(struct datapath *dp, const struct ipaddr *a, uint8_t len, bool add);
/* MTU of the way that the kernel would choose, without what ICMP told it; 0: no route. */
uint16_t netlink_way_mtu(struct datapath *dp, const struct ipaddr *local,
			 const struct ipaddr *peer);
/* own.c: does this host have an address of the prefix, on any device? */
bool dp_holds_address_in(struct datapath *dp, const struct prefix *p);

struct nl_cache *netlink_links(struct datapath *dp); /* nl_cache_free it; NULL: failed */
struct nl_sock;
struct nl_sock *netlink_questions(struct datapath *dp);

/* neighbours.c: 0 or a negative errno */
int neighbours_use(struct datapath *dp);

/* survey.c: may the programs keep ways by destination? The worker asks and listens. */
int survey_start(struct datapath *dp);
void survey_close(struct datapath *dp);
void survey_note(struct datapath *dp, struct nlmsghdr *h); /* one change */
void survey_lost(struct datapath *dp); /* changes were lost */
void survey_tell(struct datapath *dp); /* also when the maps are other ones */

/* routes.c: what there is on l2tp0 */
typedef void route_fn(void *arg, const struct prefix *p);
int routes_visit(struct datapath *dp, route_fn *fn, void *arg); /* those that we made */
int addresses_visit(struct datapath *dp, route_fn *fn, void *arg);
bool routes_has(struct datapath *dp, const struct prefix *p);
#define ROUTE_PROTOCOL 76 /* of our routes (`ip route`: "proto 76"); see rt_protos(5) */

/* workers.c: each does nothing without maps */
int workers_start(struct datapath *dp); /* event */
void workers_stop(struct datapath *dp);
/* Gives a session its place; one that it had stays, unless it is fresh. */
void workers_place(struct datapath *dp, uint32_t index, bool fresh);
void workers_forget(struct datapath *dp, uint32_t index); /* the session ends */
void workers_sweep_places(struct datapath *dp); /* before dp_ready: those that nobody claimed */
void workers_ready(struct datapath *dp); /* the queues are there */
void workers_second(struct datapath *dp); /* has passed */

/* queues.c: in the privileged process */
int queues_init(struct datapath *dp);
int queues_attach(struct datapath *dp, const struct attach *a);
int queues_retire(struct datapath *dp); /* DP_DO_RETIRE */
int queues_cpus(struct datapath *dp, struct dp_answer *ret); /* DP_DO_CPUS */

/* tc.c: once in a while, in the privileged process: are the programs there still? */
void tc_check(struct datapath *dp);

/* pw_devices.c: in the privileged process. Nothing is done where no pseudowire is configured. */
/* The door, before the program is loaded, which knows its index. */
int pw_door_open(struct datapath *dp, char *err, size_t errlen);
/* Gives each pseudowire its index, once the maps are mapped: the one that it had, or a free one. */
int pws_assign(struct datapath *dp, char *err, size_t errlen);
/* With DP_DO_ATTACH: devices that are to be created, the programs on them and on the door, the maps
 * circuits and pw_ids. What cannot be (a device or namespace that is not there yet) is told in
 * pw.why and tried again the next time. Returns an error only for what concerns them all. */
int pws_attach(struct datapath *dp, struct attach *a, char *err, size_t errlen);
void pws_close(struct datapath *dp, enum end end);
/* None of them is attached, for a reason that concerns them all. */
void pws_refuse(struct datapath *dp, const char *why);
/* DP_DO_CIRCUIT; i: the place in the configuration. What is not attached is tried again first. */
void pw_answer(struct datapath *dp, unsigned int i, struct dp_answer *ret);

/* pw.c: memory, before anything else of them */
int pws_init(struct datapath *dp);
void pws_free(struct datapath *dp);
/* In the worker. */
int pws_start(struct datapath *dp); /* what finds them, and events of the door */
int pws_index(struct datapath *dp); /* the first of these; 0 or -ENOMEM */
void pws_stop(struct datapath *dp);
void pws_ready(struct datapath *dp); /* attached: asks for each circuit, writes the lines */
void pws_refresh(struct datapath *dp); /* links have changed */
void pws_second(struct datapath *dp); /* has passed: ways that have changed, circuits to come */
void pws_gone(struct datapath *dp, unsigned int ifindex); /* the kernel says that it deletes it */
/* Line 0 to 2 of a pseudowire as the maps are to hold it, and its MTU. */
void pw_update(struct datapath *dp, struct pw *w);
struct pw *pw_by_index(const struct datapath *dp, uint32_t index); /* NULL: nobody's */
struct pw *pw_by_id(const struct datapath *dp, uint32_t id, const struct path *path); /* the same */

void pw_say(struct datapath *dp, struct pw *w, bool was_up); /* if that is another now */

/* pw_session.c */
void pw_session_begin(struct pw *w); /* as configured */
bool pw_takes(const struct pw *w); /* frames from the peer */
bool pw_is_up(const struct pw *w); /* ... and to the peer */
const char *pw_why(const struct pw *w); /* not up: a sentence with the remedy */
void pw_heard_begin(struct datapath *dp, struct pw *w); /* counters have been recalled */

/* pw_lines.c */
bool pw_is_udp(const struct path *path);
bool pw_has_checksum(const struct pw *w);
const struct pw_cookie *
pw_second_cookie(const struct pw *w); /* that is taken as well; NULL: none */
void pw_wire(const struct pw_circuit *c, uint16_t ret[2]); /* VLAN IDs in the tunnel; 0: none */
/* Octets of the largest frame that is carried whole on a way of this MTU, Ethernet header and tags
 * as they are in the tunnel; and of the IP packet in it. */
uint16_t pw_frame_mtu(const struct pw *w, uint16_t way);
uint16_t pw_packet_mtu(const struct pw *w);
struct l2x_pw *pw_line(const struct datapath *dp, uint32_t index); /* NULL: there is none */
struct l2x_traffic *pw_traffic(const struct datapath *dp, uint32_t index); /* the same */
/* What the slow path has counted, to where it outlives us; and what it had counted before. */
void pw_traffic_keep(const struct datapath *dp, const struct pw *w);
void pw_traffic_recall(const struct datapath *dp, struct pw *w);
void pw_put(struct datapath *dp, const struct pw *w);
#define PW_ETH_HEADER 14

/* pw_slow.c: `msg` from the first octet behind UDP, or of IP's payload where path has no ports; it is
 * changed */
void slow_pw_in(struct datapath *dp, const struct path *path, uint8_t *msg, size_t len);
/* What was read at the door: ticket and frame. */
void slow_pw_out(struct datapath *dp, uint8_t *msg, size_t len);
int door_start(struct datapath *dp); /* event */
void door_stop(struct datapath *dp);
int door_write(struct datapath *dp, const struct iovec *iov, unsigned int n);

/* ports.c */
int ports_init(struct datapath *dp, char *err, size_t errlen);
void ports_refresh(struct datapath *dp);
void ports_attach(struct datapath *dp); /* asks for DP_DO_ATTACH again */
void ports_answer(struct datapath *dp, const struct dp_answer *a);

/* bpffs.c: where libxdp keeps the dispatcher's state */
int bpffs_prepare(void);

#endif
