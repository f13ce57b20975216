#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Hostile control messages of version 3 (hostile3.py) against a daemon with established pseudowires: from strangers, in
# the name of the pseudowires' peer, replayed, and signed by somebody who knows a secret. The daemon lives, its
# memory is bounded, and the pseudowires lose nothing.
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

wires="u4 1 4 udp sb
i4 1 4 ip sb digest=sha1"
# Site A takes whoever knows this secret, too.
guests() { # ENCAPSULATION...
	local encap
	for encap in "$@"; do
		cat <<-E
			  - name: guest-$encap
			    peer: 198.18.0.0/15
			    local: 192.0.2.1
			    encapsulation: $encap
			    secret: guest secret
			    attach: { create: guest-$encap }
		E
	done
}

signalled_up || exit 1
guests udp ip | wires_config sa
wires_config sb </dev/null
ip -n "$(site_ns sa)" route add default via 192.0.2.2
ip -n "$(site_ns sb)" addr add 198.18.0.1/32 dev lo
capture_begin "$lab/all.pcap"
check "l2xdpd starts, site A" site_start sa || exit 1
check "l2xdpd starts, site B" site_start sb || exit 1
for name in u4 i4; do check "$name is up" wait_for 20 pw_is_up sa $name || exit 1; done
capture_end

established() { site_ctl sa pseudowire show | json '[[v["session"], v["state"]] for v in d if v["name"] in ("u4", "i4")]'; }
of() { pw sa u4 "d['session']['$1']"; }
counter() { site_ctl sa show datapath | json "d['l2tp3']['$1']"; }
before=$(established)
live=(--ccid "$(tunnels_of sa '[t["id"] for t in d if t["port"] == 1701][0]')"
	--session "$(of local)" --peer-session "$(of remote)")
hostile() { sb tests/lab/hostile3.py "$@" "${live[@]}"; }
alive() {
	kill -0 "${site_pid[sa]}" || { tail -n 30 "$lab/sa.log" && return 1; }
	established
	[ "$(established)" = "$before" ] && ha ping -q -c 2 -i 0.02 -W 2 10.1.0.2 && ha ping -q -c 2 -i 0.02 -W 2 10.2.0.2
}
check "the pseudowires carry" alive || exit 1
steady_begin i4 10.2.0.2

while IFS= read -r class; do
	output=$(hostile send "$class" 2>&1) || diag "$output"
	check "$class" alive || diag "$(tail -n 5 "$lab/sa.log")"
done < <(tests/lab/hostile3.py list)
for name in bad_header bad_avp no_digest bad_digest unknown_connection; do
	check "they are counted: $name" test "$(counter $name)" -gt 0
done

# Who knows a secret has connections of its own, and no more.
guest=(--source 198.18.0.1 --secret "guest secret")
while IFS= read -r class; do
	for carrier in "" --ip; do
		output=$(hostile insider "$class" "${guest[@]}" $carrier 2>&1) || not_ok "$class: $output"
		check "who knows the secret: $class ${carrier#--} ($output)" alive || diag "$(tail -n 5 "$lab/sa.log")"
	done
done < <(tests/lab/hostile3.py insiders)
check "requests were refused" test "$(counter calls_refused)" -gt 0
has "200 requests for what there is not" "$(hostile calls 200 "${guest[@]}")" '^ICRP 0, CDN 200 '
sa_rss() { daemon_pid=${site_pid[sa]} daemon_rss; }

quiet_flood() { # NAME COMMAND...
	local name=$1 first after
	shift
	first=$(sa_rss)
	steady_begin u4 10.1.0.2
	output=$(hostile "$@" 2>&1) || not_ok "$name was sent: $output"
	steady_end u4 "$name: the pseudowire loses nothing"
	after=$(sa_rss)
	check "$name: memory does not grow without bound ($first to $after KiB)" test $((after - first)) -lt 8192
	check "$name: the sessions are those that were" alive
}
quiet_flood "what the peer has said, again" replay "$lab/all.pcap" 10000
quiet_flood "Hello and acknowledgements in the peer's name" hello-flood 10000
quiet_flood "the same over IP" hello-flood 10000 --ip
quiet_flood "guessed Session IDs and cookies" guess 10000
quiet_flood "the same over IP" guess 10000 --ip
check "guesses were counted" test "$(($(site_verdict sa pw-cookie) + $(site_verdict sa pw-unknown)))" -gt 10000
quiet_flood "SCCRQ from 10000 strangers" sccrq-flood 10000 172.16
quiet_flood "SCCRQ of 10000 sources that do not know the secret" sccrq-flood 10000 198.18 --secret guess
steady_end i4 "nothing was lost in all that"

# The peer can come back.
check "the peer ends" site_stop sb INT
check "and comes back" site_start sb
for name in u4 i4; do check "$name is up again" wait_for 30 pw_is_up sa $name; done
before=$(established)
ha ip neigh flush all # devices that site B has made anew
check "they carry" alive

# SCCRQ signed by the secret take up what may be in set-up, and no more.
hostile sccrq-flood 10000 198.18 --secret "guest secret"
diag "with those in set-up $(sa_rss) KiB"
quiet_flood "signed SCCRQ of 10000 sources, again" sccrq-flood 10000 198.18 --secret "guest secret"
quiet_flood "the same over IP" sccrq-flood 10000 198.18 --secret "guest secret" --ip
check "there is a limit to them, which was reached" test "$(($(counter half_open_limit) + $(counter setup_rate_limit)))" -gt 0
diag "counters: $(site_ctl sa show datapath | json '", ".join("%s %d" % i for i in d["l2tp3"].items() if i[1])')"
has "nothing from the network reached the log unquoted" \
	"$(LC_ALL=C grep -c $'[\x01-\x08\x0b-\x1f\x7f]' "$lab/sa.log")" '^0$'
check "the log is bounded" test "$(wc -l <"$lab/sa.log")" -lt 2000
check "the end of site B" site_stop sb INT
check "site A ends cleanly after all that" site_stop sa INT
tap_done
