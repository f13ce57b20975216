#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119,SC2120
# One tunnel over several CPUs: every packet of its sessions is numbered, both ways, and none is
# lost, comes twice or is overtaken, while workers are taken on, dismissed and restarted.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh
# shellcheck source=tests/lab/traffic.sh
. tests/lab/traffic.sh

mode=${MODE:-native}
rate=${RATE:-4000} # packets a second each way
seconds=${SECONDS_EACH:-2}

edit() { sed -i "$1" "$lab/l2xdpd.yaml"; }
workers() { ctl show workers | json "$1"; }
serving() { workers '[w["cpu"] for w in d["workers"] if w["state"] == "serves"]'; }
settled() { [ "$(workers 'd["moving"] == 0 and all(w["state"] == "serves" for w in d["workers"])')" = true ]; }
# The kernel's threads of this data path's queues.
threads() {
	local id
	id=$(/usr/sbin/bpftool -j map show pinned "$lab/bpffs/l2xdp/maps/workers" | json 'd["id"]')
	ps -e -o args= | grep -c "^\\[cpumap/[0-9]*/map:$id\\]"
}
no_queues() { [ "$(threads)" = 0 ]; }
worker_is_not() { [ "$(daemon_worker_pid)" != "$1" ] && ctl show state; }
set_workers() {
	local before
	before=$(daemon_worker_pid)
	edit "s/^  workers: .*/  workers: $1/"
	ctl_text reload && wait_for 20 worker_is_not "$before" && daemon_ready
}
# in_order NAME...: nothing lost, nothing overtaken, since the last time
in_order() {
	traffic_lossless "$@" >"$lab/lossless"
	local status=$?
	cat "$lab/lossless"
	[ $status = 0 ] && ! grep -q "'reordered': [1-9]" "$lab/lossless"
}
# during LABEL COMMAND...: under traffic both ways
during() {
	local label=$1
	shift
	traffic_go_on load
	sleep 1
	check "$label" "$@" || diag "$(tail -n 30 "$lab/l2xdpd.log")"
	sleep "$seconds"
	check "$label: every session has its place" wait_for 20 settled || diag "$(ctl show workers)"
	sleep 1
	check "$label: traffic ends" traffic_quiet load
	check "$label: no packet lost or overtaken, either way" in_order load
	diag "$tap_said"
	check "$label: each packet was counted" traffic_counted load
	diag "$(ctl show workers)"
}

lab_up || exit 1
lab_config "s/mode: auto/mode: $mode/; s/^  shards: 1/&\n  workers: off/"
cpus=$(nproc)
[ "$cpus" -ge 2 ] || { echo "1..0 # SKIP one CPU has nothing to spread over" && exit 0; }
check "l2xdpd starts" daemon_start || exit 1
is "no worker serves" "$(serving)" '[]'

host_start "$rate" || exit 1
load_start load --tunnels 1 --sessions 16 --user user%d --hold 600 --traffic-to "$host4" --traffic "$rate" || exit 1
check "16 sessions of one tunnel come up" load_ready load 30 || exit 1
during "off" true
is "all are where their frames arrive" "$(workers 'd["sessions_here"]')" 16

during "one worker" set_workers "[$((cpus - 1))]"
is "it has all sessions" "$(workers '[[w["cpu"], w["sessions"]] for w in d["workers"]]')" "[[$((cpus - 1)), 16]]"
during "two workers" set_workers 2
is "each has a queue" "$(threads)" 2
is "each has half" "$(workers '[w["sessions"] for w in d["workers"]]')" '[8, 8]'
is "both take frames" "$(workers 'all(w["frames"] > 1000 for w in d["workers"])')" true
is "none was lost on the way" "$(workers 'sum(w["lost"] for w in d["workers"])')" 0

restart() { daemon_restart; }
during "a restart" restart
is "places are kept" "$(workers '[w["sessions"] for w in d["workers"]]')" '[8, 8]'
kill_worker() {
	local before
	before=$(daemon_worker_pid)
	kill -KILL "$before" && wait_for 20 worker_is_not "$before"
}
during "kill -9 of the worker process" kill_worker
is "places are kept" "$(workers '[w["sessions"] for w in d["workers"]]')" '[8, 8]'

during "one worker again" set_workers "[0]"
is "it has all sessions" "$(workers '[[w["cpu"], w["sessions"]] for w in d["workers"]]')" '[[0, 16]]'
during "off again" set_workers off
is "all are where their frames arrive" "$(workers 'd["sessions_here"]')" 16
check "the queues are gone" wait_for 10 no_queues
is "and nothing goes there" "$(workers 'd["on"]')" false

has "l2xdpctl show workers" "$(ctl_text show workers)" 'where their frames arrive'
load_end load
is "the load generator is content" $? 0
daemon_stop INT
is "l2xdpd ends cleanly" $? 0
tap_done
