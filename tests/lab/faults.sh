# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2119,SC2120,SC2154 # lab.sh says what they are
# To be sourced after lab.sh, traffic.sh and restart.sh: what the tests of faults share.
#
# Each fault is a case of its own name: what the log says, how much is lost, and that nothing is
# lost, and no session, when it is over.
#
#   faults_up [SED-SCRIPT]   lab, daemon, subscribers with traffic, joe with a device
#   fault_begins LABEL       traffic flows
#   fault_ends LABEL [free] [uncounted]  what was lost while it lasted ("free": nothing may be),
#                            nothing is lost from now on, each session is what it was
#                            (uncounted: but for its counters)
#   says LABEL REGEX         the daemon's log has it, since fault_begins
#   small_disk DIRECTORY     is a file system of 8 MiB, in memory; undone by lab_down
#   disk_fill, disk_free DIRECTORY

small_disks=()

eval "$(declare -f lab_down | sed '1s/lab_down/faults_lab_down/')"
lab_down() {
	local disk
	for disk in ${small_disks[@]+"${small_disks[@]}"}; do umount -l "$disk" 2>/dev/null; done
	small_disks=()
	faults_lab_down
}

small_disk() {
	mkdir -p "$1" && mount -t tmpfs -o size=8m,mode=700 tmpfs "$1" && small_disks+=("$1")
}
disk_fill() {
	dd if=/dev/zero of="$1/ballast" bs=4k 2>/dev/null
	[ "$(stat -f -c %a "$1")" = 0 ]
}
disk_free() { rm -f "$1/ballast"; }

joe_connects() { client_start joe --route 203.0.113.0/24 --route 10.0.0.1/32; }
joe_reaches() { sub ping -q -n -c 1 -W 1 203.0.113.2; }

faults_up() {
	[ -f "$lab/l2xdpd.yaml" ] || lab_config "${1:-}"
	daemon_start && joe_connects && check "sessions with traffic are up" subscribers_start
}

fault_begins() {
	fault_log=$(wc -l <"$lab/l2xdpd.log")
	sessions_note
	traffic_go_on four six
	sleep 0.5
}
says() { has "$1: the log says so" "$(tail -n +$((fault_log + 1)) "$lab/l2xdpd.log")" "$2"; }

fault_ends() {
	check "$1: traffic flows again" wait_for 10 joe_reaches
	sleep 0.5
	traffic_quiet four six
	if [ "${2:-}" = free ]; then
		check "$1: not one packet is lost, either way" traffic_lossless four six &&
			diag "$tap_said"
	else
		diag "$1: $(traffic_lossless four six | grep -v '^ ')"
	fi
	traffic_go_on four six
	sleep 1
	traffic_quiet four six
	check "$1: no packet is lost when it is over" traffic_lossless four six
	check "$1: every session is what it was" sessions_kept "${3:-}"
}
