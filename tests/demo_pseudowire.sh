#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `make demo-pseudowire`: two sites and one Ethernet segment over both. Installs what is missing, builds,
# starts an l2xdpd at each site, joins a host at site A with a bridge at site B by one L2TPv3 pseudowire, and
# two ports by another that carries a VLAN; shows ARP, IPv4, IPv6, TCP and frames with tags crossing at
# the driver hook. Whatever happens, it cleans up.
#
set -u
cd "$(dirname "$0")/.." || exit 1
unset MAKEFLAGS MFLAGS MAKELEVEL
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh
# shellcheck source=tests/lab/sites.sh
. tests/lab/sites.sh
# shellcheck source=tests/demo_head.sh
. tests/demo_head.sh

demo_logs=(sa.log sb.log)
demo_build make demo-pseudowire

step "2. Two sites, and a network between them"
sites_up || fail "the lab does not come up"
cat <<'E'
  host A          site A (l2xdpd)          site B (l2xdpd)         bridge of site B
  lan0 =========== 192.0.2.1 ============= 192.0.2.2 =========== trunk0 -+- port1 - host 1
  10.1.0.1       2001:db8::1               2001:db8::2                   +- port2 - host 2
  fd00::1                                                        10.1.0.11, 10.1.0.12
  eth0 ---- eth2, VLAN 107 ============================= VLAN 207, eth2 ---- eth0
E
# the bridge and its hosts, at site B
bridge=$(site_ns hb)
if ! ip -n "$bridge" link add br0 type bridge; then fail "no bridge"; fi
ip -n "$bridge" link set br0 up
for i in 1 2; do
	lab_more+=("$(site_ns "h$i")")
	lab_namespace "$(site_ns "h$i")"
	ip -n "$bridge" link add "port$i" type veth peer name lan0 netns "$(site_ns "h$i")"
	ip -n "$bridge" link set "port$i" master br0 up
	ip -n "$(site_ns "h$i")" link set lan0 up || fail "no host $i"
	at "h$i" ethtool -K lan0 tx off >/dev/null 2>&1 # as frames on a wire have them: whole sums
	ip -n "$(site_ns "h$i")" addr add "10.1.0.1$i/24" dev lan0
	ip -n "$(site_ns "h$i")" addr add "fd00::1$i/64" dev lan0
done

step "3. l2xdpd at both sites"
pseudowires() { # SITE PEER LOCAL REMOTE VLAN ATTACH
	cat <<-E
		  - name: segment
		    peer: 192.0.2.$2
		    encapsulation: udp
		    signalled: false
		    session: { local: $3, remote: $4 }
		    cookie: { local: "0123456789abcde$3", remote: "0123456789abcde$4" }
		    sublayer: none
		    attach: { $6, mtu: 1500 }
		  - name: vlan
		    peer: "2001:db8::$2"
		    encapsulation: ip
		    signalled: false
		    session: { local: 10$3, remote: 10$4 }
		    cookie: { local: "fedcba987654321$3", remote: "fedcba987654321$4" }
		    sublayer: none
		    attach: { device: eth2, vlan: $5 }
	E
}
pseudowires sa 2 1 2 107 "create: lan0, netns: $(site_ns ha), address: [10.1.0.1/24, \"fd00::1/64\"]" |
	site_config sa
pseudowires sb 1 2 1 207 "create: trunk0, netns: $bridge" | site_config sb
show "cat l2xdpd.yaml   # of site A"
sed 's/^/  /' "$lab/sa.yaml"
for site in sa sb; do
	show "l2xdpd --config l2xdpd.yaml   # $site"
	site_start $site || fail "l2xdpd does not start"
	sed 's/^/  /' "$lab/$site.log"
done
ip -n "$bridge" link set trunk0 master br0 || fail "trunk0 is not there"
wait_for 5 pw_is_up sa segment || fail "the pseudowire is not up"
wait_for 5 pw_is_up sb segment || fail "the pseudowire is not up"

step "4. ARP, IPv4, IPv6"
try_ping() { # SITE ADDRESS [OPTION...]
	local from=$1 to=$2
	shift 2
	printf '  %-3s -> %-10s %-12s ' "$from" "$to" "$*"
	at "$from" ping -q -c 4 -i 0.1 -W 2 "$@" "$to" >"$lab/ping" 2>&1 || {
		cat "$lab/ping"
		fail "no answer from $to"
	}
	sed -n 's/^\(.* received\).*/\1/p' "$lab/ping" | tr '\n' ' '
	sed -n 's/^rtt.*= [^/]*\/\([^/]*\)\/.*/\1 ms/p' "$lab/ping"
}
try_ping ha 10.1.0.11
try_ping ha 10.1.0.12
try_ping h1 fd00::1
try_ping h2 fd00::1
try_ping h1 10.1.0.1 -s 1472
show "ip neighbour   # of host A: what ARP and neighbour discovery have found over the pseudowire"
ha ip neighbour show dev lan0 | grep -v fe80 | sed 's/^/  /'

step "5. TCP, 2 s each way"
packets() { pw sa segment '[sum(d[a][b] for a in ("rx", "tx")) for b in ("hook_frames", "slow_frames")]'; }
h1() { at h1 "$@"; }
before=$(packets)
try_tcp() { # NAME [OPTION]
	local octets
	octets=$(tcp ha h1 10.1.0.11 -t 2 -M 1360 "${@:2}") || fail "TCP, $1"
	awk -v n="$1" -v o="$octets" 'BEGIN { printf "  %-14s %6.0f MB %8.0f Mb/s\n", n, o / 1e6, o * 8 / 2e6 }'
}
try_tcp "to host 1"
try_tcp "to host A" -R
after=$(packets)

step "6. A VLAN: tag 107 at site A, 207 at site B"
: >"$lab/taken"
hb tests/lab/frames.py take eth0 5 5 >"$lab/taken" &
lab_pids+=($!)
wait_for 5 grep -q ready "$lab/taken"
show "frames.py send eth0 5 100 8100:006b   # host A: five frames of 100 octets, tag 8100, VLAN 107"
ha tests/lab/frames.py send eth0 5 100 8100:006b
wait "${lab_pids[-1]}"
grep -v ready "$lab/taken" | sed 's/^/  arrived: tag /'
[ "$(grep -c '^8100:00cf 100$' "$lab/taken")" = 5 ] || fail "the frames did not arrive with tag 207"

step "7. What crossed at the driver hook"
for command in "pseudowire show" "pseudowire show segment" "show verdicts"; do
	show "l2xdpctl $command   # site A"
	# shellcheck disable=SC2086 # words
	"$BUILD/l2xdpctl" --socket "$lab/sa.sock" $command | sed 's/^/  /'
done
# shellcheck disable=SC2016 # Python's
verdict=$(echo "[$before, $after]" | json '(lambda h, s: "%d %d %.3f" % (h, s, 100 * h / max(h + s, 1)))(
	d[1][0] - d[0][0], d[1][1] - d[0][1])')
read -r hook slow percent <<<"$verdict"
printf '\n  TCP: %s frames at the hook, %s in the slow path: %s%s %%%s at the hook\n' \
	"$hook" "$slow" "$bold" "$percent" "$plain"
awk -v p="$percent" -v h="$hook" 'BEGIN { exit !(p >= 99 && h > 1000) }' ||
	fail "less than 99 % crossed at the hook"

step "8. The end"
for site in sa sb; do site_stop $site INT || fail "l2xdpd did not end cleanly"; done
left=$(for n in sa sb ha hb; do at $n ip -br link | grep -E 'lan0|trunk0|l2tp'; done
	for n in sa sb; do at $n bpftool net show 2>/dev/null | grep -E 'driver|generic|native'; done)
[ -z "$left" ] || fail "l2xdpd left behind: $left"
demo_end
