#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2119
# A record by which every worker dies: it is set aside, at the least loss for its subscriber,
# and nobody else loses a packet. A death that no record is to blame for: the hook goes on.
set -u
cd "$(dirname "$0")/../.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
# shellcheck source=tests/lab/lab.sh
. tests/lab/lab.sh
# shellcheck source=tests/lab/traffic.sh
. tests/lab/traffic.sh
# shellcheck source=tests/lab/restart.sh
. tests/lab/restart.sh
# shellcheck source=tests/lab/faults.sh
. tests/lab/faults.sh

poisoned_is_built() {
	local sources=(loader/*.c) libs=() wrap=() f
	for f in base l2tp l2tp3 ppp aaa store datapath control monitor; do libs+=("$BUILD/lib$f.a"); done
	for f in l2tp_tunnel_restore persist_read_session ppp_link_restore \
		dp_session_traffic_restore dp_ready; do wrap+=("-Wl,--wrap=$f"); done
	# shellcheck disable=SC2046 # words
	gcc -std=gnu11 -D_GNU_SOURCE -I. -pie -fPIE "${wrap[@]}" -o "$lab/poisoned" tests/lab/poison.c \
		$(printf "$BUILD/%s " "${sources[@]/%.c/.o}") -Wl,--start-group "${libs[@]}" -Wl,--end-group \
		$(pkg-config --cflags --libs libbpf libxdp libevent_core libnl-3.0 libnl-route-3.0 yaml-0.1 \
			jansson nettle libcap-ng libseccomp lmdb) -lelf -lz
}
with_poison() { # POISON
	daemon_stop
	daemon_binary=$lab/poisoned daemon_spawn env POISON="$1"
}
as_it_was() { daemon_stop && daemon_spawn && daemon_ready; }
log_since() { tail -n +$((fault_log + 1)) "$lab/l2xdpd.log"; }
deaths() { log_since | grep -c 'ended by signal 11'; }
bob_answers() { sub ping -q -n -c 1 -W 1 -I bob 10.0.0.1; }
bob_starts() {
	client_start bob --user user3 --password wonder &&
		bob=$(ctl show session "$(session_id user3)" | json '"%d %d %d" % (d["session"], d["tunnel"], d["id"])') &&
		read -r bob_session bob_tunnel bob_index <<<"$bob"
}
# Nobody but bob is held to it.
others_note() { ctl show sessions | json '[s for s in d if s["user"] != "user3"]' >"$lab/sessions.before"; }
others_kept() {
	ctl show sessions | json '[s for s in d if s["user"] != "user3"]' >"$lab/sessions.after" &&
		tests/lab/traffic.py kept "$lab/sessions.before" "$lab/sessions.after"
}
poison_begins() { # POISON
	others_note
	traffic_go_on four six
	sleep 0.5
	with_poison "$1"
	fault_log=0 # the daemon's log is a new one
}
poison_ends() { # LABEL
	sleep 0.5
	traffic_quiet four six
	check "$1: nobody else loses a packet, either way" traffic_lossless four six && diag "$tap_said"
	check "$1: every other session is what it was" others_kept
}

lab_up || exit 1
check "there is a build of l2xdpd with faults" poisoned_is_built || exit 1
faults_up || exit 1

label="PPP record"
check "$label: bob is up" bob_starts
poison_begins "link:$bob_session"
check "$label: the daemon is up" daemon_ready
is "$label: two workers have died of it" "$(deaths)" 2
says "$label" "at the PPP record of session $bob_index, as the one before it"
says "$label" "^[^ ]* error: tunnel $bob_tunnel session $bob_session user .*user3.*set aside; its PPP begins anew"
says "$label" 'adopted 202 sessions .* 1 begin PPP anew, 0 closed; 1 records set aside'
check "$label: what it holds is kept" test -s "$lab/state/set-aside-0"
has "$label: l2xdpctl shows it" "$(ctl_text show state)" 'set aside .*1 records'
check "$label: bob is there again, without a dial" wait_for 20 bob_answers
is "$label: with the session that he had" "$(session_id user3)" "$bob_index"
poison_ends "$label"
check "$label: the next start finds nothing of it" as_it_was
is "$label: no worker dies" "$(deaths)" 0

label="place in the data path"
poison_begins "place:$bob_session"
check "$label: the daemon is up" daemon_ready
is "$label: two workers have died of it" "$(deaths)" 2
says "$label" "user .*user3.*set aside; its call is closed"
check "$label: bob is told" wait_for 5 lab_ended "${client_pid[bob]}"
poison_ends "$label"
check "$label: as it was" as_it_was

label="session record"
check "$label: bob is up" bob_starts
poison_begins "session:$bob_session"
check "$label: the daemon is up" daemon_ready
is "$label: two workers have died of it" "$(deaths)" 2
says "$label" "tunnel $bob_tunnel session $bob_session: .*the record of session .*set aside; it is not taken up"
check "$label: bob's is not there" sessions_are 201
poison_ends "$label"
check "$label: as it was" as_it_was
client_stop bob

label="tunnel record"
check "$label: bob is up" bob_starts
poison_begins "tunnel:$bob_tunnel"
check "$label: the daemon is up" daemon_ready
is "$label: two workers have died of it" "$(deaths)" 2
says "$label" "tunnel $bob_tunnel: the record of tunnel $bob_tunnel .*set aside; it and its sessions"
check "$label: bob's is not there" sessions_are 201
poison_ends "$label"
check "$label: as it was" as_it_was
client_stop bob

label="no record"
poison_begins hook
slowed() { log_since | grep -q 'at the maps and the hook; another one in 0.50 s'; }
check "$label: the log says what it was at, and that it waits" wait_for 20 slowed
is "$label: nothing is set aside" "$(log_since | grep -c 'sets this aside')" 0
before=$(deaths)
sleep 3
check "$label: it does not try at full speed" test $(($(deaths) - before)) -le 3
check "$label: as it was" as_it_was
poison_ends "$label"

for name in four six; do
	load_end $name
	is "the load generator $name is content" $? 0 || diag "$(cat "$lab/$name.json" "$lab/$name.log")"
done
daemon_stop INT
is "l2xdpd ends cleanly" $? 0
tap_done
