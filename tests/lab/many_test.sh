#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# Twenty thousand sessions: they are listed and filtered without holding up the control plane,
# all counters are read, and all end and come back.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

TUNNELS=16 SESSIONS=1250 N=20000
# Milliseconds beyond what an answer to Hello takes while nothing is listed. A list takes one of a
# turn of the event loop; the rest is for a machine on which other work runs.
MORE_MS=${MORE_MS:-25}

lab_up || exit 1
ip -n "$lab_sub" addr add 192.0.2.66/32 dev lac0
lab_config 's/^peers:/peers:\n  - name: asker\n    address: 192.0.2.66\/32\n    profile: home/'
daemon_start || exit 1

hellos() { sub tests/lab/hello.py --count 150 --interval 0.005 >"$lab/hello.json"; }
hello() { json "d['$1']" <"$lab/hello.json"; }
# list NAME OPTION...: how many there are; what was said is in $lab/NAME.json
list() {
	local name=$1
	shift
	ctl show sessions "$@" >"$lab/$name.json" && json 'len(d)' <"$lab/$name.json"
}
shown() { json "$1" <"$lab/$2.json"; }
load_begin() {
	rm -f "$lab/ready"
	lab_spawn "$lab_sub" "$lab/load.json" "$BUILD/tests/l2xdp-load" --server 192.0.2.1 --secret s3cret \
		--tunnels $TUNNELS --sessions $SESSIONS --user user%d --password wonder --no-ipv6 --hold 600 \
		--ready "$lab/ready" --json "$@"
	loader=${lab_pids[-1]}
}
load_end() {
	kill -USR2 "$loader"
	lab_reap "$loader" 600
}

for ((i = 2000; i < N; i++)); do echo "user$i * wonder *"; done >>"$lab/chap-secrets"
daemon_stop INT && daemon_start || exit 1
load_begin
check "all $N come up" wait_for 120 test -e "$lab/ready"

# ---- lists and filters
is "all are listed" "$(list all)" $N
is "each once, by ID" "$(shown '(lambda i: i == sorted(set(i)))([s["id"] for s in d])' all)" true
user=$(shown 'd[7000]["user"]' all) ipv4=$(shown 'd[7000]["ipv4"]' all) id=$(shown 'd[7000]["id"]' all)
is "--user finds one" "$(list user --user "$user")" 1
is "... this one" "$(shown 'd[0]["id"]' user)" "$id"
is "--ipv4 finds one" "$(list ipv4 --ipv4 "$ipv4")" 1
is "... this one" "$(shown 'd[0]["id"]' ipv4)" "$id"
net=${ipv4%.*}.0/24
is "--ipv4 with a prefix finds those of it" "$(list net --ipv4 "$net")" \
	"$(shown "len([s for s in d if s['ipv4'].startswith('${ipv4%.*}.')])" all)"
is "--peer finds all of it" "$(list peer --peer carrier)" $N
is "--peer of another one finds none" "$(list other --peer carrier6)" 0
is "--after and --limit: a page" "$(list page --after "$id" --limit 10)" 10
is "... of those behind it" "$(shown '[s["id"] for s in d]' page)" "$(shown '[s["id"] for s in d[7001:7011]]' all)"
is "a table has a line for each, and one of titles" "$(ctl_text show sessions | wc -l)" $((N + 1))
tap_try ctl_text show sessions --ipv4 10.0.0.1/8
is "a prefix that is none: status 2" $? 2
has "... and why" "$tap_said" 'beyond its length'

# ---- nobody is held up
check "Hello is answered" hellos
diag "nothing else: $(cat "$lab/hello.json")"
calm=$(hello max_ms)
(
	while :; do
		ctl show sessions
		ctl show sessions --user nobody
	done >"$lab/lists" 2>&1
) &
lister=$!
lab_pids+=("$lister")
sleep 0.2
check "Hello is answered while sessions are listed" hellos
kill "$lister" && wait "$lister" 2>/dev/null
diag "while all are listed: $(cat "$lab/hello.json")"
is "... each at the first try" "$(hello answered)" 150
check "... and not later by more than $MORE_MS ms" \
	test "$(echo "[$(hello max_ms), $calm]" | json "int(d[0] - d[1] < $MORE_MS)")" = 1
check "lists were made meanwhile" test "$(wc -c <"$lab/lists")" -gt 1000000

# ---- counters
counted() { ctl show state | json 'd["counters"]'; }
all_counted() { [ "$(counted | json 'd["sessions"]')" = $N ]; }
check "all counters are read in one round" wait_for 10 all_counted
diag "$(counted)"
is "... in less than a second" "$(counted | json 'd["ms"] < 1000')" true
is "... and a hundredth of one at once" "$(counted | json 'd["slice_us"] < 10000')" true

# ---- all gone, all back
begin=$(date +%s%3N)
load_end
is "all went down cleanly" $? 0
check "none is left" sessions_are 0
load_begin --no-ipv6
check "all come back" wait_for 120 test -e "$lab/ready"
took=$(($(date +%s%3N) - begin))
diag "all gone and all back: $took ms"
check "... within 30 s" test $took -lt 30000
load_end
is "and go" $? 0
daemon_stop INT
is "l2xdpd ends cleanly" $? 0
tap_done
