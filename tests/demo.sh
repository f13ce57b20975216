#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
#
# `make demo`: the main job on one machine. Installs what is missing, builds, lays out
# three network namespaces, starts l2xdpd, connects a subscriber, moves traffic both ways
# and shows what crossed at the driver hook and what took the slow path. Fails when less
# than 99 % of the TCP packets crossed at the hook. Whatever happens, it cleans up.
#
set -u
cd "$(dirname "$0")/.." || exit 1
unset MAKEFLAGS MFLAGS MAKELEVEL
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh
# shellcheck source=tests/demo_head.sh
. tests/demo_head.sh

demo_build make demo

step "2. Three network namespaces"
lab_up || fail "the lab does not come up"
cat <<'E'
  subscriber                 LNS (l2xdpd)                  core host
  lac0 -------------- access0        core0 -------------- host0
  192.0.2.10        192.0.2.1        203.0.113.1    203.0.113.2
  2001:db8::10    2001:db8::1    2001:db8:c::1  2001:db8:c::2
E

step "3. l2xdpd"
lab_config
show "cat l2xdpd.yaml"
sed 's/^/  /' "$lab/l2xdpd.yaml"
show "l2xdpd --config l2xdpd.yaml"
daemon_start || fail "l2xdpd does not start"
sed 's/^/  /' "$lab/l2xdpd.log"

step "4. A subscriber connects by L2TP and PPP"
show "l2xdp-client --server 192.0.2.1 --secret s3cret --user joe --password ... --default-route"
client_start joe --default-route || fail "the subscriber does not connect"
v4=$(client_value joe ipv4 address)
v6=$(client_value joe ipv6 address)
echo "  $v4, DNS $(client_value joe ipv4 dns | tr -d '[]"')"
echo "  $v6, DNS $(client_value joe ipv6 dns | tr -d '[]"')"

step "5. Ping, both ways"
try_ping() { # FROM ADDRESS
	printf '  %-4s -> %-28s ' "$1" "$2"
	"$1" ping -q -c 4 -i 0.1 -W 2 "$2" >"$lab/ping" 2>&1 || {
		cat "$lab/ping"
		fail "no answer from $2"
	}
	sed -n 's/^\(.* received\).*/\1/p' "$lab/ping" | tr '\n' ' '
	sed -n 's/^rtt.*= [^/]*\/\([^/]*\)\/.*/\1 ms/p' "$lab/ping"
}
try_ping sub 203.0.113.2
try_ping sub 2001:db8:c::2
try_ping core "$v4"
try_ping core "$v6"

step "6. TCP, both ways, 3 s each"
packets() { session '[sum(d[a][b] for a in ("rx", "tx")) for b in ("hook_packets", "slow_packets")]'; }
before=$(packets)
try_tcp() { # NAME ADDRESS [OPTION]
	local octets
	printf '  %-22s' "$1"
	octets=$(tcp sub core "${@:2}" -t 3) || {
		echo "$octets"
		fail "TCP, $1"
	}
	awk -v o="$octets" 'BEGIN { printf "%6.0f MB %8.0f Mb/s\n", o / 1e6, o * 8 / 3e6 }'
}
try_tcp "IPv4, to the core" 203.0.113.2
try_tcp "IPv4, to the subscriber" 203.0.113.2 -R
try_tcp "IPv6, to the core" 2001:db8:c::2
try_tcp "IPv6, to the subscriber" 2001:db8:c::2 -R
after=$(packets)

step "7. What crossed at the driver hook, and what took the slow path"
for command in "show sessions" "show session $(session_id)" "show verdicts"; do
	show "l2xdpctl $command"
	# shellcheck disable=SC2086 # words
	ctl_text $command | sed 's/^/  /'
done
# shellcheck disable=SC2016 # Python's
verdict=$(echo "[$before, $after]" | json '(lambda h, s: "%d %d %.3f" % (h, s, 100 * h / max(h + s, 1)))(
	d[1][0] - d[0][0], d[1][1] - d[0][1])')
read -r hook slow percent <<<"$verdict"
printf '\n  TCP: %s packets at the hook, %s in the slow path: %s%s %%%s at the hook\n' \
	"$hook" "$slow" "$bold" "$percent" "$plain"
awk -v p="$percent" -v h="$hook" 'BEGIN { exit !(p >= 99 && h > 1000) }' ||
	fail "less than 99 % crossed at the hook"

step "8. The end"
client_stop joe || fail "the subscriber did not end cleanly"
daemon_stop INT || fail "l2xdpd did not end cleanly"
sed -n '/SIGINT/,$p' "$lab/l2xdpd.log" | sed 's/^/  /'
left=$(lns ip -br link show type tun 2>/dev/null; lns bpftool net show 2>/dev/null | grep -E 'driver|generic')
[ -z "$left" ] || fail "l2xdpd left behind: $left"
demo_end
