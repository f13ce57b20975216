#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How fast sessions come up, and what each costs: l2xdp-load in one namespace against
# l2xdpd in another, over a veth pair; the daemon on one core, the load generator on another.
#
#   tests/bench/setup.sh [--full] [--csv FILE] [--rounds N]
#   SHAPES="1x1000 16x1000" tests/bench/setup.sh      tunnels x sessions in each
#   BACK="" tests/bench/setup.sh                      without the first table
#   FAMILIES="4" tests/bench/setup.sh                 IPv4 alone
#   IDLE=30 tests/bench/setup.sh                      and so long idle, with an LCP echo in 30 s each
#   WINDOW=500 tests/bench/setup.sh                   sessions in set-up at once
#
# CHAP and IPCP; for the first shape with IPV6CP and router advertisements, too.
# Without SHAPES, 1x1000, 1000x1 and 16x1250; with --full also a million in 16 tunnels, once,
# which takes 6 GB of memory and minutes. Each shape runs N (3) times against a fresh
# daemon; printed are the median and, in brackets, the least and the most. A shape in which a
# session fails is a failure. Memory of the daemon is the growth of its own memory between no
# session and all sessions, divided by their number; that of the kernel is what its BPF maps
# take, which is fixed at the start and divided by the sessions that they have room for; that of
# the store is what lies in the runtime directory. All counters are read while the sessions are up,
# and all sessions shown. A large shape idles for a minute (IDLE), with an LCP echo from each session in
# 30 s.
#
# The first table: sessions that all end and all come back (BACK, 16x4096), while a thousand others
# carry numbered packets, of which none may get lost.
# shellcheck disable=SC2119
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh
# shellcheck source=tests/lab/traffic.sh
. tests/lab/traffic.sh

RUNS=3 csv='' shapes="1x1000 1000x1 16x1250" HOLD=3 status=0
while [ $# -gt 0 ]; do
	case $1 in
	--full) shapes+=" 16x62500" ;;
	--csv) csv=$2 && shift ;;
	--rounds) RUNS=$2 && shift ;;
	*) sed -n 's/^# \{0,1\}//; 2,30p' "$0" >&2 && exit 2 ;;
	esac
	shift
done
SHAPES=${SHAPES-$shapes} BACK=${BACK-16x4096} WINDOW=${WINDOW:-500} FAMILIES=${FAMILIES-4 6} family=4
shards=1
cpus=$(nproc) lns_cpu=0 load_cpu=0
[ "$cpus" = 1 ] || load_cpu=1

export GLIBC_TUNABLES=glibc.malloc.hugetlb=1 # as deploy/l2xdpd.service has it

setup_lab() {
	lab_begin && lab_access_veth && lab_core_side || return
	echo 'load * wonder *' >"$lab/chap-secrets"
	core ip route replace 10.0.0.0/8 via 203.0.113.1
}

# sized SESSIONS: a configuration with room for so many
sized() {
	local v6=''
	[ "$family" = 6 ] || v6='/^    ipv6:/d; s/\[10.0.0.53, .*\]/[10.0.0.53]/'
	shards=1
	while [ $((shards * 65000)) -lt "$1" ]; do shards=$((2 * shards)); done
	[ "$1" -lt 60000 ] || [ $shards -ge 8 ] || shards=8
	lab_config "s/shards: .*/shards: $shards/
		s/\[mschapv2, chap, pap\]/[chap]/; $v6
		$([ $shards = 1 ] || echo 's,10.0.0.0/16,10.0.0.0/12,; s,1000::/48,1000::/44,')"
}

# pin CPU PID...: with all their threads
pin() {
	local cpu=$1 pid
	shift
	for pid in "$@"; do taskset -a -c -p "$cpu" "$pid" >/dev/null; done
}

# Milliseconds of CPU that these have used.
cpu_ms() {
	local pid
	for pid in "$@"; do cat "/proc/$pid/stat"; done 2>/dev/null |
		awk -v hz="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); sum += $12 + $13 } END { print int(sum * 1000 / hz) }'
}

now_ms() { date +%s%3N; }

# Octets of the BPF maps that the daemon holds, each map once.
daemon_maps() {
	cat "/proc/$daemon_pid/fdinfo/"* 2>/dev/null |
		awk '/^memlock:/ { bytes = $2 } /^map_id:/ { map[$2] = bytes }
			END { for (m in map) sum += map[m]; print sum + 0 }'
}

daemon_up() {
	daemon_start >&2 || return
	mapfile -t daemon_all < <(echo "$daemon_pid" && daemon_children)
	pin $lns_cpu "${daemon_all[@]}"
	sleep 0.5
}

load_up() { # NAME TUNNELS SESSIONS OPTION...
	local name=$1 tunnels=$2 sessions=$3
	shift 3
	load_start "$name" --user load --tunnels "$tunnels" --sessions "$sessions" "$@"
	pin $load_cpu "${load_pid[$name]}"
}

# The first sessions, and all of them: seconds; the sweep of the counters.
shown() {
	local begin first all
	begin=$(now_ms)
	ctl show sessions --limit 1000 >/dev/null
	first=$(($(now_ms) - begin))
	begin=$(now_ms)
	ctl show sessions >/dev/null
	all=$(($(now_ms) - begin))
	ctl show state | json '"'"$first $all"' {} {:.1f} {}".format(d["counters"]["ms"],
		d["counters"]["busy_us"] / 1000, d["counters"]["slice_us"])'
}

# figures TUNNELS SESSIONS: one run; the columns of shape()
figures() {
	local before up=$(($1 * $2)) rss maps store cpu seen seconds used
	daemon_up || return
	before=$(daemon_rss)
	cpu=$(cpu_ms "${daemon_all[@]}")
	load_up load "$1" "$2" --auth chap --verify --hold 3600 --echo "$((idle ? 30 : 0))" \
		--window "$WINDOW" "${no_v6[@]}"
	load_ready load 1800 >&2 || return
	cpu=$(($(cpu_ms "${daemon_all[@]}") - cpu))
	sleep $((HOLD + up / 200000))
	seconds=$(now_ms) used=$(cpu_ms "${daemon_all[@]}")
	sleep "$idle"
	seconds=$(($(now_ms) - seconds)) used=$(($(cpu_ms "${daemon_all[@]}") - used))
	rss=$(daemon_rss)
	maps=$(daemon_maps)
	store=$(du -s --block-size=1 "$lab_run" | cut -f 1)
	seen=$(shown)
	load_end load 12000 || {
		echo "$1 x $2 failed: $(cat "$lab/load.json")" >&2
		daemon_stop INT
		return 1
	}
	daemon_stop INT
	json '"{:.0f} {:.1f} {:.1f} {:.2f}".format(d["per_second"], d["latency_ms"]["p50"],
		d["latency_ms"]["p99"], d["teardown_seconds"])' <"$lab/load.json" | tr -d '\n'
	echo " $((cpu * 1000 / up)) $(((rss - before) * 1024 / up)) $((maps / (shards * 65536)))" \
		"$((store / up)) $seen $((idle ? used * 1000 / seconds : 0))"
}

# column N SHAPE NAME UNIT: one line of the table, and of the CSV
column() {
	awk -v n="$1" '{ print $n }' "$lab/runs" | sort -g |
		awk -v shape="$2" -v name="$3" -v unit="$4" -v csv="$csv" '{ v[NR] = $1 }
			END {
				m = v[int((NR + 1) / 2)]
				printf "  %-44s %s (%s to %s)\n", name ", " unit, m, v[1], v[NR]
				if (csv != "")
					print "setup,l2xdp,shape=" shape "," name "," unit "," NR "," m \
						"," v[1] "," v[NR] >>csv
			}'
}

shape() { # TUNNELSxSESSIONS
	local i tunnels=${1%x*} sessions=${1#*x} runs=$RUNS idle=${IDLE:-0}
	[ $((tunnels * sessions)) -lt 100000 ] || runs=1 idle=${IDLE-60}
	no_v6=(--no-ipv6)
	[ "$family" = 4 ] || no_v6=()
	sized $((runs * tunnels * sessions)) || return # an ID rests after its session, also over a restart
	: >"$lab/runs"
	for ((i = 0; i < runs; i++)); do
		figures "$tunnels" "$sessions" >>"$lab/runs" || return
	done
	echo "$tunnels tunnels x $sessions sessions, IPv4$([ "$family" = 4 ] || echo " and IPv6"), $runs runs"
	set -- "$1,IPv$family"
	column 1 "$1" "set up" "sessions/s"
	column 2 "$1" "latency p50" ms
	column 3 "$1" "latency p99" ms
	column 4 "$1" "all down" s
	column 5 "$1" "CPU of the daemon" us/set-up
	column 6 "$1" "memory of the daemon" octets/session
	column 7 "$1" "memory of the maps" octets/session
	column 8 "$1" "memory of the store" octets/session
	column 9 "$1" "the first 1000 shown" ms
	column 10 "$1" "all shown" ms
	column 11 "$1" "all counters read, with pauses" ms
	column 12 "$1" "all counters read, CPU" ms
	column 13 "$1" "all counters read, the most at once" us
	[ "$idle" = 0 ] || column 14 "$1" "CPU of the daemon, all idle, an echo in 30 s each" "permille of a core"
}

# They go, and others come in their place; "all_back lossless".
gone_and_back() { # TUNNELS SESSIONS
	local begin back lost
	daemon_up && host_start 2000 || return
	pin $load_cpu "$host_pid"
	load_up calm 4 250 --hold 3600 --traffic 2000 --traffic-to "$host4" --no-ipv6
	load_up many "$1" "$2" --hold 3600
	load_ready calm 60 >&2 && load_ready many 600 >&2 || return
	rm -f "$lab/traffic.memory"
	traffic_quiet calm && traffic_lossless calm >&2
	traffic_go_on calm
	begin=$(now_ms)
	load_end many 1200 || return
	load_up many "$1" "$2" --hold 3600
	load_ready many 600 >&2 || return
	back=$(($(now_ms) - begin))
	traffic_quiet calm || return
	lost=$(traffic_lossless calm 2>&1) || { echo "$lost" >&2 && return 1; }
	load_end many 1200
	load_end calm
	kill -TERM "$host_pid"
	daemon_stop INT
	echo "$((back / 1000)).$((back % 1000 / 100))"
}

comeback() { # TUNNELSxSESSIONS
	local i tunnels=${1%x*} sessions=${1#*x}
	sized $((tunnels * sessions * 2)) || return
	: >"$lab/runs"
	for ((i = 0; i < (RUNS + 1) / 2; i++)); do
		gone_and_back "$tunnels" "$sessions" >>"$lab/runs" || return
	done
	echo "$tunnels tunnels x $sessions sessions end and come back beside 1000 with traffic"
	column 1 "$1" "all gone and all back, no packet of the others lost" s
}

setup_lab || exit 1
[ -z "$BACK" ] || comeback "$BACK" || status=1
for s in $SHAPES; do
	for family in $FAMILIES; do
		shape "$s" || status=1
	done
	FAMILIES=4
done
exit $status
