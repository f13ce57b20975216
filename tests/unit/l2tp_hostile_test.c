/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes that must be survived (docs/protocol/quirks.md, second table, rows Header, AVP and
 * State), and peers that behave oddly (first table). What is refused is counted, is
 * answered as the RFC says, and disturbs nothing else: each test ends with a call that
 * still works.
 */
#include "tests/unit/l2tp_world.h"

struct scene {
	struct world *w;
	struct side *s;
	struct l2tp_tunnel *t;
	struct l2tp_call *c;
};

/* A responder with one established call, the peer played by the test. */
static struct scene scene_new(void)
{
	struct scene sc = { .w = world_new(NULL) };

	sc.s = &sc.w->side[LNS];
	sc.t = raw_up(sc.w);
	sc.c = raw_call(sc.w, sc.t, 5, true);
	assert_int_equal(sc.s->calls_up, 1);
	return sc;
}

static void scene_intact(struct scene *sc)
{
	unsigned int up = sc->s->calls_up;

	assert_int_equal(sc->s->tunnels_gone, 0);
	assert_int_equal(sc->s->calls_down, 0);
	assert_string_equal(l2tp_tunnel_state(sc->t), "established");
	assert_string_equal(l2tp_call_state(sc->c), "established");
	raw_call(sc->w, sc->t, 6, true);
	assert_int_equal(sc->s->calls_up, up + 1);
	world_free(sc->w);
}

static void give(struct scene *sc, const void *msg, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1); /* its end is the end of memory */

	assert_non_null(copy);
	memcpy(copy, msg, len);
	l2tp_input(sc->s->ep, sc->w->now, &sc->t->path, copy, len);
	free(copy);
}

/* ---- header ---- */

static void datagrams_cut_at_every_octet(void **state)
{
	struct scene sc = scene_new();
	struct l2tp_build b;
	size_t len = raw_message(&b, 0, L2TP_HELLO, 0);
	unsigned int sent = sc.s->sent;

	(void)state;
	writer_patch_u16(&b.w, 4, sc.t->id);
	writer_patch_u16(&b.w, 8, sc.t->rel.rcv_nxt);
	for (size_t n = 0; n < len; n++)
		give(&sc, b.buf, n);
	assert_int_equal(counter(sc.s, L2TP_C_BAD_HEADER), len);
	assert_int_equal(sc.s->sent, sent); /* discarded silently (V2-HDR-5) */
	scene_intact(&sc);
}

static void wrong_flags_versions_and_lengths(void **state)
{
	static const uint16_t flags[] = {
		0x8802, /* T without L (v2c-n1) */
		0xc002, /* T without S */
		0xca02, /* O on control (v2c-n2) */
		0xc902, /* P on control */
		0xc800, 0xc801, 0xc803, 0xc80f, /* versions */
		0x0002, 0x4802, /* T flipped */
	};
	struct scene sc = scene_new();
	unsigned int sent = sc.s->sent;
	struct l2tp_build b;
	size_t len = raw_message(&b, 0, L2TP_HELLO, 0);

	(void)state;
	writer_patch_u16(&b.w, 4, sc.t->id);
	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
		writer_patch_u16(&b.w, 0, flags[i]);
		give(&sc, b.buf, len);
	}
	writer_patch_u16(&b.w, 0, 0xc802);
	for (uint16_t l = 0; l < 12; l++) { /* L below 12 */
		writer_patch_u16(&b.w, 2, l);
		give(&sc, b.buf, len);
	}
	writer_patch_u16(&b.w, 2, (uint16_t)(len + 1)); /* greater than the datagram */
	give(&sc, b.buf, len);
	assert_int_equal(counter(sc.s, L2TP_C_BAD_HEADER), 10 + 12 + 1);
	assert_int_equal(sc.s->sent, sent);
	scene_intact(&sc);
}

/* V2-HDR-3, V2-HDR-6: reserved bits and octets after Length are nothing to us. */
static void reserved_bits_and_a_second_packet_behind(void **state)
{
	struct scene sc = scene_new();
	uint16_t rcv = sc.t->rel.rcv_nxt;
	uint8_t two[256];
	struct l2tp_build b;
	size_t len = raw_message(&b, 0, L2TP_HELLO, 0);

	(void)state;
	writer_patch_u16(&b.w, 0, 0xc802 | 0x34f0);
	writer_patch_u16(&b.w, 4, sc.t->id);
	writer_patch_u16(&b.w, 8, rcv);
	memcpy(two, b.buf, len);
	memcpy(two + len, b.buf, len);
	give(&sc, two, 2 * len);
	assert_int_equal(sc.t->rel.rcv_nxt, (uint16_t)(rcv + 1));
	scene_intact(&sc);
}

static void a_message_of_64_kilobytes(void **state)
{
	struct scene sc = scene_new();
	uint8_t *p = calloc(1, 65507);
	struct writer w = writer_of(p, 65507);

	(void)state;
	writer_u16(&w, 0xc802);
	writer_u16(&w, 65507);
	writer_u16(&w, sc.t->id);
	give(&sc, p, 65507);
	free(p);
	assert_int_equal(counter(sc.s, L2TP_C_BAD_HEADER), 1);
	scene_intact(&sc);
}

/* V2-HDR-8, V2-TEAR-6 */
static void tunnel_ids_that_fit_nothing(void **state)
{
	struct scene sc = scene_new();
	unsigned int sent = sc.s->sent, unknown = 0;

	(void)state;
	for (unsigned int type = 2; type < L2TP_MESSAGE_LIMIT; type++) {
		struct l2tp_build b;

		/* SCCRP out of nowhere is told so (idle's cell) */
		if (!l2tp_message_name((uint16_t)type) || type == L2TP_SCCRP)
			continue;
		raw_send(sc.w, LNS, NULL, &b, raw_message(&b, 0, type, 99), 0);
		unknown++;
	}
	for (unsigned int id = 1; id <= 0xffff; id++) {
		uint8_t zlb[12] = { 0xc8, 2, 0, 12, (uint8_t)(id >> 8), (uint8_t)id };

		if (id == sc.t->id)
			continue;
		give(&sc, zlb, sizeof(zlb));
		unknown++;
	}
	assert_int_equal(counter(sc.s, L2TP_C_UNKNOWN_TUNNEL), unknown);
	assert_int_equal(sc.s->sent, sent);
	scene_intact(&sc);
}

static void guessed_sessions(void **state)
{
	struct scene sc = scene_new();

	(void)state;
	for (unsigned int id = 1; id < 2000; id++)
		if (id != sc.c->id)
			raw_simple(sc.w, LNS, sc.t, (uint16_t)id, L2TP_CDN, 4000);
	raw_simple(sc.w, LNS, sc.t, 0, L2TP_CDN, 4000); /* CDN for session 0 */
	assert_true(counter(sc.s, L2TP_C_UNKNOWN_SESSION) >= 1999);
	scene_intact(&sc);
}

/* Ns replayed, with gaps, far ahead. */
static void numbers_of_all_kinds(void **state)
{
	struct scene sc = scene_new();
	struct l2tp_build b;

	(void)state;
	for (int ns = -40; ns < 400; ns++)
		if (ns)
			raw_send(sc.w, LNS, sc.t, &b, raw_message(&b, 0, L2TP_HELLO, 0), ns);
	assert_int_equal(counter(sc.s, L2TP_C_OUT_OF_ORDER), 15); /* inside our window of 16 */
	assert_int_equal(counter(sc.s, L2TP_C_OUT_OF_WINDOW), 384);
	assert_int_equal(counter(sc.s, L2TP_C_DUPLICATE), 40);
	raw_send(sc.w, LNS, sc.t, &b, raw_message(&b, 0, L2TP_HELLO, 0), 0);
	assert_null(sc.t->rel.held);
	scene_intact(&sc);
}

/* ---- AVPs ---- */

/* Sends HELLO with these octets after its Message Type. */
static void hello_with(struct scene *sc, const uint8_t *avps, size_t len)
{
	struct l2tp_build b;

	l2tp_build_begin(&b, NULL, 0, 0, L2TP_HELLO);
	writer_bytes(&b.w, avps, len);
	raw_send(sc->w, LNS, sc->t, &b, l2tp_build_end(&b), 0);
}

/* V2-AVP-4: nothing of it is acknowledged. */
static void avps_that_lose_the_structure(void **state)
{
	static const uint8_t cases[][7] = {
		{ 0x80, 5, 0, 0, 0, 6, 0 }, /* below 6 (v2c-n3) */
		{ 0x80, 0, 0, 0, 0, 6, 0 }, /* 0 */
		{ 0x80, 50, 0, 0, 0, 6, 0 }, /* beyond the message (v2c-n4) */
		{ 0x83, 255, 0, 0, 0, 6, 0 }, /* 1023 */
	};
	struct scene sc = scene_new();
	uint16_t rcv = sc.t->rel.rcv_nxt;
	unsigned int sent = sc.s->sent;

	(void)state;
	for (size_t i = 0; i < 4; i++)
		hello_with(&sc, cases[i], 7);
	for (size_t n = 1; n < 6; n++)
		hello_with(&sc, cases[2], n);
	assert_int_equal(counter(sc.s, L2TP_C_BAD_AVP), 9);
	assert_int_equal(sc.t->rel.rcv_nxt, rcv);
	assert_int_equal(sc.s->sent, sent);
	scene_intact(&sc);
}

/* V2-AVP-9, vector v2c-n5 */
static void unknown_avp_with_m_ends_the_tunnel(void **state)
{
	static const uint8_t avp[] = { 0x80, 7, 0, 0, 7, 0x77, 0x78 };
	struct scene sc = scene_new();

	(void)state;
	hello_with(&sc, avp, sizeof(avp));
	assert_int_equal(sc.s->tunnels_gone, 1);
	assert_int_equal(sc.s->calls_down, 1);
	assert_int_equal(sc.w->last_stop.result, L2TP_STOP_ERROR);
	assert_int_equal(sc.w->last_stop.error, L2TP_ERR_UNKNOWN_AVP);
	assert_string_equal(sc.w->last_stop.text, "AVP vendor 0 type 1911: unknown");
	assert_int_equal(sc.w->seen[LNS][L2TP_CDN], 0); /* V2-TEAR-1 */
	world_free(sc.w);
}

static void unknown_avps_without_m_are_passed_over(void **state)
{
	static const uint8_t cases[][12] = {
		{ 0, 7, 0, 0, 7, 0x77, 0x78 }, /* v2c-n6 */
		{ 0, 7, 0, 9, 0, 9, 1 }, /* v2c-n7: vendor 9 type 9 */
		{ 0x04, 7, 0, 0, 0, 8, 1 }, /* reserved bits */
		{ 0x40, 7, 0, 0, 0, 30, 1 }, /* hidden without a secret */
	};
	struct scene sc = scene_new();

	(void)state;
	for (size_t i = 0; i < 4; i++)
		hello_with(&sc, cases[i], 7);
	scene_intact(&sc);
}

/* In a message of a call it ends the call alone. */
static void unknown_avp_with_m_in_a_call_ends_that_call(void **state)
{
	struct scene sc = scene_new();
	struct l2tp_build b;

	(void)state;
	raw_message(&b, sc.c->id, L2TP_SLI, 0);
	writer_u16(&b.w, 0x8006);
	writer_u32(&b.w, 999);
	raw_send(sc.w, LNS, sc.t, &b, l2tp_build_end(&b), 0);
	assert_int_equal(sc.s->calls_down, 1);
	assert_int_equal(sc.s->tunnels_gone, 0);
	assert_int_equal(counter(sc.s, L2TP_C_SENT_CDN), 1);
	assert_int_equal(sc.s->call_why.error, L2TP_ERR_UNKNOWN_AVP);
	world_free(sc.w);
}

/* V2-AVP-10, v2c-n8; Message Type 0 */
static void unknown_messages(void **state)
{
	struct scene sc = scene_new();
	struct l2tp_build b;
	uint16_t rcv = sc.t->rel.rcv_nxt;

	(void)state;
	for (unsigned int type = 0; type < 3; type++) {
		l2tp_build_begin(&b, NULL, 0, 0, type ? 98 + type : 0);
		b.buf[12] = 0; /* M=0 */
		raw_send(sc.w, LNS, sc.t, &b, l2tp_build_end(&b), 0);
	}
	assert_int_equal(sc.t->rel.rcv_nxt, (uint16_t)(rcv + 3)); /* acknowledged */
	assert_int_equal(sc.s->tunnels_gone, 0);
	l2tp_build_begin(&b, NULL, 0, 0, 99);
	raw_send(sc.w, LNS, sc.t, &b, l2tp_build_end(&b), 0);
	assert_int_equal(sc.s->tunnels_gone, 1);
	assert_int_equal(sc.w->last_stop.error, L2TP_ERR_UNKNOWN_AVP);
	assert_string_equal(sc.w->last_stop.text, "unknown message type 99");
	world_free(sc.w);
}

static void iccn_without_its_avps(void **state)
{
	struct world *w = world_new(NULL);
	struct l2tp_tunnel *t = raw_up(w);
	struct l2tp_call *c = raw_call(w, t, 5, false);
	struct l2tp_build b;

	(void)state;
	l2tp_build_begin(&b, NULL, 0, c->id, L2TP_ICCN);
	l2tp_build_u32(&b, L2TP_AVP_TX_CONNECT_SPEED, 1);
	raw_send(w, LNS, t, &b, l2tp_build_end(&b), 0);
	assert_int_equal(w->side[LNS].calls_up, 0);
	assert_int_equal(w->side[LNS].calls_down, 1);
	assert_string_equal(w->side[LNS].call_why.text, "ICCN without Framing Type (AVP 19)");
	assert_int_equal(w->side[LNS].tunnels_gone, 0); /* V2-AVP-11 */
	world_free(w);
}

/* Names of any octets: cut, and printable. */
static void names_of_any_octets(void **state)
{
	static const char evil[] = "a\0%s%n\"\n\xc3\xa9\x1b[1m and a very long tail that goes on "
				   "and on, beyond what anybody keeps of a name";
	struct world *w = world_new(NULL);
	struct l2tp_build b;
	const char *kept;

	(void)state;
	w->capture = true;
	l2tp_build_begin(&b, NULL, 0, 0, L2TP_SCCRQ);
	l2tp_build_u16(&b, L2TP_AVP_PROTOCOL_VERSION, 0x0100);
	l2tp_build_u32(&b, L2TP_AVP_FRAMING_CAPABILITIES, 3);
	l2tp_build_bytes(&b, L2TP_AVP_HOST_NAME, evil, sizeof(evil) - 1);
	l2tp_build_bytes(&b, L2TP_AVP_VENDOR_NAME, evil, sizeof(evil) - 1);
	l2tp_build_u16(&b, L2TP_AVP_ASSIGNED_TUNNEL_ID, 9);
	raw_send(w, LNS, NULL, &b, l2tp_build_end(&b), 0);
	kept = l2tp_tunnel_hostname(w->side[LNS].tunnel);
	assert_true(strlen(kept) > 10 && strlen(kept) <= L2TP_MAX_NAME);
	for (; *kept; kept++)
		assert_in_range(*kept, 0x20, 0x7e);
	world_free(w);
}

/* ---- set-up ---- */

static void refusal(struct world *w, uint16_t result, uint16_t error)
{
	assert_int_equal(counter(&w->side[LNS], L2TP_C_SENT_STOPCCN), 1);
	assert_int_equal(w->last_stop.result, result);
	assert_int_equal(w->last_stop.error, error);
	assert_int_equal(w->side[LNS].tunnels_new, 0);
	assert_int_equal(w->side[LNS].ep->live.n + w->side[LNS].ep->n_stopped, 0);
	world_free(w);
}

static void what_is_refused_leaves_no_state(void **state)
{
	static const uint8_t challenge[16] = { 1 };
	struct world *w = world_new(NULL);
	struct l2tp_build b;

	(void)state;
	w->capture = true;
	w->side[LNS].peer.expect_hostname = "carrier-lac"; /* */
	raw_sccrq(w, LNS, 7, NULL);
	refusal(w, L2TP_STOP_NOT_AUTHORISED, 0);

	w = world_new(NULL);
	w->capture = true;
	raw_sccrq(w, LNS, 7, challenge); /* V2-AUTH-6 */
	refusal(w, L2TP_STOP_NOT_AUTHORISED, 0);

	w = world_new(NULL);
	w->capture = true;
	raw_message(&b, 0, L2TP_SCCRQ, 7);
	b.buf[12 + 8 + 6] = 2; /* V2-CC-2 */
	raw_send(w, LNS, NULL, &b, l2tp_build_end(&b), 0);
	refusal(w, L2TP_STOP_VERSION, 0x0100);

	w = world_new(NULL);
	w->capture = true;
	l2tp_build_begin(&b, NULL, 0, 0, L2TP_SCCRQ);
	l2tp_build_u16(&b, L2TP_AVP_ASSIGNED_TUNNEL_ID, 7);
	raw_send(w, LNS, NULL, &b, l2tp_build_end(&b), 0);
	refusal(w, L2TP_STOP_ERROR, L2TP_ERR_RANGE);

	w = world_new(NULL);
	w->capture = true;
	raw_message(&b, 0, L2TP_SCCRQ, 7);
	l2tp_build_u16(&b, L2TP_AVP_RECEIVE_WINDOW_SIZE, 0); /* V2-REL-9 */
	raw_send(w, LNS, NULL, &b, l2tp_build_end(&b), 0);
	refusal(w, L2TP_STOP_ERROR, L2TP_ERR_RANGE);
}

static void a_stranger_gets_nothing(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	w->capture = true;
	w->side[LNS].strangers_only = true;
	for (uint16_t id = 1; id < 1000; id++)
		raw_sccrq(w, LNS, id, NULL);
	assert_int_equal(counter(&w->side[LNS], L2TP_C_STRANGER), 999);
	assert_int_equal(w->side[LNS].sent, 0);
	assert_int_equal(w->side[LNS].tunnels_new, 0);
	assert_int_equal(ids_in_use(w->side[LNS].ep->tunnel_ids), 0);
	world_free(w);
}

/* From many sources and from one; an established call lives on. */
static void floods_of_sccrq_are_bounded(void **state)
{
	struct scene sc = scene_new();
	struct l2tp_start start = { .hostname = "raw", .tunnel_id = 3, .window = 4 };
	struct path path = world_path(sc.w, LNS);
	struct l2tp_build b;
	size_t len = l2tp_build_sccrq(&b, &raw_style, &start);

	(void)state;
	for (unsigned int i = 0; i < 10000; i++) {
		path.peer = addr_from_v4(0x0a000000 + i);
		l2tp_input(sc.s->ep, sc.w->now, &path, b.buf, len);
	}
	assert_int_equal(sc.s->ep->half_open, 4096);
	/* the oldest go for the newest, which may be a true peer's */
	assert_int_equal(counter(sc.s, L2TP_C_EVICTED), 10000 - 4096);
	assert_int_equal(sc.s->tunnels_new, 1 + 10000);
	world_drop_packets(sc.w);
	world_run(sc.w, 32000);
	assert_int_equal(sc.s->ep->half_open, 0);
	assert_int_equal(sc.s->tunnels_gone, 10000);
	world_drop_packets(sc.w);
	for (uint16_t i = 1; i <= 10000; i++) { /* one source, many tunnel IDs */
		start.tunnel_id = i;
		len = l2tp_build_sccrq(&b, &raw_style, &start);
		l2tp_input(sc.s->ep, sc.w->now, &path, b.buf, len);
	}
	assert_int_equal(sc.s->ep->half_open, 256);
	world_free(sc.w);
}

static void a_flood_does_not_disturb_a_call(void **state)
{
	struct scene sc = scene_new();
	struct l2tp_start start = { .hostname = "raw", .tunnel_id = 3, .window = 4 };
	struct path path = world_path(sc.w, LNS);
	struct l2tp_build b;
	size_t len = l2tp_build_sccrq(&b, &raw_style, &start);

	(void)state;
	for (unsigned int i = 0; i < 10000; i++) {
		path.peer = addr_from_v4(0x0a000000 + i);
		l2tp_input(sc.s->ep, sc.w->now, &path, b.buf, len);
	}
	assert_int_equal(sc.s->tunnels_gone, 10000 - 4096); /* of those in set-up */
	assert_string_equal(l2tp_call_state(sc.c), "established");
	sc.s->tunnels_gone = 0;
	scene_intact(&sc);
}

/* v2c-n9, V2-CC-4 */
static void a_repeated_sccrq_makes_no_second_tunnel(void **state)
{
	struct scene sc = scene_new();
	unsigned int sent = sc.s->sent;

	(void)state;
	for (unsigned int i = 0; i < 10; i++)
		raw_sccrq(sc.w, LNS, 77, NULL);
	assert_int_equal(sc.s->tunnels_new, 1);
	assert_int_equal(counter(sc.s, L2TP_C_DUPLICATE), 10);
	assert_int_equal(sc.s->sent, sent + 10); /* acknowledged, each */
	scene_intact(&sc);
}

/* the peer crashed, and opens again with the ID it had. The old tunnel lives until
 * the new one is proven, so that a forged SCCRQ ends nothing. */
static void a_peer_that_restarted_replaces_its_tunnel(void **state)
{
	struct scene sc = scene_new();
	struct l2tp_build b;
	struct l2tp_tunnel *t;

	(void)state;
	sc.w->now += 40000;
	raw_sccrq(sc.w, LNS, 77, NULL);
	assert_int_equal(sc.s->tunnels_new, 2);
	assert_int_equal(sc.s->tunnels_gone, 0);
	t = sc.s->tunnel;
	raw_send(sc.w, LNS, t, &b, l2tp_build_scccn(&b, &raw_style, 0, NULL), 0);
	assert_int_equal(sc.s->tunnels_up, 2);
	assert_int_equal(sc.s->tunnels_gone, 1);
	assert_int_equal(sc.s->calls_down, 1);
	assert_int_equal(counter(sc.s, L2TP_C_SENT_STOPCCN), 0);
	assert_ptr_equal(l2tp_tunnel_find(sc.s->ep, t->id), t);
	world_free(sc.w);
}

static void messages_from_elsewhere_are_dropped(void **state)
{
	struct scene sc = scene_new();
	struct path other = sc.t->path;
	struct l2tp_build b;
	size_t len = raw_message(&b, 0, L2TP_STOPCCN, 77);
	unsigned int sent = sc.s->sent;

	(void)state;
	writer_patch_u16(&b.w, 4, sc.t->id);
	writer_patch_u16(&b.w, 8, sc.t->rel.rcv_nxt);
	writer_patch_u16(&b.w, 10, sc.t->rel.snd_nxt);
	other.peer.b[15]++;
	l2tp_input(sc.s->ep, sc.w->now, &other, b.buf, len);
	other = sc.t->path;
	other.peer_port++;
	l2tp_input(sc.s->ep, sc.w->now, &other, b.buf, len);
	other = sc.t->path;
	other.local.b[15]++;
	l2tp_input(sc.s->ep, sc.w->now, &other, b.buf, len);
	assert_int_equal(counter(sc.s, L2TP_C_WRONG_PATH), 3); /* V2-PORT-3 */
	assert_int_equal(sc.s->sent, sent);
	scene_intact(&sc);
}

/* V2-PORT-2, Q-9: Juniper moves its port after SCCRQ. */
static void a_peer_that_moves_its_port_during_set_up_is_followed(void **state)
{
	struct world *w = world_new(NULL);
	struct l2tp_tunnel *t;
	struct path path;
	struct l2tp_build b;
	size_t len;

	(void)state;
	w->capture = true;
	raw_sccrq(w, LNS, 77, NULL);
	t = w->side[LNS].tunnel;
	path = t->path;
	path.peer_port = 40000;
	len = raw_message(&b, 0, L2TP_HELLO, 0); /* not what completes it */
	for (unsigned int i = 0; i < 2; i++) {
		writer_patch_u16(&b.w, 4, t->id);
		writer_patch_u16(&b.w, 8, 1);
		writer_patch_u16(&b.w, 10, 1);
		l2tp_input(w->side[LNS].ep, w->now, &path, b.buf, len);
		assert_int_equal(w->side[LNS].moved, i);
		len = l2tp_build_scccn(&b, &raw_style, 0, NULL);
	}
	assert_int_equal(w->side[LNS].tunnels_up, 1);
	assert_int_equal(l2tp_tunnel_path(t)->peer_port, 40000);
	assert_int_equal(counter(&w->side[LNS], L2TP_C_WRONG_PATH), 1);
	world_free(w);
}

/* V2-PORT-2, V2-CC-9: as initiator we follow SCCRP to another port, not to another address. */
static void an_answer_from_another_port_is_followed(void **state)
{
	struct world *w = world_new(NULL);
	struct l2tp_tunnel *t;
	struct l2tp_build b;
	struct path path;
	size_t len;

	(void)state;
	w->capture = true;
	t = world_open(w, LAC);
	len = raw_message(&b, 0, L2TP_SCCRP, 9);
	writer_patch_u16(&b.w, 4, t->id);
	writer_patch_u16(&b.w, 10, 1);
	path = t->path;
	path.peer.b[15]++;
	l2tp_input(w->side[LAC].ep, w->now, &path, b.buf, len);
	assert_int_equal(counter(&w->side[LAC], L2TP_C_WRONG_PATH), 1);
	path = t->path;
	path.peer_port = 50000;
	l2tp_input(w->side[LAC].ep, w->now, &path, b.buf, len);
	assert_int_equal(w->side[LAC].tunnels_up, 1);
	assert_int_equal(w->side[LAC].moved, 1);
	assert_int_equal(l2tp_tunnel_path(t)->peer_port, 50000);
	assert_int_equal(l2tp_tunnel_peer_id(t), 9);
	world_free(w);
}

/* V2-PORT-7, Q-18 */
static void port_float_follows_a_message_in_the_window(void **state)
{
	struct scene sc = scene_new();
	struct path path = sc.t->path;
	struct l2tp_build b;

	(void)state;
	sc.s->peer.port_float = true;
	path.peer_port = 33412;
	for (int i = 0; i < 4; i++) {
		size_t len = raw_message(&b, 0, L2TP_HELLO, 0);

		writer_patch_u16(&b.w, 4, sc.t->id);
		/* beyond the window; old; an Nr of nothing sent; and right */
		writer_patch_u16(&b.w, 8,
				 (uint16_t)(sc.t->rel.rcv_nxt + (i == 0   ? 16
								 : i == 1 ? -1
									  : 0)));
		writer_patch_u16(&b.w, 10, (uint16_t)(sc.t->rel.snd_nxt + (i == 2)));
		l2tp_input(sc.s->ep, sc.w->now, &path, b.buf, len);
		assert_int_equal(sc.s->moved, i == 3);
	}
	assert_int_equal(counter(sc.s, L2TP_C_WRONG_PATH), 3);
	assert_int_equal(counter(sc.s, L2TP_C_MOVED), 1);
	path.peer.b[15]++; /* another address never */
	raw_message(&b, 0, L2TP_HELLO, 0);
	writer_patch_u16(&b.w, 4, sc.t->id);
	writer_patch_u16(&b.w, 8, sc.t->rel.rcv_nxt);
	writer_patch_u16(&b.w, 10, sc.t->rel.snd_nxt);
	l2tp_input(sc.s->ep, sc.w->now, &path, b.buf, b.w.len);
	assert_int_equal(sc.s->moved, 1);
	scene_intact(&sc);
}

/* Q-11 WatchGuard: SCCCN comes after what follows it; Q-3 of Apple: ICRQ at once. */
static void scccn_out_of_order(void **state)
{
	struct world *w = world_new(NULL);
	struct l2tp_tunnel *t;
	struct l2tp_build b;

	(void)state;
	w->capture = true;
	raw_sccrq(w, LNS, 77, NULL);
	t = w->side[LNS].tunnel;
	raw_send(w, LNS, t, &b, raw_message(&b, 0, L2TP_ICRQ, 5), 1);
	assert_int_equal(w->side[LNS].calls_asked, 0);
	raw_send(w, LNS, t, &b, l2tp_build_scccn(&b, &raw_style, 0, NULL), 0);
	assert_int_equal(w->side[LNS].tunnels_up, 1);
	assert_int_equal(w->side[LNS].calls_asked, 1);
	assert_int_equal(w->seen[LNS][L2TP_ICRP], 1); /* V2-QRK-3 */
	world_free(w);
}

/* V2-QRK-1: mtpd waits for a message that acknowledges SCCCN. */
static void scccn_is_acknowledged_at_once(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	raw_up(w);
	assert_int_equal(w->seen[LNS][0], 1);
	world_free(w);
}

static void floods_of_hello_and_zlb(void **state)
{
	struct scene sc = scene_new();
	uint8_t zlb[12] = { 0xc8, 2, 0, 12, (uint8_t)(sc.t->id >> 8), (uint8_t)sc.t->id };
	unsigned int sent = sc.s->sent;

	(void)state;
	for (unsigned int i = 0; i < 10000; i++) { /* a ZLB is never answered */
		give(&sc, zlb, sizeof(zlb));
		zlb[9] = (uint8_t)i;
	}
	assert_int_equal(sc.s->sent, sent);
	for (unsigned int i = 0; i < 10000; i++)
		raw_simple(sc.w, LNS, sc.t, 0, L2TP_HELLO, 0);
	assert_int_equal(sc.s->sent, sent + 10000);
	assert_int_equal(sc.t->rel.queued, 0);
	scene_intact(&sc);
}

/* Requests without end, whose sender never acknowledges what we answer. */
static void a_transmit_queue_has_an_end(void **state)
{
	struct world *w = world_new(NULL);
	struct l2tp_tunnel *t = raw_up(w);
	unsigned int i;

	(void)state;
	w->side[LNS].call_result = L2TP_CDN_ADMIN;
	for (i = 0; i < 5000 && !w->side[LNS].tunnels_gone; i++) {
		struct l2tp_build b;
		size_t len = raw_message(&b, 0, L2TP_ICRQ, (uint16_t)(i + 1));
		struct path path = t->path;

		writer_patch_u16(&b.w, 4, t->id);
		writer_patch_u16(&b.w, 8, t->rel.rcv_nxt);
		writer_patch_u16(&b.w, 10, 1); /* SCCRP, and never more */
		l2tp_input(w->side[LNS].ep, w->now, &path, b.buf, len);
	}
	assert_int_equal(w->side[LNS].tunnels_gone, 1);
	assert_in_range(i, 200, 400);
	assert_string_equal(w->side[LNS].tunnel_why.text, "transmit queue is full");
	world_free(w);
}

/* V2-CALL-4 */
static void a_session_id_in_use_is_refused(void **state)
{
	struct scene sc = scene_new();

	(void)state;
	raw_simple(sc.w, LNS, sc.t, 0, L2TP_ICRQ, 5);
	assert_int_equal(counter(sc.s, L2TP_C_SENT_CDN), 1);
	assert_int_equal(sc.s->calls_asked, 1);
	scene_intact(&sc);
}

static void calls_beyond_the_limit_are_refused(void **state)
{
	struct world *w = world_new(NULL);
	struct l2tp_tunnel *t = world_up(w);

	(void)state;
	w->side[LNS].peer.max_calls = 2;
	for (unsigned int i = 0; i < 3; i++) {
		struct l2tp_call_info info = { .framing = 1 };

		l2tp_call_open(t, w->now, &info, NULL);
		world_run(w, 100);
	}
	assert_int_equal(w->side[LAC].calls_up, 2);
	assert_int_equal(w->side[LAC].calls_down, 1);
	assert_int_equal(w->side[LAC].call_why.error, L2TP_ERR_RESOURCES); /* V2-RES-4 */
	world_free(w);
}

/* ---- authentication and hiding ---- */

static void secrets(const char *lac, const char *lns, bool good)
{
	struct world *w = world_new(NULL);
	struct l2tp_tunnel *t;

	world_secret(w, lac, lns);
	t = world_open(w, LAC);
	assert_non_null(t);
	world_run(w, 70000);
	assert_int_equal(w->side[LAC].tunnels_up, good);
	assert_int_equal(w->side[LNS].tunnels_up, good);
	if (!good) {
		assert_int_equal(w->side[LAC].tunnels_gone, 1);
		assert_int_equal(w->last_stop.result, L2TP_STOP_NOT_AUTHORISED);
		assert_true(counter(&w->side[LAC], L2TP_C_AUTH_FAILED) +
				    counter(&w->side[LNS], L2TP_C_AUTH_FAILED) >
			    0);
	}
	assert_int_equal(w->side[LNS].ep->challenges.n + w->side[LAC].ep->challenges.n, 0);
	world_free(w);
}

/* V2-AUTH-2, V2-AUTH-3, V2-AUTH-6 */
static void both_sides_must_know_the_secret(void **state)
{
	(void)state;
	secrets("l2tp-secret", "l2tp-secret", true);
	secrets("l2tp-secret", "l2tp-secreT", false);
	secrets("l2tp-secret", NULL, false);
	secrets(NULL, "l2tp-secret", false);
	secrets(NULL, NULL, true);
}

/* V2-AUTH-2: SCCCN without, and with a wrong response. */
static void scccn_without_the_response(void **state)
{
	static const uint8_t wrong[16] = { 1, 2, 3 };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct world *w = world_new(NULL);
		struct l2tp_build b;

		w->capture = true;
		world_secret(w, "s", "s");
		raw_sccrq(w, LNS, 77, NULL);
		raw_send(w, LNS, w->side[LNS].tunnel, &b,
			 l2tp_build_scccn(&b, &raw_style, 0, i ? wrong : NULL), 0);
		assert_int_equal(w->side[LNS].tunnels_up, 0);
		assert_int_equal(w->side[LNS].tunnels_gone, 1);
		assert_int_equal(w->last_stop.result, L2TP_STOP_NOT_AUTHORISED);
		assert_string_equal(w->last_stop.text,
				    i ? "wrong challenge response" : "no challenge response");
		world_free(w);
	}
}

/* V2-AUTH-4: our own challenge comes back, on another connection. */
static void a_reflected_challenge_is_refused(void **state)
{
	struct world *w = world_new(NULL);

	(void)state;
	w->capture = true;
	world_secret(w, "s", "s");
	world_open(w, LNS); /* our SCCRQ, with a challenge */
	raw_sccrq(w, LNS, 77, w->side[LNS].ep->live.first->setup->challenge);
	assert_int_equal(w->last_stop.result, L2TP_STOP_NOT_AUTHORISED);
	assert_int_equal(counter(&w->side[LNS], L2TP_C_AUTH_FAILED), 1);
	assert_int_equal(w->side[LNS].tunnels_new, 1);
	world_free(w);
}

static void hidden_values_arrive(void **state)
{
	struct world *w = world_new(NULL);
	struct l2tp_call_info info = { .serial = 9,
				       .framing = 1,
				       .tx_speed = 5,
				       .has_proxy_auth = true,
				       .proxy_auth_type = 3,
				       .proxy_id = 7 };
	struct l2tp_tunnel *t;

	(void)state;
	world_secret(w, "l2tp-secret", "l2tp-secret");
	w->side[LAC].peer.hide = w->side[LNS].peer.hide = true;
	strcpy(info.calling, "5550100");
	memcpy(info.proxy_name, "joe", info.proxy_name_len = 3);
	memcpy(info.proxy_response, "proxy-password-22chars", info.proxy_response_len = 22);
	w->needle = "5550100";
	t = world_up(w);
	l2tp_call_open(t, w->now, &info, NULL);
	world_run(w, 500);
	assert_int_equal(w->side[LNS].calls_up, 1);
	assert_string_equal(w->side[LNS].info.calling, "5550100");
	assert_int_equal(w->side[LNS].info.proxy_response_len, 22);
	assert_memory_equal(w->side[LNS].info.proxy_response, "proxy-password-22chars", 22);
	assert_int_equal(w->needles, 0);
	/* once used it is not kept */
	assert_int_equal(l2tp_call_info(w->side[LNS].call)->proxy_response_len, 0);
	assert_string_equal(l2tp_call_info(w->side[LNS].call)->calling, "5550100");
	world_free(w);
}

/* V2-HID-6: hidden whatever the option says; without a secret it does not leave. */
static void a_proxy_password_never_leaves_in_clear(void **state)
{
	(void)state;
	for (unsigned int secret = 0; secret < 2; secret++) {
		struct world *w = world_new(NULL);
		struct l2tp_call_info info = { .framing = 1,
					       .has_proxy_auth = true,
					       .proxy_auth_type = 3 };
		struct l2tp_tunnel *t;

		if (secret)
			world_secret(w, "s", "s");
		memcpy(info.proxy_response, "hunter2", info.proxy_response_len = 7);
		w->needle = "hunter2";
		t = world_up(w);
		l2tp_call_open(t, w->now, &info, NULL);
		world_run(w, 500);
		assert_int_equal(w->side[LNS].calls_up, 1);
		assert_int_equal(w->side[LNS].info.has_proxy_auth, secret);
		assert_int_equal(w->side[LNS].info.proxy_response_len, secret ? 7 : 0);
		assert_int_equal(w->needles, 0);
		world_free(w);
	}
}

/* V2-TEAR-2, V2-REL-14: the acknowledgement of StopCCN was lost. */
static void stopccn_is_acknowledged_again_for_31_s(void **state)
{
	struct scene sc = scene_new();
	struct l2tp_build b;
	unsigned int sent;

	(void)state;
	raw_simple(sc.w, LNS, sc.t, 0, L2TP_STOPCCN, 77);
	assert_int_equal(sc.s->tunnels_gone, 1);
	assert_null(l2tp_tunnel_find(sc.s->ep, sc.t->id)); /* unseen */
	sent = sc.s->sent;
	world_run(sc.w, 20000);
	raw_send(sc.w, LNS, sc.t, &b, raw_message(&b, 0, L2TP_STOPCCN, 77), -1);
	assert_int_equal(sc.s->sent, sent + 1);
	world_run(sc.w, 12000);
	assert_int_equal(sc.s->ep->n_stopped, 0);
	l2tp_shutdown(sc.s->ep, sc.w->now);
	world_free(sc.w);
}

/* V2-CC-5 is for who does not know our ID; a peer whose tunnel is up knows it. */
static void stopccn_without_our_id_does_not_end_an_established_tunnel(void **state)
{
	struct scene sc = scene_new();
	struct l2tp_build b;

	(void)state;
	for (uint16_t ns = 0; ns < 20; ns++) {
		size_t len = raw_message(&b, 0, L2TP_STOPCCN, 77);

		writer_patch_u16(&b.w, 4, 0);
		writer_patch_u16(&b.w, 8, ns);
		l2tp_input(sc.s->ep, sc.w->now, &sc.t->path, b.buf, len);
	}
	assert_int_equal(sc.s->tunnels_gone, 0);
	assert_ptr_equal(l2tp_tunnel_find(sc.s->ep, sc.t->id), sc.t);
	world_free(sc.w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stopccn_without_our_id_does_not_end_an_established_tunnel),
		cmocka_unit_test(datagrams_cut_at_every_octet),
		cmocka_unit_test(wrong_flags_versions_and_lengths),
		cmocka_unit_test(reserved_bits_and_a_second_packet_behind),
		cmocka_unit_test(a_message_of_64_kilobytes),
		cmocka_unit_test(tunnel_ids_that_fit_nothing),
		cmocka_unit_test(guessed_sessions),
		cmocka_unit_test(numbers_of_all_kinds),
		cmocka_unit_test(avps_that_lose_the_structure),
		cmocka_unit_test(unknown_avp_with_m_ends_the_tunnel),
		cmocka_unit_test(unknown_avps_without_m_are_passed_over),
		cmocka_unit_test(unknown_avp_with_m_in_a_call_ends_that_call),
		cmocka_unit_test(unknown_messages),
		cmocka_unit_test(iccn_without_its_avps),
		cmocka_unit_test(names_of_any_octets),
		cmocka_unit_test(what_is_refused_leaves_no_state),
		cmocka_unit_test(a_stranger_gets_nothing),
		cmocka_unit_test(floods_of_sccrq_are_bounded),
		cmocka_unit_test(a_flood_does_not_disturb_a_call),
		cmocka_unit_test(a_repeated_sccrq_makes_no_second_tunnel),
		cmocka_unit_test(a_peer_that_restarted_replaces_its_tunnel),
		cmocka_unit_test(messages_from_elsewhere_are_dropped),
		cmocka_unit_test(a_peer_that_moves_its_port_during_set_up_is_followed),
		cmocka_unit_test(an_answer_from_another_port_is_followed),
		cmocka_unit_test(port_float_follows_a_message_in_the_window),
		cmocka_unit_test(scccn_out_of_order),
		cmocka_unit_test(scccn_is_acknowledged_at_once),
		cmocka_unit_test(floods_of_hello_and_zlb),
		cmocka_unit_test(a_transmit_queue_has_an_end),
		cmocka_unit_test(a_session_id_in_use_is_refused),
		cmocka_unit_test(calls_beyond_the_limit_are_refused),
		cmocka_unit_test(both_sides_must_know_the_secret),
		cmocka_unit_test(scccn_without_the_response),
		cmocka_unit_test(a_reflected_challenge_is_refused),
		cmocka_unit_test(hidden_values_arrive),
		cmocka_unit_test(a_proxy_password_never_leaves_in_clear),
		cmocka_unit_test(stopccn_is_acknowledged_again_for_31_s),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
