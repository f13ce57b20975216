#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# What happens to interfaces, addresses, neighbours, routes and sizes under traffic: what is
# lost while it lasts, and that all is well when it is over.
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

at_the_hook() {
	[ -n "$(program_tag "$1")" ] &&
		[ "$(ctl show datapath | json "[i['mode'] for i in d['interfaces'] if i['name'] == '$1'][0]")" = native ]
}
# away: how long what a fault takes away was not there, in all
away_from() { away_since=$EPOCHREALTIME; }
away_to() { away=$(awk -v s="$away" -v a="$away_since" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", s + b - a }'); }
told_away() {
	diag "$1: away for $away s in all"
	away=0
}
away=0

lives() { kill -0 "$daemon_pid" && ctl show datapath >/dev/null; }
over() { # LABEL DEVICE
	check "$1: the daemon lives" lives
	check "$1: the device is at the hook" wait_for 20 at_the_hook "$2"
}

lab_up || exit 1
# As on a host whose addresses are kept by whoever configures it.
lns sysctl -qw net.ipv6.conf.all.keep_addr_on_down=1 net.ipv6.conf.access0.keep_addr_on_down=1 \
	net.ipv6.conf.core0.keep_addr_on_down=1
faults_up || exit 1

# ---- neighbours -------------------------------------------------------------------------
label="neighbour gone"
fault_begins
for i in 1 2 3; do
	lns ip neigh flush dev core0
	lns ip neigh flush dev access0
	sleep 0.5
done
fault_ends "$label" free

# ---- routes -----------------------------------------------------------------------------
label="route flap"
fault_begins
for i in 1 2 3 4 5; do
	away_from
	ip -n "$lab_lns" route del 203.0.113.0/24 dev core0
	ip -n "$lab_lns" -6 route del 2001:db8:c::/64 dev core0
	sleep 0.2
	ip -n "$lab_lns" route add 203.0.113.0/24 dev core0 src 203.0.113.1
	ip -n "$lab_lns" -6 route add 2001:db8:c::/64 dev core0
	away_to
	sleep 0.2
done
told_away "$label"
fault_ends "$label"
label="route flap towards the peers"
fault_begins
for i in 1 2 3 4 5; do
	away_from
	ip -n "$lab_lns" route del 192.0.2.0/24 dev access0
	ip -n "$lab_lns" -6 route del 2001:db8::/64 dev access0
	sleep 0.2
	ip -n "$lab_lns" route add 192.0.2.0/24 dev access0 src 192.0.2.1
	ip -n "$lab_lns" -6 route add 2001:db8::/64 dev access0
	away_to
	sleep 0.2
done
told_away "$label"
fault_ends "$label"

# ---- link -------------------------------------------------------------------------------
for device in access0 core0; do
	label="link down and up, $device"
	fault_begins
	away_from
	ip -n "$lab_lns" link set $device down
	sleep 1
	ip -n "$lab_lns" link set $device up
	away_to
	told_away "$label"
	over "$label" $device
	fault_ends "$label"
done

# ---- addresses --------------------------------------------------------------------------
label="listen address removed and added"
fault_begins
away_from
ip -n "$lab_lns" addr del 192.0.2.1/24 dev access0
ip -n "$lab_lns" addr del 2001:db8::1/64 dev access0
sleep 1
lab_access_addresses
away_to
told_away "$label"
fault_ends "$label"
check "$label: new sessions come up" client_start bob --user user3 --password wonder
client_stop bob

# ---- MTU --------------------------------------------------------------------------------
label="MTU lowered under load"
mtus_are() { [ "$(ctl show sessions | json "sum(s['mtu'] == $1 for s in d if s['local_address'] == '192.0.2.1')")" = \
	$((SUBSCRIBERS / 4 * 4 + 1)) ]; }
mtu=$(session 'd["mtu"]')
fault_begins
ip -n "$lab_lns" link set access0 mtu 1400
check "$label: every session knows" wait_for 20 mtus_are 1362
check "$label: TCP goes on, up" transfer sub core 203.0.113.2 2000000
check "$label: TCP goes on, down" transfer sub core 203.0.113.2 -2000000
ip -n "$lab_lns" link set access0 mtu 1500
raised() { [ "$(session 'd["mtu"]')" = "$mtu" ]; }
check "$label: raised again, too" wait_for 20 raised
fault_ends "$label" free

# ---- devices ----------------------------------------------------------------------------
label="interface removed and added, towards the core"
fault_begins
away_from
ip -n "$lab_lns" link del core0
sleep 1
check "$label: the daemon lives without it" lives
lab_link "$lab_lns" core0 "$lab_core" host0
ip -n "$lab_core" addr add 203.0.113.2/24 dev host0
ip -n "$lab_core" addr add 2001:db8:c::2/64 dev host0
ip -n "$lab_lns" addr add 203.0.113.1/24 dev core0
ip -n "$lab_lns" addr add 2001:db8:c::1/64 dev core0
ip -n "$lab_core" route add 10.0.0.0/16 via 203.0.113.1
ip -n "$lab_core" route add 2001:db8:1000::/48 via 2001:db8:c::1
away_to
told_away "$label"
over "$label" core0
says "$label" 'core0'
fault_ends "$label"

label="interface removed and added, towards the peers"
fault_begins
away_from
ip -n "$lab_lns" link del access0
sleep 1
check "$label: the daemon lives without it" lives
lab_link "$lab_lns" access0 "$lab_sub" lac0
ip -n "$lab_sub" addr add 192.0.2.10/24 dev lac0
ip -n "$lab_sub" addr add 2001:db8::10/64 dev lac0
lab_access_addresses
away_to
told_away "$label"
over "$label" access0
says "$label" 'access0'
fault_ends "$label"
check "new sessions come up after all this" client_start bob --user user3 --password wonder
daemon_stop INT
is "l2xdpd ends cleanly" $? 0
tap_done
