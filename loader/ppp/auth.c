/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Authenticate phase: what PAP and CHAP have in common (RFC 1661 section 3.5).
 *
 * Authenticator: pap.c or chap.c turns what the peer sends into `struct ppp_credentials`,
 * auth_ask hands them to the daemon, ppp_authenticated brings the answer at once or later.
 * Until then the peer's repetitions are ignored (PPP-AUTH-1); afterwards they get the same
 * answer again (PPP-PAP-1, PPP-CHAP-3), so it is kept. Client: pap.c and chap.c end in
 * auth_passed or auth_failed. Credentials live on the stack of one call, a challenge as
 * long as a Response to it may come, and both are wiped.
 */
#include "loader/ppp/link.h"

#include <stdio.h>
#include <stdlib.h>

const char *const ppp_auth_names[] = { "none", "pap", "chap", "mschapv2" };

void auth_wipe_challenge(struct ppp_link *l)
{
	free_wiped(l->auth.challenge, CHALLENGE_LEN);
	l->auth.challenge = NULL;
}

void auth_wipe_answer(struct ppp_link *l)
{
	free_wiped(l->auth.answer, sizeof(*l->auth.answer));
	l->auth.answer = NULL;
}

void auth_stop(struct ppp_link *l)
{
	timer_stop(l->timers, &l->auth_timer);
	auth_wipe_challenge(l);
	auth_wipe_answer(l);
	free(l->auth.reply);
	l->auth.reply = NULL;
	l->auth.state = AUTH_IDLE;
	l->auth.proxied = false;
}

void auth_retry_timer(struct ppp_link *l, msec_t now, timer_fn *fn)
{
	link_timer(l, &l->auth_timer, now + l->cfg->restart_ms, fn);
}

static const struct ppp_cause *failure_cause(const struct ppp_link *l)
{
	return l->auth.used == PPP_AUTH_PAP ? &ppp_cause_auth_failed_pap : &ppp_cause_auth_failed;
}

void auth_passed(struct ppp_link *l, msec_t now)
{
	timer_stop(l->timers, &l->auth_timer);
	l->auth.state = AUTH_DONE;
	if (l->phase == PHASE_AUTHENTICATE)
		link_networks_start(l, now);
}

void auth_failed(struct ppp_link *l, msec_t now)
{
	timer_stop(l->timers, &l->auth_timer);
	l->auth.state = AUTH_FAILED;
	link_terminate(l, now, failure_cause(l));
}

/* A network without authentication still has to be granted by the daemon. */
static void ask_without_credentials(struct ppp_link *l, msec_t now)
{
	struct ppp_credentials cred = { .method = PPP_AUTH_NONE };

	if (l->cfg->client)
		auth_passed(l, now);
	else
		auth_ask(l, now, &cred, NULL, 0);
}

void auth_start(struct ppp_link *l, msec_t now)
{
	l->auth.used = lcp_auth(l);
	l->auth.state = AUTH_WAITING;
	l->auth.tries = 0;
	switch (l->auth.used) {
	case PPP_AUTH_NONE:
		ask_without_credentials(l, now);
		break;
	case PPP_AUTH_PAP:
		pap_start(l, now);
		break;
	case PPP_AUTH_CHAP_MD5:
	case PPP_AUTH_MSCHAPV2:
		chap_start(l, now);
		break;
	}
}

void auth_ask(struct ppp_link *l, msec_t now, struct ppp_credentials *cred, const uint8_t *name,
	      size_t name_len)
{
	timer_stop(l->timers, &l->auth_timer);
	l->auth.id = cred->id;
	l->auth.state = AUTH_PENDING;
	/* A name that no text can hold cannot be a user's. */
	if (name_len > PPP_MAX_NAME || (name_len && memchr(name, 0, name_len))) {
		auth_refuse(l, now, cred->id, "");
		return;
	}
	if (name_len)
		memcpy(cred->user, name, name_len);
	cred->user[name_len] = 0;
	free(l->auth.user);
	l->auth.user = strdup(cred->user);
	l->auth.outstanding++;
	link_auth_limit(l, now);
	l->ops->authenticate(l->ctx, cred);
	explicit_bzero(cred, sizeof(*cred));
}

/* ---- the answer to the peer ---- */

static void send_reply(struct ppp_link *l, uint8_t id, uint8_t code, const char *text, size_t len)
{
	uint8_t body[PPP_MAX_NAME + 1];
	struct writer w = writer_of(body, sizeof(body));

	if (l->auth.used == PPP_AUTH_PAP)
		writer_u8(&w, (uint8_t)len); /* RFC 1334 section 2.2.2: a length of its own */
	writer_bytes(&w, text, len);
	link_send(l, l->auth.used == PPP_AUTH_PAP ? PPP_PAP : PPP_CHAP, code, id, body, w.len);
}

static size_t reply_text(struct ppp_link *l, bool ok, const char *message, const char *response,
			 char *out, size_t cap)
{
	int n;

	if (l->auth.used == PPP_AUTH_MSCHAPV2)
		return chap_reply_text(l, ok, message, response, out, cap);
	n = snprintf(out, cap, "%s", message);
	return n < 0 ? 0 : (size_t)n < cap ? (size_t)n : cap - 1;
}

uint8_t auth_good_code(enum ppp_auth auth)
{
	return auth == PPP_AUTH_PAP ? 2 : 3;
}

static void decide(struct ppp_link *l, bool ok, const char *message, const char *response)
{
	uint8_t code = (uint8_t)(auth_good_code(l->auth.used) + !ok);
	char text[PPP_MAX_NAME];
	size_t len = reply_text(l, ok, message, response, text, sizeof(text));

	l->auth.state = ok ? AUTH_DONE : AUTH_FAILED;
	auth_wipe_challenge(l);
	if (l->auth.used == PPP_AUTH_NONE)
		return;
	free(l->auth.reply);
	l->auth.reply = malloc(sizeof(*l->auth.reply) + len);
	if (l->auth.reply) { /* without it a repetition goes without an answer */
		l->auth.reply->code = code;
		l->auth.reply->id = l->auth.id;
		l->auth.reply->len = (uint8_t)len;
		memcpy(l->auth.reply->text, text, len);
	}
	send_reply(l, l->auth.id, code, text, len);
}

void auth_repeat_reply(struct ppp_link *l, uint8_t id)
{
	const struct auth_reply *r = l->auth.reply;

	if (r && (l->auth.state == AUTH_DONE || l->auth.state == AUTH_FAILED))
		send_reply(l, id, r->code, r->text, r->len);
}

void auth_refuse(struct ppp_link *l, msec_t now, uint8_t id, const char *message)
{
	l->auth.id = id;
	decide(l, false, message, "");
	link_terminate(l, now, failure_cause(l));
}

static void take_grant(struct ppp_link *l, const struct ppp_grant *grant)
{
	struct ppp_network *net = &l->net;

	net->ipv4 = grant->ipv4;
	net->local_ipv4 = grant->local_ipv4;
	memcpy(net->dns4, grant->dns4, sizeof(net->dns4));
	memcpy(net->dns6, grant->dns6, sizeof(net->dns6));
	net->ipv6 = grant->ipv6;
	memcpy(l->nbns, grant->nbns, sizeof(l->nbns));
	memcpy(l->suggested_id, grant->interface_id, sizeof(l->suggested_id));
}

void ppp_authenticated(struct ppp_link *l, msec_t now, const struct ppp_grant *grant)
{
	char message[sizeof(grant->message)];

	if (l->over || !l->auth.outstanding)
		return;
	/* LCP may have started again since: only the answer to the last question counts. */
	if (--l->auth.outstanding || l->auth.state != AUTH_PENDING)
		return;
	link_enter(l);
	snprintf(message, sizeof(message), "%.*s", (int)sizeof(message) - 1, grant->message);
	if (grant->ok) {
		take_grant(l, grant);
		decide(l, true, message, grant->authenticator_response);
		link_networks_start(l, now);
	} else {
		auth_refuse(l, now, l->auth.id, message);
	}
	link_leave(l);
}
