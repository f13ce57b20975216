#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# libFuzzer on every parser, FUZZ_SECONDS each (default 60), one after the other:
#   run.sh [NAME...]
# What it finds stays in build/fuzz/NAME: the grown corpus, and crash-* files that show
# how to repeat a fault:  build/tests/fuzz/NAME_fuzz build/fuzz/NAME/crash-...
# A crash that has been mended belongs into tests/fuzz/corpus/NAME.
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build}
seconds=${FUZZ_SECONDS:-60}
unset MAKEFLAGS MFLAGS MAKELEVEL
make --no-print-directory -j2 BUILD="$BUILD" fuzz-bins || exit 1

names=("$@")
if [ $# = 0 ]; then
	for source in tests/fuzz/*_fuzz.c; do
		[ -e "$source" ] && names+=("$(basename "$source" _fuzz.c)")
	done
fi
bad=0
for name in ${names[@]+"${names[@]}"}; do
	grown=$BUILD/fuzz/$name
	mkdir -p "$grown/corpus"
	"$BUILD/tests/fuzz/${name}_fuzz" -max_total_time="$seconds" -timeout=10 \
		-rss_limit_mb=2048 -close_fd_mask=1 -print_final_stats=1 \
		-artifact_prefix="$grown/" "$grown/corpus" "tests/fuzz/corpus/$name" \
		>"$grown/log" 2>&1
	status=$?
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$grown/log")
	cover=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$grown/log" | tail -n 1)
	if [ $status = 0 ]; then
		printf '%-20s clean: %s executions, coverage %s\n' "$name" "${runs:-?}" "${cover:-?}"
	else
		bad=$((bad + 1))
		printf '%-20s FOUND (status %s), see %s\n' "$name" $status "$grown/log"
		grep -E 'ERROR|SUMMARY|Test unit written' "$grown/log"
	fi
done
[ $bad = 0 ] && [ ${#names[@]} -gt 0 ]
