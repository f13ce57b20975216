/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The maps of pseudowires, declared: keys and values are told in pw.h. The daemon sets the sizes of
 * pws, pw_traffic and pw_ways, which are the same power of two, before it loads.
 */
#ifndef L2X_MAPS_PW_BPF_H
#define L2X_MAPS_PW_BPF_H

#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

#include "maps/pw.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct l2x_pw);
} pws SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct l2x_traffic);
} pw_traffic SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct l2x_nexthop);
} pw_ways SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, L2X_MAX_PWS);
	__type(key, struct l2x_pw_id);
	__type(value, __u32);
} pw_ids SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, L2X_MAX_PWS);
	__type(key, struct l2x_vlan_key);
	__type(value, __u32);
} circuits SEC(".maps");

#endif
