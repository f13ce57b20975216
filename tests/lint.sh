#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The house's rules that a machine can check, as TAP:  lint.sh [CHECK...]
# A check is one of the functions below without its "lint_".
set -u
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tests/tap.sh
. tests/tap.sh
BUILD=${BUILD:-build}
unset MAKEFLAGS MFLAGS MAKELEVEL

# What git knows or would add, and is there; generated files apart.
mapfile -t files < <(git ls-files -co --exclude-standard | sort -u |
	while IFS= read -r f; do [ -f "$f" ] && echo "$f"; done)
pick() { printf '%s\n' "${files[@]}" | grep -E "$@"; }
mapfile -t c_files < <(pick '\.[ch]$' | grep -v '^vmlinux/')
mapfile -t user_sources < <(pick '\.c$' | grep -v '\.bpf\.c$' | grep -v '^vmlinux/')
mapfile -t headers < <(pick '\.h$' | grep -v '^vmlinux/')
mapfile -t scripts < <(for f in "${files[@]}"; do
	case $f in
	*.sh) echo "$f" ;;
	*.*) ;;
	*) head -c 64 "$f" | head -n 1 | grep -qE '^#!.*\b(ba|da)?sh$' && echo "$f" ;;
	esac
done)

pkgs=$(sed -n '/^PKGS/,/[^\\]$/p' Makefile | tr -d '\\\n' | sed 's/.*=//')
# shellcheck disable=SC2086 # a list of words
read -r -a user_flags <<<"-std=gnu11 -D_GNU_SOURCE -DL2XDP_VERSION=\"0\" -I. -I$BUILD -Wall -Wextra \
	-Wshadow -Wstrict-prototypes -Wmissing-prototypes $(pkg-config --cflags $pkgs)"
read -r -a bpf_flags <<<"-std=gnu11 -O2 -target bpf -mcpu=v3 -D__TARGET_ARCH_x86 -I. -Ivmlinux \
	-Wno-missing-declarations"

# nothing COMMAND...: the command has nothing to say
nothing() {
	local output
	output=$("$@" 2>&1)
	[ -z "$output" ] || { echo "$output" && false; }
}

lint_format() {
	local bad
	bad=$(clang-format-14 --dry-run -Werror "${c_files[@]}" 2>&1 |
		sed -n 's/^\([^:]*\):[0-9]*:[0-9]*: error.*/\1/p' | sort -u | tr '\n' ' ')
	is "clang-format has nothing to change (make format does it)" "$bad" ""
}

header_user() { gcc "${user_flags[@]}" -Werror -fsyntax-only -x c "$1"; }
header_bpf() { clang-14 "${bpf_flags[@]}" -x c -fsyntax-only -include vmlinux/vmlinux.h "$1"; }

lint_headers() {
	local header bad=
	for header in "${headers[@]}"; do
		case $header in
		bpf/* | *.bpf.h) header_bpf "$header" ;;
		maps/*) header_user "$header" && header_bpf "$header" ;;
		tests/*) header_user "$header" 2>/dev/null || header_bpf "$header" ;;
		*) header_user "$header" ;;
		esac || bad="$bad $header"
	done 2>"$work/headers"
	if [ -z "$bad" ]; then
		ok "every header compiles alone (${#headers[@]})"
	else
		not_ok "every header compiles alone: not$bad"
		diag "$(head -n 40 "$work/headers")"
	fi
}

tidy_one() { # FILE
	clang-tidy-14 --quiet "$1" -- "${user_flags[@]}" 2>/dev/null
}

lint_tidy() {
	export -f tidy_one
	local flags
	printf -v flags '%q ' "${user_flags[@]}"
	# What the tests' deliberate nonsense would set off is not worth the time.
	printf '%s\n' "${user_sources[@]}" | grep -E '^(loader|ctl)/|^tests/client/' |
		xargs -P 2 -I{} bash -c "user_flags=($flags); tidy_one {}" >"$work/tidy"
	if grep -qE '(error|warning):' "$work/tidy"; then
		not_ok "clang-tidy finds nothing"
		diag "$(grep -A 3 -E '(error|warning):' "$work/tidy" | head -n 120)"
	else
		ok "clang-tidy finds nothing"
	fi
}

lint_shellcheck() {
	check "shellcheck finds nothing (${#scripts[@]} scripts)" \
		shellcheck -x -P SCRIPTDIR "${scripts[@]}"
}

lint_licence() {
	local f want bad=
	for f in "${files[@]}"; do
		case $f in
		bpf/*.[ch] | maps/*.[ch]) want=GPL-2.0-only ;;
		vmlinux/*.h) continue ;;
		*.bpf.[ch] | tests/bench/*.h | tests/bpf/*.h) want='GPL-2.0-(only|or-later)' ;;
		*.[ch] | *.sh | *.py | Makefile | .ci/run | tests/run) want=GPL-2.0-or-later ;;
		*) continue ;;
		esac
		head -n 2 "$f" | grep -qE "SPDX-License-Identifier: $want( |\$)" || bad="$bad $f"
	done
	is "every source names its licence in its first lines" "$bad" ""
}

# What may not be in the tree: promises instead of code, dead code, paths of one machine.
lint_words() {
	local text
	mapfile -t text < <(pick -v '^(tests/lint\.sh|vmlinux/|tests/fuzz/corpus/|tests/vectors/)')
	check "no promises of later work" nothing \
		grep -nE '\b(TODO|FIXME|XXX|HACK)\b|not implemented|unimplemented' "${text[@]}"
	check "no commented-out code" nothing \
		grep -nE '^#if 0|^[[:space:]]*//.*;[[:space:]]*$' "${c_files[@]}"
	check "no path of one machine" nothing grep -nE '(^|[^a-z0-9.])/(work|farm|home/[a-z]+|root)/' "${text[@]}"
	check "no trailing white space" nothing grep -nE '[[:space:]]+$' "${c_files[@]}" "${scripts[@]}"
}

lint_functions() {
	local f
	for f in "${c_files[@]}"; do
		awk -v f="$f" '
			/^[A-Za-z_].*\(/ && !/;[ \t]*$/ { name = $0 }
			/^\{/ { start = NR }
			/^\}/ { if (start && NR - start > 80)
					print f ":" start ": " NR - start " lines: " substr(name, 1, 60)
				start = 0 }' "$f"
	done >"$work/long"
	check "no function of over 80 lines" nothing cat "$work/long"
}

lint_pages() {
	local pages
	mapfile -t pages < <(pick '\.[158]$')
	if [ ${#pages[@]} = 0 ]; then
		not_ok "there are manual pages"
		return
	fi
	check "mandoc finds nothing in ${#pages[@]} manual pages" mandoc -Tlint -W warning "${pages[@]}"
}

lint_docs() {
	local name bad=
	while IFS= read -r name; do
		grep -qF -- "$name" docs/*.md || bad="$bad $name"
	done < <(sed -n 's/^[[:space:]]*X([0-9]*, [A-Z0-9_]*, "\([a-z-]*\)".*/\1/p' maps/verdicts.h)
	is "the documentation names every verdict" "$bad" ""
	bad=
	local page link
	while IFS= read -r page; do
		while IFS= read -r link; do
			link=${link%%#*}
			[ -z "$link" ] || [ -e "$(dirname "$page")/$link" ] || bad="$bad $page:$link"
		done < <(grep -oE '\]\([^)]+\)' "$page" | sed 's/^](//; s/)$//' | grep -vE '^(https?:|mailto:)')
	done < <(pick '\.md$')
	is "links between documents lead somewhere" "$bad" ""
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ] || set -- format headers shellcheck licence words functions pages docs tidy
for name in "$@"; do "lint_$name"; done
tap_done
