/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/client/lac.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader/base/bytes.h"

#define QUEUE 32
#define LCP_CONFIGURE_REQUEST 1
#define LCP_HEADER 4
/* Proxy Authen Type (AVP 29) */
#define PROXY_TYPE_CHAP 2
#define PROXY_TYPE_PAP 3

struct frame {
	bool to_subscriber;
	size_t len;
	uint8_t data[PPP_MAX_FRAME];
};

struct lac {
	struct ppp_config cfg;
	struct ppp_link *link;
	struct l2tp_call_info *info;
	void (*random)(void *ctx, void *buf, size_t n);
	void *random_ctx;
	bool done, failed;
	unsigned int head, n;
	struct frame queue[QUEUE];
};

static void queue(struct lac *lac, bool to_subscriber, const uint8_t *frame, size_t len)
{
	struct frame *f = &lac->queue[(lac->head + lac->n) % QUEUE];

	if (lac->n == QUEUE || len > sizeof(f->data)) {
		lac->failed = true;
		return;
	}
	f->to_subscriber = to_subscriber;
	f->len = len;
	memcpy(f->data, frame, len);
	lac->n++;
}

/* The options of an LCP Configure-Request; NULL if the frame is something else. */
static const uint8_t *request_options(const uint8_t *frame, size_t len, size_t *ret_len)
{
	uint16_t protocol, length;
	size_t at = ppp_header_parse(frame, len, &protocol);
	struct reader r;

	if (!at || protocol != PPP_LCP)
		return NULL;
	r = reader_of(frame + at, len - at);
	if (reader_u8(&r) != LCP_CONFIGURE_REQUEST)
		return NULL;
	reader_u8(&r);
	length = reader_u16(&r);
	if (length < LCP_HEADER)
		return NULL;
	*ret_len = length - LCP_HEADER;
	return reader_take(&r, *ret_len);
}

static void keep(uint8_t dst[static L2TP_MAX_PROXY], uint16_t *dst_len, const void *src, size_t len,
		 struct lac *lac)
{
	if (len > L2TP_MAX_PROXY) {
		lac->failed = true;
		return;
	}
	if (len)
		memcpy(dst, src, len);
	*dst_len = (uint16_t)len;
}

void lac_take(struct lac *lac, const uint8_t *frame, size_t len)
{
	struct l2tp_call_info *info = lac->info;
	size_t n;
	const uint8_t *options = request_options(frame, len, &n);

	if (options && !info->first_lcp_len)
		keep(info->first_lcp, &info->first_lcp_len, options, n, lac);
	if (options)
		keep(info->received_lcp, &info->received_lcp_len, options, n, lac);
	queue(lac, false, frame, len);
}

static void on_send(void *ctx, const uint8_t *frame, size_t len)
{
	struct lac *lac = ctx;
	size_t n;
	const uint8_t *options = request_options(frame, len, &n);

	if (options)
		keep(lac->info->sent_lcp, &lac->info->sent_lcp_len, options, n, lac);
	queue(lac, true, frame, len);
}

static void on_random(void *ctx, void *buf, size_t n)
{
	struct lac *lac = ctx;

	lac->random(lac->random_ctx, buf, n);
}

static void on_authenticate(void *ctx, const struct ppp_credentials *cred)
{
	struct lac *lac = ctx;
	struct l2tp_call_info *info = lac->info;
	bool chap = cred->method == PPP_AUTH_CHAP_MD5;

	info->has_proxy_auth = true;
	info->proxy_auth_type = chap ? PROXY_TYPE_CHAP : PROXY_TYPE_PAP;
	info->proxy_id = cred->id;
	keep(info->proxy_name, &info->proxy_name_len, cred->user, strlen(cred->user), lac);
	if (chap)
		keep(info->proxy_challenge, &info->proxy_challenge_len, cred->challenge,
		     cred->challenge_len, lac);
	keep(info->proxy_response, &info->proxy_response_len, cred->response, cred->response_len,
	     lac);
	lac->done = true;
}

static void on_network_up(void *ctx, uint16_t protocol, const struct ppp_network *net)
{
	(void)ctx;
	(void)protocol;
	(void)net;
}

static void on_network_down(void *ctx, uint16_t protocol)
{
	(void)ctx;
	(void)protocol;
}

static bool on_alive(void *ctx, msec_t since)
{
	(void)ctx;
	(void)since;
	return true;
}

static void on_finished(void *ctx, const struct ppp_cause *cause)
{
	struct lac *lac = ctx;

	(void)cause;
	lac->failed = true;
}

static const struct ppp_ops lac_ops = {
	.send = on_send,
	.random = on_random,
	.authenticate = on_authenticate,
	.network_up = on_network_up,
	.network_down = on_network_down,
	.alive = on_alive,
	.finished = on_finished,
};

struct lac *lac_new(enum ppp_auth auth, uint16_t mru, void (*random)(void *ctx, void *, size_t),
		    void *random_ctx, struct timers *timers, struct l2tp_call_info *ret)
{
	struct lac *lac = calloc(1, sizeof(*lac));

	if (!lac)
		return NULL;
	lac->cfg = (struct ppp_config){
		.auths = { auth },
		.n_auths = 1,
		.mru = mru,
		.ipv4 = true,
		.name = "lac",
		.restart_ms = 3000,
	};
	lac->info = ret;
	lac->random = random;
	lac->random_ctx = random_ctx;
	lac->link = ppp_link_new(&lac->cfg, &lac_ops, lac, timers);
	if (lac->link)
		return lac;
	free(lac);
	return NULL;
}

void lac_free(struct lac *lac)
{
	if (!lac)
		return;
	ppp_link_free(lac->link);
	explicit_bzero(lac, sizeof(*lac)); /* PAP carries the password */
	free(lac);
}

int lac_negotiate(struct lac *lac, msec_t now, struct ppp_link *subscriber)
{
	ppp_lower_up(lac->link, now, NULL);
	ppp_lower_up(subscriber, now, NULL);
	while (lac->n && !lac->done && !lac->failed) {
		struct frame f = lac->queue[lac->head];

		lac->head = (lac->head + 1) % QUEUE;
		lac->n--;
		if (f.to_subscriber)
			ppp_input(subscriber, now, f.data, f.len);
		else
			ppp_input(lac->link, now, f.data, f.len);
	}
	return lac->done && !lac->failed ? 0 : -EPROTO;
}
