/* SPDX-License-Identifier: GPL-2.0-or-later */
/* show tunnels, clear tunnel. At most 65 535 control connections of version 2, and fewer of version 3:
 * in one walk. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader/control/show.h"
#include "loader/lns.h"

struct tunnel {
	uint32_t id, peer_id;
	uint16_t port, local_port;
	struct ipaddr peer_address, local;
	unsigned int version, sessions;
	bool dialled;
	msec_t age_ms;
	char *peer, *host_name, *vendor, *state;
};

/* The walk gives pointers that are good for a moment: what they say is kept until the
 * client takes it, about 300 octets for each. */
struct list {
	struct tunnel *tunnels;
	size_t n, cap, next;
	bool no_memory;
};

static char *keep(struct list *l, const char *text)
{
	char *p = strdup(text ? text : "");

	l->no_memory |= !p;
	return p;
}

static bool collect(void *arg, const struct lns_tunnel_info *t)
{
	struct list *l = arg;

	if (!list_room(&l->tunnels, &l->cap, l->n, sizeof(*l->tunnels))) {
		l->no_memory = true;
		return false;
	}
	l->tunnels[l->n++] = (struct tunnel){
		.version = t->version,
		.dialled = t->dialled,
		.id = t->tunnel_id,
		.peer_id = t->peer_tunnel_id,
		.port = t->path.peer_port,
		.local_port = t->path.local_port,
		.peer_address = t->path.peer,
		.local = t->path.local,
		.sessions = t->sessions,
		.age_ms = t->age_ms,
		.peer = keep(l, t->peer),
		.host_name = keep(l, t->host_name),
		.vendor = keep(l, t->vendor),
		.state = keep(l, t->state),
	};
	return !l->no_memory;
}

static enum answer_step next_tunnel(struct answer *a, struct text *ret)
{
	struct list *l = a->state;
	const struct tunnel *t;
	json_t *v;

	if (l->next == l->n)
		return ANSWER_END;
	t = &l->tunnels[l->next++];
	v = json_pack("{s:I, s:I, s:i, s:s, s:o, s:o, s:i, s:o, s:i, s:o, s:o, s:o, s:b, s:I, s:I}",
		      "id", (json_int_t)t->id, "peer_id", (json_int_t)t->peer_id, "version",
		      (int)t->version, "encapsulation", t->port || t->local_port ? "udp" : "ip",
		      "peer", json_text(t->peer), "address", json_address(&t->peer_address), "port",
		      t->port, "local_address", json_address(&t->local), "local_port",
		      t->local_port, "host_name", json_text(t->host_name), "vendor",
		      json_text(t->vendor), "state", json_text(t->state), "dialled", t->dialled,
		      "sessions", (json_int_t)t->sessions, "age", (json_int_t)(t->age_ms / 1000));
	if (v)
		text_json(ret, v);
	else
		ret->failed = true;
	json_decref(v);
	return ANSWER_ELEMENT;
}

static void free_list(struct answer *a)
{
	struct list *l = a->state;
	size_t i;

	for (i = 0; i < l->n; i++) {
		free(l->tunnels[i].peer);
		free(l->tunnels[i].host_name);
		free(l->tunnels[i].vendor);
		free(l->tunnels[i].state);
	}
	free(l->tunnels);
	free(l);
}

static int by_id(const void *a, const void *b)
{
	const struct tunnel *x = a, *y = b;

	return x->id < y->id ? -1 : x->id > y->id;
}

int show_tunnels(const struct request *rq, struct answer *a)
{
	struct list *l;
	int err;

	err = no_parameters(rq, a);
	if (err)
		return err;
	l = calloc(1, sizeof(*l));
	if (!l)
		return answer_failed(a, "no memory");
	a->state = l;
	lns_tunnels_visit(rq->lns, collect, l);
	if (l->no_memory) {
		free_list(a);
		return answer_failed(a, "no memory for the list of tunnels");
	}
	if (l->n)
		qsort(l->tunnels, l->n, sizeof(*l->tunnels), by_id);
	a->next = next_tunnel;
	a->free = free_list;
	return 0;
}

int clear_tunnel(const struct request *rq, struct answer *a)
{
	unsigned int id;
	int err;

	err = argument_id(rq, a, "tunnel", UINT32_MAX, &id);
	if (err)
		return err;
	err = lns_tunnel_clear(rq->lns, id);
	if (err == -ENOENT)
		return answer_not_found(a, "no tunnel has ID %u; `show tunnels` lists them", id);
	if (err)
		return answer_failed(a, "tunnel %u: %s", id, strerror(-err));
	return answer_whole(a, json_pack("{s:I}", "cleared", (json_int_t)id));
}
