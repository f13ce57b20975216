#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# A static address: the user's newest session has it, and no other user gets it.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

fixed=(--user fixed --password wonder --route 203.0.113.0/24 --no-ipv6)
went_down() { grep -q '"event":"down"' "$lab/$1.events"; }
ended() { ! kill -0 "${client_pid[$1]}" 2>/dev/null; }
holders() { ctl show sessions | json '[s["user"] for s in d if s["ipv4"] == "10.0.7.7"]'; }

lab_up || exit 1
printf '%s\n' 'thief * wonder 10.0.7.7' 'greedy * wonder 192.0.2.1' >>"$lab/chap-secrets"
daemon_start || exit 1
check "the user connects" client_start old "${fixed[@]}" || exit 1
is "with the address of the users file" "$(client_value old ipv4 address)" 10.0.7.7
check "and carries traffic" core ping -q -c 2 -i 0.2 -W 2 10.0.7.7
first=$(session_id fixed)

# Its client went away without a word, and comes again.
check "the user connects a second time" client_start new "${fixed[@]}"
is "with the same address" "$(client_value new ipv4 address)" 10.0.7.7
check "the old session is told" wait_for 10 went_down old
check "and its client ends" wait_for 10 ended old
check "one session is left" wait_for 10 sessions_are 1
check_not "and it is the new one" test "$(session_id fixed)" = "$first"
sub ip route replace 203.0.113.0/24 dev new
check "the core reaches the new one" core ping -q -c 4 -i 0.2 -W 2 10.0.7.7
check "and is reached" sub ping -q -c 2 -i 0.2 -W 2 203.0.113.2
check "its packets are counted" test "$(session 'd["rx"]["hook_packets"]' "$(session_id fixed)")" -ge 4
has "the log says what happened" "$(cat "$lab/l2xdpd.log")" 'takes 10\.0\.7\.7 over'

# Another user whose line has the same address is refused, and learns why.
client_spawn thief --user thief --password wonder --no-ipv6
check "another user with this address does not come in" wait_for 30 ended thief
has "and is told why" "$(cat "$lab/thief.log")" 'refused: .*[Aa]ddress'
is "the first user keeps it" "$(holders)" '["fixed"]'
has "the log says why" "$(cat "$lab/l2xdpd.log")" 'refused: static address 10\.0\.7\.7 is held by'
check "and traffic still finds the first user" core ping -q -c 4 -i 0.2 -W 2 10.0.7.7
client_spawn greedy --user greedy --password wonder --no-ipv6
check "a user whose address we listen at does not come in" wait_for 30 ended greedy
has "and the log says why" "$(cat "$lab/l2xdpd.log")" 'static address 192\.0\.2\.1 is a listen address'
client_stop new
check "when that one is gone" wait_for 10 sessions_are 0
check "the other user gets it" client_start late --user thief --password wonder --no-ipv6
is "that one" "$(client_value late ipv4 address)" 10.0.7.7
client_stop late
daemon_stop INT
is "l2xdpd ends cleanly" $? 0
tap_done
