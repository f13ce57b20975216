#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# The process that reads the network holds nothing: identity, capabilities, filter, files,
# secrets; and what its death, the monitor's death and a failed start leave. What the filter
# refuses is tried from inside by tests/unit/monitor_sandbox_test.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

worker() { daemon_worker_pid; }
status_of() { awk -v key="$2:" '$1 == key { $1 = ""; print substr($0, 2) }' "/proc/$1/status"; }
worker_status() { status_of "$(worker)" "$1"; }
is_another_worker() { [ -n "$(worker)" ] && [ "$(worker)" != "$1" ] && ctl show datapath; }
logged() { grep -cE -- "$1" "$lab/l2xdpd.log"; }
said() { [ "$(logged "$1")" -ge "${2:-1}" ]; }
ping_core() { sub ping -q -c 3 -i 0.2 -W 2 203.0.113.2; }

lab_up || exit 1
lab_config
echo 'user: nobody' >>"$lab/l2xdpd.yaml"
check "l2xdpd starts, its worker as another user" daemon_start || exit 1

# ---- what it is ---------------------------------------------------------------------
pid=$(worker)
nobody=$(id -u nobody) group=$(id -g nobody)
is "the worker's user" "$(worker_status Uid)" "$nobody $nobody $nobody $nobody"
is "its group" "$(worker_status Gid)" "$group $group $group $group"
is "it is in no other group" "$(worker_status Groups)" ""
for set in CapInh CapPrm CapEff CapBnd CapAmb; do
	is "$set is empty" "$(worker_status $set)" 0000000000000000
done
is "no_new_privs" "$(worker_status NoNewPrivs)" 1
if nm -A "$BUILD/l2xdpd" 2>/dev/null | grep -q __asan_init; then
	skip "system calls are filtered" "a sanitizer's build"
	skip "it can be neither traced nor dumped" "a sanitizer's build"
else
	is "system calls are filtered" "$(worker_status Seccomp)" 2
	is "it can be neither traced nor dumped" "$(stat -c %u "/proc/$pid/environ")" 0
fi
has "no core file" "$(cat "/proc/$pid/limits")" '^Max core file size +0 +0 '
check_not "the monitor keeps its capabilities" test "$(status_of "$daemon_pid" CapEff)" = 0000000000000000
is "the monitor is root" "$(status_of "$daemon_pid" Uid)" "0 0 0 0"

# ---- what it holds ------------------------------------------------------------------
files() { # of the worker: regular files and directories by path
	local fd target
	for fd in "/proc/$pid/fd"/*; do
		target=$(readlink "$fd") && [ "${target#/}" != "$target" ] && echo "$target"
	done
}
is "open files: the store, locks, counters, its log and devices, nothing else" \
	"$(files | grep -vE "^($lab/(memory/run|state)(/|\$)|$lab/bpffs/l2xdp\$|$lab/l2xdpd.log\$|/dev/(null|net/tun)\$)")" ""
is "the worker has no file of the configuration or of users" "$(files | grep -cE 'yaml|secrets')" 0

# ---- it does its work so ---------------------------------------------------------------
client_start joe --route 203.0.113.0/24 || exit 1
check "a subscriber's packets pass" ping_core
client_start fixed --user fixed --password wonder --no-ipv6 || exit 1
is "a static address outside every list of pools' is granted" "$(client_value fixed ipv4 address)" 10.0.7.7
for what in "show tunnels" "show sessions" "show verdicts" "show datapath" "preflight access0"; do
	# shellcheck disable=SC2086 # words
	check "$what is answered" ctl $what
done
check "preflight sees the device by the monitor's eyes" \
	test "$(ctl preflight access0 | json 'len(d[0]["findings"])')" -ge 1
check_not "a path is no device" ctl preflight ../../etc
client_stop fixed
check "the session ends" wait_for 5 sessions_are 1
check "an interface comes and goes" lns sh -c 'ip link add p0 type veth peer name p1 && ip link set p0 up &&
	ip addr add 198.51.100.9/24 dev p0 && ip link del p0'
check "a link goes down and up" lns sh -c 'ip link set core0 down && sleep 0.2 && ip link set core0 up'
lns ip -6 addr replace 2001:db8:c::1/64 dev core0
sleep 1
check "packets pass again" wait_for 10 ping_core
is "it is still the same worker: its filter has not ended it" "$(worker)" "$pid"

# ---- secrets ----------------------------------------------------------------------------
for process in "$daemon_pid" "$pid"; do
	check_not "no secret on the command line or in the environment of $process" \
		grep -qaE 's3cret|wonder' "/proc/$process/cmdline" "/proc/$process/environ"
done
check_not "no secret in the log" grep -qE 's3cret|wonder' "$lab/l2xdpd.log"

# ---- deaths -------------------------------------------------------------------------------
kill -KILL "$pid"
check "a worker that was killed is replaced" wait_for 5 is_another_worker "$pid"
check "the log says how it ended" said 'the worker was ended by signal 9 \(Killed\).*another one starts'
is "its session is still there" "$(sessions)" 1
check "and its packets pass" ping_core
is "the new worker holds no capability either" "$(worker_status CapEff)" 0000000000000000
kill -ABRT "$(worker)"
check "a worker that crashes is replaced" wait_for 5 said 'ended by signal 6.*another one starts'
for ((i = 0; i < 5; i++)); do
	wait_for 5 test -n "$(worker)"
	pid=$(worker)
	kill -KILL "$pid"
	wait_for 10 is_another_worker "$pid"
done
check "one that dies again and again, ever more slowly" said 'another one in 0\.[0-9]+ s'
is "the session outlives them all" "$(sessions)" 1
check "and its packets pass" ping_core
pid=$(worker)
kill -KILL "$daemon_pid"
wait "$daemon_pid" 2>/dev/null
check "the monitor's death is the worker's" wait_for 2 lab_ended "$pid"
daemon_pid=
check "the next start" daemon_start
is "takes the session up" "$(sessions)" 1
check "its packets pass" ping_core

# ---- starts that fail -------------------------------------------------------------------------
# fails NAME TEXT CONFIG...: status 1, TEXT once, and nothing has changed
fails() {
	local name=$1 text=$2
	lns "$BUILD/l2xdpd" --config "$3" >"$lab/second.log" 2>&1
	is "$name: status 1" $? 1
	is "$name: said once" "$(grep -cE -- "$text" "$lab/second.log")" 1
}
fails "a second daemon" 'another l2xdpd \(process [0-9]+\) runs' "$lab/l2xdpd.yaml"
sed "s|$lab_run|$lab/run2|; s|$lab/state|$lab/state2|" "$lab/l2xdpd.yaml" >"$lab/second.yaml"
chmod 600 "$lab/second.yaml"
fails "a control socket that is taken" 'another daemon answers there' "$lab/second.yaml"
case $(stat -f -c %T "$lab") in
tmpfs | ramfs) diag "no disk here: the warning of a runtime-directory on a disk is not shown" ;;
*) has "a runtime-directory on a disk: it warns" "$(cat "$lab/second.log")" "runtime-directory $lab/run2 is not in memory" ;;
esac
is "the first one and its session live" "$(sessions)" 1
check "and its packets pass" ping_core
daemon_stop INT
is "SIGINT: status 0" $? 0
sed 's/user: nobody/user: no-such-user/' "$lab/l2xdpd.yaml" >"$lab/second.yaml"
fails "a user that is not there" 'there is no such user' "$lab/second.yaml"
has "with the remedy" "$(cat "$lab/second.log")" 'useradd --system'
lns ip tuntap add dev plain0 mode tun && lns ip link set plain0 up
sed 's/core0/plain0/; s/mode: auto/mode: native/' "$lab/l2xdpd.yaml" >"$lab/second.yaml"
fails "an interface that cannot, with mode native" 'error: interface plain0: ' "$lab/second.yaml"
check_not "l2tp0 is not left behind" lns ip link show dev l2tp0
is "nor a program" "$(lns ip -d link show dev access0 | grep -c prog/xdp)" 0
check "after all that it starts" daemon_start
daemon_stop INT
is "and ends" $? 0

# With no more than the systemd unit leaves it, and with another user: directories that were
# root's become the worker's.
unit_caps=$(sed -n 's/^CapabilityBoundingSet=//p' deploy/l2xdpd.service | tr '[:upper:]' '[:lower:]' |
	sed 's/cap_/+/g; s/ /,/g')
rm -rf "$lab_run" "$lab/state"
lab_spawn "$lab_lns" "$lab/l2xdpd.log" setpriv "--bounding-set=-all,$unit_caps" --inh-caps=-all \
	"$BUILD/l2xdpd" --config "$lab/l2xdpd.yaml"
daemon_pid=${lab_pids[-1]}
check "with the unit's capabilities it starts" daemon_ready
client_start unit --no-ipv6
kill -KILL "$(daemon_worker_pid)"
check "and another worker takes the session up" wait_for 10 sessions_are 1
check "a reload, too" ctl reload
is "keeps it" "$(sessions)" 1
daemon_stop INT
is "and ends with the unit's capabilities" $? 0
tap_done
