# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2119,SC2120,SC2154 # lab.sh says what they are
# To be sourced after lab.sh and traffic.sh: what the tests of restarts share.
#
#   subscribers_start        "four" and "six": sessions with traffic of IPv4 over IPv4 and IPv6
#                            over IPv6; the host answers at its own rate. Quiet
#   daemon_spawn [PREFIX...]  starts it, by this command in front; does not wait
#   daemon_refuses [PREFIX...]   it ends by itself, with a failure; its words are in the log
#   kill_all                 KILL for all of its processes at once; daemon_kill is for the first
#   worker_kill              KILL for the process that reads the network, waits for the next one
#   pause_start, pause_ms    how long the slow path was silent: pings to the LNS every 10 ms, with a
#                            TTL of 1, so that they are left to the daemon
#   program_tag DEVICE       of the program at the hook

SUBSCRIBERS=${SUBSCRIBERS:-100} RATE=${RATE:-2000} # of each family; packets a second each way

subscribers_start() {
	local name
	host_start $((2 * RATE))
	load_start four --tunnels 4 --sessions $((SUBSCRIBERS / 4)) --user user1%d --hold 3600 \
		--traffic "$RATE" --traffic-to "$host4" --no-ipv6
	load_start six --server 2001:db8::1 --tunnels 4 --sessions $((SUBSCRIBERS / 4)) \
		--user user1%d --hold 3600 --traffic "$RATE" --traffic-to "$host6"
	load_ready four 60 && load_ready six 60 || return
	sleep 1
	traffic_quiet four six
	for name in four six; do
		[ "$(json 'len([s for s in d["sessions"] if s["state"] == "up"])' <"$lab/$name.view")" = \
			$((SUBSCRIBERS / 4 * 4)) ] || return
	done
	traffic_lossless four six
}

daemon_spawn() {
	lab_spawn "$lab_lns" "$lab/l2xdpd.log" "$@" "${daemon_binary:-$BUILD/l2xdpd}" \
		--config "$lab/l2xdpd.yaml"
	daemon_pid=${lab_pids[-1]}
}
daemon_binary= # unless it is $BUILD/l2xdpd

daemon_refuses() {
	local status
	daemon_spawn "$@"
	wait_for 20 lab_ended "$daemon_pid" || return
	wait "$daemon_pid"
	status=$?
	daemon_pid=
	[ $status != 0 ]
}

program_tag() { lns ip -d link show "$1" | sed -n 's/.*prog\/xdp.* tag \([0-9a-f]*\).*/\1/p'; }

kill_all() {
	local children
	mapfile -t children < <(daemon_children)
	kill -KILL "$daemon_pid" ${children[@]+"${children[@]}"}
	wait "$daemon_pid" 2>/dev/null
	wait_for 5 processes_ended ${children[@]+"${children[@]}"}
	daemon_pid=
}
# One that waits to be buried, by a parent that is slow, has ended.
processes_ended() {
	local pid
	for pid in "$@"; do
		case $(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "/proc/$pid/status" 2>/dev/null) in
		'' | Z | X) ;;
		*) return 1 ;;
		esac
	done
}

worker_kill() {
	local before
	before=$(daemon_worker_pid)
	kill -KILL "$before" && wait_for 10 another_worker "$before" && daemon_ready
}
another_worker() { [ -n "$(daemon_worker_pid)" ] && [ "$(daemon_worker_pid)" != "$1" ]; }

# A subscriber with a device of its own: joe.
pause_start() {
	lab_spawn "$lab_sub" "$lab/pause" ping -D -n -t 1 -i 0.01 10.0.0.1
	pause_pid=${lab_pids[-1]}
	wait_for 5 grep -q 'bytes from' "$lab/pause"
}
# Ends the pings; the longest time without an answer, in ms.
pause_ms() {
	kill -INT "$pause_pid" 2>/dev/null
	lab_reap "$pause_pid" 20
	awk '/bytes from/ { t = substr($1, 2) + 0; if (last && t - last > most) most = t - last; last = t }
		END { printf "%d\n", most * 1000 }' "$lab/pause"
}
