#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# l2xdpd --remove takes away what a daemon left on a host that is not what it was: an
# interface, the listen addresses and the users file are gone, so that no daemon could start.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh
# shellcheck source=tests/lab/restart.sh
. tests/lab/restart.sh

removes() { lns "$BUILD/l2xdpd" --remove --config "$lab/l2xdpd.yaml" >"$lab/said" 2>&1; }
nothing_stays() {
	check_not "$1: l2tp0 is gone" lns ip link show dev l2tp0
	is "$1: no program is at the hook" "$(lns ip -d link | grep -c prog/xdp)" 0
	check_not "$1: nothing is pinned" test -e "$lab/bpffs/l2xdp"
	is "$1: no state is left" "$(find "$lab_run" "$lab/state" -name 'store.mdb*' -o -name slow-traffic)" ""
}

lab_up || exit 1
daemon_start || exit 1
client_start joe --route 203.0.113.0/24 || exit 1
check "packets pass" sub ping -q -c 3 -i 0.2 -W 2 203.0.113.2
ip -n "$lab_lns" link del core0
removes
is "--remove while a daemon runs: refused, also without the interface" $? 1
has "it says why" "$(cat "$lab/said")" 'another l2xdpd .* runs'
check "and nothing is removed" lns ip link show dev l2tp0
daemon_stop
is "SIGTERM: status 0" $? 0
has "the program stays at the other interface" "$(lns ip -d link show dev access0)" 'prog/xdp'
check "its link is pinned" test -e "$lab/bpffs/l2xdp/link-access0"

ip -n "$lab_lns" addr flush dev access0
mv "$lab/chap-secrets" "$lab/users"
check "without interface, addresses and users no daemon starts" daemon_refuses
check "but --remove removes" removes || diag "$(cat "$lab/said")"
has "it says so" "$(cat "$lab/said")" 'nothing of l2xdpd is left'
nothing_stays "it is true"
check "once more is no failure" removes
nothing_stays "once more"

mv "$lab/users" "$lab/chap-secrets"
lab_access_addresses
lab_link "$lab_lns" core0 "$lab_core" host0
check "as it was, a daemon starts" daemon_start
is "without a session" "$(sessions)" 0
daemon_stop INT
is "l2xdpd ends cleanly" $? 0
tap_done
