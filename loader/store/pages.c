/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pages of an LMDB file, held against each other before LMDB may write to it.
 *
 * LMDB believes what a page says of itself: its number when it is freed, its flags when it is
 * changed, a free list when a page is handed out. A fault there shows only later, as a crash or
 * as another damaged page. So each page that the file's trees or its free list name is looked
 * at here: named once, of the right kind, with its own number, its nodes within it, and as
 * many as the tree says. The layout is that of LMDB's data version 1 (0.9).
 */
#include "loader/store/private.h"

#include <stdlib.h>
#include <string.h>

#define MAGIC 0xBEEFC0DEu
#define DATA_VERSION 1
#define HEADER 16 /* of a page: number 8, pad 2, flags 2, lower 2, upper 2 (or pages 4) */
#define META_LEN 136 /* magic 4, version 4, address 8, map 8, 2 trees, last page 8, transaction 8 */
#define TREE_LEN 48
#define NODE 8 /* header of a node: low 2, high 2, flags 2, length of the key 2 */
#define MOST_DEPTH 32
#define NO_PAGE UINT64_MAX

enum { BRANCH = 1, LEAF = 2, OVERFLOW = 4, META = 8 }; /* pages */
enum { BIG = 1, SUBTREE = 2 }; /* nodes */
enum { INTEGER_KEY = 8, OTHER_KINDS = 0x76 }; /* trees; the others are never ours */

struct tree {
	uint16_t flags, depth;
	uint64_t branch, leaf, overflow, entries, root;
};

struct file {
	const uint8_t *map;
	size_t page_size;
	uint64_t n; /* pages */
	uint8_t *seen; /* a bit each */
	const char *fault;
};

enum role { FREE_LIST, TREE_OF_TREES, RECORDS };

struct walk {
	struct file *f;
	enum role role;
	struct tree want, is;
};

static uint16_t get16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static bool bad(struct file *f, const char *fault)
{
	if (!f->fault)
		f->fault = fault;
	return false;
}

static size_t even(size_t n)
{
	return (n + 1) & ~(size_t)1;
}

static bool claim(struct file *f, uint64_t page, uint64_t n)
{
	if (page < 2 || page >= f->n || n > f->n - page)
		return bad(f, "a page is named that is not there");
	for (; n; n--, page++) {
		uint8_t bit = (uint8_t)(1u << (page & 7));

		if (f->seen[page >> 3] & bit)
			return bad(f, "a page is named twice");
		f->seen[page >> 3] |= bit;
	}
	return true;
}

static const uint8_t *page_at(const struct file *f, uint64_t page)
{
	return f->map + page * f->page_size;
}

static struct tree tree_at(const uint8_t *p)
{
	return (struct tree){
		.flags = get16(p + 4),
		.depth = get16(p + 6),
		.branch = get64(p + 8),
		.leaf = get64(p + 16),
		.overflow = get64(p + 24),
		.entries = get64(p + 32),
		.root = get64(p + 40),
	};
}

/* A list of the pages that one transaction freed: how many, then falling numbers. */
static bool free_pages(struct file *f, const uint8_t *p, size_t len)
{
	uint64_t n = len >= 8 ? get64(p) : NO_PAGE, before = NO_PAGE;

	if (n > len / 8 - (len >= 8))
		return bad(f, "an entry of the free list is no list");
	for (uint64_t i = 1; i <= n; i++) {
		uint64_t page = get64(p + i * 8);

		if (page >= before)
			return bad(f, "the free list is out of order");
		before = page;
		if (!claim(f, page, 1))
			return false;
	}
	return true;
}

/* Data that lies in pages of its own; *ret its octets. */
static bool overflow(struct walk *w, uint64_t page, size_t len, const uint8_t **ret)
{
	struct file *f = w->f;
	const uint8_t *p;
	uint64_t n;

	if (page < 2 || page >= f->n)
		return bad(f, "a page is named that is not there");
	p = page_at(f, page);
	n = get32(p + 12);
	if (get64(p) != page || get16(p + 10) != OVERFLOW ||
	    n < (HEADER - 1 + len) / f->page_size + 1)
		return bad(f, "a page of a long record is another");
	w->is.overflow += n;
	*ret = p + HEADER;
	return claim(f, page, n);
}

static bool walk_tree(struct file *f, const uint8_t *at, enum role role);

/* *used: octets of the page's nodes, raised by this one's */
static bool leaf_node(struct walk *w, const uint8_t *node, size_t room, size_t *used)
{
	struct file *f = w->f;
	size_t key = get16(node + 6), len = get16(node) | (size_t)get16(node + 2) << 16;
	uint16_t flags = get16(node + 4);
	const uint8_t *data = node + NODE + key;

	room -= NODE;
	if (key > room || (flags & BIG ? 8 : len) > room - key)
		return bad(f, "a record leaves its page");
	*used += even(NODE + key + (flags & BIG ? 8 : len));
	w->is.entries++;
	if (w->role == TREE_OF_TREES) {
		if (flags != SUBTREE || len != TREE_LEN)
			return bad(f, "a table is none");
		return walk_tree(f, data, RECORDS);
	}
	if (flags & ~BIG || key != 8)
		return bad(f, "a record is of another kind");
	if (flags & BIG && !overflow(w, get64(data), len, &data))
		return false;
	return w->role == FREE_LIST ? free_pages(f, data, len) : true;
}

static bool walk_page(struct walk *w, uint64_t page, unsigned int level);

static bool branch_node(struct walk *w, const uint8_t *node, size_t room, unsigned int level,
			size_t *used)
{
	size_t key = get16(node + 6);

	if (key > room - NODE)
		return bad(w->f, "a key leaves its page");
	*used += even(NODE + key);
	return walk_page(
		w, get16(node) | (uint64_t)get16(node + 2) << 16 | (uint64_t)get16(node + 4) << 32,
		level + 1);
}

static bool walk_page(struct walk *w, uint64_t page, unsigned int level)
{
	struct file *f = w->f;
	bool is_leaf = level == w->want.depth;
	size_t lower, upper, used = 0;
	const uint8_t *p;

	if (!claim(f, page, 1))
		return false;
	p = page_at(f, page);
	lower = get16(p + 12);
	upper = get16(p + 14);
	if (get64(p) != page || get16(p + 10) != (is_leaf ? LEAF : BRANCH))
		return bad(f, "a page is another than its place says");
	if (lower < HEADER + (is_leaf ? 2 : 4) || lower & 1 || upper < lower ||
	    upper > f->page_size)
		return bad(f, "a page has impossible bounds");
	++*(is_leaf ? &w->is.leaf : &w->is.branch);
	for (size_t i = HEADER; i < lower; i += 2) {
		size_t at = get16(p + i), room = f->page_size - at;

		if (at < upper || at > f->page_size - NODE || at & 1)
			return bad(f, "a page points out of itself");
		if (!(is_leaf ? leaf_node(w, p + at, room, &used)
			      : branch_node(w, p + at, room, level, &used)))
			return false;
	}
	if (used > f->page_size - upper)
		return bad(f, "records of a page overlap");
	return true;
}

static bool walk_tree(struct file *f, const uint8_t *at, enum role role)
{
	struct walk w = { .f = f, .role = role, .want = tree_at(at) };

	if (w.want.flags & OTHER_KINDS ||
	    (role != TREE_OF_TREES && !(w.want.flags & INTEGER_KEY)) || w.want.depth > MOST_DEPTH ||
	    (w.want.root == NO_PAGE) != (w.want.depth == 0))
		return bad(f, "a tree is of another kind");
	if (w.want.depth && !walk_page(&w, w.want.root, 1))
		return false;
	if (w.is.branch != w.want.branch || w.is.leaf != w.want.leaf ||
	    w.is.overflow != w.want.overflow || w.is.entries != w.want.entries)
		return bad(f, "a tree does not have as many pages or records as it says");
	return true;
}

static bool is_meta(const uint8_t *page, size_t page_size)
{
	const uint8_t *meta = page + HEADER;

	return get16(page + 10) == META && get32(meta) == MAGIC &&
	       get32(meta + 4) == DATA_VERSION && get32(meta + 24) == page_size;
}

const char *pages_fault(const void *map, size_t len, size_t page_size)
{
	struct file f = { .map = map, .page_size = page_size };
	const uint8_t *meta[2], *newest;

	if (page_size < 512 || page_size > 65536 || len < 2 * page_size ||
	    !is_meta(f.map, page_size) || !is_meta(f.map + page_size, page_size))
		return "a meta page is none";
	for (unsigned int i = 0; i < 2; i++)
		meta[i] = f.map + i * page_size + HEADER;
	newest = meta[get64(meta[0] + META_LEN - 8) < get64(meta[1] + META_LEN - 8)];
	f.n = get64(newest + META_LEN - 16) + 1;
	if (f.n < 2 || f.n > len / page_size)
		return "the file was cut short";
	f.seen = calloc(1, f.n / 8 + 1);
	if (!f.seen)
		return "no memory to look at it";
	if (walk_tree(&f, newest + 24, FREE_LIST))
		walk_tree(&f, newest + 24 + TREE_LEN, TREE_OF_TREES);
	free(f.seen);
	return f.fault;
}
