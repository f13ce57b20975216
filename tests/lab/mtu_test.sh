#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# Sizes: what passes, who is told what, what is cut.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

lab_up || exit 1
daemon_start || exit 1
client_start joe --route 203.0.113.0/24 --route 2001:db8:c::/64 || exit 1
mtu=$(session 'd["mtu"]')
v4=$(client_value joe ipv4 address)
v6=$(client_value joe ipv6 address)
is "the session's MTU" "$mtu" 1460
core ping -q -c 1 -W 2 "$v4" >/dev/null

check "a packet of the MTU passes with DF, up" sub ping -q -M "do" -c 2 -i 0.2 -W 2 -s $((mtu - 28)) 203.0.113.2
check "a packet of the MTU passes with DF, down" core ping -q -M "do" -c 2 -i 0.2 -W 2 -s $((mtu - 28)) "$v4"
check "IPv6, up" sub ping -q -M "do" -c 2 -i 0.2 -W 2 -s $((mtu - 48)) 2001:db8:c::2
check "IPv6, down" core ping -q -M "do" -c 2 -i 0.2 -W 2 -s $((mtu - 48)) "$v6"

# DP-ICMP-1, DP-ICMP-3: the sender in the core learns it.
said=$(core ping -M "do" -c 2 -i 0.3 -W 1 -s $((mtu - 27)) "$v4" 2>&1)
has "one octet more with DF: fragmentation needed, with the MTU" "$said" "(Frag needed|message too long).*mtu ?= ?$mtu"
has "and the route knows it" "$(core ip route get "$v4")" "mtu $mtu"
said=$(core ping -M "do" -c 2 -i 0.3 -W 1 -s $((mtu - 47)) "$v6" 2>&1)
has "one octet more, IPv6: packet too big, with the MTU" "$said" "(Packet too big|message too long).*mtu ?= ?$mtu"
has "and the route knows it, IPv6" "$(core ip -6 route get "$v6")" "mtu $mtu"
check "too-big was counted" test "$(verdict too-big)" -gt 0

# DP-FRAG-3: without DF it is cut and arrives whole.
core ip route flush cache
check "a large packet without DF arrives, down" core ping -q -M dont -c 3 -i 0.2 -W 2 -s 3000 "$v4"
check "a large packet without DF arrives, up" sub ping -q -M dont -c 3 -i 0.2 -W 2 -s 3000 203.0.113.2

# DP-MSS-1: SYN and SYN-ACK carry no more than the MTU less 40 or 60.
mss_seen() { # NAMESPACE DEVICE FROM TO ADDRESS
	$1 timeout 8 tcpdump -l -n -v -c 1 -i "$2" 'tcp[13] & 2 != 0 or (ip6 and ip6[6] = 6 and ip6[53] & 2 != 0)' \
		>"$lab/syn" 2>/dev/null &
	local dump=$!
	lab_pids+=("$dump")
	sleep 1
	transfer "$3" "$4" "$5" 1000 >/dev/null 2>&1
	wait "$dump"
	sed -n 's/.*mss \([0-9]*\).*/\1/p' "$lab/syn" | head -n 1
}
is "the core host sees a clamped MSS, IPv4" "$(mss_seen core host0 sub core 203.0.113.2)" $((mtu - 40))
is "the core host sees a clamped MSS, IPv6" "$(mss_seen core host0 sub core 2001:db8:c::2)" $((mtu - 60))
is "the subscriber sees a clamped MSS" "$(mss_seen sub joe core sub "$v4")" $((mtu - 40))

# The way to the peer gets smaller: an ICMP about our outer packets (DP-ICMP-5) that
# quotes no live session changes nothing.
sub /usr/bin/python3 - <<-'P'
	import socket, struct
	quoted = bytes.fromhex("45000400000040004011000000000000") + b"\0" * 4 + struct.pack("!HHHH", 1701, 1701, 900, 0) + b"\0\2\0\1\0\1"
	body = struct.pack("!BBHHH", 3, 4, 0, 0, 600) + quoted
	s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
	s.sendto(body, ("192.0.2.1", 0))
P
sleep 0.5
is "a forged ICMP does not lower the MTU" "$(session 'd["mtu"]')" "$mtu"
ip -n "$lab_lns" link set access0 mtu 1400
mtu_is() { [ "$(session 'd["mtu"]')" = "$1" ]; }
check "a smaller link lowers it" wait_for 8 mtu_is 1362
check "and packets of the new MTU pass" core ping -q -M "do" -c 2 -i 0.2 -W 2 -s 1300 "$v4"
tap_done
