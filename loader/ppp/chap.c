/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * CHAP (RFC 1994) with MD5 and with MS-CHAPv2 (RFC 2759).
 *
 * The authenticator sends one challenge and repeats it, octet by octet the same, until a
 * Response comes: a late Response to an earlier copy is then still good (PPP-CHAP-2).
 */
#include "loader/ppp/link.h"

#include <stdio.h>
#include <stdlib.h>

enum chap_code {
	CHAP_CHALLENGE = 1,
	CHAP_RESPONSE = 2,
	CHAP_SUCCESS = 3,
	CHAP_FAILURE = 4,
	CHAP_CHANGE_PASSWORD = 7, /* RFC 2759 section 7 */
};

#define PACKET_HEADER 4
#define PEER_CHALLENGE_LEN 16
#define NT_RESPONSE_AT 24

/* ---- authenticator ---- */

static void chap_resend(struct timer *t, msec_t now);

static void send_challenge(struct ppp_link *l, msec_t now)
{
	const char *name = l->cfg->name ? l->cfg->name : "";
	uint8_t body[1 + CHALLENGE_LEN + PPP_MAX_NAME];
	struct writer w = writer_of(body, sizeof(body));

	writer_u8(&w, CHALLENGE_LEN);
	writer_bytes(&w, l->auth.challenge, CHALLENGE_LEN);
	writer_bytes(&w, name, strnlen(name, PPP_MAX_NAME));
	auth_retry_timer(l, now, chap_resend);
	link_send(l, PPP_CHAP, CHAP_CHALLENGE, l->auth.id, body, w.len);
}

static void chap_resend(struct timer *t, msec_t now)
{
	struct ppp_link *l = container_of(t, struct ppp_link, auth_timer);

	link_enter(l);
	if (++l->auth.tries >= AUTH_MAX_TRIES)
		link_terminate(l, now, &ppp_cause_auth_timeout);
	else
		send_challenge(l, now);
	link_leave(l);
}

void chap_start(struct ppp_link *l, msec_t now)
{
	if (l->cfg->client)
		return;
	auth_wipe_challenge(l);
	l->auth.challenge = malloc(CHALLENGE_LEN);
	if (!l->auth.challenge) {
		link_terminate(l, now, &ppp_cause_auth_timeout);
		return;
	}
	l->ops->random(l->ctx, l->auth.challenge, CHALLENGE_LEN);
	l->auth.id = ++l->auth.last_id;
	send_challenge(l, now);
}

static void chap_response(struct ppp_link *l, msec_t now, uint8_t id, struct reader r)
{
	size_t wanted = l->auth.used == PPP_AUTH_MSCHAPV2 ? MSCHAPV2_LEN : CHAP_MD5_LEN;
	struct ppp_credentials cred = { .method = l->auth.used, .id = id };
	const uint8_t *value;

	cred.response_len = reader_u8(&r);
	value = reader_take(&r, cred.response_len);
	if (!value || id != l->auth.id)
		return; /* PPP-CHAP-3 */
	if (l->auth.state != AUTH_WAITING || !l->auth.challenge) {
		auth_repeat_reply(l, id);
		return;
	}
	if (cred.response_len != wanted) { /* PPP-CHAP-6, PPP-MS2-1 */
		auth_refuse(l, now, id, "");
		return;
	}
	memcpy(cred.response, value, cred.response_len);
	cred.challenge_len = CHALLENGE_LEN;
	memcpy(cred.challenge, l->auth.challenge, CHALLENGE_LEN);
	auth_ask(l, now, &cred, r.p, r.left);
	explicit_bzero(&cred, sizeof(cred));
}

static void authenticator_input(struct ppp_link *l, msec_t now, uint8_t code, uint8_t id,
				struct reader body)
{
	if (code == CHAP_RESPONSE)
		chap_response(l, now, id, body);
	else if (code == CHAP_CHANGE_PASSWORD && l->auth.used == PPP_AUTH_MSCHAPV2 &&
		 l->auth.state == AUTH_WAITING)
		auth_refuse(l, now, id, ""); /* PPP-MS2-5 */
}

/* RFC 2759 sections 5 and 6 (PPP-MS2-3, PPP-MS2-4). The C= of a Failure would serve a
 * second try, which R=0 forbids; peers want to see it all the same. */
size_t chap_reply_text(struct ppp_link *l, bool ok, const char *message, const char *response,
		       char *out, size_t cap)
{
	uint8_t c[CHALLENGE_LEN];
	char hex[2 * CHALLENGE_LEN + 1];
	int n;

	if (ok) {
		n = snprintf(out, cap, "S=%.40s M=%s", response, message[0] ? message : "Welcome");
	} else {
		l->ops->random(l->ctx, c, sizeof(c));
		for (unsigned int i = 0; i < sizeof(c); i++)
			snprintf(hex + 2 * i, 3, "%02X", c[i]);
		n = snprintf(out, cap, "E=691 R=0 C=%s V=3 M=%s", hex,
			     message[0] ? message : "Access denied");
	}
	return n < 0 ? 0 : (size_t)n < cap ? (size_t)n : cap - 1;
}

/* ---- client ---- */

static void chap_respond_again(struct timer *t, msec_t now);

static void send_response(struct ppp_link *l, msec_t now)
{
	const struct chap_answer *a = l->auth.answer;
	uint8_t body[1 + MSCHAPV2_LEN + PPP_MAX_NAME];
	struct writer w = writer_of(body, sizeof(body));

	writer_u8(&w, a->len);
	writer_bytes(&w, a->response, a->len);
	writer_bytes(&w, l->cfg->user, strnlen(l->cfg->user, PPP_MAX_NAME));
	auth_retry_timer(l, now, chap_respond_again);
	link_send(l, PPP_CHAP, CHAP_RESPONSE, a->id, body, w.len);
}

/* The server has gone on if its Success was lost, so it is up to the client to ask again
 * (RFC 1994 section 4.2). */
static void chap_respond_again(struct timer *t, msec_t now)
{
	struct ppp_link *l = container_of(t, struct ppp_link, auth_timer);

	link_enter(l);
	if (++l->auth.tries >= AUTH_MAX_TRIES)
		link_terminate(l, now, &ppp_cause_auth_timeout);
	else if (l->auth.answer)
		send_response(l, now);
	link_leave(l);
}

/* Makes the Response. A challenge that is only repeated keeps the one it has, as the
 * server may have judged that already. */
static void make_response(struct ppp_link *l, uint8_t id, const uint8_t *challenge, size_t len)
{
	const char *password = l->cfg->password ? l->cfg->password : "";
	struct chap_answer *a = l->auth.answer;
	bool md5 = l->auth.used == PPP_AUTH_CHAP_MD5;

	if (a && !md5 && a->id == id && !memcmp(a->challenge, challenge, CHALLENGE_LEN))
		return;
	auth_wipe_answer(l);
	a = l->auth.answer = calloc(1, sizeof(*a));
	if (!a)
		return; /* the server repeats its challenge */
	a->id = id;
	a->len = md5 ? CHAP_MD5_LEN : MSCHAPV2_LEN;
	if (md5) {
		crypto_chap_md5(id, password, strlen(password), challenge, len, a->response);
		return;
	}
	memcpy(a->challenge, challenge, CHALLENGE_LEN);
	l->ops->random(l->ctx, a->response, PEER_CHALLENGE_LEN);
	crypto_mschapv2(l->cfg->user, password, strlen(password), challenge, a->response,
			a->response + NT_RESPONSE_AT, a->expected);
}

static void client_challenge(struct ppp_link *l, msec_t now, uint8_t id, struct reader r)
{
	size_t len = reader_u8(&r);
	const uint8_t *challenge = reader_take(&r, len);

	if (!challenge || !len)
		return;
	if (l->auth.used == PPP_AUTH_MSCHAPV2 && len != CHALLENGE_LEN)
		return; /* PPP-MS2-1 */
	make_response(l, id, challenge, len);
	if (!l->auth.answer)
		return;
	l->auth.id = id;
	l->auth.tries = 0;
	l->auth.state = AUTH_PENDING; /* the server judges; PPP-CHAP-5: also later on */
	send_response(l, now);
}

/* PPP-MS2-6: a server that knows the password proves it. One server leaves out the space
 * before M= (PPP-QRK-9), so nothing behind the digits is looked at. */
static bool server_proved(const struct ppp_link *l, struct reader r)
{
	const uint8_t *tag = reader_take(&r, 2);
	const uint8_t *digits = reader_take(&r, AUTHENTICATOR_RESPONSE_LEN);

	if (!digits || !l->auth.answer || memcmp(tag, "S=", 2) != 0)
		return false;
	return crypto_equal(digits, l->auth.answer->expected, AUTHENTICATOR_RESPONSE_LEN);
}

static void client_input(struct ppp_link *l, msec_t now, uint8_t code, uint8_t id,
			 struct reader body)
{
	if (code == CHAP_CHALLENGE) {
		client_challenge(l, now, id, body);
		return;
	}
	/* A verdict without a Response of ours proves nothing. */
	if (l->auth.state != AUTH_PENDING || id != l->auth.id)
		return;
	if (code == CHAP_FAILURE) {
		auth_failed(l, now);
	} else if (code == CHAP_SUCCESS) {
		if (l->auth.used == PPP_AUTH_MSCHAPV2 && !server_proved(l, body))
			auth_failed(l, now);
		else
			auth_passed(l, now);
		auth_wipe_answer(l);
	}
}

void chap_input(struct ppp_link *l, msec_t now, const uint8_t *packet, size_t len)
{
	struct reader r = reader_of(packet, len), body;
	uint8_t code = reader_u8(&r), id = reader_u8(&r);
	uint16_t length = reader_u16(&r);

	if (r.bad || length < PACKET_HEADER)
		return;
	body = reader_sub(&r, length - PACKET_HEADER);
	if (body.bad)
		return;
	if (l->auth.used != PPP_AUTH_CHAP_MD5 && l->auth.used != PPP_AUTH_MSCHAPV2)
		return;
	if (l->cfg->client)
		client_input(l, now, code, id, body);
	else
		authenticator_input(l, now, code, id, body);
}
