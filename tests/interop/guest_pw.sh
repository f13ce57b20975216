#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2317 # functions are called by names that are put together
# In the guest: pseudowires between this host and the kernel's own L2TPv3, in the namespace `far`.
#
#   site (pw1...) ---- here, access0 192.0.2.1 ---- far0 192.0.2.2, far (far1...)
#
# A pseudowire has a number K, 1 to 24: an encapsulation, an outer family, the octets of its cookies, and
# a sublayer. `pwK` in the namespace `site` and `farK` in `far` are its two ends: 10.0.K.1 and .2, fd00:K::1
# and ::2. What serves `pwK` is l2xdpd, or in the beginning the kernel, too.
#
#   guest_pw.sh up                           namespaces and the wire between
#   guest_pw.sh kernel near|far [WRONG]      the kernel's sessions of one side; WRONG: `sends` or `expects`
#                                            other cookies
#   guest_pw.sh kernel-off near|far
#   guest_pw.sh addresses near|far [MTU]     of the ends
#   guest_pw.sh configuration [MORE]         ours, on standard output; MORE stands in each `attach`
#   guest_pw.sh shown | imported             what `ip l2tp` shows of the near side; ours, made of that
#   guest_pw.sh daemon-start | daemon-stop SIGNAL | ctl COMMAND...
#   guest_pw.sh each CHECK                   a check for each pseudowire: "ok K ..." or "not ok K ..."
# With SEQ=both those with a sublayer number their frames, and look at the others' numbers.
export LD_LIBRARY_PATH=/lab/lib
all='1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24'

# What a number stands for.
combination() { # K
	K=$1
	i=$((K - 1))
	T=$((i / 6 + 1))
	case $((i % 2)) in 0) spec=none sublayer=0 seq='' ;; 1) spec=default sublayer=4 seq=${SEQ:-} ;; esac
	case $((i / 2 % 3)) in 0) cookie=0 ;; 1) cookie=4 ;; 2) cookie=8 ;; esac
	case $((i / 6 % 2)) in
	0) family=4 near=192.0.2.1 far=192.0.2.2 far_port=1701 outer=20 ;;
	1) family=6 near=2001:db8::1 far=2001:db8::2 far_port=1702 outer=40 ;;
	esac
	case $((i / 12)) in
	0) encap=udp over=12 far_ports="udp_sport $far_port udp_dport 1701" near_ports="udp_sport 1701 udp_dport $far_port" ;;
	1) encap=ip over=0 far_ports='' near_ports='' ;;
	esac
	near_id=$((0xf0000000 + K)) far_id=$((2000 + K))
	case $cookie in
	0) near_sends='' far_sends='' ;;
	4) near_sends=0f1e2d$(printf %02x "$K") far_sends=a1b2c3$(printf %02x "$K") ;;
	8) near_sends=0f1e2d3c4b5a69$(printf %02x "$K") far_sends=a1b2c3d4e5f607$(printf %02x "$K") ;;
	esac
	# Octets of the largest IP packet that goes in one outer packet (V3-ETH-6).
	whole=$((1500 - outer - over - 4 - cookie - sublayer - 14))
	label="$encap over IPv$family, cookie $cookie, $spec"
}

up() {
	modprobe -a veth 8021q tun l2tp_eth l2tp_ip l2tp_ip6 || return
	ip netns add site
	ip netns add far
	ip -n site link set lo up
	ip link add access0 type veth peer name far0 netns far
	# Whole checksums, where a program meets the frames.
	ethtool -K access0 tx off gso off tso off
	ip netns exec far ethtool -K far0 tx off gso off tso off
	ip addr add 192.0.2.1/24 dev access0
	ip addr add 2001:db8::1/64 dev access0 nodad
	ip -n far addr add 192.0.2.2/24 dev far0
	ip -n far addr add 2001:db8::2/64 dev far0 nodad
	ip link set access0 up
	ip -n far link set far0 up
	ip -n far link set dev far0 xdpdrv obj /lab/pass.bpf.o sec xdp
	ip netns exec far sysctl -qw net.ipv4.icmp_echo_ignore_broadcasts=0
	ip netns exec site sysctl -qw net.ipv4.icmp_echo_ignore_broadcasts=0
}

# ---- the kernel as one of the sides --------------------------------------------------------------
kernel_session() { # SIDE WRONG
	case $1 in
	far) space=far tunnel=$((10 + T)) id=$far_id peer_id=$near_id sends=$far_sends expects=$near_sends ;;
	near) space='' tunnel=$((20 + T)) id=$near_id peer_id=$far_id sends=$near_sends expects=$far_sends ;;
	esac
	[ "$2" != sends ] || sends=$(echo "$sends" | tr 0-9a-f 1-9a-f0)
	[ "$2" != expects ] || expects=$(echo "$expects" | tr 0-9a-f 1-9a-f0)
	# shellcheck disable=SC2086 # words
	ip ${space:+-n $space} l2tp add session name "$1$K" tunnel_id $tunnel session_id $id \
		peer_session_id $peer_id ${sends:+cookie $sends} ${expects:+peer_cookie $expects} \
		l2spec_type $spec ${seq:+seq $seq} || return
	[ "$1" = far ] || ip link set "near$K" netns site name "pw$K"
}
kernel_tunnel() { # SIDE
	# shellcheck disable=SC2086
	case $1 in
	far)
		ip -n far l2tp add tunnel tunnel_id $((10 + T)) peer_tunnel_id $((20 + T)) encap $encap \
			local $far remote $near $far_ports
		;;
	near)
		ip l2tp add tunnel tunnel_id $((20 + T)) peer_tunnel_id $((10 + T)) encap $encap \
			local $near remote $far $near_ports
		;;
	esac
}
kernel() { # SIDE [WRONG]
	for K in $all; do
		combination "$K"
		[ $(((K - 1) % 6)) != 0 ] || kernel_tunnel "$1" || return
		kernel_session "$1" "$2" || return
	done
}
kernel_off() { # SIDE
	for T in 1 2 3 4; do
		case $1 in
		far) ip -n far l2tp del tunnel tunnel_id $((10 + T)) ;;
		near) ip l2tp del tunnel tunnel_id $((20 + T)) ;;
		esac
	done
	# They end a little later.
	wait_until 500 no_ends "$1"
}
no_ends() { # SIDE
	case $1 in
	far) ! ip -n far -o link show | grep "far[1-9]" ;;
	near) ! ip -n site -o link show | grep "pw[0-9]" ;;
	esac
}

# Many lines of `ip` in one process: each of its own takes a while here.
addresses() { # SIDE [MTU]
	case $1 in near) space=site end=pw host=1 ;; far) space=far end=far host=2 ;; esac
	for K in $all; do
		echo "addr replace 10.0.$K.$host/24 brd + dev $end$K"
		echo "addr replace fd00:$K::$host/64 dev $end$K nodad"
		echo "link set $end$K ${2:+mtu $2} up"
	done | ip -n "$space" -batch - || return
	ip -n site neigh flush all
	ip -n far neigh flush all
}
tag() { # DEVICE ID ADDRESS
	echo "link add link $1 name $1.$2 type vlan id $2"
	echo "addr add $3/24 dev $1.$2"
	echo "link set $1.$2 up"
}
vlans() {
	for side in "site pw 1" "far far 2"; do
		# shellcheck disable=SC2086 # words
		set -- $side
		for K in $all; do
			tag "$2$K" 7 "10.7.$K.$3"
			tag "$2$K.7" 9 "10.9.$K.$3"
		done | ip -n "$1" -batch - || return
	done
}

# ---- ours ------------------------------------------------------------------------------------------
places() {
	echo "control-socket: /run/l2xdpd.sock"
	echo "state-directory: /tmp/l2xdp-state"
	echo "runtime-directory: /tmp/l2xdp-run"
}
configuration() { # [MORE-OF-ATTACH]
	places
	echo 'listen: [192.0.2.1, "2001:db8::1"]'
	echo "datapath: { interfaces: [access0] }"
	echo "pseudowires:"
	for K in $all; do
		combination "$K"
		echo "  - name: wire$K"
		echo "    peer: \"$far\""
		echo "    encapsulation: $encap"
		[ "$encap" = ip ] || echo "    ports: { remote: $far_port }"
		echo "    signalled: false"
		echo "    session: { local: $near_id, remote: $far_id }"
		[ "$cookie" = 0 ] || echo "    cookie: { local: \"$far_sends\", remote: \"$near_sends\" }"
		echo "    sublayer: $spec"
		[ -z "$seq" ] || echo "    sequencing: $seq"
		# The kernel looks at a checksum that is there.
		[ "$encap$family$spec" != udp4default ] || echo "    checksum: true"
		echo "    attach: { create: pw$K, netns: site, address: [10.0.$K.1/24, \"fd00:$K::1/64\"]${1:+, $1} }"
	done
}
shown() {
	ip l2tp show tunnel
	ip l2tp show session
}
# What a person has to do to it: iproute2 6.1 shows no sublayer, shows a session that has no cookie with that
# of another, and the interfaces' namespace is not in it.
imported() {
	places
	/lab/l2xdpctl import ip-l2tp /tmp/shown | awk '
		/- name: "near/ { k = $3; gsub(/[^0-9]/, "", k) }
		/^ *cookie:/ && int((k - 1) / 2) % 3 == 0 { next }
		/attach:/ && k % 2 == 1 { print "    sublayer: none" }
		/attach:/ { sub("\"near" k "\"", "pw" k ", netns: site") }
		/interfaces:/ { sub("eth0", "access0") }
		{ print }'
}

ctl() { /lab/l2xdpctl --socket /run/l2xdpd.sock "$@"; }
wait_until() { # TIMES COMMAND...: 50 a second at the most
	n=$1
	shift
	until "$@" >/dev/null 2>&1; do
		n=$((n - 1))
		[ $n -gt 0 ] || return 1
		usleep 20000
	done
}
ended() { ! kill -0 "$1" 2>/dev/null; }
daemon_start() {
	/lab/l2xdpd --config /lab/l2xdpd.yaml </dev/null >/tmp/l2xdpd.log 2>&1 &
	echo $! >/tmp/l2xdpd.pid
	wait_until 1500 ctl show datapath || {
		tail -n 40 /tmp/l2xdpd.log
		return 1
	}
}
daemon_stop() { # SIGNAL
	kill -"$1" "$(cat /tmp/l2xdpd.pid)"
	wait_until 1000 ended "$(cat /tmp/l2xdpd.pid)" || {
		tail -n 40 /tmp/l2xdpd.log
		return 1
	}
}

# ---- checks of one pseudowire ----------------------------------------------------------------------
# In the namespace `site`.
pings() { # PING-ARGUMENTS...: 3 tries, so that a machine that is busy elsewhere fails nothing
	for try in 1 2 3; do
		ping -q -c 2 -i 0.02 -W $try "$@" >/tmp/ping 2>&1 && ! grep -q ' [1-9][0-9]*% packet loss' /tmp/ping &&
			return 0
	done
	echo "ping $*"
	cat /tmp/ping
	return 1
}
check_ping() { pings "10.0.$K.2" && pings "fd00:$K::2"; }
check_ping_whole() { pings -M "do" -s $((whole - 28)) "10.0.$K.2" && pings -M "do" -s $((whole - 48)) "fd00:$K::2"; }
check_ping_cut() {
	for size in 1000 $((whole - 27)) 1472 8000; do pings -M dont -s $size "10.0.$K.2" || return; done
	for size in 1000 $((whole - 47)) 1472 8000; do pings -s $size "fd00:$K::2" || return; done
}
check_broadcast() { pings -b "10.0.$K.255" && pings "ff02::1%pw$K"; }
# What is cut arrives behind what is not, and would be old: one at a time.
check_numbers() { check_ping && pings -s 1472 -M dont "10.0.$K.2" && check_ping; }
check_vlans() { pings "10.7.$K.2" && pings "10.9.$K.2"; }
# Only without a cookie.
check_no_cookie() {
	if [ "$cookie" = 0 ]; then check_ping; else ! ping -q -c 2 -i 0.05 -W 0.5 "10.0.$K.2"; fi
}
check_mtu() { ip link show "pw$K" | grep " mtu $whole "; }
# In the namespace `far`.
check_back() {
	pings "10.0.$K.1" && pings "fd00:$K::1" && pings -b "10.0.$K.255" && pings "ff02::1%far$K"
}
check_back_cut() { pings -s $((whole - 27)) -M dont "10.0.$K.1" && pings -s 8000 "fd00:$K::1"; }
# Nobody knows anybody before.
check_arp() {
	ip neigh flush dev "far$K"
	ip -n site neigh flush dev "pw$K"
	check_back && ip neigh show dev "far$K" | grep "10.0.$K.1 .*lladdr" &&
		ip neigh show dev "far$K" | grep "fd00:$K::1 .*lladdr"
}
# Only without a cookie.
check_no_cookie() {
	if [ "$cookie" = 0 ]; then check_ping; else ! ping -q -c 2 -i 0.05 -W 0.5 "10.0.$K.2"; fi
}
check_mtu() { ip link show "pw$K" | grep " mtu $whole "; }
# In the namespace `far`.
check_back() {
	pings "10.0.$K.1" && pings "fd00:$K::1" && pings -b "10.0.$K.255" && pings "ff02::1%far$K" &&
		pings -s $((whole - 27)) -M dont "10.0.$K.1"
}
check_arp() {
	ip neigh flush dev "far$K"
	ip -n site neigh flush dev "pw$K"
	pings "10.0.$K.1" && pings "fd00:$K::1" || return
	ip neigh show dev "far$K" | grep "10.0.$K.1 .*lladdr" && ip neigh show dev "far$K" | grep "fd00:$K::1 .*lladdr"
}
# The same; and the kernel has taken nothing: the statistics of its device.
check_nothing_taken() {
	if [ "$cookie" = 0 ]; then
		ip netns exec site "$0" one ping "$K"
		return
	fi
	before=$(cat "/sys/class/net/far$K/statistics/rx_packets")
	ip netns exec site ping -q -c 2 -i 0.05 -W 0.5 "10.0.$K.2"
	after=$(cat "/sys/class/net/far$K/statistics/rx_packets")
	echo "taken: $before, then $after"
	[ "$before" = "$after" ]
}
# TCP: there by IPv4, back by IPv6.
one_way() { # FROM TO ADDRESS PORT
	# This nc ends when the other end says that it is done: the listener never says so first.
	[ -p /tmp/silence ] || mkfifo /tmp/silence
	ip netns exec "$2" nc -l -p "$4" <>/tmp/silence >/tmp/got &
	listener=$!
	wait_until 250 listening "$2" "$4"
	ip netns exec "$1" nc -w 20 "$3" "$4" </tmp/data >/dev/null || echo "nc fails"
	wait_until 500 ended $listener || kill $listener
	[ "$(md5sum </tmp/got)" = "$(md5sum </tmp/data)" ] || {
		echo "$(wc -c </tmp/got) of $(wc -c </tmp/data) octets from $1 to $3"
		return 1
	}
}
listening() { ip netns exec "$1" ss -Hltn "sport = :$2" | grep -q LISTEN; }
check_tcp() {
	[ -e /tmp/data ] || head -c 150000 /dev/urandom >/tmp/data
	one_way site far "10.0.$K.2" 5001 && one_way far site "fd00:$K::1" 5002
}

one() { # CHECK K
	combination "$2"
	"check_$1"
}
each() { # CHECK
	for K in $all; do
		combination "$K"
		if output=$("check_$1" 2>&1); then
			echo "ok $K $label"
		else
			echo "$output"
			echo "not ok $K $label"
		fi
	done
}

command=$(echo "$1" | tr - _)
shift
"$command" "$@"
