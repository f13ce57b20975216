#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Pseudowires by l2xdpctl, in the words of `ip l2tp`, while another one carries traffic: added at both
# sites, over a restart, deleted. What is refused changes nothing.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh
# shellcheck source=tests/lab/sites.sh
. tests/lab/sites.sh

ctl_at() { # SITE COMMAND...: for people
	local where=$1
	shift
	"$BUILD/l2xdpctl" --socket "$lab/$where.sock" "$@" 2>&1
}
add() { # SITE NAME WORD VALUE...
	local where=$1
	shift
	ctl_at "$where" pseudowire add "$@"
}
# refused SITE STATUS TEXT COMMAND...
refused() {
	local where=$1 status=$2 text=$3 output
	shift 3
	output=$(ctl_at "$where" "$@")
	is "$*: status" "$?" "$status"
	has "$*: it says why" "$output" "$text"
}
names() { site_ctl "$1" pseudowire show | json "' '.join(v['name'] for v in d)"; }
managed() { cat "$lab/sa-state/pseudowires.yaml" 2>/dev/null; }

sites_up || exit 1
for site in sa sb; do
	site_config $site <<<''
	sed -i 's/^pseudowires:$/pseudowires: []/; s/^  shards: 1$/&\n  circuit-devices: [eth2]/' "$lab/$site.yaml"
	check "l2xdpd starts with nothing to carry, $site" site_start $site || exit 1
done
is "there is no pseudowire" "$(names sa)" ""

# ---- one that carries throughout ------------------------------------------------------------------

keep=(session_id 1 peer_session_id 1 create keep0)
check "added at site A" add sa keep peer 192.0.2.2 "${keep[@]}" netns "$(site_ns ha)" address 10.1.0.1/24
check "added at site B" add sb keep peer 192.0.2.1 "${keep[@]}" netns "$(site_ns hb)" address 10.1.0.2/24
check "up at site A" wait_for 5 pw_is_up sa keep
check "up at site B" wait_for 5 pw_is_up sb keep
check "it carries" ha ping -c 3 -i 0.05 -W 2 10.1.0.2
is "the file is root's alone" "$(stat -c %a "$lab/sa-state/pseudowires.yaml")" 600

# ---- the words of ip l2tp ---------------------------------------------------------------------------

ha ping -q -i 0.02 -c 500 -W 2 10.1.0.2 >"$lab/ping" 2>&1 &
pinger=$!
lab_pids+=("$pinger")
# V3-LIN-4: what one end sends is what the other expects
echo 0123456789abcdef >"$lab/cookie"
check "over IP and IPv6, cookies crosswise; from a file" add sa vm peer 2001:db8::2 encap ip session_id 3 \
	peer_session_id 0x7 cookie "@$lab/cookie" peer_cookie fedcba98 l2spec_type none seq none \
	create vm0 netns "$(site_ns ha)" address 10.3.0.1/24,fd03::1/64
check "and at the other end; from standard input" add sb name vm peer 2001:db8::1 encap ip session_id 7 \
	peer_session_id 3 cookie fedcba98 peer_cookie - l2spec_type none \
	create vm0 netns "$(site_ns hb)" address 10.3.0.2/24,fd03::2/64 <"$lab/cookie"
check "up at site A" wait_for 5 pw_is_up sa vm
check "up at site B" wait_for 5 pw_is_up sb vm
check "it carries IPv4" ha ping -c 3 -i 0.05 -W 2 10.3.0.2
check "and IPv6" hb ping -c 3 -i 0.1 -W 2 fd03::1
is "cookies are not shown" "$(ctl_at sa pseudowire show vm --json | grep -cE '0123456789abcdef|fedcba98')" 0
has "but that there are some" "$(ctl_at sa pseudowire show vm)" '4 octets expected, 8 sent'
check "a VLAN of a device that is named" add sa tagged peer 192.0.2.2 session_id 9 peer_session_id 9 \
	device eth2 vlan 107 tag keep
is "the list" "$(names sa)" "keep vm tagged"

# ---- what is refused ---------------------------------------------------------------------------------

before=$(managed)
refused sa 1 'not in datapath.circuit-devices' pseudowire add x peer 192.0.2.2 session_id 10 \
	peer_session_id 10 device wan0 vlan 5
refused sa 1 'as a whole it would take' pseudowire add x peer 192.0.2.2 session_id 10 peer_session_id 10 device wan0
refused sa 1 'session.local 9 is already' pseudowire add x peer 192.0.2.2 session_id 9 peer_session_id 1 device eth2
refused sa 1 'pseudowire del vm' pseudowire add vm peer 192.0.2.2 session_id 10 peer_session_id 10 create x0
refused sa 1 'cookie.remote is no cookie' pseudowire add x peer 192.0.2.2 session_id 10 peer_session_id 10 \
	create x0 cookie 0123
refused sa 2 'no word tunnel_id' pseudowire add x tunnel_id 1
refused sa 1 'no pseudowire nobody' pseudowire del nobody
cp "$lab/sa.yaml" "$lab/sa.yaml.good"
echo 'nonsense: 1' >>"$lab/sa.yaml"
refused sa 1 'no key nonsense' pseudowire del vm
cp "$lab/sa.yaml.good" "$lab/sa.yaml"
is "nothing of that was written" "$(managed)" "$before"
is "nor left" "$(ls "$lab/sa-state")" "$(printf 'pseudowires.yaml\nstore.lock\nstore.mdb')"
is "all are there" "$(names sa)" "keep vm tagged"

{
	sed 's/^pseudowires: .*/pseudowires:/' "$lab/sa.yaml"
	echo '  - { name: x, peer: 192.0.2.9, signalled: false, session: { local: 1, remote: 1 }, attach: { device: eth7 } }'
} >"$lab/check.yaml"
has "a device that is not there is told by a check" "$(sa "$BUILD/l2xdpd" --check --config "$lab/check.yaml" 2>&1)" \
	'pseudowire x: there is no device eth7'

# a device of somebody else's stays, whatever it is called
ip -n "$(site_ns sa)" link add l2xmine type veth peer name l2xother
check "a name that a device has" add sa taken peer 192.0.2.2 session_id 11 peer_session_id 11 \
	create l2xmine kind tap
has "it is down, and says why" "$(pw sa taken 'd["why"]')" 'it is not ours'
has "the device is still there" "$(ip -n "$(site_ns sa)" -d link show l2xmine)" ' veth '
check "del" ctl_at sa pseudowire del taken
check "and stays" ip -n "$(site_ns sa)" link delete l2xmine

# ---- restart, del ---------------------------------------------------------------------------------------

check "a restart" site_stop sa
check "finds them" site_start sa
is "all of them" "$(names sa)" "keep vm tagged"
check "up again" wait_for 5 pw_is_up sa vm
check "del" ctl_at sa pseudowire del vm
is "its device is gone" "$(ha ip -br link show vm0 2>/dev/null)" ""
is "the others stay" "$(names sa)" "keep tagged"
wait "$pinger"
has "no frame of the other was lost over all that" "$(cat "$lab/ping")" '500 received, 0% packet loss'
check "del" ctl_at sa pseudowire del tagged
check "del of the last" ctl_at sa pseudowire del keep
is "none is left" "$(names sa)" ""
has "nor in the file" "$(managed)" 'pseudowires: \[\]'
check "l2xdpd starts without any" site_stop sa && site_start sa
for site in sa sb; do check "the end of $site" site_stop $site INT; done
is "no device is left" "$(for n in sa sb ha hb; do at $n ip -br link | grep -vE '^(lo|wan0|eth0|eth2)'; done)" ""
tap_done
