/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Address pools. Each prefix is a window of consecutive slots: a slot is one IPv4 address
 * or one IPv6 /64. All free slots stand in a ring, shuffled at the start, so that an
 * address tells nobody which one comes next; one is taken from the front, and a released
 * one goes to the end: it is handed out again as late as possible.
 *
 * A static user, or a session that outlived a restart, claims an address from the middle
 * of the ring. Its place in the ring then stays, and is skipped when it comes to the front;
 * if the address has been released by then, that place is moved to the end instead
 * (`late`), as a release would have put it.
 *
 * Memory: 4 octets for the ring and three bits for each slot.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "loader/aaa/aaa.h"
#include "maps/schema.h"

struct window {
	uint64_t first; /* IPv4 address, or upper 64 bits of IPv6; host order */
	uint32_t count, slot; /* slots, and where they begin in the family */
	uint64_t broadcast; /* IPv4 shorter than /31: its last address; else 0 */
};

struct family {
	struct window windows[L2X_MAX_WINDOWS];
	unsigned int n_windows;
	uint32_t slots; /* of all windows */
	uint32_t *ring;
	uint32_t head, queued_n; /* the front, and how many stand in the ring */
	uint8_t *held; /* bit: handed out, claimed, or never to be handed out */
	uint8_t *queued; /* bit: stands in the ring */
	uint8_t *late; /* bit: released while its place in the ring was not at the end */
	uint64_t size, used;
};

struct pool {
	struct family v4, v6;
	struct ipaddr *reserved;
	unsigned int n_reserved;
};

#define NO_SLOT UINT32_MAX

static bool bit(const uint8_t *bits, uint32_t i)
{
	return bits[i / 8] >> (i % 8) & 1;
}

static void bit_set(uint8_t *bits, uint32_t i, bool on)
{
	if (on)
		bits[i / 8] |= (uint8_t)(1u << (i % 8));
	else
		bits[i / 8] &= (uint8_t) ~(1u << (i % 8));
}

static uint32_t slot_of(const struct family *f, uint64_t key)
{
	unsigned int i;

	for (i = 0; i < f->n_windows; i++) {
		const struct window *w = &f->windows[i];

		if (key >= w->first && key - w->first < w->count)
			return w->slot + (uint32_t)(key - w->first);
	}
	return NO_SLOT;
}

static uint64_t key_of(const struct family *f, uint32_t slot)
{
	unsigned int i = 0;

	while (slot - f->windows[i].slot >= f->windows[i].count)
		i++;
	return f->windows[i].first + (slot - f->windows[i].slot);
}

static void ring_push(struct family *f, uint32_t slot)
{
	f->ring[((uint64_t)f->head + f->queued_n) % f->slots] = slot;
	f->queued_n++;
	bit_set(f->queued, slot, true);
}

static uint32_t ring_pop(struct family *f)
{
	uint32_t slot = f->ring[f->head];

	f->head = (f->head + 1) % f->slots;
	f->queued_n--;
	bit_set(f->queued, slot, false);
	return slot;
}

static int take(struct family *f, uint64_t *ret)
{
	uint32_t slot;

	if (!f->slots)
		return -ENOENT;
	while (f->queued_n) {
		bool late;

		slot = ring_pop(f);
		late = bit(f->late, slot);
		bit_set(f->late, slot, false);
		if (bit(f->held, slot))
			continue;
		if (late) {
			ring_push(f, slot);
			continue;
		}
		bit_set(f->held, slot, true);
		f->used++;
		*ret = key_of(f, slot);
		return 0;
	}
	return -ENOSPC;
}

static int claim(struct family *f, uint64_t key)
{
	uint32_t slot = slot_of(f, key);

	if (slot == NO_SLOT)
		return -ENOENT;
	if (bit(f->held, slot))
		return -EBUSY;
	bit_set(f->held, slot, true);
	f->used++;
	return 0;
}

static void release(struct family *f, uint64_t key)
{
	uint32_t slot = slot_of(f, key);

	if (slot == NO_SLOT || !bit(f->held, slot))
		return;
	bit_set(f->held, slot, false);
	f->used--;
	if (bit(f->queued, slot))
		bit_set(f->late, slot, true);
	else
		ring_push(f, slot);
}

/* ---- making one ---- */

static void window_add(struct family *f, uint64_t first, uint64_t count, uint64_t broadcast)
{
	struct window *w = &f->windows[f->n_windows++];

	w->first = first;
	w->count = (uint32_t)(count < L2X_MAX_WINDOW_SLOTS ? count : L2X_MAX_WINDOW_SLOTS);
	w->slot = f->slots;
	w->broadcast = broadcast;
	f->slots += w->count;
}

static int add_v4(struct family *f, const struct prefix *p)
{
	uint64_t count, first = addr_v4(&p->addr);

	if (f->n_windows == L2X_MAX_WINDOWS || p->len > 32 || !addr_is_v4(&p->addr))
		return -EINVAL;
	count = 1ull << (32 - p->len);
	window_add(f, first, count, count > 2 ? first + count - 1 : 0);
	return 0;
}

static int add_v6(struct family *f, const struct prefix *p)
{
	uint64_t count = L2X_MAX_WINDOW_SLOTS;

	if (f->n_windows == L2X_MAX_WINDOWS || p->len > 64 || addr_is_v4(&p->addr))
		return -EINVAL;
	if (p->len > 32)
		count = 1ull << (64 - p->len);
	window_add(f, addr_v6_upper(&p->addr), count, 0);
	return 0;
}

static int family_alloc(struct family *f)
{
	size_t octets = f->slots / 8 + 1;

	/* one octet more, so that a family without addresses has a bitmap, too */
	f->ring = malloc((f->slots + 1u) * sizeof(*f->ring));
	f->held = calloc(octets, 1);
	f->queued = calloc(octets, 1);
	f->late = calloc(octets, 1);
	return f->ring && f->held && f->queued && f->late ? 0 : -ENOMEM;
}

static void family_free(struct family *f)
{
	free(f->ring);
	free(f->held);
	free(f->queued);
	free(f->late);
}

/* A slot that is never handed out: held, and not counted as used. */
static void exclude(struct family *f, uint64_t key)
{
	uint32_t slot = slot_of(f, key);

	if (slot != NO_SLOT)
		bit_set(f->held, slot, true);
}

/* Fisher and Yates, with random octets drawn for many steps at once. */
static void shuffle(struct family *f, random_fn *random, void *ctx)
{
	uint32_t draw[256], i, j, swap;
	size_t left = 0;

	for (i = f->queued_n; i > 1; i--) {
		if (!left) {
			random(ctx, draw, sizeof(draw));
			left = sizeof(draw) / sizeof(draw[0]);
		}
		j = (uint32_t)((uint64_t)draw[--left] * i >> 32);
		swap = f->ring[j];
		f->ring[j] = f->ring[i - 1];
		f->ring[i - 1] = swap;
	}
}

static void family_fill(struct family *f, random_fn *random, void *ctx)
{
	uint32_t i;

	for (i = 0; i < f->slots; i++) {
		if (!bit(f->held, i))
			ring_push(f, i);
	}
	f->size = f->queued_n;
	shuffle(f, random, ctx);
}

/* Network and broadcast addresses, and our own. */
static void exclude_all(struct pool *p)
{
	unsigned int i;

	for (i = 0; i < p->v4.n_windows; i++) {
		if (!p->v4.windows[i].broadcast)
			continue;
		exclude(&p->v4, p->v4.windows[i].first);
		exclude(&p->v4, p->v4.windows[i].broadcast);
	}
	for (i = 0; i < p->n_reserved; i++) {
		const struct ipaddr *a = &p->reserved[i];

		if (addr_is_v4(a))
			exclude(&p->v4, addr_v4(a));
		else if (addr_is_set(a))
			exclude(&p->v6, addr_v6_upper(a));
	}
}

int pool_new(const char *name, const struct prefix *v4, unsigned int n_v4, const struct prefix *v6,
	     unsigned int n_v6, const struct ipaddr *reserved, unsigned int n_reserved,
	     random_fn *random, void *ctx, struct pool **ret)
{
	struct pool *p = calloc(1, sizeof(*p));
	unsigned int i;
	int err = 0;

	(void)name;
	if (!p)
		return -ENOMEM;
	for (i = 0; i < n_v4 && !err; i++)
		err = add_v4(&p->v4, &v4[i]);
	for (i = 0; i < n_v6 && !err; i++)
		err = add_v6(&p->v6, &v6[i]);
	if (!err && n_reserved) {
		p->reserved = malloc(n_reserved * sizeof(*reserved));
		if (p->reserved)
			memcpy(p->reserved, reserved, n_reserved * sizeof(*reserved));
		else
			err = -ENOMEM;
		p->n_reserved = n_reserved;
	}
	if (!err)
		err = family_alloc(&p->v4);
	if (!err)
		err = family_alloc(&p->v6);
	if (err) {
		pool_free(p);
		return err;
	}
	exclude_all(p);
	family_fill(&p->v4, random, ctx);
	family_fill(&p->v6, random, ctx);
	*ret = p;
	return 0;
}

void pool_free(struct pool *p)
{
	if (!p)
		return;
	family_free(&p->v4);
	family_free(&p->v6);
	free(p->reserved);
	free(p);
}

/* ---- using it ---- */

static bool is_reserved4(const struct pool *p, const struct ipaddr *a)
{
	unsigned int i;

	for (i = 0; i < p->n_reserved; i++) {
		if (addr_eq(&p->reserved[i], a))
			return true;
	}
	for (i = 0; i < p->v4.n_windows; i++) {
		const struct window *w = &p->v4.windows[i];

		if (w->broadcast && (addr_v4(a) == w->first || addr_v4(a) == w->broadcast))
			return true;
	}
	return false;
}

static bool is_reserved6(const struct pool *p, uint64_t upper)
{
	unsigned int i;

	for (i = 0; i < p->n_reserved; i++) {
		if (!addr_is_v4(&p->reserved[i]) && addr_v6_upper(&p->reserved[i]) == upper)
			return true;
	}
	return false;
}

int pool_take4(struct pool *p, struct ipaddr *ret)
{
	uint64_t key;
	int err = take(&p->v4, &key);

	if (!err)
		*ret = addr_from_v4((uint32_t)key);
	return err;
}

int pool_take6(struct pool *p, struct prefix *ret)
{
	uint64_t key;
	int i, err = take(&p->v6, &key);

	if (err)
		return err;
	*ret = (struct prefix){ .len = 64 };
	for (i = 0; i < 8; i++)
		ret->addr.b[i] = (uint8_t)(key >> (56 - 8 * i));
	return 0;
}

int pool_claim4(struct pool *p, const struct ipaddr *a)
{
	return addr_is_v4(a) ? claim(&p->v4, addr_v4(a)) : -ENOENT;
}

int pool_claim6(struct pool *p, const struct prefix *a)
{
	if (a->len != 64 || addr_is_v4(&a->addr))
		return -ENOENT;
	return claim(&p->v6, addr_v6_upper(&a->addr));
}

void pool_release4(struct pool *p, const struct ipaddr *a)
{
	if (addr_is_v4(a) && !is_reserved4(p, a))
		release(&p->v4, addr_v4(a));
}

void pool_release6(struct pool *p, const struct prefix *a)
{
	uint64_t upper = addr_v6_upper(&a->addr);

	if (a->len == 64 && !addr_is_v4(&a->addr) && !is_reserved6(p, upper))
		release(&p->v6, upper);
}

void pool_usage(const struct pool *p, struct pool_use *ret)
{
	*ret = (struct pool_use){
		.size4 = p->v4.size, .used4 = p->v4.used, .size6 = p->v6.size, .used6 = p->v6.used
	};
}
