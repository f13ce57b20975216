#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# In the guest: the lab of tests/lab in small, with what only Debian's kernel has here:
# VLAN devices, and a hook that several programs share.
#   guest_lab.sh up
#   guest_lab.sh daemon-start | daemon-stop
#   guest_lab.sh daemon-restart SIGNAL     TERM, or KILL; what it carries is kept
#   guest_lab.sh client-start NAME SERVER | client-stop NAME
#   guest_lab.sh ctl COMMAND...
export LD_LIBRARY_PATH=/lab/lib

link() { # DEVICE FAR-NAMESPACE FAR-DEVICE
	ip link add "$1" type veth peer name "$3" netns "$2"
	# Whole frames, tags included, where a program meets them.
	ethtool -K "$1" tx off gso off tso off txvlan off tx-vlan-stag-hw-insert off
	ip netns exec "$2" ethtool -K "$3" tx off gso off tso off txvlan off tx-vlan-stag-hw-insert off
	ip link set "$1" up
	ip -n "$2" link set "$3" up
	ip -n "$2" link set dev "$3" xdpdrv obj /lab/pass.bpf.o sec xdp
}

vlans() { # IP-COMMAND DEVICE HOST-PART
	$1 link add link "$2" name vlan10 type vlan id 10
	$1 link add link "$2" name vlan20 type vlan proto 802.1ad id 20
	$1 link set vlan20 up
	$1 link add link vlan20 name vlan20.30 type vlan id 30
	$1 addr add "198.18.10.$3/24" dev vlan10
	$1 addr add "198.18.30.$3/24" dev vlan20.30
	$1 link set vlan10 up
	$1 link set vlan20.30 up
}

up() {
	modprobe -a veth 8021q tun
	ip netns add sub
	ip netns add core
	sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
	link access0 sub lac0
	link core0 core host0
	ip addr add 192.0.2.1/24 dev access0
	ip -n sub addr add 192.0.2.10/24 dev lac0
	vlans ip access0 1
	vlans 'ip -n sub' lac0 10
	ip addr add 203.0.113.1/24 dev core0
	ip addr add 2001:db8:c::1/64 dev core0 nodad
	ip -n core addr add 203.0.113.2/24 dev host0
	ip -n core addr add 2001:db8:c::2/64 dev host0 nodad
	ip -n core route add default via 203.0.113.1
	ip -n core route add default via 2001:db8:c::1
	for user in plain one two; do echo "$user * wonder *"; done >/lab/secrets
	cat >/lab/l2xdpd.yaml <<-E
		hostname: lns1.example.net
		listen: [192.0.2.1, 198.18.10.1, 198.18.30.1]
		datapath:
		  interfaces: [access0, core0]
		peers:
		  - name: anyone
		    address: 0.0.0.0/0
		    profile: home
		profiles:
		  - name: home
		    authentication: [chap]
		    local-address: 10.0.0.1
		    pool: subscribers
		pools:
		  - name: subscribers
		    ipv4: [10.0.0.0/16]
		    ipv6: "2001:db8:1000::/48"
		users: /lab/secrets
		control-socket: /run/l2xdpd.sock
		state-directory: /tmp/l2xdp-state
		runtime-directory: /tmp/l2xdp-run
	E
	chmod 600 /lab/secrets /lab/l2xdpd.yaml
}

ctl() { /lab/l2xdpctl --socket /run/l2xdpd.sock "$@"; }

wait_until() { # TENTHS COMMAND...
	i=$1
	shift
	until "$@" >/dev/null 2>&1; do
		i=$((i - 1))
		[ $i -gt 0 ] || return 1
		usleep 100000
	done
}

is_up() { [ "$(grep -c '"event":"up"' "/tmp/$1.events")" -ge 2 ]; }
ended() { ! kill -0 "$1" 2>/dev/null; }

daemon_start() {
	/lab/l2xdpd --config /lab/l2xdpd.yaml </dev/null >/tmp/l2xdpd.log 2>&1 &
	echo $! >/tmp/l2xdpd.pid
	wait_until 200 ctl show datapath || {
		cat /tmp/l2xdpd.log
		exit 1
	}
}

case $1 in
up) up ;;
daemon-start) daemon_start ;;
daemon-restart)
	kill -"$2" "$(cat /tmp/l2xdpd.pid)"
	wait_until 100 ended "$(cat /tmp/l2xdpd.pid)"
	daemon_start
	;;
daemon-stop)
	kill -INT "$(cat /tmp/l2xdpd.pid)"
	wait_until 100 ended "$(cat /tmp/l2xdpd.pid)"
	;;
client-start)
	: >"/tmp/$2.events"
	ip netns exec sub /lab/l2xdp-client --server "$3" --user "$2" --password wonder --tun "$2" \
		--route 203.0.113.0/24 --route 2001:db8:c::/64 --events "/tmp/$2.events" \
		</dev/null >"/tmp/$2.log" 2>&1 &
	echo $! >"/tmp/$2.pid"
	wait_until 300 is_up "$2" || {
		cat "/tmp/$2.log" "/tmp/$2.events" /tmp/l2xdpd.log
		exit 1
	}
	;;
client-stop)
	kill "$(cat "/tmp/$2.pid")"
	wait_until 100 ended "$(cat "/tmp/$2.pid")"
	;;
ctl)
	shift
	ctl "$@"
	;;
esac
