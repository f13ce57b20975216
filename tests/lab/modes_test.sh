#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# Without XDP it is slow, never broken: off, generic, and auto next to an interface that
# has no driver hook.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

traffic() { # LABEL
	local v4 v6
	v4=$(client_value joe ipv4 address)
	v6=$(client_value joe ipv6 address)
	check "$1: ping up, IPv4" sub ping -q -c 3 -i 0.2 -W 2 203.0.113.2
	check "$1: ping up, IPv6" sub ping -q -c 3 -i 0.2 -W 2 2001:db8:c::2
	check "$1: ping down, IPv4" core ping -q -c 3 -i 0.2 -W 2 "$v4"
	check "$1: ping down, IPv6" core ping -q -c 3 -i 0.2 -W 2 "$v6"
	check "$1: TCP up" transfer sub core 203.0.113.2 3000000
	check "$1: TCP down" transfer sub core 2001:db8:c::2 -3000000
	check "$1: a large packet without DF arrives" core ping -q -M dont -c 2 -i 0.2 -W 2 -s 3000 "$v4"
	has "$1: one that is too large with DF is answered" \
		"$(core ping -M "do" -c 2 -i 0.3 -W 1 -s 1433 "$v4" 2>&1)" 'mtu ?= ?1460'
}
counts() { session '[d[a][b + "_packets"] for a in ("rx", "tx") for b in ("hook", "slow")]'; }

lab_up || exit 1
for mode in off generic; do
	lab_config "s/mode: auto/mode: $mode/"
	check "mode $mode: l2xdpd starts" daemon_start || continue
	is "mode $mode: every interface says so" \
		"$(ctl show datapath | json '" ".join(i["mode"] for i in d["interfaces"])')" "$mode $mode"
	if check "mode $mode: a subscriber connects" client_start joe --default-route; then
		traffic "mode $mode"
		if [ $mode = off ]; then
			is "mode off: nothing at the hook, all in the slow path" \
				"$(counts | json '[d[0], d[1] > 100, d[2], d[3] > 100]')" "[0, true, 0, true]"
		else
			is "mode generic: packets at the hook" "$(counts | json '[d[0] > 100, d[2] > 100]')" "[true, true]"
		fi
		client_stop joe
	fi
	daemon_stop INT
	is "mode $mode: l2xdpd ends cleanly" $? 0
done

# An interface of a kind that has no driver hook: the daemon says which, and why, and all
# goes on without.
ip -n "$lab_lns" tuntap add dev tun9 mode tun && ip -n "$lab_lns" link set tun9 up
lab_config 's/access0, core0/access0, core0, tun9/'
if check "mode auto, one interface without a hook: l2xdpd starts" daemon_start; then
	is "it says which" \
		"$(ctl show datapath | json '{i["name"]: i["mode"] for i in d["interfaces"]}["tun9"]')" off
	check "and why" test -n "$(ctl show datapath | json '{i["name"]: i["why"] or "" for i in d["interfaces"]}["tun9"]')"
	check "a subscriber connects" client_start joe --default-route && traffic "mode auto"
	client_stop joe
	daemon_stop INT
fi
# What a refusal says is done: each command it prints is run as it stands.
refused() { # LABEL REGEX: l2xdpd does not start, and prints a command that begins so
	tap_try lns timeout 20 "$BUILD/l2xdpd" --config "$lab/l2xdpd.yaml"
	is "$1: refused" $? 1
	has "$1: and a command that mends it" "$tap_said" "(^ *|\()$2"
	remedy=$(grep -oE "(^ *|\()$2[^()]*" <<<"$tap_said" | head -n 1 | tr -d '(')
}
lab_config 's/access0, core0/access0, core0, tun9/; s/mode: auto/mode: native/'
lns sysctl -qw net.ipv4.ip_forward=0
refused "mode native, an interface without a hook, no forwarding" 'sysctl -w net\.ipv4\.ip_forward='
has "it says which interface, and why" "$tap_said" 'interface tun9: .*native XDP'
# shellcheck disable=SC2086 # words
check "the command can be typed" lns $remedy
is "and does it" "$(lns sysctl -n net.ipv4.ip_forward)" 1

lab_config 's/mode: auto/mode: native/'
ip -n "$lab_lns" link set dev core0 xdpdrv obj "$BUILD/tests/lab/pass.bpf.o" sec xdp
refused "mode native, a program alone on the hook" 'ip link set dev core0 '
# shellcheck disable=SC2086
check "the command can be typed" lns $remedy
check "and l2xdpd starts" daemon_start
daemon_stop INT
is "and ends cleanly" $? 0
tap_done
