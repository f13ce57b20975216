#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How fast sessions come up, and what each costs: l2xdp-load in one namespace against
# l2xdpd in another, over a veth pair, both on the cores that there are.
#
#   tests/bench/setup.sh [--full] [--csv FILE] [--rounds N]
#   SHAPES="1x1000 16x1000" tests/bench/setup.sh      tunnels x sessions in each
#
# Without SHAPES, 1x1000, 1000x1 and 1x20000; with --full also a million in 16 tunnels, once,
# which takes 5 GB of memory and many minutes. Each shape runs N (3) times against a fresh
# daemon; printed are the median and, in brackets, the least and the most. A shape in which a
# session fails is a failure. Memory of the daemon is the growth of its resident set between no
# session and all sessions, divided by their number; that of the kernel is what its BPF maps
# take, which is fixed at the start and divided by the sessions that they have room for.
# shellcheck disable=SC2119
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

RUNS=3 csv='' shapes="1x1000 1000x1 1x20000" HOLD=3 status=0
while [ $# -gt 0 ]; do
	case $1 in
	--full) shapes+=" 16x62500" ;;
	--csv) csv=$2 && shift ;;
	--rounds) RUNS=$2 && shift ;;
	*) sed -n 's/^# \{0,1\}//; 2,18p' "$0" >&2 && exit 2 ;;
	esac
	shift
done
SHAPES=${SHAPES:-$shapes}
shards=1

setup_lab() {
	lab_begin && lab_access_veth || return
	echo 'load * wonder *' >"$lab/chap-secrets"
}

# sized SESSIONS: a configuration with room for so many
sized() {
	shards=1
	while [ $((shards * 65000)) -lt "$1" ]; do shards=$((2 * shards)); done
	lab_config "s/\[access0, core0\]/[access0]/; s/shards: .*/shards: $shards/
		$([ $shards = 1 ] || echo 's,10.0.0.0/16,10.0.0.0/12,; s,1000::/48,1000::/44,')"
}

# Octets of the BPF maps that the daemon holds, each map once.
daemon_maps() {
	cat "/proc/$daemon_pid/fdinfo/"* 2>/dev/null |
		awk '/^memlock:/ { bytes = $2 } /^map_id:/ { map[$2] = bytes }
			END { for (m in map) sum += map[m]; print sum + 0 }'
}

# figures TUNNELS SESSIONS: one run; "per_second p50 p99 teardown rss maps"
figures() {
	local before up load rss maps
	daemon_start >&2 || return
	sleep 0.5
	before=$(daemon_rss)
	rm -f "$lab/ready"
	lab_spawn "$lab_sub" "$lab/load.json" "$BUILD/tests/l2xdp-load" --server 192.0.2.1 \
		--secret s3cret --user load --password wonder --tunnels "$1" --sessions "$2" \
		--verify --hold $HOLD --ready "$lab/ready" --json
	load=${lab_pids[-1]}
	wait_for 1800 test -e "$lab/ready" || return
	sleep 1
	rss=$(daemon_rss)
	maps=$(daemon_maps)
	wait "$load" || {
		echo "$1 x $2 failed: $(cat "$lab/load.json")" >&2
		daemon_stop INT
		return 1
	}
	daemon_stop INT
	up=$(($1 * $2))
	json '"{:.0f} {:.1f} {:.1f} {:.2f}".format(d["per_second"], d["latency_ms"]["p50"],
		d["latency_ms"]["p99"], d["teardown_seconds"])' <"$lab/load.json" | tr -d '\n'
	echo " $(((rss - before) * 1024 / up)) $((maps / (shards * 65536)))"
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
	local i tunnels=${1%x*} sessions=${1#*x} runs=$RUNS
	[ $((tunnels * sessions)) -lt 100000 ] || runs=1
	sized $((tunnels * sessions)) || return
	: >"$lab/runs"
	for ((i = 0; i < runs; i++)); do
		figures "$tunnels" "$sessions" >>"$lab/runs" || return
	done
	echo "$tunnels tunnels x $sessions sessions, $runs runs"
	column 1 "$1" "set up" "sessions/s"
	column 2 "$1" "latency p50" ms
	column 3 "$1" "latency p99" ms
	column 4 "$1" "all down" s
	column 5 "$1" "memory of the daemon" octets/session
	column 6 "$1" "memory of the maps" octets/session
}

setup_lab || exit 1
for s in $SHAPES; do
	shape "$s" || status=1
done
exit $status
