/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dialer against a responder of the same rooms, in memory and with a clock of our own:
 * from SCCRQ to IP packets, and back to StopCCN.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/client/dialer.h"
#include "tests/client/responder.h"

#define CLIENT_PORT 40001
#define MANY 100

struct datagram {
	struct datagram *next;
	bool to_server;
	struct path path; /* as its receiver sees it */
	size_t len;
	uint8_t data[];
};

struct world {
	struct timers timers;
	msec_t now;
	uint64_t seed;
	struct datagram *first, **last;
	unsigned int loss; /* per cent */
	bool deaf; /* the server gets nothing */
	struct dialer_config cfg;
	struct responder_config server_cfg;
	struct dialer *dialer;
	struct responder *server;
	struct path path;
	struct l2tp_tunnel *tunnel;
	/* what the dialer told */
	unsigned int up4, up6, prefixes, downs, tunnels_up, tunnels_gone, packets;
	struct ppp_network net;
	struct line_end end;
	uint8_t packet[2048];
	size_t packet_len;
	uint16_t packet_protocol;
};

/* ---- the world ---- */

static uint32_t draw(struct world *w)
{
	w->seed = w->seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(w->seed >> 33);
}

static void world_random(void *ctx, void *buf, size_t n)
{
	uint8_t *p = buf;

	while (n--)
		*p++ = (uint8_t)draw(ctx);
}

static msec_t world_now(void *ctx)
{
	struct world *w = ctx;

	return w->now;
}

static void post(struct world *w, bool to_server, const struct path *path, const uint8_t *msg,
		 size_t len)
{
	struct datagram *d;

	if ((to_server && w->deaf) || draw(w) % 100 < w->loss)
		return;
	d = malloc(sizeof(*d) + len);
	assert_non_null(d);
	d->next = NULL;
	d->to_server = to_server;
	d->path = (struct path){ .local = path->peer,
				 .peer = path->local,
				 .local_port = path->peer_port,
				 .peer_port = path->local_port };
	d->len = len;
	memcpy(d->data, msg, len);
	*w->last = d;
	w->last = &d->next;
}

static void client_send(void *ctx, const struct path *path, const uint8_t *msg, size_t len)
{
	post(ctx, true, path, msg, len);
}

static void server_send(void *ctx, const struct path *path, const uint8_t *msg, size_t len)
{
	post(ctx, false, path, msg, len);
}

static void on_tunnel_up(void *ctx, struct l2tp_tunnel *t)
{
	struct world *w = ctx;

	(void)t;
	w->tunnels_up++;
}

static void on_tunnel_gone(void *ctx, struct l2tp_tunnel *t, const struct l2tp_reason *why)
{
	struct world *w = ctx;

	(void)why;
	if (t == w->tunnel)
		w->tunnel = NULL;
	w->tunnels_gone++;
}

static void on_network_up(void *ctx, struct line *l, uint16_t protocol,
			  const struct ppp_network *net)
{
	struct world *w = ctx;

	assert_non_null(line_owner(l));
	assert_true(line_is_open(l, protocol));
	if (protocol == PPP_IP)
		w->up4++;
	else
		w->up6++;
	w->net = *net;
}

static void on_prefix(void *ctx, struct line *l, const struct ppp_network *net)
{
	struct world *w = ctx;

	(void)l;
	w->prefixes++;
	w->net = *net;
}

static void on_down(void *ctx, struct line *l, const struct line_end *end)
{
	struct world *w = ctx;

	*(struct line **)line_owner(l) = NULL;
	w->downs++;
	w->end = *end;
}

static const struct dialer_ops ops = {
	.now = world_now,
	.send = client_send,
	.random = world_random,
	.tunnel_up = on_tunnel_up,
	.tunnel_gone = on_tunnel_gone,
	.network_up = on_network_up,
	.prefix = on_prefix,
	.down = on_down,
};

static void to_client(struct world *w, const struct path *path, const uint8_t *msg, size_t len)
{
	struct line_packet p;

	if (!dialer_input(w->dialer, w->now, path, msg, len, &p))
		return;
	assert_true(p.len <= sizeof(w->packet));
	w->packets++;
	w->packet_protocol = p.protocol;
	w->packet_len = p.len;
	memcpy(w->packet, p.data, p.len);
}

static void deliver(struct world *w)
{
	while (w->first) {
		struct datagram *d = w->first;

		w->first = d->next;
		if (!w->first)
			w->last = &w->first;
		if (d->to_server)
			responder_input(w->server, w->now, &d->path, d->data, d->len);
		else
			to_client(w, &d->path, d->data, d->len);
		free(d);
		dialer_reap(w->dialer);
	}
}

static void run(struct world *w, msec_t ms)
{
	msec_t until = w->now + ms;

	for (;;) {
		deliver(w);
		if (timers_next(&w->timers) > until)
			break;
		if (timers_next(&w->timers) > w->now)
			w->now = timers_next(&w->timers);
		timers_run(&w->timers, w->now, 1000);
		dialer_reap(w->dialer);
	}
	w->now = until;
}

static struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	timers_init(&w->timers);
	w->now = 1000000;
	w->seed = 42;
	w->last = &w->first;
	w->path = (struct path){ .local = addr_from_v4(0xc0000202),
				 .peer = addr_from_v4(0xc0000201),
				 .local_port = CLIENT_PORT,
				 .peer_port = L2TP_PORT };
	w->cfg = (struct dialer_config){
		.peer = { .name = "server", .hostname = "client", .hello_ms = 60000 },
		.limits = { .shards = 1 },
		.ppp = { .mru = 1460,
			 .ipv4 = true,
			 .ipv6 = true,
			 .restart_ms = 3000,
			 .want_dns = true },
	};
	w->server_cfg = (struct responder_config){ .user = "joe",
						   .password = "secret word",
						   .refusal = "no such luck",
						   .auth = PPP_AUTH_MSCHAPV2,
						   .ipv6 = true,
						   .mru = 1440 };
	return w;
}

/* After the configuration has been changed as the test likes. */
static void world_start(struct world *w)
{
	w->server =
		responder_new(&w->server_cfg, server_send, world_now, world_random, w, &w->timers);
	w->dialer = dialer_new(&w->cfg, &ops, w, &w->timers);
	assert_non_null(w->server);
	assert_non_null(w->dialer);
	w->tunnel = dialer_tunnel(w->dialer, w->now, &w->path);
	assert_non_null(w->tunnel);
}

static void world_end(struct world *w)
{
	dialer_free(w->dialer);
	responder_free(w->server);
	while (w->first) {
		struct datagram *d = w->first;

		w->first = d->next;
		free(d);
	}
	assert_int_equal(timers_next(&w->timers), TIMERS_NEVER); /* nobody left one behind */
	timers_free(&w->timers);
	free(w);
}

static void dial(struct world *w, struct line **owner, const char *password)
{
	*owner = line_open(w->dialer, w->now, w->tunnel, "joe", password, owner);
	assert_non_null(*owner);
}

/* A line that is up, IPv4 and IPv6. */
static void dial_up(struct world *w, struct line **owner)
{
	world_start(w);
	dial(w, owner, "secret word");
	run(w, 5000);
	assert_non_null(*owner);
	assert_int_equal(w->up4, 1);
}

static void send_packet(struct world *w, struct line *l, uint16_t protocol, const void *packet,
			size_t len)
{
	uint8_t msg[LINE_HEADER_MAX + 256];
	size_t at = line_header_len(l);

	line_header(l, protocol, msg);
	memcpy(msg + at, packet, len);
	client_send(w, line_path(l), msg, at + len);
	deliver(w);
}

/* ---- up ---- */

static void line_comes_up_with_both_families(void **state)
{
	struct world *w = world_new();
	struct line *l;
	struct ipaddr a;

	(void)state;
	dial_up(w, &l);
	assert_int_equal(w->tunnels_up, 1);
	assert_int_equal(w->up6, 1);
	assert_int_equal(w->prefixes, 1);
	assert_int_equal(addr_v4(&w->net.ipv4), 0x0a000002); /* PPP-IPCP-1 */
	assert_int_equal(addr_v4(&w->net.local_ipv4), 0x0a000001);
	assert_int_equal(addr_v4(&w->net.dns4[0]), 0x0a000035);
	assert_int_equal(addr_v6_upper(&w->net.ipv6.addr), 0x20010db810000001); /* PPP-V6-5 */
	assert_int_equal(w->net.ipv6.len, 64);
	assert_int_equal(addr_parse("2001:db8:53::53", &a), 0);
	assert_true(addr_eq(&w->net.dns6[0], &a));
	assert_int_equal(line_peer_mru(l), 1440);
	assert_int_equal(line_auth(l), PPP_AUTH_MSCHAPV2);
	world_end(w);
}

static void every_authentication_works(void **state)
{
	static const enum ppp_auth all[] = { PPP_AUTH_NONE, PPP_AUTH_PAP, PPP_AUTH_CHAP_MD5,
					     PPP_AUTH_MSCHAPV2 };

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct world *w = world_new();
		struct line *l;

		w->server_cfg.auth = all[i];
		dial_up(w, &l);
		assert_int_equal(line_auth(l), all[i]);
		world_end(w);
	}
}

static void tunnel_secret_and_hiding_work(void **state)
{
	struct world *w = world_new();
	struct line *l;

	(void)state;
	w->server_cfg.secret = "tunnel secret"; /* V2-AUTH-1, V2-HID-1 */
	w->cfg.peer.secret = (const uint8_t *)"tunnel secret";
	w->cfg.peer.secret_len = strlen("tunnel secret");
	w->cfg.peer.hide = true;
	dial_up(w, &l);
	world_end(w);
}

/* Twenty ICRQs at once: ICCNs wait for the window, so PPP that does not wait for them loses
 * its first request and the second that passes until the next (V2-DATA-7). */
static void patient_lines_lose_no_time(void **state)
{
	struct line *lines[20];

	(void)state;
	for (int patient = 0; patient < 2; patient++) {
		struct world *w = world_new();

		w->cfg.patience_ms = patient ? 3000 : 0;
		world_start(w);
		for (int i = 0; i < 20; i++)
			dial(w, &lines[i], "secret word");
		run(w, 500);
		if (patient)
			assert_int_equal(w->up4, 20);
		else
			assert_true(w->up4 > 0);
		run(w, 5000);
		assert_int_equal(w->up4, 20);
		world_end(w);
	}
}

static void many_lines_come_up_on_a_path_that_loses(void **state)
{
	struct world *w = world_new();
	struct line *lines[MANY];

	(void)state;
	w->loss = 5;
	world_start(w);
	for (int i = 0; i < MANY; i++)
		dial(w, &lines[i], "secret word");
	run(w, 60000);
	assert_int_equal(w->downs, 0);
	for (int i = 0; i < MANY; i++) {
		assert_non_null(lines[i]);
		assert_true(line_is_open(lines[i], PPP_IP));
		assert_true(line_is_open(lines[i], PPP_IPV6));
	}
	assert_true(w->prefixes >= MANY); /* a lost Ack makes an NCP start again */
	assert_int_equal(responder_seen(w->server)->calls, MANY);
	world_end(w);
}

/* ---- refused ---- */

static void wrong_password_tells_the_servers_words(void **state)
{
	static const enum ppp_auth all[] = { PPP_AUTH_PAP, PPP_AUTH_CHAP_MD5, PPP_AUTH_MSCHAPV2 };

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct world *w = world_new();
		struct line *l;

		w->server_cfg.auth = all[i];
		world_start(w);
		dial(w, &l, "wrong");
		run(w, 10000);
		assert_null(l);
		assert_int_equal(w->downs, 1);
		assert_false(w->end.asked);
		assert_string_equal(w->end.text, "authentication refused: \"no such luck\"");
		assert_int_equal(w->up4 + w->up6, 0); /* PPP-PH-3 */
		world_end(w);
	}
}

static void wrong_tunnel_secret_ends_the_line(void **state)
{
	struct world *w = world_new();
	struct line *l;

	(void)state;
	w->server_cfg.secret = "right";
	w->cfg.peer.secret = (const uint8_t *)"wrong";
	w->cfg.peer.secret_len = 5;
	world_start(w);
	dial(w, &l, "secret word");
	run(w, 40000);
	assert_null(l); /* V2-AUTH-2 */
	assert_int_equal(w->downs, 1);
	assert_int_equal(w->tunnels_gone, 1);
	assert_int_equal(w->up4, 0);
	world_end(w);
}

static void silent_server_is_given_up(void **state)
{
	struct world *w = world_new();
	struct line *l;

	(void)state;
	w->deaf = true;
	world_start(w);
	dial(w, &l, "secret word");
	run(w, 30000);
	assert_int_equal(w->downs, 0);
	run(w, 2000); /* V2-REL-8: 31 s */
	assert_int_equal(w->downs, 1);
	assert_string_equal(w->end.text, "no answer from the server");
	world_end(w);
}

/* ---- data ---- */

static const uint8_t ipv4_packet[] = { 0x45, 0, 0, 24, 0, 0, 0x40, 0, 64,  17,  0,   0,
				       10,   0, 0, 2,  9, 9, 9,    9, 'd', 'a', 't', 'a' };

static void packets_go_both_ways(void **state)
{
	static const uint8_t header[] = { 0xff, 0x03, 0x00, 0x21 };
	struct world *w = world_new();
	struct line *l;
	unsigned int before;

	(void)state;
	dial_up(w, &l);
	assert_int_equal(line_header_len(l), 10); /* DP-TX-1 */
	before = responder_seen(w->server)->packets; /* solicitations */
	send_packet(w, l, PPP_IP, ipv4_packet, sizeof(ipv4_packet));
	assert_int_equal(responder_seen(w->server)->packets, before + 1);
	assert_int_equal(responder_seen(w->server)->protocol, PPP_IP);
	assert_false(responder_seen(w->server)->numbered);
	assert_int_equal(responder_seen(w->server)->len, sizeof(ipv4_packet));
	assert_memory_equal(responder_seen(w->server)->packet, ipv4_packet, sizeof(ipv4_packet));

	responder_send(w->server, 0, 0, header, sizeof(header), ipv4_packet, sizeof(ipv4_packet));
	w->packets = 0; /* advertisements were there before */
	deliver(w);
	assert_int_equal(w->packets, 1);
	assert_int_equal(w->packet_protocol, PPP_IP);
	assert_int_equal(w->packet_len, sizeof(ipv4_packet));
	assert_memory_equal(w->packet, ipv4_packet, sizeof(ipv4_packet));
	world_end(w);
}

static void every_form_of_headers_is_taken(void **state)
{
	static const struct {
		size_t len;
		uint8_t octets[4];
	} ppp[] = { /* PPP-FR-2 */
		    { 4, { 0xff, 0x03, 0x00, 0x21 } },
		    { 2, { 0x00, 0x21 } },
		    { 3, { 0xff, 0x03, 0x21 } },
		    { 1, { 0x21 } }
	};
	static const uint16_t flags[] = { 0, L2TP_F_L, L2TP_F_S,
					  L2TP_F_L | L2TP_F_S }; /* DP-V2-1 */
	struct world *w = world_new();
	struct line *l;

	(void)state;
	dial_up(w, &l);
	w->packets = 0;
	for (unsigned int i = 0; i < 16; i++) {
		responder_send(w->server, 0, flags[i / 4], ppp[i % 4].octets, ppp[i % 4].len,
			       ipv4_packet, sizeof(ipv4_packet));
		deliver(w);
		assert_int_equal(w->packets, i + 1);
		assert_int_equal(w->packet_len, sizeof(ipv4_packet));
	}
	world_end(w);
}

static void sequencing_numbers_both_ways(void **state)
{
	static const uint8_t header[] = { 0xff, 0x03, 0x00, 0x21 };
	struct world *w = world_new();
	struct line *l;
	uint16_t before;

	(void)state;
	w->cfg.sequencing = true; /* V2-DATA-2 */
	w->server_cfg.sequencing = true;
	dial_up(w, &l);
	assert_true(responder_seen(w->server)->sequencing_required);
	assert_int_equal(line_header_len(l), 14); /* DP-TX-2 */
	before = responder_seen(w->server)->ns;
	assert_true(responder_seen(w->server)->numbered);
	send_packet(w, l, PPP_IP, ipv4_packet, sizeof(ipv4_packet));
	assert_int_equal(responder_seen(w->server)->ns, before + 1);

	w->packets = 0;
	responder_send(w->server, 0, 0, header, sizeof(header), ipv4_packet, sizeof(ipv4_packet));
	deliver(w);
	assert_int_equal(w->packets, 0); /* DP-SEQ-3 */
	assert_int_equal(dialer_counters(w->dialer)->rx_unnumbered, 1);
	world_end(w);
}

static void numbers_follow_the_server(void **state)
{
	static const uint8_t header[] = { 0xff, 0x03, 0x00, 0x21 };
	struct world *w = world_new();
	struct line *l;

	(void)state;
	dial_up(w, &l);
	assert_int_equal(line_header_len(l), 10);
	responder_send(w->server, 0, L2TP_F_S, header, 4, ipv4_packet, sizeof(ipv4_packet));
	deliver(w);
	assert_int_equal(line_header_len(l), 14); /* V2-DATA-3 */
	responder_send(w->server, 0, 0, header, 4, ipv4_packet, sizeof(ipv4_packet));
	deliver(w);
	assert_int_equal(line_header_len(l), 10);
	world_end(w);
}

static void data_from_elsewhere_is_dropped(void **state)
{
	static const uint8_t header[] = { 0xff, 0x03, 0x00, 0x21 };
	struct world *w = world_new();
	struct line *l;

	(void)state;
	dial_up(w, &l);
	w->packets = 0;
	responder_send(w->server, 0, 0, header, 4, ipv4_packet, sizeof(ipv4_packet));
	assert_non_null(w->first);
	w->first->path.peer_port++; /* DP-V2-2, V2-PORT-3 */
	deliver(w);
	assert_int_equal(w->packets, 0);
	assert_int_equal(dialer_counters(w->dialer)->rx_unknown, 1);
	world_end(w);
}

/* ---- proxy ---- */

static void proxy_is_taken_over(void **state)
{
	static const enum proxy_kind kinds[] = { PROXY_PAP, PROXY_CHAP };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct world *w = world_new();
		struct line *l;

		w->cfg.proxy = kinds[i];
		w->server_cfg.mru = 1460; /* the LAC's is not above it (PPP-PROXY-3) */
		w->server_cfg.secret = "tunnel secret"; /* a password goes hidden (V2-HID-6) */
		w->cfg.peer.secret = (const uint8_t *)w->server_cfg.secret;
		w->cfg.peer.secret_len = strlen(w->server_cfg.secret);
		w->server_cfg.auth = kinds[i] == PROXY_PAP ? PPP_AUTH_PAP : PPP_AUTH_CHAP_MD5;
		dial_up(w, &l); /* PPP-PROXY-1, PPP-PROXY-5, PPP-PROXY-6 */
		assert_true(responder_seen(w->server)->proxied);
		assert_int_equal(responder_seen(w->server)->lcp_requests, 0);
		assert_int_equal(w->up6, 1);
		world_end(w);
	}
}

static void proxy_is_renegotiated(void **state)
{
	struct world *w = world_new();
	struct line *l;

	(void)state;
	w->cfg.proxy = PROXY_CHAP;
	w->server_cfg.lcp_always = true; /* PPP-PROXY-2 */
	dial_up(w, &l);
	assert_true(responder_seen(w->server)->lcp_requests > 0);
	assert_int_equal(line_auth(l), PPP_AUTH_MSCHAPV2);
	world_end(w);
}

static void proxy_with_a_wrong_password_is_refused(void **state)
{
	struct world *w = world_new();
	struct line *l;

	(void)state;
	w->cfg.proxy = PROXY_CHAP;
	w->server_cfg.auth = PPP_AUTH_CHAP_MD5;
	world_start(w);
	dial(w, &l, "wrong");
	run(w, 10000);
	assert_null(l);
	assert_non_null(strstr(w->end.text, "no such luck"));
	world_end(w);
}

/* ---- down ---- */

static void hanging_up_says_goodbye(void **state)
{
	struct world *w = world_new();
	struct line *l;

	(void)state;
	dial_up(w, &l);
	line_close(l, w->now, true);
	run(w, 4000);
	assert_null(l);
	assert_true(w->end.asked);
	assert_int_equal(responder_seen(w->server)->terminates, 1); /* V2-TEAR-5 */
	assert_int_equal(responder_seen(w->server)->down, 1);
	assert_non_null(w->tunnel);
	dialer_hang_up(w->dialer, w->now, w->tunnel);
	assert_int_equal(dialer_unacknowledged(w->dialer), 1);
	run(w, 100);
	assert_int_equal(dialer_unacknowledged(w->dialer), 0); /* V2-TEAR-3 */
	assert_int_equal(w->tunnels_gone, 1);
	world_end(w);
}

static void stopping_the_tunnel_ends_its_lines(void **state)
{
	struct world *w = world_new();
	struct line *l;

	(void)state;
	dial_up(w, &l);
	dialer_hang_up(w->dialer, w->now, w->tunnel);
	assert_null(l);
	assert_true(w->end.asked);
	run(w, 100);
	assert_int_equal(responder_seen(w->server)->down, 1); /* V2-TEAR-1 */
	world_end(w);
}

static void server_that_clears_is_quoted(void **state)
{
	struct world *w = world_new();
	struct line *l;

	(void)state;
	dial_up(w, &l);
	responder_clear(w->server, w->now, 0, "closing time");
	run(w, 100);
	assert_null(l);
	assert_false(w->end.asked);
	assert_int_equal(w->end.result, L2TP_CDN_ADMIN);
	assert_non_null(strstr(w->end.text, "closing"));
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(line_comes_up_with_both_families),
		cmocka_unit_test(every_authentication_works),
		cmocka_unit_test(tunnel_secret_and_hiding_work),
		cmocka_unit_test(patient_lines_lose_no_time),
		cmocka_unit_test(many_lines_come_up_on_a_path_that_loses),
		cmocka_unit_test(wrong_password_tells_the_servers_words),
		cmocka_unit_test(wrong_tunnel_secret_ends_the_line),
		cmocka_unit_test(silent_server_is_given_up),
		cmocka_unit_test(packets_go_both_ways),
		cmocka_unit_test(every_form_of_headers_is_taken),
		cmocka_unit_test(sequencing_numbers_both_ways),
		cmocka_unit_test(numbers_follow_the_server),
		cmocka_unit_test(data_from_elsewhere_is_dropped),
		cmocka_unit_test(proxy_is_taken_over),
		cmocka_unit_test(proxy_is_renegotiated),
		cmocka_unit_test(proxy_with_a_wrong_password_is_refused),
		cmocka_unit_test(hanging_up_says_goodbye),
		cmocka_unit_test(stopping_the_tunnel_ends_its_lines),
		cmocka_unit_test(server_that_clears_is_quoted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
