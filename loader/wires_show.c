/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the control socket asks of wires. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "loader/datapath/pseudowire.h"
#include "loader/wires.h"

struct walk {
	struct wires *w;
	bool (*fn)(void *arg, const struct lns_tunnel_info *t);
	void *arg;
};

static bool visit(void *arg, struct l2tp3_tunnel *t)
{
	const struct walk *walk = arg;
	struct lns_tunnel_info info = {
		.version = 3,
		.tunnel_id = l2tp3_tunnel_id(t),
		.peer_tunnel_id = l2tp3_tunnel_peer_id(t),
		.peer = l2tp3_tunnel_peer(t)->name,
		.host_name = l2tp3_tunnel_hostname(t),
		.vendor = l2tp3_tunnel_vendor(t),
		.state = l2tp3_tunnel_state(t),
		.path = *l2tp3_tunnel_path(t),
		.dialled = l2tp3_tunnel_is_initiator(t),
		.sessions = l2tp3_tunnel_calls(t),
		.age_ms = walk->w->lns->now - l2tp3_tunnel_since(t),
	};

	return walk->fn(walk->arg, &info);
}

void wires_visit(struct wires *w, bool (*fn)(void *arg, const struct lns_tunnel_info *t), void *arg)
{
	struct walk walk = { w, fn, arg };

	l2tp3_tunnels_visit(w->ep, visit, &walk);
}

int wires_clear(struct wires *w, uint32_t id, const struct l2tp_reason *why)
{
	struct l2tp3_tunnel *t = l2tp3_tunnel_find(w->ep, id);

	if (!t)
		return -ENOENT;
	lns_enter(w->lns);
	wires_of(w, t)->delay_ms = WIRE_FIRST_DELAY_MS; /* nothing is wrong with it */
	l2tp3_tunnel_close(t, w->lns->now, why);
	lns_leave(w->lns);
	return 0;
}

void wires_counters(const struct wires *w, uint64_t ret[L2TP3_C_MAX])
{
	const uint64_t *now = w ? l2tp3_counters(w->ep) : NULL;

	for (unsigned int i = 0; i < L2TP3_C_MAX; i++)
		ret[i] = w ? w->before[i] + now[i] : 0;
}

unsigned int lns_wire_count(const struct lns *lns)
{
	const struct wires *w = lns->wires;
	unsigned int n = 0;

	for (unsigned int i = 0; w && i < w->n_lines; i++)
		n += w->line[i].call && w->line[i].up;
	return n;
}

void lns_l2tp3_counters(const struct lns *lns, uint64_t *ret)
{
	wires_counters(lns->wires, ret);
}

static void fill_end_id(const struct config_signal *s, struct lns_signal_info *ret)
{
	ret->end_number = wires_end_number(s->end_id, s->end_id_len);
	if (ret->end_number)
		snprintf(ret->end_id, sizeof(ret->end_id), "%u", ret->end_number);
	else
		log_quote(s->end_id, s->end_id_len, ret->end_id, sizeof(ret->end_id));
}

/* The control connection that its session is in, or would be. */
static struct l2tp3_tunnel *connection_of(const struct line *l)
{
	if (l->call)
		return l2tp3_call_tunnel(l->call);
	return l->wire->tunnel ? l->wire->tunnel : l->wire->dialled;
}

static void fill_connection(struct wires *w, const struct line *l, struct lns_signal_info *ret)
{
	const struct wire *wire = l->wire;
	const struct l2tp3_tunnel *t = connection_of(l);
	msec_t dial = wire->dialled ? TIMERS_NEVER : timer_when(&w->lns->timers, &wire->dial);

	ret->connection = wire->cfg->name;
	ret->retry_ms = TIMERS_NEVER;
	if (t) {
		ret->tunnel_id = l2tp3_tunnel_id(t);
		ret->peer_tunnel_id = l2tp3_tunnel_peer_id(t);
		ret->state = l2tp3_tunnel_state(t);
		ret->host_name = l2tp3_tunnel_hostname(t);
		ret->path = *l2tp3_tunnel_path(t);
	} else {
		ret->state = wire->cfg->dial ? "dialling" : "waiting";
	}
	if (!t || !l2tp3_tunnel_is_up(t))
		ret->why = wire->why[0] ? wire->why : NULL;
	if (dial != TIMERS_NEVER)
		ret->retry_ms = dial > w->lns->now ? dial - w->lns->now : 0;
}

static void fill_session(const struct line *l, struct lns_signal_info *ret)
{
	const struct l2tp3_call_info *info = l2tp3_call_info(l->call);

	ret->session = true;
	ret->session_state = l2tp3_call_state(l->call);
	ret->ready = info->ready;
	ret->id = info->ours.id;
	ret->peer_id = info->peer.id;
	ret->cookie_len = info->ours.cookie_len;
	ret->peer_cookie_len = info->peer.cookie_len;
	ret->sublayer = info->ours.sublayer;
	ret->peer_sublayer = info->peer.sublayer;
	ret->seq_receive = info->ours.sequencing != L2TP3_SEQ_NONE;
	ret->seq_send = info->peer.sequencing != L2TP3_SEQ_NONE;
	ret->peer_circuit = info->peer.circuit & L2TP3_CIRCUIT_ACTIVE;
}

bool lns_signal(struct lns *lns, unsigned int i, struct lns_signal_info *ret)
{
	struct wires *w = lns->wires;
	const struct config_signal *s;
	const struct line *l;

	memset(ret, 0, sizeof(*ret));
	if (!w || i >= w->n_lines || !w->line[i].wire)
		return false;
	lns_enter(lns);
	l = &w->line[i];
	s = &lns->cfg->signals[i];
	ret->keepalive = s->keepalive;
	if (!s->keepalive)
		fill_end_id(s, ret);
	fill_connection(w, l, ret);
	if (l->call)
		fill_session(l, ret);
	return true;
}
