#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Builds the guest of the interop tests out of Debian's packages, into a cache:
#
#   kernel      Debian's stock kernel, as the ELF that is inside its bzImage: QEMU starts
#               that by its PVH note, which saves unpacking xz under emulation
#   root.cpio   xl2tpd, pppd, iproute2, bpftool, xdp-loader, busybox, and the kernel's
#               modules for L2TP, PPP, VLAN, bridges and XDP
#
# Packages are downloaded and unpacked, never installed, and no maintainer script runs.
# Does nothing when the cache is current. The cache is $L2XDP_CACHE, by default
# $XDG_CACHE_HOME/l2xdp or /var/cache/l2xdp; 300 MB. The last line is its path.
#
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cache=${L2XDP_CACHE:-${XDG_CACHE_HOME:-/var/cache}/l2xdp}
kernel_package=linux-image-amd64
packages="busybox-static dash xl2tpd ppp iproute2 iputils-ping kmod ethtool bpftool xdp-tools"
# Dependencies of configuring a package, of which a guest that never does has no use.
unneeded='^(perl.*|lib.*-perl|libperl5.*|libgdbm.*|debconf|dpkg|tar|adduser|passwd|usrmerge|'
unneeded+='init-system-helpers|sysvinit-utils|lsb-base|libsem.*|libsepol.*|libpam-.*|gcc-12-base)$'
modules="virtio_pci virtio_net virtio_console l2tp_ppp l2tp_netlink l2tp_eth l2tp_ip l2tp_ip6
 ppp_generic ppp_async ppp_synctty ppp_deflate bsd_comp ppp_mppe pppox veth 8021q bridge tun dummy
 udp_tunnel ip6_udp_tunnel sch_ingress cls_bpf"

[ "$(uname -m)" = x86_64 ] || {
	echo "guest: only for amd64 so far" >&2
	exit 1
}
mkdir -p "$cache/debs"
cd "$cache"
exec 9>lock
flock 9

apt() {
	apt-get -qq -o DPkg::Lock::Timeout=300 -o APT::Install-Recommends=false \
		-o APT::Sandbox::User=root "$@"
}

update_lists() {
	local i
	for ((i = 0; i < 24; i++)); do
		apt update >apt.log 2>&1 && return
		sleep 5
	done
	cat apt.log >&2
	return 1
}

[ -n "$(apt-cache madison $kernel_package 2>/dev/null)" ] || update_lists

# The metapackage names the kernel of the day.
kernel_package=$(apt-cache depends $kernel_package |
	awk '/Depends: linux-image-[0-9]/ { print $2; exit }')
recipe=$(cat "$here/guest_build.sh" "$here"/guest/* | sha256sum)
want="$kernel_package $(apt-cache policy "$kernel_package" | awk '/Candidate:/ { print $2 }') $recipe"
if [ -f kernel ] && [ -f root.cpio ] && [ "$(cat stamp 2>/dev/null)" = "$want" ]; then
	echo "$cache"
	exit 0
fi
rm -f stamp

# fetch PACKAGE...: into debs/, once per version
fetch() (
	cd debs
	local absent=() package version
	for package in "$@"; do
		version=$(apt-cache policy "$package" | awk '/Candidate:/ { print $2 }')
		compgen -G "${package}_${version//:/%3a}_*.deb" >/dev/null || {
			rm -f "${package}"_*.deb
			absent+=("$package")
		}
	done
	[ ${#absent[@]} = 0 ] || apt download "${absent[@]}" >/dev/null
)

fetch_or_update() {
	fetch "$@" || { update_lists && fetch "$@"; }
}

unpack() { # DEB DIRECTORY
	dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink -C "$2"
}

# ---- kernel ------------------------------------------------------------------------
echo "guest: $kernel_package" >&2
fetch_or_update "$kernel_package"
rm -rf kernel.d
mkdir kernel.d
unpack debs/"$kernel_package"_*.deb kernel.d
release=$(basename kernel.d/lib/modules/*)
image=kernel.d/boot/vmlinuz-$release
# The x86 boot protocol: setup_sects at 0x1f1, payload_offset at 0x248 and
# payload_length at 0x24c (whose last four octets are not part of the stream).
word() { od -An -tu"$2" -j "$1" -N "$2" "$image" | tr -d ' '; }
start=$((($(word $((0x1f1)) 1) + 1) * 512 + $(word $((0x248)) 4)))
dd if="$image" of=payload bs=64k iflag=skip_bytes,count_bytes skip=$start \
	count=$(($(word $((0x24c)) 4) - 4)) status=none
case $(od -An -tx1 -N4 payload | tr -d ' ') in
fd377a58) xz -dc <payload >kernel ;;
28b52ffd) zstd -dcq <payload >kernel ;;
1f8b*) gzip -dc <payload >kernel ;;
*)
	echo "guest: $kernel_package is compressed in an unknown way" >&2
	exit 1
	;;
esac
rm payload
depmod -b kernel.d "$release" 2>/dev/null

# ---- root file system -----------------------------------------------------------------
# An empty status file makes the resolver name everything that a bare root needs,
# whatever is installed on this machine.
: >empty
# shellcheck disable=SC2086 # a list of words
mapfile -t all < <(apt -o Dir::State::status="$cache/empty" -o Debug::NoLocking=1 -s install $packages |
	awk '/^Inst / { print $2 }' | sort -u | grep -vE "$unneeded")
fetch_or_update "${all[@]}"
rm -rf root
mkdir -p root/usr/{bin,sbin,lib,lib64}
for d in bin sbin lib lib64; do ln -s "usr/$d" "root/$d"; done
for package in "${all[@]}"; do unpack "$(compgen -G "debs/${package}_*.deb" | head -n 1)" root; done
(
	cd root
	rm -rf usr/share usr/lib/x86_64-linux-gnu/gconv lib/systemd lib/udev var/run
	mkdir -p dev proc sys tmp run root lab var etc/ppp etc/xl2tpd usr/local/bb
	ln -s ../run var/run
	mknod dev/console c 5 1
	mknod dev/null c 1 3
	echo 'root:x:0:0:root:/root:/bin/sh' >etc/passwd
	printf 'root:x:0:\ndip:x:30:\n' >etc/group
	echo '127.0.0.1 localhost' >etc/hosts
	echo 'hosts: files' >etc/nsswitch.conf
	ln -sf dash bin/sh
	chroot . /bin/busybox --install -s /usr/local/bb
	ldconfig -r .
)
for module in $modules; do
	modprobe -d "$cache/kernel.d" -S "$release" --show-depends "$module"
done | awk '$1 == "insmod" { print $2 }' | sort -u | sed 's,^.*/lib/modules/,,' >module-list
(cd kernel.d/lib/modules && cpio -pdm --quiet "$cache/root/lib/modules") <module-list
cp kernel.d/lib/modules/"$release"/modules.{builtin,builtin.modinfo,order} "root/lib/modules/$release/"
depmod -b root "$release"
install -m 755 "$here/guest/init" root/init
install -m 755 "$here/guest/agent" root/agent
(cd root && find . | LC_ALL=C sort | cpio -o -H newc --quiet -R 0:0) >root.cpio
rm -rf kernel.d root
echo "$want" >stamp
echo "guest: ${#all[@]} packages, $(wc -l <module-list) modules, $(($(wc -c <root.cpio) >> 20)) MiB" >&2
echo "$cache"
