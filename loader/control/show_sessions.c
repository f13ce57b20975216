/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * show sessions, show session, clear session. There may be millions, so there is no list of
 * them: the walk goes on where it was when the client has taken what it had, and sees the
 * sessions of that moment. One that is there all the time is shown once.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "loader/base/log.h"
#include "loader/control/show.h"
#include "loader/lns.h"

struct list {
	struct lns_session_walk walk;
	char *peer, *user; /* of the walk, owned */
	unsigned int left; /* of the limit */
};

static void write_direction(struct text *t, const struct dp_way_traffic *hook,
			    const struct dp_way_traffic *slow)
{
	TEXT(t, "{\"hook_packets\":");
	text_number(t, hook->packets);
	TEXT(t, ",\"hook_bytes\":");
	text_number(t, hook->bytes);
	TEXT(t, ",\"slow_packets\":");
	text_number(t, slow->packets);
	TEXT(t, ",\"slow_bytes\":");
	text_number(t, slow->bytes);
	TEXT(t, ",\"drops\":");
	text_number(t, hook->drops + slow->drops);
	TEXT(t, ",\"lost\":");
	text_number(t, hook->lost + slow->lost);
	TEXT(t, "}");
}

static void write_path(struct text *t, const struct lns_session_info *s)
{
	TEXT(t, ",\"peer\":");
	text_quoted(t, s->peer);
	TEXT(t, ",\"address\":");
	text_address(t, &s->path.peer);
	TEXT(t, ",\"port\":");
	text_number(t, s->path.peer_port);
	TEXT(t, ",\"local_address\":");
	text_address(t, &s->path.local);
	TEXT(t, ",\"local_port\":");
	text_number(t, s->path.local_port);
}

static void write_ids(struct text *t, const struct lns_session_info *s)
{
	TEXT(t, "\"id\":");
	text_number(t, s->index);
	TEXT(t, ",\"tunnel\":");
	text_number(t, s->tunnel_id);
	TEXT(t, ",\"session\":");
	text_number(t, s->session_id);
	TEXT(t, ",\"peer_tunnel\":");
	text_number(t, s->peer_tunnel_id);
	TEXT(t, ",\"peer_session\":");
	text_number(t, s->peer_session_id);
}

static void write_link(struct text *t, const struct lns_session_info *s)
{
	TEXT(t, ",\"user\":");
	text_quoted(t, s->user);
	TEXT(t, ",\"state\":");
	text_quoted(t, s->state);
	TEXT(t, ",\"authentication\":");
	text_quoted(t, s->authentication ? s->authentication : "none");
	TEXT(t, ",\"ipv4\":");
	text_address(t, &s->ipv4);
	TEXT(t, ",\"ipv6\":");
	text_prefix(t, &s->ipv6);
	TEXT(t, ",\"mtu\":");
	text_number(t, s->mtu);
	TEXT(t, ",\"peer_mru\":");
	text_number(t, s->peer_mru);
	TEXT(t, ",\"age\":");
	text_number(t, s->age_ms / 1000);
	TEXT(t, ",\"calling\":");
	text_quoted(t, s->calling);
	TEXT(t, ",\"called\":");
	text_quoted(t, s->called);
	TEXT(t, ",\"sequencing\":");
	text_bool(t, s->sequencing);
}

static void write_session(struct text *t, const struct lns_session_info *s)
{
	TEXT(t, "{");
	write_ids(t, s);
	write_path(t, s);
	write_link(t, s);
	TEXT(t, ",\"rx\":");
	write_direction(t, &s->traffic.hook_rx, &s->traffic.slow_rx);
	TEXT(t, ",\"tx\":");
	write_direction(t, &s->traffic.hook_tx, &s->traffic.slow_tx);
	TEXT(t, "}");
}

static enum answer_step next_session(struct answer *a, struct text *ret)
{
	struct lns_session_info info;
	struct list *l = a->state;
	int err = l->left ? lns_sessions_next(a->lns, &l->walk, &info) : -ENOENT;

	if (err)
		return err == -EAGAIN ? ANSWER_LATER : ANSWER_END;
	l->left--;
	write_session(ret, &info);
	return ANSWER_ELEMENT;
}

static void free_list(struct answer *a)
{
	struct list *l = a->state;

	free(l->peer);
	free(l->user);
	free(l);
}

/* Names are kept: they belong to the request, which ends before the walk. */
static int option_name(const struct request *rq, struct answer *a, const char *name, char **ret)
{
	const char *text = NULL;
	int err = option_text(rq, a, name, &text);

	if (err || !text)
		return err;
	*ret = strdup(text);
	return *ret ? 0 : answer_failed(a, "no memory");
}

static int option_prefix(const struct request *rq, struct answer *a, const char *name,
			 struct prefix *ret)
{
	const char *text = NULL;
	char quoted[LOG_QUOTE_LEN];
	struct prefix p;
	int err = option_text(rq, a, name, &text);

	if (err || !text)
		return err;
	err = prefix_parse(text, &p);
	if (err == -EDOM)
		return answer_usage(a, "%s %s has bits beyond its length; set them to 0", name,
				    log_quote(text, strlen(text), quoted, sizeof(quoted)));
	if (err || !addr_is_v4(&p.addr))
		return answer_usage(a, "%s is an address or a prefix, 10.1.2.3 or 10.1.0.0/16",
				    name);
	*ret = p;
	return 0;
}

/* The filters into l. */
static int read_options(const struct request *rq, struct answer *a, struct list *l)
{
	static const char *const known[] = { "peer", "user", "ipv4", "after", "limit", NULL };
	unsigned int after = UINT_MAX;
	int err = only_options(rq, a, known);

	err = err ?: option_number(rq, a, "limit", &l->left);
	err = err ?: option_number(rq, a, "after", &after);
	err = err ?: option_prefix(rq, a, "ipv4", &l->walk.ipv4);
	err = err ?: option_name(rq, a, "peer", &l->peer);
	err = err ?: option_name(rq, a, "user", &l->user);
	l->walk.from = after + 1; /* UINT_MAX: none was given, or nobody is behind it */
	l->walk.over = after == UINT_MAX && json_object_get(rq->options, "after");
	l->walk.peer = l->peer;
	l->walk.user = l->user;
	return err;
}

int show_sessions(const struct request *rq, struct answer *a)
{
	struct list *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return answer_failed(a, "no memory");
	a->state = l;
	l->left = UINT_MAX;
	err = read_options(rq, a, l);
	if (err) {
		free_list(a);
		return err;
	}
	a->next = next_session;
	a->free = free_list;
	return 0;
}

int show_session(const struct request *rq, struct answer *a)
{
	struct lns_session_info info;
	struct text t = { 0 };
	unsigned int id;
	json_t *v;
	int err;

	err = argument_id(rq, a, "session", UINT_MAX, &id);
	if (err)
		return err;
	if (lns_session_info(rq->lns, id, &info))
		return answer_not_found(a, "no session has ID %u; `show sessions` lists them", id);
	write_session(&t, &info);
	v = t.failed ? NULL : json_loadb(t.mem, t.len, 0, NULL);
	text_free(&t);
	return answer_whole(a, v);
}

int clear_session(const struct request *rq, struct answer *a)
{
	unsigned int id;
	int err;

	err = argument_id(rq, a, "session", UINT_MAX, &id);
	if (err)
		return err;
	err = lns_session_clear(rq->lns, id);
	if (err == -ENOENT)
		return answer_not_found(a, "no session has ID %u; `show sessions` lists them", id);
	if (err)
		return answer_failed(a, "session %u: %s", id, strerror(-err));
	return answer_whole(a, json_pack("{s:I}", "cleared", (json_int_t)id));
}
