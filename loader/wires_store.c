/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control connections and sessions of version 3 in the store, in its table `misc` (persist.h has
 * the keys). The records are those of l2tp3/; in front of a session's stands a version and the name of its
 * pseudowire. One goes on when its pseudowire is still configured in the way in which it
 * was set up; else it is closed, and asked for anew. check.c tells before, by the same rules.
 */
#include "loader/wires.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/datapath/pseudowire.h"
#include "loader/persist.h"

#define MOST_LINES 20 /* pseudowires named one by one */

/* ---- writing ---------------------------------------------------------------------------- */

/* The low bits of a Session ID of ours are its place in the maps. */
static struct line *line_of(const struct wires *w, uint32_t id)
{
	unsigned int i;

	if (!w->by_index)
		return NULL;
	i = w->by_index[id & (((size_t)1 << w->index_bits) - 1)];
	return i == UINT_MAX ? NULL : &w->line[i];
}

static void put_call(struct wires *w, uint64_t key, uint32_t id, const uint8_t *rec, size_t len)
{
	const struct line *l = line_of(w, id);
	uint8_t buf[STORE_MAX_RECORD];
	struct writer wr = writer_of(buf, sizeof(buf));

	if (!l)
		return;
	writer_u8(&wr, PERSIST_VERSION);
	persist_put_text(&wr, w->lns->cfg->datapath.pseudowires[l->i].name);
	writer_bytes(&wr, rec, len);
	if (!wr.bad)
		store_put(w->lns->store, STORE_MISC, key, buf, wr.len);
	explicit_bzero(buf, wr.len); /* cookies */
}

static void on_record(void *arg, enum l2tp3_record kind, uint32_t id, uint32_t serial,
		      const uint8_t *rec, size_t len)
{
	uint64_t key = PERSIST_L2TP3(kind, id, serial);
	struct wires *w = arg;

	if (!rec)
		store_delete(w->lns->store, STORE_MISC, key);
	else if (kind == L2TP3_R_CALL)
		put_call(w, key, id, rec, len);
	else
		store_put(w->lns->store, STORE_MISC, key, rec, len);
}

void wires_commit(struct wires *w)
{
	l2tp3_changes(w->ep, on_record, w);
}

/* ---- reading ------------------------------------------------------------------------------ */

/* What stands in front of a session's record. */
static bool read_name(struct reader *r, char ret[static PERSIST_TEXT])
{
	return reader_u8(r) == PERSIST_VERSION && persist_get_text(r, ret) && !r->bad;
}

/* Whose it is, is looked at when all is read. */
static void note_restored(struct wires *w, uint32_t id, const char *name)
{
	struct line *l = line_of(w, id);

	if (!l || !l->wire || strcmp(name, w->lns->cfg->datapath.pseudowires[l->i].name) != 0)
		return;
	for (unsigned int k = 0; k < WIRE_RESTORED; k++) {
		if (l->restored[k])
			continue;
		l->restored[k] = id;
		return;
	}
}

int wires_read(struct wires *w, uint64_t key, const uint8_t *rec, size_t len)
{
	enum l2tp3_record kind = PERSIST_L2TP3_KIND(key);
	struct reader r = reader_of(rec, len);
	char name[PERSIST_TEXT];
	int rc;

	if (kind > L2TP3_R_CALL || (kind == L2TP3_R_CALL && !read_name(&r, name)))
		return -EBADMSG;
	rc = l2tp3_restore(w->ep, w->lns->now, kind, PERSIST_L2TP3_ID(key),
			   PERSIST_L2TP3_SERIAL(key), r.p, r.left);
	if (rc == 0 && kind == L2TP3_R_CALL)
		note_restored(w, PERSIST_L2TP3_ID(key), name);
	return rc;
}

/* ---- another configuration ------------------------------------------------------------------ */

static bool overlap(const struct prefix *a, const struct prefix *b)
{
	return prefix_contains(a, &b->addr) || prefix_contains(b, &a->addr);
}

/* By the rules of a start (restore.c). Of a range it is not known here who of it is connected: it goes on as
 * soon as anybody of it may. */
static bool wire_goes_on(const struct config_wire *old, const struct config *new)
{
	const struct config_wire *c;
	struct path path = old->path;

	if (addr_is_set(&path.peer)) {
		c = wires_named(new, old->name, &path);
		return c && !c->l2tp.secret[0].len == !old->l2tp.secret[0].len;
	}
	for (unsigned int i = 0; i < new->n_wires; i++) {
		c = &new->wires[i];
		path.peer = c->peer.len > old->peer.len ? c->peer.addr : old->peer.addr;
		if (overlap(&c->peer, &old->peer) && wires_named(new, old->name, &path))
			return true;
	}
	return false;
}

void wires_leaving(const struct config *old, const struct config *new, uint8_t *ret, size_t n)
{
	memset(ret, 0, n / 8);
	for (unsigned int i = 0; i < old->n_wires && i < n; i++)
		if (!wire_goes_on(&old->wires[i], new))
			ret[i / 8] |= (uint8_t)(1u << i % 8);
}

/* ---- does it go on? ------------------------------------------------------------------------- */

/* NULL: as it was set up, it is what the configuration asks for. */
static const char *differs(const struct config *cfg, unsigned int i,
			   const struct l2tp3_call_info *info)
{
	const struct config_signal *s = &cfg->signals[i];
	const struct pw_config *pw = &cfg->datapath.pseudowires[i];
	bool numbers = pw->sublayer && pw->seq_receive;

	if (s->keepalive)
		return "is not signalled any more";
	if (info->end_id_len != s->end_id_len || memcmp(info->end_id, s->end_id, s->end_id_len))
		return "has another remote-end-id";
	if (info->pw_type != s->pw_type)
		return "has another type";
	if (info->ours.cookie_len != s->cookie_len)
		return "has other cookies";
	if (info->ours.sublayer != pw->sublayer ||
	    (info->ours.sequencing != L2TP3_SEQ_NONE) != numbers)
		return "has another sublayer or sequencing";
	return NULL;
}

static struct line *goes_on(struct wires *w, const struct l2tp3_call *c)
{
	const struct l2tp3_call_info *info = l2tp3_call_info(c);
	struct line *l = line_of(w, info->ours.id);
	bool named = false;

	for (unsigned int k = 0; l && k < WIRE_RESTORED; k++)
		named |= l->restored[k] == info->ours.id;
	if (!named || l->wire != wires_of(w, l2tp3_call_tunnel(c)) ||
	    differs(w->lns->cfg, l->i, info))
		return NULL;
	return l;
}

struct settling {
	struct wires *w;
	unsigned int kept, closed;
};

static bool take_call(void *arg, struct l2tp3_call *c)
{
	struct settling *st = arg;
	struct line *l = goes_on(st->w, c);

	/* of two, the one that carries frames */
	if (!l || (l->call && !l2tp3_call_info(c)->established))
		return true;
	if (l->call)
		l2tp3_call_set_user(l->call, NULL);
	l2tp3_call_set_user(c, l);
	l->call = c;
	return true;
}

static bool take_tunnel(void *arg, struct l2tp3_tunnel *t)
{
	struct settling *st = arg;
	struct wire *wire = wires_of(st->w, t);

	l2tp3_calls_visit(t, take_call, st);
	if (l2tp3_tunnel_is_up(t)) {
		wires_lane(st->w, t);
		wire->tunnel = t;
		wire->up_at = st->w->lns->now;
	}
	return true;
}

static bool count_call(void *arg, struct l2tp3_call *c)
{
	struct settling *st = arg;

	st->kept += l2tp3_call_user(c) != NULL;
	st->closed += l2tp3_call_user(c) == NULL;
	return true;
}

static bool count_calls(void *arg, struct l2tp3_tunnel *t)
{
	l2tp3_calls_visit(t, count_call, arg);
	return true;
}

static bool close_call(void *arg, struct l2tp3_call *c)
{
	struct settling *st = arg;
	struct l2tp_reason why = { .result = L2TP_CDN_ADMIN,
				   .text = "not configured like this any more" };

	if (!l2tp3_call_user(c))
		l2tp3_call_close(c, st->w->lns->now, &why);
	return true;
}

/* What we had asked for and got no answer to is asked anew: it may be hidden with another secret. */
static bool close_rest(void *arg, struct l2tp3_tunnel *t)
{
	const struct settling *st = arg;
	struct l2tp_reason why = { .result = L2TP_STOP_GENERAL, .text = "it is dialled anew" };

	l2tp3_calls_visit(t, close_call, arg);
	if (!l2tp3_tunnel_is_up(t) && l2tp3_tunnel_is_initiator(t))
		l2tp3_tunnel_close(t, st->w->lns->now, &why);
	return true;
}

unsigned int wires_restored(struct wires *w, unsigned int *ret_closed)
{
	struct settling st = { .w = w };

	l2tp3_tunnels_visit(w->ep, take_tunnel, &st);
	l2tp3_tunnels_visit(w->ep, count_calls, &st);
	l2tp3_restored(w->ep, w->lns->now);
	l2tp3_tunnels_visit(w->ep, close_rest, &st);
	for (unsigned int i = 0; i < w->n_lines; i++)
		if (w->line[i].call)
			wires_line_put(w, &w->line[i]);
	*ret_closed = st.closed;
	return st.kept;
}

/* ---- --check ---------------------------------------------------------------------------------- */

/* Records by rising Session ID, as they are read. */
struct session_name {
	uint32_t id;
	char *name;
};

struct checking {
	const struct config *cfg;
	const char *ends; /* whose session may be closed, or NULL */
	struct l2tp3_endpoint *ep;
	struct session_name *names;
	size_t n, cap;
	char *text;
	size_t len, at;
	struct checked_wires *count;
	unsigned int told, unasked; /* closed, and not by who asked for it */
};

static void __attribute__((format(printf, 2, 3))) say(struct checking *c, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (c->told++ >= MOST_LINES || c->at >= c->len)
		return;
	va_start(ap, fmt);
	n = vsnprintf(c->text + c->at, c->len - c->at, fmt, ap);
	va_end(ap);
	c->at += n > 0 ? (size_t)n : 0;
}

static void check_send(void *ctx, const struct path *path, const uint8_t *msg, size_t len)
{
	(void)ctx;
	(void)path;
	(void)msg;
	(void)len;
}

static void check_random(void *ctx, void *buf, size_t n)
{
	(void)ctx;
	memset(buf, 0, n); /* nothing is sent */
}

static const struct l2tp3_peer *check_named(void *ctx, const char *name, const struct path *path)
{
	const struct checking *c = ctx;
	const struct config_wire *wire = wires_named(c->cfg, name, path);

	return wire ? &wire->l2tp : NULL;
}

static bool keep_name(struct checking *c, uint32_t id, const char *name)
{
	if (c->n == c->cap) {
		size_t cap = c->cap ? 2 * c->cap : 64;
		void *more = reallocarray(c->names, cap, sizeof(*c->names));

		if (!more)
			return false;
		c->names = more;
		c->cap = cap;
	}
	c->names[c->n] = (struct session_name){ id, strdup(name) };
	return c->names[c->n].name && ++c->n;
}

static bool check_record(void *arg, uint64_t key, const uint8_t *rec, size_t len)
{
	enum l2tp3_record kind = PERSIST_L2TP3_KIND(key);
	struct reader r = reader_of(rec, len);
	struct checking *c = arg;
	char name[PERSIST_TEXT];

	if (!PERSIST_IS_L2TP3(key) || kind > L2TP3_R_CALL)
		return true;
	if (kind == L2TP3_R_CALL &&
	    (!read_name(&r, name) || !keep_name(c, PERSIST_L2TP3_ID(key), name)))
		return true;
	l2tp3_restore(c->ep, 0, kind, PERSIST_L2TP3_ID(key), PERSIST_L2TP3_SERIAL(key), r.p,
		      r.left);
	return true;
}

static unsigned int pseudowire_named(const struct config *cfg, const char *name)
{
	for (unsigned int i = 0; i < cfg->datapath.n_pseudowires; i++)
		if (strcmp(cfg->datapath.pseudowires[i].name, name) == 0)
			return i;
	return UINT_MAX;
}

static int by_id(const void *key, const void *element)
{
	uint32_t a = *(const uint32_t *)key, b = ((const struct session_name *)element)->id;

	return a < b ? -1 : a > b;
}

/* What restored calls come to is noted at their names: those without a call left have lost it. */
static bool check_call(void *arg, struct l2tp3_call *call)
{
	struct checking *c = arg;
	const struct l2tp3_call_info *info = l2tp3_call_info(call);
	const struct config_wire *wire = l2tp3_tunnel_peer(l2tp3_call_tunnel(call))->user;
	struct session_name *s = bsearch(&info->ours.id, c->names, c->n, sizeof(*c->names), by_id);
	unsigned int i = s && s->name ? pseudowire_named(c->cfg, s->name) : UINT_MAX;
	const char *why;

	if (i == UINT_MAX || c->cfg->signals[i].wire >= c->cfg->n_wires)
		return true; /* told as gone */
	why = differs(c->cfg, i, info);
	if (!why && &c->cfg->wires[c->cfg->signals[i].wire] != wire)
		return true;
	if (why) {
		c->count->anew++;
		say(c, "pseudowire %s %s: its session will be set up anew\n", s->name, why);
	} else {
		c->count->kept++;
	}
	free(s->name);
	s->name = NULL;
	return true;
}

static bool check_tunnel(void *arg, struct l2tp3_tunnel *t)
{
	l2tp3_calls_visit(t, check_call, arg);
	return true;
}

/* Those whose control connection does not go on, or that nobody wants any more. */
static void check_rest(struct checking *c)
{
	for (size_t k = 0; k < c->n; k++) {
		char *name = c->names[k].name, quoted[LOG_QUOTE_LEN];
		unsigned int i = name ? pseudowire_named(c->cfg, name) : UINT_MAX;

		if (!name)
			continue;
		log_quote(name, strlen(name), quoted, sizeof(quoted));
		if (i == UINT_MAX || c->cfg->signals[i].wire >= c->cfg->n_wires) {
			c->count->gone++;
			c->unasked += !c->ends || strcmp(name, c->ends) != 0;
			say(c,
			    "pseudowire %s is not in the configuration as a signalled one any "
			    "more: its session will be closed\n",
			    quoted);
		} else {
			c->count->anew++;
			say(c,
			    "pseudowire %s has another path or peer: its session will be set up "
			    "anew\n",
			    quoted);
		}
		free(name);
	}
	free(c->names);
}

int wires_check(const struct config *cfg, struct store *store, const char *ends, char *text,
		size_t len, struct checked_wires *ret)
{
	static const struct l2tp3_ops ops = {
		.send = check_send,
		.random = check_random,
		.named_peer = check_named,
	};
	struct checking c = { .cfg = cfg, .ends = ends, .text = text, .len = len, .count = ret };
	struct timers timers;

	memset(ret, 0, sizeof(*ret));
	timers_init(&timers);
	c.ep = l2tp3_endpoint_new(&(struct l2tp3_limits){ 0 }, &ops, &c, &timers);
	if (c.ep) {
		store_visit(store, STORE_MISC, check_record, &c);
		l2tp3_tunnels_visit(c.ep, check_tunnel, &c);
		check_rest(&c);
		l2tp3_endpoint_free(c.ep);
	}
	timers_free(&timers);
	if (c.told > MOST_LINES && c.at < len)
		snprintf(text + c.at, len - c.at, "... and %u more pseudowires\n",
			 c.told - MOST_LINES);
	return !c.ep ? -ENOMEM : ret->anew || c.unasked ? -EBUSY : 0;
}
