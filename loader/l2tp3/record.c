/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control connections and messages of ours to records, and back (those of sessions: call*.c).
 *
 * A record begins with a version and ends with a check of all before it. It is read whole, and every
 * field held against what this room could have written, before anything is linked. Not in a record:
 * secrets, what is held out of its turn (the peer sends it again), what is in flight (all of it is
 * sent again), and time limits (they begin anew).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader/l2tp3/engine.h"

enum {
	/* of a connection */
	INITIATOR = 1,
	ANNOUNCED = 2,
	TIE = 4,
	PROVEN = 8,
	NONCES = 16,
	OURS_UNKNOWN = 32,
	TUNNEL_FLAGS = 63,
	/* of a message */
	FIRST = 1,
	SENT = 2,
	MESSAGE_FLAGS = 3,
};

/* FNV-1a: against rot and mistakes, not against malice; a record is as trusted as we are. */
static uint32_t check(const uint8_t *p, size_t len)
{
	uint32_t h = 0x811c9dc5u;

	for (size_t i = 0; p && i < len; i++)
		h = (h ^ p[i]) * 0x01000193u;
	return h;
}

size_t l2tp3_record_end(struct writer *w)
{
	writer_u32(w, check(w->start, w->len));
	return w->bad ? 0 : w->len;
}

int l2tp3_record_begin(const uint8_t *rec, size_t len, struct reader *ret)
{
	struct reader tail;

	if (len < 1 + sizeof(uint32_t) || len > L2TP_MAX_RECORD)
		return -EBADMSG;
	*ret = reader_of(rec, len - sizeof(uint32_t));
	tail = reader_of(rec + ret->left, sizeof(uint32_t));
	if (reader_u32(&tail) != check(rec, ret->left) || reader_u8(ret) != L2TP3_RECORD_VERSION)
		return -EBADMSG;
	return 0;
}

/* ---- saving ---- */

/* At most 255 octets, and their number before them. */
static void put_octets(struct writer *w, const void *p, size_t len)
{
	writer_u8(w, (uint8_t)len);
	writer_bytes(w, p, len);
}

static void put_text(struct writer *w, const char *text, size_t cap)
{
	put_octets(w, text, text ? strnlen(text, cap) : 0);
}

static void put_path(struct writer *w, const struct path *path)
{
	writer_bytes(w, path->local.b, sizeof(path->local.b));
	writer_bytes(w, path->peer.b, sizeof(path->peer.b));
	writer_u16(w, path->local_port);
	writer_u16(w, path->peer_port);
}

static uint8_t flags_of(const struct l2tp3_tunnel *t)
{
	return (uint8_t)((t->initiator ? INITIATOR : 0) | (t->announced ? ANNOUNCED : 0) |
			 (t->has_tie ? TIE : 0) | (t->proven ? PROVEN : 0) |
			 (t->auth.nonces ? NONCES : 0) | (t->auth.ours_unknown ? OURS_UNKNOWN : 0));
}

size_t conn_save(const struct l2tp3_tunnel *t, uint8_t *buf, size_t cap)
{
	struct writer w = writer_of(buf, cap);

	writer_u8(&w, L2TP3_RECORD_VERSION);
	writer_u32(&w, t->id);
	put_text(&w, t->peer->name, UINT8_MAX);
	put_path(&w, &t->path);
	writer_u32(&w, t->peer_id);
	writer_u32(&w, t->peer_router_id);
	writer_u8(&w, t->state);
	writer_u8(&w, flags_of(t));
	writer_u64(&w, t->print);
	writer_u64(&w, t->since);
	writer_u64(&w, t->heard);
	writer_u32(&w, t->serial);
	writer_bytes(&w, t->tie, sizeof(t->tie));
	writer_bytes(&w, t->auth.ours, sizeof(t->auth.ours));
	put_octets(&w, t->auth.peer, t->auth.peer_len);
	writer_u8(&w, t->auth.hide_key);
	writer_u8(&w, (uint8_t)t->n_caps);
	for (unsigned int i = 0; i < t->n_caps; i++)
		writer_u16(&w, t->caps[i]);
	reliable_save(&t->rel, &w);
	put_text(&w, t->hostname, L2TP_MAX_NAME);
	put_text(&w, t->vendor, L2TP_MAX_NAME);
	return l2tp3_record_end(&w);
}

size_t message3_save(const struct rel_message *m, uint8_t *buf, size_t cap)
{
	struct writer w = writer_of(buf, cap);

	writer_u8(&w, L2TP3_RECORD_VERSION);
	writer_u32(&w, m->owner->tunnel_id);
	writer_u32(&w, m->serial);
	writer_u8(&w, (uint8_t)((m->first ? FIRST : 0) | (m->sent ? SENT : 0)));
	writer_u16(&w, m->sent ? m->ns : 0);
	writer_u16(&w, m->len);
	writer_bytes(&w, m->data, m->len);
	return l2tp3_record_end(&w);
}

/* ---- connections ---- */

/* What a record says of one. */
struct tunnel_record {
	struct l2tp3_tunnel t; /* fields only */
	uint8_t flags;
	char peer[UINT8_MAX + 1], hostname[L2TP_MAX_NAME + 1], vendor[L2TP_MAX_NAME + 1];
};

/* A time of the past: the clock's origin is the caller's, and may have been lost. */
static msec_t get_time(struct reader *r, msec_t now)
{
	msec_t t = reader_u64(r);

	return t < now ? t : now;
}

static void get_bytes(struct reader *r, uint8_t *out, size_t len)
{
	const uint8_t *p = reader_take(r, len);

	if (p)
		memcpy(out, p, len);
}

/* `out` has cap + 1 octets. */
static void get_text(struct reader *r, char *out, size_t cap)
{
	size_t len = reader_u8(r);
	const uint8_t *p = reader_take(r, len);

	if (!p || len > cap || memchr(p, '\0', len)) {
		r->bad = true;
		return;
	}
	memcpy(out, p, len);
	out[len] = '\0';
}

static void get_path(struct reader *r, struct path *ret)
{
	get_bytes(r, ret->local.b, sizeof(ret->local.b));
	get_bytes(r, ret->peer.b, sizeof(ret->peer.b));
	ret->local_port = reader_u16(r);
	ret->peer_port = reader_u16(r);
}

static void get_auth(struct reader *r, struct l2tp3_auth *ret)
{
	get_bytes(r, ret->ours, sizeof(ret->ours));
	ret->peer_len = reader_u8(r);
	if (ret->peer_len > L2TP3_MAX_NONCE)
		r->bad = true;
	else
		get_bytes(r, ret->peer, ret->peer_len);
	ret->hide_key = reader_u8(r);
}

static void get_caps(struct reader *r, struct l2tp3_tunnel *t)
{
	t->n_caps = reader_u8(r);
	if (t->n_caps > L2TP3_MAX_CAPS) {
		t->n_caps = 0;
		r->bad = true;
	}
	for (unsigned int i = 0; i < t->n_caps; i++)
		t->caps[i] = reader_u16(r);
}

/* Could this room have left a connection like that? */
static bool tunnel_sane(const struct tunnel_record *rec)
{
	const struct l2tp3_tunnel *t = &rec->t;
	bool initiator = rec->flags & INITIATOR, announced = rec->flags & ANNOUNCED;

	if (t->id < L2TP3_CCID_MIN || rec->flags & ~TUNNEL_FLAGS || !addr_is_set(&t->path.peer) ||
	    t->auth.hide_key >= L2TP3_SECRETS)
		return false;
	if (t->state != L2TP3_T_STOPPED && rec->flags & NONCES && t->peer_id && !t->auth.peer_len)
		return false;
	switch (t->state) {
	case L2TP3_T_WAIT_REPLY:
		return initiator && announced; /* else nobody would ever close it */
	case L2TP3_T_WAIT_CONN:
		return !initiator && !announced && t->peer_id;
	case L2TP3_T_ESTABLISHED:
		return announced && t->peer_id;
	case L2TP3_T_STOPPED:
		return true;
	default:
		return false;
	}
}

static int tunnel_read(struct tunnel_record *ret, msec_t now, const uint8_t *rec, size_t len)
{
	struct l2tp3_tunnel *t = &ret->t;
	struct reader r;

	memset(ret, 0, sizeof(*ret));
	if (l2tp3_record_begin(rec, len, &r) < 0)
		return -EBADMSG;
	t->id = reader_u32(&r);
	get_text(&r, ret->peer, UINT8_MAX);
	get_path(&r, &t->path);
	t->peer_id = reader_u32(&r);
	t->peer_router_id = reader_u32(&r);
	t->state = reader_u8(&r);
	ret->flags = reader_u8(&r);
	t->print = reader_u64(&r);
	t->since = get_time(&r, now);
	t->heard = get_time(&r, now);
	t->serial = reader_u32(&r);
	get_bytes(&r, t->tie, sizeof(t->tie));
	get_auth(&r, &t->auth);
	get_caps(&r, t);
	reliable_read(&t->rel, &r);
	get_text(&r, ret->hostname, L2TP_MAX_NAME);
	get_text(&r, ret->vendor, L2TP_MAX_NAME);
	return r.bad || r.left || !tunnel_sane(ret) ? -EBADMSG : 0;
}

static void fill_auth(struct l2tp3_tunnel *t, const struct tunnel_record *rec)
{
	const struct l2tp3_auth *from = &rec->t.auth;

	t->signs = conn_auth_init(&t->auth, t->peer, !t->path.peer_port);
	memcpy(t->auth.ours, from->ours, sizeof(t->auth.ours));
	memcpy(t->auth.peer, from->peer, from->peer_len);
	t->auth.peer_len = from->peer_len;
	t->auth.ours_unknown = rec->flags & OURS_UNKNOWN;
	t->auth.hide_key = from->hide_key < t->auth.n_keys ? from->hide_key : 0;
}

static void fill_tunnel(struct l2tp3_tunnel *t, struct l2tp3_endpoint *ep,
			const struct l2tp3_peer *peer, const struct tunnel_record *rec)
{
	const struct l2tp3_tunnel *from = &rec->t;

	*t = (struct l2tp3_tunnel){ .ep = ep,
				    .peer = peer,
				    .path = from->path,
				    .id = from->id,
				    .peer_id = from->peer_id,
				    .peer_router_id = from->peer_router_id,
				    .state = from->state,
				    .initiator = rec->flags & INITIATOR,
				    .announced = rec->flags & ANNOUNCED,
				    .has_tie = rec->flags & TIE,
				    .proven = rec->flags & PROVEN,
				    .gone = from->state == L2TP3_T_STOPPED,
				    .saved = true,
				    .n_caps = from->n_caps,
				    .serial = from->serial,
				    .print = from->print,
				    .since = from->since,
				    .heard = from->heard };
	memcpy(t->tie, from->tie, sizeof(t->tie));
	memcpy(t->caps, from->caps, sizeof(t->caps));
	fill_auth(t, rec);
	reliable_init_from(&t->rel, &ep->env, &from->rel);
	t->rel.tunnel_id = t->id;
	t->rel.peer_tunnel_id = t->peer_id;
}

static int link_tunnel(struct l2tp3_tunnel *t, const struct tunnel_record *rec)
{
	struct l2tp3_endpoint *ep = t->ep;

	if ((rec->hostname[0] && !(t->hostname = strdup(rec->hostname))) ||
	    (rec->vendor[0] && !(t->vendor = strdup(rec->vendor))))
		return -ENOMEM;
	if (hashtab_add(&ep->tunnels, &t->by_id, l2tp3_hash_id(ep, t->id)) < 0)
		return -ENOMEM;
	if (t->peer_id && conn_set_peer_id(t, t->peer_id) < 0) {
		hashtab_del(&ep->tunnels, &t->by_id);
		return -ENOMEM;
	}
	if (t->state == L2TP3_T_ESTABLISHED && !t->initiator)
		source3_count_in(t); /* memory: without it, it is not counted */
	t->has_low = ep->ops->low_claim && ep->ops->low_claim(ep->ctx, (uint16_t)t->id);
	if (t->gone)
		conn_stopped_append(t);
	else
		conn_live_append(t);
	conn_set_half_open(t, t->state == L2TP3_T_WAIT_CONN);
	return 0;
}

/* Messages and calls of such a one are stale as it is, and not damaged. */
static void note_stale(struct l2tp3_endpoint *ep, uint32_t id)
{
	size_t cap = ep->cap_stale ? 2 * ep->cap_stale : 16;
	void *more;

	if (ep->n_stale == ep->cap_stale) {
		more = reallocarray(ep->stale, cap, sizeof(*ep->stale));
		if (!more)
			return; /* they are called damaged */
		ep->stale = more;
		ep->cap_stale = cap;
	}
	ep->stale[ep->n_stale++] = id;
	ep->stale_sorted = false;
}

static int by_ccid(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

int l2tp3_no_tunnel(struct l2tp3_endpoint *ep, uint32_t id)
{
	if (!ep->n_stale)
		return -EBADMSG;
	if (!ep->stale_sorted)
		qsort(ep->stale, ep->n_stale, sizeof(*ep->stale), by_ccid);
	ep->stale_sorted = true;
	return bsearch(&id, ep->stale, ep->n_stale, sizeof(*ep->stale), by_ccid) ? -ESTALE
										 : -EBADMSG;
}

static int restore_tunnel(struct l2tp3_endpoint *ep, msec_t now, uint32_t id, const uint8_t *bytes,
			  size_t len)
{
	const struct l2tp3_peer *peer;
	struct tunnel_record rec;
	struct l2tp3_tunnel *t;
	int ret = tunnel_read(&rec, now, bytes, len);

	if (ret < 0)
		return ret;
	if (rec.t.id != id || l2tp3_any_tunnel(ep, id))
		return -EBADMSG;
	peer = ep->ops->named_peer(ep->ctx, rec.peer, &rec.t.path);
	/* with a secret that came or went since, nobody would understand the other one */
	if (!peer || !peer->secret[0].len != !(rec.flags & NONCES)) {
		note_stale(ep, id);
		return -ESTALE;
	}
	t = malloc(sizeof(*t));
	if (!t)
		return -ENOMEM;
	fill_tunnel(t, ep, peer, &rec);
	ret = link_tunnel(t, &rec);
	if (ret < 0)
		conn_free(t);
	return ret;
}

/* ---- messages ---- */

/* Is it one that we could send? */
static bool message_sane(const uint8_t *msg, size_t len)
{
	struct l2tp3_message m;

	return l2tp3_parse(msg, len, NULL, false, &m) == L2TP3_P_OK && m.h.len == len && m.type &&
	       m.type != L2TP3_ACK;
}

static int restore_message(struct l2tp3_endpoint *ep, uint32_t id, uint32_t serial,
			   const uint8_t *rec, size_t len)
{
	struct l2tp3_tunnel *t = l2tp3_any_tunnel(ep, id);
	struct rel_message like = { .serial = serial, .saved = true };
	const uint8_t *msg;
	uint8_t flags;
	struct reader r;
	int ret;

	if (!t)
		return l2tp3_no_tunnel(ep, id);
	if (l2tp3_record_begin(rec, len, &r) < 0 || reader_u32(&r) != id ||
	    reader_u32(&r) != serial)
		return -EBADMSG;
	flags = reader_u8(&r);
	like.first = flags & FIRST;
	like.sent = flags & SENT;
	like.ns = reader_u16(&r);
	like.len = reader_u16(&r);
	msg = reader_take(&r, like.len);
	if (r.bad || r.left || flags & ~MESSAGE_FLAGS || (!like.sent && like.ns) ||
	    !message_sane(msg, like.len))
		return -EBADMSG;
	ret = reliable_restore(&t->rel, &like, msg);
	return ret == -EEXIST ? -EBADMSG : ret;
}

int l2tp3_restore(struct l2tp3_endpoint *ep, msec_t now, enum l2tp3_record kind, uint32_t id,
		  uint32_t serial, const uint8_t *rec, size_t len)
{
	struct reader r;
	int ret = -EBADMSG;

	l2tp3_enter(ep);
	switch (kind) {
	case L2TP3_R_TUNNEL:
		ret = serial ? -EBADMSG : restore_tunnel(ep, now, id, rec, len);
		break;
	case L2TP3_R_MESSAGE:
		ret = restore_message(ep, id, serial, rec, len);
		break;
	case L2TP3_R_CALL:
		if (!serial && l2tp3_record_begin(rec, len, &r) == 0)
			ret = call3_restore(ep, now, id, &r);
		break;
	}
	l2tp3_leave(ep);
	return ret == -EEXIST ? -EBADMSG : ret;
}
