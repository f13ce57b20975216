// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sizes, families and numbering matter little beside the number of sessions: so the short
 * table has every number of sessions for the smallest packets, and everything else once, with
 * 65 536. The full one has all of it in all combinations.
 */
#include <stdio.h>

#include "tests/bench/table.h"

static const unsigned int session_counts[] = { 1, 1000, 65536, 1000000 };
static const unsigned int sizes[] = { 64, 512, 1400 };
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ORDINARY 65536u

static bool is_short(const struct cell *c)
{
	unsigned int odd = (c->inner != 64) + (c->family != 4) + c->seq;

	if (c->plain_sum)
		return true;
	if (c->device != BENCH_L2XDP && c->sessions == 1000)
		return false;
	return odd == 0 || (odd == 1 && c->sessions == ORDINARY);
}

static unsigned int add(struct cell *ret, unsigned int n, bool full, const struct cell *c)
{
	if (n < MAX_CELLS && (full || is_short(c)))
		ret[n++] = *c;
	return n;
}

/* All numbers of sessions and both numberings for one kind of packet. The kernel numbers
 * nothing. */
static unsigned int add_kind(struct cell *ret, unsigned int n, bool full, struct cell c)
{
	unsigned int i, seq;

	for (seq = 0; seq <= (c.device == BENCH_L2XDP); seq++) {
		for (i = 0; i < COUNT(session_counts); i++) {
			c.seq = seq;
			c.sessions = session_counts[i];
			n = add(ret, n, full, &c);
		}
	}
	return n;
}

/* Pseudowires: small and large frames; one, and as many as a device has VLANs. */
static unsigned int add_pws(struct cell *ret, unsigned int n, bool full, enum bench_wire wire)
{
	static const unsigned int lens[] = { 64, 1500 };
	struct cell c = { .family = 4, .wire = wire };
	unsigned int op, len;

	for (op = BENCH_DECAP; op <= BENCH_ENCAP; op++) {
		for (len = 0; len < COUNT(lens) && n + 1 < MAX_CELLS; len++) {
			c.op = op;
			c.inner = lens[len];
			c.sessions = 1;
			ret[n++] = c;
			c.sessions = BENCH_PWS;
			if (wire == BENCH_UDP4 || wire == BENCH_IP4)
				if (full || len == 0)
					ret[n++] = c;
		}
	}
	return n;
}

unsigned int table_make(bool full, struct cell ret[MAX_CELLS])
{
	struct cell c = { 0 },
		    sum = { .op = BENCH_ENCAP,
			    .family = 4,
			    .inner = 512,
			    .sessions = ORDINARY,
			    .plain_sum = true },
		    echo = { .op = BENCH_ECHO, .family = 4, .inner = 20 };
	unsigned int n = 0, device, op, size;

	for (device = 0; device < BENCH_DEVICES; device++) {
		for (op = BENCH_DECAP; op <= BENCH_ENCAP; op++) {
			for (c.family = 4; c.family <= 6; c.family += 2) {
				for (size = 0; size < COUNT(sizes); size++) {
					c.device = device;
					c.op = op;
					/* no smaller than its headers: IPv6 and UDP are 48 */
					c.inner = sizes[size];
					n = add_kind(ret, n, full, c);
				}
			}
		}
		if (device == BENCH_L2XDP)
			n = add(ret, n, full, &sum);
	}
	n = add_pws(ret, n, full, BENCH_UDP4);
	n = add_pws(ret, n, full, BENCH_IP4);
	n = add_pws(ret, n, full, BENCH_UDP6);
	for (size = 0; size < COUNT(session_counts); size++) {
		echo.sessions = session_counts[size];
		n = add(ret, n, true, &echo);
	}
	return n;
}

static const char *op_of(const struct cell *c)
{
	if (c->device != BENCH_FORWARD)
		return bench_op_names[c->op];
	return c->op == BENCH_DECAP ? "up" : "down";
}

void cell_name(const struct cell *c, char *ret, size_t len)
{
	if (c->wire) {
		snprintf(ret, len, "%s %s %u octets, %u pseudowire%s", op_of(c),
			 bench_wire_names[c->wire], c->inner, c->sessions,
			 c->sessions == 1 ? "" : "s");
		return;
	}
	snprintf(ret, len, "%s%s%s IPv%d %u octets, %u %s%s%s%s",
		 c->device == BENCH_L2XDP ? "" : bench_device_names[c->device],
		 c->device == BENCH_L2XDP ? "" : " ", op_of(c), c->family, c->inner, c->sessions,
		 c->device == BENCH_L2XDP ? "session" : "destination", c->sessions == 1 ? "" : "s",
		 c->seq ? ", sequenced" : "", c->plain_sum ? ", full sum" : "");
}

void cell_row(const struct cell *c, char *ret, size_t len)
{
	if (c->wire) {
		snprintf(ret, len, "op=%s wire=%s octets=%u pseudowires=%u", op_of(c),
			 bench_wire_names[c->wire], c->inner, c->sessions);
		return;
	}
	snprintf(ret, len, "op=%s family=%d octets=%u sessions=%u sequenced=%d full-sum=%d",
		 op_of(c), c->family, c->inner, c->sessions, c->seq, c->plain_sum);
}
