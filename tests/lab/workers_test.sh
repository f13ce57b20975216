#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2009,SC2119,SC2120
# One tunnel over several CPUs: every packet of its sessions is numbered, both ways, and none is
# lost, comes twice or is overtaken, while workers are taken on, dismissed and restarted.
# ROUNDS=10 does it more often, MODE=generic at the generic hook, RATE=20000 with more packets.
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
# A veth keeps 256 frames for a CPU that does not run; what it loses then is not the data path's. The
# kernel counts it where it arrives, a newer one where it is sent.
veth_drops() {
	{
		sub ethtool -S lac0
		core ethtool -S host0
		lns ethtool -S access0
		lns ethtool -S core0
		echo "rx_queue_0_drops: $(sub cat /sys/class/net/lac0/statistics/tx_dropped)"
		echo "rx_queue_0_drops: $(core cat /sys/class/net/host0/statistics/tx_dropped)"
	} | awk '/rx_queue_[0-9]+_drops:/ { sum += $2 } END { print sum + 0 }'
}
# Since the last time: no packet overtaken, doubled, or lost but by a veth.
in_order() {
	local drops=$wire
	traffic_lossless load >"$lab/lossless"
	cat "$lab/lossless"
	wire=$(veth_drops)
	[ "$wire" = "$drops" ] || echo "the lab's veths lost $((wire - drops))"
	/usr/bin/python3 -c 'import ast, sys
ways = [ast.literal_eval(l.split(": ", 1)[1]) for l in open(sys.argv[1]) if l.startswith("load ")]
lost = sum(w["lost"] for w in ways)
bad = [w for w in ways if w["duplicates"] or w["reordered"] or not w["sent"]]
sys.exit(bool(bad or len(ways) != 2 or lost != int(sys.argv[2])))' "$lab/lossless" $((wire - drops))
}
counted() { # what a veth lost on the way to us was not
	[ "$wire" != "$wire_first" ] || traffic_counted load
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
	check "$label: no packet lost or overtaken, either way" in_order
	diag "$tap_said"
	check "$label: each packet was counted" counted
	diag "$(ctl show workers)"
}

lab_up || exit 1
lab_config "s/mode: auto/mode: $mode/; s/^  shards: 1/&\n  workers: off/"
cpus=$(nproc)
[ "$cpus" -ge 2 ] || { echo "1..0 # SKIP one CPU has nothing to spread over" && exit 0; }
check "l2xdpd starts" daemon_start || exit 1
is "no worker serves" "$(serving)" '[]'

# What the slow path carries may be overtaken by what the hook carries: so that nothing takes it,
# the neighbours are known from the start, and for ever.
known() { # NAMESPACE DEVICE ADDRESS FAR-NAMESPACE FAR-DEVICE
	ip -n "$1" neigh replace "$3" dev "$2" nud permanent \
		lladdr "$(ip -n "$4" -j link show dev "$5" | json 'd[0]["address"]')"
}
known "$lab_lns" core0 "${host4%:*}" "$lab_core" host0
known "$lab_lns" access0 192.0.2.10 "$lab_sub" lac0

host_start "$rate" || exit 1
load_start load --tunnels 1 --sessions 16 --user user%d --hold 600 --traffic-to "$host4" --traffic "$rate" || exit 1
check "16 sessions of one tunnel come up" load_ready load 30 || exit 1
wire_first=$(veth_drops)
wire=$wire_first
during "off" true
is "all are where their frames arrive" "$(workers 'd["sessions_here"]')" 16

during "one worker" set_workers "[$((cpus - 1))]"
is "it has all sessions" "$(workers '[[w["cpu"], w["sessions"]] for w in d["workers"]]')" "[[$((cpus - 1)), 16]]"
during "two workers" set_workers 2
is "each has a queue" "$(threads)" 2
is "each has half" "$(workers '[w["sessions"] for w in d["workers"]]')" '[8, 8]'
is "both take frames" "$(workers 'all(w["frames"] > 1000 for w in d["workers"])')" true
is "none was lost on the way" "$(workers 'sum(w["lost"] for w in d["workers"])')" 0

for ((i = 0; i < ${ROUNDS:-1}; i++)); do
	during "a restart" daemon_restart
	is "places are kept" "$(workers '[w["sessions"] for w in d["workers"]]')" '[8, 8]'
done
kill_worker() {
	local before
	before=$(daemon_worker_pid)
	kill -KILL "$before" && wait_for 20 worker_is_not "$before"
}
during "kill -9 of the worker process" kill_worker
is "places are kept" "$(workers '[w["sessions"] for w in d["workers"]]')" '[8, 8]'

for ((i = 1; i < ${ROUNDS:-1}; i++)); do
	during "one worker, round $i" set_workers "[$((i % 2))]"
	during "two workers, round $i" set_workers "[0, 1]"
	during "off, round $i" set_workers off
	during "two workers, round $i" set_workers "[0, 1]"
done
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
