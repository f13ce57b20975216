#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A site of two loses its power: no maps, no program, none of its devices, nothing in memory. Its
# signalled pseudowires come back from the durable store with the Session IDs that they had; the other
# site sees none of them go. The same where nothing is pinned, with each restart. And a circuit's device
# that goes and comes back under its name is carried on while there is no daemon.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh
# shellcheck source=tests/lab/sites.sh
. tests/lab/sites.sh
# shellcheck source=tests/lab/signalled.sh
. tests/lab/signalled.sh

wires="u4 1 4 udp sa
i6 1 6 ip sb digest=sha1
x4 11 4 udp both
n4 21 4 ip sa open"

# A static one, and one for all frames of a port that is not ours.
others() { # SITE
	local me=1
	[ "$1" = sa ] || me=2
	cat <<-E
		  - name: static
		    peer: 192.0.2.$((3 - me))
		    local: 192.0.2.$me
		    signalled: false
		    session: { local: 0x5000, remote: 0x5000 }
		    attach: { create: static, netns: $(site_ns "h${1#s}"), address: 10.9.0.$me/24 }
		  - name: port
		    peer: 192.0.2.$((3 - me))
		    local: 192.0.2.$me
		    secret: s3cret
		    dial: $([ $me = 1 ] && echo true || echo false)
		    attach: { device: eth2 }
	E
}
addresses="10.1.0 10.2.0 10.3.0 10.4.0 10.7.0 10.9.0"

killed() { # SITE
	daemon_pid=${site_pid[$1]}
	daemon_kill
	unset "site_pid[$1]"
}
power_fails() { # SITE
	[ -z "${site_pid[$1]:-}" ] || killed "$1"
	rm -rf "${lab:?}/bpffs/$1" "$lab/memory/$1"
	at "$1" tc qdisc del dev wan0 clsact 2>/dev/null
	for device in $(at "$1" ip -br link | sed -n 's/^\(l2[a-z0-9]*\).*/\1/p'); do at "$1" ip link del "$device"; done
}
bare() { # SITE
	! at "$1" ip -br link | grep -q '^l2' && ! at "$1" bpftool net show | grep -qE 'driver|generic' &&
		[ ! -e "$lab/memory/$1" ] && ! at "h${1#s}" ip -br link | grep -q '^u4'
}
carried() { # LABEL
	local net
	ha ip neigh flush all # devices are made anew, with other addresses
	hb ip neigh flush all
	for net in $addresses; do check "$1: it carries, $net" ha ping -q -c 3 -i 0.05 -W 2 "$net.2"; done
}
note() {
	before_sa=$(sessions_of sa)
	before_sb=$(sessions_of sb)
	told=$(wc -l <"$lab/sb.log")
}
same() { # LABEL
	check "$1: all are up" wait_for 10 all_up sa
	is "$1: same sessions, site A" "$(sessions_of sa)" "$before_sa"
	is "$1: same sessions, site B" "$(sessions_of sb)" "$before_sb"
	is "$1: site B has seen none of them go" "$(tail -n +$((told + 1)) "$lab/sb.log" | grep -E 'down|closed|dialled')" ""
}

signalled_up || exit 1
ip -n "$(site_ns ha)" addr add 10.7.0.1/24 dev eth0
ip -n "$(site_ns hb)" addr add 10.7.0.2/24 dev eth0
for site in sa sb; do
	others $site | wires_config $site
	check "l2xdpd starts, $site" site_start $site || exit 1
done
for site in sa sb; do check "all come up, $site" wait_for 20 all_up $site; done
carried "at first"
wait_for 10 test "$(tunnels_of sa)" = 4
sleep 2 # what was last settled stands in the durable store at the least

# ---- the power ----------------------------------------------------------------------------------------

note
check "site A loses its power" power_fails sa
check "nothing is left but the state directory" bare sa
check "site A starts" site_start sa
same "after the loss of power"
carried "after the loss of power"
check "site A is stopped" site_stop sa
power_fails sa
check "a reboot by order" site_start sa
same "after the reboot"
carried "after the reboot"

# ---- without pins ---------------------------------------------------------------------------------------

check "site A is stopped" site_stop sa
power_fails sa
sed -i 's/bpf-directory: .*/bpf-directory: none/' "$lab/sa.yaml"
check "site A starts without pins" site_start sa
same "without pins"
check "site A is stopped" site_stop sa
check "site A starts again" site_start sa
same "after a restart without pins"
carried "after a restart without pins"
reload_a() { "$BUILD/l2xdpctl" --socket "$lab/sa.sock" reload; }
check "a reload without pins is taken" reload_a
same "after a reload without pins"
carried "after a reload without pins"
check "site A is killed" killed sa
check "site A starts again" site_start sa
same "after a kill without pins"
check "site A is stopped" site_stop sa
others sa | wires_config sa
check "site A starts with pins again" site_start sa
same "with pins again"

# ---- a device that comes back --------------------------------------------------------------------------

link_again() {
	ip -n "$(site_ns sa)" link del eth2
	lab_link "$(site_ns ha)" eth0 "$(site_ns sa)" eth2
	ip -n "$(site_ns sa)" link set dev eth2 xdp off
	ethtool_in ha -K eth0 gro on
	ip -n "$(site_ns ha)" link set dev eth0 xdp off
	ip -n "$(site_ns ha)" addr add 10.7.0.1/24 dev eth0
}
check "a port's device goes and comes back" link_again
check "it is a circuit again" wait_for 10 pw_is_up sa port
check "at both sites" wait_for 10 pw_is_up sb port
check "its link is pinned" wait_for 5 test -e "$lab/bpffs/sa/circuit-eth2"
hb ip neigh flush all
wait_for 10 ha ping -q -c 1 -W 1 10.7.0.2
steady_begin port 10.7.0.2
sleep 0.3
check "site A is killed" killed sa
sleep 1
check "site A starts" site_start sa
check "all are up" wait_for 10 all_up sa
check "and reloaded" site_ctl sa reload
check "all are up" wait_for 10 all_up sa
steady_end port "no frame of the port is lost over that"

for site in sa sb; do check "the end of $site" site_stop $site INT; done
is "no device is left" "$(for n in sa sb ha hb; do at $n ip -br link | grep -vE '^(lo|wan0|eth0|eth2)'; done)" ""
is "no pin is left" "$(find "$lab/bpffs/sa" "$lab/bpffs/sb" 2>/dev/null)" ""
tap_done
