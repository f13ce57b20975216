/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How control connections begin: ours, and those that a peer opens; which SCCRQ was here before,
 * and who wins when two of them cross.
 *
 * Of a peer with a secret nothing is kept before its SCCRQ has proved itself, and nothing is said:
 * to whoever does not know the secret we are not there. A proof can be replayed (V3-AUTH-10); that
 * makes a connection in set-up, which sources.c bounds, and which SCCCN alone completes. What was
 * heard a short time ago and comes again from elsewhere is a copy: it makes nothing, and costs the
 * peer nothing of its rate.
 */
#include <string.h>

#include "loader/l2tp/build.h"
#include "loader/l2tp3/engine.h"

#define TYPE_OFFSET (L2TP3_HEADER + L2TP_AVP_HEADER)
#define OLD_ID_REFUSED 65535 /* of version 2, and nobody's (l2tp/engine.h) */

/* ---- ours ---- */

struct l2tp3_tunnel *l2tp3_tunnel_open(struct l2tp3_endpoint *ep, msec_t now,
				       const struct path *path, const struct l2tp3_peer *peer)
{
	struct l2tp3_tunnel *t = NULL;

	l2tp3_enter(ep);
	if (!ep->shutting_down && ep->n_live < ep->limits.tunnels)
		t = conn_new(ep, now, path, peer, true);
	if (t) {
		ep->ops->random(ep->ctx, t->tie, sizeof(t->tie));
		t->has_tie = true;
		conn_event(t, now, L2TP3_TE_OPEN, NULL, NULL);
	}
	if (t && t->gone)
		t = NULL;
	else if (t)
		t->announced = true;
	l2tp3_leave(ep);
	return t;
}

/* ---- SCCRQ ---- */

/* All about an SCCRQ; m is verified, but for `claim`. */
struct request {
	const struct path *path;
	const struct l2tp3_peer *peer;
	const uint8_t *msg;
	size_t len;
	struct l2tp3_auth auth;
	bool signs;
	struct l2tp3_message m;
	struct l2tp_reason why;
};

static struct l2tp3_tunnel *find_by_peer(struct l2tp3_endpoint *ep, const struct path *path,
					 uint32_t peer_id, uint64_t print)
{
	struct hashnode *node = hashtab_first(&ep->by_peer, l2tp3_hash_peer(ep, path, peer_id));

	for (; node; node = hashtab_next(node)) {
		struct l2tp3_tunnel *t = container_of(node, struct l2tp3_tunnel, by_peer);

		if (t->peer_id == peer_id && path_eq(&t->path, path) &&
		    (!print || (!t->initiator && t->print == print)))
			return t;
	}
	return NULL;
}

/* The connection that this very SCCRQ opened, and that its sender may still be waiting for
 * (V3-CC-2). The same octets much later are a new attempt of one that has restarted and has no
 * better random numbers. */
static struct l2tp3_tunnel *find_duplicate(struct l2tp3_endpoint *ep, msec_t now,
					   const struct request *r, uint64_t print)
{
	struct l2tp3_tunnel *t = find_by_peer(ep, r->path, r->m.ccid, print);

	if (!t || t->state == L2TP3_T_WAIT_CONN ||
	    (t->state == L2TP3_T_ESTABLISHED && now - t->since < L2TP3_REST_MS) ||
	    (t->gone && reliable_outstanding(&t->rel)))
		return t;
	return NULL;
}

/* Has this very SCCRQ come from elsewhere? If it is new it is remembered. */
static bool is_copy(struct l2tp3_endpoint *ep, msec_t now, const struct request *r, uint64_t print)
{
	uint64_t path = l2tp3_hash_peer(ep, r->path, r->m.ccid);

	for (unsigned int i = 0; i < L2TP3_PRINTS; i++) {
		const struct l2tp3_print *p = &ep->prints[i];

		if (p->print == print && now - p->at < L2TP3_SETUP_MS)
			return p->path != path;
	}
	ep->prints[ep->next_print] = (struct l2tp3_print){ print, path, now };
	ep->next_print = (ep->next_print + 1) % L2TP3_PRINTS;
	return false;
}

static void refuse(struct l2tp3_endpoint *ep, struct request *r)
{
	r->auth.ours_unknown = true;
	if (r->m.ccid)
		conn_refuse(ep, r->peer, r->path, r->signs ? &r->auth : NULL, r->m.ccid, &r->why);
}

/* Of two attempts that cross (V3-CC-1). < 0: ours goes on; > 0: theirs; 0: neither. */
static int tie(const struct l2tp3_tunnel *ours, const struct l2tp3_message *m)
{
	if (!l2tp3_has(m, L2TP_AVP_TIE_BREAKER))
		return ours->has_tie ? -1 : 1;
	return ours->has_tie ? memcmp(ours->tie, m->tie, L2TP3_TIE) : 1;
}

/* Is t an attempt of ours to who sends r? */
static bool crosses(const struct l2tp3_tunnel *t, const struct request *r)
{
	return t->state == L2TP3_T_WAIT_REPLY && t->peer == r->peer &&
	       addr_eq(&t->path.peer, &r->path->peer) && !t->path.peer_port == !r->path->peer_port;
}

/* All our attempts to that peer against its own. False: it is refused. */
static bool ties(struct l2tp3_endpoint *ep, msec_t now, struct request *r)
{
	uint64_t last = ep->n_made;
	struct l2tp_reason why;

	/* One that goes keeps its `next` until we leave. What an op dials meanwhile is not asked: a
	 * peer with a low tie breaker could keep us dialling here for ever. */
	for (struct l2tp3_tunnel *t = ep->first; t && t->order <= last; t = t->next) {
		int order;

		if (t->gone || !crosses(t, r))
			continue;
		l2tp3_count(ep, L2TP3_C_TIE);
		order = tie(t, &r->m);
		reason3_set(&why, L2TP_STOP_EXISTS, 0,
			    order ? "both sides dialled, and the other one's attempt stays"
				  : "both sides dialled with the same tie breaker");
		if (order >= 0)
			conn_event(t, now, L2TP3_TE_TIE_LOST, NULL, &why);
		if (order <= 0) {
			r->why = why;
			refuse(ep, r);
			return false;
		}
	}
	return true;
}

static void open_to_us(struct l2tp3_endpoint *ep, msec_t now, struct request *r, uint64_t print)
{
	struct l2tp3_tunnel *t = NULL;
	struct l2tp_reason why;

	if (source3_make_room(ep, now, &r->path->peer))
		t = conn_new(ep, now, r->path, r->peer, false);
	if (!t)
		return; /* the peer will ask again */
	t->print = print;
	if (conn_set_peer_id(t, r->m.ccid) < 0) {
		reason3_set(&why, L2TP_STOP_ERROR, L2TP_ERR_RESOURCES, "no memory");
		conn_gone(t, now, &why, L2TP3_FAREWELL_NONE);
		return;
	}
	conn_set_half_open(t, true);
	if (t->auth.nonces)
		t->auth.hide_key = r->m.verified;
	reliable_receive(&t->rel, r->m.h.ns);
	conn_event(t, now, L2TP3_TE_SCCRQ, &r->m, NULL);
	if (!t->dead)
		reliable_acknowledge(&t->rel);
}

static void repeated(struct l2tp3_endpoint *ep, struct l2tp3_tunnel *t)
{
	l2tp3_count(ep, L2TP3_C_DUPLICATE);
	/* Who has not got SCCRP has no nonce of ours: SCCRP itself, sent again, acknowledges it. */
	if (t->auth.nonces && reliable_outstanding(&t->rel))
		return;
	t->rel.ack_owed = true;
	reliable_acknowledge(&t->rel);
}

static bool is_wanted(struct l2tp3_endpoint *ep, struct request *r)
{
	return !ep->ops->may_connect || ep->ops->may_connect(ep->ctx, r->peer, &r->why);
}

static void log_unproven(struct l2tp3_endpoint *ep, msec_t now, const struct request *r,
			 const char *what)
{
	char from[PATH_STRLEN];

	if (!log_allowed(&ep->log_digest, now, 5, 10000))
		return;
	log_warn(&(struct log_who){ .peer = r->peer->name }, "SCCRQ from %s dropped: %s",
		 endpoint_str(&r->path->peer, r->path->peer_port, from), what);
	if (ep->ops->unproven)
		ep->ops->unproven(ep->ctx, r->peer, r->path, what);
}

/* An SCCRQ that has proved itself, if it must. */
static void proven_sccrq(struct l2tp3_endpoint *ep, msec_t now, struct request *r)
{
	/* without a seed: the next process must know it again */
	uint64_t print = hash_of(0, r->msg + L2TP3_HEADER, r->len - L2TP3_HEADER);
	struct l2tp3_tunnel *t = find_duplicate(ep, now, r, print);
	enum l2tp3_tunnel_event event = L2TP3_TE_SCCRQ;

	if (r->m.h.ns) { /* the first message of a connection is 0 */
		l2tp3_count(ep, L2TP3_C_OUT_OF_WINDOW);
		return;
	}
	if (t) {
		repeated(ep, t);
		return;
	}
	if (r->auth.nonces && is_copy(ep, now, r, print)) {
		l2tp3_count(ep, L2TP3_C_DUPLICATE);
		return;
	}
	if (!source3_may_ask(ep, now, &r->path->peer)) /* nothing is said */
		return;
	if (judge3_is_ours(ep, r->peer, &r->m)) {
		l2tp3_count(ep, L2TP3_C_REFLECTED);
		log_unproven(ep, now, r,
			     "it is a request of ours, sent back; or the other side has our host "
			     "name and Router ID: give it another `host-name`");
		return;
	}
	if (!judge3_sccrq(r->peer, &r->m, &r->why) || !is_wanted(ep, r))
		event = L2TP3_TE_SCCRQ_BAD;
	else if (!ties(ep, now, r))
		return;
	if (l2tp3_tunnel_step(L2TP3_T_IDLE, event).action == L2TP3_TA_ACCEPT)
		open_to_us(ep, now, r, print);
	else
		refuse(ep, r);
}

/* Does it prove itself (V3-AUTH-5, V3-AUTH-6)? */
static bool verify(struct l2tp3_endpoint *ep, msec_t now, struct request *r)
{
	enum l2tp3_parsed parsed =
		l2tp3_parse(r->msg, r->len, &r->auth, r->peer->cisco_drafts, &r->m);

	if (parsed == L2TP3_P_OK && r->auth.nonces && !l2tp3_has(&r->m, L2TP3_AVP_NONCE))
		parsed = L2TP3_P_NO_DIGEST;
	switch (parsed) {
	case L2TP3_P_OK:
		return true;
	case L2TP3_P_HEADER:
		l2tp3_malformed(ep, now, r->path, L2TP3_C_BAD_HEADER);
		break;
	case L2TP3_P_AVPS:
		l2tp3_malformed(ep, now, r->path, L2TP3_C_BAD_AVP);
		break;
	case L2TP3_P_NO_DIGEST:
		l2tp3_count(ep, L2TP3_C_NO_DIGEST);
		log_unproven(ep, now, r,
			     "it has no digest; set the same `secret` on the other side");
		break;
	case L2TP3_P_DIGEST:
		l2tp3_count(ep, L2TP3_C_BAD_DIGEST);
		log_unproven(ep, now, r,
			     r->auth.nonces ? "its digest is wrong; is `secret` the same on "
					      "both sides?"
					    : "its digest is not the checksum that it would "
					      "be without a secret");
		break;
	}
	return false;
}

/* The peer signs what it sends, and takes nothing that we cannot sign. */
static void needs_secret(struct l2tp3_endpoint *ep, msec_t now, struct request *r)
{
	log_unproven(ep, now, r,
		     "it authenticates, and here is no `secret` for this peer; set the "
		     "one of the other side");
	if (!source3_may_ask(ep, now, &r->path->peer))
		return;
	reason3_set(&r->why, L2TP_STOP_NOT_AUTHORISED, 0, "no secret is set here for this peer");
	refuse(ep, r);
}

static void stranger(struct l2tp3_endpoint *ep, msec_t now, const struct path *path,
		     const char *hostname)
{
	char from[PATH_STRLEN];

	l2tp3_count(ep, L2TP3_C_STRANGER);
	if (log_allowed(&ep->log_stranger, now, 5, 10000))
		log_info(NULL,
			 "SCCRQ of version 3 from %s, host name \"%s\", which is the peer of no "
			 "signalled pseudowire",
			 endpoint_str(&path->peer, path->peer_port, from), hostname);
}

/* V3-AUTH-9: what it claims to be tells only which secret it must know. */
static const struct l2tp3_peer *peer_of(struct l2tp3_endpoint *ep, const struct path *path,
					const struct l2tp3_message *claim, char name[LOG_QUOTE_LEN])
{
	struct l2tp3_who who = { .hostname = name, .router_id = claim->router_id };

	name[0] = '\0';
	if (l2tp3_has(claim, L2TP_AVP_HOST_NAME))
		log_quote(claim->host_name.p, claim->host_name.left, name, L2TP_MAX_NAME + 1);
	return ep->ops->find_peer(ep->ctx, path, &who);
}

static void sccrq(struct l2tp3_endpoint *ep, msec_t now, const struct path *path,
		  const uint8_t *msg, size_t len, const struct l2tp3_message *claim)
{
	struct request r = { .path = path, .msg = msg, .len = len };
	char name[LOG_QUOTE_LEN];

	r.peer = peer_of(ep, path, claim, name);
	if (!r.peer) {
		stranger(ep, now, path, name);
		return;
	}
	if (ep->shutting_down)
		return;
	r.signs = conn_auth_init(&r.auth, r.peer, !path->peer_port);
	if (!r.auth.nonces && l2tp3_has(claim, L2TP3_AVP_NONCE)) {
		r.m.ccid = claim->ccid;
		needs_secret(ep, now, &r);
	} else if (verify(ep, now, &r)) {
		if (r.auth.nonces) { /* for a refusal */
			r.auth.peer_len = (uint8_t)r.m.nonce.left;
			memcpy(r.auth.peer, r.m.nonce.p, r.auth.peer_len);
			r.auth.hide_key = r.m.verified;
		}
		proven_sccrq(ep, now, &r);
	}
	explicit_bzero(&r, sizeof(r));
}

/* ---- CCID 0 ---- */

/* StopCCN of an initiator that has not learnt our CCID, and not our nonce either. */
static void stopped_unheard(struct l2tp3_endpoint *ep, msec_t now, const struct path *path,
			    const uint8_t *msg, size_t len)
{
	const struct l2tp3_auth none = { 0 };
	struct l2tp3_tunnel *t = NULL;
	struct l2tp3_message m;
	bool heard;

	if (l2tp3_parse(msg, len, &none, false, &m) == L2TP3_P_OK && m.ccid)
		t = find_by_peer(ep, path, m.ccid, 0);
	/* Who sent SCCCN knows our CCID, and who does not is a stranger who wants to end it. */
	if (!t || t->initiator || (!t->gone && t->state != L2TP3_T_WAIT_CONN)) {
		l2tp3_count(ep, L2TP3_C_UNKNOWN_CONNECTION);
		return;
	}
	t->auth.ours_unknown = false;
	heard = l2tp3_parse(msg, len, &t->auth, t->peer->cisco_drafts, &m) == L2TP3_P_OK;
	t->auth.ours_unknown = !heard;
	l2tp3_tunnel_input(t, now, path, msg, len);
	t->auth.ours_unknown = t->gone && !heard;
}

void contact3_input(struct l2tp3_endpoint *ep, msec_t now, const struct path *path,
		    const uint8_t *msg, size_t len)
{
	struct l2tp3_message claim;

	if (l2tp3_parse(msg, len, NULL, false, &claim) != L2TP3_P_OK)
		l2tp3_malformed(ep, now, path, L2TP3_C_BAD_AVP);
	else if (claim.type == L2TP_SCCRQ)
		sccrq(ep, now, path, msg, len, &claim);
	else if (claim.type == L2TP_STOPCCN)
		stopped_unheard(ep, now, path, msg, len);
	else
		l2tp3_count(ep, L2TP3_C_UNKNOWN_CONNECTION);
}

/* ---- version 2 ---- */

/* The attempt of ours that a message of version 2 answers: its ID there are the upper half of
 * our CCID. */
static struct l2tp3_tunnel *find_fallback(struct l2tp3_endpoint *ep, const struct path *path,
					  uint16_t old_id)
{
	for (struct l2tp3_tunnel *t = ep->first; t; t = t->next)
		if (t->state == L2TP3_T_WAIT_REPLY && t->peer->v2_fallback && t->path.peer_port &&
		    t->id >> 16 == old_id && addr_eq(&t->path.peer, &path->peer) &&
		    addr_eq(&t->path.local, &path->local))
			return t;
	return NULL;
}

bool l2tp3_is_ours(struct l2tp3_endpoint *ep, const struct path *path, const uint8_t *msg,
		   size_t len)
{
	uint16_t type = len < TYPE_OFFSET + 2
				? 0
				: (uint16_t)(msg[TYPE_OFFSET] << 8 | msg[TYPE_OFFSET + 1]);
	char name[LOG_QUOTE_LEN];
	struct l2tp3_header h;
	struct l2tp3_message m;

	/* most of them end here: they are the other engine's */
	if ((type != L2TP_SCCRQ && type != L2TP_SCCRP && type != L2TP_STOPCCN) ||
	    l2tp3_header_parse(msg, len, &h) < 0 || h.version != 2)
		return false;
	if (h.ccid)
		return type != L2TP_SCCRQ && !(h.ccid & 0xffff) &&
		       find_fallback(ep, path, (uint16_t)(h.ccid >> 16));
	return type == L2TP_SCCRQ && l2tp3_parse(msg, h.len, NULL, false, &m) == L2TP3_P_OK &&
	       l2tp3_has(&m, L2TP3_AVP_ROUTER_ID) && l2tp3_has(&m, L2TP3_AVP_CCID) &&
	       l2tp3_has(&m, L2TP3_AVP_PW_CAPS) && peer_of(ep, path, &m, name);
}

/* In version 2, and without more ado: Ns 1 behind our SCCRQ. */
static void refuse_old(const struct l2tp3_tunnel *t, const struct path *path, uint16_t peer_id,
		       uint16_t ns, const struct l2tp_reason *why)
{
	struct l2tp_build b;
	size_t len = l2tp_build_stopccn(&b, peer_id, OLD_ID_REFUSED, why);

	writer_patch_u16(&b.w, 8, 1);
	writer_patch_u16(&b.w, 10, (uint16_t)(ns + 1));
	l2tp3_count(t->ep, L2TP3_C_SENT_STOPCCN);
	conn_transmit_now(t->ep, t->peer, path, NULL, b.buf, len);
}

void contact3_old(struct l2tp3_endpoint *ep, msec_t now, const struct path *path,
		  const struct l2tp3_header *h, const uint8_t *msg)
{
	static const struct l2tp3_auth none;
	struct l2tp3_tunnel *t = find_fallback(ep, path, (uint16_t)(h->ccid >> 16));
	struct l2tp_reason why;
	struct l2tp3_message m;

	if (!t || h->ccid & 0xffff || l2tp3_parse(msg, h->len, &none, false, &m) != L2TP3_P_OK ||
	    (m.type != L2TP_SCCRP && m.type != L2TP_STOPCCN)) {
		l2tp3_count(ep, L2TP3_C_UNKNOWN_CONNECTION);
		return;
	}
	reason3_set(&why, L2TP_STOP_VERSION, 0,
		    "the peer speaks only version 2, which carries no Ethernet");
	if (m.type == L2TP_SCCRP && m.v2_tunnel_id)
		refuse_old(t, path, m.v2_tunnel_id, h->ns, &why);
	else if (m.type == L2TP_STOPCCN && m.reason.result) /* why, only the peer knows */
		why = m.reason; /* from_peer, the only one of them that is */
	conn_event(t, now, L2TP3_TE_ABORT, NULL, &why);
}
