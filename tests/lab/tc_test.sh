#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# The programs for tc: what this host itself says to a subscriber, and hears, crosses without the
# daemon, while daemons come and go and are killed; filters that somebody takes away, an l2tp0 that
# is another; `mode: tc` in the place of XDP; and what is left when all is removed.
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

edit() { sed -i "$1" "$lab/l2xdpd.yaml"; }
filters() { # DEVICE WAY: names of the programs there
	lns tc filter show dev "$1" "$2" 2>/dev/null |
		sed -n 's/.*handle 0x[0-9a-f]* \(l2xdp_[a-z]*\).*/\1/p' | tr '\n' ' '
}
filter_id() { lns tc filter show dev "$1" "$2" | sed -n 's/.* id \([0-9]*\).*/\1/p' | head -n 1; }
qdiscs() { lns tc qdisc show dev "$1" | grep -c clsact; }
all_filters() { echo "$(filters l2tp0 egress)$(filters access0 ingress)$(filters core0 ingress)"; }
warnings() { grep -c "$1" "$lab/l2xdpd.log"; }
bad_sums() { sub nstat -asz UdpInCsumErrors Udp6InCsumErrors TcpInCsumErrors | awk '{ n += $2 } END { print n + 0 }'; }
bad_sums_here() { lns nstat -asz TcpInCsumErrors UdpInCsumErrors | awk '{ n += $2 } END { print n + 0 }'; }

received() { lns nstat -asz IpInReceives | awk '$1 == "IpInReceives" { print $2 }'; }
packets_up() { session 'd["rx"]["hook_packets"]'; }

# crosses LABEL FROM TO ADDRESS OCTETS: as it was sent, and without the daemon
crosses() {
	local label=$1 before after
	shift
	before=$(crossed)
	check "$label: all arrives as it was sent" transfer "$@"
	after=$(crossed)
	check "$label: at least 99 % of the packets at the hooks" share_is_fast "$before" "$after" 10000
	diag "$tap_said"
}
# Both ways at once, 200 a second, for as long as COMMAND takes and two seconds.
without_loss() { # LABEL COMMAND...
	local label=$1 status up down name
	shift
	lab_spawn "$lab_sub" "$lab/ping.up" ping -n -i 0.005 10.0.0.1
	up=${lab_pids[-1]}
	lab_spawn "$lab_lns" "$lab/ping.down" ping -n -i 0.005 "$v4"
	down=${lab_pids[-1]}
	sleep 1
	check "$label" "$@"
	sleep 1
	kill -INT "$up" "$down"
	lab_reap "$up" 30
	lab_reap "$down" 30
	for name in up down; do
		status=$(grep 'packets transmitted' "$lab/ping.$name")
		has "$label: no ping $name is lost" "$status" ', 0% packet loss'
		diag "$status"
	done
}

lab_up || exit 1
lab_config
check "l2xdpd starts" daemon_start || exit 1
is "its programs stand at the hooks of tc" "$(all_filters)" "l2xdp_out l2xdp_in l2xdp_in "
check "a subscriber connects" client_start joe --default-route || exit 1
v4=$(client_value joe ipv4 address)
v6=$(client_value joe ipv6 address)
check "ping of the LNS, IPv4" sub ping -q -c 3 -i 0.2 -W 2 10.0.0.1
check "ping of the LNS, IPv6" sub ping -q -c 3 -i 0.2 -W 2 2001:db8:c::1
check "ping from the LNS, IPv4" lns ping -q -c 3 -i 0.2 -W 2 "$v4"
check "ping from the LNS, IPv6" lns ping -q -c 3 -i 0.2 -W 2 "$v6"

# Exactly: what crosses is counted as the session's, and none goes by the daemon.
counts='[d[a][b] for a in ("rx", "tx") for b in ("hook_packets", "slow_packets")]'
before=$(session "$counts")
sub ping -q -c 50 -i 0.01 -W 2 10.0.0.1 >/dev/null
becomes "50 echoes: 50 packets each way at the hooks, none in the slow path" "[50, 0, 50, 0]" \
	session "[b - a for a, b in zip($before, $counts)]"
is "with verdicts of their own" \
	"$(ctl show verdicts | json '[v["frames"] >= 50 for v in d if v["verdict"] in ("to-host", "host-in", "host-out")]')" \
	"[true, true, true]"

sums=$(bad_sums) sums_here=$(bad_sums_here)
bunches() { # TIMES NANOSECONDS: how often, and how long, access0 waits for more frames
	lns sh -c "cd /sys/class/net/access0 && echo $1 >napi_defer_hard_irqs && echo $2 >gro_flush_timeout"
}
lns ethtool -K access0 gro on # as a NIC has it
bunches 5 2000000
buffers=$(received) packets=$(packets_up)
crosses "TCP to the LNS, IPv4" sub lns 10.0.0.1 20000000
buffers=$(($(received) - buffers)) packets=$(($(packets_up) - packets))
check "segments are joined on their way in: $packets packets, $buffers buffers" \
	[ $((buffers * 2)) -lt "$packets" ]
bunches 0 0
# Of each stream so many packets go to l2tp0 while its window grows (8 to 330 were counted).
crosses "TCP from the LNS, IPv4" sub lns 10.0.0.1 -100000000
crosses "TCP to the LNS, IPv6" sub lns 2001:db8:c::1 20000000
crosses "TCP from the LNS, IPv6" sub lns 2001:db8:c::1 -100000000
is "large segments: fewer buffers than packets" \
	"$(($(verdict host-out) * 2 < $(session 'd["tx"]["hook_packets"]')))" 1
is "not one checksum is wrong at the subscriber, the outer ones among them" "$(bad_sums)" "$sums"
is "nor here" "$(bad_sums_here)" "$sums_here"

# What is the daemon's stays the daemon's.
before=$(session 'd["rx"]["slow_packets"]')
check "a TTL of 1 goes by the daemon" sub ping -q -c 5 -i 0.2 -W 2 -t 1 10.0.0.1
becomes "and is counted there" 5 session "d['rx']['slow_packets'] - $before"
check_not "a forged source reaches nobody" sub ping -q -c 3 -i 0.2 -W 1 -I 192.0.2.10 203.0.113.1

id=$(filter_id l2tp0 egress)
without_loss "restart" daemon_restart
check_not "there is another program in the filter" [ "$(filter_id l2tp0 egress)" = "$id" ]
is "and no second filter" "$(all_filters)" "l2xdp_out l2xdp_in l2xdp_in "
all_killed() { kill_all && sleep 1 && daemon_start; }
without_loss "kill -9 of all, and a second without" all_killed
reloaded() {
	local before
	before=$(daemon_worker_pid)
	kill -HUP "$daemon_pid" && wait_for 20 another_worker "$before" && daemon_ready
}
without_loss "reload" reloaded

# Somebody takes one away: the slow path, and one warning.
lns tc qdisc del dev access0 clsact
check "a qdisc that is taken away is noticed" wait_for 15 grep -q 'access0: our program at its hook of tc was taken' "$lab/l2xdpd.log"
before=$(session 'd["rx"]["slow_packets"]')
check "ping by the slow path" sub ping -q -c 5 -i 0.2 -W 2 10.0.0.1
becomes "it is counted there" 5 session "d['rx']['slow_packets'] - $before"
check "ping from the LNS" lns ping -q -c 3 -i 0.2 -W 2 "$v4"
sleep 6
is "one warning" "$(warnings 'was taken away')" 1
check "reload" reloaded
is "puts it back" "$(all_filters)" "l2xdp_out l2xdp_in l2xdp_in "
before=$(session 'd["rx"]["slow_packets"]')
check "ping by tc again" sub ping -q -c 5 -i 0.2 -W 2 10.0.0.1
is "not by the daemon" "$(session "d['rx']['slow_packets'] - $before")" 0

# Another l2tp0, as after an `ip link delete` by mistake.
daemon_stop
ip -n "$lab_lns" link del l2tp0
check "l2tp0 was deleted: l2xdpd starts" daemon_start
is "its program is at the new one" "$(filters l2tp0 egress)" "l2xdp_out "
check "ping of the LNS" sub ping -q -c 3 -i 0.2 -W 2 10.0.0.1
check "ping from the LNS" lns ping -q -c 3 -i 0.2 -W 2 "$v4"

# In the place of XDP.
switch() { daemon_stop && edit "s/mode: .*/mode: $1/" && daemon_start; }
modes() { ctl show datapath | json '" ".join(i["mode"] for i in d["interfaces"])'; }
without_loss "from native to tc, sessions and all" switch tc
is "mode: tc" "$(modes)" "tc tc"
is "the whole program is at ingress" "$(all_filters)" "l2xdp_out l2xdp_tc l2xdp_tc "
is "and no XDP" "$(lns ip -d link | grep -c prog/xdp)" 0
check "tc: ping up, IPv4" sub ping -q -c 3 -i 0.2 -W 2 203.0.113.2
check "tc: ping up, IPv6" sub ping -q -c 3 -i 0.2 -W 2 2001:db8:c::2
check "tc: ping down, IPv4" core ping -q -c 3 -i 0.2 -W 2 "$v4"
check "tc: ping down, IPv6" core ping -q -c 3 -i 0.2 -W 2 "$v6"
crosses "tc: TCP up, IPv4" sub core 203.0.113.2 20000000
crosses "tc: TCP down, IPv4" sub core 203.0.113.2 -20000000
crosses "tc: TCP up, IPv6" sub core 2001:db8:c::2 20000000
crosses "tc: TCP down, IPv6" sub core 2001:db8:c::2 -20000000
crosses "tc: TCP to the LNS" sub lns 10.0.0.1 20000000
crosses "tc: TCP from the LNS" sub lns 10.0.0.1 -100000000
has "tc: a packet that is too large is answered" \
	"$(core ping -M "do" -c 2 -i 0.3 -W 1 -s 1433 "$v4" 2>&1)" 'mtu ?= ?1460'
is "tc: not one checksum is wrong at the subscriber" "$(bad_sums)" "$sums"
check "tc: sessions with numbered traffic" subscribers_start
traffic_go_on four six
check "tc: restart under it" daemon_restart
sleep 1
traffic_quiet four six
check "tc: not one packet is lost, either way" traffic_lossless four six
diag "$tap_said"
traffic_go_on four six
check "tc: kill -9 of all" all_killed
sleep 1
traffic_quiet four six
check "tc: not one packet is lost, either way" traffic_lossless four six
diag "$tap_said"
load_end four
load_end six
without_loss "and back to native" switch native
is "mode: native" "$(modes)" "native native"
is "behind XDP what is for this host" "$(all_filters)" "l2xdp_out l2xdp_in l2xdp_in "

daemon_stop
# What is removed: ours, and what we have made if nobody else uses it.
lns tc filter add dev core0 ingress prio 7 u32 match u32 0 0 classid 1:1
edit "s/mode: .*/mode: off/"
check "mode off: l2xdpd starts" daemon_start
is "mode off takes the filters away" "$(all_filters)" ""
is "and the qdisc that nobody uses" "$(qdiscs access0)" 0
is "but not another's" "$(qdiscs core0)" 1
check "ping of the LNS by the slow path" sub ping -q -c 3 -i 0.2 -W 2 10.0.0.1
check "ping from the LNS by the slow path" lns ping -q -c 3 -i 0.2 -W 2 "$v4"
edit "s/mode: .*/mode: tc/"
check "mode tc again" daemon_restart
is "with its filters" "$(all_filters)" "l2xdp_out l2xdp_tc l2xdp_tc "
check "packets cross" sub ping -q -c 3 -i 0.2 -W 2 203.0.113.2
check "shutdown" ctl_text shutdown
lab_reap "$daemon_pid" 100
daemon_pid=
client_stop joe
is "nothing of ours is left" "$(filters access0 ingress)$(filters core0 ingress)" ""
is "no qdisc of ours" "$(qdiscs access0)" 0
has "the other filter stays" "$(lns tc filter show dev core0 ingress)" 'pref 7 u32'
lns tc qdisc del dev core0 clsact
check "and --remove finds nothing to do" lns "$BUILD/l2xdpd" --remove --config "$lab/l2xdpd.yaml"
check "l2xdpd starts with mode tc" daemon_start
daemon_kill
check "--remove after a kill -9" lns "$BUILD/l2xdpd" --remove --config "$lab/l2xdpd.yaml"
is "takes filters and qdiscs away" "$(filters access0 ingress)$(qdiscs access0)$(qdiscs core0)" "00"
check_not "and l2tp0" lns ip link show dev l2tp0
edit "s|bpf-directory: .*|bpf-directory: none|"
check "mode tc without a bpf-directory is refused" daemon_refuses
has "and it says why" "$(cat "$lab/l2xdpd.log")" 'mode tc needs a bpf-directory'
tap_done
