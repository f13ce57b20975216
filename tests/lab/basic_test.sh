#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A subscriber connects; ping and TCP both ways over IPv4 and IPv6; what crossed at the
# hook is counted to the packet.
# shellcheck disable=SC2119
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

lab_up || exit 1
check "l2xdpd starts" daemon_start || exit 1
is "both interfaces are at the driver hook" \
	"$(ctl show datapath | json '" ".join(i["mode"] for i in d["interfaces"])')" "native native"
check "a subscriber connects" client_start joe --default-route || exit 1

v4=$(client_value joe ipv4 address)
v6=$(client_value joe ipv6 address)
has "an address from the pool" "$v4" '^10\.0\.'
has "an IPv6 address from the pool's prefix" "$v6" '^2001:db8:1000:'
is "the LNS's own address" "$(client_value joe ipv4 peer_address)" 10.0.0.1
is "DNS servers, IPv4" "$(client_value joe ipv4 dns)" '["10.0.0.53"]'
is "DNS servers, IPv6" "$(client_value joe ipv6 dns)" '["2001:db8:53::53"]'
is "the session's MTU is the profile's MRU" "$(session 'd["mtu"]')" 1460
is "the session names its user" "$(session 'd["user"]')" joe
is "the session is open" "$(session 'd["state"]')" open
is "the session has the client's address" "$(session 'd["ipv4"]')" "$v4"

check "ping from the subscriber, IPv4" sub ping -c 3 -i 0.2 -W 2 203.0.113.2
check "ping from the subscriber, IPv6" sub ping -c 3 -i 0.2 -W 2 2001:db8:c::2
check "ping to the subscriber, IPv4" core ping -c 3 -i 0.2 -W 2 "$v4"
check "ping to the subscriber, IPv6" core ping -c 3 -i 0.2 -W 2 "$v6"
check "ping of the LNS's own address" sub ping -c 2 -i 0.2 -W 2 10.0.0.1
check "ping from the LNS itself" lns ping -c 2 -i 0.2 -W 2 "$v4"

# Neighbours and routes are known now: not one echo may take the slow path.
exact() { # FAMILY ADDRESS
	local before after
	before=$(session '[d[a][b] for a in ("rx", "tx") for b in ("hook_packets", "slow_packets")]')
	sub ping -q -c 50 -i 0.01 -W 2 "$2" >/dev/null
	after=$(session '[d[a][b] for a in ("rx", "tx") for b in ("hook_packets", "slow_packets")]')
	is "50 echoes, $1: 50 packets at the hook each way, none in the slow path" \
		"$(echo "[$before, $after]" | json '[b - a for a, b in zip(*d)]')" "[50, 0, 50, 0]"
}
sleep 1
exact IPv4 203.0.113.2
exact IPv6 2001:db8:c::2
bytes=$(session 'd["rx"]["hook_bytes"]')
sub ping -q -c 10 -i 0.01 -s 1000 203.0.113.2 >/dev/null
is "octets are those of the inner packet" "$(($(session 'd["rx"]["hook_bytes"]') - bytes))" 10280

moves() { # NAME ADDRESS OCTETS
	local before after
	before=$(crossed)
	check "TCP $1: all arrives as it was sent" transfer sub core "$2" "$3"
	after=$(crossed)
	check "TCP $1: at least 99 % of the packets at the hook" share_is_fast "$before" "$after" 10000
	diag "$tap_said"
}
moves "up, IPv4" 203.0.113.2 20000000
moves "down, IPv4" 203.0.113.2 -20000000
moves "up, IPv6" 2001:db8:c::2 20000000
moves "down, IPv6" 2001:db8:c::2 -20000000

rx=$(sub cat /sys/class/net/joe/statistics/tx_packets)
# shellcheck disable=SC2016 # awk's
routing=$(sub awk '/Icmp6OutRouterSolicits|Icmp6OutMLDv2Reports/ { n += $2 } END { print n }' /proc/net/dev_snmp6/joe)
is "no packet of the subscriber is lost or counted twice" \
	"$(session 'd["rx"]["hook_packets"] + d["rx"]["slow_packets"]')" "$((rx - routing))"
tx=$(sub cat /sys/class/net/joe/statistics/rx_packets)
# shellcheck disable=SC2016
advertised=$(sub awk '/Icmp6InRouterAdvertisements/ { print $2 }' /proc/net/dev_snmp6/joe)
is "no packet to the subscriber is lost or counted twice (router advertisements apart)" \
	"$(session 'd["tx"]["hook_packets"] + d["tx"]["slow_packets"]')" "$((tx - advertised))"

client_stop joe
is "the client ends cleanly" $? 0
check "the session is gone" wait_for 5 sessions_are 0
tap_done
