/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * show sessions, show session, clear session. There may be millions: first the IDs are
 * collected in one walk, then each session is looked up again when its turn comes, and
 * one that has gone meanwhile is left out.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "loader/control/show.h"
#include "loader/lns.h"

struct list {
	uint32_t *ids;
	size_t n, cap, next;
	const char *peer, *user; /* filter; NULL: all */
	size_t limit;
	bool no_memory;
};

static json_t *json_direction(uint64_t hook_packets, uint64_t hook_bytes, uint64_t slow_packets,
			      uint64_t slow_bytes, uint64_t drops, uint64_t lost)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "hook_packets", (json_int_t)hook_packets,
			 "hook_bytes", (json_int_t)hook_bytes, "slow_packets",
			 (json_int_t)slow_packets, "slow_bytes", (json_int_t)slow_bytes, "drops",
			 (json_int_t)drops, "lost", (json_int_t)lost);
}

static json_t *json_session(const struct lns_session_info *s)
{
	const struct dp_traffic *t = &s->traffic;

	return json_pack(
		"{s:I, s:i, s:i, s:i, s:i, s:o, s:o, s:i, s:o, s:i, s:o, s:s, s:s, s:o, s:o, s:i, "
		"s:i, s:I, s:o, s:o, s:b, s:o, s:o}",
		"id", (json_int_t)s->index, "tunnel", s->tunnel_id, "session", s->session_id,
		"peer_tunnel", s->peer_tunnel_id, "peer_session", s->peer_session_id, "peer",
		json_text(s->peer), "address", json_address(&s->path.peer), "port",
		s->path.peer_port, "local_address", json_address(&s->path.local), "local_port",
		s->path.local_port, "user", json_text(s->user), "state", s->state ? s->state : "",
		"authentication", s->authentication ? s->authentication : "none", "ipv4",
		json_address(&s->ipv4), "ipv6", json_prefix(&s->ipv6), "mtu", s->mtu, "peer_mru",
		s->peer_mru, "age", (json_int_t)(s->age_ms / 1000), "calling",
		json_text(s->calling), "called", json_text(s->called), "sequencing", s->sequencing,
		"rx",
		json_direction(t->hook_rx.packets, t->hook_rx.bytes, t->slow_rx.packets,
			       t->slow_rx.bytes, t->hook_rx.drops + t->slow_rx.drops,
			       t->hook_rx.lost + t->slow_rx.lost),
		"tx",
		json_direction(t->hook_tx.packets, t->hook_tx.bytes, t->slow_tx.packets,
			       t->slow_tx.bytes, t->hook_tx.drops + t->slow_tx.drops,
			       t->hook_tx.lost + t->slow_tx.lost));
}

static bool collect(void *arg, const struct lns_session_info *s)
{
	struct list *l = arg;

	if (l->n == l->limit)
		return false;
	if (l->peer && (!s->peer || strcmp(l->peer, s->peer) != 0))
		return true;
	if (l->user && (!s->user || strcmp(l->user, s->user) != 0))
		return true;
	if (!list_room(&l->ids, &l->cap, l->n, sizeof(*l->ids))) {
		l->no_memory = true;
		return false;
	}
	l->ids[l->n++] = s->index;
	return true;
}

static json_t *next_session(struct answer *a)
{
	struct lns_session_info info;
	struct list *l = a->state;

	while (l->next < l->n) {
		if (!lns_session_info(a->lns, l->ids[l->next++], &info))
			return json_session(&info);
	}
	return NULL;
}

static void free_list(struct answer *a)
{
	struct list *l = a->state;

	free(l->ids);
	free(l);
}

int show_sessions(const struct request *rq, struct answer *a)
{
	static const char *const known[] = { "peer", "user", "limit", NULL };
	unsigned int limit = UINT_MAX;
	struct list *l;
	int err;

	err = only_options(rq, a, known);
	if (!err)
		err = option_number(rq, a, "limit", &limit);
	if (err)
		return err;
	l = calloc(1, sizeof(*l));
	if (!l)
		return answer_failed(a, "no memory");
	a->state = l;
	l->limit = limit;
	err = option_text(rq, a, "peer", &l->peer);
	if (!err)
		err = option_text(rq, a, "user", &l->user);
	if (!err) {
		lns_sessions_visit(rq->lns, collect, l);
		if (l->no_memory)
			err = answer_failed(a, "no memory for the list of sessions");
	}
	/* they belong to the request, which ends now */
	l->peer = l->user = NULL;
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
	unsigned int id;
	int err;

	err = argument_id(rq, a, "session", UINT_MAX, &id);
	if (err)
		return err;
	if (lns_session_info(rq->lns, id, &info))
		return answer_not_found(a, "no session has ID %u; `show sessions` lists them", id);
	return answer_whole(a, json_session(&info));
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
