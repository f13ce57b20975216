#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# A NAT that gives a client another port in mid-session (Q-18, V2-PORT-7): data from there
# is refused; the control connection follows with `port-float` to the client's next
# message, and without stays where it is (V2-PORT-3).
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

declare -A nat=()
through_nat() { # NAME USER LISTEN OUTSIDE PORT
	lab_spawn "$lab_sub" "$lab/$1.nat" tests/lab/nat.py "$3" "$4" "$5" 192.0.2.1
	nat[$1]=${lab_pids[-1]}
	wait_for 20 grep -q listening "$lab/$1.nat" || return
	client_start "$1" --server "$3" --user "$2" --password wonder --mru 1400 --no-ipv6 --echo 0
}
l2tp() { ctl show datapath | json "d['l2tp']['$1']"; }
port_is() { [ "$(session 'd["port"]' "$(session_id "$1")")" = "$2" ]; }
# by the device, for two clients live in one namespace
reaches() { sub ping -q -c 3 -i 0.2 -W 2 -I "$1" 203.0.113.2; }
refused() { [ "$(l2tp wrong_path)" -gt "$wrong" ]; }
moved_once() { [ "$(l2tp moved)" = 1 ]; }

lab_up || exit 1
ip -n "$lab_sub" addr add 192.0.2.11/24 dev lac0
lab_config 's/mru: 1460/&\
    echo-interval: 0/
/^peers:/a\
\  - name: floating\
\    address: 192.0.2.10\
\    secret: s3cret\
\    profile: home\
\    port-float: true'
daemon_start || exit 1
check "a client behind a NAT" through_nat moving user1 127.0.0.1 192.0.2.10 40001 || exit 1
check "another, whose peer may not move" through_nat fixed user2 127.0.0.2 192.0.2.11 40001 || exit 1
check "the first is at its port" port_is user1 40001
check "the other too" port_is user2 40001
check "the first carries traffic" reaches moving
check "the other carries traffic" reaches fixed
fixed=$(session_id user2)

mismatch=$(verdict peer-mismatch)
kill -USR1 "${nat[moving]}" "${nat[fixed]}"
check_not "data from another port is not the session's" reaches moving
check "it is counted as such" test "$(verdict peer-mismatch)" -gt "$mismatch"
is "no control connection has moved for that" "$(l2tp moved)" 0

# Both hang up from their new ports.
wrong=$(l2tp wrong_path)
client_stop moving
check "the control connection of the first moves with its next message" wait_for 10 moved_once
check "which is obeyed" wait_for 10 sessions_are 1
is "the session of the other is the one left" "$(session_id user2)" "$fixed"
client_stop fixed
check "what the other says is refused" wait_for 10 refused
is "its session stays" "$(session_id user2)" "$fixed"
check "where it was" port_is user2 40001
is "one control connection has moved" "$(l2tp moved)" 1
daemon_stop INT
is "l2xdpd ends cleanly" $? 0
tap_done
