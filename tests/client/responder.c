/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/client/responder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/base/bytes.h"
#include "loader/l2tp/header.h"
#include "loader/proxy.h"

#define CALLS 1024
#define LCP_CONFIGURE_REQUEST 1
#define LCP_TERMINATE_REQUEST 5

struct served {
	struct responder *r;
	struct l2tp_call *call; /* NULL: ended */
	struct ppp_link *ppp;
	unsigned int n;
	uint16_t ns;
	bool over;
};

struct responder {
	const struct responder_config *cfg;
	struct l2tp_peer peer;
	struct l2tp_limits limits;
	struct ppp_config ppp;
	struct l2tp_endpoint *ep;
	struct timers *timers;
	void (*send)(void *ctx, const struct path *path, const uint8_t *msg, size_t len);
	msec_t (*now)(void *ctx);
	void (*random)(void *ctx, void *buf, size_t n);
	void *ctx;
	struct served *calls[CALLS];
	unsigned int n;
	struct responder_seen seen;
};

/* ---- PPP ---- */

static void send_data(struct served *s, uint16_t flags, const uint8_t *frame, size_t len)
{
	const struct l2tp_tunnel *t = l2tp_call_tunnel(s->call);
	uint8_t msg[L2TP_DATA_HEADER_MAX + 2048];
	struct writer w = writer_of(msg, sizeof(msg));

	writer_u16(&w, flags | 2);
	if (flags & L2TP_F_L)
		writer_u16(&w, (uint16_t)(len + 8 + (flags & L2TP_F_S ? 4 : 0)));
	writer_u16(&w, l2tp_tunnel_peer_id(t));
	writer_u16(&w, l2tp_call_peer_id(s->call));
	if (flags & L2TP_F_S) {
		writer_u16(&w, s->ns++);
		writer_u16(&w, 0);
	}
	writer_bytes(&w, frame, len);
	if (!w.bad)
		s->r->send(s->r->ctx, l2tp_tunnel_path(t), msg, w.len);
}

static void on_ppp_send(void *ctx, const uint8_t *frame, size_t len)
{
	struct served *s = ctx;

	if (s->call)
		send_data(s, s->r->cfg->sequencing ? L2TP_F_S : 0, frame, len);
}

static void on_ppp_random(void *ctx, void *buf, size_t n)
{
	struct served *s = ctx;

	s->r->random(s->r->ctx, buf, n);
}

static void on_authenticate(void *ctx, const struct ppp_credentials *cred)
{
	struct served *s = ctx;
	const struct responder_config *cfg = s->r->cfg;
	struct ppp_grant grant = {
		.local_ipv4 = addr_from_v4(0x0a000001),
		.ipv4 = addr_from_v4(0x0a000002 + s->n),
		.dns4 = { addr_from_v4(0x0a000035) },
	};

	grant.ok = cfg->auth == PPP_AUTH_NONE ||
		   (!strcmp(cred->user, cfg->user) &&
		    ppp_check_password(cred, cfg->password, strlen(cfg->password),
				       grant.authenticator_response));
	if (!grant.ok)
		snprintf(grant.message, sizeof(grant.message), "%s", cfg->refusal);
	if (cfg->ipv6) {
		prefix_parse("2001:db8:1000::/64", &grant.ipv6);
		grant.ipv6.addr.b[6] = (uint8_t)((s->n + 1) >> 8);
		grant.ipv6.addr.b[7] = (uint8_t)(s->n + 1);
		addr_parse("2001:db8:53::53", &grant.dns6[0]);
	}
	ppp_authenticated(s->ppp, s->r->now(s->r->ctx), &grant);
}

static void on_network_up(void *ctx, uint16_t protocol, const struct ppp_network *net)
{
	struct served *s = ctx;

	(void)net;
	if (protocol == PPP_IP)
		s->r->seen.up4++;
	else
		s->r->seen.up6++;
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
	return false;
}

static void on_finished(void *ctx, const struct ppp_cause *cause)
{
	struct served *s = ctx;
	struct l2tp_reason why = { .result = cause->cdn_result };

	snprintf(why.text, sizeof(why.text), "%s", cause->text);
	s->over = true;
	if (s->call)
		l2tp_call_close(s->call, s->r->now(s->r->ctx), &why);
}

static const struct ppp_ops ppp_ops = {
	.send = on_ppp_send,
	.random = on_ppp_random,
	.authenticate = on_authenticate,
	.network_up = on_network_up,
	.network_down = on_network_down,
	.alive = on_alive,
	.finished = on_finished,
};

/* ---- L2TP ---- */

static void on_send(void *ctx, const struct path *path, const uint8_t *msg, size_t len)
{
	struct responder *r = ctx;

	r->send(r->ctx, path, msg, len);
}

static void on_random(void *ctx, void *buf, size_t n)
{
	struct responder *r = ctx;

	r->random(r->ctx, buf, n);
}

static const struct l2tp_peer *on_find_peer(void *ctx, const struct path *path)
{
	struct responder *r = ctx;

	(void)path;
	return &r->peer;
}

static void on_tunnel(void *ctx, struct l2tp_tunnel *t)
{
	(void)ctx;
	(void)t;
}

static void on_tunnel_gone(void *ctx, struct l2tp_tunnel *t, const struct l2tp_reason *why)
{
	(void)ctx;
	(void)t;
	(void)why;
}

static bool on_tunnel_alive(void *ctx, struct l2tp_tunnel *t, msec_t since)
{
	(void)ctx;
	(void)t;
	(void)since;
	return false;
}

static int on_call_request(void *ctx, struct l2tp_call *c, struct l2tp_reason *ret_why)
{
	struct responder *r = ctx;
	struct served *s;

	r->seen.calls++;
	if (r->n == CALLS || !(s = calloc(1, sizeof(*s)))) {
		*ret_why = (struct l2tp_reason){ .result = L2TP_CDN_TEMPORARY, .text = "full" };
		return L2TP_CDN_TEMPORARY;
	}
	s->r = r;
	s->n = r->n;
	s->call = c;
	s->ppp = ppp_link_new(&r->ppp, &ppp_ops, s, r->timers);
	if (!s->ppp)
		abort();
	r->calls[r->n++] = s;
	l2tp_call_set_user(c, s);
	return 0;
}

static void on_call_up(void *ctx, struct l2tp_call *c, const struct l2tp_call_info *i)
{
	struct responder *r = ctx;
	struct served *s = l2tp_call_user(c);
	struct ppp_proxy proxy = proxy_of(i);

	r->seen.proxied = i->has_proxy_auth;
	r->seen.sequencing_required = i->sequencing_required;
	ppp_lower_up(s->ppp, r->now(r->ctx), &proxy);
}

static void on_call_down(void *ctx, struct l2tp_call *c, const struct l2tp_reason *why)
{
	struct responder *r = ctx;
	struct served *s = l2tp_call_user(c);

	r->seen.down++;
	r->seen.cdn_result = why->result;
	if (!s)
		return;
	s->call = NULL;
	if (!s->over)
		ppp_lower_down(s->ppp, r->now(r->ctx));
	s->over = true;
}

static const struct l2tp_ops l2tp_ops = {
	.send = on_send,
	.random = on_random,
	.find_peer = on_find_peer,
	.tunnel_new = on_tunnel,
	.tunnel_moved = on_tunnel,
	.tunnel_up = on_tunnel,
	.tunnel_gone = on_tunnel_gone,
	.tunnel_alive = on_tunnel_alive,
	.call_request = on_call_request,
	.call_up = on_call_up,
	.call_down = on_call_down,
};

/* ---- life, input, output ---- */

struct responder *
responder_new(const struct responder_config *cfg,
	      void (*send)(void *ctx, const struct path *path, const uint8_t *msg, size_t len),
	      msec_t (*now)(void *ctx), void (*random)(void *ctx, void *buf, size_t n), void *ctx,
	      struct timers *timers)
{
	struct responder *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->cfg = cfg;
	r->send = send;
	r->now = now;
	r->random = random;
	r->ctx = ctx;
	r->timers = timers;
	r->limits.shards = 1;
	r->peer = (struct l2tp_peer){
		.name = "client",
		.hostname = "responder",
		.secret = (const uint8_t *)cfg->secret,
		.secret_len = cfg->secret ? strlen(cfg->secret) : 0,
	};
	r->ppp = (struct ppp_config){
		.auths = { cfg->auth },
		.n_auths = cfg->auth == PPP_AUTH_NONE ? 0 : 1,
		.mru = cfg->mru,
		.ipv4 = true,
		.ipv6 = cfg->ipv6,
		.name = "responder",
		.restart_ms = 3000,
		.lcp_always = cfg->lcp_always,
		.proxy_auth = true,
	};
	r->ep = l2tp_endpoint_new(&r->limits, &l2tp_ops, r, timers);
	if (r->ep)
		return r;
	free(r);
	return NULL;
}

void responder_free(struct responder *r)
{
	l2tp_endpoint_free(r->ep);
	for (unsigned int i = 0; i < r->n; i++) {
		ppp_link_free(r->calls[i]->ppp);
		free(r->calls[i]);
	}
	free(r);
}

static void note(struct responder *r, const struct l2tp_header *h, uint16_t protocol,
		 const uint8_t *info, size_t len)
{
	r->seen.numbered = h->has_seq;
	r->seen.ns = h->ns;
	if (protocol == PPP_LCP && len) {
		r->seen.lcp_requests += info[0] == LCP_CONFIGURE_REQUEST;
		r->seen.terminates += info[0] == LCP_TERMINATE_REQUEST;
	}
	if ((protocol != PPP_IP && protocol != PPP_IPV6) || len > sizeof(r->seen.packet))
		return;
	r->seen.packets++;
	r->seen.protocol = protocol;
	r->seen.len = len;
	memcpy(r->seen.packet, info, len);
}

static struct served *find(const struct responder *r, const struct l2tp_header *h)
{
	for (unsigned int i = 0; i < r->n; i++)
		if (r->calls[i]->call && l2tp_call_id(r->calls[i]->call) == h->session_id &&
		    l2tp_tunnel_id(l2tp_call_tunnel(r->calls[i]->call)) == h->tunnel_id)
			return r->calls[i];
	return NULL;
}

void responder_input(struct responder *r, msec_t now, const struct path *path, const uint8_t *msg,
		     size_t len)
{
	struct l2tp_header h;
	struct served *s;
	uint16_t protocol;
	size_t at;

	if (l2tp_header_parse(msg, len, &h) != L2TP_H_OK || (h.flags & L2TP_F_T)) {
		l2tp_input(r->ep, now, path, msg, len);
		return;
	}
	s = find(r, &h);
	at = ppp_header_parse(h.payload, h.payload_len, &protocol);
	if (!s || !at)
		return;
	note(r, &h, protocol, h.payload + at, h.payload_len - at);
	ppp_input(s->ppp, now, h.payload, h.payload_len);
}

void responder_send(struct responder *r, unsigned int n, uint16_t flags, const uint8_t *ppp,
		    size_t ppp_len, const uint8_t *packet, size_t len)
{
	uint8_t frame[2048];

	if (n >= r->n || !r->calls[n]->call || ppp_len + len > sizeof(frame))
		return;
	memcpy(frame, ppp, ppp_len);
	memcpy(frame + ppp_len, packet, len);
	send_data(r->calls[n], flags, frame, ppp_len + len);
}

void responder_clear(struct responder *r, msec_t now, unsigned int n, const char *text)
{
	struct l2tp_reason why = { .result = L2TP_CDN_ADMIN };

	snprintf(why.text, sizeof(why.text), "%s", text);
	if (n < r->n && r->calls[n]->call)
		l2tp_call_close(r->calls[n]->call, now, &why);
}

const struct responder_seen *responder_seen(const struct responder *r)
{
	return &r->seen;
}
