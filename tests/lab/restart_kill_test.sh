#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# The daemon is killed at KILLS (20) random moments, also while it starts, under set-ups,
# teardowns and traffic. Established sessions and their packets are never lost; what was half
# set up comes up or is refused; in the end both sides know the same, and nothing is stuck.
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

KILLS=${KILLS:-20} SEED=${SEED:-1}
RANDOM=$SEED
declare -A killed=([all]=0 [monitor]=0 [worker]=0 [restart]=0 [starting]=0)
# The LACs wait two minutes, and not half of one, for an answer: a daemon that is killed every
# other second is away when they ask again, by chance.
patience=(--retransmits 15)

# Sets up and tears down, tunnels and sessions, until the file "enough" is there.
churn() { # NAME OPTION...
	local name=$1 round=0
	shift
	while [ ! -e "$lab/enough" ]; do
		round=$((round + 1))
		ip netns exec "$lab_sub" "$BUILD/tests/l2xdp-load" --server 192.0.2.1 --secret s3cret \
			--password wonder --json --timeout 150 "${patience[@]}" "$@" --hold $((round % 2)) \
			>"$lab/churn.$name.$round" 2>>"$lab/churn.$name.log" </dev/null
	done
}
churn_start() {
	churn "$@" &
	churners+=($!)
	lab_pids+=($!)
}
churners=()

pause() { sleep "$((RANDOM % ($1 / 1000 + 1))).$(printf '%03d' $((RANDOM % 1000)))"; }

up_again() {
	cat "$lab/l2xdpd.log" >>"$lab/all.log"
	daemon_spawn
	daemon_ready
}
one_kill() {
	case $((RANDOM % 8)) in
	0 | 1)
		killed[all]=$((killed[all] + 1))
		kill_all
		up_again
		;;
	2)
		killed[monitor]=$((killed[monitor] + 1))
		daemon_kill
		up_again
		;;
	3 | 4)
		killed[worker]=$((killed[worker] + 1))
		worker_kill
		;;
	5)
		killed[restart]=$((killed[restart] + 1))
		daemon_stop
		up_again
		;;
	*)
		killed[starting]=$((killed[starting] + 1))
		kill_all
		cat "$lab/l2xdpd.log" >>"$lab/all.log"
		daemon_spawn
		sleep "0.$(printf '%03d' $((RANDOM % 500)))"
		kill_all
		up_again
		;;
	esac
}
kill_often() {
	local i
	for ((i = 1; i <= KILLS; i++)); do
		pause 1000
		one_kill || {
			echo "after kill $i the daemon does not come up"
			tail -n 30 "$lab/l2xdpd.log"
			return 1
		}
		[ $i != $((KILLS / 2)) ] ||
			load_start late --tunnels 10 --sessions 20 --user user%d --hold 3600 --rate 50 --timeout 150 \
			"${patience[@]}"
	done
}

lab_up || exit 1
lab_config
daemon_start || exit 1
check "sessions with traffic are up" subscribers_start || exit 1
sessions_note
traffic_go_on four six
churn_start tunnels --tunnels 10 --user user%d
churn_start calls --tunnels 2 --sessions 10 --user user%d
churn_start slow --tunnels 3 --sessions 3 --rate 20 --user user%d
check "it comes up again $KILLS times" kill_often
diag "killed: all ${killed[all]}, the monitor ${killed[monitor]}, the worker ${killed[worker]}, again while starting ${killed[starting]}; restarted ${killed[restart]}"
touch "$lab/enough"
for pid in "${churners[@]}"; do wait "$pid"; done
check "200 sessions that were dialled meanwhile come up" load_ready late 160

load_quiet late
traffic_quiet four six
check "not one packet of the established sessions is lost, either way" traffic_lossless four six && diag "$tap_said"
check "the established sessions are what they were" sessions_kept
check "both sides know the same sessions" wait_for 60 views_agree four six late || views_agree four six late
check "each packet was counted" traffic_counted four six

tests/lab/traffic.py summaries "$lab"/churn.*.[0-9]* >"$lab/churn"
diag "set-ups and teardowns meanwhile: $(cat "$lab/churn")"
is "every other session came up or was refused in words" "$(json 'sum(
	n for why, n in d["failures"].items() if "no answer" in why or "in time" in why)' <"$lab/churn")" 0
is "every end was acknowledged" "$(json 'd["unclean"]' <"$lab/churn")" 0
check "there was something to disturb" [ "$(json 'd["up"]' <"$lab/churn")" -gt "$KILLS" ]

for name in four six late; do
	load_end $name
	is "the load generator $name is content" $? 0 || diag "$(cat "$lab/$name.json" "$lab/$name.log")"
done
check "all end when they are told to" wait_for 60 sessions_are 0
check "tunnels too" wait_for 60 tunnels_are 0
nothing_left
daemon_stop INT
is "l2xdpd ends cleanly" $? 0
tap_done
