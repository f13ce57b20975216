# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2034 # what lab.sh has
#
# Two sites and what is between them: a pseudowire lab. To be read after lab.sh.
#
#   ha         sa (l2xdpd)                    sb (l2xdpd)         hb
#   lan0 ===== (veth of l2xdpd)  wan0 ---- wan0  (veth of l2xdpd) ===== lan0
#   10.1.0.1       192.0.2.1/24      192.0.2.2/24             10.1.0.2
#   fd00::1      2001:db8::1/64      2001:db8::2/64            fd00::2
#   eth0 ------ eth2                          eth2 ------------- eth0   (with tags)
#
#   sites_up                   the namespaces and links, but for what l2xdpd makes
#   sa|sb|ha|hb COMMAND...     run it there
#   site_config SITE           writes $lab/SITE.yaml; standard input: the list of pseudowires
#   site_start SITE            starts l2xdpd and waits until it answers
#   site_stop SITE [SIGNAL]    as daemon_stop
#   site_ctl SITE COMMAND...   l2xdpctl --json
#   pw SITE NAME EXPRESSION    Python on what `pseudowire show NAME` says, as `d`
#   site_verdict SITE VERDICT  frames

site_ns() { echo "$lab_prefix-$1"; }
at() { # SITE COMMAND...
	local where=$1
	shift
	ip netns exec "$(site_ns "$where")" "$@"
}
sa() { at sa "$@"; }
sb() { at sb "$@"; }
ha() { at ha "$@"; }
hb() { at hb "$@"; }
declare -A site_pid=()

sites_up() {
	local n
	lab_begin || return
	for n in sa sb ha hb; do
		lab_more+=("$(site_ns $n)")
		lab_namespace "$(site_ns $n)" || return
	done
	lab_link "$(site_ns sa)" wan0 "$(site_ns sb)" wan0 &&
		lab_link "$(site_ns ha)" eth0 "$(site_ns sa)" eth2 &&
		lab_link "$(site_ns hb)" eth0 "$(site_ns sb)" eth2 || return
	# l2xdpd's own program comes in the place of the one that passes all
	for n in "sa wan0" "sb wan0" "sa eth2" "sb eth2" "ha eth0" "hb eth0"; do
		ip -n "$(site_ns "${n% *}")" link set dev "${n#* }" xdp off
		ethtool_in "${n% *}" -K "${n#* }" gro on
	done
	ip -n "$(site_ns sa)" addr add 192.0.2.1/24 dev wan0
	ip -n "$(site_ns sa)" addr add 2001:db8::1/64 dev wan0
	ip -n "$(site_ns sb)" addr add 192.0.2.2/24 dev wan0
	ip -n "$(site_ns sb)" addr add 2001:db8::2/64 dev wan0
}

ethtool_in() { # SITE OPTION...
	local where=$1
	shift
	at "$where" ethtool "$@" >/dev/null 2>&1
}

site_config() { # SITE
	local n=1
	[ "$1" = sa ] || n=2
	{
		cat <<-E
			hostname: $1.example.net
			listen: [192.0.2.$n, "2001:db8::$n"]
			datapath:
			  interfaces: [wan0]
			  mode: ${site_mode:-auto}
			  shards: 1
			  bpf-directory: $lab/bpffs/$1
			control-socket: $lab/$1.sock
			state-directory: $lab/$1-state
			runtime-directory: $lab/memory/$1
			pseudowires:
		E
		cat
	} >"$lab/$1.yaml"
	chmod 600 "$lab/$1.yaml"
}

site_ctl() { # SITE COMMAND...
	local where=$1
	shift
	"$BUILD/l2xdpctl" --socket "$lab/$where.sock" --json "$@"
}

site_start() { # SITE
	lab_spawn "$(site_ns "$1")" "$lab/$1.log" "$BUILD/l2xdpd" --config "$lab/$1.yaml"
	site_pid[$1]=${lab_pids[-1]}
	site_ready "$1" && return
	echo "l2xdpd of $1 did not come up:"
	cat "$lab/$1.log"
	return 1
}

site_ready() {
	local until=$((SECONDS + 15))
	until site_ctl "$1" show datapath >/dev/null 2>&1; do
		kill -0 "${site_pid[$1]}" 2>/dev/null && [ $SECONDS -lt $until ] || return 1
		sleep 0.1
	done
}

site_stop() { # SITE [SIGNAL]
	local status
	daemon_pid=${site_pid[$1]}
	daemon_stop "${2:-TERM}"
	status=$?
	unset "site_pid[$1]"
	return $status
}

pw() { site_ctl "$1" pseudowire show "$2" | json "$3"; }
pw_is_up() { [ "$(pw "$1" "$2" 'd["state"]')" = up ]; }
site_verdict() {
	site_ctl "$1" show verdicts | json "[v['frames'] for v in d if v['verdict'] == '$2'][0]"
}
