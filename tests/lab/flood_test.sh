#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# Floods from strangers, as fast as one core can send, and from a known peer: an established
# session's traffic goes on, a thousand sessions of a known peer come up, Hellos are answered,
# nobody is torn down and no stranger's frame gets through. Rates are printed with and
# without; generator and everything else share this machine's cores.
#
#   FLOOD_SECONDS=60 tests/run tests/lab/flood_test.sh      longer (5)
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

seconds=${FLOOD_SECONDS:-5}

# A peer without a secret, for hello.py; whoever else is not of 192.0.2.0/24 is a stranger.
# shellcheck disable=SC2120
flood_config() {
	lab_config "/^peers:/a\\
\\  - name: plain\\
\\    address: 192.0.2.66\\
\\    profile: home
${1:-}"
}

lab_up || exit 1
ip -n "$lab_sub" addr add 192.0.2.66/24 dev lac0
ip -n "$lab_sub" addr add 192.0.2.77/24 dev lac0
ip -n "$lab_lns" route add default via 192.0.2.10 # where strangers' answers would go
flood_config
daemon_start || exit 1
client_start joe --route 203.0.113.0/24 || exit 1
id=$(session_id)

# flood_start KIND OPTION...: in the background, for so long, on the subscribers' wire
flood_pid='' flood_kind=
flood_start() {
	local mac
	mac=$(ip -n "$lab_lns" -json link show access0 | json 'd[0]["address"]')
	flood_kind=$1
	sub "$BUILD/tests/l2xdp-flood" --device lac0 --mac "$mac" --server 192.0.2.1 --kind "$1" \
		--peer 192.0.2.10 --port "$(session 'd["port"]')" \
		--tunnel "$(session 'd["tunnel"]')" \
		--sessions "$(session 'str(d["session"])')" --inner "$(session 'd["ipv4"]')" \
		--seconds "$seconds" "${@:2}" >"$lab/flood.json" 2>&1 </dev/null &
	flood_pid=$!
	lab_pids+=("$flood_pid")
	sleep 0.3
	diag "tunnel $(session 'd["tunnel"]'), session $(session 'd["session"]')"
}
flood_wait() {
	wait "$flood_pid"
	diag "flood of $flood_kind: $(json '"%d frames, %d a second" % (d["frames"], d["rate"])' <"$lab/flood.json")"
}

# What is measured in quiet and under a flood.
measure() { # NAME
	local from
	refused_before=$(refused)
	sub ping -q -i 0.02 -c $((seconds * 30)) -W 2 203.0.113.2 >"$lab/$1.ping" 2>&1 &
	lab_pids+=($!)
	from=$!
	sub "$BUILD/tests/l2xdp-load" --server 192.0.2.1 --local 192.0.2.10 --secret s3cret --tunnels 1 \
		--sessions 1000 --user user%d --password wonder --hold 1 --json \
		>"$lab/$1.load" 2>"$lab/$1.load-log"
	sub tests/lab/hello.py --count 30 >"$lab/$1.hello" 2>&1
	wait "$from"
}
figures() { # NAME
	diag "$1: 1000 logins at $(json '"%d a second, p99 %d ms" % (d["per_second"], d["latency_ms"]["p99"])' <"$lab/$1.load");" \
		"Hello answered in $(json '"%s ms, at most %s ms" % (d["median_ms"], d["max_ms"])' <"$lab/$1.hello");" \
		"ping $(sed -n 's/^rtt[^=]*= //p' "$lab/$1.ping")"
}
# The flood is on the subscribers' own wire: datagrams of theirs that find the veth's ring full are
# lost before anybody has looked at them. Who sent one is told, and it is counted; by an older
# kernel, with all others, where they arrive.
refused() {
	{
		sub nstat -asz UdpSndbufErrors
		lns ethtool -S access0
	} | sum_of '^(UdpSndbufErrors|rx_queue_[0-9]+_drops:)$'
}
refused_before=0
# What a subscriber's kernel multicasts before IPv6CP is open here is refused, and counted.
session_drops() { session '[d["rx"]["drops"], d["tx"]["drops"]]'; }
no_loss() { # NAME FILE
	local sent lost wire=$(($(refused) - refused_before))
	read -r sent lost < <(awk '/packets transmitted/ { print $1, $1 - $4 }' "$2")
	diag "ping: $lost lost; of the subscribers' own datagrams the wire took all but $wire"
	check "$1" test "$(echo "[${sent:-0}, ${lost:-0}, $wire]" |
		json 'd[0] > 0 and (d[1] == 0 or d[1] <= d[2] and 100 * d[1] < 3 * d[0])')" = true
	is "$1 at the hook" "$(session_drops)" "$drops_before"
}
hellos_answered() { # NAME FILE
	local wire=$(($(refused) - refused_before))
	check "$1: every Hello is answered at the first try" \
		test $((30 - $(json 'd["answered"]' <"$2"))) -le $((wire < 2 ? wire : 2)) || diag "$(cat "$2"); the wire refused $wire"
}
expect_undisturbed() { # NAME
	figures "$1"
	is "$1: a thousand sessions come up, none fails" \
		"$(json '[d["up"], d["failed"], d["clean"]]' <"$lab/$1.load")" "[1000, 0, true]" ||
		diag "$(tail -n 3 "$lab/$1.load-log")"
	no_loss "$1: the established session loses nothing" "$lab/$1.ping"
	is "$1: and is the same one" "$(session_id)" "$id"
	hellos_answered "$1" "$lab/$1.hello"
}
no_ports() { core nstat -asz UdpNoPorts 2>/dev/null | awk '/UdpNoPorts/ { print $2 }'; }

drops_before=$(session_drops)
measure quiet
expect_undisturbed quiet
quiet_tcp=$(tcp sub core 203.0.113.2 -t 2)

before=$(no_ports)
flood_start all
measure "under a flood"
expect_undisturbed "under a flood"
flood_wait
check "the flood was policed at the hook" test "$(verdict stranger-policed)" -gt 10000
check "data for the live session from strangers was refused" test "$(verdict peer-mismatch)" -gt 1000
is "no stranger's packet came through to the core" "$(no_ports)" "$before"
is "no queue of the daemon overflowed but that of contacts" \
	"$(ctl show datapath | json '[d["slow"].get(f"queue_{q}_dropped", "?") for q in ("urgent", "control", "data")]')" "[0, 0, 0]"

flood_start all
tcp=$(tcp sub core 203.0.113.2 -t 2)
flood_wait
check "TCP goes on under a flood" test "$tcp" -gt 1000000
diag "TCP of the session: $((quiet_tcp * 8 / 2000000)) Mb/s without, $((tcp * 8 / 2000000)) Mb/s with the flood"

# A known peer that sets up and tears down without end, next to the strangers.
churn() {
	local until=$((SECONDS + seconds - 2))
	while [ $SECONDS -lt $until ]; do
		sub "$BUILD/tests/l2xdp-load" --server 192.0.2.1 --local 192.0.2.77 --secret s3cret \
			--tunnels 2 --sessions 100 --user user%d --password wonder --json || return
	done
}
flood_start all --rate 100000
churn >"$lab/churn" 2>&1 &
churn_pid=$!
lab_pids+=("$churn_pid")
refused_before=$(refused)
sub ping -q -i 0.02 -c $((seconds * 20)) -W 2 203.0.113.2 >"$lab/churn.ping" 2>&1
wait "$churn_pid"
is "set-ups and teardowns of a known peer under a flood: all succeed" $? 0 || diag "$(tail -n 3 "$lab/churn")"
flood_wait
no_loss "and cost the session nothing" "$lab/churn.ping"
is "which is still the same" "$(session_id)" "$id"
check "all the others are gone" wait_for 30 sessions_are 1
client_stop joe
daemon_stop
is "l2xdpd ends cleanly" $? 0

# Without XDP all of it comes to the sockets: the lanes keep it apart.
flood_config 's/mode: auto/mode: off/'
daemon_start || exit 1
client_start joe --route 203.0.113.0/24 || exit 1
id=$(session_id)
sub tests/lab/hello.py --count 30 >"$lab/off.hello"
diag "mode off, quiet: $(cat "$lab/off.hello")"
for kind in unknown sccrq; do
	refused_before=$(refused)
	flood_start "$kind" --rate 50000
	sub tests/lab/hello.py --count 30 >"$lab/off.hello" 2>&1
	diag "mode off, 50000 $kind a second: $(cat "$lab/off.hello")"
	hellos_answered "mode off, 50000 $kind a second" "$lab/off.hello"
	check "mode off, $kind: and at once" test "$(json 'd["median_ms"] < 50' <"$lab/off.hello")" = true
	flood_wait
	is "mode off, $kind: the session is the same one" "$(session_id)" "$id"
done
diag "queues: $(ctl show datapath | json '{k: v for k, v in d["slow"].items() if "queue" in k}')"
daemon_stop
is "l2xdpd ends cleanly with mode off" $? 0
tap_done
