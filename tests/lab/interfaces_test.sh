#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119,SC2120
# Interfaces are taken out of the configuration and put into it, under load. Who does not use
# them loses nothing; who does goes from the hook to the slow path, or back.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh
# shellcheck source=tests/lab/traffic.sh
. tests/lab/traffic.sh
# shellcheck source=tests/lab/restart.sh
. tests/lab/restart.sh
# shellcheck source=tests/lab/faults.sh
. tests/lab/faults.sh

TIMES=${TIMES:-2}

# interfaces_are NAME...: in the configuration, and at the hook
interfaces_are() {
	local name all=$*
	sed -i "s/interfaces: .*/interfaces: [${all// /, }]/" "$lab/l2xdpd.yaml"
	ctl_text reload || return
	wait_for 15 ctl show state || return
	for name in access0 access1 core0; do
		case " $* " in
		*" $name "*) wait_for 10 at_the_hook "$name" || return ;;
		*) wait_for 10 not_at_the_hook "$name" || return ;;
		esac
	done
}
at_the_hook() { [ -n "$(program_tag "$1")" ] && ctl show datapath |
	json "'native' in [i['mode'] for i in d['interfaces'] if i['name'] == '$1']" | grep -q true; }
not_at_the_hook() { [ -z "$(program_tag "$1")" ]; }

lab_up || exit 1
lab_link "$lab_lns" access1 "$lab_sub" lac1
ip -n "$lab_sub" addr add 198.51.100.10/24 dev lac1
ip -n "$lab_lns" addr add 198.51.100.1/24 dev access1
lab_config 's/listen: \[/&198.51.100.1, /; s/access0, core0/access0, access1, core0/; s/^peers:/&\
  - name: other\
    address: 198.51.100.0\/24\
    secret: s3cret\
    profile: home/'
faults_up || exit 1
load_start other --server 198.51.100.1 --tunnels 2 --sessions 10 --user user5%d --hold 3600 \
	--traffic 500 --traffic-to "$host4" --no-ipv6
check "sessions by access1 are up" load_ready other 60

traffic_quiet four six other
traffic_lossless four six other >/dev/null

# changes LABEL NAME...: the configuration has these interfaces, under traffic
changes() {
	local label=$1
	shift
	fault_begins
	kill -HUP "${load_pid[other]}"
	check "$label" interfaces_are "$@"
	sleep 0.5
	traffic_quiet four six other
}
for ((i = 1; i <= TIMES; i++)); do
	for label in "access1 taken out, $i" "access1 put in, $i"; do
		case $label in
		*out*) changes "$label" access0 core0 ;;
		*) changes "$label" access0 access1 core0 ;;
		esac
		check "$label: sessions that do not use it have lost nothing" traffic_lossless four six
		diag "$label: $(traffic_lossless other | grep -v '^ ')"
		check "$label: every session is what it was" sessions_kept
	done
done
for label in "core0 taken out" "core0 put in"; do
	case $label in
	*out*) changes "$label" access0 access1 ;;
	*) changes "$label" access0 access1 core0 ;;
	esac
	diag "$label: $(traffic_lossless four six other | grep -v '^ ')"
	check "$label: every session is what it was" sessions_kept
done
fault_begins
fault_ends "when it is over" free
daemon_stop INT
is "l2xdpd ends cleanly" $? 0
tap_done
