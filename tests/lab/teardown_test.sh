#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# Every end of a session, and what is left: clear, SIGINT, kill, refusal.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh

host_state() {
	lns ip -br link | awk '{ print $1 }' | sed 's/@.*//' | sort
	lns ip -4 route | sort
	lns ip -6 route | sort
	lns ip -d link | grep -c 'prog/xdp'
	lns ip -4 rule | sort
	lns ss -Hlun | awk '{ print $4 }' | sort
	lns ip -br addr | sed 's/@if[0-9]*//' | sort
}
last_down() { grep '"event":"down"' "$lab/$1.events" | tail -n 1 | json "d['$2']"; }
went_down() { grep -q '"event":"down"' "$lab/$1.events"; }

lab_up || exit 1
host_state >"$lab/before"
lab_config 's/mru: 1460/&\
    echo-interval: 1\
    echo-failures: 2/'
daemon_start || exit 1

client_start joe || exit 1
check "clear session" ctl clear session "$(session_id)"
check "the client is told" wait_for 5 went_down joe
is "by a CDN, result 3: for administrative reasons" "$(last_down joe result)" 3
check "the session is gone" wait_for 5 sessions_are 0

client_start joe || exit 1
check "clear tunnel" ctl clear tunnel "$(ctl show tunnels | json 'd[0]["id"]')"
check "the client is told" wait_for 5 went_down joe
check "the session is gone" wait_for 5 sessions_are 0
is "the tunnel too" "$(ctl show tunnels | json 'len(d)')" 0

client_start joe || exit 1
client_stop joe KILL
check "a client that was killed can come again" client_start joe --route 203.0.113.0/24
check "and carries traffic" sub ping -q -c 2 -i 0.2 -W 2 203.0.113.2
check "its old session ends, for it answers no LCP echo" wait_for 15 sessions_are 1

# Wrong secret, wrong password, unknown user: each with its own words.
refuse() { # NAME CODE TEXT OPTION...
	local name=$1 code=$2 text=$3 status
	shift 3
	client_spawn bad "$@"
	lab_reap "${client_pid[bad]}" 250
	status=$?
	is "$name: refused" $status 1
	has "$name: the client learns why" "$(cat "$lab/bad.log" "$lab/bad.events")" "$code"
	has "$name: the log says why" "$(tail -n 20 "$lab/l2xdpd.log")" "$text"
}
refuse "wrong secret" 'challenge|secret|authentic' 'challenge|secret|authentic' --secret wr0ng
refuse "no secret" 'challenge|secret|authentic' 'challenge|secret|authentic' --secret ''
refuse "wrong password" 'authentic|password|refused' 'user joe.*(authentic|password)' --password wr0ng
refuse "unknown user" 'authentic|password|refused' 'user nobody.*(authentic|password|unknown)' --user nobody
check_not "no secret or password is in the log" grep -qE 's3cret|wonder|wr0ng' "$lab/l2xdpd.log"
is "the good session lives" "$(sessions)" 1

# SIGINT: StopCCN to every peer, and the host as it was found.
sub tcpdump -l -n -v -i lac0 udp and src host 192.0.2.1 >"$lab/wire" 2>/dev/null &
lab_pids+=($!)
sleep 1
daemon_stop INT
is "SIGINT: status 0" $? 0
check "the peer learns it at once" wait_for 2 went_down joe
has "by a StopCCN, result 6: shutting down" "$(cat "$lab/wire")" 'MSGTYPE\(StopCCN\).*RESULT_CODE\(6'
host_state >"$lab/after"
check "links, routes, sockets and the hook are as they were found" diff "$lab/before" "$lab/after"
check_not "the control socket is gone" test -e "$lab/l2xdpd.sock"

# Killed: the next start finds the leftovers and goes on.
daemon_start || exit 1
client_start joe --route 203.0.113.0/24 || exit 1
daemon_kill
check "starts again after it was killed" daemon_start
client_stop joe KILL
check "the session that it took over is cleared" ctl clear session "$(session_id)"
check "and goes, though nobody answers" wait_for 10 sessions_are 0
check "and takes subscribers" client_start joe --route 203.0.113.0/24
check "and carries traffic" sub ping -q -c 2 -i 0.2 -W 2 203.0.113.2
before=$(crossed)
check "TCP" transfer sub core 203.0.113.2 3000000
check "at the hook" share_is_fast "$before" "$(crossed)"
daemon_stop INT
is "and ends cleanly" $? 0
host_state >"$lab/after"
check "the host is as it was found, again" diff "$lab/before" "$lab/after"
tap_done
