/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Totals of this host in the store: counters of control messages and of the slow path, which
 * live in the memory of the process and are to go on in the next one. By their names, for another
 * version may count more, or in another order.
 */
#include <string.h>

#include "loader/persist.h"
#include "loader/wires.h"

#define LISTS 3

struct list {
	const uint64_t *counts;
	const char *const *names;
	unsigned int n;
};

static void lists_of(const struct lns *lns, uint64_t wires[L2TP3_C_MAX], struct list ret[LISTS])
{
	wires_counters(lns->wires, wires);
	ret[0] = (struct list){ l2tp_counters(lns->l2tp), l2tp_counter_names, L2TP_C_MAX };
	ret[1] = (struct list){ dp_slow_counters(lns->dp), dp_slow_counter_names, DP_SLOW_MAX };
	ret[2] = (struct list){ wires, l2tp3_counter_names, L2TP3_C_MAX };
}

void totals_put(struct writer *w, uint8_t list, const uint64_t *counts, const char *const *names,
		unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		if (!counts[i] || !names[i])
			continue;
		writer_u8(w, list);
		persist_put_text(w, names[i]);
		persist_put_number(w, counts[i]);
	}
}

void totals_get(struct reader r, uint8_t list, uint64_t *ret_counts, const char *const *names,
		unsigned int n)
{
	char name[PERSIST_TEXT];

	while (r.left) {
		uint8_t found = reader_u8(&r);
		bool text = persist_get_text(&r, name);
		uint64_t count = persist_get_number(&r);

		if (!text || r.bad)
			return;
		for (unsigned int i = 0; found == list && i < n; i++)
			if (names[i] && strcmp(names[i], name) == 0)
				ret_counts[i] = count;
	}
}

void totals_sweep(struct lns *lns)
{
	uint8_t buf[STORE_MAX_RECORD];
	struct writer w = writer_of(buf, sizeof(buf));
	uint64_t wires[L2TP3_C_MAX], sum = 0;
	struct list lists[LISTS];

	lists_of(lns, wires, lists);
	for (unsigned int l = 0; l < LISTS; l++)
		for (unsigned int i = 0; i < lists[l].n; i++)
			sum += lists[l].counts[i];
	if (sum == lns->totals_sum)
		return;
	lns->totals_sum = sum;
	writer_u8(&w, PERSIST_VERSION);
	for (uint8_t l = 0; l < LISTS; l++)
		totals_put(&w, l, lists[l].counts, lists[l].names, lists[l].n);
	if (!w.bad)
		store_put(lns->store, STORE_MISC, PERSIST_TOTALS, buf, w.len);
}

void totals_restore(struct lns *lns, const uint8_t *rec, size_t len)
{
	uint64_t l2tp[L2TP_C_MAX] = { 0 }, slow[DP_SLOW_MAX] = { 0 };
	struct reader r = reader_of(rec, len);

	if (reader_u8(&r) != PERSIST_VERSION)
		return;
	totals_get(r, 0, l2tp, l2tp_counter_names, L2TP_C_MAX);
	totals_get(r, 1, slow, dp_slow_counter_names, DP_SLOW_MAX);
	l2tp_counters_add(lns->l2tp, l2tp);
	dp_slow_counters_add(lns->dp, slow);
	if (lns->wires)
		totals_get(r, 2, lns->wires->before, l2tp3_counter_names, L2TP3_C_MAX);
}
