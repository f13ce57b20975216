/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One link, as the files of this room see it. The outside sees ppp.h only. */
#ifndef L2XDP_PPP_LINK_H
#define L2XDP_PPP_LINK_H

#include "loader/base/list.h"
#include "loader/ppp/automaton.h"
#include "loader/ppp/ppp.h"

/* Protocols that we know enough about not to reject them. */
#define PPP_MULTILINK 0x003d
#define PPP_COMPRESSED 0x00fd

#define PPP_HEADER_LEN 4 /* FF 03 and the protocol */
#define PPP_DEFAULT_MRU 1500
#define PPP_LEAST_MRU 128 /* of the peer: PPP-QRK-6 */
#define IPV6_LEAST_MTU 1280
#define LCP_MAX_COLLISIONS 10 /* PPP-LCP-3 */

/* Limits of docs/protocol/ppp.md section 11. */
#define LCP_TOTAL_MS 60000
#define AUTH_TOTAL_MS 60000
#define PAP_FIRST_MS 30000
#define NETWORK_TOTAL_MS 30000
#define TERMINATE_MS 3000
#define AUTH_MAX_TRIES 10
#define RATE_PACKETS 100 /* PPP-FSM-9 */
#define RATE_PERIOD_MS 10000

#define CHALLENGE_LEN 16
#define CHAP_MD5_LEN 16
#define MSCHAPV2_LEN 49
#define AUTHENTICATOR_RESPONSE_LEN 40

enum link_phase { PHASE_DEAD, PHASE_ESTABLISH, PHASE_AUTHENTICATE, PHASE_NETWORK, PHASE_TERMINATE };

enum auth_state {
	AUTH_IDLE,
	AUTH_WAITING, /* for the peer's Request, Response or (client) verdict */
	AUTH_PENDING, /* the daemon judges */
	AUTH_DONE,
	AUTH_FAILED,
};

/* What LCP agreed on, and how far it is. */
struct lcp {
	uint32_t magic, peer_magic, nak_magic; /* ours, the peer's, the last we suggested */
	uint16_t mru, peer_mru;
	uint8_t collisions; /* magic numbers equal to ours, in a row */
	uint8_t echo_loops;
	uint8_t mru_naks;
	uint8_t auth_index; /* into cfg->auths */
	uint8_t auth_tried; /* bit per index */
	enum ppp_auth auth : 8; /* client: what the server wants */
	bool want_mru, want_magic, want_auth, peer_acfc;
};

/* An answer that may have to be repeated (PPP-PAP-1, PPP-CHAP-3). */
struct auth_reply {
	uint8_t code, id, len;
	char text[];
};

/* Client: what we answered, to answer the same again until there is a verdict, and, for
 * MS-CHAPv2, to which challenge, and the digits that prove the server. */
struct chap_answer {
	uint8_t id, len;
	uint8_t challenge[CHALLENGE_LEN], response[MSCHAPV2_LEN];
	char expected[AUTHENTICATOR_RESPONSE_LEN + 1];
};

struct auth {
	enum auth_state state : 8;
	enum ppp_auth used : 8;
	uint8_t id, tries;
	uint8_t last_id; /* of the challenges so far: each gets a new one */
	uint32_t outstanding; /* questions to the daemon that have no answer yet */
	bool proxied; /* the credentials came in ICCN */
	uint8_t *challenge; /* CHALLENGE_LEN; only while a Response may come */
	struct chap_answer *answer; /* client: as long as the verdict may come */
	struct auth_reply *reply;
	char *user;
};

struct ipcp {
	bool want_address, want_dns[2], up;
	uint8_t address_naks; /* times that we appended the address (PPP-IPCP-1) */
};

struct ipv6cp {
	bool want_id, up;
	uint8_t suggestions; /* PPP-V6-3 */
};

struct echo {
	msec_t since;
	uint8_t missed, id;
	bool asked; /* the peer itself has asked, since then */
};

/* Router advertisements and solicitations. */
struct ra {
	msec_t last, last_answer; /* an advertisement, an answer to a neighbour */
	uint8_t sent;
	bool told; /* client: the prefix was */
};

struct ppp_link {
	/* what an echo's time looks at, of a million links: together */
	const struct ppp_config *cfg;
	const struct ppp_ops *ops;
	void *ctx;
	struct timers *timers;
	struct timer echo_timer;
	struct echo echo;
	struct lcp lcp;
	struct fsm lcp_fsm;
	enum link_phase phase : 8;
	uint8_t depth; /* of entries by public functions and timers */
	bool over; /* nothing goes out any more */
	bool report; /* `finished` is due */
	bool starved; /* a timer could not be set */

	struct fsm ipcp_fsm, ipv6cp_fsm;
	struct timer phase_timer, auth_timer, ra_timer;
	const struct ppp_cause *cause; /* why it ends; the first one counts */

	struct auth auth;
	struct ipcp ipcp;
	struct ipv6cp ipv6cp;
	struct ra ra;

	struct ppp_network net;
	struct ipaddr nbns[2];
	uint8_t suggested_id[8];
	uint64_t record_sum; /* of the record that `changed` told of last; 0: not worth one */

	/* PPP-FSM-9 and PPP-REJ-2 */
	msec_t rate_since;
	uint8_t rate_count;
	uint8_t rejected_next;
	struct {
		msec_t when;
		uint16_t protocol;
	} rejected[4];
};

/* ---- link.c ---- */
void link_enter(struct ppp_link *l);
void link_leave(struct ppp_link *l); /* the outermost one reports `changed`, `finished` */
bool link_is_over(const struct ppp_link *l);
void link_timer(struct ppp_link *l, struct timer *t, msec_t when, timer_fn *fn);
void link_stop_timers(struct ppp_link *l);
void link_log(const struct ppp_link *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void link_send(struct ppp_link *l, uint16_t protocol, uint8_t code, uint8_t id, const void *data,
	       size_t len);
/* A packet that quotes another one, cut to the peer's MRU. */
void link_send_reject(struct ppp_link *l, uint16_t protocol, uint8_t code, uint8_t id,
		      const uint8_t *quoted, size_t len);
void link_send_packet(struct ppp_link *l, uint16_t protocol, const void *packet, size_t len);
size_t link_room(const struct ppp_link *l); /* for options in one packet to the peer */
void link_terminate(struct ppp_link *l, msec_t now, const struct ppp_cause *cause);
/* This negotiation leads nowhere. An NCP closes alone; with LCP the link ends. */
void link_give_up(struct fsm *f, msec_t now, const struct ppp_cause *lcp_cause);
void link_lcp_up(struct ppp_link *l, msec_t now);
void link_lcp_down(struct ppp_link *l, msec_t now);
void link_lcp_finished(struct ppp_link *l, msec_t now);
void link_auth_limit(struct ppp_link *l, msec_t now); /* the overall limit starts now */
void link_networks_start(struct ppp_link *l, msec_t now);
void link_networks_check(struct ppp_link *l, msec_t now);
uint32_t link_random32(struct ppp_link *l); /* never 0 */
struct fsm *link_fsm(struct ppp_link *l, uint16_t protocol); /* NULL: not one of ours */
bool link_wants(const struct ppp_link *l, uint16_t ncp); /* this NCP may open here */

/* ---- echo.c ---- */
void link_echo_start(struct ppp_link *l, msec_t now);
void link_echo_stop(struct ppp_link *l);
/* Of a restored link. `spread`: any number, another one for each link. */
void link_echo_resume(struct ppp_link *l, msec_t now, uint32_t spread);
void link_echo_request(struct ppp_link *l, msec_t now, struct fsm_packet *p);
void link_echo_reply(struct ppp_link *l, const struct fsm_packet *p);
void link_echo_replied(struct ppp_link *l, msec_t now, const struct fsm_packet *p);

/* ---- reject.c ---- */
void link_protocol_reject(struct ppp_link *l, msec_t now, uint16_t protocol, const uint8_t *info,
			  size_t len);
void link_protocol_rejected(struct ppp_link *l, msec_t now, const struct fsm_packet *p);

/* ---- lcp.c ---- */
extern const struct fsm_protocol lcp_protocol;
enum ppp_auth lcp_auth_of(const struct option *o); /* PPP_AUTH_NONE: not one of ours */
enum ppp_auth lcp_auth(const struct ppp_link *l); /* what was agreed on */
bool lcp_auth_allowed(const struct ppp_link *l, enum ppp_auth auth, unsigned int *ret_index);

/* ---- ipcp.c, ipv6cp.c ---- */
extern const struct fsm_protocol ipcp_protocol, ipv6cp_protocol;

/* ---- auth.c: what PAP and CHAP share ---- */
void auth_start(struct ppp_link *l, msec_t now);
void auth_stop(struct ppp_link *l); /* LCP left Opened; what was secret is wiped */
/* To the daemon. name may hold anything; a bad one is refused here. */
void auth_ask(struct ppp_link *l, msec_t now, struct ppp_credentials *cred, const uint8_t *name,
	      size_t name_len);
void auth_refuse(struct ppp_link *l, msec_t now, uint8_t id, const char *message);
void auth_repeat_reply(struct ppp_link *l, uint8_t id);
uint8_t auth_good_code(enum ppp_auth auth); /* of PAP's Ack, CHAP's Success */
/* Client: the server's verdict. */
void auth_passed(struct ppp_link *l, msec_t now);
void auth_failed(struct ppp_link *l, msec_t now);
void auth_retry_timer(struct ppp_link *l, msec_t now, timer_fn *fn);
void auth_wipe_challenge(struct ppp_link *l);
void auth_wipe_answer(struct ppp_link *l);

/* ---- pap.c, chap.c ---- */
void pap_start(struct ppp_link *l, msec_t now);
void pap_input(struct ppp_link *l, msec_t now, const uint8_t *packet, size_t len);
void chap_start(struct ppp_link *l, msec_t now);
void chap_input(struct ppp_link *l, msec_t now, const uint8_t *packet, size_t len);
/* The body of a Success or Failure; returns its length. */
size_t chap_reply_text(struct ppp_link *l, bool ok, const char *message, const char *response,
		       char *out, size_t cap);

/* ---- proxy.c ---- */
/* PPP-PROXY-1: true if LCP is now open with what the LAC agreed on. */
bool proxy_take_over(struct ppp_link *l, msec_t now, const struct ppp_proxy *proxy);

/* ---- ra.c ---- */
void ra_start(struct ppp_link *l, msec_t now);
void ra_stop(struct ppp_link *l);
void ra_resume(struct ppp_link *l, msec_t now, uint32_t spread); /* as link_echo_resume */
void ra_repeat(struct ppp_link *l, msec_t when); /* as ra_start, but then */

/* ---- record.c ---- */
void link_record_check(struct ppp_link *l); /* tells when the record is another one now */
uint64_t link_record_sum(const uint8_t *p, size_t len); /* its lower half ends a record */

/* ---- crypto.c ---- */
void crypto_chap_md5(uint8_t id, const char *secret, size_t len, const uint8_t *challenge,
		     size_t challenge_len, uint8_t ret[CHAP_MD5_LEN]);
/* RFC 2759 section 8; `expected` gets 40 hex digits and a NUL. */
void crypto_mschapv2(const char *user, const char *password, size_t len, const uint8_t *challenge,
		     const uint8_t *peer_challenge, uint8_t ret_nt[24],
		     char ret_expected[AUTHENTICATOR_RESPONSE_LEN + 1]);
bool crypto_equal(const void *a, const void *b, size_t n); /* constant time */
void crypto_nt_hash(const char *password, size_t len, uint8_t ret[16]);
void crypto_challenge_hash(const char *user, const uint8_t *challenge,
			   const uint8_t *peer_challenge, uint8_t ret[8]);

/* ---- causes.c ---- */
extern const struct ppp_cause ppp_cause_auth_failed_pap, ppp_cause_auth_timeout_pap;
void free_wiped(void *p, size_t len);

#endif
