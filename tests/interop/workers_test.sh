#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2119 # what is quoted is the guest's
# One tunnel over the CPUs of a guest that has four, on Debian's 6.1 kernel: every packet of its
# sessions is numbered, both ways, and none is lost, comes twice or is overtaken, while workers
# are taken on and dismissed. The hook is shared by libxdp's dispatcher there.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/interop/guest.sh
. tests/interop/guest.sh
BUILD=${BUILD:-build}
trap 'guest_stop; rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
work=$(mktemp -d)
rate=${RATE:-600} # packets a second each way
export GUEST_CPUS=4 GUEST_SECONDS=90

guest_file tests/interop/guest_lab.sh
guest_file "$BUILD/tests/lab/pass.bpf.o"
for program in l2xdpd l2xdpctl tests/l2xdp-load tests/l2xdp-host; do guest_program "$BUILD/$program"; done
guest_start || exit 1
diag "guest: $guest_kernel, $(guest nproc) CPUs"

json() {
	/usr/bin/python3 -c 'import json, sys
d = json.load(sys.stdin)
print(json.dumps(eval(sys.argv[1])))' "$1"
}
ctl() { guest "/lab/guest_lab.sh ctl --json $*"; }
workers() { ctl show workers | json "$1"; }
wait_for() { # SECONDS COMMAND...
	local until=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $until ] || return 1
		sleep 0.5
	done
}
settled() { [ "$(workers 'd["moving"] == 0 and all(w["state"] == "serves" for w in d["workers"])')" = true ]; }
set_workers() {
	guest "sed -i 's/^  workers: .*/  workers: $1/' /lab/l2xdpd.yaml
		/lab/guest_lab.sh ctl reload && sleep 2 && /lab/guest_lab.sh ctl show workers"
}
# Both ends stop and write down what they have, twice: the second time nothing is under way.
quiet() {
	local i
	for i in 1 2; do
		guest 'rm -f /tmp/load.view /tmp/host.report
			kill -USR1 $(cat /tmp/load.pid)
			kill -USR1 $(cat /tmp/host.pid)
			i=0
			until [ -s /tmp/load.view ] && [ -s /tmp/host.report ]; do
				i=$((i + 1)); [ $i -lt 100 ] || exit 1; usleep 100000
			done; sleep 1' || return
	done
	guest 'cat /tmp/load.view' >"$work/load.view" && guest 'cat /tmp/host.report' >"$work/host.report"
}
in_order() {
	tests/lab/traffic.py lossless "$work/memory" "$work/host.report" "$work/load.view" >"$work/said"
	local status=$?
	cat "$work/said"
	[ $status = 0 ] && ! grep -q "'reordered': [1-9]" "$work/said"
}
during() { # LABEL COMMAND...
	local label=$1
	shift
	guest 'ping -q -c 1 203.0.113.2 >/dev/null
		kill -HUP $(cat /tmp/load.pid) $(cat /tmp/host.pid); sleep 2'
	check "$label" "$@" || diag "$(guest 'tail -n 30 /tmp/l2xdpd.log')"
	check "$label: every session has its place" wait_for 40 settled
	sleep 3
	check "$label: traffic ends" quiet
	check "$label: no packet lost or overtaken, either way" in_order
	diag "$tap_said"
	diag "$(ctl show workers)"
}

check "the guest's lab comes up" guest '/lab/guest_lab.sh up 2>&1; ip -n core link show host0 | grep -q xdp'
guest 'for i in 0 1 2 3 4 5 6 7 8 9 10 11; do echo "user$i * wonder *"; done >/lab/secrets
	sed -i "s/^  interfaces: .*/&\n  workers: off/" /lab/l2xdpd.yaml'
check "l2xdpd starts" guest '/lab/guest_lab.sh daemon-start' || exit 1
guest 'ping -q -c 2 203.0.113.2; ping -q -c 2 192.0.2.10' >/dev/null # neighbours are known
guest "export LD_LIBRARY_PATH=/lab/lib
	ip netns exec core /lab/l2xdp-host --listen 203.0.113.2:9000 --rate $rate --report /tmp/host.report \
	</dev/null >/tmp/host.log 2>&1 &
	echo \$! >/tmp/host.pid; sleep 1
	ip netns exec sub /lab/l2xdp-load --server 192.0.2.1 --tunnels 1 --sessions 12 --user user%d \
	--password wonder --hold 3000 --ready /tmp/load.ready --view /tmp/load.view --json \
	--traffic-to 203.0.113.2:9000 --traffic $rate </dev/null >/tmp/load.json 2>/tmp/load.log &
	echo \$! >/tmp/load.pid"
if ! check "12 sessions of one tunnel come up" wait_for 60 guest 'test -e /tmp/load.ready'; then
	diag "$(guest 'cat /tmp/load.log /tmp/l2xdpd.log')"
	exit 1
fi

during "off" true
is "all are where their frames arrive" "$(workers 'd["sessions_here"]')" 12
during "three workers" set_workers '[1, 2, 3]'
is "each has its third" "$(workers '[w["sessions"] for w in d["workers"]]')" '[4, 4, 4]'
is "each takes frames" "$(workers 'all(w["frames"] > 100 for w in d["workers"])')" true
during "four" set_workers 4
is "each has its share" "$(workers '[w["sessions"] for w in d["workers"]]')" '[3, 3, 3, 3]'
during "a restart" guest '/lab/guest_lab.sh daemon-restart TERM'
is "places are kept" "$(workers '[w["sessions"] for w in d["workers"]]')" '[3, 3, 3, 3]'
during "one" set_workers '[2]'
is "it has all" "$(workers '[[w["cpu"], w["sessions"]] for w in d["workers"]]')" '[[2, 12]]'
during "off again" set_workers off
is "all are where their frames arrive" "$(workers 'd["sessions_here"]')" 12
check "the kernel's threads are gone" wait_for 20 guest '! ps | grep -q "[c]pumap/"'
check_not "nothing is wrong in the kernel" guest 'dmesg | grep -E "WARNING|BUG|Oops"'
tap_done
