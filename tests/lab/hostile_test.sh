#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# Hostile datagrams against a live daemon: every class of the second table of
# docs/protocol/quirks.md that a stranger, or somebody who can forge a subscriber's
# addresses, may send. A session's traffic goes on through all of it.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

lab_up || exit 1
# shellcheck disable=SC2016 # $ is sed's last line
lab_config '/^peers:/a\
\  - name: many\
\    address: 198.18.0.0/15\
\    secret: s3cret\
\    profile: home\
\  - name: careless\
\    address: 192.0.2.88/31\
\    profile: home
$a\
limits: {half-open-calls: 20}'
daemon_start || exit 1
client_start joe --route 203.0.113.0/24 --route 2001:db8:c::/64 || exit 1
ip -n "$lab_lns" route add 198.18.0.0/15 via 192.0.2.10
ip -n "$lab_lns" route add 172.16.0.0/12 via 192.0.2.10

id=$(session_id)
tunnel=$(ctl show tunnels | json 'd[0]["id"]')
port=$(session 'd["port"]')
live=(--port "$port" --tunnel "$tunnel"
	--session "$(session 'd["session"]')" --inner "$(session 'd["ipv4"]')")
hostile() { sub tests/lab/hostile.py "${live[@]}" "$@"; } # later options count
alive() {
	kill -0 "$daemon_pid" || { tail -n 30 "$lab/l2xdpd.log" && return 1; }
	[ "$(session_id)" = "$id" ] && sub ping -q -c 2 -i 0.05 -W 2 203.0.113.2
}

check "the session carries traffic" alive || exit 1
while IFS= read -r class; do
	output=$(hostile send "$class" 2>&1) || diag "$output"
	check "$class" alive || tail -n 5 "$lab/l2xdpd.log" | while read -r l; do diag "$l"; done
done < <(tests/lab/hostile.py list | grep -v '^ends the call')
has "nothing from the network reached the log unquoted" \
	"$(LC_ALL=C grep -c $'[\x01-\x08\x0b-\x1f\x7f]' "$lab/l2xdpd.log")" '^0$'

# Floods, while a ping runs.
quiet_flood() { # NAME COUNT-OF-PINGS COMMAND...
	local name=$1 before after ping lost
	shift
	before=$(daemon_rss)
	sub ping -q -i 0.05 -c 80 -W 2 203.0.113.2 >"$lab/flood-ping" 2>&1 &
	ping=$!
	lab_pids+=("$ping")
	hostile "$@" || not_ok "$name was sent"
	wait "$ping"
	lost=$(sed -n 's/.* \([0-9.]*\)% packet loss.*/\1/p' "$lab/flood-ping")
	is "$name: the session loses nothing" "$lost" 0
	after=$(daemon_rss)
	check "$name: memory does not grow without bound ($before to $after KiB)" \
		test $((after - before)) -lt 8192
}
quiet_flood "SCCRQ from 10000 strangers" sccrq-flood 10000 172.16
# The first one fills the table of tunnels in set-up (4096 of them, with their messages, are
# some 10 MiB); what has a bound does not grow by the second.
hostile sccrq-flood 10000 198.18
diag "tunnels in set-up: $(ctl show tunnels | json 'len(d)'), $(daemon_rss) KiB"
quiet_flood "SCCRQ from 10000 sources that may connect, again" sccrq-flood 10000 198.18
check "tunnels in set-up stay below their limit (4096)" test "$(ctl show tunnels | json 'len(d)')" -le 4097
# Control messages of a live tunnel: by the known lane they come to its control connection.
l2tp() { ctl show datapath | json "d['l2tp']['$1']"; }
control=$(verdict control)
seen=$(l2tp received)
quiet_flood "Hello and ZLB flood to the live tunnel" hello-flood 20000
check "by the lane of known peers" test $(($(verdict control) - control)) -gt 10000
check "and its control connection saw them" test $(($(l2tp received) - seen)) -gt 1000
wrong=$(l2tp wrong_path)
quiet_flood "Hello and ZLB flood from another port" hello-flood 20000 --port $((port ^ 1))
check "some reached the control connection, which refused them" test "$(l2tp wrong_path)" -gt "$wrong"
is "the tunnel is the same one" "$(ctl show tunnels | json "[t['sessions'] for t in d if t['id'] == $tunnel]")" "[1]"
quiet_flood "guessed tunnel and session IDs" guess 20000
check "guesses were counted" test "$(($(verdict session-unknown) + $(verdict peer-mismatch) +
	$(verdict stranger-policed)))" -gt 0
# Forgeries and floods hold set-up slots of their sources until these run out of time.
try_connect() { client_start another --user user1 --password wonder --local 192.0.2.77; }
ip -n "$lab_sub" addr add 192.0.2.77/24 dev lac0
ip -n "$lab_sub" addr add 192.0.2.78/24 dev lac0
check "a subscriber can connect again" wait_for 60 try_connect
check "and the first one lives" alive

# Passwords are tried out from one line of the LAC: others of the same LAC do not suffer.
wrong_password() { # NAME NUMBER
	client_spawn "$1" --user user1 --password guess --local 192.0.2.77 --calling "$2"
	wait_for 10 lab_ended "${client_pid[$1]}"
}
right_password() { # NAME NUMBER
	client_start "$1" --user user2 --password wonder --local 192.0.2.77 --calling "$2"
}
for i in {1..10}; do
	check "a wrong password, $i" wrong_password "guess$i" 5551
done
has "the log names the line" "$(cat "$lab/l2xdpd.log")" '10 failed authentications in a row from the line "?5551'
refused=$(l2tp calls_refused)
check "its next call is refused, whatever the password" wrong_password refused 5551
has "the client hears why" "$(cat "$lab/refused.log" "$lab/refused.events")" 'too many failed authentications'
is "and it is counted" $(($(l2tp calls_refused) - refused)) 1
check "the same number is served at another LAC of that entry of peers" \
	client_start namesake --user user2 --password wonder --local 192.0.2.78 --calling 5551
check "that one hangs up" client_stop namesake
check "another line of that LAC is served" right_password honest 5552
check "that one hangs up" client_stop honest
wait_for 5 sessions_are 2

# A peer that completes none of its calls has so many, and no more; it alone.
mkfifo "$lab/hang-up"
ip -n "$lab_sub" addr add 192.0.2.88/24 dev lac0
ip -n "$lab_sub" addr add 192.0.2.89/24 dev lac0
sub tests/lab/hostile.py icrq 50 --source 192.0.2.88 <"$lab/hang-up" >"$lab/icrq.out" 2>&1 &
lab_pids+=($!)
exec 9>"$lab/hang-up"
wait_for 10 grep -q accepted "$lab/icrq.out"
has "of 50 calls without an ICCN 20 are taken" "$(cat "$lab/icrq.out")" '^accepted 20, CDN \[4\]$'
careless() { ctl show peers | json "[p['$1'] for p in d if p['name'] == 'careless'][0]"; }
is "they are shown" "$(careless half_open) $(careless refused)" "20 30"
is "the log names peer, limit and key, once" \
	"$(grep -c 'peer careless.*20 of its calls are in set-up.*limits.half-open-calls' "$lab/l2xdpd.log")" 1
has "another LAC of the same entry is served meanwhile" \
	"$(sub tests/lab/hostile.py icrq 3 --source 192.0.2.89 </dev/null)" '^accepted 3,'
check "another peer is served meanwhile" right_password meanwhile 5553
check "and hangs up" client_stop meanwhile
exec 9>&-
no_call_is_left() { [ "$(careless half_open)" = 0 ]; }
check "when it hangs up none is left" wait_for 5 no_call_is_left
wait_for 5 sessions_are 2

class="ends the call: Code-Reject of a Code-Reject"
hostile send "$class"
check "$class" wait_for 10 sessions_are 1
is "and no other" "$(ctl show sessions | json 'd[0]["user"]')" user1
daemon_stop INT
is "l2xdpd ends cleanly after all that" $? 0
tap_done
