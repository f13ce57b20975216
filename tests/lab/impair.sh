# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2119,SC2120,SC2154 # lab.sh says what they are
# To be sourced after lab.sh, before lab_up: a namespace `wire` between `sub` and `lns`,
# whose frames l2xdp-impair carries.
#
#   lac0 (sub) ---- left (wire) l2xdp-impair right (wire) ---- access0 (lns)
#
#   wire_set [OPTION...]   how the line is from now on; without one it is good
#   wire_report            what the line has done since, as JSON, and ends it

wire_pid=
wire() { ip netns exec "$lab_wire" "$@"; }

lab_access_veth() {
	lab_namespace "$lab_sub" && lab_namespace "$lab_wire" || return
	# Frames that XDP redirects out of access0 arrive at right.
	lab_link "$lab_wire" left "$lab_sub" lac0 && lab_link "$lab_lns" access0 "$lab_wire" right ||
		return
	ip -n "$lab_sub" addr add 192.0.2.10/24 dev lac0
	ip -n "$lab_sub" addr add 2001:db8::10/64 dev lac0
	lab_access_addresses
	wire_set
}

wire_set() {
	[ -z "$wire_pid" ] || wire_report >/dev/null
	lab_spawn "$lab_wire" "$lab/wire.json" "$BUILD/tests/l2xdp-impair" left right "$@"
	wire_pid=${lab_pids[-1]}
	wait_for 5 grep -q carrying "$lab/wire.json"
}

wire_report() {
	kill -TERM "$wire_pid"
	lab_reap "$wire_pid" 50
	wire_pid=
	sed /carrying/d "$lab/wire.json"
}
