#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# 1000 sessions in one tunnel, and 1000 tunnels of one session: they come up, are shown,
# and go down cleanly.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

lab_up || exit 1
# Limits are those of a daemon that was told nothing.
lab_config
daemon_start || exit 1

load() { # LABEL TUNNELS SESSIONS [OPTION...]
	local n=$(($2 * $3)) loader rss
	rss=$(daemon_rss)
	sub "$BUILD/tests/l2xdp-load" --server 192.0.2.1 --secret s3cret --tunnels "$2" --sessions "$3" \
		--user user%d --password wonder --hold 6 --json "${@:4}" >"$lab/load.json" 2>"$lab/load.log" &
	loader=$!
	lab_pids+=("$loader")
	check "$1: all $n sessions are shown" wait_for 120 sessions_are "$n"
	diag "daemon: $rss KiB before, $(daemon_rss) KiB with $n sessions"
	is "$1: each has an address of its own" \
		"$(ctl show sessions | json 'len({s["ipv4"] for s in d if s["ipv4"]})')" "$n"
	is "$1: tunnels" "$(ctl show tunnels | json 'len([t for t in d if t["sessions"]])')" "$2"
	wait "$loader"
	is "$1: the load generator is content" $? 0 || diag "$(tail -n 5 "$lab/load.log")"
	is "$1: none failed" "$(json '[d["up"], d["failed"]]' <"$lab/load.json")" "[$n, 0]"
	diag "$(cat "$lab/load.json")"
	check "$1: all are gone" wait_for 60 sessions_are 0
	is "$1: every address is back" "$(ctl show datapath | json 'sum(p["ipv4_used"] + p["ipv6_used"] for p in d["pools"])')" 0
}
load "1000 sessions in one tunnel" 1 1000
# One source that sets up 200 of them at once.
load "1000 tunnels of one session" 1000 1 --tunnel-window 200
check "a subscriber connects after that" client_start joe --route 203.0.113.0/24
check "and carries traffic" sub ping -q -c 2 -i 0.2 -W 2 203.0.113.2
daemon_stop INT
is "l2xdpd ends cleanly" $? 0
tap_done
