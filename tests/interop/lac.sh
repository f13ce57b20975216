#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# In the guest: xl2tpd and pppd as LAC and client.
#   lac.sh start              configures from the environment and starts xl2tpd
#   lac.sh connect|disconnect
#   lac.sh wait|wait-down [SECONDS]   for addresses of both families, or for none
#   lac.sh wait-for REGEX SECONDS     for a line in the logs
#   lac.sh kill SIGNAL        ends xl2tpd and pppd
#   lac.sh log
# Environment: SECRET, CHALLENGE (yes, no), LENGTH_BIT, AUTH (mschapv2, chap, pap),
# PASSWORD, SERVER, REDIAL (yes, no).
: "${SECRET:=s3cret}" "${CHALLENGE:=yes}" "${LENGTH_BIT:=yes}" "${AUTH:=mschapv2}"
: "${PASSWORD:=wonder land}" "${SERVER:=192.0.2.1}" "${REDIAL:=no}"

configure() {
	echo "* * $SECRET" >/etc/xl2tpd/l2tp-secrets
	cat >/etc/xl2tpd/xl2tpd.conf <<-E
		[global]
		access control = no
		auth file = /etc/xl2tpd/l2tp-secrets
		debug avp = yes
		debug tunnel = yes
		max retries = 3
		cap backoff = 2
		[lac lns]
		lns = $SERVER
		challenge = $CHALLENGE
		length bit = $LENGTH_BIT
		redial = $REDIAL
		redial timeout = 1
		max redials = 30
		ppp debug = yes
		pppoptfile = /etc/ppp/options.lac
	E
	cat >/etc/ppp/options.lac <<-E
		user joe
		name joe
		noauth
		noccp
		mtu 1460
		mru 1460
		noipdefault
		nodefaultroute
		ipcp-accept-local
		ipcp-accept-remote
		usepeerdns
		+ipv6
		lcp-echo-interval 2
		lcp-echo-failure 3
		debug
		logfile /tmp/ppp.log
	E
	case $AUTH in
	mschapv2) refused="eap pap chap mschap" ;;
	chap) refused="eap pap mschap mschap-v2" ;;
	pap) refused="eap chap mschap mschap-v2" ;;
	esac
	for method in $refused; do echo "refuse-$method"; done >>/etc/ppp/options.lac
	echo "joe * \"$PASSWORD\" *" >/etc/ppp/chap-secrets
	cp /etc/ppp/chap-secrets /etc/ppp/pap-secrets
	chmod 600 /etc/ppp/*-secrets /etc/xl2tpd/l2tp-secrets
}

start() {
	configure
	rm -f /tmp/xl2tpd.log /tmp/ppp.log /etc/ppp/resolv.conf /run/xl2tpd/control
	xl2tpd -D -c /etc/xl2tpd/xl2tpd.conf -p /run/xl2tpd/pid -C /run/xl2tpd/control \
		</dev/null >/tmp/xl2tpd.log 2>&1 &
	i=0
	while [ ! -p /run/xl2tpd/control ] && [ $i -lt 50 ]; do
		usleep 100000
		i=$((i + 1))
	done
}

is_up() {
	ip -4 -o addr show dev ppp0 2>/dev/null | grep -q inet &&
		ip -6 -o addr show dev ppp0 scope global 2>/dev/null | grep -q inet6
}
has_said() { cat /tmp/xl2tpd.log /tmp/ppp.log 2>/dev/null | grep -qE "$regex"; }
is_down() { [ ! -e /sys/class/net/ppp0 ]; }

now() { cut -d. -f1 /proc/uptime; }
wait_until() { # SECONDS COMMAND
	until=$(($(now) + $1))
	until $2; do
		[ "$(now)" -lt $until ] || return 1
		usleep 200000
	done
}

case $1 in
start) start ;;
connect) echo 'c lns' >/run/xl2tpd/control ;;
disconnect) echo 'd lns' >/run/xl2tpd/control ;;
wait) wait_until "${2:-20}" is_up ;;
wait-down) wait_until "${2:-20}" is_down ;;
wait-for)
	regex=$2
	wait_until "$3" has_said
	;;
kill)
	killall "-$2" xl2tpd pppd
	wait_until 10 is_down
	;;
log) cat /tmp/xl2tpd.log /tmp/ppp.log 2>/dev/null ;;
esac
