# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2034 # what lab.sh and sites.sh have
#
# Signalled pseudowires between two sites. To be read after sites.sh.
#
#   wires                     one a line: NAME OCTET FAMILY ENCAPSULATION DIALLER [KEY=VALUE...]
#                             OCTET: the last one of site A's address, site B has the next; DIALLER:
#                             sa, sb, both; "open" for a KEY: without a secret
#   secret[SITE] previous[SITE]     as they are configured
#   signalled_up              the sites, with their further addresses
#   wires_config SITE         writes its configuration; standard input: further pseudowires
#   sessions_of SITE          names, Session IDs and states of all
#   steady_begin NAME ADDRESS, steady_end NAME LABEL     pings from ha that must not lose one
#   soon LABEL MS COMMAND...  it succeeds within that time
#   capture_begin FILE, capture_end    control messages and data as they pass site B
#   dissect FILE SECRET, digests, types      what tshark makes of them

declare -A secret=([sa]=s3cret [sb]=s3cret) previous=() steady_pid=()
octets=(1 11 21 31) # of site A
wires=

signalled_up() {
	local octet
	sites_up || return
	for octet in "${octets[@]:1}"; do
		ip -n "$(site_ns sa)" addr add "192.0.2.$octet/24" dev wan0
		ip -n "$(site_ns sa)" addr add "2001:db8::$octet/64" dev wan0
		ip -n "$(site_ns sb)" addr add "192.0.2.$((octet + 1))/24" dev wan0
		ip -n "$(site_ns sb)" addr add "2001:db8::$((octet + 1))/64" dev wan0
	done
}

wire_address() { # FAMILY OCTET
	[ "$1" = 4 ] && echo "192.0.2.$2" || echo "\"2001:db8::$2\""
}

wire_entry() { # SITE NUMBER NAME OCTET FAMILY ENCAPSULATION DIALLER [KEY=VALUE...]
	local site=$1 n=$2 name=$3 octet=$4 family=$5 encap=$6 dialler=$7 me=1 word
	shift 7
	[ "$site" = sa ] || me=2
	cat <<-E
		  - name: $name
		    peer: $(wire_address "$family" $((octet + 2 - me)))
		    local: $(wire_address "$family" $((octet + me - 1)))
		    encapsulation: $encap
		    attach: { create: $name, netns: $(site_ns "h${site#s}"), address: [10.$n.0.$me/24, "fd00:$n::$me/64"], mtu: 1500 }
	E
	[ "$dialler" = both ] || [ "$dialler" = "$site" ] || echo "    dial: false"
	case " $* " in
	*" open "*) ;;
	*)
		echo "    secret: ${secret[$site]}"
		[ -z "${previous[$site]:-}" ] || echo "    previous-secret: ${previous[$site]}"
		;;
	esac
	for word in "$@"; do [ "$word" = open ] || echo "    ${word%%=*}: ${word#*=}"; done
}

wires_config() { # SITE
	local site=$1 line n=0 octet listen=
	local words
	for octet in "${octets[@]}"; do
		[ "$site" = sa ] || octet=$((octet + 1))
		listen+=", 192.0.2.$octet, \"2001:db8::$octet\""
	done
	{
		while read -r line; do
			[ -n "$line" ] || continue
			n=$((n + 1))
			read -ra words <<<"$line"
			wire_entry "$site" $n "${words[@]}"
		done <<<"$wires"
		cat
	} | site_config "$site"
	sed -i "s/^listen: .*/listen: [${listen#, }]/" "$lab/$site.yaml"
}

sessions_of() { site_ctl "$1" pseudowire show | json 'sorted([v["name"], v["session"], v["state"]] for v in d)'; }
tunnels_of() { # SITE [EXPRESSION]: rows of version 3
	site_ctl "$1" show tunnels | json "(lambda d: ${2:-len(d)})([t for t in d if t.get('version') == 3])"
}
all_up() { [ "$(site_ctl "$1" pseudowire show | json '[v["name"] for v in d if v["state"] != "up"]')" = "[]" ]; }
why() { pw "$1" "$2" 'str(d["why"])'; }
why_has() { why "$1" "$2" | grep -qE -- "$3"; } # SITE NAME REGEX
is_down() { [ "$(pw "$1" "$2" 'd["state"]')" = down ]; }

# The numbers of the answers say what is missing before the last one.
steady_begin() {
	ip netns exec "$(site_ns ha)" env --default-signal=INT ping -i 0.01 -W 2 "$2" >"$lab/steady.$1" 2>&1 &
	steady_pid[$1]=$!
	lab_pids+=("${steady_pid[$1]}")
	wait_for 5 grep -q icmp_seq "$lab/steady.$1"
}
steady_end() {
	local said last
	kill -INT "${steady_pid[$1]}"
	wait "${steady_pid[$1]}"
	unset "steady_pid[$1]"
	said=$(grep -c 'bytes from' "$lab/steady.$1")
	last=$(sed -n 's/.*icmp_seq=\([0-9]*\) .*/\1/p' "$lab/steady.$1" | tail -n 1)
	diag "$1: $said of ${last:-0}"
	check "$2" test "${last:-0}" -ge 20 -a "$said" = "$last"
}

soon() {
	local label=$1 ms=$2 begun=${EPOCHREALTIME/./} took
	shift 2
	wait_for 10 "$@"
	took=$(((${EPOCHREALTIME/./} - begun) / 1000))
	check "$label ($took ms)" test $took -le "$ms"
}

capture_begin() {
	sb tcpdump -i wan0 -s 0 -U -w "$1" 'udp port 1701 or ip proto 115 or ip6 proto 115' >"$lab/tcpdump" 2>&1 &
	capture_pid=$!
	lab_pids+=("$capture_pid")
	wait_for 10 grep -q listening "$lab/tcpdump"
}
capture_end() {
	kill -TERM "$capture_pid"
	wait "$capture_pid" 2>/dev/null
}

# What tshark makes of the control messages in a file, a line for each, when that is the secret. Of two
# connections between the same addresses and ports it makes one.
dissect() { # FILE SECRET
	tshark -n -r "$1" -o "l2tp.shared_secret:$2" -Y 'l2tp.type == 1' -T fields -E separator='|' -E occurrence=f \
		-e ip.src -e ip.dst -e ipv6.src -e ipv6.dst -e udp.dstport -e l2tp.avp.message_type \
		-e l2tp.avp.message_digest -e l2tp.incorrect_digest -e _ws.malformed 2>/dev/null
}
# Of these lines, those between two addresses, of the first connection there: messages, digests, wrong ones, messages it could not read
digests() { # LINES udp|ip ADDRESS
	awk -F'|' -v carrier="$2" -v a="$3" '
		(a == $1 || a == $2 || a == $3 || a == $4) && (carrier == "udp") == ($5 != "") {
			ended += $6 == 4
			if (ended && $6 == 1)
				exit
			n++; d += $7 != ""; w += $8 != ""; m += $6 == "" || $9 != ""
		}
		END { print n + 0, d + 0, w + 0, m + 0 }' <<<"$1"
}
types() { # LINES udp|ip ADDRESS: Message Types, each once
	awk -F'|' -v carrier="$2" -v a="$3" '
		(a == $1 || a == $2 || a == $3 || a == $4) && (carrier == "udp") == ($5 != "") {
			ended += $6 == 4
			if (ended && $6 == 1)
				exit
			print $6
		}' <<<"$1" |
		sort -nu | xargs
}
