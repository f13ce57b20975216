#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Two sites, two l2xdpd, and pseudowires that they agree on: over UDP and IP, IPv4 and IPv6, signed in each
# way, dialled from either side and from both. What they carry, what tshark says of each control
# message, circuits whose state is seen at the other site, and daemons that are restarted, killed
# and reloaded below traffic.
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

wires="u4 1 4 udp sa hello=1
u6 1 6 udp sb digest=sha1 hide-avps=true hello=1
i4 1 4 ip sa digest=sha1 hello=1
i6 1 6 ip sb hide-avps=true cookie-octets=4 sublayer=none hello=1
x4 11 4 udp both cookie-octets=0 sequencing=both
x6 11 6 ip both digest=sha1
n4 21 4 ip sa open hello=1
cisco 21 4 udp sa cisco-draft-avps=true
yamaha 21 6 udp sb yamaha-header=true
both2and3 31 4 udp sa v2-fallback=true"

# Two more of u4's connection, for VLANs of a port.
tags() { # SITE
	local me=1 peer=2 vlan=107 dial=true
	[ "$1" = sa ] || { me=2 && peer=1 && vlan=207 && dial=false; }
	cat <<-E
		  - name: one-tag
		    peer: 192.0.2.$peer
		    local: 192.0.2.$me
		    remote-end-id: 4711
		    secret: s3cret
		    dial: $dial
		    attach: { device: eth2, vlan: $vlan, tag: remove }
		  - name: two-tags
		    peer: 192.0.2.$peer
		    local: 192.0.2.$me
		    remote-end-id: "customer 7/12"
		    secret: s3cret
		    dial: $dial
		    type: vlan
		    sublayer: none
		    attach: { device: eth2, vlan: [100, 7], tag: keep }
	E
}

signalled_up || exit 1
for site in sa sb; do tags $site | wires_config $site; done
capture_begin "$lab/all.pcap"
check "l2xdpd starts, site A" site_start sa || exit 1
check "l2xdpd starts, site B" site_start sb || exit 1
for site in sa sb; do
	check "every pseudowire comes up, $site" wait_for 20 all_up $site ||
		diag "$(site_ctl $site pseudowire show | json '"\n".join(v["name"] + ": " + str(v["why"]) for v in d if v["state"] != "up")')"
done

# ---- what is said of them ---------------------------------------------------------------------------

connected() { [ "$(tunnels_of "$1")" = 10 ]; }
for site in sa sb; do
	check "$site: one control connection for each peer, also where both have dialled" wait_for 10 connected $site
	is "$site: established" "$(tunnels_of $site 'sorted({t["state"] for t in d})')" '["established"]'
	is "$site: their sessions" "$(tunnels_of $site 'sorted(t["sessions"] for t in d)')" "[1, 1, 1, 1, 1, 1, 1, 1, 1, 3]"
	is "$site: their IDs are none of version 2" "$(tunnels_of $site 'all(t["id"] > 65535 and t["peer_id"] > 65535 for t in d)')" true
done
ids() { pw "$1" "$2" '[d["session"]["local"], d["session"]["remote"]]'; }
for name in u4 u6 i4 i6 x4 x6 n4 cisco yamaha both2and3 one-tag two-tags; do
	is "$name: the sites agree about its IDs" "$(ids sa $name)" "$(ids sb $name | json 'd[::-1]')"
done

# ---- what they carry ---------------------------------------------------------------------------------

n=0
while read -r name rest; do
	n=$((n + 1))
	check "$name: ARP and ping" ha ping -c 3 -i 0.02 -W 2 10.$n.0.2
	check "$name: IPv6, back" hb ping -c 3 -i 0.02 -W 2 fd00:$n::1
	check "$name: 1472 octets, larger than the way carries whole" ha ping -c 2 -i 0.02 -W 2 -s 1472 -M "do" 10.$n.0.2
done <<<"$wires"
check "TCP over UDP" transfer ha hb 10.1.0.2 2000000
check "TCP over IP and IPv6" transfer ha hb fd00:4::2 -2000000
hook_frames() { pw "$1" "$2" "[d['rx']['hook_frames'] - ${3:-0}, d['tx']['hook_frames'] - ${4:-0}, d['rx']['slow_frames'] - ${5:-0}]"; }
read -r rx tx slow <<<"$(hook_frames sa u4 | tr -d '[],')"
ha ping -q -c 50 -i 0.01 -W 2 10.1.0.2 >/dev/null
becomes "50 echoes: 50 frames at the hook each way, none in the slow path" "[50, 50, 0]" hook_frames sa u4 "$rx" "$tx" "$slow"

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
tagged "two tags stay, with their priorities" hb ha "3 88a8:a064,8100:2007 100" 88a8:a064 8100:2007

# ---- circuits -------------------------------------------------------------------------------------------

ip -n "$(site_ns ha)" link set u4 down
soon "a circuit of site A goes down: seen at site B" 2000 is_down sb u4
has "which says why" "$(why sb u4)" "peer.*circuit.*down"
has "as site A does" "$(why sa u4)" "no carrier"
is "the others stay" "$(pw sb one-tag 'd["state"]') $(pw sb u6 'd["state"]')" "up up"
ip -n "$(site_ns ha)" link set u4 up
soon "and up again" 2000 pw_is_up sb u4
check "it carries" ha ping -c 2 -i 0.05 -W 2 10.1.0.2
ip -n "$(site_ns hb)" link set eth0 down
soon "a port of site B goes down: seen at site A" 2000 is_down sa one-tag
check "by both of its circuits" wait_for 2 is_down sa two-tags
ip -n "$(site_ns hb)" link set eth0 up
soon "and up again" 2000 pw_is_up sa one-tag
wait_for 5 pw_is_up sa two-tags
tagged "VLANs are carried again" ha hb "3 8100:00cf 100" 8100:006b

# ---- restart, kill, reload -----------------------------------------------------------------------------------

same() { # LABEL: the sessions are those of $before
	is "$1: same sessions, site A" "$(sessions_of sa)" "$before_sa"
	is "$1: same sessions, site B" "$(sessions_of sb)" "$before_sb"
}
killed() { # SITE
	daemon_pid=${site_pid[$1]}
	daemon_kill
	unset "site_pid[$1]"
}
before_sa=$(sessions_of sa)
before_sb=$(sessions_of sb)
frames=$(pw sa u4 'd["rx"]["hook_frames"]')
steady_begin u4 10.1.0.2
steady_begin i6 fd00:4::2
check "site A ends for a restart" site_stop sa
check "and starts" site_start sa
check "all are up again, site A" wait_for 10 all_up sa
same "after a restart of site A"
check "site B is killed" killed sb
check "and starts" site_start sb
check "all are up again, site B" wait_for 10 all_up sb
same "after the kill of site B"
check "site B is reloaded" site_ctl sb reload
check "all are up again" wait_for 10 all_up sb
same "after the reload"
steady_end u4 "no frame is lost over all that, UDP"
steady_end i6 "no frame is lost over all that, IP"
check "counters have gone on" test "$(pw sa u4 'd["rx"]["hook_frames"]')" -gt "$frames"
ip -n "$(site_ns ha)" link set u6 down
soon "the control connections live: a circuit's state is told" 3000 is_down sb u6
ip -n "$(site_ns ha)" link set u6 up
check "and told" wait_for 5 pw_is_up sb u6
check "ten connections, as before" connected sa

# ---- the end -----------------------------------------------------------------------------------------------

# SLI of each connection that tshark looks at
for name in u4 i4 i6; do
	ip -n "$(site_ns ha)" link set $name down
	soon "$name: its circuit's state is told" 3000 is_down sb $name
done
check "the end of site A" site_stop sa INT
capture_end
soon "site B sees it at once" 2000 is_down sb u4
check "the end of site B" site_stop sb INT
is "no device is left" "$(for n in sa sb ha hb; do at $n ip -br link | grep -vE '^(lo|wan0|eth0|eth2)'; done)" ""
is "no program is left" "$(for n in sa sb; do at $n bpftool net show | grep -E 'driver|generic|native'; done)" ""
is "no pin is left" "$(find "$lab/bpffs/sa" "$lab/bpffs/sb" 2>/dev/null)" ""
is "no secret was logged" "$(cat "$lab"/s?.log | grep -c s3cret)" 0

# ---- what tshark says ---------------------------------------------------------------------------------

# verified LABEL CARRIER ADDRESS: each message has a digest, and tshark has found it right. That it has
# looked is shown by another secret, with which each is wrong.
verified() {
	local label=$1 of n d wrong unread
	read -r n d wrong unread <<<"$(digests "$right" "$2" "$3")"
	of="$n messages, $d with a digest, $wrong wrong, $unread unread"
	check "$label: tshark reads and verifies all ($of)" test "$n" -ge 6 -a "$d" = "$n" -a "$wrong" = 0 -a "$unread" = 0
	read -r n d wrong unread <<<"$(digests "$other" "$2" "$3")"
	is "$label: and none with another secret" "$wrong" "$n"
	is "$label: SCCRQ, SCCRP, SCCCN, StopCCN, Hello, ICRQ, ICRP, ICCN, SLI, acknowledgements" \
		"$(types "$right" "$2" "$3")" "1 2 3 4 6 10 11 12 16 20"
}
if [ -n "$(command -v tshark)" ]; then
	right=$(dissect "$lab/all.pcap" s3cret)
	other=$(dissect "$lab/all.pcap" another)
	verified "UDP and IPv4, MD5" udp 192.0.2.1
	verified "UDP and IPv6, SHA-1, hidden AVPs" udp 2001:db8::1
	verified "IP and IPv4, SHA-1" ip 192.0.2.1
	verified "IP and IPv6, MD5, hidden AVPs" ip 2001:db8::1
	read -r n d wrong unread <<<"$(digests "$(dissect "$lab/all.pcap" "")" ip 192.0.2.21)"
	check "without a secret directly over IP: digests as checksums ($n, $d, $wrong)" \
		test "$n" -ge 6 -a "$n" = "$d" -a "$wrong" = 0 -a "$unread" = 0
else
	skip "tshark verifies every control message" "there is no tshark (tests/packages.txt)"
fi
tap_done
