/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The maps that cannot be mapped: hosts (subscribers outside every pool), VLANs, and the
 * counters of verdicts. The privileged process alone reads and writes them, on request, and
 * remembers what stands in them, so that a worker, forked from it, knows too.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "loader/datapath/private.h"

struct host_key {
	bool v6;
	uint32_t v4; /* network order, both */
	uint64_t upper;
};

static struct host_key key_of(const struct prefix *p)
{
	return (struct host_key){ .v6 = !addr_is_v4(&p->addr),
				  .v4 = htonl(addr_v4(&p->addr)),
				  .upper = htobe64(addr_v6_upper(&p->addr)) };
}

static int host_put(int fd, uint32_t *n, const void *key, uint32_t index)
{
	if (bpf_map_update_elem(fd, key, &index, BPF_NOEXIST) == 0) {
		__atomic_fetch_add(n, 1, __ATOMIC_RELEASE);
		return 0;
	}
	if (errno == EEXIST && bpf_map_update_elem(fd, key, &index, BPF_EXIST) == 0)
		return 0;
	return errno == E2BIG ? -ENOMEM : -errno;
}

static int host_del(int fd, uint32_t *n, const void *key)
{
	if (bpf_map_delete_elem(fd, key) == 0)
		__atomic_fetch_sub(n, 1, __ATOMIC_RELEASE);
	return 0;
}

int maps_host_do(struct datapath *dp, const struct prefix *p, uint32_t index, bool add)
{
	const struct host_key k = key_of(p);
	struct dp_maps *m = dp->maps;
	int fd = k.v6 ? m->hosts6 : m->hosts4, rc;
	uint32_t *n = k.v6 ? &m->live->hosts6 : &m->live->hosts4;
	const void *key = k.v6 ? (const void *)&k.upper : (const void *)&k.v4;

	rc = add ? host_put(fd, n, key, index) : host_del(fd, n, key);
	if (rc < 0)
		return rc;
	if (!add)
		claim_drop(&dp->hosts, p);
	else if (!claim_add(&dp->hosts, p, index))
		return -ENOMEM;
	return 0;
}

void maps_vlan_note(struct datapath *dp, const struct l2x_vlan_key *key, uint32_t ifindex, bool add)
{
	unsigned int i = 0;

	while (i < dp->n_vlans && memcmp(&dp->vlans[i].key, key, sizeof(*key)))
		i++;
	if (add && i < L2X_PORT_SLOTS) {
		dp->vlans[i] = (struct vlan_entry){ *key, ifindex };
		dp->n_vlans += i == dp->n_vlans;
	}
	if (!add && i < dp->n_vlans)
		dp->vlans[i] = dp->vlans[--dp->n_vlans];
}

int maps_vlan_do(struct datapath *dp, const struct l2x_vlan_key *key, uint32_t ifindex, bool add)
{
	int fd = dp->maps->vlans;

	if (add && bpf_map_update_elem(fd, key, &ifindex, BPF_ANY))
		return -errno;
	if (!add && bpf_map_delete_elem(fd, key) && errno != ENOENT)
		return -errno;
	maps_vlan_note(dp, key, ifindex, add);
	return 0;
}

int maps_verdicts_do(struct datapath *dp, uint64_t ret[L2X_V_MAX])
{
	int cpus = libbpf_num_possible_cpus();
	uint64_t *values;

	memset(ret, 0, sizeof(ret[0]) * L2X_V_MAX);
	if (cpus <= 0)
		return -EIO;
	values = calloc((size_t)cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	for (uint32_t v = 0; v < L2X_V_MAX; v++) {
		if (bpf_map_lookup_elem(dp->maps->verdicts, &v, values))
			continue;
		for (int i = 0; i < cpus; i++)
			ret[v] += values[i];
	}
	free(values);
	return 0;
}

/* ---- what an earlier daemon left ----------------------------------------------------------- */

static struct prefix prefix_of(const uint8_t *key, bool v6)
{
	struct prefix p = { .len = v6 ? 64 : 32 };
	uint32_t v4;

	if (v6) {
		memcpy(p.addr.b, key, 8);
		return p;
	}
	memcpy(&v4, key, sizeof(v4));
	p.addr = addr_from_v4(ntohl(v4));
	return p;
}

/* The number of entries too: a daemon that was killed may have left it too small, and then
 * the program does not look them up. */
static int recall_hosts(struct datapath *dp, bool v6)
{
	struct dp_maps *m = dp->maps;
	int fd = v6 ? m->hosts6 : m->hosts4;
	uint8_t key[8], next[8];
	uint32_t n = 0, index;
	bool more = bpf_map_get_next_key(fd, NULL, next) == 0;

	while (more) {
		struct prefix p;

		memcpy(key, next, sizeof(key));
		p = prefix_of(key, v6);
		if (bpf_map_lookup_elem(fd, key, &index) == 0 && ++n &&
		    !claim_add(&dp->hosts, &p, index))
			return -ENOMEM;
		more = bpf_map_get_next_key(fd, key, next) == 0;
	}
	__atomic_store_n(v6 ? &m->live->hosts6 : &m->live->hosts4, n, __ATOMIC_RELEASE);
	return 0;
}

int maps_recall(struct datapath *dp)
{
	struct l2x_vlan_key key, next;
	int fd = dp->maps->vlans, rc;
	bool more = bpf_map_get_next_key(fd, NULL, &next) == 0;
	uint32_t ifindex;

	while (more) {
		key = next;
		if (bpf_map_lookup_elem(fd, &key, &ifindex) == 0)
			maps_vlan_note(dp, &key, ifindex, true);
		more = bpf_map_get_next_key(fd, &key, &next) == 0;
	}
	rc = recall_hosts(dp, false);
	return rc ?: recall_hosts(dp, true);
}
