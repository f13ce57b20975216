#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One fuzzer over its corpus, once:  replay.sh FUZZER CORPUS-DIRECTORY
set -u
fuzzer=$1 corpus=$2
count=$(find "$corpus" -type f 2>/dev/null | wc -l)
if [ "$count" = 0 ]; then
	echo "not ok 1 - $corpus holds no seeds"
elif "$fuzzer" -runs=0 -timeout=10 -rss_limit_mb=2048 -close_fd_mask=1 "$corpus" 2>&1; then
	echo "ok 1 - $count files of $corpus"
else
	echo "not ok 1 - $count files of $corpus"
fi
echo 1..1
