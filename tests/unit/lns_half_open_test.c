/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls in set-up: how many a peer may have, and who pays for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "loader/lns_internal.h"

#define MOST 3

struct house {
	struct config_peer peers[2];
	struct half_open counts[2];
	struct config cfg;
	struct lns lns;
	struct session of[2 * MOST];
};

static void build(struct house *h)
{
	memset(h, 0, sizeof(*h));
	h->peers[0].name = (char *)"greedy";
	h->peers[1].name = (char *)"honest";
	h->cfg.peers = h->peers;
	h->cfg.n_peers = 2;
	h->cfg.limits.half_open_calls = MOST;
	h->lns.cfg = &h->cfg;
	h->lns.half_open = h->counts;
	for (unsigned int i = 0; i < 2 * MOST; i++) {
		h->of[i].lns = &h->lns;
		h->of[i].peer = &h->peers[i / MOST];
	}
}

static void so_many_and_no_more(void **state)
{
	struct l2tp_reason why = { 0 };
	struct house h;

	(void)state;
	build(&h);
	for (unsigned int i = 0; i < MOST; i++) {
		assert_false(half_open_refuses(&h.lns, &h.peers[0], 7, &why));
		half_open_begin(&h.of[i], 7);
	}
	assert_true(half_open_refuses(&h.lns, &h.peers[0], 7, &why));
	assert_int_equal(why.result, L2TP_CDN_TEMPORARY);
	assert_string_equal(why.text, "3 calls are in set-up already");
	assert_int_equal(h.counts[0].refused, 1);
	assert_false(half_open_refuses(&h.lns, &h.peers[1], 7, &why));
	assert_int_equal(h.counts[1].refused, 0);
}

/* Whatever the order of through and gone: each counts once. */
static void each_leaves_once(void **state)
{
	struct l2tp_reason why = { 0 };
	struct house h;

	(void)state;
	build(&h);
	half_open_end(&h.of[0]); /* never was */
	for (unsigned int i = 0; i < MOST; i++)
		half_open_begin(&h.of[i], 7);
	half_open_begin(&h.of[1], 7); /* restored, and then begun anew */
	assert_int_equal(h.counts[0].n, MOST);
	half_open_end(&h.of[1]);
	half_open_end(&h.of[1]);
	assert_int_equal(h.counts[0].n, MOST - 1);
	assert_false(half_open_refuses(&h.lns, &h.peers[0], 7, &why));
}

/* Two LACs of one entry: who has all of it does not keep the other out. */
static void at_the_limit_each_has_a_part(void **state)
{
	struct l2tp_reason why = { 0 };
	struct house h;

	(void)state;
	build(&h);
	h.cfg.limits.half_open_calls = 2;
	half_open_begin(&h.of[0], 7);
	half_open_begin(&h.of[1], 7);
	assert_true(half_open_refuses(&h.lns, &h.peers[0], 7, &why));
	assert_false(half_open_refuses(&h.lns, &h.peers[0], 8, &why));
	half_open_begin(&h.of[2], 8);
	assert_true(half_open_refuses(&h.lns, &h.peers[0], 8, &why));
	half_open_end(&h.of[0]);
	half_open_end(&h.of[1]);
	assert_int_equal(h.counts[0].shares, 1);
	assert_false(half_open_refuses(&h.lns, &h.peers[0], 7, &why));
}

static void the_default_is_half_a_shard(void **state)
{
	struct l2tp_reason why = { 0 };
	struct house h;

	(void)state;
	build(&h);
	h.cfg.limits.half_open_calls = 0;
	h.counts[0].of[7] = h.counts[0].n = 32767;
	h.counts[0].shares = 1;
	assert_false(half_open_refuses(&h.lns, &h.peers[0], 7, &why));
	h.counts[0].of[7] = h.counts[0].n = 32768;
	assert_true(half_open_refuses(&h.lns, &h.peers[0], 7, &why));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(so_many_and_no_more),
		cmocka_unit_test(each_leaves_once),
		cmocka_unit_test(at_the_limit_each_has_a_part),
		cmocka_unit_test(the_default_is_half_a_shard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
