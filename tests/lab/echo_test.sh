#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# LCP echoes of subscribers (PPP-ECHO-1, PPP-ECHO-2): answered at the hook while LCP is open,
# whether the daemon runs or not; who asks is not asked. Without XDP the daemon does it.
# MODE=generic: only that of the modes native, generic, tc.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

STOPPED=8 # s; a client that asks each second hangs up after 5 without an answer

slow() { ctl show datapath | json "d['slow']['$1']"; }
echoes_reach() { [ "$(verdict echo)" -ge "$1" ]; }
packets() { session 'sum(d[a][b] for a in ("rx", "tx") for b in ("hook_packets", "slow_packets"))'; }
is_open() { [ "$(session 'd["state"]' "$1")" = open ]; }
is_not_open() { [ "$(session 'd["state"]' "$1")" = establish ]; }
begin() { # MODE
	lab_config "s/mru: 1460/&\\n    echo-interval: 2/; s/mode: auto/mode: $1/"
	daemon_start && client_start joe --route 203.0.113.0/24 --no-ipv6 --echo 1 || exit 1
	id=$(session_id)
	at_once=$(packets)
}
hold() { kill -"$1" "$daemon_pid" "$worker"; }
frame() { # HEX
	sub tests/lab/ppp_frame.py 192.0.2.10 "$port" 192.0.2.1 "$tunnel" "$session" "$1"
}
finish() {
	client_stop joe
	check "$1: the session ends when it is told to" wait_for 20 sessions_are 0
	daemon_stop INT
	is "$1: l2xdpd ends cleanly" $? 0
}

lab_up || exit 1

hook() { # MODE
	local before sent received tunnel session port
	begin "$1"
	check "$1: echoes are answered at the hook" wait_for 15 echoes_reach 3
	sent=$(slow tx_ppp) received=$(slow rx_ppp)
	sleep 6
	check "$1: all of them" echoes_reach 8
	is "$1: none came to the daemon" "$(slow rx_ppp)" "$received"
	is "$1: who asks is not asked" "$(slow tx_ppp)" "$sent"
	is "$1: an echo is no packet of the session" "$(packets)" "$at_once"
	has "$1: l2xdpctl shows how many" "$(ctl_text show verdicts)" '(^|[[:space:]])echo[[:space:]]'

	before=$(verdict echo) worker=$(daemon_worker_pid)
	hold STOP
	sleep "$STOPPED"
	hold CONT
	check "$1: the daemon stood still for $STOPPED s: echoes went on" \
		echoes_reach $((before + STOPPED - 2))
	check "$1: ... and the subscriber is there" \
		sub ping -q -c 2 -i 0.2 -W 2 203.0.113.2
	is "$1: ... in the same session" "$(session_id)" "$id"

	before=$(verdict echo)
	daemon_restart || exit 1
	check "$1: after a restart it is as the maps had it" \
		grep -q 'adopted 1 sessions.* 1 as the maps had them, 0 put' "$lab/l2xdpd.log"
	check "$1: ... and answered" wait_for 15 echoes_reach $((before + 3))
	is "$1: ... in the same session" "$(session_id)" "$id"

	# The subscriber begins anew, and says nothing more: until LCP is open again its echoes are
	# for the daemon, which does not answer them.
	tunnel=$(session 'd["tunnel"]') session=$(session 'd["session"]') port=$(session 'd["port"]')
	kill -STOP "${client_pid[joe]}"
	sleep 0.3
	frame c02101010004
	check "$1: a Configure-Request takes LCP down" wait_for 5 is_not_open "$id"
	before=$(verdict echo) received=$(slow rx_ppp)
	for _ in 1 2 3; do frame c0210907000800000000; done
	came() { [ "$(slow rx_ppp)" -ge $((received + 3)) ]; }
	check "$1: echoes go to the daemon while LCP is not open" wait_for 5 came
	is "$1: ... and none is answered at the hook" "$(verdict echo)" "$before"
	kill -CONT "${client_pid[joe]}"
	check "$1: LCP opens again" wait_for 20 is_open "$id"
	before=$(verdict echo)
	check "$1: ... and echoes are answered again" wait_for 15 echoes_reach $((before + 3))
	finish "$1"
}
for mode in ${MODE:-native generic tc}; do hook "$mode"; done

begin off
sleep 8
check "off: the session lives by the daemon's answers" \
	sub ping -q -c 2 -i 0.2 -W 2 203.0.113.2
check "off: the daemon has got echoes" [ "$(slow rx_ppp)" -ge 8 ]
is "off: and the hook none" "$(verdict echo)" 0
check_not "off: the line was never lost" grep -q '"event":"down"' "$lab/joe.events"
finish off
tap_done
