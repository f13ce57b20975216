#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# Options that change what happens to packets: isolate, shards, data-checksum.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

lab_up || exit 1

# DP-SPOOF-2: one subscriber to another.
got() { session 'd["tx"]["slow_packets"] + d["tx"]["hook_packets"]' "$(session_id user2)"; }
for isolate in false true; do
	lab_config "s/mode: auto/&\\n  isolate: $isolate/"
	check "isolate $isolate: l2xdpd starts" daemon_start || exit 1
	client_start a --user user1 --password wonder --default-route --no-ipv6 || exit 1
	client_start b --user user2 --password wonder --no-ipv6 || exit 1
	other=$(client_value b ipv4 address)
	check "isolate $isolate: the other subscriber is apart" client_apart b
	check "isolate $isolate: one reaches the core" sub ping -q -c 2 -i 0.2 -W 2 203.0.113.2
	check "isolate $isolate: the other one too" apart ping -q -c 2 -i 0.2 -W 2 203.0.113.2
	sleep 0.5 # the last answer may be under way yet
	before=$(got)
	if [ $isolate = false ]; then
		check "isolate false: they reach each other" sub ping -q -c 4 -i 0.2 -W 2 "$other"
		is "isolate false: all of it arrived, and nothing else" "$(($(got) - before))" 4
		is "isolate false: nothing is refused" "$(verdict isolated)" 0
	else
		check_not "isolate true: they do not reach each other" sub ping -q -c 4 -i 0.2 -W 1 "$other"
		is "isolate true: each packet is counted" "$(verdict isolated)" 4
		is "isolate true: none of it arrived" $(($(got) - before)) 0
	fi
	client_stop a
	client_stop b
	daemon_stop INT
	is "isolate $isolate: l2xdpd ends cleanly" $? 0
done

# Sessions in more than one table: the hook finds each, both ways, and counts for it alone.
hook_packets() { ctl show sessions | json '{s["user"]: [s["rx"]["hook_packets"], s["tx"]["hook_packets"]] for s in d}'; }
hook_packets_since() { # COUNTS-BEFORE
	echo "[$1, $(hook_packets)]" | json '{u: [b - a for a, b in zip(d[0][u], d[1][u])]
		for u in d[1] if d[0][u] != d[1][u]}'
}
ten_echoes() { # NAME
	local before
	sub ping -q -c 2 -i 0.2 -W 2 -I "$1" 203.0.113.2 >/dev/null
	sleep 0.2 # the last answer may be under way yet
	before=$(hook_packets)
	sub ping -q -c 10 -i 0.05 -W 2 -I "$1" 203.0.113.2 >/dev/null
	becomes "shards 4: ten echoes of $1 cross at the hook and count for it alone" \
		"{\"user${1#s}\": [10, 10]}" hook_packets_since "$before"
}
lab_config 's/shards: 1/shards: 4/'
check "shards 4: l2xdpd starts" daemon_start || exit 1
is "shards 4: it says so" "$(ctl show datapath | json 'd["shards"]')" 4
for name in s0 s1 s2 s3 s4 s5 s6 s7; do
	client_start "$name" --user "user${name#s}" --password wonder --no-ipv6 || exit 1
done
is "shards 4: eight sessions of eight tunnels" \
	"$(ctl show sessions | json '[len(d), len({s["tunnel"] for s in d})]')" "[8, 8]"
check "shards 4: in several tables" test "$(ctl show sessions | json 'len({s["id"] >> 16 for s in d})')" -ge 2
is "shards 4: each in that of its tunnel" \
	"$(ctl show sessions | json '[s for s in d if s["id"] >> 16 != s["tunnel"] & 3]')" "[]"
for name in s0 s1 s2 s3 s4 s5 s6 s7; do ten_echoes "$name"; done
client_stop s0
check "shards 4: one ends" wait_for 10 sessions_are 7
ten_echoes s1
for name in s1 s2 s3 s4 s5 s6 s7; do client_stop "$name"; done
check "shards 4: all end" wait_for 10 sessions_are 0
daemon_stop INT
is "shards 4: l2xdpd ends cleanly" $? 0

# DP-CK-1: no sum over data, when it is asked for; control messages always have one.
watch() { # FILE FILTER COUNT: in the background, as the subscriber's side sees it
	: >"$1.said" # of the one before it
	sub timeout 30 tcpdump -l -n -vv -c "$3" -i lac0 "udp and src host 192.0.2.1 and $2" >"$1" 2>"$1.said" &
	watcher=$!
	lab_pids+=("$watcher")
	wait_for 10 grep -q 'listening on' "$1.said"
}
for sum in on off; do
	lab_config "s/mode: auto/&\n  data-checksum: $sum/"
	check "data-checksum $sum: l2xdpd starts" daemon_start || exit 1
	watch "$lab/control" 'udp[8] & 0x80 != 0' 3
	client_start joe --route 203.0.113.0/24 --no-ipv6 || exit 1
	wait "$watcher"
	has "data-checksum $sum: control messages have it" "$(grep -c 'udp sum ok' "$lab/control")" '^3$'
	v4=$(client_value joe ipv4 address)
	core ping -q -c 2 -i 0.2 -W 2 "$v4" >/dev/null
	before=$(session 'd["tx"]["hook_packets"]')
	watch "$lab/data" 'udp[8] & 0x80 = 0' 5
	check "data-checksum $sum: ping" core ping -q -c 5 -i 0.1 -W 2 "$v4"
	wait "$watcher"
	becomes "data-checksum $sum: five packets from the hook" 5 session "d['tx']['hook_packets'] - $before"
	if [ $sum = on ]; then
		is "data-checksum on: each has the right sum" "$(grep -c 'udp sum ok' "$lab/data")" 5
	else
		is "data-checksum off: each has none" "$(grep -c 'no cksum' "$lab/data")" 5
	fi
	check "data-checksum $sum: TCP" transfer core sub "$v4" 1000000
	client_stop joe
	daemon_stop INT
	is "data-checksum $sum: l2xdpd ends cleanly" $? 0
done
tap_done
