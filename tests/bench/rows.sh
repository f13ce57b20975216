#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Devices that are more than a program at the hook, each alone on a CPU: l2xdp as it is run,
# its slow path, the kernel's forwarding, l2tpns. What loop_bench measures, this sets up:
#
#	far (clients, generator)                 lns
#	in0 02:..:01 ------------------ us0 02:..:02   the device
#	in1 02:..:01 ------------------ us1 02:..:02   a bare redirect
#	sink 02:..:04 ----------------- out 02:..:03   where all goes, and control messages too
#
# Sessions are set up by l2xdp-load, which answers for them all the while; its view of their
# IDs is the generator's. Polling threads of us0 and us1, and the device, run on the last CPU,
# the generator on the first one. What frames carry is in frames.h.
#
#   tests/bench/rows.sh [--full] [--rounds N] [--csv FILE] [--foreign PERCENT] [ROW...]
#
# --foreign PERCENT, as loop_bench has it: 90 believes intervals of a machine that is not quiet.
#
# Rows: l2xdp, workers, off, forwarding, l2tpns; default all. One that cannot be measured here
# says why.
# shellcheck disable=SC2119,SC2154,SC2317 # called by wait_for
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh
# shellcheck source=tests/bench/l2tpns.sh
. tests/bench/l2tpns.sh

full='' rounds=3 csv=() rows=() more=()
while [ $# -gt 0 ]; do
	case $1 in
	--full) full=1 ;;
	--foreign) more+=(--foreign "$2") && shift ;;
	--rounds) rounds=$2 && shift ;;
	--csv) csv=(--csv "$2") && shift ;;
	-*) sed -n 's/^# \{0,1\}//; 2,23p' "$0" >&2 && exit 2 ;;
	*) rows+=("$1") ;;
	esac
	shift
done
[ ${#rows[@]} -gt 0 ] || rows=(l2xdp workers off forwarding l2tpns)
if [ -n "$full" ]; then
	counts=(1 1000 60000) sizes=(64 512 1400) families=(4 6)
else
	counts=(1 1000) sizes=(64 1400) families=(4)
fi
far() { sub "$@"; }
cpu=0 device_cpu=$(($(nproc) - 1))
load_pid=
status=0

# ---- ground ------------------------------------------------------------------------------

veth() { # LNS-DEVICE LNS-MAC FAR-DEVICE FAR-MAC
	ip link add "$1" netns "$lab_lns" address "02:00:00:00:00:0$2" type veth \
		peer name "$3" netns "$lab_sub" address "02:00:00:00:00:0$4" || return
	local end
	for end in "$lab_lns $1" "$lab_sub $3"; do
		ip netns exec "${end% *}" ethtool -K "${end#* }" tx off gso off tso off >/dev/null 2>&1
		ip -n "${end% *}" link set "${end#* }" addrgenmode none up || return
	done
}

ground() {
	lab_begin && lab_namespace "$lab_sub" || return
	veth us0 2 in0 1 && veth us1 2 in1 1 && veth out 3 sink 4 || return
	ip -n "$lab_lns" -batch - <<-E || return
		addr add 192.0.2.1/32 dev lo
		addr add 198.51.100.1/24 dev out
		addr add 2001:db8:c::1/64 dev out nodad
		neigh add 198.51.100.2 lladdr 02:00:00:00:00:04 nud permanent dev out
		neigh add 2001:db8:c::2 lladdr 02:00:00:00:00:04 nud permanent dev out
		route add 192.0.2.10/32 via 198.51.100.2 dev out
		route add 203.0.113.0/24 via 198.51.100.2 dev out
		route add 2001:db8:ffff::/48 via 2001:db8:c::2 dev out
		route add 10.80.0.0/12 via 198.51.100.2 dev out
		route add 2001:db8:20::/44 via 2001:db8:c::2 dev out
	E
	ip -n "$lab_sub" -batch - <<-E || return
		addr add 198.51.100.2/24 dev sink
		addr add 192.0.2.10/32 dev lo
		neigh add 198.51.100.1 lladdr 02:00:00:00:00:03 nud permanent dev sink
		route add 192.0.2.1/32 via 198.51.100.1 dev sink src 192.0.2.10
	E
	bare_redirect
}

# us1: everything to `out`, of which the program's only map holds the index.
bare_redirect() {
	local index byte map value=()
	/usr/sbin/bpftool prog loadall "$BUILD/tests/bench/sink.bpf.o" "$lab/bpffs/bench" \
		2>"$lab/bpftool.log" || { cat "$lab/bpftool.log" >&2 && return 1; }
	map=$(/usr/sbin/bpftool -j prog show pinned "$lab/bpffs/bench/bare_redirect" |
		json 'd["map_ids"][0]') || return
	index=$(lns cat /sys/class/net/out/ifindex)
	for byte in 0 8 16 24; do value+=($((index >> byte & 255))); done
	lns /usr/sbin/bpftool map update id "$map" key 0 0 0 0 value "${value[@]}" || return
	ip -n "$lab_lns" link set dev us1 xdpdrv pinned "$lab/bpffs/bench/bare_redirect"
}

# The kernel takes redirected frames only from a device that polls, which it does with a
# program; GRO would do too, and cost the kernel more.
us0_passes() { ip -n "$lab_lns" link set dev us0 xdpdrv pinned "$lab/bpffs/bench/pass"; }
us0_is_free() { ip -n "$lab_lns" link set dev us0 xdp off; }

# threads PATTERN: IDs of kernel threads by name
threads() {
	local comm
	for comm in /proc/[0-9]*/comm; do
		# shellcheck disable=SC2053 # a pattern
		[[ $(cat "$comm" 2>/dev/null) == $1 ]] && comm=${comm%/comm} && echo "${comm#/proc/}"
	done
	return 0
}
has_pollers() { [ "$(threads 'napi/us[01]-*' | wc -l)" -ge 2 ]; }

# on_its_cpu PROCESS...: sets `pids`, all that works for the device
on_its_cpu() {
	local pid device
	for device in us0 us1; do
		lns sh -c "echo 1 >/sys/class/net/$device/threaded" || return
	done
	wait_for 5 has_pollers || return
	pids=()
	# shellcheck disable=SC2046
	for pid in $(threads 'napi/us[01]-*') "$@"; do
		taskset -a -c -p "$device_cpu" "$pid" >/dev/null || return
		pids+=(--pid "$pid")
	done
	# what softirqs could not finish, and workers, are its work too
	for pid in $(threads "ksoftirqd/$device_cpu"); do
		pids+=(--pid "$pid")
	done
	for pid in $(threads "cpumap/$device_cpu/*"); do
		pids+=(--worker "$pid")
	done
}

# ---- sessions ------------------------------------------------------------------------------

# sessions_up N AUTH [OPTION...]
sessions_up() {
	local n=$1 auth=$2
	shift 2
	rm -f "$lab/ready" "$lab/view"
	lab_spawn "$lab_sub" "$lab/load.log" "$BUILD/tests/l2xdp-load" --server 192.0.2.1 \
		--local 192.0.2.10 --secret s3cret --user load --password wonder --auth "$auth" \
		--sessions "$n" --hold 1000000 --ready "$lab/ready" --view "$lab/view" "$@"
	load_pid=${lab_pids[-1]}
	if wait_for 300 test -e "$lab/ready" && kill -USR1 "$load_pid" &&
		wait_for 60 test -e "$lab/view"; then
		tables
	else
		echo "the sessions did not come up:" >&2
		tail -n 5 "$lab/load.log" >&2
		return 1
	fi
}

# IDs and addresses as loop_bench reads them, of each family.
tables() {
	/usr/bin/python3 - "$lab/view" "$lab/table" <<-'E'
		import ipaddress, json, sys
		first4 = int(ipaddress.ip_address("10.64.0.0"))
		first6 = int(ipaddress.ip_address("2001:db8:10::")) >> 64
		four, six = open(sys.argv[2] + "4", "w"), open(sys.argv[2] + "6", "w")
		for s in json.load(open(sys.argv[1]))["sessions"]:
		    if s["state"] != "up":
		        continue
		    ids = [s[k] for k in ("peer_tunnel", "peer_session", "tunnel", "session", "port")]
		    print(*ids, int(ipaddress.ip_address(s["ipv4"])) - first4, file=four)
		    if s["ipv6"]:
		        print(*ids, (int(ipaddress.ip_address(s["ipv6"])) >> 64) - first6, file=six)
	E
}

sessions_down() {
	[ -z "$load_pid" ] || { kill -TERM "$load_pid" 2>/dev/null && lab_reap "$load_pid" 300; }
	load_pid=
}

# ---- measuring -----------------------------------------------------------------------------

# one NAME OP FAMILY OCTETS SESSIONS [OPTION...]
one() {
	local name=$1 op=$2 family=$3 octets=$4 sessions=$5
	shift 5
	far taskset -c "$cpu" "$BUILD/tests/bench/loop_bench" --device "$name" \
		--row "op=$op family=$family octets=$octets sessions=$sessions" --op "$op" \
		--family "$family" --octets "$octets" --sessions "$sessions" --in in0 \
		--reference in1 --sink sink --cpu "$cpu" --device-cpu "$device_cpu" \
		--rounds "$rounds" "${pids[@]}" ${csv[@]+"${csv[@]}"} \
		${more[@]+"${more[@]}"} "$@" || status=1
}

# all NAME MOST [FAMILY]: both ways of a device that carries up to MOST sessions
all() {
	local op family octets sessions
	for op in decap encap; do
		for family in "${families[@]}"; do
			[ -z "${3:-}" ] || [ "$family" = "$3" ] || continue
			for octets in "${sizes[@]}"; do
				for sessions in "${counts[@]}"; do
					[ "$sessions" -le "$2" ] || continue
					one "$1" "$op" "$family" "$octets" "$sessions" \
						--table "$lab/table$family"
				done
			done
		done
	done
}

most() { echo "${counts[-1]}"; }

# ---- rows ----------------------------------------------------------------------------------

# config MODE [SED-SCRIPT]
config() {
	echo 'load * wonder *' >"$lab/chap-secrets"
	sed "${2:-}" >"$lab/l2xdpd.yaml" <<-E
		hostname: lns1.example.net
		listen: [192.0.2.1]
		datapath:
		  interfaces: [us0, out]
		  mode: $1
		  bpf-directory: $lab/bpffs/l2xdp
		peers:
		  - name: far
		    address: 192.0.2.0/24
		    secret: s3cret
		    profile: home
		profiles:
		  - name: home
		    authentication: [chap]
		    local-address: 10.64.0.1
		    pool: subscribers
		    echo-interval: 0
		pools:
		  - name: subscribers
		    ipv4: [10.64.0.0/16]
		    ipv6: "2001:db8:10::/48"
		users: $lab/chap-secrets
		control-socket: $lab/l2xdpd.sock
		state-directory: $lab/state
		runtime-directory: $lab/run
	E
	chmod 600 "$lab/l2xdpd.yaml" "$lab/chap-secrets"
}

# l2xdp_row NAME MODE [SED-SCRIPT]
l2xdp_row() {
	config "$2" "${3:-}"
	if [ "$2" = off ]; then us0_passes; else us0_is_free; fi
	# shellcheck disable=SC2046
	daemon_start >&2 && sessions_up "$(most)" chap &&
		on_its_cpu "$daemon_pid" $(daemon_children) && all "$1" "$(most)" || status=1
	sessions_down
	[ -z "$daemon_pid" ] || daemon_stop INT
	us0_is_free
}

row_l2xdp() { l2xdp_row l2xdp native; }
row_off() { l2xdp_row "l2xdp, mode: off" off; }

# Only where the configuration knows the key.
row_workers() {
	local key='s/^  mode:.*/&\n  workers: 1/'
	config native "$key"
	"$BUILD/l2xdpd" --check --config "$lab/l2xdpd.yaml" >"$lab/check" 2>&1
	if grep -q workers "$lab/check"; then
		echo "l2xdp with workers: not measured, this build has no datapath.workers"
		return
	fi
	l2xdp_row "l2xdp with workers" native "$key"
}

row_forwarding() {
	local op octets sessions family
	us0_passes && on_its_cpu || return
	for op in up down; do
		for family in "${families[@]}"; do
			for octets in "${sizes[@]}"; do
				for sessions in "${counts[@]}"; do
					one "kernel forwarding" "$op" "$family" "$octets" "$sessions"
				done
			done
		done
	done
	us0_is_free
}

row_l2tpns() {
	us0_passes
	if l2tpns_start && sessions_up "$(l2tpns_most)" pap --no-ipv6 && on_its_cpu "$l2tpns_pid"; then
		all l2tpns "$(l2tpns_most)" 4
	elif [ -n "$l2tpns_why" ]; then
		echo "l2tpns: not measured, $l2tpns_why"
	else
		status=1
	fi
	sessions_down
	l2tpns_stop
	us0_is_free
}

if [ "$(nproc)" -lt 2 ]; then
	echo "devices alone on a CPU: not measured, there is only one"
	exit 0
fi
ground || exit 1
echo "each device alone on CPU $device_cpu, the generator on CPU $cpu, at most 128 frames under way;"
echo "thousands of packets for a second of its CPU, median (min-max) of $rounds rounds, and the ratio"
echo "to the bare redirect beside it; thousands of packets a second; % of the CPU used; intervals"
echo "thrown away (CPU taken by others, or frames lost)"
printf '%-63s %-19s %-19s  %-19s %5s %4s\n' "" "bare redirect" device ratio rate CPU
for row in "${rows[@]}"; do
	case $row in
	l2xdp) row_l2xdp ;;
	workers) row_workers ;;
	off) row_off ;;
	forwarding) row_forwarding ;;
	l2tpns) row_l2tpns ;;
	*) echo "no such row: $row" >&2 && status=2 ;;
	esac
done
exit $status
