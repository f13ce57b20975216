/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A subscriber's session, from ICRQ to CDN:
 *
 *   ICRQ   call_request   a session is made; nothing in the data path yet
 *   ICCN   call_up        into the data path, so that its PPP frames are taken; PPP starts
 *   PPP    authenticate   users file, then addresses from the user's line or the pool
 *          network_up     IPv4 or IPv6 opens: the maps forward from now on
 *          network_down   and here no more
 *          finished       PPP is over: the call is closed with the cause
 *   CDN    call_down      out of the data path, addresses given back
 *
 * call_down is the one place that undoes what the others did, whoever ended the session.
 * The session itself is freed when the event is over (lns_leave): call_down may have been
 * reached from inside the PPP link.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/persist.h"
#include "loader/proxy.h"

#define LOG_BURST 2000 /* lines of sessions that come or go, at once; then one in */
#define LOG_EVERY_MS 5

static const struct ppp_ops ppp_ops;

struct log_who session_who(const struct session *s)
{
	return (struct log_who){
		.tunnel = s->dp.tunnel_id,
		.session = s->dp.session_id,
		.peer = s->peer->name,
		.user = s->user  ? s->user
			: s->ppp ? ppp_user(s->ppp)
				 : NULL,
	};
}

bool session_is_open(const struct session *s)
{
	return s->dp.ipv4_open || s->dp.ipv6_open;
}

/* ---- the call ------------------------------------------------------------------ */

struct session *session_new(struct lns *lns, uint16_t tunnel_id, uint16_t session_id)
{
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->lns = lns;
	s->since = lns->now;
	s->pool4 = s->pool6 = NO_POOL;
	s->dp.tunnel_id = tunnel_id;
	s->dp.session_id = session_id;
	s->index = dp_index(lns->cfg->datapath.shards, tunnel_id, session_id);
	return s;
}

int session_table_put(struct session *s)
{
	struct lns *lns = s->lns;
	struct session ***row = &lns->table[s->index >> 16];

	if (!*row)
		*row = calloc(L2X_SHARD_SESSIONS, sizeof(**row));
	if (!*row)
		return -ENOMEM;
	if ((*row)[s->index & 0xffff])
		return -EEXIST;
	(*row)[s->index & 0xffff] = s;
	lns->n_sessions++;
	return 0;
}

/* ---- lines that fail to authenticate ---- */

/* False: the LAC does not say who calls. Whose line it is tells the LAC's address: others of the
 * same entry of `peers`, which may be a whole network, can name any number. */
static bool line_of(const struct l2tp_call *c, char ret[FAILURES_KEY])
{
	const struct l2tp_call_info *info = l2tp_call_info(c);
	char lac[ADDR_STRLEN];

	_Static_assert(ADDR_STRLEN + L2TP_MAX_NUMBER <= FAILURES_KEY, "a line is a key");
	if (!info || !info->calling[0])
		return false;
	addr_str(&l2tp_tunnel_path(l2tp_call_tunnel(c))->peer, lac);
	snprintf(ret, FAILURES_KEY, "%s\n%s", lac, info->calling);
	return true;
}

static bool line_refused(struct lns *lns, const struct l2tp_call *c, struct l2tp_reason *ret_why)
{
	char line[FAILURES_KEY];

	if (!line_of(c, line) || !failures_too_many(lns->failures, lns->now, line))
		return false;
	*ret_why = (struct l2tp_reason){ .result = L2TP_CDN_ADMIN };
	snprintf(ret_why->text, sizeof(ret_why->text), "too many failed authentications");
	return true;
}

static void line_authenticated(struct session *s, bool ok)
{
	struct lns *lns = s->lns;
	struct log_who who = session_who(s);
	char line[FAILURES_KEY], number[LOG_QUOTE_LEN];
	const char *calling;

	if (!line_of(s->call, line))
		return;
	if (ok) {
		failures_end(lns->failures, line);
		return;
	}
	if (!failures_add(lns->failures, lns->now, line) ||
	    !log_allowed(&lns->auth_log, lns->now, 50, 100))
		return;
	calling = l2tp_call_info(s->call)->calling;
	log_warn(&who,
		 "%u failed authentications in a row from the line %s: its calls are refused for a "
		 "minute (limits.authentication-failures)",
		 lns->cfg->limits.auth_failures ?: L2TP_AUTH_FAILURES,
		 log_quote(calling, strlen(calling), number, sizeof(number)));
}

int session_call_request(void *ctx, struct l2tp_call *c, struct l2tp_reason *ret_why)
{
	struct lns *lns = ctx;
	struct l2tp_tunnel *t = l2tp_call_tunnel(c);
	struct session *s;

	if (drain_refuses(lns, l2tp_tunnel_peer(t)->user)) {
		*ret_why = drain_reason;
		ret_why->result = L2TP_CDN_ERROR;
		return L2TP_CDN_ERROR;
	}
	if (line_refused(lns, c, ret_why))
		return L2TP_CDN_ADMIN;
	if (half_open_refuses(lns, l2tp_tunnel_peer(t)->user, l2tp_tunnel_share(t), ret_why))
		return L2TP_CDN_TEMPORARY;
	s = session_new(lns, l2tp_tunnel_id(t), l2tp_call_id(c));
	if (!s || session_table_put(s))
		goto no_memory;
	s->call = c;
	s->peer = l2tp_tunnel_peer(t)->user;
	s->profile = &lns->cfg->profiles[s->peer->profile];
	l2tp_call_set_user(c, s);
	half_open_begin(s, l2tp_tunnel_share(t));
	return 0;
no_memory:
	free(s);
	*ret_why = (struct l2tp_reason){ .result = L2TP_CDN_ERROR, .error = L2TP_ERR_RESOURCES };
	snprintf(ret_why->text, sizeof(ret_why->text), "out of memory");
	return L2TP_CDN_ERROR;
}

void session_fill_ppp_config(struct session *s)
{
	const struct config_profile *p = s->profile;
	uint16_t way = dp_path_mru(s->lns->dp, &s->dp.path);
	struct ppp_config *c = &s->ppp_cfg;

	memcpy(c->auths, p->auths, sizeof(c->auths));
	c->n_auths = p->n_auths;
	c->mru = p->mru && p->mru < way ? (uint16_t)p->mru : way;
	c->ipv4 = p->ipv4;
	c->ipv6 = p->ipv6;
	c->name = s->lns->cfg->hostname;
	c->restart_ms = 3000;
	c->echo_ms = p->echo_interval * 1000;
	c->echo_failures = p->echo_failures;
	c->lcp_always = p->lcp_renegotiate_always;
	c->proxy_auth = p->proxy_authentication;
}

static void fill_dp_session(struct session *s, const struct l2tp_call_info *info)
{
	struct l2tp_tunnel *t = l2tp_call_tunnel(s->call);
	struct dp_session *d = &s->dp;

	d->peer_tunnel_id = l2tp_tunnel_peer_id(t);
	d->peer_session_id = l2tp_call_peer_id(s->call);
	d->path = *l2tp_tunnel_path(t);
	d->peer_mru = 1500;
	d->clamp_mss = s->profile->mss_clamp;
	d->ecn = l2tp_tunnel_peer_ecn(t);
	/* V2-DATA-2, V2-DATA-3: the LNS decides, unless the LAC requires numbers */
	d->seq_required = info->sequencing_required;
	d->seq_send = d->seq_receive = info->sequencing_required || s->profile->sequencing;
}

void session_close_call(struct session *s, uint16_t result, const char *text)
{
	struct l2tp_reason why = { .result = result };

	snprintf(why.text, sizeof(why.text), "%s", text);
	l2tp_call_close(s->call, s->lns->now, &why);
}

struct ppp_link *session_new_link(struct session *s)
{
	return ppp_link_new(&s->ppp_cfg, &ppp_ops, s, &s->lns->timers);
}

void session_call_up(void *ctx, struct l2tp_call *c, const struct l2tp_call_info *info)
{
	struct lns *lns = ctx;
	struct session *s = l2tp_call_user(c);
	struct ppp_proxy proxy = proxy_of(info);
	struct log_who who;
	int ret;

	fill_dp_session(s, info);
	session_fill_ppp_config(s);
	ret = dp_session_set(lns->dp, &s->dp);
	if (!ret) {
		s->in_dp = true;
		counters_begin(s);
		s->ppp = session_new_link(s);
	}
	who = session_who(s);
	if (!s->ppp) {
		log_error(&who, "refused: %s", ret ? strerror(-ret) : "out of memory");
		session_close_call(s, L2TP_CDN_TEMPORARY, "no resources");
		return;
	}
	log_debug(&who, "call established, PPP starts with MRU %u", s->ppp_cfg.mru);
	ppp_lower_up(s->ppp, lns->now, &proxy);
}

static void log_end(struct session *s, const struct l2tp_reason *why)
{
	struct log_who who = session_who(s);
	char text[LOG_QUOTE_LEN];
	struct dp_traffic t = { 0 };

	if (s->in_dp)
		dp_session_traffic(s->lns->dp, s->index, &t);
	/* a peer that makes and ends calls as fast as it can must not fill the disk */
	if (!log_allowed(&s->lns->end_log, s->lns->now, LOG_BURST, LOG_EVERY_MS))
		return;
	log_msg(s->ppp ? LOG_INFO : LOG_DEBUG, &who,
		"down after %" PRIu64 " s, %s, result %u error %u%s%s; in %" PRIu64
		" packets, out %" PRIu64,
		(s->lns->now - s->since) / 1000,
		why->timeout     ? "nobody answered"
		: why->from_peer ? "by the peer"
				 : "by us",
		why->result, why->error, why->text[0] ? ": " : "",
		log_quote(why->text, strlen(why->text), text, sizeof(text)),
		t.hook_rx.packets + t.slow_rx.packets, t.hook_tx.packets + t.slow_tx.packets);
}

void session_call_down(void *ctx, struct l2tp_call *c, const struct l2tp_reason *why)
{
	struct lns *lns = ctx;
	struct session *s = l2tp_call_user(c);

	if (!s)
		return;
	log_end(s, why);
	outbox_session(s); /* its last words, while there is a way */
	/* DP-LIFE-1: out of the data path first */
	if (s->in_dp)
		dp_session_del(lns->dp, s->index);
	s->in_dp = false;
	counters_end(s);
	if (s->ppp)
		ppp_lower_down(s->ppp, lns->now);
	half_open_end(s);
	addresses_give_back(s);
	lns->table[s->index >> 16][s->index & 0xffff] = NULL;
	lns->n_sessions--;
	l2tp_call_set_user(c, NULL);
	s->call = NULL;
	s->next_dead = lns->dead;
	lns->dead = s;
}

void session_free(struct session *s)
{
	if (s->ppp)
		ppp_link_free(s->ppp);
	free(s->user);
	free(s);
}

void session_moved(struct session *s, const struct path *path)
{
	s->dp.path = *path;
	if (s->in_dp)
		dp_session_set(s->lns->dp, &s->dp);
}

void session_close(struct session *s, const struct ppp_cause *cause)
{
	if (s->ppp)
		ppp_close(s->ppp, s->lns->now, cause);
	else
		session_close_call(s, cause->cdn_result ? cause->cdn_result : L2TP_CDN_ADMIN,
				   cause->text);
}

/* ---- PPP ----------------------------------------------------------------------- */

static void on_send(void *ctx, const uint8_t *frame, size_t len)
{
	struct session *s = ctx;

	if (s->in_dp)
		outbox_ppp(s, frame, len);
}

static void on_changed(void *ctx)
{
	persist_changed(ctx);
}

/* The hook counts and does not tell: what has grown since the last look has come by now. */
static void look(struct session *s)
{
	uint64_t rx = s->in_dp ? dp_session_rx(s->lns->dp, s->index) : 0;

	if (rx == s->rx_seen)
		return;
	s->rx_seen = rx;
	s->data_at = s->heard_at = s->lns->now;
}

void session_heard(struct session *s)
{
	s->heard_at = s->lns->now;
}

bool session_alive(struct session *s, msec_t since)
{
	look(s);
	return s->heard_at && s->heard_at >= since;
}

/* For PPP only what came by itself counts, data and Echo-Requests at the hook: an answer to its
 * last echo must not save the next one. */
static bool on_alive(void *ctx, msec_t since)
{
	struct session *s = ctx;

	look(s);
	return s->data_at && s->data_at >= since;
}

/* What another user of this session held before is not his. */
static void remember_user(struct session *s, const char *user)
{
	if (strcmp(s->user ? s->user : "", user) != 0)
		addresses_give_back(s);
	free(s->user);
	s->user = *user ? strdup(user) : NULL;
	persist_changed(s);
}

static void on_authenticate(void *ctx, const struct ppp_credentials *cred)
{
	struct session *s = ctx;
	struct lns *lns = s->lns;
	struct ppp_grant grant = { .ok = false };
	struct user_entry user = { 0 };
	struct log_who who;
	const char *wrong = NULL;
	bool known;

	remember_user(s, cred->user);
	known = lns->users && users_find(lns->users, cred->user, lns->cfg->hostname, &user) == 0;
	if (cred->method == PPP_AUTH_NONE)
		known = false;
	else if (!known)
		wrong = "no such user";
	else if (!ppp_check_password(cred, user.secret, user.secret_len,
				     grant.authenticator_response))
		wrong = "wrong password";
	who = session_who(s);
	if (cred->method != PPP_AUTH_NONE)
		line_authenticated(s, !wrong);
	if (wrong) {
		if (log_allowed(&lns->auth_log, lns->now, 50, 100))
			log_warn(&who, "authentication by %s failed: %s",
				 ppp_auth_names[cred->method], wrong);
		snprintf(grant.message, sizeof(grant.message), "Authentication failed");
	} else if (!addresses_grant(s, known ? &user : NULL, &grant)) {
		snprintf(grant.message, sizeof(grant.message), "No address available");
	} else {
		grant.ok = true;
		half_open_end(s);
	}
	ppp_authenticated(s->ppp, lns->now, &grant);
}

/* From now on Echo-Requests are answered at the hook, or not any more. */
void session_fill_echo(struct session *s)
{
	struct dp_session *d = &s->dp;

	d->magic = d->peer_magic = 0;
	d->echo = ppp_echo_answers(s->ppp, &d->magic, &d->peer_magic);
}

static void on_network_up(void *ctx, uint16_t protocol, const struct ppp_network *net)
{
	struct session *s = ctx;
	struct log_who who = session_who(s);
	char addr[PREFIX_STRLEN];
	int ret;

	s->dp.peer_mru = ppp_peer_mru(s->ppp);
	s->dp.acfc = false; /* FF 03 always: what every peer takes (PPP-FR-4) */
	session_fill_echo(s);
	if (protocol == PPP_IP) {
		s->dp.ipv4 = net->ipv4;
		s->dp.ipv4_open = true;
	} else {
		s->dp.ipv6 = net->ipv6;
		s->dp.ipv6_open = net->ipv6.len != 0;
	}
	ret = dp_session_set(s->lns->dp, &s->dp);
	if (ret) {
		log_error(&who, "cannot be forwarded: %s",
			  ret == -EEXIST ? "its address is held by another session"
					 : strerror(-ret));
		s->dp.ipv4_open = s->dp.ipv6_open = false;
		session_close(s, &ppp_cause_no_address);
		return;
	}
	if (log_allowed(&s->lns->up_log, s->lns->now, LOG_BURST, LOG_EVERY_MS))
		log_info(&who, "up: %s, MTU %u, authentication %s",
			 protocol == PPP_IP ? addr_str(&net->ipv4, addr)
					    : prefix_str(&net->ipv6, addr),
			 dp_session_mtu(s->lns->dp, s->index),
			 ppp_auth_names[ppp_auth_used(s->ppp)]);
}

static void on_network_down(void *ctx, uint16_t protocol)
{
	struct session *s = ctx;

	if (protocol == PPP_IP)
		s->dp.ipv4_open = false;
	else
		s->dp.ipv6_open = false;
	session_fill_echo(s);
	if (s->in_dp)
		dp_session_set(s->lns->dp, &s->dp);
}

static void on_finished(void *ctx, const struct ppp_cause *cause)
{
	struct session *s = ctx;
	struct l2tp_reason why = {
		.result = cause->cdn_result ? cause->cdn_result : L2TP_CDN_CARRIER,
		.ppp_cause = cause->code,
		.ppp_proto = cause->proto,
		.ppp_direction = cause->direction,
	};

	if (!s->call)
		return;
	snprintf(why.text, sizeof(why.text), "%s", cause->text ? cause->text : "");
	l2tp_call_close(s->call, s->lns->now, &why);
}

static const struct ppp_ops ppp_ops = {
	.send = on_send,
	.random = lns_random,
	.authenticate = on_authenticate,
	.network_up = on_network_up,
	.network_down = on_network_down,
	.alive = on_alive,
	.changed = on_changed,
	.finished = on_finished,
};
