/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists whose nodes are part of what is listed: the newest first, taken out from anywhere. */
#ifndef L2XDP_BASE_LIST_H
#define L2XDP_BASE_LIST_H

#include <stddef.h>

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* Zero-initialised: in no list. */
struct listnode {
	struct listnode *next, **at; /* what points here; NULL: in no list */
};

/* Nothing if the node is in a list. */
static inline void list_add(struct listnode **first, struct listnode *n)
{
	if (n->at)
		return;
	n->next = *first;
	if (n->next)
		n->next->at = &n->next;
	n->at = first;
	*first = n;
}

/* Nothing if the node is in no list. */
static inline void list_del(struct listnode *n)
{
	if (!n->at)
		return;
	*n->at = n->next;
	if (n->next)
		n->next->at = n->at;
	n->at = NULL;
}

#endif
