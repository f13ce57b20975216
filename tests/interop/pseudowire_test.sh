#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2016,SC2119 # what is quoted is the guest's
#
# L2TPv3 pseudowires against the l2tp_eth of Debian's kernel, in a QEMU guest: over UDP and over IP, IPv4
# and IPv6, cookies of 0, 4 and 8 octets, with the default sublayer and without one. All 24 at once, each
# with IDs, cookies and devices of its own: `pwK` is a veth that l2xdpd has made in the namespace `site`,
# `farK` the kernel's in `far` (guest_pw.sh). First the kernel plays both sides, which shows that the
# ground is good, and what `ip l2tp` shows of it is what l2xdpctl imports in the end.
#
# That these programs load there, and do what tests/bpf says, is kernel_test.sh's.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/interop/guest.sh
. tests/interop/guest.sh
BUILD=${BUILD:-build}
export GUEST_SECONDS=180
trap guest_stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

guest_file tests/interop/guest_pw.sh
guest_file "$BUILD/tests/lab/pass.bpf.o"
for program in l2xdpd l2xdpctl; do guest_program "$BUILD/$program"; done
guest_start || exit 1
diag "guest: $guest_kernel"

pw() { guest "./guest_pw.sh $*"; }
json() { # EXPRESSION, of d
	/usr/bin/python3 -c 'import json, sys
d = json.load(sys.stdin)
print(eval(sys.argv[1]))' "$1"
}
# each STAGE NAMESPACE CHECK...: a case for each pseudowire. Without a namespace: -
each() {
	local stage=$1 space=$2 line said='' cases=0
	shift 2
	[ "$space" = - ] && space='' || space="ip netns exec $space"
	while IFS= read -r line; do
		case $line in
		"ok "[0-9]*) ok "$stage: ${line#ok * }" ;;
		"not ok "[0-9]*)
			not_ok "$stage: ${line#not ok * }"
			diag "$said"
			;;
		*)
			said+=$line$'\n'
			continue
			;;
		esac
		said=''
		cases=$((cases + 1))
	done < <(guest "$space ./guest_pw.sh each $*")
	[ $cases = 24 ] || is "$stage: pseudowires that were looked at" "$cases" 24 || diag "$said"
}
# Verdicts since the last mark.
verdicts() { pw ctl --json show verdicts; }
mark() { marked=$(verdicts); }
since() { # VERDICT
	/usr/bin/python3 -c 'import json, sys
now, then = ({v["verdict"]: v["frames"] for v in json.loads(t)} for t in sys.argv[2:])
print(now[sys.argv[1]] - then[sys.argv[1]])' "$1" "$(verdicts)" "$marked"
}
at_least() { # NUMBER VERDICT
	local got
	got=$(since "$2")
	echo "$2: $got"
	[ "$got" -ge "$1" ]
}
all_up() { [ "$(pw ctl --json pseudowire show | json 'sum(p["state"] == "up" for p in d)')" = 24 ]; }
wait_for() { # SECONDS COMMAND...
	local until=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $until ] || return 1
		sleep 0.5
	done
}
log() { diag "$(guest 'tail -n 40 /tmp/l2xdpd.log')"; }
come_up() { # NAME
	check "$1" wait_for 30 all_up || {
		diag "$(pw ctl pseudowire show)"
		log
	}
}
# The far side anew, its devices with it: WRONG as in guest_pw.sh, MTU, sequencing.
far_again() {
	pw kernel-off far && guest "SEQ=${3:-} ./guest_pw.sh kernel far $1" && pw addresses far "$2"
}

# ---- the ground: the kernel on both sides ----------------------------------------------------------
check "namespaces, and the kernel's modules for L2TPv3" pw up || exit 1
check "the kernel's sessions, both sides" guest './guest_pw.sh kernel far && ./guest_pw.sh kernel near' || exit 1
guest './guest_pw.sh addresses far; ./guest_pw.sh addresses near'
each "kernel to kernel" site ping
check "what ip l2tp shows" guest './guest_pw.sh shown >/tmp/shown; grep -c "^Session" /tmp/shown | grep -x 24'
check "one side of the kernel leaves" pw kernel-off near

# ---- ours in its place -----------------------------------------------------------------------------
guest './guest_pw.sh configuration >/lab/l2xdpd.yaml; chmod 600 /lab/l2xdpd.yaml'
check "the configuration is good" guest 'LD_LIBRARY_PATH=/lab/lib /lab/l2xdpd --check --config /lab/l2xdpd.yaml'
check "l2xdpd starts" pw daemon-start || exit 1
come_up "all pseudowires come up"
is "at the driver's hook" "$(pw ctl --json show datapath | json '[i["mode"] for i in d["interfaces"]]')" "['native']"
is "their circuits, too" "$(pw ctl --json pseudowire show | json '{p["attach"]["mode"] for p in d}')" "{'native'}"
each "the MTU of its device is what goes whole" site mtu
mark
each "ping" site ping
each "ARP and neighbour discovery, ping, broadcast and multicast from the kernel" far arp
each "broadcast and multicast to the kernel" site broadcast
check "VLAN devices on both ends" pw vlans
each "one VLAN tag, and two, in it" site vlans
each "TCP, both ways" - tcp
check "frames were taken out at the hook" at_least 5000 pw-decap
check "frames were sent at the hook" at_least 5000 pw-encap
check "few by the daemon" [ $(($(since pw-slow) * 20)) -lt "$(since pw-encap)" ]

# ---- sizes -----------------------------------------------------------------------------------------
guest './guest_pw.sh configuration "mtu: 3400" >/lab/l2xdpd.yaml'
check "a reload with another MTU" pw ctl reload
come_up "all are up again"
guest './guest_pw.sh addresses near 3400; ./guest_pw.sh addresses far 3400'
each "ping, IPv4 and IPv6" site ping # neighbours are known then
mark
each "the largest frame that goes whole" site ping_whole
is "it went at the hook" "$(since pw-slow)" 0
mark
each "one octet more, 1472, 8000" site ping_cut
check "these went by the daemon" at_least 200 pw-slow
check "and came in fragments" at_least 200 outer-fragment
each "one octet more and 8000 from the kernel" far back_cut

# ---- wrong cookies ---------------------------------------------------------------------------------
mark
check "the kernel sends other cookies" far_again sends 3400
each "refused, unless there is none" site no_cookie
check "refused for its cookie" at_least 16 pw-cookie
mark
check "the kernel expects other cookies" far_again expects 3400
each "the kernel takes none, unless there is none" far nothing_taken
check "they were sent" at_least 16 pw-encap

# ---- the right ones again, and numbers where there is a sublayer -------------------------------------
guest 'SEQ=both ./guest_pw.sh configuration "mtu: 3400" >/lab/l2xdpd.yaml'
check "a reload, with sequencing" pw ctl reload
come_up "all are up again"
check "the kernel has the right cookies, and numbers" far_again '' 3400 both
mark
each "sequencing" site numbers
is "no number was old" "$(since sequence-old)" 0
lost() { pw ctl --json pseudowire show | json 'sum(p["rx"]["lost"] for p in d)'; }
is "none was missing" "$(lost)" 0

# ---- a restart, and the end ------------------------------------------------------------------------
guest 'for k in 3 12 18 23; do
	ip netns exec site ping -q -c 150 -i 0.1 -W 3 10.0.$k.2 >/tmp/ping$k 2>&1 &
done'
check "l2xdpd ends for another" pw daemon-stop TERM
check "which starts" pw daemon-start
come_up "all are up in it"
guest 'while pidof ping >/dev/null; do usleep 200000; done'
for k in 3 12 18 23; do
	has "no packet of pseudowire $k was lost" "$(guest "cat /tmp/ping$k")" ' 0% packet loss'
done
nothing_left() {
	guest 'ip -o link show | grep -E "l2tp|l2x"
		ip -n site -o link show | grep -E "pw[0-9]"
		bpftool net show dev access0 | grep -E "driver|generic|clsact"
		bpftool prog show | grep -E " name l2x"
		find /sys/fs/bpf/l2xdp -type f 2>/dev/null
		grep -q l2xdp /proc/net/raw /proc/net/raw6
		true'
}
check "l2xdpd ends" pw daemon-stop INT
is "nothing of it is left" "$(nothing_left)" ""

# ---- l2xdpctl import ip-l2tp ------------------------------------------------------------------------
check "the kernel's other side, as it was when that was shown" far_again '' '' ''
check "what ip l2tp showed is read" guest './guest_pw.sh imported >/lab/l2xdpd.yaml; chmod 600 /lab/l2xdpd.yaml
	grep -c "^ *attach:" /lab/l2xdpd.yaml | grep -x 24'
check "l2xdpd would take it" guest 'LD_LIBRARY_PATH=/lab/lib /lab/l2xdpd --check --config /lab/l2xdpd.yaml' ||
	diag "$(guest 'cat /lab/l2xdpd.yaml')"
check "l2xdpd starts with it" pw daemon-start
come_up "all pseudowires come up"
guest './guest_pw.sh addresses near'
each "imported" site ping
check "it ends" pw daemon-stop INT
is "and leaves nothing" "$(nothing_left)" ""
check_not "nothing is wrong in the kernel" guest 'dmesg | grep -E "WARNING|BUG|Oops"'
tap_done
