#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A site behind a NAT that gives it another port in the middle, and a second one behind the same NAT: site B
# knows them by their Host Names and secrets alone.
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

#   sa wan1 198.51.100.1 ---- 198.51.100.254  sn (NAT)  203.0.113.254 ---- wan1 203.0.113.1 sb
nat=
behind_nat() {
	lab_more+=("$(site_ns sn)")
	lab_namespace "$(site_ns sn)" &&
		lab_link "$(site_ns sa)" wan1 "$(site_ns sn)" in0 &&
		lab_link "$(site_ns sb)" wan1 "$(site_ns sn)" out0 || return
	ip -n "$(site_ns sa)" addr add 198.51.100.1/24 dev wan1
	ip -n "$(site_ns sn)" addr add 198.51.100.254/24 dev in0
	ip -n "$(site_ns sn)" addr add 203.0.113.254/24 dev out0
	ip -n "$(site_ns sb)" addr add 203.0.113.1/24 dev wan1
	lab_spawn "$(site_ns sn)" "$lab/nat" tests/lab/nat.py 198.51.100.254 203.0.113.254 40000 203.0.113.1
	nat=${lab_pids[-1]}
	wait_for 20 grep -q listening "$lab/nat"
}
nat_config() { # SITE LISTEN
	site_config "$1"
	sed -i "s/^listen: .*/listen: [$2]/; s/interfaces: .*/interfaces: [wan1]/" "$lab/$1.yaml"
}

sites_up || exit 1
check "a NAT" behind_nat || exit 1
nat_config sa 198.51.100.1 <<-E
	  - name: home
	    peer: 198.51.100.254
	    secret: s3cret
	    remote-end-id: 7
	    hello: 1
	    attach: { create: home, netns: $(site_ns ha), address: 10.1.0.1/24 }
E
nat_config sb 203.0.113.1 <<-E
	  - name: stranger
	    peer: 203.0.113.0/24
	    peer-host-name: somebody.example.net
	    secret: another
	    attach: { create: stranger }
	  - name: branch
	    peer: 203.0.113.0/24
	    peer-host-name: sa.example.net
	    secret: s3cret
	    remote-end-id: 7
	    hello: 5
	    attach: { create: branch, netns: $(site_ns hb), address: 10.1.0.2/24 }
E
for site in sa sb; do check "l2xdpd starts, $site" site_start $site || exit 1; done
check "the pseudowire comes up behind the NAT" wait_for 20 pw_is_up sa home
check "and at site B" wait_for 10 pw_is_up sb branch
is "the other one of that prefix does not" "$(pw sb stranger 'd["state"]')" down
port() { tunnels_of sb 'd[0]["port"] if d else 0'; }
is "its port is the NAT's" "$(port)" 40000
check "it carries" ha ping -c 3 -i 0.05 -W 2 10.1.0.2
check "large frames" hb ping -c 3 -i 0.05 -W 2 -s 1472 10.1.0.1
session=$(pw sb branch 'd["session"]')

kill -USR1 "$nat"
moved() { [ "$(port)" = 40001 ]; }
soon "the NAT gives it another port: site B follows a Hello" 6000 moved
carries() { ha ping -q -c 2 -i 0.05 -W 1 10.1.0.2; }
check "it carries" wait_for 10 carries
is "the session is the same" "$(pw sb branch 'd["session"]')" "$session"
check "site B restarts" site_stop sb && site_start sb
check "it carries" wait_for 10 carries
is "the session is the same" "$(pw sb branch 'd["session"]')" "$session"
kill -USR1 "$nat"
check "site A restarts, and has a third port" site_stop sa && site_start sa
check "it carries" wait_for 20 carries
for site in sa sb; do check "the end of $site" site_stop $site INT; done
is "no device is left" "$(for n in sa sb ha hb; do at $n ip -br link | grep -vE '^(lo|wan[01]|eth0|eth2)'; done)" ""
tap_done
