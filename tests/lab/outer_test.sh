#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# An IPv6 outer header; hairpin on one interface; two clients behind different ports of
# one address; numbered data both ways; a hidden-AVP peer; proxy authentication.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

moves_both() { # LABEL CLIENT
	local before after v4
	v4=$(client_value "$2" ipv4 address)
	check "$1: ping, IPv4" sub ping -q -c 3 -i 0.2 -W 2 -I "$2" "$target4"
	check "$1: ping, IPv6" sub ping -q -c 3 -i 0.2 -W 2 -I "$2" "$target6"
	before=$(crossed)
	check "$1: TCP up" transfer sub "$host" "$target4" 5000000
	check "$1: TCP down" transfer sub "$host" "$target6" -5000000
	after=$(crossed)
	check "$1: at least 99 % of the packets at the hook" share_is_fast "$before" "$after"
	has "$1: the address is the pool's" "$v4" '^10\.0\.'
}
to_core=(--route 203.0.113.0/24 --route 2001:db8:c::/64)
host=core target4=203.0.113.2 target6=2001:db8:c::2

lab_up || exit 1
daemon_start || exit 1
if check "connects over an IPv6 outer header" client_start six --server 2001:db8::1 "${to_core[@]}"; then
	is "the session shows the peer's IPv6 address" "$(session 'd["address"]')" 2001:db8::10
	check "the inner MTU leaves room for it" test "$(session 'd["mtu"]')" -le 1442
	moves_both "outer IPv6" six
	client_stop six
fi
wait_for 5 sessions_are 0

if check "connects with numbered data" client_start numbered --sequencing "${to_core[@]}"; then
	is "the session numbers its data" "$(session 'd["sequencing"]')" true
	moves_both numbered numbered
	# What the client's kernel sends before IPV6CP is open is refused, and takes its number along.
	is "no number was missed but those of refused frames" \
		"$(session 'd["rx"]["lost"] <= d["rx"]["drops"] <= 2')" true
	client_stop numbered
fi
wait_for 5 sessions_are 0

for method in pap chap; do
	if check "a LAC that has authenticated by $method already" \
		client_start "proxy$method" --proxy $method "${to_core[@]}"; then
		check "proxy $method: ping" sub ping -q -c 2 -i 0.2 -W 2 203.0.113.2
		client_stop "proxy$method"
	fi
	wait_for 5 sessions_are 0
done
check "hidden AVPs" client_start hidden --hide --no-ipv6 && client_stop hidden
check "IPv4 alone" client_start only4 --no-ipv6 && client_stop only4
check "IPv6 alone" client_start only6 --no-ipv4 && client_stop only6
check "the static address of the users file" client_start static --user fixed --password wonder &&
	is "it is that one" "$(client_value static ipv4 address)" 10.0.7.7
client_stop static
wait_for 5 sessions_are 0

# Two subscribers of one address: told apart by port and tunnel, and they reach each
# other through the LNS.
check "a client at one port" client_start a --user user1 --password wonder --local-port 1702 &&
	check "another at another port of the same address" \
		client_start b --user user2 --password wonder --local-port 1703 &&
	is "both are there" "$(sessions)" 2
check "one goes" client_stop a
check "the other stays" sub ping -q -c 2 -i 0.2 -W 2 -I b 10.0.0.1
client_stop b
daemon_stop INT
lab_down

# Hairpin: what comes in by access0 leaves by access0.
lab_up one-interface || exit 1
ip -n "$lab_sub" addr add 192.0.2.99/24 dev lac0
lab_config 's/access0, core0/access0/'
daemon_start || exit 1
lab_namespace "$lab_core"
ip link add far0 netns "$lab_core" type veth peer name far1 netns "$lab_sub"
ip netns exec "$lab_core" ethtool -K far0 tx off gso off tso off >/dev/null 2>&1
ip netns exec "$lab_sub" ethtool -K far1 tx off gso off tso off >/dev/null 2>&1
# A bridge puts the LAC and the core host on the LNS's one segment.
ip -n "$lab_sub" link add br0 type bridge 2>/dev/null
if ip -n "$lab_sub" link show br0 >/dev/null 2>&1; then
	ip -n "$lab_sub" addr flush dev lac0
	ip -n "$lab_sub" link set lac0 master br0
	ip -n "$lab_sub" link set far1 master br0 up
	ip -n "$lab_sub" link set br0 up
	ip -n "$lab_sub" addr add 192.0.2.10/24 dev br0
	ip -n "$lab_core" link set far0 up
	ip -n "$lab_core" addr add 192.0.2.50/24 dev far0
	ip -n "$lab_core" addr add 2001:db8::50/64 dev far0
	ip -n "$lab_core" route add 10.0.0.0/16 via 192.0.2.1
	ip -n "$lab_core" route add 2001:db8:1000::/48 via 2001:db8::1
	target4=192.0.2.50 target6=2001:db8::50
	if check "connects to an LNS with one interface" client_start hair \
		--route 192.0.2.50/32 --route 2001:db8::50/128; then
		moves_both "hairpin" hair
		client_stop hair
	fi
else
	skip "hairpin" "this kernel has no bridge"
fi
daemon_stop INT
tap_done
