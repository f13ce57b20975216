/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A link as a record, for the process that comes after this one.
 *
 * What is kept is what the peer holds too: the peer does not know that we died, so our
 * half of each agreement must be the same octets again. Clocks, counters of faults and
 * half-done limits are not kept; they start anew. An NCP that was being negotiated goes on
 * when its timer sends the same request again. Only the authenticator's links are kept.
 *
 *   octet        version
 *   octet        flags
 *   LCP          both magic numbers and MRUs, identifier of our last request
 *   auth         method, identifiers, user, the text of the answer that may be repeated
 *   grant        addresses, name servers, prefix, interface identifier to suggest
 *   IPCP, IPV6CP automaton, options still wanted, interface identifiers
 *   4 octets     check sum: half-written or rotten memory never becomes a link
 *
 * Texts are counted; an address is a length (0, 4 or 16) and its octets.
 *
 * What is in the record has no time in it, so an echo changes nothing. That makes it easy
 * to tell what did: when the outermost entry is left, the record is made and its sum
 * compared with the last one (link_record_check). No place that changes a link has to
 * remember to say so.
 */
#include "loader/ppp/link.h"

#include <errno.h>
#include <stdlib.h>

#define RECORD_VERSION 1
#define SUM_LEN 4
#define ID_LEN 8

enum record_flag {
	FLAG_ACFC = 1 << 0, /* the peer's */
	FLAG_WANT_MRU = 1 << 1,
	FLAG_WANT_MAGIC = 1 << 2,
	FLAG_REPLY = 1 << 3,
	FLAG_WANT_ADDRESS = 1 << 4, /* IPCP */
	FLAG_WANT_ID = 1 << 5, /* IPV6CP */
	FLAG_SUGGESTED_ID = 1 << 6,
};
#define FLAGS_KNOWN 0x7f

#define STATE_MASK 0x0f
#define STATE_ANSWERED 0x80

static const uint8_t zero_id[ID_LEN];

/* FNV-1a. Each step is one-to-one, in the lower half as well: no damage to a single octet
 * leaves the sum as it was. */
uint64_t link_record_sum(const uint8_t *p, size_t len)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return h;
}

/* ---- pieces ---- */

static void put_text(struct writer *w, const char *text, size_t len)
{
	writer_u8(w, (uint8_t)len);
	writer_bytes(w, text, len);
}

static void put_addr(struct writer *w, const struct ipaddr *a)
{
	size_t len = addr_is_v4(a) ? 4 : addr_is_set(a) ? 16 : 0;

	writer_u8(w, (uint8_t)len);
	writer_bytes(w, a->b + sizeof(a->b) - len, len);
}

/* `len`: of an address of the right family, in octets. */
static struct ipaddr get_addr(struct reader *r, uint8_t len)
{
	uint8_t n = reader_u8(r);
	const uint8_t *p = reader_take(r, n);
	struct ipaddr a = { 0 };

	if (!p || (n && n != len)) {
		r->bad = true;
		return a;
	}
	if (n == 4)
		return addr_from_v4((uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
				    (uint32_t)p[2] << 8 | p[3]);
	memcpy(a.b, p, n);
	/* a family in disguise, or nothing with a length, would be written otherwise again */
	r->bad |= n && (addr_is_v4(&a) || !addr_is_set(&a));
	return a;
}

static void get_id(struct reader *r, uint8_t id[ID_LEN])
{
	const uint8_t *p = reader_take(r, ID_LEN);

	if (p)
		memcpy(id, p, ID_LEN);
}

static void put_fsm(struct writer *w, const struct fsm *f)
{
	writer_u8(w, f->state | (f->answered ? STATE_ANSWERED : 0));
	writer_u8(w, f->restarts);
	writer_u8(w, f->sent);
	writer_u8(w, f->naks);
	writer_u8(w, f->refusals);
	writer_u8(w, f->request_id);
}

/* Identifiers of rejects and good-byes are not kept: nobody answers to those. */
static void get_fsm(struct reader *r, struct fsm *f)
{
	uint8_t state = reader_u8(r);

	f->state = state & STATE_MASK;
	f->answered = state & STATE_ANSWERED;
	f->restarts = reader_u8(r);
	f->sent = reader_u8(r);
	f->naks = reader_u8(r);
	f->refusals = reader_u8(r);
	f->last_id = f->request_id = reader_u8(r);
	r->bad |= (state & ~(STATE_MASK | STATE_ANSWERED)) || f->state >= FSM_STATES ||
		  f->state == FSM_STARTING || f->restarts > FSM_MAX_CONFIGURE ||
		  f->refusals > FSM_MAX_REFUSALS;
}

/* ---- the parts of a link ---- */

static uint8_t flags_of(const struct ppp_link *l)
{
	return (uint8_t)((l->lcp.peer_acfc ? FLAG_ACFC : 0) |
			 (l->lcp.want_mru ? FLAG_WANT_MRU : 0) |
			 (l->lcp.want_magic ? FLAG_WANT_MAGIC : 0) |
			 (l->auth.reply ? FLAG_REPLY : 0) |
			 (l->ipcp.want_address ? FLAG_WANT_ADDRESS : 0) |
			 (l->ipv6cp.want_id ? FLAG_WANT_ID : 0) |
			 (memcmp(l->suggested_id, zero_id, ID_LEN) ? FLAG_SUGGESTED_ID : 0));
}

static void put_lcp(struct writer *w, const struct ppp_link *l)
{
	writer_u32(w, l->lcp.magic);
	writer_u32(w, l->lcp.peer_magic);
	writer_u16(w, l->lcp.mru);
	writer_u16(w, l->lcp.peer_mru);
	writer_u8(w, l->lcp_fsm.request_id);
}

static void get_lcp(struct reader *r, struct ppp_link *l, uint8_t flags)
{
	struct lcp *c = &l->lcp;

	c->magic = reader_u32(r);
	c->peer_magic = reader_u32(r);
	c->mru = reader_u16(r);
	c->peer_mru = reader_u16(r);
	c->peer_acfc = flags & FLAG_ACFC;
	c->want_mru = flags & FLAG_WANT_MRU;
	c->want_magic = flags & FLAG_WANT_MAGIC;
	l->lcp_fsm.state = FSM_OPENED;
	l->lcp_fsm.last_id = l->lcp_fsm.request_id = reader_u8(r);
	r->bad |= c->peer_mru < PPP_LEAST_MRU;
}

static void put_auth(struct writer *w, const struct ppp_link *l)
{
	const struct auth *a = &l->auth;

	writer_u8(w, a->used);
	writer_u8(w, a->id);
	writer_u8(w, a->last_id);
	put_text(w, a->user, a->user ? strlen(a->user) : 0);
	if (a->reply)
		put_text(w, a->reply->text, a->reply->len);
}

static int get_user(struct reader *r, struct auth *a)
{
	size_t len = reader_u8(r);
	const uint8_t *name = reader_take(r, len);

	if (!name || memchr(name, 0, len)) {
		r->bad = true;
		return 0;
	}
	a->user = strndup((const char *)name, len);
	return a->user ? 0 : -ENOMEM;
}

static int get_reply(struct reader *r, struct auth *a)
{
	uint8_t len = reader_u8(r);
	const uint8_t *text = reader_take(r, len);

	if (!text || a->used == PPP_AUTH_NONE) {
		r->bad = true;
		return 0;
	}
	a->reply = malloc(sizeof(*a->reply) + len);
	if (!a->reply)
		return -ENOMEM;
	a->reply->code = auth_good_code(a->used);
	a->reply->id = a->id;
	a->reply->len = len;
	memcpy(a->reply->text, text, len);
	return 0;
}

static int get_auth(struct reader *r, struct ppp_link *l, uint8_t flags)
{
	uint8_t used = reader_u8(r);
	struct auth *a = &l->auth;
	unsigned int index = 0;
	int ret;

	if (used > PPP_AUTH_MSCHAPV2) {
		r->bad = true;
		return 0;
	}
	a->used = (enum ppp_auth)used;
	a->state = AUTH_DONE;
	a->id = reader_u8(r);
	a->last_id = reader_u8(r);
	if (lcp_auth_allowed(l, a->used, &index))
		l->lcp.auth_index = (uint8_t)index;
	ret = get_user(r, a);
	if (!ret && !r->bad && flags & FLAG_REPLY)
		ret = get_reply(r, a);
	return ret;
}

static void put_grant(struct writer *w, const struct ppp_link *l)
{
	const struct ppp_network *n = &l->net;

	put_addr(w, &n->ipv4);
	put_addr(w, &n->local_ipv4);
	for (unsigned int i = 0; i < 2; i++) {
		put_addr(w, &n->dns4[i]);
		put_addr(w, &l->nbns[i]);
		put_addr(w, &n->dns6[i]);
	}
	writer_u8(w, n->ipv6.len);
	if (n->ipv6.len)
		put_addr(w, &n->ipv6.addr);
	if (memcmp(l->suggested_id, zero_id, ID_LEN) != 0)
		writer_bytes(w, l->suggested_id, ID_LEN);
}

static void get_grant(struct reader *r, struct ppp_link *l, uint8_t flags)
{
	struct ppp_network *n = &l->net;

	n->ipv4 = get_addr(r, 4);
	n->local_ipv4 = get_addr(r, 4);
	for (unsigned int i = 0; i < 2; i++) {
		n->dns4[i] = get_addr(r, 4);
		l->nbns[i] = get_addr(r, 4);
		n->dns6[i] = get_addr(r, 16);
	}
	n->ipv6.len = reader_u8(r);
	if (n->ipv6.len)
		n->ipv6.addr = get_addr(r, 16);
	if (flags & FLAG_SUGGESTED_ID) {
		get_id(r, l->suggested_id);
		r->bad |= !memcmp(l->suggested_id, zero_id, ID_LEN);
	}
	r->bad |= n->ipv6.len > 128 || (n->ipv6.len && !addr_is_set(&n->ipv6.addr));
}

static void put_networks(struct writer *w, const struct ppp_link *l)
{
	put_fsm(w, &l->ipcp_fsm);
	writer_u8(w, l->ipcp.address_naks);
	put_fsm(w, &l->ipv6cp_fsm);
	writer_u8(w, l->ipv6cp.suggestions);
	if (l->ipv6cp_fsm.state != FSM_INITIAL) {
		writer_bytes(w, l->net.local_id, ID_LEN);
		writer_bytes(w, l->net.peer_id, ID_LEN);
	}
}

static void get_networks(struct reader *r, struct ppp_link *l, uint8_t flags)
{
	get_fsm(r, &l->ipcp_fsm);
	l->ipcp.address_naks = reader_u8(r);
	l->ipcp.want_address = flags & FLAG_WANT_ADDRESS;
	l->ipcp.up = l->ipcp_fsm.state == FSM_OPENED;
	get_fsm(r, &l->ipv6cp_fsm);
	l->ipv6cp.suggestions = reader_u8(r);
	l->ipv6cp.want_id = flags & FLAG_WANT_ID;
	l->ipv6cp.up = l->ipv6cp_fsm.state == FSM_OPENED;
	if (l->ipv6cp_fsm.state != FSM_INITIAL) {
		get_id(r, l->net.local_id);
		get_id(r, l->net.peer_id);
		r->bad |= !memcmp(l->net.local_id, zero_id, ID_LEN);
	}
	r->bad |= l->ipcp.want_address && !addr_is_v4(&l->net.local_ipv4);
}

/* ---- the whole ---- */

static bool worth_keeping(const struct ppp_link *l)
{
	return !l->over && !l->cfg->client && l->phase == PHASE_NETWORK &&
	       l->lcp_fsm.state == FSM_OPENED && l->auth.state == AUTH_DONE;
}

size_t ppp_link_save(const struct ppp_link *l, uint8_t *buf, size_t cap)
{
	struct writer w = writer_of(buf, cap);

	if (!worth_keeping(l))
		return 0;
	writer_u8(&w, RECORD_VERSION);
	writer_u8(&w, flags_of(l));
	put_lcp(&w, l);
	put_auth(&w, l);
	put_grant(&w, l);
	put_networks(&w, l);
	if (!w.bad)
		writer_u32(&w, (uint32_t)link_record_sum(buf, w.len));
	return w.bad ? 0 : w.len;
}

void link_record_check(struct ppp_link *l)
{
	uint8_t buf[PPP_MAX_RECORD];
	uint64_t sum;
	size_t len;

	if (!l->ops->changed)
		return;
	len = ppp_link_save(l, buf, sizeof(buf));
	sum = len ? link_record_sum(buf, len) : 0;
	explicit_bzero(buf, len);
	if (sum == l->record_sum)
		return;
	l->record_sum = sum;
	l->ops->changed(l->ctx);
}

static int parse(struct ppp_link *l, struct reader *r)
{
	uint8_t version = reader_u8(r), flags = reader_u8(r);
	int ret;

	if (version != RECORD_VERSION || flags & ~FLAGS_KNOWN)
		return -EBADMSG;
	get_lcp(r, l, flags);
	ret = get_auth(r, l, flags);
	if (ret || r->bad)
		return ret ? ret : -EBADMSG;
	get_grant(r, l, flags);
	get_networks(r, l, flags);
	if (r->bad || r->left)
		return -EBADMSG;
	/* The NCPs of this link are those that may open, no other and no less; if the
	 * configuration has them otherwise today, that is for a new negotiation to tell. */
	if ((l->ipcp_fsm.state == FSM_INITIAL) == link_wants(l, PPP_IPCP) ||
	    (l->ipv6cp_fsm.state == FSM_INITIAL) == link_wants(l, PPP_IPV6CP) ||
	    (!link_wants(l, PPP_IPCP) && !link_wants(l, PPP_IPV6CP)))
		return -EBADMSG;
	return 0;
}

/* The timers of an open link. A million of them are restored at once: what each then has
 * to say by itself, it says at its own moment. */
static int resume(struct ppp_link *l, msec_t now)
{
	uint32_t spread = (uint32_t)(l->record_sum >> 32);

	l->phase = PHASE_NETWORK;
	l->rate_since = now;
	link_networks_check(l, now);
	fsm_resume(&l->ipcp_fsm, now);
	fsm_resume(&l->ipv6cp_fsm, now);
	link_echo_resume(l, now, spread);
	if (l->ipv6cp.up)
		ra_resume(l, now, spread);
	if (!l->starved)
		return 0;
	link_stop_timers(l);
	return -ENOMEM;
}

int ppp_link_restore(struct ppp_link *l, msec_t now, const uint8_t *rec, size_t len)
{
	struct ppp_link fresh = *l; /* holds no timer that is set, and nothing secret yet */
	struct reader r = reader_of(rec, len), body;
	int ret;

	if (l->over || l->phase != PHASE_DEAD || l->cfg->client)
		return -EINVAL;
	body = reader_sub(&r, len < SUM_LEN ? 0 : len - SUM_LEN);
	if (reader_u32(&r) != (uint32_t)link_record_sum(body.p, body.left) || r.bad)
		return -EBADMSG;
	l->record_sum = link_record_sum(rec, len);
	ret = parse(l, &body);
	if (!ret)
		ret = resume(l, now);
	if (ret) {
		free(l->auth.user);
		free(l->auth.reply);
		*l = fresh;
	}
	return ret;
}

void ppp_echo_soon(struct ppp_link *l, msec_t now, unsigned int ms)
{
	if (l->phase == PHASE_NETWORK && ms < l->cfg->echo_ms)
		link_echo_resume(l, now, (uint32_t)(l->record_sum >> 32) % ms);
}

void ppp_prefix_soon(struct ppp_link *l, msec_t now, unsigned int ms)
{
	if (l->phase == PHASE_NETWORK && l->ipv6cp.up)
		ra_repeat(l, now + 1 + (uint32_t)(l->record_sum >> 32) % ms);
}
