#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make bench, bench-full, bench-pieces: one after the other,
#
#   datapath_bench   what a packet costs at the hook, beside the kernel's forwarding and VXLAN
#   rows.sh          devices alone on a CPU: l2xdp as it runs, its slow path, l2tpns
#   tcp.sh           one TCP stream, of subscribers and of this host
#   setup.sh         how fast sessions come up, and what memory they take
#   count.sh         instructions a packet, in a guest whose clock counts them
#   idle_bench       what a million sessions cost the daemon that do nothing but live
#   pieces_bench     where the time of a packet goes
#
# Tables on standard output; every figure also in build/bench.csv, a line each. Root.
#
#   tests/bench/run.sh                 minutes
#   tests/bench/run.sh --full          all lines of all tables: hours
#   tests/bench/run.sh PART...         datapath, rows, tcp, setup, count, idle, pieces; --full before them
#   tests/bench/run.sh --ARGUMENT...   datapath_bench alone: --rounds N, --only REGEX, --list, --live ...
#   ROUNDS=1 tests/bench/run.sh        a look at all tables, with no spread
#
# docs/performance.md says what the rows mean. One bench at a time: a second one waits.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1
export BUILD=${BUILD:-build}
csv=$BUILD/bench.csv rounds=(${ROUNDS:+--rounds "$ROUNDS"}) full=() parts=() status=0

case ${1:-} in
-h | --help) sed -n 's/^# \{0,1\}//; 4,22p' "$0" && exit ;;
esac
if [ "$(id -u)" != 0 ]; then
	echo "bench: needs root (network namespaces, BPF)" >&2
	exit 1
fi
if [ "${1:-}" = --full ]; then
	full=(--full)
	shift
fi
make --no-print-directory BUILD="$BUILD" bench-bins >&2 || exit 1
exec 9>/run/lock/l2xdp-bench || exit 1
flock -n 9 || { echo "bench: another one is running; waiting for its end" >&2 && flock 9; }
case ${1:-} in
-*) exec "$BUILD/tests/bench/datapath_bench" ${full[@]+"${full[@]}"} "$@" ;;
esac
parts=("$@")
[ $# -gt 0 ] || parts=(datapath rows tcp setup count idle)
[ $# -gt 0 ] || [ ${#full[@]} = 0 ] || parts+=(pieces)

# What runs has a process group of its own, so that all of it ends when we do, and cleans up.
child=''
# shellcheck disable=SC2317 # called by a trap
end() {
	trap '' INT TERM
	[ -z "$child" ] || { kill -TERM -- "-$child" && wait "$child"; }
	exit "$1"
}
trap 'end 130' INT
trap 'end 143' TERM
part() {
	local begun=$SECONDS
	setsid "$@" 9>&- &
	child=$!
	wait "$child" || { status=1 && echo "bench: $1 has failed" >&2; }
	child=''
	echo "($1: $((SECONDS - begun)) s)"
	echo
}

rm -f "$csv"
for name in "${parts[@]}"; do
	case $name in
	datapath) part "$BUILD/tests/bench/datapath_bench" "${full[@]}" "${rounds[@]}" --csv "$csv" ;;
	pieces) part "$BUILD/tests/bench/pieces_bench" "${rounds[@]}" --csv "$csv" ;;
	idle) part "$BUILD/tests/bench/idle_bench" "${rounds[@]}" --csv "$csv" ;;
	rows | tcp | setup) part "tests/bench/$name.sh" "${full[@]}" "${rounds[@]}" --csv "$csv" ;;
	count) part tests/bench/count.sh ;;
	*) echo "bench: no such part: $name" >&2 && status=2 ;;
	esac
done
echo "figures: $csv"
exit $status
