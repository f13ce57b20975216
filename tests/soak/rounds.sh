# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2086,SC2119,SC2120,SC2154 # lab.sh says what they are; words
# To be sourced after lab.sh and traffic.sh: rounds of set-ups, traffic and teardowns, and
# what must be as before after each of them.
#
#   soak_config [SED-SCRIPT]   writes the configuration
#   soak_daemon BUILD          starts l2xdpd of that build; a sanitizer's too
#   soak_for SECONDS           rounds until the time is up, at least four
#   soak_rest                  nothing of all that is in the store when identifiers have rested
#   soak_fill SESSIONS         after soak_rest: so many in one tunnel: no identifier was lost on the way
#   soak_done                  the cases: what happened in all rounds, and the end of l2xdpd
#
# One round:
#   churn     sessions come and go as fast as both sides can, in tunnels of all shapes
#   traffic   two loads, one of them over IPv6 with sequence numbers and hidden AVPs;
#             numbered packets both ways, each of them accounted for, at the ends and in
#             the counters of l2xdpd; then one ends from the LAC's side, one from ours
#   nothing   no session, tunnel, address; memory is noted
# A round that does not do what it should is told as it happens, and fails its case.

soak_shapes="1x1000 200x5 25x40 1000x1" # of the churn: tunnels x sessions
soak_each=1 # the churn plays each shape so many times
soak_window=500 soak_tunnel_window=100 soak_timeout=60
soak_rate=4000 # packets a second, each way
soak_traffic=3 # seconds of it
soak_settle=0 # seconds before it: the LAC is up before the LNS when its last Ack gets lost
soak_heap="2 1024" # what the heap may grow by: percent, and KiB
soak_excused='^$' # warnings that are no fault
soak_verify=--verify soak_numbered=--sequencing # empty: without
soak_names=("all sessions come up, and go down in order" "both sides know the same sessions"
	"no packet is lost or comes twice" "the counters of l2xdpd are exact"
	"a tunnel that we clear ends" "nothing is left" "every frame at the hook has a verdict")
declare -A soak_tried=() soak_bad=()
soak_sessions=0 soak_packets=0 soak_rounds=0
soak_rss=() # KiB, after each round: of the heap, and of all

soak_config() {
	lab_config "${1:-}"
	cat >>"$lab/l2xdpd.yaml" <<-E
		limits:
		  setups-per-second: 1000000
		  calls-per-second: 1000000
	E
}

# Reports of the sanitizers lie in $lab/san. A quarantine of freed memory looks like a leak
# until it is full, so it is small.
soak_daemon() { # BUILD
	# shellcheck disable=SC2034 # daemon_start takes it from there
	local BUILD=$1
	mkdir "$lab/san" && chmod 1777 "$lab/san"
	ASAN_OPTIONS=detect_leaks=1:quarantine_size_mb=8:log_path=$lab/san/report \
		UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1:log_path=$lab/san/report \
		daemon_start
}

# must CASE COMMAND...: counts; tells what went wrong
must() {
	local name=$1
	shift
	soak_tried[$name]=$((${soak_tried[$name]:-0} + 1))
	tap_try "$@" && return
	soak_bad[$name]=$((${soak_bad[$name]:-0} + 1))
	diag "round $soak_rounds: $name: not so"
	diag "$*: $(head -n 30 <<<"$tap_said")"
	return 1
}

# What has ended is forgotten: in half an hour its process IDs are others'.
soak_forget() {
	local pid alive=()
	for pid in "${lab_pids[@]}"; do kill -0 "$pid" 2>/dev/null && alive+=("$pid"); done
	lab_pids=("${alive[@]}")
}

# ---- churn ----

soak_one_shape() { # TUNNELSxSESSIONS
	local tunnels=${1%x*} sessions=${1#*x}
	load_start churn --tunnels "$tunnels" --sessions "$sessions" --user user%d $soak_verify \
		--window $soak_window --tunnel-window $soak_tunnel_window --timeout $soak_timeout
	lab_reap "${load_pid[churn]}" $((10 * (soak_timeout + 120))) &&
		soak_sessions=$((soak_sessions + tunnels * sessions)) && return
	cat "$lab/churn.json" "$lab/churn.log"
	return 1
}

soak_churn() {
	local shape i
	for ((i = 0; i < soak_each; i++)); do
		for shape in $soak_shapes; do must "${soak_names[0]}" soak_one_shape "$shape"; done
	done
}

# ---- traffic ----

# Each load has IPv4 or IPv6 inside, so that host4 and host6 know their own.
soak_loads() {
	load_start four --tunnels 8 --sessions 40 --user user%d --no-ipv6 --window $soak_window \
		--timeout $soak_timeout --hold 600 --traffic "$soak_rate" --traffic-to "$host4" \
		--traffic-after $soak_settle
	load_start six --server 2001:db8::1 --tunnels 20 --sessions 8 --user user1%d $soak_numbered \
		--hide --window $soak_window --timeout $soak_timeout --hold 600 \
		--traffic "$soak_rate" --traffic-to "$host6" --traffic-after $soak_settle
	load_ready four $((soak_timeout + 60)) && load_ready six $((soak_timeout + 60)) &&
		soak_sessions=$((soak_sessions + 480))
}

# What the hook, l2xdpd and the kernel have counted, a line each.
soak_counts() {
	ctl show verdicts | json '"\n".join(f"{v['"'verdict'"']} {v['"'frames'"']}" for v in d)'
	ctl show datapath | json '"\n".join(f"{k} {n}" for w in ("slow", "l2tp") for k, n in d[w].items())'
	lns nstat -asz | awk '$2 > 0 { print $1, $2 }'
	core nstat -asz | awk '$2 > 0 { print "core", $1, $2 }'
	lns ip -s -s neigh show dev core0 | tr -d '\n'
}

# must_count CASE COMMAND...: as must; when it fails, the counts since soak_counts were taken
must_count() {
	must "$@" || diag "$(soak_counts | diff "$lab/counts" - | grep '^>')"
}

soak_traffic_round() {
	soak_counts >"$lab/counts"
	host_start $((2 * soak_rate)) || return
	must "${soak_names[0]}" soak_loads || return
	sleep $((soak_settle + soak_traffic))
	must "${soak_names[2]}" traffic_quiet four six
	must_count "${soak_names[2]}" traffic_lossless four six
	soak_packets=$((soak_packets + $(json 'sum(s["sent"] + s["received"]
		for s in d["senders"])' <"$lab/host.report")))
	must "${soak_names[1]}" views_agree four six
	must_count "${soak_names[3]}" tests/soak/counters.py "$lab/lns.view" "$lab/four.view" \
		"$lab/six.view"
	must "${soak_names[5]}" soak_maps_hold
	must "${soak_names[4]}" soak_clear
	must "${soak_names[0]}" load_end six
	kill -TERM "$host_pid"
	lab_reap "$host_pid" 50
}

# The LAC is told, and the load generator says so by its status.
soak_clear() {
	local id
	for id in $(ctl show tunnels | json '" ".join(str(t["id"]) for t in d
		if t["address"] == "192.0.2.10")'); do
		ctl clear tunnel "$id" || return
	done
	wait_for 60 sessions_are 160 || return
	load_end four 600
	[ "$(json 'd["up"]' <"$lab/four.json")" = 320 ]
}

# ---- nothing is left ----

soak_used() { ctl show datapath | json 'sum(p["ipv4_used"] + p["ipv6_used"] for p in d["pools"])'; }
soak_nothing() {
	if ! wait_for $((soak_timeout + 60)) sessions_are 0 ||
		! wait_for $((soak_timeout + 60)) tunnels_are 0; then
		ctl_text show tunnels
		return 1
	fi
	[ "$(soak_used)" = 0 ] || { ctl show datapath && return 1; }
	soak_maps_empty
}
soak_maps_empty() {
	# shellcheck disable=SC2046 # a list of process IDs
	tests/soak/maps.py "$daemon_pid" $(daemon_children)
}
soak_maps_hold() { ! soak_maps_empty; } # the look at them can fail

# Frames that the drivers gave to the program, and what it counted.
soak_hook_frames() {
	local device
	for device in access0 core0; do lns ethtool -S $device; done |
		awk '/rx_queue_[0-9]+_xdp_packets/ { sum += $2 } END { print sum + 0 }'
}
soak_verdicts() { ctl show verdicts | json 'sum(v["frames"] for v in d)'; }
soak_frames_add_up() {
	local frames verdicts try
	for try in 1 2 3 4 5; do # a frame may come in between
		frames=$(soak_hook_frames)
		verdicts=$(soak_verdicts)
		[ "$frames" = "$verdicts" ] && return
		sleep 0.$try
	done
	echo "$frames frames at the hook, $verdicts verdicts"
	return 1
}

soak_memory() { # "heap all" of the daemon and its worker
	local pid
	for pid in "$daemon_pid" $(daemon_children); do cat "/proc/$pid/status"; done |
		awk '/^RssAnon/ { heap += $2 } /^VmRSS/ { all += $2 } END { print heap, all }'
}

soak_round() {
	soak_rounds=$((soak_rounds + 1))
	soak_churn
	soak_traffic_round
	must "${soak_names[5]}" soak_nothing
	must "${soak_names[6]}" soak_frames_add_up
	soak_rss+=("$(soak_memory)")
	soak_forget
}

soak_for() { # SECONDS
	local until=$((SECONDS + $1))
	while [ $SECONDS -lt $until ] || [ $soak_rounds -lt 4 ]; do
		soak_round
		kill -0 "$daemon_pid" 2>/dev/null || break
	done
	diag "$soak_rounds rounds, $soak_sessions sessions, $soak_packets numbered packets"
}

# Identifiers rest for 31 s, and stand in the store so long. What stays are a few records
# of the daemon's own.
soak_records() { ctl show state | json 'd["store"]["records"]'; }
soak_records_are_few() { [ "$(soak_records)" -le 4 ]; }
soak_rest() {
	local before
	before=$(soak_records)
	sleep 33
	check "the store holds no more of them" wait_for 30 soak_records_are_few
	diag "records: $before after the last round, $(soak_records) now"
}

# All but a few of the 65535 can be had.
soak_fill() { # SESSIONS
	load_start fill --sessions "$1" --user user1 --window 2000 --timeout 600 --hold 3600
	check "after that $1 sessions come up in one tunnel" load_ready fill 600
	is "each has its address" "$(soak_used)" $(($1 * 2))
	load_end fill 3000
	is "and go down in order" \
		"$(json '[d["up"], d["failed"], d["clean"], d["failures"]]' <"$lab/fill.json")" \
		"[$1, 0, true, {}]"
	check "nothing is left of them" soak_nothing
}

# ---- the end ----

# flat COLUMN PERCENT KIB: what the last third of the rounds held is not more than what the
# second quarter did (the first one warms up), by medians
flat() {
	printf '%s\n' "${soak_rss[@]}" | awk -v c="$1" -v percent="$2" -v kib="$3" '
		function median(from, to,   n, i, j, t, v) {
			for (i = from; i <= to; i++) v[++n] = rss[i]
			for (i = 1; i <= n; i++) for (j = i + 1; j <= n; j++)
				if (v[j] < v[i]) { t = v[i]; v[i] = v[j]; v[j] = t }
			return v[int((n + 1) / 2)]
		}
		{ rss[NR] = $c }
		END {
			from = int(NR / 4) + 1
			if (from < 2) from = 2
			to = int(NR / 2) > from ? int(NR / 2) : from
			late = int(NR * 2 / 3) + 1
			a = median(from, to); b = median(late, NR)
			print "rounds " from " to " to ": " a " KiB; " late " to " NR ": " b " KiB"
			exit b > a * (1 + percent / 100) + kib
		}'
}

# Heap and all, of some twenty rounds.
soak_curve() { printf '%s\n' "${soak_rss[@]}" | awk '{ l[NR] = $1 "/" $2 }
	END { for (i = 1; i <= NR; i += int(NR / 20) + 1) printf "%s ", l[i] }'; }

soak_done() {
	local name
	for name in "${soak_names[@]}"; do
		is "$name, in each of $soak_rounds rounds" \
			"${soak_bad[$name]:-0} of ${soak_tried[$name]:-0} failed" \
			"0 of ${soak_tried[$name]:-nothing was tried} failed"
	done
	diag "heap and resident set, KiB: $(soak_curve)"
	check "the heap of l2xdpd does not grow" flat 1 $soak_heap
	diag "heap: $tap_said"
	check "nor does what it holds in all" flat 2 5 4096
	diag "resident: $tap_said"
	daemon_stop INT
	is "l2xdpd ends cleanly" $? 0
	is "no sanitizer has found anything" "$(cat "$lab"/san/* 2>/dev/null | head -n 60)" ""
	is "l2xdpd had nothing to complain of" \
		"$(grep -E ' (error|warning): ' "$lab/l2xdpd.log" | grep -vE "$soak_excused" |
			head -n 20)" ""
}
