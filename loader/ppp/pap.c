/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PAP (RFC 1334 section 2): the client repeats its Request, the authenticator answers. */
#include "loader/ppp/link.h"

enum pap_code { PAP_REQUEST = 1, PAP_ACK = 2, PAP_NAK = 3 };

#define PACKET_HEADER 4

static void pap_resend(struct timer *t, msec_t now);

static void send_request(struct ppp_link *l, msec_t now)
{
	const char *user = l->cfg->user, *password = l->cfg->password ? l->cfg->password : "";
	uint8_t body[2 * (PPP_MAX_NAME + 1)];
	struct writer w = writer_of(body, sizeof(body));
	size_t user_len = strnlen(user, PPP_MAX_NAME);
	size_t password_len = strnlen(password, PPP_MAX_NAME);

	writer_u8(&w, (uint8_t)user_len);
	writer_bytes(&w, user, user_len);
	writer_u8(&w, (uint8_t)password_len);
	writer_bytes(&w, password, password_len);
	auth_retry_timer(l, now, pap_resend);
	l->auth.id = ++l->auth.last_id;
	link_send(l, PPP_PAP, PAP_REQUEST, l->auth.id, body, w.len);
	explicit_bzero(body, sizeof(body));
}

static void pap_resend(struct timer *t, msec_t now)
{
	struct ppp_link *l = container_of(t, struct ppp_link, auth_timer);

	link_enter(l);
	if (++l->auth.tries >= AUTH_MAX_TRIES)
		link_terminate(l, now, &ppp_cause_auth_timeout_pap);
	else
		send_request(l, now);
	link_leave(l);
}

void pap_start(struct ppp_link *l, msec_t now)
{
	if (l->cfg->client)
		send_request(l, now);
}

/* Authenticator. */
static void pap_request(struct ppp_link *l, msec_t now, uint8_t id, struct reader r)
{
	struct ppp_credentials cred = { .method = PPP_AUTH_PAP, .id = id };
	size_t name_len = reader_u8(&r);
	const uint8_t *name = reader_take(&r, name_len);
	const uint8_t *password;

	cred.response_len = reader_u8(&r);
	password = reader_take(&r, cred.response_len);
	if (!name || !password)
		return;
	if (l->auth.state != AUTH_WAITING) {
		auth_repeat_reply(l, id); /* PPP-PAP-1; nothing while PPP-AUTH-1 holds */
		return;
	}
	if (cred.response_len)
		memcpy(cred.response, password, cred.response_len);
	auth_ask(l, now, &cred, name, name_len);
	explicit_bzero(&cred, sizeof(cred));
}

void pap_input(struct ppp_link *l, msec_t now, const uint8_t *packet, size_t len)
{
	struct reader r = reader_of(packet, len), body;
	uint8_t code = reader_u8(&r), id = reader_u8(&r);
	uint16_t length = reader_u16(&r);

	if (r.bad || length < PACKET_HEADER)
		return;
	body = reader_sub(&r, length - PACKET_HEADER);
	if (body.bad || l->auth.used != PPP_AUTH_PAP)
		return; /* PPP-PAP-2 */
	if (!l->cfg->client) {
		if (code == PAP_REQUEST)
			pap_request(l, now, id, body);
		return;
	}
	if (l->auth.state != AUTH_WAITING || id != l->auth.id)
		return;
	if (code == PAP_ACK)
		auth_passed(l, now);
	else if (code == PAP_NAK)
		auth_failed(l, now);
}
