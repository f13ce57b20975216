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
	local counts='[d[a][b] for a in ("rx", "tx") for b in ("hook_packets", "slow_packets")]' before
	before=$(session "$counts")
	sub ping -q -c 50 -i 0.01 -W 2 "$2" >/dev/null
	becomes "50 echoes, $1: 50 packets at the hook each way, none in the slow path" "[50, 0, 50, 0]" \
		session "[b - a for a, b in zip($before, $counts)]"
}
sleep 1
exact IPv4 203.0.113.2
exact IPv6 2001:db8:c::2
bytes=$(session 'd["rx"]["hook_bytes"]')
sub ping -q -c 10 -i 0.01 -s 1000 203.0.113.2 >/dev/null
becomes "octets are those of the inner packet" 10280 session "d['rx']['hook_bytes'] - $bytes"

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

# Packets that one end has sent and the other has not counted. What the veth pair's rings (256
# frames) and the client's socket had no room for was lost outside of l2xdp.
of_joe() { sub cat "/sys/class/net/joe/statistics/$1"; }
of_session() { session "d['$1']['hook_packets'] + d['$1']['slow_packets']"; }
lost_up() {
	local routing
	routing=$(sub cat /proc/net/dev_snmp6/joe | sum_of 'Icmp6Out(RouterSolicits|MLDv2Reports)')
	echo $(($(of_joe tx_packets) - routing - $(wire_drops) - $(of_session rx)))
}
lost_down() {
	local advertised no_room
	advertised=$(sub cat /proc/net/dev_snmp6/joe | sum_of Icmp6InRouterAdvertisements)
	no_room=$(($(lns ethtool -S access0 | sum_of 'tx_queue_[0-9]+_xdp_xmit_errors') +
		$(sub nstat -asz UdpRcvbufErrors | sum_of UdpRcvbufErrors)))
	echo $(($(of_session tx) - no_room - ($(of_joe rx_packets) - advertised)))
}
becomes "no packet of the subscriber is lost or counted twice" 0 lost_up
becomes "no packet to the subscriber is lost or counted twice (router advertisements apart)" 0 lost_down

client_stop joe
is "the client ends cleanly" $? 0
check "the session is gone" wait_for 5 sessions_are 0
tap_done
