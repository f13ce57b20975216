#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Ways are kept by destination only while the FIB looks at nothing else: rules by source and
# the like, routes by TOS and over several ways take that away at once, and what was kept goes
# with it.
# shellcheck disable=SC2119
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

keeps() { # of IPv4 and IPv6: 1 or 0
	/usr/sbin/bpftool -j map dump pinned "$lab/bpffs/l2xdp/maps/bss" |
		grep -oE '"routes[46]":[01]' | cut -d : -f 2 | paste -sd ' '
}
keeps_are() { [ "$(keeps)" = "$1" ]; }
expect() { # WHAT KEEPS IP-ARGUMENTS...
	local what=$1 keeps=$2
	shift 2
	lns ip "$@" || diag "ip $* failed"
	check "$what" wait_for 20 keeps_are "$keeps" || diag "routes4 and routes6 are $(keeps)"
}
again() { # as after a minute, without waiting for it
	check "a new start reads all of it" daemon_restart
	check "ways are kept again" wait_for 50 keeps_are "1 1" || diag "routes4 and routes6 are $(keeps)"
}

lab_up || exit 1
check "l2xdpd starts" daemon_start || exit 1
check "plain rules and routes: ways are kept" wait_for 50 keeps_are "1 1" || diag "$(keeps)"
check "a subscriber connects" client_start joe --default-route || exit 1
check "ping" sub ping -c 3 -i 0.2 -W 2 203.0.113.2

expect "a rule by destination and input interface changes nothing" "1 1" \
	rule add to 198.51.100.0/24 iif access0 lookup 77 priority 900
expect "a rule by source: not for IPv4" "0 1" rule add from 10.0.0.0/16 lookup 77 priority 901
lns ip rule del priority 901
again
expect "a rule by TOS: not for IPv6" "1 0" -6 rule add tos 0x10 lookup 77 priority 902
lns ip -6 rule del priority 902
again
expect "a rule by port: not for IPv4" "0 1" rule add ipproto tcp dport 25 lookup 77 priority 903
lns ip rule del priority 903
again
expect "a route by TOS: not for IPv4" "0 1" route add 198.51.100.0/24 tos 0x10 via 203.0.113.2
lns ip route del 198.51.100.0/24 tos 0x10 via 203.0.113.2
again
expect "a route over two ways: not for IPv4" "0 1" route add 198.51.100.0/24 \
	nexthop via 203.0.113.2 nexthop via 203.0.113.3
check "a new start finds it" daemon_restart
check "it stays so" wait_for 50 keeps_are "0 1" || diag "routes4 and routes6 are $(keeps)"
lns ip route del 198.51.100.0/24
again
expect "a single IPv6 route changes nothing" "1 1" \
	-6 route add 2001:db8:77::/48 via 2001:db8:c::2
expect "one more way of an IPv6 route: not for IPv6" "1 0" \
	-6 route append 2001:db8:77::/48 via 2001:db8:c::3
check "a new start finds it" daemon_restart
check "it stays so" wait_for 50 keeps_are "1 0" || diag "routes4 and routes6 are $(keeps)"
lns ip -6 route del 2001:db8:77::/48
lns ip -6 route del 2001:db8:77::/48 2>/dev/null
again

# A rule takes effect although the way was kept.
check "ping before" sub ping -c 3 -i 0.2 -W 2 203.0.113.2
lns ip rule add from 10.0.0.0/16 to 203.0.113.2 unreachable priority 904
sleep 0.5
check_not "ping after: the rule is obeyed" sub ping -c 2 -i 0.2 -W 1 203.0.113.2
lns ip rule del priority 904
tap_done
