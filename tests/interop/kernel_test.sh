#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
#
# What users run: Debian's 6.1 kernel, in a QEMU guest. Its verifier sees every program
# as each compiler makes it, the program tests run on it, the hook is shared with
# another program by libxdp's dispatcher, and VLAN tags come and go.
#
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/interop/guest.sh
. tests/interop/guest.sh
BUILD=${BUILD:-build}
COMPILERS=${COMPILERS:-clang-14 clang-19}
trap guest_stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

for cc in $COMPILERS; do
	for object in "$BUILD/$cc"/bpf/*.bpf.o; do guest_file "$object" "$cc-$(basename "$object")"; done
	for source in tests/bpf/*_test.c; do
		name=$(basename "$source" .c)
		guest_program "$BUILD/$cc/tests/bpf/$name" "$cc-$name"
	done
done
for file in tests/vectors/*.json tests/bpf/limits.txt; do guest_file "$file" "$file"; done
guest_file tests/interop/guest_lab.sh
guest_file "$BUILD/tests/lab/pass.bpf.o"
for program in l2xdpd l2xdpctl tests/l2xdp-client; do
	guest_program "$BUILD/$program"
done
guest_start || exit 1
diag "guest: $guest_kernel"

# ---- verifier, program tests ---------------------------------------------------------
# The verifier's reason stands at the end of a log of megabytes.
load() { # OBJECT
	local kind=xdp
	[[ $1 != *_tc.bpf.o ]] || kind=classifier
	guest "bpftool prog loadall /lab/$1 /sys/fs/bpf/load type $kind >/tmp/load 2>&1
		status=\$?
		rm -rf /sys/fs/bpf/load
		tail -n 40 /tmp/load | cut -c 1-300
		exit \$status"
}
# shellcheck disable=SC2016 # the quotes are the guest's
program_test() { # COMPILER NAME [FILTER]
	guest "cd /lab
		export LD_LIBRARY_PATH=/lab/lib CMOCKA_MESSAGE_OUTPUT=TAP ${3:+TEST_FILTER='$3'}
		timeout 100 ./$1-$2 >/tmp/test 2>&1
		status=\$?
		grep -E '^(not )?ok [0-9]' /tmp/test
		[ \$status = 0 ] || tail -n 60 /tmp/test | cut -c 1-300
		exit \$status"
}
guest 'modprobe -a tun veth sch_ingress cls_bpf'
for cc in $COMPILERS; do
	for object in "$BUILD/$cc"/bpf/*.bpf.o; do
		name=$(basename "$object")
		check "$guest_kernel loads $name as $cc makes it" load "$cc-$name" || continue 2
	done
	for source in tests/bpf/*_test.c; do
		name=$(basename "$source" .c)
		case $name in
		adopt_test) continue ;; # below: each start takes seconds here
		pw_devices_test) continue ;; # so it does; pseudowire_test.sh has the whole daemon in a guest
		esac
		GUEST_SECONDS=120 check "$guest_kernel, $cc: $name" program_test "$cc" "$name"
	done
done

# ---- a data path that outlives its daemon -------------------------------------------------
cc=${COMPILERS%% *}
for name in the_next_daemon other_pools; do
	[ -n "$cc" ] || break
	GUEST_SECONDS=120 check "$guest_kernel: adopt_test, $name" \
		program_test "$cc" adopt_test "$name*"
done

# ---- the hook shared, VLAN tags --------------------------------------------------------
programs() { # DEVICE: how many programs the dispatcher runs there
	guest "xdp-loader status $1" | grep -cE '=>'
}
check "the guest's lab comes up" guest './guest_lab.sh up 2>&1; ip -n core link show host0 | grep -q xdp'
check "another program takes the hook first" \
	guest 'xdp-loader load -m native -s xdp access0 /lab/pass.bpf.o'
check "l2xdpd starts next to it" guest './guest_lab.sh daemon-start' || diag "$(guest 'cat /tmp/l2xdpd.log')"
is "two programs share the hook" "$(programs access0)" 2
has "l2xdpctl says that it is shared" "$(guest './guest_lab.sh ctl --json show datapath')" '"shared": ?true'

line() { # NAME SERVER TAGS
	if ! check "a subscriber connects, $3" guest "./guest_lab.sh client-start $1 $2"; then
		diag "$(guest 'cat /tmp/l2xdpd.log')"
		return
	fi
	guest 'ip netns exec sub ping -q -c 3 -i 0.2 203.0.113.2' >/dev/null
	guest 'ip netns exec sub ping -q -c 3 -i 0.2 2001:db8:c::2' >/dev/null
	local before after
	before=$(guest './guest_lab.sh ctl --json show verdicts')
	check "$3: ping, IPv4" guest 'ip netns exec sub ping -q -c 10 -i 0.1 -W 2 203.0.113.2'
	check "$3: ping, IPv6" guest 'ip netns exec sub ping -q -c 10 -i 0.1 -W 2 2001:db8:c::2'
	after=$(guest './guest_lab.sh ctl --json show verdicts')
	check "$3: both ways at the hook" crossed "$before" "$after"
	guest "./guest_lab.sh client-stop $1" >/dev/null
}
count() { # VERDICT JSON
	/usr/bin/python3 -c 'import json, sys
print([v["frames"] for v in json.loads(sys.argv[2]) if v["verdict"] == sys.argv[1]][0])' "$@"
}
crossed() { # BEFORE AFTER
	local name
	for name in decap encap; do
		[ $(($(count $name "$2") - $(count $name "$1"))) -ge 20 ] || {
			echo "$name: from $(count $name "$1") to $(count $name "$2")"
			return 1
		}
	done
}
line plain 192.0.2.1 "no tag"
line one 198.18.10.1 "one VLAN tag"
line two 198.18.30.1 "two VLAN tags"

# A restart, and a daemon that is killed, while packets cross: its successor's program is put
# next to the earlier one, which is then taken out.
ours() { # DEVICE: ID of our program in the dispatcher
	guest "xdp-loader status $1" | awk '/=>/ && / l2xdp / { print $4 }'
}
again() { # SIGNAL NAME
	local before after
	before=$(ours access0)
	guest 'ip netns exec sub ping -q -c 150 -i 0.1 -W 2 203.0.113.2 >/tmp/ping 2>&1 &'
	check "$2: l2xdpd comes back" guest "./guest_lab.sh daemon-restart $1"
	after=$(ours access0)
	is "$2: two programs share the hook, as before" "$(programs access0)" 2
	is "$2: one of ours at the other device" "$(programs core0)" 1
	check "$2: it is another one" [ "$before" != "$after" ]
	has "$2: the session is there" "$(guest './guest_lab.sh ctl --json show sessions')" '"user": ?"plain"'
	guest 'while pidof ping >/dev/null; do usleep 200000; done'
	has "$2: no packet was lost" "$(guest 'cat /tmp/ping')" ' 0% packet loss'
}
if check "a subscriber connects" guest "./guest_lab.sh client-start plain 192.0.2.1"; then
	guest 'ip netns exec sub ping -q -c 3 -i 0.2 203.0.113.2' >/dev/null
	again TERM "a restart"
	again KILL "killed"
fi

check "SIGINT ends l2xdpd" guest './guest_lab.sh daemon-stop'
is "the other program stays" "$(programs access0)" 1
is "nothing of ours stays at the other device" "$(guest 'bpftool net show dev core0' | grep -c driver)" 0
check_not "l2tp0 is gone" guest 'ip link show l2tp0'
tap_done
