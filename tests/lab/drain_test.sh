#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# Maintenance: drain and undrain, of all and of one peer, at a rate, and over a restart.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

SESSIONS=200
went_down() { grep -q '"event":"down"' "$lab/$1.events"; }
refused() { # NAME: a newcomer is, by its log or its events
	client_spawn "$1"
	wait_for 10 went_down "$1"
	local status=$?
	client_stop "$1" >/dev/null
	return $status
}
at_most() { [ "$(sessions)" -le "$1" ]; }
peer() { ctl show peers | json "[p for p in d if p['name'] == 'carrier'][0]['$1']"; }

lab_up || exit 1
daemon_start || exit 1
client_start joe --no-ipv6 || exit 1

# ---- all --------------------------------------------------------------------------------
check "drain" ctl drain
is "show state says so" "$(ctl show state | json 'd["draining"]')" true
is "and show peers" "$(peer draining)" true
check "a new control connection is refused" refused late
has "and told why" "$(cat "$lab/late.log")" 'the tunnel is gone: drained for maintenance'
is "the session that was up stays" "$(sessions)" 1
check "its packets cross" sub ping -q -c 2 -i 0.2 -I joe 10.0.0.1
daemon_restart
is "after a restart it is still drained" "$(peer draining)" true
has "and the log says so" "$(cat "$lab/l2xdpd.log")" 'drained: no new control connections'
is "the session is still up" "$(sessions)" 1
check "undrain" ctl undrain
is "takes calls again" "$(peer draining)" false
check "a newcomer is let in" client_start newcomer --no-ipv6
client_stop newcomer
client_stop joe
check "all gone" wait_for 10 sessions_are 0

# ---- one peer, at a rate -----------------------------------------------------------------
lab_spawn "$lab_sub" "$lab/load.log" "$BUILD/tests/l2xdp-load" --server 192.0.2.1 --secret s3cret \
	--tunnels 2 --sessions $((SESSIONS / 2)) --user 'user%d' --password wonder --no-ipv6 --hold 60 \
	--ready "$lab/ready" --json
load_pid=${lab_pids[-1]}
check "$SESSIONS sessions" wait_for 40 test -e "$lab/ready"
is "they are up" "$(sessions)" "$SESSIONS"
check_not "a peer that is not there" ctl drain --peer nobody
is "the other peer is not meant" "$(ctl drain --peer carrier6 >/dev/null && peer draining)" false
begin=${EPOCHREALTIME/./}
check "drain --peer carrier --rate 50" ctl drain --peer carrier --rate 50
is "show peers tells the rate" "$(peer rate)" 50
sleep 1
now=$(sessions)
check "after a second most are still there ($now)" test "$now" -ge $((SESSIONS / 2))
check "and some are gone" test "$now" -lt "$SESSIONS"
daemon_restart
is "after a restart the rate is the same" "$(peer rate)" 50
check "at the end none is left" wait_for 20 sessions_are 0
took=$(((${EPOCHREALTIME/./} - begin) / 1000))
check "it took as long as the rate says: $took ms for $SESSIONS at 50 a second" test $took -ge 3500
check "a new call is refused" refused late
check "undrain --peer" ctl undrain --peer carrier
is "takes calls again" "$(peer draining)" false
kill -TERM "$load_pid"
lab_reap "$load_pid" 50
daemon_stop INT
is "l2xdpd ends cleanly" $? 0
tap_done
