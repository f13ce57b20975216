#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Set-ups, traffic and teardowns for a long time:  tests/soak/soak.sh [KIND...]
#
#   asan      l2xdpd under AddressSanitizer and UBSan; leaks are told at its end
#   plain     l2xdpd as it is built for use, at full rate
#   impaired  the same through a line that loses 5 % of control messages and PPP's frames,
#             doubles 5 %, lets others overtake 5 %, and holds all of them for 200 ms
#
#   kills     KILLS (200) deaths of the daemon at random moments
#   flood     FLOOD_SECONDS (60) of each flood
#   hostile   HOSTILE_COUNT (10 million) damaged datagrams
#
# All one after the other if none is named; the first three take SOAK_SECONDS each (1800).
# Needs root. The output is TAP; status 0 when all is as it should be. What a round is:
# rounds.sh; the last three are the tests of the lab, longer.
set -u
cd "$(dirname "$0")/../.." || exit 1
BUILD=${BUILD:-build} seconds=${SOAK_SECONDS:-1800}
unset MAKEFLAGS MFLAGS MAKELEVEL

soak() { # KIND; in a shell of its own, whose traps clean up
	# shellcheck source=tests/tap.sh
	. tests/tap.sh
	# shellcheck source=tests/lab/lab.sh
	. tests/lab/lab.sh
	local build=$BUILD
	if [ "$1" = asan ]; then
		build=$BUILD/asan
		make --no-print-directory -j2 BUILD="$build" SAN=address,undefined OPT='-O1 -g' all >/dev/null ||
			exit
	fi
	# shellcheck source=tests/lab/impair.sh
	[ "$1" != impaired ] || . tests/lab/impair.sh
	# shellcheck source=tests/lab/traffic.sh
	. tests/lab/traffic.sh
	# shellcheck source=tests/soak/rounds.sh
	. tests/soak/rounds.sh
	lab_up || exit 1
	if [ "$1" = impaired ]; then
		wire_set --loss 5 --duplicate 5 --reorder 5 --delay 200 --ppp || exit 1
		# The line holds PPP's frames back but not data, so numbers would be out of order; a
		# lost advertisement comes again only later.
		soak_window=2000 soak_tunnel_window=200 soak_timeout=150 soak_settle=25
		soak_verify='' soak_numbered='' soak_shapes="5x20 100x5 400x1"
		# A program carries the frames, not as many as the kernel would; while they wait
		# for it the sender's socket is full.
		soak_rate=200 soak_traffic=10 soak_excused='Resource temporarily unavailable'
		soak_config 's/^    mru: 1460/&\n    echo-interval: 5\n    echo-failures: 8/'
	else
		soak_config
	fi
	# freed memory rests in the sanitizer's quarantine
	[ "$1" != asan ] || soak_heap="5 8192"
	soak_daemon "$build" || exit 1
	soak_for "$seconds"
	soak_rest
	[ "$1" = impaired ] || soak_fill 65500
	soak_done
	tap_done
}

[ $# -gt 0 ] || set -- asan plain impaired kills flood hostile
make --no-print-directory -j2 BUILD="$BUILD" lab-bins >/dev/null || exit 1
bad=0
for kind in "$@"; do
	case $kind in
	asan | plain | impaired)
		echo "# $kind, $seconds s"
		(soak "$kind") || bad=1
		;;
	kills) KILLS=${KILLS:-200} BUILD=$BUILD tests/lab/restart_kill_test.sh || bad=1 ;;
	flood) FLOOD_SECONDS=${FLOOD_SECONDS:-60} BUILD=$BUILD tests/lab/flood_test.sh || bad=1 ;;
	hostile)
		HOSTILE_COUNT=${HOSTILE_COUNT:-10000000} BUILD=$BUILD \
			tests/lab/hostile_flood_test.sh || bad=1
		;;
	*)
		echo "soak.sh: no such kind: $kind; see the head of this script" >&2
		exit 2
		;;
	esac
done
exit $bad
