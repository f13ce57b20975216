#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119,SC2120
# Next hops that only the hook uses. The kernel does not see that traffic: it would let them
# grow old and, where its table has more than 128 entries, forget them under load; and it would
# never notice that one has another link-layer address.
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

# The kernel looks through its table every 15 s. What was not used for this long goes then.
STALE_S=15
hurry() { # DEVICE
	local family
	for family in ipv4 ipv6; do
		lns sysctl -qw net.$family.neigh."$1".gc_stale_time=$STALE_S \
			net.$family.neigh."$1".base_reachable_time_ms=2000 \
			net.$family.neigh."$1".delay_first_probe_time=1
	done
}
# A table that is not small: the kernel lets it be below 128 entries.
crowd() {
	local i
	for ((i = 1; i <= 140; i++)); do
		printf 'neigh add 198.18.0.%d dev lo lladdr 02:00:00:00:00:01 nud permanent\n' $i
		printf 'neigh add 2001:db8:f::%x dev lo lladdr 02:00:00:00:00:01 nud permanent\n' $i
	done | ip -n "$lab_lns" -batch -
}

# Before there are any: one that is reachable by the defaults is so for up to 45 s, and would be
# forgotten as it becomes stale.
lab_up || exit 1
for device in access0 core0; do hurry $device; done
daemon_start && check "sessions with traffic are up" subscribers_start || exit 1
check "the table of neighbours is crowded" crowd

lab_spawn "$lab_lns" "$lab/neighbours" ip -ts monitor neigh
traffic_go_on four six
sleep 7 # the next look at all next hops
before=$(verdict no-neighbour)
seen=$(wc -l <"$lab/neighbours")
sleep 40
tail -n +$((seen + 1)) "$lab/neighbours" >"$lab/events"
is "no next hop was forgotten under load" "$(grep -E 'Deleted|FAILED' "$lab/events" | grep -vE 'NOARP|PERMANENT')" ""
check "the kernel was busy with them" grep -qE 'REACHABLE|STALE|DELAY|PROBE' "$lab/events"
diag "frames without a neighbour meanwhile: $(($(verdict no-neighbour) - before))"
traffic_quiet four six
check "and no packet was lost" traffic_lossless four six && diag "$tap_said"

# A router that is replaced by another one, which does not announce itself and asks nobody.
mac=$(ip -n "$lab_lns" -j link show core0 | json 'd[0]["address"]')
ip -n "$lab_core" link set host0 address 02:00:00:00:77:01
for address in 203.0.113.1 2001:db8:c::1; do
	ip -n "$lab_core" neigh replace $address dev host0 lladdr "$mac" nud permanent
done
for name in "$host_pid" "${load_pid[four]}" "${load_pid[six]}"; do kill -HUP "$name"; done
sleep 25
traffic_quiet four six
diag "$(traffic_lossless four six | grep -v '^ ')"
for name in "$host_pid" "${load_pid[four]}" "${load_pid[six]}"; do kill -HUP "$name"; done
sleep 1
traffic_quiet four six
check "a next hop that has another link-layer address now is found" traffic_lossless four six
daemon_stop INT
is "l2xdpd ends cleanly" $? 0
tap_done
