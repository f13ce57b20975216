#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How fast sessions come up, and what each costs: l2xdp-load in one namespace against
# l2xdpd in another, over a veth pair, both on the cores that there are.
#
#   tests/bench/setup.sh [RUNS]         1 x 1000, 1000 x 1, 1 x 20000 (tunnels x sessions)
#   SHAPES="1x1000 16x1000" tests/bench/setup.sh
#
# Each shape runs RUNS (3) times against a fresh daemon; printed are the median and, in
# brackets, the least and the most. A shape in which a session fails is a failure. Memory
# of the daemon is the growth of its resident set between no session and all sessions,
# divided by their number; that of the kernel is what its BPF maps take, which is fixed at
# the start and divided by the sessions that they have room for.
# shellcheck disable=SC2119
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

RUNS=${1:-3}
SHAPES=${SHAPES:-1x1000 1000x1 1x20000}
HOLD=3
status=0

setup_lab() {
	lab_begin && lab_access_veth || return
	echo 'load * wonder *' >"$lab/chap-secrets"
	lab_config 's/\[access0, core0\]/[access0]/'
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
	wait_for 600 test -e "$lab/ready" || return
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
	echo " $(((rss - before) * 1024 / up)) $((maps / 65536))"
}

# column N: of standard input; "median (least to most)"
column() {
	awk -v n="$1" '{ print $n }' | sort -g |
		awk '{ v[NR] = $1 }
			END { print v[int((NR + 1) / 2)] " (" v[1] " to " v[NR] ")" }'
}

shape() { # TUNNELSxSESSIONS
	local i tunnels=${1%x*} sessions=${1#*x}
	: >"$lab/runs"
	for ((i = 0; i < RUNS; i++)); do
		figures "$tunnels" "$sessions" >>"$lab/runs" || return
	done
	echo "$tunnels tunnels x $sessions sessions, $RUNS runs"
	echo "  set up a second          $(column 1 <"$lab/runs")"
	echo "  latency p50, ms          $(column 2 <"$lab/runs")"
	echo "  latency p99, ms          $(column 3 <"$lab/runs")"
	echo "  all down, s              $(column 4 <"$lab/runs")"
	echo "  daemon, octets a session $(column 5 <"$lab/runs")"
	echo "  maps, octets a session   $(column 6 <"$lab/runs")"
}

setup_lab || exit 1
for s in $SHAPES; do
	shape "$s" || status=1
done
exit $status
