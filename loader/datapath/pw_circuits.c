/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The maps that find a pseudowire where its index does not stand in the packet: circuits, by device
 * and tags, and pw_ids, by a Session ID that somebody chose. The privileged process brings them to what the
 * configuration says: first what is missing is put, then what is wrong is deleted, so that
 * whoever stays is found all the time.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader/datapath/pw_private.h"

#define KEY_MAX sizeof(struct l2x_pw_id)

struct entry {
	uint8_t key[KEY_MAX];
	uint32_t index;
};

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, KEY_MAX);
}

/* `list` is in rising order. Keys first, for a map that is walked must not change meanwhile. */
static int sweep(int fd, size_t key_size, const struct entry *list, size_t n)
{
	uint8_t key[KEY_MAX] = { 0 }, (*wrong)[KEY_MAX] = NULL;
	bool more = bpf_map_get_next_key(fd, NULL, key) == 0;
	size_t n_wrong = 0, cap = 0;

	while (more) {
		uint8_t last[KEY_MAX] = { 0 };

		memcpy(last, key, key_size);
		if (!n || !bsearch(last, list, n, sizeof(*list), compare)) {
			if (n_wrong == cap) {
				void *larger;

				cap = cap ? 2 * cap : 64;
				larger = realloc(wrong, cap * sizeof(*wrong));
				if (!larger)
					break;
				wrong = larger;
			}
			memcpy(wrong[n_wrong++], last, KEY_MAX);
		}
		more = bpf_map_get_next_key(fd, last, key) == 0;
	}
	for (size_t i = 0; i < n_wrong; i++)
		bpf_map_delete_elem(fd, wrong[i]);
	free(wrong);
	return more ? -ENOMEM : 0;
}

static int put(int fd, const struct entry *e)
{
	return bpf_map_update_elem(fd, e->key, &e->index, BPF_ANY) ? -errno : 0;
}

/* What is wrong may stand in the way of what is missing: then it goes first. */
static int write_all(int fd, size_t key_size, struct entry *list, size_t n, bool clean)
{
	int rc = 0;

	qsort(list, n, sizeof(*list), compare);
	for (size_t i = 0; i < n; i++) {
		int one = put(fd, &list[i]);

		if (one == -E2BIG && sweep(fd, key_size, list, n) == 0)
			one = put(fd, &list[i]);
		rc = rc ?: one;
	}
	if (clean)
		rc = sweep(fd, key_size, list, n) ?: rc;
	return rc;
}

typedef bool entry_fn(const struct datapath *dp, const struct pw *w, struct entry *ret);

static int write_map(const struct datapath *dp, int fd, size_t key_size, entry_fn *fn, bool clean)
{
	struct entry *list = calloc(dp->n_pws + 1, sizeof(*list));
	size_t n = 0;
	int rc;

	if (!list)
		return -ENOMEM;
	for (unsigned int i = 0; i < dp->n_pws; i++)
		n += fn(dp, &dp->pws[i], &list[n]);
	rc = write_all(fd, key_size, list, n, clean);
	free(list);
	return rc;
}

/* ---- circuits ---------------------------------------------------------------------------------- */

static bool circuit(const struct datapath *dp, const struct pw *w, struct entry *ret)
{
	const struct pw_circuit *c = &w->cfg->circuit;
	const struct l2x_vlan_key key = { .ifindex = w->ifindex,
					  .tag = { htons(c->vlan[0]), htons(c->vlan[1]) } };

	(void)dp;
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->key, &key, sizeof(key));
	ret->index = w->index;
	return w->ifindex && w->index;
}

int pw_circuits_write(const struct datapath *dp, bool clean)
{
	return write_map(dp, dp->maps->circuits, sizeof(struct l2x_vlan_key), circuit, clean);
}

/* ---- IDs --------------------------------------------------------------------------------------- */

/* Of one that its low bits do not lead to; those of signalled ones always do. */
static bool id(const struct datapath *dp, const struct pw *w, struct entry *ret)
{
	const struct pw_config *cfg = w->cfg;
	struct l2x_pw_id key = { .id = htonl(cfg->id), .peer_port = htons(cfg->path.peer_port) };

	memset(ret, 0, sizeof(*ret));
	memcpy(&key.peer, cfg->path.peer.b, sizeof(key.peer));
	memcpy(ret->key, &key, sizeof(key));
	ret->index = w->index;
	return !cfg->signalled && cfg->id && w->index &&
	       (cfg->id & (dp->maps->pws.n - 1)) != w->index;
}

int pw_ids_write(const struct datapath *dp, bool clean)
{
	return write_map(dp, dp->maps->pw_ids, sizeof(struct l2x_pw_id), id, clean);
}
