#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119,SC2120
# What can happen to the place where state is kept, under traffic: full disks, damaged
# stores, a store of a later version, a wall clock that is set back.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh
# shellcheck source=tests/lab/traffic.sh
. tests/lab/traffic.sh
# shellcheck source=tests/lab/restart.sh
. tests/lab/restart.sh
# shellcheck source=tests/lab/faults.sh
. tests/lab/faults.sh


# sessions_come_and_go [N]: N (50) come up, stay a moment and go down.
sessions_come_and_go() {
	ip netns exec "$lab_sub" "$BUILD/tests/l2xdp-load" --server 192.0.2.1 --secret s3cret \
		--tunnels 5 --sessions $((${1:-50} / 5)) --user user%d --password wonder --timeout 30 --hold 2 --json
}
logged() { tail -n +$((fault_log + 1)) "$lab/l2xdpd.log" | grep -qE "$1"; }
again() {
	fault_log=0
	daemon_start
}
damage() { # FILE: its second half
	local blocks=$(($(stat -c %s "$1") / 4096))
	dd if=/dev/urandom of="$1" bs=4096 seek=$((blocks / 2)) count=$((blocks - blocks / 2)) \
		conv=notrunc 2>/dev/null
}
followed() { sleep 2; } # the durable store is a second behind at the most

lab_up || exit 1
small_disk "$lab/state" && small_disk "$lab_run" || exit 1
hot=$lab_run/store.mdb durable=$lab/state/store.mdb
faults_up || exit 1

# ---- disks ------------------------------------------------------------------------------
label="disk full, state-directory"
fault_begins
check "$label: it is" disk_fill "$lab/state"
check "$label: sessions come and go" sessions_come_and_go 1000
check "$label: the log says so" wait_for 10 logged 'cannot write .*/state/.*[Nn]o space'
disk_free "$lab/state"
check "$label: the log says when it is over" wait_for 20 logged '/state/.* is written again and has everything'
fault_ends "$label" free
daemon_kill
rm -f "$hot"
check "$label: from then on the store has everything" again && fault_begins && fault_log=0 &&
	fault_ends "$label, restart without the hot store" free

label="disk full, runtime-directory"
fault_begins
check "$label: it is" disk_fill "$lab_run"
check "$label: sessions come and go" sessions_come_and_go 1000
check "$label: the log says so" wait_for 10 logged 'cannot write .*/run/.*[Nn]o space'
disk_free "$lab_run"
sessions_come_and_go >/dev/null
check "$label: the log says when it is over" wait_for 20 logged '/run/.* is written again and has everything'
daemon_kill
check "$label: from then on the store has everything" again
fault_ends "$label" free

# ---- damage -----------------------------------------------------------------------------
label="hot store damaged"
followed
fault_begins
daemon_kill
damage "$hot"
check "$label: the daemon starts" again
says "$label" 'store.mdb.*damaged'
fault_ends "$label" free

label="durable store damaged"
fault_begins
daemon_kill
damage "$durable"
check "$label: the daemon starts" again
says "$label" 'store.mdb.*damaged'
fault_ends "$label" free
followed
daemon_kill
rm -f "$hot"
check "$label: it is sound again" again && fault_begins && fault_log=0 &&
	fault_ends "$label, restart without the hot store" free

# ---- versions ---------------------------------------------------------------------------
label="store of a later version"
newer_is_built() {
	gcc -std=gnu11 -D_GNU_SOURCE -DL2XDP_VERSION='"later"' -I. -o "$lab/newer" tests/lab/faults_newer.c \
		"$BUILD/libstore.a" "$BUILD/libbase.a" -llmdb -lz -lpthread
}
check "$label: there is one" newer_is_built
followed
fault_begins
daemon_stop
mkdir "$lab/kept"
mv "$lab_run"/store.* "$lab/kept/"
mv "$durable" "$lab/kept/durable.mdb"
"$lab/newer" "$lab_run" "$lab/state"
before=$(md5sum "$hot" "$durable")
check "$label: the daemon refuses to start" daemon_refuses
fault_log=0
says "$label" 'was written by l2xdp .*format [0-9]+.*start that version, or move'
is "$label: it is not touched" "$(md5sum "$hot" "$durable")" "$before"
rm -f "$lab_run"/store.* "$durable"
mv "$lab"/kept/store.* "$lab_run/"
mv "$lab/kept/durable.mdb" "$durable"
check "$label: with its own the daemon starts" again
fault_ends "$label" free

# ---- clocks -----------------------------------------------------------------------------
label="clock set back"
clock() { python3 -c 'import struct, sys
with open(sys.argv[1], "r+b" if len(sys.argv) > 3 else "wb") as f: f.write(struct.pack("q", int(sys.argv[2])))' \
	"$lab/clock" "$@"; }
clock_is_built() { gcc -O2 -shared -fPIC -D_GNU_SOURCE -o "$lab/clock.so" tests/lab/faults_clock.c; }
check "$label: there is one" clock_is_built
clock 0
started_in_time() {
	fault_log=0
	daemon_spawn env FAULTS_CLOCK="$lab/clock" LD_PRELOAD="$lab/clock.so" && daemon_ready
}
daemon_stop
check "$label: the daemon starts with it" started_in_time
fault_begins
clock -259200 now
sleep 2
check "$label: sessions come and go" sessions_come_and_go
has "$label: it is, for the daemon" "$(tail -n 1 "$lab/l2xdpd.log")" "^$(date -u -d '3 days ago' +%Y-%m-%d)"
fault_ends "$label" free
fault_begins
daemon_kill
check "$label: the daemon starts again" started_in_time
fault_ends "$label, restart" free
followed
fault_begins
daemon_kill
rm -f "$hot"
clock -518400 now
check "$label: without the hot store, too" started_in_time
fault_ends "$label, restart without the hot store" free

# ---- nothing left -----------------------------------------------------------------------
label="both stores damaged"
daemon_kill
damage "$hot"
damage "$durable"
for i in 0 1; do # and their heads
	for f in "$hot" "$durable"; do dd if=/dev/urandom of="$f" bs=4096 seek=$i count=1 conv=notrunc 2>/dev/null; done
done
check "$label: the daemon starts" again
says "$label" 'run/store.mdb.*damaged'
says "$label" 'state/store.mdb.*damaged'
check "$label: it is empty" sessions_are 0
nothing_left
check "$label: sessions come and go" sessions_come_and_go
daemon_stop INT
is "l2xdpd ends cleanly" $? 0
tap_done
