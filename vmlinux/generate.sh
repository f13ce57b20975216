#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Makes vmlinux/vmlinux.h: of the 100 000 lines of types that the running kernel's BTF
# holds, those that the programs use, and what these are made of.
#
#   vmlinux/generate.sh [BTF] [OUT]     default: /sys/kernel/btf/vmlinux, vmlinux/vmlinux.h
#
# To use another type, add its name to `want` and run it again.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
btf=${1:-/sys/kernel/btf/vmlinux}
out=${2:-$here/vmlinux.h}
PATH=$PATH:/usr/sbin

# "enum:X" is the (unnamed) enum that holds the constant X.
want="__u8 __u16 __u32 __u64 __s32 __s64 bool __be16 __be32 __be64 __sum16 __wsum
	ethhdr vlan_hdr iphdr ipv6hdr udphdr tcphdr
	bpf_map_type xdp_action xdp_md bpf_fib_lookup bpf_sock_tuple
	enum:true enum:BPF_ANY enum:BPF_F_MMAPABLE enum:BPF_FIB_LKUP_RET_SUCCESS
	enum:BPF_F_CURRENT_NETNS"

tmp=$(mktemp "$out.XXXXXX")
trap 'rm -f "$tmp"' EXIT

bpftool btf dump file "$btf" format c | awk -v want="$want" '
# One definition: a line, or everything to the line that closes its brace.
function finish(   head, name) {
	n++
	text[n] = block
	if (block ~ /^typedef/) {
		name = block
		sub(/;[ \t\n]*$/, "", name)
		sub(/(\[[0-9]*\])*$/, "", name)
		sub(/^.*[^A-Za-z0-9_]/, "", name)
	} else {
		head = block
		sub(/[{;].*$/, "", head)
		split(head, word, /[ \t\n]+/)
		name = word[2]
	}
	if (name != "" && !(name in where))
		where[name] = n
	if (block ~ /^enum/) {
		count = split(block, word, /[^A-Za-z0-9_]+/)
		for (i = 1; i <= count; i++)
			if (!(("enum:" word[i]) in where))
				where["enum:" word[i]] = n
	}
	block = ""
}
# What a definition is made of. Pointers need no definition of what they point to.
function take(name,   i, body, tokens, token) {
	if (!(name in where) || where[name] in taken)
		return
	i = where[name]
	taken[i] = 1
	body = text[i]
	gsub(/(struct|union) [A-Za-z0-9_]+ \*/, "", body)
	tokens = split(body, token, /[^A-Za-z0-9_]+/)
	for (i = 1; i <= tokens; i++)
		part[++parts] = token[i]
}
/^(struct|union|enum) [A-Za-z0-9_]+;$/ { next }
/^(struct|union|enum|typedef)/ && block == "" { block = $0; open = /\{$/; if (!open) finish(); next }
block != "" { block = block "\n" $0; if (/^}/) finish() }
END {
	wanted = split(want, first, /[ \t\n]+/)
	for (w = 1; w <= wanted; w++) {
		if (first[w] == "")
			continue
		if (!(first[w] in where)) {
			print "generate.sh: no type " first[w] > "/dev/stderr"
			exit 1
		}
		part[++parts] = first[w]
	}
	for (p = 1; p <= parts; p++)
		take(part[p])
	for (i = 1; i <= n; i++)
		if (i in taken)
			print text[i] "\n"
}' >"$tmp.types" || { rm -f "$tmp.types"; exit 1; }

{
	echo '/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */'
	echo '/* Made by vmlinux/generate.sh from the BTF of a Linux '"$(uname -r | cut -d. -f1,2)"' kernel. Do not edit. */'
	echo '#ifndef L2X_VMLINUX_H'
	echo '#define L2X_VMLINUX_H'
	echo
	cat "$tmp.types"
	echo '#endif'
} >"$tmp"
rm -f "$tmp.types"
chmod 644 "$tmp"
mv "$tmp" "$out"
