/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One PPP link (RFC 1661 and friends), as authenticator (LNS) or as client.
 *
 * Pure, as loader/l2tp/l2tp.h: frames, time and answers come in, frames and news go out
 * by `struct ppp_ops`. Frames are those of L2TP: no flags, no FCS; on input FF 03 and the
 * second protocol octet may be missing (PPP-FR-2), output is always FF 03 and two octets.
 * Rule ids (PPP-...) are those of docs/protocol/ppp.md.
 *
 * Re-entrancy: an op may call ppp_* on the same link, except ppp_link_free. After
 * `finished` the link does nothing more; free it when its ops have returned.
 */
#ifndef L2XDP_PPP_PPP_H
#define L2XDP_PPP_PPP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "loader/base/addr.h"
#include "loader/base/timers.h"

struct ppp_link;

#define PPP_IP 0x0021
#define PPP_IPV6 0x0057
#define PPP_IPCP 0x8021
#define PPP_IPV6CP 0x8057
#define PPP_CCP 0x80fd
#define PPP_LCP 0xc021
#define PPP_PAP 0xc023
#define PPP_CHAP 0xc223

#define PPP_MAX_FRAME 1600
#define PPP_MAX_NAME 255
#define PPP_MAX_AUTHS 3

enum ppp_auth { PPP_AUTH_NONE, PPP_AUTH_PAP, PPP_AUTH_CHAP_MD5, PPP_AUTH_MSCHAPV2 };
extern const char *const ppp_auth_names[]; /* "none", "pap", "chap", "mschapv2" */

/* The octets of FF 03 (optional) and the protocol number, in all their forms
 * (PPP-FR-2, PPP-FR-5). 0: malformed; else the octets used, with *ret_protocol. */
size_t ppp_header_parse(const uint8_t *frame, size_t len, uint16_t *ret_protocol);

/* RFC 3145 section 3: what CDN tells about PPP. */
struct ppp_cause {
	uint16_t code; /* 0: none */
	uint16_t proto;
	uint8_t direction; /* 0 global, 1 peer, 2 local */
	const char *text; /* static, for logs and the CLI */
	uint16_t cdn_result; /* the CDN result that goes with it (l2tpv2.md section 8) */
};

struct ppp_config {
	bool client; /* the other role: authenticatee, takes addresses */
	enum ppp_auth auths[PPP_MAX_AUTHS]; /* authenticator: what to ask for, best first */
	unsigned int n_auths; /* 0: no authentication */
	uint16_t mru; /* what we ask for (DP-MTU-2) */
	bool ipv4, ipv6; /* NCPs to open */
	const char *name; /* authenticator: our name in CHAP challenges */
	unsigned int restart_ms; /* 3000; the first LCP retry comes after 1000 */
	unsigned int echo_ms; /* 30000; 0: none (PPP-ECHO-2) */
	unsigned int echo_failures; /* 4 */
	bool lcp_always; /* renegotiate whatever the proxy says (PPP-PROXY-2) */
	bool proxy_auth; /* accept proxy authentication */
	/* client */
	const char *user; /* name; NULL: refuse to authenticate. auths: allowed (none: any) */
	const char *password; /* the caller's, must outlive the link */
	bool want_dns;
};

/* Proxy LCP and authentication, from ICCN. Pointers are the caller's and need only live
 * during ppp_lower_up. NULL or length 0: absent. */
struct ppp_proxy {
	const uint8_t *first_request, *last_sent, *last_received; /* AVP 26, 27, 28 */
	size_t first_request_len, last_sent_len, last_received_len;
	bool has_auth;
	uint16_t auth_type; /* AVP 29 */
	uint8_t auth_id;
	const uint8_t *auth_name, *auth_challenge, *auth_response;
	size_t auth_name_len, auth_challenge_len, auth_response_len;
};

/* To be judged: the answer comes by ppp_authenticated, at once or later. */
struct ppp_credentials {
	enum ppp_auth method;
	char user[PPP_MAX_NAME +
		  1]; /* as sent, NUL-terminated; with a NUL inside: refused before */
	uint8_t id;
	uint8_t challenge[255]; /* CHAP, MS-CHAPv2: ours */
	size_t challenge_len;
	uint8_t response[255]; /* CHAP: 16; MS-CHAPv2: 49; PAP: the password */
	size_t response_len;
};

/* What the network side gets once the user is known. */
struct ppp_grant {
	bool ok;
	char message[64]; /* for the user, may be empty */
	char authenticator_response[41]; /* MS-CHAPv2: "40 hex digits", from the judge */
	struct ipaddr ipv4; /* the subscriber's; not set: no IPv4 */
	struct ipaddr local_ipv4; /* ours */
	struct ipaddr dns4[2], nbns[2];
	struct prefix ipv6; /* the /64 for router advertisements; len 0: no IPv6 */
	struct ipaddr dns6[2];
	uint8_t interface_id[8]; /* suggested to the subscriber; all zero: any */
};

struct ppp_network { /* what was negotiated */
	/* LNS: granted; client: taken. ipv4 is the subscriber's, local_ipv4 the LNS's. */
	struct ipaddr ipv4, local_ipv4;
	struct ipaddr dns4[2];
	uint8_t local_id[8], peer_id[8]; /* IPV6CP */
	struct prefix ipv6; /* LNS: granted; client: from router advertisements */
	struct ipaddr dns6[2];
};

struct ppp_ops {
	/* One frame to the peer, FF 03 first. `echo`: P bit may be set (PPP-ECHO-4). */
	void (*send)(void *ctx, const uint8_t *frame, size_t len);
	void (*random)(void *ctx, void *buf, size_t n);
	/* Authenticator only. Credentials are wiped after it returned. Without authentication
	 * it is asked too (method PPP_AUTH_NONE, no name), as a grant is needed. When LCP is
	 * negotiated anew it is asked again: the new grant replaces the old one. */
	void (*authenticate)(void *ctx, const struct ppp_credentials *cred);
	/* IPCP or IPV6CP (`protocol` is PPP_IP or PPP_IPV6) opened or closed. Traffic of
	 * that protocol must not flow any more once network_down has returned (PPP-PH-4). */
	void (*network_up)(void *ctx, uint16_t protocol, const struct ppp_network *net);
	void (*network_down)(void *ctx, uint16_t protocol);
	/* Client: a router advertisement told prefix and DNS. */
	void (*prefix)(void *ctx, const struct ppp_network *net);
	/* Any data, or an Echo-Request that did not come to ppp_input, from this subscriber since
	 * `since`? Saves an echo (PPP-ECHO-2). */
	bool (*alive)(void *ctx, msec_t since);
	/* What ppp_link_save writes has changed, or is 0 now; once an entry. May be NULL. */
	void (*changed)(void *ctx);
	/* The link is over. Last op. */
	void (*finished)(void *ctx, const struct ppp_cause *cause);
};

/* NULL on lack of memory. cfg and what it points to must outlive the link. */
struct ppp_link *ppp_link_new(const struct ppp_config *cfg, const struct ppp_ops *ops, void *ctx,
			      struct timers *timers);
void ppp_link_free(struct ppp_link *l); /* silent; wipes what is secret */

/* The L2TP session is established. proxy may be NULL. */
void ppp_lower_up(struct ppp_link *l, msec_t now, const struct ppp_proxy *proxy);
/* The session is gone (CDN, StopCCN): network_down where up; no frames, no finished. */
void ppp_lower_down(struct ppp_link *l, msec_t now);
/* A frame of a protocol other than 0021 and 0057, or of those on the slow path when it is
 * for us: router solicitations and the like (ppp_ipv6_local). */
void ppp_input(struct ppp_link *l, msec_t now, const uint8_t *frame, size_t len);
/* An IPv6 packet (without PPP header) from a link-local or unspecified source: router
 * solicitation, multicast listener report, neighbour solicitation. Others are ignored. */
void ppp_ipv6_local(struct ppp_link *l, msec_t now, const uint8_t *packet, size_t len);
/* One answer to each question, in the order of the questions: only that to the last one
 * counts. A grant without any address ends the link with ppp_cause_no_address. */
void ppp_authenticated(struct ppp_link *l, msec_t now, const struct ppp_grant *grant);
/* Terminate-Request, then finished with this cause (at most 3 s later, V2-TEAR-5). */
void ppp_close(struct ppp_link *l, msec_t now, const struct ppp_cause *cause);

/* Causes for ppp_close and for what the link finds itself. Compare codes, not pointers:
 * some have a twin that names another protocol. */
extern const struct ppp_cause ppp_cause_admin, ppp_cause_peer, ppp_cause_lcp_timeout,
	ppp_cause_echo_timeout, ppp_cause_loop, ppp_cause_auth_failed, ppp_cause_auth_timeout,
	ppp_cause_auth_refused, ppp_cause_no_address, ppp_cause_no_ncp, ppp_cause_ncp_timeout;

/*
 * What outlives the process: an authenticator's link whose LCP is open and whose peer has
 * been let in. Any other is begun anew after a restart, by ppp_lower_up without proxy
 * (PPP-PROXY-8).
 */
#define PPP_MAX_RECORD 1024 /* octets */
/* Octets written; 0: not worth keeping (see above), or cap is too small. */
size_t ppp_link_save(const struct ppp_link *l, uint8_t *buf, size_t cap);
/* Instead of ppp_lower_up, on a new link. No op runs; what was open is open. Its timers are
 * spread over an echo interval. -EBADMSG: damaged, or cfg wants other networks than are
 * open; -ENOMEM; -EINVAL: not a new link of an authenticator. On failure it is as new. */
int ppp_link_restore(struct ppp_link *l, msec_t now, const uint8_t *rec, size_t len);
/* After it, for an open link: its first echo leaves within `ms`; it tells its prefix within `ms`, and
 * again as after a set-up, for nobody knows whether it was told at all. */
void ppp_echo_soon(struct ppp_link *l, msec_t now, unsigned int ms);
void ppp_prefix_soon(struct ppp_link *l, msec_t now, unsigned int ms);

const char *ppp_phase(const struct ppp_link *l); /* "dead", "establish", "authenticate",
						  * "network", "terminate" */
const char *ppp_user(const struct ppp_link *l); /* as sent; "" if not known */
enum ppp_auth ppp_auth_used(const struct ppp_link *l);
uint16_t ppp_peer_mru(const struct ppp_link *l); /* 1500 if not negotiated */
bool ppp_peer_acfc(const struct ppp_link *l);
bool ppp_is_open(const struct ppp_link *l, uint16_t protocol); /* PPP_IP, PPP_IPV6 */
const struct ppp_network *ppp_network(const struct ppp_link *l);
/* May somebody else answer Echo-Requests to this link (PPP-ECHO-1)? True while a network is
 * up, of which network_down tells before LCP leaves Opened. The magic numbers of both sides; 0: not
 * negotiated. */
bool ppp_echo_answers(const struct ppp_link *l, uint32_t *ret_magic, uint32_t *ret_peer_magic);

/* Password checks and answers, used by aaa/ and by the client (PPP-CHAP-1, PPP-MS2-*).
 * Comparisons are in constant time. */
bool ppp_check_password(const struct ppp_credentials *cred, const char *password, size_t len,
			char ret_authenticator_response[41]);

#endif
