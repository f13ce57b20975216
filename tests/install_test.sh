#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# `make install` into an empty directory: all that a user needs is there, nothing points
# to the build directory, and nothing is written outside.
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
dest=$(mktemp -d)
trap 'rm -rf "$dest"' EXIT
check "make install DESTDIR= PREFIX=/usr" make --no-print-directory install "DESTDIR=$dest" PREFIX=/usr
for program in l2xdpd l2xdpctl; do
	check "$program is installed" test -x "$(find "$dest" -name $program -type f | head -n 1)"
done
check "l2xdpd runs from there" "$(find "$dest" -name l2xdpd -type f | head -n 1)" --version
for page in l2xdpd.8 l2xdpctl.8 l2xdpd.conf.5; do
	check "the manual page $page is installed" test -n "$(find "$dest" -name "$page*" | head -n 1)"
done
check_not "no file names the build directory" grep -rlI "$dest" "$dest"
tap_done
