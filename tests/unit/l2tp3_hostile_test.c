/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Octets that must be survived. Where there is a secret nothing that was changed on its way
 * changes anything; without one nothing crashes, grows without bound or touches others.
 */
#include "tests/unit/l2tp3_world.h"

static const struct l2tp_reason done = { .result = L2TP_STOP_GENERAL, .text = "done" };
static const struct l2tp_reason admin = { .result = L2TP_CDN_ADMIN, .text = "enough" };

/* ---- a connection with a secret ---- */

/* What RIGHT holds, as seen from outside. */
struct snapshot {
	unsigned int n_records, sent, tunnels_up, tunnels_gone, asked, news, down, moved;
	uint64_t sum; /* of all records */
	msec_t next;
};

static struct snapshot snapshot_take(struct side *s)
{
	struct snapshot snap = { .sent = s->sent,
				 .tunnels_up = s->tunnels_up,
				 .tunnels_gone = s->tunnels_gone,
				 .asked = s->calls_asked,
				 .news = s->calls_news,
				 .down = s->calls_down,
				 .moved = s->moved,
				 .next = timers_next(&s->timers) };

	side_commit(s);
	snap.n_records = s->n_records;
	for (struct record *r = s->records; r; r = r->next) {
		uint64_t sum = r->kind + 7 * (uint64_t)r->id + 31 * (uint64_t)r->serial;

		for (size_t i = 0; i < r->len; i++)
			sum = sum * 1099511628211u + r->data[i];
		snap.sum += sum; /* in whatever order */
	}
	return snap;
}

static void unchanged(struct side *s, const struct snapshot *before)
{
	struct snapshot now = snapshot_take(s);

	assert_int_equal(now.sent, before->sent);
	assert_int_equal(now.sum, before->sum);
	assert_memory_equal(&now, before, sizeof(now));
}

/* Every octet changed in some ways, every cut; from the right address and from others. */
static void mutate_all(struct side *s, const struct packet *p)
{
	static const uint8_t masks[] = { 0x01, 0x80, 0x10, 0xff };
	struct snapshot before = snapshot_take(s);
	struct path elsewhere = p->path;
	uint8_t copy[L2TP_MAX_MESSAGE];

	elsewhere.peer_port ^= 1;
	memcpy(copy, p->data, p->len);
	for (size_t at = 0; at < p->len; at++)
		for (size_t i = 0; i < sizeof(masks); i++) {
			copy[at] ^= masks[i];
			/* another version of the header is another engine's */
			if ((copy[1] & 15) == 3) {
				side_give(s, &p->path, copy, p->len);
				side_give(s, &elsewhere, copy, p->len);
			}
			copy[at] ^= masks[i];
		}
	for (size_t n = 0; n < p->len; n++) {
		side_give(s, &p->path, copy, n);
		if (n < HEADER)
			continue;
		wire_u16(copy, 2, (uint16_t)n); /* and says so */
		side_give(s, &p->path, copy, n);
		wire_u16(copy, 2, (uint16_t)p->len);
	}
	unchanged(s, &before);
}

enum act { DIAL, CALL, OUTGOING, CIRCUIT, CLOSE_CALL, HELLO, CLOSE, ACTS };

/* Makes `from` say something. */
static void act(struct world *w, unsigned int from, enum act what)
{
	struct l2tp3_call_config cfg = call_config("second");
	struct side *s = &w->side[from];

	switch (what) {
	case DIAL:
		world_open(w, from);
		break;
	case OUTGOING:
		cfg.outgoing = true;
		/* fall through */
	case CALL:
		assert_non_null(l2tp3_call_open(side_tunnel(s), w->now, &cfg));
		break;
	case CIRCUIT:
		l2tp3_call_circuit(side_call(s), w->now, false);
		break;
	case CLOSE_CALL:
		l2tp3_call_close(side_call(s), w->now, &admin);
		break;
	case HELLO: /* by itself */
		break;
	default:
		l2tp3_tunnel_close(side_tunnel(s), w->now, &done);
	}
}

/* One exchange, each message of which is mutated before it arrives. */
static unsigned int exchange(struct world *w, msec_t span)
{
	msec_t until = w->now + span;
	unsigned int n = 0;

	for (;;) {
		side_commit(&w->side[LEFT]);
		side_commit(&w->side[RIGHT]);
		if (w->packets && w->packets->when <= until) {
			mutate_all(&w->side[w->packets->to], w->packets);
			n++;
		}
		if (!world_step(w, until))
			return n;
	}
}

/* The call before goes; one whose circuit changes is there. */
static void prepare(struct world *w, enum act what)
{
	if (what == OUTGOING || what == CIRCUIT)
		act(w, what == OUTGOING ? RIGHT : LEFT, CLOSE_CALL);
	world_run(w, 500);
	if (what == CIRCUIT)
		world_call_open(w, LEFT, "first");
	world_run(w, 500);
}

static void nothing_changed_on_its_way_counts(bool ip, bool hide, enum l2tp3_digest digest)
{
	struct world *w = world_new();

	if (ip)
		world_over_ip(w);
	world_secret(w, "s", "s");
	for (unsigned int i = 0; i < 2; i++) {
		w->side[i].peer.hide = hide;
		w->side[i].peer.digest = digest;
	}
	w->side[LEFT].peer.hello_ms = 5000;
	for (enum act what = DIAL; what < ACTS; what++) {
		prepare(w, what);
		act(w, LEFT, what);
		assert_true(exchange(w, what == HELLO ? 12000 : 500) >= 2);
		if (what < CLOSE)
			world_agrees(w, what == CALL || what == OUTGOING || what == CIRCUIT);
	}
	world_run(w, 200000);
	world_is_empty(w);
	assert_true(counter(&w->side[RIGHT], L2TP3_C_BAD_DIGEST) > 1000);
	assert_true(counter(&w->side[RIGHT], L2TP3_C_NO_DIGEST) > 10);
	world_free(w);
}

static void signed_messages_mutated(void **state)
{
	(void)state;
	nothing_changed_on_its_way_counts(false, false, L2TP3_MD5);
	nothing_changed_on_its_way_counts(true, true, L2TP3_SHA1);
}

/* A checksum over IP without a secret finds what a bad line does; it is not required. */
static void checksums_find_damage(void **state)
{
	struct world *w = world_new();
	struct packet *p;
	unsigned int asked;

	(void)state;
	world_over_ip(w);
	world_up(w, LEFT);
	w->capture = true;
	world_call_open(w, LEFT, "a");
	side_commit(&w->side[LEFT]);
	p = w->kept[LEFT][L2TP_ICRQ];
	asked = w->side[RIGHT].calls_asked;
	for (size_t at = HEADER + 8; at < p->len; at++) {
		if (at < HEADER + 8 + 6)
			continue; /* it is no digest then */
		p->data[at] ^= 4;
		side_give(&w->side[RIGHT], &p->path, p->data, p->len);
		p->data[at] ^= 4;
	}
	assert_int_equal(w->side[RIGHT].calls_asked, asked);
	assert_int_equal(w->side[RIGHT].tunnels_gone, 0);
	side_give(&w->side[RIGHT], &p->path, p->data, p->len);
	assert_int_equal(w->side[RIGHT].calls_asked, asked + 1);
	world_free(w);
}

/* V3-REL-7: a ZLB proves nothing. */
static void a_zlb_without_proof(void **state)
{
	uint8_t zlb[HEADER] = { 0xc8, 3, 0, HEADER };
	struct world *w = world_new();
	struct snapshot before;
	struct path path;

	(void)state;
	world_secret(w, "s", "s");
	world_up(w, LEFT);
	path = world_path(w, RIGHT);
	w->cut = true;
	l2tp3_tunnel_close(side_tunnel(&w->side[RIGHT]), w->now, &done);
	before = snapshot_take(&w->side[RIGHT]);
	wire_u32(zlb, 4, l2tp3_tunnel_peer_id(w->side[LEFT].tunnel));
	for (unsigned int nr = 0; nr < 20; nr++) {
		wire_u16(zlb, 10, (uint16_t)nr);
		side_give(&w->side[RIGHT], &path, zlb, HEADER);
	}
	assert_int_equal(l2tp3_unacknowledged(w->side[RIGHT].ep), 1);
	unchanged(&w->side[RIGHT], &before);
	world_free(w);
}

/* Each message said once more, at any later time. */
static void replays(bool with_secret)
{
	struct world *w = world_new();
	unsigned int up;

	world_secret(w, with_secret ? "s" : NULL, with_secret ? "s" : NULL);
	w->side[LEFT].peer.hello_ms = 5000;
	world_up(w, LEFT);
	world_call_open(w, LEFT, "a");
	world_run(w, 10000);
	l2tp3_call_circuit(side_call(&w->side[LEFT]), w->now, false);
	world_run(w, 500);
	world_call_open(w, LEFT, "b");
	world_run(w, 500);
	l2tp3_call_close(w->side[LEFT].call, w->now, &admin);
	world_run(w, 10000);
	up = w->side[RIGHT].calls_news;
	for (unsigned int type = 0; type < TYPES; type++) {
		struct packet *p = w->kept[LEFT][type];

		if (!p)
			continue;
		side_give(&w->side[RIGHT], &p->path, p->data, p->len);
		world_run(w, 1000);
		world_agrees(w, 1);
	}
	assert_int_equal(w->side[RIGHT].calls_news, up);
	assert_true(counter(&w->side[RIGHT], L2TP3_C_DUPLICATE) > 4);
	world_free(w);
}

static void what_was_said_before_is_known(void **state)
{
	(void)state;
	replays(false);
	replays(true);
}

/* ---- forgeries from elsewhere ---- */

/* StopCCN, CDN and others for guessed CCIDs, from the peer and from others. */
static void guessed_connections(void **state)
{
	struct world *w = world_new();
	struct snapshot before;
	uint32_t id;

	(void)state;
	w->side[LEFT].peer.hello_ms = 5000;
	world_up(w, LEFT);
	world_call_open(w, LEFT, "a");
	world_run(w, 10000);
	w->side[LEFT].peer.hello_ms = 0;
	id = l2tp3_tunnel_id(side_tunnel(&w->side[RIGHT]));
	before = snapshot_take(&w->side[RIGHT]);
	for (unsigned int i = 0; i < 20000; i++) {
		unsigned int type = i % TYPES;
		struct packet *p = w->kept[LEFT][type];
		uint32_t guess = i < 200 ? id + i + 1 : chance_next(&w->chance);

		if (!p || type == L2TP_SCCRQ || guess == id || !guess)
			continue;
		wire_u32(p->data, 4, guess);
		side_give(&w->side[RIGHT], &p->path, p->data, p->len);
	}
	assert_true(counter(&w->side[RIGHT], L2TP3_C_UNKNOWN_CONNECTION) > 2000);
	unchanged(&w->side[RIGHT], &before);
	world_free(w);
}

/* The true CCID and numbers, from another address, port, or to another address of ours. */
static void messages_from_elsewhere(void **state)
{
	struct world *w = world_new();
	struct snapshot before;
	struct packet *p;
	struct path path;

	(void)state;
	world_up(w, LEFT);
	world_call_open(w, LEFT, "a");
	world_run(w, 500);
	w->cut = true;
	l2tp3_tunnel_close(side_tunnel(&w->side[LEFT]), w->now, &done);
	side_commit(&w->side[LEFT]);
	p = w->kept[LEFT][L2TP_STOPCCN];
	before = snapshot_take(&w->side[RIGHT]);
	for (unsigned int i = 0; i < 16; i++) {
		path = p->path;
		path.peer.b[i] ^= 1;
		side_give(&w->side[RIGHT], &path, p->data, p->len);
		path = p->path;
		path.local.b[i] ^= 1;
		side_give(&w->side[RIGHT], &path, p->data, p->len);
		path = p->path;
		path.peer_port ^= (uint16_t)(1 << i);
		side_give(&w->side[RIGHT], &path, p->data, p->len);
	}
	path = p->path;
	path.peer_port = path.local_port = 0; /* directly over IP */
	side_give(&w->side[RIGHT], &path, p->data, p->len);
	assert_int_equal(counter(&w->side[RIGHT], L2TP3_C_WRONG_PATH), 49);
	unchanged(&w->side[RIGHT], &before);
	side_give(&w->side[RIGHT], &p->path, p->data, p->len);
	assert_int_equal(w->side[RIGHT].tunnels_gone, 1);
	world_free(w);
}

/* A peer may end its own sessions, not those of another peer by guessing their IDs. */
static void sessions_of_another_connection(void **state)
{
	struct world *w = world_new();
	struct l2tp3_call *c;
	struct packet *p;
	size_t at;

	(void)state;
	world_up(w, LEFT);
	world_call_open(w, LEFT, "a");
	world_call_open(w, LEFT, "b");
	world_run(w, 500);
	w->capture = true;
	c = w->side[LEFT].call;
	l2tp3_call_close(c, w->now, &admin);
	side_commit(&w->side[LEFT]);
	p = w->kept[LEFT][L2TP_CDN];
	at = wire_find(p->data, p->len, 0, 64, 0, NULL);
	wire_u32(p->data, at, wire_get_u32(p->data, at) ^ 0x10000);
	at = wire_find(p->data, p->len, 0, 63, 0, NULL);
	wire_u32(p->data, at, wire_get_u32(p->data, at) ^ 0x10000);
	side_give(&w->side[RIGHT], &p->path, p->data, p->len);
	assert_int_equal(w->side[RIGHT].calls_down, 0);
	assert_int_equal(counter(&w->side[RIGHT], L2TP3_C_UNKNOWN_SESSION), 1);
	assert_int_equal(w->side[RIGHT].tunnels_gone, 0);
	world_free(w);
}

/* ---- without a secret ---- */

/* Messages of every type, as LEFT sends them, to be changed. */
struct stock {
	struct packet *p[TYPES * 2];
	unsigned int n;
};

static void stock_take(struct stock *st, struct world *w, unsigned int from)
{
	for (unsigned int type = 0; type < TYPES; type++) {
		struct packet *p = w->kept[from][type];

		if (!p || st->n == TYPES * 2)
			continue;
		st->p[st->n++] = packet_new(RIGHT, &p->path, p->data, p->len);
	}
}

static struct stock stock_new(bool fallback, bool drafts)
{
	struct stock st = { .n = 0 };
	struct world *w = world_new();

	w->side[LEFT].peer.hello_ms = 5000;
	w->side[LEFT].peer.v2_fallback = fallback;
	w->side[LEFT].peer.cisco_drafts = drafts;
	world_up(w, LEFT);
	for (enum act what = CALL; what < ACTS; what++) {
		act(w, LEFT, what == HELLO ? CIRCUIT : what);
		world_run(w, 10000);
		if (what == CALL || what == CLOSE_CALL)
			act(w, what == CALL ? LEFT : RIGHT, what == CALL ? CLOSE_CALL : CALL);
		world_run(w, 10000);
	}
	stock_take(&st, w, LEFT);
	stock_take(&st, w, RIGHT);
	for (unsigned int i = 0; i < st.n; i++)
		st.p[i]->path = st.p[0]->path;
	assert_true(st.n >= 14);
	world_free(w);
	return st;
}

static void stock_free(struct stock *st)
{
	while (st->n--)
		free(st->p[st->n]);
}

/* Numbers and IDs that fit, so that what is changed behind them is read. */
static void make_it_fit(struct world *w, uint8_t *msg, size_t len)
{
	const struct packet *sccrp = w->kept[RIGHT][L2TP_SCCRP];
	struct side *s = &w->side[RIGHT];
	uint32_t ids[2];

	if (sccrp && wire_get_u32(msg, 4))
		wire_u32(msg, 4,
			 wire_get_u32(sccrp->data,
				      wire_find(sccrp->data, sccrp->len, 0, 61, 0, NULL)));
	if (wire_get_u32(msg, 4)) {
		wire_u16(msg, 8, w->last_nr[RIGHT]);
		wire_u16(msg, 10, w->next_ns[RIGHT]);
	}
	if (!s->call)
		return;
	ids[0] = l2tp3_call_info(s->call)->peer.id;
	ids[1] = l2tp3_call_info(s->call)->ours.id;
	for (uint16_t i = 0; i < 2; i++) {
		size_t n, at = wire_find(msg, len, 0, (uint16_t)(63 + i), 0, &n);

		if (at && n == 4 && chance_percent(&w->chance, 60))
			wire_u32(msg, at, ids[i]);
	}
}

static size_t mutate(struct chance *c, uint8_t *msg, size_t len)
{
	unsigned int n = chance_next(c) % 4;

	while (n--) {
		size_t at = chance_next(c) % len;

		switch (chance_next(c) % 4) {
		case 0:
			msg[at] ^= (uint8_t)(1 << chance_next(c) % 8);
			break;
		case 1:
			msg[at] = (uint8_t)chance_next(c);
			break;
		case 2: /* AVPs twice, or in another order */
			if (at >= HEADER && len + (len - at) <= 2048) {
				memcpy(msg + len, msg + at, len - at);
				len += len - at;
			}
			break;
		default:
			if (chance_percent(c, 20))
				len = at + 1;
		}
	}
	if (len >= HEADER && chance_percent(c, 80))
		wire_u16(msg, 2, (uint16_t)len);
	return len;
}

/* What it holds has limits whatever it is told. */
static void bounded(const struct side *s)
{
	assert_in_range(side_tunnels(s), 0, 64 + 1 + 64);
	assert_in_range(s->n_records, 0, 4096);
}

/* 0 of a ZLB. */
static uint16_t type_of(const struct packet *p)
{
	return p->len > HEADER ? wire_get_u16(p->data, HEADER + 6) : 0;
}

static struct packet *stock_of(struct stock *st, uint16_t type)
{
	for (unsigned int i = 0; i < st->n; i++)
		if (type_of(st->p[i]) == type)
			return st->p[i];
	fail();
	return NULL;
}

/* One message; where nothing stands, one of the two that make a connection. */
static void one_mutation(struct world *w, struct stock *st, const struct path *path)
{
	struct side *s = &w->side[RIGHT];
	struct packet *p = st->p[chance_next(&w->chance) % st->n];
	uint8_t msg[4096];
	size_t len;

	if (!s->tunnel)
		p = stock_of(st, chance_percent(&w->chance, 50) ? L2TP_SCCRQ : L2TP_SCCCN);
	len = p->len;
	memcpy(msg, p->data, len);
	if (type_of(p) == L2TP_SCCRQ) /* another one */
		wire_u32(msg, wire_find(msg, len, 0, 61, 0, NULL), chance_next(&w->chance));
	make_it_fit(w, msg, len);
	if (chance_percent(&w->chance, 70))
		len = mutate(&w->chance, msg, len);
	side_give(s, path, msg, len);
}

static unsigned int mutations(struct stock *st, uint64_t seed, unsigned int rounds)
{
	struct world *w = world_new();
	struct side *s = &w->side[RIGHT];
	struct path path = world_path(w, RIGHT);
	unsigned int up;

	w->chance.state = seed;
	w->cut = true;
	s->peer.hello_ms = 5000;
	s->peer.cisco_drafts = seed & 1;
	for (unsigned int i = 0; i < rounds; i++) {
		one_mutation(w, st, &path);
		if (i % 16 == 15)
			world_run(w, chance_next(&w->chance) % 2000);
		if (i % 512 == 511)
			bounded(s);
	}
	up = s->tunnels_up;
	world_run(w, 300000);
	assert_int_equal(side_tunnels(s), 0);
	assert_int_equal(s->n_records, 0);
	world_free(w);
	return up;
}

static void two_hundred_thousand_mutations(void **state)
{
	unsigned int up = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++) {
		struct stock st = stock_new(seed & 2, seed & 1);

		up += mutations(&st, seed, 2000);
		stock_free(&st);
	}
	print_message("# %u connections came up\n", up);
	assert_true(up > 1000);
}

/* An established connection with a session, and what has the right numbers. */
static unsigned int mutations_in_a_session(struct stock *st, uint64_t seed)
{
	struct world *w = world_new();
	struct side *s = &w->side[RIGHT];
	struct path path;
	unsigned int i;

	world_up(w, LEFT);
	world_call_open(w, LEFT, "a");
	world_run(w, 500);
	w->chance.state = seed;
	w->cut = true;
	path = world_path(w, RIGHT);
	for (i = 0; i < 200 && s->tunnel; i++) {
		one_mutation(w, st, &path);
		world_run(w, chance_next(&w->chance) % 100);
	}
	bounded(s);
	world_run(w, 300000);
	world_free(w);
	return i;
}

static void mutations_of_what_is_established(void **state)
{
	struct stock st = stock_new(false, false);
	unsigned int n = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 1000; seed++)
		n += mutations_in_a_session(&st, seed);
	print_message("# %u messages until the connection ended\n", n);
	stock_free(&st);
}

/* Names of any octets are printable for whoever sees them. */
static void names_of_any_octets(void **state)
{
	struct world *w = world_new();
	struct packet *p;
	const char *name;
	size_t at, n;

	(void)state;
	w->capture = true;
	world_open(w, LEFT);
	side_commit(&w->side[LEFT]);
	p = w->kept[LEFT][L2TP_SCCRQ];
	at = wire_find(p->data, p->len, 0, 7, 0, &n);
	assert_true(n > 8);
	memcpy(p->data + at, "\x1b[1m\n%s\xc3", 8);
	side_give(&w->side[RIGHT], &p->path, p->data, p->len);
	assert_int_equal(w->side[RIGHT].peers_asked, 1); /* who looked at the name too */
	assert_int_equal(w->seen[RIGHT][L2TP_SCCRP], 1);
	w->capture = false;
	world_run(w, 500);
	name = l2tp3_tunnel_hostname(w->side[RIGHT].tunnel);
	for (; *name; name++)
		assert_in_range(*name, 0x20, 0x7e);
	world_free(w);
}

/* Out of order by the thousand: held back as far as the window goes. */
static void numbers_of_all_kinds(void **state)
{
	struct world *w = world_new();
	struct packet *p;

	(void)state;
	w->side[LEFT].peer.hello_ms = 5000;
	world_up(w, LEFT);
	world_run(w, 10000);
	p = w->kept[LEFT][L2TP_HELLO];
	w->side[LEFT].peer.hello_ms = 0;
	assert_non_null(p);
	w->cut = true;
	for (unsigned int ns = 0; ns < 65536; ns += 5) {
		wire_u16(p->data, 8, (uint16_t)ns);
		side_give(&w->side[RIGHT], &p->path, p->data, p->len);
	}
	assert_true(counter(&w->side[RIGHT], L2TP3_C_OUT_OF_WINDOW) > 6000);
	assert_in_range(counter(&w->side[RIGHT], L2TP3_C_OUT_OF_ORDER), 1, 16);
	assert_int_equal(w->side[RIGHT].tunnels_gone, 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signed_messages_mutated),
		cmocka_unit_test(checksums_find_damage),
		cmocka_unit_test(a_zlb_without_proof),
		cmocka_unit_test(what_was_said_before_is_known),
		cmocka_unit_test(guessed_connections),
		cmocka_unit_test(messages_from_elsewhere),
		cmocka_unit_test(sessions_of_another_connection),
		cmocka_unit_test(two_hundred_thousand_mutations),
		cmocka_unit_test(mutations_of_what_is_established),
		cmocka_unit_test(names_of_any_octets),
		cmocka_unit_test(numbers_of_all_kinds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
