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

#include "loader/lns_internal.h"

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

static int table_put(struct lns *lns, struct session *s)
{
	struct session ***row = &lns->table[s->index >> 16];

	if (!*row)
		*row = calloc(L2X_SHARD_SESSIONS, sizeof(**row));
	if (!*row)
		return -ENOMEM;
	(*row)[s->index & 0xffff] = s;
	lns->n_sessions++;
	return 0;
}

int session_call_request(void *ctx, struct l2tp_call *c, struct l2tp_reason *ret_why)
{
	struct lns *lns = ctx;
	struct l2tp_tunnel *t = l2tp_call_tunnel(c);
	struct session *s = calloc(1, sizeof(*s));

	if (!s)
		goto no_memory;
	s->lns = lns;
	s->call = c;
	s->peer = l2tp_tunnel_peer(t)->user;
	s->profile = &lns->cfg->profiles[s->peer->profile];
	s->since = lns->now;
	s->dp.tunnel_id = l2tp_tunnel_id(t);
	s->dp.session_id = l2tp_call_id(c);
	s->index = dp_index(lns->cfg->datapath.shards, s->dp.tunnel_id, s->dp.session_id);
	if (table_put(lns, s))
		goto no_memory;
	l2tp_call_set_user(c, s);
	return 0;
no_memory:
	free(s);
	*ret_why = (struct l2tp_reason){ .result = L2TP_CDN_ERROR, .error = L2TP_ERR_RESOURCES };
	snprintf(ret_why->text, sizeof(ret_why->text), "out of memory");
	return L2TP_CDN_ERROR;
}

static void fill_ppp_config(struct session *s)
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

static struct ppp_proxy proxy_of(const struct l2tp_call_info *i)
{
	return (struct ppp_proxy){
		.first_request = i->first_lcp,
		.first_request_len = i->first_lcp_len,
		.last_sent = i->sent_lcp,
		.last_sent_len = i->sent_lcp_len,
		.last_received = i->received_lcp,
		.last_received_len = i->received_lcp_len,
		.has_auth = i->has_proxy_auth,
		.auth_type = i->proxy_auth_type,
		.auth_id = i->proxy_id,
		.auth_name = i->proxy_name,
		.auth_name_len = i->proxy_name_len,
		.auth_challenge = i->proxy_challenge,
		.auth_challenge_len = i->proxy_challenge_len,
		.auth_response = i->proxy_response,
		.auth_response_len = i->proxy_response_len,
	};
}

static void close_call(struct session *s, uint16_t result, const char *text)
{
	struct l2tp_reason why = { .result = result };

	snprintf(why.text, sizeof(why.text), "%s", text);
	l2tp_call_close(s->call, s->lns->now, &why);
}

void session_call_up(void *ctx, struct l2tp_call *c, const struct l2tp_call_info *info)
{
	struct lns *lns = ctx;
	struct session *s = l2tp_call_user(c);
	struct ppp_proxy proxy = proxy_of(info);
	struct log_who who;
	int ret;

	fill_dp_session(s, info);
	fill_ppp_config(s);
	ret = dp_session_set(lns->dp, &s->dp);
	if (!ret) {
		s->in_dp = true;
		s->ppp = ppp_link_new(&s->ppp_cfg, &ppp_ops, s, &lns->timers);
	}
	who = session_who(s);
	if (!s->ppp) {
		log_error(&who, "refused: %s", ret ? strerror(-ret) : "out of memory");
		close_call(s, L2TP_CDN_TEMPORARY, "no resources");
		return;
	}
	log_debug(&who, "call established, PPP starts with MRU %u", s->ppp_cfg.mru);
	ppp_lower_up(s->ppp, lns->now, &proxy);
}

static int by_ipv4(const void *a, const void *b)
{
	const struct session *x = a, *y = b;

	return memcmp(&x->ipv4, &y->ipv4, sizeof(x->ipv4));
}

static void give_back_addresses(struct session *s)
{
	struct lns *lns = s->lns;

	if (s->ipv4_pool)
		pool_release4(lns->pools[s->profile->pool], &s->ipv4);
	if (s->ipv6_pool)
		pool_release6(lns->pools[s->profile->pool], &s->ipv6);
	if (s->ipv4_static)
		tdelete(s, &lns->statics, by_ipv4);
	s->ipv4_pool = s->ipv6_pool = s->ipv4_static = false;
	memset(&s->ipv4, 0, sizeof(s->ipv4));
	memset(&s->ipv6, 0, sizeof(s->ipv6));
	s->dp.ipv4 = s->ipv4;
	s->dp.ipv6 = s->ipv6;
	if (s->in_dp)
		dp_session_set(lns->dp, &s->dp);
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
	/* DP-LIFE-1: out of the data path first */
	if (s->in_dp)
		dp_session_del(lns->dp, s->index);
	s->in_dp = false;
	if (s->ppp)
		ppp_lower_down(s->ppp, lns->now);
	give_back_addresses(s);
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
		close_call(s, cause->cdn_result ? cause->cdn_result : L2TP_CDN_ADMIN, cause->text);
}

/* ---- PPP ----------------------------------------------------------------------- */

static void on_send(void *ctx, const uint8_t *frame, size_t len)
{
	struct session *s = ctx;

	if (s->in_dp)
		dp_send_ppp(s->lns->dp, s->index, frame, len);
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

/* For PPP only data counts: an answer to its last echo must not save the next one. */
static bool on_alive(void *ctx, msec_t since)
{
	struct session *s = ctx;

	look(s);
	return s->data_at && s->data_at >= since;
}

/* ---- addresses ----------------------------------------------------------------- */

static struct session *static_holder(struct lns *lns, const struct ipaddr *a)
{
	struct session key = { .ipv4 = *a };
	void *node = tfind(&key, &lns->statics, by_ipv4);

	return node ? *(struct session **)node : NULL;
}

struct peer_ask {
	const struct ipaddr *addr;
	bool found;
};

static bool ask_peer(void *arg, struct l2tp_tunnel *t)
{
	struct peer_ask *ask = arg;

	ask->found = addr_eq(&l2tp_tunnel_path(t)->peer, ask->addr);
	return !ask->found;
}

/* What the users file should not give away: NULL if there is nothing against it. */
static const char *why_not_static(const struct lns *lns, const struct ipaddr *a)
{
	const struct dp_config *d = &lns->cfg->datapath;
	uint32_t v4 = addr_v4(a);
	struct peer_ask ask = { .addr = a };

	if (v4 >> 24 == 0 || v4 >> 24 == 127 || v4 >> 28 >= 14)
		return "no unicast address";
	for (unsigned int i = 0; i < d->n_local; i++)
		if (addr_eq(&d->local[i], a))
			return "a local-address of ours";
	if (dp_is_own_address(a))
		return "this host's own";
	l2tp_tunnels_visit(lns->l2tp, ask_peer, &ask);
	return ask.found ? "a tunnel's peer" : NULL;
}

/* A static address belongs to the user: a session of the same user that still holds it
 * (its client died and came back) gives way. Pools keep static addresses back, so that
 * nobody else can hold one. */
static int claim_static(struct session *s, const struct ipaddr *a)
{
	struct session *old = static_holder(s->lns, a);
	const char *why = why_not_static(s->lns, a);
	struct log_who who = session_who(s);
	char buf[ADDR_STRLEN];

	if (why) {
		log_warn(&who, "refused: its static address %s is %s; correct the users file",
			 addr_str(a, buf), why);
		return -EBUSY;
	}
	if (old && (!old->user || !s->user || strcmp(old->user, s->user) != 0)) {
		log_warn(&who, "refused: static address %s is held by session %u of another user",
			 addr_str(a, buf), old->index);
		return -EBUSY;
	}
	if (old) {
		log_note(&who, "takes %s over from session %u of the same user", addr_str(a, buf),
			 old->index);
		close_call(old, L2TP_CDN_ADMIN, "replaced by a new session of the same user");
	}
	s->ipv4 = *a;
	s->ipv4_static = tsearch(s, &s->lns->statics, by_ipv4) != NULL;
	return s->ipv4_static ? 0 : -ENOMEM;
}

static int grant_ipv4(struct session *s, const struct user_entry *user)
{
	struct pool *pool = s->profile->pool == UINT_MAX ? NULL : s->lns->pools[s->profile->pool];
	int ret;

	if (!s->profile->ipv4 || (user && user->no_ipv4))
		return 0;
	if (user && addr_is_set(&user->ipv4))
		return claim_static(s, &user->ipv4);
	if (!pool)
		return -ENOENT;
	ret = pool_take4(pool, &s->ipv4);
	s->ipv4_pool = ret == 0;
	return ret;
}

static int grant_ipv6(struct session *s)
{
	struct pool *pool = s->profile->pool == UINT_MAX ? NULL : s->lns->pools[s->profile->pool];
	int ret;

	if (!s->profile->ipv6 || !pool)
		return 0;
	ret = pool_take6(pool, &s->ipv6);
	s->ipv6_pool = ret == 0;
	return ret == -ENOENT ? 0 : ret;
}

static void tell_no_address(const struct session *s, int v4, int v6)
{
	const struct config *cfg = s->lns->cfg;
	const char *pool = s->profile->pool == UINT_MAX ? "" : cfg->pools[s->profile->pool].name;
	struct log_who who = session_who(s);

	if (v4 != -ENOSPC && v4 != -ENOENT && !v6)
		return; /* what else there is has been told */
	if (!log_allowed(&s->lns->pool_log, s->lns->now, 20, 1000))
		return;
	if (v4 == -ENOSPC)
		log_warn(&who, "no IPv4 address: pool %s is used up; give it more under `pools`",
			 pool);
	else if (v4 == -ENOENT)
		log_warn(&who, "no IPv4 address: profile %s has no pool with any",
			 s->profile->name);
	if (v6)
		log_warn(&who, "no IPv6 prefix: pool %s is used up; give it more under `pools`",
			 pool);
}

/* Addresses for a user who may come in; user NULL: nobody was asked for a name. False:
 * none to be had. */
static bool grant_addresses(struct session *s, const struct user_entry *user, struct ppp_grant *ret)
{
	const struct config_profile *p = s->profile;
	int v4 = 0, v6 = 0;

	/* LCP negotiated anew by the same user: nothing changes (PPP-IPCP-5) */
	if (!addr_is_set(&s->ipv4) && !s->ipv6.len) {
		v4 = grant_ipv4(s, user);
		v6 = grant_ipv6(s);
		tell_no_address(s, v4, v6);
	}
	if (v4 == -EBUSY || (!addr_is_set(&s->ipv4) && !s->ipv6.len))
		return false;
	ret->ipv4 = s->ipv4;
	ret->ipv6 = s->ipv6;
	ret->local_ipv4 = p->local_address;
	memcpy(ret->dns4, p->dns4, sizeof(ret->dns4));
	memcpy(ret->dns6, p->dns6, sizeof(ret->dns6));
	memcpy(ret->nbns, p->nbns, sizeof(ret->nbns));
	return true;
}

/* What another user of this session held before is not his. */
static void remember_user(struct session *s, const char *user)
{
	if (strcmp(s->user ? s->user : "", user) != 0)
		give_back_addresses(s);
	free(s->user);
	s->user = *user ? strdup(user) : NULL;
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
	who = session_who(s);
	if (cred->method == PPP_AUTH_NONE)
		known = false;
	else if (!known)
		wrong = "no such user";
	else if (!ppp_check_password(cred, user.secret, user.secret_len,
				     grant.authenticator_response))
		wrong = "wrong password";
	if (wrong) {
		if (log_allowed(&lns->auth_log, lns->now, 50, 100))
			log_warn(&who, "authentication by %s failed: %s",
				 ppp_auth_names[cred->method], wrong);
		snprintf(grant.message, sizeof(grant.message), "Authentication failed");
	} else if (!grant_addresses(s, known ? &user : NULL, &grant)) {
		snprintf(grant.message, sizeof(grant.message), "No address available");
	} else {
		grant.ok = true;
	}
	ppp_authenticated(s->ppp, lns->now, &grant);
}

static void on_network_up(void *ctx, uint16_t protocol, const struct ppp_network *net)
{
	struct session *s = ctx;
	struct log_who who = session_who(s);
	char addr[PREFIX_STRLEN];
	int ret;

	s->dp.peer_mru = ppp_peer_mru(s->ppp);
	s->dp.acfc = false; /* FF 03 always: what every peer takes (PPP-FR-4) */
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
	.finished = on_finished,
};
