/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which datagrams leave as one. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "loader/datapath/bunches.h"

static struct bunches b;

static struct datagram datagram(uint8_t peer, uint32_t session, uint16_t len)
{
	struct datagram d = { .session = session, .len = len, .tos = 0xc0 };

	d.path.peer.b[15] = peer;
	return d;
}

static void add(uint8_t peer, uint32_t session, uint16_t len)
{
	struct datagram d = datagram(peer, session, len);

	bunches_add(&b, &d, false);
}

static void begin(void)
{
	memset(&b, 0, sizeof(b));
}

static void assert_bunches(const char *want)
{
	char got[BUNCHES_MAX + 1] = { 0 };

	for (unsigned int i = 0; i < b.n; i++)
		got[i] = (char)('a' + b.bunch[i]);
	assert_string_equal(got, want);
}

static void same_length_to_the_same_peer(void **state)
{
	(void)state;
	begin();
	add(1, 1, 20);
	add(1, 2, 20);
	add(2, 3, 20); /* another peer */
	add(1, 4, 21); /* another length */
	add(1, 5, 20);
	add(2, 6, 20);
	assert_bunches("aabcab");
	assert_int_equal(b.count[0], 3);
	assert_int_equal(b.first[2], 3);
}

static void what_a_session_says_stays_in_order(void **state)
{
	(void)state;
	begin();
	add(1, 1, 20);
	add(1, 2, 30);
	add(1, 2, 20); /* must not join the first, which leaves before the second */
	add(1, 3, 20); /* may */
	add(1, 1, 30);
	add(1, 1, 20); /* after that */
	assert_bunches("abcabc");
}

static void control_messages_of_a_peer_stay_in_order(void **state)
{
	(void)state;
	begin();
	add(1, 0, 20);
	add(1, 0, 12);
	add(2, 0, 12);
	add(1, 0, 20);
	add(2, 0, 20);
	add(2, 0, 20);
	assert_bunches("abcdee");
}

static void other_service_is_another_bunch(void **state)
{
	struct datagram d = datagram(1, 2, 20);

	(void)state;
	begin();
	add(1, 1, 20);
	d.tos = 0;
	bunches_add(&b, &d, false);
	assert_bunches("ab");
}

static void alone_is_as_they_came(void **state)
{
	struct datagram d = datagram(1, 1, 20);

	(void)state;
	begin();
	for (unsigned int i = 0; i < 4; i++)
		bunches_add(&b, &d, true);
	assert_bunches("abcd");
}

static void bunch_is_no_longer_than_a_datagram_may_be(void **state)
{
	(void)state;
	begin();
	for (unsigned int i = 0; i < BUNCHES_MAX; i++)
		add(1, i + 1, 1232);
	assert_int_equal(b.n_bunches, 2);
	assert_true(b.count[0] * 1232u <= BUNCH_OCTETS);
	assert_int_equal(b.count[0] + b.count[1], BUNCHES_MAX);
}

/* Before or after? */
static void assert_order(unsigned int i, unsigned int k)
{
	const struct datagram *x = &b.of[i], *y = &b.of[k];

	if (x->session == y->session && (x->session || path_eq(&x->path, &y->path)))
		assert_true(b.bunch[i] <= b.bunch[k]);
	if (b.bunch[i] == b.bunch[k]) {
		assert_int_equal(x->len, y->len);
		assert_true(path_eq(&x->path, &y->path));
	}
}

static void whatever_comes(void **state)
{
	(void)state;
	srandom(1);
	for (unsigned int round = 0; round < 2000; round++) {
		unsigned int sum = 0;

		begin();
		while (b.n < BUNCHES_MAX)
			add((uint8_t)(random() % 3), (uint32_t)random() % 9,
			    (uint16_t)(20 + random() % 4));
		for (unsigned int k = 0; k < b.n; k++)
			for (unsigned int i = 0; i < k; i++)
				assert_order(i, k);
		for (unsigned int i = 0; i < b.n_bunches; i++) {
			assert_int_equal(b.bunch[b.first[i]], i);
			sum += b.count[i];
		}
		assert_int_equal(sum, BUNCHES_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_length_to_the_same_peer),
		cmocka_unit_test(what_a_session_says_stays_in_order),
		cmocka_unit_test(control_messages_of_a_peer_stay_in_order),
		cmocka_unit_test(other_service_is_another_bunch),
		cmocka_unit_test(alone_is_as_they_came),
		cmocka_unit_test(bunch_is_no_longer_than_a_datagram_may_be),
		cmocka_unit_test(whatever_comes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
