/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two ends of L2TPv3 against each other, over a good and over a bad network. */
#include "tests/unit/l2tp3_world.h"

static const struct l2tp_reason done = { .result = L2TP_STOP_GENERAL, .text = "done" };
static const struct l2tp_reason admin = { .result = L2TP_CDN_ADMIN, .text = "enough" };

/* ---- ways to be set up ---- */

struct way {
	const char *what;
	bool ip, v6;
	const char *secret[2], *previous[2]; /* of each side */
	enum l2tp3_digest digest[2];
	bool hide, drafts, yamaha, fallback, outgoing;
};

static const struct way ways[] = {
	{ .what = "UDP, no secret" },
	{ .what = "UDP over IPv6, no secret", .v6 = true },
	{ .what = "IP, no secret: checksums", .ip = true },
	{ .what = "IP over IPv6", .ip = true, .v6 = true },
	{ .what = "MD5", .secret = { "l2tp-secret", "l2tp-secret" } },
	{ .what = "SHA-1", .secret = { "l2tp-secret", "l2tp-secret" }, .digest = { 1, 1 } },
	{ .what = "MD5 one way, SHA-1 the other", .secret = { "s", "s" }, .digest = { 1, 0 } },
	{ .what = "SHA-1 over IP", .ip = true, .secret = { "s", "s" }, .digest = { 1, 1 } },
	{ .what = "hidden", .secret = { "s", "s" }, .hide = true },
	{ .what = "hidden, SHA-1, IPv6",
	  .v6 = true,
	  .secret = { "s", "s" },
	  .digest = { 1, 1 },
	  .hide = true },
	{ .what = "hiding is asked for and there is no secret", .hide = true },
	{ .what = "left rolls over", .secret = { "new", "old" }, .previous = { "old", NULL } },
	{ .what = "left has begun to", .secret = { "old", "old" }, .previous = { "new", NULL } },
	{ .what = "right rolls over", .secret = { "old", "new" }, .previous = { NULL, "old" } },
	{ .what = "left still knows the old one",
	  .secret = { "new", "new" },
	  .previous = { "old", NULL } },
	{ .what = "both roll over", .secret = { "new", "old" }, .previous = { "old", "new" } },
	{ .what = "left rolls over, hidden",
	  .secret = { "new", "old" },
	  .previous = { "old", NULL },
	  .hide = true },
	{ .what = "right rolls over, hidden",
	  .secret = { "old", "new" },
	  .previous = { NULL, "old" },
	  .hide = true },
	{ .what = "both roll over, hidden",
	  .secret = { "new", "old" },
	  .previous = { "old", "new" },
	  .hide = true,
	  .digest = { 0, 1 } },
	{ .what = "Cisco's drafts", .drafts = true },
	{ .what = "Cisco's drafts, signed", .drafts = true, .secret = { "s", "s" } },
	{ .what = "4 octets before", .yamaha = true, .secret = { "s", "s" } },
	{ .what = "in a header of version 2", .fallback = true },
	{ .what = "in a header of version 2, signed", .fallback = true, .secret = { "s", "s" } },
	{ .what = "in a header of version 2, hidden",
	  .fallback = true,
	  .secret = { "s", "s" },
	  .hide = true },
	{ .what = "outgoing call", .outgoing = true },
	{ .what = "outgoing call, signed, IP",
	  .outgoing = true,
	  .ip = true,
	  .secret = { "s", "s" } },
};

static struct world *way_world(const struct way *way)
{
	struct world *w = world_new();

	if (way->v6)
		world_over_v6(w);
	if (way->ip)
		world_over_ip(w);
	for (unsigned int i = 0; i < 2; i++) {
		struct l2tp3_peer *peer = &w->side[i].peer;

		peer->secret[0] = secret_of(way->secret[i]);
		peer->secret[1] = secret_of(way->previous[i]);
		peer->digest = way->digest[i];
		peer->hide = way->hide;
		peer->cisco_drafts = way->drafts;
		peer->yamaha_header = way->yamaha;
		peer->v2_fallback = way->fallback;
	}
	return w;
}

/* Set-up, a call with asymmetric wishes, its end and the end. */
static void go_one_way(const struct way *way, unsigned int from)
{
	struct l2tp3_call_config cfg = call_config("port 7");
	struct world *w = way_world(way);
	struct l2tp3_tunnel *t = world_up(w, from);
	const struct l2tp3_call_info *info;

	assert_string_equal(l2tp3_tunnel_hostname(t), w->side[!from].peer.hostname);
	assert_string_equal(w->side[!from].who_name, w->side[from].peer.hostname);
	assert_int_equal(w->side[!from].who.router_id, w->side[from].peer.router_id);
	assert_int_equal(w->seen_v2[from], way->fallback);
	assert_true(l2tp3_tunnel_is_initiator(t));
	cfg.outgoing = way->outgoing;
	cfg.cookie_len = 4;
	cfg.sublayer = false;
	w->side[!from].grant.sequencing = L2TP3_SEQ_ALL;
	assert_non_null(l2tp3_call_open(t, w->now, &cfg));
	world_run(w, 500);
	world_agrees(w, 1);
	info = l2tp3_call_info(side_call(&w->side[from]));
	assert_int_equal(info->ours.cookie_len, 4);
	assert_int_equal(info->peer.cookie_len, 8);
	assert_false(info->ours.sublayer);
	assert_true(info->peer.sublayer);
	assert_int_equal(info->peer.sequencing, L2TP3_SEQ_ALL);
	assert_int_equal(info->ours.id & 127, 3); /* its place */
	assert_int_equal(info->peer.id & 1023, 5);
	assert_true(info->ours.circuit & info->peer.circuit & L2TP3_CIRCUIT_ACTIVE);
	l2tp3_tunnel_close(t, w->now, &done);
	world_run(w, 200000);
	assert_string_equal(w->side[!from].tunnel_why.text, "done");
	assert_true(w->side[!from].tunnel_why.from_peer);
	world_is_empty(w);
	world_free(w);
}

static void all_ways_lead_there(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		print_message("# %s\n", ways[i].what);
		go_one_way(&ways[i], LEFT);
		go_one_way(&ways[i], RIGHT);
	}
}

/* What the wire must not show: a secret, and with hiding the cookie. */
static size_t cookies_are_hidden(struct world *w, unsigned int from, uint16_t type, uint8_t *msg,
				 size_t len)
{
	static const uint16_t hidden[] = { 63, 64, 65, 66, 68, 69, 71 };
	unsigned int *n = w->user;

	(void)from;
	(void)type;
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		size_t at = wire_find(msg, len, 0, hidden[i], 0, NULL);

		if (!at)
			continue;
		assert_true(msg[at - 6] & 0x40);
		++*n;
	}
	return len;
}

static void hiding_hides(void **state)
{
	struct world *w = world_new();
	unsigned int n = 0;

	(void)state;
	world_secret(w, "open sesame", "open sesame");
	w->side[LEFT].peer.hide = w->side[RIGHT].peer.hide = true;
	w->needle = "open sesame";
	w->network = cookies_are_hidden;
	w->user = &n;
	world_up(w, LEFT);
	w->needle = "port 7";
	world_call_open(w, LEFT, "port 7");
	world_run(w, 500);
	w->needles = 0; /* records may name it */
	world_agrees(w, 1);
	assert_true(n > 10);
	world_free(w);
}

/* an old Cisco says it in AVPs of vendor 9 alone. */
static size_t vendor_nine_alone(struct world *w, unsigned int from, uint16_t type, uint8_t *msg,
				size_t len)
{
	static const uint16_t ietf[] = { 61, 62, 63, 64, 65, 66, 68, 71, 5 };

	(void)w;
	(void)from;
	(void)type;
	for (uint16_t i = 0; i < 9; i++) {
		size_t n, at = wire_find(msg, len, 0, ietf[i], 0, &n);

		if (!at)
			continue;
		assert_true(wire_find(msg, len, 9, i + 1, 0, NULL));
		memmove(msg + at - 6, msg + at + n, len - at - n);
		len -= n + 6;
	}
	wire_u16(msg, 2, (uint16_t)len);
	return len;
}

static void draft_avps_are_enough(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->side[LEFT].peer.cisco_drafts = w->side[RIGHT].peer.cisco_drafts = true;
	w->network = vendor_nine_alone;
	world_up(w, LEFT);
	world_call_open(w, RIGHT, "xconnect 7");
	world_run(w, 500);
	world_agrees(w, 1);
	l2tp3_call_circuit(side_call(&w->side[LEFT]), w->now, false);
	world_run(w, 500);
	world_agrees(w, 1);
	world_free(w);
}

/* One side's option alone costs nothing. */
static void quirks_of_one_side_alone(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		struct world *w = world_new();

		w->side[i & 1].peer.cisco_drafts = i < 2;
		w->side[i & 1].peer.yamaha_header = i >= 2;
		world_up(w, LEFT);
		world_call_open(w, LEFT, "a");
		world_run(w, 500);
		world_agrees(w, 1);
		world_free(w);
	}
}

/* ---- many calls ---- */

static void a_hundred_calls(void **state)
{
	struct world *w = world_new();
	char name[16];

	(void)state;
	world_secret(w, "s", "s");
	world_up(w, LEFT);
	for (unsigned int i = 0; i < 100; i++) {
		snprintf(name, sizeof(name), "%u", i);
		assert_non_null(world_call_open(w, i & 1, name));
	}
	world_run(w, 10000);
	world_agrees(w, 100);
	assert_int_equal(w->side[LEFT].calls_asked, 50);
	assert_int_equal(w->side[RIGHT].calls_asked, 50);
	for (unsigned int i = 0; i < 100; i++) { /* from either side */
		struct l2tp3_call *c = NULL;

		l2tp3_calls_visit(side_tunnel(&w->side[i & 1]), take_call, &c);
		l2tp3_call_close(c, w->now, &admin);
		world_run(w, 100);
		world_agrees(w, 99 - i);
	}
	assert_int_equal(w->side[LEFT].calls_down + w->side[RIGHT].calls_down, 200);
	assert_int_equal(w->side[LEFT].tunnels_gone, 0);
	world_free(w);
}

static void a_long_remote_end_id(void **state)
{
	struct l2tp3_call_config cfg = call_config("x");
	struct world *w = world_new();

	(void)state;
	world_up(w, LEFT);
	memset(cfg.end_id, 'x', cfg.end_id_len = L2TP3_MAX_END_ID);
	assert_non_null(l2tp3_call_open(w->side[LEFT].tunnel, w->now, &cfg));
	cfg.end_id_len = 4; /* V3-ETH-2 */
	wire_u32(cfg.end_id, 0, 7);
	assert_non_null(l2tp3_call_open(w->side[LEFT].tunnel, w->now, &cfg));
	world_run(w, 500);
	world_agrees(w, 2);
	world_free(w);
}

static bool seek_id(void *arg, struct l2tp3_call *c)
{
	uint32_t *ids = arg;

	ids[++ids[0]] = l2tp3_call_info(c)->ours.id;
	return true;
}

/* All IDs but the low place bits are random; nothing is given out twice, even with 31 place bits. */
static void session_ids_differ(void **state)
{
	struct l2tp3_call_config cfg = call_config("x");
	struct world *w = world_new();
	uint32_t ids[65] = { 0 };

	(void)state;
	world_up(w, LEFT);
	cfg.place_bits = 24;
	for (unsigned int i = 0; i < 64; i++) {
		wire_u16(cfg.end_id, 0, (uint16_t)i);
		cfg.end_id_len = 2;
		assert_non_null(l2tp3_call_open(w->side[LEFT].tunnel, w->now, &cfg));
	}
	world_run(w, 5000);
	world_agrees(w, 64);
	l2tp3_calls_visit(w->side[LEFT].tunnel, seek_id, ids);
	assert_int_equal(ids[0], 64);
	for (unsigned int i = 1; i <= 64; i++) {
		assert_int_equal(ids[i] & 0xffffff, 3);
		for (unsigned int j = 1; j < i; j++)
			assert_int_not_equal(ids[i], ids[j]);
	}
	world_free(w);
}

/* ---- circuits ---- */

static void circuits_are_told_both_ways(void **state)
{
	struct world *w = world_new();
	unsigned int news;

	(void)state;
	world_secret(w, "s", "s");
	world_up(w, LEFT);
	world_call_open(w, LEFT, "a");
	world_run(w, 500);
	for (unsigned int i = 0; i < 8; i++) {
		unsigned int from = i & 1, active = i >> 1 & 1;

		news = w->side[!from].calls_news;
		l2tp3_call_circuit(side_call(&w->side[from]), w->now, active);
		l2tp3_call_circuit(side_call(&w->side[from]), w->now, active);
		world_run(w, 500);
		assert_int_equal(w->side[!from].calls_news, news + 1);
		assert_int_equal(w->seen[from][L2TP_SLI], (i >> 1) + 1); /* news alone */
		world_agrees(w, 1);
		assert_int_equal(l2tp3_call_info(side_call(&w->side[!from]))->peer.circuit &
					 L2TP3_CIRCUIT_ACTIVE,
				 active);
	}
	assert_int_equal(counter(&w->side[LEFT], L2TP3_C_SENT_SLI), 4);
	assert_int_equal(counter(&w->side[LEFT], L2TP3_C_RX_SLI), 4);
	world_free(w);
}

static void a_circuit_that_is_down_from_the_beginning(void **state)
{
	struct l2tp3_call_config cfg = call_config("a");
	struct world *w = world_new();

	(void)state;
	world_up(w, LEFT);
	cfg.active = false;
	w->side[RIGHT].grant.active = false;
	l2tp3_call_open(w->side[LEFT].tunnel, w->now, &cfg);
	world_run(w, 500);
	world_agrees(w, 1);
	assert_false(l2tp3_call_info(side_call(&w->side[LEFT]))->peer.circuit & 1);
	assert_false(l2tp3_call_info(side_call(&w->side[RIGHT]))->peer.circuit & 1);
	l2tp3_call_circuit(side_call(&w->side[RIGHT]), w->now, true);
	world_run(w, 500);
	world_agrees(w, 1);
	world_free(w);
}

/* V3-ETH-3: SLI follows ICRQ at once, and has no Remote Session ID yet. */
static void a_circuit_that_changes_before_icrp(void **state)
{
	(void)state;
	for (unsigned int delay = 0; delay < 20; delay++) {
		struct world *w = world_new();
		struct l2tp3_call *c;

		world_up(w, LEFT);
		c = world_call_open(w, LEFT, "a");
		world_run(w, delay);
		l2tp3_call_circuit(c, w->now, false);
		if (w->side[RIGHT].call) /* and the other one's, before ICCN */
			l2tp3_call_circuit(w->side[RIGHT].call, w->now, false);
		world_run(w, 5000);
		world_agrees(w, 1);
		assert_false(l2tp3_call_info(side_call(&w->side[RIGHT]))->peer.circuit & 1);
		world_free(w);
	}
}

/* ---- ends ---- */

static void call_down_runs_before_cdn_leaves(void **state)
{
	struct world *w = world_new();
	unsigned int before;

	(void)state;
	world_up(w, LEFT);
	world_call_open(w, LEFT, "a");
	world_run(w, 500);
	before = w->side[RIGHT].sent;
	l2tp3_call_close(side_call(&w->side[RIGHT]), w->now, &admin);
	assert_int_equal(w->side[RIGHT].sent_at_call_down, before);
	assert_int_equal(w->side[RIGHT].sent, before + 1);
	world_run(w, 500);
	assert_int_equal(w->side[LEFT].call_why.result, L2TP_CDN_ADMIN);
	assert_string_equal(w->side[LEFT].call_why.text, "enough");
	assert_true(w->side[LEFT].call_why.from_peer);
	world_agrees(w, 0);
	world_free(w);
}

/* Whatever is under way when a call, or a connection, is closed by one of the two or by both. */
static void closed_at_every_moment(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 6 * 40; i++) {
		unsigned int who = i % 3, what = i / 3 % 2; /* left, right, both */
		struct world *w = world_new();

		world_secret(w, "s", "s");
		if (what)
			world_up(w, LEFT);
		else
			assert_non_null(world_open(w, LEFT));
		if (what)
			assert_non_null(world_call_open(w, LEFT, "a"));
		world_run(w, i / 6);
		for (unsigned int side = 0; side < 2; side++) {
			struct side *s = &w->side[side];

			if (who != side && who != 2)
				continue;
			if (what && s->call)
				l2tp3_call_close(s->call, w->now, &admin);
			if (!what && s->tunnel)
				l2tp3_tunnel_close(s->tunnel, w->now, &done);
		}
		world_run(w, 250000);
		if (what) {
			assert_int_equal(w->side[LEFT].tunnels_gone, 0);
			world_agrees(w, l2tp3_tunnel_calls(side_tunnel(&w->side[LEFT])));
		} else if (who != RIGHT) {
			world_is_empty(w);
		}
		world_free(w);
	}
}

static void close_call(struct side *s, struct l2tp3_call *c)
{
	l2tp3_call_close(c, s->world->now, &admin);
}

static void close_its_tunnel(struct side *s, struct l2tp3_call *c)
{
	l2tp3_tunnel_close(l2tp3_call_tunnel(c), s->world->now, &done);
}

static void close_tunnel(struct side *s, struct l2tp3_tunnel *t)
{
	l2tp3_tunnel_close(t, s->world->now, &done);
}

static int close_in_request(struct side *s, struct l2tp3_call *c,
			    const struct l2tp3_call_info *info, struct l2tp3_call_config *ret,
			    struct l2tp_reason *why)
{
	(void)info;
	(void)ret;
	(void)why;
	l2tp3_call_close(c, s->world->now, &admin);
	return 0;
}

static int close_tunnel_in_request(struct side *s, struct l2tp3_call *c,
				   const struct l2tp3_call_info *info,
				   struct l2tp3_call_config *ret, struct l2tp_reason *why)
{
	(void)info;
	(void)ret;
	(void)why;
	l2tp3_tunnel_close(l2tp3_call_tunnel(c), s->world->now, &done);
	return 0;
}

static void open_two(struct side *s, struct l2tp3_tunnel *t)
{
	struct l2tp3_call_config cfg = call_config("in tunnel_up");

	assert_non_null(l2tp3_call_open(t, s->world->now, &cfg));
	cfg.end_id[0]++;
	assert_non_null(l2tp3_call_open(t, s->world->now, &cfg));
}

static void ops_may_close_what_they_are_told_of(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 16; i++) {
		struct world *w = world_new();
		struct side *s = &w->side[i & 1];

		w->side[LEFT].on_tunnel_up = open_two;
		switch (i / 2) {
		case 0:
			s->on_call_news = close_call;
			break;
		case 1:
			s->on_call_news = close_its_tunnel;
			break;
		case 2:
			s->on_call_down = close_its_tunnel;
			w->side[RIGHT].call_result = L2TP_CDN_ADMIN;
			break;
		case 3:
			w->side[RIGHT].on_tunnel_up = close_tunnel;
			break;
		case 4:
			w->side[RIGHT].on_call_request = close_in_request;
			break;
		case 5:
			w->side[RIGHT].on_call_request = close_tunnel_in_request;
			break;
		case 6:
			s->on_call_down = close_call; /* nothing more happens */
			break;
		default:
			w->side[LEFT].on_tunnel_up = close_tunnel;
		}
		world_open(w, LEFT);
		world_run(w, 100000);
		for (unsigned int side = 0; side < 2; side++)
			if (side_tunnels(&w->side[side]))
				l2tp3_shutdown(w->side[side].ep, w->now);
		world_run(w, 200000);
		world_is_empty(w);
		world_free(w);
	}
}

/* The more stubborn one for a while even where the peer's attempt has taken its place. */
static void dial_again(struct side *s)
{
	if (s->tunnel_why.result != L2TP_STOP_EXISTS || s->tunnels_gone < 20 + s->index)
		assert_non_null(world_open(s->world, s->index));
}

static void call_again(struct side *s, struct l2tp3_call *c)
{
	struct l2tp3_tunnel *t = l2tp3_call_tunnel(c);
	struct l2tp3_call_config cfg = call_config("again");

	if (s->calls_down < 5)
		l2tp3_call_open(t, s->world->now, &cfg); /* NULL when it goes with its connection */
}

static void ops_may_open_anew_what_ended(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct world *w = world_new();

		world_secret(w, "s", "s");
		w->side[LEFT].on_tunnel_gone = dial_again;
		w->side[LEFT].on_call_down = call_again;
		world_up(w, LEFT);
		world_call_open(w, LEFT, "a");
		world_run(w, 500);
		l2tp3_call_close(side_call(&w->side[i]), w->now, &admin);
		world_run(w, 500);
		world_agrees(w, 1);
		l2tp3_tunnel_close(side_tunnel(&w->side[i]), w->now, &done);
		world_run(w, 100000);
		world_agrees(w, 0);
		assert_int_equal(w->side[RIGHT].tunnels_up, 2);
		w->side[RIGHT].on_tunnel_gone = dial_again; /* both */
		l2tp3_tunnel_close(side_tunnel(&w->side[i]), w->now, &done);
		world_run(w, 200000);
		world_agrees(w, 0);
		assert_true(w->side[LEFT].tunnels_gone < 50);
		world_free(w);
	}
}

/* A peer that lost its session asks for it again: the one that stands in the way goes first. */
static int replace(struct side *s, struct l2tp3_call *c, const struct l2tp3_call_info *info,
		   struct l2tp3_call_config *ret, struct l2tp_reason *why)
{
	(void)c;
	(void)info;
	(void)ret;
	(void)why;
	if (s->world->user)
		l2tp3_call_close(s->world->user, s->world->now, &admin);
	return 0;
}

static void a_call_in_the_way_is_closed_by_call_request(void **state)
{
	struct world *w = world_new();

	(void)state;
	world_up(w, LEFT);
	world_call_open(w, LEFT, "a");
	world_run(w, 500);
	w->user = side_call(&w->side[RIGHT]);
	w->side[RIGHT].on_call_request = replace;
	world_call_open(w, LEFT, "a");
	world_run(w, 500);
	world_agrees(w, 1);
	assert_int_equal(w->side[LEFT].calls_down, 1);
	assert_int_equal(w->side[RIGHT].calls_down, 1);
	world_free(w);
}

static void calls_carry_their_users(void **state)
{
	struct world *w = world_new();
	struct l2tp3_call_config cfg = call_config("a");
	struct l2tp3_call *c;
	int here;

	(void)state;
	cfg.user = &here;
	w->side[RIGHT].grant.user = w;
	world_up(w, LEFT);
	c = l2tp3_call_open(side_tunnel(&w->side[LEFT]), w->now, &cfg);
	assert_ptr_equal(l2tp3_call_user(c), &here);
	assert_string_not_equal(l2tp3_call_state(c), "established");
	world_run(w, 500);
	assert_string_equal(l2tp3_call_state(c), "established");
	assert_string_equal(l2tp3_tunnel_state(l2tp3_call_tunnel(c)), "established");
	assert_ptr_equal(l2tp3_call_user(side_call(&w->side[RIGHT])), w);
	l2tp3_call_set_user(c, NULL);
	assert_null(l2tp3_call_user(c));
	world_free(w);
}

static bool close_visited(void *arg, struct l2tp3_tunnel *t)
{
	struct world *w = arg;

	l2tp3_tunnel_close(t, w->now, &done);
	return true;
}

static bool close_visited_call(void *arg, struct l2tp3_call *c)
{
	struct world *w = arg;

	l2tp3_call_close(c, w->now, &admin);
	return true;
}

static void visitors_may_close(void **state)
{
	struct world *w = world_new();
	struct l2tp3_tunnel *t = world_up(w, LEFT);
	uint32_t id = l2tp3_tunnel_id(t);

	(void)state;
	assert_ptr_equal(l2tp3_tunnel_find(w->side[LEFT].ep, id), t);
	for (char i = '0'; i <= '9'; i++)
		world_call_open(w, LEFT, (char[]){ i, 0 });
	world_run(w, 1000);
	l2tp3_calls_visit(t, close_visited_call, w);
	assert_int_equal(w->side[LEFT].calls_down, 10);
	l2tp3_tunnels_visit(w->side[LEFT].ep, close_visited, w);
	assert_int_equal(w->side[LEFT].tunnels_gone, 1);
	assert_null(l2tp3_tunnel_find(w->side[LEFT].ep, id));
	world_run(w, 1000);
	assert_int_equal(w->side[RIGHT].calls_down, 10);
	world_free(w);
}

static void shutdown_tells_everybody(void **state)
{
	struct world *w = world_new();

	(void)state;
	world_secret(w, "s", "s");
	world_up(w, LEFT);
	world_call_open(w, LEFT, "a");
	world_run(w, 500);
	w->cut = true;
	l2tp3_shutdown(w->side[RIGHT].ep, w->now);
	assert_int_equal(w->side[RIGHT].tunnels_gone, 1);
	assert_int_equal(w->side[RIGHT].calls_down, 1);
	assert_int_equal(l2tp3_unacknowledged(w->side[RIGHT].ep), 1);
	assert_int_equal(w->seen[RIGHT][L2TP_CDN], 0);
	world_run(w, 2500);
	w->cut = false;
	world_run(w, 2000);
	assert_int_equal(l2tp3_unacknowledged(w->side[RIGHT].ep), 0);
	assert_int_equal(w->side[LEFT].tunnels_gone, 1);
	assert_int_equal(w->side[LEFT].calls_down, 1);
	assert_int_equal(w->side[LEFT].tunnel_why.result, L2TP_STOP_SHUTDOWN);
	world_free(w);
}

/* ---- Hello, silence ---- */

static void hello_only_when_the_path_is_silent(void **state)
{
	struct world *w = world_new();

	(void)state;
	world_secret(w, "s", "s");
	w->side[RIGHT].peer.hello_ms = 60000;
	world_up(w, LEFT);
	world_run(w, 40000);
	assert_int_equal(w->seen[RIGHT][L2TP_HELLO], 0);
	world_run(w, 50000);
	assert_int_equal(w->seen[RIGHT][L2TP_HELLO], 1);
	world_run(w, 600000);
	assert_in_range(w->seen[RIGHT][L2TP_HELLO], 8, 16); /* V3-REL-5: with jitter */
	assert_int_equal(w->seen[LEFT][L2TP_HELLO], 0); /* hello_ms 0: never */
	assert_int_equal(w->side[RIGHT].tunnels_gone + w->side[LEFT].tunnels_gone, 0);
	world_free(w);
}

static void a_silent_peer_is_given_up(void **state)
{
	struct world *w = world_new();
	msec_t before;

	(void)state;
	w->side[RIGHT].peer.hello_ms = 20000;
	world_up(w, LEFT);
	world_call_open(w, LEFT, "a");
	world_run(w, 500);
	w->cut = true;
	before = w->now;
	while (!w->side[RIGHT].tunnels_gone)
		assert_true(world_step(w, before + 200000));
	/* 1, 2, 4, then 8 s each: 10 times again (V3-REL-1) */
	assert_in_range(w->now - before, 10000 + 55000, 30000 + 75000);
	assert_true(w->side[RIGHT].tunnel_why.timeout);
	assert_int_equal(w->side[RIGHT].calls_down, 1);
	assert_true(w->side[RIGHT].call_why.timeout);
	assert_true(w->side[RIGHT].alive_asked >= 1);
	assert_int_equal(w->seen[RIGHT][L2TP_HELLO], 11);
	world_free(w);
}

static void a_peer_whose_frames_come_lives(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->side[RIGHT].peer.hello_ms = 20000;
	world_up(w, LEFT);
	w->side[RIGHT].data_alive = true;
	w->cut = true;
	world_run(w, 1000000);
	assert_int_equal(w->side[RIGHT].tunnels_gone, 0);
	w->cut = false;
	world_run(w, 60000);
	w->side[RIGHT].data_alive = false;
	world_run(w, 400000);
	world_agrees(w, 0);
	w->cut = true;
	world_run(w, 200000);
	assert_int_equal(w->side[RIGHT].tunnels_gone, 1);
	world_free(w);
}

static void nobody_answers(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->cut = true;
	world_open(w, LEFT);
	world_run(w, 90000);
	assert_int_equal(w->side[LEFT].tunnels_gone, 1);
	assert_true(w->side[LEFT].tunnel_why.timeout);
	world_run(w, 90000);
	world_is_empty(w);
	world_free(w);
}

/* ---- both at once ---- */

static void crossing_dials(bool ip, const char *secret, unsigned int delay, unsigned int loss,
			   uint64_t seed)
{
	struct world *w = world_new();

	w->chance.state = seed;
	w->loss = loss;
	if (ip)
		world_over_ip(w);
	world_secret(w, secret, secret);
	world_open(w, LEFT);
	world_run(w, delay);
	world_open(w, RIGHT);
	world_run(w, 130000);
	w->loss = 0;
	world_run(w, 130000);
	world_agrees(w, 0);
	world_free(w);
}

static void dials_that_cross_make_one_connection(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 4; i++)
		for (uint64_t seed = 1; seed < 8; seed++) /* either may win */
			for (unsigned int delay = 0; delay < 5; delay += 4)
				crossing_dials(i & 1, i & 2 ? "s" : NULL, delay, 0, seed);
	for (uint64_t seed = 1; seed < 30; seed++)
		crossing_dials(false, "s", seed % 5, 15, seed);
}

/* A second dial while the first one stands: the caller is told, one remains. */
static void crossing_requests(unsigned int delay, unsigned int loss, uint64_t seed)
{
	struct world *w = world_new();

	w->chance.state = seed;
	world_secret(w, "s", "s");
	world_up(w, LEFT);
	w->loss = loss;
	assert_non_null(world_call_open(w, LEFT, "the same"));
	world_run(w, delay);
	assert_non_null(world_call_open(w, RIGHT, "the same"));
	world_run(w, 60000);
	world_agrees(w, 1);
	assert_int_equal(w->side[LEFT].tunnels_gone + w->side[RIGHT].tunnels_gone, 0);
	world_free(w);
}

static void requests_that_cross_make_one_session(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed < 20; seed++)
		for (unsigned int delay = 0; delay < 5; delay++)
			crossing_requests(delay, 0, seed);
	for (uint64_t seed = 1; seed < 40; seed++)
		crossing_requests(seed % 5, 15, seed);
}

/* ---- a bad network ---- */

static void bad_network(uint64_t seed)
{
	struct world *w = world_new();
	char name[16];

	w->chance.state = seed * 7919;
	w->loss = 20;
	w->duplicate = 10;
	w->reorder = 30;
	if (seed & 1)
		world_secret(w, "s", "s");
	if (seed & 2)
		world_over_ip(w);
	w->side[LEFT].peer.hello_ms = w->side[RIGHT].peer.hello_ms = 10000;
	world_open(w, LEFT);
	world_run(w, 60000);
	for (unsigned int i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "%u", i);
		assert_non_null(world_call_open(w, i & 1, name));
	}
	world_run(w, 60000);
	world_agrees(w, 10);
	for (unsigned int i = 0; i < 10; i++) {
		struct l2tp3_call *c = NULL;

		l2tp3_calls_visit(side_tunnel(&w->side[i & 1]), take_call, &c);
		l2tp3_call_circuit(c, w->now, i & 2);
		l2tp3_call_circuit(c, w->now, !(i & 2));
	}
	l2tp3_call_close(w->side[LEFT].call, w->now, &admin);
	world_run(w, 60000);
	world_agrees(w, 9);
	l2tp3_tunnel_close(side_tunnel(&w->side[seed & 1]), w->now, &done);
	world_run(w, 200000);
	world_is_empty(w);
	world_free(w);
}

static void a_bad_network_is_overcome(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++)
		bad_network(seed);
}

/* ---- another address ---- */

/* The network between gives the side another port, and knows the old one no more. */
static void rebind(struct world *w, unsigned int side)
{
	w->side[side].outside_port = 40001;
	w->side[side].outside.b[15]++;
}

static void a_rebound_peer_is_followed_when_it_proves_itself(void **state)
{
	struct world *w = world_new();
	struct path at;

	(void)state;
	world_secret(w, "s", "s");
	world_up(w, LEFT);
	world_call_open(w, LEFT, "a");
	world_run(w, 500);
	rebind(w, LEFT);
	l2tp3_call_circuit(side_call(&w->side[LEFT]), w->now, false);
	world_run(w, 500);
	assert_int_equal(w->side[RIGHT].moved, 1);
	assert_int_equal(counter(&w->side[RIGHT], L2TP3_C_MOVED), 1);
	at = world_path(w, RIGHT);
	assert_true(path_eq(l2tp3_tunnel_path(side_tunnel(&w->side[RIGHT])), &at));
	l2tp3_call_circuit(side_call(&w->side[RIGHT]), w->now, false);
	world_run(w, 5000);
	world_agrees(w, 1);
	assert_int_equal(w->side[LEFT].moved, 0);
	world_free(w);
}

/* What was said before, from elsewhere now. */
static void a_replay_from_elsewhere_moves_nothing(void **state)
{
	struct world *w = world_new();
	struct packet *kept;

	(void)state;
	world_secret(w, "s", "s");
	world_up(w, LEFT);
	world_call_open(w, LEFT, "a");
	world_run(w, 500);
	for (unsigned int i = 0; i < 3; i++) {
		l2tp3_call_circuit(side_call(&w->side[LEFT]), w->now, i & 1);
		world_run(w, 500);
		kept = w->kept[LEFT][L2TP_SLI];
		kept->path.peer_port = 5555;
		side_give(&w->side[RIGHT], &kept->path, kept->data, kept->len);
		world_run(w, 500);
	}
	assert_int_equal(w->side[RIGHT].moved, 0);
	world_agrees(w, 1);
	world_free(w);
}

/* Who sees a message sends a copy of it from elsewhere, which is faster; and all that the peer says behind it. */
static size_t copy_all(struct world *w, unsigned int from, uint16_t type, uint8_t *msg, size_t len)
{
	struct path path = world_path(w, RIGHT);

	(void)type;
	path.peer.b[15] += 7;
	path.peer_port = 4444;
	if (from == LEFT)
		packet_enqueue(&w->packets, packet_new(RIGHT, &path, msg, len), w->now + 1);
	return len;
}

static void a_copier_moves_nothing(void **state)
{
	(void)state;
	for (unsigned int replay = 0; replay < 2; replay++) {
		struct world *w = world_new();
		struct path at = world_path(w, RIGHT);
		struct packet *p;

		world_secret(w, "s", "s");
		world_up(w, LEFT);
		world_call_open(w, LEFT, "a");
		world_run(w, 500);
		w->network = replay ? NULL : copy_all;
		for (unsigned int i = 0; i < 20; i++) {
			l2tp3_call_circuit(side_call(&w->side[LEFT]), w->now, i & 1);
			l2tp3_call_circuit(side_call(&w->side[RIGHT]), w->now, i & 1);
			world_run(w, 700);
			p = w->kept[LEFT][L2TP_SLI];
			p->path.peer_port = 4444;
			if (replay)
				side_give(&w->side[RIGHT], &p->path, p->data, p->len);
			world_run(w, 700);
		}
		assert_true(w->seen[RIGHT][L2TP_HELLO] > 0); /* it was asked */
		assert_int_equal(w->side[RIGHT].moved, 0);
		assert_true(path_eq(l2tp3_tunnel_path(side_tunnel(&w->side[RIGHT])), &at));
		w->network = NULL;
		rebind(w, LEFT); /* the peer itself does */
		l2tp3_call_circuit(side_call(&w->side[LEFT]), w->now, false);
		world_run(w, 20000);
		assert_int_equal(w->side[RIGHT].moved, 1);
		world_agrees(w, 1);
		world_free(w);
	}
}

/* The acknowledgement of its last message is lost, and then the NAT forgets. What the other side says
 * meanwhile does not arrive. */
static void a_rebound_peer_repeats_itself(void **state)
{
	(void)state;
	for (unsigned int busy = 0; busy < 2; busy++) {
		struct world *w = world_new();

		world_secret(w, "s", "s");
		world_up(w, LEFT);
		world_call_open(w, LEFT, "a");
		world_run(w, 500);
		l2tp3_call_circuit(side_call(&w->side[LEFT]), w->now, false);
		side_commit(&w->side[LEFT]);
		rebind(w, LEFT);
		for (unsigned int i = 0; i < 6 && busy; i++)
			l2tp3_call_circuit(side_call(&w->side[RIGHT]), w->now, i & 1);
		world_run(w, 10000);
		assert_int_equal(w->side[RIGHT].moved, 1);
		assert_true(w->seen[LEFT][L2TP_SLI] <= 3);
		world_run(w, 30000);
		world_agrees(w, 1);
		rebind(w, LEFT); /* back, or elsewhere: the same way */
		w->side[LEFT].outside_port = PORT;
		l2tp3_call_circuit(side_call(&w->side[LEFT]), w->now, true);
		world_run(w, 500);
		assert_int_equal(w->side[RIGHT].moved, 2);
		assert_int_equal(w->side[LEFT].tunnels_gone + w->side[RIGHT].tunnels_gone, 0);
		world_agrees(w, 1);
		world_free(w);
	}
}

static void a_rebound_peer_without_proof_is_not_followed(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->side[LEFT].peer.hello_ms = 20000;
	world_up(w, LEFT);
	rebind(w, LEFT);
	world_run(w, 200000);
	assert_int_equal(w->side[RIGHT].moved, 0);
	assert_true(counter(&w->side[RIGHT], L2TP3_C_WRONG_PATH) > 0);
	assert_int_equal(w->side[LEFT].tunnels_gone, 1);
	world_free(w);
}

/* A peer behind NAT, from the beginning. */
static void a_peer_from_another_port(void **state)
{
	struct world *w = world_new();

	(void)state;
	world_secret(w, "s", "s");
	rebind(w, LEFT);
	world_up(w, LEFT);
	world_call_open(w, RIGHT, "a");
	world_run(w, 500);
	world_agrees(w, 1);
	world_free(w);
}

/* V3-HDR-11: SCCRP comes from another port, where all goes from then on. */
static size_t move_right(struct world *w, unsigned int from, uint16_t type, uint8_t *msg,
			 size_t len)
{
	(void)msg;
	if (from == LEFT && type == L2TP_SCCRQ)
		w->side[RIGHT].outside_port = 30000;
	return len;
}

static void an_answer_from_another_port(void **state)
{
	struct world *w = world_new();

	(void)state;
	w->network = move_right;
	world_up(w, LEFT);
	assert_int_equal(l2tp3_tunnel_path(side_tunnel(&w->side[LEFT]))->peer_port, 30000);
	world_agrees(w, 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_ways_lead_there),
		cmocka_unit_test(hiding_hides),
		cmocka_unit_test(draft_avps_are_enough),
		cmocka_unit_test(quirks_of_one_side_alone),
		cmocka_unit_test(a_hundred_calls),
		cmocka_unit_test(a_long_remote_end_id),
		cmocka_unit_test(session_ids_differ),
		cmocka_unit_test(circuits_are_told_both_ways),
		cmocka_unit_test(a_circuit_that_is_down_from_the_beginning),
		cmocka_unit_test(a_circuit_that_changes_before_icrp),
		cmocka_unit_test(call_down_runs_before_cdn_leaves),
		cmocka_unit_test(closed_at_every_moment),
		cmocka_unit_test(ops_may_close_what_they_are_told_of),
		cmocka_unit_test(ops_may_open_anew_what_ended),
		cmocka_unit_test(a_call_in_the_way_is_closed_by_call_request),
		cmocka_unit_test(calls_carry_their_users),
		cmocka_unit_test(visitors_may_close),
		cmocka_unit_test(shutdown_tells_everybody),
		cmocka_unit_test(hello_only_when_the_path_is_silent),
		cmocka_unit_test(a_silent_peer_is_given_up),
		cmocka_unit_test(a_peer_whose_frames_come_lives),
		cmocka_unit_test(nobody_answers),
		cmocka_unit_test(dials_that_cross_make_one_connection),
		cmocka_unit_test(requests_that_cross_make_one_session),
		cmocka_unit_test(a_bad_network_is_overcome),
		cmocka_unit_test(a_rebound_peer_is_followed_when_it_proves_itself),
		cmocka_unit_test(a_replay_from_elsewhere_moves_nothing),
		cmocka_unit_test(a_copier_moves_nothing),
		cmocka_unit_test(a_rebound_peer_repeats_itself),
		cmocka_unit_test(a_rebound_peer_without_proof_is_not_followed),
		cmocka_unit_test(a_peer_from_another_port),
		cmocka_unit_test(an_answer_from_another_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
