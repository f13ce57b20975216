/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sessions (RFC 3931 sections 7.3 and 7.4, RFC 4719 section 2.2; docs/protocol/l2tpv3.md section 8):
 * whoever asks sends ICRQ, the other end answers ICRP, ICCN brings the session up, CDN ends it, SLI
 * tells of its circuit. Either end of a control connection may ask. Outgoing calls differ in that
 * the end that was asked says when the circuit stands; ours stand always, so OCCN follows OCRP.
 *
 * The automata stand in call_table.c; here is what their actions do, and how sessions come and go.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader/l2tp3/call_parts.h"

/* ---- coming and going ---- */

enum l2tp3_role call3_role(const struct l2tp3_call *c)
{
	if (c->outgoing)
		return c->info.initiator ? L2TP3_ROLE_DIALLER : L2TP3_ROLE_DIALLED;
	return c->info.initiator ? L2TP3_ROLE_CALLER : L2TP3_ROLE_CALLED;
}

void call3_count_state(struct l2tp3_call *c, int by)
{
	struct l2tp3_tunnel *t = c->tunnel;
	unsigned int add = (unsigned int)by; /* -1 takes one away */

	if (c->state == L2TP3_CS_IDLE || c->state == L2TP3_CS_ESTABLISHED)
		return;
	if (!c->info.initiator)
		t->half_open_calls += add;
	else if (c->state == L2TP3_CS_WAIT_REPLY)
		t->asking_calls += add;
}

static void set_state(struct l2tp3_call *c, uint8_t state)
{
	call3_count_state(c, -1);
	c->state = state;
	call3_count_state(c, 1);
	call3_changed(c);
}

static void link_call(struct l2tp3_call *c)
{
	struct l2tp3_tunnel *t = c->tunnel;

	c->order = ++t->ep->n_made;
	c->prev = t->last_call;
	c->next = NULL;
	if (t->last_call)
		t->last_call->next = c;
	else
		t->first_call = c;
	t->last_call = c;
	t->n_calls++;
	t->ep->n_calls++;
}

/* c keeps its `next`: a walk that stands on it goes on from there. */
static void unlink_call(struct l2tp3_call *c)
{
	struct l2tp3_tunnel *t = c->tunnel;

	if (c->prev)
		c->prev->next = c->next;
	else
		t->first_call = c->next;
	if (c->next)
		c->next->prev = c->prev;
	else
		t->last_call = c->prev;
	t->n_calls--;
	t->ep->n_calls--;
}

static int know_peer_id(struct l2tp3_call *c, uint32_t peer_id)
{
	c->info.peer.id = peer_id;
	return hashtab_add(&c->tunnel->ep->calls_by_peer, &c->by_peer,
			   call3_hash_peer(c->tunnel, peer_id));
}

int call3_adopt(struct l2tp3_call *c)
{
	struct l2tp3_endpoint *ep = c->tunnel->ep;
	uint32_t id = c->info.ours.id;

	if (call3_by_id(ep, id) ||
	    (c->info.peer.id && call3_find_by_peer(c->tunnel, c->info.peer.id)))
		return -EEXIST;
	if (hashtab_add(&ep->calls, &c->by_id, l2tp3_hash_id(ep, id)) < 0)
		return -ENOMEM;
	if (c->info.peer.id && know_peer_id(c, c->info.peer.id) < 0) {
		hashtab_del(&ep->calls, &c->by_id);
		return -ENOMEM;
	}
	link_call(c);
	call3_count_state(c, 1);
	return 0;
}

void call3_free(struct l2tp3_call *c)
{
	explicit_bzero(&c->info, sizeof(c->info)); /* the cookies */
	free(c);
}

/* No message finds it any more. */
static void call_remove(struct l2tp3_call *c, msec_t now)
{
	struct l2tp3_endpoint *ep = c->tunnel->ep;

	call3_count_state(c, -1);
	c->down = true;
	c->state = L2TP3_CS_IDLE;
	c->info.ready = c->info.established = false;
	timer_stop(ep->timers, &c->timer);
	unlink_call(c);
	hashtab_del(&ep->calls, &c->by_id);
	hashtab_del(&ep->calls_by_peer, &c->by_peer);
	l2tp3_rest(&ep->resting_calls, c->info.ours.id, now);
	call3_die(c);
}

static void tell_down(struct l2tp3_call *c, const struct l2tp_reason *why)
{
	struct l2tp3_endpoint *ep = c->tunnel->ep;

	if (ep->ops->call_down)
		ep->ops->call_down(ep->ctx, c, why);
}

static void call_end(struct l2tp3_call *c, msec_t now, const struct l2tp_reason *why)
{
	call_remove(c, now);
	tell_down(c, why);
}

/* call_down, and only then the CDN. */
static void disconnect(struct l2tp3_call *c, msec_t now, const struct l2tp_reason *why)
{
	uint32_t id = c->info.ours.id, peer_id = c->info.peer.id;
	struct l2tp3_tunnel *t = c->tunnel;
	struct l2tp_reason copy = *why;

	call_end(c, now, &copy);
	call3_send_cdn(t, now, id, peer_id, &copy);
}

/* ---- actions ---- */

static void news(struct l2tp3_call *c)
{
	struct l2tp3_endpoint *ep = c->tunnel->ep;

	call3_changed(c);
	if (!c->down && ep->ops->call_news)
		ep->ops->call_news(ep->ctx, c);
}

/* For the answer to what was queued last. */
static void wait_for_peer(struct l2tp3_call *c, msec_t now)
{
	if (c->down)
		return;
	c->ticket = c->tunnel->rel.taken;
	c->delivered = false;
	call3_changed(c);
	timer_set(c->tunnel->ep->timers, &c->timer, now + CALL3_LOOK_MS, call3_not_in_time);
}

static void stop_waiting(struct l2tp3_call *c)
{
	timer_stop(c->tunnel->ep->timers, &c->timer);
}

static void request(struct l2tp3_call *c, msec_t now)
{
	call3_send_request(c, now);
	wait_for_peer(c, now);
}

/* What has been judged already. */
static void learn(struct l2tp3_call *c, const struct l2tp3_message *m)
{
	struct l2tp_reason unused;

	if (!m) /* PLACED, which no message brings about */
		return;
	call3_learn(&c->info.peer, m, &unused);
	if (!c->info.peer.id)
		know_peer_id(c,
			     m->local_id); /* memory: the table exists, or reverse look-ups fail */
}

static void confirm(struct l2tp3_call *c, msec_t now, const struct l2tp3_message *m)
{
	learn(c, m);
	stop_waiting(c);
	call3_send_connect(c, now);
	if (c->down)
		return;
	c->info.ready = c->info.established = true;
	news(c);
}

/* OCRP: no frames before OCCN (V3-SES-3), which may take as long as a set-up does. */
static void expect(struct l2tp3_call *c, msec_t now, const struct l2tp3_message *m)
{
	learn(c, m);
	if (c->told != c->info.ours.circuit)
		call3_send_circuit(c, now);
	wait_for_peer(c, now);
}

static void up(struct l2tp3_call *c, const struct l2tp3_message *m)
{
	learn(c, m);
	stop_waiting(c);
	c->info.ready = c->info.established = true;
	news(c);
}

static void circuit(struct l2tp3_call *c, const struct l2tp3_message *m)
{
	uint16_t status;

	if (!m || !l2tp3_has(m, L2TP3_AVP_CIRCUIT))
		return;
	status = l2tp3_circuit_of_peer(m->circuit);
	if (status == c->info.peer.circuit)
		return;
	c->info.peer.circuit = status;
	news(c);
}

static void unexpected(struct l2tp3_call *c, msec_t now, unsigned int event,
		       const struct l2tp3_message *m)
{
	struct l2tp3_endpoint *ep = c->tunnel->ep;
	struct log_who who = conn_who(c->tunnel);

	who.session = c->info.ours.id;
	l2tp3_count(ep, L2TP3_C_UNEXPECTED);
	if (log_allowed(&ep->log_unexpected, now, 10, 1000))
		log_info(&who, "%s in state %s",
			 m ? l2tp_message_name(m->type) : l2tp3_call_event_names[event],
			 l2tp3_call_state_names[c->state]);
}

static void act(struct l2tp3_call *c, msec_t now, const struct l2tp_step *step,
		const struct l2tp3_message *m, const struct l2tp_reason *why)
{
	switch ((enum l2tp3_call_action)step->action) {
	case L2TP3_CA_SEND_REQUEST:
		request(c, now);
		break;
	case L2TP3_CA_CONFIRM:
		confirm(c, now, step->event == L2TP3_CE_REPLY ? m : NULL);
		break;
	case L2TP3_CA_EXPECT:
		expect(c, now, m);
		break;
	case L2TP3_CA_UP:
		up(c, m);
		break;
	case L2TP3_CA_CIRCUIT:
		circuit(c, m);
		break;
	case L2TP3_CA_DISCONNECT:
		disconnect(c, now, why);
		break;
	case L2TP3_CA_CLEAN:
		call_end(c, now, why);
		break;
	case L2TP3_CA_WAIT:
	case L2TP3_CA_NOTHING:
	case L2TP3_CA_REFUSE: /* theirs, which is done: call_input.c */
	case L2TP3_CA_ACCEPT: /* of idle, where there is no session yet: call3_accept */
		break;
	case L2TP3_CA_UNEXPECTED:
	case L2TP3_CA_ACTIONS:
		unexpected(c, now, step->event, m);
		break;
	}
}

void call3_event(struct l2tp3_call *c, msec_t now, enum l2tp3_call_event event,
		 const struct l2tp3_message *m, const struct l2tp_reason *why)
{
	struct l2tp_step step = l2tp3_call_step(call3_role(c), c->state, event);
	bool ends = step.action == L2TP3_CA_DISCONNECT || step.action == L2TP3_CA_CLEAN;
	struct l2tp_reason fsm;

	if (!why) {
		reason3_set(&fsm, L2TP3_CDN_FSM, 0, "%s in state %s",
			    m ? l2tp_message_name(m->type) : l2tp3_call_event_names[event],
			    l2tp3_call_state_names[c->state]);
		why = &fsm;
	}
	if (!ends && step.next != c->state) /* else call_remove does it */
		set_state(c, step.next);
	act(c, now, &step, m, why);
}

/* ---- time ---- */

static const char *awaited(const struct l2tp3_call *c)
{
	if (c->state == L2TP3_CS_WAIT_REPLY)
		return c->outgoing ? "OCRP" : "ICRP";
	return c->outgoing ? "OCCN" : "ICCN";
}

static void why_late(const struct l2tp3_call *c, struct l2tp_reason *ret)
{
	if (c->state == L2TP3_CS_WAIT_TUNNEL) { /* V3-SES-2 */
		reason3_set(ret, L2TP3_CDN_PW_TYPE, 0,
			    "the peer does not offer pseudowire type %u (%s)", c->info.pw_type,
			    c->info.pw_type == L2TP3_PW_VLAN ? "VLAN" : "Ethernet");
		return;
	}
	reason3_set(ret, L2TP3_CDN_FSM, 0, "no %s within %u s", awaited(c), L2TP3_SETUP_MS / 1000);
	ret->timeout = true;
}

void call3_not_in_time(struct timer *timer, msec_t now)
{
	struct l2tp3_call *c = container_of(timer, struct l2tp3_call, timer);
	struct l2tp3_endpoint *ep = c->tunnel->ep;
	struct l2tp_reason why;

	/* What stands in a long queue of ours, or is lost, is not the peer's delay. */
	if (c->state != L2TP3_CS_WAIT_TUNNEL && !c->delivered) {
		c->delivered = reliable_delivered(&c->tunnel->rel, c->ticket);
		call3_changed(c);
		timer_set(ep->timers, timer,
			  now + (c->delivered ? L2TP3_SETUP_MS - CALL3_LOOK_MS : CALL3_LOOK_MS),
			  call3_not_in_time);
		return;
	}
	l2tp3_enter(ep);
	why_late(c, &why);
	call3_event(c, now, L2TP3_CE_TIMEOUT, NULL, &why);
	l2tp3_leave(ep);
}

/* ---- requests of the peer ---- */

void call3_refuse(struct l2tp3_tunnel *t, msec_t now, const struct l2tp3_message *m,
		  const struct l2tp_reason *why)
{
	struct log_who who = conn_who(t);

	l2tp3_count(t->ep, L2TP3_C_CALL_REFUSED);
	if (log_allowed(&t->ep->log_call, now, 10, 1000))
		log_info(&who, "%s refused: %s (CDN %u)", l2tp_message_name(m->type),
			 why->text[0] ? why->text : "no reason given", why->result);
	call3_send_cdn(t, now, call3_new_id(t->ep, now, 0, 0), m->local_id, why);
}

static void draw_cookie(struct l2tp3_endpoint *ep, struct l2tp3_end *ours)
{
	if (ours->cookie_len)
		ep->ops->random(ep->ctx, ours->cookie, ours->cookie_len);
}

/* What the caller wants of its end; false: it cannot be. */
static bool configure(struct l2tp3_call *c, msec_t now, const struct l2tp3_call_config *cfg)
{
	struct l2tp3_endpoint *ep = c->tunnel->ep;
	struct l2tp3_end *ours = &c->info.ours;

	if ((cfg->cookie_len != 0 && cfg->cookie_len != 4 && cfg->cookie_len != 8) ||
	    cfg->sequencing > L2TP3_SEQ_ALL || (cfg->sequencing && !cfg->sublayer))
		return false;
	ours->id = call3_new_id(ep, now, cfg->place, cfg->place_bits);
	ours->cookie_len = cfg->cookie_len;
	draw_cookie(ep, ours);
	ours->sublayer = cfg->sublayer;
	ours->sequencing = cfg->sequencing;
	ours->circuit = l2tp3_circuit_of_ours(cfg->active);
	return ours->id;
}

/* Does the caller want it? `c` is in no list yet, so the op finds it nowhere else. */
static bool wanted(struct l2tp3_call *c, struct l2tp3_call_config *ret, struct l2tp_reason *ret_why)
{
	struct l2tp3_endpoint *ep = c->tunnel->ep;
	int result;

	reason3_set(ret_why, L2TP_CDN_PERMANENT, 0, "no sessions are taken here");
	if (!ep->ops->call_request)
		return false;
	memset(ret_why, 0, sizeof(*ret_why));
	result = ep->ops->call_request(ep->ctx, c, &c->info, ret, ret_why);
	if (result)
		ret_why->result = (uint16_t)result;
	return !result;
}

static void accepted(struct l2tp3_call *c, msec_t now)
{
	set_state(c, l2tp3_call_step(call3_role(c), L2TP3_CS_IDLE, L2TP3_CE_REQUEST).next);
	call3_send_reply(c, now);
	if (c->down)
		return;
	if (c->outgoing) {
		call3_event(c, now, L2TP3_CE_PLACED, NULL, NULL);
		return;
	}
	wait_for_peer(c, now);
	c->info.ready = true; /* frames may come right behind ICRP (V3-SES-3) */
	news(c);
}

void call3_accept(struct l2tp3_tunnel *t, msec_t now, const struct l2tp3_message *m,
		  const struct l2tp3_end *peer)
{
	struct l2tp3_call *c = calloc(1, sizeof(*c));
	struct l2tp3_call_config cfg = { 0 };
	struct l2tp_reason why;

	reason3_set(&why, L2TP_CDN_TEMPORARY, 0, "no memory or Session ID is free");
	if (!c) {
		call3_refuse(t, now, m, &why);
		return;
	}
	*c = (struct l2tp3_call){ .tunnel = t, .outgoing = m->type == L2TP_OCRQ };
	c->serial = m->serial;
	c->info.pw_type = m->pw_type;
	c->info.peer = *peer;
	c->info.end_id_len = (uint8_t)m->end_id.left;
	if (m->end_id.left)
		memcpy(c->info.end_id, m->end_id.p, m->end_id.left);
	if (!wanted(c, &cfg, &why)) {
		c->down = true;
		call3_die(c);
		call3_refuse(t, now, m, &why);
		return;
	}
	c->user = cfg.user;
	if (!t->gone && configure(c, now, &cfg) && !call3_adopt(c)) {
		accepted(c, now);
		return;
	}
	reason3_set(&why, L2TP_CDN_TEMPORARY, 0, "%s",
		    t->gone ? "its control connection is gone" : "no memory or Session ID is free");
	c->down = true;
	call3_die(c);
	tell_down(c, &why);
	if (!t->gone)
		call3_refuse(t, now, m, &why);
}

/* ---- from the connection and from the caller ---- */

void calls3_down(struct l2tp3_tunnel *t, msec_t now, const struct l2tp_reason *why)
{
	while (t->first_call)
		call3_event(t->first_call, now, L2TP3_CE_TUNNEL_DOWN, NULL, why);
}

void calls3_abandon(struct l2tp3_tunnel *t)
{
	while (t->first_call)
		call_remove(t->first_call, 0);
}

static struct l2tp3_call *call_asking(struct l2tp3_tunnel *t, msec_t now,
				      const struct l2tp3_call_config *cfg)
{
	struct l2tp3_call *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	*c = (struct l2tp3_call){ .tunnel = t, .outgoing = cfg->outgoing, .user = cfg->user };
	c->info.initiator = true;
	c->info.pw_type = cfg->pw_type;
	c->info.end_id_len = cfg->end_id_len;
	memcpy(c->info.end_id, cfg->end_id, cfg->end_id_len);
	t->ep->ops->random(t->ep->ctx, c->tie, sizeof(c->tie));
	c->has_tie = true;
	c->serial = ++t->serial;
	if (configure(c, now, cfg) && !call3_adopt(c))
		return c;
	call3_free(c);
	return NULL;
}

struct l2tp3_call *l2tp3_call_open(struct l2tp3_tunnel *t, msec_t now,
				   const struct l2tp3_call_config *cfg)
{
	struct l2tp3_endpoint *ep = t->ep;
	struct l2tp3_call *c;

	if (t->gone || t->state != L2TP3_T_ESTABLISHED || cfg->end_id_len > L2TP3_MAX_END_ID ||
	    ep->n_calls >= ep->limits.calls)
		return NULL;
	l2tp3_enter(ep);
	c = call_asking(t, now, cfg);
	if (!c)
		goto out;
	call3_event(c, now, L2TP3_CE_OPEN, NULL, NULL);
	if (conn_has_pw(t, cfg->pw_type))
		call3_event(c, now, L2TP3_CE_TUNNEL_UP, NULL, NULL);
	else /* call_down comes behind this call, not in it */
		timer_set(ep->timers, &c->timer, now, call3_not_in_time);
	if (c->down)
		c = NULL;
	conn_changed(t); /* its serial */
out:
	l2tp3_leave(ep);
	return c;
}

void l2tp3_call_close(struct l2tp3_call *c, msec_t now, const struct l2tp_reason *why)
{
	struct l2tp3_endpoint *ep = c->tunnel->ep;

	/* Idle: it is just being asked about, and the answer tells. */
	if (c->down || c->state == L2TP3_CS_IDLE)
		return;
	l2tp3_enter(ep);
	call3_event(c, now, L2TP3_CE_CLOSE, NULL, why);
	l2tp3_leave(ep);
}

void l2tp3_call_circuit(struct l2tp3_call *c, msec_t now, bool active)
{
	struct l2tp3_endpoint *ep = c->tunnel->ep;

	if (c->down || c->state == L2TP3_CS_IDLE)
		return;
	l2tp3_enter(ep);
	c->info.ours.circuit = l2tp3_circuit_of_ours(active);
	/* Until the peer answers there is nothing to be done there; what follows the answer tells
	 * it (V3-ETH-3). */
	if (c->told != c->info.ours.circuit && c->state != L2TP3_CS_WAIT_REPLY &&
	    c->state != L2TP3_CS_WAIT_TUNNEL)
		call3_send_circuit(c, now);
	call3_changed(c);
	l2tp3_leave(ep);
}
