#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# make bench: what the data path costs for a packet, how fast sessions come up, and what
# they take of memory. Minutes; root. Arguments go to datapath_bench (see --help); with
# any, only that runs.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BUILD:-build}

if [ "$(id -u)" != 0 ]; then
	echo "bench: needs root (network namespaces, BPF)" >&2
	exit 1
fi
make --no-print-directory BUILD="$build" "$build/tests/bench/datapath_bench" >&2
if [ $# -gt 0 ]; then
	exec "$build/tests/bench/datapath_bench" "$@"
fi
"$build/tests/bench/datapath_bench" --csv "$build/bench.csv"
tests/bench/count.sh
if [ -x tests/bench/setup.sh ]; then
	tests/bench/setup.sh
fi
