/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Initiator and responder against each other. */
#include "tests/unit/l2tp_world.h"

static void a_tunnel_and_a_call_come_up_and_go(void **state)
{
	struct world *w = world_new(NULL);
	struct l2tp_reason why = { .result = L2TP_CDN_ADMIN, .text = "enough" };
	struct l2tp_tunnel *t;
	struct l2tp_call *c;

	(void)state;
	t = world_up(w);
	assert_string_equal(l2tp_tunnel_hostname(t), "lns.example");
	assert_string_equal(l2tp_tunnel_hostname(w->side[LNS].tunnel), "lac.example");
	assert_int_equal(l2tp_tunnel_id(t), l2tp_tunnel_peer_id(w->side[LNS].tunnel));
	assert_int_equal(l2tp_tunnel_id(w->side[LNS].tunnel), l2tp_tunnel_peer_id(t));
	c = world_call(w, t);
	assert_int_equal(w->side[LAC].calls_up, 1);
	assert_int_equal(w->side[LNS].calls_up, 1);
	assert_int_equal(l2tp_call_id(c), l2tp_call_peer_id(w->side[LNS].call));
	assert_int_equal(w->side[LNS].info.tx_speed, 100000000);
	l2tp_call_close(w->side[LNS].call, w->now, &why);
	world_run(w, 500);
	assert_int_equal(w->side[LAC].calls_down, 1);
	assert_string_equal(w->side[LAC].call_why.text, "enough");
	assert_int_equal(w->side[LAC].call_why.result, L2TP_CDN_ADMIN);
	assert_true(w->side[LAC].call_why.from_peer);
	l2tp_tunnel_close(t, w->now, &(struct l2tp_reason){ .result = L2TP_STOP_GENERAL });
	world_run(w, 500);
	assert_int_equal(w->side[LNS].tunnels_gone, 1);
	assert_int_equal(l2tp_unacknowledged(w->side[LAC].ep), 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tunnel_and_a_call_come_up_and_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
