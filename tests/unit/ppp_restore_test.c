/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A link that is saved, lost and restored: the peer must not notice. */
#include "tests/unit/ppp_world.h"

#include <errno.h>

#define ECHO_MS 30000

/* The process ends here, and another one begins, with what it was told to keep. */
static bool die_and_restore(struct end *e)
{
	uint8_t now[PPP_MAX_RECORD];
	bool kept = e->record_len > 0;

	/* `changed` has told of everything */
	assert_int_equal(ppp_link_save(e->link, now, sizeof(now)), e->record_len);
	assert_memory_equal(now, e->record, e->record_len);
	ppp_link_free(e->link);
	world_new_link(e);
	if (!kept) {
		ppp_lower_up(e->link, e->world->now, NULL);
		return false;
	}
	assert_int_equal(ppp_link_restore(e->link, e->world->now, e->record, e->record_len), 0);
	assert_int_equal(ppp_link_save(e->link, now, sizeof(now)), e->record_len);
	assert_memory_equal(now, e->record, e->record_len);
	return true;
}

static void set_up(struct world *w, enum ppp_auth auth, bool ipv4, bool ipv6)
{
	world_init(w);
	w->lns.cfg.auths[0] = auth;
	w->lns.cfg.n_auths = auth != PPP_AUTH_NONE;
	w->lns.cfg.ipv4 = ipv4;
	w->lns.cfg.ipv6 = ipv6;
	w->client.cfg.ipv4 = ipv4;
	w->client.cfg.ipv6 = ipv6;
	if (!ipv4)
		w->lns.grant.ipv4 = (struct ipaddr){ 0 };
	if (!ipv6)
		w->lns.grant.ipv6 = (struct prefix){ 0 };
}

static void expect_service(struct world *w)
{
	const struct ppp_network *lns = ppp_network(w->lns.link);
	const struct ppp_network *client = ppp_network(w->client.link);

	for (unsigned int i = 0; i < 2; i++) {
		uint16_t protocol = i ? PPP_IPV6 : PPP_IP;
		bool wanted = i ? w->lns.cfg.ipv6 : w->lns.cfg.ipv4;

		assert_int_equal(ppp_is_open(w->lns.link, protocol), wanted);
		assert_int_equal(ppp_is_open(w->client.link, protocol), wanted);
	}
	assert_string_equal(ppp_user(w->lns.link), w->lns.cfg.n_auths ? "joe@example.net" : "");
	assert_int_equal(ppp_auth_used(w->lns.link),
			 w->lns.cfg.n_auths ? w->lns.cfg.auths[0] : PPP_AUTH_NONE);
	assert_int_equal(ppp_peer_mru(w->lns.link), 1460);
	assert_memory_equal(&lns->ipv4, &w->lns.grant.ipv4, sizeof(lns->ipv4));
	assert_memory_equal(lns->dns4, w->lns.grant.dns4, sizeof(lns->dns4));
	assert_memory_equal(lns->dns6, w->lns.grant.dns6, sizeof(lns->dns6));
	assert_true(addr_eq(&lns->ipv6.addr, &w->lns.grant.ipv6.addr));
	assert_int_equal(lns->ipv6.len, w->lns.grant.ipv6.len);
	if (w->lns.cfg.ipv4) {
		assert_true(addr_eq(&client->ipv4, &lns->ipv4));
		assert_true(addr_eq(&client->local_ipv4, &lns->local_ipv4));
	}
	assert_memory_equal(client->local_id, lns->peer_id, 8);
	assert_memory_equal(client->peer_id, lns->local_id, 8);
	assert_int_equal(w->lns.n_finished + w->client.n_finished, 0);
}

/* Dies after `at` events. False: the dialogue has fewer. */
static bool dies_at(unsigned int at, bool frames_lost, const struct world *like, bool *ret_kept)
{
	struct world w;
	bool more = true;
	msec_t end;

	set_up(&w, like->lns.cfg.n_auths ? like->lns.cfg.auths[0] : PPP_AUTH_NONE,
	       like->lns.cfg.ipv4, like->lns.cfg.ipv6);
	world_pair(&w);
	end = w.now + 200;
	for (unsigned int i = 0; more && i < at; i++)
		more = world_step(&w, end);
	if (frames_lost)
		wire_clear(&w);
	*ret_kept = die_and_restore(&w.lns);
	/* so short that nobody has missed an echo, so long that every timer has had its turn */
	world_run(&w, 25000);
	expect_service(&w);
	/* nobody had to prove himself again (a lost Ack of LCP, without authentication, is
	 * LCP's own affair) */
	if (*ret_kept && (w.lns.cfg.n_auths || !frames_lost))
		assert_int_equal(w.lns.n_asked, 1);
	if (*ret_kept && !frames_lost) { /* and the subscriber saw nothing */
		assert_int_equal(w.client.down4 + w.client.down6, 0);
		assert_int_equal(w.client.up4 + w.client.up6,
				 (w.lns.cfg.ipv4 ? 1 : 0) + (w.lns.cfg.ipv6 ? 1 : 0));
	}
	/* and after an hour, echoes and all, it is still there */
	if (at % 8 == 0) {
		world_run(&w, 3600000);
		expect_service(&w);
	}
	world_free(&w);
	return more;
}

static void dies_everywhere(enum ppp_auth auth, bool frames_lost)
{
	for (unsigned int networks = 1; networks <= 3; networks++) {
		unsigned int n_kept = 0, n_anew = 0;
		struct world like;
		bool kept;

		set_up(&like, auth, networks & 1, networks & 2);
		for (unsigned int at = 0; dies_at(at, frames_lost, &like, &kept); at++) {
			n_kept += kept;
			n_anew += !kept;
			assert_false(n_kept && !kept); /* what is kept once stays so */
		}
		assert_in_range(n_kept, 5, 50);
		assert_in_range(n_anew, 3, 50);
		world_free(&like);
	}
}

static void test_no_authentication(void **state)
{
	(void)state;
	dies_everywhere(PPP_AUTH_NONE, false);
	dies_everywhere(PPP_AUTH_NONE, true);
}

static void test_pap(void **state)
{
	(void)state;
	dies_everywhere(PPP_AUTH_PAP, false);
	dies_everywhere(PPP_AUTH_PAP, true); /* a lost Ack is given again: PPP-PAP-1 */
}

static void test_chap(void **state)
{
	(void)state;
	dies_everywhere(PPP_AUTH_CHAP_MD5, false);
	dies_everywhere(PPP_AUTH_CHAP_MD5, true); /* PPP-CHAP-3 */
}

static void test_mschapv2(void **state)
{
	(void)state;
	dies_everywhere(PPP_AUTH_MSCHAPV2, false);
	dies_everywhere(PPP_AUTH_MSCHAPV2, true);
}

/* ---- the same answers as before ---- */

/* Frames; NULL: the link's last IPCP request is acknowledged. */
static const char *const script[] = {
	"ff03c021 0909000c a1b2c3d4 01020304", /* Echo-Request */
	"c021 0a09000c a1b2c3d4 01020304", /* Echo-Reply */
	"ff038021 0108000a 0306 0a000307", /* IPCP anew, right at once */
	NULL,
	"ff0380fd 01010004", /* CCP: Protocol-Reject */
	"ff03c021 200a0004", /* an unknown code */
	"ff03c023 01080013 036a6f65 0a636c69656e7450617373", /* PAP once more */
	"ff038057 0109000e 010a 0200000000000077", /* IPV6CP anew */
	"ff038021 0309000a 0306 0a000001", /* a Nak that nobody waits for */
	"ff038021 05090004", /* IPCP goes */
	"ff038021 010a000a 0306 00000000", /* the old one ends first */
	"ff03c021 0109000a 0506a1b2c3d5", /* LCP anew */
	"ff03c021 05090004", /* good-bye */
};

static void say(struct end *e, unsigned int line)
{
	if (script[line])
		feed(e, script[line]);
	else
		agree(e, PPP_IPCP);
}

static void to_network(struct world *w)
{
	world_init(w);
	w->lns.cfg.auths[0] = PPP_AUTH_PAP;
	w->lns.cfg.n_auths = 1;
	world_lns(w);
	network_open(&w->lns);
	agree(&w->lns, PPP_IPCP);
	feed(&w->lns, "ff038021 0107000a 0306 0a000307");
	agree(&w->lns, PPP_IPV6CP);
	feed(&w->lns, "ff038057 0107000e 010a 0200000000000077");
	assert_true(ppp_is_open(w->lns.link, PPP_IP));
	assert_true(ppp_is_open(w->lns.link, PPP_IPV6));
	wire_clear(w);
}

static void test_a_restored_link_answers_as_before(void **state)
{
	unsigned int answers = 0;
	struct world a, b;

	(void)state;
	to_network(&a);
	to_network(&b);
	assert_true(die_and_restore(&b.lns));
	expect_nothing(&b); /* it says nothing by itself */
	for (unsigned int i = 0; i < sizeof(script) / sizeof(script[0]); i++) {
		unsigned int n = 0;

		say(&a.lns, i);
		say(&b.lns, i);
		assert_int_equal(a.tail - a.head, b.tail - b.head);
		for (const struct wire *f; (f = wire_next(&a)); n++) {
			const struct wire *g = wire_next(&b);

			if (f->len != g->len || memcmp(f->data, g->data, f->len) != 0)
				fail_msg("%s: answer %u differs: %s", script[i], n,
					 hex_of(g->data, g->len));
		}
		answers += n;
		assert_int_equal(a.lns.record_len, b.lns.record_len);
		assert_memory_equal(a.lns.record, b.lns.record, a.lns.record_len);
	}
	assert_int_equal(a.lns.down4, b.lns.down4);
	assert_int_equal(b.lns.down4, 2);
	assert_int_equal(answers, 12);
	world_free(&a);
	world_free(&b);
}

/* PPP-PH-4: the networks are down before the peer hears of it, and nothing is kept of a
 * link that is negotiated anew. */
static void test_renegotiation_takes_the_record_away(void **state)
{
	struct world w;

	(void)state;
	to_network(&w);
	die_and_restore(&w.lns);
	w.lns.n_changed = 0;
	feed(&w.lns, "ff03c021 0109000a 0506a1b2c3d5");
	assert_int_equal(w.lns.down4, 1);
	assert_int_equal(w.lns.down6, 1);
	assert_int_equal(w.lns.n_changed, 1);
	assert_int_equal(w.lns.record_len, 0);
	agree(&w.lns, PPP_LCP);
	assert_int_equal(w.lns.n_changed, 1);
	feed(&w.lns, "ff03c023 01070013 036a6f65 0a636c69656e7450617373");
	assert_int_equal(w.lns.n_changed, 2);
	assert_true(w.lns.record_len > 0);
	world_free(&w);
}

/* The subscriber's router has restarted, too. */
static void test_client_that_begins_anew(void **state)
{
	struct world w;

	(void)state;
	set_up(&w, PPP_AUTH_MSCHAPV2, true, true);
	world_pair(&w);
	world_run(&w, 200);
	die_and_restore(&w.lns);
	ppp_link_free(w.client.link);
	w.client.up4 = w.client.up6 = 0;
	world_new_link(&w.client);
	ppp_lower_up(w.client.link, w.now, NULL);
	world_run(&w, 25000);
	expect_service(&w);
	assert_int_equal(w.lns.down4, 1);
	assert_int_equal(w.lns.n_asked, 2);
	world_free(&w);
}

/* Twice, and then once more in the middle of the next negotiation. */
static void test_again_and_again(void **state)
{
	struct world w;

	(void)state;
	set_up(&w, PPP_AUTH_CHAP_MD5, true, true);
	world_pair(&w);
	world_run(&w, 200);
	for (unsigned int i = 0; i < 50; i++) {
		world_run(&w, 777 * i);
		assert_true(die_and_restore(&w.lns));
	}
	world_run(&w, 60000);
	expect_service(&w);
	assert_int_equal(w.client.down4 + w.client.down6, 0);
	world_free(&w);
}

/* ---- timers ---- */

/* Each counts from none: a peer that died with us is found out in the usual time. */
static void test_a_silent_peer_is_missed(void **state)
{
	struct world w;

	(void)state;
	to_network(&w);
	die_and_restore(&w.lns);
	world_run(&w, 3 * ECHO_MS);
	assert_int_equal(w.lns.n_finished, 0);
	world_run(&w, 2 * ECHO_MS);
	assert_int_equal(w.lns.n_finished, 1);
	assert_int_equal(w.lns.cause->code, ppp_cause_echo_timeout.code);
	assert_int_equal(w.lns.record_len, 0);
	world_free(&w);
}

static void test_first_echoes_are_spread(void **state)
{
	unsigned int quarter[4] = { 0 };

	(void)state;
	for (unsigned int i = 0; i < 200; i++) {
		struct world w;
		msec_t wait;

		world_init(&w);
		w.random = i; /* another magic number */
		w.lns.grant.ipv4 = addr_from_v4(0x0a000400 + i);
		w.lns.cfg.n_auths = 0;
		w.lns.cfg.echo_ms = ECHO_MS;
		world_pair(&w);
		world_run(&w, 200);
		assert_true(die_and_restore(&w.lns));
		wait = timer_when(&w.timers, &w.lns.link->echo_timer) - w.now;
		assert_in_range(wait, 1, ECHO_MS);
		assert_in_range(timer_when(&w.timers, &w.lns.link->ra_timer) - w.now, 1, ECHO_MS);
		quarter[(wait - 1) * 4 / ECHO_MS]++;
		world_free(&w);
	}
	for (unsigned int i = 0; i < 4; i++)
		assert_in_range(quarter[i], 30, 70);
}

static void test_prefix_is_told_again_and_then_as_ever(void **state)
{
	struct world w;
	unsigned int n;

	(void)state;
	to_network(&w);
	w.lns.alive = true; /* no echoes */
	die_and_restore(&w.lns);
	world_run(&w, ECHO_MS);
	for (n = 0; wire_next(&w); n++)
		;
	assert_int_equal(n, 1);
	world_run(&w, 3600000);
	for (n = 0; wire_next(&w); n++)
		;
	assert_int_equal(n, 6);
	world_free(&w);
}

/* We died as IPV6CP opened: nobody knows whether an advertisement got out. */
static void test_prefix_of_a_young_link_is_told_at_once(void **state)
{
	struct world w;
	unsigned int n;

	(void)state;
	to_network(&w);
	w.lns.alive = true; /* no echoes */
	die_and_restore(&w.lns);
	ppp_prefix_soon(w.lns.link, w.now, 500);
	world_run(&w, 500);
	for (n = 0; wire_next(&w); n++)
		;
	assert_int_equal(n, 1);
	world_run(&w, 10000);
	for (n = 0; wire_next(&w); n++)
		;
	assert_int_equal(n, 2);
	world_free(&w);
}

/* After a reboot: long before the echo that would be due. */
static void test_a_link_is_asked_at_once(void **state)
{
	const struct wire *echo;
	struct world w;

	(void)state;
	to_network(&w);
	die_and_restore(&w.lns);
	ppp_echo_soon(w.lns.link, w.now, 500);
	assert_in_range(timer_when(&w.timers, &w.lns.link->echo_timer) - w.now, 1, 500);
	assert_in_range(timer_when(&w.timers, &w.lns.link->ra_timer) - w.now, 501,
			ECHO_MS); /* told long ago */
	world_run(&w, 500);
	echo = wire_next(&w);
	assert_non_null(echo);
	assert_memory_equal(echo->data, "\xff\x03\xc0\x21\x09", 5);
	assert_null(wire_next(&w));
	world_free(&w);
}

/* PPP-FSM-5: a request that had no answer yet is the same one. */
static void test_negotiation_goes_on_by_its_timer(void **state)
{
	struct world w;
	struct wire first;
	const struct wire *f;

	(void)state;
	world_init(&w);
	w.lns.cfg.auths[0] = PPP_AUTH_PAP;
	w.lns.cfg.n_auths = 1;
	w.lns.cfg.ipv6 = false;
	world_lns(&w);
	network_open(&w.lns);
	f = wire_find(&w, PPP_IPCP, CODE_CONFIGURE_REQUEST);
	assert_non_null(f);
	first = *f;
	assert_true(die_and_restore(&w.lns));
	expect_nothing(&w);
	world_run(&w, 3000);
	f = wire_next(&w);
	assert_non_null(f);
	assert_int_equal(f->len, first.len);
	assert_memory_equal(f->data, first.data, first.len);
	/* PPP-PH-8: and it does not go on for ever */
	world_run(&w, 40000);
	assert_int_equal(w.lns.n_finished, 1);
	world_free(&w);
}

/* ---- when it is told ---- */

static void test_echoes_change_nothing(void **state)
{
	struct world w;

	(void)state;
	set_up(&w, PPP_AUTH_PAP, true, true);
	w.client.cfg.echo_ms = 1000;
	w.client.cfg.echo_failures = 4;
	world_pair(&w);
	world_run(&w, 200);
	assert_in_range(w.lns.n_changed, 3, 20);
	w.lns.n_changed = 0;
	world_run(&w, 3600000);
	assert_int_equal(w.lns.n_changed, 0);
	world_free(&w);
}

static void test_a_closing_link_is_not_kept(void **state)
{
	struct world w;

	(void)state;
	to_network(&w);
	w.lns.n_changed = 0;
	ppp_close(w.lns.link, w.now, &ppp_cause_admin);
	assert_int_equal(w.lns.n_changed, 1);
	assert_int_equal(w.lns.record_len, 0);
	world_run(&w, 10000);
	assert_int_equal(w.lns.n_finished, 1);
	assert_int_equal(w.lns.n_changed, 1);
	world_free(&w);
}

/* Who takes the session away knows that its record goes. */
static void test_lower_down_tells_nothing(void **state)
{
	struct world w;

	(void)state;
	to_network(&w);
	die_and_restore(&w.lns);
	w.lns.n_changed = 0;
	ppp_lower_down(w.lns.link, w.now);
	assert_int_equal(w.lns.down4, 1);
	assert_int_equal(w.lns.n_changed, 0);
	assert_int_equal(ppp_link_save(w.lns.link, w.lns.record, sizeof(w.lns.record)), 0);
	world_free(&w);
}

static void test_clients_are_not_kept(void **state)
{
	struct world w;
	uint8_t buf[PPP_MAX_RECORD];

	(void)state;
	set_up(&w, PPP_AUTH_PAP, true, true);
	world_pair(&w);
	world_run(&w, 200);
	assert_int_equal(ppp_link_save(w.client.link, buf, sizeof(buf)), 0);
	assert_int_equal(w.client.n_changed, 0);
	ppp_link_free(w.client.link);
	world_new_link(&w.client);
	assert_int_equal(ppp_link_restore(w.client.link, w.now, w.lns.record, w.lns.record_len),
			 -EINVAL);
	assert_int_equal(ppp_link_restore(w.lns.link, w.now, w.lns.record, w.lns.record_len),
			 -EINVAL);
	world_free(&w);
}

/* ---- the record ---- */

static void test_a_record_is_small(void **state)
{
	struct world w;
	uint8_t buf[PPP_MAX_RECORD];

	(void)state;
	set_up(&w, PPP_AUTH_MSCHAPV2, true, true);
	w.lns.grant.dns6[1] = world_addr("2001:db8:53::54");
	world_pair(&w);
	world_run(&w, 200);
	assert_in_range(w.lns.record_len, 100, 200);
	for (size_t cap = 0; cap < w.lns.record_len; cap++)
		assert_int_equal(ppp_link_save(w.lns.link, buf, cap), 0);
	assert_int_equal(ppp_link_save(w.lns.link, buf, w.lns.record_len), w.lns.record_len);
	world_free(&w);
}

/* The longest name and message, all addresses, an identifier to suggest. */
static void test_the_biggest_record(void **state)
{
	static char name[PPP_MAX_NAME + 1];
	struct world w;
	struct ppp_grant *g = &w.lns.grant;

	(void)state;
	set_up(&w, PPP_AUTH_PAP, true, true);
	memset(name, 'n', PPP_MAX_NAME);
	w.client.cfg.user = name;
	memset(g->message, 'm', sizeof(g->message) - 1);
	memset(g->interface_id, 0x66, sizeof(g->interface_id));
	g->nbns[0] = g->nbns[1] = world_addr("10.0.0.54");
	g->dns6[1] = g->dns6[0];
	world_pair(&w);
	world_run(&w, 200);
	assert_in_range(w.lns.record_len, 400, PPP_MAX_RECORD / 2);
	assert_true(die_and_restore(&w.lns));
	assert_string_equal(ppp_user(w.lns.link), name);
	assert_memory_equal(w.lns.link->suggested_id, g->interface_id, 8);
	assert_memory_equal(w.lns.link->nbns, g->nbns, sizeof(g->nbns));
	assert_int_equal(w.lns.link->auth.reply->len, sizeof(g->message) - 1);
	assert_memory_equal(w.lns.link->auth.reply->text, g->message, sizeof(g->message) - 1);
	world_free(&w);
}

static bool as_new(struct end *e)
{
	struct ppp_link *l = ppp_link_new(&e->cfg, &world_ops, e, &e->world->timers);
	bool same;

	assert_non_null(l);
	/* the pointers of a link to itself are its own */
	l->lcp_fsm.link = l->ipcp_fsm.link = l->ipv6cp_fsm.link = e->link;
	same = !memcmp(l, e->link, sizeof(*l));
	l->lcp_fsm.link = l->ipcp_fsm.link = l->ipv6cp_fsm.link = l;
	ppp_link_free(l);
	return same && timers_next(&e->world->timers) == TIMERS_NEVER;
}

static void test_damage_is_seen(void **state)
{
	struct world w;
	uint8_t rec[PPP_MAX_RECORD];
	size_t len;

	(void)state;
	to_network(&w);
	len = w.lns.record_len;
	memcpy(rec, w.lns.record, len);
	ppp_link_free(w.lns.link);
	world_new_link(&w.lns);
	for (size_t n = 0; n < len; n++) {
		assert_int_equal(ppp_link_restore(w.lns.link, w.now, rec, n), -EBADMSG);
		assert_true(as_new(&w.lns));
	}
	rec[len] = 0;
	assert_int_equal(ppp_link_restore(w.lns.link, w.now, rec, len + 1), -EBADMSG);
	for (size_t bit = 0; bit < 8 * len; bit++) {
		rec[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(ppp_link_restore(w.lns.link, w.now, rec, len), -EBADMSG);
		assert_true(as_new(&w.lns));
		rec[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	/* as new: it can be begun */
	ppp_lower_up(w.lns.link, w.now, NULL);
	lcp_open(&w.lns);
	world_free(&w);
}

/* Even with a good sum, as another version might write it: refused, or a sane link. */
static void test_wrong_values_with_a_good_sum(void **state)
{
	unsigned int good = 0, refused = 0;
	struct world w;
	uint8_t rec[PPP_MAX_RECORD];
	size_t len;

	(void)state;
	to_network(&w);
	len = w.lns.record_len;
	ppp_link_free(w.lns.link);
	for (size_t bit = 0; bit < 8 * (len - 4); bit++) {
		struct writer sum = writer_of(rec + len - 4, 4);
		int ret;

		memcpy(rec, w.lns.record, len);
		rec[bit / 8] ^= (uint8_t)(1u << bit % 8);
		writer_u32(&sum, (uint32_t)link_record_sum(rec, len - 4));
		w.lns.up4 = w.lns.up6 = w.lns.down4 = w.lns.down6 = w.lns.n_finished = 0;
		world_new_link(&w.lns);
		ret = ppp_link_restore(w.lns.link, w.now, rec, len);
		w.lns.up4 = ppp_is_open(w.lns.link, PPP_IP);
		w.lns.up6 = ppp_is_open(w.lns.link, PPP_IPV6);
		if (ret) {
			assert_int_equal(ret, -EBADMSG);
			assert_true(as_new(&w.lns));
			refused++;
		} else {
			uint8_t again[PPP_MAX_RECORD];

			assert_int_equal(ppp_link_save(w.lns.link, again, sizeof(again)), len);
			assert_memory_equal(again, rec, len);
			assert_true(strlen(ppp_user(w.lns.link)) <= PPP_MAX_NAME);
			for (unsigned int i = 0; i < sizeof(script) / sizeof(script[0]); i++)
				say(&w.lns, i);
			wire_clear(&w);
			good++;
		}
		world_run(&w, 60000);
		ppp_link_free(w.lns.link);
		wire_clear(&w);
	}
	assert_true(good > 100 && refused > 50);
	w.lns.link = NULL;
	world_free(&w);
}

/* Another configuration: what was open is not wanted now, so it is negotiated anew. */
static void test_other_networks_than_before(void **state)
{
	struct world w;
	uint8_t rec[PPP_MAX_RECORD];
	size_t len;

	(void)state;
	to_network(&w);
	len = w.lns.record_len;
	memcpy(rec, w.lns.record, len);
	ppp_link_free(w.lns.link);
	w.lns.cfg.ipv6 = false;
	world_new_link(&w.lns);
	assert_int_equal(ppp_link_restore(w.lns.link, w.now, rec, len), -EBADMSG);
	assert_true(as_new(&w.lns));
	w.lns.cfg.ipv6 = true;
	w.lns.cfg.ipv4 = false;
	assert_int_equal(ppp_link_restore(w.lns.link, w.now, rec, len), -EBADMSG);
	/* but who has come in may stay, whatever is asked of the next one */
	w.lns.cfg.ipv4 = true;
	w.lns.cfg.auths[0] = PPP_AUTH_MSCHAPV2;
	assert_int_equal(ppp_link_restore(w.lns.link, w.now, rec, len), 0);
	assert_int_equal(ppp_auth_used(w.lns.link), PPP_AUTH_PAP);
	world_free(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_authentication),
		cmocka_unit_test(test_pap),
		cmocka_unit_test(test_chap),
		cmocka_unit_test(test_mschapv2),
		cmocka_unit_test(test_a_restored_link_answers_as_before),
		cmocka_unit_test(test_renegotiation_takes_the_record_away),
		cmocka_unit_test(test_client_that_begins_anew),
		cmocka_unit_test(test_again_and_again),
		cmocka_unit_test(test_a_silent_peer_is_missed),
		cmocka_unit_test(test_first_echoes_are_spread),
		cmocka_unit_test(test_prefix_is_told_again_and_then_as_ever),
		cmocka_unit_test(test_prefix_of_a_young_link_is_told_at_once),
		cmocka_unit_test(test_a_link_is_asked_at_once),
		cmocka_unit_test(test_negotiation_goes_on_by_its_timer),
		cmocka_unit_test(test_echoes_change_nothing),
		cmocka_unit_test(test_a_closing_link_is_not_kept),
		cmocka_unit_test(test_lower_down_tells_nothing),
		cmocka_unit_test(test_clients_are_not_kept),
		cmocka_unit_test(test_a_record_is_small),
		cmocka_unit_test(test_the_biggest_record),
		cmocka_unit_test(test_damage_is_seen),
		cmocka_unit_test(test_wrong_values_with_a_good_sum),
		cmocka_unit_test(test_other_networks_than_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
