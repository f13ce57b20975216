#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# Damaged messages of every kind (tests/client/flood_hostile.c) against a daemon with a hundred
# sessions that carry traffic: half of them from strangers, half from the very address and
# port of the sessions' peer, with its IDs. Nothing crashes or leaks, and no session is lost.
#
#   HOSTILE_COUNT=10000000 tests/run tests/lab/hostile_flood_test.sh
#                              ten million (else 200 000); HOSTILE_SEED=N: others (1)
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

count=$((${HOSTILE_COUNT:-200000} / 2)) # in each of two modes
rate=${HOSTILE_RATE:-30000}
rounds=4 # so that sessions and memory are looked at in between
hold=$((count * 4 / rate + 60)) # longer than it takes

lab_up || exit 1
ip -n "$lab_lns" route add default via 192.0.2.10
mac=$(ip -n "$lab_lns" -json link show access0 | json 'd[0]["address"]')

hundred_start() {
	rm -f "$lab/ready"
	ip netns exec "$lab_sub" "$BUILD/tests/l2xdp-load" --server 192.0.2.1 --local 192.0.2.10 --secret s3cret --tunnels 1 \
		--sessions 100 --user user%d --password wonder --hold $hold --json --ready "$lab/ready" \
		--traffic 1000 --traffic-to 203.0.113.2:7 >"$lab/load.json" 2>"$lab/load.log" </dev/null &
	loader=$!
	lab_pids+=("$loader")
	wait_for 30 test -e "$lab/ready" && sessions_are 101
}
# Who is there, by what they have got; states and counters change.
everybody() { ctl show sessions | json 'sorted([s["id"], s["user"], s["ipv4"], s["ipv6"]] for s in d)'; }

attack() { # ROUND: prints how many were sent
	sub "$BUILD/tests/l2xdp-flood" --device lac0 --mac "$mac" --server 192.0.2.1 --kind hostile \
		--peer 192.0.2.10 --port "$port" --tunnel "$tunnel" --sessions "$live" --inner "$inner" \
		--count $((count / rounds)) --rate "$rate" --seed $((${HOSTILE_SEED:-1} * 1000 + $1)) |
		json 'd["frames"]'
}

in_mode() { # MODE
	local tunnel port live inner before ping lost round sent=0 rss=()
	lab_config "s/mode: auto/mode: $1/"
	daemon_start || return
	client_start joe --local 192.0.2.10 --route 203.0.113.0/24 || return
	check "$1: a hundred sessions and one more" hundred_start || return
	read -r tunnel port <<<"$(ctl show tunnels |
		json '["%d %d" % (t["id"], t["port"]) for t in d if t["sessions"] == 100][0]')"
	live=$(ctl show sessions | json "','.join(str(s['session']) for s in d if s['tunnel'] == $tunnel)")
	inner=$(ctl show sessions | json "[s['ipv4'] for s in d if s['tunnel'] == $tunnel][0]")
	before=$(everybody)
	ip netns exec "$lab_sub" env --default-signal=INT ping -q -i 0.05 -w $hold -W 2 203.0.113.2 >"$lab/pings" 2>&1 &
	ping=$!
	lab_pids+=("$ping")
	for ((round = 0; round < rounds; round++)); do
		sent=$((sent + $(attack $round)))
		rss+=("$(daemon_rss)")
		kill -0 "$daemon_pid" 2>/dev/null || break
	done
	is "$1: all were sent" "$sent" $((count / rounds * rounds))
	check "$1: l2xdpd lives" kill -0 "$daemon_pid" || diag "$(tail -n 40 "$lab/l2xdpd.log")"
	is "$1: the sessions are those that were there" "$(everybody)" "$before" ||
		diag "$(tail -n 20 "$lab/l2xdpd.log")"
	diag "memory after each quarter: ${rss[*]} KiB"
	check "$1: memory does not grow with what was sent" test $((rss[rounds - 1] - rss[1])) -lt 4096
	has "$1: nothing from the network reached the log unquoted" \
		"$(LC_ALL=C grep -c $'[\x01-\x08\x0b-\x1f\x7f]' "$lab/l2xdpd.log")" '^0$'
	kill -INT "$ping"
	wait "$ping"
	lost=$(sed -n 's/.* \([0-9.]*\)% packet loss.*/\1/p' "$lab/pings")
	check "$1: pings go on ($lost % lost)" test "$(json 'd < 2' <<<"$lost")" = true
	diag "verdicts: $(ctl show verdicts | json '", ".join("%s %d" % (v["verdict"], v["frames"]) for v in d if v["frames"])')"
	diag "daemon: $(ctl show datapath | json '", ".join("%s %d" % i for i in [*d["l2tp"].items(), *d["slow"].items()] if i[1])')"
	check "$1: hostile bytes came to the daemon" \
		test "$(ctl show datapath | json 'd["l2tp"]["received"]')" -gt $((count / 20))
	kill -TERM "$loader"
	wait "$loader"
	is "$1: the hundred sessions were up to the end" \
		"$(json '[d["up"], d["failed"]]' <"$lab/load.json")" "[100, 0]" || diag "$(tail -n 5 "$lab/load.log")"
	diag "$(json 'd["traffic"]' <"$lab/load.json")"
	check "$1: all that came back to a session was its own" \
		test "$(json 'd["traffic"]["misdelivered"]' <"$lab/load.json")" = 0
	check "$1: a subscriber can still connect" \
		client_start late --local 192.0.2.10 --user user5 --password wonder
	client_stop late
	client_stop joe
	daemon_stop
	is "$1: l2xdpd ends cleanly after all that" $? 0
}
in_mode auto
in_mode off
tap_done
