#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
#
# Debian's xl2tpd and pppd, on Debian's kernel in a QEMU guest, as LAC and client of
# l2xdpd on this machine, over a TAP device that carries our program. Nobody here wrote
# the peer.
#
#   guest (eth0 192.0.2.20) ---- access0 (TAP) l2xdpd core0 ---- core (203.0.113.2)
#
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh
# shellcheck source=tests/interop/guest.sh
. tests/interop/guest.sh

cleanup() {
	trap '' INT TERM
	guest_stop
	lab_down
}
lab_begin && lab_access_tap && lab_core_side || exit 1
trap cleanup EXIT
guest_file tests/interop/lac.sh
guest_start "$lab_lns" access0 || exit 1
diag "guest: $guest_kernel"
guest 'ip addr add 192.0.2.20/24 dev eth0
	ip addr add 2001:db8::20/64 dev eth0 nodad
	ip link set eth0 up
	modprobe l2tp_ppp; modprobe ppp_async' || exit 1
check "l2xdpd starts with a TAP device as access side" daemon_start || exit 1
is "the driver hook of the TAP device is used" \
	"$(ctl show datapath | json '" ".join(i["mode"] for i in d["interfaces"])')" "native native"

show_logs() {
	diag "guest: $(guest './lac.sh log')"
	diag "l2xdpd: $(tail -n 60 "$lab/l2xdpd.log")"
}

# connects NAME [VAR=VALUE...]
connects() {
	local name=$1 output
	shift
	if output=$(guest "export $*; ./lac.sh start && ./lac.sh connect && ./lac.sh wait 25"); then
		ok "$name"
	else
		not_ok "$name"
		diag "$output"
		show_logs
		return 1
	fi
}

hang_up() {
	guest './lac.sh disconnect; ./lac.sh wait-down 10; ./lac.sh kill TERM' >/dev/null
	wait_for 10 sessions_are 0
}

# guest_transfer NAME up|down ADDRESS PORT
guest_transfer() {
	local name=$1 here there server
	case $2 in
	up) set -- "$@" receive ;;
	down) set -- "$@" send ;;
	esac
	core tests/lab/transfer.py "$5" "$3" "$4" 2000000 >"$lab/transfer" 2>&1 &
	server=$!
	lab_pids+=("$server")
	wait_for 10 grep -q listening "$lab/transfer"
	if [ "$2" = up ]; then
		there=$(guest "head -c 2000000 /dev/urandom >/tmp/data; md5sum </tmp/data
			nc $3 $4 </tmp/data >/dev/null")
	else
		there=$(guest "nc $3 $4 </dev/null | md5sum")
	fi
	wait_for 20 grep -qE '^[0-9]+ ' "$lab/transfer"
	here=$(tail -n 1 "$lab/transfer")
	kill "$server" 2>/dev/null
	is "$name" "$here" "2000000 ${there%% *}"
}

traffic() { # LABEL
	local v4 v6
	v4=$(guest "ip -4 -o addr show dev ppp0" | awk '{ print $4 }')
	v6=$(guest "ip -6 -o addr show dev ppp0 scope global" | awk '{ sub("/.*", "", $4); print $4; exit }')
	guest 'ip route add 203.0.113.0/24 dev ppp0; ip route add 2001:db8:c::/64 dev ppp0' >/dev/null
	check "$1: ping from the subscriber, IPv4" guest 'ping -c 3 -i 0.2 -W 2 203.0.113.2'
	check "$1: ping from the subscriber, IPv6" guest 'ping -c 3 -i 0.2 -W 2 2001:db8:c::2'
	check "$1: ping to the subscriber, IPv4" core ping -c 3 -i 0.2 -W 2 "${v4%%/*}"
	check "$1: ping to the subscriber, IPv6" core ping -c 3 -i 0.2 -W 2 "$v6"
}

# ---- authentication, addresses, traffic --------------------------------------------
for auth in mschapv2 chap pap; do
	connects "$auth: connects, with a challenge each way" AUTH=$auth || continue
	is "$auth: that method was used" "$(session 'd["authentication"]')" $auth
	has "$auth: IPCP gave an address and ours" "$(guest 'ip -4 -o addr show dev ppp0')" \
		'inet 10\.0\.[0-9.]+ peer 10\.0\.0\.1/32'
	has "$auth: IPCP gave the DNS server" "$(guest 'cat /etc/ppp/resolv.conf')" 'nameserver 10\.0\.0\.53'
	has "$auth: a router advertisement gave an address of the session's /64" \
		"$(guest 'ip -6 -o addr show dev ppp0 scope global')" 'inet6 2001:db8:1000:'
	traffic $auth
	if [ $auth = mschapv2 ]; then
		mtu=$(guest 'cat /sys/class/net/ppp0/mtu')
		is "the MTU that both sides agreed on" "$mtu" "$(session 'd["mtu"]')"
		check "a ping of exactly that size passes with DF" \
			guest "ping -M do -c 2 -i 0.2 -W 2 -s $((mtu - 28)) 203.0.113.2"
		check "IPv6 too" guest "ping -M do -c 2 -i 0.2 -W 2 -s $((mtu - 48)) 2001:db8:c::2"
		hook=$(session 'd["rx"]["hook_packets"] + d["tx"]["hook_packets"]')
		slow=$(session 'd["rx"]["slow_packets"] + d["tx"]["slow_packets"]')
		guest_transfer "TCP up, IPv4" up 203.0.113.2 5001
		guest_transfer "TCP down, IPv4" down 203.0.113.2 5002
		guest_transfer "TCP up, IPv6" up 2001:db8:c::2 5003
		guest_transfer "TCP down, IPv6" down 2001:db8:c::2 5004
		hook=$(($(session 'd["rx"]["hook_packets"] + d["tx"]["hook_packets"]') - hook))
		slow=$(($(session 'd["rx"]["slow_packets"] + d["tx"]["slow_packets"]') - slow))
		diag "$hook packets at the hook, $slow in the slow path"
		check "99 % of the TCP packets crossed at the hook" \
			test $hook -gt 5000 -a $((slow * 100)) -le $hook
	fi
	check "$auth: xl2tpd disconnects, and the session is gone" hang_up || show_logs
done

connects "length bit off in control and data" LENGTH_BIT=no && traffic "no length bit" && hang_up
connects "no challenge from the peer, ours is answered" CHALLENGE=no && hang_up

# ---- disconnect from our side ----------------------------------------------------------
if connects "connects again"; then
	check "clear session" ctl clear session "$(session_id)"
	check "the peer's PPP device goes" guest './lac.sh wait-down 10'
	check "the session is gone" wait_for 5 sessions_are 0
	has "xl2tpd was told by a CDN" "$(guest 'cat /tmp/xl2tpd.log')" 'result_code_avp|Call-Disconnect|CDN|closed'
	guest './lac.sh kill TERM' >/dev/null
fi
if connects "connects after that"; then
	check "clear tunnel" ctl clear tunnel "$(ctl show tunnels | json 'd[0]["id"]')"
	check "the peer's PPP device goes" guest './lac.sh wait-down 10'
	has "xl2tpd was told by a StopCCN" "$(guest 'cat /tmp/xl2tpd.log')" 'Connection closed|StopCCN'
	guest './lac.sh kill TERM' >/dev/null
fi

# ---- refused -----------------------------------------------------------------------------
refused() { # NAME LOG-REGEX VAR=VALUE...
	local name=$1 regex=$2 log
	shift 2
	guest "export $*; ./lac.sh start && ./lac.sh connect; ./lac.sh wait-for '$regex' 15" >/dev/null
	check "$name: no session comes of it" sessions_are 0
	log=$(guest './lac.sh log')
	has "$name: the peer is told why" "$log" "$regex"
	guest './lac.sh kill TERM' >/dev/null
}
refused "wrong secret" 'closing for reason 4|[Nn]ot authorized|not authorised' SECRET=wrong CHALLENGE=no
has "wrong secret: the log says so" "$(cat "$lab/l2xdpd.log")" 'secret|authenticat'
refused "wrong secret, both challenge" 'Invalid challenge authentication|closing for reason 4' SECRET=wrong
refused "wrong password, MS-CHAPv2" 'E=691|CHAP authentication failed' PASSWORD=wrong AUTH=mschapv2
refused "wrong password, CHAP" 'CHAP authentication failed|CHAP Failure' PASSWORD=wrong AUTH=chap
refused "wrong password, PAP" 'PAP authentication failed|PAP AuthNak' PASSWORD=wrong AUTH=pap

# ---- killed ------------------------------------------------------------------------------
if connects "connects before the kills"; then
	guest './lac.sh kill KILL' >/dev/null
	connects "reconnects after xl2tpd was killed" && traffic "after xl2tpd was killed"
	guest './lac.sh kill TERM' >/dev/null
fi
# ---- l2xdpd restarts, and is killed: the subscriber does not notice -----------------------
# survives NAME COMMAND...: pings go on while COMMAND ends l2xdpd and another one starts
survives() {
	local name=$1 before after
	shift
	before=$(session '[d["id"], d["ipv4"], d["user"]]')
	guest 'ping -c 200 -i 0.05 -W 2 203.0.113.2 >/tmp/ping 2>&1 &' >/dev/null
	sleep 1
	"$@"
	sleep 1
	check "$name: l2xdpd starts again" daemon_start
	after=$(session '[d["id"], d["ipv4"], d["user"]]')
	is "$name: the session is the same" "$after" "$before"
	# The guest's clock of a loaded machine is slow: 200 pings take 10 s and more.
	wait_for 60 guest 'grep -q "packets transmitted" /tmp/ping'
	has "$name: not one packet is lost" "$(guest 'tail -n 3 /tmp/ping')" ' 0% packet loss' ||
		diag "replies: $(guest 'sed -n "s/.*icmp_seq=\([0-9]*\).*/\1/p" /tmp/ping' | tr '\n' ' ')"
	has "$name: the log says what was adopted" "$(grep adopted "$lab/l2xdpd.log" | tail -n 1)" \
		'adopted 1 sessions in [1-9][0-9]* tunnels'
}
for id in $(ctl show tunnels | json '" ".join(str(t["id"]) for t in d)'); do
	ctl clear tunnel "$id" # what the killed ones left
done
wait_for 5 sessions_are 0
if connects "connects, and l2xdpd is to restart below it"; then
	guest 'ip route replace 203.0.113.0/24 dev ppp0' >/dev/null
	survives "restart" daemon_stop TERM
	survives "kill -9" daemon_kill
	check "pppd's own echoes are answered after it" \
		guest './lac.sh wait 5; ping -c 2 -i 0.2 -W 2 203.0.113.2'
	check "xl2tpd disconnects from the new one" hang_up || show_logs
fi
if connects "connects again, and l2xdpd ends for good"; then
	daemon_stop INT
	check "l2xdpd starts again" daemon_start
	is "no session came back: it was closed" "$(sessions)" 0
	guest './lac.sh wait-down 30; ./lac.sh kill TERM' >/dev/null
fi

# ---- PPP in user space: other framings, other paths in xl2tpd ----------------------------
guest './lac.sh kill KILL; rmmod l2tp_ppp; echo /bin/false >/proc/sys/kernel/modprobe' >/dev/null
if connects "xl2tpd without the kernel's L2TP" LENGTH_BIT=yes; then
	traffic "data by xl2tpd itself"
	check "it disconnects" hang_up
fi

daemon_stop INT
is "l2xdpd ends cleanly" $? 0
tap_done
