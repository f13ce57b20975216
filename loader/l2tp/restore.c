/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records to objects, at the start of a process that follows another one.
 *
 * A record is read whole, and every field held against what this room could have written,
 * before anything is linked; what does not fit is -EBADMSG. What was in order for the
 * earlier process and acknowledged is a duplicate for this one, so a request that the peer
 * repeats is not done twice. When all is there, resume.c lets it go on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader/l2tp/engine.h"

/* ---- fields ---- */

/* A reader of what stands between version and check. */
static int record_open(const uint8_t *rec, size_t len, struct reader *ret)
{
	struct reader tail;

	if (len < 1 + sizeof(uint32_t) || len > L2TP_MAX_RECORD)
		return -EBADMSG;
	*ret = reader_of(rec, len - sizeof(uint32_t));
	tail = reader_of(rec + ret->left, sizeof(uint32_t));
	if (reader_u32(&tail) != record_check(rec, ret->left) ||
	    reader_u8(ret) != L2TP_RECORD_VERSION)
		return -EBADMSG;
	return 0;
}

/* A time of the past: the clock's origin is the caller's, and may have been lost. */
static msec_t get_time(struct reader *r, msec_t now)
{
	msec_t t = reader_u64(r);

	return t < now ? t : now;
}

/* Printable text, as log_quote leaves it, with its NUL; `out` has cap + 1 octets. */
static void get_text(struct reader *r, char *out, size_t cap)
{
	size_t len = reader_u8(r);
	const uint8_t *p = reader_take(r, len);

	if (!p || len > cap) {
		r->bad = true;
		return;
	}
	for (size_t i = 0; i < len; i++)
		r->bad |= p[i] < 0x20 || p[i] > 0x7e;
	memcpy(out, p, len);
	out[len] = '\0';
}

static bool in_range(uint16_t v, uint16_t low, uint16_t high)
{
	return v >= low && v <= high;
}

/* ---- tunnels ---- */

/* What a record says of a tunnel. */
struct tunnel_record {
	struct l2tp_tunnel t; /* fields only */
	uint8_t flags;
	uint8_t challenge[L2TP_CHALLENGE_LEN], tie[L2TP_TIE_LEN];
	char hostname[L2TP_MAX_NAME + 1], vendor[L2TP_MAX_NAME + 1];
};

static void get_path(struct reader *r, struct path *ret)
{
	const uint8_t *local = reader_take(r, sizeof(ret->local.b));
	const uint8_t *peer = reader_take(r, sizeof(ret->peer.b));

	if (!peer)
		return;
	memcpy(ret->local.b, local, sizeof(ret->local.b));
	memcpy(ret->peer.b, peer, sizeof(ret->peer.b));
	ret->local_port = reader_u16(r);
	ret->peer_port = reader_u16(r);
}

/* Could this room have left a tunnel like that? */
static bool tunnel_sane(const struct tunnel_record *rec, const struct l2tp_peer *peer)
{
	const struct l2tp_tunnel *t = &rec->t;
	bool initiator = rec->flags & L2TP_RT_INITIATOR, setup = true;

	if (!in_range(t->id, 1, L2TP_IDS) || rec->flags & ~L2TP_RT_ALL ||
	    !addr_is_set(&t->path.peer))
		return false;
	switch (t->state) {
	case L2TP_T_WAIT_REPLY:
		if (!initiator)
			return false;
		break;
	case L2TP_T_WAIT_CONN:
		if (initiator || !t->peer_id || rec->flags & L2TP_RT_TIE)
			return false;
		break;
	case L2TP_T_ESTABLISHED:
		setup = false;
		if (!t->peer_id)
			return false;
		break;
	case L2TP_T_STOPPED:
		setup = false;
		break;
	default:
		return false;
	}
	if (!setup && rec->flags & (L2TP_RT_CHALLENGE | L2TP_RT_TIE))
		return false;
	if (t->state != L2TP_T_STOPPED && !(rec->flags & L2TP_RT_ANNOUNCED))
		return false; /* nobody would ever close it */
	/* A secret that has been taken out of the configuration cannot be checked any more. */
	return !(rec->flags & L2TP_RT_CHALLENGE) || peer->secret;
}

static int tunnel_read(struct tunnel_record *ret, msec_t now, const struct l2tp_peer *peer,
		       const uint8_t *rec, size_t len)
{
	struct l2tp_tunnel *t = &ret->t;
	const uint8_t *p;
	struct reader r;

	memset(ret, 0, sizeof(*ret));
	if (record_open(rec, len, &r) < 0)
		return -EBADMSG;
	t->id = reader_u16(&r);
	t->peer_id = reader_u16(&r);
	t->state = reader_u8(&r);
	ret->flags = reader_u8(&r);
	get_path(&r, &t->path);
	t->digest = reader_u64(&r);
	t->since = get_time(&r, now);
	t->heard = get_time(&r, now);
	t->idle_since = get_time(&r, now);
	t->most_calls = reader_u32(&r);
	reliable_read(&t->rel, &r);
	p = ret->flags & L2TP_RT_CHALLENGE ? reader_take(&r, sizeof(ret->challenge)) : NULL;
	if (p)
		memcpy(ret->challenge, p, sizeof(ret->challenge));
	p = ret->flags & L2TP_RT_TIE ? reader_take(&r, sizeof(ret->tie)) : NULL;
	if (p)
		memcpy(ret->tie, p, sizeof(ret->tie));
	get_text(&r, ret->hostname, L2TP_MAX_NAME);
	get_text(&r, ret->vendor, L2TP_MAX_NAME);
	if (r.bad || r.left || t->most_calls > L2TP_IDS || !tunnel_sane(ret, peer))
		return -EBADMSG;
	return 0;
}

bool l2tp_tunnel_record_lives(const uint8_t *rec, size_t len)
{
	struct reader r;

	if (record_open(rec, len, &r) < 0)
		return false;
	reader_u16(&r); /* our ID, and the peer's */
	reader_u16(&r);
	return reader_u8(&r) != L2TP_T_STOPPED && !r.bad;
}

static void fill_tunnel(struct l2tp_tunnel *t, struct l2tp_endpoint *ep,
			const struct l2tp_peer *peer, const struct tunnel_record *rec)
{
	const struct l2tp_tunnel *from = &rec->t;

	*t = (struct l2tp_tunnel){ .ep = ep,
				   .peer = peer,
				   .path = from->path,
				   .id = from->id,
				   .peer_id = from->peer_id,
				   .state = from->state,
				   .initiator = rec->flags & L2TP_RT_INITIATOR,
				   .gone = from->state == L2TP_T_STOPPED,
				   .peer_ecn = rec->flags & L2TP_RT_ECN,
				   .announced = rec->flags & L2TP_RT_ANNOUNCED,
				   .opened_calls = rec->flags & L2TP_RT_OPENED_CALLS,
				   .saved = true,
				   .digest = from->digest,
				   .since = from->since,
				   .heard = from->heard,
				   .idle_since = from->idle_since,
				   .most_calls = from->most_calls };
	reliable_init_from(&t->rel, &ep->env, &from->rel);
	t->rel.tunnel_id = t->id;
	t->rel.peer_tunnel_id = t->peer_id;
}

static int restore_names(struct l2tp_tunnel *t, const struct tunnel_record *rec)
{
	if (t->gone)
		return 0;
	if (rec->hostname[0] && !(t->hostname = strdup(rec->hostname)))
		return -ENOMEM;
	if (rec->vendor[0] && !(t->vendor = strdup(rec->vendor)))
		return -ENOMEM;
	return 0;
}

/* Into the tables of those in set-up. */
static int restore_setup(struct l2tp_tunnel *t, const struct tunnel_record *rec)
{
	struct l2tp_endpoint *ep = t->ep;
	struct l2tp_setup *s = calloc(1, sizeof(*s));
	struct l2tp_source *source;

	if (!s)
		return -ENOMEM;
	t->setup = s;
	s->tunnel = t;
	ep->half_open += !t->initiator;
	source = t->initiator ? NULL : source_get(ep, &t->path.peer);
	if (source)
		source_add(source, t);
	s->has_challenge = rec->flags & L2TP_RT_CHALLENGE;
	s->has_tie = rec->flags & L2TP_RT_TIE;
	memcpy(s->challenge, rec->challenge, sizeof(s->challenge));
	memcpy(s->tie, rec->tie, sizeof(s->tie));
	if (hashtab_add(&ep->in_setup, &s->in_setup, endpoint_hash_address(ep, &t->path.peer)) < 0)
		return -ENOMEM;
	return s->has_challenge ? hashtab_add(&ep->challenges, &s->challenges,
					      endpoint_hash_challenge(ep, s->challenge,
								      sizeof(s->challenge)))
				: 0;
}

/* A stopped one has its ID no more; that rests. */
static int restore_id(struct l2tp_tunnel *t)
{
	struct l2tp_endpoint *ep = t->ep;
	int ret;

	if (idmap_get(&ep->tunnels, t->id))
		return -EEXIST;
	if (!t->gone) {
		ret = ids_claim(ep->tunnel_ids, t->id);
		if (ret < 0)
			return ret == -EBUSY ? -EEXIST : ret;
	} else {
		ids_rest(ep->tunnel_ids, t->id, t->heard);
	}
	ret = idmap_set(&ep->tunnels, t->id, t);
	if (ret < 0 && !t->gone)
		ids_return(ep->tunnel_ids, t->id);
	return ret;
}

int l2tp_tunnel_restore(struct l2tp_endpoint *ep, msec_t now, const struct l2tp_peer *peer,
			const uint8_t *rec, size_t len, struct l2tp_tunnel **ret)
{
	struct tunnel_record fields;
	struct l2tp_tunnel *t;
	int err = tunnel_read(&fields, now, peer, rec, len);

	if (err < 0)
		return err;
	t = malloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	fill_tunnel(t, ep, peer, &fields);
	err = restore_id(t);
	if (err < 0)
		goto fail;
	err = restore_names(t, &fields);
	if (!err && t->peer_id)
		err = tunnel_set_peer_id(t, t->peer_id);
	if (!err && (t->state == L2TP_T_WAIT_REPLY || t->state == L2TP_T_WAIT_CONN))
		err = restore_setup(t, &fields);
	if (err < 0)
		goto fail_id;
	if (t->state == L2TP_T_ESTABLISHED)
		share_tunnel_up(t);
	if (t->gone)
		tunnel_stopped_append(t);
	else
		tunnels_append(&ep->live, t);
	*ret = t;
	return 0;
fail_id:
	hashtab_del(&ep->by_peer, &t->by_peer);
	tunnel_setup_done(t);
	idmap_set(&ep->tunnels, t->id, NULL);
	if (!t->gone)
		ids_return(ep->tunnel_ids, t->id);
fail:
	tunnel_free(t);
	return err;
}

/* ---- messages ---- */

/* Is it one that we could send? */
static bool message_sane(const struct l2tp_tunnel *t, const uint8_t *msg, size_t len)
{
	struct l2tp_message m;
	struct l2tp_header h;
	bool sane;

	if (len > L2TP_MAX_MESSAGE || l2tp_header_parse(msg, len, &h) != L2TP_H_OK ||
	    !(h.flags & L2TP_F_T) || h.payload + h.payload_len != msg + len ||
	    l2tp_message_parse(h.payload, h.payload_len, t->peer->secret, t->peer->secret_len, &m) <
		    0)
		return false;
	sane = m.known && !m.fault.error;
	l2tp_message_wipe(&m);
	return sane;
}

int l2tp_message_restore(struct l2tp_tunnel *t, uint32_t serial, const uint8_t *rec, size_t len)
{
	struct rel_message like = { .serial = serial, .saved = true };
	const uint8_t *msg;
	uint8_t flags;
	struct reader r;

	if (record_open(rec, len, &r) < 0)
		return -EBADMSG;
	if (reader_u16(&r) != t->id || reader_u32(&r) != serial)
		return -EBADMSG;
	flags = reader_u8(&r);
	like.first = flags & L2TP_RM_FIRST;
	like.sent = flags & L2TP_RM_SENT;
	like.ns = reader_u16(&r);
	like.len = reader_u16(&r);
	msg = reader_take(&r, like.len);
	if (r.bad || r.left || flags & ~L2TP_RM_ALL || (!like.sent && like.ns) ||
	    !message_sane(t, msg, like.len))
		return -EBADMSG;
	return reliable_restore(&t->rel, &like, msg);
}

/* ---- calls ---- */

static void get_octets(struct reader *r, uint8_t out[L2TP_MAX_PROXY], uint16_t *ret_len)
{
	uint16_t len = reader_u16(r);
	const uint8_t *p = reader_take(r, len);

	if (!p || len > L2TP_MAX_PROXY) {
		r->bad = true;
		return;
	}
	memcpy(out, p, len);
	*ret_len = len;
}

/* A number that may fill its array to the last octet, as a caller of ours may give it. */
static void get_number(struct reader *r, char out[L2TP_MAX_NUMBER])
{
	size_t len = reader_u8(r);
	const uint8_t *p = reader_take(r, len);

	if (!p || len > L2TP_MAX_NUMBER || memchr(p, '\0', len))
		r->bad = true;
	else
		memcpy(out, p, len);
}

static void get_info(struct reader *r, struct l2tp_call_info *info)
{
	uint8_t flags;

	info->serial = reader_u32(r);
	info->tx_speed = reader_u32(r);
	info->rx_speed = reader_u32(r);
	info->framing = reader_u32(r);
	info->bearer = reader_u32(r);
	get_number(r, info->called);
	get_number(r, info->calling);
	get_number(r, info->subaddress);
	flags = reader_u8(r);
	r->bad |= (flags & ~L2TP_RI_ALL) != 0;
	info->sequencing_required = flags & L2TP_RI_SEQUENCING;
	info->has_proxy_auth = flags & L2TP_RI_PROXY_AUTH;
	info->proxy_auth_type = reader_u16(r);
	info->proxy_id = reader_u8(r);
	get_octets(r, info->first_lcp, &info->first_lcp_len);
	get_octets(r, info->sent_lcp, &info->sent_lcp_len);
	get_octets(r, info->received_lcp, &info->received_lcp_len);
	get_octets(r, info->proxy_name, &info->proxy_name_len);
	get_octets(r, info->proxy_challenge, &info->proxy_challenge_len);
	get_octets(r, info->proxy_response, &info->proxy_response_len);
}

static bool has_proxy(const struct l2tp_call_info *i)
{
	return i->first_lcp_len || i->sent_lcp_len || i->received_lcp_len || i->proxy_name_len ||
	       i->proxy_challenge_len || i->proxy_response_len;
}

static bool call_sane(const struct l2tp_call *c, uint8_t flags, const struct l2tp_call_info *info)
{
	bool up = c->tunnel->state == L2TP_T_ESTABLISHED;
	bool offer = flags & L2TP_RC_OFFER;

	if (!in_range(c->id, 1, L2TP_IDS) || flags & ~L2TP_RC_ALL || c->tunnel->gone)
		return false;
	if (!offer && has_proxy(info))
		return false;
	switch (c->state) {
	case L2TP_CS_WAIT_TUNNEL:
		return c->lac && offer && !c->peer_id;
	case L2TP_CS_WAIT_REPLY:
		return c->lac && offer && !c->peer_id && up;
	case L2TP_CS_WAIT_CONNECT:
		return !c->lac && !offer && c->peer_id && up;
	case L2TP_CS_ESTABLISHED:
		return !offer && c->peer_id && up;
	}
	return false;
}

static int call_read(struct l2tp_call *c, const uint8_t *rec, size_t len,
		     struct l2tp_call_info *info)
{
	uint8_t flags;
	struct reader r;

	if (record_open(rec, len, &r) < 0 || reader_u16(&r) != c->tunnel_id)
		return -EBADMSG;
	c->id = reader_u16(&r);
	c->peer_id = reader_u16(&r);
	c->state = reader_u8(&r);
	flags = reader_u8(&r);
	c->lac = flags & L2TP_RC_LAC;
	c->delivered = flags & L2TP_RC_DELIVERED;
	c->ticket = reader_u32(&r);
	get_info(&r, info);
	return r.bad || r.left || !call_sane(c, flags, info) ? -EBADMSG : 0;
}

int l2tp_call_restore(struct l2tp_tunnel *t, msec_t now, const uint8_t *rec, size_t len, void *user,
		      struct l2tp_call **ret)
{
	struct l2tp_call_info *info = calloc(1, sizeof(*info));
	struct l2tp_call *c = calloc(1, sizeof(*c));
	int err = -ENOMEM;

	(void)now;
	if (!info || !c)
		goto fail;
	*c = (struct l2tp_call){ .tunnel = t, .tunnel_id = t->id, .user = user, .saved = true };
	err = call_read(c, rec, len, info);
	if (err < 0)
		goto fail;
	err = -ENOMEM;
	c->info = info_keep(info);
	if (!c->info)
		goto fail;
	err = call_adopt(c);
	if (err < 0)
		goto fail;
	/* its record, and its tunnel's, are what they are made of */
	list_del(&c->dirty);
	list_del(&t->dirty);
	if (c->state == L2TP_CS_WAIT_TUNNEL || c->state == L2TP_CS_WAIT_REPLY) {
		c->offer = info;
	} else {
		info_wipe(info);
		free(info);
	}
	*ret = c;
	return 0;
fail:
	if (info)
		info_wipe(info);
	free(info);
	if (c)
		call_free(c);
	return err;
}
