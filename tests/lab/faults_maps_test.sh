#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# No BPF file system, and no memory for maps: what is said, and that subscribers who are
# there do not notice.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh
# shellcheck source=tests/lab/traffic.sh
. tests/lab/traffic.sh
# shellcheck source=tests/lab/restart.sh
. tests/lab/restart.sh
# shellcheck source=tests/lab/faults.sh
. tests/lab/faults.sh

# A memory control group of at most 128 MiB, for which maps are accounted; of version 1 or 2.
group=
group_make() {
	local root
	for root in /sys/fs/cgroup/memory /sys/fs/cgroup; do
		if [ -e "$root/memory.limit_in_bytes" ]; then
			group=$root/$lab_prefix
			mkdir "$group" && echo 128M >"$group/memory.limit_in_bytes" && return
		elif grep -qw memory "$root/cgroup.controllers" 2>/dev/null; then
			group=$root/$lab_prefix
			echo +memory >"$root/cgroup.subtree_control" 2>/dev/null
			mkdir "$group" && echo 128M >"$group/memory.max" && return
		fi
	done
	group=
	return 1
}
eval "$(declare -f lab_down | sed '1s/lab_down/maps_lab_down/')"
lab_down() {
	maps_lab_down
	[ -z "$group" ] || rmdir "$group"
	group=
}
# The daemon, accounted there. `ip netns exec` hides control groups.
spawn_in_group() {
	# shellcheck disable=SC2016 # for the other shell
	bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$group" ip netns exec "$lab_lns" \
		"$BUILD/l2xdpd" --config "$lab/l2xdpd.yaml" >"$lab/l2xdpd.log" 2>&1 </dev/null &
	daemon_pid=$!
	lab_pids+=($!)
}

lab_up || exit 1
lab_config
faults_up || exit 1
cp "$lab/l2xdpd.yaml" "$lab/good.yaml"

refuses() { wait_for 20 lab_ended "$daemon_pid" && ! wait "$daemon_pid"; }
programs() { echo "$(program_tag access0) $(program_id access0) $(program_id core0)"; }
program_id() { lns ip -d link show "$1" | sed -n 's/.*prog\/xdp id \([0-9]*\) .*/\1/p'; }

label="map memory refused"
if group_make; then
	fault_begins
	before=$(programs)
	daemon_stop
	sed -i 's/shards: 1/shards: 64/' "$lab/l2xdpd.yaml"
	spawn_in_group
	check "$label: the daemon refuses to start, also with mode auto" refuses
	fault_log=0
	says "$label" 'Cannot allocate memory|[Nn]o memory'
	says "$label" 'lower .shards.'
	says "$label, and what becomes of sessions" 'goes on at the hook, with its sessions'
	is "$label: the programs at the hook are what they were" "$(programs)" "$before"
	cp "$lab/good.yaml" "$lab/l2xdpd.yaml"
	check "$label: as it was, it starts" daemon_start
	fault_ends "$label" free
else
	skip "$label" "there is no memory control group to be had"
fi

label="bpffs not mounted"
fault_begins
before=$(programs)
daemon_stop
mkdir "$lab/plain"
sed -i "s|bpf-directory: .*|bpf-directory: $lab/plain|" "$lab/l2xdpd.yaml"
daemon_spawn
check "$label: the daemon refuses to start" refuses
fault_log=0
says "$label" "$lab/plain.*(BPF file system|bpffs)"
says "$label" 'mount -t bpf'
says "$label, and whose program is at the hook" 'access0: the program of an l2xdpd.*not pinned in'
says "$label, and what takes it away" 'bpftool link detach id [0-9]+'
is "$label: the programs at the hook are what they were" "$(programs)" "$before"
cp "$lab/good.yaml" "$lab/l2xdpd.yaml"
check "$label: as it was, it starts" daemon_start
fault_ends "$label" free

for name in four six; do
	load_end $name
	is "the load generator $name is content" $? 0 || diag "$(cat "$lab/$name.json" "$lab/$name.log")"
done
daemon_stop INT
is "l2xdpd ends cleanly" $? 0
tap_done
