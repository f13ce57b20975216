# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154,SC2034 # of lab.sh, for rows.sh
#
# l2tpns in the namespace of rows.sh. Debian's packages are downloaded and unpacked into
# $L2XDP_CACHE, never installed; it sees an /etc of its own, since its files have fixed names
# there. Users are authenticated by radius.py, which knows everybody. It is started in a
# session of its own: when it ends it signals its whole process group.
#
#   l2tpns_start   sets l2tpns_pid; on failure l2tpns_why says what is missing
#   l2tpns_stop
#   l2tpns_most    sessions that it carries

l2tpns_pid='' l2tpns_why=''

l2tpns_most() { [ "$(most)" -le 1000 ] && most || echo 60000; }

l2tpns_unpack() {
	local cache=${L2XDP_CACHE:-${XDG_CACHE_HOME:-/var/cache}/l2xdp}/l2tpns package
	if [ ! -x "$cache/usr/sbin/l2tpns" ]; then
		mkdir -p "$cache" || return
		(cd "$cache" && apt-get -qq -o APT::Sandbox::User=root download l2tpns libcli1.10) \
			>"$lab/apt.log" 2>&1 || {
			l2tpns_why="its packages cannot be downloaded (apt-get download l2tpns libcli1.10)"
			return 1
		}
		for package in "$cache"/*.deb; do dpkg-deb -x "$package" "$cache" || return; done
	fi
	l2tpns_root=$cache
}

l2tpns_config() {
	mkdir -p "$lab/etc/l2tpns"
	cp /etc/passwd /etc/group /etc/hosts /etc/nsswitch.conf /etc/ld.so.cache "$lab/etc"
	echo 10.64.0.0/16 >"$lab/etc/l2tpns/ip_pool"
	: >"$lab/etc/l2tpns/users"
	cat >"$lab/etc/l2tpns/startup-config" <<-E
		set debug 2
		set log_file "$lab/l2tpns.log"
		set pid_file "$lab/l2tpns.pid"
		set hostname "lns1.example.net"
		set l2tp_secret "s3cret"
		set l2tp_mtu 1500
		set primary_dns 10.64.0.1
		set primary_radius 127.0.0.1
		set radius_secret "s3cret"
		set radius_authtypes "pap"
		set allow_duplicate_users yes
		set bind_address 192.0.2.1
		set peer_address 10.64.0.1
		set cli_bind_address 127.0.0.1
		set cluster_interface "lo"
		set send_garp no
		set accounting_dir ""
	E
}

l2tpns_start() {
	l2tpns_unpack && l2tpns_config || return
	lab_spawn "$lab_lns" "$lab/radius.log" tests/bench/radius.py 127.0.0.1 1812 s3cret
	wait_for 5 grep -q listening "$lab/radius.log" || return
	# shellcheck disable=SC2016
	lab_spawn "$lab_lns" "$lab/l2tpns.out" unshare -m sh -c 'mount --bind "$1" /etc &&
		LD_LIBRARY_PATH=$2/usr/lib/x86_64-linux-gnu exec setsid "$2/usr/sbin/l2tpns"' \
		sh "$lab/etc" "$l2tpns_root"
	l2tpns_pid=${lab_pids[-1]}
	wait_for 30 l2tpns_serves || {
		l2tpns_why="it does not come up: $(tail -n 2 "$lab/l2tpns.out" "$lab/l2tpns.log" 2>&1)"
		return 1
	}
}

# It has its socket, and is the master of a cluster of one.
l2tpns_serves() {
	[ -n "$(lns ss -Hlun 'sport = :1701')" ] && ip -n "$lab_lns" -br link | grep -q ^tun
}

l2tpns_stop() {
	[ -z "$l2tpns_pid" ] || { kill -TERM "$l2tpns_pid" 2>/dev/null && lab_reap "$l2tpns_pid" 50; }
	l2tpns_pid=''
}
