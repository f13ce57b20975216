#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# The host loses its power: no maps, no program, no l2tp0, nothing in memory, another boot.
# The sessions come back from the durable store without a new dial; a peer that has
# forgotten them is noticed at once.
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

power_fails() {
	[ -z "$daemon_pid" ] || daemon_kill
	lns ip link del l2tp0
	# What is pinned goes with its file system; so do the program and the maps.
	rm -rf "${lab:?}/bpffs/l2xdp"
	umount "$lab/bpffs"
	lns ip link set access0 xdp off 2>/dev/null
	lns ip link set core0 xdp off 2>/dev/null
	rm -rf "$lab_run"
}
power_is_back() { mount -t bpf bpf "$lab/bpffs" && daemon_start; }
bare() {
	! lns ip link show l2tp0 && [ -z "$(program_tag access0)" ] && [ ! -e "$lab_run" ] &&
		[ -z "$(lns ip route show 10.0.0.0/16)" ]
}
first_packet() { sub ping -q -n -c 1 -W 1 203.0.113.2; }

lab_up || exit 1
# Hello and echo as they are, half a minute and more: what is forgotten is noticed without.
lab_config
daemon_start || exit 1
check "a subscriber connects" client_start joe --route 203.0.113.0/24 || exit 1
check "sessions with traffic are up" subscribers_start || exit 1
# One LAC of two will have forgotten: it comes with the same address and other ports.
load_start lost --tunnels 2 --sessions 10 --user user%d --hold 3600
check "sessions of a peer that will forget are up" load_ready lost 30
load_quiet lost
n=$(sessions)
sessions_note
traffic_go_on four six
sleep 2 # a second of which stands in the durable store at the least

traffic_quiet four six
check "until then not one packet is lost" traffic_lossless four six
traffic_go_on four six
begun=$EPOCHREALTIME
power_fails
check "nothing is left but the state directory" bare
kill -KILL "${load_pid[lost]}"
wait "${load_pid[lost]}" 2>/dev/null
sleep 1
back=$EPOCHREALTIME
check "the daemon starts" power_is_back
check "a subscriber's packets pass" wait_for 10 first_packet
now=$EPOCHREALTIME
diag "$(awk -v a="$begun" -v b="$back" -v c="$now" 'BEGIN {
	printf "without power %.1f s; packets pass %.2f s after the start", b - a, c - b }')"
diag "$(grep -o 'adopted.*' "$lab/l2xdpd.log")"
forgotten_is_gone() { [ "$(sessions)" = $((n - 20)) ]; }
sleep 1
traffic_quiet four six
diag "lost with the power: $(traffic_lossless four six | grep -v '^ ')"
traffic_go_on four six
sleep 2
traffic_quiet four six
check "not one packet is lost when it is back" traffic_lossless four six
# A Hello goes out at the start, and nobody answers in 31 s (V2-REL-8), nor do the subscribers answer
# the echoes of the start (Q-3). The Hello that is due without (60 s) would come too late.
check "sessions of the peer that has forgotten end with one cycle of Hello" \
	wait_for 40 forgotten_is_gone &&
	diag "$(awk -v b="$back" -v c="$EPOCHREALTIME" 'BEGIN { printf "%.1f s after the start", c - b }')"
mv "$lab/sessions.before" "$lab/sessions.all"
tests/lab/traffic.py without "$lab/sessions.all" "$lab/lost.view" >"$lab/sessions.before"
check "every other session is what it was" sessions_kept uncounted
check_not "nobody has dialled anew" grep -q '"event":"down"' "$lab/joe.events"
power_back_as_before() { # CASE
	check "power is lost, and comes back" power_is_back
	check "$1" sessions_kept || diag "$(sessions_kept | head -5)"
}
# Counters are a second behind at the most (loader/persist.c), and another one on a busy machine.
traffic_quiet four six
sessions_note
sleep 2
power_fails
power_back_as_before "counters of packets of two seconds ago were on disk"
# A reboot by order: what was counted a moment ago.
sub ping -q -n -c 20 -i 0.002 203.0.113.2 >"$lab/ping.out"
sleep 1 # ping does not wait for its last echo on a busy machine
sessions_note
totals_now() { ctl show datapath | json '[d["l2tp"]["received"], d["slow"]["rx_ppp"], d["l2tp"]["sent"]]'; }
totals=$(totals_now)
daemon_stop TERM
is "l2xdpd ends when the host goes down" $? 0
power_fails
power_back_as_before "an orderly end has written every packet"
now=$(totals_now)
is "totals of this host go on: $totals, now $now" \
	"$(echo "[$totals, $now]" | json 'all(0 < a <= b for a, b in zip(*d))')" true
traffic_go_on four six
sleep 1
traffic_quiet four six
check "not one packet is lost after that" traffic_lossless four six
check "at the hook" [ -n "$(program_tag access0)" ]
for name in four six; do
	load_end $name
	is "the load generator $name is content" $? 0 || diag "$(cat "$lab/$name.json" "$lab/$name.log")"
done
client_stop joe
check "all end when they are told to" wait_for 20 sessions_are 0
nothing_left
daemon_stop INT
is "l2xdpd ends cleanly" $? 0
tap_done
