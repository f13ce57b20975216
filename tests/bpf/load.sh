#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every program of the given objects past this kernel's verifier:  load.sh OBJECT...
set -u
here=$(dirname "$0")
# shellcheck source=tests/tap.sh
. "${TAP:-$here/../tap.sh}"
pins=$(mktemp -d)
trap 'umount "$pins"; rmdir "$pins"' EXIT
mount -t bpf bpf "$pins" || exit 1
mkdir "$pins/maps"
i=0
for object in "$@"; do
	i=$((i + 1))
	kind=xdp
	[[ $object != *_tc.bpf.o ]] || kind=classifier
	check "$(uname -r) takes $(basename "$object") ${LABEL:-}" \
		/usr/sbin/bpftool prog loadall "$object" "$pins/$i" type "$kind"
	rm -rf "${pins:?}/$i"
done
tap_done
