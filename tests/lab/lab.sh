# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2119,SC2120 # arguments that are optional
#
# The lab: three network namespaces of one run, and l2xdpd in the middle one.
#
#   sub                        lns (l2xdpd)                     core
#   lac0 ------------------ access0   core0 ------------------ host0
#   192.0.2.10/24         192.0.2.1   203.0.113.1        203.0.113.2/24
#   2001:db8::10/64    2001:db8::1/64 2001:db8:c::1/64  2001:db8:c::2/64
#
# `sub` holds the L2TP clients (with a TUN device for each subscriber), `core` the host
# that they talk to, which routes 10.0.0.0/16 and 2001:db8:1000::/48 to the LNS. Names
# of namespaces begin with the process ID of the script, so labs may run side by side.
# Whatever ends the script, lab_down runs: it ends what was started here, by process ID,
# and deletes these namespaces.
#
#   lab_up [one-interface]     the namespaces; with an argument access0 alone (hairpin)
#   sub|lns|core COMMAND...    run it there
#   lab_config [SED-SCRIPT]    writes $lab/l2xdpd.yaml, edited
#   daemon_start [CONFIG]      starts l2xdpd and waits until it answers
#   daemon_stop [SIGNAL]       ends it; status is the daemon's. TERM (default): for a restart,
#                              what it carries is kept; INT: for good, all is given back
#   daemon_restart             TERM, and another one with the same configuration
#   daemon_kill                KILL, also for what it started
#   daemon_worker_pid          of the process that it started to read the network
#   client_start NAME [OPTION...]   connects in sub, waits until it is up
#   client_stop NAME
#   client_apart NAME          moves its device into the namespace `apart`, for apart COMMAND
#   ctl COMMAND...             l2xdpctl --json
#   json EXPRESSION            evaluates Python on the JSON of standard input, as `d`
#   wait_for SECONDS COMMAND...

BUILD=${BUILD:-build}
lab=
lab_prefix=l2x$$
lab_pids=()
lab_workers=() # of daemons that have ended
lab_more=() # namespaces beside those below
lab_sub=$lab_prefix-sub lab_lns=$lab_prefix-lns lab_core=$lab_prefix-core
lab_apart=$lab_prefix-apart lab_wire=$lab_prefix-wire
daemon_pid=
declare -A client_pid=()

sub() { ip netns exec "$lab_sub" "$@"; }
lns() { ip netns exec "$lab_lns" "$@"; }
core() { ip netns exec "$lab_core" "$@"; }
apart() { ip netns exec "$lab_apart" "$@"; }

lab_down() {
	local pid namespace
	trap '' INT TERM
	trap - EXIT
	daemon_note_workers
	for pid in ${lab_pids[@]+"${lab_pids[@]}"}; do kill -TERM "$pid" 2>/dev/null; done
	for pid in ${lab_pids[@]+"${lab_pids[@]}"}; do lab_reap "$pid" 50; done
	daemon_end_workers
	for namespace in "$lab_sub" "$lab_lns" "$lab_core" "$lab_apart" "$lab_wire" \
		${lab_more[@]+"${lab_more[@]}"}; do
		ip netns del "$namespace" 2>/dev/null
	done
	if [ -n "$lab" ]; then
		umount "$lab/bpffs" 2>/dev/null
		umount -R "$lab/memory" 2>/dev/null
		rm -rf "$lab"
	fi
	lab=
	daemon_pid=
	lab_pids=()
}

# lab_reap PID TENTHS: waits for its end, then kills it; status is the process's
lab_reap() {
	local i
	for ((i = 0; i < $2; i++)); do
		kill -0 "$1" 2>/dev/null || break
		sleep 0.1
	done
	kill -KILL "$1" 2>/dev/null && echo "# process $1 had to be killed"
	wait "$1" 2>/dev/null
}

# Started programs are children of this shell, not of `ip netns exec`: it execs.
lab_spawn() { # NAMESPACE LOG COMMAND...
	local namespace=$1 log=$2
	shift 2
	ip netns exec "$namespace" "$@" >"$log" 2>&1 </dev/null &
	lab_pids+=($!)
}

wait_for() {
	local until=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $until ] || return 1
		sleep 0.1
	done
}

json() {
	/usr/bin/python3 -c 'import json, sys
d = json.load(sys.stdin)
r = eval(sys.argv[1])
print(r if isinstance(r, str) else json.dumps(r))' "$1"
}

# A veth pair whose stacks both send complete checksums (XDP would carry partial ones
# along), and whose far end takes redirected frames.
lab_link() { # NAMESPACE DEVICE FAR-NAMESPACE FAR-DEVICE
	ip link add "$2" netns "$1" type veth peer name "$4" netns "$3" || return
	local end
	for end in "$1 $2" "$3 $4"; do
		set -- "${end% *}" "${end#* }" "$3" "$4"
		ip netns exec "$1" ethtool -K "$2" tx off gso off tso off >/dev/null 2>&1
		ip -n "$1" link set "$2" up || return
	done
	ip -n "$3" link set dev "$4" xdpdrv obj "$BUILD/tests/lab/pass.bpf.o" sec xdp
}

lab_namespace() {
	ip netns add "$1" || return
	ip -n "$1" link set lo up
	# Addresses are usable at once, and routers are not searched for.
	ip netns exec "$1" sysctl -qw net.ipv6.conf.all.accept_dad=0 \
		net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_ra=0 \
		net.ipv6.conf.default.accept_ra=0 net.ipv4.conf.all.rp_filter=0 \
		net.ipv4.conf.default.rp_filter=0
}

# The directory of this run, the traps that clean up, the users.
lab_begin() {
	[ "$(id -u)" = 0 ] || { echo "the lab needs root" && return 1; }
	trap lab_down EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
	lab=$(mktemp -d "${TMPDIR:-/tmp}/l2xdp-lab.XXXXXX")
	chmod 711 "$lab" # a worker without privileges finds its directories
	mkdir "$lab/bpffs"
	# `ip netns exec` hides /sys/fs/bpf under a /sys of its own.
	mount -t bpf bpf "$lab/bpffs" || return
	export LIBXDP_BPFFS=$lab/bpffs
	# As /run is: a commit to a store on a busy disk would wait for it, a second at times.
	mkdir "$lab/memory"
	mount -t tmpfs -o mode=711 l2xdp-lab "$lab/memory" || return
	lab_run=$lab/memory/run
	lab_users
	lab_namespace "$lab_lns" &&
		lns sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
}

lab_access_addresses() {
	ip -n "$lab_lns" addr add 192.0.2.1/24 dev access0
	ip -n "$lab_lns" addr add 2001:db8::1/64 dev access0
}

# access0 is a veth to the namespace `sub`.
lab_access_veth() {
	lab_namespace "$lab_sub" && lab_link "$lab_lns" access0 "$lab_sub" lac0 || return
	ip -n "$lab_sub" addr add 192.0.2.10/24 dev lac0
	ip -n "$lab_sub" addr add 2001:db8::10/64 dev lac0
	lab_access_addresses
}

# access0 is a TAP device, for a guest.
lab_access_tap() {
	ip -n "$lab_lns" tuntap add dev access0 mode tap || return
	ip -n "$lab_lns" link set access0 up
	lab_access_addresses
}

lab_core_side() {
	lab_namespace "$lab_core" && lab_link "$lab_lns" core0 "$lab_core" host0 || return
	ip -n "$lab_core" addr add 203.0.113.2/24 dev host0
	ip -n "$lab_core" addr add 2001:db8:c::2/64 dev host0
	ip -n "$lab_lns" addr add 203.0.113.1/24 dev core0
	ip -n "$lab_lns" addr add 2001:db8:c::1/64 dev core0
	ip -n "$lab_core" route add 10.0.0.0/16 via 203.0.113.1
	ip -n "$lab_core" route add 2001:db8:1000::/48 via 2001:db8:c::1
}

lab_up() {
	lab_begin && lab_access_veth || return
	[ "${1:-}" = one-interface ] || lab_core_side
}

lab_users() {
	local i
	{
		echo 'joe * "wonder land" *'
		echo 'fixed * wonder 10.0.7.7'
		for ((i = 0; i < 2000; i++)); do echo "user$i * wonder *"; done
	} >"$lab/chap-secrets"
	chmod 600 "$lab/chap-secrets"
}

lab_config() {
	sed "${1:-}" >"$lab/l2xdpd.yaml" <<-E
		hostname: lns1.example.net
		listen: [192.0.2.1, "2001:db8::1"]
		datapath:
		  interfaces: [access0, core0]
		  mode: auto
		  shards: 1
		  bpf-directory: $lab/bpffs/l2xdp
		peers:
		  - name: carrier
		    address: 192.0.2.0/24
		    secret: s3cret
		    profile: home
		  - name: carrier6
		    address: "2001:db8::/64"
		    secret: s3cret
		    profile: home
		profiles:
		  - name: home
		    authentication: [mschapv2, chap, pap]
		    local-address: 10.0.0.1
		    dns: [10.0.0.53, "2001:db8:53::53"]
		    pool: subscribers
		    mru: 1460
		pools:
		  - name: subscribers
		    ipv4: [10.0.0.0/16]
		    ipv6: "2001:db8:1000::/48"
		users: $lab/chap-secrets
		control-socket: $lab/l2xdpd.sock
		state-directory: $lab/state
		runtime-directory: $lab_run
	E
	chmod 600 "$lab/l2xdpd.yaml"
}

ctl() { "$BUILD/l2xdpctl" --socket "$lab/l2xdpd.sock" --json "$@"; }
ctl_text() { "$BUILD/l2xdpctl" --socket "$lab/l2xdpd.sock" "$@"; }

daemon_start() {
	[ -n "${1:-}" ] || [ -f "$lab/l2xdpd.yaml" ] || lab_config
	lab_spawn "$lab_lns" "$lab/l2xdpd.log" "$BUILD/l2xdpd" --config "${1:-$lab/l2xdpd.yaml}"
	daemon_pid=${lab_pids[-1]}
	daemon_ready && return
	echo "l2xdpd did not come up:"
	cat "$lab/l2xdpd.log"
	return 1
}

daemon_ready() {
	local until=$((SECONDS + 15))
	until ctl show datapath >/dev/null 2>&1; do
		kill -0 "$daemon_pid" 2>/dev/null && [ $SECONDS -lt $until ] || return 1
		sleep 0.1
	done
}

daemon_stop() {
	local status
	daemon_note_workers
	kill -"${1:-TERM}" "$daemon_pid"
	lab_reap "$daemon_pid" 100
	status=$?
	daemon_end_workers || status=1
	daemon_pid=
	return $status
}

daemon_restart() { daemon_stop && daemon_start "$@"; }

# Succeeds when nothing of it runs any more: a worker ends by itself when nobody asks it.
daemon_kill() {
	daemon_note_workers
	kill -KILL "$daemon_pid"
	wait "$daemon_pid" 2>/dev/null
	daemon_pid=
	daemon_end_workers
}

# Children of the daemon; the eldest is its worker.
daemon_children() {
	[ -z "$daemon_pid" ] || ps -o pid= --sort=start_time,pid --ppid "$daemon_pid" | tr -d ' '
}
daemon_worker_pid() { daemon_children | head -n 1; }

daemon_note_workers() { mapfile -t -O "${#lab_workers[@]}" lab_workers < <(daemon_children); }
# They are not children of this shell. Fails when one had to be killed.
daemon_end_workers() {
	local pid status=0
	for pid in ${lab_workers[@]+"${lab_workers[@]}"}; do
		wait_for 5 lab_ended "$pid" && continue
		kill -KILL "$pid" 2>/dev/null || continue
		echo "# process $pid outlived its daemon and had to be killed"
		status=1
	done
	lab_workers=()
	return $status
}
# One that waits for its parent to look is over, whoever that is by now.
lab_ended() { case $(ps -o stat= -p "$1") in "" | Z*) ;; *) false ;; esac; }

# Memory of its own that the daemon and its worker hold, in KiB: maps and store are not in it.
daemon_rss() {
	local pid
	for pid in "$daemon_pid" $(daemon_children); do cat "/proc/$pid/status"; done |
		awk '/^RssAnon/ { sum += $2 } END { print sum }'
}

client_spawn() { # NAME [OPTION...]: does not wait
	local name=$1
	shift
	: >"$lab/$name.events"
	lab_spawn "$lab_sub" "$lab/$name.log" "$BUILD/tests/l2xdp-client" --server 192.0.2.1 \
		--secret s3cret --user joe --password 'wonder land' --tun "$name" \
		--events "$lab/$name.events" "$@"
	client_pid[$name]=${lab_pids[-1]}
}

# client_is NAME FAMILY: that family is up
client_is() { grep -q "\"event\":\"up\".*\"family\":\"$2\"" "$lab/$1.events"; }

client_start() {
	local family
	client_spawn "$@"
	for family in ipv4 ipv6; do
		case " $* " in *" --no-$family "*) continue ;; esac
		wait_for 20 client_is "$1" "$family" && continue
		echo "the client did not come up ($family):"
		cat "$lab/$1.log" "$lab/$1.events"
		tail -n 40 "$lab/l2xdpd.log"
		return 1
	done
}

# What two subscribers of one namespace say to each other never leaves it.
client_apart() {
	local v4
	v4=$(client_value "$1" ipv4 address)
	if ! ip netns list | grep -qw "^$lab_apart"; then lab_namespace "$lab_apart" || return; fi
	ip -n "$lab_sub" link set dev "$1" netns "$lab_apart" &&
		ip -n "$lab_apart" addr add "$v4/32" dev "$1" &&
		ip -n "$lab_apart" link set dev "$1" up &&
		ip -n "$lab_apart" route add default dev "$1"
}

client_stop() {
	kill -"${2:-TERM}" "${client_pid[$1]}"
	lab_reap "${client_pid[$1]}" 50
}

# client_value NAME FAMILY KEY: of the newest "up" event
client_value() {
	grep '"event":"up"' "$lab/$1.events" | grep "\"family\":\"$2\"" | tail -n 1 | json "d['$3']"
}

# The index of the one session, or of a user's.
session_id() {
	ctl show sessions |
		json "[s['id'] for s in d if s['user'] == '${1:-joe}'][0]"
}

session() { ctl show session "${2:-$(session_id)}" | json "$1"; }
sessions() { ctl show sessions | json 'len(d)'; }
sessions_are() { [ "$(sessions)" = "$1" ]; }
verdict() { ctl show verdicts | json "[v['frames'] for v in d if v['verdict'] == '$1'][0]"; }

# tcp FROM TO ADDRESS [OPTION...]: iperf3 between two of sub, lns, core; prints the octets
# that arrived
tcp() {
	local from=$1 to=$2 address=$3 server
	shift 3
	$to iperf3 -s -1 -B "$address" >"$lab/iperf3-server.log" 2>&1 &
	server=$!
	lab_pids+=("$server")
	wait_for 5 lab_listens "$to" 5201 || return
	$from iperf3 -c "$address" -J "$@" >"$lab/iperf3.json" 2>&1 || {
		cat "$lab/iperf3.json"
		kill "$server" 2>/dev/null
		return 1
	}
	wait "$server"
	json 'd["end"]["sum_received"]["bytes"]' <"$lab/iperf3.json"
}

lab_listens() { [ -n "$("$1" ss -Hltn "sport = :$2")" ]; }

# transfer FROM TO ADDRESS OCTETS: one way, byte by byte what was sent; FROM connects to
# ADDRESS of TO and sends, or takes when OCTETS is negative
transfer() {
	local from=$1 to=$2 address=$3 octets=$4 server
	local here=(put "$address" 5300 "$octets") there=(receive "$address" 5300)
	[ "$octets" -gt 0 ] || {
		here=(get "$address" 5300)
		there=(send "$address" 5300 $((-octets)))
	}
	$to tests/lab/transfer.py "${there[@]}" >"$lab/transfer.there" 2>&1 &
	server=$!
	lab_pids+=("$server")
	wait_for 10 grep -q listening "$lab/transfer.there" || return
	$from tests/lab/transfer.py "${here[@]}" >"$lab/transfer.here" 2>&1
	wait "$server"
	sed -i /listening/d "$lab/transfer.there"
	cat "$lab/transfer.here" "$lab/transfer.there"
	grep -q "^${octets#-} " "$lab/transfer.here" && cmp "$lab/transfer.here" "$lab/transfer.there"
}

# The sum of those counters on standard input, name and number in a line.
# shellcheck disable=SC2016 # awk's
sum_of() { awk -v re="$1" '$1 ~ re { n += $2 } END { print n + 0 }'; } # REGEX
# Frames of the subscribers that the veth's ring (256 frames) had no room for: lost before
# anybody has looked at them. The kernel counts them where they arrive, a newer one where they
# are sent.
wire_drops() {
	{
		lns ethtool -S access0
		echo "tx_dropped $(sub cat /sys/class/net/lac0/statistics/tx_dropped)"
	} | sum_of '^(rx_queue_[0-9]+_drops:|tx_dropped)$'
}

# Packets of a session: at the hook and in the slow path, both ways together.
crossed() { session '[sum(d[a][b] for a in ("rx", "tx")) for b in ("hook_packets", "slow_packets")]'; }
# share BEFORE AFTER: at least PACKETS (default 1000) crossed at the hook, and these are
# 99 % of all
share_is_fast() {
	echo "hook and slow path before $1, after $2"
	[ "$(echo "[$1, $2, ${3:-1000}]" | json '(lambda h, s: h >= d[2] and 100 * h >= 99 * (h + s))(
		d[1][0] - d[0][0], d[1][1] - d[0][1])')" = true ]
}
