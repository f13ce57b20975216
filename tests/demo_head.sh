# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# What the demos share, behind lab.sh: how they speak, and their first step.
#
#   step TITLE          a headline
#   show COMMAND...     what is typed
#   fail REASON...      the end, with the last lines of the logs of $lab named in demo_logs
#   demo_build COMMAND  packages and build; the command is named where it needs root
#   demo_end

demo_logs=(l2xdpd.log)

if [ -t 1 ]; then
	bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
else
	bold='' dim='' green='' red='' plain=''
fi

step() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
show() { printf '%s$ %s%s\n' "$dim" "$*" "$plain"; }
# shellcheck disable=SC2154 # lab, of lab.sh
fail() {
	local log
	printf '\n%sdemo failed: %s%s\n' "$red" "$*" "$plain" >&2
	for log in "${demo_logs[@]}"; do
		if [ -n "$lab" ] && [ -f "$lab/$log" ]; then
			echo "the last lines of $log:" >&2
			tail -n 20 "$lab/$log" >&2
		fi
	done
	exit 1
}

demo_build() {
	[ "$(id -u)" = 0 ] || fail "needs root for network namespaces and XDP: sudo $*"
	step "1. Packages of tests/packages.txt, build"
	[ "${DEMO_INSTALL:-yes}" = no ] || tests/deps.sh || fail "packages are missing"
	# A process of its own: make asks pkg-config when it starts.
	make --no-print-directory -j"$(nproc)" BUILD="$BUILD" lab-bins || fail "the build failed"
	echo "ready: $BUILD/l2xdpd, $BUILD/l2xdpctl"
}

demo_end() { printf '\n%sdemo: done; everything that it made is gone again%s\n' "$green" "$plain"; }
