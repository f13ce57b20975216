/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One PPP link and its phases (RFC 1661 section 3.2).
 *
 *   Dead -> Establish -> Authenticate -> Network -> Terminate -> Dead
 *
 * link.c        the public functions, what comes in and to whom it goes, phases, limits
 * automaton.c   the state table that LCP, IPCP and IPV6CP share; negotiate.c its packets
 * lcp.c, ipcp.c, ipv6cp.c   the options of each
 * auth.c, pap.c, chap.c, crypto.c   authentication; proxy.c what a LAC did already
 * echo.c, reject.c, ra.c    keep-alive, Protocol-Reject, router advertisements
 * record.c      what a link is for the process that comes after this one
 *
 * Establish lasts while LCP is not open, Authenticate until one side has proved itself,
 * Network until the end: IPCP and IPV6CP come and go there on their own, and only
 * a link with neither for 30 s is closed (PPP-PH-7, PPP-PH-8). When LCP leaves Opened, the
 * networks go down first of all (PPP-PH-4). One timer guards each phase, so whatever the
 * peer does, a link that does not get on comes to an end.
 *
 * Who ends it: link_terminate, by the daemon's wish or because of what we found, and the
 * peer by Terminate-Request. `cause` keeps the first reason. `finished` is reported when
 * the outermost function or timer that was entered returns, so that it is the last op.
 */
#include "loader/ppp/link.h"

#include "loader/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static void phase_timeout(struct timer *t, msec_t now);

/* ---- entering, leaving, ending ---- */

void link_enter(struct ppp_link *l)
{
	l->depth++;
}

void link_stop_timers(struct ppp_link *l)
{
	struct timer *all[] = { &l->lcp_fsm.timer, &l->ipcp_fsm.timer, &l->ipv6cp_fsm.timer,
				&l->phase_timer,   &l->auth_timer,     &l->echo_timer,
				&l->ra_timer };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		timer_stop(l->timers, all[i]);
}

/* Nothing goes out any more, and nothing that comes in counts. */
static void link_end(struct ppp_link *l)
{
	l->over = true;
	l->phase = PHASE_DEAD;
	link_stop_timers(l);
	auth_stop(l);
}

static void link_finish(struct ppp_link *l, msec_t now)
{
	if (l->over)
		return;
	if (l->lcp_fsm.state == FSM_OPENED)
		link_lcp_down(l, now);
	if (l->over)
		return; /* the daemon took the session away when the network went down */
	link_end(l);
	l->report = true;
}

void link_leave(struct ppp_link *l)
{
	if (l->depth == 1 && l->starved) {
		/* A link without its timers would stay for ever. */
		l->starved = false;
		l->cause = l->cause ? l->cause : &ppp_cause_lcp_timeout;
		link_finish(l, 0);
	}
	if (l->depth == 1)
		link_record_check(l);
	if (--l->depth || !l->report)
		return;
	l->report = false;
	l->ops->finished(l->ctx, l->cause);
}

bool link_is_over(const struct ppp_link *l)
{
	return l->over || l->phase == PHASE_TERMINATE;
}

void link_timer(struct ppp_link *l, struct timer *t, msec_t when, timer_fn *fn)
{
	if (!l->over && timer_set(l->timers, t, when, fn))
		l->starved = true;
}

static void phase_enter(struct ppp_link *l, msec_t now, enum link_phase phase, unsigned int ms)
{
	l->phase = phase;
	link_timer(l, &l->phase_timer, now + ms, phase_timeout);
}

void link_terminate(struct ppp_link *l, msec_t now, const struct ppp_cause *cause)
{
	if (link_is_over(l))
		return;
	l->cause = l->cause ? l->cause : cause;
	phase_enter(l, now, PHASE_TERMINATE, TERMINATE_MS);
	fsm_event(&l->lcp_fsm, now, FSM_CLOSE, NULL);
	if (l->lcp_fsm.state <= FSM_STOPPED)
		link_finish(l, now); /* there is nobody to say good-bye to */
}

void link_give_up(struct fsm *f, msec_t now, const struct ppp_cause *lcp_cause)
{
	if (f == &f->link->lcp_fsm)
		link_terminate(f->link, now, lcp_cause);
	else
		fsm_event(f, now, FSM_CLOSE, NULL);
}

static void phase_timeout(struct timer *t, msec_t now)
{
	struct ppp_link *l = container_of(t, struct ppp_link, phase_timer);
	bool negotiating = l->ipcp_fsm.state >= FSM_REQ_SENT || l->ipv6cp_fsm.state >= FSM_REQ_SENT;

	link_enter(l);
	switch (l->phase) {
	case PHASE_DEAD:
		break;
	case PHASE_ESTABLISH:
		link_terminate(l, now, &ppp_cause_lcp_timeout);
		break;
	case PHASE_AUTHENTICATE:
		link_terminate(l, now,
			       l->auth.used == PPP_AUTH_PAP ? &ppp_cause_auth_timeout_pap
							    : &ppp_cause_auth_timeout);
		break;
	case PHASE_NETWORK:
		link_terminate(l, now, negotiating ? &ppp_cause_ncp_timeout : &ppp_cause_no_ncp);
		break;
	case PHASE_TERMINATE:
		link_finish(l, now);
		break;
	}
	link_leave(l);
}

/* ---- what LCP says ---- */

void link_lcp_up(struct ppp_link *l, msec_t now)
{
	/* PPP-PAP-2: the first Request must come soon. */
	bool pap = !l->cfg->client && lcp_auth(l) == PPP_AUTH_PAP;

	phase_enter(l, now, PHASE_AUTHENTICATE, pap ? PAP_FIRST_MS : AUTH_TOTAL_MS);
	link_echo_start(l, now);
	if (!l->auth.proxied)
		auth_start(l, now);
}

void link_auth_limit(struct ppp_link *l, msec_t now)
{
	phase_enter(l, now, PHASE_AUTHENTICATE, AUTH_TOTAL_MS);
}

static void network_stop(struct fsm *f, msec_t now)
{
	if (f->state != FSM_INITIAL) {
		fsm_event(f, now, FSM_DOWN, NULL);
		fsm_event(f, now, FSM_CLOSE, NULL);
	}
}

void link_lcp_down(struct ppp_link *l, msec_t now)
{
	uint8_t state = l->lcp_fsm.state;

	/* The phase first: an NCP that goes down now is not to start the 30 s of PPP-PH-8. */
	if (l->phase != PHASE_TERMINATE) {
		if (state == FSM_STOPPING || state == FSM_CLOSING) {
			l->cause = l->cause ? l->cause : &ppp_cause_peer;
			phase_enter(l, now, PHASE_TERMINATE, TERMINATE_MS);
		} else {
			phase_enter(l, now, PHASE_ESTABLISH, LCP_TOTAL_MS);
		}
	}
	link_echo_stop(l);
	auth_stop(l);
	network_stop(&l->ipcp_fsm, now);
	network_stop(&l->ipv6cp_fsm, now);
}

void link_lcp_finished(struct ppp_link *l, msec_t now)
{
	if (!l->cause)
		l->cause = l->lcp_fsm.restarts ? &ppp_cause_peer : &ppp_cause_lcp_timeout;
	link_finish(l, now);
}

/* ---- networks ---- */

struct fsm *link_fsm(struct ppp_link *l, uint16_t protocol)
{
	switch (protocol) {
	case PPP_LCP:
		return &l->lcp_fsm;
	case PPP_IP:
	case PPP_IPCP:
		return &l->ipcp_fsm;
	case PPP_IPV6:
	case PPP_IPV6CP:
		return &l->ipv6cp_fsm;
	default:
		return NULL;
	}
}

bool link_wants(const struct ppp_link *l, uint16_t ncp)
{
	bool client = l->cfg->client;

	if (ncp == PPP_IPCP)
		return l->cfg->ipv4 && (client || addr_is_v4(&l->net.ipv4)); /* PPP-IPCP-6 */
	/* PPP-V6-7 */
	return l->cfg->ipv6 && l->lcp.peer_mru >= IPV6_LEAST_MTU && (client || l->net.ipv6.len);
}

static void network_start(struct ppp_link *l, msec_t now, struct fsm *f)
{
	if (l->phase != PHASE_NETWORK || !link_wants(l, f->proto->protocol))
		return;
	f->proto->reset(l);
	fsm_event(f, now, FSM_OPEN, NULL);
	fsm_event(f, now, FSM_UP, NULL);
}

/* Actively: some clients wait for the server's request (PPP-QRK-7). */
void link_networks_start(struct ppp_link *l, msec_t now)
{
	phase_enter(l, now, PHASE_NETWORK, NETWORK_TOTAL_MS);
	if (!link_wants(l, PPP_IPCP) && !link_wants(l, PPP_IPV6CP)) {
		bool granted = addr_is_v4(&l->net.ipv4) || l->net.ipv6.len;

		link_terminate(l, now, granted ? &ppp_cause_no_ncp : &ppp_cause_no_address);
		return;
	}
	network_start(l, now, &l->ipcp_fsm);
	network_start(l, now, &l->ipv6cp_fsm);
}

void link_networks_check(struct ppp_link *l, msec_t now)
{
	if (l->phase != PHASE_NETWORK)
		return;
	if (l->ipcp.up || l->ipv6cp.up)
		timer_stop(l->timers, &l->phase_timer);
	else if (!timer_is_set(&l->phase_timer))
		phase_enter(l, now, PHASE_NETWORK, NETWORK_TOTAL_MS);
}

/* ---- what comes in ---- */

/* PPP-FSM-9: a peer that negotiates in circles gets 100 packets in 10 s, no more. */
static bool rate_exceeded(struct ppp_link *l, msec_t now)
{
	if (now - l->rate_since >= RATE_PERIOD_MS) {
		l->rate_since = now;
		l->rate_count = 0;
	}
	if (l->rate_count >= RATE_PACKETS)
		return true;
	l->rate_count++;
	return false;
}

static void network_dispatch(struct ppp_link *l, msec_t now, uint16_t protocol,
			     const uint8_t *packet, size_t len)
{
	if (link_wants(l, protocol))
		fsm_input(link_fsm(l, protocol), now, packet, len);
	else
		link_protocol_reject(l, now, protocol, packet, len);
}

static void dispatch(struct ppp_link *l, msec_t now, uint16_t protocol, const uint8_t *packet,
		     size_t len)
{
	if (protocol == PPP_LCP) {
		fsm_input(&l->lcp_fsm, now, packet, len);
		return;
	}
	/* PPP-PH-2, PPP-PH-3: silently. The peer will ask again. */
	if (l->phase != PHASE_AUTHENTICATE && l->phase != PHASE_NETWORK)
		return;
	if (l->phase == PHASE_AUTHENTICATE && protocol != PPP_PAP && protocol != PPP_CHAP)
		return;
	switch (protocol) {
	case PPP_PAP:
		pap_input(l, now, packet, len);
		break;
	case PPP_CHAP:
		chap_input(l, now, packet, len);
		break;
	case PPP_IPCP:
	case PPP_IPV6CP:
		network_dispatch(l, now, protocol, packet, len);
		break;
	case PPP_COMPRESSED: /* PPP-CCP-4 */
	case PPP_MULTILINK: /* PPP-MP-1 */
		break;
	default:
		link_protocol_reject(l, now, protocol, packet, len);
	}
}

/* PPP-REJ-4: data of a network that is not open is dropped, of one that will not be open
 * is rejected. */
static void data_input(struct ppp_link *l, msec_t now, uint16_t protocol, const uint8_t *packet,
		       size_t len)
{
	if (l->phase == PHASE_NETWORK && !link_wants(l, protocol == PPP_IP ? PPP_IPCP : PPP_IPV6CP))
		link_protocol_reject(l, now, protocol, packet, len);
	else if (protocol == PPP_IPV6)
		ppp_ipv6_local(l, now, packet, len);
}

void ppp_input(struct ppp_link *l, msec_t now, const uint8_t *frame, size_t len)
{
	uint16_t protocol;
	size_t used = ppp_header_parse(frame, len, &protocol);

	if (l->over || l->phase == PHASE_DEAD || !used)
		return; /* PPP-FR-5 */
	frame += used;
	len -= used;
	link_enter(l);
	if (protocol == PPP_IP || protocol == PPP_IPV6)
		data_input(l, now, protocol, frame, len);
	else if (!rate_exceeded(l, now))
		dispatch(l, now, protocol, frame, len);
	link_leave(l);
}

/* ---- what goes out ---- */

/* PPP-FR-7: the information field is bounded by the peer's MRU, the default before LCP. */
size_t link_room(const struct ppp_link *l)
{
	size_t mru = l->lcp_fsm.state == FSM_OPENED ? l->lcp.peer_mru : PPP_DEFAULT_MRU;

	return (mru < PPP_DEFAULT_MRU ? mru : PPP_DEFAULT_MRU) - 4;
}

void link_send_packet(struct ppp_link *l, uint16_t protocol, const void *packet, size_t len)
{
	uint8_t frame[PPP_MAX_FRAME + PPP_HEADER_LEN];
	struct writer w = writer_of(frame, sizeof(frame));

	if (l->over)
		return;
	writer_u16(&w, 0xff03); /* PPP-FR-3, PPP-FR-4 */
	writer_u16(&w, protocol);
	writer_bytes(&w, packet, len);
	if (!w.bad)
		l->ops->send(l->ctx, frame, w.len);
	if (protocol == PPP_PAP)
		explicit_bzero(frame, sizeof(frame)); /* a client's password */
}

void link_send(struct ppp_link *l, uint16_t protocol, uint8_t code, uint8_t id, const void *data,
	       size_t len)
{
	uint8_t packet[PPP_MAX_FRAME];
	struct writer w = writer_of(packet, sizeof(packet));

	writer_u8(&w, code);
	writer_u8(&w, id);
	writer_u16(&w, (uint16_t)(len + 4));
	writer_bytes(&w, data, len);
	if (!w.bad)
		link_send_packet(l, protocol, packet, w.len);
	if (protocol == PPP_PAP)
		explicit_bzero(packet, sizeof(packet));
}

void link_send_reject(struct ppp_link *l, uint16_t protocol, uint8_t code, uint8_t id,
		      const uint8_t *quoted, size_t len)
{
	size_t room = link_room(l);

	link_send(l, protocol, code, id, quoted, len < room ? len : room);
}

uint32_t link_random32(struct ppp_link *l)
{
	uint32_t v;

	l->ops->random(l->ctx, &v, sizeof(v));
	return v ? v : 1;
}

void link_log(const struct ppp_link *l, const char *fmt, ...)
{
	struct log_who who = { .user = l->auth.user };
	char text[160];
	va_list ap;

	if (log_level_now() < LOG_DEBUG)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	log_debug(&who, "%s", text);
}

/* ---- the daemon's side ---- */

struct ppp_link *ppp_link_new(const struct ppp_config *cfg, const struct ppp_ops *ops, void *ctx,
			      struct timers *timers)
{
	struct ppp_link *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->cfg = cfg;
	l->ops = ops;
	l->ctx = ctx;
	l->timers = timers;
	l->lcp.peer_mru = PPP_DEFAULT_MRU;
	fsm_init(&l->lcp_fsm, l, &lcp_protocol);
	fsm_init(&l->ipcp_fsm, l, &ipcp_protocol);
	fsm_init(&l->ipv6cp_fsm, l, &ipv6cp_protocol);
	return l;
}

void ppp_link_free(struct ppp_link *l)
{
	if (!l)
		return;
	link_end(l);
	free(l->auth.user);
	free_wiped(l, sizeof(*l));
}

void ppp_lower_up(struct ppp_link *l, msec_t now, const struct ppp_proxy *proxy)
{
	if (l->over || l->phase != PHASE_DEAD)
		return;
	link_enter(l);
	l->rate_since = now;
	phase_enter(l, now, PHASE_ESTABLISH, LCP_TOTAL_MS);
	l->lcp_fsm.proto->reset(l);
	if (!proxy || !proxy_take_over(l, now, proxy)) {
		fsm_event(&l->lcp_fsm, now, FSM_OPEN, NULL);
		fsm_event(&l->lcp_fsm, now, FSM_UP, NULL); /* PPP-LCP-5: at once */
	}
	link_leave(l);
}

void ppp_lower_down(struct ppp_link *l, msec_t now)
{
	l->record_sum = 0; /* nobody keeps its record: no `changed` */
	if (l->over) {
		l->report = false;
		return;
	}
	link_enter(l);
	l->over = true; /* no frame goes to a session that is gone */
	network_stop(&l->ipcp_fsm, now);
	network_stop(&l->ipv6cp_fsm, now);
	link_end(l);
	l->report = false;
	link_leave(l);
}

void ppp_close(struct ppp_link *l, msec_t now, const struct ppp_cause *cause)
{
	if (l->over)
		return;
	link_enter(l);
	link_terminate(l, now, cause);
	link_leave(l);
}

/* ---- what the link can tell ---- */

const char *ppp_phase(const struct ppp_link *l)
{
	static const char *const names[] = { "dead", "establish", "authenticate", "network",
					     "terminate" };

	return names[l->phase];
}

const char *ppp_user(const struct ppp_link *l)
{
	return l->auth.user ? l->auth.user : "";
}

enum ppp_auth ppp_auth_used(const struct ppp_link *l)
{
	return l->auth.used;
}

uint16_t ppp_peer_mru(const struct ppp_link *l)
{
	return l->lcp.peer_mru;
}

bool ppp_peer_acfc(const struct ppp_link *l)
{
	return l->lcp.peer_acfc;
}

bool ppp_is_open(const struct ppp_link *l, uint16_t protocol)
{
	return protocol == PPP_IP ? l->ipcp.up : protocol == PPP_IPV6 && l->ipv6cp.up;
}

const struct ppp_network *ppp_network(const struct ppp_link *l)
{
	return &l->net;
}

bool ppp_echo_answers(const struct ppp_link *l, uint32_t *ret_magic, uint32_t *ret_peer_magic)
{
	if (l->over || l->lcp_fsm.state != FSM_OPENED || (!l->ipcp.up && !l->ipv6cp.up))
		return false;
	*ret_magic = l->lcp.magic;
	*ret_peer_magic = l->lcp.peer_magic;
	return true;
}
