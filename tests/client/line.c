/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One line: a call, the PPP link in it, and its data. See dialer.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/base/bytes.h"
#include "tests/client/dialer_internal.h"

#define PPP_HEADER 4
#define PAP_NAK 3
#define CHAP_FAILURE 4
#define LAC_SPEED 100000000
#define LAC_FRAMING_SYNC 1

static msec_t now_of(const struct line *l)
{
	return l->d->ops->now(l->d->ctx);
}

/* ---- PPP's side ---- */

static void on_ppp_send(void *ctx, const uint8_t *frame, size_t len)
{
	struct line *l = ctx;
	struct dialer *d = l->d;
	uint8_t msg[L2TP_DATA_HEADER_MAX + PPP_MAX_FRAME];
	size_t at = l2tp_data_header_len(l->numbers);

	if (l->lac) {
		lac_take(l->lac, frame, len);
		return;
	}
	if (!l->up || !l->call || len > PPP_MAX_FRAME)
		return;
	l2tp_data_header_put(msg, l->peer_tunnel_id, l->peer_session_id, l->numbers,
			     l->numbers ? l->tx_ns++ : 0);
	memcpy(msg + at, frame, len);
	d->ops->send(d->ctx, line_path(l), msg, at + len);
}

static void on_ppp_random(void *ctx, void *buf, size_t n)
{
	struct line *l = ctx;

	l->d->ops->random(l->d->ctx, buf, n);
}

static void on_ppp_authenticate(void *ctx, const struct ppp_credentials *cred)
{
	(void)ctx; /* the server's business */
	(void)cred;
}

static void on_ppp_network_up(void *ctx, uint16_t protocol, const struct ppp_network *net)
{
	struct line *l = ctx;

	*(protocol == PPP_IP ? &l->open4 : &l->open6) = true;
	if (l->d->ops->network_up)
		l->d->ops->network_up(l->d->ctx, l, protocol, net);
}

static void on_ppp_network_down(void *ctx, uint16_t protocol)
{
	struct line *l = ctx;

	*(protocol == PPP_IP ? &l->open4 : &l->open6) = false;
	if (l->d->ops->network_down && !l->d->silent)
		l->d->ops->network_down(l->d->ctx, l, protocol);
}

static void on_ppp_prefix(void *ctx, const struct ppp_network *net)
{
	struct line *l = ctx;

	if (l->d->ops->prefix)
		l->d->ops->prefix(l->d->ctx, l, net);
}

static bool on_ppp_alive(void *ctx, msec_t since)
{
	struct line *l = ctx;

	return l->last_rx > since;
}

static void on_ppp_finished(void *ctx, const struct ppp_cause *cause)
{
	struct line *l = ctx;
	struct l2tp_reason why = {
		.result = cause->cdn_result ? cause->cdn_result : L2TP_CDN_CARRIER,
		.ppp_cause = cause->code,
		.ppp_proto = cause->proto,
		.ppp_direction = cause->direction,
	};

	l->over = true;
	l->cause = cause->text;
	if (l->call)
		l2tp_call_close(l->call, now_of(l), &why);
}

static const struct ppp_ops ppp_ops = {
	.send = on_ppp_send,
	.random = on_ppp_random,
	.authenticate = on_ppp_authenticate,
	.network_up = on_ppp_network_up,
	.network_down = on_ppp_network_down,
	.prefix = on_ppp_prefix,
	.alive = on_ppp_alive,
	.finished = on_ppp_finished,
};

/* ---- life ---- */

/* Negotiates as a LAC would have, before the call; its values go out in ICCN. */
static int negotiate_ahead(struct line *l, msec_t now, struct l2tp_call_info *info)
{
	struct dialer *d = l->d;
	enum ppp_auth auth = d->cfg->proxy == PROXY_PAP ? PPP_AUTH_PAP : PPP_AUTH_CHAP_MD5;
	int ret;

	l->lac = lac_new(auth, l->cfg.mru, d->ops->random, d->ctx, d->timers, info);
	if (!l->lac)
		return -1;
	l->started = true; /* the subscriber has done its part then, and waits for the LNS */
	ret = lac_negotiate(l->lac, now, l->ppp);
	lac_free(l->lac);
	l->lac = NULL;
	return ret;
}

struct line *line_open(struct dialer *d, msec_t now, struct l2tp_tunnel *t, const char *user,
		       const char *password, void *owner)
{
	struct line *l = calloc(1, sizeof(*l));
	struct l2tp_call_info info = {
		.serial = ++d->serial,
		.tx_speed = LAC_SPEED,
		.rx_speed = LAC_SPEED,
		.framing = LAC_FRAMING_SYNC,
		.sequencing_required = d->cfg->sequencing,
	};

	if (!l)
		return NULL;
	if (d->cfg->calling)
		snprintf(info.calling, sizeof(info.calling), "%s", d->cfg->calling);
	l->d = d;
	l->owner = owner;
	l->numbers = d->cfg->sequencing;
	l->cfg = d->cfg->ppp;
	l->cfg.client = true;
	l->cfg.user = user;
	l->cfg.password = password;
	l->ppp = ppp_link_new(&l->cfg, &ppp_ops, l, d->timers);
	if (!l->ppp)
		goto fail;
	if (d->cfg->proxy != PROXY_NONE && negotiate_ahead(l, now, &info) < 0)
		goto fail;
	l->tunnel_id = l2tp_tunnel_id(t);
	l->call = l2tp_call_open(t, now, &info, l);
	explicit_bzero(info.proxy_response, sizeof(info.proxy_response));
	if (!l->call)
		goto fail;
	l->session_id = l2tp_call_id(l->call);
	d->lines[line_index(d, l->tunnel_id, l->session_id)] = l;
	return l;
fail:
	line_free(l);
	return NULL;
}

void line_free(struct line *l)
{
	timer_stop(l->d->timers, &l->patience);
	if (l->ppp)
		ppp_link_free(l->ppp);
	free(l->refusal);
	free(l);
}

static void start_ppp(struct line *l, msec_t now)
{
	timer_stop(l->d->timers, &l->patience);
	l->started = true;
	ppp_lower_up(l->ppp, now, NULL);
}

static void patience_ends(struct timer *t, msec_t now)
{
	start_ppp((struct line *)((char *)t - offsetof(struct line, patience)), now);
}

void line_up(struct line *l)
{
	struct dialer *d = l->d;
	struct l2tp_tunnel *t = l2tp_call_tunnel(l->call);

	l->peer_tunnel_id = l2tp_tunnel_peer_id(t);
	l->peer_session_id = l2tp_call_peer_id(l->call);
	l->up = true;
	if (l->started)
		return;
	if (!d->cfg->patience_ms ||
	    timer_set(d->timers, &l->patience, now_of(l) + d->cfg->patience_ms, patience_ends) < 0)
		start_ppp(l, now_of(l));
}

void line_close(struct line *l, msec_t now, bool graceful)
{
	struct l2tp_reason why = { .result = L2TP_CDN_ADMIN, .text = "asked to" };

	l->asked = true;
	if (!l->call)
		return;
	if (graceful && l->up && l->started && !l->over)
		ppp_close(l->ppp, now, &ppp_cause_admin);
	else
		l2tp_call_close(l->call, now, &why);
}

static void describe_end(const struct line *l, const struct l2tp_reason *why, struct line_end *end)
{
	const char *ours = l->cause ? l->cause : why->text[0] ? why->text : "ended";
	size_t cap = sizeof(end->text);

	if (l->refusal)
		snprintf(end->text, cap, "authentication refused: \"%s\"", l->refusal);
	else if (why->timeout)
		snprintf(end->text, cap, "no answer from the server");
	else if (why->from_peer)
		snprintf(end->text, cap, "the server ended it with result %u error %u%s%s",
			 why->result, why->error, why->text[0] ? ": " : "", why->text);
	else
		snprintf(end->text, cap, "%s", ours);
}

void line_down(struct line *l, const struct l2tp_reason *why)
{
	struct dialer *d = l->d;
	struct line_end end = { .asked = l->asked, .result = why->result, .error = why->error };

	timer_stop(d->timers, &l->patience);
	if (l->started && !l->over)
		ppp_lower_down(l->ppp, now_of(l));
	l->over = true;
	l->call = NULL;
	describe_end(l, why, &end);
	l->next_dead = d->dead;
	d->dead = l;
	if (d->ops->down && !d->silent)
		d->ops->down(d->ctx, l, &end);
}

/* ---- data ---- */

/* Keeps the authenticator's words to a client that it refuses: PPP only knows that it was. */
static void note_refusal(struct line *l, uint16_t protocol, const uint8_t *packet, size_t len)
{
	struct reader r = reader_of(packet, len);
	uint8_t code = reader_u8(&r);
	size_t length, n;
	const uint8_t *text, *words;

	reader_u8(&r);
	length = reader_u16(&r);
	if (code != (protocol == PPP_PAP ? PAP_NAK : CHAP_FAILURE) || length < 4)
		return;
	n = length - 4;
	if (protocol == PPP_PAP)
		n = reader_u8(&r);
	text = reader_take(&r, n);
	if (!text)
		return;
	/* MS-CHAPv2 puts codes in front of the words for people (PPP-MS2-4). */
	words = memmem(text, n, " V=3 M=", 7);
	if (words && !memcmp(text, "E=", 2)) {
		n -= (size_t)(words + 7 - text);
		text = words + 7;
	}
	free(l->refusal);
	l->refusal = malloc(n + 1);
	for (size_t i = 0; l->refusal && i < n; i++)
		l->refusal[i] = text[i] >= ' ' && text[i] < 127 ? (char)text[i] : '?';
	if (l->refusal)
		l->refusal[n] = 0;
}

/* IPv6 from a link-local or unspecified source is the link's to see (PPP-V6-5). */
static bool is_link_local(const uint8_t *p, size_t len)
{
	return len >= 40 && p[8] == 0xfe && (p[9] & 0xc0) == 0x80;
}

/* What the numbers say. False: the message is to be dropped. */
static bool in_sequence(struct line *l, const struct l2tp_header *h)
{
	struct dialer_counters *n = &l->d->counters;
	bool required = l->d->cfg->sequencing;
	uint16_t lost;

	if (!h->has_seq) {
		n->rx_unnumbered += required;
		if (!required)
			l->numbers = false; /* V2-DATA-3 */
		return !required; /* DP-SEQ-3 */
	}
	l->numbers = true;
	if (!sequence_accept(&l->rx, h->ns, &lost)) {
		n->rx_old++;
		return false;
	}
	n->rx_lost += lost;
	return true;
}

bool line_receive(struct line *l, msec_t now, const struct l2tp_header *h, struct line_packet *ret)
{
	struct dialer *d = l->d;
	uint16_t protocol;
	size_t at;

	if (!l->up || !in_sequence(l, h))
		return false;
	if (!l->started)
		start_ppp(l, now);
	at = ppp_header_parse(h->payload, h->payload_len, &protocol);
	if (!at) {
		d->counters.rx_malformed++;
		return false;
	}
	if (protocol != PPP_IP && protocol != PPP_IPV6) {
		if (protocol == PPP_PAP || protocol == PPP_CHAP)
			note_refusal(l, protocol, h->payload + at, h->payload_len - at);
		ppp_input(l->ppp, now, h->payload, h->payload_len);
		return false;
	}
	if (!line_is_open(l, protocol)) {
		d->counters.rx_closed++;
		return false;
	}
	l->last_rx = now;
	ret->line = l;
	ret->protocol = protocol;
	ret->data = h->payload + at;
	ret->len = h->payload_len - at;
	d->counters.rx_packets++;
	if (protocol == PPP_IPV6 && is_link_local(ret->data, ret->len))
		ppp_ipv6_local(l->ppp, now, ret->data, ret->len);
	return l->call != NULL;
}

size_t line_header_len(const struct line *l)
{
	return l2tp_data_header_len(l->numbers) + PPP_HEADER;
}

void line_header(struct line *l, uint16_t protocol, uint8_t *dst)
{
	uint8_t *ppp = dst + l2tp_data_header_len(l->numbers);

	l2tp_data_header_put(dst, l->peer_tunnel_id, l->peer_session_id, l->numbers,
			     l->numbers ? l->tx_ns++ : 0);
	ppp[0] = 0xff;
	ppp[1] = 0x03;
	ppp[2] = (uint8_t)(protocol >> 8);
	ppp[3] = (uint8_t)protocol;
	l->d->counters.tx_packets++;
}

/* ---- what there is to know ---- */

void *line_owner(const struct line *l)
{
	return l->owner;
}

const char *line_user(const struct line *l)
{
	return l->cfg.user;
}

enum ppp_auth line_auth(const struct line *l)
{
	return ppp_auth_used(l->ppp);
}

uint16_t line_tunnel_id(const struct line *l)
{
	return l->tunnel_id;
}

uint16_t line_session_id(const struct line *l)
{
	return l->session_id;
}

uint16_t line_peer_tunnel_id(const struct line *l)
{
	return l->peer_tunnel_id;
}

uint16_t line_peer_session_id(const struct line *l)
{
	return l->peer_session_id;
}

uint16_t line_peer_mru(const struct line *l)
{
	return ppp_peer_mru(l->ppp);
}

/* Only while the call lives. */
const struct path *line_path(const struct line *l)
{
	return l2tp_tunnel_path(l2tp_call_tunnel(l->call));
}

bool line_is_open(const struct line *l, uint16_t protocol)
{
	return l->call && (protocol == PPP_IP ? l->open4 : l->open6);
}
