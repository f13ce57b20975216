/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is refused: who has no secret or another one, who asks too often, for what there is not.
 * It is counted and bounded; where nothing proved itself nothing is kept and nothing said.
 */
#include "tests/unit/l2tp3_world.h"

static const struct l2tp_reason done = { .result = L2TP_STOP_GENERAL, .text = "done" };

/* Nothing was said, nothing is kept, no timer runs. */
static void silent_and_empty(const struct side *s)
{
	assert_int_equal(s->sent, 0);
	assert_int_equal(side_tunnels(s), 0);
	assert_int_equal(s->n_records + s->writes, 0);
	assert_int_equal(timers_next(&s->timers), TIMERS_NEVER);
	assert_int_equal(s->tunnels_up + s->tunnels_gone, 0);
}

/* ---- secrets ---- */

static void another_secret(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		struct world *w = world_new();

		if (i & 1)
			world_over_ip(w);
		world_secret(w, "l2tp-secret", i & 2 ? "l2tp-secreT" : "l2tp-secret2");
		w->side[RIGHT].peer.secret[1] = secret_of(i & 4 ? "previous" : NULL);
		w->side[LEFT].peer.hide = i & 1;
		world_open(w, LEFT);
		world_run(w, 30000);
		silent_and_empty(&w->side[RIGHT]);
		assert_true(counter(&w->side[RIGHT], L2TP3_C_BAD_DIGEST) > 2);
		world_run(w, 100000);
		assert_int_equal(w->side[LEFT].tunnels_gone, 1);
		assert_true(w->side[LEFT].tunnel_why.timeout);
		world_is_empty(w);
		world_free(w);
	}
}

/* V3-AUTH-6: we want a secret, the peer has none. */
static void no_digest_where_one_is_needed(void **state)
{
	struct world *w = world_new();

	(void)state;
	world_secret(w, NULL, "l2tp-secret");
	world_open(w, LEFT);
	world_run(w, 30000);
	silent_and_empty(&w->side[RIGHT]);
	assert_true(counter(&w->side[RIGHT], L2TP3_C_NO_DIGEST) > 2);
	world_free(w);
}

/* The same over IP, where the peer's digests are checksums of an empty secret. */
static void a_checksum_is_no_proof(void **state)
{
	struct world *w = world_new();

	(void)state;
	world_over_ip(w);
	world_secret(w, NULL, "l2tp-secret");
	world_open(w, LEFT);
	world_run(w, 30000);
	silent_and_empty(&w->side[RIGHT]);
	assert_true(counter(&w->side[RIGHT], L2TP3_C_NO_DIGEST) +
			    counter(&w->side[RIGHT], L2TP3_C_BAD_DIGEST) >
		    2);
	world_free(w);
}

/* V3-AUTH-11: we dial with a secret, who answers has none. It never comes up. */
static void an_answer_without_digest(void **state)
{
	(void)state;
	for (unsigned int ip = 0; ip < 2; ip++) {
		struct world *w = world_new();

		if (ip)
			world_over_ip(w);
		w->lax = true; /* StopCCN to who cannot verify it */
		world_secret(w, "l2tp-secret", NULL);
		world_open(w, LEFT);
		world_run(w, 200000);
		assert_int_equal(w->side[LEFT].tunnels_up + w->side[RIGHT].tunnels_up, 0);
		assert_int_equal(w->side[LEFT].tunnels_gone, 1);
		world_is_empty(w);
		world_free(w);
	}
}

/* Another make: it passes over what it does not know of authentication, and answers. */
static size_t without_proof(struct world *w, unsigned int from, uint16_t type, uint8_t *msg,
			    size_t len)
{
	static const uint16_t proof[] = { 59, 73 };

	(void)w;
	for (unsigned int i = 0; from == LEFT && type == L2TP_SCCRQ && i < 2; i++) {
		size_t n, at = wire_find(msg, len, 0, proof[i], 0, &n);

		memmove(msg + at - 6, msg + at + n, len - at - n);
		len -= n + 6;
	}
	wire_u16(msg, 2, (uint16_t)len);
	return len;
}

static void note_unproven(void *ctx, const struct l2tp3_peer *peer, const struct path *path,
			  const char *what)
{
	struct side *s = ctx;

	(void)path;
	assert_ptr_equal(peer, &s->peer);
	assert_non_null(strstr(what, "no digest"));
	++*(unsigned int *)s->world->user;
}

/* What it says anybody could say: the dial ends by its time limit, and people are told why. */
static void a_peer_that_does_not_know_authentication(void **state)
{
	struct world *w = world_new();
	unsigned int told = 0;

	(void)state;
	w->lax = true;
	w->user = &told;
	w->side[LEFT].ops.unproven = note_unproven;
	world_secret(w, "l2tp-secret", NULL);
	w->network = without_proof;
	world_open(w, LEFT);
	world_run(w, 3000);
	assert_true(w->seen[RIGHT][L2TP_SCCRP] > 0);
	assert_in_range(told, 1, w->seen[RIGHT][L2TP_SCCRP]);
	assert_int_equal(w->side[LEFT].tunnels_up + w->side[RIGHT].tunnels_up, 0);
	assert_int_equal(w->side[LEFT].tunnels_gone, 0);
	assert_int_equal(w->seen[LEFT][L2TP_STOPCCN], 0);
	world_run(w, 300000);
	assert_int_equal(w->side[LEFT].tunnels_gone, 1);
	assert_true(w->side[LEFT].tunnel_why.timeout);
	world_is_empty(w);
	world_free(w);
}

/* Who does not see our messages answers first; the true answer comes behind it. */
static void an_unsigned_answer_ends_no_dial(void **state)
{
	struct world *w = world_new();
	struct packet *p;
	size_t n, at;

	(void)state;
	world_secret(w, "s", "s");
	w->capture = true;
	world_open(w, LEFT);
	side_commit(&w->side[LEFT]);
	p = w->kept[LEFT][L2TP_SCCRQ];
	side_give(&w->side[RIGHT], &p->path, p->data, p->len);
	p = packet_new(LEFT, &w->kept[RIGHT][L2TP_SCCRP]->path, w->kept[RIGHT][L2TP_SCCRP]->data,
		       w->kept[RIGHT][L2TP_SCCRP]->len);
	for (unsigned int i = 0; i < 2; i++) {
		at = wire_find(p->data, p->len, 0, i ? 73 : 59, 0, &n);
		memmove(p->data + at - 6, p->data + at + n, p->len - at - n);
		p->len -= n + 6;
		wire_u16(p->data, 2, (uint16_t)p->len);
		side_give(&w->side[LEFT], &p->path, p->data, p->len);
	}
	free(p);
	assert_int_equal(counter(&w->side[LEFT], L2TP3_C_NO_DIGEST), 2);
	assert_int_equal(w->side[LEFT].tunnels_gone, 0);
	p = w->kept[RIGHT][L2TP_SCCRP];
	side_give(&w->side[LEFT], &p->path, p->data, p->len);
	assert_int_equal(w->side[LEFT].tunnels_up, 1);
	world_free(w);
}

/* V3-AVP-5: an initiator that gives up before it has learnt our CCID says its own. */
static void a_stop_without_our_id(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		struct world *w = world_new();
		bool with_secret = i & 1, up = i & 2;
		struct packet *p;

		world_secret(w, with_secret ? "s" : NULL, with_secret ? "s" : NULL);
		world_up(w, LEFT);
		w->cut = true;
		l2tp3_tunnel_close(side_tunnel(&w->side[LEFT]), w->now, &done);
		p = w->kept[LEFT][L2TP_STOPCCN];
		wire_u32(p->data, 4, 0);
		wire_u16(p->data, 8, 1);
		wire_u16(p->data, 10, 0);
		if (!up) { /* the same SCCRQ, to one that knows nothing yet */
			l2tp3_endpoint_free(w->side[RIGHT].ep);
			side_start(&w->side[RIGHT]);
			side_give(&w->side[RIGHT], &w->kept[LEFT][L2TP_SCCRQ]->path,
				  w->kept[LEFT][L2TP_SCCRQ]->data, w->kept[LEFT][L2TP_SCCRQ]->len);
		}
		side_give(&w->side[RIGHT], &p->path, p->data, p->len);
		if (up) /* who was up knows it: that is a stranger */
			assert_int_equal(w->side[RIGHT].tunnels_gone, 0);
		/* without a secret it is believed; with one it is not, since it was changed */
		assert_int_equal(counter(&w->side[RIGHT], L2TP3_C_BAD_DIGEST), with_secret && !up);
		assert_int_equal(counter(&w->side[RIGHT], L2TP3_C_UNKNOWN_CONNECTION), up);
		world_free(w);
	}
}

/* An SCCRP from who does not know the secret: dropped, so that nobody can end our dialling. */
static void an_answer_with_a_wrong_digest(void **state)
{
	struct world *w = world_new();
	struct packet *p;

	(void)state;
	world_secret(w, "s", "s");
	w->capture = true;
	world_open(w, LEFT);
	side_commit(&w->side[LEFT]);
	p = w->kept[LEFT][L2TP_SCCRQ];
	side_give(&w->side[RIGHT], &p->path, p->data, p->len);
	p = w->kept[RIGHT][L2TP_SCCRP];
	for (size_t at = HEADER + 8 + 7; at < p->len - 22; at++) { /* digest to nonce */
		p->data[at] ^= 0x10;
		side_give(&w->side[LEFT], &p->path, p->data, p->len);
		p->data[at] ^= 0x10;
	}
	assert_int_equal(w->side[LEFT].tunnels_gone, 0);
	assert_int_equal(w->seen[LEFT][L2TP_STOPCCN] + w->seen[LEFT][L2TP_SCCCN], 0);
	side_give(&w->side[LEFT], &p->path, p->data, p->len); /* the true one */
	assert_int_equal(w->seen[LEFT][L2TP_SCCCN], 1);
	world_free(w);
}

static void a_secret_is_nowhere(void **state)
{
	struct world *w = world_new();

	(void)state;
	world_secret(w, "abracadabra", "abracadabra");
	w->needle = "abracadabra";
	w->side[LEFT].peer.hide = true;
	world_up(w, LEFT);
	world_call_open(w, LEFT, "a");
	world_run(w, 500);
	world_agrees(w, 1);
	world_free(w);
}

/* ---- replays ---- */

static void a_repeated_sccrq_makes_no_second_connection(void **state)
{
	struct world *w = world_new();
	struct packet *p;

	(void)state;
	world_up(w, LEFT);
	world_call_open(w, LEFT, "a");
	world_run(w, 500);
	p = w->kept[LEFT][L2TP_SCCRQ];
	for (unsigned int i = 0; i < 5; i++) {
		side_give(&w->side[RIGHT], &p->path, p->data, p->len);
		world_run(w, 100);
	}
	assert_true(counter(&w->side[RIGHT], L2TP3_C_DUPLICATE) >= 5);
	world_agrees(w, 1);
	world_free(w);
}

/* V3-AUTH-10: the digest of an SCCRQ proves nothing of today. */
static void an_old_sccrq_ends_nothing(void **state)
{
	struct world *w = world_new();
	struct packet *old;
	struct path path;

	(void)state;
	world_secret(w, "s", "s");
	world_up(w, LEFT);
	old = w->kept[LEFT][L2TP_SCCRQ];
	w->kept[LEFT][L2TP_SCCRQ] = NULL;
	l2tp3_tunnel_close(w->side[LEFT].tunnel, w->now, &done);
	world_run(w, 200000);
	world_is_empty(w);
	assert_non_null(world_open(w, LEFT));
	world_run(w, 500);
	world_call_open(w, LEFT, "a");
	world_run(w, 500);
	path = old->path;
	for (unsigned int i = 0; i < 40; i++) { /* from here, and from elsewhere */
		path.peer_port = (uint16_t)(PORT + i);
		side_give(&w->side[RIGHT], &path, old->data, old->len);
	}
	world_run(w, 20000);
	assert_int_equal(w->side[RIGHT].tunnels_up, 2);
	assert_int_equal(w->side[RIGHT].calls_down + w->side[LEFT].calls_down, 0);
	world_run(w, 200000);
	world_agrees(w, 1); /* what the old ones began is gone */
	free(old);
	world_free(w);
}

/* One recorded SCCRQ, from one port after the other, keeps nobody out. */
static void copies_from_elsewhere_cost_nothing(void **state)
{
	struct world *w = world_new();
	struct side *r = &w->side[RIGHT];
	struct packet *old;
	struct path path;

	(void)state;
	world_secret(w, "s", "s");
	world_up(w, LEFT);
	old = w->kept[LEFT][L2TP_SCCRQ];
	w->kept[LEFT][L2TP_SCCRQ] = NULL;
	l2tp3_tunnel_close(w->side[LEFT].tunnel, w->now, &done);
	world_run(w, 200000);
	path = old->path;
	for (unsigned int i = 0; i < 3000; i++) { /* 300 a second */
		path.peer_port = (uint16_t)(2000 + i);
		side_give(r, &path, old->data, old->len);
		if (i == 1500)
			world_open(w, LEFT);
		world_run(w, i % 3 == 2 ? 10 : 0);
	}
	assert_int_equal(counter(r, L2TP3_C_DUPLICATE), 2999);
	assert_int_equal(counter(r, L2TP3_C_SETUP_RATE_LIMIT), 0);
	assert_int_equal(counter(r, L2TP3_C_HALF_OPEN_LIMIT), 0);
	assert_int_equal(r->tunnels_up, 2);
	world_agrees(w, 0);
	world_run(w, 61000); /* it is forgotten */
	side_give(r, &path, old->data, old->len);
	assert_int_equal(counter(r, L2TP3_C_DUPLICATE), 2999);
	free(old);
	world_free(w);
}

/* Somebody between sends us what we have said ourselves, as if a peer with the same secret had. */
static void what_is_sent_back_is_nothing(void **state)
{
	(void)state;
	for (unsigned int renamed = 0; renamed < 2; renamed++) {
		struct world *w = world_new();
		struct side *l = &w->side[LEFT];
		struct packet *p;
		struct path path;

		world_secret(w, "s", "s");
		w->capture = true;
		world_open(w, LEFT);
		side_commit(l);
		p = w->kept[LEFT][L2TP_SCCRQ];
		path = world_path(w, LEFT);
		if (renamed) /* then its nonce tells */
			l->peer.hostname = "renamed.example";
		for (unsigned int port = PORT; port < PORT + 3; port++) {
			path.peer_port = (uint16_t)port;
			side_give(l, &path, p->data, p->len);
		}
		assert_int_equal(w->seen[LEFT][L2TP_SCCRP] + w->seen[LEFT][L2TP_STOPCCN], 0);
		assert_int_equal(counter(l, L2TP3_C_REFLECTED), 1); /* the others are copies */
		assert_int_equal(l->tunnels_gone, 0);
		world_free(w);
	}
}

/* Of our names: it could be our own, by way of another peer. */
static void an_answer_with_our_names_is_nothing(void **state)
{
	struct world *w = world_new();
	struct side *l = &w->side[LEFT], *r = &w->side[RIGHT];

	(void)state;
	world_secret(w, "s", "s");
	world_open(w, LEFT);
	l->peer.hostname = r->peer.hostname;
	l->peer.router_id = r->peer.router_id;
	world_run(w, 3000);
	assert_true(w->seen[RIGHT][L2TP_SCCRP] > 0);
	assert_int_equal(counter(l, L2TP3_C_REFLECTED), w->seen[RIGHT][L2TP_SCCRP]);
	assert_int_equal(w->seen[LEFT][L2TP_SCCCN] + w->seen[LEFT][L2TP_STOPCCN], 0);
	l->peer.hostname = "left.example"; /* the true one */
	world_run(w, 10000);
	world_agrees(w, 0);
	world_free(w);
}

/* ---- names ---- */

static void another_host_name(void **state)
{
	(void)state;
	for (unsigned int who = 0; who < 2; who++) {
		struct world *w = world_new();

		world_secret(w, "s", "s");
		w->side[who].peer.expect_hostname = "somebody.else";
		world_open(w, LEFT);
		world_run(w, 3000);
		assert_int_equal(w->side[LEFT].tunnels_up + w->side[RIGHT].tunnels_up, 0);
		assert_int_equal(w->seen[who][L2TP_STOPCCN], 1);
		assert_int_equal(w->last_stop.result, L2TP_STOP_NOT_AUTHORISED);
		assert_int_equal(w->side[LEFT].tunnels_gone, 1);
		assert_int_equal(w->side[LEFT].tunnel_why.from_peer, who == RIGHT);
		assert_int_equal(w->side[LEFT].tunnel_why.result, L2TP_STOP_NOT_AUTHORISED);
		assert_non_null(strstr(w->side[LEFT].tunnel_why.text,
				       who == RIGHT ? "host name left.example is not"
						    : "host name right.example is not"));
		world_run(w, 200000);
		world_is_empty(w);
		world_free(w);
	}
}

static void the_expected_host_name(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->side[RIGHT].peer.expect_hostname = "left.example";
	w->side[LEFT].peer.expect_hostname = "right.example";
	world_up(w, LEFT);
	world_agrees(w, 0);
	world_free(w);
}

static void a_stranger_gets_nothing(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->side[RIGHT].strangers_only = true;
	world_open(w, LEFT);
	world_run(w, 50000);
	silent_and_empty(&w->side[RIGHT]);
	assert_int_equal(counter(&w->side[RIGHT], L2TP3_C_STRANGER), w->seen[LEFT][L2TP_SCCRQ]);
	assert_int_equal(w->side[RIGHT].peers_asked, w->seen[LEFT][L2TP_SCCRQ]);
	world_free(w);
}

/* ---- sessions ---- */

/* The call that LEFT opens is refused with this; the connection stays, nothing is left. */
static void call_is_refused(struct world *w, const struct l2tp3_call_config *cfg, uint16_t result)
{
	struct l2tp3_call *c = l2tp3_call_open(side_tunnel(&w->side[LEFT]), w->now, cfg);

	world_run(w, 1000);
	if (c) {
		assert_int_equal(w->side[LEFT].calls_down, 1);
		assert_int_equal(w->side[LEFT].call_why.result, result);
	}
	assert_int_equal(w->side[RIGHT].calls_down, 0);
	w->side[RIGHT].call_result = 0;
	w->network = NULL;
	world_agrees(w, 0);
	world_call_open(w, LEFT, "another one"); /* which goes */
	world_run(w, 1000);
	world_agrees(w, 1);
	world_free(w);
}

static void unknown_to_the_caller(void **state)
{
	struct l2tp3_call_config cfg = call_config("unknown");
	struct world *w = world_new();

	(void)state;
	world_up(w, LEFT);
	w->side[RIGHT].call_result = L2TP_CDN_PERMANENT;
	l2tp3_call_open(side_tunnel(&w->side[LEFT]), w->now, &cfg);
	world_run(w, 1000);
	assert_string_equal(w->side[LEFT].call_why.text, "not wanted");
	assert_true(w->side[LEFT].call_why.from_peer);
	assert_int_equal(counter(&w->side[RIGHT], L2TP3_C_CALL_REFUSED), 1);
	assert_int_equal(counter(&w->side[RIGHT], L2TP3_C_SENT_CDN), 1);
	w->side[LEFT].calls_down = 0;
	call_is_refused(w, &cfg, L2TP_CDN_PERMANENT);
}

/* V3-SES-2 */
static void a_pw_type_that_nobody_has(void **state)
{
	struct l2tp3_call_config cfg = call_config("hdlc");
	struct world *w = world_new();

	(void)state;
	world_up(w, LEFT);
	cfg.pw_type = 6;
	call_is_refused(w, &cfg, L2TP3_CDN_PW_TYPE);
}

/* One AVP of ICRQ has another value. */
static size_t change_avp(struct world *w, unsigned int from, uint16_t type, uint8_t *msg,
			 size_t len)
{
	const uint16_t *what = w->user; /* AVP, value */
	size_t at = wire_find(msg, len, 0, what[0], 0, NULL);

	if (from == LEFT && type == L2TP_ICRQ && at)
		wire_u16(msg, at, what[1]);
	return len;
}

static void a_pw_type_that_we_have_not(void **state)
{
	static uint16_t change[] = { 68, 7 };
	struct l2tp3_call_config cfg = call_config("ppp");
	struct world *w = world_new();

	(void)state;
	world_up(w, LEFT);
	w->network = change_avp;
	w->user = change;
	call_is_refused(w, &cfg, L2TP3_CDN_PW_TYPE);
}

/* V3-SUB-5 */
static void sequencing_without_sublayer(void **state)
{
	static uint16_t change[] = { 69, 0 };
	struct l2tp3_call_config cfg = call_config("a");
	struct world *w = world_new();

	(void)state;
	world_up(w, LEFT);
	w->network = change_avp;
	w->user = change;
	cfg.sequencing = L2TP3_SEQ_ALL;
	call_is_refused(w, &cfg, L2TP3_CDN_NO_SUBLAYER);
}

static void calls_are_limited(void **state)
{
	struct world *w = world_new();
	unsigned int refused = 0;

	(void)state;
	l2tp3_endpoint_free(w->side[RIGHT].ep);
	w->side[RIGHT].limits.calls = 10;
	side_start(&w->side[RIGHT]);
	world_up(w, LEFT);
	for (char i = 'a'; i < 'a' + 20; i++)
		world_call_open(w, LEFT, (char[]){ i, 0 });
	world_run(w, 20000);
	world_agrees(w, 10);
	assert_int_equal(w->side[LEFT].calls_down, 10);
	for (char i = 'A'; i < 'A' + 3; i++)
		refused += !world_call_open(w, RIGHT, (char[]){ i, 0 });
	assert_int_equal(refused, 3);
	world_agrees(w, 10);
	world_free(w);
}

static void nothing_is_opened_on_what_is_not_up(void **state)
{
	struct l2tp3_call_config cfg = call_config("a");
	struct world *w = world_new();
	struct l2tp3_tunnel *t = world_open(w, LEFT);

	(void)state;
	assert_null(l2tp3_call_open(t, w->now, &cfg));
	world_free(w);
}

/* ---- floods ---- */

/* SCCRQs of LEFT's, made again with another CCID. */
struct flood {
	struct world *w;
	struct side *s;
	struct packet *p;
	size_t ccid;
	uint32_t next;
};

static struct flood flood_new(const char *secret)
{
	struct flood f = { .w = world_new(), .next = 0x20000 };

	f.s = &f.w->side[RIGHT];
	world_secret(f.w, secret, secret);
	f.w->capture = true;
	world_open(f.w, LEFT);
	side_commit(&f.w->side[LEFT]);
	f.p = f.w->kept[LEFT][L2TP_SCCRQ];
	f.ccid = wire_find(f.p->data, f.p->len, 0, 61, 0, NULL);
	assert_int_not_equal(f.ccid, 0);
	return f;
}

/* What it would be answered goes nowhere. */
static void flood_give(struct flood *f, const struct ipaddr *from)
{
	struct path path = f->p->path;

	path.peer = *from;
	wire_u32(f->p->data, f->ccid, f->next++);
	side_input(f->s, &path, f->p->data, f->p->len);
	l2tp3_acknowledge(f->s->ep);
	outbox_drop(f->s);
}

/* The true peer gets through when the flood has ebbed away, and it all ends. */
static void flood_over(struct flood *f)
{
	struct world *w = f->w;

	world_drop_packets(w);
	world_run(w, 100000);
	outbox_drop(f->s);
	world_drop_packets(w);
	assert_int_equal(f->s->tunnels_up, 0);
	assert_int_equal(side_tunnels(f->s), 0);
	w->capture = false;
	world_run(w, 200000);
	world_is_empty(w);
	world_open(w, LEFT);
	world_run(w, 3000);
	world_agrees(w, 0);
	world_free(w);
}

static void many_sources(void **state)
{
	struct flood f = flood_new(NULL);

	(void)state;
	for (uint32_t i = 0; i < 10000; i++) {
		struct ipaddr a = addr_from_v4(0x0a000000 + i * 256);

		flood_give(&f, &a);
	}
	assert_true(f.s->sent <= 10000);
	l2tp3_changes(f.s->ep, record_write, f.s);
	assert_in_range(f.s->n_records, 1, 2 * 1024 + 4096);
	assert_true(counter(f.s, L2TP3_C_HALF_OPEN_LIMIT) > 0);
	flood_over(&f);
}

static void one_source(void **state)
{
	struct flood f = flood_new(NULL);

	(void)state;
	for (unsigned int second = 0; second < 20; second++) {
		for (uint32_t i = 0; i < 500; i++) {
			struct ipaddr a = addr_from_v4(0x0a000000 + i % 256);

			flood_give(&f, &a);
		}
		f.w->now += 1000;
	}
	/* 20 a second, and perhaps 64 at once */
	assert_in_range(counter(f.s, L2TP3_C_SETUP_RATE_LIMIT), 10000 - 20 * 20 - 128, 10000);
	assert_true(f.s->sent < 1000);
	l2tp3_changes(f.s->ep, record_write, f.s);
	assert_in_range(f.s->n_records, 1, 1000);
	flood_over(&f);
}

static void one_source_of_version_6(void **state)
{
	struct flood f = flood_new(NULL);
	struct ipaddr a;

	(void)state;
	assert_int_equal(addr_parse("2001:db8:5:600::1", &a), 0);
	for (uint32_t i = 0; i < 10000; i++) {
		a.b[7] = (uint8_t)i; /* below the /56 */
		a.b[15] = (uint8_t)(i >> 8);
		flood_give(&f, &a);
	}
	assert_in_range(counter(f.s, L2TP3_C_SETUP_RATE_LIMIT) +
				counter(f.s, L2TP3_C_HALF_OPEN_LIMIT),
			10000 - 256, 10000);
	flood_over(&f);
}

/* With a secret nothing is kept of any of it. */
static void a_flood_without_proof(void **state)
{
	struct flood f = flood_new("s");

	(void)state;
	for (uint32_t i = 0; i < 10000; i++) {
		struct ipaddr a = addr_from_v4(0x0a000000 + i * 64);

		flood_give(&f, &a);
	}
	silent_and_empty(f.s);
	assert_int_equal(counter(f.s, L2TP3_C_BAD_DIGEST) + counter(f.s, L2TP3_C_SETUP_RATE_LIMIT),
			 10000);
	flood_over(&f);
}

/* Another peer's established connection does not suffer. */
static void a_flood_does_not_disturb(void **state)
{
	struct world *w = world_new();
	struct packet *p;
	struct path path;
	size_t ccid;

	(void)state;
	world_up(w, LEFT);
	world_call_open(w, LEFT, "a");
	world_run(w, 500);
	p = w->kept[LEFT][L2TP_SCCRQ];
	path = p->path;
	ccid = wire_find(p->data, p->len, 0, 61, 0, NULL);
	for (uint32_t i = 0; i < 5000; i++) {
		path.peer = addr_from_v4(0x0a000000 + i * 16);
		wire_u32(p->data, ccid, 0x30000 + i);
		side_give(&w->side[RIGHT], &path, p->data, p->len);
	}
	for (uint32_t i = 0; i < 100; i++) { /* from the peer's own address */
		wire_u32(p->data, ccid, 0x50000 + i);
		side_give(&w->side[RIGHT], &p->path, p->data, p->len);
	}
	assert_int_equal(w->side[RIGHT].calls_down, 0);
	world_run(w, 200000);
	world_agrees(w, 1);
	world_free(w);
}

static void tunnels_are_limited(void **state)
{
	struct world *w = world_new();

	(void)state;
	l2tp3_endpoint_free(w->side[LEFT].ep);
	w->side[LEFT].limits.tunnels = 3;
	side_start(&w->side[LEFT]);
	for (unsigned int i = 0; i < 6; i++) {
		struct path path = world_path(w, LEFT);

		path.peer.b[15] = (uint8_t)(i + 1);
		if (i < 3)
			assert_non_null(l2tp3_tunnel_open(w->side[LEFT].ep, w->now, &path,
							  &w->side[LEFT].peer));
		else
			assert_null(l2tp3_tunnel_open(w->side[LEFT].ep, w->now, &path,
						      &w->side[LEFT].peer));
	}
	world_free(w);
}

/* Who knows the secret calls itself by one name after another. */
static unsigned int many_names(struct world *w, unsigned int n)
{
	static unsigned int next;
	char name[32];

	for (unsigned int i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "guest-%u.example", next++);
		w->side[LEFT].peer.hostname = name;
		world_open(w, LEFT);
		world_run(w, 500);
	}
	w->side[LEFT].peer.hostname = "left.example";
	return side_tunnels(&w->side[RIGHT]);
}

static void a_peer_has_its_share_of_connections(void **state)
{
	struct world *w = world_new();
	struct side *r = &w->side[RIGHT];

	(void)state;
	world_secret(w, "s", "s");
	r->peer.max_tunnels = 6;
	world_up(w, LEFT);
	world_call_open(w, LEFT, "a");
	world_run(w, 500);
	assert_int_equal(many_names(w, 20), 6); /* the young ones stay */
	assert_int_equal(counter(r, L2TP3_C_PEER_LIMIT), 15);
	assert_int_equal(w->last_stop.result, L2TP_STOP_ERROR);
	assert_int_equal(w->last_stop.error, L2TP_ERR_RESOURCES);
	assert_int_equal(r->tunnels_up, 6);
	assert_int_equal(r->tunnels_gone, 0); /* of the others nobody has heard */
	world_run(w, 61000);
	assert_int_equal(many_names(w, 4),
			 6); /* the old ones make room, but for that with a session */
	assert_int_equal(r->tunnels_up, 10);
	assert_int_equal(r->tunnels_gone, 4);
	assert_int_equal(r->calls_down, 0);
	side_restart(r); /* and they count as before */
	world_run(w, 3000);
	assert_int_equal(many_names(w, 3), 6);
	assert_int_equal(r->tunnels_gone, 5); /* the last old one */
	assert_non_null(world_open(w, RIGHT)); /* what we dial is no matter of theirs */
	world_free(w);
}

/* A second peer of the same endpoint, who is no name of the first. */
static struct l2tp3_peer other_peer;

static const struct l2tp3_peer *peer_by_name(void *ctx, const struct path *path,
					     const struct l2tp3_who *who)
{
	return strcmp(who->hostname, "other.example") ? side_find_peer(ctx, path, who)
						      : &other_peer;
}

static void one_peer_takes_no_other_ones_share(void **state)
{
	struct world *w = world_new();
	struct side *r = &w->side[RIGHT];

	(void)state;
	world_secret(w, "s", "s");
	r->ops.find_peer = peer_by_name;
	other_peer = r->peer;
	assert_int_equal(many_names(w, 8), 4);
	w->side[LEFT].peer.hostname = "other.example";
	world_open(w, LEFT);
	world_run(w, 500);
	assert_int_equal(side_tunnels(r), 5);
	assert_int_equal(counter(r, L2TP3_C_PEER_LIMIT), 4);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_secret),
		cmocka_unit_test(no_digest_where_one_is_needed),
		cmocka_unit_test(a_checksum_is_no_proof),
		cmocka_unit_test(an_answer_without_digest),
		cmocka_unit_test(a_peer_that_does_not_know_authentication),
		cmocka_unit_test(an_unsigned_answer_ends_no_dial),
		cmocka_unit_test(a_stop_without_our_id),
		cmocka_unit_test(an_answer_with_a_wrong_digest),
		cmocka_unit_test(a_secret_is_nowhere),
		cmocka_unit_test(a_repeated_sccrq_makes_no_second_connection),
		cmocka_unit_test(an_old_sccrq_ends_nothing),
		cmocka_unit_test(copies_from_elsewhere_cost_nothing),
		cmocka_unit_test(what_is_sent_back_is_nothing),
		cmocka_unit_test(an_answer_with_our_names_is_nothing),
		cmocka_unit_test(another_host_name),
		cmocka_unit_test(the_expected_host_name),
		cmocka_unit_test(a_stranger_gets_nothing),
		cmocka_unit_test(unknown_to_the_caller),
		cmocka_unit_test(a_pw_type_that_nobody_has),
		cmocka_unit_test(a_pw_type_that_we_have_not),
		cmocka_unit_test(sequencing_without_sublayer),
		cmocka_unit_test(calls_are_limited),
		cmocka_unit_test(nothing_is_opened_on_what_is_not_up),
		cmocka_unit_test(many_sources),
		cmocka_unit_test(one_source),
		cmocka_unit_test(one_source_of_version_6),
		cmocka_unit_test(a_flood_without_proof),
		cmocka_unit_test(a_flood_does_not_disturb),
		cmocka_unit_test(tunnels_are_limited),
		cmocka_unit_test(a_peer_has_its_share_of_connections),
		cmocka_unit_test(one_peer_takes_no_other_ones_share),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
