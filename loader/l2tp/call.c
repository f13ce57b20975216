/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Incoming calls (RFC 2661 section 7.4; docs/protocol/l2tpv2.md section 10): the LAC sends
 * ICRQ, the LNS answers ICRP, ICCN brings the session up, CDN ends it. We are the LAC of
 * calls that we opened and the LNS of those that were opened to us. The tables of both
 * stand in call_table.c; here is what their actions do.
 *
 * Outgoing calls (OCRQ) are refused: there is no bearer here to place them on.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader/l2tp/engine.h"

/* ---- coming and going ---- */

static timer_fn not_in_time;

static uint16_t take_id(struct l2tp_shard *shard, msec_t now)
{
	uint16_t id = shard->spare;

	shard->spare = 0;
	return id ? id : ids_take(shard->ids, now);
}

static void link_call(struct l2tp_tunnel *t, struct l2tp_call *c)
{
	c->prev = t->last_call;
	if (t->last_call)
		t->last_call->next = c;
	else
		t->first_call = c;
	t->last_call = c;
	if (++t->n_calls > t->most_calls)
		t->most_calls = t->n_calls;
	tunnel_changed(t);
	call_changed(c);
}

/* c keeps its `next`: a walk that stands on it goes on from there. */
static void unlink_call(struct l2tp_tunnel *t, struct l2tp_call *c)
{
	if (c->prev)
		c->prev->next = c->next;
	else
		t->first_call = c->next;
	if (c->next)
		c->next->prev = c->prev;
	else
		t->last_call = c->prev;
	t->n_calls--;
}

/* NULL on lack of memory or IDs. */
static struct l2tp_call *call_new(struct l2tp_tunnel *t, msec_t now, bool lac,
				  const struct l2tp_call_info *info)
{
	struct l2tp_shard *shard = endpoint_shard(t->ep, t);
	struct l2tp_call *c = calloc(1, sizeof(*c));
	struct l2tp_call_info *kept = info_keep(info);
	uint16_t id = shard ? take_id(shard, now) : 0;

	if (!c || !kept || !id || idmap_set(&shard->calls, id, c) < 0)
		goto fail;
	share_session_taken(t, id);
	*c = (struct l2tp_call){
		.tunnel = t, .id = id, .tunnel_id = t->id, .lac = lac, .info = kept
	};
	link_call(t, c);
	return c;
fail:
	if (id)
		ids_release(shard->ids, id, now);
	free(kept);
	free(c);
	return NULL;
}

static void drop_offer(struct l2tp_call_info *offer)
{
	if (offer)
		info_wipe(offer);
	free(offer);
}

void call_free(struct l2tp_call *c)
{
	drop_offer(c->offer);
	free(c->info);
	free(c);
}

static int set_peer_id(struct l2tp_call *c, uint16_t peer_id)
{
	struct l2tp_endpoint *ep = c->tunnel->ep;

	c->peer_id = peer_id;
	return hashtab_add(&ep->by_peer_session, &c->by_peer,
			   endpoint_hash_session(ep, c->tunnel, peer_id));
}

static struct l2tp_call *find_by_peer(struct l2tp_tunnel *t, uint16_t peer_id)
{
	struct hashnode *node =
		hashtab_first(&t->ep->by_peer_session, endpoint_hash_session(t->ep, t, peer_id));

	for (; node; node = hashtab_next(node)) {
		struct l2tp_call *c = container_of(node, struct l2tp_call, by_peer);

		if (c->tunnel == t && c->peer_id == peer_id)
			return c;
	}
	return NULL;
}

int call_adopt(struct l2tp_call *c)
{
	struct l2tp_tunnel *t = c->tunnel;
	struct l2tp_shard *shard = endpoint_shard(t->ep, t);
	int ret;

	if (!shard)
		return -ENOMEM;
	if (c->peer_id && find_by_peer(t, c->peer_id))
		return -EEXIST;
	ret = ids_claim(shard->ids, c->id);
	if (ret < 0)
		return ret == -EBUSY ? -EEXIST : ret;
	if (idmap_set(&shard->calls, c->id, c) < 0)
		goto fail;
	if (c->peer_id && set_peer_id(c, c->peer_id) < 0) {
		idmap_set(&shard->calls, c->id, NULL);
		goto fail;
	}
	share_session_taken(t, c->id);
	link_call(t, c);
	return 0;
fail:
	ids_return(shard->ids, c->id);
	return -ENOMEM;
}

void call_timer_start(struct l2tp_call *c, msec_t now)
{
	if (c->state == L2TP_CS_WAIT_REPLY || c->state == L2TP_CS_WAIT_CONNECT)
		timer_set(c->tunnel->ep->timers, &c->timer,
			  now + (c->delivered ? L2TP_SETUP_MS - L2TP_LOOK_MS : L2TP_LOOK_MS),
			  not_in_time);
}

/* No message finds it any more. */
static void call_remove(struct l2tp_call *c, msec_t now)
{
	struct l2tp_tunnel *t = c->tunnel;
	struct l2tp_endpoint *ep = t->ep;

	c->down = true;
	c->state = L2TP_CS_IDLE;
	list_del(&c->dirty);
	timer_stop(ep->timers, &c->timer);
	unlink_call(t, c);
	idmap_set(&endpoint_shard(ep, t)->calls, c->id, NULL);
	hashtab_del(&ep->by_peer_session, &c->by_peer);
	c->next_dead = ep->dead_calls;
	ep->dead_calls = c;
	if (!t->n_calls && !t->gone) {
		t->idle_since = now;
		tunnel_changed(t);
		if (t->state == L2TP_T_ESTABLISHED)
			tunnel_tick_set(t, now);
	}
}

static void call_end(struct l2tp_call *c, msec_t now, const struct l2tp_reason *why)
{
	struct l2tp_endpoint *ep = c->tunnel->ep;

	call_remove(c, now);
	if (ep->ops->call_down)
		ep->ops->call_down(ep->ctx, c, why);
	ids_release(endpoint_shard(ep, c->tunnel)->ids, c->id, now);
}

/* The caller never took it, the peer never saw its ID: the next call may have that. */
static void call_take_back(struct l2tp_call *c, msec_t now)
{
	struct l2tp_shard *shard = endpoint_shard(c->tunnel->ep, c->tunnel);

	call_remove(c, now);
	share_session_back(c->tunnel, c->id);
	if (shard->spare)
		ids_release(shard->ids, c->id, now);
	else
		shard->spare = c->id;
}

static void send_cdn(struct l2tp_tunnel *t, msec_t now, uint16_t peer_session_id,
		     uint16_t session_id, const struct l2tp_reason *why)
{
	struct l2tp_style style = tunnel_style(t);
	struct l2tp_build b;

	if (t->gone) /* StopCCN has said it for all (V2-TEAR-1) */
		return;
	endpoint_count(t->ep, L2TP_C_SENT_CDN);
	tunnel_send(t, now, &b,
		    l2tp_build_cdn(&b, &style, t->peer_id, peer_session_id, session_id, why));
}

static struct l2tp_call *find(struct l2tp_tunnel *t, uint16_t id)
{
	struct l2tp_shard *shard = endpoint_shard(t->ep, t);
	struct l2tp_call *c = shard ? idmap_get(&shard->calls, id) : NULL;

	return c && c->tunnel == t ? c : NULL;
}

/* ---- actions ---- */

/* For the answer to what was queued last. */
static void wait_for_peer(struct l2tp_call *c, msec_t now)
{
	if (c->down)
		return;
	c->ticket = c->tunnel->rel.taken;
	timer_set(c->tunnel->ep->timers, &c->timer, now + L2TP_LOOK_MS, not_in_time);
}

static void send_icrq(struct l2tp_call *c, msec_t now)
{
	struct l2tp_tunnel *t = c->tunnel;
	struct l2tp_style style = tunnel_style(t);
	struct l2tp_build b;

	t->opened_calls = true;
	tunnel_send(t, now, &b, l2tp_build_icrq(&b, &style, t->peer_id, c->id, c->info));
	wait_for_peer(c, now);
}

static void connect_call(struct l2tp_call *c, msec_t now, const struct l2tp_message *m)
{
	struct l2tp_tunnel *t = c->tunnel;
	struct l2tp_endpoint *ep = t->ep;
	struct l2tp_style style = tunnel_style(t);
	struct l2tp_call_info *offer = c->offer;
	struct l2tp_build b;

	c->offer = NULL;
	timer_stop(ep->timers, &c->timer);
	/* memory: the tables of this endpoint exist, or CDN by AVP 14 finds nothing */
	set_peer_id(c, l2tp_u16(m, L2TP_AVP_ASSIGNED_SESSION_ID));
	/* The LNS waits for it, and perhaps not as long as all our ICRQ will take. */
	tunnel_send_first(t, now, &b, l2tp_build_iccn(&b, &style, t->peer_id, c->peer_id, offer));
	explicit_bzero(b.buf, b.w.len);
	if (!c->down && ep->ops->call_up)
		ep->ops->call_up(ep->ctx, c, offer);
	drop_offer(offer);
}

static void up(struct l2tp_call *c, const struct l2tp_message *m)
{
	struct l2tp_endpoint *ep = c->tunnel->ep;
	struct l2tp_call_info whole = { .serial = c->info->serial, .bearer = c->info->bearer };

	memcpy(whole.called, c->info->called, sizeof(whole.called));
	memcpy(whole.calling, c->info->calling, sizeof(whole.calling));
	memcpy(whole.subaddress, c->info->subaddress, sizeof(whole.subaddress));
	info_read(m, &whole);
	info_update(c->info, &whole);
	timer_stop(ep->timers, &c->timer);
	if (ep->ops->call_up)
		ep->ops->call_up(ep->ctx, c, &whole);
	info_wipe(&whole);
}

static void unexpected(struct l2tp_call *c, msec_t now, unsigned int event, unsigned int state)
{
	struct log_who who = tunnel_who(c->tunnel);

	who.session = c->id;
	endpoint_count(c->tunnel->ep, L2TP_C_UNEXPECTED);
	if (log_allowed(&c->tunnel->ep->log_unexpected, now, 10, 1000))
		log_info(&who, "%s in state %s", l2tp_call_event_names[event],
			 l2tp_call_state_names[state]);
}

/* call_down, and only then the CDN (V2-TEAR-4). */
static void disconnect(struct l2tp_call *c, msec_t now, const struct l2tp_reason *why)
{
	uint16_t peer_id = c->peer_id, id = c->id;
	struct l2tp_tunnel *t = c->tunnel;
	struct l2tp_reason copy = *why;

	call_end(c, now, &copy);
	send_cdn(t, now, peer_id, id, &copy);
}

/* `m` for messages; `why` for what ends the call, NULL: the event itself is the fault. */
static void call_event(struct l2tp_call *c, msec_t now, enum l2tp_call_event event,
		       const struct l2tp_message *m, const struct l2tp_reason *why)
{
	struct l2tp_step step = l2tp_call_step(c->lac, c->state, event);
	struct l2tp_reason fsm;

	if (!why) {
		reason_set(&fsm, L2TP_CDN_ERROR, L2TP_ERR_VENDOR, "%s in state %s",
			   l2tp_call_event_names[event], l2tp_call_state_names[c->state]);
		why = &fsm;
	}
	c->state = step.next;
	call_changed(c);
	switch ((enum l2tp_call_action)step.action) {
	case L2TP_CA_SEND_ICRQ:
		send_icrq(c, now);
		break;
	case L2TP_CA_CONNECT:
		connect_call(c, now, m);
		break;
	case L2TP_CA_UP:
		up(c, m);
		break;
	case L2TP_CA_DISCONNECT:
		disconnect(c, now, why);
		break;
	case L2TP_CA_CLEAN:
		call_end(c, now, why);
		break;
	case L2TP_CA_WAIT:
	case L2TP_CA_NOTHING:
		break;
	case L2TP_CA_ACCEPT: /* of idle alone, where there is no call: stray */
	case L2TP_CA_REFUSE:
	case L2TP_CA_UNEXPECTED:
	case L2TP_CA_ACTIONS:
		unexpected(c, now, event, step.state);
		break;
	}
}

static void not_in_time(struct timer *timer, msec_t now)
{
	struct l2tp_call *c = container_of(timer, struct l2tp_call, timer);
	struct l2tp_endpoint *ep = c->tunnel->ep;
	struct l2tp_reason why;

	/* What stands in a long queue of ours, or is lost, is not the peer's delay. */
	if (!c->delivered) {
		c->delivered = reliable_delivered(&c->tunnel->rel, c->ticket);
		call_changed(c);
		timer_set(ep->timers, timer,
			  now + (c->delivered ? L2TP_SETUP_MS - L2TP_LOOK_MS : L2TP_LOOK_MS),
			  not_in_time);
		return;
	}
	endpoint_enter(ep);
	reason_set(&why, L2TP_CDN_TIMEOUT, 0, "no %s in time", c->lac ? "ICRP" : "ICCN");
	why.timeout = true;
	call_event(c, now, L2TP_CE_TIMEOUT, NULL, &why);
	endpoint_leave(ep);
}

/* ---- messages ---- */

/* May a call be opened to us? */
static bool judge_icrq(struct l2tp_tunnel *t, msec_t now, const struct l2tp_message *m,
		       struct l2tp_reason *ret_why)
{
	unsigned int rate = t->ep->limits.call_rate;
	uint16_t peer_id = l2tp_u16(m, L2TP_AVP_ASSIGNED_SESSION_ID);

	if (m->fault.error) {
		reason_set(ret_why, L2TP_CDN_ERROR, m->fault.error, "%s", m->fault.text);
		return false;
	}
	if (find_by_peer(t, peer_id)) { /* V2-CALL-4 */
		reason_set(ret_why, L2TP_CDN_ERROR, L2TP_ERR_RANGE, "session ID %u is in use",
			   peer_id);
		return false;
	}
	if (t->peer->max_calls && t->n_calls >= t->peer->max_calls) { /* V2-RES-4 */
		reason_set(ret_why, L2TP_CDN_ERROR, L2TP_ERR_RESOURCES, "too many calls");
		return false;
	}
	if (!bucket_take(&t->calls, now, rate, 2 * rate)) {
		endpoint_count(t->ep, L2TP_C_CALL_RATE_LIMIT);
		reason_set(ret_why, L2TP_CDN_TEMPORARY, 0, "more than %u calls a second", rate);
		return false;
	}
	if (!share_of_sessions(t, now)) {
		reason_set(ret_why, L2TP_CDN_TEMPORARY, 0,
			   "session IDs are short, and this peer has its share");
		return false;
	}
	return true;
}

static void refuse(struct l2tp_tunnel *t, msec_t now, const struct l2tp_message *m,
		   const struct l2tp_reason *why)
{
	send_cdn(t, now, l2tp_u16(m, L2TP_AVP_ASSIGNED_SESSION_ID), L2TP_ID_REFUSED, why);
}

/* Asks the caller. False: refused, and the call is gone. */
static bool call_wanted(struct l2tp_call *c, msec_t now, struct l2tp_reason *why)
{
	struct l2tp_endpoint *ep = c->tunnel->ep;
	int result = L2TP_CDN_ADMIN;

	memset(why, 0, sizeof(*why));
	if (ep->ops->call_request)
		result = ep->ops->call_request(ep->ctx, c, why);
	else
		reason_set(why, L2TP_CDN_ADMIN, 0, "no calls here");
	if (c->down)
		return false;
	if (!result)
		return true;
	endpoint_count(ep, L2TP_C_CALL_REFUSED);
	why->result = (uint16_t)result;
	call_take_back(c, now);
	return false;
}

static void accept_icrq(struct l2tp_tunnel *t, msec_t now, const struct l2tp_message *m)
{
	struct l2tp_call_info whole = { 0 };
	struct l2tp_style style = tunnel_style(t);
	struct l2tp_reason why;
	struct l2tp_build b;
	struct l2tp_call *c;

	info_read(m, &whole);
	c = call_new(t, now, false, &whole);
	if (!c || set_peer_id(c, l2tp_u16(m, L2TP_AVP_ASSIGNED_SESSION_ID)) < 0) {
		if (c)
			call_take_back(c, now);
		reason_set(&why, L2TP_CDN_TEMPORARY, 0, "no session ID or memory is free");
		refuse(t, now, m, &why);
		return;
	}
	c->state = L2TP_CS_WAIT_CONNECT;
	if (!call_wanted(c, now, &why)) {
		if (why.result) /* or it was closed by hand, and CDN has been sent */
			refuse(t, now, m, &why);
		return;
	}
	tunnel_send(t, now, &b, l2tp_build_icrp(&b, &style, t->peer_id, c->peer_id, c->id));
	wait_for_peer(c, now);
}

static enum l2tp_call_event event_of(const struct l2tp_message *m)
{
	bool bad = m->fault.error;

	switch (m->type) {
	case L2TP_ICRQ:
		return bad ? L2TP_CE_ICRQ_BAD : L2TP_CE_ICRQ;
	case L2TP_ICRP:
		return bad ? L2TP_CE_ICRP_BAD : L2TP_CE_ICRP;
	case L2TP_ICCN:
		return bad ? L2TP_CE_ICCN_BAD : L2TP_CE_ICCN;
	case L2TP_CDN: /* ends it however malformed it is */
		return L2TP_CE_CDN;
	}
	if (bad)
		return L2TP_CE_FAULT;
	return m->type == L2TP_WEN || m->type == L2TP_SLI ? L2TP_CE_NOTICE : L2TP_CE_OUTGOING;
}

/* A message for no call of ours: idle's cells. */
static void stray(struct l2tp_tunnel *t, msec_t now, const struct l2tp_header *h,
		  const struct l2tp_message *m)
{
	enum l2tp_call_event event = event_of(m);
	bool lac = event == L2TP_CE_ICRP && t->opened_calls;
	struct l2tp_reason why;
	struct l2tp_step step;

	if (!h->session_id && m->type == L2TP_OCRQ) {
		reason_set(&why, L2TP_CDN_PERMANENT, 0, "no outgoing calls here");
		refuse(t, now, m, &why);
		return;
	}
	reason_set(&why, L2TP_CDN_ERROR, L2TP_ERR_SESSION, "%s for no call",
		   l2tp_message_name(m->type));
	if (event == L2TP_CE_ICRQ && !h->session_id && !judge_icrq(t, now, m, &why))
		event = L2TP_CE_ICRQ_BAD;
	else if (event == L2TP_CE_ICRQ_BAD)
		judge_icrq(t, now, m, &why);
	step = l2tp_call_step(lac, L2TP_CS_IDLE, event);
	if (step.action == L2TP_CA_ACCEPT && !h->session_id) {
		accept_icrq(t, now, m);
	} else if (step.action == L2TP_CA_REFUSE) {
		refuse(t, now, m, &why);
	} else {
		endpoint_count(t->ep, L2TP_C_UNKNOWN_SESSION); /* V2-CALL-3 */
	}
}

void call_message(struct l2tp_tunnel *t, msec_t now, const struct l2tp_header *h,
		  const struct l2tp_message *m)
{
	struct l2tp_call *c = NULL;
	struct l2tp_reason why;

	if (h->session_id)
		c = find(t, h->session_id);
	else if (m->type == L2TP_CDN && l2tp_has(m, L2TP_AVP_ASSIGNED_SESSION_ID)) /* V2-CALL-2 */
		c = find_by_peer(t, l2tp_u16(m, L2TP_AVP_ASSIGNED_SESSION_ID));
	if (!c) {
		stray(t, now, h, m);
	} else if (m->type == L2TP_CDN) {
		l2tp_message_reason(m, &why);
		call_event(c, now, L2TP_CE_CDN, m, &why);
	} else if (m->fault.error) {
		reason_set(&why, L2TP_CDN_ERROR, m->fault.error, "%s", m->fault.text);
		call_event(c, now, event_of(m), m, &why);
	} else {
		call_event(c, now, event_of(m), m, NULL);
	}
}

/* ---- from the tunnel and from the caller ---- */

void calls_tunnel_up(struct l2tp_tunnel *t, msec_t now)
{
	/* A call that an op ends meanwhile keeps its `next`, and its memory. */
	for (struct l2tp_call *c = t->first_call; c && !t->gone; c = c->next)
		if (!c->down && c->state == L2TP_CS_WAIT_TUNNEL)
			call_event(c, now, L2TP_CE_TUNNEL_UP, NULL, NULL);
}

void calls_tunnel_down(struct l2tp_tunnel *t, msec_t now, const struct l2tp_reason *why)
{
	struct l2tp_reason carrier = *why;

	carrier.result = L2TP_CDN_CARRIER; /* StopCCN has results of its own */
	carrier.error = 0;
	while (t->first_call)
		call_event(t->first_call, now, L2TP_CE_TUNNEL_DOWN, NULL, &carrier);
}

void calls_abandon(struct l2tp_tunnel *t)
{
	while (t->first_call)
		call_remove(t->first_call, 0);
}

struct l2tp_call *l2tp_call_open(struct l2tp_tunnel *t, msec_t now,
				 const struct l2tp_call_info *info, void *user)
{
	struct l2tp_call_info *offer;
	struct l2tp_call *c = NULL;

	if (t->gone || !info_valid(info))
		return NULL;
	endpoint_enter(t->ep);
	offer = malloc(sizeof(*offer));
	if (offer)
		c = call_new(t, now, true, info);
	if (!c) {
		free(offer);
		goto out;
	}
	*offer = *info;
	c->offer = offer;
	c->user = user;
	call_event(c, now, L2TP_CE_OPEN, NULL, NULL);
	if (t->state == L2TP_T_ESTABLISHED)
		call_event(c, now, L2TP_CE_TUNNEL_UP, NULL, NULL);
	if (c->down)
		c = NULL;
out:
	endpoint_leave(t->ep);
	return c;
}

void l2tp_call_close(struct l2tp_call *c, msec_t now, const struct l2tp_reason *why)
{
	struct l2tp_endpoint *ep = c->tunnel->ep;

	if (c->down)
		return;
	endpoint_enter(ep);
	call_event(c, now, L2TP_CE_CLOSE, NULL, why);
	endpoint_leave(ep);
}
