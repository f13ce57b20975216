#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# A peer on this host whose datagrams the kernel does not part (UDP_SEGMENT over a veth): all of them
# are carried, whatever the mode, and none is taken for the padding of another.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

MANY=20

# Datagrams to a port that nobody has, at the core host.
# shellcheck disable=SC2016 # awk's
arrived() { core awk '/^Udp: [0-9]/ { print $3 }' /proc/net/snmp; }
verdict() { ctl show verdicts | json "sum(v['frames'] for v in d if v['verdict'] == '$1')"; }

since() { echo $(($(arrived) - before)); }

lab_up || exit 1
for mode in native generic tc off; do
	lab_config "s/mode: auto/mode: $mode/"
	check "mode $mode: l2xdpd starts" daemon_start || continue
	check "a subscriber connects" client_start joe --no-ipv6 || continue
	whose=(192.0.2.10 "$(session 'd["port"]')" 192.0.2.1 "$(session 'd["tunnel"]')" "$(session 'd["session"]')"
		"$(session 'd["ipv4"]')" 203.0.113.2 "$MANY")
	kill -KILL "${client_pid[joe]}" # its port is wanted
	lab_reap "${client_pid[joe]}" 10
	sub ethtool -K lac0 tx on gso on tx-udp-segmentation on >/dev/null 2>&1
	for length in without with; do
		before=$(arrived) joined=$(verdict not-linear)
		check "$MANY messages in one piece, $length Length" sub tests/lab/joined.py "${whose[@]}" $length
		becomes "all arrive" "$MANY" since
		[ $mode != generic ] ||
			is "and none was judged as it came" "$(($(verdict not-linear) - joined))" 1
	done
	sub ethtool -K lac0 tx off gso off >/dev/null 2>&1
	daemon_stop INT
	is "mode $mode: l2xdpd ends cleanly" $? 0
	ip -n "$lab_sub" link del joe 2>/dev/null
done
tap_done
