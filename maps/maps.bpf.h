/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps of the programs, declared: keys and values are told in schema.h.
 *
 * Sizes here are the smallest that load; the daemon sets the real ones before it loads
 * (sessions, traffic and the short way's: 65536 a shard, places: a 64th of that, pool4 and pool6: a
 * 16th of the windows' sum, workers, handed and routes: by the number of CPUs; routes is no per-CPU map,
 * whose elements lie one by one). What the
 * daemon changes while traffic flows it changes by mmap. BPF_F_RDONLY_PROG cannot stand
 * beside that: the kernel refuses to map such a map writable.
 */
#ifndef L2X_MAPS_MAPS_BPF_H
#define L2X_MAPS_MAPS_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "maps/schema.h"
#include "maps/verdicts.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct l2x_session);
} sessions SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct l2x_traffic);
} traffic SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct l2x_short_up);
} up_lines SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct l2x_short_down);
} down_lines SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, L2X_MAX_TUNNELS);
	__type(key, __u32);
	__type(value, struct l2x_tunnel);
} tunnels SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct l2x_slots);
} pool4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct l2x_slots);
} pool6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, L2X_MAX_HOSTS);
	__type(key, __be32);
	__type(value, __u32);
} hosts4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, L2X_MAX_HOSTS);
	__type(key, __be64);
	__type(value, __u32);
} hosts6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, L2X_PORT_SLOTS);
	__type(key, __u32);
	__type(value, struct l2x_port);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, struct l2x_vlan_key);
	__type(value, __u32);
} vlans SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, L2X_MAX_NEXTHOPS);
	__type(key, __u32);
	__type(value, struct l2x_nexthop);
} nexthops SEC(".maps");

/* To be mapped is to begin on a page: an element is one cache line. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, L2X_ROUTE_SLOTS);
	__type(key, __u32);
	__type(value, struct l2x_route);
} routes SEC(".maps");

/* Whose share a slot is: bpf/police.h. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, L2X_POLICE_SLOTS);
	__type(key, __u32);
	__type(value, struct l2x_bucket);
} police SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, L2X_V_MAX);
	__type(key, __u32);
	__type(value, __u64);
} verdicts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct l2x_places);
} places SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CPUMAP);
	__uint(max_entries, 1);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, 8); /* struct bpf_cpumap_val: length, program */
} workers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} worker_code SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, L2X_HANDED_COLUMNS);
	__type(key, __u32);
	__type(value, __u64);
} handed SEC(".maps");

const volatile struct l2x_config cfg = {};
volatile struct l2x_live live = {};

#endif
