#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two sites, two l2xdpd, static pseudowires of every form between them: hosts at devices that l2xdpd
# makes, and circuits of one VLAN tag and of two at a port. Small and large frames, TCP, restart,
# reload, link state, and that nothing is left.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh
# shellcheck source=tests/lab/sites.sh
. tests/lab/sites.sh

# The forms: each pseudowire of the list is one between ha and hb.
#   name encapsulation family cookie-octets sublayer sequencing
forms="u4c0n udp 4 0 none none
u4c8d udp 4 8 default both
u6c8n udp 6 8 none none
u6c4d udp 6 4 default none
i4c0d ip 4 0 default both
i4c8n ip 4 8 none none
i6c4n ip 6 4 none none
i6c8d ip 6 8 default both"

octets() { # COUNT DIGIT: of a cookie
	printf "%0$((2 * $1))d" 0 | tr 0 "$2"
}

form_config() { # SITE
	local name encap family cookie sublayer seq n=0 me=1 peer=2 id
	[ "$1" = sa ] || { me=2 && peer=1; }
	while read -r name encap family cookie sublayer seq; do
		n=$((n + 1))
		id=$((n + 1000 * me))
		echo "  - name: $name"
		[ "$family" = 4 ] && echo "    peer: 192.0.2.$peer" || echo "    peer: \"2001:db8::$peer\""
		cat <<-E
			    encapsulation: $encap
			    signalled: false
			    session: { local: $id, remote: $((n + 1000 * peer)) }
			    sublayer: $sublayer
			    sequencing: $seq
			    attach: { create: $name, netns: $(site_ns "h${1#s}"), address: [10.$n.0.$me/24, "fd00:$n::$me/64"], mtu: 1500 }
		E
		[ "$cookie" = 0 ] || echo "    cookie: { local: \"$(octets "$cookie" $me)\", remote: \"$(octets "$cookie" $peer)\" }"
	done <<<"$forms"
}

tag_config() { # SITE
	local me=1 peer=2 vlan=107
	[ "$1" = sa ] || { me=2 && peer=1 && vlan=207; }
	cat <<-E
		  - name: one-tag
		    peer: 192.0.2.$peer
		    encapsulation: ip
		    signalled: false
		    session: { local: $((3000000000 + me)), remote: $((3000000000 + peer)) }
		    cookie: { local: "$(octets 8 $me)", remote: "$(octets 8 $peer)" }
		    sublayer: none
		    attach: { device: eth2, vlan: $vlan, tag: remove }
		  - name: two-tags
		    peer: "2001:db8::$peer"
		    encapsulation: udp
		    signalled: false
		    session: { local: $((3100000000 + me)), remote: $((3100000000 + peer)) }
		    cookie: { local: "$(octets 8 $me)", remote: "$(octets 8 $peer)" }
		    sublayer: none
		    attach: { device: eth2, vlan: [100, 7], tag: keep }
	E
}

sites_up || exit 1
for site in sa sb; do { form_config $site && tag_config $site; } | site_config $site; done
check "l2xdpd starts, site A" site_start sa || exit 1
check "l2xdpd starts, site B" site_start sb || exit 1

while read -r name rest; do
	check "$name is up" wait_for 5 pw_is_up sa "$name" || site_ctl sa pseudowire show "$name"
	wait_for 5 pw_is_up sb "$name"
done <<<"$forms"

n=0
while read -r name encap family rest; do
	n=$((n + 1))
	check "$name: ARP and ping, 56 octets" ha ping -c 3 -i 0.05 -W 2 10.$n.0.2
	check "$name: IPv6" hb ping -c 3 -i 0.05 -W 2 fd00:$n::1
	check "$name: 1472 octets, larger than the way carries whole" ha ping -c 3 -i 0.05 -W 2 -s 1472 -M "do" 10.$n.0.2
	check "$name: 8000 octets" hb ping -c 2 -i 0.05 -W 2 -s 8000 10.$n.0.1
	check "$name: TCP, to site B" transfer ha hb 10.$n.0.2 2000000
	check "$name: TCP over IPv6, to site A" transfer ha hb fd00:$n::2 -2000000
done <<<"$forms"

# What fits goes at the hook, each frame.
before=$(pw sa u4c8d '[d[a][b] for a in ("rx", "tx") for b in ("hook_frames", "slow_frames")]')
ha ping -q -c 50 -i 0.01 -W 2 10.2.0.2 >/dev/null
becomes "50 echoes: 50 frames at the hook each way, none in the slow path" "[50, 0, 50, 0]" \
	pw sa u4c8d "[b - a for a, b in zip($before, [d[a][b] for a in ('rx', 'tx') for b in ('hook_frames', 'slow_frames')])]"

# ---- tags ---------------------------------------------------------------------------------------

# tagged LABEL FROM TO WANTED TAG...: three frames with these tags arrive with those
tagged() {
	local label=$1 from=$2 to=$3 wanted=$4 taker
	shift 4
	: >"$lab/taken"
	$to tests/lab/frames.py take eth0 5 3 >"$lab/taken" &
	taker=$!
	lab_pids+=("$taker")
	wait_for 5 grep -q ready "$lab/taken"
	$from tests/lab/frames.py send eth0 3 100 "$@"
	wait "$taker"
	is "$label" "$(grep -v ready "$lab/taken" | sort | uniq -c | xargs)" "$wanted"
}
tagged "one tag becomes the other site's" ha hb "3 8100:00cf 100" 8100:006b
tagged "and back" hb ha "3 8100:006b 100" 8100:00cf
tagged "a tag behind it is the frame's own" ha hb "3 8100:00cf,8100:0005 100" 8100:006b 8100:0005
tagged "two tags stay, with their priorities" ha hb "3 88a8:a064,8100:2007 100" 88a8:a064 8100:2007
: >"$lab/taken"
hb tests/lab/frames.py take eth0 1 1 >"$lab/taken" &
lab_pids+=($!)
wait_for 5 grep -q ready "$lab/taken"
ha tests/lab/frames.py send eth0 3 100 8100:006c
wait "${lab_pids[-1]}"
is "a tag that is no circuit's goes nowhere" "$(grep -vc ready "$lab/taken")" 0

# ---- restart, reload, link state ------------------------------------------------------------------

ha ping -q -i 0.01 -c 600 -W 2 10.2.0.2 >"$lab/ping" 2>&1 &
pinger=$!
lab_pids+=("$pinger")
sleep 1
check "l2xdpd of site A ends for a restart" site_stop sa
sleep 1
check "and starts" site_start sa
wait "$pinger"
has "no frame is lost over it" "$(cat "$lab/ping")" '600 received, 0% packet loss'
has "its counters have gone on" "$(pw sa u4c8d 'str(d["tx"]["hook_frames"])')" '^[0-9]{3,}$'
tagged "tags are carried as before" ha hb "3 8100:00cf 100" 8100:006b

ip -n "$(site_ns ha)" link set u4c0n down
becomes "a circuit whose other end is down is down" down pw sa u4c0n 'd["state"]'
has "and it says why" "$(pw sa u4c0n 'd["why"]')" 'no carrier'
ip -n "$(site_ns ha)" link set u4c0n up
check "it comes back" wait_for 5 pw_is_up sa u4c0n
check "with its traffic" ha ping -c 2 -i 0.05 -W 2 10.1.0.2

# One goes, one comes; the others notice nothing.
{ form_config sa && tag_config sa; } | sed '/name: u4c0n/,/mtu: 1500/d' | site_config sa
ha ping -q -i 0.01 -c 300 -W 2 10.2.0.2 >"$lab/ping" 2>&1 &
pinger=$!
lab_pids+=("$pinger")
sleep 0.5
check "reload without one of them" site_ctl sa reload
wait "$pinger"
has "the others lose nothing" "$(cat "$lab/ping")" '300 received, 0% packet loss'
is "its device is gone" "$(ha ip -br link show u4c0n 2>/dev/null)" ""
{ form_config sa && tag_config sa; } | site_config sa
check "reload with it" site_ctl sa reload
check "it is up again" wait_for 5 pw_is_up sa u4c0n
check "and carries" ha ping -c 2 -i 0.05 -W 2 10.1.0.2

# ---- the end -----------------------------------------------------------------------------------------

for site in sa sb; do check "the end of $site" site_stop $site INT; done
is "no device is left" "$(for n in sa sb ha hb; do at $n ip -br link | grep -vE '^(lo|wan0|eth0|eth2)'; done)" ""
is "no program is left" "$(for n in sa sb; do at $n bpftool net show | grep -E 'driver|generic|native'; done)" ""
is "no pin is left" "$(find "$lab/bpffs/sa" "$lab/bpffs/sb" 2>/dev/null)" ""
tap_done
