#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Installs what `make` built:  install.sh BUILD DESTDIR PREFIX
# An existing configuration stays as it is; the example is put beside it.
set -eu
cd "$(dirname "$0")/.."

if [ $# -ne 3 ] || [ -z "$3" ]; then
	echo "usage: install.sh BUILD DESTDIR PREFIX (DESTDIR may be empty)" >&2
	exit 2
fi
build=$1 destdir=$2 prefix=$3
sbin=$prefix/sbin
man=$prefix/share/man
doc=$prefix/share/doc/l2xdp
unit=/lib/systemd/system
[ "$prefix" = /usr ] || unit=$prefix/lib/systemd/system
conf=/etc/l2xdp

for program in l2xdpd l2xdpctl; do
	if [ ! -x "$build/$program" ]; then
		echo "install.sh: $build/$program is not built; run make" >&2
		exit 1
	fi
	install -D -m 755 "$build/$program" "$destdir$sbin/$program"
done
for page in l2xdpd.8 l2xdpctl.8 l2xdpd.conf.5; do
	install -D -m 644 "docs/man/$page" "$destdir$man/man${page##*.}/$page"
done
for text in configuration.md control-socket.md; do
	install -D -m 644 "docs/$text" "$destdir$doc/$text"
done
install -D -m 600 deploy/l2xdpd.yaml "$destdir$doc/l2xdpd.yaml"
install -d -m 700 "$destdir$conf"
if [ ! -e "$destdir$conf/l2xdpd.yaml" ]; then
	install -m 600 deploy/l2xdpd.yaml "$destdir$conf/l2xdpd.yaml"
	echo "edit $conf/l2xdpd.yaml, then check it: $sbin/l2xdpd --check"
fi
install -d "$destdir$unit"
sed "s|@SBINDIR@|$sbin|" deploy/l2xdpd.service >"$destdir$unit/l2xdpd.service"
chmod 644 "$destdir$unit/l2xdpd.service"
# the worker's; into a package's directory nobody is added
if [ -z "$destdir" ] && [ "$(id -u)" = 0 ] && ! getent passwd l2xdp >/dev/null; then
	if ! useradd --system --user-group --no-create-home --home-dir /nonexistent \
		--shell /usr/sbin/nologin --comment "L2TP network server" l2xdp; then
		echo "install.sh: no user l2xdp could be added; without it the worker stays root's, without capabilities" >&2
	fi
fi
