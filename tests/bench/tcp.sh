#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One TCP stream, by iperf3: through the hook of XDP, through that of traffic control (mode tc),
# through the slow path, and between this host and a subscriber; beside it, in turns, one that the kernel forwards over two veths as they come,
# large segments and all.
#
#   sub  lac0 ------- access0  lns  core0 ------- host0  core
#   sub  plain1 ----- plain0   lns  plain2 ------ plain3 core     nothing of ours
#   sub  wire1 ------ wire0    lns  wire2 ------- wire3 core      the same, but in packets, as a NIC
#                                                                 has them from a wire and joins them
#
# The subscriber's side is lac.bpf.c: no large segments there, so that what the LNS takes is
# packets, as from a line; nor is there a process in the way. The session is l2xdp-load's.
#
#   tests/bench/tcp.sh [--full] [--rounds N] [--csv FILE] [--foreign PERCENT] [--only REGEX]
#
# A measurement during which processes of others took more than PERCENT (5) of all CPUs is
# thrown away and counted.
# shellcheck disable=SC2119
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

rounds=3 csv='' foreign=5 seconds=2 tries=10 thrown=0 status=0 only=''
while [ $# -gt 0 ]; do
	case $1 in
	--full) seconds=5 rounds=5 ;;
	--rounds) rounds=$2 && shift ;;
	--csv) csv=$2 && shift ;;
	--foreign) foreign=$2 && shift ;;
	--only) only=$2 && shift ;;
	*) sed -n 's/^# \{0,1\}//; 2,20p' "$0" >&2 && exit 2 ;;
	esac
	shift
done

# A way that the kernel forwards: NET.0.2 (sub) to NET.1.2 (core).
way() { # NAME NET
	ip link add "${1}0" netns "$lab_lns" type veth peer name "${1}1" netns "$lab_sub" &&
		ip link add "${1}2" netns "$lab_lns" type veth peer name "${1}3" netns "$lab_core" ||
		return
	ip -n "$lab_lns" -batch - <<-E || return
		addr add $2.0.1/24 dev ${1}0
		addr add $2.1.1/24 dev ${1}2
		link set ${1}0 up
		link set ${1}2 up
	E
	ip -n "$lab_sub" -batch - <<-E || return
		addr add $2.0.2/24 dev ${1}1
		link set ${1}1 up
		route add $2.1.0/24 via $2.0.1
	E
	ip -n "$lab_core" -batch - <<-E
		addr add $2.1.2/24 dev ${1}3
		link set ${1}3 up
		route add $2.0.0/24 via $2.1.1
	E
}

ground() {
	lab_up && way plain 198.18 && way wire 198.19 || return
	sub ethtool -K wire1 tx off tso off gso off &&
		core ethtool -K wire3 tx off tso off gso off && lns ethtool -K wire0 gro on &&
		lns ethtool -K wire2 gro on
} >/dev/null

# The octets of struct lac_session, in decimal.
lac_session() {
	/usr/bin/python3 - "$lab/view" <<-'E'
		import ipaddress, json, struct, sys
		s = json.load(open(sys.argv[1]))["sessions"][0]
		ids = [s[k] for k in ("port", "peer_tunnel", "peer_session", "tunnel", "session")]
		addresses = [ipaddress.ip_address(a).packed for a in ("192.0.2.10", "192.0.2.1", s["ipv4"])]
		print(*b"".join(addresses) + struct.pack("!6H", *ids, 0))
	E
}

attach_lac() {
	local map
	rm -rf "$lab/bpffs/lac"
	/usr/sbin/bpftool prog loadall "$BUILD/tests/bench/lac.bpf.o" "$lab/bpffs/lac" \
		2>"$lab/bpftool.log" || { cat "$lab/bpftool.log" >&2 && return 1; }
	map=$(/usr/sbin/bpftool -j prog show pinned "$lab/bpffs/lac/lac_in" |
		json 'd["map_ids"][0]') || return
	# shellcheck disable=SC2046
	/usr/sbin/bpftool map update id "$map" key 0 0 0 0 value $(lac_session) || return
	sub tc qdisc add dev lac0 clsact || return
	sub tc filter add dev lac0 ingress bpf direct-action \
		object-pinned "$lab/bpffs/lac/lac_in" || return
	sub tc filter add dev lac0 egress bpf direct-action \
		object-pinned "$lab/bpffs/lac/lac_out"
}

# A session of l2xdp-load, and lac.bpf.c for it on lac0.
subscriber() {
	rm -f "$lab/ready" "$lab/view"
	lab_spawn "$lab_sub" "$lab/load.log" "$BUILD/tests/l2xdp-load" --server 192.0.2.1 \
		--local 192.0.2.10 --secret s3cret --user joe --password 'wonder land' \
		--hold 1000000 --ready "$lab/ready" --view "$lab/view" --no-ipv6
	load_pid=${lab_pids[-1]}
	wait_for 20 test -e "$lab/ready" && kill -USR1 "$load_pid" &&
		wait_for 5 test -e "$lab/view" || return
	address=$(json 'd["sessions"][0]["ipv4"]' <"$lab/view") && [ -n "$address" ] || return
	attach_lac || return
	ip -n "$lab_sub" addr add "$address/32" dev lo
	ip -n "$lab_sub" route replace 203.0.113.0/24 via 192.0.2.1 dev lac0 src "$address" mtu 1460
	ip -n "$lab_sub" route replace 10.0.0.1/32 via 192.0.2.1 dev lac0 src "$address" mtu 1460
}

# Nanoseconds that processes of others have run; kernel threads and ours are not counted.
others() {
	/usr/bin/python3 - "$$" <<-'E'
		import os, sys
		parent, ran = {}, {}
		for pid in filter(str.isdigit, os.listdir("/proc")):
		    try:
		        stat = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
		        parent[pid] = stat[1]
		        ran[pid] = sum(int(open(f"/proc/{pid}/task/{t}/schedstat").read().split()[0])
		                       for t in os.listdir(f"/proc/{pid}/task"))
		    except (OSError, IndexError):
		        ran.pop(pid, None)
		def ours(pid):
		    while pid in parent and pid != "0":
		        if pid == sys.argv[1] or pid == "2":
		            return True
		        pid = parent[pid]
		    return False
		for pid in ran:
		    if not ours(pid):
		        print(pid, ran[pid])
	E
}

# taken BEFORE AFTER SECONDS: % of all CPUs that others took
taken() {
	awk -v seconds="$3" -v cpus="$(nproc)" 'NR == FNR { was[$1] = $2; next }
		{ sum += $2 - was[$1] } END { print 100 * sum / 1e9 / seconds / cpus }' "$1" "$2"
}

# stream FROM TO ADDRESS [OPTION...]: Gb/s that arrived, of a measurement that can be believed
stream() {
	local i gone
	for ((i = 0; i < tries; i++)); do
		others >"$lab/others.before"
		tcp "$@" -t "$seconds" >/dev/null || return
		others >"$lab/others.after"
		gone=$(taken "$lab/others.before" "$lab/others.after" "$seconds")
		if awk "BEGIN { exit !($gone <= $foreign) }"; then
			json 'd["end"]["sum_received"]["bits_per_second"] / 1e9' <"$lab/iperf3.json"
			return
		fi
		echo >>"$lab/thrown"
	done
	echo "tcp: $tries measurements in a row cannot be believed; at the last one others took" \
		"$gone % of the CPUs" >&2
	return 1
}

# row NAME FROM TO ADDRESS [OPTION...]: in turns with plain forwarding
row() {
	local name=$1 i own plain wire
	shift
	[[ $name =~ $only ]] || return 0
	: >"$lab/row"
	for ((i = 0; i < rounds; i++)); do
		if ! plain=$(stream sub core 198.18.1.2) || ! own=$(stream "$@") ||
			! wire=$(stream sub core 198.19.1.2); then
			echo "$name: failed" && status=1
			return
		fi
		echo "$plain $own $wire" >>"$lab/row"
	done
	/usr/bin/python3 - "$name" "$lab/row" "$csv" <<-'E'
		import os, statistics, sys
		name, path, csv = sys.argv[1:]
		rows = [tuple(map(float, line.split())) for line in open(path)]
		series = {
		    ("plain", "Gb/s"): [p for p, o, w in rows],
		    ("wire", "Gb/s"): [w for p, o, w in rows],
		    ("whole", "Gb/s"): [o for p, o, w in rows],
		    ("ratio", "rate"): [o / p for p, o, w in rows],
		    ("to wire", "rate"): [o / w for p, o, w in rows],
		}
		line = f"{name:<44}"
		for (figure, unit), v in series.items():
		    m = statistics.median(v)
		    line += f" {m:6.2f} ({min(v):5.2f}-{max(v):5.2f})"
		    if csv:
		        new = not os.path.exists(csv) or not os.path.getsize(csv)
		        with open(csv, "a") as f:
		            if new:
		                print("bench,device,row,figure,unit,rounds,median,min,max", file=f)
		            print("tcp", name, "streams=1", figure, unit, len(v),
		                  f"{m:.6g},{min(v):.6g},{max(v):.6g}", sep=",", file=f)
		print(line, flush=True)
	E
}

# A veth parts large segments while its peer has an XDP program; without one it takes frames that
# are redirected to it while that peer has GRO. Then segments cross as large as over the plain ones.
whole() { # on | off
	if [ "$1" = on ]; then
		ip -n "$lab_sub" link set dev lac0 xdp off && sub ethtool -K lac0 gro on &&
			lns ethtool -K access0 tx on gso on tso on
	else
		lns ethtool -K access0 tx off gso off tso off &&
			ip -n "$lab_sub" link set dev lac0 xdpdrv obj "$BUILD/tests/lab/pass.bpf.o" sec xdp
	fi >"$lab/ethtool.log" 2>&1
}

# mode MODE NAME: all directions with one way of working
mode() {
	lab_config "s/mode: .*/mode: $1/; s/authentication: .*/authentication: [chap]/"
	if ! daemon_start >&2 || ! lns ethtool -K access0 gro on || ! subscriber; then
		echo "$2: the session did not come up" && status=1
		return
	fi
	row "$2: subscriber to core host" sub core 203.0.113.2 -B "$address"
	row "$2: core host to subscriber" core sub "$address"
	row "$2: subscriber to this host" sub lns 10.0.0.1 -B "$address"
	row "$2: this host to subscriber" lns sub "$address" -B 10.0.0.1
	if [ "$1" != off ]; then
		whole on && row "$2: this host to subscriber, whole" lns sub "$address" -B 10.0.0.1
		whole off
	fi
	sub tc qdisc del dev lac0 clsact
	ip -n "$lab_sub" addr del "$address/32" dev lo
	kill -TERM "$load_pid" && lab_reap "$load_pid" 100
	daemon_stop INT
}

ground || exit 1
: >"$lab/thrown"
echo "one TCP stream, Gb/s, median (min-max) of $rounds rounds of $seconds s; ratio to plain forwarding"
printf '%-44s %-21s %-21s %-21s %-21s %s\n' "" plain "as from a wire" measured "ratio to plain" "to a wire"
mode native l2xdp
mode tc "l2xdp, mode: tc"
mode off "l2xdp, mode: off"
thrown=$(wc -l <"$lab/thrown")
echo "thrown away, because others took more than $foreign % of the CPUs: $thrown"
exit $status
