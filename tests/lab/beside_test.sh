#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Version 2 and version 3 on one address and one port: a subscriber and two pseudowires of one peer, one of
# them over IP; what is sent by somebody else, or with another cookie, reaches nobody and costs
# the subscriber nothing.
# shellcheck disable=SC2119
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

lab_up || exit 1
lab_config
cat >>"$lab/l2xdpd.yaml" <<-E
	pseudowires:
	  - name: by-udp
	    peer: 192.0.2.10
	    encapsulation: udp
	    ports: { remote: 5555 }
	    signalled: false
	    session: { local: 7, remote: 8 }
	    cookie: { local: ["1111111111111111", "2222222222222222"], remote: "3333333333333333" }
	    sublayer: none
	    attach: { create: pw0, netns: $lab_core, mtu: 3000 }
	  - name: by-ip
	    peer: 192.0.2.10
	    encapsulation: ip
	    signalled: false
	    session: { local: 7, remote: 9 }
	    cookie: { local: "44444444", remote: "55555555" }
	    sublayer: default
	    attach: { create: pw1, netns: $lab_core, mtu: 3000 }
E
check "l2xdpd starts" daemon_start || exit 1
check "a subscriber connects" client_start joe --default-route || exit 1

# taken DEVICE COUNT COMMAND...: how many frames of the marker arrive there while it runs
taken() {
	local device=$1 count=$2 taker
	shift 2
	: >"$lab/taken"
	core tests/lab/frames.py take "$device" 2 "$count" >"$lab/taken" &
	taker=$!
	lab_pids+=("$taker")
	wait_for 5 grep -q ready "$lab/taken"
	"$@"
	wait "$taker"
	grep -vc ready "$lab/taken"
}
say() { sub tests/lab/message3.py "$@"; } # udp|ip SOURCE-PORT ID COOKIE SUBLAYER COUNT
sub ping -q -i 0.02 -c 600 -W 2 203.0.113.2 >"$lab/ping" 2>&1 &
pinger=$!
lab_pids+=("$pinger")
is "three frames over UDP" "$(taken pw0 3 say udp 5555 7 1111111111111111 none 3)" 3
is "three with the other cookie" "$(taken pw0 3 say udp 5555 7 2222222222222222 none 3)" 3
is "three over IP, of the same ID" "$(taken pw1 3 say ip 0 7 44444444 0 3)" 3
is "none with a wrong cookie" "$(taken pw0 1 say udp 5555 7 3333333333333333 none 3)" 0
is "none of another port" "$(taken pw0 1 say udp 5556 7 1111111111111111 none 3)" 0
is "none of an ID that there is not" "$(taken pw0 1 say udp 5555 1031 1111111111111111 none 3)" 0
is "none with VCCV in the sublayer" "$(taken pw1 1 say ip 0 7 44444444 80000000 3)" 0
is "none in pieces with a wrong cookie" "$(taken pw0 1 say udp 5555 7 3333333333333333 none 3 3000)" 0
is "in pieces, with the right one" "$(taken pw0 3 say udp 5555 7 1111111111111111 none 3 3000)" 3
is "in pieces, over IP" "$(taken pw1 3 say ip 0 7 44444444 0 3 3000)" 3
becomes "each is counted: cookie" 3 verdict pw-cookie
is "path or ID" "$(($(verdict pw-unknown) + $(verdict peer-mismatch)))" 6
is "sublayer" "$(verdict pw-sublayer)" 3
wait "$pinger"
has "the subscriber has lost nothing" "$(cat "$lab/ping")" '600 received, 0% packet loss'
check "control of version 3 ends nothing" say udp 5555 0 c803000c00000000 none 10
check "ping after it" sub ping -c 2 -i 0.05 -W 2 203.0.113.2

# Octets of every kind to both doors: the daemon lives, and the subscriber does.
check "hostile octets of version 3" sub tests/lab/message3.py hostile 192.0.2.1 3000
check "the daemon answers" ctl show datapath
check "ping after them" sub ping -c 2 -i 0.05 -W 2 203.0.113.2
is "frames still arrive" "$(taken pw0 3 say udp 5555 7 1111111111111111 none 3)" 3
check "the subscriber ends" client_stop joe
check "the end" daemon_stop INT
is "nothing is left" "$(core ip -br link | grep -c pw)" 0
tap_done
