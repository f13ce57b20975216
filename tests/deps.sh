#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs the Debian packages of tests/packages.txt: the one list that `make deps`,
# `make demo`, `make test` and CI share. Says nothing when all of them are there.
#   deps.sh [--check]      --check only tells what is missing (status 1)
set -euo pipefail
list=$(dirname "$0")/packages.txt

die() {
	echo "deps: $*" >&2
	exit 1
}

command -v dpkg-query >/dev/null || die "this is not a Debian system: install what $list names"

mapfile -t wanted < <(sed 's/#.*//; s/[[:space:]]//g; /^$/d' "$list")
missing=()
installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${wanted[@]}" 2>/dev/null || true)
for package in "${wanted[@]}"; do
	grep -qxF "ii  $package" <<<"$installed" || missing+=("$package")
done
((${#missing[@]})) || exit 0
if [ "${1:-}" = --check ]; then
	echo "deps: missing: ${missing[*]}" >&2
	exit 1
fi
[ "$(id -u)" = 0 ] || die "needs root to install: ${missing[*]}
deps: run: sudo tests/deps.sh"

echo "deps: installing ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
	DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 \
		-o APT::Install-Recommends=false -o Acquire::Retries=3 "$@" >>"$log" 2>&1
}

# Another apt may hold the lists' lock, for which apt-get update does not wait.
updated=no
for ((i = 0; i < 24; i++)); do
	if apt update; then
		updated=yes
		break
	fi
	grep -qiE 'could not get lock|unable to lock' "$log" || break
	: >"$log"
	sleep 5
done
if [ $updated = no ]; then
	tail -n 5 "$log" >&2
	die "apt-get update failed (above); no network, or no Debian mirror in /etc/apt?"
fi
if ! apt install "${missing[@]}"; then
	tail -n 15 "$log" >&2
	die "apt-get install failed (above); l2xdp needs the packages of Debian 12 (bookworm)"
fi
