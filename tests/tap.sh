# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
# TAP for test scripts: each named case is one "ok", "not ok" or "# SKIP" line. A script
# ends with tap_done, which writes the plan; tests/run counts a script that dies before
# it as failed.

tap_count=0
tap_failures=0

ok() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $*"
}

not_ok() {
	tap_count=$((tap_count + 1))
	tap_failures=$((tap_failures + 1))
	echo "not ok $tap_count - $*"
}

# skip NAME REASON
skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

# Lines for the reader, not counted.
diag() {
	local line
	while IFS= read -r line; do echo "# $line"; done <<<"$*"
}

# Runs a command in this shell (it may set variables); what it printed is in $tap_said.
tap_said=
tap_try() {
	local file status
	file=$(mktemp)
	"$@" >"$file" 2>&1
	status=$?
	tap_said=$(cat "$file")
	rm -f "$file"
	return $status
}

# check NAME COMMAND...: ok when the command succeeds; what it printed follows a failure.
check() {
	local name=$1
	shift
	if tap_try "$@"; then
		ok "$name"
	else
		not_ok "$name"
		diag "command: $*"
		diag "$tap_said"
		return 1
	fi
}

# check_not NAME COMMAND...: ok when the command fails.
check_not() {
	local name=$1
	shift
	if tap_try "$@"; then
		not_ok "$name"
		diag "succeeded: $*"
		diag "$tap_said"
		return 1
	else
		ok "$name"
	fi
}

# is NAME GOT WANTED
is() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		diag "got:    $2"
		diag "wanted: $3"
		return 1
	fi
}

# becomes NAME WANTED COMMAND...: what the command prints is that, at once or within 5 s. For
# what is counted a moment after its cause: ping ends two round trips after its last echo,
# whether or not a busy machine has carried that one.
becomes() {
	local name=$1 wanted=$2 until=$((SECONDS + 5)) got
	shift 2
	until got=$("$@") && [ "$got" = "$wanted" ]; do
		[ $SECONDS -lt $until ] || break
		sleep 0.1
	done
	is "$name" "$got" "$wanted"
}

# has NAME TEXT REGEX: the text holds a match of the extended regular expression.
has() {
	if grep -qE -- "$3" <<<"$2"; then
		ok "$1"
	else
		not_ok "$1"
		diag "no match of $3 in:"
		diag "$2"
		return 1
	fi
}

# Call `|| true` after the helpers above where `set -e` is on and the test goes on.
tap_done() {
	echo "1..$tap_count"
	[ "$tap_failures" = 0 ]
}
