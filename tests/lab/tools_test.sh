#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# What a person types: l2xdpd --check and --preflight, l2xdpctl, their errors and exit codes.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

lab_up || exit 1
lab_config
check "--check takes the example" "$BUILD/l2xdpd" --check --config "$lab/l2xdpd.yaml"

# wrong NAME SED-SCRIPT REGEX: refused with file, line and a remedy
wrong() {
	lab_config "$2"
	mv "$lab/l2xdpd.yaml" "$lab/wrong.yaml"
	tap_try "$BUILD/l2xdpd" --check --config "$lab/wrong.yaml"
	is "$1: status 3" $? 3
	has "$1: file, line, what and remedy" "$tap_said" "wrong\.yaml:[0-9]+: .*($3)"
}
wrong "unknown key" 's/^hostname:/hostnme:/' 'hostnme'
wrong "unknown key below" 's/  mode: auto/  moed: auto/' 'moed'
wrong "wrong type" 's/shards: 1/shards: many/' 'shards'
wrong "not a power of two" 's/shards: 1/shards: 3/' 'shards'
wrong "unknown mode" 's/mode: auto/mode: fast/' 'mode'
wrong "no address" 's/192.0.2.0\/24/192.0.2.300\/24/' '192.0.2.300'
wrong "dangling profile" 's/profile: home/profile: away/' 'away'
wrong "dangling pool" 's/pool: subscribers/pool: nobody/' 'nobody'
wrong "unknown authentication" 's/chap, pap/chap, eap/' 'eap'
wrong "bad prefix" 's,10.0.0.0/16,10.0.0.0/40,' '10.0.0.0/40'
wrong "a list where one value stands" 's/^hostname: .*/hostname: [a, b]/' 'hostname'
wrong "not YAML" 's/^peers:/peers: [/' ''
tap_try "$BUILD/l2xdpd" --check --config "$lab/nowhere.yaml"
is "no such file: status 3" $? 3
has "no such file: its name" "$tap_said" 'nowhere.yaml'
tap_try "$BUILD/l2xdpd" --nonsense
is "unknown option: status 2" $? 2
check "--version" "$BUILD/l2xdpd" --version
check "--help" "$BUILD/l2xdpd" --help
lab_config 's/interfaces: .*/interfaces: [nowhere0]/; s/mode: auto/mode: native/'
tap_try lns timeout 10 "$BUILD/l2xdpd" --config "$lab/l2xdpd.yaml"
is "no such interface: status 1" $? 1
has "no such interface: its name" "$tap_said" nowhere0
lab_config 's/core0/later0/'
check "no such interface, mode auto: starts" daemon_start
has "and says that it waits for it" "$(cat "$lab/l2xdpd.log")" 'later0 does not exist.*when it appears'
later() { ctl show datapath | json '[i["mode"] for i in d["interfaces"] if i["name"] == "later0"][0]'; }
is "show datapath says so too" "$(later)" off
ip -n "$lab_lns" link add later0 type veth peer name later1 && ip -n "$lab_lns" link set later0 up
taken() { [ "$(later)" = native ]; }
check "it is taken when it appears" wait_for 10 taken
ip -n "$lab_lns" link del later0
daemon_stop INT

tap_try lns "$BUILD/l2xdpd" --preflight access0 core0
is "--preflight" $? 0
has "--preflight names the devices" "$tap_said" access0
ip -n "$lab_lns" tuntap add dev tun9 mode tun
tap_try lns "$BUILD/l2xdpd" --preflight tun9
has "--preflight of a device without a hook says so" "$tap_said" '[Nn]o.*(XDP|hook)|XDP'
check_not "--preflight of no device fails" lns "$BUILD/l2xdpd" --preflight nowhere0

check_not "no daemon: l2xdpctl fails" ctl_text show sessions
has "no daemon: it says where it looked" "$tap_said" 'l2xdpd\.sock'
lab_config
daemon_start || exit 1
client_start joe || exit 1
id=$(session_id)
for command in "show tunnels" "show sessions" "show session $id" "show verdicts" "show datapath" "show peers" \
	"show state" "drain --peer carrier6" "undrain" "preflight access0"; do
	read -r -a words <<<"$command"
	check "l2xdpctl $command" ctl_text "${words[@]}"
	check "l2xdpctl --json $command is JSON" sh -c "'$BUILD/l2xdpctl' --socket '$lab/l2xdpd.sock' --json $command |
		/usr/bin/python3 -m json.tool"
done
has "show sessions shows the user" "$(ctl_text show sessions)" joe
is "a session's documented fields" "$(ctl show session "$id" | json 'sorted(k for k in ("tunnel", "session",
	"peer", "user", "state", "ipv4", "ipv6", "mtu", "age", "rx", "tx") if k not in d)')" '[]'
is "every frame has one verdict: packets and verdicts agree" \
	"$(($(verdict decap) - $(session 'd["rx"]["hook_packets"]')))" 0
fails() { # NAME REGEX WORD...
	local name=$1 regex=$2
	shift 2
	check_not "$name: fails" ctl_text "$@"
	has "$name: says what to do" "$tap_said" "$regex"
}
fails "an ID that nobody has" 'show sessions' show session 4242
fails "an ID that is none" 'show sessions|usage|ID' show session joe
fails "clear of nobody" 'show tunnels' clear tunnel 4242
fails "drain of nobody" 'nobody' drain --peer nobody
fails "a rate for all" 'peer' drain --rate 5
fails "an unknown command" 'help' frobnicate
fails "half a command" 'help|show' show
check "--help" "$BUILD/l2xdpctl" --help

# The socket itself: what is no request gets an answer, and nobody else is disturbed.
said=$(/usr/bin/python3 - "$lab/l2xdpd.sock" <<-'P'
	import socket, sys
	for line in (b"nonsense\n", b"{}\n", b"[1]\n", b'{"command": 7}\n', b'{"command": "show sessions", "arguments": 3}\n',
	             b"x" * (1 << 20) + b"\n"):
	    s = socket.socket(socket.AF_UNIX)
	    s.settimeout(5)
	    s.connect(sys.argv[1])
	    try:
	        s.sendall(line)
	    except BrokenPipeError:
	        pass
	    try:
	        print(s.recv(4096)[:11].decode())
	    except ConnectionResetError:
	        print('{"ok":false')
P
)
is "six lines that are no request: six errors" "$(grep -c '"ok": *false' <<<"$said")" 6
is "a second daemon on the socket is refused" \
	"$(lns timeout 10 "$BUILD/l2xdpd" --config "$lab/l2xdpd.yaml" >/dev/null 2>&1; echo $?)" 1
check "and the first lives on" ctl show datapath
is "the socket is root's alone" "$(stat -c %a "$lab/l2xdpd.sock")" 600

# reload and shutdown: what they say, and that sessions go on or not.
pid=$daemon_pid
check "reload" ctl_text reload
is "the session is there when it returns" "$(session_id)" "$id"
has "show state says where it came from" "$(ctl_text show state)" 'runtime directory'
is "show state counts it" "$(ctl show state | json 'd["start"]["sessions"]')" 1
is "the daemon has the same process ID" "$daemon_pid $(kill -0 "$pid" && echo runs)" "$pid runs"
edit() { sed -i "$1" "$lab/l2xdpd.yaml"; }
edit 's/mode: auto/mode: fast/'
tap_try ctl_text reload
is "reload of a wrong file: status 1" $? 1
has "file, line, what and remedy" "$tap_said" 'l2xdpd\.yaml:[0-9]+: mode is fast; write'
edit 's/mode: fast/mode: auto/; s,192.0.2.0/24,198.51.100.0/24,'
tap_try ctl_text reload
is "reload that would close a session: status 4" $? 4
has "it says what would be lost" "$tap_said" 'would be closed'
is "nothing has changed" "$(session_id)" "$id"
check "with --force" ctl_text reload --force
check "the session is closed" wait_for 10 sessions_are 0
check "shutdown" ctl_text shutdown
lab_reap "$daemon_pid" 100
is "the daemon ends with 0" $? 0
check_not "the control socket is gone" test -e "$lab/l2xdpd.sock"
is "and the hook is free" "$(lns ip -d link | grep -c 'prog/xdp')" 0
tap_done
