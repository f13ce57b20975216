#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# A daemon that is restarted, killed, replaced or gets a new program while its subscribers
# send and receive: not one packet of theirs is lost, no session, no counter. How long the
# slow path pauses is told.
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

said() { tail -n 20 "$lab/l2xdpd.log" | grep -o 'adopted.*' | tail -n 1; }

# during LABEL COMMAND...: under traffic both ways
during() {
	local label=$1 paused
	shift
	sessions_note
	traffic_go_on four six
	pause_start
	sleep 1
	check "$label" "$@" || { diag "$(tail -n 30 "$lab/l2xdpd.log")"; return; }
	sleep 1
	paused=$(pause_ms)
	check "$label: the slow path answers again" sub ping -q -n -t 1 -c 2 -i 0.1 -W 2 10.0.0.1
	traffic_quiet four six
	check "$label: not one packet is lost, either way" traffic_lossless four six && diag "$tap_said"
	check "$label: every session is what it was; counters and ages go on" sessions_kept
	check "$label: both sides know the same sessions" views_agree four six joe
	check "$label: each packet was counted" traffic_counted four six
	diag "$label: the slow path paused for $paused ms; $(said)"
}

all_killed() { kill_all && daemon_start; }
monitor_killed() { daemon_kill && daemon_start; }
reloaded() {
	local before
	before=$(daemon_worker_pid)
	kill -HUP "$daemon_pid" && wait_for 20 another_worker "$before" && daemon_ready
}
other_binary() {
	cp "$BUILD/l2xdpd" "$lab/l2xdpd" && daemon_binary=$lab/l2xdpd && daemon_stop && daemon_spawn &&
		daemon_ready
}
# The same source through another compiler is another program, with the same maps.
other_program_is_built() {
	local cc=${OTHER_CLANG:-clang-19} o strip
	command -v "$cc" >/dev/null || return
	strip=llvm-strip-${cc#clang-}
	command -v "$strip" >/dev/null || strip=llvm-strip-14
	mkdir -p "$lab/other" && cp -a "$BUILD/loader" "$lab/other/" || return
	grep -l 'skel\.h' loader/*.c loader/*/*.c | while read -r o; do rm -f "$lab/other/${o%.c}.o"; done
	find "$lab/other" -name '*.d' -delete
	make --no-print-directory BUILD="$lab/other" BPF_CC="$cc" BPF_STRIP="$strip" \
		"$lab/other/l2xdpd"
}
other_program() { daemon_binary=$lab/other/l2xdpd && daemon_stop && daemon_spawn && daemon_ready; }

lab_up || exit 1
lab_config
daemon_start || exit 1
client_start joe --route 10.0.0.1/32 || exit 1
check "sessions with traffic are up" subscribers_start || exit 1
# joe's view, so that both sides can be compared
joe_view() {
	ctl show sessions | json '{"sessions": [dict(state="up", tunnel=s["peer_tunnel"],
		session=s["peer_session"], peer_tunnel=s["tunnel"], peer_session=s["session"],
		ipv4=s["ipv4"], ipv6=s["ipv6"].split("/")[0]) for s in d if s["user"] == "joe"]}' >"$lab/joe.view"
}
joe_view

during "restart" daemon_restart
during "kill -9 of all" all_killed
during "kill -9 of the monitor" monitor_killed
during "kill -9 of the worker" worker_kill
during "reload" reloaded
during "a new binary" other_binary
check "a new program is built" other_program_is_built
before=$(program_tag access0)
during "a new program" other_program
check_not "a new program: it is another one" [ "$(program_tag access0)" = "$before" ]
check "a new program: on both interfaces" [ -n "$(program_tag access0)" -a "$(program_tag access0)" = "$(program_tag core0)" ]

# The sessions can be ended as if nothing had been.
for name in four six; do
	load_end $name
	is "the load generator $name is content" $? 0 || diag "$(cat "$lab/$name.json" "$lab/$name.log")"
done
client_stop joe
check "all end when they are told to" wait_for 20 sessions_are 0
check "tunnels too" wait_for 20 tunnels_are 0
nothing_left
daemon_stop INT
is "l2xdpd ends cleanly" $? 0
tap_done
