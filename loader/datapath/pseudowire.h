/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Pseudowires of the data path (L2TPv3, RFC 3931; Ethernet, RFC 4719): a circuit here, a session of a
 * peer there, and frames between the two.
 *
 * They are made of the configuration; of a signalled one the session comes and goes while the data
 * path runs. The privileged process gives each an index, makes the devices that are to be created,
 * attaches the programs to the circuits' devices and writes the maps that the worker cannot; the
 * worker writes the lines, knows the MTU, carries what the hook leaves, and shows it all. A
 * pseudowire keeps its index and counters over restarts and reloads for as long as it has its name.
 */
#ifndef L2XDP_DATAPATH_PSEUDOWIRE_H
#define L2XDP_DATAPATH_PSEUDOWIRE_H

#include <stdbool.h>
#include <stdint.h>

#include "loader/base/addr.h"
#include "maps/pw.h"

struct datapath;
struct dp_traffic;

#define PW_NAME_LEN 64 /* octets with the NUL */
#define PW_DEVICE_LEN 16 /* octets with the NUL: IFNAMSIZ, whose two headers exclude each other */
#define PW_COOKIE_LEN 8
#define PW_WHY_LEN 288 /* octets with the NUL: why one is down, the peer's words among it */
#define PW_MAX_ADDRESSES 4

enum pw_tag { PW_TAG_REMOVE, PW_TAG_KEEP, PW_TAG_REWRITE };
enum pw_large { PW_LARGE_FRAGMENT, PW_LARGE_ICMP }; /* a frame that is larger than the way */

/* 0, 4 or 8 octets, in the order in which they are sent. */
struct pw_cookie {
	uint8_t len;
	uint8_t b[PW_COOKIE_LEN];
};

/* Where frames come from and go to: `attach`. */
struct pw_circuit {
	char device[PW_DEVICE_LEN]; /* that there is, or the one that is created */
	bool create; /* a veth pair, of which this is the end for others; or, */
	bool tap; /* a persistent TAP device, for a virtual machine */
	char netns[PW_NAME_LEN]; /* of the end for others, as `ip netns` names it; empty: ours */
	struct prefix address[PW_MAX_ADDRESSES]; /* of the end for others: IP ends there */
	unsigned int n_addresses;
	uint16_t vlan[2]; /* VLAN IDs at the circuit, outer first, 1..4094; 0: none. Without any the
			   * circuit is all of the device that is no other circuit's */
	enum pw_tag tag; /* what becomes of them in the tunnel */
	uint16_t wire[2]; /* with PW_TAG_REWRITE: those there instead */
	bool dot1ad; /* the outer of two tags is put on with 88a8, not 8100 */
	unsigned int
		mtu; /* of a created device, octets of IP packet; 0: what the way carries whole */
};

/* One entry of the configuration. */
struct pw_config {
	char name[PW_NAME_LEN];
	struct path path; /* `local` one of dp_config.listen; both ports 0: directly over IP */
	bool signalled; /* IDs, cookies, sublayer and numbers are negotiated: those below mean nothing,
			 * and path.peer may be unset */
	uint32_t id, peer_id; /* ours, theirs; host order; not 0 */
	struct pw_cookie cookie[L2X_PW_COOKIES]; /* that we accept; the second one len 0: none */
	struct pw_cookie peer_cookie; /* that we send */
	bool sublayer, peer_sublayer; /* in what arrives; in what we send */
	bool seq_receive, seq_send; /* need the sublayer of that direction */
	bool checksum; /* outer UDP checksum over IPv4 */
	enum pw_large large;
	bool clamp_mss;
	unsigned int
		mtu; /* octets of the largest outer IP packet that is sent whole; 0: as the way is */
	int dscp; /* 0..63 */
	unsigned int bum_rate; /* 0: no limit */
	struct pw_circuit circuit;
};

/* Of a signalled pseudowire, as its control connection has agreed it; of a static one, as configured. */
struct pw_session {
	struct path path; /* ports 0: directly over IP */
	uint32_t id, peer_id; /* ours, theirs; host order; not 0 */
	struct pw_cookie cookie; /* that we accept */
	struct pw_cookie peer_cookie; /* that we send */
	bool sublayer, peer_sublayer; /* in what arrives; in what we send */
	bool seq_receive, seq_send;
	bool send; /* the peer's circuit is up: frames may be sent (V3-CS-4) */
};

/* As people see it; pointers are good until the next event. */
struct pw_info {
	const struct pw_config *cfg;
	uint32_t index;
	bool up; /* frames are carried */
	const char *why; /* not up: a sentence with the remedy */
	unsigned int ifindex; /* of the device that the program is attached to, 0: none */
	const char *device; /* its name; of a veth pair our end */
	const char *mode; /* "native", "generic", "off" */
	uint16_t mtu; /* octets of the largest frame that is carried whole */
};
unsigned int dp_pw_count(const struct datapath *dp);
/* By the place in the configuration. */
void dp_pw_info(struct datapath *dp, unsigned int i, struct pw_info *ret);
void dp_pw_traffic(const struct datapath *dp, unsigned int i, struct dp_traffic *ret);

/*
 * Sessions of signalled pseudowires, all by the place in the configuration. Idempotent. Before
 * dp_ready nothing is written: what an earlier worker has left in the maps goes on, and dp_ready leaves
 * alone what is as it was set by then, with counters and numbers, and ends the rest.
 *
 * Another session replaces the earlier one at once; with another ID of ours numbers begin anew.
 * 0; -EINVAL: not a signalled one, or such a session cannot be; -EEXIST: the ID is a static
 * pseudowire's; -ESTALE: its low bits are not dp_pw_index (the maps have grown since): the peer must
 * be given another ID, and nothing has changed.
 */
int dp_pw_session_set(struct datapath *dp, unsigned int i, const struct pw_session *s);
/* No frames from here on. `why` is what people are shown; copied. */
void dp_pw_session_del(struct datapath *dp, unsigned int i, const char *why);
/* Of a static pseudowire with keepalive: not alive, no frames are sent, and why is shown. Alive at first. */
void dp_pw_alive(struct datapath *dp, unsigned int i, bool alive, const char *why);

/* Its place in the maps, the low dp_pw_index_bits of its Session ID; after dp_start. */
uint32_t dp_pw_index(const struct datapath *dp, unsigned int i);
unsigned int dp_pw_index_bits(const struct datapath *dp);
/* Has a static pseudowire this ID, whoever its peer is? Then a signalled one must not have it. */
bool dp_pw_id_is_static(const struct datapath *dp, uint32_t id);

/* Device there, program on it, link up: what the peer is to know of it. */
bool dp_pw_circuit_is_up(const struct datapath *dp, unsigned int i);
/* Have frames come from the peer since it was asked last? */
bool dp_pw_heard(struct datapath *dp, unsigned int i);

#endif
