#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The demonstration shows what it promises, and cleans up: at its end, and on Ctrl-C or
# SIGTERM in the middle of any of its steps.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh

export BUILD=${BUILD:-build} DEMO_INSTALL=no
home=$(mktemp -d "${TMPDIR:-/tmp}/l2xdp-demo.XXXXXX")
demo=
over() {
	trap '' INT TERM
	trap - EXIT
	[ -z "$demo" ] || kill -TERM "$demo" 2>/dev/null
	wait
	rm -rf "$home"
}
trap over EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

wait_for() {
	local until=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $until ] || return 1
		sleep 0.1
	done
}

# A session of its own, like a terminal's foreground; a shell starts what is in the
# background with SIGINT ignored.
begin() {
	mkdir -p "$home/tmp"
	: >"$home/said"
	TMPDIR=$home/tmp env --default-signal=INT setsid tests/demo.sh >"$home/said" 2>&1 </dev/null &
	demo=$!
}
at_step() { grep -q "^$1\\. " "$home/said" || ! kill -0 "$demo" 2>/dev/null; }
reach() { wait_for 120 at_step "$1" && kill -0 "$demo"; }
left() { # PID: what the demonstration of this process ID left behind
	ip netns list | grep "^l2x$1-"
	grep -F "$home/" /proc/mounts
	find "$home/tmp" -mindepth 1
	ps -o stat=,pid=,args= -s "$1" | awk '!/^Z/' # those wait for init
}
nothing_left() { [ -z "$(left "$1")" ]; }
ends() { # STATUS LABEL
	local status pid=$demo
	wait "$demo"
	status=$?
	demo=
	is "$2: its status" $status "$1" || diag "$(tail -n 30 "$home/said")"
	check "$2: no namespace, mount, file or process is left" wait_for 10 nothing_left "$pid" ||
		diag "$(left "$pid")"
}

begin
ends 0 "the demonstration"
has "it ends with all done" "$(tail -n 1 "$home/said")" 'demo: done'
has "it shows what crossed at the hook" "$(cat "$home/said")" 'TCP: [0-9]+ packets at the hook'

# interrupt STEP SIGNAL STATUS SECONDS: so long after the step began
interrupt() {
	begin
	if check "step $1 is reached" reach "$1"; then
		sleep "$4"
		kill -"$2" -- "-$demo"
	fi
	ends "$3" "SIG$2 in step $1"
}
interrupt 2 INT 130 0
interrupt 2 INT 130 0.3
interrupt 3 INT 130 0.1
interrupt 4 INT 130 0.2
interrupt 5 INT 130 0.3
interrupt 6 INT 130 1
interrupt 6 TERM 143 4
tap_done
