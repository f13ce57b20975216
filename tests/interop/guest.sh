# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# A guest under QEMU's emulation (TCG: no /dev/kvm is needed) that runs Debian's stock
# kernel, for the scripts in this directory:
#
#   guest_file FILE [NAME]      before the start: a file for the guest's /lab
#   guest_program FILE [NAME]   the same, with the shared libraries that it needs
#   guest_start [NETNS TAP]     boots with GUEST_CPUS CPUs (1); a network card on that TAP
#                               device of that namespace
#   guest SCRIPT                runs a script in the guest; its output and status are the
#                               function's
#   guest_stop
#
# It has GUEST_BOOT_SECONDS (90) to come up in.
#
# With GUEST_COUNT=yes its clocks count instructions, one a nanosecond, and what this machine
# does besides does not enter (tests/bench/count.sh).
#
# The guest answers on a virtio console; what the kernel says goes to $guest_dir/console.

guest_dir=
guest_pid=
# shellcheck disable=SC2034 # for the scripts
guest_kernel=

guest_prepare() {
	[ -z "$guest_dir" ] || return 0
	guest_dir=$(mktemp -d "${TMPDIR:-/tmp}/l2xdp-guest.XXXXXX")
	mkdir -p "$guest_dir/overlay/lab/lib"
}

guest_file() {
	guest_prepare
	local to=$guest_dir/overlay/lab/${2:-$(basename "$1")}
	mkdir -p "$(dirname "$to")"
	cp -L "$1" "$to"
}

guest_program() {
	local library
	guest_file "$@"
	while read -r library; do
		cp -nL "$library" "$guest_dir/overlay/lab/lib/"
	done < <(ldd "$1" | awk '$2 == "=>" && $3 ~ "^/" { print $3 }' |
		grep -vE '/(libc|libm|libdl|libpthread)\.so')
}

guest_start() {
	local accel=(-accel "tcg,thread=multi") append='' cache command nic=(-nic none) line until
	guest_prepare
	cache=$(tests/interop/guest_build.sh) || return 1
	(cd "$guest_dir/overlay" && find lab | cpio -o -H newc --quiet -R 0:0) >"$guest_dir/overlay.cpio"
	# The kernel unpacks one archive after the other.
	cat "$cache/root.cpio" "$guest_dir/overlay.cpio" >"$guest_dir/initrd"
	mkfifo "$guest_dir/port.in" "$guest_dir/port.out"
	if [ $# = 2 ]; then
		# Offloads off: what reaches the TAP device must be whole frames.
		nic=(-netdev "tap,id=n0,ifname=$2,script=no,downscript=no,vnet_hdr=off"
			-device "virtio-net-pci,netdev=n0,mac=52:54:00:12:34:56,csum=off,gso=off,guest_csum=off,guest_tso4=off,guest_tso6=off,guest_ufo=off,host_tso4=off,host_tso6=off,host_ufo=off,romfile=")
	fi
	if [ "${GUEST_COUNT:-no}" = yes ]; then
		# shellcheck disable=SC2054 # an option of QEMU
		accel=(-accel tcg -icount "shift=0,sleep=off" -rtc base=2026-01-01,clock=vm -seed 1)
		append="tsc=reliable tsc_early_khz=1000000 no_timer_check nokaslr audit=0"
	fi
	command=(qemu-system-x86_64 -name l2xdp-guest -nodefaults -no-user-config -display none
		-monitor none -machine q35 "${accel[@]}" -cpu qemu64 -smp "${GUEST_CPUS:-1}" -m "${GUEST_MEGABYTES:-512}"
		-kernel "$cache/kernel" -initrd "$guest_dir/initrd" -no-reboot
		-append "console=ttyS0 quiet loglevel=3 panic=-1 mitigations=off net.ifnames=0 random.trust_cpu=on rdinit=/init $append"
		-serial "file:$guest_dir/console" -device virtio-serial-pci
		-chardev "pipe,id=port,path=$guest_dir/port" -device "virtconsole,chardev=port"
		"${nic[@]}")
	[ $# != 2 ] || command=(ip netns exec "$1" "${command[@]}")
	"${command[@]}" >"$guest_dir/qemu" 2>&1 </dev/null &
	guest_pid=$!
	until=$((SECONDS + ${GUEST_BOOT_SECONDS:-90}))
	# Opened for both directions, so that opening does not wait for QEMU.
	exec {guest_in}<>"$guest_dir/port.in" {guest_out}<>"$guest_dir/port.out"
	while kill -0 "$guest_pid" 2>/dev/null && [ $SECONDS -lt $until ]; do
		read -r -t 1 -u "$guest_out" line || continue
		line=${line%$'\r'}
		if [[ $line == @ready* ]]; then
			# shellcheck disable=SC2034
			guest_kernel=${line#@ready }
			return 0
		fi
	done
	echo "the guest did not come up:"
	cat "$guest_dir/qemu" "$guest_dir/console"
	return 1
}

# guest SCRIPT: waits GUEST_SECONDS (default 60) at the most
guest() {
	local line blank=no until=$((SECONDS + ${GUEST_SECONDS:-60})) number=$EPOCHREALTIME
	echo "$number $(base64 -w0 <<<"$1")" >&"$guest_in"
	while read -r -t $((until > SECONDS ? until - SECONDS : 1)) -u "$guest_out" line; do
		line=${line%$'\r'}
		if [[ $line == "@status $number "* ]]; then return "${line##* }"; fi
		# The end of a script that was given up on, and its output before.
		if [[ $line == "@status "* ]]; then continue; fi
		[ $blank = no ] || echo
		blank=no
		if [ -z "$line" ]; then blank=yes; else printf '%s\n' "$line"; fi
	done
	echo "guest: no answer in ${GUEST_SECONDS:-60} s to: $1"
	return 124
}

guest_stop() {
	local i
	if [ -n "$guest_pid" ]; then
		echo bye >&"$guest_in"
		for ((i = 0; i < 30; i++)); do
			kill -0 "$guest_pid" 2>/dev/null || break
			sleep 0.1
		done
		kill -KILL "$guest_pid" 2>/dev/null
		wait "$guest_pid" 2>/dev/null
		exec {guest_in}>&- {guest_out}>&-
		guest_pid=
	fi
	[ -z "$guest_dir" ] || rm -rf "$guest_dir"
	guest_dir=
}
