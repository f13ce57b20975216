# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2119,SC2120,SC2154 # lab.sh says what they are
# To be sourced after lab.sh: l2xdp-load in `sub` and l2xdp-host in `core` exchange numbered
# packets, of which every one is accounted for.
#
#   host_start RATE              l2xdp-host sends RATE packets a second in all
#   load_start NAME OPTION...    l2xdp-load; with --traffic-to $host4 or $host6 it sends
#   load_ready NAME SECONDS      until each of its sessions is up or has failed
#   traffic_quiet [NAME...]      both ends stop sending; their reports are complete
#   traffic_go_on [NAME...]      ... and send again
#   traffic_lossless NAME...     not one packet lost or twice, either way, since the last time
#   traffic_counted NAME...      the LNS has counted as many packets of each session
#   sessions_note, sessions_kept   the LNS's sessions; those of then are what they were
#   load_end NAME                the hold ends; status of the load generator
#   views_agree NAME...          the LACs' view of the sessions is the LNS's
#   nothing_left                 cases: no identifier, address or map entry is stuck

host4=203.0.113.2:9000 host6="[2001:db8:c::2]:9000"
host_pid=
declare -A load_pid=()

host_start() {
	lab_spawn "$lab_core" "$lab/host.log" "$BUILD/tests/l2xdp-host" --listen "$host4" \
		--listen "$host6" --rate "$1" --report "$lab/host.report"
	host_pid=${lab_pids[-1]}
	wait_for 5 grep -q listening "$lab/host.log" || return
	host_is_known
}
# The way to the host is asked for before packets are counted: the kernel holds few while it
# looks for a neighbour, and these tests are not about that.
host_is_known() {
	lns ping -q -c 1 -W 1 "${host4%:*}" >/dev/null 2>&1
	lns ping -q -c 1 -W 1 2001:db8:c::2 >/dev/null 2>&1
	true # an answer that is late does no harm
}

# Its standard output, the summary, is in $lab/NAME.json.
load_start() {
	local name=$1
	shift
	rm -f "$lab/$name.ready" "$lab/$name.view"
	ip netns exec "$lab_sub" "$BUILD/tests/l2xdp-load" --server 192.0.2.1 --secret s3cret --password wonder --json \
		--ready "$lab/$name.ready" --view "$lab/$name.view" "$@" \
		>"$lab/$name.json" 2>"$lab/$name.log" </dev/null &
	load_pid[$name]=$!
	lab_pids+=($!)
}
load_is_over() { ! kill -0 "${load_pid[$1]}" 2>/dev/null; }
load_ready_or_over() { [ -e "$lab/$1.ready" ] || load_is_over "$1"; }
load_ready() {
	wait_for "$2" load_ready_or_over "$1" && [ -e "$lab/$1.ready" ] && return
	cat "$lab/$1.log" "$lab/$1.json"
	return 1
}

# The report or view, written after now.
written() { # PID SIGNAL FILE
	rm -f "$3"
	kill "-$2" "$1" && wait_for 10 test -e "$3"
}
load_quiet() { written "${load_pid[$1]}" USR1 "$lab/$1.view"; }

traffic_quiet() {
	local name round
	for round in 1 2; do
		for name in "$@"; do load_quiet "$name" || return; done
		written "$host_pid" USR1 "$lab/host.report" || return
		[ $round = 2 ] || sleep 1 # what is under way
	done
}

traffic_go_on() {
	local name
	host_is_known
	kill -HUP "$host_pid"
	for name in "$@"; do kill -HUP "${load_pid[$name]}"; done
}

# Prints a line for each load and each way: sent, received, lost, twice, out of order.
traffic_lossless() {
	local name views=()
	for name in "$@"; do views+=("$lab/$name.view"); done
	tests/lab/traffic.py lossless "$lab/traffic.memory" "$lab/host.report" "${views[@]}"
}
traffic_counted() {
	local name views=()
	for name in "$@"; do views+=("$lab/$name.view"); done
	ctl show sessions >"$lab/lns.view" &&
		tests/lab/traffic.py counted "$lab/lns.view" "$lab/host.report" "${views[@]}"
}
sessions_note() { ctl show sessions >"$lab/sessions.before"; }
sessions_kept() { # [uncounted]
	ctl show sessions >"$lab/sessions.after" &&
		tests/lab/traffic.py kept "$lab/sessions.before" "$lab/sessions.after" "$@"
}

load_end() {
	kill -USR2 "${load_pid[$1]}" 2>/dev/null
	lab_reap "${load_pid[$1]}" "${2:-1000}"
}

views_agree() {
	local name views=()
	for name in "$@"; do views+=("$lab/$name.view"); done
	ctl show sessions >"$lab/lns.view" && tests/lab/traffic.py agree "$lab/lns.view" "${views[@]}"
}

tunnels_are() { [ "$(ctl show tunnels | json 'len(d)')" = "$1" ]; }

nothing_left() {
	is "no session is left" "$(sessions)" 0
	is "no address is in use" \
		"$(ctl show datapath | json 'sum(p["ipv4_used"] + p["ipv6_used"] for p in d["pools"])')" 0
}
