#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119,SC2120
# A new configuration while sessions are up and packets flow: a bad one changes nothing, a
# good one changes what differs, and neither costs a session or a packet. The way is the same
# for a new program.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh
# shellcheck source=tests/lab/traffic.sh
. tests/lab/traffic.sh

log() { cat "$lab/l2xdpd.log"; }
logged() { grep -cE -- "$1" "$lab/l2xdpd.log"; }
logged_times() { [ "$(logged "$1")" -ge "$2" ]; }
edit() { sed -i "$1" "$lab/l2xdpd.yaml"; }
worker_is_not() { [ "$(daemon_worker_pid)" != "$1" ] && ctl show state; }

# by_signal, by_ctl [OPTION]: status 0 when the configuration was taken and the next worker is
# ready; what was said is in $lab/said
by_signal() {
	local ready refused
	ready=$(logged '^[^ ]* ready: ') refused=$(logged 'nothing was changed')
	kill -HUP "$daemon_pid"
	for ((i = 0; i < 150; i++)); do
		[ "$(logged 'nothing was changed')" = "$refused" ] || return 1
		logged_times '^[^ ]* ready: ' $((ready + 1)) && return
		sleep 0.1
	done
	return 2
}
by_ctl() {
	local ready status
	ready=$(logged '^[^ ]* ready: ')
	ctl_text reload "$@" >"$lab/said" 2>&1
	status=$?
	cat "$lab/said"
	[ $status = 0 ] || return $status
	wait_for 15 logged_times '^[^ ]* ready: ' $((ready + 1))
}

# The tables of who is there, without what time changes.
who() { ctl show sessions | json 'sorted([s["id"], s["user"], s["ipv4"], s["ipv6"], s["peer_session"]] for s in d)'; }

# A program of its own, as an upgrade would replace it.
lab_up || exit 1
lab_config
mkdir "$lab/sbin"
cp "$BUILD/l2xdpd" "$lab/sbin/l2xdpd"
lab_spawn "$lab_lns" "$lab/l2xdpd.log" "$lab/sbin/l2xdpd" --config "$lab/l2xdpd.yaml"
daemon_pid=${lab_pids[-1]}
check "l2xdpd starts" daemon_ready || exit 1
cp "$lab/l2xdpd.yaml" "$lab/first.yaml"

host_start 1000 || exit 1
load_start load --tunnels 2 --sessions 10 --user user%d --hold 150 --traffic-to "$host4" --traffic 1000 || exit 1
check "20 sessions of 2 tunnels come up" load_ready load 30 || exit 1
before=$(who)
is "the daemon knows them" "$(echo "$before" | json 'len(d)')" 20

# ---- what is wrong changes nothing --------------------------------------------------
pid=$(daemon_worker_pid)
edit 's/^peers:/peerz:/'
check_not "SIGHUP with a wrong key: refused" by_signal
has "it says where and what" "$(log)" 'l2xdpd.yaml:[0-9]+: .*peerz'
has "and that nothing was changed" "$(log)" 'reload: the configuration is wrong; nothing was changed'
by_ctl >/dev/null
is "l2xdpctl reload: refused, status 1" $? 1
has "it says where and what" "$(cat "$lab/said")" 'l2xdpd.yaml:[0-9]+: .*peerz'
cp "$lab/first.yaml" "$lab/l2xdpd.yaml"
echo '"' >>"$lab/chap-secrets"
check_not "a wrong file of users: refused" by_ctl
has "it says where" "$(cat "$lab/said")" 'chap-secrets:[0-9]+:'
lab_users
edit "s|runtime-directory: .*|runtime-directory: $lab/elsewhere|"
check_not "another runtime-directory: refused, for it cannot be" by_ctl --force
has "it says what would have to be done" "$(cat "$lab/said")" 'runtime-directory .*shutdown'
cp "$lab/first.yaml" "$lab/l2xdpd.yaml"
edit 's/listen: \[/&192.0.2.77, /'
check_not "a listen address that is not here: refused" by_ctl
has "it says which, and the remedy" "$(cat "$lab/said")" 'listen address 192.0.2.77 .*|ip address add 192.0.2.77'
lns "$BUILD/l2xdpd" --check --config "$lab/l2xdpd.yaml" >"$lab/said" 2>&1
is "--check before a restart: status 1, for sessions are stored here" $? 1
has "it says which" "$(cat "$lab/said")" 'listen address 192.0.2.77 is not on this host: here l2xdpd would not start'
cp "$lab/first.yaml" "$lab/l2xdpd.yaml"
edit 's/^datapath:/&\
  workers: [253]/'
lns "$BUILD/l2xdpd" --check --config "$lab/l2xdpd.yaml" >"$lab/said" 2>&1
is "--check with a worker on a CPU that is not here: that is no fault" $? 0
has "it warns" "$(cat "$lab/said")" 'warning: workers: there is no CPU 253 on this host'
cp "$lab/first.yaml" "$lab/l2xdpd.yaml"
echo 'user: no-such-user' >>"$lab/l2xdpd.yaml"
check_not "a user that there is not: refused" by_ctl
has "it says so" "$(cat "$lab/said")" 'no-such-user.*no such user'
cp "$lab/first.yaml" "$lab/l2xdpd.yaml"
edit 's|control-socket: .*|control-socket: /proc/nosuch/l2xdpd.sock|'
check_not "a control socket without directory: refused" by_ctl
cp "$lab/first.yaml" "$lab/l2xdpd.yaml"
edit 's|bpf-directory: .*|bpf-directory: none|'
check_not "maps that are pinned no more: refused" by_ctl
has "it says what would have to be done" "$(cat "$lab/said")" 'bpf-directory. changed.* set it as it was'
cp "$lab/first.yaml" "$lab/l2xdpd.yaml"
edit 's/^datapath:/&\
  tun: l2tp9/'
check_not "another TUN device: refused" by_ctl
has "it says what would have to be done" "$(cat "$lab/said")" 'datapath.tun .*shutdown'
cp "$lab/first.yaml" "$lab/l2xdpd.yaml"
chmod 000 "$lab/sbin/l2xdpd"
check_not "a program that cannot be executed: refused" by_ctl
chmod 755 "$lab/sbin/l2xdpd"
is "after all that it is the same worker" "$(daemon_worker_pid)" "$pid"
is "with the same sessions" "$(who)" "$before"

# ---- what differs is changed -----------------------------------------------------------
check "SIGHUP with the same: taken" by_signal
is "the same process" "$(ps -o ppid= -p "$(daemon_worker_pid)" | tr -d ' ')" "$daemon_pid"
check_not "another worker" test "$(daemon_worker_pid)" = "$pid"
is "the same sessions" "$(who)" "$before"

edit 's/^peers:/&\
  - name: branch\
    address: 198.51.100.0\/24\
    secret: another\
    profile: office/; s/^profiles:/&\
  - name: office\
    authentication: [chap]\
    local-address: 10.1.0.1\
    pool: offices/; s/^pools:/&\
  - name: offices\
    ipv4: [10.1.0.0\/24]/'
echo 'late * evening *' >>"$lab/chap-secrets"
check "a peer, a profile, a pool and a user more: taken" by_ctl
has "it was said what would become of the sessions" "$(cat "$lab/said")" '20 sessions in 2 tunnels go on'
is "the same sessions" "$(who)" "$before"
has "the host routes the new pool" "$(lns ip route show dev l2tp0)" '^10\.1\.0\.0/24'
has "the new peer is there" "$(ctl show peers | json '[p["name"] for p in d]')" branch
lns ip addr add 198.51.100.1/24 dev access0
sub ip addr add 198.51.100.10/24 dev lac0
check "the new user can log in" client_start late --user late --password evening --no-ipv6
client_stop late

lns ip link add spare0 type veth peer name spare1
lns ip link set spare0 up
lns ip link set spare1 up
edit 's/interfaces: .*/interfaces: [access0, core0, spare0]/'
check "an interface more: taken" by_ctl
has "the program is there too" "$(lns ip -d link show dev spare0)" 'prog/xdp'
is "the same sessions" "$(who)" "$before"
edit 's/interfaces: .*/interfaces: [access0, core0]/'
check "an interface less: taken" by_ctl
is "the program is not there any more" "$(lns ip -d link show dev spare0 | grep -c prog/xdp)" 0
is "the same sessions" "$(who)" "$before"

edit 's/secret: s3cret/secret: changed/; s/hostname: .*/hostname: lns2.example.net/'
check "other secrets, another host name: taken" by_ctl
is "the same sessions" "$(who)" "$before"
check "who comes with the new secret is taken" client_start joe --secret changed --no-ipv6
client_stop joe
client_spawn old --secret s3cret
lab_reap "${client_pid[old]}" 250
is "who comes with the old one is refused" $? 1

cp "$lab/first.yaml" "$lab/l2xdpd.yaml"
sed -i '/^late /d' "$lab/chap-secrets"
check "all of that taken back: taken" by_signal
is "the route of the pool is gone" "$(lns ip route show dev l2tp0 | grep -c '^10\.1\.')" 0
is "the same sessions" "$(who)" "$before"

# ---- a new program -----------------------------------------------------------------------
# an installer puts the new file in the old one's place; the running one's is deleted
cp "$BUILD/l2xdpd" "$lab/sbin/new"
mv "$lab/sbin/new" "$lab/sbin/l2xdpd"
has "the running program's file is gone" "$(readlink "/proc/$daemon_pid/exe")" '\(deleted\)'
check "a new program: taken" by_ctl
is "it is what runs now" "$(readlink "/proc/$daemon_pid/exe")" "$lab/sbin/l2xdpd"
is "in the same process, with the same sessions" "$(who)" "$before"

# ---- not one packet ------------------------------------------------------------------------
check "traffic is counted" traffic_quiet load
check "not one packet was lost in all of that, either way" traffic_lossless load
diag "$tap_said"

# ---- what would cost sessions --------------------------------------------------------------
client_start six --server 2001:db8::1 --no-ipv6 || exit 1
sed -i '/- name: carrier6/,/profile: home/d' "$lab/l2xdpd.yaml"
by_ctl >/dev/null
is "a peer with a session removed: refused, status 4" $? 4
has "the peer is named" "$(cat "$lab/said")" 'carrier6'
has "and the way" "$(cat "$lab/said")$(log)" 'reload --force'
check_not "SIGHUP too" by_signal
is "all sessions are there" "$(sessions)" 21
check "by force: taken" by_ctl --force
check "the removed peer's session is closed" wait_for 10 sessions_are 20
check "and it is told" wait_for 5 grep -q '"event":"down"' "$lab/six.events"
is "the others are as they were" "$(who)" "$before"

load_end load
check "the subscribers hang up: all end" wait_for 10 sessions_are 0

# ---- what a start would do, and the end without a daemon -----------------------------------
judge() { lns "$lab/sbin/l2xdpd" "$@" --config "$lab/l2xdpd.yaml" >"$lab/said" 2>&1; }
cp "$lab/first.yaml" "$lab/l2xdpd.yaml"
check "the first configuration again: taken" by_ctl
client_start joe --route 203.0.113.0/24 || exit 1

# ---- an address that no pool has any more ---------------------------------------------------
joe4=$(client_value joe ipv4 address)
joe6=$(ctl show sessions | json 'd[0]["ipv6"]')
edit 's/10\.0\.0\.0\/16/10.9.0.0\/16/; s/2001:db8:1000::/2001:db8:2000::/'
check "another pool: taken" by_ctl
has "it was said what becomes of the addresses" "$(cat "$lab/said")" '1 sessions keep addresses that are in no pool'
for when in "then" "after a restart"; do
	check "$when the session that has one of the old one goes on" sub ping -q -c 3 -i 0.2 -W 2 203.0.113.2
	is "$when it has routes of its own" \
		"$(lns ip route show dev l2tp0 | grep -c "^$joe4 ")$(lns ip -6 route show dev l2tp0 | grep -c "^$joe6 ")" 11
	before=$(session '[sum(d[a]["hook_packets"] for a in ("rx", "tx")), d["tx"]["slow_packets"]]')
	check "$when its packets pass at the hook" sub ping -q -c 20 -i 0.05 -W 2 203.0.113.2
	is "$when none of them by the slow path" "$(session 'd["tx"]["slow_packets"]')" "$(echo "$before" | json 'd[1]')"
	[ "$when" = "then" ] || break
	check "a restart" daemon_restart
done
cp "$lab/first.yaml" "$lab/l2xdpd.yaml"
check "the old pool again: taken" by_ctl
is "the routes are the pool's again" "$(lns ip route show dev l2tp0 | grep -c "^$joe4 ")" 0

judge --remove
is "--remove while a daemon runs: refused" $? 1
has "it says why" "$(cat "$lab/said")" 'another l2xdpd \(process [0-9]+\) runs'
client_start brief --user user1 --password wonder --no-ipv6 && client_stop brief
check "a session that has ended leaves a tunnel that only answers" wait_for 10 sessions_are 1
daemon_stop
is "SIGTERM: status 0" $? 0
check "the session goes on without a daemon" sub ping -q -c 3 -i 0.2 -W 2 203.0.113.2
judge --check
is "--check: status 0" $? 0
has "it foresees the maps" "$(cat "$lab/said")" 'maps of the running data path .*taken over as they are'
has "and the sessions, in tunnels that live" "$(cat "$lab/said")" '^1 sessions in 1 tunnels go on$'
edit 's/192.0.2.0\/24/198.51.100.0\/24/'
judge --check
is "--check without that peer: status 4" $? 4
has "the peer is named" "$(cat "$lab/said")" 'peer carrier \(192.0.2.10\) would be closed'
edit 's/^peers:/peerz:/'
judge --check
is "--check of a wrong one: status 3" $? 3
check "the session goes on still" sub ping -q -c 3 -i 0.2 -W 2 203.0.113.2
cp "$lab/first.yaml" "$lab/l2xdpd.yaml"
judge --remove
is "--remove: status 0" $? 0
check_not "l2tp0 is gone" lns ip link show dev l2tp0
is "no program is at the hook" "$(lns ip -d link | grep -c prog/xdp)" 0
is "nothing is pinned" "$(find "$lab/bpffs/l2xdp" -type f 2>/dev/null | wc -l)" 0
tap_done
