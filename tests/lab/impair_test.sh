#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# A bad line: 5 % of the control messages and of PPP's frames are lost, 5 % arrive twice,
# 5 % out of order, all 200 ms late, each way. 1000 sessions come up through it, live on it
# with Hellos and LCP echoes, and go down in order. Their packets are not impaired, and
# are counted.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh
# shellcheck source=tests/lab/impair.sh
. tests/lab/impair.sh
# shellcheck source=tests/lab/traffic.sh
. tests/lab/traffic.sh

SEED=${SEED:-1} TUNNELS=${TUNNELS:-40} SESSIONS=${SESSIONS:-25} HOLD=${HOLD:-30}
n=$((TUNNELS * SESSIONS))
bad=(--loss 5 --duplicate 5 --reorder 5 --delay 200 --ppp --seed "$SEED")
l2tp() { ctl show datapath | json "d['l2tp']['$1']"; }

lab_up || exit 1
# Echoes and Hellos are frequent, so that many get lost; eight in a row are one in a hundred
# million. The peers of IPv6 have Hellos alone: echoes would make them superfluous (V2-HELLO-1).
lab_config 's/mru: 1460/&\
    echo-interval: 3\
    echo-failures: 8/; /carrier6/,/profile/s/home/quiet\
    hello: 1/
/^pools:/i\
  - name: quiet\
    authentication: [chap]\
    local-address: 10.0.0.1\
    pool: subscribers\
    echo-interval: 0'
daemon_start || exit 1
wire_set "${bad[@]}" || exit 1
host_start 0
load_start load --tunnels "$TUNNELS" --sessions "$SESSIONS" --user user%d --timeout 150 \
	--window 1000 --tunnel-window 100 --hold 300
begun=$SECONDS
load_start quiet --server 2001:db8::1 --tunnels 20 --user user1%d --timeout 150 --hold 300
check "1000 sessions come up" load_ready load 170
check "and 20 over IPv6" load_ready quiet 170
is "all of them" "$(sessions)" $((n + 20))
is "in as many tunnels as were dialled" "$(ctl show tunnels | json 'len(d)')" $((TUNNELS + 20))
diag "up in $((SECONDS - begun)) s"
retransmitted=$(l2tp retransmitted)
sleep "$HOLD"
is "after $HOLD s with Hellos and echoes all are there" "$(sessions)" $((n + 20))
diag "in that time $(($(l2tp retransmitted) - retransmitted)) messages went out again"
check "there was something to mend" test "$(l2tp retransmitted)" -gt "$retransmitted"
check_not "nobody was given up" grep -qE 'no answer|unanswered|given up' "$lab/l2xdpd.log"
load_quiet load && load_quiet quiet
check "both sides know the same sessions" views_agree load quiet
load_end quiet
is "the load generator is content, IPv6" $? 0 || diag "$(cat "$lab/quiet.json" "$lab/quiet.log")"
load_end load
is "the load generator is content" $? 0 || diag "$(cat "$lab/load.json" "$lab/load.log")"
is "none failed" "$(json '[d["up"], d["failed"], d["clean"]]' <"$lab/load.json")" "[$n, 0, true]"
diag "$(cat "$lab/load.json")"
check "all are gone" wait_for 60 sessions_are 0
check "the tunnels too" wait_for 60 tunnels_are 0
nothing_left
report=$(wire_report)
for side in left right; do
	for kind in control ppp; do
		seen=$(json "d['from_$side']['$kind']['seen']" <<<"$report")
		is "the line was bad: $kind from the $side" "$(json "(lambda k: all(
			0.03 < k[x] / k['seen'] < 0.07 for x in ('lost', 'duplicated', 'reordered')))(
			d['from_$side']['$kind'])" <<<"$report")" true || diag "$report"
		diag "$kind from the $side: $seen frames"
	done
done
daemon_stop
is "l2xdpd ends cleanly" $? 0
tap_done
