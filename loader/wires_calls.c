/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions of pseudowires: what a peer may ask for, what is asked for and how often, what of it the
 * data path has, and what the peer is told of our circuits. One pseudowire has one session; who of
 * two requests for the same wins, l2tp3/ knows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/datapath/pseudowire.h"
#include "loader/wires.h"

#define TIE_DELAY_MS 3000 /* the peer's request is on its way */
#define CIRCUIT_MOST 5 /* changes that are told at once ... */
#define CIRCUIT_SPAN_MS 10000 /* ... in this time; */
#define CIRCUIT_WAIT_MS 1000 /* more of them one a second */
#define LOG_BURST 20
#define LOG_EVERY_MS 3000

/* ---- a line ------------------------------------------------------------------------------ */

static struct log_who who_of(const struct line *l, const struct l2tp3_call *c)
{
	return (struct log_who){
		.tunnel = l2tp3_tunnel_id(l2tp3_call_tunnel(c)),
		.session = l2tp3_call_info(c)->ours.id,
		.peer = l->wire->cfg->name,
	};
}

static const char *name_of(const struct wires *w, const struct line *l)
{
	return w->lns->cfg->datapath.pseudowires[l->i].name;
}

void wires_line_why(struct wires *w, struct line *l, const char *why)
{
	dp_pw_session_del(w->lns->dp, l->i, why);
}

static void on_open(struct timer *t, msec_t now);

static struct wires *wires_of_line(const struct line *l)
{
	return l->wire->all;
}

void wires_line_try(struct wires *w, struct line *l, msec_t wait)
{
	if (!l->wire->cfg->dial || l->call || w->ended || w->lns->cfg->signals[l->i].keepalive)
		return;
	timer_set(&w->lns->timers, &l->open, w->lns->now + wait, on_open);
}

static void try_again(struct wires *w, struct line *l)
{
	wires_line_try(w, l, wires_jitter(w, l->delay_ms));
	l->delay_ms *= 2;
	if (l->delay_ms > WIRE_LAST_DELAY_MS)
		l->delay_ms = WIRE_LAST_DELAY_MS;
}

static uint8_t sequencing_of(const struct pw_config *pw)
{
	return pw->sublayer && pw->seq_receive ? L2TP3_SEQ_ALL : L2TP3_SEQ_NONE;
}

static struct l2tp3_call_config wanted(struct wires *w, struct line *l)
{
	const struct config_signal *s = &w->lns->cfg->signals[l->i];
	const struct pw_config *pw = &w->lns->cfg->datapath.pseudowires[l->i];
	struct l2tp3_call_config c = {
		.pw_type = s->pw_type,
		.end_id_len = s->end_id_len,
		.place = dp_pw_index(w->lns->dp, l->i),
		.place_bits = w->index_bits,
		.cookie_len = s->cookie_len,
		.sublayer = pw->sublayer,
		.sequencing = sequencing_of(pw),
		.active = dp_pw_circuit_is_up(w->lns->dp, l->i),
		.user = l,
	};

	memcpy(c.end_id, s->end_id, s->end_id_len);
	return c;
}

static void on_open(struct timer *t, msec_t now)
{
	struct line *l = (struct line *)((char *)t - offsetof(struct line, open));
	struct wires *w = wires_of_line(l);
	struct l2tp3_tunnel *tunnel = l->wire->tunnel;
	struct l2tp3_call_config c;

	if (l->call || !tunnel || !l2tp3_tunnel_is_up(tunnel))
		return; /* tunnel_up tries again */
	if (w->lns->drain_all) {
		wires_line_why(w, l, "drained: no new sessions (l2xdpctl undrain)");
		wires_line_try(w, l, WIRE_DRAIN_WAIT_MS);
		return;
	}
	c = wanted(w, l);
	l->call = l2tp3_call_open(tunnel, now, &c);
	if (l->call)
		return;
	wires_line_why(w, l, "no room for another session");
	try_again(w, l);
}

/* ---- into the data path -------------------------------------------------------------------- */

static struct pw_cookie cookie_of(const struct l2tp3_end *end)
{
	struct pw_cookie c = { .len = end->cookie_len };

	memcpy(c.b, end->cookie, end->cookie_len);
	return c;
}

/* May the peer be sent frames (V3-CS-3)? */
static bool takes_frames(const struct l2tp3_call_info *info)
{
	return info->established && info->peer.circuit & L2TP3_CIRCUIT_ACTIVE &&
	       !(info->peer.circuit & L2TP3_CIRCUIT_STANDBY);
}

static void refused_by_datapath(struct wires *w, struct line *l, int rc)
{
	struct l2tp_reason why = { .result = L2TP_CDN_TEMPORARY,
				   .text = "no place in the data path" };
	struct log_who who = who_of(l, l->call);

	if (log_allowed(&w->line_log, w->lns->now, LOG_BURST, LOG_EVERY_MS))
		log_error(&who, "pseudowire %s cannot be forwarded: %s", name_of(w, l),
			  strerror(-rc));
	l2tp3_call_close(l->call, w->lns->now, &why);
}

/* Frames may flow when the circuit is up too: that, the data path tells. */
static void log_up(struct wires *w, struct line *l, const struct l2tp3_call_info *info)
{
	struct log_who who = who_of(l, l->call);

	if (log_allowed(&w->line_log, w->lns->now, LOG_BURST, LOG_EVERY_MS))
		log_info(&who, "session %u of pseudowire %s is there: the peer's is %u%s",
			 info->ours.id, name_of(w, l), info->peer.id,
			 takes_frames(info) ? "" : ", its circuit is down");
}

void wires_line_put(struct wires *w, struct line *l)
{
	const struct l2tp3_call_info *info = l2tp3_call_info(l->call);
	struct pw_session s = {
		.path = *l2tp3_tunnel_path(l2tp3_call_tunnel(l->call)),
		.id = info->ours.id,
		.peer_id = info->peer.id,
		.cookie = cookie_of(&info->ours),
		.peer_cookie = cookie_of(&info->peer),
		.sublayer = info->ours.sublayer,
		.peer_sublayer = info->peer.sublayer,
		.seq_receive = info->ours.sequencing != L2TP3_SEQ_NONE,
		.seq_send = info->peer.sequencing != L2TP3_SEQ_NONE,
		.send = takes_frames(info),
	};
	int rc;

	if (!info->ready)
		return;
	rc = dp_pw_session_set(w->lns->dp, l->i, &s);
	explicit_bzero(&s, sizeof(s));
	if (rc) {
		refused_by_datapath(w, l, rc);
		return;
	}
	l->sends = takes_frames(info);
	if (!info->established || l->up)
		return;
	l->up = true;
	l->crossed = false;
	l->up_at = w->lns->now;
	if (w->begun) /* else it goes on, and is counted */
		log_up(w, l, info);
	wires_line_tell(w, l, 0); /* of what has changed since it was asked for */
}

/* ---- ops ------------------------------------------------------------------------------------ */

static int no(uint16_t result, struct l2tp_reason *ret_why)
{
	ret_why->result = result;
	return result;
}

static int unknown_end(struct wires *w, const struct l2tp3_call *c,
		       const struct l2tp3_call_info *info, struct l2tp_reason *ret_why)
{
	const struct wire *wire = wires_of(w, l2tp3_call_tunnel(c));
	struct log_who who = { .tunnel = l2tp3_tunnel_id(l2tp3_call_tunnel(c)),
			       .peer = wire->cfg->name };
	char end[WIRE_END_ID], plain[WIRE_END_ID], twin[WIRE_END_TWIN];

	wires_end_id(info->end_id, info->end_id_len, end);
	wires_end_id_plain(info->end_id, info->end_id_len, plain);
	wires_end_twin(w, wire, info, twin);
	snprintf(ret_why->text, sizeof(ret_why->text), "no pseudowire has remote-end-id %.*s%.60s",
		 L2TP3_MAX_END_ID, plain, twin);
	if (log_allowed(&w->refuse_log, w->lns->now, LOG_BURST, LOG_EVERY_MS))
		log_warn(&who,
			 "the peer asks for remote-end-id %s, which no pseudowire of it has%s: "
			 "add one, or correct one of the two sides",
			 end, twin);
	return no(L2TP_CDN_PERMANENT, ret_why);
}

static const char *type_name(uint16_t type)
{
	return type == L2TP3_PW_VLAN ? "vlan" : type == L2TP3_PW_ETHERNET ? "ethernet" : "unknown";
}

static int wrong_type(struct wires *w, const struct line *l, const struct l2tp3_call_info *info,
		      struct l2tp_reason *ret_why)
{
	const uint16_t ours = w->lns->cfg->signals[l->i].pw_type;
	struct log_who who = { .peer = l->wire->cfg->name };

	snprintf(ret_why->text, sizeof(ret_why->text),
		 "this one is of pseudowire type %u (%s), not %u (%s): make `type` the same on "
		 "both sides",
		 ours, type_name(ours), info->pw_type, type_name(info->pw_type));
	if (log_allowed(&w->refuse_log, w->lns->now, LOG_BURST, LOG_EVERY_MS))
		log_warn(
			&who,
			"pseudowire %s has `type: %s` here, the peer asks for %s (%u): make `type` "
			"the same on both sides",
			name_of(w, l), type_name(ours), type_name(info->pw_type), info->pw_type);
	return no(L2TP3_CDN_PW_TYPE, ret_why);
}

/* What stands there is of a peer that has forgotten it; but for a request of ours that crosses this
 * one, about which l2tp3/ has decided. */
static void make_room(struct wires *w, struct line *l, const struct l2tp3_call *c)
{
	struct l2tp_reason why = { .result = L2TP_CDN_ADMIN, .text = "the peer asks for it anew" };
	const struct l2tp3_call_info *info;
	struct l2tp3_call *old = l->call;

	if (!old || old == c)
		return;
	info = l2tp3_call_info(old);
	if (info->initiator && !info->established && l2tp3_call_tunnel(old) == l2tp3_call_tunnel(c))
		return;
	l2tp3_call_close(old, w->lns->now, &why);
}

int wires_call_request(void *ctx, struct l2tp3_call *c, const struct l2tp3_call_info *info,
		       struct l2tp3_call_config *ret, struct l2tp_reason *ret_why)
{
	struct wires *w = ctx;
	const struct wire *wire = wires_of(w, l2tp3_call_tunnel(c));
	unsigned int i;
	struct line *l;

	memset(ret_why, 0, sizeof(*ret_why));
	if (w->lns->drain_all) {
		*ret_why = drain_reason;
		return no(L2TP_CDN_ERROR, ret_why);
	}
	i = wires_find_end(w->lns->cfg, w->ends, w->n_ends, (unsigned int)(wire - w->wire),
			   info->end_id, info->end_id_len);
	if (i == UINT_MAX)
		return unknown_end(w, c, info, ret_why);
	l = &w->line[i];
	if (info->pw_type != w->lns->cfg->signals[i].pw_type)
		return wrong_type(w, l, info, ret_why);
	make_room(w, l, c);
	timer_stop(&w->lns->timers, &l->open);
	l->call = c;
	*ret = wanted(w, l);
	return 0;
}

void wires_call_news(void *ctx, struct l2tp3_call *c)
{
	struct l2tp_reason why = { .result = L2TP_CDN_ADMIN, .text = "there is another session" };
	struct line *l = l2tp3_call_user(c);
	struct wires *w = ctx;

	if (!l)
		return;
	if (l->call == c)
		wires_line_put(w, l);
	else if (l2tp3_call_info(c)->established)
		l2tp3_call_close(c, w->lns->now, &why);
}

/* Of a pseudowire that was up the data path has told already. */
static void log_down(struct wires *w, struct line *l, const struct l2tp3_call *c, const char *text)
{
	bool was_up = l->up && l->sends && dp_pw_circuit_is_up(w->lns->dp, l->i);
	struct log_who who = who_of(l, c);

	if (was_up || !log_allowed(&w->line_log, w->lns->now, LOG_BURST, LOG_EVERY_MS))
		return;
	if (l->up)
		log_info(&who, "session %u of pseudowire %s has ended: %s",
			 l2tp3_call_info(c)->ours.id, name_of(w, l), text);
	else
		log_info(&who, "pseudowire %s cannot be set up: %s", name_of(w, l), text);
}

void wires_call_down(void *ctx, struct l2tp3_call *c, const struct l2tp_reason *why)
{
	struct line *l = l2tp3_call_user(c);
	struct wires *w = ctx;
	struct log_who who;
	char text[WIRE_WHY];

	if (!l || l->call != c)
		return;
	who = who_of(l, c);
	l->call = NULL;
	wires_reason(why, text, sizeof(text));
	/* the peer's request is on its way; if not, the next time tells */
	l->crossed = !l->up && !l2tp3_call_info(c)->ready && why->result == L2TP3_CDN_TIE_LOST &&
		     !l->crossed;
	if (l->crossed) {
		log_debug(&who, "pseudowire %s: %s", name_of(w, l), text);
	} else {
		wires_line_why(w, l, text);
		log_down(w, l, c, text);
	}
	if (l->up && w->lns->now - l->up_at >= WIRE_GOOD_MS)
		l->delay_ms = WIRE_FIRST_DELAY_MS;
	l->up = false;
	if (why->result == L2TP3_CDN_TIE_LOST)
		wires_line_try(w, l, TIE_DELAY_MS);
	else
		try_again(w, l);
}

/* ---- circuits -------------------------------------------------------------------------------- */

static void on_circuit(struct timer *t, msec_t now)
{
	struct line *l = (struct line *)((char *)t - offsetof(struct line, circuit));
	struct wires *w = wires_of_line(l);

	if (l->call)
		l2tp3_call_circuit(l->call, now, dp_pw_circuit_is_up(w->lns->dp, l->i));
}

void wires_line_tell(struct wires *w, struct line *l, msec_t wait)
{
	timer_set(&w->lns->timers, &l->circuit, w->lns->now + wait, on_circuit);
}

void wires_circuit(struct wires *w, unsigned int i, bool up)
{
	struct line *l;

	(void)up; /* what it is when the peer is told counts */
	if (!w || !w->begun || i >= w->n_lines)
		return;
	l = &w->line[i];
	if (!l->wire || w->lns->cfg->signals[i].keepalive)
		return;
	if (!l->changes || w->lns->now - l->changes_since >= CIRCUIT_SPAN_MS) {
		l->changes_since = w->lns->now;
		l->changes = 0;
	}
	if (l->changes <= CIRCUIT_MOST)
		l->changes++;
	if (!timer_is_set(&l->circuit))
		wires_line_tell(w, l, l->changes > CIRCUIT_MOST ? CIRCUIT_WAIT_MS : 0);
}
