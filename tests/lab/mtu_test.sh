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

mtu_is() { [ "$(session 'd["mtu"]')" = "$1" ]; }
ip -n "$lab_lns" link set access0 mtu 1400
check "a smaller link lowers it" wait_for 20 mtu_is 1362
check "and packets of the new MTU pass" core ping -q -M "do" -c 2 -i 0.2 -W 2 -s $((1362 - 28)) "$v4"

# The way to the peer gets smaller: an ICMP about our outer packets is believed when it
# quotes a live session of that path (DP-ICMP-5), of which only a router on the way knows.
slow() { ctl show datapath | json "d['slow']['$1']"; }
slow_is() { [ "$(slow "$1")" = "$2" ]; }
frag_needed() { # MTU TUNNEL SESSION PORT
	sub tests/lab/hostile.py frag-needed "$1" --tunnel "$2" --session "$3" --port "$4"
}
read -r port peer_tunnel peer_session <<<"$(session '"%d %d %d" % (d["port"], d["peer_tunnel"], d["peer_session"])')"
is "no report has come yet" "$(slow pmtu_refused) $(slow pmtu_lowered)" "0 0"
frag_needed 1200 $((peer_tunnel ^ 1)) "$peer_session" "$port"
check "a report that quotes another tunnel is refused" wait_for 10 slow_is pmtu_refused 1
frag_needed 1200 "$peer_tunnel" $((peer_session ^ 1)) "$port"
check "one that quotes another session, too" wait_for 10 slow_is pmtu_refused 2
frag_needed 1200 "$peer_tunnel" "$peer_session" $((port ^ 1))
check "one that quotes another port, too" wait_for 10 slow_is pmtu_refused 3
frag_needed 1500 "$peer_tunnel" "$peer_session" "$port"
check "one that would raise the MTU, too" wait_for 10 slow_is pmtu_refused 4
is "none of them changes the MTU" "$(session 'd["mtu"]') $(slow pmtu_lowered)" "1362 0"
check "and large packets pass" core ping -q -M "do" -c 2 -i 0.2 -W 2 -s $((1362 - 28)) "$v4"

frag_needed 1200 "$peer_tunnel" "$peer_session" "$port"
check "one that quotes the session lowers the MTU" wait_for 10 mtu_is $((1200 - 38))
is "and is counted" "$(slow pmtu_refused) $(slow pmtu_lowered)" "4 1"
core ip route flush cache
said=$(core ping -M "do" -c 2 -i 0.3 -W 2 -s $((1362 - 28)) "$v4" 2>&1)
has "the core learns the new MTU" "$said" "(Frag needed|message too long).*mtu ?= ?1162"
check "packets of that MTU pass" core ping -q -M "do" -c 2 -i 0.2 -W 2 -s $((1162 - 28)) "$v4"
tap_done
