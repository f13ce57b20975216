#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What changes below signalled pseudowires: a peer that goes and comes back, with its state and without; secrets
# that are exchanged, in either order, while frames flow; a secret that differs, a Remote End ID that the peer
# does not know; and a static pseudowire whose peer is watched.
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

wires="u4 1 4 udp both
i6 1 6 ip sb digest=sha1 hide-avps=true"
more= # further pseudowires of site A

watched() { # SITE
	local me=1
	[ "$1" = sa ] || me=2
	cat <<-E
		  - name: watched
		    peer: 192.0.2.$((23 - me))
		    local: 192.0.2.$((20 + me))
		    signalled: false
		    session: { local: 5, remote: 5 }
		    keepalive: true
		    secret: another one
		    attach: { create: watched, netns: $(site_ns "h${1#s}"), address: 10.9.0.$me/24 }
	E
}
configured() { # SITE
	{
		watched "$1"
		[ "$1" = sb ] || echo "$more"
	} | wires_config "$1"
}

signalled_up || exit 1
for site in sa sb; do
	configured $site
	check "l2xdpd starts, $site" site_start $site || exit 1
done
for site in sa sb; do check "all come up, $site" wait_for 20 all_up $site; done
is "that both dial is no failure" "$(cat "$lab"/s?.log | grep -E 'both (sides|ends)|cannot be set up|not set up|no control connection')" ""
check "the watched one carries" ha ping -c 2 -i 0.05 -W 2 10.9.0.2

# ---- a peer that goes -------------------------------------------------------------------------------

check "site B ends for good" site_stop sb INT
soon "site A sees it" 2000 is_down sa u4
has "and says why" "$(why sa u4)" .
diag "u4: $(why sa u4)"
check "the watched one is down" wait_for 20 is_down sa watched
has "and says why" "$(why sa watched)" 'peer (does not answer|has closed its control connection)'
check "site B comes back" site_start sb
for site in sa sb; do check "all come up, $site" wait_for 20 all_up $site; done
ha ip neigh flush all # devices that site B has made anew
check "it carries" ha ping -c 2 -i 0.05 -W 2 10.1.0.2
check "so does the watched one" ha ping -c 2 -i 0.05 -W 2 10.9.0.2

earlier=$(sessions_of sa)
daemon_pid=${site_pid[sb]}
check "site B dies" daemon_kill
unset "site_pid[sb]"
rm -rf "$lab/sb-state" "$lab/memory/sb"
check "and starts without a memory" site_start sb
renewed() { # NAME: a session that was not there before, at both ends the same
	[ "$(ids sa "$1")" = "$(ids sb "$1" | json 'd[::-1]')" ] && pw_is_up sa "$1" && pw_is_up sb "$1" &&
		! grep -qF "\"local\": $(pw sa "$1" 'd["session"]["local"]')," <<<"$earlier"
}
ids() { pw "$1" "$2" '[d["session"]["local"], d["session"]["remote"]]'; }
for name in u4 i6; do check "what it dials takes the place of the former, $name" wait_for 20 renewed $name; done
ha ip neigh flush all
check "it carries, UDP" ha ping -c 2 -i 0.05 -W 2 10.1.0.2
check "it carries, IP" ha ping -c 2 -i 0.05 -W 2 fd00:2::2
two() { [ "$(tunnels_of sa '"%d" % len([t for t in d if t["sessions"]])')" = 2 ]; }
check "one connection each has sessions" wait_for 10 two

# ---- secrets are exchanged -----------------------------------------------------------------------------

rolled() { # SITE SECRET PREVIOUS
	secret[$1]=$2
	previous[$1]=$3
	configured "$1"
	check "$1 has $2${3:+ and $3}" site_ctl "$1" reload
	check "all are up" wait_for 10 all_up "$1"
	is "the sessions stay, site A" "$(sessions_of sa)" "$before_sa"
	is "and site B" "$(sessions_of sb)" "$before_sb"
	ip -n "$(site_ns ha)" link set u4 down
	soon "the sites understand each other" 5000 is_down sb u4
	ip -n "$(site_ns ha)" link set u4 up
	check "both ways" wait_for 5 pw_is_up sb u4
}
before_sa=$(sessions_of sa)
before_sb=$(sessions_of sb)
steady_begin i6 fd00:2::2
rolled sa second s3cret
rolled sb second s3cret
rolled sb third second
rolled sa third second
rolled sb third ""
rolled sa third ""
steady_end i6 "no frame is lost over all that"

# ---- what does not come up says why -----------------------------------------------------------------------

check "site B ends" site_stop sb INT
secret[sb]=wrong
configured sb
check "and starts with another secret" site_start sb
told() { grep -qiE "digest|secret" "$lab/$1.log"; } # SITE
check "site A's log says that the secret may differ" wait_for 15 told sa
check "site B's too" wait_for 15 told sb
for site in sa sb; do
	check "the pseudowire is not up, $site" is_down $site u4
	check "what is shown says why, $site" wait_for 15 why_has $site u4 'digest is wrong; is .secret. the same'
done
check "also where nobody calls" wait_for 20 why_has sb i6 'does not answer: .* secret the same'
secret[sb]=third
configured sb
check "the right one again" site_ctl sb reload
for site in sa sb; do check "all come up, $site" wait_for 40 all_up $site || diag "$(site_ctl $site pseudowire show | json "[[v[\"name\"], v[\"why\"]] for v in d]") $(tail -n 30 "$lab/sa.log") --- $(tail -n 30 "$lab/sb.log")"; done

more="  - name: stray
    peer: 192.0.2.2
    local: 192.0.2.1
    secret: third
    remote-end-id: nobody-knows
    attach: { create: stray }"
configured sa
check "a pseudowire that site B has not" site_ctl sa reload
check "site A shows why it is down" wait_for 10 why_has sa stray nobody-knows
refused() { grep -q nobody-knows "$lab/$1.log"; } # SITE
check "site A's log says so" wait_for 5 refused sa
check "site B's too" wait_for 5 refused sb
check "the others are up" pw_is_up sa u4

# ---- what is not configured any more is told ----------------------------------------------------------------

more=
earlier=$wires
wires="i6 1 6 ip sb digest=sha1 hide-avps=true"
configured sa
check "site A has the last one of a connection no more" site_ctl sa reload --force
soon "site B hears it" 1500 is_down sb u4
has "and from whom" "$(why sb u4)" 'not configured like this any more'
check "the other one stays" pw_is_up sb i6
is "nothing in the store was damaged" "$(grep 'could not be read' "$lab/sa.log")" ""
wires=$earlier
configured sa
check "site A has it again" site_ctl sa reload
for site in sa sb; do check "all come up, $site" wait_for 20 all_up $site; done

# ---- what ends a session is asked for ---------------------------------------------------------------------

brief() { site_ctl "$1" pseudowire add brief peer "192.0.2.$((3 - $2))" local "192.0.2.$2" signalled create brief; } # SITE OCTET
check "both sites" brief sa 1
check "get another one" brief sb 2
check "it has a session" wait_for 20 pw_is_up sa brief || diag "$(why sa brief) $(why sb brief)"
check "who removes it closes it" site_ctl sa pseudowire del brief
check "site B is told" wait_for 5 is_down sb brief
more=
wires=${wires%%$'\n'*}
configured sa
needs_force() { ! site_ctl sa reload >"$lab/said" 2>&1 && grep -q 'pseudowire i6 is not .* will be closed' "$lab/said"; }
check "a reload without one that has a session needs force" needs_force || diag "$(cat "$lab/said")"
check "it is still up" pw_is_up sa i6
check "by force" site_ctl sa reload --force
has "the start counts them" "$(site_ctl sa show state)" '"pseudowires":1,'

for site in sa sb; do check "the end of $site" site_stop $site INT; done
is "no device is left" "$(for n in sa sb ha hb; do at $n ip -br link | grep -vE '^(lo|wan0|eth0|eth2)'; done)" ""
is "no secret was logged" "$(cat "$lab"/s?.log | grep -cE 's3cret|another one')" 0
tap_done
