#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Instructions that a packet costs on Debian's kernel: count_bench in a QEMU guest whose
# clock counts instructions, so that whatever else this machine does does not enter. The same
# build gives the same figures to 0.1 %. Arguments NAME=OBJECT compare builds of the program:
#
#   tests/bench/count.sh old=/tmp/old.bpf.o new=build/bpf/l2xdp.bpf.o
#   ONLY='^pw|^l2tp_eth' tests/bench/count.sh      # rows by name
#
# Columns: the generator with one veth and a drop; then, less that, the bare redirect and the
# program. Root is not needed.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
# shellcheck source=tests/interop/guest.sh
. tests/interop/guest.sh
trap 'guest_stop || :' EXIT # `set -e` holds there, too
trap 'exit 130' INT
trap 'exit 143' TERM

make --no-print-directory BUILD="$build" "$build/tests/bench/count_bench" >&2
guest_program "$build/tests/bench/count_bench"
for object in gen sink; do guest_file "$build/tests/bench/$object.bpf.o"; done
arguments=
for argument; do
	guest_file "${argument#*=}" "object-${argument%%=*}"
	arguments+=" ${argument%%=*}=/lab/object-${argument%%=*}"
done
# shellcheck disable=SC2119
GUEST_MEGABYTES=$((512 + 384 * ($# > 1 ? $# : 1))) GUEST_COUNT=yes guest_start
echo "kernel $guest_kernel" >&2
GUEST_SECONDS=1200 guest "modprobe -a veth l2tp_ppp l2tp_eth l2tp_ip bridge; ONLY='${ONLY:-}' LD_LIBRARY_PATH=/lab/lib /lab/count_bench$arguments"
