/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A link from a record that is anything at all, and what becomes of it.
 *
 * Input: an octet of choices, the record's length, the record without its sum (which is
 * made good, or else nothing would ever get past it; bit 7 of the choices: it is left as
 * it is), then frames, each with its length, and time steps. Besides memory safety: a
 * record that is taken is written again octet by octet, one that is not leaves a link that
 * can be begun, the user is a string, networks go up and down in turn, no timer is left.
 */
#include <errno.h>
#include <stdlib.h>

#include "loader/ppp/link.h"

static struct timers timers;
static uint32_t seed;
static bool up4, up6, finished;
static unsigned int answers;
static struct ppp_link *link;

static void check(bool good)
{
	if (!good)
		abort();
}

static void op_send(void *ctx, const uint8_t *frame, size_t len)
{
	(void)ctx;
	check(!finished && len >= 8 && len <= PPP_MAX_FRAME && frame[0] == 0xff);
	check(++answers <= 8);
}

static void op_random(void *ctx, void *buf, size_t n)
{
	(void)ctx;
	for (size_t i = 0; i < n; i++) {
		seed = seed * 1664525u + 1013904223u;
		((uint8_t *)buf)[i] = (uint8_t)(seed >> 24);
	}
}

static void op_authenticate(void *ctx, const struct ppp_credentials *cred)
{
	struct ppp_grant g = { .ok = cred->response_len < 20 };

	(void)ctx;
	g.ipv4 = addr_from_v4(0x0a000307);
	g.ipv6.addr.b[0] = 0x20;
	g.ipv6.len = 64;
	ppp_authenticated(link, 0, &g);
}

static void op_up(void *ctx, uint16_t protocol, const struct ppp_network *net)
{
	bool *up = protocol == PPP_IP ? &up4 : &up6;

	(void)ctx;
	check(!finished && !*up && (protocol != PPP_IP || addr_is_v4(&net->ipv4)));
	*up = true;
}

static void op_down(void *ctx, uint16_t protocol)
{
	bool *up = protocol == PPP_IP ? &up4 : &up6;

	(void)ctx;
	check(!finished && *up);
	*up = false;
}

static bool op_alive(void *ctx, msec_t since)
{
	(void)ctx;
	return since & 1;
}

static void op_changed(void *ctx)
{
	uint8_t record[PPP_MAX_RECORD];
	size_t len = ppp_link_save(link, record, sizeof(record));

	(void)ctx;
	check(!finished && (len > 0 || !(up4 || up6)));
}

static void op_finished(void *ctx, const struct ppp_cause *cause)
{
	(void)ctx;
	check(!finished && cause && !up4 && !up6);
	finished = true;
}

static const struct ppp_ops ops = {
	.send = op_send,
	.random = op_random,
	.authenticate = op_authenticate,
	.network_up = op_up,
	.network_down = op_down,
	.alive = op_alive,
	.changed = op_changed,
	.finished = op_finished,
};

/* A link that cannot be restored is begun. */
static void restore(struct reader *r, msec_t now, bool seal)
{
	uint8_t rec[PPP_MAX_RECORD], again[PPP_MAX_RECORD];
	struct writer w = writer_of(rec, sizeof(rec));
	size_t len = reader_u16(r) % (PPP_MAX_RECORD - 4);
	int ret;

	len = len < r->left ? len : r->left;
	writer_bytes(&w, reader_take(r, len), len);
	if (seal)
		writer_u32(&w, (uint32_t)link_record_sum(rec, w.len));
	ret = ppp_link_restore(link, now, rec, w.len);
	check(ret == 0 || ret == -EBADMSG);
	check(strlen(ppp_user(link)) <= PPP_MAX_NAME);
	if (ret) {
		check(timers_next(&timers) == TIMERS_NEVER && !*ppp_user(link));
		check(!ppp_is_open(link, PPP_IP) && !ppp_is_open(link, PPP_IPV6));
		ppp_lower_up(link, now, NULL);
		return;
	}
	check(ppp_link_save(link, again, sizeof(again)) == w.len && !memcmp(rec, again, w.len));
	up4 = ppp_is_open(link, PPP_IP);
	up6 = ppp_is_open(link, PPP_IPV6);
}

static msec_t pass(msec_t now, msec_t ms)
{
	msec_t end = now + ms;

	while (timers_next(&timers) <= end) {
		now = timers_next(&timers) > now ? timers_next(&timers) : now;
		answers = 0;
		timers_run(&timers, now, 1);
	}
	return end;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r = reader_of(data, size);
	uint8_t flags = reader_u8(&r);
	struct ppp_config cfg = {
		.auths = { PPP_AUTH_MSCHAPV2, PPP_AUTH_CHAP_MD5, PPP_AUTH_PAP },
		.n_auths = flags & 3,
		.mru = 1460,
		.ipv4 = !(flags & 4),
		.ipv6 = !(flags & 8),
		.name = "lns",
		.restart_ms = 3000,
		.echo_ms = flags & 16 ? 0 : 30000,
		.echo_failures = 4,
	};
	msec_t now = 100000;

	timers_init(&timers);
	seed = 1;
	answers = 0;
	up4 = up6 = finished = false;
	link = ppp_link_new(&cfg, &ops, NULL, &timers);
	check(link != NULL);
	restore(&r, now, !(flags & 0x80));
	while (r.left) {
		size_t len = reader_u8(&r);

		if (len >= 0xf0) {
			now = pass(now, (len - 0xef) * 1000);
			continue;
		}
		len = len < r.left ? len : r.left;
		answers = 0;
		ppp_input(link, now, reader_take(&r, len), len);
	}
	pass(now, flags & 32 ? 200000 : 10);
	ppp_link_free(link);
	check(timers_next(&timers) == TIMERS_NEVER);
	timers_free(&timers);
	return 0;
}
