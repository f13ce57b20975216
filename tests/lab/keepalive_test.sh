#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# A peer that does not answer Hello (Q-3): its subscriber is kept as long as it shows
# life by LCP echoes. The LNS's control messages are lost on the way, data is not.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

l2tp() { ctl show datapath | json "d['l2tp']['$1']"; }
program() { # of the LAC's end
	ip -force -n "$lab_sub" link set dev lac0 xdpdrv obj "$BUILD/tests/lab/$1.bpf.o" sec xdp
}
# begin ECHO-INTERVAL HELLO
begin() {
	lab_config "s/mru: 1460/&\\n    echo-interval: $1/; s/profile: home/&\\n    hello: $2/
		/^peers:/i\\
limits:\\
  retransmits: 2"
	daemon_start && client_start joe --route 203.0.113.0/24 --no-ipv6 --echo 0 || exit 1
	id=$(session_id)
	sleep 2 # what is to be acknowledged has been; no data has come, which would show life too
	program drop_control || exit 1
	received=$(l2tp received) retransmitted=$(l2tp retransmitted)
}
alive() { [ "$(session_id)" = "$id" ] && sub ping -q -c 2 -i 0.2 -W 2 203.0.113.2; }
finish() {
	program pass
	client_stop joe
	check "$1: the session ends when it is told to" wait_for 20 sessions_are 0
	daemon_stop INT
	is "$1: l2xdpd ends cleanly" $? 0
}

lab_up || exit 1

# V2-HELLO-1: echoes come more often than Hello would go.
begin 1 2
sleep 15
is "echoes each second: no control message came" "$(l2tp received)" "$received"
is "echoes each second: no Hello was needed" "$(l2tp retransmitted)" "$retransmitted"
check "echoes each second: the session lives" alive
finish "echoes each second"

# Hello goes out between two echoes, and nobody answers.
begin 4 1
given_up() { [ $(($(l2tp retransmitted) - retransmitted)) -ge 4 ]; }
check "Hello without an answer: it is given up, twice" wait_for 45 given_up
is "Hello without an answer: no control message came" "$(l2tp received)" "$received"
check "Hello without an answer: the session lives" alive
check_not "Hello without an answer: nothing was closed" grep -q 'no answer to' "$lab/l2xdpd.log"
finish "Hello without an answer"
tap_done
